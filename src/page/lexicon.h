/*
 * lexicon.h
 *		The words that amounts are written out in, by language.
 */
#ifndef FINANCE_LEXICON_H
#define FINANCE_LEXICON_H

#include "finance.h"

typedef enum Language
{
	LANGUAGE_UK,
	LANGUAGE_RU,
	LANGUAGE_EN
} Language;

#define NLANGUAGES 3

/* The forms that follow 1, 2 and 5. */
typedef const char *Noun[3];

/* A currency of which we know the words; others are written in digits. */
typedef struct CurrencyWords
{
	char		code[4];
	int			exponent;
	bool		feminine;		/* its unit, in uk and ru */
	Noun		unit[NLANGUAGES];
	Noun		subunit[NLANGUAGES];
} CurrencyWords;

#define POWERS 4

/* The words of numbers; a thousand, the first power, is feminine in uk and ru. */
typedef struct NumberWords
{
	const char *minus;
	const char *small[20];		/* from zero to nineteen */
	const char *feminine[3];	/* one and two */
	const char *tens[10];
	const char *hundreds[10];
	Noun		powers[POWERS];	/* of a thousand */
} NumberWords;

extern const NumberWords finance_number_words[NLANGUAGES];

extern const CurrencyWords *finance_currency_words(const char *code);

#endif							/* FINANCE_LEXICON_H */
