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
#include "slice.h"

static void add_part(Slices *slices, Terms *terms, const BandSegment *part);
static Slice *add_slice(Slices *slices, const Band *band, TimestampTz started_at,
						DateADT service_date, DateADT period_start);
static bool may_cross_periods(const RatingEntry *entry);
static void share_seconds(Slices *slices, const RatingEntry *entry);

/* Make room for slices, of one entry after another. */
void
finance_slices_init(Slices *slices)
{
	slices->nslices = 0;
	slices->slices_max = 16;
	slices->slices = palloc(sizeof(Slice) * slices->slices_max);
}

/* Cut an entry into slices, instead of those of the entry before. */
void
finance_entry_slice(Slices *slices, const RatingEntry *entry)
{
	Terms	   *terms = entry->terms;
	bool		crosses;
	BandSegment *parts;
	int			nparts;

	slices->nslices = 0;
	crosses = entry->has_clock && may_cross_periods(entry);
	if (!entry->has_clock || (!terms->has_bands && !crosses))
	{
		Slice	   *slice = add_slice(slices, &terms->bands[terms->regular_no], entry->instant,
									  entry->work_date, entry->period_start);

		slice->ended_at = entry->has_clock ? entry->ended_at : entry->instant;
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
		add_part(slices, terms, &parts[i]);
	}
	share_seconds(slices, entry);
}

/* Add a part to the slice before it, or as another one. */
static void
add_part(Slices *slices, Terms *terms, const BandSegment *part)
{
	const Band *band = &terms->bands[part->band_no];
	DateADT		period_start = finance_terms_period_start(terms, part->local_date);
	Slice	   *slice = slices->nslices > 0 ? &slices->slices[slices->nslices - 1] : NULL;

	if (slice == NULL || slice->band != band || slice->period_start != period_start)
		slice = add_slice(slices, band, part->started_at, part->local_date, period_start);
	slice->ended_at = part->ended_at;
}

/* Add an empty slice. */
static Slice *
add_slice(Slices *slices, const Band *band, TimestampTz started_at,
		  DateADT service_date, DateADT period_start)
{
	Slice	   *slice;

	if (slices->nslices == slices->slices_max)
	{
		slices->slices_max *= 2;
		slices->slices = repalloc(slices->slices, sizeof(Slice) * slices->slices_max);
	}
	slice = &slices->slices[slices->nslices++];
	slice->band = band;
	slice->started_at = started_at;
	slice->ended_at = started_at;
	slice->service_date = service_date;
	slice->period_start = period_start;
	slice->billed_before_s = 0;
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

/* Count the seconds that an entry with a clock bills before an instant of it. */
int64
finance_entry_billed_before(const RatingEntry *entry, TimestampTz at)
{
	return (int64) finance_fixed_div_round((int128) (at - entry->started_at) * entry->billed_s,
										   entry->ended_at - entry->started_at);
}

/* Share out the entry's seconds by the time that goes by. */
static void
share_seconds(Slices *slices, const RatingEntry *entry)
{
	int128		elapsed_us = entry->ended_at - entry->started_at;
	int64		worked_s = 0;
	int64		billed_s = 0;

	for (int i = 0; i < slices->nslices; i++)
	{
		Slice	   *slice = &slices->slices[i];
		int128		gone_us = slice->ended_at - entry->started_at;
		int64		worked_end_s = entry->worked_s;
		int64		billed_end_s = entry->billed_s;

		CHECK_FOR_INTERRUPTS();
		if (gone_us < elapsed_us)
		{
			worked_end_s = (int64) finance_fixed_div_round(gone_us * entry->worked_s, elapsed_us);
			billed_end_s = finance_entry_billed_before(entry, slice->ended_at);
		}
		slice->worked_s = worked_end_s - worked_s;
		slice->billed_s = billed_end_s - billed_s;
		slice->billed_before_s = billed_s;
		worked_s = worked_end_s;
		billed_s = billed_end_s;
	}
}
