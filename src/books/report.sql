-- ---------------------------------------------------------------------------
-- figures: views over the ledger and the charges that are not posted yet
--
-- Money columns are numeric(18,2) in the currency named beside them, or in the
-- base currency of the books; hours are numeric(18,2), rounded here only.
-- ---------------------------------------------------------------------------

-- Of the owner: balances are for those who may not see the entries, of which some
-- are the cost of one person's hour.  The row policies of entries and charges bind.
CREATE VIEW ledger_entry AS
    SELECT e.id AS entry_id, e.entry_on, e.debit_id, e.credit_id, e.amount, e.currency, e.base_amount, e.article_id, e.party_id, e.contract_id,
           e.project_id, e.deal_id, e.task_id, e.employee_id, e.direction_id, e.work_type_id, e.charge_id, e.payment_id, true AS posted
      FROM visible_entry e
    UNION ALL
    SELECT NULL, greatest(h.entry_on, (SELECT max(p.locked_through) + 1 FROM period_lock p)), d.id, k.id, h.amount, h.currency, h.base_amount, NULL, h.party_id, h.contract_id,
           h.project_id, h.deal_id, h.task_id, h.employee_id, h.direction_id, h.work_type_id, h.charge_id, NULL, false
      FROM charge_entry h
      JOIN account d ON d.code = h.debit
      JOIN account k ON k.code = h.credit
     WHERE h.frozen_at IS NULL;
COMMENT ON VIEW ledger_entry IS 'the live ledger: posted entries, and the entries that provisional charges will make, on the days on which they would be posted now';
SELECT allow('controller', 'select', 'ledger_entry');

CREATE VIEW ledger_line AS
    SELECT l.entry_id, l.entry_on, a.id AS account_id, a.code AS account, a.name AS account_name, a.kind, a.pnl_section,
           (s.sign * l.amount)::numeric(20,6) AS amount, l.currency, (s.sign * l.base_amount)::numeric(20,6) AS base_amount, l.article_id, l.party_id, l.contract_id, l.project_id,
           l.deal_id, l.task_id, l.employee_id, l.direction_id, l.work_type_id, l.charge_id, l.payment_id, l.posted
      FROM ledger_entry l
     CROSS JOIN LATERAL (VALUES (l.debit_id, 1), (l.credit_id, -1)) AS s (account_id, sign)
      JOIN account a ON a.id = s.account_id;
COMMENT ON VIEW ledger_line IS 'the live ledger by account: debits positive, credits negative; base_amount in the base currency';
SELECT allow('controller', 'select', 'ledger_line');

CREATE VIEW account_balance WITH (security_barrier) AS
    SELECT l.account, l.account_name, l.kind, l.currency,
           coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::numeric(18,2) AS debit,
           coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::numeric(18,2) AS credit,
           sum(l.amount)::numeric(18,2) AS balance,
           coalesce(sum(l.amount) FILTER (WHERE l.posted), 0)::numeric(18,2) AS posted_balance,
           sum(l.base_amount)::numeric(18,2) AS base_balance
      FROM ledger_line l
     GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW account_balance IS
    'balance of every account and currency, debit positive; posted_balance leaves the provisional charges out; base_balance in the base currency';
SELECT allow('reader', 'select', 'account_balance');

-- ---------------------------------------------------------------------------
-- contracts
-- ---------------------------------------------------------------------------

-- Of the owner, because it sums costs that its reader may not see one by one.
CREATE VIEW contract_figure WITH (security_barrier) AS
    SELECT c.id AS contract_id, coalesce(p.receipts, 0)::numeric(20,6) AS receipts, coalesce(h.charged, 0)::numeric(20,6) AS charged,
           coalesce(h.worked_s, 0)::bigint AS worked_s, coalesce(h.billed_s, 0)::bigint AS billed_s, a.remaining_s::numeric(20,6) AS remaining_s,
           (coalesce(h.cost, 0) + coalesce(d.cost, 0))::numeric(20,6) AS cost, coalesce(h.uncosted, 0) AS uncosted
      FROM visible_contract c
      LEFT JOIN LATERAL (
        SELECT sum(CASE p.flow WHEN 'in' THEN p.amount ELSE -p.amount END) AS receipts
          FROM visible_payment p JOIN account a ON a.code = p.article
         WHERE p.contract_id = c.id AND p.status = 'posted' AND a.kind = 'income' AND NOT a.accrues) p ON true
      LEFT JOIN LATERAL (
        SELECT sum(h.amount) AS charged, sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, sum(h.cost) AS cost,
               count(*) FILTER (WHERE h.cost IS NULL AND h.worked_s > 0) AS uncosted
          FROM visible_charge h WHERE h.contract_id = c.id) h ON true
      LEFT JOIN LATERAL (
        SELECT sum(convert(CASE e.debit_id WHEN a.id THEN e.amount ELSE -e.amount END, e.currency, c.currency, e.entry_on)) AS cost
          FROM visible_entry e JOIN account a ON a.id IN (e.debit_id, e.credit_id)
         WHERE e.contract_id = c.id AND e.charge_id IS NULL AND a.pnl_section = 'direct') d ON true
      LEFT JOIN LATERAL (
        SELECT sum(a.amount - coalesce((SELECT sum(b.burned) FROM charge b WHERE b.allotment_id = a.id), 0)) AS remaining_s
          FROM allotment a
         WHERE a.contract_id = c.id AND a.unit = 'seconds' AND a.voided_at IS NULL
           AND a.effective_at <= now() AND (a.expires_at IS NULL OR a.expires_at > now())) a ON true;
COMMENT ON VIEW contract_figure IS
    'what contracts come to, in their currency and in seconds, for contract_card; within the row policies of contract, charge, payment and entry';
SELECT allow('reader', 'select', 'contract_figure');

CREATE VIEW contract_card WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number, c.client_id, k.name AS client, c.model, c.status, c.starts_on, c.ends_on, c.currency,
           f.receipts::numeric(18,2) AS receipts,
           f.charged::numeric(18,2) AS charged,
           (f.receipts - f.charged)::numeric(18,2) AS balance,
           (f.worked_s / 3600.0)::numeric(18,2) AS hours_worked,
           (f.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           (f.remaining_s / 3600.0)::numeric(18,2) AS hours_left,
           f.cost::numeric(18,2) AS cost,
           (f.receipts - f.cost)::numeric(18,2) AS profit_cash,
           (f.charged - f.cost)::numeric(18,2) AS profit_accrual,
           round(100 * (f.receipts - f.cost) / nullif(f.receipts, 0), 2)::numeric(18,2) AS margin_cash_pct,
           round(100 * (f.charged - f.cost) / nullif(f.charged, 0), 2)::numeric(18,2) AS margin_pct,
           f.uncosted AS uncosted_charges
      FROM contract c
      JOIN party k ON k.id = c.client_id
      JOIN contract_figure f ON f.contract_id = c.id;
COMMENT ON VIEW contract_card IS
    'every contract at this moment, in its currency: receipts, work charged, balance (receipts - charged), hours, what is left of prepaid and included '
    'hours, cost of labour and of direct expenses, profit by cash (receipts - cost) and by accrual (charged - cost), both margins in percent '
    '(NULL without a base); uncosted_charges have no cost rate and count as free';
SELECT allow('reader', 'select', 'contract_card');

CREATE VIEW loss_making_contract WITH (security_invoker) AS
    SELECT * FROM contract_card WHERE profit_cash < 0 AND profit_accrual < 0 OR receipts > 0 AND profit_cash < 0 AND charged = 0;
COMMENT ON VIEW loss_making_contract IS 'contracts whose cost exceeds what came in and what was charged';
SELECT allow('reader', 'select', 'loss_making_contract');

-- ---------------------------------------------------------------------------
-- profit by anything: one fact view, grouped
-- ---------------------------------------------------------------------------

-- Of the owner: profit is summed from the costs of people, which only controllers see.
CREATE VIEW fact WITH (security_barrier) AS
    SELECT h.service_date AS fact_on, h.client_id, h.contract_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.direction_id, h.work_type_id,
           h.base_amount AS revenue, coalesce(h.base_cost, 0)::numeric(20,6) AS cost, h.worked_s, h.billed_s, h.cost IS NULL AND h.worked_s > 0 AS uncosted
      FROM visible_charge h
    UNION ALL
    SELECT l.entry_on, coalesce(p.client_id, c.client_id, l.party_id), l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id,
           coalesce(l.direction_id, p.direction_id), l.work_type_id,
           0::numeric(20,6), l.base_amount, 0, 0, false
      FROM ledger_line l
      LEFT JOIN project p ON p.id = l.project_id
      LEFT JOIN contract c ON c.id = l.contract_id
     WHERE l.pnl_section = 'direct' AND l.charge_id IS NULL;
COMMENT ON VIEW fact IS
    'every charge and every direct expense with its dimensions, in the base currency: what profit by anything is summed from; worked_s and billed_s in seconds';
SELECT allow('reader', 'select', 'fact', but => '{cost,uncosted}'), allow('controller', 'select', 'fact');

CREATE FUNCTION margin_columns(p_margin margin, p_billed_s numeric)
    RETURNS TABLE (revenue numeric(18,2), cost numeric(18,2), profit numeric(18,2), margin_pct numeric(18,2), hours numeric(18,2),
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
        ('client', 'party', 'name', 'reader'), ('contract', 'contract', 'number', 'reader'), ('project', 'project', 'name', 'reader'),
        ('deal', 'deal', 'name', 'reader'), ('task', 'task', 'title', 'controller'), ('employee', 'employee', 'name', 'controller'),
        ('direction', 'direction', 'name', 'reader'), ('work_type', 'work_type', 'name', 'reader')) AS v (dimension, relation, label, level)
    LOOP
        EXECUTE format('CREATE VIEW seen_%s WITH (security_invoker) AS SELECT id, %I AS label FROM %I',
                       v.dimension || '_label', v.label, v.relation);
        EXECUTE format('COMMENT ON VIEW seen_%s_label IS %L', v.dimension, 'what the row policies of whoever asks let through, with its name');
        EXECUTE format($view$
            CREATE VIEW profit_by_%1$s WITH (security_barrier) AS
                SELECT m.%1$s_id, d.label AS %1$s, f.revenue::numeric(18,2) AS revenue, f.cost::numeric(18,2) AS cost, f.profit::numeric(18,2) AS profit,
                       f.margin_pct::numeric(18,2) AS margin_pct, f.hours::numeric(18,2) AS hours, f.hours_billed::numeric(18,2) AS hours_billed,
                       f.hourly_rate::numeric(18,2) AS hourly_rate, m.currency
                  FROM (SELECT x.%1$s_id, s.base_currency AS currency, margin_sum(x.revenue, x.cost, x.worked_s, s.base_currency) AS margin,
                               sum(x.billed_s) AS billed_s
                          FROM fact x CROSS JOIN setting s GROUP BY 1, 2) m
                  LEFT JOIN seen_%1$s_label d ON d.id = m.%1$s_id
                 CROSS JOIN LATERAL margin_columns(m.margin, m.billed_s) f
                 WHERE m.%1$s_id IS NULL OR d.id IS NOT NULL$view$, v.dimension);
        EXECUTE format('COMMENT ON VIEW profit_by_%s IS %L', v.dimension, format(
            'revenue, cost and profit by %s in the base currency, hours worked and billed; the row without one holds what names none', replace(v.dimension, '_', ' ')));
        PERFORM allow(v.level, 'select', 'profit_by_' || v.dimension);
    END LOOP;
END $$;

-- ---------------------------------------------------------------------------
-- work that waits
-- ---------------------------------------------------------------------------

CREATE VIEW unbilled WITH (security_invoker) AS
    SELECT h.id AS charge_id, h.client_id, k.name AS client, h.contract_id, c.number AS contract, h.project_id, p.name AS project,
           h.task_id, t.title AS task, h.employee_id, m.name AS employee, h.source, h.service_date, h.period_start, h.coverage,
           (h.worked_s / 3600.0)::numeric(18,2) AS hours_worked, (h.billed_s / 3600.0)::numeric(18,2) AS hours_billed,
           h.amount::numeric(18,2) AS amount, h.currency, h.base_amount::numeric(18,2) AS base_amount, h.late,
           l.claimed_by AS document_id, d.kind AS document_kind, d.number AS document_number, d.status AS document_status
      FROM charge h
      JOIN charge_place l ON l.charge_id = h.id
      JOIN party k ON k.id = h.client_id
      LEFT JOIN contract c ON c.id = h.contract_id
      LEFT JOIN project p ON p.id = h.project_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN employee m ON m.id = h.employee_id
      LEFT JOIN document d ON d.id = l.claimed_by
     WHERE h.coverage = 'billable' AND h.amount <> 0 AND l.place IN ('unbilled', 'reported');
COMMENT ON VIEW unbilled IS
    'charges that no issued invoice has yet; document_… the report or draft invoice that keeps them meanwhile, NULL when they can go on a new one';
SELECT allow('reader', 'select', 'unbilled');

-- Of the owner: it looks for costs that are not known.
CREATE VIEW data_gaps WITH (security_barrier) AS
    SELECT 'charge without cost rate' AS gap, h.employee_id, m.name AS employee, min(h.service_date) AS since,
           (sum(h.worked_s) / 3600.0)::numeric(18,2) AS hours
      FROM visible_charge h JOIN employee m ON m.id = h.employee_id
     WHERE h.cost IS NULL AND h.worked_s > 0
     GROUP BY 1, 2, 3;
COMMENT ON VIEW data_gaps IS 'what makes the figures incomplete: employees whose hours have no cost rate';
SELECT allow('reader', 'select', 'data_gaps');

-- ---------------------------------------------------------------------------
-- profit and loss, cash flow: of the owner, for those who may not see the entries
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

CREATE VIEW cash_flow_article_month WITH (security_barrier) AS
    SELECT month(e.entry_on) AS month, a.cash_section AS section, a.code AS article, a.name AS article_name,
           c.currency, sum(e.receipts)::numeric(18,2) AS receipts, sum(e.payments)::numeric(18,2) AS payments,
           sum(e.base_receipts)::numeric(18,2) AS base_receipts, sum(e.base_payments)::numeric(18,2) AS base_payments
      FROM (SELECT e.entry_on, e.article_id, e.debit_id AS account_id, e.amount AS receipts, 0 AS payments, e.base_amount AS base_receipts,
                   0 AS base_payments
              FROM visible_entry e WHERE e.article_id IS NOT NULL
            UNION ALL
            SELECT e.entry_on, e.article_id, e.credit_id, 0, e.amount, 0, e.base_amount FROM visible_entry e WHERE e.article_id IS NOT NULL) e
      JOIN cash_account c ON c.account_id = e.account_id
      JOIN account a ON a.id = e.article_id
     GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW cash_flow_article_month IS
    'cash flow by month, article and currency, from posted payments; receipts and payments both positive, a reversal reduces its own side; '
    'transfers between own accounts are not in it';
SELECT allow('reader', 'select', 'cash_flow_article_month');

CREATE VIEW cash_flow_month WITH (security_barrier) AS
    SELECT m.month, m.currency,
           coalesce(sum(m.net) OVER w - m.net, 0)::numeric(18,2) AS opening,
           m.operating_in, m.operating_out, m.investing, m.financing, m.transfers, m.net::numeric(18,2) AS net,
           (sum(m.net) OVER w)::numeric(18,2) AS closing
      FROM (SELECT month(l.entry_on) AS month, l.currency, sum(l.amount) AS net,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND i.inward), 0)::numeric(18,2) AS operating_in,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'operating' AND NOT i.inward), 0)::numeric(18,2) AS operating_out,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'investing'), 0)::numeric(18,2) AS investing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section = 'financing'), 0)::numeric(18,2) AS financing,
                   coalesce(sum(l.amount) FILTER (WHERE a.cash_section IS NULL), 0)::numeric(18,2) AS transfers
              FROM ledger_line l
              LEFT JOIN account a ON a.id = l.article_id
             CROSS JOIN LATERAL (SELECT a.kind = 'income' AS inward) i
             WHERE l.kind = 'cash' AND l.posted
             GROUP BY 1, 2) m
    WINDOW w AS (PARTITION BY m.currency ORDER BY m.month ROWS UNBOUNDED PRECEDING);
COMMENT ON VIEW cash_flow_month IS
    'direct cash flow by month and currency, from posted entries of cash accounts: opening + operating_in + operating_out + investing + financing + '
    'transfers = closing; payments negative; a refund to a client reduces operating_in';
SELECT allow('reader', 'select', 'cash_flow_month');
