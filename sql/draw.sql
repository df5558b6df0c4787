-- Work is cut where an allotment begins or ends, and draws in one order.  Each case
-- is undone, so that it stands on the same books.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_draw');
SET search_path = t_draw, t_draw_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name) VALUES ('Ann');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id) SELECT 1, w.code, w.id FROM work_type w WHERE w.code IN ('development', 'design') ORDER BY w.id;
CREATE FUNCTION pg_temp.drawn() RETURNS TABLE (entry bigint, charged text) LANGUAGE sql AS $$
    SELECT h.time_entry_id, string_agg(concat_ws(' ', to_char(h.service_date, 'DD.MM'), h.coverage, CASE WHEN h.late THEN 'late' END,
               '#' || h.allotment_id, h.billed_s / 60 || ' min', nullif(trim_scale(h.amount), 0)), '; ' ORDER BY h.committed DESC, h.id)
      FROM live_charge h WHERE h.source = 'time' GROUP BY 1 ORDER BY 1
$$;
CREATE PROCEDURE pg_temp.anew() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval(format('%s_id_seq', t), 1, false) FROM unnest('{calendar,time_entry,allotment,charge,contract_line}'::text[]) t;
END $$;
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', 1);

-- A block to the end of 15 March, work from 23:00 to 1:00: an hour of it, an hour at 100 (vm0 #10299).  Work without a
-- clock takes the day; what begins at midnight takes nothing.
BEGIN;
CALL pg_temp.anew();
SELECT add_block(1, '2026-01-01', hours => 20, price => 1500, expires_on => '2026-03-15');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-15 23:00Z', '2026-03-16 01:00Z'),
    (1, 1, '2026-03-16 00:00Z', '2026-03-16 01:00Z');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-15', 7200), (1, 1, '2026-03-16', 7200);
SELECT * FROM pg_temp.drawn();
SELECT * FROM check_books();
-- its last day is another: the work follows
UPDATE allotment SET expires_at = '2026-03-17';
SELECT * FROM pg_temp.drawn();
UPDATE allotment SET expires_at = '2026-03-15 23:30Z';
SELECT * FROM pg_temp.drawn();
SELECT * FROM check_books();
ROLLBACK;

-- A block sold for April covers what work of 31 March does in April, also where it is logged first; and gives it back.
BEGIN;
CALL pg_temp.anew();
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-31 22:00Z', '2026-04-01 02:00Z'), (1, 1, '2026-03-31 22:30Z', '2026-03-31 23:30Z');
SELECT add_block(1, '2026-04-01', hours => 1, price => 80) AS block \gset
SELECT * FROM pg_temp.drawn();
SELECT void_block(:block, 'not bought');
SELECT * FROM pg_temp.drawn();
SELECT * FROM check_books();
ROLLBACK;

-- The day of the contract ends in its own zone: in Kyiv at 22:00 UTC in winter, at 21:00 in summer.  The night of the
-- change to summer time, 23:00 to 5:00, is five hours, one of them on the block's last day.
BEGIN;
CALL pg_temp.anew();
INSERT INTO calendar (name, zone) VALUES ('kyiv', 'Europe/Kyiv');
UPDATE contract SET calendar_id = 1;
SELECT add_block(1, '2026-01-01', hours => 20, price => 1500, expires_on => '2026-03-28');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-28 23:00 Europe/Kyiv', '2026-03-29 05:00 Europe/Kyiv');
SELECT * FROM pg_temp.drawn();
SELECT * FROM check_books();
ROLLBACK;

-- Money that lapses in the middle of the work buys what came before (twenty #25603); bands weigh on either side: from
-- 16:30 in hours and off them, × 2 after 17:00, to 17:20.
BEGIN;
CALL pg_temp.anew();
INSERT INTO calendar (name, zone) VALUES ('office', 'UTC');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '09:00', '17:00', 'regular' FROM generate_series(1, 5) d;
INSERT INTO band_rule (contract_id, band, price_multiplier, burn_multiplier) VALUES (1, 'off_hours', 2, 2);
UPDATE contract SET calendar_id = 1;
INSERT INTO allotment (contract_id, kind, unit, amount, effective_at, expires_at) VALUES (1, 'topup', 'money', 500, '2026-01-01', '2026-03-02 16:45'),
    (1, 'block', 'seconds', 7200, '2026-03-02 17:10', NULL);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-02 16:30', '2026-03-02 17:20');
SELECT segment, band, coverage, allotment_id, billed_s / 60 AS minutes, trim_scale(amount) AS amount, trim_scale(burned) AS burned FROM charge WHERE source = 'time' ORDER BY segment;
SELECT * FROM check_books();
ROLLBACK;

-- Late work draws on what the open period has when it begins, whole; a correction too.
BEGIN;
CALL pg_temp.anew();
SELECT add_block(1, '2026-02-01', hours => 3, price => 250, expires_on => '2026-02-10');
SELECT add_block(1, '2026-03-01', hours => 2, price => 150, expires_on => '2026-03-15');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-02-10 23:00Z', '2026-02-11 01:00Z');
SELECT count(*) FROM run_billing('2026-02-28');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-02-10 22:00Z', '2026-02-11 00:30Z');
SELECT * FROM pg_temp.drawn();
SELECT difference FROM correct_entry(1, '{"ended_at": "2026-02-11T02:00:00Z"}', 'an hour more');
SELECT * FROM pg_temp.drawn();
SELECT * FROM check_books();
ROLLBACK;

-- Of two alike the narrower is eaten first, whichever was entered first; a line has a priority, as a block has.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (1, 'recurring', 'All', 100, 3600);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, scope_work_types) SELECT 1, 'recurring', 'Design', 100, 3600, ARRAY[t.work_type_id] FROM task t WHERE t.title = 'design';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-02', 5400 FROM task t WHERE t.title = 'design';
SELECT n.title, h.billed_s / 60 AS minutes FROM charge h JOIN allotment a ON a.id = h.allotment_id JOIN contract_line n ON n.id = a.contract_line_id ORDER BY h.segment;
ROLLBACK;
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, priority) VALUES (1, 'recurring', 'Last', 100, 3600, 2);
SELECT add_block(1, '2026-01-01', hours => 1, price => 80, priority => 1) AS block \gset
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, priority) VALUES (1, 'recurring', 'First', 100, 3600, -3);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3 * 3600);
SELECT coalesce(n.title, 'block') AS eaten, a.priority FROM charge h JOIN allotment a ON a.id = h.allotment_id LEFT JOIN contract_line n ON n.id = a.contract_line_id ORDER BY h.segment;
ROLLBACK;
-- What would be lost is eaten before what is carried over.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max) VALUES (1, 'recurring', 'Carried', 100, 3600, 3600), (1, 'recurring', 'Lost', 100, 3600, NULL);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT n.title FROM charge h JOIN allotment a ON a.id = h.allotment_id JOIN contract_line n ON n.id = a.contract_line_id;
ROLLBACK;

-- A night over New Year: the holiday of 31 December ends at midnight, the morning after it is night as in every week.
BEGIN;
CALL pg_temp.anew();
INSERT INTO calendar (name, zone) VALUES ('nights', 'UTC');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '22:00', '06:00', 'night' FROM generate_series(1, 7) d;
INSERT INTO calendar_band (calendar_id, day, starts, ends, band) VALUES (1, '2026-12-31', '20:00', '06:00', 'holiday');
INSERT INTO band_rule (contract_id, band, price_multiplier) VALUES (1, 'night', 1.5), (1, 'holiday', 3);
UPDATE contract SET calendar_id = 1;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-12-31 19:00', '2027-01-01 07:00'), (1, 1, '2026-12-31 00:00', '2026-12-31 04:00');
SELECT time_entry_id, service_date, band, billed_s / 3600 AS hours, trim_scale(amount) AS amount FROM charge WHERE source = 'time' ORDER BY 1, segment;
ROLLBACK;

-- The order in which work and allotments come does not matter, and rating again changes nothing: 60 entries over 12 days
-- of blocks that begin and end at any minute, with bands that weigh, in one go, one by one, and with the blocks after.
CREATE TABLE work AS
    SELECT i AS id, '2026-03-01'::timestamptz + (i * 7919 % 17280) * interval '1 minute' AS at, (300 + i * 104729 % 30000) * interval '1 second' AS length,
           1 + i % 2 AS task_id FROM generate_series(1, 60) i;
CREATE TABLE grants AS
    SELECT i AS id, CASE WHEN i % 3 = 0 THEN 'money' ELSE 'seconds' END AS unit, CASE WHEN i % 3 = 0 THEN 300 + i ELSE 9000 + i * 77 END AS amount,
           i % 4 - 1 AS priority, '2026-03-01'::timestamptz + (i * 3571 % 15000) * interval '1 minute' AS begins, (i * 1237 % 5000 + 30) * interval '1 minute' AS lasts,
           CASE WHEN i % 5 = 0 THEN (SELECT ARRAY[t.work_type_id] FROM task t WHERE t.id = 1) END AS scope FROM generate_series(1, 20) i;
CALL pg_temp.anew();
INSERT INTO calendar (name, zone) VALUES ('office', 'Europe/Kyiv');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '09:00', '18:00', 'regular' FROM generate_series(1, 5) d;
INSERT INTO band_rule (contract_id, band, price_multiplier, burn_multiplier) VALUES (1, 'off_hours', 1.5, 1.25);
UPDATE contract SET calendar_id = 1, cap_amount = 9000, period_cap_amount = 8000;
CREATE PROCEDURE grant_all() LANGUAGE sql AS $$
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types)
    SELECT 1, 'block', g.unit, g.amount, g.priority, g.begins, g.begins + g.lasts, g.scope FROM grants g ORDER BY g.id
$$;
CREATE VIEW outcome AS
    SELECT h.time_entry_id, h.segment, h.band, h.coverage, h.service_date, h.worked_s, h.billed_s, h.amount, h.cost, h.burned, a.effective_at, h.why
      FROM charge h LEFT JOIN allotment a ON a.id = h.allotment_id WHERE h.source = 'time';
BEGIN;
CALL pg_temp.anew();
CALL grant_all();
INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) SELECT w.id, 1, w.task_id, w.at, w.at + w.length FROM work w ORDER BY w.id;
CREATE TEMP TABLE before AS SELECT h.id, h.xmin::text AS version FROM charge h;
SELECT rerate(1, '2026-01-01') AS looked_at;
SELECT count(*) AS touched FROM charge h FULL JOIN before b USING (id) WHERE h.xmin::text IS DISTINCT FROM b.version;
SELECT count(*) AS segments, count(DISTINCT coverage) AS coverages, sum(billed_s) - sum(worked_s) AS lost FROM outcome;
SELECT * FROM check_books();
CREATE TEMP TABLE at_once AS SELECT * FROM outcome;
DELETE FROM time_entry;
DO $$
DECLARE
    w record;
BEGIN
    FOR w IN SELECT * FROM work ORDER BY md5(id::text) LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) VALUES (w.id, 1, w.task_id, w.at, w.at + w.length);
    END LOOP;
END $$;
SELECT count(*) AS one_by_one FROM ((TABLE at_once EXCEPT ALL TABLE outcome) UNION ALL (TABLE outcome EXCEPT ALL TABLE at_once)) d;
SELECT * FROM check_books();
DELETE FROM time_entry;
DELETE FROM allotment;
INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) SELECT w.id, 1, w.task_id, w.at, w.at + w.length FROM work w ORDER BY w.id DESC;
CALL grant_all();
UPDATE allotment SET priority = priority + 1;
UPDATE allotment SET priority = priority - 1;
SELECT count(*) AS grants_after FROM ((TABLE at_once EXCEPT ALL TABLE outcome) UNION ALL (TABLE outcome EXCEPT ALL TABLE at_once)) d;
SELECT * FROM check_books();
ROLLBACK;

-- Work that goes to another contract gives its hours back to those that follow, whichever of the two was made first, and
-- however far away they are: two hours a month for design.  The second one of three takes that of the first that leaves.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, project_id) VALUES (2, 'D', 'EUR', '2026-01-01', 1, 1) RETURNING id AS design \gset
INSERT INTO contract_line (contract_id, kind, title, included_s, scope_work_types)
SELECT :design, 'recurring', 'Design', 7200, ARRAY[w.id] FROM work_type w WHERE w.code = 'design';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-02', 5400), (1, 2, '2026-03-03', 3600);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at)
SELECT 1, 1, '2026-03-04 08:00Z'::timestamptz + i * interval '1 hour', '2026-03-04 08:30Z'::timestamptz + i * interval '1 hour' FROM generate_series(1, 120) i;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-20', 3600);
SELECT * FROM pg_temp.drawn() WHERE entry NOT BETWEEN 3 AND 122;
UPDATE time_entry SET contract_id = 1 WHERE id = 1;
SELECT * FROM pg_temp.drawn() WHERE entry NOT BETWEEN 3 AND 122;
SELECT * FROM check_books();
UPDATE time_entry SET contract_id = NULL WHERE id = 1;
SELECT * FROM pg_temp.drawn() WHERE entry NOT BETWEEN 3 AND 122;
SELECT * FROM check_books();
ROLLBACK;

SET search_path = public;
DROP SCHEMA t_draw, t_draw_internal CASCADE;
