#!/bin/bash
# TAP: the systemd units are well formed and closed off: `systemd-analyze security`, which needs no running systemd, gives
# 1.5 at most (0 is best, 10 worst). Run from the top folder.
build=${AFTERSYNC_BUILD:-build/release}
if ! command -v systemd-analyze >/dev/null; then
	echo "1..0 # SKIP there is no systemd-analyze here"
	exit 0
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

n=0
failed=0
# result NAME: of the command before; what it said is in $tmp/out
result()
{
	local ok=$?
	n=$((n + 1))
	if [ $ok = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$tmp/out" >&2
		failed=1
	fi
}

units=(systemd/*.service)
echo "1..$((3 * ${#units[@]} + 2))"
for unit in "${units[@]}"; do
	name=$(basename "$unit" .service)
	# the paths of an installed program, of this build if it is there
	program=$PWD/$build/$name
	[ -x "$program" ] || program=/bin/true
	sed "s,^ExecStart=/usr/local/bin/$name ,ExecStart=$program ," "$unit" >"$tmp/$name.service"

	systemd-analyze --man=no verify "$tmp/$name.service" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]
	result "$name is well formed"

	systemd-analyze security --offline=true --threshold=15 "$tmp/$name.service" >"$tmp/out" 2>&1
	result "$name is closed off: $(sed -n 's/.*level for [^:]*: \([0-9.]*\).*/\1/p' "$tmp/out")"

	# not started again: a mistake of usage or configuration; started again: a failed disk
	grep -qx 'RestartPreventExitStatus=64 78' "$unit" && grep -qx 'Restart=on-failure' "$unit" &&
		grep -qx 'LimitCORE=0' "$unit" && grep -qx 'UMask=0077' "$unit" >"$tmp/out"
	result "$name starts again after 74, not after 64 and 78, and leaves no core"
done

# as root, into a file system of its own
install -D -m 644 systemd/aftersync.sysusers.conf "$tmp/root/usr/lib/sysusers.d/aftersync.conf"
mkdir -p "$tmp/root/etc"
if [ "$(id -u)" = 0 ]; then
	systemd-sysusers --root="$tmp/root" >"$tmp/out" 2>&1 && grep -q '^aftersync:' "$tmp/root/etc/passwd"
fi
result "the user can be made"
! grep -vE '^(#.*|d /var/lib/aftersync 0700 aftersync aftersync -|)$' systemd/aftersync.tmpfiles.conf >"$tmp/out"
result "the folder of the directories is private"
exit $failed
