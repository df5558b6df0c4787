--
-- the summary "margin_cube"
--
SET search_path = finance, public;
\pset null '<null>'
SET datestyle = 'German';      -- which text output does not follow

-- text in and out: cells in order, cells of one name added up, nulls last
SELECT c::margin_cube FROM unnest(ARRAY[
    '{}', '{2026-01-01,17,(100.00,60.00,3600,EUR)}', '{2026-01-01,17,(100.00,60.00,3600,EUR,1);2026-01-01,17,(1.00,0,60,EUR,2)}',
    '{2026-02-01,1,(1,0,0,EUR);2026-01-01,2,(2,0,0,EUR);2026-01-01,1,(3,0,0,USD);2026-01-01,1,(4,0,0,EUR)}',
    '{2026-01-01,1,(1,2,3,EUR);2026-01-01,1,(10,20,30,EUR)}',
    '{,,(1,0,0,EUR);,5,(2,0,0,EUR);2026-01-01,,(3,0,0,EUR);infinity,1,(4,0,0,EUR);-infinity,1,(5,0,0,EUR);0044-03-15 BC,-9223372036854775808,(6,0,0,EUR)}'
    ]) AS c;
SELECT ''::margin_cube;
SELECT '{'::margin_cube;
SELECT '{}x'::margin_cube;
SELECT '{2026-01-01,1}'::margin_cube;
SELECT '{2026-01-01,1,(1,2,3)}'::margin_cube;
SELECT '{2026-01-01,1,(1,2,3,EUR);}'::margin_cube;
SELECT '{2026-01-01,1,(1,2,3,EUR)'::margin_cube;
SELECT '{2026-01-01,1,(1,2,3,EUR) }'::margin_cube;
-- the hint is the server's, and not the same in every version
\set VERBOSITY terse
SELECT '{2026-01-32,1,(1,2,3,EUR)}'::margin_cube;
\set VERBOSITY default
SELECT '{2026-01-01,x,(1,2,3,EUR)}'::margin_cube;
SELECT '{2026-01-01,1,(1,2,3,eur)}'::margin_cube;

-- cells
SELECT *, profit(m) FROM cells('{2026-02-01,,(1,0,0,EUR);,2,(2,0,0,EUR);2026-01-01,1,(3,0,0,USD);2026-01-01,1,(4,0,0,EUR)}');
SELECT * FROM cells('{}');
SELECT * FROM cells(NULL);

-- sums: no rows, rows of nulls, null figures, null names
SELECT margin_cube_sum('2026-01-01', 1, 1, 1, 1, 'EUR') FROM generate_series(1, 0);
SELECT margin_cube_sum(p, k, r, c, s, cur)
  FROM (VALUES (NULL::date, NULL::bigint, NULL::numeric, NULL::numeric, NULL::bigint, NULL), (NULL, NULL, 1, NULL, NULL, 'EUR'),
               ('2026-01-01', NULL, NULL, 2, NULL, 'EUR'), ('2026-01-01', 0, NULL, NULL, 3, 'EUR'), ('2000-01-01', 0, 1, 2, 3, 'USD'),
               ('2026-01-01', 0, 5, NULL, 4, 'EUR'), ('2026-01-01', 9, NULL, NULL, NULL, NULL)) AS t (p, k, r, c, s, cur);
SELECT margin_cube_sum('2026-01-01', 1, NULL, NULL, NULL, NULL);
SELECT margin_cube_sum('2026-01-01', 1, 1, NULL, NULL, NULL);
SELECT margin_cube_sum('2026-01-01', 1, 1, 1, 1, '');
SELECT margin_cube_sum('2026-01-01', 1, 1, 1, 1, c) FROM unnest('{ABCDEFG,ABCDEFGH}'::text[]) AS c;
SELECT margin_cube_sum('2026-01-01', 1, 1, 1, 1, 'eur');
SELECT margin_cube_sum('2026-01-01', 1, 'NaN', 1, 1, 'EUR');
SELECT margin_cube_sum('2026-01-01', 1, 1, 0.0000001, 1, 'EUR');
SELECT margin_cube_sum('2026-01-01', 1, 1, 1, 9223372036854775807, 'EUR') FROM generate_series(1, 2);

-- merges
SELECT margin_cube_add('{2026-01-01,1,(1,2,3,EUR)}', '{2026-01-01,1,(1,2,3,EUR);2026-01-01,2,(5,0,0,EUR)}'),
       margin_cube_add('{2026-01-01,1,(1,2,3,EUR)}', NULL), margin_cube_add(NULL, '{2026-01-01,1,(1,2,3,EUR)}'), margin_cube_add(NULL, NULL);
SELECT margin_cube_merge(c) FROM unnest(ARRAY[NULL, '{2026-01-01,1,(1,2,3,EUR)}', NULL, '{2026-01-01,1,(1,2,3,USD);2026-01-01,1,(1,2,3,EUR)}']::margin_cube[]) AS c;
SELECT margin_cube_merge(c) FROM unnest('{NULL}'::margin_cube[]) AS c;
-- functions outside an aggregate leave their arguments alone
SELECT c, margin_cube_accum(c, '2026-01-01', 1, 1, 1, 1, 'EUR'), margin_cube_add(c, c), c
  FROM (VALUES (margin_cube '{2026-01-01,1,(1,2,3,EUR)}')) AS t (c);
SELECT n, margin_cube_sum('2026-01-01', n % 2, n, 0, 0, 'EUR') OVER (ORDER BY n) FROM generate_series(1, 4) AS n ORDER BY n DESC;

-- the cells of a cube are the groups of GROUP BY; the cube grows many times
SELECT setseed(0.1) \g /dev/null
CREATE TABLE cube_charge AS
SELECT CASE WHEN n % 200 <> 0 THEN (n % 97)::bigint * 1000000007 END AS contract_id, CASE WHEN n % 199 <> 0 THEN date '2025-01-01' + (random() * 400)::int END AS day,
       round(((random() - 0.3) * 10 ^ (random() * 12))::numeric, (random() * 6)::int) AS revenue,
       CASE WHEN n % 49 <> 0 THEN round((random() * 1000)::numeric, 2) END AS cost,
       (random() * 40000 - 1000)::bigint AS seconds, (ARRAY['EUR', 'USD', 'ABCDEFG'])[1 + n % 3] AS currency
  FROM generate_series(1, 20000) AS n;
CREATE TABLE cube_group AS
SELECT month(day) AS period, contract_id AS key, margin_sum(revenue, cost, seconds, currency) AS m FROM cube_charge GROUP BY 1, 2, currency;
CREATE TABLE cube_stored AS
SELECT contract_id, margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency) AS c FROM cube_charge GROUP BY 1;
CREATE FUNCTION pg_temp.differences(c margin_cube) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM ((SELECT period, key, m::text FROM cells(c) EXCEPT ALL SELECT period, key, m::text FROM cube_group)
                          UNION ALL (SELECT period, key, m::text FROM cube_group EXCEPT ALL SELECT period, key, m::text FROM cells(c))) AS d
$$;
SELECT count(*) AS cells FROM cube_group;
SELECT pg_temp.differences(margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency)) AS summed,
       pg_temp.differences(margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency ORDER BY revenue)) AS summed_in_order
  FROM cube_charge;
SELECT pg_temp.differences(margin_cube_merge(c)) AS merged, pg_temp.differences(margin_cube_merge(c::text::margin_cube)) AS merged_from_text FROM cube_stored;

-- parallel: partial cubes pass between workers, and nothing changes
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
ALTER TABLE cube_charge SET (parallel_workers = 2);
ALTER TABLE cube_stored SET (parallel_workers = 2);
ANALYZE cube_charge, cube_stored;
EXPLAIN (COSTS OFF) SELECT margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency) FROM cube_charge;
EXPLAIN (COSTS OFF) SELECT margin_cube_merge(c) FROM cube_stored;
CREATE TABLE cube_parallel AS
SELECT margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency) AS c FROM cube_charge
UNION ALL SELECT margin_cube_merge(c) FROM cube_stored;
SELECT margin_cube_sum(month(day), contract_id, revenue, cost, seconds, currency) FROM cube_charge WHERE contract_id < 0;
SET max_parallel_workers_per_gather = 0;
SELECT pg_temp.differences(c) AS differences FROM cube_parallel;

-- binary: sent and received without loss, and checked
SELECT data_directory || '/finance_cube.copy' AS copy_file FROM current_setting('data_directory') AS data_directory
\gset
COPY cube_parallel TO :'copy_file' (FORMAT binary);
TRUNCATE cube_parallel;
COPY cube_parallel FROM :'copy_file' (FORMAT binary);
SELECT pg_temp.differences(c) AS differences FROM cube_parallel;
SELECT margin_cube_send('{2026-01-01,17,(1,-1,2,EUR)}');
CREATE FUNCTION pg_temp.receive(value bytea, copy_file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file bytea := bytea '\x5047434f50590aff0d0a00 0000000000000000 0001' || int4send(length(value)) || value || '\xffff';
    object oid := lo_from_bytea(0, file);
    received text;
BEGIN
    PERFORM lo_export(object, copy_file), lo_unlink(object);
    CREATE TEMP TABLE received (c finance.margin_cube) ON COMMIT DROP;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', copy_file);
    SELECT c::text INTO received FROM received;
    DROP TABLE received;
    RETURN received;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set figures '00000000000000000000000000000001 ffffffffffffffffffffffffffffffff 0000000000000002'
SELECT what, pg_temp.receive(value::bytea, :'copy_file')
  FROM (VALUES (1, 'none', '\x02 00000000'),
               (2, 'good', '\x02 00000001 00000000 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (3, 'one of a name twice', '\x02 00000002 00000003 00000000 0000000000000000' || :'figures' || '45555200000000 0000000000000000'
                                       || '00000003 00000000 0000000000000000' || :'figures' || '45555200000000 0000000000000000'),
               (4, 'count too high', '\x02 00000002 00000000 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (5, 'count negative', '\x02 ffffffff 00000000 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (6, 'count too low', '\x02 00000000 00000000 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (7, 'unknown flag', '\x02 00000001 00000004 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (8, 'period behind a null', '\x02 00000001 00000001 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (9, 'key behind a null', '\x02 00000001 00000002 0000251a 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (10, 'no such date', '\x02 00000001 00000000 7ffffff0 0000000000000011' || :'figures' || '45555200000000 0000000000000000'),
               (11, 'no currency', '\x02 00000001 00000000 0000251a 0000000000000011' || :'figures' || '00000000000000 0000000000000000'),
               (12, 'fewer than no costs', '\x02 00000001 00000000 0000251a 0000000000000011' || :'figures' || '45555200000000 ffffffffffffffff'),
               (13, 'odd bytes', '\x02 00000000 00'),
               (14, 'nothing', '\x'),
               (15, 'a later form', '\x03 00000000'),
               (16, 'an earlier form', '\x01 00000000')) AS t (n, what, value)
 ORDER BY n;
COPY (SELECT) TO PROGRAM 'cat >&2 && rm finance_cube.copy';     -- run where the data are
-- a cube that a later version has stored, in a form that this one does not know, is refused by whatever takes it
SET client_min_messages = warning;
CREATE TYPE raw_cube;
CREATE FUNCTION raw_cube_in(cstring) RETURNS raw_cube AS 'byteain' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION raw_cube_out(raw_cube) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE raw_cube (INPUT = raw_cube_in, OUTPUT = raw_cube_out, LIKE = margin_cube);
CREATE CAST (raw_cube AS margin_cube) WITHOUT FUNCTION;
CREATE TABLE cube_later AS SELECT raw_cube '\x02000003'::margin_cube AS later, margin_cube '{2026-01-01,17,(1,2,3,EUR)}' AS c;
SELECT later FROM cube_later;
CREATE FUNCTION pg_temp.refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    value text;
BEGIN
    EXECUTE format('SELECT (%s)::text FROM cube_later', expression) INTO value;
    RETURN value;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT expression, pg_temp.refusal(expression)
  FROM unnest('{later,cells(later),margin_cube_merge(later),margin_cube_send(later)}'::text[]) AS expression;
SELECT pg_temp.refusal('SELECT margin_cube_merge(x) FROM (VALUES (c), (later)) AS v (x)');
DROP TYPE raw_cube CASCADE;
RESET client_min_messages;
DROP TABLE cube_later, cube_charge, cube_group, cube_stored, cube_parallel;
