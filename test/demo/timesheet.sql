-- Eighteen months of work: who worked on what, when and for how long.
--
-- work_log holds all of it.  What people log in the trackers is left to
-- trackers.sql, which reads it from the trackers' export files; those files
-- were written from this table by export/make.sql.
\echo timesheets

-- Who takes which direction of work, as a factor to a project's weight.
CREATE TEMP TABLE affinity (class text, direction text, factor int, PRIMARY KEY (class, direction));
INSERT INTO affinity VALUES
    ('dev', 'Development', 10), ('dev', 'Design', 1), ('dev', 'Support', 2), ('dev', 'Own projects', 9),
    ('design', 'Development', 4), ('design', 'Design', 24), ('design', 'Own projects', 9),
    ('support', 'Development', 2), ('support', 'Support', 26), ('support', 'Own projects', 10),
    ('manage', 'Development', 10), ('manage', 'Design', 9), ('manage', 'Support', 6), ('manage', 'Own projects', 22);

-- In each week the projects that run share the range from 0 to total.
CREATE TEMP TABLE share AS
    SELECT a.class, w.monday, s.no, s.code,
           sum(x.weight * a.factor) OVER k - x.weight * a.factor AS low,
           sum(x.weight * a.factor) OVER k AS high,
           sum(x.weight * a.factor) OVER (PARTITION BY a.class, w.monday) AS total
      FROM generate_series(date '2025-04-28', date '2026-10-26', interval '7 days') d
     CROSS JOIN LATERAL (SELECT d::date AS monday) w
      JOIN project_size s ON s.starts_on <= greatest(w.monday, '2025-05-01') AND s.ends_on >= least(w.monday + 4, '2026-10-31')
      JOIN plan x ON x.no = s.no AND x.weight > 0
      JOIN affinity a ON a.direction = s.direction
    WINDOW k AS (PARTITION BY a.class, w.monday ORDER BY s.no);
CREATE INDEX ON share (class, monday);

-- A person has three projects a week, one of them most of the time.
CREATE TEMP TABLE focus AS
    SELECT p.code AS person, m.monday, k, s.code AS project
      FROM person p
     CROSS JOIN (SELECT DISTINCT class, monday, total FROM share) m
     CROSS JOIN generate_series(1, 3) k
      JOIN share s ON s.class = m.class AND s.monday = m.monday
       AND pg_temp.pick(p.code || m.monday || k, m.total::int) BETWEEN s.low AND s.high - 1
     WHERE p.class = m.class;
-- The tester has no price at Saltmarsh.
UPDATE focus SET project = 'own-tools' WHERE person = 'kira' AND project IN ('sal-meter', 'sal-grid');

-- How a day goes: minutes of work in a row.
CREATE TEMP TABLE day_shape (no int PRIMARY KEY, minutes int[]);
INSERT INTO day_shape VALUES
    (0, '{20, 95, 70, 120, 85, 45}'), (1, '{100, 20, 110, 60, 130}'), (2, '{160, 80, 20, 140, 50}'), (3, '{20, 20, 150, 90, 110, 40}'),
    (4, '{75, 125, 20, 35, 180}'), (5, '{140, 20, 80, 20, 170}'), (6, '{50, 50, 50, 100, 100, 70}'), (7, '{20, 110, 100, 130, 55}'),
    (8, '{20, 40, 115, 20, 95, 30, 20, 80}'), (9, '{65, 20, 145, 110, 80}');

CREATE TEMP TABLE work_log AS
WITH person_day AS (
    SELECT p.code AS person, p.class, d.day, d.monday, p.code || d.day AS key
      FROM person p
     CROSS JOIN (SELECT d::date AS day, d::date - extract(isodow FROM d)::int + 1 AS monday
                   FROM generate_series(date '2025-05-02', date '2026-10-30', interval '1 day') d
                  WHERE extract(isodow FROM d) < 6) d
     WHERE d.day >= p.hired AND d.day <= p.left_on
       AND NOT EXISTS (SELECT FROM calendar c JOIN calendar_band b ON b.calendar_id = c.id WHERE c.name = 'Berlin office' AND b.day = d.day AND b.band = 'holiday')
       AND d.day NOT BETWEEN '2025-12-24' AND '2026-01-02'
       AND pg_temp.pick('off' || p.code || d.monday, 100) >= 9         -- weeks of holiday
       AND pg_temp.pick('ill' || p.code || d.day, 100) >= 3
       AND pg_temp.pick('part' || p.code || d.day, 100) < p.days_pct   -- part-time and freelance
), slot AS (
    SELECT d.*, m.no, m.minutes * 60 AS planned_s,
           -- a timer does not stop on the minute, but 20 minutes are 20 minutes
           m.minutes * 60 + CASE WHEN m.minutes = 20 THEN 0 ELSE pg_temp.pick(d.key || m.no || 's', 240) END AS worked_s,
           sum(m.minutes * 60 + 300) OVER w - m.minutes * 60 + pg_temp.pick(d.key, 6) * 600 AS offset_s
      FROM person_day d
      JOIN day_shape s ON s.no = pg_temp.pick(d.key || 'shape', 10)
     CROSS JOIN unnest(s.minutes) WITH ORDINALITY m (minutes, no)
    WINDOW w AS (PARTITION BY d.key ORDER BY m.no)
), placed AS (
    SELECT s.person, s.class, s.day, s.no, s.key || s.no AS key, s.worked_s, s.planned_s, f.project,
           -- lunch is after four hours
           (s.day + time '09:00' + make_interval(secs => s.offset_s + CASE WHEN s.offset_s > 13500 THEN 2700 ELSE 0 END)) AS clock
      FROM slot s
      JOIN focus f ON f.person = s.person AND f.monday = s.monday
       AND f.k = CASE WHEN pg_temp.pick(s.key || s.no || 'f', 100) < 55 THEN 1 WHEN pg_temp.pick(s.key || s.no || 'f', 100) < 83 THEN 2 ELSE 3 END
), on_call AS (
    -- two calls a week and client, also over midnight and in the hours that
    -- daylight saving repeats or leaves out
    SELECT CASE WHEN m.monday < '2025-11-03' OR extract(week FROM m.monday)::int % 2 = 0 THEN 'mira' ELSE 'leon' END AS person, 'support' AS class,
           m.monday + pg_temp.pick(k.key || 'd', 7) AS day, 50 + x.n AS no, k.key, (ARRAY[25, 40, 55, 80, 105, 140])[1 + pg_temp.pick(k.key || 'm', 6)] * 60 AS worked_s,
           x.project, (ARRAY['18:40', '19:30', '20:15', '21:10', '22:45', '23:20', '02:15', '04:50', '06:05'])[1 + pg_temp.pick(k.key || 't', 9)]::time AS at
      FROM (SELECT d::date AS monday FROM generate_series(date '2025-05-19', date '2026-10-19', interval '7 days') d) m
     CROSS JOIN (VALUES ('mar-oncall', 1), ('mar-oncall', 2), ('gul-oncall', 3)) x (project, n)
     CROSS JOIN LATERAL (SELECT x.project || m.monday || x.n AS key) k
    UNION ALL
    SELECT 'mira', 'support', x.day, 60, 'dst' || x.day, 4200, 'mar-oncall', '01:30'
      FROM (VALUES (date '2025-10-26'), ('2026-03-29'), ('2026-10-25')) x (day)
), logged AS (
    SELECT p.person, p.class, p.day, p.no, p.key, p.project, p.planned_s, p.worked_s, p.clock AT TIME ZONE 'Europe/Berlin' AS started_at FROM placed p
    UNION ALL
    SELECT c.person, c.class, c.day, c.no, c.key, c.project, c.worked_s, c.worked_s, (c.day + c.at) AT TIME ZONE 'Europe/Berlin' FROM on_call c
)
SELECT l.key, l.person, l.day, t.id AS task_id, t.external_id AS task, s.code AS project,
       CASE WHEN w.code IN ('bug', 'internal') OR l.class = 'dev' THEN NULL WHEN l.class = 'manage' THEN 'management' ELSE l.class END AS work_type,
       l.started_at, l.started_at + make_interval(secs => l.worked_s) AS ended_at, l.planned_s, l.worked_s,
       CASE WHEN l.class = 'manage' THEN 'by hand' ELSE s.tracker END AS way,
       (ARRAY[NULL, NULL, 'as agreed in the call', 'review comments', 'second part', 'tests', 'clean-up', 'questions answered', 'deployed'])
           [1 + pg_temp.pick(l.key || 'c', 9)] AS comment
  FROM logged l
  JOIN project_size s ON s.code = l.project
 CROSS JOIN LATERAL (
    SELECT s.code || '-' || 1 + least(s.tasks - 1, (l.day - s.starts_on) * greatest(s.tasks - 5, 1) / (s.ends_on - s.starts_on + 1) + pg_temp.pick(l.key || 'task', 6))
        AS number) n
  JOIN task t ON t.url = 'https://planner.example/' || replace(n.number, s.code || '-', s.code || '/')
  JOIN work_type w ON w.id = t.work_type_id;
CREATE INDEX ON work_log (way, started_at);
ANALYZE work_log;

-- ---------------------------------------------------------------------------
-- logged: most by the own timesheet, which calls ingest_entries() quarter by
-- quarter; scale repeats its entries under other ids
-- ---------------------------------------------------------------------------

SELECT to_char(q.quarter, 'YYYY "Q"Q') AS quarter, i.*
  FROM (SELECT date_trunc('quarter', l.day)::date AS quarter,
               jsonb_agg(jsonb_strip_nulls(jsonb_build_object('source', 'timesheet', 'external_id', l.key || coalesce('#' || nullif(copy, 1), ''),
                   'employee', l.person, 'task', l.task, 'work_type', l.work_type, 'started_at', l.started_at, 'ended_at', l.ended_at,
                   'comment', l.comment)) ORDER BY l.started_at, l.key) AS entries
          FROM work_log l
         CROSS JOIN generate_series(1, :scale) copy
         WHERE l.way = 'timesheet'
         GROUP BY 1) q
 CROSS JOIN LATERAL ingest_entries(q.entries) i
 ORDER BY 1;

-- The testers' hours at Saltmarsh, whose list has no price for them, and what
-- a clock without battery sent: the first end up in unrated, the others in
-- rejected_entry.
SELECT i.*
  FROM ingest_entries(jsonb_build_array(
    '{"source": "timesheet", "external_id": "qa-1", "employee": "kira", "task": "sal-meter-40", "started_at": "2026-05-11T09:00:00+02:00", "ended_at": "2026-05-11T11:40:00+02:00"}'::jsonb,
    '{"source": "timesheet", "external_id": "qa-2", "employee": "kira", "task": "sal-meter-41", "started_at": "2026-05-12T13:20:00+02:00", "ended_at": "2026-05-12T15:00:00+02:00"}'::jsonb,
    '{"source": "timesheet", "external_id": "qa-3", "employee": "kira", "task": "sal-meter-41", "started_at": "2026-09-03T10:00:00+02:00", "ended_at": "2026-09-03T10:20:00+02:00"}'::jsonb,
    '{"source": "timesheet", "external_id": "bad-1", "employee": "dario", "task": "tin-fleet-30", "started_at": "2026-01-12T16:10:00+01:00", "ended_at": "2026-01-12T14:55:00+01:00"}'::jsonb,
    '{"source": "timesheet", "external_id": "bad-2", "employee": "edda", "task": "tin-fleet-31", "started_at": "2026-02-06T17:00:00+01:00", "ended_at": "2026-02-09T09:05:00+01:00"}'::jsonb,
    '{"source": "timesheet", "external_id": "bad-3", "employee": "intern", "task": "own-tools-12", "work_date": "2026-03-02", "duration_s": 5400}'::jsonb)) i;

-- Managers write their day down by hand, without a clock; now and then they
-- leave something unpriced, for a reason.
INSERT INTO time_entry (employee_id, task_id, work_type_id, work_date, duration_s, billable, price, override_reason, comment)
SELECT e.id, l.task_id, w.id, l.day, l.planned_s,
       CASE WHEN o.no < 12 AND l.project NOT LIKE 'own%' THEN 'no_charge' END,
       CASE WHEN o.no = 999 AND l.project LIKE 'amb%' THEN 120.00 END,
       CASE WHEN o.no < 12 AND l.project NOT LIKE 'own%' THEN 'goodwill: our delay' WHEN o.no = 999 AND l.project LIKE 'amb%' THEN 'workshop at the agreed price' END,
       l.comment
  FROM work_log l
 CROSS JOIN LATERAL (SELECT pg_temp.pick(l.key || 'override', 1000) AS no) o
  JOIN employee e ON e.email = l.person || '@quillmoor.example'
  LEFT JOIN work_type w ON w.code = l.work_type
 CROSS JOIN generate_series(1, :scale)
 WHERE l.way = 'by hand'
 ORDER BY l.started_at, l.key;

-- The warehouse app bills approved hours only; those of the last week wait.
SET finance.actor = 'Anna D.';
SELECT approve_entries(array_agg(e.id ORDER BY e.id))
  FROM time_entry e
  JOIN task t ON t.id = e.task_id
  JOIN project_size s ON s.project_id = t.project_id AND s.code = 'amb-warehouse'
 WHERE coalesce(e.work_date, (e.started_at AT TIME ZONE 'Europe/Berlin')::date) < '2026-10-26' \g /dev/null
RESET finance.actor;
