#!/usr/bin/env bats
# Either side ends, politely or not, idle or under load, and goes on.

load helpers

@test "either side ends and is killed; with the line the branch goes on in its log" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	orders 1 2 | submit bj
	in_sync 3 bj

	stop bj
	awaits hq 'b.state == "stale"'
	start bj
	in_sync 3 bj
	orders 3 1 | submit bj
	murder bj
	start bj
	in_sync 4 bj

	stop hq
	awaits bj 'b.state == "stale"'
	orders 4 1 | submit bj
	start hq
	hurry bj
	in_sync 5 bj
	orders 5 1 | submit bj
	murder hq
	orders 6 1 | submit bj
	start hq
	hurry bj
	in_sync 7 bj
	state_is bj 'b.incarnation == 1'
	[ "$(jq -r .case answers | grep -c -- -)" = 0 ]
	[ "$(received hq BJ01)" = 6 ]
	verified hq bj
}

@test "when a branch was heard last outlives head office" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	aftersync hq enrol GZ02 --dir hq >/dev/null
	orders 1 1 | submit bj
	in_sync 2 bj
	heard() { aftersync status --dir "$1" --format json | jq -r '.branches[] | select(.branch == "'"$2"'").last_seen' || true; }
	before=$(heard hq BJ01)
	[ "$before" != null ]
	stop bj
	[ "$(heard bj BJ01)" != null ] # its receipt says so
	stop hq
	offline=$(heard hq BJ01)
	[ "$(date -d "$offline" +%s)" -ge "$(date -d "$before" +%s)" ]
	[ "$(heard hq GZ02)" = null ]
	start hq
	BRANCH=BJ01 state_is hq 'b.state == "stale"'
	[ "$(heard hq BJ01)" = "$offline" ]
	[ "$(heard hq GZ02)" = null ]
	stop hq
	start bj
	[ "$(heard bj BJ01)" != null ]
	state_is bj 'b.state == "stale"'
}

@test "without the line a started branch opens a child; its labels end in two characters of it" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	orders 1 2 | submit bj
	in_sync 3 bj
	cp answers first
	stop hq
	murder bj
	start bj
	orders 3 2 | submit bj
	state_is bj 'b.incarnation == 2 and b.head == 6 and b.acked == 3 and b.lag_events == 3'
	cat first answers >all
	[ "$(jq -r .case first | grep -cxE 'BJ01[0-9]{12}')" = 2 ]
	[ "$(jq -r .case answers | grep -cxE 'BJ01[0-9]{12}-[0-9a-z]{2}')" = 2 ]
	[ "$(jq -r .case all | sort -u | wc -l)" = 4 ]
	[ "$(jq -r .index answers | tr '\n' ' ')" = '1 2 ' ]
	# a case of the parent goes on in the child, and both are shown as one
	label=$(jq -r .case first | head -n 1)
	echo "{\"kind\":\"REPAIR_INSPECTED\",\"case\":\"$label\",\"occurred_at\":\"2026-11-23T10:05:00+08:00\",\"actor\":1002,\"facts\":{\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\"}}" |
	    submit bj
	start hq
	hurry bj
	in_sync 7 bj
	BRANCH=BJ01 state_is hq 'b.incarnation == 2'
	[ "$(aftersync show "$label" --dir hq --format json </dev/null | jq -r .state)" = INSPECTED ]
	# the child goes on while there is a line
	stop bj
	start bj
	in_sync 7 bj
	orders 5 1 | submit bj
	in_sync 8 bj
	state_is bj 'b.incarnation == 2'
	[ "$(received hq BJ01)" = 5 ]
	verified hq bj
}

# Lines that were answered with an index are there; the daemon ends with 0 in the middle of 20,000.
@test "SIGTERM during load: every answered line is there" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	in_sync 0 bj
	orders 1 20000 >load
	aftersync submit --dir bj load >answers 2>submit.err </dev/null 3>&- &
	local submit_pid=$!
	eventually grep -q '"line":2000,' answers
	stop bj
	code=0
	wait $submit_pid || code=$?
	[ $code = 69 ] || [ $code = 1 ] || [ $code = 74 ] # not all was recorded, and it says so
	grep -q . submit.err
	run ! grep -vE '^\{"line":[0-9]+,"event_id":"[0-9a-f-]+","case":"[^"]+","index":[0-9]+\}$' answers
	answered=$(wc -l <answers)
	[ "$answered" -ge 2000 ]
	[ "$answered" -lt 20000 ]
	verified bj
	event_ids bj BJ01 | sort >held
	cp answers first
	jq -r .event_id answers | sort >told
	[ "$(comm -13 held told | wc -l)" = 0 ]
	# the same file again: what is there is answered as before, the rest is recorded
	start bj
	submit bj <load
	[ "$(wc -l <answers)" = 20000 ]
	head -n "$answered" answers | cmp - first
	in_sync $((20000 + $(jq '.branches[0].incarnation' <<<"$(status_json bj)"))) bj
	[ "$(event_ids hq BJ01 | sort | uniq -d | wc -l)" = 0 ]
	[ "$(received hq BJ01)" = 20000 ]
	stop hq bj
	verified hq bj
}
