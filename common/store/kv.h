/*
 * Ordered key-value store with one writer: what the node store needs of LMDB, and no more.
 *
 * Implementations: kv_mem (persistent tree; snapshots, lost and doubtful commits on command) and, for the daemons,
 * LMDB. One conformance suite runs on all.
 *
 * Keys are 1 to 64 bytes, compared bytewise; values up to 1 MiB. Slices returned by a read stay valid until the
 * next write in the same transaction or its end.
 */
#ifndef AFTERSYNC_STORE_KV_H
#define AFTERSYNC_STORE_KV_H

#include "common/base/bytes.h"
#include "common/base/err.h"

#define KV_KEY_MAX 64
#define KV_VALUE_MAX (1024 * 1024)

struct kv;
struct kv_txn;

enum kv_mode { KV_READ, KV_WRITE };

struct kv_ops {
	void (*close)(struct kv *kv);
	/* One write transaction at a time; any number of read transactions, each a consistent snapshot. */
	as_err (*begin)(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn);
	/* AS_OK: durable. AS_EFULL: nothing written. AS_EIO: unknown whether it is durable; the kv is unusable. */
	as_err (*commit)(struct kv_txn *take_txn);
	void (*abort)(struct kv_txn *take_txn);
	as_err (*get)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_value);
	as_err (*put)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes value);
	as_err (*del)(struct kv_txn *txn, unsigned table, struct bytes key);
	/* First pair with key >= the given one (after: > the given one); AS_ENOTFOUND at the end. */
	as_err (*seek)(struct kv_txn *txn, unsigned table, struct bytes key, bool after, struct bytes *ret_key,
		       struct bytes *ret_value);
	/* Last pair with key < the given one. */
	as_err (*seek_before)(struct kv_txn *txn, unsigned table, struct bytes key, struct bytes *ret_key,
			      struct bytes *ret_value);
};

struct kv {
	const struct kv_ops *ops;
};

#endif
