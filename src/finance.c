/*
 * finance.c
 *		Module entry: the magic block.
 */
#include "finance.h"

PG_MODULE_MAGIC;
