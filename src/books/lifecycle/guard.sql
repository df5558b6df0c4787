-- ---------------------------------------------------------------------------
-- guard: what a document keeps to, and that every step does what belongs to it
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_reissue(p_document document, p_what text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION '% is issued: its % cannot be %', document_name(p_document.id), split_part(p_what, ' ', 1),
        substr(p_what, strpos(p_what, ' ') + 1)
        USING ERRCODE = 'restrict_violation',
            HINT = CASE WHEN p_what LIKE 'due_on %' THEN 'extend_due(document, due_on, reason) gives more time.'
                        WHEN p_document.kind <> 'invoice'
                THEN 'Take it back with void(), or make its next revision with revise().'
                        WHEN p_what LIKE 'lines %' THEN 'Take lines back with credit(), or all of it with void().'
                        ELSE 'Take it back with credit() or void() and issue another one.' END;
END $$;
COMMENT ON FUNCTION refuse_reissue(document, text) IS
    'raise (23001) that something of an issued document cannot be done: "lines added to", "note changed"';

CREATE FUNCTION check_amounts(p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM refuse_inexact('document', 'document_amounts_exact', p_document.currency, a.name, a.amount)
       FROM (VALUES ('discount_amount', p_document.discount_amount), ('net', p_document.net), ('tax', p_document.tax),
                    ('gross', p_document.gross)) a (name, amount)
      WHERE a.amount <> round_money(a.amount, currency_exponent(p_document.currency));
END $$;
COMMENT ON FUNCTION check_amounts(document) IS 'refuse (23514) a document with an amount that its currency cannot hold';

CREATE FUNCTION check_kind(p_document document) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_document.incoming <> (SELECT k.incoming FROM document_kind k WHERE k.kind = p_document.kind) THEN
        RAISE EXCEPTION 'a document of kind "%" does not %', p_document.kind, CASE WHEN p_document.incoming
            THEN 'come in from outside' ELSE 'go out' END
            USING ERRCODE = 'check_violation', CONSTRAINT = 'document_goes_its_way', TABLE = 'document',
                HINT = format('These do: %s.', (
                    SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM document_kind k
                     WHERE k.incoming IS NULL OR k.incoming = p_document.incoming));
    END IF;
END $$;
COMMENT ON FUNCTION check_kind(document) IS
    'refuse (23514) a document that comes in where its kind goes out, or the other way';

-- The one BEFORE trigger of document but for who may write which column.  In
-- this order: who it is of is held; what is issued stays; the step is allowed
-- and taken; and what came of it is looked at last, as it is stored.
CREATE FUNCTION guard_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_open CONSTANT text[] := '{status,status_reason,status_by,status_said_by,sign_status,sign_at,sign_by,sign_ref,'
                              'signature,'
        'signature_type,file_url,note,deal_id,source,external_id}';
    v_before document;
    v_column text;
BEGIN
    PERFORM lock_parties(ARRAY[OLD.party_id, NEW.party_id]);
    IF TG_OP = 'DELETE' THEN
        IF NOT (state_of(OLD)).draft THEN
            RAISE EXCEPTION '% was issued and cannot be deleted', document_name(OLD.id)
                USING ERRCODE = 'restrict_violation', HINT = 'void() keeps it with its number and sets its work free.';
        END IF;
        RETURN OLD;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF (state_of(NEW)).draft IS NOT TRUE THEN
            RAISE EXCEPTION 'a document begins as a draft, not as %', NEW.status
                USING ERRCODE = 'restrict_violation', HINT = 'Insert a draft and take it on with transition().';
        END IF;
        SELECT * INTO v_before FROM document d WHERE d.id = NEW.supersedes_id;  -- a revision may keep its discount
    ELSE
        v_before := OLD;
        IF NOT (state_of(OLD)).draft AND to_jsonb(OLD) - c_open <> to_jsonb(NEW) - c_open THEN
            SELECT n.key INTO v_column FROM jsonb_each(to_jsonb(NEW) - c_open) n JOIN jsonb_each(to_jsonb(OLD)) o
                USING (key)
             WHERE n.value <> o.value AND NOT (n.key = 'due_on' AND is_extended(NEW)) ORDER BY n.key LIMIT 1;
            PERFORM refuse_reissue(OLD, v_column || ' changed') WHERE v_column IS NOT NULL;
        END IF;
    END IF;
    PERFORM check_document_discount(v_before, NEW);
    IF TG_OP = 'UPDATE' AND NEW.status IS DISTINCT FROM OLD.status THEN
        NEW.status_by := actor();
        NEW := take_step((allowed_step(OLD, NEW.status, NEW.status_reason)).does, NEW);
    END IF;
    PERFORM check_amounts(NEW), check_kind(NEW);
    RETURN NEW;
END $$;
COMMENT ON FUNCTION guard_document() IS
    'trigger function of document: issued ones keep their content (23001), steps are those of document_transition, and '
    'each does what belongs to it; amounts are whole units of the currency, discounts a manager''s to give. SECURITY '
    'DEFINER because nobody is granted what a step writes';

CREATE FUNCTION follow_document() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.status <> OLD.status THEN
            INSERT INTO document_status_change (document_id, from_status, to_status, said_by, reason)
            VALUES (NEW.id, OLD.status, NEW.status, NEW.status_said_by, NEW.status_reason);
            PERFORM follow_step(t.follows, NEW)
               FROM document_transition t
              WHERE (t.kind, t.from_status, t.to_status) = (NEW.kind, OLD.status, NEW.status) AND t.follows IS NOT NULL;
        END IF;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO document_status_change (document_id, to_status) VALUES (NEW.id, NEW.status);
    ELSE
        INSERT INTO document_status_change (document_id, from_status) VALUES (OLD.id, OLD.status);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_document() IS
    'trigger function of document: keeps every step, and does what follows from it; SECURITY DEFINER because nobody is '
    'granted what follows';

CREATE FUNCTION keeps_line(p_old jsonb, p_new jsonb) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_open CONSTANT text[] := '{released_at,released_by,credited_by,adjustment_id,contract_line_id}';
    c_left CONSTANT text[] := '{charge_id,client_id,project_id,task_id,starts_on,ends_on}';
BEGIN
    RETURN (p_old - c_open = p_new - c_open
            OR p_old ->> 'released_at' IS NOT NULL AND p_new ->> 'charge_id' IS NULL
               AND p_old - c_open - c_left = p_new - c_open - c_left)
       AND (p_old ->> 'adjustment_id' IS NULL OR p_new -> 'adjustment_id' = p_old -> 'adjustment_id')
       AND (p_old ->> 'contract_line_id' IS NULL OR p_new -> 'contract_line_id' = p_old -> 'contract_line_id')
       AND (p_old -> 'credited_by' = p_new -> 'credited_by'
            OR p_old ->> 'credited_by' IS NULL
               AND EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                            WHERE n.document_id = (p_new ->> 'credited_by')::bigint
                              AND (r.charge_id = (p_new ->> 'charge_id')::bigint
                                   OR r.id = (p_new ->> 'reverses_line_id')::bigint)))
       AND (p_old -> 'released_at' = p_new -> 'released_at'
            OR p_old ->> 'released_at' IS NULL
               AND (EXISTS (SELECT FROM document d JOIN document_state s USING (kind, status)
                             WHERE d.id = (p_new ->> 'document_id')::bigint AND s.ended)
                    OR EXISTS (SELECT FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
                                WHERE n.document_id = (p_new ->> 'released_by')::bigint
                                  AND (r.charge_id = (p_new ->> 'charge_id')::bigint
                                       OR r.id = (p_new ->> 'reverses_line_id')::bigint))));
END $$;
COMMENT ON FUNCTION keeps_line(jsonb, jsonb) IS
    'does a line of an issued document, as it was and as it is to be, stay what it is? It may get its adjustment and '
    'its stage, once, and be released or credited whole, once: by the end of its document, or by the credit of it';

-- Released work may go, or be rated into other charges; the paper keeps what it said of it.
CREATE FUNCTION leave_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM document_line l WHERE l.charge_id = OLD.id AND l.released_at IS NOT NULL) THEN
        UPDATE document_line l SET charge_id = NULL, client_id = OLD.client_id, project_id = OLD.project_id,
               task_id = OLD.task_id, starts_on = OLD.service_date, ends_on = OLD.service_date
         WHERE l.charge_id = OLD.id AND l.released_at IS NOT NULL;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
COMMENT ON FUNCTION leave_lines() IS
    'trigger function of charge: lines of issued documents that released a charge stay without it when it is deleted '
    'or is about something else; those of drafts go with it. SECURITY DEFINER because row policies must not hide lines';

-- Once a statement: drafts, which is what lines are mostly written of, cost one look-up.
CREATE FUNCTION check_document_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_documents bigint[];
    v_issued bigint[];
    v_document bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_documents := ARRAY(SELECT DISTINCT n.document_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_documents := ARRAY(SELECT DISTINCT o.document_id FROM old_rows o);
    ELSE
        v_documents := ARRAY(SELECT o.document_id FROM old_rows o UNION SELECT n.document_id FROM new_rows n);
    END IF;
    v_issued := ARRAY(SELECT d.id FROM document d JOIN document_state s USING (kind, status)
                       WHERE d.id = ANY (v_documents) AND NOT s.draft ORDER BY 1);
    IF v_issued <> '{}' THEN
        IF TG_OP = 'UPDATE' THEN
            SELECT CASE WHEN o.document_id = ANY (v_issued) THEN o.document_id ELSE n.document_id END INTO v_document
              FROM old_rows o LEFT JOIN new_rows n USING (id)
             WHERE (o.document_id = ANY (v_issued) OR n.document_id = ANY (v_issued))
               AND keeps_line(to_jsonb(o), to_jsonb(n)) IS NOT true
             ORDER BY 1 LIMIT 1;
        ELSE
            v_document := v_issued[1];
        END IF;
        PERFORM refuse_reissue(document_of(v_document), CASE TG_OP WHEN 'INSERT' THEN 'lines added to'
                                                                   WHEN 'DELETE' THEN 'lines deleted'
                                                                   ELSE 'lines changed' END)
          WHERE v_document IS NOT NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM refuse_inexact('document_line', 'document_line_exact', l.currency, a.name, a.amount)
           FROM new_rows l
           JOIN currency_code c ON c.code = l.currency
          CROSS JOIN LATERAL (VALUES (1, 'amount', l.amount), (2, 'discount', l.discount), (3, 'net', l.net),
                                     (4, 'tax', l.tax), (5, 'gross', l.gross)) a (no, name, amount)
          WHERE a.amount <> round_money(a.amount, c.exponent)
          ORDER BY l.id, a.no LIMIT 1;
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_document_lines() IS
    'trigger function of document_line: lines of what is issued stay as they are (23001), but for their release; '
    'amounts are whole units of the currency (23514). SECURITY DEFINER because row policies must not hide documents';
