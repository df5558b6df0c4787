-- ---------------------------------------------------------------------------
-- share: a link by which the client sees one document and answers it
-- ---------------------------------------------------------------------------

-- Three random UUIDs hold 366 random bits from the server's strong source; their
-- digest is 32 bytes of it.
CREATE FUNCTION new_link(p_document bigint, p_client bigint, p_ttl interval) RETURNS text
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_token text := rtrim(translate(encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
                                                  || uuid_send(gen_random_uuid())), 'base64'), '+/', '-_'), '=');
BEGIN
    IF p_ttl IS NULL OR p_ttl <= interval '0' OR p_ttl > interval '5 years' THEN
        RAISE EXCEPTION 'a link cannot live for %', coalesce(p_ttl::text, 'ever')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a time to live of up to 5 years.';
    END IF;
    INSERT INTO share_link (document_id, client_id, token_digest, expires_at)
    VALUES (p_document, p_client, sha256(convert_to(v_token, 'UTF8')), now() + p_ttl);
    RETURN v_token;
END $$;
COMMENT ON FUNCTION new_link(bigint, bigint, interval) IS
    'make a link to a document or a client and return its token; refused (22023): a time to live of none or above 5 '
    'years';

CREATE FUNCTION share(document bigint, ttl interval DEFAULT '30 days') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document := document_of(share.document);
    v_state document_state := state_of(v_document);
BEGIN
    IF v_state.draft OR v_state.withdrawn OR v_document.incoming THEN
        RAISE EXCEPTION '% is % and is not shared', document_name(v_document.id), CASE WHEN v_document.incoming
            THEN 'not ours' ELSE v_document.status END
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_state.withdrawn THEN 'Share what takes its place.'
                            ELSE 'Send it first: transition(document, ''sent'').' END;
    END IF;
    RETURN new_link(v_document.id, NULL, share.ttl);
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

CREATE FUNCTION end_links(p_document bigint, p_client bigint, p_link bigint) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_count bigint;
BEGIN
    UPDATE share_link s SET revoked_at = now()
     WHERE (s.document_id = p_document OR s.client_id = p_client) AND s.revoked_at IS NULL
       AND (p_link IS NULL OR s.id = p_link);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION end_links(bigint, bigint, bigint) IS
    'make the links to a document, or to all that is a client''s, or one of them, work no more; returns how many';

CREATE FUNCTION revoke_share(document bigint, link bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN end_links(revoke_share.document, NULL, revoke_share.link);
END $$;
COMMENT ON FUNCTION revoke_share(bigint, bigint) IS
    'make the links of a document, or one of them, work no more; returns how many';
SELECT allow('clerk', 'execute', 'revoke_share');

CREATE FUNCTION share_client(client bigint, ttl interval DEFAULT '1 year') RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_kind text := (SELECT p.kind FROM party p WHERE p.id = share_client.client);
BEGIN
    IF v_kind IS NULL THEN
        RAISE EXCEPTION 'there is no party %', share_client.client
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table party lists the clients.';
    END IF;
    IF v_kind NOT IN ('company', 'individual') THEN
        RAISE EXCEPTION 'party % is no client', share_client.client
            USING ERRCODE = 'restrict_violation', HINT = 'Clients are parties of kind company or individual.';
    END IF;
    RETURN new_link(NULL, share_client.client, share_client.ttl);
END $$;
COMMENT ON FUNCTION share_client(bigint, interval) IS
    'make a link to all that is a client''s: his documents, current work and what is left of his contracts; a token as '
    'share() makes it, which works for ttl. Refused: what is no party (23503) or no client (23001)';
SELECT allow('clerk', 'execute', 'share_client');

CREATE FUNCTION revoke_client_share(client bigint, link bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN end_links(NULL, revoke_client_share.client, revoke_client_share.link);
END $$;
COMMENT ON FUNCTION revoke_client_share(bigint, bigint) IS
    'make the links to all that is a client''s, or one of them, work no more; returns how many. Those of his documents '
    'are revoke_share()''s';
SELECT allow('clerk', 'execute', 'revoke_client_share');

CREATE FUNCTION may_write() RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT current_setting('transaction_read_only') = 'off' AND NOT pg_is_in_recovery();
END;
COMMENT ON FUNCTION may_write() IS 'may this transaction write? Not where it is read-only, nor on a standby';

-- A client may see what we issued to him; drafts are ours, and what came from him he has.
CREATE FUNCTION linked(token text, document bigint DEFAULT NULL, OUT document_id bigint, OUT client_id bigint,
                       OUT link_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(s.document_id, d.id), s.client_id, s.id
      FROM share_link s
      LEFT JOIN document d ON d.id = linked.document AND d.party_id = s.client_id AND d.issued_at IS NOT NULL
                              AND NOT d.incoming
     WHERE octet_length(linked.token) = 43 AND s.token_digest = sha256(convert_to(linked.token, 'UTF8'))
       AND s.revoked_at IS NULL AND s.expires_at > now()
       AND (linked.document IS NULL OR linked.document = coalesce(s.document_id, d.id));
END;
COMMENT ON FUNCTION linked(text, bigint) IS
    'what a token opens: its document, or its client and of his the document that is asked for (NULL: none); the link. '
    'NULL whether the token is unknown, expired or revoked, or opens another document';

-- A gateway answers GET in a read-only transaction, and a standby has no other:
-- there the page is shown and the view is not counted.
CREATE FUNCTION open_link(token text, document bigint DEFAULT NULL, OUT document_id bigint, OUT client_id bigint,
                          OUT link_id bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    SELECT l.* INTO open_link.document_id, open_link.client_id, open_link.link_id
      FROM linked(open_link.token, open_link.document) l;
    IF open_link.link_id IS NOT NULL AND may_write() THEN
        UPDATE share_link s SET views = s.views + 1, last_view_at = now() WHERE s.id = open_link.link_id;
    END IF;
END $$;
COMMENT ON FUNCTION open_link(text, bigint) IS
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
