-- Reports: from logged work to the client's answer, and the lifecycle of every document.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_document');
SET search_path = t_document, t_document_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Freelance Ltd');
INSERT INTO employee (name, role) VALUES ('Dev', 'senior'), ('Junior', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR'), (2, '2026-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true), ('usd', 'Work in dollars', 'USD', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60), (2, 66);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.9);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (2, 'Shop'), (3, 'Beta'), (1, 'House');
INSERT INTO project (client_id, parent_id, name) VALUES (2, 2, 'Shop checkout');
INSERT INTO contract (client_id, own_id, project_id, number, currency, starts_on, tax_rate, tax_level) VALUES
    (2, 1, 1, 'A-1', 'EUR', '2026-01-01', 20, 'line'), (2, 1, 2, 'A-2', 'USD', '2026-01-01', NULL, 'line'), (2, 1, 5, 'A-3', 'EUR', '2026-01-01', 20, 'line'),
    (3, 1, NULL, 'B-1', 'EUR', '2026-01-01', NULL, 'line');
INSERT INTO task (project_id, number, title, work_type_id, url, status) SELECT 1, v.number, v.title, w.id, 'https://plan.example/' || v.number, v.status
  FROM (VALUES ('T-1', 'Login', 'development', 'done'), ('T-2', 'Cart', 'design', 'in_progress'), ('T-3', 'Typo', 'bug', 'done')) v (number, title, code, status)
  JOIN work_type w ON w.code = v.code ORDER BY v.number;
INSERT INTO task (project_id, number, title) VALUES (2, 'S-1', 'Shop'), (5, 'S-2', 'Checkout'), (3, 'B-1', 'Help');
SELECT id, number FROM task ORDER BY id;

-- 1 h and 20 min on T-1 at 60 = 60 + 20; 1 h on T-2 by Junior = 60; 2 h of a bug at nothing;
-- 1 h in dollars = 66; 1 h of checkout = 60; 1 h for Beta = 60
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-03-02', 3600), (1, 1, '2026-03-10', 1200), (2, 2, '2026-03-03', 3600), (1, 3, '2026-03-04', 7200),
    (1, 4, '2026-03-05', 3600), (1, 5, '2026-03-06', 3600), (1, 6, '2026-03-06', 3600);
SELECT task, hours_billed, amount, currency, document_id FROM unbilled ORDER BY charge_id;

-- preview: what each filter would take, reserving nothing
SELECT task, coverage, hours_worked, amount, url FROM preview_report('{"contract": 1}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "currency": "EUR"}');
SELECT string_agg(task, ', ') FROM preview_report('{"project": 2}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "work_type": ["bug", "design"]}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "task_status": "done"}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "employee": 2}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "from": "2026-03-03", "to": "2026-03-05"}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "period": "2026-04"}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "period": "2026-03-01", "task": [1, 5]}');
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2, "paid_pct_from": 1}');
-- filters that say nothing are refused whole
SELECT * FROM preview_report('{"client": 2, "colour": "red"}');
SELECT * FROM preview_report('{"period": "2026-03"}');
SELECT * FROM preview_report('{"client": [2, 3]}');
SELECT * FROM preview_report('{"client": 2, "project": 3}');
SELECT * FROM preview_report('{"client": 99}');
SELECT * FROM preview_report('{"client": "x"}');
SELECT * FROM preview_report('{"client": 2, "from": "2026-02-30"}');
SELECT * FROM preview_report('{"client": 2, "work_type": "magic"}');
SELECT * FROM preview_report('[]');
SELECT build_report('{"client": 2}');
SELECT build_report('{"client": 2, "from": "2027-01-01"}');
SELECT build_report('{"contract": 1}', '{"positions": "colour"}');
SELECT build_report('{"contract": 1}', '{"colour": "red"}');

-- a draft reserves: nothing of it is offered again
SELECT build_report('{"contract": 1, "period": "2026-03"}', '{"title": "March", "issued_on": "2026-04-01"}') AS r \gset
SELECT status, number, net, tax, gross, hours_worked, hours_billed, tasks FROM document_card WHERE document_id = :r;
SELECT position, title, coverage, hours_worked, hours_billed, price, net, tax, gross FROM document_sheet(:r);
SELECT string_agg(task, ', ') FROM preview_report('{"client": 2}');
SELECT build_report('{"contract": 1}');
SELECT task, document_id = :r AS on_it, document_status FROM unbilled WHERE client_id = 2 ORDER BY charge_id;

-- the draft follows its work: 20 min more on T-1 are another 20, Junior's hour is deleted
UPDATE time_entry SET duration_s = 2400 WHERE id = 2;
DELETE FROM time_entry WHERE id = 3;
SELECT net, tax, gross, hours_billed FROM document_card WHERE document_id = :r;
-- new work waits until the draft is refreshed
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (2, 2, '2026-03-31', 1800);
SELECT net FROM document_card WHERE document_id = :r;
SELECT refresh_draft(:r);
SELECT net, tax, gross FROM document_card WHERE document_id = :r;

-- only allowed steps
SELECT transition(:r, 'agreed');
SELECT transition(:r, 'paid');
SELECT transition(:r, 'no such status');
SELECT transition(999, 'sent');
UPDATE document SET status = 'paid' WHERE id = :r;
SELECT issue_invoice(:r);
SELECT issue_act(:r);
SELECT share(:r);

-- sent: numbered, stamped, and its work waits unchanged for the answer
SELECT transition(:r, 'sent');
SELECT status, number, issued_on, net, tax, gross, period_from, period_to FROM document_card WHERE document_id = :r;
SELECT count(*) FROM charge WHERE held_by = :r AND frozen_at IS NULL;
UPDATE time_entry SET duration_s = 60 WHERE id = 1;
DELETE FROM time_entry WHERE id = 1;
UPDATE document SET title = 'April' WHERE id = :r;
UPDATE document SET net = 1, gross = 1 + tax WHERE id = :r;
DELETE FROM document WHERE id = :r;
SELECT discard(:r);
UPDATE document_line SET title = 'Other' WHERE document_id = :r;
UPDATE document_line SET released_at = now(), released_by = :r WHERE document_id = :r;
DELETE FROM document_line WHERE document_id = :r;
INSERT INTO document_line (document_id, kind, currency, charge_id, claim) SELECT :r, 'report', 'EUR', id, true FROM charge WHERE task_id = 5;
UPDATE document SET note = 'asked by phone' WHERE id = :r;
SELECT transition(:r, 'sent');
SELECT refresh_draft(:r);
-- a price change and a re-rating leave it alone
UPDATE price SET price = 70 WHERE id = 1;
SELECT rerate(1, '2026-03-01');
SELECT sum(amount)::numeric(9,2) FROM charge WHERE held_by = :r;
UPDATE price SET price = 60 WHERE id = 1;

-- S10: rejected; the same charges are offered again, once, and can be changed
SELECT transition(:r, 'rejected');
SELECT transition(:r, 'rejected', 'the second visit was not ours', 'Alpha');
SELECT count(*) FROM charge WHERE held_by IS NOT NULL;
UPDATE time_entry SET duration_s = 1200 WHERE id = 2;
SELECT revise(:r, '{"issued_on": "2026-04-02"}') AS r2 \gset
SELECT document_id = :r2 AS newest, status, revision, supersedes_id = :r AS supersedes, superseded_by = :r2 AS superseded, net FROM document_card
 WHERE document_id IN (:r, :r2) ORDER BY document_id;
SELECT count(*), count(DISTINCT charge_id) FROM charge_claim WHERE document_id = :r2;
SELECT revise(:r);
SELECT from_status, to_status, by <> '' AS by, reason FROM document_status_change WHERE document_id = :r ORDER BY id;
DELETE FROM document_status_change;

-- agreed: frozen and posted, 60 + 20 + 30 = 110
SELECT transition(:r2, 'sent'), transition(:r2, 'agreed', NULL, 'Alpha');
SELECT count(*) FILTER (WHERE frozen_at IS NOT NULL) AS frozen, count(held_by) AS held, sum(amount) FILTER (WHERE frozen_at IS NOT NULL)::numeric(9,2) AS posted FROM charge;
SELECT account, posted_balance FROM account_balance WHERE account IN ('revenue', 'receivable', 'unbilled') AND currency = 'EUR' ORDER BY 1;
UPDATE charge SET amount = 1 WHERE id = (SELECT min(id) FROM charge);
SELECT revise(:r2);
SELECT make_deal(:r2) = make_deal(:r2) AS one_deal;
SELECT d.name, d.amount::numeric(9,2), d.currency FROM deal d JOIN document c ON c.deal_id = d.id WHERE c.id = :r2;

-- void before an invoice: the charges are free again, still posted, once
SELECT void(:r2, '');
SELECT void(:r2, 'billed to the wrong project');
SELECT status, number IS NOT NULL AS keeps_its_number FROM document_card WHERE document_id = :r2;
SELECT string_agg(task, ', ') FROM preview_report('{"contract": 1}');
SELECT build_report('{"contract": 1}') AS r3 \gset
SELECT net FROM document_card WHERE document_id = :r3;
SELECT discard(:r3);
SELECT string_agg(to_status, ',' ORDER BY id) IS NOT NULL AS kept, count(*) FROM document_status_change WHERE document_id = :r3;
SELECT string_agg(task, ', ') FROM preview_report('{"contract": 1}');

-- positions: by employee, by day, not at all; two prices never share one
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason) VALUES (1, 1, '2026-03-11', 3600, 90, 'at night');
SELECT build_report('{"contract": 1}', '{"positions": "employee"}') AS r4 \gset
SELECT position, title, price, net FROM document_sheet(:r4);
UPDATE document SET positions = 'day' WHERE id = :r4;
SELECT position, title, price, net FROM document_sheet(:r4);
UPDATE document SET positions = 'none' WHERE id = :r4;
SELECT count(*), sum(net), sum(gross) FROM document_sheet(:r4);
UPDATE document SET positions = 'task' WHERE id = :r4;
SELECT position, title, price, net FROM document_sheet(:r4);
-- a draft whose work went elsewhere is not sent
UPDATE task SET contract_id = 3 WHERE id = 1;
UPDATE task SET project_id = 3, contract_id = 4 WHERE id = 1;
UPDATE time_entry SET comment = 'moved', duration_s = 3601 WHERE id = 9;
SELECT transition(:r4, 'sent');
SELECT refresh_draft(:r4);
SELECT string_agg(title, ', ') FROM document_sheet(:r4);
SELECT discard(:r4);
UPDATE task SET project_id = 1, contract_id = NULL WHERE id = 1;
UPDATE time_entry SET duration_s = 3600 WHERE id = 9;

-- specification: work on the task is charged only once it is agreed
UPDATE contract SET needs_specification = true WHERE id = 4;
INSERT INTO item (code, name, kind, unit) VALUES ('cable', 'Cable', 'material', 'm');
INSERT INTO price (price_list_id, item_id, price, cost, discount_pct) VALUES (1, 1, 2.5, 1, 10);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 6, '2026-03-20', 3600);
SELECT time_entry_id = (SELECT max(id) FROM time_entry) AS waits, reason FROM unrated;
SELECT issue_specification(6, '[{"title": "Laying", "price": "100", "cost": "40"}, {"item": "cable", "quantity": "10"}]', '{"issued_on": "2026-03-19"}') AS s \gset
-- 100 + 10 * 2.50 - 10 % = 122.50
SELECT kind, status, number, net, tax, gross FROM document_card WHERE document_id = :s;
SELECT position, title, quantity, unit, price, discount_pct, net FROM document_sheet(:s);
SELECT title, cost::numeric(9,2) FROM document_line WHERE document_id = :s ORDER BY id;
SELECT specification_agreed(6), count(*) FROM unrated;
SELECT transition(:s, 'rejected', 'too dear', 'Beta');
SELECT transition(:s, 'archived');
SELECT specification_agreed(6);
SELECT issue_specification(6, '[{"title": "Laying", "price": "80"}]', '{"issued_on": "2026-03-19"}') AS s2 \gset
SELECT transition(:s2, 'sent'), transition(:s2, 'agreed', NULL, 'Beta');
SELECT specification_agreed(6), (SELECT count(*) FROM unrated) AS unrated, (SELECT amount::numeric(9,2) FROM charge ORDER BY id DESC LIMIT 1) AS amount;
SELECT issue_specification(6, '[{"title": "Nothing"}]');
SELECT issue_specification(6, '[{"item": "no such"}]');
SELECT issue_specification(6, '[{"price": "1", "colour": "red"}]');
SELECT issue_specification(6, '[]');
SELECT issue_specification(999, '[]');

-- proposal: requirements and an estimate, versions, and the estimate becomes the contract's stages
SELECT draft_document('{"kind": "proposal", "party": 3, "contract": 4, "title": "New shop", "requirements": "sells shoes", "issued_on": "2026-02-01",
    "source": "crm", "external_id": "p1", "lines": [{"title": "Design", "price": "1000", "cost": "400", "starts_on": "2026-05-01", "ends_on": "2026-05-31"},
    {"title": "Build", "quantity": "20", "unit": "h", "price": "60"}]}') AS p \gset
SELECT draft_document('{"kind": "proposal", "party": 3, "contract": 4, "title": "New shop", "requirements": "sells shoes", "issued_on": "2026-02-01",
    "source": "crm", "external_id": "p1", "lines": [{"title": "Design", "price": "1000", "cost": "400", "starts_on": "2026-05-01", "ends_on": "2026-05-31"},
    {"title": "Build", "quantity": "20", "unit": "h", "price": "60"}]}') = :p AS same;
SELECT draft_document('{"kind": "proposal", "party": 3, "title": "Other", "source": "crm", "external_id": "p1"}');
SELECT transition(:p, 'sent');
SELECT revise(:p, '{"requirements": "sells shoes and socks"}') AS p2 \gset
SELECT make_stages(:p2, 4);
SELECT transition(:p2, 'sent'), transition(:p2, 'agreed'), make_stages(:p2, 4), make_stages(:p2, 4);
SELECT kind, title, amount::numeric(9,2), cost::numeric(9,2), starts_on, status FROM contract_line WHERE contract_id = 4 ORDER BY id;
SELECT revision, status, requirements FROM document WHERE id IN (:p, :p2) ORDER BY id;

-- stages are worth what the estimate comes to: 50 - 10 % of the line, and a tenth less of all
SELECT draft_document('{"kind": "proposal", "party": 3, "contract": 4, "title": "Extras", "discount_pct": "10", "lines": [{"title": "Banner", "price": "50", "discount_pct": "10"}]}') AS p3 \gset
SELECT transition(:p3, 'sent'), transition(:p3, 'agreed'), make_stages(:p3, 4);
SELECT title, amount::numeric(9,2) FROM contract_line WHERE contract_id = 4 AND title = 'Banner';

-- contracts and annexes, both ways; e-signature; what an unknown kind or party says
SELECT draft_document('{"kind": "contract", "party": 3, "title": "Framework", "file_url": "https://edo.example/1", "issued_on": "2026-01-01"}') AS c \gset
SELECT draft_document(jsonb_build_object('kind', 'annex', 'party', 3, 'incoming', true, 'outside_number', '7/1', 'based_on', :c, 'issued_on', '2026-01-02')) AS x \gset
SELECT set_signature(:c, 'signed');
SELECT transition(:c, 'sent'), transition(:x, 'sent');
SELECT set_signature(:c, 'sent', 'edo', 'edo-17');
SELECT set_signature(:c, 'signed', 'Beta', NULL, '2026-01-05 12:00Z');
SELECT set_signature(:c, 'signed', 'Beta');
SELECT set_signature(:c, 'rejected', 'Beta');
SELECT kind, incoming, number, status, sign_status, sign_at, sign_by, sign_ref FROM document_card WHERE document_id IN (:c, :x) ORDER BY document_id;
SELECT draft_document('{"kind": "invoice", "party": 3}');
SELECT draft_document('{"party": 3}');
SELECT draft_document('{"kind": "contract"}');
SELECT draft_document('{"kind": "contract", "party": 3, "colour": 1}');

-- numbers: their own pattern for each company and kind; what is used only counts on
SELECT format_number('{YYYY}/{MM}-{####}', 7, '2026-03-01'), format_number('A{YY}{DD}-{##}', 12345, '2026-03-09');
INSERT INTO number_series (own_id, kind, year, pattern, first_no, next_no) VALUES (1, 'proforma', 2026, 'PF-{###}', 100, 100);
SELECT draft_document('{"kind": "proforma", "contract": 4, "issued_on": "2026-05-05", "lines": [{"title": "Advance", "price": "100"}]}') AS f1,
       draft_document('{"kind": "proforma", "contract": 4, "issued_on": "2026-06-05", "lines": [{"title": "Advance", "price": "200"}]}') AS f2,
       draft_document('{"kind": "proforma", "contract": 4, "issued_on": "2027-01-05", "lines": [{"title": "Advance", "price": "300"}]}') AS f3 \gset
SELECT transition(:f1, 'sent'), transition(:f2, 'sent'), transition(:f3, 'sent');
SELECT number, due_on, gross FROM document_card WHERE kind = 'proforma' ORDER BY document_id;
UPDATE number_series SET next_no = 1, first_no = 1 WHERE kind = 'proforma' AND year = 2026;
UPDATE number_series SET next_no = next_no + 5 WHERE kind = 'proforma';
DELETE FROM number_series WHERE kind = 'proforma';
INSERT INTO number_series (kind, year, pattern) VALUES ('other', 2026, 'no counter');
INSERT INTO document (kind, party_id, currency, status) VALUES ('report', 2, 'EUR', 'paid');

SELECT * FROM document_problems;
SELECT * FROM check_books();

-- a task that moves to another client while a report holds its work: the work follows once it is free
SELECT finance.create_books('t_moved');
SET search_path = t_moved, t_moved_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('l', 'List', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'A'), (3, 'B');
INSERT INTO task (project_id, title) VALUES (1, 'Cart');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EUR', '2026-01-01'), (3, 'B-1', 'EUR', '2026-01-01');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT build_report('{"client": 2}') AS report \gset
SELECT transition(:report, 'sent');
UPDATE task SET project_id = 2;
SELECT client_id, project_id, contract_id, amount::numeric(9,2), committed FROM charge;
SELECT transition(:report, 'rejected', 'not ours');
SELECT client_id, project_id, contract_id, amount::numeric(9,2), committed FROM charge;
SELECT * FROM check_books();
-- a draft whose work the client is not to see any more is not sent
INSERT INTO task (project_id, title) VALUES (1, 'Poster'), (1, 'Flyer');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-03-02', 3600), (1, 3, '2026-03-02', 3600);
SELECT build_report('{"client": 2}') AS report \gset
UPDATE task SET billable = 'non_billable' WHERE id = 2;
SELECT transition(:report, 'sent');
SELECT refresh_draft(:report);
SELECT title, net FROM document_sheet(:report);
-- and work that was left behind is told
ALTER TABLE charge DISABLE TRIGGER USER;
UPDATE charge SET project_id = 1;
SELECT * FROM check_books() WHERE rule LIKE 'open work%';
RESET search_path;
SELECT finance.drop_books('t_moved', 't_moved');
