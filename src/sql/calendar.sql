-- ---------------------------------------------------------------------------
-- calendars
--
-- A calendar is a JSON document:
--     {"zone": "Europe/Kyiv",
--      "week": [[1, 32400, 61200, "regular"], …],              weekday 1 to 7
--      "days": [["2026-12-26", 36000, 50400, "regular"], …],   beats the weekday
--      "closed_days": ["2026-12-25", …]}                       no bands at all
-- with times in seconds of the local day.  An end that is not after the start
-- lies on the next day: the row of a weekday belongs to the day it starts on and
-- covers the next morning, except where the next day's own rows do.  A date in
-- "days" or "closed_days" is replaced from midnight to midnight: no night of the
-- day before reaches into it, and its own rows end with it; the days around are
-- what they are in every week.  What no row covers is band 'off_hours'.  Without
-- "week" every hour of the week is 'regular'; no calendar (NULL) is UTC with band
-- 'regular' always.
--
-- The band of an instant is what the clocks of the zone show: an hour skipped
-- in spring is in no band, an hour repeated in autumn counts twice.  These
-- functions depend on nothing but their arguments and the server's time zones,
-- as timezone(text, timestamptz), and are IMMUTABLE as that one is.
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.is_zone(zone text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'finance_is_zone' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.is_zone(text) IS
    'whether the server knows a time zone of this IANA name, in any letter case; rules such as ''UTC+3'' are no names';

CREATE FUNCTION finance.calendar_bands(calendar jsonb) RETURNS text[]
    AS 'MODULE_PATHNAME', 'finance_calendar_bands' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.calendar_bands(jsonb) IS
    'the bands of a calendar, ''off_hours'' first; a document that is no calendar is refused (22023, 54000), so this checks one';

CREATE FUNCTION finance.calendar_date(at timestamptz, calendar jsonb) RETURNS date
    AS 'MODULE_PATHNAME', 'finance_calendar_date' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.calendar_date(timestamptz, jsonb) IS
    'the local date of an instant in the calendar''s zone; refuses infinity (22023)';

CREATE FUNCTION finance.calendar_midnight(day date, calendar jsonb) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'finance_calendar_midnight' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.calendar_midnight(date, jsonb) IS
    'the instant at which a local date begins in the calendar''s zone: where clocks skip midnight the end of the gap, where they show it twice the first time; refuses infinity (22008)';

CREATE FUNCTION finance.split_by_calendar(started_at timestamptz, ended_at timestamptz, calendar jsonb)
    RETURNS TABLE (band text, local_date date, started_at timestamptz, ended_at timestamptz, seconds bigint)
    AS 'MODULE_PATHNAME', 'finance_split_by_calendar' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.split_by_calendar(timestamptz, timestamptz, jsonb) IS
    'the parts of a half-open interval by band and local date, in order; their whole seconds sum to the elapsed ones; an empty interval gives one part of 0 seconds; refused: an end before the start, infinity (22023), more than 3660 days (54000)';

CREATE FUNCTION finance.business_seconds_by_calendar(started_at timestamptz, ended_at timestamptz, calendar jsonb,
    band text DEFAULT 'regular') RETURNS bigint
    AS 'MODULE_PATHNAME', 'finance_business_seconds_by_calendar' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.business_seconds_by_calendar(timestamptz, timestamptz, jsonb, text) IS
    'the seconds of a half-open interval that lie in one band, 0 for a band the calendar does not have; refused as split_by_calendar';
