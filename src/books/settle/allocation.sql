-- ---------------------------------------------------------------------------
-- settle: payments meet documents
--
-- An allocation is a row; whatever it makes true (the invoice paid, its
-- report, its tasks, the manager's notice) follows in the same transaction,
-- and deleting the row takes all of it back.
-- ---------------------------------------------------------------------------

CREATE VIEW document_balance WITH (security_invoker) AS
    SELECT d.id AS document_id, d.kind, d.party_id, d.contract_id, d.currency, d.gross,
           coalesce(c.gross, 0)::numeric(20,6) AS credited, coalesce(a.amount, 0)::numeric(20,6) AS allocated,
           (d.gross - coalesce(c.gross, 0) - coalesce(a.amount, 0))::numeric(20,6) AS open, d.due_on, d.issued_on,
           k.flow
      FROM document d
      JOIN document_kind k ON k.kind = d.kind AND k.flow IS NOT NULL
      JOIN document_state s ON (s.kind, s.status) = (d.kind, d.status)
      LEFT JOIN LATERAL (SELECT -sum(l.gross) AS gross FROM document n JOIN document_line l ON l.document_id = n.id
                         AND l.kind = 'credit_note'
                          WHERE n.based_on = d.id AND n.kind = 'credit_note') c ON d.kind = 'invoice'
      LEFT JOIN LATERAL (SELECT sum(a.amount) AS amount FROM payment_allocation a WHERE a.document_id = d.id) a ON true
     WHERE coalesce(s.posted, was_binding(d.id));
COMMENT ON VIEW document_balance IS
    'issued invoices and accepted bills: gross, credited, allocated (paid) and open, in the currency of the document; '
    'flow: of the payments that settle it';
SELECT allow('reader', 'select', 'document_balance');

CREATE FUNCTION credited_whole(p_document bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document_balance b
                    WHERE b.document_id = p_document AND b.credited = b.gross AND b.credited <> 0);
END;
COMMENT ON FUNCTION credited_whole(bigint) IS 'is all of an invoice taken back by credit notes?';

-- What is free again is agreed still, and may be invoiced.
CREATE FUNCTION credited_report(p_report bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN bool_or(l.released_at IS NULL AND l.credited_by IS NULL AND l.gross <> 0) THEN 'agreed'
                WHEN bool_or(l.credited_by IS NOT NULL) THEN 'credited'
                ELSE 'void' END
      FROM document_line l
     WHERE l.document_id = p_report;
END;
COMMENT ON FUNCTION credited_report(bigint) IS
    'the status of a report whose invoice is credited whole: agreed while work of it is left, else credited where what '
    'was given up stands on it, void where all of it is free';

CREATE FUNCTION settled_status(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN b.flow IS NOT NULL
                THEN CASE WHEN credited_whole(d.id) THEN 'credited'
                          WHEN b.open = 0 THEN 'paid'
                          WHEN b.allocated <> 0 THEN 'partly_paid'
                          WHEN d.kind = 'bill' THEN 'agreed' ELSE 'sent' END
                WHEN d.kind = 'report'
                THEN coalesce((SELECT s.report_status FROM document i JOIN document_state s USING (kind, status)
                                WHERE i.based_on = d.id AND s.report_status IS NOT NULL AND NOT credited_whole(i.id)
                                ORDER BY i.id DESC LIMIT 1),
                              CASE WHEN EXISTS (SELECT FROM document i WHERE i.based_on = d.id AND i.kind = 'invoice'
                                                AND credited_whole(i.id))
                                   THEN credited_report(d.id) ELSE 'agreed' END) END
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
    PERFORM withdraw_reminders(ARRAY[p_document]);
    IF (SELECT b.open * sign(b.gross) FROM document_balance b WHERE b.document_id = p_document) < 0 THEN
        RETURN;  -- credit() is about to give back what is paid too much
    END IF;
    UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = p_reason
     WHERE d.id = p_document AND d.status <> v_status AND NOT stays_settled(d, v_status);
END $$;
COMMENT ON FUNCTION settle_document(bigint, text) IS
    'give an invoice or bill the status that its payments and credits make true; reminders that wait named what was '
    'open before and are taken back';

CREATE FUNCTION unpayable_hint(p_document document) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN p_document.kind = 'bill' AND has_step(p_document, 'agreed', true)
                THEN 'Accept the bill first: transition(document, ''agreed'').'
                ELSE 'Only issued invoices and accepted bills are paid: view document_balance lists them.' END;
END $$;
COMMENT ON FUNCTION unpayable_hint(document) IS 'what to do about a document that takes no payment';

CREATE FUNCTION allocation_fault(p_payment payment, p_document document, p_amount numeric, p_open numeric,
                                 p_row numeric, p_left numeric, OUT wrong text, OUT hint text)
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_flow CONSTANT text := (SELECT k.flow FROM document_kind k WHERE k.kind = p_document.kind);
    v_sign CONSTANT numeric := sign(p_document.gross);
    v_used CONSTANT numeric := CASE p_payment.flow WHEN v_flow THEN p_amount ELSE -p_amount END;
BEGIN
    IF p_open IS NULL THEN
        wrong := format('is %s and takes no payment', p_document.status);
        hint := unpayable_hint(p_document);
    ELSIF p_payment.status <> 'posted' THEN
        wrong := format('cannot take payment %s, which is %s', p_payment.id, p_payment.status);
        hint := 'Post the payment first.';
    ELSIF p_payment.flow <> v_flow AND (p_payment.flow = 'transfer' OR v_flow = 'in' OR v_sign > 0) THEN
        wrong := format('cannot take payment %s, which goes %s', p_payment.id, p_payment.flow);
        hint := 'Invoices are paid by money that comes in, bills by money that goes out; what is sent back lowers what '
                'the party has left.';
    ELSIF p_payment.party_id IS DISTINCT FROM p_document.party_id THEN
        wrong := format('is not of the party of payment %s', p_payment.id);
        hint := 'Correct party_id of the payment, or choose another document.';
    ELSIF NOT of_one_group(p_payment.contract_id, p_document.contract_id) THEN
        wrong := format('is of another contract than payment %s', p_payment.id);
        hint := 'A payment that names a contract settles documents of that contract: take the contract off the payment '
                'first, or choose another document.';
    ELSIF p_payment.currency <> p_document.currency THEN
        wrong := format('is in %s, payment %s in %s', p_document.currency, p_payment.id, p_payment.currency);
        hint := 'Allocate payments of the currency of the document.';
    ELSIF settled_flow(p_payment.article) IS DISTINCT FROM v_flow THEN
        wrong := format('cannot take payment %s of article "%s"', p_payment.id, p_payment.article);
        hint := 'Invoices take payments of the articles that view settling_article lists, as revenue, bills those of '
                'an expense; net_out() sets the one off against the other.';
    ELSIF is_bound(p_payment) AND p_payment.paid_on < coalesce(p_document.opened_on, p_document.issued_on) THEN
        wrong := format('is not there on %s', iso(p_payment.paid_on));
        hint := 'What is written off or set off is owed by then: give a later day.';
    ELSIF p_amount <> round_money(p_amount, currency_exponent(p_document.currency)) THEN
        wrong := format('cannot take %s %s, which %s cannot hold', trim_scale(p_amount), p_document.currency,
                        p_document.currency);
        hint := 'Round the amount first.';
    ELSIF p_row * v_sign <= 0 THEN
        wrong := format('cannot take %s %s', trim_scale(p_row), p_document.currency);
        hint := 'Amounts are above zero, and below it for a bill below zero; unallocate() takes back.';
    ELSIF p_amount * v_sign > p_open * v_sign THEN
        wrong := format('has %s %s open, not %s', trim_scale(p_open), p_document.currency, trim_scale(p_amount));
        hint := 'Allocate what is open; the rest stays as credit.';
    ELSIF v_used > 0 AND v_used > p_left THEN
        wrong := format('cannot take %s of payment %s, which has %s %s left', trim_scale(v_used), p_payment.id,
                        trim_scale(greatest(p_left, 0)), p_payment.currency);
        hint := 'Allocate what is left of it; what was sent back is not there.';
    END IF;
END $$;
COMMENT ON FUNCTION allocation_fault(payment, document, numeric, numeric, numeric, numeric) IS
    'why a document cannot take an amount of a payment, and the way out, of what is open of the one and left of the '
    'other; p_row: what the allocation comes to. NULL: it can';

-- The rows of a statement are looked at in order, each beside what is open and
-- left before it: what is after all of them, and what it and those behind it take.
CREATE FUNCTION check_allocations(p_rows bigint[], p_taken numeric[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT d.id AS document_id, f.wrong, f.hint INTO v_bad
      FROM (SELECT a.id, a.payment_id, a.document_id, a.amount, a.bound, x.taken,
                   sum(x.taken) OVER (PARTITION BY a.document_id ORDER BY a.id DESC) AS of_document,
                   -- what takes something off comes before what it pays
                   sum(x.taken * a.way) OVER (PARTITION BY a.payment_id
                                              ORDER BY x.taken * a.way < 0, a.id DESC) AS of_payment,
                   sum(x.taken * a.way) OVER (PARTITION BY a.party_id, a.flow, a.currency
                                              ORDER BY x.taken * a.way < 0, a.id DESC) AS of_party
              FROM unnest(p_rows, p_taken) x (id, taken) JOIN payment_use a ON a.id = x.id) a
      JOIN payment p ON p.id = a.payment_id
      JOIN document d ON d.id = a.document_id
      LEFT JOIN document_balance b ON b.document_id = d.id
     CROSS JOIN LATERAL (SELECT sum(u.used) AS used FROM payment_use u WHERE u.payment_id = p.id) t
     CROSS JOIN LATERAL allocation_fault(p, d, a.taken, b.open + a.of_document, a.amount,
                                         least(p.amount - t.used + a.of_payment,
                                               CASE WHEN NOT a.bound THEN advance_pool(p) + a.of_party END)) f
     WHERE f.wrong IS NOT NULL
     ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% %', document_name(v_bad.document_id), v_bad.wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits', HINT = v_bad.hint;
    END IF;
END $$;
COMMENT ON FUNCTION check_allocations(bigint[], numeric[]) IS
    'refuse (23514) allocations that took an amount each: posted payment and issued document of one party, contract '
    'and currency, never more than is left or open';

CREATE FUNCTION check_payments_suffice(p_payments bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad record;
BEGIN
    SELECT u.payment_id, u.of_payment, u.currency, sum(u.used) AS used INTO v_bad
      FROM payment_use u WHERE u.payment_id = ANY (p_payments)
     GROUP BY 1, 2, 3 HAVING sum(u.used) > u.of_payment OR sum(u.used) < 0 ORDER BY 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'payment % of % % would pay %', v_bad.payment_id, trim_scale(v_bad.of_payment), v_bad.currency,
            trim_scale(v_bad.used)
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocation_fits',
                HINT = 'A bill below zero is taken off what the payment pays: take back both, or all of it by '
                       'unallocate(payment).';
    END IF;
END $$;
COMMENT ON FUNCTION check_payments_suffice(bigint[]) IS
    'refuse (23514) payments that pay more than they are, because what took something off is gone';

-- What was no money first, then the last one first: each gives what those after it
-- leave to be given back.
CREATE FUNCTION take_back_allocations(p_ids bigint[], p_amount numeric) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_part record;
    v_whole bigint[];
BEGIN
    SELECT array_agg(x.id) FILTER (WHERE x.before + x.amount <= p_amount) INTO v_whole
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY is_bound(p) DESC, a.allocated_at DESC, a.id DESC)
                                   - a.amount AS before
              FROM payment_allocation a JOIN payment p ON p.id = a.payment_id
             WHERE a.id = ANY (p_ids) AND a.amount > 0) x;
    SELECT x.id, p_amount - x.before AS amount INTO v_part
      FROM (SELECT a.id, a.amount, sum(a.amount) OVER (ORDER BY is_bound(p) DESC, a.allocated_at DESC, a.id DESC)
                                   - a.amount AS before
              FROM payment_allocation a JOIN payment p ON p.id = a.payment_id
             WHERE a.id = ANY (p_ids) AND a.amount > 0) x
     WHERE x.before < p_amount AND x.before + x.amount > p_amount;
    DELETE FROM payment_allocation a WHERE a.id = ANY (v_whole);
    UPDATE payment_allocation a SET amount = a.amount - v_part.amount WHERE a.id = v_part.id;
END $$;
COMMENT ON FUNCTION take_back_allocations(bigint[], numeric) IS
    'take an amount back of allocations: of write-offs, then the last one first';

-- What was sent back pays no invoice: a bank's fact is not refused, so what it
-- paid is open again.
CREATE FUNCTION free_overdrawn(p_parties bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_over record;
BEGIN
    FOR v_over IN
        SELECT c.party_id, -c.credit AS amount, array_agg(u.id) AS ids
          FROM client_credit c
          JOIN payment_use u ON u.party_id = c.party_id AND u.currency = c.currency AND u.document_flow = 'in'
                             AND NOT u.bound
         WHERE c.party_id = ANY (p_parties) AND c.credit < 0
         GROUP BY c.party_id, c.currency, c.credit ORDER BY c.party_id, c.currency
    LOOP
        PERFORM take_back_allocations(v_over.ids, v_over.amount);
    END LOOP;
END $$;
COMMENT ON FUNCTION free_overdrawn(bigint[]) IS
    'where more was sent back to clients than they have left, what was allocated last is taken back';

CREATE FUNCTION settle_allocated(p_payments bigint[], p_documents bigint[], p_done text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    PERFORM settle_document(x.document_id, format('payment %s %s', x.payments, p_done))
       FROM (SELECT u.document_id, string_agg(DISTINCT u.payment_id::text, ', ') AS payments
               FROM unnest(p_payments, p_documents) u (payment_id, document_id) GROUP BY 1 ORDER BY 1) x;
    PERFORM post_matches(p_payments, p_documents);
END $$;
COMMENT ON FUNCTION settle_allocated(bigint[], bigint[], text) IS
    'what payments that were allocated to documents, or taken back, make true: the documents take the status that '
    'follows, in order, and the ledger has it';

CREATE FUNCTION follow_allocations() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_rows bigint[];
    v_payments bigint[];
    v_documents bigint[];
    v_taken numeric[];
    v_moved bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id ORDER BY n.id), array_agg(n.payment_id ORDER BY n.id),
            array_agg(n.document_id ORDER BY n.id),
               array_agg(n.amount ORDER BY n.id)
          INTO v_rows, v_payments, v_documents, v_taken FROM new_rows n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(o.payment_id ORDER BY o.id), array_agg(o.document_id ORDER BY o.id)
          INTO v_payments, v_documents FROM old_rows o;
    ELSE
        SELECT array_agg(n.id ORDER BY n.id), array_agg(n.payment_id ORDER BY n.id),
            array_agg(n.document_id ORDER BY n.id),
               array_agg(n.amount - o.amount ORDER BY n.id),
               min(o.id) FILTER (WHERE (n.payment_id, n.document_id) <> (o.payment_id, o.document_id))
          INTO v_rows, v_payments, v_documents, v_taken, v_moved FROM new_rows n JOIN old_rows o USING (id);
    END IF;
    IF v_moved IS NOT NULL THEN
        RAISE EXCEPTION 'allocation % stays with its payment and document', v_moved
            USING ERRCODE = 'restrict_violation', HINT = 'Take it back with unallocate() and allocate anew.';
    END IF;
    IF v_payments IS NULL THEN
        RETURN NULL;  -- a statement that found nothing
    END IF;
    -- whoever allocates by the functions of the books holds them already, from before the first row
    PERFORM lock_parties(ARRAY(
        SELECT p.party_id FROM payment p WHERE p.id = ANY (v_payments)
        UNION SELECT d.party_id FROM document d WHERE d.id = ANY (v_documents)));
    PERFORM check_allocations(v_rows, v_taken) WHERE v_rows IS NOT NULL;
    PERFORM check_payments_suffice(v_payments);
    PERFORM settle_allocated(v_payments, v_documents, CASE TG_OP WHEN 'DELETE' THEN 'taken back' ELSE 'allocated' END);
    PERFORM shrink_contra(v_payments) WHERE TG_OP <> 'INSERT';
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_allocations() IS
    'trigger function of payment_allocation, once a statement: the parties are held, nothing is allocated above what '
    'is left or open (23514), documents and their reports take the status that follows. SECURITY DEFINER because '
    'nobody is granted what follows';

CREATE FUNCTION follow_changed_payments(p_old payment[], p_new payment[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_wrong record;
BEGIN
    SELECT o.id, o.currency, a.amount INTO v_wrong
      FROM unnest(p_old) o
      JOIN unnest(p_new) n USING (id)
      JOIN (SELECT u.payment_id, sum(u.used) AS amount FROM payment_use u
             WHERE u.payment_id IN (SELECT o.id FROM unnest(p_old) o) GROUP BY 1) a ON a.payment_id = o.id
     WHERE n.status <> 'void'
       AND (n.amount < a.amount OR (n.currency, n.flow) <> (o.currency, o.flow)
            OR n.party_id IS DISTINCT FROM o.party_id
            OR settled_flow(n.article) IS DISTINCT FROM settled_flow(o.article)
            OR EXISTS (SELECT FROM payment_use u JOIN document d ON d.id = u.document_id
                        WHERE u.payment_id = n.id AND NOT of_one_group(d.contract_id, n.contract_id)))
     ORDER BY o.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'payment % has % % allocated to documents', v_wrong.id, trim_scale(v_wrong.amount),
            v_wrong.currency
            USING ERRCODE = 'restrict_violation', HINT = 'Take that back with unallocate() first.';
    END IF;
    DELETE FROM payment_allocation a WHERE a.payment_id IN (SELECT n.id FROM unnest(p_new) n WHERE n.status = 'void');
    -- an exchange that never was cost nothing
    UPDATE payment p SET status = 'void'
     WHERE p.source = 'exchange' AND p.status = 'posted'
       AND p.external_id IN (SELECT n.id::text FROM unnest(p_new) n WHERE n.status = 'void' AND n.received IS NOT NULL);
END $$;
COMMENT ON FUNCTION follow_changed_payments(payment[], payment[]) IS
    'voiding payments takes their allocations back, and the fee of an exchange; what is '
    'allocated cannot be changed away (23001)';
