-- ---------------------------------------------------------------------------
-- explain: why a charge is what it is, in words
--
-- Told from what was stamped when the charge was made (its columns and why), and
-- from the snapshot of the terms it was made by; nothing is computed again, so
-- what a client is told in a year is what was decided then.
-- ---------------------------------------------------------------------------

CREATE FUNCTION rounding_text(p_rounding jsonb, p_language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT concat_ws(', ',
        say('rule_' || (p_rounding ->> 'mode'), p_language, say('scope_' || (p_rounding ->> 'scope'), p_language),
                     duration_text(p_rounding -> 'increment_s', p_language)),
        (SELECT string_agg(say('rule_' || b.name, p_language, duration_text(b.seconds, p_language)), ', ' ORDER BY b.no)
           FROM (VALUES (1, 'grace', (p_rounding ->> 'grace_s')::numeric),
                        (2, 'minimum', (p_rounding ->> 'minimum_s')::numeric),
                        (3, 'maximum', (p_rounding ->> 'maximum_s')::numeric)) b (no, name, seconds)
          WHERE b.seconds > 0))
     WHERE p_rounding IS NOT NULL;
END;
COMMENT ON FUNCTION rounding_text(jsonb, text) IS 'a rounding rule of the terms in words';

CREATE FUNCTION price_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.why #>> '{price,by}' IN ('entry', 'agreed', 'overage')
                THEN say('price_' || (p_charge.why #>> '{price,by}'), p_language, p_charge.why #>> '{price,line}')
                WHEN p_charge.price_id IS NULL THEN say('price_unknown', p_language)
                ELSE say('price_position', p_language, coalesce(p_charge.why #>> '{price,name}', (
                    SELECT l.value ->> 'name' FROM terms_document t CROSS JOIN LATERAL jsonb_each(t.body -> 'lists') l
                     WHERE t.id = p_charge.terms_id
                       AND l.value -> 'prices' @> jsonb_build_array(jsonb_build_object('id', p_charge.price_id))
                     LIMIT 1), '-'),
                    p_charge.price_id::text) END;
END;
COMMENT ON FUNCTION price_text(charge, text) IS
    'whose price a charge has: the position and the list as it was named then, the entry''s own, or an agreed one';

CREATE FUNCTION discount_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT say('discounted', p_language, number_text(trim_scale(p_charge.discount_pct), p_language),
                        discount_giver(p_charge.why #> '{discount,by}', p_language))
     WHERE p_charge.discount_pct <> 0;
END;
COMMENT ON FUNCTION discount_text(charge, text) IS
    'the discount of a charge and whose it is, as a sentence; NULL where there is none';

-- All parts of an entry that were made with this one, or reversed with it.
CREATE FUNCTION parts_of_entry(p_charge charge, OUT worked_s numeric, OUT parts bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH made AS (
        SELECT h.worked_s, r.id IS NOT NULL AS is_reversed, h.frozen_at, h.id
          FROM charge h LEFT JOIN charge r ON r.reverses_id = h.id
         WHERE h.time_entry_id = p_charge.time_entry_id AND h.reverses_id IS NULL AND h.source = 'time')
    SELECT sum(m.worked_s), count(*)
      FROM made m
     WHERE CASE WHEN EXISTS (SELECT FROM made x WHERE x.id = p_charge.id AND x.is_reversed)
                THEN m.is_reversed AND m.frozen_at = p_charge.frozen_at ELSE NOT m.is_reversed END;
END;
COMMENT ON FUNCTION parts_of_entry(charge) IS
    'the worked seconds and the number of the charges that an entry was rated into together with this one';

CREATE FUNCTION worked_text(p_charge charge, p_worked_s numeric, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT concat(
        say('worked', p_language, coalesce(m.name, say('somebody', p_language)), duration_text(p_worked_s, p_language),
                     iso(p_charge.service_date)),
        CASE WHEN p_charge.segment = 1 AND e.started_at = p_charge.started_at AND e.worked_s = p_worked_s
             THEN say('worked_clock', p_language, to_char(e.started_at AT TIME ZONE z.zone, 'HH24:MI'),
                               to_char(e.ended_at AT TIME ZONE z.zone, 'HH24:MI'), z.zone) END,
        CASE WHEN t.id IS NOT NULL THEN say('worked_task', p_language, t.title) END, ' (' || w.name || ')', '.')
      FROM (SELECT coalesce(t.body #>> '{calendar,zone}', s.zone) AS zone
              FROM setting s LEFT JOIN terms t ON t.id = p_charge.terms_id) z
      LEFT JOIN employee m ON m.id = p_charge.employee_id
      LEFT JOIN time_entry e ON e.id = p_charge.time_entry_id
      LEFT JOIN task t ON t.id = p_charge.task_id
      LEFT JOIN work_type w ON w.id = p_charge.work_type_id;
END;
COMMENT ON FUNCTION worked_text(charge, numeric, text) IS 'who worked how long, when and on what, as a sentence';

CREATE FUNCTION covered_text(p_charge charge, p_language text) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT say('covered', p_language, say('kind_' || a.kind, p_language), a.id::text,
        CASE WHEN p_charge.why #> '{band,burn}' IS NOT NULL
             THEN ', ' || say('burn', p_language, number_text(p_charge.why #> '{band,burn}', p_language)) END,
        CASE a.unit WHEN 'seconds' THEN duration_text(p_charge.burned, p_language)
                    ELSE money_text(p_charge.burned, p_charge.currency, p_language) END,
        CASE a.unit WHEN 'seconds' THEN duration_text(a.amount, p_language)
                    ELSE money_text(a.amount, p_charge.currency, p_language) END)
      FROM allotment a WHERE a.id = p_charge.allotment_id;
END;
COMMENT ON FUNCTION covered_text(charge, text) IS
    'which allotment covers a charge and what is taken of it, as a sentence';

-- The steps by which worked time became the time of this charge.
CREATE FUNCTION explain_duration(p_charge charge, p_parts bigint, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_remove(ARRAY[
        say(CASE p_charge.why #>> '{rounded,by}' WHEN 'hand' THEN 'by_hand' WHEN 'rule' THEN 'rounded_to'
                WHEN 'minimum' THEN 'raised_to' WHEN 'maximum' THEN 'limited_to' END, p_language,
            duration_text(p_charge.why #> '{rounded,billed_s}', p_language),
            coalesce((SELECT rounding_text(t.body -> 'rounding', p_language) FROM terms t
                       WHERE t.id = p_charge.terms_id), say('rule_unknown', p_language))),
        CASE WHEN p_parts > 1
             THEN say('part', p_language, duration_text(p_charge.billed_s, p_language),
                      band_text(p_charge.band, p_language), p_charge.segment::text, p_parts::text)
             WHEN p_charge.band <> 'regular' THEN say('all_in', p_language, band_text(p_charge.band, p_language)) END,
        CASE WHEN p_charge.why #> '{band,minimum_s}' IS NOT NULL
             THEN say('minimum_for', p_language, duration_text(p_charge.why #> '{band,minimum_s}', p_language),
                      band_text(p_charge.band, p_language)) END], NULL);
END;
COMMENT ON FUNCTION explain_duration(charge, bigint, text) IS
    'the steps by which worked time became the time of a charge, one of so many parts of its entry, as sentences';

-- The steps by which the time of this charge became its amount.
CREATE FUNCTION explain_price(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_band CONSTANT jsonb := p_charge.why -> 'band';
    v_price CONSTANT text := money_text(p_charge.price, p_charge.currency, p_language);
    v_adder CONSTANT text := money_text((v_band ->> 'adder')::numeric, p_charge.currency, p_language);
    v_amount CONSTANT text := money_text(priced(p_charge), p_charge.currency, p_language);
    v_change text := price_change(v_band, v_adder, p_language);
    v_steps text[] := ARRAY[say('price_hour', p_language, v_price, price_text(p_charge, p_language))];
    v_hours text := duration_text(p_charge.billed_s, p_language);
BEGIN
    IF v_change <> '' THEN
        v_steps := v_steps || say('band_effect', p_language, band_text(p_charge.band, p_language),
            CASE WHEN v_band ? 'adder' THEN say('an_hour', p_language, v_change) ELSE v_change END, '');
    END IF;
    v_steps := v_steps || array_remove(ARRAY[discount_text(p_charge, p_language)], NULL);
    IF p_charge.coverage = 'capped' THEN
        RETURN v_steps || say('not_charged_for', p_language, cap_reason(p_charge.why -> 'cap', p_language));
    END IF;
    IF (SELECT t.body ->> 'basis' FROM terms t WHERE t.id = p_charge.terms_id) = 'hundredth' THEN
        v_hours := say('hundredths', p_language, number_text(round(p_charge.billed_s / 3600.0, 2), p_language));
    END IF;
    v_change := concat(v_change, CASE WHEN p_charge.discount_pct <> 0
        THEN say('less', p_language, number_text(trim_scale(p_charge.discount_pct), p_language)) END);
    RETURN v_steps || CASE WHEN p_charge.why ? 'cap'
        THEN say('cap_leaves', p_language, cap_text(p_charge.why -> 'cap', p_language), v_amount, v_hours, v_price,
                 v_change)
        ELSE say('total', p_language, v_hours, v_price, v_change, v_amount) END;
END $$;
COMMENT ON FUNCTION explain_price(charge, text) IS
    'the steps by which the time of a charge became its amount, as sentences';

CREATE FUNCTION explain_time(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_entry record := parts_of_entry(p_charge);
    v_steps text[] := ARRAY[worked_text(p_charge, v_entry.worked_s, p_language)];
BEGIN
    IF p_charge.coverage IN ('no_charge', 'non_billable')
        OR p_charge.coverage = 'included' AND p_charge.allotment_id IS NULL THEN
        RETURN v_steps || (
            say(CASE p_charge.coverage WHEN 'no_charge' THEN 'not_charged' WHEN 'non_billable' THEN 'not_billed'
                ELSE 'not_by_hour' END, p_language)
            || coalesce(' (' || charge_reason(p_charge.why, p_language) || ')', '') || '.');
    END IF;
    v_steps := v_steps || explain_duration(p_charge, v_entry.parts, p_language);
    IF p_charge.coverage IN ('included', 'prepaid') THEN
        RETURN v_steps || covered_text(p_charge, p_language);
    END IF;
    RETURN v_steps || explain_price(p_charge, p_language);
END $$;
COMMENT ON FUNCTION explain_time(charge, text) IS 'the steps by which time became this charge, as sentences';

CREATE FUNCTION explain_item(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_remove(ARRAY[
        say('item', p_language, i.name, number_text(trim_scale(p_charge.quantity), p_language), i.unit,
            iso(p_charge.service_date)),
        CASE WHEN p_charge.price IS NULL
             THEN say('priced', p_language, say('tiers', p_language, p_charge.why #>> '{tiers,mode}'),
                 price_text(p_charge, p_language))
             ELSE say('price_each', p_language, a.price, price_text(p_charge, p_language)) END,
        discount_text(p_charge, p_language),
        CASE WHEN p_charge.price IS NULL THEN say('together', p_language, a.amount)
             ELSE say('total', p_language, number_text(trim_scale(p_charge.quantity), p_language), a.price,
                    CASE WHEN p_charge.discount_pct <> 0
                         THEN say('less', p_language, number_text(trim_scale(p_charge.discount_pct), p_language)) END,
                    a.amount) END], NULL)
      FROM item i
     CROSS JOIN (SELECT money_text(p_charge.price, p_charge.currency, p_language) AS price,
                        money_text(priced(p_charge), p_charge.currency, p_language) AS amount) a
     WHERE i.id = p_charge.item_id;
END;
COMMENT ON FUNCTION explain_item(charge, text) IS 'the steps by which a quantity became this charge, as sentences';

CREATE FUNCTION explain_other(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE p_charge.source
        WHEN 'item' THEN explain_item(p_charge, p_language)
        WHEN 'fee' THEN ARRAY[say('a_fee', p_language, r.reason), say('together', p_language, r.amount)]
        WHEN 'stage' THEN ARRAY[say('a_stage', p_language, r.reason), say('stage_sets', p_language, r.amount)]
        WHEN 'expense' THEN ARRAY[say('an_expense', p_language, iso(p_charge.service_date), r.reason),
                                  say('expense_at', p_language, r.amount)]
        ELSE ARRAY[say('an_adjustment', p_language, r.reason), say('comes_to', p_language, r.amount)] END
      FROM (SELECT charge_reason(p_charge.why, p_language) AS reason,
                   money_text(priced(p_charge), p_charge.currency, p_language) AS amount) r;
END;
COMMENT ON FUNCTION explain_other(charge, text) IS
    'the steps by which something that is no time became this charge, as sentences';

-- What a charge says to who may not see its cost.
CREATE FUNCTION told_charge(p_charge bigint) RETURNS charge
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_populate_record(NULL::charge, to_jsonb(x))
      FROM (SELECT h.id, h.source, h.time_entry_id, h.segment, h.contract_id, h.client_id, h.task_id, h.employee_id,
                   h.work_type_id, h.item_id, h.service_date, h.period_start, h.started_at, h.band, h.coverage,
                   h.worked_s, h.billed_s, h.quantity, h.price, h.multiplier, h.discount_pct, h.rate, h.price_id,
                   h.gross, h.amount, h.currency, h.allotment_id, h.burned, h.why, h.terms_id, h.late, h.held_by,
                   h.frozen_at, h.committed, h.reverses_id
              FROM charge h WHERE h.id = p_charge) x;
END;
COMMENT ON FUNCTION told_charge(bigint) IS
    'a charge without its cost, as every reader may see it; NULL when there is none';

-- What happened to a charge since: late, adjusted, reversed, final.
CREATE FUNCTION explain_fate(p_charge charge, p_language text) RETURNS text[]
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE WHEN p_charge.late THEN ARRAY[say('late', p_language, iso(p_charge.period_start))] ELSE '{}' END
        || ARRAY(SELECT say('changed_by', p_language, h.id::text,
                     money_text(coalesce(h.gross, h.amount), h.currency, p_language),
                     coalesce(h.why ->> 'note', charge_reason(h.why, p_language)))
                   FROM charge h WHERE h.adjusts_id = p_charge.id ORDER BY h.id)
        || ARRAY(SELECT say('taken_back_by', p_language, h.id::text) FROM charge h WHERE h.reverses_id = p_charge.id)
        || CASE WHEN p_charge.held_by IS NOT NULL THEN say('is_held', p_language)
                WHEN p_charge.frozen_at IS NULL THEN say('is_open', p_language)
                ELSE say('is_final', p_language, iso((p_charge.frozen_at AT TIME ZONE s.zone)::date)) END
      FROM setting s;
END;
COMMENT ON FUNCTION explain_fate(charge, text) IS 'what became of a charge since it was made, as sentences';

CREATE FUNCTION explain_charge(charge_id bigint, language text DEFAULT 'en') RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_charge charge := told_charge(charge_id);
    v_original charge;
    v_steps text[];
BEGIN
    IF coalesce(language, '') NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'explanations have no language "%"', left(language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Languages are uk, ru and en.';
    END IF;
    IF v_charge.id IS NULL THEN
        RAISE EXCEPTION 'there is no charge %', charge_id
            USING ERRCODE = 'foreign_key_violation',
                HINT = 'View unbilled lists charges; a provisional charge may have been rated anew.';
    END IF;
    IF v_charge.reverses_id IS NOT NULL THEN
        v_original := told_charge(v_charge.reverses_id);
        v_steps := ARRAY[say('takes_back', language, v_original.id::text,
                             money_text(priced(v_original), v_original.currency, language),
                                      coalesce(v_charge.why ->> 'note', charge_reason(v_charge.why, language)))];
    ELSIF v_charge.source = 'time' THEN
        v_steps := explain_time(v_charge, language);
    ELSE
        v_steps := explain_other(v_charge, language);
    END IF;
    IF v_charge.gross <> v_charge.amount THEN
        v_steps := v_steps || say('tax_in_it', language,
                                  money_text(v_charge.gross - v_charge.amount, v_charge.currency, language),
                                  money_text(v_charge.amount, v_charge.currency, language));
    END IF;
    v_steps := v_steps || explain_fate(v_charge, language);
    RETURN say('head', language, v_charge.id::text,
            coalesce((SELECT say('head_contract', language, c.number) FROM contract c
                       WHERE c.id = v_charge.contract_id),
                     say('head_none', language)),
            (SELECT ', ' || p.name FROM party p WHERE p.id = v_charge.client_id),
            money_text(priced(v_charge), v_charge.currency, language))
        || (SELECT string_agg(chr(10) || s.no || '. ' || s.step, '' ORDER BY s.no)
            FROM unnest(v_steps) WITH ORDINALITY s (step, no));
END $$;
COMMENT ON FUNCTION explain_charge(bigint, text) IS
    'how a charge came to be, step by step in words a client understands (language en, uk or ru), from what was '
    'stamped on it; refused for a charge that there is not (23503), and for other languages (22023)';
SELECT allow('reader', 'execute', 'explain_charge');
