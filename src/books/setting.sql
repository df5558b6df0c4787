-- ---------------------------------------------------------------------------
-- setting: what holds for the whole set of books
-- ---------------------------------------------------------------------------

CREATE TABLE currency_code (
    code text CONSTRAINT currency_code_pkey PRIMARY KEY
        CONSTRAINT currency_code_iso CHECK (code ~ '^[A-Z]{3}$'),
    exponent smallint NOT NULL
        CONSTRAINT currency_code_exponent_range CHECK (exponent BETWEEN 0 AND 4),
    name text NOT NULL
);
COMMENT ON TABLE currency_code IS 'currencies the books know; exponent is the number of decimals of an amount (ISO 4217)';
SELECT allow('reader', 'select', 'currency_code'), allow('admin', 'insert,update,delete', 'currency_code');

INSERT INTO currency_code (code, exponent, name) VALUES
    ('AED', 2, 'UAE dirham'), ('AMD', 2, 'Armenian dram'), ('AUD', 2, 'Australian dollar'), ('AZN', 2, 'Azerbaijani manat'),
    ('BHD', 3, 'Bahraini dinar'), ('BYN', 2, 'Belarusian ruble'), ('CAD', 2, 'Canadian dollar'), ('CHF', 2, 'Swiss franc'),
    ('CNY', 2, 'Yuan renminbi'), ('CZK', 2, 'Czech koruna'), ('DKK', 2, 'Danish krone'), ('EUR', 2, 'Euro'),
    ('GBP', 2, 'Pound sterling'), ('GEL', 2, 'Georgian lari'), ('HUF', 2, 'Hungarian forint'), ('ILS', 2, 'Israeli new shekel'),
    ('INR', 2, 'Indian rupee'), ('JPY', 0, 'Japanese yen'), ('KGS', 2, 'Kyrgyz som'), ('KRW', 0, 'South Korean won'),
    ('KWD', 3, 'Kuwaiti dinar'), ('KZT', 2, 'Kazakhstani tenge'), ('MDL', 2, 'Moldovan leu'), ('NOK', 2, 'Norwegian krone'),
    ('PLN', 2, 'Polish zloty'), ('RON', 2, 'Romanian leu'), ('RSD', 2, 'Serbian dinar'), ('RUB', 2, 'Russian ruble'),
    ('SEK', 2, 'Swedish krona'), ('SGD', 2, 'Singapore dollar'), ('TRY', 2, 'Turkish lira'), ('UAH', 2, 'Ukrainian hryvnia'),
    ('USD', 2, 'US dollar'), ('UZS', 2, 'Uzbekistani sum');
SELECT watch('currency_code');

CREATE TABLE setting (
    id boolean DEFAULT true CONSTRAINT setting_pkey PRIMARY KEY
        CONSTRAINT setting_one_row CHECK (id),
    version text NOT NULL,
    base_currency text NOT NULL DEFAULT 'EUR'
        CONSTRAINT setting_base_currency_fkey REFERENCES currency_code,
    zone text NOT NULL DEFAULT 'UTC',
    max_entry_s bigint NOT NULL DEFAULT 86400
        CONSTRAINT setting_max_entry_positive CHECK (max_entry_s > 0),
    trackers_decide boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no calendar says another; '
    'max_entry_s the longest time entry accepted, in seconds; trackers_decide whether a record of ingest_entries() may say that it is not billed';
SELECT allow('reader', 'select', 'setting'), allow('admin', 'update', 'setting', but => '{id,version}');
INSERT INTO setting (version) VALUES ('@version@');
SELECT watch('setting');

CREATE TABLE exchange_rate (
    base text NOT NULL CONSTRAINT exchange_rate_base_fkey REFERENCES currency_code,
    quote text NOT NULL CONSTRAINT exchange_rate_quote_fkey REFERENCES currency_code,
    valid_from date NOT NULL,
    rate numeric(24,12) NOT NULL
        CONSTRAINT exchange_rate_positive CHECK (rate > 0 AND rate <> 'NaN'),
    CONSTRAINT exchange_rate_pkey PRIMARY KEY (base, quote, valid_from),
    CONSTRAINT exchange_rate_two_currencies CHECK (base <> quote)
);
COMMENT ON TABLE exchange_rate IS 'one base costs rate quote from valid_from until the next row of the pair';
SELECT allow('reader', 'select', 'exchange_rate'), allow('controller', 'insert,update,delete', 'exchange_rate');
SELECT watch('exchange_rate');

CREATE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN from_currency = to_currency THEN 1::numeric ELSE coalesce(
        (SELECT r.rate FROM exchange_rate r
          WHERE r.base = from_currency AND r.quote = to_currency AND r.valid_from <= on_date
          ORDER BY r.valid_from DESC LIMIT 1),
        (SELECT round(1 / r.rate, 12) FROM exchange_rate r
          WHERE r.base = to_currency AND r.quote = from_currency AND r.valid_from <= on_date
          ORDER BY r.valid_from DESC LIMIT 1)) END;
END;
COMMENT ON FUNCTION exchange_rate_on(text, text, date) IS
    'how much of to_currency one from_currency costs on a date: the latest rate of the pair, else the inverse of the opposite pair to 12 decimals; NULL when neither is known';
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
            USING ERRCODE = 'foreign_key_violation', HINT = 'Add the rate to table exchange_rate, valid from that day or earlier.';
    END IF;
    RETURN round_money(amount * v_rate, v_exponent);
END $$;
COMMENT ON FUNCTION convert(numeric, text, text, date) IS
    'an amount in another currency by the last rate on or before the date, rounded once; refused (22023, 23503) for an unknown currency or a missing rate';
SELECT allow('reader', 'execute', 'convert');

-- What comes in the address of a request is text: a JSON document sent there
-- arrives as a JSON string that holds it.
CREATE FUNCTION json_argument(p_argument jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN jsonb_typeof(p_argument) = 'string' AND p_argument #>> '{}' ~ '^[[:space:]]*[[{]'
                THEN (p_argument #>> '{}')::jsonb ELSE p_argument END;
END;
COMMENT ON FUNCTION json_argument(jsonb) IS
    'an argument of a function that is called by people and gateways: where it is a JSON string that holds an object or an array, that object or array; '
    'anything else as it is. Refused (22P02): text that begins like one and is none';

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
            RAISE EXCEPTION '% of % is % %, which % cannot hold', v_column, TG_TABLE_NAME, trim_scale(v_amount), v_currency, v_currency
                USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME,
                    DETAIL = format('%s has %s decimals.', v_currency, v_exponent),
                    HINT = 'Round the amount before you store it.';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_exact() IS
    'trigger function: the columns named as arguments hold whole units of the row''s currency (its own or its contract''s); refused with 23514';

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
COMMENT ON FUNCTION keep_base_currency() IS 'trigger function of setting: the base currency is fixed once there are facts; the zone must exist; SECURITY DEFINER because nobody is granted the locks';
CREATE TRIGGER setting_kept BEFORE UPDATE ON setting
    FOR EACH ROW EXECUTE FUNCTION keep_base_currency();
CREATE TRIGGER setting_stays BEFORE DELETE OR TRUNCATE ON setting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('The books cannot be without their settings; change them instead.');
