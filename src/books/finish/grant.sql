-- ---------------------------------------------------------------------------
-- grant: the rules of access become GRANTs to the roles of people
-- ---------------------------------------------------------------------------

CREATE VIEW access_right WITH (security_invoker) AS
    SELECT l.level, r.object, r.verb, r.since, r.is_function, CASE WHEN NOT r.whole THEN r.columns END AS columns
      FROM access_level l
     CROSS JOIN LATERAL (
        SELECT x.object, x.verb, x.verb = 'execute' AS is_function, max(k.rank) = l.rank AS since,
               bool_or(num_nonnulls(x.columns, x.but) = 0) AS whole,
               array_agg(DISTINCT a.attname::text ORDER BY a.attname::text)
                   FILTER (WHERE a.attname IS NOT NULL) AS columns
          FROM access_rule x
          JOIN access_level k USING (level)
          LEFT JOIN pg_class c ON c.relname = x.object AND num_nonnulls(x.columns, x.but) = 1
           AND c.relnamespace = (SELECT b.relnamespace FROM pg_class b WHERE b.oid = 'access_rule'::regclass)
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND (a.attname = ANY (x.columns) OR a.attname <> ALL (x.but))
         WHERE k.rank <= l.rank
         GROUP BY 1, 2) r;
COMMENT ON VIEW access_right IS
    'what each level may do with each object, by the rules of that level and those below it: columns, NULL for all of '
    'them; since: the level adds to what the one below it may';

CREATE VIEW access_summary WITH (security_invoker) AS
    SELECT l.level, l.may, r.verb, string_agg(r.object || coalesce(
               CASE WHEN x.columns IS NOT NULL THEN format(' (%s)', array_to_string(x.columns, ', '))
                    WHEN x.but IS NOT NULL THEN format(' (not %s)', array_to_string(x.but, ', ')) END, ''), ', '
                        ORDER BY r.object) AS about
      FROM access_right r
      JOIN access_level l USING (level)
      JOIN access_rule x ON x.object = r.object AND x.verb = r.verb AND x.level = r.level
     WHERE r.since
     GROUP BY l.rank, l.level, l.may, r.verb
     ORDER BY l.rank, array_position('{select,insert,update,delete,execute}', r.verb);
COMMENT ON VIEW access_summary IS
    'what each level adds to the one below it, in words: a row for each verb, with the columns where it is not about '
    'all of them';
SELECT allow('reader', 'select', 'access_right'), allow('reader', 'select', 'access_summary');

CREATE FUNCTION check_keeper(p_role text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF NOT pg_has_role((SELECT c.relowner FROM pg_class c WHERE c.oid = 'access_rule'::regclass), 'USAGE') THEN
        RAISE EXCEPTION 'only the owner of the books "%" gives access to them', current_schema()
            USING ERRCODE = 'insufficient_privilege',
                HINT = format('Do it as role "%s".', (SELECT pg_get_userbyid(c.relowner) FROM pg_class c
                                                       WHERE c.oid = 'access_rule'::regclass));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles o WHERE o.rolname = p_role) THEN
        RAISE EXCEPTION 'there is no role "%"', p_role
            USING ERRCODE = 'undefined_object', HINT = 'Make it first: CREATE ROLE.';
    END IF;
END $$;
COMMENT ON FUNCTION check_keeper(text) IS
    'refuse to give or take access (42501) to who does not own the books, and (42704) for a role that there is not';

CREATE FUNCTION revoke_access(role text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_internal name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                         WHERE p.oid = 'level_rank(name)'::regprocedure);
    v_object text;
BEGIN
    PERFORM check_keeper(role);
    FOR v_object IN
        SELECT format('TABLE %I', r.object) FROM access_rule r WHERE r.verb <> 'execute'
        UNION
        SELECT format('SEQUENCE %s', s.oid::regclass) FROM pg_class s
         WHERE s.relkind = 'S' AND s.relnamespace = quote_ident(current_schema())::regnamespace
        UNION
        SELECT format('ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
         WHERE p.pronamespace = quote_ident(v_internal)::regnamespace
            OR p.pronamespace = quote_ident(current_schema())::regnamespace
               AND p.proname IN (SELECT r.object FROM access_rule r WHERE r.verb = 'execute')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', v_object, role);
    END LOOP;
    EXECUTE format('REVOKE ALL ON SCHEMA %I, %I FROM %I', current_schema(), v_internal, role);
    DELETE FROM access_grant g WHERE g.role = revoke_access.role;
END $$;
COMMENT ON FUNCTION revoke_access(text) IS
    'take from a role what grant_access() gave it; refused (42501) to who does not own the books';

-- Functions that only read run with the rights of whoever calls them, so that
-- who may read anything may call them: they are not what gives access.
CREATE FUNCTION apply_access(p_role text, p_level text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_internal name := (SELECT n.nspname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                         WHERE p.oid = 'level_rank(name)'::regprocedure);
    v_rank integer := (SELECT l.rank FROM access_level l WHERE l.level = p_level);
    v_grant text;
BEGIN
    FOR v_grant IN
        SELECT format('USAGE ON SCHEMA %I', current_schema())
        UNION ALL
        SELECT format('%s%s ON TABLE %I', r.verb, ' (' || (SELECT string_agg(quote_ident(c), ', ')
                                                             FROM unnest(r.columns) c) || ')', r.object)
          FROM access_right r WHERE r.level = p_level AND NOT r.is_function
        UNION ALL
        SELECT format('USAGE ON SEQUENCE %s', s.oid::regclass)
          FROM access_right r
          JOIN pg_depend d ON d.refobjid = to_regclass(quote_ident(r.object)) AND d.refclassid = 'pg_class'::regclass
           AND d.deptype = 'a'
          JOIN pg_class s ON s.oid = d.objid AND d.classid = 'pg_class'::regclass AND s.relkind = 'S'
         WHERE r.level = p_level AND r.verb = 'insert'
        UNION ALL
        SELECT format('EXECUTE ON ROUTINE %s', p.oid::regprocedure)
          FROM access_right r
          JOIN pg_proc p ON p.proname = r.object AND p.pronamespace = quote_ident(current_schema())::regnamespace
         WHERE r.level = p_level AND r.is_function
        UNION ALL
        SELECT g FROM (
            SELECT format('USAGE ON SCHEMA %I', v_internal) AS g
            UNION ALL
            SELECT format('EXECUTE ON ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
             WHERE p.pronamespace = quote_ident(v_internal)::regnamespace AND p.provolatile <> 'v'
            ) x
         WHERE v_rank > 0
    LOOP
        EXECUTE format('GRANT %s TO %I', v_grant, p_role);
    END LOOP;
    PERFORM finance.grant_code(p_role) WHERE v_rank > 0;
END $$;
COMMENT ON FUNCTION apply_access(text, text) IS 'grant a role what the rules of access give a level';

CREATE FUNCTION grant_access(role text, level text) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
#variable_conflict use_variable
DECLARE
    v_function text;
BEGIN
    IF NOT EXISTS (SELECT FROM access_level l WHERE l.level = grant_access.level) THEN
        RAISE EXCEPTION 'unknown level of access "%"', level
            USING ERRCODE = 'invalid_parameter_value',
                HINT = format('Levels are %s.', (SELECT string_agg(l.level, ', ' ORDER BY l.rank) FROM access_level l));
    END IF;
    PERFORM revoke_access(role);
    FOR v_function IN SELECT o.object FROM open_function o LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', v_function);
    END LOOP;
    PERFORM apply_access(role, level);
    INSERT INTO access_grant (role, level) VALUES (role, level);
END $$;
COMMENT ON FUNCTION grant_access(text, text) IS
    'give a role a level of access to these books, in place of the one it had: guest, reader, clerk, manager, '
    'controller or admin (table access_level); an upgrade gives it what is new. Refused to who does not own the books '
    '(42501), for unknown levels (22023) and roles (42704)';

-- What people do not call is out of their sight, in a schema of its own; and
-- functions are open to PUBLIC where nobody says otherwise: these are not.
DO $$
DECLARE
    v_internal name := (SELECT s.name FROM unnest(current_schemas(false)) s (name)
                         WHERE right(s.name, 9) = '_internal' AND s.name <> current_schema());
    v_function record;
BEGIN
    FOR v_function IN
        SELECT p.oid::regprocedure AS name,
               p.proname <> ALL ('{grant_access,revoke_access}')
               AND p.proname NOT IN (SELECT r.object FROM access_rule r WHERE r.verb = 'execute') AS internal
          FROM pg_proc p
         WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                                                     AND d.deptype = 'e')
           -- functions of users stay theirs
           AND NOT EXISTS (SELECT FROM code_object u
                            WHERE u.object = p.oid::regprocedure::text AND NOT u.ours)
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', v_function.name);
        IF v_function.internal THEN
            EXECUTE format('ALTER ROUTINE %s SET SCHEMA %I', v_function.name, v_internal);
        END IF;
    END LOOP;
END $$;

-- What an upgrade takes away has no rule, what it brings is given to those who
-- have access.
DELETE FROM access_rule r
 WHERE NOT CASE r.verb WHEN 'execute' THEN EXISTS (SELECT FROM pg_proc p
                                                    WHERE p.proname = r.object
                                                      AND p.pronamespace = quote_ident(current_schema())::regnamespace)
                       ELSE to_regclass(quote_ident(r.object)) IS NOT NULL END;
SELECT apply_access(g.role, g.level) FROM access_grant g JOIN pg_roles o ON o.rolname = g.role;

-- Who owns the books may change the rules; from here on that leaves a trace.
SELECT watch('access_grant'), watch('access_rule'), watch('access_level');
