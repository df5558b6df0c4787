-- What is issued stays as it was: whatever its paper names may change, page, sheet, JSON and table say what they said.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_kept');
SET search_path = t_kept, t_kept_internal, finance, public;
INSERT INTO party (kind, name, legal_name, tax_id, email, requisites) VALUES
    ('own', 'Us', 'Us Ltd', '1', 'us@old.example', '{"address": "Old lane 1", "iban": "UA11OLD", "signatory": "Old Boss", "signatory_title": "Head", "uk": {"name": "ТОВ «Ми»"}}'),
    ('company', 'Client', 'Client Old Ltd', '2', 'client@old.example', '{"address": "Old street 1", "language": "en"}');
INSERT INTO brand (own_id, name, logo, footer) VALUES (1, 'Old brand', 'data:image/png;base64,iVBORw0KGgo=', 'Old footer');
INSERT INTO employee (name) VALUES ('Dana');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO item (code, name) VALUES ('x', 'Old thing');
INSERT INTO project (client_id, name) VALUES (2, 'Old shop'), (2, 'Old desk');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate, project_id) VALUES (2, 1, 'OLD-1', 'EUR', '2026-01-01', 20, NULL);
INSERT INTO task (project_id, number, title, url) VALUES (1, 'T-1', 'Old cart', 'https://old.example/1'), (2, 'T-2', 'Old call', 'https://old.example/2'), (1, 'T-3', 'Old offer', 'https://old.example/3');
INSERT INTO task (project_id, number, title, url, work_type_id) SELECT 1, 'T-4', 'Old bug', 'https://old.example/4', id FROM work_type WHERE code = 'bug';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600), (1, 2, '2026-03-03', 7200), (1, 4, '2026-03-04', 1800), (1, 1, '2026-04-02', 3600), (1, 2, '2026-05-02', 3600);
SELECT charge_item(1, 1, 2, '2026-03-05', price => 10) > 0 AS sold;
-- a report and what is made of it, a specification, a report that was rejected, one that was void, a paper for the deal
SELECT build_report('{"client": 2, "period": "2026-03"}', '{"issued_on": "2026-04-01", "note": "Old note"}') AS report \gset
SELECT transition(:report, 'sent'), transition(:report, 'agreed');
SELECT issue_invoice(:report, '{"issued_on": "2026-04-02"}') AS invoice \gset
SELECT issue_act(:invoice, '{"issued_on": "2026-04-03"}') AS act \gset
SELECT credit(:invoice, jsonb_build_array(jsonb_build_object('line', (SELECT min(id) FROM document_line WHERE document_id = :invoice))), 'old credit', '2026-04-04', meaning => 'waive') AS note \gset
SELECT issue_specification(3, '[{"title": "Old work", "price": "50"}]', '{"issued_on": "2026-04-01"}') AS specification \gset
SELECT build_report('{"client": 2, "period": "2026-04"}', '{"issued_on": "2026-05-01"}') AS rejected \gset
SELECT transition(:rejected, 'sent'), transition(:rejected, 'rejected', 'no');
SELECT build_report('{"client": 2, "period": "2026-05"}', '{"issued_on": "2026-06-01"}') AS void \gset
SELECT transition(:void, 'sent'), void(:void, 'wrong');
SELECT draft_document('{"kind": "proposal", "party": 2, "project": "Old shop", "task": 3, "issued_on": "2026-04-01", "lines": [{"title": "Old idea", "price": "5"}]}') AS proposal \gset
SELECT transition(:proposal, 'sent');
SELECT draft_document('{"kind": "proposal", "party": 2, "project": "Old shop", "lines": [{"title": "Old idea", "price": "5"}]}') AS draft \gset
SELECT share(:report) AS token \gset

CREATE VIEW said AS
    SELECT d.id, w.what, w.said
      FROM document d
     CROSS JOIN LATERAL (VALUES ('page', document_html(d.id)), ('page en', document_html(d.id, 'en')), ('page uk', document_html(d.id, 'uk')), ('page ru', document_html(d.id, 'ru')),
        ('csv', document_csv(d.id)), ('json', document_json(d.id)::text), ('rows', (SELECT string_agg(r::text, E'\n' ORDER BY r.position) FROM document_rows(d.id) r)),
        ('sheet', (SELECT string_agg(s::text, E'\n' ORDER BY s.position) FROM document_sheet(d.id) s))) w (what, said);
CREATE TABLE before AS TABLE said;
SELECT d.kind, d.status, count(*) AS papers, count(*) FILTER (WHERE b.said ILIKE '%old%') AS old FROM document d JOIN before b USING (id) GROUP BY d.id ORDER BY d.id;

-- everything that they name becomes something else
UPDATE party SET name = 'New ' || id, legal_name = 'New ' || id || ' Ltd', tax_id = 'new', email = 'new@new.example', requisites = '{"address": "New street 2", "iban": "UA22NEW", "signatory": "New", "language": "uk"}';
UPDATE brand SET name = 'New brand', logo = 'data:image/png;base64,iVBORw0KGgoNEW==', accent = '#000000', ink = '#111111', footer = 'New footer';
UPDATE project SET name = 'New ' || id;
UPDATE task SET number = 'N-' || id, title = 'New ' || id, url = 'https://new.example/' || id;
UPDATE item SET name = 'New thing';
UPDATE employee SET name = 'New person';
UPDATE contract SET number = 'NEW-1';
UPDATE document SET note = 'New note' WHERE id <> :draft;
-- so does work that went free: it moves to another day and grows, or goes
UPDATE time_entry SET work_date = '2026-04-20', duration_s = 9000 WHERE id = 4;
DELETE FROM time_entry WHERE id = 5;
SELECT d.kind, d.status, string_agg(s.what, ', ' ORDER BY s.what) FILTER (WHERE s.said IS DISTINCT FROM b.said) AS changed
  FROM document d JOIN said s USING (id) JOIN before b USING (id, what) GROUP BY d.id ORDER BY d.id;
SELECT s.what, s.said ILIKE '%old%' AS old, s.said ILIKE '%new%' AS new FROM said s WHERE s.id = :draft AND s.what <> 'csv' ORDER BY 1;
SELECT shared_page(:'token')::text = said AS page, shared_report(:'token')::text = (SELECT said FROM before WHERE id = :report AND what = 'json') AS json FROM before WHERE id = :report AND what = 'page';
SELECT page_language(:report) AS issued, page_language(:draft) AS draft;
-- not even without the brand, and with another company of ours before the one that was
DELETE FROM brand;
UPDATE document SET own_id = NULL WHERE id = :draft;
INSERT INTO party (id, kind, name) VALUES (-1, 'own', 'First');
SELECT count(*) FILTER (WHERE s.said IS DISTINCT FROM b.said) AS changed, count(*) FROM said s JOIN before b USING (id, what) WHERE s.id <> :draft;
SELECT document_data(:draft) #>> '{own,name}' AS draft, document_data(:report, 'uk') #>> '{own,name}' AS report;

-- what is made of it now has names of its own
SELECT void(:act, 'again'), issue_act(:invoice, '{"issued_on": "2026-06-05"}') AS act2 \gset
SELECT d.id = :act2 AS new, d.issued_on, d.kept #>> '{party,legal_name}' AS client, d.kept ->> 'contract' AS contract, w ->> 'project' AS project, w ->> 'task_number' AS task
  FROM document d CROSS JOIN jsonb_array_elements(d.kept -> 'rows') w WHERE d.id IN (:act, :act2) AND w ->> 'task_id' = '2' ORDER BY d.id;
SELECT kind, kept IS NOT NULL AS kept, kept -> 'basis' AS basis FROM document ORDER BY id;
SELECT (SELECT count(*) FROM brand_logo) AS logos, count(*) AS named FROM document WHERE kept #>> '{brand,logo}' IS NOT NULL;

-- nobody writes it, before or after
UPDATE document SET kept = '{}' WHERE id = :report;
UPDATE document SET kept = '{}' WHERE id = :draft;
INSERT INTO brand_logo (digest, logo) VALUES ('\x00', 'x');
DELETE FROM brand_logo;
-- a draft that is void was never issued
SELECT void(:draft, 'no');
SELECT status, issued_at, kept FROM document WHERE id = :draft;
SELECT count(*) FROM history WHERE table_name = 'document' AND new_values ? 'kept';
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_kept, t_kept_internal CASCADE;
