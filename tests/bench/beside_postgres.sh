#!/bin/bash
# aftersync and PostgreSQL's logical replication in turn, on the same disk, in the same hour: medians and their ratio.
#
#	tests/bench/beside_postgres.sh FOLDER [EVENTS]        100,000 events
#
# FOLDER holds peers/postgres.sh; it runs with a rollup kept by trigger, over TLS, both ends synchronous. RUNS=3 says how
# often. The nodes of ours are made in a folder of their own on the disk of /var/tmp, where the peer has its clusters.
# What was measured goes to standard output, one JSON object a line, every run first.
#
# Not the same: an event of the peer is a row of 300 bytes without a personal part; one of ours is a line of about 230
# bytes as submitted, 8 to a repair order, 1 in 8 with a personal part and a new key; ours is also signed, sealed, checked
# by the rules of its case, and receipted. Both count their report in the transaction that stores the event.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '4s/^#\t*/usage: /p' "$0" >&2; exit 64; }
peer=$1/peers/postgres.sh events=${2:-100000} runs=${RUNS:-3}
build=${AFTERSYNC_BUILD:-build/release}
[ -e "$peer" ] || { echo "$0: there is no $peer" >&2; exit 64; }
folder=$(mktemp -d /var/tmp/aftersync-beside.XXXXXX)
trap 'rm -rf "$folder"' EXIT

load()
{
	cut -d ' ' -f 1 /proc/loadavg
}

# The peer's line as JSON.
peer_json()
{
	awk -v load="$1" '{
		printf "{\"bench\":\"peer\",\"load\":%s", load
		for (i = 1; i <= NF; i++) {
			at = index($i, "=")
			name = substr($i, 1, at - 1)
			value = substr($i, at + 1)
			printf ",\"%s\":%s", name, value ~ /^[0-9.]+$/ ? value : "\"" value "\""
		}
		print "}"
	}'
}

for ((run = 0; run < runs; run++)); do
	BENCH_DIR=$folder/nodes BENCH_EVENTS=$events "$build/bench/bench_system" e2e catchup live |
	    grep -E '"bench":"(e2e|catchup|live)"' | grep '"branches":1,' | tee -a "$folder/ours"
	now=$(load)
	ROLLUP=trigger TLS=1 "$peer" "$events" | grep '^peer=' | peer_json "$now" | tee -a "$folder/peer"
done

# median FILE BENCH FIELD
median()
{
	grep "\"bench\":\"$2\"" "$folder/$1" | sed -n "s/.*\"$3\":\([0-9.]*\).*/\1/p" | sort -n |
	    awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# compare NAME BENCH FIELD FIELD-OF-THE-PEER
compare()
{
	awk -v name="$1" -v ours="$(median ours "$2" "$3")" -v peer="$(median peer peer "$4")" -v n="$events" -v runs="$runs" 'BEGIN {
		printf "{\"bench\":\"beside-postgres\",\"what\":\"%s\",\"events\":%d,\"runs\":%d,", name, n, runs
		printf "\"ours\":%s,\"peer\":%s,\"ratio\":%.2f}\n", ours, peer, (peer > 0 ? ours / peer : 0)
	}'
}

compare e2e_events_per_s e2e events_per_s e2e_eps
compare ingest_events_per_s e2e ingest_events_per_s ingest_eps
compare catchup_events_per_s_from_link catchup events_per_s catchup_flow_eps
compare catchup_events_per_s_from_exec catchup events_per_s_from_exec catchup_eps
compare live_p50_ms live report_p50_ms live_p50_ms
