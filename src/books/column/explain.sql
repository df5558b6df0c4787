-- ---------------------------------------------------------------------------
-- explain: what the columns say
--
-- A name means one thing in all of the books, so it is explained once, in
-- this room; "table.column" where it means more than that.  A column that
-- nothing explains stops the books from being made (column_all.sql).
-- Times ending in _s are seconds, hours are hundredths of an hour; columns
-- ending in _pct are percent points: 20 is 20 per cent.
-- ---------------------------------------------------------------------------

-- A line that begins with a blank goes on with the one before.
CREATE FUNCTION explain_columns(p_words text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_column record;
BEGIN
    FOR v_column IN
        WITH word AS (
            SELECT split_part(w, ': ', 1) AS name, substr(w, length(split_part(w, ': ', 1)) + 3) AS words
              FROM string_to_table(regexp_replace(p_words, chr(10) || ' +', ' ', 'g'), chr(10)) w WHERE w <> ''
        )
        SELECT c.relname, a.attname, coalesce(t.words, n.words) AS words
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN word t ON t.name = c.relname || '.' || a.attname
          LEFT JOIN word n ON n.name = a.attname
         WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'v')
           AND coalesce(t.words, n.words) IS DISTINCT FROM col_description(c.oid, a.attnum)
           AND coalesce(t.words, n.words) IS NOT NULL
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.kind = 'view' AND u.object = format('%I', c.relname) AND NOT u.ours)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L', v_column.relname, v_column.attname, v_column.words);
    END LOOP;
END $$;
COMMENT ON FUNCTION explain_columns(text) IS
    'comment on columns of the books: a line for each name or table.column, a colon, and what it is';
