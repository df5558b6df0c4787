-- ---------------------------------------------------------------------------
-- access: four levels of rights, granted to the roles a company names
-- ---------------------------------------------------------------------------

-- What the ledger, charges and documents hold is written by the functions of
-- the books only; a level grants verbs on what people enter.
CREATE FUNCTION grant_access(p_role text, p_level text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    c_clerk_tables CONSTANT text[] := '{party,employee,employee_login,project,deal,deal_stage,task,payment,rejected_entry}';
    c_approval CONSTANT text[] := '{approved_at,approved_by}';  -- of time_entry: approve_entries() sets them
    c_clerk_functions CONSTANT text[] := '{ingest_entries,ingest_batch,accept_stage,charge_item,charge_expense,build_report,build_invoice,'
        'draft_document,refresh_draft,discard,revise,transition,issue_specification,issue_invoice,issue_act,credit,void,make_deal,make_stages,'
        'draft_due_documents,record_bill,pay_bill,set_signature,allocate_payment,apply_credit,unallocate,share,revoke_share,shared_report,'
        'shared_page,answer_shared}';
    c_guest_functions CONSTANT text[] := '{shared_report,shared_page,answer_shared}';
    c_admin_tables CONSTANT text[] := '{time_entry,setting,currency_code,exchange_rate,direction,cost_rate,work_type,item,price_list,price,calendar,calendar_band,'
        'contract,contract_line,band_rule,allotment,account,cash_account,period_lock,page_label,brand,template}';
    v_schema text := current_schema();
    v_role text := quote_ident(p_role);
    v_object record;
BEGIN
    IF p_level NOT IN ('guest', 'reader', 'clerk', 'admin') THEN
        RAISE EXCEPTION 'unknown level of access "%"', p_level
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Levels are guest, reader, clerk and admin.';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', v_schema, v_role);
    IF p_level = 'guest' THEN
        FOR v_object IN
            SELECT p.oid::regprocedure AS name FROM pg_proc p
             WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = v_schema) AND p.proname = ANY (c_guest_functions)
        LOOP
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', v_object.name, v_role);
        END LOOP;
        RETURN;
    END IF;
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %s', v_schema, v_role);
    FOR v_object IN
        SELECT p.oid::regprocedure AS name, p.provolatile, p.proname::text AS proname, p.prorettype = 'trigger'::regtype AS is_trigger FROM pg_proc p
         WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = v_schema)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    LOOP
        IF v_object.provolatile <> 'v' OR p_level = 'admin' AND NOT v_object.is_trigger
            OR p_level = 'clerk' AND v_object.proname = ANY (c_clerk_functions) THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', v_object.name, v_role);
        END IF;
    END LOOP;
    IF p_level = 'reader' THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %s', v_schema, v_role);
    FOR v_object IN SELECT unnest(c_clerk_tables || CASE WHEN p_level = 'admin' THEN c_admin_tables END) AS name LOOP
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I.%I TO %s', v_schema, v_object.name, v_role);
    END LOOP;
    IF p_level = 'clerk' THEN
        EXECUTE (SELECT format('GRANT DELETE, INSERT (%1$s), UPDATE (%1$s) ON %2$I.time_entry TO %3$s',
                               string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), v_schema, v_role)
                   FROM pg_attribute a
                  WHERE a.attrelid = 'time_entry'::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (c_approval));
    END IF;
END $$;
COMMENT ON FUNCTION grant_access(text, text) IS
    'give a role access to these books: guest (a web page: what a share link opens, and its answer), reader (BI: every view and table to read), clerk (CRM: work, payments, documents), admin (configuration, '
    'approval, closing, corrections too); call again after an upgrade';

-- Functions are open to PUBLIC where nobody says otherwise; these are not.
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_proc p
         WHERE p.pronamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema())
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
    END LOOP;
END $$;
