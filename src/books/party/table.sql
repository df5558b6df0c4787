-- ---------------------------------------------------------------------------
-- party: clients, suppliers and people; what is done for whom: projects, deals, tasks
-- ---------------------------------------------------------------------------

CREATE TABLE direction (
    id bigserial CONSTRAINT direction_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT direction_name_key UNIQUE,
    parent_id bigint CONSTRAINT direction_parent_fkey REFERENCES direction
);
COMMENT ON TABLE direction IS 'lines of business (development, support, …) for profit by direction';

CREATE TABLE party (
    id bigserial CONSTRAINT party_pkey PRIMARY KEY,
    kind text NOT NULL
        CONSTRAINT party_kind_known CHECK (kind IN ('own', 'company', 'individual', 'contractor', 'state_body')),
    name text NOT NULL CONSTRAINT party_named CHECK (name <> ''),
    legal_name text,
    tax_id text,
    requisites jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT party_requisites_object CHECK (jsonb_typeof(requisites) = 'object'),
    email text,
    manager_id bigint,
    payment_terms_days integer NOT NULL DEFAULT 14
        CONSTRAINT party_payment_terms_range CHECK (payment_terms_days BETWEEN 0 AND 3650),
    grace_days integer NOT NULL DEFAULT 0
        CONSTRAINT party_grace_range CHECK (grace_days BETWEEN 0 AND 3650),
    source text,
    external_id text,
    country text CONSTRAINT party_country_fkey REFERENCES country_code,
    entrepreneur boolean NOT NULL DEFAULT false,
    CONSTRAINT party_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE party IS
    'whoever the books deal with: own company, clients (company, individual), contractors, state bodies; requisites as '
    'printed on documents, and what papers of its country must say; manager_id the employee who looks after the client';
CREATE INDEX party_own_idx ON party (id) WHERE kind = 'own';

CREATE TABLE employee (
    id bigserial CONSTRAINT employee_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT employee_named CHECK (name <> ''),
    email text CONSTRAINT employee_email_key UNIQUE,
    role text,
    direction_id bigint CONSTRAINT employee_direction_fkey REFERENCES direction,
    party_id bigint CONSTRAINT employee_party_fkey REFERENCES party,
    zone text CONSTRAINT employee_zone_known CHECK (is_zone(zone)),
    active boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE employee IS
    'people whose time is sold; role prices and costs them where nothing more specific does; party_id is set for '
    'contractors, NULL for staff';
ALTER TABLE party ADD CONSTRAINT party_manager_fkey FOREIGN KEY (manager_id) REFERENCES employee;

CREATE TABLE employee_login (
    source text NOT NULL,
    external_id text NOT NULL,
    employee_id bigint NOT NULL CONSTRAINT employee_login_employee_fkey REFERENCES employee,
    CONSTRAINT employee_login_pkey PRIMARY KEY (source, external_id)
);
COMMENT ON TABLE employee_login IS 'under which id each tracker and CRM (source) knows an employee';

CREATE TABLE cost_rate (
    id bigserial CONSTRAINT cost_rate_pkey PRIMARY KEY,
    employee_id bigint CONSTRAINT cost_rate_employee_fkey REFERENCES employee,
    role text,
    valid_from date NOT NULL,
    hourly_cost numeric(19,6)
        CONSTRAINT cost_rate_not_negative CHECK (hourly_cost >= 0 AND hourly_cost <> 'NaN'),
    hourly_pay numeric(19,6)
        CONSTRAINT cost_rate_pay_not_negative CHECK (hourly_pay >= 0 AND hourly_pay <> 'NaN'),
    currency text NOT NULL CONSTRAINT cost_rate_currency_fkey REFERENCES currency_code,
    CONSTRAINT cost_rate_subject CHECK (num_nonnulls(employee_id, role) = 1),
    CONSTRAINT cost_rate_year CHECK (valid_from BETWEEN '0001-01-01' AND '9999-12-31'),
    CONSTRAINT cost_rate_key UNIQUE NULLS NOT DISTINCT (employee_id, role, valid_from)
);
COMMENT ON TABLE cost_rate IS
    'what an hour of an employee, or of a role, costs from valid_from until the next row; a NULL hourly_cost withdraws '
    'the rate; hourly_pay is what a contractor is paid';

CREATE TABLE project (
    id bigserial CONSTRAINT project_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT project_client_fkey REFERENCES party,
    parent_id bigint CONSTRAINT project_parent_fkey REFERENCES project,
    direction_id bigint CONSTRAINT project_direction_fkey REFERENCES direction,
    name text NOT NULL CONSTRAINT project_named CHECK (name <> ''),
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT project_status_known CHECK (status IN ('active', 'done', 'paused', 'archived')),
    billable text
        CONSTRAINT project_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    price_list_id bigint,
    url text,
    source text,
    external_id text,
    CONSTRAINT project_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE project IS
    'a project of a client, or of the own company: its work is not billed unless billable says so; billable is its '
    'default disposition, price_list_id its price list';
CREATE INDEX project_client_idx ON project (client_id);
CREATE INDEX project_priced_idx ON project (client_id) WHERE price_list_id IS NOT NULL;

CREATE TABLE deal (
    id bigserial CONSTRAINT deal_pkey PRIMARY KEY,
    client_id bigint NOT NULL CONSTRAINT deal_client_fkey REFERENCES party,
    project_id bigint CONSTRAINT deal_project_fkey REFERENCES project,
    direction_id bigint CONSTRAINT deal_direction_fkey REFERENCES direction,
    name text NOT NULL,
    stage text,
    amount numeric(20,6) CONSTRAINT deal_amount_number CHECK (amount <> 'NaN'),
    currency text CONSTRAINT deal_currency_fkey REFERENCES currency_code,
    starts_on date,
    ends_on date,
    source text,
    external_id text,
    CONSTRAINT deal_external_key UNIQUE (source, external_id),
    CONSTRAINT deal_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT deal_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE deal IS 'sales as the CRM knows them; (source, external_id) makes the exchange idempotent';

CREATE TABLE deal_stage (
    id bigserial CONSTRAINT deal_stage_pkey PRIMARY KEY,
    deal_id bigint NOT NULL CONSTRAINT deal_stage_deal_fkey REFERENCES deal,
    position integer NOT NULL,
    name text NOT NULL,
    starts_on date,
    ends_on date,
    CONSTRAINT deal_stage_key UNIQUE (deal_id, position),
    CONSTRAINT deal_stage_dates_in_order CHECK (ends_on >= starts_on),
    CONSTRAINT deal_stage_years
        CHECK (starts_on BETWEEN '0001-01-01' AND '9999-12-31' AND ends_on BETWEEN '0001-01-01' AND '9999-12-31')
);
COMMENT ON TABLE deal_stage IS 'parts of a deal in order; a support period is a stage too';

CREATE TABLE work_type (
    id bigserial CONSTRAINT work_type_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT work_type_code_key UNIQUE,
    name text NOT NULL,
    billable text
        CONSTRAINT work_type_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable'))
);
COMMENT ON TABLE work_type IS
    'kinds of work and their default disposition: billable (priced), no_charge (shown to the client at zero, as bugs '
    'are), non_billable (never shown)';
INSERT INTO work_type (code, name, billable) VALUES
    ('development', 'Development', 'billable'), ('design', 'Design', 'billable'),
    ('support', 'Support', 'billable'), ('management', 'Project management', 'billable'),
    ('bug', 'Bug fixing', 'no_charge'), ('internal', 'Internal work', 'non_billable');

CREATE TABLE task (
    id bigserial CONSTRAINT task_pkey PRIMARY KEY,
    project_id bigint NOT NULL CONSTRAINT task_project_fkey REFERENCES project,
    contract_id bigint,
    deal_id bigint CONSTRAINT task_deal_fkey REFERENCES deal,
    work_type_id bigint CONSTRAINT task_work_type_fkey REFERENCES work_type,
    number text,
    title text NOT NULL,
    status text NOT NULL DEFAULT 'open'
        CONSTRAINT task_status_known CHECK (status IN ('open', 'in_progress', 'done', 'cancelled')),
    url text,
    estimate_s bigint CONSTRAINT task_estimate_not_negative CHECK (estimate_s >= 0),
    billable text
        CONSTRAINT task_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    completed_at timestamptz,
    source text,
    external_id text,
    deal_stage_id bigint CONSTRAINT task_deal_stage_fkey REFERENCES deal_stage,
    CONSTRAINT task_external_key UNIQUE (source, external_id),
    CONSTRAINT task_year CHECK (completed_at BETWEEN '0001-01-02Z' AND '9999-12-31Z')
);
COMMENT ON TABLE task IS
    'tasks and tickets as the planner knows them; contract_id and billable override what project and work type say; '
    'estimate_s in seconds';
CREATE INDEX task_project_idx ON task (project_id);
