# shellcheck shell=bash
# Helpers of the process tests. Nodes of a test live in $T, each with a log beside it; ports are below 32768. Every wait
# is for a condition, and bounded: the next step never relies on how long something takes.

bats_require_minimum_version 1.5.0

build=${AFTERSYNC_BUILD:-build/release}
[[ $build = /* ]] || build=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/$build
T=$BATS_TEST_TMPDIR
WAIT=${E2E_WAIT:-40} # seconds, of any wait
case $build in *san-*) WAIT=${E2E_WAIT:-240} ;; esac

# What nobody may find in a log of a daemon.
secret_name=张晓明 secret_phone=13800138000 secret_text=blaue-Blume

aftersync()
{
	timeout 60 "$build/aftersync" "$@"
}

# eventually COMMAND…: as soon as it is true; false after $WAIT seconds
eventually()
{
	local end=$((SECONDS + WAIT))
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "never: $*"
			return 1
		fi
		sleep 0.1
	done
}

# A port of the loopback interface that nobody listens on.
free_port()
{
	perl -MIO::Socket::INET -e 'for (1 .. 200) {
		my $p = 10000 + int(rand(22000));
		my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $p) or next;
		print $p; exit 0 } exit 1'
}

# ---- nodes ----------------------------------------------------------------------------------------------------------

# hq_init [NAME]: a head office in $T/NAME, hq, which listens on $hq_port
hq_init()
{
	local name=${1:-hq}
	hq_port=$(free_port)
	echo "correct horse battery staple" >"$T/passphrase"
	aftersync hq init --dir "$T/$name" --listen "tcp://127.0.0.1:$hq_port" --org "Aurora Mobile" \
	    --passphrase-file "$T/passphrase" >/dev/null
	printf '[store]\npreallocate = 1 MiB\n' >>"$T/$name/aftersync.conf"
}

# enrol CODE [OPTION…]: the join code, on standard output
enrol()
{
	local code=$1
	shift
	aftersync hq enrol "$code" --dir "$T/hq" "$@" | tail -n 1
}

# join NAME JOINCODE
join()
{
	aftersync branch join "$2" --dir "$T/$1" >/dev/null
	grep -q preallocate "$T/$1/aftersync.conf" || printf '[store]\npreallocate = 1 MiB\n' >>"$T/$1/aftersync.conf"
}

# branch NAME CODE [OPTION…]: enrolled and joined; its daemon is not started
branch()
{
	local name=$1
	shift
	join "$name" "$(enrol "$@")"
}

program_of()
{
	case $1 in hq*) echo aftersync-hqd ;; *) echo aftersync-branchd ;; esac
}

started_times()
{
	[ ! -e "$T/$1.log" ] || grep -c what=started "$T/$1.log" || true
}

is_running()
{
	[ -s "$T/$1.pid" ] && kill -0 "$(cat "$T/$1.pid")" 2>/dev/null
}

# One more line what=started, or it has ended.
has_begun()
{
	[ "$(started_times "$1" | tail -n 1)" -gt "${2:-0}" ] || ! is_running "$1"
}

# start NAME…: their daemons; they are ready when this returns. `later` moves their clocks
start()
{
	local name before
	for name in "$@"; do
		before=$(started_times "$name")
		printf '\0\0\0\0\0\0\0\0' >"$T/$name.clock"
		LD_PRELOAD="$build/clockshift.so" CLOCKSHIFT="$T/$name.clock" \
		    ASAN_OPTIONS="${ASAN_OPTIONS:-}:verify_asan_link_order=0" \
		    "$build/$(program_of "$name")" --dir "$T/$name" </dev/null >/dev/null 2>>"$T/$name.log" 3>&- &
		echo $! >"$T/$name.pid"
		eventually has_begun "$name" "$before"
		if ! is_running "$name"; then
			tail -n 5 "$T/$name.log"
			return 1
		fi
	done
}

# later NAME SECONDS: so much more has passed for its daemon
later()
{
	perl -e '
		open my $f, "+<", $ARGV[0] or die; binmode $f; read $f, my $b, 8;
		seek $f, 0, 0; print $f pack("q", unpack("q", $b) + $ARGV[1])' "$T/$1.clock" "$2"
}

# hurry NAME…: branches without a link that wait to connect do it now: the longest back-off is over
hurry()
{
	local name
	for name in "$@"; do
		later "$name" 121
	done
}

has_ended()
{
	! is_running "$1"
}

# signalled SIGNAL NAME: its exit code, when it has ended
signalled()
{
	local pid
	pid=$(cat "$T/$2.pid")
	kill "-$1" "$pid"
	eventually has_ended "$2"
	rm "$T/$2.pid"
	wait "$pid"
}

# stop NAME…: SIGTERM, exit code 0
stop()
{
	local name
	for name in "$@"; do
		signalled TERM "$name"
	done
}

# murder NAME…: SIGKILL
murder()
{
	local name code
	for name in "$@"; do
		code=0
		signalled KILL "$name" 2>/dev/null || code=$?
		[ "$code" = 137 ]
	done
}

# copy NAME COPY: a node's directory, as an administrator would copy it and put it back
copy()
{
	rm -rf "${T:?}/$2"
	cp -a "$T/$1" "$T/$2"
}

# ---- what is said of them -------------------------------------------------------------------------------------------

status_json()
{
	aftersync status --dir "$T/$1" --format json </dev/null || [ $? -le 2 ]
}

# state_is NAME FILTER: does the jq filter hold for its status? `b` in it is the row of the only branch, or of $BRANCH
state_is()
{
	status_json "$1" | jq -e --arg code "${BRANCH:-}" \
	    "def b: (.branches[] | select(\$code == \"\" or .branch == \$code)); $2" >/dev/null
}

# awaits NAME FILTER: until it does
awaits()
{
	if ! eventually state_is "$1" "$2"; then
		status_json "$1"
		tail -n 20 "$T"/*.log
		return 1
	fi
}

# in_sync N NAME…: head office and these branches agree that all N events of each are receipted
in_sync()
{
	local n=$1 name code
	shift
	for name in "$@"; do
		awaits "$name" "b.state == \"in-sync\" and b.head == $n and b.acked == $n"
		code=$(status_json "$name" | jq -r '.branches[0].branch')
		BRANCH=$code awaits hq "b.state == \"in-sync\" and b.acked == $n and b.applied == $n and b.flagged == 0"
	done
}

log_has()
{
	grep -qE -- "$2" "$T/$1.log"
}

# A daemon's log has this line, sooner or later.
logs()
{
	if ! eventually log_has "$1" "$2"; then
		tail -n 20 "$T/$1.log"
		return 1
	fi
}

# Everything is read again from the disk and right.
verified()
{
	local name
	for name in "$@"; do
		run aftersync verify --dir "$T/$name"
		[ "$status" = 0 ] || { echo "verify $name: $output"; return 1; }
		[ "${lines[-1]}" = "Nothing is wrong." ] || { echo "verify $name: $output"; return 1; }
	done
}

# event_ids NAME BRANCH [KIND]: of the events of a branch that NAME holds, one a line, repetitions too
event_ids()
{
	aftersync log export --dir "$T/$1" --branch "$2" </dev/null | jq -r "select(.kind == \"${3:-REPAIR_RECEIVED}\") | .event_id"
}

# received NAME CODE: repair orders that a report of NAME counts for the branch
received()
{
	aftersync report volume --dir "$T/$1" --period all --by branch --format csv </dev/null | tr -d '\r' |
	    awk -F, -v code="$2" 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i }
		NR > 1 && $col["branch"] == code { n = $col["received"] } END { print n + 0 }'
}

# ---- events ---------------------------------------------------------------------------------------------------------

# orders FIRST N [FIELDS]: N submissions that open a repair order; the event_ids count from FIRST. FIELDS go into the
# object, e.g. '"case":"X-1",'
orders()
{
	perl -e '
		my ($first, $n, $more, $name, $phone, $text) = @ARGV;
		for my $i ($first .. $first + $n - 1) {
			printf qq({"event_id":"01a20000-0000-7000-8000-%012d",%s"kind":"REPAIR_RECEIVED","occurred_at":"2026-11-%02dT09:30:00+08:00",)
			    . qq("actor":1001,"facts":{"model":"A1","channel":"WALK_IN","promised_at":"2026-12-24T18:00:00+08:00",)
			    . qq("symptom":["H01"],"appearance":["SCRATCH"],"accessories":["BATTERY"]},)
			    . qq("personal":{"name":"%s","phone":"%s","imei":"490154203237518","symptom_text":"%s"}}\n),
			    $i, $more, 1 + $i % 20, $name, $phone, $text;
		}' "$1" "$2" "${3:-}" "$secret_name" "$secret_phone" "$secret_text"
}

# submit NAME <LINES: all are recorded; the answers are in $T/answers
submit()
{
	if ! aftersync submit --dir "$T/$1" - >"$T/answers"; then
		head -n 5 "$T/answers"
		return 1
	fi
}

# ---- the line -------------------------------------------------------------------------------------------------------

# relay_start: listens on $relay_port, passes on to $hq_port
relay_start()
{
	relay_port=$(free_port)
	"$build/relay" "$relay_port" "127.0.0.1:$hq_port" --control "$T/relay.sock" </dev/null >"$T/relay.out" 2>&1 3>&- &
	echo $! >"$T/relay.pid"
	eventually grep -q ready "$T/relay.out"
}

relay()
{
	[ "$(timeout 10 "$build/relay" --send "$T/relay.sock" "$@")" = ok ]
}

# ---- before and after -----------------------------------------------------------------------------------------------

setup()
{
	cd "$T" || return
	unset LANG LC_ALL LC_MESSAGES
}

teardown()
{
	local f pid
	for f in "$T"/*.pid; do
		[ -s "$f" ] || continue
		pid=$(cat "$f")
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	cd /
	# no log of a daemon holds what a customer said
	! grep -lE "$secret_name|$secret_phone|$secret_text|490154203237518" "$T"/*.log
}

# A head office hq and a branch bj (BJ01) in sync, over a line that can fail.
relayed_pair()
{
	hq_init
	start hq
	relay_start
	branch bj BJ01 --endpoint "tcp://127.0.0.1:$relay_port"
	start bj
	in_sync 0 bj
}
