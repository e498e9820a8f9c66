#!/bin/bash
# recount.sh MAP CSV WHERE REPORTS [BRANCH]: counts a CSV file with SQLite, without any of our code, and compares with the
# reports volume, pareto, complaints and complaint-timeliness in the folder REPORTS (NAME-month.json, NAME-all.json, as
# `report NAME --period month --format json` prints them; those of BRANCH when they are by branch). WHERE: which rows, as
# SQL. Prints `rows GOOD BAD` and then every difference; exit 1 when there is one.
set -uo pipefail
map=$1 csv=$2 where=$3 dir=$4 branch=${5:-}

# local time of New York to seconds since 1970, by the C library
export TZ=America/New_York

# shellcheck source-path=SCRIPTDIR
. "${BASH_SOURCE[0]%/*}/recount_rows.bash"

# rows of a report
rows()
{
	printf "SELECT value AS j FROM json_each(readfile(%s), '$.rows')" "$(quoted "$dir/$1")"
	[ -z "$branch" ] || printf " WHERE json_extract(value, '$.branch') = %s" "$(quoted "$branch")"
}

# compare NAME COLUMNS: what `want_NAME` holds against the report
compare()
{
	local name=$1 columns=$2 file=$3 list='' c
	for c in ${columns//,/ }; do list+="${list:+, }json_extract(j, '\$.$c') AS $c"; done
	cat <<-EOF
	CREATE TABLE got_$name AS SELECT $list FROM ($(rows "$file"));
	SELECT 'reported, not counted: $name', * FROM (SELECT $columns FROM got_$name EXCEPT SELECT $columns FROM want_$name) LIMIT 5;
	SELECT 'counted, not reported: $name', * FROM (SELECT $columns FROM want_$name EXCEPT SELECT $columns FROM got_$name) LIMIT 5;
	SELECT 'twice in the report: $name', count(*) FROM got_$name HAVING count(*) <> (SELECT count(*) FROM want_$name);
	EOF
}

repairs()
{
	repair_rows "$map" "$where"
	cat <<-EOF
	SELECT 'rows', sum(good), sum(NOT good) FROM rows;
	DELETE FROM rows WHERE NOT good;
	CREATE TABLE want_volume AS SELECT substr(date, 1, 7) AS period, count(*) AS received, count(*) AS finished, count(*) AS delivered,
	 0 AS opening_wip, 0 AS closing_wip, 0 AS reopened, 0 AS cancelled, 0 AS closing_custody FROM rows GROUP BY period;
	CREATE TABLE want_pareto AS SELECT model, cause, count(*) AS count FROM rows GROUP BY 1, 2;
	EOF
	compare volume period,received,finished,delivered,opening_wip,closing_wip,reopened,cancelled,closing_custody volume-month.json
	compare pareto model,cause,count pareto-all.json
}

complaints()
{
	complaint_rows "$map" "$where"
	cat <<-EOF
	SELECT 'rows', sum(good), sum(NOT good) FROM rows;
	DELETE FROM rows WHERE NOT good;
	CREATE TABLE months AS WITH days AS (SELECT created AS d FROM rows UNION SELECT closed FROM rows UNION
	  SELECT reply_date FROM rows UNION SELECT close_date FROM rows),
	 m(d) AS (SELECT date(min(d), 'start of month') FROM days WHERE d IS NOT NULL UNION ALL
	  SELECT date(d, '1 month') FROM m WHERE d < (SELECT date(max(d), 'start of month') FROM days))
	 SELECT strftime('%Y-%m', d) AS period FROM m;
	CREATE TABLE want_complaints AS SELECT period, count(*) FILTER (WHERE strftime('%Y-%m', created) < period)
	  - count(*) FILTER (WHERE strftime('%Y-%m', closed) < period) AS opening,
	 count(*) FILTER (WHERE strftime('%Y-%m', created) = period) AS received,
	 count(*) FILTER (WHERE strftime('%Y-%m', closed) = period) AS closed,
	 count(*) FILTER (WHERE strftime('%Y-%m', created) <= period) - count(*) FILTER (WHERE strftime('%Y-%m', closed) <= period) AS closing,
	 0 AS suggestions, 0 AS reopened, 0 AS withdrawn, 0 AS rejected FROM months, rows GROUP BY period;
	DELETE FROM want_complaints WHERE opening = 0 AND received = 0 AND closed = 0 AND closing = 0;
	CREATE TABLE want_timeliness AS SELECT period, 0 AS ack_due, count(*) FILTER (WHERE strftime('%Y-%m', reply_date) = period) AS reply_due,
	 count(*) FILTER (WHERE strftime('%Y-%m', reply_date) = period AND closed_s <= reply_s) AS reply_on_time,
	 count(*) FILTER (WHERE strftime('%Y-%m', close_date) = period) AS close_due,
	 count(*) FILTER (WHERE strftime('%Y-%m', close_date) = period AND closed_s <= close_s) AS close_on_time,
	 count(*) FILTER (WHERE strftime('%Y-%m', close_date) <= period AND (closed_s IS NULL OR closed_s > close_s) AND
	  (closed IS NULL OR strftime('%Y-%m', closed_s + offset_s, 'unixepoch') > period)) AS overdue_open FROM months, rows GROUP BY period;
	DELETE FROM want_timeliness WHERE reply_due = 0 AND close_due = 0 AND overdue_open = 0;
	EOF
	compare complaints period,opening,received,closed,closing,suggestions,reopened,withdrawn,rejected complaints-month.json
	compare timeliness period,ack_due,reply_due,reply_on_time,close_due,close_on_time,overdue_open complaint-timeliness-month.json
}

{
	echo '.bail on'
	load_csv "$map" "$csv"
	case $map in
	ords | mobifix) repairs ;;
	*) complaints ;;
	esac
} | sqlite3 -batch -separator ' ' ':memory:' | {
	bad=0
	while IFS= read -r line; do
		echo "$line"
		[[ $line == rows\ * ]] || bad=1
	done
	exit $bad
}
