#!/bin/bash
# run.sh: the work of demo.sh, which calls it with its values checked, in a session of its own, and ends what is left.
# shellcheck disable=SC2154 # they are in the environment
set -u
here=${BASH_SOURCE[0]%/*}
for part in ../e2e/recount_rows screen plan work end; do
	# shellcheck disable=SC1090
	. "$here/$part.bash"
done

aftersync() { "$build/aftersync" "$@"; }

mkdir "$dir/csv" "$dir/branch" "$dir/orders" "$dir/reports" "$dir/line" "$dir/log" "$dir/import"
HQ=$dir/hq
pids=()

refuse() { echo "demo: $*" >&2; exit 64; }

fail()
{
	wipe
	echo "demo: $*"
	exit 1
}

# until_true SECONDS COMMAND…
until_true()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# ---- the branches and their lines ----------------------------------------------------------------------------------------

unpack "$data" "$dir/csv"
[ ${#ords_files[@]} -gt 0 ] || refuse "DATA=$data: no file of the form of Open Repair Data in it (map ords)"
[ -n "$mobifix_file" ] || refuse "DATA=$data: no file of the form of MobiFix in it (map mobifix)"
[ -n "$nyc311_file" ] || refuse "DATA=$data: no file of the form of NYC 311 in it (map nyc311)"
make_plan "$groups" >"$dir/plan.tsv" || fail "the files under $data cannot be read"

codes=() regions=()
declare -A region zone map file value name line_of branches
while IFS=$'\037' read -r code r z m f v n; do
	codes+=("$code")
	region[$code]=$r zone[$code]=$z map[$code]=$m file[$code]=$f value[$code]=$v name[$code]=$n
	branches[$r]=$((${branches[$r]:-0} + 1))
	[ -n "${line_of[$r]:-}" ] || { regions+=("$r"); line_of[$r]=$((port + ${#regions[@]})); }
done < <(tr '\t' '\037' <"$dir/plan.tsv") # a field may be empty
total=${#codes[@]}

for ((p = port; p <= port + ${#regions[@]}; p++)); do
	! (: >"/dev/tcp/127.0.0.1/$p") 2>/dev/null ||
		fail "port $p is in use; choose others with PORT= ($((${#regions[@]} + 1)) ports are needed from there)"
done

say "a head office, $total branches and ${#regions[@]} lines between them, all on this machine"

# ---- everybody starts ----------------------------------------------------------------------------------------------------

echo 'synthetic passphrase of a demo' >"$dir/passphrase"
aftersync hq init --dir "$HQ" --listen "tcp://127.0.0.1:$port" --org 'Aurora Mobile' --passphrase-file "$dir/passphrase" >/dev/null ||
	fail 'head office cannot be made'

# start LOG PROGRAM OPTION…
start()
{
	local log=$1
	shift
	"$build/$1" "${@:2}" </dev/null >/dev/null 2>"$log" &
	pids+=($!)
}

# running: all that was started
running()
{
	local p
	for p in "${pids[@]}"; do kill -0 "$p" 2>/dev/null || return 1; done
}

why_ended() { tail -qn 1 "$dir"/log/* 2>/dev/null | grep -v what=started | tail -n 1; }

start "$dir/log/hq" aftersync-hqd --dir "$HQ"
answers() { aftersync status --dir "$HQ" --format json >"$dir/status.json" 2>/dev/null </dev/null; [ $? -le 2 ] && [ -S "$HQ/run/control.sock" ]; }
until_true 20 answers || fail "head office does not start: $(why_ended)"

declare -A cut_at cut_had offline
for r in "${regions[@]}"; do
	start "$dir/log/line-$r" relay "${line_of[$r]}" "127.0.0.1:$port" --control "$dir/line/$r"
	cut_at[$r]=0 offline[$r]=0
done
line() { [ "$("$build/relay" --send "$dir/line/$1" "$2" 2>/dev/null)" = ok ] || fail "the line $1 does not do what it is told: $2"; }

for code in "${codes[@]}"; do
	join=$(aftersync hq enrol "$code" --dir "$HQ" --name "${name[$code]}" --region "${region[$code]}" --timezone "${zone[$code]}" \
		--endpoint "tcp://127.0.0.1:${line_of[${region[$code]}]}" 2>"$dir/log/enrol" | tail -n 1) || fail "$code cannot be enrolled: $(<"$dir/log/enrol")"
	aftersync branch join "$join" --dir "$dir/branch/$code" >/dev/null || fail "$code cannot join"
	printf '[store]\npreallocate = 1 MiB\n' >>"$dir/branch/$code/aftersync.conf"
	start "$dir/log/$code" aftersync-branchd --dir "$dir/branch/$code"
	hint "$code joins"
done

# `branch region state acked applied` lines of head office's status
ask() { answers && jq -r '.branches[] | [.branch, .region, .state, .acked, .applied] | @tsv' "$dir/status.json" >"$dir/status.tsv"; }
all_in_sync() { running || fail "a program has ended: $(why_ended)"; ask && [ "$(grep -c $'\tin-sync\t' "$dir/status.tsv")" = "$total" ]; }
until_true 60 all_in_sync || fail 'not all branches join'
wipe
say "all $total branches have joined"

# ---- work ------------------------------------------------------------------------------------------------------------------

zone_offset() { TZ=${zone[$1]} date -d '2025-07-01 12:00' +%:z; }
for code in "${codes[@]}"; do echo "$code $(zone_offset "$code")"; done >"$dir/zones"
awk -v orders="$orders" -v complaints=$((orders / 8)) -f "$here/orders.awk" "$dir/zones" >"$dir/orders.tsv" || fail 'no orders'
awk -F '\t' -v dir="$dir/orders" '{ print $3 >(dir "/" $1 "." $2) }' "$dir/orders.tsv"
touch "$dir/imports.tsv" "$dir/recorded.tsv" "$dir/done"

say "they import CSV files and record $orders orders; each line is cut once"
workers=()
for ((i = 0; i < 2; i++)); do
	worker $i 2 &
	workers+=($!)
done
end=$((SECONDS + 300))
while at_work; do
	[ $SECONDS -lt $end ] || fail "it does not come to an end: $(grep -v in-sync "$dir/status.tsv" | head -n 1)"
	sleep 0.3
done
wait "${workers[@]}"
[ -n "$live" ] || table
drawn=0
say "everything has arrived; nobody waited for a line"

# ---- what head office says -------------------------------------------------------------------------------------------------

# show FILTER COMMAND…: what somebody would type, and what it answers, without what FILTER, an awk program, leaves out
show()
{
	local filter=$1
	shift
	prompt "aftersync $*"
	aftersync "$@" --dir "$HQ" </dev/null | awk "$filter"
}

prompt()
{
	local text="\$ $* --dir \$HQ"
	[ ${#text} -lt 79 ] || text=${text/ --period/ \\$'\n'      --period}
	echo "$bold$text$plain"
}

echo
show 'NR' status --filter NewYork
show 'NF == 0 && n++ { exit } NR > 2' report volume --period month --from 2025-04-01 --to 2025-09-30
prompt 'aftersync report pareto --by region --format csv'
echo 'of it what fails most with phones: model, cause, count, share, class'
aftersync report pareto --by region --format csv --dir "$HQ" | tr -d '\r' | grep '^all,phones,' | LC_ALL=C sort -s -t , -k 5,5nr |
	awk -F , 'NR <= 4 { printf "%-24s %-14s %5d  %6s %%  class %s\n", $3, $4, $5, $6, $8 }'
show 'NF == 0 && n++ { exit } NR > 2' report complaint-timeliness --period month --from 2020-05-01 --to 2020-08-31
echo

# ---- counted again -------------------------------------------------------------------------------------------------------

for report in volume pareto complaints complaint-timeliness; do
	period=month
	[ $report != pareto ] || period=all
	aftersync report $report --dir "$HQ" --period $period --format json -o "$dir/reports/$report.json" &&
		aftersync report $report --dir "$HQ" --period $period --by branch --format json -o "$dir/reports/$report-branch.json" || fail "no report $report"
done
aftersync log export --dir "$HQ" -o "$dir/export.ndjson" || fail 'no export'
{ kill "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null

case $break in
1) break_csv ;;
2) break_export ;;
esac
hint 'SQLite counts again …'
"$here/recount.sh" "$dir" >"$dir/recount" 2>"$dir/log/recount"
code=$?
wipe
count() { awk -v what="$1" '$1 == "count" && $2 == what { n = $3 } END { print n + 0 }' "$dir/recount"; }
say 'counted again by SQLite, by none of our code:'
cat <<EOF
  went in       $(number "$(count rows)") rows of CSV ($(number "$(count bad)") more are bad), $(number "$(wc -l <"$dir/orders.tsv")") generated events
  head office   $(number "$(count exported)") events of \`log export\`, compared one by one
  reports       volume $(number "$(count volume)") rows, pareto $(number "$(count pareto)"), complaints $(number "$(count complaints)"),
                complaint-timeliness $(number "$(count complaint-timeliness)"): from the files, and from \`log export\`
EOF

# ---- what to try next ------------------------------------------------------------------------------------------------------

if [ "$keep" = 1 ]; then
	keep_folder
else
	try="  make demo KEEP=1     keeps the folder, to look around in it with \`aftersync\`"
fi
echo
echo "${bold}To try next:$plain"
echo "$try"
cat <<EOF
  make demo BREAK=1    drops a row before the recount, which has to name it
  make demo DATA=DIR   your own files of these forms (docs/import.md)
  make story           one seed of the simulator: restored and copied machines
EOF
[ $code = 0 ] || differs
echo 'demo: equal'
