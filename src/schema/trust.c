/*
 * trust.c
 *		Who may make books where, and who else could run code there.
 *
 * What stands in the search path of books runs with the rights of their owner.
 * So a schema where a role could put something, and whose word is not as good
 * as the owner's, holds no books.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_statistic_ext.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "books.h"

/* The owner of this database. */
static Oid
database_owner(void)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(MyDatabaseId));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for database %u", MyDatabaseId);
	owner = ((Form_pg_database) GETSTRUCT(tuple))->datdba;
	ReleaseSysCache(tuple);
	return owner;
}

/* Has a role all that another has, and could it become that one? */
static bool
is_as_good(Oid role, Oid other)
{
	return has_privs_of_role(role, other) && finance_can_become(role, other);
}

/*
 * May a role put code where it runs with the rights of the books' owner?  Only
 * one that has those rights anyway.  The database's owner may decide what runs
 * in every session of other plain users (ALTER DATABASE SET), so for the schema
 * of the extension he is good enough for them, and never for a superuser.
 */
static bool
is_trusted(Oid role, Oid owner, bool with_database_owner)
{
	if (role == ROLE_PG_DATABASE_OWNER)
		role = database_owner();
	if (role == owner || superuser_arg(role) || is_as_good(role, owner))
		return true;
	return with_database_owner && role == database_owner() && !superuser_arg(owner);
}

/*
 * Refuse (42501) whoever does not own the schema.  A superuser has every right
 * and is refused all the same: what belongs to others does not run for him.
 * Only another superuser's books are as good as his own; and in the schema of
 * the extension he may make books, which its owner then has.
 */
void
finance_books_check_owner(const Books *books)
{
	Oid			user = GetUserId();
	bool		is_superuser = superuser();
	char	   *owner = finance_books_role_name(books->owner);

	if (user == books->owner ||
		(!is_superuser && is_as_good(user, books->owner)) ||
		(is_superuser && superuser_arg(books->owner)) ||
		(is_superuser && finance_books_is_own_code(books) && !OidIsValid(books->ledger)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 OidIsValid(books->ledger) ?
			 errmsg("books \"%s\" belong to \"%s\"", books->name, owner) :
			 errmsg("schema \"%s\" belongs to \"%s\"", books->name, owner),
			 errdetail("Books are made, upgraded and dropped by the owner of their schema alone."),
			 is_superuser ?
			 errhint("SET ROLE %s first.", quote_identifier(owner)) :
			 OidIsValid(books->ledger) ?
			 errhint("Ask \"%s\" to do it.", owner) :
			 errhint("Name a schema of your own, as in finance.create_books('my_books').")));
}

/* Refuse (42501) a schema where a role that is not trusted may create. */
static void
check_grants(Oid schema, Oid owner, bool is_code)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Datum		value;
	bool		is_default;
	Acl		   *acl;
	char	   *name = get_namespace_name(schema);

	if (!HeapTupleIsValid(tuple))
		return;					/* gone; whoever uses it will say so */
	value = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &is_default);
	acl = is_default ? NULL : DatumGetAclPCopy(value);
	ReleaseSysCache(tuple);

	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
	{
		AclItem    *item = &ACL_DAT(acl)[i];
		bool		is_public = item->ai_grantee == ACL_ID_PUBLIC;

		if (!(ACLITEM_GET_PRIVS(*item) & ACL_CREATE) ||
			(!is_public && is_trusted(item->ai_grantee, owner, is_code)))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 is_public ?
				 errmsg("everybody may create in schema \"%s\"", name) :
				 errmsg("\"%s\" may create in schema \"%s\"",
						finance_books_role_name(item->ai_grantee), name),
				 errdetail("What is put there runs with the rights of \"%s\", who owns the books.",
						   finance_books_role_name(owner)),
				 errhint("REVOKE CREATE ON SCHEMA %s FROM %s%s.", quote_identifier(name),
						 is_public ? "PUBLIC" :
						 quote_identifier(finance_books_role_name(item->ai_grantee)),
						 is_code ? "" : ", or name another schema")));
	}
}

/* Refuse (42501) a schema that holds something of a role that is not trusted. */
static void
check_strangers(Oid schema, Oid owner, bool is_code)
{
	ListCell   *cell;

	foreach(cell, finance_books_contents(schema))
	{
		ObjectAddress *object = (ObjectAddress *) lfirst(cell);
		Oid			role = finance_books_object_owner(object);

		CHECK_FOR_INTERRUPTS();
		/* an extension's members speak for themselves */
		if (!OidIsValid(role) || object->classId == ExtensionRelationId ||
			is_trusted(role, owner, is_code))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\" holds an object of \"%s\"",
						get_namespace_name(schema), finance_books_role_name(role)),
				 errdetail("It is %s; what is there runs with the rights of \"%s\", who owns the books.",
						   getObjectDescription(object, true), finance_books_role_name(owner)),
				 is_code ?
				 errhint("Move it out of that schema, or drop it.") :
				 errhint("Move it out of that schema, or name another schema.")));
	}
}

/* Refuse (42501) a schema of books where somebody else decides what runs. */
void
finance_books_check_schema(const Books *books)
{
	check_grants(books->schema, books->owner, false);
	check_strangers(books->schema, books->owner, false);
}

/*
 * Refuse (42501) books where somebody else decides what runs in any schema of
 * their search path: their own two and that of the extension.
 */
void
finance_books_check_path(const Books *books)
{
	Oid			code_owner = finance_books_schema_owner(books->code);
	char	   *code_name = get_namespace_name(books->code);

	finance_books_check_schema(books);
	check_grants(books->internal, books->owner, false);
	check_strangers(books->internal, books->owner, false);
	if (finance_books_is_own_code(books))
		return;

	if (!is_trusted(code_owner, books->owner, true))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("schema \"%s\", which holds the extension, belongs to \"%s\"",
						code_name, finance_books_role_name(code_owner)),
				 errdetail("What is put there runs with the rights of \"%s\", who owns the books.",
						   finance_books_role_name(books->owner)),
				 errhint("Let a superuser own it: ALTER SCHEMA %s OWNER TO ….",
						 quote_identifier(code_name))));
	check_grants(books->code, books->owner, true);
	check_strangers(books->code, books->owner, true);
}

/*
 * Refuse (3F000) a schema that holds functions, operators, types or other code
 * before the books come: it would be found before the extension's.  Tables of
 * the owner may stay; a name that the books need shows when they are made.
 */
void
finance_books_check_room(const Books *books)
{
	ListCell   *cell;

	foreach(cell, finance_books_contents(books->schema))
	{
		ObjectAddress *object = (ObjectAddress *) lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (object->classId == RelationRelationId ||
			object->classId == StatisticExtRelationId ||
			object->classId == ExtensionRelationId ||
			(OidIsValid(books->extension) &&
			 getExtensionOfObject(object->classId, object->objectId) == books->extension))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_SCHEMA_NAME),
				 errmsg("schema \"%s\" holds code of its own", books->name),
				 errdetail("It holds %s, which the books could take for theirs.",
						   getObjectDescription(object, true)),
				 errhint("Name an empty schema, or move it out of this one.")));
	}
}
