/*
 * history.c
 *		What people did to the rows of the books, by column, old and new.
 *
 * One trigger a statement reads the rows before and after side by side and
 * writes a row of "history" for each that differs.  It does so as the owner of
 * the table, in the table's own schema, so that nobody needs to be granted
 * anything there, and nobody's history is written with another's rights.
 * What it writes does not depend on the settings of the session.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#include "history.h"

#define HISTORY_BATCH_BYTES (16 * 1024 * 1024)	/* of a batch, but for its last row */
#define HISTORY_ARGUMENTS 5

/* The rows of one transition table, or none. */
typedef struct Rows
{
	Tuplestorestate *store;
	int			pointer;
	TupleTableSlot *slot;
} Rows;

/* The plan that writes the history of a schema, kept for the session. */
typedef struct HistoryPlan
{
	Oid			schema;			/* hash key */
	SPIPlanPtr	plan;
} HistoryPlan;

static HTAB *history_plans;

/* What the plan does, for a schema. */
static const char history_insert[] =
"INSERT INTO %s.history (table_name, action, row_key, old_values, new_values) "
"SELECT $1, $2, r.row_key, r.old_values, r.new_values"
"  FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))"
"       AS r (row_key, old_values, new_values)";

static Statement *begin_statement(TriggerData *trigger);
static void read_options(Statement *statement, Trigger *trigger);
static void open_rows(Rows *rows, Tuplestorestate *store, TupleDesc desc);
static TupleTableSlot *next_row(Rows *rows);
static void close_rows(Rows *rows);
static void keep_row(Statement *statement, TupleTableSlot *before, TupleTableSlot *after);
static void write_batch(Statement *statement);
static SPIPlanPtr history_plan(Oid schema);
static int	set_plain_settings(void);

PG_FUNCTION_INFO_V1(finance_keep_history);

/*
 * keep_history(): AFTER INSERT, UPDATE or DELETE trigger, once a statement,
 * with the transition tables of its event.  Its arguments say what is done
 * with columns: "digest:column" keeps a digest in place of the values,
 * "ignore:column" leaves a column out, "unless:column" leaves out the rows
 * where the column is not NULL.  Generated columns are left out.
 */
Datum
finance_keep_history(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Statement  *statement;
	Rows		before;
	Rows		after;
	int			guc_level;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) ||
		(trigger->tg_oldtable == NULL && trigger->tg_newtable == NULL) ||
		(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		 (trigger->tg_oldtable == NULL || trigger->tg_newtable == NULL)))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_history() can only be called as a trigger, after a statement, "
						"with its transition tables"),
				 errhint("Call watch() to make the triggers of a table.")));

	if (tuplestore_tuple_count(trigger->tg_newtable != NULL ? trigger->tg_newtable : trigger->tg_oldtable) == 0)
		return PointerGetDatum(NULL);

	statement = begin_statement(trigger);
	guc_level = set_plain_settings();
	open_rows(&before, trigger->tg_oldtable, statement->desc);
	open_rows(&after, trigger->tg_newtable, statement->desc);
	for (;;)
	{
		/* both tables hold the rows of an UPDATE in the same order */
		TupleTableSlot *old_row = next_row(&before);
		TupleTableSlot *new_row = next_row(&after);

		if (old_row == NULL && new_row == NULL)
			break;
		CHECK_FOR_INTERRUPTS();
		keep_row(statement, old_row, new_row);
	}
	write_batch(statement);
	close_rows(&before);
	close_rows(&after);
	AtEOXact_GUC(true, guc_level);
	MemoryContextDelete(statement->batch_context);
	return PointerGetDatum(NULL);
}

/* Look up what the rows of a firing have in common. */
static Statement *
begin_statement(TriggerData *trigger)
{
	Statement  *statement = palloc0(sizeof(Statement));
	Relation	table = trigger->tg_relation;

	statement->table = table;
	statement->desc = RelationGetDescr(table);
	statement->key = RelationGetIndexAttrBitmap(table, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	if (bms_is_empty(statement->key))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("history of table \"%s\" needs a primary key", RelationGetRelationName(table))));
	statement->uses = palloc0(statement->desc->natts * sizeof(ColumnUse));
	statement->outputs = palloc0(statement->desc->natts * sizeof(FmgrInfo));
	statement->action = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? "insert" :
		TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "update" : "delete";
	statement->batch_context = AllocSetContextCreate(CurrentMemoryContext, "history",
													 ALLOCSET_DEFAULT_SIZES);
	read_options(statement, trigger->tg_trigger);
	for (int i = 0; i < statement->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(statement->desc, i);

		if (attribute->attisdropped || attribute->attgenerated != '\0')
			statement->uses[i] = COLUMN_IGNORED;
	}
	return statement;
}

/* Read the arguments of the trigger: "what:column". */
static void
read_options(Statement *statement, Trigger *trigger)
{
	for (int i = 0; i < trigger->tgnargs; i++)
	{
		const char *option = trigger->tgargs[i];
		const char *colon = strchr(option, ':');
		AttrNumber	attno = colon == NULL ? 0 :
			get_attnum(RelationGetRelid(statement->table), colon + 1);

		Oid			type = attno <= 0 ? InvalidOid : TupleDescAttr(statement->desc, attno - 1)->atttypid;

		if ((type == TEXTOID || type == BYTEAOID) && strncmp(option, "digest:", 7) == 0)
			statement->uses[attno - 1] = COLUMN_DIGESTED;
		else if (attno > 0 && strncmp(option, "ignore:", 7) == 0)
			statement->uses[attno - 1] = COLUMN_IGNORED;
		else if (attno > 0 && strncmp(option, "unless:", 7) == 0)
			statement->unless = attno;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("history of table \"%s\" cannot be kept as \"%s\" says",
							RelationGetRelationName(statement->table), option),
					 errhint("Options are digest:column (text or bytea), ignore:column and unless:column.")));
	}
}

/* Stand before the first row of a transition table, if there is one. */
static void
open_rows(Rows *rows, Tuplestorestate *store, TupleDesc desc)
{
	rows->store = store;
	if (store == NULL)
		return;
	/* a pointer of our own: other triggers read the same table */
	rows->pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(store, rows->pointer);
	tuplestore_rescan(store);
	rows->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

/* The next row with all its columns read; NULL after the last one. */
static TupleTableSlot *
next_row(Rows *rows)
{
	if (rows->store == NULL)
		return NULL;
	tuplestore_select_read_pointer(rows->store, rows->pointer);
	if (!tuplestore_gettupleslot(rows->store, true, false, rows->slot))
		return NULL;
	slot_getallattrs(rows->slot);
	return rows->slot;
}

static void
close_rows(Rows *rows)
{
	if (rows->store != NULL)
		ExecDropSingleTupleTableSlot(rows->slot);
}

/* Add what became of a row to the batch: NULL before is a new one, NULL after a deleted one. */
static void
keep_row(Statement *statement, TupleTableSlot *before, TupleTableSlot *after)
{
	TupleTableSlot *row = after != NULL ? after : before;
	MemoryContext old = MemoryContextSwitchTo(statement->batch_context);
	bool	   *changed = palloc0(statement->desc->natts * sizeof(bool));
	int			no = statement->count;

	if ((statement->unless == 0 || row->tts_isnull[statement->unless - 1]) &&
		finance_history_changes(statement, before, after, changed))
	{
		statement->keys[no] = finance_history_key(statement, before != NULL ? before : after);
		statement->old_nulls[no] = before == NULL;
		if (before != NULL)
			statement->old_values[no] = finance_history_values(statement, before, changed);
		statement->new_nulls[no] = after == NULL;
		if (after != NULL)
			statement->new_values[no] = finance_history_values(statement, after, changed);
		statement->count++;
	}
	pfree(changed);
	MemoryContextSwitchTo(old);
	if (statement->count == HISTORY_BATCH_ROWS ||
		MemoryContextMemAllocated(statement->batch_context, true) > HISTORY_BATCH_BYTES)
		write_batch(statement);
}

/* Write the batch to the history of the table's schema and begin the next. */
static void
write_batch(Statement *statement)
{
	Oid			user;
	int			security;
	Datum		arguments[HISTORY_ARGUMENTS];
	MemoryContext old;
	int			bounds[1] = {1};
	int			count[1] = {statement->count};

	if (statement->count == 0)
		return;
	old = MemoryContextSwitchTo(statement->batch_context);
	arguments[0] = CStringGetTextDatum(RelationGetRelationName(statement->table));
	arguments[1] = CStringGetTextDatum(statement->action);
	arguments[2] = PointerGetDatum(construct_md_array(statement->keys, NULL, 1, count, bounds,
													  TEXTOID, -1, false, TYPALIGN_INT));
	arguments[3] = PointerGetDatum(construct_md_array(statement->old_values, statement->old_nulls, 1, count, bounds,
													  JSONBOID, -1, false, TYPALIGN_INT));
	arguments[4] = PointerGetDatum(construct_md_array(statement->new_values, statement->new_nulls, 1, count, bounds,
													  JSONBOID, -1, false, TYPALIGN_INT));

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(statement->table->rd_rel->relowner,
						   security | SECURITY_LOCAL_USERID_CHANGE);
	SPI_connect();
	if (SPI_execute_plan(history_plan(RelationGetNamespace(statement->table)), arguments, NULL,
						 false, 0) != SPI_OK_INSERT)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("history of table \"%s\" could not be written",
						RelationGetRelationName(statement->table))));
	SPI_finish();
	SetUserIdAndSecContext(user, security);

	MemoryContextSwitchTo(old);
	MemoryContextReset(statement->batch_context);
	statement->count = 0;
}

/* The plan that writes the history of a schema, made once a session. */
static SPIPlanPtr
history_plan(Oid schema)
{
	Oid			types[HISTORY_ARGUMENTS] = {TEXTOID, TEXTOID, TEXTARRAYOID, JSONBARRAYOID, JSONBARRAYOID};
	HistoryPlan *entry;
	bool		found;

	if (history_plans == NULL)
	{
		HASHCTL		info = {.keysize = sizeof(Oid), .entrysize = sizeof(HistoryPlan)};

		history_plans = hash_create("history plans", 8, &info, HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(history_plans, &schema, HASH_ENTER, &found);
	if (!found)
		entry->plan = NULL;
	if (entry->plan != NULL && !SPI_plan_is_valid(entry->plan))
	{
		/* the schema may have another name now */
		SPI_freeplan(entry->plan);
		entry->plan = NULL;
	}
	if (entry->plan == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(psprintf(history_insert, quote_identifier(get_namespace_name(schema))),
									   HISTORY_ARGUMENTS, types);

		SPI_keepplan(plan);
		entry->plan = plan;
	}
	return entry->plan;
}

/*
 * Let dates, intervals, floats and bytes be written in one way, whatever the
 * session likes, until AtEOXact_GUC() of the level returned.
 */
static int
set_plain_settings(void)
{
	static const char *const settings[][2] = {
		{"DateStyle", "ISO, YMD"}, {"IntervalStyle", "postgres"}, {"TimeZone", "UTC"},
		{"extra_float_digits", "1"}, {"bytea_output", "hex"},
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < lengthof(settings); i++)
		(void) set_config_option(settings[i][0], settings[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	return level;
}
