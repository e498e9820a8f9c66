#!/usr/bin/perl
# TAP: full disks. What was accepted is safe and arrives, what is not recorded is said, receipts still find their place,
# reports go on, and all of it passes when there is space. By store.limit for everybody; on a small tmpfs of its own for
# root. Run from the top folder.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib $FindBin::Bin;
use Rig;
use Test::More;
use Time::HiRes qw(sleep time);

# A mount namespace of our own, when that is allowed.
my $private = $ENV{FULL_PRIVATE};
if (!defined $private && $> == 0) {
	$ENV{FULL_PRIVATE} = 1;
	exec 'unshare', '-m', '--propagation', 'private', $^X, $0 if system('unshare -m true 2>/dev/null') == 0;
}

my $serial = 0;
my $text = 'x' x 1900; # sealed, it does not compress
# complaints with a long text each, so that a store fills soon
sub complaints
{
	my ($n) = @_;
	my @lines;
	for (1 .. $n) {
		my $id = sprintf '00000000-0000-4000-8000-%012x', ++$serial;
		push @lines, "{\"event_id\":\"$id\",\"kind\":\"COMPLAINT_RECEIVED\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\","
			. "\"actor\":1001,\"facts\":{\"type\":\"COMPLAINT\",\"channel\":\"PHONE\",\"category\":\"DELAY\",\"severity\":"
			. "\"ORDINARY\"},\"personal\":{\"text\":\"$text\"}}";
	}
	return @lines;
}

my %accepted; # event id => 1
# Submits until not even one line is recorded; its error.
sub fill
{
	my ($dir) = @_;
	my $n = 60;
	for (1 .. 200) {
		my ($code, @answers) = submit($dir, complaints($n));
		my @no = grep { defined $_->{error} } @answers;
		$accepted{$_->{event_id}} = 1 for grep { defined $_->{index} } @answers;
		return $no[0]{error} if @no && $n == 1;
		$n = int($n / 4) || 1 if @no;
	}
	return 'never full';
}

sub one_more
{
	my ($dir) = @_;
	my ($code, $answer) = submit($dir, complaints(1));
	$accepted{$answer->{event_id}} = 1 if defined $answer->{index};
	return $answer->{error} // 'recorded';
}

# Every accepted event, once, and nothing else
sub all_there
{
	my ($hq, $name) = @_;
	my ($code, $out) = run('log', 'export', '--dir', $hq);
	my (%seen, $twice);
	for ($out =~ /"event_id":"([^"]*)","kind":"COMPLAINT_RECEIVED"/g) {
		$twice = 1 if $seen{$_}++;
	}
	my $missing = grep { !$seen{$_} } keys %accepted;
	ok($code == 0 && !$twice && $missing == 0 && keys %seen == keys %accepted,
		"$name: all " . keys(%accepted) . ' accepted events are at head office, once') or diag("missing $missing");
}

my $full = qr/^NOT recorded: store full \(\d+ of \d+ MiB\)\.$/;

sub hup
{
	my ($dir, $text) = @_;
	conf($dir, $text);
	kill 'HUP', Rig::daemon_pid($dir);
}

# ---- by store.limit: the branch ----------------------------------------------------------------------------------------------
my $port = free_port();
my $hq = make_hq('hq', $port);
my $relay_port = relay('relay', $port);
my $branch = make_branch('BJ01', $hq, $relay_port);
my $hq_conf = slurp("$hq/aftersync.conf");
my $link = "[link]\nendpoint = tcp://127.0.0.1:$relay_port\n[store]\npreallocate = 1 MiB\n";
conf($branch, "${link}limit = 3 MiB\n");
ok(start($hq) && start($branch), 'they start');
is(one_more($branch), 'recorded', 'it records');
ok(in_sync($branch, $hq, 'BJ01'), 'in sync');
relay_send('relay', 'hole');
like(fill($branch), $full, 'branch: the store is full, and it is said');
like(one_more($branch), $full, 'once more');
cmp_ok(status($branch, 'BJ01')->{acked}, '<', status($branch, 'BJ01')->{head}, 'nothing is receipted: the line is dead');
my ($code, $out) = run('report', 'complaints', '--period', 'all', '--dir', $branch);
is($code, 0, 'reports go on');
relay_send('relay', 'heal');
relay_send('relay', 'cut');
relay_send('relay', 'heal');
ok(in_sync($branch, $hq, 'BJ01', 60), 'a full branch sends what it has, and stores the receipts');
all_there($hq, 'full branch');
like(one_more($branch), $full, 'it is still full');
is(stop($branch), 0, 'it ends');
ok(start($branch), 'it starts when full');
like(one_more($branch), $full, 'and says so again');
relay_send('relay', 'hole');
is(stop($branch), 0, 'it ends');
ok(start($branch), 'it starts without a line, when its log cannot go on and there is no space to open one');
my $next = $serial;
$serial = 0;
my (undef, @first) = submit($branch, complaints(2));
$serial = $next;
ok(@first == 2 && defined $first[0]{index} && defined $first[1]{index}, 'what was recorded before is answered as before');
like(one_more($branch), $full, 'anything else is not recorded');
relay_send('relay', 'heal');
relay_send('relay', 'cut');
relay_send('relay', 'heal');
ok(in_sync($branch, $hq, 'BJ01', 60), 'in sync');
hup($branch, "${link}limit = 8 MiB\n");
ok(eventually(10, sub { one_more($branch) eq 'recorded' }), 'with a higher limit it records again');
ok(in_sync($branch, $hq, 'BJ01', 60), 'in sync');
all_there($hq, 'space again');

# ---- by store.limit: head office -----------------------------------------------------------------------------------------------
hup($hq, "${hq_conf}[store]\npreallocate = 1 MiB\nlimit = 4 MiB\n");
fill($branch);
ok(eventually(20, sub { log_of($hq) =~ /what=store-full/ }), 'head office: the store is full');
my $row;
ok(eventually(20, sub { ($row = status($branch, 'BJ01'))->{state} =~ /^(paused|catching-up|stalled)$/ }),
	"the branch waits: $row->{state} ($row->{reason})");
cmp_ok($row->{acked}, '<', $row->{head}, 'and keeps what is not receipted');
($code, $out) = run('report', 'complaints', '--period', 'all', '--dir', $hq);
is($code, 0, 'reports go on at head office');
($code, $out) = run('verify', '--dir', $hq);
is($code, 0, 'verify too');
hup($hq, "${hq_conf}[store]\npreallocate = 1 MiB\nlimit = 64 MiB\n");
# key changes that found no space are sent again when nothing was answered for three minutes, or at the next contact
ok(!$ENV{FULL_LONG} ? stop($hq) == 0 && start($hq) : 1, 'the next contact, unless FULL_LONG is set');
ok(in_sync($branch, $hq, 'BJ01', $ENV{FULL_LONG} ? 300 : 60), 'with a higher limit it goes on by itself');
all_there($hq, 'head office was full');
($code, $out) = run('verify', '--dir', $branch);
is($code, 0, 'verify finds nothing at the branch');
is(stop($branch), 0, 'the branch ends');
is(stop($hq), 0, 'head office ends');

# ---- on a real file system -------------------------------------------------------------------------------------------------------
SKIP: {
	skip 'no right to mount', 1 if !$private;
	mkdir "$tmp/small";
	skip 'no right to mount', 1 if system("mount -t tmpfs -o size=6m,mode=0700 tmpfs $tmp/small 2>/dev/null") != 0;
	%accepted = ();
	my $port = free_port();
	my $hq = make_hq('hq2', $port);
	my $small = make_branch('SH03', $hq, $port, "$tmp/small/SH03");
	conf($small, "[link]\nendpoint = tcp://127.0.0.1:$port\n[store]\npreallocate = 1 MiB\n");
	ok(start($hq), 'tmpfs: head office starts');
	ok(start($small), 'tmpfs: the branch starts');
	ok(eventually(20, sub { status($hq, 'SH03')->{state} eq 'in-sync' }), 'tmpfs: joined');
	like(fill($small), $full, 'tmpfs: full, and it is said');
	ok(in_sync($small, $hq, 'SH03', 60), 'tmpfs: everything accepted arrives, receipts are stored');
	all_there($hq, 'tmpfs');
	# others take the last byte
	is(stop($hq), 0, 'tmpfs: head office ends');
	system("dd if=/dev/zero of=$tmp/small/others bs=4096 2>/dev/null");
	like(one_more($small), $full, 'tmpfs: nothing is left');
	is(stop($small), 0, 'tmpfs: it ends on a full disk');
	my $started = start($small);
	my $said = log_of($small);
	ok($started || $said =~ /^aftersync-branchd: [^\n]*(space|full)[^\n]*$/m, 'tmpfs: it starts on a full disk, or says why not')
		or diag($said);
	print '# ', $started ? "it started\n" : "it said why not\n";
	if ($started) {
		like(one_more($small), $full, 'tmpfs: still full');
		ok(start($hq), 'tmpfs: head office starts');
		is(stop($small), 0, 'tmpfs: it ends'); # a back-off that has grown begins anew
		$started = start($small);
		ok(in_sync($small, $hq, 'SH03', 60), 'tmpfs: in sync');
	}
	unlink "$tmp/small/others";
	system("mount -o remount,size=16m $tmp/small") == 0 or die;
	$started ||= start($small);
	ok(eventually(10, sub { one_more($small) eq 'recorded' }), 'tmpfs: with space it records again');
	ok(in_sync($small, $hq, 'SH03', 60), 'tmpfs: in sync');
	all_there($hq, 'tmpfs with space');
	is((run('verify', '--dir', $small))[0], 0, 'tmpfs: verify finds nothing');
	is(stop($small), 0, 'tmpfs: the branch ends');

	# head office without space
	is(stop($hq), 0, 'tmpfs: head office ends');
	system("umount $tmp/small") == 0 or die;
	system("mount -t tmpfs -o size=8m,mode=0700 tmpfs $tmp/small") == 0 or die;
	%accepted = ();
	$port = free_port();
	$hq = make_hq('hq3', $port, "$tmp/small/hq3");
	conf($hq, "[store]\npreallocate = 1 MiB\n", '>>');
	my $branch = make_branch('CD04', $hq, $port);
	ok(start($hq) && start($branch), 'tmpfs: they start');
	ok(in_sync($branch, $hq, 'CD04'), 'tmpfs: in sync');
	system("dd if=/dev/zero of=$tmp/small/others bs=4096 count=1100 2>/dev/null");
	for (1 .. 40) {
		my ($code, @answers) = submit($branch, complaints(60));
		$accepted{$_->{event_id}} = 1 for grep { defined $_->{index} } @answers;
	}
	ok(eventually(30, sub { log_of($hq) =~ /what=store-full/ }), 'tmpfs: head office is full');
	ok(eventually(20, sub { ($row = status($branch, 'CD04'))->{state} =~ /^(paused|catching-up|stalled)$/ }),
		"tmpfs: the branch waits: $row->{state} ($row->{reason})");
	is((run('report', 'complaints', '--period', 'all', '--dir', $hq))[0], 0, 'tmpfs: reports go on');
	is(stop($hq), 0, 'tmpfs: it ends when full');
	ok(start($hq), 'tmpfs: it starts when full') or diag(log_of($hq));
	unlink "$tmp/small/others";
	system("mount -o remount,size=64m $tmp/small") == 0 or die;
	ok(in_sync($branch, $hq, 'CD04', 60), 'tmpfs: with space it goes on by itself');
	all_there($hq, 'tmpfs head office');
	is(stop($branch), 0, 'tmpfs: the branch ends');
	is(stop($hq), 0, 'tmpfs: head office ends');
	is((run('verify', '--dir', $hq))[0], 0, 'tmpfs: verify finds nothing');
	system("umount $tmp/small");
}
done_testing();
