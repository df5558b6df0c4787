# Books survive dump and restore in every way: each view says the same before
# and after, triggers do not fire again, and what users added stays.
use strict;
use warnings;
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('books');
$node->init;
# content() is one statement over everything, which takes a minute to compile
$node->append_conf('postgresql.conf', 'jit = off');
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', 'CREATE EXTENSION finance');
$node->safe_psql('origin',
	q{CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE origin TO owner; SELECT finance.grant_keeper('owner'); CREATE ROLE analyst});

my $as_owner = 'SET ROLE owner; SET search_path = acme, acme_internal, finance, public;';
$node->safe_psql('origin', "SET ROLE owner; SELECT finance.create_books('acme')");
$node->safe_psql('origin', $as_owner . slurp_file("$FindBin::Bin/../fixture/agency.sql"));

# What a user adds to the books is the user's.
$node->safe_psql('origin', $as_owner . q{
	ALTER TABLE party ADD COLUMN crm_rank int DEFAULT 7;
	CREATE INDEX task_title_idx ON task (title);
	ALTER TABLE payment ENABLE ROW LEVEL SECURITY;
	CREATE POLICY everyone ON payment USING (true);
	SELECT grant_access('analyst', 'reader')});

# Everything that the books show, as one text.
sub content
{
	my ($database) = @_;
	my $relations = $node->safe_psql($database, q{
		SELECT string_agg(format('SELECT %L AS relation, t::text AS line FROM acme.%I t', relname, relname), ' UNION ALL ' ORDER BY relname)
		  FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind IN ('r', 'v')});
	return $node->safe_psql($database, "SET search_path = acme, acme_internal, finance; SELECT * FROM ($relations) x ORDER BY 1, 2");
}

my $before = content('origin');
cmp_ok(length($before), '>', 100_000, 'the books hold something');
is($node->safe_psql('origin', "$as_owner SELECT * FROM check_books()"), '', 'and are healthy');
my $pages = q{SELECT string_agg(encode(sha256(convert_to(acme.issued_html(i.document_id), 'UTF8')), 'hex'), ' ' ORDER BY i.document_id) FROM acme.issued_page i};
my $issued = $node->safe_psql('origin', $pages);
like($issued, qr/^(?:[0-9a-f]{64} ?){3,}$/, 'with pages that were issued');

sub restored
{
	my ($database, $how) = @_;
	is(content($database), $before, "$how: every table and view is the same");
	is($node->safe_psql($database, $pages), $issued, "$how: every page is the one that was issued");
	is($node->safe_psql($database, "SET search_path = acme, acme_internal, finance; SELECT * FROM check_books()"), '', "$how: healthy");
	is($node->safe_psql($database, q{SELECT count(*) FROM acme.party WHERE crm_rank = 7}), '4', "$how: the user's column");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_policies WHERE schemaname = 'acme'}), '1', "$how: the user's policy");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_indexes WHERE indexname = 'task_title_idx'}), '1', "$how: the user's index");
	is($node->safe_psql($database, q{SELECT has_table_privilege('analyst', 'acme.contract_card', 'SELECT')}), 't', "$how: grants");
	is($node->safe_psql($database, q{SELECT string_agg(books || ' ' || owner, ',') FROM finance.books()}), 'acme owner', "$how: found and owned");
	# life goes on: new work is rated, the ledger is still append-only
	$node->safe_psql($database, "SET search_path = acme, acme_internal, finance; INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-06-01', 3600)");
	is($node->safe_psql($database, q{SELECT amount::numeric(9,2) FROM acme.charge ORDER BY id DESC LIMIT 1}), '66.67', "$how: new work is rated");
	my ($code, $out, $err) = $node->psql($database, 'DELETE FROM acme.entry');
	like($err, qr/never deleted/, "$how: the ledger is append-only");
	return;
}

my $dir = PostgreSQL::Test::Utils::tempdir;
$node->command_ok([ 'pg_dump', '-f', "$dir/plain.sql", 'origin' ], 'plain dump');
$node->safe_psql('postgres', 'CREATE DATABASE plain');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$dir/plain.sql" ], 'plain restore without one error');
restored('plain', 'plain');

$node->command_ok([ 'pg_dump', '-Fd', '-j2', '-f', "$dir/dir", 'origin' ], 'directory dump');
$node->safe_psql('postgres', 'CREATE DATABASE parallel');
$node->command_ok([ 'pg_restore', '-j4', '-e', '-d', 'parallel', "$dir/dir" ], 'restore -j4 without one error');
restored('parallel', '-j4');

# Another set of books in the extension's own schema does not get in the way.
$node->safe_psql('parallel', 'SELECT finance.create_books()');
$node->safe_psql('parallel', q{SET search_path = acme, acme_internal, finance; INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, id, '2026-07-01', 7200 FROM task;
	UPDATE time_entry SET duration_s = 3600 WHERE work_date = '2026-07-01'; DELETE FROM time_entry WHERE work_date = '2026-07-01' AND id % 2 = 0;
	SELECT rerate(id, '2026-06-01') FROM contract; SELECT outcome FROM run_billing('2026-07-31')});
is($node->safe_psql('parallel', "SET search_path = acme, acme_internal, finance; SELECT * FROM check_books()"), '', 'two sets of books live side by side');
is($node->safe_psql('parallel', 'SELECT count(*) FROM finance.charge'), '0', 'and nothing strays from one into the other');

# By the owner of the books, who is no superuser, into a database where the
# extension is: what belongs to the extension's owner is left out of the list.
$node->safe_psql('postgres', 'CREATE DATABASE ownerly OWNER owner');
$node->safe_psql('ownerly', q{CREATE EXTENSION finance; SELECT finance.grant_keeper('owner')});
my $list = `pg_restore -l "$dir/dir"`;
$list = join("\n", grep { !/EXTENSION|SCHEMA - finance|ACL - SCHEMA finance|SCHEMA - public|ACL - SCHEMA public/ } split(/\n/, $list));
append_to_file("$dir/list", "$list\n");
$node->command_ok([ 'pg_restore', '-e', '-L', "$dir/list", '-U', 'owner', '-d', 'ownerly', "$dir/dir" ], 'restore by the owner without one error');
restored('ownerly', 'owner');

# The extension stays while books use it, and even CASCADE keeps the data.
my ($code, $out, $err) = $node->psql('plain', 'DROP EXTENSION finance');
isnt($code, 0, 'DROP EXTENSION is refused');
like($err, qr/depend/, 'because the books depend on it');
my $rows = $node->safe_psql('plain', 'SELECT (SELECT count(*) FROM acme.charge), (SELECT count(*) FROM acme.entry)');
$node->safe_psql('plain', 'SET client_min_messages = error; DROP EXTENSION finance CASCADE');
is($node->safe_psql('plain', 'SELECT (SELECT count(*) FROM acme.charge), (SELECT count(*) FROM acme.entry)'), $rows, 'CASCADE keeps charges and entries');

done_testing();
