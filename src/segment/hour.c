/*
 * hour.c
 *		What an hour of a slice costs: whose price it is, what the band makes of
 *		it, and the one discount that holds.
 */
#include "finance.h"

#include "iso.h"
#include "lib/stringinfo.h"
#include "segment.h"
#include "utils/builtins.h"

#define LISTS_TOLD_MAX 10		/* of a chain, in one problem */

static Numeric write_rate(int128 full_rate);
static const Overage *find_overage(const SliceRating *work);
static bool find_list_price(SliceRating *work);
static void find_discount(SliceRating *work, const PriceFound *found);
static const char *tell_no_price(const SliceRating *work, const PriceList *list);

/*
 * Find what an hour of the slice costs: the entry's own price, the overage
 * price, or that of a list.  False when there is none, and then the rating
 * says so.
 */
bool
finance_hour_price(SliceRating *work)
{
	HourPrice  *price = &work->price;
	const Overage *overage;
	int128		full_rate;

	if (price->numeric != NULL)
		return true;
	if (work->entry->price_numeric != NULL)
	{
		price->numeric = work->entry->price_numeric;
		price->price = work->entry->price;
		price->source = work->rating->entry_price_source;
		price->by = PRICED_BY_ENTRY;
	}
	else if ((overage = find_overage(work)) != NULL)
	{
		price->numeric = overage->numeric;
		price->price = overage->price;
		price->source = overage->source;
		price->by = PRICED_BY_OVERAGE;
		price->overage = overage;
	}
	else if (!find_list_price(work))
		return false;
	full_rate = finance_rate_full(price->price, work->effect.multiplier, work->effect.adder);
	price->rate = finance_rate_discounted(full_rate, price->discount.percent);
	price->full_numeric = finance_effect_changes_price(&work->effect) ? write_rate(full_rate) : price->numeric;
	return true;
}

/* Write a full rate without the zeros that its scale fills up with. */
static Numeric
write_rate(int128 full_rate)
{
	Numeric		rate = finance_fixed_write(full_rate, FULL_RATE_SCALE);

	return DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale, NumericGetDatum(rate)));
}

/* Find the first overage price in force for the day and the work type. */
static const Overage *
find_overage(const SliceRating *work)
{
	const Contract *contract = work->contract;
	const RatingEntry *entry = work->entry;

	for (int i = 0; i < contract->noverages; i++)
	{
		const Overage *overage = &contract->overages[i];

		if (work->service_date >= overage->from_date &&
			work->service_date < overage->to_date &&
			(!overage->is_scoped ||
			 (entry->has_work_type && finance_in_scope(overage->work_types, overage->nwork_types,
													   entry->work_type))))
			return overage;
	}
	return NULL;
}

/* Find the price in the contract's own list, or the one that the entry starts from. */
static bool
find_list_price(SliceRating *work)
{
	const RatingEntry *entry = work->entry;
	PriceFound	found;
	PriceQuery	query = {
		.list = work->contract->list,
		.has_employee = entry->has_employee,
		.has_work_type = entry->has_work_type,
		.employee = entry->employee,
		.work_type = entry->work_type,
		.role = entry->role
	};

	if (query.list == NULL && !entry->has_list)
		return finance_rating_fails(work->rating, "no_price_list", "no price list");
	if (query.list == NULL)
		query.list = finance_price_list(&entry->terms->lists, entry->list);
	if (query.list == NULL)
		return finance_rating_fails(work->rating, "no_price_list",
									psprintf("price list " INT64_FORMAT " is not in the terms",
											 entry->list));
	if (!finance_price_find(work->rating->prices, &query, work->service_date, &found))
		return finance_rating_fails(work->rating, "no_price", tell_no_price(work, query.list));
	work->price.numeric = found.position->numeric;
	work->price.price = found.position->price;
	work->price.by = PRICED_BY_POSITION;
	work->price.position = found.position;
	work->price.source = finance_price_source(work->rating->prices, &found);
	find_discount(work, &found);
	return true;
}

/* Find the one discount that holds: the position's, a list's or the contract's. */
static void
find_discount(SliceRating *work, const PriceFound *found)
{
	HourPrice  *price = &work->price;

	if (found->discounter != NULL)
	{
		price->discount = found->discounter->discount;
		price->discount_by = DISCOUNT_BY_POSITION;
		price->discount_position = found->discounter;
		price->discount_list = found->discounter_list;
	}
	else if (found->discounting != NULL)
	{
		price->discount = found->discounting->discount;
		price->discount_by = DISCOUNT_BY_LIST;
		price->discount_list = found->discounting;
	}
	else
	{
		price->discount = work->contract->discount;
		price->discount_by = DISCOUNT_BY_CONTRACT;
	}
}

/* Tell whose price is missing, for which day, and where it was looked for. */
static const char *
tell_no_price(const SliceRating *work, const PriceList *list)
{
	const RatingEntry *entry = work->entry;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "no price for");
	if (entry->has_employee)
		appendStringInfo(&text, " employee " INT64_FORMAT ",", entry->employee);
	if (entry->role != NULL)
		appendStringInfo(&text, " role \"%s\",", entry->role);
	if (entry->has_work_type)
		appendStringInfo(&text, " work type " INT64_FORMAT ",", entry->work_type);
	if (text.data[text.len - 1] == ',')
		text.data[--text.len] = '\0';
	else
		appendStringInfoString(&text, " anyone");
	appendStringInfoString(&text, " on ");
	appendStringInfoString(&text, finance_write_date(work->service_date));
	for (int i = 0; list != NULL && i < LISTS_TOLD_MAX; list = list->parent, i++)
		appendStringInfo(&text, "%s \"%s\"", i == 0 ? " in" : ",", list->name);
	if (list != NULL)
		appendStringInfoString(&text, " and the lists above");
	return text.data;
}
