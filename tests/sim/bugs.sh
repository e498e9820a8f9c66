#!/bin/bash
# Is each of the ten planted bugs (-DBUG_n) caught by the simulator within SEEDS seeds? Prints a table of the bug, the
# lowest seed that caught it and how (invariant, node, words); exit 1 when one stays. Run from the top folder: make
# check-long.
variant=${VARIANT:-release} seeds=${SEEDS:-2000} cores=$(nproc) missed=0

what=("" "acknowledged before commit" "gap accepted" "cell applied twice" "receipt for what was not committed"
	"child without parent check" "receipt believed without its root" "recovered event counted twice"
	"key number ignored" "credit leak" "off-by-one resume")

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

for n in {1..10}; do
	if ! "${MAKE:-make}" --no-print-directory -j"$cores" BUG="$n" "build/$variant-bug$n/aftersync-sim" \
		>"$tmp/log" 2>&1 </dev/null; then
		cat "$tmp/log"
		exit 1
	fi
done
# a process a bug, as many at once as there are cores; --stop ends each at its lowest seed that fails
export variant seeds tmp
printf '%s\n' {1..10} | xargs -P "$cores" -I{} bash -c \
	'build/$variant-bug{}/aftersync-sim --seed 1 --seeds $seeds --stop >"$tmp/{}" 2>&1 </dev/null || true'

printf '\n  %-4s %-36s %-6s %s\n' bug "what is wrong" seed "caught by"
for n in {1..10}; do
	line=$(grep -m 1 -E 'FAILED|assertion failed' "$tmp/$n")
	if [ -n "$line" ]; then
		seed=$(sed -n 's/.*seed=\([0-9]*\).*/\1/p' <<<"$line")
		printf '  %-4s %-36s %-6s %s\n' "$n" "${what[n]}" "${seed:-?}" \
			"$(sed 's/^.*invariant //' <<<"$line" | cut -c 1-90)"
	else
		printf '  %-4s %-36s %-6s %s\n' "$n" "${what[n]}" - "NOT CAUGHT in $seeds seeds"
		missed=1
	fi
done
exit $missed
