-- Write the trackers' export files anew from the work log.  Not needed to run
-- the demo: the files are kept in the repository.  Run in test/demo, in an
-- empty database: psql -X -v ON_ERROR_STOP=1 -f export/make.sql
\set scale 1
CREATE EXTENSION finance;
SELECT finance.create_books() AS books \gset
SET search_path = finance, public;
\ir ../company.sql
\ir ../timesheet.sql

SET timezone = 'Europe/Berlin';
\pset format unaligned
\pset tuples_only on

CREATE FUNCTION pg_temp.iso(t timestamptz) RETURNS text
    LANGUAGE sql AS $$ SELECT to_char(t, 'YYYY-MM-DD"T"HH24:MI:SSTZH:TZM') $$;
CREATE FUNCTION pg_temp.ms(t timestamptz) RETURNS text
    LANGUAGE sql AS $$ SELECT (extract(epoch FROM t)::bigint * 1000)::text $$;

CREATE TEMP TABLE tracked AS
    SELECT l.*, t.title, p.name, p.login_no, pg_temp.pick(l.key || 'manual', 100) AS chance
      FROM work_log l
      JOIN task t ON t.id = l.task_id
      JOIN person p ON p.code = l.person;

-- ---------------------------------------------------------------------------
-- Bitrix24, task.elapseditem.getlist: pages of 50 in the order of ID, every
-- value a string.  One in four is entered by hand some days later (SOURCE 2):
-- CREATED_DATE is then the day of the work, DATE_START when it was entered.
-- ---------------------------------------------------------------------------
\o export/bitrix24-elapsed.json
WITH item AS (
    SELECT l.task AS task_id, (l.login_no + 20)::text AS user_id, coalesce(l.comment, '') AS comment, l.chance < 25 AS manual,
           CASE WHEN l.chance < 25 THEN l.planned_s ELSE l.worked_s END AS seconds,
           CASE WHEN l.chance < 25 THEN l.started_at + make_interval(days => 1 + l.chance % 5, mins => l.chance * 3) ELSE l.started_at END AS entered_at,
           l.started_at, l.ended_at
      FROM tracked l WHERE l.way = 'bitrix24'
    UNION ALL
    -- a task that was deleted, and a colleague who was
    VALUES ('26999', '29', 'Übergabe – «old» task', false, 3120, '2025-09-10 10:00:00+02'::timestamptz, '2025-09-10 10:00:00+02'::timestamptz, '2025-09-10 10:52:00+02'::timestamptz),
           ('26012', '99', 'left in spring', false, 2400, '2026-02-04 14:00:00+01', '2026-02-04 14:00:00+01', '2026-02-04 14:40:00+01')
), numbered AS (
    SELECT i.*, 4100 + 3 * row_number() OVER (ORDER BY i.entered_at, i.task_id, i.user_id) AS id,
           (row_number() OVER (ORDER BY i.entered_at, i.task_id, i.user_id) - 1) / 50 AS page
      FROM item i
), record AS (
    SELECT n.page, n.id, n.entered_at, json_build_object('ID', n.id::text, 'TASK_ID', n.task_id, 'USER_ID', n.user_id, 'COMMENT_TEXT', n.comment,
               'SECONDS', n.seconds::text, 'MINUTES', (n.seconds / 60)::text, 'SOURCE', CASE WHEN n.manual THEN '2' ELSE '3' END,
               'CREATED_DATE', pg_temp.iso(CASE WHEN n.manual THEN n.started_at ELSE n.ended_at END),
               'DATE_START', pg_temp.iso(n.entered_at), 'DATE_STOP', pg_temp.iso(CASE WHEN n.manual THEN n.entered_at ELSE n.ended_at END))::text AS line
      FROM numbered n
    UNION ALL
    -- the last page is read again, as a window re-read does, with one correction
    SELECT n.page + 1, n.id, n.entered_at, json_build_object('ID', n.id::text, 'TASK_ID', n.task_id, 'USER_ID', n.user_id, 'COMMENT_TEXT', n.comment,
               'SECONDS', n.seconds::text, 'MINUTES', (n.seconds / 60)::text, 'SOURCE', CASE WHEN n.manual THEN '2' ELSE '3' END,
               'CREATED_DATE', pg_temp.iso(CASE WHEN n.manual THEN n.started_at ELSE n.ended_at END),
               'DATE_START', pg_temp.iso(n.entered_at), 'DATE_STOP', pg_temp.iso(CASE WHEN n.manual THEN n.entered_at ELSE n.ended_at END))::text
      FROM (SELECT n.page, n.id, n.entered_at, n.task_id, n.user_id, n.manual, n.started_at, n.ended_at,
                   CASE WHEN n.id = max(n.id) OVER () THEN 'corrected: with the call' ELSE n.comment END AS comment,
                   CASE WHEN n.id = max(n.id) OVER () THEN n.seconds + 1200 ELSE n.seconds END AS seconds
              FROM numbered n WHERE n.page = (SELECT max(page) FROM numbered)) n
), page AS (
    SELECT r.page, format(E'{"result": [\n%s\n], "total": %s, "time": {"start": %s, "duration": 0.0%s, "date_start": "%s"}}',
               string_agg(r.line, E',\n' ORDER BY r.id), (SELECT count(*) FROM numbered), extract(epoch FROM max(r.entered_at))::bigint + 600,
               41 + r.page, pg_temp.iso(max(r.entered_at) + interval '10 minutes')) AS body
      FROM record r GROUP BY r.page
)
SELECT E'[\n' || string_agg(p.body, E',\n' ORDER BY p.page) || E'\n]' FROM page p;

-- ---------------------------------------------------------------------------
-- ClickUp, time entries of 30 days a request: instants and durations are
-- strings of milliseconds; a timer that runs has a negative duration and no
-- end.
-- ---------------------------------------------------------------------------
\o export/clickup-time-entries.json
WITH record AS (
    SELECT (l.day - date '2025-05-01') / 30 AS page, l.started_at, l.key, json_build_object('id', (3640000000000000000 + (l.day - date '2025-01-01') * 1000000000::bigint + pg_temp.pick(l.key || 'id', 999999937))::text,
               'task', json_build_object('id', l.task, 'name', l.title, 'status', json_build_object('status', 'in progress', 'type', 'custom')),
               'wid', '9012345678', 'user', json_build_object('id', 48210300 + l.login_no * 17, 'username', l.name, 'email', l.person || '@quillmoor.example'),
               'billable', l.chance >= 4, 'start', pg_temp.ms(l.started_at), 'end', pg_temp.ms(l.ended_at), 'duration', (l.worked_s::bigint * 1000)::text,
               'description', coalesce(l.comment, ''), 'tags', CASE WHEN l.work_type IS NULL THEN '[]'::json ELSE json_build_array(json_build_object('name', l.work_type)) END,
               'source', 'clickup', 'at', pg_temp.ms(l.ended_at), 'task_location', json_build_object('list_id', '901204', 'folder_id', '90120', 'space_id', '9012'),
               'task_url', 'https://app.clickup.com/t/' || l.task)::text AS line
      FROM tracked l WHERE l.way = 'clickup'
    UNION ALL
    SELECT 17, x.started_at, 'running', json_build_object('id', x.id, 'task', json_build_object('id', x.task, 'name', 'Build the search', 'status', json_build_object('status', 'in progress', 'type', 'custom')),
               'wid', '9012345678', 'user', json_build_object('id', x.user_id, 'username', x.name), 'billable', true, 'start', pg_temp.ms(x.started_at), 'end', x.ended,
               'duration', x.duration, 'description', '', 'tags', '[]'::json, 'source', 'clickup', 'at', pg_temp.ms(x.started_at),
               'task_location', json_build_object('list_id', '901204', 'folder_id', '90120', 'space_id', '9012'), 'task_url', 'https://app.clickup.com/t/' || x.task)::text
      FROM (VALUES
        ('3649990000000000001', '86c230054', 48210385, 'Edda W.', timestamptz '2026-10-30 15:20:00+01', NULL, '-1793370000000'),
        ('3649990000000000002', '86c23005b', 48210402, 'Felix O.', '2026-10-30 15:45:00+01', NULL, '-1793371500000'),
        ('3649990000000000003', '86cdead00', 48210402, 'Felix O.', '2026-10-29 09:00:00+01', pg_temp.ms('2026-10-29 10:00:00+01'), '3600000')
      ) x (id, task, user_id, name, started_at, ended, duration)
)
SELECT E'[\n' || string_agg(p.body, E',\n' ORDER BY p.page) || E'\n]'
  FROM (SELECT r.page, E'{"data": [\n' || string_agg(r.line, E',\n' ORDER BY r.started_at, r.key) || E'\n]}' AS body FROM record r GROUP BY r.page) p;

-- ---------------------------------------------------------------------------
-- Planfix, data tag entries: what is asked for sits in customFieldData under
-- the field numbers of this account.
-- ---------------------------------------------------------------------------
\o export/planfix-datatag-entries.json
WITH item AS (
    SELECT l.task, to_char(l.day, 'DD-MM-YYYY') AS day, 'user:' || l.login_no AS user_id, l.name, l.planned_s / 60 AS minutes, initcap(l.work_type) AS work_type,
           l.comment, l.started_at, l.key
      FROM tracked l WHERE l.way = 'planfix'
    UNION ALL
    SELECT '700012', '30-02-2026', 'user:6', 'Felix O.', 45, NULL, 'typed by hand', '2026-02-27 12:00:00+01', 'bad day'
), record AS (
    SELECT (row_number() OVER w - 1) / 100 AS page, row_number() OVER w AS no,
           json_build_object('dataTag', json_build_object('id', 12), 'task', json_build_object('id', i.task::int), 'contact', NULL,
               'key', 88000 + row_number() OVER w, 'commentId', 5120000 + 7 * row_number() OVER w,
               'customFieldData', json_build_array(
                   json_build_object('field', json_build_object('id', 13101, 'name', 'Date'), 'value', json_build_object('date', i.day)),
                   json_build_object('field', json_build_object('id', 13102, 'name', 'Employee'), 'value', json_build_object('id', i.user_id, 'name', i.name)),
                   json_build_object('field', json_build_object('id', 13103, 'name', 'Minutes'), 'value', i.minutes),
                   json_build_object('field', json_build_object('id', 13104, 'name', 'Kind of work'), 'value', json_build_object('value', i.work_type)),
                   json_build_object('field', json_build_object('id', 13105, 'name', 'Comment'), 'value', i.comment)))::text AS line
      FROM item i
    WINDOW w AS (ORDER BY i.started_at, i.key)
)
SELECT E'[\n' || string_agg(p.body, E',\n' ORDER BY p.page) || E'\n]'
  FROM (SELECT r.page, E'{"result": "success", "dataTagEntries": [\n' || string_agg(r.line, E',\n' ORDER BY r.no) || E'\n]}' AS body FROM record r GROUP BY r.page) p;
\o
