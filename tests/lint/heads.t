#!/usr/bin/perl
# TAP: how files begin and what no file holds. Run from the top folder.
use strict;
use warnings;
use File::Find;

# A file over 800 lines says here why it is one.
my %long = (
	'common/wire/msg_codec.c' => 'one function each way per message, nothing else',
	'tests/lib/trace.c' => 'the interpreter of golden traces, one case per word of their language',
	'tests/unit/test_block.c' => 'one test per check of a block',
	'tests/unit/test_rt_link.c' => 'one rig, server and clients in one loop, for all stories of a link',
	'tests/unit/test_sync_trace.c' => 'one trace per story of the protocol',
);

my @tests = (
	'a header begins with what it is for' => sub {
		my ($file, $text) = @_;
		return $file !~ /\.h$/ || $text =~ m{\A/\*\s+\S};
	},
	'a header is guarded by the name of its path' => sub {
		my ($file, $text) = @_;
		return 1 if $file !~ /\.h$/;
		my $want = 'AFTERSYNC_' . uc($file =~ s{^common/}{}r =~ s{[^\w]}{_}gr);
		return $text =~ /^#ifndef \Q$want\E\n#define \Q$want\E\n/m && $text =~ /#endif\s*\z/;
	},
	'a source begins with a comment or with its own header' => sub {
		my ($file, $text) = @_;
		return 1 if $file !~ /\.c$/;
		my $own = $file =~ s/\.c$/.h/r;
		my ($first) = $text =~ /^#include\s+(\S+)/m;
		return 0 if -e $own && ($first // '') ne "\"$own\"";
		return $text =~ m{\A/\*\s+\S} || $text =~ m{\A#include "};
	},
	'no file of over 800 lines without a reason' => sub {
		my ($file, $text) = @_;
		return $file !~ /\.[ch]$/ || $text =~ tr/\n// <= 800 || $long{$file};
	},
	'no blanks at the end of a line, a line feed at the end of a file' => sub {
		my ($file, $text) = @_;
		return $text eq '' || ($text !~ /[ \t\r]$/m && $text =~ /\n\z/ && $text !~ /\n\n\z/);
	},
	'no path of one machine, no address of a person or of a package registry' => sub {
		my ($file, $text) = @_;
		return $text !~ m{(?<![\w.])/(?:work|root|home|Users|mnt)/\w}
			&& $text !~ /\b(?:pypi\.|npmjs|crates\.io|rubygems|index\.docker|proxy\.golang|deb\.debian)/
			&& $text !~ /[\w.+-]\@(?!example\b)[\w-]+\.(?:com|org|net|io|dev)\b/
			&& $text !~ /^\s*\W*\s*(?:\@author|(?:co-authored-by|signed-off-by)\s*:)/mi;
	},
	'what begins with #! can be run' => sub {
		my ($file, $text) = @_;
		return $text !~ /\A#!/ || -x $file;
	},
	'no merge marks' => sub { return $_[1] !~ /^(?:<<<<<<<|>>>>>>>) /m },
);

my (@files, %text);
find({no_chdir => 1, wanted => sub {
	return $File::Find::prune = 1 if m{^\./(build|\.git)$} || m{/corpus$} || m{/golden$} || m{^\./tests/data$};
	push @files, s{^\./}{}r if -f && !/^\.\/LICENSE$/ && $_ ne './tests/lint/heads.t' && $_ ne './.git';
}}, '.');
for my $file (@files) {
	local $/;
	open my $in, '<', $file or die "$file: $!";
	$text{$file} = <$in> // '';
}
print '1..', @tests / 2, "\n";
my ($n, $failed) = (0, 0);
while (my ($name, $holds) = splice @tests, 0, 2) {
	my @wrong = grep { !$holds->($_, $text{$_}) } sort @files;
	$n++;
	print @wrong ? 'not ' : '', "ok $n - $name\n";
	print STDERR "# $_: not so: $name\n" for @wrong;
	$failed ||= @wrong;
}
exit($failed > 0);
