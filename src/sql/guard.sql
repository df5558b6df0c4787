-- ---------------------------------------------------------------------------
-- guards
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.refuse_change() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_refuse_change' LANGUAGE C;
COMMENT ON FUNCTION finance.refuse_change() IS
    'trigger function of append-only tables: refuses UPDATE, DELETE and TRUNCATE (23001); its argument is the hint';

CREATE FUNCTION finance.own_columns() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_own_columns' LANGUAGE C;
COMMENT ON FUNCTION finance.own_columns() IS
    'BEFORE INSERT OR UPDATE row trigger: the columns named as arguments ("column" or "column: the way out") are set by the functions of the books alone. '
    'A row comes with their defaults and keeps them; whoever gives another value is refused (42501). Made first of a table''s triggers by its name, so '
    'that those behind it may set the columns';

CREATE FUNCTION finance.own_table() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_own_table' LANGUAGE C;
COMMENT ON FUNCTION finance.own_table() IS
    'BEFORE INSERT, UPDATE or DELETE row trigger of tables that only the functions of the books write: refuses everybody else, also the owner (42501); '
    'its argument is the hint';

CREATE FUNCTION finance.newer_than_snapshot("table" regclass) RETURNS boolean
    AS 'MODULE_PATHNAME', 'finance_newer_than_snapshot' LANGUAGE C STRICT;
COMMENT ON FUNCTION finance.newer_than_snapshot(regclass) IS
    'does a table hold rows that another transaction wrote after the snapshot of this one? Never under READ COMMITTED, where each statement takes its own; '
    'whoever may not read the table is refused (42501)';

CREATE FUNCTION finance.newer_in_index(index regclass, key bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'finance_newer_in_index' LANGUAGE C;
COMMENT ON FUNCTION finance.newer_in_index(regclass, bigint) IS
    'the same of the rows that an index finds: those with a key in its first column, a bigint, or with NULL all that it has';

-- ---------------------------------------------------------------------------
-- who acts, and what they did
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.actor() RETURNS text
    AS 'MODULE_PATHNAME', 'finance_actor' LANGUAGE C STABLE PARALLEL SAFE;
COMMENT ON FUNCTION finance.actor() IS
    'who acts: the setting finance.actor; else claim sub, preferred_username or email of request.jwt.claims, or request.jwt.claim.sub, as REST gateways '
    'set them; else the role of SET ROLE; else the session''s user. At most 200 characters; empty or malformed values count as not given. The default '
    'of every column that says by whom';

CREATE FUNCTION finance.keep_history() RETURNS trigger
    AS 'MODULE_PATHNAME', 'finance_keep_history' LANGUAGE C;
COMMENT ON FUNCTION finance.keep_history() IS
    'AFTER statement trigger that watch() makes: keeps in table history what the statement did to each row, the changed columns old and new; as the '
    'table''s owner, because nobody is granted INSERT there';
