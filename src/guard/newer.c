/*
 * newer.c
 *		Was a table written to since this transaction took its snapshot?
 *
 * Under REPEATABLE READ and SERIALIZABLE a transaction that waited for a lock
 * still sees what there was before.  A row that is locked tells of itself; of
 * rows that are new nothing tells.  So the table is read once more as it is now.
 */
#include "finance.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

static bool is_newer(HeapTuple tuple, Snapshot snapshot);

PG_FUNCTION_INFO_V1(finance_newer_than_snapshot);

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

	if (pg_class_aclcheck(RelationGetRelid(table), GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, RelationGetRelationName(table));
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
