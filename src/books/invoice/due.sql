-- ---------------------------------------------------------------------------
-- due: drafts of what is due at the end of a period
-- ---------------------------------------------------------------------------

-- What a month's end asks for: a draft for a contract that wants one.
CREATE FUNCTION draft_due(p_contract contract, p_through date, OUT document_id bigint, OUT problem text,
                          OUT state text, OUT hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c_filter CONSTANT jsonb := jsonb_build_object('contract', to_jsonb(contract_group(p_contract.id)),
                                                  'to', lower(service_period(p_contract, p_through + 1)) - 1);
BEGIN
    SELECT d.id INTO document_id FROM document d JOIN document_state s USING (kind, status)
     WHERE d.kind = p_contract.auto_bill AND s.draft AND d.made_from = c_filter
       AND d.contract_id = p_contract.id LIMIT 1;
    IF FOUND THEN
        PERFORM refresh_draft(document_id);
    ELSE
        document_id := build_over_work(p_contract.auto_bill, c_filter, '{}');
    END IF;
EXCEPTION
    -- Refusals of the books stop one contract.  Whatever else goes wrong (a lock, the
    -- disk, a fault of ours) stops the whole call, which can be made again.
    WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
        GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
        document_id := NULL;
END $$;
COMMENT ON FUNCTION draft_due(contract, date) IS
    'draft, or refresh, the report or invoice that a base contract asks for over its work of service periods that end '
    'on or before a day; all NULL where there is nothing to bill, a refusal as problem, SQLSTATE and way out';

CREATE FUNCTION wants_draft(p_contract contract) RETURNS boolean
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT p_contract.auto_bill <> 'none' AND p_contract.parent_id IS NULL
           AND p_contract.status IN ('active', 'ended');
END;
COMMENT ON FUNCTION wants_draft(contract) IS 'does a contract get its drafts by itself?';

CREATE FUNCTION draft_due_documents(through date) RETURNS TABLE (contract_id bigint, document_id bigint,
                                                                 problem text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_contract contract;
BEGIN
    FOR v_contract IN SELECT c.* FROM contract c WHERE wants_draft(c) ORDER BY c.id LOOP
        contract_id := v_contract.id;
        SELECT d.document_id, d.problem, d.state, d.hint INTO document_id, problem, state, hint
          FROM draft_due(v_contract, through) d;
        IF num_nonnulls(document_id, problem) > 0 THEN  -- nothing to bill is no problem
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
COMMENT ON FUNCTION draft_due_documents(date) IS
    'draft the reports or invoices that contracts ask for (contract.auto_bill) over their work of service periods that '
    'end on or before a day; running it again refreshes the drafts; a contract that is refused is a row with its '
    'problem, SQLSTATE and way out, and stops no other';
SELECT allow('clerk', 'execute', 'draft_due_documents');
