/*
 * What people and programs are shown: tables, CSV, JSON, files. Tables are compared with
 * tests/golden/out/NAME.txt; GOLDEN_UPDATE=1 writes these again, to be looked at. Run from the top folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/cleanup.h"
#include "common/intake/width.h"
#include "common/out/report_json.h"
#include "tests/lib/golden.h"

static uint8_t memory[4u << 20];

struct item {
	enum cell_table table;
	uint32_t day;
	const char *branch, *model;
	uint8_t code[4];
	int64_t v[CELL_VALUES_MAX];
};

static struct report_branch branch_of(void *ctx, const char code[BRANCH_CODE_MAX])
{
	(void)ctx;
	return (struct report_branch){.region = bytes_of_str(code[0] == 'B' ? "华北" : "SOUTH")};
}

static json_t *report_of(const char *name, enum report_period period, const char *by,
			 const struct item *items, size_t n, const char *meta)
{
	struct report_query q = {
	    .def = report_of_name(bytes_of_str(name)), .period = period, .branch = branch_of};
	struct report r;
	struct arena a;
	struct as_errmsg em;
	json_t *j;

	while (*by) {
		size_t k = strcspn(by, ",");
		assert_int_equal(report_by(&q, bytes_of(by, k)), AS_OK);
		by += k + (by[k] != 0);
	}
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(report_init(&r, &q, &a), AS_OK);
	for (size_t i = 0; i < n; i++) {
		struct cell_parts p = {.table = (uint8_t)items[i].table, .day = items[i].day};
		memcpy(p.branch, items[i].branch, strlen(items[i].branch));
		memcpy(p.code, items[i].code, sizeof p.code);
		p.model = bytes_of_str(items[i].model ? items[i].model : "");
		assert_int_equal(report_add(&r, &p, items[i].v), AS_OK);
		if (p.table == CELL_TAT) { /* and its time */
			p.table = CELL_TAT_HIST;
			p.bucket = cell_tat_bucket(items[i].v[TAT_MINUTES]);
			assert_int_equal(report_add(&r, &p, (int64_t[CELL_VALUES_MAX]){1}), AS_OK);
		}
	}
	assert_int_equal(report_json(&r, report_finish(&r), meta ? json_loads(meta, 0, NULL) : NULL, &j, &em),
			 AS_OK);
	return j;
}

#define META                                                                                                 \
	"{\"period\":\"month\",\"from\":\"2026-10-01\",\"to\":\"2026-11-24\",\"branches\":12,"               \
	"\"completeness\":{\"branches_complete\":10,\"events_missing\":1112},\"provisional\":true,"          \
	"\"cut\":\"5f1c0e7a9b3d2468\",\"as_of\":\"2026-11-24T10:00:00+08:00\","                              \
	"\"generated_at\":\"2026-11-24T10:00:03+08:00\",\"policy\":3}"

static void same_table(const char *golden, const json_t *report, bool zh, size_t width)
{
	AS_AUTO(buf) struct buf b = {.max = 1u << 20};
	struct out o;
	struct as_errmsg em;

	out_to_memory(&o, &b);
	assert_int_equal(report_table(&o, report, &(struct rows_opts){.zh = zh, .width = width}), AS_OK);
	assert_int_equal(out_end(&o, &em), AS_OK);
	golden_same(golden, buf_bytes(&b));
	golden_width(golden, buf_bytes(&b), width);
}

static const struct item volume[] = {
    {CELL_VOLUME, 20261005, "BJ01", "C116", {1, 1}, {1204, 12, 3, 1180, 9, 4, 1175}},
    {CELL_VOLUME, 20261105, "BJ01", "C116", {1, 1}, {998, 2, 1, 1001, 4, 3, 990}},
    {CELL_VOLUME, 20261005, "GZ02", "手机 8 联通定制版", {2, 5}, {340, 0, 0, 338, 0, 0, 301}},
    {CELL_VOLUME, 20261005, "SHPUDONG", "W220 very long model name here", {2, 11}, {7, 0, 0, 3, 1, 0, 2}},
};

static void volume_tables(void **state)
{
	(void)state;
	AS_AUTO(json) json_t *by = report_of("volume", RP_MONTH, "branch", volume, AS_COUNT(volume), META);
	AS_AUTO(json) json_t *all = report_of("volume", RP_ALL, "", volume, AS_COUNT(volume), NULL);
	AS_AUTO(json)
	json_t *wide =
	    report_of("volume", RP_MONTH, "region,branch,model,warranty", volume, AS_COUNT(volume), META);
	AS_AUTO(json) json_t *none = report_of("volume", RP_DAY, "", NULL, 0, META);

	same_table("volume", by, false, 80);
	same_table("volume-zh", by, true, 80);
	same_table("volume-all", all, false, 80);
	same_table("volume-wide", wide, false, 80);
	same_table("volume-wide-zh", wide, true, 80);
	same_table("volume-none", none, false, 80);
}

static void tat_tables(void **state)
{
	(void)state;
	static const struct item items[] = {
	    {CELL_TAT, 20261005, "BJ01", "C116", {1, 1}, {1, 45, 1, 1}},
	    {CELL_TAT, 20261005, "BJ01", "C116", {1, 1}, {1, 1800, 1, 0}},
	    {CELL_TAT, 20261005, "GZ02", "C116", {1, 1}, {1, 24000, 0, 0}},
	    {CELL_TAT, 20261105, "GZ02", "C116", {1, 1}, {1, 100000, 0, 0}},
	};
	AS_AUTO(json) json_t *j = report_of("tat", RP_MONTH, "branch", items, AS_COUNT(items), META);

	same_table("tat", j, false, 80);
	same_table("tat-zh", j, true, 80);
	same_table("tat-132", j, false, 132);
}

static const struct item faults[] = {
    {CELL_FAULTS, 20261005, "BJ01", "手机 8 联通定制版", {1}, {70}},
    {CELL_FAULTS, 20261005, "BJ01", "手机 8 联通定制版", {7}, {20}},
    {CELL_FAULTS, 20261005, "BJ01", "手机 8 联通定制版", {29}, {10}},
    {CELL_FAULTS, 20261005, "BJ01", "W220 very long model name here", {2}, {3}},
    {CELL_FAULTS, 20261005, "GZ02", "=HYPERLINK(\"x\")", {2}, {3}},
};

static void pareto_tables(void **state)
{
	(void)state;
	AS_AUTO(json) json_t *j = report_of("pareto", RP_MONTH, "", faults, AS_COUNT(faults), META);
	AS_AUTO(json)
	json_t *by = report_of("pareto", RP_QUARTER, "region,branch", faults, AS_COUNT(faults), META);

	same_table("pareto", j, false, 80);
	same_table("pareto-zh", j, true, 80);
	same_table("pareto-by", by, false, 80);
}

static const struct item complaints[] = {
    {CELL_COMPLAINTS, 20261005, "BJ01", NULL, {1, 3, 2, 6}, {5, 0, 2, 1, 1, 1}},
    {CELL_COMPLAINTS, 20261105, "GZ02", NULL, {2, 4, 1, 4}, {3, 3, 1, 0, 0, 0}},
    {CELL_VOLUME, 20261005, "BJ01", "C116", {1, 1}, {0, 0, 0, 0, 0, 0, 700}},
};

static void complaint_tables(void **state)
{
	(void)state;
	static const struct item times[] = {
	    {CELL_COMPLAINT_TIMES, 20261005, "BJ01", NULL, {1, 3, 2, 6}, {76, 72, 3, 1, 3, 2, 2, 0}},
	    {CELL_COMPLAINT_TIMES, 20261105, "BJ01", NULL, {1, 3, 2, 6}, {1, 1, 0, 0, 2, 0, 2, 1}},
	};
	AS_AUTO(json)
	json_t *j =
	    report_of("complaints", RP_MONTH, "branch,channel", complaints, AS_COUNT(complaints), META);
	AS_AUTO(json)
	json_t *t = report_of("complaint-timeliness", RP_MONTH, "branch", times, AS_COUNT(times), META);

	same_table("complaints", j, false, 80);
	same_table("complaints-zh", j, true, 80);
	same_table("complaint-timeliness", t, false, 80);
	same_table("complaint-timeliness-zh", t, true, 80);
}

static void csv_is(const json_t *report, const char *want)
{
	AS_AUTO(buf) struct buf b = {.max = 1u << 20};
	struct out o;
	struct as_errmsg em;

	out_to_memory(&o, &b);
	assert_int_equal(report_csv(&o, report), AS_OK);
	assert_int_equal(out_end(&o, &em), AS_OK);
	assert_int_equal(buf_add(&b, "", 1), AS_OK);
	assert_string_equal((const char *)b.p, want);
}

static void csv_lines(void **state)
{
	(void)state;
	AS_AUTO(json) json_t *v = report_of("volume", RP_QUARTER, "branch", volume, 1, META);
	AS_AUTO(json) json_t *f = report_of("pareto", RP_YEAR, "", faults, AS_COUNT(faults), META);
	AS_AUTO(json) json_t *c = report_of("complaints", RP_MONTH, "branch", complaints, 2, META);

	csv_is(v, "period,branch,opening_wip,received,transfer_in,reopened,finished,cancelled,transfer_out,"
		  "closing_wip,delivered,opening_custody,closing_custody\r\n"
		  "2026-Q4,BJ01,0,1204,12,3,1180,9,4,26,1175,0,28\r\n");
	csv_is(f, "period,model,cause,count,share,cumulative_share,class\r\n"
		  "2026,\"'=HYPERLINK(\"\"x\"\")\",POWER_BATTERY,3,100.00,100.00,A\r\n"
		  "2026,W220 very long model name here,POWER_BATTERY,3,100.00,100.00,A\r\n"
		  "2026,手机 8 联通定制版,SCREEN,70,70.00,70.00,A\r\n"
		  "2026,手机 8 联通定制版,HEADPHONE_JACK,20,20.00,90.00,A\r\n"
		  "2026,手机 8 联通定制版,UNKNOWN,10,10.00,100.00,B\r\n");
	csv_is(c, "period,branch,opening,received,reopened,closed,withdrawn,rejected,closing,suggestions,"
		  "per_1000_repairs\r\n"
		  "2026-10,BJ01,0,5,1,2,1,1,2,0,n/a\r\n"
		  "2026-11,BJ01,2,0,0,0,0,0,2,0,n/a\r\n"
		  "2026-11,GZ02,0,3,0,1,0,0,2,3,n/a\r\n");
}

/* Whatever a cell holds: the text that a reader of RFC 4180 finds again, never the beginning of a formula. */
static void csv_texts(void **state)
{
	(void)state;
	static const struct rows_col cols[] = {{"t", "t", "t", RO_TEXT, 0, 0, NULL},
					       {"n", "n", "n", RO_COUNT, 0, 0, NULL}};
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"plain", "plain"},
	    {"a,b", "\"a,b\""},
	    {"say \"x\"", "\"say \"\"x\"\"\""},
	    {"two\nlines", "\"two\nlines\""},
	    {"=1+1", "'=1+1"},
	    {"+8613800138000", "'+8613800138000"},
	    {"-1", "'-1"},
	    {"@x", "'@x"},
	    {"\tx", "'\tx"},
	    {"\rx", "\"'\rx\""},
	    {"", ""},
	    {"=a,b", "\"'=a,b\""},
	};

	for (size_t i = 0; i < AS_COUNT(cases); i++) {
		AS_AUTO(json) json_t *rows = json_pack("[{s:s, s:i}]", "t", cases[i].text, "n", -5);
		AS_AUTO(buf) struct buf b = {.max = 1024};
		struct out o;
		struct as_errmsg em;
		char want[128];
		out_to_memory(&o, &b);
		rows_csv(&o, cols, 2, rows);
		assert_int_equal(out_end(&o, &em), AS_OK);
		assert_int_equal(buf_add(&b, "", 1), AS_OK);
		snprintf(want, sizeof want, "t,n\r\n%s,-5\r\n", cases[i].want);
		assert_string_equal((const char *)b.p, want);
	}
}

static void json_lines(void **state)
{
	(void)state;
	AS_AUTO(json)
	json_t *c = report_of("complaints", RP_MONTH, "branch", complaints, 3, "{\"branches\":2}");
	AS_AUTO(buf) struct buf b = {.max = 1u << 20};
	struct out o;
	struct as_errmsg em;

	out_to_memory(&o, &b);
	json_out(&o, c);
	assert_int_equal(out_end(&o, &em), AS_OK);
	assert_int_equal(buf_add(&b, "", 1), AS_OK);
	assert_string_equal(
	    (const char *)b.p,
	    "{\"report\":\"complaints\",\"meta\":{\"branches\":2},\"columns\":[\"period\",\"branch\","
	    "\"opening\","
	    "\"received\",\"reopened\",\"closed\",\"withdrawn\",\"rejected\",\"closing\",\"suggestions\","
	    "\"per_1000_repairs\"],\"rows\":[{\"period\":\"2026-10\",\"branch\":\"BJ01\",\"opening\":0,"
	    "\"received\":5,\"reopened\":1,\"closed\":2,\"withdrawn\":1,\"rejected\":1,\"closing\":2,"
	    "\"suggestions\":0,\"per_1000_repairs\":7.14},{\"period\":\"2026-11\",\"branch\":\"BJ01\","
	    "\"opening\":2,\"received\":0,\"reopened\":0,\"closed\":0,\"withdrawn\":0,\"rejected\":0,"
	    "\"closing\":2,\"suggestions\":0,\"per_1000_repairs\":null},{\"period\":\"2026-11\","
	    "\"branch\":\"GZ02\",\"opening\":0,\"received\":3,\"reopened\":0,\"closed\":1,\"withdrawn\":0,"
	    "\"rejected\":0,\"closing\":2,\"suggestions\":3,\"per_1000_repairs\":null}]}\n");
	/* and the way back gives the same CSV as before */
	json_t *again = json_loads((const char *)b.p, 0, NULL);
	assert_true(json_equal(again, c));
	json_decref(again);
}

static void what_is_no_report(void **state)
{
	(void)state;
	static const char *const texts[] = {"{}", "[]", "{\"report\":\"volume\",\"rows\":[]}",
					    "{\"report\":\"volume\",\"columns\":[],\"rows\":[]}",
					    "{\"report\":\"volume\",\"columns\":[3],\"rows\":[]}"};
	AS_AUTO(buf) struct buf b = {.max = 1u << 20};
	struct out o;

	for (size_t i = 0; i < AS_COUNT(texts); i++) {
		AS_AUTO(json) json_t *j = json_loads(texts[i], 0, NULL);
		out_to_memory(&o, &b);
		assert_int_equal(report_csv(&o, j), AS_EPROTO);
		assert_int_equal(report_table(&o, j, &(struct rows_opts){.width = 80}), AS_EPROTO);
	}
	/* a report of a newer daemon: shown as it is */
	AS_AUTO(json)
	json_t *j =
	    json_loads("{\"report\":\"plan\",\"columns\":[\"period\",\"planned\",\"rate\",\"who\"],\"rows\":"
		       "[{\"period\":\"2026\",\"planned\":3,\"rate\":66.67,\"who\":\"-x\"}]}",
		       0, NULL);
	same_table("newer", j, false, 80);
	csv_is(j, "period,planned,rate,who\r\n2026,3,66.67,'-x\r\n");
}

static void too_many_rows(void **state)
{
	(void)state;
	struct report_query q = {.def = &report_defs[REPORT_VOLUME], .period = RP_DAY, .to = 21991231};
	struct report r;
	struct arena a;
	struct as_errmsg em;
	json_t *j = NULL;

	q.by_n = 1;
	q.by[0] = RD_BRANCH;
	arena_init(&a, memory, sizeof memory);
	assert_int_equal(report_init(&r, &q, &a), AS_OK);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 2; k++) {
			struct cell_parts p = {.table = CELL_VOLUME,
					       .day = k ? 21991231 : 19000101,
					       .branch = {'A', (char)('A' + i)}};
			assert_int_equal(report_add(&r, &p, (int64_t[CELL_VALUES_MAX]){1}), AS_OK);
		}
	assert_int_equal(report_json(&r, report_finish(&r), NULL, &j, &em), AS_ETOOBIG);
	assert_null(j);
	assert_string_equal(em.text,
			    "report volume: more than 250000 rows: narrow it with --from and --to, fewer "
			    "--by, or a longer --period");
	assert_int_equal(report_json(&r, AS_ENOMEM, NULL, &j, &em), AS_ENOMEM);
	assert_non_null(strstr(em.text, "more than fits into its memory: narrow it"));
}

static void widths(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width, cut; /* cut: bytes of the prefix of 3 columns */
	} cases[] = {{"", 0, 0},  {"abc", 3, 3},	{"abcd", 4, 3},	    {"网点", 4, 3}, {"a网点", 5, 4},
		     {"é", 1, 2}, {"e\xcc\x81x", 2, 4}, {"\xff\xfe", 2, 2}, {"≤1时", 4, 4}};
	char out[32];

	for (size_t i = 0; i < AS_COUNT(cases); i++) {
		struct bytes s = bytes_of_str(cases[i].text);
		assert_int_equal(text_width(s), cases[i].width);
		assert_int_equal(text_width_cut(s, 3), cases[i].cut);
	}
	duration_text(59, out);
	assert_string_equal(out, "59m");
	duration_text(60, out);
	assert_string_equal(out, "1h00m");
	duration_text(4 * 24 * 60 + 59, out);
	assert_string_equal(out, "4d00h");
	ago_text(59999, out);
	assert_string_equal(out, "59s");
	ago_text(-1, out);
	assert_string_equal(out, "0s");
}

/* ---- files ------------------------------------------------------------------------------- */

static char *read_all(const char *path)
{
	static char text[4096];
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return NULL;
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	return text;
}

static unsigned files_in(const char *dir)
{
	char command[256], *out;

	snprintf(command, sizeof command, "ls -A '%s' | wc -l > '%s.count'", dir, dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof command, "%s.count", dir);
	out = read_all(command);
	unlink(command);
	return (unsigned)strtoul(out, NULL, 10);
}

static void a_file_appears_whole_or_not(void **state)
{
	(void)state;
	char dir[] = "/tmp/aftersync-out-XXXXXX", path[64], link[64];
	struct out o;
	struct as_errmsg em;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/r.csv", dir);
	assert_int_equal(out_to_file(&o, path, &em), AS_OK);
	out_str(&o, "one\n");
	out_flush(&o);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(out_end(&o, &em), AS_OK);
	out_done(&o);
	assert_string_equal(read_all(path), "one\n");
	assert_int_equal(files_in(dir), 1);
	/* given up: what was there stays */
	assert_int_equal(out_to_file(&o, path, &em), AS_OK);
	out_str(&o, "two\n");
	out_flush(&o);
	out_done(&o);
	assert_string_equal(read_all(path), "one\n");
	assert_int_equal(files_in(dir), 1);
	/* a link stays a link */
	snprintf(link, sizeof link, "%s/link", dir);
	assert_int_equal(symlink("r.csv", link), 0);
	assert_int_equal(out_to_file(&o, link, &em), AS_OK);
	out_str(&o, "three\n");
	assert_int_equal(out_end(&o, &em), AS_OK);
	out_done(&o);
	assert_string_equal(read_all(path), "three\n");
	struct stat st;
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	unlink(link);
	unlink(path);
	/* no folder; a full device */
	snprintf(path, sizeof path, "%s/none/r.csv", dir);
	assert_int_equal(out_to_file(&o, path, &em), AS_EIO);
	assert_non_null(strstr(em.text, "No such file or directory"));
	out_done(&o);
	assert_int_equal(out_to_file(&o, "/dev/full", &em), AS_OK);
	out_str(&o, "x");
	assert_int_equal(out_end(&o, &em), AS_EIO);
	assert_non_null(strstr(em.text, "No space left on device"));
	out_done(&o);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(widths),
	    cmocka_unit_test(volume_tables),
	    cmocka_unit_test(tat_tables),
	    cmocka_unit_test(pareto_tables),
	    cmocka_unit_test(complaint_tables),
	    cmocka_unit_test(csv_lines),
	    cmocka_unit_test(csv_texts),
	    cmocka_unit_test(json_lines),
	    cmocka_unit_test(what_is_no_report),
	    cmocka_unit_test(too_many_rows),
	    cmocka_unit_test(a_file_appears_whole_or_not),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
