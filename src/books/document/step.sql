-- ---------------------------------------------------------------------------
-- lifecycle: figures, the steps of a document and what each step does
--
-- The steps are taken by changing document.status, and a trigger does what
-- belongs to each: sending stamps and numbers, sent reports hold their
-- charges, agreed ones freeze and post them, rejected and void ones release.
-- So no caller can take a step and leave its consequence out.
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_step(p_document document, p_status text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_steps text := (SELECT string_agg(t.to_status, ', ' ORDER BY t.to_status) FROM document_transition t
                      WHERE t.kind = p_document.kind AND t.from_status = p_document.status AND t.by_hand);
BEGIN
    RAISE EXCEPTION '% cannot go from % to %', document_name(p_document.id), p_document.status, p_status
        USING ERRCODE = 'restrict_violation',
            DETAIL = CASE WHEN p_status = ANY (string_to_array(v_steps, ', ')) THEN 'Payments or credits of it stand in the way.'
                          WHEN v_steps IS NULL THEN format('There is no step by hand from %s.', p_document.status)
                          ELSE format('From %s it can go to: %s.', p_document.status, v_steps) END,
            HINT = CASE WHEN p_document.kind = 'report' AND p_status IN ('invoiced', 'partly_paid', 'paid')
                        THEN 'A report becomes invoiced by issue_invoice() and paid when its invoice is paid, never by hand.'
                        WHEN p_document.kind IN ('invoice', 'bill') AND p_status IN ('partly_paid', 'paid')
                        THEN 'It becomes paid by the payments allocated to it: allocate_payment().'
                        WHEN p_document.kind = 'invoice' AND p_status = 'void' THEN 'Take its payments back with unallocate() first, or use credit().'
                        WHEN p_document.kind = 'report' AND p_status = 'void' THEN 'Void or credit its invoice first.'
                        WHEN p_document.kind = 'credit_note' AND p_status = 'void' THEN 'Bill what it set free again.'
                        WHEN p_status = 'superseded' THEN 'revise() makes the next revision.'
                        WHEN p_status = 'credited' THEN 'credit() makes a credit note.'
                        ELSE 'Table document_transition lists the steps.' END;
END $$;
COMMENT ON FUNCTION refuse_step(document, text) IS 'raise (23001) that a document cannot take a step, with those it can take and the way out';

CREATE FUNCTION take_step(p_old document, INOUT p_new document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_total record;
    v_number record;
    v_event bigint;
BEGIN
    IF p_old.status = 'draft' AND p_new.status = 'sent' THEN
        IF p_new.kind IN ('report', 'invoice') THEN
            PERFORM check_report_lines(p_new.id);
        END IF;
        SELECT * INTO v_total FROM stamp_lines(p_new.id);
        p_new.net := v_total.net;
        p_new.tax := v_total.tax;
        p_new.gross := v_total.gross;
        p_new.period_from := coalesce(p_new.period_from, v_total.first_day);
        p_new.period_to := coalesce(p_new.period_to, v_total.last_day);
        p_new.issued_on := coalesce(p_new.issued_on, books_today());
        p_new.issued_at := clock_timestamp();
        IF p_new.kind IN ('report', 'invoice', 'act', 'credit_note', 'specification', 'proforma', 'bill')
            AND NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = p_new.id) THEN
            RAISE EXCEPTION '% has no lines', document_name(p_new.id)
                USING ERRCODE = 'restrict_violation', HINT = 'Build it anew over other work, or discard() it.';
        END IF;
        IF p_new.kind IN ('invoice', 'proforma') THEN
            p_new.due_on := coalesce(p_new.due_on, p_new.issued_on + (SELECT p.payment_terms_days FROM party p WHERE p.id = p_new.party_id));
            IF p_new.gross < 0 THEN
                RAISE EXCEPTION '% would be of % %', document_name(p_new.id), trim_scale(p_new.gross), p_new.currency
                    USING ERRCODE = 'restrict_violation',
                        HINT = 'Corrections outweigh the new work: bill them together with later work, or credit() the earlier invoice.';
            END IF;
        END IF;
        IF p_new.kind = 'report' THEN
            UPDATE charge h SET held_by = p_new.id
              FROM document_line l WHERE l.document_id = p_new.id AND h.id = l.charge_id AND h.frozen_at IS NULL;
        END IF;
        IF p_new.kind = 'invoice' THEN
            PERFORM freeze_charges(ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_new.id AND l.claim ORDER BY 1)
                                   || adjust_lines(p_new.id), format('document:%s:freeze', p_new.id), p_new.id);
        END IF;
        IF p_new.kind IN ('invoice', 'credit_note') THEN
            PERFORM post_tax(p_new.id, p_new.issued_on);
        END IF;
        IF NOT p_new.incoming THEN
            SELECT * INTO v_number FROM next_number(p_new.own_id, p_new.kind, p_new.issued_on);
            p_new.series_id := v_number.series_id;
            p_new.series_no := v_number.series_no;
            p_new.number := v_number.number;
            p_new.issued_at := clock_timestamp();  -- under the lock of the series, so in the order of the numbers
        END IF;
    ELSIF p_new.kind = 'report' AND p_old.status = 'sent' AND p_new.status = 'agreed' THEN
        PERFORM freeze_charges(ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_new.id ORDER BY 1)
                               || adjust_lines(p_new.id), format('document:%s:agree', p_new.id), p_new.id);
    ELSIF p_new.kind = 'bill' AND p_old.status = 'sent' AND p_new.status = 'agreed' THEN
        PERFORM post_bill(p_new.id);
    ELSIF p_new.status = 'void' AND p_old.status <> 'draft' THEN
        SELECT e.id INTO v_event FROM event e
         WHERE e.key = format('document:%s:%s', p_new.id, CASE p_new.kind WHEN 'bill' THEN 'accept' ELSE 'issue' END);
        IF FOUND THEN
            PERFORM reverse_event(v_event, format('document:%s:void', p_new.id),
                                  greatest(p_new.issued_on, (SELECT max(k.locked_through) + 1 FROM period_lock k)));
        END IF;
    END IF;
END $$;
COMMENT ON FUNCTION take_step(document, document) IS
    'what a step does before it is taken: stamp, hold, freeze, post and, last, number; returns the row as it is to be stored';

CREATE FUNCTION guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_open CONSTANT text[] := '{status,status_reason,status_by,status_said_by,sign_status,sign_at,sign_by,sign_ref,signature,signature_type,file_url,note,deal_id,source,external_id}';
    v_hand boolean;
    v_column text;
BEGIN
    PERFORM lock_parties(ARRAY[OLD.party_id, NEW.party_id]);
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION '% was issued and cannot be deleted', document_name(OLD.id)
                USING ERRCODE = 'restrict_violation', HINT = 'void() keeps it with its number and sets its work free.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a document begins as a draft, not as %', NEW.status
                USING ERRCODE = 'restrict_violation', HINT = 'Insert a draft and take it on with transition().';
        END IF;
        RETURN NEW;
    END IF;

    IF OLD.status <> 'draft' AND to_jsonb(OLD) - c_open <> to_jsonb(NEW) - c_open THEN
        SELECT n.key INTO v_column FROM jsonb_each(to_jsonb(NEW) - c_open) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
         WHERE n.value <> o.value ORDER BY n.key LIMIT 1;
        RAISE EXCEPTION '% is issued: its % cannot be changed', document_name(OLD.id), v_column
            USING ERRCODE = 'restrict_violation',
                HINT = CASE OLD.kind WHEN 'invoice' THEN 'Take it back with credit() or void() and issue another one.'
                                     ELSE 'Take it back with void(), or make its next revision with revise().' END;
    END IF;
    IF NEW.status = OLD.status THEN
        RETURN NEW;
    END IF;

    SELECT t.by_hand INTO v_hand FROM document_transition t
     WHERE t.kind = OLD.kind AND t.from_status = OLD.status AND t.to_status = NEW.status;
    -- A step that follows from something else is only taken when it does.
    IF NOT FOUND OR NOT v_hand AND NEW.status <> 'superseded' AND settled_status(OLD.id) IS DISTINCT FROM NEW.status
        OR NEW.status = 'void' AND EXISTS (SELECT FROM payment_allocation a WHERE a.document_id = OLD.id)
        OR NEW.status = 'void' AND OLD.kind = 'invoice'
           AND EXISTS (SELECT FROM document c WHERE c.based_on = OLD.id AND c.kind = 'credit_note' AND c.status <> 'draft') THEN
        PERFORM refuse_step(OLD, NEW.status);
    END IF;
    NEW.status_by := actor();
    NEW := take_step(OLD, NEW);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_document() IS
    'trigger function of document: issued ones keep their content (23001), steps are those of document_transition, and each does what belongs to it; '
    'SECURITY DEFINER because nobody is granted what a step writes';

CREATE FUNCTION follow_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_waiting bigint[];
    v_status text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.status = OLD.status THEN
        RETURN NULL;
    END IF;
    INSERT INTO document_status_change (document_id, from_status, to_status, said_by, reason)
    VALUES (CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END, CASE WHEN TG_OP <> 'INSERT' THEN OLD.status END,
            CASE WHEN TG_OP <> 'DELETE' THEN NEW.status END,
            CASE WHEN TG_OP = 'UPDATE' THEN NEW.status_said_by END, CASE WHEN TG_OP = 'UPDATE' THEN NEW.status_reason END);
    IF TG_OP <> 'UPDATE' THEN
        RETURN NULL;
    END IF;

    IF NEW.status IN ('void', 'rejected', 'superseded') THEN
        PERFORM release_lines(ARRAY(SELECT l.id FROM document_line l WHERE l.document_id = NEW.id AND l.released_at IS NULL ORDER BY 1), NEW.id);
    END IF;
    IF NEW.kind = 'invoice' AND NEW.based_on IS NOT NULL THEN
        v_status := settled_status(NEW.based_on);
        UPDATE document d SET status = v_status, status_said_by = NULL, status_reason = format('%s: %s', document_name(NEW.id), NEW.status)
         WHERE d.id = NEW.based_on AND d.kind = 'report' AND d.status <> v_status AND NOT (d.status = 'archived' AND v_status = 'paid');
    END IF;
    IF NEW.kind = 'invoice' AND 'paid' IN (NEW.status, OLD.status) AND 'archived' NOT IN (NEW.status, OLD.status) THEN
        PERFORM notify_paid(NEW.id, NEW.status = 'paid');
    END IF;
    IF NEW.kind = 'specification' AND NEW.status = 'agreed' THEN
        v_waiting := ARRAY(SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id
                            WHERE e.task_id = NEW.task_id ORDER BY 1);
        PERFORM rate_entries(v_waiting) WHERE cardinality(v_waiting) > 0;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_document() IS
    'trigger function of document: keeps the change of status, releases, takes the report of an invoice along, tells the manager, rates work that waited '
    'for its specification; SECURITY DEFINER because nobody is granted what follows';

CREATE FUNCTION guard_document_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{released_at,released_by,adjustment_id,contract_line_id}';
    v_document document;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = CASE TG_OP WHEN 'INSERT' THEN NEW.document_id ELSE OLD.document_id END;
    IF NOT FOUND OR v_document.status = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - c_open = to_jsonb(NEW) - c_open
        AND (OLD.adjustment_id IS NULL OR NEW.adjustment_id = OLD.adjustment_id)
        AND (OLD.contract_line_id IS NULL OR NEW.contract_line_id = OLD.contract_line_id)
        AND (OLD.released_at IS NOT DISTINCT FROM NEW.released_at
             OR OLD.released_at IS NULL AND (v_document.status IN ('void', 'rejected', 'superseded')
                OR EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                            WHERE n.document_id = NEW.released_by AND (r.charge_id = NEW.charge_id OR r.id = NEW.reverses_line_id)))) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is issued: its lines cannot be %', document_name(v_document.id),
        CASE TG_OP WHEN 'INSERT' THEN 'added to' WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END
        USING ERRCODE = 'restrict_violation',
            HINT = CASE v_document.kind WHEN 'invoice' THEN 'Take lines back with credit(), or all of it with void().'
                                        ELSE 'Take it back with void(), or make its next revision with revise().' END;
END $$;
COMMENT ON FUNCTION guard_document_line() IS 'trigger function of document_line: lines of what is issued stay as they are (23001), but for their release';
