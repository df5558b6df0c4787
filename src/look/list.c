/*
 * list.c
 *		Which price lists can price work of a contract, with their revisions.
 */
#include "finance.h"

#include "look.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

static void add_list(LookReader *reader, LookGroup *group, HeapTuple list);
static void add_list_by_id(LookReader *reader, LookGroup *group, int64 id);
static int	compare_lists(const ListCell *a, const ListCell *b);

/*
 * Find the price lists that can price work of the group: the client's own, that of
 * last resort, those that the contracts and the client's projects name, and all
 * their parents.  As contract_lists() does.
 */
void
finance_look_lists(LookReader *reader, LookGroup *group, HeapTuple base)
{
	Datum		currency = CStringGetTextDatum(group->currency);
	int64		client = finance_look_id(reader, base, LOOK_contract_client_id);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	finance_look_key(reader, &keys[0], LOOK_price_list_client_id, Int64GetDatum(client));
	finance_look_key(reader, &keys[1], LOOK_price_list_currency, currency);
	scan = finance_look_scan(reader, LOOK_INDEX_price_list_one_per_client, 2, keys);
	if (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		group->client_list = finance_look_id(reader, row, LOOK_price_list_id);
		add_list(reader, group, row);
	}
	systable_endscan(scan);
	row = finance_look_find(reader, LOOK_INDEX_price_list_one_default, LOOK_price_list_currency, currency);
	if (row != NULL)
	{
		group->default_list = finance_look_id(reader, row, LOOK_price_list_id);
		add_list(reader, group, row);
	}
	add_list_by_id(reader, group, finance_look_id(reader, base, LOOK_contract_price_list_id));
	finance_look_key(reader, &keys[0], LOOK_contract_parent_id, Int64GetDatum(group->id));
	scan = finance_look_scan(reader, LOOK_INDEX_contract_parent_idx, 1, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		if (strcmp(finance_look_word(reader, row, LOOK_contract_status), "draft") != 0)
			add_list_by_id(reader, group, finance_look_id(reader, row, LOOK_contract_price_list_id));
	}
	systable_endscan(scan);
	finance_look_key(reader, &keys[0], LOOK_project_client_id, Int64GetDatum(client));
	scan = finance_look_scan(reader, LOOK_INDEX_project_priced_idx, 1, keys);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		add_list_by_id(reader, group, finance_look_id(reader, row, LOOK_project_price_list_id));
	}
	systable_endscan(scan);
	list_sort(group->lists, compare_lists);
}

/* Add a list by its id, if it is one in the currency of the contract. */
static void
add_list_by_id(LookReader *reader, LookGroup *group, int64 id)
{
	HeapTuple	row = id == LOOK_NONE ? NULL :
		finance_look_find(reader, LOOK_INDEX_price_list_pkey, LOOK_price_list_id, Int64GetDatum(id));

	if (row != NULL && strcmp(finance_look_word(reader, row, LOOK_price_list_currency), group->currency) == 0)
		add_list(reader, group, row);
}

/* Add a list and its parents, but for those that are there. */
static void
add_list(LookReader *reader, LookGroup *group, HeapTuple row)
{
	while (row != NULL)
	{
		LookList    *list = palloc(sizeof(LookList));
		int64		parent = finance_look_id(reader, row, LOOK_price_list_parent_id);
		ListCell   *cell;

		CHECK_FOR_INTERRUPTS();
		list->id = finance_look_id(reader, row, LOOK_price_list_id);
		list->revision = finance_look_id(reader, row, LOOK_price_list_revision);
		foreach(cell, group->lists)
		{
			if (((const LookList *) lfirst(cell))->id == list->id)
				return;
		}
		group->lists = lappend(group->lists, list);
		row = parent == LOOK_NONE ? NULL :
			finance_look_find(reader, LOOK_INDEX_price_list_pkey, LOOK_price_list_id, Int64GetDatum(parent));
	}
}

/* Order lists by id. */
static int
compare_lists(const ListCell *a, const ListCell *b)
{
	int64		left = ((const LookList *) lfirst(a))->id;
	int64		right = ((const LookList *) lfirst(b))->id;

	return left < right ? -1 : left > right;
}

/* Take the revisions of lists as they are given, {"list": revision}. */
void
finance_look_given_lists(LookGroup *group, Jsonb *document)
{
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	LookList    *list = NULL;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			list = palloc(sizeof(LookList));
			list->id = strtoll(pnstrdup(value.val.string.val, value.val.string.len), NULL, 10);
		}
		else if (token == WJB_VALUE && value.type == jbvNumeric && list != NULL)
		{
			list->revision = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)));
			group->lists = lappend(group->lists, list);
		}
	}
	list_sort(group->lists, compare_lists);
}
