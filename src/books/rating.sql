-- ---------------------------------------------------------------------------
-- rating: a time entry becomes charges in the transaction that logs it
--
-- entry_context says what an entry is about and which contract takes it;
-- contract_terms and allotment_state describe that contract as values; the
-- engine, rate(), turns the three into segments; rate_entries stores them.
-- ---------------------------------------------------------------------------

CREATE FUNCTION contract_zone(p_calendar bigint) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN coalesce((SELECT c.zone FROM calendar c WHERE c.id = p_calendar), (SELECT s.zone FROM setting s));
END $$;
COMMENT ON FUNCTION contract_zone(bigint) IS 'the zone of a calendar, or of the books where there is no calendar';

-- Which contract takes an entry: the one it names, else the one its task
-- names, else the client's contract in force on the work date, one for the
-- project before one for the whole client.  Companions come with their base,
-- also when they are named.
CREATE FUNCTION entry_context(p_entries bigint[])
    RETURNS TABLE (entry_id bigint, employee_id bigint, role text, employee_name text, task_id bigint, work_type_id bigint,
                   project_id bigint, client_id bigint, deal_id bigint, direction_id bigint, disposition text, disposition_from text,
                   price_list_id bigint, work_date date, instant timestamptz, contracts bigint[], client_contracts bigint,
                   approved_at timestamptz, overridden boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id, e.employee_id, m.role, m.name, t.id, coalesce(e.work_type_id, t.work_type_id), p.id, p.client_id, t.deal_id,
           coalesce(p.direction_id, m.direction_id),
           CASE WHEN f.fixed AND e.billable IS NULL AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable' THEN 'included'
                ELSE coalesce(e.billable, t.billable, f.internal, w.billable, p.billable, 'billable') END,
           CASE WHEN e.billable IS NOT NULL THEN coalesce(e.override_reason, 'entry')
                WHEN f.fixed AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable' THEN 'in the fixed price of the task'
                WHEN t.billable IS NOT NULL THEN 'task'
                WHEN f.internal IS NOT NULL THEN 'project of the own company'
                WHEN w.billable IS NOT NULL THEN 'work type ' || w.code WHEN p.billable IS NOT NULL THEN 'project' END,
           p.price_list_id,
           coalesce((e.started_at AT TIME ZONE z.zone)::date, e.work_date),
           coalesce(e.started_at, e.work_date::timestamp AT TIME ZONE z.zone),
           c.contracts, c.client_contracts, e.approved_at, num_nonnulls(e.billable, e.price) > 0
      FROM unnest(p_entries) AS x (id)
      JOIN time_entry e ON e.id = x.id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN work_type w ON w.id = coalesce(e.work_type_id, t.work_type_id)
     CROSS JOIN setting s
      JOIN party y ON y.id = p.client_id
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM task_item i WHERE i.task_id = t.id) AS fixed,
                                CASE WHEN y.kind = 'own' AND p.billable IS DISTINCT FROM 'billable' AND coalesce(w.billable, p.billable, 'billable') = 'billable'
                                     THEN 'non_billable' END AS internal) f
      LEFT JOIN LATERAL (
        -- the contracts of the best level that match, several only when it is ambiguous
        SELECT array_agg(k.id ORDER BY k.id) FILTER (WHERE k.matches AND k.level = k.best) AS contracts, count(*) AS client_contracts,
               min(k.zone) FILTER (WHERE k.matches AND k.level = k.best) AS zone
          FROM (SELECT n.*, min(n.level) FILTER (WHERE n.matches) OVER () AS best
                  FROM (SELECT coalesce(k.parent_id, k.id) AS id, coalesce(a.zone, s.zone) AS zone,
                               CASE WHEN coalesce(e.contract_id, t.contract_id) IS NOT NULL THEN 1
                                    WHEN k.project_id IS NOT NULL THEN 2 ELSE 3 END AS level,
                               k.status <> 'draft'
                               AND coalesce((e.started_at AT TIME ZONE coalesce(a.zone, s.zone))::date, e.work_date)
                                   BETWEEN k.starts_on AND coalesce(k.ends_on, 'infinity') AS matches
                          FROM contract k LEFT JOIN calendar a ON a.id = k.calendar_id
                         WHERE CASE WHEN coalesce(e.contract_id, t.contract_id) IS NOT NULL
                                    THEN k.id = coalesce(e.contract_id, t.contract_id)
                                    ELSE k.parent_id IS NULL AND (k.project_id IS NULL OR k.project_id = p.id) END
                           AND k.client_id = p.client_id) n) k) c ON true
     CROSS JOIN LATERAL (SELECT coalesce(c.zone, m.zone, s.zone) AS zone) z;
END;
COMMENT ON FUNCTION entry_context(bigint[]) IS
    'what time entries are about: dimensions, disposition and where it comes from, work date, and the contracts that match (one, none, or several '
    'when it is ambiguous)';

CREATE FUNCTION price_list_document(p_lists bigint[]) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(l.id, jsonb_build_object('name', l.name, 'parent', l.parent_id, 'discount_pct', trim_scale(l.discount_pct), 'prices', (
               SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'employee', r.employee_id, 'role', r.role, 'work_type', r.work_type_id,
                          'from', greatest(r.valid_from, '0001-01-01'), 'price', trim_scale(r.price), 'discount_pct', trim_scale(r.discount_pct)) ORDER BY r.id), '[]')
                 FROM price r WHERE r.price_list_id = l.id AND r.item_id IS NULL))), '{}')
      FROM price_list l WHERE l.id = ANY (p_lists);
END;
COMMENT ON FUNCTION price_list_document(bigint[]) IS 'price lists with their positions for work, as rate() takes them';

CREATE FUNCTION contract_terms(p_contract bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (
    WITH RECURSIVE grp AS (
        SELECT c.*, coalesce(c.parent_id, 0) AS companion FROM contract c
         WHERE c.id = p_contract OR (c.parent_id = p_contract AND c.status <> 'draft')
    ), list AS (
        SELECT l.id, l.parent_id FROM price_list l, contract c
         WHERE c.id = p_contract AND l.currency = c.currency
           AND (l.client_id = c.client_id OR l.is_default OR l.id IN (SELECT g.price_list_id FROM grp g)
                OR l.id IN (SELECT p.price_list_id FROM project p WHERE p.client_id = c.client_id))
        UNION
        SELECT l.id, l.parent_id FROM price_list l JOIN list ON list.parent_id = l.id
    )
    SELECT jsonb_build_object(
        'exponent', (SELECT u.exponent FROM currency_code u WHERE u.code = b.currency),
        'base_exponent', (SELECT u.exponent FROM currency_code u, setting s WHERE u.code = s.base_currency),
        'calendar', coalesce(calendar_document(b.calendar_id), jsonb_build_object('zone', (SELECT s.zone FROM setting s))),
        'period', b.period, 'anchor', b.anchor_day,
        'rounding', jsonb_build_object('mode', b.round_mode, 'increment_s', b.round_increment_s, 'minimum_s', b.round_minimum_s,
                                       'maximum_s', b.round_maximum_s, 'grace_s', b.round_grace_s, 'scope', b.round_scope),
        'basis', b.amount_basis,
        'lists', price_list_document(ARRAY(SELECT x.id FROM list x)),
        'contracts', (SELECT jsonb_agg(jsonb_build_object('contract', g.id, 'number', g.number, 'bands', CASE WHEN b.parent_id IS NULL THEN to_jsonb(g.bands) END,
                          'list', CASE WHEN g.id <> p_contract THEN g.price_list_id END, 'discount_pct', trim_scale(g.discount_pct),
                          'cap_amount', trim_scale(g.cap_amount), 'cap_seconds', g.cap_s,
                          'band_rules', (SELECT coalesce(jsonb_agg(jsonb_build_object('band', r.band, 'role', r.role, 'multiplier', trim_scale(r.price_multiplier),
                                             'adder', trim_scale(r.price_adder), 'burn', trim_scale(r.burn_multiplier), 'minimum_s', r.minimum_s) ORDER BY r.id), '[]')
                                           FROM band_rule r WHERE r.contract_id = g.id),
                          'overage', (SELECT coalesce(jsonb_agg(jsonb_build_object('line', n.id, 'price', trim_scale(n.overage_price), 'scope', to_jsonb(n.scope_work_types),
                                          'from', coalesce(n.starts_on, g.starts_on), 'to', n.ends_on + 1) ORDER BY n.id), '[]')
                                        FROM contract_line n WHERE n.contract_id = g.id AND n.overage_price IS NOT NULL AND n.status <> 'cancelled'))
                          ORDER BY g.id <> p_contract, g.id) FROM grp g))
      FROM contract b WHERE b.id = p_contract);
END $$;
COMMENT ON FUNCTION contract_terms(bigint) IS
    'the terms of a contract and its companions as the document that rate() takes: rounding, calendar, price lists with their parents, bands, overage, caps';

CREATE FUNCTION stamp_terms(p_contract bigint) RETURNS terms
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_body jsonb := contract_terms(p_contract);
    v_digest bytea := sha256(convert_to(v_body::text, 'UTF8'));
    v_terms terms;
BEGIN
    SELECT * INTO v_terms FROM terms t WHERE t.contract_id = p_contract AND t.digest = v_digest;
    IF NOT FOUND THEN
        INSERT INTO terms (contract_id, digest, body) VALUES (p_contract, v_digest, v_body) RETURNING * INTO v_terms;
    END IF;
    RETURN v_terms;
END $$;
COMMENT ON FUNCTION stamp_terms(bigint) IS 'the snapshot of the terms a contract has now, stored when this content is new';

-- A contract whose entries bear on one another: what one burns or rounds away
-- another cannot.  Others are rated entry by entry.
CREATE VIEW sequential_contract WITH (security_invoker) AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id, c.round_scope
      FROM contract c
     WHERE c.round_scope <> 'entry' OR c.cap_amount IS NOT NULL OR c.cap_s IS NOT NULL
        OR EXISTS (SELECT FROM allotment a WHERE a.contract_id = c.id)
        OR EXISTS (SELECT FROM contract_line n WHERE n.contract_id = c.id AND num_nonnulls(n.included_s, n.included_amount) > 0);
COMMENT ON VIEW sequential_contract IS 'contracts with allotments, caps or rounding over several entries: an early entry changes later ones';
SELECT allow('reader', 'select', 'sequential_contract');

CREATE FUNCTION contract_group(p_base bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN ARRAY(SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c WHERE c.parent_id = p_base ORDER BY 1);
END $$;
COMMENT ON FUNCTION contract_group(bigint) IS 'a base contract and its companions';

CREATE FUNCTION is_billed(p_entry bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM charge h WHERE h.time_entry_id = p_entry AND h.fixed AND h.reverses_id IS NULL
                      AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id));
END $$;
COMMENT ON FUNCTION is_billed(bigint) IS 'has a time entry a frozen or held charge that was not reversed? Then it is left as it is, as a whole';

-- Burns and cap use of the charges that stay as they are: not of the changed
-- entries, and from p_from on only of entries that are frozen.
CREATE FUNCTION allotment_state(p_base bigint, p_changed bigint[], p_from timestamptz) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off
AS $$
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'draw_from', o.opens_at,
        'allotments', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit', a.unit,
                       'remaining', a.amount - coalesce(b.burned, 0), 'priority', a.priority, 'effective_at', a.effective_at,
                       'expires_at', a.expires_at, 'scope', to_jsonb(a.scope_work_types)) ORDER BY a.id), '[]')
              FROM allotment a
              LEFT JOIN LATERAL (
                SELECT sum(h.burned) AS burned FROM charge h
                 WHERE h.allotment_id = a.id AND (h.time_entry_id IS NULL OR h.fixed
                    OR (h.started_at < p_from OR p_from IS NULL OR is_billed(h.time_entry_id))
                       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))) b ON true
             WHERE a.contract_id = ANY (o.contracts) AND a.voided_at IS NULL AND a.amount > coalesce(b.burned, 0)
               AND (a.expires_at > o.opens_at OR a.expires_at IS NULL OR o.opens_at IS NULL)),
        'used', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contract', u.contract_id, 'amount', u.amount, 'seconds', u.seconds) ORDER BY u.contract_id), '[]')
              FROM (SELECT h.contract_id, sum(h.amount) AS amount, sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS seconds
                      FROM contract c JOIN charge h ON h.contract_id = c.id
                     WHERE c.id = ANY (o.contracts) AND num_nonnulls(c.cap_amount, c.cap_s) > 0
                       AND (h.source = 'time' OR h.source = 'item')
                       AND (h.time_entry_id IS NULL OR h.fixed
                            OR (h.started_at < p_from OR p_from IS NULL OR is_billed(h.time_entry_id))
                               AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))
                     GROUP BY 1) u))
      FROM (SELECT ARRAY(SELECT c.id FROM contract c WHERE c.id = b.id UNION ALL SELECT c.id FROM contract c WHERE c.parent_id = b.id) AS contracts,
                   (SELECT max(p.period_end) FROM billing_period p WHERE p.contract_id = b.id)::timestamp
                       AT TIME ZONE coalesce(z.zone, s.zone) AS opens_at
              FROM contract b CROSS JOIN setting s LEFT JOIN calendar z ON z.id = b.calendar_id
             WHERE b.id = p_base) o);
END $$;
COMMENT ON FUNCTION allotment_state(bigint, bigint[], timestamptz) IS
    'what is left of a contract group''s allotments and caps, without the provisional charges of the changed entries and (p_from not NULL) of all '
    'entries from an instant on; work of closed periods draws on what the open period has (draw_from)';

CREATE FUNCTION grant_included(p_base bigint, p_days date[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, effective_at, expires_at, period_start, scope_work_types)
    SELECT c.id, n.id, 'included', CASE WHEN n.included_s IS NULL THEN 'money' ELSE 'seconds' END,
           CASE WHEN NOT n.prorate_included THEN coalesce(n.included_s, n.included_amount)
                ELSE prorate(coalesce(n.included_s, n.included_amount), p.span, p.active, n.prorate,
                             CASE WHEN n.included_s IS NULL THEN u.exponent::int ELSE 0 END) END,
           lower(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id),
           upper(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id), lower(p.span), n.scope_work_types
      FROM contract c
      JOIN contract b ON b.id = p_base
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring' AND n.status <> 'cancelled'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     CROSS JOIN LATERAL (SELECT DISTINCT period_of(d, b.period, b.anchor_day) AS span FROM unnest(p_days) d) s
     CROSS JOIN LATERAL (SELECT s.span, s.span * daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on), '[]') AS active) p
     WHERE (c.id = p_base OR c.parent_id = p_base) AND NOT isempty(p.active)
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = p_base AND q.period_start = lower(p.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = n.id AND a.period_start = lower(p.span) AND a.kind = 'included'
                          AND a.voided_at IS NULL)
     ORDER BY c.id, n.id, p.span
    ON CONFLICT (contract_line_id, period_start, kind) WHERE contract_line_id IS NOT NULL AND voided_at IS NULL DO NOTHING;
END $$;
COMMENT ON FUNCTION grant_included(bigint, date[]) IS 'make the allotments of included hours or money for the service periods of these days, once each';

CREATE TYPE rating_input AS (
    entry_id bigint, contract_id bigint, terms_id bigint, price_list_id bigint, disposition text, disposition_from text,
    currency text, cost_rate numeric, base_cost_rate numeric, base_rate numeric, frozen_s bigint, instant timestamptz, problem text);
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms (NULL: none), where the price lookup starts, '
    'disposition and where it comes from, currency, cost rates an hour, rate to the base currency, seconds billed when frozen, its instant, and '
    'what stands in the way';

-- What the engine needs to know of entries, looked up afresh.
CREATE FUNCTION fresh_input(p_entries bigint[])
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id, NULL::bigint, coalesce(c.price_list_id, x.price_list_id, l.id, d.id),
           CASE WHEN f.fixed THEN 'included' ELSE x.disposition END, CASE WHEN f.fixed THEN 'in the fixed price of the contract' ELSE x.disposition_from END,
           k.currency,
           round(r.hourly_cost * CASE WHEN r.currency = k.currency THEN 1 ELSE exchange_rate_on(r.currency, k.currency, x.work_date) END, 12),
           round(r.hourly_cost * CASE WHEN r.currency = s.base_currency THEN 1 ELSE exchange_rate_on(r.currency, s.base_currency, x.work_date) END, 12),
           b.rate, NULL::bigint, x.instant,
           CASE WHEN cardinality(x.contracts) > 1
                THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m WHERE m.id = ANY (x.contracts)) || ' both match'
                WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0
                THEN 'no contract is in force on ' || iso(x.work_date)
                WHEN c.needs_approval AND x.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits for approval'
                WHEN c.needs_specification AND x.disposition = 'billable' AND NOT specification_agreed(x.task_id)
                THEN 'waits for the client to agree a specification of the task'
                WHEN b.rate IS NULL
                THEN format('no exchange rate from %s to %s on %s', k.currency, s.base_currency, iso(x.work_date))
                WHEN r.currency <> k.currency AND exchange_rate_on(r.currency, k.currency, x.work_date) IS NULL
                THEN format('no exchange rate from %s to %s on %s', r.currency, k.currency, iso(x.work_date)) END
      FROM entry_context(p_entries) x
     CROSS JOIN setting s
      LEFT JOIN contract c ON c.id = x.contracts[1]
     -- hours are in the price of the stages, unless the entry says otherwise
     CROSS JOIN LATERAL (SELECT c.model = 'fixed_price' AND x.disposition = 'billable' AND NOT x.overridden AS fixed) f
     CROSS JOIN LATERAL (SELECT coalesce(c.currency, s.base_currency) AS currency) k
     CROSS JOIN LATERAL (SELECT CASE WHEN k.currency = s.base_currency THEN 1::numeric
                                     ELSE exchange_rate_on(k.currency, s.base_currency, x.work_date) END AS rate) b
      LEFT JOIN price_list l ON l.client_id = x.client_id AND l.currency = k.currency
      LEFT JOIN price_list d ON d.is_default AND d.currency = k.currency
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE v.employee_id = x.employee_id AND v.valid_from <= x.work_date
                          ORDER BY v.valid_from DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE m.hourly_cost IS NULL AND v.employee_id IS NULL
                            AND v.role = x.role AND v.valid_from <= x.work_date ORDER BY v.valid_from DESC LIMIT 1) o ON true
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r;
END;
COMMENT ON FUNCTION fresh_input(bigint[]) IS
    'what rating needs to know of entries as configured now; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.  Reversed
-- charges and their reversals are history; an entry with a frozen charge is
-- frozen as a whole, and bears on others only where they are rounded together.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_to timestamptz, p_changed bigint[], p_grouped boolean)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id, p_base, min(h.terms_id), min(h.price_list_id),
           CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage)
                WHEN bool_and(h.coverage = 'included' AND h.allotment_id IS NULL) THEN 'included' ELSE 'billable' END,
           min(h.reason) FILTER (WHERE h.coverage IN ('no_charge', 'non_billable') OR h.coverage = 'included' AND h.allotment_id IS NULL),
           min(h.currency), min(h.cost_rate), min(h.base_cost_rate), min(h.base_rate),
           CASE WHEN bool_or(h.fixed) THEN sum(h.billed_s)::bigint END, min(h.started_at), NULL::text
      FROM charge h
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c WHERE c.parent_id = p_base)
       AND h.started_at >= p_from AND h.started_at < p_to AND h.time_entry_id IS NOT NULL AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id)
       AND (NOT h.fixed OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id))
     GROUP BY h.time_entry_id
    HAVING p_grouped OR NOT bool_or(h.fixed);
END;
COMMENT ON FUNCTION stamped_input(bigint, timestamptz, timestamptz, bigint[], boolean) IS
    'what rating needs to know of the entries of a contract between two instants, as it was when they were rated; frozen ones only where entries are '
    'rounded in groups';

-- Terms for work that no contract covers: internal work, and clients without
-- any contract, who pay by their own or the default price list.
CREATE FUNCTION uncontracted_terms() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('exponent', u.exponent, 'base_exponent', u.exponent, 'calendar', jsonb_build_object('zone', s.zone),
        'contracts', '[{"contract": 0, "number": "none"}]'::jsonb,
        'lists', price_list_document(ARRAY(SELECT l.id FROM price_list l WHERE l.currency = s.base_currency)))
      FROM setting s JOIN currency_code u ON u.code = s.base_currency;
END;
COMMENT ON FUNCTION uncontracted_terms() IS 'the terms of work without a contract: price lists of the base currency, no rounding';

CREATE TYPE rated_entry AS (segment rated_segment, input rating_input);
COMMENT ON TYPE rated_entry IS 'a segment that rating made, beside what was known of its entry';

-- A function of its inputs: what the contracts make of these entries.
CREATE FUNCTION rate_input(p_input rating_input[], p_contracts bigint[], p_terms bigint[], p_state jsonb)
    RETURNS SETOF rated_entry
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known AS (
        SELECT coalesce(i.contract_id, 0) AS contract, array_agg(DISTINCT i.terms_id) FILTER (WHERE i.terms_id IS NOT NULL) AS terms
          FROM unnest(p_input) i WHERE i.problem IS NULL GROUP BY 1
    ), grp AS MATERIALIZED (
        SELECT k.contract, t.ids, CASE WHEN k.contract = 0 THEN ARRAY[uncontracted_terms()]
                    ELSE ARRAY(SELECT b.body FROM unnest(t.ids) WITH ORDINALITY o (id, no) JOIN terms b USING (id) ORDER BY o.no) END AS bodies
          FROM known k
          LEFT JOIN unnest(p_contracts, p_terms) n (contract_id, terms_id) ON n.contract_id = k.contract
         CROSS JOIN LATERAL (SELECT n.terms_id || array_remove(k.terms, n.terms_id) AS ids) t
    ), batch AS (
        SELECT g.contract, array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price, i.price_list_id,
                   CASE i.disposition WHEN 'included' THEN 'no_charge' ELSE i.disposition END,
                   e.employee_id, m.role, coalesce(e.work_type_id, t.work_type_id), e.task_id, i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.ids, i.terms_id), 1))::rating_entry) AS entries
          FROM unnest(p_input) i
          JOIN grp g ON g.contract = coalesce(i.contract_id, 0)
          JOIN time_entry e ON e.id = i.entry_id
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    )
    SELECT s, i FROM batch b JOIN grp g USING (contract) CROSS JOIN LATERAL rate(g.bodies, b.entries, p_state) s
      JOIN unnest(p_input) i ON i.entry_id = s.entry_id
     ORDER BY s.entry_id, s.segment;
END;
COMMENT ON FUNCTION rate_input(rating_input[], bigint[], bigint[], jsonb) IS
    'the segments that the engine makes of entries; p_terms are the ids of the terms now in force, one for each of p_contracts';

-- Fresh entries are rated by the terms of now, which are stamped for it.
CREATE FUNCTION stamp_input(INOUT p_input rating_input[], OUT contracts bigint[], OUT terms bigint[])
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT array_agg(c.id), array_agg((stamp_terms(c.id)).id) INTO contracts, terms
      FROM (SELECT DISTINCT i.contract_id AS id FROM unnest(p_input) i WHERE i.contract_id IS NOT NULL AND i.problem IS NULL ORDER BY 1) c;
    IF cardinality(contracts) = 1 THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, CASE WHEN i.contract_id = contracts[1] THEN terms[1] END, i.price_list_id, i.disposition,
                       i.disposition_from, i.currency, i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant, i.problem)::rating_input
              FROM unnest(p_input) i);
    ELSIF contracts IS NOT NULL THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, n.terms_id, i.price_list_id, i.disposition, i.disposition_from, i.currency,
                       i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant, i.problem)::rating_input
              FROM unnest(p_input) i LEFT JOIN unnest(contracts, terms) n (contract_id, terms_id) USING (contract_id));
    END IF;
END $$;
COMMENT ON FUNCTION stamp_input(rating_input[]) IS 'give fresh entries the terms their contracts have now, and say which contracts these are';

-- Store segments as charges, by index look-ups for any number of rows, whatever
-- the planner knows of tables that were just loaded; foreign keys are checked by
-- the same mode.  A charge that stays the same is not touched, one
-- that changes keeps its id.
CREATE FUNCTION store_rating(p_input rating_input[], p_rated rated_entry[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan
    SET enable_seqscan = off SET enable_mergejoin = off SET enable_hashjoin = off
AS $$
DECLARE
    -- The LIMIT makes this an index look-up a row, whatever the planner thinks of charge.
    v_known boolean := EXISTS (
        SELECT FROM unnest(p_input) i
         CROSS JOIN LATERAL (SELECT FROM charge h WHERE h.time_entry_id = i.entry_id AND NOT h.fixed LIMIT 1) k
         WHERE i.frozen_s IS NULL);
BEGIN
    INSERT INTO charge AS old (source, time_entry_id, segment, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id,
           direction_id, service_date, period_start, started_at, band, coverage, worked_s, billed_s, price, multiplier, discount_pct,
           price_source, price_list_id, amount, currency, base_rate, base_amount, cost, base_cost, cost_rate, base_cost_rate, allotment_id, burned,
           reason, terms_id, late)
    SELECT n.* FROM (
        SELECT 'time' AS source, r.entry_id, r.segment::smallint, nullif(r.contract_id, 0) AS contract_id, d.client_id, d.project_id, d.deal_id,
               d.task_id, d.employee_id, d.work_type_id, d.direction_id, r.service_date, coalesce(d.opens_on, r.period_start) AS period_start, i.instant,
               r.band, CASE WHEN i.disposition = 'included' THEN 'included' ELSE r.coverage END AS coverage, r.worked_s, r.billed_s, r.price::numeric(19,6),
               r.multiplier::numeric(6,3), r.discount_pct::numeric(7,4), r.price_source, i.price_list_id, r.amount::numeric(20,6),
               i.currency, i.base_rate::numeric(24,12), round_money(r.amount * i.base_rate, u.exponent)::numeric(20,6) AS base_amount,
               r.cost::numeric(20,6), r.base_cost::numeric(20,6), i.cost_rate::numeric(19,6), i.base_cost_rate::numeric(19,6),
               r.allotment_id, r.burned::numeric(20,6),
               CASE WHEN i.disposition = 'billable' THEN r.reason ELSE i.disposition_from END AS reason, i.terms_id, d.opens_on IS NOT NULL AS late
          FROM unnest(p_rated) x
         CROSS JOIN LATERAL (SELECT (x.segment).*) r
         CROSS JOIN LATERAL (SELECT (x.input).*) i
         CROSS JOIN setting s
          JOIN currency_code u ON u.code = s.base_currency
         CROSS JOIN LATERAL (
            -- OFFSET 0: one entry at a time, by its keys
            SELECT p.client_id, t.project_id, t.deal_id, e.task_id, e.employee_id, coalesce(e.work_type_id, t.work_type_id) AS work_type_id,
                   coalesce(p.direction_id, m.direction_id) AS direction_id, late.opens_on
              FROM time_entry e
              JOIN employee m ON m.id = e.employee_id
              JOIN task t ON t.id = e.task_id
              JOIN project p ON p.id = t.project_id
              LEFT JOIN LATERAL (SELECT max(b.period_end) AS opens_on FROM billing_period b
                                  WHERE b.contract_id = (x.input).contract_id HAVING max(b.period_end) > (x.segment).period_start) late ON true
             WHERE e.id = (x.segment).entry_id OFFSET 0) d
         WHERE r.segment > 0) n
     WHERE NOT v_known OR NOT EXISTS (
        SELECT FROM charge h
         WHERE h.time_entry_id = n.entry_id AND h.segment = n.segment AND NOT h.fixed
           AND (h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id, h.direction_id, h.service_date,
                h.period_start, h.started_at, h.band, h.coverage, h.worked_s, h.billed_s, h.price, h.multiplier, h.discount_pct, h.price_source,
                h.price_list_id, h.amount, h.currency, h.base_rate, h.base_amount, h.cost, h.base_cost, h.cost_rate, h.base_cost_rate,
                h.allotment_id, h.burned, h.reason, h.terms_id, h.late)
               IS NOT DISTINCT FROM
               (n.contract_id, n.client_id, n.project_id, n.deal_id, n.task_id, n.employee_id, n.work_type_id, n.direction_id, n.service_date,
                n.period_start, n.instant, n.band, n.coverage, n.worked_s, n.billed_s, n.price, n.multiplier, n.discount_pct, n.price_source,
                n.price_list_id, n.amount, n.currency, n.base_rate, n.base_amount, n.cost, n.base_cost, n.cost_rate, n.base_cost_rate,
                n.allotment_id, n.burned, n.reason, n.terms_id, n.late))
     ORDER BY n.entry_id, n.segment  -- so that the ids of charges do not depend on the plan
    ON CONFLICT (time_entry_id, segment) WHERE time_entry_id IS NOT NULL AND NOT fixed
    DO UPDATE SET contract_id = excluded.contract_id, client_id = excluded.client_id, project_id = excluded.project_id,
           deal_id = excluded.deal_id, task_id = excluded.task_id, employee_id = excluded.employee_id, work_type_id = excluded.work_type_id,
           direction_id = excluded.direction_id, service_date = excluded.service_date, period_start = excluded.period_start,
           started_at = excluded.started_at, band = excluded.band, coverage = excluded.coverage, worked_s = excluded.worked_s,
           billed_s = excluded.billed_s, price = excluded.price, multiplier = excluded.multiplier, discount_pct = excluded.discount_pct,
           price_source = excluded.price_source, price_list_id = excluded.price_list_id, amount = excluded.amount, currency = excluded.currency,
           base_rate = excluded.base_rate, base_amount = excluded.base_amount, cost = excluded.cost, base_cost = excluded.base_cost,
           cost_rate = excluded.cost_rate, base_cost_rate = excluded.base_cost_rate,
           allotment_id = excluded.allotment_id, burned = excluded.burned, reason = excluded.reason, terms_id = excluded.terms_id,
           late = excluded.late;

    INSERT INTO rating_problem (time_entry_id, problem)
    SELECT i.entry_id, i.problem FROM unnest(p_input) i WHERE i.problem IS NOT NULL
    UNION ALL
    SELECT (x.segment).entry_id, (x.segment).problem FROM unnest(p_rated) x WHERE (x.segment).segment = 0
    ON CONFLICT (time_entry_id) DO UPDATE SET problem = excluded.problem, found_at = now() WHERE rating_problem.problem <> excluded.problem;
    DELETE FROM rating_problem p USING unnest(p_rated) x
     WHERE p.time_entry_id = (x.segment).entry_id AND (x.segment).segment = 1;

    IF v_known THEN
        DELETE FROM charge h USING (
            SELECT n.entry_id, max(n.segment) AS segments
              FROM (SELECT (x.segment).entry_id, (x.segment).segment FROM unnest(p_rated) x
                    UNION ALL
                    SELECT i.entry_id, 0 FROM unnest(p_input) i WHERE i.problem IS NOT NULL) n
             GROUP BY 1) n
         WHERE h.time_entry_id = n.entry_id AND h.segment > n.segments AND NOT h.fixed;
    END IF;
END $$;
COMMENT ON FUNCTION store_rating(rating_input[], rated_entry[]) IS
    'store what rating made of entries: charges, keeping their ids, and problems; provisional charges that are no more go away';

-- A handful of rows wants the plan that is ready, a bulk load one made for it.
-- Whoever calls it has SET plan_cache_mode, which ends the choice with the call:
-- else it would be the caller's to the end of his transaction.
CREATE FUNCTION plan_for(p_rows int) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', CASE WHEN p_rows > 250 THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true);
END $$;
COMMENT ON FUNCTION plan_for(int) IS 'choose, until the calling function ends, how statements over so many rows are planned';

CREATE FUNCTION rate_batch(p_fresh bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = auto
AS $$
DECLARE
    v_stamped record;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM fresh_input(p_fresh) i));
    PERFORM store_rating(v_stamped.p_input,
                         ARRAY(SELECT s FROM rate_input(v_stamped.p_input, v_stamped.contracts, v_stamped.terms, '{}') s));
END $$;
COMMENT ON FUNCTION rate_batch(bigint[]) IS 'rate time entries of contracts whose entries do not bear on one another, as configured now';

CREATE TYPE allotment_use AS (contract_id bigint, allotment_id bigint, burned numeric, amount numeric, billed_s numeric);
COMMENT ON TYPE allotment_use IS 'what work takes from one allotment (burned, in its unit) and from the caps of its contract (amount, billed seconds)';

-- A sum that changes as charges do: what entries take now, added to a sum.
CREATE FUNCTION add_use(p_sum allotment_use[], p_entries bigint[], p_sign int) RETURNS allotment_use[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_mergejoin = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(t.contract_id, t.allotment_id, sum(t.burned), sum(t.amount), sum(t.billed_s))::allotment_use
          FROM (SELECT * FROM unnest(p_sum)
                UNION ALL
                SELECT h.contract_id, h.allotment_id, p_sign * h.burned, CASE WHEN c.cap_amount IS NOT NULL THEN p_sign * h.amount END,
                       CASE WHEN c.cap_s IS NOT NULL AND h.coverage = 'billable' THEN p_sign * h.billed_s END
                  FROM unnest(p_entries) x (id)
                  JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed
                  JOIN contract c ON c.id = h.contract_id
                 WHERE h.allotment_id IS NOT NULL OR num_nonnulls(c.cap_amount, c.cap_s) > 0) t
         GROUP BY t.contract_id, t.allotment_id
        HAVING sum(t.burned) <> 0 OR sum(t.amount) <> 0 OR sum(t.billed_s) <> 0);
END $$;
COMMENT ON FUNCTION add_use(allotment_use[], bigint[], int) IS
    'add (p_sign 1) or subtract (-1) what the provisional charges of entries take from allotments and caps; empty when all is nil';

-- Entries of a contract with allotments, caps or rounding in groups.  A new
-- entry that would be rated alike with what is left in the end and with what
-- was left at its own time takes nothing from those that follow, so they stay
-- as they are.  Else these are rated again, some at a time, until all together
-- take what they took before: then nothing changes any more.
CREATE FUNCTION rate_sequence(p_base bigint, p_fresh bigint[], p_changed bigint[], p_from timestamptz, p_last timestamptz, p_grouped boolean)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = auto SET enable_seqscan = off SET enable_mergejoin = off
AS $$
DECLARE
    v_batch int := 50;  -- grows: a change that goes far is looked at in few steps
    v_stamped record;
    v_input rating_input[];
    v_contracts bigint[];
    v_terms bigint[];
    v_then jsonb := allotment_state(p_base, p_changed, p_from);
    v_end jsonb;
    v_rated rated_entry[];
    v_entries bigint[];
    v_difference allotment_use[] := '{}';
    -- deleted, or rated under another contract now: their charges are still here, but take nothing
    v_gone bigint[] := ARRAY(SELECT unnest(p_changed) EXCEPT SELECT unnest(p_fresh));
    v_from timestamptz := p_from;
    v_to timestamptz;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM fresh_input(p_fresh) i));
    v_input := v_stamped.p_input;
    v_contracts := v_stamped.contracts;
    v_terms := v_stamped.terms;
    IF NOT p_grouped AND p_changed <> '{}' AND add_use('{}'::allotment_use[], p_changed, 1) = '{}' THEN
        v_end := v_then;
        IF EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (contract_group(p_base)) AND h.started_at >= p_from) THEN
            v_end := allotment_state(p_base, p_changed, NULL);
        END IF;
        v_rated := ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_end) s);
        IF v_then = v_end OR v_rated = ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s) THEN
            PERFORM store_rating(v_input, v_rated);
            RETURN;
        END IF;
    END IF;

    IF v_contracts IS NULL OR NOT p_base = ANY (v_contracts) THEN
        v_contracts := v_contracts || p_base;
        v_terms := v_terms || (stamp_terms(p_base)).id;
    END IF;
    LOOP
        v_to := 'infinity';
        IF NOT p_grouped THEN
            v_to := coalesce((SELECT h.started_at FROM charge h
                               WHERE h.contract_id = p_base AND h.started_at > greatest(p_last, v_from)
                               ORDER BY h.started_at OFFSET v_batch LIMIT 1), 'infinity');
            v_batch := 2 * v_batch;
        END IF;
        v_input := v_input || ARRAY(SELECT i FROM stamped_input(p_base, v_from, v_to, p_changed, p_grouped) i);
        PERFORM plan_for(cardinality(v_input));
        IF v_to < 'infinity' THEN
            v_entries := ARRAY(SELECT i.entry_id FROM unnest(v_input) i UNION SELECT unnest(p_changed) WHERE v_from = p_from);
            v_difference := add_use(v_difference, v_entries, -1);
        END IF;
        PERFORM store_rating(v_input, ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s));
        EXIT WHEN v_to = 'infinity';
        v_difference := add_use(v_difference, ARRAY(SELECT i.entry_id FROM unnest(v_input) i), 1);
        EXIT WHEN v_difference = '{}';
        v_from := v_to;
        v_then := allotment_state(p_base, v_gone, v_from);
        v_input := '{}';
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_sequence(bigint, bigint[], bigint[], timestamptz, timestamptz, boolean) IS
    'rate fresh entries of a contract as configured now, and as stamped those from an instant on that the change bears on; p_changed are all entries '
    'that this change touches, p_last the instant of the last of them, p_grouped whether entries are rounded together';

CREATE FUNCTION lock_entries(p_entries bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charged bigint[] := ARRAY(
        SELECT DISTINCT h.client_id FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id WHERE NOT h.fixed);
    v_held bigint[];
    v_clients bigint[];
BEGIN
    -- A task may move while we wait: then its new client is held too.
    LOOP
        v_clients := ARRAY(
            SELECT DISTINCT p.client_id FROM unnest(p_entries) x (id) JOIN time_entry e USING (id)
              JOIN task t ON t.id = e.task_id JOIN project p ON p.id = t.project_id ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients || v_charged);
        v_held := v_clients;
    END LOOP;
    v_clients := ARRAY(SELECT unnest(v_clients) UNION SELECT unnest(v_charged));
    PERFORM FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed ORDER BY h.id FOR NO KEY UPDATE OF h;
    RETURN v_clients;
END $$;
COMMENT ON FUNCTION lock_entries(bigint[]) IS
    'hold the clients of time entries, then lock the charges they have, as documents do; returns the clients';

CREATE FUNCTION rate_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET plan_cache_mode = auto
AS $$
DECLARE
    c_batch CONSTANT int := 50000;  -- bounds the memory of one statement; any size gives the same charges
    v_clients bigint[];
    v_sequence record;
    v_rest bigint[];
    v_count int;
BEGIN
    IF coalesce(cardinality(p_entries), 0) = 0 THEN
        RETURN;
    END IF;
    PERFORM plan_for(cardinality(p_entries));

    v_clients := lock_entries(p_entries);
    -- What a document or a close took while we waited for the lock stays as it is.
    v_rest := ARRAY(
        SELECT x.id FROM unnest(p_entries) x (id)
         WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = x.id AND h.fixed AND h.reverses_id IS NULL
                              AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)));

    IF EXISTS (SELECT FROM contract c JOIN sequential_contract q ON q.contract_id = c.id WHERE c.client_id = ANY (v_clients)) THEN
        FOR v_sequence IN
            WITH touched AS MATERIALIZED (
                SELECT x.entry_id, x.contracts[1] AS base_id, x.instant, x.work_date, x.task_id, true AS fresh
                  FROM entry_context(v_rest) x WHERE cardinality(x.contracts) = 1
                UNION ALL
                SELECT h.time_entry_id, coalesce(c.parent_id, c.id), h.started_at, h.service_date, h.task_id, false
                  FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.fixed JOIN contract c ON c.id = h.contract_id
            )
            SELECT t.base_id, min(t.instant) AS instant, max(t.instant) AS last_instant, min(t.work_date) AS work_date, array_agg(DISTINCT t.task_id) AS tasks, b.round_scope,
                   coalesce(array_agg(DISTINCT t.entry_id) FILTER (WHERE t.fresh), '{}') AS fresh,
                   coalesce(array_agg(DISTINCT t.work_date) FILTER (WHERE t.fresh), '{}') AS days
              FROM touched t
              JOIN contract b ON b.id = t.base_id
             WHERE EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = t.base_id)
             GROUP BY t.base_id, b.round_scope ORDER BY t.base_id
        LOOP
            -- work may run into the next period, and late work draws on the open one
            PERFORM grant_included(v_sequence.base_id, v_sequence.days || ARRAY(
                SELECT (e.ended_at AT TIME ZONE contract_zone(c.calendar_id))::date
                  FROM unnest(v_sequence.fresh) x (id) JOIN time_entry e USING (id) JOIN contract c ON c.id = v_sequence.base_id
                 WHERE e.ended_at IS NOT NULL
                UNION
                SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = v_sequence.base_id HAVING max(b.period_end) > v_sequence.work_date));
            PERFORM rate_sequence(v_sequence.base_id, v_sequence.fresh, p_entries,
                                  sequence_start(v_sequence.base_id, v_sequence.round_scope, v_sequence.instant, v_sequence.work_date, v_sequence.tasks),
                                  v_sequence.last_instant, v_sequence.round_scope <> 'entry');
            v_rest := ARRAY(SELECT unnest(v_rest) EXCEPT SELECT unnest(v_sequence.fresh));
        END LOOP;
    END IF;

    v_count := cardinality(v_rest);
    IF v_count > c_batch THEN
        -- work of one contract together: its terms are read once
        v_rest := ARRAY(SELECT x.id FROM unnest(v_rest) x (id) LEFT JOIN time_entry e USING (id) LEFT JOIN task t ON t.id = e.task_id
                         ORDER BY t.project_id, x.id);
    END IF;
    FOR i IN 0 .. (v_count - 1) / c_batch LOOP
        PERFORM rate_batch(v_rest[i * c_batch + 1 : (i + 1) * c_batch]) WHERE v_count > 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_entries(bigint[]) IS
    'rate time entries as configured now, and whatever follows them in contracts with allotments, caps or shared rounding; holds their clients';

CREATE FUNCTION sequence_start(p_base bigint, p_scope text, p_instant timestamptz, p_day date, p_tasks bigint[]) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT CASE p_scope
               WHEN 'entry' THEN p_instant
               WHEN 'task' THEN least(p_instant, (SELECT min(h.started_at) FROM charge h WHERE h.contract_id = p_base AND h.task_id = ANY (p_tasks)))
               WHEN 'period' THEN least(p_instant, lower(period_of(p_day, c.period, c.anchor_day))::timestamp AT TIME ZONE contract_zone(c.calendar_id))
               ELSE least(p_instant, p_day::timestamp AT TIME ZONE contract_zone(c.calendar_id)) END
      FROM contract c WHERE c.id = p_base);
END $$;
COMMENT ON FUNCTION sequence_start(bigint, text, timestamptz, date, bigint[]) IS
    'from which instant a change re-rates a contract: where the first rounding group that it touches begins';

CREATE FUNCTION refuse_frozen_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h
     WHERE h.time_entry_id = ANY (p_entries) AND h.fixed AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id) ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be changed', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_not_billed', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge and bills the corrected work in the open period.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_frozen_entries(bigint[]) IS 'refuse (23001) when one of these entries has a frozen charge, naming what froze it';

-- Work that comes late for a closed period, under a contract that does not
-- take it.  What was logged before the close, or billed and corrected, is in time.
CREATE FUNCTION refuse_late_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_late record;
BEGIN
    SELECT h.time_entry_id, h.service_date, c.number, c.late_policy, b.period_start, b.period_end INTO v_late
      FROM unnest(p_entries) x (id)
      JOIN charge h ON h.time_entry_id = x.id AND h.late AND NOT h.fixed
      JOIN contract k ON k.id = h.contract_id
      JOIN contract c ON c.id = coalesce(k.parent_id, k.id) AND c.late_policy <> 'next_period'
      JOIN billing_period b ON b.contract_id = c.id AND h.service_date >= b.period_start AND h.service_date < b.period_end
     WHERE NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = x.id AND f.fixed)
     ORDER BY h.time_entry_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is closed and takes no work of %', v_late.period_start, v_late.period_end - 1,
            v_late.number, v_late.service_date
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_period_open',
                DETAIL = format('Time entry %s; the contract''s late_policy is %s.', v_late.time_entry_id, v_late.late_policy),
                HINT = CASE v_late.late_policy WHEN 'reopen' THEN 'reopen_period() opens the last closed period again.'
                            ELSE 'Log it on a day of the open period, or change late_policy.' END;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_late_entries(bigint[]) IS
    'refuse (23001) work of a closed period where the contract''s late_policy is reject or reopen, naming the period';

CREATE FUNCTION rate_changed_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
DECLARE
    v_entries bigint[];
    v_moved bigint[];
    v_corrected bigint[];
    v_before numeric[];
    v_too_long record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_entries := ARRAY(SELECT n.id FROM new_rows n ORDER BY n.id);
    ELSE
        -- What does not bear on money (a comment, an outside id) rates nothing again.
        v_entries := ARRAY(
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
             WHERE to_jsonb(n) - '{comment,source,external_id,approved_by,override_reason}'::text[]
                <> to_jsonb(o) - '{comment,source,external_id,approved_by,override_reason}'::text[] ORDER BY n.id);
        PERFORM lock_entries(v_entries);
        PERFORM refuse_frozen_entries(v_entries);
        -- what was billed once and corrected may not be lowered further unseen
        SELECT array_agg(b.id), array_agg(b.amount) INTO v_corrected, v_before
          FROM (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h
                 WHERE h.time_entry_id = ANY (v_entries) GROUP BY 1 HAVING bool_or(h.fixed)) b;
    END IF;
    IF cardinality(v_entries) = 0 THEN
        RETURN NULL;
    END IF;
    SELECT n.id, n.worked_s, s.max_entry_s INTO v_too_long FROM new_rows n, setting s WHERE n.worked_s > s.max_entry_s LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a time entry of % seconds is longer than the limit of %', v_too_long.worked_s, v_too_long.max_entry_s
            USING ERRCODE = 'check_violation', CONSTRAINT = 'time_entry_within_limit',
                HINT = 'Split the entry, or raise max_entry_s in table setting.';
    END IF;
    PERFORM rate_entries(v_entries);
    PERFORM concede('correction', (
        SELECT sum(greatest(b.amount - coalesce(a.amount, 0), 0)) FROM unnest(v_corrected, v_before) b (id, amount)
          LEFT JOIN (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h WHERE h.time_entry_id = ANY (v_corrected) GROUP BY 1) a USING (id)
        ), NULL, NULL, 'change of corrected work') WHERE v_corrected IS NOT NULL;
    -- approval may come after the close, work may not
    IF TG_OP = 'INSERT' THEN
        v_moved := v_entries;
    ELSE
        v_moved := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                          WHERE (n.task_id, n.contract_id, n.started_at, n.ended_at, n.work_date, n.worked_s)
                                IS DISTINCT FROM (o.task_id, o.contract_id, o.started_at, o.ended_at, o.work_date, o.worked_s));
    END IF;
    IF cardinality(v_moved) > 0 AND EXISTS (SELECT FROM contract c WHERE c.late_policy <> 'next_period') THEN
        PERFORM refuse_late_entries(v_moved);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rate_changed_entries() IS
    'trigger function of time_entry: rates what was inserted or changed; SECURITY DEFINER because nobody is granted INSERT on charge';
CREATE TRIGGER time_entry_rated_new AFTER INSERT ON time_entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_changed_entries();
CREATE TRIGGER time_entry_rated_changed AFTER UPDATE ON time_entry REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_changed_entries();

CREATE FUNCTION unrate_deleted_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
DECLARE
    v_deleted bigint[] := ARRAY(SELECT o.id FROM old_rows o ORDER BY o.id);
    v_charge record;
BEGIN
    PERFORM lock_entries(v_deleted);
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h WHERE h.time_entry_id = ANY (v_deleted) AND h.fixed LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be deleted', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge in the open period.';
    END IF;
    PERFORM rate_entries(v_deleted);  -- nothing fresh is left of them; what followed them is rated again
    DELETE FROM charge h WHERE h.time_entry_id = ANY (v_deleted);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION unrate_deleted_entries() IS
    'trigger function of time_entry: takes the provisional charges of deleted entries away and rates what followed them again; billed ones are refused (23001)';
CREATE TRIGGER time_entry_unrated AFTER DELETE ON time_entry REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unrate_deleted_entries();

-- Work goes with its task: what is not billed yet is rated where the task is now.
CREATE FUNCTION rate_moved_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
BEGIN
    -- first, so that work that is being logged on the task is seen
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id IN (n.project_id, o.project_id)
         WHERE n.project_id <> o.project_id));
    PERFORM rate_entries(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE n.project_id <> o.project_id ORDER BY e.id));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rate_moved_tasks() IS
    'trigger function of task: rates the open work of tasks that move to another project again; SECURITY DEFINER because nobody is granted INSERT on charge';
CREATE TRIGGER task_moved AFTER UPDATE ON task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_moved_tasks();

CREATE FUNCTION keep_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    IF EXISTS (SELECT FROM task t JOIN charge h ON h.task_id = t.id WHERE t.project_id = OLD.id)
        OR EXISTS (SELECT FROM contract c WHERE c.project_id = OLD.id) THEN
        RAISE EXCEPTION 'project "%" has charges or a contract: its client stays', OLD.name
            USING ERRCODE = 'restrict_violation', HINT = 'Make a project of the other client and move the tasks there.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_client() IS 'trigger function of project: its client is fixed once there are charges or a contract (23001); SECURITY DEFINER because nobody is granted the locks';
CREATE TRIGGER project_client_kept BEFORE UPDATE OF client_id ON project
    FOR EACH ROW WHEN (NEW.client_id <> OLD.client_id) EXECUTE FUNCTION keep_client();

CREATE FUNCTION rerate(contract_id bigint, from_date date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_entries bigint[];
BEGIN
    PERFORM FROM contract c WHERE c.id = contract_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no contract %', contract_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'View contract_card lists the contracts.';
    END IF;
    v_entries := ARRAY(
        SELECT h.time_entry_id FROM charge h
         WHERE NOT h.fixed AND h.time_entry_id IS NOT NULL AND h.service_date >= from_date
           AND NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = h.time_entry_id AND f.fixed AND f.reverses_id IS NULL
                              AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = f.id))
           AND h.contract_id IN (SELECT c.id FROM contract c WHERE rerate.contract_id IN (c.id, c.parent_id))
        UNION
        SELECT e.id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id AND c.id = rerate.contract_id
         WHERE coalesce((e.started_at AT TIME ZONE 'UTC')::date, e.work_date) >= from_date - 1
        ORDER BY 1);
    PERFORM rate_entries(v_entries);
    RETURN cardinality(v_entries);
END $$;
COMMENT ON FUNCTION rerate(bigint, date) IS
    'rate the unfrozen work of a contract and its client''s unrated work again, from a work date on, as configured now; returns how many entries were looked at';
SELECT allow('manager', 'execute', 'rerate');

CREATE VIEW unrated WITH (security_invoker) AS
    SELECT r.time_entry_id, p.client_id, k.name AS client, t.project_id, p.name AS project, e.task_id, t.title AS task,
           e.employee_id, m.name AS employee, coalesce((e.started_at AT TIME ZONE s.zone)::date, e.work_date) AS work_date,
           (e.worked_s / 3600.0)::numeric(18,2) AS hours, r.problem AS reason, r.found_at
      FROM rating_problem r
     CROSS JOIN setting s
      JOIN time_entry e ON e.id = r.time_entry_id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id;
COMMENT ON VIEW unrated IS 'time entries that could not be rated, each with the reason; rerate() tries again once the reason is gone';
SELECT allow('reader', 'select', 'unrated');
