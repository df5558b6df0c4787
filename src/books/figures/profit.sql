-- ---------------------------------------------------------------------------
-- profit by anything: the money of the ledger, the hours of the charges
--
-- Revenue and cost are the ledger's, so that profit by whatever comes to what the
-- P&L says; hours are no money, so they come from the charges.  A cost that is not
-- known is in neither: it is counted, and what has such a one has no profit.
-- ---------------------------------------------------------------------------

CREATE VIEW gross_effect WITH (security_invoker) AS
    WITH side AS (
        SELECT a.id, coalesce(x.section = 'revenue', false)::int AS revenue,
               coalesce(x.section = 'direct', false)::int AS cost
          FROM account a LEFT JOIN line_section x ON x.line = a.line
    )
    SELECT d.id AS debit_id, c.id AS credit_id, (c.revenue - d.revenue)::numeric(1) AS revenue,
           (d.cost - c.cost)::numeric(1) AS cost
      FROM side d CROSS JOIN side c WHERE 1 IN (d.revenue, d.cost, c.revenue, c.cost);
COMMENT ON VIEW gross_effect IS
    'what a transfer from one account to another does to revenue and to direct cost: 1 adds its amount, -1 takes it '
    'away; transfers that do neither have no row';
SELECT allow('reader', 'select', 'gross_effect');

-- Of the owner: profit is summed from the costs of people, which only controllers see.
-- Both halves have the same types to the letter: then only the columns asked for are computed.
CREATE VIEW fact WITH (security_barrier) AS
    SELECT l.entry_on AS fact_on, l.own_id, l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id,
           l.employee_id, l.direction_id, l.work_type_id, (g.revenue * l.base_amount)::numeric(20,6) AS revenue,
           (g.cost * l.base_amount)::numeric(20,6) AS cost, 0::bigint AS worked_s, 0::bigint AS billed_s,
           false AS uncosted
      FROM ledger_entry l
      JOIN gross_effect g USING (debit_id, credit_id)
    UNION ALL
    SELECT h.service_date, h.own_id, h.client_id, h.contract_id, h.project_id, h.deal_id, h.task_id, h.employee_id,
           h.direction_id, h.work_type_id, 0::numeric(20,6), CASE WHEN NOT h.uncosted THEN 0 END::numeric(20,6),
           h.worked_s, h.billed_s, h.uncosted
      FROM visible_charge h;
COMMENT ON VIEW fact IS
    'gross profit with its dimensions, in the base currency, for any grouping: a row for each entry of the live ledger '
    'that is revenue or direct cost, on its day there, and one for each charge with its seconds on the day of the '
    'work; uncosted: what that charge cost is not known, cost is NULL';
SELECT allow('reader', 'select', 'fact', but => '{cost,uncosted}'), allow('controller', 'select', 'fact');

-- One view for each dimension, all alike.  They belong to the owner, because costs
-- are not for all who see profits; the dimension's row policies bind: what they
-- hide has no row.  A task or a person is too little to sum over: there the cost of
-- an hour would show.  Entries are summed by pair of accounts before accounts are
-- looked at, which is less than half the work.
DO $$
DECLARE
    c_dimensions CONSTANT text[] := '{client,contract,project,deal,task,employee,direction,work_type}';
    v_dimension text;
BEGIN
    FOREACH v_dimension IN ARRAY c_dimensions LOOP
        EXECUTE format($views$
            CREATE OR REPLACE VIEW seen_%1$s_label WITH (security_invoker) AS SELECT id, %3$I AS label FROM %2$I;
            COMMENT ON VIEW seen_%1$s_label IS 'what the row policies of whoever asks let through, with its name';

            CREATE OR REPLACE VIEW profit_by_%1$s WITH (security_barrier) AS
                SELECT m.id AS %1$s_id, d.label AS %1$s, revenue(m.margin)::numeric(18,2) AS revenue,
                       cost(m.margin)::numeric(18,2) AS cost, profit(m.margin)::numeric(18,2) AS profit,
                       (100 * profit(m.margin) / nullif(revenue(m.margin), 0))::numeric(18,2) AS margin_pct,
                       (seconds(m.margin) / 3600.0)::numeric(18,2) AS hours,
                       (m.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
                       (3600 * revenue(m.margin) / nullif(seconds(m.margin), 0))::numeric(18,2) AS hourly_rate,
                       currency(m.margin) AS currency, uncosted(m.margin) AS uncosted
                  FROM (SELECT x.id, margin_merge(x.margin) AS margin, sum(x.billed_s) AS billed_s
                          FROM (SELECT l.id, 0::numeric AS billed_s,
                                       margin_sum(g.revenue * l.amount, g.cost * l.amount, 0, s.base_currency) AS margin
                                  FROM (SELECT e.%1$s_id AS id, e.debit_id, e.credit_id, sum(e.base_amount) AS amount
                                          FROM ledger_entry e GROUP BY 1, 2, 3) l
                                  JOIN gross_effect g USING (debit_id, credit_id)
                                 CROSS JOIN setting s
                                 GROUP BY l.id
                                UNION ALL
                                SELECT h.%1$s_id, sum(h.billed_s),
                                       margin_sum(0, CASE WHEN NOT h.uncosted THEN 0 END, h.worked_s,
                                                  (SELECT s.base_currency FROM setting s))
                                  FROM visible_charge h
                                 GROUP BY 1) x
                         GROUP BY x.id) m
                  LEFT JOIN seen_%1$s_label d ON d.id = m.id
                 WHERE m.id IS NULL OR d.id IS NOT NULL;
            COMMENT ON VIEW profit_by_%1$s IS %4$L$views$,
            v_dimension, CASE v_dimension WHEN 'client' THEN 'party' ELSE v_dimension END,
            CASE v_dimension WHEN 'contract' THEN 'number' WHEN 'task' THEN 'title' ELSE 'name' END,
            format('revenue, cost and profit by %s in the base currency, as the ledger has them, hours worked and '
                   'billed; profit and margin_pct are NULL where uncosted of its charges have a cost that is not '
                   'known (data_gaps); the row without one holds what names none', replace(v_dimension, '_', ' ')));
        PERFORM allow(CASE WHEN v_dimension IN ('task', 'employee') THEN 'controller' ELSE 'reader' END, 'select',
                      'profit_by_' || v_dimension);
    END LOOP;

    EXECUTE 'CREATE OR REPLACE VIEW profit_by WITH (security_invoker) AS ' || (
        SELECT string_agg(format('SELECT %1$L AS dimension, p.%2$I AS id, p.%1$I AS name, p.revenue, p.cost, p.profit, '
                                 'p.margin_pct, p.hours, p.hours_billed, p.hourly_rate, p.currency, p.uncosted '
                                 'FROM %3$I p', d.d, d.d || '_id', 'profit_by_' || d.d), ' UNION ALL ' ORDER BY d.no)
          FROM unnest(c_dimensions) WITH ORDINALITY d (d, no));
END $$;
COMMENT ON VIEW profit_by IS
    'the profit_by_ views together, with the dimension as a column: asked for one, only that one is summed';
SELECT allow('controller', 'select', 'profit_by');
