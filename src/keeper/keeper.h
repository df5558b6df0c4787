/*
 * keeper.h
 *		What making and dropping books share.
 */
#ifndef FINANCE_KEEPER_H
#define FINANCE_KEEPER_H

#include "books.h"

extern Books *finance_books_find_own(const char *name, Oid function);

#endif							/* FINANCE_KEEPER_H */
