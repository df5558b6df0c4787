/*
 * version.c
 *		What is read from the tables of books that may be anybody's: their
 *		version, and whether their ledger holds anything.
 *
 * The rows are read from the heap itself: no view, rule, policy, function or
 * operator of whoever owns the table is run.
 */
#include "finance.h"

#include "access/detoast.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "books.h"

/* Beyond these it is no version and no table of ours, and is not read. */
#define VERSION_BYTES_MAX 64
#define SETTING_BLOCKS_MAX 128

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
