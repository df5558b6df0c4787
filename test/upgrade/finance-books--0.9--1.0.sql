-- What the tables of version 1.0 have other than those of 0.9.

-- Dates lie in years of four digits, as JSON writes them.
ALTER TABLE time_entry DROP CONSTRAINT time_entry_start_finite, ADD CONSTRAINT time_entry_start_year
    CHECK (started_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE time_entry DROP CONSTRAINT time_entry_end_finite, ADD CONSTRAINT time_entry_end_year
    CHECK (ended_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE time_entry DROP CONSTRAINT time_entry_date_finite, ADD CONSTRAINT time_entry_date_year
    CHECK (work_date BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document DROP CONSTRAINT document_issue_date_finite, ADD CONSTRAINT document_issue_date_year
    CHECK (issued_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document DROP CONSTRAINT document_due_date_finite, ADD CONSTRAINT document_due_date_year
    CHECK (due_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE entry DROP CONSTRAINT entry_date_finite, ADD CONSTRAINT entry_date_year
    CHECK (entry_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE payment DROP CONSTRAINT payment_date_finite, ADD CONSTRAINT payment_date_year
    CHECK (paid_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE payment DROP CONSTRAINT payment_accrual_finite, ADD CONSTRAINT payment_accrual_year
    CHECK (accrued_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE cost_rate ADD CONSTRAINT cost_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE exchange_rate ADD CONSTRAINT exchange_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE deal ADD CONSTRAINT deal_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE deal_stage ADD CONSTRAINT deal_stage_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE task ADD CONSTRAINT task_year CHECK (completed_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE contract_line ADD CONSTRAINT contract_line_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND accepted_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE allotment ADD CONSTRAINT allotment_years
    CHECK (effective_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'
           AND expires_at BETWEEN '0001-01-02Z' AND '9999-12-31Z');
ALTER TABLE period_lock ADD CONSTRAINT period_lock_year CHECK (locked_through BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE price ADD CONSTRAINT price_year
    CHECK (valid_from = '-infinity' OR valid_from BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE contract ADD CONSTRAINT contract_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document ADD CONSTRAINT document_period_years
    CHECK (period_from BETWEEN '0001-01-01' AND '9999-12-31'
           AND period_to BETWEEN '0001-01-01' AND '9999-12-31');
ALTER TABLE document_line ADD CONSTRAINT document_line_years
    CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31'
           AND ends_on BETWEEN '0001-01-01' AND '9999-12-31');
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
