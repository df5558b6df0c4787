-- Fees and hours come from the calendar: what the lines of a contract give, period
-- by period, right through the life of the contract.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_lines');
SET search_path = t_lines, t_lines_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('L', 'List', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
-- a client with a project and a task, known by one name
CREATE FUNCTION pg_temp.client(p_name text) RETURNS bigint LANGUAGE sql AS $$
    WITH c AS (INSERT INTO party (kind, name) VALUES ('company', p_name) RETURNING id),
         p AS (INSERT INTO project (client_id, name) SELECT id, p_name FROM c RETURNING id, client_id),
         t AS (INSERT INTO task (project_id, title, work_type_id) SELECT p.id, p_name, w.id FROM p, work_type w
                WHERE w.code = 'development')
    SELECT client_id FROM p $$;
CREATE FUNCTION pg_temp.contract(p_number text) RETURNS bigint LANGUAGE sql AS $$ SELECT id FROM contract WHERE number = p_number $$;
CREATE FUNCTION pg_temp.said(p_command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE p_command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE VIEW fees AS
    SELECT c.number, h.service_date AS on, trim_scale(h.amount) AS amount, charge_reason(h.why) AS reason, h.late,
           h.frozen_at IS NOT NULL AS frozen
      FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.source = 'fee' ORDER BY c.number, h.service_date, h.id;

-- ---------------------------------------------------------------------------
-- Periods start where the contract says
-- ---------------------------------------------------------------------------
-- a year from 15 March: by its anchor, by its start alone, by a month of one's own, by the calendar's year
INSERT INTO contract (client_id, number, currency, starts_on, period, anchor_day, anchor_month) VALUES
    (pg_temp.client('Year'), 'Y-15', 'EUR', '2025-03-15', 'year', 15, NULL), (pg_temp.client('Year 2'), 'Y-own', 'EUR', '2025-03-15', 'year', NULL, NULL),
    (pg_temp.client('Year 3'), 'Y-may', 'EUR', '2025-03-15', 'year', NULL, 5), (pg_temp.client('Year 4'), 'Y-cal', 'EUR', '2025-03-15', 'year', NULL, 1),
    (pg_temp.client('Year 5'), 'Y-1', 'EUR', '2025-03-15', 'year', 1, NULL);
INSERT INTO contract_line (contract_id, kind, title, amount) SELECT id, 'recurring', 'Annual fee', 1200 FROM contract WHERE number LIKE 'Y-%';
SELECT charge_fees(id, '2026-03-14') FROM contract WHERE number LIKE 'Y-%';
SELECT number, "on", amount, reason FROM fees;
SELECT charge_fees(pg_temp.contract('Y-15'), '2026-03-15');
SELECT number, "on", amount, reason FROM fees WHERE number = 'Y-15';
-- a quarter from 20 May: the calendar's, of which 42 days of 91 are left; with an anchor of 15 they are 56 of 91;
-- from 1 February it runs from February
INSERT INTO contract (client_id, number, currency, starts_on, period, anchor_day) VALUES
    (pg_temp.client('Quarter'), 'Q-cal', 'EUR', '2026-05-20', 'quarter', NULL), (pg_temp.client('Quarter 2'), 'Q-15', 'EUR', '2026-05-20', 'quarter', 15),
    (pg_temp.client('Quarter 3'), 'Q-20', 'EUR', '2026-05-20', 'quarter', 20), (pg_temp.client('Quarter 4'), 'Q-feb', 'EUR', '2026-02-01', 'quarter', NULL);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) SELECT id, 'recurring', 'Fee', 910, 'actual' FROM contract WHERE number LIKE 'Q-%';
SELECT charge_fees(id, '2026-06-30') FROM contract WHERE number LIKE 'Q-%';
SELECT number, "on", amount, reason FROM fees WHERE number LIKE 'Q-%';
-- the 31st: the last day of a shorter month, and it comes back; of quarters, and of a leap day
INSERT INTO contract (client_id, number, currency, starts_on, period, anchor_day) VALUES
    (pg_temp.client('End'), 'E-31', 'EUR', '2026-01-31', 'month', 31), (pg_temp.client('End 2'), 'E-30', 'EUR', '2026-04-30', 'quarter', 31),
    (pg_temp.client('End 3'), 'E-29', 'EUR', '2024-02-29', 'year', NULL), (pg_temp.client('End 4'), 'E-week', 'EUR', '2026-01-07', 'week', 3);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) SELECT id, 'recurring', 'Fee', 310, 'actual' FROM contract WHERE number LIKE 'E-%';
SELECT contract, period_start, period_end, amount FROM run_billing('2026-05-30') WHERE contract IN ('E-31', 'E-30', 'E-29');
SELECT service_period(c, d::date) FROM contract c, unnest('{2027-02-27,2028-02-28,2028-02-29,2029-02-27}'::date[]) d WHERE number = 'E-29';
SELECT service_period(c, d::date) FROM contract c, unnest('{2026-04-29,2026-04-30,2026-07-30,2026-07-31,2027-01-30}'::date[]) d WHERE number = 'E-30';
-- the year of a contract that closes, and work in it
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT 1, t.id, d, 3600 FROM task t, unnest('{2025-03-15,2025-12-31,2026-03-14,2026-03-15}'::date[]) d WHERE t.title = 'Year';
SELECT contract, period_start, period_end, charges, amount FROM run_billing('2026-05-30') WHERE contract = 'Y-15';
SELECT service_date, period_start FROM charge WHERE source = 'time' ORDER BY 1;
SELECT contract, period_start, period_end, over_on FROM billing_due WHERE contract IN ('Y-15', 'E-week') ORDER BY 1;
-- they stay as they are once one is closed or a fee is billed; said in another way they may be
SELECT pg_temp.said($$UPDATE contract SET starts_on = '2025-03-10' WHERE number = 'Y-15'$$);
SELECT pg_temp.said($$UPDATE contract SET anchor_day = NULL WHERE number = 'Y-15'$$);
SELECT pg_temp.said($$UPDATE contract SET anchor_day = 15, anchor_month = 3, starts_on = '2025-03-10' WHERE number = 'Y-15'$$);
SELECT pg_temp.said($$UPDATE contract SET anchor_month = 4 WHERE number = 'Y-15'$$);
SELECT count(invoice_work('{"contract": "Q-20"}')) AS billed, pg_temp.said($$UPDATE contract SET anchor_month = 4 WHERE number = 'Q-20'$$);

SELECT * FROM check_books();
DROP SCHEMA t_lines, t_lines_internal CASCADE;
