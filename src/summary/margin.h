/*
 * margin.h
 *		The summary "margin", for the summaries that are made of margins.
 */
#ifndef FINANCE_MARGIN_H
#define FINANCE_MARGIN_H

#include "finance.h"

#include "lib/stringinfo.h"

#include "currency.h"
#include "fixed.h"
#include "summary.h"

#define MARGIN_VERSION 2		/* 1 did not count costs that are not known */

/* Fixed-length on disk: a multiple of 8 bytes without holes. */
typedef struct Margin
{
	int128		revenue_micro;
	int128		cost_micro;		/* of the rows whose cost is known */
	int64		seconds;
	char		currency[FINANCE_CURRENCY_SIZE];
	uint8		version;		/* MARGIN_VERSION, where every form has it */
	int64		uncosted;		/* rows whose cost is not known */
} Margin;

StaticAssertDecl(sizeof(Margin) == 56, "margin is declared with a length of 56 bytes");
StaticAssertDecl(offsetof(Margin, version) == 47, "another form is known by the same byte");

/* Take a margin out of an argument, where its version is ours. */
static inline Margin *
finance_margin_argument(Datum value)
{
	Margin	   *margin = (Margin *) DatumGetPointer(value);

	finance_check_version("margin", margin->version, MARGIN_VERSION);
	return margin;
}

#define PG_GETARG_MARGIN_P(n) finance_margin_argument(PG_GETARG_DATUM(n))

/* Assert that a margin is one that we made. */
#ifdef USE_ASSERT_CHECKING
extern void finance_assert_margin(const Margin *margin);
#else
#define finance_assert_margin(margin) ((void) 0)
#endif

/* margin.c */
extern void finance_margin_start(Margin *margin, const char *letters, int length);
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
