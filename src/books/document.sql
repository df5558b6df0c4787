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
    'counters of document numbers, one for each own company, kind and year, without gaps. pattern: {YYYY} {YY} {MM} {DD} of the day of issue, {####} '
    'the counter padded to so many digits; a new year takes the pattern of the year before. Its row is the last one that a transaction locks';
SELECT allow('clerk', 'select', 'number_series'), allow('admin', 'insert,update', 'number_series', but => '{next_no}'),
       allow('admin', 'delete', 'number_series');

SELECT watch('number_series', 'ignore:next_no');

CREATE FUNCTION guard_number_series() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.next_no = OLD.first_no
        OR TG_OP = 'UPDATE' AND ((NEW.next_no = OLD.next_no AND NEW.first_no = OLD.first_no)
                                 OR (NEW.next_no = OLD.next_no + 1 AND NEW.first_no = OLD.first_no)
                                 OR (OLD.next_no = OLD.first_no AND NEW.next_no = NEW.first_no)) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    RAISE EXCEPTION 'number series % of % goes on at %', OLD.kind, OLD.year, OLD.next_no
        USING ERRCODE = 'restrict_violation',
            HINT = 'The first number can be chosen before the series is used; its pattern can be changed at any time.';
END $$;
COMMENT ON FUNCTION guard_number_series() IS 'trigger function of number_series: a used counter only counts on, one by one (23001)';
CREATE TRIGGER number_series_kept BEFORE UPDATE OR DELETE ON number_series
    FOR EACH ROW EXECUTE FUNCTION guard_number_series();

CREATE TABLE document (
    id bigserial CONSTRAINT document_pkey PRIMARY KEY,
    kind text NOT NULL
        CONSTRAINT document_kind_known CHECK (kind IN ('proposal', 'specification', 'report', 'proforma', 'invoice', 'act', 'credit_note',
            'bill', 'contract', 'annex', 'other')),
    incoming boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'draft'
        CONSTRAINT document_status_known CHECK (status IN ('draft', 'sent', 'agreed', 'rejected', 'invoiced', 'partly_paid', 'paid',
            'credited', 'archived', 'superseded', 'void')),
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
    issued_on date CONSTRAINT document_issue_date_finite CHECK (isfinite(issued_on)),
    issued_at timestamptz,
    due_on date CONSTRAINT document_due_date_finite CHECK (isfinite(due_on)),
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
    CONSTRAINT document_line_key UNIQUE (id, kind, currency),
    CONSTRAINT document_number_once UNIQUE (series_id, series_no),
    CONSTRAINT document_number_text_once UNIQUE (series_id, number),
    CONSTRAINT document_external_key UNIQUE (source, external_id),
    CONSTRAINT document_numbered_whole CHECK (num_nonnulls(series_id, series_no, number) IN (0, 3)),
    CONSTRAINT document_draft_has_no_number CHECK (status <> 'draft' OR number IS NULL),
    CONSTRAINT document_issued_has_number CHECK (status IN ('draft', 'void') OR number IS NOT NULL OR incoming),
    CONSTRAINT document_stamped CHECK (status IN ('draft', 'void') OR num_nonnulls(net, tax, gross, issued_on) = 4),
    CONSTRAINT document_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_one_discount CHECK (num_nonnulls(discount_pct, discount_amount) <= 1),
    CONSTRAINT document_bill_comes_in CHECK (kind <> 'bill' OR incoming),
    CONSTRAINT document_work_goes_out CHECK (NOT incoming OR kind NOT IN ('proposal', 'specification', 'report', 'proforma', 'invoice', 'credit_note')),
    CONSTRAINT document_bill_names_its_number CHECK (kind <> 'bill' OR outside_number IS NOT NULL),
    CONSTRAINT document_dates_in_order CHECK (period_to >= period_from AND due_on >= issued_on),
    CONSTRAINT document_signature_whole CHECK (num_nonnulls(signature, signature_type) IN (0, 2)),
    CONSTRAINT document_signature_known CHECK (signature_type IN ('image/png', 'image/jpeg', 'image/webp')),
    CONSTRAINT document_sign_dated CHECK ((sign_status = 'none') = (sign_at IS NULL))
);
COMMENT ON TABLE document IS
    'every paper: proposal, specification, report, proforma, invoice, act, credit_note, bill (from a contractor), contract, annex, other. party_id the '
    'client or contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a revision supersedes the one '
    'before. net, tax, gross in currency, stamped when it leaves draft; number given then, from its series; outside_number the one the other side or '
    'another system gave. made_from is the filter or the content it was made of. Changes by transition(), void(), credit(), revise(); each change of '
    'status is kept in document_status_change';
COMMENT ON COLUMN document.positions IS 'how charges are grouped into the positions of the paper: by task, employee, day, or not at all (none)';
COMMENT ON COLUMN document.requirements IS 'requirements of a proposal; its lines are the estimate';
COMMENT ON COLUMN document.sign_by IS 'who signed, as whoever recorded it says; who recorded it is in history';
COMMENT ON COLUMN document.status_by IS 'actor() of the last step';
COMMENT ON COLUMN document.status_said_by IS 'on whose behalf the last step was taken, as its caller said';
COMMENT ON COLUMN document.sign_ref IS 'the id of the document at the operator of electronic documents';
SELECT allow('reader', 'select', 'document'),
       allow('clerk', 'update', 'document', columns => '{title,note,issued_on,due_on,outside_number,file_url,requirements}'),
       allow('manager', 'update', 'document', columns => '{discount_pct,discount_amount}');
CREATE INDEX document_party_idx ON document (party_id, kind, status);
CREATE INDEX document_based_on_idx ON document (based_on) WHERE based_on IS NOT NULL;
CREATE INDEX document_task_idx ON document (task_id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX document_bill_once ON document (party_id, outside_number) WHERE kind = 'bill' AND status <> 'void';
CREATE TRIGGER document_amounts_exact BEFORE INSERT OR UPDATE ON document
    FOR EACH ROW EXECUTE FUNCTION check_exact('discount_amount', 'net', 'tax', 'gross');
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON document
    FOR EACH ROW EXECUTE FUNCTION own_columns('status_by: transition() says it.', 'status_said_by: transition() says it.', 'revision: revise() makes the next one.',
                                              'created_at', 'created_by');
SELECT watch('document', 'digest:signature');
ALTER TABLE notification ADD CONSTRAINT notification_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE charge ADD CONSTRAINT charge_held_by_fkey FOREIGN KEY (held_by) REFERENCES document;
ALTER TABLE entry ADD CONSTRAINT entry_document_fkey FOREIGN KEY (document_id) REFERENCES document;
ALTER TABLE task_item ADD CONSTRAINT task_item_document_fkey FOREIGN KEY (document_id) REFERENCES document;
CREATE INDEX task_item_document_idx ON task_item (document_id) WHERE document_id IS NOT NULL;

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
    project_id bigint CONSTRAINT document_line_project_fkey REFERENCES project,
    task_id bigint CONSTRAINT document_line_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT document_line_employee_fkey REFERENCES employee,
    title text,
    unit text,
    quantity numeric(19,6) CONSTRAINT document_line_quantity_number CHECK (quantity <> 'NaN'),
    price numeric(19,6) CONSTRAINT document_line_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
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
    CONSTRAINT document_line_document_fkey FOREIGN KEY (document_id, kind, currency)
        REFERENCES document (id, kind, currency) ON DELETE CASCADE,
    CONSTRAINT document_line_adds_up CHECK (net + tax = gross),
    CONSTRAINT document_line_work_has_charge CHECK (kind NOT IN ('report', 'invoice') OR charge_id IS NOT NULL),
    CONSTRAINT document_line_claims_charge CHECK (NOT claim OR charge_id IS NOT NULL AND kind IN ('report', 'invoice')),
    CONSTRAINT document_line_report_claims CHECK (kind <> 'report' OR claim),
    CONSTRAINT document_line_free_has_title CHECK (num_nonnulls(charge_id, reverses_line_id, title) > 0),
    CONSTRAINT document_line_credit_reverses CHECK ((kind = 'credit_note') = (reverses_line_id IS NOT NULL)),
    CONSTRAINT document_line_credit_negative CHECK (kind <> 'credit_note' OR amount IS NOT NULL),
    CONSTRAINT document_line_release_whole CHECK (num_nonnulls(released_at, released_by) IN (0, 2))
);
COMMENT ON TABLE document_line IS
    'stored lines, one for each charge; position groups them into the rows of the paper. claim: this line keeps the charge from other documents (lines of '
    'reports, and of invoices made without one); adjustment_id the charge that takes discount and included tax off, so that net is what its charges sum '
    'to; base_line_id the line of the report that it repeats; reverses_line_id the invoice line that a credit takes back. amount before document '
    'discount, net, tax, gross after it, stamped when the document leaves draft; released_at when the charge went free again, by document released_by';
SELECT allow('reader', 'select', 'document_line');
CREATE INDEX document_line_document_idx ON document_line (document_id, position);
CREATE INDEX document_line_charge_idx ON document_line (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX document_line_adjustment_idx ON document_line (adjustment_id) WHERE adjustment_id IS NOT NULL;
CREATE INDEX document_line_released_by_idx ON document_line (released_by) WHERE released_by IS NOT NULL;
CREATE INDEX document_line_reverses_idx ON document_line (reverses_line_id) WHERE reverses_line_id IS NOT NULL;
CREATE INDEX document_line_credit_idx ON document_line (document_id) WHERE kind = 'credit_note';
CREATE UNIQUE INDEX document_line_claimed_once ON document_line (charge_id) WHERE claim AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_invoiced_once ON document_line (charge_id) WHERE kind = 'invoice' AND released_at IS NULL;
CREATE UNIQUE INDEX document_line_in_one_act ON document_line (charge_id) WHERE kind = 'act' AND released_at IS NULL;
CREATE TRIGGER document_line_exact BEFORE INSERT OR UPDATE ON document_line
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount', 'discount', 'net', 'tax', 'gross');
-- lines of work follow their charges; the others are what somebody wrote
SELECT watch('document_line', 'unless:charge_id');
CREATE TRIGGER document_not_truncated BEFORE TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
CREATE TRIGGER document_line_not_truncated BEFORE TRUNCATE ON document_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
-- Charges of clients without a contract are looked for by client.
CREATE INDEX charge_uncontracted_idx ON charge (client_id) WHERE contract_id IS NULL;

CREATE TABLE document_transition (
    kind text NOT NULL,
    from_status text NOT NULL,
    to_status text NOT NULL,
    by_hand boolean NOT NULL,
    CONSTRAINT document_transition_pkey PRIMARY KEY (kind, from_status, to_status)
);
COMMENT ON TABLE document_transition IS
    'the steps that documents of a kind can take; those not by_hand follow from another document or from a payment and are only taken when it is so';
SELECT allow('reader', 'select', 'document_transition');

INSERT INTO document_transition (kind, from_status, to_status, by_hand)
SELECT k, f, t, h FROM (VALUES
    -- what the client answers
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'draft', 'sent', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'agreed', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'rejected', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'draft', 'void', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'sent', 'void', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'agreed', 'void', true),
    ('{report,proposal,specification,act,contract,annex,other,bill,proforma}', 'rejected', 'archived', true),
    ('{proposal,specification,act,contract,annex,other,proforma}', 'agreed', 'archived', true),
    ('{report,proposal,specification,proforma}', 'sent', 'superseded', false),
    ('{report,proposal,specification,proforma}', 'rejected', 'superseded', false),
    ('{proposal,specification,proforma}', 'agreed', 'superseded', false),
    -- what its invoice makes of a report
    ('{report}', 'agreed', 'invoiced', false),
    ('{report}', 'invoiced', 'agreed', false),
    ('{report}', 'invoiced', 'void', false),
    ('{report}', 'partly_paid', 'void', false),
    ('{report}', 'paid', 'void', false),
    ('{report}', 'archived', 'void', false),
    -- what payments and credits make of invoices and bills, and of the reports behind them
    ('{invoice,credit_note}', 'draft', 'sent', true),
    ('{invoice}', 'draft', 'void', true),
    ('{invoice}', 'sent', 'void', true),
    ('{invoice}', 'sent', 'credited', false),
    ('{invoice}', 'partly_paid', 'credited', false),
    ('{invoice}', 'paid', 'credited', false),
    ('{invoice}', 'archived', 'credited', false),
    ('{invoice,credit_note}', 'sent', 'archived', true),
    ('{invoice}', 'credited', 'archived', true),
    ('{invoice}', 'sent', 'partly_paid', false), ('{invoice}', 'sent', 'paid', false),
    ('{invoice}', 'partly_paid', 'sent', false), ('{invoice}', 'paid', 'sent', false), ('{invoice}', 'archived', 'sent', false),
    ('{report}', 'invoiced', 'partly_paid', false), ('{report}', 'invoiced', 'paid', false),
    ('{report}', 'partly_paid', 'invoiced', false), ('{report}', 'paid', 'invoiced', false), ('{report}', 'archived', 'invoiced', false),
    ('{bill}', 'agreed', 'partly_paid', false), ('{bill}', 'agreed', 'paid', false),
    ('{bill}', 'partly_paid', 'agreed', false), ('{bill}', 'paid', 'agreed', false), ('{bill}', 'archived', 'agreed', false),
    ('{invoice,report,bill}', 'partly_paid', 'paid', false),
    ('{invoice,report,bill}', 'paid', 'partly_paid', false),
    ('{invoice,report,bill}', 'archived', 'partly_paid', false),
    ('{invoice,report,bill}', 'paid', 'archived', true)
) AS v (kinds, f, t, h), unnest(v.kinds::text[]) k
WHERE NOT (k = 'invoice' AND f = 'sent' AND t = 'archived');
CREATE TRIGGER document_transition_owned BEFORE INSERT OR UPDATE OR DELETE ON document_transition
    FOR EACH ROW EXECUTE FUNCTION own_table('The steps of documents are part of the books.');

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
    'every status that every document ever had, for ever: from_status NULL when it was made, to_status NULL when a draft was deleted; document_id is no '
    'foreign key because deleted drafts stay here';
SELECT allow('reader', 'select', 'document_status_change');
COMMENT ON COLUMN document_status_change.by IS 'actor(): the person who took the step, as far as known';
COMMENT ON COLUMN document_status_change.login IS 'the session''s user, which no setting changes';
COMMENT ON COLUMN document_status_change.said_by IS
    'on whose behalf, as the caller said: the argument by of transition(), or the client''s link that was answered';
COMMENT ON COLUMN document_status_change.document_id IS 'the document; no foreign key, because drafts that were deleted stay here';
CREATE INDEX document_status_change_document_idx ON document_status_change (document_id);
CREATE TRIGGER document_status_change_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON document_status_change
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('The history of a document stays; its next step is transition().');
CREATE TRIGGER document_status_change_owned BEFORE INSERT ON document_status_change
    FOR EACH ROW EXECUTE FUNCTION own_table('The next step of a document is transition().');

CREATE FUNCTION document_name(p_document bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN coalesce(d.number, d.outside_number) IS NULL
                THEN format('%s %s (id %s)', CASE d.status WHEN 'draft' THEN 'draft' ELSE d.status END, replace(d.kind, '_', ' '), d.id)
                ELSE format('%s %s', replace(d.kind, '_', ' '), coalesce(d.number, d.outside_number)) END
      FROM document d WHERE d.id = p_document;
END;
COMMENT ON FUNCTION document_name(bigint) IS 'what a message calls a document: kind and number, or kind and id while it has none';

CREATE FUNCTION currency_exponent(p_currency text) RETURNS int
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT c.exponent::int FROM currency_code c WHERE c.code = p_currency;
END;
COMMENT ON FUNCTION currency_exponent(text) IS 'number of decimals of a currency';

CREATE FUNCTION books_today() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE s.zone)::date FROM setting s;
END;
COMMENT ON FUNCTION books_today() IS 'the date in the zone of the books';
SELECT allow('reader', 'execute', 'books_today');

-- ---------------------------------------------------------------------------
-- numbers
-- ---------------------------------------------------------------------------

CREATE FUNCTION format_number(p_pattern text, p_no bigint, p_on date) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(replace(replace(replace(replace(p_pattern, '{YYYY}', substr(iso(p_on), 1, 4)), '{YY}', substr(iso(p_on), 3, 2)),
                           '{MM}', substr(iso(p_on), 6, 2)), '{DD}', substr(iso(p_on), 9, 2)), m.mark,
                   CASE WHEN length(p_no::text) < length(m.mark) - 2 THEN lpad(p_no::text, length(m.mark) - 2, '0') ELSE p_no::text END)
      FROM (SELECT substring(p_pattern FROM '[{]#+[}]') AS mark) m;
END;
COMMENT ON FUNCTION format_number(text, bigint, date) IS 'a document number from the pattern of its series';

CREATE FUNCTION next_number(p_own bigint, p_kind text, p_on date, OUT series_id bigint, OUT series_no bigint, OUT number text)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_pattern text;
BEGIN
    -- The row lock makes the counter gapless and serial: who comes second
    -- waits for the first to commit, and a rollback gives the number back.
    UPDATE number_series s SET next_no = s.next_no + 1
     WHERE s.own_id IS NOT DISTINCT FROM p_own AND s.kind = p_kind AND s.year = extract(year FROM p_on)
    RETURNING s.id, s.next_no - 1, s.pattern INTO next_number.series_id, next_number.series_no, v_pattern;
    IF NOT FOUND THEN
        INSERT INTO number_series AS s (own_id, kind, year, pattern, next_no)
        VALUES (p_own, p_kind, extract(year FROM p_on),
                coalesce((SELECT o.pattern FROM number_series o WHERE o.own_id IS NOT DISTINCT FROM p_own AND o.kind = p_kind
                           ORDER BY o.year > extract(year FROM p_on), abs(o.year - extract(year FROM p_on)) LIMIT 1),
                         '{YYYY}/{MM}-{####}'), 2)
        ON CONFLICT ON CONSTRAINT number_series_key DO UPDATE SET next_no = s.next_no + 1
        RETURNING s.id, s.next_no - 1, s.pattern INTO next_number.series_id, next_number.series_no, v_pattern;
    END IF;
    next_number.number := format_number(v_pattern, next_number.series_no, p_on);
END $$;
COMMENT ON FUNCTION next_number(bigint, text, date) IS
    'the next number of the series of an own company, kind and year; holds the series'' row until the end of the transaction, so it is called last';

-- ---------------------------------------------------------------------------
-- what stands on lines
-- ---------------------------------------------------------------------------

CREATE VIEW charge_claim WITH (security_invoker) AS
    SELECT l.charge_id, l.id AS line_id, l.document_id, l.kind, l.charge_id AS work_id FROM document_line l
     WHERE l.claim AND l.released_at IS NULL
    UNION ALL
    SELECT l.adjustment_id, l.id, l.document_id, l.kind, l.charge_id FROM document_line l
     WHERE l.claim AND l.released_at IS NULL AND l.adjustment_id IS NOT NULL
    UNION ALL
    SELECT l.charge_id, l.id, l.document_id, l.kind, NULL FROM document_line l
     WHERE l.kind = 'credit_note' AND l.released_at IS NULL AND l.charge_id IS NOT NULL;
COMMENT ON VIEW charge_claim IS
    'charges that a live document keeps, and by which line; work_id is the charge of the line, of which charge_id may be the discount or included tax; '
    'charges that a credit note made are kept by it';
SELECT allow('reader', 'select', 'charge_claim');

-- Where every charge is.  A charge and its reversal that no document keeps
-- cancel each other out; while one of them is on a document the other is owed.
CREATE VIEW charge_place WITH (security_invoker) AS
    SELECT h.id AS charge_id,
           CASE WHEN h.coverage = 'non_billable' THEN 'non_billable'
                WHEN c.kind = 'credit_note' OR i.id IS NOT NULL AND d.status <> 'draft' THEN 'billed'
                WHEN c.line_id IS NOT NULL THEN 'reported'
                WHEN NOT o.claimed THEN 'cancelled'
                WHEN h.coverage = 'capped' THEN 'written_off'
                WHEN h.coverage = 'billable' AND h.amount <> 0 THEN 'unbilled'
                ELSE 'no_charge' END AS place,
           c.document_id AS claimed_by, i.document_id AS invoice_id
      FROM charge h
      LEFT JOIN charge_claim c ON c.charge_id = h.id
      LEFT JOIN document_line i ON i.kind = 'invoice' AND i.released_at IS NULL AND i.charge_id = c.work_id
      LEFT JOIN document d ON d.id = i.document_id
      -- its reversal, or what it reverses; no join on an expression, which planners take for a product
      LEFT JOIN (SELECT r.id AS charge_id, r.reverses_id AS other_id, x.line_id IS NOT NULL AS claimed
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.reverses_id WHERE r.reverses_id IS NOT NULL
                 UNION ALL
                 SELECT r.reverses_id, r.id, x.line_id IS NOT NULL
                   FROM charge r LEFT JOIN charge_claim x ON x.charge_id = r.id WHERE r.reverses_id IS NOT NULL) o
        ON o.charge_id = h.id AND o.other_id = coalesce(h.reverses_id, o.other_id);
COMMENT ON VIEW charge_place IS
    'where every charge is, exactly one place: non_billable, billed (on a live invoice, or the credit of one), reported (kept by a report or a draft '
    'invoice, claimed_by), cancelled (with its reversal, neither on a document), written_off (above a cap), unbilled, or no_charge (no_charge, '
    'included, prepaid or zero work that no report shows yet)';
SELECT allow('reader', 'select', 'charge_place');

CREATE VIEW line_credit WITH (security_invoker) AS
    SELECT n.reverses_line_id AS line_id, (-sum(n.net))::numeric(20,6) AS net, (-sum(n.tax))::numeric(20,6) AS tax,
           (-sum(n.gross))::numeric(20,6) AS gross
      FROM document_line n WHERE n.kind = 'credit_note' GROUP BY 1;
COMMENT ON VIEW line_credit IS 'what was credited of each invoice line, positive, in the currency of the line';
SELECT allow('reader', 'select', 'line_credit');

CREATE FUNCTION frozen_by(charge_id bigint) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(
        (SELECT string_agg(format('It is on %s of %s (%s).', document_name(d.id), iso(d.issued_on), d.status), ' ' ORDER BY d.id)
           FROM document_line l JOIN document d ON d.id = l.document_id
          WHERE (l.charge_id = h.id OR l.adjustment_id = h.id) AND l.released_at IS NULL AND d.status <> 'draft'),
        (SELECT format('The period of contract "%s" from %s to %s is closed.', c.number, iso(b.period_start), iso(b.period_end - 1))
           FROM billing_period b JOIN contract c ON c.id = b.contract_id
          WHERE b.contract_id = h.contract_id AND h.period_start >= b.period_start AND h.period_start < b.period_end),
        format('It was posted to the ledger on %s.', iso((h.frozen_at AT TIME ZONE (SELECT s.zone FROM setting s))::date)))
      FROM charge h WHERE h.id = frozen_by.charge_id;
END;
COMMENT ON FUNCTION frozen_by(bigint) IS 'the sentence that says which document or closed period froze or holds a charge';

CREATE FUNCTION specification_agreed(task_id bigint) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT EXISTS (SELECT FROM document d
                    WHERE d.task_id = specification_agreed.task_id AND d.kind = 'specification' AND d.status IN ('agreed', 'archived')
                      AND EXISTS (SELECT FROM document_status_change s WHERE s.document_id = d.id AND s.to_status = 'agreed'));
END;
COMMENT ON FUNCTION specification_agreed(bigint) IS 'has the client agreed a specification of this task?';
