/*
 * price.h
 *		Price lists: which position prices an hour, and what it comes to.
 */
#ifndef FINANCE_PRICE_H
#define FINANCE_PRICE_H

#include "fixed.h"
#include "jsondoc.h"
#include "utils/hsearch.h"

/* Decimals of what the terms are made of; more are refused. */
#define PRICE_SCALE FINANCE_MICRO_SCALE
#define MULTIPLIER_SCALE FINANCE_MICRO_SCALE
#define PERCENT_SCALE 4
/* An hourly rate with multiplier and adder is exact in the first scale, less a discount in the second. */
#define FULL_RATE_SCALE (PRICE_SCALE + MULTIPLIER_SCALE)
#define RATE_SCALE (FULL_RATE_SCALE + PERCENT_SCALE + 2)
/* An hourly cost may be the product of a rate of pay and one of exchange. */
#define COST_SCALE (2 * FINANCE_MICRO_SCALE)

/* Bounds that keep every product of the engine within 128 bits. */
#define PRICE_MAX ((int128) INT64CONST(10000000000000000) * 1000 - 1)	/* 10^13 */
#define COST_MAX ((int128) INT64CONST(10000000000000000) * 1000000000 - 1)	/* 10^13 */
#define MULTIPLIER_ONE INT64CONST(1000000)	/* of MULTIPLIER_SCALE */
#define MULTIPLIER_MAX (INT64CONST(1000000000) - 1) /* 1000 times */
#define PERCENT_MAX INT64CONST(1000000) /* 100 %: for nothing */
#define PERCENT_MIN (-INT64CONST(10000000)) /* a surcharge of 1000 % */
#define SECONDS_MAX INT64CONST(10000000000) /* three hundred years */
#define MONEY_MAX INT64CONST(100000000000000)	/* in major units */

/* A percentage off a price, where there is one. */
typedef struct Discount
{
	Numeric		numeric;		/* NULL: none */
	int64		percent;		/* of PERCENT_SCALE */
} Discount;

/* A row of a price list. */
typedef struct PricePosition
{
	int64		id;
	bool		has_employee;	/* false: any */
	bool		has_work_type;	/* false: any */
	int64		employee;
	int64		work_type;
	const char *role;			/* NULL: any */
	DateADT		valid_from;
	Numeric		numeric;		/* NULL: withdrawn */
	int128		price;			/* of PRICE_SCALE */
	Discount	discount;
	Datum		source;			/* text, written when first asked for */
} PricePosition;

typedef struct PriceList
{
	int64		id;
	const char *name;
	bool		has_parent;
	int64		parent_id;
	const struct PriceList *parent; /* where the search goes on */
	Discount	discount;
	PricePosition *positions;	/* in order of key and date */
	int			npositions;
} PriceList;

/* The lists of a terms document, in order of id. */
typedef struct PriceLists
{
	PriceList  *lists;
	int			nlists;
} PriceLists;

/* Whose price is asked for. */
typedef struct PriceQuery
{
	const PriceList *list;
	bool		has_employee;
	bool		has_work_type;
	int64		employee;
	int64		work_type;
	const char *role;			/* NULL: none */
} PriceQuery;

/* The searches of one call, each made once. */
typedef struct PriceCache
{
	HTAB	   *table;
	MemoryContext context;		/* of the searches; emptied when they are too many */
	MemoryContext sources_context;	/* of the words, which positions keep */
	Size		bytes;			/* of the searches */
	Size		sources_bytes;
} PriceCache;

/* The position found, its list, and the discounts on the way to it. */
typedef struct PriceFound
{
	PricePosition *position;
	const PriceList *list;
	const PricePosition *discounter;	/* NULL: no position gives a discount */
	const PriceList *discounter_list;
	const PriceList *discounting;	/* NULL: no list gives a discount */
} PriceFound;

extern void finance_discount_read(const JsonNode *node, Discount *discount);
extern void finance_price_list_read(PriceList *list, const JsonNode *node);
extern void finance_price_lists_link(PriceLists *lists, const JsonNode *document);
extern void finance_price_lists_read(const JsonNode *root, PriceLists *lists);
extern const PriceList *finance_price_list(const PriceLists *lists, int64 id);
extern int	finance_position_compare_keys(const PricePosition *a, const PricePosition *b);

extern PriceCache *finance_price_cache_create(void);
extern bool finance_price_find(PriceCache *cache, const PriceQuery *query, DateADT day,
							   PriceFound *found);
extern Datum finance_price_source(PriceCache *cache, const PriceFound *found);

extern int128 finance_rate_full(int128 price, int128 multiplier, int128 adder);
extern int128 finance_rate_discounted(int128 full_rate, int64 discount_percent);
extern int128 finance_rate_value(int64 seconds, int128 rate, int rate_scale, int exponent);
extern int128 finance_rate_amount(int64 seconds, int128 rate, bool in_hundredths, int exponent);
extern int64 finance_rate_affords(int128 money, int128 rate, int exponent, int64 seconds_max);

#endif							/* FINANCE_PRICE_H */
