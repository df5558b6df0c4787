/*
 * terms.h
 *		The terms of a contract as the rating engine reads them.
 */
#ifndef FINANCE_TERMS_H
#define FINANCE_TERMS_H

#include "allot.h"
#include "calendar.h"
#include "price.h"
#include "time.h"

/* What is rounded as one: an entry, or what a group of entries sums to. */
typedef enum RoundingScope
{
	SCOPE_ENTRY,
	SCOPE_TASK_DAY,
	SCOPE_DAY,
	SCOPE_TASK,
	SCOPE_PERIOD
} RoundingScope;

extern const char *const finance_scope_words[];

/* What a band and a role do to price, burning and time. */
typedef struct BandRule
{
	const char *band;			/* NULL: any */
	const char *role;			/* NULL: any */
	int128		multiplier;		/* of MULTIPLIER_SCALE */
	Numeric		multiplier_numeric; /* NULL: says nothing of it */
	int128		adder;			/* of PRICE_SCALE */
	Numeric		adder_numeric;	/* NULL: says nothing of it */
	int128		burn;			/* of MULTIPLIER_SCALE */
	Numeric		burn_numeric;	/* NULL: says nothing of it */
	int64		minimum_s;
} BandRule;

/* The price of what goes past the included. */
typedef struct Overage
{
	int64		line;
	int128		price;
	Numeric		numeric;
	bool		is_scoped;
	int64	   *work_types;		/* the scope, in order */
	int			nwork_types;
	DateADT		from_date;
	DateADT		to_date;		/* not part of it; infinity when open */
	Datum		source;			/* text */
} Overage;

/* The base contract or a companion, which claims bands. */
typedef struct Contract
{
	int64		id;
	struct Terms *terms;		/* in which it stands */
	bool		has_all_bands;
	const char **bands;
	int			nbands;
	const PriceList *list;		/* a companion's own; NULL: the entry's */
	Discount	discount;
	BandRule   *rules;
	int			nrules;
	Overage    *overages;
	int			noverages;
	Cap			cap;			/* of its whole life */
	Cap			period_cap;		/* of each service period, cut to the days that it has in it */
	ProrationRule proration;	/* by this rule */
	DateADT		from_date;		/* its life; infinity when it is open */
	DateADT		to_date;		/* not part of it */
	Account    *account;		/* shared by all terms of the call */
} Contract;

/* Does the contract have a cap of each service period? */
static inline bool
finance_has_period_cap(const Contract *contract)
{
	return contract->period_cap.has_amount || contract->period_cap.has_seconds;
}

/* A band of the calendar: its name, and the contract that claims it. */
typedef struct Band
{
	const char *name;
	Datum		text;
	const Contract *contract;	/* NULL: none */
} Band;

typedef struct Terms
{
	int			no;				/* from 1 */
	int			exponent;
	int			base_exponent;
	Calendar   *calendar;
	Jsonb	   *calendar_document;	/* NULL: none */
	bool		has_bands;		/* more than one rate around the clock */
	Band	   *bands;			/* by number in the calendar */
	int			nbands;
	int			regular_no;		/* of the band of work that has no clock */
	PeriodUnit	period;
	int			anchor;
	int			month;			/* from which quarters and years count */
	bool		is_rounded;
	RoundingRule rounding;
	RoundingScope scope;
	bool		in_hundredths;
	PriceLists	lists;
	Contract   *contracts;		/* the base contract first */
	int			ncontracts;
	DateADT		period_start;	/* of the last day asked for */
	DateADT		period_end;
} Terms;

extern Terms *finance_terms_read(int no, Jsonb *document, LimitUse *use, const Terms *before,
								 const PriceLists *lists);
extern void finance_contracts_read(Terms *terms, const JsonNode *root);
extern void finance_accounts_open(Accounts *book, Terms **terms, int nterms, Jsonb *state);
extern DateADT finance_terms_period_start(Terms *terms, DateADT day);

#endif							/* FINANCE_TERMS_H */
