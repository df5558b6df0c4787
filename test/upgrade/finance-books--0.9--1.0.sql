-- What the tables of version 1.0 have other than those of 0.9.

-- The books are exact in currencies of up to two decimals, and take no others. One that is in use holds the upgrade up.
ALTER TABLE currency_code DROP CONSTRAINT currency_code_exponent_range;
DELETE FROM currency_code WHERE exponent > 2;
ALTER TABLE currency_code
    ADD CONSTRAINT currency_code_exponent_range CHECK (exponent BETWEEN 0 AND 2),
    ADD CONSTRAINT currency_code_exact CHECK (code <> ALL ('{BHD,CLF,IQD,JOD,KWD,LYD,OMR,TND,UYW}'));
COMMENT ON TABLE currency_code IS
    'currencies the books know; exponent is the number of decimals of an amount (ISO 4217), 0 to 2: in these the books '
    'are exact everywhere, and take no others. Whatever names a currency names a row of this table';

-- Numbers are given once for a company and kind; what is void leaves keys of outside systems to others, a supplier's
-- numbers are of a year.
ALTER TABLE document DROP CONSTRAINT document_number_text_once, DROP CONSTRAINT document_external_key;
DROP INDEX document_bill_once;
CREATE UNIQUE INDEX document_number_text_once ON document (own_id, kind, number) NULLS NOT DISTINCT
    WHERE number IS NOT NULL;
CREATE UNIQUE INDEX document_external_key ON document (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX document_bill_once ON document (party_id, outside_number, (extract(year FROM issued_on)))
    NULLS NOT DISTINCT WHERE kind = 'bill' AND status <> 'void';
COMMENT ON TABLE number_series IS
    'counters of document numbers, one for each own company, kind and year, without gaps. pattern: {YYYY} {YY} {MM} '
    '{DD} of the day of issue, {####} the counter padded to so many digits; a new year takes the pattern of the year '
    'before, and where that names no year its counter goes on. Its row is the last one that a transaction locks';

-- What is issued keeps who and what its paper names; what was issued before keeps it as the code is made. Due dates may
-- be put off.
ALTER TABLE document ADD COLUMN kept jsonb,
    ADD CONSTRAINT document_issued_keeps CHECK ((issued_at IS NOT NULL) = (kept IS NOT NULL)) NOT VALID;
CREATE TABLE due_extension (
    id bigserial CONSTRAINT due_extension_pkey PRIMARY KEY,
    document_id bigint NOT NULL CONSTRAINT due_extension_document_fkey REFERENCES document,
    was_due_on date,
    due_on date NOT NULL,
    reason text NOT NULL CONSTRAINT due_extension_explained CHECK (reason <> ''),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    CONSTRAINT due_extension_later CHECK (due_on > was_due_on)
);
COMMENT ON TABLE due_extension IS
    'every time that an issued document got more time to be paid, for ever: extend_due() writes it, and the last row '
    'of a document says when it is due';
CREATE INDEX due_extension_document_idx ON due_extension (document_id);
CREATE TABLE brand_logo (
    digest bytea CONSTRAINT brand_logo_pkey PRIMARY KEY,
    logo text NOT NULL
);
COMMENT ON TABLE brand_logo IS
    'logos under which documents were issued, each once, by the SHA-256 that document.kept names: the brand may change';
COMMENT ON TABLE document IS
    'every paper: its kind is one of document_kind, its status one of document_state. party_id the client or '
    'contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a '
    'revision supersedes the one before. net, tax, gross in currency, stamped when it leaves draft; number given then, '
    'from its series; outside_number the one the other side or another system gave. made_from is the filter or the '
    'content it was made of; meaning of a credit note whether what it credits is billed again (rebill) or given up '
    '(waive). kept is who and what its paper names, as it was when it was issued. Changes by transition(), void(), '
    'credit(), revise(), extend_due(); each change of status is kept in document_status_change';
