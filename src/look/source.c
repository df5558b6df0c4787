/*
 * source.c
 *		What the terms of a contract are made of, told by a digest.
 *
 * Terms are a function of rows: the contract and its companions, their lines and
 * band rules, the calendar with its bands, settings, decimals of currencies, and
 * the revisions of price lists.  A digest of the bytes of these rows is looked up
 * in terms_source, which the books fill when they make terms of them: so nothing
 * has to be told when a row changes, whoever changes it, and what is rolled back
 * or restored is never mistaken for what there is.
 *
 * Bytes that change without a change of the terms only cost that the terms are
 * looked for by their content once more.  Values that are kept out of line are
 * not in these bytes: such contracts have no digest.
 */
#include "finance.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "look.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* Two digests of 64 bits each make one that nothing meets by chance. */
static const uint64 digest_seeds[] = {UINT64CONST(0x66696e616e636531), UINT64CONST(0x7465726d73327832)};

static void add_row(LookGroup *group, HeapTuple row);
static void add_rows(LookReader *reader, LookGroup *group, LookIndex index, LookColumn column, int64 id);
static void add_currency(LookReader *reader, LookGroup *group, const char *code);
static void add_calendar(LookReader *reader, LookGroup *group, HeapTuple base);
static void add_contract(LookReader *reader, LookGroup *group, HeapTuple contract);
static void add_lines(LookReader *reader, LookGroup *group, int64 contract);
static bool has_rows(LookReader *reader, LookIndex index, LookColumn column, int64 id);
static bool is_plain(LookReader *reader, HeapTuple contract);
static bytea *write_source(const LookGroup *group);

PG_FUNCTION_INFO_V1(finance_terms_source);

/*
 * terms_source(contracts, contract, lists) -> bytea: what the terms of a base
 * contract are made of, with these revisions of lists ({"list": revision}), as
 * 16 bytes; "contracts" is the table of the contracts.  NULL where there is no
 * such contract, where its entries bear on one another, or where its rows have
 * values out of line; who may not read the table is refused (42501).
 */
Datum
finance_terms_source(PG_FUNCTION_ARGS)
{
	Oid			table = PG_GETARG_OID(0);
	LookReader	reader;
	HeapTuple	base = NULL;
	LookGroup  *group = NULL;

	if (pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(table));
	if (finance_look_open(&reader, finance_look_books(get_rel_namespace(table)), GetActiveSnapshot()))
		base = finance_look_find(&reader, LOOK_INDEX_contract_pkey, LOOK_contract_id, PG_GETARG_DATUM(1));
	if (base != NULL)
	{
		group = finance_look_group(&reader, base);
		finance_look_given_lists(group, PG_GETARG_JSONB_P(2));
		finance_look_digest(group);
	}
	finance_look_close(&reader);
	if (group == NULL || !group->has_source || !group->is_plain)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(write_source(group));
}

/* Read a base contract with its companions and what their terms are made of, but for price lists. */
LookGroup *
finance_look_group(LookReader *reader, HeapTuple base)
{
	LookGroup  *group = palloc0(sizeof(LookGroup));
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	companion;

	group->id = finance_look_id(reader, base, LOOK_contract_id);
	group->is_plain = group->has_source = true;
	group->currency = finance_look_word(reader, base, LOOK_contract_currency);
	group->client_list = group->default_list = LOOK_NONE;
	group->rows = makeStringInfo();
	add_row(group, reader->setting);
	add_currency(reader, group, reader->base_currency);
	add_currency(reader, group, group->currency);
	add_calendar(reader, group, base);
	add_contract(reader, group, base);
	finance_look_key(reader, &key, LOOK_contract_parent_id, Int64GetDatum(group->id));
	scan = finance_look_scan(reader, LOOK_INDEX_contract_parent_idx, 1, &key);
	while (HeapTupleIsValid(companion = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		add_contract(reader, group, companion);
	}
	systable_endscan(scan);
	return group;
}

/* Add the bytes of a row: what it holds, not where it lies or who wrote it. */
static void
add_row(LookGroup *group, HeapTuple row)
{
	HeapTupleHeader header = row->t_data;
	uint32		shape[3];

	if (HeapTupleHasExternal(row))
		group->has_source = false;
	shape[0] = HeapTupleHeaderGetNatts(header);
	shape[1] = header->t_infomask & HEAP_HASNULL;
	shape[2] = row->t_len - header->t_hoff;
	appendBinaryStringInfo(group->rows, (char *) shape, sizeof(shape));
	if (shape[1] != 0)
		appendBinaryStringInfo(group->rows, (char *) header->t_bits, BITMAPLEN(shape[0]));
	appendBinaryStringInfo(group->rows, (char *) header + header->t_hoff, shape[2]);
}

/* Add all rows of an index with an id. */
static void
add_rows(LookReader *reader, LookGroup *group, LookIndex index, LookColumn column, int64 id)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	finance_look_key(reader, &key, column, Int64GetDatum(id));
	scan = finance_look_scan(reader, index, 1, &key);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		CHECK_FOR_INTERRUPTS();
		add_row(group, row);
	}
	systable_endscan(scan);
}

/* Add the row of a currency. */
static void
add_currency(LookReader *reader, LookGroup *group, const char *code)
{
	HeapTuple	row = finance_look_find(reader, LOOK_INDEX_currency_code_pkey, LOOK_currency_code_code,
									   CStringGetTextDatum(code));

	if (row != NULL)
		add_row(group, row);
	else
		group->has_source = false;
}

/* Add the calendar of a contract, and learn its zone. */
static void
add_calendar(LookReader *reader, LookGroup *group, HeapTuple base)
{
	int64		id = finance_look_id(reader, base, LOOK_contract_calendar_id);
	HeapTuple	calendar;
	bool		isnull;

	group->zone = finance_look_value(reader, reader->setting, LOOK_setting_zone, &isnull);
	if (id == LOOK_NONE)
		return;
	calendar = finance_look_find(reader, LOOK_INDEX_calendar_pkey, LOOK_calendar_id, Int64GetDatum(id));
	if (calendar == NULL)
	{
		group->has_source = false;
		return;
	}
	group->zone = finance_look_value(reader, calendar, LOOK_calendar_zone, &isnull);
	add_row(group, calendar);
	add_rows(reader, group, LOOK_INDEX_calendar_band_once, LOOK_calendar_band_calendar_id, id);
}

/* Add a contract of the group with its lines and rules. */
static void
add_contract(LookReader *reader, LookGroup *group, HeapTuple contract)
{
	int64		id = finance_look_id(reader, contract, LOOK_contract_id);

	group->contracts = group->ncontracts == 0 ? palloc(sizeof(int64)) :
		repalloc(group->contracts, sizeof(int64) * (group->ncontracts + 1));
	group->owns = group->ncontracts == 0 ? palloc(sizeof(int64)) :
		repalloc(group->owns, sizeof(int64) * (group->ncontracts + 1));
	group->contracts[group->ncontracts] = id;
	group->owns[group->ncontracts++] = finance_look_id(reader, contract, LOOK_contract_own_id);
	if (!is_plain(reader, contract) ||
		has_rows(reader, LOOK_INDEX_allotment_contract_idx, LOOK_allotment_contract_id, id))
		group->is_plain = false;
	add_row(group, contract);
	add_lines(reader, group, id);
	add_rows(reader, group, LOOK_INDEX_band_rule_key, LOOK_band_rule_contract_id, id);
}

/* Add the lines of a contract, of which none may give hours or money to eat. */
static void
add_lines(LookReader *reader, LookGroup *group, int64 contract)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	line;

	finance_look_key(reader, &key, LOOK_contract_line_contract_id, Int64GetDatum(contract));
	scan = finance_look_scan(reader, LOOK_INDEX_contract_line_contract_idx, 1, &key);
	while (HeapTupleIsValid(line = systable_getnext(scan)))
	{
		bool		no_seconds;
		bool		no_amount;

		CHECK_FOR_INTERRUPTS();
		(void) finance_look_value(reader, line, LOOK_contract_line_included_s, &no_seconds);
		(void) finance_look_value(reader, line, LOOK_contract_line_included_amount, &no_amount);
		if (!no_seconds || !no_amount)
			group->is_plain = false;
		add_row(group, line);
	}
	systable_endscan(scan);
}

/* Has an index a row with an id? */
static bool
has_rows(LookReader *reader, LookIndex index, LookColumn column, int64 id)
{
	return finance_look_find(reader, index, column, Int64GetDatum(id)) != NULL;
}

/* Are the entries of a contract rounded one by one, without caps, and without tax in their prices? */
static bool
is_plain(LookReader *reader, HeapTuple contract)
{
	static const LookColumn caps[] = {
		LOOK_contract_cap_amount, LOOK_contract_cap_s, LOOK_contract_period_cap_amount, LOOK_contract_period_cap_s
	};

	for (int i = 0; i < lengthof(caps); i++)
	{
		bool		isnull;

		(void) finance_look_value(reader, contract, caps[i], &isnull);
		if (!isnull)
			return false;
	}
	return strcmp(finance_look_word(reader, contract, LOOK_contract_round_scope), "entry") == 0 &&
		!finance_look_flag(reader, contract, LOOK_contract_tax_inclusive);
}

/* Digest what the terms of a group are made of. */
void
finance_look_digest(LookGroup *group)
{
	ListCell   *cell;

	foreach(cell, group->lists)
	{
		const LookList *list = lfirst(cell);

		appendBinaryStringInfo(group->rows, (const char *) &list->id, sizeof(int64));
		appendBinaryStringInfo(group->rows, (const char *) &list->revision, sizeof(int64));
	}
	for (int i = 0; i < lengthof(digest_seeds); i++)
		group->source[i] = hash_bytes_extended((unsigned char *) group->rows->data, group->rows->len,
											   digest_seeds[i]);
}

/* Find the row of terms_source that a digested group has, copied; NULL where there is none yet. */
HeapTuple
finance_look_terms(LookReader *reader, const LookGroup *group)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	row;

	finance_look_key(reader, &keys[0], LOOK_terms_source_contract_id, Int64GetDatum(group->id));
	finance_look_key(reader, &keys[1], LOOK_terms_source_digest, PointerGetDatum(write_source(group)));
	scan = finance_look_scan(reader, LOOK_INDEX_terms_source_pkey, lengthof(keys), keys);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

/* The digest of a group as the books keep it. */
static bytea *
write_source(const LookGroup *group)
{
	bytea	   *source = palloc(VARHDRSZ + sizeof(group->source));

	SET_VARSIZE(source, VARHDRSZ + sizeof(group->source));
	memcpy(VARDATA(source), group->source, sizeof(group->source));
	return source;
}
