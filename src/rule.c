/*
 * rule.c
 *		Refusals that say what is allowed: triggers that read the rules of a
 *		table (its CHECK constraints and foreign keys) from the catalog, and
 *		word what the server would only name.
 *
 * The constraints stay the single truth: what these triggers do not see the
 * server refuses all the same, with the same SQLSTATE and constraint name.
 */
#include "finance.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "rule.h"

PG_FUNCTION_INFO_V1(finance_tell_check);
PG_FUNCTION_INFO_V1(finance_tell_key);

/* A CHECK constraint, ready to be evaluated. */
typedef struct Check
{
	char	   *name;
	Expr	   *expr;			/* planned: constants are folded */
	ExprState  *state;
} Check;

/* The CHECK constraints of a table, for the length of a statement. */
typedef struct Checks
{
	ExprContext *econtext;
	int			count;
	Check		check[FLEXIBLE_ARRAY_MEMBER];
} Checks;

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

/* What the rule of a single column says: words, or bounds. */
typedef struct Allowed
{
	AttrNumber	column;
	Const	   *words;			/* an array of text */
	Const	   *low;
	Const	   *high;
	bool		low_open;		/* the bound itself is not allowed */
	bool		high_open;
} Allowed;

/* ---------- values and names in messages ---------- */

/* A value as text that no setting of the session changes. */
static char *
value_text(Oid type, Datum value)
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
static char *
column_text(TriggerData *trigger, TupleTableSlot *slot, AttrNumber column)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, column, &isnull);

	if (!is_known_to_caller(trigger, column))
		return pstrdup("(hidden)");
	if (isnull)
		return pstrdup("NULL");
	return value_text(TupleDescAttr(slot->tts_tupleDescriptor, column - 1)->atttypid, value);
}

static char *
column_name(Relation table, AttrNumber column)
{
	return NameStr(TupleDescAttr(RelationGetDescr(table), column - 1)->attname);
}

/* ---------- reading a rule ---------- */

/* The column that an expression is, or 0. */
static AttrNumber
as_column(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node && IsA(node, Var) ? ((Var *) node)->varattno : 0;
}

/* Take one comparison of a column with a constant into account. */
static bool
read_comparison(OpExpr *op, Allowed *allowed)
{
	AttrNumber	column;
	Const	   *bound;
	char	   *name = get_opname(op->opno);

	if (list_length(op->args) != 2 || !IsA(lsecond(op->args), Const) || !name)
		return false;
	column = as_column(linitial(op->args));
	bound = (Const *) lsecond(op->args);
	if (column <= 0 || bound->constisnull || (allowed->column && allowed->column != column))
		return false;
	allowed->column = column;
	if (strcmp(name, "<>") == 0)	/* that a number is one goes without saying */
		return bound->consttype == NUMERICOID &&
			strcmp(value_text(NUMERICOID, bound->constvalue), "NaN") == 0;
	if (name[0] == '>' && !allowed->low)
	{
		allowed->low = bound;
		allowed->low_open = name[1] == '\0';
	}
	else if (name[0] == '<' && !allowed->high)
	{
		allowed->high = bound;
		allowed->high_open = name[1] == '\0';
	}
	else
		return false;
	return true;
}

/* Does the rule of a CHECK list words, or bound one column by constants? */
static bool
read_rule(Node *rule, Allowed *allowed)
{
	if (IsA(rule, ScalarArrayOpExpr))
	{
		ScalarArrayOpExpr *any = (ScalarArrayOpExpr *) rule;
		Const	   *words = (Const *) lsecond(any->args);

		allowed->column = as_column(linitial(any->args));
		if (!any->useOr || allowed->column <= 0 || !IsA(words, Const) || words->constisnull ||
			words->consttype != TEXTARRAYOID || strcmp(get_opname(any->opno), "=") != 0)
			return false;
		allowed->words = words;
		return true;
	}
	if (is_andclause(rule))
	{
		ListCell   *cell;

		foreach(cell, ((BoolExpr *) rule)->args)
		{
			if (!IsA(lfirst(cell), OpExpr) || !read_comparison(lfirst(cell), allowed))
				return false;
		}
		return allowed->low || allowed->high;
	}
	return IsA(rule, OpExpr) && read_comparison((OpExpr *) rule, allowed) && (allowed->low || allowed->high);
}

/* The words of a list, and of them the one closest to the quoted one given, if any is close. */
static char *
list_words(Const *words, const char *given, char **closest)
{
	StringInfoData out;
	Datum	   *values;
	int			count;
	int			length = (int) strlen(given) - 2;
	int			best = Max(2, length / 3) + 1;

	initStringInfo(&out);
	deconstruct_array(DatumGetArrayTypeP(words->constvalue), TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		char	   *word = TextDatumGetCString(values[i]);

		appendStringInfo(&out, "%s%s", i == 0 ? "" : i == count - 1 ? " or " : ", ", word);
		if (given[0] == '"')
		{
			int			distance = varstr_levenshtein_less_equal(given + 1, length, word, strlen(word), 1, 1, 1, best, true);

			if (distance < best)
			{
				best = distance;
				*closest = word;
			}
		}
	}
	return out.data;
}

/* Bounds as words: "from 1 to 31", "0 or more", "above 0". */
static char *
tell_bounds(const Allowed *allowed)
{
	char	   *low = allowed->low ? value_text(allowed->low->consttype, allowed->low->constvalue) : NULL;
	char	   *high = allowed->high ? value_text(allowed->high->consttype, allowed->high->constvalue) : NULL;

	if (low && high && !allowed->low_open && !allowed->high_open)
		return psprintf("from %s to %s", low, high);
	if (low && high)
		return psprintf("%s %s and %s %s", allowed->low_open ? "above" : "from", low,
						allowed->high_open ? "below" : "at most", high);
	if (low)
		return allowed->low_open ? psprintf("above %s", low) : psprintf("%s or more", low);
	return allowed->high_open ? psprintf("below %s", high) : psprintf("at most %s", high);
}

/* ---------- CHECK constraints ---------- */

/* What a row cannot have: "t.a cannot be 1", "t cannot have a 1, b 2". */
static char *
tell_columns(TriggerData *trigger, TupleTableSlot *slot, Node *rule)
{
	Relation	table = trigger->tg_relation;
	StringInfoData out;
	Bitmapset  *columns = NULL;
	bool		several;
	int			member = -1;

	initStringInfo(&out);
	pull_varattnos(rule, 1, &columns);
	several = bms_membership(columns) == BMS_MULTIPLE;
	appendStringInfo(&out, "%s%s", RelationGetRelationName(table), several ? " cannot have " : ".");
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		AttrNumber	column = member + FirstLowInvalidHeapAttributeNumber;

		if (column <= 0)
			continue;
		appendStringInfo(&out, several ? "%s %s" : "%s cannot be %s",
						 column_name(table, column), column_text(trigger, slot, column));
		if (bms_next_member(columns, member) >= 0)
			appendStringInfoString(&out, ", ");
	}
	return out.data;
}

/*
 * Refuse the new row for a CHECK: the column, what was given, what is allowed.
 * The HINT is the comment on the constraint, where it has one.
 */
static void
refuse_check(TriggerData *trigger, TupleTableSlot *slot, const Check *check)
{
	Relation	table = trigger->tg_relation;
	Oid			constraint = get_relation_constraint_oid(RelationGetRelid(table), check->name, false);
	char	   *hint = GetComment(constraint, ConstraintRelationId, 0);
	char	   *detail = psprintf("Check constraint \"%s\".", check->name);
	char	   *message;
	Allowed		allowed = {0};

	if (read_rule((Node *) check->expr, &allowed))
	{
		char	   *given = column_text(trigger, slot, allowed.column);
		char	   *closest = NULL;
		char	   *only = allowed.words ? list_words(allowed.words, given, &closest) : tell_bounds(&allowed);

		message = psprintf("%s.%s cannot be %s, only %s", RelationGetRelationName(table),
						   column_name(table, allowed.column), given, only);
		if (!hint)
			hint = closest ? psprintf("Did you mean \"%s\"?", closest) :
				psprintf(allowed.words ? "Give one of them%s%s." : "Give a value %s%s.",
						 allowed.words || allowed.high || allowed.low_open ? "" : "of ", allowed.words ? "" : only);
	}
	else
	{
		List	   *context = deparse_context_for(RelationGetRelationName(table), RelationGetRelid(table));

		message = tell_columns(trigger, slot, (Node *) check->expr);
		detail = psprintf("Check constraint \"%s\": %s.", check->name,
						  deparse_expression((Node *) check->expr, context, false, false));
	}
	ereport(ERROR,
			(errcode(ERRCODE_CHECK_VIOLATION),
			 errmsg_internal("%s", message),
			 errdetail_internal("%s", detail),
			 hint ? errhint("%s", hint) : 0,
			 errtableconstraint(table, check->name)));
}

/* Generated columns have no value before the row is stored: put in how they are made. */
static Node *
expand_generated(Node *node, void *context)
{
	Relation	table = context;

	if (node && IsA(node, Var) && ((Var *) node)->varattno > 0 &&
		TupleDescAttr(RelationGetDescr(table), ((Var *) node)->varattno - 1)->attgenerated)
		return build_column_default(table, ((Var *) node)->varattno);
	return expression_tree_mutator(node, expand_generated, context);
}

/* Make the CHECK constraints of a table ready, in the memory of the statement. */
static Checks *
prepare_checks(Relation table)
{
	TupleConstr *rules = RelationGetDescr(table)->constr;
	int			count = rules ? rules->num_check : 0;
	Checks	   *checks = palloc(offsetof(Checks, check) + count * sizeof(Check));

	checks->econtext = CreateStandaloneExprContext();
	checks->count = 0;
	for (int i = 0; i < count; i++)
	{
		Check	   *check = &checks->check[checks->count];
		Node	   *rule;

		if (!finance_check_enforced(&rules->check[i]))
			continue;
		rule = stringToNode(rules->check[i].ccbin);
		check->name = pstrdup(rules->check[i].ccname);
		check->expr = expression_planner((Expr *) expand_generated(rule, table));
		check->state = ExecInitExpr(check->expr, NULL);
		checks->count++;
	}
	return checks;
}

/*
 * tell_check(): BEFORE INSERT OR UPDATE trigger for each row, the last one of
 * its table.  Evaluates the table's CHECK constraints as the server is about
 * to, and refuses (23514, with the name of the constraint) in words.
 */
Datum
finance_tell_check(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Checks	   *checks = fcinfo->flinfo->fn_extra;
	TupleTableSlot *slot;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("tell_check() can only be called as a trigger before INSERT or UPDATE of a row")));

	if (!checks)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		checks = prepare_checks(trigger->tg_relation);
		fcinfo->flinfo->fn_extra = checks;
		MemoryContextSwitchTo(old);
	}
	slot = TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigslot : trigger->tg_newslot;
	checks->econtext->ecxt_scantuple = slot;
	for (int i = 0; i < checks->count; i++)
	{
		if (!ExecCheck(checks->check[i].state, checks->econtext))
			refuse_check(trigger, slot, &checks->check[i]);
	}
	ResetExprContext(checks->econtext);
	checks->econtext->ecxt_scantuple = NULL;
	return PointerGetDatum(TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? trigger->tg_trigtuple : trigger->tg_newtuple);
}

/* ---------- foreign keys ---------- */

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
	ScanKeyEntryInitialize(&scankey, 0, key->to, BTEqualStrategyNumber, to->atttypid, to->attcollation, key->equal, value);
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
	char	   *words = TupleDescAttr(RelationGetDescr(table), key->from - 1)->atttypid == TEXTOID ? list_keys(key) : NULL;

	if (words)
		hint = psprintf("Use one of %s.%s%s", words, hint ? " " : "", hint ? hint : "");
	else if (!hint)
		hint = psprintf("Table %s lists what there is: add it first, or look its %s up by name in the statement.",
						named, get_attname(key->table, key->to, false));
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("%s.%s names %s, which table %s does not have", RelationGetRelationName(table),
					column_name(table, key->from), column_text(trigger, slot, key->from), named),
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

		if (!isnull && !is_unchanged(trigger, keys->key[i].from, value) && !is_there(&keys->key[i], value, fcinfo->flinfo->fn_mcxt))
			refuse_key(trigger, slot, &keys->key[i]);
	}
	return PointerGetDatum(NULL);
}
