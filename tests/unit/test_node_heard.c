/* common/node/heard: the table of when branches were heard, and what is written down of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/node/heard.h"
#include "tests/lib/node_rig.h"

static void branch_no(int i, char out[BRANCH_CODE_MAX])
{
	char text[12];

	snprintf(text, sizeof text, "%08d", i);
	memcpy(out, text, BRANCH_CODE_MAX);
}

static void the_latest_counts(void **state)
{
	(void)state;
	struct heard s = {0};

	assert_int_equal(heard_of(&s, "BJ01\0\0\0"), 0);
	assert_true(heard_put(&s, "BJ01\0\0\0", 10) && heard_put(&s, "AJ01\0\0\0", 20));
	assert_false(heard_put(&s, "BJ01\0\0\0", 9));
	assert_true(heard_put(&s, "BJ01\0\0\0", 11));
	assert_int_equal(heard_of(&s, "BJ01\0\0\0"), 11);
	assert_int_equal(heard_of(&s, "AJ01\0\0\0"), 20);
	assert_int_equal(heard_of(&s, "CJ01\0\0\0"), 0);
	heard_done(&s);
}

static void many_are_written_down(void **state)
{
	(void)state;
	struct node_rig hq;
	struct heard s = {0}, back;
	char code[BRANCH_CODE_MAX];

	node_rig_hq(&hq);
	heard_load(hq.n, &back);
	assert_int_equal(back.n, 0);
	heard_done(&back);
	for (int i = 0; i < 10000; i++) { /* more than one value holds */
		branch_no(i * 7919 % 10000, code);
		assert_true(heard_put(&s, code, i + 1));
	}
	node_rig_begin(&hq);
	assert_int_equal(heard_to_batch(&hq.b, &s), AS_OK);
	node_rig_commit(&hq);
	node_rig_again(&hq);
	heard_load(hq.n, &back);
	assert_int_equal(back.n, 10000);
	for (int i = 0; i < 10000; i++) {
		branch_no(i * 7919 % 10000, code);
		assert_int_equal(heard_of(&back, code), i + 1);
	}
	heard_done(&back);
	heard_done(&s);
	node_rig_done(&hq);
}

static void receipts_carry_the_time(void **state)
{
	(void)state;
	struct node_rig hq, br;
	struct log_id live;

	node_rig_pair(&hq, &br, &live);
	assert_int_equal(heard_receipt(br.n), 0);
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	node_rig_receipt(&hq, &br, &live);
	assert_true(heard_receipt(br.n) > 0 && heard_receipt(br.n) % 1000 == 0);
	node_rig_done(&br);
	node_rig_done(&hq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_latest_counts),
	    cmocka_unit_test(many_are_written_down),
	    cmocka_unit_test(receipts_carry_the_time),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
