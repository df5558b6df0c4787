/*
 * pattern.h
 *		How a code is written: which signs, and how many of them.
 *
 * A pattern is a class and how often it comes, again and again: n a digit, a a
 * letter, c either, b 0 or 1, p a letter of persons in Belarus; a capital stands
 * for itself.  Several ways to write a code are divided by "|".
 */
#ifndef FINANCE_PATTERN_H
#define FINANCE_PATTERN_H

#include "finance.h"

extern bool finance_pattern_fits(const char *pattern, const char *code);
extern char *finance_pattern_fault(const char *pattern, const char *code, const char *where);

#endif							/* FINANCE_PATTERN_H */
