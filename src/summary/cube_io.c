/*
 * cube_io.c
 *		A cube of margins as text and as a binary message.
 */
#include "finance.h"

#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "cube.h"
#include "iso.h"
#include "limit.h"

#define CELL_MESSAGE_BYTES 71
#define FIELD_BYTES_MAX 128		/* no date and no key is longer */

PG_FUNCTION_INFO_V1(finance_margin_cube_in);
PG_FUNCTION_INFO_V1(finance_margin_cube_out);
PG_FUNCTION_INFO_V1(finance_margin_cube_recv);
PG_FUNCTION_INFO_V1(finance_margin_cube_send);

#ifdef USE_ASSERT_CHECKING
/* Assert that a flat cube is one that we made. */
static void
assert_flat_cube(const MarginCube *cube)
{
	uint32		ncells = finance_cube_ncells(cube);

	Assert(VARSIZE(cube) == CUBE_BYTES(ncells));
	for (uint32 i = 0; i < ncells; i++)
	{
		Assert(i == 0 || finance_compare_cells(&cube->cells[i - 1], &cube->cells[i]) < 0);
		finance_assert_margin(&cube->cells[i].margin);
	}
}
#else
#define assert_flat_cube(cube) ((void) 0)
#endif

/* Take a flat cube out of an argument, where its version is ours. */
MarginCube *
finance_cube_argument(Datum value)
{
	MarginCube *cube = (MarginCube *) PG_DETOAST_DATUM(value);

	finance_check_version("margin_cube", cube->head >> 24, CUBE_VERSION);
	assert_flat_cube(cube);
	return cube;
}

/* margin_cube_out(margin_cube) -> cstring: {period,key,margin;...}. */
Datum
finance_margin_cube_out(PG_FUNCTION_ARGS)
{
	MarginCube *cube = PG_GETARG_CUBE_P(0);
	uint32		ncells = finance_cube_ncells(cube);
	StringInfoData target;

	initStringInfo(&target);
	appendStringInfoChar(&target, '{');
	for (uint32 i = 0; i < ncells; i++)
	{
		const CellName *name = &cube->cells[i].name;

		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoChar(&target, ';');
		if (!(name->nulls & CELL_PERIOD_NULL))
			appendStringInfoString(&target, finance_write_date(name->period));
		appendStringInfoChar(&target, ',');
		if (!(name->nulls & CELL_KEY_NULL))
			appendStringInfo(&target, "%lld", (long long) name->key);
		appendStringInfoChar(&target, ',');
		finance_write_margin(&target, &cube->cells[i].margin);
	}
	appendStringInfoChar(&target, '}');
	PG_RETURN_CSTRING(target.data);
}

/*
 * Read the text up to a comma, and move on behind it; NULL when there is none,
 * or so far away that the text is no date and no key.
 */
static char *
read_field(const char **source)
{
	Size		length = strnlen(*source, FIELD_BYTES_MAX);
	const char *comma = memchr(*source, ',', length);
	char	   *field;

	if (comma == NULL)
		return NULL;
	length = comma - *source;
	field = pnstrdup(*source, length);
	*source = comma + 1;
	return field;
}

/* Read period,key,margin; false when the text has another form. */
static bool
read_cell(const char **source, Cell *cell)
{
	char	   *period = read_field(source);
	char	   *key = period == NULL ? NULL : read_field(source);

	if (key == NULL)
		return false;
	memset(cell, 0, sizeof(Cell));
	if (period[0] == '\0')
		cell->name.nulls |= CELL_PERIOD_NULL;
	else
		cell->name.period = DatumGetDateADT(DirectFunctionCall1(date_in, CStringGetDatum(period)));
	if (key[0] == '\0')
		cell->name.nulls |= CELL_KEY_NULL;
	else
		cell->name.key = DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(key)));
	pfree(period);
	pfree(key);
	return finance_read_margin(source, &cell->margin);
}

/* margin_cube_in(cstring) -> margin_cube: cells of one name are added up. */
Datum
finance_margin_cube_in(PG_FUNCTION_ARGS)
{
	const char *source = PG_GETARG_CSTRING(0);
	const char *letter = source;
	ExpandedCube *cube = finance_cube_make(CurrentMemoryContext);
	bool		good = *letter == '{';

	if (good)
		letter++;
	while (good && *letter != '}')
	{
		Cell		cell;

		CHECK_FOR_INTERRUPTS();
		good = read_cell(&letter, &cell) && (*letter == ';' || *letter == '}');
		if (good)
			finance_cube_add_cells(cube, &cell, 1);
		if (good && *letter == ';')
			good = *++letter != '}';
	}
	if (!good || strcmp(letter, "}") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type %s at character %d", "margin_cube",
						(int) (letter - source) + 1),
				 errhint("A cube is written {period,key,margin;...}, "
						 "such as {2026-01-01,17,(100.00,60.00,3600,EUR)}.")));
	PG_RETURN_DATUM(EOHPGetRWDatum(&cube->header));
}

/* margin_cube_send(margin_cube) -> bytea: the version, a count, then 71 bytes a cell. */
Datum
finance_margin_cube_send(PG_FUNCTION_ARGS)
{
	MarginCube *cube = PG_GETARG_CUBE_P(0);
	uint32		ncells = finance_cube_ncells(cube);
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendint8(&message, CUBE_VERSION);
	pq_sendint32(&message, ncells);
	for (uint32 i = 0; i < ncells; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pq_sendint32(&message, cube->cells[i].name.nulls);
		pq_sendint32(&message, cube->cells[i].name.period);
		pq_sendint64(&message, cube->cells[i].name.key);
		finance_pack_margin(&message, &cube->cells[i].margin);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Is this the name of a cell that we could have sent? */
static bool
is_cell_name(const CellName *name)
{
	if ((name->nulls & ~(CELL_PERIOD_NULL | CELL_KEY_NULL)) != 0 ||
		((name->nulls & CELL_PERIOD_NULL) && name->period != 0) ||
		((name->nulls & CELL_KEY_NULL) && name->key != 0))
		return false;
	return DATE_NOT_FINITE(name->period) || IS_VALID_DATE(name->period);
}

/* margin_cube_recv(internal) -> margin_cube: check everything that comes from outside. */
Datum
finance_margin_cube_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	ExpandedCube *cube = finance_cube_make(CurrentMemoryContext);
	int			ncells;

	finance_check_version("margin_cube", pq_getmsgbyte(message), CUBE_VERSION);
	ncells = pq_getmsgint(message, sizeof(int32));
	/* the count must be that of the bytes that follow */
	if (ncells < 0 || ncells != (message->len - message->cursor) / CELL_MESSAGE_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid number of cells in external \"%s\" value: %d", "margin_cube", ncells)));
	finance_limit_check(LIMIT_CUBE_CELLS, ncells);
	for (int i = 0; i < ncells; i++)
	{
		Cell		cell;

		CHECK_FOR_INTERRUPTS();
		cell.name.nulls = pq_getmsgint(message, sizeof(int32));
		cell.name.period = pq_getmsgint(message, sizeof(int32));
		cell.name.key = pq_getmsgint64(message);
		finance_unpack_margin(message, &cell.margin);
		if (!is_cell_name(&cell.name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("invalid cell in external \"%s\" value", "margin_cube"),
					 errdetail("The cell is number %d.", i + 1)));
		finance_cube_add_cells(cube, &cell, 1);
	}
	PG_RETURN_DATUM(EOHPGetRWDatum(&cube->header));
}
