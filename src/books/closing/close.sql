-- ---------------------------------------------------------------------------
-- close: service periods are closed in order, each once
--
-- Closing a period makes its fees and minimum charge, freezes and posts what
-- was charged in it, and carries over what is left of included hours.  A base
-- contract and its companions have the same periods and close together.
-- ---------------------------------------------------------------------------

CREATE FUNCTION close_period(contract_id bigint, period_start date, OUT period_end date, OUT charges bigint,
                             OUT amount numeric, OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange := service_period(v_base, period_start);
    v_group bigint[] := contract_group(v_base.id);
    v_last_allotment bigint;
BEGIN
    IF v_base.id <> contract_id THEN
        RAISE EXCEPTION 'contract % is a companion and closes with its base', contract_id
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Close the period of contract %s.', v_base.id);
    END IF;
    IF NOT EXISTS (SELECT FROM billing_period b WHERE b.contract_id = v_base.id
                   AND b.period_start = close_period.period_start) THEN
        PERFORM check_closable(v_base, period_start);
        PERFORM rate_unrated(v_base, v_span);
        PERFORM plan_for(1);
        PERFORM charge_fees_of(v_base, v_span);
        PERFORM make_corrections(v_base.id);
        PERFORM charge_minimum(v_base.id, v_span);
        PERFORM grant_included(v_base.id, ARRAY[period_start]);
        v_last_allotment := last_allotment(v_base.id);
        PERFORM freeze_period(v_base, v_span);
        INSERT INTO billing_period (contract_id, period_start, period_end)
        SELECT c.id, lower(v_span), upper(v_span) FROM contract c
         WHERE c.id = ANY (v_group) AND c.status <> 'draft' ORDER BY c.id;
        PERFORM carry_over(v_base, period_start);
        IF EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = v_base.id)
            AND EXISTS (SELECT FROM charge h WHERE h.contract_id = v_base.id AND NOT h.committed
                        AND h.period_start >= upper(v_span)) THEN
            PERFORM grant_included(v_base.id, ARRAY[upper(v_span)]);
            -- Only what was granted or carried over just now changes later work.
            PERFORM rate_again(v_base, upper(v_span)) WHERE last_allotment(v_base.id) IS DISTINCT FROM v_last_allotment;
        END IF;
    END IF;
    SELECT upper(v_span), count(*), coalesce(sum(h.amount), 0)::numeric(18,2), v_base.currency INTO period_end, charges,
        amount, currency
      FROM charge h
     WHERE h.contract_id = ANY (v_group) AND h.period_start = lower(v_span) AND h.frozen_at IS NOT NULL;
END $$;
COMMENT ON FUNCTION close_period(bigint, date) IS
    'close one service period of a contract and its companions: rate what could not be rated before, charge fees and '
    'minimum, freeze and post, carry included hours over. Periods close in order and when they are over, or the '
    'contract is; a closed one stays as it is. Returns the frozen charges of the period and their sum. Refused: out of '
    'order, not over, unrated work (23001), companions and days on which no period starts (22023)';
SELECT allow('controller', 'execute', 'close_period');

CREATE FUNCTION reopen_period(contract_id bigint, period_start date, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_period billing_period;
    v_charge bigint;
BEGIN
    IF v_base.late_policy <> 'reopen' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'contract "%" does not reopen periods without a reason or against its late_policy',
            v_base.number
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('late_policy is %s, the reason "%s".', v_base.late_policy, reason),
                HINT = 'Set late_policy to reopen, and say why.';
    END IF;
    SELECT * INTO v_period FROM billing_period b WHERE b.contract_id = v_base.id ORDER BY b.period_start DESC LIMIT 1;
    IF v_period.period_start IS DISTINCT FROM period_start THEN
        RAISE EXCEPTION 'the period of % is not the last closed one of contract "%"', period_start, v_base.number
            USING ERRCODE = 'restrict_violation',
                HINT = coalesce(format('That is the period of %s.', v_period.period_start), 'It has none.');
    END IF;
    SELECT h.id INTO v_charge
      FROM charge h
     WHERE h.contract_id = ANY (contract_group(v_base.id)) AND h.period_start = v_period.period_start
         AND is_on_document(h.id) ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period of % of contract "%" is billed', period_start, v_base.number
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge),
                HINT = 'Void that document first, or bill late work in the open period.';
    END IF;
    SELECT a.id INTO v_charge
      FROM contract c
      JOIN allotment a ON a.contract_id = c.id AND a.period_start = v_period.period_end AND a.voided_at IS NULL
      JOIN allotment s ON s.id = a.source_id AND s.kind = 'included' AND s.contract_line_id = a.contract_line_id
     WHERE v_base.id IN (c.id, c.parent_id) AND allotment_held(a.id) > 0 ORDER BY a.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours carried over from the period of % have covered work that is billed', period_start
            USING ERRCODE = 'restrict_violation', DETAIL = format('Allotment %s.', v_charge),
                HINT = 'Bill late work in the open period.';
    END IF;
    DELETE FROM billing_period b USING contract c
     WHERE c.id = b.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id)
         AND b.period_start = v_period.period_start;
    INSERT INTO history (table_name, row_key, action, new_values)
    VALUES ('billing_period', format('%s/%s', v_base.id, to_char(v_period.period_start, 'YYYY-MM-DD')), 'reopen',
            jsonb_build_object('reason', reason));
    PERFORM plan_for(1000);
    PERFORM follow_life(v_base);
    PERFORM rate_again(v_base, v_period.period_start);
END $$;
COMMENT ON FUNCTION reopen_period(bigint, date, text) IS
    'open the last closed period of a contract again for late work, where its late_policy is reopen: what is frozen '
    'stays posted, work that waits as late comes back, hours carried over are taken back. Refused (23001): another '
    'period, one with a charge on an issued document, without a reason';
SELECT allow('controller', 'execute', 'reopen_period');
