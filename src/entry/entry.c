/*
 * entry.c
 *		Time entries as the rating engine takes them: read out of an array of
 *		composites, checked, and put in order of time.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "common/int.h"
#include "entry.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

static void read_time(RatingEntry *entry, const Datum *values, const bool *nulls);
static void read_seconds(RatingEntry *entry, const Datum *values, const bool *nulls);
static const char *read_role(const RatingEntry *entry, const text *word, const char *before);
static bool read_id(const Datum *values, const bool *nulls, EntryColumn column, int64 *id);
static bool read_rate(const RatingEntry *entry, const Datum *values, const bool *nulls,
					  EntryColumn column, const char *what, int scale, int128 maximum,
					  int128 *rate);
static Disposition read_disposition(const RatingEntry *entry, const text *word);
static void sort_entries(RatingEntry *entries, int nentries);
static int	compare_entries(const void *a, const void *b);

/* Read the entries and put them in order of time. */
RatingEntry *
finance_entries_read(ArrayType *array, Terms **terms, int nterms, int *nentries)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(ARR_ELEMTYPE(array), -1);
	ArrayIterator iterator;
	int			nelements = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	RatingEntry *entries;
	Datum		element;
	bool		is_null;

	finance_limit_check(LIMIT_ENTRIES, nelements);
	iterator = array_create_iterator(array, 0, NULL);
	entries = MemoryContextAllocExtended(CurrentMemoryContext,
										 sizeof(RatingEntry) * Max(nelements, 1),
										 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	if (tupdesc->natts != ENTRY_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("type rating_entry has %d columns, not %d",
						tupdesc->natts, ENTRY_COLUMNS),
				 errhint("Run ALTER EXTENSION finance UPDATE.")));

	*nentries = 0;
	while (array_iterate(iterator, &element, &is_null))
	{
		HeapTupleData tuple;
		Datum		values[ENTRY_COLUMNS];
		bool		nulls[ENTRY_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		if (is_null)
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("entry %d of the array is null", *nentries + 1)));
		tuple.t_data = DatumGetHeapTupleHeader(element);
		tuple.t_len = HeapTupleHeaderGetDatumLength(tuple.t_data);
		ItemPointerSetInvalid(&tuple.t_self);
		tuple.t_tableOid = InvalidOid;
		heap_deform_tuple(&tuple, tupdesc, values, nulls);
		if (nulls[ENTRY_ID])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("entry %d of the array has no entry_id", *nentries + 1)));
		finance_entry_read(&entries[*nentries], values, nulls, terms, nterms,
						   *nentries > 0 ? entries[*nentries - 1].role : NULL);
		(*nentries)++;
	}
	array_free_iterator(iterator);
	ReleaseTupleDesc(tupdesc);

	sort_entries(entries, *nentries);
	return entries;
}

/*
 * Read one entry, which is all zeros, from the columns of rating_entry; role_before
 * is that of the one before it, NULL where there is none.  Refused (22023, 54000)
 * where it is wrong.
 */
void
finance_entry_read(RatingEntry *entry, const Datum *values, const bool *nulls,
				   Terms **terms, int nterms, const char *role_before)
{
	int			terms_no = nulls[ENTRY_TERMS_NO] ? 1 : DatumGetInt32(values[ENTRY_TERMS_NO]);

	entry->id = DatumGetInt64(values[ENTRY_ID]);
	if (terms_no < 1 || terms_no > nterms)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry " INT64_FORMAT " asks for terms %d of %d",
						entry->id, terms_no, nterms)));
	entry->terms = terms[terms_no - 1];

	read_time(entry, values, nulls);
	read_seconds(entry, values, nulls);
	entry->disposition = nulls[ENTRY_DISPOSITION] ? DISPOSITION_BILLABLE :
		read_disposition(entry, DatumGetTextPP(values[ENTRY_DISPOSITION]));

	entry->has_list = read_id(values, nulls, ENTRY_PRICE_LIST_ID, &entry->list);
	entry->has_employee = read_id(values, nulls, ENTRY_EMPLOYEE_ID, &entry->employee);
	entry->has_work_type = read_id(values, nulls, ENTRY_WORK_TYPE_ID, &entry->work_type);
	entry->has_task = read_id(values, nulls, ENTRY_TASK_ID, &entry->task);
	if (!nulls[ENTRY_ROLE])
		entry->role = read_role(entry, DatumGetTextPP(values[ENTRY_ROLE]), role_before);

	if (read_rate(entry, values, nulls, ENTRY_PRICE, "price", PRICE_SCALE, PRICE_MAX,
				  &entry->price))
		entry->price_numeric = DatumGetNumericCopy(values[ENTRY_PRICE]);
	entry->has_cost = read_rate(entry, values, nulls, ENTRY_COST_RATE, "cost rate",
								COST_SCALE, COST_MAX, &entry->cost_rate);
	entry->has_base_cost = read_rate(entry, values, nulls, ENTRY_BASE_COST_RATE,
									 "base cost rate", COST_SCALE, COST_MAX,
									 &entry->base_cost_rate);
}

/* Read when the work was done: by the clock, or on a date. */
static void
read_time(RatingEntry *entry, const Datum *values, const bool *nulls)
{
	Terms	   *terms = entry->terms;
	int64		elapsed_us;

	entry->has_clock = !nulls[ENTRY_STARTED_AT];
	if (nulls[ENTRY_STARTED_AT] != nulls[ENTRY_ENDED_AT] ||
		(!entry->has_clock && nulls[ENTRY_WORK_DATE]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry " INT64_FORMAT " does not say when the work was done", entry->id),
				 errhint("Give started_at and ended_at, or work_date.")));

	if (entry->has_clock)
	{
		entry->started_at = DatumGetTimestampTz(values[ENTRY_STARTED_AT]);
		entry->ended_at = DatumGetTimestampTz(values[ENTRY_ENDED_AT]);
		if (TIMESTAMP_NOT_FINITE(entry->started_at) || TIMESTAMP_NOT_FINITE(entry->ended_at))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("entry " INT64_FORMAT " has an infinite time", entry->id)));
		if (entry->ended_at < entry->started_at)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("entry " INT64_FORMAT " ends before it starts", entry->id),
					 errdetail("It starts at %s and ends at %s.",
							   timestamptz_to_str(entry->started_at),
							   pstrdup(timestamptz_to_str(entry->ended_at)))));
		if (pg_sub_s64_overflow(entry->ended_at, entry->started_at, &elapsed_us))
			elapsed_us = PG_INT64_MAX;
		finance_limit_check_at(LIMIT_ENTRY_DAYS, (elapsed_us - 1) / USECS_PER_DAY + 1,
							   psprintf("entry " INT64_FORMAT, entry->id));
		entry->instant = entry->started_at;
		entry->work_date = finance_calendar_local_date(terms->calendar, entry->started_at);
	}
	else
	{
		entry->work_date = DatumGetDateADT(values[ENTRY_WORK_DATE]);
		if (DATE_NOT_FINITE(entry->work_date))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("entry " INT64_FORMAT " has an infinite work date", entry->id)));
		entry->instant = finance_calendar_day_start(terms->calendar, entry->work_date);
	}
	entry->period_start = finance_terms_period_start(terms, entry->work_date);
}

/* Are these more seconds than any entry has? */
static inline bool
is_too_long(int64 seconds)
{
	return seconds < -SECONDS_MAX || seconds > SECONDS_MAX;
}

/* Read how long the work took, what of it is billed and what is frozen. */
static void
read_seconds(RatingEntry *entry, const Datum *values, const bool *nulls)
{
	if (nulls[ENTRY_WORKED_S])
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("entry " INT64_FORMAT " has no worked_s", entry->id)));
	entry->worked_s = DatumGetInt64(values[ENTRY_WORKED_S]);
	entry->billed_s = entry->worked_s;
	if (!nulls[ENTRY_BILLABLE_S])
	{
		entry->billed_by = BILLED_BY_HAND;
		entry->billed_s = DatumGetInt64(values[ENTRY_BILLABLE_S]);
		if (entry->billed_s < 0 && entry->worked_s >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("entry " INT64_FORMAT " has a negative billable_s of "
							INT64_FORMAT, entry->id, entry->billed_s),
					 errhint("Only a correction, whose worked_s is negative, bills negative time.")));
	}
	entry->is_frozen = read_id(values, nulls, ENTRY_FROZEN_S, &entry->frozen_s);
	if (is_too_long(entry->worked_s) || is_too_long(entry->billed_s) ||
		is_too_long(entry->frozen_s))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("entry " INT64_FORMAT " is longer than " INT64_FORMAT " s",
						entry->id, SECONDS_MAX)));
}

/* Read a role; entries that follow one another mostly share theirs. */
static const char *
read_role(const RatingEntry *entry, const text *word, const char *before)
{
	int			length = VARSIZE_ANY_EXHDR(word);

	finance_limit_check_at(LIMIT_NAME_BYTES, length, psprintf("entry " INT64_FORMAT, entry->id));
	if (before != NULL && strncmp(before, VARDATA_ANY(word), length) == 0 &&
		before[length] == '\0')
		return before;
	return pnstrdup(VARDATA_ANY(word), length);
}

/* Read a column of whole numbers; false when it is null. */
static bool
read_id(const Datum *values, const bool *nulls, EntryColumn column, int64 *id)
{
	if (!nulls[column])
		*id = DatumGetInt64(values[column]);
	return !nulls[column];
}

/* Read an hourly rate into fixed point; false when it is null. */
static bool
read_rate(const RatingEntry *entry, const Datum *values, const bool *nulls,
		  EntryColumn column, const char *what, int scale, int128 maximum, int128 *rate)
{
	Numeric		numeric;

	if (nulls[column])
		return false;
	numeric = (Numeric) PG_DETOAST_DATUM_PACKED(values[column]);
	if (!finance_fixed_read(numeric, scale, rate) || *rate < 0 || *rate > maximum)
	{
		char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out, values[column]));

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("entry " INT64_FORMAT " has a %s of %s", entry->id, what,
						finance_shown(digits, strlen(digits))),
				 errdetail("A %s is from 0 to below 10^13 and has at most %d decimals.",
						   what, scale)));
	}
	return true;
}

/* Read the word that says whether an entry is billed. */
static Disposition
read_disposition(const RatingEntry *entry, const text *word)
{
	static const char *const words[] = {"billable", "included", "no_charge", "non_billable"};
	int			length = VARSIZE_ANY_EXHDR(word);

	for (int i = 0; i < lengthof(words); i++)
	{
		if (strlen(words[i]) == length && memcmp(words[i], VARDATA_ANY(word), length) == 0)
			return (Disposition) i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("entry " INT64_FORMAT " has the unknown disposition \"%s\"",
					entry->id, finance_shown(VARDATA_ANY(word), length)),
			 errhint("A disposition is billable, included, no_charge or non_billable.")));
}

/* Put the entries in order of time; the same entry twice is refused. */
static void
sort_entries(RatingEntry *entries, int nentries)
{
	bool		is_sorted = true;

	for (int i = 1; i < nentries && is_sorted; i++)
		is_sorted = compare_entries(&entries[i - 1], &entries[i]) < 0;
	if (is_sorted)
		return;

	qsort(entries, nentries, sizeof(RatingEntry), compare_entries);
	for (int i = 1; i < nentries; i++)
	{
		if (compare_entries(&entries[i - 1], &entries[i]) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("entry " INT64_FORMAT " is in the array twice", entries[i].id)));
	}
}

/* Order entries by instant, then by id. */
static int
compare_entries(const void *a, const void *b)
{
	const RatingEntry *left = a;
	const RatingEntry *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->instant != right->instant)
		return left->instant < right->instant ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return 0;
}
