-- Speed of the trigger path and of the billing run; prints, asserts nothing.
--     psql -f test/bench/live.sql -v rows=200000
-- Makes and drops the books "bench_live" in the current database.
\if :{?rows}
\else
\set rows 200000
\endif
\pset footer off
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS bench_live CASCADE;
CREATE EXTENSION IF NOT EXISTS finance;
SELECT finance.create_books('bench_live');
SET search_path = bench_live, bench_live_internal, finance;
SET jit = off;

INSERT INTO party (kind, name) SELECT 'company', 'Client ' || i FROM generate_series(1, 1001) i;
INSERT INTO employee (name, role) SELECT 'Employee ' || i, 'role ' || i % 5 FROM generate_series(1, 100) i;
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) SELECT i, '2020-01-01', 10 + i % 30, 'EUR' FROM generate_series(1, 100) i;
INSERT INTO project (client_id, name) SELECT i, 'Project ' || i FROM generate_series(1, 1001) i;
INSERT INTO task (project_id, title) SELECT 1 + i % 1001, 'Task ' || i FROM generate_series(0, 4004) i;
INSERT INTO price_list (code, name, currency, is_default) VALUES ('base', 'Base', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO contract (client_id, number, currency, starts_on, round_mode, round_increment_s)
SELECT i, 'contract ' || i, 'EUR', '2025-01-01', 'up', 900 FROM generate_series(1, 1001) i;
INSERT INTO contract_line (contract_id, kind, title, amount) SELECT i, 'recurring', 'Support', 100 FROM generate_series(1, 1000) i;
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, overage_price) VALUES (1001, 'recurring', 'Support', 1000, 720000, 90);

-- one row a minute and a half of the month, over all clients but the last
CREATE TABLE source AS
SELECT 1 + i % 100 AS employee_id, (SELECT t.id FROM task t WHERE t.project_id = 1 + (i * 7) % 1000 ORDER BY t.id LIMIT 1) AS task_id,
       '2025-01-02 08:00+00'::timestamptz + (i % 25000) * interval '100 s' AS started_at
  FROM generate_series(1, :rows) i;
CREATE TABLE bare (LIKE time_entry INCLUDING ALL);
ALTER TABLE bare ADD FOREIGN KEY (employee_id) REFERENCES employee, ADD FOREIGN KEY (task_id) REFERENCES task,
    ADD FOREIGN KEY (work_type_id) REFERENCES work_type, ADD FOREIGN KEY (contract_id) REFERENCES contract;
VACUUM ANALYZE;

CREATE TABLE measured (no serial, what text, ms numeric);
CREATE PROCEDURE measure(what text, command text) LANGUAGE plpgsql AS $$
DECLARE
    v_start timestamptz := clock_timestamp();
BEGIN
    EXECUTE command;
    INSERT INTO measured (what, ms) VALUES (what, round(1000 * extract(epoch FROM clock_timestamp() - v_start), 2));
END $$;

CALL measure('bare INSERT of ' || :rows, 'INSERT INTO bare (employee_id, task_id, started_at, ended_at) SELECT *, started_at + interval ''50 min'' FROM source');
CALL measure('the same, rated', 'INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT *, started_at + interval ''50 min'' FROM source');
CALL measure('2000 entries of one contract with included hours, rated',
    'INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) SELECT 1 + i % 100, (SELECT min(id) FROM task WHERE project_id = 1001),
     ''2025-01-02 08:00+00''::timestamptz + i * interval ''20 min'', ''2025-01-02 08:00+00''::timestamptz + i * interval ''20 min'' + interval ''15 min'' FROM generate_series(1, 2000) i');
VACUUM ANALYZE;

-- one entry at a time: in new plans, then at the end and at the start of the month
CREATE PROCEDURE one_entry(at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (7, (SELECT min(id) FROM task WHERE project_id = 1001), at, at + interval '5 min');
END $$;
CREATE PROCEDURE entries(times int, at timestamptz) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. times LOOP
        CALL one_entry(at + i * interval '1 min');
    END LOOP;
END $$;
CALL measure('one entry, first of the session', $$CALL one_entry('2025-01-31 10:00+00')$$);
CALL entries(20, '2025-01-31 11:00+00');
CALL measure('one entry added at the end, mean of 100', $$CALL entries(100, '2025-01-31 12:00+00')$$);
CALL measure('one entry added at the start, mean of 20', $$CALL entries(20, '2025-01-01 12:00+00')$$);
UPDATE measured SET ms = ms / 100 WHERE what LIKE '%mean of 100';
UPDATE measured SET ms = ms / 20 WHERE what LIKE '%mean of 20';

-- the 1st of the month: 1000 contracts, 100 000 entries
CREATE TABLE run AS SELECT NULL::text AS outcome, 0::bigint AS periods, 0::bigint AS charges LIMIT 0;
CALL measure('run_billing', 'INSERT INTO run SELECT outcome, count(*), sum(charges) FROM run_billing(''2025-01-31'') GROUP BY 1');
CALL measure('run_billing again', 'INSERT INTO run SELECT outcome, count(*), sum(charges) FROM run_billing(''2025-01-31'') GROUP BY 1');
CALL measure('what_if over all contracts', 'SELECT count(*) FROM what_if(NULL, ''2025-01-01'', ''2025-01-31'', ''{"rounding": {"mode": "none"}}'')');
SELECT what, ms FROM measured ORDER BY no;
SELECT round(max(ms) FILTER (WHERE what LIKE 'the same%') / max(ms) FILTER (WHERE what LIKE 'bare%'), 2) AS times_a_bare_insert FROM measured;
SELECT * FROM run;
DROP SCHEMA bench_live, bench_live_internal CASCADE;
