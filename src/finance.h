/*
 * finance.h
 *		What every file of the extension includes first, and the only place
 *		that knows one PostgreSQL version from another.
 */
#ifndef FINANCE_H
#define FINANCE_H

#include "postgres.h"

#include "fmgr.h"

#if PG_VERSION_NUM < 150000
#error "finance needs PostgreSQL 15 or newer"
#endif

/* varatt.h was split out of postgres.h in 16 */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#endif							/* FINANCE_H */
