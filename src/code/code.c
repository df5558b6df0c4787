/*
 * code.c
 *		Codes of companies, people, banks and accounts: is one written as it must
 *		be, and does its check digit fit?
 *
 * A new kind is a row of code_kinds.  What is right by its digits may still be
 * nobody's: registers are asked elsewhere.
 */
#include "finance.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "choice.h"
#include "digit.h"
#include "pattern.h"

#define CODE_BYTES_MAX 100		/* longer ones are no codes */

typedef enum CodeRule
{
	RULE_DIGITS,				/* a pattern and a check digit */
	RULE_IBAN,
	RULE_EU_VAT
} CodeRule;

typedef struct CodeKind
{
	const char *name;
	CodeRule	rule;
	const char *pattern;
	DigitFault	fault;
	bool		latin;			/* may come with Cyrillic letters that look Latin */
} CodeKind;

static const CodeKind code_kinds[] = {
	{"edrpou", RULE_DIGITS, "n8", finance_digit_edrpou, false},
	{"rnokpp", RULE_DIGITS, "n10", finance_digit_rnokpp, false},
	{"ipn", RULE_DIGITS, "n12|n10", finance_digit_ipn, false},
	{"inn_company", RULE_DIGITS, "n10", finance_digit_inn, false},
	{"inn_person", RULE_DIGITS, "n12", finance_digit_inn, false},
	{"kpp", RULE_DIGITS, "n4c2n3", NULL, false},
	{"ogrn", RULE_DIGITS, "n13", finance_digit_ogrn, false},
	{"ogrnip", RULE_DIGITS, "n15", finance_digit_ogrn, false},
	{"bik", RULE_DIGITS, "n9", NULL, false},
	{"ru_account", RULE_DIGITS, "n20", finance_digit_account, false},
	{"ru_correspondent", RULE_DIGITS, "n20", finance_digit_correspondent, false},
	{"unp", RULE_DIGITS, "n9|p2n7", finance_digit_unp, true},
	{"bin", RULE_DIGITS, "n12", finance_digit_bin, false},
	{"iin", RULE_DIGITS, "n12", finance_digit_bin, false},
	{"kbe", RULE_DIGITS, "n2", finance_digit_kbe, false},
	{"knp", RULE_DIGITS, "n3", NULL, false},
	{"bic", RULE_DIGITS, "a6c2|a6c5", NULL, false},
	{"iban", RULE_IBAN, NULL, finance_digit_iban, true},
	{"eu_vat", RULE_EU_VAT, NULL, finance_digit_eu_vat, false},
};

/* What a country, or a prefix of VAT, has after its two letters. */
typedef struct CountryPattern
{
	const char *country;
	const char *pattern;
} CountryPattern;

static const CountryPattern iban_patterns[] = {
	{"AT", "c18"}, {"BE", "c14"}, {"BG", "c20"}, {"BY", "n2c4n4c16"}, {"CH", "c19"}, {"CY", "c26"}, {"CZ", "c22"},
	{"DE", "n20"}, {"DK", "c16"}, {"EE", "n18"}, {"ES", "c22"}, {"FI", "c16"}, {"FR", "c25"}, {"GB", "c20"},
	{"GE", "c20"}, {"GR", "c25"}, {"HR", "c19"}, {"HU", "c26"}, {"IE", "c20"}, {"IT", "c25"}, {"KZ", "n5c13"},
	{"LT", "n18"}, {"LU", "c18"}, {"LV", "c19"}, {"MT", "c29"}, {"NL", "c16"}, {"PL", "n26"}, {"PT", "c23"},
	{"RO", "c22"}, {"SE", "c22"}, {"SI", "c17"}, {"SK", "c22"}, {"UA", "n8c19"},
};

static const CountryPattern vat_patterns[] = {
	{"AT", "Un8"}, {"BE", "bn9"}, {"BG", "n9|n10"}, {"CY", "n8a"}, {"CZ", "n8|n9|n10"}, {"DE", "n9"}, {"DK", "n8"},
	{"EE", "n9"}, {"EL", "n9"}, {"ES", "an7c|n8a"}, {"FI", "n8"}, {"FR", "c2n9"}, {"HR", "n11"}, {"HU", "n8"},
	{"IE", "n7a|n7a2|nan5a"}, {"IT", "n11"}, {"LT", "n9|n12"}, {"LU", "n8"}, {"LV", "n11"}, {"MT", "n8"},
	{"NL", "n9Bn2"}, {"PL", "n10"}, {"PT", "n9"}, {"RO", "n2|n3|n4|n5|n6|n7|n8|n9|n10"}, {"SE", "n12"},
	{"SI", "n8"}, {"SK", "n10"}, {"XI", "n9|n12"},
};

/* Signs of more than one byte that codes come with, in UTF-8: dropped where there is no Latin one. */
static const struct
{
	const char *written;
	const char *latin;
}			other_signs[] = {
	{"\xC2\xA0", NULL}, {"\xE2\x80\x89", NULL}, {"\xE2\x80\x8B", NULL}, {"\xE2\x80\xAF", NULL},
	{"\xEF\xBB\xBF", NULL},
	{"\xE2\x80\x90", NULL}, {"\xE2\x80\x91", NULL}, {"\xE2\x80\x92", NULL}, {"\xE2\x80\x93", NULL},
	{"\xE2\x80\x94", NULL}, {"\xE2\x88\x92", NULL},
	{"А", "A"}, {"В", "B"}, {"Е", "E"}, {"К", "K"}, {"М", "M"}, {"Н", "H"}, {"О", "O"}, {"Р", "P"}, {"С", "C"},
	{"Т", "T"}, {"а", "A"}, {"в", "B"}, {"е", "E"}, {"к", "K"}, {"м", "M"}, {"н", "H"}, {"о", "O"}, {"р", "P"},
	{"с", "C"}, {"т", "T"},
};

PG_FUNCTION_INFO_V1(finance_check_code);
PG_FUNCTION_INFO_V1(finance_plain_code);

static const CodeKind *
kind_of(const text *word)
{
	const char *names[lengthof(code_kinds)];

	for (int i = 0; i < lengthof(code_kinds); i++)
		names[i] = code_kinds[i].name;
	return &code_kinds[finance_choice(word, names, lengthof(code_kinds), "kind of code")];
}

/* A sign of more than one byte at the head of what is written; false where it is none of those. */
static bool
take_other_sign(const char **written, const char *end, bool latin, StringInfo code)
{
	for (int i = 0; i < lengthof(other_signs); i++)
	{
		int			length = strlen(other_signs[i].written);

		if (length <= end - *written && memcmp(*written, other_signs[i].written, length) == 0 &&
			(latin || other_signs[i].latin == NULL))
		{
			if (other_signs[i].latin != NULL)
				appendStringInfoString(code, other_signs[i].latin);
			*written += length;
			return true;
		}
	}
	return false;
}

/* A code without what people put between its signs, in capitals. */
static char *
plain_code(const text *value, bool latin)
{
	const char *written = VARDATA_ANY(value);
	const char *end = written + VARSIZE_ANY_EXHDR(value);
	StringInfoData code;

	initStringInfo(&code);
	while (written < end)
	{
		if (strchr(" \t\r\n-", *written) != NULL)
			written++;
		else if ((unsigned char) *written < 0x80)
			appendStringInfoChar(&code, pg_ascii_toupper((unsigned char) *written++));
		else if (!take_other_sign(&written, end, latin, &code))
			appendStringInfoChar(&code, *written++);
	}
	return code.data;
}

/* What the country in front of a code has after it, NULL for one that is not known. */
static const char *
country_pattern(const CountryPattern *patterns, int count, const char *code)
{
	for (int i = 0; i < count; i++)
		if (strncmp(patterns[i].country, code, 2) == 0)
			return patterns[i].pattern;
	return NULL;
}

static const char *
iban_fault(const char *code)
{
	const char *pattern;

	if (!finance_pattern_fits("a2", pnstrdup(code, 2)))
		return "does not begin with a country";
	if (strncmp(code, "RU", 2) == 0)
		return "is of RU, which has no IBAN";
	pattern = country_pattern(iban_patterns, lengthof(iban_patterns), code);
	if (pattern != NULL)
	{
		const char *fault = finance_pattern_fault(pattern, code + 2, " behind its country");

		if (fault != NULL)
			return fault;
	}
	for (const char *sign = code; *sign != '\0'; sign++)
		if (!finance_pattern_fits("c", pnstrdup(sign, 1)))
			return "has signs that it cannot have";
	if (strlen(code) < 15 || strlen(code) > 34)
		return psprintf("has %d signs, not 15 to 34", (int) strlen(code));
	return NULL;
}

/* The context, where there is one, is the prefix of the country of whoever has it. */
static const char *
eu_vat_fault(const char *code, const char *context)
{
	const char *pattern = country_pattern(vat_patterns, lengthof(vat_patterns), code);

	if (pattern == NULL || (context != NULL && strncmp(code, context, 2) != 0))
		return context != NULL ? psprintf("does not begin with %s", context)
			: "does not begin with a prefix of the EU";
	return finance_pattern_fault(pattern, code + 2, " behind its country");
}

/* What is wrong with how a code is written, NULL for nothing. */
static const char *
form_fault(const CodeKind *kind, const char *code, const char *context)
{
	switch (kind->rule)
	{
		case RULE_IBAN:
			return iban_fault(code);
		case RULE_EU_VAT:
			return eu_vat_fault(code, context);
		default:
			return finance_pattern_fault(kind->pattern, code, "");
	}
}

/*
 * check_code(kind text, value text, context text, digits boolean) -> text: what is
 * wrong with a code, NULL where nothing is.
 */
Datum
finance_check_code(PG_FUNCTION_ARGS)
{
	const CodeKind *kind;
	const text *value;
	const char *code;
	const char *context;
	const char *fault;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	kind = kind_of(PG_GETARG_TEXT_PP(0));
	value = PG_GETARG_TEXT_PP(1);
	if (VARSIZE_ANY_EXHDR(value) > CODE_BYTES_MAX)
		PG_RETURN_TEXT_P(cstring_to_text("is too long for a code"));
	code = plain_code(value, kind->latin);
	context = PG_ARGISNULL(2) || VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(2)) > CODE_BYTES_MAX ? NULL
		: plain_code(PG_GETARG_TEXT_PP(2), false);

	fault = form_fault(kind, code, context);
	if (fault == NULL && kind->fault != NULL && (PG_ARGISNULL(3) || PG_GETARG_BOOL(3)))
		fault = code[strspn(code, "0")] == '\0' ? "is a number that is never issued" : kind->fault(code, context);
	if (fault == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(fault));
}

/*
 * plain_code(kind text, value text) -> text: a code as registers have it.
 */
Datum
finance_plain_code(PG_FUNCTION_ARGS)
{
	const CodeKind *kind = kind_of(PG_GETARG_TEXT_PP(0));

	PG_RETURN_TEXT_P(cstring_to_text(plain_code(PG_GETARG_TEXT_PP(1), kind->latin)));
}
