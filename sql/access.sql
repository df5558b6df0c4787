-- Levels of access: what each may do, and what none may.  The rules stand beside
-- what they are about; here they are walked, verb by verb, and what a clerk, a
-- manager and a guest have tried to do past them is tried again.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_access');
SET search_path = t_access, finance, public;
CREATE ROLE regress_finance_web;
CREATE ROLE regress_finance_bi;
CREATE ROLE regress_finance_crm;
CREATE ROLE regress_finance_pm;
CREATE ROLE regress_finance_cfo;
CREATE ROLE regress_finance_it;
CREATE ROLE regress_finance_stranger;
CREATE TABLE public.t_level AS
SELECT * FROM (VALUES ('guest', 'regress_finance_web'), ('reader', 'regress_finance_bi'), ('clerk', 'regress_finance_crm'), ('manager', 'regress_finance_pm'),
               ('controller', 'regress_finance_cfo'), ('admin', 'regress_finance_it')) AS v (level, role);
SELECT count(grant_access(role, level)) FROM public.t_level;
SELECT grant_access('regress_finance_bi', 'owner');
SELECT grant_access('regress_finance_nobody', 'reader');

-- the matrix: a level may do with each table, view and column what the rules say, and nothing else
SELECT l.level, c.relname, v.verb, a.attname
  FROM public.t_level l
 CROSS JOIN (VALUES ('select'), ('insert'), ('update')) v (verb)
  JOIN pg_class c ON c.relnamespace = 't_access'::regnamespace AND c.relkind IN ('r', 'v')
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN access_right r ON r.level = l.level AND r.object = c.relname AND r.verb = v.verb
 WHERE has_column_privilege(l.role, c.oid, a.attnum, v.verb) <> (r.object IS NOT NULL AND (r.columns IS NULL OR a.attname = ANY (r.columns)));
SELECT l.level, c.relname, v.verb
  FROM public.t_level l
 CROSS JOIN (VALUES ('delete'), ('truncate'), ('references'), ('trigger')) v (verb)
  JOIN pg_class c ON c.relnamespace = 't_access'::regnamespace AND c.relkind IN ('r', 'v')
  LEFT JOIN access_right r ON r.level = l.level AND r.object = c.relname AND r.verb = v.verb
 WHERE has_table_privilege(l.role, c.oid, v.verb) <> (r.object IS NOT NULL);
SELECT l.level, p.oid::regprocedure AS function
  FROM public.t_level l
  JOIN pg_proc p ON p.pronamespace = 't_access'::regnamespace
  LEFT JOIN access_right r ON r.level = l.level AND r.object = p.proname AND r.is_function
 WHERE has_function_privilege(l.role, p.oid, 'execute') <> (r.object IS NOT NULL);
-- of what is internal nothing that writes, and nothing that runs with another's rights but what tells a level or a limit
SELECT l.level, p.oid::regprocedure AS function
  FROM public.t_level l JOIN pg_proc p ON p.pronamespace = 't_access_internal'::regnamespace
 WHERE has_function_privilege(l.role, p.oid, 'execute')
   AND (p.provolatile = 'v' OR p.prosecdef AND p.proname NOT IN ('level_rank', 'limit_rows') OR l.level = 'guest');
-- in sight are the functions that people call, all of them by a rule but the owner's two
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 't_access'::regnamespace AND p.proname NOT IN (SELECT r.object FROM access_rule r WHERE r.verb = 'execute') ORDER BY 1;
-- a guest sees four functions in the whole database, whatever PUBLIC may call
SELECT p.oid::regprocedure AS function
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE (n.nspname LIKE 't\_access%' OR n.nspname = 'finance') AND has_function_privilege('regress_finance_web', p.oid, 'execute') ORDER BY 1;
-- every relation is somebody's or says in its comment that it is nobody's
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 't_access'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname NOT IN (SELECT r.object FROM access_rule r)
   AND c.relname !~ '^(seen|visible)_' ORDER BY 1;
-- a view either runs with its reader's rights or stands here
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 't_access'::regnamespace AND c.relkind = 'v' AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false) ORDER BY 1;

-- a company
SET ROLE regress_finance_stranger;
SELECT count(*) FROM contract_card;
SELECT check_books();
SELECT grant_access('regress_finance_stranger', 'admin');
SET ROLE regress_finance_it;
INSERT INTO party (kind, name, requisites) VALUES ('own', 'Us', '{"iban": "UA1"}');
SET ROLE regress_finance_pm;
INSERT INTO party (kind, name) VALUES ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name, role) VALUES ('Dev', 'senior'), ('Eve', 'senior');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true), ('cheap', 'Cheap', 'EUR', false);
INSERT INTO price (price_list_id, price) VALUES (1, 60), (2, 1);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EUR', '2020-01-01'), (3, 'B-1', 'EUR', '2020-01-01');
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO price (price_list_id, item_id, price, cost) VALUES (1, 1, 100, 0);
SET ROLE regress_finance_cfo;
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT post('opening', '[{"on": "2026-01-01", "debit": "cash bank", "credit": "opening", "amount": "100.00", "currency": "EUR"}]') > 0 AS posted;
-- not even they write the ledger, charges or history by hand
INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount) VALUES (1, '2026-01-01', 1, 2, 1, 'EUR', 1);
UPDATE charge SET amount = 0;
DELETE FROM history;
ALTER TABLE entry DISABLE TRIGGER ALL;

-- a clerk keeps the work
SET ROLE regress_finance_crm;
INSERT INTO employee_login VALUES ('b24', '1', 1);
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Cart', 'b24', '1');
SELECT * FROM ingest_entries('[{"source": "b24", "external_id": "1", "employee": "1", "task": "1", "work_date": "2026-03-02", "duration_s": 3600}]');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-03', 60), (1, 1, '2026-03-04', 3600);
UPDATE time_entry SET comment = 'a minute' WHERE work_date = '2026-03-03';
DELETE FROM time_entry WHERE work_date = '2026-03-03';
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id) VALUES ('in', 'posted', '2026-03-02', 100, 'EUR', 1, 'revenue', 1);
SELECT payment_id, amount, party FROM payment_card;
SELECT number, receipts, charged, balance, profit_accrual FROM contract_card;
-- and does not set its price: not by an entry, a list, a task, a person, an item, a discount
UPDATE time_entry SET price = 1;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES (1, 1, '2026-03-05', 3600, 0.01, 'x');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, source, external_id) VALUES (1, 1, '2026-03-05', 3600, 0.01, 'x', '1');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, billable, override_reason) VALUES (1, 1, '2026-03-05', 3600, 'no_charge', 'x');
UPDATE time_entry SET contract_id = 2;
UPDATE price SET price = 1;
UPDATE contract SET discount_pct = 100;
UPDATE project SET price_list_id = 2;
UPDATE project SET billable = 'no_charge';
UPDATE task SET contract_id = 2;
UPDATE task SET billable = 'non_billable';
UPDATE employee SET role = 'junior';
INSERT INTO task_item (task_id, item_id, price) VALUES (1, 1, 1);
SELECT charge_item(1, 1, 1, '2026-03-02', price => 1);
SELECT charge_item(1, 1, 1, '2026-03-02', cost => 0);
SELECT charge_item(1, 1, 1, '2026-03-02') > 0 AS at_the_list_price;
SELECT build_report('{"client": 2}', '{"discount_pct": 100}');
SELECT build_invoice('{"client": 2}', '{"discount_amount": 1}');
SELECT draft_document('{"kind": "proforma", "party": 2, "discount_pct": 5}');
SELECT adjust_charge(1, -60, 'x');
SELECT credit(1, NULL, 'x');
SELECT correct_entry(1, NULL, 'x');
-- nor whose company we are, where our money comes, who approved, what people cost and get, what is posted
UPDATE party SET requisites = '{"iban": "EVIL"}' WHERE id = 1;
UPDATE party SET kind = 'own' WHERE id = 2;
INSERT INTO party (kind, name) VALUES ('own', 'Also us');
DELETE FROM party WHERE id = 1;
UPDATE party SET payment_terms_days = 3650 WHERE id = 2;
UPDATE cash_account SET iban = 'EVIL';
UPDATE time_entry SET approved_at = now(), approved_by = 'the boss';
SELECT approve_entries('{1}');
SELECT * FROM cost_rate;
SELECT cost FROM charge;
SELECT base_cost, cost_rate, base_cost_rate FROM charge;
SELECT * FROM history;
SELECT * FROM profit_by_employee;
SELECT * FROM profit_by_task;
SELECT * FROM entry;
SELECT * FROM ledger_line;
SELECT amount FROM payment;
INSERT INTO payment (flow, paid_on, amount, currency, article, employee_id) VALUES ('out', '2026-03-31', 2000, 'EUR', 'payroll', 1);
UPDATE payment SET revision = 7;
SELECT post('x', '[]');
SELECT run_billing('2026-03-31');
SELECT rerate(1, '2026-01-01');
DELETE FROM period_lock;
DELETE FROM setting;
UPDATE access_rule SET level = 'guest';
INSERT INTO access_grant VALUES ('regress_finance_crm', 'admin');
UPDATE manager_limit SET discount_pct = 100;
SELECT grant_access('regress_finance_crm', 'admin');
SELECT t_access_internal.freeze_charges('{1}', 'user', 'x');
SELECT nextval('charge_id_seq');
-- pay is a controller's
SET ROLE regress_finance_cfo;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, employee_id) VALUES ('out', 'posted', '2026-03-31', 50, 'EUR', 1, 'payroll', 1);
SET ROLE regress_finance_crm;
UPDATE payment SET status = 'void' WHERE article = 'payroll';
DELETE FROM payment WHERE article = 'payroll';
SELECT allocate_payment(p.payment) FROM (SELECT max(y.id) AS payment FROM payment y WHERE y.flow = 'out') p;
SELECT record_bill('{"party": "Beta", "outside_number": "77", "currency": "EUR", "lines": [{"title": "salary", "article": "payroll", "price": "1234.56"}]}');
-- so is what names a person, with whatever article, and the bill of pay
BEGIN;
\set ON_ERROR_ROLLBACK on
INSERT INTO payment (flow, paid_on, amount, currency, article, employee_id) VALUES ('out', '2026-03-31', 7, 'EUR', 'contractors', 1);
SET ROLE regress_finance_cfo;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, employee_id) VALUES ('out', 'posted', '2026-03-31', 7, 'EUR', 1, 'contractors', 1);
SELECT record_bill('{"party": "Beta", "outside_number": "78", "issued_on": "2026-03-31", "currency": "EUR", "lines": [{"title": "salary", "article": "payroll", "price": "3"}]}') AS bill \gset
SELECT transition(:bill, 'agreed');
SET ROLE regress_finance_crm;
SELECT pay_bill(:bill, 1, '2026-03-31');
SELECT payment_id, article, amount FROM payment_card;
-- and no right that the owner gives by hand opens what an entry is billed at
RESET ROLE;
GRANT INSERT ON time_entry TO regress_finance_crm;
SET ROLE regress_finance_crm;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES (1, 1, '2026-03-05', 3600, 0.01, 'x');
ROLLBACK;
\set ON_ERROR_ROLLBACK off

-- a reader reads, without any of it
SET ROLE regress_finance_bi;
SELECT number, receipts, charged, balance, cost FROM contract_card;
SELECT client, profit, currency FROM profit_by_client;
SELECT month, revenue, direct_labour FROM pnl_month;
SELECT fact_on, revenue FROM fact WHERE revenue <> 0 ORDER BY 1, 2;
SELECT cost FROM fact;
SELECT explain_charge(1);
SELECT * FROM check_books();
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 60);
DELETE FROM time_entry;
SELECT * FROM ingest_entries('[]');
SELECT nextval('time_entry_id_seq');
SELECT has_level('reader'), has_level('clerk'), has_level('king');

-- a guest has no table, no view and no other function; what a link opens is tested in share
SET ROLE regress_finance_web;
SELECT * FROM document;
SELECT finance.round_money(1, 2);
SELECT shared_report('no such token');

-- a manager gives, within limits; a controller sets them and has none
SET ROLE regress_finance_cfo;
INSERT INTO manager_limit (actor, discount_pct, month_amount) VALUES ('*', 10, 50);
SET ROLE regress_finance_pm;
SELECT build_report('{"client": 2}', '{"discount_pct": 10.01}');
SELECT build_report('{"client": 2}', '{"discount_amount": 1}');
SELECT build_report('{"client": 2}', '{"discount_pct": 10}') AS report \gset
UPDATE document SET discount_pct = 11 WHERE id = :report;
UPDATE document SET discount_pct = 9 WHERE id = :report;
-- whoever takes the draft on gives nothing
SET ROLE regress_finance_crm;
SELECT refresh_draft(:report), transition(:report, 'sent'), transition(:report, 'rejected', 'less') ;
SELECT revise(:report) AS report \gset
SELECT discount_pct FROM document WHERE id = :report;
SELECT discard(:report);
SET ROLE regress_finance_pm;
UPDATE contract SET discount_pct = 10.5 WHERE id = 1;
UPDATE contract SET discount_pct = 10 WHERE id = 1;
UPDATE price_list SET discount_pct = 20 WHERE id = 1;
UPDATE price SET price = 50 WHERE id = 1;
INSERT INTO price (price_list_id, valid_from, price) VALUES (1, '2026-04-01', 53.99);
INSERT INTO price (price_list_id, valid_from, price) VALUES (1, '2026-04-01', 54);
INSERT INTO price (price_list_id, valid_from, employee_id, price) VALUES (1, '2026-04-01', 1, 1);
UPDATE price SET price = NULL WHERE id = 1;
UPDATE price SET valid_from = '2030-01-01' WHERE id = 1;
UPDATE price SET tiers = '{"mode": "volume", "bounds": [null], "prices": [0.01]}' WHERE id = 1;
DELETE FROM price WHERE id = 1;
SELECT charge_item(1, (SELECT min(id) FROM item), 1, '2026-03-05', price => 0.01);
-- a cut is one on any day and for whatever work the position takes over, also from a withdrawn one, and clearing may be one
SET ROLE regress_finance_cfo;
INSERT INTO price (price_list_id, valid_from, work_type_id, price) SELECT 1, '2026-06-01', id, 500 FROM work_type WHERE code = 'bug';
INSERT INTO price (price_list_id, valid_from, role, price) VALUES (1, '2026-05-01', 'withdrawn', 500), (1, '2026-06-01', 'withdrawn', NULL);
SET ROLE regress_finance_pm;
INSERT INTO price (price_list_id, valid_from, price) VALUES (1, '2026-07-01', NULL);
SELECT set_price((SELECT code FROM price_list WHERE id = 1), 1, work_type => 'design');
INSERT INTO price (price_list_id, valid_from, employee_id, price) VALUES (1, '2026-07-01', 1, 60);
INSERT INTO price (price_list_id, valid_from, employee_id, price) VALUES (1, '2026-07-01', 1, 449);
INSERT INTO price (price_list_id, valid_from, employee_id, price) VALUES (1, '2026-07-01', 1, 450);
UPDATE price SET price = 0.01 WHERE role = 'withdrawn' AND price IS NULL;
SET ROLE regress_finance_cfo;
BEGIN;
UPDATE time_entry SET price = 200, override_reason = 'agreed' WHERE id = 3;
SET ROLE regress_finance_pm;
UPDATE time_entry SET price = NULL WHERE id = 3;
ROLLBACK;
BEGIN;
UPDATE task SET billable = 'billable' WHERE id = 1;
SET ROLE regress_finance_pm;
UPDATE task SET billable = NULL WHERE id = 1;
ROLLBACK;
DELETE FROM price WHERE valid_from >= '2026-06-01';
SET ROLE regress_finance_pm;
UPDATE task SET billable = 'no_charge' WHERE id = 1;
UPDATE project SET billable = 'non_billable' WHERE id = 1;
UPDATE time_entry SET price = 59, override_reason = 'x';
SELECT correct_entry(1, '{"price": "1"}', 'x');
SELECT adjust_charge((SELECT min(id) FROM charge WHERE time_entry_id = 1), -30, 'goodwill') > 0 AS written_off;
SELECT adjust_charge((SELECT min(id) FROM charge WHERE time_entry_id = 1), -20.01, 'more goodwill');
BEGIN;
SELECT adjust_charge((SELECT min(id) FROM charge WHERE time_entry_id = 1), -20, 'exactly the limit') > 0 AS written_off;
ROLLBACK;
-- another name in the setting is another person; the limit of the login binds all the same where it has one
SET finance.actor = 'boss';
SELECT adjust_charge((SELECT min(id) FROM charge WHERE time_entry_id = 1), -20.01, 'more goodwill', 'boss') > 0 AS another_person;
RESET ROLE;
SET ROLE regress_finance_cfo;
INSERT INTO manager_limit (actor, month_amount) VALUES ('regress_finance_pm', 60);
SET ROLE regress_finance_pm;
SELECT adjust_charge((SELECT max(id) FROM charge WHERE source = 'time'), -10, 'and more');
RESET finance.actor;
SELECT actor, kind, base_amount::numeric(9,2) AS base_amount, reason FROM concession ORDER BY id;
SET ROLE regress_finance_cfo;
SELECT adjust_charge((SELECT max(id) FROM charge WHERE source = 'time'), -60, 'no limit') > 0 AS written_off;
-- what was corrected falls no further unseen
SELECT difference FROM correct_entry(1, '{"duration_s": 3000}', 'ten minutes off');
SET ROLE regress_finance_pm;
UPDATE time_entry SET duration_s = 60 WHERE id = 1;
SET ROLE regress_finance_cfo;
SELECT * FROM check_books();

-- row policies bind the views, figures of the owner's views included
RESET ROLE;
CREATE ROLE regress_finance_beta;
SELECT grant_access('regress_finance_beta', 'reader');
ALTER TABLE contract ENABLE ROW LEVEL SECURITY;
CREATE POLICY beta ON contract TO regress_finance_beta USING (client_id = 3);
ALTER TABLE party ENABLE ROW LEVEL SECURITY;
CREATE POLICY beta ON party TO regress_finance_beta USING (id = 3);
ALTER TABLE payment ENABLE ROW LEVEL SECURITY;
CREATE POLICY beta ON payment TO regress_finance_beta USING (party_id = 3);
SET ROLE regress_finance_beta;
SELECT number, charged FROM contract_card;
SELECT contract_id, charged FROM contract_figure;
SELECT client, revenue FROM profit_by_client;
SELECT contract, revenue FROM profit_by_contract WHERE contract IS NOT NULL;
SELECT payment_id FROM payment_card;
SELECT * FROM client_credit;
RESET ROLE;
ALTER TABLE charge ENABLE ROW LEVEL SECURITY;
CREATE POLICY beta ON charge TO regress_finance_beta USING (client_id = 3);
ALTER TABLE entry ENABLE ROW LEVEL SECURITY;
CREATE POLICY beta ON entry TO regress_finance_beta USING (party_id = 3);
SET ROLE regress_finance_beta;
SELECT sum(revenue) FROM fact;
SELECT count(*) FROM pnl_month;
SELECT count(*) FROM account_balance;
SELECT explain_charge(1);
-- the owner and a controller's check see all of it
RESET ROLE;
SELECT count(*) FROM contract_card;
SET ROLE regress_finance_cfo;
SELECT * FROM check_books();

-- a restore without privileges leaves functions open to everybody: that is told, and the next grant closes them
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t_access, t_access_internal TO PUBLIC;
SELECT count(*) > 40 AS told, count(DISTINCT rule) AS rules FROM check_books();
SELECT grant_access('regress_finance_web', 'guest');
SELECT count(*) AS told FROM check_books();
SET ROLE regress_finance_web;
SELECT record_payment('{"amount": "5", "cash_account": 1}');
SELECT what_if(1, '2026-01-01', '2026-03-31', '{}');

-- a lower level takes the higher one's rights away, none all of them
RESET ROLE;
SELECT grant_access('regress_finance_it', 'reader');
SELECT has_table_privilege('regress_finance_it', 'setting', 'UPDATE') OR has_any_column_privilege('regress_finance_it', 'setting', 'UPDATE') AS still_admin;
SELECT revoke_access('regress_finance_it');
SELECT count(*) AS left_over FROM pg_class c
 WHERE c.relnamespace = 't_access'::regnamespace AND c.relkind IN ('r', 'v') AND has_any_column_privilege('regress_finance_it', c.oid, 'SELECT');
SELECT has_schema_privilege('regress_finance_it', 't_access', 'USAGE') AS still_in;
-- a member has the level of the role it is in
GRANT regress_finance_cfo TO regress_finance_stranger;
SET ROLE regress_finance_stranger;
SELECT has_level('controller'), has_level('admin');
RESET ROLE;

RESET search_path;
DROP TABLE public.t_level;
-- a name that needs quotes, and ends as the schema of its functions does
SELECT finance.create_books('t Acme_internal');
SELECT "t Acme_internal".grant_access('regress_finance_bi', 'reader');
SELECT n.nspname, p.proname, has_function_privilege('regress_finance_bi', p.oid, 'EXECUTE') AS may
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname LIKE 't Acme%' AND p.proname IN ('what_if', 'level_rank') ORDER BY 2 DESC;
SELECT "t Acme_internal".revoke_access('regress_finance_bi');
SELECT finance.drop_books('t Acme_internal');
-- the functions of the extension are for roles that somebody made
SELECT finance.grant_code('public');
SELECT finance.grant_code('pg_read_all_data');
DROP SCHEMA t_access, t_access_internal CASCADE;
DROP OWNED BY regress_finance_web, regress_finance_bi, regress_finance_crm, regress_finance_pm, regress_finance_cfo, regress_finance_it, regress_finance_stranger,
    regress_finance_beta;
DROP ROLE regress_finance_web, regress_finance_bi, regress_finance_crm, regress_finance_pm, regress_finance_cfo, regress_finance_it, regress_finance_stranger,
    regress_finance_beta;
