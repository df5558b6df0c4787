-- Sets of books: made, listed, upgraded, refused.

SELECT finance.create_books('t_books');
SELECT finance.create_books('Acme & Söhne');
SELECT books, version FROM finance.books() WHERE books IN ('t_books', 'Acme & Söhne') ORDER BY books COLLATE "C";

-- twice, bad names, foreign objects
SELECT finance.create_books('t_books');
SELECT finance.create_books('');
SELECT finance.create_books('pg_books');
SELECT finance.create_books(repeat('x', 64));
SELECT finance.create_books('public');
SELECT finance.create_books('information_schema');
SELECT finance.create_books('$user');
SELECT finance.create_books(NULL) IS NULL AS nothing;
CREATE SCHEMA t_foreign;
CREATE TABLE t_foreign.contract (mine text);
SELECT finance.create_books('t_foreign');
CREATE FUNCTION t_foreign.round_money(numeric, smallint) RETURNS numeric LANGUAGE sql AS 'SELECT $1';
SELECT finance.create_books('t_foreign');
SELECT relname FROM pg_class WHERE relnamespace = 't_foreign'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1;

-- upgrade: harmless when up to date, refused without a way
SELECT finance.upgrade_books('t_books') = version AS up_to_date FROM t_books.setting;
UPDATE t_books.setting SET version = '0.1';
SELECT finance.upgrade_books('t_books');
SELECT finance.upgrade_books('t_nowhere');

-- a role with CREATE on the database makes books of its own; others cannot
CREATE ROLE regress_finance_owner;
CREATE ROLE regress_finance_other;
-- neither is a superuser: both are let keep books
SELECT finance.grant_keeper('regress_finance_owner'), finance.grant_keeper('regress_finance_other');
DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO regress_finance_owner', current_database()); END $$;
SET ROLE regress_finance_other;
SELECT finance.create_books('t_other');
SET ROLE regress_finance_owner;
SELECT finance.create_books('t_owned');
INSERT INTO t_owned.party (kind, name) VALUES ('company', 'Client');
SELECT books, version IS NOT NULL AS version_readable, owner = 'regress_finance_owner' AS own FROM finance.books() WHERE books IN ('t_owned', 't_books') ORDER BY 1;
SET ROLE regress_finance_other;
SELECT * FROM t_owned.party;
-- nobody but the owner upgrades or drops them, nor makes books in a schema of somebody else
SELECT finance.upgrade_books('t_owned');
SELECT finance.drop_books('t_owned');
\set VERBOSITY sqlstate
SELECT finance.create_books('t_foreign');
SELECT finance.create_books();
\set VERBOSITY default
RESET ROLE;
SELECT finance.upgrade_books('t_owned');
SELECT finance.drop_books('t_owned');
CREATE SCHEMA t_theirs AUTHORIZATION regress_finance_owner;
SELECT finance.create_books('t_theirs');
SET ROLE regress_finance_owner;
GRANT CREATE ON SCHEMA t_theirs TO regress_finance_other;
SELECT finance.create_books('t_theirs');
REVOKE CREATE ON SCHEMA t_theirs FROM regress_finance_other;
SELECT finance.upgrade_books('t_owned') IS NOT NULL AS by_the_owner;
RESET ROLE;

-- internal functions have a schema of their own, which is the books' second one
SELECT nspname, pg_get_userbyid(nspowner) AS owner, nspacl, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 't_owned_internal';
SELECT DISTINCT p.proconfig[1] FROM pg_proc p WHERE p.pronamespace = 't_owned'::regnamespace AND p.proconfig[1] LIKE '%finance%';
CREATE SCHEMA t_taken_internal CREATE TABLE mine (id int);
SELECT finance.create_books('t_taken');
DROP SCHEMA t_taken_internal CASCADE;

-- dropped with both schemas, unless others depend on them, and by name once something is posted
CREATE VIEW t_outside AS SELECT name FROM t_books.party;
SELECT finance.drop_books('t_books');
DROP VIEW t_outside;
SELECT finance.drop_books('t_nowhere');
SELECT finance.drop_books('t_books', 'T_Books');
INSERT INTO t_books.cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO t_books.party (kind, name) VALUES ('company', 'Client');
INSERT INTO t_books.payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-01-01', 10, 'EUR', 1, 'revenue', 1);
SELECT finance.drop_books('t_books');
SELECT finance.drop_books('t_books', 't_books');
SELECT nspname FROM pg_namespace WHERE nspname LIKE 't\_books%';
SELECT finance.create_books('t_books');

-- the extension stays while books use it
\set VERBOSITY terse
DROP EXTENSION finance;
\set VERBOSITY default

-- everything is commented
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 't_books'::regnamespace AND c.relkind IN ('r', 'v') AND obj_description(c.oid, 'pg_class') IS NULL ORDER BY 1;
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace IN ('t_books'::regnamespace, 'finance'::regnamespace) AND obj_description(p.oid, 'pg_proc') IS NULL ORDER BY 1;
-- every constraint is named after its rule, not by the server's counter
SELECT conrelid::regclass, conname FROM pg_constraint
 WHERE connamespace = 't_books'::regnamespace AND conname ~ '_check[0-9]*$' ORDER BY 1, 2;
-- no domains, no ranges in what the books show
SELECT a.attrelid::regclass, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relnamespace = 't_books'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND t.typtype IN ('d', 'r', 'm') ORDER BY 1, 2;
-- columns of tables use built-in types, so that the data outlives the extension
SELECT a.attrelid::regclass, a.attname, t.typname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relnamespace = 't_books'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
   AND t.typnamespace NOT IN ('pg_catalog'::regnamespace, 't_books'::regnamespace) ORDER BY 1, 2;
-- nobody is granted anything by default
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace = 't_books'::regnamespace AND has_function_privilege('regress_finance_other', p.oid, 'EXECUTE') ORDER BY 1;
-- every SECURITY DEFINER function has a fixed search_path
SELECT p.oid::regprocedure FROM pg_proc p
 WHERE p.pronamespace = 't_books'::regnamespace AND p.prosecdef AND NOT coalesce(p.proconfig::text LIKE '%search_path%', false) ORDER BY 1;

SET client_min_messages = warning;
DROP SCHEMA t_foreign, t_theirs CASCADE;
SELECT finance.drop_books(books) FROM finance.books() WHERE books IN ('t_books', 'Acme & Söhne') ORDER BY 1;
SET ROLE regress_finance_owner;
SELECT finance.drop_books('t_owned');
RESET ROLE;
DROP OWNED BY regress_finance_owner, regress_finance_other;
DROP ROLE regress_finance_owner, regress_finance_other;
