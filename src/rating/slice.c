/*
 * slice.c
 *		Cutting an entry into slices of one band and one service period.
 *
 * Billed and worked seconds follow the clock on the wall: at each cut they are
 * the proportion of the time that has gone by, rounded to the second.  So the
 * parts sum exactly, and do not depend on how many cuts come before.
 */
#include "finance.h"

#include "miscadmin.h"
#include "rating.h"

static void add_part(Rating *rating, Terms *terms, const BandSegment *part);
static Slice *add_slice(Rating *rating, const Band *band, TimestampTz started_at,
						DateADT service_date, DateADT period_start);
static bool may_cross_periods(const RatingEntry *entry);
static void share_seconds(Rating *rating, const RatingEntry *entry);

/* Cut an entry into slices. */
void
finance_entry_slice(Rating *rating, const RatingEntry *entry)
{
	Terms	   *terms = entry->terms;
	bool		crosses;
	BandSegment *parts;
	int			nparts;

	rating->nslices = 0;
	crosses = entry->has_clock && may_cross_periods(entry);
	if (!entry->has_clock || (!terms->has_bands && !crosses))
	{
		Slice	   *slice = add_slice(rating, &terms->bands[terms->regular_no], entry->instant,
									  entry->work_date, entry->period_start);

		slice->worked_s = entry->worked_s;
		slice->billed_s = entry->billed_s;
		return;
	}

	/* midnight matters only where it begins another period */
	nparts = finance_calendar_split(terms->calendar, entry->started_at, entry->ended_at,
									crosses, &parts);
	for (int i = 0; i < nparts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		add_part(rating, terms, &parts[i]);
	}
	share_seconds(rating, entry);
}

/* Add a part to the slice before it, or as another one. */
static void
add_part(Rating *rating, Terms *terms, const BandSegment *part)
{
	const Band *band = &terms->bands[part->band_no];
	DateADT		period_start = finance_terms_period_start(terms, part->local_date);
	Slice	   *slice = rating->nslices > 0 ? &rating->slices[rating->nslices - 1] : NULL;

	if (slice == NULL || slice->band != band || slice->period_start != period_start)
		slice = add_slice(rating, band, part->started_at, part->local_date, period_start);
	slice->ended_at = part->ended_at;
}

/* Add an empty slice. */
static Slice *
add_slice(Rating *rating, const Band *band, TimestampTz started_at,
		  DateADT service_date, DateADT period_start)
{
	Slice	   *slice;

	if (rating->nslices == rating->slices_max)
	{
		rating->slices_max *= 2;
		rating->slices = repalloc(rating->slices, sizeof(Slice) * rating->slices_max);
	}
	slice = &rating->slices[rating->nslices++];
	slice->band = band;
	slice->started_at = started_at;
	slice->ended_at = started_at;
	slice->service_date = service_date;
	slice->period_start = period_start;
	return slice;
}

/*
 * May the entry touch two periods?  A day either side is allowed for, because
 * clocks that are set back at midnight show the day before once more.
 */
static bool
may_cross_periods(const RatingEntry *entry)
{
	Terms	   *terms = entry->terms;

	(void) finance_terms_period_start(terms, entry->work_date);
	return entry->work_date - 1 < terms->period_start ||
		finance_calendar_local_date(terms->calendar, entry->ended_at) + 1 >= terms->period_end;
}

/* Share out the entry's seconds by the time that goes by. */
static void
share_seconds(Rating *rating, const RatingEntry *entry)
{
	int128		elapsed_us = entry->ended_at - entry->started_at;
	int64		worked_s = 0;
	int64		billed_s = 0;

	for (int i = 0; i < rating->nslices; i++)
	{
		Slice	   *slice = &rating->slices[i];
		int128		gone_us = slice->ended_at - entry->started_at;
		int64		worked_end_s = entry->worked_s;
		int64		billed_end_s = entry->billed_s;

		CHECK_FOR_INTERRUPTS();
		if (gone_us < elapsed_us)
		{
			worked_end_s = (int64) finance_fixed_div_round(gone_us * entry->worked_s, elapsed_us);
			billed_end_s = (int64) finance_fixed_div_round(gone_us * entry->billed_s, elapsed_us);
		}
		slice->worked_s = worked_end_s - worked_s;
		slice->billed_s = billed_end_s - billed_s;
		worked_s = worked_end_s;
		billed_s = billed_end_s;
	}
}
