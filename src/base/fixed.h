/*
 * fixed.h
 *		Exact amounts as int128 in fixed point, read from numeric and written
 *		back, and numeric itself for what does not fit.
 *
 * A fixed-point value of scale s is the amount times 10^s.  Amounts, prices and
 * multipliers are carried in "micro" (scale 6); final amounts in "minor" units,
 * whose scale is the exponent of the currency.
 */
#ifndef FINANCE_FIXED_H
#define FINANCE_FIXED_H

#include "finance.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#ifndef HAVE_INT128
#error "finance needs a compiler with 128-bit integers"
#endif

#define FINANCE_MICRO_SCALE 6	/* prices and multipliers have 6 decimals */
#define FINANCE_EXPONENT_MAX 6	/* and so no currency has more */
#define FINANCE_SCALE_MAX 36	/* 10^36 is the last such power with room to spare */

#define FINANCE_INT128_MAX ((int128) (~(uint128) 0 >> 1))

/* A numeric argument as it lies in the row: nothing is copied. */
#define FINANCE_GETARG_NUMERIC(n) ((Numeric) PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n)))

/* fixed.c */
extern bool finance_fixed_read(Numeric number, int scale, int128 *value);
extern Numeric finance_fixed_write(int128 value, int scale);
extern int128 finance_fixed_div_round(int128 dividend, int128 divisor);
extern bool finance_fixed_mul(int128 a, int128 b, int128 *product);
extern int128 finance_power_of_ten(int exponent);
extern void finance_check_number(Numeric number, const char *what);

/* selfcheck.c */
extern void finance_check_numeric(void);

/* number.c */
extern Numeric finance_numeric_div_round(Numeric dividend, Numeric divisor, int exponent);
extern int	finance_numeric_sign(Numeric number);
extern void finance_check_exponent(int exponent);

/* Add two values; false when the sum does not fit. */
static inline bool
finance_fixed_add(int128 a, int128 b, int128 *sum)
{
	/* the lowest value has no opposite, so it never arises */
	if (b > 0 ? a > FINANCE_INT128_MAX - b : a < -FINANCE_INT128_MAX - b)
		return false;
	*sum = a + b;
	return true;
}

/* The server's own arithmetic, for what does not fit. */
static inline Numeric
finance_numeric_add(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
finance_numeric_sub(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_sub, NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
finance_numeric_mul(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_mul, NumericGetDatum(a), NumericGetDatum(b)));
}

/* Divide and drop the fraction: exact, where numeric's own division is not. */
static inline Numeric
finance_numeric_div_trunc(Numeric a, Numeric b)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_div_trunc, NumericGetDatum(a), NumericGetDatum(b)));
}

static inline Numeric
finance_numeric_negate(Numeric a)
{
	return DatumGetNumeric(DirectFunctionCall1(numeric_uminus, NumericGetDatum(a)));
}

/* Round half away from zero, to exactly so many decimals. */
static inline Numeric
finance_numeric_round(Numeric a, int exponent)
{
	return DatumGetNumeric(DirectFunctionCall2(numeric_round, NumericGetDatum(a), Int32GetDatum(exponent)));
}

static inline int
finance_numeric_cmp(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

#endif							/* FINANCE_FIXED_H */
