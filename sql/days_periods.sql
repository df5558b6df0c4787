-- First and last days: of contracts, fees, blocks, included hours, service periods,
-- half months and leap years, in the zone of the contract where the books have
-- another; and today, which is the last day of something.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_periods');
SET search_path = t_periods, t_periods_internal, finance, public;
CREATE FUNCTION pg_temp.said(p_command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || regexp_replace(SQLERRM, '\d{4}-\d\d-\d\d', 'DAY', 'g');
END $$;
-- work of so many minutes from an instant on
CREATE FUNCTION pg_temp.log(p_task bigint, p_at timestamptz, p_minutes int DEFAULT 60) RETURNS bigint LANGUAGE sql AS
$$ INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, p_task, p_at,
    p_at + p_minutes * interval '1 minute') RETURNING id $$;
INSERT INTO party (kind, name) VALUES ('own', 'Agency');
INSERT INTO party (kind, name) SELECT 'company', 'Client ' || i FROM generate_series(2, 15) i;
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO calendar (name, zone) VALUES ('west', 'America/New_York'), ('east', 'Europe/Kyiv');
-- one project and task for each client
INSERT INTO project (client_id, name) SELECT i, 'Project ' || i FROM generate_series(2, 15) i;
INSERT INTO task (id, project_id, title) SELECT i, i - 1, 'Task ' || i FROM generate_series(2, 15) i;

-- client 2: a contract from 5 to 31 January in New York, which is five hours behind
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, calendar_id) VALUES (2, 'C-2', 'EUR',
    '2026-01-05', '2026-01-31', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 2, d, 3600
    FROM unnest('{2026-01-04,2026-01-05,2026-01-31,2026-02-01}'::date[]) d;
SELECT pg_temp.log(2, t, 1) FROM unnest('{2026-01-05 04:59Z,2026-01-05 05:00Z,2026-02-01 04:59Z,2026-02-01 05:00Z}'::timestamptz[]) t;
SELECT e.id, coalesce(e.started_at::text, e.work_date::text) AS logged, h.service_date, r.problem
  FROM time_entry e LEFT JOIN charge h ON h.time_entry_id = e.id LEFT
      JOIN rating_problem r ON r.time_entry_id = e.id ORDER BY 1;
-- what a task costs follows when it is done
INSERT INTO item (code, name) VALUES ('fix', 'Fix');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 30);
INSERT INTO task (id, project_id, title) SELECT 100 + i, 1, 'Fixed ' || i FROM generate_series(1, 4) i;
INSERT INTO task_item (task_id, item_id) SELECT 100 + i, 1 FROM generate_series(1, 4) i;
UPDATE task SET status = 'done', completed_at = (ARRAY['2026-01-05 04:59Z', '2026-01-05 05:00Z', '2026-02-01 04:59Z',
    '2026-02-01 05:00Z'])[id - 100]::timestamptz WHERE id > 100;
SELECT t.id, t.completed_at, h.service_date, u.reason
    FROM task t LEFT JOIN charge h ON h.task_id = t.id LEFT JOIN uncharged_task u ON u.task_id = t.id
        WHERE t.id > 100 ORDER BY 1;

-- client 3: fees.  310 a month for its days: 10 to 20 January are 11 of 31; 5 to 31 are 27, though the line began
-- before the contract;
-- once, on the first day of the contract; and not at all once it is cancelled
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (3, 'C-3', 'EUR', '2026-01-05');
INSERT INTO contract_line (contract_id, kind, title, amount, prorate, starts_on, ends_on, status) VALUES
    (2, 'recurring', 'Part', 310, 'actual', '2026-01-10', '2026-01-20', 'planned'),
        (2, 'recurring', 'Early', 310, 'actual', '2025-12-01', NULL, 'planned'),
    (2, 'recurring', 'One day', 310, 'actual', '2026-01-31', '2026-01-31', 'planned'),
        (2, 'one_time', 'Set-up', 7, 'none', '2026-01-05', NULL, 'planned'),
    (2, 'recurring', 'Gone', 310, 'actual', NULL, NULL, 'cancelled'),
        (2, 'one_time', 'Gone', 7, 'none', '2026-01-05', NULL, 'cancelled');
SELECT charge_fees(2, '2026-01-31');
SELECT charge_reason(why) AS reason, service_date, amount::numeric(9,2) FROM charge WHERE contract_id = 2 ORDER BY contract_line_id;
-- a leap year: 15 to 29 February 2024 are 15 of 29 days; the half month ends on the 29th
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, period) VALUES (4, 'C-4', 'EUR', '2024-02-01',
    '2024-02-29', 'month'), (5, 'C-5', 'EUR', '2024-02-15', '2024-03-01', 'half_month');
INSERT INTO contract_line (contract_id, kind, title, amount, prorate, starts_on, ends_on) VALUES (3, 'recurring',
    'Leap', 290, 'actual', '2024-02-15', '2024-02-29'), (4, 'recurring', 'Half', 100, 'none', NULL, NULL);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT 1, t, d, 60 FROM unnest('{4,5}'::bigint[]) t,
    unnest('{2024-02-14,2024-02-15,2024-02-16,2024-02-29,2024-03-01,2024-03-02}'::date[]) d;
SELECT contract, period_start, period_end, outcome, charges, amount FROM run_billing('2024-03-31');
SELECT c.number, h.source, h.service_date, h.period_start, h.amount::numeric(9,2)
    FROM charge h JOIN contract c ON c.id = h.contract_id WHERE c.id IN (3, 4) ORDER BY 1, h.service_date, 2;
SELECT work_date, reason FROM unrated WHERE client_id IN (4, 5) ORDER BY 1, client_id;

-- client 6: a block of two hours from 10 to 12 January in New York: an hour at half past eleven in the evening
-- before, at midnight, at half
-- past eleven of the last evening, and at the midnight after; the block is bought before the work is logged, and after
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id) VALUES (6, 'C-6', 'EUR', '2026-01-01', 1);
SELECT add_block(5, '2026-01-10', hours => 2, price => 0, expires_on => '2026-01-12') > 0 AS sold;
SELECT pg_temp.log(6, t, 30) FROM unnest('{2026-01-10 04:30Z,2026-01-10 05:00Z,2026-01-13 04:30Z,2026-01-13 05:00Z}'::timestamptz[]) t;
SELECT started_at, service_date, coverage, amount::numeric(9,2) FROM charge
    WHERE contract_id = 5 AND source = 'time' ORDER BY 1;
SELECT kind, effective_at, expires_at FROM allotment WHERE contract_id = 5;
SELECT pg_temp.said('SELECT add_block(5, ''2026-01-10'', hours => 1, price => 0, expires_on => ''2026-01-09'')');

-- client 7: an hour included a month in New York, carried for one month; the last evening of January is the 1st of
-- February in UTC
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id) VALUES (7, 'C-7', 'EUR', '2026-01-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max, rollover_life) VALUES (6,
    'recurring', 'Support', 10, 3600, 3600, 1);
SELECT pg_temp.log(7, t, 30) FROM unnest('{2026-02-01 04:30Z,2026-02-01 05:00Z}'::timestamptz[]) t;
SELECT h.started_at, h.service_date, h.period_start, h.coverage, a.period_start AS of_period
    FROM charge h LEFT JOIN allotment a ON a.id = h.allotment_id
 WHERE h.contract_id = 6 AND h.source = 'time' ORDER BY 1;
SELECT period_end, charges, amount FROM close_period(6, '2026-01-01');
SELECT kind, amount::int, period_start, effective_at, expires_at FROM allotment WHERE contract_id = 6 ORDER BY id;

-- client 8: January is closed; work of its last day is refused, of the first open day it is not, nor is it late
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id, late_policy) VALUES (8, 'C-8', 'EUR',
    '2026-01-01', 1, 'reject');
SELECT period_end FROM close_period(7, '2026-01-01');
SELECT pg_temp.said(format('SELECT pg_temp.log(8, %L)', t))
    FROM unnest('{2026-02-01 04:59Z,2026-02-01 05:00Z}'::text[]) t;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 8, '2026-02-01', 60);
SELECT service_date, period_start, late FROM charge WHERE contract_id = 7 ORDER BY id;
-- an entry of exactly the longest length
SELECT pg_temp.said(format('INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 8, ''2026-02-02'', %s)', s)) FROM unnest('{86400,86401}'::int[]) s;

-- client 9: a day is rounded up to an hour as a whole, from midnight in Kyiv on, which is ten in the evening in UTC
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id, round_mode, round_increment_s,
    round_scope) VALUES (9, 'C-9', 'EUR', '2026-01-01', 2, 'up', 3600, 'day');
SELECT pg_temp.log(9, t, 20) FROM unnest('{2026-01-19 21:30Z,2026-01-19 22:30Z,2026-01-20 08:00Z}'::timestamptz[]) t;
SELECT service_date, started_at, billed_s FROM charge WHERE contract_id = 8 ORDER BY started_at;

-- client 10: ends on the first day of a period, which is closed too; the minimum of a companion (19 of 28 days: 67.86) counts its own work,
-- in its own month
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, parent_id, bands, minimum_charge) VALUES
    (10, 'C-10', 'EUR', '2026-01-15', '2026-03-01', NULL, NULL, NULL),
        (10, 'C-10N', 'EUR', '2026-02-10', '2026-02-28', 9, '{night}', 100);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 10, d, 3600
    FROM unnest('{2026-01-20,2026-02-20,2026-03-01}'::date[]) d;
SELECT contract, period_start, outcome, charges, amount FROM run_billing('2026-03-31') WHERE contract = 'C-10';
SELECT c.number, h.source, h.service_date, h.amount::numeric(9,2)
    FROM charge h JOIN contract c ON c.id = h.contract_id WHERE c.client_id = 10 ORDER BY h.service_date, 1;

-- today is the last day of a week, of a contract and of the term of an invoice: it is not over, and the invoice not
-- overdue
BEGIN;
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, period, anchor_day, anchor_month) VALUES
    (11, 'C-11', 'EUR', books_today() - 6, NULL, 'week', extract(isodow FROM books_today() + 1), NULL),
    (12, 'C-12', 'EUR', books_today() - 40, books_today(), 'year', 1, extract(month FROM books_today() - 40));
SELECT contract, over_on - books_today() AS in_days FROM billing_due WHERE contract IN ('C-11', 'C-12') ORDER BY 1;
SELECT pg_temp.said(format('SELECT close_period(%s, %L)', d.contract_id, d.period_start)) FROM billing_due d
    WHERE d.contract IN ('C-11', 'C-12') ORDER BY d.contract;
SELECT count(*) AS closed FROM run_billing() WHERE contract IN ('C-11', 'C-12');
UPDATE contract SET ends_on = books_today() - 1 WHERE number = 'C-12';
SELECT pg_temp.said(format('SELECT close_period(%s, %L)', d.contract_id, d.period_start)) FROM billing_due d
    WHERE d.contract = 'C-12';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 11, books_today() - 1, 3600),
    (1, 11, books_today(), 7200);
SELECT count(invoice_work(jsonb_build_object('client', 11, 'from', d, 'to', d), jsonb_build_object('issued_on', d,
    'due_on', d))) FROM unnest(ARRAY[books_today() - 1, books_today()]) d;
SELECT sum(to_pay) AS to_pay, sum(overdue) AS overdue FROM billing_cycle WHERE client_id = 11;
ROLLBACK;

-- client 13: what is charged once is charged on its day, if the contract is in force on it
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (13, 'C-13', 'EUR', '2026-01-10',
    '2026-02-20') RETURNING id AS k \gset
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on) SELECT :k, 'one_time', d::text, 7, d
    FROM unnest('{2026-01-09,2026-01-10,2026-02-20,2026-02-21}'::date[]) d;
SELECT charge_fees(:k, '2026-03-31');
SELECT n.title, h.service_date FROM contract_line n LEFT JOIN charge h ON h.contract_line_id = n.id
    WHERE n.contract_id = :k ORDER BY n.id;

-- client 14: hours included for a line's last day alone, and what is carried over by lines that end with the month, on
-- the day after, and never; a cancelled one gives none
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (14, 'C-14', 'EUR', '2026-01-01') RETURNING id AS k \gset
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate, prorate_included, starts_on, ends_on,
    rollover_max, status) VALUES
    (:k, 'recurring', 'a day of it', 0, 31 * 3600, 'actual', true, '2026-01-31', '2026-01-31', NULL, 'planned'),
    (:k, 'recurring', 'ends with it', 0, 3600, 'none', false, NULL, '2026-01-31', 3600, 'planned'),
    (:k, 'recurring', 'a day more', 0, 3600, 'none', false, NULL, '2026-02-01', 3600, 'planned'),
    (:k, 'recurring', 'goes on', 0, 3600, 'none', false, NULL, NULL, 1800, 'planned'),
    (:k, 'recurring', 'begins after', 0, 3600, 'none', false, '2026-02-01', NULL, 3600, 'planned'),
    (:k, 'recurring', 'cancelled', 0, 3600, 'none', false, NULL, NULL, 3600, 'cancelled');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 14, '2026-01-31', 60);
SELECT period_end FROM close_period(:k, '2026-01-01');
SELECT n.title, a.kind, a.period_start, a.amount::int FROM contract_line n LEFT JOIN allotment a ON a.contract_line_id = n.id
    AND a.voided_at IS NULL WHERE n.contract_id = :k ORDER BY n.id, a.id;

-- client 15: hours past the included ones at a price of their own from 10 to 12 January, and at that of no cancelled line
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (15, 'C-15', 'EUR', '2026-01-01') RETURNING id AS k \gset
INSERT INTO contract_line (contract_id, kind, title, amount, overage_price, starts_on, ends_on, status) VALUES
    (:k, 'recurring', 'dear', 0, 90, '2026-01-10', '2026-01-12', 'planned'),
    (:k, 'recurring', 'cancelled', 0, 1, NULL, NULL, 'cancelled');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 15, d, 3600
    FROM unnest('{2026-01-09,2026-01-10,2026-01-12,2026-01-13}'::date[]) d;
SELECT service_date, amount::numeric(9,2), price_source FROM charge WHERE contract_id = :k AND source = 'time' ORDER BY 1;

-- it is never the same day on either side of the date line; a contract that is ended without a day ends on its own today,
-- and not before it began
BEGIN;
INSERT INTO calendar (name, zone) VALUES ('first', 'Pacific/Kiritimati'), ('last', 'Etc/GMT+12');
INSERT INTO contract (client_id, number, currency, starts_on, calendar_id, status)
SELECT 12, z.name || s.day, 'EUR', s.day, z.id, 'ended' FROM calendar z, unnest('{2026-01-01,2999-01-01}'::date[]) s (day)
    WHERE z.name IN ('first', 'last');
SELECT k.number, k.ends_on = (now() AT TIME ZONE z.zone)::date AS today, k.ends_on = k.starts_on AS at_once
    FROM contract k JOIN calendar z ON z.id = k.calendar_id WHERE z.name IN ('first', 'last') ORDER BY 1;
ROLLBACK;

SELECT * FROM check_books();
DROP SCHEMA t_periods, t_periods_internal CASCADE;
