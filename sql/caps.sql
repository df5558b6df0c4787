-- Caps of service periods beside those of the whole life, and minimum charges, cut to
-- the days of a part period.  Each case is undone, so that it stands on the same books.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_caps');
SET search_path = t_caps, t_caps_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name) VALUES ('Ann');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P'), (2, 'Q');
INSERT INTO task (project_id, title) VALUES (1, 'One'), (1, 'Two'), (2, 'Other');
CREATE FUNCTION pg_temp.charged() RETURNS TABLE (entry bigint, charged text) LANGUAGE sql AS $$
    SELECT h.time_entry_id, string_agg(concat_ws(' ', to_char(h.service_date, 'DD.MM'), h.coverage, CASE WHEN h.late THEN 'late' END,
               h.billed_s / 60 || ' min', nullif(trim_scale(h.amount), 0)), '; ' ORDER BY h.id)
      FROM live_charge h WHERE h.source = 'time' GROUP BY 1 ORDER BY 1
$$;

CREATE PROCEDURE pg_temp.anew() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval(format('%s_id_seq', t), 1, false) FROM unnest('{contract,calendar,time_entry,charge,contract_line,item}'::text[]) t;
END $$;

--
-- The minimum of a part period
--

-- 310 a month from 17 March, 100.00 worked: 150.00 (15 of 31 days), so 50.00 more (lago PR #994, #1669).  A companion from
-- 22 March has 10 of them; to 14 April the last month has 14 of 30.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-17', 1, 310);
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id, minimum_charge, parent_id, bands) VALUES (2, 'A/N', 'EUR', '2026-03-22', '2026-04-14', 1, 31, 1, '{night}');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-20', 3600);
SELECT count(*) FROM run_billing('2026-04-30');
SELECT service_date, trim_scale(amount) AS amount, charge_reason(why) AS reason FROM charge WHERE source = 'adjustment' ORDER BY id;
SELECT * FROM check_books();
ROLLBACK;

-- By the contract's rule, in whole yen, and whole where nothing is cut: from 16 February of a leap year to 10 March.
CREATE FUNCTION pg_temp.minimum_of(rule text, unit text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_charged text;
BEGIN
    INSERT INTO price_list (code, name, currency) VALUES ('Y', 'Yen', 'JPY');
    INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('JPY', 'EUR', '2024-01-01', 0.006);
    INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id, minimum_charge, prorate, period)
    VALUES (2, 'Y', 'JPY', '2024-02-16', '2024-03-10', currval('price_list_id_seq'), 10001, rule, unit);
    PERFORM FROM run_billing('2024-03-31');
    v_charged := (SELECT string_agg(h.service_date || ' ' || trim_scale(h.amount), ', ' ORDER BY h.service_date) FROM charge h);
    RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = v_charged;
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN SQLERRM;
END $$;
SELECT rule, pg_temp.minimum_of(rule, 'month') AS months, pg_temp.minimum_of(rule, 'half_month') AS halves FROM unnest('{actual,none,fixed_30,days_365}'::text[]) rule;

-- A month that was closed at 310.00 and in which the contract ended on the 15th: 150.00 are due (lago PR #6123), and 310.00 again
-- once it runs on; the fee beside it is corrected with it.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 310);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'Fee', 62, 'actual');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 3600);
SELECT outcome, amount FROM run_billing('2026-03-31');
UPDATE contract SET ends_on = '2026-03-15';
SELECT kind, amount, reason FROM correction_due ORDER BY kind;
SELECT amount, reason FROM make_corrections(1) ORDER BY amount;
SELECT charged FROM contract_card;
SELECT * FROM make_corrections(1);
UPDATE contract SET ends_on = NULL;
SELECT amount, reason FROM make_corrections(1) ORDER BY amount;
SELECT charged FROM contract_card;
SELECT * FROM check_books();
UPDATE contract SET ends_on = '2026-03-15';
SELECT outcome, amount FROM run_billing('2026-06-30');
SELECT charged FROM contract_card;
SELECT charge_reason(h.why, l) FROM charge h, unnest('{uk,ru}'::text[]) l WHERE h.made_by = 'correction' AND h.why #> '{correction,minimum}' IS NOT NULL ORDER BY h.id DESC, l DESC LIMIT 2;
SELECT * FROM check_books();
ROLLBACK;

-- What is charged late counts for its own month: half an hour of March takes 50.00 off what March lacked, and April lacks what it
-- lacks; taken back again, it is lacking again.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 300);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 3600);
SELECT outcome, amount FROM run_billing('2026-03-31');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-06', 1800), (1, 1, '2026-04-06', 9000);
SELECT kind, amount, reason FROM correction_due;
SELECT amount FROM make_corrections(1);
DELETE FROM time_entry WHERE id = 2;
SELECT kind, amount, reason FROM correction_due;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-06', 1800);
SELECT outcome, amount FROM run_billing('2026-04-30');
SELECT made_by, service_date, period_start, trim_scale(amount) AS amount FROM charge WHERE source = 'adjustment' ORDER BY id;
SELECT charged FROM contract_card;
SELECT * FROM check_books();
-- billed by an invoice before its period is closed, it counts as well
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-07', 1800);
SELECT invoice_work('{"client": 2}') IS NOT NULL AS billed;
SELECT kind, amount, reason FROM correction_due;
SELECT * FROM check_books();
-- a contract without a minimum from now on keeps what it was charged; with one again it is due
UPDATE contract SET minimum_charge = NULL;
SELECT count(*) FROM correction_due;
SELECT * FROM check_books();
UPDATE contract SET minimum_charge = 1000;
SELECT kind, amount, reason FROM correction_due;
ROLLBACK;

-- A minimum that was reached at the close is lacking when the work shrinks later, when a fee is cut short, or when the contract has more
-- of the month: 300.00 less 250.00 that are left of the work, less 100.00 of the fee; 310.00 less 200.00 where 150.00 were due for 15 days.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 300);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 14400);
SELECT outcome, amount FROM run_billing('2026-03-31');
SELECT coverage, amount, charge_reason(why), (SELECT place FROM charge_place p WHERE p.charge_id = h.id) FROM charge h WHERE made_by = 'minimum';
SELECT difference FROM correct_entry(1, '{"duration_s": 9000}', 'a mistake');
SELECT kind, amount, reason FROM correction_due;
SELECT outcome, amount FROM run_billing('2026-04-30');
SELECT charged FROM contract_card;
SELECT * FROM check_books();
ROLLBACK;
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 300);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'A', 310, 'actual');
SELECT outcome, amount FROM run_billing('2026-03-31');
UPDATE contract_line SET ends_on = '2026-03-10';
SELECT kind, amount, reason FROM correction_due ORDER BY kind;
SELECT outcome, amount FROM run_billing('2026-04-30');
SELECT made_by, service_date, period_start, trim_scale(amount) AS amount FROM charge WHERE made_by IN ('minimum', 'correction') ORDER BY id;
SELECT * FROM check_books();
ROLLBACK;
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', '2026-03-15', 1, 310);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 7200);
SELECT outcome, amount FROM run_billing('2026-03-31');
UPDATE contract SET ends_on = NULL;
SELECT kind, amount, reason FROM correction_due;
SELECT * FROM check_books();
ROLLBACK;

-- What one month gives back, another does not take again: of two fees of 310.00 one ends on 10 March, 100.00 are due; April has 310.00
-- of its own. A waiver is no lack, before the close or after it, nor is a write-off (killbill #154).
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, minimum_charge) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 300);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'A', 310, 'actual'), (1, 'recurring', 'B', 310, 'actual');
SELECT outcome, amount FROM run_billing('2026-03-31');
UPDATE contract_line SET ends_on = '2026-03-10' WHERE id = 1;
SELECT outcome, amount FROM run_billing('2026-04-30');
SELECT charged FROM contract_card;
SELECT charge_fees(1, '2026-05-31');
SELECT invoice_work('{"client": 2, "from": "2026-05-01", "to": "2026-05-31"}') AS i \gset
SELECT credit(:i, NULL, 'service was down', meaning => 'waive') > 0 AS waived;
SELECT outcome, amount FROM run_billing('2026-05-31');
SELECT charge_fees(1, '2026-06-30');
SELECT adjust_charge(h.id, -200, 'in talks') > 0 AS written_off FROM charge h WHERE h.service_date = '2026-06-01';
SELECT outcome, amount FROM run_billing('2026-06-30');
SELECT charged FROM contract_card;
SELECT count(*), sum(amount) FROM charge WHERE made_by = 'minimum';
SELECT * FROM check_books();
-- what was given away of a minimum is not given back once more
UPDATE contract_line SET ends_on = '2026-06-30' WHERE id = 2;
SELECT outcome, amount FROM run_billing('2026-07-31');
SELECT adjust_charge(h.id, -250, 'in talks') > 0 AS written_off FROM charge h WHERE h.made_by = 'minimum' AND h.amount > 0;
SELECT count(*) FROM correction_due;
UPDATE contract SET ends_on = '2026-07-31';
UPDATE contract SET ends_on = '2026-07-10';
SELECT kind, amount, reason FROM correction_due;
UPDATE contract SET ends_on = '2026-06-30';
SELECT kind, amount, reason FROM correction_due;
SELECT outcome, amount FROM run_billing('2026-08-31');
SELECT charged FROM contract_card;
SELECT * FROM check_books();
ROLLBACK;

--
-- Caps of service periods
--

-- Forty hours a month from 16 April are twenty in April (kimai #3318): 25 logged, 5 are over; May has its own forty.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, period_cap_s) VALUES (2, 'A', 'EUR', '2026-04-16', 1, 40 * 3600);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 1, d, 18000 FROM unnest('{2026-04-16,2026-04-17,2026-04-20,2026-04-21,2026-04-22,2026-05-04}'::date[]) d;
SELECT * FROM pg_temp.charged();
SELECT charge_reason(why) FROM charge WHERE coverage = 'capped';
SELECT explain_charge(id) FROM charge WHERE coverage = 'capped';
-- its end is set back: the twenty hours of May are five (4 of 31 days: 5 h 9 min 41 s); and taken back
UPDATE contract SET ends_on = '2026-05-04';
SELECT * FROM pg_temp.charged() WHERE entry > 5;
SELECT * FROM check_books();
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-05-03', 3600);
SELECT * FROM pg_temp.charged() WHERE entry > 5;
UPDATE contract SET ends_on = NULL;
SELECT * FROM pg_temp.charged() WHERE entry > 5;
SELECT * FROM check_books();
ROLLBACK;

-- 100.00 a month and 250.00 in all.  Work of three months at once and in any order, over the end of a month; an entry that
-- moves to another month counts there whole (kimai PR #6092), and what it leaves has room again.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, period_cap_amount, cap_amount) VALUES (2, 'A', 'EUR', '2026-01-01', 1, 100, 250);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 5400);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-01-31 23:00Z', '2026-02-01 01:00Z');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 1800), (1, 1, '2026-02-03', 3600);
SELECT * FROM pg_temp.charged();
SELECT charge_reason(why, l) FROM charge, unnest('{en,uk,ru}'::text[]) l WHERE time_entry_id = 1 AND coverage = 'capped';
UPDATE time_entry SET work_date = '2026-02-10' WHERE id = 3;
SELECT * FROM pg_temp.charged();
DELETE FROM time_entry WHERE id = 2;
SELECT * FROM pg_temp.charged();
SELECT * FROM check_books();
-- a cap that is raised, or lifted, is followed at once
UPDATE contract SET period_cap_amount = 120;
SELECT * FROM pg_temp.charged();
UPDATE contract SET period_cap_amount = NULL, cap_amount = NULL;
SELECT * FROM pg_temp.charged();
SELECT * FROM check_books();
ROLLBACK;

-- Work that comes for a closed month is bound by the cap of that month; a correction gives back what it reverses.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, period_cap_amount) VALUES (2, 'A', 'EUR', '2026-01-01', 1, 150);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 3600), (1, 1, '2026-01-06', 3600);
SELECT count(*) FROM run_billing('2026-01-31');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-07', 3600), (1, 1, '2026-02-03', 3600);
SELECT * FROM pg_temp.charged();
SELECT difference FROM correct_entry(1, '{"duration_s": 1800}', 'half of it');
SELECT * FROM pg_temp.charged();
SELECT * FROM check_books();
SELECT difference FROM correct_entry(2, NULL, 'nothing of it');
SELECT * FROM pg_temp.charged();
SELECT * FROM check_books();
SELECT count(*) FROM run_billing('2026-02-28');
SELECT * FROM check_books();
SELECT sum(amount)::numeric(9,2) FROM charge WHERE service_date < '2026-02-01';
ROLLBACK;

-- A companion has a cap of its own, in the periods of the base; weeks from Wednesday.  Items count, whether they come
-- before the work or after it, the fixed price of a task too; what is included counts against no cap.
BEGIN;
CALL pg_temp.anew();
INSERT INTO calendar (name, zone) VALUES ('office', 'UTC');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '09:00', '17:00', 'regular' FROM generate_series(1, 5) d;
INSERT INTO item (code, name) VALUES ('host', 'Hosting');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, 1, 40);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, calendar_id, period, anchor_day, period_cap_amount) VALUES (2, 'A', 'EUR', '2026-01-01', 1, 1, 'week', 3, 150);
INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands, period_cap_amount) VALUES (2, 'A/N', 'EUR', '2026-01-12', 1, '{off_hours}', 70);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (1, 'recurring', 'Care', 10, 1800);
SELECT charge_item(1, 1, 1, '2026-01-08') IS NOT NULL AS item;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-01-13 15:00Z', '2026-01-13 19:00Z'), (1, 1, '2026-01-14 15:00Z', '2026-01-14 18:00Z');
SELECT h.time_entry_id, c.number, h.coverage, h.billed_s / 60 AS minutes, trim_scale(h.amount) AS amount FROM charge h JOIN contract c ON c.id = h.contract_id WHERE h.source = 'time' ORDER BY 1, segment;
SELECT * FROM check_books();
SELECT charge_item(1, 1, 1, '2026-01-14') IS NOT NULL AS item;
INSERT INTO task_item (task_id, item_id, price) VALUES (2, 1, 5);
UPDATE task SET status = 'done', completed_at = '2026-01-15 12:00Z' WHERE id = 2;
SELECT * FROM pg_temp.charged() WHERE entry = 2;
SELECT * FROM check_books();
UPDATE task SET status = 'open' WHERE id = 2;
SELECT * FROM pg_temp.charged() WHERE entry = 2;
SELECT * FROM check_books();
ROLLBACK;

-- What is billed stays when a cap is lowered: nothing more is charged in that month, the others go on.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, period_cap_amount) VALUES (2, 'A', 'EUR', '2026-01-01', 1, 300);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 7200);
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-01-31"}') IS NOT NULL AS invoiced;
UPDATE contract SET period_cap_amount = 120;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-06', 3600), (1, 1, '2026-02-06', 7200);
SELECT * FROM pg_temp.charged();
SELECT * FROM check_books();
ROLLBACK;

-- What if there were a cap of a month?
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-17', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-20', 7200), (1, 1, '2026-02-10', 3600), (1, 1, '2026-02-20', 3600);
SELECT month, old_revenue, new_revenue FROM what_if(1, '2026-01-01', '2026-02-28', '{"period_cap_amount": 155}');
SELECT month, old_revenue, new_revenue FROM what_if(1, '2026-02-15', '2026-02-28', '{"period_cap_amount": 155}');
SELECT month, old_revenue, new_revenue FROM what_if(1, '2026-01-01', '2026-02-28', '{"period_cap_amount": 155, "cap_amount": 200}');
ROLLBACK;

-- The order in which work comes does not matter, nor how much of it at once.
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id, period, period_cap_amount, period_cap_s, prorate) VALUES (2, 'A', 'EUR', '2026-01-05', '2026-06-10', 1, 'half_month', 700, 20000, 'fixed_30');
CREATE TABLE work AS SELECT i AS id, '2026-01-05'::timestamptz + (i * 7919 % 215000) * interval '1 minute' AS at, 300 + i * 104729 % 9000 AS length_s FROM generate_series(1, 150) i;
CREATE VIEW outcome AS
    SELECT h.time_entry_id, h.segment, h.coverage, h.service_date, h.worked_s, h.billed_s, h.amount, h.why FROM charge h WHERE h.source = 'time';
INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) SELECT w.id, 1, 1, w.at, w.at + w.length_s * interval '1 s' FROM work w;
CREATE TEMP TABLE at_once AS SELECT * FROM outcome;
SELECT count(*) AS segments, count(*) FILTER (WHERE coverage = 'capped') > 20 AS capped FROM at_once;
SELECT * FROM check_books();
DELETE FROM time_entry;
DO $$
DECLARE
    w record;
BEGIN
    FOR w IN SELECT * FROM work ORDER BY md5(id::text) LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) VALUES (w.id, 1, 1, w.at, w.at + w.length_s * interval '1 s');
    END LOOP;
END $$;
SELECT count(*) AS one_by_one FROM ((TABLE at_once EXCEPT ALL TABLE outcome) UNION ALL (TABLE outcome EXCEPT ALL TABLE at_once)) d;
DELETE FROM time_entry WHERE id % 3 = 0;
INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at) SELECT w.id, 1, 1, w.at, w.at + w.length_s * interval '1 s' FROM work w WHERE w.id % 3 = 0;
SELECT count(*) AS some_again FROM ((TABLE at_once EXCEPT ALL TABLE outcome) UNION ALL (TABLE outcome EXCEPT ALL TABLE at_once)) d;
SELECT * FROM check_books();

SET search_path = public;
DROP SCHEMA t_caps, t_caps_internal CASCADE;
