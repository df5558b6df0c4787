-- ---------------------------------------------------------------------------
-- guards
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.refuse_change() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_refuse_change' LANGUAGE C;
COMMENT ON FUNCTION finance.refuse_change() IS
    'trigger function of append-only tables: refuses UPDATE, DELETE and TRUNCATE (23001); its argument is the hint';
