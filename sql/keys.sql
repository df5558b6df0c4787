-- Every unique key, broken: two rows that it alone refuses, and, where a key is of
-- some rows only, two that are outside it.  Triggers are off, so that nothing
-- else refuses first.  A new key without such rows is told at the end.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_keys');
SET search_path = t_keys, finance, public;
SET session_replication_role = replica;

CREATE FUNCTION pg_temp.put(p_table text, p_row jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_columns text := (SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(p_row) k);
BEGIN
    EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1)', p_table,
        v_columns) USING p_row;
END $$;
-- what becomes of two rows: taken, or the key that refuses the second; nothing stays
CREATE FUNCTION pg_temp.fate(p_table text, p_first jsonb, p_second jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_constraint text;
BEGIN
    PERFORM pg_temp.put(p_table, p_first);
    PERFORM pg_temp.put(p_table, p_second);
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        RETURN v_constraint;
    WHEN SQLSTATE 'ZZ000' THEN
        RETURN 'taken';
END $$;

-- the key, its table, a row, and what the second row has instead
CREATE TEMP TABLE twice (name text, table_name text, first jsonb, other jsonb);
CREATE TEMP TABLE apart (name text, table_name text, first jsonb, other jsonb);
INSERT INTO twice VALUES
    ('access_level_rank_key', 'access_level', '{"level": "x", "rank": 9, "may": "x"}', '{"level": "y"}'),
    ('account_code_key', 'account', '{"code": "x", "name": "x", "kind": "cash"}', '{}'),
    ('allotment_key_key', 'allotment', '{"contract_id": 1, "kind": "block", "unit": "money", "amount": 1,
        "effective_at": "2026-01-01Z", "key": "x"}', '{}'),
    ('allotment_once_per_period', 'allotment', '{"contract_id": 1, "contract_line_id": 1, "kind": "included",
        "unit": "money", "amount": 1, "effective_at": "2026-01-01Z", "period_start": "2026-01-01"}', '{"amount": 2}'),
    ('allotment_source_key', 'allotment', '{"contract_id": 1, "kind": "rollover", "unit": "money", "amount": 0,
        "effective_at": "2026-01-01Z", "source_id": 1}', '{"contract_id": 2}'),
    ('band_rule_key', 'band_rule', '{"contract_id": 1}', '{}'),
    ('calendar_name_once', 'calendar', '{"name": "x", "zone": "UTC"}', '{}'),
    ('calendar_band_once', 'calendar_band', '{"calendar_id": 1, "isodow": 1, "starts": "09:00", "ends": "18:00",
        "band": "x"}', '{"band": "y"}'),
    ('cash_account_account_key', 'cash_account', '{"name": "x", "currency": "EUR", "account_id": 1}',
        '{"name": "y"}'),
    ('cash_account_name_key', 'cash_account', '{"name": "x", "currency": "EUR", "account_id": 1}',
        '{"account_id": 2}'),
    ('contract_external_key', 'contract', '{"client_id": 1, "number": "x", "currency": "EUR",
        "starts_on": "2026-01-01", "source": "s", "external_id": "1"}', '{"number": "y"}'),
    ('contract_number_key', 'contract', '{"client_id": 1, "number": "x", "currency": "EUR",
        "starts_on": "2026-01-01"}', '{"client_id": 2}'),
    ('contract_renews_key', 'contract', '{"client_id": 1, "number": "x", "currency": "EUR",
        "starts_on": "2026-01-01", "renews_id": 77}', '{"number": "y"}'),
    ('contract_line_replaces_key', 'contract_line', '{"contract_id": 1, "kind": "recurring", "title": "x",
        "replaces_id": 77}', '{"title": "y"}'),
    ('cost_rate_key', 'cost_rate', '{"employee_id": 1, "valid_from": "2026-01-01", "currency": "EUR"}',
        '{"currency": "USD"}'),
    ('deal_external_key', 'deal', '{"client_id": 1, "name": "x", "source": "s", "external_id": "1"}', '{}'),
    ('deal_stage_key', 'deal_stage', '{"deal_id": 1, "position": 1, "name": "x"}', '{"name": "y"}'),
    ('dispute_open_once', 'dispute', '{"document_id": 1, "reason": "x"}', '{"reason": "y"}'),
    ('dunning_level_key', 'dunning_level', '{"level": 1, "days_late": 1, "words": {"uk": "x", "ru": "x", "en": "x"}}', '{"days_late": 2}'),
    ('reminder_once', 'reminder', '{"document_id": 1, "level": 1, "on_day": "2026-01-01", "days_late": 1, "open": 1, "fee": 0, "interest": 0, "currency": "EUR", "language": "en", "message": "x"}', '{"message": "y"}'),
    ('direction_name_key', 'direction', '{"name": "x"}', '{}'),
    ('employee_email_key', 'employee', '{"name": "x", "email": "x"}', '{"name": "y"}'),
    ('event_key_key', 'event', '{"key": "x", "digest": "\\x00"}', '{}'),
    ('item_code_key', 'item', '{"code": "x", "name": "x"}', '{}'),
    ('event_reversed_once', 'event', '{"key": "x", "digest": "\\x00", "reverses_id": 1}', '{"key": "y"}'),
    ('document_bill_once', 'document', '{"kind": "bill", "incoming": true, "party_id": 1, "currency": "EUR",
        "outside_number": "1", "issued_on": "2026-01-01"}', '{"issued_on": "2026-12-31"}'),
    ('document_external_key', 'document', '{"kind": "other", "party_id": 1, "currency": "EUR", "source": "s",
        "external_id": "1"}', '{}'),
    ('document_number_once', 'document', '{"kind": "other", "party_id": 1, "currency": "EUR", "issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1, "issued_on": "2026-01-01",
        "series_id": 1, "series_no": 1, "number": "1"}', '{"number": "2"}'),
    ('document_number_text_once', 'document', '{"kind": "other", "party_id": 1, "currency": "EUR",
        "issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1, "issued_on": "2026-01-01",
        "series_id": 1, "series_no": 1, "number": "1"}', '{"series_id": 2}'),
    ('document_superseded_once', 'document', '{"kind": "other", "party_id": 1, "currency": "EUR",
        "supersedes_id": 1}', '{}'),
    ('document_line_claimed_once', 'document_line', '{"document_id": 1, "kind": "report", "currency": "EUR",
        "charge_id": 1, "claim": true}', '{"document_id": 2}'),
    ('document_line_invoiced_once', 'document_line', '{"document_id": 1, "kind": "invoice", "currency": "EUR",
        "charge_id": 1}', '{"document_id": 2}'),
    ('document_line_in_one_act', 'document_line', '{"document_id": 1, "kind": "act", "currency": "EUR",
        "charge_id": 1}', '{"document_id": 2}'),
    ('notification_once', 'notification', '{"kind": "x", "message": "x", "dedupe_key": "x"}', '{}'),
    ('number_series_key', 'number_series', '{"kind": "x", "year": 2026}', '{}'),
    ('party_external_key', 'party', '{"kind": "company", "name": "x", "source": "s", "external_id": "1"}', '{}'),
    ('payment_allocation_key', 'payment_allocation', '{"payment_id": 1, "document_id": 1, "amount": 1}',
        '{"amount": 2}'),
    ('payment_bank_ref_key', 'payment', '{"flow": "in", "paid_on": "2026-01-01", "amount": 1, "currency": "EUR",
        "article": "revenue", "cash_account_id": 1, "bank_ref": "1"}', '{}'),
    ('payment_external_key', 'payment', '{"flow": "in", "paid_on": "2026-01-01", "amount": 1, "currency": "EUR",
        "article": "revenue", "source": "s", "external_id": "1"}', '{}'),
    ('price_key', 'price', '{"price_list_id": 1}', '{"price": 1}'),
    ('price_list_code_key', 'price_list', '{"code": "x", "name": "x", "currency": "EUR"}', '{}'),
    ('price_list_one_default', 'price_list', '{"code": "x", "name": "x", "currency": "EUR", "is_default": true}',
        '{"code": "y"}'),
    ('price_list_one_per_client', 'price_list', '{"code": "x", "name": "x", "currency": "EUR", "client_id": 1}',
        '{"code": "y"}'),
    ('project_external_key', 'project', '{"client_id": 1, "name": "x", "source": "s", "external_id": "1"}', '{}'),
    ('share_link_token_key', 'share_link', '{"document_id": 1,
        "token_digest": "\\x0000000000000000000000000000000000000000000000000000000000000000",
        "expires_at": "2999-01-01Z"}', '{}'),
    ('task_external_key', 'task', '{"project_id": 1, "title": "x", "source": "s", "external_id": "1"}', '{}'),
    ('task_item_key', 'task_item', '{"task_id": 1, "item_id": 1}', '{}'),
    ('template_key', 'template', '{"kind": "report", "own_id": 7, "body": "x"}', '{"body": "y"}'),
    ('terms_key', 'terms', '{"contract_id": 1, "digest": "\\x00", "body": {}}', '{}'),
    ('time_entry_external_key', 'time_entry', '{"employee_id": 1, "task_id": 1, "work_date": "2026-01-01",
        "duration_s": 1, "source": "s", "external_id": "1"}', '{}'),
    ('work_type_code_key', 'work_type', '{"code": "x", "name": "x"}', '{}');
INSERT INTO twice
SELECT v.name, 'charge', '{"source": "fee", "client_id": 1, "service_date": "2026-01-01", "period_start": "2026-01-01",
    "started_at": "2026-01-01Z", "coverage": "billable",
    "amount": 1, "currency": "EUR", "base_amount": 1}'::jsonb || v.first, v.other
  FROM (VALUES ('charge_entry_segment', '{"source": "time", "time_entry_id": 1, "segment": 1}'::jsonb,
      '{"amount": 2}'::jsonb),
               ('charge_line_period', '{"contract_line_id": 1, "line_period": "2026-01-01"}', '{"source": "stage", "period_start": "2026-02-01"}'),
                   ('charge_key_key', '{"key": "x"}', '{}'),
               ('charge_task_item_once', '{"task_item_id": 1}', '{"amount": 2}'),
               ('charge_reversed_once', '{"reverses_id": 1, "frozen_at": "2026-01-01Z"}',
                   '{}')) AS v (name, first, other);
-- one step outside the key
INSERT INTO apart SELECT t.name, t.table_name, t.first, v.other
  FROM twice t JOIN (VALUES ('allotment_once_per_period', '{"kind": "rollover"}'::jsonb),
      ('allotment_once_per_period', '{"period_start": "2026-02-01"}'), ('band_rule_key', '{"role": "x"}'),
    ('calendar_band_once', '{"starts": "08:00"}'), ('charge_entry_segment', '{"segment": 2}'),
        ('charge_entry_segment', '{"frozen_at": "2026-01-01Z"}'),
    ('charge_entry_segment', '{"held_by": 1}'),
        ('charge_task_item_once', '{"reverses_id": 1, "frozen_at": "2026-01-01Z"}'),
            ('charge_line_period', '{"line_period": "2026-02-01"}'),
        ('charge_line_period', '{"reverses_id": 1, "frozen_at": "2026-01-01Z"}'),
    ('charge_line_period', '{"source": "adjustment"}'), ('cost_rate_key', '{"employee_id": null, "role": "x"}'),
        ('cost_rate_key', '{"valid_from": "2026-01-02"}'),
    ('document_bill_once', '{"status": "void"}'), ('document_bill_once', '{"party_id": 2}'),
        ('document_bill_once', '{"issued_on": "2027-01-01"}'), ('document_external_key', '{"status": "void"}'),
        ('document_number_text_once', '{"series_id": 2, "own_id": 1}'),
        ('document_number_text_once', '{"series_id": 2, "kind": "act"}'),
        ('document_line_claimed_once', '{"released_at": "2026-01-01Z", "released_by": 1}'),
    ('document_line_invoiced_once', '{"released_at": "2026-01-01Z", "released_by": 1}'),
        ('document_line_in_one_act', '{"released_at": "2026-01-01Z", "released_by": 1}'),
    ('number_series_key', '{"own_id": 1}'), ('number_series_key', '{"year": 2027}'),
        ('payment_bank_ref_key', '{"cash_account_id": 2}'), ('price_key', '{"role": "x"}'),
    ('price_key', '{"valid_from": "2026-01-01"}'), ('price_list_one_default', '{"code": "y", "currency": "USD"}'),
        ('price_list_one_default', '{"code": "y", "is_default": false}'),
    ('price_list_one_per_client', '{"code": "y", "currency": "USD"}'),
        ('price_list_one_per_client', '{"code": "y", "client_id": 2}'), ('task_item_key', '{"document_id": 1}'),
    ('template_key', '{"language": "en"}'), ('template_key', '{"own_id": 8}')) AS v (name, other) USING (name);

SELECT t.name, pg_temp.fate(t.table_name, t.first, t.first || t.other) AS fate FROM twice t
    WHERE pg_temp.fate(t.table_name, t.first, t.first || t.other) <> t.name ORDER BY 1;
SELECT a.name, a.other, pg_temp.fate(a.table_name, a.first, a.first || a.other) AS fate FROM apart a
 WHERE pg_temp.fate(a.table_name, a.first, a.first || a.other) <> 'taken' ORDER BY 1, 2;
-- every key is broken here; document_line_key is there for foreign keys to name
SELECT i.indrelid::regclass AS table_name, c.relname AS key
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 't_keys'::regnamespace
     AND c.relname NOT IN (SELECT t.name FROM twice t) ORDER BY 1, 2;
SELECT t.name FROM twice t WHERE to_regclass(t.name) IS NULL ORDER BY 1;
RESET session_replication_role;
DROP SCHEMA t_keys, t_keys_internal CASCADE;
