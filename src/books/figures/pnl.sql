-- ---------------------------------------------------------------------------
-- profit and loss: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

-- Summed by pair of accounts before accounts are looked at: that is few rows.
CREATE VIEW pnl_article_month WITH (security_barrier) AS
    SELECT x.month, x.section, x.article, x.article_name, (n.sign * x.balance)::numeric(18,2) AS amount,
           s.base_currency AS currency, x.line
      FROM (SELECT t.month, p.section, a.code AS article, a.name AS article_name, a.line, sum(b.amount) AS balance
              FROM (SELECT month(l.entry_on) AS month, l.debit_id, l.credit_id, sum(l.base_amount) AS amount
                      FROM ledger_entry l GROUP BY 1, 2, 3) t
             CROSS JOIN LATERAL (VALUES (t.debit_id, t.amount), (t.credit_id, -t.amount)) AS b (account_id, amount)
              JOIN account a ON a.id = b.account_id
              JOIN line_section p ON p.line = a.line
             GROUP BY 1, 2, 3, 4, 5) x
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

-- A fixed list, so that the columns are the same in all books, whatever lines they add to their statement.
DO $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW pnl_month WITH (security_barrier) AS '
                   'SELECT m.month, m.currency, %s FROM pnl_line_month m GROUP BY 1, 2',
        (SELECT string_agg(format('max(m.amount) FILTER (WHERE m.line = %1$L)::numeric(18,2) AS %1$I', n.line),
                           ', ' ORDER BY n.no)
           FROM unnest('{revenue,direct_labour,other_direct,gross_profit,gross_margin_pct,unabsorbed_labour,production,'
                       'commercial,administrative,ebitda,other,depreciation,ebit,interest,fx,tax,net_profit,dividends,'
                       'retained}'::text[]) WITH ORDINALITY n (line, no)));
END $$;
COMMENT ON VIEW pnl_month IS
    'profit and loss by month in the base currency, by accrual: the lines of pnl_line_month as columns; '
    'unabsorbed_labour (a part of production) is payroll less the hours that went to projects at their cost rates: '
    'hours and items whose cost is not known (data_gaps) went nowhere and stay there, so gross_profit waits for their '
    'cost and net_profit does not; retained = net_profit + dividends';
SELECT allow('reader', 'select', 'pnl_month');
