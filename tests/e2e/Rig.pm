# Running programs for the tests of this folder: nodes made and joined, daemons started and ended, requests to them.
# Every wait is bounded; what was started is killed at the end.
package Rig;
use strict;
use warnings;
use Cwd qw(getcwd);
use Exporter 'import';
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP;
use POSIX ':sys_wait_h';
use Time::HiRes qw(sleep time);

our @EXPORT = qw($build $tmp run slurp free_port relay relay_send make_hq make_branch start stop gone lines submit status
	eventually in_sync ask conf log_of);

our $build = $ENV{AFTERSYNC_BUILD} || 'build/release';
# in memory where there is room: a sync costs nothing there
our $tmp = tempdir('aftersync-XXXXXX', DIR => $ENV{TMPDIR} || (-w '/dev/shm' ? '/dev/shm' : '/tmp'), CLEANUP => 1);
my $top = getcwd();
my %pid;	 # what runs, by name
my $owner = $$;
my $slow = $build =~ /san-/ ? 6 : 1; # times that waits may take longer

$ENV{TSAN_OPTIONS} //= "suppressions=$top/tests/lib/tsan.supp";
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = $SIG{INT} = sub { exit 1 };

END {
	if ($$ == $owner) {
		my $code = $?;
		kill 'KILL', values %pid;
		waitpid $_, 0 for values %pid;
		$? = $code;
	}
}

sub slurp { local (@ARGV, $/) = ($_[0]); return -e $_[0] ? <> // '' : '' }

sub spawn
{
	my ($out, $err, @argv) = @_;
	my $pid = fork // die "fork: $!";
	return $pid if $pid;
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', $out // '/dev/null';
	open STDERR, '>>', $err // '/dev/null';
	exec @argv or POSIX::_exit(127);
}

# Ends within so many seconds, or is killed: exit code, 128 + n after signal n, undef when it had to be killed.
sub ends
{
	my ($pid, $seconds) = @_;
	my $end = time + $seconds * $slow;
	while (waitpid($pid, WNOHANG) != $pid) {
		if (time > $end) {
			kill 'KILL', $pid;
			waitpid $pid, 0;
			return undef;
		}
		sleep 0.005;
	}
	return $? & 127 ? 128 + ($? & 127) : $? >> 8;
}

# run ARGUMENT…: the command line (or a program with a slash): exit code, standard output, standard error
sub run
{
	my @argv = @_;
	$argv[0] = "$build/$argv[0]" if $argv[0] =~ m{^(flip|find_canary|relay|load|many_logs)$};
	unshift @argv, "$build/aftersync" if $argv[0] !~ m{/};
	unlink "$tmp/.err";
	my $code = ends(spawn("$tmp/.out", "$tmp/.err", @argv), 60);
	return ($code // 'killed after 60 s', slurp("$tmp/.out"), slurp("$tmp/.err"));
}

sub must
{
	my ($code, $out, $err) = run(@_);
	die "@_: exit $code: $err" if $code;
	return $out;
}

# Below 32768, where the kernel takes none by itself.
my $port = 12000 + $$ * 131 % 19000;
sub free_port
{
	for (1 .. 19000) {
		$port = $port < 31000 ? $port + 1 : 12000;
		return $port if IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', LocalPort => $port, ReuseAddr => 1);
	}
	die 'no port';
}

sub relay
{
	my ($name, $to, @options) = @_;
	my $listen = free_port();
	$pid{$name} = spawn(undef, "$tmp/$name.log", "$build/relay", $listen, "127.0.0.1:$to", '--control', "$tmp/$name.ctl",
		@options);
	eventually(10, sub { relay_send($name, 'stat') =~ /state/ }) or die 'the relay does not listen';
	return $listen;
}

sub relay_send
{
	my ($name, @words) = @_;
	return (run('relay', '--send', "$tmp/$name.ctl", @words))[1];
}

sub conf
{
	my ($dir, $text, $mode) = @_;
	open my $f, $mode // '>', "$dir/aftersync.conf" or die "$dir: $!";
	print $f $text;
	close $f;
}

# make_hq NAME PORT [DIR]: its directory
sub make_hq
{
	my ($name, $at, $dir) = @_;
	$dir //= "$tmp/$name";
	must('hq', 'init', '--dir', $dir, '--listen', "tcp://127.0.0.1:$at");
	return $dir;
}

# make_branch CODE HQ PORT [DIR]: enrolled at the directory HQ and joined, reaching head office at PORT
sub make_branch
{
	my ($code, $hq, $at, $dir) = @_;
	$dir //= "$tmp/$code";
	my $out = must('hq', 'enrol', $code, '--dir', $hq);
	must('branch', 'join', (split /\n/, $out)[-1], '--dir', $dir);
	conf($dir, "[link]\nendpoint = tcp://127.0.0.1:$at\n");
	return $dir;
}

sub log_of { return slurp("$tmp/" . ($_[0] =~ s{.*/}{}r) . '.log') }

# Starts the daemon of a directory and waits until it answers; false: it ended.
sub start
{
	my ($dir, %opts) = @_;
	my $what = -e "$dir/keys/identity" ? 'aftersync-branchd' : 'aftersync-hqd';
	my $log = "$tmp/" . ($dir =~ s{.*/}{}r) . '.log';
	my @argv = ("$build/$what", '--dir', $dir);
	@argv = ('/bin/sh', '-c', "$opts{before}; exec \"\$0\" \"\$@\"", @argv) if $opts{before};
	$pid{$dir} = spawn(undef, $log, @argv);
	my $ended;
	eventually(30, sub {
		return 1 if connected($dir);
		return 0 if waitpid($pid{$dir}, WNOHANG) != $pid{$dir};
		return $ended = 1;
	});
	delete $pid{$dir} if $ended;
	$? >>= 8 if $ended;
	return !$ended;
}

# Ends it: its exit code.
sub stop
{
	my ($dir, $signal) = @_;
	my $p = delete $pid{$dir} // die "$dir does not run";
	kill $signal // 'TERM', $p;
	return ends($p, 30) // 'killed';
}

sub daemon_pid { return $pid{$_[0]} }

# It has ended by itself: its exit code within so many seconds, else undef.
sub gone
{
	my ($dir, $seconds) = @_;
	my ($p, $code) = ($pid{$dir});
	eventually($seconds, sub { waitpid($p, WNOHANG) == $p and defined($code = $? & 127 ? 128 + ($? & 127) : $? >> 8) });
	delete $pid{$dir} if defined $code;
	return $code;
}

sub eventually
{
	my ($seconds, $what) = @_;
	my $end = time + $seconds * $slow;
	while (1) {
		return 1 if $what->();
		return 0 if time > $end;
		sleep 0.02;
	}
}

sub connected
{
	my ($dir) = @_;
	return IO::Socket::UNIX->new(Peer => "$dir/run/control.sock");
}

# ask DIR REQUEST: the answers of a daemon and the closing one
sub ask
{
	my ($dir, $request) = @_;
	my $s = connected($dir) or return;
	print $s encode_json($request), "\n";
	$s->flush;
	my @lines;
	local $SIG{ALRM} = sub { die "no answer to " . encode_json($request) };
	alarm 60 * $slow;
	while (my $line = <$s>) {
		push @lines, decode_json($line);
	}
	alarm 0;
	return @lines;
}

# status DIR CODE: the row of a branch
sub status
{
	my ($dir, $code) = @_;
	my ($o) = ask($dir, {cmd => 'status'});
	for my $row (@{($o // {})->{branches} // []}) {
		return $row if $row->{branch} eq $code;
	}
	return {state => '', head => 0, acked => 0, reason => ''};
}

# in_sync BRANCHDIR HQDIR CODE [SECONDS]: both say so, with the same head
sub in_sync
{
	my ($dir, $hq, $code, $seconds) = @_;
	my ($here, $there);
	return 1 if eventually($seconds // 30, sub {
		($here, $there) = (status($dir, $code), status($hq, $code));
		return $here->{state} eq 'in-sync' && $there->{state} eq 'in-sync' && $here->{head} == $there->{head};
	});
	print "# $code here: $here->{state} ($here->{reason}) $here->{head}/$here->{acked}; ",
		"at head office: $there->{state} ($there->{reason}) $there->{head}/$there->{acked}\n";
	return 0;
}

my @steps = (
	['REPAIR_RECEIVED', '{"model":"A100","channel":"WALK_IN","promised_at":"2026-11-25T18:00:00+08:00",'
		. '"symptom":["H03","A02"],"appearance":["SCRATCH"],"accessories":[]}'],
	['REPAIR_INSPECTED', '{"cause":"SCREEN","warranty":"IN_WARRANTY"}'],
	['REPAIR_ASSIGNED', '{"technician":2001}'],
	['REPAIR_STARTED', '{"technician":2001}'],
	['REPAIR_DONE', '{"outcome":"FIXED","resolution":["PART"],"technician":2001}'],
	['QC_CHECKED', '{"pass":true,"checker":2002}'],
	['CUSTOMER_NOTIFIED', '{"via":"PHONE","reached":true}'],
	['REPAIR_DELIVERED', '{"tested_with_customer":true,"taken_by":"OWNER"}'],
);

# lines CODE FIRST N: the events of N repair orders from receipt to delivery, as lines to submit
sub lines
{
	my ($code, $first, $n, $personal) = @_;
	my @lines;
	for my $order ($first .. $first + $n - 1) {
		my $person = $personal // "\"name\":\"Customer $order\",\"phone\":\"13800138000\",\"imei\":\"490154203237518\"";
		for my $i (0 .. $#steps) {
			push @lines, "{\"kind\":\"$steps[$i][0]\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1001,"
				. "\"case\":\"$code-$order\",\"facts\":$steps[$i][1]" . ($i ? '' : ",\"personal\":{$person}") . '}';
		}
	}
	return @lines;
}

# submit DIR LINE…: exit code and answers, decoded
sub submit
{
	my ($dir, @lines) = @_;
	open my $f, '>', "$tmp/.lines" or die;
	print $f "$_\n" for @lines;
	close $f;
	my ($code, $out, $err) = run('submit', '--dir', $dir, "$tmp/.lines");
	print "# submit: $err" if $err ne '';
	return ($code, map { decode_json($_) } split /\n/, $out);
}

1;
