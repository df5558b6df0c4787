-- ---------------------------------------------------------------------------
-- correct: billed work is reversed and rated anew in the open period
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
    v_reversals := put_charges(ARRAY(
        SELECT in_open_period(opposite(h,
                                       jsonb_build_object('reversal', jsonb_build_object('charge', h.id), 'note',
                                                          p_reason)))
          FROM charge h WHERE h.id = ANY (p_charges) ORDER BY h.id));
    PERFORM post_charges(v_reversals, 'charge', p_key, p_reason);
    RETURN v_reversals;
END $$;
COMMENT ON FUNCTION reverse_charges(bigint[], text, text) IS
    'reverse frozen charges: the opposite figures as charges of their own, frozen and posted under an event of that '
    'key; returns them';

-- What a correction gives back of hours whose life is over stays the client's:
-- it is carried to the open period.
CREATE FUNCTION give_back(p_base contract, p_reversals bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open record := open_period(p_base);
BEGIN
    INSERT INTO allotment (contract_id, kind, unit, amount, priority, effective_at, expires_at, scope_work_types)
    SELECT a.contract_id, CASE WHEN a.kind IN ('included', 'rollover') THEN 'rollover'
        ELSE 'adjustment' END, a.unit, -sum(h.burned), -2,
           v_open.opens_at, upper(v_open.span)::timestamp AT TIME ZONE contract_zone(p_base.calendar_id),
               a.scope_work_types
      FROM charge h JOIN allotment a ON a.id = h.allotment_id
     WHERE h.id = ANY (p_reversals) AND a.expires_at <= v_open.opens_at
     GROUP BY a.id
    HAVING sum(h.burned) < 0
     ORDER BY a.id;
END $$;
COMMENT ON FUNCTION give_back(contract, bigint[]) IS
    'grant anew, for the open period, what reversals gave back of allotments that have expired; it is eaten before all '
    'else';

CREATE FUNCTION corrected_entry(p_entry time_entry, p_changes jsonb, p_reason text) RETURNS time_entry
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_keys CONSTANT text[] := '{employee_id,task_id,work_type_id,contract_id,started_at,ended_at,break_s,work_date,'
                              'duration_s,billable,billable_s,price,comment}';
    c_unbilled CONSTANT text[] := '{override_reason,comment,worked_s}';
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
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Pass {"column": new value, …}, or NULL to take the work away.';
        END IF;
        SELECT k INTO v_key FROM jsonb_object_keys(p_changes) k WHERE k <> ALL (c_keys) ORDER BY k LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot change "%"', v_key
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'It can change ' || array_to_string(c_keys, ', ') || '.';
        END IF;
        SELECT c.key INTO v_key FROM jsonb_each_text(p_changes) c
         WHERE c.key IN ('started_at', 'ended_at') AND c.value IS NOT NULL AND iso_instant(c.value) IS NULL
             ORDER BY c.key LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a correction cannot set % to "%"', v_key, p_changes ->> v_key
                USING ERRCODE = 'invalid_parameter_value',
                    HINT = 'Write it with its offset, as 2026-03-02T09:00:00+02:00: it means the same instant to '
                           'everybody.';
        END IF;
        PERFORM given_date(p_changes, 'work_date');
        v_entry := jsonb_populate_record(p_entry, p_changes);
        -- time given by the clock beats a duration that came before, and the other way round
        IF NOT p_changes ? 'duration_s' AND p_changes ?| '{started_at,ended_at,break_s}'
            AND v_entry.started_at IS NOT NULL THEN
            v_entry.duration_s := NULL;
        END IF;
    END IF;
    v_entry.override_reason := p_reason;
    IF to_jsonb(v_entry) - c_unbilled = to_jsonb(p_entry) - c_unbilled THEN
        RAISE EXCEPTION 'the correction of time entry % changes nothing that is billed', p_entry.id
            USING ERRCODE = 'invalid_parameter_value', DETAIL = p_changes::text,
                HINT = 'A comment is changed by an ordinary UPDATE.';
    END IF;
    RETURN v_entry;
END $$;
COMMENT ON FUNCTION corrected_entry(time_entry, jsonb, text) IS
    'a time entry with changes made; NULL takes its time away; refused (22023): unknown keys, times and dates not in '
    'ISO 8601 (times with their offset), and changes that change nothing';

CREATE FUNCTION correct_entry(time_entry_id bigint, changes jsonb, reason text, OUT reversed bigint[],
                              OUT charged bigint[], OUT difference numeric,
    OUT currency text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
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
        RAISE EXCEPTION 'a correction needs a reason' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Say why the billed work is wrong.';
    END IF;
    SELECT * INTO v_entry FROM time_entry e WHERE e.id = time_entry_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', time_entry_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    v_new := corrected_entry(v_entry, changes, reason);
    PERFORM lock_parties(ARRAY(
        SELECT p.client_id FROM task t JOIN project p ON p.id = t.project_id
            WHERE t.id IN (v_entry.task_id, v_new.task_id)
        UNION SELECT h.client_id FROM charge h WHERE h.time_entry_id = correct_entry.time_entry_id));
    -- its charges, and what was written off beside them
    SELECT x.id INTO v_held
      FROM (SELECT w.id, w.held_by FROM charge w WHERE w.time_entry_id = correct_entry.time_entry_id
            UNION ALL
            SELECT h.id, h.held_by FROM charge w JOIN charge h ON h.adjusts_id = w.id
             WHERE w.time_entry_id = correct_entry.time_entry_id) x
     WHERE x.held_by IS NOT NULL ORDER BY x.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % cannot be corrected now', time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_held),
                HINT = 'Wait for the answer, or take the document back.';
    END IF;
    -- the live frozen charges of the entry, and the write-offs beside them
    v_charges := ARRAY(
        SELECT h.id FROM live_charge h WHERE h.time_entry_id = correct_entry.time_entry_id AND h.frozen_at IS NOT NULL);
    IF v_charges = '{}' THEN
        RAISE EXCEPTION 'time entry % is not billed', time_entry_id
            USING ERRCODE = 'restrict_violation', HINT = 'Change or delete it directly.';
    END IF;
    DELETE FROM charge h WHERE h.adjusts_id = ANY (v_charges) AND NOT h.committed;
    v_charges := ARRAY(
        SELECT unnest(v_charges)
        UNION
        SELECT h.id FROM live_charge h WHERE h.adjusts_id = ANY (v_charges)
        UNION
        -- of what was credited whole also the tax that was in its price: none of it is billed any more
        SELECT h.id FROM document_line l JOIN live_charge h ON h.id = l.adjustment_id
         WHERE l.charge_id = ANY (v_charges) AND l.claim AND l.credited_by IS NOT NULL
        ORDER BY 1);
    IF NOT changes ? 'billable' AND given_up(v_charges) THEN
        v_new.billable := 'no_charge';
    END IF;
    v_key := format('%s:corrected', v_charges[1]);
    PERFORM plan_for(1);
    reversed := reverse_charges(v_charges, reason, v_key);
    SELECT (base_contract(h.contract_id)).* INTO v_base FROM charge h WHERE h.id = v_charges[1]
        AND h.contract_id IS NOT NULL;
    IF FOUND THEN
        PERFORM give_back(v_base, reversed);
        PERFORM follow_held(v_base);
    END IF;
    UPDATE time_entry e
       SET employee_id = v_new.employee_id, task_id = v_new.task_id, work_type_id = v_new.work_type_id,
           contract_id = v_new.contract_id,
           started_at = v_new.started_at, ended_at = v_new.ended_at, break_s = v_new.break_s,
               work_date = v_new.work_date, duration_s = v_new.duration_s,
           billable = v_new.billable, billable_s = v_new.billable_s, price = v_new.price, comment = v_new.comment,
           override_reason = reason, approved_at = clock_timestamp(), approved_by = actor()
     WHERE e.id = time_entry_id;
    IF v_base.id IS NOT NULL
        AND EXISTS (SELECT FROM charge h WHERE h.id = ANY (reversed) AND h.allotment_id IS NOT NULL) THEN
        PERFORM rate_again(v_base, (SELECT min(h.service_date) FROM charge h WHERE h.id = ANY (reversed)));
    END IF;
    PERFORM follow_caps(contract_group(v_base.id)) WHERE v_base.id IS NOT NULL;
    SELECT coalesce(array_agg(h.id ORDER BY h.id) FILTER (WHERE NOT h.committed), '{}'), coalesce(sum(h.amount), 0),
        min(h.currency),
           coalesce(sum(h.base_amount), 0), count(DISTINCT h.currency)
      INTO charged, difference, currency, v_base_difference, v_currencies
      FROM charge h WHERE h.id = ANY (reversed) OR h.time_entry_id = correct_entry.time_entry_id AND NOT h.committed;
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
    'correct a billed time entry: its frozen charges are reversed, and it is rated anew with changes ({"column": '
    'value, …}; NULL takes the work away) into provisional charges, in the open period with the true work date. '
    'Returns the reversals, the new charges and what they come to together, in the base currency where the work moves '
    'to another currency. Whoever corrects approves what it is now; work that was given up stays so (no_charge) unless '
    'changes say otherwise. Refused: work that is not billed, or held by a sent report (23001), unknown '
    'columns, no reason, nothing changed (22023)';
SELECT allow('manager', 'execute', 'correct_entry');
