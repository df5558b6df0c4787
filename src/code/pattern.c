/*
 * pattern.c
 *		How a code is written: which signs, and how many of them.
 */
#include "finance.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "pattern.h"

#define BELARUSIAN_PERSONS "ABCEHKMOPT"

/* Is a sign one of a class? */
static bool
sign_fits(char class, char sign)
{
	bool		is_digit = sign >= '0' && sign <= '9';
	bool		is_letter = sign >= 'A' && sign <= 'Z';

	switch (class)
	{
		case 'n':
			return is_digit;
		case 'a':
			return is_letter;
		case 'c':
			return is_digit || is_letter;
		case 'b':
			return sign == '0' || sign == '1';
		case 'p':
			return sign != '\0' && strchr(BELARUSIAN_PERSONS, sign) != NULL;
		default:
			return sign == class;
	}
}

/* Read the next class of a pattern and how often it comes; false at the end of a way. */
static bool
next_class(const char **pattern, char *class, int *times)
{
	if (**pattern == '\0' || **pattern == '|')
		return false;
	*class = *(*pattern)++;
	*times = isdigit((unsigned char) **pattern) ? 0 : 1;
	while (isdigit((unsigned char) **pattern))
		*times = *times * 10 + (*(*pattern)++ - '0');
	return true;
}

/* How many signs the way of a pattern has that begins here; moves to its end. */
static int
way_length(const char **pattern)
{
	int			length = 0;
	char		class;
	int			times;

	while (next_class(pattern, &class, &times))
		length += times;
	return length;
}

/* Is a code written as one way of a pattern says? */
static bool
way_fits(const char *pattern, const char *code)
{
	char		class;
	int			times;

	while (next_class(&pattern, &class, &times))
		while (times-- > 0)
			if (!sign_fits(class, *code++))
				return false;
	return *code == '\0';
}

/* Is a code written in one of the ways of a pattern? */
bool
finance_pattern_fits(const char *pattern, const char *code)
{
	for (;;)
	{
		const char *end = pattern;

		if (way_length(&end) == strlen(code) && way_fits(pattern, code))
			return true;
		if (*end == '\0')
			return false;
		pattern = end + 1;
	}
}

/*
 * Tell what is wrong with how a code is written, or its part that stands where
 * the words say; NULL for nothing.
 */
char *
finance_pattern_fault(const char *pattern, const char *code, const char *where)
{
	int			length = pg_mbstrlen(code);
	int			last = 0;
	bool		has_length = false;
	StringInfoData lengths;

	if (finance_pattern_fits(pattern, code))
		return NULL;
	initStringInfo(&lengths);
	for (;;)
	{
		int			wanted = way_length(&pattern);

		has_length = has_length || wanted == length;
		if (wanted != last)
			appendStringInfo(&lengths, "%s%d", last > 0 ? " or " : "", wanted);
		last = wanted;
		if (*pattern++ == '\0')
			break;
	}
	return has_length ? pstrdup("has signs that it cannot have")
		: psprintf("has %d signs%s, not %s", length, where, lengths.data);
}
