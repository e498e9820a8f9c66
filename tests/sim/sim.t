#!/bin/bash
# TAP: SEEDS fresh seeds of the simulator, from SEED0 or from the clock. Run from the top folder by `make check`.
sim=${AFTERSYNC_BUILD:-build/release}/aftersync-sim
first=${SEED0:-$(date +%s)000}
seeds=${SEEDS:-1000}

echo 1..1
echo "# simulator: $seeds seeds from $first" >&2
out=$("$sim" --seed "$first" --seeds "$seeds" --jobs "$(nproc)")
status=$?
if [ $status = 0 ]; then
	echo "ok 1 - $(tail -n 1 <<<"$out")"
else
	sed 's/^/# /' <<<"$out" >&2
	[ $status -gt 128 ] && echo "# ended by signal $((status - 128))" >&2
	echo "# all of them again: make sim SEEDS=$seeds SEED0=$first" >&2
	echo "not ok 1 - $seeds seeds from $first"
	exit 1
fi
