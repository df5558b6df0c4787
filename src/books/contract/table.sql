-- ---------------------------------------------------------------------------
-- contract: the terms by which time, items and fees become money
-- ---------------------------------------------------------------------------

CREATE TABLE contract (
    id bigserial CONSTRAINT contract_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT contract_client_fkey REFERENCES party,
    own_id bigint CONSTRAINT contract_own_fkey REFERENCES party,
    project_id bigint CONSTRAINT contract_project_fkey REFERENCES project,
    parent_id bigint CONSTRAINT contract_parent_fkey REFERENCES contract,
    number text NOT NULL CONSTRAINT contract_number_key UNIQUE,
    title text,
    model text NOT NULL DEFAULT 'time_materials'
        CONSTRAINT contract_model_known
            CHECK (model IN ('time_materials', 'prepaid_money', 'by_fact', 'subscription_plus',
            'block_hours', 'fixed_price', 'retainer')),
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT contract_status_known CHECK (status IN ('draft', 'active', 'ended', 'cancelled')),
    currency text NOT NULL CONSTRAINT contract_currency_fkey REFERENCES currency_code,
    starts_on date NOT NULL,
    ends_on date,
    -- price
    price_list_id bigint CONSTRAINT contract_price_list_fkey REFERENCES price_list,
    discount_pct numeric(7,4)
        CONSTRAINT contract_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    amount_basis text NOT NULL DEFAULT 'exact'
        CONSTRAINT contract_basis_known CHECK (amount_basis IN ('exact', 'hundredth')),
    -- time
    calendar_id bigint CONSTRAINT contract_calendar_fkey REFERENCES calendar,
    bands text[],
    period text NOT NULL DEFAULT 'month'
        CONSTRAINT contract_period_known CHECK (period IN ('week', 'half_month', 'month', 'quarter', 'year')),
    anchor_day integer CONSTRAINT contract_anchor_range CHECK (anchor_day BETWEEN 1 AND 31),
    round_mode text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_round_mode_known CHECK (round_mode IN ('none', 'up', 'down', 'nearest')),
    round_increment_s integer NOT NULL DEFAULT 60
        CONSTRAINT contract_round_increment_range CHECK (round_increment_s BETWEEN 1 AND 86400),
    round_minimum_s integer NOT NULL DEFAULT 0
        CONSTRAINT contract_round_minimum_range CHECK (round_minimum_s BETWEEN 0 AND 86400),
    round_maximum_s integer
        CONSTRAINT contract_round_maximum_range CHECK (round_maximum_s >= round_minimum_s),
    round_grace_s integer NOT NULL DEFAULT 0
        CONSTRAINT contract_round_grace_range CHECK (round_grace_s >= 0 AND round_grace_s < round_increment_s),
    round_scope text NOT NULL DEFAULT 'entry'
        CONSTRAINT contract_round_scope_known CHECK (round_scope IN ('entry', 'task_day', 'day', 'task', 'period')),
    -- limits
    cap_amount numeric(20,6) CONSTRAINT contract_cap_amount_positive CHECK (cap_amount >= 0 AND cap_amount <> 'NaN'),
    cap_s bigint CONSTRAINT contract_cap_seconds_positive CHECK (cap_s >= 0),
    minimum_charge numeric(20,6)
        CONSTRAINT contract_minimum_charge_not_negative CHECK (minimum_charge >= 0 AND minimum_charge <> 'NaN'),
    -- billing
    needs_approval boolean NOT NULL DEFAULT false,
    needs_specification boolean NOT NULL DEFAULT false,
    late_policy text NOT NULL DEFAULT 'next_period'
        CONSTRAINT contract_late_policy_known CHECK (late_policy IN ('next_period', 'reject', 'reopen')),
    expense_markup_pct numeric(7,4) NOT NULL DEFAULT 0
        CONSTRAINT contract_markup_range CHECK (expense_markup_pct BETWEEN 0 AND 1000),
    auto_bill text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_auto_bill_known CHECK (auto_bill IN ('none', 'report', 'invoice')),
    tax_rate numeric(7,4) CONSTRAINT contract_tax_range CHECK (tax_rate BETWEEN 0 AND 100),
    tax_inclusive boolean NOT NULL DEFAULT false,
    tax_level text NOT NULL DEFAULT 'line'
        CONSTRAINT contract_tax_level_known CHECK (tax_level IN ('line', 'total')),
    manager_id bigint CONSTRAINT contract_manager_fkey REFERENCES employee,
    source text,
    external_id text,
    anchor_month integer CONSTRAINT contract_anchor_month_range CHECK (anchor_month BETWEEN 1 AND 12),
    period_cap_amount numeric(20,6)
        CONSTRAINT contract_period_cap_amount_positive CHECK (period_cap_amount >= 0 AND period_cap_amount <> 'NaN'),
    period_cap_s bigint CONSTRAINT contract_period_cap_seconds_positive CHECK (period_cap_s >= 0),
    prorate text NOT NULL DEFAULT 'actual'
        CONSTRAINT contract_prorate_known CHECK (prorate IN ('none', 'actual', 'fixed_30', 'days_365')),
    renews_id bigint CONSTRAINT contract_renews_fkey REFERENCES contract
        CONSTRAINT contract_renews_key UNIQUE,
    tax_code text CONSTRAINT contract_tax_fkey REFERENCES tax,
    signed_on date
        CONSTRAINT contract_signed_year CHECK (signed_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_one_tax CHECK (num_nonnulls(tax_code, tax_rate) <= 1),
    CONSTRAINT contract_external_key UNIQUE (source, external_id),
    CONSTRAINT contract_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT contract_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_not_own_parent CHECK (parent_id <> id),
    CONSTRAINT contract_not_own_renewal CHECK (renews_id <> id),
    CONSTRAINT contract_companion_claims_bands CHECK (parent_id IS NULL OR bands IS NOT NULL)
);
COMMENT ON TABLE contract IS
    'an agreement with a client. It covers the client''s work from starts_on to ends_on, both days included, of one '
    'project where project_id is set. A contract with parent_id is the companion of a base contract and takes the '
    'bands it names (after-hours at a raised price). period, anchor_day and anchor_month give the service period, '
    'as anchor_of() says; round_… the rounding of worked to billed seconds; cap_… what may not be exceeded in its '
    'whole life, period_cap_… in a service period; prorate how that and minimum_charge are cut to the days of a part '
    'period; late_policy what becomes of work logged for a closed period; auto_bill what run_billing() drafts';
CREATE INDEX contract_client_idx ON contract (client_id);
CREATE INDEX contract_parent_idx ON contract (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE task ADD CONSTRAINT task_contract_fkey FOREIGN KEY (contract_id) REFERENCES contract;

CREATE TABLE contract_line (
    id bigserial CONSTRAINT contract_line_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT contract_line_contract_fkey REFERENCES contract,
    kind text NOT NULL
        CONSTRAINT contract_line_kind_known CHECK (kind IN ('recurring', 'one_time', 'stage')),
    item_id bigint CONSTRAINT contract_line_item_fkey REFERENCES item,
    deal_stage_id bigint CONSTRAINT contract_line_stage_fkey REFERENCES deal_stage,
    title text NOT NULL,
    amount numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_amount_not_negative CHECK (amount >= 0 AND amount <> 'NaN'),
    cost numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    included_s bigint CONSTRAINT contract_line_included_positive CHECK (included_s > 0),
    included_amount numeric(20,6)
        CONSTRAINT contract_line_included_amount_positive CHECK (included_amount > 0 AND included_amount <> 'NaN'),
    scope_work_types bigint[],
    overage_price numeric(19,6)
        CONSTRAINT contract_line_overage_not_negative CHECK (overage_price >= 0 AND overage_price <> 'NaN'),
    rollover_min numeric(20,6) NOT NULL DEFAULT 0
        CONSTRAINT contract_line_rollover_min_not_negative CHECK (rollover_min >= 0),
    rollover_max numeric(20,6)
        CONSTRAINT contract_line_rollover_max_range CHECK (rollover_max >= rollover_min),
    rollover_life integer NOT NULL DEFAULT 1
        CONSTRAINT contract_line_rollover_life_positive CHECK (rollover_life > 0),
    prorate text NOT NULL DEFAULT 'none'
        CONSTRAINT contract_line_prorate_known CHECK (prorate IN ('none', 'actual', 'fixed_30', 'days_365')),
    prorate_included boolean NOT NULL DEFAULT false,
    starts_on date,
    ends_on date,
    status text NOT NULL DEFAULT 'planned'
        CONSTRAINT contract_line_status_known CHECK (status IN ('planned', 'active', 'accepted', 'cancelled')),
    accepted_on date,
    priority integer NOT NULL DEFAULT 0,
    replaces_id bigint CONSTRAINT contract_line_replaces_fkey REFERENCES contract_line
        CONSTRAINT contract_line_replaces_key UNIQUE,
    CONSTRAINT contract_line_not_own_heir CHECK (replaces_id <> id),
    CONSTRAINT contract_line_dates_in_order CHECK (ends_on >= starts_on - 1),
    CONSTRAINT contract_line_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31'
               AND accepted_on BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT contract_line_included_once CHECK (num_nonnulls(included_s, included_amount) <= 1),
    CONSTRAINT contract_line_accepted_dated CHECK ((status = 'accepted') = (accepted_on IS NOT NULL))
);
COMMENT ON TABLE contract_line IS
    'fees of a contract: recurring (each service period, with included hours or money), one_time (on starts_on), stage '
    '(on acceptance). overage_price is the hourly price past the included hours; rollover_min and rollover_max, in '
    'seconds or money, bound what is carried to the next rollover_life periods (NULL rollover_max: nothing); prorate '
    'how a fee is cut to the days a period really had; priority when its hours or money are eaten';
CREATE INDEX contract_line_contract_idx ON contract_line (contract_id);

CREATE TABLE band_rule (
    id bigserial CONSTRAINT band_rule_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT band_rule_contract_fkey REFERENCES contract,
    band text,
    role text,
    price_multiplier numeric(6,3) NOT NULL DEFAULT 1
        CONSTRAINT band_rule_multiplier_positive CHECK (price_multiplier > 0 AND price_multiplier <> 'NaN'),
    price_adder numeric(19,6) NOT NULL DEFAULT 0
        CONSTRAINT band_rule_adder_not_negative CHECK (price_adder >= 0 AND price_adder <> 'NaN'),
    burn_multiplier numeric(6,3) NOT NULL DEFAULT 1
        CONSTRAINT band_rule_burn_positive CHECK (burn_multiplier > 0 AND burn_multiplier <> 'NaN'),
    minimum_s integer NOT NULL DEFAULT 0
        CONSTRAINT band_rule_minimum_range CHECK (minimum_s BETWEEN 0 AND 86400),
    CONSTRAINT band_rule_key UNIQUE NULLS NOT DISTINCT (contract_id, band, role)
);
COMMENT ON TABLE band_rule IS
    'what an hour costs and burns in a band or for a role (NULL: any); of several rules that match the greatest '
    'multiplier wins, they never compound';

CREATE TABLE allotment (
    id bigserial CONSTRAINT allotment_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT allotment_contract_fkey REFERENCES contract,
    contract_line_id bigint CONSTRAINT allotment_line_fkey REFERENCES contract_line,
    kind text NOT NULL
        CONSTRAINT allotment_kind_known CHECK (kind IN ('included', 'block', 'topup', 'rollover', 'adjustment')),
    unit text NOT NULL CONSTRAINT allotment_unit_known CHECK (unit IN ('seconds', 'money')),
    amount numeric(20,6) NOT NULL
        CONSTRAINT allotment_amount_positive
            CHECK (amount > 0 AND amount <> 'NaN' OR amount = 0 AND source_id IS NOT NULL),
    priority integer NOT NULL DEFAULT 0,
    effective_at timestamptz NOT NULL,
    expires_at timestamptz,
    period_start date,
    scope_work_types bigint[],
    payment_id bigint,
    charge_id bigint,
    voided_at timestamptz,
    key text CONSTRAINT allotment_key_key UNIQUE,
    source_id bigint CONSTRAINT allotment_source_fkey REFERENCES allotment
        CONSTRAINT allotment_source_key UNIQUE,
    CONSTRAINT allotment_whole_seconds CHECK (unit <> 'seconds' OR amount = trunc(amount)),
    CONSTRAINT allotment_dates_in_order CHECK (expires_at > effective_at),
    CONSTRAINT allotment_years
        CHECK (effective_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'
               AND expires_at BETWEEN '0001-01-02Z' AND '9999-12-31Z')
);
COMMENT ON TABLE allotment IS
    'anything that is eaten by work: included hours or money of a period, prepaid blocks, top-ups, rollover. Eaten by '
    'priority, then earliest expiry, then the narrower scope_work_types, then earliest effective_at; what is alike in '
    'that by what it is: what would be lost before what is carried over, rollover, included, adjustment, block, topup, '
    'time before money. It covers work from effective_at to expires_at, which is cut there. key is the idempotency key '
    'of add_block()';
CREATE INDEX allotment_contract_idx ON allotment (contract_id);
CREATE UNIQUE INDEX allotment_once_per_period ON allotment (contract_line_id, period_start) WHERE kind = 'included';

CREATE TABLE billing_period (
    contract_id bigint NOT NULL CONSTRAINT billing_period_contract_fkey REFERENCES contract,
    period_start date NOT NULL,
    period_end date NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT now(),
    closed_by text NOT NULL DEFAULT actor(),
    CONSTRAINT billing_period_pkey PRIMARY KEY (contract_id, period_start),
    CONSTRAINT billing_period_in_order CHECK (period_end > period_start)
);
COMMENT ON TABLE billing_period IS
    'the closed service periods of a contract, contiguous from its first; period_end is exclusive';

CREATE TYPE dimension AS (own_id bigint, client_id bigint, contract_id bigint, project_id bigint, deal_id bigint,
                          task_id bigint,
                          employee_id bigint, work_type_id bigint, direction_id bigint);
COMMENT ON TYPE dimension IS
    'what a fact is about: the own company, the client it is done for (never a supplier), and what of his; '
    'complete_dimension() fills in what follows';
