-- Where several could say something, one does: what becomes of work, whose direction
-- it is of, what an hour costs, which discount and which list hold, which limit binds.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_precedence');
SET search_path = t_precedence, t_precedence_internal, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha');
INSERT INTO employee (name, role) VALUES ('Dev', 'senior');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EUR', '2026-01-01');
INSERT INTO item (code, name) VALUES ('fix', 'Fix');

-- what becomes of work: the entry says, else its task, the kind of work, the project, else it is billed; on a project
-- of our own only if the entry, the task or the project itself says so; work on a task at a price is in that price
CREATE VIEW said AS SELECT NULL::text AS says UNION ALL SELECT unnest('{billable,no_charge,non_billable}'::text[]);
INSERT INTO work_type (id, code, name, billable) SELECT 100 + row_number() OVER (), 'says ' || coalesce(says, 'nothing'), '-', says FROM said;
INSERT INTO project (client_id, name, billable)
SELECT p.id, p.name || ' ' || coalesce(says, 'nothing'), says FROM party p CROSS JOIN said;
INSERT INTO task (project_id, title, billable) SELECT j.id, f.kind, s.says FROM project j CROSS JOIN said s CROSS JOIN (VALUES ('hours'), ('price')) f (kind);
INSERT INTO task_item (task_id, item_id, price) SELECT id, 1, 10 FROM task WHERE title = 'price';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, work_type_id, billable, override_reason)
SELECT 1, t.id, '2026-03-02', 60, w.id, s.says, CASE WHEN s.says IS NOT NULL THEN 'said' END
  FROM task t CROSS JOIN work_type w CROSS JOIN said s WHERE w.id > 100;
CREATE VIEW expected AS
SELECT e.id AS entry_id, x.by, x.says, j.client_id = 1 AS own,
       CASE WHEN f.fixed THEN 'included' ELSE x.says END AS coverage, CASE WHEN f.fixed THEN 'task_price' WHEN x.says <> 'billable' THEN x.by END AS told
  FROM time_entry e JOIN task t ON t.id = e.task_id JOIN project j ON j.id = t.project_id JOIN work_type w ON w.id = e.work_type_id
 CROSS JOIN LATERAL (
        SELECT v.by, v.says FROM (VALUES
            (1, 'entry', e.billable), (2, 'task', t.billable),
            (3, 'own_project', CASE WHEN j.client_id = 1 AND (w.billable = 'billable' OR w.billable IS NULL AND j.billable IS NULL)
                                     AND j.billable IS DISTINCT FROM 'billable' THEN 'non_billable' END),
            (4, 'work_type', w.billable), (5, 'project', j.billable), (6, NULL, 'billable')) v (no, by, says)
         WHERE v.says IS NOT NULL ORDER BY v.no LIMIT 1) x
 CROSS JOIN LATERAL (SELECT x.says = 'billable' AND t.title = 'price' AND e.billable IS NULL AS fixed) f;
SELECT own, by, count(*) AS entries, count(*) FILTER (WHERE h.coverage IS DISTINCT FROM x.coverage) AS otherwise,
       count(*) FILTER (WHERE h.why -> 'disposition' ->> 'by' IS DISTINCT FROM x.told) AS told_otherwise,
       string_agg(DISTINCT h.coverage, ' ' ORDER BY h.coverage) AS coverage
  FROM expected x LEFT JOIN charge h ON h.time_entry_id = x.entry_id AND h.source = 'time' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM unrated;
-- the kind of work is the entry's, else its task's
INSERT INTO task (project_id, title, work_type_id) SELECT j.id, 'kind', w.id FROM project j, work_type w WHERE j.name = 'Alpha nothing' AND w.code = 'says no_charge' RETURNING id AS t \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, work_type_id) VALUES (1, :t, '2026-03-03', 60, (SELECT w.id FROM work_type w WHERE w.code = 'says non_billable')), (1, :t, '2026-03-03', 60, NULL);
SELECT w.code, h.coverage FROM charge h JOIN work_type w ON w.id = h.work_type_id WHERE h.task_id = :t ORDER BY h.id;
SELECT count(*) AS work FROM charge;
SELECT * FROM check_books();

-- work is of the direction of its project, else of whose does it
INSERT INTO direction (id, name) VALUES (1, 'of people'), (2, 'of projects');
INSERT INTO employee (name, direction_id) VALUES ('With', 1), ('Without', NULL);
INSERT INTO project (client_id, name, direction_id) VALUES (2, 'with', 2), (2, 'without', NULL);
INSERT INTO task (project_id, title) SELECT id, 'direction' FROM project WHERE name LIKE 'with%' ORDER BY id;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT m.id, t.id, '2026-03-03', 60 FROM task t CROSS JOIN employee m WHERE t.title = 'direction' AND m.name LIKE 'With%' ORDER BY t.id, m.id;
SELECT j.name AS project, m.name AS employee, d.name AS direction FROM charge h JOIN project j ON j.id = h.project_id JOIN employee m ON m.id = h.employee_id
  LEFT JOIN direction d ON d.id = h.direction_id WHERE j.name LIKE 'with%' ORDER BY h.id;

-- an hour costs what the person's rate says, in its currency, else what his role's does; the latest that has begun
-- holds, and one without a cost is none.  A dollar is half a euro.
INSERT INTO exchange_rate VALUES ('USD', 'EUR', '2020-01-01', 0.5);
INSERT INTO employee (name, role) SELECT o || ', ' || r, o || ', ' || r FROM unnest('{none,20 USD,gone,later}'::text[]) o, unnest('{none,8 EUR,9 USD,gone}'::text[]) r;
INSERT INTO cost_rate (employee_id, role, valid_from, hourly_cost, currency)
SELECT CASE WHEN v.own THEN m.id END, CASE WHEN NOT v.own THEN m.role END, v.on, v.cost, v.currency
  FROM employee m CROSS JOIN (VALUES ('20 USD%', true, date '2026-01-01', 20, 'USD'), ('gone,%', true, '2026-01-01', 30, 'USD'), ('gone,%', true, '2026-03-03', NULL, 'USD'),
        ('later%', true, '2026-03-04', 40, 'USD'), ('%, 8 EUR', false, '2026-01-01', 7, 'EUR'), ('%, 8 EUR', false, '2026-03-03', 8, 'EUR'),
        ('%, 9 USD', false, '2026-01-01', 9, 'USD'), ('%, gone', false, '2026-01-01', 10, 'USD'), ('%, gone', false, '2026-02-01', NULL, 'USD')) v (who, own, "on", cost, currency)
 WHERE m.name LIKE v.who;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT m.id, :t, '2026-03-03', 3600 FROM employee m WHERE m.name LIKE '%, %' ORDER BY m.id;
SELECT split_part(m.name, ', ', 1) AS own, split_part(m.name, ', ', 2) AS role, h.cost::numeric(9,2), h.base_cost::numeric(9,2)
  FROM charge h JOIN employee m ON m.id = h.employee_id WHERE m.name LIKE '%, %' ORDER BY m.id;

-- of discounts the nearest holds: of the person, of the role, of the kind of work, of all work, of the list
INSERT INTO price_list (code, name, currency, discount_pct) VALUES ('cut', 'Cut', 'EUR', 1);
INSERT INTO contract (client_id, number, currency, starts_on, project_id, price_list_id) SELECT 2, 'A-2', 'EUR', '2026-01-01', id, 2 FROM project WHERE name = 'with';
INSERT INTO price (price_list_id, price) VALUES (2, 100);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, work_type_id)
SELECT 1, t.id, '2026-03-03', 3600, 1 FROM task t JOIN project j ON j.id = t.project_id WHERE j.name = 'with' RETURNING id AS e \gset
CREATE FUNCTION pg_temp.with_discount(p_entry bigint, p_work_type bigint, p_role text, p_employee bigint, p_pct numeric) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO price (price_list_id, work_type_id, role, employee_id, discount_pct) VALUES (2, p_work_type, p_role, p_employee, p_pct);
    PERFORM rerate(c.id, '2026-03-03') FROM contract c WHERE c.number = 'A-2';
    RETURN (SELECT format('%s less %s %%: %s', h.price::numeric(9,2), h.discount_pct::numeric(9,2), h.amount::numeric(9,2)) FROM charge h WHERE h.time_entry_id = p_entry);
END $$;
SELECT discount_pct::numeric(9,2), amount::numeric(9,2) FROM charge WHERE time_entry_id = :e;
UPDATE price SET discount_pct = 2 WHERE price_list_id = 2;
SELECT rerate(c.id, '2026-03-03') FROM contract c WHERE c.number = 'A-2';
SELECT discount_pct::numeric(9,2), amount::numeric(9,2) FROM charge WHERE time_entry_id = :e;
SELECT v.*, pg_temp.with_discount(:e, work_type, role, employee, pct) AS rated
  FROM (VALUES (3, 1, NULL, NULL::bigint), (4, NULL, 'senior', NULL), (5, 1, 'senior', NULL), (6, NULL, NULL, 1), (7, 1, NULL, 1)) v (pct, work_type, role, employee) ORDER BY pct;

-- a client's own list holds in its currency alone, for hours and for things
INSERT INTO price_list (code, name, currency, client_id) VALUES ('own EUR', 'Own', 'EUR', 2), ('own USD', 'Own', 'USD', 2);
INSERT INTO price (price_list_id, item_id, price) SELECT l.id, i.id, l.id * 100 FROM price_list l CROSS JOIN (SELECT NULL::bigint AS id UNION ALL SELECT id FROM item) i WHERE l.code LIKE 'own %';
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-3', 'USD', '2027-01-01');
INSERT INTO time_entry (employee_id, task_id, contract_id, work_date, duration_s) SELECT 1, min(t.id), c.id, '2027-03-03', 3600 FROM task t, contract c WHERE c.number IN ('A-1', 'A-3') AND t.title = 'direction' GROUP BY c.id;
SELECT charge_item(c.id, 1, 1, '2027-03-03') > 0 AS sold FROM contract c WHERE c.number IN ('A-1', 'A-3') ORDER BY c.id;
SELECT c.number, c.currency, h.source, l.code AS list, h.price::numeric(9,2) FROM charge h JOIN contract c ON c.id = h.contract_id JOIN price_list l ON l.id = h.price_list_id
 WHERE h.service_date = '2027-03-03' ORDER BY c.number, h.source;

-- of the limits of a person, of a role and of a login the strictest binds, and the one of all others where none of them
-- has one; whoever is of two levels has the higher
CREATE ROLE regress_finance_pm;
CREATE ROLE regress_finance_bi;
CREATE ROLE regress_finance_cfo;
SELECT count(grant_access(v.role, v.level)) FROM (VALUES ('regress_finance_pm', 'manager'), ('regress_finance_bi', 'reader'), ('regress_finance_cfo', 'controller')) v (role, level);
-- the most that a manager may, of so many
CREATE FUNCTION pg_temp.most(p_command text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    v_most integer;
BEGIN
    PERFORM set_config('finance.actor', 'Pat', true), set_config('role', 'regress_finance_pm', true);
    FOR i IN 1 .. 9 LOOP
        BEGIN
            EXECUTE format(p_command, i * 5);
            v_most := i * 5;
            RAISE EXCEPTION 'not done' USING ERRCODE = 'ZZ000';
        EXCEPTION
            WHEN SQLSTATE 'ZZ000' THEN NULL;
            WHEN insufficient_privilege THEN EXIT;
        END;
    END LOOP;
    PERFORM set_config('role', 'none', true), set_config('finance.actor', '', true);
    RETURN v_most;
END $$;
-- each has its own; with one bit for each of them, that of login, role, person and all others
CREATE FUNCTION pg_temp.limits(p_some integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM manager_limit;
    INSERT INTO manager_limit (actor, discount_pct, month_amount)
    SELECT v.actor, v.most, v.most FROM (VALUES (1, session_user::text, 20), (2, 'regress_finance_pm', 15), (4, 'Pat', 10), (8, '*', 5)) v (bit, actor, most) WHERE p_some & v.bit > 0;
    RETURN (SELECT coalesce(string_agg(replace(m.actor, session_user, 'login'), ', ' ORDER BY m.discount_pct), 'none') FROM manager_limit m);
END $$;
SELECT pg_temp.limits(i) AS limits, pg_temp.most('UPDATE contract SET discount_pct = %s WHERE id = 1') AS discount, pg_temp.most('SELECT adjust_charge((SELECT h.id FROM charge h WHERE h.service_date = ''2027-03-03'' AND h.source = ''time'' AND h.currency = ''EUR''), -%s, ''x'')') AS euros,
       pg_temp.most('SELECT adjust_charge((SELECT h.id FROM charge h WHERE h.service_date = ''2027-03-03'' AND h.source = ''time'' AND h.currency = ''USD''), -%s, ''x'')') AS dollars
  FROM generate_series(0, 15) i ORDER BY i;
GRANT regress_finance_bi, regress_finance_cfo TO regress_finance_pm;
SELECT l.level, pg_has_role('regress_finance_pm', 'regress_finance_' || l.role, 'USAGE') AS is_of, level_rank('regress_finance_pm') >= a.rank AS has
  FROM (VALUES ('reader', 'bi'), ('manager', 'pm'), ('controller', 'cfo')) l (level, role) JOIN access_level a USING (level);
REVOKE regress_finance_cfo FROM regress_finance_pm;
SELECT level_rank('regress_finance_pm') = a.rank AS manager FROM access_level a WHERE a.level = 'manager';

SELECT * FROM check_books();
DROP SCHEMA t_precedence, t_precedence_internal CASCADE;
DROP OWNED BY regress_finance_pm, regress_finance_bi, regress_finance_cfo;
DROP ROLE regress_finance_pm, regress_finance_bi, regress_finance_cfo;
