/*
 * value.c
 *		Reading the values of a jsonb document: numbers, words, dates, instants.
 *
 * A key that is absent and a key that is null mean the same: not given.
 */
#include "finance.h"

#include "miscadmin.h"

#include "choice.h"
#include "fixed.h"
#include "iso.h"
#include "jsondoc.h"

static int	compare_int64(const void *a, const void *b);

/* Read a node as a whole number within bounds. */
int64
finance_json_as_int64(const JsonNode *node, int64 minimum, int64 maximum)
{
	int128		value;

	if (node->value.type != jbvNumeric)
		finance_json_refuse(node, "must be a whole number, not %s", finance_json_text(node));
	if (!finance_fixed_read(node->value.val.numeric, 0, &value))
		finance_json_refuse(node, "must be a whole number, not %s", finance_json_text(node));
	if (value < minimum || value > maximum)
		finance_json_refuse(node, "must be from " INT64_FORMAT " to " INT64_FORMAT ", not %s",
							minimum, maximum, finance_json_text(node));
	return (int64) value;
}

/* Read a node as a string. */
const char *
finance_json_as_string(const JsonNode *node)
{
	if (node->value.type != jbvString)
		finance_json_refuse(node, "must be a string, not %s", finance_json_text(node));
	finance_limit_check_at(LIMIT_NAME_BYTES, node->value.val.string.len, finance_json_place(node));
	return pnstrdup(node->value.val.string.val, node->value.val.string.len);
}

/* Read a node as a date, "2026-01-31". */
DateADT
finance_json_as_date(const JsonNode *node)
{
	DateADT		date;

	if (!finance_read_date(finance_json_as_string(node), &date))
		finance_json_refuse(node, "must be a date like \"2026-01-31\", not %s",
							finance_json_text(node));
	return date;
}

/* Read a whole number within bounds; false, and no change, when not given. */
bool
finance_json_int64(const JsonNode *object, const char *key,
				   int64 minimum, int64 maximum, int64 *value)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	*value = finance_json_as_int64(&node, minimum, maximum);
	return true;
}

/*
 * Read a number into fixed point of a scale, within bounds of that scale, and
 * as the numeric that it is where asked; false, and no change, when not given.
 */
bool
finance_json_fixed(const JsonNode *object, const char *key, int scale,
				   int128 minimum, int128 maximum, int128 *value, Numeric *numeric)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	if (node.value.type != jbvNumeric)
		finance_json_refuse(&node, "must be a number, not %s", finance_json_text(&node));
	if (!finance_fixed_read(node.value.val.numeric, scale, value))
		finance_json_refuse(&node, "must be a number of at most %d decimals, not %s",
							scale, finance_json_text(&node));
	if (*value < minimum || *value > maximum)
		finance_json_refuse(&node, "is out of range: %s", finance_json_text(&node));
	if (numeric != NULL)
		*numeric = node.value.val.numeric;
	return true;
}

/* Read a string; false, and no change, when not given. */
bool
finance_json_string(const JsonNode *object, const char *key, const char **value)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	*value = finance_json_as_string(&node);
	return true;
}

/* Read a word of a closed list as its place in the list; false when not given. */
bool
finance_json_choice(const JsonNode *object, const char *key,
					const char *const *choices, int nchoices, int *value)
{
	JsonNode	node;
	const char *word;
	int			choice;

	if (!finance_json_get(object, key, &node))
		return false;
	word = finance_json_as_string(&node);
	choice = finance_choice_find(word, strlen(word), choices, nchoices);
	if (choice < 0)
		finance_choice_refuse(word, strlen(word), choices, nchoices, finance_json_place(&node));
	*value = choice;
	return true;
}

/* Read true or false; false, and no change, when not given. */
bool
finance_json_bool(const JsonNode *object, const char *key, bool *value)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	if (node.value.type != jbvBool)
		finance_json_refuse(&node, "must be true or false, not %s", finance_json_text(&node));
	*value = node.value.val.boolean;
	return true;
}

/* Read a date, "2026-01-31"; false, and no change, when not given. */
bool
finance_json_date(const JsonNode *object, const char *key, DateADT *value)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	*value = finance_json_as_date(&node);
	return true;
}

/*
 * Read an instant, "2026-01-31T09:00:00+02:00"; the offset is required, since
 * an instant must not depend on the session's zone.  False, and no change,
 * when not given.
 */
bool
finance_json_instant(const JsonNode *object, const char *key, TimestampTz *value)
{
	JsonNode	node;
	const char *text;

	if (!finance_json_get(object, key, &node))
		return false;
	text = finance_json_as_string(&node);
	if (strcmp(text, "infinity") == 0)
		*value = DT_NOEND;
	else if (strcmp(text, "-infinity") == 0)
		*value = DT_NOBEGIN;
	else if (!finance_read_instant(text, value))
		finance_json_refuse(&node, "must be an instant with its offset like "
							"\"2026-01-31T09:00:00+02:00\", not %s", finance_json_text(&node));
	return true;
}

/*
 * Read an array of whole numbers as a set, which is in order, so that it can
 * be searched; false, and no change, when not given.
 */
bool
finance_json_int64_set(const JsonNode *object, const char *key, LimitKind kind,
					   int64 **values, int *nvalues)
{
	JsonNode	array;
	int			n = finance_json_get_array(object, key, kind, &array);

	if (n < 0)
		return false;
	*values = palloc(sizeof(int64) * Max(n, 1));
	*nvalues = n;
	for (int i = 0; i < n; i++)
	{
		JsonNode	node;

		CHECK_FOR_INTERRUPTS();
		finance_json_element(&array, i, &node);
		(*values)[i] = finance_json_as_int64(&node, PG_INT64_MIN, PG_INT64_MAX);
	}
	qsort(*values, n, sizeof(int64), compare_int64);
	return true;
}

/* Order whole numbers. */
static int
compare_int64(const void *a, const void *b)
{
	int64		left = *(const int64 *) a;
	int64		right = *(const int64 *) b;

	CHECK_FOR_INTERRUPTS();
	return left < right ? -1 : left > right;
}
