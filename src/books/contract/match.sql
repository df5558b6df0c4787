-- ---------------------------------------------------------------------------
-- match: which contract takes what is done for a client, and what else follows
-- from what a fact names
-- ---------------------------------------------------------------------------

-- Written as one SELECT, which the planner pulls into the queries that use it.
CREATE FUNCTION contract_of(p_named bigint, p_client bigint, p_project bigint, p_at timestamptz, p_day date)
    RETURNS TABLE (contracts bigint[], candidates bigint, zone text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(k.id ORDER BY k.id) FILTER (WHERE k.matches AND k.level = k.best),
           CASE WHEN p_named IS NULL THEN count(*) ELSE 1 END,  -- one that is named is looked at, whosever it is
           min(k.zone) FILTER (WHERE k.matches AND k.level = k.best)
      FROM (SELECT n.*, min(n.level) FILTER (WHERE n.matches) OVER () AS best
              FROM (SELECT coalesce(c.parent_id, c.id) AS id, coalesce(a.zone, s.zone) AS zone,
                           CASE WHEN p_named IS NOT NULL THEN 1 WHEN c.project_id IS NOT NULL THEN 2
                               ELSE 3 END AS level,
                           c.status <> 'draft' AND coalesce((p_at AT TIME ZONE coalesce(a.zone, s.zone))::date, p_day)
                               BETWEEN c.starts_on AND coalesce(c.ends_on, 'infinity') AS matches
                      FROM contract c CROSS JOIN setting s LEFT JOIN calendar a ON a.id = c.calendar_id
                     WHERE CASE WHEN p_named IS NOT NULL THEN c.id = p_named
                                ELSE c.parent_id IS NULL AND (c.project_id IS NULL OR c.project_id = p_project) END
                       AND c.client_id = p_client) n) k;
END;
COMMENT ON FUNCTION contract_of(bigint, bigint, bigint, timestamptz, date) IS
    'the contracts that take work of a client at an instant, or on a day: the one that is named, else those of the '
    'project, else those of the whole client; companions come with their base. One where it is clear, several where it '
    'is not, NULL where none is in force; candidates: how many were looked at; zone: in which they reckon days';

CREATE FUNCTION task_contract(p_task bigint, p_at timestamptz, OUT contract_id bigint, OUT service_date date,
                              OUT problem text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN cardinality(c.contracts) = 1 THEN coalesce(t.contract_id, c.contracts[1]) END,
           (p_at AT TIME ZONE coalesce(c.zone, s.zone))::date,
           CASE WHEN c.contracts IS NULL THEN 'no contract is in force'
                WHEN cardinality(c.contracts) > 1 THEN 'several contracts match' END
      FROM task t
      JOIN project p ON p.id = t.project_id
     CROSS JOIN setting s
     CROSS JOIN LATERAL contract_of(t.contract_id, p.client_id, p.id, p_at, NULL) c
     WHERE t.id = p_task;
END;
COMMENT ON FUNCTION task_contract(bigint, timestamptz) IS
    'the contract that takes what a task costs at an instant, the local date, or the problem in words';
