-- ---------------------------------------------------------------------------
-- check_books: the invariants that must hold at every moment
-- ---------------------------------------------------------------------------

CREATE VIEW ledger_problems WITH (security_invoker) AS
    SELECT 'a frozen charge is posted once, to the last digit' AS rule, 'charge ' || x.charge_id AS subject,
           format('posted %s %s, charged %s', coalesce(p.amount, 0), x.credit, x.amount) AS detail
      FROM charge_entry x
      LEFT JOIN (SELECT e.charge_id, k.code, e.currency, sum(e.amount) AS amount
                   FROM entry e JOIN account k ON k.id = e.credit_id WHERE e.charge_id IS NOT NULL GROUP BY 1, 2, 3) p
        ON p.charge_id = x.charge_id AND p.code = x.credit AND p.currency = x.currency
     WHERE x.frozen_at IS NOT NULL AND coalesce(p.amount, 0) <> x.amount
    UNION ALL
    SELECT 'a provisional charge is not posted', 'charge ' || e.charge_id, 'entry ' || min(e.id)
      FROM entry e LEFT JOIN charge h ON h.id = e.charge_id
     WHERE e.charge_id IS NOT NULL AND h.frozen_at IS NULL GROUP BY e.charge_id
    UNION ALL
    SELECT 'a posted payment is in the ledger as it stands, others are not', 'payment ' || p.id,
           format('cash of %s in the ledger, %s expected', coalesce(e.cash, 0), x.expected)
      FROM payment p
      JOIN cash_account m ON m.id = p.cash_account_id
     CROSS JOIN LATERAL (SELECT CASE WHEN p.status <> 'posted' THEN 0 WHEN p.flow = 'in' THEN p.amount ELSE -p.amount END AS expected) x
      LEFT JOIN (SELECT e.payment_id, s.account_id, sum(s.sign * e.amount) AS cash
                   FROM entry e CROSS JOIN LATERAL (VALUES (e.debit_id, 1), (e.credit_id, -1)) AS s (account_id, sign)
                  WHERE e.payment_id IS NOT NULL GROUP BY 1, 2) e ON e.payment_id = p.id AND e.account_id = m.account_id
     WHERE coalesce(e.cash, 0) <> x.expected
    UNION ALL
    SELECT 'a reversal is the exact opposite of its event', 'event ' || v.id, 'reverses event ' || v.reverses_id
      FROM event v
     WHERE v.reverses_id IS NOT NULL
       AND EXISTS (SELECT FROM entry e WHERE e.event_id IN (v.id, v.reverses_id)
                    GROUP BY e.debit_id, e.credit_id, e.currency, e.party_id, e.contract_id, e.charge_id
                   HAVING sum(e.amount) <> 0 OR sum(e.base_amount) <> 0)
    UNION ALL
    SELECT 'an event has entries', 'event ' || v.id, v.key FROM event v WHERE NOT EXISTS (SELECT FROM entry e WHERE e.event_id = v.id);
COMMENT ON VIEW ledger_problems IS 'broken invariants of the ledger, none in healthy books';
SELECT allow('controller', 'select', 'ledger_problems');

CREATE VIEW work_problems WITH (security_invoker) AS
    SELECT 'a time entry has charges or a reason why not' AS rule, 'time entry ' || e.id AS subject, NULL::text AS detail
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id)
       AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'the charges of an entry share out its worked seconds', 'time entry ' || e.id, format('worked %s s, charged %s s', e.worked_s, h.worked_s)
      FROM time_entry e
      JOIN (SELECT h.time_entry_id, sum(h.worked_s) AS worked_s FROM charge h WHERE h.source = 'time' GROUP BY 1) h ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
       AND NOT (h.worked_s = 0 AND EXISTS (SELECT FROM charge r WHERE r.time_entry_id = e.id AND r.reverses_id IS NOT NULL))
    UNION ALL
    SELECT 'an amount is whole units of its currency', 'charge ' || h.id, format('%s %s', trim_scale(h.amount), h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
    UNION ALL
    SELECT 'base figures are whole units of the base currency', 'charge ' || h.id, format('%s, cost %s', trim_scale(h.base_amount), trim_scale(h.base_cost))
      FROM charge h CROSS JOIN setting s JOIN currency_code u ON u.code = s.base_currency
     WHERE h.base_amount <> round(h.base_amount, u.exponent) OR h.base_cost <> round(h.base_cost, u.exponent)
    UNION ALL
    SELECT 'a charge keeps the currency of its contract', 'charge ' || h.id, format('%s, contract %s in %s', h.currency, c.number, c.currency)
      FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.currency <> c.currency
    UNION ALL
    SELECT 'a charge names terms and a price list that exist', 'charge ' || h.id, NULL
      FROM charge h LEFT JOIN terms t ON t.id = h.terms_id LEFT JOIN price_list l ON l.id = h.price_list_id
     WHERE h.terms_id IS NOT NULL AND t.id IS NULL OR h.price_list_id IS NOT NULL AND l.id IS NULL
    UNION ALL
    -- an entry of which a part is billed stays with whom that was billed to
    SELECT 'open work is charged where its task is', 'charge ' || h.id, format('project %s, the task is in %s', h.project_id, t.project_id)
      FROM charge h JOIN task t ON t.id = h.task_id
     WHERE h.source = 'time' AND NOT h.fixed AND h.project_id <> t.project_id
       AND NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = h.time_entry_id AND f.fixed AND f.reverses_id IS NULL
                          AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = f.id));
COMMENT ON VIEW work_problems IS 'broken invariants of time entries and charges, none in healthy books';
SELECT allow('controller', 'select', 'work_problems');

-- A function: the plan of all these figures together would be compiled, which
-- takes longer than what it finds.
CREATE FUNCTION broken_figures() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    SELECT 'revenue by client, project, employee and month is one figure' AS rule, g.grouping AS subject,
           format('%s, the ledger has %s', g.revenue, t.revenue) AS detail
      FROM (SELECT coalesce(sum(-l.base_amount), 0)::numeric(18,2) AS revenue FROM ledger_line l WHERE l.account = 'revenue') t
     CROSS JOIN LATERAL (
        SELECT 'profit_by_client' AS grouping, coalesce(sum(revenue), 0) AS revenue FROM profit_by_client
        UNION ALL SELECT 'profit_by_project', coalesce(sum(revenue), 0) FROM profit_by_project
        UNION ALL SELECT 'profit_by_employee', coalesce(sum(revenue), 0) FROM profit_by_employee
        UNION ALL SELECT 'pnl_month', coalesce(sum(revenue), 0) FROM pnl_month) g
     WHERE g.revenue <> t.revenue
    UNION ALL
    SELECT 'closing cash is the balance of the cash accounts', x.currency, format('%s, the accounts hold %s', x.closing, x.held)
      FROM (SELECT f.currency, f.closing, coalesce(b.held, 0) AS held
              FROM (SELECT f.currency, sum(f.net) AS closing FROM cash_flow_month f GROUP BY 1) f
              LEFT JOIN (SELECT b.currency, sum(b.balance) AS held FROM account_balance b WHERE b.kind = 'cash' GROUP BY 1) b USING (currency)) x
     WHERE x.closing <> x.held
    UNION ALL
    SELECT 'a contract''s balance is its receipts less its charges', c.number, format('balance %s, receipts %s, charged %s', c.balance, c.receipts, c.charged)
      FROM contract_card c WHERE c.balance <> c.receipts - c.charged;
END;
COMMENT ON FUNCTION broken_figures() IS 'the rows of figure_problems: the rule, what breaks it, the figures';

CREATE VIEW figure_problems WITH (security_invoker) AS SELECT * FROM broken_figures();
COMMENT ON VIEW figure_problems IS 'reports that do not agree with one another, none in healthy books';
SELECT allow('controller', 'select', 'figure_problems');

-- SECURITY DEFINER: what row policies hide would be missed as if it were lost.
CREATE FUNCTION check_books() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
BEGIN ATOMIC
    SELECT * FROM ledger_problems
    UNION ALL SELECT * FROM work_problems
    UNION ALL SELECT * FROM figure_problems
    UNION ALL SELECT * FROM billing_problems
    UNION ALL SELECT * FROM document_problems
    UNION ALL SELECT 'what acts for the owner is not open to everybody', 'function ' || o.object, 'call grant_access() again' FROM open_function o;
END;
COMMENT ON FUNCTION check_books() IS 'one row for each broken invariant: the rule, what breaks it, and the figures; empty in healthy books';
SELECT allow('controller', 'execute', 'check_books');
