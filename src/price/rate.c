/*
 * rate.c
 *		What an hour and a number of seconds come to.
 *
 * All arithmetic is exact: an hourly rate is an integer of RATE_SCALE, an
 * amount multiplies first, divides last and rounds once.
 */
#include "finance.h"

#include "price.h"

static int128 multiply_divide(int64 parts, int128 rate, int128 divisor);

/*
 * Compute the hourly rate price x multiplier + adder, in FULL_RATE_SCALE.  The
 * bounds of its parts keep it, and what is made of it, in 128 bits.
 */
int128
finance_rate_full(int128 price, int128 multiplier, int128 adder)
{
	return price * multiplier + adder * finance_power_of_ten(MULTIPLIER_SCALE);
}

/* Take a discount of so many percent, of PERCENT_SCALE, off a full rate; in RATE_SCALE and not rounded. */
int128
finance_rate_discounted(int128 full_rate, int64 discount_percent)
{
	return full_rate * (100 * finance_power_of_ten(PERCENT_SCALE) - discount_percent);
}

/* Compute parts x rate / divisor, rounded once, where the product may be too long. */
static int128
multiply_divide(int64 parts, int128 rate, int128 divisor)
{
	int128		product;
	int128		whole;

	if (finance_fixed_mul(parts, rate, &product))
		return finance_fixed_div_round(product, divisor);

	/* divide first and carry the remainder, which is short: nothing is lost */
	if (!finance_fixed_mul(parts, rate / divisor, &whole))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("an amount is out of range")));
	return whole + finance_fixed_div_round(parts * (rate % divisor), divisor);
}

/* Value seconds at an hourly rate, in minor units of an exponent. */
int128
finance_rate_value(int64 seconds, int128 rate, int rate_scale, int exponent)
{
	return multiply_divide(seconds, rate,
						   SECS_PER_HOUR * finance_power_of_ten(rate_scale - exponent));
}

/*
 * Charge seconds at an hourly rate of RATE_SCALE, in minor units; with hours
 * rounded to hundredths first where the contract wants "hours x price" on
 * paper to multiply out.
 */
int128
finance_rate_amount(int64 seconds, int128 rate, bool in_hundredths, int exponent)
{
	if (in_hundredths)
		return multiply_divide(finance_fixed_div_round(seconds, SECS_PER_HOUR / 100), rate,
							   100 * finance_power_of_ten(RATE_SCALE - exponent));
	return finance_rate_value(seconds, rate, RATE_SCALE, exponent);
}

/* Count the whole seconds that money in minor units buys, up to a maximum. */
int64
finance_rate_affords(int128 money, int128 rate, int exponent, int64 seconds_max)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);
	int128		seconds;

	Assert(rate > 0);

	if (money <= 0)
		return 0;
	seconds = Min(money, money_max) *
		SECS_PER_HOUR * finance_power_of_ten(RATE_SCALE - exponent) / rate;
	return (int64) Min(seconds, seconds_max);
}
