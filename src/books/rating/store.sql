-- ---------------------------------------------------------------------------
-- store: what the engine found becomes charges
-- ---------------------------------------------------------------------------

-- What rating made of an entry, as columns of charge by name; rated_charges() has
-- them as rows.  A segment that could not be rated (0) is no charge.
CREATE FUNCTION rated_columns(p_rated rated_entry[])
    RETURNS TABLE (
        source text, made_by text, time_entry_id bigint, segment integer, own_id bigint, contract_id bigint,
        client_id bigint, project_id bigint, deal_id bigint, task_id bigint, employee_id bigint, role text,
        work_type_id bigint, direction_id bigint, service_date date, period_start date, started_at timestamptz,
        band text, coverage text, worked_s bigint, billed_s bigint, price numeric, multiplier numeric,
        discount_pct numeric, rate numeric, price_id bigint, price_source text, price_list_id bigint,
        gross numeric, amount numeric, currency text, base_rate numeric, base_amount numeric, cost numeric,
        base_cost numeric, cost_rate numeric, base_cost_rate numeric, allotment_id bigint, burned numeric, why jsonb,
        terms_id bigint, late boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'time', 'rating', r.entry_id, r.segment, d.own_id, nullif(r.contract_id, 0), d.client_id,
           d.project_id, d.deal_id, d.task_id, d.employee_id, i.role, d.work_type_id, d.direction_id,
           r.service_date, coalesce(d.opens_on, r.period_start), i.instant, r.band, r.coverage, r.worked_s, r.billed_s,
           r.price, r.multiplier, r.discount_pct, r.rate, r.price_id, r.price_source, i.price_list_id, d.gross,
           d.net, i.currency, i.base_rate, round_money(d.net * i.base_rate, u.exponent), r.cost, r.base_cost,
           i.cost_rate, i.base_cost_rate, r.allotment_id, r.burned,
           CASE WHEN i.disposition = 'billable' THEN r.why
               ELSE i.disposition_why END, i.terms_id, d.opens_on IS NOT NULL
      FROM unnest(p_rated) x
     CROSS JOIN LATERAL (SELECT (x.segment).*) r
     CROSS JOIN LATERAL (SELECT (x.input).*) i
     CROSS JOIN setting s
      JOIN currency_code u ON u.code = s.base_currency
     CROSS JOIN (SELECT default_own() AS id) own
     CROSS JOIN LATERAL (
        -- OFFSET 0: one entry at a time, by its keys
        SELECT p.client_id, t.project_id, t.deal_id, e.task_id, e.employee_id,
            coalesce(e.work_type_id, t.work_type_id) AS work_type_id,
               coalesce(p.direction_id, m.direction_id) AS direction_id, late.opens_on,
               coalesce(c.own_id, own.id) AS own_id, CASE WHEN c.tax_inclusive THEN (x.segment).amount END AS gross,
               CASE WHEN c.tax_inclusive THEN without_tax(c, (x.segment).service_date, (x.segment).amount)
                    ELSE (x.segment).amount END AS net
          FROM time_entry e
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id
          LEFT JOIN contract c ON c.id = (x.segment).contract_id
          LEFT JOIN LATERAL (SELECT max(b.period_end) AS opens_on FROM billing_period b
                              WHERE b.contract_id = (x.input).contract_id
                                  HAVING max(b.period_end) > (x.segment).period_start) late ON true
         WHERE e.id = (x.segment).entry_id OFFSET 0) d
     WHERE r.segment > 0;
END;
COMMENT ON FUNCTION rated_columns(rated_entry[]) IS
    'the charges that rated segments are, with what their entries are about now';

-- In PL/pgSQL, which keeps the plan: it takes longer to make than to run for a few.
DO $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION rated_charges(p_rated rated_entry[]) RETURNS charge[]
            LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
        AS $body$
        BEGIN
            RETURN ARRAY(SELECT %s FROM rated_columns(p_rated) r);
        END $body$ $function$, row_of('charge', 'r', (
            SELECT p.proargnames FROM pg_proc p WHERE p.oid = 'rated_columns(rated_entry[])'::regprocedure)));
END $$;
COMMENT ON FUNCTION rated_charges(rated_entry[]) IS 'the charges that rated segments are, as rows of charge';

-- A charge that stays the same is not touched, one that changes keeps its id.
CREATE FUNCTION store_rating(p_input rating_input[], p_rated rated_entry[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    -- The LIMIT makes this an index look-up a row, whatever the planner thinks of charge.
    v_known boolean := EXISTS (
        SELECT FROM unnest(p_input) i
         CROSS JOIN LATERAL (SELECT FROM charge h WHERE h.time_entry_id = i.entry_id AND NOT h.committed LIMIT 1) k
         WHERE i.frozen_s IS NULL);
BEGIN
    PERFORM replace_charges(rated_charges(p_rated), v_known);

    INSERT INTO rating_problem (time_entry_id, kind, problem, contract_id, terms_id, price_list_id, employee_id, role,
                                project_id)
    SELECT p.entry_id, p.kind, p.problem, o.contract_id, o.terms_id, o.price_list_id, o.employee_id, o.role,
           o.project_id
      FROM (SELECT i.entry_id, i.problem_kind AS kind, i.problem FROM unnest(p_input) i WHERE i.problem IS NOT NULL
            UNION ALL
            SELECT (x.segment).entry_id, (x.segment).problem_kind, (x.segment).problem FROM unnest(p_rated) x
             WHERE (x.segment).segment = 0) p
      LEFT JOIN LATERAL open_work(p.entry_id) o ON true
    ON CONFLICT (time_entry_id) DO UPDATE SET kind = excluded.kind, problem = excluded.problem, found_at = now()
     WHERE rating_problem.problem <> excluded.problem;
    DELETE FROM rating_problem p USING unnest(p_rated) x
     WHERE p.time_entry_id = (x.segment).entry_id AND (x.segment).segment = 1;

    IF v_known THEN
        DELETE FROM charge h USING (
            SELECT n.entry_id, max(n.segment) AS segments
              FROM (SELECT (x.segment).entry_id, (x.segment).segment FROM unnest(p_rated) x
                    UNION ALL
                    SELECT i.entry_id, 0 FROM unnest(p_input) i WHERE i.problem IS NOT NULL) n
             GROUP BY 1) n
         WHERE h.time_entry_id = n.entry_id AND h.segment > n.segments AND NOT h.committed;
    END IF;
END $$;
COMMENT ON FUNCTION store_rating(rating_input[], rated_entry[]) IS
    'store what rating made of entries: charges, keeping their ids, and problems; provisional charges that are no more '
    'go away';

-- A handful of rows wants the plan that is ready, a bulk load one made for it.
-- Whoever calls it has SET plan_cache_mode, which ends the choice with the call:
-- else it would be the caller's to the end of his transaction.
CREATE FUNCTION plan_for(p_rows int) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('plan_cache_mode', CASE WHEN p_rows > 250 THEN 'force_custom_plan'
                       ELSE 'force_generic_plan' END, true);
END $$;
COMMENT ON FUNCTION plan_for(int) IS
    'choose, until the calling function ends, how statements over so many rows are planned';

CREATE FUNCTION rate_batch(p_fresh bigint[], p_follow boolean) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_stamped record;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM entry_input(p_fresh, p_follow) i));
    PERFORM store_rating(v_stamped.p_input,
                         ARRAY(SELECT s FROM rate_input(v_stamped.p_input, v_stamped.contracts, v_stamped.terms,
                                                        '{}') s));
END $$;
COMMENT ON FUNCTION rate_batch(bigint[], boolean) IS
    'rate time entries of contracts whose entries do not bear on one another, as rate_entries() does';
