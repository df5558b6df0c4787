-- ---------------------------------------------------------------------------
-- task: fixed prices of tasks, charged when they are done
-- ---------------------------------------------------------------------------

CREATE FUNCTION moved_to(p_charge charge, p_task task, p_on date) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge := p_charge;
BEGIN
    v.id := NULL;
    v.project_id := p_task.project_id;
    v.deal_id := p_task.deal_id;
    v.direction_id := NULL;
    v.service_date := p_on;
    RETURN complete_charge(v);
END $$;
COMMENT ON FUNCTION moved_to(charge, task, date) IS
    'the open charge of a fixed price where its task is now and on the day it was done, at the same price';

-- What a client agreed in a specification: to the last digit of its line.
CREATE FUNCTION agreed_charge(p_item task_item, p_contract bigint, p_on date) RETURNS charge
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v charge;
    v_exponent int := currency_exponent((SELECT c.currency FROM contract c WHERE c.id = p_contract));
BEGIN
    v.source := 'item';
    v.made_by := 'task_item';
    v.task_item_id := p_item.id;
    v.contract_id := p_contract;
    v.task_id := p_item.task_id;
    v.item_id := p_item.item_id;
    v.service_date := p_on;
    v.quantity := p_item.quantity;
    v.price := p_item.price;
    v.discount_pct := p_item.discount_pct;
    v.price_source := 'agreed price';
    v.amount := p_item.amount;
    v.cost := round_money(p_item.quantity * p_item.cost, v_exponent);
    -- what is done by hand costs the hours that are logged on it
    IF v.cost IS NULL AND NOT EXISTS (SELECT FROM item i WHERE i.id = p_item.item_id
                                      AND i.kind IN ('material', 'licence')) THEN
        v.cost := 0;
    END IF;
    v.why := jsonb_build_object('price', '{"by": "agreed"}'::jsonb, 'agreed',
                                jsonb_build_object('title', p_item.title, 'document', p_item.document_id));
    RETURN v;
END $$;
COMMENT ON FUNCTION agreed_charge(task_item, bigint, date) IS
    'the charge of a line of an agreed specification, under a contract on a day';

-- What is open follows the task: it goes when the task is done no more or has another
-- contract, and is charged there; under the same contract it moves at its price.
CREATE FUNCTION charge_task(p_task bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_task task;
    v_to record;
    v_item record;
    v_moved charge[];
    v_contracts bigint[];
BEGIN
    SELECT * INTO v_task FROM task t WHERE t.id = p_task;
    v_to := task_contract(p_task, coalesce(v_task.completed_at, now()));
    WITH gone AS (
        DELETE FROM charge h
         WHERE h.task_id = p_task AND h.task_item_id IS NOT NULL AND NOT h.committed
           AND (v_task.status <> 'done' OR (h.contract_id, h.project_id, h.service_date)
                                           IS DISTINCT FROM (v_to.contract_id, v_task.project_id, v_to.service_date))
        RETURNING h)
    SELECT array_agg(moved_to(g.h, v_task, v_to.service_date) ORDER BY (g.h).id)
               FILTER (WHERE v_task.status = 'done' AND v_to.problem IS NULL
                             AND (g.h).contract_id = v_to.contract_id),
           array_agg((g.h).contract_id)
      INTO v_moved, v_contracts FROM gone g;
    PERFORM put_charges(v_moved) WHERE v_moved IS NOT NULL;
    PERFORM follow_caps(v_contracts) WHERE v_contracts IS NOT NULL;
    IF v_task.status <> 'done' OR v_to.problem IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM new_charge(agreed_charge(i, v_to.contract_id, v_to.service_date))
       FROM task_item i JOIN document d ON d.id = i.document_id JOIN contract c ON c.id = v_to.contract_id
      WHERE i.task_id = p_task AND i.line_id IS NOT NULL AND d.currency = c.currency
        AND NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id)
      ORDER BY i.id;
    FOR v_item IN
        SELECT i.* FROM task_item i
         WHERE i.task_id = p_task AND i.line_id IS NULL
           AND NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id)
           AND (i.price IS NOT NULL
                OR EXISTS (SELECT FROM contract c
                            CROSS JOIN LATERAL item_position(first_price_list(c.id, v_task.project_id, c.client_id,
                                                                              c.currency),
                                                             c.id, i.item_id, v_to.service_date) p
                            WHERE c.id = v_to.contract_id AND num_nonnulls(p.price, p.tiers) > 0))
         ORDER BY i.id
    LOOP
        PERFORM sell_item(v_to.contract_id, v_item.item_id, v_item.quantity, v_to.service_date, p_task, NULL,
                          v_item.price, v_item.cost, v_item.id);
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_task(bigint) IS
    'charge the fixed prices of a task that is done, once each; take them back while provisional when it is done no '
    'more, and move them with it; what cannot be charged is in view uncharged_task';

-- One trigger, so that all clients are held at once, by id: of a task that moves,
-- the one it leaves and the one it comes to.
CREATE FUNCTION follow_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    -- first, so that work that is being logged on the task and prices that it is given are seen
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM new_rows n JOIN old_rows o USING (id)
            JOIN project p ON p.id IN (n.project_id, o.project_id)
         WHERE (n.project_id, n.deal_id, n.contract_id, n.work_type_id, n.billable)
               IS DISTINCT FROM (o.project_id, o.deal_id, o.contract_id, o.work_type_id, o.billable)
             OR (n.status = 'done') <> (o.status = 'done')
             OR EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id)));
    PERFORM refuse_billed_kind(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE (n.work_type_id, n.billable) IS DISTINCT FROM (o.work_type_id, o.billable) ORDER BY e.id));
    PERFORM follow_entries(ARRAY(
        SELECT e.id FROM new_rows n JOIN old_rows o USING (id) JOIN time_entry e ON e.task_id = n.id
         WHERE (n.project_id, n.contract_id, n.work_type_id, n.billable)
               IS DISTINCT FROM (o.project_id, o.contract_id, o.work_type_id, o.billable) ORDER BY e.id));
    PERFORM charge_task(n.id) FROM new_rows n
      WHERE EXISTS (SELECT FROM task_item i WHERE i.task_id = n.id) ORDER BY n.id;
    -- A deal says where profit is told, and nothing of what was billed.  What was
    -- billed to another client before the task moved is none of his deal's.
    PERFORM tell_charges(array_agg(h.id), n.deal_id)
       FROM new_rows n JOIN old_rows o USING (id) JOIN project p ON p.id = n.project_id
       JOIN charge h ON h.task_id = n.id AND h.client_id = p.client_id
      WHERE n.deal_id IS DISTINCT FROM o.deal_id
      GROUP BY n.deal_id ORDER BY n.deal_id;
    -- work of no deal is of the deal of the document that keeps it
    PERFORM tell_deal(d.id, d.deal_id)
       FROM (SELECT DISTINCT c.document_id
               FROM new_rows n JOIN old_rows o USING (id) JOIN charge h ON h.task_id = n.id
                   JOIN charge_claim c ON c.charge_id = h.id
              WHERE n.deal_id IS NULL AND o.deal_id IS NOT NULL) x
       JOIN document d ON d.id = x.document_id AND d.deal_id IS NOT NULL AND d.issued_at IS NOT NULL;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_tasks() IS
    'trigger function of task: open work follows the project, contract, kind and disposition of its task, what is done '
    'is charged at its fixed price, and the deal of a task is told to its charges; refused (23001) where billed work '
    'would be billed otherwise; SECURITY DEFINER because nobody is granted INSERT on charge';

-- The time of a task is in its fixed price from then on: what is not frozen is
-- rated again.
CREATE FUNCTION price_tasks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_tasks bigint[];
    v_gone bigint[] := '{}';
    v_contracts bigint[];
    v_committed bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_tasks := ARRAY(SELECT DISTINCT n.task_id FROM new_rows n);
    ELSIF TG_OP = 'DELETE' THEN
        v_tasks := ARRAY(SELECT DISTINCT o.task_id FROM old_rows o);
        v_gone := ARRAY(SELECT o.id FROM old_rows o);
    ELSE
        -- what does not bear on money prices nothing again
        v_gone := ARRAY(SELECT o.id FROM old_rows o JOIN new_rows n USING (id)
                         WHERE (o.task_id, o.item_id, o.quantity, o.price, o.cost)
                               IS DISTINCT FROM (n.task_id, n.item_id, n.quantity, n.price, n.cost));
        v_tasks := ARRAY(SELECT o.task_id FROM old_rows o WHERE o.id = ANY (v_gone)
                         UNION SELECT n.task_id FROM new_rows n WHERE n.id = ANY (v_gone));
    END IF;
    PERFORM lock_parties(ARRAY(SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
                               WHERE t.id = ANY (v_tasks)));
    SELECT h.id INTO v_committed FROM live_charge h WHERE h.task_item_id = ANY (v_gone) AND h.committed
        ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the fixed price of a task is billed and cannot be changed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'task_item_not_billed', DETAIL = frozen_by(v_committed),
                HINT = way_out(v_committed, 'Write its charge off or up with adjust_charge(), or credit() the '
                                            'invoice.');
    END IF;
    WITH gone AS (DELETE FROM charge h WHERE h.task_item_id = ANY (v_gone) AND NOT h.committed RETURNING h.contract_id)
    SELECT array_agg(g.contract_id) INTO v_contracts FROM gone g;
    PERFORM follow_caps(v_contracts) WHERE v_contracts IS NOT NULL;
    PERFORM follow_entries(ARRAY(
        SELECT e.id FROM time_entry e WHERE e.task_id = ANY (v_tasks) ORDER BY e.id));
    PERFORM charge_task(t.id) FROM unnest(v_tasks) t (id) ORDER BY t.id;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION price_tasks() IS
    'trigger function of task_item: rates the time of the tasks again, which a fixed price includes, and charges those '
    'that are done already; what is billed stays (23001)';

CREATE VIEW uncharged_task WITH (security_invoker) AS
    SELECT i.task_id, t.title AS task, p.client_id, k.name AS client, i.item_id, coalesce(m.code, i.title) AS item,
           i.quantity::numeric(18,2) AS quantity, t.completed_at,
           coalesce(c.problem, CASE WHEN i.line_id IS NOT NULL
                                    THEN 'its specification is in another currency than the contract' END,
                    format('no price for item "%s" on %s', m.code, iso(c.service_date))) AS reason
      FROM task_item i
      JOIN task t ON t.id = i.task_id AND t.status = 'done'
      JOIN project p ON p.id = t.project_id
      JOIN party k ON k.id = p.client_id
      LEFT JOIN item m ON m.id = i.item_id
     CROSS JOIN LATERAL task_contract(t.id, coalesce(t.completed_at, now())) c
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.task_item_id = i.id);
COMMENT ON VIEW uncharged_task IS
    'fixed prices of tasks that are done and could not be charged, each with the reason; closing a period tries again';
SELECT allow('reader', 'select', 'uncharged_task');
