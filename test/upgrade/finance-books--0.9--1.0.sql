-- What the tables of version 1.0 have other than those of 0.9.

-- What kinds of documents there are and what their statuses mean is rows, which the
-- code fills; those that documents have already stand for what it will say of them.
CREATE TABLE document_kind (
    kind text CONSTRAINT document_kind_pkey PRIMARY KEY,
    incoming boolean,
    made_of text NOT NULL
        CONSTRAINT document_kind_made_of_known CHECK (made_of IN ('work', 'content', 'document')),
    answered boolean NOT NULL,
    asks_payment boolean NOT NULL,
    account text CONSTRAINT document_kind_account_fkey REFERENCES account_role,
    flow text
        CONSTRAINT document_kind_flow_known CHECK (flow IN ('in', 'out')),
    page text CONSTRAINT document_kind_page_fkey REFERENCES document_kind
);
COMMENT ON TABLE document_kind IS
    'the kinds of documents. incoming: do they come in from outside (NULL: both ways)? made_of: the work they are '
    'over, contents of their own, or another document; answered: does the client answer them by a link?';
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
INSERT INTO document_kind (kind, made_of, answered, asks_payment)
SELECT DISTINCT d.kind, 'document', false, false FROM document d;
INSERT INTO document_state (kind, status, means) SELECT DISTINCT d.kind, d.status, '{}'::text[] FROM document d;
ALTER TABLE document
    DROP CONSTRAINT document_kind_known,
    DROP CONSTRAINT document_status_known,
    DROP CONSTRAINT document_bill_comes_in,
    DROP CONSTRAINT document_work_goes_out,
    DROP CONSTRAINT document_draft_has_no_number,
    DROP CONSTRAINT document_issued_has_number,
    DROP CONSTRAINT document_stamped,
    ADD CONSTRAINT document_draft_has_no_number CHECK (issued_at IS NOT NULL OR number IS NULL),
    ADD CONSTRAINT document_issued_has_number CHECK (issued_at IS NULL OR number IS NOT NULL OR incoming),
    ADD CONSTRAINT document_stamped CHECK (issued_at IS NULL OR num_nonnulls(net, tax, gross, issued_on) = 4),
    ADD CONSTRAINT document_state_fkey FOREIGN KEY (kind, status) REFERENCES document_state;
COMMENT ON TABLE document IS
    'every paper: its kind is one of document_kind, its status one of document_state. party_id the client or '
    'contractor, own_id the own company; based_on the document it was made of (report → invoice → credit note); a '
    'revision supersedes the one before. net, tax, gross in currency, stamped when it leaves draft; number given then, '
    'from its series; outside_number the one the other side or another system gave. made_from is the filter or the '
    'content it was made of; meaning of a credit note whether what it credits is billed again (rebill) or given up '
    '(waive). Changes by transition(), void(), credit(), revise(); each change of status is kept in '
    'document_status_change';
ALTER TABLE template DROP CONSTRAINT template_kind_known;

-- A word for what is frozen or held; fixed are prices.
ALTER TABLE charge RENAME COLUMN fixed TO committed;
ALTER VIEW IF EXISTS visible_charge RENAME COLUMN fixed TO committed;

-- A limit of days, not of seconds; old rates of exchange are pointed out.
ALTER TABLE setting ADD COLUMN max_rate_age_days integer NOT NULL DEFAULT 31
    CONSTRAINT setting_max_rate_age_not_negative CHECK (max_rate_age_days >= 0);
COMMENT ON TABLE setting IS
    'one row: version of the books; base_currency in which company-wide figures are kept; zone of work dates where no '
    'calendar says another; max_entry_s the longest time entry accepted, in seconds of the clock on the wall: 86400 is '
    'a day, also one of 25 hours; trackers_decide whether a record of ingest_entries() may say that it is not billed; '
    'max_rate_age_days how old a rate of exchange may be that is used without a word in data_gaps';

-- The role that work was priced in stays when the person is promoted.
ALTER TABLE charge ADD COLUMN role text;
ALTER TYPE rating_input ADD ATTRIBUTE role text;
CREATE INDEX charge_open_idx ON charge (client_id) WHERE NOT committed;

-- Work that can be charged no more for a while keeps its price.
ALTER TABLE rating_problem ADD COLUMN contract_id bigint, ADD COLUMN terms_id bigint, ADD COLUMN price_list_id bigint,
    ADD COLUMN employee_id bigint, ADD COLUMN role text, ADD COLUMN project_id bigint;
COMMENT ON TABLE rating_problem IS
    'why a time entry has no charge; view unrated shows it with the entry. contract_id and what follows it: as what it '
    'was priced while it had one, which it is again when that contract takes it back';
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms (NULL: none), where the price lookup '
    'starts, disposition and where it comes from (as charge.why), currency, cost rates an hour, rate to the base '
    'currency, seconds billed when frozen, its instant, what stands in the way, and the role it is priced in';

-- Where service periods count from may be the contract's own start; quarters and
-- years of before counted from January.
ALTER TABLE contract ALTER COLUMN anchor_day DROP DEFAULT, ALTER COLUMN anchor_day DROP NOT NULL,
    ADD COLUMN anchor_month integer CONSTRAINT contract_anchor_month_range CHECK (anchor_month BETWEEN 1 AND 12);
UPDATE contract SET anchor_month = 1 WHERE period IN ('quarter', 'year');
UPDATE contract SET anchor_day = NULL WHERE anchor_day = 1 AND period <> 'week';
UPDATE terms t
   SET body = n.body, digest = CASE WHEN n.is_last THEN sha256(convert_to(n.body::text, 'UTF8')) ELSE t.digest END
  FROM (SELECT b.id, b.body, b.id = max(b.id) OVER (PARTITION BY b.contract_id, b.body) AS is_last
          FROM (SELECT o.id, o.contract_id, o.body - '{period,anchor}'::text[] || jsonb_build_object('contracts', (
                           -- and caps, which are those of the contract too
                           SELECT jsonb_agg(x.value - '{cap_amount,cap_seconds}'::text[] ORDER BY x.no)
                             FROM jsonb_array_elements(o.body -> 'contracts') WITH ORDINALITY x (value, no))) AS body
                  FROM terms o) b) n
 WHERE n.id = t.id;

-- What is frozen and no longer agrees with its facts is corrected.
ALTER TABLE charge DROP CONSTRAINT charge_made_by_known, ADD CONSTRAINT charge_made_by_known
    CHECK (made_by IN ('user', 'rating', 'line', 'task_item', 'block', 'minimum', 'document', 'correction'));

CREATE TABLE recheck (
    charge_id bigint CONSTRAINT recheck_pkey PRIMARY KEY CONSTRAINT recheck_charge_fkey REFERENCES charge,
    found_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE recheck IS
    'frozen charges of whose contract, line, cost rate or exchange rate something changed since, or whose cost is not '
    'known yet: correction_due looks at these, so that it costs what changed and not what there is';

-- Rates come for a day: what was frozen since is found without a look at the years before.
CREATE INDEX charge_day_idx ON charge USING brin (service_date);

-- Dates of a calendar are whole.
COMMENT ON TABLE calendar_band IS
    'a band of the local day; the rows of a date replace the whole of it, from midnight to midnight (holidays, moved '
    'working days); what no row covers is band off_hours';

-- What is pointed out is found without a look at all years.
CREATE INDEX time_entry_clock_idx ON time_entry (employee_id, started_at) INCLUDE (ended_at, id)
    WHERE started_at IS NOT NULL;
CREATE INDEX time_entry_day_idx ON time_entry (employee_id, work_date) WHERE started_at IS NULL;
CREATE INDEX charge_uncosted_idx ON charge (service_date) WHERE base_cost IS NULL;

-- A function that is made no more, and on which views of users may hang.
DO $$
BEGIN
    IF to_regprocedure('pair_rate(text,text,date)') IS NOT NULL THEN
        CREATE OR REPLACE FUNCTION exchange_rate_on(from_currency text, to_currency text, on_date date) RETURNS numeric
            LANGUAGE sql STABLE PARALLEL SAFE
        BEGIN ATOMIC
            SELECT NULL::numeric;
        END;
        DROP FUNCTION pair_rate(text, text, date);
    END IF;
END $$;

-- Caps of a service period, cut like minimum charges to the days of a part; a line
-- has a priority as a block has.
ALTER TABLE contract ADD COLUMN period_cap_amount numeric(20,6)
        CONSTRAINT contract_period_cap_amount_positive CHECK (period_cap_amount >= 0 AND period_cap_amount <> 'NaN'),
    ADD COLUMN period_cap_s bigint CONSTRAINT contract_period_cap_seconds_positive CHECK (period_cap_s >= 0),
    ADD COLUMN prorate text NOT NULL DEFAULT 'actual'
        CONSTRAINT contract_prorate_known CHECK (prorate IN ('none', 'actual', 'fixed_30', 'days_365'));
ALTER TABLE contract_line ADD COLUMN priority integer NOT NULL DEFAULT 0;
ALTER TYPE allotment_use ADD ATTRIBUTE period_start date;
COMMENT ON TABLE contract IS
    'an agreement with a client. It covers the client''s work from starts_on to ends_on, both days included, of one '
    'project where project_id is set. A contract with parent_id is the companion of a base contract and takes the '
    'bands it names (after-hours at a raised price). period, anchor_day and anchor_month give the service period, '
    'as anchor_of() says; round_… the rounding of worked to billed seconds; cap_… what may not be exceeded in its '
    'whole life, period_cap_… in a service period; prorate how that and minimum_charge are cut to the days of a part '
    'period; late_policy what becomes of work logged for a closed period; auto_bill what run_billing() drafts';
COMMENT ON TABLE contract_line IS
    'fees of a contract: recurring (each service period, with included hours or money), one_time (on starts_on), stage '
    '(on acceptance). overage_price is the hourly price past the included hours; rollover_min and rollover_max, in '
    'seconds or money, bound what is carried to the next rollover_life periods (NULL rollover_max: nothing); prorate '
    'how a fee is cut to the days a period really had; priority when its hours or money are eaten';
COMMENT ON TABLE allotment IS
    'anything that is eaten by work: included hours or money of a period, prepaid blocks, top-ups, rollover. Eaten by '
    'priority, then earliest expiry, then the narrower scope_work_types, then earliest effective_at; what is alike in '
    'that by what it is: what would be lost before what is carried over, rollover, included, adjustment, block, topup, '
    'time before money. It covers work from effective_at to expires_at, which is cut there. key is the idempotency key '
    'of add_block()';
COMMENT ON TYPE allotment_use IS
    'what work takes from one allotment (burned, in its unit) and from the caps of its contract (amount, billed '
    'seconds), in a service period where it is a cap of that';

-- What a specification agrees is what its task is sold for; tasks name their stage.
ALTER TABLE task_item ALTER COLUMN item_id DROP NOT NULL, ADD COLUMN title text,
    ADD COLUMN discount_pct numeric(7,4) CONSTRAINT task_item_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    ADD COLUMN amount numeric(20,6),
    ADD COLUMN line_id bigint CONSTRAINT task_item_line_fkey REFERENCES document_line,
    DROP CONSTRAINT task_item_key,
    ADD CONSTRAINT task_item_key UNIQUE NULLS NOT DISTINCT (task_id, item_id, document_id, line_id),
    ADD CONSTRAINT task_item_named CHECK (item_id IS NOT NULL OR line_id IS NOT NULL AND title IS NOT NULL);
ALTER TABLE task ADD COLUMN deal_stage_id bigint CONSTRAINT task_deal_stage_fkey REFERENCES deal_stage;
COMMENT ON TABLE task_item IS
    'what a task is sold for at a fixed price: charged when the task is done, at the agreed price of a unit or (price '
    'NULL) as the price lists say then; the time of such a task is included in that price. document_id is the '
    'specification that agreed it, line_id the line of it: such rows come when the client agrees, and go when it is '
    'void or superseded';

-- Fees are known by the period that they are for, late ones too.
ALTER TABLE charge ADD COLUMN line_period date;
UPDATE charge h SET line_period = h.period_start WHERE h.contract_line_id IS NOT NULL AND h.source IN ('fee', 'stage');
DROP INDEX charge_line_period;
CREATE UNIQUE INDEX charge_line_period ON charge (contract_line_id, line_period)
    WHERE contract_line_id IS NOT NULL AND reverses_id IS NULL AND source IN ('fee', 'stage') AND coverage = 'billable';

-- What is left goes on, from period to period, line to line and contract to contract.
ALTER TABLE contract ADD COLUMN renews_id bigint CONSTRAINT contract_renews_fkey REFERENCES contract
    CONSTRAINT contract_renews_key UNIQUE;
ALTER TABLE contract ADD CONSTRAINT contract_not_own_renewal CHECK (renews_id <> id);
ALTER TABLE contract_line ADD COLUMN replaces_id bigint CONSTRAINT contract_line_replaces_fkey REFERENCES contract_line
    CONSTRAINT contract_line_replaces_key UNIQUE;
ALTER TABLE contract_line ADD CONSTRAINT contract_line_not_own_heir CHECK (replaces_id <> id);
ALTER TABLE allotment ADD COLUMN source_id bigint CONSTRAINT allotment_source_fkey REFERENCES allotment
    CONSTRAINT allotment_source_key UNIQUE;
ALTER TABLE allotment DROP CONSTRAINT allotment_amount_positive, ADD CONSTRAINT allotment_amount_positive
    CHECK (amount > 0 AND amount <> 'NaN' OR amount = 0 AND source_id IS NOT NULL);
DROP INDEX allotment_once_per_period;
CREATE UNIQUE INDEX allotment_once_per_period ON allotment (contract_line_id, period_start) WHERE kind = 'included';
UPDATE allotment r SET source_id = a.id
  FROM allotment a
 WHERE r.kind = 'rollover' AND r.voided_at IS NULL AND a.contract_line_id = r.contract_line_id
   AND a.kind = 'included' AND a.expires_at = r.effective_at;

-- A recurring line that is cancelled has a last day.
ALTER TABLE contract_line DROP CONSTRAINT contract_line_dates_in_order,
    ADD CONSTRAINT contract_line_dates_in_order CHECK (ends_on >= starts_on - 1);
UPDATE contract_line n
   SET ends_on = least(n.ends_on, coalesce((
        SELECT max(b.period_end) FROM billing_period b
         WHERE b.contract_id = c.id
           AND (EXISTS (SELECT FROM charge h WHERE h.contract_line_id = n.id AND h.line_period = b.period_start
                        AND h.source = 'fee' AND h.committed)
                OR EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = n.id AND a.kind = 'included'
                           AND a.period_start = b.period_start))), coalesce(n.starts_on, c.starts_on)) - 1)
  FROM contract c
 WHERE c.id = n.contract_id AND n.kind = 'recurring' AND n.status = 'cancelled';

-- A cost that is NULL is not known: no time costs nothing, and what is worked at the fixed price of a task costs its
-- hours.  Costs of an hour were kept to 6 decimals.
UPDATE charge h
   SET role = m.role, cost = x.cost, base_cost = x.base_cost, cost_rate = x.cost_rate
  FROM charge c
  JOIN employee m ON m.id = c.employee_id
 CROSS JOIN LATERAL (SELECT round(c.base_cost_rate * round(ceil(1e12 / c.base_rate) / 1e12, 12), 12) AS exact) e
 CROSS JOIN LATERAL (SELECT coalesce(c.cost, CASE c.worked_s WHEN 0 THEN 0 END) AS cost,
                            coalesce(c.base_cost, CASE c.worked_s WHEN 0 THEN 0 END) AS base_cost,
                            CASE WHEN round(e.exact, 6) = c.cost_rate
                                      AND round(c.base_cost_rate / c.base_rate, 12) <> c.cost_rate
                                 THEN e.exact ELSE c.cost_rate END AS cost_rate) x
 WHERE c.id = h.id AND h.source = 'time';
UPDATE charge h SET cost = 0, base_cost = 0
  FROM item i
 WHERE h.cost IS NULL AND h.source <> 'time' AND h.task_item_id IS NOT NULL AND i.id = h.item_id
   AND i.kind NOT IN ('material', 'licence');

-- What a charge posted is of its deal.
UPDATE entry e SET deal_id = h.deal_id FROM charge h WHERE h.id = e.charge_id AND h.deal_id IS DISTINCT FROM e.deal_id;

CREATE TYPE posting AS (entry_on date, debit text, credit text, amount numeric, currency text, article text,
                        own_id bigint, client_id bigint, party_id bigint, contract_id bigint, project_id bigint,
                        deal_id bigint, task_id bigint, employee_id bigint, work_type_id bigint, direction_id bigint);
COMMENT ON TYPE posting IS
    'an entry as post_event() takes it: its day, accounts and article by their codes, what is transferred, and what it '
    'is about; the dimensions complete one another';
-- A credit says what it means; before, lines taken back whole went free, and parts did not.
ALTER TABLE document ADD COLUMN meaning text CONSTRAINT document_meaning_known CHECK (meaning IN ('rebill', 'waive'));
UPDATE document d
   SET meaning = CASE WHEN EXISTS (SELECT FROM document_line l WHERE l.document_id = d.id AND l.charge_id IS NOT NULL)
                      THEN 'waive' ELSE 'rebill' END
 WHERE d.kind = 'credit_note';
UPDATE charge h SET why = jsonb_set(h.why, '{credited,meaning}', to_jsonb(d.meaning))
  FROM document d WHERE d.id = (h.why #>> '{credited,document}')::bigint;
ALTER TABLE document ADD CONSTRAINT document_meaning_of_credit
    CHECK ((kind = 'credit_note') = (meaning IS NOT NULL));
ALTER TABLE document_line ADD COLUMN credited_by bigint
    CONSTRAINT document_line_credited_by_fkey REFERENCES document;
-- What was released stays on its paper when the work itself goes.
ALTER TABLE document_line
    DROP CONSTRAINT document_line_work_has_charge,
    DROP CONSTRAINT document_line_claims_charge,
    ADD CONSTRAINT document_line_work_has_charge CHECK (kind NOT IN ('report', 'invoice') OR charge_id IS NOT NULL
                                                        OR released_at IS NOT NULL),
    ADD CONSTRAINT document_line_claims_charge CHECK (NOT claim OR kind IN ('report', 'invoice')
                                                      AND (charge_id IS NOT NULL OR released_at IS NOT NULL));
CREATE INDEX document_line_credited_by_idx ON document_line (credited_by) WHERE credited_by IS NOT NULL;
COMMENT ON TABLE document_line IS
    'stored lines, one for each charge; position groups them into the rows of the paper. claim: this line keeps the '
    'charge from other documents (lines of reports, and of invoices made without one); adjustment_id the charge that '
    'takes discount and included tax off, so that net is what its charges sum to; base_line_id the line of the report '
    'that it repeats; reverses_line_id the invoice line that a credit takes back. amount before document discount, '
    'net, tax, gross after it, stamped when the document leaves draft; released_at when the charge went free again, by '
    'document released_by; credited_by the credit note that took the rest of the line back without setting its charge '
    'free: given up, or billed again by charges of its own (adjustment_id of credit notes'' lines)';
INSERT INTO page_label (name, language, label)
SELECT v.name, l.language, l.label
  FROM (VALUES
    ('meaning_rebill', 'Буде виставлено повторно.', 'Будет выставлено повторно.', 'This will be invoiced again.'),
    ('meaning_waive', 'Сплачувати це не потрібно: повторно не виставляється.',
     'Оплачивать это не нужно: повторно не выставляется.', 'This is waived and will not be invoiced again.')
    ) AS v (name, uk, ru, en)
 CROSS JOIN LATERAL (VALUES ('uk', v.uk), ('ru', v.ru), ('en', v.en)) l (language, label);
-- Pages show it; those that users made of their own stay theirs.
UPDATE template t
   SET body = replace(t.body, x.note, x.note || '{{#meaning}}' || chr(10) || '<p class="words">{{meaning}}</p>' || chr(10)
                                      || '{{/meaning}}' || chr(10))
  FROM (SELECT '{{note}}</p></section>' || chr(10) || '{{/note}}' || chr(10) AS note) x
 WHERE t.own_id IS NULL;
