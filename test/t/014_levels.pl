# Many writers of everything at once, at each isolation level and in mixtures of
# them: whatever is refused is told by a state that says so, and in the end the
# books are healthy and sums that no view of theirs knows agree.
#
# FINANCE_LOAD_SECONDS is how long each of the five rounds writes (5).
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{FINANCE_LOAD_SECONDS} || 5;
my $writers = 32;

my $node = PostgreSQL::Test::Cluster->new('levels');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 60\ndeadlock_timeout = 200ms\nfsync = off\nlog_min_messages = error\nmax_pred_locks_per_transaction = 256");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION finance; SELECT finance.create_books();
	ALTER DATABASE postgres SET search_path = finance, finance_internal, public;
	ALTER DATABASE postgres SET jit = off});
$node->safe_psql('postgres', q{
	INSERT INTO party (kind, name) VALUES ('own', 'Agency');
	INSERT INTO party (kind, name) SELECT 'company', 'Client ' || i FROM generate_series(2, 9) i;
	INSERT INTO party (kind, name) VALUES ('contractor', 'Helper');
	INSERT INTO employee (name) SELECT 'Dev ' || i FROM generate_series(1, 5) i;
	INSERT INTO employee_login SELECT 'b24', i::text, i FROM generate_series(1, 5) i;
	INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) SELECT i, '2020-01-01', 20, 'EUR' FROM generate_series(1, 5) i;
	INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
	INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
	INSERT INTO project (client_id, name) SELECT i, 'Project ' || i FROM generate_series(2, 9) i;
	-- clients 2 to 8 have a contract, 9 has none; 3 has a block, 4 a cap, 5 fees, tax and included hours
	INSERT INTO contract (client_id, own_id, number, currency, starts_on, late_policy, tax_rate)
	SELECT i, 1, 'C-' || i, 'EUR', '2025-01-01', 'reopen', CASE WHEN i = 5 THEN 20 END FROM generate_series(2, 8) i;
	UPDATE contract SET cap_amount = 5000 WHERE client_id = 4;
	INSERT INTO contract_line (contract_id, kind, title, amount, included_s, rollover_max) SELECT id, 'recurring', 'Support', 100, 36000, 36000 FROM contract WHERE client_id = 5;
	SELECT add_block(id, '2025-01-01', hours => 20, price => 500) FROM contract WHERE client_id = 3;
	INSERT INTO task (project_id, title, source, external_id) SELECT 1 + i % 8, 'Task ' || i, 'b24', i::text FROM generate_series(0, 23) i;
	INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');

	-- What one client of the load does: an operation on a client, chosen by chance.
	-- A refusal is what an error of the server would be to the client: it is
	-- noted by its state, and the operation is undone.
	CREATE TABLE outcome (operation text, state text, message text);
	CREATE FUNCTION operate(client bigint, chance int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		v_id bigint;
		v_task bigint := (SELECT t.id FROM task t JOIN project p ON p.id = t.project_id WHERE p.client_id = client ORDER BY random() LIMIT 1);
		v_day date := date '2025-01-01' + (random() * 100)::int;
		v_contract bigint := (SELECT id FROM contract WHERE client_id = client);
	BEGIN
		IF v_task IS NULL THEN
			RETURN 'all of its tasks have moved';
		END IF;
		CASE
		WHEN chance < 25 THEN
			INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1 + (random() * 4)::int, v_task, v_day, 600 + (random() * 3000)::int);
			RETURN 'log';
		WHEN chance < 35 THEN
			PERFORM ingest_entries((SELECT jsonb_agg(jsonb_build_object('source', 'b24', 'external_id', format('%s/%s', client, (random() * 40)::int), 'employee', '1',
				'task', (SELECT t.external_id FROM task t WHERE t.id = v_task), 'work_date', v_day::text, 'duration_s', 60 * (random() * 30)::int))
				FROM generate_series(1, 3) i));
			RETURN 'ingest';
		WHEN chance < 40 THEN
			UPDATE time_entry SET duration_s = 1200 WHERE id = (SELECT e.id FROM time_entry e WHERE e.task_id = v_task ORDER BY random() LIMIT 1);
			RETURN 'change';
		WHEN chance < 43 THEN
			DELETE FROM time_entry WHERE id = (SELECT e.id FROM time_entry e WHERE e.task_id = v_task ORDER BY random() LIMIT 1);
			RETURN 'delete';
		WHEN chance < 50 THEN
			PERFORM build_report(jsonb_build_object('client', client));
			RETURN 'report';
		WHEN chance < 60 THEN
			SELECT d.id INTO v_id FROM document d WHERE d.party_id = client AND d.kind = 'report' AND d.status IN ('draft', 'sent') ORDER BY random() LIMIT 1;
			PERFORM transition(v_id, CASE (SELECT status FROM document WHERE id = v_id) WHEN 'draft' THEN 'sent' ELSE 'agreed' END) WHERE v_id IS NOT NULL;
			RETURN 'answer';
		WHEN chance < 67 THEN
			SELECT d.id INTO v_id FROM document d WHERE d.party_id = client AND d.kind = 'report' AND d.status = 'agreed' ORDER BY random() LIMIT 1;
			PERFORM issue_invoice(v_id) WHERE v_id IS NOT NULL;
			RETURN 'invoice';
		WHEN chance < 74 THEN
			INSERT INTO payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id, contract_id)
			VALUES ('in', 'posted', v_day + 60, 22.22, 'EUR', 1, 'revenue', client, v_contract);
			RETURN 'pay';
		WHEN chance < 82 THEN
			PERFORM allocate_payment((SELECT p.id FROM payment p WHERE p.party_id = client AND p.status = 'posted' AND p.flow = 'in' ORDER BY random() LIMIT 1))
			  WHERE EXISTS (SELECT FROM payment p WHERE p.party_id = client AND p.status = 'posted' AND p.flow = 'in');
			RETURN 'allocate';
		WHEN chance < 84 THEN
			PERFORM apply_credit((SELECT b.document_id FROM document_balance b WHERE b.party_id = client AND b.kind = 'invoice' ORDER BY random() LIMIT 1))
			  WHERE EXISTS (SELECT FROM document_balance b WHERE b.party_id = client AND b.kind = 'invoice');
			RETURN 'apply';
		WHEN chance < 86 THEN
			SELECT a.payment_id INTO v_id FROM payment_allocation a JOIN payment p ON p.id = a.payment_id WHERE p.party_id = client ORDER BY random() LIMIT 1;
			PERFORM unallocate(v_id) WHERE v_id IS NOT NULL;
			RETURN 'unallocate';
		WHEN chance < 88 THEN
			UPDATE payment SET status = 'void' WHERE id = (SELECT p.id FROM payment p WHERE p.party_id = client AND p.status = 'posted' ORDER BY random() LIMIT 1);
			RETURN 'void payment';
		WHEN chance < 91 THEN
			SELECT d.id INTO v_id FROM document d WHERE d.party_id = client AND d.kind = 'invoice' AND d.status IN ('sent', 'partly_paid', 'paid') ORDER BY random() LIMIT 1;
			PERFORM credit(v_id, NULL, 'wrong') WHERE v_id IS NOT NULL;
			RETURN 'credit';
		WHEN chance < 94 THEN
			SELECT h.time_entry_id INTO v_id FROM charge h WHERE h.client_id = client AND h.frozen_at IS NOT NULL AND h.source = 'time' AND h.reverses_id IS NULL
			   AND NOT EXISTS (SELECT FROM charge r WHERE r.reverses_id = h.id) ORDER BY random() LIMIT 1;
			PERFORM correct_entry(v_id, jsonb_build_object('duration_s', 60 + (random() * 900)::int), 'wrong') WHERE v_id IS NOT NULL;
			RETURN 'correct';
		WHEN chance < 96 THEN
			PERFORM close_period(v_contract, (SELECT d.period_start FROM billing_due d WHERE d.contract_id = v_contract)) WHERE v_contract IS NOT NULL;
			RETURN 'close';
		WHEN chance < 97 THEN
			PERFORM reopen_period(v_contract, (SELECT max(b.period_start) FROM billing_period b WHERE b.contract_id = v_contract), 'late')
			  WHERE EXISTS (SELECT FROM billing_period b WHERE b.contract_id = v_contract);
			RETURN 'reopen';
		WHEN chance < 98 THEN
			UPDATE task SET project_id = 1 + (random() * 7)::int WHERE id = v_task;
			RETURN 'move';
		WHEN chance < 99 THEN
			v_id := (random() * 20)::int;
			PERFORM charge_expense(v_contract, 10, date '2025-01-01' + v_id::int, 'train', key => format('e%s/%s', client, v_id)) WHERE v_contract IS NOT NULL;
			RETURN 'expense';
		ELSE
			PERFORM run_billing('2025-02-28');
			RETURN 'run';
		END CASE;
	END $$});

# Each writer is a session of its own that goes on for a while; what it is told
# comes back as lines of state and message.
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/write.sql", q{
\set client random(2, 9)
\set chance random(0, 99)
BEGIN;
SELECT operate(:client, :chance);
END;
});
# now and then two operations, on any two clients, in one transaction
append_to_file("$dir/twice.sql", q{
\set client random(2, 9)
\set chance random(0, 66)
\set other random(2, 9)
BEGIN;
SELECT operate(:client, :chance);
SELECT operate(:other, :chance);
END;
});

# What may be told: try again (40001), a deadlock of two who hold several clients
# (40P01), and the refusals of the books, each of a sentence of its own.
my %allowed = map { $_ => 1 } qw(40001 40P01 23001 23514 22023 23503);

sub start_writers
{
	my ($level, $count, $twice) = @_;
	my ($out, $err) = ('', '');
	local $ENV{PGOPTIONS} = '-c default_transaction_isolation=' . $level =~ s/ /\\ /r;
	my $run = IPC::Run::start(
		[ 'pgbench', '-n', '-c', $count, '-j', '2', '-T', $seconds, '--max-tries=1', '--failures-detailed', '-f', "$dir/write.sql\@9", '-f', "$dir/twice.sql\@$twice",
			'-h', $node->host, '-p', $node->port, 'postgres' ], '>', \$out, '2>', \$err, IPC::Run::timeout(600 + 10 * $seconds));
	return [ $run, \$out, \$err ];
}

# pgbench ends a client at an error that is no 40001 or 40P01, so refusals are
# turned into results; the transaction is undone all the same.
$node->safe_psql('postgres', q{
	ALTER FUNCTION operate(bigint, int) RENAME TO operate_once;
	CREATE FUNCTION operate(client bigint, chance int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		v_state text;
		v_message text;
	BEGIN
		RETURN operate_once(client, chance);
	EXCEPTION
		WHEN transaction_rollback THEN
			RAISE;
		WHEN OTHERS THEN
			GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT;
			INSERT INTO outcome VALUES (chance::text, v_state, v_message);
			RETURN v_state;
	END $$});

my @rounds = (
	[ 'one operation a transaction', 0, 'read committed', $writers ],
	[ 'read committed', 1, 'read committed', $writers ],
	[ 'repeatable read', 1, 'repeatable read', $writers ],
	[ 'serializable', 1, 'serializable', $writers ],
	[ 'levels mixed', 1, 'read committed', 12, 'repeatable read', 10, 'serializable', 10 ]);
for my $round (@rounds)
{
	my ($what, $twice, @levels) = @$round;
	my $offset = -s $node->logfile;
	my @runs;
	while (my ($level, $count) = splice(@levels, 0, 2))
	{
		push @runs, start_writers($level, $count, $twice);
	}
	my $done = 0;
	for my $run (@runs)
	{
		IPC::Run::finish($run->[0]);
		my ($n) = ${ $run->[1] } =~ /actually processed: (\d+)/;
		$done += $n // 0;
		diag(${ $run->[2] }) if ${ $run->[2] } =~ /abort|fatal/i;
		unlike(${ $run->[2] }, qr/abort|fatal/i, "$what: no writer gave up");
	}
	cmp_ok($done, '>', 0, "$what: $done transactions were done");

	my %told;
	for my $line (split /\n/, $node->safe_psql('postgres', q{SELECT state || ' ' || replace(message, E'\n', ' ') FROM outcome; TRUNCATE outcome}))
	{
		my ($state) = split / /, $line;
		$told{$state}++;
		fail("$what: $line") unless $allowed{$state};
	}
	my $log = substr(slurp_file($node->logfile), $offset);
	my $again = () = $log =~ /ERROR:  could not serialize access/g;
	my $deadlocks = () = $log =~ /ERROR:  deadlock detected/g;
	note("$what: $done done, $again told to try again, $deadlocks deadlocks, refused: " . join(', ', map { "$_ $told{$_}" } sort keys %told));
	my @other = grep { !/could not serialize access|deadlock detected/ } $log =~ /ERROR:  (.*)/g;
	is(join("\n", @other), '', "$what: nothing else was told");
	is($again, 0, "$what: nobody is told to try again") if $what =~ /one|committed/;
	# one is left: a record that is changed by hand while a second tracker, which did not see it yet, waits to send it again
	cmp_ok($deadlocks, '<=', 1 + $done / 1000, "$what: hardly a deadlock") if !$twice;

	is($node->safe_psql('postgres', 'SELECT * FROM check_books()'), '', "$what: the books are healthy");
	is($node->safe_psql('postgres', q{
		SELECT 'allocated above the payment', p.id::text FROM payment p JOIN payment_allocation a ON a.payment_id = p.id
		 GROUP BY p.id HAVING sum(a.amount) > p.amount OR p.status <> 'posted'
		UNION ALL SELECT 'paid above the invoice', b.document_id::text FROM document_balance b WHERE b.open < 0
		UNION ALL SELECT 'block overdrawn', a.id::text FROM allotment a JOIN charge h ON h.allotment_id = a.id
		 GROUP BY a.id HAVING sum(h.burned) > a.amount
		UNION ALL SELECT 'above the cap', h.contract_id::text FROM charge h JOIN contract c ON c.id = h.contract_id
		 WHERE c.cap_amount IS NOT NULL AND h.source = 'time' GROUP BY h.contract_id, c.cap_amount HAVING sum(h.amount) > c.cap_amount
		UNION ALL SELECT 'seconds lost', e.id::text FROM time_entry e LEFT JOIN charge h ON h.time_entry_id = e.id AND h.source = 'time'
		 GROUP BY e.id HAVING sum(h.worked_s) IS DISTINCT FROM e.worked_s
		UNION ALL SELECT 'charge on two invoices', l.charge_id::text FROM document_line l JOIN document d ON d.id = l.document_id
		 WHERE d.kind = 'invoice' AND d.status <> 'void' AND l.released_at IS NULL GROUP BY l.charge_id HAVING count(*) > 1
		UNION ALL SELECT 'charge on two reports', l.charge_id::text FROM document_line l WHERE l.kind = 'report' AND l.released_at IS NULL
		 GROUP BY l.charge_id HAVING count(*) > 1
		UNION ALL SELECT 'gap in the numbers', s.kind FROM number_series s JOIN document d ON d.series_id = s.id
		 GROUP BY s.id, s.kind, s.next_no HAVING count(*) <> max(d.series_no) OR s.next_no <> max(d.series_no) + 1
		UNION ALL SELECT 'cash', NULL WHERE (SELECT coalesce(sum(amount), 0) FROM payment WHERE status = 'posted')
		 <> (SELECT coalesce(sum(CASE WHEN e.debit_id = c.account_id THEN e.amount ELSE -e.amount END), 0) FROM entry e JOIN cash_account c ON c.account_id IN (e.debit_id, e.credit_id))
		UNION ALL SELECT 'revenue', NULL WHERE (SELECT coalesce(sum(amount), 0) FROM charge WHERE frozen_at IS NOT NULL)
		 <> (SELECT coalesce(sum(CASE WHEN e.credit_id = account_id('revenue') THEN e.amount ELSE -e.amount END), 0) FROM entry e
		      WHERE account_id('revenue') IN (e.credit_id, e.debit_id))
		UNION ALL SELECT 'open charge in a closed period', h.id::text FROM charge h JOIN billing_period b ON b.contract_id = h.contract_id AND b.period_start = h.period_start
		 WHERE h.frozen_at IS NULL
		UNION ALL SELECT 'charge under another client than its task', h.id::text FROM charge h JOIN task t ON t.id = h.task_id JOIN project p ON p.id = t.project_id
		 WHERE NOT h.committed AND h.source = 'time' AND (h.client_id, h.project_id) <> (p.client_id, p.id)}),
		'', "$what: money, hours, numbers and places agree to the last digit");
}
unlike(slurp_file($node->logfile), qr/PANIC|XX000|internal error|was terminated/, 'no crash');

done_testing();
