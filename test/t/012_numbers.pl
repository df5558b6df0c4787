# 32 issuers of one number series, who roll back now and then: numbers without
# gaps or repeats, in the order of issue, and no work billed twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('numbers');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 60\ndeadlock_timeout = 200ms");
$node->start;

# Eight clients of one own company, so that issuers meet on contracts too.
$node->safe_psql('postgres', q{
	CREATE EXTENSION finance; SELECT finance.create_books();
	SET search_path = finance;
	INSERT INTO party (kind, name) VALUES ('own', 'Agency');
	INSERT INTO party (kind, name) SELECT 'company', 'Client ' || n FROM generate_series(1, 8) n;
	INSERT INTO employee (name) VALUES ('Dev');
	INSERT INTO price_list (code, name, currency, is_default) VALUES ('work', 'Work', 'EUR', true);
	INSERT INTO price (price_list_id, price) VALUES (1, 66.67);
	INSERT INTO project (client_id, name) SELECT id, name FROM party WHERE kind = 'company' ORDER BY id;
	INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_rate) SELECT id, 1, 'K-' || id, 'EUR', '2026-01-01', 20 FROM party WHERE kind = 'company';
	INSERT INTO task (project_id, title) SELECT id, name FROM project ORDER BY id;
	INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR')});

# Each transaction logs twenty minutes and issues an invoice over all free work
# of its client (where another took it meanwhile, over none), pays it at times,
# voids it at times, and rolls all of it back at times.
my $script = PostgreSQL::Test::Utils::tempdir . '/issue.sql';
append_to_file($script, q{
\set client random(1, 8)
\set fate random(1, 10)
BEGIN;
INSERT INTO finance.time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, :client, '2026-03-02', 1200);
SELECT finance.build_invoice(jsonb_build_object('task', :client), '{"issued_on": "2026-04-01"}') AS invoice \gset
SELECT finance.issue_invoice(:invoice);
\if :fate <= 3
ROLLBACK;
\elif :fate = 4
SELECT finance.void(:invoice, 'wrong');
COMMIT;
\elif :fate <= 7
INSERT INTO finance.payment (flow, status, paid_on, amount, currency, cash_account_id, article, party_id)
VALUES ('in', 'posted', '2026-04-02', 20, 'EUR', 1, 'revenue', :client + 1) RETURNING id AS payment \gset
SELECT finance.allocate_payment(:payment);
COMMIT;
\else
COMMIT;
\endif
});
$node->command_checks_all(
	[ 'pgbench', '-n', '-c', '32', '-j', '2', '-t', '12', '-f', $script, 'postgres' ],
	0, [qr{processed: 384/384}], [qr{^(?!.*(deadlock|ERROR))}s], '32 issuers, no error');

is($node->safe_psql('postgres', 'SELECT * FROM finance.document_problems'), '', 'no rule of documents is broken');
is($node->safe_psql('postgres', 'SELECT * FROM finance.check_books()'), '', 'the books are healthy');
is($node->safe_psql('postgres', q{
	SELECT count(*) = max(series_no) AND min(series_no) = 1 AND count(DISTINCT number) = count(*)
	  FROM finance.document WHERE kind = 'invoice' AND number IS NOT NULL}), 't', 'numbers run from 1 without gap or repeat');
is($node->safe_psql('postgres', q{
	SELECT (SELECT next_no - 1 FROM finance.number_series WHERE kind = 'invoice') = (SELECT count(*) FROM finance.document WHERE kind = 'invoice'),
	       (SELECT bool_or(status = 'void') FROM finance.document)}), 't|t', 'rollbacks gave theirs back, void invoices kept theirs');
is($node->safe_psql('postgres', q{
	SELECT (SELECT sum(amount) FROM finance.charge) = (SELECT sum(net) FROM finance.document WHERE status <> 'void') + (SELECT coalesce(sum(amount), 0) FROM finance.unbilled)}),
	't', 'billed and unbilled are all the work there is');
unlike(slurp_file($node->logfile), qr/deadlock detected/, 'no deadlock in the log');

done_testing();
