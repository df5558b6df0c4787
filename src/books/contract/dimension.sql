-- ---------------------------------------------------------------------------
-- dimension: what a fact is about
--
-- Whoever names a task names its project, deal and client as well, and the
-- contract that takes its work.  So every writer of facts (charges, payments,
-- lines of documents, ledger entries) completes what it was given here.
-- ---------------------------------------------------------------------------

CREATE FUNCTION default_own() RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT min(p.id) FROM party p WHERE p.kind = 'own';
END;
COMMENT ON FUNCTION default_own() IS 'the own company of facts whose contract or document names none: the first one';

-- What is named is compared with what else that is named says of it; where only
-- what follows differs, the nearest wins: a task's project before its deal's.
CREATE FUNCTION check_dimension(p_what text, p_kind text, p_given bigint, p_from text, p_follows bigint) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_given <> p_follows THEN
        RAISE EXCEPTION '% names % %, but % is of % %', p_what, p_kind, p_given, p_from, p_kind, p_follows
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dimension_fits',
                HINT = format('Name the %s it is about, or what is of the %s named.', split_part(p_from, ' ', 1),
                              p_kind);
    END IF;
END $$;
COMMENT ON FUNCTION check_dimension(text, text, bigint, text, bigint) IS
    'refuse (23514) a fact that names one thing (p_kind, p_given) where another thing it names is of p_follows';

CREATE FUNCTION complete_dimension(p_given dimension, p_on date, p_what text) RETURNS dimension
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v dimension := p_given;
    v_task task;
    v_deal deal;
    v_contract contract;
    v_project project;
    v_contracts bigint[];
BEGIN
    IF v.task_id IS NOT NULL THEN
        SELECT * INTO v_task FROM task t WHERE t.id = v.task_id;
        PERFORM check_dimension(p_what, 'project', p_given.project_id, format('task %s', v.task_id), v_task.project_id);
        PERFORM check_dimension(p_what, 'deal', p_given.deal_id, format('task %s', v.task_id), v_task.deal_id);
        v.project_id := coalesce(v.project_id, v_task.project_id);
        v.deal_id := coalesce(v.deal_id, v_task.deal_id);
        v.contract_id := coalesce(v.contract_id, v_task.contract_id);
        v.work_type_id := coalesce(v.work_type_id, v_task.work_type_id);
    END IF;
    IF v.deal_id IS NOT NULL THEN
        SELECT * INTO v_deal FROM deal d WHERE d.id = v.deal_id;
        v.project_id := coalesce(v.project_id, v_deal.project_id);
    END IF;
    IF v.contract_id IS NOT NULL THEN
        SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
        v.project_id := coalesce(v.project_id, v_contract.project_id);
    END IF;
    IF v.project_id IS NOT NULL THEN
        SELECT * INTO v_project FROM project p WHERE p.id = v.project_id;
    END IF;

    v.client_id := coalesce(v.client_id, v_contract.client_id, v_project.client_id, v_deal.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('contract %s', v.contract_id), v_contract.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('project %s', v.project_id), v_project.client_id);
    PERFORM check_dimension(p_what, 'client', v.client_id, format('deal %s', v.deal_id), v_deal.client_id);

    IF v.contract_id IS NULL AND v.project_id IS NOT NULL THEN
        v_contracts := (SELECT c.contracts FROM contract_of(NULL, v.client_id, v.project_id, NULL, p_on) c);
        IF cardinality(v_contracts) = 1 THEN
            v.contract_id := v_contracts[1];
            SELECT * INTO v_contract FROM contract c WHERE c.id = v.contract_id;
        END IF;
    END IF;
    v.direction_id := coalesce(v.direction_id, v_project.direction_id, v_deal.direction_id,
                               (SELECT m.direction_id FROM employee m WHERE m.id = v.employee_id));
    v.own_id := coalesce(v.own_id, v_contract.own_id, default_own());
    IF p_given.own_id IS NOT NULL AND NOT EXISTS (SELECT FROM party y WHERE y.id = p_given.own_id AND y.kind = 'own')
        THEN
        RAISE EXCEPTION '% names party % as a company of ours', p_what, p_given.own_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dimension_fits',
                HINT = 'own_id is a party of kind own; leave it out for the default one.';
    END IF;
    RETURN v;
END $$;
COMMENT ON FUNCTION complete_dimension(dimension, date, text) IS
    'what a fact of a day is about, with all that follows from what it names: task → project, deal, contract, kind of '
    'work; deal, contract → project; all of them → client, direction, own company; the contract in force where just '
    'one takes the client''s work. What contradicts itself is refused (23514), p_what says of what: "line 2", "payment '
    '7"';

CREATE FUNCTION check_task_deal() RETURNS trigger
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_deal bigint := (SELECT s.deal_id FROM deal_stage s WHERE s.id = NEW.deal_stage_id);
BEGIN
    PERFORM check_dimension(format('task "%s"', NEW.title), 'deal', NEW.deal_id, format('stage %s', NEW.deal_stage_id),
                            v_deal);
    NEW.deal_id := coalesce(NEW.deal_id, v_deal);
    PERFORM check_dimension(format('task "%s"', NEW.title), 'client', p.client_id, format('deal %s', d.id), d.client_id)
       FROM project p, deal d WHERE p.id = NEW.project_id AND d.id = NEW.deal_id;
    PERFORM check_dimension(format('task "%s"', NEW.title), 'client', p.client_id, format('contract %s', c.id),
                            c.client_id)
       FROM project p, contract c WHERE p.id = NEW.project_id AND c.id = NEW.contract_id;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_task_deal() IS
    'trigger function of task: its stage names its deal, which is, like its contract, of the client of its project '
    '(23514)';

CREATE FUNCTION check_deal_project() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_dimension(format('deal "%s"', NEW.name), 'client', NEW.client_id, format('project %s', p.id),
                            p.client_id)
       FROM project p WHERE p.id = NEW.project_id;
    IF TG_OP = 'UPDATE' AND NEW.client_id <> OLD.client_id THEN
        PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
        IF EXISTS (SELECT FROM task t WHERE t.deal_id = OLD.id)
            OR EXISTS (SELECT FROM charge h WHERE h.deal_id = OLD.id) THEN
            RAISE EXCEPTION 'deal "%" has tasks or charges: its client stays', OLD.name
                USING ERRCODE = 'restrict_violation', HINT = 'Make a deal of the other client.';
        END IF;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION check_deal_project() IS
    'trigger function of deal: its project is one of its client (23514), who stays once there are tasks or charges '
    '(23001); SECURITY DEFINER because nobody is granted the locks';
