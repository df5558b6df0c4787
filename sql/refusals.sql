-- Refusals, one reason each: what is to be refused is tried by the owner of the
-- books, whom no missing right stops before the guard is reached.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_refusals');
SET search_path = t_refusals, t_refusals_internal, finance, public;

-- what a command is answered with; what it did is undone
CREATE FUNCTION pg_temp.said(p_command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_rows bigint;
BEGIN
    EXECUTE p_command;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN format('done, %s rows', v_rows);
    WHEN OTHERS THEN RETURN format('%s %s', SQLSTATE, SQLERRM);
END $$;

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'),
    ('contractor', 'Helper'), ('company', 'Gamma');
INSERT INTO direction (name) VALUES ('Development');
INSERT INTO employee (name, direction_id) VALUES ('Dev', 1);
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true),
    ('dollar', 'Dollar', 'USD', false);
INSERT INTO item (code, name) VALUES ('host', 'Hosting');
INSERT INTO price (price_list_id, item_id, price) VALUES (1, NULL, 60), (1, 1, 10), (2, NULL, 70);
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.9);
INSERT INTO project (client_id, name, direction_id) VALUES (2, 'Site', 1), (3, 'Shop', NULL), (5, 'Desk', NULL);
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate, late_policy) VALUES (2, 1, 'A-1',
    'EUR', '2026-01-01', 20, 'reopen');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, late_policy) VALUES (3, 1, 'B-1', 'EUR',
    '2026-01-01', 'reopen');
INSERT INTO deal (client_id, name) VALUES (2, 'Big');
INSERT INTO task (project_id, title, work_type_id, deal_id) VALUES (1, 'Login', 1, 1), (1, 'Bug', 5, NULL),
    (2, 'Cart', 1, NULL), (3, 'Help', 1, NULL);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD'), ('desk', 'EUR');
-- Alpha: January invoiced, February closed, March on a sent report; a bug on a report of its own
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-01-05', 3600),
    (1, 1, '2026-02-05', 3600), (1, 1, '2026-03-05', 3600), (1, 2, '2026-03-06', 3600);
SELECT invoice_work('{"client": 2, "period": "2026-01"}', '{"issued_on": "2026-02-01"}') AS invoice \gset
SELECT charges FROM close_period(1, '2026-01-01');
SELECT charges FROM close_period(1, '2026-02-01');
SELECT build_report('{"task": 2}', '{"issued_on": "2026-04-01"}') AS bugs \gset
SELECT transition(:bugs, 'sent'), transition(:bugs, 'agreed');
SELECT build_report('{"task": 1, "period": "2026-03"}', '{"issued_on": "2026-04-02"}') AS report \gset
SELECT transition(:report, 'sent');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id) VALUES
    ('in', 'posted', '2026-02-10', 50, 'EUR', 1, 'revenue', 2, 1),
        ('in', 'posted', '2026-02-11', 5, 'EUR', 1, 'revenue', 2, NULL),
    ('out', 'posted', '2026-02-12', 72, 'EUR', 3, 'revenue', 2, NULL),
        ('in', 'posted', '2026-02-13', 72, 'USD', 2, 'revenue', 2, NULL),
    ('in', 'posted', '2026-02-14', 72, 'EUR', 1, 'loan', 2, NULL),
        ('in', 'planned', '2026-02-15', 72, 'EUR', 1, 'revenue', 2, NULL),
    ('in', 'posted', '2026-02-16', 72, 'EUR', 1, 'revenue', 3, NULL),
        ('in', 'posted', '2026-02-17', 72, 'EUR', 1, 'revenue', NULL, NULL),
    ('in', 'posted', '2026-02-18', 500, 'EUR', 1, 'revenue', 2, NULL);
UPDATE payment SET status = 'void' WHERE id = 2;
-- Beta: a block that covered closed work, and hours carried over that are on a sent report
SELECT add_block(2, '2026-01-01', hours => 1, price => 50, expires_on => '2026-01-31') AS block \gset
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max) VALUES (2, 'recurring',
    'Support', 100, 3600, 3600);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-01-06', 3600),
    (1, 3, '2026-02-06', 3600), (1, 3, '2026-03-06', 5400);
UPDATE allotment SET priority = -5 WHERE id = :block;
SELECT rerate(2, '2026-01-01');
SELECT charges FROM close_period(2, '2026-01-01');
SELECT build_report('{"client": 3, "from": "2026-02-06", "to": "2026-02-06"}',
    '{"issued_on": "2026-03-01"}') AS carried \gset
SELECT transition(:carried, 'sent');
-- Gamma: work under no contract
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 4, '2026-01-07', 3600);
-- a bill of a contractor, an act that came in, and a proposal in dollars
SELECT record_bill('{"party": "Helper", "outside_number": "7", "currency": "EUR", "issued_on": "2026-01-20",
    "lines": [{"title": "Help", "price": "30"}]}') AS bill \gset
SELECT draft_document('{"kind": "act", "incoming": true, "party": "Helper", "outside_number": "8",
    "issued_on": "2026-01-20", "lines": [{"title": "Done", "price": "30"}]}') AS act \gset
SELECT draft_document('{"kind": "proposal", "party": "Alpha", "currency": "USD", "issued_on": "2026-01-20",
    "lines": [{"title": "Stage", "price": "30"}]}') AS proposal \gset
SELECT draft_document('{"kind": "other", "party": "Alpha", "currency": "EUR",
    "issued_on": "2026-01-20"}') AS paper \gset
SELECT transition(d, s) FROM (VALUES (:act, 'sent'), (:proposal, 'sent'), (:proposal, 'agreed'),
    (:paper, 'sent')) v (d, s);
SELECT share(:paper) AS token \gset

-- the ledger: what charges, payments and documents posted is taken back with them
SELECT k, pg_temp.said(format('SELECT reverse_event(id, ''by hand'') FROM event WHERE starts_with(source || '':'' || key, %L)', k))
  FROM unnest(ARRAY[format('document:%s:issue', :invoice), format('document:%s:freeze', :invoice), 'payment:1:1',
      'period:1:2026-02-01']) k;
-- a key that looks like theirs does not help
SELECT k, pg_temp.said(format('SELECT reverse_event(id, %L) FROM event WHERE starts_with(source || '':'' || key, %L)', x, k))
  FROM (VALUES (format('document:%s:issue', :invoice), 'document:mine'), ('payment:1:1', 'payment:mine')) v (k, x);
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    $$DELETE FROM payment WHERE id = 1$$, $$DELETE FROM payment WHERE id = 2$$, $$DELETE FROM payment WHERE id = 6$$,
    $$SELECT post('x', '[{"on": "2026-01-01", "debit": "receivable", "credit": "revenue", "amount": "0.001",
        "currency": "EUR"}]')$$,
    $$UPDATE account SET code = 'owed' WHERE code = 'payable'$$, $$UPDATE setting SET zone = 'Europe/Kiew'$$,
    $$UPDATE cash_account SET currency = 'USD'
        WHERE name = 'desk'$$, $$INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR')$$]) c;

-- rows that charges name stay, each with the sentence that says so
SELECT pg_temp.said('DELETE FROM ' || c)
  FROM unnest('{party WHERE id = 2,project WHERE id = 1,task WHERE id = 1,deal,employee,direction,work_type WHERE id = 1,price_list WHERE id = 1}'::text[]) c;
SELECT pg_temp.said(format('SELECT charge_item(1, 1, 1, ''2026-03-07''); DELETE FROM item'));

-- what is held by a sent report waits for the answer
SELECT h.id AS held FROM charge h WHERE h.held_by = :report \gset
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    format('SELECT adjust_charge(%s, -1, ''less'')', :held),
        format('SELECT correct_entry(3, ''{"duration_s": 60}'', ''less'')'),
            'UPDATE time_entry SET duration_s = 60 WHERE id = 3',
    'DELETE FROM time_entry WHERE id = 3']) c;
-- charges that count no more, or of no contract
SELECT reversed FROM correct_entry(2, '{"duration_s": 1800}', 'half of it') \gset
SELECT h.id AS gone FROM charge h WHERE h.time_entry_id = 2 AND h.reverses_id IS NULL AND h.committed \gset
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    format('SELECT adjust_charge(%s, -1, ''less'')', :gone),
    'SELECT adjust_charge(h.id, -1, ''less'') FROM charge h WHERE h.time_entry_id = 8',
    'SELECT correct_entry(2, ''{"started_at": "2026-02-05 09:00"}'', ''began'')']) c;

-- periods and blocks
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    $$SELECT reopen_period(1, '2026-01-01', 'late')$$, $$SELECT reopen_period(1, '2026-02-01',
        'late'), reopen_period(1, '2026-01-01', 'late')$$,
    $$SELECT reopen_period(2, '2026-01-01', 'late')$$, format($$SELECT void_block(%s, 'mistake')$$, :block),
    format($$UPDATE allotment SET amount = 3599 WHERE id = %s$$, :block), format($$UPDATE allotment SET amount = 3600
        WHERE id = %s$$, :block),
    $$INSERT INTO contract_line (contract_id, kind, title, amount, status) VALUES (2, 'stage', 'X', 10,
        'cancelled'); SELECT accept_stage(max(id)) FROM contract_line$$]) c;

-- contracts
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    $$UPDATE contract SET currency = 'USD' WHERE id = 2$$, $$UPDATE contract SET client_id = 5 WHERE id = 2$$,
    $$INSERT INTO contract (client_id, project_id, number, currency, starts_on) VALUES (3, 1, 'B-2', 'EUR',
        '2026-01-01')$$,
    $$INSERT INTO contract (client_id, parent_id, number, currency, starts_on, bands) VALUES (2, 1, 'A-2', 'USD',
        '2026-01-01', '{night}')$$,
    $$INSERT INTO contract (client_id, parent_id, number, currency, starts_on, bands) VALUES (3, 1, 'A-2', 'EUR',
        '2026-01-01', '{night}')$$,
    $$INSERT INTO contract (client_id, number, currency, starts_on, price_list_id) VALUES (2, 'A-2', 'EUR',
        '2026-01-01', 2)$$,
    $$INSERT INTO contract (client_id, number, currency, starts_on) VALUES (5, 'G-1', 'EUR',
        '2026-01-01'); INSERT INTO payment (flow, paid_on, amount, currency, article, contract_id)
      VALUES ('in', '2026-01-01', 1, 'EUR', 'revenue', (SELECT max(id)
          FROM contract)); UPDATE contract SET client_id = 3 WHERE number = 'G-1'$$,
    $$INSERT INTO contract (client_id, number, currency, starts_on, status) VALUES (5, 'G-1', 'EUR', '2026-01-01',
        'draft');
      SELECT charge_expense(max(id), 10, '2026-01-05', 'taxi') FROM contract$$,
    $$INSERT INTO contract (client_id, project_id, number, currency, starts_on) VALUES (5, 3, 'G-1', 'EUR',
        '2026-01-01'); DELETE FROM time_entry WHERE id = 8;
      UPDATE project SET client_id = 3 WHERE id = 3$$,
    $$SELECT charge_item(1, 1, 1, '2026-03-07', task_id => 3)$$,
    $$SELECT charge_expense(1, 10, '2026-03-07', 'taxi', task_id => 3)$$,
    $$INSERT INTO price_list (code, name, currency, parent_id) VALUES ('child', 'Child', 'USD', 1)$$,
    $$INSERT INTO price_list (code, name, currency, parent_id) VALUES ('child', 'Child',
        'USD', 2); UPDATE price_list SET currency = 'EUR' WHERE code = 'dollar'$$,
    $$INSERT INTO contract (client_id, number, currency, starts_on, status) VALUES (5, 'G-1', 'EUR', '2026-01-01',
        'draft');
      UPDATE time_entry SET comment = NULL, duration_s = 60 WHERE id = 8; SELECT FROM charge
          WHERE time_entry_id = 8 AND contract_id IS NOT NULL$$]) c;

-- allocations
SELECT p AS payment, pg_temp.said(format('INSERT INTO payment_allocation (payment_id, document_id, amount) VALUES (%s, %s, %s)', p, d, a))
  FROM (VALUES (1, :invoice, 50.01), (2, :invoice, 1), (3, :invoice, 1), (4, :invoice, 1), (5, :invoice, 1),
      (6, :invoice, 1), (7, :invoice, 1), (8, :invoice, 1),
               (9, :invoice, 72.01), (9, :invoice, 0), (9, :invoice, 0.001), (9, :report, 1), (3, :bill, 1),
                   (9, :invoice, 72), (99, :invoice, 1)) v (p, d, a);

-- documents
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-05', 3600);
SELECT invoice_work('{"client": 2, "period": "2026-04"}',
    '{"discount_pct": 100, "issued_on": "2026-05-01"}') AS free \gset
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    format('SELECT issue_invoice(%s)', :bugs), format('SELECT credit(%s, NULL, ''none'')', :free),
    format('INSERT INTO document (kind, party_id, currency, based_on) VALUES (''invoice'', 2, ''EUR'', %s); SELECT issue_invoice(%s)', :bugs, :bugs),
    format('SELECT transition(%s, ''rejected'')', :report), format('SELECT void(%s, '''')', :report),
    format('SELECT make_stages(%s, 1)', :proposal),
        format('SELECT draft_document(''{"kind": "other", "party": "Alpha", "lines": {}}'')'),
    format('SELECT share(%s)', :bill), format('SELECT share(%s)', :act),
        format('SELECT answer_shared(%L, ''agreed'')', :'token'),
    format('SELECT set_signature(%s, ''signed'', ''Ann''), set_signature(%s, ''rejected'', ''Ann'')', :paper, :paper),
    format('UPDATE document SET gross = 1 WHERE id = %s', :invoice),
        format('UPDATE document SET tax = 1, net = 71 WHERE id = %s', :invoice),
    format('DELETE FROM document WHERE id = %s', :invoice), format('DELETE FROM document_line WHERE document_id = %s',
        :invoice),
    'UPDATE number_series SET first_no = 1, next_no = 1', 'UPDATE number_series SET next_no = next_no + 2',
        'DELETE FROM number_series']) c;
-- the same bill again, once the first is void
SELECT void(:bill, 'wrong sum');
SELECT record_bill('{"party": "Helper", "outside_number": "7", "currency": "EUR", "issued_on": "2026-01-20",
    "lines": [{"title": "Help", "price": "31"}]}') <> :bill AS another;

-- work before every contract, which waits
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2025-12-31', 3600);
-- what is kept for ever: every verb that a trigger refuses, on every table
SELECT t.tgrelid::regclass AS table_name, v.verb, left(pg_temp.said(format(v.command, t.tgrelid::regclass,
           (SELECT quote_ident(a.attname) FROM pg_attribute a
               WHERE a.attrelid = t.tgrelid AND a.attnum > 0 ORDER BY a.attnum LIMIT 1))), 90) AS said
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
  JOIN (VALUES (4, 'insert', 'INSERT INTO %s DEFAULT VALUES'), (8, 'delete', 'DELETE FROM %s'),
      (16, 'update', 'UPDATE %1$s SET %2$s = %2$s'), (32, 'truncate', 'TRUNCATE %s CASCADE'))
    AS v (bit, verb, command) ON t.tgtype & v.bit <> 0
 WHERE t.tgrelid IN (SELECT c.oid FROM pg_class c
     WHERE c.relnamespace = 't_refusals'::regnamespace) AND p.proname IN ('refuse_change', 'own_table')
   AND NOT (v.verb = 'truncate' AND t.tgname = 'watched_not_truncated') ORDER BY t.tgrelid::regclass::text COLLATE "C", v.verb, t.tgname;
SELECT t.tgrelid::regclass AS watched, left(pg_temp.said(format('TRUNCATE %s CASCADE', t.tgrelid::regclass)), 8) AS truncated
  FROM pg_trigger t
 WHERE t.tgname = 'watched_not_truncated' AND t.tgrelid IN (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 't_refusals'::regnamespace)
 ORDER BY t.tgrelid::regclass::text COLLATE "C";

-- rules of access name what there is, and the owner alone gives access
SELECT pg_temp.said(c) FROM unnest(ARRAY[
    $$SELECT allow('reader', 'select', 'nothing')$$, $$SELECT allow('reader', 'execute',
        'nothing')$$, $$SELECT allow('reader', 'select', 'party', '{nothing}')$$]) c;
CREATE ROLE regress_refusals;
SELECT grant_access('regress_refusals', 'admin');
GRANT EXECUTE ON FUNCTION revoke_access(text) TO regress_refusals;
SET ROLE regress_refusals;
\set VERBOSITY terse
SELECT revoke_access('regress_refusals');
RESET ROLE;

SELECT * FROM check_books();
DROP SCHEMA t_refusals, t_refusals_internal CASCADE;
DROP OWNED BY regress_refusals;
DROP ROLE regress_refusals;
