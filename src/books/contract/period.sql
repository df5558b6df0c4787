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

-- The one place that says from where the service periods of a contract count.
-- Quarters and years run from its own start where it starts on its anchor day, so
-- that a year of 15 March is over on 14 March; anchor_month 1 is the calendar's.
CREATE FUNCTION anchor_of(p_base contract, OUT day integer, OUT month integer)
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_start CONSTANT integer := extract(day FROM p_base.starts_on);
    v_last CONSTANT integer := extract(day FROM month(p_base.starts_on) + interval '1 month - 1 day');
BEGIN
    day := coalesce(p_base.anchor_day, 1);
    month := coalesce(p_base.anchor_month, 1);
    IF p_base.period IN ('quarter', 'year') AND p_base.anchor_month IS NULL
        AND (v_start = least(day, v_last) OR p_base.anchor_day IS NULL AND p_base.period = 'year') THEN
        day := coalesce(p_base.anchor_day, v_start);
        month := extract(month FROM p_base.starts_on);
    END IF;
END $$;
COMMENT ON FUNCTION anchor_of(contract) IS
    'the day (of the week for weeks, else of the month) and the month on which service periods start: anchor_day, or '
    'the 1st; quarters and years in anchor_month, else with the contract where it starts on its anchor day (or, a '
    'year, names none), else in January. Weeks, half months and months have no use for the month';

CREATE FUNCTION service_period(p_base contract, p_day date) RETURNS daterange
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_anchor CONSTANT record := anchor_of(p_base);
BEGIN
    RETURN period_of(p_day, p_base.period, v_anchor.day, v_anchor.month);
END $$;
COMMENT ON FUNCTION service_period(contract, date) IS
    'the service period of a base contract, and of its companions, that a day lies in';

CREATE FUNCTION period_at(p_base bigint, p_at timestamptz) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (SELECT CASE WHEN isfinite(p_at)
                        THEN lower(service_period(b, (p_at AT TIME ZONE contract_zone(b.calendar_id))::date))
                        ELSE p_at::date END
              FROM contract b WHERE b.id = p_base);
END $$;
COMMENT ON FUNCTION period_at(bigint, timestamptz) IS
    'the first day of the service period of a base contract that an instant lies in; infinity stays infinity';

CREATE FUNCTION open_period(p_base contract, OUT span daterange, OUT opens_at timestamptz)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT service_period(p_base, d.day),
        d.day::timestamp AT TIME ZONE contract_zone((p_base).calendar_id)
      FROM (SELECT coalesce((SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = (p_base).id),
                            lower(service_period(p_base, (p_base).starts_on))) AS day) d;
END;
COMMENT ON FUNCTION open_period(contract) IS
    'the earliest service period of a base contract that is not closed, and the instant at which it begins';

CREATE FUNCTION contract_today(p_base contract) RETURNS date
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (now() AT TIME ZONE contract_zone((p_base).calendar_id))::date;
END;
COMMENT ON FUNCTION contract_today(contract) IS 'today in a contract''s zone';

CREATE FUNCTION period_name(p_base contract, p_first date) RETURNS text
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN (p_base).period = 'month' AND extract(day FROM p_first) = 1 THEN left(iso(p_first), 7)
                ELSE iso(p_first) || ' – ' || iso(upper(service_period(p_base, p_first)) - 1) END;
END;
COMMENT ON FUNCTION period_name(contract, date) IS
    'what papers call a service period, in any language: 2026-03, or its first and last day';
