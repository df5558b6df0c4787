-- A credit says what it means: billed again, or given up; the run obeys.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_credit');
SET search_path = t_credit, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency)
VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id)
SELECT 1, t, id FROM work_type, unnest(ARRAY['T1', 'T2', 'T3']) t WHERE code = 'development';

-- a fee that is waived does not come back with the next run; what is not said is refused where a run bills by itself
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, auto_bill, tax_rate) VALUES (2, 'A', 'EUR', '2026-03-01', 1, 'invoice', 20);
INSERT INTO contract_line (contract_id, kind, title, amount) VALUES (1, 'recurring', 'Fee', 310);
SELECT count(*) FROM run_billing('2026-03-31');
SELECT id AS i FROM document WHERE kind = 'invoice' \gset
UPDATE document SET issued_on = '2026-04-01' WHERE id = :i;
SELECT transition(:i, 'sent');
SELECT credit(:i, NULL, 'service was down, we waive March');
SELECT credit(:i, NULL, 'service was down, we waive March', meaning => 'forget');
SELECT credit(:i, NULL, 'service was down, we waive March', '2026-04-02', 'waive') AS n \gset
SELECT kind, status, meaning, net, tax, gross, open FROM document_card ORDER BY document_id;
SELECT charged, profit_accrual FROM contract_card;
SELECT account, posted_balance FROM account_balance WHERE account IN ('receivable', 'revenue', 'tax_payable') ORDER BY 1;
SELECT h.source, trim_scale(h.amount) AS amount, charge_reason(h.why) AS reason, l.place FROM charge h JOIN charge_place l ON l.charge_id = h.id ORDER BY h.id;
SELECT count(*) FROM unbilled;
SELECT count(*) FROM preview_report('{"client": 2}');
SELECT string_agg(format('%s %s', outcome, amount), '; ') FROM run_billing('2026-04-30');
-- the note tells the client
SELECT document_json(:n) ->> 'meaning' AS json, document_data(:n, 'en') ->> 'meaning' AS en, document_data(:n, 'uk') ->> 'meaning' AS uk, document_html(:n, 'en') LIKE '%This is waived%' AS on_page,
       document_json(:i) ->> 'meaning' AS invoice;
-- charged once for all: closing and fees ahead make it no more, nor does the end of the line give it back twice
SELECT charge_fees(1, '2026-04-30');
SELECT credit(:i, NULL, 'again', meaning => 'rebill');
SELECT void(:i, 'credited');
SELECT void(:n, 'credited');
SELECT credit(:n, NULL, 'a note', meaning => 'rebill');
-- ... but whoever changes his mind writes it up
SELECT adjust_charge(min(id), 310, 'agreed to pay after all') > 0 AS written_up FROM charge WHERE source = 'fee';
SELECT task, amount FROM preview_report('{"client": 2}') ORDER BY 1;
SELECT * FROM check_books();

-- billed again: April is credited whole, and the run drafts it anew, with May
SELECT max(document_id) AS i FROM document_card WHERE kind = 'invoice' AND status = 'draft' \gset
UPDATE document SET issued_on = '2026-05-01' WHERE id = :i;
SELECT refresh_draft(:i) > 0 AS refreshed, transition(:i, 'sent');
SELECT net FROM document_card WHERE document_id = :i;
SELECT credit(:i, NULL, 'wrong address', '2026-05-02', 'rebill') AS n \gset
SELECT meaning, net FROM document_card WHERE document_id = :n;
SELECT document_data(:n, 'en') ->> 'meaning' AS en;
SELECT string_agg(format('%s %s', outcome, amount), '; ') FROM run_billing('2026-05-31');
SELECT * FROM check_books();

-- hours, where people bill: not said is to be billed again, as before
INSERT INTO party (kind, name) VALUES ('company', 'Hours');
INSERT INTO project (client_id, name) VALUES (3, 'H');
INSERT INTO task (project_id, title) VALUES (2, 'H1'), (2, 'H2');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (3, 'H', 'EUR', '2026-03-01', 1);
CREATE VIEW pg_temp.work AS
    SELECT h.id, h.source, h.service_date, trim_scale(h.amount) AS amount, h.billed_s / 3600 AS hours, charge_reason(h.why) AS reason, l.place
      FROM charge h JOIN charge_place l ON l.charge_id = h.id WHERE h.client_id = 3 ORDER BY h.id;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-02'::date + n, 3600 * (n + 1) FROM task t, generate_series(0, 1) n WHERE t.title IN ('H1');
SELECT build_report('{"client": 3}', '{"issued_on": "2026-04-01", "positions": "day"}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
SELECT issue_invoice(:r, '{"issued_on": "2026-04-01"}') AS i \gset
SELECT credit(:i, '[{"position": 2}]', 'not done', '2026-04-03') AS n \gset
SELECT meaning, net FROM document_card WHERE document_id = :n;
SELECT amount, hours, place FROM pg_temp.work;
-- the other hour is waived: the invoice comes to nothing, the report is credited with it and makes no other invoice
SELECT credit(:i, NULL, 'goodwill', '2026-04-04', 'waive') AS n \gset
SELECT kind, status FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT issue_invoice(:r);
SELECT issue_act(:i);
SELECT transition(:i, 'archived'), (SELECT status FROM document WHERE id = :r) AS report, transition(:r, 'archived');
SELECT void(:r, 'credited');
SELECT amount, hours, place FROM pg_temp.work;
SELECT task, hours_billed, amount FROM preview_report('{"client": 3}');
SELECT kind, base_amount, reason FROM concession ORDER BY id;
-- a correction of waived work keeps it waived; nothing of it is offered, but the work at no charge
SELECT difference FROM correct_entry((SELECT min(time_entry_id) FROM charge WHERE client_id = 3), '{"duration_s": 1800}', 'half of it');
SELECT source, amount, hours, reason, place FROM pg_temp.work;
SELECT task, coverage, hours_worked, amount FROM preview_report('{"client": 3}') ORDER BY 2;
SELECT charged, cost FROM contract_card WHERE number = 'H';  -- 2 h at 100; half an hour and 2 h at 20
SELECT * FROM check_books();

-- parts.  5 of 8 are given up, then 1 is billed again, then the rest: 3 are offered, never 8
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-10', 8 * 3600 FROM task t WHERE t.title = 'H2' RETURNING id AS e \gset
SELECT invoice_work('{"client": 3, "from": "2026-03-10"}', '{"issued_on": "2026-04-05"}') AS i \gset
SELECT id AS l FROM document_line WHERE document_id = :i \gset
CREATE FUNCTION pg_temp.credited(p_net text, p_meaning text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_line document_line;
    v_note bigint;
BEGIN
    SELECT * INTO v_line FROM document_line WHERE kind = 'invoice' ORDER BY id DESC LIMIT 1;
    v_note := credit(v_line.document_id, CASE WHEN p_net IS NOT NULL THEN jsonb_build_array(jsonb_build_object('line', v_line.id, 'net', p_net)) END, 'part', '2026-04-12', p_meaning);
    RETURN (SELECT meaning || ' ' || net FROM document_card WHERE document_id = v_note);
END $$;
SELECT pg_temp.credited('500', 'waive');
SELECT sum(amount) FROM unbilled WHERE client_id = 3 AND service_date = '2026-03-10';
SELECT pg_temp.credited('100', 'rebill');
SELECT sum(amount) FROM unbilled WHERE client_id = 3 AND service_date = '2026-03-10';
SELECT status, credited, open FROM document_card WHERE document_id = :i;
SELECT pg_temp.credited(NULL, 'rebill');
SELECT status, credited, open FROM document_card WHERE document_id = :i;
SELECT source, amount, hours, reason, place FROM pg_temp.work WHERE service_date = '2026-03-10';
SELECT charged FROM contract_card WHERE number = 'H';  -- 200 + 800 - 500
SELECT kind, base_amount FROM concession ORDER BY id DESC LIMIT 1;
SELECT * FROM check_books();
-- what is billed again can be waived, and corrected, as any other work: the write-offs beside it go with it
SELECT invoice_work('{"client": 3, "from": "2026-03-10"}', '{"issued_on": "2026-04-07"}') AS i \gset
SELECT net FROM document_card WHERE document_id = :i;
SELECT credit(:i, '[{"position": 1}]', 'that too', '2026-04-08', 'waive') AS n \gset
SELECT net FROM document_card WHERE document_id = :n;
SELECT * FROM check_books();
SELECT difference FROM correct_entry(:e, '{"duration_s": 3600}', 'one hour');
SELECT charged FROM contract_card WHERE number = 'H';  -- 200 + 100
SELECT source, amount, reason, place FROM pg_temp.work WHERE service_date = '2026-03-10';
SELECT * FROM check_books();

-- parts to be billed again that come to the whole: the work is free as it was, with its hours, unless a part is on another invoice
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-20', 3 * 3600 FROM task t WHERE t.title = 'H2';
SELECT invoice_work('{"client": 3, "from": "2026-03-20"}', '{"issued_on": "2026-04-09"}') AS i \gset
SELECT pg_temp.credited('100', 'rebill');
SELECT pg_temp.credited('200', 'rebill');
SELECT source, amount, hours, place FROM pg_temp.work WHERE service_date = '2026-03-20';
SELECT invoice_work('{"client": 3, "from": "2026-03-20"}', '{"issued_on": "2026-04-09"}') AS i \gset
SELECT pg_temp.credited('100', 'rebill');
SELECT invoice_work('{"client": 3, "from": "2026-03-20"}', '{"issued_on": "2026-04-09"}') AS j \gset
SELECT net FROM document_card WHERE document_id = :j;
SELECT credit(:i, NULL, 'the rest', '2026-04-09', 'rebill') > 0 AS credited;
SELECT source, amount, hours, reason, place FROM pg_temp.work WHERE service_date = '2026-03-20';
SELECT * FROM check_books();

-- after payment: what was paid for it is the client's credit, whatever it means
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT allocated FROM record_payment(jsonb_build_object('amount', '300.00', 'paid_on', '2026-04-10', 'cash_account', 'bank', 'party', 'Hours'));
SELECT status, open FROM document_card WHERE document_id = :j;
SELECT credit(:j, NULL, 'paid, and waived', '2026-04-11', 'waive') > 0 AS credited;
SELECT status, open FROM document_card WHERE document_id = :j;
SELECT credit FROM client_credit WHERE party_id = 3;
SELECT * FROM check_books();

-- work that was corrected meanwhile: no part of it is given up, the whole of it is set free beside its correction
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-25', 2 * 3600 FROM task t WHERE t.title = 'H2' RETURNING id AS e \gset
SELECT invoice_work('{"client": 3, "from": "2026-03-25"}', '{"issued_on": "2026-04-12"}') AS i \gset
SELECT difference FROM correct_entry(:e, '{"duration_s": 3600}', 'one hour');
SELECT credit(:i, NULL, 'goodwill', '2026-04-12', 'waive');
SELECT credit(:i, NULL, 'billed anew', '2026-04-12', 'rebill') > 0 AS credited;
SELECT source, amount, hours, place FROM pg_temp.work WHERE service_date = '2026-03-25';
SELECT * FROM check_books();

-- discount and tax in the price: what is waived comes to nothing, to the last cent of both currencies; what is billed again is billed so
INSERT INTO party (kind, name) VALUES ('company', 'Dollars');
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-03-01', 0.77);
INSERT INTO price_list (code, name, currency) VALUES ('D', 'Dollars', 'USD');
INSERT INTO price (price_list_id, price) VALUES (2, 33.33);
INSERT INTO project (client_id, name) VALUES (4, 'D');
INSERT INTO task (project_id, title) VALUES (3, 'D1');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_rate, tax_inclusive) VALUES (4, 'D', 'USD', '2026-03-01', 2, 20, true);
CREATE VIEW pg_temp.dollars AS
    SELECT sum(h.amount)::numeric(9,2) AS amount, sum(h.base_amount)::numeric(9,2) AS base_amount, sum(h.amount) FILTER (WHERE l.place = 'unbilled')::numeric(9,2) AS unbilled
      FROM charge h JOIN charge_place l ON l.charge_id = h.id WHERE h.client_id = 4;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-02', 3600 FROM task t WHERE t.title = 'D1' RETURNING id AS e \gset
SELECT invoice_work('{"client": 4}', '{"issued_on": "2026-04-01", "discount_pct": "7"}') AS i \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :i;
SELECT id AS l FROM document_line WHERE document_id = :i \gset
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', :l, 'net', '7.77')), 'a', '2026-04-02', 'waive') > 0, credit(:i, jsonb_build_array(jsonb_build_object('line', :l, 'net', '8.88')), 'b', '2026-04-02', 'waive') > 0,
       credit(:i, NULL, 'c', '2026-04-02', 'waive') > 0 AS credited;
TABLE pg_temp.dollars;
SELECT * FROM check_books();
SELECT difference, currency FROM correct_entry(:e, '{"duration_s": 7200}', 'two hours');
TABLE pg_temp.dollars;
SELECT * FROM check_books();
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-03', 3600 FROM task t WHERE t.title = 'D1';
SELECT invoice_work('{"client": 4, "from": "2026-03-03"}', '{"issued_on": "2026-04-01"}') AS i \gset
SELECT id AS l FROM document_line WHERE document_id = :i \gset
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', :l, 'net', '10')), 'a', '2026-04-02', 'rebill') AS n \gset
SELECT net, tax, gross FROM document_card WHERE document_id IN (:i, :n) ORDER BY document_id;
TABLE pg_temp.dollars;
SELECT invoice_work('{"client": 4, "coverage": "billable"}', '{"issued_on": "2026-04-03"}') AS j \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :j;  -- what was credited, to the cent
TABLE pg_temp.dollars;
SELECT * FROM check_books();

-- managers give up within their limit; to bill again gives nothing away
CREATE ROLE regress_finance_lead;
SELECT grant_access('regress_finance_lead', 'manager');
INSERT INTO manager_limit (actor, month_amount) VALUES ('regress_finance_lead', 50);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, '2026-03-28', 3600 FROM task t WHERE t.title = 'H2';
SELECT invoice_work('{"client": 3, "from": "2026-03-28"}', '{"issued_on": "2026-04-12"}') AS i \gset
SET ROLE regress_finance_lead;
\set VERBOSITY terse
SELECT credit(:i, NULL, 'gift', '2026-04-12', 'waive');
\set VERBOSITY default
SELECT credit(:i, NULL, 'anew', '2026-04-12', 'rebill') > 0 AS credited;
RESET ROLE;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_credit, t_credit_internal CASCADE;
DROP OWNED BY regress_finance_lead;
DROP ROLE regress_finance_lead;
