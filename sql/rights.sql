-- Who may do what, as PostgreSQL sees it: every table, view, column and function
-- with the lowest level that may, by the privileges that roles really have.  A
-- right that is given a level too low, or for a column too many, is a line here.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT finance.create_books('t_rights');
SET search_path = t_rights, t_rights_internal, finance, public;
CREATE ROLE regress_rights_guest; CREATE ROLE regress_rights_reader; CREATE ROLE regress_rights_clerk;
    CREATE ROLE regress_rights_manager; CREATE ROLE regress_rights_controller; CREATE ROLE regress_rights_admin;
CREATE ROLE regress_rights_nobody;
SELECT grant_access('regress_rights_' || level, level) FROM access_level ORDER BY rank;
CREATE TEMP VIEW who AS SELECT l.rank, l.level, ('regress_rights_' || l.level)::name AS role
    FROM access_level l UNION ALL SELECT -1, 'nobody', 'regress_rights_nobody';

-- relations: a verb with the lowest level that may; in brackets its columns, or those that it is not about
\pset format unaligned
\pset tuples_only on
WITH held AS (
    SELECT c.relname, a.attname::text, v.verb, min(w.rank) AS rank
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     CROSS JOIN (VALUES ('select'), ('insert'), ('update'), ('references')) v (verb)
      LEFT JOIN who w ON has_column_privilege(w.role, c.oid, a.attnum, v.verb)
     WHERE c.relnamespace IN ('t_rights'::regnamespace, 't_rights_internal'::regnamespace)
         AND c.relkind IN ('r', 'v') GROUP BY 1, 2, 3
    UNION ALL
    SELECT c.relname, NULL, v.verb, min(w.rank)
      FROM pg_class c CROSS JOIN (VALUES ('delete'), ('truncate'), ('trigger')) v (verb)
      LEFT JOIN who w ON has_table_privilege(w.role, c.oid, v.verb)
     WHERE c.relnamespace IN ('t_rights'::regnamespace, 't_rights_internal'::regnamespace)
         AND c.relkind IN ('r', 'v') GROUP BY 1, 2, 3
), part AS (
    SELECT h.relname, h.verb, h.rank,
           (SELECT string_agg(o.attname, ', ' ORDER BY o.attname) FROM held o
             WHERE o.relname = h.relname AND o.verb = h.verb AND (o.rank > h.rank OR o.rank IS NULL)) AS others,
           (SELECT string_agg(o.attname, ', ' ORDER BY o.attname) FROM held o
             WHERE o.relname = h.relname AND o.verb = h.verb AND o.rank <= h.rank) AS columns
      FROM held h WHERE h.rank IS NOT NULL GROUP BY 1, 2, 3
)
SELECT r.relname || ': ' || coalesce(string_agg(format('%s %s%s', p.verb, w.level, 
           CASE WHEN length(p.others) < length(p.columns) THEN ' (not ' || p.others || ')' WHEN p.others <> '' THEN ' (' || p.columns || ')' END), '; '
           ORDER BY array_position('{select,insert,update,delete,references,truncate,trigger}', p.verb), p.rank), 'private')
  FROM (SELECT DISTINCT relname FROM held) r LEFT JOIN part p USING (relname) LEFT JOIN who w USING (rank)
 GROUP BY r.relname ORDER BY r.relname;

-- functions of the books' schema
SELECT coalesce(w.level, 'private') || ': ' || string_agg(f.name, ', ' ORDER BY f.name)
  FROM (SELECT p.proname || CASE WHEN count(*) OVER (PARTITION BY p.proname) > 1 THEN format('(%s)',
      p.pronargs) ELSE '' END AS name,
               (SELECT min(w.rank) FROM who w WHERE has_function_privilege(w.role, p.oid, 'execute')) AS rank
          FROM pg_proc p WHERE p.pronamespace = 't_rights'::regnamespace) f
  LEFT JOIN who w USING (rank) GROUP BY f.rank, w.level ORDER BY f.rank;
\pset tuples_only off
\pset format aligned

-- schemas, and sequences: those of the tables that a level may insert into
SELECT w.level, has_schema_privilege(w.role, 't_rights', 'usage') AS books, has_schema_privilege(w.role,
    't_rights_internal', 'usage') AS internal,
       has_schema_privilege(w.role, 't_rights', 'create') OR has_schema_privilege(w.role, 't_rights_internal',
           'create') AS creates
  FROM who w ORDER BY w.rank;
SELECT w.level, s.relname
  FROM who w CROSS JOIN pg_class s
  LEFT JOIN pg_depend d ON d.objid = s.oid AND d.classid = 'pg_class'::regclass
      AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
 WHERE s.relkind = 'S' AND s.relnamespace = 't_rights'::regnamespace
   AND has_sequence_privilege(w.role, s.oid, 'usage') IS DISTINCT
       FROM coalesce(has_any_column_privilege(w.role, d.refobjid, 'insert'), false)
 ORDER BY 1, 2;
-- a higher level may all that a lower one may
SELECT DISTINCT l.level, h.level AS above, c.relname, v.verb
  FROM who l JOIN who h ON h.rank > l.rank CROSS JOIN pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
      AND a.attnum > 0 AND NOT a.attisdropped
 CROSS JOIN (VALUES ('select'), ('insert'), ('update')) v (verb)
 WHERE c.relnamespace = 't_rights'::regnamespace AND c.relkind IN ('r', 'v')
   AND has_column_privilege(l.role, c.oid, a.attnum, v.verb)
       AND NOT has_column_privilege(h.role, c.oid, a.attnum, v.verb);
SELECT DISTINCT l.level, h.level AS above, p.proname
  FROM who l JOIN who h ON h.rank > l.rank CROSS JOIN pg_proc p
 WHERE p.pronamespace = 't_rights'::regnamespace
   AND has_function_privilege(l.role, p.oid, 'execute') AND NOT has_function_privilege(h.role, p.oid, 'execute');
DROP SCHEMA t_rights, t_rights_internal CASCADE;
DROP OWNED BY regress_rights_guest, regress_rights_reader, regress_rights_clerk, regress_rights_manager,
    regress_rights_controller, regress_rights_admin;
DROP ROLE regress_rights_guest, regress_rights_reader, regress_rights_clerk, regress_rights_manager,
    regress_rights_controller, regress_rights_admin, regress_rights_nobody;
