/*
 * Replication of signed logs between two peers: what the branch core and the head-office core share.
 *
 * A core is a pure state machine: one input, a few outputs, no clock, socket, store, randomness or
 * allocation. The shell feeds what happened (a message, a tick, a finished commit) and carries out what comes
 * out, in order. Completion of storage is an input, so a receipt cannot be early. The same objects run in the
 * daemons, the simulator and the tools.
 *
 * Memory: all arrays are handed in at init and bounded. Threads: one thread per core.
 */
#ifndef AFTERSYNC_SYNC_SYNC_H
#define AFTERSYNC_SYNC_SYNC_H

#include "common/base/rng.h"
#include "common/log/log_row.h"
#include "common/wire/msg.h"

#define SYNC_INSTANCES_MAX 32 /* lives of one head office */
#define SYNC_FLIGHT_MAX 256   /* items of one commit */
#define SYNC_CREDIT_KEEP                                                                                     \
	(16 * 1024)	  /* an idle link may send this much at once: live events need no question */
#define SYNC_FLIGHT_BYTES                                                                                    \
	(1024 * 1024) /* blocks of one commit, about: what comes meanwhile waits for its end */
#define SYNC_KEYS_WINDOW 4096 /* key changes of a log sent and not answered, about */
#define SYNC_BLOCKS_WINDOW 128 /* head office: blocks of a log sent and not answered, at most */
#define SYNC_RUN_START 8  /* bytes of a branch's run id for the start; the others: for the connection */
#define SYNC_EMPTY_MAX 16 /* logs of a branch that may be known by their keys alone */
#define SYNC_NO_SLOT UINT32_MAX
#define SYNC_NO_LINK 0u /* input that came by no link: accepted from quarantine */

/* Times in milliseconds (docs/protocol.md section 20). */
#define SYNC_GAP_MS 60000      /* asked for an index, unanswered */
#define SYNC_STALE_MS 180000   /* no whole message */
#define SYNC_STALLED_MS 180000 /* link up, backlog, no new receipt */
#define SYNC_ANNOUNCE_MS 30000 /* a branch says its heads at least this often: keeps the link known alive */
#define SYNC_RESEND_MS 180000  /* sent, unanswered: say Hello again. A block crosses 9.6 kbit/s in 150 s */
#define SYNC_HELLO_MS 60000    /* Hello, unanswered: connect again */
#define SYNC_CONFIRM_WAIT_MS 2000 /* the first append of a run waits this long for head office's word */
#define SYNC_TURN_MS 300000	  /* a clone with a backlog keeps its session this long */
#define SYNC_SETTLED_MS 60000	  /* a session this old is a good one: the back-off begins anew */
#define SYNC_RETRY_MIN_MS 1000
#define SYNC_RETRY_MAX_MS 120000
#define SYNC_REFUSED_MS 600000	  /* a refused block is tried again this often */
#define SYNC_FULL_RETRY_MS 10000  /* store full: try again */
#define SYNC_RECOVERING_MS 600000 /* a new instance listens this long before it writes */

/* States of a branch: the first that applies, worst first (docs/protocol.md section 21). */
#define SYNC_STATE_LIST(X)                                                                                   \
	X(INCOMPATIBLE, "incompatible", "no common wire version: upgrade the older side")                    \
	X(REVOKED, "revoked", "this node's key is no longer admitted")                                       \
	X(JOINING, "joining", "head office has not answered the join yet")                                   \
	X(FORKED, "forked", "head office committed another continuation of a log; a child is being opened")  \
	X(CLONE, "clone", "two live copies of one identity: replace one with `hq enrol --replace`")          \
	X(REFUSED, "refused", "a block of it lies refused")                                                  \
	X(REWOUND, "rewound", "head office holds less than it receipted: sending again")                     \
	X(RESTORING, "restoring", "head office holds more than this branch: fetching it back")               \
	X(GAP, "gap", "an index was asked for and not sent")                                                 \
	X(PAUSED, "paused", "head office gives no credit")                                                   \
	X(STALE, "stale", "no link, or no whole message for 3 minutes")                                      \
	X(STALLED, "stalled", "backlog, but no new receipt for 3 minutes")                                   \
	X(CATCHING_UP, "catching-up", "sending what is not receipted yet")                                   \
	X(IN_SYNC, "in-sync", "everything is receipted")

#define SYNC_STATE_ENUM(name, text, reason) SYNC_##name,
enum sync_state { SYNC_STATE_LIST(SYNC_STATE_ENUM) SYNC_STATES };

enum sync_hq_state { SYNC_HQ_SERVING, SYNC_HQ_RECOVERING, SYNC_HQ_ROLLED_BACK };

const char *sync_state_name(enum sync_state state);
const char *sync_state_reason(enum sync_state state);
const char *sync_refuse_name(uint8_t reason); /* enum refuse_reason */

/* ---- outputs
 * -----------------------------------------------------------------------------------------------------*/

enum sync_item_type {
	ITEM_BLOCK = 1, /* append the block in `slot` to its log (fold: apply to cases and cells now) */
	ITEM_REPAIR,	/* the block in `slot` replaces the damaged stored one: same log, first and root */
	ITEM_FOLD,	/* fold what the log holds unfolded */
	ITEM_RECEIPT,	/* branch: keep head office's receipt for `head` */
	ITEM_KEYS,	/* store the key changes in `slot` */
	ITEM_VOID,  /* branch: answer the numbers keys+1 … keys_upto of a closed incarnation, whose keys are
		       gone */
	ITEM_CUT,   /* branch: move what a copy of head office's log holds after head.size aside */
	ITEM_ASIDE, /* keep the refused block in `slot`, with the reason */
	ITEM_END,   /* head office: the key of the log ends at head.size */
	ITEM_ADMIT, /* head office: the join in `slot` by token `number` becomes a node */
	ITEM_JOINED,   /* branch: remember that head office admitted this node */
	ITEM_INSTANCE, /* branch: remember head office's instance `number` */
};

struct sync_item {
	enum sync_item_type type;
	struct log_id log;
	uint32_t slot;
	uint32_t link;	  /* it came by */
	uint64_t session; /* the receiver's nonce of the session that it came in */
	uint32_t count;
	uint32_t bytes;
	uint32_t number;
	uint64_t first;
	struct log_head head; /* after it */
	uint64_t keys_upto;
	uint8_t reason;
	bool ready; /* verified */
	bool quiet; /* a later item of the same commit answers for its log */
	bool evidence;
	bool fold;
	bool has_parent;
	struct log_id parent;
	struct log_head parent_head;
	uint8_t receipt[76];
};

enum sync_out_type {
	SYNC_SEND =
	    1, /* msg to link. BLOCK: the shell fills msg.block.block from its store. KEYS: the keys_n changes
		  after keys_after, sealed to key-transport key `transport`; when the shell does not have
		  that key yet (it comes in hq/all) it sends nothing: the core says Hello again later.
		  HAVE with receipted:
		  the shell signs the cosignature of (log, head) */
	SYNC_VERIFY, /* verify the block in slot: signature, content key, count, root; `fresh`: from the
			durable frontier, else from the one after the block verified last; a block that was
			asked back: from the frontier at its first index. `evidence`: peek and signature only
		      */
	SYNC_COMMIT, /* items, in one transaction; they stay valid until the COMMITTED input */
	SYNC_FREE,  /* slot is no longer needed; an unanswered SYNC_VERIFY of it is void and gets no answer */
	SYNC_CHECK, /* read the stored block (log, first) again and verify it: answer CHECKED */
	SYNC_CONNECT, /* branch: drop the link and connect again at at_ms, with this key */
	SYNC_APPEND,  /* branch: the answer to WANT */
	SYNC_OPEN,    /* branch: open this log (its LOG_OPENED and the first events in one commit) */
	SYNC_FORK,    /* branch: cut every log with cut_to, open the child, append what was cut; key changes
			 after the    keys_upto of what is left are numbered anew for the child. A commit under
			 way    is answered    first; then answer by FORKED */
	SYNC_ALARM,
};

enum sync_link { SYNC_LINK_NODE = 1, SYNC_LINK_JOIN };

enum sync_append {
	APPEND_GO = 1,
	APPEND_WAIT,
	APPEND_NO_LOG, /* a log would have to be opened, and there is no place or number for one: not in this
			  run */
};

enum sync_alarm {
	ALARM_NONE = 0,
	ALARM_CLONE,	    /* two live copies of one identity */
	ALARM_FORK,	    /* two checkpoints of one log that disagree; both kept */
	ALARM_REFUSED,	    /* a sound block was refused twice */
	ALARM_DAMAGED,	    /* a stored block is damaged and no other copy is known: events may be lost */
	ALARM_REPAIRED,	    /* a damaged block was fetched back */
	ALARM_TOKEN_REUSED, /* another node key used a used token */
	ALARM_ROLLED_BACK,  /* head office holds less of its own logs than a branch */
	ALARM_INSTANCE,	    /* branch: a head office of a lower instance than seen before */
	ALARM_TOO_MANY,	    /* a bounded table is full */
	ALARM_AFTER_END,    /* a block of an ended key was kept as refused */
};

struct sync_log;

struct sync_out {
	enum sync_out_type type;
	uint32_t link;
	union {
		struct {
			const struct msg *msg;
			uint64_t keys_after;
			uint32_t transport; /* KEYS: number of head office's key-transport key to seal to */
		} send;
		struct {
			struct log_id log;
			uint64_t first;
			uint32_t count;
			uint32_t slot;
			bool fresh;
			bool evidence;
		} verify; /* also SYNC_CHECK: log, first */
		struct {
			const struct sync_item *items;
			size_t n;
		} commit;
		struct {
			uint32_t slot;
		} free;
		struct {
			enum sync_link kind;
			uint64_t at_ms;
		} connect;
		struct {
			enum sync_append verdict;
			uint8_t cls;
			struct log_id log; /* GO: the log to append to */
		} append;
		struct {
			struct log_id log;
			bool has_parent;
			struct log_id parent;
			struct log_head parent_head;
		} open;
		struct {
			struct sync_log *logs; /* those with cut_to != LOG_NO_END are cut there */
			size_t n;
			uint32_t number; /* of the child; its id: 16 fresh random bytes of the shell */
		} fork;
		struct {
			enum sync_alarm what;
			char branch[BRANCH_CODE_MAX];
			struct log_id log;
			uint64_t size;
		} alarm;
	};
};

/* What the shell hands in. All functions are called only from within a step. */
struct sync_env {
	void *ctx;
	void (*out)(void *ctx, const struct sync_out *out); /* must not call back into the core */
	bool (*block_at)(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta);
	bool (*receipt_ok)(void *ctx, const struct log_id *log, const struct log_head *head,
			   const uint8_t receipt[76]);
};

/* ---- inputs that both roles know
 * ---------------------------------------------------------------------------------*/

/* The answer to SYNC_VERIFY. */
struct sync_verified {
	uint32_t slot;
	uint8_t reason;	      /* REFUSE_NONE: sound */
	struct log_head head; /* after the block */
	uint64_t keys_upto;
	bool has_parent; /* first == 0: from LOG_OPENED */
	struct log_id parent;
	struct log_head parent_head;
};

/* The answer to SYNC_COMMIT. A failed sync is no answer: the process ends and starts again from its store. */
enum sync_commit_result { COMMIT_OK = 1, COMMIT_FULL };

struct sync_committed {
	enum sync_commit_result result;
	/* ITEM_KEYS: the contiguous number now held, per item of the commit in order; less than the item's
	 * keys_upto and reseal[i] when an entry was sealed to an old transport key, also for those of the log
	 * that come after it in the commit. NULL when the commit has no ITEM_KEYS. */
	const uint64_t *keys;
	const bool *reseal;
};

#endif
