-- ---------------------------------------------------------------------------
-- period: what closing does to one service period
-- ---------------------------------------------------------------------------

-- Work that could not be rated is tried once more: a period is not closed over
-- work that nobody can price.  What waits for an approval follows as late work.
CREATE FUNCTION rate_unrated(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[];
    v_problem record;
BEGIN
    v_entries := ARRAY(
        SELECT x.entry_id
          FROM entry_context(ARRAY(
                SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id
                    JOIN task t ON t.id = e.task_id
                  JOIN project p ON p.id = t.project_id AND p.client_id = p_base.client_id)) x
         WHERE x.work_date < upper(p_span) AND p_base.id = ANY (x.contracts) ORDER BY 1);
    IF cardinality(v_entries) > 0 THEN
        PERFORM rate_entries(v_entries);
        SELECT r.time_entry_id, r.problem, count(*) OVER () AS count INTO v_problem
          FROM rating_problem r WHERE r.time_entry_id = ANY (v_entries)
              AND r.kind NOT IN ('waits_approval', 'waits_specification')
         ORDER BY 1 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'contract "%" has work in the period of % that cannot be rated: %', p_base.number,
                lower(p_span), v_problem.problem
                USING ERRCODE = 'restrict_violation',
                    DETAIL = format('Time entry %s, the first of %s.', v_problem.time_entry_id, v_problem.count),
                    HINT = 'View unrated has them all; they are rated again when the period is closed.';
        END IF;
    END IF;
    PERFORM charge_task(t.task_id)
        FROM (SELECT DISTINCT u.task_id FROM uncharged_task u WHERE u.client_id = p_base.client_id ORDER BY 1) t;
END $$;
COMMENT ON FUNCTION rate_unrated(contract, daterange) IS
    'rate what could not be rated through the end of a period; refused (23001) when some of it still cannot';

CREATE FUNCTION freeze_period(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
    v_entries bigint[];
    v_group bigint[] := contract_group(p_base.id);
BEGIN
    SELECT array_agg(h.id), array_agg(DISTINCT h.time_entry_id) INTO v_charges, v_entries
      FROM charge h
     WHERE h.contract_id = ANY (v_group)
       AND h.period_start <= lower(p_span) AND h.frozen_at IS NULL;
    -- An entry that runs into the next period is frozen whole.  OFFSET 0: one
    -- entry at a time, by index, whatever the planner knows of charge.
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM unnest(v_entries) x (id)
         CROSS JOIN LATERAL (SELECT c.id FROM charge c WHERE c.time_entry_id = x.id AND c.frozen_at IS NULL OFFSET 0) h
        ORDER BY 1);
    -- a period that was reopened is closed again over other charges
    PERFORM freeze_charges(v_charges, 'period', format('%s:%s:%s', p_base.id, iso(lower(p_span)), v_charges[1]));
END $$;
COMMENT ON FUNCTION freeze_period(contract, daterange) IS
    'freeze and post what is charged in a period and was not frozen before';
