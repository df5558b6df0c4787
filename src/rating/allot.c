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
#include "price.h"

static const char *const kind_words[] = {"included", "block", "topup", "rollover", "adjustment"};
static const bool kind_is_prepaid[] = {false, true, true, false, true};
static const char *const unit_words[] = {"seconds", "money"};

static void read_allotments(Account *account, const JsonNode *state, int exponent);
static void read_allotment(Allotment *allotment, const JsonNode *node, int exponent);
static void read_used(Account *account, const JsonNode *state, int exponent);
static int	compare_allotments(const void *a, const void *b);

/* Read what the state says of one contract. */
void
finance_account_read_state(Account *account, const JsonNode *state, int exponent)
{
	(void) finance_json_instant(state, "draw_from", &account->draw_from);
	read_allotments(account, state, exponent);
	read_used(account, state, exponent);
	qsort(account->allotments, account->nallotments, sizeof(Allotment), compare_allotments);
	for (int i = 1; i < account->nallotments; i++)
	{
		if (compare_allotments(&account->allotments[i - 1], &account->allotments[i]) == 0)
			finance_json_refuse(state, "has allotment " INT64_FORMAT " twice",
								account->allotments[i].id);
	}
}

/* Read the allotments of a contract. */
static void
read_allotments(Account *account, const JsonNode *state, int exponent)
{
	JsonNode	allotments;
	int			nallotments = finance_json_get_array(state, "allotments", &allotments);

	account->allotments = palloc0(sizeof(Allotment) * Max(nallotments, 1));
	for (int i = 0; i < nallotments; i++)
	{
		JsonNode	node;
		int64		contract;

		finance_json_element_object(&allotments, i, &node);
		if (!finance_json_int64(&node, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract))
			finance_json_missing(&node, "contract");
		if (contract == account->contract)
			read_allotment(&account->allotments[account->nallotments++], &node, exponent);
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
							&allotment->remaining, NULL))
		finance_json_missing(node, "remaining");
	(void) finance_json_int64(node, "priority", PG_INT64_MIN, PG_INT64_MAX,
							  &allotment->priority);
	if (!finance_json_instant(node, "effective_at", &allotment->effective_at))
		finance_json_missing(node, "effective_at");
	allotment->expires_at = DT_NOEND;
	(void) finance_json_instant(node, "expires_at", &allotment->expires_at);
	allotment->is_scoped = finance_json_int64_array(node, "scope", &allotment->work_types,
													&allotment->nwork_types);
}

/* Read what counts against the caps of a contract; several rows add up. */
static void
read_used(Account *account, const JsonNode *state, int exponent)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);
	JsonNode	rows;
	int			nrows = finance_json_get_array(state, "used", &rows);

	for (int i = 0; i < nrows; i++)
	{
		JsonNode	node;
		int64		contract;
		int128		amount = 0;
		int64		seconds = 0;

		finance_json_element_object(&rows, i, &node);
		if (!finance_json_int64(&node, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract))
			finance_json_missing(&node, "contract");
		(void) finance_json_fixed(&node, "amount", exponent, -money_max, money_max,
								  &amount, NULL);
		(void) finance_json_int64(&node, "seconds", -SECONDS_MAX, SECONDS_MAX, &seconds);
		if (contract == account->contract)
		{
			account->used_amount += amount;
			account->used_seconds += seconds;
		}
	}
}

/* Order allotments as they are eaten: priority, expiry, age, id. */
static int
compare_allotments(const void *a, const void *b)
{
	const Allotment *left = a;
	const Allotment *right = b;

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
