/*
 * common/import/rows: what a row of each map becomes (golden), and why a row is refused. Events are the lines that are
 * sent to the daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/import/rows.h"
#include "tests/lib/golden.h"

static struct map map;
static struct tz shanghai;
static struct as_errmsg em;
static struct rows_where where[4];
static size_t where_n;
static char out[256 * 1024];

/* The events of all rows, or `LINE: column: why`, a line each. */
static const char *import(const char *text, size_t text_n)
{
	struct rows_conf conf = {.map = &map, .branch = "BJ01", .branch_zone = &shanghai, .where = where, .where_n = where_n};
	struct rows_made made;
	struct csv_record r;
	struct csv_file *f;
	struct rows *rows;
	size_t n = 0;

	for (uint8_t i = 0; i < 16; i++)
		conf.org[i] = i;
	out[0] = 0;
	assert_int_equal(csv_file_memory(&f, bytes_of(text, text_n), map.delimiter), AS_OK);
	assert_int_equal(rows_new(&rows, &conf, &em), AS_OK);
	bool ok = map.header ? csv_file_next(f, &r) == AS_OK && rows_header(rows, &r, &made) : rows_header(rows, NULL, &made);
	if (!ok)
		n += (size_t)snprintf(out, sizeof out, "header: %s: %s\n", made.column, made.text);
	while (ok && csv_file_next(f, &r) == AS_OK) {
		assert_int_equal(rows_make(rows, &r, "f", true, &made), AS_OK);
		if (made.wrong)
			n += (size_t)snprintf(out + n, sizeof out - n, "%lu: %s: %s\n", r.line, made.column, made.text);
		for (size_t i = 0; i < made.n && !made.wrong && made.selected; i++) {
			char *line = json_dumps(made.event[i], JSON_COMPACT);
			n += (size_t)snprintf(out + n, sizeof out - n, "%s\n", line);
			free(line);
		}
		for (size_t i = 0; i < MAP_COLUMNS_MAX && !made.wrong; i++)
			if (made.cut[i])
				n += (size_t)snprintf(out + n, sizeof out - n, "cut %u of %s\n", made.cut[i], map.columns[i].name);
		rows_clear(&made);
	}
	rows_free(rows);
	csv_file_close(f);
	return out;
}

static void golden(const char *name, const char *text)
{
	char file[64];

	assert_int_equal(map_load(name, &map, &em), AS_OK);
	const char *have = import(text, strlen(text));
	snprintf(file, sizeof file, "import-%s", name);
	golden_same(file, bytes_of_str(have));
}

#define ORDS_03                                                                                                                \
	"id,data_provider,country,partner_product_category,product_category,product_category_id,brand,year_of_manufacture,"    \
	"product_age,repair_status,repair_barrier_if_end_of_life,group_identifier,event_date,problem\n"
#define ORDS_ROW(id, brand, status, barrier, date, problem)                                                                    \
	id ",p,DNK,c ~ d,c,36," brand ",,," status "," barrier ",g," date "," problem "\n"
#define LONG "Weltempfänger-Fabrik München-Süd"

static void rows_of_ords(void **state)
{
	(void)state;
	golden("ords", ORDS_03 ORDS_ROW("a_1", "Melitta", "Fixed", "", "2025-04-01", "")
			   ORDS_ROW("a_2", "", "Repairable", "Spare parts not available", "2019-02-28", "\"two\nlines, é\"")
			       ORDS_ROW("a_3", LONG, "End of life", "Spare parts not available", "2012-06-12", "")
				   ORDS_ROW("a_4", "x", "End of life", "No way to open the product", "2012-06-12", "")
				       ORDS_ROW("a_5", "x", "3", "6", "2012-06-12", ""));
}

/* 0.2 has 12 columns. Each status and barrier, as text and as number. */
static void outcomes_of_ords(void **state)
{
	(void)state;
	static const struct {
		const char *status, *barrier, *outcome;
	} rows[] = {
	    {"Fixed", "", "FIXED"},
	    {"1", "", "FIXED"},
	    {"Repairable", "", "NOT_COMPLETED"},
	    {"2", "1", "NOT_COMPLETED"},
	    {"Unknown", "", "UNKNOWN_IMPORTED"},
	    {"0", "", "UNKNOWN_IMPORTED"},
	    {"End of life", "", "UNREPAIRABLE"},
	    {"End of life", "Spare parts not available", "NO_PARTS"},
	    {"End of life", "Spare parts too expensive", "OBSOLETE"},
	    {"End of life", "No way to open the product", "UNREPAIRABLE"},
	    {"End of life", "No way to open product", "UNREPAIRABLE"},
	    {"End of life", "Repair information not available", "UNREPAIRABLE"},
	    {"End of life", "Lack of equipment", "UNREPAIRABLE"},
	    {"End of life", "Item too worn out", "OBSOLETE"},
	    {"End of life", "Product too worn out", "OBSOLETE"},
	    {"End of life", "Cat ate it", "UNREPAIRABLE"},
	    {"3", "1", "NO_PARTS"},
	    {"3", "2", "OBSOLETE"},
	    {"3", "3", "UNREPAIRABLE"},
	    {"3", "4", "UNREPAIRABLE"},
	    {"3", "5", "UNREPAIRABLE"},
	    {"3", "6", "OBSOLETE"},
	    {"3", "", "UNREPAIRABLE"},
	};
	char text[1024], want[64];

	assert_int_equal(map_load("ords", &map, &em), AS_OK);
	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		snprintf(text, sizeof text,
			 "id,data_provider,country,partner_product_category,product_category,brand,year_of_manufacture,"
			 "repair_status,repair_barrier_if_end_of_life,group_identifier,event_date,problem\r\n"
			 "a,p,DNK,c,c,b,,%s,%s,g,2020-01-01,\r\n",
			 rows[i].status, rows[i].barrier);
		snprintf(want, sizeof want, "\"outcome\":\"%s\"", rows[i].outcome);
		if (strstr(import(text, strlen(text)), want) == NULL)
			fail_msg("%s, %s: %s", rows[i].status, rows[i].barrier, out);
	}
}

static void rows_of_mobifix(void **state)
{
	(void)state;
	golden("mobifix", "id,data_provider,country,fault_type,product_category,brand,model,repair_status,age,event_date,problem\r\n"
			  "m-1,a,DEU,External damage,Mobile,,Handy,Fixed,,2012-10-17,Kaputt.\r\n"
			  "m-2,a,GBR,USB/charging port,Mobile,Apple,,Repairable,,2013-06-19,\r\n"
			  "m-3,a,GBR,On/Off button,Mobile,Samsung,Galaxy S III Mini GT-I8190 white,End of life,,2013-06-19,\r\n"
			  "m-4,a,GBR,Unknown,Mobile,,,Unknown,,2013-06-19,\r\n"
			  "m-5,a,GBR,Gremlins,Mobile,,,Unknown,,2013-06-19,\r\n");
}

static void rows_of_nyc311(void **state)
{
	(void)state;
	golden("nyc311", "46920293,07/20/2020 10:51:12 AM,09/05/2020 12:32:48 PM,Damaged Tree,BROOKLYN\n"
			 "46930484,03/07/2020 11:30:00 PM,03/08/2020 02:30:00 AM,Noise,Unspecified\n"
			 "46930485,01/20/2020 10:51:12 AM,01/20/2020 10:51:12 AM,Noise,QUEENS\n"
			 "46930486,01/20/2020 10:51:12 AM,01/20/2020 10:51:11 AM,Noise,QUEENS\n"
			 "46930487,01/20/2020 10:51:12 AM,,Noise,QUEENS\n");
}

static void rows_of_nyc311_due(void **state)
{
	(void)state;
	golden("nyc311-due",
	       "Unique Key,Created Date,Closed Date,Agency,Agency Name,Complaint Type,Descriptor,Status,Due Date,Resolution Action "
	       "Updated Date,Borough\n"
	       "1,06/20/2016 10:04:21 PM,06/20/2016 11:12:32 PM,NYPD,N,Noise,Loud,Closed,06/21/2016 06:04:21 AM,,BROOKLYN\n"
	       "2,06/21/2016 01:39:00 PM,06/29/2016 04:15:00 PM,DEP,D,Noise,Alarms,Closed,,06/29/2016 04:15:00 PM,BROOKLYN\n");
}

static void said(const char *text, size_t n, const char *want)
{
	if (strcmp(import(text, n), want) != 0)
		fail_msg("%s\n=> %s(expected %s)", text, out, want);
}

#define SAID(text, want) said(text, sizeof(text) - 1, want)
#define SMALL "id,event_date,repair_status,repair_barrier_if_end_of_life,brand,problem\n"

static void bad_rows_say_why(void **state)
{
	(void)state;
	assert_int_equal(map_load("ords", &map, &em), AS_OK);
	SAID(SMALL ",2020-01-01,Fixed,,b,\n", "2: id: is empty\n");
	SAID(SMALL "a,,Fixed,,b,\n", "2: event_date: is empty\n");
	SAID(SMALL "a,2020-02-30,Fixed,,b,\n", "2: event_date: \"2020-02-30\" is not a real date YYYY-MM-DD\n");
	SAID(SMALL "a,xxxx-02-01,Fixed,,b,\n", "2: event_date: \"xxxx-02-01\" is not a real date YYYY-MM-DD\n");
	SAID(SMALL "a,2020-02-01,,,b,\n", "2: repair_status: is empty\n");
	SAID(SMALL "a,2020-02-01,Mended,,b,\n",
	     "2: repair_status: \"Mended\" is none of Fixed, 1, Repairable, 2, End of life, 3, Unknown, 0\n");
	SAID(SMALL "a,2020-02-01,Fixed,b\n", "2: : the record has 4 fields, the file has 6 columns\n");
	SAID(SMALL "a,2020-02-01,Fixed,,b,p,q\n", "2: : the record has 7 fields, the file has 6 columns\n");
	SAID(SMALL "a,2020-02-01,Fixed,,\xff,p\n", "2: brand: not valid UTF-8: which encoding does the file have?\n");
	SAID(SMALL "a,2020-02-01,Fixed,,x\0y,p\n", "2: brand: holds a NUL byte: is the file UTF-16, or damaged?\n");
	SAID(SMALL "0123456789012345678901234567890123456789X,2020-02-01,Fixed,,,p\n",
	     "2: id: case is 41 bytes long, at most 40 are allowed.\n");
	SAID(SMALL "a\tb,2020-02-01,Fixed,,,p\n", "2: id: case holds a control character.\n");
	SAID(SMALL "a,2020-02-01,Fixed,,x\"y,p\n",
	     "2: brand: a quotation mark inside of a field, or text behind the closing one: write \"\" for one inside of "
	     "quotation marks\n");
	SAID("id,event_date,repair_status,brand,problem\na,2020-02-01,Fixed,b,p\n",
	     "header: repair_barrier_if_end_of_life: there is no such column, and the map asks for it\n");
	SAID("i\0d\0\n", "header: : the header holds a NUL byte: is the file UTF-16, or damaged?\n");
	SAID("id,id,event_date,repair_status,repair_barrier_if_end_of_life,brand,problem\n", "header: id: two columns have this name\n");
}

static void a_key_is_there_once(void **state)
{
	(void)state;
	assert_int_equal(map_load("ords", &map, &em), AS_OK);
	const char *text = SMALL "a,2020-01-01,Fixed,,b,\nb,2020-01-01,Fixed,,b,\na,2020-01-01,Fixed,,c,\n";
	assert_non_null(strstr(import(text, strlen(text)), "\n4: id: the same as in line 2\n"));
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	while ((text = strstr(text, what)) != NULL) {
		n++;
		text++;
	}
	return n;
}

static void where_selects(void **state)
{
	(void)state;
	const char *text = SMALL "a,2020-01-01,Fixed,,b,\nb,2020-01-01,Fixed,,c,\nc,2020-01-01,Unknown,,c,\nd,2020-01-01,bad,,d,\n";

	assert_int_equal(map_load("ords", &map, &em), AS_OK);
	where[0] = (struct rows_where){.column = "brand", .value = bytes_of_str("c")};
	where_n = 1;
	import(text, strlen(text));
	assert_int_equal(count(out, "REPAIR_DONE"), 2);
	assert_int_equal(count(out, "bad"), 0); /* of no concern */
	where[1] = (struct rows_where){.column = "brand", .value = bytes_of_str("b")};
	where_n = 2;
	assert_int_equal(count(import(text, strlen(text)), "REPAIR_DONE"), 3);
	where[2] = (struct rows_where){.column = "repair_status", .value = bytes_of_str("Fixed"), .is_not = true};
	where_n = 3;
	assert_int_equal(count(import(text, strlen(text)), "REPAIR_DONE"), 1);
	where[2].column = "colour";
	said(text, strlen(text), "header: colour: there is no such column, and --where-not asks for it\n");
	where_n = 0;
}

/* A map of one's own: other encodings, joined values, all types of fields. */
static void other_maps(void **state)
{
	(void)state;
	static const char ini[] = "[map]\nname = own\nencoding = latin1\ndelimiter = semicolon\ntime-zone = Europe/Berlin\nkey = no\n"
				  "case = \"W\" + no\nrequired = no, in\n"
				  "[dates]\nin = DD.MM.YYYY hh:mm | DD.MM.YY hh:mm\nsold = YYYY-MM-DD\n"
				  "[values y]\nja = yes\nnein = no\n"
				  "[step in]\nkind = REPAIR_RECEIVED\ntime = in\nfacts.model = maker + type | cut 8\n"
				  "facts.channel = \"MAIL_IN\"\nfacts.tac = tac\nfacts.loaner_offered = loan | values y\n"
				  "facts.sale_date = sold\nfacts.symptom = symptoms\npersonal.name = who\n";
	static const char csv[] = "no;in;maker;type;tac;loan;sold;symptoms;who\n"
				  "1;29.03.2020 01:59;N\xf6kia;3310;35209900;ja;2019-12-24;H01 A02;M\xfcller\x07\n"
				  "2;29.10.20 23:00;;;;;;;\n"
				  "3;29.10.20 23:00;x;;one;;;;\n"
				  "4;29.10.20 23:00;x;;;vielleicht;;;\n"
				  "5;29.10.20 23:00;x;;;;24.12.2019;;\n"
				  "6;29.10.20 23:00;x;;;;;H99;Secret Name\n";

	if (map_parse("own.ini", bytes_of_str(ini), &map, &em))
		fail_msg("%s", em.text);
	golden_same("import-own", bytes_of_str(import(csv, sizeof csv - 1)));
	assert_null(strstr(out, "Secret"));
}

static void ids_depend_on_every_part(void **state)
{
	(void)state;
	static const uint8_t org[16] = {1}, other[16] = {2};
	uint8_t id[7][16];

	rows_event_id(org, "BJ01", "ords", bytes_of_str("a"), "done", id[0]);
	rows_event_id(other, "BJ01", "ords", bytes_of_str("a"), "done", id[1]);
	rows_event_id(org, "BJ02", "ords", bytes_of_str("a"), "done", id[2]);
	rows_event_id(org, "BJ01", "ordsa", bytes_of_str(""), "done", id[3]);
	rows_event_id(org, "BJ01", "ords", bytes_of_str("adone"), "", id[4]);
	rows_event_id(org, "BJ01", "ords", bytes_of_str("a"), "done", id[5]);
	rows_event_id(org, "BJ01", "ords", bytes_of_str("b"), "done", id[6]);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(id[i][6] >> 4, 8);
		assert_int_equal(id[i][8] >> 6, 2);
		for (size_t k = 0; k < i; k++)
			assert_int_equal(memcmp(id[i], id[k], 16) == 0, i == 5 && k == 0);
	}
}

static void a_set_grows(void **state)
{
	(void)state;
	struct seen s = {0};
	struct seen_at first;
	uint8_t hash[16] = {0};

	for (unsigned long i = 1; i <= 5000; i++) {
		put_be64(hash, i * UINT64_C(0x9e3779b97f4a7c15));
		assert_int_equal(seen_add(&s, hash, (struct seen_at){"f", i}, &first), AS_OK);
	}
	for (unsigned long i = 1; i <= 5000; i++) {
		put_be64(hash, i * UINT64_C(0x9e3779b97f4a7c15));
		assert_int_equal(seen_add(&s, hash, (struct seen_at){"g", 1}, &first), AS_EEXIST);
		assert_int_equal(first.line, i);
	}
	seen_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_of_ords),	  cmocka_unit_test(outcomes_of_ords),	cmocka_unit_test(rows_of_mobifix),
	    cmocka_unit_test(rows_of_nyc311),	  cmocka_unit_test(rows_of_nyc311_due),	cmocka_unit_test(bad_rows_say_why),
	    cmocka_unit_test(a_key_is_there_once), cmocka_unit_test(where_selects),	cmocka_unit_test(other_maps),
	    cmocka_unit_test(ids_depend_on_every_part), cmocka_unit_test(a_set_grows),
	};
	if (as_crypto_init() || tz_load("Asia/Shanghai", &shanghai, &em))
		return 1;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
