-- ---------------------------------------------------------------------------
-- settle: payments meet documents
--
-- An allocation is a row; whatever it makes true (the invoice paid, its
-- report, its tasks, the manager's notice) follows in the same transaction,
-- and deleting the row takes all of it back.
-- ---------------------------------------------------------------------------

CREATE TABLE payment_allocation (
    id bigserial CONSTRAINT payment_allocation_pkey PRIMARY KEY,
    payment_id bigint NOT NULL CONSTRAINT payment_allocation_payment_fkey REFERENCES payment,
    document_id bigint NOT NULL CONSTRAINT payment_allocation_document_fkey REFERENCES document,
    amount numeric(20,6) NOT NULL
        CONSTRAINT payment_allocation_positive CHECK (amount > 0 AND amount <> 'NaN'),
    allocated_at timestamptz NOT NULL DEFAULT now(),
    allocated_by text NOT NULL DEFAULT actor(),
    CONSTRAINT payment_allocation_key UNIQUE (payment_id, document_id)
);
COMMENT ON TABLE payment_allocation IS
    'which part of a payment settles which invoice or bill, in their common currency; what is not allocated stays as the payer''s credit. The sum is '
    'never above the payment, nor above what is open';
SELECT allow('reader', 'select', 'payment_allocation');
CREATE INDEX payment_allocation_document_idx ON payment_allocation (document_id);
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment_allocation
    FOR EACH ROW EXECUTE FUNCTION own_columns('allocated_at', 'allocated_by');
SELECT watch('payment_allocation');

CREATE VIEW document_balance WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.party_id, d.contract_id, d.currency, d.gross, coalesce(c.gross, 0)::numeric(20,6) AS credited,
           coalesce(a.amount, 0)::numeric(20,6) AS allocated, (d.gross - coalesce(c.gross, 0) - coalesce(a.amount, 0))::numeric(20,6) AS open, d.due_on, d.issued_on
      FROM document d
      LEFT JOIN LATERAL (SELECT -sum(l.gross) AS gross FROM document n JOIN document_line l ON l.document_id = n.id AND l.kind = 'credit_note'
                          WHERE n.based_on = d.id AND n.kind = 'credit_note') c ON d.kind = 'invoice'
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.document_id = d.id) a ON true
     WHERE d.kind = 'invoice' AND d.status NOT IN ('draft', 'void')
        OR d.kind = 'bill' AND d.status IN ('agreed', 'partly_paid', 'paid', 'archived');
COMMENT ON VIEW document_balance IS
    'issued invoices and accepted bills: gross, credited, allocated (paid) and open, in the currency of the document';
SELECT allow('reader', 'select', 'document_balance');

CREATE FUNCTION settled_status(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN d.kind IN ('invoice', 'bill')
                THEN CASE WHEN b.credited = b.gross AND b.credited <> 0 THEN 'credited'
                          WHEN b.open = 0 THEN 'paid'
                          WHEN b.allocated > 0 THEN 'partly_paid'
                          WHEN d.kind = 'bill' THEN 'agreed' ELSE 'sent' END
                WHEN d.kind = 'report'
                THEN coalesce((SELECT CASE i.status WHEN 'sent' THEN 'invoiced' WHEN 'archived' THEN 'paid' ELSE i.status END
                                 FROM document i
                                WHERE i.based_on = d.id AND i.kind = 'invoice' AND i.status NOT IN ('draft', 'void', 'credited')
                                ORDER BY i.id DESC LIMIT 1),
                              CASE WHEN EXISTS (SELECT FROM document i WHERE i.based_on = d.id AND i.kind = 'invoice' AND i.status = 'credited')
                                        AND NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = d.id AND l.released_at IS NULL AND l.gross <> 0)
                                   THEN 'void' ELSE 'agreed' END) END
      FROM document d LEFT JOIN document_balance b ON b.document_id = d.id
     WHERE d.id = p_document;
END;
COMMENT ON FUNCTION settled_status(bigint) IS
    'the status that payments and credits give an issued invoice or accepted bill, and that its invoice gives a report';

CREATE FUNCTION notify_paid(p_document bigint, p_paid boolean) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM notification n WHERE NOT p_paid AND n.document_id = p_document AND n.kind = 'invoice_paid' AND n.delivered_at IS NULL;
    INSERT INTO notification (kind, recipient_id, party_id, contract_id, document_id, message, payload, dedupe_key)
    SELECT 'invoice_paid', coalesce(c.manager_id, p.manager_id), d.party_id, d.contract_id, d.id,
           format('%s has paid invoice %s: %s %s', p.name, d.number, round(d.gross, currency_exponent(d.currency)), d.currency),
           jsonb_build_object('document', d.id, 'number', d.number, 'client', p.id, 'client_name', p.name,
                              'gross', round(d.gross, currency_exponent(d.currency))::text, 'currency', d.currency, 'report', d.based_on),
           format('document:%s:paid:%s', d.id, (SELECT count(*) FROM document_status_change s WHERE s.document_id = d.id AND s.to_status = 'paid'))
      FROM document d
      JOIN party p ON p.id = d.party_id
      LEFT JOIN contract c ON c.id = d.contract_id
     WHERE d.id = p_document AND p_paid;
END;
COMMENT ON FUNCTION notify_paid(bigint, boolean) IS
    'queue the notice that an invoice is paid for the manager of its contract or client, or withdraw it when it is not true any more';

CREATE FUNCTION settle_document(p_document bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_status text := settled_status(p_document);
BEGIN
    IF (SELECT b.open FROM document_balance b WHERE b.document_id = p_document) < 0 THEN
        RETURN;  -- credit() is about to give back what is paid too much
    END IF;
    UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = p_reason
     WHERE d.id = p_document AND d.status <> v_status AND NOT (d.status = 'archived' AND v_status IN ('paid', 'credited'));
END $$;
COMMENT ON FUNCTION settle_document(bigint, text) IS 'give an invoice or bill the status that its payments and credits make true';

CREATE FUNCTION lock_allocation(p_payment bigint, p_document bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(SELECT p.party_id FROM payment p WHERE p.id = p_payment UNION SELECT d.party_id FROM document d WHERE d.id = p_document));
END $$;
COMMENT ON FUNCTION lock_allocation(bigint, bigint) IS 'hold the parties of a payment and a document: one and the same, or the allocation is refused';

CREATE FUNCTION check_allocation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_payment payment;
    v_document document;
    v_open numeric;
    v_left numeric;
    v_before numeric := CASE TG_OP WHEN 'UPDATE' THEN OLD.amount ELSE 0 END;
    v_wrong text;
    v_hint text;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.payment_id, NEW.document_id) <> (OLD.payment_id, OLD.document_id) THEN
        RAISE EXCEPTION 'allocation % stays with its payment and document', OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Take it back with unallocate() and allocate anew.';
    END IF;
    PERFORM lock_allocation(NEW.payment_id, NEW.document_id);
    SELECT * INTO v_payment FROM payment p WHERE p.id = NEW.payment_id;
    SELECT * INTO v_document FROM document d WHERE d.id = NEW.document_id;
    IF v_payment.id IS NULL OR v_document.id IS NULL THEN
        RETURN NEW;  -- the foreign keys say it
    END IF;
    SELECT b.open + v_before INTO v_open FROM document_balance b WHERE b.document_id = v_document.id;
    v_left := v_payment.amount + v_before - (SELECT coalesce(sum(a.amount), 0) FROM payment_allocation a WHERE a.payment_id = v_payment.id);

    IF v_document.kind = 'bill' AND v_document.status IN ('draft', 'sent', 'rejected') THEN
        v_wrong := 'is not accepted';
        v_hint := 'Accept the bill first: transition(document, ''agreed'').';
    ELSIF v_open IS NULL THEN
        v_wrong := format('is %s and takes no payment', v_document.status);
        v_hint := 'Only issued invoices and accepted bills are paid; View document_balance lists them.';
    ELSIF v_payment.status <> 'posted' THEN
        v_wrong := format('cannot take payment %s, which is %s', v_payment.id, v_payment.status);
        v_hint := 'Post the payment first.';
    ELSIF v_payment.flow <> (CASE v_document.kind WHEN 'bill' THEN 'out' ELSE 'in' END) THEN
        v_wrong := format('cannot take payment %s, which goes %s', v_payment.id, v_payment.flow);
        v_hint := 'Invoices are paid by money that comes in, bills by money that goes out.';
    ELSIF v_payment.party_id IS DISTINCT FROM v_document.party_id THEN
        v_wrong := format('is not of the party of payment %s', v_payment.id);
        v_hint := 'Correct party_id of the payment, or choose another document.';
    ELSIF v_payment.currency <> v_document.currency THEN
        v_wrong := format('is in %s, payment %s in %s', v_document.currency, v_payment.id, v_payment.currency);
        v_hint := 'Allocate payments of the currency of the document.';
    ELSIF v_document.kind = 'invoice' AND (SELECT a.accrues OR a.kind <> 'income' FROM account a WHERE a.code = v_payment.article) THEN
        v_wrong := format('cannot take payment %s of article "%s"', v_payment.id, v_payment.article);
        v_hint := 'Payments of invoices have the article revenue.';
    ELSIF NEW.amount <= 0 THEN
        v_wrong := format('cannot take %s %s', trim_scale(NEW.amount), v_document.currency);
        v_hint := 'Amounts are above zero; unallocate() takes back.';
    ELSIF NEW.amount <> round_money(NEW.amount, currency_exponent(v_document.currency)) THEN
        v_wrong := format('cannot take %s %s, which %s cannot hold', trim_scale(NEW.amount), v_document.currency, v_document.currency);
        v_hint := 'Round the amount first.';
    ELSIF NEW.amount > v_open THEN
        v_wrong := format('has %s %s open, not %s', trim_scale(v_open), v_document.currency, trim_scale(NEW.amount));
        v_hint := 'Allocate what is open; the rest stays as credit.';
    ELSIF NEW.amount > v_left THEN
        v_wrong := format('cannot take %s of payment %s, which has %s %s left', trim_scale(NEW.amount), v_payment.id, trim_scale(v_left), v_payment.currency);
        v_hint := 'Allocate what is left of it.';
    END IF;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION '% %', document_name(v_document.id), v_wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits', HINT = v_hint;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_allocation() IS
    'trigger function of payment_allocation: posted payment and issued document of one party and currency, never more than is left or open (23514)';
CREATE TRIGGER payment_allocation_checked BEFORE INSERT OR UPDATE ON payment_allocation
    FOR EACH ROW EXECUTE FUNCTION check_allocation();

CREATE FUNCTION follow_allocation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_payment bigint := CASE TG_OP WHEN 'DELETE' THEN OLD.payment_id ELSE NEW.payment_id END;
    v_document bigint := CASE TG_OP WHEN 'DELETE' THEN OLD.document_id ELSE NEW.document_id END;
    v_bills boolean;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM lock_allocation(v_payment, v_document);
    END IF;
    PERFORM settle_document(v_document, format('payment %s %s', v_payment, CASE TG_OP WHEN 'DELETE' THEN 'taken back' ELSE 'allocated' END));
    v_bills := EXISTS (SELECT FROM payment_allocation a JOIN document d ON d.id = a.document_id WHERE a.payment_id = v_payment AND d.kind = 'bill');
    UPDATE payment p SET settles_bills = v_bills WHERE p.id = v_payment AND p.flow = 'out' AND p.settles_bills <> v_bills AND p.status = 'posted';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_allocation() IS
    'trigger function of payment_allocation: document and report take the status that follows; a payment of bills accrues nothing itself';
CREATE TRIGGER payment_allocation_followed AFTER INSERT OR UPDATE OR DELETE ON payment_allocation
    FOR EACH ROW EXECUTE FUNCTION follow_allocation();

CREATE FUNCTION follow_payment() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_allocated numeric := (SELECT sum(a.amount) FROM payment_allocation a WHERE a.payment_id = OLD.id);
BEGIN
    IF v_allocated IS NULL THEN
        RETURN NULL;
    END IF;
    IF NEW.status = 'void' THEN
        DELETE FROM payment_allocation a WHERE a.payment_id = OLD.id;
    ELSIF NEW.amount < v_allocated OR (NEW.currency, NEW.flow) <> (OLD.currency, OLD.flow) OR NEW.party_id IS DISTINCT FROM OLD.party_id
        OR NEW.flow = 'in' AND (SELECT a.accrues OR a.kind <> 'income' FROM account a WHERE a.code = NEW.article) THEN
        RAISE EXCEPTION 'payment % has % % allocated to documents', OLD.id, trim_scale(v_allocated), OLD.currency
            USING ERRCODE = 'restrict_violation', HINT = 'Take that back with unallocate() first.';
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_payment() IS
    'trigger function of payment: voiding a payment takes its allocations back; what is allocated cannot be changed away (23001)';
CREATE TRIGGER payment_followed AFTER UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION follow_payment();

-- Of the owner: who keeps no payments may see what they come to.
CREATE VIEW client_credit WITH (security_barrier) AS
    SELECT p.party_id, k.name AS party, p.currency,
           sum(CASE p.flow WHEN 'in' THEN p.amount - coalesce(a.amount, 0) ELSE -p.amount END)::numeric(18,2) AS credit
      FROM visible_payment p
      JOIN account c ON c.code = p.article AND c.kind = 'income' AND NOT c.accrues
      JOIN party k ON k.id = p.party_id
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.payment_id = p.id) a ON true
     WHERE p.status = 'posted' AND p.flow IN ('in', 'out')
     GROUP BY 1, 2, 3;
COMMENT ON VIEW client_credit IS 'what clients have paid and no invoice took yet, less what was paid back, by currency: their credit';
SELECT allow('reader', 'select', 'client_credit');

CREATE FUNCTION allocate_payment(payment bigint, allocations jsonb DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_payment payment;
    v_target record;
    v_left numeric;
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
        SELECT FROM jsonb_array_elements(allocations) e WHERE jsonb_typeof(e) <> 'object' OR NOT e ?& '{document,amount}')) THEN
        RAISE EXCEPTION 'allocations must be an array of {"document": id, "amount": text}'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = allocations::text;
    END IF;
    IF jsonb_array_length(allocations) > 0 THEN
        allocations := (SELECT jsonb_agg(resolve_names(e.value) ORDER BY e.no) FROM jsonb_array_elements(allocations) WITH ORDINALITY e (value, no));
    END IF;
    PERFORM lock_parties(ARRAY[v_payment.party_id]);
    v_left := v_payment.amount - (SELECT coalesce(sum(a.amount), 0) FROM payment_allocation a WHERE a.payment_id = v_payment.id);
    FOR v_target IN
        SELECT (e ->> 'document')::bigint AS document_id, (e ->> 'amount')::numeric AS amount, NULL::date AS due_on
          FROM jsonb_array_elements(allocations) e WHERE allocations IS NOT NULL
        UNION ALL
        SELECT b.document_id, b.open, coalesce(b.due_on, b.issued_on) FROM document_balance b
         WHERE allocations IS NULL AND b.party_id = v_payment.party_id AND b.currency = v_payment.currency AND b.open > 0
           AND b.kind = CASE v_payment.flow WHEN 'in' THEN 'invoice' WHEN 'out' THEN 'bill' END
           AND (v_payment.contract_id IS NULL OR b.contract_id IS NULL OR b.contract_id = v_payment.contract_id)
         ORDER BY due_on, document_id
    LOOP
        EXIT WHEN allocations IS NULL AND v_left <= 0;
        IF allocations IS NULL THEN
            v_target.amount := least(v_left, v_target.amount);
        END IF;
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount) VALUES (v_payment.id, v_target.document_id, v_target.amount)
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount;
        v_left := v_left - v_target.amount;
    END LOOP;
    RETURN round_money(v_left, currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION allocate_payment(bigint, jsonb) IS
    'settle open documents of the payer with a posted payment, oldest due first, or those named in allocations ([{"document": id or number, "amount": text}]); '
    'returns what is left of the payment, which stays as credit. A payment that names a contract settles documents of that contract only';
SELECT allow('clerk', 'execute', 'allocate_payment');

CREATE FUNCTION record_payment(content jsonb, OUT payment_id bigint, OUT allocated numeric, OUT unallocated numeric)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_content jsonb := resolve_names(json_argument(content));
    v_payment payment;
    v_account cash_account;
    v_settles boolean;
BEGIN
    PERFORM check_keys(json_argument(content), 'payment', '{flow,status,paid_on,accrued_on,amount,currency,cash_account,to_cash_account,article,party,contract,project,deal,'
        'task,employee,direction,purpose,bank_ref,allocations,source,external_id}');
    IF num_nonnulls(v_content ->> 'source', v_content ->> 'external_id') = 1 OR v_content ->> 'amount' IS NULL THEN
        RAISE EXCEPTION 'the payment has no %', CASE WHEN v_content ->> 'amount' IS NULL THEN 'amount' WHEN v_content ? 'source' THEN 'external_id' ELSE 'source' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = content::text,
                HINT = 'Give "amount" as text; "source" and "external_id" together, or neither.';
    END IF;
    PERFORM require_pay(v_content ->> 'article', (v_content ->> 'employee')::bigint, calling_role());
    SELECT * INTO v_account FROM cash_account a WHERE a.id = (v_content ->> 'cash_account')::bigint;
    -- Two who record the same payment at once: the second waits for the first
    -- and then finds it.
    INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, to_cash_account_id, article, party_id, contract_id, project_id,
                         deal_id, task_id, employee_id, direction_id, purpose, bank_ref, source, external_id, made_from)
    SELECT f.flow, coalesce(v_content ->> 'status', 'posted'), coalesce(given_date(v_content, 'paid_on'), books_today()), given_date(v_content, 'accrued_on'),
           (v_content ->> 'amount')::numeric, coalesce(v_content ->> 'currency', v_account.currency), (v_content ->> 'cash_account')::bigint,
           (v_content ->> 'to_cash_account')::bigint, coalesce(v_content ->> 'article', CASE f.flow WHEN 'in' THEN 'revenue' END),
           (v_content ->> 'party')::bigint, (v_content ->> 'contract')::bigint, (v_content ->> 'project')::bigint, (v_content ->> 'deal')::bigint,
           (v_content ->> 'task')::bigint, (v_content ->> 'employee')::bigint, (v_content ->> 'direction')::bigint, v_content ->> 'purpose',
           v_content ->> 'bank_ref', v_content ->> 'source', v_content ->> 'external_id', v_content
      FROM (SELECT coalesce(v_content ->> 'flow', 'in') AS flow) f
    ON CONFLICT DO NOTHING
    RETURNING * INTO v_payment;
    IF v_payment.id IS NULL THEN
        SELECT * INTO v_payment FROM payment p
         WHERE (p.source, p.external_id) = (v_content ->> 'source', v_content ->> 'external_id')
            OR (p.cash_account_id, p.bank_ref) = ((v_content ->> 'cash_account')::bigint, v_content ->> 'bank_ref')
         ORDER BY (p.source, p.external_id) IS NOT DISTINCT FROM (v_content ->> 'source', v_content ->> 'external_id') DESC LIMIT 1;
        PERFORM require_pay(v_payment.article, v_payment.employee_id, calling_role());
        IF v_payment.made_from IS DISTINCT FROM v_content THEN
            RAISE EXCEPTION 'payment % was recorded before with other content', v_payment.id
                USING ERRCODE = 'unique_violation', CONSTRAINT = CASE WHEN v_payment.source = v_content ->> 'source' AND v_payment.external_id = v_content ->> 'external_id'
                          THEN 'payment_external_key' ELSE 'payment_bank_ref_key' END, TABLE = 'payment',
                    DETAIL = coalesce(format('Other now: %s.', (SELECT string_agg(k.key, ', ' ORDER BY k.key) FROM jsonb_object_keys(v_content || v_payment.made_from) k (key)
                                                                 WHERE v_content -> k.key IS DISTINCT FROM v_payment.made_from -> k.key)), 'It was entered by hand.'),
                    HINT = 'Send the same content again, or void that payment and send another (source, external_id) and bank_ref.';
        END IF;
        IF v_payment.status = 'void' THEN
            RAISE EXCEPTION 'payment % was recorded before and is void', v_payment.id
                USING ERRCODE = 'restrict_violation', HINT = 'Record it anew under another external_id or bank_ref.';
        END IF;
    ELSIF v_payment.status = 'posted' THEN
        v_settles := v_content ? 'allocations'
            OR v_payment.flow = 'in' AND EXISTS (SELECT FROM account a WHERE a.code = v_payment.article AND a.kind = 'income' AND NOT a.accrues);
        PERFORM allocate_payment(v_payment.id, v_content -> 'allocations') WHERE v_settles;
    END IF;
    payment_id := v_payment.id;
    SELECT coalesce(sum(a.amount), 0) INTO allocated FROM payment_allocation a WHERE a.payment_id = v_payment.id;
    allocated := round_money(allocated, currency_exponent(v_payment.currency));
    unallocated := round_money(v_payment.amount - allocated, currency_exponent(v_payment.currency));
END $$;
COMMENT ON FUNCTION record_payment(jsonb) IS
    'enter a payment and settle what it is for, in one: {"amount" (text), "cash_account", "party" | "contract" (names, numbers or ids), "purpose", "paid_on" (default '
    'today), "flow" (default in), "status" (default posted), "article" (default revenue, of money that comes in), "currency" (default the cash account''s), '
    '"to_cash_account", "accrued_on", "project", "deal", "task", "employee", "direction", "bank_ref", "allocations" (as allocate_payment() takes them; [] keeps it '
    'all as credit), "source", "external_id"}. Money from clients settles their open invoices, oldest due first; other money what "allocations" name. Returns '
    'the payment, what is allocated and what is not. The same content again returns the same payment, other content under the same (source, external_id) or '
    'bank_ref is refused (23505)';
SELECT allow('clerk', 'execute', 'record_payment');

CREATE VIEW unallocated_payment WITH (security_invoker) AS
    SELECT p.payment_id, p.paid_on, p.party_id, p.party, p.contract_id, c.number AS contract, p.amount,
           (p.amount - coalesce(a.amount, 0))::numeric(18,2) AS unallocated, p.currency, o.open::numeric(18,2) AS open_invoices, n.numbers AS named_invoices,
           p.purpose, p.bank_ref, p.source, p.external_id
      FROM payment_card p
      JOIN account x ON x.code = p.article AND x.kind = 'income' AND NOT x.accrues
      LEFT JOIN contract c ON c.id = p.contract_id
      LEFT JOIN client_credit r ON r.party_id = p.party_id AND r.currency = p.currency
     CROSS JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.payment_id = p.payment_id) a
     CROSS JOIN LATERAL (SELECT coalesce(sum(b.open), 0) AS open FROM document_balance b
                          WHERE b.party_id = p.party_id AND b.currency = p.currency AND b.kind = 'invoice' AND b.open > 0) o
     CROSS JOIN LATERAL (SELECT string_agg(d.number, ', ' ORDER BY d.id) AS numbers FROM document d
                          WHERE d.kind = 'invoice' AND d.status IN ('sent', 'partly_paid') AND strpos(p.purpose, d.number) > 0) n
     WHERE p.status = 'posted' AND p.flow = 'in' AND p.amount > coalesce(a.amount, 0) AND coalesce(r.credit, 1) > 0;
COMMENT ON VIEW unallocated_payment IS
    'money that came from clients and no invoice took, or not all of it: unallocated in the payment''s currency; open_invoices is what its payer owes in that '
    'currency (0: an advance); named_invoices are open invoices whose number stands in the purpose; what was paid back in full is not listed';
SELECT allow('reader', 'select', 'unallocated_payment');

CREATE FUNCTION unallocate(payment bigint, document bigint DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_freed numeric;
BEGIN
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p WHERE p.id = unallocate.payment FOR NO KEY UPDATE;
    PERFORM lock_parties(ARRAY(SELECT p.party_id FROM payment p WHERE p.id = unallocate.payment));
    WITH gone AS (
        DELETE FROM payment_allocation a
         WHERE a.payment_id = unallocate.payment AND (unallocate.document IS NULL OR a.document_id = unallocate.document)
        RETURNING a.amount)
    SELECT sum(g.amount) INTO v_freed FROM gone g;
    IF v_freed IS NULL THEN
        RAISE EXCEPTION 'payment % is not allocated%', unallocate.payment, coalesce(' to ' || document_name(unallocate.document), '')
            USING ERRCODE = 'restrict_violation', HINT = 'Table payment_allocation lists what is.';
    END IF;
    RETURN (SELECT round_money(v_freed, currency_exponent(p.currency)) FROM payment p WHERE p.id = unallocate.payment);
END $$;
COMMENT ON FUNCTION unallocate(bigint, bigint) IS
    'take a payment''s allocations back, all or those to one document; statuses and notices follow; returns the amount that is credit again';
SELECT allow('clerk', 'execute', 'unallocate');

CREATE FUNCTION apply_credit(document bigint, amount numeric DEFAULT NULL) RETURNS numeric
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_payment record;
    v_credit numeric;
    v_take numeric;
    v_applied numeric := 0;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = apply_credit.document AND d.kind = 'invoice';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no invoice %', apply_credit.document
            USING ERRCODE = 'foreign_key_violation', HINT = 'Credit is applied to invoices; view document_card lists them.';
    END IF;
    PERFORM lock_documents(ARRAY[v_document.id]);
    v_credit := coalesce((SELECT c.credit FROM client_credit c WHERE c.party_id = v_document.party_id AND c.currency = v_document.currency), 0);
    v_take := least(coalesce((SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id), 0), v_credit, apply_credit.amount);
    IF apply_credit.amount > v_take THEN
        RAISE EXCEPTION 'only % % of credit can be applied to %, not %', trim_scale(greatest(v_take, 0)), v_document.currency,
            document_name(v_document.id), trim_scale(apply_credit.amount)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                DETAIL = format('The client has %s %s of credit.', v_credit, v_document.currency), HINT = 'Leave amount out to apply what can be.';
    END IF;
    FOR v_payment IN
        SELECT p.id, p.amount - coalesce((SELECT sum(a.amount) FROM payment_allocation a WHERE a.payment_id = p.id), 0) AS rest
          FROM payment p JOIN account c ON c.code = p.article AND c.kind = 'income' AND NOT c.accrues
         WHERE p.party_id = v_document.party_id AND p.currency = v_document.currency AND p.flow = 'in' AND p.status = 'posted'
         ORDER BY p.paid_on, p.id
    LOOP
        EXIT WHEN v_take <= v_applied;
        CONTINUE WHEN v_payment.rest <= 0;
        INSERT INTO payment_allocation AS old (payment_id, document_id, amount)
        VALUES (v_payment.id, v_document.id, least(v_payment.rest, v_take - v_applied))
        ON CONFLICT ON CONSTRAINT payment_allocation_key DO UPDATE SET amount = old.amount + excluded.amount;
        v_applied := v_applied + least(v_payment.rest, v_take - v_applied);
    END LOOP;
    RETURN round_money(v_applied, currency_exponent(v_document.currency));
END $$;
COMMENT ON FUNCTION apply_credit(bigint, numeric) IS
    'settle an invoice from what its client paid before and no document took, oldest payment first, up to amount; returns what was applied (0 when there '
    'is no credit)';
SELECT allow('clerk', 'execute', 'apply_credit');

CREATE FUNCTION pay_bill(document bigint, cash_account bigint, paid_on date DEFAULT NULL, amount numeric DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document;
    v_open numeric;
    v_payment bigint;
BEGIN
    PERFORM lock_documents(ARRAY[pay_bill.document]);
    SELECT * INTO v_document FROM document d WHERE d.id = pay_bill.document AND d.kind = 'bill';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no bill %', pay_bill.document
            USING ERRCODE = 'foreign_key_violation', HINT = 'View document_card lists the documents.';
    END IF;
    v_open := (SELECT b.open FROM document_balance b WHERE b.document_id = v_document.id);
    IF v_open IS NULL THEN
        RAISE EXCEPTION '% is % and cannot be paid', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Accept the bill first: transition(document, ''agreed'').';
    END IF;
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id, project_id, settles_bills, purpose)
    VALUES ('out', 'posted', coalesce(pay_bill.paid_on, books_today()), coalesce(pay_bill.amount, v_open), v_document.currency, pay_bill.cash_account,
            coalesce((SELECT min(l.article) FROM document_line l WHERE l.document_id = v_document.id), bill_article(v_document.party_id)), v_document.party_id,
            v_document.contract_id, v_document.project_id, true, 'Bill ' || v_document.outside_number)
    RETURNING id INTO v_payment;
    PERFORM require_pay(p.article, p.employee_id, calling_role()) FROM payment p WHERE p.id = v_payment;
    INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (v_payment, v_document.id, coalesce(pay_bill.amount, v_open));
    RETURN v_payment;
END $$;
COMMENT ON FUNCTION pay_bill(bigint, bigint, date, numeric) IS
    'pay an accepted bill, whole or in part, from a cash account and allocate the payment; returns the payment. An unaccepted bill is refused (23001)';
SELECT allow('clerk', 'execute', 'pay_bill');

-- ---------------------------------------------------------------------------
-- percent paid
-- ---------------------------------------------------------------------------

-- What is paid of an invoice is spread over its lines by the largest
-- remainder; lines below zero (corrections) settle others in full.
CREATE VIEW line_payment WITH (security_invoker) AS
    SELECT x.line_id, a.document_id, x.gross::numeric(20,6) AS gross, (least(x.gross, 0) + coalesce(x.share, 0))::numeric(20,6) AS paid, a.currency
      FROM (SELECT b.document_id, b.currency, b.allocated, array_agg(l.id ORDER BY l.id) AS ids, array_agg(l.gross - coalesce(c.gross, 0) ORDER BY l.id) AS grosses,
                   array_agg(greatest(l.gross - coalesce(c.gross, 0), 0) ORDER BY l.id) AS weights,
                   sum(least(l.gross - coalesce(c.gross, 0), 0)) AS below, sum(greatest(l.gross - coalesce(c.gross, 0), 0)) AS above
              FROM document_balance b
              JOIN document_line l ON l.document_id = b.document_id
              LEFT JOIN line_credit c ON c.line_id = l.id
             WHERE b.kind = 'invoice'
             GROUP BY 1, 2, 3) a
     CROSS JOIN LATERAL unnest(a.ids, a.grosses,
            CASE WHEN a.above > 0 AND a.allocated - a.below > 0 THEN allocate(a.allocated - a.below, a.weights, currency_exponent(a.currency)) END)
         AS x (line_id, gross, share);
COMMENT ON VIEW line_payment IS
    'lines of issued invoices: gross less credits, and what is paid of it, in the currency of the document; the paid sums to the allocations';
SELECT allow('reader', 'select', 'line_payment');

CREATE VIEW task_payment WITH (security_invoker) AS
    SELECT t.id AS task_id, t.number, t.title AS task, t.project_id, p.name AS project, p.client_id, k.name AS client, h.currency,
           h.charged::numeric(18,2) AS charged, h.unbilled::numeric(18,2) AS unbilled, h.reported::numeric(18,2) AS reported,
           coalesce(b.gross, 0)::numeric(18,2) AS billed_gross, coalesce(b.paid, 0)::numeric(18,2) AS paid_gross,
           coalesce(round(100 * b.paid / nullif(b.gross, 0), 2), 0)::numeric(18,2) AS percent_paid,
           coalesce(b.gross > 0 AND b.paid = b.gross, false) AS paid
      FROM task t
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN (SELECT h.task_id, h.currency, sum(h.amount) AS charged, sum(h.amount) FILTER (WHERE l.place = 'unbilled') AS unbilled,
                   sum(h.amount) FILTER (WHERE l.place = 'reported') AS reported
              FROM charge h JOIN charge_place l ON l.charge_id = h.id WHERE h.task_id IS NOT NULL GROUP BY 1, 2) h ON h.task_id = t.id
      LEFT JOIN (SELECT h.task_id, y.currency, sum(y.gross) AS gross, sum(y.paid) AS paid
                   FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id
                  GROUP BY 1, 2) b ON b.task_id = t.id AND b.currency = h.currency;
COMMENT ON VIEW task_payment IS
    'how far each task is paid: charged in all, of that unbilled and kept by reports (net), billed and paid (gross), percent of the billed that is paid; '
    'paid: all that was billed is';
SELECT allow('reader', 'select', 'task_payment');

CREATE FUNCTION percent_paid(p_task bigint, p_currency text) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_invoice bigint;
    v_gross numeric := 0;
    v_paid numeric := 0;
    v_part record;
BEGIN
    FOR v_invoice IN
        SELECT DISTINCT l.document_id FROM charge h JOIN document_line l ON l.charge_id = h.id AND l.kind = 'invoice'
         WHERE h.task_id = p_task AND h.currency = p_currency
    LOOP
        SELECT sum(y.gross) AS gross, sum(y.paid) AS paid INTO v_part
          FROM line_payment y JOIN document_line l ON l.id = y.line_id JOIN charge h ON h.id = l.charge_id AND h.task_id = p_task
         WHERE y.document_id = v_invoice;
        v_gross := v_gross + coalesce(v_part.gross, 0);
        v_paid := v_paid + coalesce(v_part.paid, 0);
    END LOOP;
    RETURN CASE WHEN v_gross <> 0 THEN round(100 * v_paid / v_gross, 2) ELSE 0 END;
END $$;
COMMENT ON FUNCTION percent_paid(bigint, text) IS 'how many per cent of what was billed of a task in a currency are paid: task_payment of one task, at the price of its invoices';
