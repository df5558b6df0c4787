-- ---------------------------------------------------------------------------
-- match: what the ledger has of payments that meet documents
--
-- What is due follows from the allocations that there are, and what is posted is
-- in the ledger: the difference is posted on the day on which both sides exist,
-- or on the first one that is not locked.  Nothing that was posted is changed.
-- ---------------------------------------------------------------------------

-- A payment whose article accrues with it brought the cost that a bill brings too.
CREATE VIEW accrual_due WITH (security_invoker) AS
    SELECT p.id AS payment_id, a.id AS article_id, r.payable AS settlement_id,
           u.used::numeric(20,6) AS due, coalesce(m.amount, 0)::numeric(20,6) AS posted,
           round_money(w.accrued * u.used / p.amount, x.exponent::int)::numeric(20,6) AS base_due,
           coalesce(m.base_amount, 0)::numeric(20,6) AS base_posted
      FROM payment p
      JOIN account a ON a.code = p.article AND a.accrues AND a.kind = 'expense'
     CROSS JOIN role_account r
     CROSS JOIN setting s
      JOIN currency_code x ON x.code = s.base_currency
     CROSS JOIN LATERAL (SELECT coalesce(sum(u.used), 0) AS used FROM payment_use u
                          WHERE u.payment_id = p.id AND u.document_flow = 'out') u
     CROSS JOIN LATERAL (SELECT CASE WHEN u.used <> 0 THEN (payment_worth(p.id)).accrued ELSE 0 END AS accrued) w
     CROSS JOIN LATERAL (
        SELECT sum(d.sign * e.amount) AS amount, sum(d.sign * e.base_amount) AS base_amount
          FROM entry e
          JOIN event v ON v.id = e.event_id AND v.source = 'payment' AND v.key LIKE '%:match:%'
         CROSS JOIN LATERAL (SELECT CASE e.credit_id WHEN a.id THEN 1 ELSE -1 END
                                    * CASE p.flow WHEN 'out' THEN 1 ELSE -1 END AS sign) d
         WHERE e.payment_id = p.id) m
     WHERE p.flow IN ('in', 'out') AND p.contra IS NULL;
COMMENT ON VIEW accrual_due IS
    'payments that accrue: what of their cost bills brought already (due) and what of it the ledger has taken back '
    '(posted), in the payment''s currency and the base currency';
SELECT allow('controller', 'select', 'accrual_due');

CREATE FUNCTION post_accruals(p_payments bigint[], p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_due record;
    v_event bigint;
    v_entry entry;
BEGIN
    FOR v_due IN
        SELECT d.*, p.flow, greatest(p_on, p.accrued_on, p.paid_on) AS day, p AS payment
          FROM accrual_due d JOIN payment p ON p.id = d.payment_id
         WHERE d.payment_id = ANY (p_payments) AND (d.due, d.base_due) <> (d.posted, d.base_posted)
         ORDER BY d.payment_id
    LOOP
        v_event := (open_events('payment', ARRAY[format('%s:match:%s', v_due.payment_id, (
            SELECT count(DISTINCT e.event_id) FROM entry e WHERE e.payment_id = v_due.payment_id))],
            ARRAY[format('%s of %s', v_due.due, v_due.payment_id)], 'bills brought the cost'))[1];
        v_entry := jsonb_populate_record(NULL::entry, to_jsonb(v_due.payment) - '{id,amount}'::text[]);
        v_entry.event_id := v_event;
        v_entry.payment_id := v_due.payment_id;
        v_entry.entry_on := posting_day(v_due.day);
        v_entry.debit_id := CASE v_due.flow WHEN 'out' THEN v_due.article_id ELSE v_due.settlement_id END;
        v_entry.credit_id := CASE v_due.flow WHEN 'out' THEN v_due.settlement_id ELSE v_due.article_id END;
        v_entry.amount := v_due.posted - v_due.due;
        v_entry.base_amount := v_due.base_posted - v_due.base_due;
        PERFORM put_entries(ARRAY[v_entry]);
    END LOOP;
END $$;
COMMENT ON FUNCTION post_accruals(bigint[], date) IS
    'take back what payments accrued, as far as bills brought it, not before a day; bring it back where they are '
    'matched no more';

CREATE FUNCTION post_matches(p_payments bigint[], p_documents bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_issued date := (SELECT max(coalesce(d.opened_on, d.issued_on)) FROM document d
                       WHERE d.id = ANY (p_documents));
    v_paid date := (SELECT max(p.paid_on) FROM payment p WHERE p.id = ANY (p_payments));
BEGIN
    PERFORM post_accruals(p_payments, v_issued);
    -- what a payment is worth is cut anew where one of its parts changes
    PERFORM post_exchange(p_documents || ARRAY(SELECT a.document_id FROM payment_allocation a
                                                WHERE a.payment_id = ANY (p_payments)), v_paid);
    PERFORM post_exchange_rest(ARRAY(SELECT p.party_id FROM payment p WHERE p.id = ANY (p_payments)), v_paid);
END $$;
COMMENT ON FUNCTION post_matches(bigint[], bigint[]) IS
    'post what payments and documents that were matched, or are no more, mean to the ledger';

-- ---------------------------------------------------------------------------
-- what must hold
-- ---------------------------------------------------------------------------

CREATE VIEW match_problems WITH (security_invoker) AS
    SELECT 'a cost stands once: what bills brought is not the payment''s too' AS rule,
           'payment ' || d.payment_id AS subject, format('%s of bills, %s taken back', d.due, d.posted) AS detail
      FROM accrual_due d WHERE (d.due, d.base_due) <> (d.posted, d.base_posted)
    UNION ALL
    SELECT 'what is paid at another rate is posted as an exchange difference', document_name(x.document_id),
           format('%s due, %s posted', x.due, x.posted)
      FROM exchange_due x WHERE x.due <> x.posted
    UNION ALL
    SELECT 'an account that is settled in its currency is worth nothing', format('party %s', x.party_id),
           format('%s in the base currency on an account of 0 %s', x.base_amount, x.currency)
      FROM exchange_rest x
    UNION ALL
    SELECT 'what was sent back pays no invoice', 'party ' || c.party_id, format('credit %s %s', c.credit, c.currency)
      FROM client_credit c
     WHERE c.credit < 0 AND EXISTS (SELECT FROM payment_use u WHERE u.party_id = c.party_id AND u.currency = c.currency
                                    AND u.document_flow = 'in' AND u.amount > 0 AND NOT u.bound)
    UNION ALL
    SELECT 'what is settled without money is of its documents', 'payment ' || p.id,
           format('%s of %s allocated', coalesce(u.used, 0), p.amount)
      FROM payment p
     CROSS JOIN LATERAL (SELECT sum(u.used) AS used FROM payment_use u WHERE u.payment_id = p.id) u
     WHERE p.status = 'posted' AND p.contra = role_code('netting') AND coalesce(u.used, 0) <> p.amount
    UNION ALL
    SELECT 'what a client owes is what his invoices leave open less his credit', 'party ' || x.party_id,
           format('%s %s in the ledger, %s open less credit', x.owed, x.currency, x.open)
      FROM (SELECT x.party_id, x.currency, sum(x.owed) AS owed, sum(x.open) AS open
              FROM (SELECT e.party_id, e.currency, e.amount AS owed, 0 AS open FROM client_entry e
                    UNION ALL
                    SELECT b.party_id, b.currency, 0, b.open FROM document_balance b WHERE b.flow = 'in'
                    UNION ALL
                    SELECT c.party_id, c.currency, 0, -c.credit FROM client_credit c) x
             WHERE x.party_id IS NOT NULL
             GROUP BY 1, 2) x
     WHERE x.owed <> x.open
    UNION ALL
    SELECT 'a payment settles documents of its own side', 'payment ' || u.payment_id,
           format('article "%s", %s', p.article, document_name(u.document_id))
      FROM payment_use u JOIN payment p ON p.id = u.payment_id
     WHERE settled_flow(p.article) IS DISTINCT FROM u.document_flow
    UNION ALL
    SELECT 'what a client pays, or is paid back, is on his account', 'payment ' || p.id, p.article
      FROM payment p JOIN settling_article s ON s.article = p.article
     WHERE p.status = 'posted' AND p.party_id IS NULL AND p.contract_id IS NOT NULL
    UNION ALL
    SELECT 'unbilled work is what the ledger has of it', concat_ws(', ', 'client ' || x.client_id,
                                                                   'contract ' || x.contract_id),
           format('%s %s in the ledger, %s of charges', x.posted, x.currency, x.charged)
      FROM (SELECT x.client_id, x.contract_id, x.currency, sum(x.posted) AS posted, sum(x.charged) AS charged
              FROM (SELECT e.client_id, e.contract_id, e.currency,
                           CASE r.unbilled WHEN e.debit_id THEN e.amount ELSE -e.amount END AS posted, 0 AS charged
                      FROM entry e CROSS JOIN role_account r
                     WHERE r.unbilled IN (e.debit_id, e.credit_id)
                    UNION ALL
                    SELECT h.client_id, h.contract_id, h.currency, 0, h.amount
                      FROM charge h JOIN charge_place l ON l.charge_id = h.id
                     WHERE h.frozen_at IS NOT NULL AND l.place IN ('unbilled', 'reported')) x
             GROUP BY 1, 2, 3) x
     WHERE x.posted <> x.charged;
COMMENT ON VIEW match_problems IS
    'broken invariants of what parties owe by the ledger, by documents and by charges, none in healthy books';
SELECT allow('controller', 'select', 'match_problems');
