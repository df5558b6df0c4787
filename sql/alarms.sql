-- check_books() sees what is broken: the books of a small company are broken, each
-- time in one place, by the superuser with triggers off, and must name the rule.
-- Rules that no break here raises are told at the end; some compare views that are
-- made of the same rows, which no row can set apart.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_alarms');
SET search_path = t_alarms, t_alarms_internal, finance, public;
INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('USD', 'EUR', '2026-01-01', 0.8);
INSERT INTO party (kind, name) VALUES ('own', 'Agency'), ('company', 'Alpha'), ('company', 'Beta'), ('contractor', 'Helper');
INSERT INTO employee (name) VALUES ('Dev');
INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2026-01-01', 20, 'EUR');
INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
INSERT INTO price (price_list_id, price) VALUES (1, 60);
INSERT INTO project (client_id, name) VALUES (2, 'Site'), (3, 'Shop');
INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) VALUES (2, 1, 'A-1', 'EUR', '2026-01-01', 20), (3, 1, 'B-1', 'EUR', '2026-01-01', NULL);
UPDATE contract SET cap_amount = 100, cap_s = 7200 WHERE id = 2;
INSERT INTO deal (client_id, name) VALUES (2, 'Big');
INSERT INTO task (project_id, title, deal_id) VALUES (1, 'Login', 1), (1, 'Cart', 1), (2, 'Help', NULL), (1, 'Free', 1);
INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR'), ('dollars', 'USD');
-- 1 invoiced, partly paid and partly credited; 2 on a sent report; 3 closed; 4 written off; 5 open; 6 a draft
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES
    (1, 1, '2026-01-05', 3600), (1, 2, '2026-01-06', 3600), (1, 3, '2026-01-07', 3600), (1, 1, '2026-02-05', 3600), (1, 2, '2026-03-05', 3600), (1, 1, '2026-04-05', 3600);
SELECT add_block(2, '2026-02-01', hours => 1, price => 50) AS block \gset
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-02-06', 1800);
SELECT invoice_work('{"task": 1, "period": "2026-01"}', '{"issued_on": "2026-02-01"}') AS invoice \gset
SELECT build_report('{"task": 2, "period": "2026-01"}', '{"issued_on": "2026-02-01"}') AS report \gset
SELECT transition(:report, 'sent');
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3, '2026-01-09', 600);
SELECT period_end FROM close_period(2, '2026-01-01');
SELECT difference FROM correct_entry(8, '{"duration_s": 300}', 'half of it');
-- and the fixed price of a task that is done
INSERT INTO item (code, name) VALUES ('fix', 'Fix');
INSERT INTO task_item (task_id, item_id, price) VALUES (4, 1, 30);
UPDATE task SET status = 'done', completed_at = '2026-04-06 12:00Z' WHERE id = 4;
SELECT adjust_charge(h.id, -10, 'goodwill') AS written_off FROM charge h WHERE h.time_entry_id = 4 \gset
SELECT payment_id FROM record_payment('{"amount": "30", "cash_account": "bank", "party": "Alpha", "paid_on": "2026-02-10"}') \gset
SELECT credit(:invoice, jsonb_build_array(jsonb_build_object('line', min(l.id), 'net', '5')), 'less', '2026-02-12') AS note
  FROM document_line l WHERE l.document_id = :invoice \gset
SELECT record_bill('{"party": "Helper", "outside_number": "7", "currency": "EUR", "issued_on": "2026-01-20", "lines": [{"title": "Help", "price": "30"}]}') AS bill \gset
SELECT transition(:bill, 'agreed');
SELECT pay_bill(:bill, 1, '2026-02-20') AS bill_payment \gset
SELECT build_report('{"task": 1, "period": "2026-04"}') AS draft \gset
SELECT post('opening', '[{"on": "2026-01-01", "debit": "rent", "credit": "payable", "amount": "100", "currency": "USD"}]') AS event \gset
SELECT reverse_event(:event, 'closing') AS reversal \gset
-- a plan that is replaced, with a fee charged ahead and work in both plans
INSERT INTO party (kind, name) VALUES ('company', 'Gamma');
INSERT INTO project (client_id, name) SELECT max(id), 'Care' FROM party;
INSERT INTO task (project_id, title) SELECT max(id), 'Care' FROM project RETURNING id AS care \gset
INSERT INTO contract (client_id, own_id, number, currency, starts_on) SELECT max(id), 1, 'C-1', 'EUR', '2026-03-01' FROM party RETURNING id AS plan \gset
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max, ends_on) VALUES (:plan, 'recurring', 'Basic', 100, 36000, 36000, '2026-03-14') RETURNING id AS basic \gset
INSERT INTO contract_line (contract_id, kind, title, amount, included_s, starts_on, replaces_id) VALUES (:plan, 'recurring', 'Plus', 200, 36000, '2026-03-15', :basic);
INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :care, '2026-03-05', 7200), (1, :care, '2026-03-25', 32400);
SELECT charge_fees(:plan, '2026-03-31');
SELECT * FROM check_books();

-- the rules that a break raises; it is undone
CREATE FUNCTION pg_temp.raised(p_break text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    v_rules text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE p_break;
    v_rules := (SELECT string_agg(DISTINCT c.rule, E'\n') FROM check_books() c);
    RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = coalesce(v_rules, 'nothing');
EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    RETURN QUERY SELECT string_to_table(SQLERRM, E'\n');
END $$;
CREATE TEMP TABLE broken (no serial, what text, break text);
INSERT INTO broken (what, break) VALUES
    ('line of an unpaid invoice', format('UPDATE document SET status = ''sent'' WHERE id = %s; DELETE FROM payment_allocation WHERE document_id = %1$s;
        UPDATE charge SET amount = 61 WHERE id = (SELECT charge_id FROM document_line WHERE document_id = %1$s)', :invoice)),
    ('charge on a sent report', format('UPDATE charge SET amount = 61, base_amount = 61 WHERE held_by = %s', :report)),
    ('position whose lines have another cent', format('INSERT INTO document_line (document_id, kind, currency, position, charge_id, claim, unit, price, discount_pct, worked_s, billed_s, amount, discount, net, tax, gross)
        SELECT document_id, kind, currency, position, (SELECT id FROM charge WHERE time_entry_id = 5), claim, unit, price, discount_pct, worked_s, billed_s, amount + .01, 0, net + .01, 0, net + .01
          FROM document_line WHERE document_id = %s', :report)),
    ('payment of nobody', format('UPDATE payment SET party_id = NULL WHERE id = %s', :payment_id)),
    ('payment of another client', format('UPDATE payment SET party_id = 3 WHERE id = %s', :payment_id)),
    ('payment that its contract cannot take', format('UPDATE payment p SET contract_id = (SELECT min(c.id) FROM contract c WHERE c.client_id <> p.party_id) WHERE id = %s', :payment_id)),
    ('payment of no own company', format('UPDATE payment SET own_id = NULL WHERE id = %s', :payment_id)),
    ('payment of nobody under a contract', format('UPDATE payment SET party_id = NULL, contract_id = 1 WHERE id = %s', :payment_id)),
    ('payment of a bill by what comes in', format('UPDATE payment SET flow = ''in'' WHERE id = %s', :bill_payment)),
    ('euros worth something else', format('UPDATE entry SET base_amount = 1 WHERE payment_id = %s', :payment_id)),
    ('open charge in the closed period', 'UPDATE charge SET period_start = ''2026-01-01'' WHERE time_entry_id = 7'),
    ('open charge before the closed period', 'UPDATE charge SET period_start = ''2025-12-01'' WHERE time_entry_id = 7'),
    ('write-off of a held charge', format('UPDATE charge SET adjusts_id = (SELECT id FROM charge WHERE held_by = %s) WHERE id = %s', :report, :written_off)),
    ('work above the cap in money', 'UPDATE contract SET cap_amount = 100 WHERE id = 1'), ('work above the cap in hours', 'UPDATE contract SET cap_s = 7200 WHERE id = 1'),
    ('work above the cap of a month', 'UPDATE contract SET period_cap_amount = 89.99 WHERE id = 1'), ('work above the hours of a month', 'UPDATE contract SET period_cap_s = 3599 WHERE id = 1'),
    ('work at the caps of a month', 'UPDATE contract SET period_cap_amount = 90, period_cap_s = 3600 WHERE id = 1'),
    ('entry without charges', 'DELETE FROM charge WHERE time_entry_id = 5'), ('entry that worked longer', 'UPDATE charge SET worked_s = 1 WHERE time_entry_id = 5'),
    ('entry with charges and a problem', 'INSERT INTO rating_problem (time_entry_id, kind, problem) VALUES (5, ''no_price'', ''x'')'),
    ('amount of a part of a cent', 'UPDATE charge SET amount = 60.001 WHERE time_entry_id = 5'), ('base amount of a part of a cent', 'UPDATE charge SET base_amount = 60.001 WHERE time_entry_id = 5'),
    ('charge in another currency', 'UPDATE charge SET currency = ''USD'' WHERE time_entry_id = 5'), ('charge by terms that are gone', 'DELETE FROM terms'),
    ('terms of other rows', 'UPDATE terms_source SET terms_id = (SELECT max(id) FROM terms)'),
    ('terms without their prices', 'DELETE FROM list_snapshot'), ('price changed behind the list', 'UPDATE price SET price = 61'),
    ('deal of another client', 'UPDATE deal SET client_id = 3'), ('task moved', 'UPDATE task SET project_id = 2 WHERE id = 2'), ('deal of the task changed', 'UPDATE task SET deal_id = 99 WHERE id = 2'),
    ('contract of another client', 'UPDATE contract SET client_id = 3 WHERE id = 1'),
    ('posted twice', 'INSERT INTO entry (event_id, entry_on, debit_id, credit_id, amount, currency, base_amount, charge_id) SELECT event_id, entry_on, debit_id, credit_id, amount, currency, base_amount,
        charge_id FROM entry WHERE charge_id IS NOT NULL ORDER BY id LIMIT 1'), ('posted and not frozen', 'UPDATE charge SET frozen_at = NULL WHERE time_entry_id = 1'),
    ('payment unposted', format('DELETE FROM entry WHERE payment_id = %s', :payment_id)), ('void payment posted', format('UPDATE payment SET status = ''void'' WHERE id = %s', :payment_id)),
    ('reversal of another amount', format('UPDATE entry SET amount = -99 WHERE event_id = %s', :reversal)), ('event without entries', format('DELETE FROM entry WHERE event_id = %s', :event)),
    ('allotment overdrawn', format('UPDATE allotment SET amount = 1 WHERE id = %s', :block)), ('void block that covers work', format('UPDATE allotment SET voided_at = now() WHERE id = %s', :block)),
    ('work covered before a block begins', format('UPDATE allotment SET effective_at = ''2026-02-06 00:00:01Z'' WHERE id = %s', :block)),
    ('work covered after a block ends', format('UPDATE allotment SET expires_at = ''2026-02-06 00:00Z'' WHERE id = %s', :block)),
    ('work that runs past the end of a block', format('UPDATE time_entry SET work_date = NULL, duration_s = NULL, started_at = ''2026-02-06 00:00Z'', ended_at = ''2026-02-06 00:30Z'' WHERE id = 7;
        UPDATE allotment SET expires_at = ''2026-02-06 00:29:50Z'' WHERE id = %s', :block)),
    ('work that runs to the end of a block', format('UPDATE time_entry SET work_date = NULL, duration_s = NULL, started_at = ''2026-02-06 00:00Z'', ended_at = ''2026-02-06 00:30Z'' WHERE id = 7;
        UPDATE allotment SET expires_at = ''2026-02-06 00:30Z'' WHERE id = %s', :block)),
    ('amount of work that is not billed', 'ALTER TABLE charge DROP CONSTRAINT charge_only_billable_has_amount; UPDATE charge SET coverage = ''no_charge'' WHERE time_entry_id = 5'),
    ('posted for another deal', 'UPDATE entry SET deal_id = NULL WHERE charge_id IS NOT NULL'),
    ('person that is gone', 'DELETE FROM employee WHERE id = 1'), ('cash account that holds no cash', format('UPDATE account SET kind = ''asset'' WHERE code = ''cash bank''; DELETE FROM entry WHERE payment_id = %s', :bill_payment)),
    ('reversal of another charge', 'UPDATE charge SET base_cost = base_cost - 1 WHERE reverses_id IS NOT NULL'),
    ('task that is done no more', 'UPDATE task SET status = ''open'' WHERE id = 4'),
    ('gap between closed periods', 'INSERT INTO billing_period (contract_id, period_start, period_end) VALUES (2, ''2026-03-01'', ''2026-04-01'')'),
    ('fee that is not due', format('UPDATE charge SET amount = 101, base_amount = 101 WHERE contract_line_id = %s', :basic)),
    ('hours that no line gives', format('UPDATE allotment SET amount = 39600 WHERE contract_line_id = %s', :basic)), ('hours that are not there', format('DELETE FROM allotment WHERE contract_id = %s', :plan)),
    ('hours carried to another plan', format('UPDATE allotment SET contract_line_id = %s WHERE source_id IS NOT NULL', :basic)), ('more hours carried than left', 'UPDATE allotment SET amount = amount + 1 WHERE source_id IS NOT NULL'),
    ('document that is not its lines', format('UPDATE document SET net = net + 1, gross = gross + 1 WHERE id = %s', :invoice)),
    ('void document that keeps a charge', format('UPDATE document SET status = ''void'' WHERE id = %s', :report)), ('lines in another currency', format('UPDATE document_line SET currency = ''USD'' WHERE document_id = %s', :report)),
    ('charge held by nothing', 'UPDATE charge SET held_by = 999 WHERE time_entry_id = 5'), ('report that holds nothing', format('UPDATE charge SET held_by = NULL WHERE held_by = %s', :report)),
    ('tax that is none', format('UPDATE document_line SET taxes = ''[{"tax": "x", "rate": 1, "amount": 999}]'' WHERE document_id = %s', :invoice)),
    ('netting that is not of its documents', format('UPDATE payment SET contra = ''netting'', cash_account_id = NULL, amount = amount + 1 WHERE id = %s', :payment_id)),
    ('allocated above the payment', format('UPDATE payment_allocation SET amount = 31 WHERE payment_id = %s', :payment_id)),
    ('allocated above the invoice', format('UPDATE payment_allocation SET amount = 67.01 WHERE payment_id = %s', :payment_id)),
    ('paper that kept nothing', format('ALTER TABLE document DROP CONSTRAINT document_issued_keeps; UPDATE document SET kept = NULL WHERE id = %s', :invoice)),
    ('paper of nobody', format('UPDATE document SET kept = kept - ''own'' WHERE id = %s', :invoice)), ('paper of another client', format('UPDATE document SET kept = jsonb_set(kept, ''{party,id}'', ''3'') WHERE id = %s', :report)),
    ('paper without words', format('UPDATE document SET kept = jsonb_set(kept, ''{rows}'', ''[]'') WHERE id = %s', :note)), ('paper under a logo that is gone', format('UPDATE document SET kept = jsonb_set(kept, ''{brand}'', ''{"logo": "00"}'') WHERE id = %s', :bill)),
    ('paper that lacks what the law wants', format('UPDATE document SET kept = jsonb_set(kept, ''{own,country}'', ''"LT"'') WHERE id = %s', :invoice)),
    ('page that was drawn again', format('UPDATE issued_page SET body = body || '' '' WHERE document_id = %s', :invoice)), ('page that is gone', format('DELETE FROM issued_page WHERE document_id = %s', :note)),
    ('page of a draft', format('INSERT INTO issued_page (document_id, language) VALUES (%s, ''en'')', :draft)), ('page with the digest of another', format('UPDATE issued_page SET digest = sha256(''x'') WHERE document_id = %s', :report)),
    ('reminder of what is disputed', format('WITH r AS (INSERT INTO reminder (document_id, level, on_day, days_late, open, fee, interest, currency, language, message) VALUES (%s, 1, ''2026-04-01'', 1, 1, 0, 0, ''EUR'', ''en'', ''x'') RETURNING id), n AS (INSERT INTO notification (kind, message, dedupe_key) SELECT ''reminder'', ''x'', ''reminder:'' || id FROM r) INSERT INTO dispute (document_id, reason) VALUES (%1$s, ''x'')', :invoice)),
    ('more time that was not given', format('INSERT INTO due_extension (document_id, due_on, reason) VALUES (%s, ''2027-01-01'', ''x'')', :invoice)),
    ('number of nobody''s paper that is ours too', format('UPDATE document SET own_id = NULL, kind = ''invoice'', meaning = NULL, number = (SELECT number FROM document WHERE id = %s) WHERE id = %s', :invoice, :note)),
    ('draft that is paid', format('UPDATE payment_allocation SET document_id = %s WHERE payment_id = %s', :draft, :payment_id)),
    ('credited above the line', format('UPDATE document_line SET net = -61, gross = -62 WHERE document_id = %s', :note)),
    ('line that is credited whole and comes to something', format('UPDATE document_line SET credited_by = %s WHERE document_id = %s', :note, :invoice)),
    ('draft that is issued', format('UPDATE document SET issued_at = now(), kept = ''{}'', net = 0, tax = 0, gross = 0, issued_on = ''2026-04-30'', series_id = 1, series_no = 9, number = ''x'' WHERE id = %s', :draft)),
    ('sent and never issued', format('UPDATE document SET issued_at = NULL, kept = NULL, series_id = NULL, series_no = NULL, number = NULL WHERE id = %s', :report)),
    ('report that came in', format('UPDATE document SET incoming = true WHERE id = %s', :report)),
    ('paid without money', format('UPDATE document SET status = ''paid'' WHERE id = %s', :invoice)), ('number that is missing', format('UPDATE number_series SET next_no = next_no + 1')),
    ('tax that is not posted', format('DELETE FROM entry WHERE document_id = %s AND charge_id IS NULL', :invoice)), ('bill that is not posted', format('DELETE FROM entry WHERE document_id = %s', :bill)),
    ('history of a document cut', format('DELETE FROM document_status_change WHERE document_id = %s', :report)),
    ('payment of bills that accrues', format('DELETE FROM entry e USING event v WHERE v.id = e.event_id AND v.key LIKE ''%s:match:%%'' AND e.payment_id = %s', :bill_payment, :bill_payment)),
    ('money that was sent back and pays an invoice', format('DELETE FROM entry WHERE payment_id IN (SELECT a.payment_id FROM payment_allocation a WHERE a.document_id = %s)', :invoice)),
    ('line of an invoice that nothing keeps', format('UPDATE document_line SET claim = false WHERE document_id = %s', :invoice)),
    ('charge on two documents', format('DROP INDEX document_line_claimed_once; INSERT INTO document_line (document_id, kind, currency, charge_id, claim) SELECT %s, ''report'', ''EUR'', charge_id, true
        FROM document_line WHERE document_id = %s', :draft, :report));
CREATE TEMP TABLE seen AS SELECT b.no, b.what, r.rule FROM broken b CROSS JOIN LATERAL pg_temp.raised(b.break) r (rule);
\pset format unaligned
\pset tuples_only on
SELECT s.what || ': ' || string_agg(s.rule, '; ' ORDER BY s.rule) FROM seen s GROUP BY s.no, s.what ORDER BY s.no;
SELECT DISTINCT 'not raised: ' || replace(m.part[1], '''''', '''')
  FROM (SELECT pg_get_viewdef(v::regclass) AS text FROM (SELECT c.relname FROM pg_class c WHERE c.relnamespace = 't_alarms'::regnamespace AND c.relname LIKE '%\_problems') x (v)
        UNION ALL SELECT pg_get_functiondef(f::regproc) FROM unnest('{broken_figures,broken_limits,broken_lines}'::text[]) f) d
 CROSS JOIN LATERAL regexp_matches(d.text, 'SELECT ''((?:[^'']|'''')+ (?:[^'']|'''')+)''(?:::text| AS rule,|,)', 'g') m (part)
 WHERE replace(m.part[1], '''''', '''') NOT IN (SELECT s.rule FROM seen s) ORDER BY 1;
SELECT count(*) FROM check_books();
DROP SCHEMA t_alarms, t_alarms_internal CASCADE;
