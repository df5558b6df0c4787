/*
 * entry.h
 *		Time entries as the rating engine takes them.
 */
#ifndef FINANCE_ENTRY_H
#define FINANCE_ENTRY_H

#include "terms.h"
#include "utils/array.h"

typedef enum Disposition
{
	DISPOSITION_BILLABLE,
	DISPOSITION_INCLUDED,		/* in a fixed price, so nothing by the hour */
	DISPOSITION_NO_CHARGE,
	DISPOSITION_NON_BILLABLE
} Disposition;

/* How an entry's worked seconds became its billed ones. */
typedef enum BilledBy
{
	BILLED_AS_WORKED,
	BILLED_BY_HAND,
	BILLED_BY_RULE,				/* rounded by its increments */
	BILLED_BY_MINIMUM,			/* raised further, to the rule's least */
	BILLED_BY_MAXIMUM			/* or held to its most */
} BilledBy;

typedef struct RatingEntry
{
	int64		id;
	bool		has_clock;
	bool		has_list;
	bool		has_employee;
	bool		has_work_type;
	bool		has_task;
	bool		is_frozen;
	bool		has_problem;	/* could not be rated, so it bears on no group */
	bool		has_cost;
	bool		has_base_cost;
	Disposition disposition;
	BilledBy	billed_by;
	TimestampTz started_at;
	TimestampTz ended_at;
	DateADT		work_date;		/* local */
	DateADT		period_start;
	TimestampTz instant;		/* its place in the order of time */
	int64		worked_s;
	int64		billed_s;
	int64		frozen_s;
	Numeric		price_numeric;	/* NULL: no price of its own */
	int128		price;
	int64		list;
	int64		employee;
	int64		work_type;
	int64		task;
	const char *role;			/* NULL: none */
	int128		cost_rate;		/* of COST_SCALE */
	int128		base_cost_rate;
	Terms	   *terms;
} RatingEntry;

/* The columns of rating_entry, in order. */
typedef enum EntryColumn
{
	ENTRY_ID,
	ENTRY_STARTED_AT,
	ENTRY_ENDED_AT,
	ENTRY_WORK_DATE,
	ENTRY_WORKED_S,
	ENTRY_BILLABLE_S,
	ENTRY_PRICE,
	ENTRY_PRICE_LIST_ID,
	ENTRY_DISPOSITION,
	ENTRY_EMPLOYEE_ID,
	ENTRY_ROLE,
	ENTRY_WORK_TYPE_ID,
	ENTRY_TASK_ID,
	ENTRY_COST_RATE,
	ENTRY_BASE_COST_RATE,
	ENTRY_FROZEN_S,
	ENTRY_TERMS_NO,
	ENTRY_COLUMNS
} EntryColumn;

extern void finance_entry_read(RatingEntry *entry, const Datum *values, const bool *nulls,
							   Terms **terms, int nterms, const char *role_before);
extern RatingEntry *finance_entries_read(ArrayType *array, Terms **terms, int nterms,
										 int *nentries);
extern void finance_entries_bill(RatingEntry *entries, int nentries);
extern bool finance_entry_joins_group(const RatingEntry *entry);

#endif							/* FINANCE_ENTRY_H */
