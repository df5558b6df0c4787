--
-- exact time
--
SET search_path = finance, public;
\pset null '<null>'
SET datestyle = ISO;

-- round_seconds: published examples.  12:17:35 to 13:32:52 in steps of 15 min at both ends
SELECT begin_mode, end_mode,
       round_seconds(13 * 3600 + 32 * 60 + 52, end_mode, 900) - round_seconds(12 * 3600 + 17 * 60 + 35, begin_mode, 900) AS billed_s
  FROM (VALUES ('down', 'up'), ('up', 'up'), ('nearest', 'nearest'), ('down', 'down')) AS t (begin_mode, end_mode);
-- 12:27:35 to 14:32:52, the end to a minute, then the duration to 30 min: 9000, 7200, 7200
SELECT mode, round_seconds(round_seconds(14 * 3600 + 32 * 60 + 52, mode, 60) - (12 * 3600 + 27 * 60 + 35), mode, 1800)
  FROM unnest('{up,nearest,down}'::text[]) AS mode;
SELECT s, round_seconds(s, 'nearest', 900) FROM unnest('{3720,4080,420,480,450,449}'::bigint[]) AS s;
SELECT round_seconds(4440, 'down', 900), round_seconds(420, 'up', 600), round_seconds(420, 'down', 600),
       round_seconds(900, 'up', 900), round_seconds(7260, 'down', 60), round_seconds(300, 'up', 900),
       round_seconds(4800, 'up', 1800);
-- grace of 10 min on 30: 35 min are 30, 41 are 60; but what is less than one increment is one
SELECT m, round_seconds(m * 60, 'up', 1800, 0, NULL, 600) / 60 AS billed_min
  FROM unnest('{0,1,10,30,35,40,41,60,70,71}'::bigint[]) AS m;
-- an hour at least, of the ticket: 45 + 45 + 5 min are 2 h, one by one they would be 3 h
SELECT round_seconds((45 + 45 + 5) * 60, 'up', 3600, 3600) AS ticket_s,
       sum(round_seconds(m * 60, 'up', 3600, 3600)) AS entries_s
  FROM unnest('{45,45,5}'::bigint[]) AS m;
-- minimum, maximum, zero, negative, none
SELECT s, round_seconds(s, 'up', 900, 1800, 7200) AS up, round_seconds(s, 'none', 900, 600, 7200) AS none,
       round_seconds(s, 'none', NULL) AS as_worked
  FROM unnest('{0,1,-1,2000,-2000,10000,-10000}'::bigint[]) AS s;
SELECT round_seconds(10, 'up', 900, NULL, NULL, NULL), round_seconds(10, 'up', 900, 0, 0), round_seconds(NULL, 'up', 900),
       round_seconds(NULL, NULL, NULL);
SELECT round_seconds(9223372036854775807, 'down', 1000), round_seconds(-9223372036854775807, 'none', 1);
SELECT round_seconds(9223372036854775807, 'up', 1000);
SELECT round_seconds(-9223372036854775808, 'down', 1000);
SELECT round_seconds(10, 'sideways', 900);
SELECT round_seconds(10, 'UP', 900);
SELECT round_seconds(10, NULL, 900);
SELECT round_seconds(10, 'up', NULL);
SELECT round_seconds(10, 'up', 0);
SELECT round_seconds(10, 'up', -900);
SELECT round_seconds(10, 'up', 900, -1);
SELECT round_seconds(10, 'up', 900, 0, -1);
SELECT round_seconds(10, 'up', 900, 0, NULL, -1);
SELECT round_seconds(10, 'up', 900, 1800, 900);

-- an oracle in plain SQL, on every mode
SELECT setseed(0.1) \g /dev/null
CREATE TEMP TABLE rule AS
SELECT (random() * 20000 - 4000)::bigint AS s, mode, 1 + (random() * 3600)::int AS inc, (random() * 2000)::int AS min_s,
       CASE WHEN random() < 0.5 THEN 2000 + (random() * 9000)::int END AS max_s, (random() * 900)::int AS grace
  FROM generate_series(1, 2000), unnest('{none,up,down,nearest}'::text[]) AS mode;
SELECT count(*) AS mismatches
  FROM (SELECT *, CASE mode
               WHEN 'none' THEN abs(s)
               WHEN 'down' THEN floor(abs(s)::numeric / inc) * inc
               WHEN 'nearest' THEN round(abs(s)::numeric / inc) * inc
               WHEN 'up' THEN CASE WHEN abs(s) >= inc AND abs(s) % inc <= grace THEN abs(s) / inc * inc
                                   ELSE ceil(abs(s)::numeric / inc) * inc END
               END AS r FROM rule) AS t
 WHERE round_seconds(s, mode, inc, min_s, max_s, grace)
       IS DISTINCT FROM CASE WHEN s = 0 THEN 0 ELSE sign(s) * least(greatest(r, min_s), max_s) END;

-- time_amount: published examples
SELECT time_amount(1234, 7360, 'exact', 4), time_amount(60, 123.4567, 'exact', 4), time_amount(123, 736, 'exact', 4),
       time_amount(31837, 75, 'exact', 4), time_amount(31837, 75 * 2, 'exact', 4), time_amount(31837, 75 * 3.5, 'exact', 4);
SELECT array_agg(time_amount(s, 114.75, 'exact', 2) ORDER BY i) AS lines, sum(time_amount(s, 114.75, 'exact', 2)) AS sum_of_lines,
       time_amount(sum(s)::bigint, 114.75, 'exact', 2) AS one_line
  FROM unnest('{900,1584,4212,8748,3312,612,1296,1836,4212,5400,3276,612}'::bigint[]) WITH ORDINALITY AS t (s, i);
SELECT time_amount(3000, 100, 'exact', 2), time_amount(3000, 100, 'hundredth', 2);
SELECT time_amount(1800, 3, 'exact', 1), time_amount(1800, 5, 'exact', 1), time_amount(1800, 7, 'exact', 1), time_amount(1800, 9, 'exact', 1);
SELECT time_amount(7200, 50, 'exact', 2) AS billing, time_amount(7200, 20, 'exact', 2) AS costing;
-- 66.67 an hour, 20 minutes: three entries and their sum differ, whichever the basis
SELECT 3 * time_amount(1200, 66.67, 'exact', 2) AS entries, time_amount(3600, 66.67, 'exact', 2) AS together,
       3 * time_amount(1200, 66.67, 'hundredth', 2) AS entries_by_paper;
-- halves go away from zero, corrections mirror
SELECT time_amount(18, 1, 'exact', 2), time_amount(-18, 1, 'exact', 2), time_amount(-3000, 100, 'hundredth', 2),
       time_amount(0, 100, 'exact', 0), time_amount(3600, 0.014, 'exact', 6);
-- what does not fit into 128 bits
SELECT time_amount(3600, 1e40, 'exact', 2), time_amount(9223372036854775807, 1e15, 'exact', 0),
       time_amount(9223372036854775807, 123456789012345678901234.5, 'exact', 0),
       time_amount(1, 0.123456789123 * 3600, 'exact', 6), time_amount(3600, 0.12345678, 'hundredth', 6);
SELECT time_amount(NULL, 1, 'exact', 2), time_amount(1, NULL, 'exact', 2);
SELECT time_amount(1, 'NaN', 'exact', 2);
SELECT time_amount(1, '-Infinity', 'exact', 2);
SELECT time_amount(1, 1, 'decimal', 2);
SELECT time_amount(1, 1, 'exact', 10);
SELECT setseed(0.2) \g /dev/null
SELECT count(*) FILTER (WHERE time_amount(s, p, 'exact', e)::text <> round(div(2 * abs(s * p * 10 ^ e::numeric) + 3600, 7200) * sign(s * p) / 10 ^ e::numeric, e)::text) AS exact,
       count(*) FILTER (WHERE time_amount(s, p, 'hundredth', e)::text <> round(round(s / 3600.0, 2) * p, e)::text) AS hundredth
  FROM (SELECT (random() * 10 ^ (random() * 9) - 100)::bigint AS s, round((random() * 10 ^ (random() * 20))::numeric, (random() * 9)::int) AS p,
               (random() * 6)::int AS e FROM generate_series(1, 5000)) AS t;

-- split_at: two sessions of 600 and one block of 600; S2: 30 min left for an hour
SELECT (split_at(600, 600, 1)).*;
SELECT (split_at(600, 0, 1)).*;
SELECT (split_at(3600, 1800, 1)).*;
-- weights: a second after hours eats 1.5; covered seconds are whole, burned never above what remained
SELECT s, r, w, c.* FROM (VALUES (3600, 1800, 1.5), (3600, 1000, 1.5), (3600, 5400, 1.5), (75, 100, 1.333), (3600, 1, 2), (3, 4, 1.333),
                                 (3600, 10, 0), (3600, 0, 0), (3600, -5, 1), (0, 100, 1), (3600, 100, 1/3.0), (3600, 1, 1e50)) AS t (s, r, w),
              LATERAL split_at(s, r, w) AS c;
SELECT split_at(NULL, 1, 1), split_at(9223372036854775807, 9223372036854775807, 0.000001), split_at(9223372036854775807, 9223372036854775807, 1000000);
SELECT split_at(-1, 1, 1);
SELECT split_at(1, 1, -1);
SELECT split_at(1, 1, 'NaN');
SELECT setseed(0.3) \g /dev/null
SELECT count(*) FILTER (WHERE c.covered <> CASE WHEN r <= 0 THEN 0 ELSE least(s, div(r, w)) END) AS covered,
       count(*) FILTER (WHERE c.covered + c.rest <> s) AS rest,
       count(*) FILTER (WHERE c.burned <> least(greatest(r, 0), round(c.covered * w))) AS burned
  FROM (SELECT (random() * 10000)::bigint AS s, (random() * 10000 - 500)::bigint AS r, round((0.001 + random() * 3)::numeric, 3 + (n % 2) * 9) AS w
          FROM generate_series(1, 5000) AS n) AS t, LATERAL split_at(s, r, w) AS c;

-- month
SELECT d, month(d) FROM unnest('{2026-02-14,2024-02-29,2000-01-01,1999-12-31,0001-01-31 BC,infinity,-infinity,5874897-12-31}'::date[]) AS d;
SELECT month(date '4714-11-24 BC');
SELECT month(NULL);
SELECT count(*) AS mismatches FROM generate_series(-800000, 800000, 7) AS n
 WHERE month(date '2000-01-01' + n) <> date_trunc('month', (date '2000-01-01' + n)::timestamp)::date;

-- half_month (S4)
SELECT d, half_month(d) FROM unnest('{2026-02-14,2026-02-15,2026-02-16,2026-02-28,2024-02-29,2025-12-31}'::date[]) AS d;
SELECT half_month('infinity');
SELECT half_month('-infinity');
SELECT half_month(NULL);
SELECT half_month('5874897-12-31');

-- period_of: an anchor of 31 is the end of a shorter month, and comes back
SELECT d, period_of(d, 'month', 31) FROM unnest('{2026-01-30,2026-01-31,2026-02-27,2026-02-28,2026-03-30,2026-03-31,2024-02-29}'::date[]) AS d;
SELECT unit, anchor, period_of('2026-02-14', unit, anchor)
  FROM (VALUES ('week', 1), ('week', 6), ('week', 7), ('half_month', 1), ('half_month', 10), ('half_month', 16), ('half_month', 31),
               ('month', 1), ('month', 14), ('month', 15), ('quarter', 1), ('quarter', 31), ('year', 1), ('year', 15)) AS t (unit, anchor);
SELECT period_of('2026-01-10', 'quarter', 15), period_of('2026-01-10', 'year', 15), period_of('2026-02-28', 'half_month', 31), period_of('2026-03-15', 'half_month', 31);
SELECT period_of(NULL, 'week', 1);
SELECT period_of('infinity', 'month', 1);
SELECT period_of('2026-01-01', 'fortnight', 1);
SELECT period_of('2026-01-01', 'month', 0);
SELECT period_of('2026-01-01', 'month', 32);
SELECT period_of('2026-01-01', 'week', 8);
SELECT period_of('4714-11-24 BC', 'year', 1);
SELECT period_of('5874897-12-31', 'year', 31);
-- quarters and years count from any month, whichever of those that start one; other units have no use for it
SELECT unit, month, period_of('2026-03-14', unit, 15, month), period_of('2026-03-15', unit, 15, month)
  FROM (VALUES ('year', 3), ('year', 12), ('quarter', 1), ('quarter', 2), ('quarter', 3), ('quarter', 12), ('month', 5)) AS t (unit, month);
SELECT period_of('2026-01-10', 'week', 7, 5) = period_of('2026-01-10', 'week', 7) AS same;
SELECT period_of('2026-01-01', 'year', 1, 0);
SELECT period_of('2026-01-01', 'year', 1, 13);

-- whatever the unit and anchor, the day lies in its period, and the next period starts where it ends
SELECT count(*) FILTER (WHERE NOT p @> d) AS outside,
       count(*) FILTER (WHERE lower(period_of(upper(p), unit, anchor, month)) <> upper(p)) AS gaps,
       count(*) FILTER (WHERE period_of(lower(p), unit, anchor, month) <> p OR period_of(upper(p) - 1, unit, anchor, month) <> p) AS unstable,
       count(*) AS periods
  FROM (SELECT date '2023-12-01' + n AS d, unit, anchor, 1 + n % 12 AS month
          FROM generate_series(0, 900) AS n, unnest('{week,half_month,month,quarter,year}'::text[]) AS unit, generate_series(1, 31) AS anchor
         WHERE unit <> 'week' OR anchor <= 7) AS t, LATERAL period_of(d, unit, anchor, month) AS p;
-- starts: the anchor's day of the month, or the last one
SELECT count(*) AS mismatches
  FROM generate_series(date '2023-12-01', date '2026-06-01', '1 day') AS d, generate_series(1, 31) AS anchor,
       unnest('{month,quarter,year}'::text[]) AS unit, LATERAL (SELECT lower(period_of(d::date, unit, anchor))) AS t (s)
 WHERE s <> month(s) + least(anchor, extract(day FROM month(s) + interval '1 month - 1 day')::int) - 1
    OR unit = 'quarter' AND extract(month FROM s) NOT IN (1, 4, 7, 10)
    OR unit = 'year' AND extract(month FROM s) <> 1;
SELECT count(*) AS mismatches
  FROM generate_series(date '2023-12-01', date '2026-06-01', '1 day') AS d, generate_series(1, 12) AS month,
       unnest('{28,29,31}'::int[]) AS anchor, unnest('{quarter,year}'::text[]) AS unit, LATERAL (SELECT lower(period_of(d::date, unit, anchor, month))) AS t (s)
 WHERE extract(day FROM s) <> least(anchor, extract(day FROM month(s) + interval '1 month - 1 day'))
    OR (extract(month FROM s)::int - month) % CASE unit WHEN 'quarter' THEN 3 ELSE 12 END <> 0;
SELECT count(*) AS mismatches FROM generate_series(date '2020-01-01', date '2027-01-01', '1 day') AS d, generate_series(1, 7) AS anchor
 WHERE extract(isodow FROM lower(period_of(d::date, 'week', anchor))) <> anchor
    OR anchor = 1 AND lower(period_of(d::date, 'week', 1)) <> date_trunc('week', d)::date;
