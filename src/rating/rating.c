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
 *		contract's allotments while they hold (draw.c), and the rest is priced
 *		and capped (segment.c, hour.c, capped.c);
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

static void read_terms(Engine *engine, ArrayType *array);
static bool rate_entries(Engine *engine, RatingEntry *entries, int nentries);
static void rate_entry(Engine *engine, const RatingEntry *entry);
static void give_back(const Rating *rating);

PG_FUNCTION_INFO_V1(finance_rate);

/*
 * rate(terms jsonb[], entries rating_entry[], state jsonb) -> setof
 * rated_segment; NULL where there are no entries.  Terms, entries and state
 * that are wrong are refused with their place (22023), and past the limits
 * (54000).
 */
Datum
finance_rate(PG_FUNCTION_ARGS)
{
	Engine		engine = {0};
	RatingEntry *entries;
	int			nentries;

	engine.results = finance_results_begin(fcinfo);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("terms must not be null")));
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();

	read_terms(&engine, PG_GETARG_ARRAYTYPE_P(0));
	finance_engine_begin(&engine);
	entries = finance_entries_read(PG_GETARG_ARRAYTYPE_P(1), engine.terms, engine.nterms,
								   &nentries);

	/*
	 * An entry that turns out to have no price bears on no rounding group, so
	 * all is rated again without it; each turn leaves out at least one more.
	 */
	engine.accounts.use = &engine.use;
	finance_accounts_open(&engine.accounts, engine.terms, engine.nterms,
						  PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	do
	{
		finance_limit_take(&engine.use, LIMIT_TURNS, 1);
		finance_results_clear(engine.results);
		engine.use.taken[LIMIT_SEGMENTS] = 0;
		finance_engine_reset(&engine);
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
								   i > 0 ? engine->terms[i - 1] : NULL, NULL);
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

/* Put all accounts back to what the state said. */
void
finance_engine_reset(Engine *engine)
{
	for (int i = 0; i < engine->accounts.naccounts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finance_account_reset(&engine->accounts.accounts[i]);
	}
	finance_period_uses_reset(&engine->accounts);
}

/* Prepare what all entries share. */
void
finance_engine_begin(Engine *engine)
{
	Rating	   *rating = &engine->rating;

	rating->prices = finance_price_cache_create();
	rating->entry_price_source = CStringGetTextDatum("entry price");
	finance_slices_init(&rating->slices);
	rating->segments_max = 16;
	rating->segments = palloc(sizeof(Segment) * rating->segments_max);
}

/* Rate one entry, whole or not at all, and return what it comes to. */
static void
rate_entry(Engine *engine, const RatingEntry *entry)
{
	if (finance_engine_rate(engine, entry))
		finance_results_put(engine->results, &engine->rating, entry);
	else
		finance_results_put_problem(engine->results, &engine->rating, entry);
}

/*
 * Rate one entry into segments, which are good until the next one; false when it
 * cannot be rated, and then the rating says why and nothing was taken for it.
 */
bool
finance_engine_rate(Engine *engine, const RatingEntry *entry)
{
	Rating	   *rating = &engine->rating;

	rating->nsegments = 0;
	rating->problem = NULL;
	finance_entry_slice(&rating->slices, entry);
	for (int i = 0; i < rating->slices.nslices && rating->problem == NULL; i++)
	{
		CHECK_FOR_INTERRUPTS();
		(void) finance_slice_rate(rating, entry, &rating->slices.slices[i]);
	}

	if (rating->problem == NULL)
	{
#ifdef USE_ASSERT_CHECKING
		finance_assert_rated(rating, entry);
#endif
		finance_limit_take(&engine->use, LIMIT_SEGMENTS, rating->nsegments);
		return true;
	}
	give_back(rating);
#ifdef USE_ASSERT_CHECKING
	finance_assert_given_back(rating);
#endif
	finance_limit_take(&engine->use, LIMIT_SEGMENTS, 1);
	return false;
}

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
			finance_cap_take(segment->contract->account, segment->period,
							 -segment->amount, -segment->billed_s);
	}
}
