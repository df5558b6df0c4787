/*
 * price.c
 *		Price lists: which position prices an hour, and what it comes to.
 *
 * A list is searched by keys, the most specific first: employee and work type,
 * employee, role and work type, role, work type, none.  Within a key the
 * latest position not after the day holds; one without a price withdraws its
 * key, and the search goes on.  What a list does not price its parent may.
 *
 * The positions that can answer depend on who asks and not on the day, so they
 * are found once per (list, employee, role, work type) and kept; a day then
 * costs a binary search in the one or two keys that have positions at all.
 *
 * All arithmetic is exact: an hourly rate is an integer of RATE_SCALE, an
 * amount multiplies first, divides last and rounds once.
 */
#include "finance.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "limit.h"
#include "price.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define KEYS_PER_LIST 6
#define CACHE_BYTES_MAX (64 * 1024 * 1024)	/* of searches, and of sources */

/* The positions of one key in one list, in order of date. */
typedef struct PriceCandidate
{
	const PriceList *list;
	const PriceList *discounting;
	PricePosition *positions;
	int			npositions;
} PriceCandidate;

typedef struct PriceCacheEntry
{
	PriceQuery	query;			/* hash key */
	PriceCandidate *candidates; /* the most specific first */
	int			ncandidates;
} PriceCacheEntry;

static int	compare_keys(const PricePosition *a, const PricePosition *b);
static int	compare_positions(const void *a, const void *b);
static void open_cache(PriceCache *cache);
static uint32 hash_query(const void *key, Size size);
static int	match_query(const void *a, const void *b, Size size);
static void find_candidates(PriceCache *cache, PriceCacheEntry *entry);
static int	find_key(const PriceList *list, const PricePosition *key, PricePosition **first);
static PricePosition *position_in_force(const PriceCandidate *candidate, DateADT day);
static int128 multiply_divide(int64 parts, int128 rate, int128 divisor);

/* Put the positions in order of key and date; two of one key and day are refused. */
void
finance_price_list_sort(PriceList *list)
{
	qsort(list->positions, list->npositions, sizeof(PricePosition), compare_positions);
	for (int i = 1; i < list->npositions; i++)
	{
		PricePosition *a = &list->positions[i - 1];
		PricePosition *b = &list->positions[i];

		if (compare_positions(a, b) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("price list \"%s\" has two positions for the same key and day",
							list->name),
					 errdetail("Positions " INT64_FORMAT " and " INT64_FORMAT
							   " have the same employee, role, work type and date.",
							   Min(a->id, b->id), Max(a->id, b->id))));
	}
}

/* Order positions by the key that they price. */
static int
compare_keys(const PricePosition *a, const PricePosition *b)
{
	if (a->has_employee != b->has_employee)
		return a->has_employee ? -1 : 1;
	if (a->employee != b->employee)
		return a->employee < b->employee ? -1 : 1;
	if ((a->role == NULL) != (b->role == NULL))
		return a->role != NULL ? -1 : 1;
	if (a->role != NULL && strcmp(a->role, b->role) != 0)
		return strcmp(a->role, b->role);
	if (a->has_work_type != b->has_work_type)
		return a->has_work_type ? -1 : 1;
	if (a->work_type != b->work_type)
		return a->work_type < b->work_type ? -1 : 1;
	return 0;
}

/* Order positions by key, then by date. */
static int
compare_positions(const void *a, const void *b)
{
	const PricePosition *left = a;
	const PricePosition *right = b;
	int			order = compare_keys(left, right);

	CHECK_FOR_INTERRUPTS();
	if (order == 0 && left->valid_from != right->valid_from)
		order = left->valid_from < right->valid_from ? -1 : 1;
	return order;
}

/* Make the cache of the searches of one call. */
PriceCache *
finance_price_cache_create(void)
{
	PriceCache *cache = palloc0(sizeof(PriceCache));

	cache->sources_context = CurrentMemoryContext;
	cache->context = AllocSetContextCreate(CurrentMemoryContext, "finance price cache",
										   ALLOCSET_DEFAULT_SIZES);
	open_cache(cache);
	return cache;
}

/* Begin the cache, or begin it anew, empty. */
static void
open_cache(PriceCache *cache)
{
	HASHCTL		control = {
		.keysize = sizeof(PriceQuery),
		.entrysize = sizeof(PriceCacheEntry),
		.hash = hash_query,
		.match = match_query,
		.hcxt = cache->context
	};

	MemoryContextReset(cache->context);	/* with the table, whose context is below it */
	cache->bytes = 0;
	cache->table = hash_create("finance price cache", 64, &control,
							   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* Hash a query by what its role says, not by where it lies. */
static uint32
hash_query(const void *key, Size size)
{
	const PriceQuery *query = key;
	uint32		hash = hash_bytes_uint32((uint32) (uintptr_t) query->list);

	hash = hash_combine(hash, hash_bytes_uint32((uint32) query->employee));
	hash = hash_combine(hash, hash_bytes_uint32((uint32) query->work_type));
	if (query->role != NULL)
		hash = hash_combine(hash, hash_bytes((const unsigned char *) query->role,
											 strlen(query->role)));
	return hash;
}

/* Tell whether two queries differ. */
static int
match_query(const void *a, const void *b, Size size)
{
	const PriceQuery *left = a;
	const PriceQuery *right = b;

	if (left->list != right->list ||
		left->has_employee != right->has_employee || left->employee != right->employee ||
		left->has_work_type != right->has_work_type || left->work_type != right->work_type ||
		(left->role == NULL) != (right->role == NULL))
		return 1;
	return left->role != NULL ? strcmp(left->role, right->role) : 0;
}

/* Find the position that prices a day; false when there is none. */
bool
finance_price_find(PriceCache *cache, const PriceQuery *query, DateADT day, PriceFound *found)
{
	bool		is_cached;
	PriceCacheEntry *entry;

	if (cache->bytes > CACHE_BYTES_MAX)
		open_cache(cache);
	entry = hash_search(cache->table, query, HASH_ENTER, &is_cached);
	if (!is_cached)
		find_candidates(cache, entry);
	for (int i = 0; i < entry->ncandidates; i++)
	{
		const PriceCandidate *candidate = &entry->candidates[i];
		PricePosition *position = position_in_force(candidate, day);

		if (position != NULL && position->numeric != NULL)
		{
			found->position = position;
			found->list = candidate->list;
			found->discounting = candidate->discounting;
			return true;
		}
	}
	return false;
}

/* Collect the keys that can answer a query, along the chain of lists. */
static void
find_candidates(PriceCache *cache, PriceCacheEntry *entry)
{
	const PriceQuery *query = &entry->query;
	const PriceList *discounting = NULL;
	MemoryContext old_context = MemoryContextSwitchTo(cache->context);
	PriceCandidate candidates[KEYS_PER_LIST * (LIST_PARENTS_MAX + 1)];
	Size		bytes;

	entry->ncandidates = 0;
	if (query->role != NULL)
		entry->query.role = pstrdup(query->role);	/* the caller's may go */

	for (const PriceList *list = query->list; list != NULL; list = list->parent)
	{
		if (discounting == NULL && list->discount.numeric != NULL)
			discounting = list;

		for (int i = 0; i < KEYS_PER_LIST; i++)
		{
			bool		by_employee = i < 2;
			bool		by_role = i == 2 || i == 3;
			bool		by_work_type = i % 2 == 0;
			PricePosition key = {0};
			PriceCandidate *candidate = &candidates[entry->ncandidates];

			if ((by_employee && !query->has_employee) ||
				(by_role && query->role == NULL) ||
				(by_work_type && !query->has_work_type))
				continue;
			key.has_employee = by_employee;
			key.employee = by_employee ? query->employee : 0;
			key.role = by_role ? query->role : NULL;
			key.has_work_type = by_work_type;
			key.work_type = by_work_type ? query->work_type : 0;

			candidate->list = list;
			candidate->discounting = discounting;
			candidate->npositions = find_key(list, &key, &candidate->positions);
			if (candidate->npositions > 0)
				entry->ncandidates++;
		}
	}

	/* a long chain holds few of a query's keys: what is kept is what was found */
	bytes = sizeof(PriceCandidate) * entry->ncandidates;
	entry->candidates = palloc(bytes);
	memcpy(entry->candidates, candidates, bytes);
	cache->bytes += sizeof(PriceCacheEntry) + bytes +
		(query->role != NULL ? strlen(query->role) : 0);
	MemoryContextSwitchTo(old_context);
}

/* Find the positions of a key by binary search for its two ends. */
static int
find_key(const PriceList *list, const PricePosition *key, PricePosition **first)
{
	int			ends[2];

	for (int end = 0; end < 2; end++)
	{
		int			low = 0;
		int			high = list->npositions;

		while (low < high)
		{
			int			middle = low + (high - low) / 2;
			int			order = compare_keys(&list->positions[middle], key);

			if (order < 0 || (order == 0 && end == 1))
				low = middle + 1;
			else
				high = middle;
		}
		ends[end] = low;
	}
	*first = &list->positions[ends[0]];
	return ends[1] - ends[0];
}

/* Find the latest position not after a day; NULL when all are after it. */
static PricePosition *
position_in_force(const PriceCandidate *candidate, DateADT day)
{
	int			low = 0;
	int			high = candidate->npositions;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (candidate->positions[middle].valid_from <= day)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? &candidate->positions[low - 1] : NULL;
}

/* Name the position that gave the price: "Support 2026, position 91". */
Datum
finance_price_source(PriceCache *cache, const PriceFound *found)
{
	PricePosition *position = found->position;
	MemoryContext old_context = CurrentMemoryContext;
	Datum		source;

	if (position->source != (Datum) 0)
		return position->source;

	/* past so many bytes they are written for each entry, and go with it */
	if (cache->sources_bytes < CACHE_BYTES_MAX)
		MemoryContextSwitchTo(cache->sources_context);
	source = CStringGetTextDatum(psprintf("%s, position " INT64_FORMAT,
										  found->list->name, position->id));
	if (cache->sources_bytes < CACHE_BYTES_MAX)
	{
		position->source = source;
		cache->sources_bytes += 2 * VARSIZE_ANY(source);
	}
	MemoryContextSwitchTo(old_context);
	return source;
}

/*
 * Compute the hourly rate (price x multiplier + adder) x (1 - discount / 100),
 * in RATE_SCALE and not rounded.  The bounds of its parts keep it in 128 bits.
 */
int128
finance_rate_effective(int128 price, int128 multiplier, int128 adder,
					   int64 discount_percent)
{
	int128		hundred_percent = 100 * finance_power_of_ten(PERCENT_SCALE);

	return (price * multiplier + adder * finance_power_of_ten(MULTIPLIER_SCALE)) *
		(hundred_percent - discount_percent);
}

/* Compute parts x rate / divisor, rounded once, where the product may be too long. */
static int128
multiply_divide(int64 parts, int128 rate, int128 divisor)
{
	int128		product;
	int128		whole;

	if (finance_fixed_mul(parts, rate, &product))
		return finance_fixed_div_round(product, divisor);

	/* divide first and carry the remainder, which is short: nothing is lost */
	if (!finance_fixed_mul(parts, rate / divisor, &whole))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("an amount is out of range")));
	return whole + finance_fixed_div_round(parts * (rate % divisor), divisor);
}

/* Value seconds at an hourly rate, in minor units of an exponent. */
int128
finance_rate_value(int64 seconds, int128 rate, int rate_scale, int exponent)
{
	return multiply_divide(seconds, rate,
						   SECS_PER_HOUR * finance_power_of_ten(rate_scale - exponent));
}

/*
 * Charge seconds at an hourly rate of RATE_SCALE, in minor units; with hours
 * rounded to hundredths first where the contract wants "hours x price" on
 * paper to multiply out.
 */
int128
finance_rate_amount(int64 seconds, int128 rate, bool in_hundredths, int exponent)
{
	if (in_hundredths)
		return multiply_divide(finance_fixed_div_round(seconds, SECS_PER_HOUR / 100), rate,
							   100 * finance_power_of_ten(RATE_SCALE - exponent));
	return finance_rate_value(seconds, rate, RATE_SCALE, exponent);
}

/* Count the whole seconds that money in minor units buys, up to a maximum. */
int64
finance_rate_affords(int128 money, int128 rate, int exponent, int64 seconds_max)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);
	int128		seconds;

	Assert(rate > 0);

	if (money <= 0)
		return 0;
	seconds = Min(money, money_max) *
		SECS_PER_HOUR * finance_power_of_ten(RATE_SCALE - exponent) / rate;
	return (int64) Min(seconds, seconds_max);
}
