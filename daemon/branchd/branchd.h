/*
 * The branch daemon: what it owns, and how its parts call each other.
 *
 *	main.c      arguments, configuration, life
 *	branchd.c   the sync core between line, store and clock
 *	local.c     jobs of the store thread for local work: append, open a log, fork
 *	submit.c    submissions: lines in, answers out, in order
 *	requests.c  the control socket's other requests
 *
 * Everything runs on the loop's thread but the `run` of jobs.
 */
#ifndef AFTERSYNC_DAEMON_BRANCHD_BRANCHD_H
#define AFTERSYNC_DAEMON_BRANCHD_BRANCHD_H

#include "common/node/fork.h"
#include "common/node/heard.h"
#include "common/sync/branch.h"
#include "daemon/branchd/branchd_conf.h"
#include "daemon/rt/control.h"
#include "daemon/rt/history.h"
#include "daemon/rt/link_client.h"
#include "daemon/rt/queries.h"
#include "daemon/rt/shell.h"

#define BRANCHD_LOGS_MORE                                                                                    \
	16384 /* room in the table of logs for those that come in this run: an empty store gets back         \
		 all; what is not used is never touched */
#define BRANCHD_LOGS_MANY 512 /* from so many logs on it is said at each start */
#define BRANCHD_QUEUE_MAX 512
_Static_assert(BRANCHD_QUEUE_MAX >= 4 * SYNC_BLOCKS_WINDOW, "one log of each class is sent at once");
#define BRANCHD_APPEND_MAX 1024	 /* lines of one commit */
#define BRANCHD_WAITING_MAX 8192 /* lines read and not answered, of all connections: beyond, each has one more … */
#define BRANCHD_WAITING_BYTES (8u * 1024 * 1024) /* … and their bytes */

struct branchd;
struct pending;

/* Lines that wait for a log of one class; oldest first. */
struct pending_list {
	struct pending *first, *last;
	size_t n;
};

/* An append under way. */
struct append_job {
	struct worker_job job;
	struct branchd *d;
	struct accept_ctx ctx;
	size_t n;
	struct pending *taken[BRANCHD_APPEND_MAX];
	struct accept_line lines[BRANCHD_APPEND_MAX];
	int64_t now;
	as_err err;
	struct as_errmsg em;
	bool stale; /* a fork came between: nothing was done */
	struct log_row rows[4];
	size_t rows_n;
};

struct open_job {
	struct worker_job job;
	struct branchd *d;
	struct log_opened lo;
	int64_t now;
	as_err err;
	struct as_errmsg em;
	struct log_row rows[2];
	size_t rows_n;
};

struct fork_job {
	struct worker_job job;
	struct branchd *d;
	struct fork_order order;
	struct fork_damage damage[16]; /* err AS_ECORRUPT: what hindered it, or some of it */
	size_t damage_n;
	int64_t now;
	as_err err;
	struct as_errmsg em;
};

struct branchd {
	struct loop *loop;
	struct branchd_conf conf;
	struct node_home *home;
	struct shell shell;
	struct branch_core core;
	struct sync_log *logs; /* logs_cap: those in the store at the start, and BRANCHD_LOGS_MORE */
	struct log_row *rows;  /* of the same number: what the store knows, on its way into the core */
	size_t logs_cap;
	bool no_log_said;
	struct sync_item queue[BRANCHD_QUEUE_MAX];
	uint8_t token_public[32], token_secret[32];
	/* line */
	struct link_client *link;
	uint32_t link_no; /* of the connection; counts */
	enum sync_link kind;
	struct loop_timer connect;
	char link_why[128]; /* why the last connection ended */
	bool token_refused;  /* head office does not take the join code */
	int64_t backlog_utc; /* something is not receipted since; 0: all is */
	int64_t
	    seen_utc; /* last whole message of head office; of an earlier run: the latest receipt; 0: none */
	/* local work: one job at a time */
	struct accept accept; /* store thread */
	struct append_job append;
	struct open_job open;
	struct fork_job fork;
	bool local_under_way;
	bool fork_wanted;
	uint32_t fork_number;
	struct loop_timer want;
	struct pending_list waiting[2]; /* LIVE, BULK */
	size_t unanswered, unanswered_bytes; /* lines of all connections */
	bool stopping;
	/* control */
	struct control *control;
	struct queries *queries;
	struct history history;
	enum sync_state state;
};

/* home and conf are set. em says what failed. */
as_err branchd_open(struct branchd *d, struct as_errmsg *em) AS_MUST_CHECK;
void branchd_close(struct branchd *d);

/* Looks at the state: a change goes into the history. Each second, and before anybody is told of it. */
void branchd_watch(struct branchd *d);

/* After whatever happened: is there local work that can be done now? */
void branchd_work(struct branchd *d);

/* Why this state, in words. */
void branchd_reason(const struct branchd *d, enum sync_state state, char *ret, size_t cap);

/* local.c */
void local_append(struct branchd *d, const struct log_id *log);
void local_open(struct branchd *d, const struct sync_out *out);
void local_fork(struct branchd *d);
/* A log would have to be opened and cannot: who waits is told. */
void local_no_log(struct branchd *d);
/* Memory for the logs that there are, and for more. */
as_err local_tables(struct branchd *d) AS_MUST_CHECK;
/* What the store knows, for the core, in d->rows. AS_ETOOBIG: there are more logs than that. */
as_err local_start(struct branchd *d, bool ours, struct branch_start *ret) AS_MUST_CHECK;

/* submit.c */
struct submit_conn;
struct pending {
	struct pending *next; /* in its list */
	struct pending *conn_next;
	struct submit_conn *conn;
	uint64_t line_no;
	struct intake *in; /* what the line says */
	char *answer;	   /* NULL: not yet */
	size_t answer_n;
	size_t n; /* bytes of the line */
};

/* A connection has said {"cmd":"submit"}: what follows are lines, of an importer or not. NULL: out of memory. */
struct submit_conn *submit_begin(struct branchd *d, struct control_conn *c, bool imported);
void submit_line(struct submit_conn *s, struct bytes line);
void submit_eof(struct submit_conn *s);
void submit_gone(struct submit_conn *s); /* the connection is closed; what is under way is recorded all the same */
/* The append job is over: answers go out, the others wait again. */
void submit_done(struct branchd *d, struct append_job *job);

/* requests.c */
as_err requests_open(struct branchd *d, struct as_errmsg *em) AS_MUST_CHECK;

#endif
