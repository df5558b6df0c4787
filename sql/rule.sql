-- What the tables refuse is told in words: the column, what was given, what is allowed.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_rule');
SET search_path = t_rule, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO project (client_id, name) VALUES (2, 'Shop');
INSERT INTO task (project_id, title) VALUES (1, 'Cart');

-- words; the one that is meant is offered
INSERT INTO contract (client_id, number, currency, starts_on, model) VALUES (2, 'A-1', 'EUR', '2026-01-01', 'hourly');
INSERT INTO contract (client_id, number, currency, starts_on, model) VALUES (2, 'A-1', 'EUR', '2026-01-01', 'fixed price');
INSERT INTO contract (client_id, number, currency, starts_on, model) VALUES (2, 'A-1', 'EUR', '2026-01-01', '');
INSERT INTO contract (client_id, number, currency, starts_on, model) VALUES (2, 'A-1', 'EUR', '2026-01-01', repeat('é', 400));
-- bounds
INSERT INTO contract (client_id, number, currency, starts_on, anchor_day) VALUES (2, 'A-1', 'EUR', '2026-01-01', 45);
INSERT INTO contract (client_id, number, currency, starts_on, discount_pct) VALUES (2, 'A-1', 'EUR', '2026-01-01', 100.5);
INSERT INTO contract (client_id, number, currency, starts_on, cap_s) VALUES (2, 'A-1', 'EUR', '2026-01-01', -1);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'UAH', '2026-01-01', 0);
-- several columns, and what generated ones are made of
INSERT INTO contract (client_id, number, currency, starts_on, ends_on) VALUES (2, 'A-1', 'EUR', '2026-02-01', '2026-01-01');
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at, break_s) VALUES (1, 1, '2026-02-01 09:00', '2026-02-01 10:00', 7200);
INSERT INTO currency_code (code, exponent, name) VALUES ('euro', 2, 'Euro');
-- what is named must be there; words are listed, even those that are short of one
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (9, 'A-1', 'EUR', '2026-01-01');
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A-1', 'EURO', '2026-01-01');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('out', 'posted', '2026-01-01', 1, 'EUR', 1, 'cloud');

-- entries are logged by the thousand: whom and what they name the server refuses
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (9, 1, '2026-01-01', 60);

-- state, constraint, table and schema are what the server's own refusal has
CREATE FUNCTION refusal(command text) RETURNS TABLE (state text, schema_name text, table_name text, constraint_name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE command;
EXCEPTION WHEN integrity_constraint_violation THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, schema_name = SCHEMA_NAME, table_name = TABLE_NAME, constraint_name = CONSTRAINT_NAME;
    RETURN NEXT;
END $$;
CREATE TABLE wrong (command text);
INSERT INTO wrong VALUES ($$INSERT INTO party (kind, name) VALUES ('friend', 'X')$$), ($$UPDATE party SET payment_terms_days = -1$$),
    ($$INSERT INTO deal (client_id, name, starts_on, ends_on) VALUES (2, 'X', '2026-02-01', '2026-01-01')$$), ($$UPDATE project SET client_id = 77$$),
    ($$INSERT INTO cash_account (name, currency) VALUES ('x', 'ABC')$$),
    ($$INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-01', -1)$$),
    ($$INSERT INTO price_list (code, name, currency) VALUES ('x', 'X', 'eur')$$);
CREATE TABLE told AS SELECT w.command, r.* FROM wrong w, refusal(w.command) r;
ALTER TABLE party DISABLE TRIGGER USER; ALTER TABLE deal DISABLE TRIGGER USER; ALTER TABLE project DISABLE TRIGGER USER;
ALTER TABLE cash_account DISABLE TRIGGER "A_key_told"; ALTER TABLE time_entry DISABLE TRIGGER USER; ALTER TABLE price_list DISABLE TRIGGER USER;
SELECT t.constraint_name, t.state, t = (SELECT (w.command, r.*)::told FROM wrong w, refusal(w.command) r WHERE w.command = t.command) AS same FROM told t ORDER BY 1;
ALTER TABLE party ENABLE TRIGGER USER; ALTER TABLE deal ENABLE TRIGGER USER; ALTER TABLE project ENABLE TRIGGER USER;
ALTER TABLE cash_account ENABLE TRIGGER "A_key_told"; ALTER TABLE time_entry ENABLE TRIGGER USER; ALTER TABLE price_list ENABLE TRIGGER USER;

-- what the server takes is taken: references to rows of the same statement,
-- updates that leave a reference alone, conflicts
WITH parent AS (INSERT INTO account (code, name, kind, line) VALUES ('cloud', 'Cloud', 'expense', 'other_direct'))
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article) VALUES ('out', 'planned', '2026-01-01', 1, 'EUR', 1, 'cloud');
INSERT INTO direction (id, name, parent_id) VALUES (11, 'Child', 12), (12, 'Parent', NULL);
INSERT INTO account (code, name, kind) VALUES ('opening', 'Again', 'equity') ON CONFLICT (code) DO NOTHING;
UPDATE contract SET model = model;
-- the rules of a user's own columns and tables are told, too
ALTER TABLE project ADD COLUMN colour text CONSTRAINT project_colour_known CHECK (colour IN ('red', 'green'));
UPDATE project SET colour = 'gren';
ALTER TABLE project ADD COLUMN wide int CONSTRAINT project_wide CHECK (wide % 2 = 0);
COMMENT ON CONSTRAINT project_wide ON project IS 'Give an even number.';
UPDATE project SET wide = 3;

-- a value that its caller may not see is not told
CREATE ROLE regress_finance_dates;
GRANT USAGE ON SCHEMA t_rule TO regress_finance_dates;
GRANT UPDATE (ends_on) ON deal_stage TO regress_finance_dates;
INSERT INTO deal (client_id, name) VALUES (2, 'Secret');
INSERT INTO deal_stage (deal_id, position, name, starts_on) VALUES ((SELECT id FROM deal), 1, 'Secret', '2026-03-01');
SET ROLE regress_finance_dates;
UPDATE deal_stage SET ends_on = '2026-01-01';
RESET ROLE;

-- the list of a client, the default of a currency
INSERT INTO price_list (code, name, currency, client_id, is_default) VALUES ('vip', 'Vip', 'EUR', 2, false), ('base', 'Base', 'EUR', NULL, true);
INSERT INTO price_list (code, name, currency, client_id) VALUES ('vip2', 'Vip again', 'EUR', 2);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('base2', 'Base again', 'EUR', true);
INSERT INTO price_list (code, name, currency, client_id) VALUES ('vip', 'Vip', 'EUR', 2) ON CONFLICT (code) DO UPDATE SET name = 'Vip, renamed';
INSERT INTO price_list (code, name, currency, client_id) VALUES ('vip-usd', 'Vip', 'USD', 2);

-- every rule tells itself or has its way out; every table that people write tells it
SELECT table_name, constraint_name, definition FROM rule
 WHERE kind = 'check' AND way_out IS NULL AND table_name NOT IN ('charge', 'entry', 'billing_period')
   AND regexp_replace(definition, '::(numeric|date|time without time zone)', '', 'g') !~ '^CHECK \([a-z_]+ (>=|>|<=|<) [0-9''][^ ]*( AND [a-z_]+ (<=|<|<>) [0-9''][^ ]*)?\)$' ORDER BY 1, 2;
SELECT DISTINCT r.table_name FROM rule r
 WHERE r.kind IN ('words', 'check') AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.table_name::regclass AND t.tgname = 'zz_check_told') ORDER BY 1;
SELECT DISTINCT r.table_name FROM rule r
 WHERE r.kind = 'refers to' AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = r.table_name::regclass AND t.tgname = 'A_key_told') ORDER BY 1;
-- they come last before, and first after
SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 't_rule'::regnamespace AND t.tgtype & 3 = 3 AND t.tgname > 'zz_check_told' COLLATE "C"
    OR c.relnamespace = 't_rule'::regnamespace AND t.tgtype & 3 = 1 AND t.tgname < 'A_key_told' COLLATE "C";
SELECT table_name, column_names, words FROM rule WHERE kind = 'words' AND table_name = 'payment' ORDER BY 2;
-- not as other triggers
CREATE TRIGGER wrongly AFTER INSERT ON party FOR EACH ROW EXECUTE FUNCTION finance.tell_check();
INSERT INTO party (kind, name) VALUES ('company', 'X');
DROP TRIGGER wrongly ON party;
CREATE TRIGGER wrongly BEFORE INSERT ON party FOR EACH ROW EXECUTE FUNCTION finance.tell_key();
INSERT INTO party (kind, name) VALUES ('company', 'X');
DROP TRIGGER wrongly ON party;

SET client_min_messages = error;
DROP SCHEMA t_rule CASCADE;
DROP ROLE regress_finance_dates;
