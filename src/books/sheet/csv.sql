-- ---------------------------------------------------------------------------
-- csv: tables that spreadsheets open by themselves
--
-- One way for documents and lists: rows as JSON, which keeps the order of columns
-- and tells numbers from texts.  A spreadsheet reads numbers as its own language
-- writes them: with a point in English, in uk and ru with a comma, in quotes since
-- the comma divides cells, too.  Days are read as YYYY-MM-DD everywhere.
-- ---------------------------------------------------------------------------

-- Where ; divides cells, as in uk and ru, quotes amid a cell are none: then a text ends at
-- the next ; or line, and what follows begins a cell.
CREATE FUNCTION csv_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(CASE WHEN v.value ~ '[",;\t\r\n]|^\s|\s$' THEN '"' || replace(v.value, '"', '""') || '"'
                    ELSE v.value END, '')
      -- blanks but no dividers: from each of those the text is looked at once, not to its end
      FROM (SELECT regexp_replace(value,
                                  '^(?=[\t\r])|(^|(?<=[;\t\r\n]))(?=[ \f\v\u00A0]*[-=+@\uFF1D\uFF0B\uFF0D\uFF20])',
                                  '''', 'g') AS value) v;
END;
COMMENT ON FUNCTION csv_text(text) IS
    'a cell of text for CSV (RFC 4180), quoted where it must be; what a spreadsheet would run as a formula gets an '
    'apostrophe before it, also after a ; or a line within';

CREATE FUNCTION csv_cell(value json, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN json_typeof(value) IS DISTINCT FROM 'number' THEN csv_text(value #>> '{}')
                WHEN language <> 'en' AND value #>> '{}' ~ '^-?[0-9]+[.][0-9]+$'
                THEN '"' || replace(value #>> '{}', '.', ',') || '"'
                ELSE value #>> '{}' END;
END;
COMMENT ON FUNCTION csv_cell(json, text) IS 'a value as a cell of CSV: numbers as a language writes them, bare';

CREATE FUNCTION table_csv(rows json, language text DEFAULT 'en', bom boolean DEFAULT true,
                          columns text[] DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
    c_end CONSTANT text := chr(13) || chr(10);
    v_columns text[] := table_csv.columns;
BEGIN
    IF table_csv.language IS NULL OR table_csv.language NOT IN ('uk', 'ru', 'en') THEN
        RAISE EXCEPTION 'tables have no language "%"', left(table_csv.language, 20)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Choose one of: uk, ru, en.';
    ELSIF json_typeof(rows) <> 'array'
          OR EXISTS (SELECT FROM json_array_elements(rows) r (value) WHERE json_typeof(r.value) <> 'object') THEN
        RAISE EXCEPTION 'a table is made of rows'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give json_agg() of rows: an array of objects.';
    END IF;
    v_columns := coalesce(v_columns, ARRAY(SELECT k.name FROM json_object_keys(rows -> 0) WITH ORDINALITY k (name, no)
                                            ORDER BY k.no));
    RETURN CASE WHEN bom THEN chr(65279) ELSE '' END
        || (SELECT coalesce(string_agg(csv_text(c.name), ',' ORDER BY c.no), '')
              FROM unnest(v_columns) WITH ORDINALITY c (name, no)) || c_end
        || coalesce((SELECT string_agg(l.line || c_end, '' ORDER BY l.no)
                       FROM (SELECT r.no, string_agg(csv_cell(r.value -> c.name, table_csv.language), ',' ORDER BY c.no)
                                    AS line
                               FROM json_array_elements(rows) WITH ORDINALITY r (value, no)
                              CROSS JOIN unnest(v_columns) WITH ORDINALITY c (name, no)
                              GROUP BY r.no) l), '');
END $$;
COMMENT ON FUNCTION table_csv(json, text, boolean, text[]) IS
    'rows as CSV (RFC 4180, CRLF, UTF-8, a header line): json_agg() of any query, with its columns (columns: these, in '
    'this order). Numbers as spreadsheets of the language read them: with a point in en, with a comma in uk and ru; '
    'days as YYYY-MM-DD; a byte order mark first, by which they know UTF-8, unless bom is false. Texts that begin like '
    'a formula get an apostrophe. Refused (22023): other languages, what is no array of objects';
SELECT allow('reader', 'execute', 'table_csv');
