/*
 * The programs themselves: aftersync-branchd and aftersync-hqd as processes on one machine, CURVE over the loopback
 * interface, every commit synced on the disk that $BENCH_DIR is on. One JSON object a line; docs/performance.md says
 * what each one measures.
 *
 *	bench_system [ingest] [e2e] [live] [catchup] [wire]      all of them when none is named
 *
 *	BENCH_DIR=…        where the nodes are made (build/bench.tmp); not in memory: then the syncs cost nothing
 *	BENCH_EVENTS=N     of catchup, memory and start: 100,000; BENCH_LONG=1: 1,000,000
 *	KEEP=1             leaves the folder
 *
 * The mix: lives of repair orders of 8 events (received, inspected, assigned, started, done, checked, notified,
 * delivered), 64 of a branch at a time; the first event of each has a personal part (name, telephone, IMEI, text) of a
 * new customer, so 1 event in 8. Each has an id given by the caller and names its case by label.
 *
 * CPU is that of the daemon's threads, from the kernel, and so hardly depends on what else the machine does; the rates
 * do. "wake_ups" are voluntary context switches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/base/check.h"
#include "tests/bench/system.h"

#define BRANCHES_MAX 4
#define INGEST_EVENTS 100000
#define SINGLE_EVENTS 1500
#define E2E_EVENTS 60000
#define LIVE_EVENTS 2000
#define WIRE_CASES 4000
#define IN_FLIGHT 4096

static struct bench_node hq, branch[BRANCHES_MAX];
static struct feed feed[BRANCHES_MAX];
static const char *const codes[BRANCHES_MAX] = {"BJ01", "GZ02", "SH03", "CD04"};
static double values[4][SINGLE_EVENTS > LIVE_EVENTS ? SINGLE_EVENTS : LIVE_EVENTS];

static uint64_t head_of(const struct bench_node *b)
{
	struct log_row row;
	struct bench_node *n = b == &hq ? &hq : &branch[b - branch];

	return node_row(n, n, &row) ? row.head.size : 0;
}

/* A head office and n joined branches, all running, everything receipted; each has recorded one order. */
static void nodes_begin(size_t n, bool relay)
{
	int port = hq_make(&hq);

	for (size_t i = 0; i < n; i++)
		branch_make(&hq, &branch[i], codes[i], relay ? relay_start(port) : 0);
	node_start(&hq);
	for (size_t i = 0; i < n; i++) {
		struct log_row row;
		node_start(&branch[i]);
		wait_state(&branch[i], "in-sync");
		feed_init(&feed[i], codes[i], i + 1);
		feed_make(&feed[i], 1, FEED_ALL);
		feed_send(&feed[i], &branch[i], 1, NULL);
		as_assert(node_row(&branch[i], &branch[i], &row));
		branch[i].log = row.id;
		wait_acked(&branch[i], row.head.size);
	}
}

static void nodes_end(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		node_stop(&branch[i]);
		feed_done(&feed[i]);
	}
	node_stop(&hq);
}

static void print_ms(const char *name, double *v, size_t n)
{
	struct percentiles p = percentiles_of(v, n);

	printf(",\"%s_p50_ms\":%.3f,\"%s_p90_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_max_ms\":%.3f", name, p.p50, name, p.p90,
	       name, p.p99, name, p.max);
}

/* Orders received, as the report at head office says. */
static uint64_t reported(void)
{
	char answer[8192];

	control_ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"all\"}\n", answer, sizeof answer);
	return answer_number(answer, "received");
}

static void check_report(size_t n)
{
	uint64_t cases = 0, got = reported();

	for (size_t i = 0; i < n; i++)
		cases += feed[i].cases;
	if (got != cases)
		fail("the report counts %llu orders, %llu were received", (unsigned long long)got,
		     (unsigned long long)cases);
}

/* ---- ingest: accepted and durable at one branch, no line -------------------------------------------------------- */

static void ingest(void)
{
	struct use before, after;

	nodes_begin(1, false);
	node_stop(&hq);
	feed_make(&feed[0], INGEST_EVENTS, FEED_ALL);
	use_take(&branch[0], &before);
	double begin = now_s();
	feed_send(&feed[0], &branch[0], IN_FLIGHT, NULL);
	double s = now_s() - begin;
	use_take(&branch[0], &after);
	printf("{\"bench\":\"ingest\",\"events\":%d,\"in_flight\":%d,\"events_per_s\":%.0f", INGEST_EVENTS, IN_FLIGHT,
	       INGEST_EVENTS / s);
	use_print("branchd", &before, &after, INGEST_EVENTS);
	puts("}");

	feed_make(&feed[0], SINGLE_EVENTS, FEED_ALL);
	before = after;
	begin = now_s();
	feed_send(&feed[0], &branch[0], 1, values[0]);
	s = now_s() - begin;
	use_take(&branch[0], &after);
	printf("{\"bench\":\"ingest\",\"events\":%d,\"in_flight\":1,\"events_per_s\":%.0f", SINGLE_EVENTS,
	       SINGLE_EVENTS / s);
	print_ms("answer", values[0], SINGLE_EVENTS);
	use_print("branchd", &before, &after, SINGLE_EVENTS);
	puts("}");
	nodes_end(1);
}

/* ---- e2e: from the first line written to the last receipt kept --------------------------------------------------- */

static void e2e(size_t n)
{
	struct use hq_use[2], branch_use[2][BRANCHES_MAX], sum[2] = {0};
	uint64_t each = E2E_EVENTS / n, head[BRANCHES_MAX];

	nodes_begin(n, false);
	for (size_t i = 0; i < n; i++) {
		feed_make(&feed[i], each, FEED_ALL);
		head[i] = head_of(&branch[i]);
		use_take(&branch[i], &branch_use[0][i]);
	}
	use_take(&hq, &hq_use[0]);
	double begin = now_s();
	feed_send_all(feed, branch, n, IN_FLIGHT);
	double accepted = now_s() - begin;
	for (size_t i = 0; i < n; i++)
		wait_acked(&branch[i], head[i] + each);
	double s = now_s() - begin;
	use_take(&hq, &hq_use[1]);
	for (size_t i = 0; i < n; i++) {
		use_take(&branch[i], &branch_use[1][i]);
		for (int k = 0; k < 2; k++)
			use_sum(&sum[k], &branch_use[k][i]);
	}
	check_report(n);
	printf("{\"bench\":\"e2e\",\"branches\":%zu,\"events\":%llu,\"events_per_s\":%.0f,\"ingest_events_per_s\":%.0f", n,
	       (unsigned long long)(n * each), (double)(n * each) / s, (double)(n * each) / accepted);
	use_print("branchd", &sum[0], &sum[1], n * each);
	use_print("hqd", &hq_use[0], &hq_use[1], n * each);
	puts("}");
	nodes_end(n);
}

/* ---- live: one event at a time, at a gentle rate ------------------------------------------------------------------ */

static void live(void)
{
	struct use hq_use[2], branch_use[2];

	nodes_begin(1, false);
	feed_make(&feed[0], LIVE_EVENTS, FEED_ALL);
	struct feed_session *session = feed_open(&branch[0]);
	uint64_t head = head_of(&branch[0]);
	use_take(&hq, &hq_use[0]);
	use_take(&branch[0], &branch_use[0]);
	for (size_t i = 0; i < LIVE_EVENTS; i++) {
		double begin = now_s();
		feed_one(session, &feed[0], i);
		values[0][i] = (now_s() - begin) * 1e3;
		wait_head(&hq, &branch[0], head + i + 1);
		values[1][i] = (now_s() - begin) * 1e3;
		wait_acked(&branch[0], head + i + 1);
		values[2][i] = (now_s() - begin) * 1e3;
		sleep_us(1000 + (unsigned)(i * 7919 % 3000));
	}
	use_take(&hq, &hq_use[1]);
	use_take(&branch[0], &branch_use[1]);
	feed_close(session);
	check_report(1);
	printf("{\"bench\":\"live\",\"events\":%d", LIVE_EVENTS);
	print_ms("answer", values[0], LIVE_EVENTS);
	print_ms("report", values[1], LIVE_EVENTS);
	print_ms("receipt", values[2], LIVE_EVENTS);
	use_print("branchd", &branch_use[0], &branch_use[1], LIVE_EVENTS);
	use_print("hqd", &hq_use[0], &hq_use[1], LIVE_EVENTS);
	puts("}");
	nodes_end(1);
}

/* ---- catchup, memory, start ---------------------------------------------------------------------------------------- */

static void memory(const char *when, uint64_t events)
{
	printf("{\"bench\":\"memory\",\"when\":\"%s\",\"events\":%llu,\"branchd_anonymous_kib\":%llu,\"branchd_rss_kib\":%llu,"
	       "\"hqd_anonymous_kib\":%llu,\"hqd_rss_kib\":%llu}\n",
	       when, (unsigned long long)events, (unsigned long long)memory_kib(&branch[0], "Anonymous"),
	       (unsigned long long)memory_kib(&branch[0], "Rss"), (unsigned long long)memory_kib(&hq, "Anonymous"),
	       (unsigned long long)memory_kib(&hq, "Rss"));
}

static void start(struct bench_node *n, const char *name, uint64_t events)
{
	struct bench_start best = {0};

	for (int i = 0; i < 3; i++) {
		node_stop(n);
		struct bench_start s = node_start(n);
		if (i == 0 || s.ready_ms < best.ready_ms)
			best = s;
	}
	printf("{\"bench\":\"start\",\"daemon\":\"%s\",\"events\":%llu,\"ready_ms\":%.1f,\"answer_ms\":%.1f}\n", name,
	       (unsigned long long)events, best.ready_ms, best.answer_ms);
}

static void catchup(uint64_t events)
{
	struct use hq_use, branch_use[2], none = {0};

	nodes_begin(1, false);
	memory("idle", head_of(&branch[0]));
	node_stop(&hq);
	uint64_t head = head_of(&branch[0]);
	for (uint64_t made = 0; made < events;) {
		uint64_t n = events - made < 100000 ? events - made : 100000;
		feed_make(&feed[0], n, FEED_ALL);
		feed_send(&feed[0], &branch[0], IN_FLIGHT, NULL);
		made += n;
	}
	use_take(&branch[0], &branch_use[0]);
	none.commits = node_commits(&hq);
	double begin = now_s();
	struct bench_start up = node_start(&hq);
	wait_link(&hq); /* the branch tries again after a second, or two, four … */
	double link = now_s();
	wait_head(&hq, &branch[0], head + events);
	double held = now_s();
	wait_acked(&branch[0], head + events);
	double end = now_s();
	use_take(&branch[0], &branch_use[1]);
	use_take(&hq, &hq_use);
	check_report(1);
	printf("{\"bench\":\"catchup\",\"branches\":1,\"events\":%llu,\"events_per_s\":%.0f,\"flow_events_per_s\":%.0f,"
	       "\"all_s\":%.3f,\"hq_ready_s\":%.3f,\"link_s\":%.3f,\"held_s\":%.3f",
	       (unsigned long long)events, (double)events / (end - begin), (double)events / (end - link), end - begin,
	       up.ready_ms / 1e3, link - begin, held - begin);
	use_print("branchd", &branch_use[0], &branch_use[1], events);
	use_print("hqd", &none, &hq_use, events);
	puts("}");
	memory("loaded", head + events);
	start(&branch[0], "branchd", head + events);
	start(&hq, "hqd", head + events);
	wait_state(&branch[0], "in-sync");
	memory("started", head + events);
	nodes_end(1);
}

/* ---- wire ------------------------------------------------------------------------------------------------------------ */

static void wire_part(const char *what, size_t n, enum feed_part part, size_t in_flight)
{
	uint64_t up[2], down[2], head = head_of(&branch[0]);

	feed_make(&feed[0], n, part);
	relay_count(&up[0], &down[0]);
	feed_send(&feed[0], &branch[0], in_flight, NULL);
	wait_acked(&branch[0], head + n);
	relay_count(&up[1], &down[1]);
	printf("{\"bench\":\"wire\",\"what\":\"%s\",\"events\":%zu,\"in_flight\":%zu,\"up_bytes_per_event\":%.1f,"
	       "\"down_bytes_per_event\":%.1f}\n",
	       what, n, in_flight, (double)(up[1] - up[0]) / (double)n, (double)(down[1] - down[0]) / (double)n);
}

static void wire(void)
{
	nodes_begin(1, true);
	wire_part("mix", 8000, FEED_ALL, IN_FLIGHT);
	wire_part("personal", WIRE_CASES, FEED_FIRST, IN_FLIGHT);
	/* of the last 64 orders; what they lack is made by whole lives between */
	wire_part("plain", 64 * (FEED_LIFE - 1), FEED_REST, IN_FLIGHT);
	wire_part("mix", 300, FEED_ALL, 1);
	nodes_end(1);
}

static bool wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("BENCH_DIR"), *n = getenv("BENCH_EVENTS");
	uint64_t events = n ? strtoull(n, NULL, 10) : getenv("BENCH_LONG") ? 1000000 : 100000;
	struct statfs fs;
	double load[3] = {0};

	setvbuf(stdout, NULL, _IOLBF, 0);
	system_open(dir ? dir : "build/bench.tmp");
	as_assert(statfs(dir ? dir : "build/bench.tmp", &fs) == 0 && getloadavg(load, 3) > 0);
	printf("{\"bench\":\"system\",\"fs\":\"%s\",\"fs_type\":\"0x%lx\",\"cores\":%ld,\"load\":%.1f,"
	       "\"events_per_case\":%d,\"personal_share\":%.3f}\n",
	       fs.f_type == 0xef53	 ? "ext4"
	       : fs.f_type == 0x01021994 ? "tmpfs: syncs cost nothing"
	       : fs.f_type == 0x58465342 ? "xfs"
	       : fs.f_type == 0x9123683e ? "btrfs"
					 : "other",
	       (unsigned long)fs.f_type, sysconf(_SC_NPROCESSORS_ONLN), load[0], FEED_LIFE, 1.0 / FEED_LIFE);
	if (wanted(argc, argv, "ingest"))
		ingest();
	if (wanted(argc, argv, "e2e")) {
		e2e(1);
		e2e(4);
	}
	if (wanted(argc, argv, "live"))
		live();
	if (wanted(argc, argv, "catchup"))
		catchup(events);
	if (wanted(argc, argv, "wire"))
		wire();
	system_close();
	return 0;
}
