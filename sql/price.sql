-- Prices of items and discounts: which position says what, and what nobody says.
CREATE EXTENSION IF NOT EXISTS finance;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_price');
SET search_path = t_price, t_price_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name, role) VALUES ('Dev', 'senior');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price_list (code, name, currency, client_id, parent_id) VALUES ('vip', 'Vip', 'EUR', 2, 1);
INSERT INTO price_list (code, name, currency) VALUES ('own', 'Of the contract', 'EUR');
INSERT INTO item (code, name, kind) VALUES ('disk', 'Disk', 'material'), ('setup', 'Set-up', 'service'), ('wire', 'Wire', 'material');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO price (price_list_id, item_id, price, cost) VALUES (1, 1, 200, 80), (1, 2, 50, NULL);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-01-01'), (3, 'B', 'EUR', '2026-01-01');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'C', 'EUR', '2026-01-01', 3);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'Login', 1), (2, 'Cart', 2);

-- the nearest position that says a price, a discount, a cost
SELECT set_price('vip', 180, item => 'disk') > 0 AS priced;
SELECT charge_item(1, 1, 2, '2026-02-01', key => 'parent') AS charge \gset
-- 2 × 180 at the parent's cost of 80
SELECT amount::numeric(9,2), cost::numeric(9,2), discount_pct, price_source FROM charge WHERE id = :charge;
-- a discount on what is found above: 200 - 10 % = 180; the cost too
INSERT INTO price (price_list_id, item_id, discount_pct, valid_from) VALUES (2, 1, 10, '2026-03-01');
SELECT charge_item(1, 1, 1, '2026-03-01') AS charge \gset
SELECT amount::numeric(9,2), cost::numeric(9,2), discount_pct::numeric(9,2), price_source, why FROM charge WHERE id = :charge;
-- the day before it holds not yet
SELECT charge_item(1, 1, 1, '2026-02-28') AS charge \gset
SELECT amount::numeric(9,2), discount_pct FROM charge WHERE id = :charge;
-- a cost alone: nearer than the parent's, at the parent's price
INSERT INTO price (price_list_id, item_id, cost, valid_from) VALUES (2, 1, 75, '2026-04-01');
SELECT charge_item(1, 1, 1, '2026-04-01') AS charge \gset
SELECT amount::numeric(9,2), cost::numeric(9,2), price_source FROM charge WHERE id = :charge;
-- an agreed price, at the lists' cost; a position's discount is not taken off it
SELECT charge_item(1, 1, 3, '2026-03-01', price => 150) AS charge \gset
SELECT amount::numeric(9,2), cost::numeric(9,2), discount_pct, price_source FROM charge WHERE id = :charge;
-- nobody says what set-up costs: unknown, and not nothing
SELECT charge_item(1, 2, 1, '2026-02-01') AS charge \gset
SELECT amount::numeric(9,2), cost FROM charge WHERE id = :charge;
SELECT charge_id = :charge AS told, item, contract, reason FROM uncosted_item;
-- the order of discounts: position, list, contract; they do not add up
UPDATE contract SET discount_pct = 3 WHERE id = 1;
SELECT p.* FROM item_position(2, 1, 1, '2026-02-01') p;
UPDATE price_list SET discount_pct = 5 WHERE code = 'd';
SELECT p.* FROM item_position(2, 1, 1, '2026-02-01') p;
SELECT p.* FROM item_position(1, 1, 1, '2026-02-01') p;
SELECT p.* FROM item_position(2, 1, 1, '2026-03-01') p;
SELECT p.* FROM item_position(2, 1, 3, '2026-03-01') p;
SELECT p.* FROM item_position(NULL, NULL, NULL, '2026-03-01') p;
UPDATE price_list SET discount_pct = NULL WHERE code = 'd';

-- a specification offers what would be charged: the contract's list knows no disk, nor do its parents
SELECT charge_item(3, 1, 1, '2026-02-01');
SELECT draft_document('{"kind": "specification", "contract": "C", "lines": [{"item": "disk"}]}');
UPDATE price_list SET parent_id = 1 WHERE code = 'own';
SELECT charge_item(3, 1, 4, '2026-02-01') AS charge \gset
SELECT draft_document('{"kind": "specification", "contract": "C", "lines": [{"item": "disk", "quantity": 4}]}') AS s \gset
-- 4 × 200, and a cost of 80 a piece in both
SELECT h.amount::numeric(9,2), h.cost::numeric(9,2), (l.quantity * l.price)::numeric(9,2) AS offered, l.cost::numeric(9,2) AS a_piece
  FROM charge h, document_line l WHERE h.id = :charge AND l.document_id = :s;
-- so what was agreed is charged as it was agreed
INSERT INTO task_item (task_id, item_id, quantity, price, cost, document_id)
SELECT 1, item_id, quantity, price, cost, document_id FROM document_line WHERE document_id = :s;
UPDATE task SET status = 'done', completed_at = '2026-02-10 12:00Z' WHERE id = 1;
SELECT amount::numeric(9,2), cost::numeric(9,2) FROM charge WHERE task_item_id IS NOT NULL;
-- the project's list, tiers and the contract's discount are known to both
UPDATE project SET price_list_id = 3 WHERE id = 2;
INSERT INTO price (price_list_id, item_id, tiers, cost) VALUES (3, 3, '{"mode": "graduated", "bounds": [10, null], "prices": [5, 4]}', 2);
UPDATE contract SET discount_pct = 10 WHERE id = 2;
SELECT charge_item(2, 3, 12, '2026-02-01', task_id => 2) AS charge \gset
-- 10 × 5 + 2 × 4 = 58, less 10 %
SELECT amount::numeric(9,2), cost::numeric(9,2), discount_pct::numeric(9,2), why FROM charge WHERE id = :charge;
SELECT draft_document('{"kind": "specification", "contract": "B", "project": "Shop", "lines": [{"item": "wire", "quantity": 12}]}') AS s \gset
SELECT round(quantity * price * (100 - discount_pct) / 100, 2) AS offered, cost::numeric(9,2), discount_pct::numeric(9,2) FROM document_line WHERE document_id = :s;

-- a price that is given is the price: no list takes anything off it
SELECT draft_document('{"kind": "specification", "contract": "B", "project": "Shop", "lines": [{"item": "wire", "quantity": 12, "price": 6}, {"item": "wire", "price": 6, "discount_pct": 50}]}') AS s \gset
SELECT price::numeric(9,2), discount_pct::numeric(9,2), net::numeric(9,2) FROM document_sheet(:s);

-- hours: a discount alone is taken off what is found further on, in the list or above it
INSERT INTO price (price_list_id, role, discount_pct) VALUES (2, 'senior', 20);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-02-03', 3600);
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'Logout', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-02-03', 3600);
SELECT price::numeric(9,2), discount_pct::numeric(9,2), amount::numeric(9,2), price_source, why
  FROM charge WHERE source = 'time' AND task_id = 3;

-- a position of work that goes to another list is a change of both
SELECT string_agg(revision::text, ',' ORDER BY id) AS was FROM price_list WHERE id IN (2, 3) \gset
UPDATE price SET price_list_id = 3 WHERE price_list_id = 2 AND role = 'senior';
SELECT l.code, l.revision - w.was AS more FROM price_list l JOIN unnest(string_to_array(:'was', ',')::bigint[]) WITH ORDINALITY w (was, no) ON l.id = w.no + 1 ORDER BY l.id;

-- what changes nothing is refused; what withdraws is not
INSERT INTO price (price_list_id, work_type_id) VALUES (2, 1);
INSERT INTO price (price_list_id, work_type_id, cost) VALUES (2, 1, 5);
INSERT INTO price (price_list_id, item_id) VALUES (2, 3);
INSERT INTO price (price_list_id, item_id, price, role) VALUES (1, 3, 1, 'senior');
INSERT INTO price (price_list_id, item_id, price, employee_id) VALUES (1, 3, 1, 1);
SELECT set_price('d', NULL, item => 'disk', valid_from => '2027-01-01') > 0 AS withdrawn;
SELECT set_price('d', NULL, item => 'disk') > 0 AS withdrawn;
SELECT p.price, p.cost FROM item_position(1, 1, 1, '2026-02-01') p;

SELECT * FROM check_books();
SET client_min_messages = warning;
SELECT finance.drop_books('t_price', 't_price');
