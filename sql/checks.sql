-- Every CHECK of every table, broken: a row that all of them let through, and for
-- each of them the nearest row that it alone must refuse.  Triggers are off, so
-- that nothing else refuses first.  A new CHECK without such a row is told at the end.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT finance.create_books('t_checks');
SET search_path = t_checks, finance, public;
SET session_replication_role = replica;

-- what becomes of a row: taken, or the constraint that refuses it; nothing stays
CREATE FUNCTION pg_temp.fate(p_table text, p_row jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_columns text := (SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(p_row) k);
    v_constraint text;
BEGIN
    EXECUTE format('INSERT INTO %1$I (%2$s) SELECT %2$s FROM jsonb_populate_record(NULL::%1$I, $1)', p_table,
        v_columns) USING p_row;
    RAISE EXCEPTION USING ERRCODE = 'ZZ000';
EXCEPTION
    WHEN check_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
        RETURN v_constraint;
    WHEN SQLSTATE 'ZZ000' OR unique_violation THEN  -- keys are looked at last
        RETURN 'taken';
END $$;
CREATE TEMP TABLE sound (table_name text, row_ jsonb);
CREATE TEMP TABLE wrong (name text, rows_ jsonb);    -- refused by the constraint of that name
CREATE TEMP TABLE fine (table_name text, rows_ jsonb);  -- just within what is allowed
INSERT INTO sound VALUES
    ('access_rule', '{"object": "x", "verb": "select", "level": "reader"}'),
    ('account', '{"code": "x", "name": "x", "kind": "cash"}'),
    ('allotment', '{"contract_id": 1, "kind": "block", "unit": "seconds", "amount": 3600,
        "effective_at": "2026-01-01Z"}'), ('band_rule', '{"contract_id": 1}'),
    ('billing_period', '{"contract_id": 1, "period_start": "2026-01-01", "period_end": "2026-02-01"}'),
    ('brand', '{"own_id": 1}'), ('calendar', '{"name": "x", "zone": "UTC"}'),
    ('calendar_band', '{"calendar_id": 1, "isodow": 1, "starts": "09:00", "ends": "18:00", "band": "regular"}'),
    ('charge', '{"source": "fee", "client_id": 1, "service_date": "2026-01-01", "period_start": "2026-01-01",
        "started_at": "2026-01-01Z", "coverage": "billable", "amount": 1, "currency": "EUR", "base_amount": 1}'),
    ('concession', '{"kind": "credit", "base_amount": 1}'),
    ('contract', '{"client_id": 1, "number": "x", "currency": "EUR", "starts_on": "2026-01-01"}'),
    ('contract_line', '{"contract_id": 1, "kind": "recurring", "title": "x"}'),
    ('cost_rate', '{"employee_id": 1, "valid_from": "2026-01-01", "currency": "EUR"}'),
    ('currency_code', '{"code": "XXX", "exponent": 2, "name": "x"}'), ('deal', '{"client_id": 1, "name": "x"}'),
    ('deal_stage', '{"deal_id": 1, "position": 1, "name": "x"}'),
    ('document', '{"kind": "other", "party_id": 1, "currency": "EUR"}'),
    ('due_extension', '{"document_id": 1, "due_on": "2026-01-02", "reason": "x"}'),
    ('issued_page', '{"document_id": 1, "language": "en"}'),
    ('dispute', '{"document_id": 1, "reason": "x"}'),
    ('dunning_level', '{"level": 1, "days_late": 1, "words": {"uk": "x", "ru": "x", "en": "x"}}'),
    ('reminder', '{"document_id": 1, "level": 1, "on_day": "2026-01-01", "days_late": 1, "open": 1, "fee": 0, "interest": 0, "currency": "EUR", "language": "en", "message": "x"}'),
    ('document_kind', '{"kind": "x", "made_of": "work", "answered": true, "asks_payment": true}'),
    ('document_state', '{"kind": "x", "status": "x", "means": ["draft"]}'),
    ('document_line', '{"document_id": 1, "kind": "other", "currency": "EUR", "title": "x"}'),
    ('employee', '{"name": "x"}'),
    ('entry', '{"event_id": 1, "entry_on": "2026-01-01", "debit_id": 1, "credit_id": 2, "amount": 1,
        "currency": "EUR", "base_amount": 1}'),
    ('exchange_rate', '{"base": "USD", "quote": "EUR", "valid_from": "2026-01-01", "rate": 1}'),
    ('item', '{"code": "x", "name": "x"}'),
    ('lock_version', '{"kind": "party", "id": 1, "holder": 1, "held_at": "2026-01-01Z"}'),
    ('manager_limit', '{"actor": "x"}'), ('notification', '{"kind": "x", "message": "x", "dedupe_key": "x"}'),
    ('number_series', '{"kind": "x", "year": 2026}'), ('page_label', '{"language": "en", "name": "x", "label": "x"}'),
    ('party', '{"kind": "company", "name": "x"}'),
    ('payment', '{"flow": "in", "paid_on": "2026-01-01", "amount": 1, "currency": "EUR", "article": "revenue"}'),
    ('payment_allocation', '{"payment_id": 1, "document_id": 1, "amount": 1}'), ('price', '{"price_list_id": 1}'),
    ('price_list', '{"id": 1, "code": "x", "name": "x", "currency": "EUR"}'),
    ('project', '{"client_id": 1, "name": "x"}'), ('rating_problem', '{"time_entry_id": 1, "kind": "no_price", "problem": "x"}'),
    ('setting', '{"id": true, "version": "1"}'),
    ('event', '{"key": "x", "digest": "\\\\x00"}'),
    ('country_code', '{"code": "XX", "rules": "XX"}'), ('requisite', '{"rules": "XX", "key": "x", "position": 1, "label": {"uk": "x", "ru": "x", "en": "x"}, "source": "x"}'),
    ('paper_rule', '{"rules": "XX", "kind": "invoice", "side": "seller", "key": "x", "demand": "law", "source": "x"}'),
    ('country_tax', '{"code": "x", "rules": "XX", "words": {"uk": "x", "ru": "x", "en": "x"}, "source": "x"}'), ('country_tax_rate', '{"code": "x", "valid_from": "2026-01-01", "rate": 20}'),
    ('state_paper_rule', '{"rules": "XX", "kind": "invoice", "name": "x", "source": "x"}'),
    ('tax', '{"code": "x", "name": "x"}'), ('tax_rate', '{"tax_code": "x", "valid_from": "2026-01-01", "rate": 20}'), ('tax_part', '{"tax_code": "x", "part_code": "y"}'),
    ('statement_line', '{"code": "x", "name": "x", "sort": 1}'), ('task', '{"project_id": 1, "title": "x"}'), ('task_item', '{"task_id": 1, "item_id": 1}'),
    ('template', '{"kind": "report", "body": "x"}'),
    ('time_entry', '{"employee_id": 1, "task_id": 1, "started_at": "2026-01-01 09:00Z",
        "ended_at": "2026-01-01 10:00Z"}'), ('work_type', '{"code": "x", "name": "x"}');
INSERT INTO sound SELECT 'share_link', jsonb_build_object('document_id', 1, 'token_digest', sha256(''), 'created_at',
    '2026-01-01Z', 'expires_at', '2026-01-02Z');

-- words: any other one; which words there are is printed below
INSERT INTO wrong
SELECT r.constraint_name, jsonb_build_array(jsonb_build_object(r.column_names,
    'no word') || x.beside, jsonb_build_object(r.column_names, '') || x.beside)
  FROM rule r
 CROSS JOIN LATERAL (SELECT CASE r.constraint_name
    WHEN 'document_sign_status_known' THEN '{"sign_at": "2026-01-01Z"}' ELSE '{}' END::jsonb AS beside) x
 WHERE r.kind = 'words';
INSERT INTO wrong VALUES
    ('access_rule_columns_one_way', '[{"columns": ["a"], "but": ["b"]}]'),
    ('account_line_fits', '[{"kind": "income"}, {"line": "revenue"}]'),
    ('statement_line_formula_of_two', '[{"formula": ["revenue"]}, {"formula": ["a", "b", "c"]}]'),
    ('statement_line_sign_known', '[{"sign": 0}, {"sign": 2}]'), ('statement_line_statement_known', '[{"statement": "x"}]'),
    ('allotment_amount_positive', '[{"amount": 0}, {"amount": "NaN"}]'),
    ('allotment_dates_in_order', '[{"expires_at": "2026-01-01Z"}]'), ('allotment_whole_seconds', '[{"amount": 0.5}]'),
    ('band_rule_adder_not_negative', '[{"price_adder": -0.000001}, {"price_adder": "NaN"}]'),
    ('band_rule_burn_positive', '[{"burn_multiplier": 0}, {"burn_multiplier": "NaN"}]'),
    ('band_rule_minimum_range', '[{"minimum_s": -1}, {"minimum_s": 86401}]'),
    ('band_rule_multiplier_positive', '[{"price_multiplier": 0}, {"price_multiplier": "NaN"}]'),
    ('billing_period_in_order', '[{"period_end": "2026-01-01"}]'),
    ('brand_accent_rgb', '[{"accent": "#12345"}, {"accent": "red"}, {"accent": "#1234567"}]'),
    ('brand_ink_rgb', '[{"ink": "#12345g"}]'),
    ('brand_logo_image', '[{"logo": "https://x.example/logo.png"}, {"logo": "data:text/html;base64,PA=="}]'),
    ('brand_named', '[{"name": ""}]'), ('calendar_name_not_empty', '[{"name": ""}]'),
    ('calendar_zone_known', '[{"zone": "Europe/Kiew"}]'),
    ('calendar_band_closed_is_a_day', '[{"starts": null, "ends": null, "band": null}]'),
    ('calendar_band_day_of_four_digit_year', '[{"isodow": null, "day": "10000-01-01"}, {"isodow": null,
        "day": "0001-12-31 BC"}]'), ('calendar_band_isodow_1_to_7', '[{"isodow": 0}, {"isodow": 8}]'),
    ('calendar_band_starts_before_24', '[{"starts": "24:00"}]'),
    ('calendar_band_weekday_or_day', '[{"day": "2026-01-01"}, {"isodow": null}]'),
    ('calendar_band_whole_or_closed', '[{"ends": null}, {"band": null}]'),
    ('calendar_band_whole_seconds', '[{"starts": "09:00:00.5"}, {"ends": "18:00:00.5"}]'),
    ('charge_burn_has_allotment', '[{"allotment_id": 1}, {"burned": 1}]'),
    ('charge_only_billable_has_amount', '[{"coverage": "included"}]'),
    ('charge_adjusts_no_time', '[{"adjusts_id": 1}]'), ('charge_held_or_frozen', '[{"held_by": 1, "frozen_at": "2026-01-01Z"}]'),
    ('charge_reversal_frozen', '[{"reverses_id": 1}]'),
    ('charge_time_has_entry', '[{"source": "time", "segment": 1}, {"source": "time", "time_entry_id": 1}]'),
    ('concession_positive', '[{"base_amount": 0}, {"base_amount": "NaN"}]'),
    ('contract_anchor_range', '[{"anchor_day": 0}, {"anchor_day": 32}]'),
    ('contract_anchor_month_range', '[{"anchor_month": 0}, {"anchor_month": 13}]'),
    ('contract_cap_amount_positive', '[{"cap_amount": -0.01}, {"cap_amount": "NaN"}]'),
    ('contract_cap_seconds_positive', '[{"cap_s": -1}]'), ('contract_companion_claims_bands', '[{"parent_id": 9}]'),
    ('contract_dates_in_order', '[{"ends_on": "2025-12-31"}]'),
    ('contract_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('contract_markup_range', '[{"expense_markup_pct": -0.0001}, {"expense_markup_pct": "NaN"}]'),
    ('contract_period_cap_amount_positive', '[{"period_cap_amount": -0.01}, {"period_cap_amount": "NaN"}]'), ('contract_period_cap_seconds_positive', '[{"period_cap_s": -1}]'),
    ('contract_minimum_charge_not_negative', '[{"minimum_charge": -0.01}, {"minimum_charge": "NaN"}]'),
    ('contract_not_own_parent', '[{"id": 9, "parent_id": 9, "bands": ["x"]}]'),
    ('contract_round_grace_range', '[{"round_grace_s": -1}, {"round_grace_s": 60}]'),
    ('contract_round_increment_range', '[{"round_increment_s": 86401}]'),
    ('contract_not_own_renewal', '[{"id": 9, "renews_id": 9}]'),
    ('contract_round_maximum_range', '[{"round_minimum_s": 60, "round_maximum_s": 59}]'),
    ('contract_round_minimum_range', '[{"round_minimum_s": -1}, {"round_minimum_s": 86401}]'),
    ('contract_tax_range', '[{"tax_rate": -0.0001}, {"tax_rate": 100.0001}]'),
    ('contract_line_accepted_dated', '[{"status": "accepted"}, {"accepted_on": "2026-01-01"}]'),
    ('contract_line_amount_not_negative', '[{"amount": -0.01}, {"amount": "NaN"}]'),
    ('contract_line_cost_not_negative', '[{"cost": -0.01}, {"cost": "NaN"}]'),
    ('contract_line_dates_in_order', '[{"starts_on": "2026-01-03", "ends_on": "2026-01-01"}]'),
    ('contract_line_included_amount_positive', '[{"included_amount": 0}, {"included_amount": "NaN"}]'),
    ('contract_line_included_once', '[{"included_s": 1, "included_amount": 1}]'),
    ('contract_line_included_positive', '[{"included_s": 0}]'),
    ('contract_line_not_own_heir', '[{"id": 9, "replaces_id": 9}]'),
    ('contract_line_overage_not_negative', '[{"overage_price": -0.01}, {"overage_price": "NaN"}]'),
    ('contract_line_rollover_life_positive', '[{"rollover_life": 0}]'),
    ('contract_line_rollover_max_range', '[{"rollover_min": 2, "rollover_max": 1}]'),
    ('contract_line_rollover_min_not_negative', '[{"rollover_min": -1}]'),
    ('cost_rate_not_negative', '[{"hourly_cost": -0.01}, {"hourly_cost": "NaN"}]'),
    ('cost_rate_pay_not_negative', '[{"hourly_pay": -0.01}, {"hourly_pay": "NaN"}]'),
    ('cost_rate_subject', '[{"role": "x"}, {"employee_id": null}]'),
    ('currency_code_exact', '[{"code": "KWD"}, {"code": "CLF"}]'),
    ('currency_code_exponent_range', '[{"exponent": -1}, {"exponent": 3}]'),
    ('currency_code_iso', '[{"code": "EU"}, {"code": "eur"}, {"code": "EURO"}]'),
    ('deal_amount_number', '[{"amount": "NaN"}]'),
    ('deal_dates_in_order', '[{"starts_on": "2026-01-02", "ends_on": "2026-01-01"}]'),
    ('deal_stage_dates_in_order', '[{"starts_on": "2026-01-02", "ends_on": "2026-01-01"}]');

INSERT INTO wrong VALUES
    ('document_adds_up', '[{"net": 1, "tax": 1, "gross": 1}]'),
    ('document_bill_names_its_number', '[{"kind": "bill", "incoming": true}]'),
    ('document_meaning_of_credit', '[{"kind": "credit_note"}, {"meaning": "waive"}]'),
    ('document_dates_in_order', '[{"period_from": "2026-01-02", "period_to": "2026-01-01"},
        {"issued_on": "2026-01-02", "due_on": "2026-01-01"}]'),
    ('document_discount_not_negative', '[{"discount_amount": -0.01}, {"discount_amount": "NaN"}]'),
    ('document_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('document_draft_has_no_number', '[{"series_id": 1, "series_no": 1, "number": "1"}]'),
    ('document_due_date_year', '[{"due_on": "infinity"}]'),
    ('document_issue_date_year', '[{"issued_on": "infinity"}]'),
    ('document_issued_has_number', '[{"issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1,
        "issued_on": "2026-01-01"}]'),
    ('document_numbered_whole', '[{"issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1,
        "issued_on": "2026-01-01", "number": "1"}, {"issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1,
        "issued_on": "2026-01-01", "series_id": 1, "number": "1"}]'), ('document_one_discount', '[{"discount_pct": 1, "discount_amount": 1}]'),
    ('document_sign_dated', '[{"sign_status": "sent"}, {"sign_at": "2026-01-01Z"}]'),
    ('document_signature_size', '[{"signature": "", "signature_type": "image/png"}]'),
    ('document_signature_typed', '[{"signature": "\\x00", "signature_type": "image/png"}, {"signature": "\\xffd900", "signature_type": "image/jpeg"},
        {"signature": "\\x524946460000000057454251", "signature_type": "image/webp"}]'),
    ('document_signature_whole', '[{"signature": "\\x00"}, {"signature_type": "image/png"}]'),
    ('document_issued_keeps', '[{"kept": {}}, {"issued_at": "2026-01-01Z", "incoming": true, "net": 1, "tax": 0, "gross": 1, "issued_on": "2026-01-01"}]'),
    ('document_stamped', '[{"issued_at": "2026-01-01Z", "kept": {}, "incoming": true}, {"issued_at": "2026-01-01Z", "kept": {}, "incoming": true, "net": 1,
        "tax": 0, "gross": 1}]'),
    ('document_state_means_known', '[{"means": ["drafty"]}, {"means": ["draft", ""]}]'),
    ('document_line_adds_up', '[{"net": 1, "tax": 1, "gross": 1}]'),
    ('document_line_amount_number', '[{"amount": "NaN"}]'),
    ('document_line_cost_not_negative', '[{"cost": -0.01}, {"cost": "NaN"}]'),
    ('document_line_claims_charge', '[{"claim": true}, {"claim": true, "charge_id": 1}]'),
    ('document_line_credit_negative', '[{"kind": "credit_note", "reverses_line_id": 1}]'),
    ('document_line_credit_reverses', '[{"kind": "credit_note", "amount": 1}, {"reverses_line_id": 1}]'),
    ('document_line_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('document_line_free_has_title', '[{"title": null}]'),
    ('document_line_price_not_negative', '[{"price": -0.01}, {"price": "NaN"}]'),
    ('document_line_quantity_number', '[{"quantity": "NaN"}]'),
    ('document_line_release_whole', '[{"released_at": "2026-01-01Z"}, {"released_by": 1}]'),
    ('document_line_report_claims', '[{"kind": "report", "charge_id": 1}]'),
    ('document_line_tax_range', '[{"tax_rate": -0.0001}, {"tax_rate": 100.0001}]'),
    ('document_line_work_has_charge', '[{"kind": "invoice"}]'), ('employee_named', '[{"name": ""}]'),
    ('dispute_explained', '[{"reason": ""}]'), ('dispute_outcome_said', '[{"outcome": "", "ended_at": "2026-01-01Z", "ended_by": "x"}]'),
    ('dispute_ended_whole', '[{"outcome": "x"}, {"ended_at": "2026-01-01Z"}]'), ('dunning_level_positive', '[{"level": 0}]'),
    ('dunning_level_days_range', '[{"days_late": 0}, {"days_late": 3651}]'), ('dunning_level_fee_not_negative', '[{"fee": -1, "currency": null}, {"fee": "NaN", "currency": "EUR"}]'),
    ('dunning_level_fee_has_currency', '[{"fee": 1}, {"currency": "EUR"}]'), ('dunning_level_interest_range', '[{"interest_pct": -0.0001}, {"interest_pct": 999.0001}]'),
    ('dunning_level_words_whole', '[{"words": {"uk": "x", "ru": "x"}}, {"words": {"uk": "x", "ru": "", "en": "x"}}, {"words": []}]'),
    ('reminder_days_positive', '[{"days_late": 0}]'), ('reminder_open_positive', '[{"open": 0}]'), ('reminder_fee_not_negative', '[{"fee": -1}]'), ('reminder_interest_not_negative', '[{"interest": -1}]'),
    ('issued_page_digest_size', '[{"body": "x", "digest": "\\x00"}]'), ('issued_page_whole', '[{"body": "x"}, {"digest": "\\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]'),
    ('due_extension_explained', '[{"reason": ""}]'), ('due_extension_later', '[{"was_due_on": "2026-01-02"}, {"was_due_on": "2026-01-03"}]'),
    ('employee_zone_known', '[{"zone": "Europe/Kiew"}]'), ('entry_amount_number', '[{"amount": "NaN"}]'),
    ('entry_base_amount_number', '[{"base_amount": "NaN"}]'), ('entry_date_year', '[{"entry_on": "infinity"}]'),
    ('entry_two_accounts', '[{"credit_id": 1}]'), ('exchange_rate_positive', '[{"rate": 0}, {"rate": "NaN"}]'),
    ('exchange_rate_two_currencies', '[{"quote": "USD"}]'),
    ('manager_limit_amount_not_negative', '[{"month_amount": -0.01}, {"month_amount": "NaN"}]'),
    ('manager_limit_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('notification_payload_object', '[{"payload": []}, {"payload": "x"}]'),
    ('number_series_first_positive', '[{"first_no": 0}]'),
    ('number_series_next_in_order', '[{"first_no": 2, "next_no": 1}]'),
    ('number_series_pattern_counts', '[{"pattern": "{YYYY}"}, {"pattern": "{}"}]'),
    ('page_label_name_fits', '[{"name": "X"}, {"name": "1x"}, {"name": "x-y"}, {"name": ""}]'),
    ('party_grace_range', '[{"grace_days": -1}, {"grace_days": 3651}]'), ('party_named', '[{"name": ""}]'),
    ('party_payment_terms_range', '[{"payment_terms_days": -1}, {"payment_terms_days": 3651}]'),
    ('party_requisites_object', '[{"requisites": []}]'), ('payment_accrual_year', '[{"accrued_on": "infinity"}]'),
    ('payment_amount_positive', '[{"amount": 0}, {"amount": "NaN"}]'),
    ('payment_date_year', '[{"paid_on": "infinity"}]'), ('payment_has_article', '[{"article": null}]'),
    ('payment_posted_on_account', '[{"status": "posted"}]'),
    ('contract_one_tax', '[{"tax_code": "x", "tax_rate": 20}]'), ('tax_named', '[{"name": ""}]'), ('tax_words_object', '[{"words": []}]'),
    ('tax_without_rate_says_why', '[{"kind": "exempt"}]'), ('tax_rate_range', '[{"rate": -1}, {"rate": 100.01}]'), ('tax_rate_year', '[{"valid_from": "-infinity"}]'),
    ('tax_part_of_another', '[{"part_code": "x"}]'), ('contract_signed_year', '[{"signed_on": "infinity"}]'),
    ('country_code_iso', '[{"code": "xx"}, {"code": "X"}, {"code": "XXX"}]'), ('country_code_rules_named', '[{"rules": ""}]'), ('country_code_vat_prefix_fits', '[{"vat_prefix": "e"}, {"vat_prefix": "EL9"}]'),
    ('requisite_label_in_all', '[{"label": {"uk": "x", "ru": "x"}}, {"label": "x"}]'), ('paper_rule_year', '[{"valid_from": "infinity"}]'),
    ('country_tax_words_in_all', '[{"words": {"en": "x"}}, {"words": []}]'), ('country_tax_rate_range', '[{"rate": -1}, {"rate": 100.01}]'), ('country_tax_rate_year', '[{"valid_from": "-infinity"}]'),
    ('state_paper_rule_due_whole', '[{"due": "days"}, {"due": "days", "counts_from": "issue"}, {"due": "half_month", "counts_from": "issue", "due_days": 1}, {"due_days": 1}, {"counts_from": "issue"}]'),
    ('payment_contra_is_no_money', '[{"contra": "rent", "cash_account_id": 1}]'),
    ('payment_received_of_transfer', '[{"received": 1}]'), ('payment_received_positive', '[{"flow": "transfer", "to_cash_account_id": 2, "received": 0}]'),
    ('document_debt_is_opened', '[{"kind": "debt", "incoming": false}]'),
    ('document_opened_by_kind', '[{"opened_on": "2026-01-01"}]'), ('document_opened_year', '[{"kind": "bill", "incoming": true, "outside_number": "1", "opened_on": "-infinity"}]'),
    ('payment_transfer_has_target', '[{"flow": "transfer"}, {"to_cash_account_id": 1}]'),
    ('payment_allocation_amount', '[{"amount": 0}, {"amount": "NaN"}]'),
    ('price_cost_not_negative', '[{"cost": -0.01}, {"cost": "NaN"}]'),
    ('price_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('price_employee_or_role', '[{"employee_id": 1, "role": "x"}]'),
    ('price_item_for_all', '[{"item_id": 1, "role": "x"}]'), ('price_item_or_work', '[{"item_id": 1, "work_type_id": 1}]'),
    ('price_not_negative', '[{"price": -0.01}, {"price": "NaN"}]'),
    ('price_list_discount_range', '[{"discount_pct": -0.0001}, {"discount_pct": 100.0001}]'),
    ('price_list_not_own_parent', '[{"parent_id": 1}]'), ('project_named', '[{"name": ""}]'),
    ('setting_max_entry_positive', '[{"max_entry_s": 0}]'), ('setting_max_rate_age_not_negative', '[{"max_rate_age_days": -1}]'), ('setting_write_off_limit_not_negative', '[{"write_off_limit": -1}]'), ('setting_one_row', '[{"id": false}]'),
    ('share_link_digest_size', '[{"token_digest": "\\x00"}]'),
    ('share_link_expires_later', '[{"expires_at": "2026-01-01Z"}]'), ('share_link_opens_one', '[{"document_id": null}, {"client_id": 1}]'),
    ('task_estimate_not_negative', '[{"estimate_s": -1}]'),
    ('task_item_discount_range', '[{"discount_pct": -1}, {"discount_pct": 100.1}]'),
    ('task_item_named', '[{"item_id": null}, {"item_id": null, "title": "x"}]'),
    ('task_item_cost_not_negative', '[{"cost": -0.01}, {"cost": "NaN"}]'),
    ('task_item_price_not_negative', '[{"price": -0.01}, {"price": "NaN"}]'),
    ('task_item_quantity_positive', '[{"quantity": 0}, {"quantity": "NaN"}]'),
    ('time_entry_billable_s_not_negative', '[{"billable_s": -1, "source": "x"}]'),
    ('time_entry_break_not_negative', '[{"break_s": -1}]'), ('time_entry_worked_not_negative', '[{"break_s": 3601}]'),
    ('time_entry_clock_or_date', '[{"ended_at": null, "duration_s": 1}, {"started_at": null, "ended_at": null,
        "duration_s": 1}, {"started_at": null, "ended_at": null, "work_date": "2026-01-01"}]'),
    ('time_entry_date_year', '[{"work_date": "infinity"}]'),
    ('time_entry_duration_not_negative', '[{"duration_s": -1}]'),
    ('time_entry_end_after_start', '[{"duration_s": 1, "ended_at": "2026-01-01 08:59:59Z"}]'),
    ('time_entry_end_year', '[{"ended_at": "infinity", "duration_s": 1}]'),
    ('time_entry_start_year', '[{"started_at": "-infinity", "duration_s": 1}]'),
    ('time_entry_override_explained', '[{"billable": "billable"}, {"billable_s": 0}, {"price": 0}]'),
    ('time_entry_price_not_negative', '[{"price": -0.01, "source": "x"}, {"price": "NaN", "source": "x"}]');
-- too long to be written here
INSERT INTO wrong VALUES
    ('brand_logo_size', jsonb_build_array(jsonb_build_object('logo',
        'data:image/jpeg;base64,/9j/' || repeat('A', 700001 - 27)))),
    ('calendar_band_name_1_to_63_bytes', jsonb_build_array('{"band": ""}'::jsonb,
        jsonb_build_object('band', repeat('x', 64)))),
    ('document_signature_size', jsonb_build_array(jsonb_build_object('signature', convert_to(repeat('x', 1048577),
        'UTF8'), 'signature_type', 'image/png'))),
    ('share_link_digest_size',
        jsonb_build_array(jsonb_build_object('token_digest', sha256('') || '\x00'::bytea),
        jsonb_build_object('token_digest', substr(sha256(''), 2))));

INSERT INTO fine VALUES
    ('allotment', '[{"unit": "money", "amount": 0.000001}, {"amount": 0, "source_id": 1}, {"expires_at": "2026-01-01 00:00:00.000001Z"}]'),
    ('band_rule', '[{"price_multiplier": 0.001, "burn_multiplier": 0.001, "minimum_s": 86400, "price_adder": 0}]'),
    ('calendar_band', '[{"isodow": 7, "starts": "23:59:59", "ends": "24:00"}, {"isodow": null,
        "day": "9999-12-31", "starts": null, "ends": null, "band": null}]'),
    ('contract', '[{"anchor_day": 31, "anchor_month": 12, "discount_pct": 100, "cap_amount": 0, "cap_s": 0, "ends_on": "2026-01-01",
        "tax_rate": 100, "minimum_charge": 0}, {"round_increment_s": 86400, "round_grace_s": 86399,
        "round_minimum_s": 86400, "round_maximum_s": 86400, "expense_markup_pct": 999.9999}]'),
    ('contract_line', '[{"included_s": 1, "rollover_min": 1, "rollover_max": 1, "starts_on": "2026-01-01",
        "ends_on": "2026-01-01"}, {"starts_on": "2026-01-02", "ends_on": "2026-01-01"}, {"status": "accepted", "accepted_on": "2026-01-01"}]'),
    ('currency_code', '[{"exponent": 0}, {"exponent": 2}]'),
    ('document', '[{"discount_pct": 100, "issued_on": "2026-01-01", "due_on": "2026-01-01",
        "period_from": "2026-01-01", "period_to": "2026-01-01"}, {"kind": "act", "incoming": true,
        "status": "sent", "issued_at": "2026-01-01Z", "kept": {}, "net": 1, "tax": 0, "gross": 1, "issued_on": "2026-01-01"},
        {"sign_status": "sent",
        "sign_at": "2026-01-01Z"}]'),
    ('dispute', '[{"outcome": "x", "ended_at": "2026-01-01Z", "ended_by": "x"}]'), ('dunning_level', '[{"fee": 1, "currency": "EUR", "days_late": 3650, "interest_pct": 999}]'),
    ('share_link', '[{"document_id": null, "client_id": 1}]'),
    ('issued_page', '[{"body": "", "digest": "\\x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]'),
    ('due_extension', '[{"was_due_on": "2026-01-01"}]'),
    ('document_state', '[{"means": []}, {"means": ["draft", "filed"]}]'),
    ('document_line', '[{"kind": "report", "claim": true, "charge_id": 1}, {"kind": "credit_note",
        "reverses_line_id": 1, "amount": -1, "title": null}, {"released_at": "2026-01-01Z", "released_by": 1}]'),
    ('exchange_rate', '[{"rate": 0.000000000001}]'), ('party', '[{"grace_days": 3650, "payment_terms_days": 0}]'),
    ('payment', '[{"amount": 0.01}, {"flow": "transfer", "article": null, "to_cash_account_id": 1}]'),
    ('time_entry', '[{"break_s": 3600}, {"started_at": null, "ended_at": null, "work_date": "2026-01-01",
        "duration_s": 0}, {"price": 0, "override_reason": "x"}, {"billable_s": 0, "source": "x"}]');

-- dates: years of four digits, before and after
INSERT INTO wrong VALUES
    ('time_entry_start_year', '[{"started_at": "0001-01-01 23:59:59Z"}, {"started_at": "0001-01-01 BC"}]'),
    ('time_entry_end_year', '[{"ended_at": "9999-12-31 00:00:01Z"}]'), ('entry_date_year', '[{"entry_on": "10000-01-01"}, {"entry_on": "0001-12-31 BC"}]'),
    ('time_entry_date_year', '[{"started_at": null, "ended_at": null, "work_date": "10000-01-01", "duration_s": 1}, {"started_at": null, "ended_at": null, "work_date": "0001-12-31 BC", "duration_s": 1}]'),
    ('payment_date_year', '[{"paid_on": "10000-01-01"}, {"paid_on": "0001-12-31 BC"}]'), ('payment_accrual_year', '[{"accrued_on": "10000-01-01"}, {"accrued_on": "0001-12-31 BC"}]'),
    ('document_issue_date_year', '[{"issued_on": "10000-01-01"}, {"issued_on": "0001-12-31 BC"}]'), ('document_due_date_year', '[{"due_on": "10000-01-01"}, {"due_on": "0001-12-31 BC"}]'),
    ('cost_rate_year', '[{"valid_from": "0001-12-31 BC"}, {"valid_from": "10000-01-01"}]'),
    ('exchange_rate_year', '[{"valid_from": "0001-12-31 BC"}, {"valid_from": "10000-01-01"}]'),
    ('deal_years', '[{"starts_on": "0001-12-31 BC"}, {"starts_on": "10000-01-01"}, {"ends_on": "infinity"}, {"ends_on": "10000-01-01"}]'),
    ('deal_stage_years', '[{"starts_on": "0001-12-31 BC"}, {"starts_on": "10000-01-01"}, {"ends_on": "infinity"}, {"ends_on": "10000-01-01"}]'),
    ('task_year', '[{"completed_at": "0001-01-01Z"}, {"completed_at": "9999-12-31 00:00:01Z"}]'),
    ('contract_line_years', '[{"starts_on": "0001-12-31 BC"}, {"starts_on": "10000-01-01"}, {"ends_on": "infinity"}, {"ends_on": "10000-01-01"}, {"accepted_on": "0001-12-31 BC", "status": "accepted"}, {"accepted_on": "10000-01-01", "status": "accepted"}]'),
    ('allotment_years', '[{"effective_at": "0001-01-01Z"}, {"effective_at": "9999-12-31 00:00:01Z"}, {"expires_at": "infinity"}, {"expires_at": "9999-12-31 00:00:01Z"}]'),
    ('period_lock_year', '[{"locked_through": "0001-12-31 BC"}, {"locked_through": "10000-01-01"}]'),
    ('price_year', '[{"valid_from": "0001-12-31 BC"}, {"valid_from": "10000-01-01"}]'),
    ('contract_years', '[{"starts_on": "0001-12-31 BC"}, {"ends_on": "infinity"}, {"ends_on": "10000-01-01"}]'),
    ('document_period_years', '[{"period_from": "0001-12-31 BC"}, {"period_from": "10000-01-01"}, {"period_to": "infinity"}, {"period_to": "10000-01-01"}]'),
    ('document_line_years', '[{"starts_on": "0001-12-31 BC"}, {"starts_on": "10000-01-01"}, {"ends_on": "infinity"}, {"ends_on": "10000-01-01"}]');
INSERT INTO sound VALUES ('period_lock', '{"locked_through": "2026-01-01"}');
INSERT INTO fine VALUES
    ('contract', '[{"starts_on": "0001-01-01", "ends_on": "9999-12-31"}]'),
    ('time_entry', '[{"started_at": "0001-01-02Z", "ended_at": "9999-12-31Z"}]'),
    ('time_entry', '[{"started_at": null, "ended_at": null, "work_date": "9999-12-31", "duration_s": 0}]'),
    ('period_lock', '[{"locked_through": "9999-12-31"}]'),
    ('price', '[{"valid_from": "0001-01-01"}]'),
    ('cost_rate', '[{"valid_from": "0001-01-01"}]'),
    ('exchange_rate', '[{"valid_from": "9999-12-31"}]'),
    ('allotment', '[{"effective_at": "0001-01-02Z", "expires_at": "9999-12-31Z"}]'),
    ('contract_line', '[{"starts_on": "0001-01-01", "ends_on": "9999-12-31", "status": "accepted", "accepted_on": "0001-01-01"}]'),
    ('deal', '[{"starts_on": "0001-01-01", "ends_on": "9999-12-31"}]'),
    ('deal_stage', '[{"starts_on": "0001-01-01", "ends_on": "9999-12-31"}]'),
    ('document', '[{"period_from": "0001-01-01", "period_to": "9999-12-31"}]'),
    ('document_line', '[{"starts_on": "0001-01-01", "ends_on": "9999-12-31"}]'),
    ('task', '[{"completed_at": "0001-01-02Z"}]');

-- what is sound is taken
SELECT s.table_name, pg_temp.fate(s.table_name, s.row_) AS fate FROM sound s
    WHERE pg_temp.fate(s.table_name, s.row_) <> 'taken' ORDER BY 1;
SELECT f.table_name, r.value, pg_temp.fate(f.table_name, s.row_ || r.value) AS fate
  FROM fine f JOIN sound s USING (table_name) CROSS JOIN jsonb_array_elements(f.rows_) r
      WHERE pg_temp.fate(f.table_name, s.row_ || r.value) <> 'taken' ORDER BY 1;
-- what is wrong is refused, by the rule that it breaks (an increment of 0 leaves no room for a grace, whose rule is
-- first)
SELECT w.name, left(r.value::text, 60) AS row_, x.fate
  FROM wrong w JOIN pg_constraint c ON c.conname = w.name
      AND c.connamespace = 't_checks'::regnamespace JOIN pg_class t ON t.oid = c.conrelid
  JOIN sound s ON s.table_name = t.relname CROSS JOIN jsonb_array_elements(w.rows_) r CROSS
      JOIN LATERAL (SELECT pg_temp.fate(s.table_name, s.row_ || r.value) AS fate) x
 WHERE x.fate <> w.name ORDER BY 1, 2;
-- every rule is broken here, and every row that breaks one is of a rule
SELECT c.conrelid::regclass AS table_name, c.conname FROM pg_constraint c
 WHERE c.contype = 'c' AND c.connamespace = 't_checks'::regnamespace AND c.conname NOT IN (SELECT w.name
     FROM wrong w) ORDER BY 1, 2;
SELECT w.name FROM wrong w WHERE w.name NOT IN (SELECT c.conname FROM pg_constraint c
    WHERE c.contype = 'c' AND c.connamespace = 't_checks'::regnamespace) ORDER BY 1;
SELECT DISTINCT t.relname FROM wrong w JOIN pg_constraint c ON c.conname = w.name AND c.connamespace = 't_checks'::regnamespace
  JOIN pg_class t ON t.oid = c.conrelid WHERE t.relname NOT IN (SELECT s.table_name FROM sound s);
-- the words
\pset format unaligned
\pset tuples_only on
SELECT table_name || '.' || column_names || ': ' || array_to_string(words, ' ') FROM rule
    WHERE kind = 'words' ORDER BY table_name, column_names;
RESET session_replication_role;
DROP SCHEMA t_checks, t_checks_internal CASCADE;
