#!/usr/bin/perl
# TAP: personal data is nowhere in the clear: not in any file of a node, not in a log line, an answer, an export, not on
# the line, not in the opened events, and no core file is left. BUG=seal in the environment: programs that do not seal are
# under test, and it must be found. Run from the top folder.
use strict;
use warnings;
use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::Bin;
use MIME::Base64 qw(encode_base64);
use Rig;
use Test::More;

my $planted = $build =~ /bugseal/;
my @canaries;
my @letters = ('A' .. 'Z', 'a' .. 'z', '0' .. '9');
# a text of so many bytes that occurs nowhere else
sub canary
{
	my ($n) = @_;
	my $text = join '', map { $letters[rand @letters] } 1 .. ($n // 28);
	push @canaries, $text;
	return $text;
}

my $port = free_port();
my $hq = make_hq('hq', $port);
my $relay_port = relay('relay', $port, '--record', "$tmp/line");
my $branch = make_branch('BJ01', $hq, $relay_port);
mkdir "$tmp/cores";
$build = $Rig::build = abs_path($build);
my $cores = "ulimit -c unlimited; cd $tmp/cores";
ok(start($hq, before => $cores), 'head office starts');
ok(start($branch, before => $cores), 'the branch starts');

# ---- events with secrets in every field that may hold them; every third line is refused --------------------------------
my $when = '"occurred_at":"2026-11-23T09:30:00+08:00","actor":1001';
my @lines;
for my $n (1 .. 40) {
	my $person = sprintf '"name":"%s","address":"%s","symptom_text":"It fell: %s %s","invoice_no":"%s","unlock_code":"%s"',
		canary(), canary(40), canary(), canary(), canary(32), canary(24);
	my @order = lines('BJ01', $n, 1, "$person,\"phone\":\"13800138000\",\"imei\":\"490154203237518\"");
	splice @order, 6, 0, "{\"kind\":\"REPAIR_REOPENED\",$when,\"case\":\"BJ01-$n\",\"facts\":{},\"reason\":\"" . canary()
		. '"}', @order[4, 5] if $n % 4 == 0;
	push @lines, @order;
	my $text = 'x' x (rand 900) . canary();
	push @lines, "{\"kind\":\"COMPLAINT_RECEIVED\",$when,\"case\":\"C$n\",\"facts\":{\"type\":\"COMPLAINT\",\"channel\":\"PHONE\","
		. "\"category\":\"DELAY\",\"severity\":\"ORDINARY\"},\"personal\":{\"name\":\"" . canary() . "\",\"text\":\"$text\"}}";
	push @lines, "{\"kind\":\"COMPLAINT_ACKED\",$when,\"case\":\"C$n\",\"facts\":{\"via\":\"PHONE\"}}",
		"{\"kind\":\"COMPLAINT_ASSIGNED\",$when,\"case\":\"C$n\",\"facts\":{\"handler\":9}}";
	# refused: a wrong code, a wrong phone, a state that does not allow it, an unknown field
	push @lines, "{\"kind\":\"REPAIR_RECEIVED\",$when,\"facts\":{\"model\":\"A\",\"channel\":\"NO\"},\"personal\":{\"name\":\""
		. canary() . '"}}';
	push @lines, "{\"kind\":\"COMPLAINT_RECEIVED\",$when,\"facts\":{\"type\":\"COMPLAINT\",\"channel\":\"PHONE\",\"category\":"
		. "\"DELAY\",\"severity\":\"ORDINARY\"},\"personal\":{\"text\":\"ok\",\"phone\":\"" . canary() . '"}}';
	push @lines, "{\"kind\":\"QC_CHECKED\",$when,\"case\":\"BJ01-$n\",\"facts\":{\"pass\":false,\"checker\":7},\"personal\":"
		. "{\"fail_reason\":\"" . canary() . '"}}';
	push @lines, "{\"kind\":\"COMPLAINT_REPLIED\",$when,\"case\":\"C$n\",\"facts\":{\"final\":false,\"via\":\"PHONE\"},"
		. "\"personal\":{\"text\":\"" . canary() . '","texxt":"' . canary() . '"}}';
	push @lines, "{\"kind\":\"COMPLAINT_REPLIED\",$when,\"case\":\"C$n\",\"facts\":{\"final\":false,\"via\":\"PHONE\"},"
		. "\"personal\":{\"text\":\"" . canary(60) . '"}}' if $n % 2;
	# too large, too long for its field, not JSON
	push @lines, '{"personal":{"text":"' . canary() . '"' if $n % 10 == 0;
	push @lines, "{\"kind\":\"COMPLAINT_REPLIED\",$when,\"case\":\"C$n\",\"facts\":{\"final\":false,\"via\":\"PHONE\"},"
		. "\"personal\":{\"text\":\"" . canary() x 80 . '"}}' if $n % 10 == 1;
}
my $half = int(@lines / 2);
my ($code, @answers) = submit($branch, @lines[0 .. $half - 1]);
my ($code2, @more) = submit($branch, @lines[$half .. $#lines]);
push @answers, @more;
my $recorded = grep { defined $_->{index} } @answers;
is(scalar @answers, scalar @lines, 'every line is answered');
my %why;
$why{"$_->{error} (" . ($_->{field} // '') . ")"}++ for grep { defined $_->{error} } @answers;
print "# $why{$_} times: $_\n" for sort keys %why;
cmp_ok($recorded, '>=', 40 * 9, "$recorded lines are recorded");
cmp_ok(@answers - $recorded, '>=', 40 * 3, @answers - $recorded . ' lines are refused');
# a line that was recorded comes once more with another person
my $id = $answers[0]{event_id};
my $again = $lines[0] =~ s/^\{/{"event_id":"$id",/r =~ s/"name":"[^"]*"/'"name":"' . canary() . '"'/er;
($code, my $answer) = submit($branch, $again);
ok(defined $answer->{error}, 'the same id with another person is refused') if !$planted;
ok(in_sync($branch, $hq, 'BJ01'), 'in sync');

# ---- what the programs say ------------------------------------------------------------------------------------------------
open my $said, '>', "$tmp/said" or die;
print $said map { JSON::PP::encode_json($_) . "\n" } @answers, $answer;
for my $dir ($branch, $hq) {
	for my $ask (['log', 'export'], ['log', 'list'], ['status'], ['show', 'BJ01-1'], ['show', 'C1'], ['verify'],
		['report', 'complaints', '--period', 'all'], ['why', 'BJ01']) {
		my ($code, $out, $err) = run(@$ask, '--dir', $dir);
		print $said $out, $err;
	}
}
close $said;
ok(-s "$tmp/said" > 10000, 'answers and exports were taken');
for my $dir ($branch, $hq) {
	my ($out) = (run('log', 'export', '--dir', $dir))[1];
	ok($out =~ /COMPLAINT_REPLIED/ && $out =~ /REPAIR_REOPENED/, 'the export has the events');
}

# ---- no core ----------------------------------------------------------------------------------------------------------------
for my $dir ($branch, $hq) {
	my $limit = slurp('/proc/' . Rig::daemon_pid($dir) . '/limits');
	like($limit, qr/^Max core file size\s+0\s+0\s/m, 'no core file may be written') if $limit ne '';
	is(stop($dir, 'ABRT'), 128 + 6, 'ended by SIGABRT');
}
is(join(' ', glob "$tmp/cores/*"), '', 'no core file');

# ---- the search ---------------------------------------------------------------------------------------------------------------
open my $list, '>', "$tmp/list" or die;
print $list "$_\n" for @canaries;
close $list;
my @where = ($hq, $branch, "$tmp/hq.log", "$tmp/BJ01.log", "$tmp/relay.log", "$tmp/said", "$tmp/line.up", "$tmp/line.down",
	"$tmp/cores");
($code, my $out) = run('find_canary', "$tmp/list", @where, '--events', $branch, '--events', $hq);
my ($last) = $out =~ /^(.*: \d+ hits)$/m;
print '# ', $last // $out, "\n";
like($last // '', qr/ and (?:[4-9]\d\d|\d{4,}) events:/, 'the events were looked at');
if ($planted) {
	is($code, 1, 'programs that do not seal are found out');
	like($out, qr/^event .*, raw, /m, 'in the events');
} else {
	is($code, 0, 'nothing is found') or diag($out);
}
ok(-s "$tmp/line.up" > 10000, 'the line was recorded');

# ---- would it be found? Each form, at each alignment -----------------------------------------------------------------------------
my $one = $canaries[0];
my %forms = (raw => $one, hex => unpack('H*', $one), HEX => uc unpack('H*', $one), 'UTF-16LE' => pack('v*', unpack 'C*', $one),
	'UTF-16BE' => pack('n*', unpack 'C*', $one));
for my $skip (0 .. 2) {
	$forms{"base64+$skip"} = encode_base64('?' x $skip . "$one!?", '');
}
$canaries[1] = "\xff\xfe" . substr($canaries[1], 2); # one with characters in which the alphabets differ
open $list, '>', "$tmp/two" or die;
print $list "$one\n\xff\xfe\xff\xfe$one\n";
close $list;
for my $skip (0 .. 2) {
	$forms{"base64url+$skip"} = encode_base64('?' x $skip . "\xff\xfe\xff\xfe$one!", '') =~ tr{+/}{-_}r;
}
for my $form (sort keys %forms) {
	open my $f, '>', "$tmp/planted" or die;
	print $f "\0" x 4093, $forms{$form}, 'behind it';
	close $f;
	my ($code, $out) = run('find_canary', "$tmp/two", "$tmp/planted");
	ok($code == 1 && $out =~ /, \Q$form\E, /, "found when it is there: $form") or diag($out);
}
done_testing();
