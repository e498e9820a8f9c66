# awk -v orders=500 -v complaints=60 -v seed=N -f orders.awk BRANCHES: generated repair orders and complaints of the summer of
# 2025, for `aftersync submit`. All of it is synthetic: labels begin with SYN-, IMEIs are of the range for tests, names and
# numbers are nobody's. BRANCHES: `CODE OFFSET` a line, the offset from UTC in summer, as +02:00. Prints
# `CODE PART JSON`, with tabs between, in order of time for each branch; PART is 1, 2 or 3: spring, summer, autumn.

# 0 … n - 1; the same in every awk
function random(n)
{
	seed = (seed * 16807) % 2147483647
	return seed % n
}

function one_of(list, parts) { return parts[1 + random(split(list, parts, " "))] }

# days since 2025-04-01 as a date; up to October
function date_of(day, m, n)
{
	n = split("30 31 30 31 31 30 31", in_month, " ")
	for (m = 1; m < n && day >= in_month[m]; m++)
		day -= in_month[m]
	return sprintf("2025-%02d-%02d", m + 3, day + 1)
}

# Between 9 and 18 o'clock, local time.
function time_of(at, minute)
{
	minute = 540 + at % 540
	return sprintf("%sT%02d:%02d:00%s", date_of(int(at / 540)), int(minute / 60), minute % 60, offset[branch])
}

function luhn(digits, i, d, sum)
{
	for (i = 1; i <= 14; i++) {
		d = substr(digits, i, 1) * (i % 2 ? 1 : 2)
		sum += d > 9 ? d - 9 : d
	}
	return (10 - sum % 10) % 10
}

# Time is in minutes of opening hours since 2025-04-01; the events of a branch are sorted by it at the end.
function event(kind, facts, more)
{
	lines[++n] = sprintf("%s\t%d\t%08d\t%08d\t{\"kind\":\"%s\",\"case\":\"%s\",\"occurred_at\":\"%s\",\"actor\":%d,\"facts\":{%s}%s}",
	    branch, at < 60 * 540 ? 1 : at < 110 * 540 ? 2 : 3, at, n, kind, label, time_of(at), kind ~ /DONE|STARTED|QC/ ? technician : 1001, facts, more)
	at += 1 + random(40)
}

# Some time passes: up to so many days.
function later(days) { at += random(days * 540) }

function because(why) { return sprintf(",\"reason\":\"synthetic: %s\"", why) }

function technician_is() { return "\"technician\":" technician }

function repair(outcome)
{
	event("REPAIR_STARTED", technician_is())
	later(2)
	if (random(12) == 0) {
		event("REPAIR_HELD", "\"hold\":\"" one_of("PARTS CUSTOMER MANUFACTURER") "\"")
		later(30)
		if (random(5) == 0)
			return 0
		event("REPAIR_RESUMED", "")
	}
	if (random(30) == 0)
		return 0
	event("REPAIR_DONE", "\"outcome\":\"" outcome "\"," technician_is())
	return 1
}

# Checked by somebody else; one in fifteen is not right yet.
function check()
{
	if (random(15) == 0) {
		event("QC_CHECKED", "\"pass\":false,\"checker\":1003")
		event("REPAIR_DONE", "\"outcome\":\"FIXED\"," technician_is())
	}
	event("QC_CHECKED", "\"pass\":true,\"checker\":1003")
}

function hand_over()
{
	event("CUSTOMER_NOTIFIED", "\"via\":\"PHONE\",\"reached\":true")
	later(one_of("1 1 2 5 40"))
	if (random(14) == 0)
		return
	if (random(20) == 0) {
		event("REPAIR_REOPENED", "", because("it fails again"))
		later(2)
		event("REPAIR_DONE", "\"outcome\":\"FIXED\"," technician_is())
		check()
		later(3)
	}
	event("REPAIR_DELIVERED", "\"tested_with_customer\":true,\"taken_by\":\"OWNER\"")
}

function order(i, imei, model, fate)
{
	technician = 1010 + random(5)
	model = one_of("A1 A1 A1 A1-Pro M3 M3 M3-Lite X7")
	imei = sprintf("00101001%06d", i)
	event("REPAIR_RECEIVED", sprintf("\"model\":\"%s\",\"channel\":\"%s\",\"promised_at\":\"%s\",\"symptom\":[\"%s\"],\"appearance\":[],\"accessories\":[]",
	    model, one_of("WALK_IN WALK_IN WALK_IN MAIL_IN DEALER"), time_of(at + 1620), one_of("H01 H02 H03 H06 H09 A02")),
	    sprintf(",\"personal\":{\"name\":\"Synthetic %d\",\"phone\":\"1390000%04d\",\"imei\":\"%s%d\"}", i, i, imei, luhn(imei)))
	later(2)
	fate = random(100)
	if (fate < 3)
		return
	if (fate < 7) {
		event("REPAIR_CANCELLED", "", because("the customer takes it back"))
		return
	}
	if (fate < 10 && codes > 1) {
		move(model)
		return
	}
	event("REPAIR_INSPECTED", sprintf("\"cause\":\"%s\",\"warranty\":\"%s\"", one_of("SCREEN SCREEN SCREEN SCREEN POWER_BATTERY POWER_BATTERY CHARGE_PORT SOFTWARE BOARD LIQUID"),
	    fate < 60 ? "IN_WARRANTY" : "OUT_EXPIRED"))
	if (fate < 13)
		return
	if (fate >= 60) {
		event("REPAIR_QUOTED", "\"labour_fen\":8000,\"parts_fen\":12000")
		later(4)
		if (fate >= 97)
			return
		event("QUOTE_ANSWERED", sprintf("\"accepted\":%s,\"via\":\"PHONE\"", fate < 90 ? "true" : "false"))
		if (fate >= 90) {
			event("REPAIR_DONE", "\"outcome\":\"DECLINED\"," technician_is())
			check_declined()
			return
		}
	}
	event("REPAIR_ASSIGNED", technician_is())
	later(3)
	if (!repair(one_of("FIXED FIXED FIXED FIXED SOFTWARE NO_PARTS")))
		return
	check()
	hand_over()
}

function check_declined()
{
	event("QC_CHECKED", "\"pass\":true,\"checker\":1003")
	later(5)
	event("REPAIR_DELIVERED", "\"tested_with_customer\":true,\"taken_by\":\"AGENT\"")
}

# To the next branch, which repairs it.
function move(model, from)
{
	from = branch
	branch = code[1 + (place + 1) % codes]
	event_to = branch
	branch = from
	event("REPAIR_TRANSFER_OUT", "\"other_branch\":\"" event_to "\"")
	later(4)
	branch = event_to
	event("REPAIR_TRANSFER_IN", sprintf("\"other_branch\":\"%s\",\"model\":\"%s\",\"promised_at\":\"%s\"", from, model, time_of(at + 2700)))
	event("REPAIR_INSPECTED", "\"cause\":\"BOARD\",\"warranty\":\"IN_WARRANTY\"")
	event("REPAIR_ASSIGNED", technician_is())
	later(3)
	if (repair("FIXED")) {
		check()
		hand_over()
	}
}

function complaint(i, type, fate)
{
	type = random(6) ? "COMPLAINT" : "SUGGESTION"
	event("COMPLAINT_RECEIVED", sprintf("\"type\":\"%s\",\"channel\":\"%s\",\"category\":\"%s\",\"severity\":\"%s\"", type, one_of("COUNTER PHONE PHONE WEB LETTER"),
	    one_of("DELAY DELAY REPAIR_QUALITY ATTITUDE CHARGE"), one_of("ORDINARY ORDINARY ORDINARY SERIOUS URGENT")),
	    sprintf(",\"personal\":{\"name\":\"Synthetic %d\",\"phone\":\"1390001%04d\",\"text\":\"synthetic\"}", i, i))
	fate = random(20)
	if (fate < 2)
		return
	if (fate < 4) {
		event(fate == 2 ? "COMPLAINT_WITHDRAWN" : "COMPLAINT_REJECTED", "", because("no complaint"))
		return
	}
	later(one_of("1 1 1 3"))
	event("COMPLAINT_ACKED", "\"via\":\"PHONE\"")
	later(one_of("1 2 3 9"))
	if (fate == 4)
		return
	event("COMPLAINT_REPLIED", "\"final\":true,\"via\":\"PHONE\"")
	later(one_of("1 4 9 18"))
	if (fate == 5)
		return
	event("COMPLAINT_CLOSED", sprintf("\"cause\":\"DELAY\",\"responsible_unit\":\"BRANCH\",\"result\":\"%s\"", one_of("SATISFIED EXPLAINED PARTLY")),
	    ",\"personal\":{\"action\":\"synthetic\"}")
}

{
	code[++codes] = $1
	offset[$1] = $2
}

END {
	seed = seed ? seed : 20250401
	for (i = 1; i <= orders + complaints; i++) {
		place = (i * 7 + random(3)) % codes
		branch = code[1 + place]
		label = sprintf("SYN-%s%04d", i <= orders ? "" : "C", i)
		at = random(120 * 540)
		if (i <= orders)
			order(i)
		else
			complaint(i)
	}
	sort = "LC_ALL=C sort | cut -f 1,2,5"
	for (i = 1; i <= n; i++)
		print lines[i] | sort
	close(sort)
}
