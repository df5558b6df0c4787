-- ---------------------------------------------------------------------------
-- gone: views that this version does not make any more
--
-- anew.sql left them because something hung on them; what hung there was made
-- anew without them, or is a user's own and keeps them.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_view record;
    v_any boolean := true;
BEGIN
    WHILE v_any LOOP
        v_any := false;
        FOR v_view IN
            SELECT f.object
              FROM code_found() f
              JOIN code_object o USING (kind, object)
             WHERE f.kind = 'view' AND o.ours AND o.kept_for IS NOT NULL
               AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = f.id AND r.xmin = pg_current_xact_id()::xid)
        LOOP
            BEGIN
                EXECUTE format('DROP VIEW %s', v_view.object);
                v_any := true;
            EXCEPTION WHEN dependent_objects_still_exist THEN
                NULL;  -- in a later turn, or not at all
            END;
        END LOOP;
    END LOOP;
END $$;
