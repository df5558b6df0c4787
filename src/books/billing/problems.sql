-- ---------------------------------------------------------------------------
-- line problems: what must hold of fees and hours that lines give
-- ---------------------------------------------------------------------------

CREATE FUNCTION broken_lines() RETURNS TABLE (rule text, subject text, detail text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH base AS MATERIALIZED (
        SELECT b.id, lower(o.span) AS opens_on, o.opens_at FROM contract b CROSS JOIN LATERAL open_period(b) o
         WHERE b.parent_id IS NULL
    ), hours AS MATERIALIZED (
        SELECT a.*, x.id AS base_id, x.opens_at, a.period_start >= x.opens_on AS is_open,
               coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0) AS burned
          FROM allotment a JOIN contract c ON c.id = a.contract_id JOIN base x ON x.id = coalesce(c.parent_id, c.id)
    )
    SELECT 'an open fee is what its line is due' AS rule, format('charge %s', h.id) AS subject,
           format('%s on %s; the line is due %s', trim_scale(coalesce(h.gross, h.amount)), iso(h.service_date),
                  coalesce(format('%s on %s', trim_scale(d.amount), iso(d.service_date)), 'nothing')) AS detail
      FROM charge h
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      LEFT JOIN LATERAL (SELECT f.* FROM due_fees(b.id, service_period(b, h.line_period)) f
                          WHERE f.line_id = h.contract_line_id) d ON true
     WHERE h.source = 'fee' AND h.made_by = 'line' AND NOT h.committed
       AND (h.service_date, coalesce(h.gross, h.amount), h.cost, h.why)
           IS DISTINCT FROM (d.service_date, d.amount, d.cost, d.why)
    UNION ALL
    SELECT 'hours of an open period are what the line gives', format('allotment %s', a.id),
           format('%s from %s to %s; the line gives %s', trim_scale(a.amount), a.effective_at, a.expires_at,
                  coalesce(format('%s from %s to %s', trim_scale(d.amount), d.effective_at, d.expires_at), 'none'))
      FROM hours a
      JOIN contract b ON b.id = a.base_id
      LEFT JOIN LATERAL (SELECT g.* FROM due_grants(b.id, service_period(b, a.period_start)) g
                          WHERE g.line_id = a.contract_line_id AND g.period_start = a.period_start) d ON true
     WHERE a.kind = 'included' AND a.is_open
       AND CASE WHEN d.line_id IS NULL THEN a.voided_at IS NULL AND a.amount <> allotment_held(a.id)
                ELSE (a.unit, a.amount, a.effective_at, a.expires_at, a.scope_work_types, a.voided_at)
                     IS DISTINCT FROM (d.unit, greatest(d.amount, allotment_held(a.id)), d.effective_at, d.expires_at,
                                       d.scope_work_types, NULL) END
    UNION ALL
    SELECT 'open work has the hours that the calendar gives', format('contract line %s', d.line_id),
           format('none of the period of %s', iso(d.period_start))
      FROM (SELECT DISTINCT x.id, h.period_start FROM base x JOIN contract c ON x.id IN (c.id, c.parent_id)
              JOIN charge h ON h.contract_id = c.id AND h.source = 'time' AND NOT h.committed
             WHERE h.period_start >= x.opens_on) p
      JOIN contract b ON b.id = p.id
     CROSS JOIN LATERAL due_grants(b.id, service_period(b, p.period_start)) d
     WHERE NOT EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = d.line_id AND a.period_start = d.period_start
                       AND a.kind = 'included')
    UNION ALL
    SELECT 'what is carried over is carried whereto it belongs', format('allotment %s', coalesce(a.id, d.source_id)),
           CASE WHEN a.id IS NULL THEN 'is not carried' WHEN d.source_id IS NULL THEN 'is not to be carried'
                ELSE format('line %s of contract %s from %s to %s; due line %s of contract %s from %s to %s',
                            a.contract_line_id, a.contract_id, a.effective_at, a.expires_at, d.line_id, d.contract_id,
                            d.effective_at, d.expires_at) END
      FROM (SELECT x.id AS base_id, x.opens_at, d.* FROM base x JOIN contract b ON b.id = x.id
             CROSS JOIN LATERAL due_carried(b, NULL) d) d
      FULL JOIN (SELECT s.base_id, a.* FROM hours a JOIN hours s ON s.id = a.source_id JOIN base x ON x.id = s.base_id
                  WHERE coalesce(a.expires_at, 'infinity') > x.opens_at
                    AND (a.voided_at IS NULL)) a ON a.source_id = d.source_id
     WHERE CASE WHEN a.id IS NULL
                THEN EXISTS (SELECT FROM hours s WHERE s.id = d.source_id
                             AND coalesce(s.expires_at, 'infinity') > d.opens_at)
                WHEN d.source_id IS NULL THEN a.amount <> allotment_held(a.id)
                ELSE (a.contract_id, a.contract_line_id, a.effective_at, a.expires_at)
                     IS DISTINCT FROM (d.contract_id, d.line_id, d.effective_at, d.expires_at) END
    UNION ALL
    SELECT 'what is carried over was left', format('allotment %s', a.id),
           format('%s carried, of %s of which work took %s', trim_scale(a.amount), trim_scale(s.amount),
                  trim_scale(s.burned))
      FROM hours a
      JOIN hours s ON s.id = a.source_id
      LEFT JOIN contract_line n ON n.id = s.contract_line_id
     WHERE a.voided_at IS NULL
       AND CASE WHEN coalesce(s.expires_at, 'infinity') > s.opens_at
                THEN a.amount IS DISTINCT FROM (
                         SELECT carried_now(a.id, o, b) FROM allotment o JOIN contract c ON c.id = o.contract_id
                           JOIN contract b ON b.id = coalesce(c.parent_id, c.id) WHERE o.id = s.id)
                ELSE s.burned + a.amount > s.amount AND NOT (s.kind = 'included' AND a.amount <= n.rollover_min) END;
END;
COMMENT ON FUNCTION broken_lines() IS 'the rows of line_problems: the rule, what breaks it, and how';

CREATE VIEW line_problems WITH (security_invoker) AS SELECT * FROM broken_lines();
COMMENT ON VIEW line_problems IS
    'open fees and hours that are not what the lines of contracts give now, and what is carried over without being '
    'left; none in healthy books';
SELECT allow('controller', 'select', 'line_problems');
