-- ---------------------------------------------------------------------------
-- party: what a party says of itself, and the codes that its country gives it
-- ---------------------------------------------------------------------------

CREATE FUNCTION party_said(party jsonb, language text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('name', coalesce(party ->> 'legal_name', party ->> 'name'))
           || jsonb_strip_nulls(jsonb_build_object('tax_id', party -> 'tax_id')) || (party -> 'requisites')
           || CASE jsonb_typeof(party -> 'requisites' -> party_said.language)
                   WHEN 'object' THEN party -> 'requisites' -> party_said.language ELSE '{}' END
     WHERE jsonb_typeof(party) = 'object';
END;
COMMENT ON FUNCTION party_said(jsonb, text) IS
    'the requisites of a party, as paper_party() has it, with its name and tax_id among them, as it says them in a '
    'language; NULL for none';

CREATE FUNCTION country_rules(p_country text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.rules FROM country_code c WHERE c.code = p_country;
END;
COMMENT ON FUNCTION country_rules(text) IS 'whose rules hold in a country; NULL for none';

CREATE FUNCTION party_codes(party jsonb, language text)
    RETURNS TABLE (key text, label text, "position" integer, in_bank boolean, slip text, value text, code text,
                   context text, fault text, strict boolean)
    LANGUAGE plpgsql STABLE ROWS 8 SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_said jsonb := party_said(party, party_codes.language);
    v_person text := CASE WHEN 'true' IN (party ->> 'entrepreneur', party ->> 'private') THEN 'person'
                          ELSE 'company' END;
BEGIN
    RETURN QUERY
    SELECT r.key, coalesce(r.label ->> party_codes.language, r.label ->> 'en'), r.position, r.in_bank, r.slip, v.value,
           r.code, v.context, check_code(r.code, v.value, v.context), r.strict
      FROM country_code c
      JOIN requisite r ON r.rules = c.rules AND r.person IN ('any', v_person)
     CROSS JOIN LATERAL (
        SELECT nullif(btrim(v_said ->> r.key), '') AS value,
               CASE r.code WHEN 'eu_vat' THEN c.vat_prefix ELSE v_said ->> r.context_key END AS context) v
     WHERE c.code = party ->> 'country';
END $$;
COMMENT ON FUNCTION party_codes(jsonb, text) IS
    'the requisites that its country gives a party, as paper_party() has it: under which name in a language, in which '
    'order, what it has of each (value, NULL for none), what is wrong with it (fault, as check_code() says it by its '
    'context) and whether a paper is refused for that (strict); no rows without a country';

CREATE VIEW party_code WITH (security_invoker) AS
    SELECT p.id AS party_id, p.name AS party, p.country, c.key, c.label, c.value, c.fault
      FROM party p
     CROSS JOIN LATERAL party_codes(jsonb_build_object(
               'name', p.name, 'tax_id', p.tax_id, 'requisites', p.requisites, 'country', p.country,
               'entrepreneur', p.entrepreneur, 'private', p.kind = 'individual'), 'en') c
     WHERE p.country IS NOT NULL;
COMMENT ON VIEW party_code IS
    'the requisites that its country gives each party: what it has of them (value, NULL for none) and what is wrong '
    'with that (fault), as check_code() says it. What is wrong is stored, and told or refused when a paper is issued';
SELECT allow('reader', 'select', 'party_code');
