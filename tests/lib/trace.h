/*
 * A tiny deterministic world for the sync cores: one head office, some branches, a fake store, a line,
 * virtual time. Everything that happens becomes one readable line, so that a test is a golden trace.
 *
 * A fake block is (first, count, bytes) and the numbers of its events; its root is a hash over the log's name
 * and all events before and in it, so that two histories differ exactly where they differ. Event 0 stands for
 * LOG_OPENED.
 *
 * Not printed, because they are everywhere: ticks, the order to verify, sound verdicts, slots given back. A
 * message is printed when it is sent, a commit when it is durable.
 */
#ifndef AFTERSYNC_TESTS_LIB_TRACE_H
#define AFTERSYNC_TESTS_LIB_TRACE_H

#include <stdarg.h>

#include "common/sync/branch.h"
#include "common/sync/hq.h"

#define TR_LATENCY_MS 50
#define TR_COMMIT_MS 50
#define TR_CHECK_MS 10
#define TR_TICK_MS 1000
#define TR_SLOTS 512
#define TR_OUTS 512
#define TR_POOL (1024u * 1024)
#define TR_NODES 6
#define TR_BRANCH_LOGS 256
#define TR_HQ_LOGS 512
#define TR_QUEUE 128
#define TR_FAULTS 16

/* ---- fake store
 * --------------------------------------------------------------------------------------------------*/

struct tr_block { /* never changed once it is made */
	struct log_id log;
	uint64_t first;
	uint32_t count, bytes;
	uint64_t keys_upto;
	uint8_t before[32], root[32];
	bool has_parent;
	struct log_id parent;
	struct log_head parent_head;
	uint32_t *events;
};

struct tr_stored {
	const struct tr_block *b;
	bool rotten;
	bool unread; /* its row tells only where it stands */
};

struct tr_key { /* number = its place + 1 */
	uint8_t op;
	uint32_t subject;
};

struct tr_log {
	struct log_row row;
	struct tr_stored *blocks;
	size_t n, cap;
	struct tr_key *keys;
	size_t keys_cap; /* row.keys are in use */
};

struct tr_aside {
	const struct tr_block *b;
	uint8_t reason;
};

#define TR_NOBODY 31

struct tr_enrolled {
	char branch[BRANCH_CODE_MAX];
	uint8_t identity; /* TR_NOBODY: between a replacement and the join */
	uint32_t ended;	  /* identities that were replaced, one bit each */
};

struct tr_store {
	struct tr_log *logs; /* in the order of log_id_order */
	size_t n, cap;
	struct tr_aside aside[64];
	size_t aside_n;
	uint32_t dead[16]; /* subjects under a tombstone */
	size_t dead_n;
	uint32_t instance;
	uint32_t transport;
	bool has_open, joined; /* branch */
	struct log_id open;
	struct tr_enrolled nodes[TR_NODES]; /* head office */
	size_t nodes_n;
	struct hq_token tokens[8];
	size_t tokens_n;
};

/* ---- nodes and the line
 * ------------------------------------------------------------------------------------------*/

struct tr_slot {
	bool used, verifying, damaged;
	uint32_t generation; /* a verdict on what lay here before is void */
	uint8_t reason;	     /* this verdict, whatever the block is */
	const struct tr_block *b;
	struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	uint32_t keys_n;
};

struct tr_frontier {
	struct log_id log;
	uint8_t root[32];
};

struct tr_want {
	uint8_t cls;
	uint32_t count, bytes, keys;
	bool said;
};

enum tr_fault_kind {
	TR_DROP = 1,
	TR_TWICE,
	TR_LATE,   /* arrives `value` ms later: what was sent after it overtakes it */
	TR_REASON, /* a block: the receiver finds `value` (enum refuse_reason) wrong with it */
};

struct tr_fault {
	enum tr_fault_kind kind;
	uint8_t type; /* enum msg_type; 0: any */
	bool to_hq;
	uint32_t skip; /* so many pass before it */
	uint32_t value;
};

struct tr;

struct tr_node {
	struct tr *w;
	char name[12];
	char code[BRANCH_CODE_MAX];
	bool is_hq, on;
	uint32_t life; /* counts starts; what an earlier life ordered does not come back */
	struct tr_store store;
	union {
		struct branch_core *branch;
		struct hq_core *hq;
	};
	struct sync_core *core;
	struct sync_log *logs;
	struct sync_item *queue;
	struct sync_session *sessions;
	struct hq_node *hq_nodes;
	struct hq_token *tokens;
	struct tr_slot *slots;
	struct tr_frontier *verified; /* per log: what the block verified last led to */
	size_t verified_n;
	bool full;		     /* its store takes no block */
	bool full_once;		     /* … and now nothing at all */
	uint32_t wire_min, wire_max; /* 0: as the program speaks */
	/* branch */
	uint8_t identity;
	uint32_t token;
	uint32_t first_number;
	struct tr_want wants[64];
	size_t wants_n;
	bool line;	  /* the line is there */
	bool silent;	  /* the line swallows everything and tells nobody */
	uint32_t rate;	  /* bytes a second, 0: no limit */
	uint64_t busy[2]; /* until then each direction carries something */
	uint32_t link;	  /* 0: none */
	enum sync_link kind;
	uint32_t connect_n;
	struct tr_fault faults[TR_FAULTS];
	size_t faults_n;
	uint32_t
	    append_ms; /* what is recorded next waits so long: for the store; at head office, to be told */
	uint32_t refused_local; /* events not recorded: store full */
	enum sync_state state;
	bool has_state;
	/* outputs of one step */
	struct sync_out *outs;
	struct msg *msgs;
	struct sync_out fork; /* under way */
	size_t outs_n;
	bool flushing;
	uint64_t sent_blocks; /* counted for the scenarios */
};

struct tr_event;

struct tr {
	char file[160];
	char *text; /* the trace */
	size_t text_n, text_cap;
	bool quiet; /* nothing is printed */
	uint64_t now;
	uint64_t seq;
	struct rng rng;
	struct tr_event *events;
	size_t events_n, events_cap;
	struct tr_node *hq;
	struct tr_node *nodes[TR_NODES];
	size_t nodes_n;
	enum sync_state hq_states[TR_NODES];
	char hq_state_of[TR_NODES][BRANCH_CODE_MAX];
	size_t hq_states_n;
	enum sync_hq_state hq_state;
	uint32_t links;
	uint32_t next_event;
	uint32_t *accepted; /* every event that a branch accepted: by whom, 0 when it died with a disk */
	size_t accepted_cap;
	uint32_t next_subject;
	uint8_t next_identity;
	uint32_t next_token;
	uint8_t runs;
	uint64_t pool;
	struct {
		struct log_id id;
		unsigned twin;
	} names[256];
	size_t names_n;
	uint32_t alarms[16]; /* by enum sync_alarm */
	void *memory;	     /* freed at the end */
	char failed[1024];
};

/* name: of the golden file without its folder; prose: what happens, printed first as comment lines. */
struct tr *tr_new(const char *name, const char *prose);
/* Compares with the golden file (writes it when GOLDEN_UPDATE is set) and frees. NULL: as it should be. The
 * text is static. */
const char *tr_end(struct tr *w);
/* A sentence between the lines. */
void tr_note(struct tr *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Fails the trace unless cond. */
#define tr_check(w, cond) tr_checked((w), (cond), #cond, __LINE__)
void tr_checked(struct tr *w, bool cond, const char *what, int line);

/* A branch that head office admitted before, on, its line there; begins to connect at once. */
struct tr_node *tr_branch(struct tr *w, const char *code);
/* A branch with a join code, off. */
struct tr_node *tr_newcomer(struct tr *w, const char *code, uint32_t first_number);
uint32_t tr_token(struct tr *w, const char *code, uint64_t expires_ms);
/* A second machine with the same disk: off, with a line. */
struct tr_node *tr_clone(struct tr_node *n, const char *name);

/* The same by a snapshot of its memory: it runs on as the same start of the program, its line is cut. */
struct tr_node *tr_clone_running(struct tr_node *n, const char *name);

void tr_run(struct tr *w, uint64_t ms);
void tr_start(struct tr_node *n);
void tr_stop(struct tr_node *n); /* as by a power cut */
void tr_cut(struct tr_node *n);
void tr_join_line(struct tr_node *n);
void tr_fault(struct tr_node *n, bool to_hq, enum tr_fault_kind kind, uint8_t type, uint32_t skip,
	      uint32_t value);

struct tr_store tr_image(const struct tr_node *n);		   /* a backup */
void tr_put_back(struct tr_node *n, const struct tr_store *image); /* the node must be off */

/* Branch: something to record. `keys` new customers come with it. bytes: of the block. */
void tr_append(struct tr_node *n, enum log_class cls, uint32_t count, uint32_t bytes, uint32_t keys);
/* Head office: branch "" for hq-all. */
void tr_hq_append(struct tr *w, const char *branch, uint32_t count, uint32_t bytes);
void tr_erase(struct tr_node *n, uint32_t subject); /* a tombstone in this node's ring */
void tr_rot(struct tr_node *n, enum log_class cls, uint32_t number, uint64_t first);
/* … and all that is known of it. */
void tr_spoil(struct tr_node *n, const char *code, enum log_class cls, uint32_t number, uint64_t first);
/* The daemon reads all it has stored again and tells the core of what is damaged. */
void tr_scrub(struct tr_node *n);
void tr_transport(struct tr *w, uint32_t number);
void tr_new_instance(struct tr *w);
void tr_replace(struct tr *w, const char *code);
void tr_accept(struct tr *w, const char *code, enum log_class cls, uint32_t number, uint64_t upto);

struct tr_log *tr_log(struct tr_node *n, const char *code, enum log_class cls, uint32_t number);
/* Size of a log in the store; 0 when there is none. */
uint64_t tr_size(struct tr_node *n, const char *code, enum log_class cls, uint32_t number);
/* How often head office holds this event. */
unsigned tr_held(struct tr *w, uint32_t event);

/*
 * The end of every good story: head office and each running branch hold the same logs, everything is
 * receipted, nothing is queued, no slot is in use, all credit is in the pools, and head office holds every
 * accepted event exactly once.
 */
void tr_settled(struct tr *w);
/* The part of it that must hold at any rest: nothing queued, no slot, all credit. */
void tr_at_rest(struct tr *w);

/* ---- between the files of the harness
 * ----------------------------------------------------------------------------*/

void *tr_alloc(struct tr *w, size_t n);
void tr_line(struct tr *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tr_fail(struct tr *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

struct tr_log *tr_store_log(struct tr_store *st, const struct log_id *id);
struct tr_log *tr_store_add(struct tr *w, struct tr_store *st, const struct log_id *id);
const struct tr_stored *tr_store_at(const struct tr_log *log, uint64_t index);
void tr_store_append(struct tr *w, struct tr_log *log, const struct tr_block *b);
void tr_store_cut(struct tr_log *log, const struct log_head *to);
void tr_store_key(struct tr *w, struct tr_log *log, uint8_t op, uint32_t subject);
bool tr_store_dead(const struct tr_store *st, uint32_t subject);
struct tr_store tr_store_copy(struct tr *w, const struct tr_store *st);
/* A block that continues the log; events: count numbers, copied. */
struct tr_block *tr_block_make(struct tr *w, const struct tr_log *log, const uint32_t *events, uint32_t count,
			       uint32_t bytes, uint64_t keys_upto);
void tr_receipt(const struct log_id *log, const struct log_head *head, uint8_t ret_receipt[76]);

/* Texts; each returns a buffer of a small ring. */
const char *tr_log_text(struct tr *w, const struct log_id *id, const char *seen_from);
const char *tr_msg_text(struct tr *w, const struct msg *m, const char *code);
const char *tr_item_text(struct tr *w, const struct sync_item *i, const char *code,
			 const struct tr_slot *slots);
const char *tr_alarm_text(struct tr *w, const struct sync_out *out, const char *code);
size_t tr_msg_bytes(const struct msg *m);

#endif
