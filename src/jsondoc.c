/*
 * jsondoc.c
 *		Reading a jsonb document key by key, with errors that name the place.
 *
 * A document that someone wrote is refused whole, and the message says which
 * key is wrong: "terms[1].contracts[2].bands must be an array, not a string".
 * A key that is absent and a key that is null mean the same: not given.
 * Dates and instants are read in ISO 8601 only and without the session's
 * settings, so that functions over documents can be immutable.
 */
#include "finance.h"

#include "fixed.h"
#include "iso.h"
#include "jsondoc.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define VALUE_BYTES_MAX 60		/* of a value that a message shows */

static const char *value_text(const JsonNode *node);
static char *place_text(const JsonNode *node);
static void append_place(StringInfo place, const JsonNode *node);
static int	compare_int64(const void *a, const void *b);

/*
 * Stand at the top of a document, which must be an object; what its arrays
 * hold is counted in `use`, against the limits of a call.
 */
void
finance_json_root(const char *name, int index, Jsonb *document, LimitUse *use,
				  JsonNode *root)
{
	root->parent = NULL;
	root->key = name;
	root->index = index;
	root->use = use;
	root->value.type = jbvBinary;
	root->value.val.binary.data = &document->root;
	root->value.val.binary.len = VARSIZE(document) - VARHDRSZ;
	if (!JsonContainerIsObject(&document->root))
		finance_json_refuse(root, "must be an object");
}

/* Find a key of an object; false when it is absent or null. */
bool
finance_json_get(const JsonNode *object, const char *key, JsonNode *child)
{
	child->parent = object;
	child->key = key;
	child->index = 0;
	child->use = object->use;
	return getKeyJsonValueFromContainer(object->value.val.binary.data, key,
										strlen(key), &child->value) != NULL &&
		child->value.type != jbvNull;
}

/* Find a key whose value must be an object. */
bool
finance_json_get_object(const JsonNode *object, const char *key, JsonNode *child)
{
	if (!finance_json_get(object, key, child))
		return false;
	if (child->value.type != jbvBinary ||
		!JsonContainerIsObject(child->value.val.binary.data))
		finance_json_refuse(child, "must be an object, not %s", value_text(child));
	return true;
}

/*
 * Find a key whose value must be an array, and count it, also against the
 * limit of its kind; -1 when not given.
 */
int
finance_json_get_array(const JsonNode *object, const char *key, LimitKind kind,
					   JsonNode *child)
{
	if (!finance_json_get(object, key, child))
		return -1;
	if (child->value.type != jbvBinary ||
		!JsonContainerIsArray(child->value.val.binary.data))
		finance_json_refuse(child, "must be an array, not %s", value_text(child));
	child->use->taken[kind] += JsonContainerSize(child->value.val.binary.data);
	finance_json_check(child, kind, child->use->taken[kind]);
	return JsonContainerSize(child->value.val.binary.data);
}

/* Take the element of an array at an index from 0. */
void
finance_json_element(const JsonNode *array, int index, JsonNode *child)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array->value.val.binary.data, index);

	child->parent = array;
	child->key = NULL;
	child->index = index + 1;
	child->use = array->use;
	child->value = *value;
	pfree(value);
}

/* Take the element of an array at an index from 0, which must be an object. */
void
finance_json_element_object(const JsonNode *array, int index, JsonNode *child)
{
	finance_json_element(array, index, child);
	if (child->value.type != jbvBinary ||
		!JsonContainerIsObject(child->value.val.binary.data))
		finance_json_refuse(child, "must be an object, not %s", value_text(child));
}

/* Begin to walk the pairs of an object. */
JsonbIterator *
finance_json_iterate(const JsonNode *object)
{
	JsonbIterator *iterator = JsonbIteratorInit(object->value.val.binary.data);
	JsonbValue	value;

	(void) JsonbIteratorNext(&iterator, &value, true);	/* WJB_BEGIN_OBJECT */
	return iterator;
}

/* Step to the next pair, whose value must be an object; false at the end. */
bool
finance_json_next_object(JsonbIterator **iterator, const JsonNode *object, JsonNode *child)
{
	JsonbValue	key;

	if (JsonbIteratorNext(iterator, &key, true) != WJB_KEY)
		return false;
	child->parent = object;
	finance_limit_check_at(LIMIT_NAME_BYTES, key.val.string.len, place_text(object));
	child->key = pnstrdup(key.val.string.val, key.val.string.len);
	child->index = 0;
	child->use = object->use;
	(void) JsonbIteratorNext(iterator, &child->value, true);
	if (child->value.type != jbvBinary ||
		!JsonContainerIsObject(child->value.val.binary.data))
		finance_json_refuse(child, "must be an object, not %s", value_text(child));
	return true;
}

/* Read a node as a whole number within bounds. */
int64
finance_json_as_int64(const JsonNode *node, int64 minimum, int64 maximum)
{
	int128		value;

	if (node->value.type != jbvNumeric)
		finance_json_refuse(node, "must be a whole number, not %s", value_text(node));
	if (!finance_fixed_read(node->value.val.numeric, 0, &value))
		finance_json_refuse(node, "must be a whole number, not %s", value_text(node));
	if (value < minimum || value > maximum)
		finance_json_refuse(node, "must be from " INT64_FORMAT " to " INT64_FORMAT ", not %s",
							minimum, maximum, value_text(node));
	return (int64) value;
}

/* Read a node as a string. */
const char *
finance_json_as_string(const JsonNode *node)
{
	if (node->value.type != jbvString)
		finance_json_refuse(node, "must be a string, not %s", value_text(node));
	finance_limit_check_at(LIMIT_NAME_BYTES, node->value.val.string.len, place_text(node));
	return pnstrdup(node->value.val.string.val, node->value.val.string.len);
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
		finance_json_refuse(&node, "must be a number, not %s", value_text(&node));
	if (!finance_fixed_read(node.value.val.numeric, scale, value))
		finance_json_refuse(&node, "must be a number of at most %d decimals, not %s",
							scale, value_text(&node));
	if (*value < minimum || *value > maximum)
		finance_json_refuse(&node, "is out of range: %s", value_text(&node));
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
	StringInfoData list;

	if (!finance_json_get(object, key, &node))
		return false;
	word = finance_json_as_string(&node);
	for (int i = 0; i < nchoices; i++)
	{
		if (strcmp(word, choices[i]) == 0)
		{
			*value = i;
			return true;
		}
	}
	initStringInfo(&list);
	for (int i = 0; i < nchoices; i++)
		appendStringInfo(&list, "%s%s", i == 0 ? "" : i == nchoices - 1 ? " or " : ", ",
						 choices[i]);
	finance_json_refuse(&node, "must be %s, not %s", list.data, value_text(&node));
}

/* Read a date, "2026-01-31"; false, and no change, when not given. */
bool
finance_json_date(const JsonNode *object, const char *key, DateADT *value)
{
	JsonNode	node;

	if (!finance_json_get(object, key, &node))
		return false;
	if (!finance_read_date(finance_json_as_string(&node), value))
		finance_json_refuse(&node, "must be a date like \"2026-01-31\", not %s",
							value_text(&node));
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
							"\"2026-01-31T09:00:00+02:00\", not %s", value_text(&node));
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

/* Refuse more of something at a node than there may be. */
void
finance_json_check(const JsonNode *node, LimitKind kind, int64 count)
{
	finance_limit_check_at(kind, count, place_text(node));
}

/* Refuse a document for a key that it must have. */
void
finance_json_missing(const JsonNode *object, const char *key)
{
	JsonNode	child = {.parent = object,.key = key};

	finance_json_refuse(&child, "is missing");
}

/* Refuse a document for what is wrong with a node. */
void
finance_json_refuse(const JsonNode *node, const char *format,...)
{
	StringInfoData message;
	int			needed;

	initStringInfo(&message);
	append_place(&message, node);
	appendStringInfoChar(&message, ' ');
	for (;;)
	{
		va_list		args;

		va_start(args, format);
		needed = appendStringInfoVA(&message, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&message, needed);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_internal("%s", message.data)));
}

/* Say what a node is, for a message: scalars by value, the rest by type. */
static const char *
value_text(const JsonNode *node)
{
	const JsonbValue *value = &node->value;
	const char *text;
	int			length;

	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
			return strlen(text) <= VALUE_BYTES_MAX ? text :
				psprintf("%.*s...", VALUE_BYTES_MAX, text);
		case jbvString:
			length = pg_mbcliplen(value->val.string.val, value->val.string.len, VALUE_BYTES_MAX);
			return psprintf("\"%.*s%s\"", length, value->val.string.val,
							length < value->val.string.len ? "..." : "");
		default:
			return JsonContainerIsArray(value->val.binary.data) ? "an array" : "an object";
	}
}

/* Write the way to a node for the message of a limit. */
static char *
place_text(const JsonNode *node)
{
	StringInfoData place;

	initStringInfo(&place);
	append_place(&place, node);
	return place.data;
}

/* Write the way to a node: terms[1].contracts[2].bands */
static void
append_place(StringInfo place, const JsonNode *node)
{
	if (node->parent != NULL)
		append_place(place, node->parent);
	if (node->key != NULL)
		appendStringInfo(place, "%s%s", node->parent != NULL ? "." : "", node->key);
	if (node->index > 0)
		appendStringInfo(place, "[%d]", node->index);
}
