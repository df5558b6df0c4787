\echo Use "CREATE EXTENSION finance" to load this file. \quit

-- A schema of this name that was there before may be anybody's.  What a plain
-- role has in it would be found by the names in this script, with the rights of
-- the superuser who runs it.
DO $$
DECLARE
    v_object text;
    v_owner text;
BEGIN
    SELECT pg_catalog.pg_describe_object(d.classid, d.objid, 0), r.rolname INTO v_object, v_owner
      FROM pg_catalog.pg_depend d
      JOIN pg_catalog.pg_shdepend s ON s.classid OPERATOR(pg_catalog.=) d.classid AND s.objid OPERATOR(pg_catalog.=) d.objid
      JOIN pg_catalog.pg_database b ON b.oid OPERATOR(pg_catalog.=) s.dbid
      JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.refobjid
     WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid
       AND d.refobjid OPERATOR(pg_catalog.=) 'finance'::pg_catalog.regnamespace::pg_catalog.oid
       AND b.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
       AND s.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_authid'::pg_catalog.regclass::pg_catalog.oid
       AND s.deptype OPERATOR(pg_catalog.=) 'o'::"char" AND NOT r.rolsuper
     LIMIT 1;
    IF v_object IS NOT NULL THEN
        RAISE EXCEPTION 'schema "finance" holds an object of "%"', v_owner
            USING ERRCODE = 'insufficient_privilege', DETAIL = pg_catalog.format('It is %s; the extension could take it for its own.', v_object),
                HINT = 'Drop it or move it to another schema first.';
    END IF;
END $$;

-- The schema holds code that every role may call; what the books hold is
-- granted per set of books.
GRANT USAGE ON SCHEMA finance TO PUBLIC;
