-- What is locked takes no posting: what is done later is posted on the first day
-- that is open, and never before.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_locked');
SET search_path = t_locked, t_locked_internal, finance, public;
SET datestyle = 'ISO';
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('p', 'Things', 'EUR', true);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO price (price_list_id, item_id, price, cost) VALUES (1, 1, 100, 30);
INSERT INTO contract (client_id, number, currency, starts_on, tax_rate) VALUES (2, 'A-1', 'EUR', '2026-01-01', 20);
CREATE VIEW posted AS
    SELECT CASE e.entry_on WHEN books_today() THEN 'today' ELSE iso(e.entry_on) END AS entry_on, d.code AS debit, c.code AS credit, e.amount::numeric(9,2) AS amount
      FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id ORDER BY e.id;
-- work of a day that is locked by now is revenue of the first open day; tax is of the day of issue
SELECT charge_item(1, 1, 1, '2026-01-15') AS charge \gset
INSERT INTO period_lock (locked_through) VALUES ('2026-01-31');
SELECT invoice_work('{"contract": "A-1"}', '{"issued_on": "2026-02-03"}') AS invoice \gset
SELECT * FROM posted;
-- the last locked day takes nothing, the day after it does
SELECT post('a', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]');
SELECT post('b', '[{"on": "2026-02-01", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]') > 0 AS posted;
-- an invoice of a month that is locked since is void today: its tax is taken back there
INSERT INTO period_lock (locked_through) VALUES ('2026-02-28');
SELECT void(:invoice, 'wrong client');
SELECT * FROM posted WHERE amount < 0;
SELECT frozen_at IS NOT NULL AS frozen FROM charge WHERE id = :charge;
-- and its work is reversed on the first open day
SELECT adjust_charge(:charge, -100, 'never done') > 0 AS written_off;
SELECT close_period(1, '2026-01-01');
SELECT * FROM posted WHERE entry_on >= '2026-03-01';
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_locked CASCADE;
DROP SCHEMA IF EXISTS t_locked_internal CASCADE;
