/*
 * choice.h
 *		Words from a closed list: modes, rules, units.
 */
#ifndef FINANCE_CHOICE_H
#define FINANCE_CHOICE_H

#include "finance.h"

extern int	finance_choice(const text *word, const char *const *choices,
						   int nchoices, const char *what);
extern int	finance_choice_find(const char *letters, Size length,
								const char *const *choices, int nchoices);
pg_noreturn extern void finance_choice_refuse(const char *letters, Size length,
											  const char *const *choices, int nchoices,
											  const char *what);

#endif							/* FINANCE_CHOICE_H */
