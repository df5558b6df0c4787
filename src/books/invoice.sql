-- ---------------------------------------------------------------------------
-- invoice: reports over work, and the papers that are made of them
-- ---------------------------------------------------------------------------

CREATE FUNCTION filter_list(p_filter jsonb, p_key text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_filter -> p_key)
               WHEN 'array' THEN ARRAY(SELECT e FROM jsonb_array_elements_text(p_filter -> p_key) e)
               WHEN 'null' THEN NULL
               ELSE ARRAY[p_filter ->> p_key] END
     WHERE p_filter ? p_key;
END;
COMMENT ON FUNCTION filter_list(jsonb, text) IS 'the values a filter names under a key, one or an array of them; NULL when it does not';

CREATE FUNCTION check_keys(p_object jsonb, p_what text, p_known text[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_bad text;
BEGIN
    IF jsonb_typeof(p_object) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION '% must be a JSON object, not %', p_what, coalesce(jsonb_typeof(p_object), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Known keys: %s.', array_to_string(p_known, ', '));
    END IF;
    SELECT k INTO v_bad FROM jsonb_object_keys(p_object) k WHERE k <> ALL (p_known) ORDER BY k LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% has an unknown key "%"', p_what, v_bad
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Known keys: %s.', array_to_string(p_known, ', '));
    END IF;
END $$;
COMMENT ON FUNCTION check_keys(jsonb, text, text[]) IS 'refuse (22023) what is no JSON object or has a key that is not known';

CREATE FUNCTION given_date(p_object jsonb, p_key text) RETURNS date
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_text CONSTANT text := p_object ->> p_key;
    v_date CONSTANT date := iso_date(v_text);
BEGIN
    IF v_text IS NOT NULL AND v_date IS NULL THEN
        RAISE EXCEPTION '"%" is no date: "%"', p_key, v_text
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Write dates as YYYY-MM-DD: they mean the same day to everybody.';
    END IF;
    RETURN v_date;
END $$;
COMMENT ON FUNCTION given_date(jsonb, text) IS
    'the date that a JSON object has under a key, NULL when it has none; refused (22023) when it is not written as YYYY-MM-DD';

CREATE FUNCTION named_id(p_key text, p_name jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_name text := p_name #>> '{}';
    v_table text := CASE p_key WHEN 'client' THEN 'party' WHEN 'to_cash_account' THEN 'cash_account' ELSE p_key END;
    v_ids bigint[];
BEGIN
    IF jsonb_typeof(p_name) IS DISTINCT FROM 'string' THEN
        RETURN p_name;
    END IF;
    v_ids := CASE v_table
        WHEN 'party' THEN ARRAY(SELECT p.id FROM party p WHERE p.name = v_name)
        WHEN 'contract' THEN ARRAY(SELECT c.id FROM contract c WHERE c.number = v_name)
        WHEN 'project' THEN ARRAY(SELECT p.id FROM project p WHERE p.name = v_name)
        WHEN 'task' THEN ARRAY(SELECT t.id FROM task t WHERE v_name IN (t.number, t.title))
        WHEN 'deal' THEN ARRAY(SELECT d.id FROM deal d WHERE d.name = v_name)
        WHEN 'direction' THEN ARRAY(SELECT d.id FROM direction d WHERE d.name = v_name)
        WHEN 'employee' THEN ARRAY(SELECT m.id FROM employee m WHERE v_name IN (m.name, m.email))
        WHEN 'cash_account' THEN ARRAY(SELECT a.id FROM cash_account a WHERE a.name = v_name)
        WHEN 'document' THEN ARRAY(SELECT d.id FROM document d WHERE d.kind IN ('invoice', 'bill') AND d.status <> 'void'
                                      AND v_name IN (d.number, CASE d.kind WHEN 'bill' THEN d.outside_number END)) END;
    -- Digits are an id as well; where they are somebody else's number nobody can know which is meant.
    IF v_name ~ '^[0-9]{1,18}$' AND (cardinality(v_ids) = 0 OR CASE v_table
        WHEN 'party' THEN EXISTS (SELECT FROM party x WHERE x.id = v_name::bigint)
        WHEN 'contract' THEN EXISTS (SELECT FROM contract x WHERE x.id = v_name::bigint)
        WHEN 'project' THEN EXISTS (SELECT FROM project x WHERE x.id = v_name::bigint)
        WHEN 'task' THEN EXISTS (SELECT FROM task x WHERE x.id = v_name::bigint)
        WHEN 'deal' THEN EXISTS (SELECT FROM deal x WHERE x.id = v_name::bigint)
        WHEN 'direction' THEN EXISTS (SELECT FROM direction x WHERE x.id = v_name::bigint)
        WHEN 'employee' THEN EXISTS (SELECT FROM employee x WHERE x.id = v_name::bigint)
        WHEN 'cash_account' THEN EXISTS (SELECT FROM cash_account x WHERE x.id = v_name::bigint)
        WHEN 'document' THEN EXISTS (SELECT FROM document x WHERE x.id = v_name::bigint) END) THEN
        v_ids := CASE WHEN v_name::bigint = ANY (v_ids) THEN v_ids ELSE v_ids || v_name::bigint END;
    END IF;
    IF cardinality(v_ids) = 1 THEN
        RETURN to_jsonb(v_ids[1]);
    ELSIF cardinality(v_ids) > 1 THEN
        RAISE EXCEPTION '% "%" is not the only one of that name or id', replace(p_key, '_', ' '), v_name
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('Their ids: %s.', array_to_string(v_ids, ', ')), HINT = 'Give the id, as a number.';
    END IF;
    RAISE EXCEPTION 'there is no % "%"', replace(p_key, '_', ' '), v_name
        USING ERRCODE = 'foreign_key_violation',
            HINT = format('Give its %s as table %s has it, or its id as a number.', CASE v_table WHEN 'contract' THEN 'number' WHEN 'document' THEN 'number'
                WHEN 'task' THEN 'number or title' WHEN 'employee' THEN 'name or e-mail address' ELSE 'name' END, v_table);
END $$;
COMMENT ON FUNCTION named_id(text, jsonb) IS
    'the id of what a key names: text is a name (contract, invoice or bill: its number; task: number or title; employee: name or email) or, of digits, an id; a '
    'number is an id. Refused: nothing of that name (23503), several, or a name that is another one''s id (22023)';

CREATE FUNCTION resolve_names(p_object jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(p_object) WHEN 'object' THEN p_object || coalesce(
        (SELECT jsonb_object_agg(f.key, CASE jsonb_typeof(f.value)
                    WHEN 'array' THEN (SELECT coalesce(jsonb_agg(named_id(f.key, e.value) ORDER BY e.no), '[]') FROM jsonb_array_elements(f.value) WITH ORDINALITY e (value, no))
                    ELSE named_id(f.key, f.value) END)
           FROM jsonb_each(p_object) f
          WHERE f.key IN ('client', 'party', 'contract', 'project', 'task', 'deal', 'direction', 'employee', 'cash_account', 'to_cash_account', 'document')), '{}')
        ELSE p_object END;
END;
COMMENT ON FUNCTION resolve_names(jsonb) IS 'a filter or content with the ids of what it names by name; see named_id()';

CREATE FUNCTION check_filter(p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_known CONSTANT text[] := '{client,contract,project,task,deal,direction,employee,work_type,task_status,coverage,period,from,to,paid_pct_from,paid_pct_to,currency,charges}';
    v_bad record;
    v_clients bigint[];
BEGIN
    PERFORM check_keys(p_filter, 'filter', c_known);
    SELECT f.key, v INTO v_bad
      FROM jsonb_each(p_filter) f, unnest(filter_list(p_filter, f.key)) v
     WHERE v IS NULL
        OR f.key IN ('client', 'contract', 'project', 'task', 'deal', 'direction', 'employee', 'charges') AND v !~ '^[0-9]{1,18}$'
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
                HINT = 'Clients, contracts and the like are names or ids, from and to dates (YYYY-MM-DD, both included), period YYYY-MM or the first day of a service period, '
                       'work_type codes, task_status open, in_progress, done or cancelled.';
    END IF;
    v_clients := ARRAY(
        SELECT (unnest(filter_list(p_filter, 'client')))::bigint
        UNION SELECT c.client_id FROM contract c WHERE c.id = ANY (filter_list(p_filter, 'contract')::bigint[])
        UNION SELECT p.client_id FROM project p WHERE p.id = ANY (filter_list(p_filter, 'project')::bigint[])
        UNION SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = ANY (filter_list(p_filter, 'task')::bigint[])
        UNION SELECT d.client_id FROM deal d WHERE d.id = ANY (filter_list(p_filter, 'deal')::bigint[])
        UNION SELECT h.client_id FROM charge h WHERE h.id = ANY (filter_list(p_filter, 'charges')::bigint[]));
    IF cardinality(v_clients) <> 1 OR NOT EXISTS (SELECT FROM party p WHERE p.id = v_clients[1]) THEN
        RAISE EXCEPTION 'filter names %', CASE cardinality(v_clients) WHEN 0 THEN 'no client' WHEN 1 THEN 'an unknown client' ELSE 'several clients' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_filter::text,
                HINT = 'Name one client, or a contract, project, task or deal of one client.';
    END IF;
    RETURN v_clients[1];
END $$;
COMMENT ON FUNCTION check_filter(jsonb) IS 'refuse (22023) a filter with an unknown key or value; returns the one client it is about';

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
      FROM (SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id, h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
                   h.service_date, h.period_start
              FROM charge h WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.client_id = p_client)
            UNION ALL
            SELECT h.id, h.client_id, h.contract_id, h.project_id, h.task_id, h.deal_id, h.direction_id, h.employee_id, h.work_type_id, h.currency, h.coverage, h.amount,
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
    'charges of a client that a filter finds and that are free: on no live report or invoice, not written to nobody; amounts in their currency';

CREATE FUNCTION preview_report(filter jsonb)
    RETURNS TABLE (project_id bigint, project text, task_id bigint, task_number text, task text, url text, task_status text, coverage text,
                   hours_worked numeric(18,2), hours_billed numeric(18,2), amount numeric(18,2), currency text, percent_paid numeric(18,2))
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
    v_client bigint := check_filter(v_filter);
BEGIN
    RETURN QUERY
    SELECT p.id, p.name, t.id, t.number, coalesce(t.title, h.reason, h.source), t.url, t.status, h.coverage,
           (sum(h.worked_s) / 3600.0)::numeric(18,2), (sum(h.billed_s) / 3600.0)::numeric(18,2), sum(h.amount)::numeric(18,2), h.currency,
           CASE WHEN t.id IS NULL THEN 0 ELSE percent_paid(t.id, h.currency) END::numeric(18,2)
      FROM filtered_charge(v_filter, v_client) f
      JOIN charge h ON h.id = f.charge_id
      LEFT JOIN task t ON t.id = h.task_id
      LEFT JOIN project p ON p.id = h.project_id
     GROUP BY p.id, p.name, t.id, t.number, coalesce(t.title, h.reason, h.source), t.url, t.status, h.coverage, h.currency
     ORDER BY p.name, t.id, h.coverage;
END $$;
COMMENT ON FUNCTION preview_report(jsonb) IS
    'what build_report() would take for the same filter, by task, reserving nothing; hours, amounts net in currency';
SELECT allow('reader', 'execute', 'preview_report');

-- Put the free charges that a filter finds on a draft.  Whoever is second waits
-- for the client's contracts and charges and then finds only what is left.
CREATE FUNCTION claim_charges(p_document bigint, p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_document document;
    v_count bigint;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document;
    PERFORM FROM charge h WHERE h.id IN (SELECT f.charge_id FROM filtered_charge(p_filter, v_document.party_id) f)
      ORDER BY h.id FOR NO KEY UPDATE;
    INSERT INTO document_line (document_id, kind, currency, charge_id, claim)
    SELECT v_document.id, v_document.kind, v_document.currency, f.charge_id, true
      FROM filtered_charge(p_filter, v_document.party_id) f
      LEFT JOIN contract k ON k.id = f.contract_id
     WHERE f.currency = v_document.currency
       AND (k.id IS NULL OR (k.tax_inclusive, k.tax_level) = (v_document.tax_inclusive, v_document.tax_level))
       AND (v_document.kind = 'report' OR f.coverage = 'billable' AND f.amount <> 0)
     ORDER BY f.charge_id;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION claim_charges(bigint, jsonb) IS 'reserve the free charges that a filter finds for a draft; returns how many';

CREATE FUNCTION build_over_work(p_kind text, p_filter jsonb, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_client bigint := check_filter(p_filter);
    v_head record;
    v_document bigint;
BEGIN
    PERFORM check_keys(p_options, 'options', '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on}');
    IF p_options ->> 'positions' NOT IN ('task', 'employee', 'day', 'none') THEN
        RAISE EXCEPTION 'unknown positions "%"', p_options ->> 'positions'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Positions are by task, employee, day, or none.';
    END IF;
    IF p_options ?& '{discount_pct,discount_amount}' THEN
        RAISE EXCEPTION 'a document has one discount'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give discount_pct or discount_amount.';
    END IF;
    PERFORM lock_parties(ARRAY[v_client]);
    SELECT array_agg(DISTINCT f.currency ORDER BY f.currency) AS currencies,
           array_agg(DISTINCT (k.tax_inclusive, k.tax_level)::text) FILTER (WHERE k.id IS NOT NULL) AS terms, bool_or(k.tax_inclusive) AS tax_inclusive,
           min(k.tax_level) AS tax_level,
           array_agg(DISTINCT k.own_id) FILTER (WHERE k.own_id IS NOT NULL) AS owns,
           CASE WHEN count(DISTINCT coalesce(k.parent_id, k.id)) = 1 AND count(*) = count(k.id) THEN min(coalesce(k.parent_id, k.id)) END AS contract_id,
           CASE WHEN count(DISTINCT h.project_id) = 1 AND count(*) = count(h.project_id) THEN min(h.project_id) END AS project_id,
           CASE WHEN count(DISTINCT h.task_id) = 1 AND count(*) = count(h.task_id) THEN min(h.task_id) END AS task_id,
           CASE WHEN count(DISTINCT h.deal_id) = 1 THEN min(h.deal_id) END AS deal_id
      INTO v_head
      FROM filtered_charge(p_filter, v_client) f
      JOIN charge h ON h.id = f.charge_id
      LEFT JOIN contract k ON k.id = h.contract_id
     WHERE p_kind = 'report' OR f.coverage = 'billable' AND f.amount <> 0;
    IF v_head.currencies IS NULL THEN
        RETURN NULL;
    END IF;
    IF cardinality(v_head.currencies) > 1 OR cardinality(v_head.terms) > 1 OR cardinality(v_head.owns) > 1 THEN
        RAISE EXCEPTION 'this work cannot stand on one %: it has several %', p_kind,
            CASE WHEN cardinality(v_head.currencies) > 1 THEN 'currencies' WHEN cardinality(v_head.owns) > 1 THEN 'own companies' ELSE 'terms of tax' END
            USING ERRCODE = 'invalid_parameter_value', DETAIL = CASE WHEN cardinality(v_head.currencies) > 1 THEN array_to_string(v_head.currencies, ', ') END,
                HINT = 'Add "contract" or "currency" to the filter and make one for each.';
    END IF;
    INSERT INTO document (kind, own_id, party_id, contract_id, project_id, task_id, deal_id, title, period_from, period_to, made_from, positions, currency,
                          tax_inclusive, tax_level, discount_pct, discount_amount, issued_on, due_on, note)
    VALUES (p_kind, coalesce(v_head.owns[1], (SELECT min(p.id) FROM party p WHERE p.kind = 'own')), v_client, v_head.contract_id, v_head.project_id,
            v_head.task_id, coalesce((p_options ->> 'deal')::bigint, v_head.deal_id), p_options ->> 'title', iso_date(p_filter ->> 'from'),
            iso_date(p_filter ->> 'to'), p_filter, coalesce(p_options ->> 'positions', 'task'), v_head.currencies[1],
            coalesce(v_head.tax_inclusive, false), coalesce(v_head.tax_level, 'line'), (p_options ->> 'discount_pct')::numeric,
            (p_options ->> 'discount_amount')::numeric, given_date(p_options, 'issued_on'), given_date(p_options, 'due_on'), p_options ->> 'note')
    RETURNING id INTO v_document;
    IF claim_charges(v_document, p_filter) = 0 THEN
        RAISE EXCEPTION 'the work for this filter was taken by another document meanwhile'
            USING ERRCODE = 'restrict_violation', HINT = 'View unbilled shows what is left.';
    END IF;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION build_over_work(text, jsonb, jsonb) IS 'make a draft report or invoice over the free work that a filter finds; NULL when there is none';

CREATE FUNCTION refuse_no_work(p_filter jsonb) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_client bigint := check_filter(p_filter);
    v_held text;
BEGIN
    SELECT string_agg(DISTINCT document_name(l.claimed_by), ', ') INTO v_held
      FROM charge h JOIN charge_place l ON l.charge_id = h.id
     WHERE h.client_id = v_client AND l.place = 'reported' AND h.amount <> 0;
    RAISE EXCEPTION 'there is no free work of client "%" for this filter', (SELECT p.name FROM party p WHERE p.id = v_client)
        USING ERRCODE = 'restrict_violation', DETAIL = coalesce('Unbilled work of this client is kept by ' || v_held || '.', 'Filter: ' || p_filter::text),
            HINT = 'View unbilled shows what is not billed and which document keeps it.';
END $$;
COMMENT ON FUNCTION refuse_no_work(jsonb) IS 'raise (23001) that a filter finds no free work, naming the documents that keep what there is';

CREATE FUNCTION build_report(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
BEGIN
    RETURN coalesce(build_over_work('report', v_filter, json_argument(options)), refuse_no_work(v_filter));
END $$;
COMMENT ON FUNCTION build_report(jsonb, jsonb) IS
    'make a draft report of a client''s free work and reserve it: billable work, and at zero what is included or not charged. filter: client, contract, '
    'project (with those below it), task, deal, direction, employee (names or ids, one or an array; a contract by its number), work_type (codes), task_status, coverage, period (YYYY-MM, or '
    'first day of a service period), from, to (work dates, included), paid_pct_from, paid_pct_to (percent of the task that is paid), currency, charges. '
    'options: title, positions (task, employee, day, none), discount_pct or discount_amount, note, deal, issued_on, due_on. Refused: no free work '
    '(23001), unknown keys, several currencies (22023)';
SELECT allow('clerk', 'execute', 'build_report');

CREATE FUNCTION build_invoice(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
BEGIN
    RETURN coalesce(build_over_work('invoice', v_filter, json_argument(options)), refuse_no_work(v_filter));
END $$;
COMMENT ON FUNCTION build_invoice(jsonb, jsonb) IS
    'make a draft invoice straight over a client''s free billable work (a ticket, a contract''s period), without a report; issue_invoice() issues it. '
    'Filter and options as of build_report()';
SELECT allow('clerk', 'execute', 'build_invoice');

CREATE FUNCTION refresh_draft(document bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(refresh_draft.document);
BEGIN
    IF v_document.status <> 'draft' OR v_document.kind NOT IN ('report', 'invoice') OR v_document.made_from IS NULL THEN
        RAISE EXCEPTION '% is no draft over work', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Only drafts made by build_report() or build_invoice() follow their work.';
    END IF;
    DELETE FROM document_line l USING charge h LEFT JOIN contract k ON k.id = h.contract_id
     WHERE l.document_id = v_document.id AND h.id = l.charge_id
       AND (h.client_id <> v_document.party_id OR h.currency <> v_document.currency OR h.coverage = 'non_billable'
            OR v_document.kind = 'invoice' AND h.amount = 0
            OR k.id IS NOT NULL AND (k.tax_inclusive, k.tax_level) <> (v_document.tax_inclusive, v_document.tax_level));
    PERFORM claim_charges(v_document.id, v_document.made_from);
    RETURN (SELECT count(*) FROM document_line l WHERE l.document_id = v_document.id);
END $$;
COMMENT ON FUNCTION refresh_draft(bigint) IS
    'let a draft follow its filter: takes new free work in and what does not fit any more out; returns the number of its lines';
SELECT allow('clerk', 'execute', 'refresh_draft');

-- ---------------------------------------------------------------------------
-- invoices and acts
-- ---------------------------------------------------------------------------

CREATE FUNCTION copy_document(p_from document, p_kind text, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document bigint;
BEGIN
    PERFORM check_keys(p_options, 'options', '{title,note,issued_on,due_on,outside_number,file_url}');
    INSERT INTO document (kind, own_id, party_id, contract_id, project_id, deal_id, task_id, based_on, title, period_from, period_to, positions, currency,
                          tax_inclusive, tax_level, issued_on, due_on, outside_number, file_url, note)
    VALUES (p_kind, p_from.own_id, p_from.party_id, p_from.contract_id, p_from.project_id, p_from.deal_id, p_from.task_id, p_from.id,
            coalesce(p_options ->> 'title', p_from.title), p_from.period_from, p_from.period_to, p_from.positions, p_from.currency, p_from.tax_inclusive,
            p_from.tax_level, given_date(p_options, 'issued_on'), given_date(p_options, 'due_on'), p_options ->> 'outside_number',
            p_options ->> 'file_url', p_options ->> 'note')
    RETURNING id INTO v_document;
    INSERT INTO document_line (document_id, kind, currency, position, charge_id, base_line_id, item_id, task_id, title, unit, quantity, price, discount_pct,
                               worked_s, billed_s, amount, discount, tax_rate, net, tax, gross)
    SELECT v_document, p_kind, l.currency, dense_rank() OVER (ORDER BY l.position), l.charge_id, l.id, l.item_id, l.task_id, l.title, l.unit, l.quantity,
           l.price, l.discount_pct, l.worked_s, l.billed_s, l.amount, l.discount, l.tax_rate, l.net, l.tax, l.gross
      FROM document_line l
     WHERE l.document_id = p_from.id AND l.released_at IS NULL AND l.amount <> 0
     ORDER BY l.id;
    RETURN v_document;
END $$;
COMMENT ON FUNCTION copy_document(document, text, jsonb) IS 'draft a document of another kind that repeats the live lines of this one, to the last digit';

CREATE FUNCTION issue_invoice(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_invoice.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind = 'invoice' AND v_document.status = 'draft' THEN
        PERFORM check_keys(options, 'options', '{issued_on,due_on,outside_number,file_url,note}');
        UPDATE document d SET issued_on = coalesce(given_date(options, 'issued_on'), d.issued_on), due_on = coalesce(given_date(options, 'due_on'), d.due_on),
               outside_number = coalesce(options ->> 'outside_number', d.outside_number), file_url = coalesce(options ->> 'file_url', d.file_url),
               note = coalesce(options ->> 'note', d.note)
         WHERE d.id = v_document.id AND options <> '{}';
        PERFORM transition(v_document.id, 'sent');
        PERFORM settle_document(v_document.id, 'issued');
        RETURN v_document.id;
    END IF;
    SELECT d.id INTO v_other FROM document d
     WHERE d.based_on = v_document.id AND d.kind = 'invoice' AND d.status NOT IN ('void', 'credited') LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION '% is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void or credit that invoice first.';
    END IF;
    IF v_document.kind <> 'report' OR v_document.status <> 'agreed' THEN
        RAISE EXCEPTION '% is % and cannot be invoiced', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation',
                HINT = CASE WHEN v_document.kind = 'report' THEN 'Only a report that the client has agreed is invoiced: transition(document, ''agreed'').'
                            ELSE 'An invoice is made of an agreed report, or over free work by build_invoice().' END;
    END IF;
    IF NOT EXISTS (SELECT FROM document_line l WHERE l.document_id = v_document.id AND l.released_at IS NULL AND l.amount <> 0) THEN
        RAISE EXCEPTION '% has nothing to be paid for', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation', HINT = 'All of its work is included or not charged.';
    END IF;
    v_other := copy_document(v_document, 'invoice', options);
    PERFORM transition(v_other, 'sent');
    PERFORM settle_document(v_other, 'issued');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_invoice(bigint, jsonb) IS
    'issue the invoice of an agreed report, or a draft invoice: number, freezing of its work, tax in the ledger, the report invoiced, all at once; returns the '
    'invoice. options: issued_on, due_on (default: the client''s payment terms), outside_number, file_url (of an invoice made elsewhere), note, title. '
    'Refused (23001): a report that is not agreed, work that has an invoice';
SELECT allow('clerk', 'execute', 'issue_invoice');

CREATE FUNCTION invoice_work(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    c_of_issue CONSTANT text[] := '{outside_number,file_url}';
BEGIN
    options := json_argument(options);
    PERFORM check_keys(options, 'options', '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on,outside_number,file_url}');
    RETURN issue_invoice(build_invoice(filter, options - c_of_issue),
                         coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(options) o WHERE o.key = ANY (c_of_issue)), '{}'));
END $$;
COMMENT ON FUNCTION invoice_work(jsonb, jsonb) IS
    'invoice a client''s free billable work at once, without a report: build_invoice() and issue_invoice() in one; returns the invoice. Filter as of '
    'build_report(), options of both. Refused (23001) when there is no free work, so that the same call again bills nothing twice';
SELECT allow('clerk', 'execute', 'invoice_work');

CREATE FUNCTION issue_act(document bigint, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(issue_act.document);
    v_other bigint;
BEGIN
    options := json_argument(options);
    IF v_document.kind NOT IN ('report', 'invoice') OR v_document.status IN ('draft', 'sent', 'rejected', 'superseded', 'void', 'credited')
        AND NOT (v_document.kind = 'invoice' AND v_document.status = 'sent') THEN
        RAISE EXCEPTION '% is % and no act is made of it', document_name(v_document.id), v_document.status
            USING ERRCODE = 'restrict_violation', HINT = 'Acts are made of agreed reports and issued invoices.';
    END IF;
    SELECT a.document_id INTO v_other
      FROM document_line l JOIN document_line a ON a.charge_id = l.charge_id AND a.kind = 'act' AND a.released_at IS NULL
     WHERE l.document_id = v_document.id AND l.released_at IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'work of % is on % already', document_name(v_document.id), document_name(v_other)
            USING ERRCODE = 'restrict_violation', HINT = 'Void that act first.';
    END IF;
    v_other := copy_document(v_document, 'act', options);
    PERFORM transition(v_other, 'sent');
    RETURN v_other;
END $$;
COMMENT ON FUNCTION issue_act(bigint, jsonb) IS
    'issue the act of completed work of an agreed report or an issued invoice; returns the act. Refused (23001) when its work is on an act already';
SELECT allow('clerk', 'execute', 'issue_act');

-- ---------------------------------------------------------------------------
-- credit notes
--
-- A line that is credited whole sets its charge free: the work stays done, its
-- revenue posted and unbilled, and it may be billed again.  A line credited in
-- part stays billed, and a negative charge takes the credited part off its
-- revenue.  Once the rest is credited too the line counts as credited whole:
-- those negative charges are reversed and the charge is free.  So the balance
-- of a contract (receipts less charges) is at every moment what its work is
-- worth, and only tax needs entries of its own.
-- ---------------------------------------------------------------------------

CREATE FUNCTION credit_lines(p_invoice document, p_lines jsonb) RETURNS TABLE (line_id bigint, net numeric, tax numeric, whole boolean)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_exponent int := currency_exponent(p_invoice.currency);
    v_line record;
BEGIN
    IF p_lines IS NOT NULL AND (jsonb_typeof(p_lines) <> 'array' OR jsonb_array_length(p_lines) = 0) THEN
        RAISE EXCEPTION 'lines must be a JSON array of what is credited'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Each {"line": id, "net": text} or {"position": number}; NULL credits all that is left.';
    END IF;
    FOR v_line IN
        SELECT e.value AS given, l.id, l.net, l.tax, l.position, coalesce(c.net, 0) AS credited, coalesce(c.tax, 0) AS credited_tax,
               round_money(coalesce((e.value ->> 'net')::numeric, l.net - coalesce(c.net, 0)), v_exponent) AS credit,
               count(*) OVER (PARTITION BY l.id) AS times
          FROM jsonb_array_elements(coalesce(p_lines, '[{}]')) e
          LEFT JOIN document_line l ON l.document_id = p_invoice.id
           AND (p_lines IS NULL OR l.id = (e.value ->> 'line')::bigint OR l.position = (e.value ->> 'position')::int)
          LEFT JOIN line_credit c ON c.line_id = l.id
         WHERE p_lines IS NOT NULL OR l.net - coalesce(c.net, 0) <> 0
         ORDER BY l.id
    LOOP
        IF v_line.id IS NULL OR jsonb_typeof(v_line.given) <> 'object' OR v_line.times > 1 OR v_line.given ? 'net' AND v_line.given ? 'position' THEN
            RAISE EXCEPTION '% cannot be credited by %', document_name(p_invoice.id), v_line.given
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Name each line of this invoice once: {"line": id, "net": text} or {"position": number}.';
        END IF;
        IF v_line.credit = 0 OR sign(v_line.credit) <> sign(v_line.net) OR abs(v_line.credit) > abs(v_line.net - v_line.credited)
            OR v_line.credit <> coalesce((v_line.given ->> 'net')::numeric, v_line.credit) THEN
            RAISE EXCEPTION '% of line % of % cannot be credited', trim_scale(coalesce((v_line.given ->> 'net')::numeric, v_line.credit)), v_line.position,
                document_name(p_invoice.id)
                USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_within_line',
                    DETAIL = format('It was billed at %s, %s of that is credited.', trim_scale(v_line.net), trim_scale(v_line.credited)),
                    HINT = 'Credit at most what is left of the line, in whole units of the currency.';
        END IF;
        line_id := v_line.id;
        net := v_line.credit;
        whole := v_line.credited + v_line.credit = v_line.net;
        tax := CASE WHEN whole THEN v_line.tax
                    ELSE round_money(v_line.tax * (v_line.credited + v_line.credit) / v_line.net, v_exponent) END - v_line.credited_tax;
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION credit_lines(document, jsonb) IS
    'what is credited of which lines: net, its tax (so that credits of a line never sum to more than its tax), and whether the line is whole by that';

CREATE FUNCTION credit(document bigint, lines jsonb, reason text, issued_on date DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_invoice document;
    v_note bigint;
    v_whole bigint[];
    v_excess numeric;
    v_allocation record;
BEGIN
    lines := json_argument(lines);
    IF coalesce(credit.reason, '') = '' THEN
        RAISE EXCEPTION 'a credit note needs a reason' USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why: credit(document, lines, reason).';
    END IF;
    v_invoice := open_document(credit.document);
    IF v_invoice.kind <> 'invoice' OR v_invoice.status IN ('draft', 'void', 'credited') THEN
        RAISE EXCEPTION '% is % and cannot be credited', document_name(v_invoice.id), v_invoice.status
            USING ERRCODE = 'restrict_violation', HINT = 'Credit notes are made of issued invoices.';
    END IF;
    INSERT INTO document (kind, own_id, party_id, contract_id, project_id, deal_id, task_id, based_on, title, positions, currency, tax_inclusive, tax_level, note,
                          issued_on)
    VALUES ('credit_note', v_invoice.own_id, v_invoice.party_id, v_invoice.contract_id, v_invoice.project_id, v_invoice.deal_id, v_invoice.task_id,
            v_invoice.id, v_invoice.title, v_invoice.positions, v_invoice.currency, v_invoice.tax_inclusive, v_invoice.tax_level, credit.reason,
            credit.issued_on)
    RETURNING id INTO v_note;
    WITH credited AS (
        INSERT INTO document_line (document_id, kind, currency, position, reverses_line_id, task_id, title, unit, worked_s, billed_s, amount, discount, tax_rate,
                                   net, tax, gross)
        SELECT v_note, 'credit_note', l.currency, l.position, l.id, l.task_id, l.title, l.unit, CASE WHEN c.whole THEN -l.worked_s END,
               CASE WHEN c.whole THEN -l.billed_s END, -c.net, 0, l.tax_rate, -c.net, -c.tax, -c.net - c.tax
          FROM credit_lines(v_invoice, credit.lines) c JOIN document_line l ON l.id = c.line_id
         ORDER BY l.id
        RETURNING reverses_line_id)
    SELECT array_agg(l.id ORDER BY l.id) INTO v_whole
      FROM credited c JOIN document_line l ON l.id = c.reverses_line_id;
    IF v_whole IS NULL THEN
        RAISE EXCEPTION '% is credited in full already', document_name(v_invoice.id)
            USING ERRCODE = 'restrict_violation', HINT = 'Table document_line shows its credit notes.';
    END IF;
    v_whole := ARRAY(SELECT l.id FROM document_line l JOIN line_credit c ON c.line_id = l.id WHERE l.id = ANY (v_whole) AND c.net = l.net ORDER BY 1);
    PERFORM reduce_charges(v_note, v_whole);
    PERFORM concede('credit', (SELECT -sum(h.base_amount) FROM document_line n JOIN charge h ON h.id = n.charge_id WHERE n.document_id = v_note), NULL, v_note,
                    credit.reason);
    PERFORM release_lines(v_whole || ARRAY(
        SELECT k.id FROM document_line l JOIN document_line k ON k.charge_id = l.charge_id AND k.claim AND k.released_at IS NULL
         WHERE l.id = ANY (v_whole) AND k.id <> l.id ORDER BY 1), v_note);

    -- What is paid above what is left of the invoice is the client's credit again.
    v_excess := -(SELECT b.open FROM document_balance b WHERE b.document_id = v_invoice.id);
    FOR v_allocation IN SELECT a.id, a.amount FROM payment_allocation a WHERE a.document_id = v_invoice.id ORDER BY a.allocated_at DESC, a.id DESC
    LOOP
        EXIT WHEN v_excess <= 0;
        DELETE FROM payment_allocation a WHERE a.id = v_allocation.id AND v_allocation.amount <= v_excess;
        UPDATE payment_allocation a SET amount = a.amount - v_excess WHERE a.id = v_allocation.id AND v_allocation.amount > v_excess;
        v_excess := v_excess - v_allocation.amount;
    END LOOP;
    PERFORM settle_document(v_invoice.id, 'credited: ' || credit.reason);
    PERFORM transition(v_note, 'sent', credit.reason);
    RETURN v_note;
END $$;
COMMENT ON FUNCTION credit(bigint, jsonb, text, date) IS
    'issue a credit note for an invoice: lines NULL credits all that is left, else [{"line": id, "net": text}] or [{"position": number}], net left out '
    'credits the rest of the line. A line credited whole sets its work free to be billed again; one credited in part reduces its charge. What was paid '
    'above the rest becomes the client''s credit. Returns the credit note; never more than was billed (23514)';
SELECT allow('manager', 'execute', 'credit');

CREATE FUNCTION reduce_charges(p_note bigint, p_whole bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
BEGIN
    WITH made AS MATERIALIZED (
        SELECT n.id AS line_id, n.net AS amount, nextval('charge_id_seq') AS charge_id, r.charge_id AS of_id
          FROM document_line n JOIN document_line r ON r.id = n.reverses_line_id
         WHERE n.document_id = p_note AND r.id <> ALL (p_whole) ORDER BY n.id
    ), stored AS (
        INSERT INTO charge (id, source, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id, work_type_id, direction_id,
                            item_id, service_date, period_start, started_at, band, coverage, amount, currency, base_rate, base_amount, cost, base_cost, reason,
                            adjusts_id)
        SELECT m.charge_id, 'adjustment', h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id, h.work_type_id,
               h.direction_id, h.item_id, h.service_date, h.period_start, h.started_at, h.band, 'billable', m.amount, h.currency, h.base_rate,
               round_money(m.amount * h.base_rate, currency_exponent(s.base_currency)), 0, 0, 'credited in part',
               h.id
          FROM made m JOIN charge h ON h.id = m.of_id CROSS JOIN setting s
        RETURNING id
    ), linked AS (
        UPDATE document_line l SET charge_id = m.charge_id FROM made m WHERE l.id = m.line_id RETURNING l.charge_id
    )
    SELECT array_agg(k.charge_id ORDER BY k.charge_id) INTO v_charges FROM linked k;
    PERFORM freeze_charges(v_charges, format('document:%s:freeze', p_note), p_note) WHERE v_charges IS NOT NULL;
    -- Lines that are whole now: what earlier notes took off their charges comes back.
    PERFORM reverse_adjustments(ARRAY(
        SELECT n.charge_id FROM document_line n
         WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note ORDER BY 1),
        format('document:%s:whole', p_note), p_note);
    UPDATE document_line n SET released_at = now(), released_by = p_note
     WHERE n.reverses_line_id = ANY (p_whole) AND n.charge_id IS NOT NULL AND n.document_id <> p_note AND n.released_at IS NULL;
END $$;
COMMENT ON FUNCTION reduce_charges(bigint, bigint[]) IS
    'make and post the negative charges of lines that a credit note takes back in part, and reverse those of lines that are credited whole by it';

-- ---------------------------------------------------------------------------
-- documents with contents of their own
-- ---------------------------------------------------------------------------

CREATE FUNCTION item_terms(p_item bigint, p_client bigint, p_list bigint, p_currency text, p_on date, OUT price numeric, OUT cost numeric, OUT discount_pct numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    -- lists in their order: the contract's, the client's, the default one, each with its parents; the first that knows the item
    WITH RECURSIVE start AS (
        SELECT l.id, l.parent_id, l.discount_pct,
               CASE WHEN l.id = p_list THEN 1 WHEN l.client_id = p_client THEN 2 ELSE 3 END AS rank
          FROM price_list l
         WHERE l.currency = p_currency AND (l.id = p_list OR l.client_id = p_client OR l.is_default)
    ), list AS (
        SELECT s.id, s.parent_id, s.discount_pct, s.rank, 0 AS depth FROM start s
        UNION ALL
        SELECT l.id, l.parent_id, coalesce(x.discount_pct, l.discount_pct), x.rank, x.depth + 1 FROM price_list l JOIN list x ON x.parent_id = l.id
    )
    SELECT r.price, r.cost, coalesce(r.discount_pct, x.discount_pct)
      FROM list x
     CROSS JOIN LATERAL (
        SELECT r.price, r.cost, r.discount_pct FROM price r
         WHERE r.price_list_id = x.id AND r.item_id = p_item AND r.employee_id IS NULL AND r.role IS NULL AND r.valid_from <= p_on
         ORDER BY r.valid_from DESC LIMIT 1) r
     WHERE r.price IS NOT NULL
     ORDER BY x.rank, x.depth LIMIT 1;
END;
COMMENT ON FUNCTION item_terms(bigint, bigint, bigint, text, date) IS
    'price, cost and discount of an item by the price lists of contract, client and default, in this order; NULL when none knows it';

CREATE FUNCTION add_lines(p_document bigint, p_lines jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_document document;
    v_line record;
    v_contract contract;
    v_item item;
    v_terms record;
    v_net numeric;
    v_tax numeric;
    v_exponent int;
BEGIN
    SELECT * INTO v_document FROM document d WHERE d.id = p_document;
    SELECT * INTO v_contract FROM contract c WHERE c.id = v_document.contract_id;
    v_exponent := currency_exponent(v_document.currency);
    IF jsonb_typeof(p_lines) <> 'array' THEN
        RAISE EXCEPTION 'lines must be a JSON array, not %', jsonb_typeof(p_lines) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR v_line IN SELECT resolve_names(e.value) AS v, e.no FROM jsonb_array_elements(p_lines) WITH ORDINALITY e (value, no) LOOP
        PERFORM check_keys(v_line.v, 'line ' || v_line.no,
            '{title,item,quantity,unit,price,discount_pct,cost,tax_rate,tax,article,contract,project,task,employee,starts_on,ends_on}');
        IF v_document.kind = 'bill' THEN
            PERFORM require_pay(v_line.v ->> 'article', (v_line.v ->> 'employee')::bigint, calling_role());
        END IF;
        v_item := NULL;
        v_terms := NULL;
        IF v_line.v ? 'item' THEN
            SELECT * INTO v_item FROM item i WHERE i.code = v_line.v ->> 'item';
            IF NOT FOUND THEN
                RAISE EXCEPTION 'line % names an unknown item "%"', v_line.no, v_line.v ->> 'item'
                    USING ERRCODE = 'foreign_key_violation', HINT = 'Table item lists the codes.';
            END IF;
        END IF;
        SELECT * INTO v_terms FROM item_terms(v_item.id, v_document.party_id, v_contract.price_list_id, v_document.currency, books_today());
        IF coalesce((v_line.v ->> 'price')::numeric, v_terms.price) IS NULL THEN
            RAISE EXCEPTION 'line % has no price', v_line.no
                USING ERRCODE = 'invalid_parameter_value', DETAIL = v_line.v::text,
                    HINT = 'Give "price", or an "item" that a price list of the client knows.';
        END IF;
        v_net := CASE WHEN v_document.kind = 'bill' THEN round_money(coalesce((v_line.v ->> 'quantity')::numeric, 1) * (v_line.v ->> 'price')::numeric
                     * (100 - coalesce((v_line.v ->> 'discount_pct')::numeric, 0)) / 100, v_exponent) END;
        v_tax := coalesce((v_line.v ->> 'tax')::numeric, round_money(v_net * (v_line.v ->> 'tax_rate')::numeric / 100, v_exponent), 0);
        INSERT INTO document_line (document_id, kind, currency, position, item_id, article, contract_id, project_id, task_id, employee_id, title, unit, quantity,
                                   price, discount_pct, cost, starts_on, ends_on, tax_rate, amount, discount, net, tax, gross)
        VALUES (p_document, v_document.kind, v_document.currency, v_line.no, v_item.id, v_line.v ->> 'article', (v_line.v ->> 'contract')::bigint,
                coalesce((v_line.v ->> 'project')::bigint, v_document.project_id), coalesce((v_line.v ->> 'task')::bigint, v_document.task_id),
                (v_line.v ->> 'employee')::bigint, coalesce(v_line.v ->> 'title', v_item.name), coalesce(v_line.v ->> 'unit', v_item.unit),
                coalesce((v_line.v ->> 'quantity')::numeric, 1), coalesce((v_line.v ->> 'price')::numeric, v_terms.price),
                coalesce((v_line.v ->> 'discount_pct')::numeric, CASE WHEN v_line.v ? 'price' THEN NULL ELSE v_terms.discount_pct END),
                coalesce((v_line.v ->> 'cost')::numeric, v_terms.cost * coalesce((v_line.v ->> 'quantity')::numeric, 1)),
                given_date(v_line.v, 'starts_on'), given_date(v_line.v, 'ends_on'),
                coalesce((v_line.v ->> 'tax_rate')::numeric, CASE WHEN v_document.kind <> 'bill' THEN v_contract.tax_rate END),
                v_net, CASE WHEN v_net IS NOT NULL THEN 0 END, v_net, CASE WHEN v_net IS NOT NULL THEN v_tax END, v_net + v_tax);
    END LOOP;
END $$;
COMMENT ON FUNCTION add_lines(bigint, jsonb) IS
    'add lines to a draft: [{"title", "item" (code), "quantity", "unit", "price" (a unit), "discount_pct", "cost" (of the line), "tax_rate", "tax", "article", '
    '"contract", "project", "task", "employee", "starts_on", "ends_on"}]; an item brings name, unit, price, discount and cost from the price lists';

CREATE FUNCTION draft_document(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    c_known CONSTANT text[] := '{kind,incoming,party,contract,project,task,deal,based_on,title,currency,lines,requirements,note,issued_on,due_on,'
        'period_from,period_to,outside_number,file_url,discount_pct,discount_amount,source,external_id}';
    v_document document;
    v_party bigint;
    v_contract contract;
    v_id bigint;
BEGIN
    content := json_argument(content);
    PERFORM check_keys(content, 'content', c_known);
    content := resolve_names(content);
    IF coalesce(content ->> 'kind', '') NOT IN ('proposal', 'specification', 'proforma', 'act', 'bill', 'contract', 'annex', 'other')
        OR content ->> 'kind' = 'act' AND NOT coalesce((content ->> 'incoming')::boolean, false) THEN
        RAISE EXCEPTION 'a document of kind "%" is not made of contents', coalesce(content ->> 'kind', 'none')
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'Kinds: proposal, specification, proforma, bill, contract, annex, other, incoming act. Reports, invoices and own acts are made of work.';
    END IF;
    IF content ->> 'kind' = 'bill' AND coalesce(content ->> 'outside_number', '') = '' THEN
        RAISE EXCEPTION 'a bill has the number that its sender gave it'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give it as "outside_number".';
    END IF;
    SELECT * INTO v_contract FROM contract c WHERE c.id = (content ->> 'contract')::bigint;
    v_party := coalesce((content ->> 'party')::bigint, v_contract.client_id,
        (SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = (content ->> 'task')::bigint),
        (SELECT p.client_id FROM project p WHERE p.id = (content ->> 'project')::bigint),
        (SELECT d.client_id FROM deal d WHERE d.id = (content ->> 'deal')::bigint));
    IF v_party IS NULL THEN
        RAISE EXCEPTION 'the document has no party'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Name "party", or a contract, project, task or deal of a client.';
    END IF;
    PERFORM lock_parties(ARRAY[v_party]);  -- so that the same content, sent twice at once, is one document
    IF content ? 'source' AND content ? 'external_id' THEN
        SELECT * INTO v_document FROM document d WHERE d.source = content ->> 'source' AND d.external_id = content ->> 'external_id';
    END IF;
    IF v_document.id IS NULL AND content ->> 'kind' = 'bill' THEN
        SELECT * INTO v_document FROM document d WHERE d.kind = 'bill' AND d.status <> 'void' AND d.party_id = (content ->> 'party')::bigint
           AND d.outside_number = content ->> 'outside_number';
    END IF;
    IF v_document.id IS NOT NULL THEN
        IF v_document.made_from IS DISTINCT FROM content THEN
            RAISE EXCEPTION '% was sent before with other content', document_name(v_document.id)
                USING ERRCODE = 'unique_violation', CONSTRAINT = 'document_external_key',
                    HINT = 'Send the same content again, or void that document first.';
        END IF;
        RETURN v_document.id;
    END IF;
    INSERT INTO document (kind, incoming, own_id, party_id, contract_id, project_id, task_id, deal_id, based_on, title, made_from, positions, currency,
                          tax_inclusive, tax_level, discount_pct, discount_amount, issued_on, due_on, period_from, period_to, outside_number, file_url,
                          requirements, note, source, external_id)
    VALUES (content ->> 'kind', coalesce((content ->> 'incoming')::boolean, content ->> 'kind' = 'bill'),
            coalesce(v_contract.own_id, (SELECT min(p.id) FROM party p WHERE p.kind = 'own')), v_party, v_contract.id,
            coalesce((content ->> 'project')::bigint, (SELECT t.project_id FROM task t WHERE t.id = (content ->> 'task')::bigint)),
            (content ->> 'task')::bigint, (content ->> 'deal')::bigint, (content ->> 'based_on')::bigint, content ->> 'title', content, 'none',
            coalesce(content ->> 'currency', v_contract.currency, (SELECT s.base_currency FROM setting s)),
            coalesce(v_contract.tax_inclusive, false), coalesce(v_contract.tax_level, 'line'), (content ->> 'discount_pct')::numeric,
            (content ->> 'discount_amount')::numeric, given_date(content, 'issued_on'), given_date(content, 'due_on'), given_date(content, 'period_from'),
            given_date(content, 'period_to'), content ->> 'outside_number', content ->> 'file_url', content ->> 'requirements', content ->> 'note',
            content ->> 'source', content ->> 'external_id')
    ON CONFLICT ON CONSTRAINT document_external_key DO NOTHING
    RETURNING id INTO v_id;
    IF v_id IS NULL THEN
        RETURN draft_document(content);  -- another party's document took the key meanwhile: that is refused
    END IF;
    PERFORM add_lines(v_id, content -> 'lines') WHERE content ? 'lines';
    RETURN v_id;
END $$;
COMMENT ON FUNCTION draft_document(jsonb) IS
    'draft a document of given contents: {"kind" (proposal, specification, proforma, bill, contract, annex, other, incoming act), "party" | "contract" | '
    '"project" | "task" | "deal" (names or ids; a contract by its number), "incoming", "based_on", "title", "currency", "lines" (as add_lines() takes them), "requirements", "note", '
    '"issued_on", "due_on", "outside_number", "file_url", "discount_pct" | "discount_amount", "source", "external_id"}. The same content again returns the '
    'same document, another one under the same (source, external_id) or number of a bill is refused (23505)';
SELECT allow('clerk', 'execute', 'draft_document');

CREATE FUNCTION issue_specification(task bigint, lines jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_contract bigint;
    v_document bigint;
BEGIN
    SELECT coalesce(t.contract_id, (SELECT CASE WHEN count(*) = 1 THEN min(c.id) END FROM contract c
                                     WHERE c.client_id = p.client_id AND c.status = 'active' AND c.parent_id IS NULL
                                       AND (c.project_id IS NULL OR c.project_id = p.id))) INTO v_contract
      FROM task t JOIN project p ON p.id = t.project_id WHERE t.id = issue_specification.task;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no task %', issue_specification.task USING ERRCODE = 'foreign_key_violation', HINT = 'Table task lists the tasks.';
    END IF;
    v_document := draft_document(jsonb_build_object('kind', 'specification', 'task', issue_specification.task, 'lines', json_argument(lines))
                                 || CASE WHEN v_contract IS NULL THEN '{}' ELSE jsonb_build_object('contract', v_contract) END || json_argument(options));
    PERFORM transition(v_document, 'sent');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION issue_specification(bigint, jsonb, jsonb) IS
    'send the client a specification of a task: works and materials with their prices (lines as add_lines() takes them; options as draft_document()); '
    'its client agrees or rejects it. Where the contract needs it, work on the task is charged only once it is agreed';
SELECT allow('clerk', 'execute', 'issue_specification');

CREATE FUNCTION record_bill(content jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_document bigint := draft_document(jsonb_build_object('kind', 'bill') || json_argument(content));
BEGIN
    PERFORM transition(v_document, 'sent') WHERE EXISTS (SELECT FROM document d WHERE d.id = v_document AND d.status = 'draft');
    RETURN v_document;
END $$;
COMMENT ON FUNCTION record_bill(jsonb) IS
    'take a bill of a contractor in: {"party", "outside_number", "issued_on", "due_on", "currency", "lines"}; it costs nothing and cannot be paid before it is '
    'accepted: transition(document, ''agreed''). The same bill again returns the same document';
SELECT allow('clerk', 'execute', 'record_bill');

CREATE FUNCTION revise(document bigint, changes jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_old document := open_document(revise.document);
    v_new bigint;
BEGIN
    changes := json_argument(changes);
    PERFORM check_keys(changes, 'changes', '{title,requirements,note,lines,discount_pct,discount_amount,issued_on,due_on,positions}');
    IF NOT EXISTS (SELECT FROM document_transition t WHERE t.kind = v_old.kind AND t.from_status = v_old.status AND t.to_status = 'superseded') THEN
        RAISE EXCEPTION '% is % and has no next revision', document_name(v_old.id), v_old.status
            USING ERRCODE = 'restrict_violation',
                HINT = 'Reports and offers are revised when they are sent or rejected; a draft is simply changed, an agreed report void().';
    END IF;
    UPDATE document d SET status = 'superseded', status_said_by = NULL, status_reason = 'revised' WHERE d.id = v_old.id;
    INSERT INTO document (kind, own_id, party_id, contract_id, project_id, deal_id, task_id, based_on, revision, supersedes_id, title, period_from, period_to,
                          made_from, positions, currency, tax_inclusive, tax_level, discount_pct, discount_amount, issued_on, due_on, requirements, note)
    VALUES (v_old.kind, v_old.own_id, v_old.party_id, v_old.contract_id, v_old.project_id, v_old.deal_id, v_old.task_id, v_old.based_on, v_old.revision + 1,
            v_old.id, coalesce(changes ->> 'title', v_old.title), v_old.period_from, v_old.period_to, v_old.made_from,
            coalesce(changes ->> 'positions', v_old.positions), v_old.currency, v_old.tax_inclusive, v_old.tax_level,
            CASE WHEN changes ?| '{discount_pct,discount_amount}' THEN (changes ->> 'discount_pct')::numeric ELSE v_old.discount_pct END,
            CASE WHEN changes ?| '{discount_pct,discount_amount}' THEN (changes ->> 'discount_amount')::numeric ELSE v_old.discount_amount END,
            given_date(changes, 'issued_on'), given_date(changes, 'due_on'), coalesce(changes ->> 'requirements', v_old.requirements), coalesce(changes ->> 'note', v_old.note))
    RETURNING id INTO v_new;
    IF v_old.kind = 'report' THEN
        PERFORM claim_charges(v_new, v_old.made_from);
    ELSIF changes ? 'lines' THEN
        PERFORM add_lines(v_new, changes -> 'lines');
    ELSE
        INSERT INTO document_line (document_id, kind, currency, item_id, article, contract_id, project_id, task_id, employee_id, title, unit, quantity, price,
                                   discount_pct, cost, starts_on, ends_on, tax_rate)
        SELECT v_new, l.kind, l.currency, l.item_id, l.article, l.contract_id, l.project_id, l.task_id, l.employee_id, l.title, l.unit, l.quantity, l.price,
               l.discount_pct, l.cost, l.starts_on, l.ends_on, l.tax_rate
          FROM document_line l WHERE l.document_id = v_old.id ORDER BY l.id;
    END IF;
    RETURN v_new;
END $$;
COMMENT ON FUNCTION revise(bigint, jsonb) IS
    'make the next revision of a sent or rejected report, or of a proposal, specification or proforma, as a draft: the old one stays, superseded, its '
    'charges are free and go on the new one. changes: title, requirements, note, lines, discount_pct or discount_amount, issued_on, due_on, positions';
SELECT allow('clerk', 'execute', 'revise');

CREATE FUNCTION make_stages(document bigint, contract bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_stages.document);
    v_contract contract;
    v_line record;
    v_count bigint := 0;
    v_id bigint;
BEGIN
    SELECT * INTO v_contract FROM contract c WHERE c.id = make_stages.contract;
    IF v_document.kind <> 'proposal' OR v_document.status NOT IN ('agreed', 'archived') OR v_contract.id IS NULL
        OR v_contract.client_id <> v_document.party_id OR v_contract.currency <> v_document.currency THEN
        RAISE EXCEPTION '% cannot become stages of contract %', document_name(v_document.id), coalesce(v_contract.number, make_stages.contract::text)
            USING ERRCODE = 'restrict_violation',
                HINT = 'An agreed proposal becomes stages of a contract with the same client in the same currency.';
    END IF;
    FOR v_line IN SELECT * FROM document_line l WHERE l.document_id = v_document.id AND l.contract_line_id IS NULL ORDER BY l.position, l.id LOOP
        INSERT INTO contract_line (contract_id, kind, item_id, title, amount, cost, starts_on, ends_on)
        VALUES (v_contract.id, 'stage', v_line.item_id, v_line.title, v_line.net, coalesce(v_line.cost, 0), v_line.starts_on, v_line.ends_on)
        RETURNING id INTO v_id;
        UPDATE document_line l SET contract_line_id = v_id WHERE l.id = v_line.id;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION make_stages(bigint, bigint) IS
    'turn the estimate of an agreed proposal into stages of a contract, once; returns how many were made';
SELECT allow('manager', 'execute', 'make_stages');

CREATE FUNCTION make_deal(document bigint, stage text DEFAULT 'invoice') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(make_deal.document);
    v_deal bigint := v_document.deal_id;
BEGIN
    IF v_deal IS NULL THEN
        INSERT INTO deal (client_id, project_id, name, stage, amount, currency, starts_on, ends_on)
        VALUES (v_document.party_id, v_document.project_id, coalesce(v_document.title, document_name(v_document.id)), make_deal.stage,
                coalesce(v_document.gross, (SELECT sum(f.gross) FROM document_figures(v_document.id) f)), v_document.currency,
                v_document.period_from, v_document.period_to)
        RETURNING id INTO v_deal;
        UPDATE document d SET deal_id = v_deal WHERE d.id = v_document.id;
    END IF;
    RETURN v_deal;
END $$;
COMMENT ON FUNCTION make_deal(bigint, text) IS 'make the deal of a report, with its gross amount, and bind the report and what is made of it to the deal; a report has one';
SELECT allow('clerk', 'execute', 'make_deal');

CREATE FUNCTION set_signature(document bigint, status text, by text DEFAULT NULL, ref text DEFAULT NULL, at timestamptz DEFAULT NULL,
                              image bytea DEFAULT NULL, image_type text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(set_signature.document);
BEGIN
    IF v_document.status IN ('draft', 'void', 'superseded') OR v_document.sign_status IN ('signed', 'rejected') AND v_document.sign_status <> set_signature.status
        OR set_signature.status = 'none' THEN
        RAISE EXCEPTION 'the signature of %, which is % and %, cannot become "%"', document_name(v_document.id), v_document.status, v_document.sign_status,
            set_signature.status
            USING ERRCODE = 'restrict_violation', HINT = 'Issued documents are sent to be signed, then signed or rejected, once.';
    END IF;
    UPDATE document d SET sign_status = set_signature.status, sign_at = coalesce(set_signature.at, now()), sign_by = coalesce(set_signature.by, d.sign_by),
           sign_ref = coalesce(set_signature.ref, d.sign_ref), signature = coalesce(set_signature.image, d.signature),
           signature_type = coalesce(set_signature.image_type, d.signature_type)
     WHERE d.id = v_document.id AND d.sign_status <> set_signature.status;
    -- Whoever signs agrees; a bill is agreed by us, not by who sent it.
    IF v_document.status = 'sent' AND v_document.kind <> 'bill' AND set_signature.status IN ('signed', 'rejected')
        AND EXISTS (SELECT FROM document_transition t WHERE t.kind = v_document.kind AND t.from_status = 'sent' AND t.by_hand
                       AND t.to_status = CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END) THEN
        PERFORM transition(v_document.id, CASE set_signature.status WHEN 'signed' THEN 'agreed' ELSE 'rejected' END, 'signature ' || set_signature.status,
                           set_signature.by);
    END IF;
END $$;
COMMENT ON FUNCTION set_signature(bigint, text, text, text, timestamptz, bytea, text) IS
    'keep the state of a document''s signature: sent, signed or rejected, by whom, when, the id at the operator (ref), the image drawn on a phone '
    '(image/png, image/jpeg or image/webp, up to 1 MB). What waits for an answer (a report, act, contract, …) is agreed when it is signed, rejected when its '
    'signature is; the same state again changes nothing';
SELECT allow('clerk', 'execute', 'set_signature');

-- What a month's end asks for: drafts for contracts that want them.
CREATE FUNCTION draft_due_documents(through date) RETURNS TABLE (contract_id bigint, document_id bigint, problem text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_contract record;
    v_filter jsonb;
BEGIN
    FOR v_contract IN
        SELECT c.id, c.auto_bill, lower(period_of(through + 1, c.period, c.anchor_day)) - 1 AS until,
               ARRAY(SELECT g.id FROM contract g WHERE g.id = c.id OR g.parent_id = c.id ORDER BY 1) AS contracts
          FROM contract c WHERE c.auto_bill <> 'none' AND c.parent_id IS NULL AND c.status IN ('active', 'ended') ORDER BY c.id
    LOOP
        contract_id := v_contract.id;
        problem := NULL;
        v_filter := jsonb_build_object('contract', to_jsonb(v_contract.contracts), 'to', v_contract.until);
        BEGIN
            SELECT d.id INTO document_id FROM document d
             WHERE d.kind = v_contract.auto_bill AND d.status = 'draft' AND d.made_from = v_filter AND d.contract_id = v_contract.id LIMIT 1;
            IF FOUND THEN
                PERFORM refresh_draft(document_id);
            ELSE
                document_id := build_over_work(v_contract.auto_bill, v_filter, '{}');
            END IF;
            IF document_id IS NOT NULL THEN  -- nothing to bill is no problem
                RETURN NEXT;
            END IF;
        EXCEPTION
            WHEN transaction_rollback THEN
                RAISE;  -- not the contract's fault: the whole call is tried again
            WHEN OTHERS THEN
                document_id := NULL;
                problem := SQLERRM;
                RETURN NEXT;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION draft_due_documents(date) IS
    'draft the reports or invoices that contracts ask for (contract.auto_bill) over their work of service periods that end on or before a day; running it '
    'again refreshes the drafts; a contract that fails is a row with its problem and stops no other';
SELECT allow('clerk', 'execute', 'draft_due_documents');
