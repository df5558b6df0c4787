/*
 * margin.h
 *		The summary "margin", for the summaries that are made of margins.
 */
#ifndef FINANCE_MARGIN_H
#define FINANCE_MARGIN_H

#include "finance.h"

#include "lib/stringinfo.h"

#include "fixed.h"

#define CURRENCY_LENGTH_MIN 3
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

/* Assert that a margin is one that we made. */
static inline void
finance_assert_margin(const Margin *margin)
{
	Assert(margin->revenue_micro >= -FINANCE_INT128_MAX);
	Assert(margin->cost_micro >= -FINANCE_INT128_MAX);
	Assert(margin->currency[CURRENCY_LENGTH_MIN - 1] != '\0');
}

/* margin.c */
extern bool finance_is_currency(const char *letters, int length);
extern void finance_set_currency(Margin *margin, const char *letters, int length);
extern bool finance_row_is_null(FunctionCallInfo fcinfo, int first);
extern void finance_add_row(Margin *margin, FunctionCallInfo fcinfo, int first);
extern void finance_add_margin(Margin *sum, const Margin *margin);
pg_noreturn extern void finance_refuse_margin_overflow(void);

/* margin_io.c */
extern void finance_write_margin(StringInfo target, const Margin *margin);
extern bool finance_read_margin(const char **source, Margin *margin);
extern void finance_pack_margin(StringInfo message, const Margin *margin);
extern void finance_unpack_margin(StringInfo message, Margin *margin);

#endif							/* FINANCE_MARGIN_H */
