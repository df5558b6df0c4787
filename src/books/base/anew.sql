-- ---------------------------------------------------------------------------
-- anew: what an upgrade finds
--
-- The code of the books is run again as a whole at every upgrade, after the steps
-- that change tables; what it makes replaces what is there.  Functions that
-- grant.sql had moved out of people's sight come back for it, and go again.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_function regprocedure;
BEGIN
    FOR v_function IN
        SELECT p.oid FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname = ANY (current_schemas(false)) AND right(n.nspname, 9) = '_internal'
           AND n.nspname <> current_schema()
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET SCHEMA %I', v_function, current_schema());
    END LOOP;
END $$;
