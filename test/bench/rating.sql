--
-- How many entries a second the rating engine rates on one core, alone: the
-- entries are in memory, and the segments are counted, not stored.
--
--     psql -f test/bench/rating.sql
--
-- Plain time and materials: 100 people of 4 roles, a list with 400 positions,
-- entries of 15 to 120 minutes.  With bands and allotments: a calendar of
-- office hours and nights in Kyiv, rounding up to 15 minutes, two bands with
-- rules, a companion contract for weekends, 12 monthly allotments, and a cap.
--
\set QUIET on
\pset pager off
SET client_min_messages = notice;
SET timezone = 'UTC';
SET jit = off;

CREATE TEMP TABLE bench_terms (name text PRIMARY KEY, terms jsonb, state jsonb);

INSERT INTO bench_terms
SELECT 'plain time and materials',
       jsonb_build_object('exponent', 2, 'base_exponent', 2,
           'lists', jsonb_build_object('1', jsonb_build_object('name', 'Standard', 'prices', prices)),
           'contracts', '[{"contract": 1}]'::jsonb),
       '{}'
  FROM (SELECT jsonb_agg(jsonb_build_object('id', n, 'employee', n % 100, 'from', date '2026-01-01' + n / 100 * 90,
                                            'price', 50 + n % 50)) AS prices
          FROM generate_series(0, 399) AS n) AS list;

INSERT INTO bench_terms
SELECT 'bands and allotments',
       terms || '{
           "rounding": {"mode": "up", "increment_s": 900},
           "calendar": {"zone": "Europe/Kyiv",
               "week": [[1, 32400, 64800, "regular"], [2, 32400, 64800, "regular"], [3, 32400, 64800, "regular"],
                        [4, 32400, 64800, "regular"], [5, 32400, 64800, "regular"],
                        [6, 0, 86400, "weekend"], [7, 0, 86400, "weekend"]]},
           "contracts": [{"contract": 1, "cap_amount": 30000000,
                          "band_rules": [{"band": "off_hours", "multiplier": 1.5, "burn": 1.5}]},
                         {"contract": 2, "bands": ["weekend"],
                          "band_rules": [{"multiplier": 2, "minimum_s": 3600}]}]}',
       (SELECT jsonb_build_object('allotments', jsonb_agg(jsonb_build_object(
                   'id', n, 'contract', 1, 'kind', 'included', 'unit', 'seconds', 'remaining', 7200000,
                   'effective_at', timestamptz '2026-01-01 00:00+00' + (n - 1) * interval '1 month',
                   'expires_at', timestamptz '2026-01-01 00:00+00' + n * interval '1 month')))
          FROM generate_series(1, 12) AS n)
  FROM bench_terms;

CREATE FUNCTION pg_temp.bench_entries(number integer) RETURNS finance.rating_entry[] LANGUAGE sql AS $$
    SELECT array_agg(ROW(n, at, at + make_interval(secs => length_s), NULL, length_s, NULL, NULL, 1, 'billable', n % 100,
                         (ARRAY['junior', 'middle', 'senior', 'lead'])[1 + n % 4], n % 5, n % 1000,
                         20, 800, NULL, NULL)::finance.rating_entry ORDER BY at, n)
      FROM generate_series(1, number) AS n,
           LATERAL (SELECT timestamptz '2026-01-01 06:00+00' + make_interval(days => n * 360 / number,
                                                                             mins => n * 7 % 840) AS at,
                           900 + n * 13 % 106 * 60 AS length_s) AS work
$$;

CREATE FUNCTION pg_temp.bench(number integer, wanted text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entries finance.rating_entry[] := pg_temp.bench_entries(number);
    bench bench_terms := (SELECT b FROM bench_terms AS b WHERE b.name = wanted);
    started_at timestamptz;
    best_s numeric;
    segments bigint;
BEGIN
    FOR i IN 1 .. 3 LOOP
        started_at := clock_timestamp();
        segments := (SELECT count(*) FROM finance.rate(ARRAY[bench.terms], entries, bench.state));
        best_s := least(best_s, extract(epoch FROM clock_timestamp() - started_at));
    END LOOP;
    RAISE NOTICE '%: % entries/s (% entries, % segments, % s)', wanted, round(number / best_s), number,
        segments, round(best_s, 3);
END
$$;

SET work_mem = '1GB';
SELECT pg_temp.bench(500000, 'plain time and materials') \g /dev/null
SELECT pg_temp.bench(500000, 'bands and allotments') \g /dev/null
