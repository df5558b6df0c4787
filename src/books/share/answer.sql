-- ---------------------------------------------------------------------------
-- answer: what the client says to a document through its link, and his signature
-- ---------------------------------------------------------------------------

CREATE FUNCTION asks_answer(p_document document) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT k.answered FROM document_kind k WHERE k.kind = p_document.kind)
       AND has_step(p_document, 'agreed', true);
END $$;
COMMENT ON FUNCTION asks_answer(document) IS 'does a document wait for its client''s answer now?';

-- After he agreed he may still sign; what is invoiced or put away is past that.
CREATE FUNCTION asks_signature(p_document document) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT k.answered FROM document_kind k WHERE k.kind = p_document.kind)
       AND p_document.sign_status IN ('none', 'sent')
       AND (has_step(p_document, 'agreed', true) OR p_document.status = 'agreed');
END $$;
COMMENT ON FUNCTION asks_signature(document) IS 'may the client sign a document now?';

CREATE FUNCTION refuse_drawing(p_what text, p_constraint text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    RAISE EXCEPTION 'a drawn signature %', p_what
        USING ERRCODE = 'invalid_parameter_value', CONSTRAINT = p_constraint,
            HINT = 'Give a PNG of up to 2000 x 2000 points and 256 kB as data:image/png;base64,…';
END $$;
COMMENT ON FUNCTION refuse_drawing(text, text) IS 'raise (22023) that a signature as it was drawn is not taken';

-- A few bytes can be an image of any size: what a browser would make of them is bounded, too.
CREATE FUNCTION drawn_image(p_url text) RETURNS bytea
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_head CONSTANT text := 'data:image/png;base64,';
    v_image bytea;
    v_width bigint;
    v_height bigint;
BEGIN
    IF length(p_url) > 262144 / 3 * 4 + length(c_head) THEN
        PERFORM refuse_drawing(format('of %s characters is too large', length(p_url)), 'answer_image_large');
    ELSIF NOT starts_with(p_url, c_head) OR length(p_url) % 4 <> length(c_head) % 4
          OR substr(p_url, length(c_head) + 1) !~ '^[A-Za-z0-9+/]+={0,2}$' THEN
        PERFORM refuse_drawing('is no PNG in base64', 'answer_image');
    END IF;
    v_image := decode(substr(p_url, length(c_head) + 1), 'base64');
    -- it begins with its mark and its sizes and ends with its end
    IF octet_length(v_image) < 45 OR encode(substr(v_image, 1, 16), 'hex') <> '89504e470d0a1a0a0000000d49484452'
        OR encode(substr(v_image, octet_length(v_image) - 11), 'hex') <> '0000000049454e44ae426082' THEN
        PERFORM refuse_drawing('is no whole PNG', 'answer_image');
    END IF;
    v_width := ('x' || encode(substr(v_image, 17, 4), 'hex'))::bit(32)::bigint;
    v_height := ('x' || encode(substr(v_image, 21, 4), 'hex'))::bit(32)::bigint;
    IF v_width NOT BETWEEN 1 AND 2000 OR v_height NOT BETWEEN 1 AND 2000 THEN
        PERFORM refuse_drawing(format('of %s x %s points is not taken', v_width, v_height), 'answer_image_large');
    END IF;
    RETURN v_image;
END $$;
COMMENT ON FUNCTION drawn_image(text) IS
    'the image of a signature as a page posts it, data:image/png;base64,…: refused (22023) where its bytes are no PNG, '
    'whatever it says it is, or it is larger than 256 kB or 2000 x 2000 points';

-- What shows nothing, or turns the order of what stands beside it, is no part of a name.
CREATE FUNCTION visible_text(given text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT btrim(regexp_replace(given,
        U&'[\0001-\001F\007F-\009F\00AD\061C\180E\200B-\200F\2028-\202E\2060-\206F\FEFF]', '', 'g'), U&' \00A0\3000');
END;
COMMENT ON FUNCTION visible_text(text) IS
    'a line of text without control characters, marks of direction and signs of no width, and without blanks around it';

CREATE FUNCTION sign_shared(p_document document, p_signer text, p_image text, p_link bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_image bytea := drawn_image(nullif(p_image, ''));
    v_signer text := visible_text(p_signer);
BEGIN
    IF coalesce(v_signer, '') = '' THEN
        RAISE EXCEPTION 'a signature needs a name' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say who signs.', CONSTRAINT = 'answer_name';
    ELSIF length(v_signer) > 200 THEN
        RAISE EXCEPTION 'a name of % characters is too long', length(v_signer)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say it in at most 200 characters.',
                CONSTRAINT = 'answer_name_long';
    ELSIF NOT asks_signature(p_document) THEN
        RAISE EXCEPTION '% is % and its signature %: it is not signed', document_name(p_document.id), p_document.status,
            p_document.sign_status
            USING ERRCODE = 'restrict_violation',
                HINT = 'What waits for an answer or is agreed is signed, once; what is revised or void is not.';
    END IF;
    PERFORM set_signature(p_document.id, 'signed', by => v_signer, ref => format('link %s', p_link), image => v_image,
                          image_type => CASE WHEN v_image IS NOT NULL THEN 'image/png' END);
END $$;
COMMENT ON FUNCTION sign_shared(document, text, text, bigint) IS
    'sign a document for its client through a link: his name, and the signature as it was drawn (NULL or empty: the '
    'name stands for it). Refused: no name, a long one, no image (22023), what is not to be signed (23001)';

CREATE FUNCTION answer_shared(token text, decision text, comment text DEFAULT NULL, document bigint DEFAULT NULL,
                              signer text DEFAULT NULL, image text DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_link record;
    v_document document;
BEGIN
    IF decision IS NULL OR decision NOT IN ('agreed', 'rejected', 'signed') THEN
        RAISE EXCEPTION 'unknown decision "%"', left(decision, 20) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Decisions are agreed, rejected and signed.';
    END IF;
    IF decision = 'rejected' AND coalesce(visible_text(comment), '') = '' THEN
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
            USING ERRCODE = 'restrict_violation',
                HINT = format('These are answered: %s.', (SELECT string_agg(k.kind, ', ' ORDER BY k.kind)
                                                            FROM document_kind k WHERE k.answered));
    END IF;
    IF decision = 'signed' THEN
        PERFORM sign_shared(open_document(v_document.id), signer, image, v_link.link_id);
        RETURN 'signed';
    ELSIF decision = 'agreed' AND (state_of(v_document)).binding THEN
        RETURN 'agreed';  -- asked again after what followed from it
    END IF;
    RETURN transition(v_document.id, decision, comment,
                      format('%s by link %s', (SELECT p.name FROM party p WHERE p.id = v_document.party_id),
                             v_link.link_id));
END $$;
COMMENT ON FUNCTION answer_shared(text, text, text, bigint, text, text) IS
    'the client''s answer through a link, to its document or, by a link to all that is his, to one of them: agreed, '
    'rejected with a comment, which has at most 4000 characters (22023), or signed by name (signer), with the image '
    'that was drawn (data:image/png;base64,…), which agrees to what waits for an answer. The same answer again changes '
    'nothing, but nothing is signed twice. Unknown, expired and revoked links are refused alike (23503), a document '
    'that waits for no answer, is signed, replaced or void with its status (23001)';
SELECT allow('guest', 'execute', 'answer_shared');
