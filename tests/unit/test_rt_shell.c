/* daemon/rt/shell: how many received blocks are opened ahead of their commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "daemon/rt/shell.h"
#include "tests/lib/loop_rig.h"
#include "tests/lib/node_rig.h"

#define BLOCKS 100
#define VERIFYING_MAX 32		      /* as docs/architecture.md says */
#define OPENED_BYTES_MAX (16u * 1024 * 1024) /* … */

static struct node_rig hq, br;
static struct log_id live;
static struct loop *loop;
static struct shell shell;
static uint32_t verdicts[BLOCKS], verdicts_n, wanted_n;

static void on_verified(void *ctx, const struct sync_verified *v)
{
	(void)ctx;
	assert_true(verdicts_n < BLOCKS);
	verdicts[verdicts_n++] = v->slot;
}

static bool is_wanted(void *ctx, uint32_t slot)
{
	(void)ctx;
	(void)slot;
	return true;
}

static const struct shell_role role = {.verified = on_verified, .is_wanted = is_wanted};

static int set_up(void **state)
{
	struct as_errmsg em = {0};

	(void)state;
	verdicts_n = 0;
	node_rig_pair(&hq, &br, &live);
	assert_int_equal(loop_open(&loop), AS_OK);
	assert_int_equal(shell_open(&shell, loop, &hq.home, 1, &role, NULL, &em), AS_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shell_close(&shell);
	loop_close(loop);
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

/* A block that is none: its verdict is as good as another. */
static uint32_t verify_next(void)
{
	static const uint8_t bytes[200];
	struct msg m = {.type = MSG_BLOCK, .block = {.log = live, .count = 1, .block = {.p = bytes, .n = sizeof bytes}}};
	struct sync_out out = {.type = SYNC_VERIFY};

	assert_true(received_take(&shell.slots, hq.home.org, &m));
	out.verify.slot = m.block.slot;
	shell_out(&shell, &out);
	return m.block.slot;
}

static bool all_said(void)
{
	return verdicts_n == wanted_n;
}

static void a_bounded_number_is_with_the_threads(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BLOCKS; i++) {
		assert_int_equal(verify_next(), i);
		assert_int_equal(shell.verifying, i < VERIFYING_MAX ? i + 1 : VERIFYING_MAX);
	}
	/* one that waits is given back, and nobody is told of it */
	shell_out(&shell, &(struct sync_out){.type = SYNC_FREE, .free = {.slot = 50}});
	wanted_n = BLOCKS - 1;
	loop_rig_until(loop, all_said);
	for (uint32_t i = 0; i < wanted_n; i++)
		assert_int_equal(verdicts[i], i < 50 ? i : i + 1); /* in their order */
	assert_int_equal(shell.verifying, 0);
	assert_null(received_at(&shell.slots, 50));
}

static void what_is_opened_is_bounded(void **state)
{
	(void)state;
	shell.slots.opened_bytes += OPENED_BYTES_MAX; /* as if so much waited for its commit */
	verify_next();
	assert_int_equal(shell.verifying, 0);
	shell.slots.opened_bytes -= 1;
	verify_next();
	assert_int_equal(shell.verifying, 2);
	wanted_n = 2;
	loop_rig_until(loop, all_said);
	shell.slots.opened_bytes -= OPENED_BYTES_MAX - 1;
}

static void those_that_wait_end_with_the_shell(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BLOCKS; i++)
		verify_next();
	assert_non_null(shell.to_verify);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_bounded_number_is_with_the_threads),
	    T(what_is_opened_is_bounded),
	    T(those_that_wait_end_with_the_shell),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
