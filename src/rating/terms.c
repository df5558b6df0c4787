/*
 * terms.c
 *		The terms of a contract as the rating engine reads them.
 *
 * A terms document says everything that prices time: rounding, calendar,
 * periods, price lists, and the contracts: the base and its companions, each
 * with its bands, rules, overage prices and caps.  It is read once per call
 * into structs that the hot path follows by pointer, and refused whole, naming
 * the key, when something in it is wrong.
 */
#include "finance.h"

#include "miscadmin.h"
#include "terms.h"
#include "utils/builtins.h"

static const char *const mode_words[] = {"none", "up", "down", "nearest"};
static const char *const scope_words[] = {"entry", "task_day", "day", "task", "period"};
static const char *const basis_words[] = {"exact", "hundredth"};

static void read_rounding(Terms *terms, const JsonNode *root);
static void read_calendar(Terms *terms, const JsonNode *root, const Terms *before);
static bool same_calendar(const Terms *terms, const JsonNode *node);
static void read_period(Terms *terms, const JsonNode *root);
static void read_lists(Terms *terms, const JsonNode *root);
static void read_list(PriceList *list, const JsonNode *node);
static void read_position(PricePosition *position, const JsonNode *node);
static int	compare_lists(const void *a, const void *b);
static void link_lists(Terms *terms, const JsonNode *lists);
static bool is_cycle(const PriceList *list);
static void read_contracts(Terms *terms, const JsonNode *root);
static void refuse_same_contract(const Terms *terms, const JsonNode *contracts);
static int	compare_contracts(const void *a, const void *b);
static void read_contract(Terms *terms, Contract *contract, const JsonNode *node);
static void read_contract_bands(Contract *contract, const JsonNode *node);
static void read_band_rules(Contract *contract, const JsonNode *node);
static void read_overages(Contract *contract, const JsonNode *node);
static void read_discount(const JsonNode *node, Discount *discount);
static void claim_bands(Terms *terms);
static bool contract_claims(const Contract *contract, const char *band);

/*
 * Read one terms document; `before` is the one read before it, NULL for the
 * first, whose calendar is mostly the same.
 */
Terms *
finance_terms_read(int no, Jsonb *document, LimitUse *use, const Terms *before)
{
	Terms	   *terms = palloc0(sizeof(Terms));
	JsonNode	root;
	int64		exponent;
	int			basis = 0;

	terms->no = no;
	finance_limit_take(use, LIMIT_TERMS_BYTES, VARSIZE(document));
	finance_json_root("terms", no, document, use, &root);
	if (!finance_json_int64(&root, "exponent", 0, FINANCE_EXPONENT_MAX, &exponent))
		finance_json_missing(&root, "exponent");
	terms->exponent = (int) exponent;
	if (!finance_json_int64(&root, "base_exponent", 0, FINANCE_EXPONENT_MAX, &exponent))
		finance_json_missing(&root, "base_exponent");
	terms->base_exponent = (int) exponent;
	(void) finance_json_choice(&root, "basis", basis_words, lengthof(basis_words), &basis);
	terms->in_hundredths = basis == 1;

	read_rounding(terms, &root);
	read_calendar(terms, &root, before);
	read_period(terms, &root);
	read_lists(terms, &root);
	read_contracts(terms, &root);
	claim_bands(terms);
	return terms;
}

/* Find a price list by its id; NULL when the terms do not have it. */
const PriceList *
finance_terms_list(const Terms *terms, int64 id)
{
	int			low = 0;
	int			high = terms->nlists;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (terms->lists[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < terms->nlists && terms->lists[low].id == id ? &terms->lists[low] : NULL;
}

/* Find the first day of the service period that a day lies in. */
DateADT
finance_terms_period_start(Terms *terms, DateADT day)
{
	/* work comes in order of time, so the last period mostly holds the day */
	if (day < terms->period_start || day >= terms->period_end)
		finance_period(day, terms->period, terms->anchor,
					   &terms->period_start, &terms->period_end);
	return terms->period_start;
}

/* Read the rule that makes billed seconds of worked ones. */
static void
read_rounding(Terms *terms, const JsonNode *root)
{
	JsonNode	node;
	RoundingRule *rule = &terms->rounding;
	int			choice = ROUNDING_NONE;
	int64		increment_s = 0;
	int64		minimum_s = 0;
	int64		maximum_s = FINANCE_MAXIMUM_NONE;
	int64		grace_s = 0;

	terms->is_rounded = finance_json_get_object(root, "rounding", &node);
	if (!terms->is_rounded)
		return;

	if (!finance_json_choice(&node, "mode", mode_words, lengthof(mode_words), &choice))
		finance_json_missing(&node, "mode");
	rule->mode = (RoundingMode) choice;
	choice = SCOPE_ENTRY;
	(void) finance_json_choice(&node, "scope", scope_words, lengthof(scope_words), &choice);
	terms->scope = (RoundingScope) choice;

	if (!finance_json_int64(&node, "increment_s", rule->mode == ROUNDING_NONE ? 0 : 1,
							PG_INT32_MAX, &increment_s) && rule->mode != ROUNDING_NONE)
		finance_json_missing(&node, "increment_s");
	(void) finance_json_int64(&node, "minimum_s", 0, PG_INT32_MAX, &minimum_s);
	(void) finance_json_int64(&node, "maximum_s", minimum_s, PG_INT32_MAX, &maximum_s);
	(void) finance_json_int64(&node, "grace_s", 0, PG_INT32_MAX, &grace_s);
	rule->increment_s = (int32) increment_s;
	rule->minimum_s = (int32) minimum_s;
	rule->maximum_s = (int32) maximum_s;
	rule->grace_s = (int32) grace_s;
}

/* Read the calendar and list its bands; work without a clock is "regular". */
static void
read_calendar(Terms *terms, const JsonNode *root, const Terms *before)
{
	JsonNode	node;
	int			nbands;

	terms->has_bands = finance_json_get_object(root, "calendar", &node);
	if (before != NULL && same_calendar(before, terms->has_bands ? &node : NULL))
	{
		/* older terms of a contract differ in prices, not in their hours */
		terms->calendar = before->calendar;
		terms->calendar_document = before->calendar_document;
	}
	else
	{
		if (terms->has_bands)
			terms->calendar_document = JsonbValueToJsonb(&node.value);
		terms->calendar = finance_calendar_parse(terms->calendar_document);
		finance_limit_take(root->use, LIMIT_CALENDAR_SPANS,
						   finance_calendar_span_count(terms->calendar));
	}

	nbands = finance_calendar_band_count(terms->calendar);
	terms->regular_no = finance_calendar_band_no(terms->calendar, FINANCE_REGULAR);
	if (terms->regular_no < 0)
		terms->regular_no = nbands++;
	terms->bands = palloc0(sizeof(Band) * nbands);
	for (int i = 0; i < nbands; i++)
	{
		terms->bands[i].name = i == terms->regular_no ? FINANCE_REGULAR :
			finance_calendar_band(terms->calendar, i);
		terms->bands[i].text = CStringGetTextDatum(terms->bands[i].name);
	}
	terms->nbands = nbands;
}

/* Is this the calendar of the terms, byte for byte?  NULL is none. */
static bool
same_calendar(const Terms *terms, const JsonNode *node)
{
	const Jsonb *document = terms->calendar_document;

	if (document == NULL || node == NULL)
		return document == NULL && node == NULL;
	return VARSIZE(document) - VARHDRSZ == node->value.val.binary.len &&
		memcmp(&document->root, node->value.val.binary.data,
			   node->value.val.binary.len) == 0;
}

/* Read the service period. */
static void
read_period(Terms *terms, const JsonNode *root)
{
	int			unit = UNIT_MONTH;
	int64		anchor = 1;

	(void) finance_json_choice(root, "period", finance_period_units, FINANCE_PERIOD_UNITS, &unit);
	terms->period = (PeriodUnit) unit;
	(void) finance_json_int64(root, "anchor", 1, unit == UNIT_WEEK ? 7 : 31, &anchor);
	terms->anchor = (int) anchor;
}

/* Read the price lists, which are keyed by their ids. */
static void
read_lists(Terms *terms, const JsonNode *root)
{
	JsonNode	lists;
	JsonNode	node;
	JsonbIterator *iterator;

	if (!finance_json_get_object(root, "lists", &lists))
		return;
	finance_limit_take(root->use, LIMIT_LISTS, JsonContainerSize(lists.value.val.binary.data));
	terms->lists = palloc0(sizeof(PriceList) *
						   Max(JsonContainerSize(lists.value.val.binary.data), 1));
	iterator = finance_json_iterate(&lists);
	while (finance_json_next_object(&iterator, &lists, &node))
	{
		PriceList  *list = &terms->lists[terms->nlists++];
		char	   *end;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		list->id = strtoi64(node.key, &end, 10);
		if (errno != 0 || end == node.key || *end != '\0')
			finance_json_refuse(&node, "must have the id of a price list as its key");
		read_list(list, &node);
	}
	qsort(terms->lists, terms->nlists, sizeof(PriceList), compare_lists);
	for (int i = 1; i < terms->nlists; i++)
	{
		if (terms->lists[i].id == terms->lists[i - 1].id)
			finance_json_refuse(&lists, "has list " INT64_FORMAT " twice", terms->lists[i].id);
	}
	link_lists(terms, &lists);
}

/* Order price lists by their ids. */
static int
compare_lists(const void *a, const void *b)
{
	int64		left = ((const PriceList *) a)->id;
	int64		right = ((const PriceList *) b)->id;

	CHECK_FOR_INTERRUPTS();
	return left < right ? -1 : left > right;
}

/* Read one price list. */
static void
read_list(PriceList *list, const JsonNode *node)
{
	JsonNode	positions;
	int			npositions;

	if (!finance_json_string(node, "name", &list->name))
		list->name = psprintf("price list " INT64_FORMAT, list->id);
	list->has_parent = finance_json_int64(node, "parent", PG_INT64_MIN, PG_INT64_MAX,
										  &list->parent_id);
	read_discount(node, &list->discount);

	npositions = finance_json_get_array(node, "prices", LIMIT_POSITIONS, &positions);
	list->positions = palloc0(sizeof(PricePosition) * Max(npositions, 1));
	for (int i = 0; i < npositions; i++)
	{
		JsonNode	position;

		CHECK_FOR_INTERRUPTS();
		finance_json_element_object(&positions, i, &position);
		read_position(&list->positions[list->npositions++], &position);
	}
	finance_price_list_sort(list);
}

/* Read one position of a price list. */
static void
read_position(PricePosition *position, const JsonNode *node)
{
	if (!finance_json_int64(node, "id", PG_INT64_MIN, PG_INT64_MAX, &position->id))
		finance_json_missing(node, "id");
	position->has_employee = finance_json_int64(node, "employee", PG_INT64_MIN, PG_INT64_MAX,
												&position->employee);
	(void) finance_json_string(node, "role", &position->role);
	position->has_work_type = finance_json_int64(node, "work_type", PG_INT64_MIN, PG_INT64_MAX,
												 &position->work_type);
	if (!finance_json_date(node, "from", &position->valid_from))
		finance_json_missing(node, "from");
	(void) finance_json_fixed(node, "price", PRICE_SCALE, 0, PRICE_MAX,
							  &position->price, &position->numeric);
	read_discount(node, &position->discount);
	if (position->has_employee && position->role != NULL)
		finance_json_refuse(node, "must price an employee or a role, not both");
}

/*
 * Let each list know its parent; a chain that comes back to itself is refused,
 * and so is one so long that no price would be looked for up there.
 */
static void
link_lists(Terms *terms, const JsonNode *lists)
{
	for (int i = 0; i < terms->nlists; i++)
	{
		PriceList  *list = &terms->lists[i];

		CHECK_FOR_INTERRUPTS();
		if (!list->has_parent)
			continue;
		list->parent = finance_terms_list(terms, list->parent_id);
		if (list->parent == NULL)
			finance_json_refuse(lists, "has no list " INT64_FORMAT
								", the parent of list " INT64_FORMAT,
								list->parent_id, list->id);
	}
	for (int i = 0; i < terms->nlists; i++)
	{
		int			nparents = 0;

		CHECK_FOR_INTERRUPTS();
		for (const PriceList *list = terms->lists[i].parent; list != NULL; list = list->parent)
		{
			if (++nparents < terms->nlists && nparents <= LIST_PARENTS_MAX)
				continue;
			if (is_cycle(&terms->lists[i]))
				finance_json_refuse(lists, "has a cycle of parents at list " INT64_FORMAT,
									terms->lists[i].id);
			finance_limit_check(LIMIT_LIST_PARENTS, nparents);
		}
	}
}

/* Does a chain of parents come back to itself?  Then one that runs twice as fast meets it. */
static bool
is_cycle(const PriceList *list)
{
	const PriceList *fast = list;

	while (fast != NULL && fast->parent != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		list = list->parent;
		fast = fast->parent->parent;
		if (fast == list)
			return true;
	}
	return false;
}

/* Read the contracts, of which the first is the base. */
static void
read_contracts(Terms *terms, const JsonNode *root)
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
	int128		money_max = MONEY_MAX * finance_power_of_ten(terms->exponent);
	int64		list;

	if (!finance_json_int64(node, "contract", PG_INT64_MIN, PG_INT64_MAX, &contract->id))
		finance_json_missing(node, "contract");
	contract->terms_no = terms->no;
	if (finance_json_int64(node, "list", PG_INT64_MIN, PG_INT64_MAX, &list))
	{
		contract->list = finance_terms_list(terms, list);
		if (contract->list == NULL)
			finance_json_refuse(node, "has list " INT64_FORMAT ", which is not in the terms",
								list);
	}
	read_discount(node, &contract->discount);
	read_contract_bands(contract, node);
	read_band_rules(contract, node);
	read_overages(contract, node);
	contract->has_cap_amount = finance_json_fixed(node, "cap_amount", terms->exponent,
												  0, money_max, &contract->cap_amount, NULL);
	contract->has_cap_seconds = finance_json_int64(node, "cap_seconds", 0,
												   SECONDS_MAX, &contract->cap_seconds);
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

/* Read a percentage off, which may be a surcharge when negative. */
static void
read_discount(const JsonNode *node, Discount *discount)
{
	int128		percent = 0;

	(void) finance_json_fixed(node, "discount_pct", PERCENT_SCALE, PERCENT_MIN, PERCENT_MAX,
							  &percent, &discount->numeric);
	discount->percent = (int64) percent;
}

/* Settle which contract each band goes to: companions first, then the base. */
static void
claim_bands(Terms *terms)
{
	for (int i = 0; i < terms->nbands; i++)
	{
		Band	   *band = &terms->bands[i];

		for (int j = 1; j <= terms->ncontracts && band->contract == NULL; j++)
		{
			const Contract *contract = &terms->contracts[j % terms->ncontracts];

			CHECK_FOR_INTERRUPTS();
			if (contract_claims(contract, band->name))
				band->contract = contract;
		}
	}
}

/* Is the contract for this band? */
static bool
contract_claims(const Contract *contract, const char *band)
{
	for (int i = 0; i < contract->nbands; i++)
	{
		if (strcmp(contract->bands[i], band) == 0)
			return true;
	}
	return contract->has_all_bands;
}
