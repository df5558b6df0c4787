-- Payments meet documents: partial, several to several, credit, and all of it taken back.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_settle');
SET search_path = t_settle, t_settle_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Manager'), ('Dev');
UPDATE party SET manager_id = 1 WHERE id = 2;
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20), (3, 1, 'B-1', 'EUR', '2026-01-01', NULL);
INSERT INTO task (project_id, number, title) VALUES (1, 'T-1', 'Login'), (1, 'T-2', 'Cart'), (2, 'B-1', 'Help');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.9);
CREATE FUNCTION pg_temp.pay(p_amount numeric, p_on date, p_party bigint DEFAULT 2) RETURNS bigint LANGUAGE sql AS
$$ INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
   VALUES ('in', 'posted', p_on, p_amount, 'EUR', 1, 'revenue', p_party) RETURNING id $$;

-- S12: 120.00 of two tasks, 60 and 40, paid 60.00: 36.00 of 72.00 and 24.00 of 48.00, half each
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-03-02', 3600), (2, 2, '2026-03-03', 2400);
SELECT build_report('{"client": 2}', '{"issued_on": "2026-04-01"}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
SELECT issue_invoice(:r, '{"issued_on": "2026-04-02"}') AS i \gset
SELECT task, billed_gross, paid_gross, percent_paid, paid FROM task_payment ORDER BY task_id;
SELECT pg_temp.pay(60, '2026-04-10') AS p \gset
SELECT allocate_payment(:p);
SELECT task, billed_gross, paid_gross, percent_paid, paid FROM task_payment ORDER BY task_id;
SELECT kind, status, paid, open FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT count(*) FROM preview_report('{"client": 2}');
SELECT count(*) FROM notification;
-- the rest and 80 more: paid, the report too, the manager is told, 80 stay as credit
SELECT pg_temp.pay(140, '2026-04-20') AS p2 \gset
SELECT allocate_payment(:p2);
SELECT task, paid_gross, percent_paid, paid FROM task_payment ORDER BY task_id;
SELECT kind, status, paid, open FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT kind, recipient_id, message, payload FROM notification;
SELECT party, currency, credit FROM client_credit;
-- taking it back takes all of it back
SELECT unallocate(:p2);
SELECT kind, status, open FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT count(*) FROM notification;
SELECT unallocate(:p2);
SELECT allocate_payment(:p2);
SELECT kind, status FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT dedupe_key = format('document:%s:paid:2', :i) AS second_notice FROM notification;
UPDATE notification SET delivered_at = now();
-- S9: one more hour on a paid task: only it is offered, and it is seen as late
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 1, '2026-04-25', 3600);
SELECT task, hours_billed, amount, percent_paid FROM preview_report('{"client": 2}');
SELECT task, hours_billed, amount FROM preview_report('{"client": 2, "paid_pct_from": 100}');
SELECT count(*) FROM preview_report('{"client": 2, "paid_pct_to": 99}');
SELECT task, after_close, task_is_paid, place, amount, late_policy FROM late_entry;
SELECT build_report('{"client": 2}', '{"issued_on": "2026-05-01"}') AS r2 \gset
SELECT net FROM document_card WHERE document_id = :r2;

-- oldest due first: 72 due on 10 May; 24 due on 1 May; a payment of 30 takes the older 24 whole, and 6
SELECT transition(:r2, 'sent'), transition(:r2, 'agreed');
SELECT issue_invoice(:r2, '{"issued_on": "2026-05-01", "due_on": "2026-05-10"}') AS i2 \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 2, '2026-04-26', 1200);
SELECT build_invoice('{"client": 2}', '{"issued_on": "2026-05-01", "due_on": "2026-05-01"}') AS i3 \gset
SELECT issue_invoice(:i3) = :i3 AS issued;
SELECT apply_credit(:i2, 0.01), apply_credit(:i2, 1000);
SELECT unallocate(:p2, :i2);
SELECT credit FROM client_credit;
SELECT pg_temp.pay(30, '2026-05-12') AS p3 \gset
SELECT allocate_payment(:p3);
SELECT document_id = :i2 AS later, gross, paid, open, status FROM document_card WHERE document_id IN (:i2, :i3) ORDER BY document_id;
-- C.10, 111: credit 80: what is open, 66, is taken, 14 stay
SELECT apply_credit(:i2);
SELECT open, status FROM document_card WHERE document_id = :i2;
SELECT credit FROM client_credit;
SELECT apply_credit(:i2);
SELECT apply_credit(:r2);
SELECT count(*) FROM notification WHERE delivered_at IS NULL;

-- refusals
SELECT allocate_payment(999);
SELECT pg_temp.pay(10, '2026-05-13') AS p4 \gset
SELECT allocate_payment(:p4, '{"document": 1}');
SELECT allocate_payment(:p4, '[{"document": 1}]');
SELECT allocate_payment(:p4, jsonb_build_array(jsonb_build_object('document', :i2, 'amount', '1')));       -- nothing is open
SELECT unallocate(:p3, :i3);
SELECT allocate_payment(:p4, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '10.01')));  -- more than the payment
SELECT allocate_payment(:p4, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '0.001')));
SELECT allocate_payment(:p4, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '-1')));
SELECT allocate_payment(:p4, jsonb_build_array(jsonb_build_object('document', :r2, 'amount', '1')));       -- a report
SELECT allocate_payment(:p4, '[{"document": 999, "amount": "1"}]');
SELECT pg_temp.pay(24, '2026-05-13', 3) AS p5 \gset
SELECT allocate_payment(:p5, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '1')));       -- another client
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-05-13', 24, 'USD', 2, 'revenue', 2) RETURNING id AS p6 \gset
SELECT allocate_payment(:p6, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '1')));       -- another currency
SELECT allocate_payment(:p6);
INSERT INTO payment (flow, paid_on, amount, currency, article, party_id) VALUES ('in', '2026-05-13', 24, 'EUR', 'revenue', 2) RETURNING id AS p7 \gset
SELECT allocate_payment(:p7);
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p7, :i3, 1);                     -- planned
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-05-13', 24, 'EUR', 1, 'other_income', 2) RETURNING id AS p8 \gset
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p8, :i3, 1);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('out', 'posted', '2026-05-14', 5, 'EUR', 1, 'revenue', 2) RETURNING id AS p9 \gset
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p9, :i3, 1);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-05-13', 24, 'EUR', 1, 'loan', 2) RETURNING id AS p10 \gset
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p10, :i3, 1);                    -- a loan pays no invoice
SELECT allocate_payment(:p4);
UPDATE payment_allocation SET document_id = :i2 WHERE payment_id = :p4;
UPDATE payment SET amount = 9 WHERE id = :p4;
UPDATE payment SET party_id = 3 WHERE id = :p4;
UPDATE payment SET article = 'other_income' WHERE id = :p4;
UPDATE payment SET article = 'loan' WHERE id = :p4;
DELETE FROM payment WHERE id = :p4;
SELECT void(:i3, 'it is paid in part');
-- a refund is no credit any more: 14 and the 24 taken back, less 5 paid back
SELECT party, currency, credit FROM client_credit ORDER BY 1, 2;
-- what was paid back settles nothing either: of the 33 that are left 30 more go
BEGIN;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('out', 'posted', '2026-05-14', 30, 'EUR', 1, 'revenue', 2);
SELECT open FROM document_card WHERE document_id = :i3;
SELECT apply_credit(:i3);
SELECT open FROM document_card WHERE document_id = :i3;
ROLLBACK;
-- voiding a payment takes its allocations back
UPDATE payment SET status = 'void' WHERE id = :p4;
SELECT status, open FROM document_card WHERE document_id = :i3;
SELECT count(*) FROM payment_allocation WHERE payment_id = :p4;

-- C.10, 113: 50 with 20 paid and 70, a payment of 100: nothing open, nothing lost
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 3, '2026-03-02', 3000), (2, 3, '2026-04-02', 4200);
SELECT build_invoice('{"client": 3, "period": "2026-03"}', '{"issued_on": "2026-04-01"}') AS b1 \gset
SELECT build_invoice('{"client": 3, "period": "2026-04"}', '{"issued_on": "2026-05-01"}') AS b2 \gset
SELECT issue_invoice(:b1), issue_invoice(:b2) \g /dev/null
SELECT pg_temp.pay(20, '2026-04-15', 3) AS q1 \gset
SELECT allocate_payment(:q1, jsonb_build_array(jsonb_build_object('document', :b1, 'amount', '20')));
SELECT gross, paid, open FROM document_card WHERE document_id IN (:b1, :b2) ORDER BY document_id;
SELECT pg_temp.pay(100, '2026-05-15', 3) AS q2 \gset
SELECT allocate_payment(:q2);
SELECT gross, paid, open, status FROM document_card WHERE document_id IN (:b1, :b2) ORDER BY document_id;
-- with a cent left it is not paid
SELECT unallocate(:q2, :b2), allocate_payment(:q2, jsonb_build_array(jsonb_build_object('document', :b2, 'amount', '69.99')));
SELECT open, status FROM document_card WHERE document_id = :b2;
SELECT allocate_payment(:q2);
SELECT open, status FROM document_card WHERE document_id = :b2;
-- a credit note on a paid invoice: what was paid for it is the client's credit
SELECT credit(:b2, '[{"position": 1}]', 'withdrawn', '2026-05-20') AS c \gset
SELECT gross, credited, paid, open, status FROM document_card WHERE document_id = :b2;
SELECT credit FROM client_credit WHERE party_id = 3;
SELECT transition(:b1, 'archived');
SELECT unallocate(:q1);
SELECT status, open FROM document_card WHERE document_id = :b1;

-- what was credited of a line is not paid: 60 and 40, of the 60 half credited, and 35 of the 70 left are paid
INSERT INTO party (kind, name) VALUES ('company', 'Gamma');
INSERT INTO project (client_id, name) VALUES (4, 'Desk');
INSERT INTO task (project_id, number, title) VALUES (3, 'G-1', 'One'), (3, 'G-2', 'Two');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (4, 1, 'G-1', 'EUR', '2026-01-01');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 4, '2026-05-04', 3600), (2, 5, '2026-05-04', 2400);
SELECT invoice_work('{"client": 4}', '{"issued_on": "2026-05-06"}') AS g \gset
SELECT credit(:g, jsonb_build_array(jsonb_build_object('line', min(id), 'net', '30')), 'half of it', '2026-05-07') > 0 AS credited FROM document_line WHERE document_id = :g;
SELECT allocate_payment(pg_temp.pay(35, '2026-05-08', 4));
SELECT gross::numeric(9,2), paid::numeric(9,2) FROM line_payment WHERE document_id = :g ORDER BY line_id;
SELECT task, billed_gross, paid_gross, percent_paid FROM task_payment WHERE task_id IN (4, 5) ORDER BY task_id;
SELECT percent_paid(4, 'EUR'), percent_paid(5, 'EUR');
-- paid, filed and then credited whole it stays filed, and the manager's notice is no more taken back than told twice
UPDATE party SET manager_id = 1 WHERE id = 4;
SELECT allocate_payment(pg_temp.pay(35, '2026-05-09', 4));
SELECT transition(:g, 'archived');
SELECT count(*) FROM notification WHERE document_id = :g;
SELECT credit(:g, NULL, 'all of it', '2026-05-10') > 0 AS credited;
SELECT status, open FROM document_card WHERE document_id = :g;
SELECT count(*) FROM notification WHERE document_id = :g;
-- what is void, planned or of another article is on no statement
SELECT invoice_work('{"client": 4}', '{"issued_on": "2026-05-06"}') AS g2 \gset
SELECT void(:g2, 'twice');
INSERT INTO payment (flow, paid_on, amount, currency, article, party_id) VALUES ('in', '2026-05-08', 1, 'EUR', 'revenue', 4);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-05-08', 2, 'EUR', 1, 'loan', 4),
    ('out', 'posted', '2026-05-08', 3, 'EUR', 1, 'revenue', 4);
SELECT on_date, kind, debit, credit, balance FROM client_statement(4, '2026-05-06', '2026-05-09');
SELECT on_date, kind, debit, credit, balance FROM client_statement(4, '2026-05-07', '2026-05-08');

-- statements: what each client owes, from day to day
SELECT on_date, kind, number, debit, credit, balance FROM client_statement(3, '2026-04-10', '2026-05-31');
SELECT on_date, kind, number, debit, credit, balance, currency FROM client_statement(2, '2026-05-01', '2026-05-31');
SELECT count(*) FROM client_statement(1, '2026-05-01', '2026-05-31');

-- the monthly cycle
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 3, '2026-06-02', 3600), (2, 1, '2026-06-02', 3600);
SELECT build_report('{"client": 3, "period": "2026-06"}') AS j \gset
SELECT client, month, stage, replace(waits_for, ', overdue', '') AS waits_for, to_report, in_draft, with_client, to_invoice, billed, to_pay, paid FROM billing_cycle ORDER BY client, month;
SELECT transition(:j, 'sent');
SELECT client, stage, waits_for FROM billing_cycle WHERE month = '2026-06-01' ORDER BY client;
SELECT transition(:j, 'agreed');
SELECT client, stage, waits_for FROM billing_cycle WHERE month = '2026-06-01' ORDER BY client;

SELECT * FROM document_problems;
SELECT * FROM check_books();
