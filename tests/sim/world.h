/*
 * The simulator: branches and one head office built from the real cores, the real block format and the real
 * store over kv_mem, in virtual time, from one seed. Same seed, same run, byte for byte.
 */
#ifndef AFTERSYNC_TESTS_SIM_WORLD_H
#define AFTERSYNC_TESTS_SIM_WORLD_H

#include <stdarg.h>
#include <stdio.h>

#include "common/log/block_io.h"
#include "common/store/keys.h"
#include "common/store/kv_mem.h"
#include "common/store/store.h"
#include "common/sync/branch.h"
#include "common/sync/hq.h"
#include "common/wire/msg_codec.h"
#include "tests/lib/gen_orders.h"

#define SIM_BRANCHES_MAX 8
#define SIM_NODES_MAX 24 /* clones and replaced servers included */
#define SIM_SLOTS 1024
#define SIM_LOGS 512
#define SIM_JOBS 64
#define SIM_POOL (320 * 1024)
#define SIM_SUBJECTS 64

/* ---- faults: each must occur in at least 1 % of the seeds
 * --------------------------------------------------------*/

#define FAULT_LIST(X)                                                                                        \
	X(DROP, "drop")                                                                                      \
	X(DUPLICATE, "duplicate")                                                                            \
	X(REORDER, "reorder")                                                                                \
	X(DELAY, "delay")                                                                                    \
	X(PARTITION, "partition")                                                                            \
	X(HALF_OPEN, "half-open-link")                                                                       \
	X(CRASH_OUTPUT, "crash-at-output")                                                                   \
	X(CRASH_BEFORE_COMMIT, "crash-before-commit")                                                        \
	X(CRASH_AFTER_COMMIT, "crash-after-commit")                                                          \
	X(COMMIT_LOST, "commit-error-lost")                                                                  \
	X(COMMIT_DOUBTED, "commit-error-durable")                                                            \
	X(FULL_BRANCH, "branch-full")                                                                        \
	X(FULL_HQ, "head-office-full")                                                                       \
	X(RESTORE_LINE, "branch-restored")                                                                   \
	X(RESTORE_NO_LINE, "branch-restored-no-line")                                                        \
	X(CLONE, "branch-cloned")                                                                            \
	X(CLONE_RUNNING, "branch-cloned-running")                                                            \
	X(HQ_ROLLBACK, "head-office-restored")                                                               \
	X(HQ_INSTANCE, "new-instance")                                                                       \
	X(LATE_JOIN, "late-join")                                                                            \
	X(LOST_JOINED, "lost-joined")                                                                        \
	X(TOKEN_THIEF, "token-reused")                                                                       \
	X(REPLACED, "server-replaced")                                                                       \
	X(WIRE_VERSION, "other-wire-version")                                                                \
	X(FLIP_BLOCK, "bit-flip-in-frame")                                                                   \
	X(FLIP_STORE_BRANCH, "bit-flip-branch-store")                                                        \
	X(FLIP_STORE_HQ, "bit-flip-hq-store")                                                                \
	X(ZERO_CREDIT, "zero-credit")                                                                        \
	X(TOMBSTONE, "tombstone-before-send")                                                                \
	X(TRANSPORT, "transport-key-replaced")                                                               \
	X(CHILD_FIRST, "child-before-parent")                                                                \
	X(BULK, "bulk-import")

#define FAULT_ENUM(name, text) F_##name,
enum fault { FAULT_LIST(FAULT_ENUM) FAULTS };

extern const char *const fault_names[FAULTS];

/* ---- nodes
 * ---------------------------------------------------------------------------------------------------------*/

struct slot {
	bool used;
	uint64_t gen; /* counts uses */
	bool is_keys;
	bool verified;
	bool evidence;
	struct log_id log;
	uint64_t first;
	uint32_t count;
	uint8_t *bytes; /* the block */
	size_t n;
	struct wire_key *keys;
	uint32_t keys_n;
	struct block_opened opened;
	struct tree_frontier after;
	struct sync_verified v;
};

enum job_type { JOB_CORE = 1, JOB_APPEND, JOB_OPEN, JOB_FORK, JOB_HQ_APPEND };

struct job {
	enum job_type type;
	struct log_id log;
	bool has_parent;
	struct log_id parent;
	struct log_head parent_head;
	uint32_t number; /* fork: child incarnation */
	uint8_t inc[16];
};

/* One event that a customer or clerk wants recorded, until the branch has answered. */
struct submission {
	uint8_t event_id[16];
	struct bytes raw; /* owned; without salt: what the caller sent */
	uint8_t cls;
	bool with_key; /* a new customer */
	bool forced;   /* appended whatever the ledger says: a newer or careless program */
	uint32_t tries;
};

struct reader {
	struct log_id log;
	struct block_reader r;
	uint8_t author[32];
};

/* What may not go back. */
struct seen {
	struct log_id log;
	uint64_t acked, keys;
};

#define SUBMISSIONS_MAX 512
#define EPOCH_MS 1767225600000 /* 2026-01-01T00:00:00Z */

struct node {
	struct world *w;
	uint32_t index;
	bool is_hq;
	bool alive;   /* process runs */
	bool gone;    /* for good (replaced server) */
	bool retired; /* a copy of a replaced server: its key ended */
	bool newer_wire;
	uint32_t rot; /* a block was flipped and is not repaired yet: this one */
	struct log_id rot_log;
	uint64_t rot_first;
	char name[12];
	char branch[BRANCH_CODE_MAX];
	uint32_t life; /* start of the process: events of older lives are void */
	struct kv *kv;
	struct kv *copy; /* hours-old copy, for restores */
	uint64_t copy_ms;
	struct store *st;
	uint64_t fence;
	struct block_io io;
	uint8_t identity[32], secret[64];
	uint8_t box_public[32], box_secret[32];
	struct slot slots[SIM_SLOTS];
	struct reader readers[SIM_LOGS];
	size_t readers_n;
	struct msg_codec *codec;
	struct job jobs[SIM_JOBS];
	size_t jobs_n;
	bool executing; /* the first job was carried out, its completion is on the way */
	bool want_pending;
	bool dying;
	bool refuse_taken;
	bool fork_refused; /* something that the fork leaves is damaged */
	uint64_t full_until;
	uint64_t flip_until; /* every block that it receives is damaged: bad memory */
	uint64_t verify_at;
	/* core */
	union {
		struct branch_core b;
		struct hq_core h;
	};
	struct sync_log *logs;
	struct sync_item *queue;
	struct sync_session *sessions;
	struct hq_node *hq_nodes;
	struct hq_token *tokens;
	const struct sync_item *items; /* of the core's commit under way */
	size_t items_n;
	uint64_t keys_now[SYNC_FLIGHT_MAX];
	bool reseal[SYNC_FLIGHT_MAX];
	enum sync_commit_result result;
	struct log_row appended[4]; /* rows that the last job changed, told to the core at its completion */
	size_t appended_n;
	struct submission taken[256]; /* by the append under way */
	size_t taken_n;
	/* branch */
	uint32_t token;
	uint32_t first_number;
	uint32_t link; /* connection, 0: none */
	enum sync_link kind;
	bool no_line; /* partitioned */
	uint64_t no_line_until;
	struct submission subs[SUBMISSIONS_MAX];
	size_t subs_n;
	struct gen *gen, *gen_bulk;
	uint8_t subjects[SIM_SUBJECTS][16]; /* put by this node, for tombstones */
	size_t subjects_n;
	enum sync_state state, state_at_hq; /* last seen */
	bool in_trouble;		    /* story: told, and not told that it is over */
	struct seen seen[SIM_LOGS];	    /* forgotten when the disk is replaced */
	size_t seen_n;
	uint32_t instance_seen;
};

/* ---- the network and the event queue
 * -------------------------------------------------------------------------------*/

enum event_type {
	EV_TICK = 1,
	EV_SUBMIT,
	EV_FRAME,
	EV_VERIFIED,
	EV_EXEC,  /* carry out the first job */
	EV_DONE,  /* its completion reaches the core */
	EV_START, /* the process starts */
	EV_LINK_UP,
	EV_LINK_DOWN,
	EV_CONNECT,
	EV_FAULT,
	EV_SCRUB,
	EV_HEAL_LINE,
	EV_UPGRADE,
	EV_CLONE, /* a running branch is copied: when it is idle */
	EV_SNAPSHOT,
	EV_THIEF,
	EV_OFF, /* for good */
};

struct event_in {
	uint64_t at;
	uint64_t order;
	enum event_type type;
	uint32_t node;
	uint32_t life;
	uint32_t link;
	uint32_t slot;
	enum sync_link kind;
	uint32_t from; /* frame: sending node */
	uint8_t *frame;
	size_t n;
	struct log_id log;
	uint64_t first;
};

struct link {
	uint32_t branch_node; /* index */
	uint32_t branch_life, hq_life;
	enum sync_link kind;
	uint32_t token;
	bool up;
	bool half_open;	     /* frames vanish, nobody is told */
	uint64_t last_at[2]; /* in-order delivery per direction */
};

/* A key of the roster: who may sign and connect. */
struct roster_key {
	char branch[BRANCH_CODE_MAX];
	uint8_t identity[32];
	uint8_t box[32];
	bool ended;
};

struct accepted {
	char branch[BRANCH_CODE_MAX];
	uint8_t event_id[16];
	bool may_be_lost; /* the only copy was destroyed by a restore, a bit flip or a replaced server */
	uint32_t node;
};

struct options {
	uint64_t seed;
	bool trace; /* every input and output */
	bool story; /* told for people */
	bool quiet;
};

struct world {
	struct options o;
	struct rng rng;
	uint64_t now;
	uint64_t orders;
	struct event_in *heap;
	size_t heap_n, heap_cap;
	struct link *links;
	size_t links_n, links_cap;
	struct node *nodes[SIM_NODES_MAX];
	size_t nodes_n;
	uint32_t branches_n;
	uint8_t org[16];
	uint8_t instance_public[SYNC_INSTANCES_MAX + 1][32], instance_secret[SYNC_INSTANCES_MAX + 1][64];
	uint32_t instance; /* current */
	uint32_t transport;
	struct roster_key roster[64];
	size_t roster_n;
	struct hq_token tokens[SIM_NODES_MAX]; /* as head office's roster log would restore them */
	size_t tokens_n;
	struct accepted *accepted;
	size_t accepted_n, accepted_cap;
	/* rates in 1/1000 */
	uint32_t rate[FAULTS];
	bool faults_on;
	size_t struck; /* story: scenes played */
	bool fat;      /* events of some kilobytes: blocks that need credit */
	uint64_t bytes_per_ms;
	uint64_t disk_ms;  /* a commit takes up to this long, and its end is heard as much later */
	uint64_t event_ms; /* mean time between two submissions of a branch */
	uint64_t scrub_at;
	bool scrubbed;
	uint64_t operator_at;
	char unequal[200];     /* what check_equal found last */
	uint8_t (*nonces)[40]; /* content key id and nonce of every sealed block */
	size_t nonces_n, nonces_cap;
	uint64_t end_ms; /* when faults and submissions end */
	uint64_t counts[FAULTS];
	uint64_t states[SYNC_STATES]; /* times a node was seen entering it, at the branch or at head office */
	uint64_t submitted, refused_local, frames;
	uint64_t alarms[16];
	uint64_t cells, cases, lost;
	const char *failure; /* first broken invariant */
	char failure_text[400];
};

/* world.c */
void node_module_init(void);
bool world_run(struct world *w);
void world_init(struct world *w, const struct options *o);
void world_done(struct world *w);
/* The event may be filled in until the next world_at; not its time. */
bool key_ended(struct world *w, const uint8_t identity[32]);
void world_admit(struct world *w, uint32_t token, const struct msg_join *j);
struct event_in *world_at(struct world *w, uint64_t at, enum event_type type, uint32_t node);
bool chance(struct world *w, uint32_t per_mille);
bool fault(struct world *w, enum fault f); /* draws, and counts when it happens */
void broken(struct world *w, const char *what, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct node *world_node_new(struct world *w, bool is_hq, const char *branch, const char *name);
struct node *hq_of(struct world *w);
void world_trace(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void story(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* node.c */
void node_start(struct node *n);
void node_kill(struct node *n);
void node_free(struct node *n);
void node_tick(struct node *n);
void node_frame(struct node *n, const struct event_in *e);
void node_verified(struct node *n, uint32_t slot, uint64_t gen);
void node_exec(struct node *n);
void node_done(struct node *n);
void node_want(struct node *n);
void node_submit(struct node *n, const struct submission *take_s);
void node_scrub(struct node *n, const struct log_id *log, uint64_t first);
bool key_of_log_is(struct node *n, const struct log_id *log);
bool branch_joined(struct node *n);
uint32_t highest_number(struct node *n, const char *branch);
bool pick_block(struct node *n, struct log_id *ret_log, struct block_meta *ret_meta);
bool token_open_at(struct node *hq, uint32_t number);
bool node_hq_append(struct node *n, uint8_t cls, const char *branch);
/* reader.c */
/* The author's keys that may have signed this log: their number, at most 16. */
size_t node_authors(struct world *w, const struct log_id *log, const uint8_t *ret[16]);
void node_reader_make(struct node *n, const struct log_id *log, const uint8_t author[32], struct reader *r);
struct reader *node_reader_known(struct node *n, const struct log_id *log);
/* From the first block of a log, by whichever key of the roster signed it; NULL: none. */
struct reader *node_reader_from(struct node *n, const struct block_view *v);
struct reader *node_reader(struct node *n, const struct log_id *log);
as_err node_opener(void *ctx, const struct log_id *log, struct bytes block, const struct bytes **ret_events,
		   const uint8_t (**ret_leaves)[32], size_t *ret_n);
void node_out(void *ctx, const struct sync_out *out);
void node_settle(struct node *n); /* after each step: did it die in it? */
void node_job(struct node *n, const struct job *j);
void node_forget(struct node *n, const struct log_id *log); /* its reader: the log was cut to nothing */
void node_forked(struct node *n);
const char *log_name(const struct log_id *id);

/* net.c */
void net_send(struct node *from, uint32_t link, struct bytes frame, uint8_t type);
void net_connect(struct node *n, enum sync_link kind);
void net_cut(struct world *w, uint32_t link, bool tell);
void net_cut_node(struct world *w, struct node *n, bool tell);

/* faults.c */
void faults_draw(struct world *w);
void faults_strike(struct world *w);
void faults_thief(struct world *w);
void faults_cut_line(struct world *w, struct node *n, uint64_t ms, bool tell);
bool faults_rotten(
    struct world *w); /* is a block rotten somewhere that was neither given back nor cut yet? */
void faults_operator(struct world *w);		   /* what an administrator does in the end */
void faults_lose(struct world *w, struct node *n); /* its disk is about to be replaced by an older copy */

/* clone.c */
void faults_clone(struct world *w, struct node *n);
void faults_clone_running(struct world *w, struct node *n);

/* check.c */
void check_accepted(struct node *n, const uint8_t event_id[16]);
void check_nonce(struct node *n, struct bytes block);
void check_lost_block(struct node *n, const struct log_id *log, uint64_t first, uint64_t end);
void check_receipt(struct node *hq, const struct log_id *log, const struct log_head *head);
void check_step(struct world *w, struct node *n);
bool check_equal(struct world *w); /* all that is to be sent was sent; else w->unequal */
void check_scrub(struct world *w);
void check_scrub_node(struct node *n);
void check_rest(struct world *w);
bool node_holds(struct node *n, const uint8_t event_id[16], struct log_id *ret_log, uint64_t *ret_index);

#endif
