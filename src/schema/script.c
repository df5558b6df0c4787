/*
 * script.c
 *		Running the books' SQL: as the owner of the books, under settings that
 *		do not depend on the session, so that the same books come out of it
 *		whoever makes them.
 */
#include "finance.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/elog.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "books.h"

/*
 * What a statement means, or what is kept of it, hangs on these.  Where things
 * are stored (default_tablespace and the like) and how long a statement may
 * take stays with the session.
 */
static const char *const script_settings[][2] = {
	{"array_nulls", "on"},
	{"backslash_quote", "safe_encoding"},
	{"bytea_output", "hex"},
	{"check_function_bodies", "on"},
	{"DateStyle", "ISO, YMD"},
	{"default_text_search_config", "pg_catalog.simple"},
	{"escape_string_warning", "off"},
	{"extra_float_digits", "1"},
	{"IntervalStyle", "postgres"},
	{"jit", "off"},
	{"lc_monetary", "C"},
	{"lc_numeric", "C"},
	{"lc_time", "C"},
	{"plpgsql.check_asserts", "on"},
	{"plpgsql.extra_errors", "none"},
	{"plpgsql.extra_warnings", "none"},
	{"plpgsql.print_strict_params", "off"},
	{"plpgsql.variable_conflict", "error"},
	{"quote_all_identifiers", "off"},
	{"restrict_nonsystem_relation_kind", ""},
	{"row_security", "on"},
	{"session_replication_role", "origin"},
	{"standard_conforming_strings", "on"},
	{"TimeZone", "UTC"},
	{"timezone_abbreviations", "Default"},
	{"transform_null_equals", "off"},
	{"xmlbinary", "base64"},
	{"xmloption", "content"},
};

/* Set one setting until the present nest level of settings ends. */
static void
pin_setting(const char *name, const char *value)
{
	/* not every minor version has every setting */
	if (GetConfigOption(name, true, false) == NULL)
		return;
	/* PGC_SUSET: it is we who set it, not the caller, who may lack the right */
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/*
 * Act as the owner of some books, in a security-restricted operation: nothing
 * that runs there can take the caller's identity again or leave anything in the
 * session.  Names are looked up in pg_catalog alone.  Undone at an error, or by
 * finance_books_act_as_before().
 */
void
finance_books_act_as(Oid owner, Acting *before)
{
	GetUserIdAndSecContext(&before->user, &before->sec_context);
	SetUserIdAndSecContext(owner, before->sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	before->guc_level = NewGUCNestLevel();
	pin_setting("search_path", "pg_catalog, pg_temp");
}

void
finance_books_act_as_before(const Acting *before)
{
	AtEOXact_GUC(false, before->guc_level);
	SetUserIdAndSecContext(before->user, before->sec_context);
}

/*
 * Run one command of ours, with every name looked up in pg_catalog alone, as
 * whoever we are.
 */
void
finance_books_run_command(const char *command)
{
	int			guc_level = NewGUCNestLevel();

	pin_setting("quote_all_identifiers", "off");
	pin_setting("standard_conforming_strings", "on");
	pin_setting("search_path", "pg_catalog, pg_temp");
	SPI_connect();
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "SPI_execute failed: %s", command);
	SPI_finish();
	AtEOXact_GUC(false, guc_level);
}

/* The line of a script that a byte of it is on. */
static int
line_of(const char *script, int byte)
{
	int			line = 1;

	for (int i = 0; i < byte && script[i] != '\0'; i++)
		line += script[i] == '\n';
	return line;
}

/* Pass over blanks and comments, to where a statement really begins. */
static int
skip_blanks(const char *script, int byte)
{
	for (;;)
	{
		byte += strspn(script + byte, " \t\r\n");
		if (strncmp(script + byte, "--", 2) != 0)
			return byte;
		byte += strcspn(script + byte, "\n");
	}
}

/*
 * Report what went wrong in a script, by the line.  The texts that PostgreSQL
 * adds, the statement and the statements within it, are pages long.
 */
static void
report_script_error(ErrorData *error, const Books *books, const char *file, int line)
{
	if (error->sqlerrcode == ERRCODE_DUPLICATE_TABLE ||
		error->sqlerrcode == ERRCODE_DUPLICATE_OBJECT ||
		error->sqlerrcode == ERRCODE_DUPLICATE_FUNCTION)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("schema \"%s\" holds other objects of the names that books need",
						books->name),
				 errdetail("PostgreSQL says: %s.", error->message),
				 errhint("Name an empty schema, or move those objects out of this one.")));

	if (error->sqlerrcode == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST ||
		error->sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED)
		error->hint = "Drop what hangs on it, upgrade the books, and make it again.";
	error->context = psprintf("line %d of \"%s\"", line, file);
	error->internalquery = NULL;
	error->internalpos = 0;
	error->cursorpos = 0;
	ReThrowError(error);
}

/* Code of the books that stayed for what hangs on it; upgrade/anew.sql says why. */
typedef struct Kept
{
	char	   *kind;			/* "view" or "function" */
	char	   *name;			/* quoted where it has to be */
	char	   *kept_for;		/* objects of users */
} Kept;

/* What upgrade/anew.sql left; in the caller's memory. */
static List *
read_kept(MemoryContext context)
{
	MemoryContext before;
	List	   *kept = NIL;

	if (SPI_execute("SELECT kind, split_part(object, '(', 1), kept_for FROM code_object WHERE kept_for IS NOT NULL",
					false, 0) != SPI_OK_SELECT)	/* not read-only: to see what was just written */
		elog(ERROR, "code_object could not be read");
	before = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Kept	   *one = palloc(sizeof(Kept));

		one->kind = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
		one->name = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2);
		one->kept_for = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3);
		kept = lappend(kept, one);
	}
	MemoryContextSwitchTo(before);
	return kept;
}

/* The kept object that a statement makes anew; NULL: it makes a new one. */
static const Kept *
find_kept(const RawStmt *parsed, List *kept)
{
	const char *kind;
	const char *name;
	ListCell   *cell;

	if (IsA(parsed->stmt, ViewStmt))
	{
		kind = "view";
		name = castNode(ViewStmt, parsed->stmt)->view->relname;
	}
	else if (IsA(parsed->stmt, CreateFunctionStmt))
	{
		kind = "function";
		name = strVal(llast(castNode(CreateFunctionStmt, parsed->stmt)->funcname));
	}
	else
		return NULL;
	foreach(cell, kept)
	{
		const Kept *one = (const Kept *) lfirst(cell);

		if (strcmp(one->kind, kind) == 0 && strcmp(one->name, quote_identifier(name)) == 0)
			return one;
	}
	return NULL;
}

/* What hangs on code that changes is its user's to take away. */
static void
report_kept(const ErrorData *error, const Books *books, const Kept *kept)
{
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("%s %s of the books \"%s\" changes its shape, and objects of yours hang on it",
					kept->kind, kept->name, books->name),
			 errdetail("PostgreSQL says: %s. On it hang: %s.", error->message, kept->kept_for),
			 errhint("Drop those, upgrade the books, and make them again.")));
}

/*
 * Run one statement of a script.  The script says CREATE, so that books are
 * never made over what is there already; what was kept is replaced.
 */
static void
run_statement(const Books *books, const char *file, const char *script,
			  const RawStmt *parsed, const Kept *kept)
{
	static const char *const create = "CREATE ";
	int			start = parsed->stmt_location;
	MemoryContext context = CurrentMemoryContext;
	char	   *statement = parsed->stmt_len > 0 ?
		pnstrdup(script + start, parsed->stmt_len) : pstrdup(script + start);

	if (kept != NULL)
	{
		char	   *rest = statement + skip_blanks(statement, 0);

		Assert(strncmp(rest, create, strlen(create)) == 0);
		statement = psprintf("CREATE OR REPLACE %s", rest + strlen(create));
	}

	PG_TRY();
	{
		if (SPI_execute(statement, false, 0) < 0)
			elog(ERROR, "statement could not be run");
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			byte;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (kept != NULL && (error->sqlerrcode == ERRCODE_INVALID_TABLE_DEFINITION ||
							 error->sqlerrcode == ERRCODE_INVALID_FUNCTION_DEFINITION))
			report_kept(error, books, kept);
		byte = skip_blanks(script, start);
		if (error->internalpos > 0 && error->internalquery != NULL &&
			strcmp(error->internalquery, statement) == 0)
			byte = Max(byte, start + pg_mbcharcliplen(statement, strlen(statement),
													  error->internalpos - 1));
		report_script_error(error, books, file, line_of(script, byte));
	}
	PG_END_TRY();
	SPI_freetuptable(SPI_tuptable);
	pfree(statement);
}

/* Set what the script reads from the session, and the path of the books. */
static void
pin_script_settings(const Books *books)
{
	const char *internal;

	/* its settings are only checked once it is there */
	(void) load_external_function("$libdir/plpgsql", "plpgsql_call_handler", true, NULL);
	for (int i = 0; i < lengthof(script_settings); i++)
		pin_setting(script_settings[i][0], script_settings[i][1]);

	/* nobody wants to read 1 000 notices, here or in the log */
	if (client_min_messages < WARNING)
		pin_setting("client_min_messages", "warning");
	if (log_min_messages < WARNING)
		pin_setting("log_min_messages", "warning");

	internal = quote_identifier(books->internal_name);
	pin_setting("search_path",
				books->schema == books->code ?
				psprintf("%s, %s, pg_temp", quote_identifier(books->name), internal) :
				psprintf("%s, %s, %s, pg_temp", quote_identifier(books->name), internal,
						 quote_identifier(get_namespace_name(books->code))));
}

/*
 * Run an installed script with the books' schemas first in the search path, so
 * that its unqualified names are the books' own, then the extension's.  Statement
 * by statement, so that an error or a warning has one statement for its context.
 */
void
finance_books_run_script(const Books *books, const char *file)
{
	char	   *script = finance_books_read_script(file);
	int			guc_level = NewGUCNestLevel();
	MemoryContext parsing = AllocSetContextCreate(CurrentMemoryContext, "books' script",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller;
	List	   *kept = NIL;
	ListCell   *cell;

	pin_script_settings(books);
	caller = MemoryContextSwitchTo(parsing);
	SPI_connect();
	if (strcmp(file, CODE_FILE) == 0)
		kept = read_kept(parsing);
	foreach(cell, pg_parse_query(script))
	{
		CHECK_FOR_INTERRUPTS();
		run_statement(books, file, script, lfirst_node(RawStmt, cell),
					  find_kept(lfirst_node(RawStmt, cell), kept));
	}
	SPI_finish();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(parsing);
	AtEOXact_GUC(false, guc_level);
}
