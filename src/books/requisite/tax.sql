-- ---------------------------------------------------------------------------
-- tax: the taxes of a country, with the days of their rates
-- ---------------------------------------------------------------------------

CREATE FUNCTION add_taxes(country text) RETURNS integer
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_rules text := country_rules(add_taxes.country);
    v_taxes integer;
    v_rates integer;
BEGIN
    IF NOT EXISTS (SELECT FROM country_tax t WHERE t.rules = v_rules) THEN
        RAISE EXCEPTION 'no taxes of country "%" are known', add_taxes.country
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Add rows to tax and tax_rate. Known are those of %s.', (
                    SELECT string_agg(c.code, ', ' ORDER BY c.code) FROM country_code c
                     WHERE c.rules IN (SELECT t.rules FROM country_tax t)));
    END IF;
    INSERT INTO tax (code, name, kind, words)
    SELECT t.code, t.words ->> 'en', t.kind, t.words FROM country_tax t WHERE t.rules = v_rules ORDER BY t.code
    ON CONFLICT ON CONSTRAINT tax_pkey DO NOTHING;
    GET DIAGNOSTICS v_taxes = ROW_COUNT;
    INSERT INTO tax_rate (tax_code, valid_from, rate)
    SELECT r.code, r.valid_from, r.rate
      FROM country_tax t JOIN country_tax_rate r USING (code)
     WHERE t.rules = v_rules
     ORDER BY r.code, r.valid_from
    ON CONFLICT ON CONSTRAINT tax_rate_pkey DO NOTHING;
    GET DIAGNOSTICS v_rates = ROW_COUNT;
    RETURN v_taxes + v_rates;
END $$;
COMMENT ON FUNCTION add_taxes(text) IS
    'add the taxes of a country, and their rates with the days from which they hold, to tax and tax_rate, for '
    'contract.tax_code to name; returns how many rows came. What is there stays, so that a second call adds what is '
    'new. Refused (22023) for a country of which none are known';
SELECT allow('manager', 'execute', 'add_taxes');
