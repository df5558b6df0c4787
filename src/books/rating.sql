-- ---------------------------------------------------------------------------
-- rating: a time entry becomes charges in the transaction that logs it
--
-- entry_context says what an entry is about and which contract takes it;
-- contract_terms and allotment_state describe that contract as values; the
-- engine, rate(), turns the three into segments; rate_entries stores them.
-- ---------------------------------------------------------------------------

CREATE FUNCTION contract_zone(p_calendar bigint) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((SELECT c.zone FROM calendar c WHERE c.id = p_calendar), (SELECT s.zone FROM setting s));
END;
COMMENT ON FUNCTION contract_zone(bigint) IS 'the zone of a calendar, or of the books where there is no calendar';

-- Which contract takes an entry: the one it names, else the one its task
-- names, else the client's contract in force on the work date, one for the
-- project before one for the whole client.  Companions come with their base.
CREATE FUNCTION entry_context(p_entries bigint[])
    RETURNS TABLE (entry_id bigint, employee_id bigint, role text, employee_name text, task_id bigint, work_type_id bigint,
                   project_id bigint, client_id bigint, deal_id bigint, direction_id bigint, disposition text, disposition_from text,
                   price_list_id bigint, work_date date, instant timestamptz, contracts bigint[], client_contracts bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id, e.employee_id, m.role, m.name, t.id, coalesce(e.work_type_id, t.work_type_id), p.id, p.client_id, t.deal_id,
           coalesce(p.direction_id, m.direction_id),
           coalesce(e.billable, t.billable, w.billable, p.billable, 'billable'),
           CASE WHEN e.billable IS NOT NULL THEN coalesce(e.override_reason, 'entry') WHEN t.billable IS NOT NULL THEN 'task'
                WHEN w.billable IS NOT NULL THEN 'work type ' || w.code WHEN p.billable IS NOT NULL THEN 'project' END,
           p.price_list_id,
           coalesce((e.started_at AT TIME ZONE z.zone)::date, e.work_date),
           coalesce(e.started_at, e.work_date::timestamp AT TIME ZONE z.zone),
           c.contracts, c.client_contracts
      FROM unnest(p_entries) AS x (id)
      JOIN time_entry e ON e.id = x.id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN work_type w ON w.id = coalesce(e.work_type_id, t.work_type_id)
     CROSS JOIN setting s
      LEFT JOIN LATERAL (
        -- the contracts of the best level that match, several only when it is ambiguous
        SELECT array_agg(k.id ORDER BY k.id) FILTER (WHERE k.matches AND k.level = k.best) AS contracts, count(*) AS client_contracts,
               min(k.zone) FILTER (WHERE k.matches AND k.level = k.best) AS zone
          FROM (SELECT n.*, min(n.level) FILTER (WHERE n.matches) OVER () AS best
                  FROM (SELECT k.id, coalesce(a.zone, s.zone) AS zone,
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
    SELECT coalesce(jsonb_object_agg(l.id, jsonb_build_object('name', l.name, 'parent', l.parent_id, 'discount_pct', l.discount_pct, 'prices', (
               SELECT coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'employee', r.employee_id, 'role', r.role, 'work_type', r.work_type_id,
                          'from', greatest(r.valid_from, '0001-01-01'), 'price', r.price, 'discount_pct', r.discount_pct) ORDER BY r.id), '[]')
                 FROM price r WHERE r.price_list_id = l.id AND r.item_id IS NULL))), '{}')
      FROM price_list l WHERE l.id = ANY (p_lists);
END;
COMMENT ON FUNCTION price_list_document(bigint[]) IS 'price lists with their positions for work, as rate() takes them';

CREATE FUNCTION contract_terms(p_contract bigint) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
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
        'exponent', (SELECT u.exponent FROM currency u WHERE u.code = b.currency),
        'base_exponent', (SELECT u.exponent FROM currency u, setting s WHERE u.code = s.base_currency),
        'calendar', coalesce(calendar_document(b.calendar_id), jsonb_build_object('zone', (SELECT s.zone FROM setting s))),
        'period', b.period, 'anchor', b.anchor_day,
        'rounding', jsonb_build_object('mode', b.round_mode, 'increment_s', b.round_increment_s, 'minimum_s', b.round_minimum_s,
                                       'maximum_s', b.round_maximum_s, 'grace_s', b.round_grace_s, 'scope', b.round_scope),
        'basis', b.amount_basis,
        'lists', price_list_document(ARRAY(SELECT x.id FROM list x)),
        'contracts', (SELECT jsonb_agg(jsonb_build_object('contract', g.id, 'number', g.number, 'bands', CASE WHEN b.parent_id IS NULL THEN to_jsonb(g.bands) END,
                          'list', CASE WHEN g.id <> p_contract THEN g.price_list_id END, 'discount_pct', g.discount_pct,
                          'cap_amount', g.cap_amount, 'cap_seconds', g.cap_s,
                          'band_rules', (SELECT coalesce(jsonb_agg(jsonb_build_object('band', r.band, 'role', r.role, 'multiplier', r.price_multiplier,
                                             'adder', r.price_adder, 'burn', r.burn_multiplier, 'minimum_s', r.minimum_s) ORDER BY r.id), '[]')
                                           FROM band_rule r WHERE r.contract_id = g.id),
                          'overage', (SELECT coalesce(jsonb_agg(jsonb_build_object('line', n.id, 'price', n.overage_price, 'scope', to_jsonb(n.scope_work_types),
                                          'from', coalesce(n.starts_on, g.starts_on), 'to', n.ends_on + 1) ORDER BY n.id), '[]')
                                        FROM contract_line n WHERE n.contract_id = g.id AND n.overage_price IS NOT NULL AND n.status <> 'cancelled'))
                          ORDER BY g.id <> p_contract, g.id) FROM grp g))
      FROM contract b WHERE b.id = p_contract;
END;
COMMENT ON FUNCTION contract_terms(bigint) IS
    'the terms of a contract and its companions as the document that rate() takes: rounding, calendar, price lists with their parents, bands, overage, caps';

CREATE FUNCTION stamp_terms(p_contract bigint) RETURNS terms
    LANGUAGE plpgsql SET search_path FROM CURRENT
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
CREATE VIEW sequential_contract AS
    SELECT c.id AS contract_id, coalesce(c.parent_id, c.id) AS base_id, c.round_scope
      FROM contract c
     WHERE c.round_scope <> 'entry' OR c.cap_amount IS NOT NULL OR c.cap_s IS NOT NULL
        OR EXISTS (SELECT FROM allotment a WHERE a.contract_id = c.id)
        OR EXISTS (SELECT FROM contract_line n WHERE n.contract_id = c.id AND num_nonnulls(n.included_s, n.included_amount) > 0);
COMMENT ON VIEW sequential_contract IS 'contracts with allotments, caps or rounding over several entries: an early entry changes later ones';

CREATE FUNCTION allotment_state(p_base bigint, p_rerated bigint[]) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH grp AS (
        SELECT c.id FROM contract c WHERE c.id = p_base OR c.parent_id = p_base
    ), fixed AS (
        SELECT h.contract_id, h.amount, h.billed_s, h.source, h.allotment_id, h.burned FROM charge h
         WHERE h.contract_id IN (SELECT g.id FROM grp g)
           AND (h.fixed OR h.time_entry_id IS NULL OR h.time_entry_id <> ALL (p_rerated))
    )
    SELECT jsonb_build_object(
        'allotments', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit', a.unit,
                       'remaining', a.amount - coalesce(b.burned, 0), 'priority', a.priority, 'effective_at', a.effective_at,
                       'expires_at', a.expires_at, 'scope', to_jsonb(a.scope_work_types)) ORDER BY a.id), '[]')
              FROM allotment a
              LEFT JOIN (SELECT f.allotment_id, sum(f.burned) AS burned FROM fixed f GROUP BY 1) b ON b.allotment_id = a.id
             WHERE a.contract_id IN (SELECT g.id FROM grp g) AND a.voided_at IS NULL AND a.amount > coalesce(b.burned, 0)),
        'used', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contract', u.contract_id, 'amount', u.amount, 'seconds', u.seconds)), '[]')
              FROM (SELECT f.contract_id, sum(f.amount) AS amount, sum(f.billed_s) AS seconds FROM fixed f
                      JOIN contract c ON c.id = f.contract_id AND num_nonnulls(c.cap_amount, c.cap_s) > 0
                     WHERE f.source <> 'fee' GROUP BY 1) u));
END;
COMMENT ON FUNCTION allotment_state(bigint, bigint[]) IS
    'what is left of a contract group''s allotments and caps, not counting the provisional charges of the entries that are being rated again';

CREATE FUNCTION grant_included(p_base bigint, p_days date[]) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, effective_at, expires_at, period_start, scope_work_types)
    SELECT c.id, n.id, 'included', CASE WHEN n.included_s IS NULL THEN 'money' ELSE 'seconds' END,
           CASE WHEN NOT n.prorate_included THEN coalesce(n.included_s, n.included_amount)
                ELSE prorate(coalesce(n.included_s, n.included_amount), p.span, p.active, n.prorate,
                             CASE WHEN n.included_s IS NULL THEN u.exponent::int ELSE 0 END) END,
           lower(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id),
           upper(p.span)::timestamp AT TIME ZONE contract_zone(b.calendar_id), lower(p.span), n.scope_work_types
      FROM contract c
      JOIN contract b ON b.id = p_base
      JOIN currency u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring' AND n.status <> 'cancelled'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     CROSS JOIN LATERAL (SELECT DISTINCT period_of(d, b.period, b.anchor_day) AS span FROM unnest(p_days) d) s
     CROSS JOIN LATERAL (SELECT s.span, s.span * daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on), '[]') AS active) p
     WHERE (c.id = p_base OR c.parent_id = p_base) AND NOT isempty(p.active)
    ON CONFLICT (contract_line_id, period_start, kind) WHERE contract_line_id IS NOT NULL AND voided_at IS NULL DO NOTHING;
END;
COMMENT ON FUNCTION grant_included(bigint, date[]) IS 'make the allotments of included hours or money for the service periods of these days, once each';

CREATE TYPE rating_input AS (
    entry_id bigint, contract_id bigint, terms_id bigint, price_list_id bigint, disposition text, disposition_from text,
    currency text, cost_rate numeric, base_cost_rate numeric, base_rate numeric, frozen_s bigint, problem text);
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms it was rated by before (NULL: those of now), where the price lookup starts, '
    'disposition and where it comes from, currency, cost rates an hour, rate to the base currency, seconds billed when frozen, and what stands in the way';

-- What the engine needs to know of entries, looked up afresh.
CREATE FUNCTION fresh_input(p_entries bigint[])
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id, NULL::bigint, coalesce(c.price_list_id, x.price_list_id, l.id, d.id), x.disposition, x.disposition_from,
           k.currency,
           round(r.hourly_cost * exchange_rate_on(r.currency, k.currency, x.work_date), 12),
           round(r.hourly_cost * exchange_rate_on(r.currency, s.base_currency, x.work_date), 12),
           exchange_rate_on(k.currency, s.base_currency, x.work_date),
           NULL::bigint,
           CASE WHEN cardinality(x.contracts) > 1
                THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m WHERE m.id = ANY (x.contracts)) || ' both match'
                WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0
                THEN 'no contract is in force on ' || x.work_date
                WHEN c.needs_approval AND e.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits for approval'
                WHEN exchange_rate_on(k.currency, s.base_currency, x.work_date) IS NULL
                THEN format('no exchange rate from %s to %s on %s', k.currency, s.base_currency, x.work_date)
                WHEN r.hourly_cost IS NOT NULL AND exchange_rate_on(r.currency, k.currency, x.work_date) IS NULL
                THEN format('no exchange rate from %s to %s on %s', r.currency, k.currency, x.work_date) END
      FROM entry_context(p_entries) x
      JOIN time_entry e ON e.id = x.entry_id
     CROSS JOIN setting s
      LEFT JOIN contract c ON c.id = x.contracts[1]
     CROSS JOIN LATERAL (SELECT coalesce(c.currency, s.base_currency) AS currency) k
      LEFT JOIN price_list l ON l.client_id = x.client_id AND l.currency = k.currency
      LEFT JOIN price_list d ON d.is_default AND d.currency = k.currency
      LEFT JOIN cost_rate_span m ON m.employee_id = x.employee_id AND x.work_date >= m.valid_from AND x.work_date < m.valid_to
      LEFT JOIN cost_rate_span o ON o.role = x.role AND x.work_date >= o.valid_from AND x.work_date < o.valid_to
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r;
END;
COMMENT ON FUNCTION fresh_input(bigint[]) IS
    'what rating needs to know of entries as configured now; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_fresh bigint[])
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id, p_base, min(h.terms_id), min(h.price_list_id),
           CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage) ELSE 'billable' END,
           min(h.reason) FILTER (WHERE h.coverage IN ('no_charge', 'non_billable')),
           min(h.currency), min(h.cost_rate), min(h.base_cost_rate), min(h.base_rate),
           CASE WHEN bool_or(h.fixed) THEN sum(h.billed_s)::bigint END, NULL::text
      FROM charge h
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base OR c.parent_id = p_base)
       AND h.started_at >= p_from AND h.time_entry_id IS NOT NULL AND h.time_entry_id <> ALL (p_fresh)
       AND (NOT h.fixed OR EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = p_base AND q.round_scope <> 'entry'))
     GROUP BY h.time_entry_id;
END;
COMMENT ON FUNCTION stamped_input(bigint, timestamptz, bigint[]) IS
    'what rating needs to know of the entries of a contract from an instant on, as it was when they were rated; frozen ones only count in rounding groups';

-- Terms for work that no contract covers: internal work, and clients without
-- any contract, who pay by their own or the default price list.
CREATE FUNCTION uncontracted_terms() RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('exponent', u.exponent, 'base_exponent', u.exponent, 'calendar', jsonb_build_object('zone', s.zone),
        'contracts', '[{"contract": 0, "number": "none"}]'::jsonb,
        'lists', price_list_document(ARRAY(SELECT l.id FROM price_list l WHERE l.currency = s.base_currency)))
      FROM setting s JOIN currency u ON u.code = s.base_currency;
END;
COMMENT ON FUNCTION uncontracted_terms() IS 'the terms of work without a contract: price lists of the base currency, no rounding';

-- Rate entries and store their charges: fresh ones as configured now and, in a
-- sequential contract, those that follow from an instant on as stamped.
CREATE FUNCTION rate_batch(p_fresh bigint[], p_base bigint DEFAULT NULL, p_from timestamptz DEFAULT NULL, p_changed bigint[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_rerated bigint[] := p_fresh;
    v_state jsonb := '{}';
BEGIN
    IF p_base IS NOT NULL THEN
        v_rerated := p_fresh || ARRAY(SELECT i.entry_id FROM stamped_input(p_base, p_from, p_changed) i WHERE i.frozen_s IS NULL);
        v_state := allotment_state(p_base, v_rerated || p_changed);
    END IF;
    DELETE FROM rating_problem r WHERE r.time_entry_id = ANY (p_fresh);

    WITH input AS MATERIALIZED (
        SELECT * FROM fresh_input(p_fresh)
        UNION ALL
        SELECT * FROM stamped_input(p_base, p_from, p_changed) WHERE p_base IS NOT NULL
    ), known_terms AS (
        SELECT i.contract_id, array_agg(DISTINCT i.terms_id) FILTER (WHERE i.terms_id IS NOT NULL) AS older
          FROM input i WHERE i.problem IS NULL GROUP BY 1
    ), grp AS MATERIALIZED (
        SELECT k.contract_id, n.id AS terms_id, ARRAY[n.id] || coalesce(k.older, '{}') AS terms_ids,
               ARRAY[n.body] || coalesce(ARRAY(SELECT t.body FROM unnest(k.older) WITH ORDINALITY o (id, no) JOIN terms t USING (id) ORDER BY o.no), '{}')
                   AS bodies
          FROM known_terms k
         CROSS JOIN LATERAL (
            SELECT s.id, s.body FROM stamp_terms(k.contract_id) s WHERE k.contract_id IS NOT NULL
            UNION ALL
            SELECT NULL, uncontracted_terms() WHERE k.contract_id IS NULL) n
    ), batch AS (
        SELECT g.contract_id, array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price, i.price_list_id,
                   i.disposition, e.employee_id, m.role, coalesce(e.work_type_id, t.work_type_id), e.task_id, i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.terms_ids, i.terms_id), 1))::rating_entry) AS entries
          FROM input i
          JOIN grp g ON g.contract_id IS NOT DISTINCT FROM i.contract_id
          JOIN time_entry e ON e.id = i.entry_id
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    ), rated AS MATERIALIZED (
        SELECT s.*, g.terms_id AS now_terms_id
          FROM batch b
          JOIN grp g ON g.contract_id IS NOT DISTINCT FROM b.contract_id
         CROSS JOIN LATERAL rate(g.bodies, b.entries, v_state) s
    ), stored AS (
        INSERT INTO charge AS old (source, time_entry_id, segment, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id,
               direction_id, service_date, period_start, started_at, band, coverage, worked_s, billed_s, price, multiplier, discount_pct,
               price_source, price_list_id, amount, currency, base_rate, base_amount, cost, base_cost, cost_rate, base_cost_rate, allotment_id, burned, reason,
               terms_id, late)
        SELECT 'time', r.entry_id, r.segment, nullif(r.contract_id, 0), p.client_id, t.project_id, t.deal_id, e.task_id, e.employee_id,
               coalesce(e.work_type_id, t.work_type_id), coalesce(p.direction_id, m.direction_id), r.service_date,
               coalesce(late.opens_on, r.period_start),
               coalesce(e.started_at, r.service_date::timestamp AT TIME ZONE contract_zone(c.calendar_id)),
               r.band, r.coverage, r.worked_s, r.billed_s, r.price, r.multiplier, r.discount_pct, r.price_source, i.price_list_id, r.amount,
               i.currency, i.base_rate, round_money(r.amount * i.base_rate, u.exponent), r.cost, r.base_cost, i.cost_rate, i.base_cost_rate,
               r.allotment_id, r.burned,
               CASE WHEN r.coverage IN ('no_charge', 'non_billable') THEN i.disposition_from ELSE r.reason END,
               coalesce(i.terms_id, r.now_terms_id), late.opens_on IS NOT NULL
          FROM rated r
          JOIN input i ON i.entry_id = r.entry_id
          JOIN time_entry e ON e.id = r.entry_id
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id
         CROSS JOIN setting s
          JOIN currency u ON u.code = s.base_currency
          LEFT JOIN contract c ON c.id = r.contract_id
          LEFT JOIN LATERAL (SELECT max(b.period_end) AS opens_on FROM billing_period b
                              WHERE b.contract_id = c.id HAVING max(b.period_end) > r.period_start) late ON true
         WHERE r.segment > 0
         ORDER BY r.entry_id, r.segment
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
               late = excluded.late
         WHERE to_jsonb(old) - '{id,fixed}'::text[] <> to_jsonb(excluded) - '{id,fixed}'::text[]
    ), problems AS (
        INSERT INTO rating_problem (time_entry_id, problem)
        SELECT i.entry_id, coalesce(i.problem, r.problem)
          FROM input i LEFT JOIN rated r ON r.entry_id = i.entry_id AND r.segment = 0
         WHERE i.problem IS NOT NULL OR r.problem IS NOT NULL
        ON CONFLICT (time_entry_id) DO UPDATE SET problem = excluded.problem, found_at = now()
    )
    DELETE FROM charge h
     WHERE h.time_entry_id = ANY (v_rerated) AND NOT h.fixed
       AND NOT EXISTS (SELECT FROM rated r WHERE r.entry_id = h.time_entry_id AND r.segment = h.segment);
END $$;
COMMENT ON FUNCTION rate_batch(bigint[], bigint, timestamptz, bigint[]) IS
    'rate time entries and store their charges, keeping the ids of charges; entries that cannot be rated go to rating_problem. With a base contract '
    'also its later entries from an instant on, drawing anew on allotments and caps; p_changed are all entries that this change touches';

CREATE FUNCTION rate_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_batch CONSTANT int := 20000;  -- bounds the memory of one statement; any size gives the same charges
    v_clients bigint[];
    v_sequence record;
    v_rest bigint[] := p_entries;
    v_count int;
BEGIN
    IF p_entries IS NULL THEN
        RETURN;
    END IF;
    -- A handful of rows wants the plan that is ready, a bulk load one made for it.
    PERFORM set_config('plan_cache_mode', CASE WHEN cardinality(p_entries) > 500 THEN 'force_custom_plan' ELSE 'force_generic_plan' END, true);

    v_clients := ARRAY(
        SELECT DISTINCT p.client_id FROM unnest(p_entries) x (id) JOIN time_entry e USING (id)
          JOIN task t ON t.id = e.task_id JOIN project p ON p.id = t.project_id
        UNION
        SELECT DISTINCT h.client_id FROM charge h WHERE h.time_entry_id = ANY (p_entries) AND NOT h.fixed);
    PERFORM FROM contract c WHERE c.client_id = ANY (v_clients) ORDER BY c.id FOR NO KEY UPDATE;

    IF EXISTS (SELECT FROM sequential_contract q JOIN contract c ON c.id = q.contract_id WHERE c.client_id = ANY (v_clients)) THEN
        FOR v_sequence IN
            WITH touched AS (
                SELECT x.entry_id, x.contracts[1] AS contract_id, x.instant, x.work_date, x.task_id, true AS fresh
                  FROM entry_context(p_entries) x WHERE cardinality(x.contracts) = 1
                UNION ALL
                SELECT h.time_entry_id, h.contract_id, h.started_at, h.service_date, h.task_id, false
                  FROM charge h WHERE h.time_entry_id = ANY (p_entries) AND NOT h.fixed
            )
            SELECT q.base_id, min(t.instant) AS instant, min(t.work_date) AS work_date, array_agg(DISTINCT t.task_id) AS tasks,
                   min(q.round_scope) AS round_scope,
                   coalesce(array_agg(DISTINCT t.entry_id) FILTER (WHERE t.fresh), '{}') AS fresh,
                   coalesce(array_agg(DISTINCT t.work_date) FILTER (WHERE t.fresh), '{}') AS days
              FROM touched t
              JOIN contract c ON c.id = t.contract_id
              JOIN (SELECT base_id, min(round_scope) FILTER (WHERE contract_id = base_id) AS round_scope
                      FROM sequential_contract GROUP BY 1) q ON q.base_id = coalesce(c.parent_id, c.id)
             GROUP BY q.base_id ORDER BY q.base_id
        LOOP
            PERFORM grant_included(v_sequence.base_id, v_sequence.days);
            PERFORM rate_batch(v_sequence.fresh, v_sequence.base_id,
                               sequence_start(v_sequence.base_id, v_sequence.round_scope, v_sequence.instant, v_sequence.work_date, v_sequence.tasks),
                               p_entries);
            v_rest := ARRAY(SELECT unnest(v_rest) EXCEPT SELECT unnest(v_sequence.fresh));
        END LOOP;
    END IF;

    v_count := cardinality(v_rest);
    FOR i IN 0 .. (v_count - 1) / c_batch LOOP
        PERFORM rate_batch(v_rest[i * c_batch + 1 : (i + 1) * c_batch]) WHERE v_count > 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_entries(bigint[]) IS
    'rate time entries as configured now, and whatever follows them in contracts with allotments, caps or shared rounding; locks the contracts of their clients';

CREATE FUNCTION sequence_start(p_base bigint, p_scope text, p_instant timestamptz, p_day date, p_tasks bigint[]) RETURNS timestamptz
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE p_scope
               WHEN 'entry' THEN p_instant
               WHEN 'task' THEN least(p_instant, (SELECT min(h.started_at) FROM charge h WHERE h.contract_id = p_base AND h.task_id = ANY (p_tasks)))
               WHEN 'period' THEN least(p_instant, lower(period_of(p_day, c.period, c.anchor_day))::timestamp AT TIME ZONE contract_zone(c.calendar_id))
               ELSE least(p_instant, p_day::timestamp AT TIME ZONE contract_zone(c.calendar_id)) END
      FROM contract c WHERE c.id = p_base;
END;
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
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge and bills the corrected work in the open period.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_frozen_entries(bigint[]) IS 'refuse (55000) when one of these entries has a frozen charge, naming what froze it';

CREATE FUNCTION rate_changed_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
DECLARE
    v_entries bigint[];
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
        PERFORM refuse_frozen_entries(v_entries);
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
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h WHERE h.time_entry_id = ANY (v_deleted) AND h.fixed LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be deleted', v_charge.time_entry_id
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = frozen_by(v_charge.id),
                HINT = 'Use correct_entry(): it reverses the charge in the open period.';
    END IF;
    PERFORM rate_entries(v_deleted);  -- nothing fresh is left of them; what followed them is rated again
    DELETE FROM charge h WHERE h.time_entry_id = ANY (v_deleted);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION unrate_deleted_entries() IS
    'trigger function of time_entry: takes the provisional charges of deleted entries away and rates what followed them again; billed ones are refused (55000)';
CREATE TRIGGER time_entry_unrated AFTER DELETE ON time_entry REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unrate_deleted_entries();

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
           AND h.contract_id IN (SELECT c.id FROM contract c WHERE rerate.contract_id IN (c.id, c.parent_id))
        UNION
        SELECT e.id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id AND c.id = rerate.contract_id
         WHERE coalesce(e.started_at::date, e.work_date) >= from_date - 1
        ORDER BY 1);
    PERFORM rate_entries(v_entries) WHERE cardinality(v_entries) > 0;
    RETURN cardinality(v_entries);
END $$;
COMMENT ON FUNCTION rerate(bigint, date) IS
    'rate the unfrozen work of a contract and its client''s unrated work again, from a work date on, as configured now; returns how many entries were looked at';

CREATE VIEW unrated AS
    SELECT e.id AS time_entry_id, p.client_id, k.name AS client, p.id AS project_id, p.name AS project, t.id AS task_id, t.title AS task,
           e.employee_id, m.name AS employee, coalesce(e.started_at::date, e.work_date) AS work_date,
           (e.worked_s / 3600.0)::numeric(18,2) AS hours, r.problem AS reason, r.found_at
      FROM rating_problem r
      JOIN time_entry e ON e.id = r.time_entry_id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id;
COMMENT ON VIEW unrated IS 'time entries that could not be rated, each with the reason; rerate() tries again once the reason is gone';
