/*
 * currency.c
 *		Codes of currencies, as summaries keep them.
 */
#include "currency.h"

#include "libpq/pqformat.h"

#include "limit.h"

/* Is this a code such as EUR? */
bool
finance_is_currency(const char *letters, int length)
{
	for (int i = 0; i < length; i++)
	{
		bool		letter = letters[i] >= 'A' && letters[i] <= 'Z';
		bool		digit = letters[i] >= '0' && letters[i] <= '9';

		if (!letter && (i == 0 || !digit))
			return false;
	}
	return length >= FINANCE_CURRENCY_MIN && length <= FINANCE_CURRENCY_SIZE;
}

/* Set a code; refuses (22023) what is none. */
void
finance_currency_set(char *currency, const char *letters, int length)
{
	if (!finance_is_currency(letters, length))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a currency", finance_shown(letters, length)),
				 errhint("A currency is a code of %d to %d capital letters and digits, such as EUR.",
						 FINANCE_CURRENCY_MIN, FINANCE_CURRENCY_SIZE)));
	memset(currency, 0, FINANCE_CURRENCY_SIZE);
	memcpy(currency, letters, length);
}

/* Append a code to a binary message. */
void
finance_currency_send(StringInfo message, const char *currency)
{
	pq_sendbytes(message, currency, FINANCE_CURRENCY_SIZE);
}

/* Receive a code for a type; refuses (22P03) what is none. */
void
finance_currency_receive(StringInfo message, char *currency, const char *type)
{
	static const char padding[FINANCE_CURRENCY_SIZE];
	const char *letters = pq_getmsgbytes(message, FINANCE_CURRENCY_SIZE);
	int			length = finance_currency_length(letters);

	/* nothing may hide behind the end of the code, nor reach a message unread */
	if (!finance_is_currency(letters, length) ||
		memcmp(letters + length, padding, FINANCE_CURRENCY_SIZE - length) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid currency in external \"%s\" value", type)));
	finance_currency_set(currency, letters, length);
}
