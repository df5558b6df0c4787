-- ---------------------------------------------------------------------------
-- work: logged time, and what tasks are sold for at a fixed price
-- ---------------------------------------------------------------------------

CREATE TABLE task_item (
    id bigserial CONSTRAINT task_item_pkey PRIMARY KEY,
    task_id bigint NOT NULL CONSTRAINT task_item_task_fkey REFERENCES task,
    item_id bigint CONSTRAINT task_item_item_fkey REFERENCES item,
    quantity numeric(19,6) NOT NULL DEFAULT 1
        CONSTRAINT task_item_quantity_positive CHECK (quantity > 0 AND quantity <> 'NaN'),
    price numeric(19,6)
        CONSTRAINT task_item_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    cost numeric(19,6)
        CONSTRAINT task_item_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    document_id bigint,
    title text,
    discount_pct numeric(7,4) CONSTRAINT task_item_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    amount numeric(20,6),
    line_id bigint,
    CONSTRAINT task_item_key UNIQUE NULLS NOT DISTINCT (task_id, item_id, document_id, line_id),
    CONSTRAINT task_item_named CHECK (item_id IS NOT NULL OR line_id IS NOT NULL AND title IS NOT NULL)
);
COMMENT ON TABLE task_item IS
    'what a task is sold for at a fixed price: charged when the task is done, at the agreed price of a unit or (price '
    'NULL) as the price lists say then; the time of such a task is included in that price. document_id is the '
    'specification that agreed it, line_id the line of it: such rows come when the client agrees, and go when it is '
    'void or superseded';

CREATE TABLE time_entry (
    id bigserial CONSTRAINT time_entry_pkey PRIMARY KEY,
    employee_id bigint NOT NULL CONSTRAINT time_entry_employee_fkey REFERENCES employee,
    task_id bigint NOT NULL CONSTRAINT time_entry_task_fkey REFERENCES task,
    work_type_id bigint CONSTRAINT time_entry_work_type_fkey REFERENCES work_type,
    contract_id bigint CONSTRAINT time_entry_contract_fkey REFERENCES contract,
    started_at timestamptz
        CONSTRAINT time_entry_start_year CHECK (started_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'),
    ended_at timestamptz
        CONSTRAINT time_entry_end_year CHECK (ended_at BETWEEN '0001-01-02Z' AND '9999-12-31Z'),
    break_s integer NOT NULL DEFAULT 0
        CONSTRAINT time_entry_break_not_negative CHECK (break_s >= 0),
    work_date date
        CONSTRAINT time_entry_date_year CHECK (work_date BETWEEN '0001-01-01' AND '9999-12-31'),
    duration_s bigint CONSTRAINT time_entry_duration_not_negative CHECK (duration_s >= 0),
    worked_s bigint GENERATED ALWAYS AS
        (coalesce(duration_s, floor(extract(epoch FROM ended_at - started_at))::bigint - break_s)) STORED
        CONSTRAINT time_entry_worked_not_negative CHECK (worked_s >= 0),
    billable text
        CONSTRAINT time_entry_billable_known CHECK (billable IN ('billable', 'no_charge', 'non_billable')),
    billable_s bigint CONSTRAINT time_entry_billable_s_not_negative CHECK (billable_s >= 0),
    price numeric(19,6)
        CONSTRAINT time_entry_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    override_reason text,
    comment text,
    source text,
    external_id text,
    approved_at timestamptz,
    approved_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT actor(),
    CONSTRAINT time_entry_end_after_start CHECK (ended_at >= started_at),
    CONSTRAINT time_entry_clock_or_date CHECK
        (num_nonnulls(started_at, ended_at) = 2 OR num_nonnulls(started_at, ended_at) = 0
         AND num_nonnulls(work_date, duration_s) = 2),
    CONSTRAINT time_entry_override_explained CHECK
        (num_nonnulls(billable, billable_s, price) = 0 OR override_reason IS NOT NULL OR source IS NOT NULL),
    CONSTRAINT time_entry_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE time_entry IS
    'logged work, by the clock (started_at, ended_at, break_s) or by the day (work_date, duration_s); duration_s beats '
    'the clock where both are given. billable, billable_s (seconds) and price (an hour) override what the rules say '
    'and want a reason unless a tracker sends them. Inserting, changing or deleting an entry rates it in the same '
    'transaction';
CREATE INDEX time_entry_task_idx ON time_entry (task_id);
CREATE INDEX time_entry_clock_idx ON time_entry (employee_id, started_at) INCLUDE (ended_at, id)
    WHERE started_at IS NOT NULL;
CREATE INDEX time_entry_day_idx ON time_entry (employee_id, work_date) WHERE started_at IS NULL;

CREATE TABLE rejected_entry (
    id bigserial CONSTRAINT rejected_entry_pkey PRIMARY KEY,
    source text,
    external_id text,
    record jsonb NOT NULL,
    reason text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rejected_entry IS
    'records that ingest_entries() could not take, each with the reason; a record that is taken later leaves this '
    'table';
CREATE INDEX task_item_document_idx ON task_item (document_id) WHERE document_id IS NOT NULL;
