/* How cost grows: with the events in the stores, and with the number of branches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/intake/forms.h"
#include "tests/bench/benches.h"
#include "tests/bench/system_fill.h"
#include "tests/bench/system_speak.h"

#define DAY_MS INT64_C(86400000)
#define EVENTS_A_DAY 5000
#define PROBE_EVENTS 10000
#define IDLE_S 10

/* ---- events in the stores ------------------------------------------------------------------------- */

/* What one more event costs both daemons now. */
static void probe(void)
{
	struct use hq_use[2], branch_use[2];

	feed_make(&feed[0], PROBE_EVENTS, FEED_ALL);
	uint64_t size = head_of(&branch[0]) + PROBE_EVENTS;
	use_take(&hq, &hq_use[0]);
	use_take(&branch[0], &branch_use[0]);
	feed_send(&feed[0], &branch[0], IN_FLIGHT, NULL);
	wait_acked(&branch[0], size);
	use_take(&hq, &hq_use[1]);
	use_take(&branch[0], &branch_use[1]);
	use_print("branchd", &branch_use[0], &branch_use[1], PROBE_EVENTS);
	use_print("hqd", &hq_use[0], &hq_use[1], PROBE_EVENTS);
}

static void grown_print(const char *report, const char *period, const char *from, const char *to)
{
	struct report_times t;

	report_take(&hq, report, period, from, to, &t);
	printf(",\"report\":\"%s\",\"period\":\"%s\"", report, period);
	report_print(&t);
}

static void rebuilt_print(struct bench_node *n, const char *role, uint64_t events)
{
	struct rebuild r;

	rebuild_time(n, &r);
	printf(",\"%s_rebuild_events_per_s\":%.0f,\"%s_rebuild_cpu_us_per_event\":%.2f", role,
	       (double)events / r.s, role, r.cpu_s * 1e6 / (double)events);
}

/* end: UTC ms of the last event. */
static void grown(uint64_t events, int64_t end)
{
	char from[11], to[11];
	struct bench_start b = start_best(&branch[0]), h = start_best(&hq);

	wait_state(&branch[0], "in-sync");
	line_begin("grow", FILL_MIX);
	printf(
	    ",\"branches\":1,\"events\":%llu,\"days\":%llu,\"branchd_ready_ms\":%.1f,\"hqd_ready_ms\":%.1f,"
	    "\"branchd_anonymous_kib\":%llu,\"hqd_anonymous_kib\":%llu,\"status_ms\":%.2f",
	    (unsigned long long)events, (unsigned long long)(events / EVENTS_A_DAY), b.ready_ms, h.ready_ms,
	    (unsigned long long)memory_kib(&branch[0], "Anonymous"),
	    (unsigned long long)memory_kib(&hq, "Anonymous"), status_ms(&hq));
	form_date_text(date_local(end - 30 * DAY_MS, 480), from);
	form_date_text(date_local(end, 480), to);
	grown_print("volume", "month", from, to);
	probe();
	printf(",\"loaded_branchd_anonymous_kib\":%llu,\"loaded_hqd_anonymous_kib\":%llu",
	       (unsigned long long)memory_kib(&branch[0], "Anonymous"),
	       (unsigned long long)memory_kib(&hq, "Anonymous"));
	events = head_of(&branch[0]);
	printf(",\"branchd_store_bytes_per_event\":%.0f,\"hqd_store_bytes_per_event\":%.0f",
	       (double)node_bytes(&branch[0]) / (double)events, (double)node_bytes(&hq) / (double)events);
	rebuilt_print(&hq, "hq", events);
	rebuilt_print(&branch[0], "branch", events);
	puts("}");
}

void bench_grow(void)
{
	uint64_t most = bench_number("BENCH_EVENTS", getenv("BENCH_LONG") ? 10000000 : 1000000), made = 0;
	int64_t step = DAY_MS / EVENTS_A_DAY, from = clock_utc_ms() - (int64_t)most * step;
	struct gen *g = calloc(1, sizeof *g);
	struct rng r = {.state = 1};

	as_assert(g != NULL);
	nodes_begin(1, false);
	gen_init(g, branch[0].code,
		 &(struct gen_opts){.complaint_pm = 100, .personal_pm = 300, .open_max = 64});
	for (uint64_t size = 10000; size <= most; size *= 10) {
		node_stop(&branch[0]);
		node_stop(&hq);
		fill_both(&hq, &branch[0], g, &r, size - made, from + (int64_t)made * step, step);
		made = size;
		node_start(&hq);
		node_start(&branch[0]);
		wait_acked(&branch[0], head_of(&branch[0]));
		grown(size, from + (int64_t)size * step);
	}
	free(g);
	nodes_end(1);
}

/* ---- branches ------------------------------------------------------------------------------------- */

/* All logs at once to a head office that runs: from the word to connect to the right report. */
static void branches_print(size_t branches, uint64_t events)
{
	struct use before, after;
	struct speak_conf c;
	char answer[8192];

	speak_hq(&hq, branches, events / branches, &c);
	struct speak *s = speak_new(&c);
	struct bench_start up = node_start(&hq);
	uint64_t all = c.events * branches + branches, counted; /* LOG_OPENED of each */
	use_take(&hq, &before);
	double begin = now_s();
	speak_go(s);
	speak_wait_served(s);
	double served = now_s();
	speak_wait_receipt(s);
	do {
		control_ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"all\"}\n", answer,
			    sizeof answer);
		counted = answer_number(answer, "events") - answer_number(answer, "not_applied");
	} while (counted < all);
	double end = now_s();
	use_take(&hq, &after);
	line_begin("grow-branches", FILL_MIX);
	printf(
	    ",\"branches\":%zu,\"events\":%llu,\"events_per_s\":%.0f,\"served_s\":%.3f,\"reported_s\":%.3f,"
	    "\"ready_ms\":%.1f",
	    branches, (unsigned long long)all, (double)all / (end - begin), served - begin, end - begin,
	    up.ready_ms);
	use_print("hqd", &before, &after, all);
	printf(",\"linked_anonymous_kib\":%llu,\"idle_cpu_ms_per_s\":%.2f",
	       (unsigned long long)memory_kib(&hq, "Anonymous"), use_idle_ms(&hq, IDLE_S));
	printf(",\"status_ms\":%.2f", status_ms(&hq));
	grown_print("volume", "month", NULL, NULL);
	speak_end(s);
	struct bench_start again = start_best(&hq);
	printf(",\"started_ready_ms\":%.1f,\"started_anonymous_kib\":%llu,\"unlinked_idle_cpu_ms_per_s\":%."
	       "2f}\n",
	       again.ready_ms, (unsigned long long)memory_kib(&hq, "Anonymous"), use_idle_ms(&hq, IDLE_S));
	node_stop(&hq);
}

void bench_grow_branches(void)
{
	uint64_t events = bench_number("BENCH_EVENTS", 100000), most = bench_number("BENCH_BRANCHES", 1000);

	for (size_t n = 1; n <= most; n *= 10)
		branches_print(n, events);
}
