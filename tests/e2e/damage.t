#!/usr/bin/perl
# TAP: a flipped bit anywhere in the database is named by `verify`, and a damaged block comes back from the other side.
# Run from the top folder.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Rig;
use Test::More;

my $port = free_port();
my $hq = make_hq('hq', $port);
my $branch = make_branch('BJ01', $hq, $port);
ok(start($hq), 'head office starts');
ok(start($branch), 'the branch starts');
# several commits, and an event that is flagged nowhere: orders, complaints left open
for my $n (1 .. 4) {
	my ($code) = submit($branch, lines('BJ01', $n * 3, 3));
	is($code, 0, "submit $n");
}
# and one that stays open: only such a one is in the balances
my ($open) = submit($branch, (lines('BJ01', 90, 1))[0 .. 1]);
is($open, 0, 'submit an order that stays open');
ok(in_sync($branch, $hq, 'BJ01'), 'in sync');
is(stop($branch), 0, 'the branch ends');
is(stop($hq), 0, 'head office ends');

my $name;
my ($code, $out, $err) = run('verify', '--dir', $branch);
is($code, 0, 'verify finds nothing at the branch') or diag($out, $err);
($code, $out, $err) = run('verify', '--dir', $hq);
is($code, 0, 'verify finds nothing at head office') or diag($out, $err);

# One damaged bit at a time in a fresh copy. The row is called in the same way by both programs.
sub damage
{
	my ($dir, @what) = @_;
	my $copy = "$tmp/copy";
	system('rm', '-rf', $copy);
	system('cp', '-a', '--sparse=always', $dir, $copy) == 0 or die;
	my ($found, $name) = run('flip', $copy, @what);
	return if $found == 1;
	die "flip @what" if $found;
	chomp $name;
	my ($code, $out, $err) = run('verify', '--dir', $copy);
	my $where = $dir eq $hq ? 'head office' : 'branch';
	$out =~ s/\s+/ /g; # lines are wrapped
	ok($code == 1 && index($out . $err, $name) >= 0, "$where: @what: exit 1, named: $name")
		or diag("exit $code: $out$err");
	return 1;
}

my %tables = (
	$branch => [qw(self meta log block case cell receipt keychange ring event-id label balance)],
	$hq => [qw(self log block case cell keychange ring balance)],
);
for my $dir ($branch, $hq) {
	for my $table (@{$tables{$dir}}) {
		ok(damage($dir, $table), "there is a $table") if $table ne 'meta';
		damage($dir, $table) if $table eq 'meta';
		damage($dir, $table, 0, 0);
		damage($dir, $table, -1);
	}
	damage($dir, 'block', 1, 70); # in the signed header
}

# The running programs read again what is stored, and get it back from the other side.
sub flipped
{
	my ($dir, @what) = @_;
	my ($code, $name) = run('flip', $dir, @what);
	chomp $name;
	die "flip @what" if $code;
	return $name;
}

sub healed
{
	my ($dir, $other, $name) = @_;
	my $where = $dir eq $hq ? 'head office' : 'branch';
	ok(start($dir), "$where starts with a damaged $name");
	ok(start($other), 'the other one starts');
	ok(eventually(30, sub { log_of($dir) =~ /a damaged block was fetched back/ }), 'it is fetched back')
		or diag(log_of($dir));
	ok(in_sync($branch, $hq, 'BJ01'), 'in sync');
	my ($code, $out, $err);
	eventually(30, sub { ($code, $out, $err) = run('verify', '--dir', $dir); $code == 0 });
	is($code, 0, 'verify finds nothing in the end') or diag($out, $err);
	unlike(log_of($dir), qr/continuations|log-opened.*live.2/, 'no fork was made of it');
	is(stop($branch), 0, 'the branch ends');
	is(stop($hq), 0, 'head office ends');
	unlink "$tmp/hq.log", "$tmp/BJ01.log";
}
unlink "$tmp/hq.log", "$tmp/BJ01.log";
healed($hq, $branch, flipped($hq, 'block', 1));
healed($hq, $branch, flipped($hq, 'block', 0));
healed($branch, $hq, flipped($branch, 'block', 0));
healed($branch, $hq, flipped($branch, 'block', 'hq/all 1 at 0'));
$name = flipped($branch, 'block', 'hq/all 1 at 3') . ' and ' . flipped($branch, 'block', -1);
healed($branch, $hq, $name);

# What is known of a block, and not the block: the block itself says it, and no line is needed.
unlink "$tmp/hq.log", "$tmp/BJ01.log";
for my $byte (1, 10, 45, 50, 60) {
	$name = flipped($branch, 'block', -1, $byte);
	($code, $out, $err) = run('verify', '--dir', $branch);
	ok($code == 1, "byte $byte of $name: verify names it");
	ok(start($branch), 'the branch starts without a line');
	ok(eventually(30, sub { log_of($branch) =~ /what=block-mended/ }), 'and mends it') or diag(log_of($branch));
	is(stop($branch), 0, 'it ends');
	($code, $out, $err) = run('verify', '--dir', $branch);
	is($code, 0, 'verify finds nothing') or diag($out, $err);
	unlink "$tmp/BJ01.log";
}
ok(start($hq) && start($branch) && in_sync($branch, $hq, 'BJ01'), 'in sync');
# the block as well: fetched back, and no fork
is(stop($branch), 0, 'the branch ends');
is(stop($hq), 0, 'head office ends');
unlink "$tmp/hq.log", "$tmp/BJ01.log";
flipped($hq, 'block', 'BJ01 live', 10);
healed($hq, $branch, flipped($hq, 'block', 'BJ01 live', 200));

# Head office does not run on half of a roster: it would admit whom it has ended.
$name = flipped($hq, 'block', 'hq/all 1 at 0');
ok(!start($hq), 'head office does not start with its own log damaged');
is($?, 74, 'exit 74');
like(log_of($hq), qr/^aftersync-hqd: .*verify.*/m, 'it says what to do') or diag(log_of($hq));
($code, $out, $err) = run('verify', '--dir', $hq);
ok($code == 1 && index($out . $err, $name) >= 0, "verify names it: $name") or diag("$code $out $err");
done_testing();
