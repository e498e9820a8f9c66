#!/usr/bin/perl
# TAP: manual pages are well formed, and those of configurations name every key of the table, with its default, where it
# stands and when it takes effect, and no other. aftersync(1) names every command and option. Run from the top folder.
use strict;
use warnings;

my $build = $ENV{AFTERSYNC_BUILD} // 'build/release';
my @pages = sort glob 'daemon/*/*.[1-8] tools/*/*.[1-8]';
my %page = map { m{([^/]+)\.conf\.5$} ? ($1 => $_) : () } @pages;
my %keys;
open my $table, '-|', "$build/lint/conf_keys" or die "$build/lint/conf_keys: $!";
while (<$table>) {
	chomp;
	my ($program, $section, $key, $default, $flags) = split /\t/, $_, -1;
	$keys{$program}{"$section.$key"} = join ' ', $flags =~ /!/ ? 'Required.' : 'Default: ' . ($default eq '' ? 'none' : $default) . '.',
		$flags =~ /R/ ? 'Read again on SIGHUP.' : ();
}
close $table or die "$build/lint/conf_keys failed";

# section.key => the sentences that are compared
sub keys_of
{
	my ($file) = @_;
	my (%said, $section, $key);
	open my $in, '<', $file or die "$file: $!";
	while (<$in>) {
		chomp;
		if (/^\.Ss (\S+)$/) {
			($section, $key) = ($1, undef);
		} elsif (/^\.Sh/) {
			($section, $key) = (undef, undef);
		} elsif (defined $section && /^\.It Cm (\S+)$/) {
			$key = "$section.$1";
			$said{$key} = {};
		} elsif (defined $key) {
			$said{$key}{default} = $_ if /^(?:Default: .*|Required)\.$/;
			$said{$key}{reload} = $_ if $_ eq 'Read again on SIGHUP.';
		}
	}
	return map { $_ => join ' ', grep { defined } @{$said{$_}}{qw(default reload)} } keys %said;
}

print '1..', @pages + keys(%keys) + 1, "\n";
my ($n, $failed) = (0, 0);
sub say_it
{
	my ($name, @wrong) = @_;
	$n++;
	print @wrong ? 'not ' : '', "ok $n - $name\n";
	print STDERR "# $_\n" for @wrong;
	$failed ||= @wrong;
}

for my $file (@pages) {
	# of other programs, or not written yet: a reference to them is no fault of the page
	my @wrong = grep { !/referenced manual not found|outdated mandoc.db/ } split /\n/, `mandoc -Tlint -Wstyle $file 2>&1`;
	say_it("$file is well formed", @wrong);
}
for my $program (sort keys %keys) {
	my %want = %{$keys{$program}};
	my %have = $page{$program} ? keys_of($page{$program}) : ();
	my @wrong = map { "$program.conf(5): $_: " . (!exists $have{$_} ? 'is missing' : "says \"$have{$_}\", the table \"$want{$_}\"") }
		grep { ($have{$_} // '') ne $want{$_} } sort keys %want;
	push @wrong, map { "$program.conf(5): $_ is no key" } grep { !exists $want{$_} } sort keys %have;
	say_it("$program.conf(5) is its table", @wrong);
}

# aftersync(1): a .Ss for each command, an .It for each of its options; those of all commands stand in a .Ss before
{
	my (%want, %have, %general, $command);
	open my $list, '-|', "$build/aftersync --list" or die "$build/aftersync: $!";
	while (<$list>) {
		chomp;
		my ($words, $option) = split /\t/;
		$want{$words}{$option // ''} = 1;
	}
	open my $in, '<', 'tools/aftersync/aftersync.1' or die "aftersync.1: $!";
	while (<$in>) {
		$command = $1, $have{$1}{''} = 1 if /^\.Ss (.+)$/;
		$command = undef if /^\.Sh/;
		next unless defined $command && /^\.It (?:Fl \w , )?Fl (-[\w-]+)/;
		($command eq 'Options of most commands' ? \%general : $have{$command})->{"-$1"} = 1;
	}
	delete $have{'Options of most commands'};
	my @wrong;
	for my $words (sort keys %want) {
		push @wrong, map { "$words $_ is missing" } grep { !$have{$words}{$_} && !$general{$_} } sort keys %{$want{$words}};
	}
	for my $words (sort keys %have) {
		push @wrong, map { "$words $_ is none" } grep { !$want{$words}{$_} } sort keys %{$have{$words}};
	}
	say_it('aftersync(1) is its table', @wrong);
}
exit($failed > 0);
