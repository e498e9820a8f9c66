/*
 * The benches of bench_system, and what they share: one head office and up to four branches as processes.
 * Each bench prints one JSON object a line; docs/performance.md says what it measures.
 */
#ifndef AFTERSYNC_TESTS_BENCH_BENCHES_H
#define AFTERSYNC_TESTS_BENCH_BENCHES_H

#include "tests/bench/system.h"

#define BRANCHES_MAX 4
#define IN_FLIGHT 4096

extern struct bench_node hq, branch[BRANCHES_MAX];
extern struct feed feed[BRANCHES_MAX];

/* $NAME as a number, or the other one. */
uint64_t bench_number(const char *name, uint64_t otherwise);

/* A head office and n joined branches, all running, everything receipted; each has recorded one order. */
void nodes_begin(size_t n, bool relay);
void nodes_end(size_t n);

uint64_t head_of(struct bench_node *b); /* of the branch's live log in its own store */
void feed_many(struct feed *f, const struct bench_node *b, uint64_t events); /* in parts that fit memory */
void print_ms(const char *name, double *values, size_t n);
/* Does the report at head office count every order and every event of the first n branches? */
bool report_is_right(size_t n);
void report_check(size_t n);

/* Of `aftersync rebuild`: the node is ended first. */
struct rebuild {
	double s, cpu_s;
	uint64_t syncs;
};
void rebuild_time(struct bench_node *n, struct rebuild *ret);

/* Medians of five: a view of the store made, the report in it; asked of the daemon; the command beside the
 * daemon. */
struct report_times {
	double view_ms, kept_view_ms, process_ms, process_cpu_ms, asked_ms, command_ms;
};
/* from, to: dates, or NULL both. */
void report_take(struct bench_node *n, const char *name, const char *period, const char *from, const char *to,
		 struct report_times *ret);
void report_print(const struct report_times *t);
double status_ms(const struct bench_node *n);

void bench_catchup(uint64_t events); /* and memory, start */
void bench_start(struct bench_node *n, const char *name, uint64_t events);
void bench_rebuild(uint64_t events); /* two sizes: a tenth, and all */
void bench_report(void);
void bench_grow(void);		/* how cost grows with the events in the stores … */
void bench_grow_branches(void); /* … and with the number of branches */
void bench_links(void);
void bench_enrol(void);

#endif
