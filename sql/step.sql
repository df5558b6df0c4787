-- The steps of documents one by one, and what is looked at once a statement:
-- lines of what is issued, allocations, notices.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_step');
SET search_path = t_step, t_step_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES
    (2, 'A', 'EUR', '2026-01-01'), (3, 'B', 'EUR', '2026-01-01');
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO task (project_id, title) VALUES (1, 'Menu'), (2, 'Basket');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');

-- every step that the list names is a branch, and every kind of document goes out
SELECT DISTINCT does FROM document_transition WHERE does IS NOT NULL ORDER BY 1;
SELECT DISTINCT follows FROM document_transition WHERE follows IS NOT NULL ORDER BY 1;
SELECT kind, does, follows FROM document_transition WHERE from_status = 'draft' AND to_status = 'sent' ORDER BY 1;
SELECT kind, from_status, to_status FROM document_transition GROUP BY 1, 2, 3 HAVING count(*) > 1;

-- three invoices of Alpha, 100 each, due one after the other
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-03-03", "due_on": "2026-03-30"}') AS i1 \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-04', 3600);
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-03-05", "due_on": "2026-03-20"}') AS i2 \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-06', 3600);
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-03-07", "due_on": "2026-03-25"}') AS i3 \gset
CREATE VIEW pg_temp.state AS SELECT document_id - :i1 AS no, status, paid, open FROM document_card WHERE kind = 'invoice' ORDER BY 1;
CREATE FUNCTION pg_temp.pay(amount numeric) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
    VALUES ('in', 'posted', '2026-03-31', amount, 'EUR', 1, 'revenue', 2) RETURNING id $$;

-- ---------------------------------------------------------------------------
-- oldest due first, by a running sum: 250 pay the 2nd, the 3rd and half of the 1st
-- ---------------------------------------------------------------------------
SELECT pg_temp.pay(250) AS p \gset
SELECT allocate_payment(:p);
SELECT * FROM pg_temp.state;
SELECT message FROM notification ORDER BY id;
-- again, with nothing left; and what is over stays credit
SELECT allocate_payment(:p);
SELECT pg_temp.pay(70) AS p2 \gset
SELECT allocate_payment(:p2);
SELECT * FROM pg_temp.state;
SELECT credit FROM client_credit;
-- taken back at once: two documents, two notices withdrawn
SELECT unallocate(:p);
SELECT * FROM pg_temp.state;
SELECT count(*) FROM notification;
SELECT reason FROM document_status_change ORDER BY id DESC LIMIT 1;
-- credit of two payments, oldest first: 100 of the 270 that are free
SELECT apply_credit(:i2);
SELECT p.amount AS of, a.amount FROM payment_allocation a JOIN payment p ON p.id = a.payment_id ORDER BY a.id;

-- ---------------------------------------------------------------------------
-- a statement is looked at as a whole, each row after those before it
-- ---------------------------------------------------------------------------
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :i3, 'amount', '60'), jsonb_build_object('document', :i3, 'amount', '60')));
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p, :i3, 60), (:p2, :i3, 60);
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p, :i3, 100), (:p, :i1, 51);
SELECT pg_temp.pay(1) AS p3 \gset
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p3, :i3, 1), (:p3, :i1, 1);
UPDATE payment_allocation SET amount = amount + 30;
UPDATE payment_allocation SET amount = 0;
SELECT * FROM pg_temp.state;

-- given back by a credit note: the last that was paid first
SELECT allocate_payment(:p3, jsonb_build_array(jsonb_build_object('document', :i2, 'amount', '1')));
SELECT unallocate(:p, :i2);
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :i2, 'amount', '99')));
SELECT credit(:i2, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :i2), 'net', '30')), 'too slow') IS NOT NULL AS credited;
SELECT p.amount AS of, a.amount FROM payment_allocation a JOIN payment p ON p.id = a.payment_id WHERE a.document_id = :i2 ORDER BY a.id;
SELECT * FROM pg_temp.state;

-- ---------------------------------------------------------------------------
-- lines of what is issued stay, in any statement; amounts are whole cents
-- ---------------------------------------------------------------------------
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-02', 3600);
SELECT build_report('{"client": 3}', '{"issued_on": "2026-04-01"}') AS r \gset
UPDATE document_line SET title = 'other';
UPDATE document_line SET document_id = :i1, kind = 'invoice', claim = false WHERE document_id = :r;
DELETE FROM document_line;
INSERT INTO document_line (document_id, kind, currency, charge_id, claim) SELECT :i1, 'invoice', 'EUR', charge_id, false FROM document_line WHERE document_id = :r;
UPDATE document_line SET title = 'of a draft' WHERE document_id = :r;
UPDATE document_line SET net = 0.001, tax = 0, gross = 0.001 WHERE document_id = :r;
UPDATE document SET discount_amount = 0.001 WHERE id = :r;
UPDATE document SET gross = 1, net = 1, tax = 0 WHERE id = :i1;

-- ---------------------------------------------------------------------------
-- one door: what may not be is refused whoever writes it, and says why once
-- ---------------------------------------------------------------------------
SELECT transition(:r, 'sent');
UPDATE document SET status = 'superseded' WHERE id = :r;
UPDATE document SET status = 'rejected', status_reason = NULL WHERE id = :r;
UPDATE document SET status = 'invoiced' WHERE id = :r;
SELECT revise(:r) AS r2 \gset
SELECT status, charges FROM (SELECT d.id, d.status, count(l.id) FILTER (WHERE l.released_at IS NULL) AS charges
                               FROM document d JOIN document_line l ON l.document_id = d.id GROUP BY 1, 2) x WHERE id IN (:r, :r2) ORDER BY id;

-- a contract that is refused says how and what to do; what is nobody's refusal stops all
UPDATE contract SET auto_bill = 'report' WHERE number = 'B';
SELECT discard(:r2);
INSERT INTO contract (client_id, parent_id, number, currency, starts_on, bands, tax_level) VALUES
    (3, 2, 'B-2', 'EUR', '2026-01-01', '{after_hours}', 'total');
INSERT INTO item (code, name) VALUES ('x', 'Thing');
SELECT charge_item((SELECT id FROM contract WHERE number = 'B-2'), 1, 1, '2026-03-02', price => 1) IS NOT NULL AS charged;
SELECT c.number, x.problem, x.state, x.hint FROM draft_due_documents('2026-03-31') x JOIN contract c ON c.id = x.contract_id ORDER BY 1;
CREATE FUNCTION pg_temp.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'out of paper' USING ERRCODE = '53100'; END $$;
SELECT build_report('{"client": 3}');
UPDATE contract SET tax_level = 'line' WHERE number = 'B-2';
CREATE TRIGGER z_broken BEFORE INSERT ON document FOR EACH ROW EXECUTE FUNCTION pg_temp.broken();
SELECT * FROM draft_due_documents('2026-03-31');
DROP TRIGGER z_broken ON document;
SELECT * FROM check_books();
