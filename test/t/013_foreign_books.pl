# Nothing of another user's runs with my rights: every way that a role with
# nothing but CREATE on the database could take to become superuser, tried as
# that role; and books come out the same whoever makes them, under any session.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('foreign');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_locks_per_transaction = 256");
$node->start;

# ---------------------------------------------------------------------------
# roles and databases
# ---------------------------------------------------------------------------

my @roles = qw(mallory keeper other company member);

# Make the extension known in a database, and let roles make books there.
sub prepare
{
	my ($database) = @_;
	$node->safe_psql($database, 'CREATE EXTENSION IF NOT EXISTS finance');
	for my $role (@roles)
	{
		$node->safe_psql($database, qq{
			DO \$\$ BEGIN
				EXECUTE format('GRANT CREATE ON DATABASE %I TO $role', current_database());
				IF to_regproc('finance.grant_keeper') IS NOT NULL THEN
					EXECUTE format('SELECT finance.grant_keeper(%L)', '$role');
				END IF;
			END \$\$});
	}
	return;
}

sub database
{
	my ($name, $options) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name " . ($options // ''));
	prepare($name);
	return;
}

# Run SQL as a role that logs in; the result and what went to stderr.
sub run_as
{
	my ($role, $database, $sql) = @_;
	my ($status, $out, $err) = $node->psql($database, encode_utf8("\\set VERBOSITY verbose\n\\set ON_ERROR_STOP 1\n$sql"),
		extra_params => [ '-U', $role ]);
	return ($status, $out, $err);
}

# What must work.
sub as
{
	my ($role, $database, $sql) = @_;
	my ($status, $out, $err) = run_as($role, $database, $sql);
	is($err, '', 'runs: ' . substr($sql, 0, 60)) if $status != 0;
	return $out;
}

# What must be refused: with this state, this message, a hint where one is
# named, and few words.
sub refused
{
	my ($role, $database, $sql, $state, $message, $name, $hint) = @_;
	my ($status, $out, $err) = run_as($role, $database, $sql);
	like($err, qr/ERROR:  $state: $message/, $name);
	like($err, qr/HINT:  $hint/, "$name: the way out") if defined $hint;
	cmp_ok(length($err), '<', 2000, "$name: in few words");
	return;
}

my $boom = q{
	CREATE TABLE %1$s.ran (who text);
	GRANT INSERT ON %1$s.ran TO PUBLIC;
	GRANT USAGE ON SCHEMA %1$s TO PUBLIC;
	CREATE FUNCTION %1$s.boom() RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
		IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE mallory SUPERUSER'; END IF;
		IF current_user <> 'mallory' THEN RAISE WARNING 'boom ran as %%', current_user; END IF;
		RETURN '6.6.6'; END $$;
	CREATE FUNCTION %1$s.boom_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		PERFORM %1$s.boom(); RETURN NEW; END $$;};

# A schema of mallory's that looks like books.
sub fake
{
	my ($schema, $database, $sql) = @_;
	my $setup = sprintf($boom, $schema);
	as('mallory', $database, qq{
		CREATE SCHEMA $schema; $setup
		CREATE TABLE $schema.entry (id int);
		CREATE TRIGGER entry_append_only BEFORE UPDATE ON $schema.entry FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change('x');
		SET search_path = $schema;
		$sql;
		DO \$\$ BEGIN GRANT SELECT ON ALL TABLES IN SCHEMA $schema TO PUBLIC; END \$\$});
	return;
}

sub is_harmless
{
	my ($name) = @_;
	is($node->safe_psql('postgres', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', "$name: mallory is no superuser");
	return;
}

$node->safe_psql('postgres', join(';', map { "CREATE ROLE $_ LOGIN" } @roles) . '; GRANT company TO member');
prepare('postgres');

# ---------------------------------------------------------------------------
# books(): lookalikes
# ---------------------------------------------------------------------------

as('keeper', 'postgres', q{SELECT finance.create_books('honest')});
$node->safe_psql('postgres', q{
	CREATE FOREIGN DATA WRAPPER nothing; GRANT USAGE ON FOREIGN DATA WRAPPER nothing TO mallory});

my %fakes = (
	a_view => 'CREATE VIEW setting AS SELECT boom() AS version',
	a_materialized_view => 'CREATE MATERIALIZED VIEW setting AS SELECT boom() AS version',
	no_setting => '',
	empty => 'CREATE TABLE setting (version text)',
	two_rows => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('1'), ('2')},
	a_null => 'CREATE TABLE setting (version text); INSERT INTO setting VALUES (NULL)',
	no_column => 'CREATE TABLE setting (id int)',
	dropped_column => q{CREATE TABLE setting (id int, version text); INSERT INTO setting VALUES (1, '1'); ALTER TABLE setting DROP COLUMN version},
	another_type => 'CREATE TABLE setting (version int); INSERT INTO setting VALUES (1)',
	foreign_table => 'CREATE SERVER s FOREIGN DATA WRAPPER nothing; CREATE FOREIGN TABLE setting (version text) SERVER s',
	partitioned => q{CREATE TABLE setting (version text) PARTITION BY LIST (version); CREATE TABLE part PARTITION OF setting DEFAULT; INSERT INTO setting VALUES ('1')},
	children => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('1'); CREATE TABLE child () INHERITS (setting); INSERT INTO child VALUES ('2')},
	generated => 'CREATE TABLE setting (id int, version text GENERATED ALWAYS AS (boom()) STORED); INSERT INTO setting VALUES (1)',
	a_domain => q{CREATE DOMAIN checked AS text CHECK (boom() IS NOT NULL); CREATE TABLE setting (version checked); INSERT INTO setting VALUES ('1')},
	row_security => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('1'); ALTER TABLE setting ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
		CREATE POLICY p ON setting USING (boom() IS NOT NULL)},
	a_rule => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('1'); CREATE RULE r AS ON UPDATE TO setting DO ALSO SELECT boom()},
	a_sequence => 'CREATE SEQUENCE setting',
	a_type => 'CREATE TYPE setting AS (version text)',
	an_index => 'CREATE INDEX setting ON entry (id)',
	unlogged => q{CREATE UNLOGGED TABLE setting (version text); INSERT INTO setting VALUES ('1')},
	long => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES (repeat('1', 10000000))},
	no_version => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES (E'1.0\n$(reboot)')},
	bloated => q{CREATE TABLE setting (version text, filler text); INSERT INTO setting SELECT '1', repeat('x', 1000) FROM generate_series(1, 10000); DELETE FROM setting WHERE ctid <> '(0,1)'},
	foreign_owner => q{GRANT USAGE, CREATE ON SCHEMA foreign_owner TO other});
fake($_, 'postgres', $fakes{$_}) for sort keys %fakes;
as('other', 'postgres', q{CREATE TABLE foreign_owner.setting (version text); INSERT INTO foreign_owner.setting VALUES ('1'); GRANT SELECT ON foreign_owner.setting TO PUBLIC});

# These are plain enough to be read, and nothing in them runs when they are.
my %read = (
	plain => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('7')},
	a_default => q{CREATE TABLE setting (id int, version text DEFAULT boom()); INSERT INTO setting VALUES (1, '7')},
	an_index_expression => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('7'); CREATE INDEX ON setting ((boom())); CREATE INDEX ON setting (version) WHERE boom() = '6.6.6'},
	a_trigger => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('7'); CREATE TRIGGER t BEFORE INSERT OR UPDATE ON setting FOR EACH ROW EXECUTE FUNCTION boom_trigger()},
	operators => q{CREATE TABLE setting (version text); INSERT INTO setting VALUES ('7');
		CREATE FUNCTION equal(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT operators.boom() IS NULL'; CREATE OPERATOR = (LEFTARG = name, RIGHTARG = name, FUNCTION = equal);
		CREATE FUNCTION equal(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT operators.boom() IS NULL'; CREATE OPERATOR = (LEFTARG = oid, RIGHTARG = oid, FUNCTION = equal);
		CREATE VIEW pg_class AS SELECT boom(); CREATE VIEW pg_trigger AS SELECT boom(); CREATE VIEW pg_namespace AS SELECT boom()});
fake($_, 'postgres', $read{$_}) for sort keys %read;

my $list = q{SELECT string_agg(books || '=' || coalesce(version, '?'), ' ' ORDER BY books COLLATE "C") FROM finance.books()};
my $version = $node->safe_psql('postgres', q{SELECT extversion FROM pg_extension WHERE extname = 'finance'});
my $expected = join(' ', map { $_ eq 'honest' ? "honest=$version" : "$_=" . ($read{$_} ? '7' : '?') } sort('honest', keys %fakes, keys %read));
for my $path ('public', 'operators, pg_catalog', '')
{
	my ($status, $out, $err) = run_as($node->safe_psql('postgres', 'SELECT current_user'), 'postgres', ($path ? "SET search_path = $path;" : "SET search_path = '';") . $list);
	is($out, $expected, "books() lists good and bad neighbours, search_path = '$path'");
	is($err, '', 'and runs nothing of theirs');
}
is_harmless('books()');
is(as('other', 'postgres', $list), $expected =~ s/honest=\Q$version\E/honest=?/r, 'a plain role sees the same, but no version that it may not read');
like(as('other', 'postgres', q{BEGIN READ ONLY; SELECT count(*) FROM finance.books()}), qr/^\d+$/, 'in a read-only transaction too');

# Who may create in a schema makes no books of its owner.
$node->safe_psql('postgres', q{GRANT CREATE ON SCHEMA public TO PUBLIC});
as('mallory', 'postgres', q{
	CREATE TABLE public.entry (id int);
	CREATE TRIGGER entry_append_only BEFORE UPDATE ON public.entry FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change('x');
	CREATE TABLE public.setting (version text)});
unlike($node->safe_psql('postgres', $list), qr/public/, 'a ledger of somebody else is none of the schema\'s owner');
$node->safe_psql('postgres', 'DROP TABLE public.entry, public.setting; REVOKE CREATE ON SCHEMA public FROM PUBLIC');
unlike(as('mallory', 'postgres', qq{
	CREATE TEMP TABLE entry (id int);
	CREATE TRIGGER entry_append_only BEFORE UPDATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change('x'); $list}),
	qr/pg_temp/, 'neither is a temporary one');

# Who holds his table locked keeps nobody waiting.
sub background
{
	my ($role, $sql) = @_;
	my ($out, $err) = ('', '');
	my $handle = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-U', $role, '-c', $sql ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(180));
	return { handle => $handle, out => \$out, err => \$err };
}

sub finish
{
	my ($session) = @_;
	$session->{handle}->finish;
	return ${ $session->{out} } . ${ $session->{err} };
}

my $holder = background('mallory', q{BEGIN; LOCK TABLE plain.setting; SELECT pg_sleep(100);});
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'plain.setting'::regclass AND mode = 'AccessExclusiveLock' AND granted)});
is($node->safe_psql('postgres', "SET statement_timeout = '20s'; $list"), $expected =~ s/ plain=7/ plain=?/r, 'a table that is locked has no version, and nobody waits for it');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mallory'});
finish($holder);

# ---------------------------------------------------------------------------
# upgrade_books(): only the owner's, and as the owner
# ---------------------------------------------------------------------------

my $super = $node->safe_psql('postgres', 'SELECT current_user');
for my $schema ('a_view', 'a_default', 'plain', 'row_security', 'honest')
{
	my $owner = $schema eq 'honest' ? 'keeper' : 'mallory';
	refused($super, 'postgres', "SELECT finance.upgrade_books('$schema')", '42501', qq{books "$schema" belong to "$owner"}, "a superuser is refused $schema", "SET ROLE $owner first\\.");
	refused('other', 'postgres', "SELECT finance.upgrade_books('$schema')", '42501', qq{books "$schema" belong to "$owner"}, "so is another role", qq{Ask "$owner"});
}
refused($super, 'postgres', 'SELECT finance.upgrade_books(books) FROM finance.books()', '42501', 'books ', 'so are all of them at once');
refused('mallory', 'postgres', q{SELECT finance.upgrade_books('a_view')}, '23001', 'books "a_view" have lost their version', 'a version that cannot be read is said so');
is(as('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}), $version, 'the owner may');
is(as($super, 'postgres', q{SET ROLE keeper; SELECT finance.upgrade_books('honest')}), $version, 'and who becomes the owner');
is_harmless('upgrade_books()');

my $share = $node->config_data('--sharedir') . '/extension';
my @files;

sub step
{
	my ($from, $to, $sql) = @_;
	my $file = "$share/finance-books--$from--$to.sql";
	unlink $file;
	append_to_file($file, encode_utf8($sql));
	push @files, $file unless grep { $_ eq $file } @files;
	return;
}

END { unlink @files if @files; }

SKIP:
{
	skip 'the installation cannot be written to', 1 unless -w $share;
	step('t1', $version, 'CREATE TABLE step (n int); INSERT INTO step VALUES (1); SELECT 1;');

	# Code of the owner's that an upgrade runs cannot get back to who asked.
	for my $escape ('RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', "SET ROLE $super")
	{
		as('mallory', 'postgres', qq{
			CREATE SCHEMA IF NOT EXISTS trap; DROP TABLE IF EXISTS trap.entry, trap.setting CASCADE;
			CREATE TABLE trap.entry (id int);
			CREATE TRIGGER entry_append_only BEFORE UPDATE ON trap.entry FOR EACH STATEMENT EXECUTE FUNCTION finance.refuse_change('x');
			CREATE TABLE trap.setting (version text); INSERT INTO trap.setting VALUES ('t1');
			CREATE OR REPLACE FUNCTION trap.spring() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
				EXECUTE '$escape'; EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN NEW; END \$\$;
			CREATE TRIGGER spring BEFORE UPDATE ON trap.setting FOR EACH ROW EXECUTE FUNCTION trap.spring()});
		my ($status, $out, $err) = run_as($super, 'postgres', q{SET ROLE mallory; SELECT finance.upgrade_books('trap')});
		like($err, qr/ERROR:  42501: (cannot set parameter|permission denied)/, "$escape within an upgrade is refused");
		is_harmless($escape);
	}
	# A deferred trigger would fire at the end, as whoever asked.
	as('mallory', 'postgres', q{
		DROP TRIGGER spring ON trap.setting;
		CREATE FUNCTION trap.later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE mallory SUPERUSER'; END IF; RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON trap.setting DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trap.later()});
	run_as($super, 'postgres', q{BEGIN; SET ROLE mallory; SELECT finance.upgrade_books('trap'); RESET ROLE; COMMIT});
	is_harmless('a deferred trigger');
	as('mallory', 'postgres', 'DROP SCHEMA trap CASCADE');

	# Owners who let others in are refused before anything runs.
	as('keeper', 'postgres', q{UPDATE honest.setting SET version = 't1'; GRANT USAGE, CREATE ON SCHEMA honest TO mallory});
	refused('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}, '42501', '"mallory" may create in schema "honest"', 'an upgrade where another may create', 'REVOKE CREATE ON SCHEMA honest FROM mallory');
	as('mallory', 'postgres', q{CREATE FUNCTION honest.round_money(numeric, int) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'});
	as('keeper', 'postgres', 'REVOKE CREATE ON SCHEMA honest FROM mallory');
	refused('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}, '42501', 'schema "honest" holds an object of "mallory"', 'an upgrade where another left a function', 'Move it');
	as('keeper', 'postgres', 'DROP FUNCTION honest.round_money(numeric, int)');

	# One step at a time, and one line of steps.
	step('t1', 't2', 'SELECT 1;');
	refused('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}, '0A000', 'two steps lead on from version t1', 'two steps that fit are no line', 'Remove the one');
	unlink "$share/finance-books--t1--t2.sql";
	step('t1', $version, 'SELECT pg_sleep(2); CREATE TABLE step (n int);');
	my @both = map { background('keeper', q{SELECT finance.upgrade_books('honest');}) } 1 .. 2;
	is(finish($_), "$version\n", 'of two upgrades at once both succeed') for @both;
	is($node->safe_psql('postgres', q{SELECT version, (SELECT count(*) FROM honest.step) FROM honest.setting}), "$version|0", 'and the step was taken once');
	as('keeper', 'postgres', q{DROP TABLE honest.step; UPDATE honest.setting SET version = 't1'});
	is(as('keeper', 'postgres', q{BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; SELECT finance.upgrade_books('honest'); COMMIT}), "1\n$version", 'an upgrade in SERIALIZABLE');
	as('keeper', 'postgres', q{DROP TABLE honest.step; UPDATE honest.setting SET version = 't3'});
	step('t3', 't4', 'SELECT 1;');
	step('t4', 't3', 'SELECT 1;');
	as('keeper', 'postgres', q{CREATE FUNCTION honest.stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := OLD.version; RETURN NEW; END';
		CREATE TRIGGER stay BEFORE UPDATE ON honest.setting FOR EACH ROW EXECUTE FUNCTION honest.stay(); ALTER TABLE honest.setting DISABLE TRIGGER stay; UPDATE honest.setting SET version = 't1'; ALTER TABLE honest.setting ENABLE TRIGGER stay});
	refused('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}, '23001', 'books "honest" stayed at version t1', 'a version that does not move', '\S');
	as('keeper', 'postgres', q{DROP FUNCTION honest.stay CASCADE; UPDATE honest.setting SET version = 't3'});
	refused('keeper', 'postgres', q{SELECT finance.upgrade_books('honest')}, '0A000', 'the installed steps of the books go round in a circle', 'steps in a circle', 'Install');
	as('keeper', 'postgres', qq{UPDATE honest.setting SET version = '$version'});

	# Books of an older version get the schema for internal functions.
	as('keeper', 'postgres', q{SELECT finance.create_books('aged'); DROP SCHEMA aged_internal CASCADE; UPDATE aged.setting SET version = 't5'});
	step('t5', $version, q{DO $$ BEGIN EXECUTE format('CREATE FUNCTION %I.inner_one() RETURNS int LANGUAGE plpgsql SET search_path FROM CURRENT AS ''BEGIN RETURN 1; END''', (current_schemas(false))[2]); END $$;});
	is(as('keeper', 'postgres', q{SELECT finance.upgrade_books('aged')}), $version, 'books without internal schema are upgraded');
	is(as('keeper', 'postgres', q{SELECT proconfig[1] FROM pg_proc WHERE oid = 'aged_internal.inner_one'::regproc}), 'search_path=aged, aged_internal, finance, pg_temp', 'and have it then');
	is(as('keeper', 'postgres', q{UPDATE aged.setting SET version = 't5'; DROP FUNCTION aged_internal.inner_one; SELECT finance.upgrade_books('aged')}), $version, 'as they have at the next upgrade');
	as('keeper', 'postgres', q{SELECT finance.drop_books('aged')});
}

# ---------------------------------------------------------------------------
# create_books(): only where nobody else decides what runs
# ---------------------------------------------------------------------------

as('mallory', 'postgres', q{
	CREATE SCHEMA acme; GRANT USAGE ON SCHEMA acme TO PUBLIC;
	CREATE FUNCTION acme.round_money(numeric, smallint) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN
		IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN EXECUTE 'ALTER ROLE mallory SUPERUSER'; END IF; RETURN round($1, $2::int); END $$;
	CREATE SCHEMA bare; GRANT ALL ON SCHEMA bare TO PUBLIC});
refused($super, 'postgres', q{SELECT finance.create_books('acme')}, '42501', 'schema "acme" belongs to "mallory"', 'a superuser in a foreign schema', 'SET ROLE mallory first');
refused($super, 'postgres', q{SELECT finance.create_books('bare')}, '42501', 'schema "bare" belongs to "mallory"', 'an empty one too', 'SET ROLE mallory first');
refused('keeper', 'postgres', q{SELECT finance.create_books('bare')}, '42501', 'schema "bare" belongs to "mallory"', 'another role in a foreign schema', 'Name a schema of your own');

# Each line: the schema as its owner prepares it, what another role puts there, the state, the message.
my @places = (
	[ 'a_function', q{CREATE FUNCTION a_function.f() RETURNS int LANGUAGE sql AS 'SELECT 1'}, '', '3F000', 'schema "a_function" holds code of its own' ],
	[ 'an_operator', q{CREATE OPERATOR an_operator.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)}, '', '3F000', 'schema "an_operator" holds code of its own' ],
	[ 'an_enum', q{CREATE TYPE an_enum.mood AS ENUM ('good')}, '', '3F000', 'schema "an_enum" holds code of its own' ],
	[ 'a_domain2', q{CREATE DOMAIN a_domain2.numeric AS text}, '', '3F000', 'schema "a_domain2" holds code of its own' ],
	[ 'a_composite', q{CREATE TYPE a_composite.pair AS (a int, b int)}, '', '3F000', 'schema "a_composite" holds code of its own' ],
	[ 'a_collation', q{CREATE COLLATION a_collation.mine (LOCALE = 'C')}, '', '3F000', 'schema "a_collation" holds code of its own' ],
	[ 'a_config', q{CREATE TEXT SEARCH CONFIGURATION a_config.mine (COPY = simple)}, '', '3F000', 'schema "a_config" holds code of its own' ],
	[ 'an_aggregate', q{CREATE AGGREGATE an_aggregate.sum(numeric) (SFUNC = numeric_add, STYPE = numeric)}, '', '3F000', 'schema "an_aggregate" holds code of its own' ],
	[ 'for_all', q{GRANT CREATE ON SCHEMA for_all TO PUBLIC}, '', '42501', 'everybody may create in schema "for_all"' ],
	[ 'for_one', q{GRANT CREATE ON SCHEMA for_one TO mallory}, '', '42501', '"mallory" may create in schema "for_one"' ],
	[ 'a_table', q{GRANT CREATE ON SCHEMA a_table TO mallory}, 'CREATE TABLE a_table.x (id int)', '42501', 'schema "a_table" holds an object of "mallory"' ],
	[ 'a_foreign_view', q{GRANT CREATE ON SCHEMA a_foreign_view TO mallory}, 'CREATE VIEW a_foreign_view.currency AS SELECT 1', '42501', 'schema "a_foreign_view" holds an object of "mallory"' ],
	[ 'left_over', q{GRANT CREATE, USAGE ON SCHEMA left_over TO mallory}, q{CREATE FUNCTION left_over.lower(text) RETURNS text LANGUAGE sql AS 'SELECT $1'}, '42501', 'schema "left_over" holds an object of "mallory"' ],
	[ 'a_name', 'CREATE TABLE a_name.contract (mine text)', '', '42710', 'schema "a_name" holds other objects of the names that books need' ]);
for my $place (@places)
{
	my ($schema, $mine, $theirs, $state, $message) = @$place;
	as('keeper', 'postgres', "CREATE SCHEMA $schema; $mine");
	if ($theirs)
	{
		as('mallory', 'postgres', $theirs);
		as('keeper', 'postgres', "REVOKE ALL ON SCHEMA $schema FROM mallory");
	}
	refused('keeper', 'postgres', "SELECT finance.create_books('$schema')", $state, $message, "books in $schema", '\S');
	is($node->safe_psql('postgres', qq{SELECT count(*) FROM pg_namespace WHERE nspname = '${schema}_internal'}), '0', 'and nothing is left behind');
}

for my $name ('public', 'information_schema', 'pg_catalog', 'pg_toast', 'pg_temp', 'pg_x', '', '$user')
{
	refused($super, 'postgres', "SELECT finance.create_books('$name')", '3F000', qr/"\Q$name\E" cannot be the name of a set of books/, "books in \"$name\"", '\S');
}
refused($super, 'postgres', q{SELECT finance.create_books(repeat('x', 64))}, '3F000', '"x+" cannot be', 'a name of 64 bytes', '\S');

# What is fine: a schema of one's own with tables of other names, a schema of a
# group's by one of its members, what the members of the group put there.
as('keeper', 'postgres', q{CREATE SCHEMA own_tables; CREATE TABLE own_tables.crm (id int); CREATE VIEW own_tables.crm_view AS SELECT 1 AS x});
is(as('keeper', 'postgres', q{SELECT finance.create_books('own_tables')}), 'own_tables', 'tables of the owner\'s stay');
is(as('keeper', 'postgres', q{SELECT finance.drop_books('own_tables')}), 'own_tables', 'and go with the books');
$node->safe_psql('postgres', 'CREATE SCHEMA shared AUTHORIZATION company');
is(as('member', 'postgres', q{SELECT finance.create_books('shared')}), 'shared', 'who has the rights of the owner makes books');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT pg_get_userbyid(relowner), ',') FROM pg_class WHERE relnamespace IN ('shared'::regnamespace, 'shared_internal'::regnamespace) AND relkind IN ('r', 'v')}),
	'company', 'which are the owner\'s');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT pg_get_userbyid(proowner), ',') FROM pg_proc WHERE pronamespace = 'shared'::regnamespace}), 'company', 'with all their functions');
is(as('member', 'postgres', q{SELECT finance.upgrade_books('shared')}), $version, 'and upgrades them');
refused('other', 'postgres', q{SELECT finance.drop_books('shared')}, '42501', 'books "shared" belong to "company"', 'others do not', '\S');
is(as('member', 'postgres', q{SELECT finance.drop_books('shared')}), 'shared', 'and drops them');

# Two at once.
my @makers = map { background('keeper', q{SELECT finance.create_books('twice');}) } 1 .. 2;
my @said = sort map { finish($_) } @makers;
like($said[0], qr/^ERROR:  42710: books "twice" exist already/, 'of two who make the same books one is told so') or diag @said;
is($said[1], "twice\n", 'and the other has them');

# While books are made their schema stays its owner's.
as('keeper', 'postgres', q{CREATE SCHEMA mine});
my $maker = background('keeper', q{BEGIN; SELECT finance.create_books('mine'); SELECT pg_sleep(100);});
$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND usename = 'keeper')});
for my $change ('ALTER SCHEMA mine OWNER TO mallory', 'GRANT CREATE ON SCHEMA mine TO mallory', 'ALTER SCHEMA mine RENAME TO yours', 'DROP SCHEMA mine CASCADE')
{
	my ($status, $out, $err) = run_as($super, 'postgres', "SET lock_timeout = '300ms'; $change");
	like($err, qr/55P03/, "waits until books are made: $change");
}
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'});
finish($maker);

# ---------------------------------------------------------------------------
# the schema for internal functions
# ---------------------------------------------------------------------------

is(as('keeper', 'postgres', q{SELECT finance.create_books('inner')}), 'inner', 'books');
is($node->safe_psql('postgres', q{SELECT pg_get_userbyid(nspowner), nspacl IS NULL, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'inner_internal'}),
	'keeper|t|internal functions of the books "inner"', 'have a schema for internal functions, of their owner, open to nobody');
is($node->safe_psql('postgres', q{SELECT DISTINCT proconfig[1] FROM pg_proc p WHERE pronamespace = 'inner'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql') AND proname <> 'x'
	AND proconfig[1] LIKE 'search_path=%' AND NOT prosecdef}), 'search_path="inner", inner_internal, finance, pg_temp', 'second in the path of their functions');
refused('keeper', 'postgres', q{SELECT finance.create_books('inner')}, '42710', 'books "inner" exist already', 'books twice', '\S');

as('mallory', 'postgres', 'CREATE SCHEMA squat_internal');
refused('keeper', 'postgres', q{SELECT finance.create_books('squat')}, '42P06', 'schema "squat_internal", which books "squat" need for their internal functions, exists already', 'an internal schema of somebody else', 'Name another schema');
refused($super, 'postgres', q{SELECT finance.create_books('squat')}, '42P06', 'schema "squat_internal"', 'by a superuser too', '\S');
as('keeper', 'postgres', q{CREATE SCHEMA rest_internal; CREATE FUNCTION rest_internal.f() RETURNS int LANGUAGE sql AS 'SELECT 1'});
refused('keeper', 'postgres', q{SELECT finance.create_books('rest')}, '42P06', 'schema "rest_internal"', 'an internal schema left over', 'If it is left over from books that are gone, DROP SCHEMA rest_internal CASCADE');
as('keeper', 'postgres', q{DROP SCHEMA rest_internal CASCADE; CREATE SCHEMA rest_internal; GRANT ALL ON SCHEMA rest_internal TO PUBLIC, mallory});
is(as('keeper', 'postgres', q{SELECT finance.create_books('rest')}), 'rest', 'an empty one of the owner\'s is taken');
is($node->safe_psql('postgres', q{SELECT has_schema_privilege('mallory', 'rest_internal', 'USAGE'), has_schema_privilege('mallory', 'rest_internal', 'CREATE')}), 'f|f', 'and closed to others');

# Default privileges do not open what is made.
as('other', 'postgres', q{ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO mallory});
refused('other', 'postgres', q{SELECT finance.create_books('generous')}, '42501', '"mallory" may create in schema "generous"', 'default privileges that let others create', '\S');
as('other', 'postgres', q{ALTER DEFAULT PRIVILEGES REVOKE CREATE ON SCHEMAS FROM mallory; SELECT finance.create_books('generous')});
is($node->safe_psql('postgres', q{SELECT has_schema_privilege('mallory', 'generous', 'USAGE'), has_schema_privilege('mallory', 'generous_internal', 'USAGE')}), 't|f', 'default privileges do not reach the internal schema');
as('other', 'postgres', q{ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM mallory});

# A role without CREATE on the database, in schemas that were made for it.
$node->safe_psql('postgres', q{CREATE ROLE poor LOGIN; CREATE SCHEMA poor AUTHORIZATION poor});
push @roles, 'poor';
prepare('postgres');
$node->safe_psql('postgres', 'REVOKE CREATE ON DATABASE postgres FROM poor');
refused('poor', 'postgres', q{SELECT finance.create_books('poor')}, '42501', 'permission denied for database postgres', 'no right to create the internal schema', 'Let an administrator .*CREATE SCHEMA poor_internal AUTHORIZATION poor');
$node->safe_psql('postgres', q{CREATE SCHEMA poor_internal AUTHORIZATION poor});
is(as('poor', 'postgres', q{SELECT finance.create_books('poor')}), 'poor', 'made by an administrator it will do');

# Names of every kind.
my %internal;
for my $name (q{a"b'c}, 'A B.c,d', 'a$b$$%s%n', "a\\b\nc", q{x"; DROP SCHEMA honest CASCADE; --}, 'é' x 31, ('é' x 30) . 'ab', 'x' x 63, 'x' x 62, 'x' x 54, 'x' x 55, 'select', 'acme_internal')
{
	(my $literal = $name) =~ s/'/''/g;
	is(as('keeper', 'postgres', "SELECT finance.create_books('$literal')"), encode_utf8($name), encode_utf8("books \"$name\""));
	my $schema = as('keeper', 'postgres', qq{SELECT nspname FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') = 'internal functions of the books "$literal"'});
	like($schema, qr/_internal$/, 'have their internal schema');
	ok(!$internal{$schema}++, 'which is theirs alone');
	(my $quoted = $name) =~ s/"/""/g;
	is(as('keeper', 'postgres', qq{INSERT INTO "$quoted".party (kind, name) VALUES ('own', 'Agency') RETURNING name}), 'Agency', 'are used');
	is(as('keeper', 'postgres', "SELECT finance.upgrade_books('$literal')"), $version, 'upgraded');
	is(as('keeper', 'postgres', qq{SELECT count(*) FROM "$quoted".check_books()}), '0', 'healthy');
	is(as('keeper', 'postgres', "SELECT finance.drop_books('$literal')"), encode_utf8($name), 'and dropped');
	is(as('keeper', 'postgres', "SELECT count(*) FROM pg_namespace WHERE nspname IN ('$literal', '" . ($schema =~ s/'/''/gr) . "')"), '0', 'with both schemas') unless $name =~ /[^\x00-\x7f]/;
}

# ---------------------------------------------------------------------------
# drop_books()
# ---------------------------------------------------------------------------

refused('mallory', 'postgres', q{SELECT finance.drop_books('inner')}, '42501', 'books "inner" belong to "keeper"', 'books of others are not dropped', '\S');
refused($super, 'postgres', q{SELECT finance.drop_books('inner')}, '42501', 'books "inner" belong to "keeper"', 'by a superuser either', 'SET ROLE keeper first');
refused('keeper', 'postgres', q{SELECT finance.drop_books('nowhere')}, '42704', 'there are no books "nowhere"', 'nor what is not there', '\S');
refused('keeper', 'postgres', q{SELECT finance.drop_books('a_name')}, '42704', 'there are no books "a_name"', 'nor a schema that is no books', '\S');
refused('keeper', 'postgres', q{SELECT finance.drop_books('inner', 'Inner')}, '22023', '"Inner" does not confirm that books "inner" are dropped', 'a confirmation that is none', '\S');
refused('keeper', 'postgres', q{BEGIN READ ONLY; SELECT finance.drop_books('inner')}, '25006', '', 'in a read-only transaction');
as('keeper', 'postgres', q{
	GRANT USAGE ON SCHEMA "inner" TO other; GRANT SELECT, REFERENCES ON ALL TABLES IN SCHEMA "inner" TO other});
for my $outside ('CREATE VIEW outside AS SELECT * FROM "inner".party', 'CREATE TABLE outside (party bigint REFERENCES "inner".party)', 'CREATE TABLE outside (party "inner".party)')
{
	my $kind = $outside =~ /VIEW/ ? 'VIEW' : 'TABLE';
	as('other', 'postgres', "CREATE SCHEMA IF NOT EXISTS reports; SET search_path = reports; $outside");
	refused('keeper', 'postgres', q{SELECT finance.drop_books('inner')}, '2BP01', 'books "inner" cannot be dropped: other objects depend on them', "what depends on them keeps them: $outside", 'Drop those objects');
	as('other', 'postgres', "DROP $kind reports.outside");
}
as('keeper', 'postgres', q{GRANT CREATE ON SCHEMA "inner" TO other});
as('other', 'postgres', q{CREATE TABLE "inner".note (t text)});
refused('keeper', 'postgres', q{SELECT finance.drop_books('inner')}, '2BP01', 'books "inner" cannot be dropped: their schema holds what is not theirs', 'a table of another role keeps them', 'Move it');
as('other', 'postgres', q{DROP TABLE "inner".note});
as('keeper', 'postgres', q{SET search_path = "inner"; INSERT INTO party (kind, name) VALUES ('company', 'Client'); INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
	INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id) VALUES ('in', 'posted', '2026-01-01', 10, 'EUR', 1, 'revenue', 1)});
cmp_ok(as('keeper', 'postgres', 'SELECT count(*) FROM "inner".entry'), '>', 0, 'something is posted');
refused('keeper', 'postgres', q{SELECT finance.drop_books('inner')}, '23001', 'books "inner" hold a ledger', 'a ledger is not dropped by a word', q{.*finance\.drop_books\('inner', 'inner'\)});
as($super, 'postgres', q{
	CREATE TABLE public.dropped (tag text, n int);
	CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
		INSERT INTO public.dropped SELECT tg_tag, count(*) FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table'; END $$;
	CREATE FUNCTION public.guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE schema_name = 'inner') THEN RAISE EXCEPTION 'not on my watch'; END IF; END $$;
	CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION public.watch();
	CREATE EVENT TRIGGER zguard ON sql_drop EXECUTE FUNCTION public.guard()});
refused('keeper', 'postgres', q{SELECT finance.drop_books('inner', 'inner')}, 'P0001', 'not on my watch', 'event triggers may refuse it');
as($super, 'postgres', 'DROP EVENT TRIGGER zguard');
is(as('keeper', 'postgres', q{SELECT finance.drop_books('inner', 'inner')}), 'inner', 'confirmed by the name it is');
like($node->safe_psql('postgres', 'SELECT * FROM public.dropped WHERE n > 0'), qr/^DROP SCHEMA\|\d\d+$/, 'and event triggers are told');
as($super, 'postgres', 'DROP EVENT TRIGGER watch');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'inner%'}), '0', 'nothing is left');
is($node->safe_psql('postgres', q{SELECT finance.drop_books(NULL) IS NULL}), 't', 'no name, no books');
is(as('keeper', 'postgres', q{SELECT finance.create_books('inner')}), 'inner', 'and they may be made again');

# ---------------------------------------------------------------------------
# books in the schema of the extension, and whose schema that is
# ---------------------------------------------------------------------------

refused('other', 'postgres', 'SELECT finance.create_books()', '42501', qq{schema "finance" belongs to "$super"}, 'books in the extension\'s schema by another role', 'Name a schema of your own');
is(as($super, 'postgres', 'SELECT finance.create_books()'), 'finance', 'by its owner');
is($node->safe_psql('postgres', q{SELECT DISTINCT proconfig[1] FROM pg_proc p WHERE pronamespace = 'finance'::regnamespace AND proconfig[1] LIKE 'search_path=finance%' AND NOT prosecdef}),
	'search_path=finance, finance_internal, pg_temp', 'with a path of their own');
is(as($super, 'postgres', q{SELECT finance.upgrade_books('finance')}), $version, 'upgraded');
my $functions = q{SELECT count(*) FROM pg_depend WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'finance')};
my $before = $node->safe_psql('postgres', $functions);
is(as($super, 'postgres', q{SELECT finance.drop_books('finance')}), 'finance', 'dropped');
is($node->safe_psql('postgres', $functions), $before, 'and the extension is whole');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'finance'::regnamespace AND relkind IN ('r', 'v', 'S')}), '0', 'without a table');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_proc p WHERE pronamespace = 'finance'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')}), '0', 'or a function of the books');
is(as($super, 'postgres', 'SELECT finance.create_books()'), 'finance', 'they may be made again');

# mallory makes a schema of that name before the extension comes, so it is his.
$node->safe_psql('postgres', 'CREATE DATABASE lent');
$node->safe_psql('postgres', 'GRANT CREATE ON DATABASE lent TO mallory');
as('mallory', 'lent', q{CREATE SCHEMA finance; CREATE FUNCTION finance.round(numeric, smallint) RETURNS numeric LANGUAGE sql AS 'SELECT 1.0'});
refused($super, 'lent', 'CREATE EXTENSION finance', '42501', 'schema "finance" holds an object of "mallory"', 'the extension beside code of a plain role', 'Drop it');
as('mallory', 'lent', 'DROP FUNCTION finance.round(numeric, smallint)');
prepare('lent');
refused($super, 'lent', q{SELECT finance.create_books('acme')}, '42501', 'schema "finance", which holds the extension, belongs to "mallory"', 'books of a superuser beside code of a plain role', 'Let a superuser own it: ALTER SCHEMA finance OWNER TO');
refused('keeper', 'lent', q{SELECT finance.create_books('acme')}, '42501', 'schema "finance", which holds the extension, belongs to "mallory"', 'books of another role too', '\S');
is(as($super, 'lent', 'SELECT finance.create_books()'), 'finance', 'a superuser may make the books of that schema');
is($node->safe_psql('lent', q{SELECT owner FROM finance.books()}), 'mallory', 'which are its owner\'s');
refused($super, 'lent', q{SELECT finance.drop_books('finance')}, '42501', 'books "finance" belong to "mallory"', 'and only he drops them', 'SET ROLE mallory');
is(as('mallory', 'lent', q{SELECT finance.drop_books('finance')}), 'finance', 'as he does');
as('mallory', 'lent', q{CREATE FUNCTION finance.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; RETURN $1; END $$});
refused($super, 'lent', 'SELECT finance.create_books()', '3F000', 'schema "finance" holds code of its own', 'with a function of his beside the extension', 'Name an empty schema');
$node->safe_psql('lent', "ALTER SCHEMA finance OWNER TO $super");
refused($super, 'lent', q{SELECT finance.create_books('acme')}, '42501', 'schema "finance" holds an object of "mallory"', 'his function stays his when the schema is not', 'Move it out of that schema, or drop it');
$node->safe_psql('lent', 'DROP FUNCTION finance.lower(text); GRANT CREATE ON SCHEMA finance TO other');
refused('keeper', 'lent', q{SELECT finance.create_books('acme')}, '42501', '"other" may create in schema "finance"', 'others who may create beside the extension', 'REVOKE CREATE ON SCHEMA finance FROM other\.');
$node->safe_psql('lent', 'REVOKE CREATE ON SCHEMA finance FROM other');
is(as('keeper', 'lent', q{SELECT finance.create_books('acme')}), 'acme', 'then books are made');
is_harmless('the schema of the extension');

# The owner of a database is good enough for plain roles, not for superusers.
$node->safe_psql('postgres', 'CREATE DATABASE owned OWNER company');
as('company', 'owned', 'CREATE SCHEMA finance');
prepare('owned');
is(as('keeper', 'owned', q{SELECT finance.create_books('acme')}), 'acme', 'a plain role trusts the owner of the database');
refused($super, 'owned', q{SELECT finance.create_books('mine')}, '42501', 'schema "finance", which holds the extension, belongs to "company"', 'a superuser does not', '\S');

# ---------------------------------------------------------------------------
# encodings
# ---------------------------------------------------------------------------

for my $encoding ('SQL_ASCII', 'LATIN1', 'WIN1251', 'KOI8U')
{
	my $database = lc $encoding;
	database($database, "ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	refused($super, $database, 'SELECT finance.create_books()', '0A000', "books need a database of encoding UTF8, this one has $encoding", "books in $encoding", 'CREATE DATABASE');
	refused($super, $database, q{SELECT finance.create_books('')}, '0A000', 'books need', 'whatever the name');
	is($node->safe_psql($database, q{SELECT count(*) FROM finance.books()}), '0', 'and there are none');
}

# ---------------------------------------------------------------------------
# settings of the session
# ---------------------------------------------------------------------------

my %hostile = (
	standard_conforming_strings => 'off', escape_string_warning => 'on', backslash_quote => 'on', check_function_bodies => 'off', DateStyle => 'German, DMY', IntervalStyle => 'sql_standard',
	TimeZone => 'Pacific/Kiritimati', quote_all_identifiers => 'on', row_security => 'off', xmloption => 'document', transform_null_equals => 'on', array_nulls => 'off',
	'plpgsql.variable_conflict' => 'use_column', 'plpgsql.check_asserts' => 'off', 'plpgsql.extra_errors' => 'all', 'plpgsql.extra_warnings' => 'all', 'plpgsql.print_strict_params' => 'on',
	extra_float_digits => '-15', bytea_output => 'escape', search_path => 'pg_temp, public', session_replication_role => 'replica', jit => 'on', jit_above_cost => '0',
	default_transaction_isolation => 'serializable', default_transaction_deferrable => 'on', work_mem => '64kB', plan_cache_mode => 'force_generic_plan', synchronous_commit => 'off');
my $settings = join('', map { "SET $_ = " . ($_ eq 'search_path' ? $hostile{$_} : "'$hostile{$_}'") . ";\n" } sort keys %hostile);

# Every name that the books use, taken by temporary tables.
my $names = $node->safe_psql('postgres', q{SELECT string_agg(format('CREATE TEMP TABLE %I (id int, code text);', relname), '' ORDER BY relname) FROM pg_class WHERE relnamespace = 'honest'::regnamespace AND relkind IN ('r', 'v')});
my $audit = q{
	CREATE TABLE public.audit (tag text);
	CREATE FUNCTION public.audit() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO public.audit VALUES (tg_tag); RAISE NOTICE 'audited'; END $$;
	CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION public.audit()};

database($_) for ('plain', 'hostile');
as($super, 'hostile', $audit);
as($super, 'plain', q{SELECT finance.create_books('acme')});
my ($status, $out, $err) = run_as($super, 'hostile', "SET client_min_messages = error;\n$names\n$settings\nSET client_min_messages = notice; SELECT finance.create_books('acme'); SHOW DateStyle; SHOW search_path; SHOW \"plpgsql.variable_conflict\"");
is($status, 0, 'books under hostile settings') or diag(substr($err, 0, 2000));
is($out, qq{acme\nGerman, DMY\n"pg_temp", "public"\nuse_column}, 'are made, and the settings are the session\'s again');
cmp_ok(() = $err =~ /\n/g, '<', 20, 'in a few lines') or diag(substr($err, 0, 2000));
cmp_ok($node->safe_psql('hostile', 'SELECT count(*) FROM public.audit'), '>', 100, 'while event triggers did their work');
$node->safe_psql('hostile', 'DROP EVENT TRIGGER audit');

# Everything that PostgreSQL can say about a set of books.
sub definitions
{
	my ($database) = @_;
	my ($stdout, $stderr);
	IPC::Run::run([ 'pg_dump', '--schema-only', '--schema=acme', '--schema=acme_internal', '-d', $node->connstr($database) ], '>', \$stdout, '2>', \$stderr) or die $stderr;
	$stdout =~ s/^\\(un)?restrict .*\n//mg;
	return $stdout . $node->safe_psql($database, q{
		SELECT format('%s %s', p.oid::regprocedure, pg_get_functiondef(p.oid)) FROM pg_proc p WHERE pronamespace = 'acme'::regnamespace AND prokind = 'f' ORDER BY 1;
		SELECT format('%s %s %s', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid WHERE relnamespace = 'acme'::regnamespace ORDER BY 1;
		SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'acme'::regnamespace ORDER BY 1;
		SELECT format('%s %s', oid::regclass, pg_get_viewdef(oid)) FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind = 'v' ORDER BY 1;
		SELECT format('%s %s', oid::regclass, pg_get_indexdef(oid)) FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind = 'i' ORDER BY 1;
		SELECT format('%s %s', tgrelid::regclass, pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'acme'::regnamespace AND NOT tgisinternal ORDER BY 1});
}

# What the tables hold from the start, but for when that was.
sub rows
{
	my ($database) = @_;
	my $tables = $node->safe_psql($database, q{
		SELECT string_agg(format('SELECT %L || (to_jsonb(t) - ''{at,created_at,holder,held_at}''::text[])::text FROM acme.%I t', relname || ' ', relname), ' UNION ALL ' ORDER BY relname)
		  FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind = 'r'});
	return $node->safe_psql($database, "SET TimeZone = 'UTC'; SELECT * FROM ($tables) x (line) ORDER BY line COLLATE \"C\"");
}

my %plain = (definitions => definitions('plain'), rows => rows('plain'));
cmp_ok(length($plain{definitions}), '>', 500_000, 'there is much to compare');
ok($plain{definitions} eq definitions('hostile'), 'the same functions, defaults, constraints, views, indexes and triggers');
is(rows('hostile'), $plain{rows}, 'the same rows');

# The role and the database may carry such settings; a plain user has most.
database('carried');
delete @hostile{qw(session_replication_role search_path plpgsql.variable_conflict default_transaction_isolation)};
$node->safe_psql('postgres', "ALTER DATABASE carried SET $_ = '$hostile{$_}'") for sort keys %hostile;
$node->safe_psql('postgres', q{ALTER DATABASE carried SET plpgsql.variable_conflict = 'use_variable'});
($status, $out, $err) = run_as('keeper', 'carried', q{SET client_min_messages = notice; SELECT finance.create_books('acme')});
is($out, 'acme', 'books of a plain user under such settings') or diag(substr($err, 0, 2000));
is($err, '', 'without a word');
$node->safe_psql('postgres', 'ALTER DATABASE carried RESET ALL');
ok($plain{definitions} =~ s/OWNER TO \Q$super\E/OWNER TO keeper/gr =~ s/Owner: \Q$super\E/Owner: keeper/gr =~ s/\b\Q$super\E\b/keeper/gr eq definitions('carried') =~ s/\b\Q$super\E\b/keeper/gr, 'come out the same');

# An error within the script is told by its line.
as($super, 'hostile', q{
	CREATE FUNCTION public.no_views() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no views here'; END $$;
	CREATE EVENT TRIGGER no_views ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.no_views()});
refused('keeper', 'hostile', q{SELECT finance.create_books('broken')}, 'P0001', qr/no views here\nCONTEXT:  line \d+ of "finance-books-code--\Q$version\E\.sql"\n/, 'an error in the script');
is($node->safe_psql('hostile', q{SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'broken%'}), '0', 'leaves nothing behind');

is_harmless('at the end');
$node->stop;
done_testing();
