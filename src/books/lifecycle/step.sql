-- ---------------------------------------------------------------------------
-- step: the steps of a document and what each step does
--
-- A step is taken by changing document.status, and triggers do what belongs to
-- it, so that no caller can take a step and leave its consequence out:
--
--   transition(), settle_document() …    UPDATE document SET status
--     guard_document()          before   allowed_step(): may it be taken?
--       take_step()                      send_report(), accept_bill() …: stamp, hold, freeze, post, number
--     follow_document()         after    document_status_change: the step is kept …
--       tell_steps()                     … and whoever it concerns is told (room notice)
--       follow_step()                    release_document(), carry_report() …: what others make of it
--   payment_allocation → follow_allocations() → settle_document(): payments take the invoice along,
--   carry_report() takes the report along with the invoice; each by the same two triggers
--
-- A new step is a row of document_transition (state.sql); where it does something
-- new, a procedure of a few lines and its branch in take_step() or follow_step().
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
            DETAIL = CASE WHEN p_status = ANY (string_to_array(v_steps, ', '))
                THEN 'Payments or credits of it stand in the way.'
                          WHEN v_steps IS NULL THEN format('There is no step by hand from %s.', p_document.status)
                          ELSE format('From %s it can go to: %s.', p_document.status, v_steps) END,
            HINT = coalesce((SELECT s.way_out FROM document_state s
                              WHERE (s.kind, s.status) = (p_document.kind, p_status)),
                            CASE WHEN p_document.kind = 'credit_note' THEN 'Bill what it set free again.' END,
                            'View document_transition lists the steps.');
END $$;
COMMENT ON FUNCTION refuse_step(document, text) IS
    'raise (23001) that a document cannot take a step, with those it can take and the way out';

CREATE FUNCTION allowed_step(p_document document, p_status text, p_reason text) RETURNS document_transition
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_step document_transition;
    v_from document_state := state_of(p_document);
BEGIN
    SELECT * INTO v_step FROM document_transition t
     WHERE t.kind = p_document.kind AND t.from_status = p_document.status AND t.to_status = p_status;
    -- A step that follows from something else is only taken when it does.
    IF NOT FOUND
        OR NOT v_step.by_hand AND (CASE p_status
               WHEN 'superseded' THEN NOT EXISTS (SELECT FROM document n WHERE n.supersedes_id = p_document.id)
               ELSE settled_status(p_document.id) IS DISTINCT FROM p_status END)
        OR p_status = 'void' AND EXISTS (SELECT FROM payment_allocation a WHERE a.document_id = p_document.id)
        OR p_status = 'void' AND p_document.kind = 'invoice'
           AND EXISTS (SELECT FROM document c WHERE c.based_on = p_document.id AND c.kind = 'credit_note'
                       AND c.issued_at IS NOT NULL) THEN
        PERFORM refuse_step(p_document, p_status);
    END IF;
    IF v_step.by_hand AND coalesce(p_reason, '') = '' AND NOT v_from.draft
        AND EXISTS (SELECT FROM document_state s WHERE (s.kind, s.status) = (v_step.kind, p_status) AND s.ended) THEN
        RAISE EXCEPTION '% is not % without a reason', document_name(p_document.id), p_status
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: transition(document, status, reason).';
    END IF;
    RETURN v_step;
END $$;
COMMENT ON FUNCTION allowed_step(document, text, text) IS
    'the step that takes a document to a status; refused when there is none or it is not so (23001), and without a '
    'reason where one is wanted (22023)';

-- ---------------------------------------------------------------------------
-- what steps do: each returns the document as it is to be stored
-- ---------------------------------------------------------------------------

CREATE FUNCTION stamp_document(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_total record;
BEGIN
    SELECT * INTO v_total FROM stamp_lines(p_document.id);
    p_document.own_id := coalesce(p_document.own_id, default_own());
    p_document.net := v_total.net;
    p_document.tax := v_total.tax;
    p_document.gross := v_total.gross;
    p_document.period_from := coalesce(p_document.period_from, v_total.first_day);
    p_document.period_to := coalesce(p_document.period_to, v_total.last_day);
    p_document.issued_on := coalesce(p_document.issued_on, books_today());
    p_document.issued_at := clock_timestamp();
    p_document.kept := keep_paper(p_document);
    PERFORM refuse_incomplete(p_document);
END $$;
COMMENT ON FUNCTION stamp_document(document) IS
    'stamp the figures of a draft on it and its lines, and keep with it who and what its paper names: they are its '
    'content from now on; refused (23514) where that lacks what the law wants of it';

CREATE FUNCTION stamp_lined(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := stamp_document(p_document);
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = p_document.id) THEN
        RAISE EXCEPTION '% has no lines', document_name(p_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Build it anew over other work, or discard() it.';
    END IF;
END $$;
COMMENT ON FUNCTION stamp_lined(document) IS
    'stamp a draft that says nothing without lines: refused (23001) when it has none';

CREATE FUNCTION make_due(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document.due_on := coalesce(p_document.due_on, p_document.issued_on
                                  + (SELECT p.payment_terms_days FROM party p WHERE p.id = p_document.party_id));
    IF p_document.gross < 0 THEN
        RAISE EXCEPTION '% would be of % %', document_name(p_document.id), trim_scale(p_document.gross),
            p_document.currency
            USING ERRCODE = 'restrict_violation',
                HINT = 'Corrections outweigh the new work: bill them together with later work, or credit() the '
                       'earlier invoice.';
    END IF;
END $$;
COMMENT ON FUNCTION make_due(document) IS
    'a document that asks for money says until when: by the client''s terms of payment where no day is given; refused '
    '(23001) below zero';

CREATE FUNCTION number_document(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_number record;
BEGIN
    IF NOT p_document.incoming THEN
        SELECT * INTO v_number FROM next_number(p_document.own_id, p_document.kind, p_document.issued_on);
        p_document.series_id := v_number.series_id;
        p_document.series_no := v_number.series_no;
        p_document.number := v_number.number;
        p_document.issued_at := clock_timestamp();  -- under the lock of the series, so in the order of the numbers
    END IF;
END $$;
COMMENT ON FUNCTION number_document(document) IS
    'give a document of ours the next number of its series, which it holds from then on: so this is done last';

CREATE FUNCTION send_report(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_work_lines(p_document.id);
    p_document := stamp_lined(p_document);
    PERFORM tell_deal(p_document.id, p_document.deal_id);
    UPDATE charge h SET held_by = p_document.id
      FROM document_line l WHERE l.document_id = p_document.id AND h.id = l.charge_id AND h.frozen_at IS NULL;
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_report(document) IS 'a report is sent: it holds its charges until it is answered';

CREATE FUNCTION send_invoice(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_work_lines(p_document.id);
    p_document := make_due(stamp_lined(p_document));
    PERFORM tell_deal(p_document.id, p_document.deal_id);
    PERFORM freeze_charges(
        ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document.id AND l.claim ORDER BY 1)
        || adjust_lines(p_document.id), 'document', format('%s:freeze', p_document.id), p_document.id);
    PERFORM post_issued(p_document.id, p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_invoice(document) IS
    'an invoice is issued: what it bills without a report is frozen and posted, and the invoice itself';

CREATE FUNCTION send_credit_note(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := stamp_lined(p_document);
    PERFORM post_issued(p_document.id, p_document.issued_on);
    PERFORM post_exchange(ARRAY[p_document.based_on], p_document.issued_on);
    PERFORM post_exchange_rest(ARRAY[p_document.party_id], p_document.issued_on);
    p_document := number_document(p_document);
END $$;
COMMENT ON FUNCTION send_credit_note(document) IS 'a credit note is issued and posted; credit() did the rest';

CREATE FUNCTION send_debt(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    p_document := make_due(stamp_lined(p_document));
    PERFORM post_issued(p_document.id, p_document.opened_on);
    p_document.number := p_document.outside_number;
END $$;
COMMENT ON FUNCTION send_debt(document) IS
    'a debt from before the books is brought into them: owed from the day on which they open, under its old number';

CREATE FUNCTION agree_report(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM freeze_charges(
        ARRAY(SELECT l.charge_id FROM document_line l WHERE l.document_id = p_document.id ORDER BY 1)
        || adjust_lines(p_document.id), 'document', format('%s:agree', p_document.id), p_document.id);
END $$;
COMMENT ON FUNCTION agree_report(document) IS
    'a report is agreed: its charges are frozen and posted, with what it takes off them';

CREATE FUNCTION accept_bill(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM post_bill(p_document.id);
END $$;
COMMENT ON FUNCTION accept_bill(document) IS 'a bill is accepted: it costs and is owed from now on';

CREATE FUNCTION take_back(INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_on date;
BEGIN
    v_on := posting_day(coalesce(p_document.opened_on, greatest(p_document.issued_on, books_today())));
    PERFORM reverse_document(p_document.id, v_on);
    PERFORM post_exchange_rest(ARRAY[p_document.party_id], v_on);
END $$;
COMMENT ON FUNCTION take_back(document) IS
    'an invoice, bill or debt is void: what it posted itself is reversed, today, or on the day from which it was '
    'brought forward';

CREATE FUNCTION take_step(p_does text, INOUT p_document document)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_does IS NULL THEN
        RETURN;
    END IF;
    CASE p_does  -- without an ELSE: a word that nothing does is an error
        WHEN 'send_report' THEN p_document := send_report(p_document);
        WHEN 'send_invoice' THEN p_document := send_invoice(p_document);
        WHEN 'send_proforma' THEN p_document := number_document(make_due(stamp_lined(p_document)));
        WHEN 'send_credit_note' THEN p_document := send_credit_note(p_document);
        WHEN 'send_lines' THEN p_document := number_document(stamp_lined(p_document));
        WHEN 'send_paper' THEN p_document := number_document(stamp_document(p_document));
        WHEN 'send_debt' THEN p_document := send_debt(p_document);
        WHEN 'agree_report' THEN p_document := agree_report(p_document);
        WHEN 'accept_bill' THEN p_document := accept_bill(p_document);
        WHEN 'take_back' THEN p_document := take_back(p_document);
    END CASE;
END $$;
COMMENT ON FUNCTION take_step(text, document) IS
    'do what a step does before it is taken (document_transition.does); returns the document as it is to be stored';

-- ---------------------------------------------------------------------------
-- what follows from steps
-- ---------------------------------------------------------------------------

CREATE FUNCTION release_document(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM release_lines(ARRAY(SELECT l.id FROM document_line l
                                 WHERE l.document_id = p_document.id AND l.released_at IS NULL ORDER BY 1),
                                     p_document.id);
END $$;
COMMENT ON FUNCTION release_document(document) IS
    'set free whatever a document that came to nothing kept';

CREATE FUNCTION carry_report(p_invoice document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_status text := settled_status(p_invoice.based_on);
BEGIN
    UPDATE document d SET status = v_status, status_said_by = NULL,
           status_reason = format('%s: %s', document_name(p_invoice.id), p_invoice.status)
     WHERE d.id = p_invoice.based_on AND d.kind = 'report' AND d.status <> v_status
       AND NOT stays_settled(d, v_status);
END $$;
COMMENT ON FUNCTION carry_report(document) IS 'take the report along that an invoice is made of';

CREATE FUNCTION follow_step(p_follows text, p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_follows IS NULL THEN
        RETURN;
    END IF;
    CASE p_follows
        WHEN 'release' THEN PERFORM release_document(p_document);
        WHEN 'release_invoice' THEN PERFORM release_document(p_document), carry_report(p_document);
        WHEN 'carry_report' THEN PERFORM carry_report(p_document);
        WHEN 'settle_issued' THEN PERFORM carry_report(p_document), settle_document(p_document.id, 'issued');
        WHEN 'settle_accepted' THEN PERFORM settle_document(p_document.id, 'accepted');
        WHEN 'take_apart' THEN PERFORM take_apart(p_document);
        WHEN 'begin_contract' THEN PERFORM begin_contract(p_document);
        WHEN 'sell_agreed' THEN PERFORM sell_agreed(p_document);
        WHEN 'unsell_agreed' THEN PERFORM release_document(p_document), unsell_agreed(p_document);
    END CASE;
END $$;
COMMENT ON FUNCTION follow_step(text, document) IS
    'do what follows from a step that was taken (document_transition.follows)';
