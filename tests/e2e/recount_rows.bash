# shellcheck shell=bash
# What the rows of a CSV file mean, as SQL for SQLite, without any of our code: a second writing of the built-in maps. Used by
# recount.sh and by the demo. Each function prints SQL. Complaints need TZ=America/New_York: local times are made
# seconds by the C library.

# the map that a file's form asks for, or nothing. FILE may be compressed with gzip
map_of()
{
	local head
	head=$(gzip -cdf <"$1" 2>/dev/null | head -n 1 | tr -d '\r\0')
	case ",${head//\"/}," in
	*,id,*,fault_type,*) echo mobifix ;;
	*,id,*,repair_status,*) echo ords ;;
	*,'Unique Key',*,'Due Date',*) echo nyc311-due ;;
	*) [[ $head =~ ^[0-9]+,[0-9]{2}/[0-9]{2}/[0-9]{4}\ [^,]*,[^,]*,[^,]*,[^,]*$ ]] && echo nyc311 ;;
	esac
}

quoted() { printf "'%s'" "${1//\'/\'\'}"; }

# texts as a list
sql_list()
{
	local v list=''
	for v; do list+="${list:+, }$(quoted "$v")"; done
	echo "$list"
}

# load_csv MAP FILE: its rows, into src
load_csv()
{
	[ "$1" != nyc311 ] || echo 'CREATE TABLE src(key, created, closed, type, borough);'
	printf '.import --csv "%s" src\n' "$2"
}

# cut_bytes EXPRESSION N: a text cut at N bytes on a character
cut_bytes()
{
	echo "CASE WHEN length(CAST($1 AS BLOB)) <= $2 THEN $1 ELSE (WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL
	 SELECT n + 1 FROM numbers WHERE n < $2) SELECT substr($1, 1, max(n)) FROM numbers
	 WHERE length(CAST(substr($1, 1, n) AS BLOB)) <= $2) END"
}

# repair_rows MAP WHERE [PLACE]: rows(place, key, date, model, cause, outcome, good) from src; PLACE is a column, or SQL
repair_rows()
{
	local model cause="'UNKNOWN'" barrier place=${3:-"''"}
	case $1 in
	ords)
		model="CASE brand WHEN '' THEN 'Unknown' ELSE brand END"
		barrier="CASE WHEN repair_barrier_if_end_of_life IN ('Spare parts not available', '1') THEN 'NO_PARTS'
		 WHEN repair_barrier_if_end_of_life IN ('Spare parts too expensive', 'Item too worn out', 'Product too worn out', '2', '6')
		 THEN 'OBSOLETE' ELSE 'UNREPAIRABLE' END"
		;;
	mobifix)
		model="CASE trim(brand || ' ' || model) WHEN '' THEN 'Unknown' ELSE trim(brand || ' ' || model) END"
		cause="(SELECT code FROM fault WHERE name = fault_type)"
		barrier="'UNREPAIRABLE'"
		;;
	esac
	cat <<-EOF
	CREATE TABLE IF NOT EXISTS fault(name PRIMARY KEY, code);
	INSERT OR IGNORE INTO fault VALUES ('Screen', 'SCREEN'), ('Power/battery', 'POWER_BATTERY'), ('USB/charging port', 'CHARGE_PORT'),
	 ('Charger', 'CHARGER'), ('Speaker/amplifier', 'SPEAKER'), ('Microphone', 'MIC'), ('Headphone jack', 'HEADPHONE_JACK'),
	 ('Camera', 'CAMERA'), ('On/Off button', 'POWER_KEY'), ('Volume buttons', 'VOLUME_KEY'), ('Other buttons', 'OTHER_KEY'),
	 ('Sim card slot', 'SIM_SLOT'), ('Memory card slot', 'CARD_SLOT'), ('Stuck booting', 'BOOT_LOOP'),
	 ('Software issue', 'SOFTWARE'), ('Software update', 'SW_UPDATE'), ('Storage problem', 'STORAGE'),
	 ('Performance', 'PERFORMANCE'), ('Access issue', 'ACCESS'), ('Help/configuration', 'CONFIG'),
	 ('External damage', 'HOUSING'), ('Internal damage', 'INTERNAL'), ('Liquid damage', 'LIQUID'), ('Other', 'OTHER'),
	 ('Unknown', 'UNKNOWN');
	CREATE TABLE rows AS WITH named AS (SELECT *, $model AS long_model FROM src WHERE $2)
	 SELECT $place AS place, id AS key, event_date AS date, $(cut_bytes long_model 32) AS model, $cause AS cause,
	 CASE WHEN repair_status IN ('Fixed', '1') THEN 'FIXED' WHEN repair_status IN ('Repairable', '2') THEN 'NOT_COMPLETED'
	  WHEN repair_status IN ('Unknown', '0') THEN 'UNKNOWN_IMPORTED' WHEN repair_status IN ('End of life', '3') THEN $barrier END AS outcome,
	 id <> '' AND date(event_date) IS event_date AND
	 repair_status IN ('Fixed', 'Repairable', 'End of life', 'Unknown', '0', '1', '2', '3') AS good FROM named;
	EOF
}

# MM/DD/YYYY hh:mm:ss AM to a text that SQLite knows
local_time()
{
	echo "CASE WHEN $1 = '' THEN NULL ELSE substr($1, 7, 4) || '-' || substr($1, 1, 2) || '-' || substr($1, 4, 2) || ' ' ||
	 printf('%02d', substr($1, 12, 2) % 12 + CASE substr($1, 21, 2) WHEN 'PM' THEN 12 ELSE 0 END) || substr($1, 14, 6) END"
}

# working_days N LOCAL-DATE: so many working days later, in days; N is 3 or 5
working_days()
{
	case $1 in
	3) echo "CASE strftime('%w', $2) WHEN '0' THEN 3 WHEN '1' THEN 3 WHEN '2' THEN 3 WHEN '6' THEN 4 ELSE 5 END" ;;
	5) echo "CASE strftime('%w', $2) WHEN '0' THEN 5 WHEN '6' THEN 6 ELSE 7 END" ;;
	esac
}

# complaint_rows MAP WHERE [PLACE]: rows(place, key, good, created, closed, …_s, reply_date, close_date) from src: local times,
# seconds since 1970, when a reply and a close are due. offset_s is that of the zone when the complaint came
complaint_rows()
{
	local key=key created=created closed=closed due="''" days place=${3:-"''"}
	if [ "$1" = nyc311-due ]; then
		key='"Unique Key"' created='"Created Date"' closed='"Closed Date"' due='"Due Date"'
	fi
	days=$(working_days 3 created)
	cat <<-EOF
	CREATE TABLE times AS SELECT $place AS place, $key AS key, $(local_time "$created") AS created, $(local_time "$closed") AS closed,
	 $(local_time "$due") AS due FROM src WHERE $2;
	CREATE TABLE rows AS SELECT place, key, key <> '' AND created IS NOT NULL AND (closed IS NULL OR closed >= created) AS good,
	 created, closed, CAST(strftime('%s', created, 'utc') AS INTEGER) AS created_s, CAST(strftime('%s', closed, 'utc') AS INTEGER) AS closed_s,
	 strftime('%s', created) - strftime('%s', created, 'utc') AS offset_s,
	 CASE WHEN due IS NULL THEN strftime('%s', created, 'utc') + $days * 86400 ELSE strftime('%s', due, 'utc') + 0 END AS reply_s,
	 CASE WHEN due IS NULL THEN date(created, $days || ' days') ELSE date(due) END AS reply_date,
	 strftime('%s', created, 'utc') + 15 * 86400 AS close_s, date(created, '15 days') AS close_date FROM times;
	EOF
}
