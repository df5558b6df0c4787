-- What gateways and tools need: JSON that comes as text, figures with a scale,
-- joins that can be seen.  All of it is found in the catalog, so that what comes
-- later is asked too.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_gateway');
SET search_path = t_gateway, t_gateway_internal, finance, public;
SET datestyle = ISO;
\pset null -

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('contractor', 'Freelance Ltd');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO employee_login VALUES ('b24', '1', 1);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20);
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Login', 'b24', 't1');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, 1, date '2026-02-02' + i * 20, 3600 FROM generate_series(0, 3) i;
SELECT build_report('{"client": 2, "to": "2026-02-02"}') AS agreed, build_report('{"client": 2, "to": "2026-02-22"}') AS sent,
       build_report('{"client": 2, "to": "2026-03-14"}') AS billed \gset
SELECT transition(:agreed, 'sent'), transition(:agreed, 'agreed'), transition(:sent, 'sent'), transition(:billed, 'sent'), transition(:billed, 'agreed');
SELECT issue_invoice(:billed) AS invoice \gset
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-04-01', 72, 'EUR', 1, 'revenue', 2);

-- One call of each function that takes jsonb, with its arguments.
CREATE TABLE door (call text, arguments jsonb[]);
INSERT INTO door VALUES
    ('post(''k'', $1)', ARRAY['[{"on": "2026-01-01", "debit": "cash bank", "credit": "opening", "amount": 5, "currency": "EUR", "party": 2, "project": 1}]'::jsonb]),
    ('ingest_entries($1)', ARRAY['[{"source": "b24", "external_id": "1", "employee": 1, "task": "t1", "work_date": "2026-03-01", "duration_s": 60}]'::jsonb]),
    ('ingest($1)', ARRAY['[{"source": "b24", "external_id": "1", "employee": 1, "task": "t1", "work_date": "2026-03-01", "duration_s": 60}]'::jsonb]),
    ('correct_entry(3, $1, ''wrong'')', ARRAY['{"duration_s": 1800}'::jsonb]),
    ('what_if(1, ''2026-01-01'', ''2026-12-31'', $1)', ARRAY['{"price_list_id": 1}'::jsonb]),
    ('allocate_payment(1, $1)', ARRAY[format('[{"document": %s, "amount": 10}]', :invoice)::jsonb]),
    ('preview_report($1)', ARRAY['{"client": 2, "task": [1]}'::jsonb]),
    ('build_report($1, $2)', ARRAY['{"client": 2, "contract": 1}'::jsonb, '{"positions": "day", "discount_pct": 5}']),
    ('build_invoice($1, $2)', ARRAY['{"client": 2, "project": [1]}'::jsonb, '{"title": "March"}']),
    ('invoice_work($1, $2)', ARRAY['{"client": 2, "project": [1]}'::jsonb, '{"issued_on": "2026-05-01"}']),
    ('bill_task(1, $1)', ARRAY['{"issued_on": "2026-05-01"}'::jsonb]),
    ('record_payment($1)', ARRAY['{"amount": "5", "cash_account": 1, "party": 2, "paid_on": "2026-05-01"}'::jsonb]),
    (format('issue_invoice(%s, $1)', :agreed), ARRAY['{"issued_on": "2026-05-01"}'::jsonb]),
    (format('issue_act(%s, $1)', :invoice), ARRAY['{"issued_on": "2026-05-01"}'::jsonb]),
    (format('credit(%s, $1, ''less'')', :invoice), ARRAY[(SELECT format('[{"line": %s, "net": 5}]', min(id)) FROM document_line WHERE document_id = :invoice)::jsonb]),
    ('draft_document($1)', ARRAY['{"kind": "proposal", "party": 2, "project": 1, "lines": [{"title": "x", "quantity": 2, "price": 3, "task": 1}]}'::jsonb]),
    ('issue_specification(1, $1, $2)', ARRAY['[{"title": "x", "price": 3}]'::jsonb, '{"title": "Login"}']),
    ('record_bill($1)', ARRAY['{"party": 3, "outside_number": "7", "lines": [{"title": "x", "price": 3}]}'::jsonb]),
    ('open_balances(''2026-01-01'', $1)', ARRAY['{"debts": []}'::jsonb]),
    (format('revise(%s, $1)', :sent), ARRAY['{"title": "again"}'::jsonb]);
-- a function that people may call takes jsonb and is not here (charge_reason() takes a column, no document of the caller's)
SELECT p.oid::regprocedure FROM access_rule r JOIN pg_proc p ON p.proname = r.object AND p.pronamespace = 't_gateway'::regnamespace
 WHERE r.verb = 'execute' AND 'jsonb'::regtype = ANY (p.proargtypes::oid[]) AND NOT EXISTS (SELECT FROM door d WHERE d.call LIKE p.proname || '(%')
   AND p.proname <> 'charge_reason';
SELECT d.call FROM door d
 WHERE NOT EXISTS (SELECT FROM access_rule r WHERE r.verb = 'execute' AND d.call LIKE r.object || '(%')
    OR cardinality(d.arguments) <> (SELECT count(*) FROM pg_proc p, unnest(p.proargtypes::oid[]) t
                                     WHERE p.pronamespace = 't_gateway'::regnamespace AND d.call LIKE p.proname || '(%' AND t = 'jsonb'::regtype);

-- What a call answers, ids as N, and nothing of it left behind.
CREATE FUNCTION answer(p_call text, p_arguments jsonb[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_answer text;
BEGIN
    EXECUTE format('SELECT string_agg(x::text, E''\n'') FROM %s x', p_call) INTO v_answer USING p_arguments[1], p_arguments[2];
    RAISE EXCEPTION USING ERRCODE = 'RB000', MESSAGE = coalesce(v_answer, 'nothing');
EXCEPTION
    WHEN SQLSTATE 'RB000' THEN RETURN regexp_replace(SQLERRM, '^\d+$|\{\d+\}|(?<=^\()\d+(?=,\d+\.)', 'N', 'g');
    WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- as JSON, as text that holds it, with its numbers as text, and as text that holds none
SELECT call, answer(call, arguments) AS json,
       answer(call, ARRAY(SELECT to_jsonb(E' \n' || a::text) FROM unnest(arguments) a)) = answer(call, arguments) AS as_text,
       replace(answer(call, ARRAY(SELECT regexp_replace(a::text, '([:[] ?)(\d+)', '\1"\2"', 'g')::jsonb FROM unnest(arguments) a)), '"', '')
           = replace(answer(call, arguments), '"', '') AS ids_as_text,
       left(answer(call, ARRAY(SELECT to_jsonb('{"' || a::text) FROM unnest(arguments) a)), 5) AS broken,
       left(answer(call, ARRAY(SELECT to_jsonb('client'::text) FROM unnest(arguments))), 5) AS no_json
  FROM door;
SELECT json_argument('"[1]"'), json_argument('" {\"a\": 1}"'), json_argument('"a"'), json_argument('{"a": "[1]"}'), json_argument('7'), json_argument('null'),
       json_argument(NULL);

-- figures: no numeric column of a view without its scale, money beside its currency
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace IN ('t_gateway'::regnamespace, 't_gateway_internal'::regnamespace) AND c.relkind IN ('v', 'r') AND a.attnum > 0
   AND a.atttypid = 'numeric'::regtype AND a.atttypmod = -1 ORDER BY 1, 2;
SELECT c.relname FROM pg_class c
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind = 'v' AND c.relname LIKE 'profit\_by\_%'
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'currency');
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind IN ('v', 'r') AND a.attname ~ '_pct$'
   AND coalesce(col_description(c.oid, a.attnum), '') !~ 'percent points' ORDER BY 1, 2;
-- ranges and domains, which reflectors stumble over, are in no table or view
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_type t ON t.oid = a.atttypid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind IN ('v', 'r') AND a.attnum > 0 AND t.typtype IN ('d', 'r', 'm');

-- types that every client knows, and names that are none of a reflector's own (Django: objects, pk; SQLAlchemy: metadata, registry), nor the name
-- of the table that a key leads to
SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind IN ('v', 'r') AND a.attnum > 0 AND NOT a.attisdropped
   AND format_type(a.atttypid, NULL) NOT IN ('bigint', 'integer', 'smallint', 'numeric', 'text', 'boolean', 'date', 'timestamp with time zone',
       'time without time zone', 'jsonb', 'bytea', 'text[]', 'bigint[]', 'numeric[]') AND c.relname <> 'door' ORDER BY 1, 2;
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind IN ('v', 'r') AND a.attnum > 0
   AND (a.attname IN ('objects', 'pk', 'metadata', 'registry', 'query', 'check', 'class') OR a.attname ~ '_$|__' OR EXISTS (
           SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum] AND k.confrelid = to_regclass(a.attname::text)));

-- joins: what ends in _id and is no outside id is a foreign key, or says why not
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
   AND (a.attname ~ '_id$' OR a.attname IN ('based_on', 'held_by', 'released_by')) AND a.attname NOT IN ('external_id', 'tax_id')
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f' AND a.attnum = ANY (k.conkey))
   AND coalesce(col_description(c.oid, a.attnum), '') !~ 'no foreign key' ORDER BY 1, 2;
SELECT string_agg(k.conname, ' ' ORDER BY k.conname) AS keys_of_charge FROM pg_constraint k WHERE k.conrelid = 'charge'::regclass AND k.contype = 'f';
-- and what is deleted in daily work (open charges, entries, drafts) is not looked for row by row
SELECT k.conname FROM pg_constraint k
 WHERE k.contype = 'f' AND k.confrelid IN ('charge'::regclass, 'document'::regclass, 'time_entry'::regclass)
   AND k.conrelid IN ('charge'::regclass, 'entry'::regclass, 'document_line'::regclass, 'concession'::regclass) AND NOT EXISTS (
       SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1]
          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) ~ '^\([a-z_]+ IS NOT NULL\)$'));

-- What a view shows under the name of a key comes straight from a table, so that
-- tools follow it: these do not, because they are sums or of several tables.
WITH RECURSIVE part AS (
    -- the entries of target lists, each with how deep it stands; at depth 1 are those of the view itself
    SELECT w.ev_class AS view, p.text, p.no - 2 + sum(length(replace(p.text, '}', '')) - length(replace(p.text, '{', '')))
                                                   OVER (PARTITION BY w.ev_class ORDER BY p.no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS depth
      FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class AND c.relnamespace = 't_gateway'::regnamespace AND c.relkind = 'v',
           regexp_split_to_table(w.ev_action::text, '\{TARGETENTRY') WITH ORDINALITY AS p (text, no)
), source AS (
    SELECT p.view, m[1]::name AS column, m[2]::oid AS relation, m[3]::int AS no
      FROM part p, regexp_matches(p.text, ':resname (\w+) :ressortgroupref \d+ :resorigtbl (\d+) :resorigcol (\d+)') AS m
     WHERE p.depth = 1
), traced AS (
    SELECT s.view, s.column, s.relation, s.no FROM source s WHERE s.relation <> 0
    UNION
    SELECT t.view, t.column, s.relation, s.no FROM traced t
      JOIN pg_attribute a ON a.attrelid = t.relation AND a.attnum = t.no
      JOIN source s ON s.view = t.relation AND s.column = a.attname AND s.relation <> 0)
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attname) AS columns
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 't_gateway'::regnamespace AND c.relkind = 'v' AND a.attname ~ '_id$' AND a.attname <> 'external_id'
   AND NOT EXISTS (
       SELECT FROM traced t JOIN pg_constraint k ON k.conrelid = t.relation AND k.contype IN ('f', 'p') AND t.no = ANY (k.conkey)
        WHERE t.view = c.oid AND t.column = a.attname)
 GROUP BY 1 ORDER BY 1;

-- rows that are named stay, and say who names them
DELETE FROM price_list WHERE id = 1;
DELETE FROM employee WHERE id = 1;
UPDATE charge SET employee_id = 99 WHERE id = (SELECT id FROM charge WHERE NOT committed);
ALTER TABLE charge DISABLE TRIGGER USER;
\set VERBOSITY terse
UPDATE charge SET employee_id = 99 WHERE id = (SELECT id FROM charge WHERE NOT committed);
UPDATE charge SET time_entry_id = 99 WHERE id = (SELECT id FROM charge WHERE NOT committed);
\set VERBOSITY default
ALTER TABLE charge ENABLE TRIGGER USER;
-- work that is not billed goes with its charges in one statement
DELETE FROM time_entry WHERE work_date = '2026-04-03';
SELECT count(*) FROM charge WHERE NOT committed;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_gateway CASCADE;
DROP SCHEMA IF EXISTS t_gateway_internal CASCADE;
