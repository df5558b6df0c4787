/*
 * key.c
 *		Refusals of foreign keys in words; see rule.c.
 */
#include "finance.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "rule.h"

#define RULE_WORDS			60		/* words of a table that a hint lists */
#define RULE_SEEN			1024	/* found values that a statement remembers for each foreign key */

PG_FUNCTION_INFO_V1(finance_tell_key);

/* A foreign key of one column. */
typedef struct Key
{
	Oid			constraint;
	Oid			table;			/* the table that it refers to */
	Oid			index;			/* the unique index that it refers to */
	AttrNumber	from;			/* the column that refers ... */
	AttrNumber	to;				/* ... and the one that it refers to */
	RegProcedure equal;
	bool		by_value;
	Datum	   *seen;			/* values that were found in this statement, by hash */
} Key;

typedef struct Keys
{
	int			count;
	Key			key[FLEXIBLE_ARRAY_MEMBER];
} Keys;

/* What a foreign key of one column refers to, in the memory of the statement. */
static Keys *
prepare_keys(Relation table)
{
	List	   *list = copyObject(RelationGetFKeyList(table));
	Keys	   *keys = palloc(offsetof(Keys, key) + list_length(list) * sizeof(Key));
	ListCell   *cell;

	keys->count = 0;
	foreach(cell, list)
	{
		ForeignKeyCacheInfo *found = lfirst(cell);
		Key		   *key = &keys->key[keys->count];

		if (found->nkeys != 1 || !finance_key_enforced(found) ||
			get_atttype(found->conrelid, found->conkey[0]) != get_atttype(found->confrelid, found->confkey[0]))
			continue;
		key->constraint = found->conoid;
		key->table = found->confrelid;
		key->index = GetSysCacheOid1(CONSTROID, Anum_pg_constraint_conindid, ObjectIdGetDatum(found->conoid));
		key->from = found->conkey[0];
		key->to = found->confkey[0];
		key->equal = get_opcode(found->conpfeqop[0]);
		key->by_value = TupleDescAttr(RelationGetDescr(table), key->from - 1)->attbyval;
		key->seen = NULL;
		if (OidIsValid(key->index))
			keys->count++;
	}
	return keys;
}

/* Is there a row of the key's table with this value? */
static bool
key_exists(const Key *key, Datum value)
{
	Relation	table = table_open(key->table, AccessShareLock);
	Form_pg_attribute to = TupleDescAttr(RelationGetDescr(table), key->to - 1);
	Snapshot	snapshot;
	ScanKeyData scankey;
	SysScanDesc scan;
	bool		found;

	/* what this very statement has put there counts */
	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyEntryInitialize(&scankey, 0, key->to, BTEqualStrategyNumber, to->atttypid, to->attcollation,
						   key->equal, value);
	scan = systable_beginscan(table, key->index, true, snapshot, 1, &scankey);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table, AccessShareLock);
	return found;
}

/*
 * The same with a memory, as a bulk load names few things often.  It may
 * forget, and what has gone meanwhile the server refuses.
 */
static bool
is_there(Key *key, Datum value, MemoryContext context)
{
	Datum	   *slot;

	if (!key->by_value || value == 0)
		return key_exists(key, value);
	if (!key->seen)
		key->seen = MemoryContextAllocZero(context, RULE_SEEN * sizeof(Datum));
	slot = &key->seen[murmurhash32((uint32) value) % RULE_SEEN];
	if (*slot == value)
		return true;
	if (!key_exists(key, value))
		return false;
	*slot = value;
	return true;
}

/* The words that a table knows, in order; NULL where the caller may not read it. */
static char *
list_keys(const Key *key)
{
	Relation	table;
	Snapshot	snapshot;
	SysScanDesc scan;
	HeapTuple	tuple;
	StringInfoData out;
	int			count = 0;

	if (pg_class_aclcheck(key->table, GetUserId(), ACL_SELECT) != ACLCHECK_OK ||
		check_enable_rls(key->table, InvalidOid, true) == RLS_ENABLED)
		return NULL;
	initStringInfo(&out);
	table = table_open(key->table, AccessShareLock);
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = systable_beginscan(table, key->index, true, snapshot, 0, NULL);
	while (count <= RULE_WORDS && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		word = heap_getattr(tuple, key->to, RelationGetDescr(table), &isnull);

		if (isnull)
			continue;
		appendStringInfo(&out, "%s%s", count ? ", " : "", count < RULE_WORDS ? TextDatumGetCString(word) : "...");
		count++;
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table, AccessShareLock);
	return count ? out.data : NULL;
}

/* Refuse a row that names what is not there; words are listed. */
static void
refuse_key(TriggerData *trigger, TupleTableSlot *slot, const Key *key)
{
	Relation	table = trigger->tg_relation;
	char	   *named = get_rel_name(key->table);
	char	   *constraint = get_constraint_name(key->constraint);
	char	   *hint = GetComment(key->constraint, ConstraintRelationId, 0);
	Oid			type = TupleDescAttr(RelationGetDescr(table), key->from - 1)->atttypid;
	char	   *words = type == TEXTOID ? list_keys(key) : NULL;

	if (words)
		hint = psprintf("Use one of %s.%s%s", words, hint ? " " : "", hint ? hint : "");
	else if (!hint)
		hint = psprintf("Table %s lists what there is: add it first, or look its %s up by name in the statement.",
						named, get_attname(key->table, key->to, false));
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("%s.%s names %s, which table %s does not have", RelationGetRelationName(table),
					finance_rule_column_name(table, key->from),
					finance_rule_column_text(trigger, slot, key->from), named),
			 errdetail("Foreign key \"%s\".", constraint),
			 errhint("%s", hint),
			 errtableconstraint(table, constraint)));
}

/* Did an UPDATE leave this column as it was? */
static bool
is_unchanged(TriggerData *trigger, AttrNumber column, Datum value)
{
	Form_pg_attribute shape = TupleDescAttr(RelationGetDescr(trigger->tg_relation), column - 1);
	bool		isnull;
	Datum		before;

	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		return false;
	before = slot_getattr(trigger->tg_trigslot, column, &isnull);
	return !isnull && datum_image_eq(before, value, shape->attbyval, shape->attlen);
}

/*
 * tell_key(): AFTER INSERT OR UPDATE trigger for each row; its name sorts
 * before the server's own ("RI_ConstraintTrigger_c_..."), so that it comes
 * first.  Looks up what the table's foreign keys of one column name, and
 * refuses (23503, with the name of the constraint) in words.
 */
Datum
finance_tell_key(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Keys	   *keys = fcinfo->flinfo->fn_extra;
	TupleTableSlot *slot;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tell_key() can only be called as a trigger after INSERT or UPDATE of a row")));

	if (!keys)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		keys = prepare_keys(trigger->tg_relation);
		fcinfo->flinfo->fn_extra = keys;
		MemoryContextSwitchTo(old);
	}
	slot = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigslot : trigger->tg_newslot;
	for (int i = 0; i < keys->count; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, keys->key[i].from, &isnull);

		if (!isnull && !is_unchanged(trigger, keys->key[i].from, value) &&
			!is_there(&keys->key[i], value, fcinfo->flinfo->fn_mcxt))
			refuse_key(trigger, slot, &keys->key[i]);
	}
	return PointerGetDatum(NULL);
}
