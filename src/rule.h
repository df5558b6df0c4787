/*
 * rule.h
 *		What refusals in words are bounded by.
 */
#ifndef FINANCE_RULE_H
#define FINANCE_RULE_H

#define RULE_VALUE_BYTES	100		/* of a value that a message quotes */
#define RULE_WORDS			60		/* words of a table that a hint lists */
#define RULE_SEEN			1024	/* found values that a statement remembers for each foreign key */

#endif							/* FINANCE_RULE_H */
