/*
 * margin_io.c
 *		A margin as text and as a binary message.
 */
#include "finance.h"

#include "libpq/pqformat.h"

#include "fixed.h"
#include "limit.h"
#include "margin.h"

#define TEXT_DECIMALS_MIN 2		/* 100.00 reads better than 100 */
#define AMOUNT_TEXT_SIZE 48		/* a sign, 39 digits, a point and the end */

PG_FUNCTION_INFO_V1(finance_margin_in);
PG_FUNCTION_INFO_V1(finance_margin_out);
PG_FUNCTION_INFO_V1(finance_margin_recv);
PG_FUNCTION_INFO_V1(finance_margin_send);

/* Write an amount with as many decimals as it has, and at least two. */
static char *
write_amount(char *target, int128 amount_micro)
{
	char		digits[AMOUNT_TEXT_SIZE];
	uint128		magnitude = amount_micro < 0 ? -(uint128) amount_micro : (uint128) amount_micro;
	int			decimals = FINANCE_MICRO_SCALE;
	int			ndigits = 0;

	for (; decimals > TEXT_DECIMALS_MIN && magnitude % 10 == 0; decimals--)
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
static bool
read_amount(const char **source, int decimals_max, int128 *amount)
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

/* Move on behind a letter; false when there is another. */
static bool
read_letter(const char **source, char letter)
{
	if (**source != letter)
		return false;
	(*source)++;
	return true;
}

/* Write (revenue,cost,seconds,currency). */
void
finance_write_margin(StringInfo target, const Margin *margin)
{
	char		revenue[AMOUNT_TEXT_SIZE];
	char		cost[AMOUNT_TEXT_SIZE];

	finance_assert_margin(margin);
	write_amount(revenue, margin->revenue_micro);
	write_amount(cost, margin->cost_micro);
	appendStringInfo(target, "(%s,%s,%lld,%.*s)", revenue, cost, (long long) margin->seconds,
					 FINANCE_CURRENCY_SIZE, margin->currency);
}

/*
 * Read (revenue,cost,seconds,currency) and move on behind it.  False when the
 * text has another form; what has the form but no currency is refused.
 */
bool
finance_read_margin(const char **source, Margin *margin)
{
	const char *letter = *source;
	int128		seconds = 0;
	int			length;

	if (!read_letter(&letter, '(') ||
		!read_amount(&letter, FINANCE_MICRO_SCALE, &margin->revenue_micro) ||
		!read_letter(&letter, ',') ||
		!read_amount(&letter, FINANCE_MICRO_SCALE, &margin->cost_micro) ||
		!read_letter(&letter, ',') ||
		!read_amount(&letter, 0, &seconds) || seconds != (int64) seconds ||
		!read_letter(&letter, ','))
		return false;
	length = strcspn(letter, ")");
	if (length == 0 || letter[length] != ')')
		return false;

	margin->seconds = (int64) seconds;
	finance_set_currency(margin, letter, length);
	*source = letter + length + 1;
	return true;
}

/* margin_in(cstring) -> margin. */
Datum
finance_margin_in(PG_FUNCTION_ARGS)
{
	const char *source = PG_GETARG_CSTRING(0);
	const char *letter = source;
	Margin	   *margin = palloc0(sizeof(Margin));

	if (!finance_read_margin(&letter, margin) || *letter != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "margin",
						finance_shown(source, strlen(source))),
				 errhint("A margin is written (revenue,cost,seconds,currency), such as (100.00,60.00,3600,EUR), with at most %d decimals.",
						 FINANCE_MICRO_SCALE)));
	PG_RETURN_POINTER(margin);
}

/* margin_out(margin) -> cstring. */
Datum
finance_margin_out(PG_FUNCTION_ARGS)
{
	StringInfoData target;

	initStringInfo(&target);
	finance_write_margin(&target, PG_GETARG_MARGIN_P(0));
	PG_RETURN_CSTRING(target.data);
}

/* Send an amount as two halves, the upper one first. */
static void
send_amount(StringInfo message, int128 amount_micro)
{
	pq_sendint64(message, (uint64) ((uint128) amount_micro >> 64));
	pq_sendint64(message, (uint64) amount_micro);
}

/* Receive an amount; the lowest value is refused, for it has no opposite. */
static int128
receive_amount(StringInfo message)
{
	uint128		upper = (uint64) pq_getmsgint64(message);
	int128		amount_micro = (int128) (upper << 64 | (uint64) pq_getmsgint64(message));

	if (amount_micro < -FINANCE_INT128_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid amount in external \"%s\" value", "margin")));
	return amount_micro;
}

/* Append a margin to a binary message: 16 + 16 + 8 bytes of figures, 8 of currency. */
void
finance_pack_margin(StringInfo message, const Margin *margin)
{
	finance_assert_margin(margin);
	send_amount(message, margin->revenue_micro);
	send_amount(message, margin->cost_micro);
	pq_sendint64(message, margin->seconds);
	pq_sendbytes(message, margin->currency, FINANCE_CURRENCY_SIZE);
}

/* Read a margin from a binary message, checking everything that it says. */
void
finance_unpack_margin(StringInfo message, Margin *margin)
{
	const char *currency;
	int			length = 0;

	memset(margin, 0, sizeof(Margin));
	margin->revenue_micro = receive_amount(message);
	margin->cost_micro = receive_amount(message);
	margin->seconds = pq_getmsgint64(message);
	currency = pq_getmsgbytes(message, FINANCE_CURRENCY_SIZE);

	/* nothing may hide behind the end of the code, nor reach a message unread */
	while (length < FINANCE_CURRENCY_SIZE && currency[length] != '\0')
		length++;
	if (!finance_is_currency(currency, length) ||
		memcmp(currency + length, margin->currency, FINANCE_CURRENCY_SIZE - length) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid currency in external \"%s\" value", "margin")));
	finance_set_currency(margin, currency, length);
}

/* margin_send(margin) -> bytea. */
Datum
finance_margin_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;

	pq_begintypsend(&message);
	finance_pack_margin(&message, PG_GETARG_MARGIN_P(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* margin_recv(internal) -> margin. */
Datum
finance_margin_recv(PG_FUNCTION_ARGS)
{
	Margin	   *margin = palloc(sizeof(Margin));

	finance_unpack_margin((StringInfo) PG_GETARG_POINTER(0), margin);
	PG_RETURN_POINTER(margin);
}
