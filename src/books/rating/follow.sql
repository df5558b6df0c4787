-- ---------------------------------------------------------------------------
-- follow: charges follow the work they are for
-- ---------------------------------------------------------------------------

CREATE FUNCTION refuse_frozen_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_charge record;
BEGIN
    SELECT h.id, h.time_entry_id INTO v_charge FROM live_charge h
     WHERE h.time_entry_id = ANY (p_entries) AND h.committed ORDER BY h.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be changed', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_not_billed', DETAIL = frozen_by(v_charge.id),
                HINT = way_out(v_charge.id, 'Use correct_entry(): it reverses the charge and bills the corrected work '
                                            'in the open period.');
    END IF;
END $$;
COMMENT ON FUNCTION refuse_frozen_entries(bigint[]) IS
    'refuse (23001) when one of these entries has a frozen charge, naming what froze it';

-- Work that comes late for a closed period, under a contract that does not
-- take it.  What was logged before the close, or billed and corrected, is in time.
CREATE FUNCTION refuse_late_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    v_late record;
BEGIN
    SELECT h.time_entry_id, h.service_date, c.number, c.late_policy, b.period_start, b.period_end INTO v_late
      FROM unnest(p_entries) x (id)
      JOIN charge h ON h.time_entry_id = x.id AND h.late AND NOT h.committed
      JOIN contract k ON k.id = h.contract_id
      JOIN contract c ON c.id = coalesce(k.parent_id, k.id) AND c.late_policy <> 'next_period'
      JOIN billing_period b ON b.contract_id = c.id AND h.service_date >= b.period_start
          AND h.service_date < b.period_end
     WHERE NOT EXISTS (SELECT FROM charge f WHERE f.time_entry_id = x.id AND f.committed)
     ORDER BY h.time_entry_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the period from % to % of contract "%" is closed and takes no work of %', v_late.period_start,
            v_late.period_end - 1,
            v_late.number, v_late.service_date
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'time_entry_period_open',
                DETAIL = format('Time entry %s; the contract''s late_policy is %s.', v_late.time_entry_id,
                                v_late.late_policy),
                HINT = CASE v_late.late_policy WHEN 'reopen' THEN 'reopen_period() opens the last closed period again.'
                            ELSE 'Log it on a day of the open period, or change late_policy.' END;
    END IF;
END $$;
COMMENT ON FUNCTION refuse_late_entries(bigint[]) IS
    'refuse (23001) work of a closed period where the contract''s late_policy is reject or reopen, naming the period';

-- What log_entries() does not do by itself: many entries, or some that are not plain.
CREATE FUNCTION rate_new_entries(p_entries bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[] := ARRAY(SELECT x.id FROM unnest(p_entries) x (id) ORDER BY 1);
BEGIN
    PERFORM refuse_long_entries(v_entries)
      WHERE EXISTS (SELECT FROM unnest(v_entries) x (id) JOIN time_entry e USING (id), setting s
                     WHERE e.worked_s > s.max_entry_s);
    PERFORM rate_entries(v_entries);
    IF EXISTS (SELECT FROM contract c WHERE c.late_policy <> 'next_period') THEN
        PERFORM refuse_late_entries(v_entries);
    END IF;
END $$;
COMMENT ON FUNCTION rate_new_entries(bigint[]) IS
    'rate time entries that were inserted, as a set; refused: longer than setting.max_entry_s (23514), work of a '
    'closed period where its contract takes none (23001)';

CREATE FUNCTION rate_changed_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_entries bigint[];
    v_moved bigint[];
    v_corrected bigint[];
    v_before numeric[];
BEGIN
    -- What does not bear on money (a comment, an outside id) rates nothing again.
    v_entries := ARRAY(
        SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
         WHERE to_jsonb(n) - '{comment,source,external_id,approved_by,override_reason}'::text[]
            <> to_jsonb(o) - '{comment,source,external_id,approved_by,override_reason}'::text[] ORDER BY n.id);
    PERFORM lock_entries(v_entries);
    PERFORM refuse_frozen_entries(v_entries);
    -- what was billed once and corrected may not be lowered further unseen
    SELECT array_agg(b.id), array_agg(b.amount) INTO v_corrected, v_before
      FROM (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h
             WHERE h.time_entry_id = ANY (v_entries) GROUP BY 1 HAVING bool_or(h.committed)) b;
    IF cardinality(v_entries) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM refuse_long_entries(v_entries)
      WHERE EXISTS (SELECT FROM new_rows n, setting s WHERE n.worked_s > s.max_entry_s);
    PERFORM rate_entries(v_entries);
    PERFORM concede('correction', (
        SELECT sum(greatest(b.amount - coalesce(a.amount, 0), 0)) FROM unnest(v_corrected, v_before) b (id, amount)
          LEFT JOIN (SELECT h.time_entry_id AS id, sum(h.base_amount) AS amount FROM charge h
                     WHERE h.time_entry_id = ANY (v_corrected) GROUP BY 1) a USING (id)
        ), NULL, NULL, 'change of corrected work') WHERE v_corrected IS NOT NULL;
    -- approval may come after the close, work may not
    v_moved := ARRAY(SELECT n.id FROM new_rows n JOIN old_rows o USING (id)
                      WHERE (n.task_id, n.contract_id, n.started_at, n.ended_at, n.work_date, n.worked_s)
                            IS DISTINCT FROM (o.task_id, o.contract_id, o.started_at, o.ended_at, o.work_date,
                                              o.worked_s));
    IF cardinality(v_moved) > 0 AND EXISTS (SELECT FROM contract c WHERE c.late_policy <> 'next_period') THEN
        PERFORM refuse_late_entries(v_moved);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION rate_changed_entries() IS
    'trigger function of time_entry: rates what was changed; SECURITY DEFINER because nobody is granted INSERT on '
    'charge';

CREATE FUNCTION unrate_deleted_entries() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_deleted bigint[] := ARRAY(SELECT o.id FROM old_rows o ORDER BY o.id);
    v_charge record;
    v_bases bigint[];
BEGIN
    PERFORM lock_entries(v_deleted);
    SELECT h.id, h.time_entry_id INTO v_charge FROM charge h WHERE h.time_entry_id = ANY (v_deleted)
        AND h.committed LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % is billed and cannot be deleted', v_charge.time_entry_id
            USING ERRCODE = 'restrict_violation', DETAIL = frozen_by(v_charge.id),
                HINT = way_out(v_charge.id, 'Use correct_entry(): it reverses the charge in the open period.');
    END IF;
    PERFORM rate_entries(v_deleted);  -- nothing fresh is left of them; what followed them is rated again
    WITH gone AS (DELETE FROM charge h WHERE h.time_entry_id = ANY (v_deleted) RETURNING h.contract_id)
    SELECT array_agg(DISTINCT coalesce(c.parent_id, c.id)) INTO v_bases
      FROM gone g JOIN contract c ON c.id = g.contract_id;
    PERFORM carry_again(v_bases);
    RETURN NULL;
END $$;
COMMENT ON FUNCTION unrate_deleted_entries() IS
    'trigger function of time_entry: takes the provisional charges of deleted entries away and rates what followed '
    'them again; billed ones are refused (23001)';
