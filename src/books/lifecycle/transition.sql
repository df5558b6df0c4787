-- ---------------------------------------------------------------------------
-- transition: steps by hand
-- ---------------------------------------------------------------------------

CREATE FUNCTION transition(document bigint, status text, reason text DEFAULT NULL, by text DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(transition.document);
BEGIN
    IF v_document.status = transition.status THEN
        RETURN v_document.status;
    END IF;
    UPDATE document d SET status = transition.status, status_reason = transition.reason,
           status_said_by = nullif(transition.by, '')
     WHERE d.id = v_document.id;
    RETURN transition.status;
END $$;
COMMENT ON FUNCTION transition(bigint, text, text, text) IS
    'take a document to another status and do all that belongs to the step; the same step again changes nothing. '
    'rejected and void want a reason. by: on whose behalf, kept as said_by beside who really did it. Refused (23001) '
    'with the steps that are open when this one is not';
SELECT allow('clerk', 'execute', 'transition');

CREATE FUNCTION void(document bigint, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
BEGIN
    IF coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'a document is not void without a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: void(document, reason).';
    END IF;
    PERFORM transition(document, 'void', reason);
END $$;
COMMENT ON FUNCTION void(bigint, text) IS
    'take a document back: its number stays, the charges it held are free again, what it posted of tax is reversed; '
    'refused (23001) once it is paid, in part or whole, or credited';
SELECT allow('clerk', 'execute', 'void');

CREATE FUNCTION discard(document bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := open_document(discard.document);
BEGIN
    DELETE FROM document d WHERE d.id = v_document.id;
END $$;
COMMENT ON FUNCTION discard(bigint) IS
    'delete a draft and set its charges free; what was issued is refused (23001): void() it';
SELECT allow('clerk', 'execute', 'discard');
