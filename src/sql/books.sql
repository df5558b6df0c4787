-- ---------------------------------------------------------------------------
-- sets of books
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.create_books(name text DEFAULT 'finance') RETURNS text
    AS 'MODULE_PATHNAME', 'finance_create_books' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION finance.create_books(text) IS
    'make a set of books in the schema named, owned by the caller; refused (42710) where books or other objects of their names exist';

CREATE FUNCTION finance.upgrade_books(name text) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_upgrade_books' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION finance.upgrade_books(text) IS
    'bring a set of books to the installed version and return it; harmless when they are up to date';

CREATE FUNCTION finance.books() RETURNS TABLE (books text, version text, owner text)
    AS 'MODULE_PATHNAME', 'finance_books' LANGUAGE C STABLE;
COMMENT ON FUNCTION finance.books() IS
    'the sets of books of this database; the version is NULL where the caller may not read it';
