-- ---------------------------------------------------------------------------
-- ledger problems: what must hold of the entries
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
    SELECT 'an entry in the base currency is worth its amount', 'entry ' || e.id, format('%s, worth %s', e.amount, e.base_amount)
      FROM entry e JOIN setting s ON s.base_currency = e.currency WHERE e.base_amount <> e.amount
    UNION ALL
    SELECT 'an event has entries', 'event ' || v.id, v.key FROM event v WHERE NOT EXISTS (SELECT FROM entry e WHERE e.event_id = v.id);
COMMENT ON VIEW ledger_problems IS 'broken invariants of the ledger, none in healthy books';
SELECT allow('controller', 'select', 'ledger_problems');
