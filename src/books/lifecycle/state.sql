-- ---------------------------------------------------------------------------
-- state: the kinds of documents, the statuses of each and what they mean, and the
-- steps between them
--
-- All of it is rows.  What is asked of a status is a column of document_state, so
-- that a new status is answered for everywhere by its row here and the steps that
-- lead to it; where the status is shown on pages, it has its words in page/table.sql.
-- A step that does something new has a procedure besides: see step.sql.
-- ---------------------------------------------------------------------------

INSERT INTO document_kind AS old (kind, incoming, made_of, answered, asks_payment, account, flow, page) VALUES
    ('proposal', false, 'content', true, false, NULL, NULL, 'specification'),
    ('specification', false, 'content', true, false, NULL, NULL, NULL),
    ('report', false, 'work', true, false, NULL, NULL, NULL),
    ('proforma', false, 'content', true, true, NULL, NULL, 'invoice'),
    ('invoice', false, 'work', false, true, 'receivable', 'in', NULL),
    ('act', NULL, 'document', true, false, NULL, NULL, NULL),
    ('credit_note', false, 'document', false, false, 'receivable', NULL, 'invoice'),
    ('bill', true, 'content', false, false, 'payable', 'out', NULL),
    ('debt', false, 'opening', false, true, 'receivable', 'in', 'invoice'),
    ('netting', false, 'document', false, false, NULL, NULL, 'act'),
    ('contract', NULL, 'content', true, false, NULL, NULL, NULL),
    ('annex', NULL, 'content', true, false, NULL, NULL, 'contract'),
    ('other', NULL, 'content', false, false, NULL, NULL, NULL)
ON CONFLICT ON CONSTRAINT document_kind_pkey DO UPDATE
   SET incoming = excluded.incoming, made_of = excluded.made_of, answered = excluded.answered,
       asks_payment = excluded.asks_payment, account = excluded.account, flow = excluded.flow, page = excluded.page;

-- The words are those of document_state.means.
INSERT INTO document_state AS old (kind, status, means, shown_as, report_status, way_out)
SELECT k.kind, v.status, v.means::text[], v.shown_as, v.report_status, v.way_out
  FROM (VALUES
    ('{report,proposal,specification,proforma,invoice,act,credit_note,bill,debt,netting,contract,annex,other}',
     'draft', '{draft}', 'mark', NULL, NULL),
    -- with the other side
    ('{report}', 'sent', '{holds}', NULL, NULL, NULL),
    ('{proposal,specification,proforma,act,bill,contract,annex,other}', 'sent', '{}', NULL, NULL, NULL),
    ('{invoice}', 'sent', '{binding,posted,derived}', NULL, 'invoiced', NULL),
    ('{credit_note}', 'sent', '{binding,posted}', NULL, NULL, NULL),
    ('{debt}', 'sent', '{binding,posted,derived}', NULL, NULL, NULL),
    ('{netting}', 'sent', '{binding}', NULL, NULL, NULL),
    -- agreed, invoiced, paid
    ('{proposal,specification,proforma,act,contract,annex,other}', 'agreed', '{binding}', 'status', NULL, NULL),
    ('{report}', 'agreed', '{binding,derived}', 'status', NULL, NULL),
    ('{report}', 'invoiced', '{binding,derived}', NULL, NULL,
     'A report is invoiced by issue_invoice(), never by hand.'),
    ('{report}', 'partly_paid', '{binding,derived}', 'status', NULL,
     'A report is paid when its invoice is, never by hand.'),
    ('{report}', 'paid', '{binding,settled,derived}', 'status', NULL,
     'A report is paid when its invoice is, never by hand.'),
    ('{report}', 'credited', '{settled,derived}', 'status', NULL,
     'A report is credited when its invoice is, by credit().'),
    ('{bill}', 'agreed', '{binding,posted,derived}', 'status', NULL, NULL),
    ('{bill}', 'partly_paid', '{binding,posted,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{bill}', 'paid', '{binding,posted,settled,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{debt}', 'partly_paid', '{binding,posted,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{debt}', 'paid', '{binding,posted,settled,derived}', 'status', NULL, 'Payments pay it: allocate_payment().'),
    ('{invoice}', 'partly_paid', '{binding,posted,derived}', 'status', 'partly_paid',
     'Payments pay it: allocate_payment().'),
    ('{invoice}', 'paid', '{binding,posted,settled,derived}', 'status', 'paid',
     'Payments pay it: allocate_payment().'),
    ('{invoice}', 'credited', '{posted,settled,derived}', 'status', NULL, 'credit() makes a credit note.'),
    -- put away: paid, or answered by yes or no
    ('{invoice}', 'archived', '{binding,posted,settled}', NULL, 'paid', NULL),
    ('{debt}', 'archived', '{binding,posted,settled}', NULL, NULL, NULL),
    ('{credit_note}', 'archived', '{binding,posted,settled}', NULL, NULL, NULL),
    ('{report,bill}', 'archived', '{filed,settled}', NULL, NULL, NULL),
    ('{proposal,specification,proforma,act,contract,annex,other}', 'archived', '{filed}', NULL, NULL, NULL),
    -- come to nothing
    ('{report,proposal,specification,proforma,act,bill,contract,annex,other}',
     'rejected', '{ended}', 'mark', NULL, NULL),
    ('{report,proposal,specification,proforma}',
     'superseded', '{ended,withdrawn}', 'mark', NULL, 'revise() makes the next revision.'),
    ('{report}', 'void', '{ended,withdrawn}', 'mark', NULL, 'Void or credit its invoice first.'),
    ('{invoice}', 'void', '{ended,withdrawn}', 'mark', NULL,
     'Take its payments back with unallocate() first, or use credit().'),
    ('{debt}', 'void', '{ended,withdrawn}', 'mark', NULL,
     'Take its payments back with unallocate() first, or use write_off().'),
    ('{proposal,specification,proforma,act,bill,netting,contract,annex,other}',
     'void', '{ended,withdrawn}', 'mark', NULL, NULL)
    ) AS v (kinds, status, means, shown_as, report_status, way_out)
 CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind)
ON CONFLICT ON CONSTRAINT document_state_pkey DO UPDATE
   SET means = excluded.means, shown_as = excluded.shown_as, report_status = excluded.report_status,
       way_out = excluded.way_out;

CREATE FUNCTION kinds_made_of(p_what text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(k.kind ORDER BY k.kind) FROM document_kind k WHERE k.made_of = p_what;
END;
COMMENT ON FUNCTION kinds_made_of(text) IS 'the kinds of documents that are made of work, content or a document';

CREATE FUNCTION state_of(p_document document) RETURNS document_state
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_state document_state;
BEGIN
    SELECT * INTO v_state FROM document_state s WHERE (s.kind, s.status) = (p_document.kind, p_document.status);
    RETURN v_state;
END $$;
COMMENT ON FUNCTION state_of(document) IS 'what the status of a document means';

-- What is put away has its answer from before.
CREATE FUNCTION was_binding(p_document bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE COST 1 SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM document d
                     JOIN document_status_change c ON c.document_id = d.id
                     JOIN document_state s ON s.kind = d.kind AND s.status = c.to_status AND s.binding
                    WHERE d.id = p_document);
END $$;
COMMENT ON FUNCTION was_binding(bigint) IS
    'was a document ever agreed, accepted or issued? Asked where its status (filed) does not say, which is seldom: so '
    'its cost is that of not being called';

CREATE VIEW document_transition WITH (security_invoker) AS
    SELECT k.kind, v.from_status, v.to_status, v.by_hand, v.does, v.follows
      FROM (VALUES
        -- drafts go out, or go
        ('{report}', 'draft', 'sent', true, 'send_report', NULL),
        ('{invoice}', 'draft', 'sent', true, 'send_invoice', 'settle_issued'),
        ('{proforma}', 'draft', 'sent', true, 'send_proforma', NULL),
        ('{credit_note}', 'draft', 'sent', true, 'send_credit_note', NULL),
        ('{specification,act,bill,netting}', 'draft', 'sent', true, 'send_lines', NULL),
        ('{debt}', 'draft', 'sent', true, 'send_debt', NULL),
        ('{proposal,contract,annex,other}', 'draft', 'sent', true, 'send_paper', NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma,debt,netting}', 'draft', 'void', true,
         NULL, 'release'),
        ('{invoice}', 'draft', 'void', true, NULL, 'release_invoice'),
        -- what the client answers, or we do to a bill
        ('{report}', 'sent', 'agreed', true, 'agree_report', NULL),
        ('{bill}', 'sent', 'agreed', true, 'accept_bill', 'settle_accepted'),
        ('{specification}', 'sent', 'agreed', true, NULL, 'sell_agreed'),
        ('{contract}', 'sent', 'agreed', true, NULL, 'begin_contract'),
        ('{proposal,act,annex,other,proforma}', 'sent', 'agreed', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'rejected', true, NULL,
         'release'),
        ('{report,proposal,specification,proforma}', 'sent', 'superseded', false, NULL, 'release'),
        ('{report,proposal,specification,proforma}', 'rejected', 'superseded', false, NULL, 'release'),
        ('{specification}', 'agreed', 'superseded', false, NULL, 'unsell_agreed'),
        ('{proposal,proforma}', 'agreed', 'superseded', false, NULL, 'release'),
        -- what is taken back
        ('{report,proposal,specification,act,contract,annex,other,proforma}', 'sent', 'void', true, NULL, 'release'),
        ('{specification}', 'agreed', 'void', true, NULL, 'unsell_agreed'),
        ('{report,proposal,act,contract,annex,other,proforma}', 'agreed', 'void', true, NULL, 'release'),
        ('{bill}', 'sent', 'void', true, NULL, 'release'),
        ('{bill}', 'agreed', 'void', true, 'take_back', 'release'),
        ('{debt}', 'sent', 'void', true, 'take_back', 'release'),
        ('{netting}', 'sent', 'void', true, NULL, 'take_apart'),
        ('{invoice}', 'sent', 'void', true, 'take_back', 'release_invoice'),
        -- what payments and credits make of invoices and bills
        ('{invoice}', 'sent', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'sent', 'paid', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'paid', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'sent', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'partly_paid', false, NULL, 'carry_report'),
        ('{invoice}', 'sent', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'partly_paid', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'paid', 'credited', false, NULL, 'carry_report'),
        ('{invoice}', 'archived', 'credited', false, NULL, 'carry_report'),
        ('{debt}', 'sent', 'partly_paid', false, NULL, NULL),
        ('{debt}', 'sent', 'paid', false, NULL, NULL),
        ('{debt}', 'partly_paid', 'sent', false, NULL, NULL),
        ('{debt}', 'paid', 'sent', false, NULL, NULL),
        ('{debt}', 'archived', 'sent', false, NULL, NULL),
        ('{bill}', 'agreed', 'partly_paid', false, NULL, NULL),
        ('{bill}', 'agreed', 'paid', false, NULL, NULL),
        ('{bill}', 'partly_paid', 'agreed', false, NULL, NULL),
        ('{bill}', 'paid', 'agreed', false, NULL, NULL),
        ('{bill}', 'archived', 'agreed', false, NULL, NULL),
        -- what its invoice makes of a report
        ('{report}', 'agreed', 'invoiced', false, NULL, NULL),
        ('{report}', 'invoiced', 'agreed', false, NULL, NULL),
        ('{report}', 'invoiced', 'partly_paid', false, NULL, NULL),
        ('{report}', 'invoiced', 'paid', false, NULL, NULL),
        ('{report}', 'partly_paid', 'invoiced', false, NULL, NULL),
        ('{report}', 'paid', 'invoiced', false, NULL, NULL),
        ('{report}', 'archived', 'invoiced', false, NULL, NULL),
        ('{report}', 'invoiced', 'void', false, NULL, 'release'),
        ('{report}', 'partly_paid', 'void', false, NULL, 'release'),
        ('{report}', 'paid', 'void', false, NULL, 'release'),
        ('{report}', 'archived', 'void', false, NULL, 'release'),
        ('{report}', 'invoiced', 'credited', false, NULL, NULL),
        ('{report}', 'partly_paid', 'credited', false, NULL, NULL),
        ('{report}', 'paid', 'credited', false, NULL, NULL),
        ('{report,bill,debt}', 'partly_paid', 'paid', false, NULL, NULL),
        ('{report,bill,debt}', 'paid', 'partly_paid', false, NULL, NULL),
        ('{report,bill,debt}', 'archived', 'partly_paid', false, NULL, NULL),
        -- what is done with
        ('{report,bill,debt}', 'paid', 'archived', true, NULL, NULL),
        ('{report}', 'credited', 'archived', true, NULL, NULL),
        ('{invoice}', 'paid', 'archived', true, NULL, 'carry_report'),
        ('{invoice}', 'credited', 'archived', true, NULL, 'carry_report'),
        ('{credit_note}', 'sent', 'archived', true, NULL, NULL),
        ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'rejected', 'archived', true,
         NULL, NULL),
        ('{proposal,specification,act,contract,annex,other,proforma}', 'agreed', 'archived', true, NULL, NULL)
        ) AS v (kinds, from_status, to_status, by_hand, does, follows)
     CROSS JOIN LATERAL unnest(v.kinds::text[]) k (kind);
COMMENT ON VIEW document_transition IS
    'the steps that documents of a kind can take; those not by_hand follow from another document or from a payment and '
    'are only taken when it is so. does: what the step does before it is taken; follows: what is done after it';
COMMENT ON COLUMN document_transition.does IS
    'what the step does before it is taken, a branch of take_step(); NULL for nothing';
COMMENT ON COLUMN document_transition.follows IS
    'what is done after the step, a branch of follow_step(); NULL for nothing';
SELECT allow('reader', 'select', 'document_transition');

-- What is paid is put away by hand and stays there while it is paid.
CREATE FUNCTION stays_settled(p_document document, p_status text) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document_state s JOIN document_state n ON n.kind = s.kind AND n.status = p_status
                    WHERE (s.kind, s.status) = (p_document.kind, p_document.status)
                      AND s.settled AND NOT s.derived AND n.settled);
END;
COMMENT ON FUNCTION stays_settled(document, text) IS
    'is a document put away as settled, and would be settled by the status that follows too?';

CREATE FUNCTION has_step(p_document document, p_status text, p_by_hand boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM document_transition t
                    WHERE (t.kind, t.from_status, t.to_status) = (p_document.kind, p_document.status, p_status)
                      AND t.by_hand = p_by_hand);
END $$;
COMMENT ON FUNCTION has_step(document, text, boolean) IS
    'is there a step that takes a document from where it is to a status, by hand or following from something else?';
