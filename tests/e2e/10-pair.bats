#!/usr/bin/env bats
# A head office and its branches: from two commands to a syncing pair, with and without a line at the beginning.

load helpers

@test "the quick start of README.md, word by word" {
	local top=$BATS_TEST_DIRNAME/../.. words n=0 last=
	sed -n '/^### Quick start/,/^## /p' "$top/README.md" | sed -n '/^```/,/^```/p' | grep -v '^```' |
	    grep -v '^export PATH=' >commands
	hq_port=$(free_port)
	cd "$top"
	while read -r words; do
		words=${words//7443/$hq_port}
		words=${words//\/tmp\/aftersync-/$T\/quick-}
		words=${words//JOINCODE/$last}
		case $words in
		*"&")
			n=$((n + 1))
			PATH=$build:$PATH bash -c "exec ${words%&}" </dev/null >/dev/null 2>>"$T/quick-$n.log" 3>&- &
			echo $! >"$T/quick-$n.pid"
			eventually grep what=started "$T/quick-$n.log"
			;;
		*status*quick-hq | *show*quick-hq) # a person types slower than the first sync
			eventually eval "PATH=$build:$PATH timeout 20 $words"
			;;
		*)
			run env PATH="$build:$PATH" timeout 20 bash -c "$words"
			echo "$words => $status: $output"
			[ "$status" -le "$([[ $words = *status* ]] && echo 2 || echo 0)" ]
			last=${lines[-1]}
			;;
		esac
	done <"$T/commands"
	[ $n = 2 ]
	[ "$last" = 'Nothing is wrong.' ]
	[ "$(PATH=$build:$PATH aftersync report volume --dir "$T/quick-hq" --period day --format csv | tail -n 1 | tr -d '\r')" = \
	    '2026-11-23,0,1,0,0,0,0,0,1,0,0,1' ]
}

@test "the lines of the quick start pasted at once: commands and daemons wait for each other" {
	local i p pids=()
	for i in 1 2 3; do
		rm -rf "$T/p-hq" "$T/p-bj"
		hq_port=$(free_port)
		aftersync hq init --dir "$T/p-hq" --listen "tcp://127.0.0.1:$hq_port" >/dev/null
		"$build/aftersync-hqd" --dir "$T/p-hq" </dev/null >/dev/null 2>>"$T/p-hq.log" 3>&- &
		pids=($!)
		aftersync hq enrol BJ01 --dir "$T/p-hq" | tail -n 1 >"$T/p-code"
		aftersync branch join - --dir "$T/p-bj" <"$T/p-code" >/dev/null
		"$build/aftersync-branchd" --dir "$T/p-bj" </dev/null >/dev/null 2>>"$T/p-bj.log" 3>&- &
		pids+=($!)
		[ "$(aftersync submit --dir "$T/p-bj" "$BATS_TEST_DIRNAME/../../docs/example.ndjson" | grep -c '"case":"EX-1"')" = 5 ]
		eventually [ -S "$T/p-hq/run/control.sock" ] # it may have waited for the directory until now
		kill "${pids[@]}" # both run
		for p in "${pids[@]}"; do wait "$p"; done
	done
}

@test "installing by docs/operations.md, word by word, without systemd and root" {
	local words last=
	hq_port=$(free_port)
	sed -n '/^## Head office: the first time/,/^\*\*Another server/p' "$BATS_TEST_DIRNAME/../../docs/operations.md" |
	    sed -n '/^```$/,/^```$/p' | grep -v '^```' | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ta' -e '}' >commands
	sed -i '/ --from /d' commands # many branches at once: needs a file
	[ "$(wc -l <commands)" = 6 ]
	while read -r words; do
		words=${words//sudo -u aftersync /}
		words=${words//7443/$hq_port}
		words=${words//hq.example/127.0.0.1}
		words=${words//\/var\/lib\/aftersync/$T}
		words=${words//aftersync-join-1.AQE…/$last}
		case $words in
		*systemctl*aftersync-hqd) start hq ;;
		*systemctl*aftersync-branchd) start branch ;;
		*)
			run env PATH="$build:$PATH" timeout 20 bash -c "$words"
			echo "$words => $status: $output"
			[ "$status" = 0 ]
			last=${lines[-1]}
			;;
		esac
	done <commands
	eventually eval "[ \"\$(aftersync status --dir '$T/hq' --format json | jq -r '.branches[0].state')\" = in-sync ]"
}

@test "two commands to a syncing pair" {
	hq_init
	start hq
	branch bj BJ01 --name "Beijing Chaoyang" --region north
	start bj
	in_sync 0 bj
	orders 1 3 | submit bj
	[ "$(jq -c '[.line, .index]' answers | tr -d '\n')" = '[1,1][2,2][3,3]' ]
	[ "$(jq -r .event_id answers | sort -u | wc -l)" = 3 ]
	in_sync 4 bj # with the event that opened the log
	state_is hq 'b.name == "Beijing Chaoyang" and b.region == "north" and b.reason == "" and b.incarnation == 1 and
		b.refused == 0 and b.lag_events == 0 and .state == "serving" and .instance == 1 and .totals.events == 4'
	[ "$(received hq BJ01)" = 3 ]
	[ "$(received bj BJ01)" = 3 ]
	# the same answer with the daemon and without
	aftersync report volume --dir "$T/hq" --format csv >with.csv
	verified hq bj
	stop bj hq
	aftersync report volume --dir "$T/hq" --format csv >without.csv
	cmp with.csv without.csv
	verified hq bj
}

@test "a branch records between join and first contact; all of it arrives" {
	hq_init
	branch bj BJ01 # no daemon of head office has run yet
	start bj
	state_is bj 'b.state == "joining" and b.head == 0'
	orders 1 5 | submit bj
	state_is bj 'b.state == "joining" and b.head == 6 and b.acked == 0 and b.lag_events == 6'
	stop bj
	start bj
	orders 6 5 | submit bj # without head office's word a start opens a child
	jq -r .case answers | grep -qE '^BJ01[0-9]{12}-[0-9a-v]{2}$'
	start hq
	hurry bj
	in_sync 12 bj
	[ "$(received hq BJ01)" = 10 ]
	verified hq bj
}

@test "a Joined that is lost" {
	hq_init
	start hq
	relay_start
	branch bj BJ01 --endpoint "tcp://127.0.0.1:$relay_port"
	relay delay 300 # head office has admitted it before its word gets through
	start bj
	logs hq 'what=admitted branch=BJ01 token=1'
	relay cut
	murder hq
	start hq
	state_is bj 'b.state == "joining"'
	relay delay 0
	relay heal
	in_sync 0 bj
	orders 1 1 | submit bj
	in_sync 2 bj
	[ "$(aftersync log export --dir hq </dev/null | grep -c NODE_ADMITTED)" = 1 ]
}
