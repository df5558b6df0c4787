/*
 * amount.c
 *		Amounts in micro units as text, as numeric and in binary messages: what
 *		every summary writes and reads.
 *
 * The text is read here and not by numeric_in(), which takes spaces, exponents
 * and, by version of the server, digits of other bases; and a cube has many.
 */
#include "amount.h"

#include "libpq/pqformat.h"

#include "fixed.h"

#define DECIMALS_MIN 2			/* 100.00 reads better than 100 */

/*
 * Write an amount with as many decimals as it has, and at least two, into room
 * for FINANCE_AMOUNT_TEXT_SIZE letters; gives the end of it.
 */
char *
finance_amount_write(char *target, int128 amount_micro)
{
	char		digits[FINANCE_AMOUNT_TEXT_SIZE];
	uint128		magnitude = amount_micro < 0 ? -(uint128) amount_micro : (uint128) amount_micro;
	int			decimals = FINANCE_MICRO_SCALE;
	int			ndigits = 0;

	for (; decimals > DECIMALS_MIN && magnitude % 10 == 0; decimals--)
		magnitude /= 10;
	while (magnitude != 0 || ndigits <= decimals)
	{
		digits[ndigits++] = '0' + (int) (magnitude % 10);
		magnitude /= 10;
	}

	if (amount_micro < 0)
		*target++ = '-';
	while (ndigits > 0)
	{
		if (ndigits == decimals)
			*target++ = '.';
		*target++ = digits[--ndigits];
	}
	*target = '\0';
	return target;
}

/*
 * Read a number of so many decimals at most as a whole number of its units, and
 * move on behind it.  False when there is no such number, or it does not fit.
 */
bool
finance_amount_read(const char **source, int decimals_max, int128 *amount)
{
	const char *letter = *source;
	bool		negative = *letter == '-';
	int			ndigits = 0;
	int			decimals = -1;	/* below 0 until the point */
	int128		value = 0;

	if (negative)
		letter++;
	for (;; letter++)
	{
		if (*letter == '.' && decimals < 0 && ndigits > 0 && decimals_max > 0)
			decimals = 0;
		else if (*letter == '0' && decimals == decimals_max)
			continue;			/* adds nothing, but is often written */
		else if (*letter >= '0' && *letter <= '9')
		{
			ndigits++;
			if ((decimals >= 0 && ++decimals > decimals_max) ||
				!finance_fixed_mul(value, 10, &value) ||
				!finance_fixed_add(value, *letter - '0', &value))
				return false;
		}
		else
			break;
	}
	if (ndigits == 0 || decimals == 0)
		return false;
	if (!finance_fixed_mul(value, finance_power_of_ten(decimals_max - Max(decimals, 0)), &value))
		return false;
	*amount = negative ? -value : value;
	*source = letter;
	return true;
}

/* Give an amount with as many decimals as it has, and at least two. */
Numeric
finance_amount_numeric(int128 amount_micro)
{
	int			decimals = FINANCE_MICRO_SCALE;

	for (; decimals > DECIMALS_MIN && amount_micro % 10 == 0; decimals--)
		amount_micro /= 10;
	return finance_fixed_write(amount_micro, decimals);
}

/* Send an amount as two halves, the upper one first. */
void
finance_amount_send(StringInfo message, int128 amount_micro)
{
	pq_sendint64(message, (uint64) ((uint128) amount_micro >> 64));
	pq_sendint64(message, (uint64) amount_micro);
}

/* Receive an amount for a type; the lowest value is refused (22P03), for it has no opposite. */
int128
finance_amount_receive(StringInfo message, const char *type)
{
	uint128		upper = (uint64) pq_getmsgint64(message);
	int128		amount_micro = (int128) (upper << 64 | (uint64) pq_getmsgint64(message));

	if (amount_micro < -FINANCE_INT128_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid amount in external \"%s\" value", type)));
	return amount_micro;
}
