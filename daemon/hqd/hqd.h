/*
 * The head-office daemon: what it owns, and how its parts call each other.
 *
 *	main.c       arguments, configuration, life
 *	hqd.c        the sync core between links, store and clock; admission of keys
 *	tables.c     the tables of the core: from store and roster, and larger ones when the roster grows
 *	admin.c      what the operator orders: enrolment, keys that end
 *	requests.c   the control socket: status, why, queries
 *	heard.c      when each branch was heard last
 *
 * Everything runs on the loop's thread but the `run` of jobs and the verify threads.
 */
#ifndef AFTERSYNC_DAEMON_HQD_HQD_H
#define AFTERSYNC_DAEMON_HQD_HQD_H

#include "common/node/heard.h"
#include "common/node/enrolment.h"
#include "common/sync/hq.h"
#include "daemon/hqd/hqd_conf.h"
#include "daemon/rt/control.h"
#include "daemon/rt/history.h"
#include "daemon/rt/link_server.h"
#include "daemon/rt/queries.h"
#include "daemon/rt/shell.h"

struct hqd_link;
struct enrol_job;

/* A join that waits until head office's own log is free to be written. */
struct hqd_join {
	struct hq_link from;
	struct msg m;
};

#define HQD_JOINS_MAX 256

struct hqd {
	struct loop *loop;
	struct hqd_conf conf;
	uint64_t links_max; /* conf.max_links, or what the limit of open files allows */
	struct node_home *home;
	struct shell shell;
	struct hq_core core;
	struct sync_log *logs;
	struct sync_item *queue;
	struct sync_session *sessions;
	struct hq_node *nodes;
	struct hq_token *tokens;
	struct link_server *links;
	struct hqd_link *by_link; /* uthash */
	bool stopping;
	struct control *control;
	struct queries *queries;
	struct history history;
	uint8_t *states; /* last seen state of each roster branch, by its place */
	size_t states_n;
	struct hqd_join joins[HQD_JOINS_MAX]; /* a ring */
	size_t joins_at, joins_n;
	struct enrol_job *enrol_first; /* enrolments that wait for the same */
	struct state_job *state_job; /* the state of head office is being written down */
	uint8_t state_kept;	     /* enum sync_hq_state as it is written down */
	struct heard heard;	     /* of earlier runs, and of this one as it is written down */
	bool heard_changed;
	struct heard_job *heard_job;
	uint64_t heard_next_ms;
};

/* home and conf are set. em says what failed. */
as_err hqd_open(struct hqd *d, struct as_errmsg *em) AS_MUST_CHECK;
void hqd_close(struct hqd *d);

/* Looks at the states: what changed goes into the history. At intervals, and before anybody is told of a state. */
void hqd_watch(struct hqd *d);

/* "serving", "recovering", "rolled-back" */
const char *hqd_state_name(enum sync_hq_state state);

/* Head office's own log may be free to be written: whoever waits for it goes on. */
void hqd_append_free(struct hqd *d);

/* tables.c */
as_err tables_open(struct hqd *d, struct as_errmsg *em) AS_MUST_CHECK; /* and the core */
void tables_close(struct hqd *d);
/* What the core does not know yet of the roster. AS_ENOMEM, AS_ETOOBIG. */
as_err tables_load_roster(struct hqd *d) AS_MUST_CHECK;
/* Makes room for a node of this branch, or for `codes` join codes more, each for a branch. Why there is none; NULL: it is. */
const char *tables_hindered(struct hqd *d, const char branch[BRANCH_CODE_MAX], size_t codes);

/* admin.c */
void admin_append_free(struct hqd *d);
void admin_close(struct hqd *d); /* forgets enrolments that wait; their askers are told by the end of the socket */
/* Carries out {"cmd":"hq-enrol",…} and answers on the connection, when it is durable. */
void admin_enrol(struct hqd *d, struct control_conn *c, const json_t *request);
void admin_conn_gone(struct hqd *d, void *job); /* the asker left; the job goes on */

/* heard.c: every ten minutes, and at the end */
void hqd_heard_tick(struct hqd *d, uint64_t now);
void hqd_heard_write(struct hqd *d);

/* requests.c */
as_err requests_open(struct hqd *d, struct as_errmsg *em) AS_MUST_CHECK;

#endif
