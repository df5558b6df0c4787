/*
 * history.h
 *		One firing of the trigger that keeps the history: history.c walks its
 *		rows and writes them down, change.c says what they are.
 */
#ifndef FINANCE_HISTORY_H
#define FINANCE_HISTORY_H

#include "finance.h"

#include "access/tupdesc.h"
#include "executor/tuptable.h"
#include "nodes/bitmapset.h"
#include "utils/rel.h"

#define HISTORY_BATCH_ROWS 500	/* that one INSERT writes */

/* What is done with a column. */
typedef enum
{
	COLUMN_KEPT,				/* its values are */
	COLUMN_DIGESTED,			/* a digest of them is */
	COLUMN_IGNORED				/* a change of it alone is none */
} ColumnUse;

/* One firing of the trigger. */
typedef struct Statement
{
	Relation	table;
	TupleDesc	desc;
	Bitmapset  *key;			/* the primary key, as RelationGetIndexAttrBitmap gives it */
	ColumnUse  *uses;			/* by column */
	FmgrInfo   *outputs;		/* by column; fn_oid invalid: not looked up yet */
	AttrNumber	unless;			/* rows where it is not NULL are left out; 0: none */
	const char *action;
	MemoryContext batch_context;
	int			count;			/* rows in the batch */
	Datum		keys[HISTORY_BATCH_ROWS];
	Datum		old_values[HISTORY_BATCH_ROWS];
	bool		old_nulls[HISTORY_BATCH_ROWS];
	Datum		new_values[HISTORY_BATCH_ROWS];
	bool		new_nulls[HISTORY_BATCH_ROWS];
} Statement;

extern bool finance_history_changes(Statement *statement, TupleTableSlot *before,
									TupleTableSlot *after, bool *changed);
extern Datum finance_history_values(Statement *statement, TupleTableSlot *row, const bool *changed);
extern Datum finance_history_key(Statement *statement, TupleTableSlot *row);

#endif							/* FINANCE_HISTORY_H */
