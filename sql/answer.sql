-- The client's answer on the page itself: a form without a script, and a page for whatever becomes of it.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_answer');
SET search_path = t_answer, t_answer_internal, finance, public;
\pset format unaligned

INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01');
INSERT INTO task (project_id, title) VALUES (1, 'Cart');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s)
SELECT 1, 1, day::date, 3600 FROM generate_series(timestamp '2026-03-01', '2026-06-01', '1 month') day;
CREATE FUNCTION pg_temp.report(month text) RETURNS bigint LANGUAGE sql AS
$$ SELECT build_report(jsonb_build_object('client', 2, 'period', month), jsonb_build_object('issued_on', month || '-28')) $$;
-- what a page has for an answer, and what it says became of one
CREATE FUNCTION pg_temp.seen(page text, OUT forms bigint, OUT fields text, OUT comment text, OUT said text, OUT whole boolean) LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM regexp_matches(page, '<form method="post" action="answer_page">', 'g')),
           (SELECT string_agg(DISTINCT m[1] || coalesce('=' || m[2], ''), ', ') FROM regexp_matches(page, 'name="(token|language|decision|comment)"(?: value="(agreed|rejected|uk|ru|en)")?', 'g') m),
           substring(page FROM '(?n)<textarea [^>]*>\n?([^<]*)</textarea>'), substring(page FROM '<p class="said" role="status">([^<]*)</p>'),
           page ~ '^<!DOCTYPE html>.*</section>.*</body>\s*</html>\s*$' AND page ~ '@media print { .answer, .back, .said { display: none; } }\n</style>\n</head>' $$;

SELECT pg_temp.report('2026-03') AS march \gset
SELECT pg_temp.report('2026-04') AS april \gset
SELECT pg_temp.report('2026-05') AS may \gset
SELECT send(:march) AS march_token \gset
SELECT send(:april) AS april_token \gset
SELECT send(:may) AS may_token \gset
CREATE ROLE regress_finance_guest;
SELECT grant_access('regress_finance_guest', 'guest');
GRANT TEMP ON DATABASE :DBNAME TO regress_finance_guest;
SET ROLE regress_finance_guest;

-- the page of what waits for an answer has the form, in the language of the page; the page itself is as it was
SELECT s.* FROM pg_temp.seen(shared_page(:'march_token')) s;
SELECT l.language, s.fields FROM unnest('{uk,ru,en}'::text[]) l (language), pg_temp.seen(shared_page(:'march_token', l.language)) s;
SELECT strpos(page, :'march_token') > 0 AS token, page ~ 'form-action ''self''' AS posts, page ~* '<script' AS scripts FROM CAST(shared_page(:'march_token') AS text) page;

-- refused, each with a page: what was written stays in the form, as text
SELECT s.said, s.comment, s.forms FROM pg_temp.seen(answer_page(:'march_token', 'rejected')) s;
SELECT s.said, s.comment FROM pg_temp.seen(answer_page(:'march_token', 'rejected', E' \n')) s;
SELECT s.said, length(s.comment) FROM pg_temp.seen(answer_page(:'march_token', 'rejected', repeat('x', 4001), 'uk')) s;
SELECT s.said, length(s.comment) AS length FROM pg_temp.seen(answer_page(:'march_token', 'rejected', repeat('x', 100000), 'ru')) s;
SELECT s.said, s.comment FROM pg_temp.seen(answer_page(:'march_token', 'paid', '</textarea><script>{{token}}')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'march_token', NULL, NULL)) s;
SELECT answer_page(:'march_token', 'agreed', NULL, 'de');
-- a link that opens nothing answers as it shows: with the one page
SELECT l.language, substring(answer_page('no such token', 'agreed', NULL, l.language)::text FROM '<p class="says">(.*?)</p>') AS says,
       answer_page(repeat('x', 100000), 'agreed', NULL, l.language)::text = shared_page('', l.language)::text AS same
  FROM unnest('{uk,ru,en}'::text[]) l (language);
-- nothing came of any of it
RESET ROLE;
SELECT id = :march AS march, status FROM document ORDER BY id;
SET ROLE regress_finance_guest;

-- read-only, as a gateway's GET is and a standby: all of it is a page, and nothing is written
BEGIN READ ONLY;
SELECT s.forms, s.said FROM pg_temp.seen(shared_page(:'march_token')) s;
SELECT s.forms, s.said FROM pg_temp.seen(answer_page(:'march_token', 'agreed', NULL, 'en')) s;
SELECT s.forms, s.said FROM pg_temp.seen(answer_page(:'march_token', 'rejected', 'no', 'uk')) s;
SELECT answer_page('no such token', 'agreed')::text = shared_page('no such token')::text AS unknown, shared_report(:'march_token') ->> 'status' AS status;
COMMIT;

-- taken: a browser's line ends count once; the same again changes nothing
SELECT s.said, s.forms, s.comment FROM pg_temp.seen(answer_page(:'march_token', 'agreed')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'march_token', 'agreed', NULL, 'ru')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'march_token', 'rejected', 'changed my mind')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'april_token', 'rejected', repeat(E'x\r\n', 2000), 'uk')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'april_token', 'rejected', 'again', 'uk')) s;
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'april_token', 'agreed')) s;
SELECT s.forms FROM pg_temp.seen(shared_page(:'march_token')) s;
RESET ROLE;
SELECT d.id = :march AS march, d.status, length(d.status_reason) AS reason, d.status_said_by FROM document d ORDER BY d.id;

-- what became of it tells the gateway, too
CREATE FUNCTION pg_temp.visit(p_token text, p_decision text, p_comment text, OUT said text, OUT status text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('response.status', '', true), set_config('request.method', 'POST', true);
    said := coalesce((pg_temp.seen(answer_page(p_token, p_decision, p_comment))).said, 'no form');
    status := current_setting('response.status');
END $$;
SELECT v.* FROM (VALUES (1, :'may_token', 'rejected', ''), (2, :'may_token', 'maybe', 'x'), (3, :'april_token', 'agreed', ''), (4, 'unknown', 'agreed', ''), (5, :'may_token', 'agreed', 'fine')) a (no, token, decision, comment)
 CROSS JOIN LATERAL pg_temp.visit(a.token, a.decision, a.comment) v ORDER BY a.no;
BEGIN READ ONLY;
SELECT * FROM pg_temp.visit(:'may_token', 'agreed', NULL);
COMMIT;

-- what is no question has no form: an invoice, what is replaced
SELECT issue_invoice(:march, '{"issued_on": "2026-06-01"}') AS invoice \gset
SELECT share(:invoice) AS token \gset
SELECT s.forms, page = document_html(:invoice) AS page FROM CAST(shared_page(:'token') AS text) page, pg_temp.seen(page) s;
SELECT s.forms, s.said FROM pg_temp.seen(answer_page(:'token', 'agreed', NULL, 'en')) s;
SELECT revise(:april) AS april_again \gset
SELECT substring(page FROM '<p class="says">(.*?)</p>') AS says, page ~ '<form' AS form FROM CAST(answer_page(:'april_token', 'agreed') AS text) page;

-- a template without a head or a body gets the form all the same
INSERT INTO template (own_id, kind, body) VALUES (1, 'report', 'only {{number}}');
SELECT pg_temp.report('2026-06') AS june \gset
SELECT send(:june) AS token \gset
SELECT s.forms, page LIKE 'only %' AS first FROM CAST(shared_page(:'token') AS text) page, pg_temp.seen(page) s;
SELECT put_before('<P></BODY></p></body>x', '</body>', '!'), put_before('x', '</body>', '!'), put_before('</body>', '</body>', '!'), put_before('', '</body>', '!');

DROP OWNED BY regress_finance_guest;
DROP ROLE regress_finance_guest;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_answer, t_answer_internal CASCADE;
