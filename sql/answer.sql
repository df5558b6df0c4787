-- The client's answer on the page itself: forms that need no script, a signature that is drawn, and a page for whatever
-- becomes of it.
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
    SELECT (SELECT count(*) FROM regexp_matches(page, '<form method="post" action="answer_page" id="(?:agree|sign|reject)">', 'g')),
           (SELECT string_agg(DISTINCT m[1] || coalesce('=' || m[2], ''), ', ') FROM regexp_matches(page, 'name="(token|language|decision|comment|signer|image)"(?: value="(agreed|rejected|signed|uk|ru|en)")?', 'g') m),
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
SELECT strpos(page, :'march_token') > 0 AS token, page ~ 'form-action ''self''' AS posts, (SELECT count(*) FROM regexp_matches(page, '<script', 'gi')) AS scripts FROM CAST(shared_page(:'march_token') AS text) page;

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

-- ---------------------------------------------------------------------------
-- signatures
-- ---------------------------------------------------------------------------
-- what a finger drew, as the page posts it; with other sizes, and with something done to its bytes
\set png 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='
CREATE FUNCTION pg_temp.url(image bytea, type text DEFAULT 'image/png') RETURNS text LANGUAGE sql AS
$$ SELECT 'data:' || type || ';base64,' || translate(encode(image, 'base64'), E'\n', '') $$;
CREATE FUNCTION pg_temp.sized(image bytea, width text, height text) RETURNS bytea LANGUAGE sql AS
$$ SELECT overlay(overlay(image PLACING decode(width, 'hex') FROM 17) PLACING decode(height, 'hex') FROM 21) $$;
SELECT decode(:'png', 'base64') AS bytes \gset
SELECT pg_temp.url(:'bytes') AS drawn \gset
CREATE FUNCTION pg_temp.paper(content text) RETURNS bigint LANGUAGE sql AS
$$ SELECT draft_document(('{"party": 2, "currency": "EUR", "issued_on": "2026-06-01"}'::jsonb || content::jsonb)) $$;
INSERT INTO contract (client_id, own_id, number, currency, starts_on, status) VALUES (2, 1, 'A-2', 'EUR', '2026-07-01', 'draft');
INSERT INTO task (project_id, title) VALUES (1, 'Search');
SELECT pg_temp.paper('{"kind": "contract", "contract": "A-2", "requirements": "We work, you pay."}') AS contract \gset
SELECT pg_temp.paper('{"kind": "proposal", "lines": [{"title": "Idea", "price": "5"}]}') AS proposal \gset
SELECT issue_specification(2, '[{"title": "Search", "price": "50"}]', '{"issued_on": "2026-06-01"}') AS specification \gset
SELECT pg_temp.paper('{"kind": "annex", "contract": "A-2", "requirements": "More."}') AS annex \gset
SELECT send(:contract) AS contract_token \gset
SELECT send(:proposal) AS proposal_token \gset
SELECT send(:specification) AS specification_token \gset
SELECT send(:annex) AS annex_token \gset
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_temp TO PUBLIC;
SET ROLE regress_finance_guest;
-- the page may run this one script, and its policy and the gateway's name the digest of it; nothing else on it may run
SELECT encode(sha256(convert_to(m[1], 'UTF8')), 'base64') = substring(page FROM 'default-src ''none''; script-src ''sha256-([^'']*)''; style-src') AS let, strpos(page, '<canvas') > 0 AS pad, page ~* ' on[a-z]+=' AS handlers
  FROM CAST(shared_page(:'contract_token') AS text) page, regexp_matches(page, '<script>(.*)</script>') m;
SELECT count(*) FROM regexp_matches(shared_page('no such token')::text, '<script|script-src', 'g');
-- no name, too much of one; no PNG, whatever it calls itself, and none that is whole; a large one, and one that would be large; each says so, with the name in its form
SELECT t.no, s.said, s.forms, length(substring(page FROM '<input name="signer"[^>]* value="([^"]*)"')) AS name
  FROM (VALUES (1, '', :'drawn'), (2, E' \t', ''), (3, repeat('x', 201), ''), (4, 'Ann', 'x'), (5, 'Ann', 'data:image/png;base64,'), (6, 'Ann', 'data:image/png;base64,!!!!'),
    (7, 'Ann', pg_temp.url('\xffd8ffe000104a464946')), (8, 'Ann', pg_temp.url(:'bytes', 'image/jpeg')), (9, 'Ann', pg_temp.url(:'bytes', 'image/svg+xml')),
    (10, 'Ann', pg_temp.url(convert_to('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg>', 'UTF8'))), (11, 'Ann', pg_temp.url(substr(:'bytes'::bytea, 1, 50))),
    (12, 'Ann', pg_temp.url(overlay(:'bytes'::bytea PLACING '\x00' FROM 1))), (13, 'Ann', pg_temp.url(pg_temp.sized(:'bytes', '000007d1', '00000001'))),
    (14, 'Ann', pg_temp.url(pg_temp.sized(:'bytes', '00000001', 'ffffffff'))), (15, 'Ann', pg_temp.url(pg_temp.sized(:'bytes', '00000000', '00000001'))),
    (16, 'Ann', 'data:image/png;base64,' || repeat('A', 400000)), (17, '"><script>', :'drawn' || '"')) t (no, signer, image)
 CROSS JOIN LATERAL CAST(answer_page(:'contract_token', 'signed', NULL, 'en', NULL, t.signer, t.image) AS text) page CROSS JOIN LATERAL pg_temp.seen(page) s ORDER BY t.no;
SELECT answer_shared(:'contract_token', 'signed');
SELECT answer_shared(:'contract_token', 'signed', signer => repeat('x', 201));
-- what nobody sees is no name
SELECT answer_shared(:'contract_token', 'signed', signer => U&'\200B \202E');
SELECT answer_shared(:'contract_token', 'rejected', U&'\200B');
SELECT answer_shared(:'contract_token', 'signed', signer => 'Ann', image => 'x');
SELECT answer_shared(:'contract_token', 'signed', signer => 'Ann', image => pg_temp.url(substr(:'bytes'::bytea, 1, 60)));
SELECT answer_shared(:'contract_token', 'signed', signer => 'Ann', image => pg_temp.url(pg_temp.sized(:'bytes', '000007d1', '00000001')));
SELECT answer_shared(:'contract_token', 'signed', signer => 'Ann', image => :'drawn' || repeat('A', 400000));
SELECT answer_shared(:'token', 'signed', signer => 'Ann');
BEGIN READ ONLY;
SELECT s.said FROM pg_temp.seen(answer_page(:'contract_token', 'signed', NULL, 'en', NULL, 'Ann', :'drawn')) s;
COMMIT;
-- taken: drawn, at the largest that is taken, or typed alone; what waited for an answer is agreed, and what follows from that does
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'contract_token', 'signed', NULL, 'uk', NULL, 'Олена <Альфа>', :'drawn')) s;
SELECT answer_shared(:'proposal_token', 'agreed'), s.forms FROM pg_temp.seen(shared_page(:'proposal_token')) s;
SELECT s.forms FROM pg_temp.seen(shared_page(:'proposal_token')) s;
SELECT answer_shared(:'proposal_token', 'signed', signer => 'Ann', image => pg_temp.url(pg_temp.sized(:'bytes', '000007d0', '000007d0')));
SELECT answer_shared(:'specification_token', 'signed', signer => 'Ann', image => '');
-- once: not again, not otherwise, not after no
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'contract_token', 'signed', NULL, 'en', NULL, 'Ben', '')) s;
SELECT answer_shared(:'contract_token', 'signed', signer => 'Ben');
SELECT s.said, s.forms FROM pg_temp.seen(answer_page(:'contract_token', 'rejected', 'changed my mind', 'en')) s;
SELECT answer_shared(:'annex_token', 'rejected', 'no'), s.forms FROM pg_temp.seen(shared_page(:'annex_token')) s;
SELECT answer_shared(:'annex_token', 'signed', signer => 'Ann');
RESET ROLE;
SELECT d.kind, d.status, d.sign_status, d.sign_by, d.sign_ref = 'link ' || (SELECT s.id FROM share_link s WHERE s.document_id = d.id) AS link, d.signature_type, octet_length(d.signature) AS bytes, d.status_said_by
  FROM document d WHERE d.id IN (:contract, :proposal, :specification, :annex) ORDER BY d.id;
SELECT (SELECT status FROM contract WHERE number = 'A-2') AS contract, (SELECT string_agg(title || ' ' || trim_scale(amount), ', ') FROM task_item WHERE task_id = 2) AS sold;
SELECT h ~ ('<img [^>]*src="' || :'drawn' || '"') AS image, h ~ 'Олена &lt;Альфа&gt;' AS name, h ~ 'We work, you pay\.' AS text, h ~ '<table class="lines">' AS lines FROM document_html(:contract, 'uk') h;
SELECT set_signature(:annex, 'signed', 'Ann');
SELECT set_signature(:may, 'signed', 'Ann', image => '\xffd8ff', image_type => 'image/png');
-- not what is void or replaced
SELECT pg_temp.paper('{"kind": "proposal", "lines": [{"title": "Idea 2", "price": "5"}]}') AS replaced \gset
SELECT send(:replaced) AS token \gset
SELECT revise(:replaced, '{"issued_on": "2026-06-02"}') AS next \gset
SELECT answer_shared(:'token', 'signed', signer => 'Ann', image => :'drawn');
SELECT send(:next) AS token \gset
SELECT void(:next, 'wrong');
SELECT answer_shared(:'token', 'signed', signer => 'Ann', image => :'drawn');
SELECT s.forms, page ~ 'script-src' AS script FROM CAST(answer_page(:'token', 'signed', NULL, NULL, NULL, 'Ann', :'drawn') AS text) page, pg_temp.seen(page) s;

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
