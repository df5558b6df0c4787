/*
 * spread.c
 *		Spreading a total over parts by the largest remainder.
 *
 * The parts sum to the whole: each part is rounded down, and the units that are
 * left go one by one to the parts that lost most, the earlier of equals first.
 * A negative total mirrors the positive one, so a credit note undoes its
 * invoice to the last unit.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "fixed.h"
#include "money.h"

/* What a part lost when it was rounded down. */
typedef struct FixedPart
{
	int128		remainder;
	int			index;
} FixedPart;

typedef struct NumericPart
{
	Numeric		remainder;
	int			index;
} NumericPart;

PG_FUNCTION_INFO_V1(finance_allocate);

/* Order parts by what they lost, most first, then by place. */
static int
compare_fixed_parts(const void *a, const void *b)
{
	const FixedPart *left = a;
	const FixedPart *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->remainder != right->remainder)
		return left->remainder > right->remainder ? -1 : 1;
	return left->index - right->index;
}

/* The same for remainders of any size. */
static int
compare_numeric_parts(const void *a, const void *b)
{
	const NumericPart *left = a;
	const NumericPart *right = b;
	int			order = finance_numeric_cmp(right->remainder, left->remainder);

	CHECK_FOR_INTERRUPTS();
	return order != 0 ? order : left->index - right->index;
}

#ifdef USE_ASSERT_CHECKING
/* Assert that parts sum to the whole, and that none is against it. */
static void
assert_spread_fixed(int128 total, const int128 *shares, int nshares)
{
	int128		sum = 0;

	for (int i = 0; i < nshares; i++)
	{
		Assert(total < 0 ? shares[i] <= 0 : shares[i] >= 0);
		sum += shares[i];
	}
	Assert(sum == total);
}

/* The same for parts of any size, which may differ in sign. */
static void
assert_spread_numeric(Numeric total, const Numeric *shares, int nshares)
{
	Numeric		sum = int64_to_numeric(0);

	for (int i = 0; i < nshares; i++)
		finance_numeric_add_to(&sum, shares[i]);
	Assert(finance_numeric_cmp(sum, total) == 0);
}
#else
#define assert_spread_fixed(total, shares, nshares) ((void) 0)
#define assert_spread_numeric(total, shares, nshares) ((void) 0)
#endif

/*
 * Spread a total of minor units over weights (none negative, not all zero) by
 * the largest remainder.  False when a product does not fit.
 */
bool
finance_spread_fixed(int128 total, const int128 *weights, int nweights,
					 int128 *shares)
{
	int128		magnitude = total < 0 ? -total : total;
	int128		left = magnitude;
	int128		weight = 0;
	FixedPart  *parts = palloc(nweights * sizeof(FixedPart));

	for (int i = 0; i < nweights; i++)
	{
		Assert(weights[i] >= 0);
		if (!finance_fixed_add(weight, weights[i], &weight))
			return false;
	}
	Assert(weight > 0);
	for (int i = 0; i < nweights; i++)
	{
		int128		product;

		if (!finance_fixed_mul(magnitude, weights[i], &product))
			return false;
		shares[i] = product / weight;
		parts[i].remainder = product % weight;
		parts[i].index = i;
		left -= shares[i];
	}

	/* fewer units are left than parts that lost something */
	Assert(left >= 0 && left < nweights);
	if (left > 0)
		qsort(parts, nweights, sizeof(FixedPart), compare_fixed_parts);
	for (int i = 0; i < left; i++)
		shares[parts[i].index]++;
	for (int i = 0; i < nweights && total < 0; i++)
		shares[i] = -shares[i];

	assert_spread_fixed(total, shares, nweights);
	pfree(parts);
	return true;
}

/*
 * Spread a whole number over parts whose exact values are numerators over one
 * denominator and sum to it, but for its rounding.  Shares are whole numbers.
 */
void
finance_spread_numeric(Numeric total, const Numeric *numerators, Numeric denominator,
			   int nparts, Numeric *shares)
{
	Numeric		one = int64_to_numeric(1);
	Numeric		sum = int64_to_numeric(0);
	Numeric		left;
	NumericPart *parts = palloc(nparts * sizeof(NumericPart));
	bool		mirror;
	int64		nleft;

	for (int i = 0; i < nparts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finance_numeric_add_to(&sum, numerators[i]);
	}
	mirror = finance_numeric_sign(sum) < 0;
	left = mirror ? finance_numeric_negate(total) : total;

	for (int i = 0; i < nparts; i++)
	{
		Numeric		numerator = mirror ? finance_numeric_negate(numerators[i]) : numerators[i];

		CHECK_FOR_INTERRUPTS();
		shares[i] = finance_numeric_div_trunc(numerator, denominator);
		parts[i].remainder = finance_numeric_sub(numerator, finance_numeric_mul(shares[i], denominator));
		parts[i].index = i;

		/* down, not towards zero: lines of a document may differ in sign */
		if (finance_numeric_sign(parts[i].remainder) < 0)
		{
			shares[i] = finance_numeric_sub(shares[i], one);
			parts[i].remainder = finance_numeric_add(parts[i].remainder, denominator);
		}
		left = finance_numeric_sub(left, shares[i]);
	}

	nleft = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(left)));
	Assert(nleft >= 0 && nleft <= nparts);
	if (nleft > 0)
		qsort(parts, nparts, sizeof(NumericPart), compare_numeric_parts);
	for (int i = 0; i < nleft; i++)
		shares[parts[i].index] = finance_numeric_add(shares[parts[i].index], one);
	for (int i = 0; i < nparts && mirror; i++)
		shares[i] = finance_numeric_negate(shares[i]);
	assert_spread_numeric(total, shares, nparts);
	pfree(parts);
}

/* Spread a total over weights in fixed point; false when something does not fit. */
static bool
allocate_fixed(Numeric total, const NumericArray *weights, int exponent, Datum *parts)
{
	int128	   *weights_micro = palloc(weights->length * sizeof(int128));
	int128	   *shares = palloc(weights->length * sizeof(int128));
	int128		total_minor;

	if (!finance_fixed_read(total, exponent, &total_minor))
		return false;
	for (int i = 0; i < weights->length; i++)
	{
		if (!finance_fixed_read(NUMBER(weights, i), FINANCE_MICRO_SCALE, &weights_micro[i]))
			return false;
	}
	if (!finance_spread_fixed(total_minor, weights_micro, weights->length, shares))
		return false;
	for (int i = 0; i < weights->length; i++)
		parts[i] = NumericGetDatum(finance_fixed_write(shares[i], exponent));
	return true;
}

/* Spread a total of any size over weights of any size. */
static void
allocate_numeric(Numeric total, const NumericArray *weights, int exponent, Datum *parts)
{
	Numeric		minor = finance_fixed_write(1, exponent);
	Numeric		weight = int64_to_numeric(0);
	Numeric    *numerators = palloc(weights->length * sizeof(Numeric));
	Numeric    *shares = palloc(weights->length * sizeof(Numeric));

	total = finance_numeric_mul(total, finance_fixed_write(finance_power_of_ten(exponent), 0));
	total = finance_numeric_round(total, 0);
	for (int i = 0; i < weights->length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		numerators[i] = finance_numeric_mul(total, NUMBER(weights, i));
		finance_numeric_add_to(&weight, NUMBER(weights, i));
	}
	finance_spread_numeric(total, numerators, weight, weights->length, shares);
	for (int i = 0; i < weights->length; i++)
		parts[i] = NumericGetDatum(finance_numeric_mul(shares[i], minor));
}

/* Refuse weights that no total can be spread over. */
static void
check_weights(const NumericArray *weights)
{
	bool		positive = false;

	for (int i = 0; i < weights->length; i++)
	{
		int			sign = finance_numeric_sign(NUMBER(weights, i));

		if (sign < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weights must not be negative"),
					 errdetail("Element %d is negative.", i + 1)));
		if (sign > 0)
			positive = true;
	}
	if (!positive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a total cannot be spread over no weight"),
				 errdetail("There are %d weights, and none is above zero.", weights->length)));
}

/*
 * allocate(total, weights, exponent) -> numeric[]: spread a total by the
 * largest remainder; the parts sum to it.
 */
Datum
finance_allocate(PG_FUNCTION_ARGS)
{
	Numeric		total = FINANCE_GETARG_NUMERIC(0);
	NumericArray weights = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(1), "weights", false);
	int			exponent = PG_GETARG_INT32(2);
	Datum	   *parts = palloc(weights.length * sizeof(Datum));

	finance_check_number(total, "total");
	finance_check_exponent(exponent);
	check_weights(&weights);
	if (finance_numeric_cmp(total, finance_numeric_round(total, exponent)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("total %s has more than %d decimals",
						DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(total))),
						exponent),
				 errhint("Round it with round_money() first.")));

	if (!allocate_fixed(total, &weights, exponent, parts))
		allocate_numeric(total, &weights, exponent, parts);
	PG_RETURN_ARRAYTYPE_P(construct_array(parts, weights.length, NUMERICOID, -1, false, TYPALIGN_INT));
}
