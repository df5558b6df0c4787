-- The figures that the owner of the company looks at.
SET search_path = finance, public;

\echo
\echo Books
SELECT books, version FROM finance.books();
