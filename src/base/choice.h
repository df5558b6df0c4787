/*
 * choice.h
 *		Words from a closed list: modes, rules, units.
 */
#ifndef FINANCE_CHOICE_H
#define FINANCE_CHOICE_H

#include "finance.h"

extern int	finance_choice(const text *word, const char *const *choices,
						   int nchoices, const char *what);

#endif							/* FINANCE_CHOICE_H */
