-- ---------------------------------------------------------------------------
-- share: a link by which the client sees one document and answers it
-- ---------------------------------------------------------------------------

CREATE FUNCTION share(document bigint, ttl interval DEFAULT '30 days') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := document_of(share.document);
    v_state document_state := state_of(v_document);
    v_token text;
BEGIN
    IF v_state.draft OR v_state.withdrawn OR v_document.incoming THEN
        RAISE EXCEPTION '% is % and is not shared', document_name(v_document.id), CASE WHEN v_document.incoming
            THEN 'not ours' ELSE v_document.status END
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_state.withdrawn THEN 'Share what takes its place.'
                            ELSE 'Send it first: transition(document, ''sent'').' END;
    END IF;
    IF share.ttl IS NULL OR share.ttl <= interval '0' OR share.ttl > interval '5 years' THEN
        RAISE EXCEPTION 'a link cannot live for %', coalesce(share.ttl::text, 'ever')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a time to live of up to 5 years.';
    END IF;
    -- Three random UUIDs hold 366 random bits from the server's strong source;
    -- their digest is 32 bytes of it.
    v_token := rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                                             || uuid_send(gen_random_uuid())), 'base64'),
                               '+/', '-_'), '=');
    INSERT INTO share_link (document_id, token_digest, expires_at)
    VALUES (v_document.id, sha256(convert_to(v_token, 'UTF8')), now() + share.ttl);
    RETURN v_token;
END $$;
COMMENT ON FUNCTION share(bigint, interval) IS
    'make a link to a document that was sent: a token of 32 random bytes (43 URL-safe characters), shown this once; '
    'ttl is how long it works';
SELECT allow('clerk', 'execute', 'share');

CREATE FUNCTION send(document bigint, ttl interval DEFAULT '30 days') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_document document := open_document(send.document);
    v_state document_state := state_of(v_document);
BEGIN
    IF v_state.ended THEN
        RAISE EXCEPTION '% is % and is not sent again', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Send its next revision, which revise(document) makes, or another document in its place.';
    END IF;
    IF v_document.incoming THEN
        RAISE EXCEPTION '% came from outside and is not sent', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation',
                HINT = 'Answer it: transition(document, ''agreed'') or transition(document, ''rejected'', reason).';
    END IF;
    PERFORM transition(v_document.id, 'sent') WHERE v_state.draft;
    RETURN share(v_document.id, send.ttl);
END $$;
COMMENT ON FUNCTION send(bigint, interval) IS
    'send a document to its client: issues the draft and returns the token of a link to it, which works for ttl; what '
    'is sent already gets one more link. Refused (23001): what was rejected or superseded, what is void or came from '
    'outside';
SELECT allow('clerk', 'execute', 'send');

CREATE FUNCTION revoke_share(document bigint, link bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_count bigint;
BEGIN
    UPDATE share_link s SET revoked_at = now()
     WHERE s.document_id = revoke_share.document AND s.revoked_at IS NULL
       AND (revoke_share.link IS NULL OR s.id = revoke_share.link);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION revoke_share(bigint, bigint) IS
    'make the links of a document, or one of them, work no more; returns how many';
SELECT allow('clerk', 'execute', 'revoke_share');

CREATE FUNCTION may_write() RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery();
END;
COMMENT ON FUNCTION may_write() IS 'may this transaction write? Not where it is read-only, nor on a standby';

CREATE FUNCTION linked(token text, OUT document_id bigint, OUT link_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.document_id, s.id FROM share_link s
     WHERE octet_length(linked.token) = 43 AND s.token_digest = sha256(convert_to(linked.token, 'UTF8'))
       AND s.revoked_at IS NULL AND s.expires_at > now();
END;
COMMENT ON FUNCTION linked(text) IS
    'the document that a token opens, and the link; NULL whether the token is unknown, expired or revoked';

-- A gateway answers GET in a read-only transaction, and a standby has no other:
-- there the page is shown and the view is not counted.
CREATE FUNCTION open_link(token text, OUT document_id bigint, OUT link_id bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    SELECT l.document_id, l.link_id INTO open_link.document_id, open_link.link_id FROM linked(open_link.token) l;
    IF open_link.link_id IS NOT NULL AND may_write() THEN
        UPDATE share_link s SET views = s.views + 1, last_view_at = now() WHERE s.id = open_link.link_id;
    END IF;
END $$;
COMMENT ON FUNCTION open_link(text) IS
    'what linked() says of a token, counting the view where the transaction may write';

-- Gateways (PostgREST) set request.… and read response.…; elsewhere there is no
-- one to tell.  A setting that an earlier transaction made local stays as ''.
CREATE FUNCTION answer_status(p_status int) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF pg_catalog.current_setting('request.method', true) <> '' THEN
        PERFORM pg_catalog.set_config('response.status', p_status::text, true);
    END IF;
END $$;
COMMENT ON FUNCTION answer_status(int) IS
    'the HTTP status of the answer, where a gateway is there to send one; nothing elsewhere';

CREATE FUNCTION shared_report(token text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_document bigint := (SELECT l.document_id FROM open_link(token) l);
BEGIN
    IF v_document IS NULL THEN
        PERFORM answer_status(404);
        RETURN NULL;
    END IF;
    RETURN document_json(v_document);
END $$;
COMMENT ON FUNCTION shared_report(text) IS
    'what the link with this token shows: one document, as document_json() gives it, its status with it (void, '
    'superseded); NULL, through a gateway with status 404, when the link is unknown, expired or revoked, all alike. '
    'SECURITY DEFINER: a visitor reaches this document and nothing else';
SELECT allow('guest', 'execute', 'shared_report');
