-- ---------------------------------------------------------------------------
-- input: entries as the engine takes them
-- ---------------------------------------------------------------------------

-- What the engine needs to know of entries, looked up afresh.
CREATE FUNCTION fresh_input(p_entries bigint[])
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT x.entry_id, c.id, NULL::bigint, coalesce(c.price_list_id, x.price_list_id, l.id, d.id),
           CASE WHEN f.fixed THEN 'included' ELSE x.disposition END,
           CASE WHEN f.fixed THEN '{"disposition": {"by": "contract_price"}}' ELSE x.disposition_why END,
           k.currency,
           round(r.hourly_cost * CASE WHEN r.currency = k.currency THEN 1
                 ELSE exchange_rate_on(r.currency, k.currency, x.work_date) END, 12),
           round(r.hourly_cost * CASE WHEN r.currency = s.base_currency THEN 1
                 ELSE exchange_rate_on(r.currency, s.base_currency, x.work_date) END, 12),
           b.rate, NULL::bigint, x.instant,
           q.kind,
           CASE q.kind
               WHEN 'two_contracts'
                   THEN 'contracts ' || (SELECT string_agg(m.number, ' and ' ORDER BY m.id) FROM contract m
                                                           WHERE m.id = ANY (x.contracts)) || ' both match'
               WHEN 'no_contract' THEN 'no contract is in force on ' || iso(x.work_date)
               WHEN 'waits_approval' THEN 'waits for approval'
               WHEN 'waits_specification' THEN 'waits for the client to agree a specification of the task'
               WHEN 'no_exchange_rate' THEN format('no exchange rate from %s to %s on %s',
                   CASE WHEN b.rate IS NULL THEN k.currency ELSE r.currency END,
                   CASE WHEN b.rate IS NULL THEN s.base_currency ELSE k.currency END, iso(x.work_date)) END
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
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE v.employee_id = x.employee_id
                         AND v.valid_from <= x.work_date
                          ORDER BY v.valid_from DESC LIMIT 1) m ON true
      LEFT JOIN LATERAL (SELECT v.hourly_cost, v.currency FROM cost_rate v WHERE m.hourly_cost IS NULL
                         AND v.employee_id IS NULL
                            AND v.role = x.role AND v.valid_from <= x.work_date
                                ORDER BY v.valid_from DESC LIMIT 1) o ON true
     CROSS JOIN LATERAL (SELECT coalesce(m.hourly_cost, o.hourly_cost) AS hourly_cost,
                                CASE WHEN m.hourly_cost IS NULL THEN o.currency ELSE m.currency END AS currency) r
     CROSS JOIN LATERAL (SELECT CASE
            WHEN cardinality(x.contracts) > 1 THEN 'two_contracts'
            WHEN x.contracts IS NULL AND x.disposition = 'billable' AND x.client_contracts > 0 THEN 'no_contract'
            WHEN c.needs_approval AND x.approved_at IS NULL AND x.disposition = 'billable' THEN 'waits_approval'
            WHEN c.needs_specification AND x.disposition = 'billable'
                AND NOT specification_agreed(x.task_id) THEN 'waits_specification'
            WHEN b.rate IS NULL OR r.currency <> k.currency
                AND exchange_rate_on(r.currency, k.currency, x.work_date) IS NULL
            THEN 'no_exchange_rate' END AS kind) q;
END;
COMMENT ON FUNCTION fresh_input(bigint[]) IS
    'what rating needs to know of entries as configured now; problem says what stands in the way';

-- The same of entries that are rated already and only follow an earlier one:
-- as stamped on their charges, so that no edit of prices slips in.  Reversed
-- charges and their reversals are history; an entry with a frozen charge is
-- frozen as a whole, and bears on others only where they are rounded together.
CREATE FUNCTION stamped_input(p_base bigint, p_from timestamptz, p_to timestamptz, p_changed bigint[],
                              p_grouped boolean)
    RETURNS SETOF rating_input
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT h.time_entry_id, p_base, min(h.terms_id), min(h.price_list_id),
           CASE WHEN min(h.coverage) IN ('no_charge', 'non_billable') THEN min(h.coverage)
                WHEN bool_and(h.coverage = 'included' AND h.allotment_id IS NULL) THEN 'included' ELSE 'billable' END,
           (array_agg(h.why) FILTER (WHERE h.coverage IN ('no_charge', 'non_billable')
                                           OR h.coverage = 'included' AND h.allotment_id IS NULL))[1],
           min(h.currency), min(h.cost_rate), min(h.base_cost_rate), min(h.base_rate),
           CASE WHEN bool_or(h.settled) THEN sum(h.billed_s)::bigint END, min(h.started_at), NULL::text, NULL::text
      FROM charge h
     WHERE h.contract_id IN (SELECT c.id FROM contract c WHERE c.id = p_base UNION ALL SELECT c.id FROM contract c
                             WHERE c.parent_id = p_base)
       AND h.started_at >= p_from AND h.started_at < p_to AND h.time_entry_id IS NOT NULL AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id)
       AND (NOT h.settled OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id))
     GROUP BY h.time_entry_id
    HAVING p_grouped OR NOT bool_or(h.settled);
END;
COMMENT ON FUNCTION stamped_input(bigint, timestamptz, timestamptz, bigint[], boolean) IS
    'what rating needs to know of the entries of a contract between two instants, as it was when they were rated; '
    'frozen ones only where entries are rounded in groups';

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
                    ELSE ARRAY(SELECT b.body FROM unnest(t.ids) WITH ORDINALITY o (id, no)
                               JOIN terms_document b USING (id) ORDER BY o.no) END AS bodies
          FROM known k
          LEFT JOIN unnest(p_contracts, p_terms) n (contract_id, terms_id) ON n.contract_id = k.contract
         CROSS JOIN LATERAL (SELECT n.terms_id || array_remove(k.terms, n.terms_id) AS ids) t
    ), batch AS (
        SELECT g.contract, array_agg(ROW(e.id, e.started_at, e.ended_at, e.work_date, e.worked_s, e.billable_s, e.price,
                                         i.price_list_id,
                   i.disposition, e.employee_id, m.role, coalesce(e.work_type_id, t.work_type_id), e.task_id,
                       i.cost_rate, i.base_cost_rate,
                   i.frozen_s, coalesce(array_position(g.ids, i.terms_id), 1))::rating_entry) AS entries
          FROM unnest(p_input) i
          JOIN grp g ON g.contract = coalesce(i.contract_id, 0)
          JOIN time_entry e ON e.id = i.entry_id
          JOIN employee m ON m.id = e.employee_id
          JOIN task t ON t.id = e.task_id
         WHERE i.problem IS NULL
         GROUP BY 1
    )
    SELECT s, i FROM batch b JOIN grp g USING (contract) CROSS JOIN LATERAL rate(g.bodies, b.entries, p_state) s
      JOIN unnest(p_input) i ON i.entry_id = s.entry_id
     ORDER BY s.entry_id, s.segment;
END;
COMMENT ON FUNCTION rate_input(rating_input[], bigint[], bigint[], jsonb) IS
    'the segments that the engine makes of entries; p_terms are the ids of the terms now in force, one for each of '
    'p_contracts';

-- Fresh entries are rated by the terms of now, which are stamped for it.
CREATE FUNCTION stamp_input(INOUT p_input rating_input[], OUT contracts bigint[], OUT terms bigint[])
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    SELECT array_agg(c.id), array_agg((stamp_terms(c.id)).id) INTO contracts, terms
      FROM (SELECT DISTINCT i.contract_id AS id FROM unnest(p_input) i WHERE i.contract_id IS NOT NULL
            AND i.problem IS NULL ORDER BY 1) c;
    IF cardinality(contracts) = 1 THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, CASE WHEN i.contract_id = contracts[1] THEN terms[1] END,
                       i.price_list_id, i.disposition,
                       i.disposition_why, i.currency, i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant,
                           i.problem_kind, i.problem)::rating_input
              FROM unnest(p_input) i);
    ELSIF contracts IS NOT NULL THEN
        p_input := ARRAY(
            SELECT ROW(i.entry_id, i.contract_id, n.terms_id, i.price_list_id, i.disposition, i.disposition_why,
                       i.currency,
                       i.cost_rate, i.base_cost_rate, i.base_rate, i.frozen_s, i.instant, i.problem_kind,
                           i.problem)::rating_input
              FROM unnest(p_input) i LEFT JOIN unnest(contracts, terms) n (contract_id, terms_id) USING (contract_id));
    END IF;
END $$;
COMMENT ON FUNCTION stamp_input(rating_input[]) IS
    'give fresh entries the terms their contracts have now, and say which contracts these are';
