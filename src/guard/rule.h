/*
 * rule.h
 *		Refusals in words: values and names in their messages.
 */
#ifndef FINANCE_RULE_H
#define FINANCE_RULE_H

#include "finance.h"

#include "commands/trigger.h"

#define RULE_VALUE_BYTES 100	/* of a value that a message quotes */

extern char *finance_rule_value_text(Oid type, Datum value);
extern char *finance_rule_column_text(TriggerData *trigger, TupleTableSlot *slot, AttrNumber column);
extern char *finance_rule_column_name(Relation table, AttrNumber column);

#endif							/* FINANCE_RULE_H */
