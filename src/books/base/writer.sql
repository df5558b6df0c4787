-- ---------------------------------------------------------------------------
-- writer: one function writes each table of facts
--
-- It takes rows of the table's own type and is made from the table's columns, as
-- the catalog has them: so a new column is written once the table has it.  These run
-- while books are made or upgraded, never later: hence the dynamic SQL.
-- ---------------------------------------------------------------------------

CREATE FUNCTION column_list(p_table text, p_format text, p_but text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(format(p_format, quote_ident(a.attname)), ', ' ORDER BY a.attnum)
      FROM pg_attribute a
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attname <> ALL (p_but);
END;
COMMENT ON FUNCTION column_list(text, text, text[]) IS
    'the columns of a table that can be written, but some, each in a format (%1$s its name), with commas between them';

CREATE FUNCTION value_list(p_table text, p_alias text, p_but text[] DEFAULT '{}') RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(CASE WHEN d.adbin IS NULL THEN format('%s.%I', p_alias, a.attname)
                           ELSE format('coalesce(%s.%I, %s)', p_alias, a.attname, pg_get_expr(d.adbin, d.adrelid)) END,
                      ', ' ORDER BY a.attnum)
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
       AND a.attname <> ALL (p_but);
END;
COMMENT ON FUNCTION value_list(text, text, text[]) IS
    'what column_list() has, as a row of an alias gives it: the column''s default where it is NULL';

CREATE FUNCTION make_writer(p_table text, p_function text, p_conflict text DEFAULT '') RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
BEGIN
    EXECUTE format($function$
        CREATE OR REPLACE FUNCTION %1$s(p_rows %2$I[]) RETURNS bigint[]
            LANGUAGE plpgsql SET search_path FROM CURRENT
        AS $body$
        DECLARE
            v_ids bigint[];
        BEGIN
            WITH put AS (
                INSERT INTO %2$I (%3$s)
                SELECT %4$s FROM unnest(p_rows) WITH ORDINALITY n ORDER BY n.ordinality %5$s RETURNING id
            )
            SELECT coalesce(array_agg(p.id ORDER BY p.id), '{}') INTO v_ids FROM put p;
            RETURN v_ids;
        END $body$ $function$,
        p_function, p_table, column_list(p_table, '%1$s'), value_list(p_table, 'n'), p_conflict);
    EXECUTE format('COMMENT ON FUNCTION %s(%I[]) IS %L', p_function, p_table,
                   format('write new rows of %s and return their ids; NULL means a '
                          'column''s default', p_table));
END $$;
COMMENT ON FUNCTION make_writer(text, text, text) IS
    'make the function that writes a table from rows of its type: p_function(p_table[]) returns bigint[], with an ON '
    'CONFLICT clause where there is one';

CREATE FUNCTION row_of(p_table text, p_alias text, p_names text[]) RETURNS text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('ROW(%s)::%I', string_agg(
               CASE WHEN a.attname = ANY (p_names) THEN format('%I.%I', p_alias, a.attname)
                    ELSE 'NULL' END, ', ' ORDER BY a.attnum), p_table)
      FROM pg_attribute a
     WHERE a.attrelid = quote_ident(p_table)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
END;
COMMENT ON FUNCTION row_of(text, text, text[]) IS
    'a row of a table with the columns of these names taken from an alias, the others NULL';
