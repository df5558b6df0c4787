/*
 * segment.c
 *		Rating one slice of an entry into segments: who bills it, by which
 *		rules, what covers it, what the rest costs, and where a cap cuts it.
 */
#include "finance.h"

#include "miscadmin.h"
#include "rating.h"

static void rate_unbilled(SliceRating *work);
static void find_effect(SliceRating *work);
static void raise_to_minimum(SliceRating *work);
static bool draw(SliceRating *work);
static bool draw_money(SliceRating *work, Allotment *allotment);
static void draw_seconds(SliceRating *work, Allotment *allotment);
static void add_covered(SliceRating *work, Allotment *allotment, int64 covered_s, int128 burned);
static bool charge_rest(SliceRating *work);
static int64 cut_by_caps(const SliceRating *work, int64 rest_s, int128 *amount);
static void add_priced(SliceRating *work, Coverage coverage, int64 billed_s, int128 amount,
					   int128 written_off);
static Segment *add_segment(SliceRating *work, Coverage coverage, int64 billed_s);
static int128 amount_of(const SliceRating *work, int64 seconds);

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
	return draw(&work) && charge_rest(&work);
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
	segment = add_segment(work, disposition == DISPOSITION_INCLUDED ? COVERAGE_INCLUDED :
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

/* Draw on the contract's allotments, one after another. */
static bool
draw(SliceRating *work)
{
	Account    *account = work->contract->account;
	const RatingEntry *entry = work->entry;
	TimestampTz at = Max(work->slice->started_at, account->draw_from);
	int			i;
	bool		is_priced = true;

	if (account->nallotments == 0 || work->billed_s <= 0)
		return true;
	finance_account_open(account, entry, entry->instant, at);
	for (i = account->first; i < account->nlive && work->done_s < work->billed_s && is_priced; i++)
	{
		Allotment  *allotment = account->live[i];

		CHECK_FOR_INTERRUPTS();
		if (!finance_allotment_is_live(allotment, at, entry->has_work_type, entry->work_type))
			continue;
		if (!allotment->is_money)
			draw_seconds(work, allotment);
		else
			is_priced = draw_money(work, allotment);
	}
	account->nscanned = Max(account->nscanned, i);
	return is_priced;
}

/* Draw seconds, each of which weighs what the band says. */
static void
draw_seconds(SliceRating *work, Allotment *allotment)
{
	AllotmentCut cut;

	if (!finance_split_at_fixed(work->billed_s - work->done_s, (int64) allotment->remaining,
								work->effect.burn, &cut))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("what entry " INT64_FORMAT " burns is out of range", work->entry->id)));
	if (cut.covered_s > 0)
		add_covered(work, allotment, cut.covered_s, cut.burned_s);
}

/*
 * Draw money: all that the rest costs, or the whole seconds that the money
 * buys.  Work that costs nothing needs no money.
 */
static bool
draw_money(SliceRating *work, Allotment *allotment)
{
	int64		rest_s = work->billed_s - work->done_s;
	int128		burned;
	int64		covered_s = rest_s;

	if (!finance_hour_price(work))
		return false;
	if (work->price.rate <= 0)
		return true;

	burned = amount_of(work, rest_s);
	if (burned > allotment->remaining)
	{
		int			exponent = work->entry->terms->exponent;

		covered_s = finance_rate_affords(allotment->remaining, work->price.rate, exponent, rest_s);
		burned = finance_rate_value(covered_s, work->price.rate, RATE_SCALE, exponent);
		/* what was bought is worth no more than the money, which is in whole units */
		Assert(burned <= allotment->remaining);
	}
	if (covered_s > 0)
		add_covered(work, allotment, covered_s, burned);
	return true;
}

/* Add a segment that an allotment covers; its price was the fee or the block. */
static void
add_covered(SliceRating *work, Allotment *allotment, int64 covered_s, int128 burned)
{
	Segment    *segment = add_segment(work, allotment->is_prepaid ? COVERAGE_PREPAID :
									  COVERAGE_INCLUDED, covered_s);

	segment->price = segment->rate = int64_to_numeric(0);
	segment->allotment = allotment;
	segment->burned = burned;
	segment->why = finance_why_covered(work, allotment);
	allotment->remaining -= burned;
}

/* Charge what no allotment covered, as far as the caps let it. */
static bool
charge_rest(SliceRating *work)
{
	Account    *account = work->contract->account;
	int64		rest_s = work->billed_s - work->done_s;
	int64		charged_s;
	int128		whole;
	int128		amount;

	if (rest_s == 0 && work->done_s > 0)
		return true;
	if (!finance_hour_price(work))
		return false;

	whole = amount_of(work, rest_s);
	amount = whole;
	charged_s = cut_by_caps(work, rest_s, &amount);
	if (charged_s == rest_s && amount == whole)
		add_priced(work, COVERAGE_BILLABLE, rest_s, amount, 0);
	else
	{
		if (charged_s > 0 || amount > 0)
			add_priced(work, COVERAGE_BILLABLE, charged_s, amount, 0);
		add_priced(work, COVERAGE_CAPPED, rest_s - charged_s, 0, whole - amount);
	}
	account->used_amount += amount;
	account->used_seconds += charged_s;
	return true;
}

/*
 * Find how much of the rest the caps let be charged: the seconds are returned,
 * the amount is lowered to what is left under the cap, to the cent.
 */
static int64
cut_by_caps(const SliceRating *work, int64 rest_s, int128 *amount)
{
	const Account *account = work->contract->account;
	int64		charged_s = rest_s;

	if (account->has_cap_amount)
	{
		int128		room = Max(account->cap_amount - account->used_amount, 0);

		if (*amount > room)
		{
			charged_s = finance_rate_affords(room, work->price.rate,
											 work->entry->terms->exponent, rest_s);
			*amount = room;
		}
	}
	if (account->has_cap_seconds)
	{
		int64		room_s = Max(account->cap_seconds - account->used_seconds, 0);

		if (charged_s > room_s)
		{
			int128		value = amount_of(work, room_s);

			charged_s = room_s;
			*amount = Min(*amount, value);
		}
	}
	return charged_s;
}

/* Add a segment with its price, and what a cap wrote off where it is capped. */
static void
add_priced(SliceRating *work, Coverage coverage, int64 billed_s, int128 amount, int128 written_off)
{
	Segment    *segment = add_segment(work, coverage, billed_s);

	segment->price = work->price.numeric;
	segment->multiplier = work->effect.multiplier_numeric;
	segment->discount = work->price.discount.numeric;
	segment->amount = amount;
	segment->rate = work->price.full_numeric;
	segment->position = work->price.position;
	segment->source = work->price.source;
	segment->why = finance_why_priced(work, coverage == COVERAGE_CAPPED, written_off);
}

/*
 * Add a segment with its part of the slice's seconds.  Worked seconds follow
 * the billed ones, so that the last segment takes what is left.
 */
static Segment *
add_segment(SliceRating *work, Coverage coverage, int64 billed_s)
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
	segment->coverage = coverage;
	segment->billed_s = billed_s;
	segment->worked_s = worked_end_s - work->worked_done_s;
	work->worked_done_s = worked_end_s;
	return segment;
}

/* Charge seconds at the slice's rate. */
static int128
amount_of(const SliceRating *work, int64 seconds)
{
	return finance_rate_amount(seconds, work->price.rate, work->entry->terms->in_hundredths,
							   work->entry->terms->exponent);
}
