/*
 * period.c
 *		Periods of the calendar: months, halves of them, and what starts on an
 *		anchor day.
 *
 * Dates are computed from Julian days: going through timestamps would cost ten
 * times as much and depend on the session's time zone.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "utils/datetime.h"
#include "utils/rangetypes.h"

#include "choice.h"
#include "time.h"

#define HALF_MONTH_DAYS 15		/* between the starts of the two halves */

const char *const finance_period_units[] = {"week", "half_month", "month", "quarter", "year"};

/* Days as they are, half-open. */
typedef struct Period
{
	int64		start;
	int64		end;
} Period;

PG_FUNCTION_INFO_V1(finance_month);
PG_FUNCTION_INFO_V1(finance_half_month);
PG_FUNCTION_INFO_V1(finance_period_of);

/* Refuse days outside what a date can hold. */
static void
check_day(int64 day)
{
	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE ||
		day >= (int64) DATE_END_JULIAN - POSTGRES_EPOCH_JDATE)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range")));
}

/* Refuse dates that lie in no period. */
static void
check_finite_day(DateADT day)
{
	if (DATE_NOT_FINITE(day))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an infinite date lies in no period")));
}

/* Find the first day of a day's month; infinity stays infinity. */
static DateADT
month_start(DateADT day)
{
	int			year;
	int			month;
	int			month_day;

	if (DATE_NOT_FINITE(day))
		return day;
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &month_day);
	check_day((int64) day - (month_day - 1));
	return day - (month_day - 1);
}

/* month(date) -> date: the first day of the month. */
Datum
finance_month(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATEADT(month_start(PG_GETARG_DATEADT(0)));
}

/*
 * Find the day of a month on which a period starts: the anchor, or the month's
 * last day where the month is shorter.  Months count from year 0.
 */
static int64
anchored_day(int month_index, int anchor)
{
	int			year = month_index / MONTHS_PER_YEAR;
	int			month = month_index % MONTHS_PER_YEAR;

	/* C divides towards zero, the calendar does not */
	if (month < 0)
	{
		month += MONTHS_PER_YEAR;
		year--;
	}
	return (int64) date2j(year, month + 1, Min(anchor, day_tab[isleap(year)][month])) -
		POSTGRES_EPOCH_JDATE;
}

/* Count a day's month from year 0. */
static int
month_index_of(DateADT day)
{
	int			year;
	int			month;
	int			month_day;

	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &month_day);
	return year * MONTHS_PER_YEAR + month - 1;
}

/* Find the week that starts on a weekday (1 is Monday) and holds the day. */
static Period
week_of(DateADT day, int anchor)
{
	int			weekday = j2day(day + POSTGRES_EPOCH_JDATE);	/* Sunday is 0 */
	Period		week;

	week.start = (int64) day - (weekday + 7 - anchor) % 7;
	week.end = week.start + 7;
	return week;
}

/*
 * Find the half month that holds the day.  Halves start on the anchor and on
 * the day of the month that lies 15 days away from it: 1 and 16, 10 and 25.
 */
static Period
half_month_of(DateADT day, int anchor)
{
	int			month_index = month_index_of(day);
	int			later = anchor > HALF_MONTH_DAYS ? anchor : anchor + HALF_MONTH_DAYS;
	int			earlier = later - HALF_MONTH_DAYS;
	Period		half;

	if (day >= anchored_day(month_index, later))
	{
		half.start = anchored_day(month_index, later);
		half.end = anchored_day(month_index + 1, earlier);
	}
	else if (day >= anchored_day(month_index, earlier))
	{
		half.start = anchored_day(month_index, earlier);
		half.end = anchored_day(month_index, later);
	}
	else
	{
		half.start = anchored_day(month_index - 1, later);
		half.end = anchored_day(month_index, earlier);
	}
	return half;
}

/*
 * Find the block of months (1, 3 or 12, counted from a month of the year) that
 * starts on the anchor day and holds the day.
 */
static Period
months_of(DateADT day, int months, int anchor, int from_month)
{
	int			month_index = month_index_of(day);
	int			first = month_index - ((month_index - (from_month - 1)) % months + months) % months;
	Period		block;

	if (day < anchored_day(first, anchor))
		first -= months;
	block.start = anchored_day(first, anchor);
	block.end = anchored_day(first + months, anchor);
	return block;
}

/* Find the period that holds a day; only quarters and years count from a month. */
static Period
period_of(DateADT day, PeriodUnit unit, int anchor, int month)
{
	Period		period;

	if (unit == UNIT_WEEK)
		period = week_of(day, anchor);
	else if (unit == UNIT_HALF_MONTH)
		period = half_month_of(day, anchor);
	else
		period = months_of(day, unit == UNIT_MONTH ? 1 : unit == UNIT_QUARTER ? 3 : 12, anchor, month);
	check_day(period.start);
	check_day(period.end);
	return period;
}

/* Find the first day of the period that holds a day, and of the next one. */
void
finance_period(DateADT day, PeriodUnit unit, int anchor, int month, DateADT *start, DateADT *end)
{
	Period		period = period_of(day, unit, anchor, month);

	*start = (DateADT) period.start;
	*end = (DateADT) period.end;
}

/* Make a daterange of a period. */
static RangeType *
period_range(FunctionCallInfo fcinfo, Period period)
{
	RangeBound	lower = {.inclusive = true, .lower = true};
	RangeBound	upper = {0};

	check_day(period.start);
	check_day(period.end);
	lower.val = DateADTGetDatum((DateADT) period.start);
	upper.val = DateADTGetDatum((DateADT) period.end);
	return finance_range_serialize(range_get_typcache(fcinfo, DATERANGEOID),
								   &lower, &upper, false);
}

/* half_month(date) -> daterange: from the 1st to the 15th, or from the 16th on. */
Datum
finance_half_month(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);

	check_finite_day(day);
	PG_RETURN_RANGE_P(period_range(fcinfo, half_month_of(day, 1)));
}

/*
 * period_of(day, unit, anchor, month) -> daterange: the period that holds the
 * day, where periods start on the anchor, quarters and years in that month.
 */
Datum
finance_period_of(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);
	PeriodUnit	unit = (PeriodUnit) finance_choice(PG_GETARG_TEXT_PP(1), finance_period_units,
												   FINANCE_PERIOD_UNITS, "unit of period");
	int			anchor = PG_GETARG_INT32(2);
	int			anchor_max = unit == UNIT_WEEK ? 7 : 31;
	int			month = PG_GETARG_INT32(3);

	check_finite_day(day);
	if (anchor < 1 || anchor > anchor_max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("anchor %d of a %s is out of range", anchor, finance_period_units[unit]),
				 unit == UNIT_WEEK ?
				 errhint("The anchor of a week is its first day, from 1 (Monday) to 7 (Sunday).") :
				 errhint("The anchor is the day of the month on which the period starts, from 1 to 31.")));
	if (month < 1 || month > MONTHS_PER_YEAR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("month %d of a period is out of range", month),
				 errhint("It is the month from which quarters and years count, from 1 to 12.")));

	PG_RETURN_RANGE_P(period_range(fcinfo, period_of(day, unit, anchor, month)));
}
