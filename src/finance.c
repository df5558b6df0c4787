/*
 * finance.c
 *		Module entry: the magic block, and what is made known when the library
 *		is loaded.
 */
#include "finance.h"

#include "actor.h"
#include "fixed.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	finance_check_numeric();
	finance_actor_init();
}
