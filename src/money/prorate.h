/*
 * prorate.h
 *		The share of a period that falls on some of its days.
 */
#ifndef FINANCE_PRORATE_H
#define FINANCE_PRORATE_H

#include "finance.h"

#include "utils/date.h"

/* How the days of a period are counted. */
typedef enum ProrationRule
{
	PRORATION_NONE,
	PRORATION_ACTUAL,
	PRORATION_FIXED_30,
	PRORATION_DAYS_365
} ProrationRule;

#define FINANCE_PRORATION_RULES (PRORATION_DAYS_365 + 1)

/* So many days of so many. */
typedef struct DayShare
{
	int64		days;
	int64		of_days;
} DayShare;

extern const char *const finance_proration_rules[FINANCE_PRORATION_RULES];
extern DayShare finance_day_share(ProrationRule rule, DateADT start, DateADT end,
								  DateADT active_start, DateADT active_end);

#endif							/* FINANCE_PRORATE_H */
