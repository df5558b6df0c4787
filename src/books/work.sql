-- ---------------------------------------------------------------------------
-- work: time entries, and the charges that rating makes of them
-- ---------------------------------------------------------------------------

CREATE TABLE task_item (
    id bigserial CONSTRAINT task_item_pkey PRIMARY KEY,
    task_id bigint NOT NULL CONSTRAINT task_item_task_fkey REFERENCES task,
    item_id bigint NOT NULL CONSTRAINT task_item_item_fkey REFERENCES item,
    quantity numeric(19,6) NOT NULL DEFAULT 1
        CONSTRAINT task_item_quantity_positive CHECK (quantity > 0 AND quantity <> 'NaN'),
    price numeric(19,6)
        CONSTRAINT task_item_price_not_negative CHECK (price >= 0 AND price <> 'NaN'),
    cost numeric(19,6)
        CONSTRAINT task_item_cost_not_negative CHECK (cost >= 0 AND cost <> 'NaN'),
    document_id bigint,
    CONSTRAINT task_item_key UNIQUE NULLS NOT DISTINCT (task_id, item_id, document_id)
);
COMMENT ON TABLE task_item IS
    'what a task is sold for at a fixed price: charged when the task is done, at the agreed price of a unit or (price NULL) as the price lists say '
    'then; the time of such a task is included in that price. document_id is the specification that agreed it';
SELECT allow('reader', 'select', 'task_item'), allow('manager', 'insert,update,delete', 'task_item');
SELECT watch('task_item');

CREATE TABLE time_entry (
    id bigserial CONSTRAINT time_entry_pkey PRIMARY KEY,
    employee_id bigint NOT NULL CONSTRAINT time_entry_employee_fkey REFERENCES employee,
    task_id bigint NOT NULL CONSTRAINT time_entry_task_fkey REFERENCES task,
    work_type_id bigint CONSTRAINT time_entry_work_type_fkey REFERENCES work_type,
    contract_id bigint CONSTRAINT time_entry_contract_fkey REFERENCES contract,
    started_at timestamptz CONSTRAINT time_entry_start_finite CHECK (isfinite(started_at)),
    ended_at timestamptz CONSTRAINT time_entry_end_finite CHECK (isfinite(ended_at)),
    break_s integer NOT NULL DEFAULT 0
        CONSTRAINT time_entry_break_not_negative CHECK (break_s >= 0),
    work_date date CONSTRAINT time_entry_date_finite CHECK (isfinite(work_date)),
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
        (num_nonnulls(started_at, ended_at) = 2 OR num_nonnulls(started_at, ended_at) = 0 AND num_nonnulls(work_date, duration_s) = 2),
    CONSTRAINT time_entry_override_explained CHECK
        (num_nonnulls(billable, billable_s, price) = 0 OR override_reason IS NOT NULL OR source IS NOT NULL),
    CONSTRAINT time_entry_external_key UNIQUE (source, external_id)
);
COMMENT ON TABLE time_entry IS
    'logged work, by the clock (started_at, ended_at, break_s) or by the day (work_date, duration_s); duration_s beats the clock where both are given. '
    'billable, billable_s (seconds) and price (an hour) override what the rules say and want a reason unless a tracker sends them. '
    'Inserting, changing or deleting an entry rates it in the same transaction';
SELECT allow('reader', 'select', 'time_entry'),
       allow('clerk', 'insert,update', 'time_entry', but => '{contract_id,billable,billable_s,price,override_reason,approved_at,approved_by,created_at,created_by}'),
       allow('clerk', 'delete', 'time_entry'),
       allow('manager', 'insert,update', 'time_entry', but => '{approved_at,approved_by,created_at,created_by}');
CREATE INDEX time_entry_task_idx ON time_entry (task_id);
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON time_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('approved_at: approve_entries() approves work.', 'approved_by: approve_entries() approves work.',
                                              'created_at', 'created_by');
SELECT watch('time_entry', 'changes');

CREATE TABLE terms (
    id bigserial CONSTRAINT terms_pkey PRIMARY KEY,
    contract_id bigint NOT NULL CONSTRAINT terms_contract_fkey REFERENCES contract,
    digest bytea NOT NULL,
    body jsonb NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT terms_key UNIQUE (contract_id, digest)
);
COMMENT ON TABLE terms IS
    'snapshots of the terms by which charges were rated, one row for each content; a later change of configuration prices new work only';
SELECT allow('reader', 'select', 'terms');
CREATE TRIGGER terms_append_only BEFORE UPDATE OR TRUNCATE ON terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Terms are stamped on charges; change the contract or its price lists instead.');
CREATE TRIGGER terms_owned BEFORE INSERT OR DELETE ON terms
    FOR EACH ROW EXECUTE FUNCTION own_table('Terms are stamped on charges; change the contract or its price lists instead.');

CREATE TABLE charge (
    id bigserial CONSTRAINT charge_pkey PRIMARY KEY,
    source text NOT NULL
        CONSTRAINT charge_source_known CHECK (source IN ('time', 'item', 'fee', 'stage', 'expense', 'adjustment')),
    time_entry_id bigint CONSTRAINT charge_time_entry_fkey REFERENCES time_entry DEFERRABLE INITIALLY DEFERRED,
    segment smallint,
    contract_line_id bigint CONSTRAINT charge_contract_line_fkey REFERENCES contract_line,
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
        CONSTRAINT charge_coverage_known CHECK (coverage IN ('billable', 'included', 'prepaid', 'capped', 'no_charge', 'non_billable')),
    worked_s bigint NOT NULL DEFAULT 0,
    billed_s bigint NOT NULL DEFAULT 0,
    quantity numeric(19,6),
    price numeric(19,6),
    multiplier numeric(6,3),
    discount_pct numeric(7,4),
    price_source text,
    price_list_id bigint,
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
    reason text,
    terms_id bigint,
    late boolean NOT NULL DEFAULT false,
    held_by bigint,
    frozen_at timestamptz,
    fixed boolean NOT NULL GENERATED ALWAYS AS (frozen_at IS NOT NULL OR held_by IS NOT NULL) STORED,
    reverses_id bigint CONSTRAINT charge_reverses_fkey REFERENCES charge,
    adjusts_id bigint CONSTRAINT charge_adjusts_fkey REFERENCES charge,
    key text,
    CONSTRAINT charge_only_billable_has_amount CHECK (amount = 0 OR coverage = 'billable'),
    CONSTRAINT charge_time_has_entry CHECK (source <> 'time' OR time_entry_id IS NOT NULL AND segment IS NOT NULL),
    CONSTRAINT charge_burn_has_allotment CHECK ((allotment_id IS NULL) = (burned IS NULL)),
    CONSTRAINT charge_reversal_frozen CHECK (reverses_id IS NULL OR frozen_at IS NOT NULL)
) WITH (fillfactor = 90);
COMMENT ON TABLE charge IS
    'the heart: one rated segment of work, item, fee or stage. amount is net in currency, cost what it cost us in the same currency (NULL: unknown), '
    'base_… the same in the company''s currency. Provisional while frozen_at is NULL; frozen with the document or the period that takes it, and posted '
    'to the ledger in the same transaction; while a report that is sent holds it (held_by, a document) it waits unchanged for the client''s answer';
COMMENT ON COLUMN charge.time_entry_id IS 'the work it is for; checked at the end of the transaction, since what is deleted is needed to rate what followed it';
COMMENT ON COLUMN charge.terms_id IS
    'the terms by which it was rated, a row of terms, which are never changed or deleted; no foreign key: each one costs a bulk load a twentieth';
COMMENT ON COLUMN charge.price_list_id IS
    'the price list that its price was found in, which is not deleted while a charge names it; no foreign key: each one costs a bulk load a twentieth';
COMMENT ON COLUMN charge.service_date IS 'day on which the work was done, in the contract''s zone';
COMMENT ON COLUMN charge.period_start IS 'first day of the service period in which it is billed; later than service_date''s own for late work';
COMMENT ON COLUMN charge.fixed IS 'frozen or held: rating leaves it as it is';
COMMENT ON COLUMN charge.adjusts_id IS 'the charge that a write-off or write-up changes';
COMMENT ON COLUMN charge.key IS 'idempotency key of a charge that a function made; NULL for work, fees and stages';
COMMENT ON COLUMN charge.price IS 'price an hour, or a unit of quantity, before multiplier and discount';
SELECT allow('reader', 'select', 'charge', but => '{cost,base_cost,cost_rate,base_cost_rate}'), allow('controller', 'select', 'charge');
CREATE UNIQUE INDEX charge_entry_segment ON charge (time_entry_id, segment)
    WHERE time_entry_id IS NOT NULL AND NOT fixed;
CREATE INDEX charge_entry_idx ON charge (time_entry_id) WHERE time_entry_id IS NOT NULL;
CREATE INDEX charge_contract_idx ON charge (contract_id, started_at);
CREATE UNIQUE INDEX charge_line_period ON charge (contract_line_id, period_start)
    WHERE contract_line_id IS NOT NULL AND reverses_id IS NULL AND source IN ('fee', 'stage') AND coverage = 'billable';
CREATE INDEX charge_allotment_idx ON charge (allotment_id) WHERE allotment_id IS NOT NULL;
CREATE INDEX charge_task_idx ON charge (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX charge_contract_line_idx ON charge (contract_line_id) WHERE contract_line_id IS NOT NULL;
CREATE INDEX charge_held_by_idx ON charge (held_by) WHERE held_by IS NOT NULL;
CREATE UNIQUE INDEX charge_key_key ON charge (key) WHERE key IS NOT NULL;
CREATE INDEX charge_adjusts_idx ON charge (adjusts_id) WHERE adjusts_id IS NOT NULL;
CREATE UNIQUE INDEX charge_reversed_once ON charge (reverses_id) WHERE reverses_id IS NOT NULL;

-- Figures are summed from more than their reader may see one by one: the cost of
-- a charge is a person's.  These views show all columns to the views of figures,
-- which belong to the owner, and only the rows that the policies of whoever asks let through.
CREATE VIEW seen_charge WITH (security_invoker) AS SELECT id FROM charge;
COMMENT ON VIEW seen_charge IS 'the charges that the row policies of whoever asks let through';
CREATE VIEW visible_charge WITH (security_barrier) AS
    SELECT h.* FROM charge h WHERE (SELECT NOT row_security_active('charge'::regclass)) OR h.id IN (SELECT s.id FROM seen_charge s);
COMMENT ON VIEW visible_charge IS 'charges with their costs for the views of figures, within the row policies of whoever asks; granted to nobody';

CREATE VIEW burn WITH (security_invoker) AS
    SELECT allotment_id, id AS charge_id, burned AS amount FROM charge WHERE allotment_id IS NOT NULL;
COMMENT ON VIEW burn IS 'what each charge took from an allotment, in the allotment''s unit; a segment is cut where an allotment ends, so it draws on one only';
SELECT allow('reader', 'select', 'burn');

CREATE TABLE rating_problem (
    time_entry_id bigint CONSTRAINT rating_problem_pkey PRIMARY KEY
        CONSTRAINT rating_problem_entry_fkey REFERENCES time_entry ON DELETE CASCADE,
    problem text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rating_problem IS 'why a time entry has no charge; view unrated shows it with the entry';
SELECT allow('reader', 'select', 'rating_problem');
CREATE TRIGGER rating_problem_owned BEFORE INSERT OR UPDATE OR DELETE ON rating_problem
    FOR EACH ROW EXECUTE FUNCTION own_table('It says what rating found; mend what it names and the row goes by itself.');

-- Frozen charges are facts: what freezing itself sets is the only change.
CREATE FUNCTION guard_charge() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'deal_id' = to_jsonb(NEW) - 'deal_id' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'charge % is frozen and cannot be %', OLD.id, CASE TG_OP WHEN 'DELETE' THEN 'deleted' ELSE 'changed' END
        USING ERRCODE = 'restrict_violation',
            DETAIL = frozen_by(OLD.id),
            HINT = 'Correct it by a reversal: correct_entry(), adjust_charge() or credit().';
END $$;
COMMENT ON FUNCTION guard_charge() IS 'trigger function of charge: a frozen charge is never changed or deleted (23001)';
CREATE TRIGGER charge_frozen BEFORE UPDATE OR DELETE ON charge
    FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL) EXECUTE FUNCTION guard_charge();
-- last of the row triggers, so that what is frozen says so
CREATE TRIGGER charge_owned BEFORE INSERT OR UPDATE OR DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION own_table('Charges follow the work: change the time entry, the task or the contract, or use charge_item() and adjust_charge().');

CREATE TABLE rejected_entry (
    id bigserial CONSTRAINT rejected_entry_pkey PRIMARY KEY,
    source text,
    external_id text,
    record jsonb NOT NULL,
    reason text NOT NULL,
    rejected_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rejected_entry IS 'records that ingest_entries() could not take, each with the reason; a record that is taken later leaves this table';
SELECT allow('reader', 'select', 'rejected_entry'), allow('clerk', 'delete', 'rejected_entry');
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON rejected_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('rejected_at');

-- ---------------------------------------------------------------------------
-- rows that charges and ledger entries name by id: what the foreign keys do not say
-- ---------------------------------------------------------------------------

CREATE FUNCTION keep_named() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.id = OLD.id THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the id of % % stays as it is', replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Charges and ledger entries know the row by it; change other columns.';
    END IF;
    -- Foreign keys see what others charge meanwhile; of a price list there is none.
    IF TG_TABLE_NAME = 'price_list' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'in a % transaction it cannot be seen whether % % has charges', current_setting('transaction_isolation'),
            replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Delete it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED.';
    END IF;
    PERFORM lock_books() WHERE TG_TABLE_NAME = 'price_list';
    IF (CASE TG_TABLE_NAME WHEN 'party' THEN EXISTS (SELECT FROM charge h WHERE h.client_id = OLD.id)
                           WHEN 'project' THEN EXISTS (SELECT FROM charge h WHERE h.project_id = OLD.id)
                           WHEN 'task' THEN EXISTS (SELECT FROM charge h WHERE h.task_id = OLD.id)
                           WHEN 'deal' THEN EXISTS (SELECT FROM charge h WHERE h.deal_id = OLD.id)
                           WHEN 'employee' THEN EXISTS (SELECT FROM charge h WHERE h.employee_id = OLD.id)
                           WHEN 'direction' THEN EXISTS (SELECT FROM charge h WHERE h.direction_id = OLD.id)
                           WHEN 'work_type' THEN EXISTS (SELECT FROM charge h WHERE h.work_type_id = OLD.id)
                           WHEN 'item' THEN EXISTS (SELECT FROM charge h WHERE h.item_id = OLD.id)
                           WHEN 'price_list' THEN EXISTS (SELECT FROM charge h WHERE h.price_list_id = OLD.id) END) THEN
        RAISE EXCEPTION '% % has charges and cannot be deleted', replace(TG_TABLE_NAME, '_', ' '), OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Figures are told by it; close, archive or rename it instead.';
    END IF;
    RETURN OLD;
END $$;
COMMENT ON FUNCTION keep_named() IS
    'trigger function of what charges name: its id never changes, and it is not deleted while a charge names it (23001); a price list is deleted in '
    'READ COMMITTED only (23001). SECURITY DEFINER because row policies must not hide charges';
CREATE TRIGGER party_named BEFORE DELETE OR UPDATE OF id ON party
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER project_named BEFORE DELETE OR UPDATE OF id ON project
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER task_named BEFORE DELETE OR UPDATE OF id ON task
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER deal_named BEFORE DELETE OR UPDATE OF id ON deal
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER employee_named BEFORE DELETE OR UPDATE OF id ON employee
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER direction_named BEFORE DELETE OR UPDATE OF id ON direction
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER work_type_named BEFORE DELETE OR UPDATE OF id ON work_type
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER item_named BEFORE DELETE OR UPDATE OF id ON item
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER price_list_named BEFORE DELETE OR UPDATE OF id ON price_list
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER time_entry_named BEFORE UPDATE OF id ON time_entry
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER charge_named BEFORE UPDATE OF id ON charge
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER time_entry_not_truncated BEFORE TRUNCATE ON time_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the entries that are not billed; correct_entry() takes billed ones back.');
CREATE TRIGGER charge_not_truncated BEFORE TRUNCATE ON charge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the time entries that are not billed; correct_entry() takes billed ones back.');
CREATE TRIGGER billing_period_not_truncated BEFORE TRUNCATE ON billing_period
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('reopen_period() opens the last closed one.');

CREATE FUNCTION keep_burned() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_burned numeric;
BEGIN
    PERFORM lock_contracts(ARRAY[OLD.contract_id, NEW.contract_id]);
    v_burned := (SELECT sum(b.amount) FROM burn b WHERE b.allotment_id = OLD.id);
    IF NEW.amount < v_burned OR v_burned <> 0 AND (NEW.unit, NEW.contract_id) <> (OLD.unit, OLD.contract_id) THEN
        RAISE EXCEPTION 'work has taken % of allotment % already', trim_scale(v_burned), OLD.id
            USING ERRCODE = 'restrict_violation', HINT = 'Keep its unit and contract and at least that amount, or void_block() it.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_burned() IS 'trigger function of allotment: what work took of it stays (23001); SECURITY DEFINER because nobody is granted the locks';
CREATE TRIGGER allotment_burned BEFORE UPDATE OF amount, unit, contract_id ON allotment
    FOR EACH ROW EXECUTE FUNCTION keep_burned();
