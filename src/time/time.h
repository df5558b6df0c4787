/*
 * time.h
 *		Durations, their rounding and their price; periods of the calendar.
 */
#ifndef FINANCE_TIME_H
#define FINANCE_TIME_H

#include "finance.h"

#include "utils/date.h"

#define FINANCE_MAXIMUM_NONE (-1)

typedef enum RoundingMode
{
	ROUNDING_NONE,
	ROUNDING_UP,
	ROUNDING_DOWN,
	ROUNDING_NEAREST
} RoundingMode;

#define FINANCE_ROUNDING_MODES (ROUNDING_NEAREST + 1)

/* How worked seconds become billed seconds. */
typedef struct RoundingRule
{
	RoundingMode mode;
	int32		increment_s;	/* above 0; not read when the mode is none */
	int32		minimum_s;		/* 0 or more */
	int32		maximum_s;		/* minimum_s or more, or FINANCE_MAXIMUM_NONE */
	int32		grace_s;		/* 0 or more; only rounding up reads it */
} RoundingRule;

/* Service periods, which start on an anchor day. */
typedef enum PeriodUnit
{
	UNIT_WEEK,
	UNIT_HALF_MONTH,
	UNIT_MONTH,
	UNIT_QUARTER,
	UNIT_YEAR
} PeriodUnit;

#define FINANCE_PERIOD_UNITS (UNIT_YEAR + 1)

/* Exact time, or hours rounded to hundredths as paper prints them. */
typedef enum TimeBasis
{
	TIME_EXACT,
	TIME_HUNDREDTH
} TimeBasis;

#define FINANCE_TIME_BASES (TIME_HUNDREDTH + 1)

/* How far an allotment covers a segment of work, and what that eats of it. */
typedef struct AllotmentCut
{
	int64		covered_s;
	int64		rest_s;
	int64		burned_s;
} AllotmentCut;

extern int64 finance_round_seconds_rule(int64 worked_s, const RoundingRule *rule);

extern bool finance_split_at_fixed(int64 seconds, int64 remaining_s,
								   int128 weight_micro, AllotmentCut *cut);

extern const char *const finance_rounding_modes[FINANCE_ROUNDING_MODES];
extern const char *const finance_time_bases[FINANCE_TIME_BASES];
extern const char *const finance_period_units[FINANCE_PERIOD_UNITS];
extern void finance_period(DateADT day, PeriodUnit unit, int anchor, int month,
						   DateADT *start, DateADT *end);

#endif							/* FINANCE_TIME_H */
