-- What documents are about: lines name a task, a deal, a stage, a project or a contract,
-- and all that follows from it is filled in; deals made of documents reach their work.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_dimension');
SET search_path = t_dimension, t_dimension_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Petrov');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES
    (2, 'A', 'EUR', '2026-01-01'), (3, 'B', 'EUR', '2026-01-01');
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO deal (client_id, project_id, name) VALUES (2, 1, 'Menu'), (3, 2, 'Cart'), (2, NULL, 'Advice');
INSERT INTO deal_stage (deal_id, position, name) VALUES (1, 1, 'Draft'), (2, 1, 'Build');
INSERT INTO task (project_id, deal_id, title) VALUES (1, 1, 'Menu of the site'), (1, NULL, 'Footer'), (2, NULL, 'Basket');

-- ---------------------------------------------------------------------------
-- bills: each line names one thing, its cost stands under all that follows
-- ---------------------------------------------------------------------------
SELECT record_bill('{"party": "Petrov", "outside_number": "1", "issued_on": "2026-03-15", "currency": "EUR", "lines": [
    {"title": "by task", "price": "1", "task": 1}, {"title": "by deal", "price": "20", "deal": "Cart"},
    {"title": "by stage", "price": "300", "stage": 2}, {"title": "by project", "price": "4000", "project": "Site"},
    {"title": "by contract", "price": "50000", "contract": "B"}, {"title": "by a deal without a project", "price": "600000", "deal": 3},
    {"title": "of nothing", "price": "7000000"}]}') AS b \gset
SELECT l.title, p.name AS client, c.number AS contract, j.name AS project, d.name AS deal, l.task_id AS task
  FROM document_line l
  LEFT JOIN party p ON p.id = l.client_id LEFT JOIN contract c ON c.id = l.contract_id
  LEFT JOIN project j ON j.id = l.project_id LEFT JOIN deal d ON d.id = l.deal_id
 WHERE l.document_id = :b ORDER BY l.id;
SELECT transition(:b, 'agreed');
SELECT deal, cost FROM profit_by_deal ORDER BY 1;
SELECT project, cost FROM profit_by_project ORDER BY 1;
SELECT contract, cost FROM profit_by_contract ORDER BY 1;
SELECT client, cost FROM profit_by_client WHERE client IN ('Alpha', 'Beta') ORDER BY 1;
SELECT number, cost FROM contract_card ORDER BY 1;

-- the whole bill names it, and a line that names something else is about that
SELECT record_bill('{"party": 4, "outside_number": "2", "issued_on": "2026-03-15", "currency": "EUR", "deal": "Menu", "lines": [
    {"title": "like the bill", "price": "5"}, {"title": "of Beta", "price": "6", "project": "Shop"}]}') AS b2 \gset
SELECT d.project_id, d.deal_id, d.party_id, l.title, l.client_id, l.contract_id, l.project_id, l.deal_id
  FROM document d JOIN document_line l ON l.document_id = d.id WHERE d.id = :b2 ORDER BY l.id;

-- what contradicts itself
\set bill '{"party": 4, "outside_number": "3", "issued_on": "2026-03-15", "currency": "EUR", "lines": [{"title": "x", "price": "1", '
SELECT record_bill((:'bill' || '"task": 1, "project": "Shop"}]}')::jsonb);
SELECT record_bill((:'bill' || '"task": 1, "deal": "Cart"}]}')::jsonb);
SELECT record_bill((:'bill' || '"stage": 1, "deal": "Cart"}]}')::jsonb);
SELECT record_bill((:'bill' || '"project": "Site", "contract": "B"}]}')::jsonb);
SELECT record_bill((:'bill' || '"stage": 99}]}')::jsonb);
SELECT count(*) FROM document;
-- a paper of ours is about its client
SELECT draft_document('{"kind": "proposal", "party": "Alpha", "project": "Shop"}');
SELECT draft_document('{"kind": "proposal", "party": "Alpha", "lines": [{"title": "x", "price": "1", "deal": "Cart"}]}');
SELECT draft_document('{"kind": "proposal", "deal": "Cart", "lines": [{"title": "x", "price": "1"}]}') AS o \gset
SELECT d.party_id, d.project_id, d.deal_id, l.client_id, l.contract_id, l.project_id, l.deal_id
  FROM document d JOIN document_line l ON l.document_id = d.id WHERE d.id = :o;

-- a contract with who works for us may say for whom
SELECT draft_document('{"kind": "contract", "party": "Petrov", "project": "Shop"}') IS NOT NULL AS drafted;

-- ---------------------------------------------------------------------------
-- a deal made of a report: its work is of the deal, whatever it was posted with
-- ---------------------------------------------------------------------------
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-03-02', 3600), (1, 2, '2026-03-02', 7200), (1, 3, '2026-03-02', 10800);
SELECT deal, revenue FROM profit_by_deal WHERE revenue <> 0 ORDER BY 1;
SELECT build_report('{"client": "Alpha"}', '{"title": "March", "discount_pct": 10, "issued_on": "2026-04-01"}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed');
SELECT make_deal(:r) AS d \gset
-- 200 less 10 per cent; the menu, 100 less 10 per cent, stays with its own deal
SELECT deal, revenue FROM profit_by_deal WHERE revenue <> 0 ORDER BY 1;
SELECT issue_invoice(:r, '{"issued_on": "2026-04-02"}') AS i \gset
SELECT deal_id = :d AS of_the_deal FROM document WHERE id = :i;
-- the task gets a deal, loses it, and so does its posted work; then it is of the report's again
UPDATE task SET deal_id = 3 WHERE id = 2;
SELECT deal, revenue FROM profit_by_deal WHERE revenue <> 0 ORDER BY 1;
UPDATE task SET deal_id = NULL WHERE id = 2;
SELECT deal, revenue FROM profit_by_deal WHERE revenue <> 0 ORDER BY 1;
-- all else of a posted charge stays
CREATE FUNCTION pg_temp.cheat() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ UPDATE t_dimension.charge SET deal_id = NULL, amount = 1 WHERE id = 1 $$;
SELECT pg_temp.cheat();
-- of a draft: at once, and again when it is sent, whatever was rated meanwhile
SELECT build_report('{"client": "Beta"}') AS r2 \gset
SELECT make_deal(:r2) AS d2 \gset
SELECT deal LIKE 'draft report%' AS made, revenue FROM profit_by_deal WHERE deal LIKE 'draft report%';
UPDATE time_entry SET duration_s = 14400 WHERE task_id = 3;
SELECT transition(:r2, 'sent');
SELECT d.name LIKE 'draft report%' AS made, p.revenue FROM profit_by_deal p JOIN deal d ON d.id = p.deal_id WHERE p.deal_id = :d2;

SELECT * FROM check_books();
-- the books see it when it is not so
UPDATE document_line SET client_id = NULL WHERE document_id = :o;
CREATE FUNCTION pg_temp.undo() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ UPDATE t_dimension.charge SET deal_id = NULL WHERE task_id = 3 $$;
SELECT pg_temp.undo();
SELECT rule, detail FROM document_problems ORDER BY 1;
