-- ---------------------------------------------------------------------------
-- history: who did what to the rows that people edit
--
-- Every table says beside itself that it is watched: SELECT watch('table').
-- Tables that only functions of the books write carry own_table() instead.
-- Those of access.sql, which comes first, are watched from grant.sql on.
-- ---------------------------------------------------------------------------

CREATE TABLE history (
    id bigserial CONSTRAINT history_pkey PRIMARY KEY,
    table_name text NOT NULL,
    row_key text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    by text NOT NULL DEFAULT actor(),
    login text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    old_values jsonb,
    new_values jsonb
);
COMMENT ON TABLE history IS
    'who did what to the rows of watched tables, by column; append-only. View history_change has a row for each column. An INSERT keeps what was given, '
    'an UPDATE the columns that changed, a DELETE the whole row. Time entries and closed periods say themselves who made them and when, so their INSERT '
    'is not kept here: their first change or their end keeps what they held';
COMMENT ON COLUMN history.row_key IS 'the primary key of the row before the change, several columns joined by slashes: EUR/USD/2026-01-01';
COMMENT ON COLUMN history.by IS 'actor(): the person, as far as known';
COMMENT ON COLUMN history.login IS 'the session''s user, which no setting changes';
COMMENT ON COLUMN history.action IS 'insert, update, delete; reopen of a billing_period, with the reason';
COMMENT ON COLUMN history.old_values IS
    'columns before, NULL for an INSERT: whole numbers, truth values and JSON as such, all else as text (dates ISO 8601, instants in UTC); secrets, '
    'images and templates as "sha256:… (n bytes)"';
COMMENT ON COLUMN history.new_values IS 'the same columns after, NULL for a DELETE';
CREATE INDEX history_row_idx ON history (table_name, row_key);
CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('History is what it is; add a row if something has to be explained.');
CREATE TRIGGER history_owned BEFORE INSERT ON history
    FOR EACH ROW EXECUTE FUNCTION own_table('It follows what is done to the tables that watch() was called for.');

CREATE VIEW history_change WITH (security_invoker) AS
    SELECT h.id AS history_id, h.at, h.by, h.login, h.table_name, h.row_key, h.action, c.column_name,
           h.old_values ->> c.column_name AS old_value, h.new_values ->> c.column_name AS new_value
      FROM history h
     CROSS JOIN LATERAL jsonb_object_keys(coalesce(h.old_values, '{}') || coalesce(h.new_values, '{}')) AS c (column_name);
COMMENT ON VIEW history_change IS
    'history by column: who (by, login) changed which column of which row (table_name, row_key) when, from old_value to new_value, as text; NULL: no value';
SELECT allow('controller', 'select', 'history'), allow('controller', 'select', 'history_change');

-- Runs while books are made or upgraded, never later: hence the dynamic SQL.
CREATE FUNCTION watch(p_table text, VARIADIC p_options text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_kept text := (SELECT string_agg(quote_literal(o), ', ') FROM unnest(p_options) o WHERE o <> 'changes');
    v_event text[];
BEGIN
    FOREACH v_event SLICE 1 IN ARRAY '{{insert,NEW TABLE AS new_rows},{update,OLD TABLE AS old_rows NEW TABLE AS new_rows},{delete,OLD TABLE AS old_rows}}'::text[] LOOP
        CONTINUE WHEN v_event[1] = 'insert' AND 'changes' = ANY (p_options);
        EXECUTE format('CREATE OR REPLACE TRIGGER history_of_%1$s AFTER %1$s ON %2$I REFERENCING %3$s FOR EACH STATEMENT EXECUTE FUNCTION keep_history(%4$s)',
                       v_event[1], p_table, v_event[2], v_kept);
    END LOOP;
    EXECUTE format('CREATE OR REPLACE TRIGGER watched_not_truncated BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%L)',
                   p_table, 'Delete the rows instead: history keeps what they held.');
END $$;
COMMENT ON FUNCTION watch(text, text[]) IS
    'keep the history of a table: makes its triggers, and refuses TRUNCATE. Options: ''changes'' (not the INSERT: rows carry who made them), '
    '''digest:column'', ''ignore:column'', ''unless:column'' as keep_history() takes them';
