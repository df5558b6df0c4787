/*
 * iso.c
 *		Dates and instants as ISO 8601 text, whatever the session's settings.
 *
 * PostgreSQL writes and reads dates by DateStyle and TimeZone, which each
 * session chooses.  What is stored, compared or exported must not depend on
 * that, so it is written and read here, and the functions are immutable.
 */
#include "finance.h"

#include <ctype.h>

#include "iso.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#define ISO_DATE_BYTES 10		/* 2026-01-31 */

PG_FUNCTION_INFO_V1(finance_iso);
PG_FUNCTION_INFO_V1(finance_iso_date);
PG_FUNCTION_INFO_V1(finance_iso_instant);

static const char *read_digits(const char *at, int ndigits_min, int ndigits_max, int *value);
static const char *read_day(const char *at, int *julian);
static const char *read_time(const char *at, int64 *time_us);
static const char *read_offset(const char *at, int64 *offset_us);

/*
 * iso(date) -> text: the date as YYYY-MM-DD, or "infinity" and "-infinity"; a
 * year of more digits or before Christ is written as date_out() writes it.
 */
Datum
finance_iso(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(finance_write_date(PG_GETARG_DATEADT(0))));
}

/*
 * iso_date(text) -> date: what YYYY-MM-DD says, NULL when the text is not
 * that, or there is no such day.  Raises nothing.
 */
Datum
finance_iso_date(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	DateADT		date;

	if (strlen(source) != ISO_DATE_BYTES || !finance_read_date(source, &date))
		PG_RETURN_NULL();
	PG_RETURN_DATEADT(date);
}

/*
 * iso_instant(text) -> timestamptz: what YYYY-MM-DDTHH:MM[:SS[.ffffff]] and an
 * offset (Z, +HH, +HH:MM, +HHMM) say, NULL when the text is not that, or there
 * is no such instant.  Raises nothing.
 */
Datum
finance_iso_instant(PG_FUNCTION_ARGS)
{
	char	   *source = text_to_cstring(PG_GETARG_TEXT_PP(0));
	TimestampTz instant;

	if (strcspn(source, "T ") != ISO_DATE_BYTES || !finance_read_instant(source, &instant))
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(instant);
}

/* Write a date as ISO 8601 does, in memory of the caller's context. */
char *
finance_write_date(DateADT date)
{
	char		text[MAXDATELEN + 1];
	struct pg_tm tm = {0};

	if (DATE_NOT_FINITE(date))
		EncodeSpecialDate(date, text);
	else
	{
		j2date(date + POSTGRES_EPOCH_JDATE, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		EncodeDateOnly(&tm, USE_ISO_DATES, text);
	}
	return pstrdup(text);
}

/* Read a text that is a date and nothing else; false when it is none. */
bool
finance_read_date(const char *text, DateADT *date)
{
	int			julian;
	const char *at = read_day(text, &julian);

	if (at == NULL || *at != '\0')
		return false;
	*date = julian - POSTGRES_EPOCH_JDATE;
	return true;
}

/*
 * Read a text that is an instant and nothing else; false when it is none.  The
 * offset is required: without it the text would mean another instant in
 * another session.
 */
bool
finance_read_instant(const char *text, TimestampTz *instant)
{
	int			julian;
	int64		time_us = 0;
	int64		offset_us = 0;
	int128		instant_us;
	const char *at = read_day(text, &julian);

	at = at != NULL && (*at == 'T' || *at == ' ') ? read_time(at + 1, &time_us) : NULL;
	at = at != NULL ? read_offset(at, &offset_us) : NULL;
	if (at == NULL || *at != '\0')
		return false;
	instant_us = (int128) (julian - POSTGRES_EPOCH_JDATE) * USECS_PER_DAY + time_us - offset_us;
	if (!IS_VALID_TIMESTAMP(instant_us))
		return false;
	*instant = (TimestampTz) instant_us;
	return true;
}

/* Read a run of digits; NULL when there are too few or too many. */
static const char *
read_digits(const char *at, int ndigits_min, int ndigits_max, int *value)
{
	int			ndigits = 0;

	*value = 0;
	for (; isdigit((unsigned char) *at); at++)
	{
		if (++ndigits > ndigits_max)
			return NULL;
		*value = *value * 10 + (*at - '0');
	}
	return ndigits >= ndigits_min ? at : NULL;
}

/* Read "2026-01-31" as a Julian day. */
static const char *
read_day(const char *at, int *julian)
{
	int			year;
	int			month;
	int			day;

	at = read_digits(at, 4, 6, &year);
	at = at != NULL && *at == '-' ? read_digits(at + 1, 2, 2, &month) : NULL;
	at = at != NULL && *at == '-' ? read_digits(at + 1, 2, 2, &day) : NULL;
	if (at == NULL || year < 1 || month < 1 || month > MONTHS_PER_YEAR ||
		day < 1 || day > day_tab[isleap(year)][month - 1] ||
		!IS_VALID_JULIAN(year, month, day))
		return NULL;
	*julian = date2j(year, month, day);
	return at;
}

/* Read "09:00", "09:00:00" or "09:00:00.123456"; a leap second is the next one. */
static const char *
read_time(const char *at, int64 *time_us)
{
	int			hour;
	int			minute = 0;
	int			second = 0;
	int64		fraction_us = 0;

	at = read_digits(at, 2, 2, &hour);
	at = at != NULL && *at == ':' ? read_digits(at + 1, 2, 2, &minute) : NULL;
	if (at != NULL && *at == ':')
	{
		at = read_digits(at + 1, 2, 2, &second);
		if (at != NULL && *at == '.' && isdigit((unsigned char) at[1]))
		{
			int64		unit_us = USECS_PER_SEC / 10;

			for (at++; isdigit((unsigned char) *at); at++, unit_us /= 10)
				fraction_us += (*at - '0') * unit_us;
		}
	}
	if (at == NULL || hour > 24 || minute > 59 || second > 60)
		return NULL;
	*time_us = (hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second) * USECS_PER_SEC +
		fraction_us;
	return *time_us <= USECS_PER_DAY ? at : NULL;
}

/* Read "Z", "+02", "+0200", "+02:00" or "+02:00:00". */
static const char *
read_offset(const char *at, int64 *offset_us)
{
	int			sign = *at == '-' ? -1 : 1;
	int			hour = 0;
	int			minute = 0;
	int			second = 0;

	if (*at == 'Z')
		at++;
	else if (*at == '+' || *at == '-')
	{
		int			hour_minute;
		const char *end = read_digits(at + 1, 4, 4, &hour_minute);

		if (end != NULL)
		{
			hour = hour_minute / 100;
			minute = hour_minute % 100;
			at = end;
		}
		else
		{
			at = read_digits(at + 1, 2, 2, &hour);
			if (at != NULL && *at == ':')
				at = read_digits(at + 1, 2, 2, &minute);
			if (at != NULL && *at == ':')
				at = read_digits(at + 1, 2, 2, &second);
		}
	}
	else
		at = NULL;
	if (at == NULL || hour > 15 || minute > 59 || second > 59)
		return NULL;
	*offset_us = sign *
		(hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second) * USECS_PER_SEC;
	return at;
}
