-- Random histories: what must hold whatever happened.
SET client_min_messages = warning;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT setseed(0.42);

-- A company with a contract of each kind whose entries bear on one another.
CREATE PROCEDURE make_books(p_name text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM finance.create_books(p_name);
    PERFORM set_config('search_path', p_name || ', finance, public', false);
    INSERT INTO party (kind, name) SELECT 'company', 'Client ' || i FROM generate_series(1, 8) i;
    INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Bob', 'junior'), ('Cid', NULL);
    INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20.55, 'EUR'), (2, '2020-01-01', 10, 'EUR');
    INSERT INTO project (client_id, name) SELECT i, 'Project ' || i FROM generate_series(1, 8) i;
    INSERT INTO task (project_id, title, work_type_id) SELECT (i + 1) / 2, 'Task ' || i, 1 + i % 2 FROM generate_series(1, 16) i;
    INSERT INTO price_list (code, name, currency, is_default) VALUES ('base', 'Base', 'EUR', true);
    INSERT INTO price (price_list_id, role, work_type_id, price) VALUES (1, NULL, NULL, 66.67), (1, 'senior', NULL, 90), (1, 'senior', 2, 81.13);
    INSERT INTO calendar (name, zone) VALUES ('office', 'Europe/Kyiv');
    INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) SELECT 1, d, '09:00', '18:00', 'regular' FROM generate_series(1, 5) d;
    INSERT INTO contract (client_id, number, currency, starts_on, calendar_id, period, anchor_day, round_mode, round_increment_s, round_minimum_s, round_scope,
        cap_amount, minimum_charge, discount_pct) VALUES
        (1, 'plain', 'EUR', '2025-01-01', NULL, 'month', 1, 'up', 900, 0, 'entry', NULL, NULL, 7.5),
        (2, 'included', 'EUR', '2025-01-10', 1, 'month', 1, 'up', 600, 900, 'entry', NULL, NULL, NULL),
        (3, 'blocks', 'EUR', '2025-01-01', 1, 'week', 1, 'none', 60, 0, 'entry', NULL, 100, NULL),
        (4, 'capped', 'EUR', '2025-01-01', NULL, 'month', 15, 'nearest', 900, 0, 'entry', 1500, NULL, NULL),
        (5, 'by task and day', 'EUR', '2025-01-01', 1, 'month', 1, 'up', 1800, 0, 'task_day', NULL, NULL, NULL),
        (6, 'by day', 'EUR', '2025-01-01', NULL, 'half_month', 1, 'up', 3600, 0, 'day', NULL, NULL, NULL),
        (7, 'by period', 'EUR', '2025-01-01', 1, 'month', 1, 'up', 3600, 0, 'period', NULL, NULL, NULL),
        (8, 'money', 'EUR', '2025-01-01', NULL, 'month', 1, 'none', 60, 0, 'entry', NULL, NULL, NULL);
    INSERT INTO contract (client_id, number, currency, starts_on, parent_id, bands) VALUES (2, 'included, after hours', 'EUR', '2025-01-10', 2, '{off_hours}');
    UPDATE contract SET period_cap_amount = 600, period_cap_s = 30000, prorate = 'fixed_30' WHERE number IN ('capped', 'by task and day');
    INSERT INTO band_rule (contract_id, band, price_multiplier, burn_multiplier) VALUES (3, 'off_hours', 1.5, 1.5), (5, 'off_hours', 2, 1);
    INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price, rollover_max, prorate, prorate_included) VALUES
        (2, 'recurring', 'Support', 500, 20000, 77, 9000, 'actual', true), (5, 'recurring', 'Support', 100, 9000, NULL, NULL, 'none', false),
        (9, 'recurring', 'Nights', 50, 3600, NULL, NULL, 'none', false);
    INSERT INTO contract_line (contract_id, kind, title, amount, included_amount) VALUES (8, 'recurring', 'Money', 100, 300);
    INSERT INTO allotment (contract_id, kind, unit, amount, effective_at, expires_at, priority, scope_work_types) VALUES
        (3, 'block', 'seconds', 30000, '2025-01-05 13:20Z', '2025-02-01 10:30Z', 1, NULL), (3, 'block', 'seconds', 50000, '2025-01-01', NULL, 2, '{1}'),
        (3, 'topup', 'money', 700, '2025-01-20 00:00Z', '2025-02-20 00:00Z', 1, '{2}');
END $$;

CREATE TABLE history_entry AS
    SELECT i AS id, 1 + (random() * 2)::int AS employee_id, 1 + (random() * 15)::int AS task_id,
           CASE WHEN random() < 0.8 THEN '2025-01-01'::timestamptz + (random() * 5000)::int * interval '17 min' END AS started_at,
           (300 + random() * 14000)::int AS seconds, CASE WHEN random() < 0.05 THEN 'no_charge' WHEN random() < 0.05 THEN 'non_billable' END AS billable,
           random() AS shuffle
      FROM generate_series(1, 600) i;
CREATE VIEW history_row AS
    SELECT id, employee_id, task_id, started_at, started_at + seconds * interval '1 s' AS ended_at,
           CASE WHEN started_at IS NULL THEN '2025-01-01'::date + (shuffle * 58)::int END AS work_date, CASE WHEN started_at IS NULL THEN seconds END AS duration_s,
           billable, CASE WHEN billable IS NOT NULL THEN 'so said' END AS override_reason, shuffle
      FROM history_entry;
-- what counts of charges, whatever their ids
CREATE FUNCTION charges_of(p_name text) RETURNS TABLE (entry bigint, segment int, contract bigint, day date, period date, band text, coverage text, worked_s bigint,
    billed_s bigint, amount numeric, cost numeric, burned numeric, allotment text, why text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT time_entry_id, segment::int, h.contract_id, service_date, h.period_start, band, coverage, worked_s, billed_s, h.amount, cost, burned,
        a.kind || a.effective_at || coalesce(a.scope_work_types::text, ''''), why::text
        FROM %1$I.charge h LEFT JOIN %1$I.allotment a ON a.id = h.allotment_id WHERE time_entry_id IS NOT NULL', p_name);
END $$;
CREATE FUNCTION differences(a text, b text) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM ((SELECT * FROM charges_of(a) EXCEPT ALL SELECT * FROM charges_of(b)) UNION ALL
                          (SELECT * FROM charges_of(b) EXCEPT ALL SELECT * FROM charges_of(a))) d $$;

-- all at once, in order
CALL make_books('r_once');
INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason)
SELECT id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason FROM history_row ORDER BY id;
SELECT count(*) > 600 AS many, count(DISTINCT coverage) AS coverages FROM charge;
SELECT count(*) AS unrated FROM unrated;
SELECT * FROM billing_problems;

-- one by one, in another order
CALL make_books('r_single');
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT * FROM history_row ORDER BY shuffle LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason)
        VALUES (r.id, r.employee_id, r.task_id, r.started_at, r.ended_at, r.work_date, r.duration_s, r.billable, r.override_reason);
    END LOOP;
END $$;
SELECT differences('r_once', 'r_single') AS depends_on_order;
SELECT * FROM billing_problems;
-- in parts, with changes on the way that are taken back: lengths, tasks of other clients, deletions
CALL make_books('r_parts');
DO $$
DECLARE
    r record;
BEGIN
    FOR i IN 0 .. 9 LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason)
        SELECT id, employee_id, 1 + (task_id + id) % 16, started_at, ended_at + interval '1 hour', work_date, duration_s, billable, override_reason FROM history_row
         WHERE id % 10 = i;
    END LOOP;
    DELETE FROM time_entry WHERE id % 7 = 3;
    FOR i IN 0 .. 19 LOOP
        UPDATE time_entry e SET task_id = h.task_id, ended_at = h.ended_at FROM history_row h WHERE h.id = e.id AND e.id % 20 = i;
    END LOOP;
    FOR r IN SELECT * FROM history_row WHERE id % 7 = 3 ORDER BY shuffle LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason)
        VALUES (r.id, r.employee_id, r.task_id, r.started_at, r.ended_at, r.work_date, r.duration_s, r.billable, r.override_reason);
    END LOOP;
END $$;
SELECT differences('r_once', 'r_parts') AS depends_on_the_way;
SELECT * FROM billing_problems;
-- rated again when nothing changed: the same rows, untouched
SET search_path = r_once, r_once_internal, finance, public;
CREATE TABLE before AS SELECT id, xmin::text AS version FROM charge;
SELECT sum(rerate(id, '2025-01-01')) > 550 AS looked_at FROM contract WHERE parent_id IS NULL;
SELECT count(*) AS touched FROM charge h FULL JOIN before b USING (id) WHERE h.xmin::text IS DISTINCT FROM b.version;
-- and by other terms that say the same
SELECT count(*) AS months, count(*) FILTER (WHERE revenue_difference <> 0 OR cost_difference <> 0 OR unrated_entries <> 0) AS differ
  FROM what_if(NULL, '2025-01-01', '2025-12-31', '{}');

-- closed month by month while work comes in order: nothing late, the same work,
-- and the balance is that of closing all at once
CALL make_books('r_monthly');
DO $$
BEGIN
    FOR m IN 1 .. 4 LOOP
        INSERT INTO time_entry (id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason)
        SELECT id, employee_id, task_id, started_at, ended_at, work_date, duration_s, billable, override_reason FROM history_row
         WHERE coalesce(started_at::date, work_date) >= make_date(2025, m, 1) AND coalesce(started_at::date, work_date) < make_date(2025, m + 1, 1) ORDER BY id;
        PERFORM FROM run_billing(make_date(2025, m + 1, 1) - 1);
    END LOOP;
END $$;
SELECT * FROM billing_problems;
SELECT count(*) AS open FROM charge WHERE frozen_at IS NULL AND period_start < '2025-04-01';
SET search_path = r_once, r_once_internal, finance, public;
SELECT count(*) FILTER (WHERE outcome = 'refused') AS refused FROM run_billing('2025-04-30');
SELECT * FROM billing_problems;
SELECT number, o.charged - m.charged AS difference FROM r_once.contract_card o JOIN r_monthly.contract_card m USING (number)
 WHERE o.charged <> m.charged OR o.cost <> m.cost ORDER BY 1;
-- at every moment the ledger is what the charges say
SELECT (SELECT sum(base_amount) FROM charge) = (SELECT sum(base_balance) FROM account_balance WHERE account IN ('receivable', 'unbilled')) AS balanced;

-- corrections: random ones, then all taken away, which leaves fees and minimums only
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT id FROM history_entry WHERE id % 9 = 1 LOOP
        PERFORM correct_entry(r.id, jsonb_build_object('billable_s', r.id * 10), 'so it was')
          WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.id AND h.committed);
    END LOOP;
END $$;
SELECT * FROM billing_problems;
SELECT count(*) FILTER (WHERE outcome = 'refused') AS refused FROM run_billing('2025-06-30');
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT id FROM time_entry LOOP
        PERFORM correct_entry(r.id, NULL, 'nothing of it') WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.id AND h.committed);
    END LOOP;
END $$;
SELECT * FROM billing_problems;
SELECT sum(amount) AS amount, sum(cost) AS cost, sum(worked_s) AS worked_s, sum(billed_s) AS billed_s, sum(burned) AS burned FROM charge WHERE source = 'time'
   AND time_entry_id IN (SELECT time_entry_id FROM charge WHERE reverses_id IS NOT NULL);
SET client_min_messages = warning;
DROP SCHEMA r_once CASCADE;
DROP SCHEMA r_single CASCADE;
DROP SCHEMA r_parts CASCADE;
DROP SCHEMA r_monthly CASCADE;
