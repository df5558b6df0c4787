-- History under other terms.
SET client_min_messages = warning;
SELECT finance.create_books('t_what_if');
SET search_path = t_what_if, t_what_if_internal, finance;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never

INSERT INTO party (kind, name) VALUES ('own', 'We'), ('company', 'Acme'), ('company', 'Globex');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Bob', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO task (project_id, title) VALUES (1, 'Support'), (2, 'Orders');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('base', 'Base', 'EUR', true), ('dear', 'Dear', 'EUR', false), ('usd', 'Dollars', 'USD', true);
INSERT INTO price (price_list_id, role, price) VALUES (1, NULL, 100), (2, 'senior', 140), (3, NULL, 1);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EUR', '2025-01-01'), (3, 'G-1', 'EUR', '2025-01-01');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price) VALUES (1, 'recurring', 'Support', 500, 18000, 90);
-- January 7 h 20 min in two pieces, February 3 h; at the other client 10 h of Bob's
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2025-01-10', 14400), (1, 1, '2025-01-20', 12000), (1, 1, '2025-02-10', 10800),
    (2, 2, '2025-02-11', 36000);
SELECT count(*) FROM run_billing('2025-01-31');
SELECT charge_fees(1, '2025-02-28');

\set columns 'contract, month, old_revenue AS old, new_revenue AS new, revenue_difference AS difference, new_cost AS cost, old_profit, new_profit, profit_difference AS more, unrated_entries AS unrated'
CREATE FUNCTION pg_temp.asked(p_terms jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(to_char(w.month, 'MM') || ' ' || w.old_revenue || ' ' || w.new_revenue, '; ' ORDER BY w.month)
      FROM contract c, what_if(c.id, '2025-01-01', '2025-03-31', p_terms) w WHERE c.number = 'G-2' $$;
CREATE TABLE before AS SELECT * FROM charge;
-- nothing else: nothing changes (500 + 2 h 20 min at 90 = 710; 500)
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{}');
-- 8 hours included: no overage; 2 hours: 5 h 20 min = 480 and 1 h = 90 past them
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"included_hours": 8}');
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"included_s": 7200}');
-- none at all, by the hour at the list's 100: 7 h 20 min = 400 + 333.33, 300
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"included_hours": 0, "overage_price": null, "fee": 0}');
-- the overage dearer; the fee higher; each started hour
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"overage_price": 120}');
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"fee": 650.50}');
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"rounding": {"mode": "up", "increment_s": 3600}}');
-- lists: Ann is dearer there, nobody prices Bob's hours
SELECT :columns FROM what_if(NULL, '2025-01-01', '2025-12-31', '{"price_list_id": 2, "included_hours": 0, "overage_price": null}');
SELECT :columns FROM what_if(2, '2025-01-01', '2025-12-31', '{"prices": [{"role": "junior", "price": 60}]}');
SELECT :columns FROM what_if(2, '2025-01-01', '2025-12-31', '{"discount_pct": 12.5}');
SELECT :columns FROM what_if(2, '2025-01-01', '2025-12-31', '{"cap_amount": 750}');
SELECT :columns FROM what_if(2, '2025-01-01', '2025-12-31', '{"band_rules": [{"multiplier": 1.1}]}');
-- a part of the range
SELECT :columns FROM what_if(1, '2025-02-01', '2025-02-28', '{"included_hours": 1}');
-- other hours are included for the same work as before: for development, of
-- which there is none, so 7 h 20 min and 3 h at 90 come on top of the fee
UPDATE contract_line SET scope_work_types = ARRAY[(SELECT id FROM work_type WHERE code = 'development')] WHERE contract_id = 1;
SELECT :columns FROM what_if(1, '2025-01-01', '2025-12-31', '{"included_hours": 8}');
UPDATE contract_line SET scope_work_types = NULL WHERE contract_id = 1;
-- hours that roll over, at most 10, do so with other hours too, once their month is closed: with 8 h of January and 8 of February, of
-- 23 h 7 cost 60; with 12, 1; with as many as there are nothing changes. What came over from before the range stays
BEGIN;
INSERT INTO party (kind, name) VALUES ('company', 'Initech');
INSERT INTO project (client_id, name) SELECT id, 'Care' FROM party WHERE name = 'Initech';
INSERT INTO task (project_id, title) SELECT id, 'Care' FROM project WHERE name = 'Care';
INSERT INTO contract (client_id, number, currency, starts_on) SELECT id, 'G-2', 'EUR', '2025-01-15' FROM party WHERE name = 'Initech';
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, rollover_max) SELECT id, 'recurring', 'Care', 310, 36000, 60, 36000 FROM contract WHERE number = 'G-2';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2025-02-12', 23 * 3600 FROM task WHERE title = 'Care';
SELECT pg_temp.asked('{"included_hours": 10}');
SELECT count(*) FROM run_billing('2025-01-31');
SELECT h, pg_temp.asked(jsonb_build_object('included_hours', h)) FROM unnest('{0,8,10,12}'::int[]) h;
SELECT month, old_revenue, new_revenue FROM contract c, what_if(c.id, '2025-02-01', '2025-02-28', '{"included_hours": 8}') WHERE number = 'G-2';
ROLLBACK;
-- nothing was written
SELECT count(*) FROM charge h FULL JOIN before b USING (id) WHERE to_jsonb(h) IS DISTINCT FROM to_jsonb(b);
-- refusals
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"colour": 1}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '[]');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', NULL);
SELECT * FROM what_if(1, '2025-12-31', '2025-01-01', '{}');
SELECT * FROM what_if(9, '2025-01-01', '2025-12-31', '{}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"price_list_id": 3}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"price_list_id": 33}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"included_s": 1, "included_hours": 1}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"fee": -1}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"fee": "much"}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"prices": {}}');
SELECT * FROM what_if(1, '2025-01-01', '2025-12-31', '{"rounding": {"mode": "sideways"}}');
DROP SCHEMA t_what_if, t_what_if_internal CASCADE;
