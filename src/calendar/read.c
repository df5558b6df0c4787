/*
 * read.c
 *		Reading a calendar's document.
 *
 * A calendar stands alone or inside other documents; errors name the way to
 * what is wrong in either.  Unlike elsewhere, null is not the same as absent:
 * a week that is null would silently be one rate around the clock.
 */
#include "finance.h"

#include "miscadmin.h"

#include "calendar_internal.h"
#include "choice.h"

#define BAND_BYTES_MAX 63
#define ROW_VALUES 4
#define ISO_DATE_BYTES 10		/* 2026-01-31: no year of a calendar is longer */

#define DOCUMENT_HINT "Write {\"zone\": \"Europe/Kyiv\", \"week\": [[1, 32400, 61200, \"regular\"]]}."
#define KEYS_HINT "The keys are \"zone\", \"week\", \"days\" and \"closed_days\"."
#define ZONE_HINT "View pg_timezone_names lists the time zones."
#define ROW_HINT \
	"start_s, end_s, \"band\"], with seconds of the local day; an end that is not after the start lies on the next day."
#define WEEK_HINT "Write [isodow, " ROW_HINT " Weekdays are 1 (Monday) to 7 (Sunday)."
#define DAYS_HINT "Write [\"YYYY-MM-DD\", " ROW_HINT
#define CLOSED_HINT "Write \"YYYY-MM-DD\"."

static void read_document(Calendar *calendar, const JsonNode *document,
						  CalendarRows *week, CalendarRows *days);
static void add_regular_week(Calendar *calendar, CalendarRows *week);
static void check_keys(const JsonNode *document);
static void read_zone(Calendar *calendar, const JsonNode *document);
static int	read_list(const JsonNode *document, const char *key, const char *hint, JsonNode *list);
static bool read_rows(Calendar *calendar, const JsonNode *document, const char *key,
					  const char *hint, CalendarRows *rows);
static void read_closed_days(const JsonNode *document, CalendarRows *rows);
static CalendarRow read_row(Calendar *calendar, const JsonNode *node, bool weekday);
static int	read_band(Calendar *calendar, const JsonNode *node);
static DateADT read_day(const JsonNode *node);

/*
 * Build a calendar from a document of its own; NULL is UTC.  Raises 22023 for
 * what is no calendar, 54000 for too much of one.
 */
Calendar *
finance_calendar_parse(Jsonb *document)
{
	LimitUse	use = {0};
	JsonNode	root;

	if (document == NULL)
		return finance_calendar_read(NULL);
	if (!JB_ROOT_IS_OBJECT(document))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("calendar must be an object"),
				 errhint("%s", DOCUMENT_HINT)));
	finance_json_root("calendar", 0, document, &use, &root);
	return finance_calendar_read(&root);
}

/*
 * Build a calendar from an object inside a document; NULL is UTC.  Nothing of
 * the document is kept.
 */
Calendar *
finance_calendar_read(const JsonNode *document)
{
	Calendar   *calendar = palloc0(sizeof(Calendar));
	CalendarRows week = {NULL, 0, 0};
	CalendarRows days = {NULL, 0, 0};

	calendar->scratch = palloc0(sizeof(CalendarScratch));
	finance_calendar_intern_band(calendar, NULL, FINANCE_OFF_HOURS);
	if (document == NULL)
		add_regular_week(calendar, &week);
	else
		read_document(calendar, document, &week, &days);
	finance_calendar_sort_rows(calendar, document, &week, true);
	finance_calendar_sort_rows(calendar, document, &days, false);
	finance_calendar_plan(calendar, &week, &days);

	if (week.rows != NULL)
		pfree(week.rows);
	if (days.rows != NULL)
		pfree(days.rows);
	return calendar;
}

/* Read all that a document says. */
static void
read_document(Calendar *calendar, const JsonNode *document, CalendarRows *week, CalendarRows *days)
{
	JsonNode	hinted = *document;

	hinted.hint = DOCUMENT_HINT;
	check_keys(&hinted);
	read_zone(calendar, &hinted);
	if (!read_rows(calendar, &hinted, "week", WEEK_HINT, week))
		add_regular_week(calendar, week);
	(void) read_rows(calendar, &hinted, "days", DAYS_HINT, days);
	read_closed_days(&hinted, days);
}

/* Add the week that knows one rate around the clock. */
static void
add_regular_week(Calendar *calendar, CalendarRows *week)
{
	CalendarRow row = {0, 0, DAY_S, finance_calendar_intern_band(calendar, NULL, FINANCE_REGULAR)};

	for (row.day = 1; row.day <= 7; row.day++)
		finance_calendar_add_row(week, row);
}

/* Refuse keys that no calendar has, for they are typing errors, and null. */
static void
check_keys(const JsonNode *document)
{
	static const char *const keys[] = {"zone", "week", "days", "closed_days"};
	JsonbIterator *iterator = finance_json_iterate(document);
	JsonNode	child;

	while (finance_json_next(&iterator, document, &child))
	{
		child.hint = KEYS_HINT;
		if (finance_choice_find(child.key, strlen(child.key), keys, lengthof(keys)) < 0)
			finance_json_refuse(&child, "is not known");
		if (child.value.type == jbvNull)
			finance_json_refuse(&child, "must not be null");
	}
}

/* Read the time zone, which every calendar has. */
static void
read_zone(Calendar *calendar, const JsonNode *document)
{
	JsonNode	node;
	const char *zone;

	if (!finance_json_get(document, "zone", &node))
		finance_json_missing(document, "zone");
	node.hint = ZONE_HINT;
	zone = finance_json_as_string(&node);
	calendar->zone = finance_calendar_zone(zone, strlen(zone));
	if (calendar->zone == NULL)
		finance_json_refuse(&node, "must be a time zone that the server knows, not %s",
							finance_json_text(&node));
}

/* Find a list, with the hint for its rows, and count it; -1 when it is not given. */
static int
read_list(const JsonNode *document, const char *key, const char *hint, JsonNode *list)
{
	LimitUse	use = {0};		/* the limit is one of each list, not of the call */
	JsonNode	counted = *document;
	int			count;

	counted.use = &use;
	count = finance_json_get_array(&counted, key, LIMIT_CALENDAR_ROWS, list);
	list->parent = document;
	list->use = document->use;
	list->hint = hint;
	return count;
}

/* Read the rows of weekdays ("week") or of dates ("days"); false when they are not given. */
static bool
read_rows(Calendar *calendar, const JsonNode *document, const char *key,
		  const char *hint, CalendarRows *rows)
{
	JsonNode	list;
	int			count = read_list(document, key, hint, &list);

	for (int i = 0; i < count; i++)
	{
		JsonNode	node;
		int			nvalues = finance_json_element_array(&list, i, &node);

		CHECK_FOR_INTERRUPTS();
		if (nvalues != ROW_VALUES)
			finance_json_refuse(&node, "must hold %d values, not %d", ROW_VALUES, nvalues);
		finance_calendar_add_row(rows, read_row(calendar, &node, strcmp(key, "week") == 0));
	}
	return count >= 0;
}

/* Read the dates on which no row holds. */
static void
read_closed_days(const JsonNode *document, CalendarRows *rows)
{
	JsonNode	list;
	int			count = read_list(document, "closed_days", CLOSED_HINT, &list);

	for (int i = 0; i < count; i++)
	{
		CalendarRow row = {0, -1, -1, FINANCE_OFF_HOURS_NO};
		JsonNode	node;

		CHECK_FOR_INTERRUPTS();
		finance_json_element(&list, i, &node);
		row.day = read_day(&node);
		finance_calendar_add_row(rows, row);
	}
}

/* Read one row: its day, its times and its band; a date may have but nulls and is then closed. */
static CalendarRow
read_row(Calendar *calendar, const JsonNode *node, bool weekday)
{
	CalendarRow row = {0, -1, -1, FINANCE_OFF_HOURS_NO};
	JsonNode	values[ROW_VALUES];

	for (int i = 0; i < ROW_VALUES; i++)
		finance_json_element(node, i, &values[i]);
	row.day = weekday ? (int32) finance_json_as_int64(&values[0], 1, 7) : read_day(&values[0]);
	if (!weekday && values[1].value.type == jbvNull && values[2].value.type == jbvNull &&
		values[3].value.type == jbvNull)
		return row;

	row.start_s = (int32) finance_json_as_int64(&values[1], 0, DAY_S - 1);
	row.end_s = (int32) finance_json_as_int64(&values[2], 0, DAY_S);
	if (row.end_s <= row.start_s)
		row.end_s += DAY_S;
	row.band_no = read_band(calendar, &values[3]);
	return row;
}

/* Read the name of a band as its number. */
static int
read_band(Calendar *calendar, const JsonNode *node)
{
	char	   *band = unconstify(char *, finance_json_as_string(node));
	int			band_no;

	if (band[0] == '\0' || strlen(band) > BAND_BYTES_MAX)
		finance_json_refuse(node, "must be a name of 1 to %d bytes, not %s",
							BAND_BYTES_MAX, finance_json_text(node));
	band_no = finance_calendar_intern_band(calendar, node, band);
	pfree(band);
	return band_no;
}

/* Read a date, whose year has four digits. */
static DateADT
read_day(const JsonNode *node)
{
	DateADT		day = finance_json_as_date(node);

	if (node->value.val.string.len != ISO_DATE_BYTES)
		finance_json_refuse(node, "must be a date like \"2026-01-31\", not %s",
							finance_json_text(node));
	return day;
}
