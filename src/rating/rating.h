/*
 * rating.h
 *		One call of the rating engine, and the rows that it returns.
 */
#ifndef FINANCE_RATING_H
#define FINANCE_RATING_H

#include "segment.h"

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

extern struct ResultWriter *finance_results_begin(FunctionCallInfo fcinfo);
extern void finance_results_clear(struct ResultWriter *results);
extern void finance_results_put(struct ResultWriter *results, const Rating *rating,
								const RatingEntry *entry);
extern void finance_results_put_problem(struct ResultWriter *results, const Rating *rating,
										const RatingEntry *entry);

#endif							/* FINANCE_RATING_H */
