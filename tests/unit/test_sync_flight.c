/* common/sync: a branch that catches up while head office is at a commit: what it may send meanwhile, and how much of it the
 * next commit takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/sync/hq.h"

#define BLOCKS 40
#define BYTES (100 * 1024) /* of each */

static struct hq_core hq;
static struct sync_log logs[4];
static struct sync_item queue[64];
static struct sync_session sessions[2];
static struct hq_node nodes[2];
static struct hq_token tokens[1];
static uint64_t nonce, credit, verifies, commits, committed[4];

static void on_out(void *ctx, const struct sync_out *out)
{
	(void)ctx;
	if (out->type == SYNC_VERIFY)
		verifies++;
	else if (out->type == SYNC_COMMIT && commits < AS_COUNT(committed))
		committed[commits++] = out->commit.n;
	else if (out->type == SYNC_SEND && out->send.msg->type == MSG_HELLO) {
		nonce = out->send.msg->hello.nonce;
		credit = out->send.msg->hello.credit;
	} else if (out->type == SYNC_SEND && out->send.msg->type == MSG_HAVE && out->send.msg->have.credit > credit)
		credit = out->send.msg->have.credit;
}

static bool no_block(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *m)
{
	(void)ctx;
	(void)log;
	(void)index;
	(void)m;
	return false;
}

static const struct log_id live = {.branch = "BJ01", .cls = LOG_LIVE, .number = 1, .inc = {1}};
static const struct hq_link link_of_branch = {.link = 1, .kind = SYNC_LINK_NODE, .branch = "BJ01"};

static struct log_head head_at(uint64_t size)
{
	struct log_head h = {.size = size};

	memset(h.root, (int)size, sizeof h.root);
	return h;
}

static int set_up(void **state)
{
	struct hq_conf conf = {.instance = 1,
			       .env = {.out = on_out, .block_at = no_block},
			       .logs = logs,
			       .logs_cap = AS_COUNT(logs),
			       .queue = queue,
			       .queue_cap = AS_COUNT(queue),
			       .sessions = sessions,
			       .sessions_cap = AS_COUNT(sessions),
			       .nodes = nodes,
			       .nodes_cap = AS_COUNT(nodes),
			       .tokens = tokens,
			       .tokens_cap = AS_COUNT(tokens),
			       .pool = 64u * 1024 * 1024};
	struct msg m = {.type = MSG_HELLO,
			.hello = {.wire_min = WIRE_VERSION_MIN,
				  .wire_max = WIRE_VERSION,
				  .branch = "BJ01",
				  .nonce = 7,
				  .heads_n = 1,
				  .heads = {{.log = live, .head = head_at(BLOCKS + 1)}}}};
	struct log_row row = {.id = live, .head = head_at(1), .end = LOG_NO_END}; /* it was here before */

	(void)state;
	nonce = credit = verifies = commits = 0;
	hq_core_init(&hq, &conf);
	assert_true(hq_core_load_log(&hq, &row) && hq_core_add_node(&hq, "BJ01\0\0\0"));
	hq_core_recv(&hq, 1, &link_of_branch, &m);
	m = (struct msg){.type = MSG_HEADS, .session = nonce, .heads = {.last = true}};
	hq_core_recv(&hq, 2, &link_of_branch, &m);
	return 0;
}

/* Sends the block after those before it if credit allows, which is then verified. */
static bool send_block(uint64_t i)
{
	static const uint8_t bytes[BYTES];
	struct msg m = {.type = MSG_BLOCK,
			.session = nonce,
			.block = {.log = live, .first = i + 1, .count = 1, .block = {.p = bytes, .n = BYTES}, .slot = (uint32_t)i}};
	struct sync_verified v = {.slot = (uint32_t)i, .head = head_at(i + 2)};

	if ((i + 1) * BYTES > credit)
		return false;
	hq_core_recv(&hq, 3 + i, &link_of_branch, &m);
	assert_int_equal(verifies, i + 1);
	hq_core_verified(&hq, 3 + i, &v);
	return true;
}

/* The first commit is under way all the time, and the branch never asks. */
static void credit_does_not_wait_for_the_commit(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_true(send_block(i));
	assert_int_equal(commits, 1);
	assert_int_equal(committed[0], 1);
	/* nothing more is to come: no further turn */
	assert_true(credit < (uint64_t)BLOCKS * BYTES + HQ_CREDIT_QUANTUM + BLOCK_BYTES_MAX);
}

static void a_commit_ends_at_a_mebibyte(void **state)
{
	const size_t most = SYNC_FLIGHT_BYTES / BYTES + 1;
	uint64_t left = BLOCKS - 1;

	(void)state;
	for (uint64_t i = 0; i < BLOCKS; i++)
		assert_true(send_block(i));
	for (size_t k = 1; k < AS_COUNT(committed); k++) {
		hq_core_committed(&hq, 100 + k, &(struct sync_committed){.result = COMMIT_OK});
		assert_int_equal(commits, k + 1);
		assert_int_equal(committed[k], left < most ? left : most);
		left -= committed[k];
	}
}

#define T(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(credit_does_not_wait_for_the_commit),
	    T(a_commit_ends_at_a_mebibyte),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
