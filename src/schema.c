/*
 * schema.c
 *		The schemas of sets of books: finding, checking, locking and making
 *		them.
 *
 * A schema may be anybody's, and whoever owns it or may create in it can put
 * there what runs when its names are used: views, functions, operators,
 * triggers.  So what is asked of a foreign schema is asked of the system's
 * catalogs in C, without SQL and without a search path; the one row that is
 * read from a foreign table, the version, is read from the heap itself.
 */
#include "finance.h"

#include "access/detoast.h"
#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/dbcommands.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "books.h"

#define LEDGER_TABLE "entry"
#define LEDGER_TRIGGER "entry_append_only"
#define LEDGER_FUNCTION "refuse_change"
#define INTERNAL_SUFFIX "_internal"

/* Beyond these it is no version and no table of ours, and is not read. */
#define VERSION_BYTES_MAX 64
#define SETTING_BLOCKS_MAX 128

/* The name of a role for a message. */
char *
finance_books_role_name(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL ? name : psprintf("%u", role);
}

/* The hash FNV-1a, the same on every machine. */
static uint32
hash_name(const char *name)
{
	uint32		hash = 2166136261u;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char) *c) * 16777619u;
	return hash;
}

/*
 * The name of the schema for the internal functions of a set of books.  Where
 * the suffix does not fit, the first part is cut between two characters, and a
 * hash keeps apart what begins alike.
 */
static char *
internal_name(const char *name)
{
	int			length = strlen(name);
	int			room = NAMEDATALEN - 1 - strlen(INTERNAL_SUFFIX);

	if (length <= room)
		return psprintf("%s" INTERNAL_SUFFIX, name);
	return psprintf("%.*s_%08x" INTERNAL_SUFFIX,
					pg_mbcliplen(name, length, room - 9), name, hash_name(name));
}

/* The owner of a schema; InvalidOid when it is gone. */
static Oid
schema_owner(Oid schema)
{
	return GetSysCacheOid1(NAMESPACEOID, Anum_pg_namespace_nspowner, ObjectIdGetDatum(schema));
}

/* Does our trigger guard this table? */
static bool
is_guarded(Oid table, Oid guard)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(table));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(LEDGER_TRIGGER));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = found || ((Form_pg_trigger) GETSTRUCT(tuple))->tgfoid == guard;
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return found;
}

/*
 * The ledger of the books in a schema; InvalidOid where there are no books.
 *
 * Anybody can make a schema look like books, and gains nothing: such books are
 * listed as those of the schema's owner, and only the owner can have them
 * upgraded or dropped.  In a schema where others may create, a table of theirs
 * does not make it books of the schema's owner.
 */
static Oid
find_ledger(Oid schema, Oid owner, Oid guard)
{
	Oid			ledger = get_relname_relid(LEDGER_TABLE, schema);
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(ledger));
	bool		found;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	found = ((Form_pg_class) GETSTRUCT(tuple))->relkind == RELKIND_RELATION &&
		((Form_pg_class) GETSTRUCT(tuple))->relowner == owner;
	ReleaseSysCache(tuple);
	return found && is_guarded(ledger, guard) ? ledger : InvalidOid;
}

/* Read again what a lock or a command may have changed. */
void
finance_books_look_again(Books *books)
{
	Oid			guard = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
										CStringGetDatum(LEDGER_FUNCTION),
										PointerGetDatum(buildoidvector(NULL, 0)),
										ObjectIdGetDatum(books->code));

	books->schema = get_namespace_oid(books->name, true);
	books->owner = OidIsValid(books->schema) ? schema_owner(books->schema) : InvalidOid;
	books->ledger = OidIsValid(books->owner) ?
		find_ledger(books->schema, books->owner, guard) : InvalidOid;
	books->internal = get_namespace_oid(books->internal_name, true);
	books->internal_owner = OidIsValid(books->internal) ?
		schema_owner(books->internal) : InvalidOid;
}

/*
 * What there is under the name of a set of books; perhaps nothing.  The
 * extension is the one that the calling function belongs to.
 */
Books *
finance_books_find(const char *name, Oid caller_function)
{
	Books	   *books = palloc0(sizeof(Books));

	books->name = pstrdup(name);
	books->internal_name = internal_name(name);
	books->code = get_func_namespace(caller_function);
	books->extension = getExtensionOfObject(ProcedureRelationId, caller_function);
	finance_books_look_again(books);
	return books;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(((Books *) lfirst(a))->name, ((Books *) lfirst(b))->name);
}

/* All sets of books of this database, by name. */
List *
finance_books_find_all(Oid caller_function)
{
	Relation	relations = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *schemas = NIL;
	List	   *found = NIL;
	ListCell   *cell;

	ScanKeyInit(&key, Anum_pg_class_relname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(LEDGER_TABLE));
	scan = systable_beginscan(relations, ClassNameNspIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		schemas = lappend_oid(schemas, ((Form_pg_class) GETSTRUCT(tuple))->relnamespace);
	systable_endscan(scan);
	table_close(relations, AccessShareLock);

	foreach(cell, schemas)
	{
		char	   *name = get_namespace_name(lfirst_oid(cell));
		Books	   *books;

		CHECK_FOR_INTERRUPTS();
		if (name == NULL || isAnyTempNamespace(lfirst_oid(cell)))
			continue;
		books = finance_books_find(name, caller_function);
		if (OidIsValid(books->ledger))
			found = lappend(found, books);
	}
	list_sort(found, compare_names);
	return found;
}

/* Are these the books that share the schema of the extension? */
bool
finance_books_is_own_code(const Books *books)
{
	return books->schema == books->code;
}

/* ---------------------------------------------------------------------------
 * who may do what
 * ---------------------------------------------------------------------------
 */

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

/*
 * What stands in a schema, as a List of ObjectAddress.  Row types, indexes and
 * the like belong to their tables and are not listed.
 */
List *
finance_books_contents(Oid schema)
{
	Relation	depends = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	List	   *contents = NIL;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(depends, DependReferenceIndexId, true, NULL, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *object;

		/* settings of the schema, not things in it */
		if (depend->classid == DefaultAclRelationId ||
			depend->classid == PublicationNamespaceRelationId)
			continue;
		object = palloc(sizeof(ObjectAddress));
		ObjectAddressSubSet(*object, depend->classid, depend->objid, depend->objsubid);
		contents = lappend(contents, object);
	}
	systable_endscan(scan);
	table_close(depends, AccessShareLock);
	return contents;
}

/* The owner of any object; InvalidOid for kinds that only superusers make. */
Oid
finance_books_object_owner(const ObjectAddress *object)
{
	AttrNumber	column = is_objectclass_supported(object->classId) ?
		get_object_attnum_owner(object->classId) : InvalidAttrNumber;
	Relation	catalog;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;
	bool		isnull;

	if (column == InvalidAttrNumber)
		return InvalidOid;
	catalog = table_open(object->classId, AccessShareLock);
	tuple = get_catalog_object_by_oid(catalog, get_object_attnum_oid(object->classId),
									  object->objectId);
	if (HeapTupleIsValid(tuple))
		owner = DatumGetObjectId(heap_getattr(tuple, column, RelationGetDescr(catalog),
											  &isnull));
	table_close(catalog, AccessShareLock);
	return owner;
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
	Oid			code_owner = schema_owner(books->code);
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

/*
 * Let those who make books of one name do so one after the other, until the end
 * of the transaction; the function's oid keeps the lock apart from others.
 */
void
finance_books_lock_name(const char *name, Oid function)
{
	LockDatabaseObject(function, hash_name(name), 0, ExclusiveLock);
}

/*
 * Lock the schema of a set of books until the end of the transaction: nobody
 * else makes, upgrades or drops books there, changes its owner or grants rights
 * on it.  PostgreSQL takes no lock on a schema for those but its row's.  What
 * happened since we looked is refused (40001).
 */
void
finance_books_lock(const Books *books)
{
	Relation	schemas = table_open(NamespaceRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(NAMESPACEOID, ObjectIdGetDatum(books->schema));
	TM_Result	result = TM_Deleted;
	TM_FailureData failure;
	Buffer		buffer;

	if (HeapTupleIsValid(tuple) &&
		((Form_pg_namespace) GETSTRUCT(tuple))->nspowner == books->owner)
	{
		result = heap_lock_tuple(schemas, tuple, GetCurrentCommandId(true),
								 LockTupleNoKeyExclusive, LockWaitBlock, false,
								 &buffer, &failure);
		ReleaseBuffer(buffer);
	}
	table_close(schemas, RowExclusiveLock);
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("schema \"%s\" was changed by another session", books->name),
				 errhint("Try again.")));
}

/* ---------------------------------------------------------------------------
 * making
 * ---------------------------------------------------------------------------
 */

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
			 errhint("If it is left over from books that are gone, DROP SCHEMA %s CASCADE; if not, name another schema for the books.",
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

/* ---------------------------------------------------------------------------
 * reading
 * ---------------------------------------------------------------------------
 */

/* May this role read the version? */
static bool
is_readable(const Books *books, Oid setting, AttrNumber column, Oid reader)
{
	return finance_schema_aclcheck(books->schema, reader, ACL_USAGE) == ACLCHECK_OK &&
		(pg_class_aclcheck(setting, reader, ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck(setting, column, reader, ACL_SELECT) == ACLCHECK_OK);
}

/*
 * The column "version" of table "setting", where that is the plain table that
 * we made; 0 where anything about it would run code or hide rows.
 */
static AttrNumber
version_column(const Books *books, Relation setting)
{
	Form_pg_class class = setting->rd_rel;
	AttrNumber	column = get_attnum(RelationGetRelid(setting), "version");
	Form_pg_attribute attribute;

	if (class->relkind != RELKIND_RELATION || class->relnamespace != books->schema ||
		class->relowner != books->owner || class->relhasrules ||
		class->relrowsecurity || class->relispartition ||
		class->relpersistence != RELPERSISTENCE_PERMANENT ||
		find_inheritance_children(RelationGetRelid(setting), NoLock) != NIL ||
		column <= 0)
		return 0;
	attribute = TupleDescAttr(RelationGetDescr(setting), column - 1);
	return attribute->atttypid == TEXTOID && attribute->attgenerated == '\0' ? column : 0;
}

/* A version as text; NULL for what is none. */
static char *
version_text(Datum value)
{
	char	   *version;

	if (toast_raw_datum_size(value) > VERSION_BYTES_MAX + VARHDRSZ)
		return NULL;
	version = TextDatumGetCString(value);
	return version[0] != '\0' &&
		strspn(version, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+_-")
		== strlen(version) ? version : NULL;
}

/* The one row's version, read from the heap; NULL unless there is one row. */
static char *
read_version(Relation setting, AttrNumber column)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(setting, NULL);
	TableScanDesc scan = table_beginscan(setting, snapshot, 0, NULL);
	char	   *version = NULL;
	int			nrows = 0;

	while (nrows < 2 && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, column, &isnull);

		version = nrows++ == 0 && !isnull ? version_text(value) : NULL;
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return version;
}

/*
 * The version that a set of books carries; NULL when the reader may not see it,
 * or when it is not to be had from a plain table of one row.  Never an error,
 * and no code of whoever owns the table is run: no view, rule, policy, function
 * or operator.  Unless told to wait, a table that somebody holds locked is as
 * good as unreadable.
 */
char *
finance_books_version(const Books *books, Oid reader, bool wait)
{
	Oid			oid = get_relname_relid("setting", books->schema);
	Relation	setting;
	AttrNumber	column;
	char	   *version = NULL;

	/* views, indexes and the like are not even opened */
	if (!OidIsValid(oid) || get_rel_relkind(oid) != RELKIND_RELATION)
		return NULL;
	if (wait)
		LockRelationOid(oid, AccessShareLock);
	else if (!ConditionalLockRelationOid(oid, AccessShareLock))
		return NULL;
	setting = try_relation_open(oid, NoLock);
	if (setting == NULL)
	{
		UnlockRelationOid(oid, AccessShareLock);
		return NULL;
	}
	column = version_column(books, setting);
	if (column > 0 && is_readable(books, oid, column, reader) &&
		RelationGetNumberOfBlocks(setting) <= SETTING_BLOCKS_MAX)
		version = read_version(setting, column);
	relation_close(setting, AccessShareLock);
	return version;
}

/*
 * Does the ledger hold anything?  The ledger stays locked, so that nothing is
 * posted before the transaction ends.
 */
bool
finance_books_hold_entries(const Books *books)
{
	Relation	ledger = table_open(books->ledger, AccessExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(ledger, NULL);
	TableScanDesc scan = table_beginscan(ledger, snapshot, 0, NULL);
	bool		found = table_scan_getnextslot(scan, ForwardScanDirection, slot);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	table_close(ledger, NoLock);
	return found;
}
