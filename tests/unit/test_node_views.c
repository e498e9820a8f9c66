/* common/node/views: a kept view says what a new one would, and reads of hq/all only what it did not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/node/views.h"
#include "common/store/keys.h"
#include "tests/lib/kv_count.h"
#include "tests/lib/node_rig.h"

static struct node_rig hq, bj;
static struct kv_count hq_count, bj_count;
static struct node_home hq_home, bj_home; /* over the counting kv */
static struct log_id all;

static int set_up(void **state)
{
	(void)state;
	node_rig_hq(&hq);
	node_rig_branch(&bj, &hq, "BJ01", 1);
	all = hq_all_log(&hq.home);
	for (unsigned i = 0; i < 50; i++) {
		char code[9];
		snprintf(code, sizeof code, "B%u", 100 + i % 100);
		node_rig_enrol(&hq, code);
	}
	kv_count_init(&hq_count, hq.home.kv);
	kv_count_init(&bj_count, bj.home.kv);
	hq_home = hq.home;
	hq_home.kv = &hq_count.base;
	bj_home = bj.home;
	bj_home.kv = &bj_count.base;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	node_rig_done(&bj);
	node_rig_done(&hq);
	return 0;
}

/* Takes a view, compares its roster with one read from nothing, and gives it back. Returns the blocks it
 * read. */
static uint64_t look(struct views *v, struct kv_count *c, struct node_home *raw, bool damaged)
{
	struct node *n, *fresh;
	uint64_t blocks;

	kv_count_reset(c);
	assert_int_equal(views_take(v, &n, NULL), AS_OK);
	blocks = c->rows[TABLE_BLOCK];
	assert_int_equal(node_view(&fresh, raw, false, NULL), AS_OK);
	assert_int_equal(n->roster_damaged, damaged);
	assert_int_equal(fresh->roster_damaged, damaged);
	assert_int_equal(n->roster.events, fresh->roster.events);
	assert_int_equal(n->roster.branches_n, fresh->roster.branches_n);
	assert_int_equal(n->roster.instances_n, fresh->roster.instances_n);
	for (size_t i = 0; i < fresh->roster.branches_n; i++)
		assert_memory_equal(n->roster.branches[i].code, fresh->roster.branches[i].code,
				    BRANCH_CODE_MAX);
	node_view_free(fresh);
	views_give(v, n);
	return blocks;
}

static void a_kept_view_reads_what_is_new(void **state)
{
	(void)state;
	struct views *v;

	assert_int_equal(views_open(&v, &hq_home), AS_OK);
	assert_true(look(v, &hq_count, &hq.home, false) >= 50);
	assert_int_equal(look(v, &hq_count, &hq.home, false), 0);
	node_rig_enrol(&hq, "NEW1");
	assert_true(look(v, &hq_count, &hq.home, false) <=
		    5); /* the new block, the one before it, the first */
	assert_int_equal(look(v, &hq_count, &hq.home, false), 0);
	views_close(v);
}

static void each_request_has_its_own(void **state)
{
	(void)state;
	struct node *n[VIEWS_KEPT + 2];
	struct views *v;

	assert_int_equal(views_open(&v, &hq_home), AS_OK);
	for (size_t i = 0; i < AS_COUNT(n); i++) {
		assert_int_equal(views_take(v, &n[i], NULL), AS_OK);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(n[k], n[i]);
	}
	for (size_t i = 0; i < AS_COUNT(n); i++)
		views_give(v, n[i]);
	assert_int_equal(look(v, &hq_count, &hq.home, false), 0);
	views_close(v);
}

/* Back to a block end, as after a fork of head office's log. */
static void cut(uint64_t size)
{
	struct store_op op = {.type = STORE_CUT, .log = all, .cut.size = size};

	assert_int_equal(store_commit(bj.n->st, bj.n->fence, &op, 1, NULL), AS_OK);
	assert_int_equal(node_roster_load(bj.n), AS_OK);
}

static void a_log_that_was_cut_is_read_anew(void **state)
{
	(void)state;
	struct views *v;

	assert_int_equal(node_rig_copy(&hq, &bj, &all), REFUSE_NONE);
	assert_int_equal(views_open(&v, &bj_home), AS_OK);
	uint64_t blocks = look(v, &bj_count, &bj.home, false);
	uint64_t size = node_rig_row(&bj, &all).head.size;
	assert_true(blocks >= 50);
	cut(size - 3);
	assert_true(look(v, &bj_count, &bj.home, false) >= 47);
	assert_int_equal(look(v, &bj_count, &bj.home, false), 0);
	/* cut and grown beyond the old size between two looks, with another content */
	cut(size - 10);
	look(v, &bj_count, &bj.home, false);
	struct node_rig other;
	node_rig_clone(&hq, &other);
	struct store_op op = {.type = STORE_CUT, .log = all, .cut.size = size - 20};
	assert_int_equal(store_commit(other.n->st, other.n->fence, &op, 1, NULL), AS_OK);
	node_rig_again(&other);
	for (unsigned i = 0; i < 30; i++) {
		char code[9];
		snprintf(code, sizeof code, "C%u", 100 + i % 100);
		node_rig_enrol(&other, code);
	}
	cut(size - 20);
	assert_int_equal(node_rig_copy(&other, &bj, &all), REFUSE_NONE);
	assert_true(look(v, &bj_count, &bj.home, false) >= 50);
	node_rig_done(&other);
	views_close(v);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_kept_view_reads_what_is_new),
	    T(each_request_has_its_own),
	    T(a_log_that_was_cut_is_read_anew),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
