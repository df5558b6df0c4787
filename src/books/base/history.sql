-- ---------------------------------------------------------------------------
-- history: who did what to the rows that people edit
--
-- Every table says beside itself that it is watched: SELECT watch('table').
-- Tables that only functions of the books write carry own_table() instead.
-- Those of access.sql, which comes first, are watched from grant.sql on.
-- ---------------------------------------------------------------------------

CREATE VIEW history_change WITH (security_invoker) AS
    SELECT h.id AS history_id, h.at, h.by, h.login, h.table_name, h.row_key, h.action, c.column_name,
           h.old_values ->> c.column_name AS old_value, h.new_values ->> c.column_name AS new_value
      FROM history h
     CROSS JOIN LATERAL
           jsonb_object_keys(coalesce(h.old_values, '{}') || coalesce(h.new_values, '{}')) AS c (column_name);
COMMENT ON VIEW history_change IS
    'history by column: who (by, login) changed which column of which row (table_name, row_key) when, from old_value '
    'to new_value, as text; NULL: no value';
SELECT allow('controller', 'select', 'history_change');

-- Runs while books are made or upgraded, never later: hence the dynamic SQL.
CREATE FUNCTION watch(p_table text, VARIADIC p_options text[] DEFAULT '{}') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_kept text := (SELECT string_agg(quote_literal(o), ', ') FROM unnest(p_options) o WHERE o <> 'changes');
    v_event text[];
BEGIN
    FOREACH v_event SLICE 1 IN ARRAY ARRAY[ARRAY['insert', 'NEW TABLE AS new_rows'],
                                           ARRAY['update', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'],
                                           ARRAY['delete', 'OLD TABLE AS old_rows']]
    LOOP
        CONTINUE WHEN v_event[1] = 'insert' AND 'changes' = ANY (p_options);
        EXECUTE format('CREATE OR REPLACE TRIGGER history_of_%1$s AFTER %1$s ON %2$I REFERENCING %3$s '
                       'FOR EACH STATEMENT EXECUTE FUNCTION keep_history(%4$s)',
                       v_event[1], p_table, v_event[2], v_kept);
    END LOOP;
    EXECUTE format('CREATE OR REPLACE TRIGGER watched_not_truncated BEFORE TRUNCATE ON %I '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(%L)',
                   p_table, 'Delete the rows instead: history keeps what they held.');
END $$;
COMMENT ON FUNCTION watch(text, text[]) IS
    'keep the history of a table: makes its triggers, and refuses TRUNCATE. Options: ''changes'' (not the INSERT: rows '
    'carry who made them), ''digest:column'', ''ignore:column'', ''unless:column'' as keep_history() takes them';
