/*
 * assert.c
 *		What holds of every entry that was rated, and of every one that was not;
 *		checked where the server's assertions are on.
 */
#include "finance.h"

#include "segment.h"

#ifdef USE_ASSERT_CHECKING

static void assert_segment(const Segment *segment);
static void assert_cap(const CapUse *use, const Segment *segment);

/*
 * Assert what holds of every entry that was rated: its parts sum to it, but
 * for what a band's minimum raises, and nothing is worked or billed twice.
 */
void
finance_assert_rated(const Rating *rating, const RatingEntry *entry)
{
	int64		worked_s = 0;
	int64		shared_s = 0;
	int			at = 0;

	for (int i = 0; i < rating->slices.nslices; i++)
	{
		const Slice *slice = &rating->slices.slices[i];
		int64		billed_s = 0;

		for (; at < rating->nsegments && rating->segments[at].slice == slice; at++)
		{
			assert_segment(&rating->segments[at]);
			worked_s += rating->segments[at].worked_s;
			billed_s += rating->segments[at].billed_s;
		}
		if (entry->disposition != DISPOSITION_BILLABLE)
			Assert(billed_s == 0);
		else
			Assert(slice->billed_s > 0 ? billed_s >= slice->billed_s : billed_s == slice->billed_s);
		shared_s += slice->billed_s;
	}
	Assert(at == rating->nsegments);
	Assert(worked_s == entry->worked_s);
	Assert(shared_s == entry->billed_s);
}

/* Assert what holds of every segment: what covers it, and what it may cost. */
static void
assert_segment(const Segment *segment)
{
	const Account *account = segment->contract->account;
	bool		is_billable = segment->coverage == COVERAGE_BILLABLE;
	bool		is_covered = segment->coverage == COVERAGE_INCLUDED ||
		segment->coverage == COVERAGE_PREPAID;

	/* what a fixed price includes takes nothing, and bills no time */
	Assert(segment->allotment == NULL || is_covered);
	is_covered = segment->allotment != NULL;
	Assert(segment->coverage != COVERAGE_PREPAID || is_covered);
	Assert(segment->coverage != COVERAGE_INCLUDED || is_covered || segment->billed_s == 0);
	Assert(is_billable || segment->amount == 0);
	if (is_covered)
	{
		Assert(segment->billed_s > 0 && segment->burned >= 0);
		Assert(segment->allotment->account == account);
		Assert(segment->allotment->remaining >= 0 &&
			   segment->allotment->remaining + segment->burned <= segment->allotment->granted);
	}

	if (is_billable)
	{
		assert_cap(&account->life, segment);
		if (segment->period != NULL)
			assert_cap(&segment->period->use, segment);
	}
}

/* Assert that a cap holds; what was used before the call may be over it, then nothing is added. */
static void
assert_cap(const CapUse *use, const Segment *segment)
{
	Assert(!use->cap.has_amount || segment->amount <= 0 || use->amount <= use->cap.amount);
	Assert(!use->cap.has_seconds || segment->billed_s <= 0 || use->seconds <= use->cap.seconds);
}

/* Assert that nothing of an entry that could not be rated is missing from what is eaten. */
void
finance_assert_given_back(const Rating *rating)
{
	for (int i = 0; i < rating->nsegments; i++)
	{
		const Allotment *allotment = rating->segments[i].allotment;

		Assert(allotment == NULL ||
			   (allotment->remaining >= rating->segments[i].burned &&
				allotment->remaining <= allotment->granted));
	}
}

#endif
