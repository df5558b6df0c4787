-- ---------------------------------------------------------------------------
-- length: how long an entry may be
--
-- setting.max_entry_s is a limit by the clock on the wall: 86400 is a day, which
-- has 25 hours when the clocks go back.
-- ---------------------------------------------------------------------------

CREATE FUNCTION longest_entry_s(p_employee bigint, p_task bigint, p_contract bigint, p_at timestamptz, p_day date)
    RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT greatest(s.max_entry_s, extract(epoch FROM
                    (b.at AT TIME ZONE z.zone + s.max_entry_s * interval '1 second') AT TIME ZONE z.zone - b.at))
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN employee m ON m.id = p_employee
     CROSS JOIN setting s
     CROSS JOIN LATERAL contract_of(coalesce(p_contract, t.contract_id), p.client_id, p.id, p_at, p_day) c
     CROSS JOIN LATERAL (SELECT coalesce(c.zone, m.zone, s.zone) AS zone) z
     CROSS JOIN LATERAL (SELECT coalesce(p_at, p_day::timestamp AT TIME ZONE z.zone) AS at) b
     WHERE t.id = p_task);
END $$;
COMMENT ON FUNCTION longest_entry_s(bigint, bigint, bigint, timestamptz, date) IS
    'how many seconds an entry that begins at an instant, or on a day, may last by setting.max_entry_s: more where the '
    'clocks of its zone go back meanwhile';

CREATE FUNCTION refuse_long_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_long record;
BEGIN
    SELECT e.worked_s, l.longest_s INTO v_long
      FROM unnest(p_entries) x (id)
      JOIN time_entry e USING (id)
      JOIN setting s ON e.worked_s > s.max_entry_s
     CROSS JOIN LATERAL (SELECT longest_entry_s(e.employee_id, e.task_id, e.contract_id, e.started_at, e.work_date)
                                AS longest_s) l
     WHERE e.worked_s > l.longest_s
     ORDER BY e.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a time entry of % seconds is longer than the limit of %', v_long.worked_s, v_long.longest_s
            USING ERRCODE = 'check_violation', CONSTRAINT = 'time_entry_within_limit',
                HINT = 'Split the entry, or raise max_entry_s in table setting.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_long_entries(bigint[]) IS
    'refuse (23514) time entries that are longer than setting.max_entry_s';
