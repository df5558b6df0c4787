-- ---------------------------------------------------------------------------
-- approve: work that waits for a manager's word
-- ---------------------------------------------------------------------------

CREATE FUNCTION approve_entries(entries bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    v_unknown bigint;
    v_seen time_entry[];
    v_changed bigint;
    v_count bigint;
BEGIN
    SELECT x.id INTO v_unknown FROM unnest(entries) x (id)
     WHERE NOT EXISTS (SELECT FROM time_entry e WHERE e.id = x.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no time entry %', coalesce(v_unknown::text, 'NULL')
            USING ERRCODE = 'foreign_key_violation', HINT = 'Nothing was approved.';
    END IF;
    -- as it was when the call came, though somebody else is changing it
    v_seen := ARRAY(SELECT e FROM time_entry e WHERE e.id = ANY (entries) AND e.approved_at IS NULL);
    PERFORM FROM time_entry e WHERE e.id = ANY (entries) ORDER BY e.id FOR NO KEY UPDATE;
    SELECT s.id INTO v_changed FROM unnest(v_seen) s LEFT JOIN time_entry e USING (id)
     WHERE e.approved_at IS NULL AND e IS DISTINCT FROM s ORDER BY s.id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'time entry % was changed while it was being approved', v_changed
            USING ERRCODE = 'restrict_violation', HINT = 'Look at it again, and approve what it says now.';
    END IF;
    UPDATE time_entry e SET approved_at = clock_timestamp(), approved_by = actor()
     WHERE e.id = ANY (entries) AND e.approved_at IS NULL;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END $$;
COMMENT ON FUNCTION approve_entries(bigint[]) IS
    'approve time entries, which rates those that waited for it; returns how many were not approved before; refused '
    'whole for an unknown one (23503), and for one that somebody else changes meanwhile (23001)';
SELECT allow('manager', 'execute', 'approve_entries');

-- An approval is of a content.  Whoever changes what is billed of an entry, by
-- whatever call, takes the approval away, unless the same statement approves anew:
-- the time of approval is the clock's, so it differs then.
CREATE FUNCTION withdraw_approval() RETURNS trigger
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    NEW.approved_at := NULL;
    NEW.approved_by := NULL;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION withdraw_approval() IS
    'trigger function of time_entry: an entry of which something is changed that is billed waits for approval again';
