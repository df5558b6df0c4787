-- Whatever changes, and however many rows at once: open work is at once what rating all of
-- it again would make of it.  What is billed stays.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_follow');
SET search_path = t_follow, t_follow_internal, finance, public;

INSERT INTO calendar (name, zone) VALUES ('west', 'America/New_York'), ('nights', 'Europe/Kyiv');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 2, d, '22:00', '06:00', 'night' FROM generate_series(1, 7) d;
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Hours'), ('company', 'Bands'), ('company', 'Caps'), ('company', 'Days');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior'), ('Cyd', 'junior');
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.8), ('GBP', 'EUR', '2026-01-01', 1.2), ('USD', 'EUR', '2026-03-01', 0.9);
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency) VALUES (1, NULL, '2026-01-01', 20, 'USD'), (2, NULL, '2026-01-01', 10, 'GBP'), (NULL, 'junior', '2026-01-01', 8, 'EUR'), (2, NULL, '2026-03-15', 12, 'GBP');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('L', 'List', 'EUR', true), ('D', 'Dollars', 'USD', true);
INSERT INTO price (price_list_id, role, price) VALUES (1, NULL, 60), (1, 'junior', 40), (2, NULL, 70);
INSERT INTO item (code, name) VALUES ('fix', 'Fix');
INSERT INTO project (client_id, name) SELECT c, format('%s of %s', n, c) FROM generate_series(2, 5) c, unnest('{Site,Shop}'::text[]) n ORDER BY c, n DESC;
-- plain hours in dollars; included hours and blocks, with a companion for the nights; caps; days rounded up to hours
INSERT INTO contract (client_id, number, currency, starts_on, ends_on, calendar_id, parent_id, bands, cap_amount, round_mode, round_increment_s, round_scope) VALUES
    (2, 'H', 'USD', '2026-01-01', NULL, 1, NULL, NULL, NULL, 'none', 1, 'entry'), (3, 'B', 'EUR', '2026-01-01', NULL, 2, NULL, NULL, NULL, 'none', 1, 'entry'),
    (3, 'BN', 'EUR', '2026-01-01', NULL, 2, 2, '{night}', NULL, 'none', 1, 'entry'), (4, 'C', 'EUR', '2026-01-01', NULL, NULL, NULL, NULL, 400, 'none', 1, 'entry'),
    (5, 'D', 'EUR', '2026-01-01', NULL, 1, NULL, NULL, NULL, 'up', 3600, 'day');
INSERT INTO contract (client_id, project_id, number, currency, starts_on, status) VALUES (2, 2, 'HS', 'EUR', '2026-01-01', 'active'), (5, 8, 'DS', 'EUR', '2026-01-01', 'draft');
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (2, 'recurring', 'Support', 0, 7200);
INSERT INTO allotment (contract_id, kind, unit, amount, effective_at, expires_at) VALUES (2, 'block', 'seconds', 7200, '2026-02-01', NULL), (3, 'block', 'seconds', 24000, '2026-02-10', '2026-04-01'), (2, 'block', 'money', 90, '2026-03-01', NULL),
    (3, 'topup', 'money', 50, '2026-03-15', NULL);
INSERT INTO task (project_id, title, work_type_id) SELECT p.id, t, CASE t WHEN 'one' THEN 1 END FROM project p, unnest('{one,two}'::text[]) t ORDER BY p.id, t;
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at)
SELECT 1 + (t.id + d) % 3, t.id, at, at + interval '50 minutes' FROM task t CROSS JOIN generate_series(CASE t.title WHEN 'one' THEN 0 ELSE 5 END, 15, 2) d
 CROSS JOIN LATERAL (SELECT timestamptz '2026-01-05 16:10Z' + d * interval '7 days 5 hours' + t.id * interval '55 minutes' AS at) a ORDER BY t.id, d;
-- what_if() tells what would come: nothing else, nothing; other terms, what these terms make of all the work
SELECT c.number, count(*) AS months, count(*) FILTER (WHERE w.revenue_difference <> 0 OR w.cost_difference <> 0 OR w.unrated_entries <> 0) AS different
  FROM contract c CROSS JOIN (VALUES (date '2026-01-01', date '2026-12-31'), ('2026-02-01', '2026-02-28'), ('2026-02-20', '2026-03-20'), ('2026-03-11', '2026-03-11')) d (a, b)
 CROSS JOIN LATERAL what_if(c.id, d.a, d.b, '{}') w WHERE c.parent_id IS NULL AND c.status <> 'draft' GROUP BY c.id ORDER BY c.id;
INSERT INTO price_list (code, name, currency, parent_id) VALUES ('E', 'Other euros', 'EUR', 1), ('F', 'Other dollars', 'USD', 2);
INSERT INTO price (price_list_id, role, price) VALUES (3, 'senior', 90), (4, 'senior', 95);
CREATE TEMP TABLE terms (no serial, terms jsonb, statement text);
INSERT INTO terms (terms, statement) VALUES
    ('{}', 'SELECT 1'), ('{"price_list_id": 3}', 'UPDATE contract SET price_list_id = 3 WHERE id = %s'), ('{"price_list_id": 4}', 'UPDATE contract SET price_list_id = 4 WHERE id = %s'),
    ('{"prices": [{"role": "senior", "price": 77}, {"work_type": 1, "price": 70}]}', 'INSERT INTO price_list (id, code, name, currency, parent_id) SELECT 99, ''X'', ''X'', c.currency, l.id FROM contract c JOIN price_list l ON l.is_default AND l.currency = c.currency WHERE c.id = %1$s;
        INSERT INTO price (price_list_id, role, work_type_id, price) VALUES (99, ''senior'', NULL, 77), (99, NULL, 1, 70); UPDATE contract SET price_list_id = 99 WHERE id = %1$s'),
    ('{"rounding": {"mode": "up", "increment_s": 1800}}', 'UPDATE contract SET round_mode = ''up'', round_increment_s = 1800 WHERE id = %s'), ('{"discount_pct": 12.5}', 'UPDATE contract SET discount_pct = 12.5 WHERE id = %s'),
    ('{"cap_amount": 150}', 'UPDATE contract SET cap_amount = 150 WHERE id = %s'), ('{"cap_amount": null}', 'UPDATE contract SET cap_amount = NULL WHERE id = %s'),
    ('{"overage_price": 99}', 'INSERT INTO contract_line (contract_id, kind, title, amount, overage_price) VALUES (%s, ''recurring'', ''more'', 0, 99)'),
    ('{"band_rules": [{"multiplier": 1.1}, {"band": "night", "multiplier": 2}]}', 'INSERT INTO band_rule (contract_id, band, price_multiplier) VALUES (%1$s, NULL, 1.1), (%1$s, ''night'', 2)'),
    ('{"included_hours": 3}', 'UPDATE allotment SET amount = 10800 WHERE kind = ''included'' AND contract_id = %1$s;
        INSERT INTO contract_line (contract_id, kind, title, amount, included_s) SELECT c.id, ''recurring'', ''hours'', 0, 10800 FROM contract c WHERE c.id = %1$s AND NOT EXISTS (SELECT FROM contract_line n WHERE n.contract_id = c.id)'), ('{"included_s": 0}', 'UPDATE allotment SET scope_work_types = ''{6}'' WHERE kind = ''included'' AND contract_id = %s'),
    ('{"period_cap_amount": 60}', 'UPDATE contract SET period_cap_amount = 60 WHERE id = %s');
CREATE FUNCTION pg_temp.would_be(p_contract contract, p_terms terms, OUT revenue numeric, OUT different text) LANGUAGE plpgsql AS $$
DECLARE
    v_would jsonb;
    v_is jsonb;
BEGIN
    SELECT jsonb_object_agg(w.month, ARRAY[round(w.new_revenue, 2), round(w.new_cost, 2), w.unrated_entries]), round(sum(w.new_revenue), 2) INTO v_would, revenue FROM what_if(p_contract.id, '2026-01-01', '2026-12-31', p_terms.terms) w;
    EXECUTE format(p_terms.statement, p_contract.id);
    PERFORM rerate(p_contract.id, '2026-01-01');
    SELECT jsonb_object_agg(h.month, ARRAY[round(h.amount, 2), round(h.cost, 2), 0]) INTO v_is
      FROM (SELECT date_trunc('month', h.service_date)::date AS month, sum(h.amount) AS amount, sum(h.cost) AS cost FROM charge h WHERE h.contract_id = ANY (contract_group(p_contract.id)) GROUP BY 1) h;
    different := (SELECT string_agg(k.key || ': ' || (v_would ->> k.key) || ' is ' || (v_is ->> k.key), ', ') FROM jsonb_each(v_would) k WHERE k.value IS DISTINCT FROM v_is -> k.key);
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
    WHEN OTHERS THEN different := SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT t.terms, c.number, w.* FROM terms t CROSS JOIN contract c CROSS JOIN LATERAL pg_temp.would_be(c, t) w WHERE c.id IN (1, 2, 4, 5) AND (t.terms ->> 'price_list_id' IN (SELECT l.id::text FROM price_list l WHERE l.currency = c.currency)) IS NOT false ORDER BY t.no, c.id;

-- January is closed for most, and some of March and April waits with the client
SELECT count(close_period(c.id, '2026-01-01')) FROM contract c WHERE c.parent_id IS NULL AND c.id < 6;
SELECT build_report(jsonb_build_object('client', 3, 'from', '2026-04-01', 'to', '2026-04-12', 'task', (SELECT min(t.id) FROM task t JOIN project p ON p.id = t.project_id WHERE p.client_id = 3))) AS report \gset
SELECT transition(:report, 'sent');
SELECT build_report(jsonb_build_object('client', 5, 'period', '2026-03', 'task', (SELECT min(t.id) FROM task t JOIN project p ON p.id = t.project_id WHERE p.client_id = 5))) AS report \gset
SELECT transition(:report, 'sent');

CREATE VIEW work AS
    SELECT h.time_entry_id AS entry, h.segment, h.committed, h.contract_id, h.project_id, h.client_id, h.task_id, h.work_type_id, h.employee_id, h.service_date, h.period_start, h.coverage, h.band, h.allotment_id,
           h.worked_s, h.billed_s, h.burned, h.price, h.rate, h.amount, h.cost, h.currency, h.base_amount, h.base_cost, h.late, NULL::text AS problem
      FROM charge h WHERE h.source = 'time'
    UNION ALL SELECT r.time_entry_id, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, r.problem FROM rating_problem r;
CREATE FUNCTION pg_temp.difference(p_before work[], p_after work[], OUT open bigint, OUT billed bigint) LANGUAGE sql AS $$
    SELECT count(DISTINCT x.entry) FILTER (WHERE NOT x.committed), count(DISTINCT x.entry) FILTER (WHERE x.committed)
      FROM ((SELECT * FROM unnest(p_before) EXCEPT ALL SELECT * FROM unnest(p_after)) UNION ALL (SELECT * FROM unnest(p_after) EXCEPT ALL SELECT * FROM unnest(p_before))) x $$;
-- how much open and billed work a statement changes, and how much rating all again finds to change
CREATE FUNCTION pg_temp.follow(p_statement text, OUT changed bigint, OUT billed bigint, OUT left_over text) LANGUAGE plpgsql AS $$
DECLARE
    v_before CONSTANT work[] := ARRAY(SELECT w FROM work w);
    v_after work[];
BEGIN
    BEGIN
        EXECUTE p_statement;
        SET CONSTRAINTS ALL IMMEDIATE;
        v_after := ARRAY(SELECT w FROM work w);
        SELECT * INTO changed, billed FROM pg_temp.difference(v_before, v_after);
        PERFORM rate_entries(ARRAY(SELECT e.id FROM time_entry e ORDER BY e.id), false);
        left_over := (SELECT d.open + d.billed FROM pg_temp.difference(v_after, ARRAY(SELECT w FROM work w)) d);
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN NULL;
        WHEN OTHERS THEN left_over := SQLSTATE || ' ' || SQLERRM;
    END;
END $$;
ALTER FUNCTION rate_entries(bigint[], boolean) SECURITY DEFINER;  -- only functions of the books write charges
CREATE TEMP TABLE statement (no serial, text text);
INSERT INTO statement (text) VALUES
    ('SELECT 1'),
    -- contracts: the first of them matters, or the last
    ('UPDATE contract SET ends_on = starts_on + 60 + 10 * id::int WHERE id IN (1, 5)'), ('UPDATE contract SET starts_on = ''2026-03-10'' WHERE id IN (6, 7)'), ('UPDATE contract SET status = ''active'' WHERE id IN (6, 7)'),
    ('UPDATE contract SET status = ''draft'' WHERE id IN (6, 7)'), ('UPDATE contract SET project_id = NULL WHERE id IN (6, 7)'), ('UPDATE contract SET needs_approval = true'),
    ('INSERT INTO contract (client_id, project_id, number, currency, starts_on) VALUES (2, 1, ''N1'', ''EUR'', ''2026-02-15''), (4, 6, ''N2'', ''EUR'', ''2026-03-01'')'),
    ('INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, ''N1'', ''EUR'', ''2026-02-15''), (4, ''N2'', ''EUR'', ''2026-03-01'')'),
    ('INSERT INTO contract (client_id, project_id, number, currency, starts_on, model) VALUES (2, 1, ''N1'', ''EUR'', ''2026-02-15'', ''fixed_price''), (4, 6, ''N2'', ''EUR'', ''2026-03-01'', ''fixed_price'')'),
    -- what work is
    ('UPDATE project SET billable = CASE id WHEN 1 THEN ''no_charge'' ELSE ''non_billable'' END WHERE id IN (1, 5)'), ('UPDATE work_type SET billable = ''no_charge'' WHERE id IN (1, 2)'), ('UPDATE task SET billable = ''no_charge'' WHERE id IN (2, 10)'),
    ('UPDATE task SET work_type_id = 5 WHERE id IN (2, 4, 10)'), ('UPDATE task SET project_id = project_id + 1 WHERE id IN (2, 6, 10)'), ('UPDATE task SET project_id = CASE id WHEN 2 THEN 3 ELSE 1 END WHERE id IN (2, 10)'),
    ('UPDATE task SET contract_id = CASE WHEN id = 2 THEN 6 ELSE 1 END WHERE id IN (2, 4)'), ('INSERT INTO task_item (task_id, item_id, price) VALUES (2, 1, 5), (10, 1, 5)'),
    -- what it costs, and what that is worth
    ('INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (3, ''2026-04-01'', 9, ''EUR''), (1, ''2026-02-10'', 21, ''USD'')'), ('INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (3, ''2026-02-10'', 9, ''EUR''), (1, ''2026-04-01'', 21, ''USD'')'),
    ('INSERT INTO cost_rate (role, valid_from, hourly_cost, currency) VALUES (''senior'', ''2026-02-10'', 9, ''EUR''), (''junior'', ''2026-02-10'', 9, ''GBP'')'), ('DELETE FROM cost_rate'), ('DELETE FROM cost_rate WHERE employee_id = 2'),
    ('UPDATE cost_rate SET valid_from = valid_from + 50'), ('UPDATE cost_rate SET valid_from = valid_from - 20'), ('UPDATE cost_rate SET employee_id = CASE employee_id WHEN 1 THEN 3 ELSE 1 END WHERE employee_id IN (1, 2) AND valid_from = ''2026-01-01'''),
    ('INSERT INTO exchange_rate VALUES (''GBP'', ''EUR'', ''2026-04-01'', 1.3), (''USD'', ''EUR'', ''2026-02-10'', 0.7)'), ('INSERT INTO exchange_rate VALUES (''GBP'', ''EUR'', ''2026-02-10'', 1.3), (''USD'', ''EUR'', ''2026-04-01'', 0.7)'),
    ('INSERT INTO exchange_rate VALUES (''GBP'', ''USD'', ''2026-02-10'', 2)'), ('DELETE FROM exchange_rate WHERE valid_from = ''2026-03-01'' OR base = ''GBP'''), ('UPDATE exchange_rate SET rate = rate * 2, valid_from = valid_from + 20'), ('UPDATE exchange_rate SET valid_from = valid_from - 20 WHERE valid_from = ''2026-03-01'''),
    -- what covers it
    ('UPDATE allotment SET effective_at = effective_at + interval ''20 days'' WHERE kind <> ''included'''), ('UPDATE allotment SET effective_at = effective_at - interval ''20 days'' WHERE effective_at > ''2026-02-10'' AND kind <> ''included'''), ('UPDATE allotment SET expires_at = ''2026-03-10'' WHERE kind = ''block'' AND unit = ''money'''),
    ('UPDATE allotment SET expires_at = ''2026-02-15'' WHERE id = 2'), ('UPDATE allotment SET amount = amount * 2 WHERE kind = ''block'''), ('UPDATE allotment SET amount = amount * 2 WHERE kind = ''topup'''), ('UPDATE allotment SET priority = -5 WHERE kind IN (''block'', ''topup'') AND unit = ''money'''),
    ('UPDATE allotment SET scope_work_types = ''{1}'' WHERE unit = ''money'''), ('SELECT void_block(a.id, ''x'') FROM allotment a WHERE a.unit = ''money'''), ('SELECT add_block(c.id, ''2026-02-05'', hours => 1, price => 0) FROM contract c WHERE c.id IN (2, 3)'),
    ('SELECT charge_item(4, 1, 1, ''2026-02-03'', price => 100)'),
    -- the work itself
    ('INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT 1, t.id, ''2026-02-08 20:00Z'', ''2026-02-08 21:30Z'' FROM task t'), ('INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT 1, t.id, ''2026-01-09 04:30Z'', ''2026-01-09 05:30Z'' FROM task t'),
    ('DELETE FROM time_entry WHERE started_at BETWEEN ''2026-02-01'' AND ''2026-02-20'''), ('UPDATE time_entry SET ended_at = ended_at + interval ''10 minutes'' WHERE started_at BETWEEN ''2026-02-10'' AND ''2026-02-28'''),
    ('UPDATE time_entry SET started_at = started_at + interval ''20 days'', ended_at = ended_at + interval ''20 days'' WHERE started_at BETWEEN ''2026-02-10'' AND ''2026-02-28'''),
    ('UPDATE time_entry SET task_id = CASE WHEN task_id = 5 THEN 2 ELSE 6 END WHERE task_id IN (5, 10) AND started_at BETWEEN ''2026-04-13'' AND ''2026-04-28'''), ('UPDATE time_entry SET employee_id = 4 - employee_id WHERE started_at >= ''2026-04-13'''),
    ('UPDATE time_entry SET billable = ''no_charge'', override_reason = ''x'' WHERE started_at BETWEEN ''2026-02-10'' AND ''2026-02-28'''), ('UPDATE time_entry SET work_type_id = 5 WHERE started_at >= ''2026-04-13''');
SELECT * FROM check_books();
SELECT f.changed, f.billed, f.left_over, left(s.text, 120) AS statement FROM statement s CROSS JOIN LATERAL pg_temp.follow(s.text) f ORDER BY s.no;
DROP SCHEMA t_follow, t_follow_internal CASCADE;
