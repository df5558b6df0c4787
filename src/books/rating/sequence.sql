-- ---------------------------------------------------------------------------
-- sequence: contracts whose entries bear on one another
-- ---------------------------------------------------------------------------

-- Entries of a contract with allotments, caps or rounding in groups.  A new
-- entry that would be rated alike with what is left in the end and with what
-- was left at its own time takes nothing from those that follow, so they stay
-- as they are.  Else these are rated again, some at a time, until all together
-- take what they took before: then nothing changes any more.
CREATE FUNCTION rate_sequence(p_base bigint, p_fresh bigint[], p_changed bigint[], p_freed allotment_use[],
                              p_span rating_span, p_last timestamptz, p_follow boolean DEFAULT false)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_batch int := 50;  -- grows: a change that goes far is looked at in few steps
    v_stamped record;
    v_input rating_input[];
    v_contracts bigint[];
    v_terms bigint[];
    v_then jsonb := allotment_state(p_base, p_changed, p_span.starts);
    v_end jsonb;
    v_rated rated_entry[];
    v_entries bigint[];
    v_difference allotment_use[] := p_freed;
    -- deleted, or rated under another contract now: their charges are still here, but take nothing
    v_gone bigint[] := ARRAY(SELECT unnest(p_changed) EXCEPT SELECT unnest(p_fresh));
    v_from timestamptz := p_span.starts;
    v_to timestamptz;
BEGIN
    PERFORM plan_for(cardinality(p_fresh));
    SELECT * INTO v_stamped FROM stamp_input(ARRAY(SELECT i FROM entry_input(p_fresh, p_follow) i));
    v_input := v_stamped.p_input;
    v_contracts := v_stamped.contracts;
    v_terms := v_stamped.terms;
    IF NOT p_span.grouped AND p_changed <> '{}' AND p_freed = '{}' THEN
        v_end := v_then;
        IF EXISTS (SELECT FROM charge h WHERE h.contract_id = ANY (contract_group(p_base)) AND h.started_at >= v_from)
            THEN
            v_end := allotment_state(p_base, p_changed, v_from, true);
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
        v_to := p_span.ends;
        IF NOT p_span.grouped THEN
            v_to := coalesce((SELECT h.started_at FROM charge h
                               WHERE h.contract_id = p_base AND h.started_at > greatest(p_last, v_from)
                               ORDER BY h.started_at OFFSET v_batch LIMIT 1), 'infinity');
            v_batch := 2 * v_batch;
        END IF;
        v_input := v_input || ARRAY(SELECT i FROM stamped_input(p_base, v_from, v_to, p_changed, p_span) i);
        PERFORM plan_for(cardinality(v_input));
        IF NOT p_span.grouped AND v_to < 'infinity' THEN
            v_entries := ARRAY(SELECT i.entry_id FROM unnest(v_input) i EXCEPT SELECT unnest(p_changed));
            v_difference := add_use(v_difference, v_entries, -1);
        END IF;
        PERFORM store_rating(v_input, ARRAY(SELECT s FROM rate_input(v_input, v_contracts, v_terms, v_then) s));
        EXIT WHEN p_span.grouped OR v_to = 'infinity';
        v_difference := add_use(v_difference, ARRAY(SELECT i.entry_id FROM unnest(v_input) i), 1);
        -- what a period takes is nothing to those after it
        EXIT WHEN NOT EXISTS (SELECT FROM unnest(v_difference) d
                               WHERE d.period_start IS NULL OR d.period_start >= period_at(p_base, v_to));
        v_from := v_to;
        v_then := allotment_state(p_base, v_gone, v_from);
        v_input := '{}';
    END LOOP;
END $$;
COMMENT ON FUNCTION rate_sequence(bigint, bigint[], bigint[], allotment_use[], rating_span, timestamptz, boolean) IS
    'rate fresh entries of a contract as rate_entries() does, and as stamped those of a span that the change bears on; '
    'p_changed are all entries that this change touches, p_freed what they took of this contract before it, below 0, '
    'p_last the instant of the last of them';

CREATE FUNCTION group_scopes(p_base bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN ARRAY(SELECT c.round_scope FROM contract c WHERE c.id = p_base AND c.round_scope <> 'entry'
                 UNION SELECT t.round_scope FROM terms t WHERE t.contract_id = p_base AND t.round_scope <> 'entry');
END $$;
COMMENT ON FUNCTION group_scopes(bigint) IS
    'how a contract rounds entries together, by its terms of now and by those that its work is stamped with; none: it '
    'rounds each for itself';

-- A group that is rated again in part would be rounded in two, so it is rated whole;
-- all that comes after its first entry goes with it, and may have begun earlier in turn.
CREATE FUNCTION sequence_start(p_base contract, p_instant timestamptz, p_day date, p_tasks bigint[])
    RETURNS timestamptz
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_group bigint[] := contract_group(p_base.id);
    v_scopes text[] := group_scopes(p_base.id);
    v_from timestamptz := p_instant;
    v_earlier timestamptz;
    v_day date := p_day;
    v_tasks bigint[] := p_tasks;
BEGIN
    LOOP
        EXIT WHEN v_scopes = '{}';
        SELECT least(v_day, min(h.service_date)), v_tasks || array_agg(DISTINCT h.task_id) INTO v_day, v_tasks
          FROM charge h
         WHERE h.contract_id = ANY (v_group) AND h.started_at >= v_from AND h.source = 'time' AND h.segment = 1;
        IF 'period' = ANY (v_scopes) THEN
            v_day := least(v_day, lower(service_period(p_base, v_day)));
        END IF;
        v_earlier := least(
            (SELECT min(h.started_at) FROM charge h
              WHERE h.task_id = ANY (v_tasks) AND 'task' = ANY (v_scopes) AND h.contract_id = ANY (v_group)
                AND h.source = 'time'),
            -- the day of an instant is at most a day off, whatever the zone
            (SELECT min(h.started_at) FROM charge h
              WHERE h.contract_id = ANY (v_group) AND v_scopes <> '{task}' AND h.started_at < v_from
                AND h.started_at >= v_day::timestamp AT TIME ZONE 'UTC' - interval '2 days'
                AND h.service_date >= v_day AND h.source = 'time' AND h.segment = 1));
        EXIT WHEN v_earlier >= v_from IS NOT FALSE;
        v_from := v_earlier;
    END LOOP;
    RETURN v_from;
END $$;
COMMENT ON FUNCTION sequence_start(contract, timestamptz, date, bigint[]) IS
    'from which instant a change of work from an instant on, of a first day and of tasks, re-rates a contract: where '
    'the first rounding group begins that has an entry from then on';

-- Where nothing is drawn, groups do not bear on one another, and only those that are
-- touched are rated again.
CREATE FUNCTION sequence_span(p_base contract, p_first timestamptz, p_last timestamptz, p_days daterange,
                              p_tasks bigint[])
    RETURNS rating_span
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_group bigint[] := contract_group(p_base.id);
    v_scopes text[] := group_scopes(p_base.id);
    v rating_span;
BEGIN
    v.grouped := v_scopes <> '{}';
    v.ends := 'infinity';
    IF v_scopes = '{}' OR EXISTS (SELECT FROM sequential_contract q WHERE q.base_id = p_base.id AND q.draws)
        OR 'task' = ANY (v_scopes) AND v_scopes <> '{task}' THEN
        v.starts := sequence_start(p_base, p_first, lower(p_days), p_tasks);
        RETURN v;
    END IF;
    v.tasks := CASE WHEN v_scopes <@ '{task,task_day}' THEN p_tasks END;
    IF v_scopes = '{task}' THEN
        SELECT min(h.started_at), max(h.started_at) INTO v.starts, v.ends
          FROM charge h WHERE h.task_id = ANY (p_tasks) AND h.contract_id = ANY (v_group) AND h.source = 'time';
    ELSE
        v.days := CASE WHEN 'period' = ANY (v_scopes)
                       THEN daterange(lower(service_period(p_base, lower(p_days))),
                                      upper(service_period(p_base, upper(p_days) - 1))) ELSE p_days END;
        -- the day of an instant is at most a day off, whatever the zone
        SELECT min(h.started_at), max(h.started_at) INTO v.starts, v.ends
          FROM charge h
         WHERE h.contract_id = ANY (v_group) AND h.source = 'time' AND h.service_date <@ v.days
           AND h.started_at >= lower(v.days)::timestamp AT TIME ZONE 'UTC' - interval '2 days'
           AND h.started_at < upper(v.days)::timestamp AT TIME ZONE 'UTC' + interval '2 days';
    END IF;
    v.starts := least(v.starts, p_first);
    v.ends := greatest(v.ends, p_last) + interval '1 microsecond';
    RETURN v;
END $$;
COMMENT ON FUNCTION sequence_span(contract, timestamptz, timestamptz, daterange, bigint[]) IS
    'which work of a contract whose entries bear on one another is rated again, when work of these tasks and days, '
    'from a first instant to a last one, has changed';

-- What an allotment that comes or goes changes: all that is open from a day on,
-- and work that runs into it.
CREATE FUNCTION rate_again(p_base contract, p_from date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_day date := least(p_from, lower(service_period(p_base, p_from)));
    v_from timestamptz := v_day::timestamp AT TIME ZONE contract_zone(p_base.calendar_id);
BEGIN
    IF EXISTS (SELECT FROM charge h WHERE h.contract_id = p_base.id AND h.late AND NOT h.committed) THEN
        v_from := '-infinity';
    END IF;
    v_from := least(v_from, (
        SELECT min(h.started_at) FROM charge h JOIN time_entry e ON e.id = h.time_entry_id
         WHERE h.client_id = p_base.client_id AND NOT h.committed AND h.started_at < v_from AND e.ended_at > v_from));
    v_from := sequence_start(p_base, v_from, v_day, '{}');
    PERFORM rate_sequence(p_base.id, '{}', '{}', '{}', ROW(v_from, 'infinity', NULL, NULL, true)::rating_span,
                          v_from);
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
