/*
 * iso.h
 *		Dates and instants as ISO 8601 text, whatever the session's settings.
 */
#ifndef FINANCE_ISO_H
#define FINANCE_ISO_H

#include "utils/date.h"
#include "utils/timestamp.h"

extern char *finance_write_date(DateADT date);
extern bool finance_read_date(const char *text, DateADT *date);
extern bool finance_read_instant(const char *text, TimestampTz *instant);

#endif							/* FINANCE_ISO_H */
