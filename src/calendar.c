/*
 * calendar.c
 *		Business calendars: splitting time into bands of the local day.
 *
 * The band and the date of an instant are what a clock on the wall of the
 * calendar's zone shows, and nothing else.  So an interval is cut where the
 * zone changes its offset; between two changes the local time is the instant
 * plus a constant, and everything is integer arithmetic on elapsed time.  An
 * hour that spring skips is never seen, an hour that autumn repeats is seen
 * twice, and the parts always sum to the whole.
 *
 * Rows of a date beat all rows of its weekday.  A row that runs past midnight
 * belongs to the day it starts on and covers the next morning, except where
 * the next day's own rows do.  What no row covers is off hours.  All this is
 * worked out when the document is read: each weekday, each date with rows of
 * its own and each day after one gets a plan, a list of spans that covers the
 * local day from 0:00 to 24:00.
 */
#include "finance.h"

#include "access/detoast.h"
#include "calendar.h"
#include "common/int.h"
#include "funcapi.h"
#include "limit.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define DAY_S 86400
#define BAND_BYTES_MAX 63
#define VALUE_BYTES_MAX 1000	/* of a list that a message shows the beginning of */

/* From the Unix epoch to that of PostgreSQL. */
#define EPOCH_SHIFT_S \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

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

/* A calendar kept from one call of a function to the next. */
typedef struct CalendarCall
{
	MemoryContext context;
	Calendar   *calendar;		/* NULL before the first one */
	struct varlena *value;		/* its document, as the call brought it; may be NULL */
} CalendarCall;

static pg_tz *find_zone(const char *zone, size_t length);
static void parse_zone(Calendar *calendar, JsonbContainer *document);
static void add_regular_week(Calendar *calendar, CalendarRows *week);
static void check_keys(JsonbContainer *document);
static JsonbContainer *find_array(JsonbContainer *document, const char *key);
static void parse_rows(Calendar *calendar, JsonbContainer *document,
					   const char *key, CalendarRows *rows);
static void parse_closed_days(JsonbContainer *document, CalendarRows *rows);
static void parse_row(Calendar *calendar, JsonbContainer *list, const char *key,
					  int row_no, CalendarRow *row);
static void parse_times(Calendar *calendar, JsonbValue *value, JsonbValue *fields,
						const char *key, int row_no, CalendarRow *row);
static const char *json_text(JsonbValue *value);
static int	json_integer(JsonbValue *value, int low, int high);
static bool json_date(JsonbValue *value, DateADT *day);
static int	intern_band(Calendar *calendar, const char *band, int length);
static void add_row(CalendarRows *rows, CalendarRow row);
static void sort_rows(const Calendar *calendar, CalendarRows *rows, bool weekday);
static int	compare_rows(const void *left, const void *right);
static void refuse_overlap(const Calendar *calendar, const CalendarRow *left,
						   const CalendarRow *right, bool weekday);
static char *day_name(int32 day, bool weekday);
static char *span_text(const CalendarRow *row);
static int	rows_of(const CalendarRows *rows, int32 day, const CalendarRow **found);
static int	rows_of_date(const CalendarRows *week, const CalendarRows *days,
						 DateADT day, const CalendarRow **found);
static void plan_calendar(Calendar *calendar, const CalendarRows *week,
						  const CalendarRows *days);
static int	plan_day(Calendar *calendar, const CalendarRow *before, int before_count,
					 const CalendarRow *own, int own_count);
static int	add_span(Calendar *calendar, int first_span, int32 end_s, int32 band_no);
static inline int iso_weekday(DateADT day);
static inline int64 floor_div(int64 dividend, int64 divisor);
static const BandSpan *day_spans(const Calendar *calendar, DateADT day);
static const ZonePeriod *zone_period(const Calendar *calendar, TimestampTz at);
static int64 check_interval(TimestampTz started_at, TimestampTz ended_at);
static int	errdetail_interval(TimestampTz started_at, TimestampTz ended_at);
static char *interval_text(TimestampTz started_at, TimestampTz ended_at);
static void add_segment(const Calendar *calendar, bool at_midnight, DateADT day,
						int band_no, TimestampTz started_at, TimestampTz ended_at);
static void count_seconds(const Calendar *calendar, int64 elapsed_us);
static const Calendar *calendar_argument(FunctionCallInfo fcinfo, int argno);
static bool same_value(const struct varlena *left, const struct varlena *right);
static void refuse_infinite_instant(TimestampTz at);

PG_FUNCTION_INFO_V1(finance_is_zone);
PG_FUNCTION_INFO_V1(finance_calendar_bands);
PG_FUNCTION_INFO_V1(finance_calendar_date);
PG_FUNCTION_INFO_V1(finance_calendar_midnight);
PG_FUNCTION_INFO_V1(finance_split_by_calendar);
PG_FUNCTION_INFO_V1(finance_business_seconds_by_calendar);

/* ------------------------------------------------------------------------
 * SQL functions
 * ------------------------------------------------------------------------
 */

/* is_zone(zone text) -> boolean: is this a time zone that the server knows? */
Datum
finance_is_zone(PG_FUNCTION_ARGS)
{
	text	   *zone = PG_GETARG_TEXT_PP(0);

	PG_RETURN_BOOL(find_zone(VARDATA_ANY(zone), VARSIZE_ANY_EXHDR(zone)) != NULL);
}

/*
 * calendar_bands(calendar jsonb) -> text[]: the bands of a calendar, off hours
 * first.  Raises what reading the document raises, so it checks one too.
 */
Datum
finance_calendar_bands(PG_FUNCTION_ARGS)
{
	const Calendar *calendar = calendar_argument(fcinfo, 0);
	Datum	   *bands = palloc(calendar->band_count * sizeof(Datum));

	for (int i = 0; i < calendar->band_count; i++)
		bands[i] = CStringGetTextDatum(calendar->bands[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(bands, calendar->band_count, TEXTOID,
										  -1, false, TYPALIGN_INT));
}

/* calendar_date(at timestamptz, calendar jsonb) -> date: the local date of an instant. */
Datum
finance_calendar_date(PG_FUNCTION_ARGS)
{
	const Calendar *calendar;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	calendar = calendar_argument(fcinfo, 1);
	PG_RETURN_DATEADT(finance_calendar_local_date(calendar, PG_GETARG_TIMESTAMPTZ(0)));
}

/*
 * calendar_midnight(day date, calendar jsonb) -> timestamptz: the instant at
 * which a local date begins.
 */
Datum
finance_calendar_midnight(PG_FUNCTION_ARGS)
{
	const Calendar *calendar;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	calendar = calendar_argument(fcinfo, 1);
	PG_RETURN_TIMESTAMPTZ(finance_calendar_day_start(calendar, PG_GETARG_DATEADT(0)));
}

/*
 * split_by_calendar(started_at, ended_at, calendar jsonb) -> setof (band,
 * local_date, started_at, ended_at, seconds): the parts of an interval by band
 * and local date, in order.
 */
Datum
finance_split_by_calendar(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	BandSegment *segments;
	int			count;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();

	count = finance_calendar_split(calendar_argument(fcinfo, 2),
								   PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_TIMESTAMPTZ(1),
								   true, &segments);
	for (int i = 0; i < count; i++)
	{
		Datum		values[5];
		bool		nulls[5] = {false};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(segments[i].band);
		values[1] = DateADTGetDatum(segments[i].local_date);
		values[2] = TimestampTzGetDatum(segments[i].started_at);
		values[3] = TimestampTzGetDatum(segments[i].ended_at);
		values[4] = Int64GetDatum(segments[i].seconds);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
	}
	PG_RETURN_NULL();
}

/*
 * business_seconds_by_calendar(started_at, ended_at, calendar jsonb, band text)
 * -> bigint: the seconds of an interval in one band.
 */
Datum
finance_business_seconds_by_calendar(PG_FUNCTION_ARGS)
{
	const Calendar *calendar;
	BandSegment *segments;
	int			count;
	int			band_no;
	int64		seconds = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		PG_RETURN_NULL();

	calendar = calendar_argument(fcinfo, 2);
	band_no = finance_calendar_band_no(calendar, text_to_cstring(PG_GETARG_TEXT_PP(3)));
	count = finance_calendar_split(calendar, PG_GETARG_TIMESTAMPTZ(0),
								   PG_GETARG_TIMESTAMPTZ(1), false, &segments);
	for (int i = 0; i < count; i++)
	{
		if (segments[i].band_no == band_no)
			seconds += segments[i].seconds;
	}
	PG_RETURN_INT64(seconds);
}

/*
 * Take the calendar out of an argument, reading it again only when it differs
 * from that of the call before: a query mostly asks about one calendar.  A
 * compressed document is compared as it is, which costs less than unpacking.
 */
static const Calendar *
calendar_argument(FunctionCallInfo fcinfo, int argno)
{
	CalendarCall *call = fcinfo->flinfo->fn_extra;
	struct varlena *value = NULL;
	MemoryContext old_context;

	if (!PG_ARGISNULL(argno))
	{
		value = (struct varlena *) PG_GETARG_POINTER(argno);
		if (VARATT_IS_EXTERNAL(value))
			value = detoast_external_attr(value);
	}
	if (call == NULL)
	{
		call = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(CalendarCall));
		call->context = AllocSetContextCreate(fcinfo->flinfo->fn_mcxt,
											  "finance calendar", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = call;
	}
	if (call->calendar != NULL && same_value(value, call->value))
		return call->calendar;

	/* An error below must not leave a calendar that is half read. */
	call->calendar = NULL;
	MemoryContextReset(call->context);
	old_context = MemoryContextSwitchTo(call->context);
	call->value = NULL;
	if (value != NULL)
	{
		call->value = palloc(VARSIZE_ANY(value));
		memcpy(call->value, value, VARSIZE_ANY(value));
	}
	call->calendar = finance_calendar_parse(value == NULL ? NULL :
											DatumGetJsonbP(PointerGetDatum(value)));
	MemoryContextSwitchTo(old_context);
	return call->calendar;
}

/* Are two values, NULL or not external, the same byte for byte? */
static bool
same_value(const struct varlena *left, const struct varlena *right)
{
	if (left == NULL || right == NULL)
		return left == right;
	return VARSIZE_ANY(left) == VARSIZE_ANY(right) &&
		memcmp(left, right, VARSIZE_ANY(left)) == 0;
}

/* ------------------------------------------------------------------------
 * Reading a calendar
 * ------------------------------------------------------------------------
 */

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
	intern_band(calendar, FINANCE_OFF_HOURS, strlen(FINANCE_OFF_HOURS));

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
	sort_rows(calendar, &week, true);
	sort_rows(calendar, &days, false);
	plan_calendar(calendar, &week, &days);

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
	CalendarRow row = {0, 0, DAY_S, intern_band(calendar, FINANCE_REGULAR,
												strlen(FINANCE_REGULAR))};

	for (row.day = 1; row.day <= 7; row.day++)
		add_row(week, row);
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

	calendar->zone = find_zone(value.val.string.val, value.val.string.len);
	if (calendar->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone %s is not known", json_text(&value)),
				 errhint("View pg_timezone_names lists the time zones.")));
}

/*
 * Find a time zone by its IANA name; NULL when the server has none of that
 * name.  The colon keeps PostgreSQL from reading the name as a POSIX rule,
 * where "UTC+3" would silently mean three hours west.
 */
static pg_tz *
find_zone(const char *zone, size_t length)
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
		add_row(rows, row);
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
	row->band_no = intern_band(calendar, fields[3].val.string.val,
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
		add_row(rows, row);
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

/* Find the number of a band, giving it the next one when it is new. */
static int
intern_band(Calendar *calendar, const char *band, int length)
{
	for (int i = 0; i < calendar->band_count; i++)
	{
		if (strlen(calendar->bands[i]) == length &&
			memcmp(calendar->bands[i], band, length) == 0)
			return i;
	}
	finance_limit_check(LIMIT_CALENDAR_BANDS, calendar->band_count + 1);
	calendar->bands[calendar->band_count] = pnstrdup(band, length);
	return calendar->band_count++;
}

/* Append a row. */
static void
add_row(CalendarRows *rows, CalendarRow row)
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

/* Order rows by day and start, and refuse those of one day that overlap. */
static void
sort_rows(const Calendar *calendar, CalendarRows *rows, bool weekday)
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
					 errmsg("%s is closed and has bands", day_name(right->day, weekday)),
					 errdetail("Its first band is \"%s\" from %s.",
							   calendar->bands[right->band_no], span_text(right))));
		if (left->start_s >= 0 && right->start_s < left->end_s)
			refuse_overlap(calendar, left, right, weekday);
		finance_limit_check_at(LIMIT_CALENDAR_DAY_ROWS, i - first + 1,
							   day_name(right->day, weekday));
	}
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

/* Raise the error of two rows of one day that overlap. */
static void
refuse_overlap(const Calendar *calendar, const CalendarRow *left,
			   const CalendarRow *right, bool weekday)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("calendar bands overlap on %s", day_name(left->day, weekday)),
			 errdetail("\"%s\" is from %s, \"%s\" is from %s.",
					   calendar->bands[left->band_no], span_text(left),
					   calendar->bands[right->band_no], span_text(right)),
			 errhint("Let one band end where the next one begins.")));
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

/* ------------------------------------------------------------------------
 * Planning the days
 * ------------------------------------------------------------------------
 */

/* Plan every weekday, every date that has rows and every day after one. */
static void
plan_calendar(Calendar *calendar, const CalendarRows *week, const CalendarRows *days)
{
	calendar->days = palloc(Max(days->count, 1) * 2 * sizeof(DayPlan));

	for (int isodow = 1; isodow <= 7; isodow++)
	{
		const CalendarRow *own;
		const CalendarRow *before;
		int			own_count = rows_of(week, isodow, &own);
		int			before_count = rows_of(week, isodow == 1 ? 7 : isodow - 1, &before);

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

/* Find the rows of a weekday or a date among sorted ones; returns their number. */
static int
rows_of(const CalendarRows *rows, int32 day, const CalendarRow **found)
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

/* Find the rows that hold on a date: its own, else those of its weekday. */
static int
rows_of_date(const CalendarRows *week, const CalendarRows *days, DateADT day,
			 const CalendarRow **found)
{
	int			count = rows_of(days, day, found);

	if (count == 0)
		return rows_of(week, iso_weekday(day), found);
	return (*found)->start_s < 0 ? 0 : count;
}

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
	return first_span;
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

/* ------------------------------------------------------------------------
 * Asking a calendar
 * ------------------------------------------------------------------------
 */

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
		const ZonePeriod *period = zone_period(calendar, at);
		TimestampTz period_end = Min(period->ended_at, ended_at);
		DateADT		day = floor_div(at + period->offset_us, USECS_PER_DAY);
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
	*segments = calendar->scratch->segments;
	return calendar->scratch->segment_count;
}

/* Tell the date that clocks of the calendar's zone show at an instant. */
DateADT
finance_calendar_local_date(const Calendar *calendar, TimestampTz at)
{
	refuse_infinite_instant(at);
	return floor_div(at + zone_period(calendar, at)->offset_us, USECS_PER_DAY);
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
		const ZonePeriod *period = zone_period(calendar, at);
		TimestampTz candidate = Max(local_us - period->offset_us, at);

		if (candidate < period->ended_at)
			return candidate;
		at = period->ended_at;
	}
}

/* Count the bands of a calendar. */
int
finance_calendar_band_count(const Calendar *calendar)
{
	return calendar->band_count;
}

/* Count the spans that the days of a calendar are planned in. */
int
finance_calendar_span_count(const Calendar *calendar)
{
	return calendar->span_count;
}

/* Name a band by its number. */
const char *
finance_calendar_band(const Calendar *calendar, int band_no)
{
	Assert(band_no >= 0 && band_no < calendar->band_count);
	return calendar->bands[band_no];
}

/* Find the number of a band; -1 when the calendar has no such band. */
int
finance_calendar_band_no(const Calendar *calendar, const char *band)
{
	for (int i = 0; i < calendar->band_count; i++)
	{
		if (strcmp(calendar->bands[i], band) == 0)
			return i;
	}
	return -1;
}

/* Tell the ISO weekday of a date, 1 (Monday) to 7; 2000-01-01 was a Saturday. */
static inline int
iso_weekday(DateADT day)
{
	return (int) (((int64) day + 5) % 7 + 7) % 7 + 1;
}

/* Divide, rounding down; the divisor is positive. */
static inline int64
floor_div(int64 dividend, int64 divisor)
{
	int64		quotient = dividend / divisor;

	return quotient - (dividend % divisor < 0);
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
	return &calendar->spans[calendar->week[iso_weekday(day)]];
}

/*
 * Find the stretch of one offset around an instant.  Work comes in time order,
 * so that of the last question mostly answers this one.
 */
static const ZonePeriod *
zone_period(const Calendar *calendar, TimestampTz at)
{
	ZonePeriod *period = &calendar->scratch->period;
	pg_time_t	at_s = floor_div(at, USECS_PER_SEC) + EPOCH_SHIFT_S;
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
