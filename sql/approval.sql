-- An approval is of a content: what is changed of approved work waits again.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_approval');
SET search_path = t_approval, finance, public;

INSERT INTO party (kind, name) VALUES ('own', 'Us'), ('company', 'Client');
INSERT INTO employee (name, role) VALUES ('Ann', 'senior'), ('Ben', 'junior');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency)
VALUES (1, '2020-01-01', 20, 'EUR'), (2, '2020-01-01', 10, 'EUR');
INSERT INTO price_list (code, name, currency) VALUES ('L', 'List', 'EUR');
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'P');
INSERT INTO task (project_id, title, work_type_id)
SELECT 1, t, id FROM work_type, unnest(ARRAY['T1', 'T2', 'T3']) t WHERE code = 'development';

-- an hour is approved, then it is eight
INSERT INTO contract (client_id, number, currency, starts_on, price_list_id, needs_approval) VALUES (2, 'A', 'EUR', '2026-03-01', 1, true);
INSERT INTO time_entry (employee_id, task_id, started_at, ended_at) VALUES (1, 1, '2026-03-02 09:00Z', '2026-03-02 10:00Z');
SELECT approve_entries('{1}');
UPDATE time_entry SET ended_at = '2026-03-02 17:00Z';
SELECT (SELECT approved_at IS NOT NULL FROM time_entry) AS approved, (SELECT trim_scale(amount) FROM charge) AS charged, (SELECT count(*) FROM unrated) AS waiting;
SELECT approved_by, reason FROM time_entry, unrated;

-- whatever is billed of it, and nothing else; each is approved before
CREATE FUNCTION pg_temp.changed(p_change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_entry time_entry;
BEGIN
    UPDATE time_entry SET employee_id = 1, task_id = 1, work_type_id = NULL, contract_id = NULL, started_at = '2026-03-02 09:00Z',
           ended_at = '2026-03-02 10:00Z', break_s = 0, work_date = NULL, duration_s = NULL, billable = NULL, billable_s = NULL, price = NULL,
           override_reason = NULL, comment = NULL WHERE id = 1;
    PERFORM approve_entries('{1}');
    EXECUTE 'UPDATE time_entry SET ' || p_change || ' WHERE id = 1';
    SELECT * INTO v_entry FROM time_entry WHERE id = 1;
    RETURN CASE WHEN v_entry.approved_at IS NOT NULL AND v_entry.approved_by IS NOT NULL THEN 'approved'
                WHEN num_nonnulls(v_entry.approved_at, v_entry.approved_by) = 0 THEN 'waits' END
        || coalesce(', charged ' || (SELECT trim_scale(sum(amount)) FROM charge WHERE time_entry_id = 1), '')
        || coalesce(', ' || (SELECT kind FROM rating_problem WHERE time_entry_id = 1), '');
END $$;
SELECT change, pg_temp.changed(change) FROM unnest(ARRAY[
    'employee_id = 2', 'task_id = 2', 'work_type_id = 2', 'contract_id = 1', 'started_at = ''2026-03-02 08:00Z''', 'ended_at = ''2026-03-02 11:00Z''',
    'break_s = 60', 'duration_s = 7200', 'work_date = ''2026-03-03''', 'billable_s = 7200, override_reason = ''x''', 'price = 101, override_reason = ''x''',
    'billable = ''billable'', override_reason = ''x''', 'billable = ''no_charge'', override_reason = ''x''',
    'comment = ''other words''', 'source = ''x'', external_id = ''9''', 'ended_at = ended_at, duration_s = duration_s', 'override_reason = ''why''']) WITH ORDINALITY c (change, no) ORDER BY no;

-- a tracker sends the record again: the same, with other words, with eight hours
INSERT INTO employee_login (employee_id, source, external_id) VALUES (1, 'tracker', '7');
UPDATE task SET source = 'tracker', external_id = '691' WHERE id = 1;
CREATE FUNCTION pg_temp.sent(p_until text, p_comment text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s updated, %s unchanged', updated, unchanged) FROM ingest_entries(jsonb_build_array(jsonb_build_object('source', 'tracker', 'external_id', '1',
        'employee', '7', 'task', '691', 'started_at', '2026-03-03T09:00:00Z', 'ended_at', '2026-03-03T' || p_until || 'Z', 'comment', p_comment)));
$$;
SELECT pg_temp.sent('10:00:00', 'Cart');
SELECT approve_entries(array_agg(id)) FROM time_entry WHERE source = 'tracker';
CREATE VIEW pg_temp.sent_entry AS
    SELECT e.worked_s, e.approved_at IS NOT NULL AS approved, trim_scale(h.amount) AS charged FROM time_entry e LEFT JOIN charge h ON h.time_entry_id = e.id WHERE e.source = 'tracker';
SELECT pg_temp.sent('10:00:00', 'Cart');
SELECT * FROM pg_temp.sent_entry;
SELECT pg_temp.sent('10:00:00', 'Cart and basket');
SELECT * FROM pg_temp.sent_entry;
SELECT pg_temp.sent('17:00:00', 'Cart and basket');
SELECT * FROM pg_temp.sent_entry;

-- of one statement over many, those that change; history keeps who had approved
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 2, 2, '2026-03-04', s FROM unnest('{3600,7200,10800}'::bigint[]) s;
SELECT approve_entries(array_agg(id)) FROM time_entry WHERE employee_id = 2;
UPDATE time_entry SET duration_s = least(duration_s, 7200) WHERE employee_id = 2;
SELECT duration_s, approved_at IS NOT NULL AS approved FROM time_entry WHERE employee_id = 2 ORDER BY id;
SELECT column_name, old_value = session_user AS had_approved, new_value FROM history_change
 WHERE table_name = 'time_entry' AND column_name = 'approved_by' AND row_key = (SELECT max(id)::text FROM time_entry) ORDER BY at DESC LIMIT 1;

-- hours of a block that the approved work had taken are free for what comes after it
SELECT add_block(1, '2026-03-01', hours => 4, price => 300) > 0 AS sold;
DELETE FROM time_entry;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-05', 10800), (1, 1, '2026-03-06', 10800);
SELECT approve_entries(array_agg(id)) FROM time_entry;
SELECT service_date, coverage, billed_s / 3600 AS hours FROM charge WHERE source = 'time' ORDER BY service_date, segment;
UPDATE time_entry SET duration_s = 7200 WHERE work_date = '2026-03-05';
SELECT service_date, coverage, billed_s / 3600 AS hours FROM charge WHERE source = 'time' ORDER BY service_date, segment;

-- a manager who corrects what is billed approves what it is now: it is charged in the same call
DELETE FROM time_entry;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-06', 18000) RETURNING id AS e \gset
SELECT approve_entries(ARRAY[:e]);
SELECT invoice_work('{"client": 2}') > 0 AS invoiced;
CREATE ROLE regress_finance_lead;
SELECT grant_access('regress_finance_lead', 'manager');
SET ROLE regress_finance_lead;
SELECT difference FROM correct_entry(:e, '{"duration_s": 21600}', 'six hours');
RESET ROLE;
SELECT duration_s, approved_by FROM time_entry;
SELECT coverage, billed_s / 3600 AS hours, trim_scale(amount) AS amount FROM charge WHERE source = 'time' AND reverses_id IS NULL AND NOT committed ORDER BY segment;
-- what was corrected may be changed directly as long as nothing bills it again; then it waits
UPDATE time_entry SET duration_s = 25200;
SELECT approved_by, reason FROM time_entry, unrated;

SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_approval, t_approval_internal CASCADE;
DROP OWNED BY regress_finance_lead;
DROP ROLE regress_finance_lead;
