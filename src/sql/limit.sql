-- ---------------------------------------------------------------------------
-- limits: what one call of the functions here may ask for
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.limits() RETURNS TABLE (name text, maximum bigint, what text, hint text)
    AS 'MODULE_PATHNAME', 'finance_limits' LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION finance.limits() IS
    'what one call of the functions of the extension may ask for: the maximum of what, and what to do instead of more, which is refused (54000)';

