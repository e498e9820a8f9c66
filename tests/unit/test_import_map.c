/* common/import/map and dates: maps are read, what is wrong with one is said, dates are dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/import/dates.h"
#include "common/import/map.h"

static struct map map;
static struct as_errmsg em;

static void the_built_in_ones_are_sound(void **state)
{
	(void)state;
	static const char *const names[] = {"mobifix", "nyc311-due", "nyc311", "ords"};

	assert_int_equal(map_builtins_n, AS_COUNT(names));
	for (size_t i = 0; i < AS_COUNT(names); i++) {
		if (map_load(names[i], &map, &em))
			fail_msg("%s", em.text);
		assert_string_equal(map.name, names[i]);
		assert_string_equal(map_builtins[i].name, names[i]);
	}
	assert_string_equal(map.zone, "");
	assert_int_equal(map.steps_n, 5);
	assert_int_equal(map_load("nyc311", &map, &em), AS_OK);
	assert_string_equal(map.zone, "America/New_York");
	assert_false(map.header);
	assert_int_equal(map.given_n, 5);
}

static void a_file_is_named(void **state)
{
	(void)state;
	assert_int_equal(map_load("maps/ords.ini", &map, &em), AS_OK);
	assert_int_equal(map_load("orda", &map, &em), AS_ENOTFOUND);
	assert_string_equal(em.text, "no such map orda: there are mobifix, nyc311-due, nyc311, ords; a file of your own ends in .ini");
	assert_int_equal(map_load("none.ini", &map, &em), AS_ENOTFOUND);
	assert_non_null(strstr(em.text, "none.ini: No such file"));
}

/* The example of docs/import.md is one. */
static void the_documented_example_is_sound(void **state)
{
	(void)state;
	static char text[64 * 1024];
	FILE *f = fopen("docs/import.md", "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	const char *begin = strstr(text, "```ini\n");
	assert_non_null(begin);
	begin += 7;
	const char *end = strstr(begin, "```\n");
	assert_non_null(end);
	if (map_parse("example", bytes_of(begin, (size_t)(end - begin)), &map, &em))
		fail_msg("%s", em.text);
	assert_int_equal(map.encoding, MAP_LATIN1);
	assert_int_equal(map.delimiter, ';');
	assert_int_equal(map.steps_n, 2);
	assert_int_equal(map.steps[1].clock_s, 17 * 3600 + 30 * 60);
	const struct map_value *v = map_lookup(&map, 0, bytes_of_str("Akku"));
	assert_non_null(v);
	assert_string_equal(v->to, "POWER_BATTERY");
	assert_string_equal(map_lookup(&map, 0, bytes_of_str(""))->to, "UNKNOWN");
}

#define HEAD "[map]\nname = m\nkey = id\nrequired = id, d\n"
#define DATES "[dates]\nd = YYYY-MM-DD\nt = YYYY-MM-DD hh:mm\n"
#define STEP "[step received]\nkind = REPAIR_RECEIVED\ntime = d at 12:00\nfacts.channel = \"WALK_IN\"\nfacts.model = brand\n"
#define TWO "[step two]\nkind = REPAIR_INSPECTED\n"

static const struct {
	const char *text, *say;
} bad[] = {
    {"", "m.ini: map.name is missing"},
    {"[map]\nname = m\n", "m.ini: map.key is missing"},
    {HEAD, "m.ini: a [step …] is missing"},
    {"[mapp]\n", "m.ini:1: no such section: [map], [dates]"},
    {"[map]\nnam = m\n", "m.ini:2: map.nam: no such key"},
    {"name = m\n", "m.ini:1: name: stands before any [section]"},
    {"[map]\nname = m\nname = m\n", "m.ini:3: map.name: given for the second time"},
    {"[map]\nname =\n", "m.ini:2: map.name: has no value"},
    {"[map]\nname = My Map\n", "m.ini:2: map.name: the name of a map is made of a-z"},
    {"[map]\n name = m\n", "m.ini:2: the line is indented"},
    {"[map]\nencoding = utf8\n", "m.ini:2: map.encoding: one of utf-8, latin1"},
    {"[map]\ndelimiter = ;\n", "m.ini:2: map.delimiter: "},
    {"[map]\nheader = maybe\n", "m.ini:2: map.header: one of no, yes"},
    {"[map]\ntime-zone = Mars/Base\n", "m.ini:2: map.time-zone: "},
    {"[map]\ntime-zone = ../../etc/passwd\n", "m.ini:2: map.time-zone: `branch`, or the name"},
    {"[map]\ncolumns = a, b, a\n", "m.ini:2: map.columns: the column a is there twice"},
    {"[map]\nrequired = a,,b\n", "m.ini:2: map.required: the name of a column is missing"},
    {HEAD "header = no\n" DATES STEP, "map.columns names the columns"},
    {HEAD "columns = id, d\n" DATES STEP, "map.columns names the columns"},
    {HEAD "header = no\ncolumns = id, d, t\n" DATES STEP, "m.ini:14: brand is not one of map.columns"},
    {HEAD "[dates]\nd = YYYY-MM\n", "m.ini:6: dates.d: a date has year, month and day"},
    {HEAD "[dates]\nd = YYYY-MM-DD hh\n", "m.ini:6: dates.d: a time of day has hours and minutes"},
    {HEAD "[dates]\nd = YYYY-MM-DD | YYYY-MM-DD hh:mm\n", "m.ini:6: dates.d: all forms of a column have"},
    {HEAD "[dates]\nd = YYYY-MM-DD foo\n", "m.ini:6: dates.d: a date is made of"},
    {HEAD "[dates]\nd = YYYY-MM-DD-DD\n", "m.ini:6: dates.d: a part of the date is there twice"},
    {HEAD DATES "d = YYYY-MM-DD\n", "m.ini:8: dates.d: given for the second time"},
    {HEAD "[values Big]\n", "m.ini:5: the name of a value table"},
    {HEAD "[values a]\nx = 1\nx = 2\n", "m.ini:7: values a.x: given for the second time"},
    {HEAD "[values a]\n[values a]\n", "m.ini:6: the value table a is there twice"},
    {HEAD "[step a b]\n", "m.ini:5: [step NAME]: the name"},
    {HEAD DATES STEP STEP, "m.ini:13: the step received is there twice"},
    {HEAD "[step a]\nkind = NONE\n", "m.ini:6: step a.kind: no kind that can be imported"},
    {HEAD "[step a]\nkind = LOG_OPENED\n", "m.ini:6: step a.kind: no kind that can be imported"},
    {HEAD "[step a]\nkind = COMPLAINT_EXTENDED\n", "m.ini:6: step a.kind: COMPLAINT_EXTENDED needs an approver"},
    {HEAD "[step a]\nfacts.model = x\n", "m.ini:6: step a.facts.model: the kind comes first"},
    {HEAD DATES STEP "facts.colour = x\n", "m.ini:13: step received.facts.colour: REPAIR_RECEIVED has no such field"},
    {HEAD DATES STEP "facts.name = x\n", "no such field in facts: it is in personal"},
    {HEAD DATES STEP "personal.tac = x\n", "no such field in personal: it is in facts"},
    {HEAD DATES STEP "colour = x\n", "m.ini:13: step received.colour: no such key"},
    {HEAD DATES STEP "facts.tac = x | upper\n", "m.ini:13: step received.facts.tac: behind | stands"},
    {HEAD DATES STEP "personal.name = x | cut 0\n", "cut N: a number of bytes"},
    {HEAD DATES STEP "personal.name = x | values no\n", "m.ini:13: there is no [values no]"},
    {HEAD DATES STEP "facts.sale_date = x\n", "m.ini:13: sale_date: the column x has no form of a date"},
    {HEAD DATES STEP "facts.promised_at = d\n", "m.ini:13: promised_at: the column d has no form with a time"},
    {HEAD DATES STEP "facts.sale_date = \"2020-01-01\"\n", "m.ini:13: sale_date: a date or time is one column"},
    {HEAD DATES STEP "facts.occurs = \"NEVER\"\n", "m.ini:13: occurs: NEVER is none of its codes; docs/domain.md lists them"},
    {HEAD DATES STEP "facts.occurs = x | or NEVER\n", "m.ini:13: occurs: NEVER is none of its codes; docs/domain.md lists them"},
    {HEAD "[values o]\na = NEVER\n" DATES STEP "facts.occurs = x | values o\n", "m.ini:6: occurs: NEVER is none"},
    {HEAD "[values o]\na = -> x | values o\n" DATES STEP "facts.occurs = x | values o\n",
     "m.ini:6: value tables lead to each other"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = d at 12:00\n", "m.ini:8: step a: facts.model is needed"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\n", "m.ini:8: step a: it has no time"},
    {HEAD DATES "[step a]\ntime = d at 12:00\n", "m.ini:8: step a: it has no kind"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = d at 25:00\n", "step a.time: a time of day is hh:mm"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = d\n", "step a: d has no time of day: write `at 12:00`"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = t at 12:00\n", "step a: t has a time of day already"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = t\n", "step a: the column t must be one of `required`"},
    {HEAD DATES "[step a]\nkind = REPAIR_RECEIVED\ntime = id at 12:00\n", "step a: the column id has no form"},
    {HEAD DATES "[step a]\nkind = REPAIR_INSPECTED\ntime = d at 12:00\n", "step a: the first step opens a case"},
    {HEAD DATES STEP "[step b]\nkind = COMPLAINT_ACKED\ntime = d at 12:00\n", "step b: all steps belong to one type of case"},
    {HEAD DATES STEP TWO "time = t\n", "step two: facts.cause is needed"},
    {HEAD "\xff = 1\n", "m.ini:5: not UTF-8"},
};

static void what_is_wrong_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < AS_COUNT(bad); i++) {
		em.text[0] = 0;
		as_err err = map_parse("m.ini", bytes_of_str(bad[i].text), &map, &em);
		if (err != AS_EPROTO || strstr(em.text, bad[i].say) == NULL)
			fail_msg("%s\n=> %s: %s (expected: %s)", bad[i].text, as_err_text(err), em.text, bad[i].say);
	}
	if (map_parse("m.ini", bytes_of_str(HEAD DATES STEP TWO "time = t\nfacts.cause = \"SCREEN\"\n"), &map, &em))
		fail_msg("%s", em.text);
}

static const struct {
	const char *form, *text;
	uint32_t date;
	int32_t ms;
} dates[] = {
    {"YYYY-MM-DD", "2020-02-29", 20200229, 0},
    {"YYYY-MM-DD", "2021-02-29", 0, 0},
    {"YYYY-MM-DD", "2020-2-29", 0, 0},
    {"YYYY-MM-DD", "2020-02-29 ", 0, 0},
    {"YYYY-MM-DD", "xxxx-02-03", 0, 0},
    {"YYYY-MM-DD", "", 0, 0},
    {"YYYY-MM-DD", "1899-12-31", 0, 0},
    {"YYYY-MM-DD", "2020-13-01", 0, 0},
    {"YYYY-MM-DD", "2020-99-99", 0, 0},
    {"YY-M-D", "19-1-9", 20190109, 0},
    {"YY-M-D", "69-12-31", 19691231, 0},
    {"DD.MM.YYYY hh:mm", "01.02.2003 23:59", 20030201, (23 * 60 + 59) * 60000},
    {"DD.MM.YYYY hh:mm", "01.02.2003 24:00", 0, 0},
    {"YYYY-MM-DDThh:mm:ssZ", "2003-02-01T00:00:01Z", 20030201, 1000},
    {"MM/DD/YYYY hh:mm:ss AM", "07/20/2020 10:51:12 AM", 20200720, ((10 * 60 + 51) * 60 + 12) * 1000},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 12:32:48 PM", 20200905, ((12 * 60 + 32) * 60 + 48) * 1000},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 12:00:00 am", 20200905, 0},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 13:00:00 PM", 0, 0},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 00:00:00 AM", 0, 0},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 10:00:60 AM", 0, 0},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 10:00:00", 0, 0},
    {"MM/DD/YYYY hh:mm:ss AM", "09/05/2020 10:00:00 XM", 0, 0},
    {"M/D/YYYY h:mm AM", "9/5/2020 1:07 PM", 20200905, (13 * 60 + 7) * 60000},
};

static void dates_are_dates(void **state)
{
	(void)state;
	for (size_t i = 0; i < AS_COUNT(dates); i++) {
		uint32_t date = 0;
		int32_t ms = 0;
		assert_null(date_form_wrong(dates[i].form));
		bool ok = date_form_read(dates[i].form, bytes_of_str(dates[i].text), &date, &ms);
		if (ok != (dates[i].date != 0) || (ok && (date != dates[i].date || ms != dates[i].ms)))
			fail_msg("%s by %s: %d %u %d", dates[i].text, dates[i].form, ok, date, ms);
	}
}

/* The clocks of New York in 2020: 8 March 02:00 to 03:00 is left out, 1 November 01:00 to 02:00 is there twice. */
static void local_times_have_an_instant(void **state)
{
	(void)state;
	static struct tz tz;
	int32_t days;

	assert_int_equal(tz_load("America/New_York", &tz, &em), AS_OK);
	const int64_t change = INT64_C(1583650800000); /* 2020-03-08 07:00 UTC */
	assert_true(date_to_days(20200308, &days));
	int64_t midnight = (int64_t)days * DATE_MS_PER_DAY, last = 0;
	assert_true(tz_of_local(&tz, midnight + 2 * DATE_MS_PER_HOUR - 1) == change - 1);
	assert_true(tz_of_local(&tz, midnight + 2 * DATE_MS_PER_HOUR) == change);
	assert_true(tz_of_local(&tz, midnight + 2 * DATE_MS_PER_HOUR + 30 * DATE_MS_PER_MIN) == change);
	assert_true(tz_of_local(&tz, midnight + 3 * DATE_MS_PER_HOUR) == change);
	assert_true(tz_of_local(&tz, midnight + 3 * DATE_MS_PER_HOUR + 1) == change + 1);
	for (int64_t t = midnight - DATE_MS_PER_DAY; t < midnight + 2 * (int64_t)DATE_MS_PER_DAY; t += 7 * DATE_MS_PER_MIN) {
		assert_true(tz_of_local(&tz, t) >= last);
		last = tz_of_local(&tz, t);
	}
	assert_true(date_to_days(20201101, &days));
	midnight = (int64_t)days * DATE_MS_PER_DAY;
	assert_true(tz_of_local(&tz, midnight + 90 * DATE_MS_PER_MIN) == midnight + 90 * DATE_MS_PER_MIN + 4 * DATE_MS_PER_HOUR);
	assert_true(tz_of_local(&tz, midnight + 120 * DATE_MS_PER_MIN) == midnight + 120 * DATE_MS_PER_MIN + 5 * DATE_MS_PER_HOUR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_built_in_ones_are_sound),
	    cmocka_unit_test(a_file_is_named),
	    cmocka_unit_test(the_documented_example_is_sound),
	    cmocka_unit_test(what_is_wrong_is_said),
	    cmocka_unit_test(dates_are_dates),
	    cmocka_unit_test(local_times_have_an_instant),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
