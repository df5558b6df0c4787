/*
 * summary.h
 *		What all summaries share: the version that they are stored and sent with.
 */
#ifndef FINANCE_SUMMARY_H
#define FINANCE_SUMMARY_H

#include "finance.h"

pg_noreturn extern void finance_refuse_version(const char *type, int version, int known);

/*
 * Refuse (0A000) a summary that another version of the extension stored or
 * sent in a way that this one does not know.
 */
static inline void
finance_check_version(const char *type, int version, int known)
{
	if (unlikely(version != known))
		finance_refuse_version(type, version, known);
}

#endif							/* FINANCE_SUMMARY_H */
