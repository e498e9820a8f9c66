#!/usr/bin/perl
# TAP: a file includes only from its floor or below, programs never from each other, nothing from tests/; each header of
# a library belongs to one folder. Run from the top folder.
use strict;
use warnings;
use File::Find;

# The longest prefix decides. A new folder needs a row here and in docs.
my %floor = (
	'common/base' => 0,
	'common/log' => 1, 'common/wire' => 1, 'common/crypto' => 1, 'common/conf' => 1, 'common/i18n' => 1,
	'common/sync' => 2, 'common/ledger' => 2, 'common/report' => 2, 'common/store' => 2,
	'common/intake' => 3, 'common/node' => 3, 'common/out' => 3, 'common/import' => 3, 'daemon/rt' => 3,
	'daemon/branchd' => 4, 'daemon/hqd' => 4, 'tools' => 4,
);

# Header of a library => the folder that wraps it for everyone else. zstd: a block is compressed where it is sealed.
# jansson and utf8proc: JSON and Unicode forms come in through intake (intake/json.h is the door for everybody).
my %owner = (
	qr/^sodium\.h$/ => 'common/crypto',
	qr/^openssl\// => 'common/crypto',
	qr/^xxhash\.h$/ => 'common/crypto',
	qr/^zstd\.h$/ => 'common/log',
	qr/\.pb-c\.h$/ => 'common/wire',
	qr/^uthash\.h$/ => 'common/node',
	qr/^lmdb\.h$/ => 'common/store',
	qr/^jansson\.h$/ => 'common/intake',
	qr/^utf8proc\.h$/ => 'common/intake',
	qr/^xlsxwriter\.h$/ => 'common/out',
	qr/^libsmartcols/ => 'common/out',
	qr/^ini\.h$/ => 'common/conf',
	qr/^csv\.h$/ => 'common/import',
	qr/^libintl\.h$/ => 'common/i18n',
	qr/^zmq\.h$/ => 'daemon/rt',
	qr/^microhttpd\.h$/ => 'daemon/hqd',
);

my $libc = qr/^(assert|ctype|dirent|errno|fcntl|getopt|inttypes|limits|locale|malloc|netdb|poll|pthread|pwd|signal|stdarg|stdatomic|
	stdbool|stddef|stdint|stdio|stdlib|string|strings|termios|threads|time|unistd|sys\/\w+|netinet\/\w+|arpa\/\w+)\.h$/x;
# what a library needs no more than this; sockets, files, threads and clocks begin on floor 3 (or stand in the row)
my $plain = qr/^(inttypes|limits|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string)\.h$/;
my %more = ('common/base' => qr/^(errno|pthread|time|unistd|sys\/random)\.h$/, 'common/store' => qr/^(errno|fcntl|unistd|sys\/\w+)\.h$/,
	'common/conf' => qr/^(errno|fcntl|unistd|sys\/stat)\.h$/, 'common/crypto' => qr/^(errno|fcntl|unistd|sys\/\w+)\.h$/,
	'common/i18n' => qr/^locale\.h$/);

sub folder_of
{
	my ($path) = @_;
	my ($best) = sort { length $b <=> length $a } grep { $path =~ m{^\Q$_\E(/|$)} } keys %floor;
	return $best;
}

my @files;
find({no_chdir => 1, wanted => sub { push @files, $_ if /\.[ch]$/ }}, grep { -d } qw(common daemon tools));
my @wrong;
for my $file (sort @files) {
	my $here = folder_of($file);
	if (!defined $here) {
		push @wrong, "$file: its folder has no floor in tests/lint/floors.t";
		next;
	}
	open my $in, '<', $file or die "$file: $!";
	while (<$in>) {
		next unless /^\s*#\s*include\s*([<"])([^>"]+)[>"]/;
		my ($kind, $what, $at) = ($1, $2, "$file:$.");
		my ($lib) = grep { $what =~ $_ } keys %owner;
		if (defined $lib) {
			push @wrong, "$at: $what belongs to $owner{$lib}" if $owner{$lib} ne $here;
		} elsif ($kind eq '<') {
			my $ok = $floor{$here} >= 3 ? $what =~ $libc : $what =~ $plain || ($more{$here} && $what =~ $more{$here});
			push @wrong, "$at: <$what> is not for $here (a library's header needs an owner in tests/lint/floors.t)"
				if !$ok;
		} else {
			my $there = folder_of($what);
			if (!defined $there) {
				push @wrong, "$at: \"$what\" is on no floor";
			} elsif ($floor{$there} > $floor{$here}) {
				push @wrong, "$at: $here (floor $floor{$here}) looks up to $there (floor $floor{$there})";
			} elsif ($floor{$here} == 4 && $there ne $here && $floor{$there} == 4) {
				push @wrong, "$at: $here looks sideways into $there";
			}
		}
	}
}
print "1..1\n", @wrong ? 'not ' : '', 'ok 1 - includes of ', scalar @files, " files stay on their floor or below\n";
print STDERR "# $_\n" for @wrong;
exit(@wrong > 0);
