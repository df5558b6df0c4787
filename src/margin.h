/*
 * margin.h
 *		The summary "margin", for the summaries that are made of margins.
 */
#ifndef FINANCE_MARGIN_H
#define FINANCE_MARGIN_H

#include "finance.h"

#include "lib/stringinfo.h"

#define FINANCE_CURRENCY_SIZE 8 /* letters, padded with zeros to the end */

/* Fixed-length on disk: a multiple of 8 bytes without holes. */
typedef struct Margin
{
	int128		revenue_micro;
	int128		cost_micro;
	int64		seconds;
	char		currency[FINANCE_CURRENCY_SIZE];
} Margin;

StaticAssertDecl(sizeof(Margin) == 48, "margin is declared with a length of 48 bytes");

#define PG_GETARG_MARGIN_P(n) ((Margin *) PG_GETARG_POINTER(n))

extern void finance_set_currency(Margin *margin, const char *letters, int length);
extern bool finance_row_is_null(FunctionCallInfo fcinfo, int first);
extern void finance_add_row(Margin *margin, FunctionCallInfo fcinfo, int first);
extern void finance_add_margin(Margin *sum, const Margin *margin);

extern void finance_write_margin(StringInfo target, const Margin *margin);
extern bool finance_read_margin(const char **source, Margin *margin);
extern void finance_pack_margin(StringInfo message, const Margin *margin);
extern void finance_unpack_margin(StringInfo message, Margin *margin);

#endif							/* FINANCE_MARGIN_H */
