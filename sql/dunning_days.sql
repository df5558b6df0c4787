-- Two months of reminders, day by day, against a plain list that knows the rules and none of the books' functions: levels
-- of all and of one client, days of grace, payments whole and in parts, more time, disputes, and messages that are
-- delivered on some evenings and wait on others.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_dunning_days');
SET search_path = t_dunning_days, t_dunning_days_internal, finance, public;
INSERT INTO party (kind, name, grace_days) VALUES ('own', 'Us', 0), ('company', 'A', 0), ('company', 'B', 5), ('company', 'C', 2);
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) SELECT id, 1, name, 'EUR', '2020-01-01' FROM party WHERE id > 1;
INSERT INTO project (client_id, name) SELECT id, name FROM party WHERE id > 1 ORDER BY id;
INSERT INTO dunning_level (client_id, level, days_late, words, fee, currency, interest_pct)
SELECT l.client, l.level, l.days, '{"uk": "{total}", "ru": "{total}", "en": "{days} {total}"}', l.fee, CASE WHEN l.fee > 0 THEN 'EUR' END, l.pct
  FROM (VALUES (NULL, 1, 1, 0, 0), (NULL, 2, 7, 10, 7.3), (NULL, 3, 14, 5, 14.6), (4, 1, 3, 2.5, 5), (4, 2, 20, 0, 9)) l (client, level, days, fee, pct);

-- what is to happen: numbers that look like chance and are always the same
CREATE FUNCTION pg_temp.dice(seed text, sides int) RETURNS int LANGUAGE sql IMMUTABLE AS
$$ SELECT (('x' || substr(md5(seed), 1, 7))::bit(28)::int % sides) $$;
CREATE TABLE owed AS
SELECT n, 2 + n % 3 AS client, date '2023-05-01' + pg_temp.dice('due' || n, 25) AS due, 100.0 * (1 + pg_temp.dice('gross' || n, 9)) AS gross, NULL::bigint AS document
  FROM generate_series(1, 36) n;
-- a part on one day, perhaps the rest or another part on a later one
CREATE TABLE plan AS
SELECT o.n, 'pay' AS what, o.due + 1 + pg_temp.dice('day1' || o.n, 18) AS day, round(o.gross * .3, 2) AS amount FROM owed o WHERE o.n % 4 <> 0
UNION ALL
SELECT o.n, 'pay', o.due + 19 + pg_temp.dice('day2' || o.n, 15), CASE o.n % 3 WHEN 0 THEN round(o.gross * .2, 2) ELSE o.gross - round(o.gross * .3, 2) END FROM owed o WHERE o.n % 4 <> 0 AND o.n % 5 <> 0
UNION ALL
SELECT o.n, 'dispute', o.due + 2 + pg_temp.dice('dispute' || o.n, 10), NULL FROM owed o WHERE o.n % 3 = 1
UNION ALL
SELECT o.n, 'settle', o.due + 13 + pg_temp.dice('settle' || o.n, 10), NULL FROM owed o WHERE o.n % 6 = 1
UNION ALL
SELECT o.n, 'extend', o.due + 3 + pg_temp.dice('extend' || o.n, 5), NULL FROM owed o WHERE o.n % 7 = 2;
CREATE FUNCTION pg_temp.delivered(day date) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT pg_temp.dice('post' || (day - date '2023-01-01'), 6) = 0 $$;
SELECT what, count(*) FROM plan GROUP BY 1 ORDER BY 1;

-- ---------------------------------------------------------------------------
-- the plain list
-- ---------------------------------------------------------------------------
CREATE TABLE expected (n int, day date, level int, days int, open numeric, fee numeric, interest numeric, delivered boolean DEFAULT false, withdrawn boolean DEFAULT false);
DO $$
DECLARE
    v_day date;
    o record;
    e record;
    l record;
    v_due date;
    v_disputed boolean;
BEGIN
    FOR v_day IN SELECT d::date FROM generate_series(timestamp '2023-05-01', '2023-06-30', '1 day') d LOOP
        -- the day brings payments, more time (ten days) and disputes: what nobody was told yet is taken back
        FOR e IN SELECT p.n FROM plan p WHERE p.day = v_day AND p.what IN ('pay', 'dispute', 'extend') LOOP
            UPDATE expected x SET withdrawn = true WHERE x.n = e.n AND NOT x.delivered AND NOT x.withdrawn;
        END LOOP;
        FOR o IN SELECT w.*, p.grace_days, w.gross - coalesce((SELECT sum(p.amount) FROM plan p WHERE p.n = w.n AND p.what = 'pay' AND p.day <= v_day), 0) AS open
                   FROM owed w JOIN party p ON p.id = w.client LOOP
            v_due := o.due + CASE WHEN EXISTS (SELECT FROM plan p WHERE p.n = o.n AND p.what = 'extend' AND p.day <= v_day) THEN 10 ELSE 0 END + o.grace_days;
            v_disputed := (SELECT count(*) FILTER (WHERE p.what = 'dispute') > count(*) FILTER (WHERE p.what = 'settle') FROM plan p WHERE p.n = o.n AND p.day <= v_day);
            SELECT x.* INTO l FROM dunning_level x
             WHERE x.client_id IS NOT DISTINCT FROM CASE o.client WHEN 4 THEN 4 END AND v_day - v_due >= x.days_late ORDER BY x.level DESC LIMIT 1;
            CONTINUE WHEN NOT FOUND OR o.open <= 0 OR v_disputed OR EXISTS (SELECT FROM expected x WHERE x.n = o.n AND NOT x.withdrawn AND x.level >= l.level);
            INSERT INTO expected (n, day, level, days, open, fee, interest)
            SELECT o.n, v_day, l.level, v_day - v_due, o.open,
                   l.fee + coalesce((SELECT max(x.fee) FROM expected x WHERE x.n = o.n AND NOT x.withdrawn), 0),
                   -- each day bears interest on what was open in its morning
                   round(sum(o.gross - coalesce((SELECT sum(p.amount) FROM plan p WHERE p.n = o.n AND p.what = 'pay' AND p.day < d::date), 0)) * l.interest_pct / 36500, 2)
              FROM generate_series(v_due + interval '1 day', v_day, '1 day') d;
        END LOOP;
        IF pg_temp.delivered(v_day) THEN
            UPDATE expected x SET delivered = true WHERE NOT x.withdrawn;
        END IF;
    END LOOP;
END $$;

-- ---------------------------------------------------------------------------
-- the books
-- ---------------------------------------------------------------------------
DO $$
DECLARE
    v_day date;
    o record;
    e record;
BEGIN
    FOR o IN SELECT * FROM owed ORDER BY n LOOP
        INSERT INTO task (project_id, title) SELECT p.id, 'T' || o.n FROM project p WHERE p.client_id = o.client;
        INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, currval('task_id_seq'), o.due - 14, o.gross / 100 * 3600);
        UPDATE owed w SET document = invoice_work(jsonb_build_object('task', currval('task_id_seq')), jsonb_build_object('issued_on', o.due - 14, 'due_on', o.due)) WHERE w.n = o.n;
    END LOOP;
    FOR v_day IN SELECT d::date FROM generate_series(timestamp '2023-05-01', '2023-06-30', '1 day') d LOOP
        FOR e IN SELECT p.*, w.document, w.client, w.due FROM plan p JOIN owed w USING (n) WHERE p.day = v_day ORDER BY p.what, p.n LOOP
            CASE e.what
                WHEN 'pay' THEN PERFORM record_payment(jsonb_build_object('amount', e.amount::text, 'cash_account', 'bank', 'party', e.client, 'paid_on', v_day,
                    'allocations', jsonb_build_array(jsonb_build_object('document', e.document, 'amount', e.amount::text))));
                WHEN 'dispute' THEN IF EXISTS (SELECT FROM document_balance b WHERE b.document_id = e.document AND b.open > 0) THEN PERFORM dispute(e.document, 'x'); END IF;
                WHEN 'settle' THEN PERFORM settle_dispute(e.document, 'y');
                WHEN 'extend' THEN PERFORM extend_due(e.document, e.due + 10, 'z');
            END CASE;
        END LOOP;
        PERFORM remind_all(v_day);
        PERFORM remind_all(v_day);
        IF pg_temp.delivered(v_day) THEN
            UPDATE notification SET delivered_at = v_day WHERE kind = 'reminder' AND delivered_at IS NULL;
        END IF;
    END LOOP;
END $$;
-- enough of everything happened
SELECT level, count(*) FILTER (WHERE NOT withdrawn) AS standing, count(*) FILTER (WHERE withdrawn) AS withdrawn FROM expected GROUP BY 1 ORDER BY 1;
-- one list is the other
CREATE VIEW said AS SELECT o.n, r.on_day AS day, r.level, r.days_late AS days, trim_scale(r.open) AS open, trim_scale(r.fee) AS fee, trim_scale(r.interest) AS interest, r.withdrawn_at IS NOT NULL AS withdrawn FROM reminder r JOIN owed o ON o.document = r.document_id;
CREATE VIEW listed AS SELECT n, day, level, days, trim_scale(open) AS open, trim_scale(fee) AS fee, trim_scale(interest) AS interest, withdrawn FROM expected;
(SELECT 'only in the books' AS where, * FROM said EXCEPT ALL SELECT 'only in the books', * FROM listed) UNION ALL (SELECT 'only on the list', * FROM listed EXCEPT ALL SELECT 'only on the list', * FROM said) ORDER BY 2, 3, 1;
-- nobody is told what was taken back, each of the others once
SELECT count(*) FILTER (WHERE r.withdrawn_at IS NULL) = count(n.id) AS told, count(*) FILTER (WHERE r.withdrawn_at IS NOT NULL AND n.id IS NOT NULL) AS of_withdrawn
  FROM reminder r LEFT JOIN notification n ON n.dedupe_key = 'reminder:' || r.id;
-- the client sees the last one of what is open, and what it claims
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE (d.reminded, d.reminded_on, d.fee, d.interest) IS DISTINCT FROM (x.level, x.day, x.fee, x.interest)) AS wrong
  FROM owed o CROSS JOIN LATERAL client_documents(o.client) d
  LEFT JOIN LATERAL (SELECT * FROM expected x WHERE x.n = o.n AND NOT x.withdrawn AND d.open > 0 ORDER BY x.level DESC LIMIT 1) x ON true WHERE d.document = o.document;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_dunning_days, t_dunning_days_internal CASCADE;
