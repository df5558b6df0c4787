/*
 * allot.h
 *		What is eaten: allotments and caps, by contract.
 */
#ifndef FINANCE_ALLOT_H
#define FINANCE_ALLOT_H

#include "jsondoc.h"
#include "prorate.h"
#include "utils/hsearch.h"

typedef struct Allotment
{
	int64		id;
	int			kind_place;		/* in the order of eating */
	bool		is_prepaid;		/* paid for beforehand, not part of a fee */
	bool		is_money;
	bool		rolls_over;		/* what is left of it is not lost */
	int128		remaining;		/* seconds, or minor units of money */
	int64		priority;
	int64		line;			/* of the contract that gives it; 0: none */
	TimestampTz effective_at;
	TimestampTz expires_at;		/* infinity when it never does */
	bool		is_scoped;
	int64	   *work_types;		/* the scope, in order */
	int			nwork_types;
	struct Account *account;	/* whose it is */
	int128		granted;		/* what remained when the call began */
} Allotment;

/* What may not be exceeded. */
typedef struct Cap
{
	bool		has_amount;
	bool		has_seconds;
	int128		amount;			/* minor units */
	int64		seconds;
} Cap;

/* A cap, and what counts against it. */
typedef struct CapUse
{
	Cap			cap;
	int128		amount;
	int64		seconds;
	int128		amount_before;	/* when the call began */
	int64		seconds_before;
} CapUse;

/* The cap of a contract in one service period. */
typedef struct PeriodUse
{
	struct						/* hash key */
	{
		struct Account *account;
		DateADT		start;
		int32		unused;		/* 0: the key is compared byte for byte */
	}			key;
	DateADT		from_date;		/* the days of the contract in the period */
	DateADT		to_date;		/* not one of them */
	DayShare	share;
	CapUse		use;
} PeriodUse;

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
	CapUse		life;			/* from the first day of the contract to the last */
	const struct Contract *terms;	/* that say its caps */
	struct Accounts *book;		/* it stands in */
} Account;

/* The accounts of one call. */
typedef struct Accounts
{
	Account    *accounts;		/* in order of contract */
	int			naccounts;
	HTAB	   *periods;		/* of PeriodUse */
	LimitUse   *use;
} Accounts;

extern void finance_accounts_read_state(Accounts *book, const JsonNode *state, int exponent);
extern void finance_account_reset(Account *account);
extern void finance_account_open(Account *account, const void *entry, TimestampTz entry_at,
								 TimestampTz at, TimestampTz until);
extern bool finance_allotment_fits(const Allotment *allotment, bool has_work_type, int64 work_type);

extern void finance_period_uses_create(Accounts *book);
extern void finance_period_uses_reset(const Accounts *book);
extern PeriodUse *finance_period_use(Account *account, DateADT day);
extern void finance_cap_take(Account *account, PeriodUse *period, int128 amount, int64 seconds);

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
