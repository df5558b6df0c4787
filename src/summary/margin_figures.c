/*
 * margin_figures.c
 *		What is read from a margin: its parts, profit, per cent, hourly rate.
 */
#include "finance.h"

#include "datatype/timestamp.h"

#include "amount.h"
#include "fixed.h"
#include "margin.h"

#define RATIO_DECIMALS 4		/* of percent, hours and hourly rate */

PG_FUNCTION_INFO_V1(finance_margin_revenue);
PG_FUNCTION_INFO_V1(finance_margin_cost);
PG_FUNCTION_INFO_V1(finance_margin_profit);
PG_FUNCTION_INFO_V1(finance_margin_seconds);
PG_FUNCTION_INFO_V1(finance_margin_currency);
PG_FUNCTION_INFO_V1(finance_margin_percent);
PG_FUNCTION_INFO_V1(finance_margin_hours);
PG_FUNCTION_INFO_V1(finance_margin_hourly_rate);
PG_FUNCTION_INFO_V1(finance_margin_uncosted);

/* Compute the profit. */
static int128
profit_micro(const Margin *margin)
{
	int128		profit;

	if (!finance_fixed_add(margin->revenue_micro, -margin->cost_micro, &profit))
		finance_refuse_margin_overflow();
	return profit;
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
	PG_RETURN_NUMERIC(finance_amount_numeric(PG_GETARG_MARGIN_P(0)->revenue_micro));
}

/* cost(margin) -> numeric: what is known of it. */
Datum
finance_margin_cost(PG_FUNCTION_ARGS)
{
	PG_RETURN_NUMERIC(finance_amount_numeric(PG_GETARG_MARGIN_P(0)->cost_micro));
}

/* uncosted(margin) -> bigint: rows whose cost is not known. */
Datum
finance_margin_uncosted(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_MARGIN_P(0)->uncosted);
}

/* profit(margin) -> numeric: revenue less cost; NULL where a cost is not known. */
Datum
finance_margin_profit(PG_FUNCTION_ARGS)
{
	Margin	   *margin = PG_GETARG_MARGIN_P(0);

	if (margin->uncosted > 0)
		PG_RETURN_NULL();
	PG_RETURN_NUMERIC(finance_amount_numeric(profit_micro(margin)));
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
											  finance_currency_length(margin->currency)));
}

/* percent(margin) -> numeric: profit per 100 of revenue; NULL without one of them. */
Datum
finance_margin_percent(PG_FUNCTION_ARGS)
{
	Margin	   *margin = PG_GETARG_MARGIN_P(0);

	if (margin->uncosted > 0 || margin->revenue_micro == 0)
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
