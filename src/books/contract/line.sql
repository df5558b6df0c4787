-- ---------------------------------------------------------------------------
-- line: what the lines of a contract are about, day by day
-- ---------------------------------------------------------------------------

CREATE FUNCTION line_days(p_line contract_line, p_contract contract, p_base contract) RETURNS daterange
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT CASE WHEN 'draft' IN ((p_contract).status, (p_base).status) THEN 'empty'::daterange
                WHEN (p_line).kind <> 'one_time' THEN daterange((p_line).starts_on, (p_line).ends_on + 1)
                WHEN (p_line).status = 'cancelled' THEN 'empty'
                ELSE daterange(coalesce((p_line).starts_on, (p_contract).starts_on),
                               coalesce((p_line).starts_on, (p_contract).starts_on) + 1) END
           * daterange((p_contract).starts_on, (p_contract).ends_on + 1)
           * daterange((p_base).starts_on, (p_base).ends_on + 1);
END;
COMMENT ON FUNCTION line_days(contract_line, contract, contract) IS
    'the days on which a line is in force, in the life of its contract and of that one''s base (itself, where it is no '
    'companion): of a one-time fee the day on which it is due; half-open, and empty where there are none';

-- What is cancelled counts nothing that is open: it ends with the last closed
-- period that it was charged for, or before it began.
CREATE FUNCTION last_billed_day(p_line bigint, p_base contract) RETURNS date
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    RETURN (
        SELECT max(b.period_end) - 1
          FROM billing_period b
         WHERE b.contract_id = p_base.id
           AND (EXISTS (SELECT FROM live_charge h WHERE h.contract_line_id = p_line AND h.line_period = b.period_start
                        AND h.source = 'fee' AND h.committed)
                OR EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = p_line AND a.period_start = b.period_start
                           AND a.kind = 'included')));
END $$;
COMMENT ON FUNCTION last_billed_day(bigint, contract) IS
    'the last day of the last closed period that a line was charged for or gave hours in, NULL where there is none';

CREATE FUNCTION complete_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_contract contract;
    v_base contract;
    v_opens date;
BEGIN
    PERFORM lock_contracts(ARRAY[NEW.contract_id, OLD.contract_id]);
    SELECT * INTO v_contract FROM contract c WHERE c.id = NEW.contract_id;
    SELECT * INTO v_base FROM contract c WHERE c.id = coalesce(v_contract.parent_id, v_contract.id);
    v_opens := (SELECT max(b.period_end) FROM billing_period b WHERE b.contract_id = v_base.id);
    IF TG_OP = 'INSERT' AND NEW.starts_on IS NULL AND coalesce(NEW.ends_on, 'infinity') >= v_opens
        AND NEW.kind <> 'stage' THEN
        NEW.starts_on := CASE NEW.kind WHEN 'recurring' THEN v_opens
                         ELSE least(greatest(v_opens, contract_today(v_base)), v_contract.ends_on, v_base.ends_on) END;
    END IF;
    IF NEW.kind = 'recurring' AND NEW.status = 'cancelled'
        AND (TG_OP = 'INSERT' OR OLD.status <> 'cancelled' AND NEW.ends_on IS NOT DISTINCT FROM OLD.ends_on) THEN
        NEW.ends_on := least(NEW.ends_on, coalesce(last_billed_day(NEW.id, v_base),
                                                   coalesce(NEW.starts_on, v_contract.starts_on) - 1));
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION complete_line() IS
    'trigger function of contract_line: holds the client; a line that names no first day once periods are closed '
    'starts in the open one; a recurring line that is cancelled without a day ends with what is billed of it';

CREATE FUNCTION check_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    IF (NEW.contract_id, NEW.kind) <> (OLD.contract_id, OLD.kind)
        AND (EXISTS (SELECT FROM charge h WHERE h.contract_line_id = NEW.id)
             OR EXISTS (SELECT FROM allotment a WHERE a.contract_line_id = NEW.id)) THEN
        RAISE EXCEPTION 'line "%" has charges or hours: its contract and kind stay', OLD.title
            USING ERRCODE = 'restrict_violation', HINT = 'End this line and add another one.';
    END IF;
    IF NEW.replaces_id IS NOT NULL
        AND (NEW.kind <> 'recurring'
             OR NOT EXISTS (
                SELECT FROM contract_line r JOIN contract o ON o.id = r.contract_id
                  JOIN contract c ON c.id = NEW.contract_id
                 WHERE r.id = NEW.replaces_id AND r.kind = 'recurring'
                   AND coalesce(o.parent_id, o.id) = coalesce(c.parent_id, c.id))
             OR NEW.id IN (WITH RECURSIVE before AS (
                    SELECT r.id, r.replaces_id FROM contract_line r WHERE r.id = NEW.replaces_id
                    UNION SELECT r.id, r.replaces_id FROM contract_line r JOIN before b ON r.id = b.replaces_id)
                SELECT b.id FROM before b)) THEN
        RAISE EXCEPTION 'line "%" cannot replace line %', NEW.title, NEW.replaces_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_line_replacement_fits',
                HINT = 'A recurring line replaces an earlier recurring line of the same contract, or of its base or '
                       'companion.';
    END IF;
    -- its own hours, and those left to the line that replaces it, which has them from its end on
    SELECT h.id, h.service_date, a.contract_line_id <> NEW.id AS is_left INTO v_charge
      FROM contract c
      JOIN contract b ON b.id = coalesce(c.parent_id, c.id)
     CROSS JOIN LATERAL (SELECT line_days(NEW, c, b) AS days) d
     CROSS JOIN LATERAL (SELECT o.id FROM allotment o WHERE o.contract_line_id = NEW.id
                         UNION SELECT x.id FROM allotment o JOIN allotment x ON x.source_id = o.id
                                WHERE o.contract_line_id = NEW.id) k
      JOIN allotment a ON a.id = k.id
      JOIN live_charge h ON h.allotment_id = a.id AND NOT h.late AND (h.committed OR is_committed(h.time_entry_id))
     WHERE c.id = NEW.contract_id
       AND CASE WHEN a.contract_line_id = NEW.id THEN NOT h.service_date <@ d.days
                ELSE h.service_date < coalesce(upper(d.days), 'infinity') END
     ORDER BY h.service_date, h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'hours of line "%" have covered billed work of %, when it would % be in force', NEW.title,
            v_charge.service_date, CASE WHEN v_charge.is_left THEN 'still' ELSE 'not' END
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'contract_line_life_holds_work',
                DETAIL = format('It would run from %s to %s. %s', coalesce(iso(NEW.starts_on), 'the contract''s start'),
                                coalesce(iso(NEW.ends_on), 'further notice'), frozen_by(v_charge.id)),
                HINT = way_out(v_charge.id, 'Correct that work first with correct_entry(), or credit() its invoice; or '
                                            'let the line ' || CASE WHEN v_charge.is_left THEN 'end before that day.'
                                                                    ELSE 'cover that day.' END);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION check_line() IS
    'trigger function of contract_line: its contract and kind stay once it was charged or gave hours, and its days '
    'hold the billed work that these hours covered, and end before that which was covered by what it left to another '
    'line (23001); it replaces a line of its own agreement (23514)';
