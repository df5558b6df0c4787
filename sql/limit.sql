--
-- Limits: what one call may ask for, and what it says when it is too much.
--
-- Each limit is met exactly where that is cheap, and passed by one.  That the
-- time and memory of calls follow their inputs is what test/fuzz looks at.
--
SET timezone = 'UTC';
SET datestyle = 'ISO';
\pset null '-'
\t on
\a
SELECT name, maximum, what, hint FROM finance.limits();

-- What the server says to a statement: its first line.
CREATE FUNCTION pg_temp.answer(statement text, terms jsonb[] DEFAULT NULL, entries finance.rating_entry[] DEFAULT NULL, state jsonb DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_count bigint;
    v_detail text;
    v_hint text;
BEGIN
    EXECUTE statement INTO v_count USING terms, entries, state;
    RETURN 'ok: ' || v_count;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE || ': ' || SQLERRM, nullif(v_detail, ''), nullif(v_hint, ''));
END $$;

-- The terms of contract 1, with other lists and contracts, and n entries of an hour.
CREATE FUNCTION pg_temp.terms(lists jsonb DEFAULT '{}', base jsonb DEFAULT '{}', more jsonb DEFAULT '{}') RETURNS jsonb[] LANGUAGE sql AS $$
    SELECT ARRAY[jsonb_build_object('exponent', 2, 'base_exponent', 2, 'lists', lists, 'contracts', jsonb_build_array('{"contract": 1}' || base)) || more]
$$;
CREATE FUNCTION pg_temp.entries(n int, role text DEFAULT NULL, ended_at timestamptz DEFAULT '2026-03-02 10:00Z') RETURNS finance.rating_entry[] LANGUAGE sql AS $$
    SELECT array_agg(ROW(i, timestamptz '2026-03-02 09:00Z', ended_at, NULL, 3600, NULL, 10, NULL, NULL, NULL, role, NULL, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry)
      FROM generate_series(1, n) i
$$;
CREATE FUNCTION pg_temp.nulls(n int) RETURNS jsonb LANGUAGE sql AS $$ SELECT to_jsonb(array_fill(NULL::int, ARRAY[n])) $$;
CREATE FUNCTION pg_temp.rate(terms jsonb[], entries finance.rating_entry[] DEFAULT '{}', state jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.answer('SELECT count(*) FROM finance.rate($1, $2, $3)', terms, entries, state)
$$;

-- Documents: as many as may be, and one more.
SELECT pg_temp.rate(array_fill((pg_temp.terms())[1], ARRAY[n])) FROM unnest('{10000,10001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(base => '{}', more => jsonb_build_object('contracts', (SELECT jsonb_agg(jsonb_build_object('contract', i, 'bands', '[]'::jsonb)) FROM generate_series(1, n) i))))
  FROM unnest('{100000,100001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(base => jsonb_build_object('bands', to_jsonb(array_fill('x'::text, ARRAY[n]))))) FROM unnest('{1000,1001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(base => jsonb_build_object('band_rules', to_jsonb(array_fill('{}'::jsonb, ARRAY[n]))))) FROM unnest('{1000,1001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(base => jsonb_build_object('overage', to_jsonb(array_fill('{"line": 1, "price": 1}'::jsonb, ARRAY[n]))))) FROM unnest('{1000,1001}'::int[]) n;
-- small parts of many contracts add up
SELECT pg_temp.rate(array_fill((pg_temp.terms(base => jsonb_build_object('band_rules', to_jsonb(array_fill('{}'::jsonb, ARRAY[1000])))))[1], ARRAY[n])) FROM unnest('{200,201}'::int[]) n;
SELECT pg_temp.rate(array_fill((pg_temp.terms(base => jsonb_build_object('bands', to_jsonb(array_fill('x'::text, ARRAY[1000])))))[1], ARRAY[201]));
SELECT pg_temp.rate(array_fill((pg_temp.terms(base => jsonb_build_object('overage', to_jsonb(array_fill('{"line": 1, "price": 1}'::jsonb, ARRAY[1000])))))[1], ARRAY[201]));
SELECT pg_temp.rate(pg_temp.terms((SELECT jsonb_object_agg(i, '{}'::jsonb) FROM generate_series(1, n) i))) FROM unnest('{100000,100001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(jsonb_build_object('1', jsonb_build_object('prices', pg_temp.nulls(n))))) FROM unnest('{1000000,1000001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms((SELECT jsonb_object_agg(i, jsonb_build_object('parent', nullif(i, 1) - 1)) FROM generate_series(1, n) i))) FROM unnest('{101,102}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms((SELECT jsonb_object_agg(i, jsonb_build_object('parent', i % 200 + 1)) FROM generate_series(1, 200) i)));
SELECT pg_temp.rate(pg_temp.terms('{"1": {}, "01": {}}'));
SELECT pg_temp.rate(pg_temp.terms(base => jsonb_build_object('overage', jsonb_build_array(jsonb_build_object('line', 1, 'price', 1, 'scope', to_jsonb(array_fill(1, ARRAY[n]))))))) FROM unnest('{1000000,1000001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(base => jsonb_build_object('bands', jsonb_build_array(repeat('x', n))))) FROM unnest('{1000,1001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(jsonb_build_object('1', jsonb_build_object('name', repeat('x', n))))) FROM unnest('{1000,1001}'::int[]) n;
SELECT left(pg_temp.rate(pg_temp.terms(jsonb_build_object(repeat('1', n), '{}'))), 80) FROM unnest('{1000,1001}'::int[]) n;

-- The state.
SELECT pg_temp.rate(pg_temp.terms(), state => jsonb_build_object('allotments', to_jsonb(array_fill('{"contract": 0}'::jsonb, ARRAY[n])))) FROM unnest('{100000,100001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(), state => jsonb_build_object('used', to_jsonb(array_fill('{"contract": 1, "seconds": 1}'::jsonb, ARRAY[n])))) FROM unnest('{100000,100001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(), state => jsonb_build_object('allotments', pg_temp.nulls(n))) FROM unnest('{100000,1000000}'::int[]) n;

-- The entries.
SELECT pg_temp.answer(format('SELECT count(*) FROM finance.rate(%L, array_fill(NULL::finance.rating_entry, ARRAY[%s]))', pg_temp.terms(), n)) FROM unnest('{1000000,1000001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(), pg_temp.entries(1, repeat('x', n))) FROM unnest('{1000,1001}'::int[]) n;
SELECT pg_temp.rate(pg_temp.terms(), pg_temp.entries(1, NULL, at)) FROM (VALUES (timestamptz '2027-03-03 09:00Z'), ('2027-03-03 09:00:00.000001Z')) t (at);

-- A segment for each allotment that an entry eats.
SELECT pg_temp.rate(pg_temp.terms(), ARRAY[ROW(1, NULL, NULL, '2026-03-02', n, NULL, 10, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry],
           (SELECT jsonb_build_object('allotments', jsonb_agg(jsonb_build_object('id', i, 'contract', 1, 'kind', 'block', 'unit', 'seconds', 'remaining', 1, 'effective_at', '2026-01-01T00:00:00Z'))) FROM generate_series(1, 100000) i))
  FROM unnest('{100000,100001}'::int[]) n;

-- Entries without a price that leave their rounding group one by one: the rest
-- shares the minimum, and an allotment is a second too small for it.  What one
-- entry bills is covered by it but for that second, so none has a price in the end.
CREATE FUNCTION pg_temp.unpriced(n int) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.rate(pg_temp.terms(more => '{"rounding": {"mode": "none", "scope": "period", "minimum_s": 1000000}}'),
        (SELECT array_agg(ROW(i, NULL, NULL, '2026-03-02', 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry) FROM generate_series(1, n) i),
        '{"allotments": [{"id": 1, "contract": 1, "kind": "block", "unit": "seconds", "remaining": 999999, "effective_at": "2026-01-01T00:00:00Z"}]}')
$$;
SELECT pg_temp.unpriced(n) FROM unnest('{200,1001}'::int[]) n;

-- Numbers.
SELECT pg_temp.answer(format('SELECT length(finance.round_money(%s::numeric, 2)::text)', v)) FROM unnest('{1e199,1e200,-99e198,1e131000,1e-200,1e-201}'::text[]) v;
SELECT pg_temp.answer(format('SELECT count(*) FROM finance.tax_breakdown(ARRAY[%s], ARRAY[20], false, ''line'', 2)', v)) FROM unnest('{1e199,1e-201}'::text[]) v;
SELECT pg_temp.answer($$SELECT finance.tiered_amount(repeat('9', 100000)::numeric, ARRAY[NULL::numeric], ARRAY[1], NULL, 'volume')$$);
SELECT pg_temp.answer($$SELECT length(finance.amount_in_words(repeat('9', 100000)::numeric, 'EUR', 'en'))$$);
SELECT pg_temp.answer($$SELECT finance.seconds(finance.margin_sum(repeat('9', 100000)::numeric, 1, 1, 'EUR'))$$);
SELECT pg_temp.answer('SELECT count(*) FROM finance.tax_breakdown(array_fill(1::numeric, ARRAY[100001]), array_fill(1::numeric, ARRAY[100001]), false, ''line'', 2)');

-- A page may have few bytes and still be long in the making.
SELECT pg_temp.answer(format('SELECT length(finance.render(%L, %L))', '{{#' || repeat('x', n) || '}}{{/' || repeat('x', n) || '}}', jsonb_build_object(repeat('x', n), 0))) FROM unnest('{1000,1001}'::int[]) n;

-- No message shows more of a value than its beginning.
SELECT statement, length(pg_temp.answer(format(statement, repeat('Я', 100000)))) < 400 AS short
  FROM unnest(ARRAY['SELECT finance.round_seconds(1, %L, 1)', 'SELECT finance.seconds(%L::finance.margin)', 'SELECT length(finance.amount_in_words(1, %L, ''en''))',
           'SELECT finance.seconds(finance.margin_sum(1, 1, 1, %L))', 'SELECT length(finance.render(%L || ''{{'', ''{}''))',
           'SELECT cardinality(finance.calendar_bands(jsonb_build_object(''zone'', %L)))', 'SELECT cardinality(finance.calendar_bands(jsonb_build_object(%L, 1)))',
           'SELECT count(*) FROM finance.rate(ARRAY[jsonb_build_object(''exponent'', %L)], ''{}'')']) statement;
SELECT pg_temp.answer($$SELECT cardinality(finance.calendar_bands(jsonb_build_object('zone', 'UTC', 'week', jsonb_build_array(to_jsonb(array_fill(1, ARRAY[100000]))))))$$);

-- The statement that once took a server down, and others of its kind, are
-- cancelled when they are asked to give up.
CREATE TEMP TABLE large AS
SELECT pg_temp.terms() AS terms, (SELECT array_agg(e) FROM unnest(pg_temp.entries(50000)) e) AS entries,
       (SELECT jsonb_build_object('allotments', jsonb_agg(jsonb_build_object('id', i, 'contract', 1, 'kind', 'block', 'unit', 'seconds', 'remaining', 1, 'scope', '[7]'::jsonb,
                                                                             'effective_at', '2026-01-01T00:00:00Z'))) FROM generate_series(1, 100000) i) AS state;
SET statement_timeout = '300ms';
SELECT count(*) FROM large, finance.rate(terms, entries, state);
SELECT length(finance.render(repeat('{{#l}}', 32) || repeat('{{/l}}', 32), jsonb_build_object('l', to_jsonb(array_fill(1, ARRAY[100])))));
RESET statement_timeout;

WITH t AS (SELECT jsonb_build_object('exponent', 2, 'base_exponent', 2, 'contracts',
             (SELECT jsonb_agg(jsonb_build_object('contract', i, 'number', 'x', 'bands', '[]'::jsonb)) FROM generate_series(1, 20000) i)) AS d,
           jsonb_build_object('allotments', (SELECT jsonb_agg(jsonb_build_object('contract', 0)) FROM generate_series(1, 20000))) s)
SELECT count(*) FROM t, finance.rate(ARRAY[d], ARRAY[]::finance.rating_entry[], s);

-- Allotments are taken in their order, each as long as it holds, however many
-- there are: the engine against a loop over all of them.  Two contracts draw,
-- each on its own.
SELECT setseed(0.5);
CREATE TEMP TABLE allotment AS
SELECT i AS id, 1 + i % 2 AS contract, (random() * 2)::int AS priority, (random() * 4000)::bigint AS remaining,
       timestamptz '2026-01-01' + random() * interval '60 days' AS effective_at, CASE WHEN i % 3 > 0 THEN timestamptz '2026-01-20' + random() * interval '60 days' END AS expires_at,
       CASE WHEN i % 4 = 0 THEN ARRAY[i % 3] END AS scope
  FROM generate_series(1, 400) i;
CREATE TEMP TABLE work AS
SELECT i AS id, timestamptz '2026-01-01' + i * interval '7 hours' AS at, (random() * 9000)::bigint AS worked_s, i % 3 AS work_type, CASE WHEN extract(isodow FROM timestamptz '2026-01-01' + i * interval '7 hours') > 5 THEN 2 ELSE 1 END AS contract
  FROM generate_series(1, 250) i;
CREATE FUNCTION pg_temp.draw() RETURNS TABLE (entry bigint, allotment bigint, burned bigint) LANGUAGE plpgsql AS $$
DECLARE
    w record;
    a record;
    v_rest bigint;
BEGIN
    CREATE TEMP TABLE left_over AS SELECT * FROM pg_temp.allotment;
    FOR w IN SELECT * FROM pg_temp.work x ORDER BY x.at LOOP
        v_rest := w.worked_s;
        FOR a IN SELECT * FROM left_over l
                  WHERE l.contract = w.contract AND l.remaining > 0 AND l.effective_at <= w.at AND (l.expires_at > w.at OR l.expires_at IS NULL)
                    AND (l.scope IS NULL OR w.work_type = ANY (l.scope))
                  ORDER BY l.priority, coalesce(l.expires_at, 'infinity'), l.scope IS NULL, l.effective_at, l.id LOOP
            EXIT WHEN v_rest = 0;
            burned := least(v_rest, a.remaining);
            v_rest := v_rest - burned;
            UPDATE left_over SET remaining = remaining - burned WHERE id = a.id;
            entry := w.id;
            allotment := a.id;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;
CREATE TEMP TABLE rated AS
SELECT s.entry_id, s.allotment_id, s.burned
  FROM finance.rate(pg_temp.terms(more => '{"calendar": {"zone": "UTC", "week": [[6, 0, 86400, "weekend"], [7, 0, 86400, "weekend"]]}, "contracts": [{"contract": 1}, {"contract": 2, "bands": ["weekend"]}]}'),
           (SELECT array_agg(ROW(w.id, w.at, w.at, NULL, w.worked_s, NULL, 10, NULL, NULL, NULL, NULL, w.work_type, NULL, NULL, NULL, NULL, NULL)::finance.rating_entry) FROM work w),
           (SELECT jsonb_build_object('allotments', jsonb_agg(jsonb_build_object('id', id, 'contract', contract, 'kind', 'block', 'unit', 'seconds', 'remaining', remaining, 'priority', priority,
                       'effective_at', to_char(effective_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'expires_at', to_char(expires_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'scope', scope))) FROM allotment)) s
 WHERE s.allotment_id IS NOT NULL;
SELECT count(*) > 300 AS drew, count(*) FILTER (WHERE d.entry IS NULL OR r.entry_id IS NULL) AS differ
  FROM pg_temp.draw() d FULL JOIN rated r ON r.entry_id = d.entry AND r.allotment_id = d.allotment AND r.burned = d.burned;
