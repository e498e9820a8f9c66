#!/bin/bash
# Is each of the ten planted bugs (-DBUG_n) caught by the simulator within SEEDS seeds? Prints a table of the bug, the
# seed that caught it and the invariant that broke; exit 1 when one stays. Run from the top folder: make check-long.
variant=${VARIANT:-release} seeds=${SEEDS:-2000} missed=0

what=("" "acknowledged before commit" "gap accepted" "cell applied twice" "receipt for what was not committed"
	"child without parent check" "receipt believed without its root" "recovered event counted twice"
	"key number ignored" "credit leak" "off-by-one resume")

printf '\n  %-4s %-36s %-8s %s\n' bug "what is wrong" seed "caught by"
for n in ${BUGS:-1 2 3 4 5 6 7 8 9 10}; do
	sim=build/$variant-bug$n/aftersync-sim
	if ! log=$("${MAKE:-make}" --no-print-directory -j"$(nproc)" BUG=$n "$sim" 2>&1 </dev/null); then
		printf '%s\n' "$log"
		exit 1
	fi
	# one process: --stop ends at the lowest seed that fails
	line=$("$sim" --seed 1 --seeds "$seeds" --stop </dev/null 2>&1 | grep -m 1 -E 'FAILED|assertion failed')
	seed=$(sed -n 's/.*seed=\([0-9]*\).*/\1/p' <<<"$line")
	if [ -n "$line" ]; then
		printf '  %-4s %-36s %-8s %s\n' $n "${what[n]}" "${seed:-?}" \
			"$(sed 's/^.*invariant \([^:]*\):.*/\1/' <<<"$line")"
	else
		printf '  %-4s %-36s %-8s %s\n' $n "${what[n]}" - "NOT CAUGHT in $seeds seeds"
		missed=1
	fi
done
exit $missed
