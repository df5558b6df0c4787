-- ---------------------------------------------------------------------------
-- currency: exchange rates and decimals
-- ---------------------------------------------------------------------------

-- PL/pgSQL, here and below: it keeps its plan, and a bulk load asks for each row.
CREATE FUNCTION pair_rate(p_from text, p_to text, p_on date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce(
        (SELECT r.rate FROM exchange_rate r
          WHERE r.base = p_from AND r.quote = p_to AND r.valid_from <= p_on
          ORDER BY r.valid_from DESC LIMIT 1),
        (SELECT round(1 / r.rate, 12) FROM exchange_rate r
          WHERE r.base = p_to AND r.quote = p_from AND r.valid_from <= p_on
          ORDER BY r.valid_from DESC LIMIT 1));
END $$;
COMMENT ON FUNCTION pair_rate(text, text, date) IS
    'the latest rate of a pair on a date, else the inverse of the opposite pair to 12 decimals; NULL when neither is '
    'known';

CREATE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_base text;
    v_rate numeric;
BEGIN
    IF from_currency = to_currency THEN
        RETURN 1;
    END IF;
    v_rate := pair_rate(from_currency, to_currency, on_date);
    IF v_rate IS NULL THEN
        v_base := (SELECT s.base_currency FROM setting s);
        v_rate := round(pair_rate(from_currency, v_base, on_date) * pair_rate(v_base, to_currency, on_date), 12);
    END IF;
    RETURN v_rate;
END $$;
COMMENT ON FUNCTION exchange_rate_on(text, text, date) IS
    'how much of to_currency one from_currency costs on a date: the latest rate of the pair, else the inverse of the '
    'opposite pair to 12 decimals, else by way of the base currency; NULL when none is known';
SELECT allow('reader', 'execute', 'exchange_rate_on');

CREATE FUNCTION convert(amount numeric, from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = to_currency);
    v_rate numeric := exchange_rate_on(from_currency, to_currency, on_date);
BEGIN
    IF v_exponent IS NULL OR NOT EXISTS (SELECT FROM currency_code c WHERE c.code = from_currency) THEN
        RAISE EXCEPTION 'unknown currency "%"', CASE WHEN v_exponent IS NULL THEN to_currency ELSE from_currency END
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Add it to table currency_code.';
    END IF;
    IF v_rate IS NULL AND amount IS NOT NULL AND on_date IS NOT NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', from_currency, to_currency, on_date
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    RETURN round_money(amount * v_rate, v_exponent);
END $$;
COMMENT ON FUNCTION convert(numeric, text, text, date) IS
    'an amount in another currency by the last rate on or before the date, rounded once; refused (22023, 23503) for an '
    'unknown currency or a missing rate';
SELECT allow('reader', 'execute', 'convert');

CREATE FUNCTION keep_meaning() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_books();
    IF (CASE TG_TABLE_NAME
           WHEN 'currency_code' THEN EXISTS (SELECT FROM charge h WHERE h.currency = to_jsonb(OLD) ->> 'code')
                                    OR EXISTS (SELECT FROM entry e WHERE e.currency = to_jsonb(OLD) ->> 'code')
           ELSE EXISTS (SELECT FROM entry e WHERE
                                (to_jsonb(OLD) ->> 'account_id')::bigint IN (e.debit_id, e.credit_id)) END) THEN
        RAISE EXCEPTION '% % has postings and keeps its %', replace(TG_TABLE_NAME, '_', ' '),
            coalesce(to_jsonb(OLD) ->> 'name', to_jsonb(OLD) ->> 'code'), TG_ARGV[0]
            USING ERRCODE = 'restrict_violation', HINT = 'What is posted would mean something else; add another row.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_meaning() IS
    'trigger function of currency_code and cash_account: what gives postings their meaning stays once there are any '
    '(23001); SECURITY DEFINER because nobody is granted the locks';

CREATE FUNCTION currency_exponent(p_currency text) RETURNS int
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.exponent::int FROM currency_code c WHERE c.code = p_currency;
END;
COMMENT ON FUNCTION currency_exponent(text) IS 'number of decimals of a currency';
