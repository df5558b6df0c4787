-- The client's own page: one link to all that is his and to nothing else.
\set SHOW_CONTEXT never
SET datestyle = ISO;
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_client');
SET search_path = t_client, t_client_internal, finance, public;
\pset format unaligned

INSERT INTO party (kind, name, requisites) VALUES ('own', 'Agency', '{"iban": "UA1"}'), ('company', 'Альфа', '{"language": "uk"}'), ('individual', 'Beta', '{}'), ('contractor', 'Helper', '{}');
INSERT INTO brand (own_id, name, accent) VALUES (1, 'Brand <b>', '#C0FFEE');
INSERT INTO employee (name) VALUES ('Secret Person');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2025-01-01', 21.37, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Shop'), (3, 'Desk');
INSERT INTO contract (client_id, own_id, number, title, currency, starts_on, project_id, cap_amount) VALUES (2, 1, 'A-1', 'Care', 'EUR', '2026-01-01', 1, 1000), (3, 1, 'B-1', NULL, 'EUR', '2026-01-01', 2, NULL);
INSERT INTO task (project_id, number, title) VALUES (1, 'T-1', 'Cart <script>'), (1, 'T-2', 'Bug'), (1, 'T-3', 'Internal'), (2, 'T-4', 'Foreign'), (1, 'T-5', 'Offer');
UPDATE task SET billable = 'no_charge' WHERE id = 2;
UPDATE task SET billable = 'non_billable' WHERE id = 3;
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s, comment) VALUES
    (1, 1, '2026-03-02', 3600, 'secret thoughts'), (1, 1, '2026-04-02', 7200, ''), (1, 4, '2026-03-03', 3600, ''), (1, 4, '2026-05-03', 3600, ''),
    (1, 1, '2026-05-04', 5400, ''), (1, 2, '2026-05-05', 1800, ''), (1, 3, '2026-05-06', 3600, ''), (1, 1, '2026-06-01', 900, '');
-- March is invoiced and paid in part, April is on a report that waits, June on a draft; May is on nothing
SELECT build_report('{"client": 2, "period": "2026-03"}', '{"issued_on": "2026-04-01"}') AS march \gset
SELECT transition(:march, 'sent'), transition(:march, 'agreed');
SELECT issue_invoice(:march, '{"issued_on": "2026-04-02", "due_on": "2026-04-16"}') AS invoice \gset
SELECT payment_id FROM record_payment('{"amount": "25", "cash_account": "bank", "party": "Альфа", "paid_on": "2026-04-20"}') \gset
SELECT build_report('{"client": 2, "period": "2026-04"}', '{"issued_on": "2026-05-01", "title": "April"}') AS april \gset
SELECT transition(:april, 'sent');
SELECT build_report('{"client": 2, "period": "2026-06"}') AS june \gset
SELECT issue_specification(5, '[{"title": "Offered", "price": "50"}]', '{"issued_on": "2026-04-01"}') AS specification \gset
SELECT transition(:specification, 'agreed');
SELECT draft_document('{"kind": "proposal", "party": 2, "issued_on": "2026-04-03", "lines": [{"title": "Idea", "price": "5"}]}') AS void \gset
SELECT transition(:void, 'sent'), void(:void, 'wrong');
SELECT invoice_work('{"client": 3, "period": "2026-03"}', '{"issued_on": "2026-04-02", "due_on": "2027-04-16"}') AS foreign \gset
SELECT record_bill('{"party": "Helper", "outside_number": "7", "currency": "EUR", "issued_on": "2026-03-01", "lines": [{"title": "Help", "price": "10"}]}') AS bill \gset

-- what is his: documents that stand, work on none of them, what is left
SELECT kind, issued_on, due_on, title, status, shown_as, gross, open, asks FROM client_documents(2);
SELECT contract, project, title, last_day, coverage, currency, hours, amount FROM client_work(2, 'en');
SELECT sum(amount) AS may_and_june, (SELECT sum(h.amount)::numeric(18,2) FROM charge h JOIN charge_place y ON y.charge_id = h.id WHERE h.client_id = 2 AND h.service_date >= '2026-05-01') AS charged FROM client_work(2, 'en');
SELECT contract, title, currency, balance, hours_left, cap_left, cap_hours_left FROM client_budget(2) UNION ALL SELECT contract, title, currency, balance, hours_left, cap_left, cap_hours_left FROM client_budget(3);
SELECT jsonb_object_agg(k, jsonb_typeof(client_overview(2) -> k)) AS keys FROM jsonb_object_keys(client_overview(2)) k;
SELECT client_overview(2) ->> 'language' AS language, client_overview(3) ->> 'language' AS ours, client_overview(2)::text ~ 'Secret|secret|21\.37|Internal|Foreign|Beta|Helper' AS tells;
SELECT client_overview(0);
-- prepaid hours, prepaid money, a cap of hours, and the work of the period of today
SELECT add_block(2, '2026-05-01', hours => 10, price => 300) > 0 AS block;
INSERT INTO contract (client_id, own_id, number, model, currency, starts_on, status) VALUES (3, 1, 'B-2', 'prepaid_money', 'EUR', '2026-01-01', 'active'), (3, 1, 'B-3', 'time_materials', 'EUR', '2026-01-01', 'draft'), (3, 1, 'B-4', 'time_materials', 'EUR', '2020-01-01', 'active');
UPDATE contract SET cap_s = 36000, period_cap_s = 1800, project_id = NULL WHERE number = 'B-4';
INSERT INTO task (project_id, title, contract_id) SELECT 2, 'Here', id FROM contract WHERE number = 'B-4' RETURNING id AS here \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, :here, contract_today(c), 600 FROM contract c WHERE number = 'B-4';
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id) SELECT 'in', 'posted', '2026-05-01', 500, 'EUR', 1, 'revenue', 3, id FROM contract WHERE number = 'B-2';
SELECT contract, work, balance, hours_left, cap_left, cap_hours_left FROM client_budget(3) UNION ALL SELECT contract, 0, balance, hours_left, cap_left, cap_hours_left FROM client_budget(2);
-- with tax in the prices it is all as he knows it: of a cap of 100 an hour at 60 leaves 40, though 50 is ours; a fee is under no cap
INSERT INTO party (kind, name) VALUES ('company', 'Gamma');
INSERT INTO project (client_id, name) VALUES (5, 'Site');
INSERT INTO task (project_id, title) SELECT id, 'Page' FROM project WHERE client_id = 5;
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate, tax_inclusive, cap_amount) VALUES (5, 1, 'G-1', 'EUR', '2026-01-01', 20, true, 100);
INSERT INTO contract_line (contract_id, kind, title, amount, starts_on) SELECT id, 'one_time', 'Start', 30, '2026-01-05' FROM contract WHERE number = 'G-1';
SELECT charge_fees(id, '2026-01-31') FROM contract WHERE number = 'G-1';
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-01-06', 3600 FROM task WHERE title = 'Page';
SELECT title, amount FROM client_work(5, 'en') ORDER BY title;
SELECT cap_left FROM client_budget(5);
-- the cap of a month is cut to the days that the contract has in it
BEGIN;
UPDATE contract SET cap_amount = NULL, period_cap_amount = 300, ends_on = books_today() WHERE number = 'G-1';
SELECT cap_left = prorate(300, p, p * daterange('2026-01-01', books_today(), '[]'), 'actual', 2) AS cut_to_its_days
  FROM client_budget(5), (SELECT daterange(month(books_today()), (month(books_today()) + interval '1 month')::date)) m (p);
ROLLBACK;

-- links
SELECT share_client(0);
SELECT share_client(1);
SELECT share_client(4);
SELECT share_client(2, '6 years');
SELECT share_client(2) AS token \gset
SELECT share_client(3) AS beta \gset
SELECT share(:foreign) AS one \gset
SELECT length(:'token'), document_id, client_id, expires_at - created_at AS ttl FROM share_link ORDER BY id;
CREATE FUNCTION pg_temp.text(page text) RETURNS text LANGUAGE sql AS $$
    SELECT trim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(regexp_replace(page, '<style>.*</style>', ''), 'token=[A-Za-z0-9_-]{43}', 'token=TOKEN', 'g'), '<a href="([^"]*)">([^<]*)</a>', '[\2](\1)', 'g'), '<[^>]*>', ' ', 'g'), '\s+', ' ', 'g')) $$;
CREATE FUNCTION pg_temp.masked(said text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(said, '(Період|Период|Period): [^–]+ – \S+( \S+ \d{4})?', '\1: …', 'g') $$;
CREATE ROLE regress_finance_guest;
SELECT grant_access('regress_finance_guest', 'guest');
GRANT TEMP ON DATABASE :DBNAME TO regress_finance_guest;
SET ROLE regress_finance_guest;
BEGIN READ ONLY;
SELECT pg_temp.masked(regexp_replace(pg_temp.text(shared_page(:'token')), 'document=\d+', 'document=ID', 'g'));
SELECT substring(pg_temp.text(shared_page(:'token', 'en')) FROM '^.*?\]') AS english, substring(pg_temp.text(shared_page(:'beta', 'ru')) FROM '^.*?\]') AS russian;
SELECT page ~ '^<!DOCTYPE html>\n<html lang="uk">.*</html>\n$' AS whole, page ~* '<(script|form|iframe|link)' AS active, page ~ 'Secret|secret|21\.37|Internal|Foreign|Beta|Helper' AS tells, page ~ '#C0FFEE' AS accent
  FROM CAST(shared_page(:'token') AS text) page;
SELECT shared_report(:'token') ->> 'client' AS client, jsonb_array_length(shared_report(:'token') -> 'documents') AS documents;
-- each document by the same link, with a way back; no other, by no link
SELECT d.id, d.page ~ ('href="shared_page\?token=' || :'token' || '">Усі документи<') AS back, d.page ~ '<form' AS form, d.page ~ 'class="says"' AS says
  FROM (SELECT x.id, shared_page(:'token', NULL, x.id)::text AS page FROM (VALUES (:march), (:invoice), (:april), (:specification)) x (id)) d ORDER BY 1;
SELECT substring(shared_page(:'token', NULL, :void)::text FROM '<p class="says">(.*?)</p>') AS void, shared_page(:'token', NULL, :void)::text ~ 'Усі документи' AS back;
SELECT shared_report(:'token', :void) ->> 'status' AS status, shared_report(:'token', :void) ?| '{gross,positions}' AS figures;
SELECT x.what, shared_page(x.token, 'en', x.document)::text = shared_page('no such token', 'en')::text AS nothing, shared_report(x.token, x.document) IS NULL AS json
  FROM (VALUES (1, 'a draft', :'token', :june), (2, 'another client''s', :'token', :foreign), (3, 'ours to another', :'beta', :april), (4, 'none', :'token', 0), (5, 'by the link of another document', :'one', :april)) x (no, what, token, document) ORDER BY x.no;
SELECT shared_report(:'one', :foreign) = shared_report(:'one') AS named, shared_page(:'one', 'en')::text ~ 'All documents' AS back, shared_report(:'token', :invoice) ->> 'kind' AS kind;
SELECT substring(answer_page(:'token', 'agreed', NULL, NULL, :april)::text FROM '<p class="said"[^>]*>([^<]*)<') AS said;
ROLLBACK;

-- he answers by it
SELECT m[1] AS field, m[2] ~ '^\d+$|^$' AS plain FROM regexp_matches(shared_page(:'token', 'uk', :april)::text, '<input type="hidden" name="(\w+)" value="([^"]*)">', 'g') m;
SELECT answer_page(:'token', 'agreed')::text ~ 'class="says"' AS which;
SELECT answer_shared(:'token', 'agreed');
SELECT answer_page(:'beta', 'agreed', NULL, NULL, :april)::text ~ 'class="says"' AS anothers;
SELECT answer_shared(:'beta', 'rejected', 'no', :april);
SELECT substring(page FROM '<p class="said"[^>]*>([^<]*)<') AS said, page ~ 'Усі документи' AS back FROM CAST(answer_page(:'token', 'agreed', NULL, NULL, :april) AS text) page;
SELECT answer_shared(:'token', 'agreed', NULL, :invoice);
RESET ROLE;
SELECT status, status_said_by FROM document WHERE id = :april;
SELECT client_id, document_id IS NOT NULL AS document, views > 0 AS seen FROM share_link ORDER BY id;
-- ended
SELECT revoke_share(:april), revoke_client_share(2, 0), revoke_client_share(2), revoke_client_share(2);
SET ROLE regress_finance_guest;
SELECT shared_page(:'token', 'en')::text = shared_page('no such token', 'en')::text AS revoked, shared_page(:'token', 'en', :invoice)::text = shared_page('', 'en')::text AS each, shared_report(:'token') IS NULL AS json;
SELECT answer_shared(:'token', 'agreed', NULL, :april);
SELECT client_overview(2);
SELECT share_client(2);
RESET ROLE;

-- one for whom there is nothing has a page, too
INSERT INTO party (kind, name) VALUES ('company', 'New') RETURNING id AS new \gset
SELECT pg_temp.text(shared_page(share_client(:new)));
DROP OWNED BY regress_finance_guest;
DROP ROLE regress_finance_guest;
SELECT * FROM check_books();
SET client_min_messages = error;
DROP SCHEMA t_client, t_client_internal CASCADE;
