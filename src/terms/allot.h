/*
 * allot.h
 *		What is eaten: allotments and caps, by contract.
 */
#ifndef FINANCE_ALLOT_H
#define FINANCE_ALLOT_H

#include "jsondoc.h"

typedef struct Allotment
{
	int64		id;
	bool		is_prepaid;		/* paid for beforehand, not part of a fee */
	bool		is_money;
	int128		remaining;		/* seconds, or minor units of money */
	int64		priority;
	TimestampTz effective_at;
	TimestampTz expires_at;		/* infinity when it never does */
	bool		is_scoped;
	int64	   *work_types;		/* the scope, in order */
	int			nwork_types;
	struct Account *account;	/* whose it is */
	int128		granted;		/* what remained when the call began */
} Allotment;

/* What one contract may still eat, and what counts against its caps. */
typedef struct Account
{
	int64		contract;
	Allotment  *allotments;		/* in the order in which they are eaten */
	int			nallotments;
	Allotment **pending;		/* those to come into force, the earliest first */
	int			npending;
	int			nopened;		/* of them, in force already */
	Allotment **live;			/* those in force, in the order of eating */
	int			first;			/* of the live; what is used up is before it */
	int			nlive;
	int			nscanned;		/* of the live, looked at for this entry */
	const void *entry;			/* that draws; what earlier ones ate is gone */
	TimestampTz draw_from;		/* earlier work draws as if done then */
	bool		has_cap_amount;
	int128		cap_amount;		/* minor units */
	int128		used_amount;
	int128		used_amount_before;	/* when the call began */
	bool		has_cap_seconds;
	int64		cap_seconds;
	int64		used_seconds;
	int64		used_seconds_before;
} Account;

extern void finance_accounts_read_state(Account *accounts, int naccounts,
										const JsonNode *state, int exponent);
extern void finance_account_reset(Account *account);
extern void finance_account_open(Account *account, const void *entry,
								 TimestampTz entry_at, TimestampTz at);
extern bool finance_allotment_is_live(const Allotment *allotment, TimestampTz at,
									  bool has_work_type, int64 work_type);

/* Is a work type in a scope? */
static inline bool
finance_in_scope(const int64 *work_types, int nwork_types, int64 work_type)
{
	int			low = 0;
	int			high = nwork_types;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (work_types[middle] < work_type)
			low = middle + 1;
		else
			high = middle;
	}
	return low < nwork_types && work_types[low] == work_type;
}

#endif							/* FINANCE_ALLOT_H */
