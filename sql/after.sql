-- What comes after something else was done: a waiver after a correction, an act after a credit, a rate after a close,
-- a correction while a report waits.  Each leaves books that agree.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE ROLE regress_finance_after;
SELECT finance.create_books('t_after');
SET search_path = t_after, t_after_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('contractor', 'Sub');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('e', 'Euro', 'EUR'), ('u', 'Dollar', 'USD');
SELECT set_price('e', 66.67), set_price('u', 80);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2025-12-01', 0.9);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, tax_rate, tax_inclusive, expense_markup_pct) VALUES
    (2, 'A', 'EUR', '2026-01-01', 1, 20, false, 17), (2, 'I', 'EUR', '2026-01-01', 1, 21, true, 0), (2, 'U', 'USD', '2026-01-01', 2, NULL, false, 0);
INSERT INTO project (client_id, name) VALUES (2, 'Shop');
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'Cart', 1), (1, 'Banner', 1), (1, 'Inside', 2), (1, 'Abroad', 3), (1, 'Priced', 1);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3900), (1, 2, '2026-03-03', 7500), (1, 3, '2026-03-03', 7500), (1, 4, '2026-03-05', 7200);

-- the month is closed, 65 minutes become 2 hours while they stand on a draft; the difference, 133.34 - 72.23, is billed
-- and given up: what was charged first is still owed, once
SELECT count(*) FROM run_billing('2026-03-31') WHERE outcome <> 'closed';
SELECT build_report('{"contract": "A"}') AS r \gset
SELECT difference FROM correct_entry(1, '{"duration_s": 7200}', 'longer');
SELECT invoice_work('{"contract": "A"}', '{"issued_on": "2026-04-01"}') AS i \gset
SELECT net::numeric(18,2) FROM document WHERE id = :i;
SELECT credit(:i, NULL, 'a present', '2026-04-02', 'waive') > 0 AS credited;
SELECT charge_id, amount FROM unbilled WHERE contract_id = 1 ORDER BY 1;
SELECT * FROM check_books();
SELECT discard(:r);
SELECT invoice_work('{"contract": "A"}', '{"issued_on": "2026-04-03"}') AS i \gset
SELECT net::numeric(18,2) AS later FROM document WHERE id = :i;

-- tax inside the prices: 13.37 net of 114.79 are given up, 16.18 with their tax; the act takes off what the prices hold
SELECT invoice_work('{"contract": "I"}', '{"issued_on": "2026-04-01"}') AS i \gset
SELECT credit(:i, (SELECT jsonb_agg(jsonb_build_object('line', l.id, 'net', '13.37')) FROM document_line l WHERE l.document_id = :i), 'r', '2026-04-02', 'waive') AS c \gset
SELECT issue_act(:i, '{"issued_on": "2026-04-03"}') AS a \gset
SELECT amount, discount, net, tax, gross, amount - discount = gross AS adds_up FROM document_sheet(:a);

-- a rate is mended after the close: what is written off and what is credited then is worth the new one, and what was
-- charged by the old one is due for correction; all of it comes to nothing in both currencies
SELECT invoice_work('{"contract": "U"}', '{"issued_on": "2026-04-01"}') AS i \gset
UPDATE exchange_rate SET rate = 0.95 WHERE base = 'USD';
SELECT adjust_charge(h.id, -10, 'late') AS late FROM charge h WHERE h.currency = 'USD' \gset
SELECT base_amount::numeric(18,2) AS eur FROM charge WHERE id = :late;
SELECT * FROM check_books();
SELECT credit(:i, NULL, 'r', '2026-04-02', 'waive') AS c \gset
SELECT * FROM check_books();
SELECT count(*) AS corrections FROM make_corrections() WHERE currency = 'USD';
SELECT count(*) AS corrections FROM make_corrections() WHERE currency = 'USD';
SELECT sum(amount)::numeric(18,2) AS usd, sum(base_amount)::numeric(18,2) AS eur FROM charge WHERE currency = 'USD';
SELECT count(*) AS due FROM correction_due WHERE currency = 'USD';
SELECT * FROM check_books();

-- work whose write-off waits on a sent report waits, too
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-06', 3600) RETURNING id AS e \gset
SELECT adjust_charge(h.id, -5.55, 'slow') > 0 AS written_off FROM charge h WHERE h.time_entry_id = :e;
SELECT build_report('{"contract": "A"}', '{"issued_on": "2026-04-30"}') AS r \gset
SELECT send(:r) IS NOT NULL AS sent;
SELECT correct_entry(:e, '{"duration_s": 7200}', 'longer');
SELECT transition(:r, 'rejected', 'no');
SELECT difference FROM correct_entry(:e, '{"duration_s": 7200}', 'longer');
SELECT * FROM check_books();

-- a client reads no cost, no id and no note of ours; that of an expense is its name
SELECT charge_expense(1, 100, '2026-04-07', 'hosting') > 0 AS charged;
SELECT adjust_charge(h.id, -5, 'he complained') > 0 AS written_off FROM charge h WHERE h.time_entry_id = :e AND h.reverses_id IS NULL AND NOT h.committed;
SELECT build_invoice('{"contract": "A"}') AS d \gset
SELECT title, net FROM document_sheet(:d) ORDER BY title;

-- what is agreed is charged so: a discount and an item's own price are a manager's
SELECT grant_access('regress_finance_after', 'clerk');
INSERT INTO item (code, name) VALUES ('x', 'Thing');
SET ROLE regress_finance_after;
SELECT issue_specification(5, '[{"title": "all", "price": "500", "discount_pct": "99"}]');
SELECT issue_specification(5, '[{"item": "x", "price": "0.01"}]');
RESET ROLE;
INSERT INTO manager_limit VALUES ('*', 10, 0);
SELECT grant_access('regress_finance_after', 'manager');
SET ROLE regress_finance_after;
SELECT issue_specification(5, '[{"title": "all", "price": "500", "discount_pct": "11"}]');
SELECT issue_specification(5, '[{"item": "x", "price": "0.01"}]');
SELECT issue_specification(5, '[{"title": "all", "price": "500", "discount_pct": "10"}]') > 0 AS issued;
RESET ROLE;

-- what others write is taken as it is, within the digits that are kept; a bill of nothing is paid when it is accepted
SELECT record_bill('{"party": "Sub", "outside_number": "7", "issued_on": "2026-04-01", "lines": [{"title": "free", "price": "0"}]}') AS b \gset
SELECT transition(:b, 'agreed');
SELECT status FROM document WHERE id = :b;
SELECT record_bill('{"party": "Sub", "outside_number": "8", "issued_on": "2026-04-01", "lines": [{"title": "x", "quantity": "1000000", "price": "1", "discount_pct": "33.33333333"}]}') AS b \gset
SELECT trim_scale(discount_pct) AS discount_pct, trim_scale(amount) AS amount FROM document_line WHERE document_id = :b;
-- a paper names nothing that is not there, and reckons its tax itself
SELECT draft_document('{"kind": "proforma", "party": 2, "contract": 999, "lines": [{"title": "x", "price": "100"}]}');
SELECT draft_document('{"kind": "proforma", "party": 2, "lines": [{"title": "x", "price": "100", "tax": "19.00"}]}');
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_after, t_after_internal CASCADE;
DROP OWNED BY regress_finance_after;
DROP ROLE regress_finance_after;
