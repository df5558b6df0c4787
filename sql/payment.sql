-- What a payment, a bill or an entry by hand names names more: dimensions complete themselves, and contradictions are refused.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_payment');
SET search_path = t_payment, t_payment_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'IT'), ('company', 'Client'), ('contractor', 'Petrov'), ('company', 'Other');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-01-01'), (4, 'O', 'EUR', '2026-01-01');
INSERT INTO project (client_id, name) VALUES (2, 'P'), (4, 'Q');
INSERT INTO deal (client_id, project_id, name) VALUES (2, 1, 'Menu');
INSERT INTO task (project_id, title, work_type_id, deal_id) SELECT 1, 'T', id, 1 FROM work_type WHERE code = 'support';
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
CREATE VIEW named AS
    SELECT p.id, trim_scale(p.amount) AS amount, o.name AS own, c.name AS client, y.name AS party, k.number AS contract, j.name AS project, d.name AS deal,
           p.task_id AS task, w.code AS work_type
      FROM payment p LEFT JOIN party o ON o.id = p.own_id LEFT JOIN party c ON c.id = p.client_id LEFT JOIN party y ON y.id = p.party_id
      LEFT JOIN contract k ON k.id = p.contract_id LEFT JOIN project j ON j.id = p.project_id LEFT JOIN deal d ON d.id = p.deal_id
      LEFT JOIN work_type w ON w.id = p.work_type_id;
CREATE VIEW cost_by AS
    SELECT 'client' AS by, client AS name, cost FROM profit_by_client UNION ALL SELECT 'contract', contract, cost FROM profit_by_contract
    UNION ALL SELECT 'project', project, cost FROM profit_by_project UNION ALL SELECT 'deal', deal, cost FROM profit_by_deal
    UNION ALL SELECT 'task', task, cost FROM profit_by_task;

-- 10 by task, 20 by deal, 40 by project, 80 by contract: the task's is the deal's too, the deal's the project's, and all are the client's.
-- Petrov is paid, and is no client
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, task_id, deal_id, project_id, contract_id) VALUES
    ('out', 'posted', '2026-03-20', 10, 'EUR', 1, 'contractors', 3, 1, NULL, NULL, NULL),
    ('out', 'posted', '2026-03-20', 20, 'EUR', 1, 'contractors', 3, NULL, 1, NULL, NULL),
    ('out', 'posted', '2026-03-20', 40, 'EUR', 1, 'contractors', 3, NULL, NULL, 1, NULL),
    ('out', 'posted', '2026-03-20', 80, 'EUR', 1, 'contractors', 3, NULL, NULL, NULL, 1);
SELECT * FROM named ORDER BY id;
-- task 10, deal 10 + 20, project 30 + 40, contract and client 70 + 80
SELECT * FROM cost_by ORDER BY 1, 2;
-- a bill of 7 whose line names the task
SELECT record_bill('{"party": 3, "outside_number": "1", "issued_on": "2026-03-15", "currency": "EUR",
                     "lines": [{"title": "T", "quantity": 1, "price": "7", "task": 1}]}') AS bill \gset
SELECT transition(:bill, 'agreed');
SELECT * FROM cost_by ORDER BY 1, 2;
SELECT cost FROM contract_card WHERE number = 'A';
SELECT * FROM check_books();

-- money that comes in for a task comes from its client, and money of a client is the client's; rent is nobody's
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, task_id) VALUES
    ('in', 'posted', '2026-03-21', 5, 'EUR', 1, 'revenue', NULL, 1), ('in', 'posted', '2026-03-21', 6, 'EUR', 1, 'revenue', 4, NULL),
    ('out', 'posted', '2026-03-21', 7, 'EUR', 1, 'rent', 3, NULL);
SELECT * FROM named WHERE id > 4 ORDER BY id;
SELECT party, credit FROM client_credit ORDER BY 1;

-- contradictions are refused
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, task_id, project_id)
VALUES ('out', 'posted', '2026-03-20', 1, 'EUR', 1, 'contractors', 1, 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, project_id, contract_id)
VALUES ('out', 'posted', '2026-03-20', 1, 'EUR', 1, 'contractors', 1, 2);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, project_id)
VALUES ('in', 'posted', '2026-03-20', 1, 'EUR', 1, 'revenue', 4, 1);
SELECT post('x', '[{"on": "2026-03-01", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR", "task": 1, "client": 4}]');

-- what followed from what is changed follows anew
UPDATE payment SET project_id = 2, task_id = NULL WHERE id = 1;
SELECT * FROM named WHERE id = 1;
UPDATE payment SET task_id = 1 WHERE id = 1;
UPDATE payment SET task_id = 1, project_id = 1 WHERE id = 1;
SELECT * FROM named WHERE id = 1;
UPDATE payment SET party_id = 2 WHERE id = 6;
SELECT * FROM named WHERE id = 6;

-- an entry by hand, too: of the clients' account its party is the client
SELECT post('by task', '[{"on": "2026-03-31", "debit": "materials", "credit": "opening", "amount": "3", "currency": "EUR", "task": 1, "work_type": 1},
                         {"on": "2026-03-31", "debit": "receivable", "credit": "opening", "amount": "4", "currency": "EUR", "party": 4}]') > 0 AS posted;
SELECT trim_scale(e.amount) AS amount, e.own_id, e.client_id, e.party_id, e.contract_id, e.project_id, e.deal_id, e.task_id, e.work_type_id
  FROM entry e JOIN event v ON v.id = e.event_id WHERE v.key = 'by task' ORDER BY e.id;

-- many at once: each posted under its own event, and voided so
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
SELECT 'in', 'posted', '2026-04-01', n, 'EUR', 1, 'revenue', 1 FROM generate_series(1, 100) n;
SELECT count(*) AS entries, count(DISTINCT e.event_id) AS events, trim_scale(sum(e.amount)) AS amount
  FROM entry e JOIN payment p ON p.id = e.payment_id WHERE p.paid_on = '2026-04-01';
UPDATE payment SET amount = amount + 1 WHERE paid_on = '2026-04-01' AND amount <= 50;
UPDATE payment SET status = 'void' WHERE paid_on = '2026-04-01' AND amount > 90;
SELECT count(*) AS entries, count(DISTINCT e.event_id) AS events, trim_scale(sum(e.amount)) AS amount
  FROM entry e JOIN payment p ON p.id = e.payment_id WHERE p.paid_on = '2026-04-01';
-- one that does not fit refuses all
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id, party_id)
SELECT 'in', 'posted', '2026-04-02', n, 'EUR', 1, 'revenue', 1, CASE n WHEN 3 THEN 4 ELSE 2 END FROM generate_series(1, 5) n;
SELECT count(*) FROM payment WHERE paid_on = '2026-04-02';
SELECT * FROM check_books();

RESET search_path;
DROP SCHEMA t_payment, t_payment_internal CASCADE;
