/*
 * number.c
 *		Arithmetic on numeric, for what does not fit into fixed point.
 */
#include "fixed.h"

/*
 * Divide numerics of any size, rounding once, half away from zero, to exactly
 * `exponent` decimals.  The server's division rounds its own way first, and two
 * roundings are not one.
 */
Numeric
finance_numeric_div_round(Numeric dividend, Numeric divisor, int exponent)
{
	Numeric		two = int64_to_numeric(2);
	Numeric		zero = int64_to_numeric(0);
	bool		negative = (finance_numeric_cmp(dividend, zero) < 0) !=
		(finance_numeric_cmp(divisor, zero) < 0);
	Numeric		quotient;

	dividend = DatumGetNumeric(DirectFunctionCall1(numeric_abs, NumericGetDatum(dividend)));
	divisor = DatumGetNumeric(DirectFunctionCall1(numeric_abs, NumericGetDatum(divisor)));

	/* floor((2a + b) / 2b) is a / b rounded half up */
	dividend = finance_numeric_mul(dividend, finance_fixed_write(finance_power_of_ten(exponent), 0));
	quotient = finance_numeric_div_trunc(finance_numeric_add(finance_numeric_mul(dividend, two), divisor),
										 finance_numeric_mul(divisor, two));
	quotient = finance_numeric_mul(quotient, finance_fixed_write(1, exponent));
	return negative ? finance_numeric_negate(quotient) : quotient;
}

/* Tell whether a number is negative, zero or positive: -1, 0 or 1. */
int
finance_numeric_sign(Numeric number)
{
	int			order = finance_numeric_cmp(number, int64_to_numeric(0));

	return order < 0 ? -1 : order > 0 ? 1 : 0;
}

/* Refuse an exponent that no currency has. */
void
finance_check_exponent(int exponent)
{
	if (exponent < 0 || exponent > FINANCE_EXPONENT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("exponent %d is out of range", exponent),
				 errhint("An exponent is a currency's number of decimals, from 0 to %d.",
						 FINANCE_EXPONENT_MAX)));
}
