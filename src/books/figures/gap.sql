-- ---------------------------------------------------------------------------
-- gap: what makes the figures incomplete, or doubtful
--
-- What is pointed out costs what is open, however old the books are: work that
-- is not billed yet, days on which no rate was fresh, charges without a cost.
-- ---------------------------------------------------------------------------

CREATE VIEW unbilled_entry WITH (security_invoker) AS
    SELECT h.time_entry_id FROM charge h WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
    UNION ALL
    SELECT r.time_entry_id FROM rating_problem r;
COMMENT ON VIEW unbilled_entry IS
    'the time entries of which no document or closed period has all, a row for each part of them';
SELECT allow('reader', 'select', 'unbilled_entry');

-- ---------------------------------------------------------------------------
-- one person's time
-- ---------------------------------------------------------------------------

-- Of those that began before it, the one that ends last: so of each entry that
-- shares its time there is a row, and a night in one scan.
CREATE VIEW overlapping_entry WITH (security_invoker) AS
    SELECT e.id AS time_entry_id, e.employee_id, m.name AS employee, e.task_id, t.title AS task, e.started_at,
           e.ended_at, o.id AS other_entry_id, o.task_id AS other_task_id, u.title AS other_task,
           o.started_at AS other_started_at, o.ended_at AS other_ended_at,
           (extract(epoch FROM least(e.ended_at, o.ended_at) - e.started_at) / 3600.0)::numeric(18,2) AS hours_twice
      FROM (SELECT e.id, e.employee_id, e.task_id, e.started_at, e.ended_at,
                   -- in microseconds, with its id
                   max(ARRAY[(extract(epoch FROM e.ended_at) * 1000000)::bigint, e.id])
                       OVER (PARTITION BY e.employee_id ORDER BY e.started_at,
                       e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS longest
              FROM time_entry e WHERE e.ended_at > e.started_at) e
      JOIN time_entry o ON o.id = e.longest[2]
      JOIN employee m ON m.id = e.employee_id
      JOIN task t ON t.id = e.task_id
      JOIN task u ON u.id = o.task_id
     WHERE e.longest[1] > (extract(epoch FROM e.started_at) * 1000000)::bigint;
COMMENT ON VIEW overlapping_entry IS
    'work by the clock that one person logged twice: an entry that begins while another one of the same employee, '
    'other_…, is under way; hours_twice is what the two share. It is rated like any other; who logged it corrects it';
SELECT allow('reader', 'select', 'overlapping_entry');

-- What is not billed says of whom to look, and from when on: an index gives it in order.
CREATE VIEW doubled_time WITH (security_invoker) AS
    WITH person AS MATERIALIZED (
        SELECT u.employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, u.since - l.longest AS since
          FROM (SELECT u.employee_id, min(u.started_at) AS since
                  FROM (SELECT h.employee_id, h.started_at FROM charge h
                         WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
                        UNION ALL
                        SELECT e.employee_id, e.started_at
                          FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id) u
                 GROUP BY 1) u
          JOIN employee m ON m.id = u.employee_id
         CROSS JOIN (SELECT ((SELECT s.max_entry_s FROM setting s) + 86400) * interval '1 second' AS longest) l
    ), twice AS MATERIALIZED (
        SELECT f.employee_id, f.zone, x.id, x.started_at, x.ended_at, x.longest[2] AS other_id,
               to_timestamp(x.longest[1] / 1000000.0) AS until
          FROM person f
         CROSS JOIN LATERAL (
            SELECT e.id, e.started_at, e.ended_at,
                   max(ARRAY[(extract(epoch FROM e.ended_at) * 1000000)::bigint, e.id])
                       OVER (ORDER BY e.started_at, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS longest
              FROM time_entry e
             WHERE e.employee_id = f.employee_id AND e.started_at >= f.since AND e.ended_at > e.started_at) x
         WHERE x.longest[1] > (extract(epoch FROM x.started_at) * 1000000)::bigint
    )
    SELECT t.employee_id, (t.started_at AT TIME ZONE t.zone)::date AS on_day,
           sum(extract(epoch FROM least(t.ended_at, t.until) - t.started_at))::bigint AS doubled_s, count(*) AS times
      FROM twice t
     WHERE t.id IN (SELECT u.time_entry_id FROM unbilled_entry u)
        OR t.other_id IN (SELECT u.time_entry_id FROM unbilled_entry u)
     GROUP BY 1, 2;
COMMENT ON VIEW doubled_time IS
    'seconds of a person that were logged twice by the clock, by day, where not all of it is billed; overlapping_entry '
    'has the entries';
SELECT allow('reader', 'select', 'doubled_time');

-- Hours that are logged without a clock overlap nothing, but a day has only so many.
CREATE VIEW overfull_day WITH (security_invoker) AS
    WITH unbilled AS MATERIALIZED (
        SELECT h.employee_id, h.service_date AS on_day
          FROM charge h JOIN time_entry e ON e.id = h.time_entry_id AND e.duration_s IS NOT NULL
         WHERE h.time_entry_id IS NOT NULL AND NOT h.committed
        UNION
        SELECT e.employee_id, coalesce(e.work_date, (e.started_at AT TIME ZONE coalesce(m.zone, (
                   SELECT s.zone FROM setting s)))::date)
          FROM rating_problem r
          JOIN time_entry e ON e.id = r.time_entry_id AND e.duration_s IS NOT NULL
          JOIN employee m ON m.id = e.employee_id
    ), person AS MATERIALIZED (
        SELECT u.employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, u.since
          FROM (SELECT u.employee_id, min(u.on_day) AS since FROM unbilled u GROUP BY 1) u
          JOIN employee m ON m.id = u.employee_id
    )
    SELECT d.employee_id, d.on_day, (d.seconds - l.day_s)::bigint AS excess_s, d.times
      FROM (SELECT f.employee_id, f.zone, w.on_day, round(sum(w.seconds)) AS seconds, count(*) AS times
              FROM person f
             CROSS JOIN LATERAL (
                SELECT e.work_date AS on_day, e.worked_s::numeric AS seconds FROM time_entry e
                 WHERE e.employee_id = f.employee_id AND e.started_at IS NULL AND e.work_date >= f.since
                UNION ALL
                -- what runs over midnight, as far as it is of the day
                SELECT d.on_day,
                       e.worked_s * coalesce(extract(epoch FROM least(e.ended_at, d.ends)
                                                                - greatest(e.started_at, d.begins))
                                             / nullif(extract(epoch FROM e.ended_at - e.started_at), 0), 1)
                  FROM time_entry e
                 CROSS JOIN LATERAL (
                    SELECT x.day::date AS on_day, x.day AT TIME ZONE f.zone AS begins,
                           (x.day + interval '1 day') AT TIME ZONE f.zone AS ends
                      FROM (SELECT date_trunc('day', e.started_at AT TIME ZONE f.zone) + n * interval '1 day' AS day
                              FROM unnest('{0,1}'::int[]) n) x) d
                 WHERE e.employee_id = f.employee_id
                   AND e.started_at >= (f.since - 2)::timestamp AT TIME ZONE f.zone
                   AND (e.ended_at > d.begins OR e.ended_at = e.started_at AND e.started_at >= d.begins)) w
             GROUP BY 1, 2, 3) d
      JOIN unbilled u ON u.employee_id = d.employee_id AND u.on_day = d.on_day
     CROSS JOIN LATERAL (
        SELECT greatest(extract(epoch FROM (d.on_day + 1)::timestamp AT TIME ZONE d.zone
                                           - d.on_day::timestamp AT TIME ZONE d.zone),
                        (SELECT s.max_entry_s FROM setting s WHERE s.max_entry_s > 86400)) AS day_s) l
     WHERE d.seconds > l.day_s;
COMMENT ON VIEW overfull_day IS
    'seconds of a person that are more than a day has by the clocks of his zone (or an entry may have, where that is '
    'more), with hours that were logged without a clock and are not billed, and how many entries it has';
SELECT allow('reader', 'select', 'overfull_day');

-- ---------------------------------------------------------------------------
-- rates of exchange
-- ---------------------------------------------------------------------------

-- The days on which a rate that is too old was the last one: where there are none,
-- no fact is looked at.
CREATE VIEW old_rate WITH (security_invoker) AS
    WITH known AS MATERIALIZED (
        SELECT r.base, r.quote, r.valid_from, r.base = (SELECT s.base_currency FROM setting s) AS opposite
          FROM exchange_rate r
         WHERE (SELECT s.base_currency FROM setting s) IN (r.base, r.quote)
    )
    SELECT k.base, k.quote, k.valid_from, CASE WHEN k.opposite THEN k.quote ELSE k.base END AS currency, k.old_from,
           k.old_until
      FROM (SELECT k.*, k.valid_from + (SELECT s.max_rate_age_days FROM setting s) + 1 AS old_from,
                   -- an opposite rate counts until the pair has one of its own
                   coalesce(least(lead(k.valid_from) OVER (PARTITION BY k.base, k.quote ORDER BY k.valid_from),
                                  CASE WHEN k.opposite
                                       THEN (SELECT min(d.valid_from) FROM known d
                                              WHERE (d.base, d.quote) = (k.quote, k.base)) END), 'infinity')
                       AS old_until
              FROM known k) k
     WHERE k.old_from < k.old_until;
COMMENT ON VIEW old_rate IS
    'the days, from old_from to before old_until, on which a currency becomes the base currency at a rate that is '
    'older than setting.max_rate_age_days';
SELECT allow('reader', 'select', 'old_rate');

CREATE VIEW seen_time WITH (security_invoker) AS
    SELECT id, employee_id, started_at, work_date FROM time_entry;
COMMENT ON VIEW seen_time IS 'the time entries that the row policies of whoever asks let through';

-- Of the owner: what is counted is not for all to see one by one.
CREATE VIEW use_of_old_rate WITH (security_barrier) AS
    WITH old AS MATERIALIZED (
        SELECT * FROM old_rate
    ), rated AS MATERIALIZED (
        SELECT r.employee_id, r.role, r.currency, r.hourly_cost, r.valid_from,
               lead(r.valid_from, 1, 'infinity') OVER (PARTITION BY r.employee_id, r.role
                                                       ORDER BY r.valid_from) AS valid_until
          FROM cost_rate r
    ), paid AS MATERIALIZED (
        -- from when on to before when people cost in a currency, by rates of their own, else of their role
        SELECT m.id AS employee_id, coalesce(m.zone, (SELECT s.zone FROM setting s)) AS zone, v.currency, v.valid_from,
               v.valid_until
          FROM rated v JOIN employee m ON m.id = v.employee_id WHERE v.hourly_cost IS NOT NULL
        UNION ALL
        SELECT m.id, coalesce(m.zone, (SELECT s.zone FROM setting s)), v.currency, v.valid_from, v.valid_until
          FROM rated v JOIN employee m ON m.role = v.role
         WHERE v.employee_id IS NULL AND v.hourly_cost IS NOT NULL
           AND NOT EXISTS (SELECT FROM cost_rate w WHERE w.employee_id = m.id)
    )
    SELECT o.base, o.quote, o.valid_from, o.currency, min(f.on_day) AS since, max(f.on_day) AS last_day,
           count(*) AS times
      FROM old o
     CROSS JOIN LATERAL (
        SELECT h.service_date AS on_day
          FROM contract c
          JOIN visible_charge h ON h.contract_id = c.id
         WHERE c.currency = o.currency AND h.service_date >= o.old_from AND h.service_date < o.old_until
           AND h.started_at >= o.old_from - 2 AND h.started_at < o.old_until + 2
           AND h.reverses_id IS NULL AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
        UNION ALL
        SELECT e.entry_on
          FROM account a
          JOIN visible_entry e ON e.debit_id = a.id
         WHERE e.entry_on >= o.old_from AND e.entry_on < o.old_until AND e.charge_id IS NULL
           AND e.currency = o.currency
        UNION ALL
        SELECT (e.started_at AT TIME ZONE p.zone)::date
          FROM paid p
          JOIN seen_time e ON e.employee_id = p.employee_id
         WHERE p.currency = o.currency
           AND e.started_at >= greatest(o.old_from, p.valid_from)::timestamp AT TIME ZONE p.zone
           AND e.started_at < least(o.old_until, p.valid_until)::timestamp AT TIME ZONE p.zone
        UNION ALL
        SELECT e.work_date
          FROM paid p
          JOIN seen_time e ON e.employee_id = p.employee_id
         WHERE p.currency = o.currency AND e.started_at IS NULL
           AND e.work_date >= greatest(o.old_from, p.valid_from)
           AND e.work_date < least(o.old_until, p.valid_until)) f
     GROUP BY 1, 2, 3, 4;
COMMENT ON VIEW use_of_old_rate IS
    'how many charges, costs of work and postings were converted to the base currency at a rate that was older than '
    'setting.max_rate_age_days, since when and until when';
SELECT allow('reader', 'select', 'use_of_old_rate');

-- ---------------------------------------------------------------------------
-- all of it
-- ---------------------------------------------------------------------------

-- Of the owner: it looks for costs that are not known.
CREATE VIEW data_gaps WITH (security_barrier) AS
    SELECT g.gap, g.employee_id, m.name AS employee, g.since, (g.seconds / 3600.0)::numeric(18,2) AS hours, g.item_id,
           i.name AS item, g.contract_id, c.number AS contract, g.currency, g.times, g.detail, w.way_out
      FROM (SELECT CASE WHEN r.currency IS NULL THEN 'charge without cost rate'
                        WHEN exchange_rate_on(r.currency, s.base_currency, h.service_date) IS NULL
                        THEN 'cost without exchange rate'
                        ELSE 'cost that waits for correction' END AS gap,
                   h.employee_id, NULL::bigint AS item_id, NULL::bigint AS contract_id, NULL::text AS currency,
                   min(h.service_date) AS since, sum(h.seconds)::bigint AS seconds, sum(h.times)::bigint AS times,
                   NULL::text AS detail
              FROM (SELECT h.employee_id, h.role, h.service_date, sum(h.worked_s) AS seconds, count(*) AS times
                      FROM visible_charge h
                     WHERE h.uncosted AND h.source = 'time'
                     GROUP BY 1, 2, 3) h
             CROSS JOIN setting s
              -- as cost_rate_on() does, which a reader may not call
              LEFT JOIN LATERAL (SELECT v.currency FROM cost_rate v
                                  WHERE v.valid_from <= h.service_date
                                    AND (v.employee_id = h.employee_id OR v.employee_id IS NULL AND v.role = h.role)
                                  ORDER BY v.employee_id, v.valid_from DESC LIMIT 1) r ON true
             GROUP BY 1, 2
            UNION ALL
            SELECT 'work without rate of tax', NULL, NULL, c.id, NULL, min(h.service_date), NULL, count(*),
                   format('tax "%s"', c.tax_code)
              FROM contract c
              JOIN visible_charge h ON h.contract_id = c.id AND NOT h.committed AND h.amount <> 0
             WHERE c.tax_code IS NOT NULL AND tax_rate_on(c.tax_code, h.service_date) IS NULL
             GROUP BY c.id, c.tax_code
            UNION ALL
            SELECT CASE WHEN h.item_id IS NOT NULL THEN 'item without cost' ELSE 'charge without cost' END,
                   NULL, h.item_id, CASE WHEN h.item_id IS NULL THEN h.contract_id END, NULL, min(h.service_date), 0,
                   count(*), NULL
              FROM visible_charge h
             WHERE h.uncosted AND h.source <> 'time'
             GROUP BY 1, 3, 4
            UNION ALL
            SELECT 'expense without exchange rate', NULL, NULL, e.contract_id, NULL, min(e.entry_on), NULL,
                   sum(sign(e.amount))::bigint, NULL
              FROM visible_entry e
              JOIN direct_account a ON a.id IN (e.debit_id, e.credit_id)
              JOIN contract c ON c.id = e.contract_id AND c.currency <> e.currency
              JOIN setting s ON s.base_currency <> c.currency
             WHERE e.charge_id IS NULL AND exchange_rate_on(e.currency, c.currency, e.entry_on) IS NULL
             GROUP BY e.contract_id HAVING sum(sign(e.amount)) <> 0
            UNION ALL
            SELECT 'old exchange rate', NULL, NULL, NULL, o.currency, o.since, NULL, o.times,
                   format('%s to %s of %s, %s days old on %s', o.base, o.quote, iso(o.valid_from),
                          o.last_day - o.valid_from, iso(o.last_day))
              FROM use_of_old_rate o
            UNION ALL
            SELECT 'overlapping time', t.employee_id, NULL, NULL, NULL, t.on_day, t.doubled_s, t.times, NULL
              FROM doubled_time t
            UNION ALL
            SELECT 'overfull day', t.employee_id, NULL, NULL, NULL, t.on_day, t.excess_s, t.times, NULL
              FROM overfull_day t) g
      JOIN (VALUES ('charge without cost rate',
                    'Add a row to cost_rate, valid from that day or earlier: open work follows, what is billed is '
                    'corrected when its contract closes a period, or by make_corrections().'),
                   ('cost that waits for correction', 'Call make_corrections(), or close the next period.'),
                   ('cost without exchange rate',
                    'Add the rate from the currency of the cost to table exchange_rate, valid from that day or '
                    'earlier.'),
                   ('item without cost',
                    'Give the item a cost in its price list: what is billed is corrected when its contract closes a '
                    'period, or by make_corrections().'),
                   ('charge without cost', 'Give the cost of what was charged.'),
                   ('expense without exchange rate',
                    'Add the rate to table exchange_rate, valid from that day or earlier.'),
                   ('work without rate of tax',
                    'Add the rate to table tax_rate, valid from that day or earlier: no invoice is issued without.'),
                   ('old exchange rate',
                    'Add the rates of those days to table exchange_rate, or raise max_rate_age_days in table setting.'),
                   ('overlapping time',
                    'View overlapping_entry has the entries: correct or delete what was logged twice.'),
                   ('overfull day', 'Correct what was logged on that day: it has more hours than the clock.'))
        AS w (gap, way_out) USING (gap)
      LEFT JOIN employee m ON m.id = g.employee_id
      LEFT JOIN item i ON i.id = g.item_id
      LEFT JOIN contract c ON c.id = g.contract_id;
COMMENT ON VIEW data_gaps IS
    'what makes the figures incomplete or doubtful, a row for whom or what it is about: hours of employees without a '
    'cost rate, items and other charges without a cost, costs and expenses without a rate of exchange, rates that were '
    'older than setting.max_rate_age_days, and of unbilled work the days on which a person logged time twice (hours: '
    'what was logged twice) or more of it than the day has (hours: too many); since when, how often, and the way out';
SELECT allow('reader', 'select', 'data_gaps');
