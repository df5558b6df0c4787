-- ---------------------------------------------------------------------------
-- what if: history under other terms, without writing anything
--
-- The entries of a contract are rated again by the terms that were stamped on
-- their charges, with some of them changed.  Everything else stays as it was,
-- so the difference is the effect of the change and of nothing else.
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_what_if(p_terms jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_keys CONSTANT text[] := '{price_list_id,prices,included_s,included_hours,overage_price,rounding,band_rules,'
                              'cap_amount,period_cap_amount,discount_pct,fee}';
    v_key text;
BEGIN
    IF jsonb_typeof(p_terms) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'terms must be a JSON object, not %', coalesce(jsonb_typeof(p_terms), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass what would be different, {} for nothing.';
    END IF;
    SELECT k INTO v_key FROM jsonb_object_keys(p_terms) k WHERE k <> ALL (c_keys) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'unknown term "%"', v_key
            USING ERRCODE = 'invalid_parameter_value', HINT = 'The terms are ' || array_to_string(c_keys, ', ') || '.';
    END IF;
    IF p_terms ?& '{price_list_id,prices}' OR p_terms ?& '{included_s,included_hours}' THEN
        RAISE EXCEPTION 'two terms say the same thing in two ways'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give price_list_id or prices, included_s or included_hours.';
    END IF;
    SELECT k INTO v_key
      FROM unnest('{price_list_id,included_s,included_hours,overage_price,cap_amount,period_cap_amount,discount_pct,'
                  'fee}'::text[]) k
     WHERE jsonb_typeof(p_terms -> k) NOT IN ('number', 'null')
         AND NOT coalesce(p_terms ->> k ~ '^[0-9]+([.][0-9]+)?$', false)
        OR (p_terms ->> k)::numeric < 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'term "%" must be a number that is not negative, not %', v_key, p_terms -> v_key
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT k INTO v_key FROM unnest('{prices,band_rules}'::text[]) k WHERE jsonb_typeof(p_terms -> k) <> 'array'
     UNION ALL SELECT 'rounding' WHERE jsonb_typeof(p_terms -> 'rounding') <> 'object' LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'term "%" must be %', v_key, CASE v_key WHEN 'rounding' THEN 'an object' ELSE 'an array' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = (p_terms -> v_key)::text;
    END IF;
END $$;
COMMENT ON FUNCTION check_what_if(jsonb) IS 'refuse (22023) what what_if() cannot take, by name';

-- A stamped terms document with the changes of a question in it.
CREATE FUNCTION what_if_terms(p_body jsonb, p_contract contract, p_terms jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_body jsonb := p_body;
    v_base jsonb := p_body #> '{contracts,0}';
    v_lists jsonb;
BEGIN
    IF p_terms ? 'rounding' THEN
        v_body := jsonb_set(v_body, '{rounding}', (v_body -> 'rounding') || (p_terms -> 'rounding'));
    END IF;
    IF p_terms ? 'price_list_id' THEN
        WITH RECURSIVE up AS (
            SELECT l.id, l.parent_id FROM price_list l WHERE l.id = (p_terms ->> 'price_list_id')::bigint
            UNION SELECT l.id, l.parent_id FROM price_list l JOIN up ON l.id = up.parent_id)
        SELECT price_list_document(array_agg(up.id)) INTO v_lists FROM up;
        v_body := jsonb_set(v_body, '{lists}', (v_body -> 'lists') || v_lists);
    ELSIF p_terms ? 'prices' THEN
        v_body := jsonb_set(v_body, '{lists}',
                            (v_body -> 'lists') || jsonb_build_object('0', jsonb_build_object('name', 'what if',
            'parent', (SELECT max(l.id) FROM price_list l
                        WHERE v_body -> 'lists' ? l.id::text
                          AND l.id = coalesce(p_contract.price_list_id,
                                     (SELECT c.id FROM price_list c WHERE c.client_id = p_contract.client_id
                                      AND c.currency = p_contract.currency),
                                     (SELECT d.id FROM price_list d WHERE d.is_default
                                      AND d.currency = p_contract.currency))),
            'prices', (SELECT coalesce(jsonb_agg('{"from": "0001-01-01"}'::jsonb || p.value
                                                 || jsonb_build_object('id', p.no)), '[]')
                         FROM jsonb_array_elements(p_terms -> 'prices') WITH ORDINALITY p (value, no)))));
    END IF;
    IF p_terms ? 'band_rules' THEN
        v_base := v_base || jsonb_build_object('band_rules', p_terms -> 'band_rules');
    END IF;
    IF p_terms ?| '{cap_amount,period_cap_amount}' THEN
        v_base := v_base || contract_caps(p_contract) || (
            SELECT jsonb_object_agg(k.key, k.value) FROM jsonb_each(p_terms) k
             WHERE k.key IN ('cap_amount', 'period_cap_amount'));
    END IF;
    IF p_terms ? 'discount_pct' THEN
        v_base := v_base || jsonb_build_object('discount_pct', p_terms -> 'discount_pct');
        -- the one discount that holds: no list stands before it
        v_body := jsonb_set(v_body, '{lists}',
                            (SELECT coalesce(jsonb_object_agg(l.key, jsonb_set(l.value - 'discount_pct', '{prices}',
                        (SELECT coalesce(jsonb_agg(p - 'discount_pct'), '[]')
                         FROM jsonb_array_elements(l.value -> 'prices') p))), '{}')
                     FROM jsonb_each(v_body -> 'lists') l));
    END IF;
    IF p_terms ? 'overage_price' THEN
        v_base := v_base || jsonb_build_object('overage', CASE WHEN p_terms ->> 'overage_price' IS NULL THEN '[]'::jsonb
            ELSE jsonb_build_array(jsonb_build_object('line', 0, 'price', p_terms -> 'overage_price')) END);
    END IF;
    RETURN jsonb_set(v_body, '{contracts,0}', v_base);
END $$;
COMMENT ON FUNCTION what_if_terms(jsonb, contract, jsonb) IS
    'a terms document with the changes that what_if() asks about';

-- Allotments and caps as they were before the entries in question, with other
-- included hours where the question has them.
CREATE FUNCTION what_if_state(p_base contract, p_entries bigint[], p_from date, p_to date, p_terms jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_included numeric := coalesce((p_terms ->> 'included_s')::numeric, (p_terms ->> 'included_hours')::numeric * 3600);
    v_other boolean := p_terms ?| '{included_s,included_hours}';
    v_zone text := contract_zone(p_base.calendar_id);
BEGIN
    RETURN (
        SELECT jsonb_build_object(
            'allotments', coalesce((
                SELECT jsonb_agg(a.allotment) FROM (
                    SELECT jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit', a.unit,
                                              'remaining', a.amount - b.burned,
                               'priority', a.priority, 'effective_at', a.effective_at, 'expires_at', a.expires_at,
                                   'scope', to_jsonb(a.scope_work_types)) AS allotment
                      FROM allotment a
                     CROSS JOIN LATERAL (SELECT coalesce(sum(h.burned), 0) AS burned FROM charge h
                                          WHERE h.allotment_id = a.id
                                              AND NOT coalesce(h.time_entry_id = ANY (p_entries), false)) b
                     WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.voided_at IS NULL
                       AND a.amount > b.burned
                       AND NOT (v_other AND a.kind IN ('included', 'rollover') AND a.contract_id = p_base.id
                                -- what came over from before the range came over
                                AND coalesce((SELECT s.period_start FROM allotment s WHERE s.id = a.source_id), p_to)
                                    >= lower(service_period(p_base, p_from)))
                    UNION ALL
                    SELECT jsonb_build_object('id', -row_number() OVER (ORDER BY s.span), 'contract', p_base.id,
                                              'kind', 'included', 'unit', 'seconds',
                               'scope', (SELECT to_jsonb(n.scope_work_types) FROM contract_line n
                                          WHERE n.contract_id = p_base.id AND n.kind = 'recurring'
                                              AND num_nonnulls(n.included_s, n.included_amount) = 1
                                            AND n.status <> 'cancelled'
                                                AND daterange(n.starts_on, n.ends_on, '[]') && s.span
                                                    ORDER BY n.id LIMIT 1),
                               'remaining', trunc(v_included), 'effective_at',
                                   lower(s.span)::timestamp AT TIME ZONE v_zone,
                               'expires_at', upper(s.span)::timestamp AT TIME ZONE v_zone)
                      FROM (SELECT DISTINCT service_period(p_base, d::date) AS span
                              FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on),
                                                   interval '1 day') d) s
                     WHERE v_other AND v_included >= 1) a), '[]'),
            'used', coalesce((
                SELECT jsonb_agg(jsonb_build_object('contract', u.contract_id, 'day', u.day, 'amount', u.amount,
                                                    'seconds', u.billed_s))
                  FROM (SELECT h.contract_id, CASE WHEN h.service_date >= lower(service_period(p_base, p_from))
                                                   THEN h.service_date END AS day,
                        sum(coalesce(h.gross, h.amount)) AS amount,
                        sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s
                          FROM charge h
                         WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source IN ('time', 'item')
                           AND NOT coalesce(h.time_entry_id = ANY (p_entries), false) AND h.service_date < p_from
                         GROUP BY 1, 2) u), '[]')));
END $$;
COMMENT ON FUNCTION what_if_state(contract, bigint[], date, date, jsonb) IS
    'the state that rate() starts from when it rates entries as what_if() asks';

-- What is left of other hours goes over as the line says, from the periods that are
-- closed: how much, rating tells one period after the other.
CREATE FUNCTION what_if_carried(p_base contract, p_from date, p_to date, p_included numeric, p_bodies jsonb[],
                                p_entries rating_entry[], p_state jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_zone CONSTANT text := contract_zone(p_base.calendar_id);
    v_state jsonb := p_state;
    v_line contract_line;
    v_span daterange;
    v_no bigint := 0;
    v_left numeric;
BEGIN
    SELECT n.* INTO v_line FROM contract_line n
     WHERE n.contract_id = p_base.id AND n.kind = 'recurring' AND n.status <> 'cancelled'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     ORDER BY n.id LIMIT 1;
    IF v_line.rollover_max > 0 IS NOT TRUE OR v_line.included_s IS NULL OR p_entries IS NULL THEN
        RETURN p_state;
    END IF;
    FOR v_span IN
        SELECT DISTINCT service_period(p_base, d::date)
          FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on), interval '1 day') d
         ORDER BY 1
    LOOP
        v_no := v_no + 1;
        CONTINUE WHEN upper(line_days(v_line, p_base, p_base)) <= upper(v_span)
            OR NOT EXISTS (SELECT FROM billing_period b
                            WHERE b.contract_id = p_base.id AND b.period_start = lower(v_span));
        SELECT least(v_line.rollover_max, greatest(v_line.rollover_min, trunc(p_included) - coalesce(sum(s.burned), 0)))
          INTO v_left FROM rate(p_bodies, p_entries, v_state) s WHERE s.allotment_id = -v_no;
        CONTINUE WHEN v_left < 1;
        v_state := jsonb_insert(v_state, '{allotments,0}', jsonb_build_object(
            'id', -1000000 - v_no, 'contract', p_base.id, 'kind', 'rollover', 'unit', 'seconds',
            'remaining', trunc(v_left), 'priority', v_line.priority - 1, 'scope', to_jsonb(v_line.scope_work_types),
            'effective_at', upper(v_span)::timestamp AT TIME ZONE v_zone,
            'expires_at', periods_on(p_base, upper(v_span), v_line.rollover_life)::timestamp AT TIME ZONE v_zone));
    END LOOP;
    RETURN v_state;
END $$;
COMMENT ON FUNCTION what_if_carried(contract, date, date, numeric, jsonb[], rating_entry[], jsonb) IS
    'the state of what_if_state() with what is carried over from period to period of other included hours';

CREATE FUNCTION what_if_contract(p_base contract, p_from date, p_to date, p_terms jsonb)
    RETURNS TABLE (month date, old_revenue numeric, new_revenue numeric, old_cost numeric, new_cost numeric,
                   unrated bigint)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_group bigint[] := contract_group(p_base.id);
    v_entries bigint[] := ARRAY(
        SELECT h.time_entry_id FROM live_charge h
         WHERE h.contract_id = ANY (v_group) AND h.time_entry_id IS NOT NULL
         GROUP BY 1 HAVING min(h.service_date) BETWEEN p_from AND p_to);
    v_terms_ids bigint[];
    v_bodies jsonb[];
    v_state jsonb := what_if_state(p_base, v_entries, p_from, p_to, p_terms);
    v_list bigint := CASE WHEN p_terms ? 'prices' THEN 0 ELSE (p_terms ->> 'price_list_id')::bigint END;
    v_rating rating_entry[];
BEGIN
    SELECT array_agg(t.id ORDER BY t.id DESC),
        array_agg(what_if_terms(t.body, p_base, p_terms) ORDER BY t.id DESC) INTO v_terms_ids, v_bodies
      FROM terms_document t WHERE t.contract_id = ANY (v_group)
          AND t.id IN (SELECT h.terms_id FROM charge h WHERE h.time_entry_id = ANY (v_entries));
    WITH input AS (
        SELECT h.time_entry_id AS id, min(h.terms_id) AS terms_id, min(h.price_list_id) AS price_list_id,
            min(h.cost_rate) AS cost_rate,
               min(h.base_cost_rate) AS base_cost_rate, min(h.contract_id) AS contract_id,
               CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage)
                    WHEN bool_and(h.coverage = 'included' AND h.allotment_id IS NULL) THEN 'included'
                        ELSE 'billable' END AS disposition
          FROM live_charge h WHERE h.time_entry_id = ANY (v_entries) GROUP BY 1
    )
    SELECT array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price,
                         coalesce(v_list, i.price_list_id), i.disposition, e.employee_id, m.role,
                         coalesce(e.work_type_id, t.work_type_id), e.task_id, i.cost_rate, i.base_cost_rate, NULL,
                         array_position(v_terms_ids, i.terms_id))::rating_entry) INTO v_rating
      FROM input i JOIN time_entry e ON e.id = i.id JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id;
    IF p_terms ?| '{included_s,included_hours}' THEN
        v_state := what_if_carried(p_base, p_from, p_to, coalesce((p_terms ->> 'included_s')::numeric,
                                                                  (p_terms ->> 'included_hours')::numeric * 3600, 0),
                                   v_bodies, v_rating, v_state);
    END IF;
    RETURN QUERY
    WITH live AS MATERIALIZED (
        SELECT h.* FROM live_charge h WHERE h.time_entry_id = ANY (v_entries)
    ), rated AS (
        -- a contract without work in these days has no terms to rate by
        SELECT s.* FROM (SELECT v_rating AS entries WHERE v_rating IS NOT NULL) b
         CROSS JOIN LATERAL rate(v_bodies, b.entries, v_state) s
    ), periods AS (
        SELECT DISTINCT service_period(p_base, d::date) AS span
          FROM generate_series(greatest(p_from, p_base.starts_on), least(p_to, p_base.ends_on), interval '1 day') d
    ), fees AS (
        SELECT f.service_date, CASE WHEN p_terms ->> 'fee' IS NULL THEN 0
                   ELSE prorate((p_terms ->> 'fee')::numeric, f.span, f.active, f.rule, f.exponent) END AS amount
          FROM (SELECT s.span, s.span * daterange(p_base.starts_on, p_base.ends_on, '[]') AS active,
                       lower(s.span * daterange(p_base.starts_on, p_base.ends_on, '[]')) AS service_date,
                       coalesce((SELECT min(n.prorate) FROM contract_line n WHERE n.contract_id = p_base.id
                                 AND n.kind = 'recurring'), 'none') AS rule,
                       (SELECT u.exponent::int FROM currency_code u WHERE u.code = p_base.currency) AS exponent
                  FROM periods s) f
         WHERE p_terms ? 'fee' AND f.service_date BETWEEN p_from AND p_to
    ), figure AS (
        SELECT h.service_date AS day, h.amount AS old_amount, 0::numeric AS new_amount, h.cost AS old_cost,
            0::numeric AS new_cost, 0 AS problem FROM live h
        UNION ALL
        SELECT coalesce(s.service_date, h.day), 0,
               coalesce(without_tax(c, s.service_date, s.amount), h.amount), 0, coalesce(s.cost, h.cost),
               (s.segment = 0)::int
          FROM rated s
          LEFT JOIN contract c ON c.id = s.contract_id
          LEFT JOIN LATERAL (SELECT min(h.service_date) AS day, sum(h.amount) AS amount, sum(h.cost) AS cost FROM live h
                              WHERE h.time_entry_id = s.entry_id AND s.segment = 0) h ON true
        UNION ALL
        -- all that is no time, but for the fees that the question replaces
        SELECT h.service_date, h.amount, CASE WHEN n.replaced THEN 0 ELSE h.amount END, h.cost, h.cost, 0
          FROM charge h
         CROSS JOIN LATERAL (SELECT p_terms ? 'fee' AND h.source = 'fee' AND h.contract_id = p_base.id AND EXISTS (
                                SELECT FROM contract_line l WHERE l.id = h.contract_line_id
                                    AND l.kind = 'recurring') AS replaced) n
         WHERE h.contract_id = ANY (v_group) AND h.source <> 'time' AND h.service_date BETWEEN p_from AND p_to
        UNION ALL
        -- the calendar owes a fee for each period, charged yet or not
        SELECT d.service_date, t.amount, CASE WHEN n.replaced THEN 0 ELSE t.amount END, d.cost, d.cost, 0
          FROM periods s
         CROSS JOIN LATERAL due_fees(p_base.id, s.span) d
          JOIN contract c ON c.id = d.contract_id
         CROSS JOIN LATERAL (SELECT without_tax(c, d.service_date, d.amount) AS amount) t
         CROSS JOIN LATERAL (SELECT p_terms ? 'fee' AND d.contract_id = p_base.id AND EXISTS (
                                SELECT FROM contract_line l WHERE l.id = d.line_id
                                    AND l.kind = 'recurring') AS replaced) n
         WHERE d.service_date BETWEEN p_from AND p_to
           AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                           AND h.line_period = lower(s.span) AND h.reverses_id IS NULL)
        UNION ALL
        SELECT f.service_date, 0, without_tax(p_base, f.service_date, f.amount), 0, 0, 0 FROM fees f
    )
    SELECT month(f.day), sum(f.old_amount), sum(f.new_amount), coalesce(sum(f.old_cost), 0),
        coalesce(sum(f.new_cost), 0), sum(f.problem)
      FROM figure f GROUP BY 1 ORDER BY 1;
END $$;
COMMENT ON FUNCTION what_if_contract(contract, date, date, jsonb) IS
    'revenue and cost of one contract group by month, as they are and as other terms would make them; unrated: entries '
    'they have no price for, which count as they are';

CREATE FUNCTION what_if(INOUT contract_id bigint, from_date date, to_date date, terms jsonb,
    OUT contract text, OUT month date, OUT currency text,
    OUT old_revenue numeric, OUT new_revenue numeric, OUT revenue_difference numeric,
    OUT old_cost numeric, OUT new_cost numeric, OUT cost_difference numeric,
    OUT old_profit numeric, OUT new_profit numeric, OUT profit_difference numeric, OUT unrated_entries bigint)
        RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_list price_list;
BEGIN
    terms := json_argument(terms);
    PERFORM check_what_if($4);
    IF $2 IS NULL OR $3 IS NULL OR $3 < $2 OR NOT isfinite($2) OR NOT isfinite($3) THEN
        RAISE EXCEPTION 'what_if needs a range of days, not % to %', coalesce($2::text, 'NULL'),
            coalesce($3::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF $4 ? 'price_list_id' THEN
        SELECT * INTO v_list FROM price_list l WHERE l.id = ($4 ->> 'price_list_id')::bigint;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no price list %', $4 ->> 'price_list_id' USING ERRCODE = 'foreign_key_violation';
        END IF;
    END IF;
    IF $1 IS NOT NULL AND (base_contract($1)).currency <> v_list.currency THEN
        RAISE EXCEPTION 'price list "%" is in %, the contract in %', v_list.name, v_list.currency,
            (base_contract($1)).currency
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose a list in the currency of the contract.';
    END IF;
    RETURN QUERY
    SELECT c.id, c.number, w.month, c.currency,
           w.old_revenue::numeric(18,2), w.new_revenue::numeric(18,2), (w.new_revenue - w.old_revenue)::numeric(18,2),
           w.old_cost::numeric(18,2), w.new_cost::numeric(18,2), (w.new_cost - w.old_cost)::numeric(18,2),
           (w.old_revenue - w.old_cost)::numeric(18,2), (w.new_revenue - w.new_cost)::numeric(18,2),
           (w.new_revenue - w.new_cost - w.old_revenue + w.old_cost)::numeric(18,2), w.unrated
      FROM contract c
     CROSS JOIN LATERAL what_if_contract(c, $2, $3, $4) w
     WHERE CASE WHEN $1 IS NULL THEN c.parent_id IS NULL AND c.status <> 'draft'
         AND (v_list.currency IS NULL OR v_list.currency = c.currency)
                ELSE c.id = (base_contract($1)).id END
     ORDER BY c.id, w.month;
END $$;
COMMENT ON FUNCTION what_if(bigint, date, date, jsonb) IS
    'revenue (net of tax), cost and profit of a contract (NULL: of all) by month of a range of days, as they are (old) '
    'and under other terms (new), in the currency of the contract; writes nothing. terms: price_list_id or prices '
    '([{"price", '
    '"role"?, "employee"?, "work_type"?}]), included_s or included_hours a period, overage_price, rounding ({"mode", '
    '"increment_s", …}), band_rules ([{"band", "multiplier", …}]), cap_amount, period_cap_amount, discount_pct (in '
    'place of all others), fee a period; null takes a term away. Entries the new terms have no price for count as they '
    'are, in unrated_entries. Refused (22023): unknown terms';
SELECT allow('manager', 'execute', 'what_if');
