#!/usr/bin/perl
# TAP: the relay of the process tests does what its head says. Run from the top folder.
use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

my $relay = ($ENV{AFTERSYNC_BUILD} // 'build/release') . '/relay';
my $dir = tempdir(CLEANUP => 1);
my $control = "$dir/control";

# The other side: says back what it hears, on a port below 32768.
my ($echo, $port);
for ($port = 12000 + $$ % 15000; !$echo && $port < 32000; $port++) {
	$echo = IO::Socket::INET->new(Listen => 8, LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1);
}
my $target = $echo->sockport;
my $echo_pid = fork // die;
if (!$echo_pid) {
	my $all = IO::Select->new($echo);
	while (1) {
		for my $s ($all->can_read) {
			if ($s == $echo) {
				$all->add(scalar $echo->accept);
			} elsif (sysread $s, my $text, 65536) {
				syswrite $s, $text;
			} else {
				$all->remove($s);
				close $s;
			}
		}
	}
}
close $echo;
my $listen = $target + 1;
$listen++ until IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $listen, ReuseAddr => 1);
my $relay_pid = open(my $out, '-|', $relay, $listen, "127.0.0.1:$target", '--control', $control, '--record', "$dir/bytes")
	// die "$relay: $!";
my $ready = <$out> // '';
END { kill 'KILL', grep { $_ } $echo_pid, $relay_pid }

sub dial { return IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listen) }

# What comes within so many seconds; undef: nothing, '': the end
sub hear
{
	my ($s, $seconds, $n) = @_;
	my $got;
	my $end = time + $seconds;
	while (time < $end && length($got // '') < ($n // 1)) {
		next if !IO::Select->new($s)->can_read($end - time);
		my $done = sysread $s, my $text, 65536;
		return $got // '' if !$done;
		$got .= $text;
	}
	return $got;
}

sub order { my $answer = `$relay --send $control @_`; return $answer }

is($ready, "relay: ready\n", 'it says when it listens');
my $one = dial();
syswrite $one, 'there and back';
is(hear($one, 5), 'there and back', 'bytes go both ways');
like(order('stat'), qr/^state=open connections=1 accepted=1 up=14 down=14$/, 'stat');

order('hole');
syswrite $one, 'frozen';
my $two = dial();
ok($two, 'hole: it accepts');
syswrite $two, 'silence';
is(hear($one, 0.1), undef, 'hole: what was connected freezes');
is(hear($two, 0.1), undef, 'hole: what is new hears nothing');
order('heal');
is(hear($one, 5), 'frozen', 'heal: it goes on');
is(hear($two, 5), 'silence', 'heal: the new one too');

order('cut');
is(hear($one, 5), '', 'cut: connections end');
ok(!dial(), 'cut: none is made');
like(order('stat'), qr/^state=cut connections=0 /, 'cut: stat');
order('heal');
$one = dial();
syswrite $one, 'again';
is(hear($one, 5), 'again', 'heal: as before');

order('delay', 60);
my $began = time;
syswrite $one, 'late';
is(hear($one, 5), 'late', 'delay: it arrives');
my $took = time - $began;
ok($took >= 0.119 && $took < 3, "delay: twice 60 ms later ($took s)");
order('delay', 0);

order('rate', 100000);
$began = time;
syswrite $one, 'x' x 30000;
is(length hear($one, 10, 30000), 30000, 'rate: everything arrives');
$took = time - $began;
ok($took >= 0.25 && $took < 3, "rate: 30,000 bytes at 100,000 a second ($took s)");
order('rate', 0);

shutdown $one, 1;
is(hear($one, 5), '', 'the end of one side is passed on');
is(order('no', 'such'), "unknown: no such\n", 'unknown words are said');
for my $end ('up', 'down') {
	open my $in, '<', "$dir/bytes.$end" or die $!;
	local $/;
	my $all = <$in>;
	is(substr($all, 0, 40), 'there and backfrozensilenceagainlatexxxx', "recorded: $end");
}
is(order('quit'), "ok\n", 'quit');
close $out;
$relay_pid = 0;
is($? >> 8, 0, 'it ends');
is(system("$relay 1 192.0.2.1:2 2>/dev/null") >> 8, 64, 'loopback only');
done_testing();
