-- ---------------------------------------------------------------------------
-- keepers: the roles that may make books
-- ---------------------------------------------------------------------------

-- A visitor from the web must see nothing but what a share link needs, and
-- whatever PUBLIC may call he may call too: so PUBLIC may call nothing.
DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid AND x.extname = 'finance'
         WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.deptype = 'e'
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
    END LOOP;
END $$;

CREATE FUNCTION finance.grant_keeper(role text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT d.objid FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'finance'
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
           AND d.objid <> 'finance.grant_keeper(text)'::regprocedure
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', v_function, role);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION finance.grant_keeper(text) FROM PUBLIC;
COMMENT ON FUNCTION finance.grant_keeper(text) IS
    'let a role that is no superuser make books and give others access to them: EXECUTE on the functions of the extension; it also needs CREATE on the '
    'database. For the role that installed the extension to call, again after an upgrade of the extension';

-- Keepers give others the code with the books; a grant option would do as well,
-- but a dump that its owner restores could not grant that again.
CREATE FUNCTION finance.grant_code(role text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_function regprocedure;
BEGIN
    -- "public" and the roles of the system are no one's in particular
    IF NOT EXISTS (SELECT FROM pg_roles o WHERE o.rolname = role AND o.rolname !~ '^pg_') THEN
        RAISE EXCEPTION 'there is no role "%" to call the functions', role USING ERRCODE = 'undefined_object', HINT = 'Make one first: CREATE ROLE.';
    END IF;
    FOR v_function IN
        SELECT p.oid FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'finance' JOIN pg_proc p ON p.oid = d.objid
         WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
           AND p.provolatile <> 'v' AND p.proname <> 'books'
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', v_function, role);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION finance.grant_code(text) FROM PUBLIC;
COMMENT ON FUNCTION finance.grant_code(text) IS
    'let a role call the functions of the extension that compute and write nothing, as the views of books do; grant_access() calls it; refused (42704) for PUBLIC and '
    'the roles of the system. SECURITY DEFINER because keepers of books do not own the extension';
