-- ---------------------------------------------------------------------------
-- follow: revisions, stages and deals that are made of a document, signatures
-- ---------------------------------------------------------------------------

CREATE FUNCTION revise(document bigint, changes jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_old document := open_document(revise.document);
    v_new bigint;
BEGIN
    changes := json_argument(changes);
    PERFORM check_keys(changes, 'changes', '{title,requirements,note,lines,discount_pct,discount_amount,issued_on,due_on,positions}');
    IF NOT EXISTS (SELECT FROM document_transition t WHERE t.kind = v_old.kind AND t.from_status = v_old.status AND t.to_status = 'superseded') THEN
        RAISE EXCEPTION '% is % and has no next revision', document_name(v_old.id), v_old.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Reports and offers are revised when they are sent or rejected; a draft is simply changed, an agreed report void().';
    END IF;
    UPDATE document d SET status = 'superseded', status_said_by = NULL, status_reason = 'revised' WHERE d.id = v_old.id;
    INSERT INTO document (kind, own_id, party_id, contract_id, project_id, deal_id, task_id, based_on, revision, supersedes_id, title, period_from, period_to,
                          made_from, positions, currency, tax_inclusive, tax_level, discount_pct, discount_amount, issued_on, due_on, requirements, note)
    VALUES (v_old.kind, v_old.own_id, v_old.party_id, v_old.contract_id, v_old.project_id, v_old.deal_id, v_old.task_id, v_old.based_on, v_old.revision + 1,
            v_old.id, coalesce(changes ->> 'title', v_old.title), v_old.period_from, v_old.period_to, v_old.made_from,
            coalesce(changes ->> 'positions', v_old.positions), v_old.currency, v_old.tax_inclusive, v_old.tax_level,
            CASE WHEN changes ?| '{discount_pct,discount_amount}' THEN (changes ->> 'discount_pct')::numeric ELSE v_old.discount_pct END,
            CASE WHEN changes ?| '{discount_pct,discount_amount}' THEN (changes ->> 'discount_amount')::numeric ELSE v_old.discount_amount END,
            given_date(changes, 'issued_on'), given_date(changes, 'due_on'), coalesce(changes ->> 'requirements', v_old.requirements), coalesce(changes ->> 'note', v_old.note))
    RETURNING id INTO v_new;
    IF v_old.kind = 'report' THEN
        PERFORM claim_charges(v_new, v_old.made_from);
    ELSIF changes ? 'lines' THEN
        PERFORM add_lines(v_new, changes -> 'lines');
    ELSE
        INSERT INTO document_line (document_id, kind, currency, item_id, article, contract_id, project_id, task_id, employee_id, title, unit, quantity, price,
                                   discount_pct, cost, starts_on, ends_on, tax_rate)
        SELECT v_new, l.kind, l.currency, l.item_id, l.article, l.contract_id, l.project_id, l.task_id, l.employee_id, l.title, l.unit, l.quantity, l.price,
               l.discount_pct, l.cost, l.starts_on, l.ends_on, l.tax_rate
          FROM document_line l WHERE l.document_id = v_old.id ORDER BY l.id;
    END IF;
    RETURN v_new;
END $$;
COMMENT ON FUNCTION revise(bigint, jsonb) IS
    'make the next revision of a sent or rejected report, or of a proposal, specification or proforma, as a draft: the old one stays, superseded, its '
    'charges are free and go on the new one. changes: title, requirements, note, lines, discount_pct or discount_amount, issued_on, due_on, positions';
SELECT allow('clerk', 'execute', 'revise');

CREATE FUNCTION make_stages(document bigint, contract bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_stages.document);
    v_contract contract;
    v_line record;
    v_count bigint := 0;
    v_id bigint;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = make_stages.contract;
    IF v_document.kind <> 'proposal' OR v_document.status NOT IN ('agreed', 'archived') OR v_contract.id IS NULL
        OR v_contract.client_id <> v_document.party_id OR v_contract.currency <> v_document.currency THEN
        RAISE EXCEPTION '% cannot become stages of contract %', document_name(v_document.id), coalesce(v_contract.number, make_stages.contract::text)
            USING ERRCODE = 'restrict_violation',
                HINT = 'An agreed proposal becomes stages of a contract with the same client in the same currency.';
    END IF;
    FOR v_line IN SELECT * FROM document_line l WHERE l.document_id = v_document.id AND l.contract_line_id IS NULL ORDER BY l.position, l.id LOOP
        INSERT INTO contract_line (contract_id, kind, item_id, title, amount, cost, starts_on, ends_on)
        VALUES (v_contract.id, 'stage', v_line.item_id, v_line.title, v_line.net, coalesce(v_line.cost, 0), v_line.starts_on, v_line.ends_on)
        RETURNING id INTO v_id;
        UPDATE document_line l SET contract_line_id = v_id WHERE l.id = v_line.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION make_stages(bigint, bigint) IS
    'turn the estimate of an agreed proposal into stages of a contract, once; returns how many were made';
SELECT allow('manager', 'execute', 'make_stages');

CREATE FUNCTION make_deal(document bigint, stage text DEFAULT 'invoice') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_deal.document);
    v_deal bigint := v_document.deal_id;
BEGIN
    IF v_deal IS NULL THEN
        INSERT INTO deal (client_id, project_id, name, stage, amount, currency, starts_on, ends_on)
        VALUES (v_document.party_id, v_document.project_id, coalesce(v_document.title, document_name(v_document.id)), make_deal.stage,
                coalesce(v_document.gross, (SELECT sum(f.gross) FROM document_figures(v_document.id) f)), v_document.currency,
                v_document.period_from, v_document.period_to)
        RETURNING id INTO v_deal;
        UPDATE document d SET deal_id = v_deal WHERE d.id = v_document.id;
    END IF;
    RETURN v_deal;
END $$;
COMMENT ON FUNCTION make_deal(bigint, text) IS 'make the deal of a report, with its gross amount, and bind the report and what is made of it to the deal; a report has one';
SELECT allow('clerk', 'execute', 'make_deal');

CREATE FUNCTION set_signature(document bigint, status text, by text DEFAULT NULL, ref text DEFAULT NULL, at timestamptz DEFAULT NULL,
                              image bytea DEFAULT NULL, image_type text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(set_signature.document);
BEGIN
    IF v_document.status IN ('draft', 'void', 'superseded') OR v_document.sign_status IN ('signed', 'rejected') AND v_document.sign_status <> set_signature.status
        OR set_signature.status = 'none' THEN
        RAISE EXCEPTION 'the signature of %, which is % and %, cannot become "%"', document_name(v_document.id), v_document.status, v_document.sign_status,
            set_signature.status
            USING ERRCODE = 'restrict_violation', HINT = 'Issued documents are sent to be signed, then signed or rejected, once.';
    END IF;
    UPDATE document d SET sign_status = set_signature.status, sign_at = coalesce(set_signature.at, now()), sign_by = coalesce(set_signature.by, d.sign_by),
           sign_ref = coalesce(set_signature.ref, d.sign_ref), signature = coalesce(set_signature.image, d.signature),
           signature_type = coalesce(set_signature.image_type, d.signature_type)
     WHERE d.id = v_document.id AND d.sign_status <> set_signature.status;
    -- Whoever signs agrees; a bill is agreed by us, not by who sent it.
    IF v_document.status = 'sent' AND v_document.kind <> 'bill' AND set_signature.status IN ('signed', 'rejected')
        AND EXISTS (SELECT FROM document_transition t WHERE t.kind = v_document.kind AND t.from_status = 'sent' AND t.by_hand
                       AND t.to_status = CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END) THEN
        PERFORM transition(v_document.id, CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END, 'signature ' || set_signature.status,
                           set_signature.by);
    END IF;
END $$;
COMMENT ON FUNCTION set_signature(bigint, text, text, text, timestamptz, bytea, text) IS
    'keep the state of a document''s signature: sent, signed or rejected, by whom, when, the id at the operator (ref), the image drawn on a phone '
    '(image/png, image/jpeg or image/webp, up to 1 MB). What waits for an answer (a report, act, contract, …) is agreed when it is signed, rejected when its '
    'signature is; the same state again changes nothing';
SELECT allow('clerk', 'execute', 'set_signature');
