/*
 * selfcheck.c
 *		A look at numeric when the library is loaded.
 *
 * fixed.c reads and writes the private form of numeric.  Should a server keep
 * it in another way, that must be an error at once and never wrong money; so a
 * few numbers go both ways, through the server's own functions and through ours.
 */
#include "fixed.h"

#include "utils/memutils.h"

/* A number as the server writes it, and in fixed point. */
typedef struct Known
{
	const char *text;
	int			scale;
	int64		value;
} Known;

/* Every shape: no digits, digits cut at both ends, more than one on each side of the point. */
static const Known known_numbers[] = {
	{"0", 0, 0},
	{"0.00", 2, 0},
	{"1", 0, 1},
	{"-1.50", 2, -150},
	{"0.000001", 6, 1},
	{"-0.1234567", 7, -1234567},
	{"10000", 0, 10000},
	{"-100000000.0000", 4, -INT64CONST(1000000000000)},
	{"123456789012.345678", 6, INT64CONST(123456789012345678)},
	{"-9223372036854.775807", 6, -PG_INT64_MAX},
	{"1000000000000000000", 0, INT64CONST(1000000000000000000)},
};

/* Numbers that do not fit, one with a long header among them. */
static const char *const unfit_numbers[] = {"NaN", "Infinity", "-Infinity", "1e300", "0.0000001"};

/* Let the server read a number. */
static Numeric
server_read(const char *text)
{
	return DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
											   ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
}

/* Let the server write a number. */
static char *
server_write(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number)));
}

/* Raise the error of a server whose numeric is not the one that we know. */
static void
refuse_server(const char *text)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("this server keeps numeric in a form that extension \"finance\" does not know"),
			 errdetail("The number %s does not come through.", text),
			 errhint("Install a version of the extension that was made for PostgreSQL %s.", PG_MAJORVERSION)));
}

/* Refuse (0A000) a server whose numeric is not the one that fixed.c reads and writes. */
void
finance_check_numeric(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "finance check of numeric",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old_context = MemoryContextSwitchTo(context);
	int128		value;

	for (int i = 0; i < lengthof(known_numbers); i++)
	{
		const Known *known = &known_numbers[i];

		if (!finance_fixed_read(server_read(known->text), known->scale, &value) ||
			value != known->value ||
			strcmp(server_write(finance_fixed_write(known->value, known->scale)), known->text) != 0)
			refuse_server(known->text);
	}
	for (int i = 0; i < lengthof(unfit_numbers); i++)
	{
		if (finance_fixed_read(server_read(unfit_numbers[i]), FINANCE_MICRO_SCALE, &value))
			refuse_server(unfit_numbers[i]);
	}
	MemoryContextSwitchTo(old_context);
	MemoryContextDelete(context);
}
