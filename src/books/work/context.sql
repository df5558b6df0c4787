-- ---------------------------------------------------------------------------
-- context: what an entry is about, and which contract takes it
-- ---------------------------------------------------------------------------

CREATE FUNCTION specification_agreed(task_id bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document d JOIN document_state s USING (kind, status)
                    WHERE d.task_id = specification_agreed.task_id AND d.kind = 'specification'
                      AND coalesce(s.binding, was_binding(d.id)));
END;
COMMENT ON FUNCTION specification_agreed(bigint) IS 'has the client agreed a specification of this task?';

-- Which contract takes an entry: the one it names, else the one its task
-- names, else the client's contract in force on the work date, one for the
-- project before one for the whole client.  Companions come with their base,
-- also when they are named.
CREATE FUNCTION entry_context(p_entries bigint[])
    RETURNS TABLE (entry_id bigint, employee_id bigint, role text, employee_name text, task_id bigint,
                   work_type_id bigint,
                   project_id bigint, client_id bigint, deal_id bigint, direction_id bigint, disposition text,
                       disposition_why jsonb,
                   price_list_id bigint, work_date date, instant timestamptz, contracts bigint[],
                       client_contracts bigint,
                   approved_at timestamptz, overridden boolean)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id, e.employee_id, m.role, m.name, t.id, coalesce(e.work_type_id, t.work_type_id), p.id, p.client_id,
        t.deal_id,
           coalesce(p.direction_id, m.direction_id),
           CASE WHEN f.fixed AND e.billable IS NULL
               AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable' THEN 'included'
                ELSE coalesce(e.billable, t.billable, f.internal, w.billable, p.billable, 'billable') END,
           CASE WHEN e.billable IS NOT NULL
                THEN jsonb_strip_nulls(jsonb_build_object('disposition', '{"by": "entry"}'::jsonb, 'note',
                                                          e.override_reason))
                WHEN f.fixed AND coalesce(t.billable, f.internal, w.billable, p.billable, 'billable') = 'billable'
                THEN '{"disposition": {"by": "task_price"}}'
                WHEN t.billable IS NOT NULL THEN '{"disposition": {"by": "task"}}'
                WHEN f.internal IS NOT NULL THEN '{"disposition": {"by": "own_project"}}'
                WHEN w.billable IS NOT NULL
                THEN jsonb_build_object('disposition', jsonb_build_object('by', 'work_type', 'code', w.code))
                WHEN p.billable IS NOT NULL THEN '{"disposition": {"by": "project"}}' END,
           p.price_list_id,
           coalesce((e.started_at AT TIME ZONE z.zone)::date, e.work_date),
           coalesce(e.started_at, e.work_date::timestamp AT TIME ZONE z.zone),
           c.contracts, c.candidates, e.approved_at, num_nonnulls(e.billable, e.price) > 0
      FROM unnest(p_entries) AS x (id)
      JOIN time_entry e ON e.id = x.id
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN work_type w ON w.id = coalesce(e.work_type_id, t.work_type_id)
     CROSS JOIN setting s
      JOIN party y ON y.id = p.client_id
     CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM task_item i WHERE i.task_id = t.id) AS fixed,
                                CASE WHEN y.kind = 'own' AND p.billable IS DISTINCT FROM 'billable'
                                    AND coalesce(w.billable, p.billable, 'billable') = 'billable'
                                     THEN 'non_billable' END AS internal) f
     CROSS JOIN LATERAL contract_of(coalesce(e.contract_id, t.contract_id), p.client_id, p.id, e.started_at,
                                    e.work_date) c
     CROSS JOIN LATERAL (SELECT coalesce(c.zone, m.zone, s.zone) AS zone) z;
END;
COMMENT ON FUNCTION entry_context(bigint[]) IS
    'what time entries are about: dimensions, disposition and where it comes from, work date, and the contracts that '
    'match (one, none, or several when it is ambiguous)';
