#!/bin/bash
# make demo: a head office and 46 branches with real daemons on this machine, real CSV files, generated orders, lines that are
# cut while everybody works; then reports, and a recount by SQLite. The last line is `demo: equal`, or what differs, exit 1.
#	DATA=DIR    the CSV files (or .csv.gz) under DIR instead of those that come along
#	PORT=7443   of head office; the lines have the ports after it
#	KEEP=1      keeps the folder, with what starts it again
#	BREAK=1     drops a row of the CSV files before the recount, BREAK=2 an event of what head office gave out
# DEMO_GROUPS=40 and DEMO_ORDERS=500 make it smaller, DEMO_UNDER=build is where the folder is made. Run from the top folder.
set -u
export build=${AFTERSYNC_BUILD:-build/release}
export data=${DATA:-tests/data/demo} port=${PORT:-7443} keep=${KEEP:-0} break=${BREAK:-0}
export groups=${DEMO_GROUPS:-40} orders=${DEMO_ORDERS:-500}
export LC_ALL=C.UTF-8

refuse() { echo "demo: $*" >&2; exit 64; }

[[ $port =~ ^[0-9]{1,5}$ ]] && [ "$port" -ge 1024 ] && [ "$port" -le 32700 ] || refuse "PORT=$port: a number from 1024 to 32700"
[[ $keep =~ ^[01]$ ]] || refuse "KEEP=$keep: 1, or leave it out"
[[ $break =~ ^[012]$ ]] || refuse "BREAK=$break: 1 drops a row of the CSV files, 2 an event of head office"
[[ $groups =~ ^[0-9]{1,3}$ ]] && [ "$groups" -ge 1 ] || refuse "DEMO_GROUPS=$groups: a number from 1 to 999"
[[ $orders =~ ^[0-9]{1,4}$ ]] || refuse "DEMO_ORDERS=$orders: a number up to 9999"
[ -d "$data" ] || refuse "DATA=$data: no such folder"

# The name of a socket is short: so is that of the folder.
under=${DEMO_UNDER:-build}
mkdir -p "$under" || exit 74
dir=$(mktemp -d "$under/demo-XXXXXX") || exit 74
export dir

# All the work is done in a session of its own, and this script only waits: a signal finds nothing half done here, and what the
# session holds is ended with it. (A trap in the middle of a command substitution is lost on bash 5.2.)
alive() { grep -qsE "^[0-9]+ \\(.*\\) [^Z] [0-9]+ $! " /proc/[0-9]*/stat; }
finish()
{
	local i signal=TERM
	trap '' INT TERM HUP
	for ((i = 0; i < 120; i++)); do
		[ $i -lt 100 ] || signal=KILL
		kill -$signal -- -$! || kill $! # it may have no session yet
		alive || break
		sleep 0.1
	done 2>/dev/null
	[ -e "$dir/start" ] || rm -rf "$dir"
}
interrupted()
{
	finish
	echo 'demo: interrupted; what it had started is ended' >&2
	exit 130
}
trap interrupted INT TERM HUP
setsid "${BASH_SOURCE[0]%/*}/run.sh" &
wait $!
code=$?
finish
exit $code
