#!/bin/bash
# TAP: wrong input to every command: one line that says what and why, the right exit code, nothing made. Run from the
# top folder.
build=${AFTERSYNC_BUILD:-build/release}
top=$PWD
aftersync=$top/$build/aftersync
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
mkdir node
unset LC_ALL LC_MESSAGES LANG

n=0
result()
{
	local name=${2//[^[:print:]]/?}
	n=$((n + 1))
	[ "$1" = 0 ] && echo "ok $n - ${name:0:100}" || echo "not ok $n - ${name:0:100}"
}

# refused CODE PATTERN ARGUMENT…: that exit code, nothing on stdout, one line with the pattern on stderr, nothing made
refused()
{
	local code=$1 pattern=$2 got lines
	shift 2
	timeout 10 "$aftersync" "$@" >"$tmp/.out" 2>"$tmp/.err" </dev/null
	got=$?
	lines=$(wc -l <"$tmp/.err")
	made=$(find . -mindepth 1 ! -name .out ! -name .err ! -path ./node | head -3)
	if [ "$got" = "$code" ] && [ "$lines" = 1 ] && grep -q "^aftersync: .*$pattern" "$tmp/.err" &&
	    [ ! -s "$tmp/.out" ] && [ -z "$made" ]; then
		result 0 "$* => $code"
	else
		echo "# exit $got, want $code; stderr ($lines lines, want $pattern):"
		cut -c1-300 "$tmp/.err" "$tmp/.out" | sed 's/^/#   /'
		echo "# made: $made"
		result 1 "$* => $code"
	fi
}

long=$(printf 'x%.0s' {1..5000})

# the command itself
refused 64 'no command'
refused 64 'no such command' bogus
refused 64 'did you mean `status`' stauts --dir node
refused 64 'did you mean `hq enrol`' hq enroll BJ01
refused 64 'not a whole command' log
refused 64 'no such option' --bogus
refused 64 'no such command' "$long"
refused 64 'no such command' $'two\nlines'

# every command: no --dir, an unknown option, an option twice, one without its value, one argument too many
while IFS=$'\t' read -r words arg; do
	# shellcheck disable=SC2086 # words are words
	{
		case $words in
		'proof check') refused 64 'FILE is missing' $words ;;
		report) refused 64 'which?' $words ;;
		*) refused 64 'missing' $words ${arg:+"$arg"} ;;
		esac
		refused 64 'no such option' $words ${arg:+"$arg"} --bogus
		refused 64 'no such option' $words ${arg:+"$arg"} -Z
		refused 64 'one argument too many' $words ${arg:+"$arg"} ${arg:-one} two
		if "$aftersync" --list | grep -qxF "$words"$'\t--dir'; then
			refused 64 'did you mean --dir' $words ${arg:+"$arg"} --dri node
			refused 64 -- '--dir is given twice' $words ${arg:+"$arg"} --dir node --dir node
			refused 64 -- '--dir needs a value: DIR' $words ${arg:+"$arg"} --dir
			refused 64 'no file name' $words ${arg:+"$arg"} --dir ''
		fi
		if "$aftersync" --list | grep -qxF "$words"$'\t--format'; then
			refused 64 'not one of table|csv|json' $words ${arg:+"$arg"} --format xml
			refused 64 'not one of table|csv|json' $words ${arg:+"$arg"} --format=
			refused 64 'not one of en|zh' $words ${arg:+"$arg"} --lang de
		fi
	}
done <<'EOF'
hq init
hq enrol	BJ01
hq instance new
branch join	CODE
submit
status
why	BJ01
report	volume
show	BJ202611230001
log list
log show	LOG
log export
verify
rebuild
proof make
proof check	FILE
EOF

# values
refused 64 'not a branch code' hq enrol bj01 --dir node
refused 64 'not a branch code' hq enrol BJ0123456 --dir node
refused 64 'not a number from 1 on' hq enrol BJ01 --dir node --uses 0
refused 64 'not a number from 1 on' hq enrol BJ01 --dir node --uses -1
refused 64 'not a number from 1 on' hq enrol BJ01 --dir node --uses 99999999999
refused 64 'not a duration' hq enrol BJ01 --dir node --expires 24
refused 64 'not a duration' hq enrol BJ01 --dir node --expires 0h
refused 64 'takes no value' hq enrol BJ01 --dir node --replace=yes
refused 64 'not UTF-8' hq enrol BJ01 --dir node --name $'\xff'
refused 64 'no such report; did you mean volume' report volum --dir node
refused 64 'no such report' report plan --dir node
refused 64 'cannot be split by that' report volume --dir node --by severity
refused 64 'cannot be split by that' report volume --dir node --by branch,,model
refused 64 'cannot be split by that' report tat --dir node --by finished
refused 64 'not one of day|week' report volume --dir node --period days
refused 64 'not a date' report volume --dir node --from 2026-02-30
refused 64 'not a date' report volume --dir node --to 20260101
refused 64 'lies after' report volume --dir node --from 2026-02-02 --to 2026-02-01
refused 64 'not a time' report volume --dir node --as-of 2026-02-02
refused 64 'takes no NAME' report volume --list
refused 64 'not one of worst' status --dir node --sort speed
refused 64 'not a number' log show LOG --dir node --from -1
refused 64 'not a branch code' verify --dir node --branch bj
refused 64 'not an event id' proof make --dir node --event 17
refused 64 'is empty' why '' --dir node

# no node, no daemon
for c in 'submit' 'import --map ords x.csv' 'why BJ01' 'proof make --event 01890a5d-ac96-774b-bcce-b302099a8057'; do
	# shellcheck disable=SC2086 # words are words
	refused 69 'daemon not running: start aftersync-' $c --dir node
	# shellcheck disable=SC2086
	refused 78 'No such file or directory' $c --dir none
done
for c in status 'report volume' 'show X' 'log list' 'log show L' 'log export' verify rebuild 'hq enrol BJ01'; do
	# shellcheck disable=SC2086
	refused 78 . $c --dir node
	# shellcheck disable=SC2086
	refused 78 'No such file or directory' $c --dir none
done
refused 74 'No such file or directory' submit missing.ndjson --dir node
refused 74 'hq enrol: none.csv: No such file' hq enrol --from none.csv --dir node
refused 74 'hq enrol: /dev/null: not a plain file' hq enrol --from /dev/null --dir node
refused 74 'No such file or directory' hq init --dir new --listen tcp://127.0.0.1:1 --passphrase-file missing
refused 78 'no terminal' hq instance new --dir node

# import: options before anything is looked at
refused 64 'CSV... is missing' import --dir node --map ords
refused 64 -- '--map NAME|FILE is missing' import --dir node x.csv
refused 64 -- '--dir DIR is missing' import --map ords x.csv
refused 64 'no file name' import --dir node --map '' x.csv
refused 64 'no such map' import --dir node --map ord x.csv
refused 64 'none.ini: No such file' import --dir node --map none.ini x.csv
refused 64 'belong together' import --dir node --map ords --rejects r.csv x.csv
refused 64 'belong together' import --dir node --map ords --skip-bad x.csv
refused 64 'write COLUMN=VALUE' import --dir node --map ords --where =x x.csv
refused 64 'write COLUMN=VALUE' import --dir node --map ords --where-not brand x.csv
refused 64 'not UTF-8' import --dir node --map ords --where $'brand=\xff' x.csv
refused 64 'did you mean --where-not' import --dir node --map ords --where-no brand=x x.csv
refused 64 'over 64 of them' import --dir node --map ords $(printf -- '--where a=%d ' {1..65}) x.csv
refused 64 'one argument too many' import --dir node --map ords $(printf 'x%d.csv ' {1..257})
refused 78 . import --dir node --map ords --dry-run x.csv

# a proof that is none
refused 74 'No such file or directory' proof check missing
refused 74 'Is a directory' proof check node
refused 1 'not a proof of an event' proof check /dev/null
refused 1 'too large' proof check "$aftersync"

# a full disk is said once, with what could not be written
for c in 'report --list' 'report --list --format json' 'report --list --format csv'; do
	# shellcheck disable=SC2086
	"$aftersync" $c >/dev/full 2>"$tmp/.err"
	[ $? = 74 ] && [ "$(wc -l <"$tmp/.err")" = 1 ] && grep -q 'No space left' "$tmp/.err"
	result $? "$c to a full device => 74"
done

# what needs no node
"$aftersync" --help | grep -q '^  submit ' && "$aftersync" --version | grep -q '^aftersync [0-9]'
result $? "--help and --version"
bad=0
while IFS=$'\t' read -r words opt; do
	# shellcheck disable=SC2086
	"$aftersync" $words --help >"$tmp/.out" 2>"$tmp/.err" || bad=1
	[ -s "$tmp/.err" ] && bad=1
	[ -z "$opt" ] || grep -q -- "$opt\b" "$tmp/.out" || { echo "# $words: $opt is not in its help"; bad=1; }
	! grep -q '.\{120\}' "$tmp/.out" || [ "$words" = status ] || { echo "# $words: help is too wide"; bad=1; }
done < <("$aftersync" --list)
result $bad "every command has a --help that names its options"
"$aftersync" report --list --format json | perl -MJSON::PP -0ne 'exit !(@{decode_json($_)} == 5)'
result $? "report --list --format json"

# completion knows what the table knows
"$aftersync" --completion >"$tmp/.bash" && bash -n "$tmp/.bash"
result $? "the completion is bash"
complete_to()
{
	# shellcheck source=/dev/null
	. "$tmp/.bash"
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_aftersync
	echo "${COMPREPLY[*]}"
}
[ "$(complete_to aftersync stat)" = status ] && [ "$(complete_to aftersync hq '')" = 'init enrol instance' ] &&
    [ "$(complete_to aftersync report volume --per)" = --period ] &&
    [ "$(complete_to aftersync report volume --period q)" = quarter ] &&
    [ "$(complete_to aftersync log list --format '')" = 'table csv json' ]
result $? "completion of commands, options, values"

# every word and option of the table is offered at its place
missing=
while IFS=$'\t' read -r words option; do
	read -ra typed <<<"$words"
	if [ -n "$option" ]; then
		[[ " $(complete_to aftersync "${typed[@]}" x --) " = *" $option "* ]] || missing+=" $words:$option"
		[[ " $(complete_to aftersync "${typed[@]}" -) " = *" $option "* ]] || missing+=" $words:$option"
		continue
	fi
	for ((i = 0; i < ${#typed[@]}; i++)); do
		[[ " $(complete_to aftersync "${typed[@]:0:i}" '') " = *" ${typed[i]} "* ]] || missing+=" ${typed[*]:0:i+1}"
	done
done < <("$aftersync" --list)
[ -z "$missing" ]
result $? "completion offers the whole table${missing:+, not:$missing}"

# --map: the maps that are built in, and files
maps=$(cd "$top/maps" && printf '%s\n' *.ini | sed 's/\.ini$//')
mkdir "$tmp/maps" && touch "$tmp/maps/nyc-own.ini"
[ -n "$maps" ] && [ "$(complete_to aftersync import --map '' | tr ' ' '\n' | grep -xF "$maps" | sort)" = "$(sort <<<"$maps")" ] &&
    [ "$(complete_to aftersync import --dir d --map mob)" = mobifix ] &&
    [ "$(cd "$tmp/maps" && complete_to aftersync import --map nyc)" = 'nyc311 nyc311-due nyc-own.ini' ]
result $? "completion of --map"

echo "1..$n"
