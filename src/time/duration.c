/*
 * duration.c
 *		Durations: their rounding, their price, and where an allotment ends.
 *
 * Durations are whole seconds.  Rounding takes them as they were worked and
 * comes before any splitting, so that a boundary inside an entry is not billed
 * twice.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "datatype/timestamp.h"
#include "funcapi.h"

#include "choice.h"
#include "fixed.h"
#include "time.h"

const char *const finance_rounding_modes[] = {"none", "up", "down", "nearest"};
const char *const finance_time_bases[] = {"exact", "hundredth"};

PG_FUNCTION_INFO_V1(finance_round_seconds);
PG_FUNCTION_INFO_V1(finance_time_amount);
PG_FUNCTION_INFO_V1(finance_split_at);

/* Refuse a rule that contradicts itself. */
static void
check_rounding_rule(const RoundingRule *rule)
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
	rule.mode = (RoundingMode) finance_choice(PG_GETARG_TEXT_PP(1), finance_rounding_modes,
											  FINANCE_ROUNDING_MODES, "rounding mode");
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
	check_rounding_rule(&rule);

	PG_RETURN_INT64(finance_round_seconds_rule(PG_GETARG_INT64(0), &rule));
}

/*
 * Price billed time: multiply first, divide last, round once.  The amount is in
 * minor units of the exponent.  False when a product does not fit.
 */
static bool
time_amount_fixed(int64 billed_s, int128 price_micro, TimeBasis basis,
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
static Numeric
time_amount_numeric(int64 billed_s, Numeric price, TimeBasis basis,
					int exponent)
{
	int64		quantity = billed_s;
	int64		units_per_hour = SECS_PER_HOUR;
	int128		price_micro;
	int128		amount_minor;

	if (finance_fixed_read(price, FINANCE_MICRO_SCALE, &price_micro) &&
		time_amount_fixed(billed_s, price_micro, basis, exponent, &amount_minor))
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
	TimeBasis	basis = (TimeBasis) finance_choice(PG_GETARG_TEXT_PP(2), finance_time_bases,
												   FINANCE_TIME_BASES, "basis of billed time");
	int			exponent = PG_GETARG_INT32(3);

	finance_check_number(price, "price");
	finance_check_exponent(exponent);
	PG_RETURN_NUMERIC(time_amount_numeric(PG_GETARG_INT64(0), price, basis, exponent));
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
