/*
 * The programs themselves: aftersync-branchd and aftersync-hqd as processes on one machine, CURVE over the
 *loopback interface, every commit synced on the disk that $BENCH_DIR is on. One JSON object a line;
 *docs/performance.md says what each one measures.
 *
 *	bench_system [ingest] [e2e] [live] [catchup] [wire] [report] [rebuild]      all of them when none is
 *named bench_system grow | grow-branches | links | enrol                           minutes: only when named
 *
 *	BENCH_DIR=…        where the nodes are made (build/bench.tmp); not in memory: then the syncs cost
 *nothing BENCH_EVENTS=N     of e2e (60,000), catchup, memory, start, rebuild (100,000); BENCH_LONG=1:
 *1,000,000 KEEP=1             leaves the folder
 *
 * The mix: lives of repair orders of 8 events (received, inspected, assigned, started, done, checked,
 *notified, delivered), 64 of a branch at a time; the first event of each has a personal part (name,
 *telephone, IMEI, text) of a new customer, so 1 event in 8. Each has an id given by the caller and names its
 *case by label.
 *
 * CPU is that of the daemon's threads, from the kernel, and so hardly depends on what else the machine does;
 *the rates do. "wake_ups" are voluntary context switches, "syncs" calls that make something durable.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "tests/bench/benches.h"

#define INGEST_EVENTS 100000
#define SINGLE_EVENTS 1500
#define E2E_EVENTS 60000
#define LIVE_EVENTS 2000
#define WIRE_CASES 4000

struct bench_node hq, branch[BRANCHES_MAX];
struct feed feed[BRANCHES_MAX];
static const char *const codes[BRANCHES_MAX] = {"BJ01", "GZ02", "SH03", "CD04"};
static double values[4][SINGLE_EVENTS > LIVE_EVENTS ? SINGLE_EVENTS : LIVE_EVENTS];

uint64_t bench_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text && text[0] ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- nodes and their report ----------------------------------------------------------------------- */

uint64_t head_of(struct bench_node *b)
{
	struct log_row row;

	return node_row(b, b, &row) ? row.head.size : 0;
}

void nodes_begin(size_t n, bool relay)
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

void nodes_end(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		node_stop(&branch[i]);
		feed_done(&feed[i]);
	}
	node_stop(&hq);
}

void feed_many(struct feed *f, const struct bench_node *b, uint64_t events)
{
	for (uint64_t n; events > 0; events -= n) {
		n = events < 100000 ? events : 100000;
		feed_make(f, n, FEED_ALL);
		feed_send(f, b, IN_FLIGHT, NULL);
	}
}

void print_ms(const char *name, double *v, size_t n)
{
	struct percentiles p = percentiles_of(v, n);

	printf(",\"%s_p50_ms\":%.3f,\"%s_p90_ms\":%.3f,\"%s_p99_ms\":%.3f,\"%s_max_ms\":%.3f", name, p.p50,
	       name, p.p90, name, p.p99, name, p.max);
}

/* Orders received, as the report at head office says, and all events, as it says how complete it is. */
static void reported(uint64_t *ret_orders, uint64_t *ret_events)
{
	char answer[8192];

	control_ask(&hq, "{\"cmd\":\"report\",\"name\":\"volume\",\"period\":\"all\"}\n", answer,
		    sizeof answer);
	*ret_orders = answer_number(answer, "received");
	*ret_events = answer_number(answer, "events") - answer_number(answer, "not_applied");
}

bool report_is_right(size_t n)
{
	uint64_t orders = 0, events = 0, got_orders, got_events;

	for (size_t i = 0; i < n; i++) {
		orders += feed[i].cases;
		events += head_of(&branch[i]);
	}
	reported(&got_orders, &got_events);
	return got_orders == orders && got_events == events;
}

void report_check(size_t n)
{
	if (!report_is_right(n))
		fail("the report does not count what was recorded");
}

/* ---- ingest: accepted and durable at one branch, no line ------------------------------------------ */

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
	line_begin("ingest", FEED_MIX);
	printf(",\"branches\":1,\"events\":%d,\"in_flight\":%d,\"line_bytes\":%.0f,\"events_per_s\":%.0f",
	       INGEST_EVENTS, IN_FLIGHT, (double)feed[0].bytes / INGEST_EVENTS, INGEST_EVENTS / s);
	use_print("branchd", &before, &after, INGEST_EVENTS);
	puts("}");

	feed_make(&feed[0], SINGLE_EVENTS, FEED_ALL);
	before = after;
	begin = now_s();
	feed_send(&feed[0], &branch[0], 1, values[0]);
	s = now_s() - begin;
	use_take(&branch[0], &after);
	line_begin("ingest", FEED_MIX);
	printf(",\"branches\":1,\"events\":%d,\"in_flight\":1,\"events_per_s\":%.0f", SINGLE_EVENTS,
	       SINGLE_EVENTS / s);
	print_ms("answer", values[0], SINGLE_EVENTS);
	use_print("branchd", &before, &after, SINGLE_EVENTS);
	puts("}");
	nodes_end(1);
}

/* ---- e2e: from the first line written to the last receipt kept ------------------------------------ */

static void e2e(size_t n, uint64_t events)
{
	struct use hq_use[2], branch_use[2][BRANCHES_MAX], sum[2] = {0};
	uint64_t each = events / n, head[BRANCHES_MAX];

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
	while (!report_is_right(n))
		sleep_us(1000);
	double s = now_s() - begin;
	use_take(&hq, &hq_use[1]);
	for (size_t i = 0; i < n; i++) {
		use_take(&branch[i], &branch_use[1][i]);
		for (int k = 0; k < 2; k++)
			use_sum(&sum[k], &branch_use[k][i]);
	}
	line_begin("e2e", FEED_MIX);
	printf(",\"branches\":%zu,\"events\":%llu,\"line_bytes\":%.0f,\"events_per_s\":%.0f,\"ingest_events_"
	       "per_s\":%.0f",
	       n, (unsigned long long)(n * each), (double)feed[0].bytes / (double)each,
	       (double)(n * each) / s, (double)(n * each) / accepted);
	use_print("branchd", &sum[0], &sum[1], n * each);
	use_print("hqd", &hq_use[0], &hq_use[1], n * each);
	puts("}");
	nodes_end(n);
}

/* ---- live: one event at a time, at a gentle rate -------------------------------------------------- */

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
	report_check(1);
	line_begin("live", FEED_MIX);
	printf(",\"branches\":1,\"events\":%d", LIVE_EVENTS);
	print_ms("answer", values[0], LIVE_EVENTS);
	print_ms("report", values[1], LIVE_EVENTS);
	print_ms("receipt", values[2], LIVE_EVENTS);
	use_print("branchd", &branch_use[0], &branch_use[1], LIVE_EVENTS);
	use_print("hqd", &hq_use[0], &hq_use[1], LIVE_EVENTS);
	puts("}");
	nodes_end(1);
}

/* ---- wire ----------------------------------------------------------------------------------------- */

static void wire_part(const char *what, size_t n, enum feed_part part, size_t in_flight)
{
	uint64_t up[2], down[2], head = head_of(&branch[0]);

	feed_make(&feed[0], n, part);
	relay_count(&up[0], &down[0]);
	feed_send(&feed[0], &branch[0], in_flight, NULL);
	wait_acked(&branch[0], head + n);
	relay_count(&up[1], &down[1]);
	line_begin("wire", FEED_MIX);
	printf(",\"branches\":1,\"what\":\"%s\",\"events\":%zu,\"in_flight\":%zu,\"up_bytes_per_event\":%.1f,"
	       "\"down_bytes_per_event\":%.1f}\n",
	       what, n, in_flight, (double)(up[1] - up[0]) / (double)n,
	       (double)(down[1] - down[0]) / (double)n);
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

/* ---- which ---------------------------------------------------------------------------------------- */

static bool wanted(int argc, char **argv, const char *name, bool unasked)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2 && unasked;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("BENCH_DIR");
	uint64_t events = bench_number("BENCH_EVENTS", getenv("BENCH_LONG") ? 1000000 : 100000);

	setvbuf(stdout, NULL, _IOLBF, 0);
	as_assert(as_crypto_init() == AS_OK);
	system_open(dir ? dir : "build/bench.tmp");
	if (wanted(argc, argv, "ingest", true))
		ingest();
	if (wanted(argc, argv, "e2e", true)) {
		e2e(1, bench_number("BENCH_EVENTS", E2E_EVENTS));
		e2e(4, E2E_EVENTS);
	}
	if (wanted(argc, argv, "live", true))
		live();
	if (wanted(argc, argv, "catchup", true))
		bench_catchup(events);
	if (wanted(argc, argv, "wire", true))
		wire();
	if (wanted(argc, argv, "report", true))
		bench_report();
	if (wanted(argc, argv, "rebuild", true))
		bench_rebuild(events);
	if (wanted(argc, argv, "grow", false))
		bench_grow();
	if (wanted(argc, argv, "grow-branches", false))
		bench_grow_branches();
	if (wanted(argc, argv, "links", false))
		bench_links();
	if (wanted(argc, argv, "enrol", false))
		bench_enrol();
	system_close();
	return 0;
}
