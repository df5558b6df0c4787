-- ---------------------------------------------------------------------------
-- statement: what a client owes, day by day
-- ---------------------------------------------------------------------------

CREATE FUNCTION client_statement(client bigint, from_date date, to_date date)
    RETURNS TABLE (on_date date, kind text, number text, detail text, debit numeric(18,2), credit numeric(18,2),
                   balance numeric(18,2), currency text,
                   document_id bigint, payment_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- of one thing and day there is one row, and none where it was taken back
    WITH move AS (
        SELECT e.entry_on AS on_date, e.kind, e.number, e.detail, greatest(sum(e.amount), 0) AS debit,
               -least(sum(e.amount), 0) AS credit, e.currency, e.document_id, e.payment_id, e.rank
          FROM (SELECT e.entry_on, e.amount, e.currency, e.document_id, e.payment_id,
                       CASE WHEN d.id IS NOT NULL THEN replace(d.kind, '_', ' ')
                            WHEN o.kind IN ('income', 'expense') THEN 'write-off'
                            WHEN p.contra IS NOT NULL THEN o.code
                            WHEN p.flow = 'out' THEN 'refund' WHEN e.payment_id IS NOT NULL THEN 'payment'
                            WHEN a.kind = 'equity' THEN 'opening' ELSE 'entry' END AS kind,
                       coalesce(d.number, p.bank_ref) AS number,
                       CASE WHEN d.id IS NOT NULL THEN coalesce(d.title, d.note)
                            WHEN e.payment_id IS NOT NULL THEN p.purpose ELSE e.memo END AS detail,
                       CASE WHEN d.id IS NOT NULL THEN 1 WHEN e.payment_id IS NOT NULL THEN 2 ELSE 0 END AS rank,
                       CASE WHEN num_nonnulls(e.document_id, e.payment_id) = 0 THEN e.event_id END AS event_id
                  FROM client_entry e
                  JOIN account a ON a.id = e.other_id
                  LEFT JOIN document d ON d.id = e.document_id
                  LEFT JOIN payment_card p ON p.payment_id = e.payment_id
                  LEFT JOIN account o ON o.code = p.contra
                 WHERE e.party_id = client_statement.client) e
         GROUP BY e.entry_on, e.kind, e.number, e.detail, e.currency, e.document_id, e.payment_id, e.rank, e.event_id
        HAVING sum(e.amount) <> 0
    ), row AS (
        SELECT from_date AS on_date, 'opening balance' AS kind, NULL AS number, NULL AS detail, 0 AS debit, 0 AS credit,
               sum(m.debit - m.credit) FILTER (WHERE m.on_date < from_date) AS opening, m.currency,
               NULL::bigint AS document_id, NULL::bigint AS payment_id,
               -1 AS rank
          FROM move m WHERE m.on_date <= to_date GROUP BY m.currency
        UNION ALL
        SELECT m.on_date, m.kind, m.number, m.detail, m.debit, m.credit, NULL, m.currency, m.document_id,
               m.payment_id, m.rank
          FROM move m WHERE m.on_date BETWEEN from_date AND to_date
        UNION ALL
        SELECT to_date, 'closing balance', NULL, NULL, 0, 0, NULL, m.currency, NULL, NULL, 3 FROM move m
         WHERE m.on_date <= to_date GROUP BY m.currency
    )
    SELECT r.on_date, r.kind, r.number, r.detail, r.debit::numeric(18,2), r.credit::numeric(18,2),
           sum(coalesce(r.opening, 0) + r.debit - r.credit) OVER (
               PARTITION BY r.currency ORDER BY r.rank = 3, r.rank >= 0, r.on_date, r.rank, r.document_id, r.payment_id
               ROWS UNBOUNDED PRECEDING)::numeric(18,2),
           r.currency, r.document_id, r.payment_id
      FROM row r
     ORDER BY r.currency, r.rank = 3, r.rank >= 0, r.on_date, r.rank, r.document_id, r.payment_id;
END;
COMMENT ON FUNCTION client_statement(bigint, date, date) IS
    'a client''s account between two days, both included, as the ledger has it: opening balance, invoices and refunds '
    '(debit), credit notes and payments (credit), what was settled without money (write-off, netting), debts and '
    'advances from before the books (debt, opening), what was posted by hand (opening, entry), closing balance; by '
    'currency; a positive balance is owed by the client. What was taken back on its own day has no row';
SELECT allow('reader', 'execute', 'client_statement');
