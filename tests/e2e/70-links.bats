#!/usr/bin/env bats
# Many links to one head office.

load helpers

# enrol_many N: the join codes of B001 …, one a line, over the control socket
enrol_many()
{
	perl -MIO::Socket::UNIX -MJSON::PP -e '
		alarm 60;
		for my $i (1 .. $ARGV[1]) {
			my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
			printf $s qq({"cmd":"hq-enrol","branch":"B%03d"}\n), $i;
			my $answer = decode_json(scalar <$s>);
			print $answer->{join_code} // die("no code"), "\n";
		}' hq/run/control.sock "$1"
}

rss_mib()
{
	awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$(cat "$T/$1.pid")/status"
}

@test "300 links: all served, in bounded memory, and a branch beside them syncs" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	before=$(rss_mib hq)
	enrol_many 300 >codes
	[ "$(sort -u codes | wc -l)" = 300 ] || { tail -n 2 codes; tail -n 3 hq.log; return 1; }
	"$build/many_links" <codes >links.out 2>links.err 3>&- &
	echo $! >links.pid
	eventually grep -qx 'served 300' links.out
	awaits hq '.totals.in_sync == 301 and .totals.branches == 301'
	orders 1 100 | submit bj
	awaits bj 'b.state == "in-sync" and b.acked == 101'
	after=$(rss_mib hq)
	echo "# head office: $before MiB, with 300 links $after MiB" >&3
	[ "$after" -lt 200 ]

	# all of them go and come back at once
	stop hq
	start hq
	awaits hq '.totals.in_sync == 301'
	[ "$(rss_mib hq)" -lt 200 ]
	signalled TERM links
	awaits hq '.totals.in_sync == 1'
	verified hq
}
