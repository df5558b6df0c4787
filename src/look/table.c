/*
 * table.c
 *		The tables of the books as a log reads them: by key, without a plan.
 *
 * A plan that joins what one entry is about takes longer to start and stop than
 * all of its look-ups.  So rows are read straight from their indexes, under the
 * snapshot at hand: the same visibility, and the same marks that SERIALIZABLE
 * wants.  Tables, indexes and columns are found by name once a session, and
 * looked up again when any of them changes.  Tables that are not as the books
 * made them (another owner, forced row policies, children, a column of another
 * type) are left to the books' own statements.
 */
#include "finance.h"

#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "books.h"
#include "look.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define TABLE_WORD(table) #table,
#define INDEX_WORD(table, index) #index,
#define INDEX_TABLE(table, index) LOOK_TABLE_##table,
#define COLUMN_WORD(table, column, type) #column,
#define COLUMN_TABLE(table, column, type) LOOK_TABLE_##table,
#define COLUMN_TYPE(table, column, type) type,

static const char *const table_words[] = {LOOK_TABLE_LIST(TABLE_WORD)};
static const char *const index_words[] = {LOOK_INDEX_LIST(INDEX_WORD)};
static const LookTable index_tables[] = {LOOK_INDEX_LIST(INDEX_TABLE)};
static const char *const column_words[] = {LOOK_COLUMN_LIST(COLUMN_WORD)};
static const LookTable column_tables[] = {LOOK_COLUMN_LIST(COLUMN_TABLE)};
static const Oid column_types[] = {LOOK_COLUMN_LIST(COLUMN_TYPE)};

static HTAB *known_books;

static void forget_books(Datum argument, Oid relation);
static bool find_tables(LookBooks *books);
static bool find_indexes(LookBooks *books);
static bool find_columns(LookBooks *books);

/* The books of a schema, as they are now. */
LookBooks *
finance_look_books(Oid schema)
{
	LookBooks   *books;
	bool		is_found;

	if (known_books == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(LookBooks),
			.hcxt = CacheMemoryContext};

		known_books = hash_create("finance books of logs", 4, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(forget_books, (Datum) 0);
	}
	books = hash_search(known_books, &schema, HASH_ENTER, &is_found);
	if (!is_found)
		memset((char *) books + sizeof(Oid), 0, sizeof(LookBooks) - sizeof(Oid));
	while (!books->is_known || books->is_looking)
	{
		books->is_known = true;		/* until a change comes in, now or later */
		books->is_looking = true;	/* and stays so where an error comes in between */
		books->is_usual = find_tables(books) && find_indexes(books) && find_columns(books);
		books->is_looking = false;
	}
	return books;
}

/* A relation changed, or any may have: what is known of its books is looked up again. */
static void
forget_books(Datum argument, Oid relation)
{
	HASH_SEQ_STATUS status;
	LookBooks   *books;

	hash_seq_init(&status, known_books);
	while ((books = hash_seq_search(&status)) != NULL)
	{
		bool		is_touched = relation == InvalidOid || !books->is_usual;

		for (int i = 0; i < LOOK_TABLES && !is_touched; i++)
			is_touched = books->tables[i] == relation;
		for (int i = 0; i < LOOK_INDEXES && !is_touched; i++)
			is_touched = books->indexes[i] == relation;
		if (is_touched)
			books->is_known = false;
	}
}

/* Find the tables; false when one is not as the books made it. */
static bool
find_tables(LookBooks *books)
{
	books->owner = InvalidOid;
	for (int i = 0; i < LOOK_TABLES; i++)
	{
		Relation	table;
		Form_pg_class form;
		bool		is_usual;

		books->tables[i] = get_relname_relid(table_words[i], books->schema);
		if (!OidIsValid(books->tables[i]) || get_rel_relkind(books->tables[i]) != RELKIND_RELATION)
			return false;
		table = table_open(books->tables[i], AccessShareLock);
		form = table->rd_rel;
		if (i == 0)
			books->owner = form->relowner;
		is_usual = form->relowner == books->owner && form->relam == HEAP_TABLE_AM_OID &&
			!form->relforcerowsecurity && !form->relhassubclass;
		table_close(table, NoLock);
		if (!is_usual)
			return false;
	}
	return true;
}

/* Find the indexes; false when one is missing, or cannot be read. */
static bool
find_indexes(LookBooks *books)
{
	for (int i = 0; i < LOOK_INDEXES; i++)
	{
		Relation	index;
		bool		is_usual;

		books->indexes[i] = get_relname_relid(index_words[i], books->schema);
		if (!OidIsValid(books->indexes[i]) || get_rel_relkind(books->indexes[i]) != RELKIND_INDEX)
			return false;
		index = index_open(books->indexes[i], AccessShareLock);
		is_usual = index->rd_index->indrelid == books->tables[index_tables[i]] &&
			index->rd_index->indisvalid && !index->rd_index->indcheckxmin &&
			index->rd_rel->relam == BTREE_AM_OID;
		index_close(index, NoLock);
		if (!is_usual)
			return false;
	}
	return true;
}

/* Find the columns; false when one is missing or of another type. */
static bool
find_columns(LookBooks *books)
{
	for (int i = 0; i < LOOK_COLUMNS; i++)
	{
		Oid			table = books->tables[column_tables[i]];

		books->columns[i] = get_attnum(table, column_words[i]);
		if (books->columns[i] <= 0 || get_atttype(table, books->columns[i]) != column_types[i])
			return false;
	}
	return true;
}

/*
 * Begin to read under a snapshot, which stays the caller's; false when the
 * tables are not as the books made them.
 */
bool
finance_look_open(LookReader *reader, LookBooks *books, Snapshot snapshot)
{
	HeapTuple	currency;
	bool		isnull;

	memset(reader, 0, sizeof(LookReader));
	if (!books->is_usual)
		return false;
	reader->books = *books;
	reader->kept = books;
	reader->snapshot = snapshot;
	reader->setting = finance_look_find(reader, LOOK_INDEX_setting_pkey, LOOK_setting_id, BoolGetDatum(true));
	if (reader->setting == NULL)
		return false;
	reader->base_currency = finance_look_word(reader, reader->setting, LOOK_setting_base_currency);
	currency = finance_look_find(reader, LOOK_INDEX_currency_code_pkey, LOOK_currency_code_code,
								finance_look_value(reader, reader->setting, LOOK_setting_base_currency,
												  &isnull));
	if (currency == NULL)
		return false;
	reader->base_exponent = DatumGetInt16(finance_look_value(reader, currency, LOOK_currency_code_exponent,
															&isnull));
	return true;
}

/* Close what a reader opened; the locks stay to the end of the transaction. */
void
finance_look_close(LookReader *reader)
{
	for (int i = 0; i < LOOK_TABLES; i++)
	{
		if (reader->tables[i] != NULL)
			table_close(reader->tables[i], NoLock);
		reader->tables[i] = NULL;
	}
}

/* A table of the books, open. */
Relation
finance_look_table(LookReader *reader, LookTable table)
{
	if (reader->tables[table] == NULL)
		reader->tables[table] = table_open(reader->books.tables[table], AccessShareLock);
	return reader->tables[table];
}

/* Make a key of a scan: a column is a value. */
void
finance_look_key(LookReader *reader, ScanKeyData *key, LookColumn column, Datum value)
{
	Relation	table = finance_look_table(reader, column_tables[column]);
	AttrNumber	attno = reader->books.columns[column];
	Oid			type = column_types[column];
	RegProcedure equals = type == INT8OID ? F_INT8EQ : type == TEXTOID ? F_TEXTEQ :
		type == BYTEAOID ? F_BYTEAEQ : F_BOOLEQ;

	ScanKeyEntryInitialize(key, 0, attno, BTEqualStrategyNumber, InvalidOid,
						   TupleDescAttr(RelationGetDescr(table), attno - 1)->attcollation,
						   equals, value);
}

/* Make a key of a scan: a column that is a day is not after another. */
void
finance_look_key_until(LookReader *reader, ScanKeyData *key, LookColumn column, Datum value)
{
	ScanKeyEntryInitialize(key, 0, reader->books.columns[column], BTLessEqualStrategyNumber, InvalidOid,
						   InvalidOid, F_DATE_LE, value);
}

/* Scan an index by the columns it begins with; rows are good until the next one is asked for. */
SysScanDesc
finance_look_scan(LookReader *reader, LookIndex index, int nkeys, ScanKeyData *keys)
{
	return systable_beginscan(finance_look_table(reader, index_tables[index]), reader->books.indexes[index],
							  true, reader->snapshot, nkeys, keys);
}

/* Find the first row with a value, copied; NULL when there is none. */
HeapTuple
finance_look_find(LookReader *reader, LookIndex index, LookColumn column, Datum value)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	row;

	finance_look_key(reader, &key, column, value);
	scan = finance_look_scan(reader, index, 1, &key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan(scan);
	return row;
}

/* Find the last row of an index with these keys, copied; NULL when there is none. */
HeapTuple
finance_look_last(LookReader *reader, LookIndex index, int nkeys, ScanKeyData *keys)
{
	Relation	relation = index_open(reader->books.indexes[index], AccessShareLock);
	SysScanDesc scan = systable_beginscan_ordered(finance_look_table(reader, index_tables[index]),
												  relation, reader->snapshot, nkeys, keys);
	HeapTuple	row = systable_getnext_ordered(scan, BackwardScanDirection);

	if (HeapTupleIsValid(row))
		row = heap_copytuple(row);
	systable_endscan_ordered(scan);
	index_close(relation, NoLock);
	return row;
}

/* The own company of what names none, the first one; LOOK_NONE where there is none. */
int64
finance_look_own(LookReader *reader)
{
	SysScanDesc scan = finance_look_scan(reader, LOOK_INDEX_party_own_idx, 0, NULL);
	HeapTuple	party = systable_getnext(scan);
	int64		own = HeapTupleIsValid(party) ? finance_look_id(reader, party, LOOK_party_id) : LOOK_NONE;

	systable_endscan(scan);
	return own;
}

/* The value of a column of a row. */
Datum
finance_look_value(LookReader *reader, HeapTuple row, LookColumn column, bool *isnull)
{
	return heap_getattr(row, reader->books.columns[column],
						RelationGetDescr(finance_look_table(reader, column_tables[column])), isnull);
}

/* The id that a column of a row holds; LOOK_NONE when it is null. */
int64
finance_look_id(LookReader *reader, HeapTuple row, LookColumn column)
{
	bool		isnull;
	Datum		value = finance_look_value(reader, row, column, &isnull);

	return isnull ? LOOK_NONE : DatumGetInt64(value);
}

/* The text that a column of a row holds; NULL when it is null. */
char *
finance_look_word(LookReader *reader, HeapTuple row, LookColumn column)
{
	bool		isnull;
	Datum		value = finance_look_value(reader, row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Is a column of a row true? */
bool
finance_look_flag(LookReader *reader, HeapTuple row, LookColumn column)
{
	bool		isnull;
	Datum		value = finance_look_value(reader, row, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/*
 * A statement, planned once a session and for any values.  It names all by its
 * schema (%t that of the tables, %i the internal one) and has no operators, so that
 * it means the same under every search_path.
 */
SPIPlanPtr
finance_look_plan(LookReader *reader, LookPlan plan, const char *query, int nargs, Oid *types)
{
	SPIPlanPtr *kept = &reader->kept->plans[plan];

	if (*kept == NULL)
	{
		StringInfoData text;
		char	   *schema = get_namespace_name(reader->books.schema);
		SPIPlanPtr	made;

		initStringInfo(&text);
		for (const char *at = query; *at != '\0'; at++)
		{
			if (at[0] == '%' && (at[1] == 't' || at[1] == 'i'))
				appendStringInfoString(&text, quote_identifier(*++at == 't' ? schema :
															   finance_books_internal_name(schema)));
			else
				appendStringInfoChar(&text, *at);
		}
		made = SPI_prepare_cursor(text.data, nargs, types, CURSOR_OPT_GENERIC_PLAN);
		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not plan \"%s\": %s", text.data, SPI_result_code_string(SPI_result));
		*kept = made;
	}
	return *kept;
}
