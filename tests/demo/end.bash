# shellcheck shell=bash disable=SC2154 # most variables are those of run.sh
# The end of a demo: what BREAK drops, what KEEP leaves, what is said of a difference.

# A good row of a branch, at random, that stands in a line of its own.
break_csv()
{
	local code key n
	while :; do
		code=${codes[RANDOM % total]}
		key=$({
			load_csv "${map[$code]}" "${file[$code]}"
			case ${map[$code]} in
			ords) repair_rows ords "group_identifier = $(quoted "${value[$code]}")" ;;
			mobifix) repair_rows mobifix '1 = 1' ;;
			nyc311) complaint_rows nyc311 "borough = $(quoted "${value[$code]}")" ;;
			esac
			echo 'SELECT key FROM rows WHERE good ORDER BY random() LIMIT 1;'
		} | TZ=America/New_York sqlite3 -batch ':memory:')
		n=$(grep -c "^$key," "${file[$code]}")
		[ "$n" = 1 ] && ! grep "^$key," "${file[$code]}" | grep -q '"' && break
	done
	say "BREAK=1: dropped from ${file[$code]##*/}:"
	echo "  $(grep "^$key," "${file[$code]}" | tr -d '\r' | awk '{ print substr($0, 1, 76) }')"
	grep -v "^$key," "${file[$code]}" >"$dir/broken.csv" && mv "$dir/broken.csv" "${file[$code]}"
}

break_export()
{
	local n
	n=$(grep -n '"imported":true' "$dir/export.ndjson" | cut -d : -f 1 | shuf -n 1)
	say "BREAK=2: event $(sed -n "${n}s/^{\"event_id\":\"\([^\"]*\)\".*/\1/p" "$dir/export.ndjson") is dropped from log export"
	sed -i "${n}d" "$dir/export.ndjson"
}

# All that differs; what explains the others comes last.
differs()
{
	local first rest
	mapfile -t rest < <(sed -n 's/^differs //p' "$dir/recount" | awk '/^(row|case) / { print; next } { other[++n] = $0 } END { for (i = 1; i <= n; i++) print other[i] }')
	first=${rest[0]:-"SQLite could not count: $(head -n 1 "$dir/log/recount")"}
	echo
	[ ${#rest[@]} -le 1 ] || printf '%s\n' "${rest[@]:1:8}" | fold -s -w 76 | sed 's/^/  /'
	[ ${#rest[@]} -le 9 ] || echo "  and $((${#rest[@]} - 9)) more"
	echo "demo: $first"
	exit 1
}

# The stores stay, and what is needed to go on with them: branches connect to head office's own port now.
keep_folder()
{
	local code full
	full=$(cd "$build" && pwd)
	for code in "${codes[@]}"; do printf '[link]\nendpoint = tcp://127.0.0.1:%d\n' "$port" >>"$dir/branch/$code/aftersync.conf"; done
	cat >"$dir/start" <<-EOF
	#!/bin/bash
	# start, stop: the daemons of this demo
	cd "\${0%/*}" || exit 1
	if [ -s pids ]; then
	    xargs kill <pids
	    rm pids
	fi
	[ "\${0##*/}" = stop ] && exit
	for d in hq branch/*; do
	    program=aftersync-branchd
	    [ \$d = hq ] && program=aftersync-hqd
	    "$full/\$program" --dir \$d </dev/null >/dev/null 2>>log/\${d##*/} &
	    echo \$! >>pids
	done
	EOF
	chmod +x "$dir/start"
	ln "$dir/start" "$dir/stop"
	printf -v try '  %s\n' "export PATH=$full:\$PATH HQ=$dir/hq" 'aftersync verify --dir $HQ' 'aftersync report volume --by region --period year --dir $HQ' \
		"aftersync show SYN-0001 --dir \$HQ" "$dir/start    # head office and all branches again" 'aftersync status --watch --dir $HQ' \
		"$dir/stop     # ends them" "rm -r $dir"
	try=${try%$'\n'}
}
