-- The ledger: transfers, idempotency, reversal, append-only; payments post to it.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_ledger');
SET search_path = t_ledger, t_ledger_internal, finance, public;
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2026-01-01', 0.9), ('USD', 'EUR', '2026-02-01', 0.95);

-- conversion: the last rate on or before the day, the inverse pair, rounded once
SELECT convert(100.00, 'USD', 'EUR', '2026-01-31') AS january, convert(100.00, 'USD', 'EUR', '2026-02-01') AS february,
       convert(100.00, 'EUR', 'USD', '2026-02-01') AS inverse, convert(10.01, 'EUR', 'EUR', '2026-02-01') AS same;
SELECT convert(1, 'USD', 'EUR', '2025-12-31');
SELECT convert(1, 'USD', 'XXX', '2026-01-31');

-- post: one event of two entries
SELECT post('rent 2026-01', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1200.00", "currency": "EUR"},
                              {"on": "2026-02-05", "debit": "payable", "credit": "loan", "amount": "1000.00", "currency": "USD"}]');
SELECT e.event_id, e.entry_on, d.code AS debit, c.code AS credit, e.amount, e.currency, e.base_amount
  FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id ORDER BY e.id;

-- the same again does nothing, other content under the same key is refused
SELECT post('rent 2026-01', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1200.00", "currency": "EUR"},
                              {"on": "2026-02-05", "debit": "payable", "credit": "loan", "amount": "1000.00", "currency": "USD"}]');
SELECT post('rent 2026-01', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1200.01", "currency": "EUR"}]');
SELECT count(*) FROM entry;

-- refusals
SELECT post('', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]');
SELECT post('x', '[]');
SELECT post('x', '{"on": "2026-01-31"}');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "amount": "1", "currency": "EUR"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "no such", "credit": "payable", "amount": "1", "currency": "EUR"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1", "currency": "ZZZ"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1.005", "currency": "EUR"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "NaN", "currency": "EUR"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "rent", "amount": "1", "currency": "EUR"}]');
SELECT post('x', '[{"on": "infinity", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]');
UPDATE entry SET amount = 1;
DELETE FROM entry WHERE id = 1;
TRUNCATE entry;
DELETE FROM event;
SELECT count(*) FROM entry;

-- reversal: once, exactly opposite, idempotent
SELECT reverse_event(1, 'rent 2026-01 was wrong');
SELECT reverse_event(1, 'rent 2026-01 was wrong');
SELECT reverse_event(1, 'once more');
SELECT reverse_event(2, 'a reversal of the reversal');
SELECT reverse_event(99, 'nothing');
SELECT account, currency, debit, credit, balance, base_balance FROM account_balance ORDER BY account, currency;

-- F7: what a key begins with means nothing: a caller's key is never one of the books'
-- F16: unknown keys are refused with those that are known; all dimensions are taken, and complete one another
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1.00", "currency": "EUR", "contrct": 1}]');
SELECT post('x', '["rent"]');
SELECT count(*) FROM event;

-- a locked period takes nothing
INSERT INTO period_lock (locked_through) VALUES ('2026-01-31');
SELECT post('late', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1.00", "currency": "EUR"}]');
SELECT post('in time', '[{"on": "2026-02-01", "debit": "rent", "credit": "payable", "amount": "1.00", "currency": "EUR"}]') > 0 AS posted;
DELETE FROM period_lock;

-- ---------------------------------------------------------------------------
-- payments
-- ---------------------------------------------------------------------------
INSERT INTO party (kind, name) VALUES ('company', 'Client'), ('company', 'Landlord');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (1, 'A-1', 'EUR', '2026-01-01'), (1, 'U-1', 'USD', '2026-01-01');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollar bank', 'USD'), ('desk', 'EUR');

-- money in on a contract: cash against the client, and the contract's receipts
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
VALUES ('in', 'posted', '2026-03-05', 1000, 'EUR', 1, 'revenue', 1);
-- rent paid in March for February: cost in February, cash in March
INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, article, party_id)
VALUES ('out', 'posted', '2026-03-06', '2026-02-28', 300, 'EUR', 1, 'rent', 2);
-- between own accounts, and one that is only planned
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, to_cash_account_id)
VALUES ('transfer', 'posted', '2026-03-07', 50, 'EUR', 1, 3);
INSERT INTO payment (flow, paid_on, amount, currency, article, contract_id) VALUES ('in', '2026-04-05', 700, 'EUR', 'revenue', 1);
SELECT p.id, e.entry_on, d.code AS debit, c.code AS credit, e.amount, a.code AS article
  FROM payment p LEFT JOIN entry e ON e.payment_id = p.id LEFT JOIN account d ON d.id = e.debit_id LEFT JOIN account c ON c.id = e.credit_id
  LEFT JOIN account a ON a.id = e.article_id ORDER BY p.id, e.id;
SELECT receipts, balance FROM contract_card WHERE number = 'A-1';
SELECT month, article, amount FROM pnl_article_month WHERE month >= '2026-02-01' ORDER BY 1, 2;
SELECT month, opening, operating_in, operating_out, transfers, net, closing FROM cash_flow_month ORDER BY 1;

-- the planned one comes in; the first turns out to have been 900: reversed and posted anew
UPDATE payment SET status = 'posted', cash_account_id = 1 WHERE id = 4;
UPDATE payment SET amount = 900 WHERE id = 1;
SELECT v.source, v.key, e.amount FROM event v JOIN entry e ON e.event_id = v.id WHERE e.payment_id = 1 ORDER BY e.id;
-- a note changes nothing in the ledger
UPDATE payment SET purpose = 'invoice 17' WHERE id = 1;
SELECT revision, (SELECT count(*) FROM entry e WHERE e.payment_id = p.id) AS entries FROM payment p WHERE id = 1;
SELECT receipts, balance FROM contract_card WHERE number = 'A-1';
-- a refund to the client reduces receipts, on the card and in the cash flow
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id, party_id)
VALUES ('out', 'posted', '2026-04-10', 100, 'EUR', 1, 'revenue', 1, 1);
SELECT receipts, balance FROM contract_card WHERE number = 'A-1';
-- void takes it back
UPDATE payment SET status = 'void' WHERE id = 4;
SELECT receipts FROM contract_card WHERE number = 'A-1';
SELECT month, opening, operating_in, operating_out, transfers, net, closing FROM cash_flow_month ORDER BY 1;
SELECT account, debit, credit, balance FROM account_balance WHERE kind = 'cash' ORDER BY 1;
SELECT * FROM check_books();

-- refusals
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-05', 10.005, 'EUR', 1, 'revenue');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-05', 'NaN', 'EUR', 1, 'revenue');
\set VERBOSITY terse
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-05', -1, 'EUR', 1, 'revenue');
\set VERBOSITY default
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-05', 1, 'XXX', 1, 'revenue');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-03-05', 1, 'USD', 1, 'revenue');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, to_cash_account_id) VALUES ('transfer', 'posted', '2026-03-05', 1, 'EUR', 1, 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id) VALUES ('in', 'posted', '2026-03-05', 1, 'EUR', 1, 'revenue', 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id, party_id) VALUES ('in', 'posted', '2026-03-05', 1, 'EUR', 1, 'revenue', 1, 2);
\set VERBOSITY terse
INSERT INTO payment (flow, status, paid_on, amount, currency, article) VALUES ('in', 'posted', '2026-03-05', 1, 'EUR', 'revenue');
INSERT INTO payment (flow, paid_on, amount, currency) VALUES ('in', '2026-03-05', 1, 'EUR');
INSERT INTO payment (flow, paid_on, amount, currency, article) VALUES ('in', '2026-03-05', 1, 'EUR', 'no such article');
\set VERBOSITY default
DELETE FROM payment WHERE id = 1;
UPDATE payment SET status = 'planned' WHERE id = 1;
UPDATE payment SET status = 'posted' WHERE id = 4;
UPDATE setting SET base_currency = 'USD';
UPDATE setting SET zone = 'Mars/Olympus';
UPDATE contract SET currency = 'USD' WHERE number = 'A-1';
UPDATE currency_code SET exponent = 0 WHERE code = 'EUR';
UPDATE currency_code SET exponent = 2 WHERE code = 'JPY';
UPDATE cash_account SET currency = 'USD' WHERE name = 'bank';
UPDATE cash_account SET account_id = account_id('loan') WHERE name = 'desk';
UPDATE cash_account SET name = 'main bank' WHERE name = 'bank';
-- what the books post to and post themselves stays
UPDATE account SET code = 'debtors' WHERE code = 'receivable';
DELETE FROM account WHERE code = 'tax_payable';
UPDATE account SET name = 'Debtors' WHERE code = 'receivable';
SELECT reverse_event(id, 'by hand') FROM event WHERE source = 'payment' AND key = '1:1';
SELECT reverse_event(id, 'payment:by hand') FROM event WHERE source = 'payment' AND key = '1:1';
-- a payment is posted whatever keys callers have used
SELECT post('payment:6:1', '[{"on": "2026-04-01", "debit": "rent", "credit": "payable", "amount": "1.00", "currency": "EUR"}]') > 0 AS posted;
SELECT post('6:1', '[{"on": "2026-04-01", "debit": "rent", "credit": "payable", "amount": "1.00", "currency": "EUR"}]') > 0 AS posted;
SELECT setval('payment_id_seq', 5) AS last;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
VALUES ('in', 'posted', '2026-04-11', 5, 'EUR', 1, 'revenue', 1) RETURNING id;
SELECT v.source, v.key, v.reverses_id IS NOT NULL AS reversal, count(*) AS entries
  FROM event v JOIN entry e ON e.event_id = v.id WHERE v.key LIKE '%6:1' GROUP BY v.id ORDER BY v.id;
UPDATE payment SET id = 77 WHERE id = 1;
TRUNCATE payment CASCADE;
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- entries by hand, as rows and as JSON
-- ---------------------------------------------------------------------------
-- what an entry names is named by id or by name, and what is not there is refused in words
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Twin'), ('company', 'Twin');
INSERT INTO project (client_id, name) VALUES (1, 'Site');
SELECT id AS own FROM party WHERE kind = 'own' \gset
\set entry '"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"'
SELECT post('x', format('[{%s, "party": "nobody"}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "party": "Twin"}]', :'entry')::jsonb);
SELECT post('x', format('[{%s}, {%s, "party": 99}]', :'entry', :'entry')::jsonb);
SELECT post('x', format('[{%s, "own": 1}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "contract": 99}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "work_type": 99}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "work_type": "chess"}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "task": 1.5}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "deal": -1}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "employee": true}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "project": {}}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "direction": []}]', :'entry')::jsonb);
SELECT post('x', format('[{%s, "article": "chess"}]', :'entry')::jsonb);
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "a lot", "currency": "EUR"}]');
SELECT post('x', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": null, "currency": "EUR"}]');
SELECT post('x', 'null');
SELECT post('x', NULL);
SELECT count(*) FROM event;
-- the same by name, by id and by row: of one content; figures that are equal are the same
SELECT post('names', format('[{%s, "own": "Us", "project": "Site", "work_type": "design", "client": null}]', :'entry')::jsonb) AS event \gset
SELECT post('names', format('[{%s, "own": %s, "project": "1", "work_type": %s}]', :'entry', :own, (SELECT id FROM work_type WHERE code = 'design'))::jsonb) = :event AS by_id;
SELECT post('names', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": 1.00, "currency": "EUR", "project": 1, "own": "Us", "work_type": "design"}]') = :event AS as_number;
SELECT post_event('names', ARRAY[ROW('2026-01-31', 'rent', 'payable', 1, 'EUR', NULL, :own, NULL, NULL, NULL, 1, NULL, NULL, NULL,
    (SELECT id FROM work_type WHERE code = 'design'), NULL)::posting]) = :event AS as_row;
SELECT e.own_id, p.name AS client, e.project_id, w.code FROM entry e JOIN party p ON p.id = e.client_id JOIN work_type w ON w.id = e.work_type_id WHERE e.event_id = :event;
-- rows
SELECT post_event('rows', array_agg(ROW(d, 'rent', 'payable', 10, 'EUR', NULL, NULL, NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting ORDER BY d), 'quarter') AS event
  FROM unnest('{2026-01-31,2026-02-28,2026-03-31}'::date[]) d \gset
SELECT v.memo, e.entry_on, e.amount, e.party_id FROM entry e JOIN event v ON v.id = e.event_id WHERE v.id = :event ORDER BY 2;
SELECT post_event('x', NULL);
SELECT post_event('x', '{}');
SELECT post_event('x', ARRAY[NULL]::posting[]);
SELECT post_event('x', ARRAY[ROW('2026-01-31', NULL, 'payable', 1, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting]);
SELECT post_event('x', ARRAY[ROW('2026-01-31', 'rent', NULL, 1, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting]);
SELECT post_event('x', ARRAY[ROW('2026-01-31', 'rent', 'payable', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting]);
SELECT post_event('x', ARRAY[ROW('infinity', 'rent', 'payable', 1, 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting]);
SELECT post_event('x', ARRAY[ROW('2026-01-31', 'rent', 'payable', 'NaN', 'EUR', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::posting]);
SELECT reverse_event(:event, 'no quarter') > 0 AS reversed;

RESET search_path;
DROP SCHEMA t_ledger, t_ledger_internal CASCADE;
