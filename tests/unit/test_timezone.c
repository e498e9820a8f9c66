/* common/node/timezone against the system's own library, through the program date, and against what RFC 8536
 * forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/writer.h"
#include "common/node/timezone.h"

static const char *const zones[] = {"Asia/Shanghai",  "America/New_York", "Europe/Copenhagen",
				    "Asia/Kathmandu", "Europe/Dublin",	  "Africa/Casablanca",
				    "America/Nuuk",   "Asia/Gaza",	  "Australia/Lord_Howe",
				    "America/Havana", "Antarctica/Troll", "UTC",
				    "Pacific/Apia",   "Asia/Tehran",	  "America/Asuncion"};

static int64_t ms(int64_t s)
{
	return s * 1000;
}

/* 2026-11-24T00:00:00Z */
#define NOV_2026 1795478400

static void some_that_everybody_knows(void **state)
{
	(void)state;
	static const struct {
		const char *zone;
		int64_t s;
		int32_t want;
	} rows[] = {
	    {"Asia/Shanghai", NOV_2026, 480},
	    {"Asia/Shanghai", 4102444800, 480}, /* 2100 */
	    {"Asia/Kathmandu", NOV_2026, 345},
	    {"Asia/Kathmandu", 500000000, 330}, /* 1985, before +05:45 */
	    {"America/New_York", NOV_2026, -300},
	    {"America/New_York", 1772953199, -300}, /* 2026-03-08T06:59:59Z */
	    {"America/New_York", 1772953200, -240},
	    {"America/New_York", 1793512799, -240}, /* 2026-11-01T05:59:59Z */
	    {"America/New_York", 1793512800, -300},
	    {"Europe/Copenhagen", 1774745999, 60}, /* 2026-03-29T00:59:59Z */
	    {"Europe/Copenhagen", 1774746000, 120},
	    {"Europe/Copenhagen", 1792889999, 120}, /* 2026-10-25T00:59:59Z */
	    {"Europe/Copenhagen", 1792890000, 60},
	};
	struct tz tz;

	for (size_t i = 0; i < AS_COUNT(rows); i++) {
		assert_int_equal(tz_load(rows[i].zone, &tz, NULL), AS_OK);
		int32_t got = tz_offset_min(&tz, ms(rows[i].s));
		if (got != rows[i].want)
			fail_msg("%s at %lld: %d", rows[i].zone, (long long)rows[i].s, got);
	}
	/* a millisecond before is before, also before 1970 */
	assert_int_equal(tz_load("America/New_York", &tz, NULL), AS_OK);
	assert_int_equal(tz_offset_min(&tz, ms(1772953200) - 1), -300);
	assert_int_equal(tz_offset_min(&tz, -1), -300);
	/* no instant is too far */
	assert_int_equal(tz_offset_min(&tz, INT64_MIN), -296); /* local mean time -4:56:02 */
	int32_t far = tz_offset_min(&tz, INT64_MAX);
	assert_true(far == -300 || far == -240);
}

/* "+0530" → 330 */
static int32_t minutes_of(const char *text)
{
	int v = atoi(text + 1), minutes = v / 100 * 60 + v % 100;

	return text[0] == '-' ? -minutes : minutes;
}

/*
 * Compares with `date`, which uses the C library: 2016 to 2026 every 6 h and 17 min, then every 9 days until
 * 2110. The instants go in by a file.
 */
static void as_the_c_library_says(void **state)
{
	(void)state;
	static int64_t at[40000];
	char path[] = "/tmp/aftersync-tz-XXXXXX", command[256], line[32];
	size_t n = 0;

	for (int64_t s = 1451606400; s < 1798761600; s += 6 * 3600 + 1020)
		at[n++] = s;
	for (int64_t s = 1798761600; s < 4417000000; s += 9 * 86400 + 4000)
		at[n++] = s;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	FILE *f = fdopen(fd, "w");
	for (size_t i = 0; i < n; i++)
		fprintf(f, "@%lld\n", (long long)at[i]);
	assert_int_equal(fclose(f), 0);
	for (size_t z = 0; z < AS_COUNT(zones); z++) {
		struct tz tz;
		assert_int_equal(tz_load(zones[z], &tz, NULL), AS_OK);
		snprintf(command, sizeof command, "TZ=%s date -f %s +%%z", zones[z], path);
		FILE *date = popen(command, "r");
		assert_non_null(date);
		for (size_t i = 0; i < n; i++) {
			assert_non_null(fgets(line, sizeof line, date));
			int32_t got = tz_offset_min(&tz, ms(at[i]));
			if (got != minutes_of(line))
				fail_msg("%s at %lld: %d, date says %s", zones[z], (long long)at[i], got,
					 line);
		}
		assert_int_equal(pclose(date), 0);
	}
	remove(path);
}

static void names_stay_in_the_database(void **state)
{
	(void)state;
	static const char *const good[] = {"UTC", "Etc/GMT+12", "America/Argentina/Buenos_Aires", "EST5EDT"};
	static const char *const bad[] = {"",
					  "/etc/passwd",
					  "../UTC",
					  "Asia/../../etc/passwd",
					  "Asia/",
					  "Asia//X",
					  "Asia/Shang hai",
					  ".",
					  "Asia/Shanghai\n",
					  "A23456789012345678901234567890123456789-1"};
	struct as_errmsg em;
	struct tz tz;

	for (size_t i = 0; i < AS_COUNT(good); i++)
		assert_int_equal(tz_load(good[i], &tz, NULL), AS_OK);
	for (size_t i = 0; i < AS_COUNT(bad); i++) {
		assert_false(tz_name_valid(bytes_of_str(bad[i])));
		assert_int_equal(tz_load(bad[i], &tz, &em), AS_EINVAL);
	}
	assert_int_equal(tz_load("Asia/Shangri-La", &tz, &em), AS_ENOTFOUND);
	assert_non_null(strstr(em.text, "Asia/Shangri-La"));
	assert_int_equal(tz_load("Asia", &tz, &em), AS_ENOTFOUND); /* a folder */
	assert_int_equal(tz_load("tzdata/zi", &tz, &em), AS_ENOTFOUND);
}

/* A file of version 2 with one type and this footer. */
static struct bytes file_of(uint8_t *memory, size_t cap, const char *footer, int32_t offset)
{
	struct writer w = writer_of(memory, cap);
	uint8_t head[44] = "TZif2", type[6] = {0};

	writer_add(&w, head, sizeof head);
	head[39] = 1; /* typecnt */
	head[43] = 1; /* charcnt */
	writer_add(&w, head, sizeof head);
	put_be32(type, (uint32_t)offset);
	writer_add(&w, type, sizeof type);
	writer_add(&w, "", 1);
	writer_lit(&w, "\n");
	writer_bytes(&w, bytes_of_str(footer));
	writer_lit(&w, "\n");
	return writer_done(&w);
}

static void footers_are_strict(void **state)
{
	(void)state;
	static const char *const good[] = {"",
					   "UTC0",
					   "<-03>3",
					   "EST5EDT,M3.2.0,M11.1.0",
					   "IST-1GMT0,M10.5.0,M3.5.0/1",
					   "<+0330>-3:30<+0430>,J79/24,J263/24",
					   "XXX3EDT4,0/0,J365/23",
					   "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"};
	static const char *const bad[] = {"EST",
					  "ES5",
					  "EST5EDT",
					  "EST25",
					  "<EST5",
					  "EST5EDT,M3.2.0",
					  "EST5EDT,M13.2.0,M11.1.0",
					  "EST5EDT,M3.6.0,M11.1.0",
					  "EST5EDT,M3.2.7,M11.1.0",
					  "EST5EDT,M3.2.0/168,M11.1.0",
					  "EST5EDT,J0,J3",
					  "EST5EDT,M3.2.0,M11.1.0x",
					  "EST5:60",
					  "EST5EDT,366,3",
					  "EST00005"};
	uint8_t memory[256];
	struct as_errmsg em;
	struct tz tz;

	for (size_t i = 0; i < AS_COUNT(good); i++)
		if (tz_parse(file_of(memory, sizeof memory, good[i], 0), &tz, &em) != AS_OK)
			fail_msg("not taken: %s", good[i]);
	for (size_t i = 0; i < AS_COUNT(bad); i++)
		if (tz_parse(file_of(memory, sizeof memory, bad[i], 0), &tz, &em) != AS_ECORRUPT)
			fail_msg("taken: %s", bad[i]);
	/* without a footer the last offset holds */
	assert_int_equal(tz_parse(file_of(memory, sizeof memory, "", 20700), &tz, NULL), AS_OK);
	assert_int_equal(tz_offset_min(&tz, ms(NOV_2026)), 345);
	/* summer time for ever: 1 January 0:00 to 31 December 23:00 standard time */
	assert_int_equal(tz_parse(file_of(memory, sizeof memory, "XXX3EDT2,0/0,J365/25", 0), &tz, NULL),
			 AS_OK);
	assert_int_equal(tz_offset_min(&tz, ms(NOV_2026)), -120);
	/* the 29th of February is day 59 of a leap year, and no Julian day */
	assert_int_equal(tz_parse(file_of(memory, sizeof memory, "AAA0BBB,59/0,J60/0", 0), &tz, NULL), AS_OK);
	assert_int_equal(tz_offset_min(&tz, ms(1709164800)), 60); /* 2024-02-29T00:00Z */
	assert_int_equal(tz_offset_min(&tz, ms(1709164799)), 0);
	assert_int_equal(tz_offset_min(&tz, ms(1709247599)), 60); /* 2024-02-29T22:59:59Z */
	assert_int_equal(tz_offset_min(&tz, ms(1709247600)), 0);
}

static void a_cut_file_is_refused(void **state)
{
	(void)state;
	static uint8_t file[TZ_FILE_MAX];
	struct as_errmsg em;
	struct tz tz;
	FILE *f = fopen("/usr/share/zoneinfo/America/New_York", "rb");

	assert_non_null(f);
	size_t n = fread(file, 1, sizeof file, f);
	fclose(f);
	assert_int_equal(tz_parse(bytes_of(file, n), &tz, &em), AS_OK);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(tz_parse(bytes_of(file, cut), &tz, &em), AS_ECORRUPT);
	file[4] = 0;
	assert_int_equal(tz_parse(bytes_of(file, n), &tz, &em), AS_ECORRUPT);
	assert_non_null(strstr(em.text, "32-bit"));
	/* with leap seconds, no instant would be what it seems */
	if ((f = fopen("/usr/share/zoneinfo/right/UTC", "rb")) != NULL) {
		n = fread(file, 1, sizeof file, f);
		fclose(f);
		assert_int_equal(tz_parse(bytes_of(file, n), &tz, &em), AS_ECORRUPT);
		assert_non_null(strstr(em.text, "leap"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(some_that_everybody_knows),  cmocka_unit_test(as_the_c_library_says),
	    cmocka_unit_test(names_stay_in_the_database), cmocka_unit_test(footers_are_strict),
	    cmocka_unit_test(a_cut_file_is_refused),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
