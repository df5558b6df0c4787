/*
 * account.c
 *		An account for each contract: what it may still eat, and its caps.
 */
#include "finance.h"

#include "miscadmin.h"
#include "terms.h"

static void open_account(Accounts *book, const Contract *contract);
static int	compare_contracts(const void *a, const void *b);

/*
 * Open an account for each contract of the terms, in order of contract, with the
 * caps of the first terms that have it, and read what the state (NULL: nothing)
 * says of it; a state that is wrong is refused with the place (22023).
 */
void
finance_accounts_open(Accounts *book, Terms **terms, int nterms, Jsonb *state)
{
	Contract  **contracts;
	int			ncontracts = 0;
	JsonNode	root;

	contracts = palloc(sizeof(Contract *) * book->use->taken[LIMIT_CONTRACTS]);
	for (int i = 0; i < nterms; i++)
	{
		for (int j = 0; j < terms[i]->ncontracts; j++)
			contracts[ncontracts++] = &terms[i]->contracts[j];
	}
	qsort(contracts, ncontracts, sizeof(Contract *), compare_contracts);

	book->accounts = palloc0(sizeof(Account) * ncontracts);
	for (int i = 0; i < ncontracts; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i == 0 || contracts[i]->id != contracts[i - 1]->id)
			open_account(book, contracts[i]);
		if (book->periods == NULL && finance_has_period_cap(contracts[i]))
			finance_period_uses_create(book);
		contracts[i]->account = &book->accounts[book->naccounts - 1];
	}
	pfree(contracts);

	if (state != NULL)
	{
		finance_json_root("state", 0, state, book->use, &root);
		finance_accounts_read_state(book, &root, terms[0]->exponent);
	}
}

/* Open the account of a contract. */
static void
open_account(Accounts *book, const Contract *contract)
{
	Account    *account = &book->accounts[book->naccounts++];

	account->contract = contract->id;
	account->draw_from = DT_NOBEGIN;
	account->life.cap = contract->cap;
	account->terms = contract;
	account->book = book;
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
	return left->terms->no < right->terms->no ? -1 : left->terms->no > right->terms->no;
}
