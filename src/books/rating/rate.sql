-- ---------------------------------------------------------------------------
-- rating: a time entry becomes charges in the transaction that logs it
--
-- entry_context says what an entry is about and which contract takes it;
-- contract_terms and allotment_state describe that contract as values; the
-- engine, rate(), turns the three into segments; rate_entries stores them.
-- ---------------------------------------------------------------------------

CREATE FUNCTION lock_entries(p_entries bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charged bigint[] := ARRAY(
        SELECT DISTINCT h.client_id FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id
            WHERE NOT h.committed);
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
    PERFORM FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
        ORDER BY h.id FOR NO KEY UPDATE OF h;
    RETURN v_clients;
END $$;
COMMENT ON FUNCTION lock_entries(bigint[]) IS
    'hold the clients of time entries, then lock the charges they have, as documents do; returns the clients';

CREATE FUNCTION rate_entries(p_entries bigint[], p_follow boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_batch CONSTANT int := 50000;  -- bounds the memory of one statement; any size gives the same charges
    v_clients bigint[];
    v_sequence record;
    v_rest bigint[];
    v_bases bigint[] := '{}';
    v_freed allotment_use[];
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
         WHERE NOT EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = x.id AND h.committed));

    IF EXISTS (SELECT FROM contract c JOIN sequential_contract q ON q.contract_id = c.id
               WHERE c.client_id = ANY (v_clients)) THEN
        -- what goes from one contract to another has left it before its turn comes
        v_freed := add_use('{}', p_entries, -1);
        FOR v_sequence IN
            WITH touched AS MATERIALIZED (
                SELECT x.entry_id, x.contracts[1] AS base_id, x.instant, x.work_date, x.task_id, true AS fresh
                  FROM entry_context(v_rest) x WHERE cardinality(x.contracts) = 1
                UNION ALL
                SELECT h.time_entry_id, coalesce(c.parent_id, c.id), h.started_at, h.service_date, h.task_id, false
                  FROM unnest(p_entries) x (id) JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
                      JOIN contract c ON c.id = h.contract_id
            )
            SELECT t.base_id, min(t.instant) AS instant, max(t.instant) AS last_instant, min(t.work_date) AS work_date,
                   max(t.work_date) AS last_date, array_agg(DISTINCT t.task_id) AS tasks,
                   coalesce(array_agg(DISTINCT t.entry_id) FILTER (WHERE t.fresh), '{}') AS fresh,
                   coalesce(array_agg(DISTINCT t.work_date) FILTER (WHERE t.fresh), '{}') AS days
              FROM touched t
             WHERE EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = t.base_id)
             GROUP BY t.base_id ORDER BY t.base_id
        LOOP
            -- work may run into the next period, and late work draws on the open one
            PERFORM grant_included(v_sequence.base_id, v_sequence.days || ARRAY(
                SELECT (e.ended_at AT TIME ZONE contract_zone(c.calendar_id))::date
                  FROM unnest(v_sequence.fresh) x (id) JOIN time_entry e USING (id)
                      JOIN contract c ON c.id = v_sequence.base_id
                 WHERE e.ended_at IS NOT NULL
                UNION
                SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = v_sequence.base_id
                    HAVING max(b.period_end) > v_sequence.work_date));
            PERFORM rate_sequence(v_sequence.base_id, v_sequence.fresh, p_entries,
                                  ARRAY(SELECT u FROM unnest(v_freed) u
                                         WHERE u.contract_id = ANY (contract_group(v_sequence.base_id))),
                                  (SELECT sequence_span(b, v_sequence.instant, v_sequence.last_instant,
                                                        daterange(v_sequence.work_date, v_sequence.last_date, '[]'),
                                                        v_sequence.tasks)
                                     FROM contract b WHERE b.id = v_sequence.base_id),
                                  v_sequence.last_instant, p_follow);
            v_rest := ARRAY(SELECT unnest(v_rest) EXCEPT SELECT unnest(v_sequence.fresh));
            v_bases := v_bases || v_sequence.base_id;
        END LOOP;
    END IF;

    v_count := cardinality(v_rest);
    IF v_count > c_batch THEN
        -- work of one contract together: its terms are read once
        v_rest := ARRAY(SELECT x.id FROM unnest(v_rest) x (id) LEFT JOIN time_entry e USING (id)
                        LEFT JOIN task t ON t.id = e.task_id
                         ORDER BY t.project_id, x.id);
    END IF;
    FOR i IN 0 .. (v_count - 1) / c_batch LOOP
        PERFORM rate_batch(v_rest[i * c_batch + 1 : (i + 1) * c_batch], p_follow) WHERE v_count > 0;
    END LOOP;
    -- what is deleted has its charges still; whoever takes them away carries on
    PERFORM carry_again(v_bases) WHERE v_bases <> '{}' AND EXISTS (SELECT FROM time_entry e WHERE e.id = p_entries[1]);
END $$;
COMMENT ON FUNCTION rate_entries(bigint[], boolean) IS
    'rate time entries as configured now, or (p_follow) as their facts are now at the prices stamped on them, and '
    'whatever follows them in contracts with allotments, caps or shared rounding; holds their clients';

CREATE FUNCTION rerate(contract_id bigint, from_date date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
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
         WHERE NOT h.committed AND h.time_entry_id IS NOT NULL AND h.service_date >= from_date
           AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = h.time_entry_id AND f.committed)
           AND h.contract_id IN (SELECT c.id FROM contract c WHERE rerate.contract_id IN (c.id, c.parent_id))
        UNION
        SELECT e.id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id
              AND c.id = rerate.contract_id
         WHERE coalesce((e.started_at AT TIME ZONE 'UTC')::date, e.work_date) >= from_date - 1
        ORDER BY 1);
    PERFORM rate_entries(v_entries);
    PERFORM charge_task(t.task_id)
       FROM (SELECT DISTINCT u.task_id FROM uncharged_task u JOIN contract c USING (client_id)
              WHERE c.id = contract_id ORDER BY 1) t;
    PERFORM make_corrections(contract_id);
    RETURN cardinality(v_entries);
END $$;
COMMENT ON FUNCTION rerate(bigint, date) IS
    'rate the unfrozen work of a contract and its client''s unrated work again, from a work date on, as configured '
    'now, and put right what stands in correction_due of it; returns how many entries were looked at';
SELECT allow('manager', 'execute', 'rerate');

CREATE VIEW unrated WITH (security_invoker) AS
    SELECT r.time_entry_id, p.client_id, k.name AS client, t.project_id, p.name AS project, e.task_id, t.title AS task,
           e.employee_id, m.name AS employee,
               coalesce((e.started_at AT TIME ZONE s.zone)::date, e.work_date) AS work_date,
           (e.worked_s / 3600.0)::numeric(18,2) AS hours, r.problem AS reason, r.found_at, r.kind
      FROM rating_problem r
     CROSS JOIN setting s
      JOIN time_entry e ON e.id = r.time_entry_id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id;
COMMENT ON VIEW unrated IS
    'time entries that could not be rated, each with the reason; rerate() tries again once the reason is gone';
SELECT allow('reader', 'select', 'unrated');
