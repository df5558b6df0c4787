-- Lines of the statement and roles of accounts are data; what is not known is NULL and told.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_figures');
SET search_path = t_figures, t_figures_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'IT'), ('company', 'Client');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-01-01'), (2, 'D', 'USD', '2026-01-01');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('hryvnia', 'UAH');

-- every account has its line, every subtotal is the sum of what hangs below it
SELECT post('january', '[{"on": "2026-01-10", "debit": "receivable", "credit": "revenue", "amount": "1000", "currency": "EUR"},
    {"on": "2026-01-11", "debit": "direct_labour", "credit": "absorbed_labour", "amount": "300", "currency": "EUR"},
    {"on": "2026-01-12", "debit": "contractors", "credit": "payable", "amount": "100", "currency": "EUR"},
    {"on": "2026-01-13", "debit": "payroll", "credit": "payable", "amount": "350", "currency": "EUR"},
    {"on": "2026-01-14", "debit": "tools", "credit": "payable", "amount": "20", "currency": "EUR"},
    {"on": "2026-01-15", "debit": "marketing", "credit": "payable", "amount": "30", "currency": "EUR"},
    {"on": "2026-01-16", "debit": "rent", "credit": "payable", "amount": "40", "currency": "EUR"},
    {"on": "2026-01-17", "debit": "payable", "credit": "other_income", "amount": "5", "currency": "EUR"},
    {"on": "2026-01-18", "debit": "depreciation", "credit": "fixed_asset", "amount": "10", "currency": "EUR"},
    {"on": "2026-01-19", "debit": "interest", "credit": "payable", "amount": "7", "currency": "EUR"},
    {"on": "2026-01-20", "debit": "fx_difference", "credit": "payable", "amount": "3", "currency": "EUR"},
    {"on": "2026-01-21", "debit": "profit_tax", "credit": "payable", "amount": "50", "currency": "EUR"},
    {"on": "2026-01-22", "debit": "dividends", "credit": "payable", "amount": "60", "currency": "EUR"}]');
-- 1000 - 300 - 100 = 600; payroll less absorbed -350 + 300 = -50, and -20: -70; 600 - 70 - 30 - 40 = 460; + 5 - 10 = 455;
-- - 7 - 3 - 50 = 395; - 60 = 335
SELECT line, amount FROM pnl_line_month ORDER BY sort;
SELECT revenue, direct_labour, other_direct, gross_profit, gross_margin_pct, unabsorbed_labour, production, ebitda, ebit, net_profit, retained FROM pnl_month;
SELECT section, line, article, amount FROM pnl_article_month ORDER BY article LIMIT 4;

-- a line of one's own, below which an article of one's own stands, is in every subtotal above it
INSERT INTO statement_line (code, name, parent, sort) VALUES ('hosting', 'Servers of clients', 'direct', 230);
INSERT INTO account (code, name, kind, line, cash_section, accrues) VALUES ('cloud', 'Servers', 'expense', 'hosting', 'operating', true);
SELECT post('cloud', '[{"on": "2026-01-23", "debit": "cloud", "credit": "payable", "amount": "11", "currency": "EUR", "contract": 1}]') > 0 AS posted;
SELECT line, amount FROM pnl_line_month WHERE line IN ('hosting', 'direct', 'gross_profit', 'retained') ORDER BY sort;
SELECT cost FROM contract_card WHERE number = 'A';
SELECT contract, cost FROM profit_by_contract ORDER BY 1;
-- no line is a part of itself, none with accounts is in two sections or in none
UPDATE statement_line SET parent = 'direct' WHERE code = 'ebitda';
UPDATE statement_line SET section = true WHERE code = 'hosting';
UPDATE statement_line SET parent = 'ebit' WHERE code = 'hosting';
INSERT INTO statement_line (code, name, sort, formula) VALUES ('x', 'X', 1, '{revenue}');
INSERT INTO account (code, name, kind) VALUES ('y', 'Y', 'expense');
DELETE FROM statement_line WHERE code = 'revenue';
-- what the books post to stays
UPDATE account_role SET account_id = account_id('rent') WHERE role = 'revenue';
UPDATE account SET kind = 'expense' WHERE code = 'revenue';
DELETE FROM account WHERE code = 'payroll';
-- articles whose payments settle what clients owe
SELECT article FROM settling_article ORDER BY 1;

-- a reversal takes from the side that it takes back
SELECT reverse_event(id, 'cloud back') > 0 AS reversed FROM event WHERE key = 'cloud';
SELECT debit, credit, balance FROM account_balance WHERE account = 'cloud';

-- rates that are known only through the base currency are known; one that is not makes one figure unknown, and is told
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.9), ('UAH', 'EUR', '2026-01-01', 0.018);
SELECT exchange_rate_on('UAH', 'USD', '2026-03-01'), convert(100, 'UAH', 'USD', '2026-03-01');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
VALUES ('out', 'posted', '2026-03-01', 100, 'UAH', 2, 'contractors', 2);
SELECT number, cost, profit_accrual FROM contract_card ORDER BY 1;
DELETE FROM exchange_rate WHERE base = 'USD';
SELECT number, cost, profit_accrual FROM contract_card ORDER BY 1;
SELECT gap, contract, since, times, way_out FROM data_gaps;
SELECT count(*) FROM loss_making_contract;
SELECT * FROM check_books();
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.9);

-- hours without a cost rate
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'T', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-10', 5400);
SELECT gap, employee, since, hours, times, way_out FROM data_gaps;
SELECT number, uncosted_charges FROM contract_card ORDER BY 1;
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- what is not known is NULL, and what is known stays
-- ---------------------------------------------------------------------------
-- 1.5 h at 100; contract D has an expense of 100 UAH, 2.00 USD or 1.80 EUR
SELECT number, charged, cost, profit_accrual, margin_pct, uncosted_charges FROM contract_card ORDER BY 1;
SELECT client, revenue, cost, profit, margin_pct, hours, hourly_rate, uncosted FROM profit_by_client ORDER BY 1;
SELECT dimension, id, name, revenue, cost, profit, uncosted FROM profit_by WHERE dimension = 'task' ORDER BY 2;
SELECT revenue, direct_labour, gross_profit FROM pnl_month WHERE month = '2026-03-01';
SELECT fact_on, revenue, cost, worked_s, billed_s, uncosted FROM fact WHERE task_id = 1 ORDER BY worked_s;
SELECT uncosted(m), profit(m) FROM (SELECT margin_sum(revenue, cost, worked_s, 'EUR') AS m FROM fact WHERE task_id = 1) f;
-- open work follows its cost rates
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-03-01', 20, 'EUR');
SELECT number, cost, profit_accrual, margin_pct, uncosted_charges FROM contract_card WHERE number = 'A';
DELETE FROM cost_rate;
SELECT cost, profit_accrual, uncosted_charges FROM contract_card WHERE number = 'A';
-- billed work does not: it is corrected
SELECT contract, outcome FROM run_billing('2026-03-31') WHERE charges > 0;
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-03-01', 20, 'EUR');
SELECT cost, profit_accrual, uncosted_charges FROM contract_card WHERE number = 'A';
SELECT gap, employee, hours, times, way_out FROM data_gaps WHERE employee IS NOT NULL;
SELECT charge_id, amount, cost, reason FROM make_corrections();
SELECT cost, profit_accrual, margin_pct, uncosted_charges FROM contract_card WHERE number = 'A';
SELECT employee, revenue, cost, profit, hours, uncosted FROM profit_by_employee WHERE employee = 'Dev';
SELECT count(*) FROM data_gaps WHERE employee IS NOT NULL;
SELECT * FROM check_books();
-- what is taken back and what takes it back are known together: only the work that counts lacks a cost
INSERT INTO employee (name) VALUES ('Guest');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-04-10', 3600) RETURNING id AS guest \gset
SELECT contract, outcome FROM run_billing('2026-04-30') WHERE charges > 0;
SELECT difference FROM correct_entry(:guest, '{"duration_s": 1800}', 'half of it');
SELECT count(*) AS charges, count(*) FILTER (WHERE cost IS NULL) AS without FROM charge WHERE time_entry_id = :guest;
SELECT number, uncosted_charges FROM contract_card WHERE number = 'A';
SELECT employee, hours, profit, uncosted FROM profit_by_employee WHERE employee = 'Guest';
SELECT employee, hours, times FROM data_gaps WHERE employee IS NOT NULL;
-- items: bought ones have a cost or nobody knows it; what is worked at the fixed price of a task costs its hours
INSERT INTO item (code, name, kind) VALUES ('disk', 'Disk', 'material'), ('fix', 'Fix', 'service');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 50), (1, 2, 80);
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'Repair', 1);
INSERT INTO task_item (task_id, item_id) VALUES (2, 1), (2, 2);
UPDATE task SET status = 'done', completed_at = '2026-05-04 12:00Z' WHERE id = 2;
SELECT i.code, h.amount, h.cost FROM charge h JOIN item i ON i.id = h.item_id ORDER BY 1;
SELECT gap, item, hours, times, way_out FROM data_gaps WHERE item IS NOT NULL;
SELECT item, reason FROM uncosted_item;
SELECT contract, outcome FROM run_billing('2026-05-31') WHERE charges > 0;
UPDATE price SET cost = 30 WHERE item_id = 1;
SELECT amount, cost, reason FROM make_corrections();
SELECT task, revenue, cost, profit, uncosted FROM profit_by_task WHERE task = 'Repair';
-- the loss that is known is told, whatever is not
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'L', 'EUR', '2026-01-01');
SELECT charge_item(c.id, 2, 1, '2026-05-05', cost => 90) > 0 AS known, charge_item(c.id, 2, 1, '2026-05-05', price => 1) > 0 AS unknown FROM contract c WHERE c.number = 'L';
SELECT number, charged, cost, profit_accrual, uncosted_charges FROM loss_making_contract;
-- an expense without a rate and its reversal are nothing together
SELECT post('yen', '[{"on": "2026-05-06", "debit": "contractors", "credit": "payable", "amount": "1000", "currency": "UAH", "contract": "D"}]') AS yen \gset
DELETE FROM exchange_rate WHERE base = 'USD';
SELECT number, cost, profit_accrual, uncosted_charges FROM contract_card WHERE number = 'D';
SELECT gap, contract, times FROM data_gaps WHERE contract = 'D';
SELECT reverse_event(:yen, 'no yen') > 0 AS reversed;
UPDATE payment SET status = 'void' WHERE currency = 'UAH';
SELECT number, cost, profit_accrual, uncosted_charges FROM contract_card WHERE number = 'D';
SELECT count(*) FROM data_gaps WHERE contract = 'D';
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.9);
-- a cost that cannot be told in the base currency is known in the contract's alone
INSERT INTO exchange_rate VALUES ('PLN', 'USD', '2026-01-01', 0.25);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('u', 'Dollars', 'USD', true);
INSERT INTO price (price_list_id, price) VALUES (2, 120);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (2, '2026-05-01', 100, 'PLN');
INSERT INTO task (project_id, title, contract_id) SELECT 1, 'Abroad', id FROM contract WHERE number = 'D';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 3, '2026-06-08', 3600);
SELECT number, charged, cost, profit_accrual, uncosted_charges FROM contract_card WHERE number = 'D';
SELECT contract, revenue, cost, profit, uncosted FROM profit_by_contract WHERE contract = 'D';
SELECT gap, employee, hours FROM data_gaps WHERE gap LIKE 'cost %';
INSERT INTO exchange_rate VALUES ('PLN', 'EUR', '2026-01-01', 0.24);
SELECT contract, revenue, cost, profit, uncosted FROM profit_by_contract WHERE contract = 'D';
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- money is the ledger's, hours are the charges'
-- ---------------------------------------------------------------------------
-- in a locked month nothing is posted: its work is money of the next one, and hours of its own
INSERT INTO period_lock (locked_through) VALUES ('2026-06-30');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-06-20', 7200);
SELECT fact_on, revenue, cost, worked_s FROM fact WHERE employee_id = 1 AND fact_on > '2026-06-01' ORDER BY 1, 2;
SELECT p.month, p.gross_profit, f.profit, f.hours FROM pnl_month p
  JOIN (SELECT month(fact_on) AS month, sum(revenue - cost)::numeric(18,2) AS profit, (sum(worked_s) / 3600.0)::numeric(18,2) AS hours FROM fact GROUP BY 1) f USING (month)
 WHERE month >= '2026-06-01' ORDER BY 1;
-- work that is posted takes a deal: what it posted is taken back and posted anew, where a month is locked in the next
INSERT INTO deal (client_id, project_id, name) VALUES (2, 1, 'Sale');
UPDATE task SET deal_id = 1 WHERE id = 1;
SELECT deal, revenue, cost, profit, hours, uncosted FROM profit_by_deal ORDER BY 1;
SELECT month(entry_on), deal_id, count(*), sum(amount) FROM entry e JOIN account a ON a.id = e.credit_id AND a.code = 'revenue' WHERE charge_id = 1 GROUP BY 1, 2 ORDER BY 1, 2;
UPDATE task SET deal_id = NULL WHERE id = 1;
SELECT deal, revenue, cost, profit FROM profit_by_deal ORDER BY 1;
SELECT deal_id, count(*), sum(amount) FROM entry e JOIN account a ON a.id = e.credit_id AND a.code = 'revenue' WHERE charge_id = 1 GROUP BY 1 ORDER BY 1;
SELECT * FROM check_books();

RESET search_path;
DROP SCHEMA t_figures, t_figures_internal CASCADE;

-- ---------------------------------------------------------------------------
-- cash flow: a refund takes from what came in, a transfer is neither, what is void never was, each currency by itself
-- ---------------------------------------------------------------------------
SELECT finance.create_books('t_figures');
SET search_path = t_figures, t_figures_internal, finance, public;
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.9), ('USD', 'EUR', '2026-02-01', 0.8);
INSERT INTO party (kind, name) VALUES ('own', 'IT'), ('company', 'Client');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('desk', 'EUR'), ('dollars', 'USD');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, to_cash_account_id, article, party_id) VALUES
    ('in', 'posted', '2026-01-10', 1000, 'EUR', 1, NULL, 'revenue', 2), ('out', 'posted', '2026-01-31', 100, 'EUR', 1, NULL, 'revenue', 2),
    ('transfer', 'posted', '2026-01-12', 50, 'EUR', 1, 2, NULL, NULL), ('out', 'posted', '2026-01-13', 30, 'EUR', 2, NULL, 'rent', NULL),
    ('in', 'posted', '2026-01-14', 200, 'USD', 3, NULL, 'revenue', 2), ('out', 'posted', '2026-02-01', 40, 'USD', 3, NULL, 'tools', NULL),
    ('in', 'posted', '2026-02-02', 500, 'EUR', 1, NULL, 'loan', NULL), ('out', 'posted', '2026-02-28', 7, 'EUR', 1, NULL, 'tools', NULL),
    ('in', 'planned', '2026-02-28', 9, 'EUR', 1, NULL, 'revenue', 2), ('out', 'posted', '2026-03-01', 12, 'EUR', 1, NULL, 'fixed_asset', NULL);
UPDATE payment SET status = 'void' WHERE amount = 7;
-- changed: 40 were 45
UPDATE payment SET amount = 45 WHERE amount = 40;
SELECT month, section, article, currency, receipts, payments, base_receipts, base_payments FROM cash_flow_article_month ORDER BY 1, 4, 3;
-- EUR: 1000 - 100 - 30; 870 + 500; 1370 - 12.  USD: 200; 200 - 45
SELECT month, currency, opening, operating_in, operating_out, investing, financing, transfers, net, closing FROM cash_flow_month ORDER BY 2, 1;
SELECT account, currency, balance FROM account_balance WHERE kind = 'cash' ORDER BY 1;
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_figures, t_figures_internal CASCADE;
