-- One person's day: what is logged twice at once is pointed out, and a day has as many hours as the clock says.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_overlap');
SET search_path = t_overlap, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency)
VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id)
SELECT 1, t, id FROM work_type, unnest(ARRAY['T1', 'T2', 'T3']) t WHERE code = 'development';

-- the same two hours from two trackers are taken, charged and pointed out
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO employee_login (employee_id, source, external_id) VALUES (1, 'bitrix24', '7'), (1, 'clickup', '900');
UPDATE task SET source = 'bitrix24', external_id = '691' WHERE id = 1;
UPDATE task SET source = 'clickup', external_id = '86a' WHERE id = 2;
SELECT * FROM ingest_entries('[
  {"source": "bitrix24", "external_id": "1", "employee": "7", "task": "691", "started_at": "2026-03-02T09:00:00Z", "ended_at": "2026-03-02T11:00:00Z"},
  {"source": "clickup", "external_id": "2", "employee": "900", "task": "86a", "started_at": "2026-03-02T09:00:00Z", "ended_at": "2026-03-02T11:00:00Z"}]');
SELECT sum(worked_s) / 3600 AS hours, trim_scale(sum(amount)) AS charged, (SELECT count(*) FROM data_gaps) AS gaps FROM charge;
CREATE VIEW pg_temp.gap AS SELECT gap, employee, since, hours, times FROM data_gaps ORDER BY 1, 3;
TABLE pg_temp.gap;
SELECT way_out FROM data_gaps;

-- within one tracker, over midnight, three at once; what only touches shares nothing, nor what lasts no time
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES
    (1, 1, '2026-03-02 11:00Z', '2026-03-02 12:00Z'), (1, 1, '2026-03-02 12:00Z', '2026-03-02 12:00Z'), (1, 1, '2026-03-02 12:00Z', '2026-03-02 13:00Z'),
    (2, 1, '2026-03-02 09:00Z', '2026-03-02 11:00Z'),                      -- another person
    (1, 1, '2026-03-03 22:00Z', '2026-03-04 02:00Z'), (1, 2, '2026-03-04 01:00Z', '2026-03-04 03:00Z'),
    (1, 1, '2026-03-05 08:00Z', '2026-03-05 18:00Z'), (1, 1, '2026-03-05 09:00Z', '2026-03-05 09:30Z'), (1, 2, '2026-03-05 12:00Z', '2026-03-05 13:00Z'),
    (1, 3, '2026-03-05 17:00Z', '2026-03-05 19:00Z');
TABLE pg_temp.gap;
SELECT employee, task, other_task, started_at, other_started_at, hours_twice FROM overlapping_entry ORDER BY started_at;
-- the day is that of the person: eleven in the evening UTC is the next day in Kyiv
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 1, '2026-03-09 22:30Z', '2026-03-09 23:30Z'), (2, 1, '2026-03-09 23:00Z', '2026-03-09 23:15Z');
SELECT since FROM pg_temp.gap WHERE employee = 'Ben';
UPDATE employee SET zone = 'Europe/Kyiv' WHERE name = 'Ben';
SELECT since FROM pg_temp.gap WHERE employee = 'Ben';
-- work that cannot be rated is somebody's time too; what is corrected is gone
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 1, '2025-03-02 09:00Z', '2025-03-02 11:00Z'), (2, 1, '2025-03-02 10:00Z', '2025-03-02 12:00Z');
SELECT since, hours FROM pg_temp.gap WHERE employee = 'Ben';
DELETE FROM time_entry WHERE started_at < '2026-01-01';
UPDATE time_entry SET started_at = '2026-03-09 23:30Z', ended_at = '2026-03-09 23:45Z' WHERE started_at = '2026-03-09 23:00Z';
DELETE FROM time_entry WHERE started_at >= '2026-03-03' AND employee_id = 1;
TABLE pg_temp.gap;

-- hours without a clock: 24 a day, whoever sent them; 23 where the clocks go forward, 25 where they go back
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-03-10', 86400), (1, 1, '2026-03-11', 50000), (1, 2, '2026-03-11', 36400), (1, 1, '2026-03-12', 50000), (1, 2, '2026-03-12', 36401),
    (2, 1, '2026-03-29', 82800), (2, 1, '2026-10-25', 86400), (2, 1, '2026-10-25', 3600), (1, 1, '2026-10-25', 86400), (1, 1, '2026-10-25', 3600);
SELECT employee, since, hours, times FROM pg_temp.gap WHERE gap = 'overfull day';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-03-29', 60), (2, 1, '2026-10-25', 60);
SELECT employee, since, hours, times FROM pg_temp.gap WHERE gap = 'overfull day';
-- with what the clock says of the same day, as far as it is of that day, less its break
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, break_s) VALUES (1, 1, '2026-03-15 22:00Z', '2026-03-16 06:00Z', 1800);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-16', 18.375 * 3600);
SELECT count(*) FROM pg_temp.gap WHERE since = '2026-03-16';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-16', 36);
SELECT gap, hours, times FROM pg_temp.gap WHERE since = '2026-03-16';

-- 25 hours from midnight to midnight are a day when the clocks of the contract go back, and two days are none
INSERT INTO party (kind, name) VALUES ('company', 'Berlin'), ('company', 'Apia');
INSERT INTO calendar (name, zone) VALUES ('b', 'Europe/Berlin');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, calendar_id) VALUES (3, 'B', 'EUR', '2026-01-01', 1, 1);
INSERT INTO project (client_id, name) VALUES (3, 'B');
INSERT INTO task (project_id, title, source, external_id) VALUES (2, 'B1', 'bitrix24', 'b1') RETURNING id AS b \gset
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, :b, '2026-10-25 00:00 Europe/Berlin', '2026-10-26 00:00 Europe/Berlin');
SELECT worked_s / 3600 AS hours, trim_scale(amount) AS amount FROM charge WHERE client_id = 3;
\set VERBOSITY terse
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, :b, '2026-10-25 00:00 Europe/Berlin', '2026-10-26 00:00:01 Europe/Berlin');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, :b, '2026-10-24 00:00 Europe/Berlin', '2026-10-25 01:00 Europe/Berlin');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, :b, '2026-10-25 00:00 Europe/Berlin', '2026-10-27 00:00 Europe/Berlin');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-10-25 00:00 Europe/Berlin', '2026-10-26 00:00 Europe/Berlin');  -- books in UTC
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :b, '2026-10-25', 90001);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :b, '2026-10-26', 86401);
\set VERBOSITY default
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :b, '2026-10-25', 90000);
-- a break is no work; when the clocks go forward a day of 24 hours is still taken
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, break_s) VALUES (1, :b, '2026-07-01 00:00Z', '2026-07-02 02:00Z', 7200), (1, :b, '2026-03-29 00:00 Europe/Berlin', '2026-03-30 01:00 Europe/Berlin', 0);
SELECT e.worked_s / 3600 AS hours FROM time_entry e WHERE e.task_id = :b ORDER BY e.id;
-- a tracker is told the same
SELECT * FROM ingest_entries('[
  {"source": "bitrix24", "external_id": "11", "employee": "7", "task": "b1", "started_at": "2027-10-31T00:00:00+02:00", "ended_at": "2027-11-01T00:00:00+01:00"},
  {"source": "bitrix24", "external_id": "12", "employee": "7", "task": "b1", "started_at": "2027-10-30T00:00:00+02:00", "ended_at": "2027-10-31T01:00:00+02:00"},
  {"source": "bitrix24", "external_id": "13", "employee": "7", "task": "b1", "work_date": "2027-10-31", "duration_s": 90001}]');
SELECT external_id, reason FROM rejected_entry ORDER BY 1;
-- a limit of hours is one of the same clock: eight hours over the night that has nine
UPDATE setting SET max_entry_s = 8 * 3600;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, :b, '2026-10-24 22:00 Europe/Berlin', '2026-10-25 06:00 Europe/Berlin');
SELECT max(worked_s) / 3600 AS hours FROM time_entry WHERE employee_id = 2 AND task_id = :b;
UPDATE setting SET max_entry_s = 86400;

-- what is billed on both sides is no gap any more, but overlapping_entry still has it
SELECT count(*) FROM pg_temp.gap WHERE gap = 'overlapping time' AND since = '2026-03-02';
SELECT outcome FROM run_billing('2026-03-31') WHERE contract = 'A';
SELECT count(*) FROM pg_temp.gap WHERE gap = 'overlapping time' AND since = '2026-03-02';
SELECT count(*) FROM overlapping_entry WHERE started_at < '2026-03-03';
-- with work of now that begins in the middle of it, it is one again
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, :b, '2026-03-02 10:30Z', '2026-03-02 10:45Z');
SELECT hours, times FROM pg_temp.gap WHERE gap = 'overlapping time' AND since = '2026-03-02';
SELECT * FROM check_books();
-- readers are told of the people whose work they may see
CREATE ROLE regress_finance_bi;
SELECT grant_access('regress_finance_bi', 'reader');
SET ROLE regress_finance_bi;
SELECT gap, employee, count(*) FROM data_gaps GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM doubled_time;
RESET ROLE;
ALTER TABLE time_entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY his_own ON time_entry FOR SELECT TO regress_finance_bi USING (employee_id = 2);
SET ROLE regress_finance_bi;
SELECT gap, employee, count(*) FROM data_gaps GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM doubled_time;
RESET ROLE;
SET client_min_messages = error;
DROP SCHEMA t_overlap, t_overlap_internal CASCADE;
DROP OWNED BY regress_finance_bi;
DROP ROLE regress_finance_bi;
