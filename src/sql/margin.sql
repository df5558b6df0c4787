-- ---------------------------------------------------------------------------
-- margin: revenue, cost and seconds in one currency, as one value
-- ---------------------------------------------------------------------------

CREATE TYPE finance.margin;
COMMENT ON TYPE finance.margin IS
    'revenue, cost, seconds and currency as one value, written (100.00,60.00,3600,EUR), or (100.00,60.00,3600,EUR,2) '
    'where 2 costs are not known: the result of margin_sum(); amounts have at most 6 decimals; store it in a column '
    'and merge it later with margin_merge()';

CREATE FUNCTION finance.margin_in(cstring) RETURNS finance.margin
    AS 'MODULE_PATHNAME', 'finance_margin_in' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_in(cstring) IS 'text input of margin';

CREATE FUNCTION finance.margin_out(finance.margin) RETURNS cstring
    AS 'MODULE_PATHNAME', 'finance_margin_out' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_out(finance.margin) IS 'text output of margin, without loss';

CREATE FUNCTION finance.margin_recv(internal) RETURNS finance.margin
    AS 'MODULE_PATHNAME', 'finance_margin_recv' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_recv(internal) IS 'binary input of margin';

CREATE FUNCTION finance.margin_send(finance.margin) RETURNS bytea
    AS 'MODULE_PATHNAME', 'finance_margin_send' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_send(finance.margin) IS 'binary output of margin';

CREATE TYPE finance.margin (
    INPUT = finance.margin_in,
    OUTPUT = finance.margin_out,
    RECEIVE = finance.margin_recv,
    SEND = finance.margin_send,
    INTERNALLENGTH = 56,
    ALIGNMENT = double
);

-- accessors

CREATE FUNCTION finance.revenue(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_revenue' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.revenue(finance.margin) IS
    'revenue, exact, with 2 to 6 decimals';

CREATE FUNCTION finance.cost(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_cost' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.cost(finance.margin) IS
    'cost as far as it is known, exact, with 2 to 6 decimals';

CREATE FUNCTION finance.uncosted(m finance.margin) RETURNS bigint
    AS 'MODULE_PATHNAME', 'finance_margin_uncosted' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.uncosted(finance.margin) IS
    'rows whose cost is not known';

CREATE FUNCTION finance.profit(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_profit' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.profit(finance.margin) IS
    'revenue less cost, exact, with 2 to 6 decimals; NULL where a cost is not known';

CREATE FUNCTION finance.seconds(m finance.margin) RETURNS bigint
    AS 'MODULE_PATHNAME', 'finance_margin_seconds' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.seconds(finance.margin) IS
    'seconds';

CREATE FUNCTION finance.currency(m finance.margin) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_margin_currency' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.currency(finance.margin) IS
    'code of the currency';

CREATE FUNCTION finance.percent(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_percent' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.percent(finance.margin) IS
    'profit per 100 of revenue, rounded half away from zero to 4 decimals; NULL when revenue is 0 or a '
    'cost is not known';

CREATE FUNCTION finance.hours(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_hours' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.hours(finance.margin) IS
    'hours, rounded half away from zero to 4 decimals; compute with seconds()';

CREATE FUNCTION finance.hourly_rate(m finance.margin) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_margin_hourly_rate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.hourly_rate(finance.margin) IS
    'revenue per hour, rounded half away from zero to 4 decimals; NULL when there is no time';

-- operators

CREATE FUNCTION finance.margin_eq(finance.margin, finance.margin) RETURNS boolean
    AS 'MODULE_PATHNAME', 'finance_margin_eq' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_eq(finance.margin, finance.margin) IS 'implementation of operator =';

CREATE FUNCTION finance.margin_ne(finance.margin, finance.margin) RETURNS boolean
    AS 'MODULE_PATHNAME', 'finance_margin_ne' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_ne(finance.margin, finance.margin) IS 'implementation of operator <>';

CREATE FUNCTION finance.margin_add(finance.margin, finance.margin) RETURNS finance.margin
    AS 'MODULE_PATHNAME', 'finance_margin_add' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_add(finance.margin, finance.margin) IS 'implementation of operator +';

CREATE OPERATOR finance.= (
    LEFTARG = finance.margin, RIGHTARG = finance.margin, FUNCTION = finance.margin_eq,
    COMMUTATOR = OPERATOR(finance.=), NEGATOR = OPERATOR(finance.<>), RESTRICT = eqsel, JOIN = eqjoinsel
);
COMMENT ON OPERATOR finance.= (finance.margin, finance.margin) IS
    'the same revenue, cost, seconds, currency and costs that are not known';

CREATE OPERATOR finance.<> (
    LEFTARG = finance.margin, RIGHTARG = finance.margin, FUNCTION = finance.margin_ne,
    COMMUTATOR = OPERATOR(finance.<>), NEGATOR = OPERATOR(finance.=), RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR finance.<> (finance.margin, finance.margin) IS
    'another revenue, cost, seconds or currency, or other costs that are not known';

CREATE OPERATOR finance.+ (
    LEFTARG = finance.margin, RIGHTARG = finance.margin, FUNCTION = finance.margin_add,
    COMMUTATOR = OPERATOR(finance.+)
);
COMMENT ON OPERATOR finance.+ (finance.margin, finance.margin) IS
    'the sum of two margins in one currency; two currencies are refused (22023)';

-- aggregates

CREATE FUNCTION finance.margin_accum(
    finance.margin, revenue numeric, cost numeric, seconds bigint, currency text) RETURNS finance.margin
    AS 'MODULE_PATHNAME', 'finance_margin_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.margin_accum(finance.margin, numeric, numeric, bigint, text) IS
    'transition function of margin_sum()';

CREATE AGGREGATE finance.margin_sum(revenue numeric, cost numeric, seconds bigint, currency text) (
    SFUNC = finance.margin_accum,
    STYPE = finance.margin,
    COMBINEFUNC = finance.margin_add,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE finance.margin_sum(numeric, numeric, bigint, text) IS
    'the margin of rows in one currency; a null revenue or seconds counts as nothing, a null cost beside them is not '
    'known and makes the profit NULL (uncosted() counts them), a row of nulls is skipped, no rows give NULL; refuses '
    'two currencies (22023), figures without a currency (22004), amounts with more than 6 decimals (22003)';

CREATE AGGREGATE finance.margin_merge(finance.margin) (
    SFUNC = finance.margin_add,
    STYPE = finance.margin,
    COMBINEFUNC = finance.margin_add,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE finance.margin_merge(finance.margin) IS
    'the sum of stored margins in one currency; nulls are skipped, no rows give NULL; refuses two currencies (22023)';
