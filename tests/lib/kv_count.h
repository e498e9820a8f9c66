/*
 * A kv before another that counts what is read of it: the cost of a question in rows, which no clock
 * disturbs.
 */
#ifndef AFTERSYNC_TESTS_LIB_KV_COUNT_H
#define AFTERSYNC_TESTS_LIB_KV_COUNT_H

#include "common/store/kv.h"

struct kv_count {
	struct kv base; /* what is handed on; kv_close of it does nothing */
	struct kv *inner;
	uint64_t rows[KV_TABLES]; /* gets and seeks that found one */
};

/* inner is borrowed. */
void kv_count_init(struct kv_count *c, struct kv *inner);
void kv_count_reset(struct kv_count *c);

#endif
