/*
 * row.c
 *		The rows of a calendar's document, in order and free of overlaps.
 */
#include "finance.h"

#include "utils/datetime.h"

#include "calendar_internal.h"

/* Find the number of a band, giving it the next one when it is new; node is where it is named. */
int
finance_calendar_intern_band(Calendar *calendar, const JsonNode *node, const char *band)
{
	int			band_no = finance_calendar_band_no(calendar, band);

	if (band_no >= 0)
		return band_no;
	finance_limit_check_at(LIMIT_CALENDAR_BANDS, calendar->band_count + 1, finance_json_place(node));
	calendar->bands[calendar->band_count] = pstrdup(band);
	return calendar->band_count++;
}

/* Append a row. */
void
finance_calendar_add_row(CalendarRows *rows, CalendarRow row)
{
	if (rows->count >= rows->count_max)
	{
		rows->count_max = rows->count_max == 0 ? 16 : rows->count_max * 2;
		rows->rows = rows->rows == NULL ?
			palloc(rows->count_max * sizeof(CalendarRow)) :
			repalloc(rows->rows, rows->count_max * sizeof(CalendarRow));
	}
	rows->rows[rows->count++] = row;
}

/* Compare two rows by day, then start, then end. */
static int
compare_rows(const void *left, const void *right)
{
	const CalendarRow *a = left;
	const CalendarRow *b = right;

	if (a->day != b->day)
		return a->day < b->day ? -1 : 1;
	if (a->start_s != b->start_s)
		return a->start_s < b->start_s ? -1 : 1;
	return (a->end_s > b->end_s) - (a->end_s < b->end_s);
}

/* Name a weekday or a date in a message. */
static char *
day_name(int32 day, bool weekday)
{
	int			year;
	int			month;
	int			month_day;

	if (weekday)
		return psprintf("weekday %d", day);
	j2date(day + POSTGRES_EPOCH_JDATE, &year, &month, &month_day);
	return psprintf("%04d-%02d-%02d", year, month, month_day);
}

/* Show the times of a row in a message. */
static char *
span_text(const CalendarRow *row)
{
	int			end_s = row->end_s > DAY_S ? row->end_s - DAY_S : row->end_s;

	return psprintf("%02d:%02d:%02d to %02d:%02d:%02d",
					row->start_s / 3600, row->start_s / 60 % 60, row->start_s % 60,
					end_s / 3600, end_s / 60 % 60, end_s % 60);
}

/* Raise the error of two rows of one day that overlap. */
static void
refuse_overlap(const Calendar *calendar, const JsonNode *document, const CalendarRow *left,
			   const CalendarRow *right, bool weekday)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s bands overlap on %s", finance_json_place(document),
					day_name(left->day, weekday)),
			 errdetail("\"%s\" is from %s, \"%s\" is from %s.",
					   calendar->bands[left->band_no], span_text(left),
					   calendar->bands[right->band_no], span_text(right)),
			 errhint("Let one band end where the next one begins.")));
}

/* Order rows by day and start, and refuse those of one day that overlap. */
void
finance_calendar_sort_rows(const Calendar *calendar, const JsonNode *document,
						   CalendarRows *rows, bool weekday)
{
	int			first = 0;

	if (rows->count == 0)
		return;
	qsort(rows->rows, rows->count, sizeof(CalendarRow), compare_rows);
	for (int i = 1; i < rows->count; i++)
	{
		const CalendarRow *left = &rows->rows[i - 1];
		const CalendarRow *right = &rows->rows[i];

		if (left->day != right->day)
		{
			first = i;
			continue;
		}
		if (left->start_s < 0 && right->start_s >= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is closed on %s and has bands then", finance_json_place(document),
							day_name(right->day, weekday)),
					 errdetail("The first band is \"%s\" from %s.",
							   calendar->bands[right->band_no], span_text(right))));
		if (left->start_s >= 0 && right->start_s < left->end_s)
			refuse_overlap(calendar, document, left, right, weekday);
		finance_limit_check_at(LIMIT_CALENDAR_DAY_ROWS, i - first + 1,
							   psprintf("%s, %s", finance_json_place(document),
										day_name(right->day, weekday)));
	}
}

/* Find the rows of a weekday or a date among sorted ones; returns their number. */
int
finance_calendar_rows_of(const CalendarRows *rows, int32 day, const CalendarRow **found)
{
	int			low = 0;
	int			high = rows->count;
	int			end;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (rows->rows[middle].day < day)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < rows->count && rows->rows[end].day == day; end++)
		;
	*found = low < end ? &rows->rows[low] : NULL;
	return end - low;
}
