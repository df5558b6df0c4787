-- A prepaid block under random inserts, edits, deletions and moves to another
-- contract: after each step every entry burns what a plain running sum says.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET jit = off;
SELECT finance.create_books('t_sequence');
SET search_path = t_sequence, t_sequence_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('company', 'Alpha');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (1, 'BLOCK', 'EUR', '2020-01-01'), (1, 'PLAIN', 'EUR', '2020-01-01');
INSERT INTO allotment (contract_id, kind, unit, amount, effective_at) VALUES (1, 'block', 'seconds', 150000, '2020-01-01');
INSERT INTO project (client_id, name) VALUES (1, 'Site');
INSERT INTO task (project_id, contract_id, title) VALUES (1, 1, 'Desk');

CREATE FUNCTION wrong_burns() RETURNS SETOF record LANGUAGE sql AS $$
    SELECT e.id, e.work_date, e.want, coalesce(h.burned, 0) FROM (
        SELECT e.id, e.work_date,
               CASE WHEN e.contract_id IS NULL THEN greatest(0, least(e.worked_s, 150000 - coalesce(sum(e.worked_s) FILTER (WHERE e.contract_id IS NULL)
                   OVER (ORDER BY e.work_date, e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) ELSE 0 END AS want
          FROM time_entry e) e
      LEFT JOIN (SELECT time_entry_id, sum(burned) AS burned FROM charge GROUP BY 1) h ON h.time_entry_id = e.id
     WHERE e.want <> coalesce(h.burned, 0) $$;

INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 1, date '2026-01-01' + (g * 37) % 200, 600 + 60 * (g % 20) FROM generate_series(1, 200) g;
SELECT count(*) AS wrong FROM wrong_burns() AS (id bigint, day date, want bigint, got numeric);
DO $$
DECLARE
    v_id bigint;
    v_dice int;
BEGIN
    FOR i IN 1 .. 150 LOOP
        v_dice := ('x' || substr(md5('step ' || i), 1, 6))::bit(24)::int;
        SELECT e.id INTO v_id FROM time_entry e ORDER BY md5(e.id || ' ' || i) LIMIT 1;
        CASE v_dice % 5
            WHEN 0 THEN INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, date '2026-01-01' + v_dice % 200, 900);
            WHEN 1 THEN DELETE FROM time_entry WHERE id = v_id;
            WHEN 2 THEN UPDATE time_entry SET duration_s = 300 + v_dice % 3000 WHERE id = v_id;
            WHEN 3 THEN UPDATE time_entry SET work_date = date '2026-01-01' + v_dice % 200 WHERE id = v_id;
            ELSE UPDATE time_entry SET contract_id = CASE WHEN contract_id IS NULL THEN 2 END WHERE id = v_id;
        END CASE;
        IF EXISTS (SELECT FROM wrong_burns() AS (id bigint, day date, want bigint, got numeric)) THEN
            RAISE EXCEPTION 'step %, kind %: %', i, v_dice % 5, (SELECT w FROM wrong_burns() AS w (id bigint, day date, want bigint, got numeric) LIMIT 1);
        END IF;
    END LOOP;
END $$;
-- open work follows what there is to draw on
UPDATE allotment SET amount = 1;
SELECT count(*) FROM charge WHERE allotment_id IS NOT NULL;
UPDATE allotment SET amount = amount + 1;
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_sequence, t_sequence_internal CASCADE;

-- Entries that are rounded together, in every way at once: what each step leaves is
-- what rating makes of the whole.
SELECT finance.create_books('t_groups');
SET search_path = t_groups, t_groups_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('company', 'Alpha');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
INSERT INTO calendar (name, zone) VALUES ('c', 'Asia/Tokyo');
INSERT INTO contract (calendar_id, client_id, number, currency, starts_on, round_mode, round_increment_s, round_scope)
    SELECT 1, 1, s, 'EUR', '2020-01-01', 'up', 1800, s FROM unnest('{task,task_day,day,period}'::text[]) s;
INSERT INTO project (client_id, name) VALUES (1, 'Site');
INSERT INTO task (project_id, contract_id, title) SELECT 1, c.id, format('%s %s', c.number, g) FROM contract c, generate_series(1, 4) g ORDER BY c.id, g;
-- two tasks by turns, one log at a time: half an hour each
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-16', 600);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-01-17', 600);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-18', 600);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 2, '2026-01-19', 600);
SELECT task_id, sum(billed_s) FROM charge GROUP BY 1 ORDER BY 1;
DO $$
DECLARE
    v_id bigint;
    v_dice int;
BEGIN
    FOR i IN 1 .. 200 LOOP
        v_dice := ('x' || substr(md5('group ' || i), 1, 6))::bit(24)::int;
        SELECT e.id INTO v_id FROM time_entry e ORDER BY md5(e.id || ' ' || i) LIMIT 1;
        CASE v_dice % 9
            WHEN 0 THEN DELETE FROM time_entry WHERE id = v_id;
            WHEN 1 THEN UPDATE time_entry SET duration_s = 300 + v_dice % 3000 WHERE id = v_id AND started_at IS NULL;
            WHEN 2 THEN UPDATE time_entry SET work_date = date '2026-01-01' + v_dice % 60 WHERE id = v_id AND started_at IS NULL;
            WHEN 3 THEN UPDATE time_entry SET task_id = 1 + v_dice % 16 WHERE id = v_id;
            WHEN 4 THEN INSERT INTO time_entry (employee_id, task_id, started_at, ended_at)
                SELECT 1, 1 + v_dice % 16, t, t + make_interval(secs => 300 + v_dice % 9000) FROM (SELECT timestamptz '2026-01-01 00:00Z' + make_interval(mins => v_dice % 86400) AS t) x;
            WHEN 5 THEN
                IF v_dice % 4 = 0 THEN
                    UPDATE contract SET round_scope = (ARRAY['entry', 'task', 'task_day', 'day', 'period'])[1 + v_dice / 64 % 5] WHERE id = 1 + v_dice / 16 % 4;
                ELSIF v_dice % 4 = 1 THEN
                    PERFORM add_block(1 + v_dice / 16 % 4, date '2026-01-01' + v_dice % 60, hours => 1, price => 0) WHERE i > 120;  -- before that nothing is drawn
                ELSIF v_dice % 4 = 2 THEN
                    UPDATE time_entry SET billable = CASE WHEN billable IS NULL THEN 'no_charge' END, override_reason = 'test' WHERE id = v_id;
                ELSE
                    UPDATE calendar SET zone = (ARRAY['UTC', 'Asia/Tokyo', 'America/Los_Angeles'])[1 + v_dice / 16 % 3];
                END IF;
            ELSE INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1 + v_dice % 16, date '2026-01-01' + v_dice % 60, 60 * (1 + v_dice % 40));
        END CASE;
        IF EXISTS (SELECT FROM rating_problems) THEN
            RAISE EXCEPTION 'step %, kind %: %', i, v_dice % 9, (SELECT (p.subject, p.detail) FROM rating_problems p LIMIT 1);
        END IF;
    END LOOP;
END $$;
SELECT * FROM check_books();
RESET search_path;
DROP SCHEMA t_groups, t_groups_internal CASCADE;
