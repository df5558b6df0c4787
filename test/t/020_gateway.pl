# What is read works where nothing can be written: in a read-only transaction,
# as a REST gateway answers GET, and on a standby.  And what the books refuse
# arrives at the other end of a gateway as the client's mistake, not the server's.
use strict;
use warnings;
use File::Glob qw(bsd_glob);
use FindBin;
use lib $FindBin::Bin;
use Gateway;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1, extra => [ '--encoding=UTF8', '--locale=C' ]);
$primary->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\nmax_locks_per_transaction = 256\njit = off");
$primary->start;
my $path = 'SET search_path = acme, acme_internal, finance, public;';
$primary->safe_psql('postgres', "CREATE EXTENSION finance; SELECT finance.create_books('acme')");
$primary->safe_psql('postgres', $path . slurp_file("$FindBin::Bin/../fixture/agency.sql"));

# The author of a gateway's requests is a role that is a member of each level's.
my @levels = qw(guest reader clerk manager controller admin);
$primary->safe_psql('postgres', $path . 'CREATE ROLE authenticator LOGIN NOINHERIT;'
	. join('', map { "CREATE ROLE a_$_; GRANT a_$_ TO authenticator; SELECT grant_access('a_$_', '$_');" } @levels));

# Links: to the report that waits for its answer, and one that is over.
my $report = $primary->safe_psql('postgres', q{SELECT id FROM acme.document WHERE kind = 'report' AND status = 'sent'});
my $token = $primary->safe_psql('postgres', "$path SELECT share($report)");
my $expired = $primary->safe_psql('postgres', "$path SELECT share($report)");
$primary->safe_psql('postgres', q{ALTER TABLE acme.share_link DISABLE TRIGGER USER;
	UPDATE acme.share_link SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour' WHERE id = (SELECT max(id) FROM acme.share_link);
	ALTER TABLE acme.share_link ENABLE TRIGGER USER});

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

# ---------------------------------------------------------------------------
# everything that can be read, found in the catalog
# ---------------------------------------------------------------------------

# A sensible value for each argument, by its name.  A function with an argument
# that is not here fails the test: say what it is to be called with.
my $invoice = $primary->safe_psql('postgres', q{SELECT min(id) FROM acme.document WHERE kind = 'invoice'});
my %value = (
	document => $invoice, contract_id => 1, client => 2, calendar_id => 1, charge_id => 1, time_entry_id => 1, task_id => 1, party_id => 2,
	employee_id => 1, language => "'en'", bom => 'true', filter => q{'{"client": 2}'}, terms => q{'{"discount_pct": 10}'}, level => "'reader'",
	token => "'$token'", decision => "'agreed'", comment => "'fine'", rows => q{'[{"a": 1}]'}, columns => "'{a}'", signer => "'Ann'", image => "''", amount => '100', from_currency => "'USD'", to_currency => "'EUR'",
	on_date => "'2026-02-15'", from_date => "'2026-01-01'", to_date => "'2026-12-31'", through => "'2026-03-31'", band => "'regular'",
	started_at => "'2026-02-02 08:00Z'", ended_at => "'2026-02-02 20:00Z'", code => "'revenue'", name => "'revenue'", role => "'a_reader'",
	table_name => "'contract'", row_id => '1', kind => "'contract'", day => "'2026-02-15'", month => "'2026-02-01'", why => q{'{"note": "x"}'},
	as_of => "'2026-03-31'", currency => "'EUR'", tax => "'vat'", p_tax => "'vat'", p_charge => 1, p_contract => 1, p_inclusive => 'false');

# Name of a call => statement.  What is volatile may write, except what guests
# and readers are given: all that they may call works here.
sub functions
{
	my %call;
	for my $line (split /\n/, $primary->safe_psql('postgres', q{
		SELECT p.proname, p.oid::regprocedure, array_to_string(ARRAY(
		           SELECT coalesce(p.proargnames[i], '') FROM generate_series(1, p.pronargs) i ORDER BY i), ',')
		  FROM pg_proc p
		 WHERE p.pronamespace = 'acme'::regnamespace AND p.prorettype <> 'trigger'::regtype AND p.prokind = 'f'
		   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
		   AND (p.provolatile <> 'v' OR EXISTS (SELECT FROM acme.access_rule r WHERE r.verb = 'execute' AND r.object = p.proname AND r.level IN ('guest', 'reader')))}))
	{
		my ($name, $signature, $names) = split /\|/, $line, -1;
		$names = join ',', grep { $_ ne 'document' } split /,/, $names if $names =~ /\btoken\b/;	# of which the token is enough
		local $value{p_charge} = 'NULL::acme.charge' if $signature =~ /\((?:acme\.)?charge\)$/;
		my @missing = grep { !exists $value{$_} } split /,/, $names;
		is("@missing", '', "this test knows what to call $signature with");
		$call{$name} = sprintf 'SELECT * FROM acme.%s(%s)', $name, join ', ', map { "$_ => $value{$_}" } split /,/, $names
			unless @missing;
	}
	return %call;
}

my %call = functions();
my %relation = map { $_ => "SELECT x::text FROM acme.$_ x ORDER BY 1" } split /\n/, $primary->safe_psql('postgres',
	q{SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'acme'::regnamespace AND relkind IN ('r', 'v')});
cmp_ok(scalar(keys %call), '>', 20, 'functions that only read');
cmp_ok(scalar(keys %relation), '>', 80, 'tables and views');

# What a server says to each statement: name => answer.  Answering through a
# link writes, so there it is refused.
sub answers
{
	my ($node, $begin, $statements) = @_;
	my $script = "SET search_path = public; SET timezone = 'UTC';\n\\set VERBOSITY sqlstate\n";
	$script .= "\\echo == $_\n$begin\n$statements->{$_};\nROLLBACK;\n" for sort keys %$statements;
	my ($status, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);
	my %answer = map { /^(\S+)\n(.*)/s } grep { length } split /^== /m, $out;
	return (\%answer, $err);
}

my $read_only = 'BEGIN READ ONLY;';
my %read = (%relation, %call);
delete @read{qw(answer_shared answer_page)};
# this company has no country, so that no state wants a paper of it
delete $read{state_paper};
my ($here, $wrong) = answers($primary, $read_only, \%read);
is($wrong, '', 'everything that is read works in a read-only transaction');
my ($there, $wrong_there) = answers($standby, 'BEGIN;', \%read);
is($wrong_there, '', 'and on a standby');
my ($open, $wrong_open) = answers($primary, 'BEGIN;', \%read);
is($wrong_open, '', 'and where something may be written');
# what shows the server's own life rather than the books
delete $_->{billing_progress} for $here, $there, $open;
is_deeply($there, $here, 'a standby says what its primary says');
is_deeply($open, $here, 'whether the transaction may write changes nothing that is said');
like($here->{shared_page}, qr/^<!DOCTYPE html>/, 'a share link is a page there');

# The same for the roles of people, with no more than their rights.
for my $level (@levels)
{
	my %allowed = map { $_ => $read{$_} } grep { exists $read{$_} } split /\n/, $primary->safe_psql('postgres',
		"SELECT object FROM acme.access_right WHERE level = '$level' AND verb IN ('select', 'execute') AND columns IS NULL");
	my ($answer, $error) = answers($standby, "BEGIN; SET LOCAL ROLE a_$level;", \%allowed);
	is($error, '', "a $level reads on the standby all that the level reads: " . scalar keys %allowed);
	cmp_ok(scalar(keys %$answer), '>=', scalar(keys %allowed) - 1, "and is answered each");
}
my (undef, $refused) = answers($standby, 'BEGIN;', { answer_shared => $call{answer_shared} });
like($refused, qr/^\S+ ERROR:  25006$/, 'a link is not answered on a standby');
for my $place ([ $standby, 'BEGIN;', 'a standby' ], [ $primary, $read_only, 'a read-only transaction' ])
{
	my ($node, $begin, $where) = @$place;
	my ($page, $error) = answers($node, "$begin SET LOCAL ROLE a_guest;", { answer_page => $call{answer_page} });
	is($error, '', "a form posted to $where is no error");
	like($page->{answer_page}, qr/class="said" role="status">Answers cannot be taken now[^<]*</, 'but a page that says so');
}
is($primary->safe_psql('postgres', 'SELECT views FROM acme.share_link ORDER BY id DESC LIMIT 1 OFFSET 1'), '0', 'nobody opened the link for good so far');

# ---------------------------------------------------------------------------
# by a gateway: a stand-in for PostgREST
# ---------------------------------------------------------------------------

my $gateway = Gateway->new($primary, 'acme');

sub request
{
	return $gateway->request(@_);
}

# The forms of a page, as a browser has them: what each button would post, as text.
sub forms
{
	my ($page) = @_;
	my %form;
	while ($page =~ m{<form method="post" action="(\w+)" id="\w+">(.*?)</form>}sg)
	{
		my ($action, $inside) = ($1, $2);
		my %field = $inside =~ /<input type="hidden" name="(\w+)" value="([^"]*)">/g;
		my ($comment) = $inside =~ /<textarea name="(\w+)"/;
		$form{$3} = { action => $action, field => { %field, $2 => $3 }, comment => $comment }
			while $inside =~ /<button( class="yes")? name="(\w+)" value="(\w+)">/g;
	}
	return \%form;
}

my $answer = request('a_guest', 'GET', 'shared_page', { token => $token });
is($answer->{status}, 200, 'GET of a share link is answered');
like($answer->{content}, qr/^<!DOCTYPE html>.*<\/html>$/s, 'with the page');
like($answer->{headers}, qr/no-store.*no-referrer.*form-action 'self'; frame-ancestors 'none'/,
	'which no cache keeps, no other site is told of, frames or is posted to');
my $form = forms($answer->{content});
is(join(' ', sort keys %$form), 'agreed rejected signed', 'and has a form for each answer');
is(request('a_guest', 'GET', 'shared_report', { token => $token })->{status}, 200, 'so is GET of the document');
for my $bad ($expired, 'no such token', '', 'x' x 5000)
{
	$answer = request('a_guest', 'GET', 'shared_page', { token => $bad }, 'accept-language' => 'uk-UA,en;q=0.5');
	is($answer->{status}, 404, 'a link that opens nothing: 404');
	like($answer->{content}, qr/<html lang="uk">.*class="says">[^<]+</s, 'with a page that says so, in the browser\'s language');
	unlike($answer->{content}, qr/Agency|Alpha/, 'and nobody\'s data');
	$answer = request('a_guest', 'GET', 'shared_report', { token => $bad });
	is("$answer->{status} $answer->{content}", '404 ', 'and no document');
}
is(request('a_guest', 'POST', 'shared_page', { token => $token })->{status}, 200, 'POST opens it too');
is($primary->safe_psql('postgres', 'SELECT views FROM acme.share_link ORDER BY id DESC LIMIT 1 OFFSET 1'), '1', 'and is counted');

# JSON in the address of a request, an array as the body
$answer = request('a_reader', 'GET', 'preview_report', { filter => '{"client": 2, "period": "2026-04"}' });
is($answer->{status}, 200, 'GET of a preview with its filter in the address');
is($answer->{content}, request('a_reader', 'POST', 'preview_report', { filter => { client => 2, period => '2026-04' } })->{content}, 'says what POST says');
$answer = request('a_clerk', 'POST', 'ingest', [ { source => 'b24', external_id => 'g1', employee => '1', task => '1.1', work_date => '2026-06-01', duration_s => 60 } ]);
is("$answer->{status} $answer->{content}", '200 1|0|0|0', 'a tracker posts its array as it is');

# refusals are the client's mistakes
my @refusal = (
	[ 'a_guest', 'GET', 'answer_shared', { token => $token, decision => 'agreed' }, 405, '25006' ],
	[ 'a_guest', 'POST', 'answer_shared', { token => 'x', decision => 'agreed' }, 409, '23503' ],
	[ 'a_guest', 'POST', 'answer_shared', { token => $token, decision => 'perhaps' }, 400, '22023' ],
	[ 'a_guest', 'POST', 'answer_shared', { token => $token, decision => 'rejected', comment => 'x' x 4001 }, 400, '22023' ],
	[ 'a_guest', 'POST', 'build_report', { filter => { client => 2 } }, 401, '42501' ],
	[ 'a_reader', 'POST', 'build_report', { filter => { client => 2 } }, 403, '42501' ],
	[ 'a_clerk', 'POST', 'build_report', { filter => { client => 2, colour => 'red' } }, 400, '22023' ],
	[ 'a_clerk', 'POST', 'build_report', { filter => { client => 2, period => '2020-01' } }, 400, '23001' ],
	[ 'a_clerk', 'POST', 'build_report', { filter => '{"client": ' }, 400, '22P02' ],
	[ 'a_clerk', 'POST', 'transition', { document => $report, status => 'paid' }, 400, '23001' ],
	[ 'a_clerk', 'POST', 'transition', { document => 999999, status => 'sent' }, 409, '23503' ],
	[ 'a_clerk', 'POST', 'issue_invoice', { document => $report }, 400, '23001' ],
	[ 'a_reader', 'GET', 'document_html', { document => 999999 }, 409, '23503' ],
	[ 'a_reader', 'GET', 'preview_report', { filter => '"client"' }, 400, '22023' ],
	[ 'a_controller', 'POST', 'post', { key => 'gateway', entries => [ { on => '2026-01-01', debit => 'cash bank', credit => 'opening', amount => '1', currency => 'EUR' } ] },
		409, '23505' ]);
$primary->safe_psql('postgres', $path . q{SELECT post('gateway', '[{"on": "2026-01-01", "debit": "cash bank", "credit": "opening", "amount": "2", "currency": "EUR"}]')});
for my $r (@refusal)
{
	my ($role, $method, $function, $argument, $status, $state) = @$r;
	$answer = request($role, $method, $function, $argument);
	is("$answer->{status} " . ($answer->{state} // $answer->{content}), "$status $state", "$role: $method $function is refused with $status");
}

# the client answers by the form of the page: a gateway takes its fields as arguments
my %no = %{ $form->{rejected}{field} };
for my $try (
	[ 'GET', { %no, comment => 'no' }, 405, 'Answers cannot be taken now' ],
	[ 'POST', {%no}, 400, 'Please say what is to be changed' ],
	[ 'POST', { %no, comment => '' }, 400, 'Please say what is to be changed' ],
	[ 'POST', { %no, comment => 'x' x 4001 }, 400, 'The answer is too long' ],
	[ 'POST', { %no, decision => 'paid' }, 400, 'does not wait for such an answer' ],
	[ 'POST', { %no, token => 'x', comment => 'no' }, 404, undef ],
	[ 'POST', $form->{agreed}{field}, 200, 'Thank you, this is agreed' ],
	[ 'POST', $form->{agreed}{field}, 200, 'Thank you, this is agreed' ],
	[ 'POST', { %no, comment => 'no' }, 409, 'does not wait for such an answer' ])
{
	my ($method, $field, $status, $said) = @$try;
	$answer = request('a_guest', $method, $form->{rejected}{action}, { %$field, language => 'en' });
	is($answer->{status}, $status, "$method of the form: $status");
	like($answer->{content}, defined $said ? qr/^<!DOCTYPE html>.*class="said" role="status">[^<]*\Q$said\E/s : qr/class="says">This link is not valid/, 'with a page');
}
is(join(' ', keys %{ forms(request('a_guest', 'GET', 'shared_page', { token => $token })->{content}) }), 'signed', 'then the page asks for a signature alone');
is($primary->safe_psql('postgres', "SELECT status FROM acme.document WHERE id = $report"), 'agreed', 'the client agreed');

# by the link to all that is his, he reaches each document and answers it
$primary->safe_psql('postgres', $path . q{SELECT transition(draft_document('{"kind": "proposal", "party": 2, "issued_on": "2026-06-01", "lines": [{"title": "Idea", "price": "5"}]}'), 'sent')});
my $all = $primary->safe_psql('postgres', "$path SELECT share_client(2)");
$answer = request('a_guest', 'GET', 'shared_page', { token => $all, language => 'en' });
is($answer->{status}, 200, 'GET of all that is a client\'s');
my @reference = $answer->{content} =~ /href="shared_page\?([^"]*)"/g;
cmp_ok(scalar @reference, '>', 2, 'with references');
my $asked = 0;
for my $reference (@reference)
{
	my %argument = map { split /=/, $_, 2 } split /&amp;/, $reference;
	$answer = request('a_guest', 'GET', 'shared_page', \%argument);
	is($answer->{status}, 200, 'each of them opens');
	like($answer->{content}, qr/<a href="shared_page\?token=$all&amp;language=en">All documents</, 'and leads back');
	my $offered = forms($answer->{content})->{agreed} or next;
	$asked++;
	$answer = request('a_guest', 'POST', $offered->{action}, $offered->{field});
	is($answer->{status}, 200, 'the form names its document');
	like($answer->{content}, qr/Thank you, this is agreed.*All documents|All documents.*Thank you, this is agreed/s, 'which is agreed');
}
cmp_ok($asked, '>=', 1, 'some waited for an answer');
unlike(request('a_guest', 'GET', 'shared_page', { token => $all, language => 'en' })->{content}, qr/Your answer is wanted|class="answer"/, 'and none does any more');
is(request('a_guest', 'GET', 'shared_page', { token => $all, document => 999999 })->{status}, 404, 'what is not his is not there');
is(request('a_guest', 'GET', 'shared_report', { token => $all })->{status}, 200, 'and as JSON');

# ---------------------------------------------------------------------------
# the states that the books raise are those that the README says
# ---------------------------------------------------------------------------

# SQLSTATE => what raises it.  The books' own functions raise those of the first
# part alone; those of the second come from the code of the extension besides.
my %books = map { $_ => 1 } qw(22023 23001 23503 23505 23514 42501);
my %code = map { $_ => 1 } qw(0A000 22000 22004 22003 22008 22P02 22P03 2202E 2BP01 39P01 3F000 40001 42703 42704 42710 42723 42804 42P06 42P07 42P16 54000 55P03 XX000);
my $names = $primary->config_data('--includedir-server') . '/utils/errcodes.h';
my %state;
for (split /\n/, slurp_file($names))
{
	$state{$1} = join '', $2, $3, $4, $5, $6 if /#define ERRCODE_(\w+) MAKE_SQLSTATE\('(.)','(.)','(.)','(.)','(.)'\)/;
}
my %raised;
my @files = map { bsd_glob("$FindBin::Bin/../../src/$_") } 'books/*/*.sql', '*.c', '*/*.c';
cmp_ok(scalar(grep { /\.sql$/ } @files), '>', 50, 'the books are found');
for my $file (@files)
{
	my $text = slurp_file($file);
	my $sql = $file =~ /\.sql$/;
	for my $name ($sql ? $text =~ /ERRCODE = '(\w+)'/g : $text =~ /errcode\(ERRCODE_(\w+)\)/g)
	{
		# the condition names of PL/pgSQL are those of C in small letters, less some prefixes
		my ($found) = grep { exists $state{$_} } uc $name, 'T_R_' . uc $name;
		my $code = $found ? $state{$found} : $name;
		push @{ $raised{$code} }, $file;
		ok($sql ? $books{$code} || $file =~ m{/(access|grant|column/all|anew|base/lock)\.sql$} && $code{$code} : $books{$code} || $code{$code},
			"$code ($name) of $file is a state that the table has");
	}
	next unless $sql;
	my @silent = grep { !/ERRCODE/ } $text =~ /(RAISE EXCEPTION(?:'(?:[^']|'')*'|[^;'])*;)/g;
	is("@silent", '', "every refusal of $file names its state");
}
for my $code (sort keys %books)
{
	ok($raised{$code}, "$code is raised");
	my $status = Gateway::http_status($code, 'a_reader');
	cmp_ok($status, '>=', 400, "$code: $status");
	cmp_ok($status, '<', 500, "$code is the client's mistake");
}
# Each row: states, status, meaning.
my ($table) = slurp_file("$FindBin::Bin/../../README.md") =~ /^### What a state means\n(.*?)^###? /ms;
my %told;
while (($table // '') =~ /^\| (\d[^|]*) \| (\d{3})/mg)
{
	my ($states, $status) = ($1, $2);
	$told{$_} = $status for $states =~ /\b(\w{5})\b/g;
}
delete $told{class};
is(join(' ', grep { !$told{$_} } sort keys %books), '', 'the README tells each of them');
is(Gateway::http_status($_, 'a_reader'), $told{$_}, "and the status that $_ arrives with") for sort keys %told;

done_testing();
