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

CREATE FUNCTION close_due(p_base contract, p_through date)
    RETURNS TABLE (period_start date, period_end date, outcome text, charges bigint, amount numeric(18,2),
                   currency text, message text, state text, hint text)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_span daterange;
BEGIN
    LOOP
        v_span := (open_period(p_base)).span;
        EXIT WHEN lower(v_span) > p_base.ends_on AND NOT is_left_open(p_base.id)
            OR least(upper(v_span), p_base.ends_on + 1) > least(p_through + 1, contract_today(p_base));
        period_start := lower(v_span);
        period_end := upper(v_span);
        BEGIN
            SELECT 'closed', c.charges, c.amount, c.currency INTO outcome, charges, amount, currency
              FROM close_period(p_base.id, period_start) c;
            RETURN NEXT;
        EXCEPTION
            -- what the books refuse; what fails otherwise is not the contract's fault, and ends the run
            WHEN data_exception OR integrity_constraint_violation OR insufficient_privilege THEN
                outcome := 'refused';
                charges := NULL;
                amount := NULL;
                currency := p_base.currency;
                GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
                RETURN NEXT;
                EXIT;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION close_due(contract, date) IS
    'close the periods of a base contract that are over by a day, one row for each, until one is refused, which is the '
    'last row with its message, SQLSTATE and hint';

-- Not STABLE: it looks at what its own statement drafted.
CREATE FUNCTION told_draft(p_contract contract, p_document bigint, p_problem text, p_state text, p_hint text)
    RETURNS TABLE (period_start date, period_end date, outcome text, charges bigint, amount numeric(18,2),
                   currency text, message text, state text, hint text)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
        -- what is drafted reaches from the first service period on it to the end of the last
        SELECT min(h.period_start), upper(service_period(p_contract, max(h.period_start))),
               CASE WHEN p_problem IS NULL THEN 'drafted' ELSE 'refused' END, count(l.id),
               (SELECT sum(f.net)::numeric(18,2) FROM document_figures(p_document) f), p_contract.currency,
               coalesce(p_problem, document_name(p_document)), p_state, p_hint
          FROM (SELECT) one
          LEFT JOIN document_line l ON l.document_id = p_document
          LEFT JOIN charge h ON h.id = l.charge_id;
END $$;
COMMENT ON FUNCTION told_draft(contract, bigint, text, text, text) IS
    'the row of a billing run that tells a draft, or why there is none';

CREATE FUNCTION check_through(p_through date) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF p_through IS NULL OR NOT isfinite(p_through) THEN
        RAISE EXCEPTION 'a billing run needs the day through which to bill'
            USING ERRCODE = 'invalid_parameter_value',
                HINT = 'On the 1st of a month pass the last day of the month before.';
    END IF;
END $$;
COMMENT ON FUNCTION check_through(date) IS 'refuse (22023) to bill through no day';

CREATE FUNCTION run_billing(through date DEFAULT books_today())
    RETURNS TABLE (contract_id bigint, contract text, period_start date, period_end date, outcome text, charges bigint,
                   amount numeric(18,2),
                   currency text, message text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_name text := current_setting('application_name');
    v_contracts bigint[];
    v_base contract;
    v_done bigint := 0;
    v_refused bigint := 0;
BEGIN
    PERFORM check_through(through);
    -- All locks at once and in order: the run holds them to its end.
    PERFORM lock_parties(ARRAY(SELECT d.client_id FROM to_close(through) d
                               UNION SELECT c.client_id FROM contract c WHERE c.auto_bill <> 'none'));
    v_contracts := ARRAY(SELECT d.contract_id FROM to_close(through) d ORDER BY 1);
    FOREACH contract_id IN ARRAY v_contracts LOOP
        PERFORM tell_progress(v_done, cardinality(v_contracts), v_refused);
        v_base := base_contract(contract_id);
        contract := v_base.number;
        FOR period_start, period_end, outcome, charges, amount, currency, message, state, hint IN
            SELECT * FROM close_due(v_base, through)
        LOOP
            v_refused := v_refused + (outcome = 'refused')::integer;
            RETURN NEXT;
        END LOOP;
        v_done := v_done + 1;
    END LOOP;
    RETURN QUERY
        SELECT c.id, c.number, t.*
          FROM draft_due_documents(through) d
          JOIN contract c ON c.id = d.contract_id
         CROSS JOIN LATERAL told_draft(c, d.document_id, d.problem, d.state, d.hint) t;
    PERFORM set_config('application_name', v_name, true);
END $$;
COMMENT ON FUNCTION run_billing(date) IS
    'close every period of every contract that is over by a day (today where none is given), the 1st-of-the-month run: '
    'one row for each period, outcome closed or refused with the message, its SQLSTATE and hint; a contract that is '
    'refused keeps its periods open and stops no other. Contracts with auto_bill then get their drafts by '
    'draft_due_documents(): outcome drafted, with the name of the document. The same call again closes nothing twice. '
    'All in one transaction, which keeps every contract of it to its end: bill_contracts() commits each. Watch it in '
    'billing_progress';
SELECT allow('controller', 'execute', 'run_billing');

CREATE FUNCTION contracts_to_bill(through date) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM check_through(through);
    RETURN ARRAY(SELECT d.contract_id FROM to_close(through) d
                 UNION SELECT c.id FROM contract c WHERE wants_draft(c) ORDER BY 1);
END $$;
COMMENT ON FUNCTION contracts_to_bill(date) IS
    'the base contracts that a billing run looks at: those with a period to close, or that get drafts by themselves; '
    'refused (22023) for no day';
SELECT allow('controller', 'execute', 'contracts_to_bill');

CREATE FUNCTION bill_contract(contract_id bigint, through date, done bigint DEFAULT 0, total bigint DEFAULT 1,
                              refused bigint DEFAULT 0)
    RETURNS TABLE (contract text, period_start date, period_end date, outcome text, charges bigint,
                   amount numeric(18,2), currency text, message text, state text, hint text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
DECLARE
    v_base contract;
BEGIN
    PERFORM check_through(through), tell_progress(done, total, refused);
    v_base := lock_contract(bill_contract.contract_id);
    RETURN QUERY SELECT v_base.number, c.* FROM close_due(v_base, through) c;
    RETURN QUERY
        SELECT v_base.number, t.*
          FROM draft_due(v_base, through) d
         CROSS JOIN LATERAL told_draft(v_base, d.document_id, d.problem, d.state, d.hint) t
         WHERE wants_draft(v_base) AND num_nonnulls(d.document_id, d.problem) > 0;
END $$;
COMMENT ON FUNCTION bill_contract(bigint, date, bigint, bigint, bigint) IS
    'what run_billing() does for one contract, its base''s where it is a companion: rows as there. done, total and '
    'refused are what billing_progress tells meanwhile. Refused: an unknown contract (23503), no day (22023)';
SELECT allow('controller', 'execute', 'bill_contract');

-- A procedure that commits can carry no settings and is nobody's but the caller's:
-- it names the schema of these books, and all it calls has rights and settings.
DO $do$
BEGIN
    EXECUTE format($procedure$
        CREATE OR REPLACE PROCEDURE bill_contracts(through date DEFAULT books_today())
            LANGUAGE plpgsql
        AS $body$
        DECLARE
            v_contracts bigint[];
            v_row record;
            v_no integer;
            v_refused bigint := 0;
        BEGIN
            COMMIT;  -- nothing of the caller's is kept open, and where he keeps a transaction it says so at once
            v_contracts := %1$I.contracts_to_bill(through);
            FOR v_no IN 1 .. pg_catalog.cardinality(v_contracts) LOOP
                FOR v_row IN
                    SELECT * FROM %1$I.bill_contract(v_contracts[v_no], through, v_no - 1,
                                                     pg_catalog.cardinality(v_contracts), v_refused)
                LOOP
                    RAISE NOTICE 'contract %% of %%, %%: %%', v_no, pg_catalog.cardinality(v_contracts), v_row.contract,
                        pg_catalog.concat_ws(' ', v_row.outcome, finance.iso(v_row.period_start), v_row.amount,
                                             v_row.currency, v_row.message);
                    IF v_row.outcome = 'refused' THEN
                        v_refused := v_refused + 1;
                    END IF;
                END LOOP;
                COMMIT;
            END LOOP;
        END $body$ $procedure$, current_schema());
END $do$;
COMMENT ON PROCEDURE bill_contracts(date) IS
    'the 1st-of-the-month run as run_billing() makes it, each contract in a transaction of its own: work can be logged '
    'meanwhile, a crash loses one contract''s step, and the same call again goes on. Every outcome is a NOTICE; what '
    'was refused stays in billing_due. Watch it in billing_progress. Not to be called in a transaction (2D000)';
SELECT allow('controller', 'execute', 'bill_contracts');
