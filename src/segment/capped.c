/*
 * capped.c
 *		How much of a slice the caps let be charged.
 */
#include "finance.h"

#include "segment.h"

static void tighten(CapRoom *room, const CapUse *use, bool is_period);

/*
 * Find how many seconds of the rest the caps let be charged; the amount is
 * lowered to what is left under them, to the cent.
 */
int64
finance_caps_cut(SliceRating *work, int64 rest_s, int128 *amount)
{
	CapRoom    *room = &work->room;
	int64		charged_s = rest_s;

	memset(room, 0, sizeof(CapRoom));
	tighten(room, &work->contract->account->life, false);
	if (work->period != NULL)
		tighten(room, &work->period->use, true);

	room->amount_cuts = room->has_amount && *amount > room->amount;
	if (room->amount_cuts)
	{
		charged_s = finance_rate_affords(room->amount, work->price.rate,
										 work->entry->terms->exponent, rest_s);
		*amount = room->amount;
	}
	room->seconds_cut = room->has_seconds && charged_s > room->seconds;
	if (room->seconds_cut)
	{
		int128		value = finance_slice_amount(work, room->seconds);

		charged_s = room->seconds;
		if (value < *amount)
		{
			*amount = value;
			room->amount_cuts = false;
		}
	}
	return charged_s;
}

/* Take another cap into account: the tighter holds. */
static void
tighten(CapRoom *room, const CapUse *use, bool is_period)
{
	int128		amount = Max(use->cap.amount - use->amount, 0);
	int64		seconds = Max(use->cap.seconds - use->seconds, 0);

	if (use->cap.has_amount && (!room->has_amount || amount < room->amount))
	{
		room->has_amount = true;
		room->amount = amount;
		room->amount_of_period = is_period;
	}
	if (use->cap.has_seconds && (!room->has_seconds || seconds < room->seconds))
	{
		room->has_seconds = true;
		room->seconds = seconds;
		room->seconds_of_period = is_period;
	}
}
