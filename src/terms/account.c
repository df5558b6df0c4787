/*
 * account.c
 *		An account for each contract: what it may still eat, and its caps.
 */
#include "finance.h"

#include "miscadmin.h"
#include "terms.h"

static void open_account(Account *account, const Contract *contract);
static int	compare_contracts(const void *a, const void *b);

/*
 * Open an account for each contract of the terms, with the caps of the first
 * terms that have it, and read what the state (NULL: nothing) says of it.  Returns
 * how many there are, in order of contract; a state that is wrong is refused with
 * the place (22023).
 */
int
finance_accounts_open(Terms **terms, int nterms, LimitUse *use, Jsonb *state, Account **accounts)
{
	Contract  **contracts;
	int			ncontracts = 0;
	int			naccounts = 0;
	JsonNode	root;

	contracts = palloc(sizeof(Contract *) * use->taken[LIMIT_CONTRACTS]);
	for (int i = 0; i < nterms; i++)
	{
		for (int j = 0; j < terms[i]->ncontracts; j++)
			contracts[ncontracts++] = &terms[i]->contracts[j];
	}
	qsort(contracts, ncontracts, sizeof(Contract *), compare_contracts);

	*accounts = palloc0(sizeof(Account) * ncontracts);
	for (int i = 0; i < ncontracts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || contracts[i]->id != contracts[i - 1]->id)
			open_account(&(*accounts)[naccounts++], contracts[i]);
		contracts[i]->account = &(*accounts)[naccounts - 1];
	}
	pfree(contracts);

	if (state != NULL)
	{
		finance_json_root("state", 0, state, use, &root);
		finance_accounts_read_state(*accounts, naccounts, &root, terms[0]->exponent);
	}
	return naccounts;
}

/* Open the account of a contract. */
static void
open_account(Account *account, const Contract *contract)
{
	account->contract = contract->id;
	account->draw_from = DT_NOBEGIN;
	account->has_cap_amount = contract->has_cap_amount;
	account->cap_amount = contract->cap_amount;
	account->has_cap_seconds = contract->has_cap_seconds;
	account->cap_seconds = contract->cap_seconds;
}

/* Order contracts by id, and those of one id by the number of their terms. */
static int
compare_contracts(const void *a, const void *b)
{
	const Contract *left = *(Contract *const *) a;
	const Contract *right = *(Contract *const *) b;

	CHECK_FOR_INTERRUPTS();
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left->terms_no < right->terms_no ? -1 : left->terms_no > right->terms_no;
}
