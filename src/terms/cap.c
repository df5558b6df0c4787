/*
 * cap.c
 *		What contracts may not exceed, and what counts against it: over their
 *		whole life, and in each service period.
 *
 * The cap of a period is that of the days that the contract has in it.  Work is
 * counted in the period in which it was done, whenever it came: so entries of
 * several periods may be rated in one call.
 */
#include "finance.h"

#include "fixed.h"
#include "miscadmin.h"
#include "terms.h"

static void cut_cap(PeriodUse *period, const Contract *contract, DateADT start, DateADT end);

/* Make room for the caps of periods; where no contract has one there is none. */
void
finance_period_uses_create(Accounts *book)
{
	HASHCTL		control = {
		.keysize = sizeof(((PeriodUse *) NULL)->key),
		.entrysize = sizeof(PeriodUse),
		.hcxt = CurrentMemoryContext
	};

	book->periods = hash_create("finance periods with caps", 64, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Put all periods back to what the state said. */
void
finance_period_uses_reset(const Accounts *book)
{
	HASH_SEQ_STATUS status;
	PeriodUse  *period;

	if (book->periods == NULL)
		return;
	hash_seq_init(&status, book->periods);
	while ((period = hash_seq_search(&status)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		period->use.amount = period->use.amount_before;
		period->use.seconds = period->use.seconds_before;
	}
}

/*
 * Find the cap of a contract in the service period that holds a day, and what
 * counts against it; the terms that say the cap say its periods too.
 */
PeriodUse *
finance_period_use(Account *account, DateADT day)
{
	const Contract *contract = account->terms;
	DateADT		start = finance_terms_period_start(contract->terms, day);
	PeriodUse	sought = {.key = {.account = account, .start = start}};
	PeriodUse  *period;
	bool		is_found;

	period = hash_search(account->book->periods, &sought.key, HASH_ENTER, &is_found);
	if (!is_found)
	{
		*period = sought;
		cut_cap(period, contract, start, contract->terms->period_end);
		finance_limit_take(account->book->use, LIMIT_CAP_PERIODS, 1);
	}
	return period;
}

/*
 * Cut the cap to the days of the contract in a period.  Work of its last day
 * may run into a period of which it has none: that is bound by the whole cap.
 */
static void
cut_cap(PeriodUse *period, const Contract *contract, DateADT start, DateADT end)
{
	Cap		   *cap = &period->use.cap;

	period->from_date = Max(start, contract->from_date);
	period->to_date = Min(end, contract->to_date);
	if (period->from_date >= period->to_date)
	{
		period->from_date = start;
		period->to_date = end;
	}
	period->share = finance_day_share(contract->proration, start, end,
									  period->from_date, period->to_date);
	*cap = contract->period_cap;
	cap->amount = finance_fixed_div_round(cap->amount * period->share.days, period->share.of_days);
	cap->seconds = (int64) finance_fixed_div_round((int128) cap->seconds * period->share.days,
												   period->share.of_days);
}

/* Count what is charged against the caps of a contract; what is negative is given back. */
void
finance_cap_take(Account *account, PeriodUse *period, int128 amount, int64 seconds)
{
	account->life.amount += amount;
	account->life.seconds += seconds;
	if (period != NULL)
	{
		period->use.amount += amount;
		period->use.seconds += seconds;
	}
}
