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
--
-- A position is searched by employee, role and kind of work, the most specific
-- first, so it takes over from those that are as specific or less, of whatever
-- it answers for and on every day until its own key goes on.
CREATE FUNCTION price_before(p_new price) RETURNS numeric
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH position AS (
        SELECT p.work_type_id, p.role, p.employee_id, p.valid_from, p.price,
               4 * (p.employee_id IS NOT NULL)::int + 2 * (p.role IS NOT NULL)::int + (p.work_type_id IS NOT NULL)::int AS specific,
               (p.work_type_id, p.role, p.employee_id) IS NOT DISTINCT FROM (p_new.work_type_id, p_new.role, p_new.employee_id) AS own
          FROM price p WHERE p.price_list_id = p_new.price_list_id AND p.item_id IS NOT DISTINCT FROM p_new.item_id AND p.id <> p_new.id
    ), question AS (
        SELECT p_new.work_type_id, coalesce(p_new.role, m.role) AS role, p_new.employee_id FROM (VALUES (1)) one LEFT JOIN employee m ON m.id = p_new.employee_id
        UNION
        SELECT coalesce(p_new.work_type_id, p.work_type_id), coalesce(p_new.role, m.role, p.role), p_new.employee_id
          FROM position p LEFT JOIN employee m ON m.id = p_new.employee_id WHERE p.employee_id IS NULL OR p.employee_id = p_new.employee_id
    ), day AS (
        SELECT p_new.valid_from AS day
        UNION
        SELECT p.valid_from FROM position p
         WHERE p.valid_from > p_new.valid_from
           AND p.valid_from < (SELECT coalesce(min(o.valid_from), 'infinity') FROM position o WHERE o.own AND o.valid_from > p_new.valid_from)
    )
    SELECT max(b.price)
      FROM question q CROSS JOIN day d
     CROSS JOIN LATERAL (
        SELECT k.price, k.specific
          FROM (SELECT DISTINCT ON (p.work_type_id, p.role, p.employee_id) p.price, p.specific
                  FROM position p
                 WHERE coalesce(p.work_type_id = q.work_type_id, p.work_type_id IS NULL) AND coalesce(p.role = q.role, p.role IS NULL)
                   AND coalesce(p.employee_id = q.employee_id, p.employee_id IS NULL) AND p.valid_from <= d.day
                 ORDER BY p.work_type_id, p.role, p.employee_id, p.valid_from DESC) k
         WHERE k.price IS NOT NULL ORDER BY k.specific DESC LIMIT 1) b
     WHERE b.specific <= 4 * (p_new.employee_id IS NOT NULL)::int + 2 * (p_new.role IS NOT NULL)::int + (p_new.work_type_id IS NOT NULL)::int;
END;
COMMENT ON FUNCTION price_before(price) IS
    'the greatest price of its list that a position takes over from, NULL for none: of the same key before, or less specific, on any day that it holds';

CREATE FUNCTION check_concession() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.discount_pct IS DISTINCT FROM OLD.discount_pct THEN
        PERFORM check_discount(NEW.discount_pct, 'a discount');
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_concession() IS
    'trigger function of contract, price_list and price: discounts stay within the limit of whoever gives them (42501)';
CREATE TRIGGER contract_conceded BEFORE INSERT OR UPDATE OF discount_pct ON contract
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_list_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price
    FOR EACH ROW EXECUTE FUNCTION check_concession();

CREATE FUNCTION check_price_cut() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_before numeric;
BEGIN
    IF NOT EXISTS (SELECT FROM limit_rows(current_user) m WHERE m.discount_pct < 100) THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    -- what would hold in the place of a position that goes cannot be told in per cent
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse_limited('a position that goes, moves or has tiers');
        RETURN OLD;
    ELSIF TG_OP = 'INSERT' THEN
        v_before := price_before(NEW);
        PERFORM refuse_limited('a position that goes, moves or has tiers') WHERE NEW.tiers IS NOT NULL OR NEW.price IS NULL AND v_before IS NOT NULL;
    ELSE
        v_before := coalesce(OLD.price, price_before(NEW));
        PERFORM refuse_limited('a position that goes, moves or has tiers')
          WHERE to_jsonb(NEW) - '{price,cost,discount_pct}'::text[] <> to_jsonb(OLD) - '{price,cost,discount_pct}'::text[]
             OR OLD.price IS NOT NULL AND NEW.price IS NULL;
    END IF;
    PERFORM check_discount(100 - 100 * NEW.price / v_before, 'a price cut') WHERE v_before > 0;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_price_cut() IS
    'trigger function of price: price cuts stay within the limit of whoever makes them, who leaves the key and the tiers of positions alone (42501)';
CREATE TRIGGER price_cut BEFORE INSERT OR UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION check_price_cut();

-- What an entry costs by its own word is a price that no list bounds.
CREATE FUNCTION check_override() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM require_level('manager', 'say what an entry is billed at');
    PERFORM refuse_limited('an own price, disposition or length of a time entry');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_override() IS
    'trigger function of time_entry: who has a limit of discount cannot set or clear an entry''s own price, disposition or billed length (42501)';
CREATE TRIGGER time_entry_overridden BEFORE INSERT ON time_entry
    FOR EACH ROW WHEN (num_nonnulls(NEW.price, NEW.billable, NEW.billable_s) > 0) EXECUTE FUNCTION check_override();
CREATE TRIGGER time_entry_override_changed BEFORE UPDATE OF price, billable, billable_s ON time_entry
    FOR EACH ROW WHEN ((NEW.price, NEW.billable, NEW.billable_s) IS DISTINCT FROM (OLD.price, OLD.billable, OLD.billable_s))
    EXECUTE FUNCTION check_override();

-- Nor what becomes of all work of a task or project.
CREATE FUNCTION check_disposition() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM refuse_limited('work that is not billed');
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_disposition() IS
    'trigger function of task and project: who has a limit of discount cannot say that their work is not billed, nor unsay that it is (42501)';
CREATE TRIGGER task_disposed BEFORE INSERT ON task
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER task_disposition_changed BEFORE UPDATE OF billable ON task
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_disposed BEFORE INSERT ON project
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_disposition_changed BEFORE UPDATE OF billable ON project
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable') EXECUTE FUNCTION check_disposition();

-- A discount is a manager's to give, through whatever function it comes; a
-- revision may keep what the one before gave.
CREATE FUNCTION check_document_discount() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_before document;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        v_before := OLD;
    ELSIF NEW.supersedes_id IS NOT NULL THEN
        SELECT * INTO v_before FROM document d WHERE d.id = NEW.supersedes_id;
    END IF;
    IF (NEW.discount_pct, NEW.discount_amount) IS DISTINCT FROM (v_before.discount_pct, v_before.discount_amount)
        AND num_nonnulls(NEW.discount_pct, NEW.discount_amount) > 0 THEN
        PERFORM require_level('manager', 'give a discount', calling_role());
        IF NEW.discount_amount IS NOT NULL THEN
            PERFORM refuse_limited('a discount in money', calling_role());
        END IF;
        PERFORM check_discount(NEW.discount_pct, 'a discount', calling_role());
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_document_discount() IS
    'trigger function of document: discounts are given by managers, within their limit; who has one gives them in per cent (42501)';
CREATE TRIGGER document_discounted BEFORE INSERT OR UPDATE OF discount_pct, discount_amount ON document
    FOR EACH ROW WHEN (num_nonnulls(NEW.discount_pct, NEW.discount_amount) > 0) EXECUTE FUNCTION check_document_discount();
