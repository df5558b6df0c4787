# What a session has set changes nothing: one whole flow through the books,
# under plain settings and under hostile ones, stores, says and refuses the same
# to the last byte; a call that was sent before is known again whatever is set;
# and no setting is left behind.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('settings');
$node->init;
# DateStyle and the zone of the server itself are none of the plain ones either;
# one of the sessions has JIT.
$node->append_conf('postgresql.conf', "datestyle = 'SQL, DMY'\ntimezone = 'Asia/Kolkata'\nfsync = off\njit = off");
$node->start;

my $plain = q{
SET datestyle = 'ISO, MDY'; SET timezone = 'UTC'; SET intervalstyle = 'postgres';
};
my $parallel = $node->pg_version < 16 ? 'force_parallel_mode' : 'debug_parallel_query';

# Each: how the session is set before it makes its books and runs the flow.
my %hostile = (
	german => q{
SET client_encoding = 'LATIN1';
SET datestyle = 'German, DMY'; SET timezone = 'Pacific/Kiritimati'; SET intervalstyle = 'sql_standard';
SET escape_string_warning = off; SET standard_conforming_strings = off; SET backslash_quote = off;
SET extra_float_digits = -15; SET bytea_output = 'escape'; SET search_path = '';
SET quote_all_identifiers = on; SET array_nulls = off; SET transform_null_equals = on; SET xmlbinary = 'hex'; SET xmloption = 'document';
SET default_transaction_isolation = 'serializable'; SET default_transaction_deferrable = on; SET row_security = off;
SET check_function_bodies = off; SET plpgsql.variable_conflict = 'use_column';
},
	postgres_dmy => q{
SET datestyle = 'Postgres, DMY'; SET timezone = 'America/St_Johns'; SET intervalstyle = 'iso_8601';
SET search_path = evil, pg_catalog; SET plpgsql.variable_conflict = 'use_variable'; SET plpgsql.extra_errors = 'all';
SET lc_messages = 'C'; SET lc_monetary = 'C'; SET lc_numeric = 'C'; SET lc_time = 'C'; SET bytea_output = 'escape';
SET jit = on; SET jit_above_cost = 0; SET jit_optimize_above_cost = -1; SET jit_inline_above_cost = -1; SET jit_tuple_deforming = off;
},
	sql_no_hash => qq{
SET datestyle = 'SQL, MDY'; SET timezone = '+09:30'; SET escape_string_warning = on; SET standard_conforming_strings = off;
SET jit = off; SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET enable_material = off;
SET join_collapse_limit = 1; SET from_collapse_limit = 1; SET work_mem = '64kB'; SET plan_cache_mode = 'force_generic_plan';
SET $parallel = on; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
},
	sql_no_index => q{
SET datestyle = 'SQL, DMY'; SET timezone = 'Pacific/Apia'; SET intervalstyle = 'postgres_verbose';
SET jit = off; SET enable_nestloop = off; SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off; SET enable_sort = off;
SET enable_memoize = off; SET geqo_threshold = 2; SET cursor_tuple_fraction = 0.01; SET plan_cache_mode = 'force_custom_plan';
SET search_path = finance, pg_temp; SET work_mem = '1GB'; SET synchronize_seqscans = on;
});

$node->safe_psql('postgres', q{
	CREATE EXTENSION finance;
	CREATE TABLE public.shown (books text, what text, result text, no bigserial);
	CREATE TABLE public.stored (books text, place text, line text);
	-- What a call is refused with, in all its words.
	CREATE FUNCTION public.refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
	    v_detail text;
	    v_hint text;
	BEGIN
	    EXECUTE call;
	    RETURN 'not refused';
	EXCEPTION WHEN OTHERS THEN
	    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
	    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, v_detail, v_hint);
	END $$;
	-- A row without what is another at each run: instants of the run itself, written as they must be (in UTC), the secrets of
	-- links, who holds a lock, and the name of the books.  What PostgreSQL writes of a constraint follows the session.
	CREATE TABLE public.began AS SELECT (now() AT TIME ZONE 'UTC')::date AS day;
	CREATE FUNCTION public.line(place text, content jsonb, name text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
	DECLARE
	    v_secret text[] := CASE place WHEN 'share_link' THEN '{token_digest}' WHEN 'rule' THEN '{definition}' ELSE '{holder}' END;
	    -- the run may go over midnight, and makes a link that lives 30 days
	    v_days text := (SELECT string_agg(to_char(b.day + d, 'YYYY-MM-DD'), '|') FROM public.began b, unnest('{0,1,30,31}'::int[]) d);
	BEGIN
	    RETURN replace(regexp_replace(regexp_replace((content - v_secret)::text, format('"(%s)[T ][0-9:.]+[+]00(:00)?"', v_days), '"now"', 'g'),
	                                  'sha256:[0-9a-f]+', 'sha256', 'g'), name || '.', '@.');
	END $$;
	-- Every row of every table and view.
	CREATE FUNCTION public.store(name text) RETURNS void LANGUAGE plpgsql
	SET timezone = 'UTC' SET datestyle = 'ISO' SET bytea_output = 'hex' SET jit = off AS $$
	DECLARE
	    v_place text;
	BEGIN
	    DELETE FROM public.stored s WHERE s.books = name;
	    FOR v_place IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = name::regnamespace AND c.relkind IN ('r', 'v') ORDER BY 1 LOOP
	        EXECUTE format('INSERT INTO public.stored SELECT %1$L, %2$L, public.line(%2$L, to_jsonb(t), %1$L) FROM %1$I.%2$I t', name, v_place);
	    END LOOP;
	END $$;
	-- What views say in this session: all of it but instants, which are written in the session's zone.
	CREATE FUNCTION public.view(name text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
	    v_view record;
	BEGIN
	    FOR v_view IN SELECT c.relname, coalesce(array_agg(a.attname) FILTER (WHERE a.atttypid = 'timestamptz'::regtype), '{}') AS instants
	                    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
	                   WHERE c.relnamespace::regnamespace::text IN (name, quote_ident(name)) AND c.relkind = 'v' GROUP BY 1 ORDER BY 1 LOOP
	        EXECUTE format($q$INSERT INTO public.shown (books, what, result)
	            SELECT %1$L, 'view ' || %2$L, v.line FROM (SELECT public.line(%2$L, to_jsonb(t) - %3$L::text[], %1$L) AS line FROM %1$I.%2$I t) v
	             ORDER BY v.line COLLATE "C"$q$, name, v_view.relname, v_view.instants);
	    END LOOP;
	END $$;
	-- A schema to stand first in a search path: nothing of it may ever be used.
	CREATE SCHEMA evil;
	CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''1999-01-01Z''::timestamptz';
	CREATE FUNCTION evil.iso(date) RETURNS text LANGUAGE sql AS 'SELECT ''evil''';
	CREATE FUNCTION evil.iso_date(text) RETURNS date LANGUAGE sql AS 'SELECT date ''1999-01-01''';
	CREATE FUNCTION evil.round_money(numeric, integer) RETURNS numeric LANGUAGE sql AS 'SELECT 0.0';
	CREATE FUNCTION evil.upper(daterange) RETURNS date LANGUAGE sql AS 'SELECT date ''1999-01-01''';
	CREATE FUNCTION evil.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''evil''::bytea';
	CREATE FUNCTION evil.differ(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
	CREATE OPERATOR evil.!~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.differ);
	CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.differ);
	CREATE TABLE evil.setting (version text);
	CREATE TABLE evil.charge (id bigint)});

my $flow = slurp_file('test/fixture/flow.sql') . "\nSELECT public.view(:'books');\n";

# Run a script on a set of books as a session that is set so would.
sub run
{
	my ($settings, $books, $script) = @_;
	my ($out, $err);
	my $status = $node->psql('postgres', "\\set ON_ERROR_STOP 1\n$settings\n$script",
		stdout => \$out, stderr => \$err, extra_params => [ '-v', "books=$books", '-v', "internal=${books}_internal", '-v', 'VERBOSITY=terse' ]);
	die "psql failed under $settings: " . substr($err, 0, 2000) if $status != 0;
	return $out;
}

# What the books hold and what they said, place by place.
sub state_of
{
	my ($books) = @_;
	$node->safe_psql('postgres', "SELECT public.store('$books')");
	my $stored = $node->safe_psql('postgres', qq{
		SELECT place || E'\\t' || line FROM public.stored WHERE books = '$books' ORDER BY place COLLATE "C", line COLLATE "C"});
	my $said = $node->safe_psql('postgres', qq{
		SELECT 'said by ' || what || E'\\t' || replace(replace(result, E'\\r', '<CR>'), E'\\n', '<LF>') FROM public.shown WHERE books = '$books' ORDER BY no});
	my %state;
	for my $line (split /\n/, "$stored\n$said")
	{
		push @{ $state{$1} }, $2 if $line =~ /^([^\t]*)\t(.*)$/;
	}
	return \%state;
}

# Are two states the same?  The first line that is not is told.
sub same_state
{
	my ($got, $wanted, $name) = @_;
	my @difference;
	for my $place (sort keys %{ { %$got, %$wanted } })
	{
		my ($left, $right) = map { join("\n", @{ $_->{$place} // [] }) } $got, $wanted;
		next if $left eq $right;
		my %known = map { $_ => 1 } @{ $wanted->{$place} // [] };
		my ($line) = grep { !$known{$_} } @{ $got->{$place} // [] };
		my %found = map { $_ => 1 } @{ $got->{$place} // [] };
		my ($lost) = grep { !$found{$_} } @{ $wanted->{$place} // [] };
		push @difference, "$place: " . ($line // 'nothing') . "\n    instead of " . ($lost // 'nothing, or in another order');
	}
	ok(!@difference, $name) or diag(join("\n", map { substr($_, 0, 3000) } @difference));
}

# The flow, plain.
run($plain, 'plain', "SELECT finance.create_books('plain');\n$flow");
my $wanted = state_of('plain');
is(scalar(@{ $wanted->{"said by check_books"} // [] }), 0, 'the flow leaves healthy books');
cmp_ok(scalar(keys %$wanted), '>', 300, 'and touches every part of them');
my @empty = grep { !$wanted->{$_} } split /\n/, $node->safe_psql('postgres', q{
	SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'plain'::regnamespace AND c.relkind = 'r'
	   AND c.relname NOT IN ('deal_stage', 'brand', 'brand_logo', 'due_extension', 'access_grant', 'manager_limit',
	                         'dispute', 'dunning_level', 'reminder')});
is("@empty", '', 'no table of the plain books stays empty');
like($wanted->{"said by refused $_"}[0], qr/^(22023|23001|23503|23505|23514) /, "what must be refused is, number $_") for 1 .. 26;
my @dates = grep { !/^22023/ && /\b[0-9]{2}([.\/-])[0-9]{2}\1[0-9]{4}\b/ } map { @{ $wanted->{$_} } } grep { /^(said by (refused|explain|frozen|run)|charge$|event$|rating_problem|history)/ } keys %$wanted;
is(scalar(@dates), 0, 'no date is written in a style') or diag("@dates[0 .. 2]");

# What was sent before, sent again: known, and nothing is changed by it.
my $again = q{
SELECT :books.post('rent', '[{"on": "2026-04-02", "debit": "rent", "credit": "payable", "amount": "100.50", "currency": "USD"}]', 'rent of April'),
       :books.reverse_event(e.id, 'rent back', '2026-04-12') FROM :books.event e WHERE e.key = 'rent';
SELECT :books.charge_item(1, 1, 3, '2026-03-02', key => 'hosting'), :books.charge_expense(2, 100, '2026-03-04', 'taxi', currency => 'EUR', key => 'taxi'),
       :books.accept_stage(3, '2026-03-02'), :books.add_block(3, '2026-02-12', hours => 3, price => 150, expires_on => '2026-04-02', key => 'block');
SELECT :books.charge_fees(1, '2026-04-30'), :books.charge_fees(3, '2026-04-30');
SELECT * FROM :books.run_billing('2026-04-30');
SELECT * FROM :books.ingest_entries('[
    {"source": "b24", "external_id": "n3", "employee": "4", "task": "1.2", "started_at": "2026-03-31 23:30:00+00", "ended_at": "2026-03-31 23:59:60+00"},
    {"source": "b24", "external_id": "n4", "employee": "4", "task": "1.2", "work_date": "2026-04-01", "duration_s": 4000, "comment": "it''s"}]');
SELECT :books.draft_document('{"kind": "proposal", "party": 2, "title": "Offer", "issued_on": "2026-04-01", "period_from": "2026-05-01", "period_to": "2026-06-07",
    "lines": [{"title": "Concept", "price": "1200.50", "starts_on": "2026-05-01", "ends_on": "2026-05-06"}], "source": "crm", "external_id": "1"}');
};
my $known = run($plain, 'plain', $again);
same_state(state_of('plain'), $wanted, 'calls that are sent again in the same session settings change nothing');

for my $name (sort keys %hostile)
{
	my $settings = $hostile{$name};

	# books made and used under the settings
	run($settings, $name, "SELECT finance.create_books('$name');\n$flow");
	same_state(state_of($name), $wanted, "$name: stored, said and refused as under plain settings");
	# what one of them sent, the other knows
	is(run($settings, 'plain', $again), run($settings, $name, $again), "$name: calls of a plain session are known");
	is(run($plain, $name, $again), $known, "$name: its calls are known in a plain session");
	same_state(state_of('plain'), $wanted, "$name: and change nothing in the plain books");
	same_state(state_of($name), $wanted, "$name: nor in its own");
}

done_testing();
