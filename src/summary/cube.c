/*
 * cube.c
 *		The summary "margin_cube": margins by period, key and currency.
 *
 * Grouping by month and contract costs the executor more than the sums do: it
 * looks up each row in a table of tuples, with a call per column to hash and to
 * compare.  This aggregate groups inside: cells of fixed length lie in the
 * order in which they were met, so that those of one month lie together, and a
 * small hash table finds them.  Its value is an ordinary one: rows below it are
 * filtered, joined and secured as any, it can be stored and merged later, and
 * cells() gives its rows.
 *
 * The value is flat: cells in order of period, key and currency, nulls last.
 * While it is being built it is an expanded object, which the executor keeps by
 * reference and flattens when it moves or stores it; an internal state could
 * not pass between the nodes of a distributed database.
 */
#include "finance.h"

#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "cube.h"
#include "limit.h"

#define CUBE_MAGIC 0x46434d43	/* sets ours apart from other expanded objects */
#define SLOTS_MIN 64			/* a power of two, as every number of slots */
#define SLOT_EMPTY 0xFFFFFFFF

static Size cube_flat_size(ExpandedObjectHeader *header);
static void cube_flatten(ExpandedObjectHeader *header, void *result, Size allocated_size);

static const ExpandedObjectMethods cube_methods = {cube_flat_size, cube_flatten};

PG_FUNCTION_INFO_V1(finance_margin_cube_accum);
PG_FUNCTION_INFO_V1(finance_margin_cube_add);
PG_FUNCTION_INFO_V1(finance_cells);

/* Order cells by period, key and currency, nulls last. */
int
finance_compare_cells(const void *a, const void *b)
{
	const CellName *left = &((const Cell *) a)->name;
	const CellName *right = &((const Cell *) b)->name;
	int			difference;

	CHECK_FOR_INTERRUPTS();
	difference = (left->nulls & CELL_PERIOD_NULL) - (right->nulls & CELL_PERIOD_NULL);
	if (difference != 0)
		return difference;
	if (left->period != right->period)
		return left->period < right->period ? -1 : 1;
	difference = (left->nulls & CELL_KEY_NULL) - (right->nulls & CELL_KEY_NULL);
	if (difference != 0)
		return difference;
	if (left->key != right->key)
		return left->key < right->key ? -1 : 1;
	return memcmp(((const Cell *) a)->margin.currency, ((const Cell *) b)->margin.currency,
				  FINANCE_CURRENCY_SIZE);
}

/* Allocate empty slots. */
static Slot *
make_slots(ExpandedCube *cube, uint32 nslots)
{
	Slot	   *slots = MemoryContextAllocHuge(cube->header.eoh_context, nslots * sizeof(Slot));

	memset(slots, 0xFF, nslots * sizeof(Slot));
	return slots;
}

/* Make an empty cube that lives as long as the memory context given. */
ExpandedCube *
finance_cube_make(MemoryContext parent)
{
	MemoryContext context = AllocSetContextCreate(parent, "finance margin_cube", ALLOCSET_START_SMALL_SIZES);
	ExpandedCube *cube = MemoryContextAllocZero(context, sizeof(ExpandedCube));

	EOH_init_header(&cube->header, &cube_methods, context);
	cube->magic = CUBE_MAGIC;
	cube->nslots = SLOTS_MIN;
	cube->seed = pg_prng_uint64(&pg_global_prng_state);
	cube->slots = make_slots(cube, cube->nslots);
	cube->cells = MemoryContextAllocHuge(context, cube->nslots / 2 * sizeof(Cell));
	return cube;
}

/* Hash the name and currency of a cell. */
static inline uint32
hash_cell(const ExpandedCube *cube, const CellName *name, uint64 currency)
{
	uint64		hash = ((uint64) name->key ^ cube->seed) * UINT64CONST(0x9E3779B97F4A7C15) +
		(uint32) name->period * UINT64CONST(0xC2B2AE3D27D4EB4F) + currency + name->nulls;

	return murmurhash32((uint32) (hash >> 32) ^ (uint32) hash);
}

/* Is this the cell? */
static inline bool
is_cell(const Cell *cell, const CellName *name, uint64 currency)
{
	return cell->name.key == name->key && cell->name.period == name->period &&
		cell->name.nulls == name->nulls &&
		memcmp(cell->margin.currency, &currency, FINANCE_CURRENCY_SIZE) == 0;
}

/* Give the slot of a cell, or the empty one where it would be. */
static inline Slot *
find_slot(const ExpandedCube *cube, const CellName *name, uint64 currency, uint32 hash)
{
	for (uint32 place = hash;; place++)
	{
		Slot	   *slot = &cube->slots[place & (cube->nslots - 1)];

		if (slot->cell == SLOT_EMPTY ||
			(slot->hash == hash && is_cell(&cube->cells[slot->cell], name, currency)))
			return slot;
	}
}

#ifdef USE_ASSERT_CHECKING
/*
 * Assert that a cube under construction is one that we made; the whole of it
 * where the caller walks all cells anyway.
 */
static void
assert_cube(const ExpandedCube *cube, bool whole)
{
	uint32		taken = 0;

	Assert(cube->magic == CUBE_MAGIC);
	Assert(cube->nslots >= SLOTS_MIN);
	Assert((cube->nslots & (cube->nslots - 1)) == 0);
	Assert(cube->ncells <= cube->nslots / 2);
	for (uint32 i = 0; whole && i < cube->nslots; i++)
	{
		const Slot *slot = &cube->slots[i];
		const Cell *cell = &cube->cells[slot->cell];
		uint64		currency = 0;

		if (slot->cell == SLOT_EMPTY)
			continue;
		Assert(slot->cell < cube->ncells);
		memcpy(&currency, cell->margin.currency, FINANCE_CURRENCY_SIZE);
		Assert(slot->hash == hash_cell(cube, &cell->name, currency));
		Assert(find_slot(cube, &cell->name, currency, slot->hash) == slot);
		finance_assert_margin(&cell->margin);
		taken++;
	}
	Assert(!whole || taken == cube->ncells);
}
#else
#define assert_cube(cube, whole) ((void) 0)
#endif

/* Say how many bytes the flat value takes. */
static Size
cube_flat_size(ExpandedObjectHeader *header)
{
	return CUBE_BYTES(((ExpandedCube *) header)->ncells);
}

/* Write the flat value. */
static void
cube_flatten(ExpandedObjectHeader *header, void *result, Size allocated_size)
{
	ExpandedCube *cube = (ExpandedCube *) header;
	MarginCube *flat = result;

	assert_cube(cube, true);
	Assert(allocated_size == CUBE_BYTES(cube->ncells));

	memcpy(flat->cells, cube->cells, cube->ncells * sizeof(Cell));
	qsort(flat->cells, cube->ncells, sizeof(Cell), finance_compare_cells);
	flat->head = CUBE_HEAD(cube->ncells);
	SET_VARSIZE(flat, allocated_size);
}

/* Double the room for cells. */
static void
grow_cube(ExpandedCube *cube)
{
	uint32		nslots = cube->nslots * 2;
	Slot	   *slots;

	finance_limit_check(LIMIT_CUBE_CELLS, (int64) cube->ncells + 1);
	slots = make_slots(cube, nslots);
	for (uint32 i = 0; i < cube->nslots; i++)
	{
		uint32		place = cube->slots[i].hash;

		CHECK_FOR_INTERRUPTS();
		if (cube->slots[i].cell == SLOT_EMPTY)
			continue;
		while (slots[place & (nslots - 1)].cell != SLOT_EMPTY)
			place++;
		slots[place & (nslots - 1)] = cube->slots[i];
	}
	pfree(cube->slots);
	cube->slots = slots;
	cube->nslots = nslots;
	cube->cells = repalloc_huge(cube->cells, nslots / 2 * sizeof(Cell));
	assert_cube(cube, true);
}

/* Make a cell that is missing, and give its margin. */
static Margin *
make_cell(ExpandedCube *cube, const CellName *name, const char *letters, int length,
		  uint64 currency, uint32 hash)
{
	Margin		margin;
	Slot	   *slot;
	Cell	   *cell;

	finance_margin_start(&margin, letters, length);
	if (cube->ncells >= cube->nslots / 2)
		grow_cube(cube);
	slot = find_slot(cube, name, currency, hash);
	slot->hash = hash;
	slot->cell = cube->ncells++;
	cell = &cube->cells[slot->cell];
	cell->name = *name;
	cell->margin = margin;
	return &cell->margin;
}

/* Give the margin of a cell to add to, making the cell where it is missing. */
static inline Margin *
cell_margin(ExpandedCube *cube, const CellName *name, const char *letters, int length)
{
	uint64		currency = 0;
	uint32		hash;
	Slot	   *slot;

	/* a code that is too long is no cell's, and is refused when one is made */
	memcpy(&currency, letters, Min(length, FINANCE_CURRENCY_SIZE));
	hash = hash_cell(cube, name, currency);
	slot = find_slot(cube, name, currency, hash);
	if (unlikely(slot->cell == SLOT_EMPTY || length > FINANCE_CURRENCY_SIZE))
		return make_cell(cube, name, letters, length, currency, hash);
	return &cube->cells[slot->cell].margin;
}

/* Add cells to a cube. */
void
finance_cube_add_cells(ExpandedCube *cube, const Cell *cells, uint32 ncells)
{
	for (uint32 i = 0; i < ncells; i++)
	{
		const Margin *margin = &cells[i].margin;

		CHECK_FOR_INTERRUPTS();
		finance_add_margin(cell_margin(cube, &cells[i].name, margin->currency,
									   finance_currency_length(margin->currency)),
						   margin);
	}
}

/* Add a value, flat or expanded, to a cube. */
static void
add_value(ExpandedCube *cube, Datum value)
{
	if (VARATT_IS_EXTERNAL_EXPANDED(DatumGetPointer(value)))
	{
		ExpandedCube *source = (ExpandedCube *) DatumGetEOHP(value);

		if (source->magic == CUBE_MAGIC)
		{
			finance_cube_add_cells(cube, source->cells, source->ncells);
			return;
		}
	}
	{
		MarginCube *source = finance_cube_argument(value);

		finance_cube_add_cells(cube, source->cells, finance_cube_ncells(source));
	}
}

/*
 * Give the cube to change: the state of a running aggregate, which is ours, or
 * a new one with the same cells.
 */
static ExpandedCube *
cube_to_change(FunctionCallInfo fcinfo)
{
	MemoryContext context = CurrentMemoryContext;
	bool		aggregate = AggCheckCallContext(fcinfo, &context) != 0;
	ExpandedCube *cube;

	if (!PG_ARGISNULL(0) && aggregate &&
		VARATT_IS_EXTERNAL_EXPANDED_RW(DatumGetPointer(PG_GETARG_DATUM(0))))
	{
		cube = (ExpandedCube *) DatumGetEOHP(PG_GETARG_DATUM(0));
		assert_cube(cube, false);
		return cube;
	}
	cube = finance_cube_make(context);
	if (!PG_ARGISNULL(0))
		add_value(cube, PG_GETARG_DATUM(0));
	return cube;
}

/*
 * margin_cube_accum(margin_cube, period, key, revenue, cost, seconds, currency)
 * -> margin_cube: add one row to the state of margin_cube_sum().  Rows without
 * a currency are treated as by margin_sum().
 */
Datum
finance_margin_cube_accum(PG_FUNCTION_ARGS)
{
	ExpandedCube *cube;
	CellName	name = {0};
	text	   *currency;

	if (finance_row_is_null(fcinfo, 3))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}

	cube = cube_to_change(fcinfo);
	if (PG_ARGISNULL(1))
		name.nulls |= CELL_PERIOD_NULL;
	else
		name.period = PG_GETARG_DATEADT(1);
	if (PG_ARGISNULL(2))
		name.nulls |= CELL_KEY_NULL;
	else
		name.key = PG_GETARG_INT64(2);
	currency = PG_GETARG_TEXT_PP(6);
	finance_add_row(cell_margin(cube, &name, VARDATA_ANY(currency), VARSIZE_ANY_EXHDR(currency)),
					fcinfo, 3);
	assert_cube(cube, false);
	PG_RETURN_DATUM(EOHPGetRWDatum(&cube->header));
}

/*
 * margin_cube_add(margin_cube, margin_cube) -> margin_cube: the sum of two, for
 * margin_cube_merge() and to combine the states of parallel workers.
 */
Datum
finance_margin_cube_add(PG_FUNCTION_ARGS)
{
	ExpandedCube *cube;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	cube = cube_to_change(fcinfo);
	add_value(cube, PG_GETARG_DATUM(1));
	assert_cube(cube, false);
	PG_RETURN_DATUM(EOHPGetRWDatum(&cube->header));
}

/* cells(margin_cube) -> setof (period, key, m): the rows, in order. */
Datum
finance_cells(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MarginCube *cube = PG_GETARG_CUBE_P(0);
	uint32		ncells = finance_cube_ncells(cube);

	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < ncells; i++)
	{
		Cell	   *cell = &cube->cells[i];
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		CHECK_FOR_INTERRUPTS();
		nulls[0] = (cell->name.nulls & CELL_PERIOD_NULL) != 0;
		nulls[1] = (cell->name.nulls & CELL_KEY_NULL) != 0;
		values[0] = DateADTGetDatum(cell->name.period);
		values[1] = Int64GetDatum(cell->name.key);
		values[2] = PointerGetDatum(&cell->margin);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	PG_RETURN_NULL();
}
