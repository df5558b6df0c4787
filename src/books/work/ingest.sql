-- ---------------------------------------------------------------------------
-- ingest: work logs from trackers and CRMs
-- ---------------------------------------------------------------------------

-- A field of an outside record is read only when it has the form it must have.
CREATE FUNCTION ingest_seconds(p_text text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN p_text ~ '^-?[0-9]{1,9}$' THEN p_text::bigint END;
END;
COMMENT ON FUNCTION ingest_seconds(text) IS
    'a whole number of seconds of up to 9 digits, or NULL when the text is none';

-- New records and changed ones are rated one after the other: what both need is
-- held before, at once and in order, so that nobody waits for one who waits for him.
CREATE FUNCTION lock_records(p_entries jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_held bigint[];
    v_clients bigint[];
BEGIN
    PERFORM FROM jsonb_array_elements(p_entries) v (value)
      JOIN time_entry e ON e.source = v.value ->> 'source' AND e.external_id = v.value ->> 'external_id'
     ORDER BY e.id FOR NO KEY UPDATE OF e;
    -- A task may move while we wait: then its new client is held too, before
    -- rows are inserted that somebody else may wait for.
    LOOP
        v_clients := ARRAY(
            SELECT p.client_id FROM jsonb_array_elements(p_entries) v (value)
              JOIN task t ON t.source = v.value ->> 'source' AND t.external_id = v.value ->> 'task'
              JOIN project p ON p.id = t.project_id
            UNION
            SELECT p.client_id FROM jsonb_array_elements(p_entries) v (value)
              JOIN time_entry e ON e.source = v.value ->> 'source' AND e.external_id = v.value ->> 'external_id'
              JOIN task t ON t.id = e.task_id
              JOIN project p ON p.id = t.project_id
             ORDER BY 1);
        EXIT WHEN v_clients = v_held;
        PERFORM lock_parties(v_clients);
        v_held := v_clients;
    END LOOP;
END $$;
COMMENT ON FUNCTION lock_records(jsonb) IS
    'lock the entries that records of trackers name, then hold their clients and those of the tasks that the records '
    'name';

-- Every field is read as text and only where it has the form it must have, so
-- that one bad record never fails the others.
CREATE FUNCTION read_records(p_entries jsonb)
    RETURNS TABLE (no bigint, record jsonb, source text, external_id text, employee text, task text, work_type text,
                   started_at timestamptz, ended_at timestamptz, work_date date, duration_s bigint, break_s bigint,
                   billable text, comment text, newest bigint)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT v.no, v.value, v.value ->> 'source', v.value ->> 'external_id',
           v.value ->> 'employee', v.value ->> 'task', v.value ->> 'work_type',
           iso_instant(v.value ->> 'started_at'), iso_instant(v.value ->> 'ended_at'),
           iso_date(v.value ->> 'work_date'), ingest_seconds(v.value ->> 'duration_s'),
           coalesce(ingest_seconds(v.value ->> 'break_s'), 0), v.value ->> 'billable', v.value ->> 'comment',
           row_number() OVER (PARTITION BY v.value ->> 'source', v.value ->> 'external_id' ORDER BY v.no DESC)
      FROM jsonb_array_elements(p_entries) WITH ORDINALITY v (value, no);
END;
COMMENT ON FUNCTION read_records(jsonb) IS
    'the records of trackers, field by field, NULL where one has not the form it must have; newest: 1 for the last of '
    'a key in the call';

CREATE FUNCTION check_records(p_entries jsonb, p_may_decide boolean)
    RETURNS TABLE (no bigint, record jsonb, source text, external_id text, employee_id bigint, task_id bigint,
                   work_type_id bigint, started_at timestamptz, ended_at timestamptz, work_date date, duration_s bigint,
                   break_s bigint, billable text, comment text, reason text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.no, r.record, r.source, r.external_id, l.employee_id, t.id, w.id, r.started_at, r.ended_at, r.work_date,
           r.duration_s, r.break_s, r.billable, r.comment,
           CASE WHEN jsonb_typeof(r.record) <> 'object' THEN 'not a JSON object'
                WHEN coalesce(r.source, '') = '' OR coalesce(r.external_id, '') = ''
                    THEN 'source and external_id are needed'
                -- longer ones fit into no index
                WHEN greatest(octet_length(r.source), octet_length(r.external_id)) > 1000
                    THEN 'source and external_id have at most 1000 bytes'
                WHEN r.newest > 1 THEN 'sent again later in the same call'
                WHEN r.employee IS NULL THEN 'employee is needed'
                WHEN l.employee_id IS NULL THEN format('unknown employee "%s" of source "%s"', r.employee, r.source)
                WHEN r.task IS NULL THEN 'task is needed'
                WHEN t.id IS NULL THEN format('unknown task "%s" of source "%s"', r.task, r.source)
                WHEN r.work_type IS NOT NULL AND w.id IS NULL THEN format('unknown work type "%s"', r.work_type)
                WHEN r.record ->> 'started_at' IS NOT NULL AND r.started_at IS NULL
                    THEN format('started_at "%s" is no time stamp with zone', r.record ->> 'started_at')
                WHEN r.record ->> 'ended_at' IS NOT NULL AND r.ended_at IS NULL
                    THEN format('ended_at "%s" is no time stamp with zone', r.record ->> 'ended_at')
                WHEN r.record ->> 'work_date' IS NOT NULL AND r.work_date IS NULL
                    THEN format('work_date "%s" is no date', r.record ->> 'work_date')
                WHEN r.record ->> 'duration_s' IS NOT NULL AND r.duration_s IS NULL
                    THEN format('duration_s "%s" is no whole number of seconds', r.record ->> 'duration_s')
                WHEN r.record ->> 'break_s' IS NOT NULL AND ingest_seconds(r.record ->> 'break_s') IS NULL
                    THEN format('break_s "%s" is no whole number of seconds', r.record ->> 'break_s')
                WHEN num_nonnulls(r.started_at, r.ended_at) = 1 THEN 'started_at and ended_at go together'
                WHEN r.started_at IS NULL AND num_nonnulls(r.work_date, r.duration_s) < 2
                    THEN 'started_at and ended_at, or work_date and duration_s are needed'
                WHEN r.started_at < '0001-01-02Z' OR r.ended_at > '9999-12-31Z'
                    THEN 'started_at and ended_at lie in years of four digits'
                WHEN r.ended_at < r.started_at THEN 'ended_at is before started_at'
                WHEN r.duration_s < 0 OR r.break_s < 0 THEN 'durations cannot be negative'
                WHEN d.worked_s < 0 THEN 'break_s is longer than the entry'
                WHEN d.worked_s > s.max_entry_s
                    AND d.worked_s > longest_entry_s(l.employee_id, t.id, NULL, r.started_at, r.work_date)
                THEN format('longer than the limit of %s seconds',
                            longest_entry_s(l.employee_id, t.id, NULL, r.started_at, r.work_date))
                WHEN r.billable <> 'billable' AND NOT s.trackers_decide AND NOT p_may_decide
                    THEN 'billable is not for trackers to say: setting.trackers_decide'
                WHEN r.billable NOT IN ('billable', 'no_charge', 'non_billable')
                    THEN format('unknown disposition "%s"', r.billable) END
      FROM read_records(p_entries) r
     CROSS JOIN setting s
     CROSS JOIN LATERAL (
        SELECT coalesce(r.duration_s, floor(extract(epoch FROM r.ended_at - r.started_at)) - r.break_s) AS worked_s) d
      LEFT JOIN employee_login l ON l.source = r.source AND l.external_id = r.employee
      LEFT JOIN task t ON t.source = r.source AND t.external_id = r.task
      LEFT JOIN work_type w ON w.code = r.work_type;
END;
COMMENT ON FUNCTION check_records(jsonb, boolean) IS
    'the records of trackers with the people, tasks and kinds of work they name, and the reason why one cannot be '
    'taken, NULL where it can; whoever may decide says what is not billed, trackers where setting.trackers_decide is '
    'on';

CREATE FUNCTION ingest_batch(entries jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint,
                             OUT rejected bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_manager boolean := coalesce(has_level('manager'), false);
    v_missed bigint;
    v_again record;
BEGIN
    PERFORM lock_records(entries);
    WITH checked AS MATERIALIZED (
        SELECT * FROM check_records(entries, v_manager)
    ), matched AS MATERIALIZED (
        SELECT c.*, e.id,
               (e.employee_id, e.task_id, e.work_type_id, e.started_at, e.ended_at, e.work_date, e.duration_s,
                e.break_s, e.billable, e.comment)
               IS NOT DISTINCT FROM
               (c.employee_id, c.task_id, c.work_type_id, c.started_at, c.ended_at, c.work_date, c.duration_s,
                c.break_s, c.billable, c.comment) AS same,
               EXISTS (SELECT FROM live_charge h WHERE h.time_entry_id = e.id AND h.committed) AS frozen
          FROM checked c
          LEFT JOIN time_entry e ON e.source = c.source AND e.external_id = c.external_id
         WHERE c.reason IS NULL
    ), added AS (
        INSERT INTO time_entry (employee_id, task_id, work_type_id, started_at, ended_at, work_date, duration_s,
                                break_s, billable, comment, source, external_id)
        SELECT m.employee_id, m.task_id, m.work_type_id, m.started_at, m.ended_at, m.work_date, m.duration_s, m.break_s,
               m.billable, m.comment,
               m.source, m.external_id
          FROM matched m WHERE m.id IS NULL ORDER BY coalesce(m.started_at, m.work_date::timestamp AT TIME ZONE 'UTC'),
          m.no
        ON CONFLICT (source, external_id) DO NOTHING
        RETURNING 1
    ), changed AS (
        UPDATE time_entry e
           SET employee_id = m.employee_id, task_id = m.task_id, work_type_id = m.work_type_id,
               started_at = m.started_at, ended_at = m.ended_at,
               work_date = m.work_date, duration_s = m.duration_s, break_s = m.break_s, billable = m.billable,
               comment = m.comment
          FROM matched m WHERE e.id = m.id AND NOT m.same AND NOT m.frozen
        RETURNING 1
    ), refused AS MATERIALIZED (
        SELECT c.source, c.external_id, c.record, c.reason, c.no FROM checked c WHERE c.reason IS NOT NULL
        UNION ALL
        SELECT m.source, m.external_id, m.record, 'changed after it was billed; use correct_entry()', m.no
          FROM matched m WHERE NOT m.same AND m.frozen
    ), forgotten AS (
        DELETE FROM rejected_entry x USING checked r
         WHERE x.source IS NOT DISTINCT FROM r.source AND x.external_id IS NOT DISTINCT FROM r.external_id
           AND (x.external_id IS NOT NULL OR x.record = r.record)
    ), kept AS (
        INSERT INTO rejected_entry (source, external_id, record, reason)
        SELECT r.source, r.external_id, r.record, r.reason FROM refused r ORDER BY r.no
    )
    SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM changed),
           (SELECT count(*) FROM matched WHERE same), (SELECT count(*) FROM refused),
           (SELECT count(*) FROM matched WHERE id IS NULL) - (SELECT count(*) FROM added)
      INTO inserted, updated, unchanged, rejected, v_missed;
    -- Another session was first with some of them: now they are there to be compared.
    IF v_missed > 0 THEN
        SELECT * INTO v_again FROM ingest_batch(entries);
        updated := updated + v_again.updated;
        unchanged := unchanged + v_missed - v_again.updated - (v_again.rejected - rejected);
        rejected := v_again.rejected;
    END IF;
END $$;
COMMENT ON FUNCTION ingest_batch(jsonb) IS
    'take work logs as ingest_entries() does; one that comes late for a closed period fails them all';

-- Work that comes too late for a contract is refused by the trigger, with all
-- that came with it: halves of what came are tried until it is alone.
CREATE FUNCTION ingest_entries(entries jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint,
                               OUT rejected bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET jit = off
AS $$
DECLARE
    v_half jsonb;
    v_taken record;
    v_count int;
    v_constraint text;
    v_message text;
BEGIN
    entries := json_argument(entries);
    IF jsonb_typeof(entries) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'entries must be a JSON array, not %', coalesce(jsonb_typeof(entries), 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Pass an array of work logs, even for a single one.';
    END IF;
    IF jsonb_array_length(entries) > 200000 THEN
        RAISE EXCEPTION 'too many entries in one call: %', jsonb_array_length(entries)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Send at most 200000 in one call.';
    END IF;

    v_count := jsonb_array_length(entries);
    BEGIN
        SELECT b.inserted, b.updated, b.unchanged, b.rejected INTO inserted, updated, unchanged, rejected
          FROM ingest_batch(entries) b;
        RETURN;
    EXCEPTION WHEN restrict_violation THEN
        GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME, v_message = MESSAGE_TEXT;
        IF v_constraint = 'time_entry_not_billed'
            THEN  -- while we waited: now it is seen, and a record that changes it is rejected
            SELECT b.inserted, b.updated, b.unchanged, b.rejected INTO inserted, updated, unchanged, rejected
              FROM ingest_entries(entries) b;
            RETURN;
        ELSIF v_constraint IS DISTINCT FROM 'time_entry_period_open' THEN
            RAISE;
        END IF;
    END;
    IF v_count = 1 THEN
        INSERT INTO rejected_entry (source, external_id, record, reason)
        SELECT entries -> 0 ->> 'source', entries -> 0 ->> 'external_id', entries -> 0, v_message;
        inserted := 0; updated := 0; unchanged := 0; rejected := 1;
        RETURN;
    END IF;
    inserted := 0; updated := 0; unchanged := 0; rejected := 0;
    FOR i IN 0 .. 1 LOOP
        v_half := (SELECT jsonb_agg(v.value ORDER BY v.no)
                     FROM jsonb_array_elements(entries) WITH ORDINALITY v (value, no)
                    WHERE v.no > i * (v_count / 2) AND (i = 1 OR v.no <= v_count / 2));
        SELECT * INTO v_taken FROM ingest_entries(v_half);
        inserted := inserted + v_taken.inserted;
        updated := updated + v_taken.updated;
        unchanged := unchanged + v_taken.unchanged;
        rejected := rejected + v_taken.rejected;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_entries(jsonb) IS
    'take work logs from a tracker: an array of {"source", "external_id", "employee", "task", "work_type"?, '
    '"started_at"+"ended_at" | "work_date"+"duration_s", "break_s"?, "billable"?, "comment"?}; employee and task are '
    'the ids the source knows them by (employee_login, task), work_type a code. Idempotent on (source, external_id); a '
    'bad record goes to rejected_entry with the reason and never stops the others; at most 200000 in one call';
SELECT allow('clerk', 'execute', 'ingest_entries');

-- Gateways pass the whole body of a request to a parameter without a name.
-- It is PL/pgSQL because pg_dump cannot write a BEGIN ATOMIC body that names an
-- argument without a name.
CREATE FUNCTION ingest(jsonb, OUT inserted bigint, OUT updated bigint, OUT unchanged bigint, OUT rejected bigint)
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_column
BEGIN
    SELECT i.inserted, i.updated, i.unchanged, i.rejected INTO ingest.inserted, ingest.updated, ingest.unchanged,
           ingest.rejected
      FROM ingest_entries($1) i;
END $$;
COMMENT ON FUNCTION ingest(jsonb) IS
    'ingest_entries() for trackers that post their array as it is: through a gateway the body of the request is the '
    'array, with no object around it';
SELECT allow('clerk', 'execute', 'ingest');
