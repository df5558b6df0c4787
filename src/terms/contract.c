/*
 * contract.c
 *		The contracts of the terms: the base and its companions, each with its
 *		bands, rules, overage prices and caps.
 */
#include "finance.h"

#include "miscadmin.h"
#include "terms.h"
#include "utils/builtins.h"

static void refuse_same_contract(const Terms *terms, const JsonNode *contracts);
static int	compare_contracts(const void *a, const void *b);
static void read_contract(Terms *terms, Contract *contract, const JsonNode *node);
static void read_caps(const Terms *terms, Contract *contract, const JsonNode *node);
static void read_cap(Cap *cap, const JsonNode *node, const char *amount, const char *seconds, int exponent);
static void read_contract_bands(Contract *contract, const JsonNode *node);
static void read_band_rules(Contract *contract, const JsonNode *node);
static void read_overages(Contract *contract, const JsonNode *node);

/*
 * Read the "contracts" of a terms document, of which the first is the base.
 * Refused with the place (22023), and past the limits (54000).
 */
void
finance_contracts_read(Terms *terms, const JsonNode *root)
{
	JsonNode	contracts;
	int			ncontracts = finance_json_get_array(root, "contracts", LIMIT_CONTRACTS,
														  &contracts);

	if (ncontracts < 0)
		finance_json_missing(root, "contracts");
	if (ncontracts == 0)
		finance_json_refuse(&contracts, "must have at least the base contract");
	terms->contracts = palloc0(sizeof(Contract) * ncontracts);
	for (int i = 0; i < ncontracts; i++)
	{
		Contract   *contract = &terms->contracts[i];
		JsonNode	node;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&contracts, i, &node);
		read_contract(terms, contract, &node);
		if (i > 0 && contract->has_all_bands)
			finance_json_refuse(&node, "is a companion and must name the bands that it claims");
		terms->ncontracts++;
	}
	refuse_same_contract(terms, &contracts);
}

/* Refuse terms that have a contract twice, naming the second one. */
static void
refuse_same_contract(const Terms *terms, const JsonNode *contracts)
{
	const Contract **sorted = palloc(sizeof(Contract *) * terms->ncontracts);
	const Contract *second = NULL;

	for (int i = 0; i < terms->ncontracts; i++)
		sorted[i] = &terms->contracts[i];
	qsort(sorted, terms->ncontracts, sizeof(Contract *), compare_contracts);
	for (int i = 1; i < terms->ncontracts; i++)
	{
		if (sorted[i]->id == sorted[i - 1]->id && (second == NULL || sorted[i] < second))
			second = sorted[i];
	}
	if (second != NULL)
	{
		JsonNode	node;

		finance_json_element(contracts, second - terms->contracts, &node);
		finance_json_refuse(&node, "is contract " INT64_FORMAT " a second time", second->id);
	}
	pfree(sorted);
}

/* Order contracts by id, those of one id as they come. */
static int
compare_contracts(const void *a, const void *b)
{
	const Contract *left = *(const Contract *const *) a;
	const Contract *right = *(const Contract *const *) b;

	CHECK_FOR_INTERRUPTS();
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return left < right ? -1 : left > right;
}

/* Read one contract. */
static void
read_contract(Terms *terms, Contract *contract, const JsonNode *node)
{
	int64		list;

	if (!finance_json_int64(node, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract->id))
		finance_json_missing(node, "contract");
	contract->terms = terms;
	if (finance_json_int64(node, "list", PG_INT64_MIN, PG_INT64_MAX, &list))
	{
		contract->list = finance_price_list(&terms->lists, list);
		if (contract->list == NULL)
			finance_json_refuse(node, "has list " INT64_FORMAT ", which is not in the terms",
								list);
	}
	finance_discount_read(node, &contract->discount);
	read_contract_bands(contract, node);
	read_band_rules(contract, node);
	read_overages(contract, node);
	read_caps(terms, contract, node);
}

/* Read what a contract may not exceed, and the days it has. */
static void
read_caps(const Terms *terms, Contract *contract, const JsonNode *node)
{
	int			rule = PRORATION_ACTUAL;

	read_cap(&contract->cap, node, "cap_amount", "cap_seconds", terms->exponent);
	read_cap(&contract->period_cap, node, "period_cap_amount", "period_cap_seconds", terms->exponent);
	(void) finance_json_choice(node, "prorate", finance_proration_rules, FINANCE_PRORATION_RULES, &rule);
	contract->proration = (ProrationRule) rule;
	contract->from_date = DATEVAL_NOBEGIN;
	contract->to_date = DATEVAL_NOEND;
	(void) finance_json_date(node, "from", &contract->from_date);
	(void) finance_json_date(node, "to", &contract->to_date);
}

/* Read a cap in money and one in time. */
static void
read_cap(Cap *cap, const JsonNode *node, const char *amount, const char *seconds, int exponent)
{
	int128		money_max = MONEY_MAX * finance_power_of_ten(exponent);

	cap->has_amount = finance_json_fixed(node, amount, exponent, 0, money_max, &cap->amount, NULL);
	cap->has_seconds = finance_json_int64(node, seconds, 0, SECONDS_MAX, &cap->seconds);
}

/* Read the bands that a contract is for. */
static void
read_contract_bands(Contract *contract, const JsonNode *node)
{
	JsonNode	bands;
	int			nbands = finance_json_get_array(node, "bands", LIMIT_BANDS, &bands);

	finance_json_check(&bands, LIMIT_CONTRACT_BANDS, nbands);
	contract->has_all_bands = nbands < 0;
	contract->bands = palloc(sizeof(char *) * Max(nbands, 1));
	for (int i = 0; i < nbands; i++)
	{
		JsonNode	band;

		finance_json_element(&bands, i, &band);
		contract->bands[contract->nbands++] = finance_json_as_string(&band);
	}
}

/* Read what bands and roles do to price, burning and time. */
static void
read_band_rules(Contract *contract, const JsonNode *node)
{
	JsonNode	rules;
	int			nrules = finance_json_get_array(node, "band_rules", LIMIT_BAND_RULES, &rules);

	finance_json_check(&rules, LIMIT_CONTRACT_BAND_RULES, nrules);
	contract->rules = palloc0(sizeof(BandRule) * Max(nrules, 1));
	for (int i = 0; i < nrules; i++)
	{
		BandRule   *rule = &contract->rules[contract->nrules++];
		JsonNode	item;

		finance_json_element_object(&rules, i, &item);
		(void) finance_json_string(&item, "band", &rule->band);
		(void) finance_json_string(&item, "role", &rule->role);
		(void) finance_json_fixed(&item, "multiplier", MULTIPLIER_SCALE, 0, MULTIPLIER_MAX,
								  &rule->multiplier, &rule->multiplier_numeric);
		(void) finance_json_fixed(&item, "adder", PRICE_SCALE, 0, PRICE_MAX,
								  &rule->adder, &rule->adder_numeric);
		(void) finance_json_fixed(&item, "burn", MULTIPLIER_SCALE, 0, MULTIPLIER_MAX,
								  &rule->burn, &rule->burn_numeric);
		(void) finance_json_int64(&item, "minimum_s", 0, SECONDS_MAX, &rule->minimum_s);
	}
}

/* Read the prices of what goes past the included. */
static void
read_overages(Contract *contract, const JsonNode *node)
{
	JsonNode	overages;
	int			noverages = finance_json_get_array(node, "overage", LIMIT_OVERAGES, &overages);

	finance_json_check(&overages, LIMIT_CONTRACT_OVERAGES, noverages);
	contract->overages = palloc0(sizeof(Overage) * Max(noverages, 1));
	for (int i = 0; i < noverages; i++)
	{
		Overage    *overage = &contract->overages[contract->noverages++];
		JsonNode	item;

		finance_json_element_object(&overages, i, &item);
		if (!finance_json_int64(&item, "line", PG_INT64_MIN, PG_INT64_MAX, &overage->line))
			finance_json_missing(&item, "line");
		if (!finance_json_fixed(&item, "price", PRICE_SCALE, 0, PRICE_MAX,
								&overage->price, &overage->numeric))
			finance_json_missing(&item, "price");
		overage->is_scoped = finance_json_int64_set(&item, "scope", LIMIT_SCOPE_WORK_TYPES,
													&overage->work_types, &overage->nwork_types);
		overage->from_date = DATEVAL_NOBEGIN;
		overage->to_date = DATEVAL_NOEND;
		(void) finance_json_date(&item, "from", &overage->from_date);
		(void) finance_json_date(&item, "to", &overage->to_date);
		overage->source = CStringGetTextDatum(psprintf("overage price of line " INT64_FORMAT,
													   overage->line));
	}
}
