-- Two of a thing where one is usual: contracts of one client, terms of tax on one
-- draft, expenses without work, payroll with its taxes, a cap in money and one in
-- hours, discounts of many lines in a foreign currency.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_several');
SET search_path = t_several, t_several_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Dev'), ('Ann'), ('Bob');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true),
    ('dollar', 'Dollar', 'USD', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60), (2, 33.33);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.7777);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (2, 'Shop'), (3, 'Desk');
INSERT INTO contract (client_id, own_id, project_id, number, currency, starts_on, tax_rate, manager_id) VALUES (2, 1,
    1, 'A-1', 'EUR', '2026-01-01', 20, 3), (2, 1, 2, 'A-2', 'EUR', '2026-01-01', NULL, NULL);
INSERT INTO task (project_id, title) VALUES (1, 'Login'), (2, 'Cart'), (3, 'Help');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');
UPDATE party SET manager_id = 2 WHERE id = 2;

-- a payment that names a contract settles invoices of that contract, though another is older; who looks after the
-- contract is told
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 3600),
    (1, 2, '2026-01-06', 3600);
SELECT invoice_work('{"contract": "A-2"}', '{"issued_on": "2026-02-01"}') AS older \gset
SELECT invoice_work('{"contract": "A-1"}', '{"issued_on": "2026-02-02"}') AS newer \gset
SELECT payment_id AS paid, allocated, unallocated
    FROM record_payment('{"amount": "80", "cash_account": "bank", "contract": "A-1", "paid_on": "2026-02-10"}') \gset
SELECT d.id = :newer AS newer, a.amount::numeric(9,2), d.status
    FROM payment_allocation a JOIN document d ON d.id = a.document_id;
SELECT :allocated AS allocated, :unallocated AS unallocated;
SELECT n.recipient_id, n.message FROM notification n;
-- a notice that was delivered stays when the payment is taken back
UPDATE notification SET delivered_at = now();
SELECT unallocate(:paid, :newer);
SELECT count(*) AS notices, (SELECT status FROM document WHERE id = :newer) AS status FROM notification;
-- money of a contract pays another's by name as little as by age: its contract is taken off first
SELECT allocate_payment(:paid, jsonb_build_array(jsonb_build_object('document', :older, 'amount', '8')));
UPDATE payment SET contract_id = NULL WHERE id = :paid;
-- its rest pays the other invoice by name; taking one of two allocations back leaves the other
SELECT allocate_payment(:paid, jsonb_build_array(jsonb_build_object('document', :newer, 'amount',
    '72'), jsonb_build_object('document', :older, 'amount', '8')));
SELECT unallocate(:paid, :older);
SELECT document_id = :newer AS newer, amount::numeric(9,2) FROM payment_allocation;
-- the one that is due first is paid first, whenever it was issued
SELECT unallocate(:paid);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-01-07', 3600);
SELECT invoice_work('{"contract": "A-2"}', '{"issued_on": "2026-02-05", "due_on": "2026-02-06"}') AS soon \gset
SELECT payment_id AS small FROM record_payment('{"amount": "60", "cash_account": "bank", "party": "Alpha",
    "paid_on": "2026-02-11"}') \gset
SELECT document_id = :soon AS due_first, amount::numeric(9,2) FROM payment_allocation;
-- credit in two currencies is two credits: the dollars were paid first, and settle no euros; of these 10 are paid back
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES
    ('in', 'posted', '2026-02-01', 500, 'USD', 2, 'revenue', 2), ('out', 'posted', '2026-02-13', 10, 'EUR', 1, 'revenue', 2);
SELECT currency, credit FROM client_credit ORDER BY 1;
SELECT apply_credit(:older), apply_credit(:newer), apply_credit(:newer);
SELECT pg_typeof(apply_credit(:newer)),
    (SELECT open::numeric(9,2) FROM document_balance WHERE document_id = :newer) AS still_open;

-- a draft takes work of its own terms of tax only
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 3600);
SELECT build_report('{"client": 2}', '{"issued_on": "2026-04-01"}') AS report \gset
UPDATE contract SET tax_rate = 20, tax_inclusive = true WHERE id = 2;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-06', 3600),
    (1, 1, '2026-03-07', 3600);
SELECT refresh_draft(:report);
SELECT transition(:report, 'sent');
SELECT build_report('{"client": 2}') > 0 AS rest_alone;

-- a contract with expenses and no work; pay and its taxes less the hours at their cost, of which there are none
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (3, 1, 'B-1', 'EUR', '2026-01-01');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id) VALUES
    ('out', 'posted', '2026-01-20', 40, 'EUR', 1, 'contractors', 3),
        ('out', 'posted', '2026-01-31', 100, 'EUR', 1, 'payroll', NULL),
    ('out', 'posted', '2026-01-31', 22, 'EUR', 1, 'payroll_tax', NULL);
SELECT number, cost, profit_accrual FROM contract_card WHERE number = 'B-1';
SELECT unabsorbed_labour, production, other_direct FROM pnl_month WHERE month = '2026-01-01';

-- a cap in money and one in hours: a minute at 100 an hour, in hundredths 0.02 h, costs 2.00; half a minute fits
-- into the hours, 0.01 h for 1.00,
-- and 0.90 into the money: the charge is 0.90 in either order
UPDATE contract SET cap_amount = 0.90, cap_s = 31, amount_basis = 'hundredth' WHERE number = 'B-1';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES (1, 3,
    '2026-02-05', 60, 100, 'agreed');
SELECT coverage, billed_s, amount::numeric(9,2) FROM charge WHERE contract_id = 3 ORDER BY segment;
UPDATE contract SET cap_amount = 5 WHERE number = 'B-1';
SELECT rerate(3, '2026-01-01');
SELECT coverage, billed_s, amount::numeric(9,2) FROM charge WHERE contract_id = 3 ORDER BY segment;
-- what is charged counts against both from then on
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-02-06', 600);
SELECT sum(billed_s) FILTER (WHERE coverage = 'billable') AS seconds, sum(amount)::numeric(9,2) AS amount FROM charge
    WHERE contract_id = 3;

-- one hour at 60, said as 60.00 and as 3600 seconds: the same work under either cap is charged the same.  Two logs of 40
-- minutes at once: 40 and 20; the first one gone, the other is charged whole; billed, and 40 minutes more: 20 of them
INSERT INTO party (kind, name) VALUES ('company', 'Money'), ('company', 'Hours');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, cap_amount, cap_s) VALUES
    (4, 1, 'money', 'EUR', '2026-01-01', 60, NULL), (5, 1, 'hours', 'EUR', '2026-01-01', NULL, 3600);
INSERT INTO project (client_id, name) VALUES (4, 'Money'), (5, 'Hours');
INSERT INTO task (id, project_id, title) VALUES (14, 4, 'Money'), (15, 5, 'Hours');
CREATE VIEW charged AS
    SELECT c.number AS cap, string_agg(format('%s %s min %s', h.coverage, h.billed_s / 60, trim_scale(h.amount)), ', '
                                       ORDER BY h.started_at, h.segment) AS charged
      FROM contract c JOIN charge h ON h.contract_id = c.id WHERE c.number IN ('money', 'hours') GROUP BY 1 ORDER BY 1;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t, d, 2400
    FROM unnest('{14,15}'::bigint[]) t, unnest('{2026-03-02,2026-03-03}'::date[]) d;
SELECT * FROM charged;
DELETE FROM time_entry WHERE task_id IN (14, 15) AND work_date = '2026-03-02';
SELECT * FROM charged;
SELECT count(invoice_work(jsonb_build_object('contract', c), '{"issued_on": "2026-04-01"}'))
    FROM unnest('{money,hours}'::text[]) c;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t, '2026-03-04', 2400
    FROM unnest('{14,15}'::bigint[]) t;
SELECT * FROM charged;

-- two own companies: each numbers its papers by itself, and no paper is of both
INSERT INTO party (kind, name) VALUES ('own', 'Studio'), ('company', 'Both') RETURNING id;
INSERT INTO contract (client_id, own_id, project_id, number, currency, starts_on) SELECT y.id, o.id, NULL, 'of ' || o.name, 'EUR', '2026-01-01'
    FROM party y, party o WHERE y.name = 'Both' AND o.kind = 'own';
INSERT INTO project (client_id, name) SELECT id, 'Both' FROM party WHERE name = 'Both';
INSERT INTO task (project_id, title, contract_id) SELECT p.id, c.number, c.id FROM project p, contract c
    WHERE p.name = 'Both' AND c.number IN ('of Agency', 'of Studio');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2025-12-31', 3600 FROM task WHERE title LIKE 'of %';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-05-04', 3600 FROM task WHERE title LIKE 'of %';
SELECT reason FROM unrated;
SELECT build_report('{"client": "Both"}');
SELECT transition(build_report(jsonb_build_object('contract', c), '{"issued_on": "2027-01-01"}'), 'sent') FROM unnest('{of Agency,of Studio}'::text[]) c;
SELECT d.number, o.name AS own FROM document d JOIN party o ON o.id = d.own_id WHERE d.issued_on = '2027-01-01' ORDER BY d.id;
-- an item is not under a contract where two could be meant, nor a payment; one that is named is
SELECT (complete_dimension(ROW(NULL, NULL, NULL, p.id, NULL, NULL, NULL, NULL, NULL)::dimension, '2026-05-04', 'it')).contract_id IS NULL AS of_none,
       (complete_dimension(ROW(NULL, NULL, NULL, NULL, NULL, t.id, NULL, NULL, NULL)::dimension, '2026-05-04', 'it')).contract_id = t.contract_id AS of_the_task
  FROM project p JOIN task t ON t.project_id = p.id AND t.title = 'of Studio';

-- two deals of one client: a filter of one leaves the other's work out, and work of none
INSERT INTO deal (client_id, name) SELECT id, v.name FROM party, (VALUES ('First'), ('Second')) v (name) WHERE party.name = 'Beta';
INSERT INTO task (project_id, title, deal_id) SELECT 3, d.name, d.id FROM deal d;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-06-01', 60 FROM task WHERE project_id = 3;
SELECT f.filter, (SELECT string_agg(t.task, ', ' ORDER BY t.task) FROM preview_report('{"client": "Beta", "from": "2026-06-01"}' || f.filter) t) AS tasks
  FROM unnest('{"{\"deal\": \"First\"}","{\"deal\": [\"First\", \"Second\"]}","{}"}'::jsonb[]) f (filter);

-- the credit that was paid first is used first, whenever it was entered
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES
    ('in', 'posted', '2026-06-20', 30, 'EUR', 1, 'revenue', 4), ('in', 'posted', '2026-06-10', 20, 'EUR', 1, 'revenue', 4);
SELECT apply_credit(d.id, 25) FROM document d WHERE d.party_id = 4 AND d.kind = 'invoice';
SELECT p.paid_on, a.amount::numeric(9,2) FROM payment_allocation a JOIN payment p ON p.id = a.payment_id WHERE p.party_id = 4 ORDER BY 1;

-- thirty lines in dollars with a discount: what is left of each is worth its amount at the rate, to the cent
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (3, 1, 'B-2', 'USD', '2025-01-01');
UPDATE contract SET ends_on = '2025-12-31' WHERE number = 'B-2';
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2025-01-01', 0.7777);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 3, date '2025-03-01' + i,
    1000 + 137 * i FROM generate_series(1, 30) i;
SELECT invoice_work('{"contract": "B-2"}', '{"issued_on": "2025-04-01", "discount_pct": 7}') AS foreign_invoice \gset
SELECT count(*) AS lines, count(*) FILTER (WHERE h.base_amount + a.base_amount <> round((h.amount + a.amount) * 0.7777, 2)) AS wrong, count(DISTINCT a.amount) > 5 AS various
  FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN charge a ON a.id = l.adjustment_id
      WHERE l.document_id = :foreign_invoice;

SELECT * FROM check_books();
DROP SCHEMA t_several, t_several_internal CASCADE;
