# Installing: the extension, sets of books, and who may make and drop them.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# Run a statement that must be refused; return what the server says.
sub refused
{
	my ($sql, $user) = @_;
	my ($status, $out, $err) = $node->psql(
		'postgres',
		"\\set VERBOSITY verbose\n$sql",
		extra_params => $user ? [ '-U', $user ] : []);

	isnt($status, 0, "refused: $sql");
	return $err;
}

# What books() lists, one line for each set of books.
sub books
{
	return $node->safe_psql('postgres',
		q{SELECT books, version, owner FROM finance.books() ORDER BY books});
}

# The extension is code only.
$node->safe_psql('postgres', 'CREATE EXTENSION finance');
my $version = $node->safe_psql('postgres',
	q{SELECT extversion FROM pg_extension WHERE extname = 'finance'});
is( $node->safe_psql(
		'postgres', q{
	SELECT count(*) FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
	 WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
	   AND d.refclassid = 'pg_extension'::regclass AND c.relkind IN ('r', 'S', 'v')}),
	'0', 'the extension holds no tables, sequences or views');
is(books(), '', 'there are no books at first');
is( $node->safe_psql(
		'postgres', q{
	SELECT string_agg(p.oid::regprocedure::text, ', ')
	  FROM pg_proc p JOIN pg_depend d
	    ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'finance'
	 WHERE obj_description(p.oid, 'pg_proc') IS NULL}),
	'', 'every function has a comment');

# Books: made once, listed, brought up to date.
is($node->safe_psql('postgres', 'SELECT finance.create_books()'),
	'finance', 'create_books() makes books in schema finance');
is(books(), "finance|$version|" . $node->safe_psql('postgres', 'SELECT current_user'),
	'books() lists them with their version and owner');

my $err = refused('SELECT finance.create_books()');
like($err, qr/ERROR:  42710: books "finance" exist already/, 'books are not made twice');
like($err, qr/HINT:  .*finance\.upgrade_books\('finance'\)/, 'the hint names the way out');

is($node->safe_psql('postgres', q{SELECT finance.upgrade_books('finance')}),
	$version, 'upgrade_books() returns the installed version');
is($node->safe_psql('postgres', q{SELECT finance.upgrade_books('finance')}),
	$version, 'and may be run twice');
like(refused(q{SELECT finance.upgrade_books('nowhere')}),
	qr/ERROR:  42704: there are no books "nowhere"/, 'books that are not there are not upgraded');
like(refused(q{SELECT finance.create_books('pg_mine')}),
	qr/ERROR:  3F000: "pg_mine" cannot be the name of a set of books/,
	'a name that PostgreSQL keeps for itself is refused');
like(refused(q{SELECT finance.create_books('')}), qr/ERROR:  3F000: /, 'so is an empty name');

# A schema with foreign objects of our names is refused whole.
$node->safe_psql('postgres',
	'CREATE SCHEMA taken; CREATE TABLE taken.entry (mine text)');
$err = refused(q{SELECT finance.create_books('taken')});
like($err, qr/ERROR:  42710: schema "taken" holds other objects of the names that books need/,
	'a schema that holds an "entry" of its own is refused');
like($err, qr/DETAIL:  .*"entry"/, 'the detail names the object');
like($err, qr/HINT:  /, 'with a hint');
is( $node->safe_psql('postgres',
		q{SELECT string_agg(relname, ',') FROM pg_class WHERE relnamespace = 'taken'::regnamespace}),
	'entry', 'and nothing is half-made there');

# Who may make books: whoever may create a schema.
$node->safe_psql('postgres', q{
	CREATE ROLE clerk LOGIN;
	CREATE ROLE owner LOGIN;
	GRANT CREATE ON DATABASE postgres TO owner;
	SELECT finance.grant_keeper('owner'), finance.grant_keeper('clerk')});
like(refused(q{SELECT finance.create_books('acme')}, 'clerk'),
	qr/ERROR:  42501: /, 'a role without CREATE on the database makes none');
is( $node->safe_psql('postgres', q{SELECT finance.create_books('acme')},
		extra_params => [ '-U', 'owner' ]),
	'acme', 'a role with CREATE on the database does, and is no superuser');
is( $node->safe_psql(
		'postgres', q{
	SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class
	 WHERE relnamespace = 'acme'::regnamespace AND relkind IN ('r', 'S', 'v')}),
	'owner', 'everything in them is the maker\'s own');
like(books(), qr/^acme\|\Q$version\E\|owner$/m, 'books() lists the second set');
is( $node->safe_psql('postgres',
		q{SELECT count(*) FROM finance.books() WHERE books = 'acme' AND version IS NULL},
		extra_params => [ '-U', 'clerk' ]),
	'1', 'a role without rights on the books sees no version');

# A schema name that needs quotes, and one that attacks.
for my $schema ('Acme & Co', q{x"; DROP SCHEMA acme, acme_internal CASCADE; --}, q{o'clock})
{
	(my $literal = $schema) =~ s/'/''/g;
	is($node->safe_psql('postgres', "SELECT finance.create_books('$literal')"),
		$schema, "books in schema $schema");
	is($node->safe_psql('postgres', "SELECT finance.upgrade_books('$literal')"),
		$version, 'are found again');
}

# Older books walk up to the installed version by steps, each in its own file;
# a step that fails leaves them as they were.
my $share = $node->config_data('--sharedir') . '/extension';
SKIP:
{
	skip 'the installation cannot be written to', 7 unless -w $share;
	my @steps = ("$share/finance-books--0.8--0.9.sql", "$share/finance-books--0.9--$version.sql");
	my @as_owner = (extra_params => [ '-U', 'owner' ]);
	append_to_file($steps[0], 'CREATE TABLE step_one (n int);');
	append_to_file($steps[1], 'INSERT INTO step_one VALUES (1), (1 / (SELECT count(*) FROM party)::int);');
	$node->safe_psql('postgres', q{UPDATE acme.setting SET version = '0.8'});
	like(refused(q{SELECT finance.upgrade_books('acme')}), qr/ERROR:  42501: books "acme" belong to "owner"/, 'a superuser does not run what is the owner\'s');
	$err = refused(q{SELECT finance.upgrade_books('acme')}, 'owner');
	like($err, qr/division by zero/, 'a step that fails is reported');
	like($err, qr/CONTEXT:  line 1 of "finance-books--0\.9--\Q$version\E\.sql"/, 'by its line, without the script');
	is($node->safe_psql('postgres', q{SELECT version, to_regclass('acme.step_one') IS NULL FROM acme.setting}), '0.8|t', 'and leaves nothing behind');
	$node->safe_psql('postgres', q{INSERT INTO acme.party (kind, name) VALUES ('own', 'Agency')});
	is($node->safe_psql('postgres', q{SELECT finance.upgrade_books('acme')}, @as_owner), $version, 'two steps lead to the installed version');
	is($node->safe_psql('postgres', q{SELECT version, (SELECT count(*) FROM acme.step_one) FROM acme.setting}), "$version|2", 'both were taken, in the books\' own schema');
	unlink @steps;
}

# A set of books goes with its schema; the extension stays while books use it.
$err = refused('DROP EXTENSION finance');
like($err, qr/ERROR:  2BP01: cannot drop extension finance/, 'DROP EXTENSION is refused');
like($err, qr/DETAIL:  .*depends on function finance\./s, 'the detail names what uses it');

my $kept = $node->safe_psql('postgres', 'SELECT count(*) FROM acme.setting');
$node->safe_psql('postgres', 'SET client_min_messages = error; DROP EXTENSION finance CASCADE');
is($node->safe_psql('postgres', 'SELECT count(*) FROM acme.setting'),
	$kept, 'even CASCADE leaves the data');
is($kept, '1', 'which was there');

$node->stop;
done_testing();
