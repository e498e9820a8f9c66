#!/bin/bash
# check_data.sh DIR: imports every CSV file under DIR that has one of the forms of the built-in maps, with real daemons, and
# compares head office's reports with a recount by SQLite (recount.sh). Open Repair Data: the largest groups are a branch
# each (GROUPS_MAX, 3 unless given), all others are one; NYC 311: a branch a borough. One line a file; exit 1 when one
# differs. Run from the top folder.
set -u
# shellcheck source-path=SCRIPTDIR
. "${BASH_SOURCE[0]%/*}/recount_rows.bash"
data=${1:?usage: check_data.sh DIR}
build=${AFTERSYNC_BUILD:-build/release}
groups=${GROUPS_MAX:-3}
port=${PORT:-$((20000 + $$ % 10000))}
tmp=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)/check-data-XXXXXX") || exit 1
hq= branchd=
stop()
{
	[ -z "$1" ] || { kill "$1" && wait "$1"; } 2>/dev/null
}
trap 'stop "$branchd"; stop "$hq"; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
fail() { echo "check-data: $*"; exit 1; }

# until COMMAND…: at most 120 s
until_true()
{
	local i
	for ((i = 0; i < 1200; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

answers() { "$build/aftersync" status --dir "$1" --format json >"$tmp/status" 2>/dev/null </dev/null; [ $? -le 2 ] && [ -S "$1/run/control.sock" ]; }
in_sync() { answers "$1" && grep -q '"state": *"in-sync"' "$tmp/status"; }

"$build/aftersync" hq init --dir "$tmp/hq" --listen "tcp://127.0.0.1:$port" >/dev/null || fail 'no head office'
"$build/aftersync-hqd" --dir "$tmp/hq" </dev/null >/dev/null 2>"$tmp/hq.log" &
hq=$!
until_true answers "$tmp/hq" || fail "head office does not start: $(tail -n 3 "$tmp/hq.log")"

code=0
branches=0

# one_branch MAP FILE WHERE-AS-SQL OPTION…: imports these rows into a new branch and compares. Sets branch_rows, branch_bad.
one_branch()
{
	local map=$1 file=$2 where=$3 name dir out join report expect
	shift 3
	name=$(printf 'D%03d' "$branches")
	branches=$((branches + 1))
	dir=$tmp/$name
	join=$("$build/aftersync" hq enrol "$name" --dir "$tmp/hq" | tail -n 1) &&
		"$build/aftersync" branch join "$join" --dir "$dir" >/dev/null || fail "$name cannot join"
	"$build/aftersync-branchd" --dir "$dir" </dev/null >/dev/null 2>"$tmp/branch.log" &
	branchd=$!
	until_true in_sync "$dir" || fail "$name does not come into sync: $(tail -n 3 "$tmp/branch.log")"
	out=$("$build/aftersync" import --dir "$dir" --map "$map" --skip-bad --rejects "$tmp/rejects.csv" "$@" "$file" \
		2>"$tmp/import.log" </dev/null) || { problem="import: $(tail -n 1 "$tmp/import.log")"; return; }
	until_true in_sync "$dir" || fail "$name does not come into sync: $(tail -n 3 "$tmp/branch.log")"
	stop "$branchd"
	branchd=
	for report in volume pareto complaints complaint-timeliness; do
		"$build/aftersync" report $report --dir "$tmp/hq" --by branch --period month --format json -o "$tmp/$report-month.json" &&
			"$build/aftersync" report $report --dir "$tmp/hq" --by branch --period all --format json -o "$tmp/$report-all.json" ||
			fail "no report $report"
	done
	expect=$(tests/e2e/recount.sh "$map" "$file" "$where" "$tmp" "$name")
	[ $? = 0 ] || problem=${expect//$'\n'/; }
	read -r _ branch_rows branch_bad _ <<<"$expect"
	[[ $out == *" ${branch_rows:-0} selected, ${branch_bad:-0} skipped; "* ]] ||
		problem="${problem:-}; import says: $out; counted: ${branch_rows:-0} good, ${branch_bad:-0} bad"
	rm -rf "$dir"
}

one_file()
{
	local file=$1 map=$2 column='' others='1 = 1' value values=() options=() all_rows=0 all_bad=0 began=$SECONDS
	problem=''
	case $map in
	ords) column=group_identifier ;;
	nyc311) column=borough values=(BRONX BROOKLYN MANHATTAN QUEENS 'STATEN ISLAND') ;;
	esac
	if [ "$map" = ords ]; then
		mapfile -t values < <(printf '.import --csv "%s" src\nSELECT %s FROM src GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT %d;\n' \
			"$file" "$column" "$groups" | sqlite3 -batch ':memory:')
	fi
	for value in "${values[@]}"; do
		one_branch "$map" "$file" "$column = $(sql_list "$value")" --where "$column=$value"
		options+=(--where-not "$column=$value")
		[ -z "$problem" ] || break
		all_rows=$((all_rows + branch_rows)) all_bad=$((all_bad + branch_bad))
	done
	[ -z "$column" ] || others="$column NOT IN ($(sql_list "${values[@]}"))"
	if [ -z "$problem" ]; then
		one_branch "$map" "$file" "$others" "${options[@]}"
		all_rows=$((all_rows + ${branch_rows:-0})) all_bad=$((all_bad + ${branch_bad:-0}))
	fi
	if [ -z "$problem" ]; then
		echo "${file##*/}: equal ($map: $all_rows rows, $all_bad bad, $((${#values[@]} + 1)) branches, $((SECONDS - began)) s)"
	else
		echo "${file##*/}: $problem"
		code=1
	fi
}

files=0
while IFS= read -r -d '' file; do
	map=$(map_of "$file")
	if [ -z "$map" ]; then
		echo "${file##*/}: passed over, it has the form of no map"
		continue
	fi
	files=$((files + 1))
	one_file "$file" "$map"
done < <(find "$data" -name '*.csv' -print0 | sort -z)
[ "$files" -gt 0 ] || fail "no file of a known form under $data"
exit $code
