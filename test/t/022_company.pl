# The sample company.  Just-in-time compilation, as servers ship it: none of its
# views, and nothing that people ask of it, has a plan that the server would
# compile.  And a ledger of others, hledger: told its entries, it comes to the same
# accounts of parties, profit and loss, cash and taxes, to the cent.
use strict;
use warnings;
use Cwd;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jit');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off");
$node->start;

# The sample company; its files name each other and the exports from where they lie.
my $here = getcwd();
chdir 'test/demo' or die "test/demo: $!";
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-v', 'scale=1', '-d', 'postgres', '-f', 'load.sql' ], 'the sample company is loaded');
chdir $here;

# What the planner takes a statement for, against jit_above_cost.
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.cost_of(statement text) RETURNS numeric LANGUAGE plpgsql AS $$
	DECLARE
	    v_plan json;
	BEGIN
	    EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO v_plan;
	    RETURN (v_plan -> 0 -> 'Plan' ->> 'Total Cost')::numeric;
	END $$});

# Statements that would be compiled, with their costs.
sub compiled
{
	my ($statements) = @_;
	return $node->safe_psql('postgres', qq{
		SET jit = on; SET search_path = finance, public;
		SELECT s.statement || ': ' || round(public.cost_of(s.statement)) FROM ($statements) AS s (statement)
		 WHERE public.cost_of(s.statement) > current_setting('jit_above_cost')::numeric ORDER BY 1});
}

# All but profit_by, which is the work of eight (whoever asks it for one dimension gets that one), and line_worth, document_posting and due_entry, which are asked for a document.
my $views = q{FROM pg_class c WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v' AND c.relname NOT IN ('profit_by', 'line_worth', 'document_posting', 'due_entry')};
cmp_ok($node->safe_psql('postgres', "SELECT count(*) $views"), '>', 40, 'there are views');
is(compiled("SELECT format('SELECT * FROM %I', c.relname) $views"), '', 'no view is compiled');
is(compiled("SELECT format('SELECT count(x) FROM (SELECT * FROM %I OFFSET 0) x', c.relname) $views"), '', 'nor counted row by row');
is(compiled(q{VALUES ('SELECT * FROM check_books()'), ('SELECT document_html(d.id), document_csv(d.id), document_json(d.id) FROM document d WHERE d.id = 5'),
	('SELECT * FROM document_sheet(5)'), ('SELECT * FROM document_tax(5)'), ('SELECT * FROM client_statement(2, ''2026-01-01'', ''2026-12-31'')'),
	('SELECT * FROM preview_report(''{"client": 2}'')'), ('SELECT * FROM what_if(NULL, ''2026-01-01'', ''2026-06-30'', ''{}'')'),
	('SELECT explain_charge(c.id) FROM charge c'), ('SELECT * FROM profit_by WHERE dimension = ''client'''), ('SELECT * FROM document_card WHERE party_id = 3'), ('SELECT * FROM billing_due')}),
	'', 'nor what people ask');
is($node->safe_psql('postgres', q{
	SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	 WHERE p.pronamespace::regnamespace::text LIKE 'finance%' AND l.lanname = 'plpgsql' AND NOT p.proconfig @> '{jit=off}'
	   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')}), '', 'nor any statement of a function');
# all of them, also contracts that had no work in these days
is($node->safe_psql('postgres', q{SELECT count(DISTINCT contract_id) > 5 FROM finance.what_if(NULL, '2026-01-01', '2026-06-30', '{}')}), 't', 'what_if() of every contract');
# such a check can fail
like(compiled("VALUES ('SELECT * FROM charge a, charge b')"), qr/^SELECT \* FROM charge a, charge b: \d+$/, 'a product would be');

# Where the server can compile at all, it says nothing of it.
is($node->safe_psql('postgres', q{
	SET jit = on; SET search_path = finance, public; SET client_min_messages = warning;
	CREATE TEMP TABLE plan (name text, line text);
	DO $$
	DECLARE
	    v_view text;
	    v_line text;
	BEGIN
	    FOR v_view IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'finance'::regnamespace AND c.relkind = 'v' AND c.relname NOT IN ('profit_by', 'line_worth', 'document_posting', 'due_entry') LOOP
	        FOR v_line IN EXECUTE format('EXPLAIN SELECT * FROM %I', v_view) LOOP
	            INSERT INTO plan VALUES (v_view, v_line);
	        END LOOP;
	    END LOOP;
	END $$;
	SELECT string_agg(name, ', ') FROM plan WHERE line ~ '^ *JIT:'}), '', 'no plan of a view has a JIT block');

# Every entry as a transaction of two postings, in its currency and in the base
# currency; settlements by party.
my $dir = PostgreSQL::Test::Utils::tempdir();
sub journal
{
	my ($name, $amount, $currency) = @_;
	my $file = "$dir/$name.journal";
	PostgreSQL::Test::Utils::append_to_file($file, $node->safe_psql('postgres', qq{
		SET search_path = finance, public;
		SELECT format(E'%s e%s\\n    %s  %s %s\\n    %s  %s %s\\n', e.entry_on, e.id, d.name, $amount, $currency, c.name, -$amount, $currency)
		  FROM entry e
		  LEFT JOIN party p ON p.id = e.party_id
		 CROSS JOIN LATERAL (SELECT a.code || CASE WHEN a.kind = 'settlement' AND e.charge_id IS NULL THEN coalesce(':' || p.id, '') ELSE '' END AS name
		                       FROM account a WHERE a.id = e.debit_id) d
		 CROSS JOIN LATERAL (SELECT a.code || CASE WHEN a.kind = 'settlement' AND e.charge_id IS NULL THEN coalesce(':' || p.id, '') ELSE '' END AS name
		                       FROM account a WHERE a.id = e.credit_id) c
		 ORDER BY e.entry_on, e.id}) . "\n");
	return $file;
}

# What hledger says of accounts: sorted lines of "account amount currency", without what is at nothing.
sub hledger
{
	my ($file, @query) = @_;
	my ($out, $err);
	ok(IPC::Run::run([ 'hledger', '-f', $file, 'balance', '--flat', '-N', '--layout=bare', '-O', 'csv', @query ], '>', \$out, '2>', \$err), "hledger: @query") or diag($err);
	my @lines;
	foreach my $line (split /\n/, $out)
	{
		my ($account, $commodity, $balance) = $line =~ /^"(.*?)","(.*?)","(.*?)"/ or next;
		push @lines, sprintf('%s %.2f %s', $account, $balance, $commodity) if $account ne 'account' && $balance != 0;
	}
	return join("\n", sort @lines);
}

sub books
{
	return join("\n", sort split /\n/, $node->safe_psql('postgres', "SET search_path = finance, public; $_[0]"));
}

SKIP:
{
	my $found = eval { IPC::Run::run([ 'hledger', '--version' ], '>', \my $out, '2>', \my $err) };
	skip 'hledger is not installed', 1 unless $found;
	my $own = journal('own', 'round(e.amount, 2)', 'e.currency');
	is(hledger($own, '^receivable:'), books(q{
		SELECT format('receivable:%s %s %s', k.id, s.balance, s.currency) FROM party k
		 CROSS JOIN LATERAL client_statement(k.id, '0001-01-01', '9999-12-31') s WHERE s.kind = 'closing balance' AND s.balance <> 0}), 'what clients owe');
	is(hledger($own, '^cash'), books(q{
		SELECT format('%s %s %s', b.account, b.balance, b.currency) FROM account_balance b WHERE b.kind = 'cash' AND b.balance <> 0}), 'cash');
	is(hledger($own, '^tax_payable'), books(q{
		SELECT format('tax_payable %s %s', sum(CASE t.direction WHEN 'sales' THEN -t.amount ELSE t.amount END), t.currency) FROM tax_period t
		 GROUP BY t.currency HAVING sum(CASE t.direction WHEN 'sales' THEN -t.amount ELSE t.amount END) <> 0}), 'taxes');
	my $articles = books(q{SELECT string_agg('^' || a.code || '$', ' ') FROM account a WHERE a.kind IN ('income', 'expense')});
	is(hledger($own, split(/ /, $articles)), books(q{
		SELECT format('%s %s %s', b.account, b.posted_balance, b.currency) FROM account_balance b
		 WHERE b.kind IN ('income', 'expense') AND b.posted_balance <> 0}), 'profit and loss');
}

done_testing();
