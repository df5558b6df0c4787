/*
 * make.c
 *		Making the two schemas of a set of books.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "commands/comment.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "books.h"

/* Refuse (42501) who may not create a schema, before PostgreSQL does so briefly. */
static void
check_may_create(const char *name, Oid owner)
{
	char	   *database = get_database_name(MyDatabaseId);
	char	   *user = finance_books_role_name(GetUserId());

	if (finance_database_aclcheck(MyDatabaseId, GetUserId(), ACL_CREATE) == ACLCHECK_OK)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for database %s", database),
			 errdetail("\"%s\" may not create schema \"%s\".", user, name),
			 errhint("Let an administrator GRANT CREATE ON DATABASE %s TO %s, or CREATE SCHEMA %s AUTHORIZATION %s.",
					 quote_identifier(database), quote_identifier(user),
					 quote_identifier(name), quote_identifier(finance_books_role_name(owner)))));
}

/* Create a schema for an owner, with the caller's rights. */
static void
create_schema(const char *name, Oid owner)
{
	check_may_create(name, owner);
	finance_books_run_command(psprintf("CREATE SCHEMA %s AUTHORIZATION %s", quote_identifier(name),
							   quote_identifier(finance_books_role_name(owner))));
}

/* Take from everybody but the owner what is granted on a schema. */
static void
revoke_grants(Oid schema, Oid owner)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	bool		is_default;
	Datum		value;
	Acl		   *acl;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	value = SysCacheGetAttr(NAMESPACEOID, tuple, Anum_pg_namespace_nspacl, &is_default);
	acl = is_default ? NULL : DatumGetAclPCopy(value);
	ReleaseSysCache(tuple);

	for (int i = 0; acl != NULL && i < ACL_NUM(acl); i++)
	{
		Oid			role = ACL_DAT(acl)[i].ai_grantee;

		if (role != owner)
			finance_books_run_command(psprintf("REVOKE ALL ON SCHEMA %s FROM %s CASCADE",
									   quote_identifier(get_namespace_name(schema)),
									   role == ACL_ID_PUBLIC ? "PUBLIC" :
									   quote_identifier(finance_books_role_name(role))));
	}
}

/* Refuse (42P06) a schema of the name that internal functions need. */
static void
check_internal_schema(const Books *books, bool is_new)
{
	bool		is_foreign = books->internal_owner != books->owner;
	char	   *internal = books->internal_name;
	char	   *owner = finance_books_role_name(books->internal_owner);

	if (!is_foreign && !(is_new && finance_books_contents(books->internal) != NIL))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_SCHEMA),
			 errmsg("schema \"%s\", which books \"%s\" need for their internal functions, exists already",
					internal, books->name),
			 is_foreign ?
			 errdetail("It belongs to \"%s\".", owner) :
			 errdetail("It is not empty."),
			 is_foreign ?
			 errhint("Name another schema for the books, or let \"%s\" rename that one.", owner) :
			 errhint("If it is left over from books that are gone, DROP SCHEMA %s CASCADE; "
					 "if not, name another schema for the books.",
					 quote_identifier(internal))));
}

/*
 * Make what is missing of the two schemas of a set of books: its own, which
 * the caller then owns, and that for its internal functions, where nobody else
 * has rights.  An own schema that is there has been checked before.  Call it
 * with the caller's rights.
 */
void
finance_books_make_schemas(Books *books)
{
	Acting		before;
	bool		is_new = !OidIsValid(books->ledger);

	if (!OidIsValid(books->schema))
	{
		create_schema(books->name, GetUserId());
		finance_books_look_again(books);
	}
	if (OidIsValid(books->internal))
		check_internal_schema(books, is_new);
	else
	{
		create_schema(books->internal_name, books->owner);
		finance_books_look_again(books);
	}

	finance_books_act_as(books->owner, &before);
	CreateComments(books->internal, NamespaceRelationId, 0,
				   psprintf("internal functions of the books \"%s\"", books->name));
	if (is_new)
		revoke_grants(books->internal, books->owner);
	CommandCounterIncrement();
	finance_books_act_as_before(&before);
}
