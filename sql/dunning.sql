-- Reminders: levels by client, days of grace, fees and interest, nothing of what is disputed, each once.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_dunning');
SET search_path = t_dunning, t_dunning_internal, finance, public;
\pset format unaligned

INSERT INTO party (kind, name, requisites, email, grace_days) VALUES ('own', 'Agency', '{}', NULL, 0), ('company', 'Альфа & Ко', '{"language": "uk"}', 'alpha@alpha.example', 5), ('company', '{total}', '{}', NULL, 0);
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO project (client_id, name) VALUES (2, 'Shop'), (3, 'Desk');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (2, 1, 'A-1', 'EUR', '2020-01-01'), (3, 1, 'B-1', 'EUR', '2020-01-01');
INSERT INTO task (project_id, title) VALUES (1, 'Cart'), (2, 'Call');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
CREATE FUNCTION pg_temp.sell(task bigint, hours numeric, due date) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, task, due - 14, hours * 3600);
    RETURN invoice_work(jsonb_build_object('task', task, 'from', due - 14, 'to', due - 14), jsonb_build_object('issued_on', due - 14, 'due_on', due));
END $$;
SELECT pg_temp.sell(1, 10, '2023-03-31') AS a \gset
SELECT pg_temp.sell(2, 5, '2023-03-31') AS b \gset
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2023-01-01', 0.5);

-- levels of all, and of a client alone
SELECT remind(:a, '2023-05-01');
INSERT INTO dunning_level (level, days_late, words, fee, currency, interest_pct) VALUES
    (1, 1, '{"uk": "Нагадуємо: {number} від {date}, {open}.", "ru": "x", "en": "Please pay {number}, {open} due {due}, dear {client}."}', 0, NULL, 0),
    (2, 10, '{"uk": "{number}: {days} днів, {open} + {fee} + {interest} = {total}. {client}, {own}", "ru": "x", "en": "{days} {total} {fee}"}', 20, 'USD', 7.3),
    (3, 20, '{"uk": "3 {total}", "ru": "x", "en": "3 {total} {fee}"}', 5, 'EUR', 7.3);
SELECT remind(:a, '2023-04-05');
SELECT remind(:b, '2023-03-31');
INSERT INTO dunning_level (level, days_late, words) VALUES (4, 30, '{"uk": "{amount}", "ru": "x", "en": "y"}');
INSERT INTO dunning_level (level, days_late, words, fee, currency) VALUES (4, 30, '{"uk": "z", "ru": "x", "en": "y"}', 0.005, 'EUR');

-- a month day by day, against a plain list: grace of 5 days for one, none for the other; a part is paid on 15 April
SELECT payment_id AS part FROM record_payment('{"amount": "400", "cash_account": "bank", "party": "Альфа & Ко", "paid_on": "2023-04-15"}') \gset
CREATE TABLE run AS SELECT d::date AS day, r.* FROM generate_series(timestamp '2023-03-25', '2023-04-30', '1 day') d CROSS JOIN LATERAL remind_all(d::date) r;
SELECT day, document_id = :a AS alpha, level FROM run ORDER BY day, document_id;
-- 600 are open for 10 days and 400 until the 15th, as late from 5 April: (600 x 10 + 400 x 10) x 7.3 / 36500 = 2.00 on the 15th, 3.20 on the 25th
SELECT document_id = :a AS alpha, level, on_day, days_late, open::numeric(18,2), fee::numeric(18,2), interest::numeric(18,2), language, message FROM reminder ORDER BY id;
SELECT kind, message = (SELECT r.message FROM reminder r WHERE r.id = (n.payload ->> 'reminder')::bigint) AS message, payload - '{reminder,document,number}'::text[] AS payload FROM notification n WHERE kind = 'reminder' ORDER BY id LIMIT 2;
-- again is the same: of a day, of a level
SELECT count(*) FROM remind_all('2023-04-30');
SELECT remind(:a, '2023-04-30') = (SELECT max(id) FROM reminder WHERE document_id = :a) AS same, remind(:a, '2023-04-12') = (SELECT max(id) FROM reminder WHERE document_id = :a) AS earlier;
SELECT document_id = :a AS alpha, late_since, grace_days, disputed, open, level FROM overdue_document ORDER BY document_id;

-- a client with levels of his own has no other; levels that were passed are not made up for
INSERT INTO dunning_level (client_id, level, days_late, words) SELECT 3, l, l * 100, '{"uk": "u", "ru": "r", "en": "own {days}"}' FROM generate_series(1, 3) l;
SELECT pg_temp.sell(2, 1, '2023-05-31') AS c \gset
SELECT remind(:c, '2023-06-30');
SELECT remind(:c, '2024-01-01') AS late \gset
SELECT level, message FROM reminder WHERE id = :late;

-- more time and disputes stop it
SELECT pg_temp.sell(1, 2, '2023-06-01') AS d \gset
SELECT extend_due(:d, '2023-07-01', 'asked');
SELECT remind(:d, '2023-07-06');
SELECT remind(:d, '2023-07-07') AS first \gset
SELECT level FROM reminder WHERE id = :first;
SELECT dispute(:d, '');
SELECT dispute(:d, 'hours') AS dispute \gset
SELECT dispute(:d, 'more hours') = :dispute AS same;
SELECT remind(:d, '2023-08-07');
SELECT count(*) FILTER (WHERE document_id = :d) AS disputed FROM remind_all('2023-08-07');
-- what nobody was told yet is taken back, what was delivered stands
SELECT withdrawn_at IS NOT NULL AS withdrawn, (SELECT count(*) FROM notification n WHERE n.document_id = :d) AS told FROM reminder WHERE document_id = :d;
SELECT settle_dispute(:d, '');
SELECT settle_dispute(:d, 'right') = :dispute AS ended, settle_dispute(:d, 'again') AS none;
SELECT remind(:d, '2023-07-08') > :first AS anew;
UPDATE notification SET delivered_at = now() WHERE document_id = :d;
SELECT dispute(:d, 'again') > :dispute AS another;
SELECT level, withdrawn_at IS NOT NULL AS withdrawn FROM reminder WHERE document_id = :d ORDER BY id;
SELECT reason, outcome, ended_at IS NOT NULL AS ended, ended_by IS NOT NULL AS by FROM dispute ORDER BY id;
-- so does payment
SELECT count(*) FILTER (WHERE withdrawn_at IS NULL) AS standing FROM reminder WHERE document_id = :a;
SELECT payment_id FROM record_payment('{"amount": "600", "cash_account": "bank", "party": "Альфа & Ко", "paid_on": "2023-09-15"}') \g /dev/null
SELECT status, (SELECT count(*) FROM reminder WHERE document_id = :a AND withdrawn_at IS NULL) AS standing, (SELECT count(*) FROM notification WHERE document_id = :a AND kind = 'reminder') AS told FROM document WHERE id = :a;
SELECT remind(:a, '2023-10-01');
SELECT dispute(:a, 'late');
SELECT draft_document('{"kind": "proforma", "party": 2, "issued_on": "2023-04-01", "due_on": "2023-04-02", "lines": [{"title": "Idea", "price": "5"}]}') AS p \gset
SELECT transition(:p, 'sent');
SELECT remind(:p, '2023-10-01');
SELECT remind(0);

-- what waits names what is open: a part, a second part and more time take it back, each time anew
SELECT pg_temp.sell(1, 3, '2023-08-01') AS e \gset
CREATE FUNCTION pg_temp.waits(document bigint) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s standing, %s withdrawn, %s to be told', count(*) FILTER (WHERE withdrawn_at IS NULL), count(withdrawn_at), (SELECT count(*) FROM notification n WHERE n.document_id = $1 AND n.kind = 'reminder'))
      FROM reminder r WHERE r.document_id = $1 $$;
CREATE FUNCTION pg_temp.pay(document bigint, amount text) RETURNS text LANGUAGE sql AS $$
    SELECT record_payment(jsonb_build_object('amount', amount, 'cash_account', 'bank', 'party', 2, 'paid_on', '2023-08-20', 'allocations', jsonb_build_array(jsonb_build_object('document', document, 'amount', amount)))); SELECT pg_temp.waits(document) $$;
SELECT remind(:e, '2023-08-20') > 0 AS told, pg_temp.waits(:e);
SELECT pg_temp.pay(:e, '50');
SELECT remind(:e, '2023-08-21') > 0 AS told, pg_temp.waits(:e);
SELECT pg_temp.pay(:e, '60');
SELECT remind(:e, '2023-08-21') > 0 AS told, pg_temp.waits(:e);
SELECT extend_due(:e, '2023-08-05', 'asked'), pg_temp.waits(:e);
-- the last of them stands on the page and in the overview while something is open: 300 for ten days and 190 for one at
-- 7.3 % are 0.64
SELECT remind(:e, '2023-08-21') > 0 AS told;
SELECT page_state(:e) -> 'reminded' AS reminded;
SELECT regexp_replace(substring(document_html(:e, 'en') FROM '<tr><td[^>]*>Reminder.*?</table>'), ' style="[^"]*"', '', 'g') AS on_the_page;
SELECT v ->> 'reminded' AS reminded, v ->> 'reminded_on' AS on, v ->> 'fee' AS fee, v ->> 'interest' AS interest FROM jsonb_array_elements(client_overview(2) -> 'documents') v WHERE v ->> 'document' = :'e';
SELECT substring(client_page(2, '{"token": "x"}') FROM '<small class="late">(Нагадування[^<]*)</small>') AS cabinet;
SELECT pg_temp.pay(:e, '190');
SELECT page_state(:e) -> 'reminded' AS reminded;

-- nobody writes it past the functions
INSERT INTO reminder (document_id, level, on_day, days_late, open, fee, interest, currency, language, message) VALUES (:a, 9, '2023-01-01', 1, 1, 0, 0, 'EUR', 'en', 'x');
UPDATE dispute SET outcome = 'x';
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_dunning, t_dunning_internal CASCADE;
