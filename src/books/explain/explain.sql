-- ---------------------------------------------------------------------------
-- explain: why a charge is what it is, in words
--
-- Told from what was stamped when the charge was made, and from the snapshot of
-- the terms it was made by; nothing is computed again, so what a client is told
-- in a year is what was decided then.
-- ---------------------------------------------------------------------------

CREATE FUNCTION duration_text(p_seconds numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_seconds < 0 THEN 'minus ' ELSE '' END || coalesce(nullif(concat_ws(' ',
               CASE WHEN abs(p_seconds) >= 3600 THEN div(abs(p_seconds), 3600) || ' h' END,
               CASE WHEN abs(p_seconds) % 3600 >= 60 THEN div(abs(p_seconds) % 3600, 60) || ' min' END,
               CASE WHEN abs(p_seconds) % 60 > 0 THEN trim_scale(abs(p_seconds) % 60) || ' s' END), ''), '0 min');
END;
COMMENT ON FUNCTION duration_text(numeric) IS 'seconds as people say them: 2 h 15 min';

CREATE FUNCTION band_text(p_band text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(p_band, '_', ' ') || CASE WHEN p_band LIKE '%hours' THEN '' ELSE ' hours' END;
END;
COMMENT ON FUNCTION band_text(text) IS 'the hours of a band as people say them: off hours, night hours';

CREATE FUNCTION money_text(p_amount numeric, p_currency text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT round(p_amount, greatest(coalesce((SELECT u.exponent::int FROM currency_code u WHERE u.code = p_currency), 2), min_scale(p_amount)))
           || ' ' || p_currency;
END;
COMMENT ON FUNCTION money_text(numeric, text) IS 'an amount with the decimals of its currency (a price with more where it has them) and the code';

CREATE FUNCTION rounding_text(p_rounding jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(', ',
        format('the contract rounds %s %s %s',
               CASE p_rounding ->> 'scope' WHEN 'entry' THEN 'each entry' WHEN 'task_day' THEN 'the day''s work on a task' WHEN 'day' THEN 'the day''s work'
                    WHEN 'task' THEN 'all work on a task' ELSE 'the work of a period' END,
               CASE p_rounding ->> 'mode' WHEN 'up' THEN 'up to' WHEN 'down' THEN 'down to' WHEN 'nearest' THEN 'to the nearest' ELSE 'within limits, not to' END,
               duration_text((p_rounding ->> 'increment_s')::numeric)),
        CASE WHEN (p_rounding ->> 'grace_s')::numeric > 0 THEN format('forgiving %s', duration_text((p_rounding ->> 'grace_s')::numeric)) END,
        CASE WHEN (p_rounding ->> 'minimum_s')::numeric > 0 THEN format('at least %s', duration_text((p_rounding ->> 'minimum_s')::numeric)) END,
        CASE WHEN (p_rounding ->> 'maximum_s')::numeric > 0 THEN format('at most %s', duration_text((p_rounding ->> 'maximum_s')::numeric)) END);
END;
COMMENT ON FUNCTION rounding_text(jsonb) IS 'a rounding rule of the terms in words';

-- The steps by which time became an amount.
CREATE FUNCTION explain_time(p_charge charge) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_steps text[] := '{}';
    v_terms jsonb;
    v_contract jsonb;
    v_entry record;
    v_allotment allotment;
    v_zone text;
    v_hours text;
    v_adder text := ' plus ' || money_text(substring(p_charge.reason FROM ' plus ([0-9.]+)')::numeric, p_charge.currency);
    v_rounded text;
BEGIN
    SELECT t.body INTO v_terms FROM terms_document t WHERE t.id = p_charge.terms_id;
    v_zone := coalesce(v_terms #>> '{calendar,zone}', (SELECT s.zone FROM setting s));
    v_contract := jsonb_path_query_first(v_terms, '$.contracts[*] ? (@.contract == $c)', jsonb_build_object('c', p_charge.contract_id));
    -- all parts of the entry that were made with this one
    SELECT sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, count(*) AS parts INTO v_entry
      FROM charge h
     WHERE h.time_entry_id = p_charge.time_entry_id AND h.reverses_id IS NULL
       AND (h.id = p_charge.id OR NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id IN (h.id, p_charge.id)));
    IF EXISTS (SELECT FROM charge r WHERE r.reverses_id = p_charge.id) THEN
        SELECT sum(h.worked_s) AS worked_s, sum(h.billed_s) AS billed_s, count(*) AS parts INTO v_entry
          FROM charge h JOIN charge r ON r.reverses_id = h.id WHERE h.time_entry_id = p_charge.time_entry_id AND h.frozen_at = p_charge.frozen_at;
    END IF;

    v_steps := v_steps || (
        SELECT format('%s worked %s on %s', coalesce(m.name, 'Somebody'), duration_text(v_entry.worked_s), iso(p_charge.service_date))
               || CASE WHEN p_charge.segment = 1 AND e.started_at = p_charge.started_at AND e.worked_s = v_entry.worked_s
                       THEN format(', from %s to %s (%s)', to_char(e.started_at AT TIME ZONE v_zone, 'HH24:MI'), to_char(e.ended_at AT TIME ZONE v_zone, 'HH24:MI'), v_zone)
                       ELSE '' END
               || coalesce(', on task "' || t.title || '"', '') || coalesce(' (' || w.name || ')', '') || '.'
          FROM (SELECT 1) one
          LEFT JOIN employee m ON m.id = p_charge.employee_id
          LEFT JOIN time_entry e ON e.id = p_charge.time_entry_id
          LEFT JOIN task t ON t.id = p_charge.task_id
          LEFT JOIN work_type w ON w.id = p_charge.work_type_id);

    IF p_charge.coverage IN ('no_charge', 'non_billable') OR p_charge.coverage = 'included' AND p_charge.allotment_id IS NULL THEN
        RETURN v_steps || (CASE p_charge.coverage WHEN 'no_charge' THEN 'It is shown and not charged' WHEN 'non_billable' THEN 'It is not billed'
                                ELSE 'It is not charged by the hour' END || coalesce(format(' (%s).', p_charge.reason), '.'));
    END IF;

    v_rounded := (SELECT min(substring(h.reason FROM ' worked, (?:set by hand|rounded|brought|by rounding)[a-z ]* ([0-9][^;]*)'))
                    FROM charge h WHERE h.time_entry_id = p_charge.time_entry_id AND h.terms_id IS NOT DISTINCT FROM p_charge.terms_id
                     AND (h.id = p_charge.id OR h.fixed = p_charge.fixed));
    IF p_charge.reason LIKE '%worked, set by hand%' THEN
        v_steps := v_steps || format('Billed are %s, set by hand.', v_rounded);
    ELSIF v_rounded IS NOT NULL THEN
        v_steps := v_steps || format('Rounded to %s: %s.', v_rounded, coalesce(rounding_text(v_terms -> 'rounding'), 'by the contract''s rule'));
    END IF;
    IF v_entry.parts > 1 THEN
        v_steps := v_steps || format('Of it %s %s: part %s of %s.', duration_text(p_charge.billed_s),
            'in ' || band_text(p_charge.band),
            p_charge.segment, v_entry.parts);
    ELSIF p_charge.band <> 'regular' THEN
        v_steps := v_steps || format('All of it in %s.', band_text(p_charge.band));
    END IF;
    IF p_charge.reason LIKE '%raised to the minimum of%' THEN
        v_steps := v_steps || format('Raised to the minimum of %s for %s.', substring(p_charge.reason FROM 'raised to the minimum of ([^;]+)'),
                                     band_text(p_charge.band));
    END IF;

    IF p_charge.coverage IN ('included', 'prepaid') THEN
        SELECT * INTO v_allotment FROM allotment a WHERE a.id = p_charge.allotment_id;
        RETURN v_steps || format('Covered by %s%s: %s taken of %s. Nothing more to pay.',
            CASE v_allotment.kind WHEN 'included' THEN 'what the fee of the period includes' WHEN 'rollover' THEN 'what was carried over from before'
                 WHEN 'block' THEN 'the prepaid block' WHEN 'topup' THEN 'the prepaid top-up' ELSE 'an adjustment' END
            || format(' (allotment %s)', v_allotment.id),
            CASE WHEN p_charge.reason ~ 'each second counted (?!1 times)' THEN ', ' || substring(p_charge.reason FROM 'each second counted [0-9.]+ times') ELSE '' END,
            CASE v_allotment.unit WHEN 'seconds' THEN duration_text(p_charge.burned) ELSE money_text(p_charge.burned, p_charge.currency) END,
            CASE v_allotment.unit WHEN 'seconds' THEN duration_text(v_allotment.amount) ELSE money_text(v_allotment.amount, p_charge.currency) END);
    END IF;

    v_steps := v_steps || format('Price %s an hour: %s.', money_text(p_charge.price, p_charge.currency), coalesce(p_charge.price_source, 'no source stamped'));
    IF p_charge.multiplier <> 1 OR v_adder IS NOT NULL THEN
        v_steps := v_steps || format('For %s%s%s.',
            band_text(p_charge.band), CASE WHEN p_charge.multiplier <> 1 THEN format(' times %s', trim_scale(p_charge.multiplier)) ELSE '' END,
            coalesce(v_adder || ' an hour', ''));
    END IF;
    IF p_charge.discount_pct <> 0 THEN
        v_steps := v_steps || format('Less %s %%, the discount of %s.', trim_scale(p_charge.discount_pct),
            coalesce(substring(p_charge.reason FROM '% by ([^;]+)'), 'the list'));
    END IF;
    IF p_charge.coverage = 'capped' THEN
        RETURN v_steps || format('Not charged: %s.', coalesce(substring(p_charge.reason FROM 'over the cap.*'), 'over the cap of the contract'));
    END IF;
    v_hours := CASE WHEN v_terms ->> 'basis' = 'hundredth' THEN format('%s h (hours to the hundredth)', round(p_charge.billed_s / 3600.0, 2))
                    ELSE duration_text(p_charge.billed_s) END;
    RETURN v_steps || format('%s at %s%s%s%s = %s.', v_hours, money_text(p_charge.price, p_charge.currency),
        CASE WHEN p_charge.multiplier <> 1 THEN format(' times %s', trim_scale(p_charge.multiplier)) ELSE '' END, coalesce(v_adder, ''),
        CASE WHEN p_charge.discount_pct <> 0 THEN format(' less %s %%', trim_scale(p_charge.discount_pct)) ELSE '' END,
        money_text(p_charge.amount, p_charge.currency));
END $$;
COMMENT ON FUNCTION explain_time(charge) IS 'the steps by which time became this charge, as sentences';

CREATE FUNCTION explain_other(p_charge charge) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_item item;
    v_amount text := money_text(p_charge.amount, p_charge.currency);
BEGIN
    SELECT * INTO v_item FROM item i WHERE i.id = p_charge.item_id;
    CASE p_charge.source
    WHEN 'item' THEN
        RETURN ARRAY[
            format('%s: %s %s on %s.', v_item.name, trim_scale(p_charge.quantity), v_item.unit, iso(p_charge.service_date)),
            CASE WHEN p_charge.price IS NULL THEN format('Priced %s: %s.', coalesce(substring(p_charge.reason FROM 'by tiers, [a-z]+'), 'by tiers'), p_charge.price_source)
                 ELSE format('Price %s each: %s.', money_text(p_charge.price, p_charge.currency), p_charge.price_source) END]
            || CASE WHEN p_charge.discount_pct <> 0 THEN
                    ARRAY[format('Less %s %%, the discount of %s.', trim_scale(p_charge.discount_pct), coalesce(substring(p_charge.reason FROM '% by ([^;]+)'), 'the list'))]
                    ELSE '{}' END
            || CASE WHEN p_charge.price IS NULL THEN format('Together %s.', v_amount)
                    ELSE format('%s at %s%s = %s.', trim_scale(p_charge.quantity), money_text(p_charge.price, p_charge.currency),
                                CASE WHEN p_charge.discount_pct <> 0 THEN format(' less %s %%', trim_scale(p_charge.discount_pct)) ELSE '' END, v_amount) END;
    WHEN 'fee' THEN
        RETURN ARRAY[format('Fee: %s.', p_charge.reason), format('Together %s.', v_amount)];
    WHEN 'stage' THEN
        RETURN ARRAY[format('Stage: %s.', p_charge.reason), format('The contract sets %s for it.', v_amount)];
    WHEN 'expense' THEN
        RETURN ARRAY[format('Expense on %s: %s.', iso(p_charge.service_date), p_charge.reason), format('It is charged at %s.', v_amount)];
    ELSE
        RETURN ARRAY[format('Adjustment: %s.', p_charge.reason), format('It comes to %s.', v_amount)];
    END CASE;
END $$;
COMMENT ON FUNCTION explain_other(charge) IS 'the steps by which something that is no time became this charge, as sentences';

-- What a charge says to who may not see its cost.
CREATE FUNCTION told_charge(p_charge bigint) RETURNS charge
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_populate_record(NULL::charge, to_jsonb(x))
      FROM (SELECT h.id, h.source, h.time_entry_id, h.segment, h.contract_id, h.client_id, h.task_id, h.employee_id, h.work_type_id, h.item_id, h.service_date,
                   h.period_start, h.started_at, h.band, h.coverage, h.worked_s, h.billed_s, h.quantity, h.price, h.multiplier, h.discount_pct,
                   h.price_source, h.amount, h.currency, h.allotment_id, h.burned, h.reason, h.terms_id, h.late, h.held_by, h.frozen_at, h.fixed,
                   h.reverses_id
              FROM charge h WHERE h.id = p_charge) x;
END;
COMMENT ON FUNCTION told_charge(bigint) IS 'a charge without its cost, as every reader may see it; NULL when there is none';

CREATE FUNCTION explain_charge(charge_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge := told_charge(charge_id);
    v_original charge;
    v_steps text[] := '{}';
    v_head text;
    v_other record;
BEGIN
    IF v_charge.id IS NULL THEN
        RAISE EXCEPTION 'there is no charge %', charge_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'View unbilled lists charges; a provisional charge may have been rated anew.';
    END IF;
    v_head := format('Charge %s, %s%s: %s', v_charge.id,
        coalesce((SELECT 'contract "' || c.number || '"' FROM contract c WHERE c.id = v_charge.contract_id), 'no contract'),
        coalesce((SELECT ', ' || p.name FROM party p WHERE p.id = v_charge.client_id), ''),
        money_text(v_charge.amount, v_charge.currency));
    IF v_charge.reverses_id IS NOT NULL THEN
        v_original := told_charge(v_charge.reverses_id);
        v_steps := ARRAY[format('It takes back %s (%s).', format('charge %s of %s', v_original.id, money_text(v_original.amount, v_original.currency)),
                                coalesce(substring(v_charge.reason FROM '^reversal of charge [0-9]+: (.*)$'), v_charge.reason))];
    ELSIF v_charge.source = 'time' THEN
        v_steps := explain_time(v_charge);
    ELSE
        v_steps := explain_other(v_charge);
    END IF;
    IF v_charge.late THEN
        v_steps := v_steps || format('It came after its period was closed, so it is billed in the period of %s, with the day of the work as it was.',
                                     iso(v_charge.period_start));
    END IF;
    FOR v_other IN SELECT h.id, h.amount, h.currency, h.reason FROM charge h WHERE h.adjusts_id = charge_id ORDER BY h.id LOOP
        v_steps := v_steps || format('Charge %s changes it by %s (%s).', v_other.id, money_text(v_other.amount, v_other.currency),
                                     coalesce(substring(v_other.reason FROM '^write-(?:off|up) of charge [0-9]+: (.*)$'), v_other.reason));
    END LOOP;
    FOR v_other IN SELECT h.id FROM charge h WHERE h.reverses_id = charge_id LOOP
        v_steps := v_steps || format('Charge %s took it back.', v_other.id);
    END LOOP;
    v_steps := v_steps || CASE WHEN v_charge.held_by IS NOT NULL THEN 'It waits unchanged for the client''s answer to a report.'
                               WHEN v_charge.frozen_at IS NULL THEN 'It is provisional: it changes with the work it is for until it is billed.'
                               ELSE format('It is final since %s.', iso((v_charge.frozen_at AT TIME ZONE (SELECT s.zone FROM setting s))::date)) END;
    RETURN v_head || (SELECT string_agg(chr(10) || s.no || '. ' || s.step, '' ORDER BY s.no) FROM unnest(v_steps) WITH ORDINALITY s (step, no));
END $$;
COMMENT ON FUNCTION explain_charge(bigint) IS
    'how a charge came to be, step by step in words a client understands, from what was stamped on it; refused (23503) for a charge that there is not';
SELECT allow('reader', 'execute', 'explain_charge');
