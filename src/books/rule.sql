-- ---------------------------------------------------------------------------
-- rule: what the tables refuse is told in words
--
-- The CHECK constraints and foreign keys are the rules; the triggers below read
-- them from the catalog, so that a new column is told like the old ones.  Lists
-- of words and bounds tell themselves; every other rule has its way out as a
-- comment here.
-- ---------------------------------------------------------------------------

DO $$
DECLARE
    -- Rows that the functions of the books alone write.
    c_written_by_us CONSTANT text[] := '{charge,entry,event,terms,history,document_status_change,billing_period,rating_problem}';
    v_table record;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass AS name, bool_or(r.contype = 'c') AS checks, bool_or(r.contype = 'f') AS keys
          FROM pg_class c JOIN pg_constraint r ON r.conrelid = c.oid
         WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = current_schema()) AND c.relkind = 'r'
           AND c.relname <> ALL (c_written_by_us)
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
         GROUP BY c.oid ORDER BY c.relname
    LOOP
        -- Triggers of a kind fire by name: the first after all others, the
        -- second before the server's, whose names begin with RI_.
        IF v_table.checks THEN
            EXECUTE format('CREATE TRIGGER zz_check_told BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION finance.tell_check()', v_table.name);
        END IF;
        IF v_table.keys THEN
            EXECUTE format('CREATE TRIGGER "A_key_told" AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION finance.tell_key()', v_table.name);
        END IF;
    END LOOP;
END $$;
