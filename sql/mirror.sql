-- The other sign: what a correction takes back is what the work gave, to the last
-- digit.  f(-x) = -f(x) for small and large numbers, on both sides of what fits
-- into 128 bits.
\set SHOW_CONTEXT never
SET search_path = finance, public;
CREATE TEMP TABLE number AS
SELECT (s || 'e' || e)::numeric AS n
    FROM unnest('{0,1,0.5,1.005,2.675,3.3333333,9.999999,33.335,1234.5}'::text[]) s,
        unnest('{-6,-2,0,3,9,15,20,25,30,36}'::int[]) e;
CREATE TEMP TABLE seconds AS SELECT unnest('{1,31,59,60,3599,3600,86400,1000000000,123456789012}'::bigint[]) AS s;
SELECT n, x FROM number, generate_series(0, 6) x WHERE round_money(-n, x) <> -round_money(n, x);
SELECT s, n, b, x FROM seconds, number, unnest('{exact,hundredth}'::text[]) b, unnest('{0,2,4}'::int[]) x
    WHERE time_amount(s, -n, b, x) <> -time_amount(s, n, b, x);
SELECT s, n, b FROM seconds, number, unnest('{exact,hundredth}'::text[]) b
    WHERE time_amount(-s, n, b, 2) <> -time_amount(s, n, b, 2);
-- the price of an hour is the price, and of an hour taken back what it was
SELECT n FROM number WHERE time_amount(3600, n, 'exact', 2) <> round_money(n, 2) OR time_amount(-3600, n,
    'exact', 2) <> -round_money(n, 2);
SELECT time_amount(1000000000, -1e25, 'exact', 2), time_amount(1000000000, 1e25, 'exact', 2);
SELECT s, m FROM seconds, unnest('{none,up,down,nearest}'::text[]) m
    WHERE round_seconds(-s, m, 900, 600, NULL, 60) <> -round_seconds(s, m, 900, 600, NULL, 60);
-- totals and their parts
CREATE TEMP TABLE amount AS SELECT DISTINCT round_money(n, 2) AS n FROM number;
SELECT n FROM amount WHERE allocate(-n, '{1,1,1}', 2) <> (SELECT array_agg(-v ORDER BY o)
    FROM unnest(allocate(n, '{1,1,1}', 2)) WITH ORDINALITY u (v, o));
SELECT n FROM amount WHERE allocate(-n, '{3,0,0.7,11}', 2) <> (SELECT array_agg(-v ORDER BY o)
    FROM unnest(allocate(n, '{3,0,0.7,11}', 2)) WITH ORDINALITY u (v, o));
SELECT n, i, l FROM number, unnest('{t,f}'::boolean[]) i, unnest('{line,total}'::text[]) l
 WHERE ARRAY(SELECT (-t.net, -t.tax, -t.gross)::text FROM tax_breakdown(ARRAY[-n, -n, -1], '{20,20,7}', i, l, 2) t)
    <> ARRAY(SELECT (t.net, t.tax, t.gross)::text
        FROM tax_breakdown(ARRAY[n, n, 1], '{20,20,7}', i, l, 2) t) AND n <> 0;
-- a fee and its credit, by every rule
SELECT n, r FROM number, unnest('{none,actual,fixed_30,days_365}'::text[]) r
 WHERE n < 1e12 AND prorate(-n, '[2026-01-01,2026-02-01)', '[2026-01-10,2026-01-21)', r, 2) <> -prorate(n,
     '[2026-01-01,2026-02-01)', '[2026-01-10,2026-01-21)', r, 2);
