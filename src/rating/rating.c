/*
 * rating.c
 *		The rating engine: entries and terms in, rated segments out.
 *
 * A pure function: it reads no table and keeps nothing.  The order of work is
 *
 *	 1. entries in order of time, whatever the order they came in;
 *	 2. worked seconds become billed ones, by entry or by group (billed.c);
 *	 3. an entry is cut into slices of one band and one period (slice.c);
 *	 4. a slice goes to the contract that claims its band, draws on that
 *		contract's allotments, and the rest is priced and capped (segment.c);
 *	 5. cost is counted over the whole entry, so that its parts sum exactly.
 *
 * What cannot be rated becomes one row that says why, and takes nothing: an
 * entry is rated whole or not at all.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "rating.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* The columns of rated_segment, in order. */
typedef enum SegmentColumn
{
	SEGMENT_ENTRY_ID,
	SEGMENT_NO,
	SEGMENT_CONTRACT_ID,
	SEGMENT_SERVICE_DATE,
	SEGMENT_PERIOD_START,
	SEGMENT_BAND,
	SEGMENT_COVERAGE,
	SEGMENT_WORKED_S,
	SEGMENT_BILLED_S,
	SEGMENT_PRICE,
	SEGMENT_MULTIPLIER,
	SEGMENT_DISCOUNT_PCT,
	SEGMENT_AMOUNT,
	SEGMENT_COST,
	SEGMENT_BASE_COST,
	SEGMENT_ALLOTMENT_ID,
	SEGMENT_BURNED,
	SEGMENT_PRICE_SOURCE,
	SEGMENT_REASON,
	SEGMENT_PROBLEM,
	SEGMENT_COLUMNS
} SegmentColumn;

/* Words of the coverages, in the order of the enum. */
static const char *const coverage_words[] = {
	"billable", "included", "prepaid", "capped", "no_charge", "non_billable"
};

/* What one call works with. */
typedef struct Engine
{
	Terms	  **terms;
	int			nterms;
	LimitUse	use;			/* of the documents */
	Account    *accounts;		/* in order of contract */
	int			naccounts;
	Rating		rating;
	Datum		coverages[lengthof(coverage_words)];	/* texts */
	Datum		zero;			/* numeric constants */
	Datum		one;
	Tuplestorestate *store;
	TupleDesc	tupdesc;
} Engine;

static void read_terms(Engine *engine, ArrayType *array);
static void open_accounts(Engine *engine, Jsonb *state);
static void open_account(Account *account, const Contract *contract);
static int	compare_contracts(const void *a, const void *b);
static void reset_accounts(Engine *engine);
static void begin_rating(Engine *engine);
static bool rate_entries(Engine *engine, RatingEntry *entries, int nentries);
static void rate_entry(Engine *engine, const RatingEntry *entry);
#ifdef USE_ASSERT_CHECKING
static void assert_rating(const Rating *rating, const RatingEntry *entry);
static void assert_segment(const Segment *segment);
#endif
static void give_back(const Rating *rating);
static void put_segments(Engine *engine, const RatingEntry *entry);
static void put_segment(Engine *engine, const RatingEntry *entry, int no,
						int64 worked_before_s);
static void put_priced(Engine *engine, const RatingEntry *entry, const Segment *segment,
					   Datum *values, bool *nulls);
static void put_cost(const RatingEntry *entry, const Segment *segment, int64 worked_before_s,
					 Datum *values, bool *nulls);
static Datum cost_between(int64 before_s, int64 after_s, int128 rate, int exponent);
static void put_problem(Engine *engine, const RatingEntry *entry);

PG_FUNCTION_INFO_V1(finance_rate);

/*
 * rate(terms jsonb[], entries rating_entry[], state jsonb) -> setof
 * rated_segment.
 */
Datum
finance_rate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Engine		engine = {0};
	RatingEntry *entries;
	int			nentries;

	InitMaterializedSRF(fcinfo, 0);
	engine.store = rsinfo->setResult;
	engine.tupdesc = rsinfo->setDesc;
	if (engine.tupdesc->natts != SEGMENT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type rated_segment has %d columns, not %d",
						engine.tupdesc->natts, SEGMENT_COLUMNS),
				 errhint("Run ALTER EXTENSION finance UPDATE.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("terms must not be null")));
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();

	read_terms(&engine, PG_GETARG_ARRAYTYPE_P(0));
	begin_rating(&engine);
	entries = finance_entries_read(PG_GETARG_ARRAYTYPE_P(1), engine.terms, engine.nterms,
								   &nentries);

	/*
	 * An entry that turns out to have no price bears on no rounding group, so
	 * all is rated again without it; each turn leaves out at least one more.
	 */
	open_accounts(&engine, PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	do
	{
		finance_limit_take(&engine.use, LIMIT_TURNS, 1);
		tuplestore_clear(engine.store);
		engine.use.taken[LIMIT_SEGMENTS] = 0;
		reset_accounts(&engine);
		finance_entries_bill(entries, nentries);
	} while (!rate_entries(&engine, entries, nentries));
	PG_RETURN_NULL();
}

/* Rate the entries; false when one that was rounded in a group could not be rated. */
static bool
rate_entries(Engine *engine, RatingEntry *entries, int nentries)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "finance entry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	bool		is_settled = true;

	for (int i = 0; i < nentries; i++)
	{
		RatingEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->is_frozen)
			continue;
		rate_entry(engine, entry);
		if (engine->rating.problem != NULL && finance_entry_joins_group(entry))
		{
			entry->has_problem = true;
			entry->billed_by = BILLED_AS_WORKED;
			entry->billed_s = entry->worked_s;
			is_settled = false;
		}
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(context);
	return is_settled;
}

/* Read the terms, which must agree on their currency. */
static void
read_terms(Engine *engine, ArrayType *array)
{
	Datum	   *documents;
	bool	   *nulls;

	finance_limit_check(LIMIT_TERMS, ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)));
	deconstruct_array(array, JSONBOID, -1, false, TYPALIGN_INT,
					  &documents, &nulls, &engine->nterms);
	if (engine->nterms == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("terms must have at least one document")));
	engine->terms = palloc(sizeof(Terms *) * engine->nterms);
	for (int i = 0; i < engine->nterms; i++)
	{
		Terms	   *terms;

		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("terms[%d] must not be null", i + 1)));
		terms = finance_terms_read(i + 1, DatumGetJsonbP(documents[i]), &engine->use,
								   i > 0 ? engine->terms[i - 1] : NULL);
		engine->terms[i] = terms;
		if (terms->exponent != engine->terms[0]->exponent ||
			terms->base_exponent != engine->terms[0]->base_exponent)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("terms[%d] and terms[1] have different exponents", i + 1),
					 errdetail("A contract keeps its currency: %d and %d decimals, not %d and %d.",
							   engine->terms[0]->exponent, engine->terms[0]->base_exponent,
							   terms->exponent, terms->base_exponent)));
	}
}

/*
 * Open an account for each contract, with the caps of the first terms that
 * have it, and read what the state says of it.
 */
static void
open_accounts(Engine *engine, Jsonb *state)
{
	Contract  **contracts;
	int			ncontracts = 0;
	JsonNode	root;

	contracts = palloc(sizeof(Contract *) * engine->use.taken[LIMIT_CONTRACTS]);
	for (int i = 0; i < engine->nterms; i++)
	{
		for (int j = 0; j < engine->terms[i]->ncontracts; j++)
			contracts[ncontracts++] = &engine->terms[i]->contracts[j];
	}
	qsort(contracts, ncontracts, sizeof(Contract *), compare_contracts);

	engine->naccounts = 0;
	engine->accounts = palloc0(sizeof(Account) * ncontracts);
	for (int i = 0; i < ncontracts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || contracts[i]->id != contracts[i - 1]->id)
			open_account(&engine->accounts[engine->naccounts++], contracts[i]);
		contracts[i]->account = &engine->accounts[engine->naccounts - 1];
	}
	pfree(contracts);

	if (state == NULL)
		return;
	finance_json_root("state", 0, state, &engine->use, &root);
	finance_accounts_read_state(engine->accounts, engine->naccounts, &root,
								engine->terms[0]->exponent);
}

/* Open the account of a contract. */
static void
open_account(Account *account, const Contract *contract)
{
	account->contract = contract->id;
	account->draw_from = DT_NOBEGIN;
	account->has_cap_amount = contract->has_cap_amount;
	account->cap_amount = contract->cap_amount;
	account->has_cap_seconds = contract->has_cap_seconds;
	account->cap_seconds = contract->cap_seconds;
}

/* Order contracts by id, and those of one id by the number of their terms. */
static int
compare_contracts(const void *a, const void *b)
{
	const Contract *left = *(Contract *const *) a;
	const Contract *right = *(Contract *const *) b;

	CHECK_FOR_INTERRUPTS();
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->terms_no < right->terms_no ? -1 : left->terms_no > right->terms_no;
}

/* Put all accounts back to what the state said. */
static void
reset_accounts(Engine *engine)
{
	for (int i = 0; i < engine->naccounts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finance_account_reset(&engine->accounts[i]);
	}
}

/* Prepare what all entries share. */
static void
begin_rating(Engine *engine)
{
	Rating	   *rating = &engine->rating;

	rating->prices = finance_price_cache_create();
	rating->entry_price_source = CStringGetTextDatum("entry price");
	rating->slices_max = 16;
	rating->slices = palloc(sizeof(Slice) * rating->slices_max);
	rating->segments_max = 16;
	rating->segments = palloc(sizeof(Segment) * rating->segments_max);

	for (int i = 0; i < lengthof(coverage_words); i++)
		engine->coverages[i] = CStringGetTextDatum(coverage_words[i]);
	engine->zero = NumericGetDatum(int64_to_numeric(0));
	engine->one = NumericGetDatum(int64_to_numeric(1));
}

/* Rate one entry, whole or not at all. */
static void
rate_entry(Engine *engine, const RatingEntry *entry)
{
	Rating	   *rating = &engine->rating;

	rating->nsegments = 0;
	rating->problem = NULL;
	rating->rounding = finance_tell_rounding(entry);
	finance_entry_slice(rating, entry);
	for (int i = 0; i < rating->nslices && rating->problem == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) finance_slice_rate(rating, entry, &rating->slices[i]);
	}

	if (rating->problem == NULL)
	{
#ifdef USE_ASSERT_CHECKING
		assert_rating(rating, entry);
#endif
		put_segments(engine, entry);
	}
	else
	{
		give_back(rating);
		put_problem(engine, entry);
	}
}

#ifdef USE_ASSERT_CHECKING

/*
 * Assert what holds of every entry that was rated: its parts sum to it, but
 * for what a band's minimum raises, and nothing is worked or billed twice.
 */
static void
assert_rating(const Rating *rating, const RatingEntry *entry)
{
	int64		worked_s = 0;
	int64		shared_s = 0;
	int			at = 0;

	for (int i = 0; i < rating->nslices; i++)
	{
		const Slice *slice = &rating->slices[i];
		int64		billed_s = 0;

		for (; at < rating->nsegments && rating->segments[at].slice == slice; at++)
		{
			assert_segment(&rating->segments[at]);
			worked_s += rating->segments[at].worked_s;
			billed_s += rating->segments[at].billed_s;
		}
		if (entry->disposition != DISPOSITION_BILLABLE)
			Assert(billed_s == 0);
		else
			Assert(slice->billed_s > 0 ? billed_s >= slice->billed_s : billed_s == slice->billed_s);
		shared_s += slice->billed_s;
	}
	Assert(at == rating->nsegments);
	Assert(worked_s == entry->worked_s);
	Assert(shared_s == entry->billed_s);
}

/* Assert what holds of every segment: what covers it, and what it may cost. */
static void
assert_segment(const Segment *segment)
{
	const Account *account = segment->contract->account;
	bool		is_billable = segment->coverage == COVERAGE_BILLABLE;
	bool		is_covered = segment->coverage == COVERAGE_INCLUDED ||
		segment->coverage == COVERAGE_PREPAID;

	Assert(is_covered == (segment->allotment != NULL));
	Assert(is_billable || segment->amount == 0);
	if (is_covered)
	{
		Assert(segment->billed_s > 0 && segment->burned >= 0);
		Assert(segment->allotment->account == account);
		Assert(segment->allotment->remaining >= 0 &&
			   segment->allotment->remaining + segment->burned <= segment->allotment->granted);
	}

	/* what was used before the call may be over a cap; then nothing is added */
	if (is_billable && account->has_cap_amount)
		Assert(segment->amount <= 0 || account->used_amount <= account->cap_amount);
	if (is_billable && account->has_cap_seconds)
		Assert(segment->billed_s <= 0 || account->used_seconds <= account->cap_seconds);
}

#endif

/* Give back what the segments of an entry took from allotments and caps. */
static void
give_back(const Rating *rating)
{
	for (int i = 0; i < rating->nsegments; i++)
	{
		const Segment *segment = &rating->segments[i];

		if (segment->allotment != NULL)
			segment->allotment->remaining += segment->burned;
		if (segment->coverage == COVERAGE_BILLABLE)
		{
			segment->contract->account->used_amount -= segment->amount;
			segment->contract->account->used_seconds -= segment->billed_s;
		}
	}
}

/* Return the segments of an entry. */
static void
put_segments(Engine *engine, const RatingEntry *entry)
{
	int64		worked_before_s = 0;

	finance_limit_take(&engine->use, LIMIT_SEGMENTS, engine->rating.nsegments);
	for (int i = 0; i < engine->rating.nsegments; i++)
	{
		CHECK_FOR_INTERRUPTS();
		put_segment(engine, entry, i, worked_before_s);
		worked_before_s += engine->rating.segments[i].worked_s;
	}
}

/* Return one segment. */
static void
put_segment(Engine *engine, const RatingEntry *entry, int no, int64 worked_before_s)
{
	const Segment *segment = &engine->rating.segments[no];
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS] = {false};

	values[SEGMENT_ENTRY_ID] = Int64GetDatum(entry->id);
	values[SEGMENT_NO] = Int32GetDatum(no + 1);
	values[SEGMENT_CONTRACT_ID] = Int64GetDatum(segment->contract->id);
	values[SEGMENT_SERVICE_DATE] = DateADTGetDatum(segment->slice->service_date);
	values[SEGMENT_PERIOD_START] = DateADTGetDatum(segment->slice->period_start);
	values[SEGMENT_BAND] = segment->slice->band->text;
	values[SEGMENT_COVERAGE] = engine->coverages[segment->coverage];
	values[SEGMENT_WORKED_S] = Int64GetDatum(segment->worked_s);
	values[SEGMENT_BILLED_S] = Int64GetDatum(segment->billed_s);
	put_priced(engine, entry, segment, values, nulls);
	put_cost(entry, segment, worked_before_s, values, nulls);
	nulls[SEGMENT_REASON] = segment->reason == NULL;
	if (segment->reason != NULL)
		values[SEGMENT_REASON] = CStringGetTextDatum(segment->reason);
	nulls[SEGMENT_PROBLEM] = true;
	tuplestore_putvalues(engine->store, engine->tupdesc, values, nulls);
}

/* Fill in what a segment costs the client, and what it burned. */
static void
put_priced(Engine *engine, const RatingEntry *entry, const Segment *segment,
		   Datum *values, bool *nulls)
{
	int			exponent = entry->terms->exponent;

	nulls[SEGMENT_PRICE] = segment->price == NULL;
	values[SEGMENT_PRICE] = NumericGetDatum(segment->price);
	values[SEGMENT_MULTIPLIER] = segment->multiplier != NULL ?
		NumericGetDatum(segment->multiplier) : engine->one;
	values[SEGMENT_DISCOUNT_PCT] = segment->discount != NULL ?
		NumericGetDatum(segment->discount) : engine->zero;
	values[SEGMENT_AMOUNT] = NumericGetDatum(finance_fixed_write(segment->amount, exponent));
	nulls[SEGMENT_PRICE_SOURCE] = segment->source == (Datum) 0;
	values[SEGMENT_PRICE_SOURCE] = segment->source;

	nulls[SEGMENT_ALLOTMENT_ID] = segment->allotment == NULL;
	nulls[SEGMENT_BURNED] = segment->allotment == NULL;
	if (segment->allotment != NULL)
	{
		values[SEGMENT_ALLOTMENT_ID] = Int64GetDatum(segment->allotment->id);
		values[SEGMENT_BURNED] =
			NumericGetDatum(finance_fixed_write(segment->burned,
												segment->allotment->is_money ? exponent : 0));
	}
}

/* Fill in what a segment costs the company, in both currencies. */
static void
put_cost(const RatingEntry *entry, const Segment *segment, int64 worked_before_s,
		 Datum *values, bool *nulls)
{
	int64		worked_after_s = worked_before_s + segment->worked_s;

	nulls[SEGMENT_COST] = !entry->has_cost;
	if (entry->has_cost)
		values[SEGMENT_COST] = cost_between(worked_before_s, worked_after_s,
											entry->cost_rate, entry->terms->exponent);
	nulls[SEGMENT_BASE_COST] = !entry->has_base_cost;
	if (entry->has_base_cost)
		values[SEGMENT_BASE_COST] = cost_between(worked_before_s, worked_after_s,
												 entry->base_cost_rate,
												 entry->terms->base_exponent);
}

/* Value the seconds between two of an entry, so that all its parts sum to the whole. */
static Datum
cost_between(int64 before_s, int64 after_s, int128 rate, int exponent)
{
	int128		cost = finance_rate_value(after_s, rate, COST_SCALE, exponent);

	if (before_s != 0)
		cost -= finance_rate_value(before_s, rate, COST_SCALE, exponent);
	return NumericGetDatum(finance_fixed_write(cost, exponent));
}

/* Return the one row of an entry that could not be rated. */
static void
put_problem(Engine *engine, const RatingEntry *entry)
{
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS];

	finance_limit_take(&engine->use, LIMIT_SEGMENTS, 1);
	memset(nulls, true, sizeof(nulls));
	nulls[SEGMENT_ENTRY_ID] = false;
	nulls[SEGMENT_NO] = false;
	nulls[SEGMENT_PROBLEM] = false;
	values[SEGMENT_ENTRY_ID] = Int64GetDatum(entry->id);
	values[SEGMENT_NO] = Int32GetDatum(0);
	values[SEGMENT_PROBLEM] = CStringGetTextDatum(engine->rating.problem);
	tuplestore_putvalues(engine->store, engine->tupdesc, values, nulls);
}
