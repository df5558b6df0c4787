-- ---------------------------------------------------------------------------
-- figures: views over the ledger and the charges that are not posted yet
--
-- Money columns are numeric(18,2) in the currency named beside them, or in the
-- base currency of the books; hours are numeric(18,2), rounded here only.
-- ---------------------------------------------------------------------------

-- Of the owner: balances are for those who may not see the entries, of which some
-- are the cost of one person's hour.  The row policies of entries and charges bind.
CREATE VIEW ledger_entry AS
    SELECT e.id AS entry_id, e.entry_on, e.debit_id, e.credit_id, e.amount, e.currency, e.base_amount, e.article_id,
           e.own_id, e.client_id, e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id, e.employee_id,
           e.direction_id, e.work_type_id, e.charge_id, e.payment_id, true AS posted
      FROM visible_entry e
    UNION ALL
    SELECT NULL, greatest(h.entry_on, (SELECT posting_day())), h.debit_id, h.credit_id, h.amount, h.currency,
           h.base_amount, h.article_id, h.own_id, h.client_id, h.party_id, h.contract_id, h.project_id, h.deal_id,
           h.task_id, h.employee_id, h.direction_id, h.work_type_id, h.charge_id, h.payment_id, false
      FROM charge_posting h
     WHERE NOT h.posted;
COMMENT ON VIEW ledger_entry IS
    'the live ledger: posted entries, and the entries that provisional charges will make, on the days on which they '
    'would be posted now';
SELECT allow('controller', 'select', 'ledger_entry');

CREATE VIEW ledger_line AS
    SELECT l.entry_id, l.entry_on, a.id AS account_id, a.code AS account, a.name AS account_name, a.kind, a.line,
           x.section AS pnl_section, s.side, (s.sign * l.amount)::numeric(20,6) AS amount, l.currency,
           (s.sign * l.base_amount)::numeric(20,6) AS base_amount, l.article_id, l.own_id, l.client_id, l.party_id,
           l.contract_id, l.project_id, l.deal_id, l.task_id, l.employee_id, l.direction_id, l.work_type_id,
           l.charge_id, l.payment_id, l.posted,
           CASE s.side WHEN 'debit' THEN l.credit_id ELSE l.debit_id END AS other_id
      FROM ledger_entry l
     CROSS JOIN (VALUES ('debit', 1::numeric), ('credit', -1)) AS s (side, sign)
      JOIN account a ON a.id = CASE s.side WHEN 'debit' THEN l.debit_id ELSE l.credit_id END
      LEFT JOIN line_section x ON x.line = a.line;
COMMENT ON VIEW ledger_line IS
    'the live ledger by account: debits positive, credits negative, and the other way round in a reversal; base_amount '
    'in the base currency';
SELECT allow('controller', 'select', 'ledger_line');

CREATE VIEW account_balance WITH (security_barrier) AS
    SELECT l.account, l.account_name, l.kind, l.currency,
           coalesce(sum(l.amount) FILTER (WHERE l.side = 'debit'), 0)::numeric(18,2) AS debit,
           coalesce(-sum(l.amount) FILTER (WHERE l.side = 'credit'), 0)::numeric(18,2) AS credit,
           sum(l.amount)::numeric(18,2) AS balance,
           coalesce(sum(l.amount) FILTER (WHERE l.posted), 0)::numeric(18,2) AS posted_balance,
           sum(l.base_amount)::numeric(18,2) AS base_balance
      FROM ledger_line l
     GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW account_balance IS
    'balance of every account and currency, debit positive; a reversal reduces the side that it takes back; '
    'posted_balance leaves the provisional charges out; base_balance in the base currency';
SELECT allow('reader', 'select', 'account_balance');
