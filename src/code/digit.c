/*
 * digit.c
 *		Check digits of codes.
 *
 * Nearly all of them are a sum of digits times weights by modulus 11; the
 * weights stand in one table.
 */
#include "finance.h"

#include "digit.h"
#include "pattern.h"

static const char wrong_digit[] = "has a wrong check digit";
static const char not_issued[] = "is a number that is never issued";

static const int weights_edrpou[] = {1, 2, 3, 4, 5, 6, 7};
static const int weights_edrpou_middle[] = {7, 1, 2, 3, 4, 5, 6};
static const int weights_rnokpp[] = {-1, 5, 7, 9, 4, 6, 10, 5, 7};
static const int weights_inn_company[] = {2, 4, 10, 3, 5, 9, 4, 6, 8};
static const int weights_inn_person[] = {7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
static const int weights_inn_last[] = {3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8};
static const int weights_nip[] = {6, 5, 7, 2, 3, 4, 5, 6, 7};
static const int weights_unp[] = {29, 23, 19, 17, 13, 7, 5, 3};
static const int weights_bin[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static const int weights_bin_again[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2};

/* The value of a digit, or of a letter: A is 10. */
static int
sign_value(char sign)
{
	return sign <= '9' ? sign - '0' : sign - 'A' + 10;
}

/* The sum of the first signs of a code, each times its weight and a raise of all of them. */
static int
weighted_sum(const char *code, const int *weights, int count, int raise)
{
	int			sum = 0;

	for (int i = 0; i < count; i++)
		sum += sign_value(code[i]) * (weights[i] + raise);
	return sum;
}

#define WEIGHTED(code, weights, raise) weighted_sum(code, weights, lengthof(weights), raise)

/* A code that is known by its digit. */
static const char *
expect(char sign, int digit)
{
	return sign - '0' == digit ? NULL : wrong_digit;
}

const char *
finance_digit_edrpou(const char *code, const char *context)
{
	int			number = atoi(code);
	const int  *weights = number > 30000000 && number < 60000000 ? weights_edrpou_middle : weights_edrpou;
	int			digit = weighted_sum(code, weights, lengthof(weights_edrpou), 0) % 11;

	if (digit == 10)
		digit = weighted_sum(code, weights, lengthof(weights_edrpou), 2) % 11;
	return expect(code[7], digit % 10);
}

const char *
finance_digit_rnokpp(const char *code, const char *context)
{
	int			sum = WEIGHTED(code, weights_rnokpp, 0);

	return expect(code[9], (sum % 11 + 11) % 11 % 10);
}

/* A person's is the number of his card; a company's own check is not published. */
const char *
finance_digit_ipn(const char *code, const char *context)
{
	return strlen(code) == 10 ? finance_digit_rnokpp(code, context) : NULL;
}

const char *
finance_digit_inn(const char *code, const char *context)
{
	if (strlen(code) == 10)
		return expect(code[9], WEIGHTED(code, weights_inn_company, 0) % 11 % 10);
	if (expect(code[10], WEIGHTED(code, weights_inn_person, 0) % 11 % 10) != NULL)
		return wrong_digit;
	return expect(code[11], WEIGHTED(code, weights_inn_last, 0) % 11 % 10);
}

const char *
finance_digit_ogrn(const char *code, const char *context)
{
	int			length = strlen(code);
	int64		number = strtoll(code, NULL, 10) / 10;

	return expect(code[length - 1], number % (length == 13 ? 11 : 13) % 10);
}

/* The key of an account: three digits of its bank before it, weights 7, 1, 3. */
static bool
has_key(const char *bank, const char *account)
{
	static const int weights[] = {7, 1, 3};
	int			sum = 0;

	for (int i = 0; i < 23; i++)
		sum += sign_value(i < 3 ? bank[i] : account[i - 3]) * weights[i % 3] % 10;
	return sum % 10 == 0;
}

const char *
finance_digit_correspondent(const char *code, const char *context)
{
	char		bank[3] = {'0'};

	if (context == NULL || !finance_pattern_fits("n9", context))
		return NULL;
	memcpy(bank + 1, context + 4, 2);
	return has_key(bank, code) ? NULL : "does not belong to its BIK";
}

/* At an office of the central bank (000 to 002) accounts have keys like correspondent ones. */
const char *
finance_digit_account(const char *code, const char *context)
{
	if (context == NULL || !finance_pattern_fits("n9", context) || has_key(context + 6, code))
		return NULL;
	if (strncmp(context + 6, "003", 3) < 0)
		return finance_digit_correspondent(code, context);
	return "does not belong to its BIK";
}

/* A person's second letter counts by its place in the list of letters. */
const char *
finance_digit_unp(const char *code, const char *context)
{
	static const char persons[] = "ABCEHKMOPT";
	char		signs[10];
	int			digit;

	strlcpy(signs, code, sizeof(signs));
	if (signs[1] > '9')
		signs[1] = '0' + (strchr(persons, signs[1]) - persons);
	else if (signs[0] < '1' || signs[0] > '8')
		return "begins with a digit other than 1 to 8";
	digit = WEIGHTED(signs, weights_unp, 0) % 11;
	return digit == 10 ? not_issued : expect(signs[8], digit);
}

const char *
finance_digit_bin(const char *code, const char *context)
{
	int			digit = WEIGHTED(code, weights_bin, 0) % 11;

	if (digit == 10)
		digit = WEIGHTED(code, weights_bin_again, 0) % 11;
	return digit == 10 ? not_issued : expect(code[11], digit);
}

/* Kept to in Poland alone, where the number is used inside the country too. */
const char *
finance_digit_eu_vat(const char *code, const char *context)
{
	int			digit;

	if (strncmp(code, "PL", 2) != 0)
		return NULL;
	digit = WEIGHTED(code + 2, weights_nip, 0) % 11;
	return digit == 10 ? not_issued : expect(code[11], digit);
}

/* Residency, 1 or 2, and sector. */
const char *
finance_digit_kbe(const char *code, const char *context)
{
	return code[0] == '1' || code[0] == '2' ? NULL : "begins with a digit other than 1 and 2";
}

/* ISO 7064: the first four signs moved to the end, modulus 97 is 1. */
const char *
finance_digit_iban(const char *code, const char *context)
{
	int			length = strlen(code);
	int			rest = 0;

	for (int i = 0; i < length; i++)
	{
		int			value = sign_value(code[(i + 4) % length]);

		rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
	}
	return rest == 1 ? NULL : "has wrong check digits";
}
