/*
 * guard.c
 *		Facts are never lost: the trigger that keeps a table append-only.
 */
#include "finance.h"

#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(finance_refuse_change);

/*
 * refuse_change(): BEFORE UPDATE, DELETE or TRUNCATE trigger, once a statement
 * or once a row, that refuses.  Its argument is the HINT: the way out.
 */
Datum
finance_refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	const char *verb;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("refuse_change() can only be called as a trigger")));

	verb = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "changed" :
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ? "deleted" : "truncated";
	ereport(ERROR,
			(errcode(ERRCODE_RESTRICT_VIOLATION),
			 errmsg("rows of \"%s\" are never %s",
					RelationGetRelationName(trigger->tg_relation), verb),
			 trigger->tg_trigger->tgnargs > 0 ?
			 errhint("%s", trigger->tg_trigger->tgargs[0]) : 0));
	PG_RETURN_NULL();
}
