-- ---------------------------------------------------------------------------
-- session: what a session has set changes nothing here
--
-- A PL/pgSQL body is run with the settings of whoever calls it, and some of
-- them change what it stores and says: dates in messages and keys, instants and
-- bytes in the rows that history keeps.  So every function of these books, told
-- by the search path that it was made with, carries these settings too; nobody
-- who writes one has to think of it.  (Views and SQL functions cannot carry any
-- without losing their plans: they write dates by iso().)  Short queries are
-- not worth compiling, so jit is off in all of them.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE l.lanname = 'plpgsql' AND 'search_path=' || current_setting('search_path') = ANY (p.proconfig)
           AND p.proowner = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.object = p.oid::regprocedure::text AND NOT u.ours)
         ORDER BY p.oid
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET DateStyle = ''ISO, YMD'' SET IntervalStyle = ''postgres'' SET TimeZone = '
                       '''UTC'' SET bytea_output = ''hex'' SET jit = off', v_function);
    END LOOP;
END $$;
