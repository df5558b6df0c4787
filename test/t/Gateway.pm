# A stand-in for the gateway: PostgREST's transactions, settings and statuses.
package Gateway;

use strict;
use warnings;
use Encode qw(decode);
use IO::Socket::INET;
use JSON::PP;
use POSIX ();

# Calls go to the books in SCHEMA on NODE as role authenticator, which becomes the role of each.
sub new
{
	my ($class, $node, $schema) = @_;
	return bless { node => $node, schema => $schema }, $class;
}

# The HTTP status that PostgREST gives a SQLSTATE.
sub http_status
{
	my ($state, $role) = @_;
	my %exact = (23503 => 409, 23505 => 409, 25006 => 405, '21000' => 500, 53400 => 500, '57P01' => 503, 'P0001' => 400, 42883 => 404, '42P01' => 404,
		'42P17' => 500, 42501 => $role eq 'a_guest' ? 401 : 403);
	my %class = ('08' => 503, '09' => 500, '0L' => 403, '0P' => 403, 25 => 500, 28 => 403, '2D' => 500, 38 => 500, 39 => 500, '3B' => 500, 40 => 500,
		53 => 503, 54 => 500, 55 => 500, 57 => 500, 58 => 500, F0 => 500, HV => 500, P0 => 500, XX => 500);
	return $exact{$state} // $class{ substr $state, 0, 2 } // 400;
}

sub quoted
{
	my ($text) = @_;
	$text =~ s/'/''/g;
	return "'$text'";
}

# Call a function as a gateway does: GET in a read-only transaction, POST in one
# that may write where the function is volatile; arguments as one JSON document.
sub request
{
	my ($self, $role, $method, $function, $argument, %header) = @_;
	my ($node, $schema) = @$self{qw(node schema)};
	my $volatile = $node->safe_psql('postgres',
		"SELECT count(*) FROM pg_proc WHERE pronamespace = '$schema'::regnamespace AND proname = '$function' AND provolatile = 'v'");
	my $types = $node->safe_psql('postgres', qq{
		SELECT string_agg(format('%I %s', p.proargnames[i], p.proargtypes[i - 1]::regtype), ', ')
		  FROM pg_proc p, generate_series(1, p.pronargs) i
		 WHERE p.pronamespace = '$schema'::regnamespace AND p.proname = '$function' AND p.proargnames[i] <> ''});
	my $json = JSON::PP->new->ascii->canonical->allow_nonref;
	my $body = quoted($json->encode($argument));
	my $call =
		$types eq ''
		? "SELECT * FROM $schema.$function($body)"
		: sprintf('SELECT x.* FROM json_to_record(%s) AS a (%s), %s.%s(%s) AS x', $body,
			join(', ', grep { /^"?(\w+)/ && exists $argument->{$1} } split /, /, $types),
			$schema, $function, join(', ', map { "$_ => a.$_" } sort keys %$argument));
	my $mode = $method eq 'GET' || $volatile eq '0' ? 'READ ONLY' : 'READ WRITE';
	my ($status, $out, $err) = $node->psql('postgres', <<"END", extra_params => [ '-U', 'authenticator' ], on_error_stop => 1);
\\set VERBOSITY verbose
BEGIN ISOLATION LEVEL READ COMMITTED $mode;
SELECT set_config('search_path', '$schema, public', true), set_config('role', '$role', true), set_config('request.jwt.claims', '{"role":"$role"}', true),
       set_config('request.method', '$method', true), set_config('request.path', '/rpc/$function', true),
       set_config('request.headers', @{[ quoted($json->encode(\%header)) ]}, true) \\g /dev/null
$call;
\\echo ==
SELECT current_setting('response.status', true), current_setting('response.headers', true);
COMMIT;
END
	return { status => http_status($1, $role), state => $1, error => $err } if $err =~ /ERROR:  (\w{5}): /;
	my ($content, $answer) = $out =~ /^(.*?)\n?==\n(.*)$/s;
	my ($code, $headers) = split /\|/, $answer, 2;
	return { status => $code || 200, content => $content, headers => $headers };
}

# The fields of a query or a form, as text.
sub fields
{
	my ($query) = @_;
	my %field;
	for my $pair (split /&/, $query // '')
	{
		my ($name, $value) = map { my $text = $_ // ''; $text =~ tr/+/ /; $text =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; decode('UTF-8', $text) }
			(split /=/, $pair, 2)[0, 1];
		$field{$name} = $value;
	}
	return \%field;
}

# Answer one connection: GET and POST of /rpc/FUNCTION, forms and JSON, as ROLE.
sub answer
{
	my ($self, $client, $role) = @_;
	my ($head, $body) = ('', '');
	while ($head !~ /\r\n\r\n/)
	{
		sysread($client, $head, 65536, length $head) or return;
	}
	($head, $body) = split /\r\n\r\n/, $head, 2;
	my ($length) = $head =~ /^content-length: (\d+)/mi;
	while (length $body < ($length // 0))
	{
		sysread($client, $body, 65536, length $body) or return;
	}
	my ($method, $function, $query) = $head =~ m{^(GET|POST) /rpc/(\w+)(?:\?(\S*))? HTTP};
	my %header = map { lc $_->[0] => $_->[1] } map { [ /^([\w-]+): (.*?)\r?$/ ] } grep { /^[\w-]+: / } split /\n/, $head;
	my $given = ($method // '') ne 'POST' ? fields($query) : ($header{'content-type'} // '') =~ /json/ ? JSON::PP->new->utf8->decode($body) : fields($body);
	my $answer = $function ? $self->request($role, $method, $function, $given, %header) : { status => 404, content => '' };
	my $content = $answer->{content} // $answer->{error};
	my %more = map { %$_ } @{ JSON::PP->new->utf8->decode($answer->{headers} || '[]') };
	print $client "HTTP/1.1 $answer->{status} -\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " . length($content) . "\r\nConnection: close\r\n"
		. join('', map { "$_: $more{$_}\r\n" } sort keys %more) . "\r\n" . $content;
}

# Serve the functions that ROLE may call, in a process of its own; returns its id and where it listens.
sub serve
{
	my ($self, $role) = @_;
	my $socket = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1', Proto => 'tcp') or die "no socket: $!";
	my $pid = fork // die "no process: $!";
	if (!$pid)
	{
		$SIG{PIPE} = 'IGNORE';
		while (my $client = $socket->accept)
		{
			eval { $self->answer($client, $role); 1 } or print STDERR "gateway: $@";
			close $client;
		}
		POSIX::_exit(0);
	}
	return ($pid, 'http://127.0.0.1:' . $socket->sockport);
}

1;
