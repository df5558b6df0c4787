# The README cannot lie: its examples are run in order in a new database and
# what it shows is what comes out; its tables of words, codes, keys and calls
# are what the books have.
use strict;
use warnings;

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = slurp_file("$FindBin::Bin/../../README.md");

# Every ```sql block, with the block right behind it that has no language: what
# the last statement answers.
my @example;
while ($readme =~ /^```sql\n(.*?)^```\n(?:\s*^```\n(.*?)^```\n)?/msg)
{
	push @example, { sql => $1, shown => $2, line => 1 + (substr($readme, 0, $-[0]) =~ tr/\n//) };
}
cmp_ok(scalar @example, '>', 12, 'the README has examples');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;
$node->safe_psql('postgres', q{CREATE DATABASE walk TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'});

# Roles that the README takes for granted.
my %made = map { $_ => 1 } $readme =~ /^CREATE ROLE (\w+)/mg;
my %role = map { $_ => 1 } grep { !$made{$_} } $readme =~ /grant_access\('(\w+)'/g;
$node->safe_psql('postgres', "CREATE ROLE $_") for sort keys %role;

# One session runs them all, as a newcomer's does.
my $mark = '==== example';
my $script = "\\pset footer off\n\\set ON_ERROR_STOP on\n";
for my $example (@example)
{
	unlike($example->{sql}, qr/^\s*\\|\\g\w*|:'|:"|[\s(]:[a-z]/m,
		"line $example->{line}: nothing that only psql understands");
	unlike($example->{sql}, qr/\b\w*_id\s*=\s*\d|"(?:client|contract|project|task|document|party)":\s*\d|(?<!numeric)\(\s*\d+\s*[,)]/,
		"line $example->{line}: no id that another database would not have");
	$script .= "\\echo $mark\n$example->{sql}\n";
}
my $file = PostgreSQL::Test::Utils::tempdir . '/walk.sql';
append_to_file($file, $script);
my ($shown, $err) = run_command([ 'psql', '-X', '-q', '-d', $node->connstr('walk'), '-f', $file ]);
is($err, '', 'the examples run in order without an error');
my @answer = split /^\Q$mark\E\n/m, "$shown\n";
shift @answer;
is(scalar @answer, scalar @example, 'every example was reached');

# A table as psql prints it; a single text is shown without its frame.
sub last_result
{
	my ($answer, $framed) = @_;
	my @line = split /\n/, (split /\n\n/, $answer)[-1] // '';

	if (!$framed)
	{
		splice @line, 0, 2;
		s/^ //, s/ *\+$// for @line;
	}
	return join "\n", map { s/\s+$//r } @line;
}

for my $i (0 .. $#example)
{
	my $expected = $example[$i]{shown} // next;
	is( last_result($answer[$i], scalar $expected =~ /^-+\+?-*/m),
		join("\n", map { s/\s+$//r } split /\n/, $expected),
		"line $example[$i]{line}: shows what comes out");
}
is($node->safe_psql('walk', 'SELECT * FROM finance.check_books()'), '', 'and leaves sound books');

# ---------------------------------------------------------------------------
# tables
# ---------------------------------------------------------------------------

# The rows of a table of the README below a heading: first cell, second cell.
sub table
{
	my ($heading, $first) = @_;
	my ($part) = $readme =~ /^## \Q$heading\E\n(.*?)^## /ms or die "no heading $heading";
	my ($table) = $part =~ /^\| \Q$first\E \|[^\n]*\n\|-[^\n]*\n((?:\|[^\n]*\n)+)/m or die "no table $first";
	return map { [ /^\| (.*?) \| (.*?) \|$/ ] } split /\n/, $table;
}
sub names { return $_[0] =~ /`([^`]+)`/g }

my $rules = "FROM finance.rule WHERE table_name NOT IN ('access_rule', 'lock_version', 'document_kind', 'document_state')";
my @words;
for my $row (table('Words', 'column'))
{
	push @words, map { "$_: " . join(', ', names($row->[1])) } names($row->[0]);
}
is( join("\n", sort @words),
	$node->safe_psql('walk',
		qq{SELECT table_name || '.' || column_names || ': ' || array_to_string(words, ', ') $rules AND kind = 'words' ORDER BY 1}),
	'the words of each column are those of its constraint');

my @state;
for my $row (table('Words', 'documents'))
{
	for my $kind (names($row->[0])) { push @state, map { "$kind: $_" } names($row->[1]) }
}
is( join("\n", sort @state),
	$node->safe_psql('walk', q{SELECT kind || ': ' || status FROM finance.document_state ORDER BY 1}),
	'the statuses of documents are those of the books');

my @article;
for my $row (table('Words', 'line'))
{
	my ($section) = names($row->[0]);
	push @article, map { ($section // 'none') . ": $_" } names($row->[1]);
}
is( join("\n", sort grep { $_ ne 'other_direct: cloud' } @article),
	$node->safe_psql('walk',
		q{SELECT coalesce(line, 'none') || ': ' || code FROM finance.account
		   WHERE kind <> 'cash' AND code <> 'cloud' ORDER BY 1}),
	'the articles are those of the books');
like($readme, qr/`work_type` \(\Q@{[ $node->safe_psql('walk', q{SELECT string_agg(format('`%s`', code), ', ' ORDER BY id) FROM finance.work_type}) ]}\E, and yours\)/,
	'so are the kinds of work');

is( join("\n", sort map { names($_->[0]) } table('What is refused', 'unique key')),
	$node->safe_psql('walk', qq{SELECT constraint_name $rules AND kind = 'unique' AND way_out IS NOT NULL ORDER BY 1}),
	'the unique keys that have a way out are listed');

# What people may call or look at has its place.
my %named = map { $_ => 1 } $readme =~ /`([a-z_]+)\(/g;
is( join(', ', grep { !$named{$_} } split /\n/,
		$node->safe_psql('walk', q{SELECT DISTINCT object FROM finance.access_rule WHERE verb = 'execute' ORDER BY 1})),
	'', 'every function that a level may call is named');
my ($figures) = $readme =~ /^## Figures\n(.*?)^## /ms;
my @view = map { names($_->[0]) } table('Figures', 'view');
is( join(', ', grep { !/^_/ && $node->safe_psql('walk', "SELECT to_regclass('finance.$_') IS NULL") eq 't' } @view),
	'', 'the views that are named are there');

# Who may do what, made from the same rules.
my ($access) = $readme =~ /^\| level \| verb \| what it adds[^\n]*\n\|-[^\n]*\n((?:\|[^\n]*\n)+)/m;
is( $access,
	$node->safe_psql('walk', q{SELECT format('| %s | %s | %s |', level, CASE verb WHEN 'select' THEN 'reads' WHEN 'insert' THEN 'adds'
		WHEN 'update' THEN 'changes' WHEN 'delete' THEN 'deletes' ELSE 'calls' END, about) FROM finance.access_summary}) . "\n",
	'the levels may do what the rules of access say');

# What refuses in words is in a dump like everything else.
my $dump = PostgreSQL::Test::Utils::tempdir . '/walk.dump';
$node->safe_psql('postgres', q{CREATE DATABASE restored TEMPLATE template0 ENCODING 'UTF8'});
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('walk') ], 'dumped');
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), '--exit-on-error', $dump ], 'restored');
my ($status, $out, $said) = $node->psql('restored', q{UPDATE finance.contract SET model = 'hourly'});
like($said, qr/contract\.model cannot be "hourly", only time_materials, /, 'a restored rule tells its words');
($status, $out, $said) = $node->psql('restored', q{UPDATE finance.contract SET ends_on = '2000-01-01'});
like($said, qr/HINT:  Give an ends_on on or after starts_on\./, 'and its way out');

done_testing();
