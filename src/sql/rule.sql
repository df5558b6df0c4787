-- ---------------------------------------------------------------------------
-- rules: refusals that say what is allowed
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.tell_check() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_tell_check' LANGUAGE C;
COMMENT ON FUNCTION finance.tell_check() IS
    'trigger function, before each row and after all other such triggers: refuses what the table''s CHECK constraints refuse (23514, with the constraint), '
    'naming the column, what was given and what is allowed; the hint is the comment on the constraint, where it has one';

CREATE FUNCTION finance.tell_key() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_tell_key' LANGUAGE C;
COMMENT ON FUNCTION finance.tell_key() IS
    'trigger function, after each row and before the server''s own: refuses what the table''s foreign keys of one column refuse (23503, with the '
    'constraint), naming the column and what was given; where that is a word the hint lists those there are';
