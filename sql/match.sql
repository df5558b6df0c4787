-- One account for each party: money that was sent back, debts from before the books, other currencies,
-- bills below zero, locked months.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_match');
SET search_path = t_match, t_match_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('contractor', 'Supplier');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true), ('u', 'Dollar', 'USD', true);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES
    (2, 1, 'A-1', 'EUR', '2024-01-01'), (2, 1, 'A-2', 'EUR', '2024-01-01'), (2, 1, 'U-1', 'USD', '2024-01-01');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.92), ('USD', 'EUR', '2026-02-01', 0.90), ('USD', 'EUR', '2026-03-01', 0.95);
CREATE FUNCTION pg_temp.pay(flow text, amount numeric, day date, party bigint DEFAULT 2, article text DEFAULT 'revenue', contract bigint DEFAULT NULL, cur text DEFAULT 'EUR')
RETURNS bigint LANGUAGE sql AS $$ INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id)
  VALUES (flow, 'posted', day, amount, cur, CASE cur WHEN 'EUR' THEN 1 ELSE 2 END, article, party, contract) RETURNING id $$;
CREATE FUNCTION pg_temp.sell(amount numeric, day date, issued date DEFAULT NULL, contract bigint DEFAULT 1) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE c bigint; BEGIN
  c := charge_item(contract, 1, 1, day, price => amount);
  c := build_invoice(jsonb_build_object('charges', c), jsonb_build_object('issued_on', coalesce(issued, day)));
  RETURN issue_invoice(c); END $$;
CREATE FUNCTION pg_temp.bill(number text, price numeric, day date, cur text DEFAULT 'EUR') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE d bigint := record_bill(jsonb_build_object('party', 3, 'outside_number', number, 'issued_on', day, 'currency', cur, 'lines',
    jsonb_build_array(jsonb_build_object('title', 'work', 'price', abs(price)::text, 'quantity', sign(price)::text))));
BEGIN PERFORM transition(d, 'agreed'); RETURN d; END $$;
CREATE VIEW pg_temp.owed AS SELECT account, currency, balance, base_balance FROM account_balance WHERE account IN ('receivable', 'payable', 'unbilled', 'fx_difference', 'contractors') ORDER BY account, currency;

-- money that was sent back pays no invoice, by whichever door
BEGIN;
SELECT pg_temp.pay('in', 100, '2026-03-01') AS p \gset
SELECT pg_temp.pay('out', 100, '2026-03-02') AS r \gset
SELECT pg_temp.sell(100, '2026-03-05') AS i \gset
SELECT apply_credit(:i), allocate_payment(:p);
SAVEPOINT here;
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p, :i, 1);
ROLLBACK TO here;
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :i, 'amount', '1')));
ROLLBACK TO here;
SELECT status, paid, open FROM document_card WHERE document_id = :i;
SELECT credit FROM client_credit;
SELECT kind, debit, credit, balance FROM client_statement(2, '2026-01-01', '2026-12-31');
SELECT * FROM unallocated_payment;
-- and the refund is void: the money is there again
UPDATE payment SET status = 'void' WHERE id = :r;
SELECT allocate_payment(:p);
SELECT status, open FROM document_card WHERE document_id = :i;
SELECT * FROM check_books();
ROLLBACK;

-- part of it was sent back; two payments share what is left
BEGIN;
SELECT pg_temp.pay('in', 60, '2026-03-01') AS p, pg_temp.pay('in', 60, '2026-03-01') AS q \gset
SELECT pg_temp.pay('out', 50, '2026-03-02') AS r \gset
SELECT pg_temp.sell(100, '2026-03-05') AS i \gset
SELECT allocate_payment(:p), allocate_payment(:q);
SELECT paid, open FROM document_card WHERE document_id = :i;
SELECT credit FROM client_credit;
SELECT * FROM check_books();
ROLLBACK;

-- a refund after the invoice was paid opens it again: what was allocated last, or the invoice that it names
BEGIN;
SELECT pg_temp.sell(100, '2026-03-05') AS i \gset
SELECT pg_temp.sell(40, '2026-03-06') AS j \gset
SELECT pg_temp.pay('in', 140, '2026-03-07') AS p \gset
SELECT allocate_payment(:p);
SELECT pg_temp.pay('out', 30, '2026-03-08') AS r \gset
SELECT document_id = :i AS first, status, paid, open FROM document_card ORDER BY document_id;
SELECT record_payment('{"flow": "out", "amount": "25", "cash_account": "bank", "party": 2, "article": "revenue", "paid_on": "2026-03-09", "bank_ref": "r-1"}'
    || jsonb_build_object('allocations', jsonb_build_array(jsonb_build_object('document', :i, 'amount', '25')))) FROM generate_series(1, 2);
SELECT document_id = :i AS first, status, paid, open FROM document_card ORDER BY document_id;
SELECT credit FROM client_credit;
SAVEPOINT here;
SELECT record_payment('{"flow": "out", "amount": "76", "cash_account": "bank", "party": 2, "article": "revenue", "paid_on": "2026-03-09"}'
    || jsonb_build_object('allocations', jsonb_build_array(jsonb_build_object('document', :i, 'amount', '76'))));
ROLLBACK TO here;
-- more than he ever paid: the bank's fact is taken, and it is his debt
SELECT pg_temp.pay('out', 100, '2026-03-10') AS r \gset
SELECT sum(paid) AS paid, sum(open) AS open FROM document_card;
SELECT credit FROM client_credit;
SELECT * FROM check_books();
ROLLBACK;

-- money of one contract is not another's
BEGIN;
SELECT pg_temp.pay('in', 300, '2026-03-01', contract => 2) AS p \gset
SELECT pg_temp.sell(100, '2026-03-05') AS i \gset
SELECT apply_credit(:i), allocate_payment(:p);
SAVEPOINT here;
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:p, :i, 1);
ROLLBACK TO here;
SELECT number, receipts, charged, balance FROM contract_card ORDER BY 1;
-- what was sent back of a contract is not there for it, though the client has money of another
SELECT pg_temp.pay('in', 50, '2026-03-01', contract => 1) AS q \gset
SELECT pg_temp.pay('out', 50, '2026-03-02', contract => 1) AS r \gset
SELECT allocate_payment(:q), credit FROM client_credit;
UPDATE payment SET contract_id = NULL WHERE id = :p;
SELECT allocate_payment(:p);
UPDATE payment SET contract_id = 2 WHERE id = :p;
ROLLBACK TO here;
SELECT * FROM check_books();
ROLLBACK;

-- a debt from before the books is the client's, and so is an advance
BEGIN;
SELECT post('opening', '[{"on": "2026-01-01", "debit": "receivable", "credit": "opening", "amount": "700", "currency": "EUR", "party": 2}]') > 0 AS posted;
SELECT kind, debit, credit, balance FROM client_statement(2, '2026-01-01', '2026-12-31');
SELECT pg_temp.pay('in', 700, '2026-02-01') AS p \gset
SELECT pg_temp.sell(50, '2026-03-01') AS i \gset
SELECT apply_credit(:i), allocate_payment(:p);
SELECT kind, balance FROM client_statement(2, '2026-02-01', '2026-12-31');
SELECT credit FROM client_credit;
SELECT reverse_event(event_of('user', 'opening'), 'not so');
SELECT allocate_payment(:p);
SELECT credit FROM client_credit;
SELECT kind, balance FROM client_statement(2, '2026-01-01', '2026-12-31');
SELECT * FROM check_books();
ROLLBACK;

-- an advance to a supplier of a locked month meets its bill, and leaves it again: March stays, the cost stands once
BEGIN;
SELECT pg_temp.pay('out', 500, '2026-03-10', 3, 'contractors') AS p \gset
INSERT INTO period_lock VALUES ('2026-03-31');
SELECT pg_temp.bill('7', 500, '2026-04-05') AS b \gset
SELECT allocate_payment(:p);
SELECT month, amount FROM pnl_article_month WHERE article = 'contractors' ORDER BY 1;
SELECT * FROM pg_temp.owed;
SELECT status, open FROM document_card WHERE document_id = :b;
INSERT INTO period_lock VALUES ('2026-04-30');
SELECT unallocate(:p);
SELECT month, amount FROM pnl_article_month WHERE article = 'contractors' ORDER BY 1;
SELECT * FROM pg_temp.owed;
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b, 'amount', '200')));
SELECT month, amount FROM pnl_article_month WHERE article = 'contractors' ORDER BY 1;
SELECT account, balance FROM pg_temp.owed;
-- the payment never was: it goes on the first day that is open
UPDATE payment SET status = 'void' WHERE id = :p;
SELECT month, amount FROM pnl_article_month WHERE article = 'contractors' ORDER BY 1;
SELECT entry_on, amount FROM ledger_line WHERE account = 'cash bank' ORDER BY entry_id;
SELECT * FROM check_books();
ROLLBACK;

-- a receipt of a locked month is matched, and taken back, without opening it
BEGIN;
SELECT pg_temp.pay('in', 100, '2026-03-10') AS p \gset
SELECT pg_temp.sell(100, '2026-03-05') AS i \gset
INSERT INTO period_lock VALUES ('2026-03-31');
SELECT allocate_payment(:p);
UPDATE payment SET status = 'void' WHERE id = :p;
SELECT status, open FROM document_card WHERE document_id = :i;
SELECT on_date, kind, debit, credit, balance FROM client_statement(2, '2026-03-01', '2026-04-30');
SAVEPOINT here;
SELECT pg_temp.sell(100, '2026-03-10', '2026-03-15');
ROLLBACK TO here;
SELECT credit(:i, NULL, 'too late', '2026-03-20');
ROLLBACK TO here;
SELECT void(:i, 'never agreed');
SELECT on_date, kind, debit, credit, balance FROM client_statement(2, '2026-03-01', '2026-04-30');
SELECT * FROM check_books();
ROLLBACK;

-- a bill below zero is taken off what is paid for others
BEGIN;
SELECT pg_temp.bill('B-1', 150, '2026-03-01') AS b1, pg_temp.bill('B-2', -70, '2026-03-02') AS b2 \gset
SAVEPOINT here;
SELECT pay_bill(:b2, 1);
ROLLBACK TO here;
SELECT pg_temp.pay('out', 80, '2026-03-10', 3, 'contractors') AS p \gset
SELECT allocate_payment(:p);
SELECT status, gross, open FROM document_card ORDER BY document_id;
SELECT * FROM pg_temp.owed;
SELECT * FROM check_books();
ROLLBACK TO here;
-- as far as it is needed
SELECT pg_temp.pay('out', 120, '2026-03-10', 3, 'contractors') AS p \gset
SELECT allocate_payment(:p);
SELECT status, gross, open FROM document_card ORDER BY document_id;
-- and the rest comes back as money
SELECT pg_temp.pay('in', 40, '2026-03-11', 3, 'contractors') AS q \gset
SELECT allocate_payment(:q);
SELECT status, gross, open FROM document_card ORDER BY document_id;
SELECT * FROM pg_temp.owed;
SELECT * FROM check_books();
ROLLBACK TO here;
-- named, with its sign
SELECT pg_temp.pay('out', 80, '2026-03-10', 3, 'contractors') AS p \gset
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b1, 'amount', '150'), jsonb_build_object('document', :b2, 'amount', '-70')));
SAVEPOINT named;
SELECT unallocate(:p, :b2);
ROLLBACK TO named;
SELECT unallocate(:p);
SAVEPOINT named;
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b2, 'amount', '70')));
ROLLBACK TO named;
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b2, 'amount', '-70')));
ROLLBACK TO here;
SELECT pg_temp.pay('out', 80, '2026-03-10', 3, 'contractors') AS p \gset
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :b2, 'amount', '-70.01')));
ROLLBACK;

-- what was owed at one rate and paid at another: both sides end at zero, the difference is a gain or a loss
BEGIN;
SELECT pg_temp.pay('in', 1000, '2026-01-10', cur => 'USD') AS p \gset
SELECT pg_temp.sell(1000, '2026-02-15', contract => 3) AS i \gset
SELECT * FROM pg_temp.owed;
SELECT allocate_payment(:p);
SELECT * FROM pg_temp.owed;
SELECT month, revenue, fx, net_profit FROM pnl_month ORDER BY 1;
SELECT unallocate(:p);
SELECT * FROM pg_temp.owed;
SELECT * FROM check_books();
ROLLBACK;
-- in thirds, and a part is credited before the last
BEGIN;
SELECT pg_temp.sell(100, '2026-02-15', contract => 3) AS i \gset
SELECT allocate_payment(pg_temp.pay('in', 33.33, '2026-03-10', cur => 'USD'));
SELECT account, balance, base_balance FROM pg_temp.owed;
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :i), 'net', '33.34')), 'a third less', '2026-03-11') > 0 AS credited;
SELECT allocate_payment(pg_temp.pay('in', 33.33, '2026-03-12', cur => 'USD'));
SELECT account, balance, base_balance FROM pg_temp.owed;
SELECT * FROM check_books();
ROLLBACK;
-- a bill of a supplier, paid before and after
BEGIN;
SELECT pg_temp.pay('out', 400, '2026-01-10', 3, 'contractors', cur => 'USD') AS p \gset
SELECT pg_temp.bill('U-7', 1000, '2026-02-10', 'USD') AS b \gset
SELECT allocate_payment(:p);
SELECT pay_bill(:b, 2, '2026-03-05') > 0 AS paid;
SELECT * FROM pg_temp.owed;
SELECT month, gross_profit, fx, net_profit FROM pnl_month ORDER BY 1;
SELECT * FROM check_books();
ROLLBACK;

-- a balance has the tax that the receipts have, profit has not
BEGIN;
UPDATE contract SET tax_rate = 20 WHERE id = 1;
INSERT INTO price (price_list_id, item_id, price, cost) VALUES (1, 1, 100, 30);
SELECT charge_item(1, 1, 1, '2026-03-01') > 0 AS charged;
SELECT receipts, receipts_net, charged, tax, balance FROM contract_card WHERE number = 'A-1';
SELECT issue_invoice(build_invoice('{"client": 2}', '{"issued_on": "2026-03-01"}')) AS i \gset
SELECT pg_temp.pay('in', 120, '2026-03-02', contract => 1) AS p \gset
SELECT receipts, receipts_net, charged, tax, balance, profit_cash, profit_accrual, margin_cash_pct FROM contract_card WHERE number = 'A-1';
SELECT allocate_payment(:p);
SELECT receipts, receipts_net, charged, tax, balance, profit_cash, profit_accrual, margin_cash_pct FROM contract_card WHERE number = 'A-1';
-- an advance for work to come
SELECT pg_temp.pay('in', 60, '2026-03-03', contract => 1) AS q \gset
SELECT receipts, receipts_net, balance, profit_cash FROM contract_card WHERE number = 'A-1';
SELECT pg_temp.pay('out', 60, '2026-03-04', contract => 1) AS r \gset
SELECT receipts, receipts_net, balance, profit_cash FROM contract_card WHERE number = 'A-1';
-- the rate changes: what was invoiced keeps its tax
UPDATE contract SET tax_rate = 10 WHERE id = 1;
SELECT charge_item(1, 1, 1, '2026-03-05') > 0 AS charged;
SELECT receipts, receipts_net, charged, tax, balance FROM contract_card WHERE number = 'A-1';
SELECT * FROM check_books();
ROLLBACK;
SELECT * FROM check_books();

-- an act after a part credit shows what is left: 100 + 20 %, 20 credited, 80 + 16
UPDATE contract SET tax_rate = 20 WHERE number = 'A-1';
SELECT pg_temp.sell(100, '2026-09-01') AS i \gset
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :i), 'net', '20')), 'less', '2026-09-02', 'waive') > 0 AS credited;
SELECT issue_act(:i, '{"issued_on": "2026-09-03"}') AS a \gset
SELECT quantity, price, discount, net, tax, gross FROM document_sheet(:a);
SELECT net, tax, gross FROM document_card WHERE document_id = :a;
SELECT count(*) FROM check_books();
