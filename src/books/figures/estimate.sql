-- ---------------------------------------------------------------------------
-- estimate: what was thought, and what became of it
-- ---------------------------------------------------------------------------

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW task_estimate WITH (security_barrier) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.status, t.project_id, p.client_id, t.deal_id, t.deal_stage_id,
           (t.estimate_s / 3600.0)::numeric(18,2) AS hours_estimated,
           (coalesce(h.worked_s, 0) / 3600.0)::numeric(18,2) AS hours_worked,
           ((t.estimate_s - coalesce(h.worked_s, 0)) / 3600.0)::numeric(18,2) AS hours_left,
           round(100.0 * coalesce(h.worked_s, 0) / nullif(t.estimate_s, 0), 2)::numeric(18,2) AS estimate_used_pct,
           i.agreed::numeric(18,2) AS agreed, coalesce(h.charged, 0)::numeric(18,2) AS charged,
           s.base_currency AS currency
      FROM task t
      JOIN project p ON p.id = t.project_id
     CROSS JOIN setting s
      LEFT JOIN (SELECT h.task_id, sum(h.worked_s) AS worked_s, sum(h.base_amount) AS charged FROM visible_charge h
                  GROUP BY 1) h ON h.task_id = t.id
      LEFT JOIN (SELECT i.task_id, sum(coalesce(i.amount, i.quantity * i.price)) AS agreed FROM task_item i
                  GROUP BY 1) i ON i.task_id = t.id
     WHERE t.id IN (SELECT d.id FROM seen_task_label d)
       AND (t.estimate_s IS NOT NULL OR i.agreed IS NOT NULL OR h.task_id IS NOT NULL);
COMMENT ON VIEW task_estimate IS
    'tasks by what was estimated and what became of it: hours estimated, worked (all that was logged and rated) and '
    'left (below zero: over), how much of the estimate is used; agreed: what it is sold for, in the currency of the '
    'agreement; charged in the base currency';
SELECT allow('reader', 'select', 'task_estimate');

CREATE VIEW stage_estimate WITH (security_invoker) AS
    SELECT g.id AS deal_stage_id, g.deal_id, d.name AS deal, g.position, g.name AS stage, g.starts_on, g.ends_on,
           count(t.task_id) AS tasks, count(t.task_id) FILTER (WHERE t.status = 'done') AS tasks_done,
           sum(t.hours_estimated)::numeric(18,2) AS hours_estimated, sum(t.hours_worked)::numeric(18,2) AS hours_worked,
           sum(t.hours_left)::numeric(18,2) AS hours_left,
           round(100 * sum(t.hours_worked) FILTER (WHERE t.hours_estimated > 0) / nullif(sum(t.hours_estimated), 0), 2)
               ::numeric(18,2) AS estimate_used_pct,
           max(n.fees)::numeric(18,2) AS fees, sum(t.charged)::numeric(18,2) AS charged
      FROM deal_stage g
      JOIN deal d ON d.id = g.deal_id
      LEFT JOIN task_estimate t ON t.deal_stage_id = g.id
      LEFT JOIN (SELECT n.deal_stage_id, sum(n.amount) AS fees FROM contract_line n WHERE n.status <> 'cancelled'
                  GROUP BY 1) n ON n.deal_stage_id = g.id
     GROUP BY g.id, d.name;
COMMENT ON VIEW stage_estimate IS
    'stages of deals by their tasks (task.deal_stage_id): hours estimated, worked and left, how much of the estimates '
    'is used by the tasks that have one; fees: of the contract lines of the stage, charged: of its tasks';
SELECT allow('reader', 'select', 'stage_estimate');
