# One session with the server, through psql, and what a statement took: CPU
# time and peak of memory of its backend, as Linux counts them.  CPU time does
# not grow when other processes take their share, so it can be compared.
package Fuzz::Session;
use strict;
use warnings;
use IO::Select;
use IPC::Open3;
use Time::HiRes qw(time);

my $marker = '-- end of answer --';

# Open a session; statements are cancelled after so many milliseconds.
sub new
{
	my ($class, $timeout_ms, $setup) = @_;
	my $self = bless { timeout_ms => $timeout_ms, setup => $setup // '' }, $class;
	$self->open;
	return $self;
}

sub open
{
	my ($self) = @_;
	my $pid = open3(my $in, my $out, undef, qw(psql -X -q -A -t));
	binmode $in, ':utf8';
	@$self{qw(psql in out buffer)} = ($pid, $in, $out, '');
	$in->autoflush(1);
	my $answer = $self->send("\\set VERBOSITY verbose\n\\pset pager off\nSET jit = off; SET timezone = 'UTC';"
		  . " SET statement_timeout = $self->{timeout_ms}; SELECT 'pid', pg_backend_pid()");
	($self->{backend}) = $answer->{text} =~ /pid\|(\d+)/ or die "no session: $answer->{text}\n";
	$answer = $self->send($self->{setup}) if $self->{setup};
	die "the session could not be set up: $answer->{text}\n" if $answer->{state};
	return;
}

sub close
{
	my ($self) = @_;
	close $self->{in};
	close $self->{out};
	waitpid $self->{psql}, 0;
	return;
}

sub reopen
{
	my ($self) = @_;
	$self->close;
	$self->open;
	return;
}

# Send statements and read the answer: its text, the state of the first error,
# and whether the session was lost or hangs past its timeout.
sub send
{
	my ($self, $statement) = @_;
	my $answer = { lost => 0, hangs => 0 };
	my $began = time;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } "$statement\n;\n\\echo $marker\n";
	my $end;
	while (($end = index $self->{buffer}, "$marker\n") < 0)
	{
		# input from elsewhere may wait long for a processor, so this is generous
		my $left = $began + $self->{timeout_ms} / 1000 + 60 - time;
		if ($left <= 0 || !IO::Select->new($self->{out})->can_read($left))
		{
			$answer->{hangs} = 1;
			last;
		}
		if (!sysread $self->{out}, $self->{buffer}, 65536, length $self->{buffer})
		{
			$answer->{lost} = 1;
			last;
		}
	}
	$answer->{text} = $end < 0 ? $self->{buffer} : substr $self->{buffer}, 0, $end;
	$self->{buffer} = $end < 0 ? '' : substr $self->{buffer}, $end + length("$marker\n");
	$answer->{lost} = 1 if $answer->{text} =~ /connection to server was lost|server closed the connection/;
	($answer->{state}) = $answer->{text} =~ /^(?:psql:\S* )?(?:ERROR|FATAL|PANIC): +([0-9A-Z]{5}):/m;
	$answer->{state} //= '';
	return $answer;
}

# The same, measured: cpu in seconds, memory in MB above what the session had.
sub measure
{
	my ($self, $statement) = @_;
	my $cpu = $self->cpu;
	if (CORE::open my $file, '>', "/proc/$self->{backend}/clear_refs") { print $file 5; CORE::close $file }
	my $memory = $self->status('VmRSS');
	my $answer = $self->send($statement);
	if (!$answer->{lost})
	{
		$answer->{cpu} = $self->cpu - $cpu;
		$answer->{memory} = ($self->status('VmHWM') - $memory) / 1024;
	}
	return $answer;
}

sub cpu
{
	my ($self) = @_;
	CORE::open my $file, '<', "/proc/$self->{backend}/schedstat" or return 0;
	return (split ' ', <$file>)[0] / 1e9;
}

sub status
{
	my ($self, $key) = @_;
	CORE::open my $file, '<', "/proc/$self->{backend}/status" or return 0;
	while (<$file>) { return $1 if /^$key:\s+(\d+)/ }
	return 0;
}

1;
