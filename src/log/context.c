/*
 * context.c
 *		What an entry is about, as entry_context() and entry_input() of the books
 *		say it, for entries of plain contracts.  False says: not plain, leave it
 *		to the books.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "log.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define COST_DECIMALS 12		/* of a cost rate, as cost_rate_on() rounds it */

/* Which contract takes an entry. */
typedef struct ContractMatch
{
	HeapTuple	contract;		/* of the nearest level; NULL: none */
	int			level;			/* 1: named, 2: of the project, 3: of the client */
	int			nmatches;		/* of that level */
} ContractMatch;

static bool read_task(LookReader *reader, LogEntry *entry, HeapTuple *task, HeapTuple *project);
static bool read_disposition(LookReader *reader, LogEntry *entry, HeapTuple task, HeapTuple project);
static HeapTuple match_contract(LookReader *reader, LogEntry *entry, HeapTuple task);
static void try_contract(LookReader *reader, LogEntry *entry, HeapTuple contract, int level, ContractMatch *match);
static DateADT local_day(const LogEntry *entry, Datum zone);
static bool takes_by_itself(LookReader *reader, const LogEntry *entry, HeapTuple contract);
static Datum contract_zone(LookReader *reader, HeapTuple contract);
static bool read_price_list(LookReader *reader, LogEntry *entry, HeapTuple contract, HeapTuple project);
static bool read_terms(LookReader *reader, LogEntry *entry);
static bool read_rates(LookReader *reader, LogEntry *entry);
static HeapTuple find_cost(LookReader *reader, const LogEntry *entry);
static bool cost_in(LookReader *reader, const LogEntry *entry, HeapTuple cost, const char *currency,
					NullableDatum *rate);
static bool exchange_rate(LookReader *reader, const char *from, const char *to, DateADT day, Datum *rate);

/*
 * Read what an entry is about, of which id and columns are given; false when it
 * is not plain.
 */
bool
finance_log_read(LookReader *reader, LogEntry *entry)
{
	HeapTuple	task;
	HeapTuple	project;
	HeapTuple	contract;

	if (!entry->nulls[LOOK_time_entry_billable] || !entry->nulls[LOOK_time_entry_billable_s] ||
		!entry->nulls[LOOK_time_entry_price] || entry->nulls[LOOK_time_entry_worked_s] ||
		DatumGetInt64(entry->values[LOOK_time_entry_worked_s]) >
		finance_look_id(reader, reader->setting, LOOK_setting_max_entry_s))
		return false;
	if (!read_task(reader, entry, &task, &project) || !read_disposition(reader, entry, task, project))
		return false;
	contract = match_contract(reader, entry, task);
	if (contract == NULL || !takes_by_itself(reader, entry, contract))
		return false;
	entry->group = finance_look_group(reader, contract);
	if (!entry->group->is_plain || !entry->group->has_source)
		return false;
	finance_look_lists(reader, entry->group, contract);
	finance_look_digest(entry->group);
	entry->work_date = local_day(entry, entry->group->zone);
	entry->instant = !entry->nulls[LOOK_time_entry_started_at] ?
		DatumGetTimestampTz(entry->values[LOOK_time_entry_started_at]) :
		DatumGetTimestampTz(DirectFunctionCall2(timestamp_zone, entry->group->zone,
												DirectFunctionCall1(date_timestamp,
																	DateADTGetDatum(entry->work_date))));
	return read_price_list(reader, entry, contract, project) && read_terms(reader, entry) &&
		read_rates(reader, entry);
}

/* Read the task, its project and client, and the employee. */
static bool
read_task(LookReader *reader, LogEntry *entry, HeapTuple *task, HeapTuple *project)
{
	HeapTuple	client;
	HeapTuple	employee;

	*task = finance_look_find(reader, LOOK_INDEX_task_pkey, LOOK_task_id, entry->values[LOOK_time_entry_task_id]);
	if (*task == NULL ||
		finance_look_find(reader, LOOK_INDEX_task_item_key, LOOK_task_item_task_id,
						 entry->values[LOOK_time_entry_task_id]) != NULL)
		return false;
	entry->project = finance_look_id(reader, *task, LOOK_task_project_id);
	*project = finance_look_find(reader, LOOK_INDEX_project_pkey, LOOK_project_id, Int64GetDatum(entry->project));
	employee = finance_look_find(reader, LOOK_INDEX_employee_pkey, LOOK_employee_id,
								entry->values[LOOK_time_entry_employee_id]);
	if (*project == NULL || employee == NULL)
		return false;
	entry->client = finance_look_id(reader, *project, LOOK_project_client_id);
	client = finance_look_find(reader, LOOK_INDEX_party_pkey, LOOK_party_id, Int64GetDatum(entry->client));
	if (client == NULL || strcmp(finance_look_word(reader, client, LOOK_party_kind), "own") == 0)
		return false;

	entry->deal.value = finance_look_value(reader, *task, LOOK_task_deal_id, &entry->deal.isnull);
	entry->role.value = finance_look_value(reader, employee, LOOK_employee_role, &entry->role.isnull);
	entry->direction.value = finance_look_value(reader, *project, LOOK_project_direction_id,
											   &entry->direction.isnull);
	if (entry->direction.isnull)
		entry->direction.value = finance_look_value(reader, employee, LOOK_employee_direction_id,
												   &entry->direction.isnull);
	entry->work_type.value = entry->values[LOOK_time_entry_work_type_id];
	entry->work_type.isnull = entry->nulls[LOOK_time_entry_work_type_id];
	if (entry->work_type.isnull)
		entry->work_type.value = finance_look_value(reader, *task, LOOK_task_work_type_id,
												   &entry->work_type.isnull);
	return true;
}

/* What becomes of the work: as the task says, its kind, or its project; and who said so. */
static bool
read_disposition(LookReader *reader, LogEntry *entry, HeapTuple task, HeapTuple project)
{
	HeapTuple	kind = NULL;
	StringInfoData why;

	if (!entry->work_type.isnull)
	{
		kind = finance_look_find(reader, LOOK_INDEX_work_type_pkey, LOOK_work_type_id, entry->work_type.value);
		if (kind == NULL)
			return false;
	}
	initStringInfo(&why);
	if ((entry->disposition = finance_look_word(reader, task, LOOK_task_billable)) != NULL)
		appendStringInfoString(&why, "{\"disposition\": {\"by\": \"task\"}}");
	else if (kind != NULL &&
			 (entry->disposition = finance_look_word(reader, kind, LOOK_work_type_billable)) != NULL)
	{
		appendStringInfoString(&why, "{\"disposition\": {\"by\": \"work_type\", \"code\": ");
		escape_json(&why, finance_look_word(reader, kind, LOOK_work_type_code));
		appendStringInfoString(&why, "}}");
	}
	else if ((entry->disposition = finance_look_word(reader, project, LOOK_project_billable)) != NULL)
		appendStringInfoString(&why, "{\"disposition\": {\"by\": \"project\"}}");
	else
		entry->disposition = "billable";
	if (strcmp(entry->disposition, "billable") != 0)
		entry->why = DirectFunctionCall1(jsonb_in, CStringGetDatum(why.data));
	return true;
}

/* Find the one contract that takes an entry, as contract_of() does; NULL when it is none or not clear. */
static HeapTuple
match_contract(LookReader *reader, LogEntry *entry, HeapTuple task)
{
	ContractMatch match = {.level = 4};
	int64		named = entry->nulls[LOOK_time_entry_contract_id] ?
		finance_look_id(reader, task, LOOK_task_contract_id) :
		DatumGetInt64(entry->values[LOOK_time_entry_contract_id]);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	contract;

	if (named != LOOK_NONE)
	{
		contract = finance_look_find(reader, LOOK_INDEX_contract_pkey, LOOK_contract_id, Int64GetDatum(named));
		/* a companion comes with its base: the books know */
		if (contract == NULL || finance_look_id(reader, contract, LOOK_contract_client_id) != entry->client ||
			finance_look_id(reader, contract, LOOK_contract_parent_id) != LOOK_NONE)
			return NULL;
		try_contract(reader, entry, contract, 1, &match);
		return match.contract;
	}
	finance_look_key(reader, &key, LOOK_contract_client_id, Int64GetDatum(entry->client));
	scan = finance_look_scan(reader, LOOK_INDEX_contract_client_idx, 1, &key);
	while (HeapTupleIsValid(contract = systable_getnext(scan)))
	{
		int64		project = finance_look_id(reader, contract, LOOK_contract_project_id);

		CHECK_FOR_INTERRUPTS();
		if (finance_look_id(reader, contract, LOOK_contract_parent_id) == LOOK_NONE &&
			(project == LOOK_NONE || project == entry->project))
			try_contract(reader, entry, contract, project == LOOK_NONE ? 3 : 2, &match);
	}
	systable_endscan(scan);
	return match.nmatches == 1 ? match.contract : NULL;
}

/* Take a contract of a level into the match if it is in force on the day of the entry. */
static void
try_contract(LookReader *reader, LogEntry *entry, HeapTuple contract, int level, ContractMatch *match)
{
	DateADT		day;
	bool		isnull;
	Datum		ends_on;

	if (level > match->level || strcmp(finance_look_word(reader, contract, LOOK_contract_status), "draft") == 0)
		return;
	day = local_day(entry, contract_zone(reader, contract));
	if (day < DatumGetDateADT(finance_look_value(reader, contract, LOOK_contract_starts_on, &isnull)))
		return;
	ends_on = finance_look_value(reader, contract, LOOK_contract_ends_on, &isnull);
	if (!isnull && day > DatumGetDateADT(ends_on))
		return;
	if (level < match->level)
		match->nmatches = 0;
	match->level = level;
	match->nmatches++;
	match->contract = heap_copytuple(contract);
}

/* The zone in which a contract reckons days; NULL where its calendar is not there. */
static Datum
contract_zone(LookReader *reader, HeapTuple contract)
{
	int64		id = finance_look_id(reader, contract, LOOK_contract_calendar_id);
	HeapTuple	calendar = id == LOOK_NONE ? NULL :
		finance_look_find(reader, LOOK_INDEX_calendar_pkey, LOOK_calendar_id, Int64GetDatum(id));
	bool		isnull;

	return calendar == NULL ? finance_look_value(reader, reader->setting, LOOK_setting_zone, &isnull) :
		finance_look_value(reader, calendar, LOOK_calendar_zone, &isnull);
}

/* The day of an entry in a zone. */
static DateADT
local_day(const LogEntry *entry, Datum zone)
{
	if (entry->nulls[LOOK_time_entry_started_at])
		return DatumGetDateADT(entry->values[LOOK_time_entry_work_date]);
	return DatumGetDateADT(DirectFunctionCall1(timestamp_date,
											   DirectFunctionCall2(timestamptz_zone, zone,
																   entry->values[LOOK_time_entry_started_at])));
}

/* Is there nothing to wait for, and is the work not in the price of stages? */
static bool
takes_by_itself(LookReader *reader, const LogEntry *entry, HeapTuple contract)
{
	if (strcmp(entry->disposition, "billable") != 0)
		return true;
	return !finance_look_flag(reader, contract, LOOK_contract_needs_approval) &&
		!finance_look_flag(reader, contract, LOOK_contract_needs_specification) &&
		strcmp(finance_look_word(reader, contract, LOOK_contract_model), "fixed_price") != 0;
}

/* Where the search for a price starts: at the contract's list, the project's, the client's, or the last resort. */
static bool
read_price_list(LookReader *reader, LogEntry *entry, HeapTuple contract, HeapTuple project)
{
	entry->price_list = finance_look_id(reader, contract, LOOK_contract_price_list_id);
	if (entry->price_list == LOOK_NONE)
		entry->price_list = finance_look_id(reader, project, LOOK_project_price_list_id);
	if (entry->price_list == LOOK_NONE)
		entry->price_list = entry->group->client_list;
	if (entry->price_list == LOOK_NONE)
		entry->price_list = entry->group->default_list;
	return entry->price_list != LOOK_NONE;
}

/* Find the terms that were made of what the group is; false where there are none yet. */
static bool
read_terms(LookReader *reader, LogEntry *entry)
{
	HeapTuple	source = finance_look_terms(reader, entry->group);

	if (source != NULL)
		entry->terms = finance_look_id(reader, source, LOOK_terms_source_terms_id);
	return source != NULL;
}

/* Read what the work costs, and the rates of exchange of its day. */
static bool
read_rates(LookReader *reader, LogEntry *entry)
{
	HeapTuple	cost = find_cost(reader, entry);

	if (!exchange_rate(reader, entry->group->currency, reader->base_currency, entry->work_date,
					   &entry->base_rate))
		return false;
	entry->cost_rate.isnull = entry->base_cost_rate.isnull = true;
	if (cost == NULL)
		return true;
	return cost_in(reader, entry, cost, entry->group->currency, &entry->cost_rate) &&
		cost_in(reader, entry, cost, reader->base_currency, &entry->base_cost_rate);
}

/* Find the rate of an hour of the employee on the day, else of his role; NULL when neither is known. */
static HeapTuple
find_cost(LookReader *reader, const LogEntry *entry)
{
	for (int by_role = 0; by_role < 2; by_role++)
	{
		ScanKeyData keys[3];
		HeapTuple	cost;
		bool		isnull = true;

		if (by_role && entry->role.isnull)
			continue;
		finance_look_key(reader, &keys[0], LOOK_cost_rate_employee_id, entry->values[LOOK_time_entry_employee_id]);
		finance_look_key(reader, &keys[1], LOOK_cost_rate_role, entry->role.value);
		keys[by_role ? 0 : 1].sk_flags = SK_ISNULL | SK_SEARCHNULL;
		keys[by_role ? 0 : 1].sk_strategy = InvalidStrategy;
		keys[by_role ? 0 : 1].sk_argument = (Datum) 0;
		finance_look_key_until(reader, &keys[2], LOOK_cost_rate_valid_from, DateADTGetDatum(entry->work_date));
		cost = finance_look_last(reader, LOOK_INDEX_cost_rate_key, lengthof(keys), keys);
		if (cost != NULL)
			(void) finance_look_value(reader, cost, LOOK_cost_rate_hourly_cost, &isnull);
		if (!isnull)
			return cost;
	}
	return NULL;
}

/* A cost rate in a currency, as cost_rate_on() has it; false when no rate of exchange is known. */
static bool
cost_in(LookReader *reader, const LogEntry *entry, HeapTuple cost, const char *currency, NullableDatum *rate)
{
	bool		isnull;
	Datum		hourly = finance_look_value(reader, cost, LOOK_cost_rate_hourly_cost, &isnull);
	Datum		exchange;

	if (!exchange_rate(reader, finance_look_word(reader, cost, LOOK_cost_rate_currency), currency,
					   entry->work_date, &exchange))
		return false;
	rate->value = DirectFunctionCall2(numeric_round, DirectFunctionCall2(numeric_mul, hourly, exchange),
									  Int32GetDatum(COST_DECIMALS));
	rate->isnull = false;
	return true;
}

/* What one of a currency is in another on a day; false when it is not known. */
static bool
exchange_rate(LookReader *reader, const char *from, const char *to, DateADT day, Datum *rate)
{
	Oid			types[] = {TEXTOID, TEXTOID, DATEOID};
	Datum		values[] = {CStringGetTextDatum(from), CStringGetTextDatum(to), DateADTGetDatum(day)};
	bool		isnull;
	MemoryContext context = CurrentMemoryContext;

	if (strcmp(from, to) == 0)
	{
		*rate = NumericGetDatum(int64_to_numeric(1));
		return true;
	}
	if (SPI_execute_plan(finance_look_plan(reader, LOOK_PLAN_EXCHANGE, "SELECT %t.exchange_rate_on($1, $2, $3)",
										  lengthof(types), types),
						 values, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not ask for a rate of exchange");
	*rate = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (!isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		*rate = PointerGetDatum(PG_DETOAST_DATUM_COPY(*rate));
		MemoryContextSwitchTo(old);
	}
	SPI_freetuptable(SPI_tuptable);
	return !isnull;
}
