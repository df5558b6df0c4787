-- ---------------------------------------------------------------------------
-- iso: dates and instants as ISO 8601 text, the same in every session
--
-- A cast reads and writes by DateStyle and TimeZone; these do not.
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.iso(day date) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_iso' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.iso(date) IS
    'a date as YYYY-MM-DD whatever the session''s DateStyle; infinity and -infinity as these words';

CREATE FUNCTION finance.iso_date(day text) RETURNS date
    AS 'MODULE_PATHNAME', 'finance_iso_date' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.iso_date(text) IS
    'the date that YYYY-MM-DD says, NULL for every other text and for days that there are not; raises nothing';

CREATE FUNCTION finance.iso_instant(at text) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'finance_iso_instant' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.iso_instant(text) IS
    'the instant that YYYY-MM-DDTHH:MM[:SS[.ffffff]] with its offset (Z, +HH, +HH:MM, +HHMM) says, a blank may stand for the T; NULL for every '
    'other text, also for a time without an offset, and for instants that there are not; raises nothing';
