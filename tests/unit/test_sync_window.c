/* common/sync: a log of very many small blocks. Credit would let all of them go at once; a branch and a link have
 * places for some hundred. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/sync/hq.h"

#define BLOCKS 4000 /* of one event and 500 bytes */

static struct hq_core hq;
static struct sync_log logs[4];
static struct sync_item queue[16];
static struct sync_session sessions[2];
static struct hq_node nodes[2];
static struct hq_token tokens[1];
static uint64_t sent, peer, most, refused, nonce;

static void on_out(void *ctx, const struct sync_out *out)
{
	(void)ctx;
	if (out->type != SYNC_SEND)
		return;
	const struct msg *m = out->send.msg;
	if (m->type == MSG_HELLO)
		nonce = m->hello.nonce;
	else if (m->type == MSG_REFUSE)
		refused++;
	else if (m->type == MSG_BLOCK) {
		assert_int_equal(m->block.first, sent);
		sent += m->block.count;
		if (sent - peer > most)
			most = sent - peer;
	}
}

static bool one_event(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *m)
{
	(void)ctx;
	(void)log;
	*m = (struct block_meta){.first = index, .count = 1, .bytes = 500};
	return index < BLOCKS;
}

static const struct log_id all = {.cls = LOG_HQ_ALL, .number = 1};
static const struct hq_link link_of_branch = {.link = 1, .kind = SYNC_LINK_NODE, .branch = "BJ01"};

static void hello(uint64_t now, uint64_t number)
{
	struct msg m = {.type = MSG_HELLO,
			.hello = {.wire_min = WIRE_VERSION_MIN,
				  .wire_max = WIRE_VERSION,
				  .branch = "BJ01",
				  .nonce = number,
				  .credit = 16 * 1024 * 1024,
				  .heads_n = 1,
				  .heads = {{.log = all, .head = {.size = peer}}}}};

	sent = peer;
	hq_core_recv(&hq, now, &link_of_branch, &m);
	m = (struct msg){.type = MSG_HEADS, .session = nonce, .heads = {.last = true}};
	hq_core_recv(&hq, now, &link_of_branch, &m);
}

/* It has so much more on its disk. */
static void have(uint64_t now, uint64_t size)
{
	struct msg m = {.type = MSG_HAVE, .session = nonce, .have = {.log = all, .head = {.size = size}}};

	peer = size;
	hq_core_recv(&hq, now, &link_of_branch, &m);
}

static int set_up(void **state)
{
	struct hq_conf conf = {.instance = 1,
			       .env = {.out = on_out, .block_at = one_event},
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
			       .pool = HQ_CREDIT_QUANTUM};
	struct log_row row = {.id = all, .head = {.size = BLOCKS}, .end = LOG_NO_END};

	(void)state;
	sent = peer = most = refused = nonce = 0;
	hq_core_init(&hq, &conf);
	assert_true(hq_core_load_log(&hq, &row) && hq_core_add_node(&hq, "BJ01\0\0\0"));
	return 0;
}

static void all_go_and_never_too_many_at_once(void **state)
{
	uint64_t now = 1;

	(void)state;
	hello(now, 1);
	assert_int_equal(sent, SYNC_BLOCKS_WINDOW);
	while (peer < BLOCKS) { /* it commits a few at a time */
		uint64_t more = 1 + peer * 7 % 61;
		have(++now, peer + more < sent ? peer + more : sent);
		assert_true(sent - peer >= SYNC_BLOCKS_WINDOW / 2 || sent == BLOCKS); /* nothing waits for nothing */
	}
	assert_int_equal(most, SYNC_BLOCKS_WINDOW);
	assert_true(sent == BLOCKS && refused == 0);
}

static void a_new_session_begins_where_the_branch_is(void **state)
{
	(void)state;
	hello(1, 1);
	have(2, 100);
	hello(3, 2);
	assert_true(sent > 100 && sent <= 100 + SYNC_BLOCKS_WINDOW);
	for (uint64_t now = 4; peer < BLOCKS; now++)
		have(now, sent);
	assert_int_equal(sent, BLOCKS);
}

/* A block was refused once: it is sent again from there, and what follows it. */
static void what_is_sent_again_counts_again(void **state)
{
	struct msg no = {.type = MSG_REFUSE, .refuse = {.reason = REFUSE_SIGNATURE, .log = all, .first = 90}};

	(void)state;
	hello(1, 1);
	have(2, 90);
	no.session = nonce;
	hq_core_recv(&hq, 3, &link_of_branch, &no);
	sent = 90;
	hq_core_checked(&hq, 4, &all, 90, true);
	assert_true(sent > 90);
	for (uint64_t now = 5; peer < BLOCKS; now++) {
		uint64_t before = sent;
		have(now, sent);
		assert_true(sent > before || sent == BLOCKS);
	}
}

#define T(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(all_go_and_never_too_many_at_once),
	    T(a_new_session_begins_where_the_branch_is),
	    T(what_is_sent_again_counts_again),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
