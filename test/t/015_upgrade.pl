# Upgrading: books of an earlier version, filled and used, become what new books are.
use strict;
use warnings;
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = "$FindBin::RealBin/../..";
my $node = PostgreSQL::Test::Cluster->new('upgrade');
my $share = $node->config_data('--sharedir') . '/extension';
plan skip_all => 'the installation cannot be written to' unless -w $share && -w $node->config_data('--sharedir');
my $version = slurp_file("$top/finance.control") =~ /default_version\s*=\s*'(.*)'/ ? $1 : die 'no version';

# What is installed for a while in place of the real thing goes again at the end.
my %installed = map { $_ => slurp_file("$share/$_") } "finance-books--$version.sql", "finance-books-code--$version.sql";
my @steps;

# Install a file under a name.
sub install
{
	my ($name, $text) = @_;
	unlink "$share/$name";
	append_to_file("$share/$name", $text);
}

sub step
{
	my ($from, $to, $text) = @_;
	push @steps, "$share/finance-books--$from--$to.sql";
	install("finance-books--$from--$to.sql", $text);
}

sub restore { install($_, $installed{$_}) for keys %installed; unlink splice @steps; }
END { my $status = $?; restore() if %installed; $? = $status; }

$node->init;
$node->append_conf('postgresql.conf', "max_locks_per_transaction = 256\ntimezone = 'UTC'\njit = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE ROLE keeper LOGIN; CREATE ROLE viewer; CREATE ROLE boss; CREATE ROLE grafana;
	CREATE DATABASE aged; CREATE DATABASE fresh; GRANT CREATE ON DATABASE aged, fresh TO keeper});

# Run as the owner of the books; die with the server's words.
sub as_keeper
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "SET search_path = acme, finance, public;\n$sql", extra_params => [ '-U', 'keeper' ]);
}

# Run what must be refused; return the words.
sub refused
{
	my ($database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, "\\set VERBOSITY verbose\n$sql", extra_params => [ '-U', 'keeper' ]);
	isnt($status, 0, "refused: $sql");
	return $err;
}

# What users have on top of the books.
my $users = q{
	CREATE SCHEMA reports;
	CREATE VIEW reports.hours AS SELECT number, hours_worked FROM contract_card;
	CREATE VIEW reports.work AS SELECT id, worked_s FROM time_entry;
	CREATE MATERIALIZED VIEW reports.months AS SELECT month, revenue FROM pnl_month;
	CREATE VIEW card_of_mine AS SELECT contract_id, number, client, balance, hours_left FROM contract_card;
	CREATE FUNCTION reports.today() RETURNS date LANGUAGE sql STABLE BEGIN ATOMIC SELECT books_today(); END;
	CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
	ALTER TABLE task ADD COLUMN sprint text DEFAULT 'none', ADD CONSTRAINT task_sprint_named CHECK (sprint <> '');
	COMMENT ON COLUMN task.sprint IS 'ours';
	CREATE INDEX task_sprint_idx ON task (sprint);
	CREATE FUNCTION reports.note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER noted BEFORE INSERT ON task FOR EACH ROW EXECUTE FUNCTION reports.note();
	ALTER TABLE payment ENABLE ROW LEVEL SECURITY;
	CREATE POLICY managers ON payment USING (has_level('manager'));
	ALTER TABLE direction DISABLE TRIGGER direction_named;
	GRANT USAGE ON SCHEMA acme TO grafana;
	GRANT SELECT ON contract_card, charge TO grafana;
	GRANT SELECT (month, revenue) ON pnl_month TO grafana;
	GRANT EXECUTE ON FUNCTION charge_item(bigint, bigint, numeric, date, bigint, text, numeric, numeric) TO grafana WITH GRANT OPTION;
	SELECT grant_access('viewer', 'reader'), grant_access('boss', 'controller');
};

# Books, filled by the fixture, and used.
sub fill
{
	my ($database) = @_;
	$node->safe_psql($database, q{CREATE EXTENSION finance; SELECT finance.grant_keeper('keeper')});
	as_keeper($database, q{SELECT finance.create_books('acme')});
	as_keeper($database, slurp_file("$top/test/fixture/agency.sql"));
	as_keeper($database, $users);
}

# All that the catalog says of the books, one object a line.  The order of a table's columns counts, but for one that users added.
sub catalog
{
	my ($database) = @_;
	return join("\n", map { s/\s+/ /gr } split /\x{1}/, $node->safe_psql($database, q{
		SET search_path = acme, acme_internal, finance;
		WITH room AS (SELECT n.oid, n.nspname FROM pg_namespace n WHERE n.nspname IN ('acme', 'acme_internal', 'reports')),
		     relation AS (SELECT c.* FROM pg_class c JOIN room ON room.oid = c.relnamespace)
		SELECT string_agg(x.line, E'\x01' ORDER BY x.line) FROM (
			SELECT concat_ws(' | ', 'relation', c.oid::regclass, c.relkind, c.reloptions, obj_description(c.oid, 'pg_class'), c.relrowsecurity,
				(SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))) a)) FROM relation c
			UNION ALL SELECT concat_ws(' | ', 'column', c.oid::regclass, row_number() OVER (PARTITION BY c.oid, a.attname = 'sprint' ORDER BY a.attnum), a.attname,
				format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated, a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attacl,
				col_description(c.oid, a.attnum))
				FROM relation c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
				LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r', 'v', 'm')
			UNION ALL SELECT concat_ws(' | ', 'function', p.oid::regprocedure, pg_get_functiondef(p.oid), p.proconfig, obj_description(p.oid, 'pg_proc'),
				(SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(p.proacl) a), p.proowner::regrole, room.nspname)
				FROM pg_proc p JOIN room ON room.oid = p.pronamespace
				WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
			UNION ALL SELECT concat_ws(' | ', 'view', c.oid::regclass, pg_get_viewdef(c.oid)) FROM relation c WHERE c.relkind IN ('v', 'm')
			UNION ALL SELECT concat_ws(' | ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t JOIN relation c ON c.oid = t.tgrelid
				WHERE NOT t.tgisinternal
			UNION ALL SELECT concat_ws(' | ', 'constraint', r.conrelid::regclass, r.conname, pg_get_constraintdef(r.oid), r.convalidated,
				obj_description(r.oid, 'pg_constraint')) FROM pg_constraint r JOIN relation c ON c.oid = r.conrelid
			UNION ALL SELECT concat_ws(' | ', 'index', pg_get_indexdef(i.indexrelid)) FROM pg_index i JOIN relation c ON c.oid = i.indrelid
			UNION ALL SELECT concat_ws(' | ', 'policy', p.*) FROM pg_policies p WHERE p.schemaname = 'acme'
			UNION ALL SELECT concat_ws(' | ', 'schema', n.nspname, n.nspacl, obj_description(n.oid)) FROM pg_namespace n JOIN room USING (oid)
		) x (line)}));
}

# The rows of every table and view, but for columns that tell when, and what terms were made
# of, which is told apart by the version.
sub data
{
	my ($database) = @_;
	my @relations = split /\n/, $node->safe_psql($database, q{
		SET search_path = acme, finance;
		SELECT format('SELECT %L, count(*), md5(string_agg(x::text, E''\n'' ORDER BY x::text)) FROM (SELECT %s FROM %s r) x', c.relname,
		              string_agg('r.' || quote_ident(a.attname), ', ' ORDER BY a.attname), c.oid::regclass)
		  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		 WHERE c.relnamespace = 'acme'::regnamespace AND c.relkind IN ('r', 'v')
		   AND a.atttypid <> 'timestamptz'::regtype AND a.attname NOT IN ('version', 'holder', 'token_digest', 'digest')
		   AND c.relname NOT IN ('billing_progress', 'open_function', 'terms_source')
		 GROUP BY c.oid, c.relname ORDER BY c.relname});
	return $node->safe_psql($database, "SET search_path = acme, finance;\n" . join(";\n", @relations));
}

# Show where two texts differ; true where nowhere.
sub same
{
	my ($got, $expected, $name) = @_;
	my %got = map { $_ => 1 } split /\n/, $got;
	my %expected = map { $_ => 1 } split /\n/, $expected;
	my @more = grep { !$expected{$_} } sort keys %got;
	my @less = grep { !$got{$_} } sort keys %expected;
	ok(!@more && !@less, $name) or diag(map { substr($_, 0, 600) . "\n" } map({ "got:      $_" } @more), map({ "expected: $_" } @less));
}

# ---------------------------------------------------------------------------
# the same books, aged and upgraded, and new ones
# ---------------------------------------------------------------------------

install("finance-books--$version.sql", slurp_file("$top/test/upgrade/finance-books--0.9.sql"));
install("finance-books-code--$version.sql", slurp_file("$top/test/upgrade/finance-books-code--0.9.sql"));
fill('aged');
is($node->safe_psql('aged', 'SELECT version FROM acme.setting'), '0.9', 'books of an earlier version');
restore();
fill('fresh');

# a step that fails leaves nothing behind
my $before = catalog('aged');
step('0.9', '0.9.1', 'ALTER TABLE setting ADD COLUMN half int;');
step('0.9.1', $version, 'SELECT 1 / (SELECT count(*) FROM setting WHERE half > 0);');
like(refused('aged', q{SELECT finance.upgrade_books('acme')}),
	qr/ERROR:  22012: division by zero\nCONTEXT:  line 1 of "finance-books--0\.9\.1--/, 'a step that fails is told by its line');
same(catalog('aged'), $before, 'and changes nothing');
restore();

# what users hang on a column that goes, and on a view that changes
step('0.9', $version, 'ALTER TABLE time_entry DROP COLUMN worked_s;');
like(refused('aged', q{SELECT finance.upgrade_books('acme')}),
	qr/ERROR:  2BP01: .*DETAIL:  .*view reports\.work depends on.*HINT:  Drop what hangs on it, upgrade the books, and make it again\./s,
	'a column that goes and is used');
my $code = $installed{"finance-books-code--$version.sql"};
(my $changed = $code) =~ s/(CREATE VIEW contract_card\b.*?\bSELECT )/$1 1 AS first_of_all, /s or die;
install("finance-books-code--$version.sql", $changed);
step('0.9', $version, slurp_file("$top/test/upgrade/finance-books--0.9--1.0.sql"));
like(refused('aged', q{SELECT finance.upgrade_books('acme')}),
	qr/ERROR:  2BP01: view contract_card of the books "acme" changes its shape, and objects of yours hang on it\nDETAIL:  .*On it hang: .*view reports\.hours.*\nHINT:  Drop those/,
	'a view that changes and is used');
same(catalog('aged'), $before, 'and nothing has changed');
restore();

# two at once, while others write
append_to_file("$node->{_basedir}/write.sql", q{
BEGIN;
INSERT INTO acme.task (project_id, title) VALUES (1, 'While upgraded') RETURNING id \gset
INSERT INTO acme.time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :id, '2026-05-05', 600);
DELETE FROM acme.time_entry WHERE task_id = :id;
DELETE FROM acme.task WHERE id = :id;
END;
});
step('0.9', $version, slurp_file("$top/test/upgrade/finance-books--0.9--1.0.sql"));
my ($wrote, $said, @both) = ('', '');
my $writers = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '20', '-f', "$node->{_basedir}/write.sql", '-U', 'keeper', $node->connstr('aged') ],
	'<', \undef, '>', \$wrote, '2>', \$said, IPC::Run::timeout(180));
for (1 .. 2)
{
	my ($out, $err) = ('', '');
	push @both, { out => \$out, err => \$err, handle => IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('aged'), '-U', 'keeper', '-c',
				q{SELECT finance.upgrade_books('acme')} ], '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180)) };
}
$_->{handle}->finish for @both;
$writers->finish;
is(${ $_->{out} } . ${ $_->{err} }, "$version\n", 'of two upgrades at once, while others write, both succeed') for @both;
unlike($said, qr/deadlock|ERROR|FATAL/, 'and no writer is disturbed');
like($wrote, qr/actually processed: [1-9]/, 'who wrote all the time');

# what the writers left is gone but for numbers and history
for my $database ('aged', 'fresh')
{
	as_keeper($database, q{ALTER TABLE history DISABLE TRIGGER USER; DELETE FROM history; ALTER TABLE history ENABLE TRIGGER USER});
}
same(catalog('aged'), catalog('fresh'), 'upgraded books are made like new ones, and what users have on them stays');
same(data('aged'), data('fresh'), 'and hold and show the same');
is(as_keeper('aged', 'SELECT * FROM check_books()'), '', 'they are healthy');

# a role with a level has what new books give it, and others what they were given
is($node->safe_psql('aged', q{
	SELECT has_table_privilege('viewer', 'acme.contract_card', 'SELECT'), has_table_privilege('grafana', 'acme.contract_card', 'SELECT'),
	       has_table_privilege('grafana', 'acme.cost_rate', 'SELECT'), has_column_privilege('grafana', 'acme.pnl_month', 'revenue', 'SELECT')}),
	't|t|f|t', 'rights are what they were');

# again: nothing is left to do
$before = catalog('aged');
is(as_keeper('aged', q{SELECT finance.upgrade_books('acme')}), $version, 'once more');
same(catalog('aged'), $before, 'changes nothing');
restore();

# code that a version does not have any more goes, that of users stays
as_keeper('aged', q{UPDATE setting SET version = '0.9.9'});
step('0.9.9', $version, 'SELECT 1;');
$code =~ s/CREATE FUNCTION split_by_band\(.*?^SELECT allow\('reader', 'execute', 'split_by_band'\);$//ms or die;
install("finance-books-code--$version.sql", $code);
as_keeper('aged', q{SELECT finance.upgrade_books('acme')});
is(as_keeper('aged', q{SELECT count(*) FILTER (WHERE proname = 'split_by_band'), count(*) FILTER (WHERE proname = 'mine') FROM pg_proc WHERE pronamespace = 'acme'::regnamespace}),
	'0|1', 'a function that the version does not have is gone, one of the users is not');
is(as_keeper('aged', q{SELECT count(*) FROM access_rule WHERE object = 'split_by_band'}), '0', 'with its rule of access');
restore();

$node->stop;
done_testing();
