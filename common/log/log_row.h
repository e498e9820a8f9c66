/*
 * What a node keeps about one log and about one stored block, and the read-only look that the sync cores get.
 * Pure.
 */
#ifndef AFTERSYNC_LOG_LOG_ROW_H
#define AFTERSYNC_LOG_LOG_ROW_H

#include "common/log/log_id.h"

#define LOG_NO_END UINT64_MAX

struct log_row {
	struct log_id id;
	struct log_head head;	/* durable */
	struct log_head acked;	/* branch: highest receipt verified and saved; head office: highest receipt given */
	uint64_t keys;		/* highest contiguous key change held of this author and incarnation (LIVE, HQ_BRANCH) */
	uint64_t keys_need;	/* keys_upto of the last block */
	uint64_t end;		/* the key of this log ended at this size; LOG_NO_END while it is valid */
	uint64_t folded;	/* events applied to cases and cells: head.size, or less while folding is deferred */
	bool has_parent;	/* from LOG_OPENED */
	struct log_id parent;	/* of the same class */
	struct log_head parent_head;
};

struct block_meta {
	uint64_t first;
	uint32_t count;
	uint32_t bytes;	    /* of the stored block */
	uint8_t root[32];   /* after its last event */
	uint64_t keys_upto; /* from its header */
	bool damaged; /* none of it can be read: first and count are from its neighbours, root and keys_upto
			 unknown */
	bool mended;  /* the row is damaged, and the block itself says what stood there */
};

/*
 * Look at durable blocks, by the event index they contain. Called by the cores; must not change between two
 * commits. False: the log does not reach so far. A damaged one is true, and says so.
 */
struct log_view {
	void *ctx;
	bool (*block_at)(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *ret_meta);
};

#endif
