-- ---------------------------------------------------------------------------
-- fact: open work follows what it is about
--
-- An open charge is at every moment what rating makes of the facts of its work:
-- its task, kind of work, project and client, the life of the contracts that may
-- take it, the cost rates and exchange rates of its day.  Whatever changes a fact
-- calls follow_entries(); what cannot follow, because it is billed, is refused here
-- or waits in correction_due.
-- ---------------------------------------------------------------------------

CREATE FUNCTION open_entries(p_clients bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT h.time_entry_id FROM charge h
         WHERE h.client_id = ANY (p_clients) AND NOT h.committed AND h.source = 'time'
        UNION
        SELECT r.time_entry_id
          FROM rating_problem r
          JOIN time_entry e ON e.id = r.time_entry_id
          JOIN task t ON t.id = e.task_id
          JOIN project p ON p.id = t.project_id
         WHERE p.client_id = ANY (p_clients)
        ORDER BY 1);
END $$;
COMMENT ON FUNCTION open_entries(bigint[]) IS 'the work of clients that is not billed: with open charges, or unrated';

-- What the engine itself found wanting, a price or a list, is no fact of the work.
CREATE FUNCTION entries_astray(p_entries bigint[]) RETURNS TABLE (entry_id bigint, was text, is_now text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT i.entry_id, a.was, a.is_now
      FROM entry_input(p_entries, true) i
      JOIN time_entry e ON e.id = i.entry_id
      JOIN task t ON t.id = e.task_id
      JOIN project p ON p.id = t.project_id
      LEFT JOIN LATERAL open_work(i.entry_id) o ON true
      LEFT JOIN rating_problem r ON r.time_entry_id = i.entry_id
     CROSS JOIN LATERAL (
        SELECT coalesce(r.problem, concat_ws(', ', o.disposition, 'contract ' || o.contract_id,
                                             'project ' || o.project_id, 'kind of work ' || o.work_type_id,
                                             'cost ' || trim_scale(o.cost_rate),
                                             'rate ' || trim_scale(o.base_rate))) AS was,
               coalesce(i.problem, concat_ws(', ', i.disposition, 'contract ' || i.contract_id,
                                             'project ' || t.project_id,
                                             'kind of work ' || coalesce(e.work_type_id, t.work_type_id),
                                             'cost ' || trim_scale(i.cost_rate),
                                             'rate ' || trim_scale(i.base_rate))) AS is_now) a
     WHERE CASE WHEN i.problem_kind IS NOT NULL THEN o.disposition IS NOT NULL OR r.kind IS DISTINCT FROM i.problem_kind
                WHEN o.disposition IS NULL THEN coalesce(r.kind, '') NOT IN ('no_price', 'no_price_list')
                ELSE (i.contract_id, p.client_id, t.project_id, coalesce(e.work_type_id, t.work_type_id),
                      i.disposition, i.cost_rate, i.base_cost_rate, i.base_rate)
                     IS DISTINCT FROM (o.contract_id, o.client_id, o.project_id, o.work_type_id,
                                       o.disposition, o.cost_rate, o.base_cost_rate, o.base_rate)
                     OR i.disposition <> 'billable' AND i.disposition_why IS DISTINCT FROM o.why END
       AND NOT EXISTS (SELECT FROM live_charge f WHERE f.time_entry_id = i.entry_id AND f.committed);
END;
COMMENT ON FUNCTION entries_astray(bigint[]) IS
    'which of these entries are not billed and are rated by other facts than those of now: as what they were rated, '
    'and what they are';

CREATE FUNCTION follow_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_entries(p_entries);
    PERFORM rate_entries(ARRAY(SELECT a.entry_id FROM entries_astray(p_entries) a ORDER BY 1), true);
END $$;
COMMENT ON FUNCTION follow_entries(bigint[]) IS
    'rate those of these entries again whose facts changed, at the prices stamped on them; holds their clients';

-- What is being frozen meanwhile is seen once its client is held.
CREATE FUNCTION follow_work(p_charges bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM lock_parties(ARRAY(SELECT DISTINCT h.client_id FROM charge h WHERE h.id = ANY (p_charges) ORDER BY 1));
    PERFORM recheck_charges(p_charges);
    PERFORM follow_entries(ARRAY(
        SELECT DISTINCT h.time_entry_id FROM charge h
         WHERE h.id = ANY (p_charges) AND h.source = 'time' AND NOT h.committed ORDER BY 1));
END $$;
COMMENT ON FUNCTION follow_work(bigint[]) IS
    'let charges follow what changed of the cost or worth of their work: open ones at once, frozen ones by '
    'correction_due';

-- ---------------------------------------------------------------------------
-- what is billed and cannot follow
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_billed_kind(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id, t.title, i.disposition INTO v_charge
      FROM entry_input(p_entries) i
      JOIN live_charge h ON h.time_entry_id = i.entry_id AND h.source = 'time' AND h.committed
      JOIN task t ON t.id = h.task_id
     WHERE charged_disposition(h.coverage, h.allotment_id) <> i.disposition
       AND NOT (h.coverage = 'included' AND i.disposition = 'billable')
     ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work on task "%" is billed and cannot become %', v_charge.title, v_charge.disposition
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'task_kind_not_billed',
                DETAIL = format('Time entry %s. %s', v_charge.time_entry_id, frozen_by(v_charge.id)),
                HINT = way_out(v_charge.id, 'Correct what is billed first, entry by entry, with correct_entry() and '
                                            '"billable", or credit() the invoice.');
    END IF;
END $$;
COMMENT ON FUNCTION refuse_billed_kind(bigint[]) IS
    'refuse (23001) that work is billed in another way than before when some of it is billed, naming the document';

CREATE FUNCTION refuse_outside_life(p_contract contract) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.service_date, h.source INTO v_charge
      FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_contract.id)) AND h.committed AND h.source = 'time'
       AND (p_contract.status = 'draft' OR h.service_date < p_contract.starts_on OR h.service_date > p_contract.ends_on)
       AND EXISTS (SELECT FROM live_charge l WHERE l.id = h.id)
     ORDER BY h.service_date, h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work of % is billed by contract "%", which would not be in force then', v_charge.service_date,
            p_contract.number
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'contract_life_holds_work',
                DETAIL = format('It would be %s, from %s to %s. %s', p_contract.status, iso(p_contract.starts_on),
                                coalesce(iso(p_contract.ends_on), 'further notice'), frozen_by(v_charge.id)),
                HINT = way_out(v_charge.id, 'Correct that work first with correct_entry(), or credit() its invoice; or '
                                            'end the contract on that day or later.');
    END IF;
END $$;
COMMENT ON FUNCTION refuse_outside_life(contract) IS
    'refuse (23001) the life of a contract that leaves billed work outside, naming what holds the work; fees that are '
    'billed for days outside wait in correction_due';

CREATE FUNCTION refuse_left_hours(p_contract contract) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.service_date, y.number INTO v_charge
      FROM contract y
      JOIN allotment a ON a.contract_id = y.id AND a.voided_at IS NULL
      JOIN allotment s ON s.id = a.source_id AND s.contract_id = p_contract.id
      JOIN live_charge h ON h.allotment_id = a.id AND NOT h.late AND (h.committed OR is_committed(h.time_entry_id))
     WHERE y.renews_id = p_contract.id AND h.service_date <= coalesce(p_contract.ends_on, 'infinity')
     ORDER BY h.service_date, h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours that contract "%" left to contract "%" have covered billed work of %',
            p_contract.number, v_charge.number, v_charge.service_date
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'contract_left_hours_hold',
                DETAIL = format('It would be in force then, to %s. %s',
                                coalesce(iso(p_contract.ends_on), 'further notice'), frozen_by(v_charge.id)),
                HINT = 'Correct that work first with correct_entry(), or credit() its invoice; or end the contract '
                       'before that day.';
    END IF;
END $$;
COMMENT ON FUNCTION refuse_left_hours(contract) IS
    'refuse (23001) an end of a contract after billed work that was covered by the hours it left to the one that '
    'renews it, naming what holds the work';

-- ---------------------------------------------------------------------------
-- what makes facts change
-- ---------------------------------------------------------------------------

CREATE FUNCTION follow_contracts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_now contract[];
    v_before contract[] := '{}';
    v_clients bigint[];
    v_capped bigint[] := '{}';
    v_taxed bigint[] := '{}';
BEGIN
    IF TG_OP = 'INSERT' THEN
        v_now := ARRAY(SELECT n FROM new_rows n WHERE n.renews_id IS NOT NULL ORDER BY n.id);
        v_clients := ARRAY(SELECT DISTINCT n.client_id FROM new_rows n WHERE n.status <> 'draft' ORDER BY 1);
    ELSE
        SELECT array_agg(n ORDER BY n.id), array_agg(o ORDER BY n.id) INTO v_now, v_before
          FROM new_rows n JOIN old_rows o USING (id)
         WHERE (n.parent_id, n.status, n.starts_on, n.ends_on, n.calendar_id, n.period, anchor_of(n), n.renews_id)
               IS DISTINCT FROM
               (o.parent_id, o.status, o.starts_on, o.ends_on, o.calendar_id, o.period, anchor_of(o), o.renews_id);
        v_clients := ARRAY(
            SELECT x.client_id FROM new_rows n JOIN old_rows o USING (id)
             CROSS JOIN LATERAL (VALUES (n.client_id), (o.client_id)) x (client_id)
             WHERE (n.client_id, n.project_id, n.parent_id, n.model, n.status, n.starts_on, n.ends_on,
                    n.needs_approval, n.needs_specification)
                   IS DISTINCT FROM (o.client_id, o.project_id, o.parent_id, o.model, o.status, o.starts_on, o.ends_on,
                                     o.needs_approval, o.needs_specification)
             GROUP BY 1 ORDER BY 1);
        v_capped := ARRAY(
            SELECT DISTINCT coalesce(n.parent_id, n.id) FROM new_rows n JOIN old_rows o USING (id)
             WHERE contract_caps(n) <> contract_caps(o)
               AND num_nonnulls(n.cap_amount, n.cap_s, n.period_cap_amount, n.period_cap_s,
                                o.cap_amount, o.cap_s, o.period_cap_amount, o.period_cap_s) > 0 ORDER BY 1);
        v_taxed := ARRAY(
            SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
             WHERE (n.tax_inclusive, n.tax_rate, n.tax_code) IS DISTINCT FROM (o.tax_inclusive, o.tax_rate, o.tax_code)
               AND (n.tax_inclusive OR o.tax_inclusive) ORDER BY 1);
    END IF;
    IF cardinality(v_now) > 0 THEN
        PERFORM lock_parties(ARRAY(SELECT x.client_id FROM unnest(v_now || v_before) x));
        PERFORM follow_lives(v_now, v_before);
    END IF;
    IF cardinality(v_clients) > 0 THEN
        PERFORM lock_parties(v_clients);
        PERFORM recheck_charges(ARRAY(
            SELECT h.id FROM contract c JOIN contract_line n ON n.contract_id = c.id
              JOIN charge h ON h.contract_line_id = n.id
             WHERE c.client_id = ANY (v_clients) AND h.source = 'fee' ORDER BY 1)) WHERE TG_OP = 'UPDATE';
        PERFORM follow_entries(open_entries(v_clients));
        PERFORM charge_task(t.id)
           FROM (SELECT h.task_id AS id FROM charge h
                  WHERE h.client_id = ANY (v_clients) AND NOT h.committed AND h.task_item_id IS NOT NULL
                 UNION
                 SELECT u.task_id FROM uncharged_task u WHERE u.client_id = ANY (v_clients) ORDER BY 1) t;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        PERFORM recheck_charges(ARRAY(
            SELECT h.id FROM new_rows n JOIN old_rows o USING (id)
              JOIN charge h ON h.contract_id = n.id AND h.made_by = 'minimum'
             WHERE (n.status, n.starts_on, n.ends_on, n.prorate, n.minimum_charge IS NULL)
                   IS DISTINCT FROM (o.status, o.starts_on, o.ends_on, o.prorate, o.minimum_charge IS NULL)
             ORDER BY 1));
    END IF;
    PERFORM rate_again(b, b.starts_on) FROM unnest(v_capped) x (id) CROSS JOIN LATERAL lock_contract(x.id) b;
    IF TG_OP = 'UPDATE' AND v_taxed <> '{}' THEN
        PERFORM lock_parties(ARRAY(SELECT DISTINCT n.client_id FROM new_rows n WHERE n.id = ANY (v_taxed) ORDER BY 1));
        PERFORM revalue_charges(ARRAY(SELECT h.id FROM charge h
                                       WHERE h.contract_id = ANY (v_taxed) AND NOT h.committed ORDER BY 1));
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_contracts() IS
    'trigger function of contract: open work of the client, and the fixed prices of his tasks, follow the contracts '
    'that are in force now, and their caps; SECURITY DEFINER because nobody is granted INSERT on charge';

CREATE FUNCTION follow_kinds() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed bigint[] := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                                 WHERE n.billable IS DISTINCT FROM o.billable);
BEGIN
    IF cardinality(v_changed) > 0 THEN
        -- first, so that work that is being logged is seen
        IF TG_TABLE_NAME = 'project' THEN
            PERFORM lock_parties(ARRAY(SELECT DISTINCT n.client_id FROM new_rows n WHERE n.id = ANY (v_changed)));
        ELSE
            PERFORM lock_books();
        END IF;
        PERFORM follow_entries(ARRAY(
            SELECT DISTINCT h.time_entry_id FROM charge h
             WHERE NOT h.committed AND h.source = 'time'
               AND CASE TG_TABLE_NAME WHEN 'project' THEN h.project_id ELSE h.work_type_id END = ANY (v_changed)
            UNION
            SELECT r.time_entry_id FROM rating_problem r ORDER BY 1));
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_kinds() IS
    'trigger function of work_type and project: open work follows what they say of it; SECURITY DEFINER because nobody '
    'is granted INSERT on charge';

CREATE FUNCTION follow_cost_rates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
BEGIN
    PERFORM lock_books();  -- work that is being logged is seen then
    CASE TG_OP
        WHEN 'INSERT' THEN
            SELECT array_agg(n.employee_id) AS employees, array_agg(n.role) AS roles, min(n.valid_from) AS since
              INTO v_changed FROM new_rows n;
        WHEN 'DELETE' THEN
            SELECT array_agg(o.employee_id) AS employees, array_agg(o.role) AS roles, min(o.valid_from) AS since
              INTO v_changed FROM old_rows o;
        ELSE
            SELECT array_agg(x.employee_id) AS employees, array_agg(x.role) AS roles, min(x.valid_from) AS since
              INTO v_changed FROM (SELECT n.employee_id, n.role, n.valid_from FROM new_rows n
                                   UNION ALL SELECT o.employee_id, o.role, o.valid_from FROM old_rows o) x;
    END CASE;
    PERFORM follow_work(ARRAY(
        SELECT h.id FROM charge h
         WHERE h.source = 'time' AND h.service_date >= v_changed.since
           AND (h.employee_id = ANY (v_changed.employees) OR h.role = ANY (v_changed.roles)) ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_cost_rates() IS
    'trigger function of cost_rate: the cost of open work is that of its day, though the rate comes later; SECURITY '
    'DEFINER because nobody is granted INSERT on charge';

CREATE FUNCTION follow_exchange_rates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
    v_charges bigint[];
BEGIN
    PERFORM lock_books();  -- work that is being logged is seen then
    CASE TG_OP
        WHEN 'INSERT' THEN
            SELECT array_agg(n.base) || array_agg(n.quote) AS codes, min(n.valid_from) AS since
              INTO v_changed FROM new_rows n;
        WHEN 'DELETE' THEN
            SELECT array_agg(o.base) || array_agg(o.quote) AS codes, min(o.valid_from) AS since
              INTO v_changed FROM old_rows o;
        ELSE
            SELECT array_agg(x.base) || array_agg(x.quote) AS codes, min(x.valid_from) AS since INTO v_changed
              FROM (SELECT n.base, n.quote, n.valid_from FROM new_rows n
                    UNION ALL SELECT o.base, o.quote, o.valid_from FROM old_rows o) x;
    END CASE;
    v_charges := ARRAY(
        SELECT h.id FROM charge h CROSS JOIN setting s
         WHERE h.service_date >= v_changed.since
           AND (h.currency <> s.base_currency AND h.currency = ANY (v_changed.codes)
                OR h.source = 'time' AND EXISTS (
                    SELECT FROM cost_rate r WHERE (r.employee_id = h.employee_id OR r.role = h.role)
                       AND r.currency NOT IN (h.currency, s.base_currency) AND r.currency = ANY (v_changed.codes)))
         ORDER BY 1);
    PERFORM follow_work(v_charges), revalue_charges(v_charges);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_exchange_rates() IS
    'trigger function of exchange_rate: open charges are worth what the rate of their day makes of them, though it '
    'comes in the evening; SECURITY DEFINER because nobody is granted UPDATE on charge';

CREATE FUNCTION follow_allotments() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_changed record;
BEGIN
    FOR v_changed IN
        SELECT coalesce(c.parent_id, c.id) AS base_id, min(least(n.effective_at, o.effective_at)) AS since
          FROM new_rows n JOIN old_rows o USING (id) JOIN contract c ON c.id = n.contract_id
         WHERE (n.unit, n.amount, n.priority, n.effective_at, n.expires_at, n.scope_work_types, n.voided_at)
               IS DISTINCT FROM
               (o.unit, o.amount, o.priority, o.effective_at, o.expires_at, o.scope_work_types, o.voided_at)
         GROUP BY 1 ORDER BY 1
    LOOP
        PERFORM rate_again(b, (v_changed.since AT TIME ZONE contract_zone(b.calendar_id))::date)
           FROM lock_contract(v_changed.base_id) b;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_allotments() IS
    'trigger function of allotment: open work draws on what there is to draw on; SECURITY DEFINER because nobody is '
    'granted INSERT on charge';
