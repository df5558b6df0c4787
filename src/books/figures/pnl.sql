-- ---------------------------------------------------------------------------
-- profit and loss: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

CREATE VIEW pnl_article_month WITH (security_barrier) AS
    SELECT x.month, x.section, x.article, x.article_name, (n.sign * x.balance)::numeric(18,2) AS amount,
           s.base_currency AS currency, x.line
      FROM (SELECT month(l.entry_on) AS month, l.pnl_section AS section, l.account AS article,
          l.account_name AS article_name,
                   l.line, sum(l.base_amount) AS balance
              FROM ledger_line l WHERE l.line IS NOT NULL GROUP BY 1, 2, 3, 4, 5) x
      JOIN statement_line n ON n.code = x.line
     CROSS JOIN setting s;
COMMENT ON VIEW pnl_article_month IS
    'P&L by month and article in the base currency, by accrual; income positive, expense negative; line and section '
    'are those of statement_line';
SELECT allow('reader', 'select', 'pnl_article_month');

-- Every line, a subtotal too, is the sum of what hangs below it.
CREATE VIEW pnl_line_month WITH (security_barrier) AS
    WITH total AS (
        SELECT a.month, a.currency, p.part_of AS line, sum(a.amount) AS amount
          FROM pnl_article_month a JOIN line_part p ON p.line = a.line
         GROUP BY 1, 2, 3
    )
    SELECT m.month, n.sort, n.code AS line, n.name AS line_name,
           CASE WHEN n.formula IS NULL THEN coalesce(t.amount, 0)
                ELSE round(100 * coalesce(f.amount, 0) / nullif(g.amount, 0), 2) END::numeric(18,2) AS amount,
                m.currency
      FROM (SELECT DISTINCT t.month, t.currency FROM total t) m
     CROSS JOIN statement_line n
      LEFT JOIN total t ON t.month = m.month AND t.line = n.code
      LEFT JOIN total f ON f.month = m.month AND f.line = n.formula[1]
      LEFT JOIN total g ON g.month = m.month AND g.line = n.formula[2]
     WHERE n.statement = 'pnl';
COMMENT ON VIEW pnl_line_month IS
    'profit and loss by month as a statement, a row for each line of statement_line in the order of sort, subtotals '
    'among them: in the base currency, expenses negative, so that every subtotal is a sum; per cent where the line has '
    'a formula';
SELECT allow('reader', 'select', 'pnl_line_month');

CREATE VIEW pnl_month WITH (security_barrier) AS
    SELECT m.month, m.currency,
           max(m.amount) FILTER (WHERE m.line = 'revenue')::numeric(18,2) AS revenue,
           max(m.amount) FILTER (WHERE m.line = 'direct_labour')::numeric(18,2) AS direct_labour,
           max(m.amount) FILTER (WHERE m.line = 'other_direct')::numeric(18,2) AS other_direct,
           max(m.amount) FILTER (WHERE m.line = 'gross_profit')::numeric(18,2) AS gross_profit,
           max(m.amount) FILTER (WHERE m.line = 'gross_margin_pct')::numeric(18,2) AS gross_margin_pct,
           max(m.amount) FILTER (WHERE m.line = 'unabsorbed_labour')::numeric(18,2) AS unabsorbed_labour,
           max(m.amount) FILTER (WHERE m.line = 'production')::numeric(18,2) AS production,
           max(m.amount) FILTER (WHERE m.line = 'commercial')::numeric(18,2) AS commercial,
           max(m.amount) FILTER (WHERE m.line = 'administrative')::numeric(18,2) AS administrative,
           max(m.amount) FILTER (WHERE m.line = 'ebitda')::numeric(18,2) AS ebitda,
           max(m.amount) FILTER (WHERE m.line = 'other')::numeric(18,2) AS other,
           max(m.amount) FILTER (WHERE m.line = 'depreciation')::numeric(18,2) AS depreciation,
           max(m.amount) FILTER (WHERE m.line = 'ebit')::numeric(18,2) AS ebit,
           max(m.amount) FILTER (WHERE m.line = 'interest')::numeric(18,2) AS interest,
           max(m.amount) FILTER (WHERE m.line = 'fx')::numeric(18,2) AS fx,
           max(m.amount) FILTER (WHERE m.line = 'tax')::numeric(18,2) AS tax,
           max(m.amount) FILTER (WHERE m.line = 'net_profit')::numeric(18,2) AS net_profit,
           max(m.amount) FILTER (WHERE m.line = 'dividends')::numeric(18,2) AS dividends,
           max(m.amount) FILTER (WHERE m.line = 'retained')::numeric(18,2) AS retained
      FROM pnl_line_month m
     GROUP BY 1, 2;
COMMENT ON VIEW pnl_month IS
    'profit and loss by month in the base currency, by accrual: the lines of pnl_line_month as columns; '
    'unabsorbed_labour (a part of production) is payroll less the hours that went to projects at their cost rates; '
    'retained = net_profit + dividends';
SELECT allow('reader', 'select', 'pnl_month');
