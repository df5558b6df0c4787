/*
 * money.c
 *		Exact amounts: rounding, spreading a total, prorating a fee, prices by
 *		quantity, tax.
 *
 * An amount is rounded once, half away from zero, when it becomes an amount.
 * Whatever is split afterwards is split by the largest remainder, so that the
 * parts sum to the whole: each part is rounded down, and the units that are
 * left go one by one to the parts that lost most, the earlier of equals first.
 * A negative total mirrors the positive one, so a credit note undoes its
 * invoice to the last unit.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/datetime.h"
#include "utils/rangetypes.h"

#include "choice.h"
#include "fixed.h"
#include "limit.h"
#include "money.h"

static const char *const proration_rules[] = {"none", "actual", "fixed_30", "days_365"};
static const char *const tier_modes[] = {"graduated", "volume", "package"};
static const char *const tax_levels[] = {"line", "total"};

typedef enum TierMode
{
	TIER_GRADUATED,
	TIER_VOLUME,
	TIER_PACKAGE
} TierMode;

typedef enum TaxLevel
{
	TAX_LINE,
	TAX_TOTAL
} TaxLevel;

/* An array argument, checked. */
typedef struct NumericArray
{
	Datum	   *values;
	bool	   *nulls;
	int			length;
} NumericArray;

#define ELEMENT(array, i) DatumGetNumeric((array)->values[i])

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

/* The arrays of tiered_amount(). */
typedef struct Tiers
{
	NumericArray bounds;
	NumericArray prices;
	NumericArray flats;			/* of length 0 when no fees are flat */
} Tiers;

/* A line of a document; amounts are in minor units of the currency. */
typedef struct TaxLine
{
	Numeric		rate;			/* per cent; 0 when exempt */
	Numeric		net;
	Numeric		tax;
	Numeric		gross;
	int			index;
} TaxLine;

PG_FUNCTION_INFO_V1(finance_round_money);
PG_FUNCTION_INFO_V1(finance_allocate);
PG_FUNCTION_INFO_V1(finance_prorate);
PG_FUNCTION_INFO_V1(finance_tiered_amount);
PG_FUNCTION_INFO_V1(finance_tax_breakdown);

/* Refuse NULL as an element. */
static void
refuse_null_element(const char *what, int index)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not hold nulls", what),
			 errdetail("Element %d is null.", index + 1)));
}

/* Take a list of numbers apart, bounded, of one dimension and finite. */
static NumericArray
read_array(ArrayType *source, const char *what, bool nulls_allowed)
{
	NumericArray array;
	int			nelements = ArrayGetNItems(ARR_NDIM(source), ARR_DIMS(source));

	if (ARR_NDIM(source) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s must be an array of one dimension, not %d", what, ARR_NDIM(source))));
	finance_limit_check_at(LIMIT_NUMBERS, nelements, what);
	deconstruct_array(source, NUMERICOID, -1, false, TYPALIGN_INT,
					  &array.values, &array.nulls, &array.length);
	for (int i = 0; i < array.length; i++)
	{
		if (array.nulls[i] && !nulls_allowed)
			refuse_null_element(what, i);
		if (!array.nulls[i])
			finance_check_number(ELEMENT(&array, i), what);
	}
	return array;
}

/* Refuse lists that do not go together. */
static void
check_same_length(const NumericArray *a, const char *a_name,
				  const NumericArray *b, const char *b_name)
{
	if (a->length != b->length)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s and %s must have the same number of elements", a_name, b_name),
				 errdetail("There are %d and %d.", a->length, b->length)));
}

/*
 * round_money(amount, exponent) -> numeric: half away from zero, to exactly
 * `exponent` decimals.
 */
Datum
finance_round_money(PG_FUNCTION_ARGS)
{
	Numeric		amount = FINANCE_GETARG_NUMERIC(0);
	int			exponent = PG_GETARG_INT32(1);
	int128		amount_minor;

	finance_check_number(amount, "amount");
	finance_check_exponent(exponent);
	if (finance_fixed_read(amount, exponent, &amount_minor))
		PG_RETURN_NUMERIC(finance_fixed_write(amount_minor, exponent));
	PG_RETURN_NUMERIC(finance_numeric_round(amount, exponent));
}

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

	pfree(parts);
	return true;
}

/* Add to a sum, which is the only one to hold its value. */
static void
add_to(Numeric *sum, Numeric number)
{
	Numeric		before = *sum;

	*sum = finance_numeric_add(before, number);
	pfree(before);
}

/*
 * Spread a whole number over parts whose exact values are numerators over one
 * denominator and sum to it, but for its rounding.  Shares are whole numbers.
 */
static void
spread_numeric(Numeric total, const Numeric *numerators, Numeric denominator,
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
		add_to(&sum, numerators[i]);
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
		if (!finance_fixed_read(ELEMENT(weights, i), FINANCE_MICRO_SCALE, &weights_micro[i]))
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

	total = finance_numeric_round(finance_numeric_mul(total, finance_fixed_write(finance_power_of_ten(exponent), 0)), 0);
	for (int i = 0; i < weights->length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		numerators[i] = finance_numeric_mul(total, ELEMENT(weights, i));
		add_to(&weight, ELEMENT(weights, i));
	}
	spread_numeric(total, numerators, weight, weights->length, shares);
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
		int			sign = finance_numeric_sign(ELEMENT(weights, i));

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
	NumericArray weights = read_array(PG_GETARG_ARRAYTYPE_P(1), "weights", false);
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

/* Read the name of a rule of proration. */
ProrationRule
finance_proration_rule(const text *word)
{
	return (ProrationRule) finance_choice(word, proration_rules, lengthof(proration_rules),
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

/* Count the days of [start, end) by a rule. */
int64
finance_proration_days(DateADT start, DateADT end, ProrationRule rule)
{
	return proration_day(end, rule) - proration_day(start, rule);
}

/* Take active_days / period_days of an amount: multiply, divide, round once. */
Numeric
finance_prorate_numeric(Numeric amount, int64 active_days, int64 period_days,
						int exponent)
{
	int128		amount_micro;
	int128		product;

	Assert(active_days >= 0 && period_days > 0);

	if (finance_fixed_read(amount, FINANCE_MICRO_SCALE, &amount_micro) &&
		finance_fixed_mul(amount_micro, active_days, &product))
		return finance_fixed_write(finance_fixed_div_round(product,
														   period_days * finance_power_of_ten(FINANCE_MICRO_SCALE - exponent)),
								   exponent);
	return finance_numeric_div_round(finance_numeric_mul(amount, int64_to_numeric(active_days)),
									 int64_to_numeric(period_days), exponent);
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
	ProrationRule rule = finance_proration_rule(PG_GETARG_TEXT_PP(3));
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

	active_start = Max(active_start, period_start);
	active_end = Min(active_end, period_end);
	if (active_start >= active_end)
		PG_RETURN_NUMERIC(finance_fixed_write(0, exponent));

	/* a whole period is whole even if its only day is one that a rule drops */
	if (rule == PRORATION_NONE ||
		(active_start == period_start && active_end == period_end))
		PG_RETURN_NUMERIC(finance_prorate_numeric(amount, 1, 1, exponent));
	PG_RETURN_NUMERIC(finance_prorate_numeric(amount,
											  finance_proration_days(active_start, active_end, rule),
											  finance_proration_days(period_start, period_end, rule),
											  exponent));
}

/* Refuse tiers that do not follow one another up to an open end. */
static void
check_tiers(const Tiers *tiers, TierMode mode)
{
	Numeric		lower = int64_to_numeric(0);
	int			last = tiers->bounds.length - 1;

	if (last < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there must be at least one tier")));
	check_same_length(&tiers->bounds, "bounds", &tiers->prices, "prices");
	if (tiers->flats.length > 0)
		check_same_length(&tiers->bounds, "bounds", &tiers->flats, "flats");

	for (int i = 0; i <= last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tiers->bounds.nulls[i] && i < last)
			refuse_null_element("bounds of tiers before the last", i);
		if (tiers->bounds.nulls[i])
			continue;
		if (finance_numeric_cmp(ELEMENT(&tiers->bounds, i), lower) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bounds of tiers must rise from above zero"),
					 errdetail("Element %d does not.", i + 1)));
		lower = ELEMENT(&tiers->bounds, i);
	}

	if (mode == TIER_PACKAGE && last == 0)
	{
		if (tiers->bounds.nulls[0])
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("packages need a size"),
					 errhint("Give the size of a package as the only bound.")));
	}
	else if (!tiers->bounds.nulls[last])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the last tier must be open"),
				 errdetail("Bounds are the upper ends of the tiers."),
				 errhint("Give NULL as the last bound.")));
}

/* Divide and round up to whole packages. */
static Numeric
count_packages(Numeric quantity, Numeric size)
{
	Numeric		count = finance_numeric_div_trunc(quantity, size);

	if (finance_numeric_cmp(finance_numeric_mul(count, size), quantity) < 0)
		count = finance_numeric_add(count, int64_to_numeric(1));
	return count;
}

/*
 * Price the part of the quantity that falls into one tier, or, by volume, the
 * whole of it at the tier that it reaches.  A package is the whole tier; in the
 * open tier packages are as wide as the tier before.
 */
static Numeric
tier_amount(const Tiers *tiers, int tier, TierMode mode, Numeric quantity,
			Numeric lower, Numeric size)
{
	Numeric		price = ELEMENT(&tiers->prices, tier);
	Numeric		upper = quantity;
	Numeric		amount;
	bool		open = tiers->bounds.nulls[tier];

	if (!open && finance_numeric_cmp(ELEMENT(&tiers->bounds, tier), quantity) < 0)
		upper = ELEMENT(&tiers->bounds, tier);

	if (mode == TIER_VOLUME)
		amount = finance_numeric_mul(quantity, price);
	else if (mode == TIER_GRADUATED)
		amount = finance_numeric_mul(finance_numeric_sub(upper, lower), price);
	else if (open)
		amount = finance_numeric_mul(count_packages(finance_numeric_sub(quantity, lower), size), price);
	else
		amount = price;

	if (tiers->flats.length > 0)
		amount = finance_numeric_add(amount, ELEMENT(&tiers->flats, tier));
	return amount;
}

/* Price a quantity above zero by tiers that have been checked. */
static Numeric
price_tiers(const Tiers *tiers, TierMode mode, Numeric quantity)
{
	Numeric		amount = int64_to_numeric(0);
	Numeric		lower = int64_to_numeric(0);
	Numeric		size = lower;

	for (int i = 0; i < tiers->bounds.length && finance_numeric_cmp(lower, quantity) < 0; i++)
	{
		bool		reached = tiers->bounds.nulls[i] ||
			finance_numeric_cmp(quantity, ELEMENT(&tiers->bounds, i)) <= 0;

		CHECK_FOR_INTERRUPTS();
		if (mode != TIER_VOLUME || reached)
			amount = finance_numeric_add(amount, tier_amount(tiers, i, mode, quantity, lower, size));
		if (reached)
			break;
		size = finance_numeric_sub(ELEMENT(&tiers->bounds, i), lower);
		lower = ELEMENT(&tiers->bounds, i);
	}
	return amount;
}

/*
 * tiered_amount(quantity, bounds, prices, flats, mode) -> numeric: the price of
 * a quantity, exact; round it when it becomes an amount.  NULL flats are none.
 */
Datum
finance_tiered_amount(PG_FUNCTION_ARGS)
{
	Numeric		quantity;
	Numeric		amount;
	Tiers		tiers = {0};
	TierMode	mode;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	quantity = FINANCE_GETARG_NUMERIC(0);
	mode = (TierMode) finance_choice(PG_GETARG_TEXT_PP(4), tier_modes, lengthof(tier_modes),
									 "mode of tiers");
	finance_check_number(quantity, "quantity");
	if (finance_numeric_sign(quantity) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("quantity must not be negative"),
				 errhint("Price what was taken back and negate the amount.")));
	tiers.bounds = read_array(PG_GETARG_ARRAYTYPE_P(1), "bounds", true);
	tiers.prices = read_array(PG_GETARG_ARRAYTYPE_P(2), "prices", false);
	if (!PG_ARGISNULL(3))
		tiers.flats = read_array(PG_GETARG_ARRAYTYPE_P(3), "flats", false);
	check_tiers(&tiers, mode);

	/* one size of package for any quantity is an open tier of packages */
	if (mode == TIER_PACKAGE && tiers.bounds.length == 1)
	{
		amount = finance_numeric_mul(count_packages(quantity, ELEMENT(&tiers.bounds, 0)),
									 ELEMENT(&tiers.prices, 0));
		if (tiers.flats.length > 0 && finance_numeric_sign(quantity) > 0)
			amount = finance_numeric_add(amount, ELEMENT(&tiers.flats, 0));
	}
	else
		amount = price_tiers(&tiers, mode, quantity);
	PG_RETURN_NUMERIC(amount);
}

/* Order lines by rate, then by place. */
static int
compare_tax_rates(const void *a, const void *b)
{
	const TaxLine *left = a;
	const TaxLine *right = b;
	int			order = finance_numeric_cmp(left->rate, right->rate);

	CHECK_FOR_INTERRUPTS();
	return order != 0 ? order : left->index - right->index;
}

/* Put lines back into their places. */
static int
compare_tax_places(const void *a, const void *b)
{
	return ((const TaxLine *) a)->index - ((const TaxLine *) b)->index;
}

/*
 * Tax lines of one rate on their sum.  What came in (net, or gross when tax is
 * included) is rounded on the sum too, and both are spread over the lines.
 */
static void
tax_group(TaxLine *lines, int nlines, bool inclusive)
{
	Numeric		hundred = int64_to_numeric(100);
	Numeric		rate = lines[0].rate;
	Numeric		denominator = inclusive ? finance_numeric_add(hundred, rate) : hundred;
	Numeric		sum = int64_to_numeric(0);
	Numeric		base;
	Numeric		tax;
	Numeric    *amounts = palloc(nlines * sizeof(Numeric));
	Numeric    *bases = palloc(nlines * sizeof(Numeric));
	Numeric    *taxes = palloc(nlines * sizeof(Numeric));

	for (int i = 0; i < nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		amounts[i] = inclusive ? lines[i].gross : lines[i].net;
		add_to(&sum, amounts[i]);
	}
	base = finance_numeric_round(sum, 0);
	spread_numeric(base, amounts, int64_to_numeric(1), nlines, bases);

	/* included tax is what is left of the gross that the client sees */
	if (inclusive)
		tax = finance_numeric_sub(base, finance_numeric_div_round(finance_numeric_mul(base, hundred), denominator, 0));
	else
		tax = finance_numeric_div_round(finance_numeric_mul(sum, rate), denominator, 0);
	for (int i = 0; i < nlines; i++)
		amounts[i] = finance_numeric_mul(inclusive ? bases[i] : amounts[i], rate);
	spread_numeric(tax, amounts, denominator, nlines, taxes);

	for (int i = 0; i < nlines; i++)
	{
		lines[i].tax = taxes[i];
		lines[i].net = inclusive ? finance_numeric_sub(bases[i], taxes[i]) : bases[i];
		lines[i].gross = inclusive ? bases[i] : finance_numeric_add(bases[i], taxes[i]);
	}
	pfree(amounts);
	pfree(bases);
	pfree(taxes);
}

/* Tax each line alone, or the lines of each rate together. */
static void
tax_lines(TaxLine *lines, int nlines, bool inclusive, TaxLevel level)
{
	int			start = 0;

	if (level == TAX_TOTAL)
		qsort(lines, nlines, sizeof(TaxLine), compare_tax_rates);
	while (start < nlines)
	{
		int			end = start + 1;

		CHECK_FOR_INTERRUPTS();
		while (level == TAX_TOTAL && end < nlines &&
			   finance_numeric_cmp(lines[end].rate, lines[start].rate) == 0)
			end++;
		tax_group(&lines[start], end - start, inclusive);
		start = end;
	}
	qsort(lines, nlines, sizeof(TaxLine), compare_tax_places);
}

/*
 * Make lines of the arrays, in minor units.  A line that is taxed alone is
 * rounded first: its tax must follow from the net that the paper shows.
 */
static TaxLine *
read_tax_lines(const NumericArray *amounts, const NumericArray *rates,
			   TaxLevel level, int exponent)
{
	Numeric		scale = finance_fixed_write(finance_power_of_ten(exponent), 0);
	Numeric		zero = int64_to_numeric(0);
	TaxLine    *lines = palloc0(amounts->length * sizeof(TaxLine));

	check_same_length(amounts, "nets", rates, "rates");
	for (int i = 0; i < amounts->length; i++)
	{
		Numeric		amount = finance_numeric_mul(ELEMENT(amounts, i), scale);

		CHECK_FOR_INTERRUPTS();
		lines[i].index = i;
		lines[i].rate = rates->nulls[i] ? zero : ELEMENT(rates, i);
		lines[i].net = level == TAX_LINE ? finance_numeric_round(amount, 0) : amount;
		lines[i].gross = lines[i].net;
		if (finance_numeric_sign(lines[i].rate) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tax rates must not be negative"),
					 errdetail("Element %d is negative.", i + 1)));
	}
	return lines;
}

/*
 * tax_breakdown(nets, rates, inclusive, level, exponent) -> setof (net, tax,
 * gross): one row a line, in their order.
 */
Datum
finance_tax_breakdown(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	NumericArray amounts = read_array(PG_GETARG_ARRAYTYPE_P(0), "nets", false);
	NumericArray rates = read_array(PG_GETARG_ARRAYTYPE_P(1), "rates", true);
	bool		inclusive = PG_GETARG_BOOL(2);
	TaxLevel	level = (TaxLevel) finance_choice(PG_GETARG_TEXT_PP(3), tax_levels,
												  lengthof(tax_levels), "level of tax");
	int			exponent = PG_GETARG_INT32(4);
	Numeric		minor;
	TaxLine    *lines;

	finance_check_exponent(exponent);
	minor = finance_fixed_write(1, exponent);
	lines = read_tax_lines(&amounts, &rates, level, exponent);
	tax_lines(lines, amounts.length, inclusive, level);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < amounts.length; i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		CHECK_FOR_INTERRUPTS();
		values[0] = NumericGetDatum(finance_numeric_mul(lines[i].net, minor));
		values[1] = NumericGetDatum(finance_numeric_mul(lines[i].tax, minor));
		values[2] = NumericGetDatum(finance_numeric_mul(lines[i].gross, minor));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
