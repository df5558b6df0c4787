# Random and mutated inputs, as SQL expressions.  What is made depends on the
# seed alone: every choice asks rand(), and keys are taken in order.
package Fuzz::Input;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(pick chance argument margin_text cube_text literal spoil_bytes);

sub pick { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }
sub literal { my ($text) = @_; $text =~ s/'/''/g; return "'$text'" }

# ---------------------------------------------------------------------------
# single values
# ---------------------------------------------------------------------------

my @whole = (0, 1, -1, 2, 3, 6, 7, 12, 31, 32, 60, 900, 3600, 86400, 1000000, 2147483647, -2147483648);
my @large = (@whole, '9223372036854775807', '-9223372036854775808', '10000000000', '10000000001', '-10000000000');
my @numbers = qw(0 1 -1 0.01 -0.01 66.67 100 0.333333 0.0000001 1e6 1e13 9999999999999.999999 1e15 1e16 1e22 1e32 1e38
	1e60 1e199 1e200 1e201 1e400 1e-6 1e-20 1e-200 NaN Infinity -Infinity 1e131000 99999999999999999999999999999999999999.999999
	170141183460469231731.687303715884105727 -170141183460469231731.687303715884105728);
my @dates = ('2026-03-02', '2026-01-01', '2024-02-29', '2026-12-31', 'infinity', '-infinity', '4713-01-01 BC', '0001-01-01', '5874897-12-31',
	'1999-12-31', '2000-01-01');
my @instants = ('2026-03-02 09:00:00+02', '2026-03-29 00:59:59.999999Z', '2026-10-25 00:30Z', 'infinity', '-infinity', '4713-01-01 00:00 BC',
	'294276-12-31 23:59:59Z', '2026-03-02 23:59:60Z', '1900-01-01 00:00Z', '2036-03-01 00:00Z');
my @ranges = ('[2026-01-01,2026-02-01)', '[2026-01-15,2026-02-01)', 'empty', '(,)', '[2026-01-01,)', '(,2026-02-01)', '[infinity,]',
	'[2026-01-31,2026-02-01)', '[-infinity,infinity]', '[4713-01-01 BC,5874897-12-31]');
my %words = (
	mode => [qw(none up down nearest graduated volume package)],
	rule => [qw(none actual fixed_30 days_365)],
	level => [qw(line total)],
	basis => [qw(exact hundredth)],
	unit => [qw(week half_month month quarter year)],
	currency => [qw(EUR USD UAH JPY XXX BHD EU EURO E1 eur ABCDEFGI)],
	language => [qw(uk ru en de)],
	zone => [qw(UTC Europe/Kyiv America/Los_Angeles Pacific/Apia Asia/Kathmandu Nowhere UTC+3 :UTC ../../etc/passwd)],
	band => [qw(regular off_hours night weekend)]);

sub whole { return chance(0.8) ? pick(@whole) : int rand 100000 }
sub large { return chance(0.8) ? pick(@large) : int rand 1e9 }
sub number
{
	return pick("repeat('9', ${\pick(100, 200, 201, 5000, 100000)})", "'0.' || repeat('1', ${\pick(50, 199, 200, 16000)})") if chance(0.04);
	return literal(chance(0.6) ? pick(@numbers) : sprintf '%.*f', int rand 8, (rand() - 0.3) * 10**rand 14);
}

# A word that fits, or one that is spoiled.
sub word
{
	my ($name) = @_;
	my $known = $words{$name} // [ 'x', '', 'night' ];
	return literal(pick(@$known)) if chance(0.8);
	return "repeat('x', ${\pick(63, 64, 255, 1000, 1001, 100000)})" if chance(0.3);
	return literal(spoil_text(pick(@$known)));
}

my @spoils = ('', ' ', '.', '..', ',', '{{', '}}', '{', '}', '(', ')', '"', '\\', "\n", "\x{416}", "\x{1F600}", '-', '+', '0', '9' x 40, '1e400', 'null', "\x{7f}", '%s%n', '%');

# Put something somewhere, take something out, double something.
sub spoil_text
{
	my ($text) = @_;
	for (1 .. 1 + rand 4)
	{
		my $at = int rand(1 + length $text);
		my $length = int rand(1 + (length($text) - $at));
		if    (chance(0.4)) { substr($text, $at, 0) = pick(@spoils) }
		elsif (chance(0.5)) { substr($text, $at, $length) = '' }
		else                { substr($text, $at, 0) = substr $text, $at, $length }
		$text = substr $text, 0, 20000;
	}
	$text =~ tr/\0//d;
	return $text;
}

# The same for bytes of a message.
sub spoil_bytes
{
	my ($bytes) = @_;
	for (1 .. 1 + rand 6)
	{
		my $at = int rand length $bytes;
		if    (chance(0.6)) { substr($bytes, $at, 1) = chr pick(0, 1, 0x7f, 0x80, 0xff, int rand 256) }
		elsif (chance(0.3)) { substr($bytes, $at, 1 + rand 8) = '' }
		elsif (chance(0.5)) { substr($bytes, $at, 0) = join '', map { chr int rand 256 } 1 .. 1 + rand 8 }
		else                { substr($bytes, $at, 4) = pack 'N', pick(0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 2097153) }
		last if length $bytes < 20;
	}
	return $bytes;
}

# ---------------------------------------------------------------------------
# documents
# ---------------------------------------------------------------------------

# Write JSON; a reference to a scalar is written as it stands, a plain scalar as a string.
sub json
{
	my ($value) = @_;
	return 'null' unless defined $value;
	return $$value if ref $value eq 'SCALAR';
	return '[' . join(',', map { json($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return '{' . join(',', map { json_string($_) . ':' . json($value->{$_}) } sort keys %$value) . '}' if ref $value;
	return json_string($value);
}

sub json_string
{
	my ($text) = @_;
	$text =~ s/(["\\])/\\$1/g;
	$text =~ s/([\x00-\x1f])/sprintf '\\u%04x', ord $1/ge;
	return "\"$text\"";
}

sub raw { my ($text) = @_; return \"$text" }

# A value that no reader expects.
sub odd_json
{
	return pick(
		undef, raw('true'), raw('false'), '', 'x', [], {}, [ [] ], [undef], { '' => undef }, raw(pick(@large)),
		raw('1e400'), raw('-1e-400'), raw('0.' . '1' x 50), raw('9' x 300), 'x' x 2000, [ (undef) x 300 ], raw('[' x 3000 . ']' x 3000),
		raw('{"a":' x 1000 . '1' . '}' x 1000), pick(@dates), pick(@instants), '2026-02-30', '2026-01-01T25:00:00Z', raw(0), raw(-1), raw('0.5'));
}

# Change a document in one to three places.
sub spoil_json
{
	my ($document) = @_;
	for (1 .. 1 + rand 3)
	{
		my ($holder, $key) = ({ root => $document }, 'root');
		for (1 .. 1 + rand 6)
		{
			my $value = ref $holder eq 'HASH' ? $holder->{$key} : $holder->[$key];
			last if ref $value ne 'HASH' && ref $value ne 'ARRAY' || !(ref $value eq 'HASH' ? %$value : @$value);
			($holder, $key) = ($value, ref $value eq 'HASH' ? pick(sort keys %$value) : int rand @$value);
		}
		if (ref $holder eq 'HASH')
		{
			if    (chance(0.6)) { $holder->{$key} = odd_json() }
			elsif (chance(0.5)) { delete $holder->{$key} }
			else                { $holder->{ spoil_text($key) } = $holder->{$key} }
			$document = $holder->{root} if $key eq 'root' && exists $holder->{root};
		}
		elsif (chance(0.6)) { $holder->[$key] = odd_json() }
		elsif (chance(0.5)) { splice @$holder, $key, 1 }
		else                { push @$holder, ($holder->[$key]) x (1 + rand 3) }
	}
	return $document;
}

sub document
{
	my ($document) = @_;
	$document = spoil_json($document) if chance(0.7);
	return literal(json($document)) . '::jsonb';
}

sub calendar
{
	my @bands = qw(regular night weekend);
	my %calendar = (zone => pick(@{ $words{zone} }[ 0 .. 4 ]));
	$calendar{week} = [ map { my $day = $_; map { [ raw($day), raw(int rand 86400), raw(int rand 86401), pick(@bands) ] } 1 .. rand 3 } 1 .. 7 ] if chance(0.8);
	$calendar{days} = [ map { [ sprintf('2026-%02d-%02d', 1 + rand 12, 1 + rand 28), raw(32400), raw(pick(61200, 3600)), pick(@bands) ] } 1 .. rand 4 ] if chance(0.5);
	$calendar{closed_days} = [ map { sprintf '2026-%02d-%02d', 1 + rand 12, 1 + rand 28 } 1 .. rand 4 ] if chance(0.5);
	return \%calendar;
}

sub position
{
	my ($number) = @_;
	my %position = (id => raw($number), from => pick('2025-01-01', '2026-02-01', '2026-03-01'), price => raw(sprintf '%.2f', rand 150));
	$position{employee} = raw(1 + int rand 3) if chance(0.3);
	$position{role} = pick(qw(junior senior)) if !$position{employee} && chance(0.3);
	$position{work_type} = raw(1 + int rand 3) if chance(0.4);
	$position{discount_pct} = raw(int rand 50) if chance(0.2);
	return \%position;
}

sub contract
{
	my ($number) = @_;
	my %contract = (
		contract => raw($number),
		bands => $number == 1 ? undef : [qw(night weekend)],
		band_rules => [ map { { band => pick(undef, 'night', 'off_hours'), role => pick(undef, 'senior'), multiplier => raw(pick(0, 1, 1.5, 2)), burn => raw(pick(0, 0.3, 1, 1.5)), adder => raw(pick(0, 5)), minimum_s => raw(pick(0, 1800)) } } 1 .. rand 3 ],
		overage => [ map { { line => raw($_), price => raw(25), scope => pick(undef, [ raw(1), raw(2) ]), from => pick(undef, '2026-02-01') } } 1 .. rand 2 ]);
	$contract{cap_amount} = raw(int rand 500) if chance(0.3);
	$contract{cap_seconds} = raw(int rand 20000) if chance(0.3);
	$contract{list} = raw(1 + int rand 3) if chance(0.3);
	return \%contract;
}

sub terms
{
	return {
		exponent => raw(2), base_exponent => raw(2), basis => pick(undef, 'exact', 'hundredth'),
		calendar => pick(undef, calendar()), period => pick(undef, @{ $words{unit} }), anchor => raw(1 + int rand 7), month => pick(undef, raw(1 + int rand 12)),
		rounding => pick(undef, { mode => pick(qw(none up down nearest)), increment_s => raw(pick(60, 900, 3600)), minimum_s => raw(pick(0, 600)), maximum_s => pick(undef, raw(7200)), grace_s => raw(pick(0, 60)), scope => pick(qw(entry task_day day task period)) }),
		lists => { map { my $list = $_; ($list => { name => "List $list", parent => $list < 3 ? raw($list + 1) : undef, discount_pct => pick(undef, raw(10)), prices => [ map { position($list * 10 + $_) } 1 .. rand 6 ] }) } 1 .. 3 },
		contracts => [ map { contract($_) } 1 .. 1 + rand 3 ] };
}

sub state
{
	return {
		allotments => [ map { { id => raw($_), contract => raw(pick(1, 1, 2, 99)), kind => pick(qw(included block topup rollover adjustment)), unit => pick(qw(seconds seconds money)), remaining => raw(int rand 9000), priority => raw(pick(0, 0, 1)), effective_at => '2026-01-01T00:00:00Z', expires_at => pick(undef, '2026-03-15T00:00:00Z'), scope => pick(undef, [ raw(1) ]) } } 1 .. rand 6 ],
		used => [ map { { contract => raw($_), amount => raw(int rand 200), seconds => raw(int rand 9000) } } 1 .. rand 3 ],
		draw_from => pick(undef, '2026-02-01T00:00:00Z') };
}

# One rating_entry as a row; each field now and then is one that no entry has.
sub entry
{
	my ($number) = @_;
	my $start = sprintf "timestamptz '2026-%02d-%02d %02d:%02d:%02dZ'", 1 + rand 4, 1 + rand 28, rand 24, rand 60, rand 60;
	my $worked = int rand 9000;
	my @fields = (
		$number, $start, "$start + make_interval(secs => $worked)", 'NULL', $worked, pick('NULL', 'NULL', 'NULL', int rand 9000),
		pick('NULL', 'NULL', 'NULL', 50), pick(1, 1, 2, 3, 'NULL'), pick("'billable'", "'billable'", "'billable'", "'no_charge'", "'non_billable'", 'NULL'),
		pick(1, 2, 3, 4, 'NULL'), pick("'senior'", "'junior'", 'NULL'), pick(1, 2, 3, 'NULL'), pick(1, 2, 'NULL'), pick(20, 33.333333, 'NULL'), pick(800, 'NULL'),
		pick('NULL', 'NULL', 'NULL', 'NULL', int rand 4000), pick('NULL', 1));
	if (chance(0.2)) { @fields[ 1, 2, 3 ] = ('NULL', 'NULL', "'${\pick(@dates)}'") }
	if (chance(0.3))
	{
		my $at = int rand @fields;
		$fields[$at] = pick('NULL',
			$at == 1 || $at == 2 ? "'${\pick(@instants)}'" : $at == 3 ? "'${\pick(@dates)}'" :
			$at == 6 || $at == 13 || $at == 14 ? number() : $at == 8 || $at == 10 ? word('role') : $at == 16 ? whole() : large());
	}
	return 'ROW(' . join(', ', @fields) . ')::finance.rating_entry';
}

sub template
{
	my ($depth) = @_;
	my @names = qw(name a.b . list list.x flag empty amount missing a);
	my $text = '';
	for (1 .. 1 + rand 5)
	{
		my $name = pick(@names);
		if    (chance(0.3)) { $text .= pick("plain ", "line\n", "<b>&\"'</b>", "{ }", "\x{416}\n") }
		elsif (chance(0.5)) { $text .= "{{$name}}" }
		elsif ($depth > 0)  { $text .= pick('{{#', '{{^') . "$name}}" . template($depth - 1) . "{{/$name}}" }
		else                { $text .= '{{! note }}' }
	}
	return $text;
}

sub data
{
	return { name => 'A & B', a => { b => raw(1), c => [ raw(2) ] }, list => [ map { { x => raw($_), name => "n$_" } } 1 .. rand 5 ], flag => raw(pick('true', 'false')), empty => [], amount => raw('1.50') };
}

# ---------------------------------------------------------------------------
# values of our types, and the arguments of functions
# ---------------------------------------------------------------------------

# Texts of margins and cubes, of which so many are spoiled.
sub margin_text
{
	my ($spoiled) = @_;
	my $text = sprintf '(%s,%s,%s,%s%s)', (map { chance(1 - $spoiled / 2) ? sprintf '%.2f', (rand() - 0.3) * 10**rand 30 : pick(@numbers) } 1 .. 2),
	  large(), pick(@{ $words{currency} }[ 0 .. 3 ]), chance(0.3) ? ',' . large() : '';
	return chance($spoiled) ? spoil_text($text) : $text;
}

sub cube_text
{
	my ($spoiled) = @_;
	my $text = '{' . join(';', map { pick('', @dates) . ',' . pick('', large()) . ',' . margin_text($spoiled / 4) } 1 .. rand 6) . '}';
	return chance($spoiled) ? spoil_text($text) : $text;
}

sub list_of
{
	my ($type, $make) = @_;
	return "array_fill(${\$make->()}::$type, ARRAY[${\pick(0, 1, 1000, 100000, 100001)}])" if chance(0.05);
	return "'{{1,2},{3,4}}'::${type}[]" if $type eq 'numeric' && chance(0.03);
	return 'ARRAY[' . join(', ', map { chance(0.05) ? 'NULL' : $make->() . "::$type" } 1 .. rand 7) . "]::${type}[]";
}

# An argument of a function by its type and, for texts and documents, its name.
sub argument
{
	my ($type, $name) = @_;
	return "NULL::$type" if chance(0.03);
	my $value =
	    $type eq 'numeric' ? number()
	  : $type eq 'integer' ? ($name eq 'exponent' && chance(0.8) ? int rand 7 : whole())
	  : $type eq 'bigint' ? large()
	  : $type eq 'boolean' ? pick('true', 'false')
	  : $type eq 'date' ? literal(pick(@dates))
	  : $type eq 'timestamp with time zone' ? literal(pick(@instants))
	  : $type eq 'daterange' ? literal(pick(@ranges))
	  : $type eq 'text' ? ($name eq 'template' ? literal(chance(0.6) ? template(3) : spoil_text(template(3))) : word($name))
	  : $type eq 'numeric[]' ? list_of('numeric', \&number)
	  : $type eq 'finance.margin' ? literal(margin_text(0.1))
	  : $type eq 'finance.margin_cube' ? literal(cube_text(0.1))
	  : $type eq 'jsonb' ? document($name eq 'calendar' ? calendar() : $name eq 'state' ? state() : data())
	  : $type eq 'jsonb[]' ? 'ARRAY[' . join(', ', map { document(terms()) } 1 .. pick(1, 1, 1, 2)) . ']::jsonb[]'
	  : $type eq 'finance.rating_entry[]' ? 'ARRAY[' . join(', ', map { entry($_) } 1 .. rand 9) . ']::finance.rating_entry[]'
	  : undef;
	return defined $value ? $value =~ /::[a-z_.\[\]]+$/ ? $value : "($value)::$type" : undef;
}

1;
