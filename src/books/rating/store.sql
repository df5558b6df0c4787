-- ---------------------------------------------------------------------------
-- store: what the engine found becomes charges
-- ---------------------------------------------------------------------------

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
               r.band, r.coverage, r.worked_s, r.billed_s, r.price::numeric(19,6),
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
