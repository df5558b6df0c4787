/*
 * rating.h
 *		One call of the rating engine, and the rows that it returns.
 */
#ifndef FINANCE_RATING_H
#define FINANCE_RATING_H

#include "segment.h"

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
	SEGMENT_RATE,
	SEGMENT_AMOUNT,
	SEGMENT_COST,
	SEGMENT_BASE_COST,
	SEGMENT_ALLOTMENT_ID,
	SEGMENT_BURNED,
	SEGMENT_PRICE_ID,
	SEGMENT_PRICE_SOURCE,
	SEGMENT_WHY,
	SEGMENT_PROBLEM_KIND,
	SEGMENT_PROBLEM,
	SEGMENT_COLUMNS
} SegmentColumn;

/* What segments have in common, made once. */
typedef struct SegmentWords
{
	Datum		coverages[COVERAGES];	/* texts */
	Datum		zero;			/* numeric constants */
	Datum		one;
} SegmentWords;

/* What one call works with. */
typedef struct Engine
{
	Terms	  **terms;
	int			nterms;
	LimitUse	use;			/* of the documents */
	Accounts	accounts;
	Rating		rating;
	struct ResultWriter *results;
} Engine;

extern void finance_engine_begin(Engine *engine);
extern void finance_engine_reset(Engine *engine);
extern bool finance_engine_rate(Engine *engine, const RatingEntry *entry);

extern void finance_segment_words_make(SegmentWords *words);
extern void finance_segment_columns(const SegmentWords *words, const RatingEntry *entry,
									const Segment *segment, int no, int64 worked_before_s,
									Datum *values, bool *nulls);
extern struct ResultWriter *finance_results_begin(FunctionCallInfo fcinfo);
extern void finance_results_clear(struct ResultWriter *results);
extern void finance_results_put(struct ResultWriter *results, const Rating *rating,
								const RatingEntry *entry);
extern void finance_results_put_problem(struct ResultWriter *results, const Rating *rating,
										const RatingEntry *entry);

#endif							/* FINANCE_RATING_H */
