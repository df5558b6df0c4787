-- ---------------------------------------------------------------------------
-- filter: which charges a document is to take
-- ---------------------------------------------------------------------------

CREATE FUNCTION check_filter(p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_known CONSTANT text[] := '{client,contract,project,task,deal,direction,employee,work_type,task_status,coverage,'
                               'period,from,to,paid_pct_from,paid_pct_to,currency,charges}';
    v_bad record;
    v_clients bigint[];
BEGIN
    PERFORM check_keys(p_filter, 'filter', c_known);
    SELECT f.key, v INTO v_bad
      FROM jsonb_each(p_filter) f, unnest(filter_list(p_filter, f.key)) v
     WHERE v IS NULL
        OR f.key IN ('client', 'contract', 'project', 'task', 'deal', 'direction', 'employee', 'charges')
            AND v !~ '^[0-9]{1,18}$'
        OR f.key IN ('paid_pct_from', 'paid_pct_to') AND v !~ '^[0-9]{1,3}([.][0-9]+)?$'
        OR f.key IN ('from', 'to') AND iso_date(v) IS NULL
        OR f.key = 'period' AND v !~ '^[0-9]{4}-(0[1-9]|1[0-2])$' AND iso_date(v) IS NULL
        OR f.key = 'work_type' AND NOT EXISTS (SELECT FROM work_type w WHERE w.code = v)
        OR f.key = 'task_status' AND v NOT IN ('open', 'in_progress', 'done', 'cancelled')
        OR f.key = 'coverage' AND v NOT IN ('billable', 'included', 'prepaid', 'capped', 'no_charge')
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'filter cannot use "%" of key "%"', v_bad.v, v_bad.key
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Clients, contracts and the like are names or ids, from and to dates (YYYY-MM-DD, both '
                       'included), period YYYY-MM or the first day of a service period, '
                       'work_type codes, task_status open, in_progress, done or cancelled.';
    END IF;
    v_clients := ARRAY(
        SELECT (unnest(filter_list(p_filter, 'client')))::bigint
        UNION SELECT c.client_id FROM contract c WHERE c.id = ANY (filter_list(p_filter, 'contract')::bigint[])
        UNION SELECT p.client_id FROM project p WHERE p.id = ANY (filter_list(p_filter, 'project')::bigint[])
        UNION SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
            WHERE t.id = ANY (filter_list(p_filter, 'task')::bigint[])
        UNION SELECT d.client_id FROM deal d WHERE d.id = ANY (filter_list(p_filter, 'deal')::bigint[])
        UNION SELECT h.client_id FROM charge h WHERE h.id = ANY (filter_list(p_filter, 'charges')::bigint[]));
    IF cardinality(v_clients) <> 1 OR NOT EXISTS (SELECT FROM party p WHERE p.id = v_clients[1]) THEN
        RAISE EXCEPTION 'filter names %', CASE cardinality(v_clients) WHEN 0 THEN 'no client' WHEN 1
            THEN 'an unknown client' ELSE 'several clients' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_filter::text,
                HINT = 'Name one client, or a contract, project, task or deal of one client.';
    END IF;
    RETURN v_clients[1];
END $$;
COMMENT ON FUNCTION check_filter(jsonb) IS
    'refuse (22023) a filter with an unknown key or value; returns the one client it is about';

-- Work that a filter finds and no document has.
CREATE FUNCTION filtered_charge(p_filter jsonb, p_client bigint)
    RETURNS TABLE (charge_id bigint, contract_id bigint, currency text, coverage text, amount numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE grp AS (
        SELECT p.id FROM project p WHERE p.id = ANY (filter_list(p_filter, 'project')::bigint[])
        UNION
        SELECT p.id FROM project p JOIN grp ON p.parent_id = grp.id
    )
    SELECT h.id, h.contract_id, h.currency, h.coverage, h.amount
      FROM (SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id,
            h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
                   h.service_date, h.period_start
              FROM charge h WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.client_id = p_client)
            UNION ALL
            SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id,
                h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
                   h.service_date, h.period_start
              FROM charge h WHERE h.contract_id IS NULL AND h.client_id = p_client) h
      JOIN charge_place l ON l.charge_id = h.id AND l.place IN ('unbilled', 'no_charge', 'written_off')
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN work_type w ON w.id = h.work_type_id
     WHERE h.client_id = p_client
       AND (NOT p_filter ? 'charges' OR h.id = ANY (filter_list(p_filter, 'charges')::bigint[]))
       AND (NOT p_filter ? 'contract' OR h.contract_id = ANY (filter_list(p_filter, 'contract')::bigint[]))
       AND (NOT p_filter ? 'project' OR h.project_id IN (SELECT g.id FROM grp g))
       AND (NOT p_filter ? 'task' OR h.task_id = ANY (filter_list(p_filter, 'task')::bigint[]))
       AND (NOT p_filter ? 'deal' OR h.deal_id = ANY (filter_list(p_filter, 'deal')::bigint[]))
       AND (NOT p_filter ? 'direction' OR h.direction_id = ANY (filter_list(p_filter, 'direction')::bigint[]))
       AND (NOT p_filter ? 'employee' OR h.employee_id = ANY (filter_list(p_filter, 'employee')::bigint[]))
       AND (NOT p_filter ? 'work_type' OR w.code = ANY (filter_list(p_filter, 'work_type')))
       AND (NOT p_filter ? 'task_status' OR t.status = ANY (filter_list(p_filter, 'task_status')))
       AND (NOT p_filter ? 'coverage' OR h.coverage = ANY (filter_list(p_filter, 'coverage')))
       AND (NOT p_filter ? 'currency' OR h.currency = ANY (filter_list(p_filter, 'currency')))
       AND (NOT p_filter ? 'from' OR h.service_date >= iso_date(p_filter ->> 'from'))
       AND (NOT p_filter ? 'to' OR h.service_date <= iso_date(p_filter ->> 'to'))
       AND (NOT p_filter ? 'period'
            OR CASE WHEN length(p_filter ->> 'period') = 7 THEN left(iso(h.period_start), 7) = p_filter ->> 'period'
                    ELSE h.period_start = iso_date(p_filter ->> 'period') END)
       AND (NOT p_filter ?| '{paid_pct_from,paid_pct_to}'
            OR h.task_id IN (SELECT y.task_id FROM task_payment y
                              WHERE y.percent_paid >= coalesce((p_filter ->> 'paid_pct_from')::numeric, 0)
                                AND y.percent_paid <= coalesce((p_filter ->> 'paid_pct_to')::numeric, 100)));
END;
COMMENT ON FUNCTION filtered_charge(jsonb, bigint) IS
    'charges of a client that a filter finds and that are free: on no live report or invoice, not written to nobody; '
    'amounts in their currency';

CREATE FUNCTION preview_report(filter jsonb)
    RETURNS TABLE (project_id bigint, project text, task_id bigint, task_number text, task text, url text,
                   task_status text, coverage text,
                   hours_worked numeric(18,2), hours_billed numeric(18,2), amount numeric(18,2), currency text,
                       percent_paid numeric(18,2))
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
    v_client bigint := check_filter(v_filter);
BEGIN
    RETURN QUERY
    SELECT p.id, p.name, t.id, t.number, coalesce(t.title, charge_reason(h.why), h.source), t.url, t.status, h.coverage,
           (sum(h.worked_s) / 3600.0)::numeric(18,2), (sum(h.billed_s) / 3600.0)::numeric(18,2),
               sum(h.amount)::numeric(18,2), h.currency,
           CASE WHEN t.id IS NULL THEN 0 ELSE percent_paid(t.id, h.currency) END::numeric(18,2)
      FROM filtered_charge(v_filter, v_client) f
      JOIN charge h ON h.id = f.charge_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN project p ON p.id = h.project_id
     GROUP BY p.id, p.name, t.id, t.number, coalesce(t.title, charge_reason(h.why), h.source), t.url, t.status,
         h.coverage, h.currency
     ORDER BY p.name, t.id, h.coverage;
END $$;
COMMENT ON FUNCTION preview_report(jsonb) IS
    'what build_report() would take for the same filter, by task, reserving nothing; hours, amounts net in currency';
SELECT allow('reader', 'execute', 'preview_report');
