-- ---------------------------------------------------------------------------
-- due: drafts of what is due at the end of a period
-- ---------------------------------------------------------------------------

-- What a month's end asks for: drafts for contracts that want them.
CREATE FUNCTION draft_due_documents(through date) RETURNS TABLE (contract_id bigint, document_id bigint,
                                                                 problem text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_contract record;
    v_filter jsonb;
BEGIN
    FOR v_contract IN
        SELECT c.id, c.auto_bill, lower(service_period(c, through + 1)) - 1 AS until,
               ARRAY(SELECT g.id FROM contract g WHERE g.id = c.id OR g.parent_id = c.id ORDER BY 1) AS contracts
          FROM contract c WHERE c.auto_bill <> 'none' AND c.parent_id IS NULL AND c.status IN ('active', 'ended')
         ORDER BY c.id
    LOOP
        contract_id := v_contract.id;
        problem := NULL;
        state := NULL;
        hint := NULL;
        v_filter := jsonb_build_object('contract', to_jsonb(v_contract.contracts), 'to', v_contract.until);
        BEGIN
            SELECT d.id INTO document_id FROM document d JOIN document_state s USING (kind, status)
             WHERE d.kind = v_contract.auto_bill AND s.draft AND d.made_from = v_filter
               AND d.contract_id = v_contract.id LIMIT 1;
            IF FOUND THEN
                PERFORM refresh_draft(document_id);
            ELSE
                document_id := build_over_work(v_contract.auto_bill, v_filter, '{}');
            END IF;
            IF document_id IS NOT NULL THEN  -- nothing to bill is no problem
                RETURN NEXT;
            END IF;
        EXCEPTION
            -- Refusals of the books stop one contract.  Whatever else goes wrong (a lock, the
            -- disk, a fault of ours) stops the whole call, which can be made again.
            WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
                GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                document_id := NULL;
                RETURN NEXT;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION draft_due_documents(date) IS
    'draft the reports or invoices that contracts ask for (contract.auto_bill) over their work of service periods that '
    'end on or before a day; running it again refreshes the drafts; a contract that is refused is a row with its '
    'problem, SQLSTATE and way out, and stops no other';
SELECT allow('clerk', 'execute', 'draft_due_documents');
