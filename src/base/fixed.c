/*
 * fixed.c
 *		Exact amounts as int128 in fixed point, read from numeric and written
 *		back, and numeric itself for what does not fit.
 *
 * The layout of numeric is private to the server's numeric.c, and this is the
 * one file of ours that knows it.  It has been the same on disk since 9.1, and
 * pg_upgrade keeps files as they are, so it stays.  After the length word comes
 *
 *	 short: 16 bits 10snnnnnnnwwwwwww: sign, number of decimals to display,
 *			weight in two's complement
 *	 long:	16 bits 0snnnnnnnnnnnnnn: sign, number of decimals to display; then
 *			16 bits of weight
 *	 NaN and infinities: 11...
 *
 * and then base-10000 digits of 16 bits, the first of which counts
 * 10000^weight.  Digits that are zero are cut at both ends.  Reading them
 * straight costs a fraction of what a call of the server's numeric functions costs,
 * and makes aggregates over numeric columns as fast as over bigint ones.
 */
#include "fixed.h"

#include "limit.h"

#define NUMERIC_KIND_MASK		0xC000
#define NUMERIC_KIND_SPECIAL	0xC000
#define NUMERIC_KIND_SHORT		0x8000
#define NUMERIC_SPECIAL_MASK	0xF000
#define NUMERIC_SPECIAL_PINF	0xD000
#define NUMERIC_SPECIAL_NINF	0xF000
#define NUMERIC_LONG_NEGATIVE	0x4000
#define NUMERIC_SHORT_NEGATIVE	0x2000
#define NUMERIC_SHORT_SCALE_SHIFT 7
#define NUMERIC_SHORT_SCALE_MASK 0x1F80
#define NUMERIC_LONG_SCALE_MASK	0x3FFF
#define NUMERIC_SHORT_WEIGHT_SIGN 0x0040
#define NUMERIC_SHORT_WEIGHT_MASK 0x007F

#define NUMERIC_BASE			10000
#define NUMERIC_BASE_DECIMALS	4
#define NUMERIC_DIGITS_READ_MAX 9	/* nine digits stay under 10^36 */
#define NUMERIC_DIGITS_WRITE_MAX 20 /* 39 decimals, split at the point */

#define POWERS_MAX 18

static const int64 powers_of_ten[POWERS_MAX + 1] = {
	1,
	10,
	100,
	1000,
	10000,
	100000,
	1000000,
	10000000,
	100000000,
	1000000000,
	INT64CONST(10000000000),
	INT64CONST(100000000000),
	INT64CONST(1000000000000),
	INT64CONST(10000000000000),
	INT64CONST(100000000000000),
	INT64CONST(1000000000000000),
	INT64CONST(10000000000000000),
	INT64CONST(100000000000000000),
	INT64CONST(1000000000000000000)
};

/* Compute 10^exponent, for exponents from 0 to 36. */
int128
finance_power_of_ten(int exponent)
{
	Assert(exponent >= 0 && exponent <= FINANCE_SCALE_MAX);

	if (exponent <= POWERS_MAX)
		return powers_of_ten[exponent];
	return (int128) powers_of_ten[POWERS_MAX] * powers_of_ten[exponent - POWERS_MAX];
}

/* Take the weight out of the header of a short numeric. */
static inline int16
short_weight(uint16 header)
{
	int16		weight = header & NUMERIC_SHORT_WEIGHT_MASK;

	return weight & NUMERIC_SHORT_WEIGHT_SIGN ? weight - (NUMERIC_SHORT_WEIGHT_MASK + 1) : weight;
}

/* Read base-10000 digits, most significant first, into one magnitude. */
static inline int128
read_digits(const char *digits, int ndigits)
{
	int128		magnitude = 0;
	uint64		chunk = 0;

	/* four digits fit into 64 bits, and few amounts have more */
	for (int i = 0; i < ndigits; i++)
	{
		int16		digit;

		memcpy(&digit, digits + i * sizeof(int16), sizeof(int16));
		if (i < 4)
			chunk = chunk * NUMERIC_BASE + digit;
		else
			magnitude = (i == 4 ? (int128) chunk : magnitude) * NUMERIC_BASE + digit;
	}
	return ndigits <= 4 ? (int128) chunk : magnitude;
}

/*
 * Read a numeric into fixed point of the scale given.  False when it does not
 * fit exactly: more decimals than the scale, too large, NaN or an infinity.
 * Takes values with short headers, as they lie in a row.
 */
bool
finance_fixed_read(Numeric number, int scale, int128 *value)
{
	const char *data = VARDATA_ANY(number);
	int			length = VARSIZE_ANY_EXHDR(number);
	uint16		header;
	int16		weight;
	bool		negative;
	int			ndigits;
	int			shift;			/* decimals between the last digit and the scale */
	int128		magnitude;

	memcpy(&header, data, sizeof(header));
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SPECIAL)
		return false;
	data += sizeof(header);
	length -= sizeof(header);
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SHORT)
	{
		weight = short_weight(header);
		negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
	}
	else
	{
		memcpy(&weight, data, sizeof(weight));
		data += sizeof(weight);
		length -= sizeof(weight);
		negative = (header & NUMERIC_LONG_NEGATIVE) != 0;
	}

	ndigits = length / (int) sizeof(int16);
	if (ndigits > NUMERIC_DIGITS_READ_MAX)
		return false;
	magnitude = read_digits(data, ndigits);
	shift = (weight - ndigits + 1) * NUMERIC_BASE_DECIMALS + scale;
	if (magnitude != 0 && shift != 0)
	{
		/* the last digit is not zero, so four decimals cannot be dropped */
		if (shift > FINANCE_SCALE_MAX || shift <= -NUMERIC_BASE_DECIMALS)
			return false;
		if (shift > 0 &&
			!finance_fixed_mul(magnitude, finance_power_of_ten(shift), &magnitude))
			return false;
		if (shift < 0)
		{
			int128		excess = finance_power_of_ten(-shift);

			if (magnitude % excess != 0)
				return false;
			magnitude /= excess;
		}
	}
	Assert(magnitude >= 0);
	*value = negative ? -magnitude : magnitude;
	return true;
}

#ifdef USE_ASSERT_CHECKING
/* Assert that what was written is read as what it was, where it can be read. */
static void
assert_written(Numeric number, int scale, int128 value)
{
	int128		read;

	Assert(!finance_fixed_read(number, scale, &read) || read == value);
}
#else
#define assert_written(number, scale, value) ((void) 0)
#endif

/* Write a fixed-point value as numeric with exactly `scale` decimals. */
Numeric
finance_fixed_write(int128 value, int scale)
{
	uint128		magnitude = value < 0 ? -(uint128) value : (uint128) value;
	int			nfraction = (scale + NUMERIC_BASE_DECIMALS - 1) / NUMERIC_BASE_DECIMALS;
	uint128		unit = finance_power_of_ten(scale);
	uint128		whole = magnitude / unit;
	uint128		fraction = (magnitude % unit) *
		finance_power_of_ten(nfraction * NUMERIC_BASE_DECIMALS - scale);
	int16		digits[NUMERIC_DIGITS_WRITE_MAX];	/* least significant first */
	int			top = 0;
	int			bottom = 0;
	int			weight;
	uint16		header;
	Size		length;
	char	   *result;
	char	   *data;

	Assert(scale >= 0 && scale <= FINANCE_SCALE_MAX);
	while (top < nfraction)
	{
		digits[top++] = fraction % NUMERIC_BASE;
		fraction /= NUMERIC_BASE;
	}
	for (; whole != 0; whole /= NUMERIC_BASE)
		digits[top++] = whole % NUMERIC_BASE;
	Assert(top <= NUMERIC_DIGITS_WRITE_MAX);

	while (top > 0 && digits[top - 1] == 0)
		top--;
	while (bottom < top && digits[bottom] == 0)
		bottom++;
	weight = top == bottom ? 0 : top - 1 - nfraction;

	header = NUMERIC_KIND_SHORT | scale << NUMERIC_SHORT_SCALE_SHIFT |
		(weight & NUMERIC_SHORT_WEIGHT_MASK);
	if (value < 0)
		header |= NUMERIC_SHORT_NEGATIVE;

	length = VARHDRSZ + sizeof(header) + (top - bottom) * sizeof(int16);
	result = palloc(length);
	SET_VARSIZE(result, length);
	data = VARDATA(result);
	memcpy(data, &header, sizeof(header));
	for (int i = top; i > bottom; i--)
	{
		data += sizeof(int16);
		memcpy(data, &digits[i - 1], sizeof(int16));
	}
	assert_written((Numeric) result, scale, value);
	return (Numeric) result;
}

/* Multiply two values; false when the product does not fit. */
bool
finance_fixed_mul(int128 a, int128 b, int128 *product)
{
	/* the compiler's own check calls a library that clang does not link */
	if (a != (int64) a || b != (int64) b)
	{
		int128		factor = a < 0 ? -a : a;
		int128		other = b < 0 ? -b : b;

		if (factor != 0 && other > FINANCE_INT128_MAX / factor)
			return false;
	}
	*product = a * b;
	return true;
}

/* Divide, rounding half away from zero. */
int128
finance_fixed_div_round(int128 dividend, int128 divisor)
{
	int128		quotient = dividend / divisor;
	int128		remainder = dividend % divisor;
	int128		rest;

	Assert(divisor != 0);

	/* compare without doubling, which could overflow */
	if (remainder < 0)
		remainder = -remainder;
	rest = (divisor < 0 ? -divisor : divisor) - remainder;
	if (remainder >= rest)
		quotient += (dividend < 0) == (divisor < 0) ? 1 : -1;
	return quotient;
}

/*
 * Count the digits that a number is written with; one that is stored may stand
 * for many, as in 10^1000 or 0.000.
 */
static int
count_digits(Numeric number)
{
	const char *data = VARDATA_ANY(number);
	const char *end = data + VARSIZE_ANY_EXHDR(number);
	uint16		header;
	int16		weight;
	int16		first;
	int			scale;

	memcpy(&header, data, sizeof(header));
	data += sizeof(header);
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SHORT)
	{
		scale = (header & NUMERIC_SHORT_SCALE_MASK) >> NUMERIC_SHORT_SCALE_SHIFT;
		weight = short_weight(header);
	}
	else
	{
		scale = header & NUMERIC_LONG_SCALE_MASK;
		memcpy(&weight, data, sizeof(weight));
		data += sizeof(weight);
	}
	if (data >= end || weight < 0)
		return scale;
	memcpy(&first, data, sizeof(first));
	return scale + weight * NUMERIC_BASE_DECIMALS +
		(first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1);
}

/*
 * Refuse NaN and infinities, for no amount, price or weight is either, and
 * numbers so long that the server's arithmetic takes its time over them: a
 * product of two takes the square of their digits, and cannot be cancelled.
 */
void
finance_check_number(Numeric number, const char *what)
{
	uint16		header;

	memcpy(&header, VARDATA_ANY(number), sizeof(header));
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SPECIAL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be a finite number, not %s", what,
						(header & NUMERIC_SPECIAL_MASK) == NUMERIC_SPECIAL_PINF ? "infinity" :
						(header & NUMERIC_SPECIAL_MASK) == NUMERIC_SPECIAL_NINF ? "-infinity" :
						"NaN")));
	finance_limit_check_at(LIMIT_DIGITS, count_digits(number), what);
}
