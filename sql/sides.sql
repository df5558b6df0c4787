-- Two sides: what a party that is client and supplier owes and is owed are two accounts, and whatever a step is about
-- is on the account, the day and the rate that it belongs to.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_sides');
SET search_path = t_sides, t_sides_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('contractor', 'Petro'), ('company', 'Both');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true), ('u', 'Dollar', 'USD', false);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_rate) VALUES
    (2, 'E-1', 'EUR', '2025-01-01', 1, 20), (2, 'U-1', 'USD', '2025-01-01', 2, 20), (4, 'B-1', 'EUR', '2025-01-01', 1, 20);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('usd', 'USD');
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.92), ('USD', 'EUR', '2026-02-01', 0.90), ('USD', 'EUR', '2026-03-01', 0.88);
UPDATE setting SET max_rate_age_days = 400;
CREATE FUNCTION pg_temp.sell(contract bigint, amount numeric, day date) RETURNS bigint LANGUAGE sql AS
    $$ SELECT issue_invoice(build_invoice(jsonb_build_object('charges', charge_item($1, 1, 1, $3, price => $2, cost => 0)), jsonb_build_object('issued_on', $3))) $$;
CREATE FUNCTION pg_temp.bill(party bigint, amount numeric, no text, day date, currency text DEFAULT 'EUR') RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    b bigint := record_bill(jsonb_build_object('party', party, 'outside_number', no, 'issued_on', day, 'currency', currency,
        'lines', jsonb_build_array(jsonb_build_object('title', 'work', 'quantity', sign(amount)::text, 'price', abs(amount)::text))));
BEGIN
    PERFORM transition(b, 'agreed');
    RETURN b;
END $$;
CREATE FUNCTION pg_temp.open(VARIADIC documents bigint[]) RETURNS TABLE (kind text, open numeric) LANGUAGE sql AS
    $$ SELECT kind, trim_scale(open) FROM document_balance WHERE document_id = ANY ($1) ORDER BY document_id $$;
CREATE FUNCTION pg_temp.ledger(day date, VARIADIC accounts text[]) RETURNS TABLE (account text, currency text, balance numeric, base numeric) LANGUAGE sql AS
    $$ SELECT a.code, l.currency, sum(l.amount)::numeric(12,2), sum(l.base_amount)::numeric(12,2) FROM ledger_line l JOIN account a ON a.id = l.account_id
        WHERE a.code = ANY ($2) AND l.entry_on <= $1 GROUP BY 1, 2 HAVING sum(l.amount) <> 0 OR sum(l.base_amount) <> 0 ORDER BY 1, 2 $$;
CREATE VIEW pg_temp.sound AS SELECT * FROM check_books();

-- who is both pays his invoice: what a supplier's correction leaves stays on its own side
SELECT pg_temp.sell(3, 100, '2026-01-10') AS i, pg_temp.bill(4, 50, 'B1', '2026-01-09') AS b1, pg_temp.bill(4, -20, 'B2', '2026-01-08') AS b2 \gset
SELECT allocated, unallocated FROM record_payment('{"amount": "130", "paid_on": "2026-02-10", "cash_account": "bank", "party": "Both"}');
SELECT * FROM pg_temp.open(:i, :b1, :b2);
SELECT * FROM pg_temp.ledger('2026-12-31', 'receivable', 'payable');
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (1, :b2, -10);
-- paid back to the client it pays no bill of his
SELECT payment_id AS refund FROM record_payment('{"flow": "out", "article": "revenue", "amount": "10", "paid_on": "2026-02-12", "cash_account": "bank", "party": "Both"}') \gset
SELECT allocate_payment(:refund);
INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (:refund, :b1, 10);
-- the supplier's side: what he returns for his correction, and what we pay
SELECT allocated, unallocated FROM record_payment(format('{"flow": "in", "article": "contractors", "amount": "20", "paid_on": "2026-02-13", "cash_account": "bank", "party": "Both", "allocations": [{"document": %s, "amount": "-20"}]}', :b2)::jsonb);
SELECT pay_bill(:b1, 1, '2026-02-14') > 0 AS paid;
SELECT * FROM pg_temp.open(:i, :b1, :b2);
SELECT credit FROM client_credit WHERE party_id = 4;
SELECT * FROM pg_temp.ledger('2026-12-31', 'receivable', 'payable');
SELECT * FROM pg_temp.sound;
-- money that named no contract goes back to whom the invoice names
SELECT payment_id AS back FROM record_payment(format('{"flow": "out", "article": "revenue", "amount": "5", "paid_on": "2026-02-15", "cash_account": "bank", "allocations": [{"document": %s, "amount": "5"}]}', :i)::jsonb) \gset
SELECT party_id, contract_id FROM payment WHERE id = :back;
SELECT * FROM pg_temp.open(:i);
SELECT receipts, balance FROM contract_card WHERE number = 'B-1';
-- a match of the other side is found, however it came
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE payment SET article = 'materials' WHERE id = 1;
SELECT rule FROM check_books() WHERE rule ~ 'side';
ROLLBACK;

-- a refund is of its client and of the contract whose money it is, whatever it names
SELECT pg_temp.sell(1, 100, '2026-03-10') AS i \gset
SELECT payment_id FROM record_payment('{"amount": "150", "paid_on": "2026-03-20", "cash_account": "bank", "contract": "E-1"}') \gset
SELECT payment_id AS r1 FROM record_payment('{"flow": "out", "article": "revenue", "amount": "30", "paid_on": "2026-03-21", "cash_account": "bank", "contract": "E-1"}') \gset
SELECT payment_id AS r2 FROM record_payment('{"flow": "out", "article": "revenue", "amount": "20", "paid_on": "2026-03-22", "cash_account": "bank", "party": "Client"}') \gset
SELECT payment_id AS r3 FROM record_payment(format('{"flow": "out", "article": "revenue", "amount": "40", "paid_on": "2026-03-23", "cash_account": "bank", "allocations": [{"document": %s, "amount": "40"}]}', :i)::jsonb) \gset
SELECT party_id, contract_id FROM payment WHERE id IN (:r1, :r2, :r3) ORDER BY id;
SELECT * FROM pg_temp.open(:i);
SELECT receipts, balance FROM contract_card WHERE number = 'E-1';
SELECT balance FROM client_statement(2, '2026-03-01', '2026-03-31') WHERE currency = 'EUR' ORDER BY on_date DESC, kind LIMIT 1;
SELECT record_payment(format('{"flow": "out", "article": "revenue", "amount": "5", "paid_on": "2026-03-24", "cash_account": "bank", "party": "Both", "allocations": [{"document": %s, "amount": "5"}]}', :i)::jsonb);
SELECT * FROM pg_temp.sound;

-- a payment that is corrected takes along what it meant to its documents: the difference of its day …
SELECT pg_temp.sell(2, 1000, '2026-01-10') AS u \gset
SELECT payment_id AS p FROM record_payment('{"amount": "1200", "paid_on": "2026-02-02", "cash_account": "usd", "contract": "U-1"}') \gset
SELECT * FROM pg_temp.ledger('2026-12-31', 'fx_difference');
UPDATE payment SET paid_on = '2026-03-30' WHERE id = :p;
SELECT * FROM pg_temp.ledger('2026-12-31', 'fx_difference', 'receivable');
SELECT * FROM pg_temp.sound;
-- … and the cost that its bill brought: 92 in January, whatever the payment's day and article
SELECT pg_temp.bill(3, 100, 'P1', '2026-01-08', 'USD') AS b \gset
SELECT pay_bill(:b, 2, '2026-02-10') AS p \gset
UPDATE payment SET paid_on = '2026-03-10' WHERE id = :p;
UPDATE payment SET article = 'tools' WHERE id = :p;
SELECT * FROM pg_temp.ledger('2026-01-31', 'contractors', 'tools');
SELECT * FROM pg_temp.ledger('2026-12-31', 'contractors', 'tools', 'payable');
UPDATE payment SET article = 'revenue' WHERE id = :p;
SELECT * FROM pg_temp.sound;
-- a rate that comes late changes nothing that was posted
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-02-05', 0.5), ('USD', 'EUR', '2026-03-15', 0.7);
SELECT * FROM pg_temp.sound;
DELETE FROM exchange_rate WHERE valid_from IN ('2026-02-05', '2026-03-15');

-- a credit is of its own day, revenue and tax alike, and of the rate of its invoice: 400 and 80 of 1000 and 200 at 0.92
SELECT pg_temp.sell(2, 1000, '2026-01-12') AS u \gset
SELECT * FROM pg_temp.ledger('2026-03-09', 'revenue', 'tax_payable');
SELECT credit(:u, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :u AND charge_id IS NOT NULL), 'net', '400')), 'less', '2026-03-10', 'waive') > 0 AS credited;
SELECT * FROM pg_temp.ledger('2026-03-09', 'revenue', 'tax_payable');
SELECT * FROM pg_temp.ledger('2026-03-10', 'revenue', 'tax_payable');
SELECT credit(:u, NULL, 'the rest', '2026-01-11', 'waive');
SELECT credit(:u, NULL, 'the rest', '2026-03-11', 'waive') > 0 AS credited;
SELECT * FROM pg_temp.ledger('2026-12-31', 'revenue', 'tax_payable');
SELECT * FROM pg_temp.sound;
-- what is void is so from today
SELECT pg_temp.sell(1, 50, '2026-04-02') AS v \gset
SELECT void(:v, 'an error');
SELECT sum(amount) AS then FROM client_entry WHERE document_id = :v AND entry_on < books_today();
SELECT sum(amount) AS now FROM client_entry WHERE document_id = :v;
-- what is written off or set off is owed by then
SELECT write_off(:i, 'too early', 0.5, on_date => '2026-03-09');
SELECT pg_temp.bill(2, 10, 'C1', '2026-03-12') AS c \gset
SELECT net_out(2, 'EUR', 10, '2026-03-11');
SELECT net_out(2, 'EUR', 10, '2026-03-12') > 0 AS set_off;
-- posted twice, a revaluation has nothing left to say
SELECT pg_temp.sell(2, 500, '2026-01-20') AS r \gset
SELECT cash IS NOT NULL AS cash, debts IS NOT NULL AS debts FROM post_revaluation('2026-02-28');
SELECT count(*) FROM revaluation('2026-02-28');
SELECT * FROM pg_temp.sound;

-- money is on the account of its currency, and paid for what money is paid for, by a company of ours
SELECT post('b', '[{"on": "2026-04-01", "debit": "cash bank", "credit": "revenue", "amount": "10", "currency": "USD"}]');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-11', 5, 'EUR', 1, 'opening');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('out', 'posted', '2026-03-11', 5, 'EUR', 1, 'unbilled');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, own_id) VALUES ('out', 'posted', '2026-03-11', 5, 'EUR', 1, 'rent', 2);
UPDATE party SET kind = 'own' WHERE id = 2;
UPDATE party SET kind = 'company' WHERE id = 1;
SELECT * FROM pg_temp.sound;
DROP SCHEMA t_sides, t_sides_internal CASCADE;
