/*
 * tax.c
 *		The tax of a document, line by line or on the sum of each rate.
 *
 * A tax on a sum is spread over its lines by the largest remainder, so that
 * the lines of the paper add up to its foot.
 */
#include "finance.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "choice.h"
#include "fixed.h"
#include "money.h"

static const char *const tax_levels[] = {"line", "total"};

typedef enum TaxLevel
{
	TAX_LINE,
	TAX_TOTAL
} TaxLevel;

/* A line of a document; amounts are in minor units of the currency. */
typedef struct TaxLine
{
	Numeric		rate;			/* per cent; 0 when exempt */
	Numeric		net;
	Numeric		tax;
	Numeric		gross;
	int			index;
} TaxLine;

PG_FUNCTION_INFO_V1(finance_tax_breakdown);

/* Order lines by rate, then by place. */
static int
compare_tax_rates(const void *a, const void *b)
{
	const TaxLine *left = a;
	const TaxLine *right = b;
	int			order = finance_numeric_cmp(left->rate, right->rate);

	CHECK_FOR_INTERRUPTS();
	return order != 0 ? order : left->index - right->index;
}

/* Put lines back into their places. */
static int
compare_tax_places(const void *a, const void *b)
{
	return ((const TaxLine *) a)->index - ((const TaxLine *) b)->index;
}

/*
 * Tax lines of one rate on their sum.  What came in (net, or gross when tax is
 * included) is rounded on the sum too, and both are spread over the lines.
 */
static void
tax_group(TaxLine *lines, int nlines, bool inclusive)
{
	Numeric		hundred = int64_to_numeric(100);
	Numeric		rate = lines[0].rate;
	Numeric		denominator = inclusive ? finance_numeric_add(hundred, rate) : hundred;
	Numeric		sum = int64_to_numeric(0);
	Numeric		base;
	Numeric		tax;
	Numeric    *amounts = palloc(nlines * sizeof(Numeric));
	Numeric    *bases = palloc(nlines * sizeof(Numeric));
	Numeric    *taxes = palloc(nlines * sizeof(Numeric));

	for (int i = 0; i < nlines; i++)
	{
		CHECK_FOR_INTERRUPTS();
		amounts[i] = inclusive ? lines[i].gross : lines[i].net;
		finance_numeric_add_to(&sum, amounts[i]);
	}
	base = finance_numeric_round(sum, 0);
	finance_spread_numeric(base, amounts, int64_to_numeric(1), nlines, bases);

	/* included tax is what is left of the gross that the client sees */
	if (inclusive)
		tax = finance_numeric_sub(base, finance_numeric_div_round(finance_numeric_mul(base, hundred), denominator, 0));
	else
		tax = finance_numeric_div_round(finance_numeric_mul(sum, rate), denominator, 0);
	for (int i = 0; i < nlines; i++)
		amounts[i] = finance_numeric_mul(inclusive ? bases[i] : amounts[i], rate);
	finance_spread_numeric(tax, amounts, denominator, nlines, taxes);

	for (int i = 0; i < nlines; i++)
	{
		lines[i].tax = taxes[i];
		lines[i].net = inclusive ? finance_numeric_sub(bases[i], taxes[i]) : bases[i];
		lines[i].gross = inclusive ? bases[i] : finance_numeric_add(bases[i], taxes[i]);
	}
	pfree(amounts);
	pfree(bases);
	pfree(taxes);
}

/* Tax each line alone, or the lines of each rate together. */
static void
tax_lines(TaxLine *lines, int nlines, bool inclusive, TaxLevel level)
{
	int			start = 0;

	if (level == TAX_TOTAL)
		qsort(lines, nlines, sizeof(TaxLine), compare_tax_rates);
	while (start < nlines)
	{
		int			end = start + 1;

		CHECK_FOR_INTERRUPTS();
		while (level == TAX_TOTAL && end < nlines &&
			   finance_numeric_cmp(lines[end].rate, lines[start].rate) == 0)
			end++;
		tax_group(&lines[start], end - start, inclusive);
		start = end;
	}
	qsort(lines, nlines, sizeof(TaxLine), compare_tax_places);
}

/*
 * Make lines of the arrays, in minor units.  A line that is taxed alone is
 * rounded first: its tax must follow from the net that the paper shows.
 */
static TaxLine *
read_tax_lines(const NumericArray *amounts, const NumericArray *rates,
			   TaxLevel level, int exponent)
{
	Numeric		scale = finance_fixed_write(finance_power_of_ten(exponent), 0);
	Numeric		zero = int64_to_numeric(0);
	TaxLine    *lines = palloc0(amounts->length * sizeof(TaxLine));

	finance_check_same_length(amounts, "nets", rates, "rates");
	for (int i = 0; i < amounts->length; i++)
	{
		Numeric		amount = finance_numeric_mul(NUMBER(amounts, i), scale);

		CHECK_FOR_INTERRUPTS();
		lines[i].index = i;
		lines[i].rate = rates->nulls[i] ? zero : NUMBER(rates, i);
		lines[i].net = level == TAX_LINE ? finance_numeric_round(amount, 0) : amount;
		lines[i].gross = lines[i].net;
		if (finance_numeric_sign(lines[i].rate) < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("tax rates must not be negative"),
					 errdetail("Element %d is negative.", i + 1)));
	}
	return lines;
}

/*
 * tax_breakdown(nets, rates, inclusive, level, exponent) -> setof (net, tax,
 * gross): one row a line, in their order.
 */
Datum
finance_tax_breakdown(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	NumericArray amounts = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(0), "nets", false);
	NumericArray rates = finance_read_numbers(PG_GETARG_ARRAYTYPE_P(1), "rates", true);
	bool		inclusive = PG_GETARG_BOOL(2);
	TaxLevel	level = (TaxLevel) finance_choice(PG_GETARG_TEXT_PP(3), tax_levels,
												  lengthof(tax_levels), "level of tax");
	int			exponent = PG_GETARG_INT32(4);
	Numeric		minor;
	TaxLine    *lines;

	finance_check_exponent(exponent);
	minor = finance_fixed_write(1, exponent);
	lines = read_tax_lines(&amounts, &rates, level, exponent);
	tax_lines(lines, amounts.length, inclusive, level);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < amounts.length; i++)
	{
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		CHECK_FOR_INTERRUPTS();
		values[0] = NumericGetDatum(finance_numeric_mul(lines[i].net, minor));
		values[1] = NumericGetDatum(finance_numeric_mul(lines[i].tax, minor));
		values[2] = NumericGetDatum(finance_numeric_mul(lines[i].gross, minor));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
