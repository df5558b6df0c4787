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

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "limit.h"

#define TAG_BYTES_MAX 40		/* of a wrong tag in a message */

#define BLANKS " \t\r"

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

/* What names mean: a value, and around it those of the sections outside. */
typedef struct Scope
{
	const struct Scope *outer;
	JsonbValue *value;
} Scope;

typedef struct Rendering
{
	const Token *tokens;
	StringInfo	page;
	LimitUse	use;
	bool		checking;		/* every section is entered */
} Rendering;

static void parse_template(Template *template, const text *source);
static void parse_tag(Template *template, const char *tag);
static const char *skip_lone_line(Template *template, const char *tag, const char *after);
static void add_section(Template *template, TokenKind kind, const char *name, int length);
static void close_section(Template *template, const char *name, int length);
static Token *add_token(Template *template, TokenKind kind, const char *text, int length);
static bool is_name(const char *name, int length);
pg_noreturn static void refuse_tag(Template *template, const char *tag, const char *hint);
static void count_lines(Template *template, const char *tag);
static Datum render_page(const text *source, Jsonb *data, bool checking);
static void render_tokens(Rendering *rendering, int first, int end, const Scope *scope);
static void render_section(Rendering *rendering, int section, const Scope *scope);
static void render_value(Rendering *rendering, const Token *token, const Scope *scope);
static void find_value(const Token *token, const Scope *scope, JsonbValue *value);
static bool find_key(const JsonbValue *object, const char *key, int length, JsonbValue *value);
static bool is_empty(const JsonbValue *value);
static void append_page(StringInfo page, const char *text, int length);
static void append_escaped(StringInfo page, const char *text, int length);

PG_FUNCTION_INFO_V1(finance_render);
PG_FUNCTION_INFO_V1(finance_check_template);

/* render(template text, data jsonb) -> text: fill a template with data. */
Datum
finance_render(PG_FUNCTION_ARGS)
{
	return render_page(PG_GETARG_TEXT_PP(0), PG_GETARG_JSONB_P(1), false);
}

/*
 * check_template(template text, sample jsonb) -> void: refuse a template that
 * does not parse or, when a sample is given, names what the sample does not
 * have.  All sections are entered, empty or not.
 */
Datum
finance_check_template(PG_FUNCTION_ARGS)
{
	if (PG_NARGS() > 1)
		(void) render_page(PG_GETARG_TEXT_PP(0), PG_GETARG_JSONB_P(1), true);
	else
	{
		Template	template;

		parse_template(&template, PG_GETARG_TEXT_PP(0));
	}
	PG_RETURN_VOID();
}

/* Parse a template and render it over the data. */
static Datum
render_page(const text *source, Jsonb *data, bool checking)
{
	Template	template;
	StringInfoData page;
	JsonbValue	root;
	Scope		scope = {NULL, &root};
	Rendering	rendering = {0};

	parse_template(&template, source);

	if (!JB_ROOT_IS_SCALAR(data) || !JsonbExtractScalar(&data->root, &root))
	{
		root.type = jbvBinary;
		root.val.binary.data = &data->root;
		root.val.binary.len = VARSIZE(data) - VARHDRSZ;
	}

	initStringInfo(&page);
	rendering.tokens = template.tokens;
	rendering.page = &page;
	rendering.checking = checking;
	render_tokens(&rendering, 0, template.ntokens, &scope);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(page.data, page.len));
}

/* Cut a template into text and tags, with every section closed. */
static void
parse_template(Template *template, const text *source)
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
				   "Tags are {{name}}, {{a.b}}, {{.}}, {{#name}}, {{^name}}, {{/name}} and {{! comment}}; names have Latin letters, digits and \"_\".");

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

/* Render a run of tokens. */
static void
render_tokens(Rendering *rendering, int first, int end, const Scope *scope)
{
	check_stack_depth();
	for (int i = first; i < end; i++)
	{
		const Token *token = &rendering->tokens[i];

		/* a page may take long and stay empty: sections multiply, texts need not */
		CHECK_FOR_INTERRUPTS();
		finance_limit_take(&rendering->use, LIMIT_PAGE_STEPS, 1);
		if (token->kind == TOKEN_TEXT)
			append_page(rendering->page, token->text, token->length);
		else if (token->kind == TOKEN_VALUE)
			render_value(rendering, token, scope);
		else
		{
			render_section(rendering, i, scope);
			i = token->body_end - 1;
		}
	}
}

/* Render the body of a section as often as its value says. */
static void
render_section(Rendering *rendering, int section, const Scope *scope)
{
	const Token *token = &rendering->tokens[section];
	JsonbValue	value;
	Scope		inner = {scope, &value};

	find_value(token, scope, &value);
	if (token->kind == TOKEN_INVERTED)
	{
		if (is_empty(&value) || rendering->checking)
			render_tokens(rendering, section + 1, token->body_end, scope);
	}
	else if (value.type == jbvBinary && JsonContainerIsArray(value.val.binary.data))
	{
		JsonbContainer *list = value.val.binary.data;
		int			nelements = JsonContainerSize(list);

		if (rendering->checking && nelements == 0)
			render_tokens(rendering, section + 1, token->body_end, scope);
		for (int i = 0; i < (rendering->checking ? Min(nelements, 1) : nelements); i++)
		{
			CHECK_FOR_INTERRUPTS();
			finance_limit_take(&rendering->use, LIMIT_PAGE_STEPS, 1);
			inner.value = getIthJsonbValueFromContainer(list, i);
			render_tokens(rendering, section + 1, token->body_end, &inner);
			pfree(inner.value);
		}
	}
	else if (!is_empty(&value) || rendering->checking)
		render_tokens(rendering, section + 1, token->body_end, &inner);
}

/* Append one value, escaped; null is an empty place. */
static void
render_value(Rendering *rendering, const Token *token, const Scope *scope)
{
	JsonbValue	value;
	char	   *digits;

	find_value(token, scope, &value);
	switch (value.type)
	{
		case jbvNull:
			break;
		case jbvString:
			append_escaped(rendering->page, value.val.string.val, value.val.string.len);
			break;
		case jbvNumeric:
			digits = DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(value.val.numeric)));
			append_page(rendering->page, digits, strlen(digits));
			pfree(digits);
			break;
		case jbvBool:
			append_page(rendering->page, value.val.boolean ? "true" : "false",
						value.val.boolean ? 4 : 5);
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("template line %d: \"%s\" is %s and cannot be shown",
							token->line, finance_shown(token->text, token->length),
							JsonContainerIsArray(value.val.binary.data) ? "a list" : "an object"),
					 errhint("Open it as a section with {{#%s}}.",
							 finance_shown(token->text, token->length))));
	}
}

/*
 * Find what a name means: its first part is sought from the innermost scope
 * outwards, the others in what it names.
 */
static void
find_value(const Token *token, const Scope *scope, JsonbValue *value)
{
	const char *part = token->text;
	const char *end = token->text + token->length;
	const char *dot = memchr(part, '.', token->length);

	if (token->length == 1 && *part == '.')
	{
		*value = *scope->value;
		return;
	}

	while (scope != NULL &&
		   !find_key(scope->value, part, (dot ? dot : end) - part, value))
		scope = scope->outer;
	while (scope != NULL && dot != NULL)
	{
		JsonbValue	object = *value;

		part = dot + 1;
		dot = memchr(part, '.', end - part);
		if (!find_key(&object, part, (dot ? dot : end) - part, value))
			scope = NULL;
	}

	if (scope == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template line %d: the data have no \"%s\"",
						token->line, finance_shown(token->text, token->length)),
				 errhint("A name is sought in the section where it stands, then in those around it.")));
}

/* Look a key up in what may be an object. */
static bool
find_key(const JsonbValue *object, const char *key, int length, JsonbValue *value)
{
	return object->type == jbvBinary && JsonContainerIsObject(object->val.binary.data) &&
		getKeyJsonValueFromContainer(object->val.binary.data, key, length, value) != NULL;
}

/* Is this null, false, an empty text or an empty list? */
static bool
is_empty(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return !value->val.boolean;
		case jbvString:
			return value->val.string.len == 0;
		case jbvBinary:
			return JsonContainerIsArray(value->val.binary.data) &&
				JsonContainerSize(value->val.binary.data) == 0;
		default:
			return false;
	}
}

/* Append text to the page, which must not outgrow its limit. */
static void
append_page(StringInfo page, const char *text, int length)
{
	finance_limit_check(LIMIT_PAGE_BYTES, page->len + (int64) length);
	appendBinaryStringInfo(page, text, length);
}

/* Append text with the five letters that HTML gives a meaning escaped. */
static void
append_escaped(StringInfo page, const char *text, int length)
{
	int			plain = 0;		/* where what is not appended yet begins */

	for (int i = 0; i < length; i++)
	{
		const char *escaped;

		switch (text[i])
		{
			case '&':
				escaped = "&amp;";
				break;
			case '<':
				escaped = "&lt;";
				break;
			case '>':
				escaped = "&gt;";
				break;
			case '"':
				escaped = "&quot;";
				break;
			case '\'':
				escaped = "&#39;";
				break;
			default:
				continue;
		}
		append_page(page, text + plain, i - plain);
		append_page(page, escaped, strlen(escaped));
		plain = i + 1;
	}
	append_page(page, text + plain, length - plain);
}
