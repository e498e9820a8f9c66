/*
 * What head office needs of its store, and all that it may use: today over store.h (hq_store_kv.c), later a
 * distributed PostgreSQL with several writers, each of its own branches.
 *
 * Everything that is durable at head office is written by one commit. Expected heads stand in the batch: a
 * block names the size that it continues, STORE_EXPECT any other head that the batch relies on.
 */
#ifndef AFTERSYNC_STORE_HQ_STORE_H
#define AFTERSYNC_STORE_HQ_STORE_H

#include "common/store/store.h"

struct hq_health {
	uint64_t bytes;	   /* in use */
	uint64_t logs;	   /* known */
	uint64_t events;   /* in them */
	uint64_t unfolded; /* events not yet in cases and cells */
	bool stale;	   /* cases and cells are of another ledger version */
	struct store_aside_stat aside;
};

struct hq_store_ops {
	/* All logs in the order of log_id_cmp: heads, receipts, keys. */
	as_err (*heads)(void *ctx, store_log_fn fn, void *arg);
	/* store_commit: AS_ECONFLICT unless the fence and every expected head match; nothing is written then.
	 */
	as_err (*commit)(void *ctx, uint64_t fence, const struct store_op *ops, size_t n,
			 struct as_errmsg *em);
	as_err (*take_fence)(void *ctx, uint64_t *ret_fence);
	/* Raw blocks of a log in order, from the one that holds `from`. */
	as_err (*blocks)(void *ctx, const struct log_id *log, uint64_t from, store_block_fn fn, void *arg);
	/* Cells whose key begins with prefix, in order. */
	as_err (*cells)(void *ctx, struct bytes prefix, store_pair_fn fn, void *arg);
	/* store_each_span: what reports are made of. */
	as_err (*span)(void *ctx, const struct store_span *s, void *arg);
	as_err (*health)(void *ctx, struct hq_health *ret_health);
};

struct hq_store {
	const struct hq_store_ops *ops;
	void *ctx;
};

/* st: STORE_HQ, borrowed, outlives what is returned. */
struct hq_store hq_store_kv(struct store *st);

#endif
