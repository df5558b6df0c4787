--
-- exact money
--
SET search_path = finance, public;
\set VERBOSITY default
\pset null '<null>'

-- round_money: half away from zero, exactly so many decimals
SELECT v AS amount, e AS exponent, round_money(v, e)
  FROM (VALUES (2.5, 0), (-2.5, 0), (2.4999, 0), (1.005, 2), (-1.005, 2), (10, 2), (0, 6),
               (-0.004, 2), (0.0000005, 6), (0.00000049, 6), (1e30, 2), (-1e-30, 6),
               (99999999999999999999999999999999999999.995, 2), (12345.678900, 4)) AS t (v, e);
SELECT round_money(NULL, 2), round_money(1, NULL);
SELECT round_money('NaN', 2);
SELECT round_money('Infinity', 2);
SELECT round_money('-Infinity', 2);
SELECT round_money(1, -1);
SELECT round_money(1, 7);

-- every sign, size and number of decimals agrees with numeric
SELECT setseed(0.1) \g /dev/null
SELECT count(*) AS mismatches
  FROM (SELECT ((random() - 0.5) * 10 ^ (random() * 60 - 20))::numeric AS v, (random() * 6)::int AS e
          FROM generate_series(1, 5000)
         UNION ALL
        SELECT (10 ^ d::numeric - b) * s / 10 ^ c::numeric, e
          FROM generate_series(0, 45) AS d, generate_series(-1, 1) AS b, (VALUES (1), (-1)) AS t (s),
               generate_series(0, 12, 3) AS c, generate_series(0, 6, 2) AS e) AS t
 WHERE round_money(v, e)::text <> round(v, e)::text;
-- so does what was stored, with a short header
CREATE TEMP TABLE stored AS
SELECT ((random() - 0.5) * 10 ^ (random() * 30 - 5))::numeric AS v FROM generate_series(1, 2000);
SELECT count(*) AS mismatches
  FROM stored, generate_series(0, 6) AS e
 WHERE round_money(v, e)::text <> round(v, e)::text;

-- allocate: largest remainder, ties to the earlier (S8)
SELECT allocate(100.00, '{1,1,1}', 2), allocate(-100.00, '{1,1,1}', 2);
SELECT allocate(t, w::numeric[], e) AS parts
  FROM (VALUES (0.02, '{1,1,1}', 2), (0.01, '{0,1,1}', 2), (10, '{1,2,3,4}', 0), (5, '{0,0,7}', 2),
               (1000, '{10000,5000,3000,2000}', 2),     -- a coupon over four fees
               (0, '{1,2}', 2), (7, '{0.5,0.25,0.25}', 0), (1, '{1}', 6),
               (90000, '{500,300,200}', 2), (90000, '{320,400,80}', 2)) AS t (t, w, e);
-- more than fits into 128 bits
SELECT allocate(1e40, '{1,1,1}', 2);
SELECT allocate(-100, ARRAY[1e-30, 1e-30, 1e-30], 2);
SELECT allocate(0.05, ARRAY[1/3.0, 1/3.0, 1/3.0], 2);
SELECT allocate(1, NULL, 2), allocate(NULL, '{1}', 2);
SELECT allocate(1.001, '{1,1}', 2);
SELECT allocate(1, '{1,NULL}', 2);
SELECT allocate(1, '{1,-1}', 2);
SELECT allocate(1, '{0,0}', 2);
SELECT allocate(1, '{}', 2);
SELECT allocate(1, '{1,NaN}', 2);
SELECT allocate('Infinity', '{1}', 2);
SELECT allocate(1, '{{1,2},{3,4}}', 2);
SELECT allocate(1, '{1}', 9);
SELECT allocate(1, array_fill(1::numeric, ARRAY[100001]), 2);
SELECT cardinality(p), p[1], p[100000]
  FROM (SELECT allocate(1000.01, array_fill(1::numeric, ARRAY[100000]), 2)) AS t (p);

-- an oracle in plain SQL: floor, then the largest remainders; both on weights
-- that fit into fixed point and on weights that do not
CREATE FUNCTION pg_temp.allocate_oracle(total numeric, weights numeric[], exponent int) RETURNS numeric[]
LANGUAGE sql AS $$
    WITH part AS (
        SELECT i, div(abs(total) * 10 ^ exponent::numeric * w, s) AS share,
               mod(abs(total) * 10 ^ exponent::numeric * w, s) AS rest
          FROM unnest(weights) WITH ORDINALITY AS u (w, i), (SELECT sum(x) FROM unnest(weights) AS x) AS t (s)
    ), ranked AS (
        SELECT *, row_number() OVER (ORDER BY rest DESC, i) AS place,
               abs(total) * 10 ^ exponent::numeric - sum(share) OVER () AS units
          FROM part
    )
    SELECT array_agg(round(sign(total) * (share + (place <= units)::int) / 10 ^ exponent::numeric, exponent) ORDER BY i)
      FROM ranked
$$;
SELECT setseed(0.2) \g /dev/null
CREATE TEMP TABLE spread AS
SELECT round(((random() - 0.5) * 10 ^ (random() * 12))::numeric, e) AS total, e AS exponent,
       (SELECT array_agg(CASE WHEN random() < 0.2 THEN 0 ELSE round((random() * 1000)::numeric, d + 0 * i) END) || 1::numeric
          FROM generate_series(1, 1 + n % 12) AS i) AS weights
  FROM (SELECT n, (random() * 6)::int AS e, CASE WHEN n % 3 = 0 THEN 15 ELSE (random() * 6)::int END AS d
          FROM generate_series(1, 3000) AS n) AS t;
SELECT count(*) FILTER (WHERE allocate(total, weights, exponent)::text
                              <> pg_temp.allocate_oracle(total, weights, exponent)::text) AS mismatches,
       count(*) FILTER (WHERE (SELECT sum(p) FROM unnest(allocate(total, weights, exponent)) AS p) <> total) AS leaks,
       count(*) FILTER (WHERE allocate(-total, weights, exponent)
                              <> (SELECT array_agg(-p) FROM unnest(allocate(total, weights, exponent)) AS p)) AS not_mirrored
  FROM spread;

-- prorate: rows of published proration tests, as factors of 1
SELECT rule, period, active, prorate(1, period::daterange, active::daterange, rule, 6) AS factor
  FROM (VALUES ('actual', '[2023-05-15,2023-06-15)', '[2023-05-23,2023-06-15)'),      -- 23/31
               ('fixed_30', '[2023-05-15,2023-06-15)', '[2023-05-23,2023-06-15)'),    -- 22/30
               ('actual', '[2023-02-15,2023-03-15)', '[2023-02-23,2023-03-15)'),      -- 20/28
               ('actual', '[2024-02-15,2024-03-15)', '[2024-02-23,2024-03-15)'),      -- 21/29
               ('fixed_30', '[2023-02-15,2023-03-15)', '[2023-02-23,2023-03-15)'),    -- 22/30
               ('fixed_30', '[2024-02-15,2024-03-15)', '[2024-02-23,2024-03-15)'),    -- 22/30
               ('fixed_30', '[2023-05-15,2023-06-15)', '[2023-05-15,2023-05-23)'),    -- 8/30
               ('actual', '[2026-01-01,2026-02-01)', '[2026-01-15,2026-02-01)'),      -- 17/31
               ('days_365', '[2025-01-01,2026-01-01)', '[2025-01-01,2025-07-01)'),    -- 181/365
               ('days_365', '[2024-01-01,2025-01-01)', '[2024-03-01,2025-01-01)'),    -- 306/365
               ('days_365', '[2024-01-01,2025-01-01)', '[2024-01-01,2024-03-01)'),    -- 59/365
               ('actual', '[2024-01-01,2025-01-01)', '[2024-01-01,2024-03-01)'),      -- 60/366
               ('fixed_30', '[2026-01-01,2026-02-01)', '[2026-01-31,2026-02-01)'),    -- 1/30
               ('fixed_30', '[2026-02-01,2026-03-01)', '[2026-02-01,2026-02-15)'),    -- 14/30
               ('none', '[2026-01-01,2026-02-01)', '[2026-01-31,2027-01-01)'),
               ('none', '[2026-01-01,2026-02-01)', '[2026-02-01,2027-01-01)'),
               ('actual', '[2026-01-01,2026-02-01)', '[2025-01-01,2026-01-01)'),
               ('actual', '[2026-01-01,2026-02-01)', '[2025-06-01,2026-01-11)'),      -- 10/31
               ('actual', '[2026-01-01,2026-02-01)', '[2026-01-15,)'),                -- 17/31
               ('actual', '[2026-01-01,2026-02-01)', '(,infinity)'),
               ('fixed_30', '[2026-01-30,2026-01-31)', '[2026-01-01,2026-02-01)')) AS t (rule, period, active);
-- 5 a month from September, 10 from 15 October, billed to 15 December: 27.26
SELECT prorate(5, '[2012-09-01,2012-10-01)', '[2012-09-01,2012-10-15)', 'actual', 2)
     + prorate(5, '[2012-10-01,2012-11-01)', '[2012-09-01,2012-10-15)', 'actual', 2)
     + 2 * prorate(10, '[2012-10-15,2012-11-15)', '[2012-10-15,)', 'actual', 2) AS amount;
-- from whole days, never from a rounded factor: 1/3 of 100 000 000
SELECT prorate(100000000, '[2026-01-01,2026-01-04)', '[2026-01-01,2026-01-02)', 'actual', 2),
       prorate(-10, '[2026-01-01,2026-02-01)', '[2026-01-15,2026-02-01)', 'actual', 2),
       prorate(1e40, '[2026-01-01,2026-01-04)', '[2026-01-01,2026-01-02)', 'actual', 1),
       prorate(0.12345678901, '[2026-01-01,2026-01-03)', '[2026-01-01,2026-01-02)', 'actual', 6);
SELECT prorate(10, 'empty', '[2026-01-01,)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,2026-02-01)', '[2026-01-05,2026-01-05)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,2026-02-01)', '[2026-01-05,2026-01-01)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,)', '[2026-01-05,2026-01-10)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,infinity)', '[2026-01-05,2026-01-10)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,2026-02-01)', '[2026-01-05,)', 'weekly', 2);
SELECT prorate('NaN', '[2026-01-01,2026-02-01)', '[2026-01-05,)', 'actual', 2);
SELECT prorate(10, '[2026-01-01,2026-02-01)', '[2026-01-05,)', 'actual', 7);
SELECT prorate(10, NULL, '[2026-01-05,)', 'actual', 2);

-- an oracle in plain SQL, and parts of a period sum to it
CREATE FUNCTION pg_temp.day_number(d date, rule text) RETURNS bigint LANGUAGE sql AS $$
    SELECT CASE rule
           WHEN 'actual' THEN d - date '2000-01-01'
           WHEN 'fixed_30' THEN extract(year FROM d) * 360 + extract(month FROM d) * 30 + least(extract(day FROM d), 30)
           -- the day's place in a year without 29 February
           ELSE extract(year FROM d) * 365 + (make_date(2001, extract(month FROM x)::int, extract(day FROM x)::int) - date '2001-01-01')
           END::bigint
      FROM (SELECT CASE WHEN to_char(d, 'MMDD') = '0229' THEN d + 1 ELSE d END) AS t (x)
$$;
SELECT setseed(0.3) \g /dev/null
CREATE TEMP TABLE fee AS
SELECT round((random() * 1000)::numeric, (random() * 6)::int) AS amount, e, rule,
       s AS period_start, s + 1 + (random() * 400)::int AS period_end,
       s + (random() * 200 - 100)::int AS active_start, (random() * 300)::int + 1 AS days
  FROM (SELECT date '2019-01-01' + (random() * 3000)::int AS s, (random() * 6)::int AS e, rule
          FROM generate_series(1, 1000), unnest('{actual,fixed_30,days_365}'::text[]) AS rule) AS t;
SELECT count(*) FILTER (WHERE prorate(amount, daterange(period_start, period_end), daterange(active_start, active_start + days), rule, e)
    IS DISTINCT FROM round(CASE WHEN a >= b THEN 0
                                WHEN a = period_start AND b = period_end THEN amount
                                ELSE amount * (pg_temp.day_number(b, rule) - pg_temp.day_number(a, rule))
                                     / (pg_temp.day_number(period_end, rule) - pg_temp.day_number(period_start, rule)) END, e)) AS mismatches
  FROM fee, LATERAL (SELECT greatest(active_start, period_start), least(active_start + days, period_end)) AS t (a, b);
-- a cut adds one rounding of half a unit on each side
SELECT count(*) AS leaks
  FROM fee, LATERAL (SELECT period_start + 1 + (period_end - period_start) / 3) AS t (cut)
 WHERE cut < period_end
   AND abs(prorate(amount, daterange(period_start, period_end), daterange(period_start, cut), rule, e)
         + prorate(amount, daterange(period_start, period_end), daterange(cut, period_end), rule, e)
         - amount) > 1 / 10 ^ e::numeric;

-- tiered_amount: 111 units at 1.5 up to 10, 1 up to 110, 0.5 above; all tiers and top tier
SELECT tiered_amount(111, '{10,110,NULL}', '{1.5,1,0.5}', NULL, 'graduated') AS graduated,
       tiered_amount(111, '{10,110,NULL}', '{1.5,1,0.5}', NULL, 'volume') AS volume;
-- by volume: 2 each and 10 once up to 100, else 1 each
SELECT q, tiered_amount(q, '{100,NULL}', '{2,1}', '{10,0}', 'volume')
  FROM (VALUES (0), (1), (100), (100.5), (101)) AS t (q);
-- graduated with flat fees, due once a tier is entered
SELECT q, tiered_amount(q, '{10,20,NULL}', '{5,4,3}', '{1,2,4}', 'graduated')
  FROM (VALUES (0), (0.5), (10), (10.01), (20), (21)) AS t (q);
-- 5 for each started 100; the first 100 for nothing; 30 free, then 5 per 10 and 2 once
SELECT q, tiered_amount(q, '{100}', '{5}', NULL, 'package') AS plain,
       tiered_amount(q, '{100,NULL}', '{0,5}', NULL, 'package') AS after_free,
       tiered_amount(q, '{30,40,NULL}', '{0,5,5}', '{0,2,0}', 'package') AS with_flat,
       tiered_amount(q, '{10}', '{3}', '{1}', 'package') AS single_with_flat
  FROM (VALUES (0), (1), (30), (30.5), (40), (41), (100), (100.000001), (201)) AS t (q);
SELECT tiered_amount(NULL, '{NULL}', '{1}', NULL, 'volume'), tiered_amount(7, '{NULL}', '{0.014}', NULL, 'graduated');
SELECT tiered_amount(-1, '{NULL}', '{1}', NULL, 'graduated');
SELECT tiered_amount('NaN', '{NULL}', '{1}', NULL, 'graduated');
SELECT tiered_amount(1, '{}', '{}', NULL, 'graduated');
SELECT tiered_amount(1, '{10}', '{1}', NULL, 'graduated');
SELECT tiered_amount(1, '{10,10,NULL}', '{1,1,1}', NULL, 'graduated');
SELECT tiered_amount(1, '{0,NULL}', '{1,1}', NULL, 'graduated');
SELECT tiered_amount(1, '{NULL,10}', '{1,1}', NULL, 'graduated');
SELECT tiered_amount(1, '{10,NULL}', '{1}', NULL, 'graduated');
SELECT tiered_amount(1, '{10,NULL}', '{1,1}', '{1}', 'graduated');
SELECT tiered_amount(1, '{10,NULL}', '{1,NULL}', NULL, 'graduated');
SELECT tiered_amount(1, '{Infinity,NULL}', '{1,1}', NULL, 'graduated');
SELECT tiered_amount(1, '{NULL}', '{1}', NULL, 'package');
SELECT tiered_amount(1, '{NULL}', '{1}', NULL, 'stairs');
SELECT tiered_amount(1, '{{1,2},{3,4}}', '{1}', NULL, 'volume');

-- an oracle in plain SQL, from the definition of each mode
SELECT setseed(0.4) \g /dev/null
CREATE TEMP TABLE tiers AS
SELECT CASE WHEN n % 10 = 0 THEN b[1] ELSE round((random() * 400)::numeric, 2) END AS q, b || NULL::numeric AS bounds,
       ARRAY[round(random()::numeric, 3), round(random()::numeric, 3), round(random()::numeric, 3)] AS prices,
       ARRAY[round(random()::numeric, 1), round(random()::numeric, 1), round(random()::numeric, 1)] AS flats
  FROM (SELECT n, ARRAY[round((1 + random() * 100)::numeric, 1), round((110 + random() * 100)::numeric, 1)] AS b
          FROM generate_series(1, 1000) AS n) AS t;
CREATE TEMP VIEW tier AS
SELECT q, bounds, all_prices, flats, i, lower, upper, prices AS price, flat, w
  FROM (SELECT q, bounds, prices AS all_prices, flats FROM tiers) AS t,
       unnest(bounds, all_prices, flats) WITH ORDINALITY AS u (upper, prices, flat, i),
       LATERAL (SELECT coalesce(bounds[i - 1], 0), bounds[2] - bounds[1]) AS l (lower, w);
SELECT count(*) FILTER (WHERE tiered_amount(q, bounds, all_prices, flats, 'graduated') <> graduated) AS graduated,
       count(*) FILTER (WHERE tiered_amount(q, bounds, all_prices, flats, 'volume') <> volume) AS volume,
       count(*) FILTER (WHERE tiered_amount(q, bounds, all_prices, flats, 'package') <> package) AS package
  FROM (SELECT q, bounds, all_prices, flats,
               coalesce(sum((least(q, upper) - lower) * price + flat) FILTER (WHERE q > lower), 0) AS graduated,
               coalesce(sum(q * price + flat) FILTER (WHERE q > lower AND (q <= upper OR upper IS NULL)), 0) AS volume,
               coalesce(sum(CASE WHEN upper IS NULL THEN ceil((q - lower) / w) ELSE 1 END * price + flat) FILTER (WHERE q > lower), 0) AS package
          FROM tier GROUP BY q, bounds, all_prices, flats) AS t;

-- tax_breakdown: published examples
SELECT * FROM tax_breakdown('{95.40}', '{21}', false, 'line', 2);            -- 6.36 x 15
SELECT * FROM tax_breakdown('{1.24,1.24}', '{10,10}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1.24,1.24}', '{10,10}', false, 'total', 2);
SELECT * FROM tax_breakdown('{-100}', '{10}', false, 'total', 2);            -- a credit note
SELECT * FROM tax_breakdown('{5350.656}', '{22}', false, 'line', 2);         -- 348.35 x 16 - 4 %
SELECT * FROM tax_breakdown('{5350.656}', '{22}', false, 'total', 2);
SELECT * FROM tax_breakdown('{43.06}', '{21}', true, 'total', 2);            -- 2 x 21.53, tax included
SELECT sum(net), sum(tax), sum(gross) FROM tax_breakdown('{21.53,21.53}', '{21,21}', true, 'line', 2);
SELECT sum(net), sum(tax), sum(gross) FROM tax_breakdown('{21.53,21.53}', '{21,21}', true, 'total', 2);
SELECT * FROM tax_breakdown('{1500}', '{6}', true, 'line', 2);               -- 12 x 125
SELECT * FROM tax_breakdown('{90}', '{10}', false, 'line', 2);               -- 100 with a discount of 10
SELECT * FROM tax_breakdown('{90}', '{10}', true, 'line', 2);
SELECT * FROM tax_breakdown('{-90}', '{10}', false, 'line', 2);
SELECT * FROM tax_breakdown('{800}', '{10}', false, 'total', 2);             -- 1000 less a discount of 200
SELECT * FROM tax_breakdown('{300}', '{20}', false, 'line', 2);
SELECT * FROM tax_breakdown('{300}', '{20}', true, 'line', 2);
SELECT sum(net), sum(tax), sum(gross) FROM tax_breakdown('{293.27,84,111.11}', '{19,19,19}', false, 'total', 2);
-- a coupon of 1000 over four fees at three rates lowers the base of each
SELECT b.* FROM (SELECT array_agg(fee - share ORDER BY i)
                   FROM unnest('{10000,5000,3000,2000}'::numeric[],
                               allocate(1000, '{10000,5000,3000,2000}', 2)) WITH ORDINALITY AS t (fee, share, i)) AS n (nets),
              tax_breakdown(nets, '{10,0,20,20}', false, 'total', 2) AS b;
-- exempt lines, several rates, lines of both signs, no decimals
SELECT * FROM tax_breakdown('{0.99,5,0.99,0.99,-0.99}', '{7,NULL,7,19,7}', false, 'total', 2);
SELECT * FROM tax_breakdown('{105,105,1}', '{8,8,NULL}', true, 'total', 0);
SELECT * FROM tax_breakdown('{}', '{}', false, 'line', 2);
SELECT * FROM tax_breakdown(NULL, '{1}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1,2}', '{1}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1,NULL}', '{1,1}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1}', '{-1}', false, 'line', 2);
SELECT * FROM tax_breakdown('{NaN}', '{1}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1}', '{Infinity}', false, 'line', 2);
SELECT * FROM tax_breakdown('{1}', '{1}', false, 'document', 2);
SELECT * FROM tax_breakdown('{1}', '{1}', false, 'line', 8);
SELECT * FROM tax_breakdown('{{1},{2}}', '{1}', false, 'line', 2);

-- on random documents: net + tax = gross on each line; what is rounded is rounded
-- once, on the line or on the sum of a rate; the opposite document is the mirror
SELECT setseed(0.5) \g /dev/null
CREATE TEMP TABLE doc AS
SELECT n AS id, n % 2 = 0 AS inclusive, (n % 3) * 2 AS e,
       (SELECT array_agg(round((random() * 200 - CASE WHEN n % 5 = 0 THEN 60 ELSE 0 END)::numeric, (n % 3) * 2 + (random() * 2)::int + 0 * i))
          FROM generate_series(1, 1 + n % 15) AS i) AS nets,
       (SELECT array_agg((ARRAY[0, 7, 19, 20, NULL, 8.1])[1 + (random() * 5)::int] + 0 * i)
          FROM generate_series(1, 1 + n % 15) AS i) AS rates
  FROM generate_series(1, 600) AS n;
CREATE TEMP TABLE taxed AS
SELECT id, e, inclusive, level, i, nets[i] AS given, coalesce(rates[i], 0) AS rate, net, tax, gross
  FROM doc, unnest('{line,total}'::text[]) AS level,
       LATERAL tax_breakdown(nets, rates, inclusive, level, e) WITH ORDINALITY AS b (net, tax, gross, i);
SELECT count(*) FILTER (WHERE net + tax <> gross) AS torn,
       count(*) FILTER (WHERE scale(net) <> e OR scale(tax) <> e OR scale(gross) <> e) AS unrounded,
       count(*) FILTER (WHERE level = 'line' AND NOT inclusive AND (net <> round(given, e) OR tax <> round(net * rate / 100, e))) AS line_exclusive,
       count(*) FILTER (WHERE level = 'line' AND inclusive AND (gross <> round(given, e) OR net <> round(gross * 100 / (100 + rate), e))) AS line_inclusive,
       count(*) FILTER (WHERE level = 'total' AND abs(CASE WHEN inclusive THEN gross ELSE net END - given) >= 1 / 10 ^ e::numeric) AS moved,
       count(*) FILTER (WHERE rate = 0 AND tax <> 0) AS exempt_taxed,
       count(*) AS lines
  FROM taxed;
SELECT count(*) FILTER (WHERE NOT inclusive AND (net <> round(given, e) OR tax <> round(given * rate / 100, e))) AS total_exclusive,
       count(*) FILTER (WHERE inclusive AND (gross <> round(given, e) OR net <> round(gross * 100 / (100 + rate), e))) AS total_inclusive
  FROM (SELECT id, inclusive, e, rate, sum(given) AS given, sum(net) AS net, sum(tax) AS tax, sum(gross) AS gross
          FROM taxed WHERE level = 'total' GROUP BY id, inclusive, e, rate) AS t;
SELECT count(*) AS not_mirrored
  FROM doc, unnest('{line,total}'::text[]) AS level,
       LATERAL (SELECT array_agg(-x ORDER BY i) FROM unnest(nets) WITH ORDINALITY AS u (x, i)) AS o (opposite),
       LATERAL ROWS FROM (tax_breakdown(nets, rates, inclusive, level, e), tax_breakdown(opposite, rates, inclusive, level, e))
           AS b (net, tax, gross, opposite_net, opposite_tax, opposite_gross)
 WHERE (net, tax, gross) IS DISTINCT FROM (-opposite_net, -opposite_tax, -opposite_gross);
-- amounts that do not fit into 128 bits
SELECT * FROM tax_breakdown(ARRAY[1e50, 0.01], '{20,20}', false, 'total', 2);
