-- ---------------------------------------------------------------------------
-- setting: what holds for the whole set of books
-- ---------------------------------------------------------------------------

CREATE TABLE setting (
    id boolean DEFAULT true CONSTRAINT setting_pkey PRIMARY KEY
        CONSTRAINT setting_one_row CHECK (id),
    version text NOT NULL,
    max_entry_s bigint NOT NULL DEFAULT 86400
        CONSTRAINT setting_max_entry_positive CHECK (max_entry_s > 0),
    zone text NOT NULL DEFAULT 'UTC'
);
COMMENT ON TABLE setting IS 'one row: what holds for the whole set of books';
INSERT INTO setting (version) VALUES ('@version@');
