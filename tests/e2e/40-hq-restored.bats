#!/usr/bin/env bats
# Head office from an old copy of its directory: what it receipted and no longer has comes back from the branches.

load helpers

@test "an older copy is started: branches send again what was receipted" {
	hq_init
	start hq
	branch bj BJ01
	branch gz GZ02
	start bj gz
	orders 1 3 | submit bj
	orders 101 2 | submit gz
	in_sync 4 bj
	in_sync 3 gz
	stop hq
	copy hq older
	start hq
	hurry bj gz
	orders 4 300 | submit bj
	orders 103 1 | submit gz
	in_sync 304 bj
	in_sync 4 gz
	aftersync report volume --dir hq --by branch --format csv >before.csv
	stop hq
	copy older hq
	start hq
	hurry bj gz
	# nothing of its own log was written between the copy and its end: it serves on
	in_sync 304 bj
	in_sync 4 gz
	state_is hq '.state == "serving" and .instance == 1'
	aftersync report volume --dir hq --by branch --format csv | cmp - before.csv
	verified hq bj gz
}

@test "a branch says that head office holds less than it receipted" {
	relayed_pair
	stop hq
	copy hq older
	start hq
	hurry bj
	orders 1 400 | submit bj
	in_sync 401 bj
	stop hq
	copy older hq
	relay rate 3000
	start hq
	hurry bj
	awaits bj 'b.state == "rewound" and b.reason != "" and b.acked == 401'
	relay rate 0
	in_sync 401 bj
	[ "$(received hq BJ01)" = 400 ]
	verified hq bj
}

@test "its own log rolled back: a new instance, certified by the root key; branches take it" {
	hq_init
	start hq
	branch bj BJ01
	start bj
	orders 1 3 | submit bj
	in_sync 4 bj
	stop hq
	copy hq older
	start hq
	hurry bj
	branch gz GZ02 --name Guangzhou
	start gz
	orders 101 2 | submit gz
	in_sync 3 gz
	orders 4 2 | submit bj
	in_sync 6 bj
	# the roster reaches the other branch, too
	eventually eval '[ "$(aftersync log list --dir bj --format json | jq -r ".[] | select(.log == \"hq/all/1\").events")" = \
	    "$(aftersync log list --dir hq --format json | jq -r ".[] | select(.log == \"hq/all/1\").events")" ]'
	aftersync report volume --dir hq --by branch --format csv >before.csv
	stop hq
	copy older hq
	start hq
	hurry bj gz
	awaits hq '.state == "rolled-back"'
	logs hq 'what=alarm branch=[A-Z0-9]+ alarm="this head office holds less of its own logs than a branch'
	# it receipts, and writes nothing of its own
	orders 6 1 | submit bj
	BRANCH=BJ01 awaits hq 'b.acked == 7'
	run -1 aftersync hq enrol SH03 --dir hq
	[[ $output = *"writes nothing now"* ]]
	run ! aftersync hq instance new --dir hq --passphrase-file passphrase # while the daemon runs
	stop hq
	start hq
	hurry bj gz
	state_is hq '.state == "rolled-back"' # that is not forgotten
	stop hq
	echo "wrong" >wrong
	run ! aftersync hq instance new --dir hq --passphrase-file wrong
	[ "${#lines[@]}" = 1 ]
	run -0 aftersync hq instance new --dir hq --passphrase-file passphrase
	[[ $output = *"instance 2"* ]]
	run -1 aftersync hq enrol SH03 --dir hq # nor without the daemon
	[[ $output = *"writes nothing now"* ]]
	start hq
	hurry bj gz
	state_is hq '.state == "recovering" and .instance == 2'
	run -1 aftersync hq enrol SH03 --dir hq
	[[ $output = *"writes nothing now"* ]]
	# the enrolment that the copy did not have comes back from a branch
	BRANCH=GZ02 awaits hq 'b.name == "Guangzhou"'
	BRANCH=GZ02 awaits hq 'b.state == "in-sync" and b.acked == 3'
	BRANCH=BJ01 awaits hq 'b.state == "in-sync" and b.acked == 7'
	aftersync hq instance go --dir hq # the operator knows that all have been heard
	awaits hq '.state == "serving"'
	in_sync 7 bj
	in_sync 3 gz
	state_is bj '.instance == 2'
	[ "$(received hq BJ01)" = 6 ]
	[ "$(received hq GZ02)" = 2 ]
	# it writes again, and does not listen once more after a restart
	branch sh SH03
	stop hq
	start hq
	hurry bj gz
	state_is hq '.state == "serving" and .instance == 2'
	start sh
	in_sync 0 sh
	orders 201 1 | submit sh
	in_sync 2 sh
	verified hq bj gz sh
}
