-- The share link: the only thing that a visitor reaches.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_share');
SET search_path = t_share, t_share_internal, finance, public;

INSERT INTO party (kind, name, legal_name, tax_id, requisites) VALUES ('own', 'Agency', 'Agency LLC', '100', '{"iban": "UA1"}'), ('company', 'Alpha', 'ТОВ «Альфа»', '200', '{}');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 21, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Сайт');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20);
INSERT INTO task (project_id, number, title, url) VALUES (1, 'T-1', 'Кошик <script>', 'https://plan.example/T-1');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, comment) VALUES (1, 1, '2026-03-02', 5400, 'secret thoughts');
SELECT build_report('{"client": 2}', '{"issued_on": "2026-04-01", "note": "for us only"}') AS r \gset
SELECT share(:r);
SELECT share(999);
SELECT transition(:r, 'sent');
SELECT share(:r, '0'), share(:r, NULL);
SELECT share(:r, '10 years');
SELECT share(:r) AS token \gset
SELECT share(:r, '1 hour') AS second \gset
-- 43 URL-safe characters; never the same; not to be found in the books
SELECT :'token' ~ '^[A-Za-z0-9_-]{43}$' AS shape, :'token' <> :'second' AS other, (SELECT count(*) FROM share_link s WHERE s::text LIKE '%' || :'token' || '%') AS kept;
SELECT expires_at - created_at AS ttl, views FROM share_link ORDER BY id;

CREATE ROLE regress_finance_guest;
SELECT grant_access('regress_finance_guest', 'guest');
SET ROLE regress_finance_guest;
-- what the visitor sees is for the visitor: no cost, no notes, no ids but the document's own
SELECT jsonb_pretty(shared_report(:'token') - '{document}'::text[]);
SELECT shared_report('no such token'), shared_report(''), shared_report(NULL);
SELECT count(*) FROM document;
SELECT document_json(:r);
\set VERBOSITY terse
SELECT t_share_internal.open_link(:'token');
\set VERBOSITY default
SELECT transition(:r, 'agreed');
RESET ROLE;
SELECT views, last_view_at IS NOT NULL AS seen FROM share_link ORDER BY id;

-- unknown, expired and revoked look the same
ALTER TABLE share_link DISABLE TRIGGER share_link_owned;  -- nobody else can turn the clock back
UPDATE share_link SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE id = (SELECT max(id) FROM share_link);
SET ROLE regress_finance_guest;
SELECT shared_report(:'second') IS NULL AS expired;
SELECT answer_shared(:'second', 'agreed');
SELECT answer_shared('no such token', 'agreed');
-- the client answers
SELECT answer_shared(:'token', 'maybe');
SELECT answer_shared(:'token', 'rejected');
SELECT answer_shared(:'token', 'paid');
SELECT answer_shared(:'token', 'agreed', 'thank you');
SELECT answer_shared(:'token', 'agreed');
SELECT answer_shared(:'token', 'rejected', 'changed my mind');
RESET ROLE;
SELECT to_status, by, login = session_user AS login, said_by, reason FROM document_status_change WHERE document_id = :r AND to_status = 'agreed';
SELECT count(*) FROM charge WHERE frozen_at IS NOT NULL;
SELECT issue_invoice(:r, '{"issued_on": "2026-04-02"}') AS i \gset
SELECT share(:i) AS invoice \gset
SET ROLE regress_finance_guest;
SELECT shared_report(:'invoice') ->> 'number' AS number, shared_report(:'token') ->> 'status' AS report;
SELECT answer_shared(:'invoice', 'agreed');
SELECT answer_shared(:'token', 'agreed');
RESET ROLE;
-- revoked: one of them, all of them
SELECT share(:i) AS another \gset
SELECT revoke_share(:i, max(id)) FROM share_link;
SELECT shared_report(:'another') IS NULL AS revoked, shared_report(:'invoice') IS NULL AS all_of_them;
SELECT revoke_share(:i), revoke_share(:i);
SELECT shared_report(:'invoice') IS NULL AS revoked;
SELECT answer_shared(:'invoice', 'agreed');
SELECT views FROM share_link WHERE document_id = :i ORDER BY id;
SELECT draft_document('{"kind": "bill", "party": 2, "outside_number": "1", "lines": [{"title": "x", "price": "1"}]}') AS b \gset
SELECT share(:b);

-- a guest's texts are bounded, and none of them is told back at length
SELECT build_report('{"client": 2, "to": "2026-12-31"}') AS none;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-05-04', 3600);
SELECT build_report('{"client": 2}') AS r2 \gset
SELECT transition(:r2, 'sent');
SELECT share(:r2) AS token \gset
SET ROLE regress_finance_guest;
SELECT answer_shared(:'token', 'rejected', repeat('ї', 4001));
SELECT answer_shared(:'token', 'rejected', E' \n\t');
SELECT answer_shared(:'token', repeat('x', 100000));
SELECT answer_shared(repeat('x', 100000), 'agreed');
SELECT shared_page(:'token', repeat('x', 100000));
SELECT shared_page(repeat('x', 100000))::text ~ 'not valid' AS refused, shared_report(repeat('x', 100000));
SELECT shared_page(''), shared_page(NULL)::text = shared_page('no such token')::text AS same \gset
\echo :same
SELECT answer_shared(:'token', 'rejected', repeat('ї', 4000));
RESET ROLE;
SELECT length(reason) FROM document_status_change WHERE document_id = :r2 AND to_status = 'rejected';

-- a page says what holds no more: nobody's data on it, in the visitor's language
SELECT l.language, p.page ~ '^<!DOCTYPE html>\s' AS whole, p.page ~ ('<html lang="' || l.language || '">') AS language,
       substring(p.page FROM '<p class="says">(.*?)</p>') AS says, p.page ~ 'Agency|Alpha|Альфа' AS tells
  FROM (VALUES ('uk'), ('ru'), ('en')) AS l (language) CROSS JOIN LATERAL (SELECT shared_page('no such token', l.language)::text AS page) p;
SELECT shared_page('no such token', 'de');
-- a gateway tells the browser's language and takes the status; elsewhere nothing is set
CREATE FUNCTION pg_temp.visit(p_token text, p_accept text, OUT says text, OUT status text, OUT headers text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('response.status', '', true), set_config('response.headers', '', true),
            set_config('request.method', CASE WHEN p_accept IS NOT NULL THEN 'GET' ELSE '' END, true),
            set_config('request.headers', CASE WHEN p_accept <> '' THEN json_build_object('accept-language', p_accept)::text ELSE '' END, true);
    says := substring(shared_page(p_token)::text FROM '<p class="says">(.*?)</p>');
    status := current_setting('response.status');
    headers := current_setting('response.headers');
END $$;
SELECT a.accept, v.* FROM (VALUES (1, 'uk-UA,uk;q=0.9,en;q=0.8'), (2, 'de-DE, RU;q=0.5'), (3, 'fr'), (4, ''), (5, NULL)) AS a (no, accept)
 CROSS JOIN LATERAL pg_temp.visit('no such token', a.accept) v ORDER BY a.no;
SELECT * FROM pg_temp.visit(:'token', 'uk');
SELECT shared_report('no such token') IS NULL AS nothing, current_setting('response.status') AS status FROM set_config('request.method', 'GET', true);

-- what was replaced or is void says so in place of its figures
SELECT revise(:r2) AS r3 \gset
SELECT substring(shared_page(:'token')::text FROM '<p class="says">(.*?)</p>') AS superseded, shared_page(:'token')::text ~ '60[.,]00' AS figures,
       shared_report(:'token') ->> 'status' AS status;
SELECT transition(:r3, 'sent');
SELECT share(:r3) AS token \gset
SELECT shared_page(:'token')::text ~ '60[.,]00' AS figures;
SELECT void(:r3, 'not wanted') \g /dev/null
SELECT substring(shared_page(:'token', 'uk')::text FROM '<p class="says">(.*?)</p>') AS void, shared_page(:'token')::text ~ '60[.,]00' AS figures,
       shared_report(:'token') ->> 'status' AS status;

-- in a read-only transaction links open and are not counted; they are not answered
SELECT share(:r) AS token \gset
BEGIN READ ONLY;
SET LOCAL ROLE regress_finance_guest;
SELECT shared_page(:'token')::text ~ '^<!DOCTYPE html>' AS page, shared_report(:'token') ->> 'kind' AS kind, shared_page('x')::text ~ 'not valid' AS unknown;
SAVEPOINT s;
SELECT answer_shared(:'token', 'agreed');
ROLLBACK TO s;
COMMIT;
SELECT views FROM share_link ORDER BY id DESC LIMIT 1;
SELECT shared_page(:'token') \g /dev/null
SELECT views FROM share_link ORDER BY id DESC LIMIT 1;

DROP OWNED BY regress_finance_guest;
DROP ROLE regress_finance_guest;
SELECT * FROM document_problems;
