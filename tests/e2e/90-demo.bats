#!/usr/bin/env bats
# make demo, on few and small files: it names a row that is dropped, its recount finds whatever does not agree, wrong values are
# one line, and nothing is left behind.

load helpers

# demo NAME=VALUE…: on a few hundred rows, in $T; the first branches only. `go=exec` puts it in place of a subshell
demo()
{
	mkdir -p "$T/data"
	cp "$top"/tests/data/{ords-wales,ords-restart,mobifix,nyc311}.csv "$T/data"
	${go:-} env DATA="$T/data" PORT="$(free_port)" DEMO_GROUPS=3 DEMO_ORDERS=60 DEMO_UNDER="$T" AFTERSYNC_BUILD="$build" "$@" \
	    "$top/tests/demo/demo.sh" </dev/null 3>&-
}

setup()
{
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	cd "$top" || return
	unset DATA PORT KEEP BREAK
}

# from standard input, or grep would find itself
processes() { grep -laF -f - /proc/[0-9]*/cmdline 2>/dev/null <<<"$T/demo-"; }

left() { ls -d "$T"/demo-* 2>/dev/null; processes; }

# recounted [TEXT]: the recount finds that the kept demo agrees, or differs in TEXT
recounted()
{
	run tests/demo/recount.sh "$kept"
	if [ -z "${1:-}" ]; then
		[ "$status" = 0 ] && [[ $output != *differs* ]] && return
	else
		[ "$status" = 1 ] && [[ $output == *"differs "*"$1"* ]] && return
	fi
	echo "wanted: ${1:-equal}"
	echo "$output"
	return 1
}

# broken FILE TEXT COMMAND…: COMMAND, a filter, changes a file of the kept demo; the recount says TEXT
broken()
{
	local file=$kept/$1 text=$2
	shift 2
	cp "$file" "$T/whole"
	"$@" <"$T/whole" >"$file"
	! cmp -s "$file" "$T/whole" || { echo "not changed: $*"; return 1; }
	recounted "$text"
	cp "$T/whole" "$file"
}

# once LINE FROM TO: in the first line with LINE in it
once() { awk -v line="$1" -v from="$2" -v to="$3" '!done && index($0, line) { done = sub(from, to) } 1'; }

@test "a dropped row is named, and so is whatever else does not agree" {
	run demo KEEP=1 BREAK=1
	echo "$output"
	[ "$status" = 1 ]
	kept=$(echo "$T"/demo-*)
	dropped=$(grep -A 1 'BREAK=1: dropped from' <<<"$output" | tail -n 1)
	dropped=${dropped#  }
	[[ ${lines[-1]} == "demo: row ${dropped%%,*} of branch "*" head office has it, "*" lacks "* ]]
	run processes
	[ -z "$output" ]

	# the row again: equal
	cp "$T"/data/*.csv "$kept/csv"
	recounted
	broken reports/volume.json 'report volume, from log export: * ' jq -c '.rows[3].received += 1'
	broken reports/volume-branch.json 'report volume, from the files: ' jq -c '.rows[9].closing_custody += 1'
	broken reports/volume.json 'report volume, from the files: and ' jq -c 'del(.rows[2:9])'
	broken reports/volume-branch.json 'report volume has a row twice' jq -c '.rows += [.rows[4]]'
	broken reports/pareto.json 'report pareto, from the files: * ' jq -c '.rows[5].count += 1'
	broken reports/pareto-branch.json 'order, share or class' jq -c '.rows[5].class = "D"'
	broken reports/pareto.json 'order, share or class' jq -c '.rows[5].cumulative_share -= 1'
	broken reports/complaints.json 'report complaints, from log export: * ' jq -c '.rows[1].closing += 1'
	broken reports/complaint-timeliness-branch.json 'report complaint-timeliness, from log export: ' jq -c '.rows[1].overdue_open += 1'
	broken reports/complaint-timeliness.json 'report complaint-timeliness, from the files: * ' jq -c '.rows[1].reply_rate += 0.01'
	broken imports.tsv 'the import at ' sed '1s/[0-9]*$/99/'
	broken orders.tsv 'case SYN-' sed 7d
	broken export.ndjson 'does not hold each place once' awk '!done && /"imported":true/ { done = 1; next } 1'
	broken export.ndjson ' is there 2 times' awk '!done && /"imported":true/ { done = 1; print } 1'
	broken export.ndjson ' is illegal' once '"imported":true' '"status":"applied"' '"status":"illegal"'
	broken export.ndjson ' head office lacks REPAIR_DONE FIXED; head office has it, ' once REPAIR_DONE '"FIXED"' '"NTF"'
	broken export.ndjson ' head office lacks COMPLAINT_CLOSED ' once COMPLAINT_CLOSED '"business_date":"202' '"business_date":"203'
	broken export.ndjson ' has other deadlines' once COMPLAINT_RECEIVED '"reply_due":"202' '"reply_due":"203'
}

@test "nothing is left of one that is equal, nor of one that is ended" {
	run demo
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = 'demo: equal' ]
	[[ $output == *'KEEP=1'* ]]
	[[ $output != *$'\e'* ]]
	run left
	[ -z "$output" ]

	(go=exec demo >"$T/out" 2>&1) &
	eventually grep -q 'have joined' "$T/out"
	[ "$(left | wc -l)" -gt 10 ]
	kill $!
	code=0
	wait $! || code=$?
	[ "$code" = 130 ]
	run left
	[ -z "$output" ]
}

@test "a wrong value is one line, and nothing is begun" {
	refused()
	{
		local text=$1
		shift
		run demo "$@"
		echo "$output"
		[ "$status" -gt 0 ] && [ "${#lines[@]}" = 1 ] && [[ $output == "demo: $text"* ]] && [ -z "$(left)" ]
	}
	mkdir "$T/empty"
	refused 'DATA=/nowhere: no such folder' DATA=/nowhere
	refused "DATA=$T/empty: no file of the form of Open Repair Data" DATA="$T/empty"
	cp "$top/tests/data/ords-wales.csv" "$T/empty"
	refused "DATA=$T/empty: no file of the form of MobiFix" DATA="$T/empty"
	refused 'PORT=abc: a number from 1024 to 32700' PORT=abc
	refused 'PORT=32768: a number from 1024 to 32700' PORT=32768
	refused 'KEEP=yes: ' KEEP=yes
	refused 'BREAK=3: ' BREAK=3
	hq_port=1
	relay_start
	refused "port $relay_port is in use; choose others with PORT=" PORT="$relay_port"
	refused "port $relay_port is in use; choose others with PORT=" PORT="$((relay_port - 1))"
}
