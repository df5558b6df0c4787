-- ---------------------------------------------------------------------------
-- period: service periods of a contract, in its zone
-- ---------------------------------------------------------------------------

CREATE FUNCTION contract_zone(p_calendar bigint) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce((SELECT c.zone FROM calendar c WHERE c.id = p_calendar), (SELECT s.zone FROM setting s));
END $$;
COMMENT ON FUNCTION contract_zone(bigint) IS 'the zone of a calendar, or of the books where there is no calendar';

CREATE FUNCTION open_period(p_base contract, OUT span daterange, OUT opens_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT period_of(d.day, (p_base).period, (p_base).anchor_day),
        d.day::timestamp AT TIME ZONE contract_zone((p_base).calendar_id)
      FROM (SELECT coalesce((SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = (p_base).id),
                            lower(period_of((p_base).starts_on, (p_base).period, (p_base).anchor_day))) AS day) d;
END;
COMMENT ON FUNCTION open_period(contract) IS
    'the earliest service period of a base contract that is not closed, and the instant at which it begins';

CREATE FUNCTION contract_today(p_base contract) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE contract_zone((p_base).calendar_id))::date;
END;
COMMENT ON FUNCTION contract_today(contract) IS 'today in a contract''s zone';

CREATE FUNCTION period_name(first_day date, period text, anchor_day integer) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN period = 'month' AND extract(day FROM first_day) = 1 THEN left(iso(first_day), 7)
                ELSE iso(first_day) || ' – ' || iso((upper(period_of(first_day, period, anchor_day)) - 1)) END;
END;
COMMENT ON FUNCTION period_name(date, text, integer) IS
    'what papers call a service period, in any language: 2026-03, or its first and last day';
