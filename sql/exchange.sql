-- Rates of exchange: which one counts, how old it is, and what it holds up.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_exchange');
SET search_path = t_exchange, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency)
VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id)
SELECT 1, t, id FROM work_type, unnest(ARRAY['T1', 'T2', 'T3']) t WHERE code = 'development';
CREATE VIEW pg_temp.gap AS SELECT gap, employee, currency, since, times, detail FROM data_gaps ORDER BY 1, 2, 3, 4;

-- no rate: the hour is taken, waits with the reason, and is priced by the rate of the opposite direction
INSERT INTO price_list (code, name, currency) VALUES ('U', 'USD', 'USD');
INSERT INTO price (price_list_id, price) VALUES (2, 110);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'USD', '2026-03-01', 2);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT reason FROM unrated \gset
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'USD', '2026-03-01', 1.25);
SELECT rerate(1, '2026-03-01') IS NOT NULL AS tried;
SELECT :'reason' AS first, trim_scale(amount), trim_scale(base_amount) FROM charge;
TABLE pg_temp.gap;

-- by way of the base currency where no rate is direct; each leg by its own last rate, and nothing is divided before the end
INSERT INTO exchange_rate VALUES ('EUR', 'UAH', '2026-03-01', 45), ('EUR', 'UAH', '2026-03-10', 46), ('JPY', 'EUR', '2026-03-01', 0.006);
SELECT d, exchange_rate_on('USD', 'UAH', d) AS usd_uah, exchange_rate_on('UAH', 'USD', d) AS uah_usd, exchange_rate_on('JPY', 'UAH', d) AS jpy_uah, exchange_rate_on('JPY', 'PLN', d) AS none
  FROM unnest('{2026-02-28,2026-03-01,2026-03-09,2026-03-10}'::date[]) d;
SELECT convert(1000000000, 'USD', 'UAH', '2026-03-01'), convert(1000000000, 'UAH', 'USD', '2026-03-01'), convert(36000000000, 'UAH', 'USD', '2026-03-09');
-- a direct one goes before, also an opposite one
INSERT INTO exchange_rate VALUES ('UAH', 'USD', '2026-03-05', 0.025);
SELECT d, exchange_rate_on('USD', 'UAH', d) AS usd_uah, exchange_rate_on('UAH', 'USD', d) AS uah_usd FROM unnest('{2026-03-04,2026-03-05}'::date[]) d;
-- half a cent at a rate that is divided by: 3.03 / 1.2 = 2.525, and 100.05 / 1.2 = 83.375
INSERT INTO exchange_rate VALUES ('EUR', 'GBP', '2026-03-01', 1.2);
SELECT convert(3.03, 'GBP', 'EUR', '2026-03-01'), convert(100.05, 'GBP', 'EUR', '2026-03-01'), convert(-3.03, 'GBP', 'EUR', '2026-03-01'), convert(100.04, 'GBP', 'EUR', '2026-03-01');
INSERT INTO party (kind, name) VALUES ('company', 'London');
INSERT INTO price_list (code, name, currency) VALUES ('G', 'Pounds', 'GBP');
INSERT INTO price (price_list_id, price) VALUES (3, 100.05);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (3, 'G', 'GBP', '2026-03-01', 3);
INSERT INTO project (client_id, name) VALUES (3, 'G');
INSERT INTO task (project_id, title) VALUES (2, 'G') RETURNING id AS g \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :g, '2026-03-03', 3600);
SELECT charge_item(2, 1, 1, '2026-03-03', price => 3.03) > 0 AS sold;
SELECT source, trim_scale(amount) AS amount, trim_scale(base_amount) AS base_amount, trim_scale(base_rate) AS base_rate FROM charge WHERE client_id = 3 ORDER BY id;

-- what a person costs in a currency that has no rate holds nobody's bill up; it is told apart from a cost that nobody gave
INSERT INTO employee (name, role) VALUES ('Zoe', 'senior'), ('Nil', NULL);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (3, '2020-01-01', 90, 'PLN');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (3, 1, '2026-03-04', 3600), (3, :g, '2026-03-04', 3600), (4, 1, '2026-03-05', 3600);
SELECT employee_id, currency, trim_scale(amount) AS amount, cost, base_cost FROM charge WHERE employee_id > 2 ORDER BY id;
SELECT count(*) FROM unrated;
SELECT gap, employee, since, hours, times, way_out FROM data_gaps ORDER BY 1, 2;

SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_exchange, t_exchange_internal CASCADE;

-- a rate of half a year ago is used, and pointed out
SET client_min_messages = warning;
SELECT finance.create_books('t_exchange');
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency)
VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id)
SELECT 1, t, id FROM work_type, unnest(ARRAY['T1', 'T2', 'T3']) t WHERE code = 'development';
INSERT INTO price_list (code, name, currency) VALUES ('U', 'USD', 'USD');
INSERT INTO price (price_list_id, price) VALUES (2, 100);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-13', 0.80);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'USD', '2026-01-01', 2);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-07-17', 3600);
SELECT trim_scale(base_amount), (SELECT count(*) FROM data_gaps) AS gaps FROM charge;
CREATE VIEW pg_temp.gap AS SELECT gap, employee, currency, since, times, detail FROM data_gaps ORDER BY 1, 2, 3, 4;
TABLE pg_temp.gap;
-- on its 31st day a rate is still fresh, on the 32nd it is old; the setting says so
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-13', 3600);
SELECT since, times FROM pg_temp.gap;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-14', 3600);
SELECT since, times FROM pg_temp.gap;
UPDATE setting SET max_rate_age_days = 185;
SELECT count(*) FROM pg_temp.gap;
UPDATE setting SET max_rate_age_days = 184;
SELECT since, times FROM pg_temp.gap;
UPDATE setting SET max_rate_age_days = 31;
-- the rate of the days themselves ends it; one of the opposite direction is not asked where there is a direct one
INSERT INTO exchange_rate VALUES ('EUR', 'USD', '2026-07-17', 1.25);
SELECT since, times, detail FROM pg_temp.gap;
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-07-17', 0.85);
SELECT since, times, detail FROM pg_temp.gap;
-- frozen charges, money and postings, costs in another currency; each row is about one rate
SELECT outcome FROM run_billing('2026-02-28') WHERE charges > 0;
INSERT INTO cash_account (name, currency) VALUES ('dollars', 'USD');
SELECT allocated IS NOT NULL AS paid FROM record_payment('{"amount": "10.00", "paid_on": "2026-03-20", "cash_account": "dollars", "party": "Client"}');
SELECT post('opening', '[{"on": "2026-05-01", "debit": "loan", "credit": "opening", "amount": "7", "currency": "USD"}]') > 0 AS posted;
INSERT INTO exchange_rate VALUES ('EUR', 'UAH', '2026-01-01', 45);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (2, '2026-03-01', 450, 'UAH');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-02-28', 3600), (2, 1, '2026-03-01', 3600), (2, 1, '2026-07-18', 3600);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 1, '2026-03-02 09:00Z', '2026-03-02 10:00Z');
SELECT currency, since, times, detail FROM pg_temp.gap;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_exchange, t_exchange_internal CASCADE;
