# A year of paper, printed again after everybody and everything that it names was
# renamed, and after a dump and a restore: no byte differs.
use strict;
use warnings;
use utf8;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('books');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\njit = off");
$node->start;
my $path = 'SET search_path = acme, acme_internal, finance, public; SET client_min_messages = warning;';

sub sql
{
	my ($database, $statement) = @_;
	utf8::encode($statement);
	return $node->safe_psql($database, "$path $statement");
}

$node->safe_psql('postgres', 'CREATE DATABASE origin');
$node->safe_psql('origin', "CREATE EXTENSION finance; SELECT finance.create_books('acme')");
sql('origin', q{
	INSERT INTO party (kind, name, legal_name, tax_id, requisites) VALUES
		('own', 'Агенція', 'ТОВ «Агенція»', '12345678', '{"address": "вул. Перша, 1", "iban": "UA213223130000026007233566001", "signatory": "О. Коваль", "en": {"name": "Agency LLC"}}'),
		('company', 'Альфа', 'ТОВ «Альфа»', '87654321', '{"language": "uk", "address": "вул. Друга, 2"}'), ('company', 'Бета', 'ООО «Бета»', '190000001', '{"language": "ru"}'),
		('company', 'Gamma', 'Gamma Ltd', NULL, '{"language": "en", "address": "1 Third Street"}');
	INSERT INTO brand (own_id, name, logo, footer) VALUES (1, 'Агенція', 'data:image/png;base64,iVBORw0KGgo=', 'Дякуємо');
	INSERT INTO employee (name) VALUES ('Dana'); INSERT INTO price_list (code, name, currency, is_default) VALUES ('e', 'Euro', 'EUR', true);
	INSERT INTO price (price_list_id, price) VALUES (1, 90); INSERT INTO cash_account (name, currency) VALUES ('bank', 'EUR');
	INSERT INTO tax (code, name) VALUES ('vat', 'ПДВ'); INSERT INTO tax_rate VALUES ('vat', '2020-01-01', 20);
	INSERT INTO contract (client_id, own_id, number, currency, starts_on, tax_code) SELECT id, 1, 'К-' || id, 'EUR', '2025-01-01', CASE id WHEN 4 THEN NULL ELSE 'vat' END FROM party WHERE id > 1;
	INSERT INTO contract_line (contract_id, kind, title, amount, included_s) VALUES (1, 'recurring', 'Підтримка', 200, 3600);
	INSERT INTO project (client_id, name) SELECT id, 'Проєкт ' || name FROM party WHERE id > 1 ORDER BY id;
	INSERT INTO task (project_id, number, title, url, work_type_id) SELECT p.id, 'T-' || p.id || w.code, 'Задача <' || p.id || '> & ' || w.code, 'https://plan.example/' || p.id, w.id
	  FROM project p, work_type w WHERE w.code IN ('development', 'bug') ORDER BY p.id, w.code;
	INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) SELECT 1, t.id, d::date + t.id::int, 3600 + 600 * t.id
	  FROM generate_series(timestamp '2025-01-03', '2025-12-03', '1 month') d, task t;
	SELECT count(charge_fees(1, '2025-12-31'));
	DO $$
	DECLARE
		v_month date;
		v_report bigint;
		v_invoice bigint;
		v_client bigint;
	BEGIN
		FOR v_month, v_client IN SELECT d::date, c.id FROM generate_series(timestamp '2025-01-01', '2025-12-01', '1 month') d, party c WHERE c.kind = 'company' ORDER BY 1, 2 LOOP
			v_report := build_report(jsonb_build_object('client', v_client, 'from', v_month, 'to', (v_month + interval '1 month - 1 day')::date), jsonb_build_object('issued_on', v_month + 28, 'title', 'M' || v_month));
			PERFORM transition(v_report, 'sent');
			CONTINUE WHEN extract(month FROM v_month) = 12;
			PERFORM transition(v_report, 'agreed');
			v_invoice := issue_invoice(v_report, jsonb_build_object('issued_on', v_month + 29));
			PERFORM issue_act(v_invoice, jsonb_build_object('issued_on', v_month + 29));
			PERFORM credit(v_invoice, NULL, 'помилка', v_month + 40, 'waive') WHERE extract(month FROM v_month) = 6;
		END LOOP;
		PERFORM transition(draft_document('{"kind": "contract", "party": 2, "contract": "К-2", "requirements": "Умови", "issued_on": "2025-01-02"}'), 'sent');
		PERFORM transition(draft_document('{"kind": "proposal", "party": 4, "issued_on": "2025-01-02", "lines": [{"title": "Idea", "price": "5"}]}'), 'sent');
	END $$});

# every page that was issued, by its document: bytes as the server sends them
sub pages
{
	my ($database) = @_;
	return { map { /^(\d+)\|(\w+)\|(.*)$/ ? ($1 => [ $2, pack 'H*', $3 ]) : () } split /\n/, sql($database, q{
		SELECT i.document_id, encode(i.digest, 'hex'), encode(convert_to(issued_html(i.document_id), 'UTF8'), 'hex') FROM issued_page i ORDER BY 1}) };
}

my $year = pages('origin');
my %kinds = map { split /\|/ } split /\n/, sql('origin', 'SELECT kind, count(*) FROM document GROUP BY 1');
is(scalar keys %$year, 36 + 33 + 33 + 3 + 2, 'a year of paper');
is($kinds{invoice}, 33, 'invoices among it, three a month');
is(join(' ', grep { sha256_hex($year->{$_}[1]) ne $year->{$_}[0] } sort keys %$year), '', 'each page has its digest');
is(scalar(grep { $_->[1] =~ /Агенція|Agency LLC/ } map { [ $_->[0], do { my $t = $_->[1]; utf8::decode($t); $t } ] } values %$year), scalar keys %$year, 'and names us');

# all of it becomes something else, work that may change with it
sql('origin', q{
	UPDATE party SET name = 'New ' || id, legal_name = 'New ' || id, tax_id = '9', email = 'new@new.example', requisites = '{"language": "en", "iban": "GB00", "address": "New", "signatory": "New"}';
	UPDATE brand SET name = 'New', logo = 'data:image/jpeg;base64,/9j/AAAA', accent = '#000000', ink = '#111111', footer = 'New';
	UPDATE page_label SET label = 'new ' || label;
	UPDATE template SET body = 'new {{heading}}' ;
	INSERT INTO template (own_id, kind, language, body) SELECT 1, k, l, 'own {{heading}}' FROM unnest('{report,invoice,act}'::text[]) k, unnest('{uk,ru,en}'::text[]) l;
	UPDATE project SET name = 'New ' || id; UPDATE task SET number = 'N' || id, title = 'New ' || id, url = 'https://new.example/' || id; UPDATE contract SET number = 'NEW-' || id;
	UPDATE employee SET name = 'New';
	UPDATE setting SET zone = 'Pacific/Auckland';
	SELECT payment_id FROM record_payment('{"amount": "50", "cash_account": "bank", "party": 2, "paid_on": "2025-12-30"}');
	SELECT extend_due(max(id), '2027-01-01', 'asked') FROM document WHERE kind = 'invoice' AND status = 'sent';
	SELECT void(max(id), 'wrong') FROM document WHERE kind = 'report' AND status = 'sent'});
is_deeply(pages('origin'), $year, 'renamed: no byte differs');

my $dir = PostgreSQL::Test::Utils::tempdir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/books", 'origin' ], 'dumped');
$node->safe_psql('postgres', 'CREATE DATABASE again');
$node->command_ok([ 'pg_restore', '-e', '-d', 'again', "$dir/books" ], 'and restored without one error');
is_deeply(pages('again'), $year, 'no byte differs');
is(sql('again', q{UPDATE brand SET logo = NULL, name = 'Newer'; SELECT string_agg(rule, ', ') FROM check_books()}), '', 'the books are whole');
is_deeply(pages('again'), $year, 'nor after another change');
unlike(sql('again', q{SELECT string_agg(document_json(id)::text, ' ') FROM document WHERE issued_at IS NOT NULL}), qr/New Ltd|"New \d"/, 'nor do the words of what was issued, as JSON');
done_testing();
