-- ---------------------------------------------------------------------------
-- figure problems: two ways to one figure agree
-- ---------------------------------------------------------------------------

-- A function: the plan of all these figures together would be compiled, which
-- takes longer than what it finds.  Figures are shown with two decimals: of
-- currencies that have more, sums of what is shown are not compared.
CREATE FUNCTION broken_figures() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    SELECT 'profit by whatever is the ledger''s' AS rule,
           format('%s %s', coalesce(f.dimension, l.dimension), coalesce(f.id, l.id)) AS subject,
           format('revenue %s, cost %s, the ledger has %s and %s', f.revenue, f.cost, l.revenue, l.cost) AS detail
      FROM profit_by f
      FULL JOIN (
        SELECT CASE 0 WHEN grouping(l.client_id) THEN 'client' WHEN grouping(l.contract_id) THEN 'contract'
                      WHEN grouping(l.project_id) THEN 'project' WHEN grouping(l.deal_id) THEN 'deal'
                      WHEN grouping(l.task_id) THEN 'task' WHEN grouping(l.employee_id) THEN 'employee'
                      WHEN grouping(l.direction_id) THEN 'direction' ELSE 'work_type' END AS dimension,
               coalesce(l.client_id, l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id, l.direction_id,
                        l.work_type_id) AS id,
               coalesce(-sum(l.base_amount) FILTER (WHERE l.pnl_section = 'revenue'), 0)::numeric(18,2) AS revenue,
               coalesce(sum(l.base_amount) FILTER (WHERE l.pnl_section = 'direct'), 0)::numeric(18,2) AS cost
          FROM ledger_line l WHERE l.pnl_section IN ('revenue', 'direct')
         GROUP BY GROUPING SETS ((l.client_id), (l.contract_id), (l.project_id), (l.deal_id), (l.task_id),
                                 (l.employee_id), (l.direction_id), (l.work_type_id))) l
        ON l.dimension = f.dimension AND coalesce(l.id, 0) = coalesce(f.id, 0)
     WHERE (coalesce(f.revenue, 0), coalesce(f.cost, 0)) <> (coalesce(l.revenue, 0), coalesce(l.cost, 0))
    UNION ALL
    SELECT 'gross profit of a month is the P&L''s', iso(coalesce(f.month, p.month)),
           format('%s, the P&L has %s', f.profit, p.profit)
      FROM (SELECT month(x.fact_on) AS month, (sum(x.revenue) - sum(x.cost))::numeric(18,2) AS profit FROM fact x
             GROUP BY 1) f
      FULL JOIN (SELECT a.month, sum(a.amount) AS profit FROM pnl_article_month a
                  WHERE a.section IN ('revenue', 'direct') GROUP BY 1) p USING (month)
     CROSS JOIN setting s
     WHERE coalesce(f.profit, 0) <> coalesce(p.profit, 0) AND currency_exponent(s.base_currency) <= 2
    UNION ALL
    SELECT 'what was charged under a contract is the ledger''s', c.number,
           format('charged %s, the ledger has %s', c.charged, l.charged)
      FROM contract_card c
      LEFT JOIN (SELECT l.contract_id, l.currency, -sum(l.amount)::numeric(18,2) AS charged
                   FROM ledger_line l WHERE l.pnl_section = 'revenue' AND l.charge_id IS NOT NULL GROUP BY 1, 2) l
        ON l.contract_id = c.contract_id AND l.currency = c.currency
     WHERE c.charged <> coalesce(l.charged, 0)
    UNION ALL
    SELECT 'what came in under a contract is the ledger''s', c.number,
           format('%s %s of payments, %s in the ledger', p.amount, c.currency, l.amount)
      FROM contract c
      LEFT JOIN (SELECT p.contract_id, p.currency, sum(CASE p.flow WHEN 'in' THEN p.amount ELSE -p.amount END) AS amount
                   FROM payment p JOIN settling_article s ON s.article = p.article
                  WHERE p.status = 'posted' GROUP BY 1, 2) p ON p.contract_id = c.id AND p.currency = c.currency
      LEFT JOIN (SELECT e.contract_id, e.currency, -sum(e.amount) AS amount
                   FROM client_entry e WHERE e.payment_id IS NOT NULL GROUP BY 1, 2) l
        ON l.contract_id = c.id AND l.currency = c.currency
     WHERE coalesce(p.amount, 0) <> coalesce(l.amount, 0)
    UNION ALL
    -- in another currency the ledger has the cost of charges in the base currency alone
    SELECT 'the cost of a contract in the base currency is the ledger''s', c.number,
           format('cost %s, the ledger has %s', c.cost, p.cost)
      FROM contract_card c
      JOIN setting s ON s.base_currency = c.currency
      LEFT JOIN profit_by_contract p USING (contract_id)
     WHERE c.cost <> coalesce(p.cost, 0) OR c.uncosted_charges <> coalesce(p.uncosted, 0)
    UNION ALL
    SELECT 'a contract''s balance is its receipts less its charges, with tax', c.number,
           format('balance %s, receipts %s, adjustments %s, charged %s, tax %s', c.balance, c.receipts, c.adjustments,
                  c.charged, c.tax)
      FROM contract_card c WHERE c.balance <> c.receipts + c.adjustments - c.charged - c.tax
    UNION ALL
    SELECT 'closing cash is the balance of the cash accounts', x.currency,
           format('%s, the accounts hold %s', x.closing, x.held)
      FROM (SELECT f.currency, f.closing, coalesce(b.held, 0) AS held
              FROM (SELECT f.currency, (array_agg(f.closing ORDER BY f.month DESC))[1] AS closing
                      FROM cash_flow_month f GROUP BY 1) f
              LEFT JOIN (SELECT b.currency, sum(b.balance) AS held FROM account_balance b
                          WHERE b.kind = 'cash' GROUP BY 1) b USING (currency)) x
     WHERE x.closing <> x.held AND currency_exponent(x.currency) <= 2
    UNION ALL
    SELECT 'cash of a month is the same by article', format('%s %s', iso(m.month), m.currency),
           format('%s without transfers, %s by article', m.net - m.transfers, a.net)
      FROM cash_flow_month m
      FULL JOIN (SELECT a.month, a.currency, sum(a.receipts - a.payments) AS net FROM cash_flow_article_month a
                  WHERE a.section IS NOT NULL GROUP BY 1, 2) a USING (month, currency)
     WHERE coalesce(m.net - m.transfers, 0) <> coalesce(a.net, 0) AND currency_exponent(currency) <= 2;
END;
COMMENT ON FUNCTION broken_figures() IS 'the rows of figure_problems: the rule, what breaks it, the figures';

CREATE VIEW figure_problems WITH (security_invoker) AS SELECT * FROM broken_figures();
COMMENT ON VIEW figure_problems IS 'reports that do not agree with one another, none in healthy books';
SELECT allow('controller', 'select', 'figure_problems');
