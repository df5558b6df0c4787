-- ---------------------------------------------------------------------------
-- calendar: bands of a day, for the engine and for people
-- ---------------------------------------------------------------------------

CREATE FUNCTION calendar_document(calendar_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE SET search_path FROM CURRENT
AS $$
DECLARE
    document jsonb;
BEGIN
    SELECT jsonb_build_object('zone', c.zone, 'week', b.week, 'days', b.days, 'closed_days', b.closed_days)
      INTO document
      FROM calendar c
     CROSS JOIN LATERAL (
           SELECT coalesce(jsonb_agg(jsonb_build_array(r.isodow, r.starts_s, r.ends_s, r.band)
                                     ORDER BY r.isodow, r.starts_s)
                           FILTER (WHERE r.isodow IS NOT NULL), '[]') AS week,
                  coalesce(jsonb_agg(jsonb_build_array(r.day_text, r.starts_s, r.ends_s, r.band)
                                     ORDER BY r.day, r.starts_s)
                           FILTER (WHERE r.day IS NOT NULL AND r.starts_s IS NOT NULL), '[]') AS days,
                  coalesce(jsonb_agg(r.day_text ORDER BY r.day)
                           FILTER (WHERE r.day IS NOT NULL AND r.starts_s IS NULL), '[]') AS closed_days
             FROM (SELECT cb.isodow, cb.day, iso(cb.day) AS day_text, cb.band,
                          extract(epoch FROM cb.starts)::int AS starts_s, extract(epoch FROM cb.ends)::int AS ends_s
                     FROM calendar_band cb
                    WHERE cb.calendar_id = c.id) r) b
     WHERE c.id = calendar_document.calendar_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no calendar %', calendar_document.calendar_id
            USING ERRCODE = 'foreign_key_violation', HINT = 'Table calendar lists the calendars.';
    END IF;
    RETURN document;
END
$$;
COMMENT ON FUNCTION calendar_document(bigint) IS
    'a calendar as the value that finance.split_by_calendar reads; NULL for NULL, which is UTC with band regular '
    'always; refuses an unknown calendar (23503)';
SELECT allow('reader', 'execute', 'calendar_document');

CREATE FUNCTION split_by_band(started_at timestamptz, ended_at timestamptz, calendar_id bigint)
    RETURNS TABLE (band text, local_date date, started_at timestamptz, ended_at timestamptz, seconds bigint)
    STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.band, s.local_date, s.started_at, s.ended_at, s.seconds
      FROM finance.split_by_calendar($1, $2, calendar_document($3)) s;
END;
COMMENT ON FUNCTION split_by_band(timestamptz, timestamptz, bigint) IS
    'the parts of a half-open interval by band and local date of a calendar, in order; their whole seconds sum to the '
    'elapsed ones; refuses an unknown calendar (23503), an end before the start and infinity (22023), more than 3660 '
    'days (54000)';
SELECT allow('reader', 'execute', 'split_by_band');

CREATE FUNCTION business_seconds(started_at timestamptz, ended_at timestamptz, calendar_id bigint,
    band text DEFAULT 'regular') RETURNS bigint
    STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT finance.business_seconds_by_calendar(started_at, ended_at, calendar_document(calendar_id), band);
END;
COMMENT ON FUNCTION business_seconds(timestamptz, timestamptz, bigint, text) IS
    'the seconds of a half-open interval that lie in one band of a calendar; refused as split_by_band';
SELECT allow('reader', 'execute', 'business_seconds');

-- Overlapping bands are refused when they are written, not when work is rated.
-- The lock makes two writers of one calendar see each other's rows.
CREATE FUNCTION check_calendar_bands() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    touched bigint[];
BEGIN
    SELECT array_agg(DISTINCT calendar_id) INTO touched FROM changed;
    PERFORM hold('calendar', touched);
    PERFORM finance.calendar_bands(calendar_document(id)) FROM unnest(touched) id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION check_calendar_bands() IS
    'trigger function: refuses bands of one day that overlap and a closed date that has bands (22023); SECURITY '
    'DEFINER because nobody is granted the locks';
