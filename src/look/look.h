/*
 * look.h
 *		Rows of the books, looked up by their keys: table.c finds tables and reads
 *		rows, source.c reads a contract with all that its terms are made of.
 */
#ifndef FINANCE_LOOK_H
#define FINANCE_LOOK_H

#include "finance.h"

#include "access/genam.h"
#include "access/htup.h"
#include "access/skey.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* The tables of the books that a log reads, by name. */
#define LOOK_TABLE_LIST(T) \
	T(allotment) T(band_rule) T(billing_period) T(calendar) T(calendar_band) T(contract) \
	T(contract_line) T(cost_rate) T(currency_code) T(employee) T(list_snapshot) T(lock_version) T(party) \
	T(price_list) T(project) T(setting) T(task) T(task_item) T(terms_source) T(time_entry) T(work_type)

/* The indexes by which it reads them. */
#define LOOK_INDEX_LIST(I) \
	I(allotment, allotment_contract_idx) I(band_rule, band_rule_key) \
	I(billing_period, billing_period_pkey) I(calendar, calendar_pkey) \
	I(calendar_band, calendar_band_once) I(contract, contract_pkey) I(contract, contract_client_idx) \
	I(contract, contract_parent_idx) I(contract_line, contract_line_contract_idx) \
	I(cost_rate, cost_rate_key) I(currency_code, currency_code_pkey) I(employee, employee_pkey) \
	I(list_snapshot, list_snapshot_pkey) I(lock_version, lock_version_pkey) \
	I(party, party_pkey) I(party, party_own_idx) \
	I(price_list, price_list_pkey) I(price_list, price_list_one_default) \
	I(price_list, price_list_one_per_client) I(project, project_pkey) I(project, project_priced_idx) \
	I(setting, setting_pkey) I(task, task_pkey) I(task_item, task_item_key) \
	I(terms_source, terms_source_pkey) I(work_type, work_type_pkey)

/* The columns that it looks at, with their types. */
#define LOOK_COLUMN_LIST(C) \
	C(allotment, contract_id, INT8OID) \
	C(band_rule, contract_id, INT8OID) \
	C(billing_period, contract_id, INT8OID) C(billing_period, period_end, DATEOID) \
	C(calendar, id, INT8OID) C(calendar, zone, TEXTOID) \
	C(calendar_band, calendar_id, INT8OID) \
	C(contract, id, INT8OID) C(contract, client_id, INT8OID) C(contract, own_id, INT8OID) \
	C(contract, project_id, INT8OID) C(contract, parent_id, INT8OID) C(contract, model, TEXTOID) \
	C(contract, status, TEXTOID) C(contract, currency, TEXTOID) C(contract, starts_on, DATEOID) \
	C(contract, ends_on, DATEOID) C(contract, price_list_id, INT8OID) C(contract, calendar_id, INT8OID) \
	C(contract, round_scope, TEXTOID) C(contract, cap_amount, NUMERICOID) C(contract, cap_s, INT8OID) \
	C(contract, period_cap_amount, NUMERICOID) C(contract, period_cap_s, INT8OID) \
	C(contract, needs_approval, BOOLOID) C(contract, needs_specification, BOOLOID) \
	C(contract, tax_inclusive, BOOLOID) \
	C(contract_line, contract_id, INT8OID) C(contract_line, included_s, INT8OID) \
	C(contract_line, included_amount, NUMERICOID) \
	C(cost_rate, employee_id, INT8OID) C(cost_rate, role, TEXTOID) C(cost_rate, valid_from, DATEOID) \
	C(cost_rate, hourly_cost, NUMERICOID) C(cost_rate, currency, TEXTOID) \
	C(currency_code, code, TEXTOID) C(currency_code, exponent, INT2OID) \
	C(employee, id, INT8OID) C(employee, role, TEXTOID) C(employee, direction_id, INT8OID) \
	C(list_snapshot, price_list_id, INT8OID) C(list_snapshot, revision, INT8OID) \
	C(list_snapshot, body, JSONBOID) \
	C(lock_version, kind, TEXTOID) C(lock_version, id, INT8OID) C(lock_version, holder, INT8OID) \
	C(lock_version, held_at, TIMESTAMPTZOID) \
	C(party, id, INT8OID) C(party, kind, TEXTOID) \
	C(price_list, id, INT8OID) C(price_list, currency, TEXTOID) C(price_list, client_id, INT8OID) \
	C(price_list, parent_id, INT8OID) C(price_list, is_default, BOOLOID) C(price_list, revision, INT8OID) \
	C(project, id, INT8OID) C(project, client_id, INT8OID) C(project, direction_id, INT8OID) \
	C(project, billable, TEXTOID) C(project, price_list_id, INT8OID) \
	C(setting, id, BOOLOID) C(setting, base_currency, TEXTOID) C(setting, zone, TEXTOID) \
	C(setting, max_entry_s, INT8OID) \
	C(task, id, INT8OID) C(task, project_id, INT8OID) C(task, contract_id, INT8OID) \
	C(task, deal_id, INT8OID) C(task, work_type_id, INT8OID) C(task, billable, TEXTOID) \
	C(task_item, task_id, INT8OID) \
	C(terms_source, contract_id, INT8OID) C(terms_source, digest, BYTEAOID) \
	C(terms_source, terms_id, INT8OID) C(terms_source, body, JSONBOID) \
	C(time_entry, id, INT8OID) C(time_entry, employee_id, INT8OID) C(time_entry, task_id, INT8OID) \
	C(time_entry, work_type_id, INT8OID) C(time_entry, contract_id, INT8OID) \
	C(time_entry, started_at, TIMESTAMPTZOID) C(time_entry, ended_at, TIMESTAMPTZOID) \
	C(time_entry, work_date, DATEOID) C(time_entry, worked_s, INT8OID) C(time_entry, billable, TEXTOID) \
	C(time_entry, billable_s, INT8OID) C(time_entry, price, NUMERICOID) \
	C(work_type, id, INT8OID) C(work_type, code, TEXTOID) C(work_type, billable, TEXTOID)

#define LOOK_TABLE_NAME(table) LOOK_TABLE_##table,
#define LOOK_INDEX_NAME(table, index) LOOK_INDEX_##index,
#define LOOK_COLUMN_NAME(table, column, type) LOOK_##table##_##column,

typedef enum LookTable
{
	LOOK_TABLE_LIST(LOOK_TABLE_NAME)
	LOOK_TABLES
} LookTable;

typedef enum LookIndex
{
	LOOK_INDEX_LIST(LOOK_INDEX_NAME)
	LOOK_INDEXES
} LookIndex;

typedef enum LookColumn
{
	LOOK_COLUMN_LIST(LOOK_COLUMN_NAME)
	LOOK_COLUMNS
} LookColumn;

/* Statements that are not worth a way of their own, planned when first used. */
typedef enum LookPlan
{
	LOOK_PLAN_RATE,				/* the set-based way */
	LOOK_PLAN_HOLD,				/* clients, until the end of the transaction */
	LOOK_PLAN_EXCHANGE,			/* a rate of exchange */
	LOOK_PLAN_CHARGE,			/* a new charge */
	LOOK_PLANS
} LookPlan;

/* What a session knows of one set of books; plans and all are of its schema. */
typedef struct LookBooks
{
	Oid			schema;			/* hash key */
	bool		is_known;		/* false: look everything up again */
	bool		is_looking;		/* in the middle of that */
	bool		is_usual;		/* are the tables as the books made them? */
	Oid			owner;
	Oid			tables[LOOK_TABLES];
	Oid			indexes[LOOK_INDEXES];
	AttrNumber	columns[LOOK_COLUMNS];
	SPIPlanPtr	plans[LOOK_PLANS];
} LookBooks;

/* Reads the tables of the books under one snapshot. */
typedef struct LookReader
{
	LookBooks	books;			/* as they were when the reader began */
	LookBooks   *kept;			/* where its plans are */
	Snapshot	snapshot;
	Relation	tables[LOOK_TABLES]; /* NULL: not open */
	HeapTuple	setting;
	char	   *base_currency;
	int			base_exponent;
} LookReader;

/* The id of nothing. */
#define LOOK_NONE PG_INT64_MIN

/* A price list that can price work of a contract. */
typedef struct LookList
{
	int64		id;
	int64		revision;
} LookList;

/* A contract with its companions, and all that their terms are made of. */
typedef struct LookGroup
{
	int64		id;				/* of the base contract */
	bool		is_plain;		/* do its entries bear on nothing but themselves? */
	bool		has_source;		/* can its rows be told by their bytes? */
	char	   *currency;
	Datum		zone;			/* text */
	int		   	ncontracts;
	int64	   *contracts;		/* the base first */
	int64	   *owns;			/* of each; LOOK_NONE: none */
	int64		client_list;	/* the client's own price list; LOOK_NONE: none */
	int64		default_list;	/* that of last resort; LOOK_NONE: none */
	List	   *lists;			/* of LookList, in order of id */
	StringInfo	rows;			/* the bytes of all that the terms are made of */
	uint64		source[2];		/* their digest */
} LookGroup;

/* table.c */
extern LookBooks *finance_look_books(Oid schema);
extern bool finance_look_open(LookReader *reader, LookBooks *books, Snapshot snapshot);
extern void finance_look_close(LookReader *reader);
extern Relation finance_look_table(LookReader *reader, LookTable table);
extern SysScanDesc finance_look_scan(LookReader *reader, LookIndex index, int nkeys, ScanKeyData *keys);
extern HeapTuple finance_look_find(LookReader *reader, LookIndex index, LookColumn column, Datum value);
extern void finance_look_key(LookReader *reader, ScanKeyData *key, LookColumn column, Datum value);
extern void finance_look_key_until(LookReader *reader, ScanKeyData *key, LookColumn column, Datum value);
extern int64 finance_look_own(LookReader *reader);
extern Datum finance_look_value(LookReader *reader, HeapTuple row, LookColumn column, bool *isnull);
extern int64 finance_look_id(LookReader *reader, HeapTuple row, LookColumn column);
extern char *finance_look_word(LookReader *reader, HeapTuple row, LookColumn column);
extern bool finance_look_flag(LookReader *reader, HeapTuple row, LookColumn column);
extern HeapTuple finance_look_last(LookReader *reader, LookIndex index, int nkeys, ScanKeyData *keys);
extern SPIPlanPtr finance_look_plan(LookReader *reader, LookPlan plan, const char *query, int nargs, Oid *types);

/* source.c */
extern LookGroup *finance_look_group(LookReader *reader, HeapTuple base);
extern void finance_look_digest(LookGroup *group);
extern HeapTuple finance_look_terms(LookReader *reader, const LookGroup *group);

/* list.c */
extern void finance_look_lists(LookReader *reader, LookGroup *group, HeapTuple base);
extern void finance_look_given_lists(LookGroup *group, Jsonb *document);

#endif							/* FINANCE_LOOK_H */
