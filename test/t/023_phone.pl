# A client on his phone: from the link that a manager sends to the signature and
# the payment, in headless Chromium, by forms that go through a gateway.
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Browser;
use Gateway;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'chromium is not installed' unless Browser::installed();

my $node = PostgreSQL::Test::Cluster->new('books');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\nautovacuum = off\njit = off");
$node->start;
my $path = 'SET search_path = acme, acme_internal, finance, public; SET client_min_messages = warning;';

sub sql
{
	my ($statement) = @_;
	utf8::encode($statement);
	my $answer = $node->safe_psql('postgres', "$path $statement");
	utf8::decode($answer);
	return $answer;
}

$node->safe_psql('postgres', "CREATE EXTENSION finance; SELECT finance.create_books('acme')");
# tasks of two projects with their links, one of them a bug, which is on the report and costs nothing
sql(q{
	CREATE ROLE authenticator LOGIN NOINHERIT; CREATE ROLE a_guest; GRANT a_guest TO authenticator; SELECT grant_access('a_guest', 'guest');
	INSERT INTO party (kind, name, requisites) VALUES ('own', 'Агентство', '{"language": "ru"}'), ('company', 'Клиент', '{"language": "ru"}');
	INSERT INTO brand (own_id, name) VALUES (1, 'Агентство');
	INSERT INTO employee (name) VALUES ('Разработчик'); INSERT INTO price_list (code, name, currency, is_default) VALUES ('w', 'Работы', 'BYN', true);
	INSERT INTO exchange_rate (base, quote, valid_from, rate) VALUES ('EUR', 'BYN', '2026-01-01', 3.5);
	INSERT INTO price (price_list_id, price) VALUES (1, 60); INSERT INTO cash_account (name, currency) VALUES ('bank', 'BYN');
	INSERT INTO project (client_id, name) VALUES (2, 'Сайт'), (2, 'CRM');
	INSERT INTO contract (client_id, own_id, number, currency, starts_on) VALUES (2, 1, 'К-1', 'BYN', '2026-01-01');
	INSERT INTO task (project_id, number, title, url, work_type_id) SELECT t.p, t.n, t.t, 'https://plan.example/' || t.n, w.id
	  FROM (VALUES (1, '11', 'Корзина', 'development'), (1, '12', 'Неверная сумма', 'bug'), (2, '13', 'Выгрузка', 'development')) t (p, n, t, w) JOIN work_type w ON w.code = t.w ORDER BY t.n;
	INSERT INTO time_entry (employee_id, task_id, work_date, duration_s) VALUES (1, 1, '2026-03-03', 7200), (1, 2, '2026-03-04', 3600), (1, 3, '2026-03-02', 5400), (1, 1, '2026-04-02', 3600);});
my $report = sql(q{SELECT build_report('{"client": 2, "period": "2026-03"}', '{"issued_on": "2026-04-01"}')});
my $token = sql("SELECT send($report)");
my $april = sql(q{SELECT build_report('{"client": 2, "period": "2026-04"}', '{"issued_on": "2026-05-01"}')});
sql("SELECT transition($april, 'sent')");
my $all = sql('SELECT share_client(2)');

my ($server, $address) = Gateway->new($node, 'acme')->serve('a_guest');
my $phone = eval { Browser->new(PostgreSQL::Test::Utils::tempdir_short() . '/profile') };
my $wrong = $@;
END { $? ||= 0; my $status = $?; kill 'KILL', $server if $server; $phone->close_browser if $phone; $? = $status; }
ok($phone, 'the browser starts') or BAIL_OUT($wrong);

# The page fits the phone and complains of nothing.
sub looks
{
	my ($what) = @_;
	cmp_ok($phone->value('document.documentElement.scrollWidth'), '<=', 390, "$what is no wider than a phone");
	is(join('; ', $phone->complaints), '', 'nothing of it is refused');
	$phone->picture("$ENV{PHONE_PICTURES}/$what.png") if $ENV{PHONE_PICTURES};
}

sub said { return $phone->value("(document.querySelector('.said') || {}).textContent") }
sub text { return $phone->value('document.body.innerText') }
sub forms { return $phone->value("Array.from(document.forms, function (f) { return f.id; }).join(' ')") }

# the link: a branded page with all work, the sum, links to the tasks
$phone->open("$address/rpc/shared_page?token=$token");
looks('link');
my $text = text();
like($text, qr/Отчёт о выполненных работах.*Агентство.*Клиент/s, 'the report');
like($text, qr/13 Выгрузка.*11 Корзина.*12 Неверная сумма.*без оплаты/s, 'with every task, in order of time within its project, the bug among them');
like($text, qr/210,00\sбел\.\sруб\./, 'and the sum of three and a half hours of 60');
is($phone->value("document.querySelectorAll('a[href^=\"https://plan.example/\"]').length"), 3, 'and links to the tasks');
is(forms(), 'agree sign reject', 'and the ways to answer');

# it is not sent back without a reason; the browser itself asks for one
$phone->tap('form#reject button') if $phone->value("document.querySelector('form#reject').closest('details').open = true");
is(sql("SELECT status FROM document WHERE id = $report"), 'sent', 'no without a reason is no answer');

# agreed, then signed: a name that is typed, and a finger
$phone->turn(sub { $phone->tap('form#agree button') });
looks('agreed');
is(said(), 'Спасибо, согласовано.', 'the client agrees');
is(sql("SELECT status FROM document WHERE id = $report"), 'agreed', 'the report is agreed');
is(forms(), 'sign', 'and may be signed');
$phone->tap('.answer summary');
is($phone->becomes("document.querySelector('details').open", 1), 1, 'the form opens');
is($phone->value("document.querySelector('.pad').hidden"), JSON::PP::false, 'there is a place to draw');
$phone->draw('canvas', [ .1, .5 ], [ .2, .2 ], [ .3, .8 ]);
my $drawn = "(function () { var c = document.querySelector('canvas'), n = 0; c.getContext('2d').getImageData(0, 0, c.width, c.height).data.forEach(function (v, i) { if (i % 4 === 3 && v) n++; }); return n; })()";
cmp_ok($phone->value($drawn), '>', 500, 'a finger draws');
$phone->tap('.pad button');
is($phone->becomes($drawn, 0), 0, 'and clears it');
$phone->draw('canvas', [ .1, .6 ], [ .25, .2 ], [ .4, .8 ], [ .55, .3 ], [ .7, .7 ], [ .9, .4 ]);
$phone->type('input[name=signer]', 'Марія О’Ніл');
is($phone->value("document.querySelector('input[name=signer]').value"), 'Марія О’Ніл', 'the name is typed');
looks('drawn');
$phone->turn(sub { $phone->tap('form#sign button.yes') });
looks('signed');
is(said(), 'Спасибо, подписано.', 'the client signs');
is(forms(), '', 'nothing is asked any more');
is(sql("SELECT concat_ws('|', status, sign_status, sign_by, signature_type, substr(signature, 1, 8) = '\\x89504e470d0a1a0a', octet_length(signature) BETWEEN 500 AND 60000) FROM document WHERE id = $report"),
	'agreed|signed|Марія О’Ніл|image/png|t|t', 'what was drawn is kept with the document');
cmp_ok($phone->value("(document.querySelector('img[src^=\"data:image/png\"]') || {}).naturalWidth"), '==', 900, 'and shown on it');
like(text(), qr/Подписано: .*Марія О’Ніл/s, 'with the name');

# the same again by the way back of a browser: refused, and said
$phone->turn(sub { $phone->value(qq{(function () { document.body.innerHTML += '<form id="again" method="post" action="answer_page"><input name="token" value="$token"><input name="decision" value="signed"><input name="signer" value="x"></form>'; document.forms.again.submit(); })()}) });
is(said(), 'Этот документ не ждёт такого ответа.', 'nothing is signed twice');

# invoiced and paid: the link goes on to say so, its work is in no other report
my $invoice = sql(qq{SELECT issue_invoice($report, '{"issued_on": "2026-04-02"}')});
sql(qq{SELECT payment_id FROM record_payment('{"amount": "210", "cash_account": "bank", "party": "Клиент", "paid_on": "2026-04-10"}')});
is(sql("SELECT status FROM document WHERE id = $report"), 'paid', 'the report is paid with its invoice');
is(sql(q{SELECT count(*) FROM preview_report('{"client": 2, "to": "2026-03-31"}')}), '0', 'and its tasks are in no other report');
$phone->open("$address/rpc/shared_page?token=$token");
looks('paid');
like(text(), qr/^Оплачен/m, 'the page says that it is paid');

# the cabinet: what waits, and from there a document, answered where no script runs
$phone->call('Emulation.setScriptExecutionDisabled', { value => JSON::PP::true });
$phone->open("$address/rpc/shared_page?token=$all");
looks('cabinet');
like(text(), qr/Ждёт вас.*Нужен ваш ответ.*Прежние документы/si, 'the cabinet says what waits');
$phone->turn(sub { $phone->tap('a[href*="document=' . $april . '"]') });
looks('april');
is($phone->value("document.querySelector('.pad').hidden"), JSON::PP::true, 'without scripts there is nothing to draw on');
$phone->tap('.answer summary');
is($phone->becomes("document.querySelector('details').open", 1), 1, 'the form opens');
$phone->type('input[name=signer]', 'Анна');
$phone->turn(sub { $phone->tap('form#sign button.yes') });
is(said(), 'Спасибо, подписано.', 'a name that is typed is enough');
is(sql("SELECT concat_ws('|', status, sign_by, signature IS NULL) FROM document WHERE id = $april"), 'agreed|Анна|t', 'and agrees to what waited');
$phone->turn(sub { $phone->tap('.back a') });
like(text(), qr/Ничего не ждёт/, 'then nothing waits');

# a link that is over
sql("SELECT revoke_share($report)");
$phone->open("$address/rpc/shared_page?token=$token");
is(join('; ', $phone->complaints), 'Failed to load resource: the server responded with a status of 404 (-)', 'a link that is over is not found');
like(text(), qr/Эта ссылка больше не действительна|This link is not valid/, 'a link that is over says so');
is(sql('SELECT count(*) FROM check_books()'), '0', 'the books are whole');
done_testing();
