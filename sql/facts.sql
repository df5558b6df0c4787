-- Open charges follow the facts of their work; prices stay as they were stamped.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT finance.create_books('t_facts');
SET search_path = t_facts, t_facts_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('company', 'Other');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES (1, NULL, '2026-01-01', 20, 'EUR'), (NULL, 'junior', '2026-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('L', 'List', 'EUR', true);
INSERT INTO price (price_list_id, role, price) VALUES (1, NULL, 100), (1, 'junior', 60), (1, 'senior', 110);
INSERT INTO project (client_id, name) VALUES (2, 'P'), (2, 'Q'), (3, 'R');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-01-01');
INSERT INTO task (project_id, title, work_type_id) SELECT p, t, w.id FROM work_type w, (VALUES (1, 'T1'), (1, 'T2'), (2, 'T3'), (3, 'T4')) v (p, t) WHERE w.code = 'development' ORDER BY t;
CREATE VIEW seen AS
    SELECT e.id, e.task_id AS task, h.contract_id AS contract, h.project_id AS project, h.coverage, trim_scale(h.amount) AS amount, trim_scale(h.cost) AS cost, r.kind AS waits
      FROM time_entry e LEFT JOIN charge h ON h.time_entry_id = e.id AND h.reverses_id IS NULL LEFT JOIN rating_problem r ON r.time_entry_id = e.id;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-10', 3600), (2, 1, '2026-03-20', 3600), (2, 2, '2026-03-25', 7200), (1, 3, '2026-04-02', 3600);
-- from here on an hour is dearer: whatever follows keeps the price of its time
UPDATE price SET price = price + 900;

-- the end set back sends what lies beyond it to those that wait; set forth, it comes back at its old price
UPDATE contract SET ends_on = '2026-03-20';
SELECT * FROM seen ORDER BY id;
SELECT * FROM check_books();
UPDATE contract SET ends_on = '2026-03-25';
SELECT id, amount, waits FROM seen WHERE id > 2 ORDER BY id;
UPDATE contract SET ends_on = NULL;
SELECT id, amount, waits FROM seen WHERE id > 2 ORDER BY id;
-- the start set forth; a draft covers nothing
UPDATE contract SET starts_on = '2026-03-11';
SELECT id, amount, waits FROM seen WHERE id < 3 ORDER BY id;
UPDATE contract SET starts_on = '2026-01-01', status = 'draft';
SELECT count(*), count(waits) FROM seen;
UPDATE contract SET status = 'active';
SELECT id, amount, waits FROM seen ORDER BY id;

-- a task that turns out to be a bug is shown at nothing, and back
UPDATE task SET work_type_id = (SELECT id FROM work_type WHERE code = 'bug') WHERE id = 2;
SELECT coverage, amount, cost FROM seen WHERE id = 3;
UPDATE task SET work_type_id = (SELECT id FROM work_type WHERE code = 'development') WHERE id = 2;
UPDATE task SET billable = 'non_billable' WHERE id = 2;
SELECT coverage, amount FROM seen WHERE id = 3;
UPDATE task SET billable = NULL WHERE id = 2;
SELECT coverage, amount FROM seen WHERE id = 3;
-- so do all bugs when bugs are billed, and the project that is given away
UPDATE work_type SET billable = 'no_charge' WHERE code = 'development';
SELECT id, coverage, amount FROM seen ORDER BY id;
UPDATE work_type SET billable = NULL WHERE code = 'development';
UPDATE project SET billable = 'no_charge' WHERE id = 2;
SELECT id, coverage, amount FROM seen ORDER BY id;
UPDATE project SET billable = NULL WHERE id = 2;
SELECT * FROM check_books();

-- a contract of the project takes its work, at the prices of now, for it never had others; it goes and the work comes back
INSERT INTO contract (client_id, project_id, number, currency, starts_on) VALUES (2, 2, 'Q', 'EUR', '2026-01-01');
SELECT id, contract, amount FROM seen WHERE id = 4;
UPDATE contract SET project_id = NULL, starts_on = '2026-05-01' WHERE id = 2;
SELECT id, contract, amount FROM seen WHERE id = 4;
-- two that match: nobody guesses
UPDATE contract SET starts_on = '2026-04-01' WHERE id = 2;
SELECT id, contract, waits FROM seen WHERE id > 2 ORDER BY id;
UPDATE contract SET ends_on = '2026-03-31' WHERE id = 1;
SELECT id, contract, waits FROM seen WHERE id > 2 ORDER BY id;
-- the contract that a task names, and no more
UPDATE contract SET ends_on = NULL WHERE id = 1;
UPDATE task SET contract_id = 1 WHERE id = 3;
SELECT id, contract, waits FROM seen WHERE id = 4;
UPDATE contract SET status = 'draft' WHERE id = 2;
UPDATE task SET contract_id = NULL WHERE id = 3;
-- approval wanted: what has none waits
UPDATE contract SET needs_approval = true;
SELECT count(waits) FROM seen;
UPDATE contract SET needs_approval = false;
SELECT count(waits) FROM seen;
SELECT * FROM check_books();

-- a cost rate that comes late, of a person, and of a role; the price is what it was
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES (1, NULL, '2026-03-10', 25, 'EUR'), (NULL, 'junior', '2026-03-25', 12, 'EUR');
SELECT id, cost FROM seen ORDER BY id;
UPDATE cost_rate SET valid_from = '2026-03-11' WHERE hourly_cost = 25;
SELECT id, cost FROM seen ORDER BY id;
DELETE FROM cost_rate WHERE hourly_cost = 25;
SELECT id, cost FROM seen ORDER BY id;
-- who is promoted did the work of before as what he was
UPDATE employee SET role = 'senior' WHERE id = 2;
UPDATE task SET project_id = 2 WHERE id = 2;
SELECT id, project, amount, cost FROM seen WHERE id = 3;
SELECT * FROM check_books();
-- rerate() is asked for the prices of now
SELECT rerate(1, '2026-03-25');
SELECT id, amount, cost FROM seen ORDER BY id;

-- a done task that moves takes its fixed price along
INSERT INTO item (code, name) VALUES ('fix', 'Fix');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 40);
INSERT INTO task_item (task_id, item_id) VALUES (1, 1);
SELECT id, coverage, amount FROM seen WHERE task = 1 ORDER BY id;
UPDATE task SET status = 'done', completed_at = '2026-04-03 12:00Z' WHERE id = 1;
UPDATE price SET price = 45 WHERE item_id = 1;
UPDATE task SET project_id = 2 WHERE id = 1;
SELECT project_id, service_date, trim_scale(amount) AS amount FROM charge WHERE task_item_id IS NOT NULL;
UPDATE task SET completed_at = '2026-04-05 12:00Z' WHERE id = 1;
SELECT project_id, service_date, trim_scale(amount) AS amount FROM charge WHERE task_item_id IS NOT NULL;
-- it waits with its contract, and is charged when that is in force, as the lists say then
UPDATE contract SET ends_on = '2026-04-04';
SELECT count(*) FROM charge WHERE task_item_id IS NOT NULL;
SELECT task, reason FROM uncharged_task;
UPDATE contract SET ends_on = NULL;
SELECT service_date, trim_scale(amount) AS amount FROM charge WHERE task_item_id IS NOT NULL;
SELECT * FROM check_books();

-- a block: more of it, its last day set back, and its end
SELECT add_block(1, '2026-03-01', hours => 1, price => 1) AS block \gset
SELECT id, coverage, amount FROM seen WHERE id > 2 ORDER BY id, coverage;
UPDATE allotment SET amount = 3 * 3600;
SELECT id, coverage, amount FROM seen WHERE id > 2 ORDER BY id, coverage;
UPDATE allotment SET expires_at = '2026-03-31';
SELECT id, coverage, amount FROM seen WHERE id > 2 ORDER BY id, coverage;
SELECT void_block(:block, 'a test');
SELECT id, coverage, amount FROM seen ORDER BY id, coverage;
SELECT * FROM check_books();

-- what is billed cannot follow: who holds it, and the way out
SELECT build_report('{"task": 2}', '{"issued_on": "2026-04-01"}') AS r \gset
SELECT transition(:r, 'sent');
UPDATE task SET work_type_id = (SELECT id FROM work_type WHERE code = 'bug') WHERE id = 2;
SELECT transition(:r, 'agreed');
UPDATE task SET billable = 'no_charge' WHERE id = 2;
UPDATE contract SET ends_on = '2026-03-24' WHERE id = 1;
UPDATE contract SET starts_on = '2026-03-26' WHERE id = 1;
UPDATE contract SET status = 'draft' WHERE id = 1;
-- its last day, and another kind that is billed alike, change nothing
UPDATE contract SET ends_on = '2026-03-25' WHERE id = 1;
UPDATE contract SET ends_on = NULL, starts_on = '2026-03-25' WHERE id = 1;
UPDATE contract SET starts_on = '2026-01-01' WHERE id = 1;
UPDATE task SET work_type_id = (SELECT id FROM work_type WHERE code = 'support') WHERE id = 2;
-- the correction is the way out
SELECT difference FROM correct_entry(3, '{"billable": "no_charge"}', 'it was a bug');
UPDATE task SET billable = 'no_charge' WHERE id = 2;
SELECT coverage, trim_scale(amount) AS amount, reverses_id IS NOT NULL AS reversal FROM charge WHERE time_entry_id = 3 ORDER BY id;
SELECT * FROM check_books();
-- work of two contracts that follows at once, each by the terms stamped on it: two of one, one of the other
INSERT INTO price_list (code, name, currency) VALUES ('M', 'M', 'EUR'), ('N', 'N', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (2, 70), (3, 50);
INSERT INTO party (kind, name) VALUES ('company', 'Fourth'), ('company', 'Fifth');
INSERT INTO project (client_id, name) VALUES (4, 'S'), (5, 'T');
INSERT INTO task (project_id, title) VALUES (4, 'T5'), (5, 'T6');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (4, 'M', 'EUR', '2026-06-01', 2), (5, 'N', 'EUR', '2026-06-01', 3);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 5, '2026-06-10', 3600), (1, 6, '2026-06-10', 3600);
UPDATE price SET price = 90 WHERE price_list_id = 2;
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-06-01', 30, 'EUR');
SELECT task, contract, amount, cost FROM seen WHERE task > 4 ORDER BY id;

-- work of a report that was rejected, or is void, goes its own way: changed, deleted, without a contract; the papers
-- keep what they said, a draft has what there is
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 5, '2026-06-11', 7200), (1, 5, '2026-06-12', 3600);
SELECT build_report('{"client": 4}', '{"issued_on": "2026-06-15"}') AS r \gset
SELECT transition(:r, 'sent');
SELECT transition(:r, 'rejected', 'not ours');
DELETE FROM time_entry WHERE task_id = 5 AND work_date = '2026-06-10';
UPDATE contract SET ends_on = '2026-06-11' WHERE number = 'M';
UPDATE time_entry SET duration_s = 1800 WHERE task_id = 5 AND work_date = '2026-06-11';
CREATE FUNCTION pg_temp.paper(bigint) RETURNS TABLE (title text, project text, first_day date, last_day date, hours numeric, amount numeric, charges bigint, lines bigint)
    LANGUAGE sql AS $$ SELECT title, project, first_day, last_day, hours_billed, trim_scale(amount), charges, lines FROM document_rows($1) ORDER BY position $$;
SELECT * FROM pg_temp.paper(:r);
SELECT revise(:r) AS s \gset
SELECT * FROM pg_temp.paper(:s);
UPDATE document SET issued_on = '2026-06-30' WHERE id = :s;
SELECT transition(:s, 'sent');
-- while it is sent nothing goes; void, everything may
DELETE FROM time_entry WHERE task_id = 5;
SELECT void(:s, 'an error');
DELETE FROM time_entry WHERE task_id = 5;
SELECT * FROM pg_temp.paper(:s);
SELECT net FROM document WHERE id IN (:r, :s) ORDER BY id;
SELECT * FROM check_books();
-- hours that came while a report held the work cover it once the report is rejected; work that goes to another client then
-- leaves the paper as it was
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 6, '2026-06-20', 7200) RETURNING id AS work \gset
SELECT build_report('{"client": 5, "from": "2026-06-20"}') AS r \gset
SELECT transition(:r, 'sent');
SELECT add_block((SELECT id FROM contract WHERE number = 'N'), '2026-06-01', hours => 2, price => 10) > 0 AS sold;
SELECT coverage, billed_s, trim_scale(amount) AS amount FROM charge WHERE time_entry_id = :work;
SELECT transition(:r, 'rejected', 'not ours');
SELECT coverage, sum(billed_s) AS billed_s, trim_scale(sum(amount)) AS amount FROM charge WHERE source = 'time' AND client_id = 5 GROUP BY 1 ORDER BY 1;
SELECT * FROM check_books();
SELECT * FROM pg_temp.paper(:r);
UPDATE time_entry SET task_id = 1 WHERE id = :work;
SELECT client_id FROM charge WHERE time_entry_id = :work;
SELECT * FROM pg_temp.paper(:r);
SELECT * FROM check_books();

-- hours begin and end at midnight of the zone: of the books, or of the contract's calendar
INSERT INTO party (kind, name) VALUES ('company', 'Hours');
INSERT INTO calendar (name, zone) VALUES ('office', 'UTC');
INSERT INTO project (client_id, name) SELECT id, n FROM party, (VALUES ('H-1'), ('H-2')) v (n) WHERE name = 'Hours';
INSERT INTO contract (client_id, project_id, number, currency, starts_on, ends_on, calendar_id) SELECT p.client_id, p.id, p.name, 'EUR', '2026-03-01', '2026-03-31', c FROM project p JOIN (VALUES ('H-1', NULL), ('H-2', 1)) v (n, c) ON p.name = n ORDER BY p.id;
INSERT INTO task (project_id, title) SELECT id, name FROM project WHERE name LIKE 'H-_' ORDER BY id;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT 1, id, '2026-03-10 10:00Z', '2026-03-10 11:00Z' FROM task WHERE title LIKE 'H-_' ORDER BY id;
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) SELECT id, 'recurring', 'Support', 0, 36000 FROM contract WHERE number LIKE 'H%';
CREATE FUNCTION pg_temp.given() RETURNS TABLE (contract text, "from" timestamptz, "to" timestamptz) LANGUAGE sql AS
    'SELECT c.number, a.effective_at, a.expires_at FROM allotment a JOIN contract c ON c.id = a.contract_id WHERE c.number LIKE ''H%'' ORDER BY 1';
SELECT * FROM pg_temp.given();
UPDATE setting SET zone = 'Asia/Tokyo';
SELECT * FROM pg_temp.given();
UPDATE calendar SET zone = 'America/New_York', name = 'abroad';
SELECT * FROM pg_temp.given();
UPDATE setting SET max_rate_age_days = 40;
UPDATE setting SET zone = 'UTC';
SELECT * FROM pg_temp.given();
SELECT * FROM check_books();
-- was a table written to since the snapshot?  Whoever asks may read it, and it holds rows
CREATE ROLE t_facts_nobody;
GRANT USAGE ON SCHEMA finance TO t_facts_nobody;
GRANT EXECUTE ON FUNCTION finance.newer_than_snapshot(regclass) TO t_facts_nobody;
SELECT finance.newer_than_snapshot('time_entry') AS written;
SELECT finance.newer_than_snapshot('seen');
SELECT 'time_entry'::regclass::oid AS entries \gset
SET ROLE t_facts_nobody;
SELECT finance.newer_than_snapshot(:entries);
RESET ROLE;
DROP OWNED BY t_facts_nobody;
DROP ROLE t_facts_nobody;
RESET search_path;
DROP SCHEMA t_facts, t_facts_internal CASCADE;
