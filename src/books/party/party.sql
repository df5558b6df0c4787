-- ---------------------------------------------------------------------------
-- party: what parties and projects keep to
-- ---------------------------------------------------------------------------

-- What is printed on every invoice, our own bank account above all, is not for
-- everybody who keeps clients.
CREATE FUNCTION check_party() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND NEW.kind = 'own' OR TG_OP <> 'INSERT' AND OLD.kind = 'own' THEN
        PERFORM require_level('admin', 'keep the own company');
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.kind = 'own') <> (OLD.kind = 'own')
        AND (EXISTS (SELECT FROM contract c WHERE OLD.id IN (c.client_id, c.own_id))
             OR EXISTS (SELECT FROM document d WHERE OLD.id IN (d.party_id, d.own_id))
             OR EXISTS (SELECT FROM payment p WHERE OLD.id IN (p.party_id, p.client_id, p.own_id))) THEN
        RAISE EXCEPTION 'party "%" has contracts, documents or payments and stays %', OLD.name,
            CASE OLD.kind WHEN 'own' THEN 'an own company' ELSE 'somebody else' END
            USING ERRCODE = 'restrict_violation', HINT = 'Make another party.';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
COMMENT ON FUNCTION check_party() IS 
    'trigger function of party: the own company is kept by admins (42501); who is ours, and who is not, stays so once '
    'anything names him (23001)';

CREATE FUNCTION keep_client() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY[OLD.client_id, NEW.client_id]);
    IF EXISTS (SELECT FROM task t JOIN charge h ON h.task_id = t.id WHERE t.project_id = OLD.id)
        -- what is billed stays here when its task moves on
        OR EXISTS (SELECT FROM charge h WHERE h.project_id = OLD.id)
        OR EXISTS (SELECT FROM entry e WHERE e.project_id = OLD.id)
        OR EXISTS (SELECT FROM payment p WHERE p.project_id = OLD.id AND p.status <> 'void')
        OR EXISTS (SELECT FROM document d WHERE d.project_id = OLD.id AND d.status <> 'void')
        OR EXISTS (SELECT FROM contract c WHERE c.project_id = OLD.id)
        OR EXISTS (SELECT FROM deal d WHERE d.project_id = OLD.id)
        OR EXISTS (SELECT FROM task t WHERE t.project_id = OLD.id AND num_nonnulls(t.deal_id, t.contract_id) > 0) THEN
        RAISE EXCEPTION 'project "%" has charges, payments, documents, a deal or a contract: its client stays', OLD.name
            USING ERRCODE = 'restrict_violation',
                HINT = 'Make a project of the other client and move the tasks there: open work goes with them.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION keep_client() IS
    'trigger function of project: its client is fixed once charges, payments, documents, deals or contracts are about '
    'it (23001); SECURITY DEFINER because nobody is granted the locks';

-- Written to be pulled into the queries that use it.
CREATE FUNCTION cost_rate_on(p_employee bigint, p_role text, p_on date, p_currency text, p_base text)
    RETURNS TABLE (hourly_cost numeric, currency text, cost_rate numeric, base_cost_rate numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.hourly_cost, r.currency,
           round(r.hourly_cost * CASE WHEN r.currency = p_currency THEN 1
                 ELSE exchange_rate_on(r.currency, p_currency, p_on) END, 12),
           round(r.hourly_cost * CASE WHEN r.currency = p_base THEN 1
                 ELSE exchange_rate_on(r.currency, p_base, p_on) END, 12)
      FROM (SELECT 1) one
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v
                          WHERE v.employee_id = p_employee AND v.valid_from <= p_on
                          ORDER BY v.valid_from DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v
                          WHERE m.hourly_cost IS NULL AND v.employee_id IS NULL AND v.role = p_role
                            AND v.valid_from <= p_on
                          ORDER BY v.valid_from DESC LIMIT 1) o ON true
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r;
END;
COMMENT ON FUNCTION cost_rate_on(bigint, text, date, text, text) IS
    'what an hour of a person costs on a day, by a rate of his own, else by his role''s; and that in the currency of '
    'the charge and in that of the books: one row, with NULLs where it is not known';
