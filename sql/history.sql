-- Who did it: actor(), the columns and tables that the books keep for
-- themselves, and the history of every table that people edit.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_history');
SET search_path = t_history, t_history_internal, finance, public;
CREATE ROLE regress_finance_clerk;
CREATE ROLE regress_finance_admin;
SELECT grant_access('regress_finance_clerk', 'clerk'), grant_access('regress_finance_admin', 'admin');

-- Every table is either watched, or written by functions of the books alone,
-- or named here with the reason.  A new table must choose.
WITH own AS (
    SELECT c.oid, c.relname::text AS name,
           ARRAY(SELECT DISTINCT p.proname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = c.oid AND t.tgenabled = 'O') AS triggers
      FROM pg_class c WHERE c.relnamespace = 't_history'::regnamespace AND c.relkind IN ('r', 'p')),
named (name, reason) AS (VALUES
    ('lock_version', 'the locks of the books: they say who holds them now, and nothing of anybody'),
    ('notification', 'the queue of notices: functions of the books fill it, who delivers one says so'),
    ('code_object', 'what upgrades find to be their own: nobody is granted it, and upgrades alone write it'),
    ('rejected_entry', 'what a tracker sent and nobody could take: it stands for itself and goes when it is taken'))
SELECT o.name FROM own o LEFT JOIN named n USING (name)
 WHERE NOT 'keep_history' = ANY (o.triggers) AND NOT 'own_table' = ANY (o.triggers) AND n.reason IS NULL;
-- a watched table keeps updates and deletes, and its inserts unless its rows say by whom they were made; it is not truncated
SELECT c.relname, string_agg(t.tgname, ' ' ORDER BY t.tgname)
  FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND (t.tgfoid = 'keep_history'::regproc OR t.tgname = 'watched_not_truncated')
 WHERE c.relnamespace = 't_history'::regnamespace
 GROUP BY 1 HAVING count(*) <> 4 ORDER BY 1;
-- no column says by whom in another way
SELECT table_name, column_name, column_default FROM information_schema.columns
 WHERE table_schema = 't_history' AND column_default ~* 'session_user|current_user' AND column_name <> 'login';
-- what comes with the books is nobody's edit
SELECT table_name, count(*) FROM history GROUP BY 1;

-- a generated column is nobody's to set, so nobody keeps it from being set
CREATE TEMP TABLE t_generated (id int, twice int GENERATED ALWAYS AS (2 * id) STORED);
CREATE TRIGGER own BEFORE INSERT ON t_generated FOR EACH ROW EXECUTE FUNCTION own_columns('twice');
INSERT INTO t_generated VALUES (1);
DROP TABLE t_generated;

-- ---------------------------------------------------------------------------
-- actor()
-- ---------------------------------------------------------------------------
CREATE FUNCTION pg_temp.who() RETURNS text LANGUAGE sql AS $$ SELECT CASE actor() WHEN session_user::text THEN 'the login' ELSE actor() END $$;
SELECT pg_temp.who();
SET ROLE regress_finance_clerk;
SELECT pg_temp.who();
RESET ROLE;
CREATE FUNCTION pg_temp.as_definer() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT actor() || ', not ' || CASE current_user WHEN session_user THEN 'the definer' END $$;
SET ROLE regress_finance_clerk;
SELECT pg_temp.as_definer();
SET finance.actor = 'Ann';
SELECT pg_temp.as_definer();
SET finance.actor = '   ';
SELECT pg_temp.as_definer();
RESET ROLE;
SET finance.actor = '  Zoë of accounts ';
SELECT actor();
SELECT set_config('finance.actor', repeat('ж', 300), false) <> '' AS set, length(actor()), actor() = repeat('ж', 200) AS clipped;
RESET finance.actor;
-- for one transaction, as behind a pool
BEGIN;
SET LOCAL finance.actor = 'Bo';
SELECT actor();
COMMIT;
SELECT pg_temp.who();
-- what a gateway says of the token
CREATE FUNCTION pg_temp.who(p_claims text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('request.jwt.claims', p_claims, true);
    RETURN pg_temp.who();
END $$;
SELECT c.claims, pg_temp.who(c.claims)
  FROM unnest(ARRAY['{"sub": "u-17", "email": "a@b.c", "role": "crm"}', '{"sub": 17}', '{"email": "a@b.c", "preferred_username": "ann"}', '{"email": "a@b.c"}',
                    '{"sub": "", "email": "a@b.c"}', '{"sub": null, "email": "a@b.c"}', '{"sub": {"id": 1}}', '{"role": "crm"}', '{}', '', '[1]', '"sub"', 'sub=u-17', '{"sub": "u-17"',
                    '{"sub": "\ud800"}', '{"sub": "\u0000"}', '{"sub": "Zo\u00eb"}']) WITH ORDINALITY AS c (claims, no) ORDER BY c.no;
SELECT pg_temp.who(repeat('[', 1000000)), length(pg_temp.who(format('{"sub": "%s"}', repeat('x', 5000))));
BEGIN;
SET LOCAL request.jwt.claims = 'no JSON';
SET LOCAL request.jwt.claim.sub = 'u-18';
SELECT actor();
SET LOCAL ROLE regress_finance_clerk;
SELECT actor();
SET LOCAL request.jwt.claims = '{"sub": "u-19"}';
SELECT actor();
SET LOCAL finance.actor = 'Cy';
SELECT actor();
ROLLBACK;

-- ---------------------------------------------------------------------------
-- every row says by whom: a clerk and an administrator behind one login
-- ---------------------------------------------------------------------------
SET ROLE regress_finance_admin;
SET finance.actor = 'Ada';
INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Alpha'), ('contractor', 'Contractor');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO employee_login VALUES ('b24', '1', 1);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 30, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO contract (client_id, own_id, number, currency, starts_on, needs_approval, late_policy) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', true, 'reopen');
INSERT INTO exchange_rate VALUES ('EUR', 'USD', '2026-01-01', 1.1);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
SET ROLE regress_finance_clerk;
SET finance.actor = 'Cleo';
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Cart', 'b24', '1');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT inserted FROM ingest_entries('[{"source": "b24", "external_id": "9", "employee": "1", "task": "1", "work_date": "2026-03-03", "duration_s": 3600}]');
SET ROLE regress_finance_admin;
SET finance.actor = 'Ada';
SELECT approve_entries('{1,2}');
SET ROLE regress_finance_clerk;
SET finance.actor = 'Cleo';
SELECT build_report('{"client": 2}', '{"issued_on": "2026-04-01"}') AS r \gset
SELECT transition(:r, 'sent');
SELECT share(:r) AS token \gset
SELECT transition(:r, 'agreed', NULL, 'CEO in person');
SELECT issue_invoice(:r, '{"issued_on": "2026-04-01"}') AS i \gset
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id) VALUES ('in', 'posted', '2026-04-02', 120, 'EUR', 1, 'revenue', 1) RETURNING id AS p \gset
SELECT allocate_payment(:p);
SET ROLE regress_finance_admin;
SET finance.actor = 'Ada';
SELECT charges FROM close_period(1, '2026-01-01');
INSERT INTO period_lock VALUES ('2025-12-31');
SELECT post('opening', '[{"on": "2026-01-01", "debit": "cash bank", "credit": "opening", "amount": "100.00", "currency": "EUR"}]') > 0 AS posted;
RESET ROLE;
RESET finance.actor;
SELECT id, created_by, approved_by FROM time_entry ORDER BY id;
SELECT d.kind, d.created_by, d.status_by, d.status_said_by FROM document d ORDER BY d.id;
SELECT document_id, to_status, by, login = session_user AS login, said_by FROM document_status_change ORDER BY id;
SELECT (SELECT created_by FROM share_link), (SELECT allocated_by FROM payment_allocation), (SELECT closed_by FROM billing_period), (SELECT locked_by FROM period_lock);
SELECT posted_by, login = session_user AS login, count(*) FROM event GROUP BY 1, 2 ORDER BY 1;

-- ---------------------------------------------------------------------------
-- what the books keep for themselves
-- ---------------------------------------------------------------------------
-- whatever somebody was granted: here the whole of the tables
GRANT INSERT, UPDATE ON time_entry, payment, rejected_entry, period_lock, allotment TO regress_finance_clerk, regress_finance_admin;
GRANT USAGE ON SEQUENCE rejected_entry_id_seq, allotment_id_seq TO regress_finance_clerk, regress_finance_admin;
SET ROLE regress_finance_clerk;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, created_at) VALUES (1, 1, '2026-03-04', 60, '2020-01-01');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, created_by) VALUES (1, 1, '2026-03-04', 60, 'somebody else');
UPDATE time_entry SET created_at = '2020-01-01' WHERE id = 2;
UPDATE payment SET revision = 9;
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, revision) VALUES ('out', 'posted', '2026-04-02', 7, 'EUR', 1, 'payroll', 3);
INSERT INTO rejected_entry (record, reason, rejected_at) VALUES ('{}', 'x', '2020-01-01');
-- who says nothing, or only what the books would say themselves, is taken
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, created_at, created_by) VALUES (1, 1, '2026-03-04', 60, NULL, NULL), (1, 1, '2026-03-04', 61, DEFAULT, actor());
UPDATE time_entry SET created_at = created_at, created_by = created_by, comment = 'same' WHERE duration_s < 100;
SELECT created_by, created_at <= now() AS on_time, comment FROM time_entry WHERE duration_s < 100 ORDER BY id;
SET ROLE regress_finance_admin;
UPDATE time_entry SET approved_at = now(), approved_by = 'the boss' WHERE duration_s = 60;
UPDATE time_entry SET approved_by = 'the boss' WHERE id = 1;
INSERT INTO period_lock (locked_through, locked_by) VALUES ('2025-11-30', 'somebody else');
UPDATE period_lock SET locked_at = '2020-01-01';
INSERT INTO allotment (contract_id, kind, unit, amount, effective_at, voided_at) VALUES (1, 'block', 'seconds', 3600, '2026-01-01', now());
RESET ROLE;
COPY time_entry (employee_id, task_id, work_date, duration_s, created_by) FROM stdin;
1	1	2026-03-04	60	somebody else
\.
UPDATE payment_allocation SET allocated_by = 'somebody else';
UPDATE document SET created_by = 'somebody else' WHERE id = :i;
UPDATE document SET status_said_by = 'the client' WHERE id = :i;
UPDATE notification SET created_at = '2020-01-01';
INSERT INTO payment (flow, paid_on, amount, currency, article, revision) VALUES ('in', '2026-04-02', 7, 'EUR', 'loan', 2);
-- whole tables
\set VERBOSITY terse
INSERT INTO charge (source, client_id, service_date, period_start, started_at, coverage, amount, currency, base_amount) VALUES ('fee', 2, '2026-01-01', '2026-01-01', '2026-01-01', 'billable', 1, 'EUR', 1);
UPDATE charge SET why = '{"note": "x"}' WHERE frozen_at IS NULL;
DELETE FROM charge WHERE frozen_at IS NULL;
UPDATE charge SET why = '{"note": "x"}' WHERE frozen_at IS NOT NULL;
INSERT INTO event (key, digest) VALUES ('x', '');
INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount) VALUES (1, '2026-01-01', 1, 2, 1, 'EUR', 1);
INSERT INTO terms (contract_id, digest, body) VALUES (1, '', '{}');
INSERT INTO rating_problem (time_entry_id, problem) VALUES (1, 'x');
UPDATE rating_problem SET problem = 'x';
INSERT INTO history (table_name, row_key, action) VALUES ('price', '1', 'update');
INSERT INTO document_status_change (document_id, to_status, by) VALUES (1, 'paid', 'CEO in person');
UPDATE billing_period SET closed_by = 'somebody else';
INSERT INTO billing_period (contract_id, period_start, period_end) VALUES (1, '2026-02-01', '2026-03-01');
DELETE FROM billing_period;
UPDATE share_link SET expires_at = now() + interval '100 years';
INSERT INTO document_transition VALUES ('report', 'draft', 'paid', true);
-- a function that acts as somebody else than the owner is no function of the books
CREATE FUNCTION pg_temp.forged() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ UPDATE t_history.time_entry SET created_by = 'forged' $$;
ALTER FUNCTION pg_temp.forged() OWNER TO regress_finance_admin;
SELECT pg_temp.forged();
\set VERBOSITY default

-- ---------------------------------------------------------------------------
-- a void payment
-- ---------------------------------------------------------------------------
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('in', 'posted', '2026-04-03', 50, 'EUR', 1, 'loan') RETURNING id AS v \gset
UPDATE payment SET status = 'void', amount = 77, paid_on = '2020-01-01' WHERE id = :v;
UPDATE payment SET status = 'void', article = 'other_income' WHERE id = :v;
UPDATE payment SET status = 'void', purpose = 'a mistake', bank_ref = 'x' WHERE id = :v;
UPDATE payment SET amount = 77 WHERE id = :v;
UPDATE payment SET purpose = 'a good one' WHERE id = :v;
UPDATE payment SET status = 'posted' WHERE id = :v;
UPDATE payment SET status = 'void', purpose = 'a mistake' WHERE id = :v;
SELECT status, paid_on, amount::numeric(9,2), purpose, bank_ref, revision FROM payment WHERE id = :v;
INSERT INTO payment (flow, paid_on, amount, currency, article) VALUES ('in', '2026-04-03', 50, 'EUR', 'loan') RETURNING id AS v \gset
UPDATE payment SET status = 'void', amount = 51 WHERE id = :v;
UPDATE payment SET amount = 51 WHERE id = :v;
UPDATE payment SET status = 'void' WHERE id = :v;
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- history by column
-- ---------------------------------------------------------------------------
SELECT table_name, action, by, login = session_user AS login, count(*) FROM history WHERE by <> session_user GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
CREATE TEMP TABLE seen AS SELECT max(id) AS id FROM history;
GRANT SELECT ON seen TO PUBLIC;
CREATE VIEW pg_temp.new_change AS
    SELECT c.table_name, c.row_key, c.action, c.by, c.column_name, c.old_value, c.new_value FROM history_change c JOIN seen s ON c.history_id > s.id ORDER BY c.history_id, c.column_name;
SET finance.actor = 'Ann';
-- work, costs, clients, tasks: edits and a deletion leave their trace
UPDATE time_entry SET duration_s = 36000, comment = NULL WHERE duration_s = 60;
UPDATE cost_rate SET hourly_cost = 5;
UPDATE party SET manager_id = 1, requisites = '{"iban": "EVIL"}' WHERE kind = 'own';
UPDATE task SET title = 'x', estimate_s = 60;
UPDATE price_list SET discount_pct = 12.5;
UPDATE contract SET needs_approval = false, ends_on = '2026-12-31', bands = '{regular}';
UPDATE period_lock SET locked_through = '2025-12-30';
UPDATE setting SET max_entry_s = 90000;
UPDATE account SET name = 'Rent' WHERE code = 'rent';
UPDATE currency_code SET name = 'Peso' WHERE code = 'USD';
DELETE FROM time_entry WHERE duration_s = 36000;
SELECT table_name, CASE table_name WHEN 'time_entry' THEN '…' ELSE row_key END AS row_key, by, column_name, old_value, new_value FROM pg_temp.new_change WHERE action = 'update';
SELECT table_name, by, column_name, old_value, new_value FROM pg_temp.new_change WHERE action = 'delete' AND column_name NOT IN ('id', 'created_at');
-- what changes nothing is no change; what a link's visitors count is none either
UPDATE seen SET id = (SELECT max(id) FROM history);
UPDATE task SET title = title;
UPDATE party SET name = 'Nobody' WHERE id = 999;
SELECT shared_report(:'token') IS NOT NULL AS opened;
SELECT views FROM share_link;
SELECT * FROM pg_temp.new_change;
-- composite keys, and a key that changes
UPDATE exchange_rate SET rate = 1.2;
UPDATE exchange_rate SET valid_from = '2026-01-02';
UPDATE employee_login SET external_id = '2';
DELETE FROM employee_login;
INSERT INTO page_label VALUES ('en', 'extra', 'Extra');
SELECT * FROM pg_temp.new_change;
-- secrets, images and templates: their digest
UPDATE seen SET id = (SELECT max(id) FROM history);
INSERT INTO brand (own_id, logo) VALUES (1, 'data:image/png;base64,iVBORw0KGgo=');
INSERT INTO template (own_id, kind, body) VALUES (1, 'report', '<p>{{number}}</p>');
UPDATE template SET body = '<p>{{number}}!</p>' WHERE own_id = 1;
SELECT table_name, action, column_name, old_value, new_value FROM pg_temp.new_change WHERE column_name IN ('logo', 'body');
SELECT 'sha256:' || encode(sha256('<p>{{number}}</p>'), 'hex') || ' (17 bytes)' = old_values ->> 'body' AS digest FROM history WHERE table_name = 'template' AND action = 'update';
SELECT new_values ->> 'token_digest' = format('sha256:%s (32 bytes)', encode(sha256(s.token_digest), 'hex')) AS digest FROM history h, share_link s WHERE h.table_name = 'share_link';
-- nobody can edit, add to or empty it
DELETE FROM history;
UPDATE history SET by = 'nobody';
TRUNCATE task CASCADE;
TRUNCATE exchange_rate;
TRUNCATE price, item CASCADE;

-- content documents line by line; the lines of work follow their charges
UPDATE seen SET id = (SELECT max(id) FROM history);
SELECT draft_document('{"kind": "proposal", "party": 2, "currency": "EUR", "lines": [{"title": "Shop", "quantity": 2, "price": "100"}]}') AS d \gset
SELECT count(DISTINCT row_key) FILTER (WHERE table_name = 'document') AS documents, count(*) FILTER (WHERE table_name = 'document_line' AND column_name = 'price') AS lines,
       string_agg(new_value, ',') FILTER (WHERE table_name = 'document_line' AND column_name IN ('title', 'price')) AS content FROM pg_temp.new_change;
SELECT count(*) FROM history WHERE table_name = 'document_line' AND new_values ? 'charge_id';
UPDATE document SET note = 'soon' WHERE id = :d;
SELECT discard(:d);
SELECT table_name, action, count(DISTINCT row_key) AS rows FROM pg_temp.new_change WHERE action <> 'insert' GROUP BY 1, 2 ORDER BY 1, 2;

-- one statement, many rows; rows of one statement keep their own changes
UPDATE seen SET id = (SELECT max(id) FROM history);
INSERT INTO task (project_id, title) SELECT 1, 'T ' || i FROM generate_series(1, 1200) i;
UPDATE task SET title = title || '!', estimate_s = CASE WHEN id % 2 = 0 THEN 60 END WHERE title LIKE 'T %';
DELETE FROM task WHERE title LIKE 'T %';
SELECT h.action, count(*), count(DISTINCT h.row_key) AS rows, count(h.old_values ->> 'title') AS titles, count(h.new_values ->> 'estimate_s') AS estimates FROM history h, seen s WHERE h.id > s.id GROUP BY 1 ORDER BY 1;
SELECT bool_and(u.old_values ->> 'title' = i.new_values ->> 'title' AND u.new_values ->> 'title' = d.old_values ->> 'title' AND d.old_values ->> 'title' = (i.new_values ->> 'title') || '!') AS right_rows
  FROM seen s JOIN history i ON i.id > s.id AND i.action = 'insert' JOIN history u ON u.row_key = i.row_key AND u.id > s.id AND u.action = 'update' AND u.table_name = 'task'
  JOIN history d ON d.row_key = i.row_key AND d.id > s.id AND d.action = 'delete' AND d.table_name = 'task';
INSERT INTO direction (name) VALUES ('A') ON CONFLICT (name) DO UPDATE SET name = 'B';
INSERT INTO direction (name) VALUES ('A'), ('C') ON CONFLICT (name) DO UPDATE SET name = 'B';
SELECT action, row_key, column_name, old_value, new_value FROM pg_temp.new_change WHERE table_name = 'direction';

-- what is kept does not depend on the session
UPDATE seen SET id = (SELECT max(id) FROM history);
SET DateStyle = 'German, DMY'; SET TimeZone = 'Asia/Tokyo'; SET bytea_output = 'escape'; SET extra_float_digits = -5;
UPDATE contract SET starts_on = '01.02.2026' WHERE id = 1;
UPDATE exchange_rate SET valid_from = '03.02.2026';
UPDATE task SET completed_at = '04.02.2026 10:00+02' WHERE id = 1;
SELECT current_setting('DateStyle') AS still, current_setting('TimeZone') AS and_still;
RESET DateStyle; RESET TimeZone; RESET bytea_output; RESET extra_float_digits;
SELECT table_name, row_key, column_name, old_value, new_value FROM pg_temp.new_change;

-- an option that says nothing
SELECT watch('price', 'hide:price');
UPDATE price SET price = 1;
SELECT watch('price', 'digest:price_list_id');
UPDATE price SET price = 1;
SELECT watch('price', 'digest:role');
UPDATE price SET price = 1;

-- the schema's new name is found; another set of books keeps its own
ALTER SCHEMA t_history RENAME TO t_history2;
SET search_path = t_history2, finance, public;
UPDATE direction SET name = 'after the move' WHERE id = 1;
SELECT new_values FROM history ORDER BY id DESC LIMIT 1;
SELECT finance.create_books('t_history3');
UPDATE t_history3.setting SET zone = 'Europe/Kyiv';
SELECT (SELECT count(*) FROM t_history3.history) AS theirs, (SELECT count(*) FROM history WHERE new_values ? 'zone') AS ours;

RESET finance.actor;
RESET search_path;
DROP SCHEMA t_history2, t_history_internal, t_history3, t_history3_internal CASCADE;
DROP OWNED BY regress_finance_clerk, regress_finance_admin;
DROP ROLE regress_finance_clerk, regress_finance_admin;
