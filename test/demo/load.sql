-- The sample company, made from nothing; the order of its files is here and
-- nowhere else.  Run by ./demo in this directory; psql variable scale is how
-- many times the sample's size.
\echo extension and books
CREATE EXTENSION finance;
\set SHOW_CONTEXT never
SELECT finance.create_books() AS books \gset
SET search_path = finance, public;
SET jit = off;

\ir company.sql
\ir timesheet.sql
\ir trackers.sql
\ir billing.sql
\ir money.sql

ANALYZE;
