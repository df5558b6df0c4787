-- The close of periods, late work, corrections, the billing run.
SET client_min_messages = warning;
SELECT finance.create_books('t_close');
SET search_path = t_close, t_close_internal, finance;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never

INSERT INTO party (kind, name) VALUES ('own', 'We'), ('company', 'Acme'), ('company', 'Globex'), ('company', 'Initech');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Bob', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop'), (4, 'App');
INSERT INTO task (project_id, title) VALUES (1, 'Support'), (2, 'Orders'), (3, 'Screens');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('base', 'Base 2025', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);

-- 10 hours a month for 800, more at 90; up to 4 unused hours carried for one month
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EUR', '2025-01-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, rollover_max) VALUES (1, 'recurring', 'Support', 800, 36000, 90, 14400);

CREATE VIEW work AS
    SELECT time_entry_id AS entry, segment AS seg, service_date, period_start AS period, coverage, (billed_s / 3600.0)::numeric(9,2) AS hours,
           amount::numeric(18,2), (burned / 3600)::numeric(9,2) AS burned, late, frozen_at IS NOT NULL AS frozen, reverses_id IS NOT NULL AS reversal
      FROM charge WHERE source = 'time' ORDER BY time_entry_id, frozen_at IS NULL, segment, charge.id;
CREATE VIEW left_over AS
    SELECT a.id, a.kind, a.period_start, (a.amount / 3600)::numeric(9,2) AS hours,
           ((a.amount - coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0)) / 3600)::numeric(9,2) AS hours_left,
           a.voided_at IS NOT NULL AS voided
      FROM allotment a ORDER BY a.id;

-- January: 7 hours, 3 left; February: 12 hours
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2025-01-10 09:00', '2025-01-10 16:00'), (1, 1, '2025-02-10 08:00', '2025-02-10 20:00');
SELECT * FROM work;
SELECT contract, period_start, period_end, over_on FROM billing_due;

-- refusals
SELECT * FROM close_period(1, '2025-02-01');
SELECT * FROM close_period(1, '2025-01-15');
SELECT * FROM close_period(1, '2024-12-01');
SELECT * FROM close_period(9, '2025-01-01');
SELECT reopen_period(1, '2025-01-01', 'late work');

-- closed: 800 for the month, 3 hours carried, which February eats first:
-- 3 + 9 of its own, 1 left, nothing past the included
SELECT * FROM close_period(1, '2025-01-01');
SELECT * FROM close_period(1, '2025-01-01');
SELECT * FROM left_over;
SELECT * FROM work;
SELECT account, posted_balance FROM account_balance WHERE posted_balance <> 0 ORDER BY 1;
SELECT source, entry_on, debit.code AS debit, credit.code AS credit, e.amount::numeric(18,2) FROM entry e JOIN charge h ON h.id = e.charge_id
  JOIN account debit ON debit.id = debit_id JOIN account credit ON credit.id = credit_id ORDER BY e.id;

-- what is frozen is not changed
UPDATE time_entry SET ended_at = '2025-01-10 17:00' WHERE id = 1;
DELETE FROM time_entry WHERE id = 1;
UPDATE charge SET amount = 1 WHERE time_entry_id = 1;
UPDATE time_entry SET comment = 'no money in it' WHERE id = 1;

-- late work of January is billed in February, and draws on what February has:
-- 2 of the 13 hours; of the other 12 one is past them, at 90
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2025-01-20 09:00', '2025-01-20 11:00');
SELECT * FROM work WHERE NOT frozen;

-- a correction: 7 hours were 5; all 7 are given back to February, where the 5 and
-- the 2 late ones eat them, so that its own 12 hours leave 1 of the 13
SELECT * FROM correct_entry(1, '{"ended_at": "2025-01-10 14:00+00"}', 'the clock ran on over lunch');
SELECT * FROM work;
SELECT * FROM left_over;
SELECT charge_reason(why) AS reason FROM charge WHERE reverses_id IS NOT NULL;
SELECT sum(worked_s) AS worked_s, sum(amount) AS amount FROM charge WHERE time_entry_id = 1;
SELECT h.amount::numeric(18,2) AS charge, sum(e.amount)::numeric(18,2) AS posted FROM charge h LEFT JOIN entry e ON e.charge_id = h.id WHERE h.reverses_id IS NOT NULL GROUP BY h.id;
-- refusals of corrections
SELECT correct_entry(1, '{"ended_at": "2025-01-10 15:00+00"}', 'x');
SELECT correct_entry(99, '{}', 'x');
SELECT correct_entry(1, '{"ended_at": "2025-01-10 15:00+00"}', '');
SELECT correct_entry(1, '{"colour": 1}', 'x');
SELECT correct_entry(1, '[]', 'x');

-- February and on: nothing of February is carried (all eaten), March is empty
SELECT * FROM close_period(1, '2025-02-01');
SELECT * FROM close_period(1, '2025-03-01');
SELECT * FROM left_over;
-- the same corrected entry once more, and taken away altogether
SELECT correct_entry(1, '{"comment": "no"}', 'x');
SELECT reversed IS NOT NULL AS done, difference::numeric(18,2) FROM correct_entry(1, NULL, 'never happened');
SELECT sum(worked_s) AS worked_s, sum(billed_s) AS billed_s, sum(amount) AS amount, sum(cost) AS cost FROM charge WHERE time_entry_id = 1;
SELECT worked_s, billable, override_reason FROM time_entry WHERE id = 1;

-- a contract that ends closes its last period, which is a part of one
UPDATE contract SET status = 'cancelled', ends_on = '2025-04-10' WHERE id = 1;
UPDATE contract_line SET prorate = 'actual' WHERE id = 1;
SELECT * FROM close_period(1, '2025-04-01');
SELECT amount::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE source = 'fee' ORDER BY id DESC LIMIT 1;
SELECT * FROM close_period(1, '2025-05-01');
SELECT count(*) FROM billing_due;

-- the policies for late work
INSERT INTO contract (client_id, number, currency, starts_on, late_policy, minimum_charge) VALUES (3, 'G-1', 'EUR', '2025-01-01', 'reject', 500);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 2, '2025-01-31 22:00', '2025-02-01 02:00');
-- an entry over the end of the period is frozen whole; the minimum makes up 300
SELECT * FROM close_period(2, '2025-01-01');
SELECT source, service_date, period_start, amount::numeric(18,2), frozen_at IS NOT NULL AS frozen, charge_reason(why) AS reason FROM charge WHERE contract_id = 2 ORDER BY id;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 2, '2025-01-15 10:00', '2025-01-15 11:00');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 2, '2025-02-15 10:00', '2025-02-15 11:00');
UPDATE time_entry SET started_at = '2025-01-15 10:00', ended_at = '2025-01-15 11:00' WHERE id = (SELECT max(id) FROM time_entry);
-- a file of work logs loses only what came late
INSERT INTO employee_login VALUES ('tracker', 'bob', 2);
UPDATE task SET source = 'tracker', external_id = 'o-1' WHERE id = 2;
SELECT * FROM ingest_entries('[
    {"source": "tracker", "external_id": "1", "employee": "bob", "task": "o-1", "work_date": "2025-02-20", "duration_s": "3600"},
    {"source": "tracker", "external_id": "2", "employee": "bob", "task": "o-1", "work_date": "2025-01-20", "duration_s": "3600"},
    {"source": "tracker", "external_id": "3", "employee": "bob", "task": "o-1", "work_date": "2025-02-21", "duration_s": "3600"}]');
SELECT external_id, reason FROM rejected_entry;
SELECT external_id, work_date FROM time_entry WHERE source = 'tracker' ORDER BY 1;

UPDATE contract SET late_policy = 'reopen' WHERE id = 2;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 2, '2025-01-15 10:00', '2025-01-15 11:00');
SELECT reopen_period(2, '2025-02-01', 'forgot an hour');
SELECT reopen_period(2, '2025-01-01', '');
SELECT reopen_period(2, '2025-01-01', 'forgot an hour');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (2, 2, '2025-01-15 10:00', '2025-01-15 11:00');
-- 300 by the minimum, 200 of work then, 100 now: the minimum gives 100 back
SELECT * FROM close_period(2, '2025-01-01');
SELECT source, service_date, amount::numeric(18,2), charge_reason(why) AS reason FROM charge WHERE contract_id = 2 AND period_start = '2025-01-01' ORDER BY id;
SELECT action, row_key, old_values ->> 'period_start' AS period_start, new_values ->> 'reason' AS reason FROM history WHERE table_name = 'billing_period' ORDER BY id;

-- the run: every contract that is due, the bad one refused, the rest closed
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (4, 'I-1', 'EUR', '2025-01-01'), (4, 'I-2', 'USD', '2025-02-01');
UPDATE task SET contract_id = 3 WHERE id = 3;
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'USD', '2025-01-01', 1.25);
INSERT INTO time_entry (employee_id, task_id, contract_id, started_at, ended_at) VALUES (1, 3, 3, '2025-01-10 09:00', '2025-01-10 10:00'),
    (1, 3, 4, '2025-02-10 09:00', '2025-02-10 10:00');
SELECT * FROM run_billing('2025-02-28');
SELECT count(*) FROM billing_progress;
SELECT * FROM run_billing('2025-02-28');
SELECT time_entry_id, reason FROM unrated;
INSERT INTO price_list (code, name, currency, is_default) VALUES ('usd', 'Dollars', 'USD', true);
INSERT INTO price (price_list_id, price) VALUES (2, 50);
SELECT * FROM run_billing('2025-02-28');
SELECT * FROM run_billing(NULL);
SELECT count(*) AS refused FROM run_billing('2025-02-28');
-- the period that is not over
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (4, 'I-3', 'EUR', current_date);
DO $$
BEGIN
    PERFORM close_period(id, date_trunc('month', current_date)::date) FROM contract WHERE number = 'I-3';
EXCEPTION WHEN restrict_violation THEN
    RAISE WARNING '%', regexp_replace(SQLERRM, '\d{4}-\d\d-\d\d', '…', 'g');
END $$;
INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands) VALUES (4, 'I-1n', 'EUR', '2025-01-01', 3, '{night}');
SELECT close_period(id, '2025-01-01') FROM contract WHERE number = 'I-1n';
INSERT INTO contract (client_id, number, currency, starts_on, status) VALUES (4, 'I-4', 'EUR', '2025-01-01', 'draft');
SELECT close_period(id, '2025-01-01') FROM contract WHERE number = 'I-4';
SELECT close_period(3, NULL);

-- the service period stays once one is closed
UPDATE contract SET anchor_day = 15 WHERE id = 1;
UPDATE contract SET period = 'week' WHERE id = 1;
UPDATE contract SET period = 'week' WHERE number = 'I-4';

-- what is sold for a closed month is billed in the open one, late; what was left in a month that no period is any more is
-- closed with the first that is
INSERT INTO party (kind, name) VALUES ('company', 'Umbrella');
INSERT INTO project (client_id, name) SELECT id, name FROM party WHERE name = 'Umbrella';
INSERT INTO task (project_id, title) SELECT id, name FROM project WHERE name = 'Umbrella' RETURNING id AS u \gset
INSERT INTO contract (client_id, number, currency, starts_on) SELECT id, 'U-1', 'EUR', '2025-01-01' FROM party WHERE name = 'Umbrella' RETURNING id AS k \gset
INSERT INTO item (code, name) VALUES ('host', 'Hosting');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 10);
SELECT charge_item(:k, 1, 1, '2025-01-15') > 0 AS sold;
UPDATE contract SET starts_on = '2025-02-01' WHERE id = :k;
SELECT * FROM close_period(:k, '2025-02-01');
SELECT charge_item(:k, 1, 1, '2025-02-20') > 0 AS sold;
SELECT source, service_date, period_start, late, frozen_at IS NOT NULL AS frozen FROM charge WHERE contract_id = :k ORDER BY id;

SELECT * FROM billing_problems;

-- a correction that moves billed work to a contract in another currency: 100 EUR go, 50 USD at 1.25 come, 60 EUR are given away
INSERT INTO party (kind, name) VALUES ('company', 'Euro Ltd'), ('company', 'Dollar Inc');
INSERT INTO contract (client_id, number, currency, starts_on) SELECT id, 'E-1', 'EUR', '2025-01-01' FROM party WHERE name = 'Euro Ltd';
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id)
SELECT p.id, 'D-1', 'USD', '2025-01-01', l.id FROM party p, price_list l WHERE p.name = 'Dollar Inc' AND l.code = 'usd';
INSERT INTO project (client_id, name) SELECT id, name FROM party WHERE name IN ('Euro Ltd', 'Dollar Inc');
INSERT INTO task (project_id, title) SELECT id, name FROM project WHERE name IN ('Euro Ltd', 'Dollar Inc');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2025-01-10', 3600 FROM task WHERE title = 'Euro Ltd' RETURNING id AS moved \gset
SELECT build_report('{"client": "Euro Ltd"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
SELECT c.difference, c.currency FROM task t, correct_entry(:moved, jsonb_build_object('task_id', t.id), 'theirs') c WHERE t.title = 'Dollar Inc';
SELECT base_amount::numeric(9,2) FROM concession ORDER BY id DESC LIMIT 1;
-- companions close and open with their base
INSERT INTO contract (client_id, number, currency, starts_on, late_policy) SELECT id, 'E-2', 'EUR', '2026-01-01', 'reopen' FROM party WHERE name = 'Umbrella' RETURNING id AS k \gset
INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands) SELECT c.client_id, 'E-2N', 'EUR', c.starts_on, c.id, '{night}' FROM contract c WHERE c.id = :k;
UPDATE contract SET status = 'ended', ends_on = '2025-12-31' WHERE number = 'U-1';
SELECT period_end FROM close_period(:k, '2026-01-01');
SELECT c.number, b.period_start FROM contract c LEFT JOIN billing_period b ON b.contract_id = c.id WHERE c.number LIKE 'E-2%' ORDER BY 1;
SELECT reopen_period(:k, '2026-01-01', 'late work');
SELECT c.number, b.period_start FROM contract c LEFT JOIN billing_period b ON b.contract_id = c.id WHERE c.number LIKE 'E-2%' ORDER BY 1;
SELECT period_end FROM close_period(:k, '2026-01-01');
SELECT * FROM check_books();
DROP SCHEMA t_close, t_close_internal CASCADE;
