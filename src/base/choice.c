/*
 * choice.c
 *		Words from a closed list: modes, rules, units.
 *
 * Callers pass them as text, since an enum of the extension could not be a
 * column of the books.  Every such word is read here, so that each is refused
 * in the same way.
 */
#include "choice.h"

#include "limit.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

/* Find the word in the list and return its place; refuse one that is not there. */
int
finance_choice(const text *word, const char *const *choices, int nchoices,
			   const char *what)
{
	const char *letters = VARDATA_ANY(word);
	size_t		length = VARSIZE_ANY_EXHDR(word);
	StringInfoData list;

	for (int i = 0; i < nchoices; i++)
	{
		if (strlen(choices[i]) == length && memcmp(choices[i], letters, length) == 0)
			return i;
	}

	initStringInfo(&list);
	for (int i = 0; i < nchoices; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : ", ", choices[i]);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a %s", finance_shown(letters, length), what),
			 errhint("Choose one of: %s.", list.data)));
}
