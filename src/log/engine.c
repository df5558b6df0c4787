/*
 * engine.c
 *		The rating engine, kept ready with the terms that it has read.
 *
 * Terms never change, and what is told by the same digest is the same document:
 * so terms that were read once for a digest are good as long as the session
 * lives.  Which terms a charge names is asked of the books each time.  All is
 * thrown away when it is too much, or when an error left something half written.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "log.h"
#include "miscadmin.h"
#include "money.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define ENGINE_BYTES_MAX (32 * 1024 * 1024) /* of all that is kept, but for the last terms */

/* By what an engine is found; all bytes of it count. */
typedef struct EngineKey
{
	uint64		source[2];
	int64		contract;
	int64		schema;
} EngineKey;

/* Terms and the accounts of their contracts, read. */
typedef struct KeptTerms
{
	EngineKey	key;			/* hash key */
	MemoryContext context;		/* NULL: not read yet */
	Terms	   *terms;
	Accounts	accounts;
} KeptTerms;

/* A price list as it was in a revision; all bytes of the key count. */
typedef struct ListKey
{
	int64		schema;
	int64		list;
	int64		revision;
} ListKey;

typedef struct KeptList
{
	ListKey		key;			/* hash key */
	MemoryContext context;		/* NULL: not read yet */
	PriceList	list;			/* whose parent is another one for each terms */
} KeptList;

static HTAB *kept_terms;
static HTAB *kept_lists;
static MemoryContext engine_context;
static Engine engine;			/* of all terms, in turn: it keeps prices and room for segments */
static SegmentWords segment_words;
static bool is_rating;			/* stays true where an error came in between */

static void use_terms(LookReader *reader, const LogEntry *entry);
static void begin_engine(void);
static void keep_terms(LookReader *reader, const LogEntry *entry, KeptTerms *kept);
static void read_lists(LookReader *reader, const LookGroup *group, PriceLists *lists);
static const PriceList *use_list(LookReader *reader, const LookList *list);
static void read_entry(const LogEntry *entry, RatingEntry *rated);
static bool read_segments(LookReader *reader, LogEntry *entry, const RatingEntry *rated);
static void read_segment(LookReader *reader, LogEntry *entry, LogSegment *segment);
static DateADT opening_day(LookReader *reader, const LogEntry *entry);

/*
 * Rate an entry, of which all is known, by its terms; false when it cannot be
 * rated, or would be late, and then the books say what becomes of it.
 */
bool
finance_log_rate(LookReader *reader, LogEntry *entry)
{
	RatingEntry rated = {0};
	bool		is_rated;

	use_terms(reader, entry);
	is_rating = true;
	engine.use.taken[LIMIT_SEGMENTS] = 0;
	finance_engine_reset(&engine);
	read_entry(entry, &rated);
	finance_entries_bill(&rated, 1);
	is_rated = finance_engine_rate(&engine, &rated) && read_segments(reader, entry, &rated);
	is_rating = false;
	return is_rated;
}

/* Let the engine rate by the terms of an entry, which are read now where they are not kept. */
static void
use_terms(LookReader *reader, const LogEntry *entry)
{
	EngineKey	key = {
		.source = {entry->group->source[0], entry->group->source[1]},
		.contract = entry->group->id,
		.schema = reader->books.schema
	};
	KeptTerms  *kept;
	bool		is_found;

	if (kept_terms == NULL || is_rating)
		begin_engine();
	kept = hash_search(kept_terms, &key, HASH_FIND, NULL);
	if (kept == NULL || kept->context == NULL)
	{
		if (MemoryContextMemAllocated(engine_context, true) > ENGINE_BYTES_MAX)
			begin_engine();
		kept = hash_search(kept_terms, &key, HASH_ENTER, &is_found);
		kept->context = NULL;
		keep_terms(reader, entry, kept);
	}
	engine.terms[0] = kept->terms;
	engine.accounts = kept->accounts;
}

/* Begin the engine, or begin it anew with no terms kept. */
static void
begin_engine(void)
{
	HASHCTL		control = {.keysize = sizeof(EngineKey), .entrysize = sizeof(KeptTerms)};
	HASHCTL		list_control = {.keysize = sizeof(ListKey), .entrysize = sizeof(KeptList)};
	MemoryContext old;

	kept_terms = kept_lists = NULL;
	if (engine_context == NULL)
		engine_context = AllocSetContextCreate(CacheMemoryContext, "finance engine", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(engine_context);
	old = MemoryContextSwitchTo(engine_context);
	memset(&engine, 0, sizeof(Engine));
	engine.terms = palloc(sizeof(Terms *));
	engine.nterms = 1;
	finance_engine_begin(&engine);
	finance_segment_words_make(&segment_words);
	control.hcxt = list_control.hcxt = engine_context;
	kept_lists = hash_create("finance price lists", 16, &list_control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	kept_terms = hash_create("finance terms", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	MemoryContextSwitchTo(old);
	is_rating = false;
}

/* Read the terms of an entry; they are kept once they are whole. */
static void
keep_terms(LookReader *reader, const LogEntry *entry, KeptTerms *kept)
{
	HeapTuple	source = finance_look_terms(reader, entry->group);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "finance terms",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	Datum		document;
	PriceLists	lists;
	bool		isnull;

	memset(&engine.use, 0, sizeof(LimitUse));
	old = MemoryContextSwitchTo(context);
	read_lists(reader, entry->group, &lists);
	/* names stay where the document has them */
	document = PointerGetDatum(PG_DETOAST_DATUM_COPY(finance_look_value(reader, source, LOOK_terms_source_body,
																	   &isnull)));
	kept->terms = finance_terms_read(1, DatumGetJsonbP(document), &engine.use, NULL, &lists);
	memset(&kept->accounts, 0, sizeof(Accounts));
	kept->accounts.use = &engine.use;
	finance_accounts_open(&kept->accounts, &kept->terms, 1, NULL);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, engine_context);
	kept->context = context;
}

/* Read the price lists of a group, each with its parent among them. */
static void
read_lists(LookReader *reader, const LookGroup *group, PriceLists *lists)
{
	JsonNode	none = {0};
	ListCell   *cell;

	lists->nlists = 0;
	lists->lists = palloc(sizeof(PriceList) * Max(list_length(group->lists), 1));
	foreach(cell, group->lists)
		lists->lists[lists->nlists++] = *use_list(reader, lfirst(cell));
	finance_price_lists_link(lists, &none);
}

/* A revision of a price list, which is read now where it is not kept: it is the same for all who name it. */
static const PriceList *
use_list(LookReader *reader, const LookList *list)
{
	ListKey		key = {.schema = reader->books.schema, .list = list->id, .revision = list->revision};
	bool		is_found;
	KeptList   *kept = hash_search(kept_lists, &key, HASH_ENTER, &is_found);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;
	MemoryContext context;
	MemoryContext old;
	JsonNode	root;
	bool		isnull;

	if (is_found && kept->context != NULL)
		return &kept->list;
	kept->context = NULL;
	context = AllocSetContextCreate(CurrentMemoryContext, "finance price list", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	finance_look_key(reader, &keys[0], LOOK_list_snapshot_price_list_id, Int64GetDatum(list->id));
	finance_look_key(reader, &keys[1], LOOK_list_snapshot_revision, Int64GetDatum(list->revision));
	scan = finance_look_scan(reader, LOOK_INDEX_list_snapshot_pkey, lengthof(keys), keys);
	row = systable_getnext(scan);
	if (!HeapTupleIsValid(row))
		elog(ERROR, "there is no revision " INT64_FORMAT " of price list " INT64_FORMAT, list->revision, list->id);
	finance_json_root("list", 0, (Jsonb *) PG_DETOAST_DATUM_COPY(finance_look_value(reader, row,
																				   LOOK_list_snapshot_body,
																				   &isnull)),
					  &engine.use, &root);
	systable_endscan(scan);
	memset(&kept->list, 0, sizeof(PriceList));
	kept->list.id = list->id;
	finance_price_list_read(&kept->list, &root);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, engine_context);
	kept->context = context;
	return &kept->list;
}

/* Put an entry as the engine takes it. */
static void
read_entry(const LogEntry *entry, RatingEntry *rated)
{
	Datum		values[ENTRY_COLUMNS];
	bool		nulls[ENTRY_COLUMNS] = {false};

	values[ENTRY_ID] = Int64GetDatum(entry->id);
	values[ENTRY_STARTED_AT] = entry->values[LOOK_time_entry_started_at];
	nulls[ENTRY_STARTED_AT] = entry->nulls[LOOK_time_entry_started_at];
	values[ENTRY_ENDED_AT] = entry->values[LOOK_time_entry_ended_at];
	nulls[ENTRY_ENDED_AT] = entry->nulls[LOOK_time_entry_ended_at];
	values[ENTRY_WORK_DATE] = entry->values[LOOK_time_entry_work_date];
	nulls[ENTRY_WORK_DATE] = entry->nulls[LOOK_time_entry_work_date];
	values[ENTRY_WORKED_S] = entry->values[LOOK_time_entry_worked_s];
	nulls[ENTRY_BILLABLE_S] = nulls[ENTRY_PRICE] = nulls[ENTRY_FROZEN_S] = true;
	values[ENTRY_PRICE_LIST_ID] = Int64GetDatum(entry->price_list);
	values[ENTRY_DISPOSITION] = CStringGetTextDatum(entry->disposition);
	values[ENTRY_EMPLOYEE_ID] = entry->values[LOOK_time_entry_employee_id];
	values[ENTRY_ROLE] = entry->role.value;
	nulls[ENTRY_ROLE] = entry->role.isnull;
	values[ENTRY_WORK_TYPE_ID] = entry->work_type.value;
	nulls[ENTRY_WORK_TYPE_ID] = entry->work_type.isnull;
	values[ENTRY_TASK_ID] = entry->values[LOOK_time_entry_task_id];
	values[ENTRY_COST_RATE] = entry->cost_rate.value;
	nulls[ENTRY_COST_RATE] = entry->cost_rate.isnull;
	values[ENTRY_BASE_COST_RATE] = entry->base_cost_rate.value;
	nulls[ENTRY_BASE_COST_RATE] = entry->base_cost_rate.isnull;
	values[ENTRY_TERMS_NO] = Int32GetDatum(1);
	finance_entry_read(rated, values, nulls, engine.terms, engine.nterms, NULL);
}

/* Keep the segments of an entry as they will be charged; false where one would be late. */
static bool
read_segments(LookReader *reader, LogEntry *entry, const RatingEntry *rated)
{
	const Rating *rating = &engine.rating;
	DateADT		opens_on = opening_day(reader, entry);
	int64		worked_before_s = 0;

	entry->nsegments = rating->nsegments;
	entry->segments = palloc(sizeof(LogSegment) * Max(rating->nsegments, 1));
	for (int i = 0; i < rating->nsegments; i++)
	{
		LogSegment *segment = &entry->segments[i];

		CHECK_FOR_INTERRUPTS();
		finance_segment_columns(&segment_words, rated, &rating->segments[i], i + 1, worked_before_s,
								segment->values, segment->nulls);
		worked_before_s += rating->segments[i].worked_s;
		if (opens_on > DatumGetDateADT(segment->values[SEGMENT_PERIOD_START]))
			return false;
		read_segment(reader, entry, segment);
	}
	return true;
}

/* Complete a segment, and take from the engine what it keeps for itself. */
static void
read_segment(LookReader *reader, LogEntry *entry, LogSegment *segment)
{
	static const SegmentColumn shared[] = {
		SEGMENT_BAND, SEGMENT_COVERAGE, SEGMENT_PRICE, SEGMENT_MULTIPLIER, SEGMENT_DISCOUNT_PCT, SEGMENT_RATE,
		SEGMENT_PRICE_SOURCE
	};
	const LookGroup *group = entry->group;

	for (int i = 0; i < lengthof(shared); i++)
	{
		if (!segment->nulls[shared[i]])
			segment->values[shared[i]] = PointerGetDatum(PG_DETOAST_DATUM_COPY(segment->values[shared[i]]));
	}
	segment->contract = DatumGetInt64(segment->values[SEGMENT_CONTRACT_ID]);
	segment->own = LOOK_NONE;
	for (int i = 0; i < group->ncontracts; i++)
	{
		if (group->contracts[i] == segment->contract)
			segment->own = group->owns[i];
	}
	if (segment->own == LOOK_NONE)
		segment->own = finance_look_own(reader);
	segment->base_amount = DirectFunctionCall2(finance_round_money,
											   DirectFunctionCall2(numeric_mul, segment->values[SEGMENT_AMOUNT],
																   entry->base_rate),
											   Int32GetDatum(reader->base_exponent));
	if (entry->why != (Datum) 0)
	{
		segment->values[SEGMENT_WHY] = entry->why;
		segment->nulls[SEGMENT_WHY] = false;
	}
	else if (strcmp(entry->disposition, "billable") != 0)
		segment->nulls[SEGMENT_WHY] = true;
}

/* The first day that is open for work of the contract; no day is before it where nothing is closed. */
static DateADT
opening_day(LookReader *reader, const LogEntry *entry)
{
	ScanKeyData key;
	HeapTuple	last;
	bool		isnull;

	finance_look_key(reader, &key, LOOK_billing_period_contract_id, Int64GetDatum(entry->group->id));
	last = finance_look_last(reader, LOOK_INDEX_billing_period_pkey, 1, &key);
	return last == NULL ? DATEVAL_NOBEGIN :
		DatumGetDateADT(finance_look_value(reader, last, LOOK_billing_period_period_end, &isnull));
}
