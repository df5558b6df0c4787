/*
 * guard.c
 *		Facts are never lost: the trigger that keeps a table append-only, and
 *		those that keep columns and tables for the functions of the books.
 *
 * A function of the books is a SECURITY DEFINER function of the table's owner.
 * PostgreSQL says whether one is running, and nobody can pretend it; so the
 * owner, too, is refused when he writes by himself.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteHandler.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/relcache.h"

/* A column that belongs to the books, with the value that a new row has. */
typedef struct OwnColumn
{
	AttrNumber	attno;
	const char *hint;			/* the way out; NULL: none is named */
	bool		isnull;
	Datum		value;
} OwnColumn;

/* Those of a trigger, made once a statement. */
typedef struct OwnColumns
{
	bool		has_values;		/* are the values of new rows known? */
	int			count;
	OwnColumn	columns[FLEXIBLE_ARRAY_MEMBER];
} OwnColumns;

static bool in_books_function(Relation table);
static OwnColumns *read_own_columns(TriggerData *trigger, MemoryContext context);
static void set_initial_value(OwnColumn *column, Relation table, MemoryContext context);
static bool same_value(Form_pg_attribute attribute, Datum a, bool a_isnull, Datum b, bool b_isnull);
static void refuse_own_column(Relation table, const OwnColumn *column);

PG_FUNCTION_INFO_V1(finance_refuse_change);
PG_FUNCTION_INFO_V1(finance_own_columns);
PG_FUNCTION_INFO_V1(finance_own_table);

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

/*
 * own_columns(): BEFORE INSERT OR UPDATE trigger, once a row.  Its arguments
 * are columns ("column" or "column: the way out") that the functions of the
 * books set.  From anybody else a new row comes with their defaults, which
 * must not be volatile (NULL is taken for not given), and a changed one keeps
 * them; insufficient_privilege when it does not.
 */
Datum
finance_own_columns(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	HeapTuple	row;
	OwnColumns *own;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("own_columns() can only be called as a trigger, before and for each row")));

	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (in_books_function(trigger->tg_relation))
		return PointerGetDatum(row);

	own = fcinfo->flinfo->fn_extra;
	if (own == NULL)
		own = fcinfo->flinfo->fn_extra = read_own_columns(trigger, fcinfo->flinfo->fn_mcxt);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) && !own->has_values)
	{
		for (int i = 0; i < own->count; i++)
			set_initial_value(&own->columns[i], trigger->tg_relation, fcinfo->flinfo->fn_mcxt);
		own->has_values = true;
	}
	desc = RelationGetDescr(trigger->tg_relation);
	for (int i = 0; i < own->count; i++)
	{
		OwnColumn  *column = &own->columns[i];
		Form_pg_attribute attribute = TupleDescAttr(desc, column->attno - 1);
		bool		isnull;
		bool		kept_isnull = column->isnull;
		Datum		value = heap_getattr(row, column->attno, desc, &isnull);
		Datum		kept = column->value;

		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			kept = heap_getattr(trigger->tg_trigtuple, column->attno, desc, &kept_isnull);
		else if (isnull && !kept_isnull)
		{
			int			attno = column->attno;

			row = heap_modify_tuple_by_cols(row, desc, 1, &attno, &kept, &kept_isnull);
			continue;
		}
		if (!same_value(attribute, value, isnull, kept, kept_isnull))
			refuse_own_column(trigger->tg_relation, column);
	}
	return PointerGetDatum(row);
}

/*
 * own_table(): BEFORE INSERT, UPDATE or DELETE trigger, once a row, of tables
 * that the functions of the books write and nobody else
 * (insufficient_privilege).  Its argument is the HINT.
 */
Datum
finance_own_table(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_BEFORE(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("own_table() can only be called as a trigger, before and for each row")));

	if (!in_books_function(trigger->tg_relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("rows of \"%s\" are written by the functions of the books alone",
						RelationGetRelationName(trigger->tg_relation)),
				 trigger->tg_trigger->tgnargs > 0 ?
				 errhint("%s", trigger->tg_trigger->tgargs[0]) : 0));
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ?
						   trigger->tg_newtuple : trigger->tg_trigtuple);
}

/* Is a SECURITY DEFINER function of the table's owner running? */
static bool
in_books_function(Relation table)
{
	return InLocalUserIdChange() && GetUserId() == table->rd_rel->relowner;
}

/* Find the columns that a trigger's arguments name. */
static OwnColumns *
read_own_columns(TriggerData *trigger, MemoryContext context)
{
	int			count = trigger->tg_trigger->tgnargs;
	OwnColumns *own = MemoryContextAllocZero(context, offsetof(OwnColumns, columns) +
											 count * sizeof(OwnColumn));

	for (int i = 0; i < count; i++)
	{
		OwnColumn  *column = &own->columns[i];
		const char *argument = trigger->tg_trigger->tgargs[i];
		const char *colon = strchr(argument, ':');
		char	   *name = colon == NULL ? pstrdup(argument) : pnstrdup(argument, colon - argument);

		column->attno = get_attnum(RelationGetRelid(trigger->tg_relation), name);
		if (column->attno <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("trigger \"%s\" names column \"%s\", which \"%s\" has not",
							trigger->tg_trigger->tgname, name,
							RelationGetRelationName(trigger->tg_relation))));
		/* its expression is of a row, and has no value before there is one */
		if (TupleDescAttr(RelationGetDescr(trigger->tg_relation), column->attno - 1)->attgenerated != '\0')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
					 errmsg("trigger \"%s\" names column \"%s\" of \"%s\", which is generated",
							trigger->tg_trigger->tgname, name,
							RelationGetRelationName(trigger->tg_relation)),
					 errhint("Leave it out: nobody sets a generated column.")));
		if (colon != NULL)
			column->hint = MemoryContextStrdup(context, colon + strspn(colon, ": "));
	}
	own->count = count;
	return own;
}

/* Work out the default of a column, which stands for the whole statement. */
static void
set_initial_value(OwnColumn *column, Relation table, MemoryContext context)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(table), column->attno - 1);
	Node	   *expression = build_column_default(table, column->attno);
	ExprContext *econtext;
	Datum		value;

	column->isnull = true;
	if (expression == NULL)
		return;
	econtext = CreateStandaloneExprContext();
	value = ExecEvalExprSwitchContext(ExecInitExpr(expression_planner((Expr *) expression), NULL),
									  econtext, &column->isnull);
	if (!column->isnull)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		column->value = datumCopy(value, attribute->attbyval, attribute->attlen);
		MemoryContextSwitchTo(old);
	}
	FreeExprContext(econtext, true);
}

/* Are two values of a column the same to the last bit? */
static bool
same_value(Form_pg_attribute attribute, Datum a, bool a_isnull, Datum b, bool b_isnull)
{
	if (a_isnull || b_isnull)
		return a_isnull && b_isnull;
	return datum_image_eq(a, b, attribute->attbyval, attribute->attlen);
}

/* Say that a column is not the caller's to set. */
static void
refuse_own_column(Relation table, const OwnColumn *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("column \"%s\" of \"%s\" is set by the books alone",
					NameStr(TupleDescAttr(RelationGetDescr(table), column->attno - 1)->attname),
					RelationGetRelationName(table)),
			 errhint("%s", column->hint != NULL ? column->hint : "Leave it out."),
			 errtablecol(table, column->attno)));
}
