#!/usr/bin/env bats
# Many links to one head office: 300, or LINKS=2000 with E2E_WAIT=400 (make check-long).

load helpers

# enrol_many FROM TO: the join codes of B00001 …, one a line, over the control socket
enrol_many()
{
	perl -MIO::Socket::UNIX -MJSON::PP -e '
		alarm 300;
		for my $i ($ARGV[1] .. $ARGV[2]) {
			my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
			printf $s qq({"cmd":"hq-enrol","branch":"B%05d"}\n), $i;
			my $answer = decode_json(scalar <$s>);
			print $answer->{join_code} // die("no code"), "\n";
		}' hq/run/control.sock "$1" "$2"
}

rss_mib()
{
	awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$(cat "$T/$1.pid")/status"
}

# links_start: a process for each 500 of the codes; what they say goes to links.out
links_start()
{
	local part
	split -l 500 codes codes.
	: >links.out
	: >links.pids
	for part in codes.??; do
		"$build/many_links" <"$part" >>links.out 2>>links.err 3>&- &
		echo $! >>links.pids
	done
}

links_end()
{
	local pid
	for pid in $(cat links.pids); do
		echo "$pid" >links.pid
		signalled TERM links
	done
}

all_served()
{
	[ "$(awk '{ n += $2 } END { print n + 0 }' links.out)" -ge "$1" ]
}

@test "many links: all served, in bounded memory, and a branch beside them syncs" {
	n=${LINKS:-300}
	most=$((200 + n / 10)) # MiB
	hq_init
	sed -i "/^\[link\]/a max_links = $((2 * n + 10))" hq/aftersync.conf # a joining branch has two for a moment
	ulimit -Sn "$(ulimit -Hn)"
	start hq
	branch bj BJ01
	start bj
	before=$(rss_mib hq)
	enrol_many 1 "$n" >>codes
	[ "$(sort -u codes | wc -l)" = "$n" ] || { tail -n 2 codes; tail -n 3 hq.log; return 1; }
	links_start
	eventually all_served "$n"
	awaits hq ".totals.in_sync == $((n + 1)) and .totals.branches == $((n + 1))"
	orders 1 100 | submit bj
	awaits bj 'b.state == "in-sync" and b.acked == 101'
	after=$(rss_mib hq)
	echo "# head office: $before MiB, with $n links $after MiB" >&3
	[ "$after" -lt "$most" ]

	# all of them go and come back at once
	stop hq
	start hq
	awaits hq ".totals.in_sync == $((n + 1))"
	[ "$(rss_mib hq)" -lt "$most" ]
	links_end
	awaits hq '.totals.in_sync == 1'
	verified hq
}

cpu_ticks() # of head office so far
{
	awk '{ print $14 + $15 }' "/proc/$(cat "$T/hq.pid")/stat"
}

@test "the limit of open files is raised as far as it goes, and where it ends nothing spins" {
	hq_init
	branch bj BJ01
	ulimit -Sn 64
	start hq
	[ "$(awk '/^Max open files/ { print $4 }' "/proc/$(cat hq.pid)/limits")" = 2256 ]
	! log_has hq files-limit
	stop hq
	ulimit -Hn 120
	start hq
	log_has hq 'what=files-limit files=120 wanted=2256 links=60 max_links=2000'
	start bj
	awaits bj 'b.state == "in-sync"'
	# strangers take all descriptors that are left, and more wait; all of it in one handshake's time
	for _ in 1 2 3 4; do
		perl -MIO::Socket::INET -e '
			my @s = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]", Blocking => 0) } 1 .. 90;
			sleep 3' "$hq_port" 3>&- &
	done
	before=$(cpu_ticks)
	sleep 2
	used=$(($(cpu_ticks) - before))
	echo "# head office used $used of 200 ticks" >&3
	[ $used -lt 40 ]
	log_has hq what=accept-failed
	orders 1 10 | submit bj
	awaits bj 'b.state == "in-sync" and b.acked == 11'
	verified hq
}
