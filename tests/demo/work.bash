# shellcheck shell=bash disable=SC2154 # most variables are those of run.sh
# Branches at work: two workers give them files and orders, while their lines are cut and heal, and somebody looks on.

broken() { echo "$*" >"$dir/broken"; exit 1; }

# generated orders of a part of the year
submit()
{
	local lines=$dir/orders/$1.$2 n
	[ -s "$lines" ] || return 0
	aftersync submit --dir "$dir/branch/$1" "$lines" >"$lines.answers" 2>&1 || broken "$1 refuses an order: $(grep -m 1 error "$lines.answers" || tail -n 1 "$lines.answers")"
	n=$(grep -c '"index"' "$lines.answers")
	[ "$n" = "$(wc -l <"$lines")" ] || broken "$1 answers $n of $(wc -l <"$lines") orders"
	echo "$1 ${region[$1]} $n" >>"$dir/recorded.tsv"
}

import()
{
	local code=$1 where=() said=$dir/import/$1
	case ${map[$code]} in
	ords) where=(--where "group_identifier=${value[$code]}") ;;
	nyc311) where=(--where "borough=${value[$code]}") ;;
	esac
	aftersync import --dir "$dir/branch/$code" --map "${map[$code]}" --skip-bad --rejects "$dir/import/$code.rejects" "${where[@]}" "${file[$code]}" >"$said" 2>&1 ||
		broken "import at $code: $(tail -n 1 "$said")"
	[[ $(tail -n 1 "$said") =~ \ rows,\ ([0-9]+)\ selected,\ ([0-9]+)\ skipped\;\ ([0-9]+)\ events\ new ]] || broken "import at $code says: $(tail -n 1 "$said")"
	printf '%s\t%d\t%d\n' "$code" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" >>"$dir/imports.tsv"
	echo "$code ${region[$code]} ${BASH_REMATCH[3]}" >>"$dir/recorded.tsv"
}

# worker FIRST STEP: every so many branches
worker()
{
	local i code
	for ((i = $1; i < total; i += $2)); do
		code=${codes[i]}
		submit "$code" 1
		import "$code"
		submit "$code" 2
		submit "$code" 3
		echo "$code" >>"$dir/done"
	done
}

# counts: recorded[region] and arrived[region]; the two LOG_OPENED of a branch are nobody's work
declare -A recorded arrived
counts()
{
	local r a b
	running || fail "a program has ended: $(why_ended)"
	[ ! -s "$dir/broken" ] || fail "$(<"$dir/broken")"
	# in this order: what is finished is in recorded.tsv by then, and what has arrived was recorded before
	finished=$(wc -l <"$dir/done")
	ask || fail 'head office does not answer'
	while read -r r a b; do
		recorded[$r]=$a arrived[$r]=$b
	done < <(awk 'FILENAME ~ /recorded/ { has[$1] += $3; next }
		{ got = $4 > 2 ? $4 - 2 : 0; all[$2] += has[$1]; there[$2] += got < has[$1] ? got : has[$1] }
		END { for (r in all) print r, all[r], there[r] }' "$dir/recorded.tsv" "$dir/status.tsv")
}

cut_line()
{
	line "$1" cut
	cut_at[$1]=$(now_ms) cut_had[$1]=${recorded[$1]}
	[ -n "$live" ] || say "line $1 cut"
}

heal_line()
{
	line "$1" heal
	offline[$1]=$((offline[$1] + recorded[$1] - cut_had[$1]))
	[ -n "$live" ] || say "line $1 back after $((($(now_ms) - cut_at[$1]) / 1000)) s; $(number $((recorded[$1] - cut_had[$1]))) events recorded without it"
	cut_at[$1]=-1
}

# Each line is cut once while its branches work: from a moment in the work to a later one, and two seconds at least.
weather()
{
	local k r n=${#regions[@]} at
	for ((k = 0; k < n; k++)); do
		r=${regions[k]} at=$((1000 * finished / total))
		if [ "${cut_at[$r]}" = 0 ] && [ $at -ge $((20 + 700 * k / n)) ]; then
			cut_line "$r"
		elif [ "${cut_at[$r]}" -gt 0 ] && [ $at -ge $((320 + 700 * k / n)) ] && [ $(($(now_ms) - cut_at[$r])) -ge 2000 ]; then
			heal_line "$r"
		fi
	done
}

table()
{
	local rows=() r state off row all=0 there=0 without=0
	printf -v row '  %-14s %8s  %-8s %10s %13s %15s' LINE BRANCHES STATE RECORDED 'WITHOUT LINE' 'AT HEAD OFFICE'
	rows+=("$bold$row$plain")
	for r in "${regions[@]}"; do
		state="${green}open    $plain" off=${offline[$r]}
		if [ "${cut_at[$r]}" -gt 0 ]; then
			printf -v state "$red%-8s$plain" "cut $((($(now_ms) - cut_at[$r]) / 1000)) s"
			off=$((off + recorded[$r] - cut_had[$r]))
		fi
		printf -v row '  %-14s %8d  %s %10s %13s %15s' "$r" "${branches[$r]}" "$state" "$(number "${recorded[$r]}")" "$(number "$off")" "$(number "${arrived[$r]}")"
		rows+=("$row")
		all=$((all + recorded[$r])) there=$((there + arrived[$r])) without=$((without + off))
	done
	printf -v row '  %-14s %8d  %-8s %10s %13s %15s' all "$total" '' "$(number $all)" "$(number $without)" "$(number $there)"
	rows+=("$row")
	draw "${rows[@]}"
}

# at_work: is something still to be done? Draws it
at_work()
{
	local r all=0 there=0 lines=0
	counts
	weather
	[ -z "$live" ] || table
	for r in "${regions[@]}"; do
		all=$((all + recorded[$r])) there=$((there + arrived[$r]))
		[ "${cut_at[$r]}" = -1 ] || lines=$((lines + 1))
	done
	[ "$finished" -lt "$total" ] || [ $lines -gt 0 ] || [ $there -lt $all ] || ! all_in_sync
}
