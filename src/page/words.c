/*
 * words.c
 *		Amounts in words, as documents carry them: "Одна тисяча двісті гривень
 *		05 копійок".
 *
 * Slavic numerals agree with what they count: one and two have a gender, and
 * the noun takes one of three forms by the last two digits.  English is given
 * the same three forms, the last two alike.
 */
#include "finance.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "choice.h"
#include "fixed.h"
#include "lexicon.h"
#include "limit.h"

#define WHOLE_DIGITS_MAX 15		/* the names of powers go up to 10^12 */
#define GROUP 1000

static const char *const language_names[NLANGUAGES] = {"uk", "ru", "en"};

static const CurrencyWords *find_currency(const char *code);
static text *words_of_currency(int128 minor, const CurrencyWords *currency, Language language);
static text *digits_and_code(Numeric amount, const char *code, Language language);
pg_noreturn static void refuse_large(Numeric amount);
static void append_number(StringInfo words, int64 number, bool feminine, Language language);
static void append_group(StringInfo words, int number, bool feminine, Language language);
static void append_word(StringInfo words, const char *word);
static const char *noun_form(const Noun noun, int64 number, Language language);
static void capitalise(char *words);
static text *words_to_text(const StringInfo words);

PG_FUNCTION_INFO_V1(finance_amount_in_words);

/*
 * amount_in_words(amount numeric, currency text, language text) -> text: the
 * whole units in words, the subunits in digits; currencies whose words are not
 * known here in digits with their code.
 */
Datum
finance_amount_in_words(PG_FUNCTION_ARGS)
{
	Numeric		amount = PG_GETARG_NUMERIC(0);
	char	   *code = text_to_cstring(PG_GETARG_TEXT_PP(1));
	Language	language = finance_choice(PG_GETARG_TEXT_PP(2), language_names, NLANGUAGES,
										  "language of amounts in words");
	const CurrencyWords *currency = find_currency(code);
	int128		minor;

	finance_check_number(amount, "amount");
	if (currency == NULL)
		PG_RETURN_TEXT_P(digits_and_code(amount, code, language));

	if (!finance_fixed_read(amount, currency->exponent, &minor))
	{
		if (finance_numeric_cmp(finance_numeric_round(amount, currency->exponent), amount) == 0)
			refuse_large(amount);
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s has more decimals than %s", numeric_normalize(amount), code),
				 errhint("Round it first: round_money(amount, %d).", currency->exponent)));
	}
	if ((minor < 0 ? -minor : minor) / finance_power_of_ten(currency->exponent) >=
		finance_power_of_ten(WHOLE_DIGITS_MAX))
		refuse_large(amount);
	PG_RETURN_TEXT_P(words_of_currency(minor, currency, language));
}

/* Find the words of a currency; refuse what is no code at all. */
static const CurrencyWords *
find_currency(const char *code)
{
	if (strlen(code) != 3 || strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a currency", finance_shown(code, strlen(code))),
				 errhint("A currency is three capital letters, as in ISO 4217.")));
	return finance_currency_words(code);
}

/* Write an amount in minor units out. */
static text *
words_of_currency(int128 minor, const CurrencyWords *currency, Language language)
{
	int64		unit = (int64) finance_power_of_ten(currency->exponent);
	int128		magnitude = minor < 0 ? -minor : minor;
	int64		whole = (int64) (magnitude / unit);
	int			fraction = (int) (magnitude % unit);
	StringInfoData words;

	initStringInfo(&words);
	if (minor < 0)
		append_word(&words, finance_number_words[language].minus);
	append_number(&words, whole, currency->feminine, language);
	append_word(&words, noun_form(currency->unit[language], whole, language));
	if (currency->exponent > 0)
	{
		if (language == LANGUAGE_EN)
			append_word(&words, "and");
		appendStringInfo(&words, " %0*d", currency->exponent, fraction);
		append_word(&words, noun_form(currency->subunit[language], fraction, language));
	}
	return words_to_text(&words);
}

/*
 * Write an amount in digits with its code.  What the currency's subunit is
 * called is not known here, nor how many decimals it has: a whole amount stays
 * whole, others keep the decimals they have, two at least.
 */
static text *
digits_and_code(Numeric amount, const char *code, Language language)
{
	char	   *digits = numeric_normalize(amount);
	const char *at = digits;
	const char *point;
	int			nwhole;
	StringInfoData words;

	initStringInfo(&words);
	if (*at == '-')
	{
		append_word(&words, finance_number_words[language].minus);
		appendStringInfoChar(&words, ' ');
		at++;
	}
	point = strchr(at, '.');
	nwhole = point != NULL ? point - at : strlen(at);
	if (nwhole > WHOLE_DIGITS_MAX)
		refuse_large(amount);

	for (int i = 0; i < nwhole; i++)
	{
		if (i > 0 && (nwhole - i) % 3 == 0)
			appendStringInfoString(&words, language == LANGUAGE_EN ? "," : "\u00a0");
		appendStringInfoChar(&words, at[i]);
	}
	if (point != NULL)
		appendStringInfo(&words, "%s%s%s", language == LANGUAGE_EN ? "." : ",", point + 1,
						 strlen(point) == 2 ? "0" : "");
	append_word(&words, code);
	return words_to_text(&words);
}

/* Refuse an amount for which there are no words. */
static void
refuse_large(Numeric amount)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("%s is too large to be written out", numeric_normalize(amount)),
			 errhint("Amounts in words go up to %d digits before the decimals.",
					 WHOLE_DIGITS_MAX)));
}

/* Append a whole number, group by group of three digits. */
static void
append_number(StringInfo words, int64 number, bool feminine, Language language)
{
	int64		power_value = (int64) finance_power_of_ten(WHOLE_DIGITS_MAX - 3);

	if (number == 0)
		append_word(words, finance_number_words[language].small[0]);
	for (int power = POWERS; power >= 0; power--, power_value /= GROUP)
	{
		int			group = (int) (number / power_value % GROUP);

		if (group == 0)
			continue;
		append_group(words, group, power == 0 ? feminine : power == 1, language);
		if (power > 0)
			append_word(words, noun_form(finance_number_words[language].powers[power - 1], group, language));
	}
}

/* Append a number from 1 to 999. */
static void
append_group(StringInfo words, int number, bool feminine, Language language)
{
	const NumberWords *lexicon = &finance_number_words[language];

	if (number >= 100)
		append_word(words, lexicon->hundreds[number / 100]);
	number %= 100;

	if (number >= 20)
	{
		append_word(words, lexicon->tens[number / 10]);
		number %= 10;
		if (language == LANGUAGE_EN && number > 0)
		{
			appendStringInfo(words, "-%s", lexicon->small[number]);
			return;
		}
	}
	if (number > 0)
		append_word(words, feminine && number <= 2 ?
					lexicon->feminine[number] : lexicon->small[number]);
}

/* Append a word with a space before it, but for the first. */
static void
append_word(StringInfo words, const char *word)
{
	if (words->len > 0)
		appendStringInfoChar(words, ' ');
	appendStringInfoString(words, word);
}

/* The form of a noun that stands after a number. */
static const char *
noun_form(const Noun noun, int64 number, Language language)
{
	int			last_two = (int) (number % 100);
	int			last = last_two % 10;

	if (language == LANGUAGE_EN)
		return noun[number == 1 ? 0 : 1];
	if (last_two >= 11 && last_two <= 14)
		return noun[2];
	return noun[last == 1 ? 0 : last >= 2 && last <= 4 ? 1 : 2];
}

/*
 * Turn the first letter into a capital.  Our words begin with a basic Latin or
 * Cyrillic letter, so this needs no locale.
 */
static void
capitalise(char *words)
{
	unsigned char *letter = (unsigned char *) words;

	if (letter[0] < 0x80)
		letter[0] = (unsigned char) toupper(letter[0]);
	else if (letter[0] == 0xD0 && letter[1] >= 0xB0)	/* а to п */
		letter[1] -= 0x20;
	else if (letter[0] == 0xD1 && letter[1] <= 0x8F)	/* р to я */
	{
		letter[0] = 0xD0;
		letter[1] += 0x20;
	}
}

/* Give the words back in the encoding of the database, with a capital. */
static text *
words_to_text(const StringInfo words)
{
	capitalise(words->data);
	return cstring_to_text(pg_any_to_server(words->data, words->len, PG_UTF8));
}
