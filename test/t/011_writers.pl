# 32 writers on one contract: no deadlock, every sum exact.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('writers');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 60\ndeadlock_timeout = 200ms");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION finance; SELECT finance.create_books();
	SET search_path = finance;
	INSERT INTO party (kind, name) VALUES ('company', 'Alpha');
	INSERT INTO employee (name) VALUES ('Dev');
	INSERT INTO cost_rate (employee_id, valid_from, hourly_cost, currency) VALUES (1, '2020-01-01', 20, 'EUR');
	INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
	INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
	INSERT INTO contract (client_id, number, currency, starts_on) VALUES (1, 'A-1', 'EUR', '2020-01-01'), (1, 'B-1', 'EUR', '2020-01-01');
	INSERT INTO allotment (contract_id, kind, unit, amount, effective_at) VALUES (2, 'block', 'seconds', 360000, '2020-01-01');
	INSERT INTO project (client_id, name) VALUES (1, 'Site');
	INSERT INTO task (project_id, contract_id, title) VALUES (1, 1, 'Cart'), (1, 2, 'Desk');
	INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR')});

# Each transaction logs twenty minutes on both contracts, now and then edits or
# deletes some of its own work, and pays.
my $script = PostgreSQL::Test::Utils::tempdir . '/write.sql';
append_to_file($script, q{
\set task random(1, 2)
\set day random(0, 300)
BEGIN;
INSERT INTO finance.time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :task, date '2026-01-01' + :day, 1200) RETURNING id \gset
INSERT INTO finance.time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 3 - :task, date '2026-01-01' + :day, 1200);
UPDATE finance.time_entry SET duration_s = duration_s + 600 WHERE id = :id AND :day % 3 = 0;
DELETE FROM finance.time_entry WHERE id = :id AND :day % 5 = 0;
INSERT INTO finance.payment (flow, status, paid_on, amount, currency, cash_account_id, article, contract_id)
VALUES ('in', 'posted', date '2026-01-01' + :day, 22.22, 'EUR', 1, 'revenue', :task);
END;
});
$node->command_checks_all(
	[ 'pgbench', '-n', '-c', '32', '-j', '2', '-t', '15', '-f', $script, 'postgres' ],
	0, [qr{processed: 480/480}], [qr{^(?!.*(deadlock|ERROR))}s], '32 writers, no error');

is($node->safe_psql('postgres', 'SELECT * FROM finance.check_books()'), '', 'the books are healthy');
is($node->safe_psql('postgres', q{
	SELECT (SELECT sum(worked_s) FROM finance.time_entry) = (SELECT sum(worked_s) FROM finance.charge),
	       (SELECT count(*) FROM finance.payment) * 22.22 = (SELECT sum(receipts) FROM finance.contract_card),
	       (SELECT sum(finance.time_amount(worked_s, 66.67, 'exact', 2)) FROM finance.time_entry e JOIN finance.task t ON t.id = e.task_id WHERE t.contract_id = 1)
	     = (SELECT charged FROM finance.contract_card WHERE number = 'A-1'),
	       (SELECT sum(burned) FROM finance.charge) = least(360000, (SELECT sum(worked_s) FROM finance.time_entry e JOIN finance.task t ON t.id = e.task_id WHERE t.contract_id = 2))}),
	't|t|t|t', 'seconds, receipts, amounts and the block agree to the last digit');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');

# The order in which the writers came does not matter: rated anew all stays.
my $sum = q{SELECT md5(string_agg(concat_ws(',', time_entry_id, segment, coverage, billed_s, amount, burned), ';' ORDER BY time_entry_id, segment)) FROM finance.charge};
my $before = $node->safe_psql('postgres', $sum);
$node->safe_psql('postgres', q{SELECT finance.rerate(1, '2000-01-01'), finance.rerate(2, '2000-01-01')});
is($node->safe_psql('postgres', $sum), $before, 'rated anew, every charge is the same');

done_testing();
