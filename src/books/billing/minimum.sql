-- ---------------------------------------------------------------------------
-- minimum: what a service period lacks to the minimum charge of its contract
--
-- What counts is what is charged for the days of the period, whenever it was
-- charged: late work and corrections count where they belong.  What was given
-- away counts as if it were charged, or the minimum would bill it again.  A period
-- that reached it is closed with a charge of 0, which says so and which
-- correction_due raises when the work shrinks, or the days grow, later.
-- ---------------------------------------------------------------------------

CREATE FUNCTION minimum_work(p_contract bigint, p_span daterange, OUT work numeric, OUT raised numeric,
                             OUT given numeric)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(sum(m.priced) FILTER (WHERE NOT m.is_minimum AND NOT m.is_given), 0),
           coalesce(sum(m.priced) FILTER (WHERE m.is_minimum AND NOT m.is_given), 0),
           coalesce(sum(m.priced) FILTER (WHERE m.is_minimum AND m.is_given), 0)
      FROM live_charge h
      LEFT JOIN charge a ON a.id = h.adjusts_id
     CROSS JOIN LATERAL (
        SELECT coalesce(h.gross, h.amount) AS priced,
               h.made_by = 'minimum' OR coalesce(a.made_by = 'minimum', false) AS is_minimum,
               coalesce(h.why ? 'write_off' OR h.why #>> '{credited,meaning}' = 'waive', false) AS is_given) m
     WHERE h.contract_id = p_contract AND h.service_date <@ p_span;
END;
COMMENT ON FUNCTION minimum_work(bigint, daterange) IS
    'what is charged for the days of a service period, as the contract''s prices say it: work, fees and all else '
    'before what was given away; to reach the minimum (raised), and what was given away of that (given, below 0)';

CREATE FUNCTION due_minimum(p_base bigint, p_span daterange)
    RETURNS TABLE (contract_id bigint, minimum_charge numeric, prorate text, days daterange, due numeric, work numeric,
                   raised numeric, exponent integer)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.id, c.minimum_charge, c.prorate, d.days, f.due, m.work, m.raised, u.exponent::int
      FROM contract c
      JOIN currency_code u ON u.code = c.currency
     CROSS JOIN LATERAL (SELECT p_span * daterange(c.starts_on, c.ends_on, '[]') AS days) d
     CROSS JOIN LATERAL (SELECT CASE WHEN isempty(d.days) THEN 0
                                     ELSE prorate(c.minimum_charge, p_span, d.days, c.prorate, u.exponent::int)
                                     END AS due) f
     CROSS JOIN LATERAL minimum_work(c.id, p_span) m
     WHERE p_base IN (c.id, c.parent_id) AND c.minimum_charge IS NOT NULL AND c.status <> 'draft';
END;
COMMENT ON FUNCTION due_minimum(bigint, daterange) IS
    'the minimum charges of a contract and its companions in a service period, cut to the days they have in it: what '
    'is due, what was charged (work) and what of it to reach the minimum (raised)';

CREATE FUNCTION charge_minimum(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_minimum record;
    v_new charge;
    v_made charge;
    v_lacking charge[];
BEGIN
    FOR v_minimum IN
        SELECT m.*, greatest(m.due - m.work, 0) - m.raised AS amount FROM due_minimum(p_base, p_span) m
          JOIN contract c ON c.id = m.contract_id AND c.starts_on < upper(p_span)
         ORDER BY m.contract_id
    LOOP
        CONTINUE WHEN v_minimum.amount = 0 AND EXISTS (
            SELECT FROM charge h WHERE h.contract_id = v_minimum.contract_id AND h.made_by = 'minimum'
               AND h.service_date <@ p_span);
        v_new.source := 'adjustment';
        v_new.made_by := 'minimum';
        v_new.contract_id := v_minimum.contract_id;
        v_new.service_date := coalesce(upper(v_minimum.days), upper(p_span)) - 1;
        v_new.amount := v_minimum.amount;
        v_new.cost := 0;
        v_new.why := jsonb_build_object('minimum_charge', jsonb_build_object(
            'amount', v_minimum.due, 'reached', round(v_minimum.work, v_minimum.exponent)) || CASE
                WHEN v_minimum.prorate = 'none' OR v_minimum.days = p_span THEN '{}'
                ELSE jsonb_build_object('whole', round(v_minimum.minimum_charge, v_minimum.exponent)) || CASE
                    WHEN isempty(v_minimum.days) THEN '{}'
                    ELSE jsonb_build_object('from', iso(lower(v_minimum.days)), 'to', iso(upper(v_minimum.days) - 1),
                        'days', upper(v_minimum.days) - lower(v_minimum.days), 'of', upper(p_span) - lower(p_span),
                        'rule', v_minimum.prorate) END END);
        v_made := complete_charge(v_new);
        IF v_made.amount = 0 THEN
            v_made.coverage := 'non_billable';
        END IF;
        v_lacking := v_lacking || v_made;
    END LOOP;
    PERFORM put_charges(v_lacking);
END $$;
COMMENT ON FUNCTION charge_minimum(bigint, daterange) IS
    'charge what a period lacks to the contract''s minimum_charge, cut by the contract''s rule to the days that it has '
    'in the period, though it be nothing; again after a period was reopened';
