/*
 * margin.c
 *		The summary "margin": revenue, cost and seconds in one currency.
 *
 * A margin is a value: it can be stored in a column, merged with others and
 * taken apart by accessors.  The aggregates carry it as their state, not an
 * internal one, so that partial states pass between parallel workers, and as
 * text between the nodes of a distributed database.
 *
 * Amounts are sums in micro units.  Reading them straight from the digits of
 * numeric and adding them in place is what makes the aggregate several times
 * faster than numeric SQL.
 */
#include "finance.h"

#include "common/int.h"
#include "datatype/timestamp.h"
#include "libpq/pqformat.h"

#include "fixed.h"
#include "limit.h"
#include "margin.h"

#define CURRENCY_LENGTH_MIN 3
#define TEXT_DECIMALS_MIN 2		/* 100.00 reads better than 100 */
#define RATIO_DECIMALS 4		/* of percent, hours and hourly rate */
#define AMOUNT_TEXT_SIZE 48		/* a sign, 39 digits, a point and the end */

PG_FUNCTION_INFO_V1(finance_margin_in);
PG_FUNCTION_INFO_V1(finance_margin_out);
PG_FUNCTION_INFO_V1(finance_margin_recv);
PG_FUNCTION_INFO_V1(finance_margin_send);
PG_FUNCTION_INFO_V1(finance_margin_eq);
PG_FUNCTION_INFO_V1(finance_margin_ne);
PG_FUNCTION_INFO_V1(finance_margin_accum);
PG_FUNCTION_INFO_V1(finance_margin_add);
PG_FUNCTION_INFO_V1(finance_margin_revenue);
PG_FUNCTION_INFO_V1(finance_margin_cost);
PG_FUNCTION_INFO_V1(finance_margin_profit);
PG_FUNCTION_INFO_V1(finance_margin_seconds);
PG_FUNCTION_INFO_V1(finance_margin_currency);
PG_FUNCTION_INFO_V1(finance_margin_percent);
PG_FUNCTION_INFO_V1(finance_margin_hours);
PG_FUNCTION_INFO_V1(finance_margin_hourly_rate);

/* Assert that a margin is one that we made. */
static inline void
assert_margin(const Margin *margin)
{
	Assert(margin->revenue_micro >= -FINANCE_INT128_MAX);
	Assert(margin->cost_micro >= -FINANCE_INT128_MAX);
	Assert(margin->currency[CURRENCY_LENGTH_MIN - 1] != '\0');
}

/* Refuse sums that do not fit. */
static void
refuse_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("margin out of range")));
}

/* Refuse to add two currencies. */
static void
refuse_currency(const Margin *margin, const char *letters, int length)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("cannot add \"%s\" to a margin in \"%.*s\"",
					finance_shown(letters, length), FINANCE_CURRENCY_SIZE, margin->currency),
			 errhint("Group by currency, or convert the amounts first.")));
}

/* Is this a code such as EUR? */
static bool
is_currency(const char *letters, int length)
{
	for (int i = 0; i < length; i++)
	{
		bool		letter = letters[i] >= 'A' && letters[i] <= 'Z';
		bool		digit = letters[i] >= '0' && letters[i] <= '9';

		if (!letter && (i == 0 || !digit))
			return false;
	}
	return length >= CURRENCY_LENGTH_MIN && length <= FINANCE_CURRENCY_SIZE;
}

/* Set the currency, refusing what is not one. */
void
finance_set_currency(Margin *margin, const char *letters, int length)
{
	if (!is_currency(letters, length))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a currency", finance_shown(letters, length)),
				 errhint("A currency is a code of %d to %d capital letters and digits, such as EUR.",
						 CURRENCY_LENGTH_MIN, FINANCE_CURRENCY_SIZE)));
	memset(margin->currency, 0, FINANCE_CURRENCY_SIZE);
	memcpy(margin->currency, letters, length);
}

/* Is the currency of a margin this one? */
static inline bool
has_currency(const Margin *margin, const char *letters, int length)
{
	return length <= FINANCE_CURRENCY_SIZE &&
		memcmp(margin->currency, letters, length) == 0 &&
		(length == FINANCE_CURRENCY_SIZE || margin->currency[length] == '\0');
}

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

	assert_margin(margin);
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
	assert_margin(margin);
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
	if (!is_currency(currency, length) ||
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

/* Are two margins the same figures in the same currency? */
static bool
margins_equal(FunctionCallInfo fcinfo)
{
	return memcmp(PG_GETARG_MARGIN_P(0), PG_GETARG_MARGIN_P(1), sizeof(Margin)) == 0;
}

/* margin_eq(margin, margin) -> boolean. */
Datum
finance_margin_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(margins_equal(fcinfo));
}

/* margin_ne(margin, margin) -> boolean. */
Datum
finance_margin_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!margins_equal(fcinfo));
}

/*
 * Give a margin to add to: the one given where it is the state of a running
 * aggregate, which is ours to change, else a copy.
 */
static Margin *
margin_to_change(FunctionCallInfo fcinfo, Margin *margin)
{
	Margin	   *copy;

	if (AggCheckCallContext(fcinfo, NULL))
		return margin;
	copy = palloc(sizeof(Margin));
	*copy = *margin;
	return copy;
}

/* Refuse an amount that cannot be kept exactly. */
static void
refuse_amount(Numeric amount, const char *what)
{
	finance_check_number(amount, what);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s %s does not fit into a margin", what,
					DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(amount)))),
			 errdetail("A margin keeps at most %d decimals and 32 digits before them.", FINANCE_MICRO_SCALE),
			 errhint("Round it with round_money() first: an amount is rounded once, when it becomes an amount.")));
}

/* Add an amount to a sum. */
static inline void
accumulate_amount(int128 *sum_micro, Numeric amount, const char *what)
{
	int128		amount_micro;

	if (unlikely(!finance_fixed_read(amount, FINANCE_MICRO_SCALE, &amount_micro)))
		refuse_amount(amount, what);
	if (unlikely(!finance_fixed_add(*sum_micro, amount_micro, sum_micro)))
		refuse_overflow();
}

/*
 * Is a row (revenue, cost, seconds, currency) the empty side of an outer join?
 * Figures without a currency are refused.
 */
bool
finance_row_is_null(FunctionCallInfo fcinfo, int first)
{
	if (!PG_ARGISNULL(first + 3))
		return false;
	if (!PG_ARGISNULL(first) || !PG_ARGISNULL(first + 1) || !PG_ARGISNULL(first + 2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("an amount must have a currency"),
				 errdetail("The currency is null, the revenue, cost or seconds are not.")));
	return true;
}

/* Add the figures of a row, where null counts as nothing. */
void
finance_add_row(Margin *margin, FunctionCallInfo fcinfo, int first)
{
	if (!PG_ARGISNULL(first))
		accumulate_amount(&margin->revenue_micro, FINANCE_GETARG_NUMERIC(first), "revenue");
	if (!PG_ARGISNULL(first + 1))
		accumulate_amount(&margin->cost_micro, FINANCE_GETARG_NUMERIC(first + 1), "cost");
	if (!PG_ARGISNULL(first + 2) &&
		pg_add_s64_overflow(margin->seconds, PG_GETARG_INT64(first + 2), &margin->seconds))
		refuse_overflow();
}

/* Add a margin to another in the same currency. */
void
finance_add_margin(Margin *sum, const Margin *margin)
{
	assert_margin(sum);
	assert_margin(margin);
	if (memcmp(sum->currency, margin->currency, FINANCE_CURRENCY_SIZE) != 0)
		refuse_currency(sum, margin->currency, strnlen(margin->currency, FINANCE_CURRENCY_SIZE));
	if (!finance_fixed_add(sum->revenue_micro, margin->revenue_micro, &sum->revenue_micro) ||
		!finance_fixed_add(sum->cost_micro, margin->cost_micro, &sum->cost_micro) ||
		pg_add_s64_overflow(sum->seconds, margin->seconds, &sum->seconds))
		refuse_overflow();
}

/*
 * margin_accum(margin, revenue, cost, seconds, currency) -> margin: add one row
 * to the state of margin_sum().  A row of nulls is skipped.
 */
Datum
finance_margin_accum(PG_FUNCTION_ARGS)
{
	Margin	   *margin;
	text	   *currency;
	const char *letters;
	int			length;

	if (finance_row_is_null(fcinfo, 1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_POINTER(PG_GETARG_MARGIN_P(0));
	}

	currency = PG_GETARG_TEXT_PP(4);
	letters = VARDATA_ANY(currency);
	length = VARSIZE_ANY_EXHDR(currency);
	if (PG_ARGISNULL(0))
	{
		/* the executor copies the first state to where it keeps them */
		margin = palloc0(sizeof(Margin));
		finance_set_currency(margin, letters, length);
	}
	else
	{
		margin = margin_to_change(fcinfo, PG_GETARG_MARGIN_P(0));
		assert_margin(margin);
		if (unlikely(!has_currency(margin, letters, length)))
			refuse_currency(margin, letters, length);
	}
	finance_add_row(margin, fcinfo, 1);
	PG_RETURN_POINTER(margin);
}

/*
 * margin_add(margin, margin) -> margin: the sum of two, for operator +, for
 * margin_merge(), and to combine the states of parallel workers.
 */
Datum
finance_margin_add(PG_FUNCTION_ARGS)
{
	Margin	   *sum = margin_to_change(fcinfo, PG_GETARG_MARGIN_P(0));

	finance_add_margin(sum, PG_GETARG_MARGIN_P(1));
	PG_RETURN_POINTER(sum);
}

/* Compute the profit. */
static int128
profit_micro(const Margin *margin)
{
	int128		profit;

	if (!finance_fixed_add(margin->revenue_micro, -margin->cost_micro, &profit))
		refuse_overflow();
	return profit;
}

/* Give an amount with as many decimals as it has, and at least two. */
static Numeric
amount_numeric(int128 amount_micro)
{
	int			decimals = FINANCE_MICRO_SCALE;

	for (; decimals > TEXT_DECIMALS_MIN && amount_micro % 10 == 0; decimals--)
		amount_micro /= 10;
	return finance_fixed_write(amount_micro, decimals);
}

/* Compute amount * factor / divisor, rounded once to four decimals. */
static Numeric
ratio_numeric(int128 amount, int64 factor, int128 divisor)
{
	int128		product;

	if (finance_fixed_mul(amount, factor * finance_power_of_ten(RATIO_DECIMALS), &product))
		return finance_fixed_write(finance_fixed_div_round(product, divisor), RATIO_DECIMALS);
	return finance_numeric_div_round(finance_numeric_mul(finance_fixed_write(amount, 0), int64_to_numeric(factor)),
									 finance_fixed_write(divisor, 0), RATIO_DECIMALS);
}

/* revenue(margin) -> numeric. */
Datum
finance_margin_revenue(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(amount_numeric(PG_GETARG_MARGIN_P(0)->revenue_micro));
}

/* cost(margin) -> numeric. */
Datum
finance_margin_cost(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(amount_numeric(PG_GETARG_MARGIN_P(0)->cost_micro));
}

/* profit(margin) -> numeric: revenue less cost. */
Datum
finance_margin_profit(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(amount_numeric(profit_micro(PG_GETARG_MARGIN_P(0))));
}

/* seconds(margin) -> bigint. */
Datum
finance_margin_seconds(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_MARGIN_P(0)->seconds);
}

/* currency(margin) -> text. */
Datum
finance_margin_currency(PG_FUNCTION_ARGS)
{
	Margin	   *margin = PG_GETARG_MARGIN_P(0);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(margin->currency,
											  strnlen(margin->currency, FINANCE_CURRENCY_SIZE)));
}

/* percent(margin) -> numeric: profit per 100 of revenue; NULL without revenue. */
Datum
finance_margin_percent(PG_FUNCTION_ARGS)
{
	Margin	   *margin = PG_GETARG_MARGIN_P(0);

	if (margin->revenue_micro == 0)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(ratio_numeric(profit_micro(margin), 100, margin->revenue_micro));
}

/* hours(margin) -> numeric. */
Datum
finance_margin_hours(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(ratio_numeric(PG_GETARG_MARGIN_P(0)->seconds, 1, SECS_PER_HOUR));
}

/* hourly_rate(margin) -> numeric: revenue per hour; NULL without time. */
Datum
finance_margin_hourly_rate(PG_FUNCTION_ARGS)
{
	Margin	   *margin = PG_GETARG_MARGIN_P(0);

	if (margin->seconds == 0)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(ratio_numeric(margin->revenue_micro, SECS_PER_HOUR,
									margin->seconds * finance_power_of_ten(FINANCE_MICRO_SCALE)));
}
