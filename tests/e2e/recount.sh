#!/bin/bash
# recount.sh MAP CSV WHERE REPORTS [BRANCH]: counts a CSV file with SQLite, without any of our code, and compares with the
# reports volume, pareto, complaints and complaint-timeliness in the folder REPORTS (NAME-month.json, NAME-all.json, as
# `report NAME --period month --format json` prints them; those of BRANCH when they are by branch). WHERE: which rows, as
# SQL. Prints `rows GOOD BAD` and then every difference; exit 1 when there is one.
set -u
map=$1 csv=$2 where=$3 dir=$4 branch=${5:-}

# local time of New York to seconds since 1970, by the C library
export TZ=America/New_York

quoted() { printf "'%s'" "${1//\'/\'\'}"; }

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

# a text cut at N bytes on a character
cut() { echo "(SELECT substr($1, 1, max(n)) FROM numbers WHERE n <= $2 AND length(CAST(substr($1, 1, n) AS BLOB)) <= $2)"; }

repairs()
{
	local model cause=\'UNKNOWN\'
	case $map in
	ords) model="CASE brand WHEN '' THEN 'Unknown' ELSE brand END" ;;
	mobifix)
		model="CASE trim(brand || ' ' || model) WHEN '' THEN 'Unknown' ELSE trim(brand || ' ' || model) END"
		cause="(SELECT code FROM fault WHERE name = fault_type)"
		;;
	esac
	cat <<-EOF
	CREATE TABLE fault(name, code);
	INSERT INTO fault VALUES ('Screen', 'SCREEN'), ('Power/battery', 'POWER_BATTERY'), ('USB/charging port', 'CHARGE_PORT'),
	 ('Charger', 'CHARGER'), ('Speaker/amplifier', 'SPEAKER'), ('Microphone', 'MIC'), ('Headphone jack', 'HEADPHONE_JACK'),
	 ('Camera', 'CAMERA'), ('On/Off button', 'POWER_KEY'), ('Volume buttons', 'VOLUME_KEY'), ('Other buttons', 'OTHER_KEY'),
	 ('Sim card slot', 'SIM_SLOT'), ('Memory card slot', 'CARD_SLOT'), ('Stuck booting', 'BOOT_LOOP'),
	 ('Software issue', 'SOFTWARE'), ('Software update', 'SW_UPDATE'), ('Storage problem', 'STORAGE'),
	 ('Performance', 'PERFORMANCE'), ('Access issue', 'ACCESS'), ('Help/configuration', 'CONFIG'),
	 ('External damage', 'HOUSING'), ('Internal damage', 'INTERNAL'), ('Liquid damage', 'LIQUID'), ('Other', 'OTHER'),
	 ('Unknown', 'UNKNOWN');
	CREATE TABLE rows AS SELECT substr(event_date, 1, 7) AS month, $model AS long_model, $cause AS cause,
	 id <> '' AND date(event_date) IS event_date AND
	 repair_status IN ('Fixed', 'Repairable', 'End of life', 'Unknown', '0', '1', '2', '3') AS good FROM src WHERE $where;
	SELECT 'rows', sum(good), sum(NOT good) FROM rows;
	DELETE FROM rows WHERE NOT good;
	CREATE TABLE want_volume AS SELECT month AS period, count(*) AS received, count(*) AS finished, count(*) AS delivered,
	 0 AS opening_wip, 0 AS closing_wip, 0 AS reopened, 0 AS cancelled, 0 AS closing_custody FROM rows GROUP BY month;
	CREATE TABLE want_pareto AS SELECT $(cut long_model 32) AS model, cause, count(*) AS count FROM rows GROUP BY 1, 2;
	EOF
	compare volume period,received,finished,delivered,opening_wip,closing_wip,reopened,cancelled,closing_custody volume-month.json
	compare pareto model,cause,count pareto-all.json
}

# MM/DD/YYYY hh:mm:ss AM to a text that SQLite knows
local_time()
{
	echo "CASE WHEN $1 = '' THEN NULL ELSE substr($1, 7, 4) || '-' || substr($1, 1, 2) || '-' || substr($1, 4, 2) || ' ' ||
	 printf('%02d', substr($1, 12, 2) % 12 + CASE substr($1, 21, 2) WHEN 'PM' THEN 12 ELSE 0 END) || substr($1, 14, 6) END"
}

complaints()
{
	local key=key created=created closed=closed due="''" days
	if [ "$map" = nyc311-due ]; then
		key='"Unique Key"' created='"Created Date"' closed='"Closed Date"' due='"Due Date"'
	fi
	# three working days after a Sunday … a Saturday
	days="CASE strftime('%w', created) WHEN '0' THEN 3 WHEN '1' THEN 3 WHEN '2' THEN 3 WHEN '6' THEN 4 ELSE 5 END"
	cat <<-EOF
	CREATE TABLE times AS SELECT $key AS key, $(local_time "$created") AS created, $(local_time "$closed") AS closed,
	 $(local_time "$due") AS due FROM src WHERE $where;
	CREATE TABLE rows AS SELECT key <> '' AND created IS NOT NULL AND (closed IS NULL OR closed >= created) AS good,
	 created, closed, CAST(strftime('%s', closed, 'utc') AS INTEGER) AS closed_s,
	 strftime('%s', created) - strftime('%s', created, 'utc') AS offset_s,
	 CASE WHEN due IS NULL THEN strftime('%s', created, 'utc') + $days * 86400 ELSE strftime('%s', due, 'utc') + 0 END AS reply_s,
	 CASE WHEN due IS NULL THEN date(created, $days || ' days') ELSE date(due) END AS reply_date,
	 strftime('%s', created, 'utc') + 15 * 86400 AS close_s, date(created, '15 days') AS close_date FROM times;
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
	[ "$map" != nyc311 ] || echo 'CREATE TABLE src(key, created, closed, type, borough);'
	echo ".import --csv \"$csv\" src"
	echo 'CREATE TABLE numbers AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 64) SELECT n FROM c;'
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
