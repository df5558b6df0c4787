/*
 * split.c
 *		Splitting time into bands of the local day.
 *
 * An interval is cut where the zone changes its offset; between two changes the
 * local time is the instant plus a constant, and everything is integer
 * arithmetic on elapsed time.  An hour that spring skips is never seen, an hour
 * that autumn repeats is seen twice, and the parts always sum to the whole.
 */
#include "finance.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/memutils.h"

#include "calendar_internal.h"
#include "limit.h"

static const BandSpan *day_spans(const Calendar *calendar, DateADT day);
static int64 check_interval(TimestampTz started_at, TimestampTz ended_at);
static int	errdetail_interval(TimestampTz started_at, TimestampTz ended_at);
static char *interval_text(TimestampTz started_at, TimestampTz ended_at);
static void refuse_infinite_instant(TimestampTz at);
static void add_segment(const Calendar *calendar, bool at_midnight, DateADT day,
						int band_no, TimestampTz started_at, TimestampTz ended_at);
static void count_seconds(const Calendar *calendar, int64 elapsed_us);

#ifdef USE_ASSERT_CHECKING
/* Assert that segments follow one another and sum to the interval. */
static void
assert_segments(const CalendarScratch *scratch, TimestampTz started_at, TimestampTz ended_at)
{
	int64		seconds = 0;

	Assert(scratch->segment_count > 0);
	Assert(scratch->segments[0].started_at == started_at);
	Assert(scratch->segments[scratch->segment_count - 1].ended_at == ended_at);
	for (int i = 0; i < scratch->segment_count; i++)
	{
		const BandSegment *segment = &scratch->segments[i];

		Assert(i == 0 || segment->started_at == scratch->segments[i - 1].ended_at);
		Assert(segment->ended_at >= segment->started_at);
		Assert(segment->seconds >= 0);
		seconds += segment->seconds;
	}
	Assert(seconds == (ended_at - started_at) / USECS_PER_SEC);
}
#else
#define assert_segments(scratch, started_at, ended_at) ((void) 0)
#endif

/* Split [started_at, ended_at) into segments; see calendar.h. */
int
finance_calendar_split(const Calendar *calendar, TimestampTz started_at,
					   TimestampTz ended_at, bool at_midnight, BandSegment **segments)
{
	int64		elapsed_us = check_interval(started_at, ended_at);
	TimestampTz at = started_at;

	calendar->scratch->segment_count = 0;
	do
	{
		const ZonePeriod *period = finance_calendar_zone_period(calendar, at);
		TimestampTz period_end = Min(period->ended_at, ended_at);
		DateADT		day = finance_floor_div(at + period->offset_us, USECS_PER_DAY);
		TimestampTz midnight = day * USECS_PER_DAY - period->offset_us;
		const BandSpan *span = day_spans(calendar, day);

		while (at >= midnight + span->end_s * USECS_PER_SEC)
			span++;

		/* The clock runs evenly up to the end of the period. */
		do
		{
			TimestampTz until;

			CHECK_FOR_INTERRUPTS();
			until = Min(midnight + span->end_s * USECS_PER_SEC, period_end);

			add_segment(calendar, at_midnight, day, span->band_no, at, until);
			at = until;
			if (span->end_s < DAY_S)
				span++;
			else
			{
				day++;
				midnight += USECS_PER_DAY;
				span = day_spans(calendar, day);
			}
		} while (at < period_end);
	} while (at < ended_at);

	count_seconds(calendar, elapsed_us);
	assert_segments(calendar->scratch, started_at, ended_at);
	*segments = calendar->scratch->segments;
	return calendar->scratch->segment_count;
}

/* Tell the date that clocks of the calendar's zone show at an instant. */
DateADT
finance_calendar_local_date(const Calendar *calendar, TimestampTz at)
{
	refuse_infinite_instant(at);
	return finance_floor_div(at + finance_calendar_zone_period(calendar, at)->offset_us, USECS_PER_DAY);
}

/*
 * Tell the first instant whose local date is this one or a later one.  Where
 * the clock skips midnight that is the end of the gap, where it shows midnight
 * twice the first of the two.
 */
TimestampTz
finance_calendar_day_start(const Calendar *calendar, DateADT day)
{
	int64		local_us;
	TimestampTz at;

	/* Two days of room, so that no offset leads out of the range of instants. */
	if (day < DATETIME_MIN_JULIAN - POSTGRES_EPOCH_JDATE + 2 ||
		day > TIMESTAMP_END_JULIAN - POSTGRES_EPOCH_JDATE - 2)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("date out of range for a calendar")));
	local_us = (int64) day * USECS_PER_DAY;
	at = local_us - USECS_PER_DAY;	/* no offset is a day long */
	for (;;)
	{
		const ZonePeriod *period = finance_calendar_zone_period(calendar, at);
		TimestampTz candidate = Max(local_us - period->offset_us, at);

		if (candidate < period->ended_at)
			return candidate;
		at = period->ended_at;
	}
}

/* Find the spans of a local day. */
static const BandSpan *
day_spans(const Calendar *calendar, DateADT day)
{
	int			low = 0;
	int			high = calendar->day_count;

	/* Most days lie outside the dates with rows of their own. */
	if (high > 0 && day >= calendar->days[0].day && day <= calendar->days[high - 1].day)
	{
		while (low < high)
		{
			int			middle = low + (high - low) / 2;

			if (calendar->days[middle].day < day)
				low = middle + 1;
			else
				high = middle;
		}
		if (calendar->days[low].day == day)
			return &calendar->spans[calendar->days[low].first_span];
	}
	return &calendar->spans[calendar->week[finance_iso_weekday(day)]];
}

/* Refuse intervals that cannot be split; returns the elapsed microseconds. */
static int64
check_interval(TimestampTz started_at, TimestampTz ended_at)
{
	int64		elapsed_us;

	refuse_infinite_instant(started_at);
	refuse_infinite_instant(ended_at);
	if (ended_at < started_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the interval ends before it starts"),
				 errdetail_interval(started_at, ended_at)));
	if (pg_sub_s64_overflow(ended_at, started_at, &elapsed_us))
		elapsed_us = PG_INT64_MAX;
	finance_limit_check_at(LIMIT_INTERVAL_DAYS, (elapsed_us - 1) / USECS_PER_DAY + 1,
						   interval_text(started_at, ended_at));
	return elapsed_us;
}

/* Show an interval in the DETAIL of an error. */
static int
errdetail_interval(TimestampTz started_at, TimestampTz ended_at)
{
	char	   *start = pstrdup(timestamptz_to_str(started_at));

	return errdetail("It starts at %s and ends at %s.", start,
					 timestamptz_to_str(ended_at));
}

/* Show an interval at the beginning of a message. */
static char *
interval_text(TimestampTz started_at, TimestampTz ended_at)
{
	char	   *start = pstrdup(timestamptz_to_str(started_at));

	return psprintf("the interval from %s to %s", start, timestamptz_to_str(ended_at));
}

/* Refuse infinity where an instant is needed. */
static void
refuse_infinite_instant(TimestampTz at)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an infinite timestamp has no band and no local date")));
}

/* Append a segment, or lengthen the last one where nothing separates the two. */
static void
add_segment(const Calendar *calendar, bool at_midnight, DateADT day, int band_no,
			TimestampTz started_at, TimestampTz ended_at)
{
	CalendarScratch *scratch = calendar->scratch;
	BandSegment *segment;

	if (scratch->segment_count > 0)
	{
		segment = &scratch->segments[scratch->segment_count - 1];
		if (segment->band_no == band_no &&
			(!at_midnight || segment->local_date == day))
		{
			segment->ended_at = ended_at;
			return;
		}
	}
	if (scratch->segment_count >= scratch->segments_max)
	{
		int			segments_max = scratch->segments_max == 0 ? 16 : scratch->segments_max * 2;
		Size		size = segments_max * sizeof(BandSegment);

		scratch->segments = scratch->segments == NULL ?
			MemoryContextAlloc(GetMemoryChunkContext((void *) scratch), size) :
			repalloc(scratch->segments, size);
		scratch->segments_max = segments_max;
	}
	segment = &scratch->segments[scratch->segment_count++];
	segment->band = calendar->bands[band_no];
	segment->band_no = band_no;
	segment->local_date = day;
	segment->started_at = started_at;
	segment->ended_at = ended_at;
}

/*
 * Give the segments whole seconds that sum to those of the interval: each cut
 * is rounded on its own distance from the start, so no error adds up.
 */
static void
count_seconds(const Calendar *calendar, int64 elapsed_us)
{
	CalendarScratch *scratch = calendar->scratch;
	int64		elapsed_s = elapsed_us / USECS_PER_SEC;
	int64		counted_s = 0;

	for (int i = 0; i < scratch->segment_count; i++)
	{
		BandSegment *segment = &scratch->segments[i];
		int64		until_us = segment->ended_at - scratch->segments[0].started_at;
		int64		until_s = (until_us + USECS_PER_SEC / 2) / USECS_PER_SEC;

		until_s = Min(until_s, elapsed_s);
		segment->seconds = until_s - counted_s;
		counted_s = until_s;
	}
}
