-- ---------------------------------------------------------------------------
-- parties, people, projects, tasks
-- ---------------------------------------------------------------------------

CREATE TABLE direction (
    id bigserial CONSTRAINT direction_pkey PRIMARY KEY,
    name text NOT NULL CONSTRAINT direction_name_key UNIQUE,
    parent_id bigint CONSTRAINT direction_parent_fkey REFERENCES direction
);
COMMENT ON TABLE direction IS 'lines of business (development, support, …) for profit by direction';
SELECT allow('reader', 'select', 'direction'), allow('admin', 'insert,update,delete', 'direction');
SELECT watch('direction');

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
    segment text,
    manager_id bigint,
    payment_terms_days integer NOT NULL DEFAULT 14
        CONSTRAINT party_payment_terms_range CHECK (payment_terms_days BETWEEN 0 AND 3650),
    grace_days integer NOT NULL DEFAULT 0
        CONSTRAINT party_grace_range CHECK (grace_days BETWEEN 0 AND 3650),
    source text,
    external_id text,
    CONSTRAINT party_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE party IS
    'whoever the books deal with: own company, clients (company, individual), contractors, state bodies; requisites as printed on documents; '
    'manager_id the employee who looks after the client';
SELECT allow('reader', 'select', 'party'), allow('clerk', 'insert,update', 'party', but => '{payment_terms_days,grace_days}'),
       allow('clerk', 'delete', 'party'), allow('manager', 'insert,update', 'party');

-- What is printed on every invoice, our own bank account above all, is not for
-- everybody who keeps clients.
CREATE FUNCTION check_party() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.kind = 'own' OR TG_OP <> 'INSERT' AND OLD.kind = 'own' THEN
        PERFORM require_level('admin', 'keep the own company');
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
COMMENT ON FUNCTION check_party() IS 'trigger function of party: the own company is kept by admins (42501)';
CREATE TRIGGER party_checked BEFORE INSERT OR UPDATE OR DELETE ON party
    FOR EACH ROW EXECUTE FUNCTION check_party();
SELECT watch('party');

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
    'people whose time is sold; role prices and costs them where nothing more specific does; party_id is set for contractors, NULL for staff';
SELECT allow('reader', 'select', 'employee'), allow('clerk', 'insert,update', 'employee', but => '{role,party_id}'),
       allow('clerk', 'delete', 'employee'), allow('manager', 'insert,update', 'employee');
SELECT watch('employee');
ALTER TABLE party ADD CONSTRAINT party_manager_fkey FOREIGN KEY (manager_id) REFERENCES employee;

CREATE TABLE employee_login (
    source text NOT NULL,
    external_id text NOT NULL,
    employee_id bigint NOT NULL CONSTRAINT employee_login_employee_fkey REFERENCES employee,
    CONSTRAINT employee_login_pkey PRIMARY KEY (source, external_id)
);
COMMENT ON TABLE employee_login IS 'under which id each tracker and CRM (source) knows an employee';
SELECT allow('reader', 'select', 'employee_login'), allow('clerk', 'insert,update,delete', 'employee_login');
SELECT watch('employee_login');

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
    CONSTRAINT cost_rate_key UNIQUE NULLS NOT DISTINCT (employee_id, role, valid_from)
);
COMMENT ON TABLE cost_rate IS
    'what an hour of an employee, or of a role, costs from valid_from until the next row; a NULL hourly_cost withdraws the rate; '
    'hourly_pay is what a contractor is paid';
SELECT allow('controller', 'select,insert,update,delete', 'cost_rate');
SELECT watch('cost_rate');

CREATE VIEW cost_rate_span WITH (security_invoker) AS
    SELECT employee_id, role, hourly_cost, currency, valid_from,
           coalesce(lead(valid_from) OVER (PARTITION BY employee_id, role ORDER BY valid_from), 'infinity'::date) AS valid_to
      FROM cost_rate;
COMMENT ON VIEW cost_rate_span IS 'cost rates with the day on which each stops being in force (exclusive)';
SELECT allow('controller', 'select', 'cost_rate_span');

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
    'a project of a client, or of the own company: its work is not billed unless billable says so; billable is its default disposition, price_list_id its price list';
SELECT allow('reader', 'select', 'project'), allow('clerk', 'insert,update', 'project', but => '{price_list_id,billable}'),
       allow('clerk', 'delete', 'project'), allow('manager', 'insert,update', 'project');
CREATE INDEX project_client_idx ON project (client_id);
SELECT watch('project');

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
    custom jsonb NOT NULL DEFAULT '{}',
    source text,
    external_id text,
    CONSTRAINT deal_external_key UNIQUE (source, external_id),
    CONSTRAINT deal_dates_in_order CHECK (ends_on >= starts_on)
);
COMMENT ON TABLE deal IS 'sales as the CRM knows them; (source, external_id) makes the exchange idempotent';
SELECT allow('reader', 'select', 'deal'), allow('clerk', 'insert,update,delete', 'deal');
CREATE TRIGGER deal_amount_exact BEFORE INSERT OR UPDATE ON deal
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount');
SELECT watch('deal');

CREATE TABLE deal_stage (
    id bigserial CONSTRAINT deal_stage_pkey PRIMARY KEY,
    deal_id bigint NOT NULL CONSTRAINT deal_stage_deal_fkey REFERENCES deal,
    position integer NOT NULL,
    name text NOT NULL,
    starts_on date,
    ends_on date,
    CONSTRAINT deal_stage_key UNIQUE (deal_id, position),
    CONSTRAINT deal_stage_dates_in_order CHECK (ends_on >= starts_on)
);
COMMENT ON TABLE deal_stage IS 'parts of a deal in order; a support period is a stage too';
SELECT allow('reader', 'select', 'deal_stage'), allow('clerk', 'insert,update,delete', 'deal_stage');
SELECT watch('deal_stage');

CREATE TABLE work_type (
    id bigserial CONSTRAINT work_type_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT work_type_code_key UNIQUE,
    name text NOT NULL,
    billable text
        CONSTRAINT work_type_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable'))
);
COMMENT ON TABLE work_type IS
    'kinds of work and their default disposition: billable (priced), no_charge (shown to the client at zero, as bugs are), non_billable (never shown)';
SELECT allow('reader', 'select', 'work_type'), allow('admin', 'insert,update,delete', 'work_type');
INSERT INTO work_type (code, name, billable) VALUES
    ('development', 'Development', 'billable'), ('design', 'Design', 'billable'),
    ('support', 'Support', 'billable'), ('management', 'Project management', 'billable'),
    ('bug', 'Bug fixing', 'no_charge'), ('internal', 'Internal work', 'non_billable');
SELECT watch('work_type');

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
    CONSTRAINT task_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE task IS
    'tasks and tickets as the planner knows them; contract_id and billable override what project and work type say; estimate_s in seconds';
SELECT allow('reader', 'select', 'task'), allow('clerk', 'insert,update', 'task', but => '{contract_id,billable}'), allow('clerk', 'delete', 'task'),
       allow('manager', 'insert,update', 'task');
CREATE INDEX task_project_idx ON task (project_id);
SELECT watch('task');
