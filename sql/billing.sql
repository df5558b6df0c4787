-- Charges beside time: fees, stages, items, expenses, fixed prices of tasks,
-- blocks, write-offs, approval.
SET client_min_messages = warning;
SELECT finance.create_books('t_billing');
SET search_path = t_billing, t_billing_internal, finance;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never

INSERT INTO party (kind, name) VALUES ('own', 'We'), ('company', 'Acme'), ('company', 'Globex');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Bob', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO task (project_id, title) VALUES (1, 'Support'), (1, 'Landing page'), (2, 'Other');
INSERT INTO price_list (code, name, currency, is_default, parent_id, discount_pct, client_id) VALUES
    ('base', 'Base 2025', 'EUR', true, NULL, NULL, NULL), ('acme', 'Acme 2025', 'EUR', false, 1, 10, 2);
INSERT INTO item (code, name, kind) VALUES ('page', 'Landing page', 'service'), ('lic', 'Licence', 'licence'), ('sms', 'Messages', 'service'),
    ('trip', 'Trip', 'expense'), ('none', 'Not priced', 'service');
INSERT INTO price (price_list_id, item_id, valid_from, price, cost, discount_pct, tiers) VALUES
    (1, NULL, '-infinity', 100, NULL, NULL, NULL),
    (1, 1, '-infinity', 300, 120, NULL, NULL),
    (1, 2, '-infinity', 80, 50, 25, NULL),
    (1, 3, '-infinity', NULL, 0.01, 0, '{"mode": "graduated", "bounds": [100, null], "prices": [0.05, 0.03], "flats": [15, 0]}'),
    (2, 1, '2025-06-01', 320, 130, NULL, NULL);
INSERT INTO contract (client_id, number, currency, starts_on, expense_markup_pct) VALUES (2, 'A-1', 'EUR', '2025-01-15', 15);

CREATE VIEW charges AS
    SELECT id, source, service_date, period_start, coverage, quantity, price, discount_pct AS off, amount::numeric(18,2), cost::numeric(18,2), price_source,
           late, charge_reason(why) AS reason FROM charge ORDER BY id;

-- items: a position's discount replaces the list's (80 - 25 %), the list's holds
-- for what is found in its parent (300 - 10 %), tiers: 15 + 100 × 0.05 + 11 × 0.03
SELECT charge_item(1, 2, 2, '2025-02-01'), charge_item(1, 1, 1, '2025-02-01'), charge_item(1, 3, 111, '2025-02-01');
-- the list's own position from June on: 2 × 320 - 10 % = 576
SELECT charge_item(1, 1, 2, '2025-06-01', 2);
SELECT * FROM charges;
-- idempotent under a key
SELECT charge_item(1, 2, 1, '2025-02-02', NULL, 'crm-1') = charge_item(1, 2, 1, '2025-02-02', NULL, 'crm-1') AS same;
SELECT charge_item(1, 2, 3, '2025-02-02', NULL, 'crm-1');
SELECT charge_item(1, 2, 1, '2025-02-02', price => -5);
SELECT charge_item(1, 2, 1, '2025-02-02', price => 5, cost => -1);
-- refusals
SELECT charge_item(1, 5, 1, '2025-02-01');
SELECT charge_item(1, 99, 1, '2025-02-01');
SELECT charge_item(1, 1, 0, '2025-02-01');
SELECT charge_item(1, 1, 'Infinity', '2025-02-01');
SELECT charge_item(1, 1, 1, '2025-01-14');
SELECT charge_item(1, 1, 1, NULL);
SELECT charge_item(9, 1, 1, '2025-02-01');
SELECT charge_item(1, 1, 1, '2025-02-01', 3);

-- expenses: 100 at a markup of 15 %; 50 dollars are 40 euros
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'USD', '2025-01-01', 1.25);
SELECT charge_expense(1, 100, '2025-02-03', 'Train to the client') AS train, charge_expense(1, 50, '2025-02-03', 'Hotel', 'USD', 4, 1, 1, 'exp-2') AS hotel;
SELECT charge_expense(1, 50, '2025-02-03', 'Hotel', 'USD', 4, 1, 1, 'exp-2') AS hotel;
SELECT source, amount::numeric(18,2), cost::numeric(18,2), employee_id, task_id, charge_reason(why) AS reason FROM charge WHERE source = 'expense' ORDER BY id;
SELECT charge_expense(1, 0, '2025-02-03', 'Nothing');
SELECT charge_expense(1, 5, '2025-02-03', '');
SELECT charge_expense(1, 5, '2025-02-03', 'Taxi', 'GBP');

-- a ticket at a fixed price: its time is included, the price is charged when it is done
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 2, '2025-06-02 10:00', '2025-06-02 13:00');
SELECT source, coverage, worked_s, billed_s, amount::numeric(18,2), cost::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE time_entry_id IS NOT NULL;
INSERT INTO task_item (task_id, item_id) VALUES (2, 1);
SELECT source, coverage, worked_s, billed_s, amount::numeric(18,2), cost::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE time_entry_id IS NOT NULL;
UPDATE task SET status = 'done', completed_at = '2025-06-03 12:00+00' WHERE id = 2;
UPDATE task SET title = 'Landing page 2' WHERE id = 2;
SELECT task_item_id, service_date, amount::numeric(18,2), cost::numeric(18,2) FROM charge WHERE made_by = 'task_item';
-- not done after all: taken back while provisional
UPDATE task SET status = 'open' WHERE id = 2;
SELECT count(*) FROM charge WHERE made_by = 'task_item';
UPDATE task SET status = 'done' WHERE id = 2;
-- an agreed price beats the lists; what cannot be charged is shown
INSERT INTO task_item (task_id, item_id, quantity, price, cost) VALUES (2, 2, 2, 70, 40), (2, 5, 1, NULL, NULL), (3, 1, 1, NULL, NULL);
UPDATE task SET status = 'done', completed_at = '2025-06-03 12:00+00' WHERE id = 3;
SELECT task_item_id, service_date, price, amount::numeric(18,2), cost::numeric(18,2), price_source FROM charge WHERE made_by = 'task_item' ORDER BY id;
SELECT task, item, reason FROM uncharged_task ORDER BY task_id;
-- the fixed price goes: the time is priced by the hour again (3 h at 100 less 10 %)
DELETE FROM task_item;
SELECT coverage, amount::numeric(18,2) FROM charge WHERE time_entry_id IS NOT NULL OR made_by = 'task_item';

-- stages are charged on acceptance
INSERT INTO contract_line (contract_id, kind, title, amount, cost) VALUES (1, 'stage', 'Design', 5000, 10), (1, 'stage', 'Build', 9000, 0), (1, 'recurring', 'Hosting', 30, 0);
SELECT accept_stage(1, '2025-03-10') = accept_stage(1, '2025-03-10') AS same;
SELECT source, service_date, amount::numeric(18,2), cost::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE source = 'stage';
SELECT status, accepted_on FROM contract_line WHERE id = 1;
SELECT accept_stage(1, '2025-03-11');
SELECT accept_stage(3, '2025-03-10');
SELECT accept_stage(99, '2025-03-10');
UPDATE contract_line SET status = 'cancelled' WHERE id = 2;
SELECT accept_stage(2, '2025-03-10');

-- fees in advance: 17 of the 31 days of January from the 15th, whole ones after;
-- in June the plan changes on the 16th: 15 of 30 days each
UPDATE contract_line SET prorate = 'actual', ends_on = '2025-06-15' WHERE id = 3;
INSERT INTO contract_line (contract_id, kind, title, amount, prorate, starts_on) VALUES (1, 'recurring', 'Hosting plus', 45, 'actual', '2025-06-16'),
    (1, 'one_time', 'Set-up', 200, 'none', NULL), (1, 'one_time', 'Training', 80, 'none', '2025-06-20');
SELECT charge_fees(1, '2025-06-01');
\set VERBOSITY terse
SELECT charge_fees(1, 'infinity');
SELECT charge_fees(1, NULL);
SELECT charge_fees(1, '9999-12-31');
\set VERBOSITY default
SELECT service_date, period_start, amount::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE source = 'fee' ORDER BY service_date, id;
-- the same again changes nothing; a changed line is followed while provisional
CREATE TABLE before AS SELECT id, amount FROM charge WHERE source = 'fee';
SELECT charge_fees(1, '2025-06-30');
SELECT count(*) AS changed FROM charge h FULL JOIN before b USING (id) WHERE h.source = 'fee' AND h.amount IS DISTINCT FROM b.amount;
UPDATE contract_line SET amount = 60 WHERE id = 4;
SELECT charge_fees(1, '2025-06-30');
SELECT amount::numeric(18,2) FROM charge WHERE contract_line_id = 4;
SELECT charge_fees(99, '2025-06-30');

-- write-offs and write-ups
SELECT id AS design FROM charge WHERE source = 'stage' \gset
SELECT adjust_charge(:design, -500, 'late delivery', 'adj-1') = adjust_charge(:design, -500, 'late delivery', 'adj-1') AS same;
SELECT adjust_charge(:design, 120.50, 'extra icons') IS NOT NULL AS done;
SELECT source, amount::numeric(18,2), adjusts_id = :design AS adjusts, frozen_at IS NOT NULL AS frozen, charge_reason(why) AS reason
  FROM charge WHERE adjusts_id IS NOT NULL OR id = :design ORDER BY id;
SELECT account, posted_balance FROM account_balance WHERE posted_balance <> 0 ORDER BY 1;
SELECT adjust_charge(:design, -4620.51, 'all of it');
SELECT adjust_charge(:design, -1, '');
SELECT adjust_charge(:design, 0, 'nothing');
SELECT adjust_charge(99999, -1, 'x');
SELECT adjust_charge((SELECT max(id) FROM charge WHERE adjusts_id = :design), -1, 'x');
SELECT adjust_charge(:design, -0.001, 'x');

-- approval before billing
INSERT INTO contract (client_id, number, currency, starts_on, needs_approval) VALUES (3, 'G-1', 'EUR', '2025-01-01', true);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 3, '2025-03-03 10:00', '2025-03-03 11:00'), (2, 3, '2025-03-03 10:00', '2025-03-03 12:00');
SELECT time_entry_id, reason FROM unrated ORDER BY 1;
SELECT approve_entries(ARRAY[2, 3]), approve_entries(ARRAY[2, 3]);
SELECT e.id, e.approved_by = session_user AS approved, h.amount::numeric(18,2) FROM time_entry e JOIN charge h ON h.time_entry_id = e.id WHERE e.id IN (2, 3) ORDER BY 1;
SELECT count(*) FROM unrated;
SELECT approve_entries(ARRAY[2, 77]);
UPDATE contract SET needs_approval = false WHERE id = 2;

-- a block of 2 hours for 150 covers work from its first day on, in order of time
-- and id: Ann's hour and one of Bob's two
SELECT add_block(2, '2025-03-01', 2, price => 150, expires_on => '2025-03-31', key => 'b-1') AS block \gset
SELECT add_block(2, '2025-03-01', 2, price => 150, expires_on => '2025-03-31', key => 'b-1') = :block AS same;
SELECT time_entry_id, segment, coverage, billed_s, amount::numeric(18,2), burned::int FROM charge WHERE contract_id = 2 AND source = 'time' ORDER BY 1, 2;
SELECT source, service_date, amount::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE contract_id = 2 AND source = 'fee';
SELECT amount::int, effective_at, expires_at FROM allotment WHERE id = :block;
SELECT add_block(2, '2025-03-01', 3, price => 150, key => 'b-1');
SELECT add_block(2, '2025-03-01');
SELECT add_block(2, '2025-03-01', 2, 100, 10);
SELECT add_block(2, '2025-03-01', 2);
SELECT add_block(2, '2025-03-01', 2, price => 1, expires_on => '2025-02-28');
SELECT add_block(2, '2025-03-01', 0.0001, price => 1);
SELECT add_block(2, '2025-03-01', 2, price => -1);
-- money: a top-up of 50 pays for half an hour more
SELECT add_block(2, '2025-03-01', amount => 50, kind => 'topup') AS topup \gset
SELECT time_entry_id, segment, coverage, billed_s, amount::numeric(18,2), allotment_id = :topup AS topup, burned::numeric(18,2) FROM charge
 WHERE contract_id = 2 AND source = 'time' ORDER BY 1, 2;
-- taken back: the top-up pays for half an hour of Ann's
SELECT void_block(:block, 'a mistake'), void_block(:block, 'a mistake');
SELECT time_entry_id, segment, coverage, billed_s, amount::numeric(18,2), burned::numeric(18,2) FROM charge WHERE contract_id = 2 AND source = 'time' ORDER BY 1, 2;
SELECT count(*) FROM charge WHERE contract_id = 2 AND source = 'fee';
SELECT void_block(99, 'x');
-- hours of a block are left until it is void
SELECT add_block(2, '2025-03-01', 5, price => 0) AS spare \gset
SELECT hours_left FROM contract_card WHERE contract_id = 2;
SELECT void_block(:spare, 'not bought');
SELECT hours_left FROM contract_card WHERE contract_id = 2;

-- nor are those of a block that is not for now
SELECT add_block(2, current_date + 40, 5, price => 0) > 0 AS sold;
SELECT hours_left FROM contract_card WHERE contract_id = 2;
-- things count against a cap as hours do: 80 of 100, so that the hour brings 20
INSERT INTO project (client_id, name) VALUES (3, 'Capped') RETURNING id AS p \gset
INSERT INTO contract (client_id, number, currency, starts_on, project_id, cap_amount) VALUES (3, 'G-2', 'EUR', '2025-01-01', :p, 100) RETURNING id AS k \gset
INSERT INTO task (project_id, title) VALUES (:p, 'Capped') RETURNING id AS t \gset
SELECT charge_item(:k, 1, 1, '2025-03-03', price => 80) > 0 AS sold;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :t, '2025-03-04', 3600);
SELECT source, coverage, amount::numeric(9,2) FROM charge WHERE contract_id = :k ORDER BY id;

SET client_min_messages = warning;
DROP SCHEMA t_billing, t_billing_internal CASCADE;
