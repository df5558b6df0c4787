-- ---------------------------------------------------------------------------
-- follow: revisions, stages and deals that are made of a document, signatures
-- ---------------------------------------------------------------------------

CREATE FUNCTION revise(document bigint, changes jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_old document := open_document(revise.document);
    v document;
BEGIN
    changes := json_argument(changes);
    PERFORM check_keys(changes, 'changes',
                       '{title,requirements,note,lines,discount_pct,discount_amount,issued_on,due_on,positions}');
    IF NOT has_step(v_old, 'superseded', false) THEN
        RAISE EXCEPTION '% is % and has no next revision', document_name(v_old.id), v_old.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Reports and offers are revised when they are sent or rejected; a draft is simply changed, an '
                       'agreed report void().';
    END IF;
    v := successor(v_old, v_old.kind);
    v.based_on := v_old.based_on;
    v.revision := v_old.revision + 1;
    v.supersedes_id := v_old.id;
    v.title := coalesce(changes ->> 'title', v_old.title);
    v.period_from := v_old.period_from;
    v.period_to := v_old.period_to;
    v.made_from := v_old.made_from;
    v.positions := coalesce(changes ->> 'positions', v_old.positions);
    v.discount_pct := v_old.discount_pct;
    v.discount_amount := v_old.discount_amount;
    IF changes ?| '{discount_pct,discount_amount}' THEN
        v.discount_pct := (changes ->> 'discount_pct')::numeric;
        v.discount_amount := (changes ->> 'discount_amount')::numeric;
    END IF;
    v.issued_on := given_date(changes, 'issued_on');
    v.due_on := given_date(changes, 'due_on');
    v.requirements := coalesce(changes ->> 'requirements', v_old.requirements);
    v.note := coalesce(changes ->> 'note', v_old.note);
    v.id := put_document(v);
    v := document_of(v.id);
    UPDATE document d SET status = 'superseded', status_said_by = NULL, status_reason = 'revised' WHERE d.id = v_old.id;
    IF v_old.kind = 'report' THEN
        PERFORM claim_charges(v, found_charges(v_old.made_from, v_old.party_id));
    ELSIF changes ? 'lines' THEN
        PERFORM add_lines(v.id, changes -> 'lines');
    ELSE
        PERFORM put_lines(ARRAY(SELECT revised_line(v, l) FROM document_line l WHERE l.document_id = v_old.id
                                ORDER BY l.id));
    END IF;
    RETURN v.id;
END $$;
COMMENT ON FUNCTION revise(bigint, jsonb) IS
    'make the next revision of a sent or rejected report, or of a proposal, specification or proforma, as a draft: the '
    'old one stays, superseded, its charges are free and go on the new one. changes: title, requirements, note, lines, '
    'discount_pct or discount_amount, issued_on, due_on, positions';
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
    IF v_document.kind <> 'proposal' OR v_contract.id IS NULL
        OR NOT coalesce((state_of(v_document)).binding, was_binding(v_document.id))
        OR v_contract.client_id <> v_document.party_id OR v_contract.currency <> v_document.currency THEN
        RAISE EXCEPTION '% cannot become stages of contract %', document_name(v_document.id),
            coalesce(v_contract.number, make_stages.contract::text)
            USING ERRCODE = 'restrict_violation',
                HINT = 'An agreed proposal becomes stages of a contract with the same client in the same currency.';
    END IF;
    FOR v_line IN SELECT * FROM document_line l WHERE l.document_id = v_document.id AND l.contract_line_id IS NULL
        ORDER BY l.position, l.id LOOP
        INSERT INTO contract_line (contract_id, kind, item_id, title, amount, cost, starts_on, ends_on)
        VALUES (v_contract.id, 'stage', v_line.item_id, v_line.title, v_line.net,
                coalesce(round_money(v_line.quantity * v_line.cost, currency_exponent(v_line.currency)), 0),
                v_line.starts_on, v_line.ends_on)
        RETURNING id INTO v_id;
        UPDATE document_line l SET contract_line_id = v_id WHERE l.id = v_line.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION make_stages(bigint, bigint) IS
    'turn the estimate of an agreed proposal into stages of a contract, once; returns how many were made';
SELECT allow('manager', 'execute', 'make_stages');

CREATE FUNCTION set_signature(document bigint, status text, by text DEFAULT NULL, ref text DEFAULT NULL,
                              at timestamptz DEFAULT NULL,
                              image bytea DEFAULT NULL, image_type text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(set_signature.document);
    v_state document_state := state_of(v_document);
    v_answer CONSTANT text := CASE set_signature.status WHEN 'signed' THEN 'agreed' WHEN 'rejected' THEN 'rejected' END;
BEGIN
    IF v_state.draft OR v_state.withdrawn OR v_state.ended AND set_signature.status <> 'rejected'
        OR v_document.sign_status IN ('signed', 'rejected')
        AND v_document.sign_status <> set_signature.status
        OR set_signature.status = 'none' THEN
        RAISE EXCEPTION 'the signature of %, which is % and %, cannot become "%"', document_name(v_document.id),
            v_document.status, v_document.sign_status,
            set_signature.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Issued documents are sent to be signed, then signed or rejected, once.';
    END IF;
    UPDATE document d SET sign_status = set_signature.status, sign_at = coalesce(set_signature.at, now()),
        sign_by = coalesce(set_signature.by, d.sign_by),
           sign_ref = coalesce(set_signature.ref, d.sign_ref), signature = coalesce(set_signature.image, d.signature),
           signature_type = coalesce(set_signature.image_type, d.signature_type)
     WHERE d.id = v_document.id AND d.sign_status <> set_signature.status;
    -- Whoever signs agrees; a bill is agreed by us, not by who sent it.
    PERFORM transition(v_document.id, v_answer, 'signature ' || set_signature.status, set_signature.by)
      WHERE v_document.kind <> 'bill' AND has_step(v_document, v_answer, true);
END $$;
COMMENT ON FUNCTION set_signature(bigint, text, text, text, timestamptz, bytea, text) IS
    'keep the state of a document''s signature: sent, signed or rejected, by whom, when, the id at the operator (ref), '
    'the image drawn on a phone (image/png, image/jpeg or image/webp, up to 1 MB). What waits for an answer (a report, '
    'act, contract, …) is agreed when it is signed, rejected when its signature is; the same state again changes '
    'nothing. Refused: drafts, what has ended, another word after the last (23001); an image of another type (23514)';
SELECT allow('clerk', 'execute', 'set_signature');
