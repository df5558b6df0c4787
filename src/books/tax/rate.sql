-- ---------------------------------------------------------------------------
-- rate: what is taken of a day's work, by which tax
-- ---------------------------------------------------------------------------

CREATE FUNCTION keep_tax() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_TABLE_NAME = 'tax' THEN
        IF NEW IS DISTINCT FROM OLD AND EXISTS (SELECT FROM line_tax l WHERE l.tax = OLD.code) THEN
            RAISE EXCEPTION 'tax "%" stands on documents and stays as it is', OLD.code
                USING ERRCODE = 'restrict_violation',
                    HINT = 'Add another tax, and give it to the contracts; rates change by rows of tax_rate.';
        END IF;
    ELSIF TG_TABLE_NAME = 'tax_rate' THEN
        IF EXISTS (SELECT FROM tax_part p WHERE p.tax_code = NEW.tax_code)
            OR NOT EXISTS (SELECT FROM tax t WHERE t.code = NEW.tax_code AND t.kind = 'rated') THEN
            RAISE EXCEPTION 'tax "%" has no rate of its own', NEW.tax_code
                USING ERRCODE = 'check_violation', CONSTRAINT = 'tax_rate_of_one',
                    HINT = 'Taxes of kind rated that are not made of others have rates.';
        END IF;
    ELSIF EXISTS (SELECT FROM tax_rate r WHERE r.tax_code = NEW.tax_code)
        OR EXISTS (SELECT FROM tax_part p WHERE p.tax_code = NEW.part_code OR p.part_code = NEW.tax_code)
        OR EXISTS (SELECT FROM tax t WHERE t.code IN (NEW.tax_code, NEW.part_code) AND t.kind <> 'rated') THEN
        RAISE EXCEPTION 'tax "%" cannot be a part of tax "%"', NEW.part_code, NEW.tax_code
            USING ERRCODE = 'check_violation', CONSTRAINT = 'tax_part_of_rated',
                HINT = 'A tax without rates of its own is made of taxes that have rates.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_tax() IS
    'trigger function of tax, tax_rate and tax_part: a tax has rates or is made of those that have (23514), and stays '
    'as documents show it (23001)';

-- What has no rate on a day has none here: whoever issues a paper refuses it.
CREATE FUNCTION tax_terms(p_tax text, p_on date) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT jsonb_agg(jsonb_build_object('tax', x.code, 'rate', CASE WHEN x.kind = 'rated' THEN (
                       SELECT trim_scale(r.rate) FROM tax_rate r WHERE r.tax_code = x.code AND r.valid_from <= p_on
                        ORDER BY r.valid_from DESC LIMIT 1) ELSE 0 END) ORDER BY x.code)
              FROM (SELECT t.code, t.kind FROM tax t
                     WHERE t.code = p_tax AND NOT EXISTS (SELECT FROM tax_part p WHERE p.tax_code = p_tax)
                    UNION ALL
                    SELECT t.code, t.kind
                      FROM tax_part p JOIN tax t ON t.code = p.part_code WHERE p.tax_code = p_tax) x);
END $$;
COMMENT ON FUNCTION tax_terms(text, date) IS
    'the taxes that a tax is on a day, itself or its parts: [{"tax", "rate" (per cent, NULL where there is none yet)}]'
    '; NULL for no tax';

CREATE FUNCTION tax_rate_on(tax text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_rates numeric[] := ARRAY(SELECT (t.value ->> 'rate')::numeric
                                 FROM jsonb_array_elements(tax_terms(tax_rate_on.tax, on_date)) t);
BEGIN
    RETURN CASE WHEN array_position(v_rates, NULL) IS NULL THEN (SELECT sum(r) FROM unnest(v_rates) r) END;
END $$;
COMMENT ON FUNCTION tax_rate_on(text, date) IS
    'the rate of a tax on a day in per cent, of one that is made of others their sum; NULL where there is none';
SELECT allow('reader', 'execute', 'tax_rate_on');

CREATE FUNCTION contract_tax_rate(p_contract contract, p_on date) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce(CASE WHEN p_contract.tax_code IS NULL THEN p_contract.tax_rate
                         ELSE tax_rate_on(p_contract.tax_code, p_on) END, 0);
END $$;
COMMENT ON FUNCTION contract_tax_rate(contract, date) IS
    'the rate of tax on a day''s work under a contract, in per cent; 0 where it has none, or none yet';

-- By the function that taxes documents, so that a line of one charge has no cents to add.
CREATE FUNCTION without_tax(p_contract contract, p_on date, p_priced numeric) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN p_contract.tax_inclusive AND p_priced <> 0
        THEN (SELECT t.net FROM tax_breakdown(ARRAY[p_priced], ARRAY[contract_tax_rate(p_contract, p_on)], true, 'line',
                                              currency_exponent(p_contract.currency)) t)
        ELSE p_priced END;
END $$;
COMMENT ON FUNCTION without_tax(contract, date, numeric) IS
    'what is ours of what a contract''s prices make of a day''s work, in its currency: the same where its prices are '
    'without tax';

CREATE FUNCTION tax_parts(p_terms jsonb, p_rate numeric) RETURNS TABLE (no bigint, tax text, rate numeric)
    LANGUAGE plpgsql IMMUTABLE ROWS 1 SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_terms IS NULL THEN
        RETURN QUERY SELECT 1::bigint, NULL::text, p_rate;
    ELSE
        RETURN QUERY SELECT t.no, t.value ->> 'tax', (t.value ->> 'rate')::numeric
                       FROM jsonb_array_elements(p_terms) WITH ORDINALITY t (value, no);
    END IF;
END $$;
COMMENT ON FUNCTION tax_parts(jsonb, numeric) IS
    'the taxes of tax_terms(), numbered, or one without a name at a fixed rate';

-- What a credit takes back of each tax: in proportion, the last one what is left.
CREATE FUNCTION credited_taxes(p_line bigint, p_taxes jsonb, p_tax numeric, p_exponent integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF jsonb_typeof(p_taxes) IS DISTINCT FROM 'array' THEN
        RETURN NULL;
    END IF;
    RETURN (WITH remaining AS (
        SELECT t.no, t.value, (t.value ->> 'amount')::numeric + coalesce((
                   SELECT sum((c.value ->> 'amount')::numeric)
                     FROM document_line n CROSS JOIN LATERAL jsonb_array_elements(n.taxes) c
                    WHERE n.reverses_line_id = p_line AND c.value ->> 'tax' = t.value ->> 'tax'), 0) AS amount
          FROM jsonb_array_elements(p_taxes) WITH ORDINALITY t (value, no)
    ), share AS (
        SELECT CASE WHEN p_tax = sum(r.amount) OR sum(r.amount) = 0 THEN array_agg(r.amount ORDER BY r.no)
                    ELSE allocate(p_tax, array_agg(abs(r.amount) ORDER BY r.no), p_exponent) END AS amounts
          FROM remaining r
    )
    SELECT jsonb_agg(r.value || jsonb_build_object('amount', -s.amounts[r.no]) ORDER BY r.no)
      FROM remaining r CROSS JOIN share s);
END $$;
COMMENT ON FUNCTION credited_taxes(bigint, jsonb, numeric, integer) IS
    'the taxes of the line of a credit note that takes so much tax of an invoice line back';

CREATE FUNCTION less_taxes(p_taxes jsonb, p_credited jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_agg(t.value || jsonb_build_object('amount', (t.value ->> 'amount')::numeric
                                                             + coalesce((c.value ->> 'amount')::numeric, 0))
                     ORDER BY t.no)
      FROM jsonb_array_elements(p_taxes) WITH ORDINALITY t (value, no)
      LEFT JOIN LATERAL (SELECT c.value FROM jsonb_array_elements(p_credited) c (value)
                          WHERE c.value ->> 'tax' = t.value ->> 'tax') c ON true;
END;
COMMENT ON FUNCTION less_taxes(jsonb, jsonb) IS 'the taxes of a line less those of what is credited of it (below zero)';

CREATE FUNCTION check_taxes(p_document bigint) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_lacks record;
BEGIN
    SELECT t.value ->> 'tax' AS tax, coalesce(h.service_date, d.issued_on, books_today()) AS day INTO v_lacks
      FROM document d
      JOIN document_line l ON l.document_id = d.id
      LEFT JOIN charge h ON h.id = l.charge_id
     CROSS JOIN LATERAL jsonb_array_elements(l.taxes) t
     WHERE d.id = p_document AND t.value ->> 'rate' IS NULL
     ORDER BY 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tax "%" has no rate on %', v_lacks.tax, v_lacks.day
            USING ERRCODE = 'foreign_key_violation',
                HINT = 'Add the rate to table tax_rate, valid from that day or earlier.';
    END IF;
END $$;
COMMENT ON FUNCTION check_taxes(bigint) IS
    'refuse (23503) a document with work or a line whose tax has no rate on its day';

-- What another party wrote is taken as it is, and told apart by the rates of the day.
CREATE FUNCTION billed_taxes(p_tax text, p_on date, p_amount numeric, p_exponent integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_terms CONSTANT jsonb := tax_terms(p_tax, p_on);
    v_rates CONSTANT numeric[] := ARRAY(SELECT coalesce((t.value ->> 'rate')::numeric, 0)
                                          FROM jsonb_array_elements(v_terms) WITH ORDINALITY t (value, no)
                                         ORDER BY t.no);
    v_amounts numeric[];
BEGIN
    IF p_amount <> 0 AND 0 < ANY (v_rates) THEN
        v_amounts := allocate(p_amount, v_rates, p_exponent);
    END IF;
    RETURN (SELECT jsonb_agg(t.value || jsonb_build_object('amount', coalesce(v_amounts[t.no], 0)) ORDER BY t.no)
              FROM jsonb_array_elements(v_terms) WITH ORDINALITY t (value, no));
END $$;
COMMENT ON FUNCTION billed_taxes(text, date, numeric, integer) IS
    'the taxes that the tax of a bill''s line is made of, in proportion to their rates on a day; NULL for no tax_code';
