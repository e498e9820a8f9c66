/*
 * What bench_system stands on: nodes as processes in folders of their own on a real disk, their control
 * sockets, a look at their stores from beside, what the kernel counts of them, and lines to submit.
 *
 * Everything that goes wrong ends the program: a bench that cannot run has no result.
 */
#ifndef AFTERSYNC_TESTS_BENCH_SYSTEM_H
#define AFTERSYNC_TESTS_BENCH_SYSTEM_H

#include "common/base/buf.h"
#include "common/node/node.h"

_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

double now_s(void);
void sleep_us(unsigned us);

/* ---- nodes ---------------------------------------------------------------------------------------- */

/* The folder of all; made anew. */
void system_open(const char *path);
const char *system_folder(void);
void system_close(void); /* ends the nodes that run and removes the folder */

struct bench_node {
	char code[9]; /* of a branch; "HQ" */
	char dir[NODE_DIR_MAX];
	bool is_hq;
	int pid;	   /* 0: it does not run */
	struct node *look; /* its store, opened beside it to be read */
	struct log_id log; /* of a branch: its live log */
};

/* A new head office that listens at a free port, not started. Returns the port. */
int hq_make(struct bench_node *hq);
/* A new branch of it, not started; port: it connects there instead, 0: to head office. */
void branch_make(struct bench_node *hq, struct bench_node *branch, const char *code, int port);

/* From exec to READY=1, and to the first answer of the control socket, in ms. */
struct bench_start {
	double ready_ms, answer_ms;
};
struct bench_start node_start(struct bench_node *n);
struct bench_start start_best(struct bench_node *n); /* ended and started three times: the quickest */
void node_stop(struct bench_node *n);		     /* SIGTERM, and waits for the end */

/*
 * Runs aftersync to its end; its output to ret. counted: whose syncs they are, or NULL. Returns the time from
 * fork to its end; its CPU time may be NULL.
 */
double command_run(char *ret, size_t cap, const struct bench_node *counted, double *ret_cpu_s,
		   char *const argv[]);
char *text_of(const char *s); /* for argv, which execv does not write to */
/* What fits of a file; 0-terminated. */
size_t file_text(const char *path, char *ret, size_t cap);

/* A relay (tests/e2e/relay.c) to head office, until system_close; returns its port. */
int relay_start(int to_port);
/* Bytes that it has carried: from branches, to branches. */
void relay_count(uint64_t *ret_up, uint64_t *ret_down);

/* ---- looking at its store from beside ------------------------------------------------------------- */

/* Row of a branch's live log in the store of n. False: there is none yet. */
bool node_row(struct bench_node *n, const struct bench_node *branch, struct log_row *ret_row);
/* Waits until the branch's live log is so long in the store of n, or so much of it receipted. Polls each 50
 * µs. */
void wait_head(struct bench_node *n, const struct bench_node *branch, uint64_t size);
void wait_acked(struct bench_node *branch, uint64_t size);
void wait_link(const struct bench_node *hq); /* until somebody is connected to it */
void wait_state(struct bench_node *branch, const char *state);
uint64_t node_commits(const struct bench_node *n); /* transactions so far, from the store's own number */

/* Calls so far that made something durable, over all starts of its daemon (tests/lib/countio.c). */
uint64_t node_syncs(const struct bench_node *n);
uint64_t node_bytes(struct bench_node *n); /* pages in use of its store */

/* ---- what the kernel counts ----------------------------------------------------------------------- */

#define USE_THREADS_MAX 12

struct use_thread {
	char name[16];
	double cpu_s;
};

struct use {
	double cpu_s;				   /* of all its threads, user and system */
	double wake_ups;			   /* voluntary context switches */
	struct use_thread thread[USE_THREADS_MAX]; /* by name, those of one name together */
	size_t n;
	uint64_t commits, syncs;
};

void use_take(const struct bench_node *n, struct use *ret);
/* CPU of a daemon with nothing to do, in ms a second: so long is waited. */
double use_idle_ms(const struct bench_node *n, unsigned seconds);
void use_sum(struct use *sum, const struct use *add);
/* "name_cpu_us":…, "name_commits":…, "name_syncs":… of the difference, per event. */
void use_print(const char *name, const struct use *before, const struct use *after, uint64_t events);
uint64_t memory_kib(const struct bench_node *n, const char *what); /* of smaps_rollup: "Anonymous", "Rss" */

/* ---- control socket ------------------------------------------------------------------------------- */

int control_connect(const struct bench_node *n);
/* One request, the first line of the answer; ret has room for cap bytes. */
void control_ask(const struct bench_node *n, const char *request, char *ret, size_t cap);
/* The number after "name": in an answer. */
uint64_t answer_number(const char *answer, const char *name);

/* ---- lines ---------------------------------------------------------------------------------------- */

/* Lives of repair orders, 64 at a time: 8 events each, the first with a personal part. */
#define FEED_LIFE 8

struct feed {
	char code[9];
	uint64_t seed, cases, events;
	uint8_t stage[64];
	uint64_t serial[64];
	size_t next;
	char *text; /* n lines */
	size_t bytes, cap;
	uint32_t *ends; /* of each line, in text */
	size_t n, n_cap;
};

enum feed_part {
	FEED_ALL,
	FEED_FIRST,
	FEED_REST
}; /* whole lives; only what opens cases; only what comes after it */

void feed_init(struct feed *f, const char *code, uint64_t seed);
void feed_done(struct feed *f);
/* Makes the next n lines instead of those before. */
void feed_make(struct feed *f, size_t n, enum feed_part part);

/*
 * Submits the lines on a connection of its own, at most in_flight unanswered, and waits for all answers. ms:
 * of each line, from its write to its answer; may be NULL.
 */
void feed_send(const struct feed *f, const struct bench_node *branch, size_t in_flight, double *ms);
/* Several branches at once, one line of feeds each. */
void feed_send_all(const struct feed *f, const struct bench_node *branch, size_t n, size_t in_flight);

/* One line after the other on one connection, each answered before the next. */
struct feed_session;
struct feed_session *feed_open(const struct bench_node *branch);
void feed_one(struct feed_session *s, const struct feed *f, size_t i);
void feed_close(struct feed_session *s);

/* ---- lines of output ------------------------------------------------------------------------------ */

/* The events of feeds, as a part of a JSON object. */
#define FEED_MIX "\"events_per_case\":8,\"personal_share\":0.125"

/* {"bench":…, file system and device of the folder, load of the machine, mix; the caller goes on with a
 * comma. */
void line_begin(const char *bench, const char *mix);

struct percentiles {
	double p50, p90, p99, max;
};
struct percentiles percentiles_of(double *values, size_t n); /* sorts them */

#endif
