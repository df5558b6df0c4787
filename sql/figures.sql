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

RESET search_path;
DROP SCHEMA t_figures, t_figures_internal CASCADE;
