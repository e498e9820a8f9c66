#!/usr/bin/env bats
# What comes in and is wrong: on the port, in join codes, on the control socket, in submissions. Each is refused for
# itself; a pair beside it syncs on.

load helpers

pair()
{
	hq_init
	start hq
	branch bj BJ01
	start bj
	in_sync 0 bj
}

# control NAME: what its socket answers to standard input
control()
{
	perl -MIO::Socket::UNIX -e '
		alarm 30;
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
		local $/; $SIG{PIPE} = "IGNORE";
		my $all = <STDIN>;
		for (my $at = 0; $at < length $all; ) { my $n = syswrite $s, $all, 65536, $at or last; $at += $n }
		shutdown $s, 1; my $got = <$s>; print $got // ""' "$T/$1/run/control.sock"
}

@test "strangers on the port: garbage, half a handshake, a giant frame, unknown keys" {
	pair
	orders 1 300 >load
	submit bj <load &
	perl -MIO::Socket::INET -e '
		alarm 60; $SIG{PIPE} = "IGNORE";
		my @open;
		my $dial = sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0]) or die $! };
		my $greeting = "\xff" . "\0" x 8 . "\x7f\3\1CURVE" . "\0" x 15 . "\0" . "\0" x 31;
		for (1 .. 30) {
			push @open, my $s = $dial->();
			syswrite $s, join "", map { chr int rand 256 } 1 .. 5000;                 # garbage
			push @open, $s = $dial->(); syswrite $s, "GET / HTTP/1.1\r\n\r\n";
			push @open, $s = $dial->(); syswrite $s, substr $greeting, 0, 1 + $_;     # half a greeting
			push @open, $s = $dial->(); syswrite $s, $greeting . "\4\xc8\5HELLO" . "\1\0" . "\0" x 72 . "x" x 120;
			push @open, $s = $dial->(); syswrite $s, $greeting . "\2" . pack("Q>", 1 << 40) . "x" x 60000;
			push @open, $s = $dial->(); syswrite $s, $greeting . "\6" . pack("Q>", 0x7fffffffffffffff);
		}
		close $_ for splice @open, 0, 90;
		sleep 1;' "$hq_port"
	wait $!
	in_sync 301 bj
	orders 301 1 | submit bj
	in_sync 302 bj
	log_has hq 'what=link-refused'
	# many are said in few lines
	[ "$(grep -c link-refused hq.log)" -le 100 ]
	stop hq bj
	verified hq bj
}

@test "join codes: cut short, damaged, expired, used by another, of another head office" {
	pair
	code=$(enrol GZ02)
	run -64 aftersync branch join "${code:0:200}" --dir gz
	[ "${#lines[@]}" = 1 ]
	echo "$output"
	[[ $output = *missing* ]]
	[[ $output != *"${code:20:40}"* ]]
	other=A
	[ "${code:150:1}" != A ] || other=B
	run -64 aftersync branch join "${code:0:150}$other${code:151}" --dir gz
	[ "${#lines[@]}" = 1 ]
	run -64 aftersync branch join nonsense --dir gz
	[ "${#lines[@]}" = 1 ]
	[ ! -e gz ]
	# blanks and line breaks of a mail do no harm
	fold -w 60 <<<"$code" | sed 's/^/  /' | aftersync branch join - --dir gz >/dev/null
	[ -e gz/node ]

	# used twice by another directory
	aftersync branch join "$code" --dir "$T/gz-other" >/dev/null
	start gz
	BRANCH=GZ02 awaits hq 'b.state == "in-sync"'
	start gz-other
	logs hq 'what=alarm branch=GZ02 alarm="another key used a used token"'
	awaits gz-other 'b.state == "joining" and (b.reason | endswith("its code was used, has expired, or is of another branch"))'
	orders 901 1 | submit gz-other
	state_is gz-other 'b.state == "joining" and b.acked == 0'
	orders 801 1 | submit gz
	in_sync 2 gz
	[ "$(received hq GZ02)" = 1 ]

	# expired before the first contact
	code=$(enrol SH03 --expires 3s)
	join sh "$code"
	expired=$(($(date +%s) + 3))
	eventually eval '[ $(date +%s) -gt $expired ]'
	start sh
	logs hq 'what=join-refused branch=SH03 token=3 reason="the token has expired"'
	orders 701 1 | submit sh
	state_is sh 'b.state == "joining" and b.reason != "" and b.head == 2'
	run -1 aftersync branch join "$code" --dir sh-late
	[[ $output = *expired* ]]
	code=$(enrol SH03)
	run ! aftersync branch join "$code" --dir sh # its daemon runs
	stop sh
	join sh "$code" # the same directory: it keeps what it recorded
	start sh
	BRANCH=SH03 awaits hq 'b.state == "in-sync" and b.acked >= 2'
	[ "$(received hq SH03)" = 1 ]

	# a code of another organisation into a directory that is a branch already
	hq_init hq2
	other=$(aftersync hq enrol BJ01 --dir hq2 | tail -n 1)
	stop bj
	run -1 aftersync branch join "$other" --dir bj
	[ "${#lines[@]}" = 1 ]
	run -1 aftersync branch join "$(enrol BJ07)" --dir bj
	[[ $output = *"another node"* ]]
	start bj
	in_sync 0 bj
}

@test "the control socket: what is no request, or is none of this daemon's" {
	pair
	for name in hq bj; do
		[ "$(echo nonsense | control $name | jq .exit)" = 64 ]
		[ "$(echo '["status"]' | control $name | jq .exit)" = 64 ]
		[ "$(echo '{"cmd":7}' | control $name | jq .exit)" = 64 ]
		[ "$(echo '{"cmd":"status","cmd":"why"}' | control $name | jq .exit)" = 64 ]
		[ "$(echo '{"cmd":"make-coffee"}' | control $name | jq .exit)" = 64 ]
		perl -e 'print q({"cmd":"status","x":"), "y" x 2000000, qq("}\n)' | control $name >answer || true
		[ "$(jq -r .exit answer)" = 64 ] && grep -q 'the request is longer than 65536 bytes' answer
		printf '{"cmd":"status"}' | control $name | jq -se '.[0].role' # no line feed at the end
		perl -e 'print q({"cmd":"why","branch":"), "\xff\xfe", qq("}\n)' | control $name | jq -se '.[-1].exit > 0'
		perl -e 'print "[" x 50000, "\n"' | control $name | jq -se '.[-1].exit == 64'
	done
	[ "$(echo '{"cmd":"submit"}' | control hq | jq .exit)" = 1 ]
	[ "$(echo '{"cmd":"hq-enrol","branch":"GZ02"}' | control bj | jq .exit)" = 64 ]
	[ "$(echo '{"cmd":"hq-enrol","branch":"no such code"}' | control hq | jq .exit)" = 64 ]
	run -1 eval 'orders 1 1 | aftersync submit --dir hq -'
	[ "${#lines[@]}" = 1 ]
	run -1 aftersync report volume --dir hq --by nonsense || [ "$status" = 64 ]
	orders 1 1 | submit bj
	in_sync 2 bj
}

@test "submissions: every line is answered for itself" {
	pair
	orders 1 2 | submit bj
	first=$(jq -r .case answers | head -n 1)
	{
		orders 3 1
		echo 'not JSON at all'
		orders 4 1
		echo '{"kind":"REPAIR_RECEIVED","occurred_at":"2026-11-23T09:30:00+08:00","actor":1001,"facts":{"model":"A1","colour":"red"}}'
		echo '{"kind":"REPAIR_TELEPORTED","occurred_at":"2026-11-23T09:30:00+08:00","actor":1001,"facts":{}}'
		echo '{"kind":"REPAIR_INSPECTED","case":"NO-SUCH","occurred_at":"2026-11-23T09:30:00+08:00","actor":1,"facts":{"cause":"SCREEN","warranty":"IN_WARRANTY"}}'
		echo "{\"kind\":\"REPAIR_DELIVERED\",\"case\":\"$first\",\"occurred_at\":\"2026-11-23T09:30:00+08:00\",\"actor\":1,\"facts\":{\"tested_with_customer\":true,\"taken_by\":\"OWNER\"}}"
		orders 5 1 "\"case\":\"$first\","
		orders 1 1                                   # the same event again
		orders 2 1 | sed 's/"model":"A1"/"model":"A2"/' # its id, another content
		orders 6 1
		printf '{"kind":"REPAIR_RECEIVED","personal":{"name":"'"$secret_name"'","phone":"not a phone"},\377\n'
		perl -e 'print q({"kind":"), "x" x 300000, qq("}\n)' | head -c 40000
		echo
		perl -e 'print q({"kind":"), "x" x 300000, qq("}\n)'
		orders 7 1
	} >lines
	run -1 eval 'aftersync submit --dir bj lines >answers 2>err'
	cat answers
	[ "$(jq -c .line answers | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ' ]
	[ "$(jq -r 'select(.index != null) | "\(.line):\(.index)"' answers | tr '\n' ' ')" = '1:3 3:4 9:1 11:5 15:6 ' ]
	answer() { jq -se "any(.line == $1 and ($2))" answers >/dev/null; }
	answer 2 '.error | test("JSON")'
	answer 4 '.field == "facts.colour" or (.field | startswith("facts"))'
	answer 5 '.error | test("REPAIR_TELEPORTED")'
	answer 6 '.field == "case" and (.error | test("There is no case NO-SUCH"))'
	answer 7 '.rule == "R-04"'
	answer 8 '.field == "case" and (.error | test("names a case already"))'
	answer 9 ".case == \"$first\""
	answer 10 '.field == "event_id" and (.error | test("recorded already"))'
	answer 12 '.error | length > 0'
	answer 13 '.error | length > 0'
	answer 14 '.error | test("longer than")'
	# no answer says what a customer said
	run ! grep -E "$secret_name|$secret_phone" answers err
	in_sync 7 bj
	[ "$(received hq BJ01)" = 6 ]

	# a line that is too long, from a program that does not look: answered in its place, and the others as ever
	perl -e 'print qq({"cmd":"submit"}\n)' >raw
	orders 8 1 >>raw
	perl -e 'print q({"kind":"), "x" x 3000000, qq("}\n)' >>raw
	perl -e 'print "y" x 65537, "\n"' >>raw
	orders 9 1 >>raw
	perl -e 'print "z" x 70000' >>raw # without its end
	control bj <raw >answers
	[ "$(jq -rs 'map(.line // empty) | map(tostring) | join(" ")' answers)" = '1 2 3 4 5' ]
	[ "$(jq -r 'select(.index != null) | "\(.line):\(.index)"' answers | tr '\n' ' ')" = '1:7 4:8 ' ]
	[ "$(jq -rs 'map(select((.error // "") | test("longer than 65536 bytes"))) | map(.line | tostring) | join(" ")' answers)" = '2 3 5' ]
	[ "$(jq -s '.[-1].exit' answers)" = 1 ]
	in_sync 9 bj

	# several at once, and one that hangs up
	for i in 1 2 3 4; do
		orders $((100 * i)) 50 | aftersync submit --dir bj - >answers.$i 3>&- &
		pids[i]=$!
	done
	{ echo '{"cmd":"submit"}'; orders 900 3; } | perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die; local $/; print $s <STDIN>; close $s' bj/run/control.sock
	for i in 1 2 3 4; do
		wait ${pids[i]}
		[ "$(jq -s 'map(select(.index != null)) | length' answers.$i)" = 50 ]
	done
	[ "$(cat answers.? | jq .index | sort -u | wc -l)" = 200 ]
	eventually eval '[ "$(received bj BJ01)" = 211 ]'
	in_sync 212 bj
	verified hq bj
	stop bj
	run -69 aftersync submit --dir bj lines
	[ "${#lines[@]}" = 1 ]
	run -69 aftersync why BJ01 --dir bj
}

# Every line that the golden stories take, but what follows an event of head office; the cases of each story apart.
golden_lines()
{
	perl -e 'for my $file (@ARGV) {
		open my $in, "<", $file or die "$file: $!";
		my ($group) = $file =~ m{(\w+)\.txt$};
		my ($story, $line, $hq) = (0, "");
		while (<$in>) {
			($story, $hq) = ($story + 1, 0) if /^---/;
			$hq = 1 if /^HQ .*DAY_/;
			$line = $_ if /^\{/;
			$line = "" if /^HQ/;
			next unless /^= ok/ && $line && !$hq;
			$line =~ s/"case":"/"case":"$group$story-/;
			$line =~ s/^\{/{"actor":1001,/ unless $line =~ /"actor"/;
			$line =~ s/^\{/{"occurred_at":"2026-11-23T09:30:00+08:00",/ unless $line =~ /"occurred_at"/;
			print $line;
			$line = "";
		}
	}' "$BATS_TEST_DIRNAME"/../golden/lines/*.txt
}

@test "every kind of the department: submitted, shown, exported, counted right" {
	pair
	golden_lines >lines
	[ "$(wc -l <lines)" -gt 120 ]
	submit bj <lines
	in_sync $(($(wc -l <lines) + 1)) bj
	run -0 aftersync show stock0-P1 --dir "$T/hq"
	[[ $output =~ ARRIVED_SHORT && $output =~ RESOLVED ]]
	run -0 aftersync show day0-D1 --dir "$T/bj" --format json
	[[ $output =~ '"close_due":"2026-11-23T21:00:00+08:00"' ]]
	aftersync log export --dir "$T/hq" >export
	grep -q '"kind":"ASSESSMENT_SCORED".*"kpi":"QC_FAIL"' export
	run -1 grep -e 13800138000 -e 张伟光 export
	run -0 aftersync verify --dir "$T/hq"
	run -0 aftersync rebuild --check --dir "$T/hq"
}
