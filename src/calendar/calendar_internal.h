/*
 * calendar_internal.h
 *		What the files of calendars share: read.c and row.c read the document,
 *		plan.c lays out the days, zone.c knows offsets, split.c cuts time.
 */
#ifndef FINANCE_CALENDAR_INTERNAL_H
#define FINANCE_CALENDAR_INTERNAL_H

#include "finance.h"

#include "calendar.h"
#include "limit.h"
#include "pgtime.h"

#define DAY_S 86400

/* A row of the document; its day is an ISO weekday or a date. */
typedef struct CalendarRow
{
	int32		day;
	int32		start_s;		/* -1 marks a closed date */
	int32		end_s;			/* beyond DAY_S when past midnight */
	int32		band_no;
} CalendarRow;

/* Rows in order of day and start. */
typedef struct CalendarRows
{
	CalendarRow *rows;
	int			count;
	int			count_max;
} CalendarRows;

/* Where a band ends within a day. */
typedef struct BandSpan
{
	int32		end_s;
	int32		band_no;
} BandSpan;

/* The spans of a local day. */
typedef struct DayPlan
{
	DateADT		day;
	int			first_span;
} DayPlan;

/* A stretch of time with one offset from UTC. */
typedef struct ZonePeriod
{
	TimestampTz started_at;
	TimestampTz ended_at;
	int64		offset_us;		/* local time = instant + offset */
} ZonePeriod;

/* What splitting changes: the last offset found and the segments' buffer. */
typedef struct CalendarScratch
{
	ZonePeriod	period;
	BandSegment *segments;
	int			segments_max;
	int			segment_count;
} CalendarScratch;

struct Calendar
{
	pg_tz	   *zone;			/* NULL is UTC */
	char	   *bands[CALENDAR_BANDS_MAX];
	int			band_count;
	BandSpan   *spans;
	int			span_count;
	int			spans_max;
	int			week[8];		/* first span by ISO weekday; 0 is not used */
	DayPlan    *days;			/* in order of day */
	int			day_count;
	CalendarScratch *scratch;
};

/* zone.c */
extern pg_tz *finance_calendar_zone(const char *zone, size_t length);
extern const ZonePeriod *finance_calendar_zone_period(const Calendar *calendar, TimestampTz at);

/* row.c */
extern int	finance_calendar_intern_band(Calendar *calendar, const JsonNode *node, const char *band);
extern void finance_calendar_add_row(CalendarRows *rows, CalendarRow row);
extern void finance_calendar_sort_rows(const Calendar *calendar, const JsonNode *document,
									   CalendarRows *rows, bool weekday);
extern int	finance_calendar_rows_of(const CalendarRows *rows, int32 day, const CalendarRow **found);

/* plan.c */
extern void finance_calendar_plan(Calendar *calendar, const CalendarRows *week,
								  const CalendarRows *days);

/* Tell the ISO weekday of a date, 1 (Monday) to 7; 2000-01-01 was a Saturday. */
static inline int
finance_iso_weekday(DateADT day)
{
	return (int) (((int64) day + 5) % 7 + 7) % 7 + 1;
}

/* Divide, rounding down; the divisor is positive. */
static inline int64
finance_floor_div(int64 dividend, int64 divisor)
{
	int64		quotient = dividend / divisor;

	return quotient - (dividend % divisor < 0);
}

#endif							/* FINANCE_CALENDAR_INTERNAL_H */
