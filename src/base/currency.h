/*
 * currency.h
 *		Codes of currencies, as summaries keep them: letters padded with zeros.
 */
#ifndef FINANCE_CURRENCY_H
#define FINANCE_CURRENCY_H

#include "finance.h"

#include "lib/stringinfo.h"

#define FINANCE_CURRENCY_SIZE 7
#define FINANCE_CURRENCY_MIN 3

extern bool finance_is_currency(const char *letters, int length);
extern void finance_currency_set(char *currency, const char *letters, int length);
extern void finance_currency_send(StringInfo message, const char *currency);
extern void finance_currency_receive(StringInfo message, char *currency, const char *type);

/* How many letters has a code? */
static inline int
finance_currency_length(const char *currency)
{
	return (int) strnlen(currency, FINANCE_CURRENCY_SIZE);
}

/* Is a code these letters? */
static inline bool
finance_currency_is(const char *currency, const char *letters, int length)
{
	return length <= FINANCE_CURRENCY_SIZE && memcmp(currency, letters, length) == 0 &&
		(length == FINANCE_CURRENCY_SIZE || currency[length] == '\0');
}

#endif							/* FINANCE_CURRENCY_H */
