-- Right through the life of a contract: what users of other systems reported, each case with the value that the rules
-- give.  Each is undone, so that it stands on the same books.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_life');
SET search_path = t_life, t_life_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('company', 'Other');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR'), ('U', 'Dollars', 'USD');
INSERT INTO price (price_list_id, price) VALUES (1, 100), (2, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P'), (3, 'Q');
INSERT INTO task (project_id, title, work_type_id) SELECT p, t, w.id FROM work_type w, (VALUES (1, 'T1'), (1, 'T2'), (2, 'T3')) v (p, t) WHERE w.code = 'development' ORDER BY t;
INSERT INTO item (code, name, kind) VALUES ('x', 'Fixed', 'service');
CREATE PROCEDURE pg_temp.anew() LANGUAGE plpgsql AS $$
BEGIN
    PERFORM setval(format('%s_id_seq', t), 1, false)
       FROM unnest('{contract,calendar,time_entry,charge,contract_line,allotment,document,document_line}'::text[]) t;
END $$;
CREATE FUNCTION pg_temp.said(p_command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE p_command;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN regexp_replace(concat_ws(E'\n', SQLSTATE || ' ' || SQLERRM, nullif(v_detail, ''), nullif(v_hint, '')), ' 20[0-9]{2}/[0-9]{2}-[0-9]+ of [0-9-]+', '', 'g');
END $$;
CREATE VIEW fees AS SELECT service_date AS on, period_start, trim_scale(amount) AS amount, late FROM charge WHERE source = 'fee' ORDER BY id;
CREATE VIEW work AS
    SELECT time_entry_id AS entry, service_date AS on, contract_id AS contract, coverage, (billed_s / 3600.0)::numeric(9,2) AS hours, trim_scale(amount) AS amount
      FROM live_charge WHERE source = 'time' ORDER BY time_entry_id, segment;
CREATE VIEW card AS SELECT number, charged, cost, hours_left FROM contract_card ORDER BY number;

-- ---------------------------------------------------------------------------
-- Ends set back, undone, set back again
-- ---------------------------------------------------------------------------
-- billed, corrected, undone, ended again (killbill #90, #138): 310, 100, 310, 200
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'Fee', 310, 'actual');
SELECT amount FROM run_billing('2026-03-31');
UPDATE contract SET ends_on = '2026-03-10', status = 'cancelled';
SELECT amount, reason FROM make_corrections(1);
UPDATE contract SET ends_on = NULL, status = 'active';
SELECT amount, reason FROM make_corrections(1);
UPDATE contract SET ends_on = '2026-03-20', status = 'ended';
SELECT amount FROM make_corrections(1);
SELECT charged FROM card;
SELECT * FROM check_books();
ROLLBACK;
-- charged ahead, cancelled and restarted while open (erpnext #30640, #48941)
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount) VALUES (1, 'recurring', 'Fee', 500);
SELECT charge_fees(1, '2026-04-30');
UPDATE contract SET ends_on = '2026-03-31', status = 'cancelled';
TABLE fees;
UPDATE contract SET ends_on = NULL, status = 'active';
SELECT period_start, amount FROM run_billing('2026-04-30');
ROLLBACK;
-- two upgrades within a month, each after the bill (gumroad #6077, lago PR #1778): 310, 520, 630
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'A', 310, 'actual');
SELECT charge_fees(1, '2026-03-31');
SELECT invoice_work('{"client": 2}') AS i \gset
UPDATE contract_line SET ends_on = '2026-03-10' WHERE id = 1;
INSERT INTO contract_line (contract_id, kind, title, amount, prorate, starts_on, replaces_id) VALUES (1, 'recurring', 'B', 620, 'actual', '2026-03-11', 1);
SELECT charge_fees(1, '2026-03-31');
SELECT amount FROM make_corrections(1);
SELECT invoice_work('{"client": 2}') AS i \gset
SELECT charged FROM card;
UPDATE contract_line SET ends_on = '2026-03-20' WHERE id = 2;
INSERT INTO contract_line (contract_id, kind, title, amount, prorate, starts_on, replaces_id) VALUES (1, 'recurring', 'C', 930, 'actual', '2026-03-21', 2);
SELECT charge_fees(1, '2026-03-31');
SELECT amount FROM make_corrections(1);
SELECT charged FROM card;
SELECT * FROM check_books();
ROLLBACK;
-- the price of the plan changed between the bill and the end (lago PR #1776): 300 of the 620 that were billed
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'A', 620, 'actual');
SELECT amount FROM run_billing('2026-03-31');
UPDATE contract_line SET amount = 930;
UPDATE contract SET ends_on = '2026-03-15', status = 'ended';
SELECT amount FROM make_corrections(1);
ROLLBACK;
-- replaced on its first day, billed and not (killbill #877, #1511): the new one alone
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1), (3, 'B', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate) SELECT id, 'recurring', 'A', 310, 36000, 'actual' FROM contract;
SELECT charge_fees(id, '2026-03-31') FROM contract;
SELECT invoice_work('{"client": 2}') IS NOT NULL AS billed;
UPDATE contract_line SET ends_on = '2026-02-28';
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate, starts_on, replaces_id) SELECT contract_id, 'recurring', 'B', 620, 72000, 'actual', '2026-03-01', id FROM contract_line;
SELECT contract, amount FROM run_billing('2026-03-31');
SELECT number, charged FROM card;
SELECT * FROM check_books();
ROLLBACK;
-- a change that was planned and is undone before it begins (killbill #813, #997): a line that gave something is cancelled, not deleted
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-05-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate, ends_on) VALUES (1, 'recurring', 'A', 310, 36000, 'actual', '2026-05-31');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, prorate, starts_on, replaces_id) VALUES (1, 'recurring', 'B', 620, 72000, 'actual', '2026-06-01', 1);
SELECT charge_fees(1, '2026-06-30');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-06-10', 15 * 3600);
TABLE work;
SELECT pg_temp.said('DELETE FROM contract_line WHERE id = 2');
SELECT pg_temp.said('DELETE FROM contract');
UPDATE contract_line SET status = 'cancelled' WHERE id = 2;
UPDATE contract_line SET ends_on = NULL WHERE id = 1;
SELECT period_start, amount FROM run_billing('2026-06-30');
TABLE work;
SELECT * FROM check_books();
-- what gave nothing is deleted
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (3, 'B', 'EUR', '2026-05-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount) VALUES (2, 'recurring', 'A', 310);
DELETE FROM contract_line WHERE contract_id = 2;
DELETE FROM contract WHERE id = 2;
ROLLBACK;
-- starts put back and off after the close (stripe-node #2016, killbill #164, silver #69): 70 late; 220, then nothing
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1), (3, 'B', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'A', 140, 'actual'), (2, 'recurring', 'B', 310, 'actual');
SELECT contract, amount FROM run_billing('2026-03-31');
UPDATE contract SET starts_on = '2026-02-15' WHERE id = 1;
UPDATE contract SET starts_on = '2026-03-10' WHERE id = 2;
TABLE fees;
SELECT amount FROM make_corrections(2);
UPDATE contract SET starts_on = '2026-04-10' WHERE id = 2;
SELECT contract, amount FROM run_billing('2026-04-30');
SELECT number, charged FROM card;
SELECT * FROM check_books();
ROLLBACK;
-- a service that is suspended for two months is not caught up (UCRM #139)
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, ends_on) VALUES (1, 'recurring', 'A', 100, '2026-01-31');
SELECT period_start, amount FROM run_billing('2026-03-31');
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, replaces_id) VALUES (1, 'recurring', 'A again', 100, '2026-04-01', 1);
SELECT period_start, amount FROM run_billing('2026-04-30');
ROLLBACK;

-- ---------------------------------------------------------------------------
-- Hours and blocks
-- ---------------------------------------------------------------------------
-- A line, or its contract, ended, was closed and runs on after all: what was left comes over, 6 + 10 h; also to a line that replaces it.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', NULL, 1), (3, 'B', 'EUR', '2026-01-01', '2026-01-31', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, rollover_max, ends_on) VALUES
    (1, 'recurring', 'Care', 500, 36000, 60, 36000, '2026-01-31'), (2, 'recurring', 'Care', 500, 36000, 60, 36000, NULL);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-10', 14400), (1, 3, '2026-01-10', 14400);
SELECT contract, amount FROM run_billing('2026-01-31');
SELECT kind, amount, effective_at::date, expires_at::date, voided_at IS NOT NULL AS void FROM allotment ORDER BY id;
SELECT * FROM check_books();
SAVEPOINT ended;
UPDATE contract_line SET ends_on = NULL WHERE id = 1;
UPDATE contract SET ends_on = NULL WHERE id = 2;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-10', 17 * 3600), (1, 3, '2026-02-10', 17 * 3600);
TABLE work;
UPDATE contract_line SET ends_on = '2026-01-31' WHERE id = 1;
TABLE work;
SELECT * FROM check_books();
ROLLBACK TO ended;
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, starts_on, replaces_id) VALUES (1, 'recurring', 'Plus', 800, 72000, 50, '2026-02-01', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-10', 20 * 3600), (1, 1, '2026-02-11', 7 * 3600);
TABLE work;
SELECT * FROM check_books();
ROLLBACK;
-- A plan that no longer replaces the one before has none of its hours but what billed work took: 2 of 6 h, though more is left of them
-- later, or the billed work is corrected; so have blocks of a contract that is renewed no more.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', NULL, 1), (3, 'B', 'EUR', '2026-01-01', '2026-01-14', 1);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, renews_id) VALUES (3, 'C', 'EUR', '2026-01-15', 1, 2);
SELECT add_block(2, '2026-01-01', hours => 10, price => 0) > 0 AS added;
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max, ends_on) VALUES (1, 'recurring', 'Care', 0, 36000, 36000, '2026-01-14');
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on, replaces_id) VALUES (1, 'recurring', 'Plus', 0, '2026-01-15', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t, d::date, h * 3600 FROM unnest('{1,3}'::int[]) t, (VALUES ('2026-01-10', 4), ('2026-01-20', 2)) v (d, h) ORDER BY d, t;
SELECT transition(build_report(jsonb_build_object('client', c, 'from', '2026-01-20', 'to', '2026-01-20')), 'sent') FROM unnest('{2,3}'::int[]) c;
UPDATE contract_line SET replaces_id = NULL WHERE id = 2;
UPDATE contract SET renews_id = NULL WHERE id = 3;
DELETE FROM time_entry WHERE work_date = '2026-01-10';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-21', 3600), (1, 3, '2026-01-21', 3600);
TABLE work;
SELECT a.kind, c.number, a.amount / 3600 AS hours FROM allotment a JOIN contract c ON c.id = a.contract_id WHERE a.source_id IS NOT NULL AND a.voided_at IS NULL ORDER BY c.id;
SELECT * FROM check_books();
SAVEPOINT sent;
SELECT transition(id, 'rejected', 'not so') FROM document ORDER BY id;
TABLE work;
SELECT * FROM check_books();
ROLLBACK TO sent;
UPDATE contract_line SET replaces_id = 1 WHERE id = 2;
UPDATE contract SET renews_id = 2 WHERE id = 3;
TABLE work;
SELECT * FROM check_books();
ROLLBACK;
-- What a correction gave back to the open month is not carried once more when the line runs on after all: 4 h given back, 6 h carried
-- and 10 h of February cover 20 of 21 h.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max, ends_on) VALUES (1, 'recurring', 'Care', 500, 36000, 36000, '2026-01-31');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-10', 14400);
SELECT contract, amount FROM run_billing('2026-01-31');
SELECT difference FROM correct_entry(1, NULL, 'not done');
UPDATE contract_line SET ends_on = NULL WHERE id = 1;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-10', 21 * 3600);
SELECT coverage, trim_scale(sum(billed_s) / 3600) AS hours FROM charge WHERE time_entry_id = 2 GROUP BY 1 ORDER BY 1;
SELECT * FROM check_books();
ROLLBACK;
-- a block is taken back: not more than is left of its price (flexprice PR #2569), not while billed work holds it (lago PR #4978)
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-01-01', 1), (3, 'B', 'EUR', '2026-01-01', 1);
SELECT add_block(1, '2026-01-01', hours => 10, price => 750) AS a, add_block(2, '2026-01-01', hours => 10, price => 750) AS b, add_block(2, '2026-01-01', hours => 1, price => 90, priority => 1) AS c \gset
SELECT invoice_work('{"client": 2}') AS i \gset
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', l.id, 'net', '100')), 'goodwill', meaning => 'waive') > 0 AS waived FROM document_line l WHERE l.document_id = :i;
SELECT void_block(:a, 'cancelled');
SELECT charged FROM card WHERE number = 'A';
SELECT invoice_work('{"client": 3}') AS j \gset
SELECT credit(:j, jsonb_build_array(jsonb_build_object('line', l.id)), 'goodwill', meaning => 'waive') > 0 AS waived FROM document_line l WHERE l.document_id = :j AND l.net = 90;
SELECT void_block(:c, 'cancelled');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-01-05', 14400);
SELECT contract, amount FROM run_billing('2026-01-31');
SELECT pg_temp.said(format('SELECT void_block(%s, %L)', :b, 'cancelled'));
SELECT difference FROM correct_entry(1, NULL, 'not done');
SELECT void_block(:b, 'cancelled');
SELECT number, charged FROM card;
SELECT * FROM check_books();
ROLLBACK;

-- ---------------------------------------------------------------------------
-- Stages
-- ---------------------------------------------------------------------------
-- The charge of a stage follows its line: accepted by hand, on another day, for another amount, taken back and accepted again; held by a
-- report or billed it stays (tuttle #525).
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, status, accepted_on) VALUES (1, 'stage', 'S1', 500, 'accepted', '2026-03-05'), (1, 'stage', 'S2', 700, 'planned', NULL);
SELECT build_report('{"client": 2}') AS r \gset
UPDATE contract_line SET accepted_on = '2026-04-02', amount = 600 WHERE id = 1;
SELECT id, service_date, period_start, line_period, trim_scale(amount) AS amount, charge_reason(why) FROM charge;
SELECT net FROM document_card WHERE document_id = :r;
SELECT accept_stage(1, '2026-04-02') AS the_same;
UPDATE contract_line SET status = 'planned', accepted_on = NULL WHERE id = 1;
SELECT count(*) FROM charge;
SELECT accept_stage(1, '2026-04-03') > 0 AS again;
SELECT refresh_draft(:r) IS NOT NULL AS refreshed;
SELECT transition(:r, 'sent');
SELECT pg_temp.said($$UPDATE contract_line SET status = 'planned', accepted_on = NULL WHERE id = 1$$);
SELECT pg_temp.said($$UPDATE contract_line SET accepted_on = '2026-04-04' WHERE id = 1$$);
UPDATE contract_line SET title = 'S1, of three', amount = 650 WHERE id = 1;
SELECT charged FROM card;
SELECT transition(:r, 'agreed');
SELECT pg_temp.said($$UPDATE contract_line SET status = 'cancelled', accepted_on = NULL WHERE id = 1$$);
SELECT pg_temp.said($$UPDATE contract_line SET status = 'accepted', accepted_on = '2026-02-01' WHERE id = 2$$);
SELECT * FROM check_books();
ROLLBACK;

-- ---------------------------------------------------------------------------
-- Work that moves, prices of tasks, credits
-- ---------------------------------------------------------------------------
-- A task goes to another client: what is billed stays with the old one, open work goes along (kimai #2576, odoo PR #45154); the old project
-- stays that client's, by its charges, payments and papers.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1), (3, 'B', 'EUR', '2026-03-01', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT invoice_work('{"client": 2}') IS NOT NULL AS billed;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-03', 7200);
UPDATE task SET project_id = 2 WHERE id = 1;
SELECT number, charged FROM card;
SELECT pg_temp.said('UPDATE project SET client_id = 3 WHERE id = 1');
INSERT INTO project (client_id, name) VALUES (2, 'Paid'), (2, 'Offered'), (2, 'Free');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT payment_id IS NOT NULL AS paid FROM record_payment(jsonb_build_object('amount', '30.00', 'paid_on', '2026-04-10', 'cash_account', 'bank', 'party', 2, 'project', currval('project_id_seq') - 2));
SELECT draft_document(jsonb_build_object('kind', 'proposal', 'party', 2, 'project', currval('project_id_seq') - 1, 'currency', 'EUR', 'lines', '[{"title": "Site", "price": "100.00"}]'::jsonb)) IS NOT NULL AS offered;
SELECT p.name, pg_temp.said(format('UPDATE project SET client_id = 3 WHERE id = %s', p.id)) FROM project p WHERE p.name IN ('Paid', 'Offered', 'Free') ORDER BY p.id;
SELECT * FROM check_books();
ROLLBACK;
-- a fixed price is charged once, done twice (savvi-legal #268); hours go into it and out of it (invoiceninja #9205)
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO task_item (task_id, item_id, price, cost) VALUES (1, 1, 500, 0);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600), (1, 2, '2026-03-02', 3600), (1, 2, '2026-03-03', 3600);
UPDATE task SET status = 'done', completed_at = '2026-03-03' WHERE id = 1;
SELECT charged, cost FROM card;
UPDATE time_entry SET task_id = 1 WHERE id = 2;
SELECT charged, cost FROM card;
UPDATE time_entry SET task_id = 2 WHERE id IN (1, 2);
SELECT charged, cost FROM card;
SELECT invoice_work('{"client": 2}') IS NOT NULL AS billed;
UPDATE task SET status = 'open' WHERE id = 1;
UPDATE task SET status = 'done', completed_at = '2026-03-13' WHERE id = 1;
SELECT charged FROM card;
SELECT count(*) FROM preview_report('{"client": 2}');
SELECT pg_temp.said('UPDATE task_item SET price = 700');
SELECT * FROM check_books();
ROLLBACK;
-- waived in part, then ended, then running on (lago PR #2838): 210, 100, 210; waived whole: nothing; to be billed again and ended: 100 offered
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) VALUES (1, 'recurring', 'Fee', 310, 'actual');
SELECT charge_fees(1, '2026-03-31');
SELECT invoice_work('{"client": 2}') AS i \gset
SAVEPOINT billed;
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', l.id, 'net', '100')), 'goodwill', meaning => 'waive') > 0 AS waived FROM document_line l WHERE l.document_id = :i;
UPDATE contract SET ends_on = '2026-03-10', status = 'ended';
SELECT amount FROM make_corrections(1);
UPDATE contract SET ends_on = NULL, status = 'active';
SELECT amount FROM make_corrections(1);
SELECT charged FROM card;
ROLLBACK TO billed;
SELECT credit(:i, NULL, 'down', meaning => 'waive') > 0 AS waived;
UPDATE contract SET ends_on = '2026-03-10', status = 'ended';
SELECT amount FROM make_corrections(1);
UPDATE contract SET ends_on = NULL, status = 'active';
SELECT amount FROM make_corrections(1);
SELECT charged FROM card;
ROLLBACK TO billed;
SELECT credit(:i, NULL, 'wrong', meaning => 'rebill') > 0 AS free;
UPDATE contract SET ends_on = '2026-03-10', status = 'ended';
SELECT amount FROM make_corrections(1);
SELECT sum(amount) AS offered FROM preview_report('{"client": 2}');
SELECT * FROM check_books();
ROLLBACK;
-- What a sent report holds says how it is taken back: the end, a line, an entry, the kind of work.
BEGIN;
CALL pg_temp.anew();
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A', 'EUR', '2026-03-01', 1);
INSERT INTO contract_line (contract_id, kind, title, included_s) VALUES (1, 'recurring', 'Care', 36000);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-20', 3600);
SELECT build_report('{"client": 2}') AS r \gset
SELECT transition(:r, 'sent');
SELECT pg_temp.said(c) FROM unnest('{UPDATE contract SET ends_on = ''2026-03-10'',UPDATE contract_line SET ends_on = ''2026-03-10'',UPDATE time_entry SET duration_s = 60,DELETE FROM time_entry,UPDATE task SET billable = ''no_charge'' WHERE id = 1}'::text[]) c;
SELECT transition(:r, 'rejected', 'not so much');
UPDATE contract_line SET ends_on = '2026-03-10';
UPDATE contract SET ends_on = '2026-03-10';
SELECT reason FROM unrated;
ROLLBACK;

SET search_path = public;
DROP SCHEMA t_life, t_life_internal CASCADE;
