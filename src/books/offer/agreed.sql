-- ---------------------------------------------------------------------------
-- agreed: a specification that the client agreed becomes money, a contract begins
--
-- Its lines are what the task is sold for, so they are charged when it is done;
-- the hours of such a task are in that price.  One without a price only lets the
-- work begin.
-- ---------------------------------------------------------------------------

CREATE FUNCTION task_work(p_task bigint) RETURNS bigint[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ARRAY(SELECT e.id FROM time_entry e WHERE e.task_id = p_task ORDER BY 1);
END;
COMMENT ON FUNCTION task_work(bigint) IS 'the time entries of a task';

CREATE FUNCTION sell_agreed(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO task_item (task_id, item_id, title, quantity, price, discount_pct, amount, cost, document_id, line_id)
    SELECT p_document.task_id, l.item_id, l.title, coalesce(l.quantity, 1), l.price, l.discount_pct, l.net, l.cost,
           p_document.id, l.id
      FROM document_line l
     WHERE l.document_id = p_document.id AND p_document.task_id IS NOT NULL AND p_document.net > 0
       -- who copied it by hand has sold it already
       AND NOT EXISTS (SELECT FROM task_item i WHERE i.document_id = p_document.id)
     ORDER BY l.id;
    PERFORM follow_entries(task_work(p_document.task_id));
END $$;
COMMENT ON FUNCTION sell_agreed(document) IS
    'what an agreed specification asks for is what its task is sold for; work that waited for it is rated';

CREATE FUNCTION unsell_agreed(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    DELETE FROM task_item i WHERE i.document_id = p_document.id AND i.line_id IS NOT NULL;
    PERFORM follow_entries(task_work(p_document.task_id));
END $$;
COMMENT ON FUNCTION unsell_agreed(document) IS
    'what a specification that is agreed no more asked for is not sold; refused (23001) once it is billed';

CREATE FUNCTION begin_contract(p_document document) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE contract c SET status = 'active' WHERE c.id = p_document.contract_id AND c.status = 'draft';
END $$;
COMMENT ON FUNCTION begin_contract(document) IS 'the contract whose paper is agreed is in force, where it was a draft';

CREATE FUNCTION bill_task(task bigint, options jsonb DEFAULT '{}', OUT invoice bigint, OUT act bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_task task;
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = bill_task.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', bill_task.task USING ERRCODE = 'foreign_key_violation',
            HINT = 'Table task lists the tasks.';
    END IF;
    IF v_task.status <> 'done' AND EXISTS (SELECT FROM task_item i WHERE i.task_id = v_task.id) THEN
        RAISE EXCEPTION 'task "%" is %: what it is sold for is charged when it is done', v_task.title, v_task.status
            USING ERRCODE = 'restrict_violation', HINT = 'Set its status to done first.';
    END IF;
    options := json_argument(options);
    bill_task.invoice := invoice_work(jsonb_build_object('task', v_task.id), options);
    bill_task.act := issue_act(bill_task.invoice, CASE WHEN options ? 'issued_on'
        THEN jsonb_build_object('issued_on', options -> 'issued_on') ELSE '{}' END);
END $$;
COMMENT ON FUNCTION bill_task(bigint, jsonb) IS
    'invoice what a task comes to, an agreed specification or its hours, and issue the act of it, at once; options as '
    'of invoice_work(). Refused (23001): a task that is sold at a fixed price and not done, one with nothing to bill';
SELECT allow('clerk', 'execute', 'bill_task');
