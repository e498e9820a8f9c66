#!/usr/bin/env bats
# A branch from an old copy, in two copies at once, and on another server.

load helpers

# Head office holds every one of these events in effect exactly once: FIRST LAST
each_once()
{
	event_ids hq BJ01 | sort -u >distinct
	orders "$1" $(($2 - $1 + 1)) | jq -r .event_id | sort | cmp - distinct
	[ "$(received hq BJ01)" = $(($2 - $1 + 1)) ]
}

# pair with 10 orders, a copy of the branch in $T/older, 20 more
pair_with_copy()
{
	hq_init
	start hq
	branch bj BJ01
	start bj
	orders 1 10 | submit bj
	in_sync 11 bj
	stop bj
	copy bj older
	start bj
	in_sync 11 bj
	orders 11 20 | submit bj
	in_sync 31 bj
	stop bj
}

@test "an older copy of a branch is started while the line works" {
	pair_with_copy
	copy older bj
	start bj
	orders 31 5 | submit bj # at once: it may not know yet that head office holds more
	awaits bj 'b.incarnation == 2'
	in_sync 37 bj # 36, and the event that opened the child
	each_once 1 35
	state_is hq 'b.incarnation == 2 and b.flagged == 0'
	[ "$(received bj BJ01)" = 35 ]
	verified hq bj
}

@test "an older copy of a branch is started without a line; restoring is seen when it is back" {
	hq_init
	start hq
	relay_start
	branch bj BJ01 --endpoint "tcp://127.0.0.1:$relay_port"
	start bj
	orders 1 10 | submit bj
	in_sync 11 bj
	stop bj
	copy bj older
	start bj
	in_sync 11 bj
	orders 11 400 | submit bj
	in_sync 411 bj
	murder bj
	copy older bj
	relay cut
	start bj
	orders 411 5 '"reason":"ten",' | submit bj
	state_is bj 'b.incarnation == 2 and b.head == 17'
	jq -r .case answers | grep -cE '^BJ01[0-9]{12}-[0-9a-z]{2}$' | grep -qx 5
	# a case that is not here
	relay rate 3000
	relay heal
	awaits bj 'b.state == "restoring" and b.reason != ""'
	BRANCH=BJ01 awaits hq 'b.state == "restoring" or b.state == "catching-up"'
	relay rate 0
	in_sync 417 bj # 10 + 400 + 5, two logs
	each_once 1 415
	[ "$(received bj BJ01)" = 415 ]
	verified hq bj
}

@test "the same number of orders again on a copy: nothing is lost, nothing twice" {
	pair_with_copy
	stop hq
	copy older bj
	start bj # no line
	orders 11 10 | submit bj # handed in again by people who saw them missing: the same events
	orders 31 5 | submit bj
	state_is bj 'b.incarnation == 2'
	start hq
	hurry bj
	awaits bj 'b.state == "in-sync"'
	BRANCH=BJ01 awaits hq 'b.state == "in-sync"'
	each_once 1 35
	verified hq bj
}

@test "two copies run: alarm and state clone; replacing ends it" {
	pair_with_copy
	copy bj twin
	start bj
	in_sync 31 bj
	start twin
	# both record; each is told when the other takes the session
	orders 31 1 | submit bj
	orders 32 1 | submit twin
	logs hq 'what=alarm branch=BJ01 alarm="two live copies of one branch'
	BRANCH=BJ01 awaits hq 'b.state == "clone"'
	run aftersync status --dir hq
	[ "$status" = 2 ]
	join new "$(enrol BJ01 --replace)"
	start new
	hurry bj twin
	BRANCH=BJ01 awaits hq 'b.state == "in-sync"'
	for name in bj twin; do
		awaits $name 'b.state == "revoked"'
	done
	awaits new 'b.state == "in-sync"'
	orders 40 1 | submit new
	awaits new 'b.state == "in-sync" and b.lag_events == 0'
	event_ids hq BJ01 | sort -u >distinct
	grep -q 000040 distinct
	for i in $(seq -w 1 30); do grep -q "0000000000$i\$" distinct; done
	state_is hq '.totals.in_sync == 1'
	verified hq new
}

@test "another server: old cases come back, labels do not collide, the old machine is revoked" {
	hq_init
	start hq
	branch bj BJ01 --name "Beijing Chaoyang" --region north --timezone Asia/Urumqi
	start bj
	orders 1 3 | submit bj
	label=$(jq -r .case answers | head -n 1)
	in_sync 4 bj
	join new "$(enrol BJ01 --replace)"
	awaits bj 'b.state == "revoked"'
	grep -q Asia/Urumqi new/node # what was enrolled before, unless said otherwise
	state_is hq 'b.name == "Beijing Chaoyang" and b.region == "north"'
	start new
	awaits new 'b.state == "in-sync" and b.head == 4'
	aftersync show "$label" --dir new --format json >case.json
	jq -e '.state == "RECEIVED" and .branch == "BJ01"' case.json
	# what the customer said can be opened there: the same event, its personal part compared, is known; another is not
	orders 1 1 | submit new
	[ "$(jq -r .case answers)" = "$label" ]
	run -1 eval 'orders 1 1 | sed s/13800138000/13800138001/ | aftersync submit --dir new -'
	[[ $output = *"Another event with this event_id is recorded already"* ]]
	# its own
	orders 10 2 | submit new
	[ "$(jq -r .case answers | grep -cxE 'BJ01[0-9]{12}-[0-9a-z]{2}')" = 2 ]
	BRANCH=BJ01 awaits hq 'b.state == "in-sync" and b.acked == 7'
	echo "{\"kind\":\"REPAIR_INSPECTED\",\"case\":\"$label\",\"occurred_at\":\"2026-11-23T10:05:00+08:00\",\"actor\":1002,\"facts\":{\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\"}}" |
	    submit new
	in_sync 8 new
	# the old machine records on, and says why nobody gets it
	orders 20 1 | submit bj
	state_is bj 'b.state == "revoked" and b.reason != ""'
	state_is hq 'b.incarnation == 2'
	[ "$(received hq BJ01)" = 5 ]
	verified hq new
}
