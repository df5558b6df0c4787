-- ---------------------------------------------------------------------------
-- time: durations in whole seconds, and periods of the calendar
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.round_seconds(
    worked_s bigint, mode text, increment_s int,
    minimum_s int DEFAULT 0, maximum_s int DEFAULT NULL, grace_s int DEFAULT 0) RETURNS bigint
    AS 'MODULE_PATHNAME', 'finance_round_seconds' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.round_seconds(bigint, text, int, int, int, int) IS
    'billed seconds of worked ones: mode none, up, down or nearest (half goes up) to whole increments, where up forgives '
    'a rest within the grace once a whole increment was worked; then at least the minimum, then at most the maximum '
    '(NULL: no limit); 0 stays 0, negative seconds mirror positive ones; a rule that contradicts itself is refused (22023)';

CREATE FUNCTION finance.time_amount(billed_s bigint, price numeric, basis text, exponent int) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_time_amount' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.time_amount(bigint, numeric, text, int) IS
    'amount of billed seconds at a price per hour, rounded once to the exponent: basis exact, or hundredth for hours '
    'rounded to 0.01 first; refuses NaN and infinities (22003) and exponents outside 0 to 6 (22023)';

CREATE FUNCTION finance.split_at(
    seconds bigint, remaining bigint, weight numeric,
    OUT covered bigint, OUT rest bigint, OUT burned bigint)
    AS 'MODULE_PATHNAME', 'finance_split_at' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.split_at(bigint, bigint, numeric) IS
    'cut a segment of work where an allotment with so many seconds remaining ends, each worked second eating so much '
    'weight: seconds covered, the rest, and seconds burned of the allotment (never more than remained); a weight of 0 '
    'burns nothing, an overdrawn allotment covers nothing; negative seconds or weights are refused (22023)';

CREATE FUNCTION finance.month(day date) RETURNS date
    AS 'MODULE_PATHNAME', 'finance_month' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.month(date) IS
    'first day of the month; infinity stays infinity; several times cheaper than date_trunc';

CREATE FUNCTION finance.half_month(day date) RETURNS daterange
    AS 'MODULE_PATHNAME', 'finance_half_month' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.half_month(date) IS
    'the half of the month that holds the day: [1st, 16th) or [16th, 1st of the next month); infinity is refused (22008)';

CREATE FUNCTION finance.period_of(day date, unit text, anchor int, month int DEFAULT 1) RETURNS daterange
    AS 'MODULE_PATHNAME', 'finance_period_of' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.period_of(date, text, int, int) IS
    'the week, half_month, month, quarter or year that holds the day and starts on the anchor: a weekday from 1 (Monday) '
    'for weeks, else a day of the month, which months too short for it clamp to their last day; quarters and years are '
    'counted from the month, 1 for January; half months start on the anchor and on the day 15 days away from it in the month';
