/*
 * segment.c
 *		Rating one slice of an entry into segments: who bills it, by which
 *		rules, what covers it, and what the rest costs.
 */
#include "finance.h"

#include "miscadmin.h"
#include "segment.h"

static void rate_unbilled(SliceRating *work);
static void find_effect(SliceRating *work);
static void raise_to_minimum(SliceRating *work);
static bool charge_rest(SliceRating *work);
static Segment *add_priced(SliceRating *work, CapEffect effect, int64 billed_s, int128 written_off);

/*
 * Rate one slice; false when it cannot be rated, and then the rating says why.
 */
bool
finance_slice_rate(Rating *rating, const RatingEntry *entry, const Slice *slice)
{
	SliceRating work = {
		.rating = rating,
		.entry = entry,
		.slice = slice,
		.contract = slice->band->contract,
		.service_date = slice->service_date,
		.billed_s = slice->billed_s
	};

	if (entry->disposition != DISPOSITION_BILLABLE)
	{
		rate_unbilled(&work);
		return true;
	}
	if (work.contract == NULL)
	{
		return finance_rating_fails(rating, "no_contract",
									psprintf("no contract covers band \"%s\"", slice->band->name));
	}
	find_effect(&work);
	raise_to_minimum(&work);
	if (finance_has_period_cap(work.contract->account->terms))
		work.period = finance_period_use(work.contract->account, slice->period_start);
	for (;;)
	{
		if (!finance_slice_draw(&work) || !charge_rest(&work))
			return false;
		if (work.done_s == work.billed_s)
			return true;
		finance_slice_go_on(&work, work.until_at);
	}
}

/* Keep work that is not billed by the hour: its time and cost count, its price is nothing. */
static void
rate_unbilled(SliceRating *work)
{
	Disposition disposition = work->entry->disposition;
	Segment    *segment;

	/* a band that no contract is for is no problem when nobody pays */
	if (work->contract == NULL)
		work->contract = &work->entry->terms->contracts[0];
	work->billed_s = 0;
	segment = finance_segment_add(work, disposition == DISPOSITION_INCLUDED ? COVERAGE_INCLUDED :
						  disposition == DISPOSITION_NO_CHARGE ? COVERAGE_NO_CHARGE :
						  COVERAGE_NON_BILLABLE, 0);
	if (segment->coverage == COVERAGE_INCLUDED)
		segment->price = segment->rate = int64_to_numeric(0);
}

/* Take the greatest that any rule of the band and role says; they never compound. */
static void
find_effect(SliceRating *work)
{
	BandEffect *effect = &work->effect;
	const Contract *contract = work->contract;
	const char *role = work->entry->role;

	effect->multiplier = MULTIPLIER_ONE;
	effect->burn = MULTIPLIER_ONE;
	for (int i = 0; i < contract->nrules; i++)
	{
		const BandRule *rule = &contract->rules[i];

		if ((rule->band != NULL && strcmp(rule->band, work->slice->band->name) != 0) ||
			(rule->role != NULL && (role == NULL || strcmp(rule->role, role) != 0)))
			continue;
		if (rule->multiplier_numeric != NULL &&
			(effect->multiplier_numeric == NULL || rule->multiplier > effect->multiplier))
		{
			effect->multiplier = rule->multiplier;
			effect->multiplier_numeric = rule->multiplier_numeric;
		}
		if (rule->adder > effect->adder)
		{
			effect->adder = rule->adder;
			effect->adder_numeric = rule->adder_numeric;
		}
		if (rule->burn_numeric != NULL &&
			(effect->burn_numeric == NULL || rule->burn > effect->burn))
		{
			effect->burn = rule->burn;
			effect->burn_numeric = rule->burn_numeric;
		}
		effect->minimum_s = Max(effect->minimum_s, rule->minimum_s);
	}
}

/* Raise billed seconds to the band's minimum, except where a person set them. */
static void
raise_to_minimum(SliceRating *work)
{
	if (work->billed_s > 0 && work->billed_s < work->effect.minimum_s &&
		work->entry->billed_by != BILLED_BY_HAND)
	{
		work->billed_s = work->effect.minimum_s;
		work->is_raised = true;
	}
}

/* Charge what no allotment covered of what is known so far, as far as the caps let it. */
static bool
charge_rest(SliceRating *work)
{
	int64		rest_s = work->until_s - work->done_s;
	int64		charged_s;
	int128		whole;
	int128		amount;
	bool		is_cut;

	if (rest_s == 0 && work->done_s > 0)
		return true;
	if (!finance_hour_price(work))
		return false;

	whole = amount = finance_slice_amount(work, rest_s);
	charged_s = finance_caps_cut(work, rest_s, &amount);
	is_cut = charged_s != rest_s || amount != whole;
	if (!is_cut || charged_s > 0 || amount > 0)
	{
		Segment    *segment = add_priced(work, is_cut ? CAP_MET : CAP_NONE, charged_s, 0);

		segment->amount = amount;
		segment->period = work->period;
		finance_cap_take(work->contract->account, work->period, amount, charged_s);
	}
	if (is_cut)
		(void) add_priced(work, CAP_OVER, rest_s - charged_s, whole - amount);
	return true;
}

/* Add a segment with its price, and what a cap wrote off where it is over that. */
static Segment *
add_priced(SliceRating *work, CapEffect effect, int64 billed_s, int128 written_off)
{
	Segment    *segment = finance_segment_add(work, effect == CAP_OVER ? COVERAGE_CAPPED :
											  COVERAGE_BILLABLE, billed_s);

	segment->price = work->price.numeric;
	segment->multiplier = work->effect.multiplier_numeric;
	segment->discount = work->price.discount.numeric;
	segment->rate = work->price.full_numeric;
	segment->position = work->price.position;
	segment->source = work->price.source;
	segment->why = finance_why_priced(work, effect, written_off);
	return segment;
}

/*
 * Add a segment with its part of the slice's seconds.  Worked seconds follow
 * the billed ones, so that the last segment takes what is left.
 */
Segment *
finance_segment_add(SliceRating *work, Coverage coverage, int64 billed_s)
{
	Rating	   *rating = work->rating;
	int64		worked_end_s = work->slice->worked_s;
	Segment    *segment;

	finance_limit_check_at(LIMIT_ENTRY_SEGMENTS, rating->nsegments + 1,
						   psprintf("entry " INT64_FORMAT, work->entry->id));
	if (rating->nsegments == rating->segments_max)
	{
		rating->segments_max *= 2;
		rating->segments = repalloc(rating->segments, sizeof(Segment) * rating->segments_max);
	}
	segment = &rating->segments[rating->nsegments++];
	memset(segment, 0, sizeof(Segment));

	work->done_s += billed_s;
	if (work->done_s != work->billed_s)
		worked_end_s = (int64) finance_fixed_div_round((int128) worked_end_s * work->done_s,
													   work->billed_s);
	segment->slice = work->slice;
	segment->contract = work->contract;
	segment->service_date = work->service_date;
	segment->coverage = coverage;
	segment->billed_s = billed_s;
	segment->worked_s = worked_end_s - work->worked_done_s;
	work->worked_done_s = worked_end_s;
	return segment;
}

/* Charge seconds at the slice's rate. */
int128
finance_slice_amount(const SliceRating *work, int64 seconds)
{
	return finance_rate_amount(seconds, work->price.rate, work->entry->terms->in_hundredths,
							   work->entry->terms->exponent);
}
