# A phone: headless Chromium, driven by its own protocol over a pipe.
package Browser;

use strict;
use warnings;
no warnings 'exec';
use JSON::PP;
use POSIX ();
use Time::HiRes qw(time);

# The browser that is installed, if any.
sub installed
{
	for my $name (qw(chromium chromium-browser google-chrome))
	{
		for my $folder (split /:/, $ENV{PATH})
		{
			return "$folder/$name" if -x "$folder/$name";
		}
	}
	return;
}

# Start it with its files in PROFILE and open a page as wide as a phone.
sub new
{
	my ($class, $profile) = @_;
	my $self = bless { buffer => '', next => 1, events => [] }, $class;
	pipe(my $theirs, my $ours) or die "no pipe: $!";
	pipe(my $out, my $in) or die "no pipe: $!";
	$self->{pid} = fork // die "no process: $!";
	if (!$self->{pid})
	{
		setpgrp;
		# 3 and 4 by number, past whatever holds them
		my ($read, $write) = (POSIX::dup2(fileno $theirs, 20), POSIX::dup2(fileno $in, 21));
		POSIX::dup2(20, 3);
		POSIX::dup2(21, 4);
		open STDOUT, '>', "$profile.log";
		open STDERR, '>&', \*STDOUT;
		exec installed(), qw(--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage --disable-background-networking
			--disable-component-update --disable-sync --hide-scrollbars --remote-debugging-pipe), "--user-data-dir=$profile", 'about:blank';
		POSIX::_exit(127);
	}
	close $theirs;
	close $in;
	@$self{qw(to from)} = ($ours, $out);
	$ours->autoflush(1);
	my $target = $self->call('Target.createTarget', { url => 'about:blank' })->{targetId};
	$self->{session} = $self->call('Target.attachToTarget', { targetId => $target, flatten => JSON::PP::true })->{sessionId};
	$self->call($_) for qw(Page.enable Runtime.enable Log.enable);
	$self->call('Emulation.setDeviceMetricsOverride', { width => 390, height => 844, deviceScaleFactor => 2, mobile => JSON::PP::true });
	$self->call('Emulation.setTouchEmulationEnabled', { enabled => JSON::PP::true, maxTouchPoints => 1 });
	return $self;
}

# The next message of the browser, within 30 seconds.
sub message
{
	my ($self) = @_;
	my $until = time + 30;
	while ($self->{buffer} !~ /\0/)
	{
		my $ready = '';
		vec($ready, fileno $self->{from}, 1) = 1;
		die "the browser says nothing to $self->{said}\n" if time > $until || !select($ready, undef, undef, 30);
		sysread($self->{from}, $self->{buffer}, 1 << 20, length $self->{buffer}) or die "the browser is gone\n";
	}
	$self->{buffer} =~ s/^([^\0]*)\0//;
	return JSON::PP->new->utf8->decode($1);
}

sub call
{
	my ($self, $method, $argument) = @_;
	my $id = $self->{next}++;
	my $text = JSON::PP->new->utf8->encode({ id => $id, method => $method, params => $argument // {}, $self->{session} ? (sessionId => $self->{session}) : () });
	$self->{said} = $text;
	syswrite($self->{to}, "$text\0") == length($text) + 1 or die "the browser takes nothing\n";
	while (1)
	{
		my $message = $self->message;
		push @{ $self->{events} }, $message if $message->{method};
		next unless ($message->{id} // 0) == $id;
		die "$method: $message->{error}{message}\n" if $message->{error};
		return $message->{result};
	}
}

# What an expression is on the page.
sub value
{
	my ($self, $expression) = @_;
	my $result = $self->call('Runtime.evaluate', { expression => $expression, returnByValue => JSON::PP::true });
	die "$expression: $result->{exceptionDetails}{exception}{description}\n" if $result->{exceptionDetails};
	return $result->{result}{value};
}

# Wait until an expression is something: what a tap does is done after it.
sub becomes
{
	my ($self, $expression, $what) = @_;
	my $until = time + 10;
	my $value;
	while (($value = $self->value($expression)) ne $what && time < $until)
	{
		select undef, undef, undef, .05;
	}
	return $value;
}

# Do what opens another page and wait until it is there.
sub turn
{
	my ($self, $do) = @_;
	$self->{events} = [];
	$do->();
	my $until = time + 30;
	until (grep { $_->{method} eq 'Page.loadEventFired' } @{ $self->{events} })
	{
		die "the page does not come\n" if time > $until;
		my $message = $self->message;
		push @{ $self->{events} }, $message if $message->{method};
	}
}

sub open
{
	my ($self, $url) = @_;
	$self->turn(sub { $self->call('Page.navigate', { url => $url }) });
}

sub touch
{
	my ($self, $type, @points) = @_;
	$self->call('Input.dispatchTouchEvent', { type => $type, touchPoints => [ map { { x => $_->[0], y => $_->[1] } } @points ] });
}

# Where something is, scrolled to: left, top, width, height.
sub box
{
	my ($self, $what) = @_;
	$self->value("document.querySelector('$what').scrollIntoView({block: 'center'})");
	select undef, undef, undef, .2;	# until it is drawn there
	return @{ $self->value("(function () { var r = document.querySelector('$what').getClientRects()[0]; return [r.left, r.top, r.width, r.height]; })()") };
}

sub tap
{
	my ($self, $what) = @_;
	my ($left, $top, $width, $height) = $self->box($what);
	# the browser keeps a tap of its emulated finger back until the next one, and a click not
	$self->call('Input.dispatchMouseEvent', { type => $_, x => $left + $width / 2, y => $top + $height / 2, button => 'left', clickCount => 1 })
		for qw(mousePressed mouseReleased);
}

sub type
{
	my ($self, $what, $text) = @_;
	$self->tap($what);
	$self->becomes("document.activeElement === document.querySelector('$what')", 1);
	$self->call('Input.insertText', { text => $text });
}

# Draw with a finger over something: points are parts of its width and height.
sub draw
{
	my ($self, $what, @points) = @_;
	my ($left, $top, $width, $height) = $self->box($what);
	my @at = map { [ $left + $_->[0] * $width, $top + $_->[1] * $height ] } @points;
	$self->touch('touchStart', shift @at);
	$self->touch('touchMove', $_) for @at;
	$self->touch('touchEnd');
}

# What the page complains of: whatever its policy refused, errors of its script.
sub complaints
{
	my ($self) = @_;
	return map { $_->{params}{entry}{text} // $_->{params}{exceptionDetails}{text} } grep { $_->{method} eq 'Runtime.exceptionThrown' || $_->{method} eq 'Log.entryAdded' && $_->{params}{entry}{level} eq 'error' } @{ $self->{events} };
}

sub picture
{
	my ($self, $file) = @_;
	require MIME::Base64;
	CORE::open(my $out, '>:raw', $file) or die "$file: $!";
	print $out MIME::Base64::decode_base64($self->call('Page.captureScreenshot', { captureBeyondViewport => JSON::PP::true })->{data});
	close $out;
}

sub close_browser
{
	my ($self) = @_;
	kill 'KILL', -$self->{pid};
	waitpid $self->{pid}, 0;
}

1;
