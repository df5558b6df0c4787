/*
 * rating.h
 *		Segments: what the rating engine makes of an entry.
 */
#ifndef FINANCE_RATING_H
#define FINANCE_RATING_H

#include "entry.h"

typedef enum Coverage
{
	COVERAGE_BILLABLE,
	COVERAGE_INCLUDED,
	COVERAGE_PREPAID,
	COVERAGE_CAPPED,
	COVERAGE_NO_CHARGE,
	COVERAGE_NON_BILLABLE
} Coverage;

/* A part of an entry in one band and one service period. */
typedef struct Slice
{
	const Band *band;
	TimestampTz started_at;
	TimestampTz ended_at;
	DateADT		service_date;
	DateADT		period_start;
	int64		worked_s;
	int64		billed_s;
} Slice;

/* A rated segment; what it took is kept, so that it can be given back. */
typedef struct Segment
{
	const Slice *slice;
	const Contract *contract;
	Coverage	coverage;
	int64		worked_s;
	int64		billed_s;
	Numeric		price;			/* NULL: not priced */
	Numeric		multiplier;		/* NULL: 1 */
	Numeric		discount;		/* NULL: none */
	int128		amount;			/* minor units */
	Allotment  *allotment;		/* NULL: nothing was drawn */
	int128		burned;			/* seconds or minor units, as the allotment */
	Datum		source;			/* text; 0: no price was looked up */
	const char *reason;			/* NULL: nothing to tell */
} Segment;

/* The rating of the entry at hand. */
typedef struct Rating
{
	PriceCache *prices;
	Datum		entry_price_source; /* text */
	const char *rounding;		/* how the entry was rounded; NULL: it was not */
	Slice	   *slices;
	int			nslices;
	int			slices_max;
	Segment    *segments;
	int			nsegments;
	int			segments_max;
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

/* What an hour costs. */
typedef struct HourPrice
{
	Numeric		numeric;		/* NULL: not looked up yet */
	int128		price;			/* of PRICE_SCALE */
	int128		rate;			/* with multiplier and discount, of RATE_SCALE */
	Discount	discount;
	const char *discounting;	/* whose discount it is */
	Datum		source;			/* text */
} HourPrice;

/* The rating of the slice at hand. */
typedef struct SliceRating
{
	Rating	   *rating;
	const RatingEntry *entry;
	const Slice *slice;
	const Contract *contract;
	BandEffect	effect;
	HourPrice	price;
	int64		billed_s;		/* of the slice */
	int64		done_s;			/* of it, in segments already */
	int64		worked_done_s;
	bool		is_raised;		/* to the band's minimum */
} SliceRating;

extern void finance_entry_slice(Rating *rating, const RatingEntry *entry);
extern bool finance_slice_rate(Rating *rating, const RatingEntry *entry, const Slice *slice);

extern const char *finance_tell_rounding(const RatingEntry *entry);
extern const char *finance_tell_covered(const SliceRating *work, const Allotment *allotment);
extern const char *finance_tell_priced(const SliceRating *work, const char *note);
extern const char *finance_tell_capped(const SliceRating *work, int128 written_off);
extern const char *finance_tell_no_price(const SliceRating *work, const PriceList *list);

#endif							/* FINANCE_RATING_H */
