/*
 * zone.c
 *		Time zones: finding one by its name, and its offset at an instant.
 */
#include "finance.h"

#include "utils/datetime.h"

#include "calendar_internal.h"

/* From the Unix epoch to that of PostgreSQL. */
#define EPOCH_SHIFT_S \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

PG_FUNCTION_INFO_V1(finance_is_zone);

/* is_zone(zone text) -> boolean: is this a time zone that the server knows? */
Datum
finance_is_zone(PG_FUNCTION_ARGS)
{
	text	   *zone = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(finance_calendar_zone(VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone)) != NULL);
}

/*
 * Find a time zone by its IANA name; NULL when the server has none of that
 * name.  The colon keeps PostgreSQL from reading the name as a POSIX rule,
 * where "UTC+3" would silently mean three hours west.
 */
pg_tz *
finance_calendar_zone(const char *zone, size_t length)
{
	char		name[TZ_STRLEN_MAX + 1];
	pg_tz	   *found;

	if (length == 0 || length >= TZ_STRLEN_MAX || zone[0] == ':' ||
		memchr(zone, '\0', length) != NULL)
		return NULL;
	name[0] = ':';
	memcpy(name + 1, zone, length);
	name[length + 1] = '\0';

	found = pg_tzset(name);
	return found != NULL && pg_tz_acceptable(found) ? found : NULL;
}

/*
 * Find the stretch of one offset around an instant.  Work comes in time order,
 * so that of the last question mostly answers this one.
 */
const ZonePeriod *
finance_calendar_zone_period(const Calendar *calendar, TimestampTz at)
{
	ZonePeriod *period = &calendar->scratch->period;
	pg_time_t	at_s = finance_floor_div(at, USECS_PER_SEC) + EPOCH_SHIFT_S;
	pg_time_t	change_s;
	long int	before_s;
	long int	after_s;
	int			before_dst;
	int			after_dst;
	struct pg_tm *local;

	if (at >= period->started_at && at < period->ended_at)
		return period;
	if (calendar->zone == NULL)
	{
		period->started_at = PG_INT64_MIN;
		period->ended_at = PG_INT64_MAX;
		return period;
	}

	local = pg_localtime(&at_s, calendar->zone);
	if (local == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range for time zone \"%s\"",
						pg_get_timezone_name(calendar->zone))));
	period->offset_us = local->tm_gmtoff * USECS_PER_SEC;
	period->started_at = at;
	period->ended_at = PG_INT64_MAX;
	if (pg_next_dst_boundary(&at_s, &before_s, &before_dst, &change_s,
							 &after_s, &after_dst, calendar->zone) == 1 &&
		change_s - EPOCH_SHIFT_S < PG_INT64_MAX / USECS_PER_SEC)
		period->ended_at = (change_s - EPOCH_SHIFT_S) * USECS_PER_SEC;
	return period;
}
