-- ---------------------------------------------------------------------------
-- share: links by which a client sees one document, or all that is his, and answers
-- ---------------------------------------------------------------------------

CREATE TABLE share_link (
    id bigserial CONSTRAINT share_link_pkey PRIMARY KEY,
    document_id bigint CONSTRAINT share_link_document_fkey REFERENCES document,
    token_digest bytea NOT NULL CONSTRAINT share_link_token_key UNIQUE
        CONSTRAINT share_link_digest_size CHECK (octet_length(token_digest) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    views bigint NOT NULL DEFAULT 0,
    last_view_at timestamptz,
    client_id bigint CONSTRAINT share_link_client_fkey REFERENCES party,
    CONSTRAINT share_link_opens_one CHECK (num_nonnulls(document_id, client_id) = 1),
    CONSTRAINT share_link_expires_later CHECK (expires_at > created_at)
);
COMMENT ON TABLE share_link IS
    'links to a document, or to all that is a client''s: the token itself is shown once and not kept, only its '
    'SHA-256; views counts how often the link was opened';
CREATE INDEX share_link_document_idx ON share_link (document_id);
CREATE INDEX share_link_client_idx ON share_link (client_id) WHERE client_id IS NOT NULL;
