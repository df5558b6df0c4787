/*
 * lock.c
 *		Clients are held, as hold() of the books does it, after all was read and
 *		rated: so a lock is held for the writing only.
 *
 * What is protected by the lock may have changed since it was read.  Whoever
 * changes it leaves a new version of the client's row in lock_version, or of that
 * of the books as a whole: so the versions tell whether all must be read again.
 */
#include "finance.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "log.h"
#include "storage/lmgr.h"
#include "tcop/pquery.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

static int	sort_clients(const LogEntry *entries, int nentries, Datum *clients);
static int	compare_clients(const void *a, const void *b);
static HeapTuple find_lock(LookReader *reader, const char *kind, Datum id);
static bool is_ours(LookReader *reader, HeapTuple lock);
static bool lock_version(LookReader *reader, HeapTuple lock, LockTupleMode mode);
static bool is_alone(void);
static bool books_moved(LookReader *reader);
static void hold(LookReader *reader, Datum *clients, int nclients);

/*
 * Hold the clients of entries until the end of the transaction; false when what
 * was read of them may have changed meanwhile.  40001 where it changed after the
 * snapshot of this transaction (REPEATABLE READ, SERIALIZABLE).
 */
bool
finance_log_lock(LookReader *reader, const LogEntry *entries, int nentries)
{
	Datum	   *clients = palloc(sizeof(Datum) * nentries);
	int			nclients = sort_clients(entries, nentries, clients);
	bool		is_held = true;
	bool		is_same = true;
	bool		is_shared = is_alone();

	/* first of all, so that nobody takes all books meanwhile */
	table_close(table_open(reader->books.tables[LOOK_TABLE_lock_version], RowExclusiveLock), NoLock);
	for (int i = 0; i < nclients; i++)
	{
		HeapTuple	lock = find_lock(reader, "party", clients[i]);

		if (lock != NULL && is_ours(reader, lock))
			continue;
		is_held = is_held && is_shared && lock != NULL;
		if (IsolationUsesXactSnapshot())
			continue;
		if (lock == NULL || !lock_version(reader, lock, is_shared ? LockTupleShare : LockTupleNoKeyExclusive))
			is_same = false;
	}
	if (!is_held)
		hold(reader, clients, nclients);
	return is_same && (IsolationUsesXactSnapshot() || !books_moved(reader));
}

/* List the clients of entries in order, each once. */
static int
sort_clients(const LogEntry *entries, int nentries, Datum *clients)
{
	int			nclients = 0;

	for (int i = 0; i < nentries; i++)
		clients[i] = Int64GetDatum(entries[i].client);
	qsort(clients, nentries, sizeof(Datum), compare_clients);
	for (int i = 0; i < nentries; i++)
	{
		if (i == 0 || compare_clients(&clients[i], &clients[nclients - 1]) != 0)
			clients[nclients++] = clients[i];
	}
	return nclients;
}

/* Order clients by id. */
static int
compare_clients(const void *a, const void *b)
{
	int64		left = DatumGetInt64(*(const Datum *) a);
	int64		right = DatumGetInt64(*(const Datum *) b);

	return left < right ? -1 : left > right;
}

/* Find the row that is the lock of a thing; NULL where it was never held. */
static HeapTuple
find_lock(LookReader *reader, const char *kind, Datum id)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	lock;

	finance_look_key(reader, &keys[0], LOOK_lock_version_kind, CStringGetTextDatum(kind));
	finance_look_key(reader, &keys[1], LOOK_lock_version_id, id);
	scan = finance_look_scan(reader, LOOK_INDEX_lock_version_pkey, lengthof(keys), keys);
	lock = systable_getnext(scan);
	if (HeapTupleIsValid(lock))
		lock = heap_copytuple(lock);
	systable_endscan(scan);
	return lock;
}

/* Does this transaction hold a lock already, as hold() asks it? */
static bool
is_ours(LookReader *reader, HeapTuple lock)
{
	FullTransactionId holder = GetTopFullTransactionIdIfAny();
	bool		isnull;

	return FullTransactionIdIsValid(holder) &&
		finance_look_id(reader, lock, LOOK_lock_version_holder) == (int64) U64FromFullTransactionId(holder) &&
		DatumGetTimestampTz(finance_look_value(reader, lock, LOOK_lock_version_held_at, &isnull)) ==
		GetCurrentTransactionStartTimestamp();
}

/*
 * Is the whole transaction one statement that logs?  Then it takes no other lock
 * later, and a shared one cannot stand against another shared one that both want
 * to be more.
 */
static bool
is_alone(void)
{
	return XactIsoLevel == XACT_READ_COMMITTED && !IsTransactionBlock() && !IsSubTransaction() &&
		ActivePortal != NULL && ActivePortal->commandTag == CMDTAG_INSERT &&
		DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) == 1;
}

/* Wait for whoever holds a lock; false when its row is another version then. */
static bool
lock_version(LookReader *reader, HeapTuple lock, LockTupleMode mode)
{
	Relation	table = finance_look_table(reader, LOOK_TABLE_lock_version);
	TupleTableSlot *slot = table_slot_create(table, NULL);
	TM_FailureData failure;
	ItemPointerData last = lock->t_self;	/* of the last version, once it is locked */
	TM_Result	result;
	bool		is_same;

	/* behind those who wait to hold it: a crowd of shared ones would keep them out for ever */
	if (mode == LockTupleShare)
		LockTuple(table, &lock->t_self, RowShareLock);
	result = table_tuple_lock(table, &last, reader->snapshot, slot, GetCurrentCommandId(false), mode,
							  LockWaitBlock, TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							  TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	if (mode == LockTupleShare)
		UnlockTuple(table, &lock->t_self, RowShareLock);
	is_same = result == TM_Ok && ItemPointerEquals(&slot->tts_tid, &lock->t_self);
	ExecDropSingleTupleTableSlot(slot);
	return is_same;
}

/* Were all books held by somebody since the reader's snapshot? */
static bool
books_moved(LookReader *reader)
{
	Snapshot	mine = reader->snapshot;
	HeapTuple	before = find_lock(reader, "books", Int64GetDatum(0));
	HeapTuple	now;

	reader->snapshot = RegisterSnapshot(GetLatestSnapshot());
	now = find_lock(reader, "books", Int64GetDatum(0));
	UnregisterSnapshot(reader->snapshot);
	reader->snapshot = mine;
	return before == NULL || now == NULL || !ItemPointerEquals(&before->t_self, &now->t_self);
}

/* Hold clients by the books' own function, which is the one that writes locks. */
static void
hold(LookReader *reader, Datum *clients, int nclients)
{
	Oid			types[] = {INT8ARRAYOID};
	Datum		values[1];

	values[0] = PointerGetDatum(construct_array(clients, nclients, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	if (SPI_execute_plan(finance_look_plan(reader, LOOK_PLAN_HOLD, "SELECT %i.lock_parties($1)", 1, types),
						 values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not hold clients");
	SPI_freetuptable(SPI_tuptable);
}
