-- ---------------------------------------------------------------------------
-- limits: what one call of the functions here may ask for
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.limits() RETURNS TABLE (name text, maximum bigint, what text, hint text)
    AS 'MODULE_PATHNAME', 'finance_limits' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION finance.limits() IS
    'what one call may ask for: the maximum of what, and what to do instead; more is refused (54000)';

