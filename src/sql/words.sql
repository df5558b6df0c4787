
-- ---------------------------------------------------------------------------
-- amounts in words
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.amount_in_words(amount numeric, currency text, language text) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_amount_in_words' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.amount_in_words(numeric, text, text) IS
    'an amount as documents write it out: whole units in words, subunits in digits, in uk, ru or en; in words BYN, CHF, CZK, '
    'EUR, GBP, GEL, JPY, KZT, PLN, RUB, UAH and USD, other currencies in digits with their code. Refuses NaN and infinities, 10^15 and more '
    '(22003), more decimals than the currency has, unknown languages (22023)';
