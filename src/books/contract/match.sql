-- ---------------------------------------------------------------------------
-- match: which contract takes a task
-- ---------------------------------------------------------------------------

CREATE FUNCTION task_contract(p_task bigint, p_at timestamptz, OUT contract_id bigint, OUT service_date date, OUT problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN k.n = 1 THEN k.id END, coalesce(k.day, (p_at AT TIME ZONE k.zone)::date),
           CASE WHEN k.n > 1 THEN 'several contracts match' WHEN k.n IS NULL OR k.n = 0 THEN 'no contract is in force' END
      FROM (SELECT count(*) AS n, min(b.id) AS id, min(b.day) AS day, (SELECT s.zone FROM setting s) AS zone
              FROM (SELECT c.*, rank() OVER (ORDER BY c.level) AS best
                      FROM (SELECT c.id, (p_at AT TIME ZONE contract_zone(c.calendar_id))::date AS day, c.starts_on, c.ends_on,
                                   CASE WHEN t.contract_id IS NOT NULL THEN 1 WHEN c.project_id IS NOT NULL THEN 2 ELSE 3 END AS level
                              FROM task t JOIN project p ON p.id = t.project_id JOIN contract c ON c.client_id = p.client_id AND c.status <> 'draft'
                             WHERE t.id = p_task
                               AND CASE WHEN t.contract_id IS NOT NULL THEN c.id = t.contract_id
                                        ELSE c.parent_id IS NULL AND (c.project_id IS NULL OR c.project_id = p.id) END) c
                     WHERE c.day BETWEEN c.starts_on AND coalesce(c.ends_on, 'infinity')) b
             WHERE b.best = 1) k;
END;
COMMENT ON FUNCTION task_contract(bigint, timestamptz) IS 'the contract that takes what a task costs at an instant, the local date, or the problem in words';
