/*
 * check.c
 *		Refusals of CHECK constraints in words; see rule.c.
 */
#include "finance.h"

#include "access/sysattr.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/varlena.h"

#include "rule.h"

PG_FUNCTION_INFO_V1(finance_tell_check);

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
			strcmp(finance_rule_value_text(NUMERICOID, bound->constvalue), "NaN") == 0;
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
			int			distance = varstr_levenshtein_less_equal(given + 1, length, word, strlen(word),
																 1, 1, 1, best, true);

			if (distance < best)
			{
				best = distance;
				*closest = word;
			}
		}
	}
	return out.data;
}

/* A bound as text; NULL where there is none. */
static char *
tell_bound(const Const *bound)
{
	return bound ? finance_rule_value_text(bound->consttype, bound->constvalue) : NULL;
}

/* Bounds as words: "from 1 to 31", "0 or more", "above 0". */
static char *
tell_bounds(const Allowed *allowed)
{
	char	   *low = tell_bound(allowed->low);
	char	   *high = tell_bound(allowed->high);

	if (low && high && !allowed->low_open && !allowed->high_open)
		return psprintf("from %s to %s", low, high);
	if (low && high)
		return psprintf("%s %s and %s %s", allowed->low_open ? "above" : "from", low,
						allowed->high_open ? "below" : "at most", high);
	if (low)
		return allowed->low_open ? psprintf("above %s", low) : psprintf("%s or more", low);
	return allowed->high_open ? psprintf("below %s", high) : psprintf("at most %s", high);
}

/* ---------- refusing ---------- */

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
						 finance_rule_column_name(table, column), finance_rule_column_text(trigger, slot, column));
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
		char	   *given = finance_rule_column_text(trigger, slot, allowed.column);
		char	   *closest = NULL;
		char	   *only = allowed.words ? list_words(allowed.words, given, &closest) : tell_bounds(&allowed);

		message = psprintf("%s.%s cannot be %s, only %s", RelationGetRelationName(table),
						   finance_rule_column_name(table, allowed.column), given, only);
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
