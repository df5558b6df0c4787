/*
 * rule.c
 *		Refusals that say what is allowed: values and names in their messages.
 *
 * Triggers read the rules of a table (its CHECK constraints in check.c, its
 * foreign keys in key.c) from the catalog, and word what the server would only
 * name.  The constraints stay the single truth: what these triggers do not see
 * the server refuses all the same, with the same SQLSTATE and constraint name.
 */
#include "finance.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "rule.h"

/* A value as text that no setting of the session changes. */
char *
finance_rule_value_text(Oid type, Datum value)
{
	char		buffer[MAXDATELEN + 1];
	char	   *text;
	Oid			output;
	bool		varlena;

	if (type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID)
		return pstrdup(JsonEncodeDateTime(buffer, value, type, NULL));
	if (type == NUMERICOID)
		value = DirectFunctionCall1(numeric_trim_scale, value);
	getTypeOutputInfo(type, &output, &varlena);
	text = OidOutputFunctionCall(output, value);
	if (strlen(text) > RULE_VALUE_BYTES)
	{
		int			length = pg_mbcliplen(text, strlen(text), RULE_VALUE_BYTES);

		text = psprintf("%.*s...", length, text);
	}
	return type == TEXTOID || type == JSONBOID || type == BYTEAOID ? psprintf("\"%s\"", text) : text;
}

/* May the caller see this column of the new row?  What he gave he knows. */
static bool
is_known_to_caller(TriggerData *trigger, AttrNumber column)
{
	Oid			table = RelationGetRelid(trigger->tg_relation);

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return true;
	if (trigger->tg_updatedcols &&
		bms_is_member(column - FirstLowInvalidHeapAttributeNumber, trigger->tg_updatedcols))
		return true;
	return check_enable_rls(table, InvalidOid, true) != RLS_ENABLED &&
		(pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck(table, column, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
}

/* A column of the new row as text, or what is said instead of it. */
char *
finance_rule_column_text(TriggerData *trigger, TupleTableSlot *slot, AttrNumber column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column, &isnull);

	if (!is_known_to_caller(trigger, column))
		return pstrdup("(hidden)");
	if (isnull)
		return pstrdup("NULL");
	return finance_rule_value_text(TupleDescAttr(slot->tts_tupleDescriptor, column - 1)->atttypid, value);
}

char *
finance_rule_column_name(Relation table, AttrNumber column)
{
	return NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname);
}
