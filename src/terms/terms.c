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

/* in the order of RoundingScope */
const char *const finance_scope_words[] = {"entry", "task_day", "day", "task", "period"};

static void read_rounding(Terms *terms, const JsonNode *root);
static void read_calendar(Terms *terms, const JsonNode *root, const Terms *before);
static bool same_calendar(const Terms *terms, const JsonNode *node);
static void read_period(Terms *terms, const JsonNode *root);
static void claim_bands(Terms *terms);
static bool contract_claims(const Contract *contract, const char *band);

/*
 * Read one terms document; `before` is the one read before it, NULL for the
 * first, whose calendar is mostly the same, and `lists` are its price lists, NULL
 * where the document has them.
 */
Terms *
finance_terms_read(int no, Jsonb *document, LimitUse *use, const Terms *before, const PriceLists *lists)
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
	(void) finance_json_choice(&root, "basis", finance_time_bases, FINANCE_TIME_BASES, &basis);
	terms->in_hundredths = basis == 1;

	read_rounding(terms, &root);
	read_calendar(terms, &root, before);
	read_period(terms, &root);
	if (lists != NULL)
		terms->lists = *lists;
	else
		finance_price_lists_read(&root, &terms->lists);
	finance_contracts_read(terms, &root);
	claim_bands(terms);
	return terms;
}

/* Find the first day of the service period that a day lies in. */
DateADT
finance_terms_period_start(Terms *terms, DateADT day)
{
	/* work comes in order of time, so the last period mostly holds the day */
	if (day < terms->period_start || day >= terms->period_end)
		finance_period(day, terms->period, terms->anchor, terms->month,
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

	if (!finance_json_choice(&node, "mode", finance_rounding_modes,
							 FINANCE_ROUNDING_MODES, &choice))
		finance_json_missing(&node, "mode");
	rule->mode = (RoundingMode) choice;
	choice = SCOPE_ENTRY;
	(void) finance_json_choice(&node, "scope", finance_scope_words, lengthof(finance_scope_words), &choice);
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
		terms->calendar = finance_calendar_read(terms->has_bands ? &node : NULL);
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
	int64		month = 1;

	(void) finance_json_choice(root, "period", finance_period_units, FINANCE_PERIOD_UNITS, &unit);
	terms->period = (PeriodUnit) unit;
	(void) finance_json_int64(root, "anchor", 1, unit == UNIT_WEEK ? 7 : 31, &anchor);
	terms->anchor = (int) anchor;
	(void) finance_json_int64(root, "month", 1, MONTHS_PER_YEAR, &month);
	terms->month = (int) month;
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
