-- ---------------------------------------------------------------------------
-- profit and loss: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

CREATE VIEW pnl_article_month WITH (security_barrier) AS
    SELECT month(l.entry_on) AS month, l.pnl_section AS section, l.account AS article, l.account_name AS article_name,
           (-sum(l.base_amount))::numeric(18,2) AS amount, s.base_currency AS currency
      FROM ledger_line l CROSS JOIN setting s
     WHERE l.pnl_section IS NOT NULL
     GROUP BY 1, 2, 3, 4, 6;
COMMENT ON VIEW pnl_article_month IS 'P&L by month and article in the base currency, by accrual; income positive, expense negative';
SELECT allow('reader', 'select', 'pnl_article_month');

CREATE VIEW pnl_month WITH (security_barrier) AS
    SELECT m.month, m.currency, m.revenue, m.direct_labour, m.other_direct,
           (m.revenue + m.direct)::numeric(18,2) AS gross_profit,
           round(100 * (m.revenue + m.direct) / nullif(m.revenue, 0), 2)::numeric(18,2) AS gross_margin_pct,
           m.unabsorbed_labour, m.production, m.commercial, m.administrative,
           (m.revenue + m.direct + m.production + m.commercial + m.administrative)::numeric(18,2) AS ebitda,
           m.other, m.depreciation,
           (m.revenue + m.direct + m.production + m.commercial + m.administrative + m.other + m.depreciation)::numeric(18,2) AS ebit,
           m.interest, m.fx, m.tax,
           (m.total - m.dividends)::numeric(18,2) AS net_profit, m.dividends, m.total::numeric(18,2) AS retained
      FROM (SELECT a.month, a.currency,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'revenue'), 0)::numeric(18,2) AS revenue,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'direct'), 0)::numeric(18,2) AS direct,
                   coalesce(sum(a.amount) FILTER (WHERE a.article = 'direct_labour'), 0)::numeric(18,2) AS direct_labour,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'direct' AND a.article <> 'direct_labour'), 0)::numeric(18,2) AS other_direct,
                   coalesce(sum(a.amount) FILTER (WHERE a.article IN ('payroll', 'payroll_tax', 'absorbed_labour')), 0)::numeric(18,2) AS unabsorbed_labour,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'production'), 0)::numeric(18,2) AS production,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'commercial'), 0)::numeric(18,2) AS commercial,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'administrative'), 0)::numeric(18,2) AS administrative,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'other'), 0)::numeric(18,2) AS other,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'depreciation'), 0)::numeric(18,2) AS depreciation,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'interest'), 0)::numeric(18,2) AS interest,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'fx'), 0)::numeric(18,2) AS fx,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'tax'), 0)::numeric(18,2) AS tax,
                   coalesce(sum(a.amount) FILTER (WHERE a.section = 'dividends'), 0)::numeric(18,2) AS dividends,
                   sum(a.amount) AS total
              FROM pnl_article_month a GROUP BY 1, 2) m;
COMMENT ON VIEW pnl_month IS
    'profit and loss by month in the base currency, by accrual, expenses negative so that every subtotal is a sum; unabsorbed_labour (a part of production) '
    'is payroll less the hours that went to projects at their cost rates; retained = net_profit + dividends';
SELECT allow('reader', 'select', 'pnl_month');
