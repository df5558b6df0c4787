-- ---------------------------------------------------------------------------
-- money: exact amounts in major units; the exponent is the currency's number
-- of decimals, from 0 to 6
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.round_money(amount numeric, exponent int) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_round_money' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.round_money(numeric, int) IS
    'the amount with exactly so many decimals, rounded half away from zero; refuses NaN and infinities (22003) and '
    'exponents outside 0 to 6 (22023)';

CREATE FUNCTION finance.allocate(total numeric, weights numeric[], exponent int) RETURNS numeric[]
    AS 'MODULE_PATHNAME', 'finance_allocate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.allocate(numeric, numeric[], int) IS
    'a total spread over weights by the largest remainder, ties to the earlier part, so that the parts sum to it; a '
    'negative total mirrors the positive one; refuses nulls (22004), negative weights, weights that are all zero, '
    'totals with more decimals than the exponent (22023), more than 100000 weights (54000)';

CREATE FUNCTION finance.prorate(
    amount numeric, period daterange, active daterange, rule text, exponent int) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_prorate' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.prorate(numeric, daterange, daterange, text, int) IS
    'the share of a period''s fee that falls on its active days, from whole days and rounded once: rule none (whole if any '
    'day is active), actual (days as they are), fixed_30 (each month counts 30, a 31st as a 30th) or days_365 (each '
    'year counts 365, 29 February as 1 March); active may be unbounded, the part outside the period does not count; '
    'refuses empty ranges and an unbounded period (22023)';

CREATE FUNCTION finance.tiered_amount(
    quantity numeric, bounds numeric[], prices numeric[], flats numeric[], mode text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'finance_tiered_amount' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.tiered_amount(numeric, numeric[], numeric[], numeric[], text) IS
    'the exact price of a quantity by tiers; bounds are their upper ends, included, the last one NULL; a flat fee is due '
    'once its tier is entered, NULL flats are none. Mode graduated: each part at its tier''s price; volume: all of it at the '
    'price, and with the flat fee, of the tier it reaches; package: each tier entered costs its price as a whole, and '
    'the open one so much per started package as wide as the tier before; a single bound is the size of all packages. '
    'Refuses negative quantities and bounds that do not rise (22023)';

CREATE FUNCTION finance.tax_breakdown(
    nets numeric[], rates numeric[], inclusive boolean, level text, exponent int)
    RETURNS TABLE (net numeric, tax numeric, gross numeric)
    AS 'MODULE_PATHNAME', 'finance_tax_breakdown' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION finance.tax_breakdown(numeric[], numeric[], boolean, text, int) IS
    'net, tax and gross of each line, in order; rates are per cent, NULL is exempt; inclusive: the amounts given are '
    'gross. Level line taxes each rounded line; level total taxes the exact sum of each rate and spreads it over the lines '
    'by the largest remainder. Net + tax = gross on every line and in total; refuses null nets (22004), negative '
    'rates (22023), lists of different lengths (2202E)';
