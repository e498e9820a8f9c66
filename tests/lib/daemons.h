/*
 * Running programs for tests: processes with their output in files, nodes made and joined by the command line, requests
 * on their control sockets, and a submitter that never stops. What cannot be done is the end of the test program, with a
 * line on standard error; nothing waits without a bound.
 */
#ifndef AFTERSYNC_TESTS_LIB_DAEMONS_H
#define AFTERSYNC_TESTS_LIB_DAEMONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/rng.h"
#include "common/intake/json.h"

#define DAEMON_PATH 256

/* The folder of the programs: $AFTERSYNC_BUILD, else build/release. */
const char *build_path(const char *program);

_Noreturn void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Runs argv to its end; standard output and error go to files of these names (NULL: /dev/null). Returns the exit code,
 * 128 + n after signal n. Gives up after timeout_s. */
int run_program(char *const argv[], const char *out, const char *err, unsigned timeout_s);

/* One daemon, started again and again. */
struct daemon {
	char dir[DAEMON_PATH], log[DAEMON_PATH];
	const char *program; /* "aftersync-hqd" … */
	pid_t pid;	     /* 0: does not run */
	unsigned starts;
};

void daemon_start(struct daemon *d);
/* Until it answers on its control socket; gives up after 30 s, or when it has ended. */
void daemon_wait(struct daemon *d);
/* Sends the signal and waits for the end: its exit code, 128 + n. */
int daemon_end(struct daemon *d, int signo);

/* Every daemon and program that was started and still runs is killed at exit. */
void daemons_guard(void);

/* Makes a head office that listens on the port. */
void hq_make(struct daemon *d, const char *dir, int port);
/* Enrols (daemon or not) and joins; then the address of the branch is this port. */
void branch_make(struct daemon *d, const struct daemon *hq, const char *code, const char *dir, int port);

/* A connected control socket; -1: nobody listens. */
int node_connect(const char *dir);
/* One request; its last line but the closing one, and the exit code in *ret_exit. NULL: no answer. */
json_t *node_ask(const char *dir, const char *request, int *ret_exit);
/* One request; every line is given to fn. Returns the exit code of the closing line, -1: no answer. */
int node_ask_each(const char *dir, const char *request, void (*fn)(void *arg, const json_t *line), void *arg);

/* What `status` says in the row of a branch. */
struct branch_status {
	bool ok;
	char state[24], reason[160];
	uint64_t head, acked, applied, lag, flagged, refused, incarnation;
};
struct branch_status status_of(const char *dir, const char *branch);

/* ---- lines -------------------------------------------------------------------------------------------------- */

struct relay {
	char control[DAEMON_PATH], program[DAEMON_PATH];
};

/* From this port to that one; name: of its control socket in the temporary folder. Runs until the test ends. */
void relay_start(struct relay *r, const char *name, int port, int to_port);
void relay_order(const struct relay *r, const char *command); /* "cut", "delay 8" … */

/* ---- submitting ------------------------------------------------------------------------------------------- */

#define STEPS 8 /* events of one repair order, from receipt to delivery */

/* The n-th event of a submitter: orders that live side by side, each from REPAIR_RECEIVED to REPAIR_DELIVERED. Returns
 * the length of the line, with its newline. */
size_t order_line(const char *branch, uint64_t n, char id[37], char *line, size_t cap);

struct feed {
	const char *dir, *branch;
	int fd;		    /* -1: not connected */
	int journal_fd;	    /* -1: none; else "id index\n" of every accepted answer, synced before it counts */
	uint64_t made;	    /* events made */
	uint64_t answered;  /* of them, accepted: all before it, in order */
	uint64_t limit;	    /* not more than these */
	uint64_t window;    /* unanswered at once */
	uint64_t per_s;	    /* new lines a second; 0: as many as go */
	uint64_t began_ms;  /* when the connection was made */
	uint64_t sent;	    /* on this connection */
	uint64_t known;	    /* answered on this connection, relative to `base` */
	uint64_t base;	    /* `answered` when the connection was made */
	uint64_t refused;   /* answers with an error that is no "NOT recorded" */
	uint64_t resubmitted;
	char out[65536];
	size_t out_n, out_at;
	char in[65536];
	size_t in_n;
	char last_error[300];
};

void feed_init(struct feed *f, const char *dir, const char *branch, uint64_t limit, uint64_t window);
/* Works for ms, connecting when there is nobody; returns early when all is answered. */
void feed_work(struct feed **feeds, size_t n, unsigned ms);
void feed_drop(struct feed *f); /* the connection; what is unanswered is submitted again */

#endif
