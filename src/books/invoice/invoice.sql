-- ---------------------------------------------------------------------------
-- invoice: invoices and acts of what was agreed
-- ---------------------------------------------------------------------------

CREATE FUNCTION copy_document(p_from document, p_kind text, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v document := successor(p_from, p_kind);
BEGIN
    PERFORM check_keys(p_options, 'options', '{title,note,issued_on,due_on,outside_number,file_url}');
    v.title := coalesce(p_options ->> 'title', p_from.title);
    v.period_from := p_from.period_from;
    v.period_to := p_from.period_to;
    v.issued_on := given_date(p_options, 'issued_on');
    v.due_on := given_date(p_options, 'due_on');
    v.outside_number := p_options ->> 'outside_number';
    v.file_url := p_options ->> 'file_url';
    v.note := p_options ->> 'note';
    v.id := put_document(v);
    v := document_of(v.id);
    PERFORM put_lines(ARRAY(
        SELECT line_left(repeated_line(v, l, dense_rank() OVER (ORDER BY l.position)), c.net, c.tax, v.tax_inclusive)
          FROM document_line l
          LEFT JOIN document_line i ON i.base_line_id = l.id AND i.kind = 'invoice' AND i.released_at IS NULL
          LEFT JOIN line_credit c ON c.line_id = coalesce(i.id, l.id)
         WHERE l.document_id = p_from.id AND l.released_at IS NULL AND l.credited_by IS NULL AND l.amount <> 0
         ORDER BY l.id));
    RETURN v.id;
END $$;
COMMENT ON FUNCTION copy_document(document, text, jsonb) IS
    'draft a document of another kind that repeats the live lines of this one, to the last digit, less what was '
    'credited of them';

CREATE FUNCTION issue_invoice(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_invoice.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind = 'invoice' AND (state_of(v_document)).draft THEN
        PERFORM check_keys(options, 'options', '{issued_on,due_on,outside_number,file_url,note}');
        UPDATE document d SET issued_on = coalesce(given_date(options, 'issued_on'), d.issued_on),
            due_on = coalesce(given_date(options, 'due_on'), d.due_on),
               outside_number = coalesce(options ->> 'outside_number', d.outside_number),
                   file_url = coalesce(options ->> 'file_url', d.file_url),
               note = coalesce(options ->> 'note', d.note)
         WHERE d.id = v_document.id AND options <> '{}';
        PERFORM transition(v_document.id, 'sent');
        RETURN v_document.id;
    END IF;
    SELECT d.id INTO v_other FROM document d JOIN document_state s USING (kind, status)
     WHERE d.based_on = v_document.id AND d.kind = 'invoice' AND (s.draft OR s.report_status IS NOT NULL) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void or credit that invoice first.';
    END IF;
    IF v_document.kind <> 'report' OR (state_of(v_document)).binding IS NOT TRUE THEN
        RAISE EXCEPTION '% is % and cannot be invoiced', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_document.kind = 'report'
                    THEN 'Only a report that the client has agreed is invoiced: transition(document, ''agreed'').'
                            WHEN v_document.kind = 'specification'
                    THEN 'What it asks for is charged when its task is done: bill_task(task) invoices that.'
                            ELSE 'An invoice is made of an agreed report, or over free work by build_invoice().' END;
    END IF;
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = v_document.id AND l.released_at IS NULL
                   AND l.credited_by IS NULL AND l.amount <> 0) THEN
        RAISE EXCEPTION '% has nothing to be paid for', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'All of its work is included or not charged.';
    END IF;
    v_other := copy_document(v_document, 'invoice', options);
    PERFORM transition(v_other, 'sent');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_invoice(bigint, jsonb) IS
    'issue the invoice of an agreed report, or a draft invoice: number, freezing of its work, tax in the ledger, the '
    'report invoiced, all at once; returns the invoice. options: issued_on, due_on (default: the client''s payment '
    'terms), outside_number, file_url (of an invoice made elsewhere), note, title. Refused (23001): a report that is '
    'not agreed, work that has an invoice';
SELECT allow('clerk', 'execute', 'issue_invoice');

CREATE FUNCTION invoice_work(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_of_issue CONSTANT text[] := '{outside_number,file_url}';
BEGIN
    options := json_argument(options);
    PERFORM check_keys(options, 'options',
                       '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on,outside_number,'
                       'file_url}');
    RETURN issue_invoice(build_invoice(filter, options - c_of_issue),
                         coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(options) o
                                   WHERE o.key = ANY (c_of_issue)), '{}'));
END $$;
COMMENT ON FUNCTION invoice_work(jsonb, jsonb) IS
    'invoice a client''s free billable work at once, without a report: build_invoice() and issue_invoice() in one; '
    'returns the invoice. Filter as of build_report(), options of both. Refused (23001) when there is no free work, so '
    'that the same call again bills nothing twice';
SELECT allow('clerk', 'execute', 'invoice_work');

CREATE FUNCTION issue_act(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_act.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind <> ALL (kinds_made_of('work'))
        OR NOT coalesce((state_of(v_document)).binding, was_binding(v_document.id)) THEN
        RAISE EXCEPTION '% is % and no act is made of it', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Acts are made of agreed reports and issued invoices.';
    END IF;
    SELECT a.document_id INTO v_other
      FROM document_line l JOIN document_line a ON a.charge_id = l.charge_id AND a.kind = 'act'
          AND a.released_at IS NULL
     WHERE l.document_id = v_document.id AND l.released_at IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work of % is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void that act first.';
    END IF;
    v_other := copy_document(v_document, 'act', options);
    PERFORM transition(v_other, 'sent');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_act(bigint, jsonb) IS
    'issue the act of completed work of an agreed report or an issued invoice; returns the act. Refused (23001) when '
    'its work is on an act already';
SELECT allow('clerk', 'execute', 'issue_act');
