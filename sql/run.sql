-- The 1st-of-the-month run in one transaction, and contract by contract: the same periods, drafts and refusals.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SET datestyle = ISO;
DROP ROLE IF EXISTS regress_run_clerk, regress_run_controller;
SELECT finance.create_books('t_run'), finance.create_books('t_run_each');
CREATE FUNCTION pg_temp.company() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('company', 'Beta'), ('company', 'Gamma');
    INSERT INTO employee (name, role) VALUES ('Dana', 'senior');
    INSERT INTO price_list (code, name, currency) VALUES ('2026', 'P', 'EUR'), ('empty', 'E', 'EUR');
    INSERT INTO price (price_list_id, price) VALUES (1, 60);
    INSERT INTO contract (client_id, number, currency, starts_on, ends_on, price_list_id, auto_bill) VALUES
        (2, 'A', 'EUR', '2026-01-01', '2026-02-28', 1, 'invoice'), (3, 'B', 'EUR', '2026-01-01', '2026-02-28', 2, 'none'),
        (4, 'C', 'EUR', '2026-01-01', '2026-02-28', 1, 'report');
    INSERT INTO contract_line (contract_id, kind, title, amount) VALUES (3, 'recurring', 'Care', 100);
    INSERT INTO project (client_id, name) SELECT id, name FROM party WHERE kind = 'company';
    INSERT INTO task (project_id, title) SELECT id, name FROM project;
    INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 3600), (1, 2, '2026-01-06', 3600), (1, 3, '2026-02-07', 1800);
END $$;
SET search_path = t_run, t_run_internal, finance, public;
SELECT pg_temp.company();
SELECT contract, period_start, period_end, outcome, charges, amount, currency, message, state FROM run_billing('2026-02-28');

SET search_path = t_run_each, t_run_each_internal, finance, public;
SELECT pg_temp.company();
-- whoever calls, with whatever path and dates
CREATE ROLE regress_run_clerk;
CREATE ROLE regress_run_controller;
SELECT grant_access('regress_run_clerk', 'clerk'), grant_access('regress_run_controller', 'controller');
SET search_path = pg_temp;
SET datestyle = 'SQL, DMY';
SET client_min_messages = notice;
SET ROLE regress_run_clerk;
CALL t_run_each.bill_contracts('2026-02-28');
SET ROLE regress_run_controller;
CALL t_run_each.bill_contracts('infinity');
CALL t_run_each.bill_contracts('28.02.2026');
-- again: what was refused is refused, the rest is done
CALL t_run_each.bill_contracts('28.02.2026');
SELECT contract, outcome, message FROM t_run_each.bill_contract(2, '28.02.2026');
SELECT * FROM t_run_each.bill_contract(99, '28.02.2026');
-- not inside a transaction of the caller's
BEGIN;
CALL t_run_each.bill_contracts('28.02.2026');
ROLLBACK;
RESET ROLE;
SET datestyle = ISO;
SET client_min_messages = warning;
SET search_path = t_run_each, t_run_each_internal, finance, public;
SELECT count(DISTINCT xmin::text) AS transactions FROM billing_period;
SELECT 'one' AS run, c.number, b.period_start, b.period_end FROM t_run.billing_period b JOIN t_run.contract c ON c.id = b.contract_id
EXCEPT SELECT 'one', c.number, b.period_start, b.period_end FROM billing_period b JOIN contract c ON c.id = b.contract_id;
SELECT kind, status, net FROM t_run.document EXCEPT ALL SELECT kind, status, net FROM document;
SELECT count(*) AS documents, (SELECT count(*) FROM t_run.document) AS of_the_other, (SELECT count(*) FROM billing_period) AS periods FROM document;
SELECT current_setting('application_name') AS told;
SELECT * FROM check_books();
DROP OWNED BY regress_run_clerk, regress_run_controller;
DROP SCHEMA t_run, t_run_internal CASCADE;
DROP SCHEMA t_run_each, t_run_each_internal CASCADE;
DROP ROLE regress_run_clerk, regress_run_controller;
