# Calls whose inputs are of a size n: what they take must grow about as n does.
# Each case has a size to begin with, what makes its input, which is not
# measured, and the call.  In both $n is the size.  Where two inputs grow, both
# do, so that a product of the two shows.
package Fuzz::Growth;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(%cases $setup);

# Functions that the cases build their inputs with, and the table that holds
# one: the call comes in a session of its own, whose memory is the call's.
our $setup = <<'END';
DROP SCHEMA IF EXISTS fuzz CASCADE;
CREATE SCHEMA fuzz;
CREATE FUNCTION fuzz.positions(n bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', i, 'employee', i, 'from', '2025-01-01', 'price', 10 + i % 90)), '[]') FROM generate_series(1, n) i $$;
CREATE FUNCTION fuzz.list(n bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('1', jsonb_build_object('name', 'L', 'prices', fuzz.positions(n) || '{"id": 0, "from": "2025-01-01", "price": 40}')) $$;
CREATE FUNCTION fuzz.terms(lists jsonb, more jsonb DEFAULT '{}', base jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('exponent', 2, 'base_exponent', 2, 'lists', lists, 'contracts', jsonb_build_array('{"contract": 1}' || base)) || more $$;
CREATE FUNCTION fuzz.entries(n bigint, list bigint DEFAULT 1, roles bigint DEFAULT 3, terms bigint DEFAULT 1, tasks bigint DEFAULT 10)
    RETURNS finance.rating_entry[] LANGUAGE sql AS $$
    SELECT array_agg(ROW(i, at, at + interval '50 min', NULL, 3000, NULL, NULL, 1 + (i - 1) % list, NULL, i, 'role ' || i % roles, i % 7, i % tasks, 20, 20, NULL,
                         1 + (i - 1) % terms)::finance.rating_entry)
      FROM (SELECT i, timestamptz '2026-01-05 09:00Z' + i * interval '1 hour' AS at FROM generate_series(1, n) i) e $$;
CREATE FUNCTION fuzz.allotments(n bigint, remaining text DEFAULT '1800', every text DEFAULT '0') RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('allotments', jsonb_agg(jsonb_build_object('id', i, 'contract', 1, 'kind', 'block', 'unit', 'seconds', 'remaining', remaining::numeric,
               'effective_at', to_char((timestamp '2026-01-01' + i * every::interval), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))) FROM generate_series(1, n) i $$;
CREATE FUNCTION fuzz.calendar(bands int, rows int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('zone', 'Europe/Kyiv', 'week', jsonb_agg(jsonb_build_array(d, 86400 / rows * r, 86400 / rows * (r + 1), 'band ' || (r % bands))))
      FROM generate_series(1, 7) d, generate_series(0, rows - 1) r $$;
CREATE UNLOGGED TABLE fuzz.input (terms jsonb[], entries finance.rating_entry[], state jsonb DEFAULT '{}', a text, b jsonb, c numeric[], d finance.margin_cube)
END

sub rate
{
	my ($n, $terms, $entries, $state) = @_;
	return [ $n, "INSERT INTO fuzz.input (terms, entries, state) SELECT $terms, $entries, ${\($state // qq('{}'))}",
		'SELECT count(*), sum(amount) FROM fuzz.input, finance.rate(terms, entries, state)' ];
}

sub call
{
	my ($n, $columns, $values, $call) = @_;
	return [ $n, "INSERT INTO fuzz.input ($columns) SELECT $values", $call =~ / FROM [^()]*\([^()]*\),$/ ? "SELECT $call fuzz.input" : "SELECT $call FROM fuzz.input" ];
}

my $no_entries = 'ARRAY[]::finance.rating_entry[]';
my $contracts = q{(SELECT jsonb_agg(jsonb_build_object('contract', i, 'bands', CASE WHEN i > 1 THEN '[]'::jsonb END, 'list', %s)) FROM generate_series(1, $n) i)};

sub contracts { my ($list) = @_; return sprintf $contracts, $list // 'NULL' }

our %cases = (
	'contracts and allotments' => rate(2500,
		'ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object(\'contracts\', ' . contracts() . '))]', $no_entries,
		q{(SELECT jsonb_build_object('allotments', jsonb_agg(x || jsonb_build_object('contract', i))) FROM generate_series(1, $n) i, jsonb_array_elements(fuzz.allotments(1) -> 'allotments') x)}),
	'contracts and what is used' => rate(2500,
		'ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object(\'contracts\', ' . contracts() . '))]', $no_entries,
		q{(SELECT jsonb_build_object('used', jsonb_agg(jsonb_build_object('contract', i, 'amount', 1))) FROM generate_series(1, $n) i)}),
	'contracts and lists' => rate(2500,
		q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, '{"prices": []}'::jsonb) FROM generate_series(1, $n) i), jsonb_build_object('contracts', } . contracts('i') . '))]', $no_entries),
	'lists and entries' => rate(2500,
		q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, '{"prices": [{"id": 1, "from": "2025-01-01", "price": 1}]}'::jsonb) FROM generate_series(1, $n) i))]}, 'fuzz.entries($n, list => $n)'),
	'chains of lists' => rate(2500,
		q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, jsonb_build_object('parent', CASE WHEN i % 100 > 0 THEN i + 1 END, 'prices', '[]'::jsonb)) FROM generate_series(1, $n / 100 * 100) i))]}, $no_entries),
	'entries up a chain of lists' => rate(500,
		q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, jsonb_build_object('parent', CASE WHEN i < 90 THEN i + 1 END, 'prices', CASE WHEN i = 90 THEN fuzz.positions($n) ELSE '[]' END)) FROM generate_series(1, 90) i))]}, 'fuzz.entries($n)'),
	'positions and entries' => rate(3000, 'ARRAY[fuzz.terms(fuzz.list($n))]', 'fuzz.entries($n)'),
	'roles of positions and entries' => rate(3000,
		q{ARRAY[fuzz.terms(jsonb_build_object('1', jsonb_build_object('name', 'L', 'prices', (SELECT jsonb_agg(jsonb_build_object('id', i, 'role', 'role ' || i, 'from', '2025-01-01', 'price', 40)) FROM generate_series(0, $n - 1) i))))]},
		'fuzz.entries($n, roles => $n)'),
	'documents of terms and entries' => rate(250, q{array_fill(fuzz.terms(fuzz.list(10), jsonb_build_object('calendar', fuzz.calendar(3, 24))), ARRAY[$n])}, 'fuzz.entries($n, terms => $n)'),
	'allotments, used up one by one' => rate(3000, 'ARRAY[fuzz.terms(fuzz.list(0))]', 'fuzz.entries($n)', q{fuzz.allotments($n, '3000')}),
	'allotments that come and stay' => rate(3000, 'ARRAY[fuzz.terms(fuzz.list(0))]', 'fuzz.entries($n)', q{fuzz.allotments($n, '2900', '1 hour')}),
	'allotments to come' => rate(3000, 'ARRAY[fuzz.terms(fuzz.list(0))]', 'fuzz.entries($n)', q{fuzz.allotments($n, '3000', '10 days')}),
	'entries and work types of scopes' => rate(3000, q{ARRAY[fuzz.terms(fuzz.list(0), base => jsonb_build_object('overage', jsonb_build_array(jsonb_build_object('line', 1, 'price', 1, 'scope', (SELECT jsonb_agg(i + 100) FROM generate_series(1, $n) i)))))]}, 'fuzz.entries($n)'),
	'entries in bands' => rate(1500, q{ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object('calendar', fuzz.calendar(60, 96)))]}, 'fuzz.entries($n)'),
	'an entry over many days' => rate(80, q{ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object('calendar', fuzz.calendar(60, 96)))]},
		q{ARRAY[ROW(1, '2026-01-01 00:00Z', timestamptz '2026-01-01 00:00Z' + $n * interval '1 day', NULL, 86400 * $n, NULL, NULL, 1, NULL, 1, NULL, 1, 1, 20, 20, NULL, 1)::finance.rating_entry]}),
	'an entry over many allotments' => rate(3000, 'ARRAY[fuzz.terms(fuzz.list(0))]', q{ARRAY[ROW(1, NULL, NULL, '2026-02-01', 10 * $n, NULL, NULL, 1, NULL, 1, NULL, 1, 1, 20, 20, NULL, 1)::finance.rating_entry]}, q{fuzz.allotments($n, '10')}),
	(map { my $scope = $_; ("rounding by $scope" => rate(5000, qq{ARRAY[fuzz.terms(fuzz.list(0), '{"rounding": {"mode": "up", "increment_s": 3600, "scope": "$scope"}}')]}, 'fuzz.entries($n, tasks => $n / 10)')) } qw(task_day day task period)),
	'rows of a calendar' => call(1500, 'b', q{jsonb_build_object('zone', 'UTC', 'days', (SELECT jsonb_agg(jsonb_build_array(to_char(date '2000-01-01' + i * 2, 'YYYY-MM-DD'), 3600, 7200, 'x')) FROM generate_series(1, $n) i))}, 'length(finance.calendar_bands(b)::text)'),
	'days of an interval' => call(400, 'b', q{fuzz.calendar(60, 96)}, q{finance.business_seconds_by_calendar('2026-01-01', timestamptz '2026-01-01' + $n * interval '1 day', b)}),
	'tags of a template' => call(10000, 'a, b', q{repeat('{{#f}}{{a}}{{/f}} x ', $n), '{"a": "&", "f": true}'}, 'length(finance.render(a, b))'),
	'rows of a page' => call(5000, 'a, b', q{'{{#l}}{{x}} {{name}}{{/l}}', jsonb_build_object('name', 'n', 'l', (SELECT jsonb_agg(jsonb_build_object('x', i)) FROM generate_series(1, $n) i))}, 'length(finance.render(a, b))'),
	'blanks of a template' => call(9000, 'a, b', q{repeat(' ', $n * 10) || repeat('{{!}}   ', $n)  || repeat(' ', $n * 10), '{}'}, 'length(finance.render(a, b))'),
	'weights' => call(12000, 'c', q{(SELECT array_agg(i % 97 + 1) FROM generate_series(1, $n) i)}, 'cardinality(finance.allocate(1000000.01, c, 2))'),
	'long weights' => call(3000, 'c', q{(SELECT array_agg(i % 97 + 1 + 1e-150) FROM generate_series(1, $n) i)}, 'cardinality(finance.allocate(1000000.01, c, 2))'),
	'tax by line' => call(3000, 'c', q{(SELECT array_agg(i % 97 + 0.015) FROM generate_series(1, $n) i)}, q{(SELECT sum(tax) FROM finance.tax_breakdown(c, c, false, 'line', 2))}),
	'tax in total' => call(3000, 'c', q{(SELECT array_agg(i % 97 + 0.015) FROM generate_series(1, $n) i)}, q{(SELECT sum(tax) FROM finance.tax_breakdown(c, c, true, 'total', 2))}),
	'tiers' => call(10000, 'c', q{(SELECT array_agg(i::numeric ORDER BY i) FROM generate_series(1, $n) i)}, q{finance.tiered_amount(1e9, c || NULL::numeric, c || 1::numeric, NULL, 'graduated')}),
	'cells' => call(1, 'a', q{''}, q{length((SELECT finance.margin_cube_sum('2026-01-01', i, 1, 1, 1, 'EUR') FROM generate_series(1, 20000 * $n) i)::text)}),
	'cells that meet' => call(2000, 'c', q{(SELECT array_agg(CASE WHEN k >= 9223372036854775808 THEN k - 18446744073709551616 ELSE k END)
		FROM (SELECT mod((i * 4294967296 + i - 5395781 + 18446744073709551616) * 17428512612931826493, 18446744073709551616) AS k FROM generate_series(1, $n::numeric) i) x)},
		q{(SELECT length(finance.margin_cube_sum('2000-01-01', k::bigint, 1, 1, 1, 'EUR')::text) FROM unnest(c) k)}),
	'cells taken apart' => call(20000, 'd', q{(SELECT finance.margin_cube_sum('2026-01-01', i, 1, 1, 1, 'EUR') FROM generate_series(1, $n) i)}, q{(SELECT count(*) FROM finance.cells(d))}),
	'cells of a text' => call(5000, 'a', q{(SELECT '{' || string_agg('2026-01-01,' || i || ',(1.00,1.00,1,EUR)', ';') || '}' FROM generate_series(1, $n) i)}, q{length(finance.margin_cube_add(a::finance.margin_cube, NULL)::text)}),
	'cells of a message' => call(10000, 'd', q{(SELECT finance.margin_cube_sum('2026-01-01', i, 1, 1, 1, 'EUR') FROM generate_series(1, $n) i)}, q{length(finance.margin_cube_send(d))}),
	'cubes added' => call(1, 'd', q{(SELECT finance.margin_cube_sum('2026-01-01', i, 1, 1, 1, 'EUR') FROM generate_series(1, 5000) i)}, q{length(finance.margin_cube_merge(d)::text) FROM generate_series(1, 10 * $n),}),
	'calls with one calendar' => call(2000, 'b', q{fuzz.calendar(3, 24)}, q{sum(finance.business_seconds_by_calendar('2026-01-01', '2026-01-02', b)) FROM generate_series(1, $n),}),
);

1;
