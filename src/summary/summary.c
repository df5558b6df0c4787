/*
 * summary.c
 *		What all summaries share: the version that they are stored and sent with.
 *
 * Summaries are kept in tables for years.  Their binary form says its version
 * in one byte, so that a later form can be told from this one; their text needs
 * none.
 */
#include "summary.h"

/* Raise the error of a form that this version of the extension does not know. */
void
finance_refuse_version(const char *type, int version, int known)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("a %s of form %d cannot be read", type, version),
			 errdetail("This version of the extension knows form %d.", known),
			 errhint("Use the version of the extension that stored or sent it, or a newer one; "
					 "text goes between all versions.")));
}
