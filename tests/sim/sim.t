#!/bin/bash
# TAP: SEEDS fresh seeds of the simulator. Run from the top folder by `make check`. They begin at SEED0; else at a number
# made of the commit, so that a run of a clean clone can be repeated; else, with changes in the tree, at the clock's.
sim=${AFTERSYNC_BUILD:-build/release}/aftersync-sim
first=${SEED0:-}
if [ -z "$first" ] && git diff --quiet HEAD 2>/dev/null; then
	first=$((16#$(git rev-parse --short=8 HEAD | cut -c1-8)))000
fi
first=${first:-$(date +%s)000}
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
