/*
 * books.c
 *		Sets of books: making, upgrading and listing them; drop.c drops them.
 *
 * The extension installs code; a set of books is ordinary tables, views and
 * functions in one schema, with its internal functions in a second one, both
 * owned by whoever made them.  Tables of an extension would lose the users' own
 * columns and fire their triggers again when a dump is restored; ordinary ones
 * do neither.  Books are found by the trigger that guards their ledger, so
 * there is no registry to go stale.
 *
 * Whatever is done to books is done as their owner, in a security-restricted
 * operation, and only when their owner asks for it.
 */
#include "finance.h"

#include "access/xact.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "books.h"
#include "keeper.h"

PG_FUNCTION_INFO_V1(finance_create_books);
PG_FUNCTION_INFO_V1(finance_upgrade_books);
PG_FUNCTION_INFO_V1(finance_books);

/* Refuse (0A000) a database that cannot hold the texts of the books. */
static void
check_encoding(void)
{
	if (GetDatabaseEncoding() == PG_UTF8)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("books need a database of encoding UTF8, this one has %s",
					pg_encoding_to_char(GetDatabaseEncoding())),
			 errhint("CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0 makes one.")));
}

/* Refuse (3F000) names that no set of books can have. */
static void
check_name(const char *name)
{
	const char *why = NULL;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN || strncmp(name, "pg_", 3) == 0)
		why = psprintf("Name a schema of 1 to %d bytes that does not begin with \"pg_\".",
					   NAMEDATALEN - 1);
	else if (strcmp(name, "information_schema") == 0)
		why = "It belongs to PostgreSQL; name a schema of its own for the books.";
	else if (strcmp(name, "public") == 0)
		why = "Everybody's things are there; name a schema of its own for the books.";
	else if (strcmp(name, "$user") == 0)
		why = "In a search path it means the schema of whoever asks; name another one.";
	if (why != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_SCHEMA_NAME),
				 errmsg("\"%s\" cannot be the name of a set of books", name),
				 errhint("%s", why)));
}

/* Refuse (42704) a name that no books have. */
static void
check_there(const Books *books)
{
	if (!OidIsValid(books->ledger))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there are no books \"%s\"", books->name),
				 errhint("finance.books() lists the books of this database.")));
}

/* Find books that must be there and the caller's; lock them. */
Books *
finance_books_find_own(const char *name, Oid function)
{
	Books	   *books = finance_books_find(name, function);

	check_there(books);
	finance_books_check_owner(books);
	finance_books_lock(books);
	finance_books_look_again(books);
	check_there(books);
	return books;
}

/*
 * create_books(name text) -> text: make a set of books in the schema named,
 * creating the schema where it is missing.  Returns the schema's name.  The
 * books belong to the schema's owner.
 *
 * Raises 0A000 when the database is not UTF8, 3F000 for a name or a schema that
 * cannot hold books, 42501 for a schema that is not the caller's alone, 42P06
 * when the schema for internal functions is taken, and 42710 when the books are
 * there, or when the schema holds other objects of the names that books need.
 */
Datum
finance_create_books(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Books	   *books;
	Acting		before;

	check_encoding();
	check_name(name);
	PreventCommandIfReadOnly("create_books()");

	finance_books_lock_name(name, fcinfo->flinfo->fn_oid);
	books = finance_books_find(name, fcinfo->flinfo->fn_oid);
	if (OidIsValid(books->ledger))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("books \"%s\" exist already", name),
				 errhint("Bring them up to date with finance.upgrade_books(%s), or name another schema.",
						 quote_literal_cstr(name))));
	if (OidIsValid(books->schema))
	{
		finance_books_check_owner(books);
		finance_books_lock(books);
		finance_books_check_schema(books);
		finance_books_check_room(books);
	}
	finance_books_make_schemas(books);
	finance_books_check_path(books);

	finance_books_act_as(books->owner, &before);
	finance_books_run_script(books, TABLES_FILE);
	finance_books_run_script(books, ANEW_FILE);
	finance_books_run_script(books, CODE_FILE);
	finance_books_act_as_before(&before);

	finance_books_look_again(books);
	if (!OidIsValid(books->ledger))
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("the books were not made in schema \"%s\"", name),
				 errhint("See which event trigger of this database moves or changes new tables.")));
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* Write down the version that a set of books has reached; run as its owner. */
static void
set_version(const Books *books, const char *version)
{
	finance_books_run_command(psprintf("UPDATE %s.setting SET version = %s",
							   quote_identifier(books->name), quote_literal_cstr(version)));
}

/* Run one step of an upgrade as the owner; returns the version it leads to. */
static char *
run_step(const Books *books, const char *version)
{
	char	   *next_version;
	char	   *step = finance_books_next_step(version, &next_version);
	Acting		before;

	if (step == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("books \"%s\" of version %s cannot be brought to version %s",
						books->name, version, FINANCE_VERSION),
				 errdetail("No file \"%s%s--….sql\" is installed.",
						   BOOKS_FILE_PREFIX, version),
				 errhint("Install the version of the extension that made these books, or a newer one.")));
	finance_books_act_as(books->owner, &before);
	finance_books_run_script(books, step);
	set_version(books, next_version);
	finance_books_act_as_before(&before);
	CommandCounterIncrement();
	return next_version;
}

/* The version of books whose owner asks for it; refused (23001) without one. */
static char *
check_version(const Books *books)
{
	char	   *version = finance_books_version(books, books->owner, true);

	if (version == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("books \"%s\" have lost their version", books->name),
				 errdetail("Table \"%s.setting\" must be a plain table of one row, "
						   "without rules, row security and inheritance.",
						   books->name)));
	return version;
}

/* Run the steps that lead from a version to the installed one. */
static void
run_steps(const Books *books, char *version)
{
	List	   *passed = NIL;
	ListCell   *cell;

	while (strcmp(version, FINANCE_VERSION) != 0)
	{
		foreach(cell, passed)
			if (strcmp(lfirst(cell), version) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("the installed steps of the books go round in a circle"),
						 errdetail("They came to version %s again.", version),
						 errhint("Install the extension's files again.")));
		passed = lappend(passed, version);
		version = run_step(books, version);
	}
}

/* Run one installed script as the owner of the books. */
static void
run_as_owner(const Books *books, const char *file)
{
	Acting		before;

	finance_books_act_as(books->owner, &before);
	finance_books_run_script(books, file);
	finance_books_act_as_before(&before);
	CommandCounterIncrement();
}

/*
 * upgrade_books(name text) -> text: drop the functions, views and triggers of
 * the books, run the steps that lead their tables to the installed version, make
 * all that works on them anew, and return that version.  Books that are up to
 * date stay as they are.
 *
 * Raises 42704 when there are no such books, 42501 unless the caller owns them,
 * 0A000 when no way leads to the installed version, 23001 when the version of
 * the books cannot be read, 2BP01 when what changes has objects of users hanging
 * on it, 55P03 when others never stop writing.
 */
Datum
finance_upgrade_books(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Books	   *books;
	char	   *version;

	check_encoding();
	PreventCommandIfReadOnly("upgrade_books()");
	books = finance_books_find_own(name, fcinfo->flinfo->fn_oid);
	version = check_version(books);
	if (strcmp(version, FINANCE_VERSION) != 0)
	{
		/* books of older versions may have no internal schema */
		finance_books_make_schemas(books);
		finance_books_check_path(books);
		run_as_owner(books, ANEW_FILE);
		run_steps(books, version);
		version = check_version(books);
		if (strcmp(version, FINANCE_VERSION) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_RESTRICT_VIOLATION),
					 errmsg("books \"%s\" stayed at version %s", name, version),
					 errhint("See which trigger on table \"setting\" keeps its version.")));
		run_as_owner(books, CODE_FILE);
	}
	PG_RETURN_TEXT_P(cstring_to_text(FINANCE_VERSION));
}

/*
 * books() -> setof (books text, version text, owner text): the sets of books
 * of this database.  The version is NULL where the caller may not read it, or
 * where it cannot be read from a plain table at once.
 */
Datum
finance_books(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	foreach(cell, finance_books_find_all(fcinfo->flinfo->fn_oid))
	{
		Books	   *books = (Books *) lfirst(cell);
		char	   *version = finance_books_version(books, GetUserId(), false);
		Datum		values[3];
		bool		nulls[3] = {false, version == NULL, false};

		values[0] = CStringGetTextDatum(books->name);
		values[1] = version != NULL ? CStringGetTextDatum(version) : (Datum) 0;
		values[2] = CStringGetTextDatum(finance_books_role_name(books->owner));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
