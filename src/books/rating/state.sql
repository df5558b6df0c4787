-- ---------------------------------------------------------------------------
-- state: what is left of allotments and caps
-- ---------------------------------------------------------------------------

CREATE FUNCTION is_committed(p_entry bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = p_entry AND h.committed);
END $$;
COMMENT ON FUNCTION is_committed(bigint) IS
    'has a time entry a frozen or held charge that was not reversed? Then it is left as it is, as a whole';

-- Burns and cap use of the charges that stay as they are: not of the changed
-- entries, and from p_from on only of entries that are frozen, or of all (p_all).
CREATE FUNCTION allotment_state(p_base bigint, p_changed bigint[], p_from timestamptz, p_all boolean DEFAULT false)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_since date := CASE WHEN EXISTS (SELECT FROM capped_contract q WHERE q.base_id = p_base AND q.by_period)
                         THEN period_at(p_base, p_from) END;
BEGIN
    RETURN (
    SELECT jsonb_build_object(
        'draw_from', o.opens_at,
        'allotments', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'contract', a.contract_id, 'kind', a.kind, 'unit',
                                                         a.unit,
                       'remaining', a.amount - coalesce(b.burned, 0) - r.reserved, 'priority', a.priority,
                       'effective_at', a.effective_at,
                       'expires_at', a.expires_at, 'scope', to_jsonb(a.scope_work_types),
                       'rolls_over', n.rollover_max > 0 AND a.kind = 'included', 'line', n.id) ORDER BY a.id), '[]')
              FROM allotment a
              LEFT JOIN contract_line n ON n.id = a.contract_line_id
              LEFT JOIN LATERAL (
                SELECT sum(h.burned) AS burned FROM charge h
                 WHERE h.allotment_id = a.id AND (h.time_entry_id IS NULL OR h.committed
                    OR (h.started_at < p_from OR p_all OR is_committed(h.time_entry_id))
                       AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))) b ON true
             CROSS JOIN LATERAL (SELECT carried_held(a) AS reserved) r
             WHERE a.contract_id = ANY (o.contracts) AND a.voided_at IS NULL
               AND a.amount > coalesce(b.burned, 0) + r.reserved
               AND (a.expires_at > o.opens_at OR a.expires_at IS NULL OR o.opens_at IS NULL)),
        'used', (
            SELECT coalesce(jsonb_agg(jsonb_build_object('contract', u.contract_id, 'day', u.day, 'amount', u.amount,
                                                         'seconds', u.seconds) ORDER BY u.contract_id, u.day), '[]')
              FROM (SELECT h.contract_id, CASE WHEN q.by_period AND h.service_date >= v_since THEN h.service_date END
                               AS day, sum(coalesce(h.gross, h.amount)) AS amount,
                           sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS seconds
                      FROM capped_contract q JOIN charge h ON h.contract_id = q.contract_id
                     WHERE q.contract_id = ANY (o.contracts) AND (q.in_all OR h.service_date >= v_since)
                       AND (h.source = 'time' OR h.source = 'item')
                       AND (h.time_entry_id IS NULL OR h.committed
                            OR (h.started_at < p_from OR p_all OR is_committed(h.time_entry_id))
                               AND NOT EXISTS (SELECT FROM unnest(p_changed) x (id) WHERE x.id = h.time_entry_id))
                     GROUP BY 1, 2) u))
      FROM (SELECT ARRAY(SELECT c.id FROM contract c WHERE c.id = b.id UNION ALL SELECT c.id FROM contract c
                         WHERE c.parent_id = b.id) AS contracts,
                   (SELECT max(p.period_end) FROM billing_period p WHERE p.contract_id = b.id)::timestamp
                       AT TIME ZONE coalesce(z.zone, s.zone) AS opens_at
              FROM contract b CROSS JOIN setting s LEFT JOIN calendar z ON z.id = b.calendar_id
             WHERE b.id = p_base) o);
END $$;
COMMENT ON FUNCTION allotment_state(bigint, bigint[], timestamptz, boolean) IS
    'what is left of a contract group''s allotments and caps for work from an instant on, without the provisional '
    'charges of the changed entries and (but with p_all) of all entries from then on; work of closed periods draws on '
    'what the open period has (draw_from)';

-- A sum that changes as charges do: what entries take now, added to a sum.
CREATE FUNCTION add_use(p_sum allotment_use[], p_entries bigint[], p_sign int) RETURNS allotment_use[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(t.contract_id, t.allotment_id, sum(t.burned), sum(t.amount), sum(t.billed_s),
                   t.period_start)::allotment_use
          FROM (SELECT * FROM unnest(p_sum)
                UNION ALL
                SELECT h.contract_id, h.allotment_id, p_sign * h.burned, u.amount, u.billed_s, u.period_start
                  FROM unnest(p_entries) x (id)
                  JOIN charge h ON h.time_entry_id = x.id AND NOT h.committed
                  JOIN contract c ON c.id = h.contract_id
                  JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
                 CROSS JOIN LATERAL (
                    SELECT CASE WHEN c.cap_amount IS NOT NULL THEN p_sign * coalesce(h.gross, h.amount) END AS amount,
                           CASE WHEN c.cap_s IS NOT NULL AND h.coverage = 'billable' THEN p_sign * h.billed_s END
                               AS billed_s, NULL::date AS period_start
                     WHERE h.allotment_id IS NOT NULL OR num_nonnulls(c.cap_amount, c.cap_s) > 0
                    UNION ALL
                    SELECT CASE WHEN c.period_cap_amount IS NOT NULL THEN p_sign * coalesce(h.gross, h.amount) END,
                           CASE WHEN c.period_cap_s IS NOT NULL AND h.coverage = 'billable'
                                THEN p_sign * h.billed_s END,
                           lower(service_period(b, h.service_date))
                     WHERE h.allotment_id IS NULL AND num_nonnulls(c.period_cap_amount, c.period_cap_s) > 0) u) t
         GROUP BY t.contract_id, t.allotment_id, t.period_start
        HAVING sum(t.burned) <> 0 OR sum(t.amount) <> 0 OR sum(t.billed_s) <> 0);
END $$;
COMMENT ON FUNCTION add_use(allotment_use[], bigint[], int) IS
    'add (p_sign 1) or subtract (-1) what the provisional charges of entries take from allotments and caps; empty when '
    'all is nil';
