/*
 * reason.c
 *		The words with which the rating engine tells why.
 *
 * A reason is stamped on a segment when it is made, so that what a client is
 * told later is what was decided then.  Where there is nothing to tell (time
 * billed as worked, at its list price) there is no reason.
 */
#include "finance.h"

#include "lib/stringinfo.h"
#include "rating.h"
#include "utils/builtins.h"

static void begin_reason(const SliceRating *work, StringInfo text);
static void begin_part(StringInfo text);
static void append_effect(const SliceRating *work, StringInfo text);
static void append_duration(StringInfo text, int64 seconds);
static void append_unit(StringInfo text, int64 count, const char *unit);
static void append_number(StringInfo text, Numeric number);
static void append_money(StringInfo text, int128 amount, int exponent);

/* Tell how worked seconds became billed ones; NULL when they are the same. */
const char *
finance_tell_rounding(const RatingEntry *entry)
{
	static const char *const scopes[] = {"entry", "task and day", "day", "task", "period"};
	bool		is_more = i64abs(entry->billed_s) > i64abs(entry->worked_s);
	StringInfoData text;

	if (entry->billed_by == BILLED_AS_WORKED)
		return NULL;

	initStringInfo(&text);
	append_duration(&text, entry->worked_s);
	appendStringInfoString(&text, " worked, ");
	if (entry->billed_by == BILLED_BY_HAND)
		appendStringInfoString(&text, "set by hand to");
	else if (entry->terms->scope != SCOPE_ENTRY)
		appendStringInfo(&text, "rounded with the rest of its %s to", scopes[entry->terms->scope]);
	else if (entry->terms->rounding.mode == ROUNDING_NONE)
		appendStringInfoString(&text, is_more ? "raised to" : "limited to");
	else
		appendStringInfoString(&text, is_more ? "rounded up to" : "rounded down to");
	appendStringInfoChar(&text, ' ');
	append_duration(&text, entry->billed_s);
	return text.data;
}

/* Tell which allotment covers a segment, and how its seconds weigh. */
const char *
finance_tell_covered(const SliceRating *work, const Allotment *allotment)
{
	StringInfoData text;

	begin_reason(work, &text);
	begin_part(&text);
	appendStringInfo(&text, "covered by allotment " INT64_FORMAT, allotment->id);
	if (!allotment->is_money && work->effect.burn != MULTIPLIER_ONE)
	{
		appendStringInfoString(&text, ", each second counted ");
		append_number(&text, work->effect.burn_numeric);
		appendStringInfoString(&text, " times");
	}
	return text.data;
}

/* Tell what made the price and time of a segment, and the note; NULL when nothing did. */
const char *
finance_tell_priced(const SliceRating *work, const char *note)
{
	StringInfoData text;

	/* most segments have nothing to tell, and should not pay for it */
	if (work->rating->rounding == NULL && !work->is_raised && note == NULL &&
		work->effect.multiplier == MULTIPLIER_ONE && work->effect.adder == 0 &&
		work->price.discount.percent == 0)
		return NULL;

	begin_reason(work, &text);
	append_effect(work, &text);
	if (work->price.discount.percent != 0)
	{
		begin_part(&text);
		appendStringInfoString(&text, "discount of ");
		append_number(&text, work->price.discount.numeric);
		appendStringInfo(&text, " %% by %s", work->price.discounting);
	}
	if (note != NULL)
	{
		begin_part(&text);
		appendStringInfoString(&text, note);
	}
	return text.data;
}

/* Tell what a cap wrote off. */
const char *
finance_tell_capped(const SliceRating *work, int128 written_off)
{
	const Account *account = work->contract->account;
	int			exponent = work->entry->terms->exponent;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "over the cap of ");
	if (account->has_cap_amount)
		append_money(&text, account->cap_amount, exponent);
	if (account->has_cap_amount && account->has_cap_seconds)
		appendStringInfoString(&text, " or ");
	if (account->has_cap_seconds)
		append_duration(&text, account->cap_seconds);
	appendStringInfoString(&text, ": ");
	append_money(&text, written_off, exponent);
	appendStringInfoString(&text, " written off");
	return text.data;
}

/* Begin a reason with what holds for the whole entry or slice. */
static void
begin_reason(const SliceRating *work, StringInfo text)
{
	initStringInfo(text);
	if (work->rating->rounding != NULL)
		appendStringInfoString(text, work->rating->rounding);
	if (work->is_raised)
	{
		begin_part(text);
		appendStringInfoString(text, "raised to the minimum of ");
		append_duration(text, work->effect.minimum_s);
	}
}

/* Begin another part of a reason. */
static void
begin_part(StringInfo text)
{
	if (text->len > 0)
		appendStringInfoString(text, "; ");
}

/* Tell what the band and the role do to the price. */
static void
append_effect(const SliceRating *work, StringInfo text)
{
	const BandEffect *effect = &work->effect;

	if (effect->multiplier == MULTIPLIER_ONE && effect->adder == 0)
		return;
	begin_part(text);
	appendStringInfo(text, "%s: the price", work->slice->band->name);
	if (effect->multiplier != MULTIPLIER_ONE)
	{
		appendStringInfoString(text, " times ");
		append_number(text, effect->multiplier_numeric);
	}
	if (effect->adder != 0)
	{
		appendStringInfoString(text, " plus ");
		append_number(text, effect->adder_numeric);
	}
}

/* Write a duration: 2 h 15 min */
static void
append_duration(StringInfo text, int64 seconds)
{
	int64		magnitude = i64abs(seconds);
	int			length;

	if (seconds < 0)
		appendStringInfoChar(text, '-');
	length = text->len;
	append_unit(text, magnitude / SECS_PER_HOUR, "h");
	append_unit(text, magnitude / SECS_PER_MINUTE % MINS_PER_HOUR, "min");
	append_unit(text, magnitude % SECS_PER_MINUTE, "s");
	if (text->len == length)
		appendStringInfoString(text, "0 s");
	else
	{
		text->len--;
		text->data[text->len] = '\0';
	}
}

/* Write a count with its unit and a space, unless it is none. */
static void
append_unit(StringInfo text, int64 count, const char *unit)
{
	char		digits[MAXINT8LEN + 1];

	if (count == 0)
		return;
	pg_lltoa(count, digits);
	appendStringInfoString(text, digits);
	appendStringInfoChar(text, ' ');
	appendStringInfoString(text, unit);
	appendStringInfoChar(text, ' ');
}

/* Write a number without the zeros that its column fills up with. */
static void
append_number(StringInfo text, Numeric number)
{
	Datum		trimmed = DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(number));

	appendStringInfoString(text, DatumGetCString(DirectFunctionCall1(numeric_out, trimmed)));
}

/* Write an amount, in minor units, with all its decimals. */
static void
append_money(StringInfo text, int128 amount, int exponent)
{
	Datum		number = NumericGetDatum(finance_fixed_write(amount, exponent));

	appendStringInfoString(text, DatumGetCString(DirectFunctionCall1(numeric_out, number)));
}
