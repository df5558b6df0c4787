/*
 * money.h
 *		Exact amounts: spreading a total, prorating a fee.
 */
#ifndef FINANCE_MONEY_H
#define FINANCE_MONEY_H

#include "finance.h"

#include "utils/date.h"
#include "utils/numeric.h"

/* How the days of a period are counted; see finance_proration_days(). */
typedef enum ProrationRule
{
	PRORATION_NONE,
	PRORATION_ACTUAL,
	PRORATION_FIXED_30,
	PRORATION_DAYS_365
} ProrationRule;

extern bool finance_spread_fixed(int128 total, const int128 *weights, int nweights,
								 int128 *shares);

extern ProrationRule finance_proration_rule(const text *word);
extern int64 finance_proration_days(DateADT start, DateADT end, ProrationRule rule);
extern Numeric finance_prorate_numeric(Numeric amount, int64 active_days,
									   int64 period_days, int exponent);

#endif							/* FINANCE_MONEY_H */
