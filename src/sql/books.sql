-- ---------------------------------------------------------------------------
-- sets of books
-- ---------------------------------------------------------------------------

CREATE FUNCTION finance.create_books(name text DEFAULT 'finance') RETURNS text
    AS 'MODULE_PATHNAME', 'finance_create_books' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION finance.create_books(text) IS
    'make a set of books in the schema named, which is the caller''s or is made for the caller, with a second one for internal functions; returns the name. '
    'Refused: a database not in UTF8 (0A000), a name that books cannot have or a schema with code in it (3F000), a schema that is or may become somebody else''s (42501), '
    'one that holds books or other objects of their names (42710), a schema for internal functions that is taken (42P06)';

CREATE FUNCTION finance.upgrade_books(name text) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_upgrade_books' LANGUAGE C VOLATILE STRICT;
COMMENT ON FUNCTION finance.upgrade_books(text) IS
    'bring a set of books to the installed version and return it; harmless when they are up to date. Only by their owner (42501); refused where there are none (42704), '
    'no installed step leads on or two do (0A000), or the version cannot be read (23001)';

CREATE FUNCTION finance.drop_books(name text, confirm text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'finance_drop_books' LANGUAGE C VOLATILE;
COMMENT ON FUNCTION finance.drop_books(text, text) IS
    'remove a set of books, both its schemas and what its owner has in them, and return its name; the extension stays. Only by their owner (42501); confirm repeats the name (else 22023) '
    'and is needed once something is posted (23001); refused where there are none (42704), or other objects depend on them (2BP01)';

CREATE FUNCTION finance.books() RETURNS TABLE (books text, version text, owner text)
    AS 'MODULE_PATHNAME', 'finance_books' LANGUAGE C STABLE;
COMMENT ON FUNCTION finance.books() IS
    'the sets of books of this database, by name; the version is NULL where the caller may not read it, or where it is not to be read from a plain table at once';
