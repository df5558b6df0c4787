/*
 * store.c
 *		Writes what an entry comes to as charges, as rated_columns() of the books
 *		says them: an ordinary INSERT, planned once, so that every rule of the
 *		table holds.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "log.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/timestamp.h"

/* What a new charge is given, in order: its column, type, and where it comes from. */
typedef struct ChargeColumn
{
	const char *name;
	Oid			type;
	int			segment;		/* column of rated_segment; -1: see put_value() */
} ChargeColumn;

typedef enum ChargeValue
{
	CHARGE_SOURCE,
	CHARGE_MADE_BY,
	CHARGE_OWN,
	CHARGE_CLIENT,
	CHARGE_PROJECT,
	CHARGE_DEAL,
	CHARGE_TASK,
	CHARGE_EMPLOYEE,
	CHARGE_ROLE,
	CHARGE_WORK_TYPE,
	CHARGE_DIRECTION,
	CHARGE_STARTED_AT,
	CHARGE_PRICE_LIST,
	CHARGE_CURRENCY,
	CHARGE_BASE_RATE,
	CHARGE_BASE_AMOUNT,
	CHARGE_COST_RATE,
	CHARGE_BASE_COST_RATE,
	CHARGE_TERMS,
	CHARGE_VALUES
} ChargeValue;

static const ChargeColumn charge_columns[] = {
	[CHARGE_SOURCE] = {"source", TEXTOID, -1},
	[CHARGE_MADE_BY] = {"made_by", TEXTOID, -1},
	[CHARGE_OWN] = {"own_id", INT8OID, -1},
	[CHARGE_CLIENT] = {"client_id", INT8OID, -1},
	[CHARGE_PROJECT] = {"project_id", INT8OID, -1},
	[CHARGE_DEAL] = {"deal_id", INT8OID, -1},
	[CHARGE_TASK] = {"task_id", INT8OID, -1},
	[CHARGE_EMPLOYEE] = {"employee_id", INT8OID, -1},
	[CHARGE_ROLE] = {"role", TEXTOID, -1},
	[CHARGE_WORK_TYPE] = {"work_type_id", INT8OID, -1},
	[CHARGE_DIRECTION] = {"direction_id", INT8OID, -1},
	[CHARGE_STARTED_AT] = {"started_at", TIMESTAMPTZOID, -1},
	[CHARGE_PRICE_LIST] = {"price_list_id", INT8OID, -1},
	[CHARGE_CURRENCY] = {"currency", TEXTOID, -1},
	[CHARGE_BASE_RATE] = {"base_rate", NUMERICOID, -1},
	[CHARGE_BASE_AMOUNT] = {"base_amount", NUMERICOID, -1},
	[CHARGE_COST_RATE] = {"cost_rate", NUMERICOID, -1},
	[CHARGE_BASE_COST_RATE] = {"base_cost_rate", NUMERICOID, -1},
	[CHARGE_TERMS] = {"terms_id", INT8OID, -1},
	{"time_entry_id", INT8OID, SEGMENT_ENTRY_ID},
	{"segment", INT4OID, SEGMENT_NO},
	{"contract_id", INT8OID, SEGMENT_CONTRACT_ID},
	{"service_date", DATEOID, SEGMENT_SERVICE_DATE},
	{"period_start", DATEOID, SEGMENT_PERIOD_START},
	{"band", TEXTOID, SEGMENT_BAND},
	{"coverage", TEXTOID, SEGMENT_COVERAGE},
	{"worked_s", INT8OID, SEGMENT_WORKED_S},
	{"billed_s", INT8OID, SEGMENT_BILLED_S},
	{"price", NUMERICOID, SEGMENT_PRICE},
	{"multiplier", NUMERICOID, SEGMENT_MULTIPLIER},
	{"discount_pct", NUMERICOID, SEGMENT_DISCOUNT_PCT},
	{"rate", NUMERICOID, SEGMENT_RATE},
	{"amount", NUMERICOID, SEGMENT_AMOUNT},
	{"cost", NUMERICOID, SEGMENT_COST},
	{"base_cost", NUMERICOID, SEGMENT_BASE_COST},
	{"price_id", INT8OID, SEGMENT_PRICE_ID},
	{"price_source", TEXTOID, SEGMENT_PRICE_SOURCE},
	{"why", JSONBOID, SEGMENT_WHY},
};

#define CHARGE_COLUMNS lengthof(charge_columns)

static void put_values(const LogEntry *entry, const LogSegment *segment, Datum *values, bool *nulls);
static void put_optional(const NullableDatum *value, Datum *values, bool *nulls, ChargeValue column);
static SPIPlanPtr charge_plan(LookReader *reader);

/* Write the charges of an entry. */
void
finance_log_store(LookReader *reader, const LogEntry *entry)
{
	SPIPlanPtr	plan = charge_plan(reader);

	for (int i = 0; i < entry->nsegments; i++)
	{
		const LogSegment *segment = &entry->segments[i];
		Datum		values[CHARGE_COLUMNS];
		bool		nulls[CHARGE_COLUMNS] = {false};
		char		null_marks[CHARGE_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		put_values(entry, segment, values, nulls);
		for (int j = CHARGE_VALUES; j < CHARGE_COLUMNS; j++)
		{
			values[j] = segment->values[charge_columns[j].segment];
			nulls[j] = segment->nulls[charge_columns[j].segment];
		}
		for (int j = 0; j < CHARGE_COLUMNS; j++)
			null_marks[j] = nulls[j] ? 'n' : ' ';
		if (SPI_execute_plan(plan, values, null_marks, false, 0) != SPI_OK_INSERT)
			elog(ERROR, "could not write a charge");
	}
}

/* Fill in what is not of the segment. */
static void
put_values(const LogEntry *entry, const LogSegment *segment, Datum *values, bool *nulls)
{
	values[CHARGE_SOURCE] = CStringGetTextDatum("time");
	values[CHARGE_MADE_BY] = CStringGetTextDatum("rating");
	values[CHARGE_OWN] = Int64GetDatum(segment->own);
	nulls[CHARGE_OWN] = segment->own == LOOK_NONE;
	values[CHARGE_CLIENT] = Int64GetDatum(entry->client);
	values[CHARGE_PROJECT] = Int64GetDatum(entry->project);
	put_optional(&entry->deal, values, nulls, CHARGE_DEAL);
	values[CHARGE_TASK] = entry->values[LOOK_time_entry_task_id];
	values[CHARGE_EMPLOYEE] = entry->values[LOOK_time_entry_employee_id];
	put_optional(&entry->role, values, nulls, CHARGE_ROLE);
	put_optional(&entry->work_type, values, nulls, CHARGE_WORK_TYPE);
	put_optional(&entry->direction, values, nulls, CHARGE_DIRECTION);
	values[CHARGE_STARTED_AT] = TimestampTzGetDatum(entry->instant);
	values[CHARGE_PRICE_LIST] = Int64GetDatum(entry->price_list);
	values[CHARGE_CURRENCY] = CStringGetTextDatum(entry->group->currency);
	values[CHARGE_BASE_RATE] = entry->base_rate;
	values[CHARGE_BASE_AMOUNT] = segment->base_amount;
	put_optional(&entry->cost_rate, values, nulls, CHARGE_COST_RATE);
	put_optional(&entry->base_cost_rate, values, nulls, CHARGE_BASE_COST_RATE);
	values[CHARGE_TERMS] = Int64GetDatum(entry->terms);
}

/* Fill in a value that there may not be. */
static void
put_optional(const NullableDatum *value, Datum *values, bool *nulls, ChargeValue column)
{
	values[column] = value->value;
	nulls[column] = value->isnull;
}

/* The statement that writes a charge. */
static SPIPlanPtr
charge_plan(LookReader *reader)
{
	StringInfoData names;
	StringInfoData parameters;
	Oid			types[CHARGE_COLUMNS];

	if (reader->kept->plans[LOOK_PLAN_CHARGE] != NULL)
		return reader->kept->plans[LOOK_PLAN_CHARGE];
	initStringInfo(&names);
	initStringInfo(&parameters);
	for (int i = 0; i < CHARGE_COLUMNS; i++)
	{
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ", charge_columns[i].name);
		appendStringInfo(&parameters, "%s$%d", i == 0 ? "" : ", ", i + 1);
		types[i] = charge_columns[i].type;
	}
	return finance_look_plan(reader, LOOK_PLAN_CHARGE,
							psprintf("INSERT INTO %%t.charge (%s) VALUES (%s)", names.data, parameters.data),
							CHARGE_COLUMNS, types);
}
