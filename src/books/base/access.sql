-- ---------------------------------------------------------------------------
-- access: who may do what, as data that stands beside what it is about
--
-- Each table, column group and function of the books says in its own file which
-- level may use it: SELECT allow('clerk', 'insert', 'task').  What says nothing
-- is private.  grant.sql turns the rules into GRANTs for the roles of people.
-- ---------------------------------------------------------------------------

-- A rule that is there stays: the owner may have made it narrower since, and an
-- upgrade says all rules again.  One that a new version changes is a step's to change.
CREATE FUNCTION allow(p_level text, p_verbs text, p_object text, columns text[] DEFAULT NULL, but text[] DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    v_verb text;
    v_column text;
BEGIN
    FOREACH v_verb IN ARRAY string_to_array(p_verbs, ',') LOOP
        IF v_verb = 'execute' AND NOT EXISTS (SELECT FROM pg_proc p
                                               WHERE p.proname = p_object
                                                 AND p.pronamespace = quote_ident(current_schema())::regnamespace)
            OR v_verb <> 'execute' AND to_regclass(quote_ident(p_object)) IS NULL THEN
            RAISE EXCEPTION 'a rule of access names "%", which there is not', p_object
                USING ERRCODE = 'undefined_object';
        END IF;
        SELECT c INTO v_column FROM unnest(columns || but) c
         WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(quote_ident(p_object))
                                                        AND a.attname = c AND a.attnum > 0) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'a rule of access names column "%" of "%", which there is not', v_column, p_object
                USING ERRCODE = 'undefined_column';
        END IF;
        INSERT INTO access_rule (object, verb, level, columns, but)
        VALUES (p_object, v_verb, p_level, allow.columns, allow.but)
        ON CONFLICT ON CONSTRAINT access_rule_pkey DO NOTHING;
    END LOOP;
END $$;
COMMENT ON FUNCTION allow(text, text, text, text[], text[]) IS
    'say from which level on verbs (''select,insert'', or ''execute'') of a table, view or function are allowed, all '
    'columns, only these, or all but these';

-- Members of the owner may do everything.
CREATE FUNCTION level_rank(p_role name) RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
BEGIN ATOMIC
    SELECT CASE WHEN pg_has_role(p_role, c.relowner, 'USAGE') THEN (SELECT max(l.rank) FROM access_level l)
                ELSE coalesce((SELECT max(l.rank) FROM access_grant g
                                 JOIN access_level l USING (level)
                                 JOIN pg_roles o ON o.rolname = g.role
                                WHERE pg_has_role(p_role, o.oid, 'USAGE')), -1) END
      FROM pg_class c WHERE c.oid = 'access_grant'::regclass;
END;
COMMENT ON FUNCTION level_rank(name) IS
    'the rank of the highest level that a role has, also as a member of another; -1 for none. SECURITY DEFINER because '
    'nobody is granted access_grant';

-- Inside a SECURITY DEFINER function current_user is the owner of the books;
-- the setting "role" still tells who asked.
CREATE FUNCTION calling_role() RETURNS name
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(nullif(current_setting('role'), 'none'), session_user)::name;
END;
COMMENT ON FUNCTION calling_role() IS
    'the role that calls, as SET ROLE or the login made it, whoever the function belongs to';

CREATE FUNCTION has_level(level text) RETURNS boolean
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT level_rank(calling_role()) >= l.rank FROM access_level l WHERE l.level = has_level.level;
END;
COMMENT ON FUNCTION has_level(text) IS
    'has the calling role this level of access to these books, or a higher one? NULL for a level that there is not';
SELECT allow('reader', 'execute', 'has_level');

-- In a trigger the role is current_user: what a function of the books does for
-- its caller was allowed with the function.
CREATE FUNCTION require_level(p_level text, p_what text, p_role name DEFAULT current_user) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
    IF level_rank(p_role) < (SELECT l.rank FROM access_level l WHERE l.level = p_level) THEN
        RAISE EXCEPTION 'role "%" may not %', p_role, p_what
            USING ERRCODE = 'insufficient_privilege',
            HINT = format('That takes the level %s of access to these books.', p_level);
    END IF;
END $$;
COMMENT ON FUNCTION require_level(text, text, name) IS
    'refuse (42501) what the level of a role does not allow, where the rules of a table or function are too coarse';

-- A restore without privileges, or without one of the roles that had some, opens
-- functions to PUBLIC again, as all functions begin.
CREATE VIEW open_function WITH (security_invoker) AS
    SELECT p.oid::regprocedure::text AS object
      FROM pg_proc p
     WHERE p.pronamespace IN (SELECT f.pronamespace FROM pg_proc f WHERE f.oid = 'level_rank(name)'::regprocedure
                              UNION SELECT c.relnamespace FROM pg_class c WHERE c.oid = 'access_rule'::regclass)
       AND p.prosecdef
       AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE');
COMMENT ON VIEW open_function IS
    'functions of the books that act for their owner and that PUBLIC may call: none, but after a restore that lost '
    'privileges; grant_access() closes them';
SELECT allow('controller', 'select', 'open_function');
