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

-- ---------------------------------------------------------------------------
-- Open fees follow their lines
-- ---------------------------------------------------------------------------
-- a fee charged ahead goes when the contract ends before it, and is cut where it ends within
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Ahead'), 'A-1', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (pg_temp.contract('A-1'), 'recurring', 'Fee', 310, 'actual'),
    (pg_temp.contract('A-1'), 'recurring', 'Flat', 50, 'none'), (pg_temp.contract('A-1'), 'one_time', 'Farewell', 7, 'none');
UPDATE contract_line SET starts_on = '2026-05-20' WHERE title = 'Farewell';
SELECT charge_fees(pg_temp.contract('A-1'), '2026-05-31');
SELECT id AS april FROM charge WHERE contract_id = pg_temp.contract('A-1') AND service_date = '2026-04-01' AND amount = 310 \gset
UPDATE contract SET ends_on = '2026-04-10' WHERE number = 'A-1';
SELECT "on", amount, reason FROM fees WHERE number = 'A-1';
-- the charge is the same one, so that a draft keeps it; set forth again it is whole, and May is charged at its close
UPDATE contract SET ends_on = '2026-05-31' WHERE number = 'A-1';
SELECT "on", amount, reason FROM fees WHERE number = 'A-1';
SELECT count(*) AS same FROM charge WHERE id = :april AND amount = 310;
UPDATE contract SET status = 'ended', ends_on = '2026-03-31' WHERE number = 'A-1';
SELECT charge_fees(pg_temp.contract('A-1'), '2026-05-31');
SELECT period_start, charges, amount FROM run_billing('2026-06-30') WHERE contract = 'A-1';
SELECT charged FROM contract_card WHERE number = 'A-1';
-- what is never charged is told
SELECT title, starts_on, reason FROM uncharged_line WHERE contract = 'A-1';
-- a line's own days, its price, and its end; the contract that is a draft again; a base and its companion
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Ahead 2'), 'A-2', 'EUR', '2026-03-01');
INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands) SELECT client_id, 'A-2N', 'EUR', '2026-03-01', id, '{night}' FROM contract WHERE number = 'A-2';
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) SELECT id, 'recurring', 'Fee ' || number, 310, 'actual' FROM contract WHERE number LIKE 'A-2%';
SELECT charge_fees(pg_temp.contract('A-2'), '2026-04-30');
UPDATE contract_line SET starts_on = '2026-03-12', amount = 620 WHERE title = 'Fee A-2';
UPDATE contract_line SET ends_on = '2026-04-15' WHERE title = 'Fee A-2N';
SELECT number, "on", amount FROM fees WHERE number LIKE 'A-2%';
UPDATE contract SET ends_on = '2026-04-06' WHERE number = 'A-2';
SELECT number, "on", amount FROM fees WHERE number LIKE 'A-2%';
UPDATE contract SET status = 'draft' WHERE number = 'A-2';
SELECT count(*) FROM fees WHERE number LIKE 'A-2%';
UPDATE contract SET status = 'active' WHERE number = 'A-2';
SELECT charge_fees(pg_temp.contract('A-2'), '2026-03-31');
-- a cancelled line counts nothing that is open, and keeps what is closed
SELECT period_end FROM close_period(pg_temp.contract('A-2'), '2026-03-01');
SELECT charge_fees(pg_temp.contract('A-2'), '2026-04-30');
UPDATE contract_line SET status = 'cancelled' WHERE title LIKE 'Fee A-2%';
SELECT number, "on", amount, frozen FROM fees WHERE number LIKE 'A-2%';
SELECT title, ends_on FROM contract_line WHERE title LIKE 'Fee A-2%' ORDER BY 1;
-- what a sent report holds stays; sent back, it follows
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Held'), 'H-1', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (pg_temp.contract('H-1'), 'recurring', 'Fee', 310, 'actual');
SELECT charge_fees(pg_temp.contract('H-1'), '2026-03-31');
SELECT build_report('{"client": "Held"}') AS report \gset
SELECT transition(:report, 'sent');
UPDATE contract SET ends_on = '2026-03-10' WHERE number = 'H-1';
SELECT amount FROM fees WHERE number = 'H-1';
SELECT transition(:report, 'rejected', 'too much');
SELECT amount, reason FROM fees WHERE number = 'H-1';

-- ---------------------------------------------------------------------------
-- Late fees: what belongs to a closed period comes in the open one
-- ---------------------------------------------------------------------------
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Late'), 'L-1', 'EUR', '2026-01-01');
SELECT count(*) FROM run_billing('2026-02-28') WHERE contract = 'L-1';
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, prorate) VALUES
    (pg_temp.contract('L-1'), 'recurring', 'Extra seat', 140, '2026-02-15', 'actual'), (pg_temp.contract('L-1'), 'one_time', 'Set-up', 99, '2026-01-20', 'none'),
    (pg_temp.contract('L-1'), 'recurring', 'From now on', 10, NULL, 'actual');
SELECT title, starts_on FROM contract_line WHERE contract_id = pg_temp.contract('L-1') ORDER BY id;
SELECT "on", amount, reason, late FROM fees WHERE number = 'L-1';
-- they follow the line until they are frozen: two periods now, then one and a half
UPDATE contract_line SET starts_on = '2026-01-01' WHERE title = 'Extra seat';
SELECT "on", amount, late FROM fees WHERE number = 'L-1' AND amount <> 99;
UPDATE contract_line SET starts_on = '2026-01-17' WHERE title = 'Extra seat';
SELECT "on", amount, late FROM fees WHERE number = 'L-1' AND amount <> 99;
-- a raised amount is the open ones' alone; closed they are frozen in the open period, once
UPDATE contract_line SET amount = 280 WHERE title = 'Extra seat';
SELECT period_start, charges, amount FROM run_billing('2026-04-30') WHERE contract = 'L-1';
SELECT "on", amount, late, frozen FROM fees WHERE number = 'L-1';
UPDATE contract_line SET amount = 300, title = 'Extra seats' WHERE title = 'Extra seat';
UPDATE contract_line SET amount = 0 WHERE title = 'From now on';
UPDATE contract_line SET amount = 20 WHERE title = 'From now on';
SELECT count(*) FROM fees WHERE number = 'L-1' AND NOT frozen;
-- the start of the contract set back, and the end of a line set forth into closed days
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Late 2'), 'L-2', 'EUR', '2026-02-01');
INSERT INTO contract_line (contract_id, kind, title, amount, ends_on, prorate) VALUES (pg_temp.contract('L-2'), 'recurring', 'All', 31, NULL, 'actual'),
    (pg_temp.contract('L-2'), 'recurring', 'Short', 28, '2026-02-28', 'none');
SELECT count(*) FROM run_billing('2026-03-31') WHERE contract = 'L-2';
UPDATE contract SET starts_on = '2026-01-12' WHERE number = 'L-2';
UPDATE contract_line SET ends_on = '2026-04-20' WHERE title = 'Short';
SELECT "on", amount, late, frozen FROM fees WHERE number = 'L-2';
-- after the end of a contract too: the run closes what waits
UPDATE contract SET status = 'ended', ends_on = '2026-04-30' WHERE number = 'L-2';
SELECT period_start, amount FROM run_billing('2026-05-31') WHERE contract = 'L-2';
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on) VALUES (pg_temp.contract('L-2'), 'one_time', 'Forgotten', 5, '2026-04-02');
SELECT period_start, over_on FROM billing_due WHERE contract = 'L-2';
SELECT period_start, amount FROM run_billing('2026-05-31') WHERE contract = 'L-2';
SELECT count(*) FROM billing_due WHERE contract = 'L-2';
-- a period that is opened again has its own fees, and they are late no more
INSERT INTO contract (client_id, number, currency, starts_on, late_policy) VALUES (pg_temp.client('Late 3'), 'L-3', 'EUR', '2026-01-01', 'reopen');
SELECT count(*) FROM run_billing('2026-01-31') WHERE contract = 'L-3';
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on) VALUES (pg_temp.contract('L-3'), 'recurring', 'Fee', 5, '2026-01-10');
SELECT reopen_period(pg_temp.contract('L-3'), '2026-01-01', 'a line was forgotten');
SELECT "on", amount, late FROM fees WHERE number = 'L-3';
SELECT period_start, amount FROM run_billing('2026-02-28') WHERE contract = 'L-3';
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- Hours come from the calendar, on the days of their line
-- ---------------------------------------------------------------------------
CREATE VIEW hours AS
    SELECT a.id, c.number, n.title AS line, a.kind, a.unit, CASE a.unit WHEN 'seconds' THEN trim_scale(a.amount / 3600) ELSE trim_scale(a.amount) END AS amount,
           trim_scale(b.burned / CASE a.unit WHEN 'seconds' THEN 3600 ELSE 1 END) AS burned,
           to_char(a.effective_at, 'MM-DD') AS since, to_char(a.expires_at, 'MM-DD') AS until, a.source_id AS of, a.voided_at IS NOT NULL AS void
      FROM allotment a JOIN contract c ON c.id = a.contract_id LEFT JOIN contract_line n ON n.id = a.contract_line_id
     CROSS JOIN LATERAL (SELECT coalesce(sum(h.burned), 0) AS burned FROM charge h WHERE h.allotment_id = a.id) b ORDER BY a.id;
CREATE VIEW work AS
    SELECT c.number, h.service_date AS on, h.coverage, trim_scale(h.billed_s / 3600.0) AS hours, trim_scale(h.amount) AS amount, a.kind, n.title AS line
      FROM charge h JOIN contract c ON c.id = h.contract_id LEFT JOIN allotment a ON a.id = h.allotment_id LEFT JOIN contract_line n ON n.id = a.contract_line_id
     WHERE h.source = 'time' ORDER BY h.started_at, h.time_entry_id, h.segment;
CREATE FUNCTION pg_temp.log(p_client text, p_day date, p_hours numeric) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, p_day, p_hours * 3600 FROM task t WHERE t.title = p_client RETURNING id $$;
-- a plan swapped in mid-month: 15 h on the 5th are 10 of Basic and 5 past them; 24 h on the 20th are 20 of Plus and 4 past them
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Swap'), 'S-1', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, starts_on, ends_on, prorate) VALUES
    (pg_temp.contract('S-1'), 'recurring', 'Basic', 310, 36000, 60, NULL, '2026-03-14', 'actual'),
    (pg_temp.contract('S-1'), 'recurring', 'Plus', 620, 72000, 50, '2026-03-15', NULL, 'actual');
SELECT pg_temp.log('Swap', '2026-03-05', 15), pg_temp.log('Swap', '2026-03-20', 24), pg_temp.log('Swap', '2026-03-21', 1), pg_temp.log('Swap', '2026-04-02', 1);
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-1';
-- the same when the days are set after the work was logged; and the swap a week later
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Swap 2'), 'S-2', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, prorate) VALUES (pg_temp.contract('S-2'), 'recurring', 'Basic', 310, 36000, 60, 'actual');
SELECT pg_temp.log('Swap 2', '2026-03-05', 6), pg_temp.log('Swap 2', '2026-03-20', 6);
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
UPDATE contract_line SET ends_on = '2026-03-14' WHERE contract_id = pg_temp.contract('S-2');
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, starts_on, prorate) VALUES (pg_temp.contract('S-2'), 'recurring', 'Plus', 620, 18000, 50, '2026-03-15', 'actual');
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
UPDATE contract_line SET ends_on = '2026-03-21' WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
UPDATE contract_line SET starts_on = '2026-03-22' WHERE contract_id = pg_temp.contract('S-2') AND title = 'Plus';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
SELECT line, amount, burned, since, until, void FROM hours WHERE number = 'S-2';
-- more and fewer hours, money instead, for some work alone, and no more at all
UPDATE contract_line SET included_s = 10800 WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
UPDATE contract_line SET included_s = NULL, included_amount = 700 WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
UPDATE contract_line SET scope_work_types = ARRAY[(SELECT id FROM work_type WHERE code = 'design')] WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
UPDATE contract_line SET scope_work_types = NULL, included_s = 36000, included_amount = NULL WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
UPDATE contract_line SET status = 'cancelled' WHERE contract_id = pg_temp.contract('S-2');
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
SELECT line, amount, burned, since, until, void FROM hours WHERE number = 'S-2';
UPDATE contract_line SET status = 'active', ends_on = NULL, starts_on = NULL WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
-- the contract that ends: its hours end with it, and what lies beyond is not its work; the zone of its calendar
UPDATE contract SET ends_on = '2026-03-19' WHERE number = 'S-2';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
SELECT line, amount, burned, since, until, void FROM hours WHERE number = 'S-2';
INSERT INTO calendar (name, zone) VALUES ('east', 'Europe/Kyiv');
UPDATE contract SET ends_on = NULL, calendar_id = (SELECT id FROM calendar WHERE name = 'east') WHERE number = 'S-2';
SELECT effective_at, expires_at FROM allotment WHERE contract_id = pg_temp.contract('S-2') AND voided_at IS NULL;
-- billed work keeps its hours: fewer are given, but never fewer than that; days that leave it out are refused
SELECT build_report('{"client": "Swap 2", "to": "2026-03-10"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
UPDATE contract_line SET included_s = 3600 WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic';
SELECT "on", coverage, hours, amount, line FROM work WHERE number = 'S-2';
SELECT line, amount, burned FROM hours WHERE number = 'S-2' AND NOT void;
SELECT pg_temp.said($$UPDATE contract_line SET starts_on = '2026-03-06' WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET status = 'cancelled' WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET included_s = NULL, included_amount = 5 WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET contract_id = pg_temp.contract('S-1') WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET kind = 'one_time' WHERE contract_id = pg_temp.contract('S-2') AND title = 'Basic'$$);
-- hours prorated with the fee: 10 of 31 days of 31 h
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Part'), 'P-1', 'EUR', '2026-03-22');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate, prorate_included) VALUES (pg_temp.contract('P-1'), 'recurring', 'Fee', 310, 31 * 3600, 'actual', true);
SELECT pg_temp.log('Part', '2026-03-25', 1);
SELECT amount, since, until FROM hours WHERE number = 'P-1';
UPDATE contract SET ends_on = '2026-03-26' WHERE number = 'P-1';
SELECT amount, since, until FROM hours WHERE number = 'P-1';
-- where periods count from changes: the open ones have other days, and other hours
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Other days'), 'P-2', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (pg_temp.contract('P-2'), 'recurring', 'Fee', 31, 7200);
SELECT pg_temp.log('Other days', '2026-03-05', 2), pg_temp.log('Other days', '2026-03-25', 2), pg_temp.log('Other days', '2026-04-05', 2), charge_fees(pg_temp.contract('P-2'), '2026-04-30');
SELECT "on", coverage, hours, amount FROM work WHERE number = 'P-2';
UPDATE contract SET anchor_day = 20 WHERE number = 'P-2';
SELECT "on", coverage, hours, amount FROM work WHERE number = 'P-2';
SELECT service_date, period_start, source FROM charge WHERE contract_id = pg_temp.contract('P-2') ORDER BY 1, 3;
SELECT amount, burned, since, until, void FROM hours WHERE number = 'P-2';
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- Hours belong to the agreement: what is left goes on
-- ---------------------------------------------------------------------------
-- a plan is replaced: of 10 h 6 are used, 4 go on to the next one, at most 5, until the end of April
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Plan'), 'R-1', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, rollover_max) VALUES (pg_temp.contract('R-1'), 'recurring', 'Basic', 310, 36000, 60, 18000);
SELECT pg_temp.log('Plan', '2026-03-05', 6), pg_temp.log('Plan', '2026-03-20', 8), pg_temp.log('Plan', '2026-04-10', 12);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, starts_on, replaces_id)
SELECT contract_id, 'recurring', 'Plus', 620, 18000, 50, '2026-03-15', id FROM contract_line WHERE contract_id = pg_temp.contract('R-1');
UPDATE contract_line SET ends_on = '2026-03-14' WHERE contract_id = pg_temp.contract('R-1') AND title = 'Basic';
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-1';
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-1';
-- less is used of the first, and more than the rule carries is left; more is used; nothing is left
UPDATE time_entry SET duration_s = 3600 WHERE id = (SELECT min(time_entry_id) FROM charge WHERE contract_id = pg_temp.contract('R-1'));
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-1' AND kind = 'rollover';
SELECT pg_temp.log('Plan', '2026-03-06', 7.5) AS more \gset
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-1' AND NOT void;
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-1';
UPDATE time_entry SET duration_s = 50000 WHERE id = :more;
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-1' AND NOT void;
DELETE FROM time_entry WHERE id = :more;
-- the swap a week later: the 20th is the first plan's; never; and back on the day it was
UPDATE contract_line SET ends_on = '2026-03-21' WHERE contract_id = pg_temp.contract('R-1') AND title = 'Basic';
UPDATE contract_line SET starts_on = '2026-03-22' WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-1' AND NOT void;
UPDATE contract_line SET replaces_id = NULL WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
SELECT line, kind, amount, burned, void FROM hours WHERE number = 'R-1';
UPDATE contract_line n SET starts_on = '2026-03-15', replaces_id = (SELECT o.id FROM contract_line o WHERE o.contract_id = n.contract_id AND o.title = 'Basic')
 WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
UPDATE contract_line SET ends_on = '2026-03-14' WHERE contract_id = pg_temp.contract('R-1') AND title = 'Basic';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-1' AND NOT void;
SELECT * FROM check_books();
-- what billed work took of what went on is taken: of the 9 h left to the first plan 5 are gone, work of its days has 4
SELECT build_report('{"client": "Plan", "from": "2026-03-20", "to": "2026-03-20"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
SELECT pg_temp.log('Plan', '2026-03-07', 9) AS late \gset
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-1';
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-1' AND NOT void;
SELECT * FROM check_books();
DELETE FROM time_entry WHERE id = :late;
-- closed, April: what is carried of March lives on, Plus carries nothing of its own
SELECT period_start, charges, amount FROM run_billing('2026-03-31') WHERE contract = 'R-1';
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-1';
-- a third plan replaces the second while hours of the first are alive: they go on as they are
UPDATE contract_line SET rollover_max = 3600 WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
UPDATE contract_line SET ends_on = '2026-04-05' WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, starts_on, replaces_id)
SELECT contract_id, 'recurring', 'Max', 1000, 3600, '2026-04-06', id FROM contract_line WHERE contract_id = pg_temp.contract('R-1') AND title = 'Plus';
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-1';
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-1' AND "on" > '2026-04-01';
SELECT * FROM check_books();
-- the plan changes with the month; at least an hour goes on, whatever is left; the days are set when the month is closed
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Plan 2'), 'R-2', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_min, rollover_max, rollover_life, ends_on) VALUES
    (pg_temp.contract('R-2'), 'recurring', 'Basic', 310, 36000, 3600, 18000, 2, '2026-03-31');
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, replaces_id)
SELECT contract_id, 'recurring', 'Plus', 620, '2026-04-01', id FROM contract_line WHERE contract_id = pg_temp.contract('R-2');
SELECT pg_temp.log('Plan 2', '2026-03-05', 12), pg_temp.log('Plan 2', '2026-04-05', 2);
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-2';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-2';
SELECT period_start, charges, amount FROM run_billing('2026-03-31') WHERE contract = 'R-2';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-2';
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Plan 3'), 'R-3', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max) VALUES (pg_temp.contract('R-3'), 'recurring', 'Basic', 310, 36000, 36000);
SELECT pg_temp.log('Plan 3', '2026-03-05', 2);
SELECT period_start, charges, amount FROM run_billing('2026-03-31') WHERE contract = 'R-3';
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-3';
UPDATE contract_line SET ends_on = '2026-03-20' WHERE contract_id = pg_temp.contract('R-3');
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-3';
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, replaces_id)
SELECT contract_id, 'recurring', 'Plus', 620, '2026-03-21', id FROM contract_line WHERE contract_id = pg_temp.contract('R-3');
SELECT line, kind, amount, burned, since, until, void FROM hours WHERE number = 'R-3';
SELECT pg_temp.log('Plan 3', '2026-04-05', 9);
SELECT "on", coverage, hours, amount, kind, line FROM work WHERE number = 'R-3';
SELECT * FROM check_books();
-- taken back, what went on does not follow what is worked; going on again at the close it is what is left: 10 h less 8
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (pg_temp.client('Back'), 'R-5', 'EUR', '2026-03-01');
INSERT INTO contract_line (contract_id, kind, title, included_s, rollover_max, ends_on) VALUES (pg_temp.contract('R-5'), 'recurring', 'Basic', 36000, 18000, '2026-03-14');
INSERT INTO contract_line (contract_id, kind, title, starts_on, replaces_id)
SELECT contract_id, 'recurring', 'Plus', '2026-03-15', id FROM contract_line WHERE contract_id = pg_temp.contract('R-5');
UPDATE contract_line SET ends_on = '2026-03-14' WHERE contract_id = pg_temp.contract('R-5') AND title = 'Plus';
UPDATE contract_line SET ends_on = NULL WHERE contract_id = pg_temp.contract('R-5') AND title = 'Basic';
SELECT pg_temp.log('Back', '2026-03-20', 8);
SELECT line, kind, amount, burned, void FROM hours WHERE number = 'R-5';
SELECT period_start FROM run_billing('2026-03-31') WHERE contract = 'R-5';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-5' AND NOT void;
SELECT * FROM check_books();
-- billed work that took what was left to the next plan holds the day of the swap
UPDATE contract_line SET ends_on = '2026-04-14' WHERE contract_id = pg_temp.contract('R-5') AND title = 'Basic';
UPDATE contract_line SET starts_on = '2026-04-15', ends_on = NULL WHERE contract_id = pg_temp.contract('R-5') AND title = 'Plus';
SELECT pg_temp.log('Back', '2026-04-20', 1);
SELECT build_report('{"client": "Back", "from": "2026-04-20"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
SELECT pg_temp.said($$UPDATE contract_line SET ends_on = '2026-04-20' WHERE contract_id = pg_temp.contract('R-5') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET ends_on = NULL WHERE contract_id = pg_temp.contract('R-5') AND title = 'Basic'$$);
SELECT pg_temp.said($$UPDATE contract_line SET starts_on = '2026-04-21' WHERE contract_id = pg_temp.contract('R-5') AND title = 'Plus'$$);
UPDATE contract_line SET ends_on = '2026-04-19' WHERE contract_id = pg_temp.contract('R-5') AND title = 'Basic';
SELECT line, kind, amount, burned, since, until FROM hours WHERE number = 'R-5' AND NOT void;
SELECT * FROM check_books();
-- hours that are fewer than billed work took are what it took, until that is corrected
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (pg_temp.client('Fewer'), 'R-7', 'EUR', '2026-03-01', (SELECT min(id) FROM price_list));
INSERT INTO contract_line (contract_id, kind, title, included_s) VALUES (pg_temp.contract('R-7'), 'recurring', 'Basic', 36000);
SELECT pg_temp.log('Fewer', '2026-03-05', 8) AS billed \gset
SELECT build_report('{"client": "Fewer"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
UPDATE contract_line SET included_s = 18000 WHERE contract_id = pg_temp.contract('R-7');
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-7';
SELECT difference FROM correct_entry(:billed, '{"duration_s": 7200}', 'two hours');
SELECT line, kind, amount, burned FROM hours WHERE number = 'R-7';
SELECT * FROM check_books();
-- an hour past the hours has the price of the plan of its day, though it was logged before the swap
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (pg_temp.client('Past'), 'R-6', 'EUR', '2026-03-01', (SELECT min(id) FROM price_list));
INSERT INTO contract_line (contract_id, kind, title, overage_price) VALUES (pg_temp.contract('R-6'), 'recurring', 'Basic', 60);
SELECT pg_temp.log('Past', '2026-03-05', 1), pg_temp.log('Past', '2026-03-20', 1);
SELECT "on", coverage, hours, amount FROM work WHERE number = 'R-6';
UPDATE contract_line SET ends_on = '2026-03-14' WHERE contract_id = pg_temp.contract('R-6');
SELECT "on", coverage, hours, amount FROM work WHERE number = 'R-6';
INSERT INTO contract_line (contract_id, kind, title, overage_price, starts_on) VALUES (pg_temp.contract('R-6'), 'recurring', 'Plus', 50, '2026-03-15');
SELECT "on", coverage, hours, amount FROM work WHERE number = 'R-6';
-- the price itself stays as it was stamped
UPDATE contract_line SET overage_price = 70 WHERE contract_id = pg_temp.contract('R-6');
UPDATE contract_line SET ends_on = '2026-03-20' WHERE contract_id = pg_temp.contract('R-6') AND title = 'Basic';
UPDATE contract_line SET starts_on = '2026-03-21' WHERE contract_id = pg_temp.contract('R-6') AND title = 'Plus';
SELECT "on", coverage, hours, amount FROM work WHERE number = 'R-6';
SELECT * FROM check_books();
-- what replaces what
SELECT pg_temp.said($$INSERT INTO contract_line (contract_id, kind, title, replaces_id) SELECT pg_temp.contract('R-1'), 'recurring', 'X', n.id FROM contract_line n WHERE n.contract_id = pg_temp.contract('P-1')$$);
SELECT pg_temp.said($$INSERT INTO contract_line (contract_id, kind, title, starts_on, replaces_id) SELECT n.contract_id, 'one_time', 'X', '2026-04-01', n.id FROM contract_line n WHERE n.contract_id = pg_temp.contract('P-1')$$);
SELECT pg_temp.said($$UPDATE contract_line n SET replaces_id = m.id FROM contract_line m WHERE n.title = 'Basic' AND m.title = 'Max' AND n.contract_id = m.contract_id$$);

-- a contract renews another: what is left of its blocks goes on with their expiry
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (pg_temp.client('Block'), 'B-25', 'EUR', '2026-01-01', '2026-03-31');
SELECT add_block(pg_temp.contract('B-25'), '2026-01-01', hours => 20, price => 1000, expires_on => '2026-05-31', priority => 3) > 0 AS sold,
       add_block(pg_temp.contract('B-25'), '2026-01-01', hours => 5, price => 100, expires_on => '2026-03-15') > 0 AS short;
SELECT pg_temp.log('Block', '2026-02-05', 12);
INSERT INTO contract (client_id, number, currency, starts_on, renews_id) SELECT client_id, 'B-26', 'EUR', '2026-04-01', id FROM contract WHERE number = 'B-25';
SELECT number, kind, amount, burned, since, until FROM hours WHERE number LIKE 'B-2%';
SELECT pg_temp.log('Block', '2026-04-05', 14), pg_temp.log('Block', '2026-06-05', 1);
SELECT number, "on", coverage, hours, amount FROM work WHERE number LIKE 'B-2%';
-- work that comes late takes its hours where they were bought; the end moves, the work between is the old one's
SELECT pg_temp.log('Block', '2026-03-20', 2) AS more \gset
SELECT number, kind, amount, burned, since, until FROM hours WHERE number LIKE 'B-2%';
SELECT number, "on", coverage, hours, amount FROM work WHERE number LIKE 'B-2%';
UPDATE contract SET starts_on = '2026-04-11' WHERE number = 'B-26';
UPDATE contract SET ends_on = '2026-04-10' WHERE number = 'B-25';
SELECT number, "on", coverage, hours, amount FROM work WHERE number LIKE 'B-2%';
SELECT number, kind, amount, burned, since, until FROM hours WHERE number LIKE 'B-2%';
UPDATE contract SET ends_on = '2026-03-31' WHERE number = 'B-25';
UPDATE contract SET starts_on = '2026-04-01' WHERE number = 'B-26';
SELECT number, kind, amount, burned, since, until FROM hours WHERE number LIKE 'B-2%';
SELECT * FROM check_books();
-- billed under the new one: what it took is taken, and the old one ends before that day
SELECT invoice_work('{"client": "Block", "from": "2026-04-01", "to": "2026-04-30"}') IS NOT NULL AS billed;
SELECT pg_temp.said($$UPDATE contract SET ends_on = '2026-04-05' WHERE number = 'B-25'$$);
SELECT pg_temp.said($$UPDATE contract SET ends_on = NULL WHERE number = 'B-25'$$);
SELECT pg_temp.said($$UPDATE contract SET ends_on = '2026-04-04' WHERE number = 'B-25'$$);
SELECT pg_temp.said($$UPDATE contract SET ends_on = '2026-03-31' WHERE number = 'B-25'$$);
SELECT pg_temp.log('Block', '2026-03-21', 3);
SELECT number, "on", coverage, hours, amount FROM work WHERE number LIKE 'B-2%' AND "on" > '2026-03-01';
SELECT pg_temp.said(format('SELECT void_block(%s, ''x'')', id)) FROM hours WHERE number LIKE 'B-2%';
SELECT number, kind, amount, burned, since, until FROM hours WHERE number LIKE 'B-2%';
SELECT * FROM check_books();
-- money, sold when it is renewed already, and once more on; taken back
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (pg_temp.client('Money'), 'M-1', 'EUR', '2026-01-01', '2026-03-31');
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, renews_id) SELECT client_id, 'M-2', 'EUR', '2026-04-01', '2026-04-30', id FROM contract WHERE number = 'M-1';
INSERT INTO contract (client_id, number, currency, starts_on, renews_id) SELECT client_id, 'M-3', 'EUR', '2026-05-01', id FROM contract WHERE number = 'M-2';
SELECT add_block(pg_temp.contract('M-1'), '2026-02-01', amount => 500, kind => 'topup') AS topup \gset
SELECT pg_temp.log('Money', '2026-02-05', 2), pg_temp.log('Money', '2026-04-05', 1.5), pg_temp.log('Money', '2026-05-05', 2);
SELECT number, kind, amount, burned, since FROM hours WHERE number LIKE 'M-%';
SELECT number, "on", coverage, hours, amount FROM work WHERE number LIKE 'M-%';
SELECT void_block(:topup, 'paid back');
SELECT number, kind, amount, burned, void FROM hours WHERE number LIKE 'M-%';
SELECT * FROM check_books();
-- what renews what
SELECT pg_temp.said($$UPDATE contract SET renews_id = pg_temp.contract('M-3') WHERE number = 'M-1'$$);
SELECT pg_temp.said($$UPDATE contract SET renews_id = pg_temp.contract('R-1') WHERE number = 'M-1'$$);

DROP SCHEMA t_lines, t_lines_internal CASCADE;
