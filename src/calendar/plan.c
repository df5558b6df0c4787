/*
 * plan.c
 *		Planning the days of a calendar.
 *
 * Rows of a date beat all rows of its weekday.  A row that runs past midnight
 * belongs to the day it starts on and covers the next morning, except where
 * the next day's own rows do.  What no row covers is off hours.  All this is
 * worked out when the document is read: each weekday, each date with rows of
 * its own and each day after one gets a plan, a list of spans that covers the
 * local day from 0:00 to 24:00.
 */
#include "finance.h"

#include "miscadmin.h"

#include "calendar_internal.h"

/* Find the rows that hold on a date: its own, else those of its weekday. */
static int
rows_of_date(const CalendarRows *week, const CalendarRows *days, DateADT day,
			 const CalendarRow **found)
{
	int			count = finance_calendar_rows_of(days, day, found);

	if (count == 0)
		return finance_calendar_rows_of(week, finance_iso_weekday(day), found);
	return (*found)->start_s < 0 ? 0 : count;
}

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
 * Lay out a local day: its own rows, in their gaps the row of the day before
 * that runs past midnight, elsewhere off hours.  Rows of one day do not
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

/* Plan every weekday, every date that has rows and every day after one. */
void
finance_calendar_plan(Calendar *calendar, const CalendarRows *week, const CalendarRows *days)
{
	calendar->days = palloc(Max(days->count, 1) * 2 * sizeof(DayPlan));

	for (int isodow = 1; isodow <= 7; isodow++)
	{
		const CalendarRow *own;
		const CalendarRow *before;
		int			own_count = finance_calendar_rows_of(week, isodow, &own);
		int			before_count = finance_calendar_rows_of(week, isodow == 1 ? 7 : isodow - 1, &before);

		calendar->week[isodow] = plan_day(calendar, before, before_count, own, own_count);
	}

	for (int i = 0; i < days->count; i++)
	{
		DateADT		day = days->rows[i].day;

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && days->rows[i - 1].day == day)
			continue;
		for (DateADT planned = day; planned <= day + 1; planned++)
		{
			const CalendarRow *own;
			const CalendarRow *before;
			int			own_count = rows_of_date(week, days, planned, &own);
			int			before_count = rows_of_date(week, days, planned - 1, &before);

			if (calendar->day_count > 0 &&
				calendar->days[calendar->day_count - 1].day >= planned)
				continue;
			calendar->days[calendar->day_count].day = planned;
			calendar->days[calendar->day_count++].first_span =
				plan_day(calendar, before, before_count, own, own_count);
		}
	}
}
