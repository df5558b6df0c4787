-- ---------------------------------------------------------------------------
-- answer: what the client says to a document through its link
-- ---------------------------------------------------------------------------

CREATE FUNCTION asks_answer(p_document document) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT k.answered FROM document_kind k WHERE k.kind = p_document.kind)
       AND has_step(p_document, 'agreed', true);
END $$;
COMMENT ON FUNCTION asks_answer(document) IS 'does a document wait for its client''s answer now?';

CREATE FUNCTION answer_shared(token text, decision text, comment text DEFAULT NULL, document bigint DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_link record;
    v_document document;
BEGIN
    IF decision IS NULL OR decision NOT IN ('agreed', 'rejected') THEN
        RAISE EXCEPTION 'unknown decision "%"', left(decision, 20) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Decisions are agreed and rejected.';
    END IF;
    IF decision = 'rejected' AND coalesce(comment, '') !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a rejection needs a comment' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say what is to be changed.', CONSTRAINT = 'answer_reason';
    END IF;
    IF length(comment) > 4000 THEN
        RAISE EXCEPTION 'a comment of % characters is too long', length(comment)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say it in at most 4000 characters.',
                CONSTRAINT = 'answer_long';
    END IF;
    SELECT * INTO v_link FROM open_link(token, document);
    IF v_link.document_id IS NULL THEN
        RAISE EXCEPTION 'this link opens nothing' USING ERRCODE = 'foreign_key_violation', HINT = 'Ask for a new link.';
    END IF;
    v_document := document_of(v_link.document_id);
    IF NOT (SELECT k.answered FROM document_kind k WHERE k.kind = v_document.kind) THEN
        RAISE EXCEPTION '% asks for no answer', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Reports, proposals, specifications and acts are answered.';
    END IF;
    IF decision = 'agreed' AND (state_of(v_document)).binding THEN
        RETURN 'agreed';  -- asked again after what followed from it
    END IF;
    RETURN transition(v_document.id, decision, comment,
                      format('%s by link %s', (SELECT p.name FROM party p WHERE p.id = v_document.party_id),
                             v_link.link_id));
END $$;
COMMENT ON FUNCTION answer_shared(text, text, text, bigint) IS
    'the client''s answer through a link, to its document or, by a link to all that is his, to one of them: agreed, '
    'or rejected with a comment, which has at most 4000 characters (22023); the same answer again changes nothing. '
    'Unknown, expired and revoked links are refused alike (23503), a document that waits for no answer with its '
    'status (23001)';
SELECT allow('guest', 'execute', 'answer_shared');
