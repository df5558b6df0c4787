/*
 * money.h
 *		Exact amounts: lists of them as arguments, and spreading a total.
 */
#ifndef FINANCE_MONEY_H
#define FINANCE_MONEY_H

#include "finance.h"

#include "utils/array.h"
#include "utils/numeric.h"

/* An array argument, checked. */
typedef struct NumericArray
{
	Datum	   *values;
	bool	   *nulls;
	int			length;
} NumericArray;

#define NUMBER(array, i) DatumGetNumeric((array)->values[i])

/* money.c */
extern NumericArray finance_read_numbers(ArrayType *source, const char *what, bool nulls_allowed);
extern void finance_check_same_length(const NumericArray *a, const char *a_name,
									  const NumericArray *b, const char *b_name);
extern void finance_refuse_null_element(const char *what, int index);
extern void finance_numeric_add_to(Numeric *sum, Numeric number);

/* spread.c */
extern bool finance_spread_fixed(int128 total, const int128 *weights, int nweights,
								 int128 *shares);
extern void finance_spread_numeric(Numeric total, const Numeric *numerators, Numeric denominator,
								   int nparts, Numeric *shares);

extern PGDLLEXPORT Datum finance_round_money(PG_FUNCTION_ARGS);

#endif							/* FINANCE_MONEY_H */
