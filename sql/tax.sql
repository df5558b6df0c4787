-- Taxes: rates by the day of the work, several on a line, none with its reason, and what is owed by month.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_tax');
SET search_path = t_tax, t_tax_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client'), ('contractor', 'Supplier');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO item (code, name) VALUES ('x', 'Thing x'), ('y', 'Thing y');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO account (code, name, kind) VALUES ('qst_payable', 'Provincial tax', 'liability');
INSERT INTO tax (code, name, kind, words, account_code) VALUES ('vat', 'VAT', 'rated', NULL, NULL), ('gst', 'GST', 'rated', NULL, NULL),
    ('qst', 'QST', 'rated', NULL, 'qst_payable'), ('quebec', 'GST and QST', 'rated', NULL, NULL),
    ('abroad', 'Reverse charge', 'reverse_charge', '{"en": "VAT is due from the recipient (reverse charge)"}', NULL),
    ('school', 'Exempt', 'exempt', '{"en": "Education: exempt from VAT"}', NULL);
INSERT INTO tax_rate VALUES ('vat', '2020-01-01', 22), ('vat', '2026-07-01', 24), ('gst', '2020-01-01', 5), ('qst', '2020-01-01', 9.975);
INSERT INTO tax_part VALUES ('quebec', 'gst'), ('quebec', 'qst');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_code) VALUES
    (2, 1, 'V-1', 'EUR', '2020-01-01', 'vat'), (2, 1, 'Q-1', 'EUR', '2020-01-01', 'quebec'),
    (2, 1, 'R-1', 'EUR', '2020-01-01', 'abroad'), (2, 1, 'E-1', 'EUR', '2020-01-01', 'school');
CREATE FUNCTION pg_temp.sell(contract bigint, amount numeric, day date) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    c bigint := charge_item(contract, 1, 1, day, price => amount);
BEGIN
    RETURN issue_invoice(build_invoice(jsonb_build_object('charges', c), jsonb_build_object('issued_on', day)));
END $$;
CREATE VIEW pg_temp.sound AS SELECT * FROM check_books();

-- 100.00 of June at 22 %, 100.00 of July at 24 %: 22.00 + 24.00 on one invoice
SELECT charge_item(1, 1, 1, '2026-06-30', price => 100) > 0 AS june, charge_item(1, 1, 1, '2026-07-01', price => 100) > 0 AS july;
SELECT charged, tax, balance FROM contract_card WHERE number = 'V-1';
SELECT build_invoice('{"contract": 1}', '{"issued_on": "2026-07-02"}') AS i \gset
SELECT tax_code, tax_rate, net, tax, gross FROM document_tax(:i);
SELECT issue_invoice(:i) AS i \gset
SELECT position, tax_rate, net, tax FROM document_sheet(:i);
SELECT tax_code, tax_name, tax_rate, net, tax, gross FROM document_tax(:i);
SELECT net, tax, gross FROM document_card WHERE document_id = :i;
SELECT charged, tax, balance FROM contract_card WHERE number = 'V-1';
SELECT document_html(:i, 'en') ~ 'VAT 22%' AS shows_22, document_html(:i, 'en') ~ 'VAT 24%' AS shows_24;
SELECT document_json(:i) -> 'taxes';
-- a credit of all of June and half of July takes 22.00 and 12.00 back, in August
SELECT credit(:i, (SELECT jsonb_agg(jsonb_build_object('line', id, 'net', CASE tax_rate WHEN 22 THEN '100' ELSE '50' END)) FROM document_line WHERE document_id = :i),
              'less', '2026-08-03', 'waive') AS note \gset
SELECT tax_code, tax_rate, net, tax FROM document_tax(:note);
SELECT charged, tax, balance FROM contract_card WHERE number = 'V-1';
SELECT month, direction, tax, rate, net, amount FROM tax_period ORDER BY 1, 2, 3, 4;
-- what a report said stays, whatever rates come later
SELECT charge_item(1, 2, 1, '2026-09-01', price => 50) > 0 AS sold;
SELECT build_report('{"contract": 1}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
INSERT INTO tax_rate VALUES ('vat', '2026-09-01', 30);
SELECT issue_invoice(:r, '{"issued_on": "2026-09-05"}') AS of_report \gset
SELECT tax_rate, net, tax FROM document_tax(:of_report);
SELECT * FROM pg_temp.sound;

-- several taxes: of 33.33, 5 % are 1.67 and 9.975 % are 3.32, each rounded of its own and owed on its own account
SELECT pg_temp.sell(2, 33.33, '2026-03-02') AS q \gset
SELECT tax_code, tax_rate, net, tax FROM document_tax(:q);
SELECT net, tax, gross FROM document_card WHERE document_id = :q;
SELECT document_html(:q, 'en') ~ 'GST 5%' AS gst, document_html(:q, 'en') ~ 'QST 9.975%' AS qst;
SELECT account, balance FROM account_balance WHERE account IN ('tax_payable', 'qst_payable') ORDER BY 1;
SELECT credit(:q, jsonb_build_array(jsonb_build_object('line', (SELECT id FROM document_line WHERE document_id = :q), 'net', '11.11')), 'a third', '2026-03-05', 'waive') AS n1 \gset
SELECT credit(:q, NULL, 'the rest', '2026-03-06', 'waive') AS n2 \gset
SELECT tax_code, tax_rate, net, tax FROM document_tax(:n1);
SELECT tax_code, tax_rate, net, tax FROM document_tax(:n2);
SELECT balance FROM account_balance WHERE account = 'qst_payable';
SELECT * FROM pg_temp.sound;
-- with the taxes in the price: 114.98 is 100.00, 5.00 and 9.98
UPDATE contract SET tax_inclusive = true WHERE id = 2;
SELECT pg_temp.sell(2, 114.98, '2026-03-09') AS q2 \gset
SELECT tax_code, tax_rate, tax FROM document_tax(:q2);
SELECT net, tax, gross FROM document_card WHERE document_id = :q2;

-- none, with the words that say why
SELECT pg_temp.sell(3, 70, '2026-04-01') AS rc \gset
SELECT pg_temp.sell(4, 80, '2026-04-01') AS ex \gset
SELECT tax_code, tax_rate, net, tax, gross FROM document_tax(:rc);
SELECT document_html(:rc, 'en') ~ 'VAT is due from the recipient' AS rc_says, document_html(:ex, 'en') ~ 'Education: exempt' AS ex_says;

-- a bill: its tax is as it says, by the rates of its day
SELECT record_bill('{"party": 3, "outside_number": "1", "issued_on": "2026-04-03", "currency": "EUR", "lines": [{"title": "work", "price": "100", "tax_code": "vat"}]}') AS b \gset
SELECT transition(:b, 'agreed');
SELECT net, tax, gross FROM document_card WHERE document_id = :b;
-- and one that is void is taken back where it stood
SELECT pg_temp.sell(1, 10, '2026-04-02') AS wrong \gset
SELECT void(:wrong, 'wrong');
SELECT month, direction, tax, rate, net, amount, base_amount FROM tax_period WHERE month <> date_trunc('month', books_today()) ORDER BY 1, 2, 3, 4;
SELECT direction, tax, net, amount FROM tax_period WHERE month = date_trunc('month', books_today());
SELECT account, balance FROM account_balance WHERE account IN ('tax_payable', 'qst_payable') ORDER BY 1;
SELECT * FROM pg_temp.sound;

-- refusals
SELECT tax_rate_on('vat', '2026-07-01'), tax_rate_on('quebec', '2026-07-01'), tax_rate_on('abroad', '2026-07-01'), tax_rate_on('vat', '2019-12-31');
SELECT pg_temp.sell(1, 10, '2026-01-02') > 0 AS sold;
DELETE FROM tax_rate WHERE tax_code = 'gst';
SELECT charge_item(2, 2, 1, '2026-05-01', price => 9) > 0 AS sold;
SELECT gap, contract, since, times, detail FROM data_gaps WHERE gap = 'work without rate of tax';
SELECT pg_temp.sell(2, 10, '2026-05-02');
UPDATE contract SET tax_rate = 20 WHERE id = 1;
INSERT INTO tax_rate VALUES ('quebec', '2026-01-01', 1);
INSERT INTO tax_rate VALUES ('school', '2026-01-01', 1);
INSERT INTO tax_part VALUES ('vat', 'gst');
INSERT INTO tax (code, name, kind) VALUES ('none', 'None', 'exempt');
UPDATE tax SET name = 'Value added tax' WHERE code = 'vat';
UPDATE tax SET words = '{"en": "other words"}' WHERE code = 'abroad';
SELECT * FROM pg_temp.sound;
