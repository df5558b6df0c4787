/*
 * find.c
 *		The schemas of sets of books: finding, listing and locking them.
 *
 * A schema may be anybody's, and whoever owns it or may create in it can put
 * there what runs when its names are used: views, functions, operators,
 * triggers.  So what is asked of a foreign schema is asked of the system's
 * catalogs in C, without SQL and without a search path.
 */
#include "finance.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication_namespace.h"
#include "catalog/pg_trigger.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "books.h"

#define LEDGER_TABLE "entry"
#define LEDGER_TRIGGER "entry_append_only"
#define LEDGER_FUNCTION "refuse_change"
#define INTERNAL_SUFFIX "_internal"

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
char *
finance_books_internal_name(const char *name)
{
	int			length = strlen(name);
	int			room = NAMEDATALEN - 1 - strlen(INTERNAL_SUFFIX);

	if (length <= room)
		return psprintf("%s" INTERNAL_SUFFIX, name);
	return psprintf("%.*s_%08x" INTERNAL_SUFFIX,
					pg_mbcliplen(name, length, room - 9), name, hash_name(name));
}

/* The owner of a schema; InvalidOid when it is gone. */
Oid
finance_books_schema_owner(Oid schema)
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
	books->owner = OidIsValid(books->schema) ? finance_books_schema_owner(books->schema) : InvalidOid;
	books->ledger = OidIsValid(books->owner) ?
		find_ledger(books->schema, books->owner, guard) : InvalidOid;
	books->internal = get_namespace_oid(books->internal_name, true);
	books->internal_owner = OidIsValid(books->internal) ?
		finance_books_schema_owner(books->internal) : InvalidOid;
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
	books->internal_name = finance_books_internal_name(name);
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
	TM_Result	result = TM_Updated;

	/* who held it may have granted rights on the schema: then its row is a new one */
	for (int tries = 0; tries < 10 && result == TM_Updated; tries++)
	{
		HeapTuple	tuple;
		TM_FailureData failure;
		Buffer		buffer;

		AcceptInvalidationMessages();
		tuple = SearchSysCacheCopy1(NAMESPACEOID, ObjectIdGetDatum(books->schema));
		if (!HeapTupleIsValid(tuple) ||
			((Form_pg_namespace) GETSTRUCT(tuple))->nspowner != books->owner ||
			strcmp(NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname), books->name) != 0)
			result = TM_Deleted;
		else
		{
			result = heap_lock_tuple(schemas, tuple, GetCurrentCommandId(true),
									 LockTupleNoKeyExclusive, LockWaitBlock, false,
									 &buffer, &failure);
			ReleaseBuffer(buffer);
		}
	}
	table_close(schemas, RowExclusiveLock);
	if (result != TM_Ok)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("schema \"%s\" was changed by another session", books->name),
				 errhint("Try again.")));
}
