-- ---------------------------------------------------------------------------
-- report: documents over work
-- ---------------------------------------------------------------------------

-- The work that a filter finds is read once: the client is held, so nobody takes
-- it away meanwhile.  What was read is locked and looked at once more, by id.
CREATE FUNCTION found_charges(p_filter jsonb, p_client bigint) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    RETURN ARRAY(SELECT f.charge_id FROM filtered_charge(p_filter, p_client) f ORDER BY 1);
END $$;
COMMENT ON FUNCTION found_charges(jsonb, bigint) IS 'ids of the free charges of a client that a filter finds';

CREATE FUNCTION claim_charges(p_document document, p_charges bigint[]) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
BEGIN
    PERFORM FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id FOR NO KEY UPDATE;
    RETURN cardinality(put_lines(ARRAY(
        SELECT work_line(p_document, h.id)
          FROM charge h
          LEFT JOIN contract k ON k.id = h.contract_id
         WHERE h.id = ANY (p_charges) AND fits_document(h, k, p_document)
           -- OFFSET 0: one charge at a time, by index
           AND NOT EXISTS (SELECT FROM charge_claim c WHERE c.charge_id = h.id OFFSET 0)
         ORDER BY h.id)));
END $$;
COMMENT ON FUNCTION claim_charges(document, bigint[]) IS
    'reserve those of these charges for a draft that fit it and that no other document keeps; returns how many';

CREATE FUNCTION build_over_work(p_kind text, p_filter jsonb, p_options jsonb) RETURNS bigint
    LANGUAGE plpgsql SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_client bigint := check_filter(p_filter);
    v_charges bigint[];
    v_head record;
    v document;
BEGIN
    PERFORM check_keys(p_options, 'options',
                       '{title,positions,discount_pct,discount_amount,note,deal,issued_on,due_on}');
    IF p_options ->> 'positions' NOT IN ('task', 'employee', 'day', 'none') THEN
        RAISE EXCEPTION 'unknown positions "%"', p_options ->> 'positions'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Positions are by task, employee, day, or none.';
    END IF;
    IF p_options ?& '{discount_pct,discount_amount}' THEN
        RAISE EXCEPTION 'a document has one discount'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give discount_pct or discount_amount.';
    END IF;
    PERFORM lock_parties(ARRAY[v_client]);
    v_charges := found_charges(p_filter, v_client);
    SELECT array_agg(DISTINCT h.currency ORDER BY h.currency) AS currencies,
           array_agg(DISTINCT CASE WHEN k.tax_inclusive THEN 'included' ELSE 'added' END || ' by ' || k.tax_level)
               FILTER (WHERE k.id IS NOT NULL) AS terms,
           bool_or(k.tax_inclusive) AS tax_inclusive, min(k.tax_level) AS tax_level,
           array_agg(DISTINCT k.own_id) FILTER (WHERE k.own_id IS NOT NULL) AS owns,
           CASE WHEN count(DISTINCT coalesce(k.parent_id, k.id)) = 1 AND count(*) = count(k.id)
                THEN min(coalesce(k.parent_id, k.id)) END AS contract_id,
           CASE WHEN count(DISTINCT h.project_id) = 1 AND count(*) = count(h.project_id)
               THEN min(h.project_id) END AS project_id,
           CASE WHEN count(DISTINCT h.task_id) = 1 AND count(*) = count(h.task_id) THEN min(h.task_id) END AS task_id,
           CASE WHEN count(DISTINCT h.deal_id) = 1 AND count(*) = count(h.deal_id) THEN min(h.deal_id) END AS deal_id
      INTO v_head
      FROM charge h
      LEFT JOIN contract k ON k.id = h.contract_id
     WHERE h.id = ANY (v_charges) AND (p_kind = 'report' OR coalesce(h.gross, h.amount) <> 0);
    IF v_head.currencies IS NULL THEN
        RETURN NULL;
    END IF;
    IF cardinality(v_head.currencies) > 1 OR cardinality(v_head.terms) > 1 OR cardinality(v_head.owns) > 1 THEN
        RAISE EXCEPTION 'this work cannot stand on one %: it has several %', p_kind,
            CASE WHEN cardinality(v_head.currencies) > 1 THEN 'currencies'
                 WHEN cardinality(v_head.owns) > 1 THEN 'own companies' ELSE 'terms of tax' END
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = CASE WHEN cardinality(v_head.currencies) > 1 THEN array_to_string(v_head.currencies, ', ')
                              WHEN cardinality(v_head.owns) > 1
                              THEN (SELECT string_agg(o.name, ', ' ORDER BY o.id) FROM party o
                                    WHERE o.id = ANY (v_head.owns))
                              ELSE 'Tax is ' || array_to_string(v_head.terms, ', ') || '.' END,
                HINT = 'Add "contract" or "currency" to the filter and make one for each.';
    END IF;
    v.kind := p_kind;
    v.own_id := coalesce(v_head.owns[1], default_own());
    v.party_id := v_client;
    v.contract_id := v_head.contract_id;
    v.project_id := v_head.project_id;
    v.task_id := v_head.task_id;
    v.deal_id := coalesce((p_options ->> 'deal')::bigint, v_head.deal_id);
    v.title := p_options ->> 'title';
    v.period_from := iso_date(p_filter ->> 'from');
    v.period_to := iso_date(p_filter ->> 'to');
    v.made_from := p_filter;
    v.positions := p_options ->> 'positions';
    v.currency := v_head.currencies[1];
    v.tax_inclusive := v_head.tax_inclusive;
    v.tax_level := v_head.tax_level;
    v.discount_pct := (p_options ->> 'discount_pct')::numeric;
    v.discount_amount := (p_options ->> 'discount_amount')::numeric;
    v.issued_on := given_date(p_options, 'issued_on');
    v.due_on := given_date(p_options, 'due_on');
    v.note := p_options ->> 'note';
    v.id := put_document(v);
    v := document_of(v.id);
    IF claim_charges(v, v_charges) = 0 THEN
        RAISE EXCEPTION 'the work for this filter was taken by another document meanwhile'
            USING ERRCODE = 'restrict_violation', HINT = 'View unbilled shows what is left.';
    END IF;
    RETURN v.id;
END $$;
COMMENT ON FUNCTION build_over_work(text, jsonb, jsonb) IS
    'make a draft report or invoice over the free work that a filter finds; NULL when there is none';

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
    RAISE EXCEPTION 'there is no free work of client "%" for this filter',
        (SELECT p.name FROM party p WHERE p.id = v_client)
        USING ERRCODE = 'restrict_violation',
            DETAIL = coalesce('Unbilled work of this client is kept by ' || v_held || '.',
                              'Filter: ' || p_filter::text),
            HINT = 'View unbilled shows what is not billed and which document keeps it.';
END $$;
COMMENT ON FUNCTION refuse_no_work(jsonb) IS
    'raise (23001) that a filter finds no free work, naming the documents that keep what there is';

CREATE FUNCTION build_report(filter jsonb, options jsonb DEFAULT '{}') RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_filter jsonb := resolve_names(json_argument(filter));
BEGIN
    RETURN coalesce(build_over_work('report', v_filter, json_argument(options)), refuse_no_work(v_filter));
END $$;
COMMENT ON FUNCTION build_report(jsonb, jsonb) IS
    'make a draft report of a client''s free work and reserve it: billable work, and at zero what is included or not '
    'charged. filter: client, contract, project (with those below it), task, deal, direction, employee (names or ids, '
    'one or an array; a contract by its number), work_type (codes), task_status, coverage, period (YYYY-MM, or first '
    'day of a service period), from, to (work dates, included), paid_pct_from, paid_pct_to (percent of the task that '
    'is paid), currency, charges. options: title, positions (task, employee, day, none), discount_pct or '
    'discount_amount, note, deal, issued_on, due_on. Refused: no free work (23001), unknown keys, several currencies '
    '(22023)';
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
    'make a draft invoice straight over a client''s free billable work (a ticket, a contract''s period), without a '
    'report; issue_invoice() issues it. Filter and options as of build_report()';
SELECT allow('clerk', 'execute', 'build_invoice');

CREATE FUNCTION refresh_draft(document bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_document document := open_document(refresh_draft.document);
BEGIN
    IF NOT (state_of(v_document)).draft OR v_document.kind <> ALL (kinds_made_of('work'))
        OR v_document.made_from IS NULL THEN
        RAISE EXCEPTION '% is no draft over work', document_name(v_document.id)
            USING ERRCODE = 'restrict_violation',
                HINT = 'Only drafts made by build_report() or build_invoice() follow their work.';
    END IF;
    DELETE FROM document_line l USING charge h LEFT JOIN contract k ON k.id = h.contract_id
     WHERE l.document_id = v_document.id AND h.id = l.charge_id AND NOT fits_document(h, k, v_document);
    PERFORM claim_charges(v_document, found_charges(v_document.made_from, v_document.party_id));
    RETURN (SELECT count(*) FROM document_line l WHERE l.document_id = v_document.id);
END $$;
COMMENT ON FUNCTION refresh_draft(bigint) IS
    'let a draft follow its filter: takes new free work in and what does not fit any more out; returns the number of '
    'its lines';
SELECT allow('clerk', 'execute', 'refresh_draft');
