-- ---------------------------------------------------------------------------
-- due: which periods wait to be closed, and what stands in the way
-- ---------------------------------------------------------------------------

CREATE VIEW billing_due WITH (security_invoker) AS
    SELECT c.id AS contract_id, c.number AS contract, c.client_id, k.name AS client, lower(o.span) AS period_start,
        upper(o.span) AS period_end,
           least(upper(o.span), c.ends_on + 1) AS over_on
      FROM contract c
      JOIN party k ON k.id = c.client_id
     CROSS JOIN LATERAL open_period(c) o
     WHERE c.parent_id IS NULL AND c.status <> 'draft'
       AND (lower(o.span) <= coalesce(c.ends_on, 'infinity')
            OR EXISTS (SELECT FROM contract g JOIN charge h ON h.contract_id = g.id AND h.late AND h.frozen_at IS NULL
                        WHERE g.id = c.id OR g.parent_id = c.id));
COMMENT ON VIEW billing_due IS
    'the next service period that each base contract has to close: also one after its end, where late charges wait; '
    'period_end is exclusive, over_on the first day on which it can be closed';
SELECT allow('reader', 'select', 'billing_due');

-- A contract that is over has corrections too, of which readers of billing_due know
-- nothing.
CREATE FUNCTION to_close(p_through date) RETURNS TABLE (contract_id bigint, client_id bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.contract_id, d.client_id FROM billing_due d WHERE d.over_on <= p_through + 1
    UNION
    SELECT b.id, b.client_id
      FROM rechecked r
      JOIN charge h ON h.id = r.charge_id
      JOIN contract c ON c.id = h.contract_id
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     CROSS JOIN LATERAL open_period(b) o
     WHERE b.ends_on <= p_through AND b.ends_on < lower(o.span)
       AND EXISTS (SELECT FROM correction_of(ARRAY[h.id]));
END;
COMMENT ON FUNCTION to_close(date) IS
    'the base contracts that have a period to close that is over by a day: one of their life, or one after it in which '
    'late charges or corrections wait';

CREATE FUNCTION is_left_open(p_base bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM to_close('infinity') d WHERE d.contract_id = p_base);
END $$;
COMMENT ON FUNCTION is_left_open(bigint) IS 'does a contract have a period to close, though it may be over?';

CREATE FUNCTION check_closable(p_base contract, p_start date) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_span daterange := service_period(p_base, p_start);
    v_open daterange := (open_period(p_base)).span;
BEGIN
    IF p_base.status = 'draft' THEN
        RAISE EXCEPTION 'contract "%" is a draft and has no periods', p_base.number
            USING ERRCODE = 'restrict_violation', HINT = 'Activate it first.';
    END IF;
    IF lower(v_span) IS DISTINCT FROM p_start OR p_start IS NULL THEN
        RAISE EXCEPTION 'no period of contract "%" starts on %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value',
                HINT = coalesce('The period of that day starts on ' || lower(v_span) || '.',
                                'View billing_due has the period that is to be closed next.');
    END IF;
    IF p_start < lower(v_open) OR p_start > p_base.ends_on AND NOT (p_start = lower(v_open)
                                                                    AND is_left_open(p_base.id)) THEN
        RAISE EXCEPTION 'contract "%" has no period from %', p_base.number, p_start
            USING ERRCODE = 'invalid_parameter_value',
                DETAIL = format('It runs from %s to %s.', p_base.starts_on,
                                coalesce(p_base.ends_on::text, 'further notice'));
    END IF;
    IF p_start <> lower(v_open) THEN
        RAISE EXCEPTION 'the period of % cannot be closed before that of %', p_start, lower(v_open)
            USING ERRCODE = 'restrict_violation',
                DETAIL = format('Contract "%s" closes its periods in order.', p_base.number),
                HINT = format('Call close_period(%s, %L) first.', p_base.id, lower(v_open));
    END IF;
    IF least(upper(v_span), p_base.ends_on + 1) > contract_today(p_base) THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is not over', p_start, upper(v_span) - 1, p_base.number
            USING ERRCODE = 'restrict_violation',
                HINT = format('Close it on %s or later.', least(upper(v_span), p_base.ends_on + 1));
    END IF;
END $$;
COMMENT ON FUNCTION check_closable(contract, date) IS
    'refuse to close a period out of order or before it is over (23001), and days on which none starts (22023)';
