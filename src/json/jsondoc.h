/*
 * jsondoc.h
 *		Reading a jsonb document key by key, with errors that name the place.
 */
#ifndef FINANCE_JSONDOC_H
#define FINANCE_JSONDOC_H

#include "limit.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/*
 * A value and the way to it.  Nodes live on the reader's stack; an error
 * walks up the parents to say "terms[1].contracts[2].bands".  All documents of
 * a call count their rows in one place, so that no reader goes without a limit.
 */
typedef struct JsonNode
{
	const struct JsonNode *parent;	/* NULL for the root */
	const char *key;			/* NULL for an element of an array */
	int			index;			/* of an element, from 1; 0 when there is a key */
	LimitUse   *use;
	const char *hint;			/* the way out of whatever is wrong here or below; may be NULL */
	JsonbValue	value;
} JsonNode;

extern void finance_json_root(const char *name, int index, Jsonb *document, LimitUse *use,
							  JsonNode *root);
extern bool finance_json_get(const JsonNode *object, const char *key, JsonNode *child);
extern bool finance_json_get_object(const JsonNode *object, const char *key, JsonNode *child);
extern int	finance_json_get_array(const JsonNode *object, const char *key, LimitKind kind,
								   JsonNode *child);
extern void finance_json_element(const JsonNode *array, int index, JsonNode *child);
extern void finance_json_element_object(const JsonNode *array, int index, JsonNode *child);
extern int	finance_json_element_array(const JsonNode *array, int index, JsonNode *child);
extern JsonbIterator *finance_json_iterate(const JsonNode *object);
extern bool finance_json_next(JsonbIterator **iterator, const JsonNode *object, JsonNode *child);
extern bool finance_json_next_object(JsonbIterator **iterator, const JsonNode *object,
									 JsonNode *child);

extern const char *finance_json_text(const JsonNode *node);
extern char *finance_json_place(const JsonNode *node);

extern int64 finance_json_as_int64(const JsonNode *node, int64 minimum, int64 maximum);
extern const char *finance_json_as_string(const JsonNode *node);
extern DateADT finance_json_as_date(const JsonNode *node);

extern bool finance_json_int64(const JsonNode *object, const char *key,
							   int64 minimum, int64 maximum, int64 *value);
extern bool finance_json_fixed(const JsonNode *object, const char *key, int scale,
							   int128 minimum, int128 maximum,
							   int128 *value, Numeric *numeric);
extern bool finance_json_string(const JsonNode *object, const char *key, const char **value);
extern bool finance_json_choice(const JsonNode *object, const char *key,
								const char *const *choices, int nchoices, int *value);
extern bool finance_json_bool(const JsonNode *object, const char *key, bool *value);
extern bool finance_json_date(const JsonNode *object, const char *key, DateADT *value);
extern bool finance_json_instant(const JsonNode *object, const char *key, TimestampTz *value);
extern bool finance_json_int64_set(const JsonNode *object, const char *key, LimitKind kind,
								   int64 **values, int *nvalues);

extern void finance_json_check(const JsonNode *node, LimitKind kind, int64 count);
pg_noreturn extern void finance_json_missing(const JsonNode *object, const char *key);
pg_noreturn extern void finance_json_refuse(const JsonNode *node, const char *format,...)
			pg_attribute_printf(2, 3);

#endif							/* FINANCE_JSONDOC_H */
