-- ---------------------------------------------------------------------------
-- sequence: contracts whose entries bear on one another
-- ---------------------------------------------------------------------------

-- Entries of a contract with allotments, caps or rounding in groups.  A new
-- entry that would be rated alike with what is left in the end and with what
-- was left at its own time takes nothing from those that follow, so they stay
-- as they are.  Else these are rated again, some at a time, until all together
-- take what they took before: then nothing changes any more.
CREATE FUNCTION rate_sequence(p_base bigint, p_fresh bigint[], p_changed bigint[], p_freed allotment_use[],
                              p_from timestamptz, p_last timestamptz, p_grouped boolean,
                              p_follow boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_batch int := 50;  -- grows: a change that goes far is looked at in few steps
    v_stamped record;
    v_input rating_input[];
    v_contracts bigint[];
    v_terms bigint[];
    v_then jsonb := allotment_state(p_base, p_changed, p_from);
    v_end jsonb;
    v_rated rated_entry[];
    v_entries bigint[];
    v_difference allotment_use[] := p_freed;
    -- deleted, or rated under another contract now: their charges are still here, but take nothing
    v_gone bigint[] := ARRAY(SELECT unnest(p_changed) EXCEPT SELECT unnest(p_fresh));
    v_from timestamptz := p_from;
    v_to timestamptz;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM entry_input(p_fresh, p_follow) i));
    v_input := v_stamped.p_input;
    v_contracts := v_stamped.contracts;
    v_terms := v_stamped.terms;
    IF NOT p_grouped AND p_changed <> '{}' AND p_freed = '{}' THEN
        v_end := v_then;
        IF EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (contract_group(p_base)) AND h.started_at >= p_from)
            THEN
            v_end := allotment_state(p_base, p_changed, p_from, true);
        END IF;
        v_rated := ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_end) s);
        IF v_then = v_end OR v_rated = ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s) THEN
            PERFORM store_rating(v_input, v_rated);
            RETURN;
        END IF;
    END IF;

    IF v_contracts IS NULL OR NOT p_base = ANY (v_contracts) THEN
        v_contracts := v_contracts || p_base;
        v_terms := v_terms || (stamp_terms(p_base)).id;
    END IF;
    LOOP
        v_to := 'infinity';
        IF NOT p_grouped THEN
            v_to := coalesce((SELECT h.started_at FROM charge h
                               WHERE h.contract_id = p_base AND h.started_at > greatest(p_last, v_from)
                               ORDER BY h.started_at OFFSET v_batch LIMIT 1), 'infinity');
            v_batch := 2 * v_batch;
        END IF;
        v_input := v_input || ARRAY(SELECT i FROM stamped_input(p_base, v_from, v_to, p_changed, p_grouped) i);
        PERFORM plan_for(cardinality(v_input));
        IF v_to < 'infinity' THEN
            v_entries := ARRAY(SELECT i.entry_id FROM unnest(v_input) i EXCEPT SELECT unnest(p_changed));
            v_difference := add_use(v_difference, v_entries, -1);
        END IF;
        PERFORM store_rating(v_input, ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s));
        EXIT WHEN v_to = 'infinity';
        v_difference := add_use(v_difference, ARRAY(SELECT i.entry_id FROM unnest(v_input) i), 1);
        -- what a period takes is nothing to those after it
        EXIT WHEN NOT EXISTS (SELECT FROM unnest(v_difference) d
                               WHERE d.period_start IS NULL OR d.period_start >= period_at(p_base, v_to));
        v_from := v_to;
        v_then := allotment_state(p_base, v_gone, v_from);
        v_input := '{}';
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_sequence(bigint, bigint[], bigint[], allotment_use[], timestamptz, timestamptz, boolean,
                                  boolean) IS
    'rate fresh entries of a contract as rate_entries() does, and as stamped those from an instant on that the change '
    'bears on; p_changed are all entries that this change touches, p_freed what they took of this contract before it, '
    'below 0, p_last the instant of the last of them, p_grouped whether entries are rounded together';

CREATE FUNCTION sequence_start(p_base bigint, p_scope text, p_instant timestamptz, p_day date, p_tasks bigint[])
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
    SELECT CASE p_scope
               WHEN 'entry' THEN p_instant
               WHEN 'task' THEN least(p_instant, (
                   SELECT min(h.started_at) FROM charge h WHERE h.contract_id = p_base AND h.task_id = ANY (p_tasks)))
               ELSE least(p_instant, d.day::timestamp AT TIME ZONE contract_zone(c.calendar_id)) END
      FROM contract c
     CROSS JOIN LATERAL (SELECT CASE p_scope WHEN 'period' THEN lower(service_period(c, p_day))
                                             ELSE p_day END AS day) d
     WHERE c.id = p_base);
END $$;
COMMENT ON FUNCTION sequence_start(bigint, text, timestamptz, date, bigint[]) IS
    'from which instant a change re-rates a contract: where the first rounding group that it touches begins';

-- What an allotment that comes or goes changes: all that is open from a day on,
-- and work that runs into it.
CREATE FUNCTION rate_again(p_base contract, p_from date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_from timestamptz := least(p_from, lower(service_period(p_base, p_from)))::timestamp
                          AT TIME ZONE contract_zone(p_base.calendar_id);
BEGIN
    IF p_base.round_scope = 'task'
        OR EXISTS (SELECT FROM charge h WHERE h.contract_id = p_base.id AND h.late AND NOT h.committed) THEN
        v_from := '-infinity';
    END IF;
    v_from := least(v_from, (
        SELECT min(h.started_at) FROM charge h JOIN time_entry e ON e.id = h.time_entry_id
         WHERE h.client_id = p_base.client_id AND NOT h.committed AND h.started_at < v_from AND e.ended_at > v_from));
    PERFORM rate_sequence(p_base.id, '{}', '{}', '{}', v_from, v_from, true);
    PERFORM carry_again(ARRAY[p_base.id]);
END $$;
COMMENT ON FUNCTION rate_again(contract, date) IS
    'rate the open work of a contract group again from a day on, as stamped, with the allotments and caps there are '
    'now';

CREATE FUNCTION follow_caps(p_contracts bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM rate_again(b, b.starts_on)
       FROM (SELECT DISTINCT q.base_id AS id FROM capped_contract q WHERE q.contract_id = ANY (p_contracts)
              ORDER BY 1) x
      CROSS JOIN LATERAL lock_contract(x.id) b;
END $$;
COMMENT ON FUNCTION follow_caps(bigint[]) IS
    'rate the open work of those of these contracts that have caps again: something else counts against them now';
