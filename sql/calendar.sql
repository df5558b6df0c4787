--
-- Calendars: splitting time into bands of the local day
--
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';

-- The calendars of this test.  Business hours are Mon-Fri 9:00 to 17:00 where
-- the name does not say otherwise.
CREATE TABLE sample (name text PRIMARY KEY, calendar jsonb);
INSERT INTO sample VALUES
('office', '{"zone": "UTC",
  "week": [[1, 32400, 61200, "regular"], [2, 32400, 61200, "regular"], [3, 32400, 61200, "regular"],
           [4, 32400, 61200, "regular"], [5, 32400, 61200, "regular"]],
  "days": [["2026-06-20", 36000, 50400, "regular"]],
  "closed_days": ["2026-06-03"]}'),
('ten to six', '{"zone": "UTC",
  "week": [[1, 36000, 64800, "regular"], [2, 36000, 64800, "regular"], [3, 36000, 64800, "regular"],
           [4, 36000, 64800, "regular"], [5, 36000, 64800, "regular"]]}'),
('night', '{"zone": "Europe/Kyiv",
  "week": [[1, 79200, 21600, "night"], [2, 79200, 21600, "night"], [3, 79200, 21600, "night"],
           [4, 79200, 21600, "night"], [5, 79200, 21600, "night"], [6, 79200, 21600, "night"],
           [7, 79200, 21600, "night"]]}'),
('dip', '{"zone": "Europe/Kyiv", "week": [[7, 11700, 12600, "dip"], [7, 12600, 18000, "dawn"]]}'),
-- Nights around a closed Friday, a moved Saturday with hours of its own at night,
-- and all day long on Sundays.
('mixed', '{"zone": "UTC",
  "week": [[4, 79200, 21600, "night"], [5, 79200, 21600, "night"], [5, 32400, 61200, "regular"],
           [6, 79200, 21600, "night"], [7, 0, 0, "weekend"]],
  "days": [["2026-06-13", 7200, 10800, "regular"], ["2026-06-13", 32400, 86400, "regular"]],
  "closed_days": ["2026-06-05"]}'),
-- New Year's night, from 20:00 on the last day of 2026 past midnight, and the
-- days around it with nights of every week; the 4th of January is a holiday that
-- is written as a whole day, the 5th one that is written past its end.
('new year', '{"zone": "UTC",
  "week": [[1, 79200, 21600, "night"], [2, 79200, 21600, "night"], [3, 79200, 21600, "night"],
           [4, 79200, 21600, "night"], [5, 79200, 21600, "night"]],
  "days": [["2026-12-31", 72000, 21600, "feast"], ["2027-01-04", 0, 0, "holiday"],
           ["2027-01-05", 28800, 28800, "holiday"]],
  "closed_days": ["2027-01-07"]}');

CREATE FUNCTION hours(started text, ended text, calendar text, band text DEFAULT 'regular') RETURNS numeric
BEGIN ATOMIC
    SELECT round(finance.business_seconds_by_calendar(started::timestamptz, ended::timestamptz, s.calendar, band)
                 / 3600.0, 2)
      FROM sample s WHERE s.name = hours.calendar;
END;
CREATE FUNCTION parts(started text, ended text, calendar text)
    RETURNS TABLE (band text, local_date date, started_at timestamptz, ended_at timestamptz, seconds bigint)
BEGIN ATOMIC
    SELECT p.* FROM sample s, finance.split_by_calendar(started::timestamptz, ended::timestamptz, s.calendar) p
     WHERE s.name = parts.calendar;
END;

-- A working hour, the same on Saturday, on a holiday (2026-06-03 is a Wednesday)
-- and on a moved working Saturday: 1, 0, 0, 1 regular hours.
SELECT hours('2026-06-01 10:00', '2026-06-01 11:00', 'office') AS monday,
       hours('2026-06-06 10:00', '2026-06-06 11:00', 'office') AS saturday,
       hours('2026-06-03 10:00', '2026-06-03 11:00', 'office') AS holiday,
       hours('2026-06-20 10:00', '2026-06-20 11:00', 'office') AS moved;

-- Monday 16:00 to Tuesday 10:00: 120 minutes in, 960 out.
SELECT band, sum(seconds) / 60 AS minutes
  FROM parts('2026-06-01 16:00', '2026-06-02 10:00', 'office') GROUP BY band ORDER BY band;
SELECT * FROM parts('2026-06-01 16:00', '2026-06-02 10:00', 'office');

-- Two hours, half in and half out; 16:30 to 17:10 is 30 and 10 minutes.
SELECT band, seconds FROM parts('2026-06-01 16:00', '2026-06-01 18:00', 'office');
SELECT band, seconds FROM parts('2026-06-01 16:30', '2026-06-01 17:10', 'office');

-- An empty interval is in the band of its start; the start of a band belongs
-- to it, the end does not.
SELECT at, band, local_date, started_at = at AND ended_at = at AS at_once, seconds
  FROM unnest('{2026-06-01 08:59:59.999999, 2026-06-01 09:00, 2026-06-01 16:59, 2026-06-01 17:00, 2026-06-02 00:00}'::timestamptz[]) at,
       parts(at::text, at::text, 'office');

-- Business seconds between two instants, 10:00 to 18:00.
SELECT e.started, e.ended, e.expected, 3600 * hours(e.started, e.ended, 'ten to six') = e.expected AS agrees
  FROM (VALUES ('2021-06-28 06:00', '2021-06-29 06:00', 28800), ('2021-06-28 06:00', '2021-06-29 11:00', 32400),
               ('2021-06-28 06:00', '2021-06-29 20:00', 57600), ('2021-06-28 06:00', '2021-07-01 11:00', 90000),
               ('2021-06-28 06:00', '2021-07-01 20:00', 115200), ('2021-06-28 12:00', '2021-07-01 20:00', 108000))
       AS e (started, ended, expected);

-- Over midnight: four hours on each of two local days.
SELECT band, local_date, seconds FROM parts('2026-06-01 20:00', '2026-06-02 04:00', 'office');

-- Kyiv, nights 22:00 to 6:00.  Spring: 11 h elapse, 7 of them at night;
-- autumn: 13 and 9.
SELECT hours('2026-03-28 22:00+02', '2026-03-29 10:00+03', 'night', 'night') AS spring_night,
       hours('2026-03-28 22:00+02', '2026-03-29 10:00+03', 'night', 'off_hours') AS spring_other,
       hours('2026-10-24 22:00+03', '2026-10-25 10:00+02', 'night', 'night') AS autumn_night,
       hours('2026-10-24 22:00+03', '2026-10-25 10:00+02', 'night', 'off_hours') AS autumn_other;
SELECT * FROM parts('2026-03-28 22:00+02', '2026-03-29 10:00+03', 'night');

-- Bands at 3:15, 3:30 and 5:00.  Spring goes from 3:00 to 4:00: the first is
-- never seen, the second lasts from 4:00.  Autumn goes from 4:00 back to 3:00:
-- the first is seen twice, the second 30 minutes before the change and from
-- 3:30 after it.
SELECT * FROM parts('2026-03-29 02:30+02', '2026-03-29 06:00+03', 'dip');
SELECT * FROM parts('2026-10-25 03:00+03', '2026-10-25 05:30+02', 'dip');

-- Samoa had no 30 December 2011: 48 hours from the 29th to the end of the 31st.
SELECT local_date, started_at, ended_at, seconds
  FROM finance.split_by_calendar('2011-12-29 00:00-10', '2012-01-01 00:00+14', '{"zone": "Pacific/Apia"}');
-- Sao Paulo showed 23:00 to 24:00 twice on 17 February 2018, so the day had 25
-- hours, and no 0:00 to 1:00 on 4 November 2018, which had 23.
SELECT day, finance.calendar_midnight(day, calendar) AS midnight, seconds
  FROM (VALUES ('2018-02-17'::date), ('2018-02-18'), ('2018-11-04'), ('2018-11-05')) d (day),
       (VALUES ('{"zone": "America/Sao_Paulo"}'::jsonb)) c (calendar),
       finance.split_by_calendar(finance.calendar_midnight(day, calendar),
                                 finance.calendar_midnight(day + 1, calendar), calendar);

-- Dates are replaced from midnight to midnight: closed Friday 5 June has no
-- morning of Thursday's night and no night of its own, the moved Saturday 13 June
-- has its own hours alone; the mornings after them are what they are in every
-- week.  Sunday's rows beat Saturday's night.
SELECT band, local_date, started_at, seconds FROM parts('2026-06-04 22:00', '2026-06-06 12:00', 'mixed');
SELECT band, local_date, started_at, seconds FROM parts('2026-06-12 17:00', '2026-06-14 08:00', 'mixed');
SELECT band, local_date, started_at, seconds FROM parts('2026-06-06 20:00', '2026-06-07 08:00', 'mixed');

-- The feast of Thursday 31 December ends at midnight, whatever its end says, and
-- Wednesday's night does not reach into it; the morning of 1 January is that of
-- every Friday: 6 h of Thursday's night.
SELECT band, local_date, started_at, seconds FROM parts('2026-12-30 22:00', '2027-01-01 12:00', 'new year');
-- A whole holiday, one that begins at 8:00 and is written to 8:00 of the next day
-- (16 h of it are there), a Wednesday with the morning of Tuesday's night, and a
-- closed Thursday with no hour of Wednesday's.
SELECT band, local_date, started_at, seconds FROM parts('2027-01-03 22:00', '2027-01-08 08:00', 'new year');
-- A leap day, and a holiday on the day that the clocks go back: 25 hours of it.
SELECT band, local_date, started_at, seconds
  FROM finance.split_by_calendar('2028-02-28 20:00', '2028-03-01 10:00', '{"zone": "UTC",
    "week": [[1, 64800, 28800, "night"], [2, 64800, 28800, "night"]], "days": [["2028-02-29", 43200, 43200, "leap"]]}');
SELECT band, local_date, seconds
  FROM finance.split_by_calendar('2026-10-24 22:00+03', '2026-10-26 08:00+02', '{"zone": "Europe/Kyiv",
    "week": [[6, 79200, 21600, "night"], [7, 79200, 21600, "night"]], "days": [["2026-10-25", 0, 86400, "holiday"]]}');

-- No calendar: UTC, one band.  A calendar with a zone alone: off hours.
SELECT * FROM finance.split_by_calendar('2026-06-06 23:00', '2026-06-07 01:00', NULL);
SELECT band, local_date, seconds
  FROM finance.split_by_calendar('2026-06-06 23:00', '2026-06-07 01:00', '{"zone": "Asia/Kathmandu"}');
SELECT name, finance.calendar_bands(calendar) FROM sample ORDER BY name;
SELECT finance.calendar_bands(NULL), finance.calendar_bands('{"zone": "utc", "week": [], "days": [["2026-06-01", null, null, null]]}');

-- NULL in, nothing out; a band the calendar does not have takes no time.
SELECT * FROM finance.split_by_calendar(NULL, '2026-06-01', NULL);
SELECT * FROM finance.split_by_calendar('2026-06-01', NULL, NULL);
SELECT finance.business_seconds_by_calendar(NULL, '2026-06-01', NULL) AS no_start,
       finance.business_seconds_by_calendar('2026-06-01', '2026-06-02', NULL, NULL) AS no_band,
       finance.business_seconds_by_calendar('2026-06-01', '2026-06-02', NULL, 'night') AS other_band,
       finance.business_seconds_by_calendar('2026-06-01', '2026-06-02', NULL) AS whole_day,
       finance.calendar_date(NULL, NULL) AS no_instant, finance.calendar_midnight(NULL, NULL) AS no_day;

-- Parts of a second: a cut is rounded on its distance from the start, so
-- 0.5 s + 1.5 s are 1 + 1, and 1.7 s are 1 whole second (0.3 + 1.4: 0 + 1).
SELECT band, started_at, ended_at, seconds FROM parts('2026-06-01 08:59:59.5', '2026-06-01 09:00:01.5', 'office');
SELECT band, seconds FROM parts('2026-06-01 08:59:59.7', '2026-06-01 09:00:01.4', 'office');

-- The local date and the instant it begins.
SELECT finance.calendar_date('2026-06-01 20:59:59.999999+00', '{"zone": "Europe/Kyiv"}') AS before,
       finance.calendar_date('2026-06-01 21:00+00', '{"zone": "Europe/Kyiv"}') AS after,
       finance.calendar_midnight('2026-06-02', '{"zone": "Europe/Kyiv"}') AS midnight,
       finance.calendar_midnight('2026-06-02', NULL) AS utc,
       finance.calendar_midnight('2011-12-30', '{"zone": "Pacific/Apia"}') AS skipped,
       finance.calendar_midnight('2011-12-31', '{"zone": "Pacific/Apia"}') AS next;

-- The far ends of time.
SELECT band, local_date, seconds
  FROM finance.split_by_calendar('294276-12-31 23:00+00', '294276-12-31 23:59:59.999999+00', '{"zone": "Pacific/Apia"}');
SELECT band, local_date, seconds
  FROM finance.split_by_calendar('4714-11-24 00:00+00 BC', '4714-11-24 01:00+00 BC', '{"zone": "America/New_York"}');

--
-- Against a second reading of the rules, minute by minute in SQL
--

CREATE TABLE oracle_calendar (no int PRIMARY KEY, zone text, calendar jsonb);
CREATE TABLE oracle_row (no int, isodow int, day date, start_s int, end_s int, band text);
CREATE TABLE oracle_closed (no int, day date);
-- Where the clocks of each zone changed.
CREATE TABLE oracle_change (zone text, at timestamptz);
INSERT INTO oracle_change VALUES
    ('Europe/Kyiv', '2026-03-29 01:00Z'), ('Europe/Kyiv', '2026-10-25 01:00Z'),
    ('America/New_York', '2026-03-08 07:00Z'), ('America/New_York', '2026-11-01 06:00Z'),
    ('Asia/Kathmandu', '2026-05-01 00:00Z'), ('Asia/Kathmandu', '1985-12-31 18:30Z'),
    ('Pacific/Apia', '2011-12-30 10:00Z'), ('Pacific/Apia', '2012-03-31 14:00Z'),
    ('Australia/Lord_Howe', '2026-04-04 15:00Z'), ('Australia/Lord_Howe', '2026-10-03 15:30Z'),
    ('America/St_Johns', '2010-03-14 03:31Z'), ('America/St_Johns', '2010-11-07 02:31Z'),
    ('America/Sao_Paulo', '2018-02-18 02:00Z'), ('America/Sao_Paulo', '2018-11-04 03:00Z'),
    ('Africa/Casablanca', '2026-02-15 02:00Z'), ('Antarctica/Troll', '2026-10-25 01:00Z'),
    ('UTC', '2026-12-31 23:00Z'), ('UTC', '2027-02-28 23:00Z');

-- Days of random rows that do not overlap: borders in order, some pairs left
-- out, the last row sometimes past midnight.  (The argument makes each day its own.)
SELECT setseed(0.25);
CREATE FUNCTION random_rows(for_day text) RETURNS TABLE (start_s int, end_s int, band text)
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    borders int[] := ARRAY(SELECT DISTINCT 60 * (5 * floor(random() * 288))::int + CASE WHEN random() < 0.3 THEN 60 ELSE 0 END
                             FROM generate_series(1, 2 + (random() * 6)::int) ORDER BY 1);
BEGIN
    FOR i IN 1 .. cardinality(borders) LOOP
        start_s := borders[i];
        end_s := coalesce(borders[i + 1], CASE WHEN random() < 0.7 THEN borders[1] WHEN random() < 0.5 THEN 0 ELSE 86400 END);
        band := (ARRAY['regular', 'night', 'evening', 'off_hours'])[1 + floor(random() * 4)];
        IF random() < 0.75 AND start_s < 86400 THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
INSERT INTO oracle_calendar SELECT row_number() OVER (), zone FROM oracle_change, generate_series(1, 4);
INSERT INTO oracle_row
    SELECT no, isodow, NULL, r.* FROM oracle_calendar, generate_series(1, 7) isodow,
           random_rows(no || ' ' || isodow) r;
-- Around each change some dates have rows of their own, some are closed.
CREATE TABLE oracle_date AS
    SELECT c.no, (x.at AT TIME ZONE c.zone)::date + d.day AS day, random() AS draw
      FROM oracle_calendar c JOIN (SELECT DISTINCT ON (zone) * FROM oracle_change ORDER BY zone, random()) x USING (zone),
           generate_series(-3, 3) AS d (day);
INSERT INTO oracle_row
    SELECT no, NULL, day, r.* FROM oracle_date, random_rows(no || ' ' || day) r
     WHERE draw < 0.3;
INSERT INTO oracle_closed
    SELECT no, day FROM oracle_date WHERE draw > 0.8;
UPDATE oracle_calendar c
   SET calendar = jsonb_build_object('zone', zone,
       'week', (SELECT coalesce(jsonb_agg(jsonb_build_array(isodow, start_s, end_s, band) ORDER BY random()), '[]')
                  FROM oracle_row r WHERE r.no = c.no AND isodow IS NOT NULL),
       'days', (SELECT coalesce(jsonb_agg(jsonb_build_array(day, start_s, end_s, band) ORDER BY random()), '[]')
                  FROM oracle_row r WHERE r.no = c.no AND day IS NOT NULL),
       'closed_days', (SELECT coalesce(jsonb_agg(day ORDER BY random()), '[]') FROM oracle_closed r WHERE r.no = c.no));

-- Two intervals for each calendar and each change of its zone, near that.
CREATE TABLE oracle_interval AS
    SELECT row_number() OVER () AS id, c.no, started_at, started_at + (random() * 3600)::int * interval '1 minute' AS ended_at
      FROM oracle_calendar c JOIN oracle_change x USING (zone), generate_series(1, 2),
           LATERAL (SELECT x.at + ((random() - 0.7) * 4320)::int * interval '1 minute' AS started_at) s;

-- The rows that hold on a date: its own up to midnight, none when it is closed,
-- else those of its weekday, of which the last may run past midnight.
CREATE TABLE oracle_day AS
    SELECT d.no, d.day, r.day IS NOT NULL AS of_date, r.start_s, r.end_s, r.band
      FROM (SELECT DISTINCT i.no, generate_series(started_at - interval '3 days', ended_at + interval '2 days', '1 day')::date AS day
              FROM oracle_interval i) d
      JOIN oracle_row r ON r.no = d.no
       AND (r.day = d.day
            OR r.isodow = extract(isodow FROM d.day)
               AND NOT EXISTS (SELECT FROM oracle_row o WHERE o.no = d.no AND o.day = d.day))
     WHERE NOT EXISTS (SELECT FROM oracle_closed o WHERE o.no = d.no AND o.day = d.day);
CREATE INDEX ON oracle_day (no, day);
ANALYZE oracle_day;

-- Dates with rows of their own, or closed.
CREATE TABLE oracle_own AS
    SELECT no, day FROM oracle_closed UNION SELECT no, day FROM oracle_row WHERE day IS NOT NULL;
-- The band of a minute: a row of its local date, else (but for dates of their
-- own) one of the weekday before that runs past midnight, else off hours.
CREATE TABLE oracle_part AS
    SELECT m.id, m.local_date, coalesce(today.band, yesterday.band, 'off_hours') AS band, 60 * count(*) AS seconds
      FROM (SELECT i.id, i.no, l.local::date AS local_date, extract(epoch FROM l.local::time) AS local_s
              FROM oracle_interval i JOIN oracle_calendar c USING (no),
                   generate_series(i.started_at, i.ended_at - interval '1 minute', '1 minute') AS at,
                   LATERAL (SELECT at AT TIME ZONE c.zone AS local) l) m
      LEFT JOIN oracle_day today ON today.no = m.no AND today.day = m.local_date AND m.local_s >= today.start_s
            AND (m.local_s < today.end_s OR today.end_s <= today.start_s)
      LEFT JOIN oracle_row yesterday ON yesterday.no = m.no AND yesterday.isodow = extract(isodow FROM m.local_date - 1)
            AND yesterday.end_s <= yesterday.start_s AND m.local_s < yesterday.end_s
            AND NOT EXISTS (SELECT FROM oracle_own o WHERE o.no = m.no AND o.day = m.local_date)
     GROUP BY 1, 2, 3;
CREATE TABLE computed_part AS
    SELECT i.id, p.* FROM oracle_interval i JOIN oracle_calendar c USING (no),
           finance.split_by_calendar(i.started_at, i.ended_at, c.calendar) p;
SELECT count(*) AS intervals, sum(ended_at - started_at) > interval '150 days' AS enough_minutes FROM oracle_interval;
SELECT count(*) > 1000 AS enough_parts, count(DISTINCT band) AS bands FROM oracle_part;
-- Every rule has its turn: rows past midnight, into days with rows of their
-- own, into closed days; rows of dates that would run past them.
SELECT count(*) > 50 AS past_midnight, count(*) FILTER (WHERE o.start_s < y.end_s) > 50 AS own_rows_win,
       count(*) FILTER (WHERE o.of_date AND NOT y.of_date) > 5 AS into_dates, count(*) FILTER (WHERE c.day IS NOT NULL) > 5 AS into_closed,
       count(*) FILTER (WHERE y.of_date) > 5 AS dates_past_midnight
  FROM oracle_day y LEFT JOIN oracle_day o ON o.no = y.no AND o.day = y.day + 1
  LEFT JOIN oracle_closed c ON c.no = y.no AND c.day = y.day + 1
 WHERE y.end_s <= y.start_s AND y.end_s > 0;
SELECT count(*) AS mismatches
  FROM oracle_part o
  FULL JOIN (SELECT id, local_date, band, sum(seconds) AS seconds FROM computed_part GROUP BY 1, 2, 3) p
       USING (id, local_date, band, seconds)
 WHERE (o.id IS NULL OR p.id IS NULL) AND seconds > 0;

-- The parts tile the interval, in order, and their seconds sum to it.
SELECT count(*) AS gaps
  FROM (SELECT p.*, i.started_at AS whole_start, i.ended_at AS whole_end,
               lag(p.ended_at) OVER w AS before, lead(p.started_at) OVER w AS after
          FROM computed_part p JOIN oracle_interval i USING (id)
        WINDOW w AS (PARTITION BY id ORDER BY p.started_at, p.ended_at)) t
 WHERE coalesce(before, whole_start) <> started_at OR coalesce(after, whole_end) <> ended_at
    OR started_at >= ended_at AND whole_start < whole_end;
SELECT count(*) AS wrong_sums
  FROM (SELECT i.id FROM computed_part p JOIN oracle_interval i USING (id) GROUP BY i.id, i.started_at, i.ended_at
        HAVING sum(p.seconds) <> extract(epoch FROM i.ended_at - i.started_at)) s;
-- Neighbours differ in band or date: nothing is cut without a reason.
SELECT count(*) AS needless_cuts
  FROM (SELECT band = lag(band) OVER w AND local_date = lag(local_date) OVER w AS same
          FROM computed_part WINDOW w AS (PARTITION BY id ORDER BY started_at, ended_at)) t
 WHERE same;
-- The seconds of each band on their own, and cut in two at any microsecond.
SELECT count(*) AS mismatches
  FROM oracle_interval i JOIN oracle_calendar c USING (no), unnest(finance.calendar_bands(c.calendar)) band
 WHERE finance.business_seconds_by_calendar(started_at, ended_at, c.calendar, band)
       IS DISTINCT FROM (SELECT coalesce(sum(seconds), 0) FROM oracle_part o WHERE o.id = i.id AND o.band = band.band);
SELECT count(*) AS wrong_sums
  FROM (SELECT started_at + random() * interval '1 second' AS started_at,
               ended_at + interval '1 second' + random() * interval '1 second' AS ended_at, calendar
          FROM oracle_interval JOIN oracle_calendar USING (no)) i
 WHERE floor(extract(epoch FROM ended_at - started_at))
       <> (SELECT sum(seconds) FROM finance.split_by_calendar(started_at, ended_at, calendar));

-- Dates and their beginnings, second by second around the changes.
SELECT count(*) AS mismatches
  FROM oracle_change, generate_series(at - interval '25 hours', at + interval '25 hours', '59 seconds') instant
 WHERE finance.calendar_date(instant, jsonb_build_object('zone', zone)) <> (instant AT TIME ZONE zone)::date;
SELECT count(*) AS mismatches
  FROM (SELECT zone, (at AT TIME ZONE zone)::date + d AS day,
               finance.calendar_midnight((at AT TIME ZONE zone)::date + d, jsonb_build_object('zone', zone)) AS midnight
          FROM oracle_change, generate_series(-2, 2) d) m
 WHERE (midnight AT TIME ZONE zone)::date < day
    OR EXISTS (SELECT FROM generate_series(midnight - interval '26 hours', midnight - interval '1 second', '59 seconds') before
                WHERE (before AT TIME ZONE zone)::date >= day)
    OR ((midnight - interval '0.000001 second') AT TIME ZONE zone)::date >= day;

--
-- Refusals
--
CREATE FUNCTION refusal(statement text) RETURNS text
    LANGUAGE plpgsql AS $$
DECLARE
    details text;
    hints text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS details = PG_EXCEPTION_DETAIL, hints = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(details, ''), nullif(hints, ''));
END
$$;
SELECT refusal(format('SELECT finance.split_by_calendar(%L, %L, NULL)', started, ended))
  FROM (VALUES ('2026-06-01 10:00', '2026-06-01 09:59:59.999999'), ('-infinity', '2026-06-01'), ('2026-06-01', 'infinity'),
               ('2026-06-01', '2036-06-09'), ('4714-11-24 BC', '294276-12-31')) i (started, ended);
SELECT refusal($$SELECT finance.business_seconds_by_calendar('2026-06-02', '2026-06-01', NULL)$$);
SELECT refusal($$SELECT finance.calendar_date('infinity', NULL)$$);
SELECT refusal(format('SELECT finance.calendar_midnight(%L, NULL)', day))
  FROM unnest('{infinity,-infinity,4714-11-24 BC,294276-12-31,5874897-12-31}'::date[]) day;
-- Ten years are not too long.
SELECT finance.business_seconds_by_calendar('2026-06-01', '2036-06-08', NULL) = 3660 * 86400::bigint AS ten_years;

SELECT document, refusal(format('SELECT finance.calendar_bands(%L)', document))
  FROM unnest(ARRAY[
    '[]', 'null', '7', '"UTC"', '{}', '{"zone": 3}', '{"zone": ""}', '{"zone": "Europe/Kiew"}', '{"zone": "UTC+3"}',
    '{"zone": "<+03>-3"}', '{"zone": ":UTC"}', '{"zone": "../UTC"}', '{"zone": "Europe"}',
    '{"zone": "UTC", "weeks": []}', '{"zone": "UTC", "week": {}}', '{"zone": "UTC", "week": null}',
    '{"zone": "UTC", "week": [1]}', '{"zone": "UTC", "week": [[1, 2, 3]]}', '{"zone": "UTC", "days": [{"a": 1}]}',
    '{"zone": "UTC", "week": [[0, 2, 3, "a"]]}', '{"zone": "UTC", "week": [[8, 2, 3, "a"]]}',
    '{"zone": "UTC", "week": [[1.5, 2, 3, "a"]]}', '{"zone": "UTC", "week": [["2026-06-01", 2, 3, "a"]]}',
    '{"zone": "UTC", "week": [[1, 0, 3, "a"], [1, -1, 3, "a"]]}', '{"zone": "UTC", "week": [[1, 86400, 3, "a"]]}',
    '{"zone": "UTC", "week": [[1, 0, 86401, "a"]]}', '{"zone": "UTC", "week": [[1, 0, 1e400, "a"]]}',
    '{"zone": "UTC", "week": [[1, 0.5, 3, "a"]]}', '{"zone": "UTC", "week": [[1, "9:00", 3, "a"]]}',
    '{"zone": "UTC", "week": [[1, null, null, null]]}', '{"zone": "UTC", "days": [["2026-06-01", null, null, "a"]]}',
    '{"zone": "UTC", "week": [[1, 0, 3, ""]]}', '{"zone": "UTC", "week": [[1, 0, 3, null]]}',
    '{"zone": "UTC", "days": [["2026-06-31", 0, 3, "a"]]}', '{"zone": "UTC", "days": [["2026-6-01", 0, 3, "a"]]}',
    '{"zone": "UTC", "days": [["2025-02-29", 0, 3, "a"]]}', '{"zone": "UTC", "days": [["today", 0, 3, "a"]]}',
    '{"zone": "UTC", "days": [[1, 0, 3, "a"]]}', '{"zone": "UTC", "closed_days": ["2026-06-01", "2026-13-01"]}',
    '{"zone": null}', '{"zone": "UTC", "closed_days": ["10000-01-01"]}', '{"zone": "UTC", "closed_days": [["2026-06-01"]]}', '{"zone": "UTC", "closed_days": "2026-06-01"}',
    '{"zone": "UTC", "week": [[3, 32400, 61200, "a"], [3, 57600, 3600, "b"]]}',
    '{"zone": "UTC", "week": [[3, 0, 0, "a"], [3, 86399, 86400, "b"]]}',
    '{"zone": "UTC", "days": [["2026-06-01", 10, 20, "a"], ["2026-06-01", 10, 20, "a"]]}',
    '{"zone": "UTC", "days": [["2026-06-01", 10, 20, "a"]], "closed_days": ["2026-06-01"]}']) document;
-- Neighbours and rows past midnight into the morning of the next day do not overlap.
SELECT document, refusal(format('SELECT finance.calendar_bands(%L)', document))
  FROM unnest(ARRAY[
    '{"zone": "UTC", "week": [[3, 0, 3600, "a"], [3, 3600, 0, "b"]]}',
    '{"zone": "UTC", "week": [[3, 79200, 21600, "a"], [3, 0, 79200, "b"], [4, 0, 79200, "b"]]}',
    '{"zone": "UTC", "closed_days": ["2024-02-29", "2024-02-29", "2000-02-29"]}',
    '{"zone": "etc/gmt+5"}']) document;
-- Bounds.
SELECT refusal($$SELECT finance.calendar_bands(jsonb_build_object('zone', 'UTC', 'closed_days', array_fill('2026-01-01'::text, ARRAY[10001])))$$);
SELECT refusal($$SELECT finance.calendar_bands(jsonb_build_object('zone', 'UTC', 'week', jsonb_agg(jsonb_build_array(1, n, n + 1, 'a')))) FROM generate_series(1, 97) n$$);
SELECT refusal($$SELECT finance.calendar_bands(jsonb_build_object('zone', 'UTC', 'week', jsonb_agg(jsonb_build_array(1, n, n + 1, 'a' || n)))) FROM generate_series(1, 64) n$$);
SELECT refusal($$SELECT finance.calendar_bands(jsonb_build_object('zone', 'UTC', 'week', jsonb_build_array(jsonb_build_array(1, 2, 3, repeat('a', 64)))))$$);

SELECT zone, finance.is_zone(zone) FROM unnest('{UTC,Europe/Kyiv,europe/kyiv,Etc/GMT+5,UTC+3,Mars/Base,"",Europe,:UTC,NULL}'::text[]) zone;
SELECT count(*) AS unknown FROM pg_timezone_names WHERE NOT finance.is_zone(name);

-- The calendar kept between calls follows its argument, also after an error.
DO $$
DECLARE
    calendars jsonb[] := ARRAY[NULL, '{"zone": "UTC"}', '{"zone": "UTC", "weeks": []}', '{"zone": "UTC"}', NULL,
                               '{"zone": "UTC", "week": [[1, 0, 0, "regular"]]}'];
    answer text;
BEGIN
    FOR i IN 1 .. 6 LOOP
        BEGIN
            answer := finance.business_seconds_by_calendar('2026-06-01', '2026-06-02', calendars[i]);
        EXCEPTION WHEN invalid_parameter_value THEN
            answer := SQLERRM;
        END;
        RAISE NOTICE '%', answer;
    END LOOP;
END
$$;

--
-- The books' calendars
--
SELECT finance.create_books('calendar_books');
SET search_path = calendar_books;
INSERT INTO calendar (name, zone) VALUES ('Kyiv', 'Europe/Kyiv'), ('bare', 'UTC');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band)
    SELECT 1, isodow, '09:00', '17:00', 'regular' FROM generate_series(1, 5) isodow;
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band)
    SELECT 1, isodow, '22:00', '06:00', 'night' FROM generate_series(1, 7) isodow;
INSERT INTO calendar_band (calendar_id, day, starts, ends, band) VALUES
    (1, '2026-12-26', '10:00', '14:00:30', 'regular'), (1, '2026-12-26', '14:00:30', '24:00', 'late'), (1, '2026-12-25', NULL, NULL, NULL);
SELECT calendar_document(1) -> 'week' -> 0 AS monday, jsonb_array_length(calendar_document(1) -> 'week') AS week,
       calendar_document(1) -> 'days' AS days, calendar_document(1) -> 'closed_days' AS closed_days,
       calendar_document(2) AS bare, calendar_document(NULL) AS none;
-- The document does not depend on the session.
SET datestyle = 'German';
SELECT calendar_document(1) -> 'days' -> 0 ->> 0 AS day;
SET datestyle = 'ISO, YMD';
-- Spring in Kyiv, then Christmas closed, without the morning of Thursday's night,
-- and a moved Saturday.
SELECT band, sum(seconds) / 3600.0 AS hours
  FROM split_by_band('2026-03-28 22:00+02', '2026-03-29 10:00+03', 1) GROUP BY band ORDER BY band;
SELECT * FROM split_by_band('2026-12-24 22:00+02', '2026-12-27 00:30+02', 1);
SELECT business_seconds('2026-12-21 00:00+02', '2026-12-28 00:00+02', 1) AS regular,
       4 * 8 * 3600 + 4 * 3600 + 30 AS expected,
       business_seconds('2026-12-26 00:00+02', '2026-12-27 00:00+02', 1, band => 'late') AS late,
       business_seconds('2026-12-21 00:00+02', '2026-12-22 00:00+02', 2) AS bare,
       business_seconds('2026-12-21 00:00+02', '2026-12-22 00:00+02', NULL) AS none;

-- Refused by the books.
SELECT public.refusal($$SELECT calendar_books.calendar_document(3)$$);
SELECT public.refusal($$SELECT calendar_books.split_by_band('2026-12-21', '2026-12-22', 3)$$);
SELECT public.refusal($$SELECT calendar_books.business_seconds('2026-12-22', '2026-12-21', 1)$$);
INSERT INTO calendar (name, zone) VALUES ('Mars', 'Mars/Base');
INSERT INTO calendar (name, zone) VALUES ('Kyiv', 'UTC');
INSERT INTO calendar (name, zone) VALUES ('', 'UTC');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (9, 1, '09:00', '17:00', 'a');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (2, 8, '09:00', '17:00', 'a');
INSERT INTO calendar_band (calendar_id, starts, ends, band) VALUES (2, '09:00', '17:00', 'a');
INSERT INTO calendar_band (calendar_id, isodow, day, starts, ends, band) VALUES (2, 1, '2026-06-01', '09:00', '17:00', 'a');
INSERT INTO calendar_band (calendar_id, isodow) VALUES (2, 1);
INSERT INTO calendar_band (calendar_id, day, starts) VALUES (2, '2026-06-01', '09:00');
INSERT INTO calendar_band (calendar_id, day) VALUES (2, 'infinity');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (2, 1, '24:00', '17:00', 'a');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (2, 1, '09:00', '17:00:00.5', 'a');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (2, 1, '09:00', '17:00', '');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (1, 1, '09:00', '10:00', 'a');
INSERT INTO calendar_band (calendar_id, day) VALUES (1, '2026-12-25');
INSERT INTO calendar_band (calendar_id, isodow, starts, ends, band) VALUES (2, 1, '09:00', '17:00', 'a'), (2, 1, '16:00', '18:00', 'b');
INSERT INTO calendar_band (calendar_id, day, starts, ends, band) VALUES (1, '2026-12-25', '09:00', '17:00', 'a');
UPDATE calendar_band SET ends = '22:30' WHERE calendar_id = 1 AND isodow = 3 AND starts = '09:00';
UPDATE calendar_band SET ends = '22:00' WHERE calendar_id = 1 AND isodow = 3 AND starts = '09:00';
-- An update of no rows, a calendar that goes with its bands.
UPDATE calendar_band SET ends = '22:30' WHERE false;
DELETE FROM calendar WHERE id = 1;
SELECT count(*) FROM calendar_band;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA calendar_books, calendar_books_internal CASCADE;
DROP TABLE sample, oracle_calendar, oracle_row, oracle_closed, oracle_own, oracle_change, oracle_date, oracle_interval, oracle_day,
    oracle_part, computed_part CASCADE;
DROP FUNCTION random_rows, refusal;
