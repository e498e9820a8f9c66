#!/usr/bin/env bats
# What stands in a node's directory: configuration, owners, modes, keys. What is wrong is one line that says where, and
# changes nothing.

load helpers

# What is in the directories, with modes and contents, but for locks and sockets that a start leaves behind.
everything()
{
	find "$@" -printf '%p %m %u %l\n' | grep -vE '/(lock|lock\.mdb|control\.sock) |/(lock|run) ' | sort
	find "$@" -type f ! -name lock ! -name lock.mdb -exec sha256sum {} + | sort
}

# refuses CODE PATTERN NAME: its daemon does not start, and says why in one line; nothing has changed
refuses()
{
	local code=$1 pattern=$2 name=$3 program
	program=$(program_of "$name")
	everything "$T/$name" >was
	run timeout 20 "$build/${PROGRAM:-$program}" --dir "$T/$name"
	echo "exit $status, want $code: $output (want $pattern)"
	[ "$status" = "$code" ]
	[ "${#lines[@]}" = 1 ]
	[[ $output =~ $pattern ]]
	everything "$T/$name" | diff was -
}

both()
{
	hq_init
	branch bj BJ01
}

@test "a wrong configuration: file, line, exit 78; --check" {
	both
	for name in hq bj; do
		cp "$name/aftersync.conf" good
		program=$(program_of $name)
		run -0 "$build/$program" --dir "$T/$name" --check
		[ "$output" = "$T/$name/aftersync.conf: configuration OK" ]
		n=$(($(wc -l <good) + 1))
		for wrong in "nonsense" "level = loud" "[log]\nlevel = loud" "[log]\nvolume = 11" "[nowhere]\nlevel = info" \
		    "[log]\nlevel = info\nlevel = debug" "[store]\nlimit = many" "[store]\nlimit = 1 KiB"; do
			printf '%s\n'"$wrong"'\n' "$(cat good)" >"$name/aftersync.conf"
			run "$build/$program" --dir "$T/$name" --check
			echo "$wrong => $status: $output"
			[ "$status" = 78 ]
			[ "${#lines[@]}" = 1 ]
			[[ $output =~ ^$program:\ .*aftersync\.conf:?\ ?.* ]]
			[[ $wrong = *limit*1* ]] || [[ $output =~ :$n:|:$((n + 1)):|:$((n + 2)): ]]
			refuses 78 'aftersync\.conf' $name
		done
		rm "$name/aftersync.conf"
		refuses 78 'aftersync\.conf' $name
		cp good "$name/aftersync.conf"
		chmod 666 "$name/aftersync.conf"
		refuses 78 'chmod' $name
		chmod 600 "$name/aftersync.conf"
	done
	run -64 "$build/aftersync-hqd" --dir hq --bogus
	run -64 "$build/aftersync-branchd"
}

@test "SIGHUP: what may change changes, the rest is named, a broken file changes nothing" {
	both
	start hq bj
	in_sync 0 bj
	printf '[log]\nlevel = debug\n[link]\nmax_links = 50\n' >more
	cat more >>hq/aftersync.conf
	kill -HUP "$(cat hq.pid)"
	logs hq 'what=reloaded changed="?log\.level"? needs-restart="?link\.max_links"?'
	printf '[log]\nlevel = error\nbroken\n' >>bj/aftersync.conf
	kill -HUP "$(cat bj.pid)"
	logs bj 'what=reload-refused reason=".*aftersync\.conf:[0-9]+:'
	orders 1 1 | submit bj
	in_sync 2 bj
	sed -i '/broken/d' bj/aftersync.conf
	kill -HUP "$(cat bj.pid)"
	logs bj 'what=reloaded changed="?log\.level'
	orders 2 1 | submit bj
	in_sync 3 bj
	stop hq bj
}

@test "owners and modes of a node's directory" {
	both
	for name in hq bj; do
		chmod 750 $name/keys
		refuses 78 "keys.*chmod" $name
		chmod 700 $name/keys
		chmod 755 $name/store
		refuses 78 "store.*chmod" $name
		chmod 700 $name/store
		chmod 777 $name
		refuses 78 "chmod" $name
		chmod 700 $name
		chmod 777 $name/run
		refuses 78 "run.*chmod" $name
		chmod 700 $name/run
		chmod 640 $name/keys/link
		refuses 78 "keys/link.*chmod" $name
		chmod 600 $name/keys/link
		chmod 644 $name/keys/store
		refuses 78 "keys/store.*chmod" $name
		chmod 600 $name/keys/store
		mv $name/store elsewhere-$name
		ln -s ../elsewhere-$name $name/store
		refuses 78 "store" $name
		rm $name/store
		mv elsewhere-$name $name/store
	done
	if [ "$(id -u)" = 0 ]; then
		chown -R nobody hq/store
		refuses 78 "chown" hq
		chown -R root hq/store
		chown nobody bj/keys/identity
		refuses 78 "chown" bj
		chown root bj/keys/identity
	fi
	start hq bj
	in_sync 0 bj
}

@test "the other role, no node, a newer format, missing and damaged keys" {
	both
	PROGRAM=aftersync-branchd refuses 78 "is a head office: start aftersync-hqd" hq
	PROGRAM=aftersync-hqd refuses 78 "is a branch: start aftersync-branchd" bj
	mkdir hq-empty
	refuses 78 "hq-empty" hq-empty
	run -78 "$build/aftersync-hqd" --dir "$T/hq-nowhere"
	[ ! -e hq-nowhere ]

	cp -a hq/node node
	sed -i '1,3s/[0-9][0-9]*/999/' hq/node
	refuses 78 "node" hq
	cp -a node hq/node

	for key in link store instance-1 recipient transport-1 ring; do
		mv hq/keys/$key kept
		refuses 78 "keys/${key%-1}" hq
		head -c 20 kept >hq/keys/$key
		chmod 600 hq/keys/$key
		refuses 78 "keys/${key%-1}" hq
		mv kept hq/keys/$key
	done
	for key in identity link store recipient ring join; do
		mv bj/keys/$key kept
		refuses 78 "keys/$key" bj
		mv kept bj/keys/$key
	done
	# the key of another store
	mv bj/keys/store kept
	cp hq/keys/store bj/keys/store
	refuses 78 "key" bj
	mv kept bj/keys/store
	start hq bj
	in_sync 0 bj
}

@test "a second daemon, and commands, beside a running one" {
	both
	start hq bj
	in_sync 0 bj
	for name in hq bj; do
		run timeout 20 "$build/$(program_of $name)" --dir "$T/$name"
		echo "$status: $output"
		[ "$status" = 74 ]
		[ "${#lines[@]}" = 1 ]
		[[ $output = *"$(cat $name.pid)"* ]]
	done
	in_sync 0 bj
	run -1 aftersync rebuild --dir hq
	# a stale socket, lock and pid are nothing to a next start
	murder hq bj
	run -69 aftersync submit --dir bj - </dev/null
	[[ $output = *"daemon not running"* ]]
	start hq bj
	in_sync 0 bj
}
