/*
 * plan.c
 *		Planning the days of a calendar.
 *
 * Rows of a weekday that run past midnight belong to the day they start on and
 * cover the next morning, except where the next day's own rows do.  The rows of
 * a date replace the whole of it: the night of the day before does not reach
 * into it, and its own rows end with it; the days around are what they are in
 * every week.  What no row covers is off hours.  All this is worked out when the
 * document is read: each weekday and each date with rows of its own gets a plan,
 * a list of spans that covers the local day from 0:00 to 24:00.
 */
#include "finance.h"

#include "miscadmin.h"

#include "calendar_internal.h"

/* Append a span to the plan under way, or lengthen its last one; returns its end. */
static int
add_span(Calendar *calendar, int first_span, int32 end_s, int32 band_no)
{
	if (calendar->span_count > first_span &&
		calendar->spans[calendar->span_count - 1].band_no == band_no)
	{
		calendar->spans[calendar->span_count - 1].end_s = end_s;
		return end_s;
	}
	if (calendar->span_count >= calendar->spans_max)
	{
		calendar->spans_max = calendar->spans_max == 0 ? 32 : calendar->spans_max * 2;
		calendar->spans = calendar->spans == NULL ?
			palloc(calendar->spans_max * sizeof(BandSpan)) :
			repalloc(calendar->spans, calendar->spans_max * sizeof(BandSpan));
	}
	calendar->spans[calendar->span_count].end_s = end_s;
	calendar->spans[calendar->span_count++].band_no = band_no;
	return end_s;
}

#ifdef USE_ASSERT_CHECKING
/* Assert that the spans of the day planned last cover it from 0:00 to 24:00. */
static void
assert_day(const Calendar *calendar, int first_span)
{
	Assert(calendar->span_count > first_span);
	for (int i = first_span; i < calendar->span_count; i++)
	{
		Assert(calendar->spans[i].end_s > (i == first_span ? 0 : calendar->spans[i - 1].end_s));
		Assert(calendar->spans[i].band_no >= 0 && calendar->spans[i].band_no < calendar->band_count);
	}
	Assert(calendar->spans[calendar->span_count - 1].end_s == DAY_S);
}
#else
#define assert_day(calendar, first_span) ((void) 0)
#endif

/*
 * Lay out a local day: its own rows up to midnight, in their gaps the row of the
 * day before that runs past it, elsewhere off hours.  Rows of one day do not
 * overlap, so only the last one can run past midnight.
 */
static int
plan_day(Calendar *calendar, const CalendarRow *before, int before_count,
		 const CalendarRow *own, int own_count)
{
	int			first_span = calendar->span_count;
	int32		spill_s = 0;
	int32		spill_band_no = FINANCE_OFF_HOURS_NO;
	int32		at_s = 0;

	if (before_count > 0)
	{
		spill_s = before[before_count - 1].end_s - DAY_S;
		spill_band_no = before[before_count - 1].band_no;
	}

	for (int i = 0; i <= own_count; i++)
	{
		int32		gap_end_s = i < own_count ? own[i].start_s : DAY_S;

		if (at_s < gap_end_s && at_s < spill_s)
			at_s = add_span(calendar, first_span, Min(spill_s, gap_end_s), spill_band_no);
		if (at_s < gap_end_s)
			at_s = add_span(calendar, first_span, gap_end_s, FINANCE_OFF_HOURS_NO);
		if (i < own_count)
			at_s = add_span(calendar, first_span, Min(own[i].end_s, DAY_S), own[i].band_no);
	}
	assert_day(calendar, first_span);
	return first_span;
}

/* Plan every weekday, and every date that has rows or is closed. */
void
finance_calendar_plan(Calendar *calendar, const CalendarRows *week, const CalendarRows *days)
{
	const CalendarRow *own;
	const CalendarRow *before;
	int			own_count;

	for (int isodow = 1; isodow <= 7; isodow++)
	{
		int			before_count = finance_calendar_rows_of(week, isodow == 1 ? 7 : isodow - 1, &before);

		own_count = finance_calendar_rows_of(week, isodow, &own);
		calendar->week[isodow] = plan_day(calendar, before, before_count, own, own_count);
	}

	calendar->days = palloc(Max(days->count, 1) * sizeof(DayPlan));
	for (int i = 0; i < days->count; i += own_count)
	{
		DayPlan    *plan = &calendar->days[calendar->day_count++];
		bool		is_closed;

		CHECK_FOR_INTERRUPTS();
		own_count = finance_calendar_rows_of(days, days->rows[i].day, &own);
		is_closed = own->start_s < 0;
		plan->day = own->day;
		plan->first_span = plan_day(calendar, NULL, 0, own, is_closed ? 0 : own_count);
	}
}
