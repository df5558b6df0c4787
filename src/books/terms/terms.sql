-- ---------------------------------------------------------------------------
-- terms: a contract as a document, stamped on what is rated by it
-- ---------------------------------------------------------------------------

CREATE FUNCTION list_document(p_list bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('name', l.name, 'parent', l.parent_id, 'discount_pct', trim_scale(l.discount_pct),
                              'prices', (
               SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'employee', r.employee_id, 'role', r.role,
                          'work_type', r.work_type_id, 'from', greatest(r.valid_from, '0001-01-01'), 'price',
                              trim_scale(r.price),
                          'discount_pct', trim_scale(r.discount_pct)) ORDER BY r.id), '[]')
                 FROM price r WHERE r.price_list_id = l.id AND r.item_id IS NULL))
      FROM price_list l WHERE l.id = p_list;
END;
COMMENT ON FUNCTION list_document(bigint) IS 'a price list with its positions for work, as rate() takes it';

CREATE FUNCTION price_list_document(p_lists bigint[]) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(l.id, list_document(l.id)), '{}') FROM price_list l WHERE l.id = ANY (p_lists);
END;
COMMENT ON FUNCTION price_list_document(bigint[]) IS 'price lists with their positions for work, as rate() takes them';

-- In one statement: what is kept as a revision is what the list was then.
CREATE FUNCTION stamp_lists(p_lists bigint[]) RETURNS jsonb
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_revisions jsonb;
BEGIN
    WITH now AS MATERIALIZED (
        SELECT l.id, l.revision FROM price_list l WHERE l.id = ANY (p_lists)
    ), kept AS (
        INSERT INTO list_snapshot (price_list_id, revision, body)
        SELECT n.id, n.revision, list_document(n.id) FROM now n
         WHERE NOT EXISTS (SELECT FROM list_snapshot s WHERE s.price_list_id = n.id AND s.revision = n.revision)
         ORDER BY n.id
        ON CONFLICT ON CONSTRAINT list_snapshot_pkey DO NOTHING
    )
    SELECT coalesce(jsonb_object_agg(n.id, n.revision), '{}') INTO v_revisions FROM now n;
    RETURN v_revisions;
END $$;
COMMENT ON FUNCTION stamp_lists(bigint[]) IS
    'the revisions that price lists have now, {"list": revision}, each kept in list_snapshot';

CREATE FUNCTION contract_lists(p_contract bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        WITH RECURSIVE list AS (
            SELECT l.id, l.parent_id FROM price_list l, contract c
             WHERE c.id = p_contract AND l.currency = c.currency
               AND (l.client_id = c.client_id OR l.is_default
                    OR l.id IN (SELECT g.price_list_id FROM contract g WHERE g.id = p_contract
                                OR g.parent_id = p_contract AND g.status <> 'draft')
                    OR l.id IN (SELECT p.price_list_id FROM project p WHERE p.client_id = c.client_id))
            UNION
            SELECT l.id, l.parent_id FROM price_list l JOIN list ON list.parent_id = l.id
        )
        SELECT x.id FROM list x ORDER BY 1);
END $$;
COMMENT ON FUNCTION contract_lists(bigint) IS
    'the price lists that can price work of a contract and its companions, with their parents';

CREATE FUNCTION contract_terms(p_contract bigint, p_lists jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    WITH grp AS (
        SELECT c.* FROM contract c WHERE c.id = p_contract OR (c.parent_id = p_contract AND c.status <> 'draft')
    )
    SELECT jsonb_build_object(
        'exponent', (SELECT u.exponent FROM currency_code u WHERE u.code = b.currency),
        'base_exponent', (SELECT u.exponent FROM currency_code u, setting s WHERE u.code = s.base_currency),
        'calendar', coalesce(calendar_document(b.calendar_id),
                             jsonb_build_object('zone', (SELECT s.zone FROM setting s))),
        'rounding', jsonb_build_object('mode', b.round_mode, 'increment_s', b.round_increment_s, 'minimum_s',
                                       b.round_minimum_s,
                                       'maximum_s', b.round_maximum_s, 'grace_s', b.round_grace_s, 'scope',
                                           b.round_scope),
        'basis', b.amount_basis,
        'lists', p_lists,
        'contracts', (SELECT jsonb_agg(jsonb_build_object('contract', g.id, 'number', g.number, 'bands', CASE
                                                          WHEN b.parent_id IS NULL THEN to_jsonb(g.bands) END,
                          'list', CASE WHEN g.id <> p_contract THEN g.price_list_id END, 'discount_pct',
                              trim_scale(g.discount_pct),
                          'band_rules', (SELECT coalesce(jsonb_agg(jsonb_build_object('band', r.band, 'role', r.role,
                              'multiplier', trim_scale(r.price_multiplier),
                                             'adder', trim_scale(r.price_adder), 'burn', trim_scale(r.burn_multiplier),
                                                 'minimum_s', r.minimum_s) ORDER BY r.id), '[]')
                                           FROM band_rule r WHERE r.contract_id = g.id),
                          'overage', (SELECT coalesce(jsonb_agg(jsonb_build_object('line', n.id, 'price',
                              trim_scale(n.overage_price), 'scope', to_jsonb(n.scope_work_types),
                                          'from', coalesce(n.starts_on, g.starts_on), 'to', n.ends_on + 1)
                                              ORDER BY n.id), '[]')
                                        FROM contract_line n WHERE n.contract_id = g.id AND n.overage_price IS NOT NULL
                                            AND n.status <> 'cancelled'))
                          ORDER BY g.id <> p_contract, g.id) FROM grp g))
      FROM contract b WHERE b.id = p_contract);
END $$;
COMMENT ON FUNCTION contract_terms(bigint, jsonb) IS
    'the terms of a contract and its companions: rounding, calendar, bands, overage, and price lists by their '
    'revisions; terms_document has them with their lists, service periods, caps and days of lines, as rate() takes '
    'them';

CREATE FUNCTION stamp_terms(p_contract bigint) RETURNS terms
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_lists jsonb := stamp_lists(contract_lists(p_contract));
    v_body jsonb;
    v_source bytea;
    v_digest bytea;
    v_terms terms;
BEGIN
    -- in one statement, so that they are of the same rows
    SELECT contract_terms(p_contract, v_lists), finance.terms_source('contract', p_contract, v_lists)
      INTO v_body, v_source;
    v_digest := sha256(convert_to(v_body::text, 'UTF8'));
    SELECT * INTO v_terms FROM terms t WHERE t.contract_id = p_contract AND t.digest = v_digest;
    IF NOT FOUND THEN
        INSERT INTO terms (contract_id, digest, body) VALUES (p_contract, v_digest, v_body) RETURNING * INTO v_terms;
    END IF;
    -- the days of lines may have changed since
    INSERT INTO terms_source (contract_id, digest, terms_id, body)
    SELECT p_contract, v_source, l.id, l.body FROM living_terms l
     WHERE l.id = v_terms.id AND v_source IS NOT NULL
       AND NOT EXISTS (SELECT FROM terms_source s WHERE s.contract_id = p_contract AND s.digest = v_source)
       AND finance.terms_source('contract', p_contract, v_lists) = v_source
    ON CONFLICT ON CONSTRAINT terms_source_pkey DO NOTHING;
    RETURN v_terms;
END $$;
COMMENT ON FUNCTION stamp_terms(bigint) IS
    'the snapshot of the terms a contract has now, stored when this content is new, and of what it was made';

-- Terms for work that no contract covers: internal work, and clients without
-- any contract, who pay by their own or the default price list.
CREATE FUNCTION uncontracted_terms() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('exponent', u.exponent, 'base_exponent', u.exponent, 'calendar',
                              jsonb_build_object('zone', s.zone),
        'contracts', '[{"contract": 0, "number": "none"}]'::jsonb,
        'lists', price_list_document(ARRAY(SELECT l.id FROM price_list l WHERE l.currency = s.base_currency)))
      FROM setting s JOIN currency_code u ON u.code = s.base_currency;
END;
COMMENT ON FUNCTION uncontracted_terms() IS
    'the terms of work without a contract: price lists of the base currency, no rounding';

CREATE FUNCTION contract_caps(p_contract contract) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object(
        'cap_amount', trim_scale((p_contract).cap_amount), 'cap_seconds', (p_contract).cap_s,
        'period_cap_amount', trim_scale((p_contract).period_cap_amount),
        'period_cap_seconds', (p_contract).period_cap_s, 'prorate', (p_contract).prorate,
        'from', iso((p_contract).starts_on),
        'to', CASE WHEN isfinite((p_contract).ends_on) THEN iso((p_contract).ends_on + 1) END);
END;
COMMENT ON FUNCTION contract_caps(contract) IS
    'what a contract may not exceed, in its whole life and in each service period, and the days to which that is cut, '
    'as rate() takes it';

-- An overage price is stamped like any other; on which days it holds is what its line says
-- now, and a line that came later says its own.
CREATE FUNCTION overage_now(p_stamped jsonb, p_contract contract) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(jsonb_build_object('line', n.id, 'price', trim_scale(n.overage_price),
                                                 'scope', to_jsonb(n.scope_work_types)) || coalesce(o.value, '{}')
                              || jsonb_build_object('from', coalesce(n.starts_on, (p_contract).starts_on),
                                                    'to', n.ends_on + 1) ORDER BY n.id), '[]')
      FROM contract_line n
      LEFT JOIN jsonb_array_elements(p_stamped) o ON (o.value ->> 'line')::bigint = n.id
     WHERE n.contract_id = (p_contract).id AND (o.value IS NOT NULL OR n.overage_price IS NOT NULL)
       AND n.status <> 'cancelled';
END;
COMMENT ON FUNCTION overage_now(jsonb, contract) IS
    'the overage prices of a contract as they were stamped, on the days on which their lines are in force now';

-- Service periods, caps and the days of lines are no prices: they are those that the contract has.
CREATE VIEW living_terms WITH (security_invoker) AS
    SELECT t.id, t.contract_id, t.body || jsonb_build_object('period', c.period, 'anchor', a.day, 'month', a.month)
           || k.living AS body
      FROM terms t
      JOIN contract c ON c.id = t.contract_id
     CROSS JOIN LATERAL anchor_of(c) a
     CROSS JOIN LATERAL (
        SELECT CASE WHEN q.capped OR EXISTS (SELECT FROM contract_line n JOIN contract g ON g.id = n.contract_id
                                              WHERE c.id IN (g.id, g.parent_id))
                    THEN jsonb_build_object('contracts', (
                        SELECT jsonb_agg(x.value || jsonb_build_object('overage', overage_now(x.value -> 'overage', g))
                                         || CASE WHEN q.capped THEN coalesce(contract_caps(g), '{}') ELSE '{}' END
                                         ORDER BY x.no)
                          FROM jsonb_array_elements(t.body -> 'contracts') WITH ORDINALITY x (value, no)
                          LEFT JOIN contract g ON g.id = (x.value ->> 'contract')::bigint))
                    ELSE '{}' END AS living
          FROM (SELECT EXISTS (SELECT FROM contract g JOIN capped_contract q ON q.contract_id = g.id
                               WHERE c.id IN (g.id, g.parent_id)) AS capped) q) k;
COMMENT ON VIEW living_terms IS
    'terms with the contract''s service periods, caps and days of lines; price lists by their revisions';

CREATE VIEW terms_document WITH (security_invoker) AS
    SELECT t.id, t.contract_id, t.body || jsonb_build_object('lists', coalesce(l.lists, '{}')) AS body
      FROM living_terms t
     CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(r.key, s.body) AS lists
          FROM jsonb_each_text(t.body -> 'lists') r
          JOIN list_snapshot s ON s.price_list_id = r.key::bigint AND s.revision = r.value::bigint) l;
COMMENT ON VIEW terms_document IS
    'terms with the price lists they name and the contract''s service periods, caps and days of lines, as rate() takes '
    'them';
SELECT allow('reader', 'select', 'living_terms'), allow('reader', 'select', 'terms_document');
