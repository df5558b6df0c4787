-- ---------------------------------------------------------------------------
-- work problems: what must hold of work and charges
-- ---------------------------------------------------------------------------

CREATE VIEW work_problems WITH (security_invoker) AS
    SELECT 'a time entry has charges or a reason why not' AS rule, 'time entry ' || e.id AS subject,
        NULL::text AS detail
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id)
       AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'the charges of an entry share out its worked seconds', 'time entry ' || e.id,
        format('worked %s s, charged %s s', e.worked_s, h.worked_s)
      FROM time_entry e
      JOIN (SELECT h.time_entry_id, sum(h.worked_s) AS worked_s FROM charge h WHERE h.source = 'time'
            GROUP BY 1) h ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
       AND NOT (h.worked_s = 0
                AND EXISTS (SELECT FROM charge r WHERE r.time_entry_id = e.id AND r.reverses_id IS NOT NULL))
    UNION ALL
    SELECT 'an amount is whole units of its currency', 'charge ' || h.id,
        format('%s %s', trim_scale(h.amount), h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
    UNION ALL
    SELECT 'base figures are whole units of the base currency', 'charge ' || h.id,
        format('%s, cost %s', trim_scale(h.base_amount), trim_scale(h.base_cost))
      FROM charge h CROSS JOIN setting s JOIN currency_code u ON u.code = s.base_currency
     WHERE h.base_amount <> round(h.base_amount, u.exponent) OR h.base_cost <> round(h.base_cost, u.exponent)
    UNION ALL
    SELECT 'a charge keeps the currency of its contract', 'charge ' || h.id,
        format('%s, contract %s in %s', h.currency, c.number, c.currency)
      FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.currency <> c.currency
    UNION ALL
    SELECT 'a charge names terms and a price list that exist', 'charge ' || h.id, NULL
      FROM charge h LEFT JOIN terms t ON t.id = h.terms_id LEFT JOIN price_list l ON l.id = h.price_list_id
     WHERE h.terms_id IS NOT NULL AND t.id IS NULL OR h.price_list_id IS NOT NULL AND l.id IS NULL
    UNION ALL
    SELECT 'terms name price lists that were kept', 'terms ' || t.id, format('list %s, revision %s', r.key, r.value)
      FROM terms t CROSS JOIN LATERAL jsonb_each_text(t.body -> 'lists') r
     WHERE NOT EXISTS (SELECT FROM list_snapshot s WHERE s.price_list_id = r.key::bigint
                       AND s.revision = r.value::bigint)
    UNION ALL
    SELECT 'a revision of a price list is what the list is', 'price list ' || l.id, format('revision %s', l.revision)
      FROM price_list l JOIN list_snapshot s ON s.price_list_id = l.id AND s.revision = l.revision
          WHERE s.body <> list_document(l.id)
    UNION ALL
    SELECT 'a charge is of the client, and of the own company, that its contract is with', 'charge ' || h.id,
           format('client %s, contract %s with %s', h.client_id, c.number, c.client_id)
      FROM charge h JOIN contract c ON c.id = h.contract_id
     WHERE h.client_id <> c.client_id OR h.own_id <> c.own_id
    UNION ALL
    SELECT 'the fixed price of a done task is charged where the task is', 'charge ' || h.id,
           format('client %s, the task is of client %s', h.client_id, p.client_id)
      FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
     WHERE h.task_item_id IS NOT NULL AND NOT h.committed
         AND (h.client_id <> p.client_id OR h.project_id <> p.id OR t.status <> 'done')
    UNION ALL
    SELECT 'what is written off or up is frozen', 'charge ' || h.id, 'adjusted by charge ' || a.id
      FROM charge a JOIN charge h ON h.id = a.adjusts_id WHERE h.frozen_at IS NULL
    UNION ALL
    SELECT 'what names a task has its deal and project', 'charge ' || h.id,
           format('project %s, deal %s; the task''s are %s and %s', h.project_id, h.deal_id, t.project_id, t.deal_id)
      FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
     WHERE h.project_id IS NULL OR t.deal_id IS NOT NULL AND h.client_id = p.client_id
         AND h.deal_id IS DISTINCT FROM t.deal_id
    UNION ALL
    SELECT 'a deal is of the client of its tasks and charges', 'charge ' || h.id,
        format('client %s, deal %s of client %s', h.client_id, d.id, d.client_id)
      FROM charge h JOIN deal d ON d.id = h.deal_id WHERE d.client_id <> h.client_id;
COMMENT ON VIEW work_problems IS 'broken invariants of time entries and charges, none in healthy books';
SELECT allow('controller', 'select', 'work_problems');
