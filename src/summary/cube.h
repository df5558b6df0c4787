/*
 * cube.h
 *		The summary "margin_cube": cube.c builds it, cube_io.c writes and reads it.
 */
#ifndef FINANCE_CUBE_H
#define FINANCE_CUBE_H

#include "finance.h"

#include "utils/date.h"
#include "utils/expandeddatum.h"

#include "limit.h"
#include "margin.h"

#define CELL_PERIOD_NULL 1
#define CELL_KEY_NULL 2

/* What a cell stands for; null parts are 0. */
typedef struct CellName
{
	int32		nulls;
	DateADT		period;
	int64		key;
} CellName;

typedef struct Cell
{
	CellName	name;
	Margin		margin;
} Cell;

StaticAssertDecl(sizeof(Cell) == 72, "cells are stored without holes");

/* The value, flat. */
typedef struct MarginCube
{
	int32		vl_len_;		/* varlena header, not to be touched */
	uint32		head;			/* the version in the upper byte, below it the number of cells */
	Cell		cells[FLEXIBLE_ARRAY_MEMBER];
} MarginCube;

#define CUBE_VERSION 2			/* of cells with margins of form 2 */
#define CUBE_HEAD(ncells) ((uint32) CUBE_VERSION << 24 | (ncells))

StaticAssertDecl(CUBE_CELLS_MAX < 1 << 24, "the number of cells has three bytes");

#define CUBE_BYTES(ncells) (offsetof(MarginCube, cells) + (Size) (ncells) * sizeof(Cell))

/* How many cells has a flat cube? */
static inline uint32
finance_cube_ncells(const MarginCube *cube)
{
	return cube->head & 0xFFFFFF;
}

#define PG_GETARG_CUBE_P(n) finance_cube_argument(PG_GETARG_DATUM(n))

/* Where a cell is; the hash spares a look at most other cells. */
typedef struct Slot
{
	uint32		hash;
	uint32		cell;
} Slot;

/* The value while it is built.  At most half of the slots are taken. */
typedef struct ExpandedCube
{
	ExpandedObjectHeader header;
	int			magic;
	uint32		ncells;
	uint32		nslots;
	uint64		seed;			/* of the hash: nobody can choose keys that meet */
	Slot	   *slots;			/* open addressing */
	Cell	   *cells;			/* room for nslots / 2 */
} ExpandedCube;

/* cube_io.c */
extern MarginCube *finance_cube_argument(Datum value);

/* cube.c */
extern int	finance_compare_cells(const void *a, const void *b);
extern ExpandedCube *finance_cube_make(MemoryContext parent);
extern void finance_cube_add_cells(ExpandedCube *cube, const Cell *cells, uint32 ncells);

#endif							/* FINANCE_CUBE_H */
