/*
 * segment.h
 *		Segments: what the rating engine makes of an entry.
 */
#ifndef FINANCE_SEGMENT_H
#define FINANCE_SEGMENT_H

#include "slice.h"

typedef enum Coverage
{
	COVERAGE_BILLABLE,
	COVERAGE_INCLUDED,
	COVERAGE_PREPAID,
	COVERAGE_CAPPED,
	COVERAGE_NO_CHARGE,
	COVERAGE_NON_BILLABLE
} Coverage;

#define COVERAGES (COVERAGE_NON_BILLABLE + 1)

/* A rated segment; what it took is kept, so that it can be given back. */
typedef struct Segment
{
	const Slice *slice;
	const Contract *contract;
	DateADT		service_date;
	Coverage	coverage;
	int64		worked_s;
	int64		billed_s;
	Numeric		price;			/* NULL: not priced */
	Numeric		rate;			/* price with the band's multiplier and adder; NULL: not priced */
	Numeric		multiplier;		/* NULL: 1 */
	Numeric		discount;		/* NULL: none */
	int128		amount;			/* minor units */
	Allotment  *allotment;		/* NULL: nothing was drawn */
	int128		burned;			/* seconds or minor units, as the allotment */
	PeriodUse  *period;			/* NULL: no cap of a period */
	const PricePosition *position;	/* that priced it; NULL: none did */
	Datum		source;			/* text; 0: no price was looked up */
	Jsonb	   *why;			/* NULL: nothing to tell */
} Segment;

/* The rating of the entry at hand. */
typedef struct Rating
{
	PriceCache *prices;
	Datum		entry_price_source; /* text */
	Slices		slices;
	Segment    *segments;
	int			nsegments;
	int			segments_max;
	const char *problem_kind;	/* one of the words told at type rated_segment */
	const char *problem;		/* NULL: none */
} Rating;

/* What the rules of a band and a role come to. */
typedef struct BandEffect
{
	int128		multiplier;
	Numeric		multiplier_numeric; /* NULL: 1 */
	int128		adder;
	Numeric		adder_numeric;	/* NULL: 0 */
	int128		burn;
	Numeric		burn_numeric;	/* NULL: 1 */
	int64		minimum_s;
} BandEffect;

/* Whose price an hour has. */
typedef enum PricedBy
{
	PRICED_BY_POSITION,
	PRICED_BY_ENTRY,
	PRICED_BY_OVERAGE
} PricedBy;

/* Whose discount is taken off it. */
typedef enum DiscountBy
{
	DISCOUNT_BY_POSITION,
	DISCOUNT_BY_LIST,
	DISCOUNT_BY_CONTRACT
} DiscountBy;

/* What an hour costs. */
typedef struct HourPrice
{
	Numeric		numeric;		/* NULL: not looked up yet */
	int128		price;			/* of PRICE_SCALE */
	Numeric		full_numeric;	/* with multiplier and adder, before the discount */
	int128		rate;			/* with all of them, of RATE_SCALE */
	PricedBy	by;
	const PricePosition *position;	/* NULL: not by one */
	const Overage *overage;
	Discount	discount;
	DiscountBy	discount_by;
	const PricePosition *discount_position; /* NULL: by none */
	const PriceList *discount_list; /* whose discount, or whose position's, it is */
	Datum		source;			/* text */
} HourPrice;

/* What caps do to a segment. */
typedef enum CapEffect
{
	CAP_NONE,
	CAP_MET,					/* its amount is what they leave */
	CAP_OVER					/* it is over them */
} CapEffect;

/* What the caps leave, the tighter of that of the whole life and that of the period. */
typedef struct CapRoom
{
	bool		has_amount;
	bool		has_seconds;
	int128		amount;
	int64		seconds;
	bool		amount_of_period;	/* whose cap it is */
	bool		seconds_of_period;
	bool		amount_cuts;	/* what is charged is what it leaves */
	bool		seconds_cut;
} CapRoom;

/* The rating of the slice at hand. */
typedef struct SliceRating
{
	Rating	   *rating;
	const RatingEntry *entry;
	const Slice *slice;
	const Contract *contract;
	BandEffect	effect;
	PeriodUse  *period;			/* NULL: no cap of a period */
	DateADT		service_date;	/* of what comes next */
	HourPrice	price;			/* on that date */
	CapRoom		room;
	int64		billed_s;		/* of the slice */
	int64		done_s;			/* of it, in segments already */
	int64		until_s;		/* so far what is in force is known */
	TimestampTz until_at;		/* the instant, where that is before the end */
	int64		worked_done_s;
	bool		is_raised;		/* to the band's minimum */
} SliceRating;

/* Say why the entry at hand cannot be rated; false, so that callers can return it. */
static inline bool
finance_rating_fails(Rating *rating, const char *kind, const char *problem)
{
	rating->problem_kind = kind;
	rating->problem = problem;
	return false;
}

extern bool finance_slice_rate(Rating *rating, const RatingEntry *entry, const Slice *slice);
extern Segment *finance_segment_add(SliceRating *work, Coverage coverage, int64 billed_s);
extern int128 finance_slice_amount(const SliceRating *work, int64 seconds);
extern bool finance_slice_draw(SliceRating *work);
extern void finance_slice_go_on(SliceRating *work, TimestampTz at);
extern int64 finance_caps_cut(SliceRating *work, int64 rest_s, int128 *amount);
extern bool finance_hour_price(SliceRating *work);

extern bool finance_effect_changes_price(const BandEffect *effect);
extern Jsonb *finance_why_covered(const SliceRating *work, const Allotment *allotment);
extern Jsonb *finance_why_priced(const SliceRating *work, CapEffect effect, int128 written_off);

#ifdef USE_ASSERT_CHECKING
extern void finance_assert_rated(const Rating *rating, const RatingEntry *entry);
extern void finance_assert_given_back(const Rating *rating);
#endif

#endif							/* FINANCE_SEGMENT_H */
