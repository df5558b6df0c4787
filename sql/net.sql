-- Net is net: under prices that hold the tax a charge is what is ours of it, from the day it is made; what the terms
-- of the contract speak of stays the price that the client knows.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_net');
SET search_path = t_net, t_net_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Dana', 'senior');
INSERT INTO price_list (code, name, currency) VALUES ('e', 'Euro', 'EUR'), ('d', 'Dollar', 'USD');
INSERT INTO price (price_list_id, price) VALUES (1, 60), (2, 60);
INSERT INTO item (code, name) VALUES ('x', 'Thing'), ('y', 'Other thing');
INSERT INTO tax (code, name) VALUES ('vat', 'VAT');
INSERT INTO tax_rate VALUES ('vat', '2020-01-01', 20);
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2020-01-01', 0.5);
INSERT INTO project (client_id, name) VALUES (2, 'Shop');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_code, tax_inclusive) VALUES (2, 'A', 'EUR', '2026-01-01', 1, 'vat', true);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_rate, tax_inclusive, project_id, cap_amount)
VALUES (2, 'CAP', 'EUR', '2026-01-01', 1, 20, true, NULL, 100);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_rate, tax_inclusive, minimum_charge)
VALUES (2, 'MIN', 'EUR', '2026-01-01', 1, 20, true, 120), (2, 'USD', 'USD', '2026-01-01', 2, 20, true, NULL), (2, 'FEE', 'EUR', '2026-01-01', 1, 20, true, NULL);
INSERT INTO task (project_id, title, contract_id) SELECT 1, 'For ' || number, id FROM contract ORDER BY id;
CREATE FUNCTION pg_temp.log(contract bigint, day date, seconds bigint) RETURNS bigint LANGUAGE sql AS
    $$ INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, $1, $2, $3) RETURNING id $$;
CREATE FUNCTION pg_temp.charges(contract bigint, since date DEFAULT '-infinity') RETURNS TABLE (source text, coverage text, gross numeric, amount numeric, base_amount numeric, reason text)
    LANGUAGE sql AS $$ SELECT source, coverage, trim_scale(gross), trim_scale(amount), trim_scale(base_amount), CASE WHEN source <> 'time' THEN charge_reason(why) END
                         FROM charge WHERE contract_id = $1 AND service_date >= since ORDER BY id $$;
CREATE FUNCTION pg_temp.paper(document bigint) RETURNS TABLE (net numeric, tax numeric, gross numeric) LANGUAGE sql AS
    $$ SELECT net, tax, gross FROM document_card WHERE document_id = $1 $$;
CREATE VIEW pg_temp.sound AS SELECT * FROM check_books();
CREATE VIEW pg_temp.revenue AS SELECT balance, base_balance FROM account_balance WHERE account = 'revenue';

-- an hour at 60 is 50.00 and 10.00 of tax: in what waits, on the card and in the profit of the month
SELECT pg_temp.log(1, '2026-03-02', 3600) AS e \gset
SELECT * FROM pg_temp.charges(1);
SELECT hours_billed, amount, gross, base_amount FROM unbilled;
SELECT charged, tax, balance, profit_accrual FROM contract_card WHERE number = 'A';
SELECT explain_charge((SELECT id FROM charge WHERE time_entry_id = :e)) ~ '10.00 EUR of it are tax, 50.00 EUR are net' AS says_it;
-- and before it is invoiced, when its month is closed
SELECT close_period(1, '2026-01-01') IS NOT NULL, close_period(1, '2026-02-01') IS NOT NULL;
SELECT charges, amount FROM close_period(1, '2026-03-01');
SELECT * FROM pg_temp.revenue;
SELECT invoice_work('{"contract": "A"}', '{"issued_on": "2026-04-02"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
SELECT * FROM pg_temp.revenue;
SELECT charged, tax, balance FROM contract_card WHERE number = 'A';
SELECT * FROM pg_temp.sound;

-- three of 10.00 are 8.33 each, and 25.00 with 5.00 of tax on one line: the cent is a charge of its own
SELECT count(charge_item(1, 1, 1, '2026-04-03', price => 10)) FROM generate_series(1, 3);
SELECT * FROM pg_temp.charges(1, '2026-04-01');
SELECT invoice_work('{"contract": "A"}', '{"issued_on": "2026-04-05"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
SELECT source, amount, reason FROM pg_temp.charges(1, '2026-04-01') WHERE source = 'adjustment';
-- dollars are worth what is ours of them
SELECT pg_temp.log(4, '2026-04-03', 7200) AS e \gset
SELECT * FROM pg_temp.charges(4);
SELECT * FROM pg_temp.sound;

-- a cap of 100 lets 100.00 be paid, of which 83.33 is ours; a minimum of 120 lacks 60.00
SELECT pg_temp.log(2, '2026-04-06', 7200) AS e \gset
SELECT * FROM pg_temp.charges(2);
SELECT pg_temp.log(3, '2026-01-06', 3600) AS e \gset
SELECT expected > 0 AS expected FROM contract_card WHERE number = 'MIN';
SELECT close_period(3, '2026-01-01') IS NOT NULL AS closed;
SELECT * FROM pg_temp.charges(3);
SELECT charged, tax, balance FROM contract_card WHERE number = 'MIN';
SELECT * FROM pg_temp.sound;

-- a fee of 310 for March is 258.33; ended on the 15th, 150.00 are due: 160.00 and of them 133.33 go back
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, prorate) VALUES (5, 'recurring', 'Care', 310, '2026-03-01', 'actual');
SELECT charge_fees(5, '2026-03-31');
SELECT * FROM pg_temp.charges(5, '2026-03-01');
SELECT invoice_work('{"contract": "FEE", "period": "2026-03"}', '{"issued_on": "2026-03-02"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
UPDATE contract SET ends_on = '2026-03-15' WHERE number = 'FEE';
SELECT kind, amount, base_amount FROM correction_due;
SELECT amount FROM make_corrections();
SELECT gross, amount, reason FROM pg_temp.charges(5, '2026-03-01') WHERE source = 'adjustment';
SELECT charged, tax, balance FROM contract_card WHERE number = 'FEE';
SELECT * FROM pg_temp.sound;

-- parts are written off as the price says them: three of 40 take 100.00 of 120, and no more is left
SELECT charge_item(1, 1, 1, '2026-05-04', price => 120) AS c \gset
SELECT count(adjust_charge(:c, -40, 'a third')) FROM generate_series(1, 3);
SELECT gross, amount FROM pg_temp.charges(1, '2026-05-04');
SELECT adjust_charge(:c, -0.01, 'a cent more');
SELECT * FROM pg_temp.sound;

-- a discount of 10 % on 120 leaves 108.00, 90.00 and 18.00; taken back whole, all of it comes back, and no more
SELECT pg_temp.log(1, '2026-05-05', 7200) AS e \gset
SELECT invoice_work(jsonb_build_object('charges', (SELECT id FROM charge WHERE time_entry_id = :e)), '{"issued_on": "2026-05-06", "discount_pct": "10"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
SELECT difference FROM correct_entry(:e, NULL, 'not done');
SELECT source, gross, amount FROM pg_temp.charges(1, '2026-05-05');
SELECT charge_item(1, 1, 1, '2026-05-08', price => 120) > 0 AS sold;
SELECT invoice_work('{"contract": "A", "from": "2026-05-05"}', '{"issued_on": "2026-05-08"}') AS j \gset
SELECT * FROM pg_temp.paper(:j);
-- half of an invoice credited to be billed again is billed so: 60.00, 50.00 and 10.00
SELECT charge_item(1, 2, 1, '2026-05-11', price => 120) > 0 AS sold;
SELECT invoice_work('{"contract": "A", "from": "2026-05-11"}', '{"issued_on": "2026-05-11"}') AS i \gset
SELECT credit(:i, (SELECT jsonb_agg(jsonb_build_object('line', id, 'net', '50')) FROM document_line WHERE document_id = :i), 'half of it', '2026-05-12', 'rebill') > 0 AS credited;
SELECT gross, amount, reason FROM pg_temp.charges(1, '2026-05-11');
SELECT invoice_work('{"contract": "A", "from": "2026-05-11"}', '{"issued_on": "2026-05-13"}') AS j \gset
SELECT * FROM pg_temp.paper(:j);
SELECT * FROM pg_temp.sound;

-- what is open follows its tax: a rate that comes late, and the contract's terms; what is sent waits
SELECT pg_temp.log(1, '2026-06-02', 3600) AS e \gset
SELECT charge_item(1, 2, 1, '2026-06-03', price => 120) > 0 AS sold;
INSERT INTO tax_rate VALUES ('vat', '2026-06-01', 50);
SELECT source, gross, amount FROM pg_temp.charges(1, '2026-06-01');
SELECT build_report('{"contract": "A", "from": "2026-06-03"}', '{"issued_on": "2026-06-05"}') AS r \gset
SELECT transition(:r, 'sent');
UPDATE tax_rate SET rate = 25 WHERE valid_from = '2026-06-01';
SELECT source, gross, amount FROM pg_temp.charges(1, '2026-06-01');
SELECT * FROM pg_temp.sound;
SELECT transition(:r, 'rejected', 'another rate');
SELECT source, gross, amount FROM pg_temp.charges(1, '2026-06-01');
UPDATE contract SET tax_inclusive = false WHERE number = 'A';
SELECT source, gross, amount FROM pg_temp.charges(1, '2026-06-01');
UPDATE contract SET tax_inclusive = true WHERE number = 'A';
-- what is frozen stays as it was agreed: 96.00 and 24.00 are 96.00 and the tax of the day beside it
SELECT close_period(1, m::date) IS NOT NULL AS closed FROM unnest(ARRAY['2026-04-01', '2026-05-01', '2026-06-01']) m;
UPDATE contract SET tax_inclusive = false WHERE number = 'A';
SELECT invoice_work('{"contract": "A", "from": "2026-06-03"}', '{"issued_on": "2026-07-01"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
-- and the other way round: 100.00 beside its tax is 125.00 with it
SELECT charge_item(1, 2, 1, '2026-07-03', price => 100) > 0 AS sold;
SELECT close_period(1, '2026-07-01') IS NOT NULL AS closed;
UPDATE contract SET tax_inclusive = true WHERE number = 'A';
SELECT invoice_work('{"contract": "A", "from": "2026-07-03"}', '{"issued_on": "2026-08-01"}') AS i \gset
SELECT * FROM pg_temp.paper(:i);
SELECT * FROM pg_temp.sound;
-- what other prices would bring is net too: at 72 an hour of June 57.60 and not 48.00
SELECT old_revenue, new_revenue FROM what_if(1, '2026-06-01', '2026-06-02', '{"prices": [{"price": 72}]}');
-- a charge that says another net than its price is found
BEGIN;
ALTER TABLE charge DISABLE TRIGGER USER;
UPDATE charge SET gross = 61 WHERE contract_id = 4;
SELECT rule FROM check_books();
ROLLBACK;
DROP SCHEMA t_net, t_net_internal CASCADE;
