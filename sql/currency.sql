-- Currencies: the books are exact in those of 0 to 2 decimals, and take no others, wherever one enters.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_currency');
SET search_path = t_currency, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('contractor', 'Supplier');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO price_list (code, name, currency) VALUES ('y', 'Yen', 'JPY');
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO cash_account (name, currency) VALUES ('tokyo', 'JPY');
INSERT INTO exchange_rate VALUES ('EUR', 'JPY', '2026-01-01', 160);
INSERT INTO contract (client_id, own_id, number, currency, starts_on, price_list_id, tax_rate) VALUES (2, 1, 'Y-1', 'JPY', '2026-01-01', 1, 10);

-- the one place: the list of currencies
SELECT min(exponent), max(exponent), bool_or(code IN ('BHD', 'KWD')) FROM currency_code;
INSERT INTO currency_code VALUES ('KWD', 3, 'Kuwaiti dinar');
INSERT INTO currency_code VALUES ('KWD', 2, 'Kuwaiti dinar, wrong');
INSERT INTO currency_code VALUES ('XAA', 4, 'Four decimals');
UPDATE currency_code SET exponent = 3 WHERE code = 'CHF';
INSERT INTO currency_code VALUES ('XAB', 0, 'None'), ('XAC', 1, 'One'), ('XAD', 2, 'Two') RETURNING code, exponent;

-- and wherever a currency enters
CREATE FUNCTION pg_temp.refusal(command text) RETURNS TABLE (state text, message text, exact boolean) LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE command;
    message := 'taken';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    exact := hint LIKE '%The books are exact in currencies of 0 to 2 decimals, and take no others%';
    RETURN NEXT;
END $$;
SELECT w.what, r.* FROM (VALUES
    (1, 'price list', $$INSERT INTO price_list (code, name, currency) VALUES ('k', 'Dinar', 'KWD')$$),
    (2, 'contract', $$INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'K', 'KWD', '2026-01-01')$$),
    (3, 'cash account', $$INSERT INTO cash_account (name, currency) VALUES ('kuwait', 'KWD')$$),
    (4, 'payment', $$INSERT INTO payment (flow, paid_on, amount, currency, article) VALUES ('out', '2026-01-01', 1, 'KWD', 'rent')$$),
    (5, 'record_payment', $$SELECT record_payment('{"flow": "in", "status": "planned", "paid_on": "2026-01-01", "amount": "1", "currency": "KWD", "party": 2, "article": "revenue"}')$$),
    (6, 'draft_document', $$SELECT draft_document('{"kind": "other", "party": 2, "currency": "KWD"}')$$),
    (7, 'record_bill', $$SELECT record_bill('{"party": 3, "outside_number": "1", "issued_on": "2026-01-01", "currency": "KWD", "lines": [{"title": "x", "price": "1"}]}')$$),
    (8, 'exchange rate', $$INSERT INTO exchange_rate VALUES ('KWD', 'EUR', '2026-01-01', 3)$$),
    (9, 'exchange rate', $$INSERT INTO exchange_rate VALUES ('EUR', 'KWD', '2026-01-01', 0.3)$$),
    (10, 'cost rate', $$INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 1, 'KWD')$$),
    (11, 'post', $$SELECT post('k', '[{"on": "2026-01-01", "debit": "receivable", "credit": "revenue", "amount": "1", "currency": "KWD", "party": 2}]')$$),
    (12, 'setting', $$UPDATE setting SET base_currency = 'KWD'$$),
    (13, 'deal', $$INSERT INTO deal (client_id, name, amount, currency) VALUES (2, 'd', 1, 'KWD')$$),
    (14, 'convert', $$SELECT convert(1, 'EUR', 'KWD', '2026-01-01')$$),
    (15, 'convert', $$SELECT convert(1, 'KWD', 'EUR', '2026-01-01')$$)
    ) w (no, what, command) CROSS JOIN LATERAL pg_temp.refusal(w.command) r ORDER BY w.no;
INSERT INTO price_list (code, name, currency) VALUES ('k', 'Dinar', 'KWD');
SELECT convert(1, 'EUR', 'KWD', '2026-01-01');

-- exact: 3 at 333 yen with 10 % are 999 + 99.9, which is 100; half a yen is refused, a yen is open to the last
SELECT charge_item(1, 1, 3, '2026-03-01', price => 333) > 0 AS sold;
SELECT build_invoice('{"contract": 1}', '{"issued_on": "2026-03-31"}') AS d \gset
SELECT issue_invoice(:d) AS i \gset
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-04-01', 1098.5, 'JPY', 1, 'revenue', 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-04-01', 1098, 'JPY', 1, 'revenue', 2) RETURNING id AS p \gset
SELECT allocate_payment(:p) AS left_over;
SELECT status, net, tax, gross, paid, open FROM document_card WHERE document_id = :i;
SELECT quantity, price, net, tax, gross FROM document_sheet(:i);
SELECT document_json(:i) ->> 'gross' AS json, split_part(document_csv(:i, false), E'\r\n', 2) AS csv, document_data(:i, 'en') #>> '{totals,gross_money}' AS page, page_state(:i, 'en') ->> 'open' AS open;
SELECT post('half', '[{"on": "2026-03-01", "debit": "receivable", "credit": "revenue", "amount": "0.5", "currency": "JPY", "party": 2}]');
SELECT record_bill('{"party": 3, "outside_number": "1", "issued_on": "2026-03-01", "currency": "JPY", "lines": [{"title": "x", "price": "333.4", "tax": "33.3"}]}');
SELECT record_bill('{"party": 3, "outside_number": "2", "issued_on": "2026-03-01", "currency": "JPY", "lines": [{"title": "x", "quantity": "2", "price": "333.4", "tax_rate": "10"}]}') AS b \gset
SELECT net, tax, gross FROM document_card WHERE document_id = :b;
-- one decimal: 0.05 is refused, 0.1 is not
INSERT INTO cash_account (name, currency) VALUES ('one', 'XAC') RETURNING id AS one \gset
INSERT INTO exchange_rate VALUES ('XAC', 'EUR', '2026-01-01', 1);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('out', 'posted', '2026-04-01', 1.05, 'XAC', :one, 'rent');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('out', 'posted', '2026-04-01', 1.1, 'XAC', :one, 'rent') RETURNING amount;
-- what is posted keeps its decimals, what is named keeps its currency
UPDATE currency_code SET exponent = 2 WHERE code = 'JPY';
DELETE FROM currency_code WHERE code = 'JPY';
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_currency, t_currency_internal CASCADE;
