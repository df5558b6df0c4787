/*
 * allot.c
 *		What is eaten: allotments and caps, by contract.
 *
 * The state document says what each allotment still holds and what counts
 * against the caps already.  The engine draws from a copy; whoever called it
 * keeps the books.
 */
#include "finance.h"

#include "allot.h"
#include "miscadmin.h"
#include "price.h"

static const char *const kind_words[] = {"included", "block", "topup", "rollover", "adjustment"};
static const bool kind_is_prepaid[] = {false, true, true, false, true};
static const char *const unit_words[] = {"seconds", "money"};

static void read_allotments(Account *accounts, int naccounts, const JsonNode *state, int exponent);
static void read_allotment(Allotment *allotment, const JsonNode *node, int exponent);
static void read_used(Account *accounts, int naccounts, const JsonNode *state, int exponent);
static Account *find_account_of(Account *accounts, int naccounts, const JsonNode *row);
static int	compare_allotments(const void *a, const void *b);
static int	compare_effective(const void *a, const void *b);
static int	compare_places(const void *a, const void *b);
static void drop_used_up(Account *account, TimestampTz entry_at);
static void bring_in(Account *account, int nopened);

/* Find the account of a contract among those in order of contract; NULL when there is none. */
static Account *
find_account(Account *accounts, int naccounts, int64 contract)
{
	int			low = 0;
	int			high = naccounts;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (accounts[middle].contract < contract)
			low = middle + 1;
		else
			high = middle;
	}
	return low < naccounts && accounts[low].contract == contract ? &accounts[low] : NULL;
}

/*
 * Read the state once and hand its rows to the accounts, which are in order of
 * contract.  Rows of contracts that the terms do not have are left alone.
 */
void
finance_accounts_read_state(Account *accounts, int naccounts, const JsonNode *state, int exponent)
{
	TimestampTz draw_from = DT_NOBEGIN;

	(void) finance_json_instant(state, "draw_from", &draw_from);
	for (int i = 0; i < naccounts; i++)
		accounts[i].draw_from = draw_from;
	read_allotments(accounts, naccounts, state, exponent);
	read_used(accounts, naccounts, state, exponent);
}

/* Find whose account a row of the state is about; NULL when it is no contract of the call. */
static Account *
find_account_of(Account *accounts, int naccounts, const JsonNode *row)
{
	int64		contract;

	if (!finance_json_int64(row, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract))
		finance_json_missing(row, "contract");
	return find_account(accounts, naccounts, contract);
}

/* Read the allotments, and give each account its own. */
static void
read_allotments(Account *accounts, int naccounts, const JsonNode *state, int exponent)
{
	JsonNode	rows;
	int			nrows = finance_json_get_array(state, "allotments", LIMIT_ALLOTMENTS, &rows);
	Allotment  *allotments = palloc0(sizeof(Allotment) * Max(nrows, 1));
	Allotment **places = palloc(sizeof(Allotment *) * 2 * Max(nrows, 1));
	int			nallotments = 0;

	for (int i = 0; i < nrows; i++)
	{
		JsonNode	node;
		Account    *account;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&rows, i, &node);
		account = find_account_of(accounts, naccounts, &node);
		if (account == NULL)
			continue;
		allotments[nallotments].account = account;
		read_allotment(&allotments[nallotments++], &node, exponent);
	}
	qsort(allotments, nallotments, sizeof(Allotment), compare_allotments);

	for (int i = 0; i < nallotments; i++)
	{
		Account    *account = allotments[i].account;

		if (i > 0 && compare_allotments(&allotments[i - 1], &allotments[i]) == 0)
			finance_json_refuse(state, "has allotment " INT64_FORMAT " twice", allotments[i].id);
		if (account->nallotments++ == 0)
		{
			account->allotments = &allotments[i];
			account->pending = &places[2 * i];
		}
		account->live = account->pending + account->nallotments;
	}
}

/* Read one allotment. */
static void
read_allotment(Allotment *allotment, const JsonNode *node, int exponent)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);
	int			kind;
	int			unit;

	if (!finance_json_int64(node, "id", PG_INT64_MIN, PG_INT64_MAX, &allotment->id))
		finance_json_missing(node, "id");
	if (!finance_json_choice(node, "kind", kind_words, lengthof(kind_words), &kind))
		finance_json_missing(node, "kind");
	allotment->is_prepaid = kind_is_prepaid[kind];
	if (!finance_json_choice(node, "unit", unit_words, lengthof(unit_words), &unit))
		finance_json_missing(node, "unit");
	allotment->is_money = unit == 1;

	if (!finance_json_fixed(node, "remaining", allotment->is_money ? exponent : 0, 0,
							allotment->is_money ? money_max : SECONDS_MAX,
							&allotment->granted, NULL))
		finance_json_missing(node, "remaining");
	(void) finance_json_int64(node, "priority", PG_INT64_MIN, PG_INT64_MAX,
							  &allotment->priority);
	if (!finance_json_instant(node, "effective_at", &allotment->effective_at))
		finance_json_missing(node, "effective_at");
	allotment->expires_at = DT_NOEND;
	(void) finance_json_instant(node, "expires_at", &allotment->expires_at);
	allotment->is_scoped = finance_json_int64_set(node, "scope", LIMIT_SCOPE_WORK_TYPES,
												   &allotment->work_types,
												   &allotment->nwork_types);
}

/* Read what counts against the caps of the contracts; several rows add up. */
static void
read_used(Account *accounts, int naccounts, const JsonNode *state, int exponent)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);
	JsonNode	rows;
	int			nrows = finance_json_get_array(state, "used", LIMIT_USED, &rows);

	for (int i = 0; i < nrows; i++)
	{
		JsonNode	node;
		Account    *account;
		int128		amount = 0;
		int64		seconds = 0;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&rows, i, &node);
		account = find_account_of(accounts, naccounts, &node);
		(void) finance_json_fixed(&node, "amount", exponent, -money_max, money_max,
								  &amount, NULL);
		(void) finance_json_int64(&node, "seconds", -SECONDS_MAX, SECONDS_MAX, &seconds);
		if (account != NULL)
		{
			account->used_amount_before += amount;
			account->used_seconds_before += seconds;
		}
	}
}

/* Order allotments by account, and there as they are eaten: priority, expiry, age, id. */
static int
compare_allotments(const void *a, const void *b)
{
	const Allotment *left = a;
	const Allotment *right = b;

	CHECK_FOR_INTERRUPTS();
	if (left->account != right->account)
		return left->account < right->account ? -1 : 1;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->expires_at != right->expires_at)
		return left->expires_at < right->expires_at ? -1 : 1;
	if (left->effective_at != right->effective_at)
		return left->effective_at < right->effective_at ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return 0;
}

/* Order allotments by the instant from which they hold. */
static int
compare_effective(const void *a, const void *b)
{
	const Allotment *left = *(Allotment *const *) a;
	const Allotment *right = *(Allotment *const *) b;

	CHECK_FOR_INTERRUPTS();
	if (left->effective_at != right->effective_at)
		return left->effective_at < right->effective_at ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Order allotments of one account as they lie, which is the order of eating. */
static int
compare_places(const void *a, const void *b)
{
	const Allotment *left = *(Allotment *const *) a;
	const Allotment *right = *(Allotment *const *) b;

	CHECK_FOR_INTERRUPTS();
	return left < right ? -1 : left > right;
}

/* Put an account back to what the state said. */
void
finance_account_reset(Account *account)
{
	account->used_amount = account->used_amount_before;
	account->used_seconds = account->used_seconds_before;
	account->npending = account->nallotments;
	account->nopened = account->first = account->nlive = account->nscanned = 0;
	account->entry = NULL;
	for (int i = 0; i < account->nallotments; i++)
	{
		account->allotments[i].remaining = account->allotments[i].granted;
		account->pending[i] = &account->allotments[i];
	}
	qsort(account->pending, account->npending, sizeof(Allotment *), compare_effective);
}

/*
 * Make ready to draw for an entry, at an instant.  Entries come in order of
 * time, so that what has expired or is used up is looked at no more, and what
 * does not hold yet is not looked at either: a contract gathers thousands of
 * allotments, of which a few hold at a time.
 */
void
finance_account_open(Account *account, const void *entry, TimestampTz entry_at, TimestampTz at)
{
	int			nopened = account->nopened;

	if (account->entry != entry)
	{
		drop_used_up(account, Max(entry_at, account->draw_from));
		account->entry = entry;
	}
	while (nopened < account->npending && account->pending[nopened]->effective_at <= at)
		nopened++;
	if (nopened > account->nopened)
		bring_in(account, nopened);
}

/*
 * Leave out what the entry before looked at and no later one can eat: it was
 * rated whole, or gave back what it took.
 */
static void
drop_used_up(Account *account, TimestampTz entry_at)
{
	int			first = account->nscanned;

	for (int i = account->nscanned - 1; i >= account->first; i--)
	{
		const Allotment *allotment = account->live[i];

		if (allotment->remaining > 0 && allotment->expires_at > entry_at)
			account->live[--first] = account->live[i];
	}
	account->first = account->nscanned = first;
}

/* Merge those that have come into force with the live ones, from the back. */
static void
bring_in(Account *account, int nopened)
{
	Allotment **fresh = &account->pending[account->nopened];
	int			nfresh = nopened - account->nopened;
	int			from = account->nlive - 1;
	int			to = account->nlive + nfresh - 1;

	if (nfresh > 1)
		qsort(fresh, nfresh, sizeof(Allotment *), compare_places);
	for (int i = nfresh - 1; i >= 0;)
	{
		if (from >= account->first && account->live[from] > fresh[i])
			account->live[to--] = account->live[from--];
		else
			account->live[to--] = fresh[i--];
	}
	account->nlive += nfresh;
	account->nopened = nopened;
}

/* May work of a type at an instant draw on the allotment? */
bool
finance_allotment_is_live(const Allotment *allotment, TimestampTz at,
						  bool has_work_type, int64 work_type)
{
	if (allotment->remaining <= 0 ||
		at < allotment->effective_at || at >= allotment->expires_at)
		return false;
	return !allotment->is_scoped ||
		(has_work_type && finance_in_scope(allotment->work_types, allotment->nwork_types,
										   work_type));
}
