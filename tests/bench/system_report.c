/* Reports: over a month of many branches, and of whatever a bench has made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/base/date.h"
#include "common/intake/forms.h"
#include "common/node/query.h"
#include "common/node/views.h"
#include "tests/bench/benches.h"
#include "tests/bench/system_fill.h"

#define TIMES 5
#define DAY_MS INT64_C(86400000)
#define PER_DAY 8 /* events of a branch */

static bool ignore(void *arg, json_t *line)
{
	(void)arg;
	(void)line;
	return true;
}

static double median(double *v)
{
	return percentiles_of(v, TIMES).p50;
}

static double thread_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A view of the store, made and, as a daemon does it for each report, taken again; and the report in it. */
static void in_process(struct bench_node *n, const char *request, struct report_times *t)
{
	struct as_errmsg em = {0};
	double view[TIMES], process[TIMES], cpu[TIMES];
	struct log_row row;
	struct views *views;
	struct node *v;
	json_t *r = json_loads(request, 0, NULL);

	as_assert(r != NULL);
	node_row(n, n, &row); /* opens it */
	double first = now_s();
	if (views_open(&views, n->look->home) || views_take(views, &v, &em))
		fail("%s: %s", n->dir, em.text);
	t->view_ms = (now_s() - first) * 1e3;
	views_give(views, v);
	for (int i = 0; i < TIMES; i++) {
		double begin = now_s();
		if (views_take(views, &v, &em))
			fail("%s: %s", n->dir, em.text);
		view[i] = (now_s() - begin) * 1e3;
		begin = now_s();
		cpu[i] = -thread_s();
		if (query_run(v, r, ignore, NULL) != 0)
			fail("%s: %s", n->dir, request);
		process[i] = (now_s() - begin) * 1e3;
		cpu[i] = (cpu[i] + thread_s()) * 1e3;
		views_give(views, v);
	}
	views_close(views);
	json_decref(r);
	t->kept_view_ms = median(view);
	t->process_ms = median(process);
	t->process_cpu_ms = median(cpu);
}

void report_take(struct bench_node *n, const char *name, const char *period, const char *from, const char *to,
		 struct report_times *t)
{
	static char answer[1 << 22];
	char request[300], span[100] = "";
	double asked[TIMES], command[TIMES];

	if (from)
		snprintf(span, sizeof span, ",\"from\":\"%s\",\"to\":\"%s\"", from, to);
	snprintf(request, sizeof request, "{\"cmd\":\"report\",\"name\":\"%s\",\"period\":\"%s\"%s}\n", name,
		 period, span);
	in_process(n, request, t);
	for (int i = 0; i < TIMES; i++) {
		double begin = now_s();
		control_ask(n, request, answer, sizeof answer);
		asked[i] = (now_s() - begin) * 1e3;
		char *argv[] = {text_of("aftersync"),
				text_of("report"),
				text_of(name),
				text_of("--dir"),
				n->dir,
				text_of("--period"),
				text_of(period),
				text_of("--format"),
				text_of("csv"),
				NULL,
				NULL,
				NULL,
				NULL,
				NULL};
		if (from) {
			argv[9] = text_of("--from");
			argv[10] = text_of(from);
			argv[11] = text_of("--to");
			argv[12] = text_of(to);
		}
		command[i] = command_run(answer, sizeof answer, NULL, NULL, argv) * 1e3;
	}
	t->asked_ms = median(asked);
	t->command_ms = median(command);
}

void report_print(const struct report_times *t)
{
	printf(",\"process_ms\":%.2f,\"process_cpu_ms\":%.2f,\"view_ms\":%.2f,\"kept_view_ms\":%.2f,\"asked_"
	       "ms\":%.2f,\"command_"
	       "ms\":%.2f",
	       t->process_ms, t->process_cpu_ms, t->view_ms, t->kept_view_ms, t->asked_ms, t->command_ms);
}

double status_ms(const struct bench_node *n)
{
	static char answer[1 << 22];
	double v[TIMES];

	for (int i = 0; i < TIMES; i++) {
		double begin = now_s();
		control_ask(n, "{\"cmd\":\"status\"}\n", answer, sizeof answer);
		v[i] = (now_s() - begin) * 1e3;
	}
	return median(v);
}

static as_err count(void *arg, struct bytes key, struct bytes value)
{
	uint64_t *cells = arg;

	(void)value;
	cells[key.p[0]]++;
	cells[0]++;
	return AS_OK;
}

static void date_text(int64_t utc_ms, char out[11])
{
	form_date_text(date_local(utc_ms, 480), out);
}

/* n branches, a month more of each: 30 days of PER_DAY events. */
static uint64_t fill_month(struct fill *f, struct fill_log **logs, size_t n)
{
	AS_AUTO(buf) struct buf block = {0};
	uint64_t events = 0;

	buf_init(&block, BLOCK_BYTES_MAX);
	for (size_t i = 0; i < n; i++)
		for (size_t left = 30 * PER_DAY, got; left > 0; left -= got) {
			got =
			    fill_block(logs[i], &f->n->io, f->n->home->recipient_public, left, &block, NULL);
			fill_take(f, buf_bytes(&block));
			events += got;
		}
	fill_commit(f);
	return events;
}

static void reports_print(uint64_t branches, uint64_t months, uint64_t events, int64_t end)
{
	static const char *const names[] = {"volume", "tat", "pareto", "complaints"};
	char from[11], to[11];
	uint64_t cells[CELL_TABLES] = {0};
	struct log_row row;

	node_row(&hq, &hq, &row); /* opens it */
	if (store_each_cell(hq.look->st, bytes_of(NULL, 0), count, cells))
		fail("%s: cells", hq.dir);
	date_text(end - 30 * DAY_MS, from);
	date_text(end - 1, to);
	for (size_t i = 0; i < AS_COUNT(names); i++) {
		struct report_times t;
		report_take(&hq, names[i], "month", from, to, &t);
		line_begin("report", FILL_MIX);
		printf(",\"report\":\"%s\",\"branches\":%llu,\"months_stored\":%llu,\"from\":\"%s\",\"to\":"
		       "\"%s\",\"events\":%llu,"
		       "\"volume_cells\":%llu,\"cells\":%llu",
		       names[i], (unsigned long long)branches, (unsigned long long)months, from, to,
		       (unsigned long long)events, (unsigned long long)cells[CELL_VOLUME],
		       (unsigned long long)cells[0]);
		report_print(&t);
		puts("}");
	}
}

void bench_report(void)
{
	uint64_t branches = bench_number("BENCH_BRANCHES", 1000), months = bench_number("BENCH_MONTHS", 12),
		 events = 0;
	int64_t from = clock_utc_ms() - 400 * DAY_MS;
	struct fill_log **logs = calloc(branches, sizeof logs[0]);
	struct fill f;
	char code[9];

	as_assert(logs && branches <= 100000);
	hq_make(&hq);
	fill_open(&f, &hq);
	for (size_t i = 0; i < branches; i++) {
		snprintf(code, sizeof code, "B%05zu", i % 100000);
		fill_enrol(&f, code);
		logs[i] = fill_log_new(f.n->home->org, code, from, DAY_MS / PER_DAY);
	}
	fill_close(&f);
	for (uint64_t m = 1; m <= months; m++) {
		fill_open(&f, &hq);
		events += fill_month(&f, logs, branches);
		fill_close(&f);
		if (m != 1 && m != months && m != (months + 3) / 4)
			continue;
		node_start(&hq);
		reports_print(branches, m, events, from + (int64_t)m * 30 * DAY_MS);
		line_begin("status", FILL_MIX);
		printf(",\"branches\":%llu,\"events\":%llu,\"asked_ms\":%.2f}\n",
		       (unsigned long long)branches, (unsigned long long)events, status_ms(&hq));
		node_stop(&hq);
	}
	for (size_t i = 0; i < branches; i++)
		fill_log_free(logs[i]);
	free(logs);
}
