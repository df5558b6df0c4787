-- What is one act of the user is one call, and takes what the user knows.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_one_call');
SET search_path = t_one_call, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Petrov'), ('company', 'Twin'), ('company', 'Twin');
INSERT INTO employee (name, email, role) VALUES ('Dana', 'dana@agency.example', 'senior'), ('Ann', NULL, 'junior');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('2026', 'Prices 2026', 'EUR', true);
INSERT INTO item (code, name) VALUES ('ssl', 'Certificate');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('cash', 'USD');
INSERT INTO contract (client_id, number, currency, starts_on, auto_bill)
SELECT id, CASE name WHEN 'Alpha' THEN 'A-1' ELSE 'B-1' END, 'EUR', '2026-01-01', CASE name WHEN 'Alpha' THEN 'none' ELSE 'invoice' END FROM party WHERE name IN ('Alpha', 'Beta');
INSERT INTO project (client_id, name) SELECT id, name || ' site' FROM party WHERE name IN ('Alpha', 'Beta');
INSERT INTO task (project_id, number, title, work_type_id) SELECT p.id, left(p.name, 1) || n, 'Task ' || n, w.id
  FROM project p, generate_series(1, 2) n JOIN work_type w ON w.code = CASE n WHEN 1 THEN 'development' ELSE 'design' END;

-- prices by codes and names; the same key again is set anew
SELECT set_price('2026', 100) = set_price('2026', 60) AS same;
SELECT set_price('2026', 90, work_type => 'design') > 0, set_price('2026', 75, role => 'senior', valid_from => '2026-04-01') > 0,
       set_price('2026', 80, employee => 'dana@agency.example', work_type => 'development', discount_pct => 10) > 0, set_price('2026', 20, item => 'ssl', cost => 12) > 0;
SELECT w.code AS work_type, i.code AS item, p.role, m.name AS employee, p.valid_from, p.price::numeric(18,2), p.cost::numeric(18,2), p.discount_pct::numeric(5,1)
  FROM price p LEFT JOIN work_type w ON w.id = p.work_type_id LEFT JOIN item i ON i.id = p.item_id LEFT JOIN employee m ON m.id = p.employee_id ORDER BY p.id;
SELECT set_price('2027', 100);
SELECT set_price('2026', 100, work_type => 'dezign');
SELECT set_price('2026', 100, item => 'tls');
SELECT set_price('2026', 100, employee => 'Danna');
SELECT set_price('2026', -1);
SELECT set_price('2026', 1, work_type => 'design', item => 'ssl');

-- filters take names, numbers of contracts, and ids still
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 2, id, '2026-03-02', 3600 FROM task;
SELECT task, amount FROM preview_report('{"client": "Alpha"}');
SELECT task, amount FROM preview_report('{"contract": "A-1", "task": ["Task 1", "A2"], "employee": "Ann"}') ORDER BY 1;
SELECT preview_report('{"client": 2}') = preview_report('{"client": "Alpha"}') AS same, preview_report('{"client": "2"}') = preview_report('{"project": "Alpha site"}') AS same;
SELECT task, amount FROM preview_report('{"contract": "A-1", "task": ["A1", "A2"], "employee": "Ann", "work_type": "design"}') ORDER BY 1;
SELECT preview_report('{"client": "Gamma"}');
SELECT preview_report('{"client": "Twin"}');
SELECT preview_report('{"contract": "A-2"}');
SELECT preview_report('{"client": "Alpha", "task": "A9"}');

-- digits are a number or an id, and never guessed
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (2, '2', 'EUR', '2025-01-01', '2025-01-31'), (2, '777', 'EUR', '2025-01-01', '2025-01-31');
SELECT preview_report('{"contract": "2"}');
SELECT count(*) FROM preview_report('{"contract": "777"}');
SELECT count(*) FROM preview_report('{"contract": 2}');

-- send: issue and link in one
SELECT build_report('{"contract": "A-1"}', '{"title": "March", "issued_on": "2026-04-01"}') AS report \gset
SELECT send(:report, '0 days');
SELECT status, number FROM document_card WHERE document_id = :report;
SELECT send(:report, '5 days') AS token \gset
SELECT length(:'token'), d.status, d.number, s.expires_at - s.created_at AS ttl FROM document d JOIN share_link s ON s.document_id = d.id WHERE d.id = :report;
SELECT send(:report) <> :'token' AS another_link;
SELECT (SELECT count(*) FROM share_link) AS links, (SELECT count(*) FROM document_status_change WHERE document_id = :report) AS steps;
SELECT answer_shared(:'token', 'rejected', 'too much');
SELECT send(:report);
SELECT send(99);
SELECT revise(:report, '{"issued_on": "2026-04-01"}') AS revised \gset
SELECT answer_shared(send(:revised), 'agreed', 'fine');
SELECT send(:report);
SELECT issue_invoice(:revised, '{"issued_on": "2026-04-02"}') AS invoice \gset
-- a draft invoice is issued on its way
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 2, id, '2026-04-02', 600 FROM task WHERE number = 'A1';
SELECT build_invoice('{"contract": "A-1"}', '{"issued_on": "2026-04-03", "due_on": "2026-04-30"}') AS second \gset
SELECT length(send(:second));
SELECT status FROM document WHERE id = :second;
SELECT record_bill('{"party": "Petrov", "outside_number": "77", "currency": "EUR", "issued_on": "2026-04-01", "lines": [{"title": "Help", "price": "40", "task": "A1", "contract": "A-1"}]}') AS bill \gset
SELECT send(:bill);
SELECT l.contract_id = 1 AS contract, t.number AS task FROM document_line l JOIN task t ON t.id = l.task_id WHERE l.document_id = :bill;

-- invoice_work: over free work at once
SELECT invoice_work('{"client": "Beta"}', '{"issued_on": "2026-04-01", "due_on": "2026-04-20", "outside_number": "X-9", "title": "March"}') AS beta \gset
SELECT kind, status, title, issued_on, due_on, gross FROM document_card WHERE document_id = :beta;
SELECT outside_number FROM document WHERE id = :beta;
SELECT invoice_work('{"client": "Beta"}');
SELECT invoice_work('{"client": "Beta"}', '{"colour": "red"}');

-- record_payment: entered and matched at once, oldest due first; the same again changes nothing
SELECT allocated, unallocated FROM record_payment('{"amount": "100.00", "cash_account": "bank", "contract": "A-1", "paid_on": "2026-04-10", "source": "bank", "external_id": "p-1"}');
SELECT allocated, unallocated FROM record_payment('{"amount": "100.00", "cash_account": "bank", "contract": "A-1", "paid_on": "2026-04-10", "source": "bank", "external_id": "p-1"}');
SELECT flow, status, article, amount::numeric(18,2), currency, party_id FROM payment;
SELECT number, status, open FROM document_card WHERE kind = 'invoice' ORDER BY document_id;
SELECT record_payment('{"amount": "101.00", "cash_account": "bank", "contract": "A-1", "paid_on": "2026-04-10", "source": "bank", "external_id": "p-1"}');
-- one that names its document, one that is all credit, one of a bank reference
SELECT allocated, unallocated FROM record_payment(jsonb_build_object('amount', '50', 'cash_account', 'bank', 'party', 'Alpha', 'paid_on', '2026-04-11',
    'allocations', jsonb_build_array(jsonb_build_object('document', (SELECT number FROM document WHERE id = :second), 'amount', '10'))));
SELECT allocated, unallocated FROM record_payment('{"amount": "30", "cash_account": "bank", "party": "Beta", "paid_on": "2026-04-12", "bank_ref": "r-1", "allocations": [], "purpose": "for invoice 2026/04-0003"}');
SELECT allocated, unallocated FROM record_payment('{"amount": "30", "cash_account": "bank", "party": "Beta", "paid_on": "2026-04-12", "bank_ref": "r-1", "allocations": [], "purpose": "for invoice 2026/04-0003"}');
SELECT record_payment('{"amount": "31", "cash_account": "bank", "party": "Beta", "paid_on": "2026-04-12", "bank_ref": "r-1"}');
-- money that goes out, that is planned, that moves
SELECT transition(:bill, 'agreed');
SELECT allocated, unallocated FROM record_payment('{"flow": "out", "article": "contractors", "amount": "40", "cash_account": "bank", "party": "Petrov", "paid_on": "2026-04-12", "allocations": [{"document": "77", "amount": "40"}]}');
SELECT status FROM document WHERE id = :bill;
SELECT allocated, unallocated FROM record_payment('{"flow": "out", "article": "rent", "amount": "70", "cash_account": "bank", "paid_on": "2026-04-12"}');
SELECT allocated, unallocated FROM record_payment('{"status": "planned", "amount": "70", "currency": "EUR", "party": "Beta", "paid_on": "2026-05-12"}');
SELECT allocated, unallocated FROM record_payment('{"flow": "transfer", "amount": "5", "cash_account": "cash", "to_cash_account": "bank", "paid_on": "2026-04-12"}');
-- refusals
SELECT record_payment('{"cash_account": "bank"}');
SELECT record_payment('{"amount": "1", "cash_account": "bank", "party": "Beta", "source": "bank"}');
SELECT record_payment('{"amount": "1", "cash_account": "purse", "party": "Beta"}');
SELECT record_payment('{"amount": "1", "cash_account": "bank", "party": "Beta", "artikle": "rent"}');
SELECT record_payment('{"amount": "1", "cash_account": "bank", "flow": "out"}');
SELECT record_payment('{"amount": "-1", "cash_account": "bank", "party": "Beta"}');
SELECT record_payment('{"amount": "1", "currency": "EUR", "party": "Beta"}');
SELECT record_payment('{"amount": "1", "cash_account": "bank", "party": "Beta", "allocations": [{"document": "no such", "amount": "1"}]}');
SELECT count(*) AS payments FROM payment;

-- what nobody matched
SELECT paid_on, party, amount, unallocated, currency, open_invoices, named_invoices FROM unallocated_payment ORDER BY payment_id;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, purpose) VALUES ('in', 'posted', '2026-04-20', 9, 'EUR', 1, 'revenue', 'who may that be');
SELECT party, amount, unallocated, open_invoices FROM unallocated_payment WHERE party IS NULL;
SELECT allocate_payment(payment_id) FROM unallocated_payment WHERE party = 'Beta';
SELECT count(*) FROM unallocated_payment WHERE party = 'Beta';

-- a day that is not given is today
INSERT INTO contract_line (contract_id, kind, title, amount) VALUES (1, 'stage', 'Design', 300);
SELECT accept_stage(n.id) = accept_stage(n.id) AS same, accept_stage(n.id) = accept_stage(n.id, books_today()) AS same FROM contract_line n;
SELECT accepted_on = books_today() AS today FROM contract_line;
\set VERBOSITY terse
SELECT accept_stage(n.id, '2026-01-02') FROM contract_line n;
\set VERBOSITY default
SELECT count(*) > 0 AS closed FROM run_billing() WHERE outcome = 'closed';
SELECT count(*) AS closed FROM run_billing() WHERE outcome = 'closed';
SELECT DISTINCT max(period_end) <= books_today() AND max(period_end) > books_today() - 32 AS today FROM billing_period WHERE contract_id IN (1, 2) GROUP BY contract_id;

-- a contract that wants no report is not asked for one; drafts say their period
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 2, t.id, books_today() - 40, 3600 FROM task t WHERE t.number IN ('A2', 'B2');
SELECT client, stage, waits_for FROM billing_cycle WHERE to_report > 0 ORDER BY 1;
SELECT contract, outcome, period_start <= period_end AS has_period FROM run_billing() WHERE outcome = 'drafted';

-- what one person logged twice
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT e.employee_id, t.id, e.s::timestamptz, e.f::timestamptz
  FROM task t, (VALUES (1, '2026-05-04 09:00', '2026-05-04 12:00'), (1, '2026-05-04 10:00', '2026-05-04 11:00'), (1, '2026-05-04 11:30', '2026-05-04 12:30'),
    (1, '2026-05-04 12:30', '2026-05-04 13:00'), (2, '2026-05-04 09:00', '2026-05-04 10:00'), (1, '2026-05-05 09:00', '2026-05-05 10:00'), (1, '2026-05-05 09:30', '2026-05-05 09:30')) AS e (employee_id, s, f)
 WHERE t.number = 'A1';
SELECT employee, started_at, ended_at, other_started_at, other_ended_at, hours_twice FROM overlapping_entry ORDER BY started_at;

-- who signs a contract agrees to it
SELECT draft_document('{"kind": "contract", "party": "Alpha", "title": "Support", "issued_on": "2026-04-01", "requirements": "We answer within a day.", "lines": [{"title": "Support", "price": "100"}]}') AS paper \gset
SELECT transition(:paper, 'sent');
SELECT set_signature(:paper, 'signed', 'B. Client');
SELECT status, sign_status FROM document WHERE id = :paper;
SELECT draft_document('{"kind": "annex", "party": "Alpha", "issued_on": "2026-04-01", "lines": [{"title": "More", "price": "1"}]}') AS annex \gset
SELECT transition(:annex, 'sent');
SELECT set_signature(:annex, 'rejected', 'B. Client');
SELECT status, sign_status FROM document WHERE id = :annex;
-- an invoice is not agreed by a signature, a bill not by its sender's
SELECT set_signature(:beta, 'signed');
SELECT record_bill('{"party": "Petrov", "outside_number": "78", "currency": "EUR", "issued_on": "2026-04-01", "lines": [{"title": "Help", "price": "4"}]}') AS other \gset
SELECT set_signature(:other, 'signed');
SELECT kind, status, sign_status FROM document WHERE id IN (:beta, :other) ORDER BY id;

-- a fee on paper says its period
INSERT INTO contract (client_id, number, currency, starts_on, anchor_day) VALUES (5, 'T-1', 'EUR', '2026-01-01', 1), (6, 'T-2', 'EUR', '2026-01-15', 15);
INSERT INTO contract_line (contract_id, kind, title, amount, prorate) SELECT id, 'recurring', 'Base set', 100, 'actual' FROM contract WHERE number LIKE 'T-%';
SELECT charge_fees(id, '2026-02-28') FROM contract WHERE number LIKE 'T-%';
SELECT count(build_invoice(jsonb_build_object('contract', c.number))) FROM contract c WHERE c.number LIKE 'T-%';
SELECT c.number, r.title, r.amount::numeric(18,2) FROM contract c JOIN document d ON d.contract_id = c.id, LATERAL document_rows(d.id) r
 WHERE c.number LIKE 'T-%' ORDER BY 1, r.position;
SELECT * FROM check_books();

SET client_min_messages = error;
DROP SCHEMA t_one_call CASCADE;
