/*
 * read.c
 *		Reading a calendar's document.
 */
#include "finance.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "calendar_internal.h"
#include "limit.h"

#define BAND_BYTES_MAX 63
#define VALUE_BYTES_MAX 1000	/* of a list that a message shows the beginning of */

static void add_regular_week(Calendar *calendar, CalendarRows *week);
static void check_keys(JsonbContainer *document);
static void parse_zone(Calendar *calendar, JsonbContainer *document);
static JsonbContainer *find_array(JsonbContainer *document, const char *key);
static void parse_rows(Calendar *calendar, JsonbContainer *document,
					   const char *key, CalendarRows *rows);
static void parse_row(Calendar *calendar, JsonbContainer *list, const char *key,
					  int row_no, CalendarRow *row);
static void parse_times(Calendar *calendar, JsonbValue *value, JsonbValue *fields,
						const char *key, int row_no, CalendarRow *row);
static void parse_closed_days(JsonbContainer *document, CalendarRows *rows);
static int	json_integer(JsonbValue *value, int low, int high);
static bool json_date(JsonbValue *value, DateADT *day);
static const char *json_text(JsonbValue *value);

/*
 * Build a calendar from its document; NULL is UTC.  Where no week is given,
 * every hour is "regular".
 */
Calendar *
finance_calendar_parse(Jsonb *document)
{
	Calendar   *calendar = palloc0(sizeof(Calendar));
	CalendarRows week = {NULL, 0, 0};
	CalendarRows days = {NULL, 0, 0};

	calendar->scratch = palloc0(sizeof(CalendarScratch));
	finance_calendar_intern_band(calendar, FINANCE_OFF_HOURS, strlen(FINANCE_OFF_HOURS));

	if (document == NULL)
		add_regular_week(calendar, &week);
	else
	{
		if (!JB_ROOT_IS_OBJECT(document))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a calendar must be a JSON object"),
					 errhint("Write {\"zone\": \"Europe/Kyiv\", \"week\": [[1, 32400, 61200, \"regular\"]]}.")));
		check_keys(&document->root);
		parse_zone(calendar, &document->root);
		if (find_array(&document->root, "week") == NULL)
			add_regular_week(calendar, &week);
		else
			parse_rows(calendar, &document->root, "week", &week);
		parse_rows(calendar, &document->root, "days", &days);
		parse_closed_days(&document->root, &days);
	}
	finance_calendar_sort_rows(calendar, &week, true);
	finance_calendar_sort_rows(calendar, &days, false);
	finance_calendar_plan(calendar, &week, &days);

	if (week.rows != NULL)
		pfree(week.rows);
	if (days.rows != NULL)
		pfree(days.rows);
	return calendar;
}

/* Add the week that knows one rate around the clock. */
static void
add_regular_week(Calendar *calendar, CalendarRows *week)
{
	CalendarRow row = {0, 0, DAY_S, finance_calendar_intern_band(calendar, FINANCE_REGULAR,
												strlen(FINANCE_REGULAR))};

	for (row.day = 1; row.day <= 7; row.day++)
		finance_calendar_add_row(week, row);
}

/* Refuse keys that no calendar has: they are typing errors. */
static void
check_keys(JsonbContainer *document)
{
	JsonbIterator *iterator = JsonbIteratorInit(document);
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *key;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(value.val.string.val, value.val.string.len);
		if (strcmp(key, "zone") != 0 && strcmp(key, "week") != 0 &&
			strcmp(key, "days") != 0 && strcmp(key, "closed_days") != 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a calendar has no key %s", json_text(&value)),
					 errhint("The keys are \"zone\", \"week\", \"days\" and \"closed_days\".")));
		pfree(key);
	}
}

/* Read the time zone, which every calendar has. */
static void
parse_zone(Calendar *calendar, JsonbContainer *document)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(document, "zone", 4, &value) == NULL ||
		value.type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("calendar key \"zone\" must name a time zone"),
				 errhint("View pg_timezone_names lists the time zones.")));

	calendar->zone = finance_calendar_zone(value.val.string.val, value.val.string.len);
	if (calendar->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone %s is not known", json_text(&value)),
				 errhint("View pg_timezone_names lists the time zones.")));
}

/* Find a list of the document; NULL when the key is missing. */
static JsonbContainer *
find_array(JsonbContainer *document, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(document, key, strlen(key), &value) == NULL)
		return NULL;
	if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("calendar key \"%s\" must hold a list", key)));
	finance_limit_check_at(LIMIT_CALENDAR_ROWS, JsonContainerSize(value.val.binary.data),
						   psprintf("calendar key \"%s\"", key));
	return value.val.binary.data;
}

/* Read the rows of weekdays ("week") or of dates ("days"). */
static void
parse_rows(Calendar *calendar, JsonbContainer *document, const char *key,
		   CalendarRows *rows)
{
	JsonbContainer *list = find_array(document, key);
	int			count = list == NULL ? 0 : JsonContainerSize(list);

	for (int i = 0; i < count; i++)
	{
		CalendarRow row;

		CHECK_FOR_INTERRUPTS();
		parse_row(calendar, list, key, i + 1, &row);
		finance_calendar_add_row(rows, row);
	}
}

/* Read one row: its day, its times and its band. */
static void
parse_row(Calendar *calendar, JsonbContainer *list, const char *key, int row_no,
		  CalendarRow *row)
{
	bool		weekday = strcmp(key, "week") == 0;
	JsonbValue *value = getIthJsonbValueFromContainer(list, row_no - 1);
	JsonbValue	fields[4];

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerSize(value->val.binary.data) != 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %d of calendar key \"%s\" is not a list of four: %s",
						row_no, key, json_text(value)),
				 weekday ?
				 errhint("Write [isodow, start_s, end_s, \"band\"].") :
				 errhint("Write [\"YYYY-MM-DD\", start_s, end_s, \"band\"].")));
	for (int i = 0; i < 4; i++)
	{
		JsonbValue *field = getIthJsonbValueFromContainer(value->val.binary.data, i);

		fields[i] = *field;
		pfree(field);
	}

	row->day = weekday ? json_integer(&fields[0], 1, 7) : 0;
	if (weekday ? row->day < 0 : !json_date(&fields[0], &row->day))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %d of calendar key \"%s\" does not begin with a %s: %s",
						row_no, key, weekday ? "weekday" : "date", json_text(value)),
				 weekday ?
				 errdetail("Weekdays are the whole numbers from 1 (Monday) to 7 (Sunday).") :
				 errdetail("Dates are strings of the form YYYY-MM-DD.")));
	parse_times(calendar, value, fields, key, row_no, row);
	pfree(value);
}

/* Read start, end and band of a row; a date may have none and is then closed. */
static void
parse_times(Calendar *calendar, JsonbValue *value, JsonbValue *fields,
			const char *key, int row_no, CalendarRow *row)
{
	if (fields[1].type == jbvNull && fields[2].type == jbvNull &&
		fields[3].type == jbvNull && strcmp(key, "days") == 0)
	{
		row->start_s = row->end_s = -1;
		row->band_no = FINANCE_OFF_HOURS_NO;
		return;
	}

	row->start_s = json_integer(&fields[1], 0, DAY_S - 1);
	row->end_s = json_integer(&fields[2], 0, DAY_S);
	if (row->start_s < 0 || row->end_s < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %d of calendar key \"%s\" is out of the day: %s",
						row_no, key, json_text(value)),
				 errdetail("A row starts at 0 to %d and ends at 0 to %d whole seconds of the local day; an end that is not after the start lies on the next day.",
						   DAY_S - 1, DAY_S)));
	if (row->end_s <= row->start_s)
		row->end_s += DAY_S;

	if (fields[3].type != jbvString || fields[3].val.string.len == 0 ||
		fields[3].val.string.len > BAND_BYTES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("row %d of calendar key \"%s\" does not end with a band: %s",
						row_no, key, json_text(value)),
				 errdetail("Bands are names of 1 to %d bytes.", BAND_BYTES_MAX)));
	row->band_no = finance_calendar_intern_band(calendar, fields[3].val.string.val,
							   fields[3].val.string.len);
}

/* Read the dates on which no row holds. */
static void
parse_closed_days(JsonbContainer *document, CalendarRows *rows)
{
	JsonbContainer *list = find_array(document, "closed_days");
	int			count = list == NULL ? 0 : JsonContainerSize(list);

	for (int i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(list, i);
		CalendarRow row = {0, -1, -1, FINANCE_OFF_HOURS_NO};

		if (!json_date(value, &row.day))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("row %d of calendar key \"closed_days\" is not a date: %s",
							i + 1, json_text(value)),
					 errdetail("Dates are strings of the form YYYY-MM-DD.")));
		pfree(value);
		finance_calendar_add_row(rows, row);
	}
}

/* Read a whole number from low to high, both 0 or more; -1 when it is not one. */
static int
json_integer(JsonbValue *value, int low, int high)
{
	double		number;

	if (value->type != jbvNumeric)
		return -1;
	number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												NumericGetDatum(value->val.numeric)));
	if (!(number >= low && number <= high) || number != (int) number)
		return -1;
	return (int) number;
}

/*
 * Read a date of the form YYYY-MM-DD.  The server's own reading of dates obeys
 * settings of the session, which a calendar must not.
 */
static bool
json_date(JsonbValue *value, DateADT *day)
{
	const char *text = value->val.string.val;
	int			parts[3] = {0, 0, 0};
	int			year;
	int			month;
	int			month_day;
	int			part = 0;

	if (value->type != jbvString || value->val.string.len != 10)
		return false;
	for (int i = 0; i < 10; i++)
	{
		if (i == 4 || i == 7)
		{
			if (text[i] != '-')
				return false;
			part++;
		}
		else if (text[i] < '0' || text[i] > '9')
			return false;
		else
			parts[part] = parts[part] * 10 + (text[i] - '0');
	}
	if (parts[0] < 1 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 || parts[2] > 31)
		return false;

	*day = date2j(parts[0], parts[1], parts[2]) - POSTGRES_EPOCH_JDATE;
	j2date(*day + POSTGRES_EPOCH_JDATE, &year, &month, &month_day);
	return month == parts[1] && month_day == parts[2];
}

/* Show a value in a message; what is long is cut before it is written out. */
static const char *
json_text(JsonbValue *value)
{
	Jsonb	   *document;
	char	   *text;

	if (value->type == jbvString && value->val.string.len > SHOWN_BYTES_MAX)
		return psprintf("\"%s", finance_shown(value->val.string.val, value->val.string.len));
	if (value->type == jbvBinary && value->val.binary.len > VALUE_BYTES_MAX)
		return JsonContainerIsArray(value->val.binary.data) ? "a long list" : "a long object";
	document = JsonbValueToJsonb(value);
	text = JsonbToCString(NULL, &document->root, VARSIZE(document));
	return finance_shown(text, strlen(text));
}
