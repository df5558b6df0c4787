-- Month by contract over generated charges: margin_sum() and margin_cube_sum()
-- against the same figures in plain numeric SQL, all in one run, the best of
-- three each.
--
--     psql -X -v rows=10000000 -v shuffled=0 -f test/bench/rollup.sql
--
-- Charges lie in the order in which work is done, by day with contracts mixed;
-- with shuffled=1 in no order at all, where both ways mostly wait for memory: the
-- executor's hash table of all groups is out of the processor's caches then.
-- Needs the extension.  Nothing stays behind; timings are printed, not judged.
\set ON_ERROR_STOP on
\if :{?rows}
\else
    \set rows 10000000
\endif
\if :{?shuffled}
\else
    \set shuffled 0
\endif
\pset footer off
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
SET jit = off;
SET work_mem = '512MB';
SELECT setseed(0.5) \g /dev/null

-- 5000 contracts and 3 years are 180 000 groups, as a large agency has them
CREATE TEMP TABLE charge (
    day date, contract_id int, seconds bigint, amount numeric(20,6), cost numeric(20,6), currency text);
INSERT INTO charge
SELECT date '2023-01-01' + CASE WHEN :shuffled = 1 THEN random() * 1095 ELSE n * 1095 / :rows END::int, 1 + (random() * 4999)::int, s,
       finance.round_money(s * 66.67 / 3600, 2), finance.round_money(s * 31.25 / 3600, 2), 'EUR'
  FROM (SELECT n, 900 * (1 + (random() * 31)::int) AS s FROM generate_series(1::bigint, :rows) AS n) AS g;
ANALYZE charge;
SELECT count(*) FROM charge \g /dev/null

-- plain: as one writes it; factored: with every division taken out of the sums by hand
\set plain 'SELECT date_trunc(''month'', day)::date AS month, contract_id, sum(amount) AS revenue, sum(cost) AS cost, sum(amount - cost) AS profit, round(sum(amount - cost) * 100 / nullif(sum(amount), 0), 4) AS percent, round(sum(seconds / 3600.0), 4) AS hours, round(sum(amount) / nullif(sum(seconds / 3600.0), 0), 4) AS hourly_rate FROM charge GROUP BY 1, 2'
\set factored 'SELECT date_trunc(''month'', day)::date AS month, contract_id, sum(amount) AS revenue, sum(cost) AS cost, sum(amount) - sum(cost) AS profit, round((sum(amount) - sum(cost)) * 100 / nullif(sum(amount), 0), 4) AS percent, round(sum(seconds) / 3600.0, 4) AS hours, round(sum(amount) * 3600 / nullif(sum(seconds), 0), 4) AS hourly_rate FROM charge GROUP BY 1, 2'
\set summary 'SELECT month, contract_id, finance.revenue(m) AS revenue, finance.cost(m) AS cost, finance.profit(m) AS profit, finance.percent(m) AS percent, finance.hours(m) AS hours, finance.hourly_rate(m) AS hourly_rate FROM (SELECT finance.month(day) AS month, contract_id, finance.margin_sum(amount, cost, seconds, currency) AS m FROM charge GROUP BY 1, 2 OFFSET 0) AS s'
\set cube 'SELECT period AS month, key::int AS contract_id, finance.revenue(m) AS revenue, finance.cost(m) AS cost, finance.profit(m) AS profit, finance.percent(m) AS percent, finance.hours(m) AS hours, finance.hourly_rate(m) AS hourly_rate FROM finance.cells((SELECT finance.margin_cube_sum(finance.month(day), contract_id, amount, cost, seconds, currency) FROM charge))'

-- the figures agree before anyone asks which is faster
SELECT count(*) AS groups,
       (SELECT count(*) FROM ((:plain) EXCEPT ALL (:summary)) AS d)
       + (SELECT count(*) FROM ((:factored) EXCEPT ALL (:summary)) AS d)
       + (SELECT count(*) FROM ((:cube) EXCEPT ALL (:summary)) AS d) AS differences
  FROM (:summary) AS s;

CREATE TEMP TABLE way (name text, query text);
INSERT INTO way VALUES
    ('count(*)', 'SELECT count(*) FROM charge'),
    ('GROUP BY date_trunc, no aggregate', 'SELECT date_trunc(''month'', day)::date, contract_id FROM charge GROUP BY 1, 2'),
    ('GROUP BY finance.month, no aggregate', 'SELECT finance.month(day), contract_id FROM charge GROUP BY 1, 2'),
    ('plain numeric SQL', :'plain'),
    ('plain numeric SQL, factored by hand', :'factored'),
    ('margin_sum', :'summary'),
    ('margin_cube_sum', :'cube');

-- by turns, so that a busy minute of the machine hits all ways alike
CREATE TEMP TABLE timing (name text, ms numeric);
DO $$
DECLARE
    way record;
    started timestamptz;
BEGIN
    FOR i IN 1 .. 3 LOOP
        FOR way IN SELECT * FROM pg_temp.way LOOP
            started := clock_timestamp();
            -- runs the query whole and throws the rows away
            EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF) ' || way.query;
            INSERT INTO timing VALUES (way.name, 1000 * extract(epoch FROM clock_timestamp() - started));
        END LOOP;
    END LOOP;
END $$;

SELECT name AS way, round(min(ms)) AS ms,
       round((SELECT min(ms) FROM timing WHERE name = 'plain numeric SQL') / min(ms), 1) AS times_faster_than_plain
  FROM timing GROUP BY name ORDER BY min(ms);
