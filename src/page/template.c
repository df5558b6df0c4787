/*
 * template.c
 *		Pages from templates: a small, strict language in the manner of mustache.
 *
 *		{{name}} {{a.b}}		a value, escaped for HTML
 *		{{.}}					the element that the section stands at
 *		{{#name}}…{{/name}}		for every element, or once for what is not empty
 *		{{^name}}…{{/name}}		when it is empty
 *		{{! … }}				a comment
 *
 * There is no tag for unescaped values and none that includes or computes
 * anything, so a page shows what the data say and nothing else.  A name that
 * the data do not have is an error and not an empty place: a mistyped name on
 * an invoice is money lost.
 * Empty are null, false, "" and [].  A section tag, closing tag or comment
 * that is alone on its line takes the line away with it.
 */
#include "finance.h"

#include "mb/pg_wchar.h"

#include "limit.h"
#include "template.h"

#define TAG_BYTES_MAX 40		/* of a wrong tag in a message */

#define BLANKS " \t\r"

static void parse_tag(Template *template, const char *tag);
static const char *skip_lone_line(Template *template, const char *tag, const char *after);
static void add_section(Template *template, TokenKind kind, const char *name, int length);
static void close_section(Template *template, const char *name, int length);
static Token *add_token(Template *template, TokenKind kind, const char *text, int length);
static bool is_name(const char *name, int length);
pg_noreturn static void refuse_tag(Template *template, const char *tag, const char *hint);
static void count_lines(Template *template, const char *tag);

/* Cut a template into text and tags, with every section closed. */
void
finance_template_parse(Template *template, const text *source)
{
	const char *tag;

	finance_limit_check(LIMIT_TEMPLATE_BYTES, VARSIZE_ANY_EXHDR(source));
	memset(template, 0, sizeof(*template));
	template->start = template->at = template->line_at = VARDATA_ANY(source);
	template->end = template->start + VARSIZE_ANY_EXHDR(source);
	template->line = 1;
	template->tokens_allocated = 64;
	template->tokens = palloc(template->tokens_allocated * sizeof(Token));

	/* a brace is a byte of its own in every encoding of a server */
	while ((tag = memchr(template->at, '{', template->end - template->at)) != NULL)
	{
		while (tag < template->end - 1 && !(tag[0] == '{' && tag[1] == '{'))
			tag++;
		if (tag >= template->end - 1)
			break;
		count_lines(template, tag);
		parse_tag(template, tag);
	}
	add_token(template, TOKEN_TEXT, template->at, template->end - template->at);

	if (template->nopen > 0)
	{
		const Token *section = &template->tokens[template->open[template->nopen - 1]];

		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template line %d: section \"%s\" is never closed",
						section->line, finance_shown(section->text, section->length)),
				 errhint("Close it with {{/%s}}.",
						 finance_shown(section->text, section->length))));
	}
}

/* Read the tag that begins here, and the text before it. */
static void
parse_tag(Template *template, const char *tag)
{
	const char *name = tag + 2;
	const char *after = name;
	char		sigil;
	int			length;

	while (after < template->end - 1 && !(after[0] == '}' && after[1] == '}'))
		after++;
	if (after >= template->end - 1)
		refuse_tag(template, tag, "Close it with }}.");

	sigil = after > name && strchr("#^/!", *name) != NULL ? *name++ : '\0';
	while (name < after && strchr(BLANKS, *name) != NULL)
		name++;
	length = after - name;
	while (length > 0 && strchr(BLANKS, name[length - 1]) != NULL)
		length--;
	after += 2;

	if (sigil != '!')
		finance_limit_check_at(LIMIT_NAME_BYTES, length,
							   psprintf("template line %d", template->line));
	if (sigil != '!' && !is_name(name, length))
		refuse_tag(template, tag,
				   name < template->end && (*name == '{' || *name == '&') ?
				   "Every value is escaped: write {{name}}." :
				   "Tags are {{name}}, {{a.b}}, {{.}}, {{#name}}, {{^name}}, {{/name}} and {{! comment}}; "
				   "names have Latin letters, digits and \"_\".");

	if (sigil != '\0')
		after = skip_lone_line(template, tag, after);
	else
		add_token(template, TOKEN_TEXT, template->at, tag - template->at);

	if (sigil == '#' || sigil == '^')
		add_section(template, sigil == '#' ? TOKEN_SECTION : TOKEN_INVERTED, name, length);
	else if (sigil == '/')
		close_section(template, name, length);
	else if (sigil == '\0')
		add_token(template, TOKEN_VALUE, name, length);
	template->at = after;
}

/*
 * Add the text before a tag that prints nothing; where the tag is alone on its
 * line, without the line's blanks and its end.  Returns where text goes on.
 */
static const char *
skip_lone_line(Template *template, const char *tag, const char *after)
{
	const char *line_start = tag;
	const char *line_end = after;

	while (line_start > template->at && strchr(BLANKS, line_start[-1]) != NULL)
		line_start--;
	while (line_end < template->end && strchr(BLANKS, *line_end) != NULL)
		line_end++;

	if ((line_start == template->start || line_start[-1] == '\n') &&
		(line_end == template->end || *line_end == '\n'))
	{
		add_token(template, TOKEN_TEXT, template->at, line_start - template->at);
		return line_end == template->end ? line_end : line_end + 1;
	}
	add_token(template, TOKEN_TEXT, template->at, tag - template->at);
	return after;
}

/* Open a section. */
static void
add_section(Template *template, TokenKind kind, const char *name, int length)
{
	finance_limit_check_at(LIMIT_TEMPLATE_DEPTH, template->nopen + 1,
						   psprintf("template line %d", template->line));
	add_token(template, kind, name, length);
	template->open[template->nopen++] = template->ntokens - 1;
}

/* Close the section that was opened last, which must have this name. */
static void
close_section(Template *template, const char *name, int length)
{
	Token	   *section;

	if (template->nopen == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template line %d: {{/%s}} closes no section",
						template->line, finance_shown(name, length)),
				 errhint("Open it with {{#%s}} or {{^%s}}, or take the tag out.",
						 finance_shown(name, length), finance_shown(name, length))));

	section = &template->tokens[template->open[template->nopen - 1]];
	if (section->length != length || memcmp(section->text, name, length) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template line %d: {{/%s}} where section \"%s\" of line %d is open",
						template->line, finance_shown(name, length),
						finance_shown(section->text, section->length), section->line),
				 errhint("Close sections in the reverse order in which they were opened.")));
	section->body_end = template->ntokens;
	template->nopen--;
}

/* Add a token; text of no length adds none. */
static Token *
add_token(Template *template, TokenKind kind, const char *text, int length)
{
	Token	   *token;

	if (kind == TOKEN_TEXT && length == 0)
		return NULL;
	if (template->ntokens == template->tokens_allocated)
	{
		template->tokens_allocated *= 2;
		template->tokens = repalloc(template->tokens,
									template->tokens_allocated * sizeof(Token));
	}
	token = &template->tokens[template->ntokens++];
	token->kind = kind;
	token->text = text;
	token->length = length;
	token->line = template->line;
	token->body_end = 0;
	return token;
}

/* Is this a dot, or names of letters, digits and underscores joined by dots? */
static bool
is_name(const char *name, int length)
{
	bool		part_begun = false;

	if (length == 1 && name[0] == '.')
		return true;
	for (int i = 0; i < length; i++)
	{
		char		letter = name[i];

		if (letter == '.' && part_begun)
			part_begun = false;
		else if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
				 letter == '_' || (part_begun && letter >= '0' && letter <= '9'))
			part_begun = true;
		else
			return false;
	}
	return part_begun;
}

/* Refuse a tag, showing how it begins. */
static void
refuse_tag(Template *template, const char *tag, const char *hint)
{
	int			length = 0;

	while (tag + length < template->end && tag[length] != '\n' && length < TAG_BYTES_MAX)
	{
		length += pg_mblen(tag + length);
		if (length > 3 && tag[length - 1] == '}' && tag[length - 2] == '}')
			break;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("template line %d: %.*s is no tag", template->line, length, tag),
			 errhint("%s", hint)));
}

/* Count the lines up to a tag. */
static void
count_lines(Template *template, const char *tag)
{
	for (; template->line_at < tag; template->line_at++)
	{
		if (*template->line_at == '\n')
			template->line++;
	}
}
