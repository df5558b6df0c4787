# Just-in-time compilation, as servers ship it: no view of the sample company,
# and nothing that people ask of it, has a plan that the server would compile.
use strict;
use warnings;
use Cwd;
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

done_testing();
