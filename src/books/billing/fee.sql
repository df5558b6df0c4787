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
      FROM contract b
      JOIN contract c ON c.id = b.id OR c.parent_id = b.id
      JOIN currency_code u ON u.code = c.currency
      JOIN contract_line n ON n.contract_id = c.id AND n.kind IN ('recurring', 'one_time')
     CROSS JOIN LATERAL (SELECT p_span * line_days(n, c, b) AS days) a
     CROSS JOIN LATERAL (SELECT CASE n.kind WHEN 'one_time' THEN n.amount
                         ELSE prorate(n.amount, p_span, a.days, n.prorate, u.exponent::int) END AS amount,
                                CASE n.kind WHEN 'one_time' THEN n.cost
                                    ELSE prorate(n.cost, p_span, a.days, n.prorate, u.exponent::int) END AS cost
                          WHERE NOT isempty(a.days)) f
     WHERE b.id = p_base AND NOT isempty(a.days) AND (f.amount <> 0 OR f.cost <> 0);
END;
COMMENT ON FUNCTION due_fees(bigint, daterange) IS
    'recurring and one-time fees of a contract and its companions in one service period, closed or open, prorated to '
    'the days that the line is in force in it';

-- A fee keeps its charge while it is open, whatever changes of it; what is committed
-- stays.
DO $$
DECLARE
    c_kept CONSTANT text[] := '{id,contract_line_id,held_by,frozen_at,key}';
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION put_fees(p_rows charge[]) RETURNS void
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        BEGIN
            UPDATE charge h SET (%1$s) = ROW(%2$s)
              FROM unnest(p_rows) n
             WHERE h.contract_line_id = n.contract_line_id AND h.source = n.source
               AND (h.line_period = n.line_period OR n.source = 'stage')
               AND NOT h.committed AND (%3$s) IS DISTINCT FROM (%2$s);
            PERFORM put_charges(ARRAY(
                SELECT n FROM unnest(p_rows) n
                 WHERE NOT EXISTS (SELECT FROM charge h
                                    WHERE h.contract_line_id = n.contract_line_id AND h.source = n.source
                                      AND (h.line_period = n.line_period OR n.source = 'stage')
                                      AND h.reverses_id IS NULL)));
        END $body$ $function$,
        column_list('charge', '%1$s', c_kept), value_list('charge', 'n', c_kept),
        column_list('charge', 'h.%1$s', c_kept));
END $$;
COMMENT ON FUNCTION put_fees(charge[]) IS
    'write the fees of contract lines, one for each line and service period, and stages, one for each line: new, or in '
    'place of the open one';

CREATE FUNCTION charge_fees_of(p_base contract, p_span daterange, p_late bigint[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_open CONSTANT boolean := lower(p_span) >= lower((open_period(p_base)).span);
    v_fee record;
    v_new charge;
    v_fees charge[];
BEGIN
    DELETE FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND h.line_period = lower(p_span)
       AND NOT h.committed
       AND NOT EXISTS (SELECT FROM due_fees(p_base.id, p_span) d WHERE d.line_id = h.contract_line_id);
    FOR v_fee IN
        SELECT d.* FROM due_fees(p_base.id, p_span) d
         WHERE (v_open OR d.line_id = ANY (p_late)
                OR EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.line_period = lower(p_span)
                           AND h.source = 'fee' AND NOT h.committed))
           -- what is billed once is not billed again on another day
           AND NOT (d.why #> '{fee,once}' IS NOT NULL
                    AND EXISTS (SELECT FROM charge h WHERE h.contract_line_id = d.line_id AND h.source = 'fee'
                                AND h.committed AND h.reverses_id IS NULL))
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
    PERFORM put_fees(v_fees);
END $$;
COMMENT ON FUNCTION charge_fees_of(contract, daterange, bigint[]) IS
    'make, correct or take away the open fee charges of one service period, one for each line; of a closed one, late '
    'in the open period, those of these lines and those that are there';

-- Periods of before a change of where they count from have other days.
CREATE FUNCTION follow_fees(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_periods date[];
BEGIN
    v_periods := ARRAY(
        SELECT DISTINCT lower(service_period(p_base, h.line_period)) FROM charge h
         WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND h.line_period IS NOT NULL
           AND NOT h.committed ORDER BY 1);
    DELETE FROM charge h
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'fee' AND NOT h.committed
       AND h.line_period IS NOT NULL AND h.line_period <> ALL (v_periods);
    PERFORM charge_fees_of(p_base, service_period(p_base, x.first)) FROM unnest(v_periods) x (first);
END $$;
COMMENT ON FUNCTION follow_fees(contract) IS
    'open fees, charged ahead or late, follow their lines, and go with their days';

-- Days that come into force in closed periods are charged in the open one.  Where a
-- line had days in a period before, it has a fee there, which is corrected; and an
-- amount that is put up prices no past.
CREATE FUNCTION charge_late_fees(p_base contract, p_line bigint, p_before daterange, p_days daterange) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_late CONSTANT daterange := p_days * daterange(NULL, lower((open_period(p_base)).span));
    v_span daterange;
BEGIN
    IF isempty(v_late) OR v_late <@ p_before THEN
        RETURN;
    END IF;
    v_span := service_period(p_base, lower(v_late));
    WHILE v_span && v_late LOOP
        PERFORM charge_fees_of(p_base, v_span, ARRAY[p_line]) WHERE NOT v_span && p_before;
        v_span := service_period(p_base, upper(v_span));
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_late_fees(contract, bigint, daterange, daterange) IS
    'charge the fees of a line whose days were p_before and are p_days now for closed periods in which it had none: '
    'late, in the open period, with their true dates';

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
        PERFORM charge_fees_of(v_base, v_span);
        v_span := service_period(v_base, upper(v_span));
    END LOOP;
END $$;
COMMENT ON FUNCTION charge_fees(bigint, date) IS
    'make the fee charges of every open service period of a contract that begins on or before a day: fees charged in '
    'advance; idempotent. Refused (22023): no day, one without end, or one more than ten years ahead';
SELECT allow('manager', 'execute', 'charge_fees');

-- Days on which a contract is not in force charge nothing.
CREATE VIEW uncharged_line WITH (security_invoker) AS
    SELECT n.id AS contract_line_id, c.id AS contract_id, c.number AS contract, c.client_id, k.name AS client, n.kind,
           n.title, n.amount::numeric(18,2) AS amount, c.currency, n.starts_on, n.ends_on,
           CASE WHEN 'draft' IN (c.status, b.status) THEN 'the contract is a draft'
                ELSE format('the contract is in force from %s to %s', iso(greatest(c.starts_on, b.starts_on)),
                            coalesce(iso(least(c.ends_on, b.ends_on)), 'further notice')) END AS reason
      FROM contract_line n
      JOIN contract c ON c.id = n.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
      JOIN party k ON k.id = c.client_id
     WHERE n.kind IN ('recurring', 'one_time') AND n.status <> 'cancelled' AND isempty(line_days(n, c, b))
       AND NOT coalesce(n.ends_on < n.starts_on, false)
       AND NOT EXISTS (SELECT FROM charge h WHERE h.contract_line_id = n.id AND h.source = 'fee');
COMMENT ON VIEW uncharged_line IS
    'fees that are never charged, because their contract is not in force on any of their days, each with the reason';
SELECT allow('reader', 'select', 'uncharged_line');
