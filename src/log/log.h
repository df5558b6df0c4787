/*
 * log.h
 *		The short way of a log: one entry, or a few, of contracts whose entries
 *		do not bear on one another, rated where they are inserted.
 *
 * context.c reads what an entry is about, engine.c keeps the rating engine ready,
 * lock.c holds the clients, store.c writes the charges, and log.c is the trigger.
 * Whatever is not plain goes to the books' own function.
 */
#ifndef FINANCE_LOG_H
#define FINANCE_LOG_H

#include "finance.h"

#include "look.h"
#include "rating.h"

/* A segment of an entry, as columns of rated_segment. */
typedef struct LogSegment
{
	int64		own;
	int64		contract;
	Datum		base_amount;
	Datum		values[SEGMENT_COLUMNS];
	bool		nulls[SEGMENT_COLUMNS];
} LogSegment;

/* An entry, what it is about, and what it comes to. */
typedef struct LogEntry
{
	int64		id;
	int64		client;
	Datum		values[LOOK_COLUMNS];	/* of its columns; others are nothing here */
	bool		nulls[LOOK_COLUMNS];
	LookGroup   *group;
	int64		terms;
	int64		project;
	NullableDatum deal;
	NullableDatum work_type;
	NullableDatum direction;
	NullableDatum role;
	const char *disposition;
	Datum		why;			/* jsonb; 0: the segments say */
	int64		price_list;
	DateADT		work_date;
	TimestampTz instant;
	Datum		base_rate;		/* numeric */
	NullableDatum cost_rate;
	NullableDatum base_cost_rate;
	int			nsegments;
	LogSegment *segments;
} LogEntry;

/* context.c */
extern bool finance_log_read(LookReader *reader, LogEntry *entry);

/* engine.c */
extern bool finance_log_rate(LookReader *reader, LogEntry *entry);

/* lock.c */
extern bool finance_log_lock(LookReader *reader, const LogEntry *entries, int nentries);

/* store.c */
extern void finance_log_store(LookReader *reader, const LogEntry *entry);

#endif							/* FINANCE_LOG_H */
