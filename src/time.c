/*
 * time.c
 *		Durations, their rounding and their price; periods of the calendar.
 *
 * Durations are whole seconds.  Rounding takes them as they were worked and
 * comes before any splitting, so that a boundary inside an entry is not billed
 * twice.  Dates are computed from Julian days: going through timestamps would
 * cost ten times as much and depend on the session's time zone.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/int.h"
#include "funcapi.h"
#include "utils/datetime.h"
#include "utils/rangetypes.h"

#include "choice.h"
#include "fixed.h"
#include "time.h"

#define HALF_MONTH_DAYS 15		/* between the starts of the two halves */

static const char *const rounding_modes[] = {"none", "up", "down", "nearest"};
static const char *const time_bases[] = {"exact", "hundredth"};
const char *const finance_period_units[] = {"week", "half_month", "month", "quarter", "year"};

/* Days as they are, half-open. */
typedef struct Period
{
	int64		start;
	int64		end;
} Period;

PG_FUNCTION_INFO_V1(finance_round_seconds);
PG_FUNCTION_INFO_V1(finance_time_amount);
PG_FUNCTION_INFO_V1(finance_split_at);
PG_FUNCTION_INFO_V1(finance_month);
PG_FUNCTION_INFO_V1(finance_half_month);
PG_FUNCTION_INFO_V1(finance_period_of);

/* Read the name of a rounding mode. */
RoundingMode
finance_rounding_mode(const text *word)
{
	return (RoundingMode) finance_choice(word, rounding_modes, lengthof(rounding_modes),
										 "rounding mode");
}

/* Read the name of a basis of billing. */
TimeBasis
finance_time_basis(const text *word)
{
	return (TimeBasis) finance_choice(word, time_bases, lengthof(time_bases),
									  "basis of billed time");
}

/* Refuse a rule that contradicts itself. */
void
finance_check_rounding_rule(const RoundingRule *rule)
{
	if (rule->mode != ROUNDING_NONE && rule->increment_s <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("increment of %d s is not above 0", rule->increment_s),
				 errhint("Time is rounded to whole increments; use mode \"none\" not to round.")));
	if (rule->minimum_s < 0 || rule->grace_s < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("minimum and grace must not be negative"),
				 errdetail("The minimum is %d s, the grace %d s.", rule->minimum_s, rule->grace_s)));
	if (rule->maximum_s != FINANCE_MAXIMUM_NONE && rule->maximum_s < rule->minimum_s)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("maximum must not be less than the minimum"),
				 errdetail("The maximum is %d s, the minimum %d s.", rule->maximum_s, rule->minimum_s),
				 errhint("Give NULL as the maximum where there is none.")));
}

/* Refuse durations whose rounding leaves the range of bigint. */
static void
refuse_duration(int64 seconds)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("duration of %lld s is out of range", (long long) seconds)));
}

/*
 * Round worked seconds by a rule that has been checked.  Nothing worked is
 * nothing billed, whatever the minimum; a negative duration (a correction)
 * mirrors the positive one.
 */
int64
finance_round_seconds_rule(int64 worked_s, const RoundingRule *rule)
{
	int64		billed_s;

	if (worked_s == 0)
		return 0;
	if (worked_s == PG_INT64_MIN)
		refuse_duration(worked_s);

	billed_s = worked_s < 0 ? -worked_s : worked_s;
	if (rule->mode != ROUNDING_NONE)
	{
		int64		count = billed_s / rule->increment_s;
		int64		rest_s = billed_s % rule->increment_s;
		bool		up = false;

		if (rule->mode == ROUNDING_UP)
			up = rest_s != 0 && !(count >= 1 && rest_s <= rule->grace_s);
		else if (rule->mode == ROUNDING_NEAREST)
			up = 2 * rest_s >= rule->increment_s;

		billed_s -= rest_s;
		if (up && pg_add_s64_overflow(billed_s, rule->increment_s, &billed_s))
			refuse_duration(worked_s);
	}
	billed_s = Max(billed_s, rule->minimum_s);
	if (rule->maximum_s != FINANCE_MAXIMUM_NONE)
		billed_s = Min(billed_s, rule->maximum_s);
	return worked_s < 0 ? -billed_s : billed_s;
}

/* Refuse a NULL where the rule needs a value. */
static void
check_rounding_argument(FunctionCallInfo fcinfo, int argument, const char *what)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s of a rounding rule must not be null", what)));
}

/*
 * round_seconds(worked_s, mode, increment_s, minimum_s, maximum_s, grace_s) ->
 * bigint: billed seconds.  NULL when worked_s is.
 */
Datum
finance_round_seconds(PG_FUNCTION_ARGS)
{
	RoundingRule rule = {0};

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	check_rounding_argument(fcinfo, 1, "mode");
	rule.mode = finance_rounding_mode(PG_GETARG_TEXT_PP(1));
	if (rule.mode != ROUNDING_NONE)
	{
		check_rounding_argument(fcinfo, 2, "increment");
		rule.increment_s = PG_GETARG_INT32(2);
	}
	rule.minimum_s = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	rule.maximum_s = PG_ARGISNULL(4) ? FINANCE_MAXIMUM_NONE : PG_GETARG_INT32(4);
	rule.grace_s = PG_ARGISNULL(5) ? 0 : PG_GETARG_INT32(5);

	/* -1 stands for no maximum inside, and is a mistake outside */
	if (!PG_ARGISNULL(4) && rule.maximum_s < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("maximum of %d s is negative", rule.maximum_s),
				 errhint("Give NULL as the maximum where there is none.")));
	finance_check_rounding_rule(&rule);

	PG_RETURN_INT64(finance_round_seconds_rule(PG_GETARG_INT64(0), &rule));
}

/*
 * Price billed time: multiply first, divide last, round once.  The amount is in
 * minor units of the exponent.  False when a product does not fit.
 */
bool
finance_time_amount_fixed(int64 billed_s, int128 price_micro, TimeBasis basis,
						  int exponent, int128 *amount_minor)
{
	int128		quantity = billed_s;
	int128		units_per_hour = SECS_PER_HOUR;
	int128		product;

	/* hundredths are rounded before the price, so that hours × price multiplies out */
	if (basis == TIME_HUNDREDTH)
	{
		quantity = finance_fixed_div_round(billed_s, SECS_PER_HOUR / 100);
		units_per_hour = 100;
	}
	if (!finance_fixed_mul(quantity, price_micro, &product))
		return false;
	*amount_minor = finance_fixed_div_round(product,
											units_per_hour * finance_power_of_ten(FINANCE_MICRO_SCALE - exponent));
	return true;
}

/* Price billed time at a price of any size; the result has `exponent` decimals. */
Numeric
finance_time_amount_numeric(int64 billed_s, Numeric price, TimeBasis basis,
							int exponent)
{
	int64		quantity = billed_s;
	int64		units_per_hour = SECS_PER_HOUR;
	int128		price_micro;
	int128		amount_minor;

	if (finance_fixed_read(price, FINANCE_MICRO_SCALE, &price_micro) &&
		finance_time_amount_fixed(billed_s, price_micro, basis, exponent, &amount_minor))
		return finance_fixed_write(amount_minor, exponent);

	if (basis == TIME_HUNDREDTH)
	{
		quantity = (int64) finance_fixed_div_round(billed_s, SECS_PER_HOUR / 100);
		units_per_hour = 100;
	}
	return finance_numeric_div_round(finance_numeric_mul(int64_to_numeric(quantity), price),
									 int64_to_numeric(units_per_hour), exponent);
}

/*
 * time_amount(billed_s, price, basis, exponent) -> numeric: the amount of time
 * billed at a price per hour.
 */
Datum
finance_time_amount(PG_FUNCTION_ARGS)
{
	Numeric		price = FINANCE_GETARG_NUMERIC(1);
	int			exponent = PG_GETARG_INT32(3);

	finance_check_number(price, "price");
	finance_check_exponent(exponent);
	PG_RETURN_NUMERIC(finance_time_amount_numeric(PG_GETARG_INT64(0), price,
												  finance_time_basis(PG_GETARG_TEXT_PP(2)),
												  exponent));
}

/*
 * Cut a segment of work where an allotment ends, to the second.  What is left
 * of a second when a weight does not divide it stays in the allotment.  An
 * allotment that is overdrawn covers nothing.  False when a product does not
 * fit.
 */
bool
finance_split_at_fixed(int64 seconds, int64 remaining_s, int128 weight_micro,
					   AllotmentCut *cut)
{
	int128		unit = finance_power_of_ten(FINANCE_MICRO_SCALE);
	int128		covered = seconds;
	int128		product;

	Assert(seconds >= 0 && weight_micro >= 0);

	if (remaining_s <= 0)
		covered = 0;
	else if (weight_micro > 0)
		covered = Min(covered, remaining_s * unit / weight_micro);
	if (!finance_fixed_mul(covered, weight_micro, &product))
		return false;

	cut->covered_s = (int64) covered;
	cut->rest_s = seconds - cut->covered_s;
	cut->burned_s = (int64) Min(finance_fixed_div_round(product, unit), Max(remaining_s, 0));
	return true;
}

/* The same cut for a weight that has more decimals than fit. */
static void
split_at_numeric(int64 seconds, int64 remaining_s, Numeric weight, AllotmentCut *cut)
{
	Numeric		covered = int64_to_numeric(0);
	Numeric		burned;

	if (remaining_s > 0)
		covered = finance_numeric_div_trunc(int64_to_numeric(remaining_s), weight);
	if (finance_numeric_cmp(covered, int64_to_numeric(seconds)) > 0)
		covered = int64_to_numeric(seconds);
	burned = finance_numeric_round(finance_numeric_mul(covered, weight), 0);
	if (finance_numeric_cmp(burned, int64_to_numeric(remaining_s)) > 0)
		burned = int64_to_numeric(Max(remaining_s, 0));

	cut->covered_s = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(covered)));
	cut->rest_s = seconds - cut->covered_s;
	cut->burned_s = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(burned)));
}

/*
 * split_at(seconds, remaining, weight) -> (covered, rest, burned): cut a
 * segment where an allotment with so many seconds left ends.
 */
Datum
finance_split_at(PG_FUNCTION_ARGS)
{
	int64		seconds = PG_GETARG_INT64(0);
	int64		remaining_s = PG_GETARG_INT64(1);
	Numeric		weight = FINANCE_GETARG_NUMERIC(2);
	int128		weight_micro;
	AllotmentCut cut;
	TupleDesc	tupdesc;
	Datum		values[3];
	bool		nulls[3] = {false, false, false};

	finance_check_number(weight, "weight");
	if (seconds < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a segment of %lld s cannot be split", (long long) seconds),
				 errhint("Give back what a segment burned instead of splitting its opposite.")));
	if (finance_numeric_sign(weight) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("weight must not be negative")));

	if (!finance_fixed_read(weight, FINANCE_MICRO_SCALE, &weight_micro) ||
		!finance_split_at_fixed(seconds, remaining_s, weight_micro, &cut))
		split_at_numeric(seconds, remaining_s, weight, &cut);

	if (get_call_result_type(fcinfo, NULL, &tupdesc) != TYPEFUNC_COMPOSITE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("split_at() returns a row")));
	tupdesc = BlessTupleDesc(tupdesc);
	values[0] = Int64GetDatum(cut.covered_s);
	values[1] = Int64GetDatum(cut.rest_s);
	values[2] = Int64GetDatum(cut.burned_s);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(tupdesc, values, nulls)));
}

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
DateADT
finance_month_start(DateADT day)
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
	PG_RETURN_DATEADT(finance_month_start(PG_GETARG_DATEADT(0)));
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
 * Find the block of months (1, 3 or 12, counted from January) that starts on
 * the anchor day and holds the day.
 */
static Period
months_of(DateADT day, int months, int anchor)
{
	int			month_index = month_index_of(day);
	int			first = month_index - (month_index % months + months) % months;
	Period		block;

	if (day < anchored_day(first, anchor))
		first -= months;
	block.start = anchored_day(first, anchor);
	block.end = anchored_day(first + months, anchor);
	return block;
}

/* Find the period that holds a day. */
static Period
period_of(DateADT day, PeriodUnit unit, int anchor)
{
	Period		period;

	if (unit == UNIT_WEEK)
		period = week_of(day, anchor);
	else if (unit == UNIT_HALF_MONTH)
		period = half_month_of(day, anchor);
	else
		period = months_of(day, unit == UNIT_MONTH ? 1 : unit == UNIT_QUARTER ? 3 : 12, anchor);
	check_day(period.start);
	check_day(period.end);
	return period;
}

/* Find the first day of the period that holds a day, and of the next one. */
void
finance_period(DateADT day, PeriodUnit unit, int anchor, DateADT *start, DateADT *end)
{
	Period		period = period_of(day, unit, anchor);

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
 * period_of(day, unit, anchor) -> daterange: the period that holds the day,
 * where periods start on the anchor.
 */
Datum
finance_period_of(PG_FUNCTION_ARGS)
{
	DateADT		day = PG_GETARG_DATEADT(0);
	PeriodUnit	unit = (PeriodUnit) finance_choice(PG_GETARG_TEXT_PP(1), finance_period_units,
												   FINANCE_PERIOD_UNITS, "unit of period");
	int			anchor = PG_GETARG_INT32(2);
	int			anchor_max = unit == UNIT_WEEK ? 7 : 31;

	check_finite_day(day);
	if (anchor < 1 || anchor > anchor_max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("anchor %d of a %s is out of range", anchor, finance_period_units[unit]),
				 unit == UNIT_WEEK ?
				 errhint("The anchor of a week is its first day, from 1 (Monday) to 7 (Sunday).") :
				 errhint("The anchor is the day of the month on which the period starts, from 1 to 31.")));

	PG_RETURN_RANGE_P(period_range(fcinfo, period_of(day, unit, anchor)));
}
