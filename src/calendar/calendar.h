/*
 * calendar.h
 *		Business calendars: which band of the day an instant falls in.
 *
 * A calendar is built once per statement from its jsonb document and then
 * answers without allocating.  It lives in the memory context it was made in.
 */
#ifndef FINANCE_CALENDAR_H
#define FINANCE_CALENDAR_H

#include "datatype/timestamp.h"
#include "utils/date.h"
#include "utils/jsonb.h"

#include "jsondoc.h"

/* The band of every instant that no row of the calendar covers. */
#define FINANCE_OFF_HOURS "off_hours"
#define FINANCE_OFF_HOURS_NO 0

/* The band of a calendar that was not given: one rate around the clock. */
#define FINANCE_REGULAR "regular"

typedef struct Calendar Calendar;

/* A part of an interval that lies in one band. */
typedef struct BandSegment
{
	const char *band;			/* name, owned by the calendar */
	int			band_no;		/* 0 .. finance_calendar_band_count() - 1 */
	DateADT		local_date;		/* the local date of its start */
	TimestampTz started_at;
	TimestampTz ended_at;		/* not part of the segment */
	int64		seconds;
} BandSegment;

/*
 * Build a calendar from a document of its own, or from an object inside one;
 * NULL is UTC, and without a week every hour is "regular".
 */
extern Calendar *finance_calendar_parse(Jsonb *document);
extern Calendar *finance_calendar_read(const JsonNode *document);

/*
 * Split [started_at, ended_at) at the borders of bands and, where asked, at
 * local midnight.  Returns the number of segments, at least one; the array
 * belongs to the calendar and holds until the next split.
 */
extern int	finance_calendar_split(const Calendar *calendar,
								   TimestampTz started_at, TimestampTz ended_at,
								   bool at_midnight, BandSegment **segments);

/* The date that clocks of the calendar's zone show at an instant. */
extern DateADT finance_calendar_local_date(const Calendar *calendar, TimestampTz at);

/* The first instant whose local date is this one or a later one. */
extern TimestampTz finance_calendar_day_start(const Calendar *calendar, DateADT day);

/* Bands are numbered from 0; the number of a name is -1 when it has none. */
extern int	finance_calendar_band_count(const Calendar *calendar);
extern int	finance_calendar_span_count(const Calendar *calendar);
extern const char *finance_calendar_band(const Calendar *calendar, int band_no);
extern int	finance_calendar_band_no(const Calendar *calendar, const char *band);

#endif							/* FINANCE_CALENDAR_H */
