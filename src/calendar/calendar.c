/*
 * calendar.c
 *		What SQL asks of business calendars.
 *
 * The band and the date of an instant are what a clock on the wall of the
 * calendar's zone shows, and nothing else.  A calendar is built once (read.c,
 * row.c, plan.c) and then asked (split.c); here it is kept from one call of a
 * function to the next.
 */
#include "finance.h"

#include "access/detoast.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "calendar_internal.h"

/* A calendar kept from one call of a function to the next. */
typedef struct CalendarCall
{
	MemoryContext context;
	Calendar   *calendar;		/* NULL before the first one */
	struct varlena *value;		/* its document, as the call brought it; may be NULL */
} CalendarCall;

static const Calendar *calendar_argument(FunctionCallInfo fcinfo, int argno);
static bool same_value(const struct varlena *left, const struct varlena *right);

PG_FUNCTION_INFO_V1(finance_calendar_bands);
PG_FUNCTION_INFO_V1(finance_calendar_date);
PG_FUNCTION_INFO_V1(finance_calendar_midnight);
PG_FUNCTION_INFO_V1(finance_split_by_calendar);
PG_FUNCTION_INFO_V1(finance_business_seconds_by_calendar);

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
