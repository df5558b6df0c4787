/*
 * prorate.c
 *		The share of a period's fee that falls on some of its days.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/rangetypes.h"

#include "choice.h"
#include "fixed.h"
#include "prorate.h"

const char *const finance_proration_rules[] = {"none", "actual", "fixed_30", "days_365"};

PG_FUNCTION_INFO_V1(finance_prorate);

/* Read the name of a rule of proration. */
static ProrationRule
proration_rule(const text *word)
{
	return (ProrationRule) finance_choice(word, finance_proration_rules, FINANCE_PRORATION_RULES,
										  "rule of proration");
}

/*
 * Number a day so that differences count days by the rule.  fixed_30 gives
 * every month 30 days (the 31st counts as the 30th), days_365 every year 365
 * (29 February counts as 1 March).  So parts of a period always sum to it.
 */
static int64
proration_day(DateADT date, ProrationRule rule)
{
	int			year;
	int			month;
	int			day;
	int64		day_of_year;

	if (rule == PRORATION_ACTUAL)
		return date;
	j2date(date + POSTGRES_EPOCH_JDATE, &year, &month, &day);
	if (rule == PRORATION_FIXED_30)
		return ((int64) year * MONTHS_PER_YEAR + month) * 30 + Min(day, 30);

	day_of_year = (int64) date2j(year, month, day) - date2j(year, 1, 1);
	if (isleap(year) && month > 2)
		day_of_year--;
	return (int64) year * 365 + day_of_year;
}

/*
 * Tell which share of a period [start, end) falls on its active days, none of
 * which lies outside: so many days of so many.  A whole period is whole even if
 * its only day is one that a rule drops.
 */
DayShare
finance_day_share(ProrationRule rule, DateADT start, DateADT end,
				  DateADT active_start, DateADT active_end)
{
	DayShare	share = {1, 1};

	if (active_start >= active_end)
		share.days = 0;
	else if (rule != PRORATION_NONE && (active_start != start || active_end != end))
	{
		share.days = proration_day(active_end, rule) - proration_day(active_start, rule);
		share.of_days = proration_day(end, rule) - proration_day(start, rule);
	}
	Assert(share.days >= 0 && share.of_days > 0);
	return share;
}

/* Take a share of an amount: multiply, divide, round once. */
static Numeric
share_amount(Numeric amount, DayShare share, int exponent)
{
	int128		amount_micro;
	int128		product;

	if (finance_fixed_read(amount, FINANCE_MICRO_SCALE, &amount_micro) &&
		finance_fixed_mul(amount_micro, share.days, &product))
	{
		int128		divisor = share.of_days * finance_power_of_ten(FINANCE_MICRO_SCALE - exponent);

		return finance_fixed_write(finance_fixed_div_round(product, divisor), exponent);
	}
	return finance_numeric_div_round(finance_numeric_mul(amount, int64_to_numeric(share.days)),
									 int64_to_numeric(share.of_days), exponent);
}

/*
 * Read the days of a range, [start, end).  Where it is unbounded the bounds are
 * infinite, which compare as they should.
 */
static void
read_days(FunctionCallInfo fcinfo, RangeType *range, const char *what,
		  DateADT *start, DateADT *end)
{
	RangeBound	lower;
	RangeBound	upper;
	bool		empty;

	range_deserialize(range_get_typcache(fcinfo, DATERANGEOID), range, &lower, &upper, &empty);
	if (empty)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be empty", what),
				 errdetail("A range of dates includes its start and excludes its end.")));
	*start = lower.infinite ? DATEVAL_NOBEGIN : DatumGetDateADT(lower.val);
	*end = upper.infinite ? DATEVAL_NOEND : DatumGetDateADT(upper.val);
}

/*
 * prorate(amount, period, active, rule, exponent) -> numeric: the share of a
 * period's fee that falls on its active days.
 */
Datum
finance_prorate(PG_FUNCTION_ARGS)
{
	Numeric		amount = FINANCE_GETARG_NUMERIC(0);
	ProrationRule rule = proration_rule(PG_GETARG_TEXT_PP(3));
	int			exponent = PG_GETARG_INT32(4);
	DateADT		period_start;
	DateADT		period_end;
	DateADT		active_start;
	DateADT		active_end;

	finance_check_number(amount, "amount");
	finance_check_exponent(exponent);
	read_days(fcinfo, PG_GETARG_RANGE_P(1), "period", &period_start, &period_end);
	read_days(fcinfo, PG_GETARG_RANGE_P(2), "active", &active_start, &active_end);
	if (DATE_NOT_FINITE(period_start) || DATE_NOT_FINITE(period_end))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("period must have a start and an end"),
				 errdetail("There is no share of a period that is infinite.")));

	PG_RETURN_NUMERIC(share_amount(amount, finance_day_share(rule, period_start, period_end,
															 Max(active_start, period_start),
															 Min(active_end, period_end)), exponent));
}
