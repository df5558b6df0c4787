-- ---------------------------------------------------------------------------
-- carry: what is left goes on
--
-- Hours belong to the client's agreement, not to a row.  What is left of included
-- hours at the close of their period is carried to the next ones, within the
-- rollover rule of their line; when the line is replaced (contract_line.replaces_id),
-- to the line that replaces it, on the day after its end; what is left of blocks to
-- the contract that renews theirs (contract.renews_id).  What is carried is a row of
-- its own, one for each source (allotment.source_id): as long as work can still draw
-- on the source its amount follows what is left there, and it goes again when the
-- days move back.
-- ---------------------------------------------------------------------------

CREATE FUNCTION rollover_min_of(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN p_source.kind = 'included'
                THEN (SELECT n.rollover_min FROM contract_line n WHERE n.id = p_source.contract_line_id) ELSE 0 END;
END $$;
COMMENT ON FUNCTION rollover_min_of(allotment) IS 'what is carried from an allotment though nothing is left of it';

-- What billed work took of what was carried cannot be taken here any more.
CREATE FUNCTION carried_held(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_held CONSTANT numeric := (SELECT allotment_held(d.id) FROM allotment d WHERE d.source_id = p_source.id
                                AND d.voided_at IS NULL);
BEGIN
    RETURN CASE WHEN v_held > rollover_min_of(p_source) THEN v_held ELSE 0 END;
END $$;
COMMENT ON FUNCTION carried_held(allotment) IS
    'what of an allotment is spoken for, because billed work took it from what was carried over';

CREATE FUNCTION allotment_held(p_allotment bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN coalesce((SELECT sum(h.burned) FROM charge h
                      WHERE h.allotment_id = p_allotment AND (h.committed OR is_committed(h.time_entry_id))), 0)
           + (SELECT carried_held(a) FROM allotment a WHERE a.id = p_allotment);
END $$;
COMMENT ON FUNCTION allotment_held(bigint) IS
    'what of an allotment must stay: billed work took it, from it or from what was carried over from it';

CREATE FUNCTION carried_amount(p_source allotment) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_left numeric;
BEGIN
    -- what was corrected when it had expired was given back elsewhere
    SELECT p_source.amount - coalesce(sum(h.burned), 0) INTO v_left FROM charge h
     WHERE h.allotment_id = p_source.id
       AND NOT (h.reverses_id IS NOT NULL AND p_source.expires_at IS NOT NULL
                AND h.period_start >= (p_source.expires_at AT TIME ZONE contract_zone(
                    (base_contract(p_source.contract_id)).calendar_id))::date);
    IF p_source.kind = 'included' THEN
        v_left := (SELECT least(coalesce(n.rollover_max, 0), greatest(n.rollover_min, v_left))
                     FROM contract_line n WHERE n.id = p_source.contract_line_id);
    END IF;
    IF p_source.unit = 'seconds' THEN
        v_left := trunc(v_left);
    END IF;
    RETURN greatest(v_left, 0, (SELECT allotment_held(d.id) FROM allotment d WHERE d.source_id = p_source.id));
END $$;
COMMENT ON FUNCTION carried_amount(allotment) IS
    'what is carried over from an allotment: what is left, of included hours within the rollover rule of their line, '
    'and never less than what billed work took of it';

CREATE FUNCTION periods_on(p_base contract, p_first date, p_periods integer) RETURNS date
    LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_day date := p_first;
BEGIN
    FOR i IN 1 .. abs(p_periods) LOOP
        v_day := CASE WHEN p_periods > 0 THEN upper(service_period(p_base, v_day))
                      ELSE lower(service_period(p_base, v_day - 1)) END;
    END LOOP;
    RETURN v_day;
END $$;
COMMENT ON FUNCTION periods_on(contract, date, integer) IS
    'the first day of the service period that lies so many on from, or (below 0) before, the one that begins on a day';

-- What lines and contracts hand on.  A carried row is a source in its turn.  To its
-- own line hours are carried at the close of their period, whatever becomes of the
-- rule later.
CREATE FUNCTION due_carried(p_base contract, p_closed date)
    RETURNS TABLE (source_id bigint, contract_id bigint, line_id bigint, kind text, unit text, priority integer,
                   effective_at timestamptz, expires_at timestamptz, period_start date, scope_work_types bigint[])
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE zone AS (
        SELECT contract_zone((p_base).calendar_id) AS name, lower((open_period(p_base)).span) AS opens_on
    ), line AS (
        SELECT n.id, n.contract_id, n.priority, n.rollover_max, n.rollover_life, line_days(n, c, p_base) AS days,
               h.id AS heir_id
          FROM contract c
          JOIN contract_line n ON n.contract_id = c.id AND n.kind = 'recurring'
          LEFT JOIN contract_line h ON h.replaces_id = n.id
         WHERE c.id = (p_base).id OR c.parent_id = (p_base).id
    ), carried AS (
        SELECT a.id AS source_id, a.unit, a.scope_work_types, t.line_id, t.day, x.lapses_on
          FROM line n
          JOIN allotment a ON a.contract_line_id = n.id AND a.kind = 'included' AND a.voided_at IS NULL
          LEFT JOIN line h ON h.id = n.heir_id
         CROSS JOIN zone z
         CROSS JOIN LATERAL (SELECT upper(service_period(p_base, a.period_start)) AS period_end,
                                    EXISTS (SELECT FROM allotment d WHERE d.source_id = a.id) AS is_carried) p
         CROSS JOIN LATERAL (SELECT periods_on(p_base, p.period_end, n.rollover_life) AS lapses_on) x
         CROSS JOIN LATERAL (SELECT n.id AS line_id, p.period_end AS day
                              WHERE coalesce(upper(n.days), 'infinity') > p.period_end AND NOT isempty(n.days)
                                AND p.period_end <= z.opens_on AND (p.is_carried OR a.period_start = p_closed)
                             UNION ALL
                             SELECT h.id, greatest(upper(n.days), lower(h.days))
                              WHERE coalesce(upper(n.days), 'infinity') <= p.period_end AND NOT isempty(n.days)
                                AND NOT isempty(h.days)) t
         WHERE a.period_start >= periods_on(p_base, z.opens_on, -n.rollover_life)
           AND (n.rollover_max > 0 OR p.is_carried AND p.period_end <= z.opens_on)
        UNION ALL
        SELECT d.id, c.unit, c.scope_work_types, h.id, greatest(c.day, upper(n.days), lower(h.days)), c.lapses_on
          FROM carried c
          JOIN allotment d ON d.source_id = c.source_id AND d.voided_at IS NULL
          JOIN line n ON n.id = c.line_id AND upper(n.days) < c.lapses_on
          JOIN line h ON h.id = n.heir_id AND NOT isempty(h.days)
    )
    SELECT c.source_id, n.contract_id, n.id, 'rollover', c.unit, n.priority - 1, c.day::timestamp AT TIME ZONE z.name,
           least(c.lapses_on, upper(n.days))::timestamp AT TIME ZONE z.name,
           lower(service_period(p_base, c.day)), c.scope_work_types
      FROM carried c
      JOIN line n ON n.id = c.line_id
     CROSS JOIN zone z
     WHERE c.day < least(c.lapses_on, upper(n.days))
    UNION ALL
    SELECT a.id, y.id, NULL, a.kind, a.unit, a.priority, e.effective_at, a.expires_at, NULL, a.scope_work_types
      FROM contract x
      JOIN contract y ON y.renews_id = x.id AND y.status <> 'draft'
      JOIN allotment a ON a.contract_id = x.id AND a.kind IN ('block', 'topup', 'adjustment') AND a.voided_at IS NULL
     CROSS JOIN LATERAL (
        SELECT greatest((x.ends_on + 1)::timestamp AT TIME ZONE contract_zone((p_base).calendar_id),
                        y.starts_on::timestamp AT TIME ZONE contract_zone((base_contract(y.id)).calendar_id),
                        a.effective_at) AS effective_at) e
     WHERE (x.id = (p_base).id OR x.parent_id = (p_base).id) AND x.status <> 'draft' AND x.ends_on IS NOT NULL
       AND e.effective_at < coalesce(a.expires_at, 'infinity');
END;
COMMENT ON FUNCTION due_carried(contract, date) IS
    'what is to be carried over from the allotments of a contract group, and whereto: of included hours to the next '
    'periods of their line when theirs (p_closed, or one before) is closed, or to the line that replaces it when it '
    'ends; of blocks to the contract that renews theirs. Lives as long as the rollover rule, the days of the line and '
    'the block say';

CREATE FUNCTION keep_for_later(p_base contract, p_closed date) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_zone CONSTANT text := contract_zone(p_base.calendar_id);
    v_end CONSTANT date := upper(service_period(p_base, p_closed));
BEGIN
    INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at, expires_at,
                           period_start, scope_work_types, source_id, voided_at)
    SELECT a.contract_id, n.id, 'rollover', a.unit, 0, n.priority - 1, v_end::timestamp AT TIME ZONE v_zone,
           periods_on(p_base, v_end, n.rollover_life)::timestamp AT TIME ZONE v_zone, v_end, a.scope_work_types, a.id,
           now()
      FROM contract c
      JOIN contract_line n ON n.contract_id = c.id AND n.rollover_max > 0
      JOIN allotment a ON a.contract_line_id = n.id AND a.kind = 'included' AND a.period_start = p_closed
       AND a.voided_at IS NULL
     WHERE c.id = ANY (contract_group(p_base.id)) AND upper(line_days(n, c, p_base)) <= v_end
       AND NOT EXISTS (SELECT FROM allotment d WHERE d.source_id = a.id)
     ORDER BY a.id;
END $$;
COMMENT ON FUNCTION keep_for_later(contract, date) IS
    'remember, void, what would be carried over from a period that was closed as the last one of a line: it is carried '
    'once the line runs on';

CREATE FUNCTION carry_over(p_base contract, p_closed date DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_group CONSTANT bigint[] := contract_group(p_base.id);
    v_opens_at CONSTANT timestamptz := (open_period(p_base)).opens_at;
    v_new bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM allotment a WHERE a.contract_id = ANY (v_group)) THEN
        RETURN;
    END IF;
    LOOP
        UPDATE allotment d SET voided_at = CASE WHEN x.held = 0 THEN now() END,
            amount = CASE WHEN x.held = 0 THEN d.amount ELSE x.held END
          FROM (SELECT o.id, allotment_held(o.id) AS held
                  FROM allotment a JOIN allotment o ON o.source_id = a.id
                 WHERE a.contract_id = ANY (v_group) AND coalesce(o.expires_at, 'infinity') > v_opens_at
                   AND NOT EXISTS (SELECT FROM due_carried(p_base, p_closed) c WHERE c.source_id = o.source_id)) x
         WHERE d.id = x.id AND (d.voided_at IS NULL OR x.held > 0)
           AND (d.voided_at IS NOT NULL OR x.held = 0 OR d.amount <> x.held);
        UPDATE allotment d
           SET contract_id = c.contract_id, contract_line_id = c.line_id, priority = c.priority,
               effective_at = c.effective_at, expires_at = c.expires_at, period_start = c.period_start,
               scope_work_types = c.scope_work_types, voided_at = NULL,
               -- what was taken back did not follow its source meanwhile
               amount = CASE WHEN d.voided_at IS NULL THEN d.amount ELSE carried_amount(a) END
          FROM due_carried(p_base, p_closed) c
          JOIN allotment a ON a.id = c.source_id
         WHERE d.source_id = c.source_id
           AND (d.contract_id, d.contract_line_id, d.priority, d.effective_at, d.expires_at, d.scope_work_types,
                d.voided_at)
               IS DISTINCT FROM (c.contract_id, c.line_id, c.priority, c.effective_at, c.expires_at,
                                 c.scope_work_types, NULL);
        PERFORM carry_again(ARRAY[p_base.id]);
        WITH put AS (
            INSERT INTO allotment (contract_id, contract_line_id, kind, unit, amount, priority, effective_at,
                                   expires_at, period_start, scope_work_types, source_id)
            SELECT c.contract_id, c.line_id, c.kind, c.unit, carried_amount(a), c.priority, c.effective_at,
                   c.expires_at, c.period_start, c.scope_work_types, c.source_id
              FROM due_carried(p_base, p_closed) c
              JOIN allotment a ON a.id = c.source_id
             WHERE NOT EXISTS (SELECT FROM allotment d WHERE d.source_id = c.source_id)
               AND (carried_amount(a) > 0 OR coalesce(a.expires_at, 'infinity') > v_opens_at)
             ORDER BY c.source_id
            RETURNING id)
        SELECT array_agg(p.id) INTO v_new FROM put p;
        EXIT WHEN v_new IS NULL;
        PERFORM rate_again(b, min(a.effective_at AT TIME ZONE contract_zone(b.calendar_id))::date)
           FROM allotment a
           JOIN contract c ON c.id = a.contract_id
           JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
          WHERE a.id = ANY (v_new) GROUP BY b.id ORDER BY b.id;
    END LOOP;
    PERFORM keep_for_later(p_base, p_closed) WHERE p_closed IS NOT NULL;
    PERFORM carry_over(b) FROM contract y JOIN contract b ON b.id = coalesce(y.parent_id, y.id)
      WHERE y.renews_id = ANY (v_group);
END $$;
COMMENT ON FUNCTION carry_over(contract, date) IS
    'make, move or take back what is carried over from the allotments of a contract group, and rate what draws on it '
    'again; what billed work took of it stays';

CREATE FUNCTION carried_now(p_carried bigint, p_source allotment, p_base contract) RETURNS numeric
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM due_carried(p_base, NULL) c WHERE c.source_id = p_source.id)
                THEN carried_amount(p_source) ELSE nullif(allotment_held(p_carried), 0) END;
END $$;
COMMENT ON FUNCTION carried_now(bigint, allotment, contract) IS
    'what an allotment holds that was carried over from another, of a contract group: what is left there, or, once it '
    'is carried no more, what billed work took of it; NULL: nothing holds it';

CREATE FUNCTION carry_again(p_bases bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    UPDATE allotment d SET amount = coalesce(x.amount, d.amount), voided_at = CASE WHEN x.amount IS NULL THEN now() END
      FROM (SELECT o.id, carried_now(o.id, a, b) AS amount
              FROM contract b
              JOIN contract c ON b.id IN (c.id, c.parent_id)
              JOIN allotment a ON a.contract_id = c.id
              JOIN allotment o ON o.source_id = a.id AND o.voided_at IS NULL
             WHERE b.id IN (SELECT unnest(p_bases)
                            UNION
                            SELECT coalesce(s.parent_id, s.id) FROM contract y
                              JOIN allotment l ON l.contract_id = y.id AND l.kind <> 'rollover' AND l.voided_at IS NULL
                              JOIN allotment f ON f.id = l.source_id
                              JOIN contract s ON s.id = f.contract_id
                             WHERE coalesce(y.parent_id, y.id) = ANY (p_bases))
               AND o.amount <> carried_amount(a)
               AND coalesce(a.expires_at, 'infinity') > coalesce((open_period(b)).opens_at, '-infinity')) x
     WHERE d.id = x.id AND d.amount IS DISTINCT FROM x.amount;
END $$;
COMMENT ON FUNCTION carry_again(bigint[]) IS
    'what is carried over from contract groups, or to them, is what is left: after work took more or less of what it '
    'came from; what is carried no more is what billed work took of it';

CREATE FUNCTION follow_held(p_base contract) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM follow_grants(p_base);
    PERFORM carry_again(ARRAY[p_base.id]);
END $$;
COMMENT ON FUNCTION follow_held(contract) IS
    'what billed work held of hours that are fewer now, or carried no more, it holds no longer: after it was corrected '
    'or a report let it go';
