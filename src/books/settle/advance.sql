-- ---------------------------------------------------------------------------
-- advance: what parties paid and no document took: it can be allocated
-- ---------------------------------------------------------------------------

-- What we gave up, or set off, is of its documents alone: no money that could pay
-- others, or be sent back.
CREATE FUNCTION is_bound(p_payment payment) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (p_payment).contra IS NOT NULL AND (p_payment).contra <> (SELECT role_code('opening'));
END;
COMMENT ON FUNCTION is_bound(payment) IS 'is a payment a write-off or a side of a netting, bound to what it settles?';

-- Money flows as its document says, or back: then it pays a bill below zero.
-- Of the owner, as it stands behind figures of those who keep no payments.
CREATE VIEW payment_use WITH (security_barrier) AS
    SELECT a.id, a.payment_id, a.document_id, a.amount, (a.amount * w.way)::numeric(20,6) AS used, w.way,
           p.party_id, p.contract_id, p.currency, p.flow, p.amount AS of_payment, p.paid_on, k.flow AS document_flow,
           p.contra IS NOT NULL AND p.contra <> (SELECT role_code('opening')) AS bound
      FROM payment_allocation a
      JOIN visible_payment p ON p.id = a.payment_id
      JOIN document d ON d.id = a.document_id
      JOIN document_kind k ON k.kind = d.kind
     CROSS JOIN LATERAL (SELECT CASE p.flow WHEN k.flow THEN 1 ELSE -1 END AS way) w;
COMMENT ON VIEW payment_use IS
    'allocations with their payments: amount as the document sees it, used as the payment does; way 1: money that '
    'flows as the document says, -1: money back; bound: no money, a write-off or netting of its documents alone';
SELECT allow('controller', 'select', 'payment_use');

CREATE FUNCTION of_one_group(p_contract bigint, p_other bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p_contract IS NULL OR p_other IS NULL OR p_contract = p_other
           OR EXISTS (SELECT FROM contract c
                        JOIN contract o ON coalesce(o.parent_id, o.id) = coalesce(c.parent_id, c.id)
                       WHERE c.id = p_contract AND o.id = p_other);
END;
COMMENT ON FUNCTION of_one_group(bigint, bigint) IS
    'are two contracts one agreement: the same, or a base and its companions? NULL is of any';

CREATE VIEW seen_document WITH (security_invoker) AS SELECT id FROM document;
COMMENT ON VIEW seen_document IS 'the documents that the row policies of whoever asks let through';

-- Of the owner: who keeps no payments may see what they come to.  The row policies
-- of entries, and of the documents and payments that made them, bind.
CREATE VIEW client_entry WITH (security_barrier) AS
    SELECT e.id AS entry_id, coalesce(v.reverses_id, v.id) AS event_id, v.memo, e.entry_on, e.party_id, e.contract_id,
           e.own_id, e.document_id, e.payment_id,
           (s.sign * e.amount)::numeric(20,6) AS amount, e.currency,
           (s.sign * e.base_amount)::numeric(20,6) AS base_amount,
           CASE s.sign WHEN 1 THEN e.credit_id ELSE e.debit_id END AS other_id
      FROM visible_entry e
      JOIN event v ON v.id = e.event_id
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (SELECT CASE r.receivable WHEN e.debit_id THEN 1 WHEN e.credit_id THEN -1 END AS sign) s
     WHERE e.charge_id IS NULL AND s.sign IS NOT NULL
       AND (e.payment_id IS NULL OR (SELECT NOT row_security_active('payment'::regclass))
            OR e.payment_id IN (SELECT p.id FROM seen_payment p))
       AND (e.document_id IS NULL OR (SELECT NOT row_security_active('document'::regclass))
            OR e.document_id IN (SELECT d.id FROM seen_document d));
COMMENT ON VIEW client_entry IS
    'the account of clients: entries of the ledger on it, what they owe positive; document_id of invoices and credit '
    'notes, payment_id of money, neither of what was posted by hand; other_id the account on the other side';
SELECT allow('reader', 'select', 'client_entry');

CREATE VIEW client_credit WITH (security_barrier) AS
    SELECT x.party_id, k.name AS party, x.currency, sum(x.amount)::numeric(18,2) AS credit
      FROM (SELECT e.party_id, e.currency, -e.amount AS amount FROM client_entry e WHERE e.document_id IS NULL
            UNION ALL
            SELECT u.party_id, u.currency, -u.amount FROM payment_use u WHERE u.document_flow = 'in') x
      JOIN party k ON k.id = x.party_id
     GROUP BY 1, 2, 3;
COMMENT ON VIEW client_credit IS
    'what clients have paid and no invoice took yet, less what was paid back, what they owed before these books and '
    'what else was posted on their account without a document, by currency: their credit, below zero a debt';
SELECT allow('reader', 'select', 'client_credit');

-- What was sent back is not there any more, whichever payment brought it.
CREATE FUNCTION advance_pool(p_payment payment) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least(c.credit, CASE WHEN (p_payment).contract_id IS NOT NULL THEN (
                     SELECT coalesce(-sum(e.amount), 0) - (
                            SELECT coalesce(sum(u.amount), 0) FROM payment_use u
                             WHERE u.contract_id = (p_payment).contract_id AND u.currency = (p_payment).currency
                               AND u.document_flow = 'in')
                       FROM client_entry e
                      WHERE e.contract_id = (p_payment).contract_id AND e.currency = (p_payment).currency
                        AND e.document_id IS NULL) END)
      FROM client_credit c
      JOIN settling_article s ON s.article = (p_payment).article
     WHERE (p_payment).flow = 'in' AND c.party_id = (p_payment).party_id AND c.currency = (p_payment).currency
    UNION ALL
    SELECT sum(CASE p.flow WHEN 'out' THEN p.amount ELSE -p.amount END) - (
               SELECT coalesce(sum(u.amount), 0) FROM payment_use u
                WHERE u.party_id = (p_payment).party_id AND u.currency = (p_payment).currency
                  AND u.document_flow = 'out')
      FROM payment p
      JOIN account a ON a.code = p.article AND a.kind = 'expense'
      JOIN account b ON b.code = (p_payment).article AND b.kind = 'expense'
     WHERE (p_payment).flow = 'out' AND p.party_id = (p_payment).party_id AND p.currency = (p_payment).currency
       AND p.status = 'posted' AND p.flow IN ('in', 'out')
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION advance_pool(payment) IS
    'what the party of a payment, and the contract that it names, have left of all that was paid and not sent back, of '
    'the same kind and in the same currency; below zero where more was sent back, NULL for other payments';

CREATE FUNCTION advance_left(p_payment payment) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT least((p_payment).amount - (SELECT coalesce(sum(u.used), 0) FROM payment_use u
                                        WHERE u.payment_id = (p_payment).id),
                 CASE WHEN NOT is_bound(p_payment) THEN advance_pool(p_payment) END);
END;
COMMENT ON FUNCTION advance_left(payment) IS 'what is left of a payment to be allocated, no more than advance_pool()';
