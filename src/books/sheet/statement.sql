-- ---------------------------------------------------------------------------
-- statement: what a client owes, day by day
-- ---------------------------------------------------------------------------

CREATE FUNCTION client_statement(client bigint, from_date date, to_date date)
    RETURNS TABLE (on_date date, kind text, number text, detail text, debit numeric(18,2), credit numeric(18,2),
                   balance numeric(18,2), currency text,
                   document_id bigint, payment_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH move AS (
        SELECT d.issued_on AS on_date, replace(d.kind, '_', ' ') AS kind, d.number, coalesce(d.title, d.note) AS detail,
               greatest(d.gross, 0) AS debit, -least(d.gross, 0) AS credit, d.currency, d.id AS document_id,
               NULL::bigint AS payment_id, 1 AS rank
          FROM document d
          JOIN document_kind k ON k.kind = d.kind AND k.account = 'receivable'
          JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
         WHERE d.party_id = client_statement.client AND s.posted
        UNION ALL
        SELECT p.paid_on, CASE p.flow WHEN 'in' THEN 'payment' ELSE 'refund' END, p.bank_ref, p.purpose,
               CASE p.flow WHEN 'out' THEN p.amount ELSE 0 END, CASE p.flow WHEN 'in' THEN p.amount ELSE 0 END,
               p.currency, NULL, p.payment_id, 2
          FROM payment_card p JOIN settling_article a ON a.article = p.article
         WHERE p.party_id = client_statement.client AND p.status = 'posted' AND p.flow IN ('in', 'out')
    ), row AS (
        SELECT from_date AS on_date, 'opening balance' AS kind, NULL AS number, NULL AS detail, 0 AS debit, 0 AS credit,
               sum(m.debit - m.credit) FILTER (WHERE m.on_date < from_date) AS opening, m.currency,
               NULL::bigint AS document_id, NULL::bigint AS payment_id,
               0 AS rank
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
               PARTITION BY r.currency ORDER BY r.rank = 3, r.rank > 0, r.on_date, r.rank, r.document_id, r.payment_id
               ROWS UNBOUNDED PRECEDING)::numeric(18,2),
           r.currency, r.document_id, r.payment_id
      FROM row r
     ORDER BY r.currency, r.rank = 3, r.rank > 0, r.on_date, r.rank, r.document_id, r.payment_id;
END;
COMMENT ON FUNCTION client_statement(bigint, date, date) IS
    'a client''s account between two days, both included: opening balance, invoices and refunds (debit), credit notes '
    'and payments (credit), closing balance; by currency; a positive balance is owed by the client';
SELECT allow('reader', 'execute', 'client_statement');
