-- Pages and tables of documents: what they say, how it is written, and that
-- nothing in the data can become markup, a link, a formula or a template.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SELECT finance.create_books('t_page');
SET search_path = t_page, t_page_internal, finance, public;
\getenv srcdir PG_ABS_SRCDIR
\set fixture :srcdir '/test/fixture/pages.sql'
\set ECHO none
\i :fixture
\set ECHO all
\pset format unaligned
\pset null '<null>'

-- figures and days as the three languages write them
SELECT l, page_number(1234567.891, 2, l), page_number(-1234.5, 2, l), page_number(0, 2, l), page_number(-0.001, 2, l), page_number(999, 0, l), page_number(1000, 3, l)
  FROM unnest('{uk,ru,en}'::text[]) l;
SELECT l, page_date('2026-03-01', l), page_date('2026-12-31', l), page_percent(20, l), page_percent(7.5000, l) FROM unnest('{uk,ru,en}'::text[]) l;
SELECT l, page_days('2026-03-01', '2026-03-31', l), page_days('2026-03-05', '2026-03-05', l), page_days('2026-03-05', NULL, l),
       page_days('2026-03-05', '2026-04-01', l, '2026-12-31'), page_days('2025-12-31', '2026-01-02', l, '2026-12-31')
  FROM unnest('{uk,ru,en}'::text[]) l;
SELECT page_number(NULL, 2, 'uk'), page_date(NULL, 'uk'), page_days(NULL, NULL, 'en'), page_percent(NULL, 'ru');
-- every label is there in every language
SELECT name, count(*) FROM page_label GROUP BY name HAVING count(*) <> 3;

-- the rows of the paper: 1500 an hour; the bug at zero; 20 minutes are 500.00
SELECT position, project, left(title, 30) AS title, url, first_day, last_day, coverage, unit, trim_scale(quantity) AS quantity, trim_scale(price) AS price, worked_s, billed_s,
       amount::numeric(18,2), tax::numeric(18,2), gross::numeric(18,2)
  FROM document_rows(:report);
SELECT position, title, url, unit, trim_scale(quantity) AS quantity, trim_scale(price) AS price, trim_scale(discount_pct) AS discount_pct, trim_scale(tax_rate) AS tax_rate,
       net::numeric(18,2), tax::numeric(18,2), gross::numeric(18,2)
  FROM document_rows(:specification);
SELECT position, title, trim_scale(quantity) AS quantity, price, net::numeric(18,2), gross::numeric(18,2) FROM document_rows(:credit);
-- they are those of document_sheet(), and sum to the header
SELECT d.id, count(*) FILTER (WHERE (r.net, r.tax, r.gross, r.amount, r.hours_billed) IS DISTINCT FROM (s.net, s.tax, s.gross, s.amount, s.hours_billed)) AS differ,
       sum(r.net) = coalesce(d.net, sum(s.net)) AND sum(r.tax) = coalesce(d.tax, sum(s.tax)) AND sum(r.gross) = coalesce(d.gross, sum(s.gross)) AS whole
  FROM document d CROSS JOIN document_rows(d.id) r JOIN document_sheet(d.id) s ON s.position = r.position
 GROUP BY d.id ORDER BY d.id;

-- what the pages say
SELECT jsonb_pretty(document_data(:report) - '{label,groups,brand}'::text[]);
SELECT g ->> 'title' AS title, g ->> 'hours_worked' AS worked, g ->> 'hours_billed' AS billed, g ->> 'amount' AS amount, jsonb_array_length(g -> 'rows') AS rows
  FROM jsonb_array_elements(document_data(:report) -> 'groups') g;
SELECT jsonb_pretty(document_data(:report) #> '{groups,0,rows,2}');
SELECT d -> 'payment' AS payment, d ->> 'due' AS due, d ->> 'basis' AS basis, d ->> 'gross_label' AS label FROM document_data(:invoice) d;
SELECT jsonb_pretty(d -> 'totals') FROM document_data(:long) d;
SELECT jsonb_pretty(d -> 'totals') FROM document_data(:specification) d;
SELECT jsonb_pretty(d -> 'totals'), page_state(:draft) AS state, d -> 'number' AS number FROM document_data(:draft) d;
SELECT d #>> '{totals,gross_money}' AS gross, d #>> '{totals,words}' AS words, d ->> 'gross_label' AS label, d ->> 'basis' AS basis FROM document_data(:credit) d;
SELECT d #>> '{signature,by}' AS by, d #>> '{signature,on}' AS on, left(d #>> '{signature,image}', 40) AS image, d ->> 'status' AS status FROM page_state(:act) d;
SELECT d #> '{own,requisites}' AS own, d #>> '{own,name}' AS name, d #>> '{own,signatory_title}' AS signs FROM document_data(:english) d;
-- the language is the client's, else our own, unless one is asked for
SELECT page_language(:report) AS own, page_language(:long) AS client, page_language(:english) AS english,
       document_data(:report, 'en') ->> 'date' AS date, document_data(:report, 'en') #>> '{totals,words}' AS words, document_data(:report, 'ru') ->> 'page_title' AS title;

-- the sample that templates are checked against has what pages have, neither more nor less
CREATE FUNCTION pg_temp.names(document jsonb) RETURNS SETOF text LANGUAGE sql AS $$
    WITH RECURSIVE node (path, value) AS (
        SELECT '', document
        UNION ALL
        SELECT n.path || c.step, c.value FROM node n
         CROSS JOIN LATERAL (
            SELECT '.' || k AS step, n.value -> k AS value FROM jsonb_object_keys(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END) k
             WHERE n.path || '.' || k NOT LIKE '.label.%'
            UNION ALL
            SELECT '[]', e FROM jsonb_array_elements(CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value ELSE '[]' END) e) c)
    SELECT DISTINCT path FROM node $$;
SELECT 'only on a page' AS where, n FROM (SELECT pg_temp.names(document_data(d.id)) AS n FROM document d EXCEPT SELECT pg_temp.names(page_sample())) x
UNION ALL
SELECT 'only in the sample', n FROM (SELECT pg_temp.names(page_sample()) AS n EXCEPT SELECT pg_temp.names(document_data(d.id)) FROM document d) x;

-- whole pages: one document, nothing active, nothing from elsewhere, links to trackers only
CREATE TABLE page AS SELECT d.id, d.kind, d.status, l.language, document_html(d.id, l.language) AS html FROM document d, unnest('{uk,ru,en}'::text[]) l (language);
SELECT count(*) AS pages, bool_and(html ~ '^<!DOCTYPE html>\n<html lang="(uk|ru|en)">' AND html ~ '</html>\n$') AS whole,
       bool_or(html ~* '<(script|link|iframe|object|embed|form|base|svg|video|audio)') AS active,
       bool_or(html ~* '\son[a-z]+\s*=\s*["'']|(href|src)="javascript:') AS handlers,
       bool_or(html ~* '@import|url\(') AS loads, bool_or(html ~ '@[a-z_]+@') AS unfilled
  FROM page;
SELECT DISTINCT substring(u[2] FROM '^[a-z]+:[^;/]*/?/?') AS resource, u[1] AS attribute FROM page, regexp_matches(html, '(src|href)="([^"]*)"', 'g') u ORDER BY 1;
-- every tag that is opened is closed
SELECT t, count(*) FILTER (WHERE regexp_count <> closed) AS unbalanced
  FROM page, unnest('{html,head,body,main,header,section,table,thead,tbody,tr,td,th,dl,dt,dd,div,p,h1,h2,a,span,style}'::text[]) t
 CROSS JOIN LATERAL (SELECT (SELECT count(*) FROM regexp_matches(html, '<' || t || '[ >]', 'g')) AS regexp_count,
                            (SELECT count(*) FROM regexp_matches(html, '</' || t || '>', 'g')) AS closed) c
 GROUP BY t HAVING count(*) FILTER (WHERE regexp_count <> closed) > 0;
-- titles stay text
SELECT h ~ '&lt;script&gt;alert\(&quot;1&quot;\)&lt;/script&gt; &amp; &#39;лапки&#39; \{\{mustache\}\} \{\{#x\}\}' AS escaped,
       h ~ 'href="https://tracker.example/\?a=1&amp;b=&quot;x&quot;&lt;y&gt;"' AS link_escaped, h ~ 'javascript' AS script_link,
       h ~ '<a href="http://tracker.example/task/103"[^>]*>ВМ-103 Виправлення: неправильна сума доставки</a> <span class="tag">без оплати</span>' AS bug_marked
  FROM document_html(:report) h;
SELECT k, h ~ m AS marked FROM (VALUES ('draft', document_html(:draft), 'uppercase[^<]*">Draft</span></div>'), ('report', document_html(:report), 'uppercase[^<]*">[^<]+</span></div>')) AS t (k, h, m);

-- part of the invoice is paid: 11400.00 less 1400.00
INSERT INTO cash_account (name, currency) VALUES ('bank', 'UAH');
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
VALUES ('in', 'posted', '2026-04-10', 1400, 'UAH', 1, 'revenue', 2) RETURNING id AS payment \gset
SELECT allocate_payment(:payment);
SELECT page_state(:invoice) AS state, page_state(:invoice, 'en') AS english;
-- void is void on every page of it
SELECT void(:specification, 'changed our minds');
SELECT document_html(:specification) ~ 'uppercase[^<]*">Void</span></div>' AS marked, issued_html(:specification) ~ '>Void<' AS issued;

-- by employee, by day: no links to single tasks, days written out
SELECT build_report('{"client": 3, "charges": []}', '{}');
SELECT void(:long, 'again by day');
SELECT build_report('{"client": 3, "from": "2026-03-01", "to": "2026-03-02"}', '{"positions": "day"}') AS days \gset
SELECT r ->> 'title' AS title, r ->> 'days' AS days, r ->> 'url' AS url, r ->> 'quantity' AS quantity, r ->> 'price' AS price, r ->> 'amount' AS amount
  FROM jsonb_array_elements(document_data(:days) #> '{groups,0,rows}') r;
SELECT discard(:days);
SELECT build_report('{"client": 3, "from": "2026-03-01", "to": "2026-03-02"}', '{"positions": "employee"}') AS people \gset
SELECT r ->> 'title' AS title, r ->> 'days' AS days, r ->> 'url' AS url, r ->> 'quantity' AS quantity, r ->> 'amount' AS amount
  FROM jsonb_array_elements(document_data(:people) #> '{groups,0,rows}') r;

-- templates: the most specific is used
INSERT INTO template (kind, language, body) VALUES ('report', 'uk', 'language {{heading}}<!--state:mark-->') RETURNING id AS t1 \gset
SELECT document_html(:draft, 'uk') ~ '^language Звіт про виконані роботи<div ' AS language, document_html(:draft, 'en') ~ '^<!DOCTYPE' AS other;
INSERT INTO template (own_id, kind, body) VALUES (1, 'report', 'own {{heading}}') RETURNING id AS t2 \gset
SELECT substring(document_html(:draft, 'uk') FROM '^[^<]+') AS ukrainian, substring(document_html(:draft, 'en') FROM '^[^<]+') AS english;
INSERT INTO template (own_id, kind, language, body) VALUES (1, 'report', 'uk', 'own language {{heading}}');
SELECT substring(document_html(:draft, 'uk') FROM '^[^<]+') AS ukrainian, substring(document_html(:draft, 'en') FROM '^[^<]+') AS english;
SELECT document_html(:credit) ~ '<h1>Credit note</h1>' AS as_invoice;
INSERT INTO template (kind, body) VALUES ('credit_note', '{{heading}} over {{totals.gross_money}}');
SELECT document_html(:credit, 'ru') AS drawn, document_html(:credit) = issued_html(:credit) AS kept;
DELETE FROM template WHERE own_id = 1 OR id = :t1;
-- and refused where it does not parse or names what no page has, with the line
INSERT INTO template (kind, language, body) VALUES ('report', 'en', E'<h1>{{heading}}</h1>\n{{#groups}}\n{{title}}\n');
INSERT INTO template (kind, language, body) VALUES ('report', 'en', E'<h1>{{heading}}</h1>\n\n{{#groups}}{{#rows}}{{titel}}{{/rows}}{{/groups}}');
INSERT INTO template (kind, language, body) VALUES ('report', 'en', '{{{title}}}');
UPDATE template SET body = E'\n\n\n\n{{/x}}' WHERE kind = 'act';
\set VERBOSITY terse
INSERT INTO template (kind, body) VALUES ('report', 'twice');
INSERT INTO template (own_id, kind, body) VALUES (2, 'report', 'not ours');
INSERT INTO template (kind, body) VALUES ('letter', 'unknown');
INSERT INTO template (kind, language, body) VALUES ('report', 'de', 'unknown');
\set VERBOSITY default
SELECT count(*) FROM template;

-- brands
\set VERBOSITY terse
UPDATE brand SET accent = 'red';
UPDATE brand SET ink = '#12345; } body { display: none';
UPDATE brand SET logo = 'https://elsewhere.example/logo.png';
UPDATE brand SET logo = 'data:text/html;base64,PHNjcmlwdD4=';
UPDATE brand SET logo = 'data:image/png;base64,iVBORw0KGgo" onerror="alert(1)';
UPDATE brand SET logo = 'data:image/png;base64,PHN2Zz4=';
UPDATE brand SET logo = 'data:image/jpeg;base64,/9j/' || repeat('A', 700000);
INSERT INTO brand (own_id) VALUES (2);
\set VERBOSITY default
UPDATE brand SET logo = NULL, name = '<b>Bold & "co"</b>', accent = '#C0FFEE';
SELECT h ~ '<div class="brand">&lt;b&gt;Bold &amp; &quot;co&quot;&lt;/b&gt;</div>' AS name, h ~ '--accent: #C0FFEE;' AS accent FROM document_html(:draft) h;
DELETE FROM brand;
SELECT h ~ '<div class="brand">Агенція «Приклад»</div>' AS name FROM document_html(:draft) h;

-- tables: quoted by RFC 4180, formulas made harmless, numbers left alone
SELECT x, csv_text(x) FROM (VALUES ('plain'), ('a,b'), ('say "hi"'), (E'two\nlines'), ('=1+1'), ('+1'), ('-1'), ('@x'), (' =1'), (E'\t=1'), ('＝1'), ('a=1'), (' x '), (''), ('Cart;=1+1;-x'), (E'a\n=1'), (E'two\n\tlines'), (NULL)) AS t (x);
\t on
SELECT replace(document_csv(:report, false), E'\r', '<cr>');
SELECT replace(document_csv(:credit, false), E'\r', '<cr>') ~ '-300.00,false,0.00,-300.00,20,-60.00,-360.00,EUR<cr>';
\t off
-- for spreadsheets of a language: a decimal comma, in quotes; whole numbers, days and texts are the same
SELECT split_part(document_csv(:report, false, 'uk'), E'\r\n', 2) AS uk, document_csv(:report, false, 'ru') = document_csv(:report, false, 'uk') AS ru;
-- any list, in the order of its columns: texts that look like numbers or formulas, days under any DateStyle, what there is none of, nested values, no rows
SET datestyle = 'SQL, DMY';
SELECT l, replace(table_csv((SELECT json_agg(x) FROM (VALUES (1::numeric(18,2), date '2026-03-01', '=1+1', NULL, true), (-1234.5, '2026-12-31', E'say "hi",\nЇжак', '-5', false)) x (amount, day, "a,b", note, yes)), l, false), E'\r', '<cr>') AS csv FROM unnest('{en,uk}'::text[]) l;
RESET datestyle;
SELECT table_csv('[]', bom => false, columns => '{a,b}') = E'a,b\r\n' AS empty, table_csv('[{"b": 1, "a": [1, "x"]}]', 'en', false, '{a,c}') AS chosen;
SELECT split_part(statement_table(2, '2026-03-01', '2026-04-30', 'uk'), E'\r\n', 3) AS statement;
SELECT table_csv('[]', 'de');
SELECT table_csv('[]', NULL);
SELECT table_csv('{"a": 1}');
SELECT table_csv('[1]');
SELECT ascii(document_csv(:report)) AS first_letter, document_csv(:report) = chr(65279) || document_csv(:report, false) AS bom_apart;

-- under their media types, and by a link
SELECT pg_typeof(document_page(:report)), pg_typeof(document_table(:report)), document_page(:report)::text = document_html(:report) AS same;
SELECT share(:report) AS token \gset
SELECT shared_page(:'token')::text = document_html(:report) AS same, shared_page(:'token', 'en')::text = document_html(:report, 'en') AS translated, shared_page('x')::text ~ 'This link is not valid any more' AS unknown;
SELECT views FROM share_link;
CREATE ROLE page_guest;
SELECT grant_access('page_guest', 'guest');
SET ROLE page_guest;
SELECT shared_page(:'token')::text ~ '^<!DOCTYPE html>' AS page;
SELECT document_html(:report);
RESET ROLE;
DROP OWNED BY page_guest;
DROP ROLE page_guest;

-- refusals
SELECT document_html(0);
SELECT document_csv(0);
SELECT document_html(:report, 'de');
SELECT record_bill('{"party": 3, "outside_number": "7", "issued_on": "2026-03-01", "lines": [{"title": "Help", "price": "10"}], "currency": "EUR"}') AS bill \gset
SELECT document_html(:bill);
SELECT document_csv(:bill, false) ~ '^document.*\r\nbill,7,2026-03-01,1,,Help,,,,,,1,,10,,,,10.00,' AS bill;
SELECT draft_document('{"kind": "other", "party": 3, "currency": "EUR", "requirements": "Terms"}') AS contract \gset
SELECT document_html(:contract);
INSERT INTO template (kind, body) VALUES ('other', '{{heading}}: {{requirements}}<!--state:mark-->{{#groups}}{{title}}{{/groups}}');
SELECT regexp_replace(document_html(:contract), 'style="[^"]*"', '', 'g');
INSERT INTO template (kind, body) VALUES ('annex', '{{heading}} {{status}}');

-- The unit price is the rate of the charge, so that quantity times price multiplies out with what a band adds: an hour
-- at 60 + 12.50, and 20 minutes at 66.67 x 1.5 = 100.005, which is 33.34; the page, its table, the sheet and the JSON
-- of a share link say the same, of a draft and of what is sent.
INSERT INTO party (kind, name) VALUES ('company', 'Night shop') RETURNING id AS night \gset
INSERT INTO project (client_id, name) VALUES (:night, 'Nights') RETURNING id AS nights \gset
INSERT INTO employee (name, role) VALUES ('Owl', 'adder'), ('Bat', 'factor');
INSERT INTO task (project_id, title) VALUES (:nights, 'Adder') RETURNING id AS adder \gset
INSERT INTO task (project_id, title) VALUES (:nights, 'Factor') RETURNING id AS factor \gset
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (:night, 'N-1', 'EUR', '2026-01-01') RETURNING id AS n1 \gset
INSERT INTO band_rule (contract_id, role, price_adder) VALUES (:n1, 'adder', 12.5);
INSERT INTO band_rule (contract_id, role, price_multiplier) VALUES (:n1, 'factor', 1.5);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, price, override_reason)
SELECT m.id, CASE m.role WHEN 'adder' THEN :adder ELSE :factor END, '2026-03-02', CASE m.role WHEN 'adder' THEN 3600 ELSE 1200 END,
       CASE m.role WHEN 'adder' THEN 60 ELSE 66.67 END, 'as agreed'
  FROM employee m WHERE m.role IN ('adder', 'factor') ORDER BY m.role;
SELECT build_report(jsonb_build_object('client', :night)) AS r \gset
CREATE FUNCTION unit_prices(d bigint) RETURNS TABLE (title text, quantity text, sheet text, rows text, in_json text, page text, csv text, amount text)
    LANGUAGE sql AS $$
    SELECT s.title, s.quantity::text, s.price::text, trim_scale(r.price)::text, j.value ->> 'price', g.value ->> 'price',
           split_part(c.line, ',', 14), s.amount::text
      FROM document_sheet(d) s JOIN document_rows(d) r USING (position)
      JOIN jsonb_array_elements(document_json(d) -> 'positions') j ON (j.value ->> 'position')::int = s.position
      JOIN jsonb_path_query(document_data(d), '$.groups[*].rows[*]') g (value) ON g.value ->> 'title' = s.title
      JOIN regexp_split_to_table(document_csv(d, false), E'\r\n') c (line) ON split_part(c.line, ',', 6) = s.title
     ORDER BY s.position $$;
SELECT * FROM unit_prices(:r);
SELECT transition(:r, 'sent') AS sent;
SELECT * FROM unit_prices(:r);
DROP FUNCTION unit_prices(bigint);
-- a report has each task once, in the order of its first day, its prices beneath it where it has several; fees and things
-- have no hours.  Two hours are included: that of the 4th and the first of the 9th; half an hour and an hour and a quarter
-- at 120, a fee of 200, two things of 45: 500 less 10 %
SELECT t.value ->> 'no' AS no, x.row ->> 'title' AS title, x.part, x.row ->> 'days' AS days, x.row ->> 'hours_worked' AS worked, x.row ->> 'hours_billed' AS billed,
       x.row ->> 'pieces' AS pieces, x.row ->> 'coverage' AS coverage, x.row ->> 'price' AS price, x.row ->> 'amount' AS amount
  FROM jsonb_path_query(document_data(:month), '$.groups[*].tasks[*]') WITH ORDINALITY t (value, no)
 CROSS JOIN LATERAL (SELECT t.value AS row, NULL::bigint AS part
                     UNION ALL SELECT l.value, l.no FROM jsonb_array_elements(nullif(t.value -> 'lines', 'null')) WITH ORDINALITY l (value, no)) x ORDER BY t.no, x.part NULLS FIRST;
SELECT f.value ->> 'name' AS name, f.value ->> 'value' AS value FROM jsonb_array_elements(document_data(:month) #> '{summary,facts}') f (value);
-- against the report of the month before: one hour, included, and the fee; that had none before it, nor has what comes two months later
SELECT document_data(:month) #> '{summary,before}' AS before, document_data(:month_before) #> '{summary,before}' AS none, document_data(:invoice) -> 'summary' AS of_reports;
-- it stays what it was, in every language
CREATE TABLE was AS SELECT l, document_html(:month, l) AS page FROM unnest('{uk,ru,en}'::text[]) l;
SELECT void(:month_before, 'wrong'), build_report('{"client": "Epsilon", "period": "2026-02"}', '{"issued_on": "2026-03-01"}') AS again \gset
SELECT count(*) FILTER (WHERE page = document_html(:month, l)) AS same FROM was;
DROP TABLE was;
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-05-04', 3600 FROM task WHERE number = 'E-2';
SELECT build_report('{"client": "Epsilon", "period": "2026-05"}', '{"issued_on": "2026-06-01"}') AS may \gset
SELECT document_data(:may) #> '{summary,before}' AS none;
DROP TABLE page;
SELECT * FROM check_books();
