-- ---------------------------------------------------------------------------
-- rule: what the tables refuse is told in words
--
-- The CHECK constraints and foreign keys are the rules.  The triggers below
-- read them from the catalog, so that a new column is told like the old ones:
-- lists of words and bounds tell themselves, every other rule has its way out
-- as a comment, which is the HINT.  Unique keys are refused by the server; what
-- to do about them is a comment too.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_rule record;
BEGIN
    FOR v_rule IN SELECT * FROM (VALUES
        ('access_rule', 'access_rule_columns_one_way', 'Give columns or but, or neither for all of them.'),
        ('currency_code', 'currency_code_iso', 'A currency is its three capital letters of ISO 4217.'),
        ('currency_code', 'currency_code_exponent_range', 'The books are exact in currencies of 0 to 2 decimals, and '
         'take no others.'),
        ('currency_code', 'currency_code_exact', 'The books are exact in currencies of 0 to 2 decimals, and take no '
         'others; this one has more.'),
        ('setting', 'setting_one_row', 'Settings are one row; update it.'),
        ('exchange_rate', 'exchange_rate_two_currencies', 'A currency has no rate to itself.'),
        ('party', 'party_named', 'Give the name.'),
        ('party', 'party_requisites_object', 'Requisites are a JSON object: {"iban": "…"}.'),
        ('employee', 'employee_named', 'Give the name.'),
        ('employee', 'employee_zone_known', 'Give a name of pg_timezone_names, as Europe/Kyiv.'),
        ('cost_rate', 'cost_rate_subject', 'Give employee_id or role, one of the two.'),
        ('project', 'project_named', 'Give the name.'),
        ('deal', 'deal_amount_number', 'Give a number, or no amount.'),
        ('document_line', 'document_line_amount_number', 'Give a number.'),
        ('document_line', 'document_line_quantity_number', 'Give a number.'),
        ('deal', 'deal_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('deal_stage', 'deal_stage_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('price_list', 'price_list_not_own_parent', 'Choose another list as parent_id.'),
        ('price', 'price_employee_or_role', 'Give employee_id or role, or neither; two positions price both.'),
        ('price', 'price_item_for_all', 'Give no role and employee_id; an item has one price, whoever delivers it.'),
        ('price', 'price_item_or_work', 'Give item_id or work_type_id, or neither; a position is about one of them.'),
        ('calendar', 'calendar_name_not_empty', 'Give the name.'),
        ('calendar', 'calendar_zone_known', 'Give a name of pg_timezone_names, as Europe/Kyiv.'),
        ('calendar_band', 'calendar_band_closed_is_a_day',
         'Only a date can be closed; a weekday without bands needs no row.'),
        ('calendar_band', 'calendar_band_name_1_to_63_bytes', 'Give a name of 1 to 63 bytes.'),
        ('calendar_band', 'calendar_band_weekday_or_day', 'Give isodow, for each such weekday, or day, for one date.'),
        ('calendar_band', 'calendar_band_whole_or_closed',
         'Give starts, ends and band, or none of them for a closed date.'),
        ('calendar_band', 'calendar_band_whole_seconds', 'Give times of whole seconds.'),
        ('contract', 'contract_companion_claims_bands',
         'A companion names the bands it takes: bands = ''{after_hours}''.'),
        ('contract', 'contract_dates_in_order', 'Give an ends_on on or after starts_on.'),
        ('contract', 'contract_not_own_parent', 'Name the base contract as parent_id.'),
        ('contract', 'contract_not_own_renewal', 'Name the contract that is renewed as renews_id.'),
        ('contract', 'contract_round_grace_range', 'Give a round_grace_s of 0 or more and below round_increment_s.'),
        ('contract', 'contract_round_maximum_range', 'Give a round_maximum_s of round_minimum_s or more, or none.'),
        ('contract_line', 'contract_line_accepted_dated', 'accept_stage(line, day) sets both status and accepted_on.'),
        ('contract_line', 'contract_line_dates_in_order',
         'Give an ends_on on or after starts_on, or the day before it for a line that never was.'),
        ('contract_line', 'contract_line_not_own_heir', 'Name the line that is replaced as replaces_id.'),
        ('contract_line', 'contract_line_included_once', 'Give included_s or included_amount; two lines include both.'),
        ('contract_line', 'contract_line_rollover_max_range', 'Give a rollover_max of rollover_min or more.'),
        ('payment_allocation', 'payment_allocation_amount',
         'Give an amount with the sign of the document: below 0 only for a bill below zero.'),
        ('allotment', 'allotment_amount_positive', 'Give an amount above 0; only what is carried over may be 0.'),
        ('allotment', 'allotment_dates_in_order', 'Give an expires_at after effective_at.'),
        ('allotment', 'allotment_whole_seconds', 'Give whole seconds.'),
        ('time_entry', 'time_entry_clock_or_date', 'Give started_at and ended_at, or work_date and duration_s.'),
        ('time_entry', 'time_entry_date_year', 'Give a real day.'),
        ('contract', 'contract_years', 'Give real days; a contract without ends_on runs until further notice.'),
        ('contract_line', 'contract_line_years', 'Give real days, or none: a line without days is its contract''s.'),
        ('allotment', 'allotment_years', 'Give real instants; without expires_at nothing expires.'),
        ('price', 'price_year', 'Give a real day, or none: a price without valid_from holds from the first.'),
        ('cost_rate', 'cost_rate_year', 'Give a real day.'),
        ('exchange_rate', 'exchange_rate_year', 'Give a real day.'),
        ('period_lock', 'period_lock_year', 'Give a real day.'),
        ('deal', 'deal_years', 'Give real days, or none.'),
        ('deal_stage', 'deal_stage_years', 'Give real days, or none.'),
        ('task', 'task_year', 'Give a real instant.'),
        ('document', 'document_period_years', 'Give real days, or none.'),
        ('document_line', 'document_line_years', 'Give real days, or none.'),
        ('time_entry', 'time_entry_end_after_start',
         'Give an ended_at on or after started_at; an entry over midnight has the next day''s date there.'),
        ('time_entry', 'time_entry_end_year', 'Give a real instant; what is under way is logged when it ends.'),
        ('time_entry', 'time_entry_override_explained',
         'Say why in override_reason: billable, billable_s and price go before the contract''s rules.'),
        ('time_entry', 'time_entry_start_year', 'Give a real instant.'),
        ('time_entry', 'time_entry_worked_not_negative', 'Give a break_s no longer than from started_at to ended_at.'),
        ('account', 'account_line_fits',
         'Articles (kind income or expense) have a line of the P&L, other accounts none.'),
        ('statement_line', 'statement_line_formula_of_two', 'Give two lines: the first in per cent of the second.'),
        ('statement_line', 'statement_line_sign_known', 'Give 1 or -1.'),
        ('statement_line', 'statement_line_statement_known', 'The statement is pnl.'),
        ('payment', 'payment_accrual_year', 'Give a real day.'),
        ('payment', 'payment_date_year', 'Give a real day.'),
        ('payment', 'payment_has_article',
         'Say what the money is for: the article, a code of table account, as revenue or rent.'),
        ('payment', 'payment_posted_on_account', 'Name the cash account that it came to or went from.'),
        ('payment', 'payment_contra_is_no_money', 'Money has a cash account; what settles without money has contra.'),
        ('payment', 'payment_received_of_transfer',
         'Only a transfer between accounts of two currencies has received: exchange() makes one.'),
        ('payment', 'payment_transfer_has_target', 'A transfer names to_cash_account_id, other payments do not.'),
        ('notification', 'notification_payload_object', 'The payload is a JSON object.'),
        ('number_series', 'number_series_next_in_order', 'Give a next_no of first_no or more.'),
        ('number_series', 'number_series_pattern_counts',
         'Put the counter into the pattern: {####}, one # for each digit.'),
        ('document_state', 'document_state_means_known', 'Give words of the columns beside it, or filed.'),
        ('document', 'document_adds_up', 'Give a gross of net and tax.'),
        ('contract', 'contract_one_tax', 'Give a tax_code, whose rates have dates, or one fixed tax_rate.'),
        ('contract', 'contract_signed_year', 'Give a real day.'),
        ('country_code', 'country_code_iso', 'A country is its two capital letters of ISO 3166.'),
        ('country_code', 'country_code_rules_named', 'Name the rules, or none.'),
        ('country_code', 'country_code_vat_prefix_fits', 'A prefix is two capital letters.'),
        ('country_tax', 'country_tax_words_in_all', 'Give the words in three languages: {"uk": …, "ru": …, "en": …}.'),
        ('country_tax_rate', 'country_tax_rate_year', 'Give a real day.'),
        ('paper_rule', 'paper_rule_year', 'Give a real day.'),
        ('requisite', 'requisite_label_in_all', 'Give the name in three languages: {"uk": …, "ru": …, "en": …}.'),
        ('state_paper_rule', 'state_paper_rule_due_whole',
         'Give due and counts_from, and due_days where due is days; or none of them.'),
        ('tax', 'tax_named', 'Give the name.'),
        ('tax', 'tax_words_object', 'The words are a JSON object: {"en": "Reverse charge"}.'),
        ('tax', 'tax_without_rate_says_why', 'Give the words that the paper carries: {"en": "Reverse charge"}.'),
        ('tax_rate', 'tax_rate_year', 'Give a real day.'),
        ('tax_part', 'tax_part_of_another', 'Name another tax.'),
        ('document', 'document_opened_year', 'Give a real day.'),
        ('document', 'document_opened_by_kind', 'open_balances() brings debts and bills into the books.'),
        ('document', 'document_debt_is_opened', 'open_balances() brings debts into the books.'),
        ('document', 'document_bill_names_its_number', 'Give the number that its sender gave it as outside_number.'),
        ('document', 'document_meaning_of_credit', 'credit() makes credit notes and says what they mean.'),
        ('document', 'document_dates_in_order',
         'Give a period_to on or after period_from and a due_on on or after issued_on.'),
        ('document', 'document_draft_has_no_number', 'Numbers are given at issue: transition(document, ''sent'').'),
        ('document', 'document_due_date_year', 'Give a real day.'),
        ('document', 'document_issue_date_year', 'Give a real day.'),
        ('document', 'document_issued_keeps',
         'transition(document, ''sent'') issues a draft with who and what it names.'),
        ('document', 'document_issued_has_number', 'transition(document, ''sent'') issues a draft with its number.'),
        ('document', 'document_numbered_whole', 'Numbers are given at issue: transition(document, ''sent'').'),
        ('document', 'document_one_discount', 'Give discount_pct or discount_amount.'),
        ('document', 'document_sign_dated', 'set_signature() sets both sign_status and sign_at.'),
        ('document', 'document_signature_typed', 'Give an image whose bytes are of its signature_type.'),
        ('document', 'document_signature_size', 'Give an image of up to 1 MB (1048576 bytes).'),
        ('document', 'document_signature_whole', 'Give the image and its type together.'),
        ('document', 'document_stamped', 'transition(document, ''sent'') issues a draft with its figures.'),
        ('due_extension', 'due_extension_explained', 'Say why: extend_due(document, due_on, reason).'),
        ('due_extension', 'due_extension_later', 'Give a later day.'),
        ('document_line', 'document_line_adds_up', 'Give a gross of net and tax.'),
        ('document_line', 'document_line_claims_charge',
         'Lines of reports and invoices keep charges: build_report(), build_invoice().'),
        ('document_line', 'document_line_credit_negative', 'credit() makes credit notes.'),
        ('document_line', 'document_line_credit_reverses',
         'credit() makes credit notes, which name the lines they reverse.'),
        ('document_line', 'document_line_free_has_title', 'Give the title.'),
        ('document_line', 'document_line_release_whole', 'void() and credit() set charges free.'),
        ('document_line', 'document_line_report_claims', 'Lines of reports keep their charges: build_report().'),
        ('document_line', 'document_line_work_has_charge',
         'Reports and invoices are made of charges: build_report(), build_invoice().'),
        ('share_link', 'share_link_digest_size', 'share() makes links.'),
        ('share_link', 'share_link_expires_later', 'share(document, ttl) makes links that live for a time.'),
        ('share_link', 'share_link_opens_one', 'share() makes links to documents, share_client() to clients.'),
        ('page_label', 'page_label_name_fits', 'Give a name of letters, digits and _ that begins with a small letter.'),
        ('dunning_level', 'dunning_level_days_range', 'Give from 1 to 3650 days.'),
        ('dunning_level', 'dunning_level_fee_has_currency', 'Give the currency of the fee, and none where it is 0.'),
        ('dunning_level', 'dunning_level_fee_not_negative', 'Give a fee of 0 or more.'),
        ('dunning_level', 'dunning_level_interest_range', 'Give per cent a year from 0 to 999.'),
        ('dunning_level', 'dunning_level_positive', 'Levels count from 1.'),
        ('dunning_level', 'dunning_level_words_whole', 'Give the words in each language: {"uk", "ru", "en"}.'),
        ('dispute', 'dispute_ended_whole', 'settle_dispute() ends a dispute.'),
        ('dispute', 'dispute_explained', 'Say why: dispute(document, reason).'),
        ('dispute', 'dispute_outcome_said', 'Say how it ended: settle_dispute(document, outcome).'),
        ('reminder', 'reminder_days_positive', 'remind() writes reminders.'),
        ('reminder', 'reminder_fee_not_negative', 'remind() writes reminders.'),
        ('reminder', 'reminder_interest_not_negative', 'remind() writes reminders.'),
        ('reminder', 'reminder_open_positive', 'remind() writes reminders.'),
        ('issued_page', 'issued_page_digest_size', 'A step that issues a document keeps its page.'),
        ('issued_page', 'issued_page_whole', 'A step that issues a document keeps its page.'),
        ('brand', 'brand_accent_rgb', 'Give a colour as #1f5673.'),
        ('brand', 'brand_ink_rgb', 'Give a colour as #1d252c.'),
        ('brand', 'brand_logo_image', 'Give a data: URI of a PNG, JPEG or SVG image in base64.'),
        ('brand', 'brand_logo_size', 'Give a logo of up to 700000 bytes.'),
        ('brand', 'brand_named', 'Give the name.'),
        -- keys that name a word: the words are listed before this
        ('payment', 'payment_article_fkey', 'An article of your own is a row of table account.'),
        ('document_line', 'document_line_article_fkey', 'An article of your own is a row of table account.'),
        -- unique keys: the server names them
        ('employee', 'employee_email_key',
         'An e-mail address is one employee''s; employee_login takes further logins.'),
        ('cost_rate', 'cost_rate_key',
         'This employee or role has a rate from that day on: update it, or give another valid_from.'),
        ('dunning_level', 'dunning_level_key', 'The client, or all of them, have this level: update it.'),
        ('deal_stage', 'deal_stage_key', 'Give each stage of a deal its own position.'),
        ('price', 'price_key',
         'This position is there from that day on: set_price() sets it anew; another valid_from adds a later price.'),
        ('price_list', 'price_list_code_key', 'Give another code, or add positions to the list that has it.'),
        ('contract', 'contract_number_key', 'Give another number, or update the contract that has it.'),
        ('contract', 'contract_renews_key', 'A contract is renewed by one other: that one has it as renews_id.'),
        ('contract_line', 'contract_line_replaces_key',
         'A line is replaced by one other: that one has it as replaces_id.'),
        ('band_rule', 'band_rule_key', 'The contract has a rule for this band and role: update it.'),
        ('task_item', 'task_item_key', 'The task has this item: raise its quantity.'),
        ('task_item', 'task_item_named', 'Name an item; what a specification agrees comes by itself.'),
        ('account', 'account_code_key', 'Give another code, or use the account that has it.'),
        ('cash_account', 'cash_account_name_key', 'Give another name, or use the account that has it.'),
        ('time_entry', 'time_entry_external_key', 'The entry was logged before; ingest_entries() updates it.'),
        ('party', 'party_external_key',
         'The outside system''s party is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('project', 'project_external_key',
         'The outside system''s project is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('deal', 'deal_external_key',
         'The outside system''s deal is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('task', 'task_external_key',
         'The outside system''s task is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('contract', 'contract_external_key',
         'The outside system''s contract is there: INSERT … ON CONFLICT (source, external_id) DO UPDATE.'),
        ('payment_allocation', 'payment_allocation_key',
         'The payment settles this document already: allocate_payment() adds to it, unallocate() takes it back.')
    ) AS v (table_name, constraint_name, sentence)
    LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %I IS %L', v_rule.constraint_name, v_rule.table_name,
                       v_rule.sentence);
    END LOOP;
    FOR v_rule IN SELECT r.conrelid::regclass AS table_name, r.conname FROM pg_constraint r
                   WHERE r.contype = 'f' AND r.confrelid = 'currency_code'::regclass
    LOOP
        EXECUTE format('COMMENT ON CONSTRAINT %I ON %s IS %L', v_rule.conname, v_rule.table_name,
                       'The books are exact in currencies of 0 to 2 decimals, and take no others; one that is missing '
                       'is a row of table currency_code.');
    END LOOP;
END $$;

DO $$
DECLARE
    -- Rows that the functions of the books alone write.
    c_written_by_us CONSTANT text[] := ARRAY['charge', 'entry', 'event', 'terms', 'history', 'document_status_change',
                                             'billing_period', 'rating_problem'];
    -- A trigger after each row costs a bulk load a twentieth of its time; whom and
    -- what an entry names the server says well enough.
    c_hot CONSTANT text[] := '{time_entry}';
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, bool_or(r.contype = 'c') AS checks,
               bool_or(r.contype = 'f') AND c.relname <> ALL (c_hot) AS keys
          FROM pg_class c JOIN pg_constraint r ON r.conrelid = c.oid
         WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
           AND c.relkind = 'r'
           AND c.relname <> ALL (c_written_by_us)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                                     AND d.deptype = 'e')
         GROUP BY c.oid ORDER BY c.relname
    LOOP
        -- Triggers of a kind fire by name: the first after all others, the
        -- second before the server's, whose names begin with RI_.
        IF v_table.checks THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER zz_check_told BEFORE INSERT OR UPDATE ON %s '
                           'FOR EACH ROW EXECUTE FUNCTION finance.tell_check()', v_table.name);
        END IF;
        IF v_table.keys THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER "A_key_told" AFTER INSERT OR UPDATE ON %s '
                           'FOR EACH ROW EXECUTE FUNCTION finance.tell_key()', v_table.name);
        END IF;
    END LOOP;
END $$;

CREATE VIEW rule WITH (security_invoker) AS
    SELECT c.relname::text AS table_name, a.names AS column_names, r.conname::text AS constraint_name,
           CASE r.contype WHEN 'u' THEN 'unique' WHEN 'f' THEN 'refers to' WHEN 'p' THEN 'key'
                          ELSE CASE WHEN w.words IS NULL THEN 'check' ELSE 'words' END END AS kind,
           w.words, pg_get_constraintdef(r.oid, true) AS definition, obj_description(r.oid, 'pg_constraint') AS way_out
      FROM pg_constraint r
      JOIN pg_class c ON c.oid = r.conrelid
     CROSS JOIN LATERAL (SELECT string_agg(a.attname, ', ' ORDER BY k.no) AS names
                           FROM unnest(r.conkey) WITH ORDINALITY k (attnum, no)
                           JOIN pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = k.attnum) a
     CROSS JOIN LATERAL (SELECT CASE WHEN r.contype = 'c'
                         AND pg_get_constraintdef(r.oid) ~ '^CHECK \(\("?[a-z_]+"? = ANY '
                                                           '\(ARRAY\[(''[a-z0-9_/]+''::"?text"?(, )?)+\]\)\)\)$'
                                     THEN ARRAY(SELECT m.part[1] FROM regexp_matches(pg_get_constraintdef(r.oid),
                                         '''([^'']+)''::"?text', 'g') m (part)) END AS words) w
     WHERE c.relnamespace = (SELECT s.relnamespace FROM pg_class s WHERE s.oid = 'setting'::regclass)
       AND c.relkind = 'r' AND r.contype IN ('c', 'u', 'f', 'p');
COMMENT ON VIEW rule IS
    'the rules of the tables, as the catalog has them: one row for each CHECK (kind words: the words that a column '
    'takes; check), unique key, primary key and reference; way_out is what to do when it is broken. Made for forms and '
    'drop-down lists, too';
SELECT allow('reader', 'select', 'rule');
