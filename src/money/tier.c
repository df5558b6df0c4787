/*
 * tier.c
 *		Prices by quantity: graduated, by volume, by package.
 */
#include "finance.h"

#include "miscadmin.h"
#include "utils/array.h"

#include "choice.h"
#include "fixed.h"
#include "money.h"

static const char *const tier_modes[] = {"graduated", "volume", "package"};

typedef enum TierMode
{
	TIER_GRADUATED,
	TIER_VOLUME,
	TIER_PACKAGE
} TierMode;

/* The arrays of tiered_amount(). */
typedef struct Tiers
{
	NumericArray bounds;
	NumericArray prices;
	NumericArray flats;			/* of length 0 when no fees are flat */
} Tiers;

PG_FUNCTION_INFO_V1(finance_tiered_amount);

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
	finance_check_same_length(&tiers->bounds, "bounds", &tiers->prices, "prices");
	if (tiers->flats.length > 0)
		finance_check_same_length(&tiers->bounds, "bounds", &tiers->flats, "flats");

	for (int i = 0; i <= last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tiers->bounds.nulls[i] && i < last)
			finance_refuse_null_element("bounds of tiers before the last", i);
		if (tiers->bounds.nulls[i])
			continue;
		if (finance_numeric_cmp(NUMBER(&tiers->bounds, i), lower) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("bounds of tiers must rise from above zero"),
					 errdetail("Element %d does not.", i + 1)));
		lower = NUMBER(&tiers->bounds, i);
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
	Numeric		price = NUMBER(&tiers->prices, tier);
	Numeric		upper = quantity;
	Numeric		amount;
	bool		open = tiers->bounds.nulls[tier];

	if (!open && finance_numeric_cmp(NUMBER(&tiers->bounds, tier), quantity) < 0)
		upper = NUMBER(&tiers->bounds, tier);

	if (mode == TIER_VOLUME)
		amount = finance_numeric_mul(quantity, price);
	else if (mode == TIER_GRADUATED)
		amount = finance_numeric_mul(finance_numeric_sub(upper, lower), price);
	else if (open)
		amount = finance_numeric_mul(count_packages(finance_numeric_sub(quantity, lower), size), price);
	else
		amount = price;

	if (tiers->flats.length > 0)
		amount = finance_numeric_add(amount, NUMBER(&tiers->flats, tier));
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
			finance_numeric_cmp(quantity, NUMBER(&tiers->bounds, i)) <= 0;

		CHECK_FOR_INTERRUPTS();
		if (mode != TIER_VOLUME || reached)
			amount = finance_numeric_add(amount, tier_amount(tiers, i, mode, quantity, lower, size));
		if (reached)
			break;
		size = finance_numeric_sub(NUMBER(&tiers->bounds, i), lower);
		lower = NUMBER(&tiers->bounds, i);
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
	tiers.bounds = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(1), "bounds", true);
	tiers.prices = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(2), "prices", false);
	if (!PG_ARGISNULL(3))
		tiers.flats = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(3), "flats", false);
	check_tiers(&tiers, mode);

	/* one size of package for any quantity is an open tier of packages */
	if (mode == TIER_PACKAGE && tiers.bounds.length == 1)
	{
		amount = finance_numeric_mul(count_packages(quantity, NUMBER(&tiers.bounds, 0)),
									 NUMBER(&tiers.prices, 0));
		if (tiers.flats.length > 0 && finance_numeric_sign(quantity) > 0)
			amount = finance_numeric_add(amount, NUMBER(&tiers.flats, 0));
	}
	else
		amount = price_tiers(&tiers, mode, quantity);
	PG_RETURN_NUMERIC(amount);
}
