-- ---------------------------------------------------------------------------
-- setting: what holds for the whole set of books
-- ---------------------------------------------------------------------------

-- Amounts never carry more decimals than their currency has.  A CHECK cannot
-- look the exponent up (its table may not be restored yet), so triggers do.
CREATE FUNCTION refuse_inexact(p_table text, p_constraint text, p_currency text, p_column text,
                               p_amount numeric) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% of % is % %, which % cannot hold', p_column, p_table, trim_scale(p_amount), p_currency,
        p_currency
        USING ERRCODE = 'check_violation', CONSTRAINT = p_constraint,
            DETAIL = format('%s has %s decimals.', p_currency,
                            (SELECT c.exponent FROM currency_code c WHERE c.code = p_currency)),
            HINT = 'Round the amount before you store it.';
END $$;
COMMENT ON FUNCTION refuse_inexact(text, text, text, text, numeric) IS
    'raise (23514) that a column of a table has an amount with more decimals than its currency';

CREATE FUNCTION check_exact() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_row jsonb := to_jsonb(NEW);
    v_currency text := coalesce(v_row ->> 'currency',
        (SELECT c.currency FROM contract c WHERE c.id = (v_row ->> 'contract_id')::bigint));
    v_exponent smallint := (SELECT c.exponent FROM currency_code c WHERE c.code = v_currency);
    v_amount numeric;
    v_column text;
BEGIN
    FOREACH v_column IN ARRAY TG_ARGV LOOP
        v_amount := (v_row ->> v_column)::numeric;
        IF v_exponent IS NOT NULL AND v_amount IS NOT NULL AND v_amount <> round_money(v_amount, v_exponent) THEN
            PERFORM refuse_inexact(TG_TABLE_NAME, TG_NAME, v_currency, v_column, v_amount);
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_exact() IS
    'trigger function: the columns named as arguments hold whole units of the row''s currency (its own or its '
    'contract''s); refused with 23514';

CREATE FUNCTION keep_setting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_books() WHERE NEW.base_currency <> OLD.base_currency;
    IF NEW.base_currency <> OLD.base_currency
        AND (EXISTS (SELECT FROM charge) OR EXISTS (SELECT FROM entry)) THEN
        RAISE EXCEPTION 'the base currency stays % once there are charges or ledger entries', OLD.base_currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'Make another set of books with finance.create_books() for another base currency.';
    END IF;
    IF NOT is_zone(NEW.zone) THEN
        RAISE EXCEPTION 'unknown time zone "%"', NEW.zone
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See pg_timezone_names for the names.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_setting() IS
    'trigger function of setting: the base currency is fixed once there are facts; the zone must exist; SECURITY '
    'DEFINER because nobody is granted the locks';

CREATE FUNCTION books_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE s.zone)::date FROM setting s;
END;
COMMENT ON FUNCTION books_today() IS 'the date in the zone of the books';
SELECT allow('reader', 'execute', 'books_today');
