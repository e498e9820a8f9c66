/*
 * The shell around a sync core, the same for both daemons: received blocks and keys in slots, verification and
 * commits in threads, messages on the line.
 *
 * The core is stepped on the loop's thread only. Its outputs come in through shell_out; what belongs to one role
 * (connecting, appending, forks, alarms, admitting) goes on to the role's own function. Verdicts and finished commits
 * are inputs again, given by the functions of the role in struct shell_role.
 *
 *	loop thread                    verify threads              store thread
 *	shell_received → core
 *	core → SYNC_VERIFY  ──────────► verify_received
 *	role.verified       ◄──────────
 *	core → SYNC_COMMIT  ─────────────────────────────────────► items_to_batch, store_commit
 *	role.committed      ◄─────────────────────────────────────
 *
 * At a branch the store thread verifies as well: there is little to verify, and it has the roster and the readers.
 * A commit that fails for another reason than space ends the process (status 74): its outcome is not known, and the
 * next start reads the store.
 */
#ifndef AFTERSYNC_DAEMON_RT_SHELL_H
#define AFTERSYNC_DAEMON_RT_SHELL_H

#include "common/node/accept.h"
#include "common/node/items.h"
#include "common/node/outbox.h"
#include "common/wire/msg_codec.h"
#include "daemon/rt/worker.h"

#define SHELL_VERIFIERS_MAX 8
#define SHELL_EXIT_STORE 74

struct shell;
struct shell_commit;
struct verify_job;

/* What differs between branchd and hqd. ctx is theirs. Loop's thread unless said otherwise. */
struct shell_role {
	void (*send)(void *ctx, uint32_t link, struct bytes frame);
	/* Outputs that are not the shell's: CONNECT, APPEND, OPEN, FORK, ALARM. */
	void (*out)(void *ctx, const struct sync_out *out);
	void (*verified)(void *ctx, const struct sync_verified *v);
	/* When the core is told, c is the next commit already: what is needed of this one is taken before. */
	void (*committed)(void *ctx, const struct shell_commit *c, const struct sync_committed *done);
	void (*checked)(void *ctx, const struct log_id *log, uint64_t first, bool sound);
	/* More operations for a core's commit (ITEM_ADMIT), in the store thread; NULL: none. */
	as_err (*more)(struct shell_commit *c, struct batch *b);
	/* Takes what `more` needs from the core, before the commit is posted; NULL. */
	void (*prepare)(void *ctx, struct shell_commit *c);
	bool (*is_wanted)(void *ctx, uint32_t slot); /* does the core still wait for a verdict about it? */
};

/* One commit of the core on its way; items are the core's until it is told. */
struct shell_commit {
	struct worker_job job;
	struct shell *shell;
	const struct sync_item *items;
	size_t n;
	struct received *slots[SYNC_FLIGHT_MAX];
	struct items_result result;
	as_err err;
	struct as_errmsg em;
	int64_t now;
	bool has_admit; /* role: the commit admits this machine; one at a time */
	struct roster_node admit;
	struct bytes raw[4096 / sizeof(struct bytes)]; /* roster events that were written, in raw_memory */
	size_t raw_n;
	struct buf raw_memory;
	struct log_row rows[16]; /* of own logs that changed */
	size_t rows_n;
};

/* What belongs to the store thread. */
struct shell_store {
	struct node *node;
	struct batch batch;
	struct verifier verifier;
};

struct shell_check {
	struct log_id log;
	uint64_t first;
};

struct shell {
	const struct shell_role *role;
	void *ctx;
	struct loop *loop;
	struct node_home *home;
	struct node *view; /* the loop thread's */
	struct received_table slots;
	struct msg_codec *codec;
	struct buf frame;
	struct worker *store;
	struct shell_store at_store;
	struct worker *verify[SHELL_VERIFIERS_MAX];
	struct verifier verifiers[SHELL_VERIFIERS_MAX];
	struct node *verify_nodes[SHELL_VERIFIERS_MAX];
	size_t verify_n;
	struct verify_job *to_verify, *to_verify_end; /* those that wait for room, in their order */
	size_t verifying;			      /* with a thread now */
	struct shell_commit commit; /* a core has one under way at most */
	bool commit_under_way;
	struct shell_check checks[64]; /* blocks to be looked at when the step is over */
	size_t checks_n;
	struct shell_scrub {
		struct log_id log; /* the one being read; all zero: before the first */
		bool in_log;
		uint64_t at;	  /* the next block begins here */
		uint64_t again_ms; /* the pass before found damage: this one came so soon after it */
	uint64_t next_ms; /* not before: a pass is over */
		uint64_t blocks, damaged; /* of this pass */
	} scrub;
	uint64_t looked_ms; /* at room and readers */
};

/* verifiers: 0 at a branch. em says what failed. */
as_err shell_open(struct shell *s, struct loop *loop, struct node_home *home, size_t verifiers,
		  const struct shell_role *role, void *ctx, struct as_errmsg *em) AS_MUST_CHECK;
/* Ends the threads, what is queued first. */
void shell_close(struct shell *s);

/*
 * A frame from the line: decoded; blocks and keys go into slots. True: *ret_m is to be given to the core, then
 * shell_step_done. False: dropped, counted and logged.
 */
bool shell_received(struct shell *s, struct bytes frame, struct msg *ret_m);

/* The core's env.out, block_at and receipt_ok; ctx is the shell. */
void shell_out(void *ctx, const struct sync_out *out);
bool shell_block_at(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta);
bool shell_receipt_ok(void *ctx, const struct log_id *log, const struct log_head *head, const uint8_t receipt[76]);

/* After every step of the core: what had to wait until it was over. */
void shell_step_done(struct shell *s);

/*
 * Each tick. Reads the next few stored blocks again, so that one that rots is fetched back while there is another copy: a
 * pass over all of them begins at the start of the program, the next an hour after its end. Each minute says so when the
 * store is filled to 70 % of what it may take (at 85 % it refuses), and looks for readers that are gone. Pings the watchdog
 * while the store thread lives.
 */
void shell_tick(struct shell *s, uint64_t now_ms);

/* Store thread, after a commit: the rows of the logs that the batch wrote itself. Returns their number. */
size_t shell_rows(struct shell_store *st, struct log_row *rows, size_t cap);

/* A commit failed with err: says so and ends the process, unless it is AS_EFULL. */
void shell_commit_failed(as_err err, const char *what, const struct as_errmsg *em);

void shell_roster_fold(struct roster *r, const struct bytes *raw, size_t n);

/* Folds roster events into the views of loop and verifiers; the store thread has done its own. Bytes are copied. */
void shell_roster_add(struct shell *s, const struct bytes *raw, size_t n);
/* Reads the roster again everywhere but in the store thread (hq/all was cut). */
void shell_roster_reload(struct shell *s);

/* Copies slices into one buffer; ret points into it. */
as_err shell_copy_raw(struct buf *memory, const struct bytes *raw, size_t n, struct bytes *ret) AS_MUST_CHECK;

#endif
