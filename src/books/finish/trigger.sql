-- ---------------------------------------------------------------------------
-- trigger: what fires on the tables, in the order in which it fires
--
-- Triggers of a kind fire by name, BEFORE ones first.  A new one is put here, where
-- its neighbours show what it comes after.  Those of tables that the books alone
-- write are made by owned.sql, those that keep the history by watch(), those that
-- tell rules by rule.sql.
-- ---------------------------------------------------------------------------

-- What is open follows its facts, a statement at a time.
CREATE FUNCTION follow(p_table text, p_function text, VARIADIC p_events text[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_event text;
BEGIN
    FOREACH v_event IN ARRAY p_events LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION %I()',
            format('%s_followed_%s', p_table, CASE v_event WHEN 'insert' THEN 'new' WHEN 'update' THEN 'changed'
                                              WHEN 'delete' THEN 'gone' END), v_event, p_table,
            concat_ws(' ', CASE WHEN v_event <> 'insert' THEN 'OLD TABLE AS old_rows' END,
                      CASE WHEN v_event <> 'delete' THEN 'NEW TABLE AS new_rows' END), p_function);
    END LOOP;
END $$;
COMMENT ON FUNCTION follow(text, text, text[]) IS
    'let a trigger function follow what statements insert, update or delete in a table, with new_rows and old_rows';

SELECT follow('exchange_rate', 'follow_exchange_rates', 'insert', 'update', 'delete'),
       follow('tax_rate', 'follow_taxes', 'insert', 'update', 'delete'),
       follow('tax_part', 'follow_taxes', 'insert', 'update', 'delete'),
       follow('cost_rate', 'follow_cost_rates', 'insert', 'update', 'delete'),
       follow('work_type', 'follow_kinds', 'update'), follow('project', 'follow_kinds', 'update'),
       follow('calendar', 'follow_zones', 'update'), follow('setting', 'follow_zones', 'update'),
       follow('contract', 'follow_contracts', 'insert', 'update'),
       follow('contract_line', 'follow_lines', 'insert', 'update'),
       follow('allotment', 'follow_allotments', 'update'),
       follow('task_item', 'price_tasks', 'insert', 'update', 'delete');

-- currency_code
CREATE TRIGGER currency_code_kept BEFORE UPDATE OF exponent ON currency_code
    FOR EACH ROW WHEN (NEW.exponent <> OLD.exponent) EXECUTE FUNCTION keep_meaning('exponent');

-- setting
CREATE TRIGGER setting_kept BEFORE UPDATE ON setting FOR EACH ROW EXECUTE FUNCTION keep_setting();
CREATE TRIGGER setting_stays BEFORE DELETE OR TRUNCATE ON setting
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('The books cannot be without their settings; change them '
                                                      'instead.');

-- direction
CREATE TRIGGER direction_named BEFORE DELETE OR UPDATE OF id ON direction
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- party
CREATE TRIGGER party_checked BEFORE INSERT OR UPDATE OR DELETE ON party
    FOR EACH ROW EXECUTE FUNCTION check_party();
CREATE TRIGGER party_named BEFORE DELETE OR UPDATE OF id ON party
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- employee
CREATE TRIGGER employee_named BEFORE DELETE OR UPDATE OF id ON employee
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- project
CREATE TRIGGER project_client_kept BEFORE UPDATE OF client_id ON project
    FOR EACH ROW WHEN (NEW.client_id <> OLD.client_id) EXECUTE FUNCTION keep_client();
CREATE TRIGGER project_disposed BEFORE INSERT ON project
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_disposition_changed BEFORE UPDATE OF billable ON project
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable')
        EXECUTE FUNCTION check_disposition();
CREATE TRIGGER project_named BEFORE DELETE OR UPDATE OF id ON project
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- deal
CREATE TRIGGER deal_amount_exact BEFORE INSERT OR UPDATE ON deal
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount');
CREATE TRIGGER deal_fits BEFORE INSERT OR UPDATE OF client_id, project_id ON deal
    FOR EACH ROW EXECUTE FUNCTION check_deal_project();
CREATE TRIGGER deal_named BEFORE DELETE OR UPDATE OF id ON deal
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- work_type
CREATE TRIGGER work_type_named BEFORE DELETE OR UPDATE OF id ON work_type
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- task
CREATE TRIGGER task_disposed BEFORE INSERT ON task
    FOR EACH ROW WHEN (NEW.billable <> 'billable') EXECUTE FUNCTION check_disposition();
CREATE TRIGGER task_disposition_changed BEFORE UPDATE OF billable ON task
    FOR EACH ROW WHEN (NEW.billable IS DISTINCT FROM OLD.billable AND NEW.billable IS DISTINCT FROM 'billable')
        EXECUTE FUNCTION check_disposition();
CREATE TRIGGER task_deal_fits BEFORE INSERT OR UPDATE OF project_id, deal_id, deal_stage_id, contract_id ON task
    FOR EACH ROW WHEN (num_nonnulls(NEW.deal_id, NEW.deal_stage_id, NEW.contract_id) > 0)
        EXECUTE FUNCTION check_task_deal();
CREATE TRIGGER task_named BEFORE DELETE OR UPDATE OF id ON task
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER task_followed AFTER UPDATE ON task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION follow_tasks();

-- item
CREATE TRIGGER item_named BEFORE DELETE OR UPDATE OF id ON item
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- price_list
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON price_list
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision: The books count what changes of the list.');
CREATE TRIGGER price_list_alone BEFORE INSERT OR UPDATE OF client_id, currency, is_default ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list_alone();
CREATE TRIGGER price_list_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_list_named BEFORE DELETE OR UPDATE OF id ON price_list
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER price_list_revised BEFORE UPDATE OF name, parent_id, discount_pct ON price_list
    FOR EACH ROW
    WHEN ((NEW.name, NEW.parent_id, NEW.discount_pct) IS DISTINCT FROM (OLD.name, OLD.parent_id, OLD.discount_pct))
        EXECUTE FUNCTION revise_price_list();
CREATE TRIGGER price_list_tree AFTER INSERT OR UPDATE OF parent_id, currency ON price_list
    FOR EACH ROW EXECUTE FUNCTION check_price_list();

-- price
CREATE TRIGGER price_conceded BEFORE INSERT OR UPDATE OF discount_pct ON price
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER price_cut BEFORE INSERT OR UPDATE OR DELETE ON price
    FOR EACH ROW EXECUTE FUNCTION check_price_cut();
CREATE TRIGGER price_has_effect BEFORE INSERT ON price
    FOR EACH ROW WHEN (NEW.price IS NULL AND NEW.discount_pct IS NULL) EXECUTE FUNCTION check_price_effect();
CREATE TRIGGER price_revised_new AFTER INSERT ON price REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();
CREATE TRIGGER price_revised_changed AFTER UPDATE ON price REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();
CREATE TRIGGER price_revised_gone AFTER DELETE ON price REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION revise_price_lists();

-- calendar_band
CREATE TRIGGER calendar_band_checked_on_insert AFTER INSERT ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();
CREATE TRIGGER calendar_band_checked_on_update AFTER UPDATE ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();

-- contract
CREATE TRIGGER contract_bound_changed BEFORE UPDATE ON contract
    FOR EACH ROW
    WHEN ((NEW.client_id, NEW.currency, NEW.period, NEW.anchor_day, NEW.anchor_month, NEW.parent_id, NEW.project_id,
           NEW.status, NEW.starts_on, NEW.ends_on) IS DISTINCT FROM
          (OLD.client_id, OLD.currency, OLD.period, OLD.anchor_day, OLD.anchor_month, OLD.parent_id, OLD.project_id,
           OLD.status, OLD.starts_on, OLD.ends_on))
    EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_bound_new BEFORE INSERT ON contract
    FOR EACH ROW WHEN (num_nonnulls(NEW.parent_id, NEW.project_id) > 0) EXECUTE FUNCTION lock_contract_parties();
CREATE TRIGGER contract_cap_exact BEFORE INSERT OR UPDATE OF cap_amount, period_cap_amount, minimum_charge, currency
    ON contract FOR EACH ROW EXECUTE FUNCTION check_exact('cap_amount', 'period_cap_amount', 'minimum_charge');
CREATE TRIGGER contract_conceded BEFORE INSERT OR UPDATE OF discount_pct ON contract
    FOR EACH ROW EXECUTE FUNCTION check_concession();
CREATE TRIGGER contract_ended BEFORE INSERT OR UPDATE OF status, ends_on ON contract
    FOR EACH ROW WHEN (NEW.status IN ('ended', 'cancelled') AND NEW.ends_on IS NULL) EXECUTE FUNCTION end_contract();
CREATE TRIGGER contract_fits AFTER INSERT OR UPDATE ON contract
    FOR EACH ROW EXECUTE FUNCTION check_contract();
CREATE TRIGGER contract_named BEFORE DELETE OR UPDATE OF id ON contract
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- contract_line
CREATE TRIGGER contract_line_completed BEFORE INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION complete_line();
CREATE TRIGGER contract_line_exact BEFORE INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION check_exact('amount', 'cost', 'included_amount');
CREATE TRIGGER contract_line_fits AFTER INSERT OR UPDATE ON contract_line
    FOR EACH ROW EXECUTE FUNCTION check_line();
CREATE TRIGGER contract_line_named BEFORE DELETE OR UPDATE OF id ON contract_line
    FOR EACH ROW EXECUTE FUNCTION keep_named();

-- allotment
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON allotment
    FOR EACH ROW EXECUTE FUNCTION own_columns('voided_at: void_block() takes an allotment back.',
                                              'charge_id: add_block() charges what it sells.');
CREATE TRIGGER allotment_burned BEFORE UPDATE OF amount, unit, contract_id ON allotment
    FOR EACH ROW EXECUTE FUNCTION keep_burned();

-- billing_period
CREATE TRIGGER billing_period_not_truncated BEFORE TRUNCATE ON billing_period
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('reopen_period() opens the last closed one.');

-- time_entry
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON time_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('approved_at: approve_entries() approves work.',
                                              'approved_by: approve_entries() approves work.',
                                              'created_at', 'created_by');
CREATE TRIGGER time_entry_changed_unseen BEFORE UPDATE ON time_entry
    FOR EACH ROW
    WHEN (OLD.approved_at = NEW.approved_at
          AND (NEW.employee_id, NEW.task_id, NEW.work_type_id, NEW.contract_id, NEW.started_at, NEW.ended_at,
               NEW.break_s, NEW.work_date, NEW.duration_s, NEW.billable, NEW.billable_s, NEW.price)
              IS DISTINCT FROM
              (OLD.employee_id, OLD.task_id, OLD.work_type_id, OLD.contract_id, OLD.started_at, OLD.ended_at,
               OLD.break_s, OLD.work_date, OLD.duration_s, OLD.billable, OLD.billable_s, OLD.price))
    EXECUTE FUNCTION withdraw_approval();
CREATE TRIGGER time_entry_named BEFORE UPDATE OF id ON time_entry
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER time_entry_not_truncated BEFORE TRUNCATE ON time_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the entries that are not billed; correct_entry() takes '
                                                      'billed ones back.');
CREATE TRIGGER time_entry_overridden BEFORE INSERT ON time_entry
    FOR EACH ROW WHEN (num_nonnulls(NEW.price, NEW.billable, NEW.billable_s) > 0) EXECUTE FUNCTION check_override();
CREATE TRIGGER time_entry_override_changed BEFORE UPDATE OF price, billable, billable_s ON time_entry
    FOR EACH ROW
    WHEN ((NEW.price, NEW.billable, NEW.billable_s) IS DISTINCT FROM (OLD.price, OLD.billable, OLD.billable_s))
    EXECUTE FUNCTION check_override();
CREATE TRIGGER time_entry_rated_changed AFTER UPDATE ON time_entry
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION rate_changed_entries();
CREATE TRIGGER time_entry_rated_new AFTER INSERT ON time_entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION finance.log_entries();
CREATE TRIGGER time_entry_unrated AFTER DELETE ON time_entry REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION unrate_deleted_entries();

-- rejected_entry
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON rejected_entry
    FOR EACH ROW EXECUTE FUNCTION own_columns('rejected_at');

-- terms
CREATE TRIGGER terms_append_only BEFORE UPDATE OR TRUNCATE ON terms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Terms are stamped on charges; change the contract or its price '
                                                      'lists instead.');
CREATE TRIGGER terms_owned BEFORE INSERT OR DELETE ON terms
    FOR EACH ROW EXECUTE FUNCTION own_table('Terms are stamped on charges; change the contract or its price lists '
                                            'instead.');

-- terms_source
CREATE TRIGGER terms_source_append_only BEFORE UPDATE OR TRUNCATE ON terms_source
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('It says of what terms were made; change the contract or its '
                                                      'price lists instead.');
CREATE TRIGGER terms_source_owned BEFORE INSERT OR DELETE ON terms_source
    FOR EACH ROW EXECUTE FUNCTION own_table('It says of what terms were made; change the contract or its price lists '
                                            'instead.');

-- list_snapshot
CREATE TRIGGER list_snapshot_append_only BEFORE UPDATE OR TRUNCATE ON list_snapshot
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Terms name it; change the price list instead.');
CREATE TRIGGER list_snapshot_owned BEFORE INSERT OR DELETE ON list_snapshot
    FOR EACH ROW EXECUTE FUNCTION own_table('Terms name it; change the price list instead.');

-- charge
CREATE TRIGGER charge_frozen BEFORE UPDATE OR DELETE ON charge
    FOR EACH ROW WHEN (OLD.frozen_at IS NOT NULL) EXECUTE FUNCTION guard_charge();
CREATE TRIGGER charge_named BEFORE UPDATE OF id ON charge
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER charge_not_truncated BEFORE TRUNCATE ON charge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Delete the time entries that are not billed; correct_entry() '
                                                      'takes billed ones back.');
CREATE TRIGGER charge_leaves_lines BEFORE DELETE ON charge
    FOR EACH ROW WHEN (OLD.frozen_at IS NULL) EXECUTE FUNCTION leave_lines();
CREATE TRIGGER charge_moves_from_lines BEFORE UPDATE ON charge
    FOR EACH ROW WHEN (NOT OLD.committed AND (OLD.client_id, OLD.project_id, OLD.task_id, OLD.service_date)
                       IS DISTINCT FROM (NEW.client_id, NEW.project_id, NEW.task_id, NEW.service_date))
    EXECUTE FUNCTION leave_lines();
-- last of the row triggers, so that what is frozen says so
CREATE TRIGGER charge_owned BEFORE INSERT OR UPDATE OR DELETE ON charge
    FOR EACH ROW EXECUTE FUNCTION own_table('Charges follow the work: change the time entry, the task or the contract, '
                                            'or use charge_item() and adjust_charge().');

-- account
CREATE TRIGGER account_kept BEFORE UPDATE OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION keep_account();
CREATE TRIGGER account_in_section AFTER INSERT OR UPDATE OF line ON account
    FOR EACH STATEMENT EXECUTE FUNCTION check_statement_lines();

-- statement_line
CREATE TRIGGER statement_line_checked AFTER INSERT OR UPDATE OR DELETE ON statement_line
    FOR EACH STATEMENT EXECUTE FUNCTION check_statement_lines();

-- period_lock
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH ROW EXECUTE FUNCTION own_columns('locked_at', 'locked_by');
CREATE TRIGGER period_lock_waits BEFORE INSERT OR UPDATE ON period_lock
    FOR EACH STATEMENT EXECUTE FUNCTION await_posting();

-- entry
CREATE TRIGGER entry_checked AFTER INSERT ON entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

-- cash_account
CREATE TRIGGER cash_account_kept BEFORE UPDATE OF currency, account_id ON cash_account
    FOR EACH ROW WHEN ((NEW.currency, NEW.account_id) IS DISTINCT FROM (OLD.currency, OLD.account_id))
        EXECUTE FUNCTION keep_meaning('currency and account');
CREATE TRIGGER cash_account_opened BEFORE INSERT ON cash_account
    FOR EACH ROW EXECUTE FUNCTION open_cash_account();

-- payment
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION own_columns('revision', 'made_from: record_payment() keeps it.');
CREATE TRIGGER payment_checked BEFORE INSERT OR UPDATE OR DELETE ON payment
    FOR EACH ROW EXECUTE FUNCTION check_payment();
CREATE TRIGGER payment_completed BEFORE INSERT OR UPDATE ON payment
    FOR EACH ROW EXECUTE FUNCTION complete_payment();
CREATE TRIGGER payment_kept BEFORE DELETE ON payment
    FOR EACH ROW WHEN (OLD.status <> 'planned') EXECUTE FUNCTION refuse_posted_payment();
CREATE TRIGGER payment_named BEFORE UPDATE OF id ON payment
    FOR EACH ROW EXECUTE FUNCTION keep_named();
CREATE TRIGGER payment_not_truncated BEFORE TRUNCATE ON payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('Set the status of payments to void: that posts the reversals.');
SELECT follow('payment', 'follow_payments', 'insert', 'update');

-- notification
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON notification
    FOR EACH ROW EXECUTE FUNCTION own_columns('created_at');

-- number_series
CREATE TRIGGER number_series_kept BEFORE UPDATE OR DELETE ON number_series
    FOR EACH ROW EXECUTE FUNCTION guard_number_series();

-- dunning_level
CREATE TRIGGER dunning_level_exact BEFORE INSERT OR UPDATE OF fee, currency ON dunning_level
    FOR EACH ROW EXECUTE FUNCTION check_exact('fee');
CREATE TRIGGER dunning_level_words BEFORE INSERT OR UPDATE OF words ON dunning_level
    FOR EACH ROW EXECUTE FUNCTION check_dunning_words();

-- document
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON document
    FOR EACH ROW EXECUTE FUNCTION own_columns('status_by: transition() says it.',
                                              'status_said_by: transition() says it.',
                                              'revision: revise() makes the next one.',
                                              'kept: Issue the document: transition(document, ''sent'') keeps it.',
                                              'created_at', 'created_by');
CREATE TRIGGER document_guarded BEFORE INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION guard_document();
CREATE TRIGGER document_drawn AFTER UPDATE ON document
    FOR EACH ROW WHEN (OLD.issued_at IS NULL AND NEW.issued_at IS NOT NULL AND NOT NEW.incoming)
    EXECUTE FUNCTION keep_page();
CREATE TRIGGER document_not_truncated BEFORE TRUNCATE ON document
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
CREATE TRIGGER document_followed AFTER INSERT OR UPDATE OR DELETE ON document
    FOR EACH ROW EXECUTE FUNCTION follow_document();

-- document_line
CREATE TRIGGER document_line_not_truncated BEFORE TRUNCATE ON document_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('discard() deletes a draft, void() takes back what was issued.');
CREATE TRIGGER document_line_checked_changed AFTER UPDATE ON document_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();
CREATE TRIGGER document_line_checked_gone AFTER DELETE ON document_line REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();
CREATE TRIGGER document_line_checked_new AFTER INSERT ON document_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION check_document_lines();

-- document_status_change
CREATE TRIGGER document_status_change_told AFTER INSERT ON document_status_change REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tell_steps();

-- payment_allocation
CREATE TRIGGER a_owned_columns BEFORE INSERT OR UPDATE ON payment_allocation
    FOR EACH ROW EXECUTE FUNCTION own_columns('allocated_at', 'allocated_by');
SELECT follow('payment_allocation', 'follow_allocations', 'insert', 'update', 'delete');

-- brand
CREATE TRIGGER brand_owner BEFORE INSERT OR UPDATE OF own_id ON brand
    FOR EACH ROW EXECUTE FUNCTION check_page_owner();

-- template
CREATE TRIGGER template_body BEFORE INSERT OR UPDATE OF kind, body ON template
    FOR EACH ROW EXECUTE FUNCTION check_template_body();
CREATE TRIGGER template_owner BEFORE INSERT OR UPDATE OF own_id ON template
    FOR EACH ROW EXECUTE FUNCTION check_page_owner();
CREATE TRIGGER tax_rate_of_one BEFORE INSERT OR UPDATE ON tax_rate FOR EACH ROW EXECUTE FUNCTION keep_tax();
CREATE TRIGGER tax_part_of_rated BEFORE INSERT OR UPDATE ON tax_part FOR EACH ROW EXECUTE FUNCTION keep_tax();
CREATE TRIGGER tax_kept BEFORE UPDATE ON tax FOR EACH ROW EXECUTE FUNCTION keep_tax();
