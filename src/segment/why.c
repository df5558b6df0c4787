/*
 * why.c
 *		Why a segment is what it is, as values: jsonb with stable keys.
 *
 * It is stamped on a segment when it is made, so that what a client is told
 * later is what was decided then; words are renderings of it, in any language.
 * Where there is nothing to tell (time billed as worked, at its list price)
 * there is none, and bulk work does not pay for it.  The keys are told in the
 * comment of type rated_segment.
 */
#include "finance.h"

#include "iso.h"
#include "segment.h"
#include "utils/builtins.h"

static void begin(JsonbParseState **state, const SliceRating *work);
static void put_rounded(JsonbParseState **state, const RatingEntry *entry);
static void put_band(JsonbParseState **state, const SliceRating *work, bool is_priced, bool burns);
static void put_price(JsonbParseState **state, const HourPrice *price);
static void put_discount(JsonbParseState **state, const SliceRating *work);
static void put_cap(JsonbParseState **state, const SliceRating *work, CapEffect effect,
					int128 written_off);
static void put_period(JsonbParseState **state, const SliceRating *work);
static void put_limits(JsonbParseState **state, const Cap *cap, bool with_amount, bool with_seconds,
					   int exponent);
static void open_object(JsonbParseState **state, const char *key);
static void close_object(JsonbParseState **state);
static void put_key(JsonbParseState **state, const char *key);
static void put_text(JsonbParseState **state, const char *key, const char *text);
static void put_number(JsonbParseState **state, const char *key, Numeric number);
static void put_int64(JsonbParseState **state, const char *key, int64 number);
static void put_money(JsonbParseState **state, const char *key, int128 amount, int exponent);
static Jsonb *finish(JsonbParseState **state);

/* Do the rules of a band and a role change the price? */
bool
finance_effect_changes_price(const BandEffect *effect)
{
	return effect->multiplier != MULTIPLIER_ONE || effect->adder != 0;
}

/* Tell what made the time of a segment that an allotment covers, and how its seconds weigh. */
Jsonb *
finance_why_covered(const SliceRating *work, const Allotment *allotment)
{
	JsonbParseState *state = NULL;
	bool		burns = !allotment->is_money && work->effect.burn != MULTIPLIER_ONE;

	if (work->entry->billed_by == BILLED_AS_WORKED && !work->is_raised && !burns)
		return NULL;

	begin(&state, work);
	put_band(&state, work, false, burns);
	return finish(&state);
}

/* Tell what made the time and price of a segment, and what a cap made of it. */
Jsonb *
finance_why_priced(const SliceRating *work, CapEffect effect, int128 written_off)
{
	JsonbParseState *state = NULL;

	if (work->entry->billed_by == BILLED_AS_WORKED && !work->is_raised && effect == CAP_NONE &&
		!finance_effect_changes_price(&work->effect) && work->price.discount.percent == 0 &&
		work->price.by == PRICED_BY_POSITION)
		return NULL;

	begin(&state, work);
	put_band(&state, work, true, false);
	put_price(&state, &work->price);
	put_discount(&state, work);
	put_cap(&state, work, effect, written_off);
	return finish(&state);
}

/* Begin with what holds for the whole entry. */
static void
begin(JsonbParseState **state, const SliceRating *work)
{
	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	put_rounded(state, work->entry);
}

/* Put how worked seconds became billed ones, unless they are the same. */
static void
put_rounded(JsonbParseState **state, const RatingEntry *entry)
{
	static const char *const words[] = {NULL, "hand", "rule", "minimum", "maximum"};

	if (entry->billed_by == BILLED_AS_WORKED)
		return;
	open_object(state, "rounded");
	put_text(state, "by", words[entry->billed_by]);
	if (entry->billed_by != BILLED_BY_HAND)
		put_text(state, "scope", finance_scope_words[entry->terms->scope]);
	put_int64(state, "worked_s", entry->worked_s);
	put_int64(state, "billed_s", entry->billed_s);
	close_object(state);
}

/* Put what the band and the role do to the time, the price and the burning. */
static void
put_band(JsonbParseState **state, const SliceRating *work, bool is_priced, bool burns)
{
	const BandEffect *effect = &work->effect;

	if (!work->is_raised && !burns && !(is_priced && finance_effect_changes_price(effect)))
		return;
	open_object(state, "band");
	put_text(state, "name", work->slice->band->name);
	if (work->is_raised)
		put_int64(state, "minimum_s", effect->minimum_s);
	if (is_priced && effect->multiplier != MULTIPLIER_ONE)
		put_number(state, "multiplier", effect->multiplier_numeric);
	if (is_priced && effect->adder != 0)
		put_number(state, "adder", effect->adder_numeric);
	if (burns)
		put_number(state, "burn", effect->burn_numeric);
	close_object(state);
}

/* Put whose price it is, unless it is that of a list, whose position the segment names. */
static void
put_price(JsonbParseState **state, const HourPrice *price)
{
	if (price->by == PRICED_BY_POSITION)
		return;
	open_object(state, "price");
	put_text(state, "by", price->by == PRICED_BY_ENTRY ? "entry" : "overage");
	if (price->by == PRICED_BY_OVERAGE)
		put_int64(state, "line", price->overage->line);
	close_object(state);
}

/* Put the discount, and whose it is. */
static void
put_discount(JsonbParseState **state, const SliceRating *work)
{
	const HourPrice *price = &work->price;

	if (price->discount.percent == 0)
		return;
	open_object(state, "discount");
	put_number(state, "pct", price->discount.numeric);
	open_object(state, "by");
	switch (price->discount_by)
	{
		case DISCOUNT_BY_POSITION:
			put_text(state, "kind", "position");
			put_int64(state, "id", price->discount_position->id);
			put_text(state, "name", price->discount_list->name);
			break;
		case DISCOUNT_BY_LIST:
			put_text(state, "kind", "list");
			put_int64(state, "id", price->discount_list->id);
			put_text(state, "name", price->discount_list->name);
			break;
		case DISCOUNT_BY_CONTRACT:
			put_text(state, "kind", "contract");
			put_int64(state, "id", work->contract->id);
			break;
	}
	close_object(state);
	close_object(state);
}

/* Put the caps that cut, and what they wrote off. */
static void
put_cap(JsonbParseState **state, const SliceRating *work, CapEffect effect, int128 written_off)
{
	const CapRoom *room = &work->room;
	bool		amount_of_period = room->amount_cuts && room->amount_of_period;
	bool		seconds_of_period = room->seconds_cut && room->seconds_of_period;
	int			exponent = work->entry->terms->exponent;

	if (effect == CAP_NONE)
		return;
	open_object(state, "cap");
	put_limits(state, &work->contract->account->life.cap, room->amount_cuts && !amount_of_period,
			   room->seconds_cut && !seconds_of_period, exponent);
	if (amount_of_period || seconds_of_period)
	{
		put_period(state, work);
		put_limits(state, &work->period->use.cap, amount_of_period, seconds_of_period, exponent);
		close_object(state);
	}
	if (effect == CAP_OVER)
		put_money(state, "written_off", written_off, exponent);
	close_object(state);
}

/* Begin the object of the cap of a period: its days, and how the cap was cut to them. */
static void
put_period(JsonbParseState **state, const SliceRating *work)
{
	const PeriodUse *period = work->period;

	open_object(state, "period");
	put_text(state, "from", finance_write_date(period->from_date));
	put_text(state, "to", finance_write_date(period->to_date - 1));
	if (period->share.days != period->share.of_days)
	{
		put_int64(state, "days", period->share.days);
		put_int64(state, "of", period->share.of_days);
		put_text(state, "rule", finance_proration_rules[work->contract->account->terms->proration]);
	}
}

/* Put a cap, in money or time or both. */
static void
put_limits(JsonbParseState **state, const Cap *cap, bool with_amount, bool with_seconds, int exponent)
{
	if (with_amount)
		put_money(state, "amount", cap->amount, exponent);
	if (with_seconds)
		put_int64(state, "seconds", cap->seconds);
}

/* Begin the object of a key. */
static void
open_object(JsonbParseState **state, const char *key)
{
	put_key(state, key);
	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
}

/* End the object at hand. */
static void
close_object(JsonbParseState **state)
{
	(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* Put the key of what comes next; keys and words live as long as the entry. */
static void
put_key(JsonbParseState **state, const char *key)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	(void) pushJsonbValue(state, WJB_KEY, &value);
}

/* Put a text. */
static void
put_text(JsonbParseState **state, const char *key, const char *text)
{
	JsonbValue	value = {.type = jbvString};

	put_key(state, key);
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	(void) pushJsonbValue(state, WJB_VALUE, &value);
}

/* Put a number without the zeros that its column fills up with. */
static void
put_number(JsonbParseState **state, const char *key, Numeric number)
{
	JsonbValue	value = {.type = jbvNumeric};

	put_key(state, key);
	value.val.numeric = DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
															NumericGetDatum(number)));
	(void) pushJsonbValue(state, WJB_VALUE, &value);
}

/* Put a whole number. */
static void
put_int64(JsonbParseState **state, const char *key, int64 number)
{
	put_number(state, key, int64_to_numeric(number));
}

/* Put an amount, in minor units, with all its decimals. */
static void
put_money(JsonbParseState **state, const char *key, int128 amount, int exponent)
{
	JsonbValue	value = {.type = jbvNumeric};

	put_key(state, key);
	value.val.numeric = finance_fixed_write(amount, exponent);
	(void) pushJsonbValue(state, WJB_VALUE, &value);
}

/* End the outermost object. */
static Jsonb *
finish(JsonbParseState **state)
{
	return JsonbValueToJsonb(pushJsonbValue(state, WJB_END_OBJECT, NULL));
}
