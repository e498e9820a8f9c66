#include "tests/lib/kv_backends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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

int kv_backends_run(const char *group, const struct CMUnitTest *tests, size_t n)
{
	static char names[256][96];
	struct CMUnitTest all[AS_COUNT(names)];
	size_t count = 0;
	union {
		const struct kv_backend *in;
		void *out; /* cmocka hands states over as void * */
	} state;

	for (size_t b = 0; b < kv_backends_n; b++)
		for (size_t i = 0; i < n; i++) {
			as_assert(count < AS_COUNT(all));
			state.in = &kv_backends[b];
			snprintf(names[count], sizeof names[count], "%s: %s", kv_backends[b].name,
				 tests[i].name);
			all[count] = tests[i];
			all[count].name = names[count];
			all[count].initial_state = state.out;
			count++;
		}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(group, all, count, NULL, NULL);
}
