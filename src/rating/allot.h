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
	int64	   *work_types;		/* the scope */
	int			nwork_types;
} Allotment;

/* What one contract may still eat, and what counts against its caps. */
typedef struct Account
{
	int64		contract;
	Allotment  *allotments;		/* in the order in which they are eaten */
	int			nallotments;
	TimestampTz draw_from;		/* earlier work draws as if done then */
	bool		has_cap_amount;
	int128		cap_amount;		/* minor units */
	int128		used_amount;
	bool		has_cap_seconds;
	int64		cap_seconds;
	int64		used_seconds;
} Account;

extern void finance_account_read_state(Account *account, const JsonNode *state, int exponent);
extern bool finance_allotment_is_live(const Allotment *allotment, TimestampTz at,
									  bool has_work_type, int64 work_type);

/* Is a work type in a scope? */
static inline bool
finance_in_scope(const int64 *work_types, int nwork_types, int64 work_type)
{
	for (int i = 0; i < nwork_types; i++)
	{
		if (work_types[i] == work_type)
			return true;
	}
	return false;
}

#endif							/* FINANCE_ALLOT_H */
