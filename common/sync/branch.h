/*
 * Replication core of one branch (docs/protocol.md sections 7 to 21).
 *
 * Every function is one input: it changes the state and emits outputs through env.out, nothing else. `now` is
 * monotonic milliseconds and must not go back. See sync.h for outputs, ownership and threads.
 */
#ifndef AFTERSYNC_SYNC_BRANCH_H
#define AFTERSYNC_SYNC_BRANCH_H

#include "common/sync/core.h"

#define BRANCH_WINDOW (512 * 1024) /* bytes of blocks that head office may send ahead */

struct branch_conf {
	char branch[BRANCH_CODE_MAX];
	uint8_t run_id[SYNC_RUN_START]; /* random, new at each start */
	uint64_t seed;			/* for jitter and nonces */
	struct sync_env env;
	struct sync_log *logs; /* memory for the table */
	size_t logs_cap;
	struct sync_item *queue; /* memory for what is received and not committed */
	size_t queue_cap;
};

/* What the store knows at start, and again after SYNC_FORK. */
struct branch_start {
	const struct log_row *rows;
	size_t rows_n;
	bool has_open;	    /* an incarnation of this node was opened before */
	struct log_id open; /* its LIVE log */
	bool ours;	    /* it was opened in this run (after SYNC_FORK): no confirmation is needed */
	bool joined;
	uint32_t first_number; /* from the join code: the first incarnation's number is at least this */
	uint32_t instance;     /* highest instance of head office seen */
	uint32_t transport;
	struct msg_join join; /* sent while not joined */
};

struct branch_core {
	struct sync_core c;
	struct sync_session s;
	struct msg_join join;
	struct log_id cur; /* LIVE log of the open incarnation */
	bool has_cur;
	bool confirmed;	 /* head office confirmed it in this run, or it was opened in this run */
	bool must_child; /* head office holds more or other: the next append opens a child */
	bool opening;
	bool forking;
	bool fork_deeper; /* what the fork leaves turned out damaged: it is asked for again */
	bool joined;
	bool linked;
	bool lower_instance;
	bool heard; /* head office answered in this run */
	enum sync_link kind;
	uint32_t link;
	uint32_t highest; /* incarnation number known of this branch */
	uint8_t refused;  /* REFUSE_INCOMPATIBLE, REVOKED or TOKEN: said by head office */
	uint32_t tries;
	uint64_t hello_at;	/* say Hello again then; UINT64_MAX: not planned */
	uint64_t hello_sent_ms; /* unanswered since */
	uint64_t want_since;	/* an append waits for confirmation since; UINT64_MAX: none */
	uint64_t heard_ms;
	uint64_t damage_ms;  /* a damaged block was asked back last */
	uint64_t receipt_ms; /* last receipt, or when a backlog began */
};

void branch_core_init(struct branch_core *b, const struct branch_conf *conf);
/* Loads the table; all that was in the pipeline must have been given back before. */
void branch_core_load(struct branch_core *b, const struct branch_start *start, uint64_t now);

/* random: fresh bytes, new for each connection. A machine that was copied while it ran is told from its copy
 * by them: whatever the two drew before, they drew alike. */
void branch_core_link_up(struct branch_core *b, uint64_t now, uint32_t link, enum sync_link kind,
			 const uint8_t random[16 - SYNC_RUN_START]);
void branch_core_link_down(struct branch_core *b, uint64_t now);
void branch_core_recv(struct branch_core *b, uint64_t now, const struct msg *m);
void branch_core_tick(struct branch_core *b, uint64_t now);

/*
 * There is something to append in this class. Answered at once by SYNC_APPEND (GO with the log: report it by
 * appended; or WAIT: ask again at the next tick; or NO_LOG) or by SYNC_OPEN (open that log, report it by
 * appended, ask again). random: 16 fresh random bytes.
 */
void branch_core_want(struct branch_core *b, uint64_t now, enum log_class cls, const uint8_t random[16]);
/* A local append is durable: the log's row as it is now. Also for the first block of an opened log. */
void branch_core_appended(struct branch_core *b, uint64_t now, const struct log_row *row);
/* What GO or SYNC_OPEN ordered was not done (store full, nothing left to write). Each is answered, by this or
 * by appended: until then what comes for that log is dropped. */
void branch_core_not_appended(struct branch_core *b, uint64_t now);
/* Key changes of the open incarnation are durable without a block. */
void branch_core_keys(struct branch_core *b, uint64_t now, uint64_t keys);

void branch_core_verified(struct branch_core *b, uint64_t now, const struct sync_verified *v);
void branch_core_committed(struct branch_core *b, uint64_t now, const struct sync_committed *done);
void branch_core_checked(struct branch_core *b, uint64_t now, const struct log_id *log, uint64_t first,
			 bool sound);
/*
 * The store refused SYNC_FORK because something stored is damaged, and the shell has said by branch_core_checked which
 * blocks are. True: SYNC_FORK was asked for again, with a deeper cut. False: no block is to blame, the fork is impossible.
 */
bool branch_core_not_forked(struct branch_core *b, uint64_t now);
/* SYNC_FORK is durable: load the table again and go on. */
void branch_core_forked(struct branch_core *b, uint64_t now, const struct branch_start *start);

/* The parent of this log if it were opened now: the last of its class with a lower number, cuts considered;
 * false: none. */
bool branch_core_parent(struct branch_core *b, const struct log_id *child, struct log_id *ret_id,
			struct log_head *ret_head);

enum sync_state branch_core_state(struct branch_core *b, uint64_t now);
/* Events of own logs held, and receipted. */
void branch_core_totals(struct branch_core *b, uint64_t *ret_head, uint64_t *ret_acked);

#endif
