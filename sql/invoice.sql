-- Invoices, acts, credit notes and bills, with figures worked out by hand from
-- examples that others published (rating.md B.5 has the rules).
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_invoice');
SET search_path = t_invoice, t_invoice_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Freelance Ltd'), ('company', 'Gamma');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop'), (5, 'Gamma');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20), (3, 1, 'B-1', 'EUR', '2026-01-01', NULL);
INSERT INTO task (project_id, number, title) VALUES (1, 'T-1', 'Login'), (1, 'T-2', 'Cart'), (2, 'B-1', 'Help');
INSERT INTO task (project_id, number, title, work_type_id) SELECT 1, 'T-3', 'Typo', id FROM work_type WHERE code = 'bug';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-03-02', 3600), (1, 2, '2026-03-03', 2400), (1, 4, '2026-03-03', 7200);

-- the chain: report 60 + 40 and a bug at nothing, agreed, invoiced: 100 + 20 % = 120
SELECT build_report('{"client": 2}', '{"issued_on": "2026-04-01"}') AS r \gset
SELECT transition(:r, 'sent');
SELECT issue_invoice(:r);
SELECT transition(:r, 'agreed');
SELECT issue_invoice(:r, '{"colour": "red"}');
SELECT issue_invoice(:r, '{"issued_on": "2026-04-02"}') AS i \gset
SELECT kind, status, number, issued_on, due_on, net, tax, gross, open FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT position, title, hours_billed, net, tax, gross FROM document_sheet(:i);
SELECT * FROM document_tax(:i);
SELECT count(*) FROM unbilled;
SELECT account, posted_balance FROM account_balance WHERE account IN ('receivable', 'revenue', 'tax_payable') ORDER BY 1;
SELECT charged, balance FROM contract_card WHERE number = 'A-1';
-- a second invoice for the same lines, in every way
SELECT issue_invoice(:r);
SELECT issue_invoice(:i);
SELECT build_invoice('{"client": 2}');
INSERT INTO document (kind, party_id, own_id, currency) VALUES ('invoice', 2, 1, 'EUR') RETURNING id AS f \gset
INSERT INTO document_line (document_id, kind, currency, charge_id) SELECT :f, 'invoice', 'EUR', min(id) FROM charge;
INSERT INTO document_line (document_id, kind, currency, charge_id, claim) SELECT :f, 'invoice', 'EUR', min(id), true FROM charge;
INSERT INTO document_line (document_id, kind, currency, title, price) VALUES (:f, 'invoice', 'EUR', 'Something', 5);
INSERT INTO document_line (document_id, kind, currency, charge_id) SELECT :f, 'invoice', 'USD', min(id) FROM charge;
SELECT transition(:f, 'sent');
SELECT discard(:f);
SELECT transition(:r, 'void', 'no');
-- the act of the same work, once
SELECT issue_act(:i, '{"issued_on": "2026-04-03"}') AS a \gset
SELECT kind, status, number, gross, based_on = :i AS of_invoice FROM document_card WHERE document_id = :a;
SELECT issue_act(:r);
SELECT set_signature(:a, 'signed', 'Alpha', NULL, '2026-04-04 10:00Z', '\x89504e470d0a1a0a', 'image/png');
SELECT status, sign_status, sign_by, octet_length(signature) FROM document WHERE id = :a;

-- void: the number stays, the report is agreed again, its work can be invoiced again
SELECT void(:i, 'wrong address');
SELECT kind, status, number FROM document_card WHERE document_id IN (:r, :i) ORDER BY document_id;
SELECT account, posted_balance FROM account_balance WHERE account IN ('receivable', 'revenue', 'tax_payable') ORDER BY 1;
SELECT task, amount, document_id = :r AS on_report FROM unbilled ORDER BY charge_id;
SELECT issue_invoice(:r, '{"issued_on": "2026-04-05", "due_on": "2026-04-30", "outside_number": "1C-77", "file_url": "https://1c.example/77"}') AS i \gset
SELECT number, due_on, gross FROM document_card WHERE document_id = :i;

-- C.9, 105: 60 and 40 invoiced, the 40 credited whole, an hour of 60 more: the next invoice is 40 + 60 and names both
SELECT credit(:i, '[{"position": 2}]', 'not accepted', '2026-04-10') AS c \gset
SELECT kind, number, net, tax, gross FROM document_card WHERE document_id = :c;
SELECT gross, credited, open, status FROM document_card WHERE document_id = :i;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-08', 3600);
SELECT task, service_date, amount FROM unbilled ORDER BY charge_id;
SELECT build_invoice('{"client": 2}', '{"issued_on": "2026-04-11"}') AS n \gset
SELECT title, first_day, net FROM document_sheet(:n);
SELECT issue_invoice(:n);
SELECT number, net, gross FROM document_card WHERE document_id = :n;
-- the bug that the first report still shows is not offered again; nothing is left
SELECT build_report('{"client": 2}');
-- credited whole by parts: 10 of the 60, which is given, and 50, which is billed again; more than was billed is refused
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', (SELECT min(id) FROM document_line WHERE document_id = :i), 'net', '10.00')), 'discount', '2026-04-12');
SELECT charged, balance FROM contract_card WHERE number = 'A-1';  -- 60 + 40 + 60 - 10
SELECT credited, open, status FROM document_card WHERE document_id = :i;
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', (SELECT min(id) FROM document_line WHERE document_id = :i), 'net', '50.01')), 'too much');
SELECT credit(:i, '[{"position": 2}]', 'again');
SELECT credit(:i, '[{"line": 1}]', 'of another document');
SELECT credit(:i, '[{"position": 1, "net": "1"}]', 'which');
SELECT credit(:i, '[{"position": 1}, {"position": 1}]', 'twice');
SELECT credit(:i, '[]', 'nothing');
SELECT credit(:i, NULL, '');
SELECT credit(:r, NULL, 'a report');
SELECT void(:i, 'too late');
SELECT credit(:i, NULL, 'the rest', '2026-04-13') AS c \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :c;
SELECT credited, open, status FROM document_card WHERE document_id = :i;
SELECT status FROM document WHERE id = :r;
SELECT charged FROM contract_card WHERE number = 'A-1';  -- 10 is not back
SELECT task, service_date, amount FROM unbilled ORDER BY charge_id;
SELECT l.place, sum(h.amount)::numeric(9,2) AS amount, count(*) FROM charge h JOIN charge_place l ON l.charge_id = h.id GROUP BY 1 ORDER BY 1;
SELECT credit(:i, NULL, 'and again');
SELECT void(:c, 'credit notes are not void');
-- revenue of all work done but what was given, tax only of the invoice that stands: 150 + 20
SELECT account, posted_balance FROM account_balance WHERE account IN ('receivable', 'revenue', 'tax_payable') ORDER BY 1;
SELECT count(*) FROM document_problems;

-- Tax.  One helper: charges of given amounts under given terms on one report, and its figures.
-- They are put in by hand, which the trigger is there to refuse.
ALTER TABLE charge DISABLE TRIGGER charge_owned;
INSERT INTO task (project_id, number, title) SELECT 3, 'G-' || n, 'Task ' || n FROM generate_series(1, 5) n;
CREATE FUNCTION pg_temp.taxed(p_amounts numeric[], p_rates numeric[], p_inclusive boolean, p_level text, p_options jsonb DEFAULT '{}')
    RETURNS TABLE (net numeric, tax numeric, gross numeric, lines text) LANGUAGE plpgsql AS $$
DECLARE
    v_report bigint;
    v_contract bigint;
    v_contracts bigint[];
BEGIN
    FOR i IN 1 .. cardinality(p_rates) LOOP
        INSERT INTO contract (client_id, own_id, number, currency, starts_on, ends_on, tax_rate, tax_inclusive, tax_level)
        VALUES (5, 1, 'G-' || nextval('document_id_seq'), 'EUR', '2026-01-01', '2026-12-31', p_rates[i], p_inclusive, p_level) RETURNING id INTO v_contract;
        v_contracts[i] := v_contract;
    END LOOP;
    FOR i IN 1 .. cardinality(p_amounts) LOOP
        INSERT INTO charge (source, contract_id, client_id, project_id, task_id, service_date, period_start, started_at, coverage, gross, amount, currency, base_amount, cost, base_cost, why)
        SELECT 'item', c.id, 5, 3, (SELECT id FROM task WHERE number = 'G-' || (i - 1) % 5 + 1), '2026-05-01', '2026-05-01',
               '2026-05-01', 'billable', CASE WHEN p_inclusive THEN p_amounts[i] END, n.net, 'EUR', n.net, 0, 0, jsonb_build_object('note', 'item ' || i)
          FROM contract c CROSS JOIN LATERAL (SELECT without_tax(c, '2026-05-01', p_amounts[i]) AS net) n
         WHERE c.id = v_contracts[least(i, cardinality(v_contracts))];
    END LOOP;
    v_report := build_report('{"client": 5}', p_options || '{"positions": "none", "issued_on": "2026-06-01"}');
    PERFORM transition(v_report, 'sent'), transition(v_report, 'agreed');
    PERFORM issue_invoice(v_report, '{"issued_on": "2026-06-01"}');
    RETURN QUERY SELECT d.net, d.tax, d.gross, (SELECT string_agg(format('%s+%s', trim_scale(l.net), trim_scale(l.tax)), ' ' ORDER BY l.id)
                                                  FROM document_line l WHERE l.document_id = v_report)
                   FROM document_card d WHERE d.document_id = v_report;
END $$;
SELECT * FROM pg_temp.taxed('{95.40}', '{21}', false, 'line');           -- 83: 6.36 x 15: 20.03, 115.43
SELECT * FROM pg_temp.taxed('{1.24, 1.24}', '{10}', false, 'line');      -- 85: .24 and 2.72
SELECT * FROM pg_temp.taxed('{1.24, 1.24}', '{10}', false, 'total');     -- 85: .25 and 2.73
SELECT * FROM pg_temp.taxed('{5573.60}', '{22}', false, 'line', '{"discount_pct": "4"}');  -- 89: 348.35 x 16 - 4 %: 5350.66; 6527.81
SELECT * FROM pg_temp.taxed('{43.06}', '{21}', true, 'total');           -- 91: 35.59 + 7.47 of 43.06
SELECT * FROM pg_temp.taxed('{1500}', '{6}', true, 'line');              -- 93: 1415.09 + 84.91
SELECT * FROM pg_temp.taxed('{100}', '{10}', false, 'line', '{"discount_amount": "10"}');  -- 95: 99 with tax 9
SELECT * FROM pg_temp.taxed('{100}', '{10}', true, 'line', '{"discount_pct": "10"}');      -- 95: 90 with tax 8.18
SELECT * FROM pg_temp.taxed('{1000}', '{10}', false, 'line', '{"discount_amount": "200"}');  -- 97: tax 80, total 880
-- 99: 1000 over 10000 (10 %), 5000 (0 %), 3000 (20 %), 2000 (20 %): 500, 250, 150, 100; taxes 950, 0, 570, 380; total 20900
SELECT * FROM pg_temp.taxed('{10000, 5000, 3000, 2000}', '{10, 0, 20, 20}', false, 'line', '{"discount_amount": "1000"}');
SELECT * FROM pg_temp.taxed('{100, -20, 60}', '{10, 20, 0}', false, 'line', '{"discount_amount": "8"}');  -- 5 and 3 off what is above 0: 95, -20, 57 with tax 9.50 - 4
SELECT * FROM pg_temp.taxed('{300}', '{20}', false, 'line');             -- 101: 360
SELECT * FROM pg_temp.taxed('{300}', '{20}', true, 'line');              -- 101: 250 + 50
SELECT * FROM pg_temp.taxed('{100, 100, 100}', '{NULL}', false, 'line', '{"discount_amount": "100"}');  -- exempt; 33.34, 33.33, 33.33 off
SELECT * FROM pg_temp.taxed('{10}', '{20}', false, 'line', '{"discount_amount": "11"}');   -- more than it is taken off
SELECT * FROM pg_temp.taxed('{10}', '{20}', false, 'line', '{"discount_amount": "1", "discount_pct": "1"}');
SELECT * FROM pg_temp.taxed('{10}', '{20}', false, 'line', '{"discount_amount": "1.005"}');
-- revenue is what is billed net: discount and included tax are charges of their own
SELECT charge_reason(h.why) AS reason, sum(h.amount)::numeric(9,2) AS amount FROM charge h WHERE h.client_id = 5 AND h.source = 'adjustment' GROUP BY 1 ORDER BY 1;
SELECT sum(d.net) AS billed, (SELECT sum(h.amount)::numeric(9,2) FROM charge h WHERE h.client_id = 5) AS charged FROM document_card d WHERE d.party_id = 5 AND kind = 'invoice';
SELECT count(*) FROM document_problems;
-- void takes the adjustments back, to the cent
SELECT max(document_id) AS i, max(based_on) AS r FROM document_card WHERE party_id = 5 AND kind = 'invoice' \gset
SELECT void(:i, 'discount forgotten'), void(:r, 'discount forgotten');
SELECT sum(amount) FROM unbilled WHERE client_id = 5;  -- 300, without the 100 off
SELECT sum(amount) AS amount, count(*) FROM unbilled WHERE client_id = 5 AND charge_id IN (SELECT charge_id FROM charge_place WHERE place = 'unbilled');
SELECT count(*) FROM document_problems;

-- C.9, 103: 29.99 at 23.33 %, six sevenths credited: 25.71 + 6.00 = 31.71; the rest is 4.28 + 1.00
SELECT build_report('{"client": 5}', '{"issued_on": "2026-06-02"}') AS r \gset
SELECT void(:r, 'cleared');
UPDATE contract SET status = 'ended' WHERE client_id = 5;
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (5, 1, 'G-last', 'EUR', '2026-01-01', 23.33) RETURNING id AS k \gset
INSERT INTO charge (source, contract_id, client_id, project_id, task_id, service_date, period_start, started_at, coverage, amount, currency, base_amount, cost, base_cost, why)
VALUES ('item', :k, 5, 3, 5, '2026-06-01', '2026-06-01', '2026-06-01', 'billable', 29.99, 'EUR', 29.99, 0, 0, '{"note": "plan"}');
SELECT build_invoice(jsonb_build_object('contract', :k), '{"issued_on": "2026-06-03"}') AS i \gset
SELECT issue_invoice(:i) = :i AS issued;
SELECT net, tax, gross FROM document_card WHERE document_id = :i;
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :i), 'net', round(29.99 * 6 / 7, 2)::text)), 'six of seven', '2026-06-04', 'rebill') AS c \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :c;
SELECT charged FROM contract_card WHERE number = 'G-last';
SELECT credit(:i, NULL, 'the seventh', '2026-06-05', 'rebill') AS c \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :c;
SELECT charged FROM contract_card WHERE number = 'G-last';

-- corrections: an invoice below zero is refused, together with new work it is not
INSERT INTO charge (source, contract_id, client_id, project_id, task_id, service_date, period_start, started_at, coverage, amount, currency, base_amount, cost, base_cost, why)
VALUES ('adjustment', :k, 5, 3, 5, '2026-06-01', '2026-06-01', '2026-06-01', 'billable', -40, 'EUR', -40, 0, 0, '{"note": "goodwill"}');
SELECT build_invoice(jsonb_build_object('contract', :k), '{"issued_on": "2026-06-06"}') AS i \gset
SELECT issue_invoice(:i);
SELECT discard(:i);
INSERT INTO charge (source, contract_id, client_id, project_id, task_id, service_date, period_start, started_at, coverage, amount, currency, base_amount, cost, base_cost, why)
VALUES ('item', :k, 5, 3, 6, '2026-06-01', '2026-06-01', '2026-06-01', 'billable', 30.01, 'EUR', 30.01, 0, 0, '{"note": "more"}');
SELECT build_invoice(jsonb_build_object('contract', :k), '{"issued_on": "2026-06-06"}') AS i \gset
SELECT issue_invoice(:i) = :i AS issued;
SELECT net, tax, gross FROM document_card WHERE document_id = :i;  -- 29.99 - 40 + 30.01 = 20; 7.00 - 9.33 + 7.00 = 4.67

-- a correction of discounted work takes the discount along: 60 less 6 billed, now half an hour; -60 + 6 + 30, and an hour more: 36
SELECT id AS t FROM task WHERE number = 'T-1' \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :t, '2026-05-02', 3600) RETURNING id AS e \gset
SELECT build_report(jsonb_build_object('task', :t, 'from', '2026-05-01'), '{"discount_amount": "6", "issued_on": "2026-06-01"}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
SELECT issue_invoice(:r, '{"issued_on": "2026-06-07"}') AS i \gset
SELECT net, tax FROM document_card WHERE document_id = :i;
SELECT difference, currency FROM correct_entry(:e, '{"duration_s": 1800}', 'half was ours');
SELECT amount, service_date FROM unbilled WHERE task_id = :t AND service_date > '2026-05-01' ORDER BY charge_id;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :t, '2026-05-03', 3600);
SELECT build_invoice(jsonb_build_object('task', :t, 'from', '2026-05-01'), '{"issued_on": "2026-06-08"}') AS n \gset
SELECT issue_invoice(:n) = :n AS issued;
SELECT net, tax FROM document_card WHERE document_id = :n;
-- voiding both: the correction and what it corrects cancel out, half an hour and the hour are left
SELECT void(:n, 'no'), void(:i, 'no'), void(:r, 'no');
SELECT amount, service_date FROM unbilled WHERE task_id = :t AND service_date > '2026-05-01' ORDER BY charge_id;
SELECT count(*) FROM document_problems;

-- bills of contractors: accepted before they can be paid; accrued once
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT record_bill('{"party": 4, "outside_number": "F-7", "issued_on": "2026-04-30", "due_on": "2026-05-10", "lines":
    [{"title": "Design", "price": "500", "project": 1, "contract": 1}, {"title": "Licence", "price": "100", "tax_rate": "20", "article": "tools"}]}') AS b \gset
SELECT record_bill('{"party": 4, "outside_number": "F-7", "issued_on": "2026-04-30", "due_on": "2026-05-10", "lines":
    [{"title": "Design", "price": "500", "project": 1, "contract": 1}, {"title": "Licence", "price": "100", "tax_rate": "20", "article": "tools"}]}') = :b AS same;
SELECT record_bill('{"party": 4, "outside_number": "F-7", "issued_on": "2026-04-30", "lines": [{"title": "Design", "price": "5000"}]}');
SELECT record_bill('{"party": 4, "issued_on": "2026-04-30", "lines": [{"title": "No number", "price": "1"}]}');
SELECT status, number, net, tax, gross, open FROM document_card WHERE document_id = :b;
SELECT pay_bill(:b, 1, '2026-05-05');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('out', 'posted', '2026-05-01', 120, 'EUR', 1, 'contractors', 4) RETURNING id AS p \gset
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b, 'amount', '120')));
SELECT allocate_payment(:p);
SELECT account, posted_balance FROM account_balance WHERE account IN ('contractors', 'payable', 'tools') ORDER BY 1;
SELECT transition(:b, 'agreed');
-- accepted: 500 to contractors beside the 120 that the payment accrued itself, until it settles the bill
SELECT account, posted_balance FROM account_balance WHERE account IN ('contractors', 'payable', 'tools') ORDER BY 1;
SELECT allocate_payment(:p);
SELECT account, posted_balance FROM account_balance WHERE account IN ('contractors', 'payable', 'tools') ORDER BY 1;
SELECT status, paid, open FROM document_card WHERE document_id = :b;
SELECT pay_bill(:b, 1, '2026-05-06') IS NOT NULL AS paid;
SELECT status, paid, open FROM document_card WHERE document_id = :b;
SELECT account, posted_balance FROM account_balance WHERE account IN ('contractors', 'payable', 'tools', 'cash bank') ORDER BY 1;
SELECT cost FROM contract_card WHERE number = 'A-1';  -- 20 an hour of 1 + 2/3 + 2 + 1 + 1/2 + 1, and the bill's 500
SELECT void(:b, 'paid');
SELECT unallocate(:p);
SELECT account, posted_balance FROM account_balance WHERE account IN ('contractors', 'payable', 'tools') ORDER BY 1;
SELECT status FROM document_card WHERE document_id = :b;
SELECT pay_bill(999, 1);
-- paid whole by one payment and taken back it is accepted again; a bill of who logs hours here is pay, not a cost beside them
SELECT record_bill('{"party": 4, "outside_number": "F-7a", "issued_on": "2026-04-30", "lines": [{"title": "Design", "price": "8"}]}') AS b1 \gset
SELECT transition(:b1, 'agreed');
SELECT pay_bill(:b1, 1, '2026-05-07') AS p1 \gset
SELECT status FROM document WHERE id = :b1;
SELECT unallocate(:p1);
SELECT status FROM document WHERE id = :b1;
SELECT allocate_payment(:p1);
BEGIN;
INSERT INTO employee (name, party_id) VALUES ('Freelancer', 4);
SELECT record_bill('{"party": 4, "outside_number": "F-7b", "issued_on": "2026-04-30", "lines": [{"title": "Hours", "price": "9"}, {"title": "Rent", "price": "1", "article": "rent"}]}') AS b0 \gset
SELECT transition(:b0, 'agreed');
SELECT d.code AS debit, c.code AS credit, e.amount::numeric(9,2) FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id WHERE e.document_id = :b0 ORDER BY e.id;
ROLLBACK;
-- rejected, and taken back after it was accepted
SELECT record_bill('{"party": 4, "outside_number": "F-8", "issued_on": "2026-04-30", "lines": [{"title": "Design", "price": "7"}]}') AS b2 \gset
SELECT transition(:b2, 'rejected', 'not ordered');
SELECT pay_bill(:b2, 1);
SELECT record_bill('{"party": 4, "outside_number": "F-9", "issued_on": "2026-04-30", "lines": [{"title": "Design", "price": "9"}]}') AS b3 \gset
SELECT transition(:b3, 'agreed'), void(:b3, 'not ours');
SELECT account, posted_balance FROM account_balance WHERE account IN ('payable') ORDER BY 1;

-- what contracts ask for at the end of the month, twice
UPDATE contract SET auto_bill = 'report' WHERE number = 'B-1';
UPDATE contract SET auto_bill = 'invoice' WHERE number = 'A-1';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-06-10', 3600), (1, 3, '2026-07-01', 3600);
SELECT count(*), count(problem) FROM draft_due_documents('2026-06-30');
SELECT contract, kind, net FROM document_card WHERE status = 'draft' ORDER BY 1;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-06-11', 3600);
SELECT count(*), count(problem) FROM draft_due_documents('2026-07-15');
SELECT contract, kind, net FROM document_card WHERE status = 'draft' ORDER BY 1;
-- a contract that fails stops no other
UPDATE contract SET auto_bill = 'invoice' WHERE number = 'G-last';
INSERT INTO charge (source, contract_id, client_id, project_id, task_id, service_date, period_start, started_at, coverage, amount, currency, base_amount, cost, base_cost, why)
VALUES ('item', :k, 5, 3, 6, '2026-06-01', '2026-06-01', '2026-06-01', 'billable', 1, 'USD', 1, 0, 0, '{"note": "in dollars"}'), ('item', :k, 5, 3, 6, '2026-06-01', '2026-06-01', '2026-06-01', 'billable', 1, 'EUR', 1, 0, 0, '{"note": "in euro"}');
SELECT c.number, x.document_id IS NOT NULL AS drafted, x.problem FROM draft_due_documents('2026-07-15') x JOIN contract c ON c.id = x.contract_id ORDER BY 1;
DELETE FROM charge WHERE why ->> 'note' = 'in dollars';
-- the billing run drafts them too, and the same drafts again
SELECT contract, outcome, charges, amount, currency, message ~ '^draft (report|invoice) ' AS named FROM run_billing('2026-07-31') WHERE outcome <> 'closed' ORDER BY 1;
SELECT count(*) FROM run_billing('2026-07-31') WHERE outcome = 'drafted';
SELECT count(*) FROM document WHERE status = 'draft';

-- an invoice over work lists what there is to pay for, a report of the same work all of it; what stands on a draft is not
-- billed yet; of what was credited whole no act is made, and nothing is credited below nothing
INSERT INTO party (kind, name) VALUES ('company', 'Delta');
INSERT INTO project (client_id, name) SELECT id, 'Delta' FROM party WHERE name = 'Delta' RETURNING id AS d \gset
INSERT INTO contract (client_id, own_id, number, currency, starts_on) SELECT id, 1, 'D-1', 'EUR', '2026-01-01' FROM party WHERE name = 'Delta';
INSERT INTO task (project_id, title, work_type_id) SELECT :d, v.title, w.id
  FROM (VALUES ('Search', 'development'), ('Filter', 'development'), ('Typo', 'bug')) v (title, code) JOIN work_type w USING (code) ORDER BY v.title;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-07-01', 3600 FROM task WHERE project_id = :d;
SELECT build_report('{"client": "Delta"}') AS v \gset
SELECT title, coverage, net FROM document_sheet(:v);
SELECT discard(:v);
SELECT build_invoice('{"client": "Delta"}', '{"issued_on": "2026-08-01"}') AS v \gset
SELECT title, coverage, net FROM document_sheet(:v);
SELECT t.title, l.place, (SELECT u.document_status FROM unbilled u WHERE u.charge_id = h.id) AS unbilled_on
  FROM charge h JOIN task t ON t.id = h.task_id JOIN charge_place l ON l.charge_id = h.id WHERE t.project_id = :d ORDER BY t.title;
SELECT issue_invoice(:v) = :v AS issued;
SELECT t.title, l.place FROM charge h JOIN task t ON t.id = h.task_id JOIN charge_place l ON l.charge_id = h.id WHERE t.project_id = :d ORDER BY t.title;
SELECT credit(:v, (SELECT jsonb_agg(jsonb_build_object('line', l.id, 'net', '-1')) FROM document_line l WHERE l.document_id = :v AND l.title = 'Filter'), 'the wrong way');
SELECT credit(:v, (SELECT jsonb_agg(jsonb_build_object('line', l.id)) FROM document_line l WHERE l.document_id = :v AND l.title = 'Filter'), 'not wanted') > 0 AS credited;
SELECT issue_act(:v) AS w \gset
SELECT title, net FROM document_sheet(:w);
-- with tax in the price an hour at 60 is 50 and 10; half of it corrected is 25 less
BEGIN;
UPDATE contract SET tax_rate = 20, tax_inclusive = true WHERE number = 'D-1';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-07-03', 3600 FROM task WHERE project_id = :d AND title = 'Filter' RETURNING id AS e \gset
SELECT invoice_work('{"client": "Delta", "from": "2026-07-03"}', '{"issued_on": "2026-08-02"}') AS v \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :v;
SELECT difference FROM correct_entry(:e, '{"duration_s": 1800}', 'half of it');
SELECT h.source, h.amount::numeric(9,2), h.reverses_id IS NOT NULL AS reversal FROM charge h WHERE h.service_date = '2026-07-03' ORDER BY h.id;
ROLLBACK;
-- the tax of credits in parts is that of what is credited so far: 0.05 of 1.00 by 0.33, 0.33 and 0.34 is 0.02, 0.01, 0.02
UPDATE contract SET tax_rate = 5 WHERE number = 'D-1';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-07-02', 60 FROM task WHERE project_id = :d AND title = 'Filter';
SELECT invoice_work('{"client": "Delta", "from": "2026-07-02"}', '{"issued_on": "2026-08-02"}') AS v \gset
SELECT min(id) AS l FROM document_line WHERE document_id = :v \gset
SELECT count(credit(:v, jsonb_build_array(jsonb_build_object('line', :l, 'net', n)), 'in parts')) FROM unnest('{0.33,0.33,0.34}'::text[]) n;
SELECT net, tax, gross FROM document_card WHERE document_id = :v OR based_on = :v ORDER BY document_id;

SELECT * FROM document_problems;
SELECT * FROM check_books();
