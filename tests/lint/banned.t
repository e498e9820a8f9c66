#!/usr/bin/perl
# TAP: functions that are not called, or only in the folders named. Comments and texts are not looked at.
use strict;
use warnings;
use File::Find;

my $any = qr/^(common|daemon|tools|tests)\//;
my $tests = qr/^tests\//;
my $ours = qr/^tests\/|^tools\/|^daemon\//;

# functions, why not, where all the same
my @rows = (
	['sprintf vsprintf gets strncpy stpcpy alloca strtok', 'no bound, or a bound that does not end the text', undef],
	# tests copy and read their own constants, under FORTIFY and ASan
	['strcpy strcat strncat', 'no bound', $tests],
	['atoi atol atoll atof scanf fscanf sscanf vsscanf', 'takes what is not a number; common/base/text', $tests],
	['rand srand random srandom rand_r drand48', 'common/base/rng for tests, common/crypto/random for secrets', undef],
	['time clock_gettime gettimeofday clock times ftime', 'a clock is handed in', qr/^common\/base\/clock\.|^tests\/|^daemon\/rt\//],
	['localtime localtime_r gmtime gmtime_r mktime timegm strftime ctime asctime tzset', 'common/base/date; time zones stand in events', undef],
	['malloc calloc realloc reallocarray free strdup strndup aligned_alloc posix_memalign',
		'memory is given by the caller (arena, buf)',
		# buffers; the store; the scratch of blocks; what JSON hands over
		qr/^common\/base\/buf\.c|^common\/store\/|^common\/log\/block_io\.c|^common\/(intake|node|out|conf|import)\/|$ours/],
	['printf puts putchar fprintf vfprintf fputs perror syslog', 'libraries return, programs log',
		qr/^common\/base\/(check|log)\.c|^common\/out\/|$ours/],
	['exit _exit abort quick_exit', 'libraries return an as_err; our own mistakes are as_assert', qr/^common\/base\/check\.c|$ours/],
	['assert', 'as_assert, which is never compiled out', $tests],
	['getenv setenv putenv setlocale', 'read by programs, handed in to libraries', qr/^common\/i18n\/|$ours/],
	['system popen execlp execvp', 'no shell', $tests],
	['pthread_create thrd_create fork', 'one owner per thing; threads are made by daemon/rt', qr/^daemon\/|^tests\//],
	['signal setjmp longjmp', 'control flow stays visible', qr/^daemon\/|^tests\//],
);

sub code_of
{
	my ($file) = @_;
	local $/;
	open my $in, '<', $file or die "$file: $!";
	my $text = <$in>;
	# blank out comments, texts, characters; keep the lines
	$text =~ s{(/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}{my $t = $1; $t =~ s/[^\n]+/ /g; $t}gse;
	return $text;
}

my (@files, @wrong);
find({no_chdir => 1, wanted => sub { push @files, $_ if /\.[ch]$/ }}, grep { -d } qw(common daemon tools tests));
my %code = map { $_ => code_of($_) } @files;
print '1..', scalar @rows, "\n";
my $n = 0;
for my $row (@rows) {
	my ($names, $why, $where) = @$row;
	my $calls = join '|', split ' ', $names;
	my $bad = 0;
	$n++;
	for my $file (sort @files) {
		next if $where && $file =~ $where;
		my $line = 0;
		for (split /\n/, $code{$file}) {
			$line++;
			# not a member (x->free), not a declaration of our own with that end (kv_free)
			while (/(?<![\w.>])($calls)\s*\(/g) {
				print STDERR "# $file:$line: $1: $why\n";
				$bad++;
			}
		}
	}
	print $bad ? 'not ' : '', "ok $n - ", (split ' ', $names)[0], " and the like: $why\n";
	push @wrong, $names if $bad;
}
exit(@wrong > 0);
