-- ---------------------------------------------------------------------------
-- setting: what holds for the whole set of books
-- ---------------------------------------------------------------------------

-- Amounts never carry more decimals than their currency has.  A CHECK cannot
-- look the exponent up (its table may not be restored yet), so triggers do.
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
            RAISE EXCEPTION '% of % is % %, which % cannot hold', v_column, TG_TABLE_NAME, trim_scale(v_amount),
                v_currency, v_currency
                USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME,
                    DETAIL = format('%s has %s decimals.', v_currency, v_exponent),
                    HINT = 'Round the amount before you store it.';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_exact() IS
    'trigger function: the columns named as arguments hold whole units of the row''s currency (its own or its '
    'contract''s); refused with 23514';

CREATE FUNCTION keep_base_currency() RETURNS trigger
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
    PERFORM FROM pg_timezone_names WHERE name = NEW.zone;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'unknown time zone "%"', NEW.zone
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See pg_timezone_names for the names.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_base_currency() IS
    'trigger function of setting: the base currency is fixed once there are facts; the zone must exist; SECURITY '
    'DEFINER because nobody is granted the locks';

CREATE FUNCTION books_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE s.zone)::date FROM setting s;
END;
COMMENT ON FUNCTION books_today() IS 'the date in the zone of the books';
SELECT allow('reader', 'execute', 'books_today');
