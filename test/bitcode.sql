-- With JIT forced, and the bitcode of the extension inlined and optimised, its
-- functions return what they return without.  Raises where they do not, or
-- where the server inlined nothing; needs a superuser and "make install".
SET client_min_messages = error;
DROP DATABASE IF EXISTS finance_bitcode;
CREATE DATABASE finance_bitcode TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C';
\connect finance_bitcode
CREATE EXTENSION finance;
SET search_path = finance, public;
SET max_parallel_workers_per_gather = 0;

CREATE TABLE work AS
SELECT n, round((n * 7919 % 100003)::numeric / 7, 4) AS amount, n * 613 AS worked_s, timestamptz '2026-01-01 00:00Z' + n * interval '7 hours 13 minutes' AS at
  FROM generate_series(1, 2000) AS n;

CREATE VIEW figures AS
SELECT n, round_money(amount, 2) AS rounded, allocate(round_money(amount, 2), ARRAY[1, n, 3], 2) AS parts, time_amount(worked_s, amount, 'exact', 2) AS price,
       round_seconds(worked_s, 'up', 900, 0, NULL, 0) AS billed_s, month(at::date) AS month, half_month(at::date) AS half_month,
       prorate(round_money(amount, 2), period_of(at::date, 'month', 1), period_of(at::date, 'month', 1) * daterange(at::date, NULL), 'actual', 2) AS part,
       amount_in_words(round_money(amount, 2), 'UAH', 'uk') AS words, calendar_date(at, '{"zone": "Europe/Kyiv"}') AS local_date,
       render('{{a}} & {{b}}', jsonb_build_object('a', amount, 'b', '<' || n)) AS page
  FROM work;
CREATE VIEW sums AS
SELECT n % 10 AS part, margin_sum(amount, round(amount / 3, 4), worked_s, 'EUR') AS m, profit(margin_sum(amount, round(amount / 3, 4), worked_s, 'EUR')) AS profit,
       margin_cube_sum(at::date, n % 7, amount, 1, worked_s, 'EUR') AS cube
  FROM work GROUP BY 1;

SET jit = off;
CREATE TABLE plain_figures AS TABLE figures;
CREATE TABLE plain_sums AS TABLE sums;

SET jit = on;
SET jit_above_cost = 0;
SET jit_inline_above_cost = 0;
SET jit_optimize_above_cost = 0;
DO $$
DECLARE
    v_plan json;
BEGIN
    IF NOT pg_jit_available() THEN
        RETURN;     -- a server without JIT, or without the package of it
    END IF;
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) SELECT * FROM finance.figures' INTO v_plan;
    IF NOT (v_plan #>> '{0,JIT,Options,Inlining}')::boolean THEN
        RAISE 'nothing was inlined: %', v_plan -> 0 -> 'JIT';
    END IF;
END $$;
CREATE TABLE jit_figures AS TABLE figures;
CREATE TABLE jit_sums AS TABLE sums;

SET jit = off;
DO $$
DECLARE
    v_differing bigint;
BEGIN
    SELECT count(*) INTO v_differing
      FROM (SELECT p::text AS line FROM finance.plain_figures p UNION ALL SELECT p::text FROM finance.plain_sums p) p
      FULL JOIN (SELECT j::text AS line FROM finance.jit_figures j UNION ALL SELECT j::text FROM finance.jit_sums j) j USING (line)
     WHERE p.line IS NULL OR j.line IS NULL;
    IF v_differing > 0 OR (SELECT count(*) FROM finance.plain_figures) <> 2000 OR (SELECT count(*) FROM finance.plain_sums) <> 10 THEN
        RAISE 'JIT changes % rows', v_differing;
    END IF;
END $$;
\connect postgres
DROP DATABASE finance_bitcode;
