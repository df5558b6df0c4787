-- From a logged hour to a profit: entries become charges in the same transaction.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'Europe/Kyiv';
SELECT finance.create_books('t_work');
SET search_path = t_work, t_work_internal, finance, public;
UPDATE setting SET zone = 'Europe/Kyiv';

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('company', 'Gamma');
INSERT INTO employee (name, role) VALUES ('Dev', 'senior'), ('Junior', 'junior'), ('Nobody', NULL);
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES
    (1, NULL, '2026-01-01', 20, 'EUR'), (NULL, 'junior', '2026-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('work', 'Work', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 50);
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id) VALUES (2, 'A-1', 'EUR', '2026-01-01', '2026-12-31', 1);
INSERT INTO project (client_id, name) VALUES (2, 'Alpha site'), (1, 'House'), (3, 'Beta site');
INSERT INTO task (project_id, title, work_type_id) SELECT 1, w.name, w.id FROM work_type w WHERE w.code IN ('development', 'bug') ORDER BY w.code DESC;
INSERT INTO task (project_id, title, work_type_id) SELECT 2, 'Stand-up', w.id FROM work_type w WHERE w.code = 'internal';
SELECT id, title FROM task ORDER BY id;

-- S13: bug 2 h, development 3 h at 50, internal 1 h, cost 20 an hour: 5 h shown, 3 h payable, 150.00; profit 150 - 120 = 30
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES
    (1, 1, '2026-03-02 09:00', '2026-03-02 12:00'),
    (1, 2, '2026-03-02 13:00', '2026-03-02 15:00'),
    (1, 3, '2026-03-02 15:00', '2026-03-02 16:00');
SELECT t.title, h.contract_id, h.coverage, h.worked_s, h.billed_s, h.price::numeric(9,2), h.amount::numeric(9,2), h.cost::numeric(9,2), charge_reason(h.why) AS reason
  FROM charge h JOIN task t ON t.id = h.task_id ORDER BY h.id;
SELECT charged, hours_worked, hours_billed, cost, profit_accrual, margin_pct FROM contract_card;
SELECT client, revenue, cost, profit FROM profit_by_client ORDER BY client;
SELECT sum(revenue) AS revenue, sum(cost) AS cost, sum(profit) AS profit FROM profit_by_employee;
SELECT work_type, revenue, cost, profit, margin_pct, hours, hours_billed FROM profit_by_work_type ORDER BY work_type;
SELECT client, task, hours_billed, amount FROM unbilled;
SELECT month, revenue, direct_labour, gross_profit, unabsorbed_labour, net_profit FROM pnl_month;

-- S1: receipts 100 000, cost 150 000
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (3, 'B-1', 'EUR', '2026-01-01', 1);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
VALUES ('in', 'posted', '2026-01-10', 100000, 'EUR', 1, 'revenue', 2);
UPDATE setting SET max_entry_s = 100000000;
INSERT INTO task (project_id, title, billable) VALUES (3, 'Rescue', 'no_charge');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 4, '2026-02-01', 7500 * 3600);
UPDATE setting SET max_entry_s = 86400;
SELECT receipts, charged, cost, profit_cash, margin_cash_pct FROM contract_card WHERE number = 'B-1';
SELECT number FROM loss_making_contract;

-- the work date is local: 23:30 UTC on 31 March is April in Kyiv
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-31 23:30Z', '2026-04-01 00:30Z');
SELECT service_date, period_start FROM charge WHERE time_entry_id = 5;

-- editing re-rates, keeping the charge's id; a comment does not touch it; deleting takes the charge away
SELECT id AS charge, xmin AS version FROM charge WHERE time_entry_id = 1 \gset
UPDATE time_entry SET comment = 'the shop' WHERE id = 1;
SELECT id = :charge AND xmin::text = :'version' AS untouched FROM charge WHERE time_entry_id = 1;
UPDATE time_entry SET ended_at = '2026-03-02 13:30' WHERE id = 1;
SELECT id = :charge AS same_charge, worked_s, amount::numeric(9,2) FROM charge WHERE time_entry_id = 1;
DELETE FROM time_entry WHERE id = 5;
SELECT count(*) FROM charge WHERE time_entry_id = 5;
-- overrides want a reason
\set VERBOSITY terse
UPDATE time_entry SET price = 80 WHERE id = 1;
\set VERBOSITY default
UPDATE time_entry SET price = 80, override_reason = 'urgent' WHERE id = 1;
SELECT price::numeric(9,2), amount::numeric(9,2), price_source FROM charge WHERE time_entry_id = 1;

-- a change of price re-prices nothing until rerate() is told to
UPDATE time_entry SET price = NULL, override_reason = NULL WHERE id = 1;
UPDATE price SET price = 60;
SELECT amount::numeric(9,2) FROM charge WHERE time_entry_id = 1;
SELECT rerate(1, '2026-03-03');
SELECT amount::numeric(9,2) FROM charge WHERE time_entry_id = 1;
SELECT rerate(1, '2026-03-01');
SELECT amount::numeric(9,2) FROM charge WHERE time_entry_id = 1;
SELECT rerate(99, '2026-03-01');

-- price precedence: entry, contract list, project list, client list, default list; then the parent
CREATE FUNCTION priced() RETURNS text LANGUAGE sql AS $$
    SELECT rerate(1, '2026-01-01'); SELECT h.price::numeric(9,2) || ' from ' || h.price_source FROM charge h WHERE h.time_entry_id = 1 $$;
INSERT INTO price_list (code, name, currency, client_id, is_default) VALUES
    ('default', 'Default', 'EUR', NULL, true), ('alpha', 'Alpha', 'EUR', 2, false), ('site', 'Site', 'EUR', NULL, false);
INSERT INTO price (price_list_id, price) VALUES (2, 20), (3, 30), (4, 40);
UPDATE project SET price_list_id = 4 WHERE id = 1;
SELECT priced();
UPDATE contract SET price_list_id = NULL WHERE id = 1;
SELECT priced();
UPDATE project SET price_list_id = NULL WHERE id = 1;
SELECT priced();
UPDATE price_list SET client_id = NULL WHERE code = 'alpha';
SELECT priced();
UPDATE price_list SET is_default = false, parent_id = 1 WHERE code = 'default';
UPDATE contract SET price_list_id = 2 WHERE id = 1;
DELETE FROM price WHERE price_list_id = 2;
SELECT priced();
-- row precedence, most specific first; then the latest valid_from; a NULL price withdraws
INSERT INTO price (price_list_id, work_type_id, price) VALUES (1, 1, 61);
SELECT priced();
INSERT INTO price (price_list_id, role, price) VALUES (1, 'senior', 62);
SELECT priced();
INSERT INTO price (price_list_id, role, work_type_id, price) VALUES (1, 'senior', 1, 63);
SELECT priced();
INSERT INTO price (price_list_id, employee_id, price) VALUES (1, 1, 64);
SELECT priced();
INSERT INTO price (price_list_id, employee_id, work_type_id, price) VALUES (1, 1, 1, 65);
SELECT priced();
INSERT INTO price (price_list_id, employee_id, work_type_id, valid_from, price) VALUES (1, 1, 1, '2026-03-01', 66.67), (1, 1, 1, '2026-03-03', 99);
SELECT priced();
UPDATE price SET price = NULL WHERE valid_from = '2026-03-01';
SELECT priced();

-- what cannot be rated is a row in unrated, never a silent zero
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A-2', 'EUR', '2026-06-01', 1);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES
    (1, 1, '2026-06-02 09:00', '2026-06-02 10:00'),     -- A-1 and A-2 both match
    (1, 1, '2025-06-02 09:00', '2025-06-02 10:00');     -- before every contract
INSERT INTO price_list (code, name, currency) VALUES ('empty', 'Empty', 'EUR');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (4, 'G-1', 'EUR', '2026-01-01', 5);
INSERT INTO project (client_id, name) VALUES (4, 'Gamma site');
INSERT INTO task (project_id, title) VALUES (4, 'Landing page');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 5, '2026-06-02 09:00', '2026-06-02 10:00');
SELECT client, work_date, hours, reason FROM unrated ORDER BY time_entry_id;
SELECT count(*) FROM charge WHERE time_entry_id IN (SELECT time_entry_id FROM unrated);
-- once the reason is gone rerate() takes them
UPDATE contract SET ends_on = '2026-05-31' WHERE number = 'A-1';
INSERT INTO price (price_list_id, price) VALUES (5, 70);
SELECT rerate(3, '2026-06-01'), rerate(4, '2026-06-01');
SELECT client, work_date, hours, reason FROM unrated ORDER BY time_entry_id;
-- somebody without a cost rate is a gap, not a free worker
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (3, 1, '2026-04-02 09:00', '2026-04-02 10:00');
SELECT * FROM data_gaps ORDER BY gap, since;
-- a role's cost rate
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 1, '2026-04-02 09:00', '2026-04-02 10:30');
SELECT cost::numeric(9,2) FROM charge WHERE employee_id = 2;

-- another currency: contract in USD, cost in EUR, both kept
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.8);
INSERT INTO price_list (code, name, currency) VALUES ('dollar', 'Dollar', 'USD');
INSERT INTO price (price_list_id, price) VALUES (6, 66.67);
INSERT INTO party (kind, name) VALUES ('company', 'Delta');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (5, 'D-1', 'USD', '2025-01-01', 6);
INSERT INTO project (client_id, name) VALUES (5, 'Delta site');
INSERT INTO task (project_id, title) VALUES (5, 'Shop');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 6, '2026-04-02', 1200), (1, 6, '2025-12-31', 1200);
-- 20 min at 66.67 = 22.22 USD = 17.78 EUR; cost 6.67 EUR = 8.33 USD (20 / 0.8 / 3)
SELECT amount::numeric(9,2), currency, cost::numeric(9,2), base_amount::numeric(9,2), base_cost::numeric(9,2) FROM charge WHERE contract_id = 5;
SELECT reason FROM unrated WHERE client = 'Delta';

-- at a fixed price hours are in the price of the stages, unless the entry says otherwise
INSERT INTO contract (client_id, number, model, currency, starts_on, price_list_id, project_id) VALUES (4, 'G-FIX', 'fixed_price', 'EUR', '2027-01-01', 5, 4);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES
    (1, 5, '2027-02-01', 7200, NULL, NULL), (1, 5, '2027-02-02', 3600, 80, 'agreed extra');
SELECT service_date, coverage, amount::numeric(9,2), cost::numeric(9,2), charge_reason(why) AS reason FROM charge WHERE contract_id = (SELECT id FROM contract WHERE number = 'G-FIX') ORDER BY 1;

-- refusals: whole, and nothing half-written
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (99, 1, '2026-04-02 09:00', '2026-04-02 10:00');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 99, '2026-04-02 09:00', '2026-04-02 10:00');
\set VERBOSITY terse
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-04-02 10:00', '2026-04-02 09:00');
DO $$ BEGIN
    INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-04-02 10:00', 'infinity');
EXCEPTION WHEN OTHERS THEN RAISE WARNING 'an infinite end is refused';
END $$;
INSERT INTO time_entry (employee_id, task_id, started_at) VALUES (1, 1, '2026-04-02 10:00');
INSERT INTO time_entry (employee_id, task_id, work_date) VALUES (1, 1, '2026-04-02');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, break_s) VALUES (1, 1, '2026-04-02 09:00', '2026-04-02 10:00', 3601);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES (1, 1, '2026-04-02', 60, 'NaN', 'none');
\set VERBOSITY default
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-02', 60), (1, 1, '2026-04-02', 86401);
SELECT count(*) FROM time_entry WHERE duration_s = 60;
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'X-1', 'XXX', '2026-01-01');
\set VERBOSITY terse
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (2, 'X-1', 'EUR', '2026-01-01', '2025-12-31');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'X-1', 'EUR', '2026-01-01', 6);
INSERT INTO contract (client_id, number, currency, starts_on, cap_amount) VALUES (2, 'X-1', 'EUR', '2026-01-01', 10.001);
INSERT INTO contract (client_id, number, currency, starts_on, parent_id) VALUES (2, 'X-1', 'EUR', '2026-01-01', 1);
INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands) VALUES (3, 'X-1', 'EUR', '2026-01-01', 1, '{night}');
INSERT INTO price (price_list_id, price) VALUES (1, 1);
INSERT INTO price (price_list_id, work_type_id, price) VALUES (1, 2, 'NaN');
UPDATE price_list SET parent_id = 2 WHERE id = 1;
UPDATE price_list SET parent_id = 6 WHERE id = 1;
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES (1, 'senior', '2027-01-01', 1, 'EUR');
\set VERBOSITY default

-- a frozen charge is a fact; only functions of the books write charges, so this one becomes such a function here
ALTER FUNCTION freeze_charges(bigint[], text, text, bigint) SECURITY DEFINER;
SELECT freeze_charges(ARRAY(SELECT id FROM charge WHERE time_entry_id = 1), 'charge', 'test freeze');
SELECT freeze_charges(ARRAY(SELECT id FROM charge WHERE time_entry_id = 1), 'charge', 'test freeze');
SELECT d.code AS debit, c.code AS credit, e.amount::numeric(9,2), e.currency FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id
 WHERE e.charge_id = :charge ORDER BY e.id;
\set VERBOSITY terse
UPDATE time_entry SET duration_s = 60 WHERE id = 1;
DELETE FROM time_entry WHERE id = 1;
UPDATE charge SET amount = 1 WHERE time_entry_id = 1;
DELETE FROM charge WHERE time_entry_id = 1;
\set VERBOSITY default
UPDATE time_entry SET comment = 'still allowed' WHERE id = 1;
SELECT rerate(1, '2026-01-01') > 0 AS others_only;
SELECT * FROM check_books();
-- the sum over every grouping is one figure
SELECT count(*) AS dimensions, count(DISTINCT s) AS sums, bool_and(s.profit = (SELECT sum(gross_profit) FROM pnl_month)) AS as_the_pnl
  FROM (SELECT sum(revenue) AS revenue, sum(cost) AS cost, sum(revenue - cost) AS profit, sum(hours) AS hours FROM profit_by GROUP BY dimension) s;
-- work goes with its task: to another client, and back
INSERT INTO project (client_id, name) VALUES (3, 'Beta shop') RETURNING id AS p \gset
INSERT INTO task (project_id, title) VALUES (1, 'Banner') RETURNING id AS t \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :t, '2026-03-05', 3600);
SELECT c.number, h.client_id, h.project_id = 1 AS alpha FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.task_id = :t;
UPDATE task SET project_id = :p WHERE id = :t;
SELECT c.number, h.client_id, h.project_id = :p AS beta FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.task_id = :t;
UPDATE task SET title = 'Banners' WHERE id = :t;
UPDATE project SET client_id = 2 WHERE id = :p;
UPDATE task SET project_id = 1 WHERE id = :t;
UPDATE project SET client_id = 2 WHERE id = :p;
SELECT * FROM check_books();
-- nobody is billed for work on the own company's projects unless the project says so
INSERT INTO task (project_id, title, work_type_id) SELECT 2, 'Own site', id FROM work_type WHERE code = 'development' RETURNING id AS o \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :o, '2026-03-05', 3600);
SELECT coverage, amount::numeric(9,2), cost::numeric(9,2), charge_reason(why) AS reason FROM charge WHERE task_id = :o;
UPDATE task SET billable = 'no_charge' WHERE id = :o;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :o, '2026-03-06', 3600);
SELECT coverage, charge_reason(why) AS reason FROM charge WHERE task_id = :o ORDER BY id;
-- open work of a locked month counts where it would be posted now
SELECT count(*) > 0 AS in_march FROM ledger_line WHERE NOT posted AND entry_on <= '2026-03-31';
SELECT sum(revenue) AS revenue FROM pnl_month \gset
INSERT INTO period_lock (locked_through) VALUES ('2026-03-31');
SELECT count(*) AS in_march FROM ledger_line WHERE NOT posted AND entry_on <= '2026-03-31';
SELECT sum(revenue) = :revenue AS same FROM pnl_month;
DELETE FROM period_lock;
-- what charges name keeps its id and stays
UPDATE time_entry SET id = id + 1000 WHERE id = 1;
UPDATE charge SET id = id + 1000 WHERE id = (SELECT min(id) FROM charge WHERE NOT committed);
UPDATE task SET id = id + 1000 WHERE id = 1;
UPDATE task SET id = id, title = title WHERE id = 1;
INSERT INTO item (code, name) VALUES ('cable', 'Cable');
INSERT INTO task (project_id, title) VALUES (1, 'Wiring') RETURNING id AS t \gset
SELECT charge_item(1, 1, 2, '2026-03-05', :t, price => 5) > 0 AS charged;
DELETE FROM task WHERE id = :t;
DELETE FROM item;
INSERT INTO task (project_id, title) VALUES (1, 'Nothing yet') RETURNING id AS n \gset
DELETE FROM task WHERE id = :n;
TRUNCATE charge CASCADE;
TRUNCATE time_entry CASCADE;
TRUNCATE billing_period;
SELECT * FROM check_books();

RESET search_path;
DROP SCHEMA t_work, t_work_internal CASCADE;
