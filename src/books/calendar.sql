-- ---------------------------------------------------------------------------
-- calendar, calendar_band: business hours, holidays, after-hours bands
-- ---------------------------------------------------------------------------

CREATE SEQUENCE calendar_id_seq;
CREATE TABLE calendar (
    id bigint DEFAULT nextval('calendar_id_seq') CONSTRAINT calendar_pkey PRIMARY KEY,
    name text NOT NULL
        CONSTRAINT calendar_name_once UNIQUE
        CONSTRAINT calendar_name_not_empty CHECK (name <> ''),
    zone text NOT NULL
        CONSTRAINT calendar_zone_known CHECK (finance.is_zone(zone))
);
ALTER SEQUENCE calendar_id_seq OWNED BY calendar.id;
COMMENT ON TABLE calendar IS 'a time zone with its business hours, holidays and other bands of the day';
COMMENT ON COLUMN calendar.zone IS 'IANA name, one of pg_timezone_names';
SELECT allow('reader', 'select', 'calendar'), allow('admin', 'insert,update,delete', 'calendar');
SELECT watch('calendar');

CREATE SEQUENCE calendar_band_id_seq;
CREATE TABLE calendar_band (
    id bigint DEFAULT nextval('calendar_band_id_seq') CONSTRAINT calendar_band_pkey PRIMARY KEY,
    calendar_id bigint NOT NULL
        CONSTRAINT calendar_band_of_calendar REFERENCES calendar (id) ON DELETE CASCADE,
    isodow int CONSTRAINT calendar_band_isodow_1_to_7 CHECK (isodow BETWEEN 1 AND 7),
    day date CONSTRAINT calendar_band_day_of_four_digit_year CHECK (day BETWEEN '0001-01-01' AND '9999-12-31'),
    starts time CONSTRAINT calendar_band_starts_before_24 CHECK (starts < '24:00'),
    ends time,
    band text CONSTRAINT calendar_band_name_1_to_63_bytes CHECK (octet_length(band) BETWEEN 1 AND 63),
    CONSTRAINT calendar_band_weekday_or_day CHECK (num_nonnulls(isodow, day) = 1),
    CONSTRAINT calendar_band_whole_or_closed CHECK (num_nonnulls(starts, ends, band) IN (0, 3)),
    CONSTRAINT calendar_band_closed_is_a_day CHECK (starts IS NOT NULL OR day IS NOT NULL),
    CONSTRAINT calendar_band_whole_seconds
        CHECK (date_trunc('second', starts) = starts::interval AND date_trunc('second', ends) = ends::interval),
    CONSTRAINT calendar_band_once UNIQUE NULLS NOT DISTINCT (calendar_id, isodow, day, starts)
);
ALTER SEQUENCE calendar_band_id_seq OWNED BY calendar_band.id;
COMMENT ON TABLE calendar_band IS
    'a band of the local day; the rows of a date beat those of its weekday (holidays, moved working days); what no row covers is band off_hours';
COMMENT ON COLUMN calendar_band.isodow IS '1 Monday to 7 Sunday; NULL when day is given';
COMMENT ON COLUMN calendar_band.day IS 'a local date; NULL when isodow is given';
COMMENT ON COLUMN calendar_band.starts IS 'local time; NULL with ends and band: the date is closed';
COMMENT ON COLUMN calendar_band.ends IS
    'local time, 24:00 allowed; not after starts: on the next day, where the next day''s own rows win';
SELECT allow('reader', 'select', 'calendar_band'), allow('admin', 'insert,update,delete', 'calendar_band');
SELECT watch('calendar_band');

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
    'a calendar as the value that finance.split_by_calendar reads; NULL for NULL, which is UTC with band regular always; refuses an unknown calendar (23503)';
SELECT allow('reader', 'execute', 'calendar_document');

CREATE FUNCTION split_by_band(started_at timestamptz, ended_at timestamptz, calendar_id bigint)
    RETURNS TABLE (band text, local_date date, started_at timestamptz, ended_at timestamptz, seconds bigint)
    STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.band, s.local_date, s.started_at, s.ended_at, s.seconds
      FROM finance.split_by_calendar($1, $2, calendar_document($3)) s;
END;
COMMENT ON FUNCTION split_by_band(timestamptz, timestamptz, bigint) IS
    'the parts of a half-open interval by band and local date of a calendar, in order; their whole seconds sum to the elapsed ones; refuses an unknown calendar (23503), an end before the start and infinity (22023), more than 3660 days (54000)';
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
    'trigger function: refuses bands of one day that overlap and a closed date that has bands (22023); SECURITY DEFINER because nobody is granted the locks';

CREATE TRIGGER calendar_band_checked_on_insert AFTER INSERT ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();
CREATE TRIGGER calendar_band_checked_on_update AFTER UPDATE ON calendar_band
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION check_calendar_bands();
