-- ---------------------------------------------------------------------------
-- anew: making room for the code of the books
--
-- Functions, views and triggers are no state: an upgrade drops them all, changes
-- the tables, and makes them as new books have them.  code_object tells which are
-- ours.  What objects of users hang on (a view of theirs over one of ours, a
-- policy that calls a function) stays and is replaced in place.  Rights that
-- users gave and triggers that they switched off are written down and put back
-- by code.sql.  In new books there is nothing to do.
-- ---------------------------------------------------------------------------

DROP FUNCTION IF EXISTS code_found(), code_hanging();

CREATE FUNCTION code_found() RETURNS TABLE (kind text, object text, class oid, id oid)
    LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
    WITH room AS (
        SELECT n.oid, n.nspname = current_schema() AS own
          FROM pg_namespace n
         WHERE n.nspname = ANY (current_schemas(false))
           AND (n.nspname = current_schema() OR right(n.nspname, 9) = '_internal')
    )
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::regprocedure::text,
           'pg_proc'::regclass::oid, p.oid
      FROM pg_proc p
      JOIN room ON room.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'view', format('%I', c.relname), 'pg_class'::regclass::oid, c.oid
      FROM pg_class c
      JOIN room ON room.oid = c.relnamespace AND room.own
     WHERE c.relkind = 'v'
    UNION ALL
    SELECT 'trigger', format('%I ON %I', t.tgname, c.relname), 'pg_trigger'::regclass::oid, t.oid
      FROM pg_trigger t
      JOIN pg_class c ON c.oid = t.tgrelid AND c.relkind <> 'v'
      JOIN room ON room.oid = c.relnamespace AND room.own
     WHERE NOT t.tgisinternal;
END;
COMMENT ON FUNCTION code_found() IS
    'functions, views and triggers of tables in the schemas of these books, by the words that DROP takes; whose they '
    'are says code_object';

-- A view's rule and its row type, or the array of it, are the view.
CREATE FUNCTION code_hanging() RETURNS TABLE (class oid, id oid, on_class oid, on_id oid)
    LANGUAGE sql STABLE SET search_path FROM CURRENT
BEGIN ATOMIC
    WITH row_type AS (
        SELECT t.oid, coalesce(nullif(t.typrelid, 0), e.typrelid) AS relation
          FROM pg_type t
          LEFT JOIN pg_type e ON e.oid = t.typelem
         WHERE coalesce(nullif(t.typrelid, 0), e.typrelid, 0) <> 0
    )
    SELECT DISTINCT CASE WHEN r.oid IS NULL AND t.oid IS NULL THEN d.classid ELSE 'pg_class'::regclass::oid END,
           coalesce(r.ev_class, t.relation, d.objid),
           CASE WHEN y.oid IS NULL THEN d.refclassid ELSE 'pg_class'::regclass::oid END,
           coalesce(y.relation, d.refobjid)
      FROM pg_depend d
      LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
      LEFT JOIN row_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
      LEFT JOIN row_type y ON d.refclassid = 'pg_type'::regclass AND y.oid = d.refobjid
     WHERE (coalesce(r.ev_class, t.relation, d.objid), d.classid <> 'pg_proc'::regclass)
           IS DISTINCT FROM (coalesce(y.relation, d.refobjid), d.refclassid <> 'pg_proc'::regclass)
       AND d.refobjid > 16383;
END;
COMMENT ON FUNCTION code_hanging() IS 'which objects of this database hang on which others';

-- Who writes has locks already and wants more, so waiting for all tables in turn
-- could stop both.  A wait shorter than it takes to find a deadlock is given up,
-- with all that was locked for it, and tried again.
DO $$
DECLARE
    v_tables text := (SELECT string_agg(format('%I.%I', current_schema(), c.relname), ', ' ORDER BY c.relname)
                        FROM pg_class c
                       WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind = 'r');
    v_timeout text := current_setting('lock_timeout');
BEGIN
    FOR i IN 1 .. 100 LOOP
        BEGIN
            PERFORM set_config('lock_timeout', '400ms', true);
            EXECUTE 'LOCK TABLE ' || v_tables || ' IN ACCESS EXCLUSIVE MODE';
            PERFORM set_config('lock_timeout', v_timeout, true);
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF i = 100 THEN
                RAISE EXCEPTION 'books "%" are too busy to be upgraded', current_schema()
                    USING ERRCODE = 'lock_not_available', DETAIL = 'Other transactions wrote in them all the time.',
                        HINT = 'Upgrade at a quieter hour, or end what keeps its transaction open (pg_stat_activity).';
            END IF;
            PERFORM pg_sleep(0.3 * random());
        END;
    END LOOP;
END $$;

DO $$
DECLARE
    v_object record;
    v_any boolean;
BEGIN
    -- new books have none yet; books older than this table have steps that see to it
    IF to_regclass('code_object') IS NULL THEN
        RETURN;
    ELSIF NOT EXISTS (SELECT FROM code_object) THEN
        RETURN;
    END IF;

    -- what we did not make is the users' own
    INSERT INTO code_object (kind, object, ours)
    SELECT f.kind, f.object, false FROM code_found() f WHERE f.object NOT IN ('code_found()', 'code_hanging()')
    ON CONFLICT ON CONSTRAINT code_object_pkey DO NOTHING;

    -- rights beside those that a level gives
    UPDATE code_object o SET again = g.commands
      FROM (
        SELECT x.kind, x.object, array_agg(format('GRANT %s%s ON %s %s TO %s%s', x.privilege_type,
                   ' (' || quote_ident(x.attname) || ')', CASE x.kind WHEN 'view'
                       THEN 'TABLE' ELSE 'ROUTINE' END, x.object,
                   CASE WHEN x.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END,
                   CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)) AS commands
          FROM (
            SELECT f.kind, f.object, c.relname AS name, NULL AS attname, c.relowner AS owner, true AS own, a.*
              FROM code_found() f JOIN pg_class c ON c.oid = f.id AND f.kind = 'view' CROSS JOIN aclexplode(c.relacl) a
            UNION ALL
            SELECT f.kind, f.object, c.relname, t.attname, c.relowner, true, a.*
              FROM code_found() f
              JOIN pg_class c ON c.oid = f.id AND f.kind = 'view'
              JOIN pg_attribute t ON t.attrelid = c.oid
             CROSS JOIN aclexplode(t.attacl) a
            UNION ALL
            SELECT f.kind, f.object, p.proname, NULL, p.proowner,
                   p.pronamespace = quote_ident(current_schema())::regnamespace, a.*
              FROM code_found() f JOIN pg_proc p ON p.oid = f.id AND f.class = 'pg_proc'::regclass
             CROSS JOIN aclexplode(p.proacl) a
            ) x
         WHERE x.grantee <> x.owner
           AND NOT EXISTS (SELECT FROM access_grant k JOIN access_right r USING (level)
                            WHERE k.role = pg_get_userbyid(x.grantee) AND x.grantee <> 0
                              AND (NOT x.own OR r.object = x.name AND r.verb = lower(x.privilege_type)))
         GROUP BY x.kind, x.object) g
     WHERE o.kind = g.kind AND o.object = g.object AND o.ours;

    -- triggers that are not on as they were made
    UPDATE code_object o SET again = ARRAY[format('ALTER TABLE %s %s TRIGGER %I', t.tgrelid::regclass,
               CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
               t.tgname)]
      FROM code_found() f
      JOIN pg_trigger t ON t.oid = f.id
     WHERE f.kind = 'trigger' AND t.tgenabled <> 'O' AND o.kind = f.kind AND o.object = f.object AND o.ours;

    FOR v_object IN
        SELECT f.object FROM code_found() f JOIN code_object o USING (kind, object) WHERE o.ours AND f.kind = 'trigger'
    LOOP
        EXECUTE 'DROP TRIGGER ' || v_object.object;
    END LOOP;

    -- what others hang on, and what that hangs on
    WITH RECURSIVE ours AS (
        SELECT f.class, f.id, f.kind, f.object FROM code_found() f JOIN code_object o USING (kind, object) WHERE o.ours
    ), hanging AS MATERIALIZED (
        SELECT h.* FROM code_hanging() h JOIN ours o ON o.class = h.on_class AND o.id = h.on_id
    ), kept AS (
        SELECT o.kind, o.object, o.class, o.id, pg_describe_object(h.class, h.id, 0) AS kept_for
          FROM ours o
          JOIN hanging h ON h.on_class = o.class AND h.on_id = o.id
         WHERE NOT EXISTS (SELECT FROM ours x WHERE x.class = h.class AND x.id = h.id)
        UNION
        SELECT o.kind, o.object, o.class, o.id, k.kept_for
          FROM kept k
          JOIN hanging h ON h.class = k.class AND h.id = k.id
          JOIN ours o ON o.class = h.on_class AND o.id = h.on_id
    )
    UPDATE code_object o SET kept_for = k.kept_for
      FROM (SELECT kept.kind, kept.object, string_agg(DISTINCT kept.kept_for, ', ' ORDER BY kept.kept_for) AS kept_for
              FROM kept GROUP BY 1, 2) k
     WHERE o.kind = k.kind AND o.object = k.object;

    -- what nothing hangs on any more, until all are gone: no CASCADE, which might take more
    LOOP
        v_any := false;
        FOR v_object IN
            SELECT f.kind, f.object
              FROM code_found() f
              JOIN code_object o USING (kind, object)
              LEFT JOIN (SELECT DISTINCT h.on_class, h.on_id FROM code_hanging() h) h
                ON h.on_class = f.class AND h.on_id = f.id
             WHERE o.ours AND o.kept_for IS NULL AND f.object NOT IN ('code_found()', 'code_hanging()')
               AND h.on_id IS NULL
        LOOP
            EXECUTE format('DROP %s %s', v_object.kind, v_object.object);
            v_any := true;
        END LOOP;
        EXIT WHEN NOT v_any;
    END LOOP;

    -- functions that stay come back for their next version
    FOR v_object IN
        SELECT f.object
          FROM code_found() f
          JOIN code_object o USING (kind, object)
          JOIN pg_proc p ON p.oid = f.id
         WHERE o.ours AND f.class = 'pg_proc'::regclass
           AND p.pronamespace <> quote_ident(current_schema())::regnamespace
    LOOP
        EXECUTE format('ALTER ROUTINE %s SET SCHEMA %I', v_object.object, current_schema());
    END LOOP;
END $$;
