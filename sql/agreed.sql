-- What a client agreed becomes money when the task is done; estimates against what became of them; how far work is paid.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT finance.create_books('t_agreed');
SET search_path = t_agreed, t_agreed_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'IT'), ('company', 'Client');
INSERT INTO employee (name) VALUES ('E');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 30, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO item (code, name, kind) VALUES ('disk', 'Disk', 'material');
INSERT INTO contract (client_id, number, currency, starts_on, needs_specification) VALUES (2, 'A', 'EUR', '2026-01-01', true);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, estimate_s, work_type_id) SELECT 1, t, e, w.id FROM work_type w, (VALUES ('T', 7200), ('U', NULL), ('V', 36000), ('W', NULL)) v (t, e) WHERE w.code = 'support' ORDER BY t;
CREATE FUNCTION pg_temp.charges() RETURNS TABLE (task bigint, source text, coverage text, quantity numeric, price numeric, discount numeric, amount numeric, cost numeric, reason text) LANGUAGE sql AS
    'SELECT task_id, source, coverage, trim_scale(quantity), trim_scale(price), trim_scale(discount_pct), trim_scale(amount), trim_scale(cost), charge_reason(why) FROM charge ORDER BY task_id, id';

-- U1: agreed, done: what the client agreed is charged, discounts and document discounts too; the hours are in the price
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT kind FROM rating_problem;
SELECT issue_specification(1, '[{"title": "Work", "quantity": 3, "price": "150", "discount_pct": "10"}, {"item": "disk", "quantity": 2, "price": "55.05", "cost": "40"}]', '{"issued_on": "2026-03-01", "discount_amount": "15.10"}') AS s \gset
SELECT net FROM document WHERE id = :s;
SELECT * FROM pg_temp.charges();
SELECT transition(:s, 'agreed');
SELECT * FROM pg_temp.charges();
SELECT bill_task(1);
UPDATE task SET status = 'done', completed_at = '2026-03-05 12:00Z' WHERE id = 1;
SELECT * FROM pg_temp.charges();
SELECT task, item, amount FROM (SELECT u.task, i.name AS item, u.amount FROM unbilled u JOIN charge h ON h.id = u.charge_id LEFT JOIN item i ON i.id = h.item_id) x ORDER BY amount;
SELECT sum(amount) = (SELECT net FROM document WHERE id = :s) AS to_the_last_cent FROM charge;
SELECT charged, cost, profit_accrual FROM contract_card;
-- the ticket is reopened, and done again
UPDATE task SET status = 'open' WHERE id = 1;
SELECT count(*) FROM charge WHERE task_item_id IS NOT NULL;
UPDATE task SET status = 'done' WHERE id = 1;
-- void while nothing of it is billed: the hours are worth themselves, and wait again
SELECT transition(:s, 'void', 'a test');
SELECT * FROM pg_temp.charges();
SELECT kind FROM rating_problem;
-- another one, revised after it was agreed: only what stands last is owed
SELECT issue_specification(1, '[{"title": "Work", "price": "450"}]', '{"issued_on": "2026-03-02"}') AS s \gset
SELECT transition(:s, 'agreed');
SELECT revise(:s, '{"lines": [{"title": "Work", "price": "500"}]}') AS s2 \gset
SELECT * FROM pg_temp.charges();
UPDATE document SET issued_on = '2026-03-30' WHERE id = :s2;
SELECT transition(:s2, 'sent'), transition(:s2, 'agreed');
SELECT source, amount FROM pg_temp.charges();
-- invoice and act in one call; then nothing is billed twice, and what is billed is not unsold
SELECT issue_invoice(:s2);
SELECT invoice AS i, act AS a FROM bill_task(1, '{"issued_on": "2026-03-31"}') \gset
SELECT kind, number, status, net FROM document WHERE id IN (:i, :a) ORDER BY id;
SELECT position, title, quantity, price, net FROM document_sheet(:i);
SELECT bill_task(1);
SELECT transition(:s2, 'void', 'a test');
SELECT bill_task(99);
-- a specification without a price lets the work begin, and the hours are billed
SELECT issue_specification(2, '[{"title": "As agreed by phone", "price": "0"}]') AS s3 \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-03', 7200);
SELECT transition(:s3, 'agreed');
SELECT source, coverage, amount FROM pg_temp.charges() WHERE task = 2;
-- in another currency than the contract: it waits where one sees it
SELECT draft_document('{"kind": "specification", "task": 3, "contract": "A", "currency": "USD", "lines": [{"title": "Work", "price": "10"}]}') AS s4 \gset
SELECT transition(:s4, 'sent'), transition(:s4, 'agreed');
UPDATE task SET status = 'done' WHERE id = 3;
SELECT task, item, reason FROM uncharged_task;
SELECT transition(:s4, 'void', 'wrong currency');
SELECT count(*) FROM uncharged_task;
SELECT * FROM check_books();

-- U2: a task with new work is not paid, however well the old one was
UPDATE contract SET needs_specification = false;
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT invoice_work('{"task": 2}') AS i2 \gset
SELECT count(*) AS payments FROM record_payment(jsonb_build_object('amount', '200', 'cash_account', 'bank', 'party', 'Client', 'paid_on', '2026-04-01', 'allocations', jsonb_build_array(jsonb_build_object('document', :i2, 'amount', '200'))));
SELECT charged, unbilled, percent_paid, paid FROM task_payment WHERE task_id = 2;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-04-01', 14400);
SELECT charged, unbilled, percent_paid, paid, percent_paid(2, 'EUR') = percent_paid AS alike FROM task_payment WHERE task_id = 2;
SELECT task, amount FROM preview_report('{"client": 2, "paid_pct_to": 99}');
SELECT task, amount FROM preview_report('{"client": 2, "paid_pct_from": 34}');
-- with tax: 20 % on top, half of it paid, half of the net is
UPDATE contract SET tax_rate = 20;
UPDATE task SET estimate_s = 7200 WHERE id = 4;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 4, '2026-04-02', 10800);
SELECT invoice_work('{"task": 4}') AS i4 \gset
SELECT gross FROM document WHERE id = :i4;
SELECT count(*) AS payments FROM record_payment(jsonb_build_object('amount', '180', 'cash_account', 'bank', 'party', 'Client', 'paid_on', '2026-04-03', 'allocations', jsonb_build_array(jsonb_build_object('document', :i4, 'amount', '180'))));
SELECT charged, billed_gross, paid_gross, percent_paid, paid FROM task_payment WHERE task_id = 4;
-- a task at nothing is settled with the report that shows it
UPDATE contract SET tax_rate = NULL;
INSERT INTO task (project_id, title, work_type_id) SELECT 1, 'Bug', id FROM work_type WHERE code = 'bug' RETURNING id AS bug \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :bug, '2026-04-03', 3600);
SELECT percent_paid, paid FROM task_payment WHERE task_id = :bug;
SELECT build_report('{"client": 2}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
SELECT issue_invoice(:r) AS i5 \gset
SELECT percent_paid, paid FROM task_payment WHERE task_id = :bug;
SELECT count(*) AS payments FROM document_balance b CROSS JOIN LATERAL record_payment(jsonb_build_object('amount', b.open::text, 'cash_account', 'bank', 'party', 'Client', 'paid_on', '2026-04-04',
    'allocations', jsonb_build_array(jsonb_build_object('document', b.document_id, 'amount', b.open::text)))) WHERE b.document_id = :i5;
SELECT percent_paid, paid FROM task_payment WHERE task_id IN (2, :bug) ORDER BY task_id;

-- estimates
INSERT INTO deal (client_id, name) VALUES (2, 'D'), (2, 'E');
INSERT INTO deal_stage (deal_id, position, name) VALUES (1, 1, 'Build'), (1, 2, 'Care');
UPDATE task SET deal_stage_id = 1 WHERE id IN (1, 4);
UPDATE task SET deal_id = 2 WHERE id = 4;
INSERT INTO contract_line (contract_id, kind, title, amount, deal_stage_id) VALUES (1, 'stage', 'Build', 1000, 1);
SELECT task, deal_id, hours_estimated, hours_worked, hours_left, estimate_used_pct, agreed, charged FROM task_estimate ORDER BY task_id;
SELECT stage, tasks, tasks_done, hours_estimated, hours_worked, hours_left, estimate_used_pct, fees, charged FROM stage_estimate ORDER BY position;
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_agreed, t_agreed_internal CASCADE;
