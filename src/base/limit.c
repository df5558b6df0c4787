/*
 * limit.c
 *		What one call may ask for: the one set of limits of all functions.
 */
#include "limit.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

typedef struct CallLimit
{
	const char *name;			/* as limits() lists it */
	int64		maximum;
	const char *what;			/* as a message says it: "too many ..." */
	const char *hint;			/* the way out */
} CallLimit;

#define SPLIT_CALL "Rate the entries in several calls, each with the terms and state that it needs."
#define SPLIT_CONTRACT "Leave out what no longer holds, or make a companion contract of a part."

static const CallLimit limits[LIMIT_KINDS] = {
	[LIMIT_ENTRIES] = {"entries", 1000000, "entries in one call of rate()", SPLIT_CALL},
	[LIMIT_TERMS] = {"terms", 10000, "terms documents in one call of rate()", SPLIT_CALL},
	[LIMIT_TERMS_BYTES] = {"terms_bytes", 256 * 1024 * 1024, "bytes of terms in one call of rate()", SPLIT_CALL},
	[LIMIT_CONTRACTS] = {"contracts", 100000, "contracts in the terms of one call of rate()", SPLIT_CALL},
	[LIMIT_BANDS] = {"bands", 200000, "bands of contracts in the terms of one call of rate()", SPLIT_CALL},
	[LIMIT_BAND_RULES] = {"band_rules", 200000, "band rules in the terms of one call of rate()", SPLIT_CALL},
	[LIMIT_OVERAGES] = {"overages", 200000, "overage prices in the terms of one call of rate()", SPLIT_CALL},
	[LIMIT_LISTS] = {"lists", 100000, "price lists in the terms of one call of rate()", SPLIT_CALL},
	[LIMIT_POSITIONS] = {"positions", 1000000, "positions of price lists in the terms of one call of rate()",
	SPLIT_CALL},
	[LIMIT_CALENDAR_SPANS] = {"calendar_spans", 4000000, "parts of days in the calendars of one call of rate()",
	SPLIT_CALL},
	[LIMIT_ALLOTMENTS] = {"allotments", 100000, "allotments in the state of one call of rate()",
	"Leave out allotments that are used up or expired."},
	[LIMIT_USED] = {"used", 100000, "rows of what is used in the state of one call of rate()",
	"Add up what counts against the caps of a contract before the call."},
	[LIMIT_CAP_PERIODS] = {"cap_periods", 100000, "service periods with caps in one call of rate()", SPLIT_CALL},
	[LIMIT_SCOPE_WORK_TYPES] = {"scope_work_types", 1000000, "work types in the scopes of one call of rate()",
	SPLIT_CALL},
	[LIMIT_SEGMENTS] = {"segments", 5000000, "segments from one call of rate()", SPLIT_CALL},
	[LIMIT_TURNS] = {"turns", 1000, "turns of rating without the entries that have no price",
	"Give the entries of the rounding group a price, or rate them without those that have none."},

	[LIMIT_CONTRACT_BANDS] = {"contract_bands", 1000, "bands of one contract", SPLIT_CONTRACT},
	[LIMIT_CONTRACT_BAND_RULES] = {"contract_band_rules", 1000, "band rules of one contract", SPLIT_CONTRACT},
	[LIMIT_CONTRACT_OVERAGES] = {"contract_overages", 1000, "overage prices of one contract", SPLIT_CONTRACT},
	[LIMIT_LIST_PARENTS] = {"list_parents", LIST_PARENTS_MAX, "parents above one price list",
	"Let the list stand under one that is nearer to the top."},
	[LIMIT_ENTRY_DAYS] = {"entry_days", ENTRY_DAYS_MAX, "days in one entry", "Correct its times, or split it."},
	[LIMIT_ENTRY_SEGMENTS] = {"entry_segments", 100000, "segments from one entry", "Split the entry by day or month."},
	[LIMIT_NAME_BYTES] = {"name_bytes", NAME_BYTES_MAX, "bytes in one name", "Shorten the name."},

	[LIMIT_CALENDAR_ROWS] = {"calendar_rows", 10000, "rows in one list of a calendar",
	"Leave out days that are long over: a century of holidays fits."},
	[LIMIT_CALENDAR_DAY_ROWS] = {"calendar_day_rows", CALENDAR_DAY_ROWS_MAX, "rows for one day of a calendar",
	"Join rows of one band: one for each quarter of an hour fits."},
	[LIMIT_CALENDAR_BANDS] = {"calendar_bands", CALENDAR_BANDS_MAX, "bands in one calendar",
	"Give hours that are priced alike one band; every calendar has band \"off_hours\"."},
	[LIMIT_INTERVAL_DAYS] = {"interval_days", INTERVAL_DAYS_MAX, "days in one interval",
	"Correct its ends, or split it."},

	[LIMIT_NUMBERS] = {"numbers", 100000, "numbers in one array", "Spread or tax them in several calls."},
	[LIMIT_DIGITS] = {"digits", NUMBER_DIGITS_MAX, "digits in one number", "Round it with round()."},

	[LIMIT_TEMPLATE_BYTES] = {"template_bytes", 1024 * 1024, "bytes in one template",
	"Put what is long into the data."},
	[LIMIT_TEMPLATE_DEPTH] = {"template_depth", TEMPLATE_DEPTH_MAX, "sections open at once in a template",
	"Close a section before the next one is opened."},
	[LIMIT_PAGE_BYTES] = {"page_bytes", PAGE_BYTES_MAX, "bytes in one page", "Cut the data into several pages."},
	[LIMIT_PAGE_STEPS] = {"page_steps", 100000000, "steps for one page",
	"Do not nest sections over lists that do not lie in one another, or cut the data into several pages."},

	[LIMIT_CUBE_CELLS] = {"cube_cells", CUBE_CELLS_MAX, "cells in one margin_cube",
	"Group by fewer keys, or use margin_sum() with GROUP BY."},
};

PG_FUNCTION_INFO_V1(finance_limits);

/* Tell the value of a limit. */
int64
finance_limit(LimitKind kind)
{
	return limits[kind].maximum;
}

/* Raise the error of a limit that a call goes past (54000); where may be NULL. */
void
finance_limit_refuse(LimitKind kind, int64 count, const char *where)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("%s%stoo many %s: %lld", where != NULL ? where : "", where != NULL ? ": " : "",
					limits[kind].what, (long long) count),
			 errdetail("The limit is %lld.", (long long) limits[kind].maximum),
			 errhint("%s", limits[kind].hint)));
}

/* Add to what a call has taken of a limit, and refuse more than there is. */
void
finance_limit_take(LimitUse *use, LimitKind kind, int64 count)
{
	use->taken[kind] += count;
	finance_limit_check(kind, use->taken[kind]);
}

/*
 * Cut a value of the caller's for a message, at a whole letter: nobody reads
 * on, and a message goes to the server's log.
 */
const char *
finance_shown(const char *value, Size length)
{
	int			shown = pg_mbcliplen(value, Min(length, SHOWN_BYTES_MAX + MAX_MULTIBYTE_CHAR_LEN),
									 SHOWN_BYTES_MAX);

	return shown < length ? psprintf("%.*s...", shown, value) : pnstrdup(value, length);
}

/* limits() -> setof (name text, maximum bigint, what text, hint text). */
Datum
finance_limits(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < LIMIT_KINDS; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = CStringGetTextDatum(limits[i].name);
		values[1] = Int64GetDatum(limits[i].maximum);
		values[2] = CStringGetTextDatum(limits[i].what);
		values[3] = CStringGetTextDatum(limits[i].hint);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
