/*
 * drop.c
 *		Dropping a set of books, with all that its owner has in its schemas.
 */
#include "finance.h"

#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "books.h"
#include "keeper.h"

PG_FUNCTION_INFO_V1(finance_drop_books);

/* Refuse (2BP01) to drop what stands in a schema of books and is not theirs. */
static void
refuse_stranger(const Books *books, Oid schema, const ObjectAddress *object, Oid extension)
{
	char	   *what = getObjectDescription(object, true);

	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("books \"%s\" cannot be dropped: their schema holds what is not theirs",
					books->name),
			 OidIsValid(extension) ?
			 errdetail("Schema \"%s\" holds %s of extension \"%s\".",
					   get_namespace_name(schema), what, get_extension_name(extension)) :
			 errdetail("Schema \"%s\" holds %s of \"%s\".", get_namespace_name(schema),
					   what, finance_books_role_name(finance_books_object_owner(object))),
			 errhint("Move it to another schema, or drop it, first.")));
}

/*
 * Add one of the two schemas and all that stands in it to what is dropped.  In
 * the schema of the extension that is what does not belong to the extension.
 */
static void
add_schema(const Books *books, Oid schema, ObjectAddresses *doomed)
{
	ListCell   *cell;
	ObjectAddress address;

	foreach(cell, finance_books_contents(schema))
	{
		ObjectAddress *object = (ObjectAddress *) lfirst(cell);
		Oid			extension = object->classId == ExtensionRelationId ?
			object->objectId : getExtensionOfObject(object->classId, object->objectId);
		Oid			owner = finance_books_object_owner(object);

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(extension) && extension == books->extension)
			continue;
		if (OidIsValid(extension) || (OidIsValid(owner) && owner != books->owner))
			refuse_stranger(books, schema, object, extension);
		add_exact_object_address(object, doomed);
	}
	if (schema == books->code)
		return;
	ObjectAddressSet(address, NamespaceRelationId, schema);
	add_exact_object_address(&address, doomed);
}

/* DROP SCHEMA as a parse tree: what event triggers are told. */
static Node *
drop_statement(const Books *books)
{
	DropStmt   *statement = makeNode(DropStmt);

	statement->removeType = OBJECT_SCHEMA;
	statement->objects = list_make1(makeString(books->name));
	statement->behavior = DROP_RESTRICT;
	return (Node *) statement;
}

/*
 * Drop it all at once, so that what depends on one another goes together, and
 * what depends on it from outside keeps everything in place.
 */
static void
drop_doomed(const Books *books, const ObjectAddresses *doomed)
{
	Node	   *statement = drop_statement(books);
	MemoryContext context = CurrentMemoryContext;
	bool		tells = EventTriggerBeginCompleteQuery();

	PG_TRY();
	{
		EventTriggerDDLCommandStart(statement);
		performMultipleDeletions(doomed, DROP_RESTRICT, 0);
		EventTriggerSQLDrop(statement);
		EventTriggerDDLCommandEnd(statement);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		if (tells)
			EventTriggerEndCompleteQuery();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode != ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
			ReThrowError(error);
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("books \"%s\" cannot be dropped: other objects depend on them",
						books->name),
				 error->detail != NULL ? errdetail("%s", error->detail) : 0,
				 errhint("Drop those objects, or take the books out of them, first.")));
	}
	PG_END_TRY();
	if (tells)
		EventTriggerEndCompleteQuery();
}

/*
 * drop_books(name text, confirm text) -> text: remove a set of books, both its
 * schemas with all that its owner has in them, and return its name.  Of books in
 * the schema of the extension the schema stays, and the extension.
 *
 * Raises 42704 when there are no such books, 42501 unless the caller owns them,
 * 22023 when confirm is not their name, 23001 when it is missing and something
 * is posted in their ledger, 2BP01 when other objects depend on them or others'
 * objects stand in their schemas.
 */
Datum
finance_drop_books(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *confirm;
	Books	   *books;
	ObjectAddresses *doomed;
	Acting		before;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	confirm = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	PreventCommandIfReadOnly("drop_books()");

	books = finance_books_find_own(name, fcinfo->flinfo->fn_oid);
	if (confirm != NULL && strcmp(confirm, name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" does not confirm that books \"%s\" are dropped", confirm, name),
				 errhint("Repeat the name of the books as the second argument.")));

	finance_books_act_as(books->owner, &before);
	if (confirm == NULL && finance_books_hold_entries(books))
		ereport(ERROR,
				(errcode(ERRCODE_RESTRICT_VIOLATION),
				 errmsg("books \"%s\" hold a ledger", name),
				 errdetail("What is posted there would be lost."),
				 errhint("Take a dump, then confirm by the name: finance.drop_books(%s, %s).",
						 quote_literal_cstr(name), quote_literal_cstr(name))));
	doomed = new_object_addresses();
	add_schema(books, books->schema, doomed);
	if (OidIsValid(books->internal) && books->internal_owner == books->owner)
		add_schema(books, books->internal, doomed);
	drop_doomed(books, doomed);
	CommandCounterIncrement();
	finance_books_act_as_before(&before);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
