/*
 * template.h
 *		A template that is parsed: template.c makes it, render.c fills it.
 */
#ifndef FINANCE_TEMPLATE_H
#define FINANCE_TEMPLATE_H

#include "finance.h"

#include "limit.h"

typedef enum TokenKind
{
	TOKEN_TEXT,
	TOKEN_VALUE,
	TOKEN_SECTION,
	TOKEN_INVERTED
} TokenKind;

/* A stretch of text, or a tag with its name. */
typedef struct Token
{
	TokenKind	kind;
	const char *text;
	int			length;
	int			line;
	int			body_end;		/* of a section: the token after its body */
} Token;

typedef struct Template
{
	Token	   *tokens;
	int			ntokens;
	int			tokens_allocated;
	const char *at;				/* what is not read yet */
	const char *start;
	const char *end;
	int			line;			/* of the last tag, from 1 */
	const char *line_at;		/* up to where lines are counted */
	int			open[TEMPLATE_DEPTH_MAX];	/* sections not closed yet */
	int			nopen;
} Template;

extern void finance_template_parse(Template *template, const text *source);

#endif							/* FINANCE_TEMPLATE_H */
