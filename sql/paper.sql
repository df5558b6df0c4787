-- Paper that a client's accountant can check: a quantity times its price less discount is the amount, or the paper
-- shows the time by the clock, and says why.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_paper');
SET search_path = t_paper, t_paper_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha');
INSERT INTO employee (name, role) VALUES ('Dana', 'senior');
INSERT INTO price_list (code, name, currency) VALUES ('2026', 'P', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
INSERT INTO item (code, name) VALUES ('x', 'Thing');
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, discount_pct, amount_basis) VALUES
    (2, 'H', 'EUR', '2026-01-01', 1, 5, 'hundredth'), (2, 'E', 'EUR', '2026-01-01', 1, 5, 'exact');
INSERT INTO project (client_id, name) VALUES (2, 'Shop');
INSERT INTO task (project_id, title, contract_id) VALUES (1, 'Cart', 1), (1, 'Login', 2), (1, 'Search', 2);
-- ten works of 1037 to 1370 seconds: .29 and on, in all 3.35 hours of 63.3365, each rounded: 212.17 where the line is 212.18
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t, date '2026-03-01' + i, 1000 + i * 37 FROM generate_series(1, 10) i, unnest('{1,2}'::int[]) t;
-- and an hour and a half, which is one work
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-03-20', 5400);
SELECT charge_item(2, 1, 3, '2026-03-21', price => 9.99) > 0 AS sold;
SELECT sum(round(duration_s / 3600.0, 2)) AS hours, round(sum(round(duration_s / 3600.0, 2)) * 66.67 * .95, 2) AS at_once,
       sum(round(round(duration_s / 3600.0, 2) * 66.67 * .95, 2)) AS one_by_one FROM time_entry WHERE task_id = 1;
SELECT build_invoice('{"client": 2}', '{"issued_on": "2026-03-31"}') AS i \gset
SELECT title, unit, trim_scale(quantity) AS quantity, price, trim_scale(discount_pct) AS discount, trim_scale(amount) AS amount, summed, clock
  FROM document_rows(:i) ORDER BY title;
SELECT issue_invoice(:i) AS i \gset
SELECT document_html(:i, l) LIKE '%>3:20:35<%' AS by_the_clock, document_html(:i, l) LIKE '%' || (page_labels(l) ->> 'clock_note') || '%' AS says_why
  FROM unnest('{uk,ru,en}'::text[]) l;
-- the cent is nobody's price: a charge beside the work, which has it and the sum of the line
SELECT l.charge_id, trim_scale(l.amount) AS amount, trim_scale(l.rounding) AS rounding, trim_scale(h.amount) AS charged, trim_scale(a.amount) AS beside, a.gross, a.adjusts_id, charge_reason(a.why, 'en') AS reason
  FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN charge a ON a.id = l.adjustment_id WHERE l.document_id = :i ORDER BY 1;
SELECT trim_scale(sum(h.amount)) AS charged, (SELECT trim_scale(net) FROM document WHERE id = :i) AS billed FROM charge h;
SELECT credit(:i, NULL, 'all of it', '2026-04-01', 'waive') AS note \gset
SELECT title, trim_scale(quantity) AS quantity, trim_scale(amount) AS amount, clock FROM document_rows(:note) ORDER BY title;
-- what adds up needs no word
SELECT charge_item(2, 1, 3, '2026-04-21', price => 9.99) > 0 AS sold;
SELECT invoice_work('{"client": 2, "from": "2026-04-01"}', '{"issued_on": "2026-04-30"}') AS j \gset
SELECT document_html(:j, 'en') LIKE '%' || (page_labels('en') ->> n) || '%' AS says_why FROM unnest('{clock_note,summed_note}'::text[]) n;
-- a report that is sent back and sent again has its cents once; its work changes, and they follow
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 2, date '2026-05-01' + i, 1200 FROM generate_series(1, 4) i;
SELECT round(1200 / 3600.0 * 66.67 * .95, 2) * 4 AS one_by_one, round(4800 / 3600.0 * 66.67 * .95, 2) AS at_once;
SELECT build_report('{"client": 2, "from": "2026-05-01"}', '{"issued_on": "2026-05-31"}') AS r \gset
SELECT transition(:r, 'sent');
SELECT trim_scale(amount) AS amount, trim_scale(rounding) AS rounding FROM document_line WHERE document_id = :r ORDER BY id;
SELECT transition(:r, 'rejected', 'longer');
UPDATE time_entry SET duration_s = 2400 WHERE work_date = '2026-05-05';
SELECT revise(:r) AS r \gset
SELECT transition(:r, 'sent');
SELECT transition(:r, 'agreed');
SELECT trim_scale(sum(amount)) AS amount, trim_scale(sum(rounding)) AS rounding, count(adjustment_id) AS beside, round(6000 / 3600.0 * 66.67 * .95, 2) AS at_once FROM document_line WHERE document_id = :r;
SELECT issue_invoice(:r, '{"issued_on": "2026-05-31"}') AS k \gset
SELECT trim_scale(net) AS invoiced FROM document WHERE id = :k;
SELECT * FROM check_books();
-- what is billed of a corrected work stays, cent and all: its reversal is the work's own amount
SELECT difference FROM correct_entry((SELECT max(id) FROM time_entry WHERE duration_s = 1200), '{"duration_s": 600}', 'half of it');
SELECT trim_scale(sum(amount)) AS left_to_bill FROM unbilled;
-- a report by employee or by day has each of them once, though all is of one task; what else is charged to a task stands
-- under its own name
INSERT INTO party (kind, name) VALUES ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Oleh');
INSERT INTO price (price_list_id, item_id, valid_from, tiers, cost) VALUES (1, 1, '2026-01-01', '{"mode":"graduated","bounds":[10,null],"prices":[5.55,4.44]}', 1);
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, discount_pct) VALUES (3, 'B', 'EUR', '2026-01-01', 1, 10);
INSERT INTO project (client_id, name) VALUES (3, 'Desk');
INSERT INTO task (project_id, number, title) VALUES (2, 'D-1', 'Help') RETURNING id AS help \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :help, '2026-03-02', 3600), (2, :help, '2026-03-03', 7200), (1, :help, '2026-03-04', 10800);
SELECT charge_item(3, 1, 17.123456, '2026-03-05', task_id => :help) > 0 AS sold;
CREATE FUNCTION page_tasks(p_positions text) RETURNS TABLE (title text, hours text, amount text, lines int) LANGUAGE plpgsql AS $$
DECLARE
    v_report bigint := build_report('{"client": 3}', jsonb_build_object('positions', p_positions));
BEGIN
    RETURN QUERY SELECT t ->> 'title', t ->> 'hours_billed', t ->> 'amount', jsonb_array_length(nullif(t -> 'lines', 'null'))
                   FROM jsonb_path_query(document_data(v_report, 'en'), '$.groups[*].tasks[*]') t;
    PERFORM discard(v_report);
END $$;
SELECT p AS positions, t.* FROM unnest('{employee,day,task}'::text[]) p, page_tasks(p) t;
-- tiers have no price of a unit: ten of 5.55 and the rest of 4.44 less 10 % are 78.42, which the paper says; the discount is 8.71
SELECT build_invoice('{"client": 3}', '{"issued_on": "2026-03-31"}') AS i \gset
SELECT title, quantity, price, discount_pct, amount, clock, summed FROM document_sheet(:i) ORDER BY title;
SELECT given_discount(:i) - round((6 * 66.67) * .1, 2) AS of_tiers;
SELECT issue_invoice(:i) AS i \gset
-- of what is taken back after a part of it only the amount is known; its hours were billed and stay so; what is billed
-- again says what it was
SELECT credit(:i, jsonb_build_array(jsonb_build_object('line', min(id), 'net', '40.00')), 'goodwill', '2026-04-02', 'waive') AS part FROM document_line WHERE document_id = :i AND title LIKE '%Help' \gset
SELECT credit(:i, jsonb_build_array(jsonb_build_object('position', min(position))), 'of another', '2026-04-03', 'rebill') AS rest FROM document_line WHERE document_id = :i AND title LIKE '%Help' \gset
SELECT title, unit, quantity, price, hours_billed, amount, summed FROM document_sheet(:part) UNION ALL SELECT title, unit, quantity, price, hours_billed, amount, summed FROM document_sheet(:rest);
SELECT invoice_work('{"client": 3}', '{"issued_on": "2026-04-04"}') AS again \gset
SELECT title, unit, quantity, price, hours_billed, amount FROM document_sheet(:again) ORDER BY title;
SELECT sum(hours_billed) AS hours, sum(net) AS net FROM document_card WHERE party_id = 3 AND kind IN ('invoice', 'credit_note');
SELECT clock_text(0), clock_text(59), clock_text(-5430), clock_text(360000);
SELECT * FROM check_books();
DROP SCHEMA t_paper, t_paper_internal CASCADE;
