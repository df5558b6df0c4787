/*
 * newer.c
 *		Was a table written to since this transaction took its snapshot?
 *
 * Under REPEATABLE READ and SERIALIZABLE a transaction that waited for a lock
 * still sees what there was before.  A row that is locked tells of itself; of
 * rows that are new nothing tells.  So the table is read once more as it is now.
 */
#include "finance.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static bool is_newer(HeapTuple tuple, Snapshot snapshot);

static void check_readable(Relation table);
static AttrNumber first_column(Relation table, Oid id);

PG_FUNCTION_INFO_V1(finance_newer_than_snapshot);
PG_FUNCTION_INFO_V1(finance_newer_in_index);

/* newer_than_snapshot(table) */
Datum
finance_newer_than_snapshot(PG_FUNCTION_ARGS)
{
	Relation	table = table_open(PG_GETARG_OID(0), AccessShareLock);
	Snapshot	mine = GetActiveSnapshot();
	Snapshot	now;
	TableScanDesc scan;
	TupleTableSlot *slot;
	bool		found = false;

	check_readable(table);
	if (table->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a table", RelationGetRelationName(table)),
				 errhint("Name a table that holds rows of its own.")));

	now = RegisterSnapshot(GetLatestSnapshot());
	slot = table_slot_create(table, NULL);
	scan = table_beginscan(table, now, 0, NULL);
	while (!found && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		should_free;
		HeapTuple	tuple = ExecFetchSlotHeapTuple(slot, false, &should_free);

		CHECK_FOR_INTERRUPTS();
		found = is_newer(tuple, mine);
		if (should_free)
			heap_freetuple(tuple);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(now);
	table_close(table, AccessShareLock);

	PG_RETURN_BOOL(found);
}

/* What this transaction wrote itself is not newer. */
static bool
is_newer(HeapTuple tuple, Snapshot snapshot)
{
	TransactionId writer = HeapTupleHeaderGetXmin(tuple->t_data);

	return TransactionIdIsNormal(writer) &&
		!TransactionIdIsCurrentTransactionId(writer) &&
		XidInMVCCSnapshot(writer, snapshot);
}

/* Refuse who may not read a table (42501). */
static void
check_readable(Relation table)
{
	if (pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(table));
}

/* The column of the table that an index has first; refused (22023) where it is no bigint of a B-tree. */
static AttrNumber
first_column(Relation table, Oid id)
{
	Relation	index = index_open(id, AccessShareLock);
	AttrNumber	column = index->rd_rel->relam == BTREE_AM_OID ? index->rd_index->indkey.values[0] : 0;

	index_close(index, AccessShareLock);
	if (column <= 0 || TupleDescAttr(RelationGetDescr(table), column - 1)->atttypid != INT8OID)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the first column of index \"%s\" is not a bigint", get_rel_name(id)),
				 errhint("Name an index whose first column is a bigint.")));
	return column;
}

/*
 * newer_in_index(index, key): the same of the rows that an index has, those with a
 * key in its first column, which is a bigint, or where the key is NULL all of them.
 */
Datum
finance_newer_in_index(PG_FUNCTION_ARGS)
{
	Oid			id = PG_ARGISNULL(0) ? InvalidOid : PG_GETARG_OID(0);
	Oid			table_id = IndexGetRelation(id, true);
	Snapshot	mine = GetActiveSnapshot();
	Snapshot	now;
	Relation	table;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;
	AttrNumber	column;
	bool		found = false;

	if (!OidIsValid(table_id))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%u is not an index", id),
				 errhint("Name an index whose first column is a bigint.")));
	table = table_open(table_id, AccessShareLock);
	check_readable(table);
	column = first_column(table, id);
	ScanKeyInit(&key, column, BTEqualStrategyNumber, F_INT8EQ, PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1));
	now = RegisterSnapshot(GetLatestSnapshot());
	scan = systable_beginscan(table, id, true, now, PG_ARGISNULL(1) ? 0 : 1, &key);
	while (!found && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		found = is_newer(row, mine);
	}
	systable_endscan(scan);
	UnregisterSnapshot(now);
	table_close(table, AccessShareLock);

	PG_RETURN_BOOL(found);
}
