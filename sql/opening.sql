-- A company that ran before comes into the books; what is settled without money; own
-- money in other currencies.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_opening');
SET search_path = t_opening, t_opening_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('contractor', 'Petro'), ('company', 'Both');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true), ('u', 'Dollar', 'USD', true);
INSERT INTO item (code, name) VALUES ('x', 'Thing x');
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2025-12-01', 0.90), ('USD', 'EUR', '2026-01-31', 0.92), ('USD', 'EUR', '2026-02-15', 0.95);
INSERT INTO contract (client_id, own_id, number, currency, starts_on, price_list_id)
VALUES (2, 1, 'A-1', 'EUR', '2025-01-01', 1), (4, 1, 'B-1', 'EUR', '2025-01-01', 1);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');
CREATE VIEW pg_temp.sound AS SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- opening balances of 1 January 2026, by hand:
--   cash 10 000.00 EUR and 1 000.00 USD (900.00 EUR), debts of clients 700.00 + 300.00,
--   a bill of 250.00, an advance of a client of 400.00, one to a supplier of 100.00,
--   a loan of 5 000.00: opening = -(10 000 + 900 + 1 000 - 250 - 400 + 100 - 5 000) = -6 350.00
-- ---------------------------------------------------------------------------
CREATE TABLE pg_temp.opening AS SELECT '{"cash": [{"cash_account": "bank", "amount": "10000"}, {"cash_account": "dollars", "amount": "1000"}],
  "debts": [{"contract": "A-1", "number": "OLD-17", "amount": "700", "issued_on": "2025-11-03", "due_on": "2025-11-17"},
            {"party": "Both", "number": "OLD-18", "amount": "300", "due_on": "2026-01-20"}],
  "bills": [{"party": "Petro", "number": "77", "amount": "250", "due_on": "2026-01-15"}],
  "advances": [{"contract": "A-1", "amount": "400"}, {"party": "Petro", "amount": "100", "flow": "out"}],
  "hours": [{"contract": "A-1", "hours": "12.5", "expires_on": "2099-12-31"}],
  "accounts": [{"account": "loan", "amount": "-5000"}]}'::jsonb AS content;
SELECT what, count(*) FROM open_balances('2026-01-01', (SELECT content FROM pg_temp.opening)) GROUP BY 1 ORDER BY 1;
-- again it brings nothing
SELECT what, count(*) FROM open_balances('2026-01-01', (SELECT content FROM pg_temp.opening)) GROUP BY 1 ORDER BY 1;
SELECT account, currency, balance, base_balance FROM account_balance WHERE balance <> 0 ORDER BY 1, 2;
SELECT month, revenue, net_profit FROM pnl_month;
SELECT currency, opening, operating_in, operating_out, investing, financing, transfers, net, closing FROM cash_flow_month;
SELECT document_id, kind, number, status, issued_on, due_on, gross, open FROM document_card ORDER BY 1;
SELECT party, currency, credit FROM client_credit ORDER BY 1;
SELECT number, receipts, adjustments, charged, balance, profit_cash, hours_left FROM contract_card ORDER BY 1;
SELECT on_date, kind, number, debit, credit, balance FROM client_statement(2, '2026-01-01', '2026-12-31');
SELECT * FROM pg_temp.sound;

-- a debt is paid like any other: by credit, and by money that comes in
SELECT apply_credit((SELECT id FROM document WHERE number = 'OLD-17'));
SELECT * FROM record_payment('{"party": "Client", "amount": "300", "cash_account": "bank", "paid_on": "2026-01-10"}');
SELECT * FROM record_payment('{"party": "Both", "amount": "300", "cash_account": "bank", "paid_on": "2026-01-11", "allocations": [{"document": "OLD-18", "amount": "300"}]}');
-- and a bill by the advance and by the bank, without a cost of this year
SELECT allocate_payment((SELECT id FROM payment WHERE source = 'opening' AND flow = 'out'));
SELECT pay_bill((SELECT id FROM document WHERE kind = 'bill'), 1, '2026-01-12') > 0 AS paid;
SELECT kind, status, open FROM document_card ORDER BY document_id;
SELECT number, receipts, adjustments, charged, balance, profit_cash FROM contract_card ORDER BY 1;
SELECT month, revenue, gross_profit, net_profit FROM pnl_month;
SELECT account, currency, balance FROM account_balance WHERE balance <> 0 ORDER BY 1, 2;
SELECT month, currency, opening, operating_in, operating_out, net, closing FROM cash_flow_month ORDER BY 1, 2;
SELECT * FROM pg_temp.sound;

-- what was opened wrong is taken back and opened anew
SELECT open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "OLD-19", "amount": "50"}]}') IS NOT NULL AS opened;
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "OLD-19", "amount": "55"}]}');
SELECT void((SELECT id FROM document WHERE number = 'OLD-19'), 'it was 55');
SELECT count(*) FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "OLD-19", "amount": "55"}]}');
SELECT number, status, gross FROM document_card WHERE number = 'OLD-19' ORDER BY document_id;
-- refusals
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "amount": "55"}]}');
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "1", "amount": "55", "price": "1"}]}');
SELECT * FROM open_balances('2026-01-01', '{"stock": []}');
SELECT * FROM open_balances(NULL, '{}');
SELECT * FROM open_balances('2026-01-01', '{"accounts": [{"account": "receivable", "amount": "1"}]}');
SELECT * FROM open_balances('2026-01-01', '{"advances": [{"contract": "A-1", "amount": "401"}]}');
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "2", "amount": "0"}]}');
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "2", "amount": "-5"}]}');
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "2", "amount": "many"}]}');
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"party": "Both", "number": "2", "amount": "5", "issued_on": "2026-01-02"}]}');
SELECT draft_document('{"kind": "debt", "party": "Both"}');
-- a balance that was wrong, too
SELECT id AS loan FROM open_balances('2026-01-01', '{"accounts": [{"account": "loan", "amount": "-5000"}]}') \gset
SELECT * FROM open_balances('2026-01-01', '{"accounts": [{"account": "loan", "amount": "-5100"}]}');
SELECT reverse_event(:loan, 'it was 5100') > 0 AS taken_back;
SELECT id AS loan2 FROM open_balances('2026-01-01', '{"accounts": [{"account": "loan", "amount": "-5100"}]}') \gset
SELECT id = :loan2 AS same FROM open_balances('2026-01-01', '{"accounts": [{"account": "loan", "amount": "-5100"}]}');
SELECT balance FROM account_balance WHERE account = 'loan';
SELECT * FROM pg_temp.sound;

-- ---------------------------------------------------------------------------
-- what is given up
-- ---------------------------------------------------------------------------
CREATE FUNCTION pg_temp.sell(contract bigint, amount numeric, day date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v bigint;
BEGIN
    v := charge_item(contract, 1, 1, day, price => amount);
    v := build_invoice(jsonb_build_object('charges', v), jsonb_build_object('issued_on', day));
    RETURN issue_invoice(v);
END $$;
SELECT pg_temp.sell(1, 42.42, '2026-02-01') AS cents \gset
SELECT * FROM record_payment(jsonb_build_object('contract', 1, 'amount', '42.41', 'cash_account', 1, 'paid_on', '2026-02-02'));
SELECT write_off(:cents, '');
SELECT write_off(:cents, 'a cent', 0.02);
SELECT write_off(:cents, 'a cent', article => 'nothing');
SELECT write_off(:cents, 'a cent', article => 'loan');
SELECT write_off(:cents, 'a cent', on_date => '2026-02-03') AS cent \gset
SELECT status, open FROM document_card WHERE document_id = :cents;
SELECT write_off(:cents, 'again');
SELECT number, receipts, adjustments, charged, balance FROM contract_card WHERE number = 'A-1';
SELECT month, revenue, other, net_profit FROM pnl_month WHERE month = '2026-02-01';
SELECT on_date, kind, detail, debit, credit, balance FROM client_statement(2, '2026-02-01', '2026-12-31');
UPDATE payment SET status = 'void' WHERE id = :cent;
SELECT status, open FROM document_card WHERE document_id = :cents;
SELECT write_off(:cents, 'a cent', article => 'bank_fees', on_date => '2026-02-03') > 0 AS written_off;
-- a limit, and a right
CREATE ROLE regress_finance_opening;
SELECT grant_access('regress_finance_opening', 'clerk');
SELECT pg_temp.sell(1, 100, '2026-02-05') AS bad \gset
SET ROLE regress_finance_opening;
SELECT write_off(:bad, 'he is broke');
SELECT write_off(:bad, 'small change', 0.60) > 0 AS written_off;
-- many small ones are a big one
SELECT write_off(:bad, 'small change', 0.60);
SELECT write_off(:bad, 'small change', 0.40) > 0 AS written_off;
INSERT INTO payment (flow, status, paid_on, amount, currency, contra, article, party_id) VALUES ('in', 'posted', '2026-02-06', 50, 'EUR', 'other_expense', 'revenue', 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, contra, article, party_id) VALUES ('in', 'posted', '2026-02-06', 50, 'EUR', 'opening', 'revenue', 2);
RESET ROLE;
INSERT INTO payment (flow, status, paid_on, amount, currency, contra, article, party_id) VALUES ('in', 'posted', '2026-02-06', 50, 'EUR', 'loan', 'revenue', 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, contra, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-02-06', 50, 'EUR', 'other_expense', 1, 'revenue', 2);
SELECT write_off(:bad, 'he is broke', on_date => '2026-02-28') > 0 AS written_off;
-- what was paid too much, and will not be asked back
SELECT * FROM record_payment('{"party": "Client", "amount": "0.30", "cash_account": "bank", "paid_on": "2026-02-20"}');
SELECT write_off_credit(2, 'EUR', 'not worth a transfer', 0.31);
SELECT write_off_credit(2, 'EUR', 'not worth a transfer', on_date => '2026-02-21') > 0 AS kept;
SELECT credit FROM client_credit WHERE party_id = 2;
SELECT month, other, net_profit FROM pnl_month WHERE month = '2026-02-01';
SELECT * FROM pg_temp.sound;

-- ---------------------------------------------------------------------------
-- what is set off: he owes us 55.00 and 120.00, we owe him 150.00
-- ---------------------------------------------------------------------------
SELECT pg_temp.sell(2, 120, '2026-02-10') AS theirs \gset
SELECT record_bill('{"party": "Both", "outside_number": "9", "issued_on": "2026-02-11", "lines": [{"title": "design", "price": "150"}]}') AS ours \gset
SELECT net_out(4, 'EUR');
SELECT transition(:ours, 'agreed');
SELECT net_out(4, 'EUR', 151);
SELECT net_out(4, 'EUR', on_date => '2026-02-12') AS netting \gset
SELECT kind, number, status, gross FROM document_card WHERE document_id = :netting;
SELECT position, title, amount FROM document_line WHERE document_id = :netting ORDER BY position;
SELECT kind, status, open FROM document_card WHERE party_id = 4 AND kind IN ('invoice', 'debt', 'bill') AND status <> 'void' ORDER BY document_id;
SELECT account, balance FROM account_balance WHERE account IN ('netting', 'payable', 'receivable') ORDER BY 1;
SELECT month, gross_profit, net_profit FROM pnl_month WHERE month = '2026-02-01';
SELECT on_date, kind, debit, credit, balance FROM client_statement(4, '2026-02-12', '2026-02-12');
SELECT document_html(:netting, 'en') LIKE '%Netting of debts%' AS says_so;
-- one side cannot go alone, nor what was set off be credited under it
SELECT credit(:theirs, NULL, 'all of it', '2026-02-13', 'waive');
UPDATE payment SET status = 'void' WHERE source = 'netting' AND flow = 'in';
SELECT * FROM pg_temp.sound;
SELECT void(:netting, 'he pays after all');
SELECT kind, status, open FROM document_card WHERE party_id = 4 AND kind IN ('invoice', 'debt', 'bill') AND status <> 'void' ORDER BY document_id;
SELECT account, balance FROM account_balance WHERE account IN ('netting', 'payable', 'receivable') ORDER BY 1;
SELECT * FROM pg_temp.sound;

-- what another company of ours owes is not ours to set off
INSERT INTO party (kind, name) VALUES ('own', 'Us too');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, price_list_id) VALUES (4, 5, 'B-2', 'EUR', '2025-01-01', 1);
SELECT pg_temp.sell(3, 30, '2026-02-14') AS other \gset
SELECT net_out(4, 'EUR');
SELECT net_out(4, 'EUR', own => 5);
SELECT * FROM open_balances('2026-01-01', '{"debts": [{"contract": "B-2", "number": "OLD-30", "amount": "8"}]}') \gset of_
SELECT own_id FROM document WHERE id = :of_id;
SELECT void(:other, 'only to see'), void(:of_id, 'only to see');
SELECT * FROM pg_temp.sound;

-- ---------------------------------------------------------------------------
-- own money: 500.00 USD at the bank's rate become 455.00 EUR, a fee of 2.00 USD; by the
-- rate of that day 500.00 USD are 460.00 EUR, so 5.00 are lost
-- ---------------------------------------------------------------------------
SELECT exchange(2, 1, 500, 455, '2026-02-01', 2, 'for salaries', 'X-1') AS x \gset
SELECT exchange(2, 1, 500, 455, '2026-02-01', 2, 'for salaries', 'X-1') = :x AS same;
SELECT exchange(2, 1, 500, 456, '2026-02-01', 2, 'for salaries', 'X-1');
SELECT exchange(1, 1, 500, 456);
SELECT exchange(2, 1, 500, NULL);
SELECT exchange(2, 1, 500.001, 456);
SELECT exchange(2, 1, 500, 456.001);
SELECT exchange(2, 1, 500, 456, '2025-01-01');
SELECT account, currency, balance, base_balance FROM account_balance WHERE account IN ('cash bank', 'cash dollars', 'conversion') ORDER BY 1, 2;
SELECT sum(base_balance) FROM account_balance WHERE account = 'conversion';
SELECT month, fx FROM pnl_month WHERE month = '2026-02-01';
SELECT month, currency, opening, operating_in, operating_out, transfers, net, closing FROM cash_flow_month ORDER BY 1, 2;
SELECT * FROM pg_temp.sound;
-- on 28 February 498.00 USD are 473.10 EUR; booked are 900.00 - 460.00 - 1.84 = 438.16: 34.94 more
SELECT account, party_id, currency, amount, booked, worth, difference FROM revaluation('2026-02-28');
SELECT record_bill('{"party": "Petro", "outside_number": "U-1", "issued_on": "2026-02-01", "currency": "USD", "lines": [{"title": "work", "price": "200"}]}') AS u \gset
SELECT transition(:u, 'agreed');
-- and 200.00 USD owed at 0.92 are 6.00 EUR more debt
SELECT account, party_id, currency, amount, booked, worth, difference FROM revaluation('2026-02-28');
SELECT cash > 0 AS cash, debts > 0 AS debts, reversal > 0 AS reversal FROM post_revaluation('2026-02-28');
SELECT month, fx FROM pnl_month WHERE month BETWEEN '2026-02-01' AND '2026-06-01' ORDER BY 1;
SELECT count(*) FROM revaluation('2026-02-28');
SELECT account, currency, balance, base_balance FROM account_balance WHERE account IN ('cash dollars', 'payable') ORDER BY 1, 2;
SELECT * FROM post_revaluation('2026-02-28');
-- the bill is paid at 0.95: 6.00 EUR are lost, once
SELECT pay_bill(:u, 2, '2026-03-05') > 0 AS paid;
SELECT month, fx FROM pnl_month WHERE month BETWEEN '2026-02-01' AND '2026-06-01' ORDER BY 1;
SELECT account, currency, balance, base_balance FROM account_balance WHERE account IN ('cash dollars', 'payable') ORDER BY 1, 2;
-- what never was cost nothing, and may be entered anew
UPDATE payment SET status = 'void' WHERE id = :x;
SELECT count(*) FILTER (WHERE status = 'void') AS void, count(*) FILTER (WHERE status = 'posted') AS posted FROM payment WHERE source = 'exchange';
SELECT exchange(2, 1, 500, 455, '2026-02-01', 3, 'for salaries', 'X-1') > :x AS anew;
SELECT exchange(2, 1, 500, 455, '2026-02-01', 2, 'for salaries', 'X-1');
UPDATE payment SET status = 'void' WHERE bank_ref = 'X-1' AND status = 'posted';
SELECT account, currency, balance, base_balance FROM account_balance WHERE account IN ('cash bank', 'conversion') ORDER BY 1, 2;
SELECT revaluation('2025-01-01');
SELECT * FROM pg_temp.sound;
DROP OWNED BY regress_finance_opening;
DROP ROLE regress_finance_opening;
