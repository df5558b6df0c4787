-- What the trackers exported, turned into input of ingest_entries.
--
-- A file is read line by line by \copy, which takes paths relative to the
-- directory that psql runs in and needs no rights on the server.  The CSV
-- format with a delimiter and a quote that JSON text cannot hold takes every
-- line as it is, backslashes too; the lines are put together again in order.
-- So a file may have any layout, and be as long as a value may be (1 GB).
-- One file takes three statements:
--
--     TRUNCATE export_line RESTART IDENTITY;
--     \copy export_line (line) FROM 'export/NAME.json' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', NULL E'\x03', ENCODING 'UTF8')
--     SELECT ... FROM (SELECT document FROM export_document) ...
\echo tracker exports
CREATE TEMP TABLE export_line (
    n bigint GENERATED ALWAYS AS IDENTITY,
    line text NOT NULL
);
CREATE TEMP VIEW export_document AS
    SELECT string_agg(line, E'\n' ORDER BY n)::jsonb AS document FROM export_line;

TRUNCATE export_line RESTART IDENTITY;
\copy export_line (line) FROM 'export/placeholder.json' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02', NULL E'\x03', ENCODING 'UTF8')
CREATE TEMP TABLE placeholder AS SELECT document FROM export_document;
