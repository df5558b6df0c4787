/*
 * choice.c
 *		Words from a closed list: modes, rules, units.
 *
 * Callers pass them as text or in a document, since an enum of the extension
 * could not be a column of the books.  Every such word is read here, so that
 * each is refused in the same way.
 */
#include "choice.h"

#include "limit.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* Write the words of a list: "up, down or nearest". */
static char *
list_choices(const char *const *choices, int nchoices)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < nchoices; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : i == nchoices - 1 ? " or " : ", ",
						 choices[i]);
	return list.data;
}

/* Find a word in the list and return its place; -1 when it is not there. */
int
finance_choice_find(const char *letters, Size length, const char *const *choices, int nchoices)
{
	for (int i = 0; i < nchoices; i++)
	{
		if (strlen(choices[i]) == length && memcmp(choices[i], letters, length) == 0)
			return i;
	}
	return -1;
}

/* Refuse (22023) a word that is not in the list, saying what it must be. */
void
finance_choice_refuse(const char *letters, Size length, const char *const *choices,
					  int nchoices, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be %s, not \"%s\"", what, list_choices(choices, nchoices),
					finance_shown(letters, length))));
}

/* Find the word of an argument in the list and return its place, or refuse it. */
int
finance_choice(const text *word, const char *const *choices, int nchoices,
			   const char *what)
{
	int			place = finance_choice_find(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word),
											choices, nchoices);

	if (place < 0)
		finance_choice_refuse(VARDATA_ANY(word), VARSIZE_ANY_EXHDR(word), choices, nchoices, what);
	return place;
}
