/*
 * search.c
 *		Which position of the price lists prices an hour.
 *
 * A list is searched by keys, the most specific first: employee and work type,
 * employee, role and work type, role, work type, none.  Within a key the
 * latest position not after the day holds; one without a price withdraws its
 * key, and the search goes on; its discount, if it has one, is taken off what
 * is found then.  What a list does not price its parent may.
 *
 * The positions that can answer depend on who asks and not on the day, so they
 * are found once per (list, employee, role, work type) and kept; a day then
 * costs a binary search in the one or two keys that have positions at all.
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

static void open_cache(PriceCache *cache);
static uint32 hash_query(const void *key, Size size);
static int	match_query(const void *a, const void *b, Size size);
static void find_candidates(PriceCache *cache, PriceCacheEntry *entry);
static int	find_key(const PriceList *list, const PricePosition *key, PricePosition **first);
static PricePosition *position_in_force(const PriceCandidate *candidate, DateADT day);

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
	found->discounter = NULL;
	for (int i = 0; i < entry->ncandidates; i++)
	{
		const PriceCandidate *candidate = &entry->candidates[i];
		PricePosition *position = position_in_force(candidate, day);

		if (position == NULL)
			continue;
		if (position->discount.numeric != NULL && found->discounter == NULL)
		{
			found->discounter = position;
			found->discounter_list = candidate->list;
		}
		if (position->numeric != NULL)
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
			int			order = finance_position_compare_keys(&list->positions[middle], key);

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
