/*
 * books.c
 *		Sets of books: making, upgrading and listing them.
 *
 * The extension installs code; a set of books is ordinary tables, views and
 * functions in one schema, owned by whoever made them.  Tables of an extension
 * would lose the users' own columns and fire their triggers again when a dump
 * is restored; ordinary ones do neither.  Books are found by the trigger that
 * guards their ledger, so there is no registry to go stale.
 */
#include "finance.h"

#include <dirent.h>
#include <sys/stat.h>

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#define BOOKS_FILE_PREFIX "finance-books--"
#define BOOKS_SCRIPT_BYTES_MAX (16 * 1024 * 1024)	/* no script of ours comes near */

/* The schemas whose "entry" table our trigger guards. */
#define BOOKS_QUERY \
	"SELECT n.nspname::text, n.oid, pg_catalog.pg_get_userbyid(n.nspowner)::text" \
	"  FROM pg_catalog.pg_trigger t" \
	"  JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid" \
	"  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace" \
	" WHERE t.tgname = 'entry_append_only' AND c.relname = 'entry'" \
	"   AND t.tgfoid = 'finance.refuse_change()'::pg_catalog.regprocedure" \
	"   AND ($1 IS NULL OR n.nspname::text = $1)" \
	" ORDER BY 1"

/*
 * The settings under which a script of the books runs, whatever its caller
 * chose: what it holds would be read in another way, or be another table.
 */
static const char *const script_settings[][2] = {
	{"client_min_messages", "warning"},
	{"check_function_bodies", "on"},
	{"standard_conforming_strings", "on"},
	{"DateStyle", "ISO, YMD"},
	{"IntervalStyle", "postgres"},
	{"TimeZone", "UTC"},
	{"bytea_output", "hex"},
	{"array_nulls", "on"},
	{"transform_null_equals", "off"},
	{"quote_all_identifiers", "off"},
	{"default_table_access_method", "heap"},
};

static char *books_directory(void);
static char *read_books_script(const char *file_name);
static void run_books_script(const char *schema, const char *script);
static bool books_exist(const char *schema);
static char *books_version(const char *schema);
static char *next_step(const char *version, char **next_version);

PG_FUNCTION_INFO_V1(finance_create_books);
PG_FUNCTION_INFO_V1(finance_upgrade_books);
PG_FUNCTION_INFO_V1(finance_books);

/*
 * create_books(name text) -> text: make a set of books in the schema named,
 * creating the schema where it is missing.  Returns the schema's name.
 * Raises duplicate_object when the books are there, or when the schema holds
 * other objects of the names that the books need.
 */
Datum
finance_create_books(PG_FUNCTION_ARGS)
{
	char	   *schema = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *script;

	if (schema[0] == '\0' || strlen(schema) >= NAMEDATALEN ||
		strncmp(schema, "pg_", 3) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_SCHEMA_NAME),
				 errmsg("\"%s\" cannot be the name of a set of books", schema),
				 errhint("Name a schema of 1 to %d bytes that does not begin with \"pg_\".",
						 NAMEDATALEN - 1)));

	script = read_books_script(BOOKS_FILE_PREFIX FINANCE_VERSION ".sql");

	SPI_connect();
	if (books_exist(schema))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("books \"%s\" exist already", schema),
				 errhint("Bring them up to date with finance.upgrade_books('%s'), or name another schema.",
						 schema)));
	if (!OidIsValid(get_namespace_oid(schema, true)))
		SPI_execute(psprintf("CREATE SCHEMA %s", quote_identifier(schema)), false, 0);
	run_books_script(schema, script);
	SPI_finish();

	PG_RETURN_TEXT_P(cstring_to_text(schema));
}

/*
 * upgrade_books(name text) -> text: run the steps that lead the books to the
 * installed version, and return that version.  Books that are up to date stay
 * as they are.
 */
Datum
finance_upgrade_books(PG_FUNCTION_ARGS)
{
	char	   *schema = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *version;

	SPI_connect();
	if (!books_exist(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there are no books \"%s\"", schema),
				 errhint("finance.books() lists the books of this database.")));

	version = books_version(schema);
	while (strcmp(version, FINANCE_VERSION) != 0)
	{
		char	   *next_version;
		char	   *step = next_step(version, &next_version);

		if (step == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("books \"%s\" of version %s cannot be brought to version %s",
							schema, version, FINANCE_VERSION),
					 errdetail("No file \"%s%s--….sql\" is installed.",
							   BOOKS_FILE_PREFIX, version),
					 errhint("Install the version of the extension that made these books, or a newer one.")));
		run_books_script(schema, read_books_script(step));
		SPI_execute(psprintf("UPDATE %s.setting SET version = %s",
							 quote_identifier(schema), quote_literal_cstr(next_version)),
					false, 0);
		version = next_version;
	}
	SPI_finish();

	PG_RETURN_TEXT_P(cstring_to_text(FINANCE_VERSION));
}

/*
 * books() -> setof (books text, version text, owner text): the sets of books
 * of this database.  The version is NULL where the caller may not read it.
 */
Datum
finance_books(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			argtypes[1] = {TEXTOID};
	Datum		args[1] = {(Datum) 0};
	SPITupleTable *found;
	uint64		nfound;

	InitMaterializedSRF(fcinfo, 0);

	SPI_connect();
	SPI_execute_with_args(BOOKS_QUERY, 1, argtypes, args, "n", true, 0);
	found = SPI_tuptable;
	nfound = SPI_processed;

	for (uint64 i = 0; i < nfound; i++)
	{
		char	   *schema = SPI_getvalue(found->vals[i], found->tupdesc, 1);
		char	   *owner = SPI_getvalue(found->vals[i], found->tupdesc, 3);
		Oid			setting = get_relname_relid("setting", get_namespace_oid(schema, false));
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		values[0] = CStringGetTextDatum(schema);
		nulls[1] = pg_class_aclcheck(setting, GetUserId(), ACL_SELECT) != ACLCHECK_OK;
		values[1] = nulls[1] ? (Datum) 0 : CStringGetTextDatum(books_version(schema));
		values[2] = CStringGetTextDatum(owner);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	SPI_finish();

	PG_RETURN_NULL();
}

/* Is there a set of books in this schema? */
static bool
books_exist(const char *schema)
{
	Oid			argtypes[1] = {TEXTOID};
	Datum		args[1] = {CStringGetTextDatum(schema)};

	SPI_execute_with_args(BOOKS_QUERY, 1, argtypes, args, NULL, true, 0);
	return SPI_processed > 0;
}

/* Read the version that a set of books carries. */
static char *
books_version(const char *schema)
{
	SPI_execute(psprintf("SELECT version FROM %s.setting", quote_identifier(schema)),
				true, 1);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("books \"%s\" have lost their version", schema),
				 errdetail("Table \"%s.setting\" holds no row.", schema)));
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Where PostgreSQL keeps the files of its extensions. */
static char *
books_directory(void)
{
	char		share[MAXPGPATH];

	get_share_path(my_exec_path, share);
	return psprintf("%s/extension", share);
}

/* Read one installed script of the books whole. */
static char *
read_books_script(const char *file_name)
{
	char	   *path = psprintf("%s/%s", books_directory(), file_name);
	FILE	   *file = AllocateFile(path, PG_BINARY_R);
	struct stat st;
	char	   *script;

	if (file == NULL || fstat(fileno(file), &st) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the books' script \"%s\": %m", path),
				 errhint("Install the extension's files again.")));
	if (st.st_size > BOOKS_SCRIPT_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the books' script \"%s\" is longer than %d bytes",
						path, BOOKS_SCRIPT_BYTES_MAX)));

	script = palloc(st.st_size + 1);
	if (fread(script, 1, st.st_size, file) != (size_t) st.st_size)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read the books' script \"%s\": %m", path)));
	FreeFile(file);
	script[st.st_size] = '\0';
	return script;
}

/*
 * Run a script with the books' schema first in the search path, so that its
 * unqualified names are the books' own, then the extension's, and under the
 * script's settings.
 */
static void
run_books_script(const char *schema, const char *script)
{
	int			guc_level = NewGUCNestLevel();
	MemoryContext context = CurrentMemoryContext;
	char	   *path = strcmp(schema, "finance") == 0 ?
		pstrdup("finance, pg_temp") :
		psprintf("%s, finance, pg_temp", quote_identifier(schema));

	(void) set_config_option("search_path", path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	for (int i = 0; i < lengthof(script_settings); i++)
		(void) set_config_option(script_settings[i][0], script_settings[i][1], PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	PG_TRY();
	{
		SPI_execute(script, false, 0);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_DUPLICATE_TABLE &&
			error->sqlerrcode != ERRCODE_DUPLICATE_OBJECT &&
			error->sqlerrcode != ERRCODE_DUPLICATE_FUNCTION)
		{
			/* the context is the whole script: nobody wants to read that */
			error->context = NULL;
			ReThrowError(error);
		}
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("schema \"%s\" holds other objects of the names that books need", schema),
				 errdetail("PostgreSQL says: %s.", error->message),
				 errhint("Name an empty schema, or move those objects out of this one.")));
	}
	PG_END_TRY();
	AtEOXact_GUC(true, guc_level);
}

/*
 * Find the installed step that leads on from a version; NULL when there is
 * none.  Steps form a line, so the first file that fits is the step.
 */
static char *
next_step(const char *version, char **next_version)
{
	char	   *prefix = psprintf("%s%s--", BOOKS_FILE_PREFIX, version);
	DIR		   *directory = AllocateDir(books_directory());
	struct dirent *file;
	char	   *step = NULL;

	while (step == NULL &&
		   (file = ReadDir(directory, books_directory())) != NULL)
	{
		size_t		length = strlen(file->d_name);

		if (strncmp(file->d_name, prefix, strlen(prefix)) != 0 ||
			length < 4 || strcmp(file->d_name + length - 4, ".sql") != 0)
			continue;
		step = pstrdup(file->d_name);
		*next_version = pnstrdup(step + strlen(prefix), length - strlen(prefix) - 4);
	}
	FreeDir(directory);
	return step;
}
