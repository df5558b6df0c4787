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

-- A payment that is void leaves its keys to what was really paid.
ALTER TABLE payment DROP CONSTRAINT payment_external_key, DROP CONSTRAINT payment_bank_ref_key;
CREATE UNIQUE INDEX payment_external_key ON payment (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX payment_bank_ref_key ON payment (cash_account_id, bank_ref) WHERE status <> 'void';

-- What settles without money, own money between currencies, and what the books began with.
ALTER TABLE setting ADD COLUMN write_off_limit numeric(20,6) NOT NULL DEFAULT 1
    CONSTRAINT setting_write_off_limit_not_negative CHECK (write_off_limit >= 0 AND write_off_limit <> 'NaN');
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no '
    'calendar says another; max_entry_s the longest time entry accepted, in seconds of the clock on the wall: 86400 is '
    'a day, also one of 25 hours; trackers_decide whether a record of ingest_entries() may say that it is not billed; '
    'max_rate_age_days how old a rate of exchange may be that is used without a word in data_gaps; write_off_limit how '
    'much, in the base currency, anybody who keeps payments may write off at once';
ALTER TABLE payment
    ADD COLUMN contra text CONSTRAINT payment_contra_fkey REFERENCES account (code),
    ADD COLUMN received numeric(20,6)
        CONSTRAINT payment_received_positive CHECK (received > 0 AND received <> 'NaN'),
    DROP CONSTRAINT payment_posted_on_account,
    ADD CONSTRAINT payment_posted_on_account CHECK (status <> 'posted' OR num_nonnulls(cash_account_id, contra) = 1),
    ADD CONSTRAINT payment_contra_is_no_money CHECK (contra IS NULL OR flow <> 'transfer' AND cash_account_id IS NULL),
    ADD CONSTRAINT payment_received_of_transfer CHECK (received IS NULL OR flow = 'transfer');
COMMENT ON TABLE payment IS
    'money in, out and between own accounts. planned: a row of the payment calendar; posted: cash, in the ledger; '
    'void: taken back by a reversal. article is the account that explains it; accrued_on the day its cost belongs to '
    'where that is not paid_on; contra the account that stands where cash would, of what settles without money: an '
    'article of ours (write_off()), the other side of a netting, opening balances; received what came to the other '
    'account of a transfer between currencies (exchange()); made_from the content that '
    'record_payment() made it of. Changing a posted payment reverses its entries and posts them anew';
ALTER TABLE document_kind DROP CONSTRAINT document_kind_made_of_known,
    ADD CONSTRAINT document_kind_made_of_known CHECK (made_of IN ('work', 'content', 'document', 'opening'));
COMMENT ON TABLE document_kind IS
    'the kinds of documents. incoming: do they come in from outside (NULL: both ways)? made_of: the work they are '
    'over, contents of their own, another document, or what the books began with; answered: does the client '
    'answer them by a link?';
ALTER TABLE document
    ADD COLUMN opened_on date
        CONSTRAINT document_opened_year CHECK (opened_on BETWEEN '0001-01-01' AND '9999-12-31'),
    DROP CONSTRAINT document_numbered_whole,
    ADD CONSTRAINT document_numbered_whole CHECK (num_nonnulls(series_id, series_no, number) IN (0, 3)
                                                  OR kind = 'debt' AND num_nonnulls(series_id, series_no) = 0),
    ADD CONSTRAINT document_opened_by_kind CHECK (opened_on IS NULL OR kind IN ('debt', 'bill')),
    ADD CONSTRAINT document_debt_is_opened CHECK (kind <> 'debt' OR num_nonnulls(opened_on, outside_number) = 2);
DROP INDEX document_number_text_once;
CREATE UNIQUE INDEX document_number_text_once ON document (own_id, kind, number) NULLS NOT DISTINCT
    WHERE number IS NOT NULL AND (kind <> 'debt' OR status <> 'void');
COMMENT ON TABLE document IS
    'every paper: its kind is one of document_kind, its status one of document_state. party_id the client or '
    'contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a '
    'revision supersedes the one before. net, tax, gross in currency, stamped when it leaves draft; number given then, '
    'from its series; outside_number the one the other side or another system gave. made_from is the filter or the '
    'content it was made of; meaning of a credit note whether what it credits is billed again (rebill) or given up '
    '(waive). opened_on the day on which a debt or bill from before these books was brought into them. kept is '
    'who and what its paper names, as it was when it was issued. Changes by transition(), void(), '
    'credit(), revise(), extend_due(); each change of status is kept in document_status_change';
INSERT INTO account (code, name, kind, line, cash_section, accrues) VALUES
    ('conversion', 'Money on its way between currencies', 'settlement', NULL, NULL, false),
    ('netting', 'Debts set off against each other', 'settlement', NULL, 'operating', false);
INSERT INTO account_role (role, account_id, posted)
SELECT v.role, a.id, v.posted FROM (VALUES
    ('opening', 'opening', 'what the books began with'),
    ('conversion', 'conversion', 'both sides of an exchange of own money'),
    ('netting', 'netting', 'both sides of debts that are set off'),
    ('bank_fee', 'bank_fees', 'what exchange() pays to the bank'),
    ('write_off', 'other_expense', 'what clients will not pay, where write_off() names no article'),
    ('write_on', 'other_income', 'what we need not pay, likewise')
) AS v (role, code, posted) JOIN account a USING (code);
UPDATE account_role SET posted = 'what changes of rates make of debts until they are paid, and of own money'
 WHERE role = 'exchange';
INSERT INTO page_label (name, language, label)
SELECT v.name, l.language, l.label
  FROM (VALUES
    ('debt', 'Борг на початок обліку', 'Долг на начало учёта', 'Debt brought forward'),
    ('netting', 'Акт взаємозаліку', 'Акт взаимозачёта', 'Netting of debts')
  ) AS v (name, uk, ru, en)
 CROSS JOIN LATERAL (VALUES ('uk', v.uk), ('ru', v.ru), ('en', v.en)) AS l (language, label);
