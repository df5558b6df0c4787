/*
 * render.c
 *		Filling a template with data; template.c says what its tags mean.
 */
#include "finance.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "limit.h"
#include "template.h"

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

		finance_template_parse(&template, PG_GETARG_TEXT_PP(0));
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

	finance_template_parse(&template, source);

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
