-- More time to pay: the due date of what is issued is put off, with its reason, and in no other way.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_due');
SET search_path = t_due, finance, public;
INSERT INTO party (kind, name, payment_terms_days) VALUES ('own', 'Us', 14), ('company', 'Client', 14), ('contractor', 'Petro', 14);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (2, 1, 'A-1', 'EUR', '2024-01-01');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SELECT charge_item(1, 1, 1, '2026-03-01', price => 100) > 0 AS sold;
SELECT build_invoice('{"contract": 1}', '{"issued_on": "2026-03-01"}') AS i \gset

-- of a draft it is still open
SELECT extend_due(:i, '2026-04-30', 'asked');
UPDATE document SET due_on = '2026-03-20' WHERE id = :i;
SELECT issue_invoice(:i) AS i \gset
-- issued: not by hand, not without a reason, not sooner, not to the same day or to none
UPDATE document SET due_on = '2026-03-31' WHERE id = :i;
SELECT extend_due(:i, '2026-03-31', NULL);
SELECT extend_due(:i, '2026-03-31', '');
SELECT extend_due(:i, '2026-03-19', 'sooner');
SELECT extend_due(:i, '2026-03-20', 'same');
SELECT extend_due(:i, NULL, 'never');
SELECT extend_due(:i, 'infinity', 'never');
SELECT extend_due(:i, '12000-01-01', 'never');
-- by a day, and again; the same day again changes nothing
SELECT extend_due(:i, '2026-03-21', 'a day');
SELECT extend_due(:i, '2026-03-31', 'asked by phone'), extend_due(:i, '2026-03-31', 'asked again');
SELECT due_on FROM document WHERE id = :i;
SELECT was_due_on, due_on, reason, by <> '' AS by, login = session_user AS login FROM due_extension ORDER BY id;
SELECT document_json(:i) ->> 'due_on' AS json, document_data(:i, 'en') ->> 'due' AS paper, page_state(:i, 'en') ->> 'put_off' AS put_off, days_overdue = greatest(books_today() - '2026-03-31', 0) AS overdue FROM document_card WHERE document_id = :i;
-- not back to what it was, by hand or by the books' rows
UPDATE document SET due_on = '2026-03-21' WHERE id = :i;
UPDATE document SET due_on = '2026-03-31', title = 'x' WHERE id = :i;
INSERT INTO due_extension (document_id, due_on, reason) VALUES (:i, '2027-01-01', 'x');
DELETE FROM due_extension;
-- paid in part it is still due, paid whole no more
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-03-25', 40, 'EUR', 1, 'revenue', 2), ('in', 'posted', '2026-03-26', 60, 'EUR', 1, 'revenue', 2);
SELECT allocate_payment(1), extend_due(:i, '2026-04-10', 'the rest later');
SELECT allocate_payment(2);
SELECT extend_due(:i, '2026-05-10', 'paid');
SELECT unallocate(2) AS freed, extend_due(:i, '2026-05-10', 'taken back');
-- void, never
SELECT charge_item(1, 1, 1, '2026-03-02', price => 7) > 0 AS sold;
SELECT issue_invoice(build_invoice('{"contract": 1}', '{"issued_on": "2026-03-02"}')) AS v \gset
SELECT void(:v, 'wrong');
SELECT extend_due(:v, '2026-05-10', 'void');
-- bills and proformas alike, a bill without a day too; what asks for nothing is never due
SELECT record_bill('{"party": 3, "outside_number": "1", "issued_on": "2026-03-01", "currency": "EUR", "lines": [{"title": "work", "price": "10"}]}') AS b \gset
SELECT extend_due(:b, '2026-02-28', 'before it came');
SELECT extend_due(:b, '2026-03-01', 'at once'), extend_due(:b, '2026-03-02', 'a day');
SELECT transition(:b, 'rejected', 'not ours');
SELECT extend_due(:b, '2026-04-02', 'rejected');
SELECT draft_document('{"kind": "proforma", "contract": "A-1", "issued_on": "2026-03-01", "lines": [{"title": "x", "price": 5}]}') AS p \gset
SELECT transition(:p, 'sent'), extend_due(:p, '2026-06-01', 'ahead');
SELECT transition(:p, 'agreed'), transition(:p, 'archived');
SELECT extend_due(:p, '2026-07-01', 'put away');
SELECT draft_document('{"kind": "other", "party": 2, "issued_on": "2026-03-01"}') AS o \gset
SELECT transition(:o, 'sent');
SELECT extend_due(:o, '2026-07-01', 'other');
SELECT extend_due(999, '2026-07-01', 'none');
SELECT d.kind, e.was_due_on, e.due_on, e.reason FROM due_extension e JOIN document d ON d.id = e.document_id ORDER BY e.id;
-- who may
CREATE ROLE due_reader; CREATE ROLE due_clerk;
SELECT grant_access('due_reader', 'reader'), grant_access('due_clerk', 'clerk');
SET ROLE due_reader;
SELECT count(*) FROM due_extension;
SELECT extend_due(1, '2026-08-01', 'reader');
SET ROLE due_clerk;
SELECT extend_due(1, '2026-08-01', 'clerk');
RESET ROLE;
SELECT old_value, new_value FROM history_change WHERE table_name = 'document' AND row_key = '1' AND column_name = 'due_on' ORDER BY history_id;
DROP OWNED BY due_reader, due_clerk;
DROP ROLE due_reader, due_clerk;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_due, t_due_internal CASCADE;
