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
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I WITH GRANT OPTION', v_function, role);
    END LOOP;
END $$;
REVOKE EXECUTE ON FUNCTION finance.grant_keeper(text) FROM PUBLIC;
COMMENT ON FUNCTION finance.grant_keeper(text) IS
    'let a role that is no superuser make books and give others access to them: EXECUTE on the functions of the extension, with grant option; it also needs '
    'CREATE on the database. For the role that installed the extension to call, again after an upgrade of the extension';
