-- A few logs of plain work are rated where they are inserted (finance.log_entries), all else as a set (rate_new_entries):
-- whichever way, the charges are the same.
SET client_min_messages = warning;
SET track_functions = 'all';
\getenv srcdir PG_ABS_SRCDIR
\set mixed :srcdir '/test/fixture/mixed.sql'
SELECT setseed(0.5);
CREATE TABLE log_work AS
SELECT i AS no, 1 + floor(random() * 4)::bigint AS employee_id, 1 + floor(random() * 91)::bigint AS task_id,
       CASE WHEN random() < 0.2 THEN 1 + floor(random() * 5)::bigint END AS work_type_id,
       CASE WHEN random() < 0.7 THEN '2025-12-20 00:00Z'::timestamptz + floor(random() * 100 * 86400) * interval '1 s' END AS started_at,
       floor(random() * 20000)::int AS worked_s, '2025-12-20'::date + floor(random() * 100)::int AS work_date
  FROM generate_series(1, 500) i;
CREATE VIEW log_entry AS
SELECT no, employee_id, task_id, work_type_id, started_at, started_at + worked_s * interval '1 s' AS ended_at,
       CASE WHEN started_at IS NULL THEN work_date END AS work_date, CASE WHEN started_at IS NULL THEN worked_s END AS duration_s, 'x' AS source, no::text AS external_id
  FROM log_work;

-- as a set
SELECT setseed(0.5);
SELECT finance.create_books('log_set');
SET search_path = log_set, log_set_internal, finance, public;
\set ECHO none
\i :mixed
\set ECHO all
BEGIN;
INSERT INTO time_entry (employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s, source, external_id)
SELECT employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s, source, external_id FROM log_entry WHERE no <= 250;
SELECT close_period(1, '2025-12-01') IS NOT NULL AS closed;
INSERT INTO time_entry (employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s, source, external_id)
SELECT employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s, source, external_id FROM log_entry WHERE no > 250;
COMMIT;
SELECT * FROM check_books();

-- one by one
SELECT setseed(0.5);
SELECT finance.create_books('log_one');
SET search_path = log_one, log_one_internal, finance, public;
\set ECHO none
\i :mixed
\set ECHO all
CREATE PROCEDURE log_one(low int, high int) LANGUAGE plpgsql AS $$
DECLARE
    e log_entry;
BEGIN
    FOR e IN SELECT * FROM log_entry WHERE no BETWEEN low AND high ORDER BY no LOOP
        INSERT INTO time_entry (employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s, source, external_id)
        VALUES (e.employee_id, e.task_id, e.work_type_id, e.started_at, e.ended_at, e.work_date, e.duration_s, e.source, e.external_id);
    END LOOP;
END $$;
BEGIN;
CALL log_one(1, 250);
SELECT close_period(1, '2025-12-01') IS NOT NULL AS closed;
CALL log_one(251, 500);
-- how many of them were not plain
SELECT calls FROM pg_stat_xact_user_functions WHERE schemaname = 'log_one_internal' AND funcname = 'rate_new_entries';
COMMIT;
SELECT * FROM check_books();

-- the same charges, problems and terms, but for their ids
CREATE TABLE log_one_charge AS
SELECT e.external_id, t.digest, to_jsonb(h) - '{id,time_entry_id,terms_id,allotment_id,frozen_at}'::text[] || jsonb_build_object('frozen', h.frozen_at IS NOT NULL) AS charge
  FROM log_one.charge h JOIN log_one.time_entry e ON e.id = h.time_entry_id LEFT JOIN log_one.terms t ON t.id = h.terms_id;
CREATE TABLE log_set_charge AS
SELECT e.external_id, t.digest, to_jsonb(h) - '{id,time_entry_id,terms_id,allotment_id,frozen_at}'::text[] || jsonb_build_object('frozen', h.frozen_at IS NOT NULL) AS charge
  FROM log_set.charge h JOIN log_set.time_entry e ON e.id = h.time_entry_id LEFT JOIN log_set.terms t ON t.id = h.terms_id;
SELECT count(*) AS charges, count(*) FILTER (WHERE charge ->> 'coverage' = 'billable') AS billable, count(DISTINCT charge ->> 'contract_id') AS contracts,
       count(DISTINCT charge ->> 'band') AS bands, count(DISTINCT charge ->> 'currency') AS currencies FROM log_one_charge;
SELECT 'one' AS only_in, * FROM (TABLE log_one_charge EXCEPT ALL TABLE log_set_charge) x
UNION ALL SELECT 'set', * FROM (TABLE log_set_charge EXCEPT ALL TABLE log_one_charge) x ORDER BY 2, 1;
SELECT external_id, r.kind, r.problem FROM log_one.rating_problem r JOIN log_one.time_entry e ON e.id = r.time_entry_id
EXCEPT SELECT external_id, r.kind, r.problem FROM log_set.rating_problem r JOIN log_set.time_entry e ON e.id = r.time_entry_id;
SELECT (SELECT count(*) FROM log_one.rating_problem) = (SELECT count(*) FROM log_set.rating_problem) AS same_number;
