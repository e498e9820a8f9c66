#!/usr/bin/env bats
# A line that is cut, silent, late or slow; what both sides say of it meanwhile, and that everything arrives.

load helpers

# The last change of state that head office tells of.
why_ends()
{
	aftersync why BJ01 --dir hq --format json >why.json && [ "$(jq -r "last.state" why.json)" = "$1" ]
}

@test "cut for a short and for a long time" {
	relayed_pair
	orders 1 1 | submit bj
	in_sync 2 bj

	# short: noticed at once by both ends of the connection
	relay cut
	awaits bj 'b.state == "stale" and (b.reason | startswith("no link, or no whole message for 3 minutes"))'
	awaits hq 'b.state == "stale"'
	orders 2 1 | submit bj
	state_is bj 'b.head == 3 and b.acked == 2 and b.lag_events == 1 and b.incarnation == 1'
	aftersync report volume --dir hq --format json >report.json
	jq -e '.meta.completeness.in_sync == 0 and .meta.completeness.branches == 1' report.json
	relay heal
	in_sync 3 bj

	# long: an hour
	relay cut
	awaits bj 'b.state == "stale"'
	later hq 3600
	later bj 3600
	orders 3 2 | submit bj
	state_is bj 'b.state == "stale" and b.lag_events == 2 and b.incarnation == 1'
	relay heal
	hurry bj
	in_sync 5 bj
	[ "$(received hq BJ01)" = 4 ]
	verified hq bj

	# what it went through, with reasons
	eventually why_ends in-sync
	jq -e '[.[].state] | index("stale") != null' why.json
	jq -e 'all(.[]; .branch == "BJ01" and (.reason | length) > 0)' why.json
}

@test "a line that swallows everything: stale after three minutes on both sides" {
	relayed_pair
	relay hole
	orders 1 1 | submit bj # open and confirmed in this run: no child
	state_is bj 'b.head == 2 and b.acked == 0'
	awaits bj 'b.state == "catching-up" or b.state == "stale"'
	later bj 200
	later hq 200
	awaits bj 'b.state == "stale" and b.lag_events == 2'
	awaits hq 'b.state == "stale"'
	relay heal
	hurry bj
	in_sync 2 bj
	verified hq bj
}

@test "a slow line, and one that is late" {
	relayed_pair
	relay rate 1200
	orders 1 40 | submit bj
	state_is bj 'b.state == "catching-up" and b.reason != "" and b.head == 41 and b.lag_events > 0'
	in_sync 41 bj
	relay rate 0
	relay delay 700
	orders 41 5 | submit bj
	in_sync 46 bj
	state_is bj 'b.incarnation == 1'
	[ "$(received hq BJ01)" = 45 ]
	verified hq bj
}
