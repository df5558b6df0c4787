/*
 * allot.c
 *		What is eaten: allotments and caps, by contract.
 *
 * The state document says what each allotment still holds and what counts
 * against the caps already.  The engine draws from a copy; whoever called it
 * keeps the books.
 */
#include "finance.h"

#include "miscadmin.h"
#include "terms.h"

static const char *const kind_words[] = {"included", "block", "topup", "rollover", "adjustment"};
static const bool kind_is_prepaid[] = {false, true, true, false, true};
/* where nothing else decides, what was paid for by itself is eaten last */
static const int kind_places[] = {1, 3, 4, 0, 2};
static const char *const unit_words[] = {"seconds", "money"};

static void read_allotments(Accounts *book, const JsonNode *state, int exponent);
static void read_allotment(Allotment *allotment, const JsonNode *node, int exponent);
static void read_used(Accounts *book, const JsonNode *state, int exponent);
static void add_used(CapUse *use, int128 amount, int64 seconds);
static Account *find_account_of(const Accounts *book, const JsonNode *row);
static int	compare_allotments(const void *a, const void *b);
static int	compare_widths(const Allotment *left, const Allotment *right);
static int	compare_scopes(const Allotment *left, const Allotment *right);
static int	compare_effective(const void *a, const void *b);
static int	compare_places(const void *a, const void *b);
static void drop_used_up(Account *account, TimestampTz entry_at);
static void bring_in(Account *account, int nopened);

/* Find the account of a contract among those in order of contract; NULL when there is none. */
static Account *
find_account(const Accounts *book, int64 contract)
{
	Account    *accounts = book->accounts;
	int			low = 0;
	int			high = book->naccounts;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (accounts[middle].contract < contract)
			low = middle + 1;
		else
			high = middle;
	}
	return low < book->naccounts && accounts[low].contract == contract ? &accounts[low] : NULL;
}

/*
 * Read the state once and hand its rows to the accounts, which are in order of
 * contract.  Rows of contracts that the terms do not have are left alone.
 */
void
finance_accounts_read_state(Accounts *book, const JsonNode *state, int exponent)
{
	TimestampTz draw_from = DT_NOBEGIN;

	(void) finance_json_instant(state, "draw_from", &draw_from);
	for (int i = 0; i < book->naccounts; i++)
		book->accounts[i].draw_from = draw_from;
	read_allotments(book, state, exponent);
	read_used(book, state, exponent);
}

/* Find whose account a row of the state is about; NULL when it is no contract of the call. */
static Account *
find_account_of(const Accounts *book, const JsonNode *row)
{
	int64		contract;

	if (!finance_json_int64(row, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract))
		finance_json_missing(row, "contract");
	return find_account(book, contract);
}

/* Read the allotments, and give each account its own. */
static void
read_allotments(Accounts *book, const JsonNode *state, int exponent)
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
		account = find_account_of(book, &node);
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
	allotment->kind_place = kind_places[kind];
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
	(void) finance_json_int64(node, "line", 1, PG_INT64_MAX, &allotment->line);
	if (!finance_json_instant(node, "effective_at", &allotment->effective_at))
		finance_json_missing(node, "effective_at");
	allotment->expires_at = DT_NOEND;
	(void) finance_json_instant(node, "expires_at", &allotment->expires_at);
	(void) finance_json_bool(node, "rolls_over", &allotment->rolls_over);
	allotment->is_scoped = finance_json_int64_set(node, "scope", LIMIT_SCOPE_WORK_TYPES,
												   &allotment->work_types,
												   &allotment->nwork_types);
}

/*
 * Read what counts against the caps of the contracts; several rows add up.  What
 * has a day counts against the cap of its period too.
 */
static void
read_used(Accounts *book, const JsonNode *state, int exponent)
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
		DateADT		day;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&rows, i, &node);
		account = find_account_of(book, &node);
		(void) finance_json_fixed(&node, "amount", exponent, -money_max, money_max,
								  &amount, NULL);
		(void) finance_json_int64(&node, "seconds", -SECONDS_MAX, SECONDS_MAX, &seconds);
		if (account == NULL)
			continue;
		add_used(&account->life, amount, seconds);
		if (finance_json_date(&node, "day", &day) && finance_has_period_cap(account->terms))
			add_used(&finance_period_use(account, day)->use, amount, seconds);
	}
}

/* Count what was charged before the call. */
static void
add_used(CapUse *use, int128 amount, int64 seconds)
{
	use->amount_before += amount;
	use->seconds_before += seconds;
}

/*
 * Order allotments by account, and there as they are eaten: by priority, by
 * expiry, the narrower first, by age.  Those that are alike in all this go by
 * what they are, so that the order of entry does not decide between unlike ones:
 * what would be lost before what goes over, then by kind, time before money, by
 * line.  An allotment that is taken back and given anew has another id.
 */
static int
compare_allotments(const void *a, const void *b)
{
	const Allotment *left = a;
	const Allotment *right = b;
	int			order;

	CHECK_FOR_INTERRUPTS();
	if (left->account != right->account)
		return left->account < right->account ? -1 : 1;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->expires_at != right->expires_at)
		return left->expires_at < right->expires_at ? -1 : 1;
	order = compare_widths(left, right);
	if (order != 0)
		return order;
	if (left->effective_at != right->effective_at)
		return left->effective_at < right->effective_at ? -1 : 1;
	if (left->rolls_over != right->rolls_over)
		return left->rolls_over ? 1 : -1;
	if (left->kind_place != right->kind_place)
		return left->kind_place < right->kind_place ? -1 : 1;
	if (left->is_money != right->is_money)
		return left->is_money ? 1 : -1;
	order = compare_scopes(left, right);
	if (order != 0)
		return order;
	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return 0;
}

/* Order allotments by how many types of work they are for; without a scope that is all. */
static int
compare_widths(const Allotment *left, const Allotment *right)
{
	if (left->is_scoped != right->is_scoped)
		return left->is_scoped ? -1 : 1;
	if (left->nwork_types != right->nwork_types)
		return left->nwork_types < right->nwork_types ? -1 : 1;
	return 0;
}

/* Order allotments for as many types of work by these. */
static int
compare_scopes(const Allotment *left, const Allotment *right)
{
	for (int i = 0; i < left->nwork_types; i++)
	{
		if (left->work_types[i] != right->work_types[i])
			return left->work_types[i] < right->work_types[i] ? -1 : 1;
	}
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
	account->life.amount = account->life.amount_before;
	account->life.seconds = account->life.seconds_before;
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
 * Make ready to draw for a part of an entry, from an instant to another.
 * Entries come in order of time, so that what has expired or is used up is
 * looked at no more, and what does not hold yet is not looked at either: a
 * contract gathers thousands of allotments, of which a few hold at a time.
 */
void
finance_account_open(Account *account, const void *entry, TimestampTz entry_at,
					 TimestampTz at, TimestampTz until)
{
	int			nopened = account->nopened;

	if (account->entry != entry)
	{
		drop_used_up(account, Max(entry_at, account->draw_from));
		account->entry = entry;
	}
	while (nopened < account->npending &&
		   (account->pending[nopened]->effective_at <= at ||
			account->pending[nopened]->effective_at < until))
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

/* May work of a type draw on what is left of the allotment, while it holds? */
bool
finance_allotment_fits(const Allotment *allotment, bool has_work_type, int64 work_type)
{
	return allotment->remaining > 0 &&
		(!allotment->is_scoped ||
		 (has_work_type && finance_in_scope(allotment->work_types, allotment->nwork_types,
											work_type)));
}
