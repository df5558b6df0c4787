-- ---------------------------------------------------------------------------
-- task: fixed prices of tasks, charged when they are done
-- ---------------------------------------------------------------------------

CREATE FUNCTION charge_task(p_task bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_task task;
    v_to record;
    v_item record;
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = p_task;
    IF v_task.status <> 'done' THEN
        DELETE FROM charge h WHERE h.task_id = p_task AND h.source = 'item' AND h.key LIKE 'task:%' AND NOT h.fixed;
        RETURN;
    END IF;
    v_to := task_contract(p_task, coalesce(v_task.completed_at, now()));
    IF v_to.problem IS NOT NULL THEN
        RETURN;
    END IF;
    FOR v_item IN
        SELECT i.* FROM task_item i
         WHERE i.task_id = p_task AND NOT EXISTS (SELECT FROM charge h WHERE h.key = format('task:%s:%s', i.task_id, i.id))
           AND (i.price IS NOT NULL OR EXISTS (SELECT FROM item_price(v_to.contract_id, v_task.project_id, i.item_id, v_to.service_date)))
         ORDER BY i.id
    LOOP
        PERFORM sell_item(v_to.contract_id, v_item.item_id, v_item.quantity, v_to.service_date, p_task,
                            format('task:%s:%s', v_item.task_id, v_item.id), v_item.price, v_item.cost);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_task(bigint) IS
    'charge the fixed prices of a task that is done, once each; take them back while provisional when it is done no more; what cannot be charged is in '
    'view uncharged_task';

CREATE FUNCTION charge_done_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    -- with those of tasks that move, whose work is rated next: all at once, by id
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id IN (n.project_id, o.project_id)
         WHERE n.project_id <> o.project_id OR EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id)));
    PERFORM charge_task(n.id) FROM new_rows n
      WHERE EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id) ORDER BY n.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION charge_done_tasks() IS
    'trigger function of task: charges the fixed price of what is done; SECURITY DEFINER because nobody is granted INSERT on charge';

-- The time of a task is in its fixed price from then on: what is not frozen is
-- rated again.
CREATE FUNCTION price_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
DECLARE
    v_tasks bigint[];
    v_gone bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tasks := ARRAY(SELECT DISTINCT n.task_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_tasks := ARRAY(SELECT DISTINCT o.task_id FROM old_rows o);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    ELSE
        v_tasks := ARRAY(SELECT o.task_id FROM old_rows o UNION SELECT n.task_id FROM new_rows n);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    END IF;
    PERFORM lock_parties(ARRAY(SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = ANY (v_tasks)));
    DELETE FROM charge h WHERE h.task_id = ANY (v_tasks) AND h.source = 'item' AND NOT h.fixed
       AND h.key = ANY (ARRAY(SELECT format('task:%s:%s', t, g) FROM unnest(v_tasks) t, unnest(v_gone) g));
    PERFORM rate_entries(ARRAY(
        SELECT e.id FROM time_entry e WHERE e.task_id = ANY (v_tasks)
           AND NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id AND h.fixed) ORDER BY e.id));
    PERFORM charge_task(t.id) FROM unnest(v_tasks) t (id) ORDER BY t.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION price_tasks() IS
    'trigger function of task_item: rates the time of the tasks again, which a fixed price includes, and charges those that are done already';

CREATE VIEW uncharged_task WITH (security_invoker) AS
    SELECT i.task_id, t.title AS task, p.client_id, k.name AS client, i.item_id, m.code AS item, i.quantity::numeric(18,2) AS quantity, t.completed_at,
           coalesce(c.problem, format('no price for item "%s" on %s', m.code, iso(c.service_date))) AS reason
      FROM task_item i
      JOIN task t ON t.id = i.task_id AND t.status = 'done'
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      JOIN item m ON m.id = i.item_id
     CROSS JOIN LATERAL task_contract(t.id, coalesce(t.completed_at, now())) c
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.key = format('task:%s:%s', i.task_id, i.id));
COMMENT ON VIEW uncharged_task IS 'fixed prices of tasks that are done and could not be charged, each with the reason; closing a period tries again';
SELECT allow('reader', 'select', 'uncharged_task');
