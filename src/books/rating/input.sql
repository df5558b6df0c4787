-- ---------------------------------------------------------------------------
-- input: entries as the engine takes them
-- ---------------------------------------------------------------------------

-- What becomes of a part of an entry that is billed by the hour may differ from part to
-- part, so of its parts the first word of the alphabet is the entry's.
CREATE FUNCTION charged_disposition(p_coverage text, p_allotment bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_coverage IN ('no_charge', 'non_billable') THEN p_coverage
                WHEN p_coverage = 'included' AND p_allotment IS NULL THEN 'included' ELSE 'billable' END;
END;
COMMENT ON FUNCTION charged_disposition(text, bigint) IS
    'as what a part of an entry was rated, by its coverage and what it draws on; the least of its parts is that of '
    'the entry';

CREATE FUNCTION open_work(p_entry bigint, OUT contract_id bigint, OUT terms_id bigint, OUT price_list_id bigint,
                          OUT role text, OUT employee_id bigint, OUT client_id bigint, OUT project_id bigint,
                          OUT work_type_id bigint, OUT disposition text, OUT why jsonb, OUT cost_rate numeric,
                          OUT base_cost_rate numeric, OUT base_rate numeric)
    RETURNS SETOF record
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT min(coalesce(c.parent_id, h.contract_id)), min(h.terms_id), min(h.price_list_id), min(h.role),
           min(h.employee_id), min(h.client_id), min(h.project_id), min(h.work_type_id), min(d.disposition),
           (array_agg(h.why) FILTER (WHERE d.disposition <> 'billable'))[1], min(h.cost_rate), min(h.base_cost_rate),
           min(h.base_rate)
      FROM charge h
      LEFT JOIN contract c ON c.id = h.contract_id
     CROSS JOIN LATERAL (SELECT charged_disposition(h.coverage, h.allotment_id) AS disposition) d
     WHERE h.time_entry_id = p_entry AND h.source = 'time' AND NOT h.committed
    HAVING count(*) > 0;
END;
COMMENT ON FUNCTION open_work(bigint) IS
    'as what the open charges of an entry were rated: one row, none where it has none; contract_id is the base''s';

CREATE FUNCTION stamp_of(p_entry bigint, OUT contract_id bigint, OUT terms_id bigint, OUT price_list_id bigint,
                         OUT employee_id bigint, OUT role text, OUT project_id bigint)
    RETURNS SETOF record
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.contract_id, o.terms_id, o.price_list_id, o.employee_id, o.role, o.project_id FROM open_work(p_entry) o
    UNION ALL
    SELECT r.contract_id, r.terms_id, r.price_list_id, r.employee_id, r.role, r.project_id
      FROM rating_problem r WHERE r.time_entry_id = p_entry;
END;
COMMENT ON FUNCTION stamp_of(bigint) IS
    'as what an entry was priced: by its open charges, or by those it had before something came in the way';

-- What an entry is about and what it costs is looked up afresh.  With p_follow the
-- terms, the price list and the role that it was priced by stay, as long as it is
-- under the same contract: so work follows its facts, and no edit of prices slips in.
CREATE FUNCTION entry_input(p_entries bigint[], p_follow boolean DEFAULT false)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id AS contract_id, p.terms_id,
           coalesce(p.price_list_id, c.price_list_id, x.price_list_id, l.id, d.id) AS price_list_id,
           CASE WHEN f.fixed THEN 'included' ELSE x.disposition END AS disposition,
           CASE WHEN f.fixed THEN '{"disposition": {"by": "contract_price"}}'
                ELSE x.disposition_why END AS disposition_why,
           k.currency,
           r.cost_rate, r.base_cost_rate,
           b.rate AS base_rate, NULL::bigint AS frozen_s, x.instant,
           q.kind AS problem_kind,
           CASE q.kind
               WHEN 'two_contracts'
                   THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m
                                                           WHERE m.id = ANY (x.contracts)) || ' both match'
               WHEN 'no_contract' THEN 'no contract is in force on ' || iso(x.work_date)
               WHEN 'waits_approval' THEN 'waits for approval'
               WHEN 'waits_specification' THEN 'waits for the client to agree a specification of the task'
               WHEN 'no_exchange_rate'
                   THEN format('no exchange rate from %s to %s on %s', k.currency, s.base_currency, iso(x.work_date))
               END AS problem, y.role
      FROM entry_context(p_entries) x
     CROSS JOIN setting s
      LEFT JOIN contract c ON c.id = x.contracts[1]
     -- hours are in the price of the stages, unless the entry says otherwise
     CROSS JOIN LATERAL (SELECT c.model = 'fixed_price' AND x.disposition = 'billable' AND NOT x.overridden AS fixed) f
     CROSS JOIN LATERAL (SELECT coalesce(c.currency, s.base_currency) AS currency) k
     CROSS JOIN LATERAL (SELECT CASE WHEN k.currency = s.base_currency THEN 1::numeric
                                     ELSE exchange_rate_on(k.currency, s.base_currency, x.work_date) END AS rate) b
      LEFT JOIN price_list l ON l.client_id = x.client_id AND l.currency = k.currency
      LEFT JOIN price_list d ON d.is_default AND d.currency = k.currency
      LEFT JOIN LATERAL (SELECT o.terms_id, o.role, true AS is_stamped,
                                CASE WHEN o.project_id = x.project_id THEN o.price_list_id END AS price_list_id
                           FROM stamp_of(x.entry_id) o
                          WHERE p_follow AND o.contract_id IS NOT DISTINCT FROM c.id
                            AND o.employee_id = x.employee_id) p ON true
     CROSS JOIN LATERAL (SELECT CASE WHEN p.is_stamped THEN p.role ELSE x.role END AS role) y
     CROSS JOIN LATERAL cost_rate_on(x.employee_id, y.role, x.work_date, k.currency, s.base_currency) r
     CROSS JOIN LATERAL (SELECT CASE
            WHEN cardinality(x.contracts) > 1 THEN 'two_contracts'
            WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0 THEN 'no_contract'
            WHEN c.needs_approval AND x.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits_approval'
            WHEN c.needs_specification AND x.disposition = 'billable'
                AND NOT specification_agreed(x.task_id) THEN 'waits_specification'
            WHEN b.rate IS NULL THEN 'no_exchange_rate' END AS kind) q;
END;
COMMENT ON FUNCTION entry_input(bigint[], boolean) IS
    'what rating needs to know of entries: as configured now, or (p_follow) as their facts are now, at the prices that '
    'were stamped on their open charges; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.  Reversed
-- charges and their reversals are history; an entry with a frozen charge is
-- frozen as a whole, and bears on others only where they are rounded together.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_to timestamptz, p_changed bigint[],
                              p_span rating_span)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id AS entry_id, p_base AS contract_id, min(h.terms_id) AS terms_id,
           min(h.price_list_id) AS price_list_id, min(d.disposition) AS disposition,
           (array_agg(h.why) FILTER (WHERE d.disposition <> 'billable'))[1] AS disposition_why,
           min(h.currency) AS currency, min(h.cost_rate) AS cost_rate, min(h.base_cost_rate) AS base_cost_rate,
           min(h.base_rate) AS base_rate,
           CASE WHEN bool_or(h.committed) THEN sum(h.billed_s)::bigint END AS frozen_s, min(h.started_at) AS instant,
           NULL::text AS problem_kind, NULL::text AS problem, min(h.role) AS role
      FROM charge h
     CROSS JOIN LATERAL (SELECT charged_disposition(h.coverage, h.allotment_id) AS disposition) d
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                             WHERE c.parent_id = p_base)
       AND h.started_at >= p_from AND h.started_at < p_to AND h.source = 'time' AND h.reverses_id IS NULL
       AND ((p_span).tasks IS NULL OR h.task_id = ANY ((p_span).tasks))
       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id)
       AND (NOT h.committed OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id))
     GROUP BY h.time_entry_id
    HAVING ((p_span).grouped OR NOT bool_or(h.committed))
       AND ((p_span).days IS NULL OR min(h.service_date) <@ (p_span).days);
END;
COMMENT ON FUNCTION stamped_input(bigint, timestamptz, timestamptz, bigint[], rating_span) IS
    'what rating needs to know of the entries of a contract between two instants, and of the tasks and days of a span, '
    'as it was when they were rated; frozen ones only where entries are rounded in groups';

-- A function of its inputs: what the contracts make of these entries.
CREATE FUNCTION rate_input(p_input rating_input[], p_contracts bigint[], p_terms bigint[], p_state jsonb)
    RETURNS SETOF rated_entry
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH known AS (
        SELECT coalesce(i.contract_id, 0) AS contract,
            array_agg(DISTINCT i.terms_id) FILTER (WHERE i.terms_id IS NOT NULL) AS terms
          FROM unnest(p_input) i WHERE i.problem IS NULL GROUP BY 1
    ), grp AS MATERIALIZED (
        SELECT k.contract, t.ids, CASE WHEN k.contract = 0 THEN ARRAY[uncontracted_terms()]
                    -- OFFSET 0: each by its id, not all contracts
                    ELSE ARRAY(SELECT b.body FROM unnest(t.ids) WITH ORDINALITY o (id, no)
                                CROSS JOIN LATERAL (SELECT d.body FROM terms_document d WHERE d.id = o.id OFFSET 0) b
                                ORDER BY o.no) END AS bodies
          FROM known k
          LEFT JOIN unnest(p_contracts, p_terms) n (contract_id, terms_id) ON n.contract_id = k.contract
         CROSS JOIN LATERAL (SELECT n.terms_id || array_remove(k.terms, n.terms_id) AS ids) t
    ), batch AS (
        SELECT g.contract, array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price,
                                         i.price_list_id,
                   i.disposition, e.employee_id, i.role, coalesce(e.work_type_id, t.work_type_id), e.task_id,
                       i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.ids, i.terms_id), 1))::rating_entry) AS entries
          FROM unnest(p_input) i
          JOIN grp g ON g.contract = coalesce(i.contract_id, 0)
          JOIN time_entry e ON e.id = i.entry_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    ), call AS MATERIALIZED (  -- or it could be made of each pair of contracts, and most of them dropped after
        SELECT g.bodies, b.entries FROM batch b JOIN grp g USING (contract)
    )
    SELECT s, i FROM call c CROSS JOIN LATERAL rate(c.bodies, c.entries, p_state) s
      JOIN unnest(p_input) i ON i.entry_id = s.entry_id
     ORDER BY s.entry_id, s.segment;
END;
COMMENT ON FUNCTION rate_input(rating_input[], bigint[], bigint[], jsonb) IS
    'the segments that the engine makes of entries; p_terms are the ids of the terms now in force, one for each of '
    'p_contracts';

-- What was not stamped before is rated by the terms of now, which are stamped for it.
CREATE FUNCTION stamp_input(INOUT p_input rating_input[], OUT contracts bigint[], OUT terms bigint[])
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT array_agg(c.id), array_agg((stamp_terms(c.id)).id) INTO contracts, terms
      FROM (SELECT DISTINCT i.contract_id AS id FROM unnest(p_input) i WHERE i.contract_id IS NOT NULL
            AND i.problem IS NULL ORDER BY 1) c;
    FOR i IN 1 .. coalesce(cardinality(p_input), 0) LOOP
        IF p_input[i].terms_id IS NULL THEN
            p_input[i].terms_id := terms[array_position(contracts, p_input[i].contract_id)];
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION stamp_input(rating_input[]) IS
    'give entries that have none the terms their contracts have now, and say which contracts these are';
