/*
 * margin_io.c
 *		A margin as text and as a binary message.
 */
#include "finance.h"

#include "libpq/pqformat.h"

#include "amount.h"
#include "limit.h"
#include "margin.h"

PG_FUNCTION_INFO_V1(finance_margin_in);
PG_FUNCTION_INFO_V1(finance_margin_out);
PG_FUNCTION_INFO_V1(finance_margin_recv);
PG_FUNCTION_INFO_V1(finance_margin_send);

/* Move on behind a letter; false when there is another. */
static bool
read_letter(const char **source, char letter)
{
	if (**source != letter)
		return false;
	(*source)++;
	return true;
}

/* Write (revenue,cost,seconds,currency), with how many costs are not known where some are not. */
void
finance_write_margin(StringInfo target, const Margin *margin)
{
	char		revenue[FINANCE_AMOUNT_TEXT_SIZE];
	char		cost[FINANCE_AMOUNT_TEXT_SIZE];

	finance_assert_margin(margin);
	finance_amount_write(revenue, margin->revenue_micro);
	finance_amount_write(cost, margin->cost_micro);
	appendStringInfo(target, "(%s,%s,%lld,%.*s", revenue, cost, (long long) margin->seconds,
					 FINANCE_CURRENCY_SIZE, margin->currency);
	if (margin->uncosted > 0)
		appendStringInfo(target, ",%lld", (long long) margin->uncosted);
	appendStringInfoChar(target, ')');
}

/*
 * Read (revenue,cost,seconds,currency) or (revenue,cost,seconds,currency,uncosted)
 * and move on behind it.  False when the text has another form; what has the
 * form but no currency is refused.
 */
bool
finance_read_margin(const char **source, Margin *margin)
{
	const char *letter = *source;
	int128		revenue_micro;
	int128		cost_micro;
	int128		seconds = 0;
	int128		uncosted = 0;
	const char *currency;
	int			length;

	if (!read_letter(&letter, '(') ||
		!finance_amount_read(&letter, FINANCE_MICRO_SCALE, &revenue_micro) ||
		!read_letter(&letter, ',') ||
		!finance_amount_read(&letter, FINANCE_MICRO_SCALE, &cost_micro) ||
		!read_letter(&letter, ',') ||
		!finance_amount_read(&letter, 0, &seconds) || seconds != (int64) seconds ||
		!read_letter(&letter, ','))
		return false;
	currency = letter;
	length = strcspn(letter, ",)");
	letter += length;
	if (length == 0 ||
		(read_letter(&letter, ',') &&
		 (!finance_amount_read(&letter, 0, &uncosted) || uncosted < 0 || uncosted != (int64) uncosted)) ||
		!read_letter(&letter, ')'))
		return false;

	finance_margin_start(margin, currency, length);
	margin->revenue_micro = revenue_micro;
	margin->cost_micro = cost_micro;
	margin->seconds = (int64) seconds;
	margin->uncosted = (int64) uncosted;
	finance_assert_margin(margin);
	*source = letter;
	return true;
}

/* margin_in(cstring) -> margin. */
Datum
finance_margin_in(PG_FUNCTION_ARGS)
{
	const char *source = PG_GETARG_CSTRING(0);
	const char *letter = source;
	Margin	   *margin = palloc(sizeof(Margin));

	if (!finance_read_margin(&letter, margin) || *letter != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s: \"%s\"", "margin",
						finance_shown(source, strlen(source))),
				 errhint("A margin is written (revenue,cost,seconds,currency), "
						 "such as (100.00,60.00,3600,EUR), with at most %d decimals.",
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

/* Append what a margin says to a binary message: 16 + 16 + 8 bytes of figures, 7 of currency, 8 of a count. */
void
finance_pack_margin(StringInfo message, const Margin *margin)
{
	finance_assert_margin(margin);
	finance_amount_send(message, margin->revenue_micro);
	finance_amount_send(message, margin->cost_micro);
	pq_sendint64(message, margin->seconds);
	finance_currency_send(message, margin->currency);
	pq_sendint64(message, margin->uncosted);
}

/* Read the same from a binary message, checking everything that it says. */
void
finance_unpack_margin(StringInfo message, Margin *margin)
{
	memset(margin, 0, sizeof(Margin));
	margin->revenue_micro = finance_amount_receive(message, "margin");
	margin->cost_micro = finance_amount_receive(message, "margin");
	margin->seconds = pq_getmsgint64(message);
	finance_currency_receive(message, margin->currency, "margin");
	margin->uncosted = pq_getmsgint64(message);
	if (margin->uncosted < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of unknown costs in external \"%s\" value", "margin")));
	margin->version = MARGIN_VERSION;
	finance_assert_margin(margin);
}

/* margin_send(margin) -> bytea: the version, then what the margin says. */
Datum
finance_margin_send(PG_FUNCTION_ARGS)
{
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint8(&message, MARGIN_VERSION);
	finance_pack_margin(&message, PG_GETARG_MARGIN_P(0));
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* margin_recv(internal) -> margin. */
Datum
finance_margin_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	Margin	   *margin = palloc(sizeof(Margin));

	finance_check_version("margin", pq_getmsgbyte(message), MARGIN_VERSION);
	finance_unpack_margin(message, margin);
	PG_RETURN_POINTER(margin);
}
