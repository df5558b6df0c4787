-- ---------------------------------------------------------------------------
-- figure problems: two ways to one figure agree
-- ---------------------------------------------------------------------------

-- A function: the plan of all these figures together would be compiled, which
-- takes longer than what it finds.
CREATE FUNCTION broken_figures() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    SELECT 'revenue by client, project, employee and month is one figure' AS rule, g.grouping AS subject,
           format('%s, the ledger has %s', g.revenue, t.revenue) AS detail
      FROM (SELECT coalesce(sum(-l.base_amount), 0)::numeric(18,2) AS revenue FROM ledger_line l
       WHERE l.pnl_section = 'revenue') t
     CROSS JOIN LATERAL (
        SELECT 'profit_by_client' AS grouping, coalesce(sum(revenue), 0) AS revenue FROM profit_by_client
        UNION ALL SELECT 'profit_by_project', coalesce(sum(revenue), 0) FROM profit_by_project
        UNION ALL SELECT 'profit_by_employee', coalesce(sum(revenue), 0) FROM profit_by_employee
        UNION ALL SELECT 'pnl_month', coalesce(sum(revenue), 0) FROM pnl_month) g
     WHERE g.revenue <> t.revenue
    UNION ALL
    SELECT 'gross profit of a client is the ledger''s', coalesce('party ' || f.client_id, 'without a client'),
           format('revenue %s, cost %s, the ledger has %s and %s', f.revenue, f.cost, l.revenue, l.cost)
      FROM (SELECT x.client_id, sum(x.revenue) AS revenue, sum(x.cost) AS cost FROM fact x GROUP BY 1) f
      FULL JOIN (SELECT l.client_id, coalesce(-sum(l.base_amount) FILTER (WHERE l.kind = 'income'), 0) AS revenue,
                        coalesce(sum(l.base_amount) FILTER (WHERE l.kind <> 'income'), 0) AS cost
                   FROM ledger_line l WHERE l.pnl_section IN ('revenue', 'direct') GROUP BY 1) l
        ON coalesce(l.client_id, 0) = coalesce(f.client_id, 0)
     WHERE (coalesce(f.revenue, 0), coalesce(f.cost, 0)) <> (coalesce(l.revenue, 0), coalesce(l.cost, 0))
    UNION ALL
    SELECT 'closing cash is the balance of the cash accounts', x.currency,
           format('%s, the accounts hold %s', x.closing, x.held)
      FROM (SELECT f.currency, f.closing, coalesce(b.held, 0) AS held
              FROM (SELECT f.currency, sum(f.net) AS closing FROM cash_flow_month f GROUP BY 1) f
              LEFT JOIN (SELECT b.currency, sum(b.balance) AS held FROM account_balance b
                          WHERE b.kind = 'cash' GROUP BY 1) b USING (currency)) x
     WHERE x.closing <> x.held
    UNION ALL
    SELECT 'a contract''s balance is its receipts less its charges', c.number,
           format('balance %s, receipts %s, charged %s', c.balance, c.receipts, c.charged)
      FROM contract_card c WHERE c.balance <> c.receipts - c.charged;
END;
COMMENT ON FUNCTION broken_figures() IS 'the rows of figure_problems: the rule, what breaks it, the figures';

CREATE VIEW figure_problems WITH (security_invoker) AS SELECT * FROM broken_figures();
COMMENT ON VIEW figure_problems IS 'reports that do not agree with one another, none in healthy books';
SELECT allow('controller', 'select', 'figure_problems');
