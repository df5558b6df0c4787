-- ---------------------------------------------------------------------------
-- currency: exchange rates and decimals
-- ---------------------------------------------------------------------------

-- PL/pgSQL, here and below: it keeps its plan, and a bulk load asks for each row.
CREATE FUNCTION pair_exchange(p_from text, p_to text, p_on date, OUT times numeric, OUT over numeric,
                              OUT valid_from date)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT r.rate, r.valid_from INTO pair_exchange.times, pair_exchange.valid_from FROM exchange_rate r
     WHERE r.base = p_from AND r.quote = p_to AND r.valid_from <= p_on
     ORDER BY r.valid_from DESC LIMIT 1;
    IF FOUND THEN
        over := 1;
        RETURN;
    END IF;
    SELECT r.rate, r.valid_from INTO pair_exchange.over, pair_exchange.valid_from FROM exchange_rate r
     WHERE r.base = p_to AND r.quote = p_from AND r.valid_from <= p_on
     ORDER BY r.valid_from DESC LIMIT 1;
    IF FOUND THEN
        times := 1;
    END IF;
END $$;
COMMENT ON FUNCTION pair_exchange(text, text, date) IS
    'the latest rate of a pair on a date, else that of the opposite pair, as what to multiply by (times) and to divide '
    'by (over), and since when it holds; NULL when neither is known';

-- Nothing is divided before the end: a quotient that is rounded early is no cent any more.
CREATE FUNCTION rate_terms(p_from text, p_to text, p_on date, OUT times numeric, OUT over numeric, OUT valid_from date)
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_base text;
    v_in record;
    v_out record;
BEGIN
    IF p_from = p_to THEN
        times := 1;
        over := 1;
        valid_from := p_on;
        RETURN;
    END IF;
    SELECT r.times, r.over, r.valid_from INTO rate_terms.times, rate_terms.over, rate_terms.valid_from
      FROM pair_exchange(p_from, p_to, p_on) r;
    IF times IS NULL THEN
        v_base := (SELECT s.base_currency FROM setting s);
        v_in := pair_exchange(p_from, v_base, p_on);
        v_out := pair_exchange(v_base, p_to, p_on);
        times := v_in.times * v_out.times;
        over := v_in.over * v_out.over;
        valid_from := CASE WHEN times IS NOT NULL THEN least(v_in.valid_from, v_out.valid_from) END;
    END IF;
END $$;
COMMENT ON FUNCTION rate_terms(text, text, date) IS
    'how one currency becomes another on a date: multiplied by times, then divided by over; by the rate of the pair, '
    'else of the opposite pair, else by way of the base currency, each by its own last rate; valid_from of the older '
    'of them. NULL when there is none';

-- A rate that has no last digit is rounded up: so the half of a cent that it makes
-- of an amount is the half, and is rounded as such.
CREATE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v record := rate_terms(from_currency, to_currency, on_date);
BEGIN
    RETURN round(ceil(v.times * 1e12 / v.over) / 1e12, 12);
END $$;
COMMENT ON FUNCTION exchange_rate_on(text, text, date) IS
    'how much of to_currency one from_currency costs on a date: the latest rate of the pair, else the inverse of the '
    'opposite pair, else by way of the base currency, to 12 decimals; NULL when none is known';
SELECT allow('reader', 'execute', 'exchange_rate_on');

CREATE FUNCTION convert(amount numeric, from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = to_currency);
    v record := rate_terms(from_currency, to_currency, on_date);
BEGIN
    IF v_exponent IS NULL OR NOT EXISTS (SELECT FROM currency_code c WHERE c.code = from_currency) THEN
        RAISE EXCEPTION 'unknown currency "%"', CASE WHEN v_exponent IS NULL THEN to_currency ELSE from_currency END
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'The books are exact in currencies of 0 to 2 decimals, and take no others; one that is missing '
                       'is a row of table currency_code.';
    END IF;
    IF v.times IS NULL AND amount IS NOT NULL AND on_date IS NOT NULL THEN
        RAISE EXCEPTION 'no exchange rate from % to % on %', from_currency, to_currency, on_date
            USING ERRCODE = 'foreign_key_violation',
            HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    RETURN round_money(amount * v.times / v.over, v_exponent);
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
