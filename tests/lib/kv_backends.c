#include "tests/lib/kv_backends.h"

#include "common/base/check.h"

static as_err mem_crash(struct kv **kv)
{
	kv_mem_crash(*kv);
	return AS_OK;
}

const struct kv_backend kv_backends[] = {
    {
	.name = "mem",
	.open = kv_mem_new,
	.crash = mem_crash,
	.snapshot = kv_mem_snapshot,
	.fault = kv_mem_fault,
	.hold_sync = kv_mem_hold_sync,
	.sync = kv_mem_sync,
	.limit = kv_mem_limit,
	.fail_nth = kv_mem_fail_nth,
	.fail_pending = kv_mem_fail_pending,
	.flip = kv_mem_flip,
    },
};

const size_t kv_backends_n = AS_COUNT(kv_backends);
