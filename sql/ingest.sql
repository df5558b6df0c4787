-- Work logs from trackers: idempotent, and one bad record stops no other.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_ingest');
SET search_path = t_ingest, t_ingest_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('company', 'Alpha');
INSERT INTO employee (name) VALUES ('Dev'), ('Ops');
INSERT INTO employee_login VALUES ('b24', '7', 1), ('clickup', '900', 1), ('b24', '8', 2);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (1, 'A-1', 'EUR', '2020-01-01');
INSERT INTO project (client_id, name) VALUES (1, 'Site');
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Cart', 'b24', '691'), (1, 'Search', 'clickup', 'abc');

-- S11: twice the same, then one changed
SELECT '[{"source": "b24", "external_id": "1", "employee": "7", "task": "691", "started_at": "2026-03-02T09:00:00+02:00", "ended_at": "2026-03-02T10:00:00+02:00", "comment": "Кошик"},
         {"source": "b24", "external_id": "2", "employee": "8", "task": "691", "work_date": "2026-03-02", "duration_s": 1200},
         {"source": "clickup", "external_id": "1", "employee": "900", "task": "abc", "work_type": "design", "started_at": "2026-03-02 10:00:00Z", "ended_at": "2026-03-02 11:30:00Z", "break_s": 600}]' AS file \gset
SELECT * FROM ingest_entries(:'file');
SELECT * FROM ingest_entries(:'file');
SELECT * FROM ingest_entries(replace(:'file', '1200', '2400')::jsonb);
SELECT e.source, e.external_id, h.worked_s, h.amount::numeric(9,2) FROM charge h JOIN time_entry e ON e.id = h.time_entry_id ORDER BY 1, 2;

-- each bad record with its reason, the good one among them taken
SELECT * FROM ingest_entries('[
    {"source": "b24", "external_id": "10", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 3600},
    17, null, "text", [], {},
    {"source": "b24", "external_id": "11", "employee": "77", "task": "691", "work_date": "2026-03-03", "duration_s": 3600},
    {"source": "b24", "external_id": "12", "employee": "7", "task": "692", "work_date": "2026-03-03", "duration_s": 3600},
    {"source": "b24", "external_id": "13", "employee": "7", "task": "691", "work_date": "2026-02-30", "duration_s": 3600},
    {"source": "b24", "external_id": "14", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": "an hour"},
    {"source": "b24", "external_id": "15", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": -5},
    {"source": "b24", "external_id": "16", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 86401},
    {"source": "b24", "external_id": "17", "employee": "7", "task": "691", "work_date": "2026-03-03"},
    {"source": "b24", "external_id": "18", "employee": "7", "task": "691", "started_at": "2026-03-03T10:00:00Z"},
    {"source": "b24", "external_id": "19", "employee": "7", "task": "691", "started_at": "2026-03-03T10:00:00Z", "ended_at": "2026-03-03T09:00:00Z"},
    {"source": "b24", "external_id": "20", "employee": "7", "task": "691", "started_at": "2026-03-03 10:00", "ended_at": "2026-03-03 11:00"},
    {"source": "b24", "external_id": "21", "employee": "7", "task": "691", "started_at": "2026-03-03T10:00:00Z", "ended_at": "2026-03-03T11:00:00Z", "break_s": 4000},
    {"source": "b24", "external_id": "22", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60, "work_type": "dancing"},
    {"source": "b24", "external_id": "23", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60, "billable": "maybe"},
    {"source": "b24", "external_id": "24", "task": "691", "work_date": "2026-03-03", "duration_s": 60},
    {"source": "b24", "external_id": "25", "employee": "7", "work_date": "2026-03-03", "duration_s": 60},
    {"source": "b24", "external_id": "26", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60},
    {"source": "b24", "external_id": "26", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 120}]');
SELECT external_id, reason FROM rejected_entry ORDER BY external_id::int NULLS FIRST, reason, record::text;
-- corrected and sent again, a record leaves the list
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "13", "employee": "7", "task": "691", "work_date": "2026-02-28", "duration_s": 3600}]');
SELECT count(*) FROM rejected_entry WHERE external_id = '13';
-- rejected once, however often it is sent
SELECT * FROM ingest_entries('[17]');
SELECT count(*) FROM rejected_entry WHERE record = '17';

-- changed after it was billed: refused, the rest of the file taken
ALTER FUNCTION freeze_charges(bigint[], text, text, bigint) SECURITY DEFINER;  -- as when a function of the books calls it
SELECT freeze_charges(ARRAY(SELECT h.id FROM charge h JOIN time_entry e ON e.id = h.time_entry_id WHERE e.external_id = '10'), 'charge', 'freeze');
SELECT * FROM ingest_entries('[
    {"source": "b24", "external_id": "10", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 7200},
    {"source": "b24", "external_id": "30", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60}]');
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "10", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 3600}]');
SELECT external_id, reason FROM rejected_entry WHERE external_id = '10';
-- once corrected it is open again: a tracker changes it as an edit does, the frozen charge and its reversal stay
SELECT reversed IS NOT NULL AS corrected FROM correct_entry((SELECT id FROM time_entry WHERE external_id = '10'), '{"duration_s": 5400}', 'half an hour more');
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "10", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 7200}]');
SELECT h.worked_s, h.frozen_at IS NOT NULL AS frozen, h.reverses_id IS NOT NULL AS reversal
  FROM charge h JOIN time_entry e ON e.id = h.time_entry_id WHERE e.external_id = '10' ORDER BY h.id;
SELECT count(*) FROM rejected_entry WHERE external_id = '10';
-- the stages by themselves
SELECT no, source, external_id, employee, started_at IS NULL AS no_start, duration_s, break_s, newest
  FROM read_records('[{"source": "b24", "external_id": "1", "employee": "7", "started_at": "yesterday", "duration_s": "1.5"}, 17,
                      {"source": "b24", "external_id": "1", "employee": 7, "duration_s": 60, "break_s": 5}]') ORDER BY no;
SELECT no, employee_id, task_id, reason
  FROM check_records('[{"source": "b24", "external_id": "1", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60, "billable": "no_charge"},
                       {"source": "b24", "external_id": "2", "employee": "7", "task": "691", "work_date": "2026-03-03"}]', true) ORDER BY no;
-- where trackers may not decide, who sends their records must be one who may
BEGIN;
UPDATE setting SET trackers_decide = false;
SELECT d.may, c.reason FROM (VALUES (true), (false)) d (may)
 CROSS JOIN check_records('[{"source": "b24", "external_id": "1", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60, "billable": "no_charge"}]', true) x
 CROSS JOIN LATERAL check_records(jsonb_build_array(x.record), d.may) c ORDER BY 1;
ROLLBACK;
SELECT c.reason FROM check_records('[{"source": "b24", "external_id": "1", "employee": "7", "task": "691", "work_date": "2026-03-03", "duration_s": 60, "billable": "no_charge"}]', false) c;

-- what is no list of records is refused whole
SELECT * FROM ingest_entries('{"source": "b24"}');
SELECT * FROM ingest_entries(NULL);
SELECT * FROM ingest_entries('[{"comment": "\u0000"}]');
SELECT * FROM ingest_entries(convert_from('\x5b22ff225d', 'UTF8')::jsonb);
SELECT * FROM ingest_entries((SELECT jsonb_agg(g) FROM generate_series(1, 1000000) g));
SELECT * FROM ingest_entries('[]');

-- 50 000 in one call, then again
SELECT jsonb_agg(jsonb_build_object('source', 'b24', 'external_id', 'n' || g, 'employee', CASE WHEN g % 2 = 0 THEN '7' ELSE '8' END, 'task', '691',
           'work_date', date '2026-01-01' + g % 90, 'duration_s', 60 * (1 + g % 50))) AS big FROM generate_series(1, 50000) g \gset
SELECT * FROM ingest_entries(:'big');
SELECT * FROM ingest_entries(:'big');
SELECT count(*), sum(h.worked_s) FROM charge h JOIN time_entry e ON e.id = h.time_entry_id WHERE e.external_id LIKE 'n%';
SELECT count(*), sum(60 * (1 + g % 50)) FROM generate_series(1, 50000) g;
-- a key that fits into no index stops nobody else's record
SELECT * FROM ingest_entries((SELECT jsonb_agg(jsonb_build_object('source', v.source, 'external_id', v.id, 'employee', '7', 'task', '691', 'work_date', '2026-05-02', 'duration_s', 60))
    FROM (VALUES ('b24', repeat(md5('x'), 400)), ('b24', 'short'), (repeat(md5('y'), 400), '1'), ('b24', repeat('z', 1000)), ('b24', repeat('z', 1001))) v (source, id)));
-- nor does one at the edge of time
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "first", "employee": "7", "task": "691", "started_at": "0001-01-01T00:00:00+14:00", "ended_at": "0001-01-01T01:00:00+14:00"},
    {"source": "b24", "external_id": "last", "employee": "7", "task": "691", "started_at": "9999-12-31T23:00:00Z", "ended_at": "9999-12-31T23:30:00Z"},
    {"source": "b24", "external_id": "now", "employee": "7", "task": "691", "started_at": "2026-05-02T23:00:00Z", "ended_at": "2026-05-02T23:30:00Z"}]');
SELECT external_id, reason FROM rejected_entry WHERE reason LIKE '%digits' ORDER BY 1;
SELECT left(source, 5) AS source, length(source) AS long, left(external_id, 5) AS id, length(external_id) AS id_long, reason FROM rejected_entry WHERE reason LIKE '%bytes' ORDER BY id;
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_ingest, t_ingest_internal CASCADE;
