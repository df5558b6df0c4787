-- ---------------------------------------------------------------------------
-- billing: what is charged beside time
--
-- Fees and stages, items and expenses, fixed prices of tasks, prepaid blocks,
-- write-offs.  Each becomes a charge, provisional like those of time until a
-- report, an invoice or the close of its period freezes it.
-- ---------------------------------------------------------------------------

-- The fees that a period is due, as the contract's lines say now.
CREATE FUNCTION due_fees(p_base bigint, p_span daterange)
    RETURNS TABLE (line_id bigint, contract_id bigint, item_id bigint, service_date date, amount numeric, cost numeric,
                   why jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT n.id, c.id, n.item_id, lower(a.days), f.amount, f.cost,
           jsonb_build_object('fee', jsonb_build_object('title', n.title) || CASE
               WHEN n.kind = 'one_time' THEN '{"once": true}'
               ELSE jsonb_build_object('from', iso(lower(a.days)), 'to', iso(upper(a.days) - 1)) || CASE
                   WHEN n.prorate = 'none' OR a.days = p_span THEN '{}'
                   ELSE jsonb_build_object('days', upper(a.days) - lower(a.days), 'of', upper(p_span) - lower(p_span),
                                           'rule', n.prorate, 'amount', round(n.amount, u.exponent)) END END)
      FROM contract c
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind IN ('recurring', 'one_time') AND n.status <> 'cancelled'
     CROSS JOIN LATERAL (SELECT p_span * CASE n.kind
            WHEN 'one_time' THEN daterange(coalesce(n.starts_on, c.starts_on), coalesce(n.starts_on, c.starts_on),
                                           '[]') * daterange(c.starts_on, c.ends_on, '[]')
            ELSE daterange(greatest(n.starts_on, c.starts_on), least(n.ends_on, c.ends_on), '[]') END AS days) a
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN n.amount
                         ELSE prorate(n.amount, p_span, a.days, n.prorate, u.exponent::int) END AS amount,
                                CASE n.kind WHEN 'one_time' THEN n.cost
                                    ELSE prorate(n.cost, p_span, a.days, n.prorate, u.exponent::int) END AS cost
                          WHERE NOT isempty(a.days)) f
     WHERE c.id = ANY (contract_group(p_base)) AND c.status <> 'draft' AND NOT isempty(a.days)
         AND (f.amount <> 0 OR f.cost <> 0);
END;
COMMENT ON FUNCTION due_fees(bigint, daterange) IS
    'recurring and one-time fees of a contract and its companions in one service period, prorated to the days that the '
    'line is in force in it';

CREATE FUNCTION charge_fees_of(p_base bigint, p_span daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_fee record;
    v_new charge;
    v_fees charge[];
BEGIN
    -- Fees follow their lines until they are frozen.
    DELETE FROM charge h
     USING contract_line n
     WHERE n.contract_id = ANY (contract_group(p_base)) AND h.contract_line_id = n.id AND h.source = 'fee'
         AND h.coverage = 'billable'
       AND h.period_start = lower(p_span) AND NOT h.committed AND h.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM due_fees(p_base, p_span) d
                        WHERE (d.line_id, d.service_date, d.amount, d.cost, d.why) = (h.contract_line_id,
                            h.service_date, h.amount, h.cost, h.why));
    FOR v_fee IN
        SELECT d.* FROM due_fees(p_base, p_span) d
         WHERE NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.period_start = lower(p_span)
                           AND h.source = 'fee'
                              AND h.coverage = 'billable' AND h.reverses_id IS NULL)
         ORDER BY d.line_id
    LOOP
        v_new.source := 'fee';
        v_new.made_by := 'line';
        v_new.contract_id := v_fee.contract_id;
        v_new.contract_line_id := v_fee.line_id;
        v_new.item_id := v_fee.item_id;
        v_new.service_date := v_fee.service_date;
        v_new.quantity := 1;
        v_new.price := v_fee.amount;
        v_new.amount := v_fee.amount;
        v_new.cost := v_fee.cost;
        v_new.why := v_fee.why;
        v_fees := v_fees || complete_charge(v_new);
    END LOOP;
    PERFORM put_charges(v_fees);
END $$;
COMMENT ON FUNCTION charge_fees_of(bigint, daterange) IS
    'make or correct the provisional fee charges of one service period; one for each line and period';

CREATE FUNCTION charge_fees(contract_id bigint, through date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_base contract := lock_contract(contract_id);
    v_span daterange;
    v_last date;
BEGIN
    v_span := (open_period(v_base)).span;
    v_last := greatest(lower(v_span), books_today()) + interval '10 years';
    IF through IS NULL OR NOT isfinite(through) THEN
        RAISE EXCEPTION 'charge_fees needs the day through which to charge' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'The last day of the period that is paid in advance.';
    ELSIF through > v_last THEN
        RAISE EXCEPTION 'fees through % are too far ahead', through
            USING ERRCODE = 'invalid_parameter_value', DETAIL = format('The limit is ten years, %s.', iso(v_last)),
                HINT = 'Charge them nearer to their time.';
    END IF;
    WHILE v_base.status <> 'draft' AND lower(v_span) <= through
        AND lower(v_span) <= coalesce(v_base.ends_on, 'infinity') LOOP
        PERFORM charge_fees_of(v_base.id, v_span);
        v_span := service_period(v_base, upper(v_span));
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees(bigint, date) IS
    'make the fee charges of every open service period of a contract that begins on or before a day: fees charged in '
    'advance; idempotent. Refused (22023): no day, one without end, or one more than ten years ahead';
SELECT allow('manager', 'execute', 'charge_fees');
