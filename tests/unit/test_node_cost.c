/*
 * What a question costs, in rows read: as many as what is asked for, not as many as were ever stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/node/query.h"
#include "common/store/keys.h"
#include "tests/lib/kv_count.h"
#include "tests/lib/node_rig.h"
#include "tests/lib/store_rig.h"

#define DAY_MS INT64_C(86400000)
#define END_MS INT64_C(1795017600000) /* 2026-11-19 00:00 +08:00 */
#define BRANCHES 3
#define PER_DAY 2

static struct node_rig hq;
static struct kv_count count;
static struct node_home home; /* over the counting kv */
static struct node *view;
static json_t *answer;

/* Events of the last `days` days in each branch's log; 5 of 100 are flagged. */
static void fill(int days)
{
	static struct gen g;
	static struct gen_event made[PER_DAY * 5];
	struct rng r = {.state = 9};

	node_rig_hq(&hq);
	for (int b = 0; b < BRANCHES; b++) {
		char code[9];
		snprintf(code, sizeof code, "B%d", b % 10);
		struct rig_log *log = rig_log_new(LOG_LIVE, code, 1, NULL, 0);
		gen_init(&g, code, &(struct gen_opts){.complaint_pm = 300, .illegal_pm = 50, .open_max = 8});
		/* the same last days whatever came before: begun anew with them */
		for (int day = -days; day < 0; day += 5) {
			struct bytes events[AS_COUNT(made)];
			if (day == -60) {
				gen_init(
				    &g, code,
				    &(struct gen_opts){.complaint_pm = 300, .illegal_pm = 50, .open_max = 8});
				g.serial = 1000000;
				r.state = 77 + (uint64_t)b;
			}
			for (size_t i = 0; i < AS_COUNT(made); i++) {
				gen_next(&g, &r, END_MS + day * DAY_MS + (int64_t)i * DAY_MS / PER_DAY,
					 &made[i]);
				events[i] = bytes_of(made[i].raw, made[i].n);
			}
			rig_append(log, events, AS_COUNT(made));
		}
		for (size_t i = 0; i < log->n; i++) {
			struct store_op op = rig_block_op(log, i, true);
			assert_int_equal(store_commit(hq.n->st, hq.n->fence, &op, 1, NULL), AS_OK);
		}
		rig_log_free(log);
	}
	kv_count_init(&count, hq.home.kv);
	home = hq.home;
	home.kv = &count.base;
	assert_int_equal(node_view(&view, &home, false, NULL), AS_OK);
}

static void done(void)
{
	json_decref(answer);
	answer = NULL;
	node_view_free(view);
	node_rig_done(&hq);
}

static bool take(void *arg, json_t *line)
{
	(void)arg;
	json_decref(answer);
	answer = json_incref(line);
	return true;
}

/* Rows read by one request. */
static uint64_t ask(const char *request)
{
	AS_AUTO(json) json_t *o = json_loads(request, 0, NULL);
	uint64_t rows = 0;

	assert_non_null(o);
	kv_count_reset(&count);
	assert_int_equal(query_run(view, o, take, NULL), 0);
	for (size_t i = 0; i < KV_TABLES; i++)
		rows += count.rows[i];
	return rows;
}

static const char *const reports[] = {
    "\"volume\",\"by\":[\"branch\"]", "\"volume\",\"by\":[]", "\"tat\"", "\"pareto\"", "\"complaints\"",
    "\"complaint-timeliness\""};

static uint64_t report_rows(size_t i, const char *from)
{
	char request[200];

	snprintf(request, sizeof request,
		 "{\"cmd\":\"report\",\"name\":%s,\"period\":\"month\",\"from\":\"%s\",\"to\":\"2026-11-10\","
		 "\"as_of\":\"2026-11-19T00:00:00Z\"}",
		 reports[i], from);
	return ask(request);
}

static void a_report_reads_its_range(void **state)
{
	(void)state;
	static const int days[] = {100, 700, 1400};
	uint64_t rows[AS_COUNT(days)][AS_COUNT(reports)];

	for (size_t d = 0; d < AS_COUNT(days); d++) {
		fill(days[d]);
		for (size_t i = 0; i < AS_COUNT(reports); i++) {
			rows[d][i] = report_rows(i, "2026-11-01");
			assert_true(json_array_size(json_object_get(answer, "rows")) > 0);
			assert_int_equal(count.rows[TABLE_FLAGGED], 0);
			assert_int_equal(count.rows[TABLE_CASE], 0);
			assert_int_equal(count.rows[TABLE_BLOCK], 0);
			/* wider is more: it is really the range that counts */
			assert_true(report_rows(i, "2026-10-01") > rows[d][i]);
		}
		done();
	}
	for (size_t d = 1; d < AS_COUNT(days); d++)
		for (size_t i = 0; i < AS_COUNT(reports);
		     i++) /* a row a year and eleven months of each branch */
			assert_true(rows[d][i] <= rows[0][i] + BRANCHES * (11 + 4));
}

static void status_reads_no_event(void **state)
{
	(void)state;
	uint64_t rows[2];

	for (size_t d = 0; d < 2; d++) {
		fill(d ? 1000 : 100);
		rows[d] = ask("{\"cmd\":\"status\"}");
		assert_int_equal(count.rows[TABLE_CELL] + count.rows[TABLE_FLAGGED] + count.rows[TABLE_BLOCK],
				 0);
		assert_true(
		    json_integer_value(json_object_get(json_object_get(answer, "totals"), "flagged")) > 0);
		done();
	}
	assert_int_equal(rows[0], rows[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_report_reads_its_range),
	    cmocka_unit_test(status_reads_no_event),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
