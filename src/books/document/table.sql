-- ---------------------------------------------------------------------------
-- document: reports, invoices, acts and all other papers in one lifecycle
--
-- A document is a header and lines.  Lines of work point at charges; a line
-- that claims its charge keeps it from every other document, and the partial
-- unique indexes on document_line make that a constraint.  Drafts follow their
-- charges; what is sent or issued is stamped and never changes.
--
-- Rows are locked in one order: the party, documents, charges by id, the number
-- series last.
-- ---------------------------------------------------------------------------

CREATE TABLE number_series (
    id bigserial CONSTRAINT number_series_pkey PRIMARY KEY,
    own_id bigint CONSTRAINT number_series_own_fkey REFERENCES party,
    kind text NOT NULL,
    year integer NOT NULL,
    pattern text NOT NULL DEFAULT '{YYYY}/{MM}-{####}'
        CONSTRAINT number_series_pattern_counts CHECK (pattern ~ '[{]#+[}]'),
    first_no bigint NOT NULL DEFAULT 1
        CONSTRAINT number_series_first_positive CHECK (first_no > 0),
    next_no bigint NOT NULL DEFAULT 1,
    CONSTRAINT number_series_key UNIQUE NULLS NOT DISTINCT (own_id, kind, year),
    CONSTRAINT number_series_next_in_order CHECK (next_no >= first_no)
);
COMMENT ON TABLE number_series IS
    'counters of document numbers, one for each own company, kind and year, without gaps. pattern: {YYYY} {YY} {MM} '
    '{DD} of the day of issue, {####} the counter padded to so many digits; a new year takes the pattern of the year '
    'before, and where that names no year its counter goes on. Its row is the last one that a transaction locks';

-- What kinds there are and what their statuses mean is part of the code: the rows
-- of these two are made in lifecycle/state.sql.
CREATE TABLE document_kind (
    kind text CONSTRAINT document_kind_pkey PRIMARY KEY,
    incoming boolean,
    made_of text NOT NULL
        CONSTRAINT document_kind_made_of_known CHECK (made_of IN ('work', 'content', 'document', 'opening')),
    answered boolean NOT NULL,
    asks_payment boolean NOT NULL,
    account text CONSTRAINT document_kind_account_fkey REFERENCES account_role,
    flow text
        CONSTRAINT document_kind_flow_known CHECK (flow IN ('in', 'out')),
    page text CONSTRAINT document_kind_page_fkey REFERENCES document_kind
);
COMMENT ON TABLE document_kind IS
    'the kinds of documents. incoming: do they come in from outside (NULL: both ways)? made_of: the work they are '
    'over, contents of their own, another document, or what the books began with; answered: does the client '
    'answer them by a link?';

CREATE TABLE document_state (
    kind text NOT NULL CONSTRAINT document_state_kind_fkey REFERENCES document_kind,
    status text NOT NULL,
    means text[] NOT NULL
        CONSTRAINT document_state_means_known CHECK (means <@
            '{draft,holds,binding,posted,settled,derived,filed,ended,withdrawn}'),
    shown_as text
        CONSTRAINT document_state_shown_as_known CHECK (shown_as IN ('status', 'mark')),
    report_status text,
    way_out text,
    draft boolean NOT NULL GENERATED ALWAYS AS ('draft' = ANY (means)) STORED,
    holds boolean NOT NULL GENERATED ALWAYS AS ('holds' = ANY (means)) STORED,
    binding boolean GENERATED ALWAYS AS ('binding' = ANY (means) OR nullif('filed' = ANY (means), true)) STORED,
    posted boolean GENERATED ALWAYS AS ('posted' = ANY (means) OR nullif('filed' = ANY (means), true)) STORED,
    settled boolean NOT NULL GENERATED ALWAYS AS ('settled' = ANY (means)) STORED,
    derived boolean NOT NULL GENERATED ALWAYS AS ('derived' = ANY (means)) STORED,
    ended boolean NOT NULL GENERATED ALWAYS AS ('ended' = ANY (means)) STORED,
    withdrawn boolean NOT NULL GENERATED ALWAYS AS ('withdrawn' = ANY (means)) STORED,
    CONSTRAINT document_state_pkey PRIMARY KEY (kind, status)
);
COMMENT ON TABLE document_state IS
    'the statuses of each kind of document and what they mean, a column for each question that is asked of them. '
    'means: the words that are true of it; filed: put away, so that whether it is binding and posted (NULL) is what it '
    'was before';

CREATE TABLE document (
    id bigserial CONSTRAINT document_pkey PRIMARY KEY,
    kind text NOT NULL,
    incoming boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'draft',
    own_id bigint CONSTRAINT document_own_fkey REFERENCES party,
    party_id bigint NOT NULL CONSTRAINT document_party_fkey REFERENCES party,
    contract_id bigint CONSTRAINT document_contract_fkey REFERENCES contract,
    project_id bigint CONSTRAINT document_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT document_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT document_task_fkey REFERENCES task,
    based_on bigint CONSTRAINT document_based_on_fkey REFERENCES document,
    revision integer NOT NULL DEFAULT 1,
    supersedes_id bigint CONSTRAINT document_supersedes_fkey REFERENCES document
        CONSTRAINT document_superseded_once UNIQUE,
    title text,
    period_from date,
    period_to date,
    made_from jsonb,
    positions text NOT NULL DEFAULT 'task'
        CONSTRAINT document_positions_known CHECK (positions IN ('task', 'employee', 'day', 'none')),
    currency text NOT NULL CONSTRAINT document_currency_fkey REFERENCES currency_code,
    tax_inclusive boolean NOT NULL DEFAULT false,
    tax_level text NOT NULL DEFAULT 'line'
        CONSTRAINT document_tax_level_known CHECK (tax_level IN ('line', 'total')),
    discount_pct numeric(7,4)
        CONSTRAINT document_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    discount_amount numeric(20,6)
        CONSTRAINT document_discount_not_negative CHECK (discount_amount >= 0 AND discount_amount <> 'NaN'),
    net numeric(20,6),
    tax numeric(20,6),
    gross numeric(20,6),
    series_id bigint CONSTRAINT document_series_fkey REFERENCES number_series,
    series_no bigint,
    number text,
    outside_number text,
    issued_on date
        CONSTRAINT document_issue_date_year CHECK (issued_on BETWEEN '0001-01-01' AND '9999-12-31'),
    issued_at timestamptz,
    due_on date
        CONSTRAINT document_due_date_year CHECK (due_on BETWEEN '0001-01-01' AND '9999-12-31'),
    requirements text,
    note text,
    sign_status text NOT NULL DEFAULT 'none'
        CONSTRAINT document_sign_status_known CHECK (sign_status IN ('none', 'sent', 'signed', 'rejected')),
    sign_at timestamptz,
    sign_by text,
    sign_ref text,
    signature bytea
        CONSTRAINT document_signature_size CHECK (octet_length(signature) BETWEEN 1 AND 1048576),
    signature_type text,
    file_url text,
    source text,
    external_id text,
    status_reason text,
    status_by text,
    status_said_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    meaning text CONSTRAINT document_meaning_known CHECK (meaning IN ('rebill', 'waive')),
    kept jsonb,
    opened_on date
        CONSTRAINT document_opened_year CHECK (opened_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT document_state_fkey FOREIGN KEY (kind, status) REFERENCES document_state,
    CONSTRAINT document_line_key UNIQUE (id, kind, currency),
    CONSTRAINT document_number_once UNIQUE (series_id, series_no),
    -- a debt from before the books has the number that was given then
    CONSTRAINT document_numbered_whole CHECK (num_nonnulls(series_id, series_no, number) IN (0, 3)
                                              OR kind = 'debt' AND num_nonnulls(series_id, series_no) = 0),
    CONSTRAINT document_opened_by_kind CHECK (opened_on IS NULL OR kind IN ('debt', 'bill')),
    CONSTRAINT document_debt_is_opened CHECK (kind <> 'debt' OR num_nonnulls(opened_on, outside_number) = 2),
    CONSTRAINT document_draft_has_no_number CHECK (issued_at IS NOT NULL OR number IS NULL),
    CONSTRAINT document_issued_has_number CHECK (issued_at IS NULL OR number IS NOT NULL OR incoming),
    CONSTRAINT document_issued_keeps CHECK ((issued_at IS NOT NULL) = (kept IS NOT NULL)),
    CONSTRAINT document_stamped CHECK (issued_at IS NULL OR num_nonnulls(net, tax, gross, issued_on) = 4),
    CONSTRAINT document_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_one_discount CHECK (num_nonnulls(discount_pct, discount_amount) <= 1),
    CONSTRAINT document_bill_names_its_number CHECK (kind <> 'bill' OR outside_number IS NOT NULL),
    CONSTRAINT document_meaning_of_credit CHECK ((kind = 'credit_note') = (meaning IS NOT NULL)),
    CONSTRAINT document_dates_in_order CHECK (period_to >= period_from AND due_on >= issued_on),
    CONSTRAINT document_period_years
        CHECK (period_from BETWEEN '0001-01-01' AND '9999-12-31' AND period_to BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT document_signature_whole CHECK (num_nonnulls(signature, signature_type) IN (0, 2)),
    CONSTRAINT document_signature_known CHECK (signature_type IN ('image/png', 'image/jpeg', 'image/webp')),
    CONSTRAINT document_signature_typed
        CHECK (CASE signature_type WHEN 'image/png' THEN substr(signature, 1, 8) = '\x89504e470d0a1a0a'
                                   WHEN 'image/jpeg' THEN substr(signature, 1, 3) = '\xffd8ff'
                                   WHEN 'image/webp'
                                   THEN substr(signature, 1, 4) || substr(signature, 9, 4) = '\x5249464657454250' END),
    CONSTRAINT document_sign_dated CHECK ((sign_status = 'none') = (sign_at IS NULL))
);
COMMENT ON TABLE document IS
    'every paper: its kind is one of document_kind, its status one of document_state. party_id the client or '
    'contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a '
    'revision supersedes the one before. net, tax, gross in currency, stamped when it leaves draft; number given then, '
    'from its series; outside_number the one the other side or another system gave. made_from is the filter or the '
    'content it was made of; meaning of a credit note whether what it credits is billed again (rebill) or given up '
    '(waive). opened_on the day on which a debt or bill from before these books was brought into them. kept is '
    'who and what its paper names, as it was when it was issued. Changes by transition(), void(), '
    'credit(), revise(), extend_due(); each change of status is kept in document_status_change';
CREATE INDEX document_party_idx ON document (party_id, kind, status);
CREATE INDEX document_based_on_idx ON document (based_on) WHERE based_on IS NOT NULL;
CREATE INDEX document_task_idx ON document (task_id) WHERE task_id IS NOT NULL;
-- A number of ours is given once, also where its document is void.  What is void leaves the number that a supplier gave
-- it and the key of an outside system to others; a supplier may begin anew each year.
CREATE UNIQUE INDEX document_number_text_once ON document (own_id, kind, number) NULLS NOT DISTINCT
    WHERE number IS NOT NULL AND (kind <> 'debt' OR status <> 'void');
CREATE UNIQUE INDEX document_external_key ON document (source, external_id) WHERE status <> 'void';
CREATE UNIQUE INDEX document_bill_once ON document (party_id, outside_number, (extract(year FROM issued_on)))
    NULLS NOT DISTINCT WHERE kind = 'bill' AND status <> 'void';
ALTER TABLE notification ADD CONSTRAINT notification_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE charge ADD CONSTRAINT charge_held_by_fkey FOREIGN KEY (held_by) REFERENCES document;
ALTER TABLE entry ADD CONSTRAINT entry_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE task_item ADD CONSTRAINT task_item_document_fkey FOREIGN KEY (document_id) REFERENCES document;

CREATE TABLE document_line (
    id bigserial CONSTRAINT document_line_pkey PRIMARY KEY,
    document_id bigint NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    position integer,
    charge_id bigint CONSTRAINT document_line_charge_fkey REFERENCES charge ON DELETE CASCADE,
    claim boolean NOT NULL DEFAULT false,
    adjustment_id bigint CONSTRAINT document_line_adjustment_fkey REFERENCES charge,
    base_line_id bigint CONSTRAINT document_line_base_fkey REFERENCES document_line,
    reverses_line_id bigint CONSTRAINT document_line_reverses_fkey REFERENCES document_line,
    item_id bigint CONSTRAINT document_line_item_fkey REFERENCES item,
    article text CONSTRAINT document_line_article_fkey REFERENCES account (code),
    contract_id bigint CONSTRAINT document_line_contract_fkey REFERENCES contract,
    contract_line_id bigint CONSTRAINT document_line_contract_line_fkey REFERENCES contract_line,
    client_id bigint CONSTRAINT document_line_client_fkey REFERENCES party,
    deal_id bigint CONSTRAINT document_line_deal_fkey REFERENCES deal,
    project_id bigint CONSTRAINT document_line_project_fkey REFERENCES project,
    task_id bigint CONSTRAINT document_line_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT document_line_employee_fkey REFERENCES employee,
    title text,
    unit text,
    quantity numeric(19,6) CONSTRAINT document_line_quantity_number CHECK (quantity <> 'NaN'),
    price numeric(25,9) CONSTRAINT document_line_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    discount_pct numeric(7,4) CONSTRAINT document_line_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    cost numeric(20,6) CONSTRAINT document_line_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    starts_on date,
    ends_on date,
    worked_s bigint,
    billed_s bigint,
    amount numeric(20,6) CONSTRAINT document_line_amount_number CHECK (amount <> 'NaN'),
    discount numeric(20,6),
    tax_rate numeric(7,4) CONSTRAINT document_line_tax_range CHECK (tax_rate BETWEEN 0 AND 100),
    net numeric(20,6),
    tax numeric(20,6),
    gross numeric(20,6),
    released_at timestamptz,
    released_by bigint CONSTRAINT document_line_released_by_fkey REFERENCES document,
    credited_by bigint CONSTRAINT document_line_credited_by_fkey REFERENCES document,
    tax_code text CONSTRAINT document_line_tax_fkey REFERENCES tax,
    taxes jsonb,
    rounding numeric(20,6),
    CONSTRAINT document_line_document_fkey FOREIGN KEY (document_id, kind, currency)
        REFERENCES document (id, kind, currency) ON DELETE CASCADE,
    CONSTRAINT document_line_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_line_work_has_charge CHECK (kind NOT IN ('report', 'invoice') OR charge_id IS NOT NULL
                                                    OR released_at IS NOT NULL),
    CONSTRAINT document_line_claims_charge CHECK (NOT claim OR kind IN ('report', 'invoice')
                                                  AND (charge_id IS NOT NULL OR released_at IS NOT NULL)),
    CONSTRAINT document_line_report_claims CHECK (kind <> 'report' OR claim),
    CONSTRAINT document_line_free_has_title CHECK (num_nonnulls(charge_id, reverses_line_id, title) > 0),
    CONSTRAINT document_line_credit_reverses CHECK ((kind = 'credit_note') = (reverses_line_id IS NOT NULL)),
    CONSTRAINT document_line_credit_negative CHECK (kind <> 'credit_note' OR amount IS NOT NULL),
    CONSTRAINT document_line_release_whole CHECK (num_nonnulls(released_at, released_by) IN (0, 2)),
    CONSTRAINT document_line_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE document_line IS
    'stored lines, one for each charge; position groups them into the rows of the paper. claim: this line keeps the '
    'charge from other documents (lines of reports, and of invoices made without one); adjustment_id the charge that '
    'takes discount and included tax off, so that net is what its charges sum to; taxes what its tax is made of where '
    'it has a tax_code, [{"tax", "rate", "amount"}]; base_line_id the line of the report '
    'that it repeats; reverses_line_id the invoice line that a credit takes back. amount before document discount, '
    'net, tax, gross after it, stamped when the document leaves draft; released_at when the charge went free again, by '
    'document released_by; credited_by the credit note that took the rest of the line back without setting its charge '
    'free: given up, or billed again by charges of its own (adjustment_id of credit notes'' lines)';
ALTER TABLE task_item ADD CONSTRAINT task_item_line_fkey FOREIGN KEY (line_id) REFERENCES document_line;
CREATE INDEX document_line_document_idx ON document_line (document_id, position);
CREATE INDEX document_line_charge_idx ON document_line (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX document_line_adjustment_idx ON document_line (adjustment_id) WHERE adjustment_id IS NOT NULL;
CREATE INDEX document_line_released_by_idx ON document_line (released_by) WHERE released_by IS NOT NULL;
CREATE INDEX document_line_credited_by_idx ON document_line (credited_by) WHERE credited_by IS NOT NULL;
CREATE INDEX document_line_reverses_idx ON document_line (reverses_line_id) WHERE reverses_line_id IS NOT NULL;
CREATE INDEX document_line_credit_idx ON document_line (document_id) WHERE kind = 'credit_note';
CREATE UNIQUE INDEX document_line_claimed_once ON document_line (charge_id) WHERE claim AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_invoiced_once ON document_line (charge_id) WHERE kind = 'invoice'
    AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_in_one_act ON document_line (charge_id) WHERE kind = 'act' AND released_at IS NULL;

CREATE TABLE document_status_change (
    id bigserial CONSTRAINT document_status_change_pkey PRIMARY KEY,
    document_id bigint NOT NULL,
    from_status text,
    to_status text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    said_by text,
    reason text
);
COMMENT ON TABLE document_status_change IS
    'every status that every document ever had, for ever: from_status NULL when it was made, to_status NULL when a '
    'draft was deleted; document_id is no foreign key because deleted drafts stay here';
CREATE INDEX document_status_change_document_idx ON document_status_change (document_id);

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
