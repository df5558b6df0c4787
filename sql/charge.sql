-- Charges: one writer, what made them in columns of their own, and what follows
-- from what they name.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_charge');
SET search_path = t_charge, t_charge_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('company', 'Beta'), ('own', 'Our other company');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('p', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO price (price_list_id, item_id, price, cost) VALUES (1, 1, 80, 30);
INSERT INTO contract (client_id, number, currency, starts_on, own_id) VALUES (2, 'A-1', 'EUR', '2026-01-01', NULL), (3, 'B-1', 'EUR', '2026-01-01', 4);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO deal (client_id, project_id, name) VALUES (2, 1, 'Menu'), (3, 2, 'Basket');
INSERT INTO deal_stage (deal_id, position, name) VALUES (1, 1, 'Design');
INSERT INTO task (project_id, title, deal_id) VALUES (1, 'Login', NULL), (2, 'Pay', 2);

-- a key that a caller gives says nothing to the books: F1
INSERT INTO task_item (task_id, item_id, price) VALUES (1, 1, 100);
SELECT charge_item(1, 1, 1, '2026-03-02', task_id => 1, key => 'task:crm-17', price => 50) AS sold \gset
SELECT charge_item(1, 1, 1, '2026-03-02', task_id => 1, key => 'task:1:1', price => 70) AS also \gset
SELECT charge_item(1, 1, 2, '2026-03-03', key => 'minimum:1:2026-03-01:1', price => 10) AS not_a_minimum \gset
UPDATE task SET title = 'Login page' WHERE id = 1;
SELECT key, made_by, amount::numeric(9,2) FROM charge ORDER BY id;
-- the fixed price of a task is charged beside them, once
UPDATE task SET status = 'done', completed_at = '2026-03-02 12:00Z' WHERE id = 1;
UPDATE task SET title = 'Login page, again' WHERE id = 1;
SELECT made_by, task_item_id, client_id, contract_id, own_id, amount::numeric(9,2) FROM charge WHERE made_by = 'task_item';
-- and goes with its task, to the contract, the client and the own company there: F2
UPDATE task SET project_id = 2 WHERE id = 1;
SELECT made_by, task_item_id, client_id, project_id, contract_id, own_id, amount::numeric(9,2) FROM charge WHERE made_by = 'task_item';
SELECT * FROM check_books();
-- where nobody takes it it waits
UPDATE contract SET ends_on = '2026-02-28' WHERE id = 2;
UPDATE task SET title = 'Login page' WHERE id = 1;
SELECT count(*) AS charged FROM charge WHERE made_by = 'task_item';
SELECT task, client, reason FROM uncharged_task;
UPDATE contract SET ends_on = NULL WHERE id = 2;
UPDATE task SET status = 'open' WHERE id = 1;
UPDATE task SET status = 'done', completed_at = '2026-03-02 12:00Z' WHERE id = 1;
SELECT client_id, contract_id FROM charge WHERE made_by = 'task_item';
-- what is billed stays with whom it was billed to
SELECT transition(build_invoice('{"client": 3}'), 'sent') IS NOT NULL AS issued;
UPDATE task SET project_id = 1 WHERE id = 1;
SELECT client_id, contract_id, frozen_at IS NOT NULL AS frozen FROM charge WHERE made_by = 'task_item';
SELECT * FROM check_books();

-- deals: from the task, and from the stage that a line of a contract is for
INSERT INTO contract_line (contract_id, kind, title, amount, deal_stage_id) VALUES (1, 'stage', 'Design', 500, 1);
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on) VALUES (1, 'one_time', 'Setup', 200, '2026-03-01');
SELECT accept_stage(1, '2026-03-10') IS NOT NULL AS accepted;
SELECT charge_fees(1, '2026-03-31');
SELECT charge_item(2, 1, 1, '2026-03-12', task_id => 2) IS NOT NULL AS sold;
SELECT h.made_by, coalesce(n.title, i.name) AS what, h.client_id, h.project_id, h.deal_id, h.own_id, h.amount::numeric(9,2)
  FROM charge h LEFT JOIN contract_line n ON n.id = h.contract_line_id LEFT JOIN item i ON i.id = h.item_id
 WHERE h.service_date > '2026-03-02' AND h.key IS NULL OR n.id IS NOT NULL ORDER BY h.id;
SELECT deal, revenue FROM profit_by_deal ORDER BY deal_id NULLS LAST;
-- a deal that a task gets later has what was charged before, frozen or not
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-16', 3600);
SELECT transition(build_invoice('{"task": 1, "client": 2}'), 'sent') IS NOT NULL AS issued;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-17', 1800);
UPDATE task SET deal_id = 1 WHERE id = 1;
SELECT source, made_by, client_id, deal_id, frozen_at IS NOT NULL AS frozen FROM charge WHERE task_id = 1 ORDER BY id;
-- nothing else of a frozen charge, and nothing of what another client was billed
ALTER TABLE charge DISABLE TRIGGER charge_owned;
\set VERBOSITY terse
UPDATE charge SET deal_id = 1, amount = 1 WHERE made_by = 'task_item';
\set VERBOSITY default
ALTER TABLE charge ENABLE TRIGGER charge_owned;
-- a deal and a project are of one client
UPDATE task SET deal_id = 2 WHERE id = 1;
UPDATE task SET project_id = 2 WHERE id = 1;
INSERT INTO deal (client_id, project_id, name) VALUES (2, 2, 'Wrong');
UPDATE deal SET client_id = 3, project_id = NULL WHERE id = 1;
-- what contradicts itself is refused
SELECT charge_item(1, 1, 1, '2026-03-12', task_id => 2);
SELECT charge_expense(1, 10, '2026-03-12', 'taxi', task_id => 2);
SELECT complete_dimension(ROW(NULL, 3, NULL, 1, NULL, NULL, NULL, NULL, NULL)::dimension, '2026-03-12', 'line 1');
SELECT complete_dimension(ROW(NULL, NULL, NULL, NULL, 2, 1, NULL, NULL, NULL)::dimension, '2026-03-12', 'line 1');
-- what follows: of a task, of a deal, of a project, of a contract; NULL where two contracts could be meant
SELECT (complete_dimension(ROW(NULL, NULL, NULL, NULL, NULL, 2, NULL, NULL, NULL)::dimension, '2026-03-12', 'line 1')).*;
SELECT (complete_dimension(ROW(NULL, NULL, NULL, NULL, 2, NULL, NULL, NULL, NULL)::dimension, '2026-03-12', 'line 1')).*;
SELECT (complete_dimension(ROW(NULL, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL)::dimension, '2025-12-31', 'line 1')).*;
SELECT (complete_dimension(ROW(NULL, NULL, 2, NULL, NULL, NULL, NULL, NULL, NULL)::dimension, '2026-03-12', 'line 1')).*;

-- a write-off is about what its charge is about, also when the task is elsewhere by now
UPDATE task SET project_id = 2, deal_id = NULL WHERE id = 1;
SELECT h.id AS frozen FROM charge h WHERE h.made_by = 'task_item' AND h.frozen_at IS NOT NULL \gset
SELECT adjust_charge(:frozen, -10, 'late', key => 'crm-1') AS off \gset
SELECT adjust_charge(:frozen, -10, 'late', key => 'crm-1') = :off AS the_same;
SELECT adjust_charge(:frozen, -11, 'late', key => 'crm-1');
SELECT source, made_by, client_id, contract_id, project_id, amount::numeric(9,2), base_amount::numeric(9,2), cost::numeric(9,2), task_item_id, adjusts_id = :frozen AS adjusts
  FROM charge WHERE id = :off;
SELECT adjust_charge(:frozen, -0.005, 'less than a cent');
SELECT * FROM check_books();

-- a contract of another client prices nothing, and is not named by a task
UPDATE task SET contract_id = 1 WHERE id = 2;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, contract_id) VALUES (1, 2, '2026-03-18', 3600, 1);
SELECT reason, kind FROM unrated;
DELETE FROM time_entry WHERE contract_id = 1;
-- a project with a deal keeps its client, and a contractor is nobody's client
INSERT INTO project (client_id, name) VALUES (2, 'Blog');
INSERT INTO deal (client_id, project_id, name) VALUES (2, 3, 'Texts');
UPDATE project SET client_id = 3 WHERE id = 3;
INSERT INTO party (kind, name) VALUES ('contractor', 'Petrov');
SELECT post('s', '[{"on": "2026-03-10", "debit": "contractors", "credit": "payable", "amount": "14", "currency": "EUR", "client": 5}]');
-- unless he is one: by a contract of his own
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (5, 'P-1', 'EUR', '2026-01-01');
SELECT charge_item(3, 1, 1, '2026-03-02') AS his \gset
SELECT client_id, own_id FROM charge WHERE id = :his;
SELECT post('s', '[{"on": "2026-03-10", "debit": "receivable", "credit": "revenue", "amount": "14", "currency": "EUR", "client": 5, "contract": 3}]') > 0 AS posted;
-- and money that comes from one is taken, whatever he is
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
VALUES ('in', 'posted', '2026-03-11', 5, 'EUR', 1, 'revenue', 5) RETURNING client_id;
-- a fixed price that is billed stays as it is; what does not bear on money prices nothing again
\set VERBOSITY terse
UPDATE task_item SET price = 999;
DELETE FROM task_item;
\set VERBOSITY default
INSERT INTO task (project_id, title, status, completed_at) VALUES (1, 'Logo', 'done', '2026-03-20 12:00Z') RETURNING id AS logo \gset
INSERT INTO task_item (task_id, item_id) VALUES (:logo, 1);
UPDATE price SET price = 500 WHERE item_id = 1;
UPDATE task_item SET document_id = NULL WHERE task_id = :logo;
SELECT amount::numeric(9,2), cost::numeric(9,2) FROM charge WHERE task_id = :logo;
UPDATE task_item SET quantity = 2 WHERE task_id = :logo;
SELECT amount::numeric(9,2), cost::numeric(9,2) FROM charge WHERE task_id = :logo;
SELECT * FROM check_books();

-- terms name price lists by their revision: contracts share them, and what is rated keeps them
SELECT id, revision FROM price_list;
INSERT INTO task (project_id, title) VALUES (1, 'Menu'), (2, 'Search');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT 1, t.id, '2026-04-01', 3600 FROM task t WHERE t.title IN ('Menu', 'Search');
SELECT price_list_id, revision, body #> '{prices,0,price}' AS price FROM list_snapshot;
SELECT contract_id, body -> 'lists' AS lists FROM terms ORDER BY 1;
UPDATE price SET price = 75 WHERE item_id IS NULL;
UPDATE price SET price = 90 WHERE item_id IS NOT NULL;
UPDATE price_list SET code = 'work';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT 1, t.id, '2026-04-02', 3600 FROM task t WHERE t.title IN ('Menu', 'Search');
SELECT h.service_date, h.price::numeric(9,2), t.body -> 'lists' AS lists, d.body #> '{lists,1,prices,0,price}' AS by_terms
  FROM charge h JOIN terms t ON t.id = h.terms_id JOIN terms_document d ON d.id = t.id WHERE h.service_date >= '2026-04-01' ORDER BY h.id;
SELECT count(*) FROM list_snapshot;
UPDATE price_list SET revision = 7;
UPDATE list_snapshot SET revision = 9;
INSERT INTO list_snapshot (price_list_id, revision, body) VALUES (1, 99, '{}');
SELECT * FROM check_books();

SELECT credit(min(id), '[{"position": 1, "amount": "1"}]', 'less') FROM document WHERE kind = 'invoice';
-- the writer
SELECT put_charges('{}'), put_charges(NULL);
SET client_min_messages = error;
DROP SCHEMA t_charge CASCADE;
DROP SCHEMA IF EXISTS t_charge_internal CASCADE;
