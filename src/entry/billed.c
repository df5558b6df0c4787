/*
 * billed.c
 *		How worked seconds become billed seconds.
 *
 * Rounding comes before any splitting: splitting first would round each shard
 * up and bill the boundary twice.  Where a contract rounds wider than the
 * entry (a task's day, a day, a task, a period), the sum of the group is
 * rounded once and shared out over its entries by largest remainder, ties to
 * the earlier, so that the parts sum to what was rounded.  Frozen entries count
 * with what they were billed: only the rest of the group makes up the
 * difference.
 */
#include "finance.h"

#include "entry.h"
#include "miscadmin.h"
#include "money.h"
#include "utils/hsearch.h"

/* What entries of one group have in common. */
typedef struct GroupKey
{
	RoundingScope scope;
	bool		has_task;
	int64		task;
	DateADT		day;			/* or first day of the period */
} GroupKey;

typedef struct Group
{
	GroupKey	key;			/* hash key */
	int			no;				/* in order of their first entries */
} Group;

/* An entry and its group, to bring the entries of a group together. */
typedef struct Member
{
	RatingEntry *entry;
	int			group_no;
} Member;

static void make_key(const RatingEntry *entry, GroupKey *key);
static Member *collect_members(RatingEntry *entries, int nentries, int nmembers);
static int	compare_members(const void *a, const void *b);
static void bill_group(Member *members, int nmembers);
static int64 rounded_by(int64 worked_s, const RoundingRule *rule, BilledBy *by);
static int64 seconds_to_spread(const Member *members, int nmembers, BilledBy *by);
static void spread(Member *members, int nmembers, int64 seconds, BilledBy by);

/* Compute the billed seconds of all entries, which are in order of time. */
void
finance_entries_bill(RatingEntry *entries, int nentries)
{
	int			nmembers = 0;
	Member	   *members;

	for (int i = 0; i < nentries; i++)
	{
		RatingEntry *entry = &entries[i];

		CHECK_FOR_INTERRUPTS();
		if (entry->disposition != DISPOSITION_BILLABLE || entry->billed_by == BILLED_BY_HAND ||
			!entry->terms->is_rounded || entry->has_problem)
			continue;
		entry->billed_by = BILLED_AS_WORKED;
		if (finance_entry_joins_group(entry))
			nmembers++;
		else if (!entry->is_frozen)
		{
			BilledBy	by;

			entry->billed_s = rounded_by(entry->worked_s, &entry->terms->rounding, &by);
			if (entry->billed_s != entry->worked_s)
				entry->billed_by = by;
		}
	}
	if (nmembers == 0)
		return;

	members = collect_members(entries, nentries, nmembers);
	for (int first = 0, i = 1; i <= nmembers; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == nmembers || members[i].group_no != members[first].group_no)
		{
			bill_group(&members[first], i - first);
			first = i;
		}
	}
	pfree(members);
}

/* Is the entry rounded together with others? */
bool
finance_entry_joins_group(const RatingEntry *entry)
{
	return !entry->has_problem && entry->disposition == DISPOSITION_BILLABLE &&
		entry->billed_by != BILLED_BY_HAND && entry->terms->is_rounded &&
		entry->terms->scope != SCOPE_ENTRY;
}

/* Name the group of an entry. */
static void
make_key(const RatingEntry *entry, GroupKey *key)
{
	memset(key, 0, sizeof(GroupKey));	/* padding is hashed too */
	key->scope = entry->terms->scope;
	if (key->scope == SCOPE_TASK_DAY || key->scope == SCOPE_TASK)
	{
		key->has_task = entry->has_task;
		key->task = entry->has_task ? entry->task : 0;
	}
	if (key->scope == SCOPE_TASK_DAY || key->scope == SCOPE_DAY)
		key->day = entry->work_date;
	else if (key->scope == SCOPE_PERIOD)
		key->day = entry->period_start;
}

/* List the entries that are rounded in groups, group by group, each in order of time. */
static Member *
collect_members(RatingEntry *entries, int nentries, int nmembers)
{
	HASHCTL		control = {
		.keysize = sizeof(GroupKey),
		.entrysize = sizeof(Group),
		.hcxt = CurrentMemoryContext
	};
	HTAB	   *groups = hash_create("finance rounding groups", 256, &control,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Member	   *members = MemoryContextAllocExtended(CurrentMemoryContext,
													 sizeof(Member) * nmembers,
													 MCXT_ALLOC_HUGE);
	int			n = 0;
	bool		is_sorted = true;

	for (int i = 0; i < nentries; i++)
	{
		GroupKey	key;
		Group	   *group;
		bool		is_known;

		CHECK_FOR_INTERRUPTS();
		if (!finance_entry_joins_group(&entries[i]))
			continue;
		make_key(&entries[i], &key);
		group = hash_search(groups, &key, HASH_ENTER, &is_known);
		if (!is_known)
			group->no = hash_get_num_entries(groups);
		members[n].entry = &entries[i];
		members[n].group_no = group->no;
		if (n > 0 && members[n].group_no < members[n - 1].group_no)
			is_sorted = false;
		n++;
	}
	hash_destroy(groups);
	if (!is_sorted)
		qsort(members, nmembers, sizeof(Member), compare_members);
	return members;
}

/* Order members by group, then by time. */
static int
compare_members(const void *a, const void *b)
{
	const Member *left = a;
	const Member *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->group_no != right->group_no)
		return left->group_no < right->group_no ? -1 : 1;
	return left->entry < right->entry ? -1 : left->entry > right->entry;
}

/* Round a group as one by the rule of its first entry, and share out the sum. */
static void
bill_group(Member *members, int nmembers)
{
	BilledBy	by;
	int64		seconds = seconds_to_spread(members, nmembers, &by);
	int			nopen = 0;

	/* frozen entries have their share */
	for (int i = 0; i < nmembers; i++)
	{
		if (!members[i].entry->is_frozen)
			members[nopen++] = members[i];
	}
	spread(members, nopen, seconds, by);
}

/* Round seconds, and tell what made the result: the increments, or what bounds them. */
static int64
rounded_by(int64 worked_s, const RoundingRule *rule, BilledBy *by)
{
	RoundingRule bare = *rule;
	int64		billed_s = finance_round_seconds_rule(worked_s, rule);
	int64		bare_s;

	bare.minimum_s = 0;
	bare.maximum_s = FINANCE_MAXIMUM_NONE;
	bare_s = finance_round_seconds_rule(worked_s, &bare);
	*by = i64abs(billed_s) > i64abs(bare_s) ? BILLED_BY_MINIMUM :
		i64abs(billed_s) < i64abs(bare_s) ? BILLED_BY_MAXIMUM : BILLED_BY_RULE;
	return billed_s;
}

/* Round the sum of a group, and take off what its frozen entries were billed. */
static int64
seconds_to_spread(const Member *members, int nmembers, BilledBy *by)
{
	int64		worked_s = 0;
	int64		open_s = 0;
	int64		frozen_s = 0;
	int64		rest_s;

	for (int i = 0; i < nmembers; i++)
	{
		const RatingEntry *entry = members[i].entry;

		worked_s += entry->worked_s;
		if (entry->is_frozen)
			frozen_s += entry->frozen_s;
		else
			open_s += entry->worked_s;
	}
	rest_s = rounded_by(worked_s, &members[0].entry->terms->rounding, by) - frozen_s;

	/* work is never billed below nothing, nor a correction above it */
	if ((rest_s < 0 && open_s >= 0) || (rest_s > 0 && open_s <= 0))
		return 0;
	return rest_s;
}

/*
 * Share out billed seconds: each entry gets what it worked and, by the weight
 * of that, its part of the difference.  Weights are absolute, so a correction
 * inside the group shifts the others by no more than its own share.
 *
 * What is shared out is what is billed, and so an odd second that is billed
 * goes to the earlier entry, also where the group was rounded down; where it
 * is given back, in a group of corrections, all is the mirror of that.
 */
static void
spread(Member *members, int nmembers, int64 seconds, BilledBy by)
{
	int128	   *weights;
	int128	   *shares;
	int64		worked_s = 0;
	int64		weight_s = 0;
	int64		sign;

	for (int i = 0; i < nmembers; i++)
	{
		worked_s += members[i].entry->worked_s;
		weight_s += i64abs(members[i].entry->worked_s);
	}
	if (weight_s == 0)
		return;

	weights = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(int128) * nmembers, MCXT_ALLOC_HUGE);
	shares = MemoryContextAllocExtended(CurrentMemoryContext, sizeof(int128) * nmembers, MCXT_ALLOC_HUGE);
	for (int i = 0; i < nmembers; i++)
		weights[i] = i64abs(members[i].entry->worked_s);

	/* never below nothing: of a whole weight more, each entry gets its own more */
	sign = worked_s < 0 ? -1 : 1;
	if (!finance_spread_fixed((int128) sign * (seconds - worked_s) + weight_s, weights, nmembers, shares))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("what a group of %d entries bills is out of range", nmembers)));
	for (int i = 0; i < nmembers; i++)
	{
		RatingEntry *entry = members[i].entry;

		CHECK_FOR_INTERRUPTS();
		entry->billed_s = entry->worked_s + sign * (int64) (shares[i] - weights[i]);
		if (entry->billed_s != entry->worked_s)
			entry->billed_by = by;
	}
	pfree(weights);
	pfree(shares);
}
