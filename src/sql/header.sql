\echo Use "CREATE EXTENSION finance" to load this file. \quit

-- The schema holds code that every role may call; what the books hold is
-- granted per set of books.
GRANT USAGE ON SCHEMA finance TO PUBLIC;
