#!/bin/bash
# TAP: the cores reach nothing outside: no socket, store, clock, randomness, allocation, and keep nothing between calls.
# Shown on the objects of the release build, which has no sanitizer's symbols. Run from the top folder.
build=${AFTERSYNC_BUILD:-build/release}
case $build in
build/release | build/release-bug*) ;;
*)
	echo "1..0 # SKIP only the release objects show it"
	exit 0
	;;
esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

c=$build/common
floor="$c/base/text.o $c/base/date.o $c/wire/event.o $c/wire/log_opened.o
$(printf "$c/log/%s.o " tree proof note checkpoint cosign tlog_proof block)"
# the hooks that are handed in, and what the compiler calls by itself (strlen for a loop that looks for the 0)
allowed='as_abort|as_sha256(_init|_update|_final)?|as_ed25519_verify|mem(cpy|move|set|cmp)|strlen|__mem(cpy|move|set)_chk|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_'

# those of the sources there are now: an object of a source that is gone may lie about
objects()
{
	local f
	for f in common/"$1"/*.c; do
		echo "$build/${f%.c}.o"
	done
}

n=0
# core NAME OBJECTS: these, with the pure floor below them, need nothing else
core()
{
	local name=$1 wrong
	shift
	n=$((n + 1))
	if ! ld -r -o "$tmp/core.o" "$@" 2>"$tmp/err"; then
		sed 's/^/# /' "$tmp/err" >&2
		echo "not ok $n - $name"
		return
	fi
	wrong=$(nm -u "$tmp/core.o" | awk '{print $2}' | grep -vxE "$allowed" | sed 's/$/ is not the business of a core/')
	# .data.rel.ro is constant after the loader; anything else here would be state between calls
	wrong+=${wrong:+$'\n'}$(size -A "$tmp/core.o" | awk '$1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
		print $1 " holds " $2 " bytes: state between calls"}')
	if [ -z "${wrong//$'\n'/}" ]; then
		echo "ok $n - $name is pure"
	else
		# shellcheck disable=SC2001 # several lines
		sed "/^$/d; s,^,# $name: ," <<<"$wrong" >&2
		echo "not ok $n - $name is pure"
	fi
}

echo 1..4
# shellcheck disable=SC2086 # lists of words
{
	core "floor (text, date, event, log)" $floor
	core common/sync $(objects sync) $floor
	core common/ledger $(objects ledger) $floor
	core common/report $(objects report) $(objects ledger) $floor
}
