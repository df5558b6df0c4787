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
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

#define HISTORY_BATCH_ROWS 500	/* that one INSERT writes */
#define HISTORY_BATCH_BYTES (16 * 1024 * 1024)	/* of them, but for the last row */
#define HISTORY_ARGUMENTS 5

/* What is done with a column. */
typedef enum
{
	COLUMN_KEPT,				/* its values are */
	COLUMN_DIGESTED,			/* a digest of them is */
	COLUMN_IGNORED				/* a change of it alone is none */
} ColumnUse;

/* The rows of one transition table, or none. */
typedef struct Rows
{
	Tuplestorestate *store;
	int			pointer;
	TupleTableSlot *slot;
} Rows;

/* One firing of the trigger. */
typedef struct Statement
{
	Relation	table;
	TupleDesc	desc;
	Bitmapset  *key;			/* the primary key, as RelationGetIndexAttrBitmap gives it */
	ColumnUse  *uses;			/* by column */
	FmgrInfo   *outputs;		/* by column; fn_oid invalid: not looked up yet */
	AttrNumber	unless;			/* rows where it is not NULL are left out; 0: none */
	const char *action;
	MemoryContext batch_context;
	int			count;			/* rows in the batch */
	Datum		keys[HISTORY_BATCH_ROWS];
	Datum		old_values[HISTORY_BATCH_ROWS];
	bool		old_nulls[HISTORY_BATCH_ROWS];
	Datum		new_values[HISTORY_BATCH_ROWS];
	bool		new_nulls[HISTORY_BATCH_ROWS];
} Statement;

/* The plan that writes the history of a schema, kept for the session. */
typedef struct HistoryPlan
{
	Oid			schema;			/* hash key */
	SPIPlanPtr	plan;
} HistoryPlan;

static HTAB *history_plans;

static Statement *begin_statement(TriggerData *trigger);
static void read_options(Statement *statement, Trigger *trigger);
static void open_rows(Rows *rows, Tuplestorestate *store, TupleDesc desc);
static TupleTableSlot *next_row(Rows *rows);
static void close_rows(Rows *rows);
static void keep_row(Statement *statement, TupleTableSlot *before, TupleTableSlot *after);
static bool find_changes(Statement *statement, TupleTableSlot *before, TupleTableSlot *after,
						 bool *changed);
static Datum values_of(Statement *statement, TupleTableSlot *row, const bool *changed);
static void set_value(Statement *statement, int column, Datum value, JsonbValue *result);
static Datum key_of(Statement *statement, TupleTableSlot *row);
static char *text_of(Statement *statement, int column, Datum value);
static char *digest_of(Datum value);
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
				 errmsg("keep_history() can only be called as a trigger, after a statement, with its transition tables"),
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
		find_changes(statement, before, after, changed))
	{
		statement->keys[no] = key_of(statement, before != NULL ? before : after);
		statement->old_nulls[no] = before == NULL;
		if (before != NULL)
			statement->old_values[no] = values_of(statement, before, changed);
		statement->new_nulls[no] = after == NULL;
		if (after != NULL)
			statement->new_values[no] = values_of(statement, after, changed);
		statement->count++;
	}
	pfree(changed);
	MemoryContextSwitchTo(old);
	if (statement->count == HISTORY_BATCH_ROWS ||
		MemoryContextMemAllocated(statement->batch_context, true) > HISTORY_BATCH_BYTES)
		write_batch(statement);
}

/*
 * Mark the columns that differ; of a new or a deleted row those that are not
 * NULL.  False when an UPDATE changed nothing.
 */
static bool
find_changes(Statement *statement, TupleTableSlot *before, TupleTableSlot *after, bool *changed)
{
	bool		found = before == NULL || after == NULL;

	for (int i = 0; i < statement->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(statement->desc, i);

		if (statement->uses[i] == COLUMN_IGNORED)
			continue;
		if (before == NULL || after == NULL)
			changed[i] = !(after != NULL ? after : before)->tts_isnull[i];
		else if (before->tts_isnull[i] || after->tts_isnull[i])
			changed[i] = before->tts_isnull[i] != after->tts_isnull[i];
		else
			changed[i] = !datum_image_eq(before->tts_values[i], after->tts_values[i],
										 attribute->attbyval, attribute->attlen);
		found = found || changed[i];
	}
	return found;
}

/* The marked columns of a row as an object. */
static Datum
values_of(Statement *statement, TupleTableSlot *row, const bool *changed)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < statement->desc->natts; i++)
	{
		JsonbValue	item;

		if (!changed[i])
			continue;
		item.type = jbvString;
		item.val.string.val = NameStr(TupleDescAttr(statement->desc, i)->attname);
		item.val.string.len = strlen(item.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &item);
		item.type = jbvNull;
		if (!row->tts_isnull[i])
			set_value(statement, i, row->tts_values[i], &item);
		pushJsonbValue(&state, WJB_VALUE, &item);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/*
 * A value that is not NULL as JSON: truth values, whole numbers and JSON as
 * such, everything else as text, since JSON has no exact decimals for many a
 * reader.
 */
static void
set_value(Statement *statement, int column, Datum value, JsonbValue *result)
{
	Oid			type = TupleDescAttr(statement->desc, column)->atttypid;
	Jsonb	   *document;

	if (statement->uses[column] == COLUMN_KEPT)
		switch (type)
		{
			case BOOLOID:
				result->type = jbvBool;
				result->val.boolean = DatumGetBool(value);
				return;
			case INT2OID:
			case INT4OID:
			case INT8OID:
				result->type = jbvNumeric;
				result->val.numeric = int64_to_numeric(type == INT2OID ? DatumGetInt16(value) :
													   type == INT4OID ? DatumGetInt32(value) :
													   DatumGetInt64(value));
				return;
			case JSONBOID:
				document = DatumGetJsonbP(value);
				if (JsonbExtractScalar(&document->root, result))
					return;
				result->type = jbvBinary;
				result->val.binary.data = &document->root;
				result->val.binary.len = VARSIZE(document) - VARHDRSZ;
				return;
			default:
				break;
		}
	result->type = jbvString;
	result->val.string.val = statement->uses[column] == COLUMN_DIGESTED ?
		digest_of(value) : text_of(statement, column, value);
	result->val.string.len = strlen(result->val.string.val);
}

/* The primary key of a row as text, its columns joined by slashes. */
static Datum
key_of(Statement *statement, TupleTableSlot *row)
{
	StringInfoData key;
	int			bit = -1;

	initStringInfo(&key);
	while ((bit = bms_next_member(statement->key, bit)) >= 0)
	{
		int			column = bit + FirstLowInvalidHeapAttributeNumber - 1;

		if (key.len > 0)
			appendStringInfoChar(&key, '/');
		appendStringInfoString(&key, text_of(statement, column, row->tts_values[column]));
	}
	return PointerGetDatum(cstring_to_text_with_len(key.data, key.len));
}

/* A value as its type writes it. */
static char *
text_of(Statement *statement, int column, Datum value)
{
	FmgrInfo   *output = &statement->outputs[column];

	if (!OidIsValid(output->fn_oid))
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(TupleDescAttr(statement->desc, column)->atttypid, &function, &is_varlena);
		/* it outlives the batch */
		fmgr_info_cxt(function, output, GetMemoryChunkContext(statement));
	}
	return OutputFunctionCall(output, value);
}

/* What stands for a value of text or bytea that is a secret or too long. */
static char *
digest_of(Datum value)
{
	Datum		plain = PointerGetDatum(PG_DETOAST_DATUM(value));
	Datum		digest = DirectFunctionCall1(sha256_bytea, plain);

	/* byteaout writes hexadecimal digits after "\x" */
	return psprintf("sha256:%s (%d bytes)",
					DatumGetCString(DirectFunctionCall1(byteaout, digest)) + 2,
					(int) (VARSIZE(DatumGetPointer(plain)) - VARHDRSZ));
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
		SPIPlanPtr	plan = SPI_prepare(psprintf("INSERT INTO %s.history (table_name, action, row_key, old_values, new_values) "
												"SELECT $1, $2, r.row_key, r.old_values, r.new_values"
												"  FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))"
												"       AS r (row_key, old_values, new_values)",
												quote_identifier(get_namespace_name(schema))),
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
