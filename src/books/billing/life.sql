-- ---------------------------------------------------------------------------
-- life: fees and hours follow the life of contracts and of their lines
-- ---------------------------------------------------------------------------

-- What is open and no work: work is placed by rating.
CREATE FUNCTION follow_periods(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE charge h SET period_start = lower(service_period(p_base, h.service_date))
     WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source <> 'time' AND NOT h.committed AND NOT h.late
       AND h.period_start <> lower(service_period(p_base, h.service_date));
    PERFORM rate_again(p_base, h.first)
       FROM (SELECT min(h.service_date) AS first FROM charge h
              WHERE h.contract_id = ANY (contract_group(p_base.id)) AND h.source = 'time' AND NOT h.committed
                AND h.period_start <> lower(service_period(p_base, h.service_date)) AND NOT h.late) h
      WHERE h.first IS NOT NULL;
END $$;
COMMENT ON FUNCTION follow_periods(contract) IS
    'open charges lie in the service periods that the contract has now, none of which is closed';

CREATE FUNCTION follow_life(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_last bigint := last_allotment(p_base.id);
BEGIN
    PERFORM follow_fees(p_base);
    PERFORM follow_grants(p_base);
    -- what is granted anew is drawn on by work that is rated already; what changes says so itself
    PERFORM rate_again(p_base, min(a.effective_at AT TIME ZONE contract_zone(p_base.calendar_id))::date)
       FROM allotment a
      WHERE a.contract_id = ANY (contract_group(p_base.id)) AND a.id > coalesce(v_last, 0)
     HAVING count(*) > 0;
    PERFORM carry_over(p_base);
END $$;
COMMENT ON FUNCTION follow_life(contract) IS
    'open fees and hours of a contract group are what its lines give now, and open work draws on these hours';

CREATE FUNCTION follow_lines() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_lines contract_line[];
    v_before contract_line[];
    v_line record;
    v_base contract;
BEGIN
    v_lines := ARRAY(SELECT n FROM new_rows n ORDER BY n.id);
    IF TG_OP = 'UPDATE' THEN
        v_before := ARRAY(SELECT o FROM old_rows o ORDER BY o.id);
    END IF;
    FOR v_line IN
        SELECT b.id AS base_id, array_agg(n.id ORDER BY n.id) AS lines
          FROM unnest(v_lines) n
          LEFT JOIN unnest(v_before) o ON o.id = n.id
          JOIN contract c ON c.id = n.contract_id
          JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
         WHERE n IS DISTINCT FROM o
         GROUP BY b.id ORDER BY b.id
    LOOP
        v_base := lock_contract(v_line.base_id);
        PERFORM charge_late_fees(v_base, n.id, CASE WHEN o.id IS NULL THEN 'empty' ELSE line_days(o, c, v_base) END,
                                 line_days(n, c, v_base))
           FROM unnest(v_lines) n
           LEFT JOIN unnest(v_before) o ON o.id = n.id
           JOIN contract c ON c.id = n.contract_id
          WHERE n.id = ANY (v_line.lines) AND n.kind <> 'stage';
        PERFORM follow_stage(n)
           FROM unnest(v_lines) n LEFT JOIN unnest(v_before) o ON o.id = n.id
          WHERE n.id = ANY (v_line.lines) AND n.kind = 'stage' AND 'accepted' IN (n.status, o.status);
        PERFORM follow_life(v_base);
        -- what is lost is eaten before what is carried over, and an hour past the hours has the price of its day
        PERFORM rate_again(v_base, v_base.starts_on)
          WHERE EXISTS (SELECT FROM unnest(v_lines) n LEFT JOIN unnest(v_before) o ON o.id = n.id
                         WHERE n.id = ANY (v_line.lines)
                           AND (o.id IS NOT NULL AND (n.rollover_max > 0) IS DISTINCT FROM (o.rollover_max > 0)
                                OR coalesce(n.overage_price, o.overage_price) IS NOT NULL
                                   AND (n.id, n.starts_on, n.ends_on, n.status)
                                       IS DISTINCT FROM (o.id, o.starts_on, o.ends_on, o.status)));
    END LOOP;
    PERFORM recheck_charges(ARRAY(
        SELECT h.id FROM unnest(v_lines) n JOIN unnest(v_before) o ON o.id = n.id
          JOIN charge h ON h.contract_line_id = n.id AND h.source = 'fee'
         WHERE (n.starts_on, n.ends_on, n.status, n.prorate)
               IS DISTINCT FROM (o.starts_on, o.ends_on, o.status, o.prorate) ORDER BY 1));
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_lines() IS
    'trigger function of contract_line: open fees and hours follow their lines, closed periods that a line comes to '
    'cover are charged late, and frozen fees are compared with the days that their line is in force now; SECURITY '
    'DEFINER because nobody is granted INSERT on charge and allotment';

CREATE FUNCTION follow_lives(p_now contract[], p_before contract[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_base contract;
    v_was contract;
BEGIN
    FOR v_base IN
        SELECT b.* FROM contract b
         WHERE b.id IN (SELECT coalesce(x.parent_id, x.id) FROM unnest(p_now || p_before) x
                        UNION
                        SELECT coalesce(r.parent_id, r.id) FROM unnest(p_now || p_before) x
                          JOIN contract r ON r.id = x.renews_id)
         ORDER BY b.id
    LOOP
        SELECT o.* INTO v_was FROM unnest(p_before) o WHERE o.id = v_base.id;
        IF v_was.id IS NULL THEN
            v_was := v_base;
        END IF;
        PERFORM charge_late_fees(v_base, n.id, CASE WHEN o.id IS NULL THEN line_days(n, c, v_was)
                                                    ELSE line_days(n, o, v_was) END, line_days(n, c, v_base))
           FROM contract c
           JOIN contract_line n ON n.contract_id = c.id AND n.kind <> 'stage'
           LEFT JOIN unnest(p_before) o ON o.id = c.id
          WHERE v_base.id IN (c.id, c.parent_id);
        PERFORM follow_periods(v_base) WHERE (v_was.period, anchor_of(v_was))
                                             IS DISTINCT FROM (v_base.period, anchor_of(v_base));
        PERFORM follow_life(v_base);
    END LOOP;
END $$;
COMMENT ON FUNCTION follow_lives(contract[], contract[]) IS
    'fees, hours and periods follow contracts that are new or were otherwise before';

-- Hours begin and end at midnight of the zone: of the calendar, or of the books.
CREATE FUNCTION follow_zones() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_contracts contract[];
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows n JOIN old_rows o USING (id) WHERE n.zone <> o.zone) THEN
        RETURN NULL;
    END IF;
    PERFORM lock_books();
    IF TG_TABLE_NAME = 'setting' THEN
        v_contracts := ARRAY(SELECT c FROM contract c WHERE c.calendar_id IS NULL ORDER BY c.id);
    ELSE
        v_contracts := ARRAY(
            SELECT c FROM contract c
             WHERE c.calendar_id IN (SELECT n.id FROM new_rows n JOIN old_rows o USING (id) WHERE n.zone <> o.zone)
             ORDER BY c.id);
    END IF;
    PERFORM lock_parties(ARRAY(SELECT DISTINCT x.client_id FROM unnest(v_contracts) x));
    PERFORM follow_lives(v_contracts, v_contracts);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION follow_zones() IS
    'trigger function of calendar and setting: the hours that lines give begin and end at midnight of the zone that is '
    'now; the days of work that is rated stay as stamped; SECURITY DEFINER because nobody is granted INSERT on '
    'allotment';
