-- ---------------------------------------------------------------------------
-- limit problems: what is eaten was there, and no cap is exceeded
-- ---------------------------------------------------------------------------

-- Seconds follow the clock, so that the worked ones before a charge tell where it
-- began; what rounding moves is a second of either kind.
CREATE FUNCTION burn_time() RETURNS TABLE (charge_id bigint, began timestamptz, ended timestamptz, slack interval)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH part AS (
        SELECT h.id, h.time_entry_id, h.started_at, h.allotment_id, h.worked_s::float8 AS worked_s,
               sum(h.worked_s) OVER (PARTITION BY h.time_entry_id ORDER BY h.segment)::float8 AS after_s,
               sum(h.billed_s) OVER (PARTITION BY h.time_entry_id)::float8 AS billed_s
          FROM live_charge h
         WHERE h.source = 'time'
           AND h.time_entry_id IN (SELECT b.time_entry_id FROM charge b WHERE b.allotment_id IS NOT NULL)
    )
    SELECT p.id, x.began, x.ended, x.slack
      FROM part p
      JOIN time_entry e ON e.id = p.time_entry_id
     CROSS JOIN LATERAL (
        SELECT e.started_at + (e.ended_at - e.started_at) * (p.after_s - p.worked_s) / e.worked_s AS began,
               e.started_at + (e.ended_at - e.started_at) * p.after_s / e.worked_s AS ended,
               interval '2 s' + 2 * (e.ended_at - e.started_at) / least(e.worked_s, p.billed_s) AS slack
         WHERE e.ended_at > e.started_at AND e.worked_s > 0 AND p.billed_s > 0
        UNION ALL
        SELECT p.started_at, p.started_at, interval '0' WHERE e.ended_at IS NULL OR e.ended_at = e.started_at) x
     WHERE p.allotment_id IS NOT NULL;
END;
COMMENT ON FUNCTION burn_time() IS
    'the instants between which work was done that draws on an allotment, as near as its seconds tell; work that has '
    'no clock is at the beginning of its day';

-- Work is charged within the caps of now, which open charges follow; items count,
-- but are agreed by themselves.
CREATE FUNCTION cap_use() RETURNS TABLE (contract_id bigint, period_start date, cap_amount numeric, cap_s numeric,
                                         amount numeric, billed_s numeric, open_amount numeric, open_s numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH used AS (
        SELECT h.contract_id, h.service_date, sum(coalesce(h.gross, h.amount)) AS amount,
               sum(h.billed_s) FILTER (WHERE h.coverage = 'billable') AS billed_s,
               sum(coalesce(h.gross, h.amount)) FILTER (WHERE o.open AND h.amount > 0) AS open_amount,
               sum(h.billed_s) FILTER (WHERE o.open AND h.coverage = 'billable' AND h.billed_s > 0) AS open_s
          FROM capped_contract q
          JOIN charge h ON h.contract_id = q.contract_id AND h.source IN ('time', 'item')
         CROSS JOIN LATERAL (SELECT h.source = 'time' AND NOT h.committed AND h.time_entry_id NOT IN (
                SELECT f.time_entry_id FROM live_charge f
                 WHERE f.source = 'time' AND f.committed AND f.time_entry_id IS NOT NULL) AS open) o
         GROUP BY 1, 2
    )
    SELECT c.id, NULL::date, c.cap_amount, c.cap_s, sum(u.amount), sum(u.billed_s), sum(u.open_amount), sum(u.open_s)
      FROM used u JOIN contract c ON c.id = u.contract_id GROUP BY 1
    UNION ALL
    SELECT c.id, lower(s.span), prorate(c.period_cap_amount, s.span, d.days, c.prorate, x.exponent::int),
           prorate(c.period_cap_s, s.span, d.days, c.prorate, 0), sum(u.amount), sum(u.billed_s), sum(u.open_amount),
           sum(u.open_s)
      FROM used u
      JOIN contract c ON c.id = u.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN currency_code x ON x.code = c.currency
     CROSS JOIN LATERAL (SELECT service_period(b, u.service_date) AS span) s
     CROSS JOIN LATERAL (SELECT CASE WHEN s.span && daterange(c.starts_on, c.ends_on, '[]')
                                     THEN s.span * daterange(c.starts_on, c.ends_on, '[]') ELSE s.span END AS days) d
     GROUP BY c.id, s.span, d.days, x.exponent;
END;
COMMENT ON FUNCTION cap_use() IS
    'caps of contracts, for their whole life (period_start NULL) and for each service period with work, what is '
    'charged within them in all, and what of it is open work';

CREATE FUNCTION broken_limits() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT 'work is never charged above its cap' AS rule, concat_ws(', ', 'contract ' || u.contract_id,
                                                                   'period of ' || iso(u.period_start)) AS subject,
           format('%s of %s, %s s of %s', u.amount, u.cap_amount, u.billed_s, u.cap_s) AS detail
      FROM cap_use() u
     WHERE u.amount > u.cap_amount AND u.open_amount > 0 OR u.billed_s > u.cap_s AND u.open_s > 0
    UNION ALL
    SELECT 'an allotment burns within its life and scope', 'charge ' || h.id, format('allotment %s', a.id)
      FROM live_charge h
      JOIN allotment a ON a.id = h.allotment_id
      LEFT JOIN burn_time() w ON w.charge_id = h.id AND NOT h.late
     WHERE a.contract_id <> h.contract_id
        OR a.scope_work_types IS NOT NULL AND NOT coalesce(h.work_type_id = ANY (a.scope_work_types), false)
        OR w.began < a.effective_at - w.slack OR w.ended > a.expires_at + w.slack OR w.began >= a.expires_at + w.slack;
END;
COMMENT ON FUNCTION broken_limits() IS 'the rows of limit_problems: the rule, what breaks it, the figures';

CREATE VIEW limit_problems WITH (security_invoker) AS SELECT * FROM broken_limits();
COMMENT ON VIEW limit_problems IS
    'work above a cap, and work that draws on an allotment outside its life or scope, none in healthy books';
SELECT allow('controller', 'select', 'limit_problems');
