# Calls that stand at their limits.  Each must stay within a gigabyte, and must
# give up soon after it is cancelled; that it ends is not asked.  Sizes are
# those of the limits, multiplied by $s, so that a brief run can use small ones.
# Functions and the table are those of Fuzz::Growth.
package Fuzz::Heavy;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(@heavy);

sub heavy
{
	my ($name, $columns, $values, $call) = @_;
	return { name => $name, input => "INSERT INTO fuzz.input ($columns) SELECT $values", call => "SELECT $call FROM fuzz.input" };
}

sub rate
{
	my ($name, $terms, $entries, $state) = @_;
	return heavy($name, 'terms, entries, state', "$terms, $entries, ${\($state // qq('{}'))}", '(SELECT count(*) FROM finance.rate(terms, entries, state))');
}

my $none = 'ARRAY[]::finance.rating_entry[]';
my $plain = 'ARRAY[fuzz.terms(fuzz.list(0))]';
my $year = q{ROW(i, '2026-01-01 00:00Z', '2027-01-01 00:00Z', NULL, 31536000, NULL, NULL, 1, NULL, 1, NULL, 1, 1, 20, 20, NULL, 1)::finance.rating_entry};

our @heavy = (
	rate('contracts and allotments',
		q{ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object('contracts', (SELECT jsonb_agg(jsonb_build_object('contract', i, 'bands', CASE WHEN i > 1 THEN '[]'::jsonb END)) FROM generate_series(1, ($s * 100000)::int) i)))]}, $none,
		q{(SELECT jsonb_build_object('allotments', jsonb_agg(x || jsonb_build_object('contract', i))) FROM generate_series(1, ($s * 100000)::int) i, jsonb_array_elements(fuzz.allotments(1) -> 'allotments') x)}),
	rate('positions', q{ARRAY[fuzz.terms(fuzz.list(($s * 999999)::int))]}, $none),
	rate('lists', q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, '{"prices": []}'::jsonb) FROM generate_series(1, ($s * 100000)::int) i))]}, $none),
	rate('entries', $plain, 'fuzz.entries(($s * 1000000)::int, roles => 100000)'),
	rate('entries up a chain of lists',
		q{ARRAY[fuzz.terms((SELECT jsonb_object_agg(i, jsonb_build_object('parent', CASE WHEN i < 100 THEN i + 1 END, 'prices', fuzz.positions(50))) FROM generate_series(1, 100) i))]}, 'fuzz.entries(($s * 1000000)::int)'),
	rate('entries and allotments that never match', $plain, 'fuzz.entries(($s * 200000)::int)',
		q{(SELECT jsonb_build_object('allotments', jsonb_agg(x || '{"scope": [99]}')) FROM jsonb_array_elements(fuzz.allotments(($s * 100000)::int) -> 'allotments') x)}),
	rate('entries and rules',
		q{ARRAY[fuzz.terms(fuzz.list(0), base => jsonb_build_object('band_rules', (SELECT jsonb_agg(jsonb_build_object('role', 'role ' || i, 'multiplier', 2)) FROM generate_series(1, 1000) i),
		'overage', (SELECT jsonb_agg(jsonb_build_object('line', i, 'price', 1, 'scope', '[99]'::jsonb)) FROM generate_series(1, 1000) i)))]}, 'fuzz.entries(($s * 500000)::int)'),
	rate('long entries in many bands', q{ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object('calendar', fuzz.calendar(60, 96)))]}, qq{(SELECT array_agg($year) FROM generate_series(1, (\$s * 1000)::int) i)}),
	rate('an entry over allotments and bands', q{ARRAY[fuzz.terms(fuzz.list(0), jsonb_build_object('calendar', fuzz.calendar(60, 96)))]}, qq{(SELECT array_agg($year) FROM generate_series(1, 1) i)}, q{fuzz.allotments(($s * 100000)::int, '300')}),
	rate('entries without a price that leave their group one by one',
		q{ARRAY[fuzz.terms('{"1": {"prices": []}}', jsonb_build_object('rounding', jsonb_build_object('mode', 'none', 'scope', 'period', 'minimum_s', ($s * 1e9)::int)))]},
		q{(SELECT array_agg(ROW(i, NULL, NULL, '2026-01-05', 1, NULL, NULL, 1, NULL, 1, NULL, 1, 1, 20, 20, NULL, 1)::finance.rating_entry) FROM generate_series(1, ($s * 500000)::int) i)},
		q{fuzz.allotments(1, (($s * 1e9)::int - 1)::text)}),
	rate('documents of terms, each with its calendar',
		q{ARRAY(SELECT fuzz.terms(fuzz.list(1), jsonb_build_object('calendar', c || jsonb_build_object('closed_days', jsonb_build_array(to_char(date '2026-01-01' + i, 'YYYY-MM-DD'))))) FROM generate_series(1, ($s * 5000)::int) i, fuzz.calendar(60, 96) c)}, 'fuzz.entries(10)'),
	rate('nulls', $plain, $none, q{jsonb_build_object('allotments', (SELECT jsonb_agg(NULL::int) FROM generate_series(1, ($s * 1000000)::int)))}),
	heavy('weights of many digits', 'c', q{(SELECT array_agg(i % 97 + 1 + 1e-190) FROM generate_series(1, ($s * 100000)::int) i)}, 'cardinality(finance.allocate(1e190, c, 2))'),
	heavy('tax of many digits', 'c', q{(SELECT array_agg(i % 97 + 1 + 1e-190) FROM generate_series(1, ($s * 100000)::int) i)}, q{(SELECT count(*) FROM finance.tax_breakdown(c, c, true, 'total', 2))}),
	heavy('tiers of many digits', 'c', q{(SELECT array_agg(i + 1e-190 ORDER BY i) FROM generate_series(1, ($s * 99999)::int) i)}, q{finance.tiered_amount(1e9, c || NULL::numeric, c || 1.1e-190, NULL, 'package')}),
	heavy('numbers of a hundred thousand digits', 'c', q{ARRAY[repeat('9', 100000)::numeric]}, 'finance.allocate(c[1], c, 2)'),
	heavy('sections within sections', 'a, b', q{repeat('{{#l}}', 32) || repeat('{{/l}}', 32), jsonb_build_object('l', to_jsonb(array_fill(1, ARRAY[100])))}, 'length(finance.render(a, b))'),
	heavy('a long page', 'a, b', q{'{{#l}}{{#l}}<p>{{n}}</p>{{/l}}{{/l}}', jsonb_build_object('n', repeat('&', 100), 'l', to_jsonb(array_fill(1, ARRAY[10000])))}, 'length(finance.render(a, b))'),
	heavy('a calendar with days of its own', 'b', q{fuzz.calendar(60, 96) || jsonb_build_object('closed_days', (SELECT jsonb_agg(to_char(date '1900-01-01' + 2 * i, 'YYYY-MM-DD')) FROM generate_series(1, ($s * 10000)::int) i))}, q{length(finance.calendar_bands(b)::text)}),
	heavy('ten years in quarters of an hour', 'b', q{fuzz.calendar(60, 96)}, q{(SELECT count(*) FROM finance.split_by_calendar('2026-01-01', timestamptz '2026-01-01' + interval '3600 days', b))}),
	heavy('cells', 'a', q{''}, q{length((SELECT finance.margin_cube_sum('2026-01-01', i::bigint * 1000003, 1e20, 1e20, 1, 'EUR') FROM generate_series(1, ($s * 2097152)::int) i)::text)}),
	heavy('cells, one too many', 'a', q{''}, q{length((SELECT finance.margin_cube_sum('2026-01-01', i::bigint * 1000003, 1e20, 1e20, 1, 'EUR') FROM generate_series(1, ($s * 2097152)::int + 1) i)::text)}),
);

1;
