/*
 * slice.h
 *		Slices: the parts of an entry in one band and one service period.
 */
#ifndef FINANCE_SLICE_H
#define FINANCE_SLICE_H

#include "entry.h"

typedef struct Slice
{
	const Band *band;
	TimestampTz started_at;
	TimestampTz ended_at;
	DateADT		service_date;
	DateADT		period_start;
	int64		worked_s;
	int64		billed_s;
	int64		billed_before_s;	/* of the entry, in the slices before */
} Slice;

/* The slices of the entry at hand, in order of time. */
typedef struct Slices
{
	Slice	   *slices;
	int			nslices;
	int			slices_max;
} Slices;

extern void finance_slices_init(Slices *slices);
extern void finance_entry_slice(Slices *slices, const RatingEntry *entry);
extern int64 finance_entry_billed_before(const RatingEntry *entry, TimestampTz at);

#endif							/* FINANCE_SLICE_H */
