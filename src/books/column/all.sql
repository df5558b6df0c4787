-- ---------------------------------------------------------------------------
-- columns: none is left unexplained
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        SELECT c.relname, a.attname
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'v')
           AND col_description(c.oid, a.attnum) IS NULL
           AND (c.relname IN (SELECT r.object FROM access_rule r) OR c.relname LIKE 'seen!_%' ESCAPE '!'
                OR c.relname LIKE 'visible!_%' ESCAPE '!')
    LOOP
        RAISE EXCEPTION 'nothing says what column % of % is', v_column.attname, v_column.relname
            USING ERRCODE = 'undefined_column', HINT = 'Add it to the words of a file beside this one.';
    END LOOP;
END $$;
