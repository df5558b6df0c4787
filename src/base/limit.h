/*
 * limit.h
 *		What one call may ask for: the one set of limits of all functions.
 *
 * Each limit is far above what a company uses, and low enough that a call
 * within all of them stays within about a gigabyte of memory.  Every reader of
 * a caller's document takes its counts to the limits here, before it allocates
 * anything for what it counted.  finance.limits() and the README list them.
 */
#ifndef FINANCE_LIMIT_H
#define FINANCE_LIMIT_H

#include "finance.h"

typedef enum LimitKind
{
	/* of one call of rate(), over all its documents */
	LIMIT_ENTRIES,
	LIMIT_TERMS,
	LIMIT_TERMS_BYTES,
	LIMIT_CONTRACTS,
	LIMIT_BANDS,
	LIMIT_BAND_RULES,
	LIMIT_OVERAGES,
	LIMIT_LISTS,
	LIMIT_POSITIONS,
	LIMIT_CALENDAR_SPANS,
	LIMIT_ALLOTMENTS,
	LIMIT_USED,
	LIMIT_CAP_PERIODS,
	LIMIT_SCOPE_WORK_TYPES,
	LIMIT_SEGMENTS,
	LIMIT_TURNS,

	/* of one part of it, that is searched for each entry */
	LIMIT_CONTRACT_BANDS,
	LIMIT_CONTRACT_BAND_RULES,
	LIMIT_CONTRACT_OVERAGES,
	LIMIT_LIST_PARENTS,
	LIMIT_ENTRY_DAYS,
	LIMIT_ENTRY_SEGMENTS,
	LIMIT_NAME_BYTES,

	/* of a calendar, and of what is asked of one */
	LIMIT_CALENDAR_ROWS,
	LIMIT_CALENDAR_DAY_ROWS,
	LIMIT_CALENDAR_BANDS,
	LIMIT_INTERVAL_DAYS,

	/* of numbers */
	LIMIT_NUMBERS,
	LIMIT_DIGITS,

	/* of a template and its page */
	LIMIT_TEMPLATE_BYTES,
	LIMIT_TEMPLATE_DEPTH,
	LIMIT_PAGE_BYTES,
	LIMIT_PAGE_STEPS,

	/* of a summary */
	LIMIT_CUBE_CELLS,

	LIMIT_KINDS
} LimitKind;

/* Values, for what needs them at compile time. */
#define LIST_PARENTS_MAX 100
#define ENTRY_DAYS_MAX 366		/* longer ones are typing errors */
#define NAME_BYTES_MAX 1000		/* of roles, bands and price lists */
#define CALENDAR_DAY_ROWS_MAX 96	/* a row for each quarter of an hour */
#define CALENDAR_BANDS_MAX 64
#define INTERVAL_DAYS_MAX 3660	/* ten years: longer ones are typing errors */
#define NUMBER_DIGITS_MAX 200
#define TEMPLATE_DEPTH_MAX 32
#define PAGE_BYTES_MAX (64 * 1024 * 1024)	/* no page is read in 64 MB */
#define CUBE_CELLS_MAX (2 * 1024 * 1024)	/* a power of two: 144 MB, and several times that as text */

/* What a call has taken of each limit that is counted over its documents. */
typedef struct LimitUse
{
	int64		taken[LIMIT_KINDS];
} LimitUse;

extern int64 finance_limit(LimitKind kind);
pg_noreturn extern void finance_limit_refuse(LimitKind kind, int64 count, const char *where);
extern void finance_limit_take(LimitUse *use, LimitKind kind, int64 count);

/*
 * Refuse more of something than there may be; where it is, a string that is
 * only written when it is needed, begins the message.
 */
#define finance_limit_check_at(kind, count, where) \
	do { \
		int64		count_ = (count); \
		\
		if (unlikely(count_ > finance_limit(kind))) \
			finance_limit_refuse((kind), count_, (where)); \
	} while (0)

#define finance_limit_check(kind, count) finance_limit_check_at(kind, count, NULL)

/* How many bytes of a caller's value a message shows; what is cut ends in "...". */
#define SHOWN_BYTES_MAX 80

extern const char *finance_shown(const char *value, Size length);

#endif							/* FINANCE_LIMIT_H */
