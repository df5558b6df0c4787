/*
 * log.c
 *		The trigger that rates new time entries.
 *
 * A statement of a few entries that are all plain is read, rated, locked and
 * stored here; any other goes to rate_new_entries() of the books as a whole.
 * Nothing is locked before that is known.  It is done as the owner of the table,
 * because nobody is granted INSERT on charge.
 */
#include "finance.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "log.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#define PLAIN_ROWS_MAX 100		/* more are cheaper as a set */

static int64 *read_ids(TriggerData *trigger, LookBooks *books, LogEntry *entries, int nrows);
static void read_row(TupleTableSlot *slot, LookBooks *books, LogEntry *entry);
static bool rate_plain(LookBooks *books, LogEntry *entries, int nentries);
static bool read_entries(LookReader *reader, LogEntry *entries, int nentries);
static void rate_set(LookBooks *books, const int64 *ids, int nids);

PG_FUNCTION_INFO_V1(finance_log_entries);

/*
 * log_entries(): AFTER INSERT trigger of time_entry, once a statement, with its
 * new rows as a transition table: they are charged, or have a row in
 * rating_problem.  Refused as rate_new_entries() of the books does.
 */
Datum
finance_log_entries(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	LookBooks   *books;
	LogEntry   *entries = NULL;
	int64	   *ids;
	int64		nrows;
	Oid			user;
	int			security;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || !TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		trigger->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("log_entries() can only be called as a trigger, after an INSERT statement, "
						"with its transition table")));

	nrows = tuplestore_tuple_count(trigger->tg_newtable);
	if (nrows == 0)
		return PointerGetDatum(NULL);
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(trigger->tg_relation->rd_rel->relowner, security | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	books = finance_look_books(RelationGetNamespace(trigger->tg_relation));
	if (nrows <= PLAIN_ROWS_MAX && books->is_usual &&
		books->tables[LOOK_TABLE_time_entry] == RelationGetRelid(trigger->tg_relation))
		entries = palloc0(sizeof(LogEntry) * nrows);
	ids = read_ids(trigger, books, entries, nrows);
	if (entries == NULL || !rate_plain(books, entries, nrows))
		rate_set(books, ids, nrows);
	SPI_finish();
	SetUserIdAndSecContext(user, security);
	return PointerGetDatum(NULL);
}

/* Read the ids of the new rows, and where entries are wanted all of their columns. */
static int64 *
read_ids(TriggerData *trigger, LookBooks *books, LogEntry *entries, int nrows)
{
	Tuplestorestate *store = trigger->tg_newtable;
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	AttrNumber	id = get_attnum(RelationGetRelid(trigger->tg_relation), "id");
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	int64	   *ids = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(int64) * nrows);
	int			no = 0;

	/* a pointer of our own: other triggers read the same table */
	tuplestore_select_read_pointer(store, tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND));
	tuplestore_rescan(store);
	while (no < nrows && tuplestore_gettupleslot(store, true, entries != NULL, slot))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		ids[no] = DatumGetInt64(slot_getattr(slot, id, &isnull));
		if (entries != NULL)
			read_row(slot, books, &entries[no]);
		no++;
	}
	ExecDropSingleTupleTableSlot(slot);
	return ids;
}

/* Read the columns of a new row; what they point to is copied. */
static void
read_row(TupleTableSlot *slot, LookBooks *books, LogEntry *entry)
{
	TupleDesc	desc = slot->tts_tupleDescriptor;

	for (int i = LOOK_time_entry_id; i <= LOOK_time_entry_price; i++)
	{
		AttrNumber	attno = books->columns[i];

		entry->values[i] = slot_getattr(slot, attno, &entry->nulls[i]);
		if (!entry->nulls[i] && !TupleDescAttr(desc, attno - 1)->attbyval)
			entry->values[i] = PointerGetDatum(PG_DETOAST_DATUM_COPY(entry->values[i]));
	}
	entry->id = DatumGetInt64(entry->values[LOOK_time_entry_id]);
}

/* Rate entries here; false when one of them is not plain, and then nothing was written. */
static bool
rate_plain(LookBooks *books, LogEntry *entries, int nentries)
{
	LookReader	reader;
	bool		is_plain;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	is_plain = finance_look_open(&reader, books, GetActiveSnapshot()) &&
		read_entries(&reader, entries, nentries);
	if (is_plain && !finance_log_lock(&reader, entries, nentries))
	{
		/* what the lock protects changed while we waited for it: now it stays */
		finance_look_close(&reader);
		PopActiveSnapshot();
		PushActiveSnapshot(GetTransactionSnapshot());
		is_plain = finance_look_open(&reader, books, GetActiveSnapshot()) &&
			read_entries(&reader, entries, nentries) &&
			finance_log_lock(&reader, entries, nentries);
	}
	for (int i = 0; is_plain && i < nentries; i++)
		finance_log_store(&reader, &entries[i]);
	finance_look_close(&reader);
	PopActiveSnapshot();
	return is_plain;
}

/* Read what entries are about, and rate them. */
static bool
read_entries(LookReader *reader, LogEntry *entries, int nentries)
{
	for (int i = 0; i < nentries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!finance_log_read(reader, &entries[i]) || !finance_log_rate(reader, &entries[i]))
			return false;
	}
	return true;
}

/* Let the books rate entries as a set. */
static void
rate_set(LookBooks *books, const int64 *ids, int nids)
{
	LookReader	reader = {.books = *books, .kept = books};
	Oid			types[] = {INT8ARRAYOID};
	Datum		values[1];
	Datum	   *elements = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Datum) * nids);

	for (int i = 0; i < nids; i++)
		elements[i] = Int64GetDatum(ids[i]);
	values[0] = PointerGetDatum(construct_array(elements, nids, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	if (SPI_execute_plan(finance_look_plan(&reader, LOOK_PLAN_RATE, "SELECT %i.rate_new_entries($1)", 1, types),
						 values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not rate time entries");
}
