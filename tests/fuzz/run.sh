#!/bin/bash
# run.sh PREFIX SECONDS: each fuzz target that long, two at a time. New inputs go to build/fuzz/corpus/<name>, what makes one
# fail to build/fuzz/<name>-crash-…: minimise it, give it a name and put it into tests/fuzz/corpus/<name>.
prefix=$1 seconds=$2
export seconds

one()
{
	name=${1##*/fuzz_}
	dir=build/fuzz/corpus/$name
	mkdir -p "$dir"
	if "$1" -max_total_time="$seconds" -max_len=65536 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="build/fuzz/$name-" "$dir" "tests/fuzz/corpus/$name" >"$1.log" 2>&1 </dev/null; then
		echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$1.log") inputs, none failed"
	else
		tail -n 60 "$1.log"
		echo "$name: FAILED, see $1.log"
		return 1
	fi
}
export -f one
find "${prefix%/*}/fuzz" -maxdepth 1 -name 'fuzz_*' ! -name '*.log' | sort | xargs -P "$(nproc)" -I{} bash -c 'one {}'
