/*
 * Ordered key-value store with one writer: what the node store needs of LMDB, and no more.
 *
 * Implementations: kv_mem (persistent tree; snapshots, lost and doubtful commits on command) and kv_lmdb for
 * the daemons. One conformance suite (tests/unit/test_kv.c) runs on all.
 *
 * Keys are 1 to KV_KEY_MAX bytes, compared bytewise, shorter first; values 0 to KV_VALUE_MAX bytes; tables 0
 * to KV_TABLES - 1. Slices returned by a read stay valid until the next write in the same transaction or its
 * end; keys and values given to a write are copied and must not lie in the store itself.
 *
 * Errors of every call: AS_EIO, AS_ENOMEM, AS_ECORRUPT; what else a call may return stands beside it.
 * Threads: one writer; each transaction belongs to the thread that began it.
 */
#ifndef AFTERSYNC_STORE_KV_H
#define AFTERSYNC_STORE_KV_H

#include "common/base/bytes.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"

#define KV_KEY_MAX 64
#define KV_VALUE_MAX (1024 * 1024)
#define KV_TABLES 32

struct kv;
struct kv_txn;

enum kv_mode { KV_READ, KV_WRITE };

struct kv_ops {
	void (*close)(struct kv *take_kv);
	as_err (*begin)(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn);
	as_err (*commit)(struct kv_txn *take_txn);
	void (*abort)(struct kv_txn *take_txn);
	void (*reserve)(struct kv_txn *txn); /* NULL: there is no reserve */
	as_err (*get)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value);
	as_err (*put)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value);
	as_err (*del)(struct kv_txn *txn, unsigned table, struct bytes key);
	as_err (*seek)(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
		       struct bytes *ret_key, struct bytes *ret_value);
	as_err (*seek_before)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			      struct bytes *ret_value);
	/* Bytes in use, as near as the implementation knows them; for bounds and `status`. */
	uint64_t (*bytes)(struct kv *kv);
};

/* First members of what an implementation makes of them. */
struct kv {
	const struct kv_ops *ops;
};

struct kv_txn {
	struct kv *kv;
};

static inline void kv_close(struct kv *take_kv)
{
	if (take_kv)
		take_kv->ops->close(take_kv);
}

/*
 * One write transaction at a time; any number of read transactions, each a consistent snapshot.
 * AS_EREFUSED: KV_WRITE of what was opened for reading.
 */
static inline AS_MUST_CHECK as_err kv_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	return kv->ops->begin(kv, mode, ret_txn);
}

/*
 * Ends the transaction, whatever it returns; *txn is NULL afterwards.
 * AS_OK: durable. AS_EFULL: nothing written. AS_EIO: unknown whether it is durable, and the kv answers AS_EIO
 * to everything until it is opened again.
 */
static inline AS_MUST_CHECK as_err kv_commit(struct kv_txn **txn)
{
	struct kv_txn *t = *txn;

	*txn = NULL;
	return t->kv->ops->commit(t);
}

/* For AS_AUTO(kv_txn) struct kv_txn *txn = NULL: rolls back what was not committed. */
static inline void kv_txn_done(struct kv_txn **txn)
{
	if (*txn)
		(*txn)->kv->ops->abort(*txn);
	*txn = NULL;
}

/*
 * The last part of the space is for what must go on when the store is full (receipts, keys, cuts, erasures): a
 * write transaction says that it is such a one.
 */
static inline void kv_write_reserve(struct kv_txn *txn)
{
	if (txn->kv->ops->reserve)
		txn->kv->ops->reserve(txn);
}

/* AS_ENOTFOUND. */
static inline AS_MUST_CHECK as_err kv_get(struct kv_txn *txn, unsigned table, struct bytes key,
					  struct bytes *ret_value)
{
	return txn->kv->ops->get(txn, table, key, ret_value);
}

/* Replaces. AS_EFULL: abort the transaction. AS_EINVAL, AS_ETOOBIG: key or value outside the limits. */
static inline AS_MUST_CHECK as_err kv_put(struct kv_txn *txn, unsigned table, struct bytes key,
					  struct bytes value)
{
	return txn->kv->ops->put(txn, table, key, value);
}

/* AS_ENOTFOUND: there was none. */
static inline AS_MUST_CHECK as_err kv_del(struct kv_txn *txn, unsigned table, struct bytes key)
{
	return txn->kv->ops->del(txn, table, key);
}

/* First pair with key >= the given one (after: > the given one); an empty key is before all. AS_ENOTFOUND. */
static inline AS_MUST_CHECK as_err kv_seek(struct kv_txn *txn, unsigned table, struct bytes key, bool after,
					   struct bytes *ret_key, struct bytes *ret_value)
{
	return txn->kv->ops->seek(txn, table, key, after, ret_key, ret_value);
}

/* Last pair with key < the given one; an empty key is after all. AS_ENOTFOUND. */
static inline AS_MUST_CHECK as_err kv_seek_before(struct kv_txn *txn, unsigned table, struct bytes key,
						  struct bytes *ret_key, struct bytes *ret_value)
{
	return txn->kv->ops->seek_before(txn, table, key, ret_key, ret_value);
}

#endif
