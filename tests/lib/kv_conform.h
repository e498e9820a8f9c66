/*
 * Runs every test of a suite on every backend of kv_backends.h as one TAP group; a test finds its backend in
 * *state. Header only: tests/lib is also linked into programs without cmocka. Include cmocka.h first.
 */
#ifndef AFTERSYNC_TESTS_LIB_KV_CONFORM_H
#define AFTERSYNC_TESTS_LIB_KV_CONFORM_H

#include <stdio.h>

#include "common/base/check.h"
#include "tests/lib/kv_backends.h"

/* Returns the exit status of main. */
static inline int kv_backends_run(const char *group, const struct CMUnitTest *tests, size_t n)
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

#endif
