-- ---------------------------------------------------------------------------
-- charge: one rated segment of work, item, fee or stage, and the terms it was rated by
-- ---------------------------------------------------------------------------

CREATE TABLE terms (
    id bigserial CONSTRAINT terms_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT terms_contract_fkey REFERENCES contract,
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    round_scope text NOT NULL GENERATED ALWAYS AS (coalesce(body #>> '{rounding,scope}', 'entry')) STORED,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT terms_key UNIQUE (contract_id, digest)
);
COMMENT ON TABLE terms IS
    'snapshots of the terms by which charges were rated, one row for each content; a later change of configuration '
    'prices new work only';

CREATE TABLE list_snapshot (
    price_list_id bigint NOT NULL,
    revision bigint NOT NULL,
    body jsonb NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT list_snapshot_pkey PRIMARY KEY (price_list_id, revision)
);
COMMENT ON TABLE list_snapshot IS
    'price lists as they were when work was rated by them, one row for each revision that was: terms name them, so '
    'that a thousand contracts share one list, and a log of work looks a list up instead of reading all its positions';

CREATE TABLE terms_source (
    contract_id bigint NOT NULL CONSTRAINT terms_source_contract_fkey REFERENCES contract,
    digest bytea NOT NULL,
    terms_id bigint NOT NULL CONSTRAINT terms_source_terms_fkey REFERENCES terms,
    body jsonb NOT NULL,
    CONSTRAINT terms_source_pkey PRIMARY KEY (contract_id, digest)
);
COMMENT ON TABLE terms_source IS
    'of what terms were made: a digest of the rows of configuration, by which a log of work looks its terms up instead '
    'of making them again, and body as living_terms has it. A row says what is always true, so nothing has to take it '
    'away when configuration changes; contracts whose entries bear on one another have none';
CREATE INDEX terms_source_terms_idx ON terms_source (terms_id);

CREATE TABLE charge (
    id bigserial CONSTRAINT charge_pkey PRIMARY KEY,
    source text NOT NULL
        CONSTRAINT charge_source_known CHECK (source IN ('time', 'item', 'fee', 'stage', 'expense', 'adjustment')),
    time_entry_id bigint CONSTRAINT charge_time_entry_fkey REFERENCES time_entry DEFERRABLE INITIALLY DEFERRED,
    segment smallint,
    contract_line_id bigint CONSTRAINT charge_contract_line_fkey REFERENCES contract_line,
    task_item_id bigint,
    made_by text NOT NULL DEFAULT 'user'
        CONSTRAINT charge_made_by_known
            CHECK (made_by IN ('user', 'rating', 'line', 'task_item', 'block', 'minimum', 'document', 'correction')),
    own_id bigint,
    contract_id bigint CONSTRAINT charge_contract_fkey REFERENCES contract,
    client_id bigint NOT NULL CONSTRAINT charge_client_fkey REFERENCES party,
    project_id bigint CONSTRAINT charge_project_fkey REFERENCES project,
    deal_id bigint CONSTRAINT charge_deal_fkey REFERENCES deal,
    task_id bigint CONSTRAINT charge_task_fkey REFERENCES task,
    employee_id bigint CONSTRAINT charge_employee_fkey REFERENCES employee,
    work_type_id bigint CONSTRAINT charge_work_type_fkey REFERENCES work_type,
    direction_id bigint CONSTRAINT charge_direction_fkey REFERENCES direction,
    item_id bigint CONSTRAINT charge_item_fkey REFERENCES item,
    service_date date NOT NULL,
    period_start date NOT NULL,
    started_at timestamptz NOT NULL,
    band text,
    coverage text NOT NULL
        CONSTRAINT charge_coverage_known
            CHECK (coverage IN ('billable', 'included', 'prepaid', 'capped', 'no_charge', 'non_billable')),
    worked_s bigint NOT NULL DEFAULT 0,
    billed_s bigint NOT NULL DEFAULT 0,
    quantity numeric(19,6),
    price numeric(19,6),
    multiplier numeric(6,3),
    discount_pct numeric(7,4),
    rate numeric(25,9),
    price_id bigint,
    price_source text,
    price_list_id bigint,
    gross numeric(20,6),
    amount numeric(20,6) NOT NULL,
    currency text NOT NULL,
    base_rate numeric(24,12) NOT NULL DEFAULT 1,
    base_amount numeric(20,6) NOT NULL,
    cost numeric(20,6),
    base_cost numeric(20,6),
    cost_rate numeric(24,12),
    base_cost_rate numeric(24,12),
    allotment_id bigint CONSTRAINT charge_allotment_fkey REFERENCES allotment,
    burned numeric(20,6),
    why jsonb,
    terms_id bigint,
    late boolean NOT NULL DEFAULT false,
    held_by bigint,
    frozen_at timestamptz,
    committed boolean NOT NULL GENERATED ALWAYS AS (frozen_at IS NOT NULL OR held_by IS NOT NULL) STORED,
    reverses_id bigint CONSTRAINT charge_reverses_fkey REFERENCES charge,
    adjusts_id bigint CONSTRAINT charge_adjusts_fkey REFERENCES charge,
    key text,
    role text,
    line_period date,
    CONSTRAINT charge_only_billable_has_amount
        CHECK (amount = 0 AND coalesce(gross, 0) = 0 OR coverage = 'billable'),
    CONSTRAINT charge_time_has_entry CHECK (source <> 'time' OR time_entry_id IS NOT NULL AND segment IS NOT NULL),
    CONSTRAINT charge_burn_has_allotment CHECK ((allotment_id IS NULL) = (burned IS NULL)),
    CONSTRAINT charge_reversal_frozen CHECK (reverses_id IS NULL OR frozen_at IS NOT NULL),
    CONSTRAINT charge_held_or_frozen CHECK (num_nonnulls(held_by, frozen_at) < 2),
    CONSTRAINT charge_adjusts_no_time CHECK (adjusts_id IS NULL OR source = 'adjustment')
) WITH (fillfactor = 90);
COMMENT ON TABLE charge IS
    'the heart: one rated segment of work, item, fee or stage. amount is net of tax in currency, gross what the prices '
    'make of it where they hold the tax (NULL elsewhere), cost what it cost us in the same currency (NULL: unknown), '
    'base_… the same in the company''s currency. Provisional while frozen_at is NULL; frozen with the document or the '
    'period that takes it, and posted to the ledger in the same transaction; while a report that is sent holds it '
    '(held_by, a document) it waits unchanged for the client''s answer';
CREATE UNIQUE INDEX charge_entry_segment ON charge (time_entry_id, segment)
    WHERE time_entry_id IS NOT NULL AND NOT committed;
CREATE INDEX charge_entry_idx ON charge (time_entry_id) WHERE time_entry_id IS NOT NULL;
CREATE INDEX charge_contract_idx ON charge (contract_id, started_at);
CREATE UNIQUE INDEX charge_line_period ON charge (contract_line_id, line_period)
    WHERE contract_line_id IS NOT NULL AND reverses_id IS NULL AND source IN ('fee', 'stage') AND coverage = 'billable';
CREATE INDEX charge_allotment_idx ON charge (allotment_id) WHERE allotment_id IS NOT NULL;
CREATE INDEX charge_task_idx ON charge (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX charge_contract_line_idx ON charge (contract_line_id) WHERE contract_line_id IS NOT NULL;
CREATE INDEX charge_held_by_idx ON charge (held_by) WHERE held_by IS NOT NULL;
CREATE UNIQUE INDEX charge_key_key ON charge (key) WHERE key IS NOT NULL;
CREATE UNIQUE INDEX charge_task_item_once ON charge (task_item_id) WHERE task_item_id IS NOT NULL
    AND reverses_id IS NULL;
CREATE INDEX charge_uncosted_idx ON charge (service_date) WHERE base_cost IS NULL;
CREATE INDEX charge_adjusts_idx ON charge (adjusts_id) WHERE adjusts_id IS NOT NULL;
CREATE UNIQUE INDEX charge_reversed_once ON charge (reverses_id) WHERE reverses_id IS NOT NULL;

ALTER TABLE allotment ADD CONSTRAINT allotment_charge_fkey FOREIGN KEY (charge_id) REFERENCES charge;
CREATE INDEX allotment_charge_idx ON allotment (charge_id) WHERE charge_id IS NOT NULL;

CREATE TABLE rating_problem (
    time_entry_id bigint CONSTRAINT rating_problem_pkey PRIMARY KEY
        CONSTRAINT rating_problem_entry_fkey REFERENCES time_entry ON DELETE CASCADE,
    kind text NOT NULL
        CONSTRAINT rating_problem_kind_known
            CHECK (kind IN ('two_contracts', 'no_contract', 'no_price', 'no_price_list',
            'no_exchange_rate', 'waits_approval', 'waits_specification')),
    problem text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    contract_id bigint,
    terms_id bigint,
    price_list_id bigint,
    employee_id bigint,
    role text,
    project_id bigint
);
COMMENT ON TABLE rating_problem IS
    'why a time entry has no charge; view unrated shows it with the entry. contract_id and what follows it: as what it '
    'was priced while it had one, which it is again when that contract takes it back';

-- Charges of clients without a contract are looked for by client.
CREATE INDEX charge_uncontracted_idx ON charge (client_id) WHERE contract_id IS NULL;
-- What is open follows its facts: found without a look at the years that are closed.
CREATE INDEX charge_open_idx ON charge (client_id) WHERE NOT committed;

CREATE TYPE rating_input AS (
    entry_id bigint, contract_id bigint, terms_id bigint, price_list_id bigint, disposition text, disposition_why jsonb,
    currency text, cost_rate numeric, base_cost_rate numeric, base_rate numeric, frozen_s bigint, instant timestamptz,
    problem_kind text, problem text, role text);
COMMENT ON TYPE rating_input IS
    'what rating needs to know of an entry beside its time: contract, terms (NULL: none), where the price lookup '
    'starts, disposition and where it comes from (as charge.why), currency, cost rates an hour, rate to the base '
    'currency, seconds billed when frozen, its instant, what stands in the way, and the role it is priced in';

CREATE TYPE rating_span AS (starts timestamptz, ends timestamptz, tasks bigint[], days daterange, grouped boolean);
COMMENT ON TYPE rating_span IS
    'which work of a contract a change bears on: what began from starts until before ends, of tasks and of days (NULL: '
    'all); grouped: where entries are rounded together';

CREATE TYPE rated_entry AS (segment rated_segment, input rating_input);
COMMENT ON TYPE rated_entry IS 'a segment that rating made, beside what was known of its entry';

CREATE TYPE allotment_use AS (contract_id bigint, allotment_id bigint, burned numeric, amount numeric,
                              billed_s numeric, period_start date);
COMMENT ON TYPE allotment_use IS
    'what work takes from one allotment (burned, in its unit) and from the caps of its contract (amount, billed '
    'seconds), in a service period where it is a cap of that';
