-- ---------------------------------------------------------------------------
-- profit by anything: one fact view, grouped
-- ---------------------------------------------------------------------------

-- Of the owner: profit is summed from the costs of people, which only controllers see.
CREATE VIEW fact WITH (security_barrier) AS
    SELECT h.service_date AS fact_on, h.own_id, h.client_id, h.contract_id, h.project_id, h.deal_id, h.task_id,
           h.employee_id, h.direction_id, h.work_type_id, h.base_amount AS revenue,
           coalesce(h.base_cost, 0)::numeric(20,6) AS cost, h.worked_s, h.billed_s, h.cost IS NULL AS uncosted
      FROM visible_charge h
    UNION ALL
    SELECT l.entry_on, l.own_id, l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id,
           l.direction_id, l.work_type_id, CASE WHEN l.kind = 'income' THEN -l.base_amount ELSE 0 END::numeric(20,6),
           CASE WHEN l.kind = 'income' THEN 0 ELSE l.base_amount END::numeric(20,6), 0, 0, false
      FROM ledger_line l
     WHERE l.pnl_section IN ('revenue', 'direct') AND l.charge_id IS NULL;
COMMENT ON VIEW fact IS
    'gross profit with its dimensions, in the base currency: every charge, which is what it is to the ledger, and what '
    'else stands in the sections revenue and direct of ledger_line; what profit by anything is summed from; worked_s '
    'and billed_s in seconds';
SELECT allow('reader', 'select', 'fact', but => '{cost,uncosted}'), allow('controller', 'select', 'fact');

CREATE FUNCTION margin_columns(p_margin margin, p_billed_s numeric)
    RETURNS TABLE (revenue numeric(18,2), cost numeric(18,2), profit numeric(18,2), margin_pct numeric(18,2),
    hours numeric(18,2),
                   hours_billed numeric(18,2), hourly_rate numeric(18,2))
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT revenue(p_margin)::numeric(18,2), cost(p_margin)::numeric(18,2), profit(p_margin)::numeric(18,2),
           round(percent(p_margin), 2)::numeric(18,2), round(hours(p_margin), 2)::numeric(18,2),
           round(p_billed_s / 3600.0, 2)::numeric(18,2), round(hourly_rate(p_margin), 2)::numeric(18,2);
END;
COMMENT ON FUNCTION margin_columns(margin, numeric) IS 'a margin taken apart into the columns of the profit_by_ views';

-- One view for each dimension, all alike.  They belong to the owner, because
-- costs are not for all who see profits; the dimension's row policies bind: what
-- they hide has no row.  A task or a person is too little to sum over: there the
-- cost of an hour would show.
DO $$
DECLARE
    v record;
BEGIN
    FOR v IN SELECT * FROM (VALUES
        ('client', 'party', 'name', 'reader'), ('contract', 'contract', 'number', 'reader'),
        ('project', 'project', 'name', 'reader'),
        ('deal', 'deal', 'name', 'reader'), ('task', 'task', 'title', 'controller'),
        ('employee', 'employee', 'name', 'controller'),
        ('direction', 'direction', 'name', 'reader'), ('work_type', 'work_type', 'name', 'reader')) AS v (dimension,
        relation, label, level)
    LOOP
        EXECUTE format('CREATE OR REPLACE VIEW seen_%s WITH (security_invoker) AS SELECT id, %I AS label FROM %I',
                       v.dimension || '_label', v.label, v.relation);
        EXECUTE format('COMMENT ON VIEW seen_%s_label IS %L', v.dimension,
            'what the row policies of whoever asks let through, with its name');
        EXECUTE format($view$
            CREATE OR REPLACE VIEW profit_by_%1$s WITH (security_barrier) AS
                SELECT m.%1$s_id, d.label AS %1$s, f.revenue::numeric(18,2) AS revenue, f.cost::numeric(18,2) AS cost,
                       f.profit::numeric(18,2) AS profit, f.margin_pct::numeric(18,2) AS margin_pct,
                       f.hours::numeric(18,2) AS hours, f.hours_billed::numeric(18,2) AS hours_billed,
                       f.hourly_rate::numeric(18,2) AS hourly_rate, m.currency
                  FROM (SELECT x.%1$s_id, s.base_currency AS currency,
                               margin_sum(x.revenue, x.cost, x.worked_s, s.base_currency) AS margin,
                               sum(x.billed_s) AS billed_s
                          FROM fact x CROSS JOIN setting s GROUP BY 1, 2) m
                  LEFT JOIN seen_%1$s_label d ON d.id = m.%1$s_id
                 CROSS JOIN LATERAL margin_columns(m.margin, m.billed_s) f
                 WHERE m.%1$s_id IS NULL OR d.id IS NOT NULL$view$, v.dimension);
        EXECUTE format('COMMENT ON VIEW profit_by_%s IS %L', v.dimension, format(
            'revenue, cost and profit by %s in the base currency, hours worked and billed; the row without one holds '
            'what names none',
            replace(v.dimension, '_', ' ')));
        PERFORM allow(v.level, 'select', 'profit_by_' || v.dimension);
    END LOOP;
END $$;
