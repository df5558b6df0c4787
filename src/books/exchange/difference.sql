-- ---------------------------------------------------------------------------
-- difference: what changes of rates make of debts, once they are settled
--
-- A document brings the difference between its own day and those of its payments;
-- what no document explains, as an advance that is sent back at another rate, is
-- posted when the account of the party is at nothing again in its currency.
-- ---------------------------------------------------------------------------

-- What was posted is a fact, whatever rates come later: of what a payment accrues
-- beside, its money alone.
CREATE FUNCTION payment_worth(p_payment bigint, OUT base_amount numeric, OUT accrued numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(e.base_amount * CASE WHEN x.is_first = (p.flow = 'out') THEN 1 ELSE -1 END)
                        FILTER (WHERE NOT x.is_accrual), 0),
           coalesce(sum(e.base_amount * CASE WHEN x.is_first = (p.flow = 'out') THEN -1 ELSE 1 END)
                        FILTER (WHERE x.is_accrual AND v.key !~ ':match:'), 0)
      FROM payment p
      JOIN account a ON a.code = p.article
      JOIN entry e ON e.payment_id = p.id
      JOIN event v ON v.id = e.event_id
     CROSS JOIN role_account r
     CROSS JOIN LATERAL (SELECT e.debit_id IN (r.receivable, r.payable) AS is_first,
                                a.id IN (e.debit_id, e.credit_id) AS is_accrual) x
     WHERE p.id = p_payment
       AND (e.debit_id IN (r.receivable, r.payable) OR e.credit_id IN (r.receivable, r.payable));
END;
COMMENT ON FUNCTION payment_worth(bigint) IS
    'what the ledger has of a payment, in the base currency: of its money (base_amount), and of the cost that it '
    'accrued beside';

-- What is paid was owed at one rate and came at another.  The parts of a payment
-- are cut in the order in which it was allocated, so that the last one takes the rest.
CREATE VIEW exchange_due WITH (security_invoker) AS
    SELECT b.document_id, b.flow, b.currency, k.account_id,
           CASE WHEN b.allocated = 0 THEN 0
                ELSE paid.base_amount - round_money(owed.base_amount * b.allocated / (b.gross - b.credited),
                                                    x.exponent::int) END::numeric(20,6) AS due,
           coalesce(posted.base_amount, 0)::numeric(20,6) AS posted
      FROM document_balance b
     CROSS JOIN role_account r
     CROSS JOIN setting s
      JOIN currency_code x ON x.code = s.base_currency
     CROSS JOIN LATERAL (SELECT CASE b.flow WHEN 'in' THEN r.receivable ELSE r.payable END AS account_id) k
     CROSS JOIN LATERAL (
        SELECT sum(w.way * (round_money(w.base_amount * w.upto / w.amount, x.exponent::int)
                            - round_money(w.base_amount * (w.upto - w.used) / w.amount, x.exponent::int)))
                   AS base_amount
          FROM (SELECT u.document_id, u.way, u.used, u.of_payment AS amount,
                       sum(u.used) OVER (PARTITION BY u.payment_id ORDER BY u.id) AS upto, m.base_amount
                  FROM payment_use u
                 CROSS JOIN LATERAL payment_worth(u.payment_id) m
                 WHERE u.payment_id IN (SELECT y.payment_id FROM payment_allocation y
                                         WHERE y.document_id = b.document_id)) w
         WHERE w.document_id = b.document_id) paid
     CROSS JOIN LATERAL (
        SELECT sum(CASE WHEN b.flow = 'in' AND e.debit_id = k.account_id
                          OR b.flow = 'out' AND e.credit_id = k.account_id THEN e.base_amount
                        ELSE -e.base_amount END) AS base_amount
          FROM entry e
         WHERE e.document_id IN (SELECT b.document_id UNION ALL SELECT n.id FROM document n
                                  WHERE n.based_on = b.document_id AND n.kind = 'credit_note')
           AND k.account_id IN (e.debit_id, e.credit_id) AND r.exchange NOT IN (e.debit_id, e.credit_id)) owed
     CROSS JOIN LATERAL (
        SELECT sum(e.base_amount) AS base_amount FROM entry e
         WHERE e.document_id = b.document_id AND k.account_id IN (e.debit_id, e.credit_id)
           AND r.exchange IN (e.debit_id, e.credit_id)) posted
     WHERE b.currency <> s.base_currency;
COMMENT ON VIEW exchange_due IS
    'documents in other currencies: the difference between what they were worth in the base currency, as far as they '
    'are paid, and what the payments were (due), and what of it is posted; of invoices a gain, of bills a loss';
SELECT allow('controller', 'select', 'exchange_due');

-- A difference moves the worth of an account and nothing of its amount.
CREATE FUNCTION exchange_entry(p_debit bigint, p_credit bigint, p_currency text, p_base_amount numeric, p_party bigint,
                               p_contract bigint, p_own bigint) RETURNS entry
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v entry;
BEGIN
    v.debit_id := p_debit;
    v.credit_id := p_credit;
    v.amount := 0;
    v.currency := p_currency;
    v.base_amount := p_base_amount;
    v.party_id := p_party;
    v.own_id := coalesce(p_own, default_own());
    IF (SELECT r.receivable IN (p_debit, p_credit) FROM role_account r) THEN
        v.client_id := p_party;
        v.contract_id := p_contract;
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION exchange_entry(bigint, bigint, text, numeric, bigint, bigint, bigint) IS
    'the entry of an exchange difference between two accounts, one of them that of differences, of a party, without '
    'its event and day; about a client and contract where it is on the account of clients';

CREATE FUNCTION post_exchange(p_documents bigint[], p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_due record;
    v_entry entry;
BEGIN
    FOR v_due IN
        SELECT x.document_id, x.flow, x.currency, x.account_id, x.due - x.posted AS amount, r.exchange,
               greatest(p_on, coalesce(d.opened_on, d.issued_on)) AS day, d.party_id, d.own_id, d.contract_id
          FROM exchange_due x JOIN document d ON d.id = x.document_id CROSS JOIN role_account r
         WHERE x.document_id = ANY (p_documents) AND x.due <> x.posted
         ORDER BY x.document_id
    LOOP
        v_entry := CASE v_due.flow
            WHEN 'in' THEN exchange_entry(v_due.account_id, v_due.exchange, v_due.currency, v_due.amount,
                                          v_due.party_id, v_due.contract_id, v_due.own_id)
            ELSE exchange_entry(v_due.exchange, v_due.account_id, v_due.currency, v_due.amount, v_due.party_id,
                                v_due.contract_id, v_due.own_id) END;
        v_entry.event_id := (open_events('document', ARRAY[format('%s:exchange:%s', v_due.document_id, (
            SELECT count(DISTINCT e.event_id) FROM entry e WHERE e.document_id = v_due.document_id))],
            ARRAY[v_due.amount::text], 'exchange difference'))[1];
        v_entry.entry_on := posting_day(v_due.day);
        v_entry.document_id := v_due.document_id;
        PERFORM put_entries(ARRAY[v_entry]);
    END LOOP;
END $$;
COMMENT ON FUNCTION post_exchange(bigint[], date) IS
    'post the exchange differences of documents as far as they are paid, not before a day; take them back where they '
    'are paid no more';

-- Only an account in another currency, and only when something of its party changes.
CREATE VIEW exchange_rest WITH (security_invoker) AS
    SELECT x.party_id, x.account_id, x.currency, x.base_amount
      FROM (SELECT e.party_id, k.account_id, k.flow, e.currency,
                   sum(k.sign * e.base_amount)::numeric(20,6) AS base_amount
              FROM entry e
             CROSS JOIN role_account r
             CROSS JOIN LATERAL (
                SELECT r.receivable AS account_id, 'in' AS flow, 1 AS sign WHERE e.debit_id = r.receivable
                UNION ALL SELECT r.receivable, 'in', -1 WHERE e.credit_id = r.receivable
                UNION ALL SELECT r.payable, 'out', 1 WHERE e.debit_id = r.payable
                UNION ALL SELECT r.payable, 'out', -1 WHERE e.credit_id = r.payable) k
             WHERE e.charge_id IS NULL AND e.party_id IS NOT NULL
               AND e.currency <> (SELECT s.base_currency FROM setting s)
             GROUP BY 1, 2, 3, 4
            HAVING sum(k.sign * e.amount) = 0 AND sum(k.sign * e.base_amount) <> 0) x
     -- an open invoice beside an advance of its size is not settled
     WHERE NOT EXISTS (SELECT FROM document_balance b
                        WHERE b.party_id = x.party_id AND b.currency = x.currency AND b.flow = x.flow AND b.open <> 0);
COMMENT ON VIEW exchange_rest IS
    'accounts of parties that are settled in another currency, with no document open, and not at nothing in the base '
    'currency: what is left there, debit positive';
SELECT allow('controller', 'select', 'exchange_rest');

CREATE FUNCTION post_exchange_rest(p_parties bigint[], p_on date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_rest record;
    v_entry entry;
BEGIN
    FOR v_rest IN
        SELECT x.*, r.exchange, format('%s:%s:%s:rest:', x.party_id, x.account_id, x.currency) AS key
          FROM exchange_rest x CROSS JOIN role_account r
         WHERE x.party_id = ANY (p_parties) ORDER BY x.party_id, x.account_id, x.currency
    LOOP
        v_entry := exchange_entry(v_rest.exchange, v_rest.account_id, v_rest.currency, v_rest.base_amount,
                                  v_rest.party_id, NULL, NULL);
        v_entry.event_id := (open_events('payment', ARRAY[v_rest.key || (
            SELECT count(*) FROM event v WHERE v.source = 'payment' AND v.key LIKE v_rest.key || '%')],
            ARRAY[v_rest.base_amount::text], 'exchange difference'))[1];
        v_entry.entry_on := posting_day(coalesce(p_on, books_today()));
        PERFORM put_entries(ARRAY[v_entry]);
    END LOOP;
END $$;
COMMENT ON FUNCTION post_exchange_rest(bigint[], date) IS
    'post what is left in the base currency on accounts of parties that are at nothing, on a day or the first one that '
    'is not locked';
