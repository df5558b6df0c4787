/*
 * actor.c
 *		Who acts: the person behind a session, as far as it is known.
 *
 * Behind a pool or a gateway every session has the same user, so the user says
 * little.  Whoever opened the connection tells for whom it works: by the
 * setting finance.actor, by the claims of a token that a gateway has checked,
 * or by SET ROLE.  What is told can be told wrongly; the books keep the
 * session's user beside it.
 */
#include "finance.h"

#include "actor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#define ACTOR_CHARACTERS_MAX 200

/* The claims that name a person, the most stable one first. */
static const char *const person_claims[] = {"sub", "preferred_username", "email"};

static char *actor_setting;

/* The claims read last, and whom they name (NULL: nobody). */
static char *known_claims;
static char *known_actor;

static char *bounded(const char *name);
static char *setting(const char *name);
static char *claimed_actor(void);
static char *actor_of_claims(const char *claims);
static Jsonb *read_claims(const char *claims);

PG_FUNCTION_INFO_V1(finance_actor);

/* Make the setting finance.actor known. */
void
finance_actor_init(void)
{
	DefineCustomStringVariable("finance.actor",
							   "The person for whom this session works.",
							   "Rows of books say by whom they were made and changed. "
							   "Where sessions are pooled, set it with SET LOCAL.",
							   &actor_setting, "", PGC_USERSET, 0,
							   NULL, NULL, NULL);
}

/*
 * actor() -> text: who acts.  The setting finance.actor; else claim sub,
 * preferred_username or email of request.jwt.claims; else
 * request.jwt.claim.sub; else the role of SET ROLE, also inside SECURITY
 * DEFINER functions; else the session's user.  What is empty or malformed
 * counts as not given.  At most 200 characters.  Raises nothing.
 */
Datum
finance_actor(PG_FUNCTION_ARGS)
{
	char	   *name = bounded(actor_setting);

	if (name == NULL)
		name = claimed_actor();
	if (name == NULL)
		name = setting("request.jwt.claim.sub");
	if (name == NULL)
	{
		name = setting("role");
		if (name != NULL && strcmp(name, "none") == 0)
			name = NULL;
	}
	if (name == NULL)
		name = GetUserNameFromId(GetSessionUserId(), false);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* A name without the blanks around it, within bounds; NULL when it is empty. */
static char *
bounded(const char *name)
{
	int			length;

	if (name == NULL)
		return NULL;
	while (scanner_isspace(*name))
		name++;
	length = pg_mbcharcliplen(name, strlen(name), ACTOR_CHARACTERS_MAX);
	while (length > 0 && scanner_isspace(name[length - 1]))
		length--;
	return length == 0 ? NULL : pnstrdup(name, length);
}

/* The value of a setting, within bounds; NULL when it is empty or unknown. */
static char *
setting(const char *name)
{
	return bounded(GetConfigOptionByName(name, NULL, true));
}

/* Whom the claims of the gateway name; NULL when nobody. */
static char *
claimed_actor(void)
{
	char	   *claims = GetConfigOptionByName("request.jwt.claims", NULL, true);

	if (claims == NULL || claims[0] == '\0')
		return NULL;
	/* every row of a request asks again */
	if (known_claims == NULL || strcmp(known_claims, claims) != 0)
	{
		char	   *actor = actor_of_claims(claims);

		if (known_claims != NULL)
			pfree(known_claims);
		if (known_actor != NULL)
			pfree(known_actor);
		known_claims = NULL;
		known_actor = actor == NULL ? NULL : MemoryContextStrdup(TopMemoryContext, actor);
		known_claims = MemoryContextStrdup(TopMemoryContext, claims);
	}
	return known_actor == NULL ? NULL : pstrdup(known_actor);
}

/* Whom claims name: the first of person_claims that is a text or a number. */
static char *
actor_of_claims(const char *claims)
{
	Jsonb	   *document = read_claims(claims);
	char	   *actor = NULL;

	if (document == NULL || !JB_ROOT_IS_OBJECT(document))
		return NULL;
	for (int i = 0; i < lengthof(person_claims) && actor == NULL; i++)
	{
		JsonbValue *value = getKeyJsonValueFromContainer(&document->root, person_claims[i],
														 strlen(person_claims[i]), NULL);

		if (value == NULL)
			continue;
		if (value->type == jbvString)
			actor = bounded(pnstrdup(value->val.string.val, value->val.string.len));
		else if (value->type == jbvNumeric)
			actor = bounded(DatumGetCString(DirectFunctionCall1(numeric_out,
																NumericGetDatum(value->val.numeric))));
	}
	return actor;
}

/*
 * Read claims as JSON; NULL when they are none, so that a write never fails
 * for them.  The reader holds nothing but memory when it raises, so its error
 * can be dropped without a subtransaction.
 */
static Jsonb *
read_claims(const char *claims)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *volatile document = NULL;

	PG_TRY();
	{
		document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(claims)));
	}
	PG_CATCH();
	{
		int			code = geterrcode();

		/* a malformed text, or one nested too deeply; never a cancelled query */
		if (ERRCODE_TO_CATEGORY(code) != ERRCODE_DATA_EXCEPTION &&
			ERRCODE_TO_CATEGORY(code) != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return document;
}
