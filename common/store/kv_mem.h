/*
 * kv.h in memory, for the simulator and the tests: an immutable balanced tree with shared, counted nodes, so
 * that a transaction, an abort and a snapshot of the whole store cost a pointer; and every fault a disk has,
 * on command.
 *
 * Threads: a store and all its snapshots share nodes and belong to one thread.
 */
#ifndef AFTERSYNC_STORE_KV_MEM_H
#define AFTERSYNC_STORE_KV_MEM_H

#include "common/store/kv.h"

enum kv_mem_fault {
	KV_MEM_NO_FAULT,
	KV_MEM_COMMIT_LOST,    /* the next commit answers AS_EIO and is not durable */
	KV_MEM_COMMIT_DOUBTED, /* the next commit answers AS_EIO and is durable */
	KV_MEM_COMMIT_FULL,    /* the next commit answers AS_EFULL and writes nothing */
};

/* The caller closes it with kv_close. */
as_err kv_mem_new(struct kv **ret_kv) AS_MUST_CHECK;

/*
 * An independent copy of what is committed (synced or not), without faults, limit and hold of the original.
 * O(1). The copy of a store that is broken after AS_EIO works.
 */
as_err kv_mem_snapshot(struct kv *kv, struct kv **ret_copy) AS_MUST_CHECK;

/* For the next commit of a write transaction; replaces a fault not yet used. */
void kv_mem_fault(struct kv *kv, enum kv_mem_fault fault);

/* While on, commits answer AS_OK but are lost by kv_mem_crash until kv_mem_sync. Turning it off syncs. */
void kv_mem_hold_sync(struct kv *kv, bool on);
void kv_mem_sync(struct kv *kv);

/*
 * Power cut and restart: what is not synced is gone, the store works again after AS_EIO. Transactions still
 * open answer AS_EIO from now on and are to be aborted.
 */
void kv_mem_crash(struct kv *kv);

/* Puts and commits that would pass this many bytes answer AS_EFULL; 0: no limit. */
void kv_mem_limit(struct kv *kv, uint64_t bytes_max);

/* The n-th call from now (1 = the next; 0 = none) of begin, get, put, del, seek, commit answers AS_EIO, once.
 */
void kv_mem_fail_nth(struct kv *kv, uint64_t n);
/* True while a failure set by kv_mem_fail_nth is still to come. */
bool kv_mem_fail_pending(const struct kv *kv);

/* Inverts bit (counted from the first byte's lowest; taken modulo the length) of a committed value, durable
 * at once. AS_ENOTFOUND: no such key, or an empty value. Open transactions and snapshots do not see it. */
as_err kv_mem_flip(struct kv *kv, unsigned table, struct bytes key, uint64_t bit) AS_MUST_CHECK;

#endif
