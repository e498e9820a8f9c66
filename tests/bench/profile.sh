#!/bin/bash
# profile.sh PROGRAM…: where each of them spends its time, by perf, to build/profile/<program>.txt: share of all samples, by
# library and by function; functions of a library without symbols are one line. Run from the top folder.
mkdir -p build/profile
for program; do
	out=build/profile/${program##*/}
	# shellcheck disable=SC2086 # BENCH_ARGS is a list
	if ! perf record -q -F 999 -o "$out.data" "$program" $BENCH_ARGS >/dev/null 2>"$out.err"; then
		cat "$out.err" >&2
		echo "perf cannot record here (kernel.perf_event_paranoid must be 2 or less)" >&2
		exit 1
	fi
	perf report -i "$out.data" --no-children --stdio --sort dso,symbol 2>/dev/null |
		awk '$1 ~ /%$/ { symbol = $4 ~ /^0x/ ? "(all)" : $4
			share[$2 "  " symbol] += $1; dso[$2] += $1 }
		END {
			for (d in dso) if (dso[d] >= 0.5) printf "%6.1f %%  %s\n", dso[d], d | "sort -rn"
			close("sort -rn"); print ""
			for (s in share) if (share[s] >= 0.5) printf "%6.1f %%  %s\n", share[s], s | "sort -rn"
		}' >"$out.txt"
	rm -f "$out.data" "$out.err"
	echo "$out.txt" >&2
done
