/*
 * change.c
 *		What differs between a row before and after, and how the history writes
 *		it down.
 */
#include "finance.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "history.h"

static void set_value(Statement *statement, int column, Datum value, JsonbValue *result);
static char *text_of(Statement *statement, int column, Datum value);
static char *digest_of(Datum value);

/*
 * Mark the columns that differ; of a new or a deleted row those that are not
 * NULL.  False when an UPDATE changed nothing.
 */
bool
finance_history_changes(Statement *statement, TupleTableSlot *before, TupleTableSlot *after, bool *changed)
{
	bool		found = before == NULL || after == NULL;

	for (int i = 0; i < statement->desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(statement->desc, i);

		if (statement->uses[i] == COLUMN_IGNORED)
			continue;
		if (before == NULL || after == NULL)
			changed[i] = !(after != NULL ? after : before)->tts_isnull[i];
		else if (before->tts_isnull[i] || after->tts_isnull[i])
			changed[i] = before->tts_isnull[i] != after->tts_isnull[i];
		else
			changed[i] = !datum_image_eq(before->tts_values[i], after->tts_values[i],
										 attribute->attbyval, attribute->attlen);
		found = found || changed[i];
	}
	return found;
}

/* The marked columns of a row as an object. */
Datum
finance_history_values(Statement *statement, TupleTableSlot *row, const bool *changed)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < statement->desc->natts; i++)
	{
		JsonbValue	item;

		if (!changed[i])
			continue;
		item.type = jbvString;
		item.val.string.val = NameStr(TupleDescAttr(statement->desc, i)->attname);
		item.val.string.len = strlen(item.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &item);
		item.type = jbvNull;
		if (!row->tts_isnull[i])
			set_value(statement, i, row->tts_values[i], &item);
		pushJsonbValue(&state, WJB_VALUE, &item);
	}
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/*
 * A value that is not NULL as JSON: truth values, whole numbers and JSON as
 * such, everything else as text, since JSON has no exact decimals for many a
 * reader.
 */
static void
set_value(Statement *statement, int column, Datum value, JsonbValue *result)
{
	Oid			type = TupleDescAttr(statement->desc, column)->atttypid;
	Jsonb	   *document;

	if (statement->uses[column] == COLUMN_KEPT)
		switch (type)
		{
			case BOOLOID:
				result->type = jbvBool;
				result->val.boolean = DatumGetBool(value);
				return;
			case INT2OID:
			case INT4OID:
			case INT8OID:
				result->type = jbvNumeric;
				result->val.numeric = int64_to_numeric(type == INT2OID ? DatumGetInt16(value) :
													   type == INT4OID ? DatumGetInt32(value) :
													   DatumGetInt64(value));
				return;
			case JSONBOID:
				document = DatumGetJsonbP(value);
				if (JsonbExtractScalar(&document->root, result))
					return;
				result->type = jbvBinary;
				result->val.binary.data = &document->root;
				result->val.binary.len = VARSIZE(document) - VARHDRSZ;
				return;
			default:
				break;
		}
	result->type = jbvString;
	result->val.string.val = statement->uses[column] == COLUMN_DIGESTED ?
		digest_of(value) : text_of(statement, column, value);
	result->val.string.len = strlen(result->val.string.val);
}

/* The primary key of a row as text, its columns joined by slashes. */
Datum
finance_history_key(Statement *statement, TupleTableSlot *row)
{
	StringInfoData key;
	int			bit = -1;

	initStringInfo(&key);
	while ((bit = bms_next_member(statement->key, bit)) >= 0)
	{
		int			column = bit + FirstLowInvalidHeapAttributeNumber - 1;

		if (key.len > 0)
			appendStringInfoChar(&key, '/');
		appendStringInfoString(&key, text_of(statement, column, row->tts_values[column]));
	}
	return PointerGetDatum(cstring_to_text_with_len(key.data, key.len));
}

/* A value as its type writes it. */
static char *
text_of(Statement *statement, int column, Datum value)
{
	FmgrInfo   *output = &statement->outputs[column];

	if (!OidIsValid(output->fn_oid))
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(TupleDescAttr(statement->desc, column)->atttypid, &function, &is_varlena);
		/* it outlives the batch */
		fmgr_info_cxt(function, output, GetMemoryChunkContext(statement));
	}
	return OutputFunctionCall(output, value);
}

/* What stands for a value of text or bytea that is a secret or too long. */
static char *
digest_of(Datum value)
{
	Datum		plain = PointerGetDatum(PG_DETOAST_DATUM(value));
	Datum		digest = DirectFunctionCall1(sha256_bytea, plain);

	/* byteaout writes hexadecimal digits after "\x" */
	return psprintf("sha256:%s (%d bytes)",
					DatumGetCString(DirectFunctionCall1(byteaout, digest)) + 2,
					(int) (VARSIZE(DatumGetPointer(plain)) - VARHDRSZ));
}
