/*
 * A store on some backend, and a log to fill it with: what most tests of the store begin with.
 */
#ifndef AFTERSYNC_TESTS_LIB_STORE_BENCH_H
#define AFTERSYNC_TESTS_LIB_STORE_BENCH_H

#include "tests/lib/kv_backends.h"
#include "tests/lib/store_rig.h"

struct rig_bench {
	const struct kv_backend *b;
	struct kv *kv;
	struct store *st;
	struct rig_log *log; /* live, 40 generated events, none of them stored */
};

/* state: cmocka's, holds the backend (kv_conform.h). */
struct rig_bench rig_bench_open(void **state, enum store_role role);
void rig_bench_close(struct rig_bench *t);

#endif
