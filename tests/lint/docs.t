#!/usr/bin/perl
# TAP: what documents say is there: links, headings, files, the map of folders in README.md; and docs/operations.md has each
# state, alarm and line of the log that wants attention. Run from the top folder.
use strict;
use warnings;
use File::Basename;
use File::Find;
use File::Temp qw(tempdir);

sub slurp
{
	my ($file) = @_;
	local $/;
	open my $in, '<', $file or die "$file: $!";
	return scalar <$in>;
}

my (@files, %there);
find({no_chdir => 1, wanted => sub {
	return $File::Find::prune = 1 if m{^\./(build|\.git)$};
	my $path = s{^\./}{}r;
	$there{$path} = 1;
	push @files, $path if -f;
}}, '.');
my @documents = sort grep { /\.md$/ } @files;
my %text = map { $_ => slurp($_) } @documents;

# a path without what leads nowhere: docs/../tests => tests
sub clean
{
	my ($path) = @_;
	1 while $path =~ s{(?:^|(?<=/))(?!\.\./)[^/]+/\.\./}{};
	return $path =~ s{^\./|/$}{}gr;
}

# the names that headings get where documents are shown
sub headings
{
	my ($file) = @_;
	return map { lc($_) =~ s/[^\w\- ]//gr =~ s/ /-/gr => 1 } $text{$file} =~ /^#+ +(.*?) *$/mg;
}

my ($n, $failed) = (0, 0);
sub result
{
	my ($name, @wrong) = @_;
	$n++;
	print @wrong ? 'not ' : '', "ok $n - $name\n";
	print STDERR "# $_\n" for @wrong;
	$failed ||= @wrong;
}

print "1..9\n";
{
	my (@wrong, $links);
	for my $file (@documents) {
		for my $link ($text{$file} =~ /\]\(([^)\s]+)\)/g) {
			next if $link =~ /^https?:/;
			$links++;
			my ($path, $heading) = split /#/, $link, 2;
			my $to = $path eq '' ? $file : clean(dirname($file) eq '.' ? $path : dirname($file) . "/$path");
			push @wrong, "$file: ($link) leads nowhere" if !$there{$to};
			push @wrong, "$file: ($link): $to has no such heading" if defined $heading && $text{$to} && !{headings($to)}->{$heading};
		}
	}
	result('links lead somewhere', $links ? @wrong : 'no links');
}
{
	# the source has what else it links to
	my $to = tempdir(CLEANUP => 1);
	my $said = `MAKEFLAGS= make -s install DESTDIR=$to PREFIX=/usr 2>&1`;
	my @wrong = $? ? $said : map { "$_ is not installed" } grep { !-f "$to/usr/share/doc/aftersync/$_" }
		$text{'README.md'} =~ /\]\((docs\/[^)#\s]+)/g;
	result('an installed README.md leads to the documents', @wrong);
}
{
	# `common/log/block.c`, `tests/sim`, `kinds_*.c`; a module without its end counts, and NN is a number
	my (@wrong, %top, @names);
	$top{s{/.*}{}r} = 1 for @files;
	@names = map { basename($_) } @files;
	for my $file (@documents) {
		for my $word ($text{$file} =~ /`([\w.\-*\/]+)`/g) {
			if ($word =~ m{^([\w.\-]+)/} && $top{$1}) {
				my $like = join '', map { $_ eq '*' ? '[^/]*' : quotemeta } split /(\*)/, $word =~ s{/$}{}r =~ s/NN-(?:name|\*)/*/r;
				push @wrong, "$file: `$word` is not there" if !grep { /^$like(?:\.\w+)?$/ } keys %there;
			} elsif ($word =~ /^[\w\-*]+\.(?:[cht]|md|sh|bats|bash|awk|ini|proto)$/) {
				my $like = join '', map { $_ eq '*' ? '.*' : quotemeta } split /(\*)/, $word;
				push @wrong, "$file: no file is called `$word`" if !grep { /^$like$/ } @names;
			}
		}
	}
	result('files that are named are there', @wrong);
}
{
	# the map of folders: each folder has its row, each row its folder; a row may stand for what is below
	my ($map) = $text{'README.md'} =~ /^## Where things are\n(.*?)^## /ms;
	my @rows = map { /`([\w\/]+)`/g } $map =~ /^\| ([^|]*) \|/mg;
	my %row = map { $_ => 1 } @rows;
	my @wrong = map { "README.md has a row for $_, which is not there" } grep { !-d } @rows;
	for my $folder (sort grep { -d && m{^(?:common|daemon|tests|tools)/[^/]+$|^[^./][^/]*$} } keys %there) {
		next if $folder eq 'build' || grep { m{^\Q$folder\E(?:/|$)} } @rows;
		push @wrong, "README.md has no row for $folder";
	}
	result('README.md has a row for each folder', @rows ? @wrong : 'no rows');
}

{
	my ($table) = slurp('common/intake/intake.c') =~ /\} head_fields\[\] = \{(.*?)\n\};/s;
	my @fields = $table =~ /\{"(\w+)"/g;
	my $said = join '', grep { /^\| `/ } split /^/, $text{'docs/recording.md'} =~ /^## A line\n(.*?)^## /ms ? $1 : '';
	result('recording.md has each field of a line', @fields > 5 ? map { "$_ is missing" } grep { $said !~ /`\Q$_\E`/ } @fields : 'no fields found');
}

# ---- docs/operations.md ---------------------------------------------------------------------------------------------

my $operations = $text{'docs/operations.md'};
sub section { my ($head) = @_; return $operations =~ /^#+ \Q$head\E\n(.*?)(?=^#+ |\z)/ms ? $1 : '' }
sub rows { return map { /^\| `?([^|`]+?)`? \|/ ? $1 : () } split /\n/, $_[0] }

{
	my ($list) = slurp('common/sync/sync.h') =~ /#define SYNC_STATE_LIST\(X\)(.*?)\n\n/s;
	my @states = $list =~ /X\(\w+, "([\w-]+)"/g;
	my %have = map { $_ => 1 } rows(section('States'));
	my @order = grep { my $s = $_; grep { $_ eq $s } @states } rows(section('States'));
	my @wrong = map { "state $_ is missing" } grep { !$have{$_} } @states, qw(serving rolled-back recovering);
	push @wrong, 'states stand in another order than they hold' if !@wrong && "@order" ne "@states";
	result('operations: each state, in order', @states > 10 ? @wrong : 'no states found in the source');
}
{
	my ($list) = slurp('common/sync/names.c') =~ /refuse_names\[REFUSE_REASONS\] = \{(.*?)\n\};/s;
	my @reasons = grep { $_ ne 'none' } $list =~ /"([\w-]+)"/g;
	my $said = section('Reasons of a refusal');
	result('operations: each reason of a refusal', @reasons > 10 ? map { "reason $_ is missing" } grep { $said !~ /`\Q$_\E`/ } @reasons : 'no reasons found');
}
{
	my @wrong;
	for my $daemon (qw(branchd hqd)) {
		my ($list) = slurp("daemon/$daemon/$daemon.c") =~ /alarm_words\[\] = \{(.*?)\n\};/s;
		my @words = $list =~ /= "([^"]+)"/g;
		push @wrong, "$daemon: no alarms found" if @words < 5;
		push @wrong, map { "$daemon: alarm \"$_\" is missing" } grep { index(section('Alarms'), $_) < 0 } @words;
	}
	result('operations: each alarm, as the log says it', @wrong);
}
{
	# what is logged as a warning or an error
	my (%what, $said);
	for my $file (grep { m{^(?:daemon|common)/.*\.c$} } @files) {
		$what{$_} = 1 for slurp($file) =~ /logline\(LOG_LEVEL_(?:ERR|WARN),\s*"([\w-]+)"/g;
	}
	$said = section('Alarms') . section('Other lines that want attention');
	result('operations: each warning and error of the log', keys(%what) > 10 ? map { "what=$_ is missing" } grep { $said !~ /`what=\Q$_\E`/ } sort keys %what : 'none found');
}
exit($failed > 0);
