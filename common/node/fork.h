/*
 * Carrying out SYNC_FORK at a branch (docs/protocol.md section 16): the disputed logs are cut, a child incarnation is
 * opened, and the node's own events from what was cut are appended to it again, the same bytes; all in one commit.
 */
#ifndef AFTERSYNC_NODE_FORK_H
#define AFTERSYNC_NODE_FORK_H

#include "common/node/batch.h"
#include "common/sync/branch.h"

/* The order as the core gave it, copied from its table so that the store thread may work on it. */
struct fork_cut {
	struct log_id log;
	uint64_t cut_to, size;
};

/* A block that cannot be read. */
struct fork_damage {
	struct log_id log;
	uint64_t first;
};

struct fork_order {
	struct fork_cut *cuts;
	size_t cuts_n;
	struct log_id child[2]; /* LIVE, BULK */
	bool has_parent[2];
	struct log_id parent[2];
	struct log_head parent_head[2];
	uint64_t lost; /* out: events that could not be read any more and had no other copy */
};

/* Main thread, from SYNC_FORK, when no commit is under way. */
as_err fork_order_make(struct branch_core *core, uint32_t number, const uint8_t inc[16],
		       struct fork_order *ret) AS_MUST_CHECK;
void fork_order_done(struct fork_order *o);

/* Store thread: fills a begun batch; the caller commits it. AS_ECORRUPT there: fork_damage says where. */
as_err fork_to_batch(struct batch *b, struct fork_order *o) AS_MUST_CHECK;

/* The first damaged blocks of the logs of this branch, cap at most. Reads all of them until then. Store thread. */
size_t fork_damage(struct node *n, struct fork_damage *ret, size_t cap);

#endif
