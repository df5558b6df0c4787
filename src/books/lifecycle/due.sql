-- ---------------------------------------------------------------------------
-- due: more time to pay
--
-- What is issued stays, but for its due date, which may be put off.  A row of
-- due_extension says so, and guard_document() takes a due date from nowhere else.
-- ---------------------------------------------------------------------------

CREATE FUNCTION is_extended(p_document document) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce(p_document.due_on = (SELECT e.due_on FROM due_extension e WHERE e.document_id = p_document.id
                                          ORDER BY e.id DESC LIMIT 1), false);
END $$;
COMMENT ON FUNCTION is_extended(document) IS 'is a document due on the day to which it was last put off?';

CREATE FUNCTION check_extension(p_document document, p_due_on date, p_reason text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_state document_state := state_of(p_document);
    v_name text := document_name(p_document.id);
BEGIN
    IF NOT EXISTS (SELECT FROM document_kind k WHERE k.kind = p_document.kind
                   AND (k.asks_payment OR k.flow IS NOT NULL)) THEN
        RAISE EXCEPTION '% asks for no payment and is never due', v_name
            USING ERRCODE = 'restrict_violation',
                HINT = format('These are: %s.', (SELECT string_agg(k.kind, ', ' ORDER BY k.kind) FROM document_kind k
                                                  WHERE k.asks_payment OR k.flow IS NOT NULL));
    ELSIF v_state.draft THEN
        RAISE EXCEPTION '% is not issued: its due date is still open', v_name
            USING ERRCODE = 'restrict_violation', HINT = 'Set due_on of the draft.';
    ELSIF v_state.settled OR v_state.ended OR 'filed' = ANY (v_state.means) THEN
        RAISE EXCEPTION '% is % and not due any more', v_name, p_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Only what is open can be paid later.';
    ELSIF coalesce(p_reason, '') = '' THEN
        RAISE EXCEPTION 'the due date of % is not put off without a reason', v_name
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: extend_due(document, due_on, reason).';
    ELSIF p_due_on IS NULL OR NOT isfinite(p_due_on) OR p_due_on <= p_document.due_on
          OR p_due_on < p_document.issued_on THEN
        RAISE EXCEPTION '% is not put off to %: it is due on %', v_name, coalesce(iso(p_due_on), 'no day'),
            coalesce(iso(p_document.due_on), format('no day, and issued on %s', iso(p_document.issued_on)))
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Give a later day. What is to be paid sooner is credited and issued anew.';
    END IF;
END $$;
COMMENT ON FUNCTION check_extension(document, date, text) IS
    'refuse to put a due date off: of what asks for no payment, of drafts, of what is paid, credited, void or put away '
    '(23001); without a reason, or to a day that is no later (22023)';

CREATE FUNCTION extend_due(document bigint, due_on date, reason text) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(extend_due.document);
BEGIN
    IF v_document.due_on = extend_due.due_on AND is_extended(v_document) THEN
        RETURN v_document.due_on;
    END IF;
    PERFORM check_extension(v_document, extend_due.due_on, extend_due.reason);
    INSERT INTO due_extension (document_id, was_due_on, due_on, reason)
    VALUES (v_document.id, v_document.due_on, extend_due.due_on, extend_due.reason);
    UPDATE document d SET due_on = extend_due.due_on WHERE d.id = v_document.id;
    PERFORM withdraw_reminders(ARRAY[v_document.id]);
    RETURN extend_due.due_on;
END $$;
COMMENT ON FUNCTION extend_due(bigint, date, text) IS
    'put the due date of an open invoice, proforma or bill off to a later day; kept with its reason in due_extension '
    'for ever; reminders that wait are taken back. The same day again changes nothing. Refused as check_extension() '
    'says';
SELECT allow('clerk', 'execute', 'extend_due');
