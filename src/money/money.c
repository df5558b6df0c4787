/*
 * money.c
 *		Amounts: rounding them, and lists of numbers as arguments.
 *
 * An amount is rounded once, half away from zero, when it becomes an amount.
 * Whatever is split afterwards is split so that the parts sum to the whole;
 * see spread.c.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "fixed.h"
#include "limit.h"
#include "money.h"

PG_FUNCTION_INFO_V1(finance_round_money);

/* Refuse NULL as an element. */
void
finance_refuse_null_element(const char *what, int index)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not hold nulls", what),
			 errdetail("Element %d is null.", index + 1)));
}

/* Take a list of numbers apart, bounded, of one dimension and finite. */
NumericArray
finance_read_numbers(ArrayType *source, const char *what, bool nulls_allowed)
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
			finance_refuse_null_element(what, i);
		if (!array.nulls[i])
			finance_check_number(NUMBER(&array, i), what);
	}
	return array;
}

/* Refuse lists that do not go together. */
void
finance_check_same_length(const NumericArray *a, const char *a_name,
				  const NumericArray *b, const char *b_name)
{
	if (a->length != b->length)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%s and %s must have the same number of elements", a_name, b_name),
				 errdetail("There are %d and %d.", a->length, b->length)));
}

/* Add to a sum, which is the only one to hold its value. */
void
finance_numeric_add_to(Numeric *sum, Numeric number)
{
	Numeric		before = *sum;

	*sum = finance_numeric_add(before, number);
	pfree(before);
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
