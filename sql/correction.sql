-- What is frozen and no longer agrees with its contract, line, cost rate or exchange
-- rate is due for correction, and is put right in the open period.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
SELECT finance.create_books('t_correction');
SET search_path = t_correction, t_correction_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('company', 'Abroad');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('L', 'List', 'EUR', true), ('D', 'Dollars', 'USD', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100), (2, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P'), (3, 'Q');
INSERT INTO task (project_id, title, work_type_id) SELECT p, t, w.id FROM work_type w, (VALUES (1, 'T1'), (1, 'T2'), (2, 'T3')) v (p, t) WHERE w.code = 'development' ORDER BY t;
CREATE FUNCTION pg_temp.due() RETURNS TABLE (kind text, charge bigint, amount numeric, cost numeric, base numeric, base_cost numeric, reason text) LANGUAGE sql AS
    'SELECT kind, charge_id, amount, cost, base_amount, base_cost, reason FROM correction_due ORDER BY charge_id, kind';

-- a fee paid ahead and cut short on 10 March: 10 of 31 days are due (T2)
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, cost, prorate) VALUES (1, 'recurring', 'Fee', 310, 62, 'actual');
SELECT charge_fees(1, '2026-03-31');
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-03-01"}') AS i \gset
SELECT * FROM pg_temp.due();
UPDATE contract SET ends_on = '2026-03-10';
SELECT * FROM pg_temp.due();
SELECT charged FROM contract_card;
-- not before its time, not after it; another end, another sum
UPDATE contract SET ends_on = '2026-03-31';
SELECT * FROM pg_temp.due();
UPDATE contract SET ends_on = '2026-03-20';
SELECT amount, cost FROM pg_temp.due();
SELECT * FROM make_corrections(1);
SELECT * FROM make_corrections(1);
SELECT * FROM pg_temp.due();
SELECT charged, cost FROM contract_card;
-- the next end counts from there: forth, and back again
UPDATE contract_line SET ends_on = '2026-03-25';
UPDATE contract SET ends_on = '2026-03-31';
SELECT amount, cost, reason FROM pg_temp.due();
UPDATE contract SET status = 'cancelled', ends_on = '2026-03-10';
SELECT amount, cost FROM pg_temp.due();
SELECT charge_fees(1, '2026-03-31');
SELECT outcome, charges, amount FROM run_billing('2026-06-30');
SELECT charged, cost FROM contract_card;
SELECT * FROM pg_temp.due();
SELECT * FROM check_books();
-- what was given back before is not given back again: of 310 100 are due, and 210 were credited by hand
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'B', 'EUR', '2026-04-01');
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (2, 'recurring', 'Fee', 300, 'actual'), (2, 'recurring', 'Whole', 50, 'none'), (2, 'one_time', 'Start', 70, 'none');
SELECT charge_fees(2, '2026-04-30');
SELECT adjust_charge(h.id, -200, 'in talks') > 0 AS off FROM charge h JOIN contract_line n ON n.id = h.contract_line_id WHERE n.title = 'Fee' AND h.contract_id = 2;
SELECT close_period(2, '2026-04-01');
UPDATE contract SET ends_on = '2026-04-15' WHERE id = 2;
SELECT * FROM pg_temp.due();
UPDATE contract SET ends_on = '2026-04-05' WHERE id = 2;
SELECT kind, amount, reason FROM pg_temp.due();
-- a line that is cancelled is owed for the periods that are closed, and for nothing else; a one-time fee is not owed at all
UPDATE contract SET ends_on = NULL WHERE id = 2;
UPDATE contract_line SET status = 'cancelled' WHERE contract_id = 2 AND title <> 'Fee';
SELECT kind, amount, reason FROM pg_temp.due();
UPDATE contract_line SET status = 'planned', ends_on = NULL WHERE contract_id = 2;
-- a dearer fee is no correction
UPDATE contract_line SET amount = 999 WHERE contract_id = 2;
SELECT * FROM pg_temp.due();
SELECT * FROM check_books();

-- a cost rate that comes after the close (T9): cost and profit follow, the client's bill does not
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-05-04', 36000), (1, 1, '2026-05-05', 3600);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-05-31 23:00Z', '2026-06-01 00:30Z');
SELECT period_end FROM close_period(2, '2026-05-01');
SELECT * FROM pg_temp.due();
SELECT gap, employee, hours FROM data_gaps;
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (2, '2026-01-01', 30, 'EUR');
SELECT kind, amount, cost, base_cost, reason FROM pg_temp.due();
SELECT rerate(2, '2026-05-01');
SELECT * FROM pg_temp.due();
SELECT gap FROM data_gaps;
-- a rate that was wrong, from a day on: the night is costed by the day it began
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-05-31', 40, 'EUR'), (1, '2026-06-01', 80, 'EUR');
SELECT charge, cost FROM pg_temp.due();
SELECT count(*) FROM make_corrections(2);
SELECT line, amount FROM pnl_line_month WHERE month = '2026-05-01' AND line IN ('direct_labour', 'unabsorbed_labour', 'other_direct') ORDER BY 1;
SELECT sum(h.cost)::numeric(9,2) AS labour FROM charge h WHERE h.time_entry_id IS NOT NULL;
SELECT count(*) FROM document_line l JOIN charge h ON h.id = l.charge_id WHERE h.made_by = 'correction';
SELECT count(*) FROM preview_report('{"client": 2}') WHERE amount = 0;
-- what is corrected and then taken back is taken back whole
SELECT difference FROM correct_entry(1, '{"duration_s": 18000}', 'half of it');
SELECT sum(h.cost)::numeric(9,2) AS cost, sum(h.worked_s) AS worked FROM charge h WHERE h.time_entry_id = 1;
SELECT * FROM check_books();

-- an item whose cost comes late
INSERT INTO item (code, name, kind) VALUES ('disk', 'Disk', 'material');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 50);
SELECT charge_item(2, 1, 3, '2026-06-10') > 0 AS sold;
SELECT period_end FROM close_period(2, '2026-06-01');
SELECT * FROM pg_temp.due();
UPDATE price SET cost = 20 WHERE item_id = 1;
SELECT kind, cost, reason FROM pg_temp.due();
SELECT cost, reason FROM make_corrections();
SELECT * FROM pg_temp.due();

-- a rate of exchange that comes late: worth and cost in the base currency, and nothing else
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.8);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (3, 'X', 'USD', '2026-07-01');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-07-06', 3600), (1, 3, '2026-07-20', 3600);
SELECT charge_item(3, 1, 1, '2026-07-06', price => 10, cost => 5) > 0 AS sold;
SELECT adjust_charge(h.id, -20, 'a friend') > 0 AS off FROM charge h WHERE h.contract_id = 3 AND h.service_date = '2026-07-06' AND h.source = 'time';
SELECT period_end FROM close_period(3, '2026-07-01');
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-07-06', 0.9), ('USD', 'EUR', '2026-07-07', 0.8);
SELECT kind, amount, cost, base, base_cost, reason FROM pg_temp.due();
SELECT count(*) FROM make_corrections();
SELECT * FROM pg_temp.due();
SELECT charged FROM contract_card WHERE number = 'X';
SELECT revenue, cost FROM profit_by_client WHERE client = 'Abroad';
-- and taken back it leaves what was before
DELETE FROM exchange_rate WHERE valid_from IN ('2026-07-06', '2026-07-07');
SELECT kind, amount, cost, base, base_cost, reason FROM pg_temp.due();
SELECT count(*) FROM make_corrections();
SELECT * FROM pg_temp.due();
SELECT revenue, cost FROM profit_by_client WHERE client = 'Abroad';
-- what is open follows at once, a fee and the cost of abroad too
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-08-01', 10, 'USD');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-08-03', 3600), (1, 1, '2026-08-03', 3600);
SELECT charge_expense(3, 5, '2026-08-03', 'Train') > 0 AS spent;
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'USD', '2026-08-03', 2), ('USD', 'EUR', '2026-08-03', 0.5);
SELECT h.contract_id AS contract, h.source, trim_scale(h.amount) AS amount, trim_scale(h.base_amount) AS base, trim_scale(h.cost) AS cost, trim_scale(h.base_cost) AS base_cost
  FROM charge h WHERE h.service_date = '2026-08-03' AND NOT h.committed ORDER BY h.id;
DELETE FROM exchange_rate WHERE valid_from = '2026-08-03';
SELECT h.contract_id AS contract, h.source, trim_scale(h.base_amount) AS base, trim_scale(h.cost) AS cost, trim_scale(h.base_cost) AS base_cost
  FROM charge h WHERE h.service_date = '2026-08-03' AND NOT h.committed ORDER BY h.id;
SELECT * FROM check_books();
SELECT make_corrections(99);
RESET search_path;
DROP SCHEMA t_correction, t_correction_internal CASCADE;
