-- ---------------------------------------------------------------------------
-- payment problems: what must hold of payments
-- ---------------------------------------------------------------------------

CREATE VIEW payment_problems WITH (security_invoker) AS
    SELECT 'a payment fits its contract' AS rule, 'payment ' || m.payment_id AS subject, m.message AS detail
      FROM payment_misfit m
    UNION ALL
    SELECT 'a payment names what follows from what it names', 'payment ' || p.id,
           format('client %s, contract %s of %s, project %s of %s, own company %s', p.client_id, p.contract_id,
           c.client_id,
                  p.project_id, j.client_id, p.own_id)
      FROM payment p
      LEFT JOIN contract c ON c.id = p.contract_id
      LEFT JOIN project j ON j.id = p.project_id
     WHERE c.client_id IS DISTINCT FROM p.client_id AND c.id IS NOT NULL
        OR j.client_id IS DISTINCT FROM p.client_id AND j.id IS NOT NULL
        OR p.task_id IS NOT NULL AND p.project_id IS NULL
        OR p.own_id IS NULL AND default_own() IS NOT NULL;
COMMENT ON VIEW payment_problems IS 'broken invariants of payments, none in healthy books';
SELECT allow('controller', 'select', 'payment_problems');
