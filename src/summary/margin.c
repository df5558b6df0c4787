/*
 * margin.c
 *		The summary "margin": revenue, cost and seconds in one currency.
 *
 * What a row costs may be unknown, which is not nothing: a margin counts such
 * rows, and then has a revenue but no profit.
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

#include "fixed.h"
#include "limit.h"
#include "margin.h"

PG_FUNCTION_INFO_V1(finance_margin_eq);
PG_FUNCTION_INFO_V1(finance_margin_ne);
PG_FUNCTION_INFO_V1(finance_margin_accum);
PG_FUNCTION_INFO_V1(finance_margin_add);

#ifdef USE_ASSERT_CHECKING
/* Assert that a margin is one that we made. */
void
finance_assert_margin(const Margin *margin)
{
	int			length = finance_currency_length(margin->currency);

	Assert(margin->version == MARGIN_VERSION);
	Assert(margin->revenue_micro >= -FINANCE_INT128_MAX);
	Assert(margin->cost_micro >= -FINANCE_INT128_MAX);
	Assert(margin->uncosted >= 0);
	Assert(finance_is_currency(margin->currency, length));
	for (int i = length; i < FINANCE_CURRENCY_SIZE; i++)
		Assert(margin->currency[i] == '\0');
}
#endif

/* Refuse sums that do not fit. */
void
finance_refuse_margin_overflow(void)
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

/* Begin a margin of nothing in a currency; refuses (22023) what is none. */
void
finance_margin_start(Margin *margin, const char *letters, int length)
{
	memset(margin, 0, sizeof(Margin));
	finance_currency_set(margin->currency, letters, length);
	margin->version = MARGIN_VERSION;
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
		finance_refuse_margin_overflow();
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

/*
 * Add the figures of a row.  Null revenue and seconds are none; a null cost is
 * not known, where there is anything that could have one.
 */
void
finance_add_row(Margin *margin, FunctionCallInfo fcinfo, int first)
{
	if (!PG_ARGISNULL(first))
		accumulate_amount(&margin->revenue_micro, FINANCE_GETARG_NUMERIC(first), "revenue");
	if (!PG_ARGISNULL(first + 1))
		accumulate_amount(&margin->cost_micro, FINANCE_GETARG_NUMERIC(first + 1), "cost");
	else if ((!PG_ARGISNULL(first) || !PG_ARGISNULL(first + 2)) &&
			 pg_add_s64_overflow(margin->uncosted, 1, &margin->uncosted))
		finance_refuse_margin_overflow();
	if (!PG_ARGISNULL(first + 2) &&
		pg_add_s64_overflow(margin->seconds, PG_GETARG_INT64(first + 2), &margin->seconds))
		finance_refuse_margin_overflow();
}

/* Add a margin to another in the same currency. */
void
finance_add_margin(Margin *sum, const Margin *margin)
{
	finance_assert_margin(sum);
	finance_assert_margin(margin);
	if (memcmp(sum->currency, margin->currency, FINANCE_CURRENCY_SIZE) != 0)
		refuse_currency(sum, margin->currency, finance_currency_length(margin->currency));
	if (!finance_fixed_add(sum->revenue_micro, margin->revenue_micro, &sum->revenue_micro) ||
		!finance_fixed_add(sum->cost_micro, margin->cost_micro, &sum->cost_micro) ||
		pg_add_s64_overflow(sum->seconds, margin->seconds, &sum->seconds) ||
		pg_add_s64_overflow(sum->uncosted, margin->uncosted, &sum->uncosted))
		finance_refuse_margin_overflow();
	finance_assert_margin(sum);
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
		margin = palloc(sizeof(Margin));
		finance_margin_start(margin, letters, length);
	}
	else
	{
		margin = margin_to_change(fcinfo, PG_GETARG_MARGIN_P(0));
		finance_assert_margin(margin);
		if (unlikely(!finance_currency_is(margin->currency, letters, length)))
			refuse_currency(margin, letters, length);
	}
	finance_add_row(margin, fcinfo, 1);
	finance_assert_margin(margin);
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
