/*
 * draw.c
 *		Drawing on the allotments of a contract, in the order of eating.
 *
 * An allotment covers work while it holds: a slice is cut where one that the
 * work may draw on begins or ends, at the billed second that the clock has come
 * to.  So the order of eating is asked anew wherever its answer may change, and
 * nowhere else: what begins after one that covers is not looked at.
 */
#include "finance.h"

#include "miscadmin.h"
#include "segment.h"

static bool draw_on(SliceRating *work, Allotment *allotment);
static int64 billed_before(const SliceRating *work, TimestampTz at);
static bool draw_money(SliceRating *work, Allotment *allotment, int64 seconds);
static void draw_seconds(SliceRating *work, Allotment *allotment, int64 seconds);
static void add_covered(SliceRating *work, Allotment *allotment, int64 covered_s, int128 burned);

/*
 * Draw on the contract's allotments, one after another, and tell in until_s how
 * far that is settled: to where one begins that would have been eaten before.
 */
bool
finance_slice_draw(SliceRating *work)
{
	Account    *account = work->contract->account;
	const Slice *slice = work->slice;
	int			i;
	bool		is_priced = true;

	work->until_s = work->billed_s;
	if (account->nallotments == 0 || work->billed_s <= 0)
		return true;
	finance_account_open(account, work->entry, work->entry->instant,
						 Max(slice->started_at, account->draw_from), slice->ended_at);
	for (i = account->first; i < account->nlive && work->done_s < work->until_s && is_priced; i++)
	{
		CHECK_FOR_INTERRUPTS();
		is_priced = draw_on(work, account->live[i]);
	}
	account->nscanned = Max(account->nscanned, i);
	return is_priced;
}

/* Go on from an instant within the slice: another day may have another price. */
void
finance_slice_go_on(SliceRating *work, TimestampTz at)
{
	DateADT		day = finance_calendar_local_date(work->entry->terms->calendar, at);

	if (day == work->service_date)
		return;
	work->service_date = day;
	memset(&work->price, 0, sizeof(HourPrice));
}

/* Draw on an allotment where it holds, as far as what comes before it is not there yet. */
static bool
draw_on(SliceRating *work, Allotment *allotment)
{
	int64		from_s;
	int64		to_s;
	bool		is_priced = true;

	if (!finance_allotment_fits(allotment, work->entry->has_work_type, work->entry->work_type))
		return true;
	from_s = billed_before(work, allotment->effective_at);
	to_s = billed_before(work, allotment->expires_at);
	if (to_s <= from_s || to_s <= work->done_s || from_s >= work->until_s)
		return true;
	if (from_s > work->done_s)
	{
		work->until_s = from_s;
		work->until_at = allotment->effective_at;
		return true;
	}

	if (allotment->is_money)
		is_priced = draw_money(work, allotment, Min(to_s, work->until_s) - work->done_s);
	else
		draw_seconds(work, allotment, Min(to_s, work->until_s) - work->done_s);
	if (work->done_s == to_s && to_s < work->until_s)
		finance_slice_go_on(work, allotment->expires_at);
	return is_priced;
}

/*
 * Count the seconds that the slice bills before an instant.  They follow the
 * clock on the wall, as at every other cut; what a minimum raises lies evenly
 * over the slice.  Work before draw_from is as if done then.
 */
static int64
billed_before(const SliceRating *work, TimestampTz at)
{
	const Slice *slice = work->slice;

	if (at <= slice->started_at || at <= work->contract->account->draw_from)
		return 0;
	if (at >= slice->ended_at)
		return work->billed_s;
	if (work->is_raised)
		return (int64) finance_fixed_div_round((int128) (at - slice->started_at) * work->billed_s,
											   slice->ended_at - slice->started_at);
	return finance_entry_billed_before(work->entry, at) - slice->billed_before_s;
}

/* Draw seconds, each of which weighs what the band says. */
static void
draw_seconds(SliceRating *work, Allotment *allotment, int64 seconds)
{
	AllotmentCut cut;

	if (!finance_split_at_fixed(seconds, (int64) allotment->remaining, work->effect.burn, &cut))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("what entry " INT64_FORMAT " burns is out of range", work->entry->id)));
	if (cut.covered_s > 0)
		add_covered(work, allotment, cut.covered_s, cut.burned_s);
}

/*
 * Draw money: all that the seconds cost, or the whole seconds that the money
 * buys.  Work that costs nothing needs no money.
 */
static bool
draw_money(SliceRating *work, Allotment *allotment, int64 seconds)
{
	int128		burned;
	int64		covered_s = seconds;

	if (!finance_hour_price(work))
		return false;
	if (work->price.rate <= 0)
		return true;

	burned = finance_slice_amount(work, seconds);
	if (burned > allotment->remaining)
	{
		int			exponent = work->entry->terms->exponent;

		covered_s = finance_rate_affords(allotment->remaining, work->price.rate, exponent, seconds);
		burned = finance_rate_value(covered_s, work->price.rate, RATE_SCALE, exponent);
		/* what was bought is worth no more than the money, which is in whole units */
		Assert(burned <= allotment->remaining);
	}
	if (covered_s > 0)
		add_covered(work, allotment, covered_s, burned);
	return true;
}

/* Add a segment that an allotment covers; its price was the fee or the block. */
static void
add_covered(SliceRating *work, Allotment *allotment, int64 covered_s, int128 burned)
{
	Segment    *segment = finance_segment_add(work, allotment->is_prepaid ? COVERAGE_PREPAID :
											  COVERAGE_INCLUDED, covered_s);

	segment->price = segment->rate = int64_to_numeric(0);
	segment->allotment = allotment;
	segment->burned = burned;
	segment->why = finance_why_covered(work, allotment);
	allotment->remaining -= burned;
}
