#!/usr/bin/env bats
# Many branches enrolled from a file: all in one commit, or none and one line that says why.

load helpers

# Events, and blocks, of head office's log to everybody.
all_events()
{
	aftersync log list --dir hq --format json | jq -r '.. | objects | select(.log? == "hq/all/1").size'
}

all_blocks()
{
	aftersync log show hq/all/1 --dir hq --count 9999 --format json | jq '[.. | objects | select(has("count"))] | length'
}

# not_enrolled LINE-OF-ERROR: the file `bad` is refused so, and nothing is written
not_enrolled()
{
	local before
	before=$(all_events)
	run -64 --separate-stderr aftersync hq enrol --from bad --dir hq
	[ "$stderr" = "aftersync: hq enrol: $1" ] || { echo "$stderr"; return 1; }
	[ -z "$output" ]
	[ "$(all_events)" = "$before" ]
}

bad_files()
{
	printf 'branch,name\nBJ01,one\nBJ02,two\nBJ03,\nBJ04,\nBJ05,\nbj06,six\nBJ07,\n' >bad
	not_enrolled 'bad:7: bj06: not a branch code: 2 to 8 of A-Z and 0-9'
	printf 'branch,name\nBJ01,one\nSH01,two\nBJ01,one\n' >bad
	not_enrolled 'bad:4: BJ01 is there twice'
	printf 'branch,manager\nBJ01,one\n' >bad
	not_enrolled 'bad:1: columns branch, name, region, timezone are wanted, each once'
	printf 'name,region\none,north\n' >bad
	not_enrolled 'bad:1: the column branch is missing'
	printf 'branch,name\nBJ01\n' >bad
	not_enrolled 'bad:2: 1 fields instead of 2'
	printf 'branch,name\n' >bad
	not_enrolled 'bad: no branch is there'
	printf 'branch,timezone\nBJ01,Asia/Shanghai\nBJ02,Mars/Olympus\n' >bad
	run -64 --separate-stderr aftersync hq enrol --from bad --dir hq
	[[ $stderr == *'BJ02: '*Mars/Olympus* ]]
	{ echo branch && seq -f 'N%05g' 2500; } >bad
	run -64 --separate-stderr aftersync hq enrol --from bad --dir hq
	[[ $stderr == *'bad: 2500 branches'*'part the file' ]]
}

@test "many enrolled from a file: one commit, one code a line, in the order of the file" {
	hq_init
	start hq
	printf 'name,branch,region,timezone\n"Chaoyang, 1",BJ01,north,\n,SH03,,Asia/Urumqi\r\n西安,XA01,west,\n' >good
	blocks=$(all_blocks)
	aftersync hq enrol --from good --dir hq >codes
	[ "$(wc -l <codes)" = 3 ]
	[ "$(all_blocks)" = $((blocks + 1)) ]
	status_json hq >st
	[ "$(jq -r '.branches[] | select(.branch == "BJ01").name' st)" = "Chaoyang, 1" ]
	[ "$(jq -r '.branches[] | select(.branch == "XA01").region' st)" = west ]
	join bj "$(sed -n 1p codes)"
	join sh "$(sed -n 2p codes)"
	grep -q Asia/Urumqi sh/node
	start bj sh
	awaits bj 'b.state == "in-sync"'
	awaits hq '.totals.in_sync == 2 and .totals.branches == 3'
	bad_files
	# who is there already is not replaced, and nobody else is enrolled
	printf 'branch\nNJ01\nBJ01\n' >bad
	before=$(all_events)
	run -1 --separate-stderr aftersync hq enrol --from bad --dir hq
	[[ $stderr == *'BJ01 has a server already'* ]]
	[ "$(all_events)" = "$before" ]
	run -64 aftersync hq enrol --dir hq
	run -64 aftersync hq enrol BJ09 --from good --dir hq
	run -64 aftersync hq enrol --from good --replace --dir hq
	{ echo branch && seq -f 'N%05g' 2000; } >many
	blocks=$(all_blocks)
	aftersync hq enrol --from many --dir hq >codes
	[ "$(sort -u codes | wc -l)" = 2000 ]
	[ "$(all_blocks)" -lt $((blocks + 20)) ]
	awaits hq '.totals.branches == 2003'
	join last "$(tail -n 1 codes)"
	start last
	awaits last 'b.state == "in-sync"'
	verified hq
}

@test "the same without the daemon" {
	hq_init
	printf 'branch\nBJ01\nSH03\n' >good
	blocks=$(all_blocks)
	aftersync hq enrol --from good --dir hq >codes
	[ "$(wc -l <codes)" = 2 ]
	[ "$(all_blocks)" = $((blocks + 1)) ]
	bad_files
	join sh "$(sed -n 2p codes)"
	start hq sh
	awaits sh 'b.state == "in-sync"'
}
