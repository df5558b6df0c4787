-- ---------------------------------------------------------------------------
-- share: links by which a client sees one document and answers it
-- ---------------------------------------------------------------------------

CREATE TABLE share_link (
    id bigserial CONSTRAINT share_link_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT share_link_document_fkey REFERENCES document,
    token_digest bytea NOT NULL CONSTRAINT share_link_token_key UNIQUE
        CONSTRAINT share_link_digest_size CHECK (octet_length(token_digest) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    views bigint NOT NULL DEFAULT 0,
    last_view_at timestamptz,
    CONSTRAINT share_link_expires_later CHECK (expires_at > created_at)
);
COMMENT ON TABLE share_link IS
    'links to documents: the token itself is shown once and not kept, only its SHA-256; views counts how often the '
    'link was opened';
CREATE INDEX share_link_document_idx ON share_link (document_id);
