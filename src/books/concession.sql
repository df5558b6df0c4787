-- ---------------------------------------------------------------------------
-- concession: what managers give away, and how much each may
--
-- A level says who may lower what a client pays; a limit says how far.  Limits
-- are of people, by the name that actor() gives them or of their role or login:
-- of several rows the strictest binds, the row "*" where none names them.
-- Controllers have no limits.
-- ---------------------------------------------------------------------------

CREATE TABLE manager_limit (
    actor text CONSTRAINT manager_limit_pkey PRIMARY KEY,
    discount_pct numeric(7,4) NOT NULL DEFAULT 100
        CONSTRAINT manager_limit_discount_range CHECK (discount_pct BETWEEN 0 AND 100),
    month_amount numeric(20,6)
        CONSTRAINT manager_limit_amount_not_negative CHECK (month_amount >= 0 AND month_amount <> 'NaN')
);
COMMENT ON TABLE manager_limit IS
    'how far managers may go: discount_pct the greatest discount in percent points, of a document, contract, price list or position, and the deepest cut of '
    'a price; month_amount what write-offs, credits in part and corrections downwards may come to in a calendar month, in the base currency, NULL: any. '
    'actor: as actor() names the person, or a role; * for who is not named; whoever has no row has no limit';
SELECT watch('manager_limit');
SELECT allow('manager', 'select', 'manager_limit'), allow('controller', 'insert,update,delete', 'manager_limit');

CREATE TABLE concession (
    id bigserial CONSTRAINT concession_pkey PRIMARY KEY,
    given_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT actor(),
    kind text NOT NULL
        CONSTRAINT concession_kind_known CHECK (kind IN ('write_off', 'credit', 'correction')),
    base_amount numeric(20,6) NOT NULL
        CONSTRAINT concession_positive CHECK (base_amount > 0 AND base_amount <> 'NaN'),
    charge_id bigint CONSTRAINT concession_charge_fkey REFERENCES charge,
    document_id bigint CONSTRAINT concession_document_fkey REFERENCES document,
    reason text
);
COMMENT ON TABLE concession IS
    'what was given away after it had been charged: write-offs, credits in part, corrections downwards; base_amount in the base currency, by whom and why; '
    'charge_id and document_id what it is about; append-only';
CREATE INDEX concession_charge_idx ON concession (charge_id) WHERE charge_id IS NOT NULL;
CREATE INDEX concession_document_idx ON concession (document_id) WHERE document_id IS NOT NULL;
CREATE TRIGGER concession_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON concession
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('What was given away is what it is; write it up again with adjust_charge().');
CREATE TRIGGER concession_owned BEFORE INSERT ON concession
    FOR EACH ROW EXECUTE FUNCTION own_table('adjust_charge(), credit() and correct_entry() keep what they give away.');
SELECT allow('manager', 'select', 'concession');

-- The sum that a limit is checked against is a row, so that whoever adds to it
-- at the same time waits, or fails with 40001.
CREATE TABLE concession_month (
    actor text NOT NULL,
    month date NOT NULL,
    base_amount numeric(20,6) NOT NULL,
    CONSTRAINT concession_month_pkey PRIMARY KEY (actor, month)
);
COMMENT ON TABLE concession_month IS 'what each person, role or login gave away in a calendar month, in the base currency: the sum that manager_limit.month_amount bounds';
CREATE TRIGGER concession_month_owned BEFORE INSERT OR UPDATE OR DELETE ON concession_month
    FOR EACH ROW EXECUTE FUNCTION own_table('It is the sum of what concession holds.');
SELECT allow('manager', 'select', 'concession_month');

CREATE FUNCTION limit_rows(p_role name) RETURNS SETOF manager_limit
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
    SELECT m.* FROM manager_limit m
     WHERE level_rank(p_role) < (SELECT l.rank FROM access_level l WHERE l.level = 'controller')
       AND (m.actor IN (actor(), p_role, session_user)
            OR m.actor = '*' AND NOT EXISTS (SELECT FROM manager_limit o WHERE o.actor IN (actor(), p_role, session_user)));
END;
COMMENT ON FUNCTION limit_rows(name) IS 'the limits that bind a role now; none for controllers. SECURITY DEFINER because triggers of who may not read limits ask';

CREATE FUNCTION check_discount(p_pct numeric, p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_limit manager_limit;
BEGIN
    SELECT * INTO v_limit FROM limit_rows(p_role) m ORDER BY m.discount_pct LIMIT 1;
    IF p_pct > v_limit.discount_pct THEN
        RAISE EXCEPTION '% of % %% is above the limit of %', p_what, trim_scale(round(p_pct, 4)), replace(v_limit.actor, '*', actor())
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('It is %s %%.', trim_scale(v_limit.discount_pct)),
                HINT = 'Ask a controller, who may do it or raise the limit (table manager_limit).';
    END IF;
END $$;
COMMENT ON FUNCTION check_discount(numeric, text, name) IS 'refuse (42501) a discount in percent points above the limit of whoever gives it';

CREATE FUNCTION refuse_limited(p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_limit numeric := (SELECT min(m.discount_pct) FROM limit_rows(p_role) m);
BEGIN
    IF v_limit < 100 THEN
        RAISE EXCEPTION '% is not for %, who has a limit', p_what, actor()
            USING ERRCODE = 'insufficient_privilege', DETAIL = format('Discounts of up to %s %%.', trim_scale(v_limit)),
                HINT = 'Give a discount in per cent, or ask a controller (table manager_limit).';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_limited(text, name) IS 'refuse (42501) to who has a limit of discount what could go past it unseen';

CREATE FUNCTION concede(p_kind text, p_base_amount numeric, p_charge bigint, p_document bigint, p_reason text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_month date := month(books_today());
    v_limit record;
    v_sum numeric;
BEGIN
    IF coalesce(p_base_amount, 0) <= 0 THEN
        RETURN;
    END IF;
    INSERT INTO concession (kind, base_amount, charge_id, document_id, reason) VALUES (p_kind, p_base_amount, p_charge, p_document, p_reason);
    FOR v_limit IN
        SELECT k.name, min(m.month_amount) AS amount
          FROM (SELECT DISTINCT x.name FROM unnest(ARRAY[actor(), calling_role()::text, session_user::text]) x (name)) k
          LEFT JOIN limit_rows(calling_role()) m ON m.actor = k.name OR m.actor = '*' AND k.name = actor()
         GROUP BY k.name ORDER BY k.name
    LOOP
        INSERT INTO concession_month AS c (actor, month, base_amount) VALUES (v_limit.name, v_month, p_base_amount)
        ON CONFLICT (actor, month) DO UPDATE SET base_amount = c.base_amount + excluded.base_amount
        RETURNING c.base_amount INTO v_sum;
        IF v_sum > v_limit.amount THEN
            RAISE EXCEPTION 'giving % away is above the limit of %', trim_scale(p_base_amount), v_limit.name
                USING ERRCODE = 'insufficient_privilege',
                    DETAIL = format('With it %s of %s %s would be given away in the month.', trim_scale(v_sum), trim_scale(v_limit.amount),
                                    (SELECT s.base_currency FROM setting s)),
                    HINT = 'Ask a controller, who may do it or raise the limit (table manager_limit).';
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION concede(text, numeric, bigint, bigint, text) IS
    'keep what somebody gives away, in the base currency, and refuse (42501) what is above the month''s limit of the person, role or login; nothing for amounts not above 0';

-- Prices and discounts that managers set.
CREATE FUNCTION check_concession() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_new jsonb := to_jsonb(NEW);
    v_old jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
    v_before numeric := (v_old ->> 'price')::numeric;
BEGIN
    -- what another position would hold in its place cannot be told in per cent
    IF TG_TABLE_NAME = 'price' AND (TG_OP = 'DELETE' OR TG_OP = 'UPDATE'
        AND (v_old - '{price,cost,discount_pct}'::text[] <> v_new - '{price,cost,discount_pct}'::text[] OR v_before IS NOT NULL AND v_new ->> 'price' IS NULL)
        OR TG_OP = 'INSERT' AND v_new ->> 'tiers' IS NOT NULL) THEN
        PERFORM refuse_limited('a position that goes, moves or has tiers');
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF v_new ->> 'discount_pct' IS DISTINCT FROM v_old ->> 'discount_pct' THEN
        PERFORM check_discount((v_new ->> 'discount_pct')::numeric, 'a discount');
    END IF;
    IF TG_TABLE_NAME = 'price' AND TG_OP = 'INSERT' THEN
        -- what holds without the new position: the nearest one that is as wide or wider
        v_before := (SELECT p.price FROM price p
                      WHERE p.price_list_id = NEW.price_list_id AND p.item_id IS NOT DISTINCT FROM NEW.item_id AND p.price IS NOT NULL
                        AND coalesce(p.work_type_id = NEW.work_type_id, p.work_type_id IS NULL) AND coalesce(p.employee_id = NEW.employee_id, p.employee_id IS NULL)
                        AND coalesce(p.role = coalesce(NEW.role, (SELECT m.role FROM employee m WHERE m.id = NEW.employee_id)), p.role IS NULL)
                        AND p.valid_from <= NEW.valid_from
                      ORDER BY p.employee_id IS NULL, p.role IS NULL, p.work_type_id IS NULL, p.valid_from DESC LIMIT 1);
    END IF;
    IF v_before > 0 THEN
        PERFORM check_discount(100 - 100 * (v_new ->> 'price')::numeric / v_before, 'a price cut');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_concession() IS
    'trigger function of contract, price_list and price: discounts and price cuts stay within the limit of whoever makes them, who leaves '
    'the key and the tiers of positions alone (42501)';
CREATE TRIGGER contract_conceded BEFORE INSERT OR UPDATE OF discount_pct ON contract
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_list_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_conceded BEFORE INSERT OR UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION check_concession();

-- What an entry costs by its own word is a price that no list bounds.
CREATE FUNCTION check_override() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.price, NEW.billable, NEW.billable_s) IS DISTINCT FROM (OLD.price, OLD.billable, OLD.billable_s) THEN
        PERFORM require_level('manager', 'say what an entry is billed at');
        PERFORM refuse_limited('an own price, disposition or length of a time entry');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_override() IS 'trigger function of time_entry: who has a limit of discount cannot set an entry''s own price, disposition or billed length (42501)';
CREATE TRIGGER time_entry_overridden BEFORE INSERT OR UPDATE OF price, billable, billable_s ON time_entry
    FOR EACH ROW WHEN (num_nonnulls(NEW.price, NEW.billable, NEW.billable_s) > 0) EXECUTE FUNCTION check_override();

-- Nor what becomes of all work of a task or project.
CREATE FUNCTION check_disposition() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.billable IS DISTINCT FROM OLD.billable THEN
        PERFORM refuse_limited('work that is not billed');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_disposition() IS 'trigger function of task and project: who has a limit of discount cannot say that their work is not billed (42501)';
CREATE TRIGGER task_disposed BEFORE INSERT OR UPDATE OF billable ON task
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_disposed BEFORE INSERT OR UPDATE OF billable ON project
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
