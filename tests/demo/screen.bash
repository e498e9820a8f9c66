# shellcheck shell=bash disable=SC2034 # the colours are used by others
# What a demo shows. On a terminal a few lines are drawn again in place; a pipe gets each line once.

live=
case ${TERM:-dumb} in
dumb) ;;
*) [ ! -t 1 ] || live=1 ;;
esac
red='' green='' bold='' plain=''
if [ -n "$live" ] && [ -z "${NO_COLOR:-}" ]; then
	red=$'\e[31m' green=$'\e[32m' bold=$'\e[1m' plain=$'\e[0m'
fi
drawn=0 # lines that the next drawing replaces

now_ms() { local t=${EPOCHREALTIME/[.,]/}; echo $((t / 1000)); }
began=$(now_ms)

# seconds since the beginning, with a tenth
clock() { local ms=$(($(now_ms) - began)); printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100)); }

# 1234567 → 1,234,567
number()
{
	local n=$1 out=''
	while [ ${#n} -gt 3 ]; do
		out=,${n: -3}$out n=${n:0:${#n}-3}
	done
	echo "$n$out"
}

say() { printf '%6s s  %s\n' "$(clock)" "$*"; drawn=0; }

# a line that the next one replaces; nothing in a pipe
hint()
{
	[ -z "$live" ] || { wipe; printf '%6s s  %s\n' "$(clock)" "$*"; drawn=1; }
}

wipe() { [ "$drawn" = 0 ] || printf '\e[%dA\e[J' "$drawn"; drawn=0; }

# draw LINE…: in place of the last drawing; in a pipe below it
draw()
{
	if [ -z "$live" ]; then
		printf '%s\n' "$@"
		return
	fi
	local text
	printf -v text '%s\e[K\n' "$@"
	[ "$drawn" = 0 ] || printf '\e[%dA' "$drawn"
	printf '%s\e[J' "$text"
	drawn=$#
}
