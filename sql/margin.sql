--
-- the summary "margin"
--
SET search_path = finance, public;
\pset null '<null>'

-- text in and out
SELECT m::margin FROM unnest('{
    "(100.00,60.00,3600,EUR)", "(0,0,0,USD)", "(-0,-0.5,-1,UAH)", "(0.000001,-0.000001,1,BTC)", "(1.5,2.50,3,ABCDEFG)", "(1.50000000,0.0000010,3,EUR)",
    "(1,2,3,EUR,0)", "(1,2,3,EUR,4)", "(0,0,0,ABCDEFG,9223372036854775807)",
    "(170141183460469231731687303715884.105727,-170141183460469231731687303715884.105727,9223372036854775807,X12)"
    }'::text[]) AS m;
SELECT ''::margin;
SELECT '(1,2,3)'::margin;
SELECT '(1,2,3,EUR'::margin;
SELECT '(1,2,3,EUR) '::margin;
SELECT '(1,2,3,EUR)x'::margin;
SELECT '(1,2,3,)'::margin;
SELECT '(1,2,3,,4)'::margin;
SELECT '(1,2,3,EUR,)'::margin;
SELECT '(1,2,3,EUR,-1)'::margin;
SELECT '(1,2,3,EUR,1.5)'::margin;
SELECT '(1,2,3,EUR,9223372036854775808)'::margin;
SELECT '(1,2,3,EUR,1,2)'::margin;
SELECT '(1,2,3.5,EUR)'::margin;
SELECT '(1.,2,3,EUR)'::margin;
SELECT '(.5,2,3,EUR)'::margin;
SELECT '(1e3,2,3,EUR)'::margin;
SELECT '(NaN,2,3,EUR)'::margin;
SELECT '(--1,2,3,EUR)'::margin;
SELECT '(+1,2,3,EUR)'::margin;
SELECT '(1.0000001,2,3,EUR)'::margin;
SELECT '(170141183460469231731687303715884.105728,2,3,EUR)'::margin;
SELECT '(1,2,9223372036854775808,EUR)'::margin;
SELECT '(1,2,3,eur)'::margin;
SELECT '(1,2,3,EU)'::margin;
SELECT '(1,2,3,ABCDEFGH)'::margin;
SELECT '(1,2,3,1EU)'::margin;
SELECT '(1,2,3,ÉUR)'::margin;

-- accessors
SELECT m, revenue(m), cost(m), profit(m), percent(m), seconds(m), hours(m), hourly_rate(m), currency(m), uncosted(m)
  FROM unnest('{"(100,60,3600,EUR)", "(100,60,3600,EUR,1)", "(100000,150000,0,USD)", "(0,12.5,1200,EUR)", "(66.67,31.25,1200,EUR)", "(0.000001,0.000003,7,EUR)", "(-100,-60,-3600,EUR)"}'::margin[]) AS m;
SELECT percent('(170141183460469231731687303715884,17014118346046923173168730371588.4,3600,EUR)'),
       hourly_rate('(170141183460469231731687303715884,0,3600,EUR)');
SELECT profit('(170141183460469231731687303715884,-1,0,EUR)');
SELECT revenue(NULL), cost(NULL), profit(NULL), percent(NULL), seconds(NULL), hours(NULL), hourly_rate(NULL), currency(NULL), uncosted(NULL);
-- rounded once, half away from zero
SELECT percent('(3,2,0,EUR)'), percent('(3,4,0,EUR)'), percent('(800,799.999996,0,EUR)'), hours('(0,0,9,EUR)'), hours('(0,0,-9,EUR)');

-- operators
SELECT a::margin = b::margin AS eq, a::margin <> b::margin AS ne
  FROM (VALUES ('(1,2,3,EUR)', '(1.00,2.000,3,EUR)'), ('(1,2,3,EUR)', '(1,2,3,USD)'), ('(1,2,3,EUR)', '(1,2,4,EUR)'), ('(1,2,3,EUR)', '(1,2,3,EUR,1)'), ('(1,2,3,EUR,1)', '(1,2,3,EUR,1)'), ('(1,2,3,EUR)', NULL)) AS t (a, b);
SELECT margin '(1,2,3,EUR)' + '(10,20,30,EUR)', margin '(1,2,3,EUR,1)' + '(10,20,30,EUR,2)', margin '(1,2,3,EUR)' + NULL;
SELECT margin '(1,2,3,EUR)' + '(1,2,3,USD)';
SELECT margin '(1,2,3,EUR)' + '(1,2,3,EURO)';
SELECT margin '(170141183460469231731687303715884,0,0,EUR)' + '(1,0,0,EUR)';
SELECT margin '(0,-170141183460469231731687303715884,0,EUR)' + '(0,-1,0,EUR)';
SELECT margin '(0,0,9223372036854775807,EUR)' + '(0,0,1,EUR)';
SELECT margin '(0,0,0,EUR,9223372036854775807)' + '(0,0,0,EUR,1)';

-- margin_sum
SELECT margin_sum(r, c, s, 'EUR') FROM (VALUES (100.10, 60, 3600), (0.000001, 0.5, 60), (-50, 1e3, 0)) AS t (r, c, s);
-- no rows, null figures (a cost that is null beside others is not known), rows of nulls (the empty side of an outer join)
SELECT margin_sum(1, 1, 1, 'EUR') FROM generate_series(1, 0);
SELECT margin_sum(r, c, s, cur)
  FROM (VALUES (NULL::numeric, NULL::numeric, NULL::bigint, NULL), (1, NULL, NULL, 'EUR'), (NULL, 2, NULL, 'EUR'),
               (NULL, NULL, 3, 'EUR'), (NULL, NULL, NULL, 'EUR'), (NULL, NULL, NULL, NULL)) AS t (r, c, s, cur);
SELECT revenue(m), cost(m), uncosted(m), profit(m), percent(m)
  FROM (SELECT margin_sum(100, c, 3600, 'EUR') AS m FROM unnest('{60,NULL,NULL,10}'::numeric[]) AS c) AS t;
SELECT margin_sum(NULL, NULL, NULL, NULL) FROM generate_series(1, 3);
SELECT margin_sum(NULL, NULL, NULL, 'EUR');
SELECT margin_sum(1, NULL, NULL, NULL);
SELECT margin_sum(NULL, 1, NULL, NULL);
SELECT margin_sum(NULL, NULL, 1, NULL);
SELECT margin_sum(1, 1, 1, c) FROM unnest('{EUR,EUR,USD}'::text[]) AS c;
SELECT margin_sum(1, 1, 1, c) FROM unnest('{EUR,EURO}'::text[]) AS c;
SELECT margin_sum(1, 1, 1, c) FROM unnest('{EURO,EUR}'::text[]) AS c;
SELECT margin_sum(1, 1, 1, c) FROM unnest('{EUR,LONGCURRENCY}'::text[]) AS c;
SELECT margin_sum(1, 1, 1, '');
SELECT margin_sum(1, 1, 1, 'eur');
SELECT margin_sum('NaN', 1, 1, 'EUR');
SELECT margin_sum(1, 'Infinity', 1, 'EUR');
SELECT margin_sum(1, '-Infinity', 1, 'EUR');
SELECT margin_sum(1.0000001, 1, 1, 'EUR');
SELECT margin_sum(1, 1 / 3.0, 1, 'EUR');
SELECT margin_sum(1e40, 1, 1, 'EUR');
SELECT margin_sum(170141183460469231731687303715884, 1, 1, 'EUR') FROM generate_series(1, 2);
SELECT margin_sum(-170141183460469231731687303715884, 1, 1, 'EUR') FROM generate_series(1, 2);
SELECT margin_sum(1, 1, 9223372036854775807, 'EUR') FROM generate_series(1, 2);
-- digits of every size, trailing and leading zeros
SELECT count(*) AS numbers, count(*) FILTER (WHERE NOT read OR NOT written) AS mismatches
  FROM (SELECT margin_sum(v, -v, 0, 'EUR') = format('(%s,%s,0,EUR)', v, -v)::margin AS read,
               revenue(margin_sum(v, -v, 0, 'EUR')) = v AS written
          FROM (SELECT b * 10 ^ d::numeric AS v FROM generate_series(-6, 26) AS d, unnest('{1,9,10001,99999,123456}'::numeric[]) AS b) AS t
         WHERE v = round(v, 6) GROUP BY v) AS t;

-- margin_merge
SELECT margin_merge(m) FROM unnest('{"(1,2,3,EUR)",NULL,"(10,20,30,EUR)",NULL}'::margin[]) AS m;
SELECT margin_merge(m) FROM unnest('{NULL,NULL}'::margin[]) AS m;
SELECT margin_merge(m) FROM unnest('{}'::margin[]) AS m;
SELECT margin_merge(m) FROM unnest('{"(1,2,3,EUR)","(1,2,3,USD)"}'::margin[]) AS m;
-- the transition function outside an aggregate leaves its argument alone
SELECT m, margin_accum(m, 1, 1, 1, 'EUR'), margin_accum(m, NULL, NULL, NULL, NULL), margin_accum(NULL, 1, 1, 1, 'EUR'), m + m, m
  FROM (VALUES (margin '(1,2,3,EUR)')) AS t (m);

-- against numeric SQL on random charges
SELECT setseed(0.1) \g /dev/null
CREATE TABLE margin_charge AS
SELECT n % 97 AS contract_id, date '2025-01-01' + (random() * 400)::int AS day,
       CASE WHEN n % 50 <> 0 THEN round(((random() - 0.3) * 10 ^ (random() * 12))::numeric, (random() * 6)::int) END AS revenue,
       CASE WHEN n % 49 <> 0 THEN round((random() * 1000)::numeric, 2) END AS cost,
       CASE WHEN n % 48 <> 0 THEN (random() * 40000 - 1000)::bigint END AS seconds, 'EUR'::text AS currency
  FROM generate_series(1, 20000) AS n;
CREATE TABLE margin_serial AS
SELECT contract_id, month(day) AS month, margin_sum(revenue, cost, seconds, currency) AS m FROM margin_charge GROUP BY 1, 2;
SELECT count(*) AS groups,
       count(*) FILTER (WHERE (revenue(m), cost(m), uncosted(m), seconds(m)) IS DISTINCT FROM (r, c, u, s)) AS sums,
       count(*) FILTER (WHERE profit(m) IS DISTINCT FROM CASE WHEN u = 0 THEN r - c END
                           OR percent(m) IS DISTINCT FROM CASE WHEN u = 0 THEN round((r - c) * 100 / nullif(r, 0), 4) END) AS profits,
       count(*) FILTER (WHERE u > 0) AS unknown,
       count(*) FILTER (WHERE (hours(m), hourly_rate(m)) IS DISTINCT FROM (round(s / 3600.0, 4), round(r * 3600 / nullif(s, 0), 4))) AS rates
  FROM margin_serial
  FULL JOIN (SELECT contract_id, date_trunc('month', day)::date AS month, coalesce(sum(revenue), 0) AS r, coalesce(sum(cost), 0) AS c,
                    coalesce(sum(seconds), 0) AS s, count(*) FILTER (WHERE cost IS NULL AND num_nonnulls(revenue, seconds) > 0) AS u
               FROM margin_charge GROUP BY 1, 2) AS t USING (contract_id, month);
-- stored margins merge to what the rows sum to; order does not matter
SELECT margin_merge(m) = (SELECT margin_sum(revenue, cost, seconds, currency) FROM margin_charge) AS merged,
       margin_merge(m) = (SELECT margin_sum(revenue, cost, seconds, currency ORDER BY day, revenue) FROM margin_charge) AS ordered,
       margin_merge(m) = (SELECT margin_merge(m) FROM (SELECT margin_merge(m) AS m FROM margin_serial GROUP BY month) AS t) AS twice
  FROM margin_serial;
-- as a window, each frame is its own value
SELECT n, margin_sum(n, 1, 1, 'EUR') OVER (ORDER BY n), margin_sum(n, 1, 1, 'EUR') OVER (ORDER BY n ROWS 1 PRECEDING),
       lag(m) OVER (ORDER BY n)
  FROM (SELECT n, margin_sum(n, 0, 0, 'EUR') OVER (ORDER BY n) AS m FROM generate_series(1, 4) AS n) AS t;

-- parallel: partial states pass between workers as margins, and nothing changes
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET enable_hashagg = on;
ALTER TABLE margin_charge SET (parallel_workers = 2);
ALTER TABLE margin_serial SET (parallel_workers = 2);
ANALYZE margin_charge, margin_serial;
EXPLAIN (COSTS OFF) SELECT margin_sum(revenue, cost, seconds, currency) FROM margin_charge;
EXPLAIN (COSTS OFF) SELECT margin_merge(m) FROM margin_serial;
SELECT margin_sum(revenue, cost, seconds, currency) AS parallel FROM margin_charge
\gset
SELECT margin_merge(m) AS parallel_merge FROM margin_serial
\gset
CREATE TABLE margin_parallel AS
SELECT contract_id, margin_sum(revenue, cost, seconds, currency) AS m FROM margin_charge GROUP BY 1;
-- workers that see no rows, and only rows of nulls
SELECT margin_sum(revenue, cost, seconds, currency) FROM margin_charge WHERE contract_id < 0;
SELECT margin_sum(NULL, NULL, NULL, CASE WHEN contract_id < 0 THEN currency END) FROM margin_charge;
SELECT margin_sum(revenue, cost, seconds, currency || CASE WHEN contract_id = 3 THEN 'X' ELSE '' END) IS NULL AS mixed FROM margin_charge WHERE contract_id = 3;
SET max_parallel_workers_per_gather = 0;
SELECT margin_sum(revenue, cost, seconds, currency) = :'parallel' AS same, margin_sum(revenue, cost, seconds, currency) = :'parallel_merge' AS same_merge
  FROM margin_charge;
SELECT count(*) AS mismatches
  FROM margin_parallel AS p FULL JOIN (SELECT contract_id, margin_merge(m) AS m FROM margin_serial GROUP BY 1) AS s USING (contract_id)
 WHERE p.m IS DISTINCT FROM s.m;

-- stored, sent and received without loss: text, binary, COPY
SELECT count(*) FILTER (WHERE m::text::margin <> m) AS text_lost FROM margin_serial;
SELECT data_directory || '/finance_margin.copy' AS copy_file FROM current_setting('data_directory') AS data_directory
\gset
INSERT INTO margin_serial VALUES (-1, NULL, '(170141183460469231731687303715884.105727,-170141183460469231731687303715884.105727,-9223372036854775808,ABCDEFG,9223372036854775807)'), (-2, NULL, NULL);
COPY margin_serial TO :'copy_file' (FORMAT binary);
CREATE TABLE margin_copy (LIKE margin_serial);
COPY margin_copy FROM :'copy_file' (FORMAT binary);
SELECT count(*) AS rows, count(*) FILTER (WHERE s.m IS DISTINCT FROM c.m OR s.m::text IS DISTINCT FROM c.m::text) AS binary_lost
  FROM margin_serial AS s FULL JOIN margin_copy AS c ON (s.contract_id, coalesce(s.month, 'infinity')) = (c.contract_id, coalesce(c.month, 'infinity'));
SELECT margin_send('(1,-1,2,EUR)');

-- everything that comes from outside is checked: a row of binary COPY is made by hand
CREATE FUNCTION pg_temp.receive(value bytea, copy_file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    file bytea := bytea '\x5047434f50590aff0d0a00 0000000000000000 0001' || int4send(length(value)) || value || '\xffff';
    object oid := lo_from_bytea(0, file);
    received text;
BEGIN
    PERFORM lo_export(object, copy_file), lo_unlink(object);
    CREATE TEMP TABLE received (m finance.margin) ON COMMIT DROP;
    EXECUTE format('COPY received FROM %L (FORMAT binary)', copy_file);
    SELECT m::text INTO received FROM received;
    DROP TABLE received;
    RETURN received;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
\set figures '00000000000000000000000000000001 ffffffffffffffffffffffffffffffff 0000000000000002'
SELECT what, pg_temp.receive(value::bytea, :'copy_file')
  FROM (VALUES (1, 'good', '\x02' || :'figures' || '45555200000000 0000000000000000'),
               (2, 'costs not known', '\x02' || :'figures' || '45555200000000 0000000000000007'),
               (3, 'lowest amount', '\x02 80000000000000000000000000000000 ffffffffffffffffffffffffffffffff 0000000000000002 45555200000000 0000000000000000'),
               (4, 'no currency', '\x02' || :'figures' || '00000000000000 0000000000000000'),
               (5, 'small letters', '\x02' || :'figures' || '65757200000000 0000000000000000'),
               (6, 'hidden bytes', '\x02' || :'figures' || '45555200555344 0000000000000000'),
               (7, 'not ASCII', '\x02' || :'figures' || 'ff555200000000 0000000000000000'),
               (8, 'fewer than no costs', '\x02' || :'figures' || '45555200000000 ffffffffffffffff'),
               (9, 'too short', '\x02 0000000000000000'),
               (10, 'too long', '\x02' || :'figures' || '45555200000000 0000000000000000 00'),
               (11, 'an earlier form', '\x01' || :'figures' || '45555200000000'),
               (12, 'a later form', '\x03' || :'figures' || '45555200000000 0000000000000000'),
               (13, 'nothing', '\x')) AS t (n, what, value)
 ORDER BY n;
COPY (SELECT) TO PROGRAM 'cat >&2 && rm finance_margin.copy';     -- run where the data are
-- a margin that a later version has stored, in a form that this one does not know, is refused by whatever takes it
SET client_min_messages = warning;
CREATE TYPE raw_margin;
CREATE FUNCTION raw_margin_in(cstring) RETURNS raw_margin AS 'namein' LANGUAGE internal IMMUTABLE STRICT;
CREATE FUNCTION raw_margin_out(raw_margin) RETURNS cstring AS 'nameout' LANGUAGE internal IMMUTABLE STRICT;
CREATE TYPE raw_margin (INPUT = raw_margin_in, OUTPUT = raw_margin_out, LIKE = margin);
CREATE CAST (raw_margin AS margin) WITHOUT FUNCTION;
CREATE TABLE margin_later AS SELECT raw_margin '22222222222222222222222222222222222222222222222222222222'::margin AS later, margin '(1,2,3,EUR)' AS m;
SELECT later FROM margin_later;
CREATE FUNCTION pg_temp.refusal(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    value text;
BEGIN
    EXECUTE format('SELECT (%s)::text FROM margin_later', expression) INTO value;
    RETURN value;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT expression, pg_temp.refusal(expression)
  FROM unnest('{later,revenue(later),cost(later),profit(later),seconds(later),currency(later),percent(later),hours(later),hourly_rate(later),later + m,
                m + later,uncosted(later),later = m,m <> later,margin_merge(later),margin_send(later)}'::text[]) AS expression;
DROP TYPE raw_margin CASCADE;
RESET client_min_messages;
DROP TABLE margin_later, margin_charge, margin_serial, margin_parallel, margin_copy;
