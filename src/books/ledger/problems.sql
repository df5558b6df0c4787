-- ---------------------------------------------------------------------------
-- ledger problems: what must hold of the entries
-- ---------------------------------------------------------------------------

CREATE VIEW ledger_problems WITH (security_invoker) AS
    SELECT 'a frozen charge is posted once, to the last digit' AS rule, 'charge ' || x.charge_id AS subject,
           format('posted %s %s, charged %s', coalesce(p.amount, 0),
           (SELECT a.code FROM account a WHERE a.id = x.credit_id), x.amount)
               AS detail
      FROM charge_posting x
      LEFT JOIN (SELECT e.charge_id, e.credit_id, e.currency, sum(e.amount) AS amount
                   FROM entry e WHERE e.charge_id IS NOT NULL GROUP BY 1, 2, 3) p
        ON p.charge_id = x.charge_id AND p.credit_id = x.credit_id AND p.currency = x.currency
     WHERE x.posted AND coalesce(p.amount, 0) <> x.amount
    UNION ALL
    SELECT 'what a charge posted is of its deal', 'charge ' || e.charge_id,
           format('%s posted for deal %s, the charge is of %s', sum(e.amount), e.deal_id, h.deal_id)
      FROM entry e JOIN charge h ON h.id = e.charge_id AND h.deal_id IS DISTINCT FROM e.deal_id
     GROUP BY e.charge_id, e.credit_id, e.currency, e.deal_id, h.deal_id HAVING sum(e.amount) <> 0
    UNION ALL
    SELECT 'a provisional charge is not posted', 'charge ' || e.charge_id, 'entry ' || min(e.id)
      FROM entry e LEFT JOIN charge h ON h.id = e.charge_id
     WHERE e.charge_id IS NOT NULL AND h.frozen_at IS NULL GROUP BY e.charge_id
    UNION ALL
    SELECT 'a posted payment is in the ledger as it stands, others are not', 'payment ' || p.id,
           format('cash of %s in the ledger, %s expected', coalesce(e.cash, 0), x.expected)
      FROM payment p
      JOIN (SELECT m.id AS cash_account_id, NULL AS contra, m.account_id FROM cash_account m
            UNION ALL SELECT NULL, a.code, a.id FROM account a) m
        ON m.cash_account_id = p.cash_account_id OR m.contra = p.contra
     CROSS JOIN LATERAL (SELECT CASE WHEN p.status <> 'posted' THEN 0 WHEN p.flow = 'in' THEN p.amount
         ELSE -p.amount END AS expected) x
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
    SELECT 'an entry in the base currency is worth its amount', 'entry ' || e.id,
           format('%s, worth %s', e.amount, e.base_amount)
      FROM entry e JOIN setting s ON s.base_currency = e.currency WHERE e.base_amount <> e.amount
    UNION ALL
    SELECT 'an event has entries', 'event ' || v.id, format('%s %s', v.source, v.key)
      FROM event v WHERE NOT EXISTS (SELECT FROM entry e WHERE e.event_id = v.id)
    UNION ALL
    SELECT 'an entry names what follows from what it names', 'entry ' || e.id,
           format('client %s, contract %s of %s, project %s of %s, own company %s', e.client_id, e.contract_id,
           c.client_id, e.project_id,
                  p.client_id, e.own_id)
      FROM entry e
      LEFT JOIN contract c ON c.id = e.contract_id
      LEFT JOIN project p ON p.id = e.project_id
     WHERE c.client_id IS DISTINCT FROM e.client_id AND c.id IS NOT NULL
        OR p.client_id IS DISTINCT FROM e.client_id AND p.id IS NOT NULL
        OR e.task_id IS NOT NULL AND e.project_id IS NULL
        OR e.own_id IS NULL AND default_own() IS NOT NULL;
COMMENT ON VIEW ledger_problems IS 'broken invariants of the ledger, none in healthy books';
SELECT allow('controller', 'select', 'ledger_problems');
