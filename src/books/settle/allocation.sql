-- ---------------------------------------------------------------------------
-- settle: payments meet documents
--
-- An allocation is a row; whatever it makes true (the invoice paid, its
-- report, its tasks, the manager's notice) follows in the same transaction,
-- and deleting the row takes all of it back.
-- ---------------------------------------------------------------------------

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
