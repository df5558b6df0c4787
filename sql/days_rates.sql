-- The day that counts, and the one beside it: cost rates, prices and exchange
-- rates that change on 16 January, for a contract in dollars whose days are those
-- of New York, in books in euros and UTC.  A dollar is 0.50 until the 15th and 0.80
-- from the 16th on; a euro is 0.80 pounds, then 0.50; an hour costs 10, then 20, and is sold
-- at 100, then 110.  From June on, which no line of this is about, all of them are
-- others again, so that whatever asks for today instead of its day is seen.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_days');
SET search_path = t_days, t_days_internal, finance, public;
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES
    ('USD', 'EUR', '2026-01-01', 0.5), ('USD', 'EUR', '2026-01-16', 0.8), ('EUR', 'GBP', '2026-01-01', 0.8),
        ('EUR', 'GBP', '2026-01-16', 0.5), ('USD', 'EUR', '2026-06-01', 0.95), ('EUR', 'GBP', '2026-06-01', 0.9);
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('contractor', 'Helper');
INSERT INTO employee (name, role) VALUES ('Dev', NULL), ('June', 'junior');
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES
    (1, NULL, '2026-01-01', 10, 'EUR'), (1, NULL, '2026-01-16', 20, 'EUR'), (NULL, 'junior', '2026-01-16', 8, 'USD'),
    (1, NULL, '2026-06-01', 70, 'EUR'), (NULL, 'junior', '2026-06-01', 60, 'USD');
INSERT INTO item (code, name) VALUES ('host', 'Hosting');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('dollar', 'Dollar', 'USD', true);
INSERT INTO price (price_list_id, valid_from, price) VALUES (1, '2026-01-01', 100), (1, '2026-01-16', 110),
    (1, '2026-06-01', 170);
INSERT INTO price (price_list_id, item_id, valid_from, price, cost) VALUES (1, 1, '2026-01-16', 30, 10),
    (1, 1, '2026-06-01', 90, 70);
INSERT INTO calendar (name, zone) VALUES ('office', 'America/New_York');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, calendar_id, tax_rate) VALUES (2, 1, 'U-1',
    'USD', '2026-01-05', 1, 10);
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO task (project_id, title) VALUES (1, 'Login');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');

-- ten in the evening of the 15th and midnight of the 16th in New York are both the 16th in UTC
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES
    (1, 1, '2026-01-16 03:00Z', '2026-01-16 04:00Z'), (1, 1, '2026-01-16 05:00Z', '2026-01-16 06:00Z');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-01-15', 3600), (1, 1, '2026-01-16', 3600), (2, 1, '2026-01-15', 3600), (2, 1, '2026-01-16', 3600);
SELECT time_entry_id, service_date, amount::numeric(9,2), base_amount::numeric(9,2), cost::numeric(9,2),
    base_cost::numeric(9,2),
       base_rate::numeric(9,2) FROM charge ORDER BY 1;
-- rerate() begins with the day it is given
UPDATE price SET price = price + 1 WHERE item_id IS NULL;
SELECT rerate(1, '2026-01-16');
SELECT time_entry_id, service_date, amount::numeric(9,2) FROM charge ORDER BY 1;

-- what is no work: nothing before the first day of the contract, the price and the rate of its day
SELECT charge_item(1, 1, 1, '2026-01-15');
SELECT charge_item(1, 1, 1, '2026-01-16') > 0 AS charged;
SELECT charge_expense(1, 100, '2026-01-04', 'taxi', 'EUR');
SELECT charge_expense(1, 100, d, 'taxi', 'EUR') > 0 AS charged
    FROM unnest('{2026-01-05,2026-01-15,2026-01-16}'::date[]) d;
SELECT source, service_date, started_at, amount::numeric(9,2), base_amount::numeric(9,2), cost::numeric(9,2),
    base_cost::numeric(9,2)
  FROM charge WHERE source <> 'time' ORDER BY id;

-- the invoice: each charge is worth its own day, tax the day of issue, which is also what due counts from
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-01-15"}') AS invoice \gset
SELECT net::numeric(9,2), tax::numeric(9,2), gross::numeric(9,2), issued_on, due_on FROM document WHERE id = :invoice;
SELECT e.entry_on, d.code AS debit, c.code AS credit, sum(e.amount)::numeric(9,2) AS amount, e.currency,
    sum(e.base_amount)::numeric(9,2) AS base
  FROM entry e JOIN account d ON d.id = e.debit_id
      JOIN account c ON c.id = e.credit_id GROUP BY 1, 2, 3, 5 ORDER BY 1, 2 DESC, 3;
-- a bill is worth the day it was issued on
SELECT transition(record_bill(jsonb_build_object('party', 3, 'outside_number', d::text, 'currency', 'USD',
    'issued_on', d,
    'lines', '[{"title": "Help", "price": "100", "tax": "10"}]'::jsonb)), 'agreed')
        FROM unnest('{2026-01-15,2026-01-16}'::date[]) d;
SELECT e.entry_on, d.code AS debit, e.amount::numeric(9,2), e.base_amount::numeric(9,2)
  FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id
      AND c.code = 'payable' ORDER BY e.id;

-- payments: cash on the day it is paid, cost on the day it belongs to, each at its rate
INSERT INTO payment (flow, status, paid_on, accrued_on, amount, currency, cash_account_id, article, contract_id) VALUES
    ('out', 'posted', '2026-01-16', '2026-01-15', 100, 'USD', 2, 'rent', NULL),
        ('out', 'posted', '2026-01-16', NULL, 100, 'USD', 2, 'rent', NULL),
    ('in', 'posted', '2026-01-16', '2026-01-15', 100, 'USD', 2, 'other_income', NULL),
    ('out', 'posted', '2026-01-16', '2026-01-15', 40, 'EUR', 1, 'contractors', 1),
        ('in', 'posted', '2026-01-15', '2026-01-16', 10, 'EUR', 1, 'contractors', 1);
SELECT e.payment_id, e.entry_on, d.code AS debit, c.code AS credit, e.amount::numeric(9,2), e.base_amount::numeric(9,2)
  FROM entry e JOIN account d ON d.id = e.debit_id JOIN account c ON c.id = e.credit_id
      WHERE e.payment_id IS NOT NULL ORDER BY e.id;
-- the contract's cost: of its work and items in dollars, 40 EUR of the 15th are 80 and 10 EUR given back on the 16th
-- 12.50
SELECT cost, (SELECT sum(h.cost)::numeric(9,2) FROM charge h) + 80 - 12.50 AS expected FROM contract_card;

-- entries by hand
SELECT post('hand', '[{"on": "2026-01-15", "debit": "rent", "credit": "payable", "amount": "100", "currency": "USD"},
                      {"on": "2026-01-16", "debit": "rent", "credit": "payable", "amount": "100", "currency": "USD"},
                      {"on": "2026-01-15", "debit": "rent", "credit": "payable", "amount": "100", "currency": "GBP"},
                      {"on": "2026-01-16", "debit": "rent", "credit": "payable", "amount": "100",
                          "currency": "GBP"}]') AS hand \gset
SELECT post('other', '[{"on": "2026-01-15", "debit": "rent", "credit": "payable", "amount": "7",
    "currency": "EUR"}]') AS other \gset
SELECT reverse_event(:hand, 'back', '2026-02-03') AS back \gset
SELECT reverse_event(:other, 'as it was') AS as_it_was \gset
SELECT v.key, e.entry_on, e.amount::numeric(9,2), e.currency, e.base_amount::numeric(9,2)
    FROM entry e JOIN event v ON v.id = e.event_id
 WHERE v.id IN (:hand, :back, :other, :as_it_was) ORDER BY e.id;
-- the last locked day, and the first that is not
INSERT INTO period_lock (locked_through) VALUES ('2026-01-31');
SELECT post('locked', '[{"on": "2026-01-31", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]');
SELECT post('open', '[{"on": "2026-02-01", "debit": "rent", "credit": "payable", "amount": "1",
    "currency": "EUR"}]') > 0 AS posted;

SELECT exchange_rate_on('USD', 'EUR', d), exchange_rate_on('EUR', 'USD', d), exchange_rate_on('GBP', 'EUR', d)
  FROM unnest('{2025-12-31,2026-01-01,2026-01-15,2026-01-16}'::date[]) d;
SELECT * FROM check_books();
DROP SCHEMA t_days, t_days_internal CASCADE;
