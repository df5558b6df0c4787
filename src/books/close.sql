-- ---------------------------------------------------------------------------
-- close: service periods are closed in order, each once
--
-- Closing a period makes its fees and minimum charge, freezes and posts what
-- was charged in it, and carries over what is left of included hours.  A base
-- contract and its companions have the same periods and close together.
-- ---------------------------------------------------------------------------

CREATE VIEW billing_due WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number AS contract, c.client_id, k.name AS client, lower(o.span) AS period_start, upper(o.span) AS period_end,
           least(upper(o.span), c.ends_on + 1) AS over_on
      FROM contract c
      JOIN party k ON k.id = c.client_id
     CROSS JOIN LATERAL open_period(c) o
     WHERE c.parent_id IS NULL AND c.status <> 'draft' AND lower(o.span) <= coalesce(c.ends_on, 'infinity');
COMMENT ON VIEW billing_due IS
    'the next service period that each base contract has to close; period_end is exclusive, over_on the first day on which it can be closed';
SELECT allow('reader', 'select', 'billing_due');

CREATE FUNCTION contract_today(p_base contract) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE contract_zone((p_base).calendar_id))::date;
END;
COMMENT ON FUNCTION contract_today(contract) IS 'today in a contract''s zone';

CREATE FUNCTION check_closable(p_base contract, p_start date) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_span daterange := period_of(p_start, p_base.period, p_base.anchor_day);
    v_open daterange := (open_period(p_base)).span;
BEGIN
    IF p_base.status = 'draft' THEN
        RAISE EXCEPTION 'contract "%" is a draft and has no periods', p_base.number
            USING ERRCODE = 'restrict_violation', HINT = 'Activate it first.';
    END IF;
    IF lower(v_span) IS DISTINCT FROM p_start OR p_start IS NULL THEN
        RAISE EXCEPTION 'no period of contract "%" starts on %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value', HINT = coalesce('The period of that day starts on ' || lower(v_span) || '.', 'View billing_due has the period that is to be closed next.');
    END IF;
    IF p_start > p_base.ends_on OR p_start < lower(v_open) THEN
        RAISE EXCEPTION 'contract "%" has no period from %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('It runs from %s to %s.', p_base.starts_on, coalesce(p_base.ends_on::text, 'further notice'));
    END IF;
    IF p_start <> lower(v_open) THEN
        RAISE EXCEPTION 'the period of % cannot be closed before that of %', p_start, lower(v_open)
            USING ERRCODE = 'restrict_violation', DETAIL = format('Contract "%s" closes its periods in order.', p_base.number),
                HINT = format('Call close_period(%s, %L) first.', p_base.id, lower(v_open));
    END IF;
    IF least(upper(v_span), p_base.ends_on + 1) > contract_today(p_base) THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is not over', p_start, upper(v_span) - 1, p_base.number
            USING ERRCODE = 'restrict_violation', HINT = format('Close it on %s or later.', least(upper(v_span), p_base.ends_on + 1));
    END IF;
END $$;
COMMENT ON FUNCTION check_closable(contract, date) IS
    'refuse to close a period out of order or before it is over (23001), and days on which none starts (22023)';

-- Work that could not be rated is tried once more: a period is not closed over
-- work that nobody can price.  What waits for an approval follows as late work.
CREATE FUNCTION rate_unrated(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[];
    v_problem record;
BEGIN
    v_entries := ARRAY(
        SELECT x.entry_id
          FROM entry_context(ARRAY(
                SELECT r.time_entry_id FROM rating_problem r JOIN time_entry e ON e.id = r.time_entry_id JOIN task t ON t.id = e.task_id
                  JOIN project p ON p.id = t.project_id AND p.client_id = p_base.client_id)) x
         WHERE x.work_date < upper(p_span) AND p_base.id = ANY (x.contracts) ORDER BY 1);
    IF cardinality(v_entries) > 0 THEN
        PERFORM rate_entries(v_entries);
        SELECT r.time_entry_id, r.problem, count(*) OVER () AS count INTO v_problem
          FROM rating_problem r WHERE r.time_entry_id = ANY (v_entries) AND r.problem NOT LIKE 'waits for %' ORDER BY 1 LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'contract "%" has work in the period of % that cannot be rated: %', p_base.number, lower(p_span), v_problem.problem
                USING ERRCODE = 'restrict_violation', DETAIL = format('Time entry %s, the first of %s.', v_problem.time_entry_id, v_problem.count),
                    HINT = 'View unrated has them all; they are rated again when the period is closed.';
        END IF;
    END IF;
    PERFORM charge_task(t.task_id) FROM (SELECT DISTINCT u.task_id FROM uncharged_task u WHERE u.client_id = p_base.client_id ORDER BY 1) t;
END $$;
COMMENT ON FUNCTION rate_unrated(contract, daterange) IS
    'rate what could not be rated through the end of a period; refused (23001) when some of it still cannot';

CREATE FUNCTION charge_minimum(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_minimum record;
BEGIN
    FOR v_minimum IN
        SELECT c.id, c.number, c.minimum_charge, m.work, m.raised, m.times, u.exponent, greatest(c.minimum_charge - m.work, 0) - m.raised AS amount,
               least(upper(p_span) - 1, c.ends_on) AS last_day
          FROM contract c
          JOIN currency_code u ON u.code = c.currency
         CROSS JOIN LATERAL (
            SELECT coalesce(sum(h.amount) FILTER (WHERE h.key IS NULL OR h.key NOT LIKE 'minimum:%'), 0) AS work,
                   coalesce(sum(h.amount) FILTER (WHERE h.key LIKE 'minimum:%'), 0) AS raised,
                   count(*) FILTER (WHERE h.key LIKE 'minimum:%') AS times
              FROM charge h WHERE h.contract_id = c.id AND h.period_start = lower(p_span)) m
         WHERE c.id = ANY (contract_group(p_base)) AND c.minimum_charge IS NOT NULL AND c.status <> 'draft'
           AND daterange(c.starts_on, c.ends_on, '[]') && p_span
         ORDER BY c.id
    LOOP
        PERFORM new_charge('adjustment', v_minimum.id, v_minimum.last_day, v_minimum.amount,
                           format('minimum charge of %s for the period, of which %s was reached', round(v_minimum.minimum_charge, v_minimum.exponent),
                                  round(v_minimum.work, v_minimum.exponent)),
                           p_key => format('minimum:%s:%s:%s', v_minimum.id, iso(lower(p_span)), v_minimum.times + 1))
          WHERE v_minimum.amount <> 0;
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_minimum(bigint, daterange) IS
    'charge what a period lacks to the contract''s minimum_charge, whole periods and parts alike; again after a period was reopened';

CREATE FUNCTION roll_over(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_left record;
    v_end date;
BEGIN
    FOR v_left IN
        SELECT a.contract_id, n.id AS line_id, a.unit, n.rollover_life, a.scope_work_types,
               least(n.rollover_max, greatest(n.rollover_min, a.amount - coalesce((SELECT sum(h.burned) FROM charge h WHERE h.allotment_id = a.id), 0)))
                   AS amount
          FROM allotment a
          JOIN contract_line n ON n.id = a.contract_line_id AND n.rollover_max > 0 AND n.status <> 'cancelled'
           AND (n.ends_on IS NULL OR n.ends_on >= upper(p_span))
         WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.kind = 'included' AND a.period_start = lower(p_span) AND a.voided_at IS NULL
         ORDER BY a.id
    LOOP
        v_end := upper(p_span);
        FOR i IN 1 .. v_left.rollover_life LOOP
            v_end := upper(period_of(v_end, p_base.period, p_base.anchor_day));
        END LOOP;
        INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at, expires_at, period_start, scope_work_types)
        SELECT v_left.contract_id, v_left.line_id, 'rollover', v_left.unit, CASE v_left.unit WHEN 'seconds' THEN trunc(v_left.amount) ELSE v_left.amount END,
               -1, upper(p_span)::timestamp AT TIME ZONE contract_zone(p_base.calendar_id),
               v_end::timestamp AT TIME ZONE contract_zone(p_base.calendar_id), upper(p_span), v_left.scope_work_types
         WHERE v_left.amount >= 1 OR v_left.unit = 'money' AND v_left.amount > 0
        ON CONFLICT (contract_line_id, period_start, kind) WHERE contract_line_id IS NOT NULL AND voided_at IS NULL DO NOTHING;
    END LOOP;
END $$;
COMMENT ON FUNCTION roll_over(contract, daterange) IS
    'carry what is left of a period''s included hours or money to the next rollover_life periods, within rollover_min and rollover_max; what is carried '
    'is eaten first';

CREATE FUNCTION freeze_period(p_base contract, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_charges bigint[];
    v_entries bigint[];
    v_key text := format('period:%s:%s', p_base.id, iso(lower(p_span)));
    v_group bigint[] := contract_group(p_base.id);
BEGIN
    SELECT array_agg(h.id), array_agg(DISTINCT h.time_entry_id) INTO v_charges, v_entries
      FROM charge h
     WHERE h.contract_id = ANY (v_group)
       AND h.period_start <= lower(p_span) AND h.frozen_at IS NULL;
    -- An entry that runs into the next period is frozen whole.  OFFSET 0: one
    -- entry at a time, by index, whatever the planner knows of charge.
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM unnest(v_entries) x (id)
         CROSS JOIN LATERAL (SELECT c.id FROM charge c WHERE c.time_entry_id = x.id AND c.frozen_at IS NULL OFFSET 0) h
        ORDER BY 1);
    WHILE EXISTS (SELECT FROM event e WHERE e.key = v_key) LOOP
        v_key := v_key || '+';  -- closed again after it was reopened
    END LOOP;
    PERFORM freeze_charges(v_charges, v_key);
END $$;
COMMENT ON FUNCTION freeze_period(contract, daterange) IS 'freeze and post what is charged in a period and was not frozen before';

CREATE FUNCTION last_allotment(p_base bigint) RETURNS bigint
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT max(a.id) FROM contract c JOIN allotment a ON a.contract_id = c.id WHERE c.id = p_base OR c.parent_id = p_base;
END;
COMMENT ON FUNCTION last_allotment(bigint) IS 'the allotment that a contract group was granted last; NULL when it has none';

CREATE FUNCTION close_period(contract_id bigint, period_start date, OUT period_end date, OUT charges bigint, OUT amount numeric, OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange := period_of(period_start, v_base.period, v_base.anchor_day);
    v_group bigint[] := contract_group(v_base.id);
    v_last_allotment bigint;
BEGIN
    IF v_base.id <> contract_id THEN
        RAISE EXCEPTION 'contract % is a companion and closes with its base', contract_id
            USING ERRCODE = 'invalid_parameter_value', HINT = format('Close the period of contract %s.', v_base.id);
    END IF;
    IF NOT EXISTS (SELECT FROM billing_period b WHERE b.contract_id = v_base.id AND b.period_start = close_period.period_start) THEN
        PERFORM check_closable(v_base, period_start);
        PERFORM rate_unrated(v_base, v_span);
        PERFORM plan_for(1);
        PERFORM charge_fees_of(v_base.id, v_span);
        PERFORM charge_minimum(v_base.id, v_span);
        PERFORM grant_included(v_base.id, ARRAY[period_start]);
        v_last_allotment := last_allotment(v_base.id);
        PERFORM freeze_period(v_base, v_span);
        IF coalesce(v_base.ends_on, 'infinity') >= upper(v_span) THEN
            PERFORM roll_over(v_base, v_span);
        END IF;
        INSERT INTO billing_period (contract_id, period_start, period_end)
        SELECT c.id, lower(v_span), upper(v_span) FROM contract c
         WHERE c.id = ANY (v_group) AND c.status <> 'draft' ORDER BY c.id;
        IF EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = v_base.id)
            AND EXISTS (SELECT FROM charge h WHERE h.contract_id = v_base.id AND NOT h.fixed AND h.period_start >= upper(v_span)) THEN
            PERFORM grant_included(v_base.id, ARRAY[upper(v_span)]);
            -- Only what was granted or carried over just now changes later work.
            PERFORM rate_again(v_base, upper(v_span)) WHERE last_allotment(v_base.id) IS DISTINCT FROM v_last_allotment;
        END IF;
    END IF;
    SELECT upper(v_span), count(*), coalesce(sum(h.amount), 0)::numeric(18,2), v_base.currency INTO period_end, charges, amount, currency
      FROM charge h
     WHERE h.contract_id = ANY (v_group) AND h.period_start = lower(v_span) AND h.frozen_at IS NOT NULL;
END $$;
COMMENT ON FUNCTION close_period(bigint, date) IS
    'close one service period of a contract and its companions: rate what could not be rated before, charge fees and minimum, freeze and post, carry '
    'included hours over. Periods close in order and when they are over, or the contract is; a closed one stays as it is. Returns the frozen charges of '
    'the period and their sum. Refused: out of order, not over, unrated work (23001), companions and days on which no period starts (22023)';
SELECT allow('controller', 'execute', 'close_period');

CREATE FUNCTION reopen_period(contract_id bigint, period_start date, reason text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_period billing_period;
    v_charge bigint;
BEGIN
    IF v_base.late_policy <> 'reopen' OR coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'contract "%" does not reopen periods without a reason or against its late_policy', v_base.number
            USING ERRCODE = 'restrict_violation', DETAIL = format('late_policy is %s, the reason "%s".', v_base.late_policy, reason),
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
     WHERE h.contract_id = ANY (contract_group(v_base.id)) AND h.period_start = v_period.period_start AND is_on_document(h.id) ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period of % of contract "%" is billed', period_start, v_base.number
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge), HINT = 'Void that document first, or bill late work in the open period.';
    END IF;
    SELECT a.id INTO v_charge FROM allotment a JOIN charge h ON h.allotment_id = a.id AND h.fixed JOIN contract c ON c.id = a.contract_id
     WHERE (c.id = v_base.id OR c.parent_id = v_base.id) AND a.kind = 'rollover' AND a.period_start = v_period.period_end AND a.voided_at IS NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours carried over from the period of % have covered work that is billed', period_start
            USING ERRCODE = 'restrict_violation', DETAIL = format('Allotment %s.', v_charge), HINT = 'Bill late work in the open period.';
    END IF;
    UPDATE allotment a SET voided_at = now() FROM contract c
     WHERE c.id = a.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id) AND a.kind = 'rollover'
       AND a.period_start = v_period.period_end AND a.voided_at IS NULL;
    DELETE FROM billing_period b USING contract c
     WHERE c.id = b.contract_id AND (c.id = v_base.id OR c.parent_id = v_base.id) AND b.period_start = v_period.period_start;
    INSERT INTO history (table_name, row_key, action, new_values)
    VALUES ('billing_period', format('%s/%s', v_base.id, to_char(v_period.period_start, 'YYYY-MM-DD')), 'reopen', jsonb_build_object('reason', reason));
    PERFORM plan_for(1000);
    PERFORM rate_again(v_base, v_period.period_start);
END $$;
COMMENT ON FUNCTION reopen_period(bigint, date, text) IS
    'open the last closed period of a contract again for late work, where its late_policy is reopen: what is frozen stays posted, work that waits as late '
    'comes back, hours carried over are taken back. Refused (23001): another period, one with a charge on an issued document, without a reason';
SELECT allow('controller', 'execute', 'reopen_period');

CREATE FUNCTION is_on_document(p_charge bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF EXISTS (SELECT FROM entry e WHERE e.charge_id = p_charge AND e.document_id IS NOT NULL) THEN
        RETURN true;
    END IF;
    RETURN EXISTS (SELECT FROM charge_claim c JOIN document d ON d.id = c.document_id WHERE c.charge_id = p_charge AND d.status <> 'draft');
END $$;
COMMENT ON FUNCTION is_on_document(bigint) IS 'is a charge on a report or invoice that was issued?';

-- ---------------------------------------------------------------------------
-- the billing run
-- ---------------------------------------------------------------------------

-- Other sessions cannot see what an open transaction has written, but they see
-- its application_name at once: the run tells there how far it is.
CREATE FUNCTION tell_progress(p_done bigint, p_total bigint, p_refused bigint) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM set_config('application_name', format('finance run_billing %s: %s of %s, %s refused', 'setting'::regclass::oid, p_done, p_total, p_refused), true);
END $$;
COMMENT ON FUNCTION tell_progress(bigint, bigint, bigint) IS 'say in application_name how far a billing run is; the rest of the transaction keeps it';

CREATE VIEW billing_progress WITH (security_invoker) AS
    SELECT a.pid, a.usename::text AS username, m.part[1]::bigint AS contracts_done, m.part[2]::bigint AS contracts_total,
           m.part[3]::bigint AS contracts_refused, a.xact_start AS started_at
      FROM pg_stat_activity a
     CROSS JOIN LATERAL regexp_match(a.application_name,
            '^finance run_billing ' || 'setting'::regclass::oid || ': ([0-9]+) of ([0-9]+), ([0-9]+) refused$') AS m (part)
     WHERE m.part IS NOT NULL;
COMMENT ON VIEW billing_progress IS
    'billing runs of these books that are under way, as seen from any session: how many of the due contracts are done, how many of them were refused; '
    'started_at is NULL without the right to see it';
SELECT allow('reader', 'select', 'billing_progress');

CREATE FUNCTION run_billing(through date DEFAULT books_today())
    RETURNS TABLE (contract_id bigint, contract text, period_start date, period_end date, outcome text, charges bigint, amount numeric(18,2),
                   currency text, message text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
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
            USING ERRCODE = 'invalid_parameter_value', HINT = 'On the 1st of a month pass the last day of the month before.';
    END IF;
    -- All locks at once and in order: the run holds them to its end.
    PERFORM lock_parties(ARRAY(SELECT d.client_id FROM billing_due d WHERE d.over_on <= through + 1
                               UNION SELECT c.client_id FROM contract c WHERE c.auto_bill <> 'none'));
    v_contracts := ARRAY(SELECT d.contract_id FROM billing_due d WHERE d.over_on <= through + 1 ORDER BY d.contract_id);
    FOREACH contract_id IN ARRAY v_contracts LOOP
        PERFORM tell_progress(v_done, cardinality(v_contracts), v_refused);
        v_base := base_contract(contract_id);
        LOOP
            v_span := (open_period(v_base)).span;
            EXIT WHEN lower(v_span) > coalesce(v_base.ends_on, 'infinity')
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
                RETURN NEXT;
            EXCEPTION
                WHEN transaction_rollback THEN
                    RAISE;  -- not the contract's fault: the whole run is tried again
                WHEN OTHERS THEN
                    v_refused := v_refused + 1;
                    outcome := 'refused';
                    charges := NULL;
                    amount := NULL;
                    currency := v_base.currency;
                    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
                    RETURN NEXT;
                    EXIT;
            END;
        END LOOP;
        v_done := v_done + 1;
    END LOOP;
    FOR v_draft IN
        SELECT d.document_id, d.problem, c.id, c.number, c.currency FROM draft_due_documents(through) d JOIN contract c ON c.id = d.contract_id
    LOOP
        contract_id := v_draft.id;
        contract := v_draft.number;
        -- what is drafted reaches from the first service period on it to the end of the last
        SELECT min(h.period_start), upper(period_of(max(h.period_start), c.period, c.anchor_day)) INTO period_start, period_end
          FROM document_line l JOIN charge h ON h.id = l.charge_id JOIN contract c ON c.id = v_draft.id
         WHERE l.document_id = v_draft.document_id GROUP BY c.id;
        outcome := CASE WHEN v_draft.problem IS NULL THEN 'drafted' ELSE 'refused' END;
        charges := (SELECT count(*) FROM document_line l WHERE l.document_id = v_draft.document_id);
        amount := (SELECT sum(f.net)::numeric(18,2) FROM document_figures(v_draft.document_id) f);
        currency := v_draft.currency;
        message := coalesce(v_draft.problem, document_name(v_draft.document_id));
        RETURN NEXT;
    END LOOP;
    PERFORM set_config('application_name', v_name, true);
END $$;
COMMENT ON FUNCTION run_billing(date) IS
    'close every period of every contract that is over by a day (today where none is given), the 1st-of-the-month run: one row for each period, outcome closed or refused with the '
    'message; a contract that is refused keeps its periods open and stops no other. Contracts with auto_bill then get their drafts by '
    'draft_due_documents(): outcome drafted, with the name of the document. The same call again closes nothing twice. Watch it in billing_progress';
SELECT allow('controller', 'execute', 'run_billing');

-- ---------------------------------------------------------------------------
-- corrections
-- ---------------------------------------------------------------------------

-- The opposite of frozen charges, frozen and posted at once, in the open
-- period when their own is closed.
CREATE FUNCTION reverse_charges(p_charges bigint[], p_reason text, p_key text) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_reversals bigint[];
BEGIN
    PERFORM FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id FOR UPDATE;
    WITH reversed AS (
        INSERT INTO charge (source, time_entry_id, segment, contract_line_id, contract_id, client_id, project_id, deal_id, task_id, employee_id,
               work_type_id, direction_id, item_id, service_date, period_start, started_at, band, coverage, worked_s, billed_s, quantity, price,
               multiplier, discount_pct, price_source, price_list_id, amount, currency, base_rate, base_amount, cost, base_cost, cost_rate,
               base_cost_rate, allotment_id, burned, reason, terms_id, late, frozen_at, reverses_id)
        SELECT h.source, h.time_entry_id, h.segment, h.contract_line_id, h.contract_id, h.client_id, h.project_id, h.deal_id, h.task_id, h.employee_id,
               h.work_type_id, h.direction_id, h.item_id, h.service_date, greatest(h.period_start, o.opens_on), h.started_at, h.band, h.coverage,
               -h.worked_s, -h.billed_s, -h.quantity, h.price, h.multiplier, h.discount_pct, h.price_source, h.price_list_id, -h.amount, h.currency,
               h.base_rate, -h.base_amount, -h.cost, -h.base_cost, h.cost_rate, h.base_cost_rate, h.allotment_id, -h.burned,
               format('reversal of charge %s: %s', h.id, p_reason), h.terms_id, h.late OR coalesce(o.opens_on > h.period_start, false), now(), h.id
          FROM charge h
          LEFT JOIN LATERAL (SELECT max(b.period_end) AS opens_on FROM billing_period b WHERE b.contract_id = h.contract_id) o ON true
         WHERE h.id = ANY (p_charges) ORDER BY h.id
        RETURNING id)
    SELECT array_agg(r.id ORDER BY r.id) INTO v_reversals FROM reversed r;
    PERFORM post_charges(open_event(p_key, array_to_string(v_reversals, ','), p_reason), v_reversals, NULL)
      WHERE EXISTS (SELECT FROM charge_entry e WHERE e.charge_id = ANY (v_reversals));  -- what is worth nothing posts nothing
    RETURN v_reversals;
END $$;
COMMENT ON FUNCTION reverse_charges(bigint[], text, text) IS
    'reverse frozen charges: the opposite figures as charges of their own, frozen and posted under an event of that key; returns them';

-- What a correction gives back of hours whose life is over stays the client's:
-- it is carried to the open period.
CREATE FUNCTION give_back(p_base contract, p_reversals bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open record := open_period(p_base);
BEGIN
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types)
    SELECT a.contract_id, CASE WHEN a.kind IN ('included', 'rollover') THEN 'rollover' ELSE 'adjustment' END, a.unit, -sum(h.burned), -2,
           v_open.opens_at, upper(v_open.span)::timestamp AT TIME ZONE contract_zone(p_base.calendar_id), a.scope_work_types
      FROM charge h JOIN allotment a ON a.id = h.allotment_id
     WHERE h.id = ANY (p_reversals) AND a.expires_at <= v_open.opens_at
     GROUP BY a.id
    HAVING sum(h.burned) < 0
     ORDER BY a.id;
END $$;
COMMENT ON FUNCTION give_back(contract, bigint[]) IS
    'grant anew, for the open period, what reversals gave back of allotments that have expired; it is eaten before all else';

CREATE FUNCTION corrected_entry(p_entry time_entry, p_changes jsonb, p_reason text) RETURNS time_entry
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_keys CONSTANT text[] := '{employee_id,task_id,work_type_id,contract_id,started_at,ended_at,break_s,work_date,duration_s,billable,billable_s,price,comment}';
    v_key text;
    v_entry time_entry := p_entry;
BEGIN
    IF p_changes IS NULL THEN
        v_entry.duration_s := 0;
        v_entry.billable_s := NULL;
        v_entry.billable := 'non_billable';
    ELSE
        IF jsonb_typeof(p_changes) <> 'object' THEN
            RAISE EXCEPTION 'changes must be a JSON object, not %', jsonb_typeof(p_changes)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass {"column": new value, …}, or NULL to take the work away.';
        END IF;
        SELECT k INTO v_key FROM jsonb_object_keys(p_changes) k WHERE k <> ALL (c_keys) ORDER BY k LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot change "%"', v_key
                USING ERRCODE = 'invalid_parameter_value', HINT = 'It can change ' || array_to_string(c_keys, ', ') || '.';
        END IF;
        SELECT c.key INTO v_key FROM jsonb_each_text(p_changes) c
         WHERE c.key IN ('started_at', 'ended_at') AND c.value IS NOT NULL AND iso_instant(c.value) IS NULL ORDER BY c.key LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot set % to "%"', v_key, p_changes ->> v_key
                USING ERRCODE = 'invalid_parameter_value', HINT = 'Write it with its offset, as 2026-03-02T09:00:00+02:00: it means the same instant to everybody.';
        END IF;
        PERFORM given_date(p_changes, 'work_date');
        v_entry := jsonb_populate_record(p_entry, p_changes);
        -- time given by the clock beats a duration that came before, and the other way round
        IF NOT p_changes ? 'duration_s' AND p_changes ?| '{started_at,ended_at,break_s}' AND v_entry.started_at IS NOT NULL THEN
            v_entry.duration_s := NULL;
        END IF;
    END IF;
    v_entry.override_reason := p_reason;
    IF to_jsonb(v_entry) - '{override_reason,comment,worked_s}'::text[] = to_jsonb(p_entry) - '{override_reason,comment,worked_s}'::text[] THEN
        RAISE EXCEPTION 'the correction of time entry % changes nothing that is billed', p_entry.id
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_changes::text, HINT = 'A comment is changed by an ordinary UPDATE.';
    END IF;
    RETURN v_entry;
END $$;
COMMENT ON FUNCTION corrected_entry(time_entry, jsonb, text) IS
    'a time entry with changes made; NULL takes its time away; refused (22023): unknown keys, times and dates not in ISO 8601 (times with their offset), and changes that change nothing';

CREATE FUNCTION correct_entry(time_entry_id bigint, changes jsonb, reason text, OUT reversed bigint[], OUT charged bigint[], OUT difference numeric,
    OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET plan_cache_mode = auto SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    v_entry time_entry;
    v_new time_entry;
    v_charges bigint[];
    v_held bigint;
    v_base contract;
    v_key text;
    v_base_difference numeric;
    v_currencies bigint;
BEGIN
    changes := json_argument(changes);
    IF coalesce(reason, '') = '' THEN
        RAISE EXCEPTION 'a correction needs a reason' USING ERRCODE = 'invalid_parameter_value', HINT = 'Say why the billed work is wrong.';
    END IF;
    SELECT * INTO v_entry FROM time_entry e WHERE e.id = time_entry_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', time_entry_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    v_new := corrected_entry(v_entry, changes, reason);
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id WHERE t.id IN (v_entry.task_id, v_new.task_id)
        UNION SELECT h.client_id FROM charge h WHERE h.time_entry_id = correct_entry.time_entry_id));
    SELECT h.id INTO v_held FROM charge h WHERE h.time_entry_id = correct_entry.time_entry_id AND h.held_by IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % cannot be corrected now', time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_held), HINT = 'Wait for the answer, or take the document back.';
    END IF;
    -- the live frozen charges of the entry, and the write-offs beside them
    v_charges := ARRAY(
        SELECT h.id FROM charge h
         WHERE h.time_entry_id = correct_entry.time_entry_id AND h.frozen_at IS NOT NULL AND h.reverses_id IS NULL
           AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id));
    IF v_charges = '{}' THEN
        RAISE EXCEPTION 'time entry % is not billed', time_entry_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change or delete it directly.';
    END IF;
    DELETE FROM charge h WHERE h.adjusts_id = ANY (v_charges) AND NOT h.fixed;
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM charge h WHERE h.adjusts_id = ANY (v_charges) AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id)
        ORDER BY 1);
    v_key := format('correct:%s:%s', time_entry_id, v_charges[1]);
    PERFORM plan_for(1);
    reversed := reverse_charges(v_charges, reason, v_key);
    SELECT (base_contract(h.contract_id)).* INTO v_base FROM charge h WHERE h.id = v_charges[1] AND h.contract_id IS NOT NULL;
    IF FOUND THEN
        PERFORM give_back(v_base, reversed);
    END IF;
    UPDATE time_entry e
       SET employee_id = v_new.employee_id, task_id = v_new.task_id, work_type_id = v_new.work_type_id, contract_id = v_new.contract_id,
           started_at = v_new.started_at, ended_at = v_new.ended_at, break_s = v_new.break_s, work_date = v_new.work_date, duration_s = v_new.duration_s,
           billable = v_new.billable, billable_s = v_new.billable_s, price = v_new.price, comment = v_new.comment, override_reason = reason
     WHERE e.id = time_entry_id;
    IF v_base.id IS NOT NULL AND EXISTS (SELECT FROM charge h WHERE h.id = ANY (reversed) AND h.allotment_id IS NOT NULL) THEN
        PERFORM rate_again(v_base, (SELECT min(h.service_date) FROM charge h WHERE h.id = ANY (reversed)));
    END IF;
    SELECT coalesce(array_agg(h.id ORDER BY h.id) FILTER (WHERE NOT h.fixed), '{}'), coalesce(sum(h.amount), 0), min(h.currency),
           coalesce(sum(h.base_amount), 0), count(DISTINCT h.currency)
      INTO charged, difference, currency, v_base_difference, v_currencies
      FROM charge h WHERE h.id = ANY (reversed) OR h.time_entry_id = correct_entry.time_entry_id AND NOT h.fixed;
    IF v_currencies > 1 THEN
        difference := v_base_difference;
        currency := (SELECT s.base_currency FROM setting s);
    END IF;
    difference := round_money(difference, currency_exponent(currency));
    IF changes ?| '{price,billable,billable_s}' THEN
        PERFORM refuse_limited('an own price, disposition or length of a time entry', calling_role());
    END IF;
    PERFORM concede('correction', -v_base_difference, NULL, NULL, format('time entry %s: %s', time_entry_id, reason));
END $$;
COMMENT ON FUNCTION correct_entry(bigint, jsonb, text) IS
    'correct a billed time entry: its frozen charges are reversed, and it is rated anew with changes ({"column": value, …}; NULL takes the work away) '
    'into provisional charges, in the open period with the true work date. Returns the reversals, the new charges and what they come to together, '
    'in the base currency where the work moves to another currency. '
    'Refused: work that is not billed, or held by a sent report (23001), unknown columns, no reason, nothing changed (22023)';
SELECT allow('manager', 'execute', 'correct_entry');

-- ---------------------------------------------------------------------------
-- what must hold
-- ---------------------------------------------------------------------------

CREATE VIEW billing_problems WITH (security_invoker) AS
    SELECT 'an entry is charged as long as it worked' AS rule, 'time entry ' || e.id AS subject,
           format('worked %s s, charged %s s', e.worked_s, h.worked_s) AS detail
      FROM time_entry e JOIN (SELECT time_entry_id, sum(worked_s) AS worked_s FROM charge WHERE time_entry_id IS NOT NULL GROUP BY 1) h
        ON h.time_entry_id = e.id
     WHERE h.worked_s <> e.worked_s AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || e.id, 'neither'
      FROM time_entry e
     WHERE NOT EXISTS (SELECT FROM charge h WHERE h.time_entry_id = e.id) AND NOT EXISTS (SELECT FROM rating_problem r WHERE r.time_entry_id = e.id)
    UNION ALL
    SELECT 'an entry is charged or has a problem', 'time entry ' || r.time_entry_id, 'both: ' || r.problem
      FROM rating_problem r WHERE EXISTS (SELECT FROM charge h WHERE h.time_entry_id = r.time_entry_id AND NOT h.fixed)
    UNION ALL
    SELECT 'amounts are whole units of their currency', 'charge ' || h.id, format('amount %s, cost %s %s', h.amount, h.cost, h.currency)
      FROM charge h JOIN currency_code u ON u.code = h.currency
     WHERE h.amount <> round(h.amount, u.exponent) OR h.cost <> round(h.cost, u.exponent)
    UNION ALL
    SELECT 'an allotment is never overdrawn', 'allotment ' || a.id, format('%s of %s burned', b.burned, a.amount)
      FROM allotment a JOIN (SELECT allotment_id, sum(burned) AS burned FROM charge WHERE allotment_id IS NOT NULL GROUP BY 1) b ON b.allotment_id = a.id
     WHERE b.burned > a.amount OR b.burned < 0 OR (a.voided_at IS NOT NULL AND b.burned <> 0)
    UNION ALL
    SELECT 'an allotment burns within its life and scope', 'charge ' || h.id, format('allotment %s', a.id)
      FROM charge h JOIN allotment a ON a.id = h.allotment_id
     WHERE h.reverses_id IS NULL
       AND (a.contract_id <> h.contract_id OR a.scope_work_types IS NOT NULL AND NOT coalesce(h.work_type_id = ANY (a.scope_work_types), false)
            OR NOT h.late AND (h.started_at >= a.expires_at OR h.service_date < (a.effective_at AT TIME ZONE 'UTC')::date - 1))
    UNION ALL
    SELECT 'a reversal is the opposite of what it reverses', 'charge ' || r.id, 'reverses charge ' || h.id
      FROM charge r JOIN charge h ON h.id = r.reverses_id
     WHERE (r.amount + h.amount, r.base_amount + h.base_amount, coalesce(r.cost + h.cost, 0), r.worked_s + h.worked_s, r.billed_s + h.billed_s,
            coalesce(r.burned + h.burned, 0)) <> (0, 0, 0, 0, 0, 0)
    UNION ALL
    SELECT 'what is not billed has no amount and no negative cost', 'charge ' || h.id, format('%s: amount %s, cost %s', h.coverage, h.amount, h.cost)
      FROM charge h WHERE h.coverage IN ('no_charge', 'non_billable') AND (h.amount <> 0 OR h.cost < 0 AND h.reverses_id IS NULL AND h.worked_s >= 0)
    UNION ALL
    SELECT 'what is frozen is posted', 'charge ' || x.charge_id, format('%s to post, %s posted', sum(x.due), sum(x.posted))
      FROM (SELECT h.charge_id, h.base_amount AS due, 0 AS posted FROM charge_entry h WHERE h.frozen_at IS NOT NULL
            UNION ALL
            SELECT e.charge_id, 0, e.base_amount FROM entry e WHERE e.charge_id IS NOT NULL) x
     GROUP BY x.charge_id
    HAVING sum(x.due) <> sum(x.posted)
    UNION ALL
    SELECT 'periods close in order', 'contract ' || b.contract_id, format('a gap before %s', iso(b.period_start))
      FROM (SELECT b.*, lag(b.period_end) OVER (PARTITION BY b.contract_id ORDER BY b.period_start) AS before FROM billing_period b) b
     WHERE b.before <> b.period_start
    UNION ALL
    SELECT 'a closed period has no open charges', 'charge ' || h.id, format('period of %s', iso(h.period_start))
      FROM charge h JOIN billing_period b ON b.contract_id = h.contract_id AND b.period_start = h.period_start
     WHERE h.frozen_at IS NULL;
COMMENT ON VIEW billing_problems IS
    'what must hold of charges, allotments and periods and does not: rule, subject and detail in words; empty in healthy books';
SELECT allow('controller', 'select', 'billing_problems');
