#!/bin/bash
# recount.sh DIR: counts everything of a demo again with SQLite, without any of our code, from two sides: what went in
# (CSV files, submitted orders), and what head office has (`log export`). Compares the two event by event, and both with the
# reports. In DIR: plan.tsv, orders.tsv, imports.tsv (as demo.sh writes them), the CSV files that the plan names, export.ndjson,
# and reports/NAME.json, reports/NAME-branch.json. Prints `count WHAT N` and `differs TEXT` lines; exit 1 when one differs.
set -uo pipefail
dir=$1

# local time of New York to seconds since 1970, by the C library
export TZ=America/New_York

# shellcheck source-path=SCRIPTDIR
. "${BASH_SOURCE[0]%/*}/../e2e/recount_rows.bash"

# What an event is about, in one text.
what()
{
	echo "coalesce($1 ->> '\$.facts.model', $1 ->> '\$.facts.cause', $1 ->> '\$.facts.outcome', $1 ->> '\$.facts.pass', $1 ->> '\$.facts.final',
	 ($1 ->> '\$.facts.type') || '/' || ($1 ->> '\$.facts.severity'), '')"
}

# offset FIELD: that of an RFC 3339 time, in seconds
offset() { echo "(substr($1, -6, 1) || 1) * (substr($1, -5, 2) * 3600 + substr($1, -2) * 60)"; }

# tsv FILE TABLE: a file of lines with tabs between, nothing quoted
tsv() { printf '.mode ascii\n.separator "\\t" "\\n"\n.import "%s" %s\n.mode list\n.separator " "\n' "$dir/$1" "$2"; }

# ---- what went in: side 0 --------------------------------------------------------------------------------------------

# the events that rows of one file become
source_repairs()
{
	local place=group_identifier
	[ "$1" = ords ] || place="''"
	load_csv "$1" "$2"
	repair_rows "$1" '1 = 1' "$place"
	cat <<-EOF
	INSERT INTO taken SELECT branch, sum(good), sum(NOT good) FROM rows JOIN plan ON file = $(quoted "$2") AND value = place GROUP BY branch;
	INSERT INTO ev SELECT 0, branch, key, kind, date, NULL, NULL,
	  CASE kind WHEN 'REPAIR_RECEIVED' THEN model WHEN 'REPAIR_INSPECTED' THEN cause WHEN 'REPAIR_DONE' THEN outcome WHEN 'QC_CHECKED' THEN 1 ELSE '' END, 1
	 FROM rows JOIN plan ON file = $(quoted "$2") AND value = place,
	  (SELECT column1 AS kind FROM (VALUES ('REPAIR_RECEIVED'), ('REPAIR_INSPECTED'), ('REPAIR_DONE'), ('QC_CHECKED'), ('REPAIR_DELIVERED')))
	 WHERE good;
	DROP TABLE src;
	DROP TABLE rows;
	EOF
}

source_complaints()
{
	load_csv "$1" "$2"
	complaint_rows "$1" '1 = 1' borough
	cat <<-EOF
	INSERT INTO taken SELECT branch, sum(good), sum(NOT good) FROM rows JOIN plan ON file = $(quoted "$2") AND value = place GROUP BY branch;
	INSERT INTO ev SELECT 0, branch, key, 'COMPLAINT_RECEIVED', date(created), created_s, offset_s, 'COMPLAINT/ORDINARY', 1
	 FROM rows JOIN plan ON file = $(quoted "$2") AND value = place WHERE good;
	INSERT INTO ev SELECT 0, branch, key, kind, date(closed), closed_s, NULL, x, 1 FROM rows JOIN plan ON file = $(quoted "$2") AND value = place,
	  (SELECT column1 AS kind, column2 AS x FROM (VALUES ('COMPLAINT_REPLIED', 1), ('COMPLAINT_CLOSED', 'OTHER')))
	 WHERE good AND closed IS NOT NULL;
	DROP TABLE src;
	DROP TABLE times;
	DROP TABLE rows;
	EOF
}

source_side()
{
	local map file
	while IFS=$'\t' read -r map file; do
		case $map in
		ords | mobifix) source_repairs "$map" "$file" ;;
		*) source_complaints "$map" "$file" ;;
		esac
	done < <(cut -f 4,5 "$dir/plan.tsv" | sort -u)
	echo 'CREATE TABLE submitted(branch, part, j);'
	tsv orders.tsv submitted
	cat <<-EOF
	INSERT INTO ev SELECT 0, branch, j ->> '$.case', j ->> '$.kind', substr(j ->> '$.occurred_at', 1, 10), strftime('%s', j ->> '$.occurred_at') + 0,
	 $(offset "(j ->> '$.occurred_at')"), $(what j), 0 FROM submitted;
	CREATE TABLE due(side, branch, label, ack_s, reply_s, close_s, PRIMARY KEY (side, branch, label)) WITHOUT ROWID;
	INSERT INTO due SELECT side, branch, label, CASE WHEN imported THEN NULL ELSE t + CASE severity WHEN 'ORDINARY' THEN 24 WHEN 'SERIOUS' THEN 12 ELSE 2 END * 3600 END AS ack_s,
	  t + 86400 * CASE severity WHEN 'ORDINARY' THEN $(working_days 3 bdate) WHEN 'SERIOUS' THEN $(working_days 5 bdate) ELSE 1 END AS reply_s,
	  t + 86400 * CASE severity WHEN 'URGENT' THEN 3 ELSE 15 END AS close_s
	 FROM (SELECT *, substr(x, instr(x, '/') + 1) AS severity FROM ev WHERE kind = 'COMPLAINT_RECEIVED');
	EOF
}

# ---- what head office has: side 1 ------------------------------------------------------------------------------------

log_side()
{
	echo 'CREATE TABLE line(j);'
	tsv export.ndjson line
	cat <<-EOF
	CREATE TABLE exported AS SELECT j ->> '$.branch' AS branch, j ->> '$.log' AS log, j ->> '$.index' AS place, j ->> '$.event_id' AS event_id, j ->> '$.case' AS key,
	  j ->> '$.label' AS label, j ->> '$.kind' AS kind, j ->> '$.business_date' AS bdate, j ->> '$.occurred_at' AS at, $(what j) AS x,
	  coalesce(j ->> '$.imported', 0) AS imported, j ->> '$.status' AS status,
	  j ->> '$.facts.ack_due' AS ack, j ->> '$.facts.reply_due' AS reply, j ->> '$.facts.close_due' AS close FROM line;
	DROP TABLE line;
	SELECT 'count', 'exported', count(*) FROM exported WHERE key IS NOT NULL;
	SELECT 'differs', 'log ' || log || ' does not hold each place once' FROM exported GROUP BY log HAVING min(place) <> 0 AND log NOT LIKE 'hq/%' OR count(*) <> max(place) - min(place) + 1
	 OR count(DISTINCT place) <> count(*);
	SELECT 'differs', 'event ' || event_id || ' is there ' || count(*) || ' times' FROM exported GROUP BY event_id HAVING count(*) > 1 LIMIT 5;
	SELECT 'differs', 'event ' || event_id || ' of ' || branch || ' is ' || status FROM exported WHERE key IS NOT NULL AND status IS NOT 'applied' LIMIT 5;
	CREATE TABLE named(branch, key, label, PRIMARY KEY (branch, key)) WITHOUT ROWID;
	INSERT OR IGNORE INTO named SELECT branch, key, label FROM exported WHERE label IS NOT NULL;
	INSERT INTO ev SELECT 1, e.branch, coalesce(n.label, e.key), kind, bdate,
	  CASE WHEN imported AND kind NOT LIKE 'COMPLAINT%' THEN NULL ELSE strftime('%s', at) + 0 END,
	  CASE WHEN imported AND kind NOT LIKE 'COMPLAINT%' THEN NULL ELSE $(offset at) END, x, imported
	 FROM exported e LEFT JOIN named n ON n.branch = e.branch AND n.key = e.key WHERE e.key IS NOT NULL;
	INSERT INTO due SELECT 1, branch, label, CASE WHEN imported THEN NULL ELSE strftime('%s', ack) + 0 END, strftime('%s', reply) + 0, strftime('%s', close) + 0
	 FROM exported WHERE kind = 'COMPLAINT_RECEIVED';
	DROP TABLE exported;
	EOF
}

# ---- the two against each other --------------------------------------------------------------------------------------

both_sides()
{
	cat <<-'EOF'
	SELECT 'count', 'rows', sum(good) FROM taken;
	SELECT 'count', 'bad', sum(bad) FROM taken;
	CREATE TABLE odd AS SELECT branch, label, kind, bdate, x, imported, sum(side = 0) AS went_in, sum(side = 1) AS arrived, min(rowid) AS place FROM ev
	 GROUP BY branch, label, kind, bdate, t, x, imported HAVING went_in <> arrived;
	CREATE TABLE odd_case AS SELECT branch, label, imported, min(bdate) AS bdate,
	  group_concat(CASE WHEN went_in > arrived THEN kind || CASE x WHEN '' THEN '' ELSE ' ' || x END END, ', ') AS only_in,
	  group_concat(CASE WHEN went_in < arrived THEN kind || CASE x WHEN '' THEN '' ELSE ' ' || x END END, ', ') AS only_there
	 FROM (SELECT * FROM odd ORDER BY place) GROUP BY branch, label, imported;
	SELECT 'differs', CASE WHEN imported THEN 'row ' ELSE 'case ' END || o.label || ' of branch ' || o.branch || ', ' || bdate || ': ' ||
	  coalesce(coalesce(name, 'orders.tsv') || ' has it, head office lacks ' || only_in, '') || CASE WHEN only_in || only_there <> '' THEN '; ' ELSE '' END ||
	  coalesce('head office has it, ' || coalesce(name, 'orders.tsv') || ' lacks ' || only_there, '')
	 FROM odd_case o LEFT JOIN (SELECT branch, replace(file, rtrim(file, replace(file, '/', '')), '') AS name FROM plan) p ON p.branch = o.branch AND imported LIMIT 5;
	SELECT 'differs', 'and ' || (count(DISTINCT branch || ' ' || label) - 5) || ' more cases' FROM odd HAVING count(DISTINCT branch || ' ' || label) > 5;
	SELECT 'differs', 'complaint ' || label || ' of branch ' || branch || ' has other deadlines' FROM (SELECT branch, label, count(*) AS n FROM
	  (SELECT branch, label, ack_s, reply_s, close_s FROM due GROUP BY branch, label, ack_s, reply_s, close_s HAVING count(*) <> 2) GROUP BY branch, label)
	 WHERE (branch, label) NOT IN (SELECT branch, label FROM odd) LIMIT 5;
	SELECT 'differs', 'the import at ' || coalesce(t.branch, i.branch) || ' said ' || coalesce(selected, 0) || ' rows and ' || coalesce(skipped, 0) ||
	  ' skipped, the file has ' || coalesce(good, 0) || ' and ' || coalesce(bad, 0)
	 FROM taken t FULL JOIN imports i ON i.branch = t.branch WHERE good IS NOT selected + 0 OR bad IS NOT skipped + 0 LIMIT 5;
	EOF
}

# ---- the reports -----------------------------------------------------------------------------------------------------

# counted SIDE: want_REPORT tables, for each branch and, as '*', for all. docs/ledger.md and docs/reports.md say what counts
counted()
{
	local sum_volume='sum(received) AS received, sum(transfer_in) AS transfer_in, sum(reopened) AS reopened, sum(finished) AS finished,
	 sum(cancelled) AS cancelled, sum(transfer_out) AS transfer_out, sum(delivered) AS delivered'
	cat <<-EOF
	CREATE TEMP TABLE flow AS SELECT branch, substr(bdate, 1, 7) AS period, sum(kind = 'REPAIR_RECEIVED') AS received, sum(kind = 'REPAIR_TRANSFER_IN') AS transfer_in,
	  sum(kind = 'REPAIR_REOPENED') AS reopened, sum(kind = 'QC_CHECKED' AND x = 1) AS finished, sum(kind = 'REPAIR_CANCELLED') AS cancelled,
	  sum(kind = 'REPAIR_TRANSFER_OUT') AS transfer_out, sum(kind = 'REPAIR_DELIVERED') AS delivered
	 FROM ev WHERE side = $1 AND kind IN ('REPAIR_RECEIVED', 'REPAIR_TRANSFER_IN', 'REPAIR_REOPENED', 'QC_CHECKED', 'REPAIR_CANCELLED', 'REPAIR_TRANSFER_OUT', 'REPAIR_DELIVERED')
	 GROUP BY 1, 2;
	INSERT INTO flow SELECT '*', period, $sum_volume FROM flow GROUP BY period;
	CREATE TEMP TABLE want_volume AS WITH RECURSIVE m(d) AS (SELECT min(period) || '-01' FROM flow UNION ALL SELECT date(d, '1 month') FROM m WHERE d < (SELECT max(period) FROM flow)),
	 grid AS (SELECT branch, substr(d, 1, 7) AS period FROM m, (SELECT DISTINCT branch FROM flow) WHERE substr(d, 1, 7) <= (SELECT max(period) FROM flow)),
	 filled AS (SELECT branch, period, $sum_volume FROM (SELECT * FROM flow UNION ALL SELECT *, 0, 0, 0, 0, 0, 0, 0 FROM grid) GROUP BY branch, period),
	 ends AS (SELECT *, sum(received + transfer_in + reopened - finished - cancelled - transfer_out) OVER w AS closing_wip,
	  sum(received + transfer_in - delivered - cancelled - transfer_out) OVER w AS closing_custody FROM filled WINDOW w AS (PARTITION BY branch ORDER BY period))
	 SELECT *, closing_wip - (received + transfer_in + reopened - finished - cancelled - transfer_out) AS opening_wip,
	  closing_custody - (received + transfer_in - delivered - cancelled - transfer_out) AS opening_custody FROM ends
	 WHERE received OR transfer_in OR reopened OR finished OR cancelled OR transfer_out OR delivered OR closing_wip OR opening_wip OR closing_custody OR opening_custody;

	CREATE TEMP TABLE want_pareto AS SELECT i.branch, 'all' AS period, o.x AS model, i.x AS cause, count(*) AS count
	 FROM ev i JOIN ev o ON o.side = $1 AND o.branch = i.branch AND o.label = i.label AND o.kind IN ('REPAIR_RECEIVED', 'REPAIR_TRANSFER_IN')
	 WHERE i.side = $1 AND i.kind = 'REPAIR_INSPECTED' GROUP BY 1, 2, 3, 4;
	INSERT INTO want_pareto SELECT '*', period, model, cause, sum(count) FROM want_pareto GROUP BY 2, 3, 4;

	CREATE TEMP TABLE complaint AS SELECT branch, label, max(t) FILTER (WHERE kind = 'COMPLAINT_RECEIVED') AS t, max(off) FILTER (WHERE kind = 'COMPLAINT_RECEIVED') AS off,
	  max(x) FILTER (WHERE kind = 'COMPLAINT_RECEIVED') LIKE 'SUGGESTION%' AS suggestion, max(substr(bdate, 1, 7)) FILTER (WHERE kind = 'COMPLAINT_RECEIVED') AS came_m,
	  min(t) FILTER (WHERE kind = 'COMPLAINT_ACKED') AS acked, min(t) FILTER (WHERE kind = 'COMPLAINT_REPLIED' AND x = 1) AS replied,
	  min(t) FILTER (WHERE kind = 'COMPLAINT_CLOSED') AS closed, min(t) FILTER (WHERE kind IN ('COMPLAINT_CLOSED', 'COMPLAINT_WITHDRAWN', 'COMPLAINT_REJECTED')) AS ended,
	  max(kind) FILTER (WHERE kind IN ('COMPLAINT_CLOSED', 'COMPLAINT_WITHDRAWN', 'COMPLAINT_REJECTED')) AS end_kind,
	  min(substr(bdate, 1, 7)) FILTER (WHERE kind IN ('COMPLAINT_CLOSED', 'COMPLAINT_WITHDRAWN', 'COMPLAINT_REJECTED')) AS end_m
	 FROM ev WHERE side = $1 AND kind LIKE 'COMPLAINT%' GROUP BY branch, label HAVING came_m IS NOT NULL;
	-- alike ones together: months by the local clock of the day when they came, an end of its own day
	CREATE TEMP TABLE dated AS SELECT branch, suggestion, came_m, end_m, end_kind, strftime('%Y-%m', ack_s + off, 'unixepoch') AS ack_m,
	  strftime('%Y-%m', reply_s + off, 'unixepoch') AS reply_m, strftime('%Y-%m', close_s + off, 'unixepoch') AS close_m,
	  CASE WHEN ended <= close_s THEN '' ELSE coalesce(strftime('%Y-%m', ended + off, 'unixepoch'), '9999') END AS late_m,
	  coalesce(acked <= ack_s, 0) AS ack_ok, coalesce(replied <= reply_s, 0) AS reply_ok, coalesce(closed <= close_s, 0) AS close_ok, count(*) AS n
	 FROM complaint JOIN (SELECT branch, label, ack_s, reply_s, close_s FROM due WHERE side = $1) USING (branch, label) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12;
	CREATE TEMP TABLE month AS WITH RECURSIVE span AS (SELECT min(came_m) AS a, max(max(came_m, close_m, reply_m, coalesce(nullif(late_m, '9999'), ''), coalesce(end_m, ''))) AS b FROM dated),
	 m(d) AS (SELECT a || '-01' FROM span UNION ALL SELECT date(d, '1 month') FROM m WHERE substr(d, 1, 7) < (SELECT b FROM span))
	 SELECT substr(d, 1, 7) AS period FROM m WHERE d IS NOT NULL;
	CREATE TEMP TABLE want_complaints AS SELECT branch, period, sum(n * (came_m < period AND coalesce(end_m, '9999') >= period)) AS opening, sum(n * (came_m = period)) AS received,
	  0 AS reopened, sum(n * (end_m IS period AND end_kind = 'COMPLAINT_CLOSED')) AS closed, sum(n * (end_m IS period AND end_kind = 'COMPLAINT_WITHDRAWN')) AS withdrawn,
	  sum(n * (end_m IS period AND end_kind = 'COMPLAINT_REJECTED')) AS rejected, sum(n * (came_m <= period AND coalesce(end_m, '9999') > period)) AS closing,
	  sum(n * (came_m = period AND suggestion)) AS suggestions FROM month, dated GROUP BY branch, period;
	INSERT INTO want_complaints SELECT '*', period, sum(opening), sum(received), 0, sum(closed), sum(withdrawn), sum(rejected), sum(closing), sum(suggestions) FROM want_complaints GROUP BY period;
	DELETE FROM want_complaints WHERE NOT (opening OR received OR closed OR withdrawn OR rejected OR closing);
	CREATE TEMP TABLE want_timeliness AS SELECT branch, period, sum(n * (ack_m IS period)) AS ack_due, sum(n * (ack_m IS period AND ack_ok)) AS ack_on_time,
	  sum(n * (reply_m = period)) AS reply_due, sum(n * (reply_m = period AND reply_ok)) AS reply_on_time,
	  sum(n * (close_m = period)) AS close_due, sum(n * (close_m = period AND close_ok)) AS close_on_time,
	  sum(n * (close_m <= period AND late_m > period)) AS overdue_open, NULL AS ack_rate, NULL AS reply_rate, NULL AS close_rate FROM month, dated GROUP BY branch, period;
	INSERT INTO want_timeliness SELECT '*', period, sum(ack_due), sum(ack_on_time), sum(reply_due), sum(reply_on_time), sum(close_due), sum(close_on_time), sum(overdue_open), NULL, NULL, NULL
	 FROM want_timeliness GROUP BY period;
	DELETE FROM want_timeliness WHERE NOT (ack_due OR reply_due OR close_due OR overdue_open);
	UPDATE want_timeliness SET ack_rate = (ack_on_time * 10000 + ack_due / 2) / nullif(ack_due, 0), reply_rate = (reply_on_time * 10000 + reply_due / 2) / nullif(reply_due, 0),
	 close_rate = (close_on_time * 10000 + close_due / 2) / nullif(close_due, 0);
	EOF
}

# got TABLE REPORT KEYS FIGURES: what the report says, the rows of all and of each branch in one table; a rate as hundredths
got()
{
	local c list=''
	for c in ${3//,/ } ${4//,/ }; do
		[ "$c" != branch ] || continue
		case $c in
		*rate | *share) list+=", CAST(round(json_extract(value, '\$.$c') * 100) AS INTEGER) AS $c" ;;
		*) list+=", json_extract(value, '\$.$c') AS $c" ;;
		esac
	done
	cat <<-EOF
	CREATE TABLE got_$1 AS SELECT '*' AS branch$list, key AS place FROM json_each(readfile($(quoted "$dir/reports/$2.json")), '$.rows')
	 UNION ALL SELECT json_extract(value, '$.branch')$list, key AS place FROM json_each(readfile($(quoted "$dir/reports/$2-branch.json")), '$.rows');
	EOF
}

# compare SIDE-TEXT TABLE REPORT KEYS FIGURES: got_TABLE against want_TABLE
compare()
{
	local side=$1 table=$2 report=$3 keys=$4 figures=$5 c got='' want='' both='' says='' any=''
	for c in ${figures//,/ }; do
		got+=", $c AS g_$c, NULL AS w_$c" want+=", NULL, $c" both+=", max(g_$c) AS g_$c, max(w_$c) AS w_$c"
		says+=" || CASE WHEN g_$c IS NOT w_$c THEN ', $c is ' || coalesce(w_$c, 'nothing') || ', reported ' || coalesce(g_$c, 'nothing') ELSE '' END"
		any+="${any:+ OR }g_$c IS NOT w_$c"
	done
	cat <<-EOF
	CREATE TEMP TABLE off AS SELECT ${keys//,/ || \' \' || }$says AS says FROM
	 (SELECT $keys$both FROM (SELECT $keys$got FROM got_$table UNION ALL SELECT $keys$want FROM want_$table) GROUP BY $keys) WHERE $any;
	SELECT 'differs', 'report $report, from $side: ' || says FROM off LIMIT 3;
	SELECT 'differs', 'report $report, from $side: and ' || (count(*) - 3) || ' more rows' FROM off HAVING count(*) > 3;
	DROP TABLE off;
	SELECT 'differs', 'report $report has a row twice' FROM got_$table GROUP BY $keys HAVING count(*) > 1 LIMIT 1;
	SELECT 'count', '$report', count(*) FROM got_$table;
	DROP TABLE want_$table;
	EOF
}

volume=opening_wip,received,transfer_in,reopened,finished,cancelled,transfer_out,closing_wip,delivered,opening_custody,closing_custody
complaints=opening,received,reopened,closed,withdrawn,rejected,closing,suggestions
timeliness=ack_due,ack_on_time,ack_rate,reply_due,reply_on_time,reply_rate,close_due,close_on_time,close_rate,overdue_open

reports()
{
	got volume volume branch,period $volume
	got pareto pareto branch,period,model,cause count,share,cumulative_share,class
	got complaints complaints branch,period $complaints
	got timeliness complaint-timeliness branch,period $timeliness
	# within a model: largest first, shares and classes of what the rows before it make
	cat <<-'EOF'
	SELECT 'differs', 'report pareto: ' || branch || ' ' || model || ' ' || cause || ': order, share or class' FROM
	 (SELECT *, sum(count) OVER (PARTITION BY branch, model ORDER BY place) AS run, sum(count) OVER (PARTITION BY branch, model) AS total,
	  lag(count) OVER (PARTITION BY branch, model ORDER BY place) AS before FROM got_pareto)
	 WHERE count > before OR share IS NOT (count * 10000 + total / 2) / total OR cumulative_share IS NOT (run * 10000 + total / 2) / total OR
	  class IS NOT CASE WHEN (run - count) * 100 < 80 * total THEN 'A' WHEN (run - count) * 100 < 95 * total THEN 'B' ELSE 'C' END LIMIT 3;
	EOF
	local side
	for side in 0 1; do
		counted $side
		local text='the files'
		[ $side = 0 ] || text='log export'
		compare "$text" volume volume branch,period $volume
		compare "$text" pareto pareto branch,period,model,cause count
		compare "$text" complaints complaints branch,period $complaints
		compare "$text" timeliness complaint-timeliness branch,period $timeliness
		echo 'DROP TABLE flow; DROP TABLE complaint; DROP TABLE dated; DROP TABLE month;'
	done
}

{
	cat <<-'EOF'
	.bail on
	CREATE TABLE plan(branch, region, zone, map, file, value, name);
	CREATE TABLE imports(branch, selected, skipped);
	CREATE TABLE taken(branch, good, bad);
	CREATE TABLE ev(side, branch, label, kind, bdate, t, off, x, imported);
	EOF
	tsv plan.tsv plan
	tsv imports.tsv imports
	source_side
	log_side
	echo 'CREATE INDEX by_case ON ev(side, branch, label, kind);'
	both_sides
	reports
} | sqlite3 -batch -separator ' ' ':memory:' | {
	code=0
	while IFS= read -r line; do
		echo "$line"
		[[ $line != differs\ * ]] || code=1
	done
	exit $code
}
