-- What a session has set changes nothing: dates in ISO, functions that carry their settings, none left behind.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET datestyle = 'German, DMY';
SET timezone = 'Pacific/Kiritimati';

-- dates and instants as text
SELECT finance.iso('2026-02-03'::date), finance.iso('0044-03-15 BC'::date), finance.iso('12026-01-02'::date), finance.iso('infinity'), finance.iso('-infinity'),
       finance.iso(NULL);
SELECT t AS text, finance.iso(finance.iso_date(t)) AS date
  FROM unnest('{2026-02-03,2024-02-29,2026-02-29,2026-02-30,2026-13-01,2026-2-3,03.02.2026,02/03/2026,20260203,now,infinity,0000-01-01,0001-01-01,9999-12-31,12026-01-01,
                2026-02-03T00:00,"2026-02-03 ","",２０26-02-03}'::text[]) WITH ORDINALITY x (t, no) ORDER BY no;
SELECT t AS text, (finance.iso_instant(t) AT TIME ZONE 'UTC')::time AS time, finance.iso((finance.iso_instant(t) AT TIME ZONE 'UTC')::date) AS date
  FROM unnest('{2026-03-02T09:00:00Z,2026-03-02T09:00+02,2026-03-02 09:00:00.25+02:00,2026-03-02T09:00:00-0330,2026-03-02T23:59:60Z,2026-03-02T24:00Z,
                2026-03-02T09:00:00,2026-03-02,2026-03-02T09Z,2026-03-02T09:00.5Z,2026-03-02T09:00:00.Z,2026-03-02T24:00:01Z,2026-03-02T09:60Z,2026-02-30T09:00Z,
                2026-03-02T09:00+16,2026-03-02T09:00+2,2026-03-02T09:00+020,"2026-03-02T09:00:00 Z",2026-03-02T09:00:00z,12026-03-02T09:00Z,now}'::text[])
       WITH ORDINALITY x (t, no) ORDER BY no;

SELECT finance.create_books('t_settings');
SET search_path = t_settings, t_settings_internal, finance;

-- what is given as JSON is read in one way
SELECT iso(given_date('{"a": "2026-02-03"}', 'a')), given_date('{"a": null}', 'a'), given_date('{}', 'a');
SELECT given_date('{"a": "03.02.2026"}', 'a');
SELECT given_date('{"a": 20260203}', 'a');
SELECT post('k', '[{"on": "03.02.2026", "debit": "rent", "credit": "payable", "amount": "1", "currency": "EUR"}]');

-- No body of a function holds a backslash: what it means is the session's to say.
SELECT p.proname FROM pg_proc p WHERE p.pronamespace IN ('t_settings'::regnamespace, 't_settings_internal'::regnamespace) AND (position(chr(92) IN p.prosrc) > 0 OR p.prosrc ~* 'u&''');
-- SQL functions are bound when they are made, PL/pgSQL ones carry what they are run with; a procedure that commits cannot, and names all it calls.
SELECT p.proname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.pronamespace IN ('t_settings'::regnamespace, 't_settings_internal'::regnamespace) AND p.prokind <> 'p'
   AND CASE l.lanname WHEN 'sql' THEN p.prosqlbody IS NULL
                      ELSE p.proconfig IS NULL OR NOT p.proconfig @> '{"DateStyle=ISO, YMD",IntervalStyle=postgres,TimeZone=UTC,bytea_output=hex,jit=off}'
                           OR NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'search_path=t_settings, %') END;
-- Who chooses how statements are planned ends that choice with the call.
SELECT p.proname FROM pg_proc p
 WHERE p.pronamespace IN ('t_settings'::regnamespace, 't_settings_internal'::regnamespace) AND p.proname <> 'plan_for' AND p.prosrc ~ 'plan_for[(]|plan_cache_mode'
   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) c WHERE c LIKE 'plan_cache_mode=%');
-- No view, bound body, default or check casts a date, time, instant, interval or bytes to text.
SELECT x.object FROM (
    SELECT r.ev_class::regclass::text AS object, r.ev_action::text AS tree FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = 't_settings'::regnamespace
    UNION ALL SELECT p.proname, p.prosqlbody::text FROM pg_proc p WHERE p.pronamespace IN ('t_settings'::regnamespace, 't_settings_internal'::regnamespace)
    UNION ALL SELECT c.conname, c.conbin::text FROM pg_constraint c WHERE c.connamespace = 't_settings'::regnamespace
    UNION ALL SELECT d.adrelid::regclass::text, d.adbin::text FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relnamespace = 't_settings'::regnamespace) x
 WHERE x.tree ~ 'COERCEVIAIO :arg [{][A-Z]+ [^{}]*type (17|1082|1083|1114|1184|1186|1266) ';
-- the same question finds one
CREATE VIEW styled AS SELECT locked_through::text FROM period_lock;
SELECT count(*) FROM pg_rewrite r WHERE r.ev_class = 'styled'::regclass AND r.ev_action::text ~ 'COERCEVIAIO :arg [{][A-Z]+ [^{}]*type (17|1082|1083|1114|1184|1186|1266) ';
DROP VIEW styled;

-- Nothing is left behind in the caller's transaction, whatever rates, closes, corrects or answers in it.
INSERT INTO party (kind, name) VALUES ('own', 'We'), ('company', 'Acme');
INSERT INTO employee (name) VALUES ('Ann');
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('base', 'Base', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO contract (client_id, own_id, number, currency, starts_on, needs_specification) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', true);
INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (1, 'recurring', 'Support', 500, 3600);
INSERT INTO task (project_id, title) VALUES (1, 'Cart'), (1, 'Shop');
BEGIN;
SELECT md5(string_agg(name || '=' || setting, ',' ORDER BY name COLLATE "C")) AS before FROM pg_settings WHERE name NOT IN ('transaction_isolation', 'in_hot_standby') \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 7200), (1, 2, '2026-01-06', 3600);
SELECT issue_specification(1, '[{"title": "Cart", "price": 200}]') AS paper \gset
SELECT transition(:paper, 'agreed');
SELECT name, setting FROM pg_settings WHERE name IN ('plan_cache_mode', 'DateStyle', 'TimeZone', 'IntervalStyle', 'bytea_output') ORDER BY name COLLATE "C";
UPDATE contract SET needs_specification = false;
SELECT rerate(1, '2026-01-01');
UPDATE task SET project_id = 1 WHERE id = 1;
SELECT add_block(1, '2026-01-02', hours => 1, price => 80);
INSERT INTO item (code, name) VALUES ('x', 'X');
SELECT charge_item(1, 1, 1, '2026-01-07', price => 5);
SELECT outcome, message FROM run_billing('2026-01-31');
SELECT reversed IS NOT NULL AS corrected FROM correct_entry(1, '{"duration_s": 3600}', 'shorter');
SELECT md5(string_agg(name || '=' || setting, ',' ORDER BY name COLLATE "C")) = :'before' AS same FROM pg_settings WHERE name NOT IN ('transaction_isolation', 'in_hot_standby');
ROLLBACK;
DROP SCHEMA t_settings CASCADE;
