-- ---------------------------------------------------------------------------
-- pay: payments meet documents, by hand or by age
-- ---------------------------------------------------------------------------

CREATE FUNCTION allocate_payment(payment bigint, allocations jsonb DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_payment payment;
    v_left numeric;
    v_made bigint;
BEGIN
    allocations := json_argument(allocations);
    SELECT * INTO v_payment FROM payment p WHERE p.id = allocate_payment.payment FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no payment %', allocate_payment.payment
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table payment lists the payments.';
    END IF;
    PERFORM require_pay(v_payment.article, v_payment.employee_id, calling_role());  -- what is left of it is what it was
    IF v_payment.status <> 'posted' THEN
        RAISE EXCEPTION 'payment % is % and cannot be allocated', v_payment.id, v_payment.status
            USING ERRCODE = 'restrict_violation', HINT = 'Post the payment first.';
    END IF;
    IF allocations IS NOT NULL AND (jsonb_typeof(allocations) <> 'array' OR EXISTS (
        SELECT FROM jsonb_array_elements(allocations) e WHERE jsonb_typeof(e) <> 'object'
            OR NOT e ?& '{document,amount}')) THEN
        RAISE EXCEPTION 'allocations must be an array of {"document": id, "amount": text}'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = allocations::text;
    END IF;
    IF jsonb_array_length(allocations) > 0 THEN
        allocations := (SELECT jsonb_agg(resolve_names(e.value) ORDER BY e.no)
                        FROM jsonb_array_elements(allocations) WITH ORDINALITY e (value, no));
    END IF;
    PERFORM lock_parties(ARRAY[v_payment.party_id]);
    v_left := greatest(advance_left(v_payment), 0);
    -- Oldest due first: each open document takes what those before it leave.  What bills
    -- below zero take off is used as far as it is needed.
    WITH candidate AS (
        SELECT b.document_id, b.open * w.way AS need, w.way, coalesce(b.due_on, b.issued_on) AS due_on
          FROM document_balance b
         CROSS JOIN LATERAL (SELECT CASE b.flow WHEN v_payment.flow THEN 1 ELSE -1 END AS way) w
         WHERE allocations IS NULL AND b.party_id = v_payment.party_id AND b.currency = v_payment.currency
           AND b.flow = settled_flow(v_payment.article)
           AND (w.way = 1 AND b.open <> 0 OR b.kind = 'bill' AND b.open < 0)
           AND of_one_group(v_payment.contract_id, b.contract_id)
    ), giver AS (
        SELECT g.document_id, least(g.gives, l.lack - g.before) AS amount, g.way
          FROM (SELECT c.document_id, -c.need AS gives, c.way,
                       sum(-c.need) OVER (ORDER BY c.due_on, c.document_id) + c.need AS before
                  FROM candidate c WHERE c.need < 0) g
         CROSS JOIN (SELECT sum(c.need) - v_left AS lack FROM candidate c WHERE c.need > 0) l
         WHERE g.before < l.lack
    ), target AS (
        SELECT (e ->> 'document')::bigint AS document_id, sum((e ->> 'amount')::numeric) AS amount, min(no) AS no
          FROM jsonb_array_elements(allocations) WITH ORDINALITY x (e, no) GROUP BY 1
        UNION ALL
        SELECT g.document_id, -g.amount * g.way, 0 FROM giver g
        UNION ALL
        SELECT o.document_id, least(o.need, a.amount - o.before) * o.way,
               row_number() OVER (ORDER BY o.due_on, o.document_id)
          FROM (SELECT c.document_id, c.need, c.way, c.due_on,
                       sum(c.need) OVER (ORDER BY c.due_on, c.document_id) - c.need AS before
                  FROM candidate c WHERE c.need > 0) o
         CROSS JOIN (SELECT v_left + coalesce(sum(g.amount), 0) AS amount FROM giver g) a
         WHERE o.before < a.amount
    ), made AS (
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        SELECT v_payment.id, t.document_id, t.amount FROM target t ORDER BY t.no
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount
        RETURNING document_id
    )
    SELECT count(*) INTO v_made FROM made;
    RETURN round_money(greatest(advance_left(v_payment), 0), currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION allocate_payment(bigint, jsonb) IS
    'settle open documents of the payer with a posted payment, oldest due first, or those named in allocations '
    '([{"document": id or number, "amount": text}], with the sign of the document); returns what is left of the '
    'payment, which stays as credit. A payment that names a contract settles documents of that contract only, and what '
    'was sent back to its party is not there to be allocated';
SELECT allow('clerk', 'execute', 'allocate_payment');

-- A refund that names invoices makes what it names open again, and not what was
-- allocated last.
CREATE FUNCTION refund_documents(p_allocations jsonb, INOUT party bigint, OUT contract bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_refund record;
    v_contracts bigint[] := ARRAY(
        SELECT DISTINCT coalesce(u.contract_id, 0)
          FROM jsonb_array_elements(p_allocations) e
         CROSS JOIN LATERAL (SELECT resolve_names(e.value) AS value) r
          JOIN payment_use u ON u.document_id = (r.value ->> 'document')::bigint AND u.amount > 0);
BEGIN
    FOR v_refund IN
        SELECT x.document_id, x.amount, b.allocated, b.currency, b.party_id
          FROM (SELECT (r.value ->> 'document')::bigint AS document_id, sum((r.value ->> 'amount')::numeric) AS amount
                  FROM jsonb_array_elements(p_allocations) e
                 CROSS JOIN LATERAL (SELECT resolve_names(e.value) AS value) r
                 GROUP BY 1) x
          LEFT JOIN document_balance b ON b.document_id = x.document_id AND b.flow = 'in'
         ORDER BY x.document_id
    LOOP
        refund_documents.party := coalesce(refund_documents.party, v_refund.party_id);
        IF v_refund.party_id <> refund_documents.party THEN
            RAISE EXCEPTION '% is not of party %, who is paid back', document_name(v_refund.document_id),
                refund_documents.party
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                    HINT = 'Name invoices of the party that the money goes to.';
        END IF;
        IF (v_refund.amount > 0 AND v_refund.amount <= v_refund.allocated) IS NOT TRUE THEN
            RAISE EXCEPTION '% has % % paid: % cannot be sent back', document_name(v_refund.document_id),
                trim_scale(coalesce(v_refund.allocated, 0)), v_refund.currency, trim_scale(v_refund.amount)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                    HINT = 'Name invoices that are paid, or none: then what was allocated last is open again.';
        END IF;
        PERFORM take_back_allocations(ARRAY(
            SELECT a.id FROM payment_allocation a WHERE a.document_id = v_refund.document_id), v_refund.amount);
    END LOOP;
    contract := CASE WHEN cardinality(v_contracts) = 1 THEN nullif(v_contracts[1], 0) END;
END $$;
COMMENT ON FUNCTION refund_documents(jsonb, bigint) IS
    'take back what paid invoices, as far as it is sent back: [{"document", "amount"}]; returns the client '
    '(party: who is paid back, NULL: whose invoices they are), and the contract that all of the money named. Refused '
    '(23514) above what is paid, and for invoices of another';

CREATE FUNCTION record_payment(content jsonb, OUT payment_id bigint, OUT allocated numeric, OUT unallocated numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_content jsonb := resolve_names(json_argument(content));
    v_payment payment;
    v_account cash_account;
    v_settles boolean;
    v_refund boolean;
    v_party bigint;
    v_contract bigint;
BEGIN
    PERFORM check_keys(json_argument(content), 'payment',
                       '{flow,status,paid_on,accrued_on,amount,currency,cash_account,to_cash_account,article,party,'
                       'contract,project,deal,'
        'task,employee,direction,purpose,bank_ref,allocations,source,external_id}');
    IF num_nonnulls(v_content ->> 'source', v_content ->> 'external_id') = 1 OR v_content ->> 'amount' IS NULL THEN
        RAISE EXCEPTION 'the payment has no %', CASE WHEN v_content ->> 'amount' IS NULL THEN 'amount'
            WHEN v_content ? 'source' THEN 'external_id' ELSE 'source' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = content::text,
                HINT = 'Give "amount" as text; "source" and "external_id" together, or neither.';
    END IF;
    PERFORM require_pay(v_content ->> 'article', (v_content ->> 'employee')::bigint, calling_role());
    SELECT * INTO v_account FROM cash_account a WHERE a.id = (v_content ->> 'cash_account')::bigint;
    v_refund := v_content ->> 'flow' = 'out' AND jsonb_typeof(v_content -> 'allocations') = 'array'
        AND EXISTS (SELECT FROM settling_article s WHERE s.article = v_content ->> 'article');
    IF v_refund THEN
        PERFORM lock_parties(ARRAY[coalesce((v_content ->> 'party')::bigint, (
            SELECT c.client_id FROM contract c WHERE c.id = (v_content ->> 'contract')::bigint))]);
        IF NOT EXISTS (SELECT FROM payment p
                        WHERE p.status <> 'void'
                          AND ((p.source, p.external_id) = (v_content ->> 'source', v_content ->> 'external_id')
                            OR (p.cash_account_id, p.bank_ref) = (v_account.id, v_content ->> 'bank_ref'))) THEN
            SELECT r.party, r.contract INTO v_party, v_contract
              FROM refund_documents(v_content -> 'allocations', (v_content ->> 'party')::bigint) r;
        END IF;
    END IF;
    -- Two who record the same payment at once: the second waits for the first
    -- and then finds it.
    INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, to_cash_account_id,
                         article, party_id, contract_id, project_id, deal_id, task_id, employee_id, direction_id,
                         purpose, bank_ref, source, external_id, made_from)
    SELECT f.flow, coalesce(v_content ->> 'status', 'posted'),
           coalesce(given_date(v_content, 'paid_on'), books_today()), given_date(v_content, 'accrued_on'),
           (v_content ->> 'amount')::numeric, coalesce(v_content ->> 'currency', v_account.currency),
           (v_content ->> 'cash_account')::bigint, (v_content ->> 'to_cash_account')::bigint,
           coalesce(v_content ->> 'article',
                    CASE f.flow WHEN 'in' THEN (SELECT a.code FROM account_role r JOIN account a ON a.id = r.account_id
                                                 WHERE r.role = 'revenue') END),
           coalesce((v_content ->> 'party')::bigint, v_party),
           coalesce((v_content ->> 'contract')::bigint, v_contract),
           (v_content ->> 'project')::bigint, (v_content ->> 'deal')::bigint,
           (v_content ->> 'task')::bigint, (v_content ->> 'employee')::bigint,
           (v_content ->> 'direction')::bigint, v_content ->> 'purpose', v_content ->> 'bank_ref',
           v_content ->> 'source', v_content ->> 'external_id', v_content
      FROM (SELECT coalesce(v_content ->> 'flow', 'in') AS flow) f
    ON CONFLICT DO NOTHING
    RETURNING * INTO v_payment;
    IF v_payment.id IS NULL THEN
        SELECT * INTO v_payment FROM payment p
         WHERE p.status <> 'void'
           AND ((p.source, p.external_id) = (v_content ->> 'source', v_content ->> 'external_id')
             OR (p.cash_account_id, p.bank_ref) = (v_account.id, v_content ->> 'bank_ref'))
         ORDER BY (p.source, p.external_id)
                  IS NOT DISTINCT FROM (v_content ->> 'source', v_content ->> 'external_id') DESC LIMIT 1;
        PERFORM require_pay(v_payment.article, v_payment.employee_id, calling_role());
        IF v_payment.made_from IS DISTINCT FROM v_content THEN
            RAISE EXCEPTION 'payment % was recorded before with other content', v_payment.id
                USING ERRCODE = 'unique_violation', CONSTRAINT = CASE WHEN v_payment.source = v_content ->> 'source'
                    AND v_payment.external_id = v_content ->> 'external_id'
                          THEN 'payment_external_key' ELSE 'payment_bank_ref_key' END, TABLE = 'payment',
                    DETAIL = coalesce(format('Other now: %s.', (
                        SELECT string_agg(k.key, ', ' ORDER BY k.key)
                          FROM jsonb_object_keys(v_content || v_payment.made_from) k (key)
                         WHERE v_content -> k.key IS DISTINCT FROM v_payment.made_from -> k.key)),
                        'It was entered by hand.'),
                    HINT = 'Send the same content again, or void that payment first.';
        END IF;
    ELSIF v_payment.status = 'posted' THEN
        v_settles := v_content ? 'allocations' AND NOT v_refund
            OR v_payment.flow = 'in' AND EXISTS (SELECT FROM settling_article s WHERE s.article = v_payment.article);
        PERFORM allocate_payment(v_payment.id, v_content -> 'allocations') WHERE v_settles;
    END IF;
    payment_id := v_payment.id;
    SELECT coalesce(sum(u.used), 0) INTO allocated FROM payment_use u WHERE u.payment_id = v_payment.id;
    allocated := round_money(allocated, currency_exponent(v_payment.currency));
    unallocated := round_money(v_payment.amount - allocated, currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION record_payment(jsonb) IS
    'enter a payment and settle what it is for, in one: {"amount" (text), "cash_account", "party" | "contract" (names, '
    'numbers or ids), "purpose", "paid_on" (default today), "flow" (default in), "status" (default posted), "article" '
    '(default revenue, of money that comes in), "currency" (default the cash account''s), "to_cash_account", '
    '"accrued_on", "project", "deal", "task", "employee", "direction", "bank_ref", "allocations" (as '
    'allocate_payment() takes them; [] keeps it all as credit), "source", "external_id"}. Money from clients settles '
    'their open invoices, oldest due first; other money what "allocations" name; what is sent back to a client is '
    'taken off the invoices that "allocations" name, or what was allocated last. Returns the payment, what is '
    'allocated and what is not. The same content again returns the same payment, other content under the same (source, '
    'external_id) or bank_ref is refused (23505); what is void has left them to others';
SELECT allow('clerk', 'execute', 'record_payment');

CREATE VIEW unallocated_payment WITH (security_invoker) AS
    SELECT p.payment_id, p.paid_on, p.party_id, p.party, p.contract_id, c.number AS contract, p.amount,
           (p.amount - coalesce(a.amount, 0))::numeric(18,2) AS unallocated, p.currency,
               o.open::numeric(18,2) AS open_invoices, n.numbers AS named_invoices,
           p.purpose, p.bank_ref, p.source, p.external_id
      FROM payment_card p
      JOIN settling_article x ON x.article = p.article
      LEFT JOIN contract c ON c.id = p.contract_id
      LEFT JOIN client_credit r ON r.party_id = p.party_id AND r.currency = p.currency
     CROSS JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.payment_id = p.payment_id) a
     CROSS JOIN LATERAL (SELECT coalesce(sum(b.open), 0) AS open FROM document_balance b
                          WHERE b.party_id = p.party_id AND b.currency = p.currency AND b.flow = 'in'
                            AND b.open > 0) o
     CROSS JOIN LATERAL (SELECT string_agg(d.number, ', ' ORDER BY d.id) AS numbers
                           FROM document d JOIN document_state s USING (kind, status)
                           JOIN document_kind k USING (kind)
                          WHERE k.flow = 'in' AND s.posted AND NOT s.settled
                            AND strpos(p.purpose, d.number) > 0) n
     WHERE p.status = 'posted' AND p.flow = 'in' AND p.amount > coalesce(a.amount, 0) AND coalesce(r.credit, 1) > 0;
COMMENT ON VIEW unallocated_payment IS
    'money that came from clients and no invoice took, or not all of it: unallocated in the payment''s currency; '
    'open_invoices is what its payer owes in that currency (0: an advance); named_invoices are open invoices whose '
    'number stands in the purpose; what was paid back in full is not listed';
SELECT allow('reader', 'select', 'unallocated_payment');

CREATE FUNCTION unallocate(payment bigint, document bigint DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_freed numeric;
BEGIN
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p
        WHERE p.id = unallocate.payment FOR NO KEY UPDATE;
    PERFORM lock_parties(ARRAY(SELECT p.party_id FROM payment p WHERE p.id = unallocate.payment));
    WITH gone AS (
        DELETE FROM payment_allocation a
         WHERE a.payment_id = unallocate.payment
           AND (unallocate.document IS NULL OR a.document_id = unallocate.document)
        RETURNING a.amount)
    SELECT sum(g.amount) INTO v_freed FROM gone g;
    IF v_freed IS NULL THEN
        RAISE EXCEPTION 'payment % is not allocated%', unallocate.payment,
            coalesce(' to ' || document_name(unallocate.document), '')
            USING ERRCODE = 'restrict_violation', HINT = 'Table payment_allocation lists what is.';
    END IF;
    RETURN (SELECT round_money(v_freed, currency_exponent(p.currency)) FROM payment p WHERE p.id = unallocate.payment);
END $$;
COMMENT ON FUNCTION unallocate(bigint, bigint) IS
    'take a payment''s allocations back, all or those to one document; statuses and notices follow; returns the amount '
    'that is credit again';
SELECT allow('clerk', 'execute', 'unallocate');

CREATE FUNCTION apply_credit(document bigint, amount numeric DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(apply_credit.document);
    v_credit numeric;
    v_take numeric;
    v_amount numeric;
    v_applied numeric := 0;
    v_payment payment;
BEGIN
    PERFORM document_of(v_document.id, 'invoice') WHERE v_document.kind <> 'debt';
    v_credit := coalesce((SELECT c.credit FROM client_credit c WHERE c.party_id = v_document.party_id
                          AND c.currency = v_document.currency), 0);
    v_take := least(coalesce((SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id), 0),
                    v_credit, apply_credit.amount);
    IF apply_credit.amount > v_take THEN
        RAISE EXCEPTION 'only % % of credit can be applied to %, not %', trim_scale(greatest(v_take, 0)),
            v_document.currency,
            document_name(v_document.id), trim_scale(apply_credit.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                DETAIL = format('The client has %s %s of credit.', v_credit, v_document.currency),
                    HINT = 'Leave amount out to apply what can be.';
    END IF;
    FOR v_payment IN
        SELECT p.*
          FROM payment p
          JOIN settling_article c ON c.article = p.article
         WHERE p.party_id = v_document.party_id AND p.currency = v_document.currency AND p.flow = 'in'
           AND p.status = 'posted' AND of_one_group(p.contract_id, v_document.contract_id)
           AND p.amount > (SELECT coalesce(sum(u.used), 0) FROM payment_use u WHERE u.payment_id = p.id)
         ORDER BY p.paid_on, p.id
    LOOP
        v_amount := least(advance_left(v_payment), v_take - v_applied);
        CONTINUE WHEN v_amount <= 0;
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        VALUES (v_payment.id, v_document.id, v_amount)
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount;
        v_applied := v_applied + v_amount;
    END LOOP;
    RETURN round_money(v_applied, currency_exponent(v_document.currency));
END $$;
COMMENT ON FUNCTION apply_credit(bigint, numeric) IS
    'settle an invoice from what its client paid before and no document took, oldest payment first, up to amount; '
    'money that names another contract stays; returns what was applied (0 when there is no credit)';
SELECT allow('clerk', 'execute', 'apply_credit');

CREATE FUNCTION pay_bill(document bigint, cash_account bigint, paid_on date DEFAULT NULL,
                         amount numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(pay_bill.document, 'bill');
    v_open numeric;
    v_payment bigint;
BEGIN
    v_open := (SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id);
    IF v_open IS NULL THEN
        RAISE EXCEPTION '% is % and cannot be paid', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = unpayable_hint(v_document);
    END IF;
    IF v_open < 0 THEN
        RAISE EXCEPTION '% is of % %, which no payment out can be', document_name(v_document.id), trim_scale(v_open),
            v_document.currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'It is taken off what is paid for other bills: allocate_payment(); money that comes back for it '
                       'is a payment in.';
    END IF;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id,
                         project_id, purpose)
    VALUES ('out', 'posted', coalesce(pay_bill.paid_on, books_today()), coalesce(pay_bill.amount, v_open),
            v_document.currency, pay_bill.cash_account,
            coalesce((SELECT min(l.article) FROM document_line l JOIN account a ON a.code = l.article
                       WHERE l.document_id = v_document.id AND a.kind = 'expense'),
                     bill_article(v_document.party_id)), v_document.party_id,
            v_document.contract_id, v_document.project_id, 'Bill ' || v_document.outside_number)
    RETURNING id INTO v_payment;
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p WHERE p.id = v_payment;
    INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (v_payment, v_document.id,
        coalesce(pay_bill.amount, v_open));
    RETURN v_payment;
END $$;
COMMENT ON FUNCTION pay_bill(bigint, bigint, date, numeric) IS
    'pay an accepted bill, whole or in part, from a cash account and allocate the payment; returns the payment. An '
    'unaccepted bill is refused (23001)';
SELECT allow('clerk', 'execute', 'pay_bill');
