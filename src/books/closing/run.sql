-- ---------------------------------------------------------------------------
-- run: all periods that are due, contract by contract
-- ---------------------------------------------------------------------------

-- Other sessions cannot see what an open transaction has written, but they see
-- its application_name at once: the run tells there how far it is.
CREATE FUNCTION tell_progress(p_done bigint, p_total bigint, p_refused bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('application_name',
                       format('finance run_billing %s: %s of %s, %s refused', 'setting'::regclass::oid, p_done, p_total,
                              p_refused), true);
END $$;
COMMENT ON FUNCTION tell_progress(bigint, bigint, bigint) IS
    'say in application_name how far a billing run is; the rest of the transaction keeps it';

CREATE VIEW billing_progress WITH (security_invoker) AS
    SELECT a.pid, a.usename::text AS username, m.part[1]::bigint AS contracts_done,
        m.part[2]::bigint AS contracts_total,
           m.part[3]::bigint AS contracts_refused, a.xact_start AS started_at
      FROM pg_stat_activity a
     CROSS JOIN LATERAL regexp_match(a.application_name,
            '^finance run_billing ' || 'setting'::regclass::oid || ': ([0-9]+) of ([0-9]+), ([0-9]+) refused$')
                AS m (part)
     WHERE m.part IS NOT NULL;
COMMENT ON VIEW billing_progress IS
    'billing runs of these books that are under way, as seen from any session: how many of the due contracts are done, '
    'how many of them were refused; started_at is NULL without the right to see it';
SELECT allow('reader', 'select', 'billing_progress');

CREATE FUNCTION run_billing(through date DEFAULT books_today())
    RETURNS TABLE (contract_id bigint, contract text, period_start date, period_end date, outcome text, charges bigint,
                   amount numeric(18,2),
                   currency text, message text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_name text := current_setting('application_name');
    v_contracts bigint[];
    v_base contract;
    v_span daterange;
    v_closed record;
    v_draft record;
    v_done bigint := 0;
    v_refused bigint := 0;
BEGIN
    IF through IS NULL OR NOT isfinite(through) THEN
        RAISE EXCEPTION 'run_billing needs the day through which to bill'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'On the 1st of a month pass the last day of the month before.';
    END IF;
    -- All locks at once and in order: the run holds them to its end.
    PERFORM lock_parties(ARRAY(SELECT d.client_id FROM to_close(through) d
                               UNION SELECT c.client_id FROM contract c WHERE c.auto_bill <> 'none'));
    v_contracts := ARRAY(SELECT d.contract_id FROM to_close(through) d ORDER BY 1);
    FOREACH contract_id IN ARRAY v_contracts LOOP
        PERFORM tell_progress(v_done, cardinality(v_contracts), v_refused);
        v_base := base_contract(contract_id);
        LOOP
            v_span := (open_period(v_base)).span;
            EXIT WHEN lower(v_span) > v_base.ends_on AND NOT is_left_open(v_base.id)
                OR least(upper(v_span), v_base.ends_on + 1) > least(through + 1, contract_today(v_base));
            contract := v_base.number;
            period_start := lower(v_span);
            period_end := upper(v_span);
            BEGIN
                SELECT * INTO v_closed FROM close_period(contract_id, period_start);
                outcome := 'closed';
                charges := v_closed.charges;
                amount := v_closed.amount;
                currency := v_closed.currency;
                message := NULL;
                state := NULL;
                hint := NULL;
                RETURN NEXT;
            EXCEPTION
                -- what the books refuse; what fails otherwise is not the contract's fault, and ends the run
                WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
                    v_refused := v_refused + 1;
                    outcome := 'refused';
                    charges := NULL;
                    amount := NULL;
                    currency := v_base.currency;
                    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                    RETURN NEXT;
                    EXIT;
            END;
        END LOOP;
        v_done := v_done + 1;
    END LOOP;
    FOR v_draft IN
        SELECT d.document_id, d.problem, d.state, d.hint, c.id, c.number, c.currency
            FROM draft_due_documents(through) d JOIN contract c ON c.id = d.contract_id
    LOOP
        contract_id := v_draft.id;
        contract := v_draft.number;
        -- what is drafted reaches from the first service period on it to the end of the last
        SELECT min(h.period_start), upper(service_period(c, max(h.period_start))) INTO period_start,
            period_end
          FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN contract c ON c.id = v_draft.id
         WHERE l.document_id = v_draft.document_id GROUP BY c.id;
        outcome := CASE WHEN v_draft.problem IS NULL THEN 'drafted' ELSE 'refused' END;
        charges := (SELECT count(*) FROM document_line l WHERE l.document_id = v_draft.document_id);
        amount := (SELECT sum(f.net)::numeric(18,2) FROM document_figures(v_draft.document_id) f);
        currency := v_draft.currency;
        message := coalesce(v_draft.problem, document_name(v_draft.document_id));
        state := v_draft.state;
        hint := v_draft.hint;
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('application_name', v_name, true);
END $$;
COMMENT ON FUNCTION run_billing(date) IS
    'close every period of every contract that is over by a day (today where none is given), the 1st-of-the-month run: '
    'one row for each period, outcome closed or refused with the message, its SQLSTATE and hint; a contract that is '
    'refused keeps its periods open and stops no other. Contracts with auto_bill then get their drafts by '
    'draft_due_documents(): outcome drafted, with the name of the document. The same call again closes nothing twice. '
    'Watch it in billing_progress';
SELECT allow('controller', 'execute', 'run_billing');
