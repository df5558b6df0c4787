-- ---------------------------------------------------------------------------
-- grant: hours and money that the calendar gives
--
-- A recurring line gives its included hours for each service period, on its own
-- days in it, whether somebody works or not.  A row of allotment is made where
-- work needs one; it follows its line until its period is closed.
-- ---------------------------------------------------------------------------

CREATE FUNCTION due_grants(p_base bigint, p_span daterange)
    RETURNS TABLE (line_id bigint, contract_id bigint, unit text, amount numeric, priority integer,
                   effective_at timestamptz, expires_at timestamptz, period_start date, scope_work_types bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.id, c.id, u.unit, g.amount, n.priority,
           lower(a.days)::timestamp AT TIME ZONE contract_zone(b.calendar_id),
           upper(a.days)::timestamp AT TIME ZONE contract_zone(b.calendar_id), lower(p_span), n.scope_work_types
      FROM contract b
      JOIN contract c ON c.id = b.id OR c.parent_id = b.id
      JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring'
       AND num_nonnulls(n.included_s, n.included_amount) = 1
     CROSS JOIN LATERAL (SELECT p_span * line_days(n, c, b) AS days) a
     CROSS JOIN LATERAL (SELECT CASE WHEN n.included_s IS NULL THEN 'money' ELSE 'seconds' END AS unit) u
     CROSS JOIN LATERAL (
        SELECT CASE WHEN NOT n.prorate_included THEN coalesce(n.included_s, n.included_amount)
                    ELSE prorate(coalesce(n.included_s, n.included_amount), p_span, a.days, n.prorate,
                                 CASE u.unit WHEN 'money' THEN currency_exponent(c.currency) ELSE 0 END) END AS amount
         WHERE NOT isempty(a.days)) g
     WHERE b.id = p_base AND NOT isempty(a.days) AND g.amount > 0;
END;
COMMENT ON FUNCTION due_grants(bigint, daterange) IS
    'included hours and money that a contract and its companions give in one service period: for the days on which the '
    'line is in force in it, the whole amount unless it is to be prorated';

CREATE FUNCTION grant_included(p_base bigint, p_days date[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at, expires_at,
                           period_start, scope_work_types)
    SELECT d.contract_id, d.line_id, 'included', d.unit, d.amount, d.priority, d.effective_at, d.expires_at,
           d.period_start, d.scope_work_types
      FROM contract b
     CROSS JOIN LATERAL (SELECT DISTINCT service_period(b, x.day) AS span FROM unnest(p_days) x (day)) s
     CROSS JOIN LATERAL due_grants(b.id, s.span) d
     WHERE b.id = p_base
       AND NOT EXISTS (SELECT FROM billing_period q WHERE q.contract_id = p_base AND q.period_end >= upper(s.span))
       AND NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id
                       AND a.period_start = d.period_start AND a.kind = 'included')
     ORDER BY d.contract_id, d.line_id, d.period_start
    ON CONFLICT (contract_line_id, period_start) WHERE kind = 'included' DO NOTHING;
END $$;
COMMENT ON FUNCTION grant_included(bigint, date[]) IS
    'make the allotments of included hours or money for the open service periods of these days, once each: hours of a '
    'closed period can be used no more and are not given';

CREATE FUNCTION last_allotment(p_base bigint) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT max(a.id) FROM contract c JOIN allotment a ON a.contract_id = c.id WHERE c.id = p_base
        OR c.parent_id = p_base;
END;
COMMENT ON FUNCTION last_allotment(bigint) IS
    'the allotment that a contract group was granted last; NULL when it has none';

-- Never below what billed work took of it: that stays, and is said when it is undone.
CREATE FUNCTION follow_grants(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_group CONSTANT bigint[] := contract_group(p_base.id);
    v_opens CONSTANT date := lower((open_period(p_base)).span);
BEGIN
    UPDATE allotment a
       SET unit = n.unit, amount = n.amount, priority = n.priority, effective_at = n.effective_at,
           expires_at = n.expires_at,
           scope_work_types = n.scope_work_types, voided_at = n.voided_at
      FROM (SELECT x.id, d.unit, greatest(d.amount, allotment_held(x.id)) AS amount, d.priority, d.effective_at,
                   d.expires_at, d.scope_work_types, NULL::timestamptz AS voided_at
              FROM allotment x
              JOIN LATERAL due_grants(p_base.id, service_period(p_base, x.period_start)) d
                ON (d.line_id, d.period_start) = (x.contract_line_id, x.period_start)
             WHERE x.contract_id = ANY (v_group) AND x.kind = 'included' AND x.period_start >= v_opens
            UNION ALL
            SELECT x.id, x.unit, CASE WHEN h.held > 0 THEN h.held ELSE x.amount END, x.priority, x.effective_at,
                   x.expires_at, x.scope_work_types, CASE WHEN h.held = 0 THEN coalesce(x.voided_at, now()) END
              FROM allotment x
             CROSS JOIN LATERAL (SELECT allotment_held(x.id) AS held) h
             WHERE x.contract_id = ANY (v_group) AND x.kind = 'included' AND x.period_start >= v_opens
               AND NOT EXISTS (SELECT FROM due_grants(p_base.id, service_period(p_base, x.period_start)) d
                                WHERE (d.line_id, d.period_start) = (x.contract_line_id, x.period_start))) n
     WHERE a.id = n.id
       AND (a.unit, a.amount, a.priority, a.effective_at, a.expires_at, a.scope_work_types, a.voided_at)
           IS DISTINCT FROM
           (n.unit, n.amount, n.priority, n.effective_at, n.expires_at, n.scope_work_types, n.voided_at);
    PERFORM grant_included(p_base.id, ARRAY(
        SELECT h.period_start FROM charge h
         WHERE h.contract_id = ANY (v_group) AND NOT h.committed AND h.source = 'time'
        UNION
        SELECT upper(line_days(n, c, p_base)) - 1 FROM contract c JOIN contract_line n ON n.contract_id = c.id
         WHERE c.id = ANY (v_group) AND n.kind = 'recurring' AND upper(line_days(n, c, p_base)) > v_opens
           AND EXISTS (SELECT FROM contract_line m WHERE m.replaces_id = n.id)));
END $$;
COMMENT ON FUNCTION follow_grants(contract) IS
    'the allotments of open periods are what the lines give now: amount, days, kinds of work, or nothing; those that '
    'open work can draw on, and those of lines that are replaced, are made where there are none';
