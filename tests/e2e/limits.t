#!/usr/bin/perl
# TAP: tables of the daemons that are full, or larger than usual: nothing is half done, and who asked is told. Run from the
# top folder.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Rig;
use Test::More;

my $port = free_port();
my $hq = make_hq('hq', $port);
my $branch = make_branch('BJ01', $hq, $port);

# ---- a branch with more logs than a run adds ---------------------------------------------------------------------------------
my $logs = 1300;
is((run('many_logs', $branch, $logs))[0], 0, "a branch of $logs incarnations");
ok(start($branch), 'it starts');
like(log_of($branch), qr/what=many-logs count=$logs /, 'and says that they are many');
my ($code, $answer) = submit($branch, lines('BJ01', 1, 1));
ok(defined $answer->{index}, 'it records without a line');
ok(start($hq) && in_sync($branch, $hq, 'BJ01', 120), 'head office gets all of them');
cmp_ok(status($hq, 'BJ01')->{head}, '>=', $logs + 1, 'each');
is(stop($branch), 0, 'it ends');
($code, my $out) = run('hq', 'enrol', 'BJ01', '--replace', '--dir', $hq);
is($code, 0, 'another server for it');
my $other = "$tmp/BJ01-2";
is((run('branch', 'join', (split /\n/, $out)[-1], '--dir', $other))[0], 0, 'joins');
ok(start($other) && in_sync($other, $hq, 'BJ01', 120), 'and gets them all back');
($code, my $here) = run('log', 'export', '--dir', $other);
($code, my $there) = run('log', 'export', '--dir', $hq);
my @kept = grep { /BJ01-1"/ } split /\n/, $here;
is(scalar(@kept), scalar(grep { /BJ01-1"/ } split /\n/, $there), 'with what was recorded');
cmp_ok(scalar(@kept), '>', 0, 'which is something');
is((run('show', 'BJ01-1', '--dir', $other))[0], 0, 'and can be read');
is(stop($other), 0, 'it ends');

# ---- head office: more branches and join codes than its tables had places for at its start ------------------------------------
is(stop($hq), 0, 'head office ends');
ok(start($hq), 'and starts');
my ($n, $error) = (0);
for my $i (1 .. 2500) {
	my ($line, $end) = ask($hq, {cmd => 'hq-enrol', branch => sprintf('N%04d', $i)});
	defined $line->{join_code} ? $n++ : ($error //= ($end // $line)->{error} // 'nothing');
}
is($n, 2500, '2,500 branches are enrolled without a restart') or diag($error);
my ($all) = ask($hq, {cmd => 'status'});
is($all->{totals}{branches}, 2501, 'and known');
unlike(log_of($hq), qr/table-full|a table is full/, 'no table is full');
($code, $out) = run('hq', 'enrol', 'SH03', '--dir', $hq);
is($code, 0, 'one more');
my $late = "$tmp/SH03";
is((run('branch', 'join', (split /\n/, $out)[-1], '--dir', $late))[0], 0, 'joins');
ok(start($late) && in_sync($late, $hq, 'SH03', 120), 'and is served');
cmp_ok(status($hq, 'BJ01')->{head}, '>=', $logs + 1, 'what was known before is known still');
done_testing();
