-- Column by column: what a row that is made of another one takes from it, what a
-- change of each field of a log does, and which columns of kept rows stay.  All of it
-- goes by the catalog, so that a new column is told.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_columns');
SET search_path = t_columns, t_columns_internal, finance, public;

-- a row of a type in which no column is empty, and no two numbers are alike
CREATE FUNCTION pg_temp.filled(p_type text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(a.attname, CASE
               WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype) THEN to_jsonb(100 + a.attnum)
               WHEN a.atttypid = 'bool'::regtype THEN 'true'
               WHEN a.atttypid = 'date'::regtype THEN to_jsonb(date '2026-01-01' + a.attnum)
               WHEN a.atttypid = 'timestamptz'::regtype THEN to_jsonb(timestamptz '2026-01-01 00:00Z' + a.attnum * interval '1 hour')
               WHEN a.atttypid = 'jsonb'::regtype THEN jsonb_build_object('column', a.attnum)
               WHEN a.atttypid::regtype::text LIKE '%[]' THEN '[1]'
               ELSE to_jsonb('text ' || a.attnum) END)
      FROM pg_attribute a WHERE a.attrelid = p_type::regclass AND a.attnum > 0 AND NOT a.attisdropped $$;
-- how a row differs from the one that it is made of
CREATE FUNCTION pg_temp.differs(p_from jsonb, p_made jsonb) RETURNS TABLE (how text, columns text) LANGUAGE sql AS $$
    SELECT x.how, string_agg(x.key, ' ' ORDER BY x.key)
      FROM (SELECT f.key, CASE WHEN p_made -> f.key = f.value THEN 'the same'
                               WHEN p_made ->> f.key IS NULL THEN 'empty'
                               WHEN jsonb_typeof(f.value) = 'number' AND (p_made ->> f.key)::numeric = -(f.value #>> '{}')::numeric THEN 'opposite'
                               ELSE 'its own' END AS how
              FROM jsonb_each(p_from) f WHERE f.value <> 'null') x GROUP BY 1 ORDER BY 1 $$;

-- ---------------------------------------------------------------------------
-- made of another row
-- ---------------------------------------------------------------------------
\pset tuples_only on
CREATE TEMP TABLE sample AS
    SELECT jsonb_populate_record(NULL::charge, pg_temp.filled('charge') || '{"committed": null}') AS charge,
           jsonb_populate_record(NULL::entry, pg_temp.filled('entry')) AS entry,
           jsonb_populate_record(NULL::document, pg_temp.filled('document') || '{"signature": null}') AS document,
           jsonb_populate_record(NULL::document_line, pg_temp.filled('document_line')) AS line;
SELECT v.what, d.how, d.columns
  FROM sample s
 CROSS JOIN LATERAL (VALUES
    (1, 'reversal of a charge', to_jsonb(s.charge), to_jsonb(opposite(s.charge, '{}'))),
    (2, 'adjustment of a charge that goes with it', to_jsonb(s.charge), to_jsonb(part_of(s.charge, 3, 1, 2, '{}', true))),
    (3, 'adjustment of a charge that stays', to_jsonb(s.charge), to_jsonb(part_of(s.charge, 3, 1, 2, '{}', false))),
    (4, 'reversal of an entry', to_jsonb(s.entry), to_jsonb(opposite(s.entry, 7, NULL))),
    (5, 'reversal of an entry on a day', to_jsonb(s.entry), to_jsonb(opposite(s.entry, 7, '2026-12-31'))),
    (6, 'document made of another', to_jsonb(s.document), to_jsonb(successor(s.document, 'act'))),
    (7, 'line of work of a document', pg_temp.filled('document_line'), to_jsonb(work_line(s.document, 7))),
    (8, 'line that repeats another', to_jsonb(s.line), to_jsonb(repeated_line(s.document, s.line, 7))),
    (9, 'line of the next revision', to_jsonb(s.line), to_jsonb(revised_line(s.document, s.line))),
    (10, 'line of a credit in part', to_jsonb(s.line), to_jsonb(credit_line(s.document, s.line, (s.line).net, (s.line).tax, false))),
    (11, 'line of a credit of the whole', to_jsonb(s.line), to_jsonb(credit_line(s.document, s.line, (s.line).net, (s.line).tax, true)))
    ) v (no, what, made_of, made)
 CROSS JOIN LATERAL pg_temp.differs(v.made_of, v.made) d
 ORDER BY v.no, d.how;
\pset tuples_only off

-- ---------------------------------------------------------------------------
-- a company, with something of every kind that is kept
-- ---------------------------------------------------------------------------
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta');
INSERT INTO employee (name) VALUES ('Dev'), ('Ann');
INSERT INTO employee_login VALUES ('b24', '1', 1), ('b24', '2', 2);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES
    (2, 1, 'A-1', 'EUR', '2026-01-01', 20), (3, 1, 'B-1', 'EUR', '2026-01-01', NULL);
INSERT INTO task (project_id, title, source, external_id) VALUES (1, 'Login', 'b24', 'a'), (1, 'Cart', 'b24', 'b'), (2, 'Help', NULL, NULL);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('desk', 'EUR');
INSERT INTO direction (name) VALUES ('Support');
INSERT INTO deal (client_id, name) VALUES (2, 'Menu');
INSERT INTO item (code, name) VALUES ('host', 'Hosting');
INSERT INTO contract_line (contract_id, kind, title) VALUES (1, 'stage', 'Design');

-- ---------------------------------------------------------------------------
-- each field of a log that comes again changes what it says, and the same once more changes nothing
-- ---------------------------------------------------------------------------
CREATE TEMP TABLE field (no serial, field text, value text, sent jsonb);
INSERT INTO field (field, value) VALUES ('employee', '"2"'), ('task', '"b"'), ('work_type', '"design"'), ('started_at', '"2026-03-02T08:00:00Z"'),
    ('ended_at', '"2026-03-02T11:00:00Z"'), ('break_s', '600'), ('duration_s', '1800'), ('work_date', '"2026-03-05"'), ('billable', '"no_charge"'), ('comment', '"x"');
CREATE FUNCTION pg_temp.send(p_record jsonb) RETURNS text LANGUAGE sql AS $$ SELECT format('%s/%s/%s', i.updated, i.unchanged, i.rejected) FROM ingest_entries(jsonb_build_array(p_record)) i $$;
CREATE FUNCTION pg_temp.change(p_field field) RETURNS TABLE (changed text, again text, entry text, worked_s bigint, billed_s bigint, amount numeric) LANGUAGE plpgsql AS $$
DECLARE
    v_record jsonb := '{"source": "b24", "external_id": "1", "employee": "1", "task": "a", "started_at": "2026-03-02T09:00:00Z", "ended_at": "2026-03-02T10:00:00Z"}';
    v_before jsonb;
BEGIN
    DELETE FROM time_entry WHERE source = 'b24';
    PERFORM pg_temp.send(v_record);
    v_before := (SELECT to_jsonb(e) FROM time_entry e WHERE e.source = 'b24');
    v_record := v_record || jsonb_build_object(p_field.field, p_field.value::jsonb);
    changed := pg_temp.send(v_record);
    again := pg_temp.send(v_record);
    entry := (SELECT string_agg(format('%s %s', a.key, a.value), ', ' ORDER BY a.key) FROM time_entry e, jsonb_each_text(to_jsonb(e)) a
               WHERE e.source = 'b24' AND v_before ->> a.key IS DISTINCT FROM a.value);
    SELECT sum(h.worked_s), sum(h.billed_s), round(sum(h.amount), 2) INTO worked_s, billed_s, amount FROM charge h JOIN time_entry e ON e.id = h.time_entry_id WHERE e.source = 'b24';
    RETURN NEXT;
END $$;
SELECT f.field, c.* FROM field f CROSS JOIN LATERAL pg_temp.change(f) c ORDER BY f.no;
DELETE FROM time_entry;

-- the same of a correction: what was billed is given back, and what it is now is charged
CREATE TEMP TABLE correction (no serial, changes jsonb);
INSERT INTO correction (changes) VALUES ('{"employee_id": 2}'), ('{"task_id": 2}'), ('{"work_type_id": 2}'), ('{"contract_id": 1}'), ('{"started_at": "2026-03-02T08:00:00Z"}'),
    ('{"ended_at": "2026-03-02T11:00:00Z"}'), ('{"break_s": 600}'), ('{"duration_s": 1800}'), ('{"work_date": "2026-03-05"}'), ('{"billable": "no_charge"}'), ('{"billable_s": 900}'),
    ('{"price": "80"}'), ('{"task_id": 2, "comment": "x"}');
CREATE FUNCTION pg_temp.correct(p_changes jsonb) RETURNS TABLE (difference numeric, entry text, charged text) LANGUAGE plpgsql AS $$
DECLARE
    v_id bigint;
    v_before jsonb;
BEGIN
    BEGIN
        INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-02 09:00Z', '2026-03-02 10:00Z') RETURNING id INTO v_id;
        v_before := (SELECT to_jsonb(e) FROM time_entry e WHERE e.id = v_id);
        PERFORM invoice_work('{"client": 2}', '{"issued_on": "2026-04-01"}');
        difference := (SELECT c.difference FROM correct_entry(v_id, p_changes, 'wrong') c);
        entry := (SELECT string_agg(format('%s %s', a.key, a.value), ', ' ORDER BY a.key) FROM time_entry e, jsonb_each_text(to_jsonb(e)) a
                   WHERE e.id = v_id AND v_before ->> a.key IS DISTINCT FROM a.value AND a.key NOT IN ('approved_at', 'approved_by', 'override_reason'));
        charged := (SELECT string_agg(format('%s %s s %s', h.coverage, h.billed_s, trim_scale(h.amount)), ', ' ORDER BY h.id) FROM charge h WHERE h.time_entry_id = v_id);
        RAISE EXCEPTION USING ERRCODE = 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN RETURN NEXT;
    END;
END $$;
SELECT c.changes, x.* FROM correction c CROSS JOIN LATERAL pg_temp.correct(c.changes) x ORDER BY c.no;

-- ---------------------------------------------------------------------------
-- kept: each column by itself, by the owner of the books; done, or refused and how
-- ---------------------------------------------------------------------------
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 3600), (1, 2, '2026-01-06', 3600), (1, 1, '2026-02-05', 3600);
SELECT invoice_work('{"client": 2, "period": "2026-01"}', '{"issued_on": "2026-02-01", "note": "thanks", "title": "January"}') AS invoice \gset
SELECT credit(:invoice, (SELECT jsonb_build_array(jsonb_build_object('line', max(l.id))) FROM document_line l WHERE l.document_id = :invoice), 'not wanted', '2026-02-02') AS note \gset
SELECT build_report('{"client": 2, "period": "2026-02"}', '{"issued_on": "2026-03-01"}') AS report \gset
SELECT transition(:report, 'sent');
SELECT payment_id AS paid FROM record_payment('{"amount": "30", "cash_account": "bank", "party": "Alpha", "paid_on": "2026-02-10"}') \gset
SELECT payment_id AS void FROM record_payment('{"amount": "5", "cash_account": "bank", "party": "Alpha", "paid_on": "2026-02-11", "allocations": []}') \gset
UPDATE payment SET status = 'void' WHERE id = :void;
SELECT add_block(2, '2026-01-01', hours => 1, price => 50) AS block \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-01-07', 1800);
CREATE TEMP TABLE kept (no serial, what text, table_name text, id bigint);
INSERT INTO kept (what, table_name, id) VALUES ('invoice that is paid in part', 'document', :invoice), ('credit note', 'document', :note), ('report that waits', 'document', :report),
    ('line of the invoice', 'document_line', (SELECT min(id) FROM document_line WHERE document_id = :invoice)),
    ('line that was set free', 'document_line', (SELECT max(id) FROM document_line WHERE document_id = :invoice)),
    ('payment that pays', 'payment', :paid), ('payment that is void', 'payment', :void),
    ('work that is billed', 'time_entry', (SELECT id FROM time_entry WHERE work_date = '2026-01-05')), ('work on a report', 'time_entry', (SELECT id FROM time_entry WHERE work_date = '2026-02-05')),
    ('contract with work', 'contract', 1), ('block that covers work', 'allotment', :block), ('series in use', 'number_series', (SELECT min(id) FROM number_series)),
    ('cash account in use', 'cash_account', 1), ('cash account of nothing', 'cash_account', 2);
-- what is there goes, what is not there comes (of what another table has, one that there is), and what must be there is something else
CREATE FUNCTION pg_temp.changed(p_kept kept, p_column name) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_named CONSTANT regclass := (SELECT k.confrelid FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
                                   WHERE k.contype = 'f' AND k.conrelid = p_kept.table_name::regclass AND a.attname = p_column);
    v_key CONSTANT name := (SELECT r.attname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
                              JOIN pg_attribute r ON r.attrelid = k.confrelid AND k.confkey = ARRAY[r.attnum]
                             WHERE k.contype = 'f' AND k.conrelid = p_kept.table_name::regclass AND a.attname = p_column);
    v_column CONSTANT pg_attribute := (SELECT a FROM pg_attribute a WHERE a.attrelid = p_kept.table_name::regclass AND a.attname = p_column);
BEGIN
    EXECUTE format('UPDATE %1$I SET %2$I = CASE WHEN %2$I IS NULL OR %3$L THEN %4$s END WHERE id = %5$s', p_kept.table_name, p_column, v_column.attnotnull,
                   CASE WHEN v_named IS NOT NULL THEN format('(SELECT max(n.%1$I) FROM %2$s n WHERE n.%1$I IS DISTINCT FROM %3$I.%4$I)', v_key, v_named, p_kept.table_name, p_column)
                        WHEN v_column.atttypid = 'bool'::regtype THEN format('NOT %I', p_column)
                        ELSE format('(jsonb_populate_record(NULL::%I, %L)).%I', p_kept.table_name, pg_temp.filled(p_kept.table_name), p_column) END, p_kept.id);
    SET CONSTRAINTS ALL IMMEDIATE;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN RETURN 'done';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
\pset tuples_only on
SELECT string_agg(x.what, ', ' ORDER BY x.no), x.said, x.columns
  FROM (SELECT k.no, k.what, c.said, string_agg(a.attname, ' ' ORDER BY a.attname) AS columns
          FROM kept k
          JOIN pg_attribute a ON a.attrelid = k.table_name::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
         CROSS JOIN LATERAL pg_temp.changed(k, a.attname) c (said)
         GROUP BY 1, 2, 3) x
 GROUP BY x.said, x.columns ORDER BY min(x.no), x.said;
\pset tuples_only off
-- two columns that go together
UPDATE document_line SET released_at = NULL, released_by = NULL WHERE released_at IS NOT NULL AND kind = 'invoice';
UPDATE document_line SET released_at = now(), released_by = :note WHERE released_at IS NULL AND document_id = :invoice;
SELECT transition(:report, 'rejected', 'not now');
UPDATE document_line SET released_at = NULL, released_by = NULL WHERE document_id = :report;
UPDATE document SET sign_status = 'signed', sign_at = '2026-02-03 09:00Z' WHERE id = :note;

SELECT * FROM check_books();
DROP SCHEMA t_columns, t_columns_internal CASCADE;
