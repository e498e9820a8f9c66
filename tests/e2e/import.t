#!/usr/bin/perl
# TAP: CSV files become events: each built-in map, recounted with SQLite; bad files; imports that are killed, on either
# side, and go on; a store that fills up. Run from the top folder.
use strict;
use warnings;
use Cwd qw(getcwd);
use FindBin;
use lib $FindBin::Bin;
use Rig;
use Test::More;
use Time::HiRes qw(sleep);

my $data = getcwd() . '/tests/data';
my $port = free_port();
my $hq = make_hq('hq', $port);
ok(start($hq), 'head office starts');

sub file
{
	my ($name, @text) = @_;
	open my $f, '>:raw', "$tmp/$name" or die "$name: $!";
	print $f @text;
	close $f;
	return "$tmp/$name";
}

# import DIR MAP ARGUMENT…: exit code, standard output, standard error
sub import_csv
{
	my ($dir, $map, @rest) = @_;
	return run('import', '--dir', $dir, '--map', $map, @rest);
}

sub new_branch
{
	my ($code) = @_;
	my $dir = make_branch($code, $hq, $port);
	ok(start($dir), "$code starts");
	return $dir;
}

# recount MAP CSV SQL DIR-of-the-node BRANCH: what SQLite says against that node's reports
sub recount
{
	my ($map, $csv, $where, $dir, @branch) = @_;
	my $reports = "$tmp/reports";
	mkdir $reports;
	for my $report (qw(volume pareto complaints complaint-timeliness)) {
		for my $period (qw(month all)) {
			my ($code, $out, $err) = run('report', $report, '--dir', $dir, '--period', $period, '--format', 'json',
				'-o', "$reports/$report-$period.json", @branch ? ('--by', 'branch') : ());
			diag($err) if $code;
		}
	}
	my ($code, $out) = run("$FindBin::Bin/recount.sh", $map, $csv, $where, $reports, @branch);
	diag($out) if $code;
	return $code == 0 ? $out : "differs: $out";
}

sub bulk_events
{
	my ($dir) = @_;
	my ($code, $out) = run('log', 'export', '--dir', $dir);
	return grep { /"kind":"(?:REPAIR|QC|COMPLAINT)/ } split /\n/, $out;
}

# ---- each map ----------------------------------------------------------------------------------------------------

my %dir;
my @maps = (
	['ords', 'WALES', 'ords-wales.csv', 250, 0, 5],
	['ords', 'RESTART', 'ords-restart.csv', 250, 0, 5],
	['mobifix', 'MOBI', 'mobifix.csv', undef, 0, 5],
	['nyc311', 'NYC', 'nyc311.csv', 912, 12, 3],
	['nyc311-due', 'NYCDUE', 'nyc311-due.csv', 117, 0, 3],
);
for my $m (@maps) {
	my ($map, $branch, $csv, $rows, $bad, $steps) = @$m;
	my $dir = $dir{$branch} = new_branch($branch);
	my @skip = $bad ? ('--skip-bad', '--rejects', "$tmp/rejects.csv") : ();
	my ($code, $out, $err) = import_csv($dir, $map, '--dry-run', @skip, "$data/$csv");
	is($code, 0, "$csv: dry run") or diag($err);
	my ($events) = $out =~ /; (\d+) events to record/;
	ok($events, 'it counts the events') or diag($out);
	is(scalar bulk_events($dir), 0, 'and records none');
	($code, $out, $err) = import_csv($dir, $map, @skip, "$data/$csv");
	is($code, 0, "$csv is imported") or diag($err);
	my ($read, $taken, $skipped) = $out =~ /^import: (\d+) rows, (\d+) selected, (\d+) skipped; $events events new, 0 already there/;
	is($skipped, $bad, "$bad bad rows are skipped") or diag($out);
	is($read, $rows, "of $rows rows") if defined $rows;
	is($events, $taken * $steps, 'each row became its events');
	my $head = status($dir, $branch)->{head};
	($code, $out, $err) = import_csv($dir, $map, @skip, "$data/$csv");
	is($code, 0, 'twice');
	like($out, qr/; 0 events new, $events already there/, 'adds nothing');
	is(status($dir, $branch)->{head}, $head, 'not one event');
	is(recount($map, "$data/$csv", '1 = 1', $dir), "rows $taken $bad\n", 'SQLite counts the same');
	ok(in_sync($dir, $hq, $branch), 'in sync');
	is(recount($map, "$data/$csv", '1 = 1', $hq, $branch), "rows $taken $bad\n", 'head office too');
	my @events = bulk_events($dir);
	is(scalar @events, $events, 'so many are in the logs');
	is(scalar(grep { !/"imported":true/ } @events), 0, 'all marked as imported');
}

# the bad rows, as they stood
{
	my @rejects = split /\n/, slurp("$tmp/rejects.csv");
	is(scalar @rejects, 12, 'twelve rejects of a file without a header');
	is(scalar(grep { /^\d+,[^,]+,[^,]+,[^,]+,[^,]+,\d+,closed: is before created$/ } @rejects), 12, 'with line and reason');
	my ($code, $out, $err) = import_csv($dir{NYC}, 'nyc311', "$data/nyc311.csv");
	is($code, 1, 'without --skip-bad nothing is recorded');
	like($err, qr/^aftersync: import: \Q$data\E\/nyc311\.csv:\d+: closed: is before created\n/, 'each bad row is said');
	like($err, qr/12 of 912 rows are bad, nothing is recorded; --skip-bad --rejects FILE takes the others\n\z/, 'and what to do');
	is($out, '', 'no summary');
}

# New York's local time, and the log it is in
{
	my ($code, $out) = run('show', '33648024', '--dir', $dir{NYCDUE}, '--format', 'json');
	like($out, qr/"2016-06-21T06:04:21-04:00"/, 'a due date in the time of New York');
	($code, $out) = run('log', 'list', '--dir', $dir{NYCDUE}, '--format', 'csv');
	like($out, qr{NYCDUE/bulk/1\.\w+,}, 'a log of imports');
	unlike(log_of('NYC') . log_of('hq'), qr/Noise/, 'no text in the logs of daemons');
}

# a later event of an imported case is none of the import, and goes to its log
{
	my ($event) = grep { /COMPLAINT_CLOSED/ } bulk_events($dir{NYCDUE});
	my ($case) = $event =~ /"case":"([^"]+)"/;
	my ($code, $answer) = submit($dir{NYCDUE}, qq({"kind":"COMPLAINT_REOPENED","occurred_at":"2016-07-10T12:00:00+08:00","actor":7,)
		. qq("reason":"again","case":"$case"}));
	is($code, 0, 'an imported complaint is reopened');
	my @late = grep { /COMPLAINT_REOPENED/ } bulk_events($dir{NYCDUE});
	is(scalar @late, 1, 'once');
	unlike($late[0], qr/"imported"/, 'not as imported');
	like($late[0], qr{/bulk/}, 'in the log of imports') if $late[0] =~ /"log"/;
}

# ---- some rows ---------------------------------------------------------------------------------------------------

{
	my $dir = new_branch('BRONX');
	my ($code, $out, $err) = import_csv($dir, 'nyc311', '--where', 'borough=BRONX', '--where', 'borough=QUEENS', '--skip-bad',
		'--rejects', "$tmp/some.csv", "$data/nyc311.csv");
	is($code, 0, 'two boroughs') or diag($err);
	like(recount('nyc311', "$data/nyc311.csv", "borough IN ('BRONX', 'QUEENS')", $dir), qr/^rows \d+ \d+$/, 'are what SQLite counts');
	($code, $out, $err) = import_csv($dir, 'nyc311', '--where-not', 'borough=BRONX', '--where-not', 'borough=QUEENS', '--skip-bad',
		'--rejects', "$tmp/some.csv", "$data/nyc311.csv");
	like($out, qr/ 0 already there/, 'and the others are others') or diag($err);
	like(recount('nyc311', "$data/nyc311.csv", '1 = 1', $dir), qr/^rows \d+ \d+$/, 'together they are all');
}

# ---- what is wrong -----------------------------------------------------------------------------------------------

my $head = "id,event_date,repair_status,repair_barrier_if_end_of_life,brand,problem\n";
my $good = "g_1,2020-01-01,Fixed,,b,\n";
my $mend = new_branch('BAD');
my @bad = (
	['no header at all', '', qr/:1: the file is empty\n.*nothing is recorded/s],
	['a missing column', "id,event_date,repair_status,brand,problem\n", qr/:1: repair_barrier_if_end_of_life: there is no such column/],
	['a NUL byte', "$head${good}n_1,2020-01-01,Fixed,,x\0y,\n", qr/:3: brand: holds a NUL byte/],
	['a cut last record', "$head${good}n_1,2020-01", qr/:3: the record has 2 fields, the file has 6 columns/],
	['cut inside of quotes', "$head${good}n_1,2020-01-01,Fixed,,\"x", qr/:3: brand: quotation marks are opened in this record and not/],
	['a field of 10 MB', "$head${good}n_1,2020-01-01,Fixed,,x," . 'y' x (10 << 20) . "\n", qr/:3: problem: the field is longer than 64 KiB/],
	['not UTF-8', "$head${good}n_1,2020-01-01,Fixed,,\xe9,\n", qr/:3: brand: not valid UTF-8/],
	['one key twice', "$head$good$good", qr/:3: id: the same as in line 2\n/],
	['no date', "$head${good}n_1,2020-02-30,Fixed,,x,\n", qr/:3: event_date: "2020-02-30" is not a real date YYYY-MM-DD\n/],
	['an unknown status', "$head${good}n_1,2020-02-03,Mended,,x,\n", qr/:3: repair_status: "Mended" is none of Fixed, /],
	['quotes within a field', "$head${good}n_1,2020-02-03,Fixed,,x\"y,\n", qr/:3: brand: a quotation mark inside of a field/],
);
for my $b (@bad) {
	my ($name, $text, $say) = @$b;
	my ($code, $out, $err) = import_csv($mend, 'ords', file('bad.csv', $text));
	is($code, 1, "$name: exit 1");
	like($err, $say, "$name: said");
	is($out, '', "$name: no summary");
}
is(scalar bulk_events($mend), 0, 'nothing of all that was recorded');
{
	my ($code, $out, $err) = import_csv($mend, 'ords', file('many.csv', $head, map { "n_$_,2020-13-01,Fixed,,x,secret text\n" } 1 .. 30));
	is(scalar(() = $err =~ /not a real date/g), 20, 'twenty problems are said');
	like($err, qr/and 10 more\n.*30 of 30 rows are bad/s, 'the others are counted');
	unlike($err, qr/secret/, 'no personal text among them');
	($code, $out, $err) = import_csv($mend, 'ords', '--skip-bad', '--rejects', "$tmp/r.csv",
		file('some.csv', "\xef\xbb\xbf$head", "g_1,2020-01-01,Fixed,,b,\"two\r\nlines\"\r\n", "n_1,2020-13-01,Fixed,,\"x,y\",\"a \"\"q\"\"\nb\"\r\n",
		'n_2,2020-01-01,Fixed,,x"y,', "\r\n", "g_2,2020-01-02,Unknown,,b,\r\n"));
	is($code, 0, 'the others are taken');
	like($out, qr/^import: 4 rows, 2 selected, 2 skipped; 10 events new, /, 'and counted');
	is(slurp("$tmp/r.csv"), ($head =~ s/\n/,line,reason\n/r) . "n_1,2020-13-01,Fixed,,\"x,y\",\"a \"\"q\"\"\nb\",4,\"event_date: \"\"2020-13-01\"\" is not a real date YYYY-MM-DD\"\n"
		. "\"n_2,2020-01-01,Fixed,,x\"\"y,\",,,,,,6,\"brand: a quotation mark inside of a field, or text behind the closing one: write \"\"\"\" for one inside of quotation marks\"\n",
		'the bad rows stand in the rejects');
	# mended, they are imported as they are
	my $mended = slurp("$tmp/r.csv") =~ s/2020-13-01/2020-12-01/r =~ s/^"n_2.*\n//mr;
	($code, $out, $err) = import_csv($mend, 'ords', file('mended.csv', $mended));
	like($out, qr/^import: 1 rows, 1 selected, 0 skipped; 5 events new, 0 already there/, 'a mended reject is imported') or diag($err);
	# changed rows are refused, and said once a row
	($code, $out, $err) = import_csv($mend, 'ords', file('changed.csv', $head, "g_2,2020-01-03,Unknown,,b,\n", "g_3,2020-01-03,Fixed,,c,\n"));
	is($code, 1, 'a row that changed is refused');
	like($err, qr/changed\.csv:2: event_id: Another event with this event_id is recorded already\.\n\z/, 'once');
	like($out, qr/; 5 events new, 0 already there/, 'the others are recorded');
}

# maps, options, nodes
for my $c (
	[64, qr/no such map orda: there are mobifix, nyc311-due, nyc311, ords/, $mend, 'orda'],
	[78, qr/own\.ini:2: map\.nam: no such key/, $mend, file('own.ini', "[map]\nnam = x\n")],
	[64, qr/--skip-bad and --rejects FILE belong together/, $mend, 'ords', '--skip-bad'],
	[64, qr/--where brand: write COLUMN=VALUE/, $mend, 'ords', '--where', 'brand'],
	[1, qr/head office: what a branch did is imported at the branch/, $hq, 'ords'],
	[1, qr/:1: colour: there is no such column, and --where asks for it/, $mend, 'ords', '--where', 'colour=red'],
)
{
	my ($want, $say, $dir, $map, @rest) = @$c;
	my ($code, $out, $err) = import_csv($dir, $map, @rest, "$data/ords-wales.csv");
	is($code, $want, "$map @rest: exit $want");
	like($err, $say, 'said');
}
{
	my ($code, $out, $err) = import_csv($mend, 'ords', "$tmp/none.csv");
	is($code, 74, 'no file: exit 74');
	like($err, qr/none\.csv: No such file/, 'said');
	is(stop($mend), 0, 'the branch ends');
	($code, $out, $err) = import_csv($mend, 'ords', "$data/ords-wales.csv");
	is($code, 69, 'no daemon: exit 69');
	like($err, qr/daemon not running: start aftersync-branchd/, 'said');
	($code, $out, $err) = import_csv($mend, 'ords', '--dry-run', "$data/ords-wales.csv");
	is($code, 0, 'a dry run needs none') or diag($err);
}

{
	my $copy = file('copy.csv', slurp("$data/ords-wales.csv"));
	my ($code, $out, $err) = import_csv($mend, 'ords', '--dry-run', '--skip-bad', '--rejects', $copy, $copy);
	is($code, 64, 'rejects over the file itself: exit 64');
	like($err, qr/--rejects \S+copy\.csv: that is one of the files to import/, 'said');
	is(slurp($copy), slurp("$data/ords-wales.csv"), 'it is as it was');
}

# ---- killed ------------------------------------------------------------------------------------------------------

# KILLS of each of the two, 2 unless given
my $kills = $ENV{KILLS} // 2;
my $rows = 2000 * $kills;
my $large = file('large.csv', $head, map { sprintf "k_%d,20%02d-%02d-%02d,Fixed,,Brand %d,text %d\n", $_, $_ % 20 + 1, $_ % 12 + 1, $_ % 28 + 1,
	$_ % 17, $_ } 1 .. $rows);
for my $whom ('importer', 'daemon') {
	my $code_of = $whom eq 'importer' ? 'KILLI' : 'KILLD';
	my $dir = new_branch($code_of);
	my $before = status($dir, $code_of)->{head};
	for my $round (1 .. $kills) {
		my $seen = status($dir, $code_of)->{head};
		my $pid = Rig::spawn("$tmp/k.out", "$tmp/k.err", "$build/aftersync", 'import', '--dir', $dir, '--map', 'ords', $large);
		eventually(30, sub { status($dir, $code_of)->{head} > $seen + 1000 }) or diag('nothing is imported');
		if ($whom eq 'importer') {
			kill 'KILL', $pid;
			Rig::ends($pid, 10);
		} else {
			stop($dir, 'KILL');
			is(Rig::ends($pid, 30), 74, 'the importer says that the daemon is gone');
			like(slurp("$tmp/k.err"), qr/import again, it goes on where it was\n\z/, 'and what to do');
			unlink "$tmp/k.err";
			ok(start($dir), 'the daemon starts again');
			eventually(30, sub { status($dir, $code_of)->{state} eq 'in-sync' });
		}
	}
	my ($code, $out, $err) = import_csv($dir, 'ords', $large);
	is($code, 0, "$whom killed $kills times: it goes on") or diag($err);
	my ($new, $old) = $out =~ /; (\d+) events new, (\d+) already there/;
	is($new + $old, 5 * $rows, 'all are there');
	cmp_ok($old, '>', 1000, 'some were before');
	is(scalar bulk_events($dir), 5 * $rows, 'each once');
	is(recount('ords', $large, '1 = 1', $dir), "rows $rows 0\n", 'SQLite counts the same');
	ok(in_sync($dir, $hq, $code_of, 60), 'in sync');
	is(recount('ords', $large, '1 = 1', $hq, $code_of), "rows $rows 0\n", 'head office too');
	stop($dir);
}

# ---- full --------------------------------------------------------------------------------------------------------

{
	my $dir = make_branch('FULL', $hq, $port);
	conf($dir, "[store]\nlimit = 7 MiB\npreallocate = 1 MiB\n", '>>');
	ok(start($dir), 'a branch with little room starts');
	my ($code, $out, $err) = import_csv($dir, 'ords', $large);
	is($code, 1, 'its store fills up');
	like($err, qr/^aftersync: import: NOT recorded: store full \(\d+ of 7 MiB\)\. What was recorded stays; import again when there is room\n\z/,
		'in the words of the daemon, once');
	my ($new) = $out =~ /; (\d+) events new/;
	cmp_ok($new, '>', 0, 'some were recorded');
	cmp_ok($new, '<', 5 * $rows, 'not all');
	is(scalar bulk_events($dir), $new, 'they stay');
	is(stop($dir), 0, 'it ends');
	conf($dir, "[link]\nendpoint = tcp://127.0.0.1:$port\n");
	ok(start($dir), 'with more room');
	($code, $out, $err) = import_csv($dir, 'ords', $large);
	is($code, 0, 'the import goes on') or diag($err);
	like($out, qr/; @{[5 * $rows - $new]} events new, $new already there/, 'where it was');
}

done_testing();
