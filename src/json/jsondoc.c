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

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "jsondoc.h"

#define VALUE_BYTES_MAX 60		/* of a value that a message shows */

static void append_place(StringInfo place, const JsonNode *node);

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
	root->hint = NULL;
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
	child->hint = NULL;
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
		finance_json_refuse(child, "must be an object, not %s", finance_json_text(child));
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
		finance_json_refuse(child, "must be an array, not %s", finance_json_text(child));
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
	child->hint = NULL;
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
		finance_json_refuse(child, "must be an object, not %s", finance_json_text(child));
}

/* Take the element of an array at an index from 0, which must be an array; counts it. */
int
finance_json_element_array(const JsonNode *array, int index, JsonNode *child)
{
	finance_json_element(array, index, child);
	if (child->value.type != jbvBinary ||
		!JsonContainerIsArray(child->value.val.binary.data))
		finance_json_refuse(child, "must be an array, not %s", finance_json_text(child));
	return JsonContainerSize(child->value.val.binary.data);
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

/* Step to the next pair; false at the end. */
bool
finance_json_next(JsonbIterator **iterator, const JsonNode *object, JsonNode *child)
{
	JsonbValue	key;

	if (JsonbIteratorNext(iterator, &key, true) != WJB_KEY)
		return false;
	child->parent = object;
	finance_limit_check_at(LIMIT_NAME_BYTES, key.val.string.len, finance_json_place(object));
	child->key = pnstrdup(key.val.string.val, key.val.string.len);
	child->index = 0;
	child->use = object->use;
	child->hint = NULL;
	(void) JsonbIteratorNext(iterator, &child->value, true);
	return true;
}

/* Step to the next pair, whose value must be an object; false at the end. */
bool
finance_json_next_object(JsonbIterator **iterator, const JsonNode *object, JsonNode *child)
{
	if (!finance_json_next(iterator, object, child))
		return false;
	if (child->value.type != jbvBinary ||
		!JsonContainerIsObject(child->value.val.binary.data))
		finance_json_refuse(child, "must be an object, not %s", finance_json_text(child));
	return true;
}

/* Refuse more of something at a node than there may be. */
void
finance_json_check(const JsonNode *node, LimitKind kind, int64 count)
{
	finance_limit_check_at(kind, count, finance_json_place(node));
}

/* Refuse a document for a key that it must have. */
void
finance_json_missing(const JsonNode *object, const char *key)
{
	JsonNode	child = {.parent = object,.key = key};

	finance_json_refuse(&child, "is missing");
}

/* Refuse a document for what is wrong with a node (22023), with the hint that is nearest to it. */
void
finance_json_refuse(const JsonNode *node, const char *format,...)
{
	const JsonNode *hinted = node;
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
	while (hinted != NULL && hinted->hint == NULL)
		hinted = hinted->parent;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_internal("%s", message.data),
			 hinted != NULL ? errhint("%s", hinted->hint) : 0));
}

/* Say what a node is, for a message: scalars by value, the rest by type. */
const char *
finance_json_text(const JsonNode *node)
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
char *
finance_json_place(const JsonNode *node)
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
		appendStringInfo(place, "%s%s", node->parent != NULL ? "." : "",
						 finance_shown(node->key, strlen(node->key)));
	if (node->index > 0)
		appendStringInfo(place, "[%d]", node->index);
}
