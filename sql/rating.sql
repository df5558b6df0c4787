--
-- Rating: entries and terms in, rated segments out.
--
-- Numbers of published examples are those of the sources named in comments;
-- the others are worked out by hand next to the query.
--
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'

-- An entry with only what a test is about.
CREATE FUNCTION pg_temp.entry(entry_id bigint, started_at timestamptz DEFAULT NULL, ended_at timestamptz DEFAULT NULL,
    worked_s bigint DEFAULT NULL, work_date date DEFAULT NULL, billable_s bigint DEFAULT NULL, price numeric DEFAULT NULL,
    price_list_id bigint DEFAULT 1, disposition text DEFAULT 'billable', employee_id bigint DEFAULT NULL,
    role text DEFAULT NULL, work_type_id bigint DEFAULT NULL, task_id bigint DEFAULT NULL, cost_rate numeric DEFAULT NULL,
    base_cost_rate numeric DEFAULT NULL, frozen_s bigint DEFAULT NULL, terms_no integer DEFAULT NULL)
    RETURNS finance.rating_entry LANGUAGE sql AS $$
    SELECT ROW($1, $2, $3, $5, coalesce($4, extract(epoch FROM $3 - $2)::bigint), $6, $7, $8, $9, $10, $11, $12, $13,
               $14, $15, $16, $17)::finance.rating_entry
$$;

-- Terms of contract 1, which price an hour at 100, with changes.
CREATE FUNCTION pg_temp.terms(changes jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT '{"exponent": 2, "base_exponent": 2,
             "lists": {"1": {"name": "Standard", "prices": [{"id": 1, "from": "2026-01-01", "price": 100}]}},
             "contracts": [{"contract": 1}]}'::jsonb || changes
$$;

-- A list that prices every hour the same.
CREATE FUNCTION pg_temp.flat_list(price numeric) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('1', jsonb_build_object('name', 'Flat', 'prices', jsonb_build_array(
               jsonb_build_object('id', 1, 'from', '2026-01-01', 'price', price))))
$$;

-- What the server says when it refuses.
CREATE FUNCTION pg_temp.refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, 'DETAIL: ' || nullif(detail, ''), 'HINT: ' || nullif(hint, ''));
END
$$;

--
-- Rate times time
--

-- Every column of the plainest case.
SELECT * FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(7, '2026-01-05 09:00+00', '2026-01-05 10:30+00', employee_id => 4, role => 'senior',
                        work_type_id => 2, task_id => 3, cost_rate => 20, base_cost_rate => 824.6)]) \gx

-- 50 minutes at 100: 83.33 exactly, 83.00 by hours of two decimals (kimai #3282).
SELECT basis, amount
  FROM unnest(ARRAY['exact', 'hundredth']) AS basis,
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('basis', basis))],
                    ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:50+00')]);

-- Four decimals: 2522.8444, 2.0576, 25.1467, 663.2708 (kimai).
SELECT price, worked_s, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"exponent": 4}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1234, price => 7360),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 60, price => 123.4567),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 123, price => 736),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 31837, price => 75)]);

-- No decimals, and half a unit goes away from zero: 1.5 is 2, and so with a minus.
SELECT worked_s, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"exponent": 0}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1800, price => 3),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => -1800, price => 3)]);

-- 114.75 an hour: the lines sum to 1147.51, one line of 10 hours is 1147.50 (kimai).
SELECT sum(worked_s), sum(amount), array_agg(amount ORDER BY entry_id)
  FROM finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('lists', pg_temp.flat_list(114.75)))],
    (SELECT array_agg(pg_temp.entry(n, work_date => '2026-01-05', worked_s => s))
       FROM unnest('{900,1584,4212,8748,3312,612,1296,1836,4212,5400,3276,612}'::bigint[]) WITH ORDINALITY AS work (s, n)));
SELECT amount
  FROM finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('lists', pg_temp.flat_list(114.75)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 36000)]);

-- 20 minutes three times at 100: seconds keep the hour, 99.99; hundredths lose a percent, 99.00.
SELECT basis, sum(billed_s), sum(amount)
  FROM unnest(ARRAY['exact', 'hundredth']) AS basis,
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('basis', basis))],
                    (SELECT array_agg(pg_temp.entry(n, work_date => '2026-01-05', worked_s => 1200))
                       FROM generate_series(1, 3) AS n))
 GROUP BY basis ORDER BY basis;

-- 2 hours at 50, cost 20 an hour: 100.00 and 40.00 (erpnext); half of it by hand: 50.00, and the cost stays.
SELECT billed_s, amount, cost, why
  FROM finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('lists', pg_temp.flat_list(50)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 7200, cost_rate => 20),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 7200, billable_s => 3600, cost_rate => 20)]);

-- The largest figures: 10^10 s at 10^13 - 0.000001 an hour, times 999.
SELECT amount, amount = round(10000000000 * 9999999999999.999999 * 999 / 3600, 2) AS right
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "band_rules": [{"multiplier": 999}]}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 10000000000, price => 9999999999999.999999)]);

--
-- Which price
--

-- 30 minutes: entry 3, activity 5, project 7, customer 9 (kimai): 1.50, 2.50, 3.50, 4.50.
SELECT entry_id, amount, price_source
  FROM finance.rate(ARRAY[pg_temp.terms('{"lists": {
        "1": {"name": "Project", "parent": 2, "prices": [{"id": 1, "work_type": 5, "from": "2026-01-01", "price": 5},
                                                        {"id": 2, "work_type": 6, "from": "2026-01-01", "price": null}]},
        "2": {"name": "Project other", "parent": 3, "prices": [{"id": 3, "role": "dev", "from": "2026-01-01", "price": 7}]},
        "3": {"name": "Customer", "prices": [{"id": 4, "from": "2026-01-01", "price": 9}]}}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1800, work_type_id => 5, price => 3),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 1800, work_type_id => 5, role => 'dev'),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 1800, work_type_id => 6, role => 'dev'),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 1800, work_type_id => 6)]);

-- From the most specific key to none: each entry lacks what the one before it has.
SELECT entry_id, price, price_source
  FROM finance.rate(ARRAY[pg_temp.terms('{"lists": {"1": {"name": "Keys", "prices": [
        {"id": 1, "employee": 4, "work_type": 2, "from": "2026-01-01", "price": 61},
        {"id": 2, "employee": 4, "from": "2026-01-01", "price": 52},
        {"id": 3, "role": "senior", "work_type": 2, "from": "2026-01-01", "price": 43},
        {"id": 4, "role": "senior", "from": "2026-01-01", "price": 34},
        {"id": 5, "work_type": 2, "from": "2026-01-01", "price": 25},
        {"id": 6, "from": "2026-01-01", "price": 16}]}}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, employee_id => 4, role => 'senior', work_type_id => 2),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 3600, employee_id => 4, role => 'senior', work_type_id => 3),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3600, employee_id => 5, role => 'senior', work_type_id => 2),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 3600, employee_id => 5, role => 'senior', work_type_id => 3),
          pg_temp.entry(5, work_date => '2026-01-05', worked_s => 3600, employee_id => 5, role => 'junior', work_type_id => 2),
          pg_temp.entry(6, work_date => '2026-01-05', worked_s => 3600)]);

-- The latest position not after the day; one without a price withdraws its key, and the search goes on.
SELECT service_date, price, price_source
  FROM finance.rate(ARRAY[pg_temp.terms('{"lists": {"1": {"name": "Dates", "prices": [
        {"id": 3, "role": "dev", "from": "2026-03-01", "price": null},
        {"id": 1, "role": "dev", "from": "2026-01-01", "price": 50},
        {"id": 4, "role": "dev", "from": "2026-04-01", "price": 70},
        {"id": 2, "role": "dev", "from": "2026-02-01", "price": 60},
        {"id": 5, "from": "2026-01-01", "price": 10}]}}}')],
    ARRAY(SELECT pg_temp.entry(n, work_date => day, worked_s => 3600, role => 'dev')
            FROM unnest('{2026-01-31,2026-02-01,2026-02-28,2026-03-01,2026-04-30}'::date[]) WITH ORDINALITY AS days (day, n)));

-- The discount of the position replaces that of the list, which replaces that of the contract; a surcharge is a
-- discount below zero: 95.00, 90.00, 97.50 (from the parent, under the child's 2.5 %), 80.00, 100.00, 110.00.
SELECT entry_id, price, discount_pct, amount, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "discount_pct": 20}], "lists": {
        "1": {"name": "List", "discount_pct": 10, "prices": [
            {"id": 1, "work_type": 1, "from": "2026-01-01", "price": 100, "discount_pct": 5},
            {"id": 2, "work_type": 2, "from": "2026-01-01", "price": 100},
            {"id": 3, "work_type": 5, "from": "2026-01-01", "price": 100, "discount_pct": 0},
            {"id": 4, "work_type": 6, "from": "2026-01-01", "price": 100, "discount_pct": -10}]},
        "2": {"name": "Child", "parent": 1, "discount_pct": 2.5, "prices": []},
        "3": {"name": "Plain", "prices": [{"id": 5, "from": "2026-01-01", "price": 100}]}}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, work_type_id => 1),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 3600, work_type_id => 2),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3600, work_type_id => 2, price_list_id => 2),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 3600, work_type_id => 2, price_list_id => 3),
          pg_temp.entry(5, work_date => '2026-01-05', worked_s => 3600, work_type_id => 5),
          pg_temp.entry(6, work_date => '2026-01-05', worked_s => 3600, work_type_id => 6)]);

-- An entry's own price and an overage price take no discount; overage by date and work type.
SELECT entry_id, price, discount_pct, amount, price_source
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "discount_pct": 20, "overage": [
        {"line": 4, "price": 25, "scope": [2], "from": "2026-01-01", "to": "2026-02-01"},
        {"line": 5, "price": 30, "scope": null, "from": "2026-03-01", "to": null}]}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, price => 70, work_type_id => 2),
          pg_temp.entry(2, work_date => '2026-01-31', worked_s => 3600, work_type_id => 2),
          pg_temp.entry(3, work_date => '2026-01-31', worked_s => 3600, work_type_id => 3),
          pg_temp.entry(4, work_date => '2026-02-01', worked_s => 3600, work_type_id => 2),
          pg_temp.entry(5, work_date => '2026-03-01', worked_s => 3600)]);

-- What cannot be priced says why, and is one row.
SELECT entry_id, segment, problem_kind, problem
  FROM finance.rate(ARRAY[pg_temp.terms('{"lists": {
        "1": {"name": "Support", "parent": 2, "prices": [{"id": 1, "work_type": 2, "from": "2026-02-01", "price": 1}]},
        "2": {"name": "General", "prices": []}}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, employee_id => 4, role => 'senior', work_type_id => 2),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 3600, price_list_id => 2),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3600, price_list_id => NULL),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 3600, price_list_id => 9)]);

-- An older snapshot of the terms prices the entries that were rated by it.
SELECT entry_id, price, price_source
  FROM finance.rate(ARRAY[pg_temp.terms(), pg_temp.terms(jsonb_build_object('lists', pg_temp.flat_list(80)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, terms_no => 2),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 3600, terms_no => 1),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3600)]);

--
-- Rounding
--

-- 10:00 to 10:05, up to 15 minutes: 15 billed, 5 worked (Autotask).  Half hours with a grace of 10 minutes:
-- 35 is 30, 41 is 60 (a public PSA thread).
SELECT worked_s / 60 AS worked, billed_s / 60 AS billed, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900}}'),
                          pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 1800, "grace_s": 600}}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 10:00+00', '2026-01-05 10:05+00'),
          pg_temp.entry(2, work_date => '2026-01-06', worked_s => 2100, terms_no => 2),
          pg_temp.entry(3, work_date => '2026-01-06', worked_s => 2460, terms_no => 2)]);

-- 45 + 45 + 5 minutes on a ticket, minimum and increment 1 h: 2 h by ticket, 3 h by entry (Gorelo).
SELECT scope, array_agg(billed_s ORDER BY entry_id) AS billed_s, sum(billed_s)::integer / 3600 AS hours, sum(amount)
  FROM unnest(ARRAY['entry', 'task']) AS scope,
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('rounding', jsonb_build_object(
                        'mode', 'up', 'increment_s', 3600, 'minimum_s', 3600, 'scope', scope)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 2700, task_id => 1),
          pg_temp.entry(2, work_date => '2026-01-06', worked_s => 2700, task_id => 1),
          pg_temp.entry(3, work_date => '2026-02-07', worked_s => 300, task_id => 1)])
 GROUP BY scope ORDER BY scope;

-- Ten minutes by two tasks, two days, two months: each scope sums what it says, up to the hour.
-- entry 8 h; task_day 7 h (only 1 and 2 share); day 5 h; task 3 h (tasks 1, 2, none); period 2 h.
SELECT scope, array_agg(billed_s ORDER BY entry_id) AS billed_s, sum(billed_s)::integer / 3600 AS hours
  FROM unnest(ARRAY['entry', 'task_day', 'day', 'task', 'period']) WITH ORDINALITY AS scopes (scope, n),
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('rounding', jsonb_build_object(
                        'mode', 'up', 'increment_s', 3600, 'scope', scope)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 600, task_id => 1),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 600, task_id => 1),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 600, task_id => 2),
          pg_temp.entry(4, work_date => '2026-01-06', worked_s => 600, task_id => 2),
          pg_temp.entry(5, work_date => '2026-01-06', worked_s => 600),
          pg_temp.entry(6, work_date => '2026-01-07', worked_s => 600),
          pg_temp.entry(7, work_date => '2026-02-01', worked_s => 600, task_id => 1),
          pg_temp.entry(8, work_date => '2026-02-02', worked_s => 600, task_id => 2)])
 GROUP BY n, scope ORDER BY n;

-- 100 + 100 + 100 s of a day up to 400 s: 133 1/3 each, and the odd second goes to the earliest.
-- 100 + 200 + 301 of 601 to 900: 149.75.., 299.50.., 450.74..; remainders .7504, .5008, .7488: 150, 299, 451.
SELECT service_date, array_agg(billed_s ORDER BY entry_id)
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 400, "scope": "day"}}'),
                          pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 100), pg_temp.entry(2, work_date => '2026-01-05', worked_s => 100),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 100),
          pg_temp.entry(4, work_date => '2026-01-06', worked_s => 100, terms_no => 2),
          pg_temp.entry(5, work_date => '2026-01-06', worked_s => 200, terms_no => 2),
          pg_temp.entry(6, work_date => '2026-01-06', worked_s => 301, terms_no => 2)])
 GROUP BY service_date ORDER BY service_date;

-- A frozen entry counts in its group and is not rated again: 10 min frozen as 15; 10 more make 20, rounded to 30:
-- 15 are left for the second.  Where the frozen ones took more than the whole, nothing is left, not less.
SELECT entry_id, worked_s / 60 AS worked, billed_s / 60 AS billed, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 600, frozen_s => 900),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 600),
          pg_temp.entry(3, work_date => '2026-01-06', worked_s => 600, frozen_s => 3600),
          pg_temp.entry(4, work_date => '2026-01-06', worked_s => 600)]);

-- What is not billed and what a person set stay out of groups: only entry 1 is rounded.
SELECT entry_id, coverage, billed_s
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 3600, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 600),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 3000, billable_s => 7),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3000, disposition => 'no_charge')]);

-- A correction: -10 min rounds as -15; -10 after 30 frozen as 30 leaves 20, which is 30: nothing to give back;
-- -20 leaves 10, which is 15: 15 are given back.
SELECT entry_id, billed_s / 60 AS billed, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900}}'),
                          pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => -600),
          pg_temp.entry(2, work_date => '2026-01-06', worked_s => 1800, frozen_s => 1800, terms_no => 2),
          pg_temp.entry(3, work_date => '2026-01-06', worked_s => -600, terms_no => 2),
          pg_temp.entry(4, work_date => '2026-01-07', worked_s => 1800, frozen_s => 1800, terms_no => 2),
          pg_temp.entry(5, work_date => '2026-01-07', worked_s => -1200, terms_no => 2)]);

-- A correction inside a group: 1000 - 400 s are 600, up to 900; the 300 more go by weight, 300 x 1000 / 1400 = 214.3
-- and 85.7: 1214 and -314.
SELECT entry_id, billed_s
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1000), pg_temp.entry(2, work_date => '2026-01-05', worked_s => -400)]);

-- The rule of a group is that of its first entry: up to the hour, not to the minute.
SELECT entry_id, billed_s
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 60, "scope": "day"}}'),
                          pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 3600, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 601, terms_no => 2),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 601, terms_no => 1)]);

-- Ties go to the earlier entry: of 1 + 1 s down to 1 the first is billed; corrections are the mirror of it.
SELECT service_date, array_agg(billed_s ORDER BY entry_id)
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "none", "maximum_s": 1, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1), pg_temp.entry(2, work_date => '2026-01-05', worked_s => 1),
          pg_temp.entry(3, work_date => '2026-01-06', worked_s => -1), pg_temp.entry(4, work_date => '2026-01-06', worked_s => -1)])
 GROUP BY service_date ORDER BY service_date;

-- What made the billed time is told: increments of 6 min, at least 15 min, at most 2 h; of an entry, or of a group.
SELECT entry_id, billed_s / 60 AS billed, why -> 'rounded' ->> 'by' AS by, why -> 'rounded' ->> 'scope' AS scope
  FROM finance.rate(ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 360, "minimum_s": 900, "maximum_s": 7200}}'),
                          pg_temp.terms('{"rounding": {"mode": "none", "minimum_s": 900, "maximum_s": 7200, "scope": "task"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 300), pg_temp.entry(2, work_date => '2026-01-05', worked_s => 900),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 1000), pg_temp.entry(4, work_date => '2026-01-05', worked_s => 9000),
          pg_temp.entry(5, work_date => '2026-01-05', worked_s => -300),
          pg_temp.entry(6, work_date => '2026-01-05', worked_s => 300, task_id => 1, terms_no => 2),
          pg_temp.entry(7, work_date => '2026-01-05', worked_s => 9000, task_id => 2, terms_no => 2),
          pg_temp.entry(8, work_date => '2026-01-05', worked_s => 900, task_id => 3, terms_no => 2)]);

--
-- Bands.  Office hours are Monday to Friday, 9 to 17; 2026-01-05 is a Monday.
--
CREATE FUNCTION pg_temp.office(changes jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.terms('{"calendar": {"zone": "UTC", "closed_days": ["2026-01-07"], "week": [
        [1, 32400, 61200, "regular"], [2, 32400, 61200, "regular"], [3, 32400, 61200, "regular"],
        [4, 32400, 61200, "regular"], [5, 32400, 61200, "regular"]]},
        "contracts": [{"contract": 1, "band_rules": [{"band": "off_hours", "burn": 2}]}]}') || changes
$$;

-- A block of 1000 h, off-hours count twice (alga-psa), minutes: Mon 10-11 60; Sat 120; a holiday 120;
-- Mon 16:00 to Tue 10:00: 120 in, 960 out, 2040 weighted; 90 billable over 120, half in, half out: 45 + 45, 135.
SELECT entry_id, string_agg(band || ' ' || billed_s / 60, ', ' ORDER BY segment) AS minutes, sum(burned)::integer / 60 AS weighted
  FROM finance.rate(ARRAY[pg_temp.office()],
    ARRAY[pg_temp.entry(1, '2026-01-05 10:00+00', '2026-01-05 11:00+00'),
          pg_temp.entry(2, '2026-01-10 10:00+00', '2026-01-10 11:00+00'),
          pg_temp.entry(3, '2026-01-07 10:00+00', '2026-01-07 11:00+00'),
          pg_temp.entry(4, '2026-01-05 16:00+00', '2026-01-06 10:00+00'),
          pg_temp.entry(5, '2026-01-05 16:00+00', '2026-01-05 18:00+00', billable_s => 5400)],
    '{"allotments": [{"id": 1, "contract": 1, "kind": "block", "unit": "seconds", "remaining": 3600000,
                      "effective_at": "2026-01-01T00:00:00+00:00"}]}')
 GROUP BY entry_id ORDER BY entry_id;

-- 16:30 to 17:10 at 1.333 within and 1.5 without: 30 x 1.333 + 10 x 1.5 = 54.99 min, in whole seconds 2399 + 900.
SELECT band, billed_s, burned, why
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "band_rules": [
        {"band": "regular", "burn": 1.333}, {"band": "off_hours", "burn": 1.5}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:30+00', '2026-01-05 17:10+00')],
    '{"allotments": [{"id": 1, "contract": 1, "kind": "included", "unit": "seconds", "remaining": 3600000,
                      "effective_at": "2026-01-01T00:00:00Z"}]}');

-- An entry of no length takes the band of its start.
SELECT entry_id, band, worked_s, amount
  FROM finance.rate(ARRAY[pg_temp.office()],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:59:59+00', '2026-01-05 16:59:59+00'),
          pg_temp.entry(2, '2026-01-05 17:00+00', '2026-01-05 17:00+00')]);

-- 16 to 18 at 100, times 1.5 after 17: 100 + 150 (kimai #1585).  A number of 25 more: 125; instead 200: 200 (ConnectWise).
SELECT entry_id, band, price, multiplier, rate, amount, why
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "band_rules": [
            {"band": "off_hours", "multiplier": 1.5}]}]}'),
        pg_temp.office('{"contracts": [{"contract": 1, "band_rules": [{"adder": 25}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 18:00+00'),
          pg_temp.entry(2, '2026-01-06 16:00+00', '2026-01-06 17:00+00', terms_no => 2),
          pg_temp.entry(3, '2026-01-06 16:00+00', '2026-01-06 17:00+00', price => 200)]);

-- Two factors on one day do not compound nor add: of 2 and 1.5 the greater holds, 75 x 31837 s x 2 = 1326.54 (kimai adds).
-- Greatest of each kind: price times 2 plus 5, burning 1.5.
SELECT entry_id, multiplier, rate, amount, burned, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "band_rules": [
        {"band": null, "multiplier": 1.5, "burn": 1.5}, {"band": "regular", "multiplier": 2, "burn": 1.25},
        {"role": "lead", "adder": 5}, {"role": "lead", "multiplier": 1.75, "adder": 3}, {"band": "night", "multiplier": 9},
        {"role": "other", "multiplier": 9}]}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 31837, price => 75),
          pg_temp.entry(2, work_date => '2026-01-06', worked_s => 3600, role => 'lead'),
          pg_temp.entry(3, work_date => '2026-01-07', worked_s => 3600, work_type_id => 1)],
    '{"allotments": [{"id": 1, "contract": 1, "kind": "included", "unit": "seconds", "remaining": 5400, "scope": [1],
                      "effective_at": "2026-01-01T00:00:00Z"}]}');

-- Rules as columns of a table fill them up: what changes nothing is not told, and zeros are not.
SELECT entry_id, band, multiplier, amount, burned, why
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "discount_pct": 0.0000, "band_rules": [
        {"band": "regular", "multiplier": 1.000, "adder": 0.000000, "burn": 1.000, "minimum_s": 0},
        {"band": "off_hours", "multiplier": 1.250, "adder": 2.500000, "burn": 2.000, "minimum_s": 0}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 18:00+00'),
          pg_temp.entry(2, '2026-01-06 16:00+00', '2026-01-06 18:00+00')],
    '{"allotments": [{"id": 1, "contract": 1, "kind": "included", "unit": "seconds", "remaining": 10800.000000,
                      "effective_at": "2026-01-06T00:00:00Z"}]}');

-- A multiplier below 1 is one too: half price at night.
SELECT multiplier, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "band_rules": [{"multiplier": 0.5}]}]}')],
                    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600)]);

-- The band's minimum raises what is billed in it, except nothing and what a person set.
SELECT entry_id, band, worked_s, billed_s, why
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "band_rules": [
        {"band": "off_hours", "minimum_s": 3600}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:50+00', '2026-01-05 17:10+00'),
          pg_temp.entry(2, '2026-01-05 18:00+00', '2026-01-05 18:10+00', billable_s => 600),
          pg_temp.entry(3, '2026-01-05 19:00+00', '2026-01-05 19:00+00')]);

-- Nights in Kyiv, 22 to 6, when clocks change: 11 h elapse in spring, night 7, other 4; 13 in autumn, night 9, other 4.
SELECT entry_id, band, sum(worked_s)::integer / 3600 AS hours
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "Europe/Kyiv", "week": [
        [1, 79200, 21600, "night"], [2, 79200, 21600, "night"], [3, 79200, 21600, "night"], [4, 79200, 21600, "night"],
        [5, 79200, 21600, "night"], [6, 79200, 21600, "night"], [7, 79200, 21600, "night"]]}}')],
    ARRAY[pg_temp.entry(1, '2026-03-28 22:00 Europe/Kyiv', '2026-03-29 10:00 Europe/Kyiv'),
          pg_temp.entry(2, '2026-10-24 22:00 Europe/Kyiv', '2026-10-25 10:00 Europe/Kyiv')])
 GROUP BY entry_id, band ORDER BY entry_id, band;

-- 20:00 to 04:00 is one segment within a month, and 4 h + 4 h over its end (odoo PR #286150).
SELECT entry_id, segment, service_date, period_start, worked_s / 3600 AS hours
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "Europe/Kyiv"}}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 20:00 Europe/Kyiv', '2026-01-06 04:00 Europe/Kyiv'),
          pg_temp.entry(2, '2026-01-31 20:00 Europe/Kyiv', '2026-02-01 04:00 Europe/Kyiv')]);

-- Three days over a week that starts on Wednesday, the 7th: 1 day and 2, not 3 pieces.
SELECT segment, service_date, period_start, worked_s / 3600 AS hours
  FROM finance.rate(ARRAY[pg_temp.terms('{"period": "week", "anchor": 3}')],
                    ARRAY[pg_temp.entry(1, '2026-01-06 00:00+00', '2026-01-09 00:00+00')]);

-- Clocks that are set back at midnight: in St. John's the 1st of November 2009 began twice, with a minute of it first.
SELECT segment, service_date, period_start, worked_s
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "America/St_Johns"}}')],
                    ARRAY[pg_temp.entry(1, '2009-11-01 02:29+00', '2009-11-01 03:32+00', price => 1)]);

-- Billed seconds follow the clock on the wall: 100 s over 3 equal hours in three bands are 33, 34, 33 by cumulative
-- proportion (33.3, 66.7, 100), and worked seconds and cost likewise; the cost of the parts is that of the whole, 0.28.
SELECT segment, band, worked_s, billed_s, amount, cost
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "UTC", "week": [[1, 32400, 36000, "a"], [1, 36000, 39600, "b"]]}}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 12:00+00', worked_s => 100, cost_rate => 10)]);

--
-- Two contracts
--

-- Base for regular hours at 100, after-hours at 150; 16 to 20, the day ends at 18: 200.00 and 300.00.
CREATE FUNCTION pg_temp.pair() RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.terms('{"calendar": {"zone": "UTC", "week": [[1, 32400, 64800, "regular"], [1, 64800, 79200, "evening"],
                                                                [1, 79200, 86400, "night"]]},
        "lists": {"1": {"name": "Day", "prices": [{"id": 1, "from": "2026-01-01", "price": 100}]},
                  "7": {"name": "After hours", "prices": [{"id": 2, "from": "2026-01-01", "price": 150}]}},
        "contracts": [{"contract": 1, "number": "A-12", "bands": ["regular"]},
                      {"contract": 2, "number": "A-12/1", "bands": ["off_hours", "evening"], "list": 7}]}')
$$;
SELECT contract_id, band, worked_s / 3600 AS hours, amount, price_source
  FROM finance.rate(ARRAY[pg_temp.pair()], ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 20:00+00')]);

-- A band that no contract covers is a problem of the whole entry, but not of work that nobody pays.
SELECT entry_id, segment, contract_id, coverage, band, worked_s / 3600 AS hours, amount, problem
  FROM finance.rate(ARRAY[pg_temp.pair()],
    ARRAY[pg_temp.entry(1, '2026-01-05 21:00+00', '2026-01-05 23:00+00'),
          pg_temp.entry(2, '2026-01-05 21:00+00', '2026-01-05 23:00+00', disposition => 'no_charge')]);

-- Of two companions that claim a band the first has it; each has its own rules, allotments and caps.
SELECT entry_id, contract_id, coverage, multiplier, billed_s, amount
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "cap_amount": 50},
        {"contract": 3, "bands": ["off_hours"], "band_rules": [{"multiplier": 2}]}, {"contract": 2, "bands": ["off_hours"]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 18:00+00')],
    '{"allotments": [{"id": 1, "contract": 3, "kind": "block", "unit": "seconds", "remaining": 600,
                      "effective_at": "2026-01-01T00:00:00Z"}], "used": [{"contract": 1, "amount": 10, "seconds": 0}]}');

--
-- Allotments
--
CREATE FUNCTION pg_temp.allot(id bigint, remaining numeric, changes jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('id', id, 'contract', 1, 'kind', 'included', 'unit', 'seconds', 'remaining', remaining,
                              'effective_at', '2026-01-01T00:00:00+00:00') || changes
$$;
CREATE FUNCTION pg_temp.state(VARIADIC allotments jsonb[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('allotments', to_jsonb(allotments))
$$;

-- Included 20 h, 19:30 used, an entry of 60 min, overage 50: 30 min at 0 and 30 min for 25.00.
SELECT segment, coverage, worked_s / 60 AS worked, billed_s / 60 AS billed, price, amount, cost, allotment_id, burned,
       price_source, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "overage": [{"line": 4, "price": 50}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 10:00+00', cost_rate => 20.01)],
    pg_temp.state(pg_temp.allot(5, 1800)));

-- 20 h included, 25 h used, overage 200: 5 h for 1000.00 beside the fee of 5000 (a public retainer page).
SELECT coverage, sum(billed_s)::integer / 3600 AS hours, sum(amount) AS amount, sum(burned) AS burned
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "overage": [{"line": 1, "price": 200}]}]}')],
    ARRAY(SELECT pg_temp.entry(n, work_date => '2026-01-04'::date + n::integer, worked_s => 9000) FROM generate_series(1, 10) AS n),
    pg_temp.state(pg_temp.allot(1, 72000)))
 GROUP BY coverage ORDER BY coverage;

-- One block of 600 and two entries of 600: the first takes it all, the second nothing, and never below nothing.
SELECT entry_id, coverage, billed_s, burned
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(2, '2026-01-05 09:00+00', '2026-01-05 09:10+00'),
          pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:10+00')],
    pg_temp.state(pg_temp.allot(1, 600, '{"kind": "block"}')));

-- The order: priority, expiry (none last), age.  60 s of each, so that the entry shows the order.
SELECT allotment_id, coverage
  FROM finance.rate(ARRAY[pg_temp.terms()], ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:09+00')],
    pg_temp.state(
        pg_temp.allot(1, 60, '{"kind": "block"}'),
        pg_temp.allot(9, 60, '{"kind": "topup", "effective_at": "2025-12-01T00:00:00+00:00"}'),
        pg_temp.allot(8, 60, '{"kind": "adjustment", "effective_at": "2025-12-01T00:00:00+00:00"}'),
        pg_temp.allot(2, 60, '{"kind": "rollover", "expires_at": "2026-02-02T00:00:00+00:00"}'),
        pg_temp.allot(3, 60, '{"kind": "included", "expires_at": "2026-02-01T00:00:00+00:00"}'),
        pg_temp.allot(4, 60, '{"kind": "included", "priority": -1}'),
        pg_temp.allot(5, 60, '{"kind": "included", "priority": 1, "expires_at": "2026-01-06T00:00:00+00:00"}')))
 ORDER BY segment;

-- Of those alike so far the narrower is eaten first: none, 1, 2 or 3 types of work, then all; before age, after priority
-- and expiry.  The order in which they came does not matter.
CREATE FUNCTION pg_temp.eaten_in_order(VARIADIC allotments jsonb[]) RETURNS TABLE (way text, allotments text) LANGUAGE sql AS $$
    SELECT way, (SELECT string_agg(allotment_id::text, ' ' ORDER BY segment)
                   FROM finance.rate(ARRAY[pg_temp.terms()],
                            ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 10:00+00', work_type_id => 1)],
                            jsonb_build_object('allotments', (SELECT jsonb_agg(a || jsonb_build_object('id', CASE way WHEN 'turned round' THEN 100 - no ELSE no END)
                                                                               || jsonb_build_object('remaining', 60 + no)
                                                                               ORDER BY CASE way WHEN 'as they came' THEN no ELSE -no END)
                                                                FROM unnest(allotments) WITH ORDINALITY AS u (a, no))))
                  WHERE allotment_id IS NOT NULL)
      FROM unnest(ARRAY['as they came', 'from the last', 'turned round']) AS way
$$;
SELECT * FROM pg_temp.eaten_in_order(
    pg_temp.allot(0, 0), pg_temp.allot(0, 0, '{"scope": [3, 2, 1]}'), pg_temp.allot(0, 0, '{"scope": [1]}'),
    pg_temp.allot(0, 0, '{"scope": [2, 1, 2], "effective_at": "2026-01-03T00:00:00Z"}'),
    pg_temp.allot(0, 0, '{"expires_at": "2026-02-01T00:00:00Z"}'), pg_temp.allot(0, 0, '{"priority": -1}'),
    pg_temp.allot(0, 0, '{"scope": [1], "priority": 1}'));
-- And of those alike in that and in age: what would be lost before what goes over, what belongs to a fee before what was
-- paid for by itself, time before money, the lower types of work, the older line.
SELECT * FROM pg_temp.eaten_in_order(
    pg_temp.allot(0, 0, '{"kind": "topup"}'), pg_temp.allot(0, 0, '{"kind": "block"}'), pg_temp.allot(0, 0, '{"kind": "adjustment"}'),
    pg_temp.allot(0, 0, '{"rolls_over": true}'), pg_temp.allot(0, 0, '{"kind": "included"}'), pg_temp.allot(0, 0, '{"kind": "rollover"}'));
SELECT * FROM pg_temp.eaten_in_order(
    pg_temp.allot(0, 0, '{"kind": "topup", "unit": "money", "scope": [1, 2]}'), pg_temp.allot(0, 0, '{"kind": "topup", "scope": [1, 7]}'),
    pg_temp.allot(0, 0, '{"kind": "topup", "scope": [1, 5]}'), pg_temp.allot(0, 0, '{"kind": "topup", "scope": [1, 6]}'));
SELECT * FROM pg_temp.eaten_in_order(
    pg_temp.allot(0, 0, '{"kind": "included", "line": 4}'), pg_temp.allot(0, 0, '{"kind": "included", "line": 3}'), pg_temp.allot(0, 0, '{"kind": "included"}'));

-- In force from the instant it begins to the one it ends, at which work is cut; scope by work type, which an entry
-- without one never fits.
SELECT entry_id, string_agg(coverage || ' ' || billed_s, ', ' ORDER BY segment)
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(1, '2026-01-05 08:59:59+00', '2026-01-05 09:10+00', work_type_id => 2),
          pg_temp.entry(2, '2026-01-05 09:00+00', '2026-01-05 09:10+00', work_type_id => 2),
          pg_temp.entry(3, '2026-01-05 09:59:59+00', '2026-01-05 10:10+00', work_type_id => 3),
          pg_temp.entry(4, '2026-01-05 10:00+00', '2026-01-05 10:10+00', work_type_id => 2),
          pg_temp.entry(5, '2026-01-05 09:30+00', '2026-01-05 09:40+00', work_type_id => 4),
          pg_temp.entry(6, '2026-01-05 09:40+00', '2026-01-05 09:50+00')],
    pg_temp.state(pg_temp.allot(1, 36000, '{"scope": [2, 3], "effective_at": "2026-01-05T11:00:00+02:00",
                                            "expires_at": "2026-01-05T10:00:00Z"}')))
 GROUP BY entry_id ORDER BY entry_id;

-- A block to the end of the 15th and work from 23:00 to 1:00: an hour of it, an hour at 100 that is done on the 16th, at
-- the prices of that day.  The same where it begins at midnight.
SELECT allotment, segment, service_date, coverage, worked_s, billed_s, price, amount, cost
  FROM unnest(ARRAY['{"expires_at": "2026-01-16T00:00:00Z"}', '{"effective_at": "2026-01-16T00:00:00Z"}']::jsonb[]) AS allotment,
       finance.rate(ARRAY[pg_temp.terms('{"lists": {"1": {"name": "L", "prices": [{"id": 1, "from": "2026-01-01", "price": 90},
                                                                                  {"id": 2, "from": "2026-01-16", "price": 100}]}}}')],
                    ARRAY[pg_temp.entry(1, '2026-01-15 23:00+00', '2026-01-16 01:00+00', cost_rate => 10)],
                    pg_temp.state(pg_temp.allot(1, 72000, '{"kind": "block"}' || allotment)));

-- A plan swapped at midnight with its overage price: what is left of the old one, 60 past it, 50 past the new one.
SELECT segment, service_date, coverage, allotment_id, billed_s / 60 AS billed, price, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "overage": [
            {"line": 1, "price": 60, "to": "2026-01-15"}, {"line": 2, "price": 50, "from": "2026-01-15"}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-14 22:00+00', '2026-01-15 02:00+00')],
    pg_temp.state(pg_temp.allot(1, 3600, '{"expires_at": "2026-01-15T00:00:00Z"}'),
                  pg_temp.allot(2, 3600, '{"effective_at": "2026-01-15T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"}')));

-- What is eaten before begins in the middle and ends again, at any instant: 1, 2, 1.  What is eaten after what covers cuts
-- nothing, nor does what is used up, for other work, or not in force at any second of it.
SELECT entry_id, string_agg(coverage || ' ' || coalesce(allotment_id::text, '') || ' ' || billed_s, ', ' ORDER BY segment)
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:10+00', work_type_id => 1),
          pg_temp.entry(2, '2026-01-06 09:00+00', '2026-01-06 09:10+00', work_type_id => 1)],
    pg_temp.state(pg_temp.allot(1, 36000, '{"priority": 2}'),
        pg_temp.allot(2, 36000, '{"priority": 1, "effective_at": "2026-01-05T09:02:00.499999Z", "expires_at": "2026-01-05T09:07:30.500001Z"}'),
        pg_temp.allot(3, 36000, '{"priority": 3, "effective_at": "2026-01-05T09:04:00Z"}'),
        pg_temp.allot(4, 36000, '{"effective_at": "2026-01-05T09:04:00Z", "scope": [2]}'),
        pg_temp.allot(5, 0, '{"effective_at": "2026-01-05T09:04:00Z"}'),
        pg_temp.allot(6, 36000, '{"effective_at": "2026-01-05T09:04:00.1Z", "expires_at": "2026-01-05T09:04:00.4Z"}')))
 GROUP BY entry_id ORDER BY entry_id;

-- One that is used up makes way where it is, and what begins later covers from there: 1 for 3 min, nothing to 9:05, 2.
SELECT coverage, allotment_id, billed_s, amount
  FROM finance.rate(ARRAY[pg_temp.terms()], ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:10+00')],
    pg_temp.state(pg_temp.allot(1, 180), pg_temp.allot(2, 36000, '{"effective_at": "2026-01-05T09:05:00Z"}')));

-- Seconds follow the clock, billed and worked ones: 100 min billed of 50 worked over 100 by the clock, a block to the end
-- of the first 40.  They are cut as at a band: 100 s over 3 equal hours of one band, cut after the first and the second,
-- are 33, 34, 33.  What a band's minimum raises is not raised once more for each part.
SELECT entry_id, segment, coverage, worked_s, billed_s, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "band_rules": [{"role": "night", "minimum_s": 7200}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 08:20+00', '2026-01-05 10:00+00', 3000, billable_s => 6000, work_type_id => 1),
          pg_temp.entry(2, '2026-01-06 09:00+00', '2026-01-06 12:00+00', 100, work_type_id => 2),
          pg_temp.entry(3, '2026-01-07 09:00+00', '2026-01-07 09:20+00', work_type_id => 3, role => 'night')],
    pg_temp.state(pg_temp.allot(1, 36000, '{"scope": [1], "expires_at": "2026-01-05T09:00:00Z"}'),
                  pg_temp.allot(2, 36000, '{"scope": [2], "effective_at": "2026-01-06T10:00:00Z", "expires_at": "2026-01-06T11:00:00Z"}'),
                  pg_temp.allot(3, 36000, '{"scope": [3], "expires_at": "2026-01-07T09:15:00Z"}')));

-- Money that ends at midnight buys what is done before it; work that came for a closed period draws as if done when the
-- open one begins, whole; corrections draw nothing.
SELECT draws, entry_id, segment, coverage, billed_s / 60 AS billed, burned, amount
  FROM (VALUES ('as done', NULL), ('late', '2026-02-01T00:00:00Z')) AS d (draws, draw_from),
       finance.rate(ARRAY[pg_temp.terms()],
         ARRAY[pg_temp.entry(1, '2026-01-05 23:30+00', '2026-01-06 00:30+00'), pg_temp.entry(2, '2026-01-05 23:30+00', '2026-01-06 00:30+00', -3600)],
         pg_temp.state(pg_temp.allot(1, 60, '{"unit": "money", "kind": "topup", "expires_at": "2026-01-06T00:00:00Z"}'),
                       pg_temp.allot(2, 2400, '{"effective_at": "2026-02-01T00:00:00Z"}')) || jsonb_build_object('draw_from', draw_from))
 ORDER BY draws, entry_id, segment;

-- Where the clocks go back a block that ends at midnight has an hour more: 23:00 to 24:00 in Sao Paulo came twice on
-- 17 February 2018.  Four hours from 22:00, three of them before midnight.
SELECT segment, service_date, coverage, billed_s / 3600 AS hours
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "America/Sao_Paulo"}}')],
    ARRAY[pg_temp.entry(1, '2018-02-17 22:00-02', '2018-02-18 01:00-03', price => 1)],
    pg_temp.state(pg_temp.allot(1, 36000, '{"effective_at": "2018-01-01T00:00:00Z", "expires_at": "2018-02-18T00:00:00-03:00"}')));

-- Work without a clock is at local midnight: the 5th in Kyiv begins at 22:00 UTC on the 4th.  It is not cut.
SELECT entry_id, coverage
  FROM finance.rate(ARRAY[pg_temp.terms('{"calendar": {"zone": "Europe/Kyiv"}}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 60), pg_temp.entry(2, work_date => '2026-01-06', worked_s => 60)],
    pg_temp.state(pg_temp.allot(1, 36000, '{"expires_at": "2026-01-05T22:00:00+00:00"}')));

-- Weights: 100 s left at 1.5 cover 66 s and burn 99; the second left covers none at that weight.
-- 1 s left at 0.4 covers 2 s and burns 1 (0.8).
SELECT entry_id, coverage, billed_s, burned, allotment_id
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "band_rules": [
        {"role": "heavy", "burn": 1.5}, {"role": "light", "burn": 0.4}]}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:10+00', role => 'heavy'),
          pg_temp.entry(2, '2026-01-05 10:00+00', '2026-01-05 10:10+00', role => 'heavy'),
          pg_temp.entry(3, '2026-01-05 11:00+00', '2026-01-05 11:10+00', role => 'light')],
    pg_temp.state(pg_temp.allot(1, 100)));

-- Money: 50.00 at 100 an hour is 30 min.  22.21 at 66.67 is 1199 s (1199.27) for 22.20, and the last second costs
-- 0.02; what fits is covered whole, 22.22 for 1200 s; work that costs nothing draws nothing; and without a price
-- there is no telling what it draws.
SELECT entry_id, coverage, billed_s, price, amount, burned, problem
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600, work_type_id => 1),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 1200, price => 66.67, work_type_id => 2),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 1200, price => 66.67, work_type_id => 3),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => 1200, price => 0, work_type_id => 4),
          pg_temp.entry(5, work_date => '2026-01-05', worked_s => 1200, price_list_id => NULL, work_type_id => 4)],
    pg_temp.state(pg_temp.allot(1, 50, '{"unit": "money", "kind": "topup", "scope": [1]}'),
                  pg_temp.allot(2, 22.21, '{"unit": "money", "kind": "included", "scope": [2]}'),
                  pg_temp.allot(3, 22.22, '{"unit": "money", "kind": "topup", "scope": [3]}'),
                  pg_temp.allot(4, 10, '{"unit": "money", "kind": "topup", "scope": [4]}')));

-- What is covered whole needs no price; what is not billed draws nothing; a correction draws nothing.
SELECT entry_id, coverage, billed_s, price, amount, burned, problem
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 600, price_list_id => NULL),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 600, disposition => 'no_charge', price_list_id => NULL),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 600, disposition => 'non_billable'),
          pg_temp.entry(4, work_date => '2026-01-05', worked_s => -600)],
    pg_temp.state(pg_temp.allot(1, 36000)));

-- An entry that cannot be rated gives back what its parts drew: the 600 s are there for the next one.
SELECT entry_id, coverage, billed_s, burned, problem
  FROM finance.rate(ARRAY[pg_temp.terms()],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 900, price_list_id => NULL),
          pg_temp.entry(2, work_date => '2026-01-06', worked_s => 900)],
    pg_temp.state(pg_temp.allot(1, 600)));

-- The same for a cap: the regular hour took all 100.00 of it, but the night that nobody covers takes that back.
SELECT entry_id, coverage, amount, problem
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "bands": ["regular"], "cap_amount": 100}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 18:00+00'),
          pg_temp.entry(2, '2026-01-06 10:00+00', '2026-01-06 12:00+00')]);

--
-- Caps
--

-- Cap 1000.00 and 950.00 used: of 1 h at 100, half is charged, half written off; then all of it.
-- 0.01 is left of a cap at 100 an hour: not one second, but the cap is met to the cent.
SELECT entry_id, coverage, worked_s, billed_s, price, amount, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "cap_amount": 1000}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600), pg_temp.entry(2, work_date => '2026-01-06', worked_s => 450)],
    '{"used": [{"contract": 1, "amount": 950.00, "seconds": 0}]}');
SELECT entry_id, coverage, billed_s, amount, why
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "cap_amount": 1000}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600)],
    '{"used": [{"contract": 1, "amount": 999.99, "seconds": 0}]}');

-- Hours capped at 10, 9 used; both caps: the first to be reached holds; a cap that is overrun leaves no room.
SELECT terms_no, coverage, billed_s / 60 AS billed, amount, why
  FROM (VALUES (1, '{"contract": 1, "cap_seconds": 36000}'), (2, '{"contract": 1, "cap_seconds": 36000, "cap_amount": 930}'),
               (3, '{"contract": 1, "cap_seconds": 36000, "cap_amount": 800}')) AS caps (terms_no, contract),
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('contracts', jsonb_build_array(contract::jsonb)))],
                    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 7200)],
                    '{"used": [{"contract": 1, "amount": 900, "seconds": 32400}]}')
 ORDER BY terms_no, segment;

-- Included time does not count against a cap; a correction makes room again.
SELECT entry_id, segment, coverage, billed_s / 60 AS billed, amount
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "cap_amount": 50}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600), pg_temp.entry(2, work_date => '2026-01-06', worked_s => 1800),
          pg_temp.entry(3, work_date => '2026-01-07', worked_s => -900), pg_temp.entry(4, work_date => '2026-01-08', worked_s => 1800)],
    pg_temp.state(pg_temp.allot(1, 3600)));

--
-- Caps of each service period
--

-- 100.00 a month: entries of three months in one call, in any order; the last of January runs into February.
SELECT entry_id, segment, period_start, coverage, billed_s / 60 AS billed, amount, why #> '{cap,period}' AS period, why #>> '{cap,written_off}' AS off
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "period_cap_amount": 100}]}')],
    ARRAY[pg_temp.entry(4, work_date => '2026-03-02', worked_s => 1800), pg_temp.entry(3, work_date => '2026-02-03', worked_s => 3600),
          pg_temp.entry(2, '2026-01-31 23:00+00', '2026-02-01 01:00+00'), pg_temp.entry(1, work_date => '2026-01-05', worked_s => 2700)]);

-- Cut to the days of a part period: 310 from 17 January are 150 (15 of 31), and to 14 February 155 (14 of 28), whole where
-- the rule says so; work after the last day that ran into another period is bound by the whole; seconds likewise.
SELECT rule, entry_id, sum(amount) FILTER (WHERE coverage = 'billable') AS charged, sum(billed_s) FILTER (WHERE coverage = 'billable') AS billed_s,
       (array_agg(why #> '{cap,period}' ORDER BY segment DESC))[1] AS period
  FROM unnest(ARRAY['actual', 'none', 'fixed_30', 'days_365', NULL]) AS rule,
       finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('contracts', jsonb_build_array(
            jsonb_build_object('contract', 1, 'period_cap_amount', 310, 'period_cap_seconds', 8000, 'prorate', rule, 'from', '2026-01-17', 'to', '2026-02-15'))))],
         ARRAY[pg_temp.entry(1, work_date => '2026-01-20', worked_s => 14400), pg_temp.entry(2, work_date => '2026-02-03', worked_s => 14400),
               pg_temp.entry(3, work_date => '2026-03-03', worked_s => 14400)])
 GROUP BY rule, entry_id ORDER BY rule, entry_id;

-- Beside the cap of the whole life the tighter holds, of money and of time each: the year has 120 left, then 20, then 0.
SELECT entry_id, segment, coverage, billed_s / 60 AS billed, amount, why -> 'cap' AS cap
  FROM finance.rate(ARRAY[pg_temp.terms('{"contracts": [{"contract": 1, "cap_amount": 1000, "period_cap_amount": 100, "period_cap_seconds": 7200}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 5400), pg_temp.entry(2, work_date => '2026-02-05', worked_s => 3600),
          pg_temp.entry(3, work_date => '2026-03-05', worked_s => 60), pg_temp.entry(4, work_date => '2026-03-06', worked_s => 14400, price => 0)],
    '{"used": [{"contract": 1, "amount": 880, "seconds": 0}]}');

-- What was used before counts in its period, several rows add up, and other contracts' do not; a companion has caps of
-- its own, in the periods of the base.  A week from Wednesday.
SELECT entry_id, contract_id, period_start, coverage, billed_s / 60 AS billed, amount
  FROM finance.rate(ARRAY[pg_temp.office('{"period": "week", "anchor": 3, "contracts": [{"contract": 1, "period_cap_seconds": 3600},
        {"contract": 2, "bands": ["off_hours"], "period_cap_amount": 30, "from": "2026-01-05", "to": "2026-02-01"}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 18:00+00'), pg_temp.entry(2, '2026-01-08 16:00+00', '2026-01-08 18:00+00')],
    '{"used": [{"contract": 1, "amount": 10, "seconds": 600, "day": "2025-12-31"}, {"contract": 1, "amount": 10, "seconds": 600, "day": "2026-01-06"},
               {"contract": 1, "amount": 10, "seconds": 3599, "day": "2026-01-14"}, {"contract": 1, "amount": 0, "seconds": 3600},
               {"contract": 3, "amount": 10, "seconds": 3600, "day": "2025-12-31"}]}')
 ORDER BY entry_id, segment;

-- A correction makes room in its own period; what cannot be rated gives back what it took of its periods; included time
-- does not count.
SELECT entry_id, segment, period_start, coverage, billed_s / 60 AS billed, amount, problem_kind
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "bands": ["regular"], "period_cap_amount": 100}]}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 10:00+00', '2026-01-05 13:00+00'),
          pg_temp.entry(2, '2026-01-06 16:00+00', '2026-01-06 18:00+00'),
          pg_temp.entry(3, '2026-01-08 10:00+00', '2026-01-08 10:30+00', -1800), pg_temp.entry(4, '2026-02-02 10:00+00', '2026-02-02 12:00+00'),
          pg_temp.entry(5, '2026-01-09 10:00+00', '2026-01-09 11:00+00')],
    pg_temp.state(pg_temp.allot(1, 5400)));

--
-- What is not billed
--

-- A bug 2 h, development 3 h at 50, internal 1 h, cost 20: the client sees 5 h and pays 150.00; profit 150 - 120 = 30.00.
SELECT (sum(worked_s) FILTER (WHERE coverage <> 'non_billable'))::integer / 3600 AS seen, sum(billed_s)::integer / 3600 AS payable,
       sum(amount) AS amount, sum(amount) - sum(cost) AS profit
  FROM finance.rate(ARRAY[pg_temp.terms(jsonb_build_object('lists', pg_temp.flat_list(50)))],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 7200, disposition => 'no_charge', cost_rate => 20),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 10800, cost_rate => 20),
          pg_temp.entry(3, work_date => '2026-01-05', worked_s => 3600, disposition => 'non_billable', cost_rate => 20)]);

-- In a fixed price: included at 0, without an allotment and whatever hours there are; its cost counts.  It is in no
-- rounding group, needs no price, and a band that no contract is for does not matter.
SELECT entry_id, coverage, worked_s, billed_s, price, rate, amount, cost, allotment_id, why, problem_kind
  FROM finance.rate(ARRAY[pg_temp.office('{"contracts": [{"contract": 1, "bands": ["regular"]}],
                                           "rounding": {"mode": "up", "increment_s": 3600, "scope": "day"}}')],
    ARRAY[pg_temp.entry(1, '2026-01-05 16:00+00', '2026-01-05 16:10+00', disposition => 'included', cost_rate => 30),
          pg_temp.entry(2, '2026-01-05 18:00+00', '2026-01-05 18:10+00', disposition => 'included', price_list_id => NULL),
          pg_temp.entry(3, '2026-01-05 10:00+00', '2026-01-05 10:10+00'),
          pg_temp.entry(4, '2026-01-05 18:00+00', '2026-01-05 18:10+00')],
    '{"allotments": [{"id": 1, "contract": 1, "kind": "included", "unit": "seconds", "remaining": 1800,
                      "effective_at": "2026-01-01T00:00:00Z"}]}');

-- No rate, no cost; a frozen entry is not rated at all; nothing comes of nothing.
SELECT entry_id, cost, base_cost
  FROM finance.rate(ARRAY[pg_temp.terms('{"base_exponent": 0}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1800, base_cost_rate => 3),
          pg_temp.entry(2, work_date => '2026-01-05', worked_s => 1800, frozen_s => 1800)]);
SELECT count(*) FROM finance.rate(ARRAY[pg_temp.terms()], '{}');
SELECT count(*) FROM finance.rate(ARRAY[pg_temp.terms()], NULL);
SELECT count(*) FROM finance.rate(ARRAY[pg_temp.terms()], ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 1)], NULL);

--
-- Refusals: terms
--
\pset format unaligned
\pset tuples_only on
\pset fieldsep ' => '
SELECT change, pg_temp.refusal(format('SELECT finance.rate(ARRAY[pg_temp.terms() || %L], ''{}'')', change))
  FROM unnest(ARRAY[
    '{"exponent": null}', '{"exponent": "2"}', '{"exponent": 2.5}', '{"exponent": 7}', '{"base_exponent": -1}',
    '{"basis": "minutes"}', '{"basis": 1}', '{"period": "fortnight"}', '{"anchor": 0}', '{"period": "week", "anchor": 8}',
    '{"rounding": []}', '{"rounding": {}}', '{"rounding": {"mode": "sideways"}}', '{"rounding": {"mode": "up"}}',
    '{"rounding": {"mode": "up", "increment_s": 0}}', '{"rounding": {"mode": "up", "increment_s": 900, "scope": "year"}}',
    '{"rounding": {"mode": "up", "increment_s": 900, "minimum_s": -1}}',
    '{"rounding": {"mode": "up", "increment_s": 900, "minimum_s": 900, "maximum_s": 600}}',
    '{"calendar": "UTC"}', '{"calendar": {"zone": "Mars/Olympus"}}', '{"lists": []}', '{"lists": {"a": {}}}', '{"lists": {"1": 1}}',
    '{"lists": {"1": {"prices": {}}}}', '{"lists": {"1": {"prices": [1]}}}', '{"lists": {"1": {"parent": 2}}}',
    '{"lists": {"1": {"parent": 2}, "2": {"parent": 3}, "3": {"parent": 2}}}', '{"lists": {"1": {"parent": 1}}}',
    '{"lists": {"1": {"discount_pct": 100.1}}}', '{"lists": {"1": {"discount_pct": 1.23456}}}', '{"lists": {"1": {"name": 1}}}',
    '{"contracts": null}', '{"contracts": []}', '{"contracts": {}}', '{"contracts": [{}]}', '{"contracts": [{"contract": "1"}]}',
    '{"contracts": [{"contract": 1, "list": 9}]}', '{"contracts": [{"contract": 1, "bands": "night"}]}',
    '{"contracts": [{"contract": 1, "bands": [1]}]}', '{"contracts": [{"contract": 1}, {"contract": 2}]}',
    '{"contracts": [{"contract": 1}, {"contract": 1, "bands": []}]}', '{"contracts": [{"contract": 1, "cap_amount": 10.005}]}',
    '{"contracts": [{"contract": 1, "cap_amount": -1}]}', '{"contracts": [{"contract": 1, "cap_seconds": 1.5}]}',
    '{"contracts": [{"contract": 1, "period_cap_amount": 10.005}]}', '{"contracts": [{"contract": 1, "period_cap_seconds": -1}]}',
    '{"contracts": [{"contract": 1, "prorate": "daily"}]}', '{"contracts": [{"contract": 1, "from": "2026-2-1"}]}',
    '{"contracts": [{"contract": 1, "to": 5}]}',
    '{"contracts": [{"contract": 1, "band_rules": [{"multiplier": -1}]}]}',
    '{"contracts": [{"contract": 1, "band_rules": [{"multiplier": 1000}]}]}',
    '{"contracts": [{"contract": 1, "band_rules": [{}, {"burn": "2"}]}]}',
    '{"contracts": [{"contract": 1, "band_rules": [{"minimum_s": -1}]}]}',
    '{"contracts": [{"contract": 1, "overage": [{"line": 1}]}]}', '{"contracts": [{"contract": 1, "overage": [{"price": 1}]}]}',
    '{"contracts": [{"contract": 1, "overage": [{"line": 1, "price": 1, "scope": 2}]}]}',
    '{"contracts": [{"contract": 1, "overage": [{"line": 1, "price": 1, "from": "01.02.2026"}]}]}']) AS change;

SELECT position, pg_temp.refusal(format('SELECT finance.rate(ARRAY[pg_temp.terms() || %L], ''{}'')',
           jsonb_build_object('lists', jsonb_build_object('1', jsonb_build_object('name', 'Bad', 'prices',
               jsonb_build_array('{"id": 1, "from": "2026-01-01", "price": 1}'::jsonb, position::jsonb))))))
  FROM unnest(ARRAY[
    '{"from": "2026-02-01", "price": 1}', '{"id": 2, "price": 1}', '{"id": 2, "from": "2026-02-30", "price": 1}',
    '{"id": 2, "from": "2026-2-1", "price": 1}', '{"id": 2, "from": "2026-02-01T00:00", "price": 1}',
    '{"id": 2, "from": "today", "price": 1}', '{"id": 2, "from": 20260201, "price": 1}',
    '{"id": 2, "from": "2026-02-01", "price": "1"}', '{"id": 2, "from": "2026-02-01", "price": -0.01}',
    '{"id": 2, "from": "2026-02-01", "price": 0.0000001}', '{"id": 2, "from": "2026-02-01", "price": 10000000000000}',
    '{"id": 2, "from": "2026-02-01", "price": 1e400}',
    '{"id": 2, "from": "2026-02-01", "price": 1, "employee": "x"}', '{"id": 2, "from": "2026-02-01", "price": 1, "role": 3}',
    '{"id": 2, "from": "2026-02-01", "price": 1, "employee": 3, "role": "dev"}', '{"id": 2, "from": "2026-01-01", "price": 2}']) AS position;

-- The place is told however deep it lies.
SELECT pg_temp.refusal($$SELECT finance.rate(ARRAY[pg_temp.terms(), pg_temp.terms('{"contracts": [{"contract": 1},
    {"contract": 2, "bands": ["night"], "band_rules": [{}, {"multiplier": "high"}]}]}')], '{}')$$);
SELECT pg_temp.refusal(statement)
  FROM unnest(ARRAY[
    'SELECT finance.rate(NULL, ''{}'')', 'SELECT finance.rate(''{}'', ''{}'')', 'SELECT finance.rate(ARRAY[NULL::jsonb], ''{}'')',
    'SELECT finance.rate(ARRAY[''[]''::jsonb], ''{}'')', 'SELECT finance.rate(ARRAY[''1''::jsonb], ''{}'')',
    'SELECT finance.rate(ARRAY[pg_temp.terms(), pg_temp.terms(''{"exponent": 0}'')], ''{}'')']) AS statement;

\pset format aligned
\pset tuples_only off
-- What the engine does not know it does not mind, and null is as good as nothing.
SELECT amount FROM finance.rate(ARRAY[pg_temp.terms('{"colour": "blue", "calendar": null, "rounding": null, "period": null,
    "anchor": null, "basis": null, "contracts": [{"contract": 1, "list": null, "bands": null, "band_rules": null,
    "overage": null, "cap_amount": null, "cap_seconds": null, "period_cap_amount": null, "period_cap_seconds": null, "prorate": null,
    "from": null, "to": null, "discount_pct": null, "title": "x"}]}')],
    ARRAY[pg_temp.entry(1, work_date => '2026-01-05', worked_s => 3600)], '{"allotments": null, "used": null, "more": 1}');

--
-- Refusals: state
--
\pset format unaligned
\pset tuples_only on
SELECT state, pg_temp.refusal(format('SELECT finance.rate(ARRAY[pg_temp.terms()], ''{}'', %L)', state))
  FROM unnest(ARRAY[
    '[]', '{"allotments": {}}', '{"allotments": [1]}', '{"allotments": [{"id": 1}]}', '{"used": 1}', '{"used": [{"amount": 1}]}',
    '{"used": [{"contract": 1, "amount": 0.001}]}', '{"used": [{"contract": 1, "seconds": "1"}]}', '{"used": [{"contract": 1, "day": "2026-02-30"}]}']) AS state;
SELECT change, pg_temp.refusal(format('SELECT finance.rate(ARRAY[pg_temp.terms()], ''{}'', pg_temp.state(pg_temp.allot(1, 1, %L)))', change))
  FROM unnest(ARRAY[
    '{"id": null}', '{"kind": null}', '{"kind": "gift"}', '{"unit": null}', '{"unit": "hours"}', '{"remaining": null}',
    '{"remaining": -1}', '{"remaining": 1.5}', '{"unit": "money", "remaining": 1.005}', '{"priority": "high"}',
    '{"effective_at": null}', '{"effective_at": "2026-01-01"}', '{"effective_at": "2026-01-01T00:00:00"}',
    '{"effective_at": "2026-01-01T25:00:00Z"}', '{"effective_at": "2026-13-01T00:00:00Z"}', '{"effective_at": "now"}',
    '{"effective_at": "999999-01-01T00:00:00Z"}', '{"expires_at": 5}', '{"rolls_over": "yes"}', '{"scope": {}}', '{"scope": [null]}']) AS change;
SELECT pg_temp.refusal('SELECT finance.rate(ARRAY[pg_temp.terms()], ''{}'', pg_temp.state(pg_temp.allot(1, 1), pg_temp.allot(1, 1)))');

\pset format aligned
\pset tuples_only off
-- Instants as PostgreSQL writes them in JSON, in any session, and as others do.
SELECT instant, count(allotment_id)
  FROM unnest(ARRAY['2026-01-05T09:00:00+00:00', '2026-01-05T14:45:00+05:45', '2026-01-05 08:59:59.999999Z', '2026-01-05T09:00:00.000001Z',
                    '2026-01-05T04:30-04:30', '-infinity', 'infinity']) AS instant,
       finance.rate(ARRAY[pg_temp.terms()], ARRAY[pg_temp.entry(1, '2026-01-05 09:00+00', '2026-01-05 09:00+00', 600)],
                    pg_temp.state(pg_temp.allot(1, 600, jsonb_build_object('effective_at', instant))))
 GROUP BY instant ORDER BY instant COLLATE "C";

--
-- Refusals: entries
--
\pset format unaligned
\pset tuples_only on
SELECT entry, pg_temp.refusal(format('SELECT finance.rate(ARRAY[pg_temp.terms()], ARRAY[%s])', entry))
  FROM unnest(ARRAY[
    'NULL::finance.rating_entry',
    'pg_temp.entry(NULL, work_date => ''2026-01-05'', worked_s => 1)',
    'pg_temp.entry(1, worked_s => 1)',
    'pg_temp.entry(1, ''2026-01-05'', NULL, worked_s => 1, work_date => ''2026-01-05'')',
    'pg_temp.entry(1, NULL, ''2026-01-05'', worked_s => 1, work_date => ''2026-01-05'')',
    'pg_temp.entry(1, ''2026-01-05 10:00+00'', ''2026-01-05 09:59:59+00'')',
    'pg_temp.entry(1, ''-infinity'', ''2026-01-05'', worked_s => 1)',
    'pg_temp.entry(1, ''2000-01-01'', ''2026-01-05'', worked_s => 1)',
    'pg_temp.entry(1, work_date => ''infinity'', worked_s => 1)',
    'pg_temp.entry(1, work_date => ''2026-01-05'')',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 10000000001)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => -9223372036854775808)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, billable_s => -1)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, disposition => ''free'')',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, price => -1)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, price => ''NaN'')',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, price => ''infinity'')',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, price => 0.0000001)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, cost_rate => 10000000000000)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, base_cost_rate => -1)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, terms_no => 2)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1, terms_no => 0)',
    'pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 1), pg_temp.entry(1, work_date => ''2026-01-05'', worked_s => 2)']) AS entry;

\pset format aligned
\pset tuples_only off
--
-- Properties, over random work of one contract with bands, rounding by task and day, allotments in time and money,
-- a companion, and a cap.
--
CREATE FUNCTION pg_temp.rich(scope text DEFAULT 'entry') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('rounding', jsonb_build_object('mode', 'up', 'increment_s', 360, 'scope', scope)) ||
           pg_temp.terms('{"calendar": {"zone": "Europe/Kyiv", "week": [
        [1, 32400, 64800, "regular"], [2, 32400, 64800, "regular"], [3, 32400, 64800, "regular"],
        [4, 32400, 64800, "regular"], [5, 32400, 64800, "regular"], [6, 0, 86400, "weekend"], [7, 0, 86400, "weekend"]]},
        "lists": {"1": {"name": "L", "prices": [{"id": 1, "from": "2026-01-01", "price": 66.67},
                                                {"id": 2, "role": "lead", "from": "2026-02-01", "price": 91.3}]}},
        "contracts": [{"contract": 1, "cap_amount": 4000, "discount_pct": 3.5,
                       "band_rules": [{"band": "off_hours", "multiplier": 1.5, "burn": 1.5}]},
                      {"contract": 2, "bands": ["weekend"], "band_rules": [{"multiplier": 2.25, "minimum_s": 1800}]}]}')
$$;
CREATE FUNCTION pg_temp.eaten() RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.state(pg_temp.allot(1, 30000, '{"expires_at": "2026-02-01T00:00:00+02:00"}'),
                         pg_temp.allot(2, 700.5, '{"unit": "money", "kind": "topup", "priority": 1}'),
                         pg_temp.allot(3, 20000, '{"kind": "block", "contract": 2}'))
$$;
CREATE TEMP TABLE rating_work AS
    SELECT n, at, at + make_interval(secs => length_s) AS until, length_s, length_s - n % 3 * 100 AS worked_s,
           CASE n % 5 WHEN 0 THEN 'lead' END AS role, n % 7 AS task
      FROM generate_series(1, 600) AS n,
           LATERAL (SELECT timestamptz '2026-01-01 00:00+02' + make_interval(mins => n * 7919 % 86400) AS at,
                           300 + n * 104729 % 20000 AS length_s) AS random;
CREATE FUNCTION pg_temp.work(n integer, at timestamptz, until timestamptz, worked_s integer, role text, task integer)
    RETURNS finance.rating_entry LANGUAGE sql AS $$
    SELECT pg_temp.entry(n, at, until, worked_s, role => role, task_id => task, cost_rate => 21.37, base_cost_rate => 890.1)
$$;

CREATE FUNCTION pg_temp.all_work() RETURNS finance.rating_entry[] LANGUAGE sql AS $$
    SELECT array_agg(pg_temp.work(n, at, until, worked_s, role, task) ORDER BY n) FROM rating_work
$$;

CREATE TEMP TABLE at_once AS
    SELECT * FROM finance.rate(ARRAY[pg_temp.rich()], pg_temp.all_work(), pg_temp.eaten());
SELECT coverage, count(*), sum(billed_s), sum(amount) FROM at_once GROUP BY coverage ORDER BY coverage;

-- The order of the array does not matter, whatever the scope of rounding.
SELECT scope, (SELECT count(*) FROM (SELECT * FROM finance.rate(ARRAY[pg_temp.rich(scope)], pg_temp.all_work(), pg_temp.eaten())
                                     EXCEPT ALL
                                     SELECT * FROM finance.rate(ARRAY[pg_temp.rich(scope)], shuffled, pg_temp.eaten())) AS lost) AS differ
  FROM unnest(ARRAY['entry', 'task_day', 'day', 'task', 'period']) AS scope,
       (SELECT array_agg(w ORDER BY md5((w).entry_id::text)) AS shuffled FROM unnest(pg_temp.all_work()) AS w) AS other;

-- Nothing is lost in splitting: seconds worked, seconds billed (where no minimum raised them), cost.
SELECT count(*) AS entries, sum(segments) > count(*) AS split,
       bool_and(r.worked_s = w.worked_s) AS worked, bool_and(raised OR r.billed_s = ceil(w.worked_s / 360.0) * 360) AS billed,
       bool_and(cost = round(w.worked_s * 21.37 / 3600, 2)) AS cost, bool_and(base_cost = round(w.worked_s * 890.1 / 3600, 2)) AS base_cost
  FROM rating_work AS w
  JOIN (SELECT entry_id, count(*) AS segments, sum(worked_s) AS worked_s, sum(billed_s) AS billed_s, sum(cost) AS cost,
               sum(base_cost) AS base_cost, bool_or(why #> '{band,minimum_s}' IS NOT NULL) IS TRUE AS raised
          FROM at_once GROUP BY entry_id) AS r ON r.entry_id = w.n;

-- Each cut changes the amount by a cent at most.
SELECT count(*) AS entries, bool_and(abs(split.amount - whole.amount) <= (split.segments - 1) * 0.01) AS within
  FROM (SELECT entry_id, count(*) AS segments, sum(amount) AS amount
          FROM finance.rate(ARRAY[pg_temp.rich() || '{"contracts": [{"contract": 1}]}'], pg_temp.all_work()) GROUP BY entry_id) AS split
  JOIN (SELECT entry_id, sum(amount) AS amount
          FROM finance.rate(ARRAY[pg_temp.rich() || '{"contracts": [{"contract": 1}], "period": "year",
                                  "calendar": {"zone": "Europe/Kyiv"}}'], pg_temp.all_work()) GROUP BY entry_id) AS whole USING (entry_id);

-- Nothing is drawn that is not there, and no cap is overrun.
SELECT allotment_id, sum(burned), sum(burned) <= CASE allotment_id WHEN 1 THEN 30000 WHEN 2 THEN 700.5 ELSE 20000 END AS within
  FROM at_once WHERE allotment_id IS NOT NULL GROUP BY allotment_id ORDER BY allotment_id;
SELECT contract_id, sum(amount) FROM at_once GROUP BY contract_id ORDER BY contract_id;

-- Rating in parts, each with the state that the one before left, is rating at once.
CREATE FUNCTION pg_temp.state_after(state jsonb, rated finance.rated_segment[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object(
        'allotments', (SELECT jsonb_agg(a || jsonb_build_object('remaining', (a->>'remaining')::numeric - coalesce(
                                  (SELECT sum(burned) FROM unnest(rated) WHERE allotment_id = (a->>'id')::bigint), 0)))
                         FROM jsonb_array_elements(state->'allotments') AS a),
        'used', coalesce(state->'used', '[]') || (SELECT coalesce(jsonb_agg(u), '[]')
                   FROM (SELECT contract_id AS contract, sum(amount) AS amount, sum(billed_s) AS seconds
                           FROM unnest(rated) WHERE coverage = 'billable' GROUP BY contract_id) AS u))
$$;
DO $$
DECLARE
    work finance.rating_entry[] := (SELECT array_agg(w ORDER BY started_at, entry_id) FROM unnest(pg_temp.all_work()) AS w);
    state jsonb := pg_temp.eaten();
    part finance.rated_segment[];
    rated finance.rated_segment[] := '{}';
    differ bigint;
BEGIN
    FOR i IN 0 .. 599 BY 75 LOOP
        part := ARRAY(SELECT r FROM finance.rate(ARRAY[pg_temp.rich()], work[i + 1:i + 75], state) AS r);
        state := pg_temp.state_after(state, part);
        rated := rated || part;
    END LOOP;
    SELECT count(*) INTO differ
      FROM (TABLE at_once EXCEPT ALL SELECT * FROM unnest(rated)) AS lost;
    RAISE NOTICE '% segments in 8 parts, % differ from those at once', cardinality(rated), differ;
END
$$;

-- Rounded in groups, the parts of a group sum to the same, whichever of them were frozen before.
WITH terms AS (
    SELECT ARRAY[pg_temp.terms('{"rounding": {"mode": "up", "increment_s": 900, "scope": "task_day"}}')] AS terms
), work AS (
    SELECT pg_temp.entry(n, work_date => '2026-01-05'::date + n % 9, worked_s => 61 + n * 7919 % 3000, task_id => n % 4) AS w
      FROM generate_series(1, 200) AS n
), whole AS (
    SELECT r.* FROM terms, LATERAL finance.rate(terms, ARRAY(SELECT w FROM work)) AS r
), earlier AS (
    SELECT r.* FROM terms, LATERAL finance.rate(terms, ARRAY(SELECT w FROM work WHERE (w).entry_id % 3 > 0)) AS r
), later AS (
    SELECT r.* FROM terms, LATERAL finance.rate(terms, ARRAY(
        SELECT pg_temp.entry((w).entry_id, work_date => (w).work_date, worked_s => (w).worked_s, task_id => (w).task_id,
                             frozen_s => billed_s)
          FROM work LEFT JOIN earlier ON earlier.entry_id = (w).entry_id)) AS r
)
SELECT count(*) AS groups, bool_and(whole_s = parts_s) AS same
  FROM (SELECT (w).task_id, (w).work_date, sum(billed_s) AS whole_s
          FROM whole JOIN work ON (w).entry_id = whole.entry_id GROUP BY 1, 2) AS a
  JOIN (SELECT (w).task_id, (w).work_date, sum(billed_s) AS parts_s
          FROM (TABLE earlier UNION ALL TABLE later) AS parts JOIN work ON (w).entry_id = parts.entry_id GROUP BY 1, 2) AS b
       USING (task_id, work_date);


-- an entry that has no price bears on no rounding group: the other half hour is
-- rounded up to an hour by itself, however often it is rated
SELECT s.entry_id, s.segment, s.billed_s, s.amount, s.problem
  FROM finance.rate(ARRAY['{"exponent": 2, "base_exponent": 2, "rounding": {"mode": "up", "increment_s": 3600, "scope": "day"},
           "lists": {"1": {"name": "One", "prices": [{"id": 1, "employee": 1, "from": "2026-01-01", "price": 100}]}},
           "contracts": [{"contract": 1, "number": "A-1"}]}'::jsonb],
       ARRAY[ROW(1, NULL, NULL, '2026-03-02', 1800, NULL, NULL, 1, 'billable', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry,
             ROW(2, NULL, NULL, '2026-03-02', 1800, NULL, NULL, 1, 'billable', 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry]) s;
