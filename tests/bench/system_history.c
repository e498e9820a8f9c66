/* What depends on how much was recorded: catching up, memory, start, rebuild. */
#include <stdio.h>

#include "tests/bench/benches.h"

static void memory(const char *when, uint64_t events)
{
	line_begin("memory", FEED_MIX);
	printf(",\"branches\":1,\"when\":\"%s\",\"events\":%llu,\"branchd_anonymous_kib\":%llu,\"branchd_rss_"
	       "kib\":%llu,"
	       "\"hqd_anonymous_kib\":%llu,\"hqd_rss_kib\":%llu}\n",
	       when, (unsigned long long)events, (unsigned long long)memory_kib(&branch[0], "Anonymous"),
	       (unsigned long long)memory_kib(&branch[0], "Rss"),
	       (unsigned long long)memory_kib(&hq, "Anonymous"), (unsigned long long)memory_kib(&hq, "Rss"));
}

void bench_start(struct bench_node *n, const char *name, uint64_t events)
{
	struct bench_start best = start_best(n);

	line_begin("start", FEED_MIX);
	printf(",\"branches\":1,\"daemon\":\"%s\",\"events\":%llu,\"ready_ms\":%.1f,\"answer_ms\":%.1f}\n",
	       name, (unsigned long long)events, best.ready_ms, best.answer_ms);
}

/* ---- catching up ---------------------------------------------------------------------------------- */

/* When what was true, in seconds since head office's exec. */
struct catchup_times {
	double link, held, receipted, reported;
};

/* The clock stops when the last receipt is kept at the branch and the report counts everything. */
static struct bench_start catchup_run(uint64_t size, struct catchup_times *t)
{
	double begin = now_s();
	struct bench_start up = node_start(&hq);

	wait_link(&hq); /* the branch tries again after a second, or two, four … */
	t->link = now_s() - begin;
	wait_head(&hq, &branch[0], size);
	t->held = now_s() - begin;
	wait_acked(&branch[0], size);
	t->receipted = now_s() - begin;
	while (!report_is_right(1))
		sleep_us(1000);
	t->reported = now_s() - begin;
	return up;
}

void bench_catchup(uint64_t events)
{
	struct use hq_use, branch_use[2], none = {0};
	struct catchup_times t;

	nodes_begin(1, false);
	memory("idle", head_of(&branch[0]));
	node_stop(&hq);
	uint64_t size = head_of(&branch[0]) + events;
	feed_many(&feed[0], &branch[0], events);
	use_take(&branch[0], &branch_use[0]);
	none.commits = node_commits(&hq);
	none.syncs = node_syncs(&hq);
	struct bench_start up = catchup_run(size, &t);
	use_take(&branch[0], &branch_use[1]);
	use_take(&hq, &hq_use);
	line_begin("catchup", FEED_MIX);
	printf(",\"branches\":1,\"events\":%llu,\"events_per_s\":%.0f,\"events_per_s_from_exec\":%.0f,\"hq_"
	       "ready_s\":%.3f,"
	       "\"link_s\":%.3f,\"held_s\":%.3f,\"receipted_s\":%.3f,\"reported_s\":%.3f",
	       (unsigned long long)events, (double)events / (t.reported - t.link),
	       (double)events / t.reported, up.ready_ms / 1e3, t.link, t.held, t.receipted, t.reported);
	use_print("branchd", &branch_use[0], &branch_use[1], events);
	use_print("hqd", &none, &hq_use, events);
	puts("}");
	memory("loaded", size);
	bench_start(&branch[0], "branchd", size);
	bench_start(&hq, "hqd", size);
	wait_state(&branch[0], "in-sync");
	memory("started", size);
	nodes_end(1);
}

/* ---- rebuild -------------------------------------------------------------------------------------- */

void rebuild_time(struct bench_node *n, struct rebuild *ret)
{
	char out[4096];

	node_stop(n);
	uint64_t syncs = node_syncs(n);
	ret->s =
	    command_run(out, sizeof out, n, &ret->cpu_s,
			(char *[]){text_of("aftersync"), text_of("rebuild"), text_of("--dir"), n->dir, NULL});
	ret->syncs = node_syncs(n) - syncs;
}

static void rebuild(struct bench_node *n, const char *role)
{
	struct rebuild r;
	uint64_t events = head_of(&branch[0]);

	rebuild_time(n, &r);
	line_begin("rebuild", FEED_MIX);
	printf(",\"branches\":1,\"role\":\"%s\",\"events\":%llu,\"events_per_s\":%.0f,\"s\":%.3f,\"cpu_us_"
	       "per_event\":%.2f,"
	       "\"syncs\":%llu}\n",
	       role, (unsigned long long)events, (double)events / r.s, r.s, r.cpu_s * 1e6 / (double)events,
	       (unsigned long long)r.syncs);
}

void bench_rebuild(uint64_t events)
{
	nodes_begin(1, false);
	for (int tenth = 1; tenth >= 0; tenth--) {
		uint64_t more = tenth ? events / 10 : events - events / 10;
		feed_many(&feed[0], &branch[0], more);
		wait_acked(&branch[0], head_of(&branch[0]));
		rebuild(&hq, "hq");
		rebuild(&branch[0], "branch");
		node_start(&hq);
		node_start(&branch[0]);
		report_check(1);
	}
	nodes_end(1);
}
