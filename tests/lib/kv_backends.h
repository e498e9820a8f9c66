/*
 * The key-value stores that the conformance suites run on: a new one is a row in kv_backends.c.
 *
 * What a backend cannot do on command is NULL, and the tests that need it leave it out.
 */
#ifndef AFTERSYNC_TESTS_LIB_KV_BACKENDS_H
#define AFTERSYNC_TESTS_LIB_KV_BACKENDS_H

#include "common/store/kv.h"
#include "common/store/kv_mem.h"

struct kv_backend {
	const char *name;
	as_err (*open)(struct kv **ret_kv); /* new and empty; closed with kv_close */
	as_err (*crash)(struct kv **kv);    /* power cut and reopening; *kv may change */
	as_err (*snapshot)(struct kv *kv, struct kv **ret_copy);
	void (*fault)(struct kv *kv, enum kv_mem_fault fault);
	void (*hold_sync)(struct kv *kv, bool on);
	void (*sync)(struct kv *kv);
	void (*limit)(struct kv *kv, uint64_t bytes_max);
	void (*fail_nth)(struct kv *kv, uint64_t n);
	bool (*fail_pending)(const struct kv *kv);
	as_err (*flip)(struct kv *kv, unsigned table, struct bytes key, uint64_t bit);
};

extern const struct kv_backend kv_backends[];
extern const size_t kv_backends_n;

#endif
