-- The page of what is issued is kept byte for byte: whatever becomes of the document, of what it names, of words and
-- templates, it is the same for ever, and what became of it is put over it.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_issued');
SET search_path = t_issued, t_issued_internal, finance, public;
\pset format unaligned

INSERT INTO party (kind, name, requisites) VALUES ('own', 'Us', '{"iban": "UA11"}'), ('company', 'Альфа', '{"language": "uk"}'), ('company', 'Beta', '{"language": "en"}');
INSERT INTO brand (own_id, name, logo, footer) VALUES (1, 'Brand', 'data:image/png;base64,iVBORw0KGgo=', 'Footer');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO project (client_id, name) VALUES (2, 'Shop'), (3, 'Desk');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20), (3, 1, 'B-1', 'EUR', '2026-01-01', NULL);
INSERT INTO task (project_id, title) VALUES (1, 'Cart <!--state:mark-->'), (2, 'Call logo:00');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600), (1, 2, '2026-03-03', 7200), (1, 2, '2026-04-03', 7200);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');

SELECT build_report('{"client": 2, "period": "2026-03"}', '{"issued_on": "2026-04-01"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
SELECT issue_invoice(:report, '{"issued_on": "2026-04-02", "due_on": "2026-04-16"}') AS invoice \gset
SELECT issue_act(:invoice, '{"issued_on": "2026-04-03"}') AS act \gset
SELECT credit(:invoice, jsonb_build_array(jsonb_build_object('line', (SELECT min(id) FROM document_line WHERE document_id = :invoice), 'net', '10')), 'less', '2026-04-04') AS note \gset
SELECT invoice_work('{"client": 3, "period": "2026-03"}', '{"issued_on": "2026-04-02"}') AS void \gset
SELECT draft_document('{"kind": "proposal", "party": 3, "issued_on": "2026-04-01", "lines": [{"title": "Idea", "price": "5"}]}') AS proposal \gset
SELECT transition(:proposal, 'sent');
SELECT build_report('{"client": 3, "period": "2026-04"}', '{"issued_on": "2026-05-01"}') AS draft \gset
SELECT record_bill('{"party": "Beta", "outside_number": "7", "currency": "EUR", "issued_on": "2026-03-01", "lines": [{"title": "Help", "price": "10"}]}') AS bill \gset
SELECT transition(:bill, 'agreed');
-- a kind without a template has no page until it gets one, and then none of its day
SELECT draft_document('{"kind": "other", "party": 3, "currency": "EUR", "requirements": "Terms", "issued_on": "2026-04-01"}') AS contract \gset
SELECT transition(:contract, 'sent');
SELECT d.kind, i.language, i.body IS NOT NULL AS page, octet_length(i.digest) AS digest, i.body ~ 'base64,' AS image, i.body ~ ('src="logo:' || (d.kept #>> '{brand,logo}') || '"') AS named,
       sha256(convert_to(issued_html(d.id), 'UTF8')) = i.digest AS same, issued_html(d.id) ~ 'src="data:image/png;base64,iVBORw0KGgo="' AS logo
  FROM document d JOIN issued_page i ON i.document_id = d.id WHERE d.id <> :contract ORDER BY d.id;
SELECT kind FROM document WHERE id NOT IN (SELECT document_id FROM issued_page) ORDER BY id;
SELECT language, body, digest FROM issued_page WHERE document_id = :contract;
\set VERBOSITY default
SELECT issued_html(:draft);
SELECT issued_html(:bill);
SELECT issued_html(:contract);
SELECT issued_html(0);
-- nobody's words can make a place for what is put over it
SELECT (SELECT count(*) FROM regexp_matches(issued_html(:report), '<!--state:mark-->', 'g')) AS marks,
       issued_html(:report) ~ 'Cart &lt;!--state:mark--&gt;' AS told;
SELECT document_html(:proposal) = issued_html(:proposal) AS nothing_became_of_it, document_html(:proposal, 'en') = issued_html(:proposal) AS in_its_language,
       document_html(:proposal, 'ru') ~ 'Коммерческое предложение' AS drawn;

CREATE TABLE before AS SELECT i.document_id, issued_html(i.document_id) AS page, document_html(i.document_id) AS shown FROM issued_page i WHERE i.body IS NOT NULL;
-- what becomes of documents is put over their pages
SELECT extend_due(:invoice, '2026-05-16', 'asked');
SELECT payment_id FROM record_payment('{"amount": "60", "cash_account": "bank", "party": "Альфа", "paid_on": "2026-04-20"}') \gset
SELECT set_signature(:act, 'signed', 'B. <Client>', NULL, '2026-04-05 12:00Z', decode('iVBORw0KGgo=', 'base64'), 'image/png') \g /dev/null
SELECT void(:void, 'wrong'), transition(:proposal, 'rejected', 'no');
SELECT d.kind, d.status, page_state(d.id) - 'signature' AS state, page_state(d.id) -> 'signature' AS signature, document_html(d.id) <> b.shown AS shown, issued_html(d.id) = b.page AS kept
  FROM document d JOIN before b ON b.document_id = d.id ORDER BY d.id;
SELECT h ~ '16 квітня 2026 р\.' AS due, h ~ '<dt>Відстрочено до</dt><dd[^>]*>16 травня 2026 р\.</dd>' AS put_off, h ~ 'Сплачено</td><td[^>]*>60,00</td>' AS paid, h ~ 'Залишилося сплатити</td><td[^>]*>48,00</td>' AS open,
       h ~ 'Зараховано кредит-нотою</td><td[^>]*>12,00</td>' AS credited, strpos(h, '16 травня') BETWEEN strpos(h, '16 квітня') AND strpos(h, 'class="parties"') AS in_place FROM document_html(:invoice) h;
SELECT h ~ '<img [^>]*src="data:image/png;base64,iVBORw0KGgo=" alt="підпис"><span [^>]*>Підписано: 5 квітня 2026 р\.<br>B\. &lt;Client&gt;</span>' AS signed,
       strpos(h, 'Підписано') > strpos(h, 'Від замовника') AS in_place FROM document_html(:act) h;
SELECT h ~ 'uppercase[^<]*">Void</span></div>\n<main' AS void FROM document_html(:void) h;

-- everything that it was made of becomes something else
UPDATE party SET name = 'New ' || id, legal_name = 'New ' || id, tax_id = '9', email = 'new@new.example', requisites = '{"language": "ru", "iban": "UA22", "address": "New"}';
UPDATE brand SET name = 'New', logo = 'data:image/jpeg;base64,/9j/AAAA', accent = '#000000', ink = '#111111', footer = 'New';
UPDATE project SET name = 'New ' || id;
UPDATE task SET title = 'New ' || id;
UPDATE contract SET number = 'NEW-' || id;
UPDATE page_label SET label = 'new ' || label;
UPDATE template SET body = 'new {{heading}}';
UPDATE tax SET name = 'New ' || code;
INSERT INTO template (own_id, kind, language, body) VALUES (1, 'invoice', 'uk', 'new own {{heading}}');
UPDATE setting SET zone = 'Pacific/Auckland';
SELECT count(*) AS pages, count(*) FILTER (WHERE issued_html(document_id) = page) AS same FROM before;
SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo'; SET extra_float_digits = 0; SET bytea_output = escape; SET xmloption = document; SET lc_numeric = 'C';
SELECT count(*) FILTER (WHERE issued_html(document_id) = page AND digest = sha256(convert_to(page, 'UTF8'))) AS same FROM before JOIN issued_page USING (document_id);
RESET datestyle; RESET timezone; RESET extra_float_digits; RESET bytea_output; RESET xmloption; RESET lc_numeric;
-- not even without the brand
DELETE FROM brand;
SELECT count(*) FILTER (WHERE issued_html(document_id) = page) AS same FROM before;
-- new documents are made of what is there now; so are other languages of the old ones, and drafts
SELECT transition(:draft, 'sent');
SELECT issued_html(:draft) AS issued, document_html(:draft, 'en') AS english, document_html(:report, 'en') AS old;
INSERT INTO template (kind, body) VALUES ('other', 'now {{heading}}');
SELECT document_html(:contract, 'en');
SELECT issued_html(:contract);

-- nobody writes it
INSERT INTO issued_page (document_id, language, body, digest) VALUES (:bill, 'en', 'x', sha256('x'));
UPDATE issued_page SET body = 'x';
DELETE FROM issued_page;
TRUNCATE issued_page;
-- the step and its page are one: taken back, there is neither
SELECT draft_document('{"kind": "proposal", "party": 3, "issued_on": "2026-04-01", "lines": [{"title": "Idea", "price": "5"}]}') AS other \gset
BEGIN;
SELECT transition(:other, 'sent');
SELECT count(*) FROM issued_page WHERE document_id = :other;
ROLLBACK;
SELECT count(*) FROM issued_page WHERE document_id = :other;
-- a template of an older version, which names what pages have no more, stops the issue and nothing is lost by it
ALTER TABLE template DISABLE TRIGGER USER;
UPDATE template SET body = '{{heading}} {{status}}' WHERE kind = 'specification';
ALTER TABLE template ENABLE TRIGGER USER;
SELECT transition(:other, 'sent');
UPDATE template SET body = '{{heading}} {{number}}' WHERE kind = 'specification';
SELECT transition(:other, 'sent');
SELECT issued_html(:other);
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_issued, t_issued_internal CASCADE;
