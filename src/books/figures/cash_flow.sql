-- ---------------------------------------------------------------------------
-- cash flow: of the owner, for those who may not see the entries
-- ---------------------------------------------------------------------------

CREATE VIEW cash_flow_article_month WITH (security_barrier) AS
    SELECT month(e.entry_on) AS month, a.cash_section AS section, a.code AS article, a.name AS article_name,
           c.currency, sum(e.receipts)::numeric(18,2) AS receipts, sum(e.payments)::numeric(18,2) AS payments,
           sum(e.base_receipts)::numeric(18,2) AS base_receipts, sum(e.base_payments)::numeric(18,2) AS base_payments
      FROM (SELECT e.entry_on, e.article_id, e.debit_id AS account_id, e.amount AS receipts, 0 AS payments,
          e.base_amount AS base_receipts,
                   0 AS base_payments
              FROM visible_entry e WHERE e.article_id IS NOT NULL
            UNION ALL
            SELECT e.entry_on, e.article_id, e.credit_id, 0, e.amount, 0, e.base_amount FROM visible_entry e
             WHERE e.article_id IS NOT NULL) e
      JOIN cash_account c ON c.account_id = e.account_id
      JOIN account a ON a.id = e.article_id
     GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW cash_flow_article_month IS
    'cash flow by month, article and currency, from posted payments; receipts and payments both positive, a reversal '
    'reduces its own side; transfers between own accounts are not in it';
SELECT allow('reader', 'select', 'cash_flow_article_month');

CREATE VIEW cash_flow_month WITH (security_barrier) AS
    SELECT m.month, m.currency,
           coalesce(sum(m.net + m.opened) OVER w - m.net, 0)::numeric(18,2) AS opening,
           m.operating_in, m.operating_out, m.investing, m.financing, m.transfers, m.net::numeric(18,2) AS net,
           (sum(m.net + m.opened) OVER w)::numeric(18,2) AS closing
      FROM (SELECT month(l.entry_on) AS month, l.currency,
                   coalesce(sum(l.amount) FILTER (WHERE l.other_id <> r.opening), 0) AS net,
                   coalesce(sum(l.amount) FILTER (WHERE l.other_id = r.opening), 0) AS opened,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND i.inward),
                   0)::numeric(18,2) AS operating_in,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND NOT i.inward),
                   0)::numeric(18,2) AS operating_out,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'investing'), 0)::numeric(18,2) AS investing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'financing'), 0)::numeric(18,2) AS financing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section IS NULL AND l.other_id <> r.opening),
                   0)::numeric(18,2) AS transfers
              FROM ledger_line l
              LEFT JOIN account a ON a.id = l.article_id
             CROSS JOIN role_account r
             CROSS JOIN LATERAL (SELECT a.kind = 'income' AS inward) i
             WHERE l.kind = 'cash' AND l.posted
             GROUP BY 1, 2) m
    WINDOW w AS (PARTITION BY m.currency ORDER BY m.month ROWS UNBOUNDED PRECEDING);
COMMENT ON VIEW cash_flow_month IS
    'direct cash flow by month and currency, from posted entries of cash accounts: opening + operating_in + '
    'operating_out + investing + financing + transfers = closing; payments negative; a refund to a client reduces '
    'operating_in; what the books began with is in the opening of its month, and no flow';
SELECT allow('reader', 'select', 'cash_flow_month');
