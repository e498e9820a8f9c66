#!/usr/bin/perl
# TAP: a recipe that calls make again shares its jobs. make gives them only to a line in which it reads $(MAKE) or + before
# variables are replaced; else it warns, and the call runs with one job. Run from the top folder.
use strict;
use warnings;

open my $f, '<', 'Makefile' or die "Makefile: $!";
my $text = do { local $/; <$f> };
$text =~ s/\\\n/ /g;

# variables whose value calls make
my %calls;
while ($text =~ /^([A-Z_]+)\s*[:?]?=(.*)/mg) {
	my ($name, $value) = ($1, $2);
	$calls{$name} = 1 if $value =~ /\$[({]MAKE[)}]/;
}
my @recipes = grep { /^\t/ } split /\n/, $text;
my @wrong = grep {
	my $line = $_;
	$line !~ /\$[({]MAKE[)}]|^\t[@-]*\+/ && grep { $line =~ /\$[({]\Q$_\E[)}]/ } keys %calls;
} @recipes;
my $again = grep { /\$[({]MAKE[)}]/ } @recipes;

print "1..2\n";
print $again ? '' : 'not ', "ok 1 - recipes call make again\n";
print @wrong ? 'not ' : '', "ok 2 - and say so themselves\n";
print "# $_\n" for @wrong;
exit(!$again || @wrong);
