-- What the trackers exported, turned into input of ingest_entries().
--
-- A file is read line by line by \copy, which takes paths relative to the
-- directory that psql runs in and needs no rights on the server.  The CSV
-- format with a delimiter and a quote that JSON text cannot hold takes every
-- line as it is, backslashes too; the lines are put together again in order.
-- So a file may have any layout, and be as long as a value may be (1 GB).
--
-- Each file is an array of the answers that the tracker gave, page by page,
-- and each page is one call, as a connector makes it.  What is wrong with a
-- record is found by ingest_entries(), which keeps it in rejected_entry.
\echo tracker exports
CREATE TEMP TABLE export_line (
    n bigint GENERATED ALWAYS AS IDENTITY,
    line text NOT NULL
);
CREATE TEMP VIEW export_page AS
    SELECT p.no, p.value AS page
      FROM (SELECT string_agg(line, E'\n' ORDER BY n)::jsonb AS document FROM export_line) d
     CROSS JOIN jsonb_array_elements(d.document) WITH ORDINALITY p (value, no);

-- Bitrix24: every value is a string.  What a timer measured (SOURCE 3) has a
-- start and a stop.  What was entered by hand (SOURCE 2) has not: there
-- CREATED_DATE is the day of the work and DATE_START when it was entered.
-- The last page was read once more later and has one record corrected.
TRUNCATE export_line RESTART IDENTITY;
\copy export_line (line) FROM 'export/bitrix24-elapsed.json' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', NULL E'\x03', ENCODING 'UTF8')
SELECT 'bitrix24' AS source, count(*) AS pages, sum(i.inserted) AS inserted, sum(i.updated) AS updated, sum(i.unchanged) AS unchanged, sum(i.rejected) AS rejected
  FROM (SELECT p.no, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'source', 'bitrix24', 'external_id', r ->> 'ID', 'employee', r ->> 'USER_ID', 'task', r ->> 'TASK_ID',
                   'comment', nullif(r ->> 'COMMENT_TEXT', ''))
               || CASE r ->> 'SOURCE'
                      WHEN '2' THEN jsonb_build_object('work_date', left(r ->> 'CREATED_DATE', 10), 'duration_s', r ->> 'SECONDS')
                      ELSE jsonb_build_object('started_at', r ->> 'DATE_START', 'ended_at', r ->> 'DATE_STOP', 'duration_s', r ->> 'SECONDS') END)) AS entries
          FROM export_page p
         CROSS JOIN jsonb_array_elements(p.page -> 'result') r
         GROUP BY p.no
         ORDER BY p.no) x
 CROSS JOIN LATERAL ingest_entries(x.entries) i;

-- ClickUp: milliseconds as strings; a timer that still runs is left out until
-- it is stopped; the kind of work is the first tag.
TRUNCATE export_line RESTART IDENTITY;
\copy export_line (line) FROM 'export/clickup-time-entries.json' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', NULL E'\x03', ENCODING 'UTF8')
SELECT 'clickup' AS source, count(*) AS pages, sum(i.inserted) AS inserted, sum(i.updated) AS updated, sum(i.unchanged) AS unchanged, sum(i.rejected) AS rejected
  FROM (SELECT p.no, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'source', 'clickup', 'external_id', r ->> 'id', 'employee', r #>> '{user,id}', 'task', r #>> '{task,id}',
                   'work_type', r #>> '{tags,0,name}', 'billable', CASE WHEN NOT (r ->> 'billable')::boolean THEN 'no_charge' END,
                   'started_at', to_timestamp((r ->> 'start')::bigint / 1000), 'ended_at', to_timestamp((r ->> 'end')::bigint / 1000),
                   'comment', nullif(r ->> 'description', '')))) AS entries
          FROM export_page p
         CROSS JOIN jsonb_array_elements(p.page -> 'data') r
         WHERE (r ->> 'duration')::bigint >= 0
         GROUP BY p.no
         ORDER BY p.no) x
 CROSS JOIN LATERAL ingest_entries(x.entries) i;

-- Planfix: a data tag entry holds its values under the field numbers of the
-- account; a value may be plain or wrapped.  Days are written 31-12-2026.
TRUNCATE export_line RESTART IDENTITY;
\copy export_line (line) FROM 'export/planfix-datatag-entries.json' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', NULL E'\x03', ENCODING 'UTF8')
SELECT 'planfix' AS source, count(*) AS pages, sum(i.inserted) AS inserted, sum(i.updated) AS updated, sum(i.unchanged) AS unchanged, sum(i.rejected) AS rejected
  FROM (SELECT p.no, jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'source', 'planfix', 'external_id', r ->> 'key', 'employee', f.field #>> '{13102,id}', 'task', r #>> '{task,id}',
                   'work_type', lower(f.field #>> '{13104,value}'),
                   'work_date', regexp_replace(f.field #>> '{13101,date}', '^(\d\d)-(\d\d)-(\d{4})$', '\3-\2-\1'),
                   'duration_s', (f.field ->> '13103')::int * 60, 'comment', f.field ->> '13105'))) AS entries
          FROM export_page p
         CROSS JOIN jsonb_array_elements(p.page -> 'dataTagEntries') r
         CROSS JOIN LATERAL (SELECT jsonb_object_agg(c #>> '{field,id}', c -> 'value') AS field FROM jsonb_array_elements(r -> 'customFieldData') c) f
         GROUP BY p.no
         ORDER BY p.no) x
 CROSS JOIN LATERAL ingest_entries(x.entries) i;
