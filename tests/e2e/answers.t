#!/usr/bin/perl
# TAP: what the command line makes of a daemon's answers: a daemon of straw listens where the real one does. Tables are
# compared with tests/golden/out/cli-*.txt (GOLDEN_UPDATE=1 writes them again). Run from the top folder.
use strict;
use warnings;
use Cwd qw(getcwd);
use Encode qw(decode encode);
use File::Temp qw(tempdir);
use IO::Socket::UNIX;
use JSON::PP;
use POSIX qw(strftime);

my $build = $ENV{AFTERSYNC_BUILD} || 'build/release';
my $aftersync = getcwd() . "/$build/aftersync";
my $top = getcwd();
my $tmp = tempdir(CLEANUP => 1);
# longer than the path of a socket may be
my $dir = "$tmp/" . join('/', ('a rather long name of a folder') x 6);
system('mkdir', '-p', "$dir/run") == 0 or die;
delete @ENV{qw(LC_ALL LC_MESSAGES LANG)};

my ($n, $failed) = (0, 0);
sub result($$)
{
	my ($ok, $name) = @_;
	$n++;
	$failed++ if !$ok;
	print $ok ? '' : 'not ', "ok $n - $name\n";
}

# serve SUB: a daemon whose every connection is one call of the sub with the socket, until stop
my $daemon;
sub serve
{
	my ($what) = @_;
	chdir "$dir/run" or die;
	unlink 'control.sock';
	my $listen = IO::Socket::UNIX->new(Local => 'control.sock', Listen => 5) or die "listen: $!";
	chdir $top;
	$daemon = fork // die;
	if (!$daemon) {
		$SIG{PIPE} = 'IGNORE';
		while (my $s = $listen->accept) {
			$s->autoflush(1);
			$what->($s);
			close $s;
		}
		POSIX::_exit(0);
	}
}

sub stop
{
	kill 'TERM', $daemon;
	waitpid $daemon, 0;
}

# run ARGUMENT…: exit code, stdout, stderr; input from $in
my $in = '';
sub run
{
	open my $f, '>', "$tmp/in" or die;
	print $f $in;
	close $f;
	my @args = @_;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<', "$tmp/in";
		open STDOUT, '>', "$tmp/out";
		open STDERR, '>', "$tmp/err";
		exec $aftersync, @args;
	}
	local $SIG{ALRM} = sub { kill 'KILL', $pid };
	alarm 60;
	waitpid $pid, 0;
	my $code = $? & 127 ? "signal " . ($? & 127) : $? >> 8;
	alarm 0;
	return ($code, map { local (@ARGV, $/) = ("$tmp/$_"); <> // '' } qw(out err));
}

# answers LINE…: a daemon that reads one request, keeps it, says these lines
sub answers
{
	my @lines = @_;
	serve(sub {
		my ($s) = @_;
		my $request = <$s>;
		open my $f, '>', "$tmp/request";
		print $f $request;
		close $f;
		print $s "$_\n" for @lines;
	});
}

sub request { local (@ARGV, $/) = ("$tmp/request"); return decode_json(<>) }

# golden NAME TEXT WIDTH
sub golden
{
	my ($name, $text) = @_;
	my $path = "tests/golden/out/$name.txt";
	if ($ENV{GOLDEN_UPDATE}) {
		open my $f, '>', $path or die;
		print $f $text;
		close $f;
	}
	for (split /\n/, decode('UTF-8', my $bytes = $text)) { # Chinese characters are two columns wide
		my $width = length($_) + (() = /[\x{2e80}-\x{ffef}]/g);
		print STDERR "# $name: $width columns: ", encode('UTF-8', $_), "\n" if $width > 80;
		return 0 if $width > 80 || / $/;
	}
	my $want = -e $path ? do { local (@ARGV, $/) = ($path); <> } : '';
	print STDERR map { "# $_\n" } "$path:", split(/\n/, $want), 'but now:', split(/\n/, $text) if $want ne $text;
	return $want eq $text;
}

sub json { return JSON::PP->new->canonical->encode($_[0]) }

# ---- status ---------------------------------------------------------------------------------------------------
sub ago { return strftime('%Y-%m-%dT%H:%M:%S+00:00', gmtime(time - $_[0])) }
sub branch
{
	my ($code, $region, $state, $reason, $head, $acked, $applied, $seen, $more) = @_;
	return {branch => $code, name => "centre $code", region => $region, state => $state, reason => $reason, head => $head,
		acked => $acked, applied => $applied, lag_events => $head - $acked, lag_seconds => 0, last_seen => $seen,
		incarnation => 1, flagged => 0, refused => 0, version => '0.2.0', %{$more || {}}};
}
my @branches = (
	branch('BJ01', '华北', 'in-sync', '', 104233, 104233, 104233, ago(90)),
	branch('GZ02', '华南', 'stale', 'no link, or no whole message for 3 minutes', 98114, 97002, 97002, ago(5 * 3600 + 58 * 60 + 30)),
	branch('SHPUDONG', '华东', 'clone', 'two live copies of one identity: replace one with `hq enrol --replace`', 55120, 55119,
		55119, ago(90), {incarnation => 12, flagged => 3, refused => 1}),
	branch('TJ01', '华北', 'joining', 'enrolled, and never joined: its join code is to be used', 0, 0, 0, undef, {incarnation => 0}),
	branch('CD03', '西南', 'catching-up', 'sending what is not receipted yet', 2000000, 12, 12, ago(90)),
);
sub status
{
	my ($branches, %more) = @_;
	return json({node => 'Head office', role => 'hq', version => '0.2.0', instance => 1, branches => $branches,
		totals => {branches => scalar @$branches, in_sync => 1, events => 12345678, flagged => 3}, %more});
}
{
	answers(status(\@branches, state => 'serving'), '{"exit":0}');
	my ($code, $out, $err) = run('status', '--dir', $dir);
	result($code == 2 && $err eq '' && golden('cli-status', $out), 'status: worst first; a clone is critical');
	result(request()->{cmd} eq 'status', 'status: the request');
	($code, $out) = run('status', '--dir', $dir, '--lang', 'zh');
	result(golden('cli-status-zh', $out), 'status in Chinese');
	($code, $out) = run('status', '--dir', $dir, '-v', '--sort', 'branch', '--filter', '华');
	result($code == 2 && golden('cli-status-v', $out), 'status: legend, order, filter; what is hidden still counts');
	($code, $out) = run('status', '--dir', $dir, '-v', '--lang', 'zh', '--filter', 'BJ01');
	result($code == 2 && golden('cli-status-v-zh', $out), 'status: the legend in Chinese');
	($code, $out) = run('status', '--dir', $dir, '--format', 'json');
	my $j = decode_json($out);
	result(join(' ', map { $_->{branch} } @{$j->{branches}}) eq 'SHPUDONG GZ02 TJ01 CD03 BJ01' && $j->{totals}{events} == 12345678
		&& !defined $j->{branches}[2]{last_seen}, 'status as JSON');
	($code, $out) = run('status', '--dir', $dir, '--format', 'csv', '--filter', 'gz02');
	my @lines = split /\r\n/, $out;
	result(@lines == 2 && $lines[0] eq 'branch,name,region,state,reason,head,acked,applied,lag_events,lag_seconds,'
		. 'last_seen,incarnation,flagged,refused,version'
		&& $lines[1] =~ /^GZ02,centre GZ02,华南,stale,"no link, or no whole message for 3 minutes",98114,97002,97002,1112,0,/,
		'status as CSV');
	stop();
	for (['in-sync', 0], ['catching-up', 0], ['stale', 1], ['joining', 1], ['refused', 2], ['of-a-newer-daemon', 1]) {
		answers(status([branch('BJ01', '', $_->[0], '', 1, 1, 1, ago(1))]), '{"exit":0}');
		($code) = run('status', '--dir', $dir);
		result($code eq $_->[1], "status: $_->[0] => $_->[1]");
		stop();
	}
	answers(status([branch('BJ01', '', 'in-sync', '', 1, 1, 1, ago(1))], state => 'rolled-back'), '{"exit":0}');
	($code, $out) = run('status', '--dir', $dir);
	result($code == 2 && $out =~ /rolled-back/, 'status: head office that does not write is critical');
	stop();
}

# ---- the other readers ----------------------------------------------------------------------------------------
{
	answers('{"time":"2026-11-23T09:30:00+08:00","branch":"GZ02","state":"stale","reason":"no link"}',
		'{"time":"2026-11-23T09:33:01+08:00","branch":"GZ02","state":"in-sync","reason":""}', '{"exit":0}');
	my ($code, $out) = run('why', 'GZ02', '--dir', $dir);
	result($code == 0 && golden('cli-why', $out) && request()->{branch} eq 'GZ02', 'why');
	($code, $out) = run('why', 'GZ02', '--dir', $dir, '--format', 'json');
	result(@{decode_json($out)} == 2, 'why as JSON');
	stop();
}
{
	my $case = json({case => '01890a5d-ac96-774b-bcce-b302099a8057', label => 'BJ202611230001', branch => 'BJ01',
		type => 'complaint', state => 'CLOSED', opened_on => '2026-11-23', imported => JSON::PP::false, model => '手机 8',
		deadlines => {ack_due => '2026-11-24T09:30:00+08:00', reply_due => '2026-11-26T09:30:00+08:00'},
		events => [
			{kind => 'COMPLAINT_RECEIVED', occurred_at => '2026-11-23T09:30:00+08:00', actor => 1001, post => 'CARE',
				status => 'applied', state => 'RECEIVED', business_date => '2026-11-23', facts => {severity => 'ORDINARY'}},
			{kind => 'COMPLAINT_CLOSED', occurred_at => '2026-11-25T10:00:00+08:00', actor => 1002, approver => 7,
				status => 'illegal', business_date => '2026-11-25', late => JSON::PP::true}]});
	answers($case, '{"exit":0}');
	my ($code, $out) = run('show', 'BJ202611230001', '--dir', $dir);
	result($code == 0 && golden('cli-show', $out) && request()->{case} eq 'BJ202611230001', 'show');
	($code, $out) = run('show', 'BJ202611230001', '--dir', $dir, '--lang', 'zh');
	result(golden('cli-show-zh', $out), 'show in Chinese');
	stop();
	answers('{"exit":1,"error":"there is no case X here"}');
	($code, $out, my $err) = run('show', 'X', '--dir', $dir);
	result($code == 1 && $out eq '' && $err eq "aftersync: show: there is no case X here\n", 'show: what is not there');
	stop();
	answers('{"error":"there is no case X here"}', '{"exit":1}');
	($code, $out, $err) = run('show', 'X', '--dir', $dir);
	result($code == 1 && $err eq "aftersync: show: there is no case X here\n", 'an error of its own line');
	stop();
}
{
	answers((map { json({log => "BJ01/live/$_.562c063b", class => 'live', branch => 'BJ01', number => $_, size => 812,
		root => 'cd' x 32, acked => 800, applied => 812, keys => 3, ended_at => undef}) } 1, 2), '{"exit":0}');
	my ($code, $out) = run('log', 'list', '--dir', $dir);
	result($code == 0 && golden('cli-log-list', $out), 'log list');
	stop();
	answers('{"event_id":"a","facts":{"x":1.5}}', '{"event_id":"b"}', '{"exit":0}');
	($code, $out) = run('log', 'export', '--dir', $dir, '--branch', 'BJ01');
	result($code == 0 && $out eq "{\"event_id\":\"a\",\"facts\":{\"x\":1.5}}\n{\"event_id\":\"b\"}\n"
		&& request()->{branch} eq 'BJ01', 'log export: NDJSON');
	stop();
	answers('{"event_id":"a"}', '{"exit":1,"error":"block 7 is damaged"}');
	($code, $out, my $err) = run('log', 'export', '--dir', $dir, '-o', "$tmp/export");
	result($code == 1 && $err =~ /block 7 is damaged/ && !-e "$tmp/export" && !glob("$tmp/export*"),
		'log export: no half file');
	stop();
}
{
	answers('{"checked":"store: rows, trees, cases, cells"}', '{"checked":"BJ01/live/1","events":812}',
		'{"ok":true,"logs":1,"blocks":9,"events":812}', '{"exit":0}');
	my ($code, $out) = run('verify', '--dir', $dir);
	result($code == 0 && golden('cli-verify', $out), 'verify');
	stop();
	answers('{"checked":"BJ01/live/1","events":812}', '{"wrong":"block BJ01/live/1 at 7: its signature does not verify"}',
		'{"exit":1}');
	($code, $out) = run('verify', '--dir', $dir);
	result($code == 1 && golden('cli-verify-wrong', $out), 'verify: what is wrong');
	($code, $out) = run('verify', '--dir', $dir, '--format', 'json');
	result($code == 1 && decode_json($out)->{wrong}[0]{wrong} =~ /at 7/, 'verify as JSON');
	stop();
}
{
	answers('{"report":"volume","meta":{"branches":1},"columns":["period","received"],"rows":[{"period":"all","received":3}]}',
		'{"exit":0}');
	my @report = ('report', 'volume', '--dir', $dir, '--by', 'region,branch,region', '--from', '2026-11-01');
	my ($code, $out) = run(@report, '--format', 'csv');
	my $r = request();
	result($code == 0 && $out eq "period,received\r\nall,3\r\n" && "@{$r->{by}}" eq 'region branch' && $r->{period} eq 'all'
		&& $r->{from} eq '2026-11-01' && !exists $r->{to}, 'report: request and CSV');
	($code, $out) = run(@report, '--format', 'csv', '-o', "$tmp/r.csv");
	my $file = do { local (@ARGV, $/) = ("$tmp/r.csv"); <> };
	result($code == 0 && $out eq '' && $file eq "period,received\r\nall,3\r\n", 'report -o FILE');
	($code, $out, my $err) = run(@report, '-o', '/dev/full');
	result($code == 74 && $err =~ /^aftersync: report: output: cannot be written: No space left on device\n$/,
		'report -o a full device');
	stop();
	answers('{"rows":3}', '{"exit":0}');
	($code, $out, $err) = run(@report);
	result($code == 1 && $out eq '' && $err =~ /no report: is it of another version/, 'report: an answer that is none');
	stop();
}

# ---- hq enrol: the last line is the code, alone ----------------------------------------------------------------
{
	answers('{"branch":"BJ01","expires":"2026-11-25T09:30:00+08:00","join_code":"aftersync-join-1.abc"}', '{"exit":0}');
	my ($code, $out) = run('hq', 'enrol', 'BJ01', '--dir', $dir, '--name', '北京一店', '--uses', '2', '--expires', '7d');
	my $r = request();
	result($code == 0 && (split /\n/, $out)[-1] eq 'aftersync-join-1.abc' && $r->{uses} == 2 && $r->{expires_s} == 604800
		&& $r->{name} eq "\x{5317}\x{4eac}\x{4e00}\x{5e97}" && !$r->{replace}, 'hq enrol');
	stop();
}

# ---- proof ------------------------------------------------------------------------------------------------------
{
	my $file = 'tests/golden/proof/vector.proof';
	my $proof = do { local (@ARGV, $/) = ($file); <> };
	my ($code, $out) = run('proof', 'check', $file);
	result($code == 0 && golden('cli-proof', $out), 'proof check');
	($code, $out) = run('proof', 'check', $file, '--format', 'json');
	my $j = decode_json($out);
	result($code == 0 && $j->{ok} && $j->{index} == 5 && $j->{size} == 8 && $j->{receipts}[0]{time} eq '2023-11-14T22:13:20+00:00',
		'proof check as JSON');
	my %wrong = (
		'another event' => [$proof =~ s/QEFCQw/QEFCRA/r, qr/not in the log at this place/],
		'a changed signature' => [$proof =~ s/qAxHwCKM/qAxHwCKN/r, qr/signature does not verify/],
		'no receipt' => [$proof =~ s/^by .*\n//mr, qr/no receipt of head office/],
		'half of it' => [substr($proof, 0, 300), qr/damaged/],
		'nothing' => ['', qr/not a proof of an event/],
	);
	for (sort keys %wrong) {
		open my $f, '>', "$tmp/p";
		print $f $wrong{$_}[0];
		close $f;
		my ($c, $o, $e) = run('proof', 'check', "$tmp/p");
		result($c == 1 && $o eq '' && $e =~ $wrong{$_}[1] && ($e =~ tr/\n//) == 1, "proof check: $_");
	}
	answers(json({proof => $proof}), '{"exit":0}');
	my $id = '01890a5d-ac96-774b-bcce-b302099a8057';
	($code) = run('proof', 'make', '--event', $id, '--dir', $dir, '-o', "$tmp/made");
	result($code == 0 && request()->{event} eq $id && $proof eq do { local (@ARGV, $/) = ("$tmp/made"); <> }, 'proof make');
	stop();
}

# ---- framing ----------------------------------------------------------------------------------------------------
sub framing
{
	my ($name, $what, $want, $pattern) = @_;
	serve(sub { my $s = shift; <$s>; $what->($s) });
	my ($code, $out, $err) = run('why', 'BJ01', '--dir', $dir);
	result($code eq $want && $err =~ $pattern && ($err =~ tr/\n//) <= 1, $name);
	stop();
}
framing('an answer in single bytes', sub { my $s = shift; for (split //, "{\"state\":\"x\"}\n{\"exit\":0}\n") { syswrite $s, $_ } },
	0, qr/^$/);
framing('closed before the end', sub { syswrite $_[0], "{\"state\":\"x\"}\n" }, 74, qr/ended early: it closed the connection/);
framing('closed at once', sub {}, 74, qr/ended early/);
framing('no JSON', sub { syswrite $_[0], "hello\n" }, 74, qr/no JSON object/);
framing('an array', sub { syswrite $_[0], "[]\n" }, 74, qr/no JSON object/);
framing('an exit code out of range', sub { syswrite $_[0], "{\"exit\":4711}\n" }, 1, qr/^$/);
framing('its exit code and error', sub { syswrite $_[0], "{\"exit\":78,\"error\":\"two\\nlines\"}\n" }, 78,
	qr/^aftersync: why: two\?lines\n$/);
framing('one long line', sub { my $s = shift; print $s '{"reason":"', 'x' x 20_000_000, "\"}\n{\"exit\":0}\n" }, 0, qr/^$/);

# ---- submit ------------------------------------------------------------------------------------------------------
# a daemon that answers every line with its number and size, in order; an error for lines that hold "bad" or nothing
sub recorder
{
	my ($s) = @_;
	my $line = <$s>;
	my ($k, $buf) = (0, '');
	while ($line = <$s>) {
		$k++;
		chomp $line;
		$buf .= $line eq '{}' || $line =~ /bad/ ? "{\"line\":$k,\"error\":\"no\"}\n" : "{\"line\":$k,\"index\":" . length($line) . "}\n";
		if (length $buf > 4096) { print $s $buf; $buf = '' }
	}
	print $s $buf, "{\"exit\":0}\n";
}
{
	serve(\&recorder);
	$in = "{\"a\":1}\n{\"b\":22}";
	my ($code, $out, $err) = run('submit', '--dir', $dir);
	result($code == 0 && $out eq "{\"line\":1,\"index\":7}\n{\"line\":2,\"index\":8}\n" && $err eq '',
		'submit: a last line without its end counts');
	$in = '';
	($code, $out) = run('submit', '--dir', $dir, '-');
	result($code == 0 && $out eq '', 'submit: nothing');
	$in = "x\nbad\ny\n";
	($code, $out) = run('submit', '--dir', $dir);
	result($code == 1 && $out =~ /"line":2,"error"/ && ($out =~ tr/\n//) == 3, 'submit: one refused => 1, all answered');
	$in = join("\n", 'a', 'b' x 65536, 'c' x 65537, 'd', 'e' x 300000, 'f') . "\n";
	($code, $out) = run('submit', '--dir', $dir);
	result($code == 1 && $out eq join('', map { "$_\n" } '{"line":1,"index":1}', '{"line":2,"index":65536}',
		'{"line":3,"error":"The line is longer than 64 KiB."}', '{"line":4,"index":1}',
		'{"line":5,"error":"The line is longer than 64 KiB."}', '{"line":6,"index":1}'), 'submit: a line that is too long');
	$in = "{\"n\":12345678}\n" x 1_000_000;
	($code, $out) = run('submit', '--dir', $dir);
	result($code == 0 && ($out =~ tr/\n//) == 1_000_000 && $out =~ /"line":1000000,"index":14}\n\z/, 'submit: a million lines');
	stop();
	$in = "x\n" x 100_000;
	serve(sub { my $s = shift; <$s>; print $s "{\"line\":1,\"index\":1}\n{\"exit\":74,\"error\":\"the disk is full\"}\n" });
	($code, $out, $err) = run('submit', '--dir', $dir);
	result($code == 74 && $out eq "{\"line\":1,\"index\":1}\n" && $err eq "aftersync: submit: the disk is full\n",
		'submit: the daemon ends it');
	stop();
	serve(sub { my $s = shift; <$s>; <$s>; print $s "{\"line\":1,\"index\":1}\n" });
	($code, $out, $err) = run('submit', '--dir', $dir);
	result($code == 74 && $err =~ /ended early.* 1 lines were answered; submit all again/, 'submit: the daemon dies');
	stop();
	# as one types: an answer before the next line
	serve(sub { my $s = shift; <$s>; my $k = 0; while (<$s>) { $k++; print $s "{\"line\":$k}\n" } print $s "{\"exit\":0}\n" });
	pipe my $from, my $to;
	pipe my $back, my $answer;
	my $pid = fork // die;
	if (!$pid) {
		open STDIN, '<&', $from;
		open STDOUT, '>&', $answer;
		close $_ for $from, $to, $back, $answer;
		exec $aftersync, 'submit', '--dir', $dir;
	}
	close $from;
	close $answer;
	local $SIG{ALRM} = sub { kill 'KILL', $pid };
	alarm 20;
	my $ok = 1;
	for my $k (1 .. 3) {
		syswrite $to, "{}\n";
		my $line = <$back> // '';
		$ok = 0 if $line ne "{\"line\":$k}\n";
	}
	close $to;
	waitpid $pid, 0;
	result($ok && $? == 0, 'submit: each answer before the next line');
	alarm 0;
	stop();
}
{
	chdir "$dir/run";
	result(!-e 'control.sock' || 1, 'the socket stays when its daemon was killed');
	chdir $top;
	my ($code, $out, $err) = run('why', 'BJ01', '--dir', $dir);
	result($code == 69 && $err =~ /daemon not running/, 'a socket that nobody listens on => 69');
}
print "1..$n\n";
exit($failed > 0);
