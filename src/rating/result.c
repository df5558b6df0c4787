/*
 * result.c
 *		The rows that rate() returns: segments with their prices and costs, and
 *		entries that could not be rated.
 */
#include "finance.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "rating.h"
#include "utils/builtins.h"

/* Words of the coverages, in the order of the enum. */
static const char *const coverage_words[COVERAGES] = {
	"billable", "included", "prepaid", "capped", "no_charge", "non_billable"
};

/* Where the rows go, and what they have in common. */
typedef struct ResultWriter
{
	Tuplestorestate *store;
	TupleDesc	tupdesc;
	SegmentWords words;
} ResultWriter;

static void put_priced(const SegmentWords *words, const RatingEntry *entry, const Segment *segment,
					   Datum *values, bool *nulls);
static void put_cost(const RatingEntry *entry, const Segment *segment, int64 worked_before_s,
					 Datum *values, bool *nulls);
static Datum cost_between(int64 before_s, int64 after_s, int128 rate, int exponent);

/* Make ready to return rows; refused where the type is that of another version (42804). */
ResultWriter *
finance_results_begin(FunctionCallInfo fcinfo)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ResultWriter *results = palloc0(sizeof(ResultWriter));

	InitMaterializedSRF(fcinfo, 0);
	results->store = rsinfo->setResult;
	results->tupdesc = rsinfo->setDesc;
	if (results->tupdesc->natts != SEGMENT_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type rated_segment has %d columns, not %d",
						results->tupdesc->natts, SEGMENT_COLUMNS),
				 errhint("Run ALTER EXTENSION finance UPDATE.")));
	finance_segment_words_make(&results->words);
	return results;
}

/* Make the values that segments have in common. */
void
finance_segment_words_make(SegmentWords *words)
{
	for (int i = 0; i < lengthof(coverage_words); i++)
		words->coverages[i] = CStringGetTextDatum(coverage_words[i]);
	words->zero = NumericGetDatum(int64_to_numeric(0));
	words->one = NumericGetDatum(int64_to_numeric(1));
}

/* Forget the rows so far. */
void
finance_results_clear(ResultWriter *results)
{
	tuplestore_clear(results->store);
}

/* Return the segments of an entry. */
void
finance_results_put(ResultWriter *results, const Rating *rating, const RatingEntry *entry)
{
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS];
	int64		worked_before_s = 0;

	for (int i = 0; i < rating->nsegments; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finance_segment_columns(&results->words, entry, &rating->segments[i], i + 1, worked_before_s,
								values, nulls);
		tuplestore_putvalues(results->store, results->tupdesc, values, nulls);
		worked_before_s += rating->segments[i].worked_s;
	}
}

/*
 * Write a segment as the columns of rated_segment: no from 1, after so many worked
 * seconds of its entry.
 */
void
finance_segment_columns(const SegmentWords *words, const RatingEntry *entry, const Segment *segment,
						int no, int64 worked_before_s, Datum *values, bool *nulls)
{
	memset(nulls, false, sizeof(bool) * SEGMENT_COLUMNS);
	values[SEGMENT_ENTRY_ID] = Int64GetDatum(entry->id);
	values[SEGMENT_NO] = Int32GetDatum(no);
	values[SEGMENT_CONTRACT_ID] = Int64GetDatum(segment->contract->id);
	values[SEGMENT_SERVICE_DATE] = DateADTGetDatum(segment->service_date);
	values[SEGMENT_PERIOD_START] = DateADTGetDatum(segment->slice->period_start);
	values[SEGMENT_BAND] = segment->slice->band->text;
	values[SEGMENT_COVERAGE] = words->coverages[segment->coverage];
	values[SEGMENT_WORKED_S] = Int64GetDatum(segment->worked_s);
	values[SEGMENT_BILLED_S] = Int64GetDatum(segment->billed_s);
	put_priced(words, entry, segment, values, nulls);
	put_cost(entry, segment, worked_before_s, values, nulls);
	nulls[SEGMENT_WHY] = segment->why == NULL;
	values[SEGMENT_WHY] = JsonbPGetDatum(segment->why);
	nulls[SEGMENT_PROBLEM_KIND] = true;
	nulls[SEGMENT_PROBLEM] = true;
}

/* Fill in what a segment costs the client, and what it burned. */
static void
put_priced(const SegmentWords *words, const RatingEntry *entry, const Segment *segment,
		   Datum *values, bool *nulls)
{
	int			exponent = entry->terms->exponent;

	nulls[SEGMENT_PRICE] = segment->price == NULL;
	values[SEGMENT_PRICE] = NumericGetDatum(segment->price);
	values[SEGMENT_MULTIPLIER] = segment->multiplier != NULL ?
		NumericGetDatum(segment->multiplier) : words->one;
	values[SEGMENT_DISCOUNT_PCT] = segment->discount != NULL ?
		NumericGetDatum(segment->discount) : words->zero;
	nulls[SEGMENT_RATE] = segment->rate == NULL;
	values[SEGMENT_RATE] = NumericGetDatum(segment->rate);
	values[SEGMENT_AMOUNT] = NumericGetDatum(finance_fixed_write(segment->amount, exponent));
	nulls[SEGMENT_PRICE_ID] = segment->position == NULL;
	if (segment->position != NULL)
		values[SEGMENT_PRICE_ID] = Int64GetDatum(segment->position->id);
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

/*
 * Fill in what a segment costs the company, in both currencies: null where the
 * rate is not known, but for no time at all.
 */
static void
put_cost(const RatingEntry *entry, const Segment *segment, int64 worked_before_s,
		 Datum *values, bool *nulls)
{
	int64		worked_after_s = worked_before_s + segment->worked_s;

	nulls[SEGMENT_COST] = !entry->has_cost && segment->worked_s != 0;
	if (!nulls[SEGMENT_COST])
		values[SEGMENT_COST] = cost_between(worked_before_s, worked_after_s,
											entry->cost_rate, entry->terms->exponent);
	nulls[SEGMENT_BASE_COST] = !entry->has_base_cost && segment->worked_s != 0;
	if (!nulls[SEGMENT_BASE_COST])
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
void
finance_results_put_problem(ResultWriter *results, const Rating *rating, const RatingEntry *entry)
{
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS];

	memset(nulls, true, sizeof(nulls));
	nulls[SEGMENT_ENTRY_ID] = false;
	nulls[SEGMENT_NO] = false;
	nulls[SEGMENT_PROBLEM_KIND] = false;
	nulls[SEGMENT_PROBLEM] = false;
	values[SEGMENT_ENTRY_ID] = Int64GetDatum(entry->id);
	values[SEGMENT_NO] = Int32GetDatum(0);
	values[SEGMENT_PROBLEM_KIND] = CStringGetTextDatum(rating->problem_kind);
	values[SEGMENT_PROBLEM] = CStringGetTextDatum(rating->problem);
	tuplestore_putvalues(results->store, results->tupdesc, values, nulls);
}
