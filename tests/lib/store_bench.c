#include "tests/lib/store_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rig_bench rig_bench_open(void **state, enum store_role role)
{
	struct rig_bench t = {.b = *state};
	struct rng r = {.state = 7};
	static struct gen g;

	assert_int_equal(t.b->open(&t.kv), AS_OK);
	t.st = rig_open(t.kv, role);
	t.log = rig_log_new(LOG_LIVE, RIG_BRANCH, 1, NULL, 0);
	gen_init(&g, RIG_BRANCH, &(struct gen_opts){.illegal_pm = 50, .unknown_pm = 30, .damaged_pm = 30});
	rig_generate(t.log, &g, &r, 40);
	return t;
}

void rig_bench_close(struct rig_bench *t)
{
	rig_log_free(t->log);
	store_close(t->st);
	kv_close(t->kv);
}
