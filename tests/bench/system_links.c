/* Many links to one head office, and many branches enrolled. */
#include <stdio.h>

#include "tests/bench/benches.h"
#include "tests/bench/system_fill.h"
#include "tests/bench/system_speak.h"

#define LIVE_EVENTS 300
#define LOG_EVENTS 16  /* of each log of the links */
#define IDLE_S 60      /* each link says two times that it is alive */
#define ENROLMENTS 200 /* by the daemon, at each size */

/* ---- live links ----------------------------------------------------------------------------------- */

/* One event at a time of a real branch, as in the bench `live`. */
static void live(void)
{
	static double ms[3][LIVE_EVENTS];
	static const char *const names[] = {"answer", "report", "receipt"};
	struct use before, after;

	feed_make(&feed[0], LIVE_EVENTS, FEED_ALL);
	struct feed_session *session = feed_open(&branch[0]);
	uint64_t head = head_of(&branch[0]);
	use_take(&hq, &before);
	for (size_t i = 0; i < LIVE_EVENTS; i++) {
		double begin = now_s();
		feed_one(session, &feed[0], i);
		ms[0][i] = (now_s() - begin) * 1e3;
		wait_head(&hq, &branch[0], head + i + 1);
		ms[1][i] = (now_s() - begin) * 1e3;
		wait_acked(&branch[0], head + i + 1);
		ms[2][i] = (now_s() - begin) * 1e3;
		sleep_us(1000 + (unsigned)(i * 7919 % 3000));
	}
	use_take(&hq, &after);
	feed_close(session);
	for (int k = 0; k < 3; k++)
		print_ms(names[k], ms[k], LIVE_EVENTS);
	use_print("hqd", &before, &after, LIVE_EVENTS);
}

static void live_branch_begin(void)
{
	struct log_row row;

	node_start(&branch[0]);
	wait_state(&branch[0], "in-sync");
	feed_init(&feed[0], branch[0].code, 1);
	feed_make(&feed[0], 1, FEED_ALL);
	feed_send(&feed[0], &branch[0], 1, NULL);
	if (!node_row(&branch[0], &branch[0], &row))
		fail("the branch has no log");
	branch[0].log = row.id;
	wait_acked(&branch[0], row.head.size);
}

/* links: the real branch's is one of them. */
static void links_run(size_t links)
{
	struct speak_conf c;

	speak_hq(&hq, links - 1, LOG_EVENTS, &c);
	branch_make(&hq, &branch[0], "BJ01", 0);
	struct speak *s = speak_new(&c);
	node_start(&hq);
	uint64_t before = memory_kib(&hq, "Anonymous");
	double begin = now_s();
	speak_go(s);
	speak_wait_served(s);
	double served = now_s() - begin;
	speak_wait_receipt(s);
	double receipted = now_s() - begin;
	live_branch_begin();
	uint64_t linked = memory_kib(&hq, "Anonymous");
	line_begin("links", FEED_MIX);
	printf(
	    ",\"links\":%zu,\"events\":%d,\"served_s\":%.3f,\"receipted_s\":%.3f,\"hqd_anonymous_kib\":%llu,"
	    "\"kib_per_link\":%.1f,\"idle_cpu_ms_per_s\":%.2f",
	    links, LIVE_EVENTS, served, receipted, (unsigned long long)linked,
	    (double)(linked - before) / (double)links, use_idle_ms(&hq, IDLE_S));
	live();
	printf(",\"status_ms\":%.2f}\n", status_ms(&hq));
	speak_end(s);
	nodes_end(1);
}

void bench_links(void)
{
	size_t only = bench_number("BENCH_LINKS", 0);

	for (size_t n = 2; n <= 2000 && only == 0; n *= 10)
		links_run(n);
	if (only)
		links_run(only);
}

/* ---- enrolled branches ---------------------------------------------------------------------------- */

static void enrol_by_daemon(uint64_t from)
{
	struct use before, after;
	char request[100], answer[8192];

	use_take(&hq, &before);
	double begin = now_s();
	for (uint64_t i = 0; i < ENROLMENTS; i++) {
		snprintf(request, sizeof request, "{\"cmd\":\"hq-enrol\",\"branch\":\"E%06llu\"}\n",
			 (unsigned long long)((from + i) % 1000000));
		control_ask(&hq, request, answer, sizeof answer);
	}
	double s = now_s() - begin;
	use_take(&hq, &after);
	printf(",\"enrolments\":%d,\"ms_per_enrolment\":%.3f", ENROLMENTS, s * 1e3 / ENROLMENTS);
	use_print("hqd", &before, &after, ENROLMENTS);
}

static as_err add(void *arg, const struct log_id *log, const struct block_meta *meta, struct bytes block)
{
	uint64_t *sum = arg;

	(void)log;
	(void)meta;
	sum[0]++;
	sum[1] += block.n;
	return AS_OK;
}

/* What a branch that joins has to fetch before it knows everybody. */
static void roster_print(void)
{
	struct log_id all = {.cls = LOG_HQ_ALL, .number = 1};
	uint64_t sum[2] = {0};
	struct log_row row;

	node_row(&hq, &hq, &row); /* opens it */
	if (store_each_block(hq.look->st, &all, 0, add, sum))
		fail("%s: hq/all", hq.dir);
	printf(",\"roster_blocks\":%llu,\"roster_bytes\":%llu", (unsigned long long)sum[0],
	       (unsigned long long)sum[1]);
}

void bench_enrol(void)
{
	uint64_t most = bench_number("BENCH_BRANCHES", 10000), made = 0;
	struct report_times t;
	struct fill f;
	char code[9];

	hq_make(&hq);
	for (uint64_t size = most < 100 ? most : 100; size <= most; size *= 10) {
		node_stop(&hq);
		fill_open(&f, &hq);
		double begin = now_s();
		uint64_t first = made;
		for (; made < size; made++) {
			speak_code(made, code);
			fill_enrol(&f, code);
		}
		double s = now_s() - begin;
		fill_close(&f);
		node_start(&hq);
		struct bench_start up = start_best(&hq);
		line_begin("enrol", FEED_MIX);
		printf(",\"branches\":%llu,\"ms_per_admission\":%.3f,\"hqd_ready_ms\":%.1f,\"hqd_anonymous_"
		       "kib\":%llu,"
		       "\"idle_cpu_ms_per_s\":%.2f,\"status_ms\":%.2f",
		       (unsigned long long)size, s * 1e3 / (double)(size - first), up.ready_ms,
		       (unsigned long long)memory_kib(&hq, "Anonymous"), use_idle_ms(&hq, IDLE_S / 6),
		       status_ms(&hq));
		report_take(&hq, "volume", "month", NULL, NULL, &t);
		report_print(&t);
		roster_print();
		enrol_by_daemon(size);
		puts("}");
	}
	node_stop(&hq);
}
