/*
 * What one commit writes: operations of the store under construction, the blocks built for them, and the memory
 * that they borrow. Store thread only; one at a time, used again.
 */
#ifndef AFTERSYNC_NODE_BATCH_H
#define AFTERSYNC_NODE_BATCH_H

#include "common/node/node.h"
#include "common/wire/log_opened.h"

struct batch_chunk;

struct batch {
	struct node *node; /* the writer's view */
	struct store_op *ops;
	size_t n, cap;
	struct batch_chunk *memory; /* until the next begin */
	int64_t now; /* UTC ms of this batch: recorded_at of its events */
	struct log_id *touched; /* logs of the node's own that blocks or keys were added to */
	size_t touched_n, touched_cap;
};

void batch_init(struct batch *b, struct node *node);
void batch_done(struct batch *b);
void batch_begin(struct batch *b, int64_t now_utc_ms); /* empty again */

/* Memory that lives until the next batch_begin; NULL when there is none. */
void *batch_memory(struct batch *b, size_t n);
/* A copy of s in it; n = 0 and p = NULL when there is no memory (check with s.n). */
struct bytes batch_copy(struct batch *b, struct bytes s);

/* A new operation; NULL: out of memory. Valid until the next one is added. */
struct store_op *batch_op(struct batch *b, enum store_op_type type, const struct log_id *log);
/* name: static. The value is copied. */
as_err batch_meta(struct batch *b, const char *name, struct bytes value) AS_MUST_CHECK;

/* Who writes a log of this node, and where it stands. */
struct batch_author {
	struct block_author a;
	struct tree_frontier f; /* after what the batch has added */
};
void batch_author_done(struct batch_author *w);

/*
 * The author of an open log of this node at its stored head. AS_ECORRUPT: its first block cannot be read;
 * AS_ENOTFOUND.
 */
as_err batch_author_open(struct batch *b, const struct log_id *log, struct batch_author *ret_w) AS_MUST_CHECK;

/* Begins a log: content key, LOG_OPENED. more: events of the same first block, may be NULL. */
as_err batch_log_begin(struct batch *b, const struct log_opened *lo, const struct bytes *more, size_t more_n,
		       struct batch_author *ret_w) AS_MUST_CHECK;

/*
 * Appends events as one or more blocks. keys_upto: number of the last key change that they rely on.
 * The events must live until the batch is committed.
 */
as_err batch_append(struct batch *b, struct batch_author *w, const struct bytes *events, size_t n,
		    uint64_t keys_upto) AS_MUST_CHECK;

/* Says that the batch changes the row of this log of the node's own. */
as_err batch_touch(struct batch *b, const struct log_id *log) AS_MUST_CHECK;

/* An event of the node itself (post SYSTEM), encoded into the batch's memory. */
as_err batch_system_event(struct batch *b, uint32_t kind, struct bytes body, struct bytes *ret_raw) AS_MUST_CHECK;

/* store_commit with the writer's fence. */
as_err batch_commit(struct batch *b, struct as_errmsg *em) AS_MUST_CHECK;

/* A UUIDv7 (RFC 9562 section 5.7) of this instant. */
void batch_uuid7(int64_t utc_ms, uint8_t ret_id[16]);

#endif
