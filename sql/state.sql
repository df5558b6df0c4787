-- What the statuses of documents mean: rows that every step, every page and every
-- question finds, and what is put away is what it was before.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_state');
SET search_path = t_state, t_state_internal, finance, public;
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('contractor', 'Helper');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('d', 'Default', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 100);
INSERT INTO contract (client_id, number, currency, starts_on) VALUES (2, 'A', 'EUR', '2026-01-01');
INSERT INTO project (client_id, name) VALUES (2, 'Site');
INSERT INTO task (project_id, title) VALUES (1, 'Menu');
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');

-- the words, and whose statuses they are said of
SELECT w AS word, s.status, string_agg(s.kind, ' ' ORDER BY s.kind) AS kinds
  FROM document_state s CROSS JOIN LATERAL unnest(s.means) w GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM document_kind ORDER BY kind;
-- every status of every step has its row, and every row is begun with or reached by a step
SELECT kind, from_status AS status FROM document_transition UNION SELECT kind, to_status FROM document_transition
EXCEPT SELECT kind, status FROM document_state;
SELECT kind, status FROM document_state WHERE NOT draft EXCEPT SELECT kind, to_status FROM document_transition;
SELECT k.kind, string_agg(s.status, ', ') AS drafts FROM document_kind k LEFT JOIN document_state s ON s.kind = k.kind AND s.draft
 GROUP BY 1 HAVING count(s.status) <> 1 OR min(s.status) <> 'draft';
-- what bears on charges is of kinds over work, what is paid is posted, what an invoice gives a report is a status of one
SELECT s.kind, s.status FROM document_state s JOIN document_kind k USING (kind) WHERE s.holds AND k.made_of <> 'work';
SELECT s.kind, s.status FROM document_state s JOIN document_kind k USING (kind)
 WHERE s.posted AND k.account IS NULL OR k.flow IS NOT NULL AND s.settled AND s.posted IS FALSE;
SELECT s.kind, s.status, s.report_status FROM document_state s
 WHERE s.report_status IS NOT NULL AND (s.kind <> 'invoice'
    OR NOT EXISTS (SELECT FROM document_state r WHERE r.kind = 'report' AND r.status = s.report_status AND r.derived));
-- a status that follows from others is reached by no hand, but for those that an answer gives too
SELECT DISTINCT s.kind, s.status FROM document_state s JOIN document_transition t ON (t.kind, t.to_status) = (s.kind, s.status)
 WHERE s.derived AND t.by_hand ORDER BY 1, 2;
-- what a page shows has its words in every language
SELECT x.name, l.language FROM (
    SELECT 'status_' || status AS name FROM document_state WHERE shown_as IS NOT NULL
    UNION SELECT status || v FROM document_state CROSS JOIN (VALUES ('_says'), ('_hint')) v (v) WHERE withdrawn
    UNION SELECT kind FROM document_kind WHERE incoming IS NOT true) x
 CROSS JOIN (VALUES ('en'), ('ru'), ('uk')) l (language)
 WHERE NOT EXISTS (SELECT FROM page_label p WHERE (p.name, p.language) = (x.name, l.language)) ORDER BY 1, 2;

-- ---------------------------------------------------------------------------
-- what is put away is what it was before
-- ---------------------------------------------------------------------------
CREATE FUNCTION pg_temp.bill(number text) RETURNS bigint LANGUAGE sql AS $$
    SELECT record_bill(jsonb_build_object('party', 'Helper', 'outside_number', number, 'issued_on', '2026-01-20', 'currency', 'EUR',
        'lines', '[{"title": "Help", "price": "30"}]'::jsonb)) $$;
SELECT pg_temp.bill('1') AS refused \gset
SELECT transition(:refused, 'rejected', 'not ordered'), transition(:refused, 'archived');
SELECT pg_temp.bill('2') AS paid \gset
SELECT transition(:paid, 'agreed'), pay_bill(:paid, 1, '2026-02-01') IS NOT NULL AS paid, transition(:paid, 'archived');
SELECT document_id = :paid AS paid, allocated, open, flow FROM document_balance;
SELECT pay_bill(:refused, 1);
INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('out', 'posted', '2026-02-02', 30, 'EUR', 1, 'contractors', 3) RETURNING id AS p \gset
SELECT allocate_payment(:p, jsonb_build_array(jsonb_build_object('document', :refused, 'amount', '30')));
-- paid back: it is put away no more
SELECT unallocate((SELECT payment_id FROM payment_allocation)) AS freed;
SELECT status FROM document WHERE id = :paid;
-- proposals: only one that was agreed becomes stages
SELECT draft_document('{"kind": "proposal", "issued_on": "2026-03-01", "party": "Alpha", "currency": "EUR", "lines": [{"title": "Design", "price": "500"}]}') AS yes,
       draft_document('{"kind": "proposal", "issued_on": "2026-03-01", "party": "Alpha", "currency": "EUR", "lines": [{"title": "Logo", "price": "100"}]}') AS no \gset
SELECT transition(:yes, 'sent'), transition(:yes, 'agreed'), transition(:yes, 'archived');
SELECT transition(:no, 'sent'), transition(:no, 'rejected', 'too dear'), transition(:no, 'archived');
SELECT make_stages(:yes, 1);
SELECT make_stages(:no, 1);
-- a specification that was agreed and put away lets its task be charged, a rejected one does not
UPDATE contract SET needs_specification = true;
SELECT issue_specification(1, '[{"title": "Menu", "price": "0"}]') AS s \gset
SELECT transition(:s, 'rejected', 'too long'), transition(:s, 'archived');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-02', 3600);
SELECT kind FROM unrated;
SELECT issue_specification(1, '[{"title": "Menu", "price": "0"}]') AS s \gset
SELECT transition(:s, 'agreed'), transition(:s, 'archived');
SELECT count(*) AS unrated FROM unrated;
SELECT rerate(1, '2026-01-01'), (SELECT count(*) FROM unrated) AS unrated;
-- an invoice that is put away stays there while it is settled, and takes an act
SELECT invoice_work('{"client": 2}', '{"issued_on": "2026-03-03"}') AS i \gset
SELECT payment_id FROM record_payment('{"amount": "100", "cash_account": "bank", "party": "Alpha", "paid_on": "2026-03-04"}') \gset
SELECT transition(:i, 'archived'), issue_act(:i) IS NOT NULL AS act;
SELECT credit(:i, NULL, 'gift', '2026-03-05') IS NOT NULL AS credited;
SELECT status FROM document WHERE id = :i;
-- a report is signed after it was invoiced: its status stays, as that follows from the invoice
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-12', 3600);
SELECT build_report('{"client": 2, "from": "2026-03-12"}') AS r \gset
SELECT transition(:r, 'sent'), transition(:r, 'agreed'), issue_invoice(:r) IS NOT NULL AS invoiced;
SELECT set_signature(:r, 'signed', 'Ann');
SELECT status, sign_status FROM document WHERE id = :r;
-- work is billed once its invoice is issued, and not while that is a draft
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-04-02', 3600);
SELECT build_invoice('{"client": 2, "from": "2026-04-01"}') AS d \gset
SELECT p.place FROM charge_place p JOIN document_line l ON l.charge_id = p.charge_id WHERE l.document_id = :d;
SELECT transition(:d, 'sent');
SELECT p.place FROM charge_place p JOIN document_line l ON l.charge_id = p.charge_id WHERE l.document_id = :d;
SELECT * FROM check_books();

-- ---------------------------------------------------------------------------
-- who may see what, and which way papers go
-- ---------------------------------------------------------------------------
SELECT draft_document('{"kind": "proposal", "issued_on": "2026-03-01", "party": "Alpha", "currency": "EUR", "lines": [{"title": "Shop", "price": "900"}]}') AS o \gset
SELECT share(:o);
SELECT transition(:o, 'sent');
SELECT revise(:o) AS o2 \gset
SELECT share(:o);
SELECT send(:o);
SELECT set_signature(:o, 'signed');
SELECT void(:o2, 'changed our mind');
SELECT send(:o2);
SELECT draft_document('{"kind": "proposal", "incoming": true, "party": "Alpha", "currency": "EUR"}');
SELECT draft_document('{"kind": "bill", "incoming": false, "outside_number": "3", "party": "Helper", "currency": "EUR"}');
SELECT draft_document('{"kind": "act", "party": "Alpha", "currency": "EUR"}');
SELECT draft_document('{"kind": "act", "incoming": true, "party": "Alpha", "currency": "EUR"}') IS NOT NULL AS drafted;
SELECT draft_document('{"kind": "letter", "party": "Alpha", "currency": "EUR"}');
INSERT INTO template (kind, body) VALUES ('bill', 'x');
INSERT INTO document (kind, party_id, currency, status) VALUES ('report', 2, 'EUR', 'no such status');

-- ---------------------------------------------------------------------------
-- a new status is rows, and nothing else: a proposal is haggled over
-- ---------------------------------------------------------------------------
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO document_state (kind, status, means) VALUES ('proposal', 'haggled', '{}');
SET LOCAL session_replication_role = origin;
DO $$
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW document_transition AS %s UNION ALL VALUES '
                   '(''proposal'', ''sent'', ''haggled'', true, NULL, NULL), (''proposal'', ''haggled'', ''agreed'', true, NULL, NULL)',
                   rtrim(pg_get_viewdef('document_transition'), ';'));
END $$;
SELECT draft_document('{"kind": "proposal", "issued_on": "2026-03-01", "party": "Alpha", "currency": "EUR", "lines": [{"title": "App", "price": "700"}]}') AS h \gset
SELECT transition(:h, 'sent'), transition(:h, 'haggled');
SELECT document_data(:h) ->> 'status' AS status, document_data(:h) ->> 'mark' AS mark, answer_shared(share(:h), 'agreed'), make_stages(:h, 1);
SELECT * FROM check_books();
UPDATE document SET title = 'Another' WHERE id = :h;
ROLLBACK;
DROP SCHEMA t_state, t_state_internal CASCADE;
