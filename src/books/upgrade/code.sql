-- ---------------------------------------------------------------------------
-- code: what was made here is written down, for the next upgrade
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    v_command text;
BEGIN
    -- rights and switches that anew.sql wrote down; a column or role may be gone
    FOR v_command IN
        SELECT c.command FROM code_object o JOIN code_found() f USING (kind, object)
         CROSS JOIN unnest(o.again) c (command)
    LOOP
        BEGIN
            EXECUTE v_command;
        EXCEPTION WHEN undefined_column OR undefined_object THEN
            NULL;
        END;
    END LOOP;

    INSERT INTO code_object (kind, object, ours) SELECT f.kind, f.object, true FROM code_found() f
    ON CONFLICT ON CONSTRAINT code_object_pkey DO UPDATE SET kept_for = NULL, again = '{}';
    DELETE FROM code_object o
     WHERE NOT o.ours OR NOT EXISTS (SELECT FROM code_found() f WHERE f.kind = o.kind AND f.object = o.object);
END $$;
