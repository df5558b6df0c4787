/*
 * amount.h
 *		Amounts in micro units as text, as numeric and in binary messages.
 */
#ifndef FINANCE_AMOUNT_H
#define FINANCE_AMOUNT_H

#include "finance.h"

#include "lib/stringinfo.h"
#include "utils/numeric.h"

#define FINANCE_AMOUNT_TEXT_SIZE 48 /* a sign, 39 digits, a point and the end */

extern char *finance_amount_write(char *target, int128 amount_micro);
extern bool finance_amount_read(const char **source, int decimals_max, int128 *amount);
extern Numeric finance_amount_numeric(int128 amount_micro);
extern void finance_amount_send(StringInfo message, int128 amount_micro);
extern int128 finance_amount_receive(StringInfo message, const char *type);

#endif							/* FINANCE_AMOUNT_H */
