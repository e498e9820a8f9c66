/* common/sync: tables that are full and numbers that are used up. Nothing is half done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/sync/branch.h"
#include "common/sync/hq.h"

static struct sync_out last;
static unsigned outs[SYNC_ALARM + 1];
static enum sync_alarm alarm;

static void on_out(void *ctx, const struct sync_out *out)
{
	(void)ctx;
	last = *out;
	outs[out->type]++;
	if (out->type == SYNC_ALARM)
		alarm = out->alarm.what;
}

static bool no_block(void *ctx, const struct log_id *log, uint64_t index, struct block_meta *m)
{
	(void)ctx;
	(void)log;
	(void)index;
	(void)m;
	return false;
}

static const struct sync_env env = {.out = on_out, .block_at = no_block};

static struct log_row row_of(uint8_t cls, uint32_t number)
{
	struct log_row r = {.id = {.cls = cls, .branch = "BJ01", .number = number, .inc = {1}},
			    .head = {.size = 1},
			    .end = LOG_NO_END};

	return r;
}

static int set_up(void **state)
{
	(void)state;
	memset(outs, 0, sizeof outs);
	memset(&last, 0, sizeof last);
	alarm = ALARM_NONE;
	return 0;
}

/* ---- head office -------------------------------------------------------------------------------------- */

static struct hq_core hq;
static struct sync_log hq_logs[2];
static struct hq_token tokens[2];
static struct hq_node nodes[1];

static void hq_begin(void)
{
	struct hq_conf conf = {.instance = 1,
			       .env = env,
			       .logs = hq_logs,
			       .logs_cap = AS_COUNT(hq_logs),
			       .nodes = nodes,
			       .nodes_cap = AS_COUNT(nodes),
			       .tokens = tokens,
			       .tokens_cap = AS_COUNT(tokens),
			       .pool = HQ_CREDIT_QUANTUM};

	hq_core_init(&hq, &conf);
}

static struct hq_token token_of(uint32_t number)
{
	return (struct hq_token){.number = number, .branch = "BJ01", .state = TOKEN_OPEN};
}

static bool add(uint32_t number)
{
	struct hq_token t = token_of(number);

	return hq_core_add_token(&hq, &t);
}

static void tokens_keep_their_places(void **state)
{
	(void)state;
	hq_begin();
	assert_true(hq_core_token_room(&hq) && add(1));
	assert_true(hq_core_token_room(&hq) && add(2));
	assert_false(hq_core_token_room(&hq) || add(3));
	/* a spent one that others may still use keeps its place; what is there is not put in it a second time
	 */
	hq.tokens[0].state = TOKEN_SPENT;
	hq.tokens[0].more = true;
	assert_false(hq_core_token_room(&hq) || add(3));
	hq.tokens[0].more = false;
	assert_true(add(2));
	assert_true(hq.tokens_n == 2 && hq.tokens[0].number == 1 && hq.tokens[1].number == 2);
	/* one that nobody can use makes room, when there is no other */
	assert_true(hq_core_token_room(&hq) && add(3));
	assert_true(hq.tokens_n == 2 && hq.tokens[0].number == 2 && hq.tokens[1].number == 3);
	assert_true(hq_core_token(&hq, 1) == NULL && hq_core_token(&hq, 3) == &hq.tokens[1]);
}

/* Whoever has room for larger tables gives them; what stood in the small ones stands there still. */
static void larger_tables(void **state)
{
	(void)state;
	static struct sync_log more_logs[3];
	static struct hq_token more_tokens[4];
	static struct hq_node more_nodes[2];
	const struct hq_tables larger = {.logs = more_logs,
					 .logs_cap = AS_COUNT(more_logs),
					 .nodes = more_nodes,
					 .nodes_cap = AS_COUNT(more_nodes),
					 .tokens = more_tokens,
					 .tokens_cap = AS_COUNT(more_tokens)};
	struct log_row live[3] = {row_of(LOG_LIVE, 1), row_of(LOG_BULK, 1), row_of(LOG_LIVE, 2)};

	hq_begin();
	assert_true(add(5) && add(2) && !add(3));
	assert_true(hq_core_add_node(&hq, "BJ01\0\0\0") && !hq_core_add_node(&hq, "AH01\0\0\0"));
	assert_true(hq_core_load_log(&hq, &live[0]) && hq_core_load_log(&hq, &live[1]));
	assert_false(hq_core_room(&hq, &live[2].id));
	hq_core_grow(&hq, &(struct hq_tables){.nodes = more_nodes, .nodes_cap = AS_COUNT(more_nodes)});
	assert_true(hq.tokens == tokens && hq.c.logs == hq_logs && hq.nodes == more_nodes);
	hq.nodes = nodes;
	hq_core_grow(&hq, &larger);
	memset(hq_logs, 0xa5, sizeof hq_logs);
	memset(tokens, 0xa5, sizeof tokens);
	memset(nodes, 0xa5, sizeof nodes);
	assert_true(add(3) && hq_core_add_node(&hq, "AH01\0\0\0") && hq_core_load_log(&hq, &live[2]));
	assert_int_equal(hq.tokens_n, 3);
	assert_true(hq.tokens[0].number == 2 && hq.tokens[1].number == 3 && hq.tokens[2].number == 5);
	assert_true(hq.nodes_n == 2 && memcmp(hq.nodes[0].branch, "AH01", 4) == 0 &&
		    memcmp(hq.nodes[1].branch, "BJ01", 4) == 0);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(sync_log_find(&hq.c, &live[i].id));
}

static void head_office_appends_to_one_log_too_many(void **state)
{
	(void)state;
	struct log_row all = {.id = {.cls = LOG_HQ_ALL, .number = 1}, .head = {.size = 3}, .end = LOG_NO_END};
	struct log_row live = row_of(LOG_LIVE, 1), to = row_of(LOG_HQ_BRANCH, 1);

	hq_begin();
	memset(to.id.inc, 0, sizeof to.id.inc);
	assert_true(hq_core_load_log(&hq, &all) && hq_core_room(&hq, &live.id));
	assert_true(hq_core_load_log(&hq, &live));
	assert_true(hq_core_room(&hq, &all.id) && hq_core_room(&hq, &live.id));
	assert_false(hq_core_room(&hq, &to.id));
	assert_true(hq_core_append(&hq, 1, &all.id));
	hq_core_appended(&hq, 2,
			 &to); /* written all the same: it stands in no table, and no other log is touched */
	assert_true(alarm == ALARM_TOO_MANY && hq.c.logs_n == 2);
	all.head.size = 4;
	assert_true(hq_core_append(&hq, 3, &all.id));
	hq_core_appended(&hq, 4, &all);
	assert_int_equal(hq.c.logs[0].row.head.size, 4);
	assert_int_equal(hq.c.logs[1].row.head.size, 1);
}

/* ---- branch ------------------------------------------------------------------------------------------- */

static struct branch_core br;
static struct sync_log br_logs[4];
static struct sync_item queue[8];

static void branch_begin(size_t cap, uint32_t number, bool ours)
{
	struct branch_conf conf = {.branch = "BJ01",
				   .env = env,
				   .logs = br_logs,
				   .logs_cap = cap,
				   .queue = queue,
				   .queue_cap = AS_COUNT(queue)};
	struct log_row row = row_of(LOG_LIVE, number);
	struct branch_start start = {
	    .rows = &row, .rows_n = 1, .has_open = true, .open = row.id, .ours = ours, .joined = true};

	branch_core_init(&br, &conf);
	branch_core_load(&br, &start, 0);
}

static const uint8_t random_bytes[16] = {9};

static void a_child_needs_a_place(void **state)
{
	(void)state;
	branch_begin(2, 1, false); /* there is one, but a fork would need two */
	branch_core_want(&br, 1, LOG_LIVE, random_bytes);
	assert_true(last.type == SYNC_APPEND && last.append.verdict == APPEND_NO_LOG);
	assert_int_equal(outs[SYNC_OPEN], 0);
	assert_false(br.opening || br.c.appending);
	branch_begin(3, 1, false);
	branch_core_want(&br, 1, LOG_LIVE, random_bytes);
	assert_true(last.type == SYNC_OPEN && last.open.log.number == 2);
	/* its place is kept while it is being made */
	struct log_row other = row_of(LOG_BULK, 1), more = row_of(LOG_BULK, 7), child = row_of(LOG_LIVE, 2);
	child.id = last.open.log;
	assert_non_null(sync_log_add(&br.c, &other));
	assert_null(sync_log_add(&br.c, &more));
	assert_int_equal(alarm, ALARM_TOO_MANY);
	branch_core_appended(&br, 2, &child);
	assert_int_equal(br.c.logs_n, 3);
	branch_core_want(&br, 3, LOG_LIVE, random_bytes);
	assert_true(last.type == SYNC_APPEND && last.append.verdict == APPEND_GO);
}

static void the_other_class_needs_a_place(void **state)
{
	(void)state;
	branch_begin(1, 1, true);
	branch_core_want(&br, 1, LOG_LIVE, random_bytes);
	assert_int_equal(last.append.verdict, APPEND_GO);
	branch_core_not_appended(&br, 2);
	branch_core_want(&br, 3, LOG_BULK, random_bytes);
	assert_true(last.type == SYNC_APPEND && last.append.verdict == APPEND_NO_LOG);
}

static void a_child_needs_a_number(void **state)
{
	(void)state;
	branch_begin(4, UINT32_MAX, false);
	branch_core_want(&br, 1, LOG_LIVE, random_bytes);
	assert_true(last.type == SYNC_APPEND && last.append.verdict == APPEND_NO_LOG);
	assert_int_equal(outs[SYNC_OPEN], 0);
}

static void a_fork_needs_places(void **state)
{
	(void)state;
	struct msg up = {.type = MSG_REFUSE, .refuse = {.reason = REFUSE_FORKED}};

	branch_begin(2, 1, false);
	branch_core_link_up(&br, 1, 1, SYNC_LINK_NODE, random_bytes);
	br.s.open = true;
	up.session = br.s.my_nonce;
	up.refuse.log = br.c.logs[0].row.id;
	branch_core_recv(&br, 2, &up);
	assert_true(alarm == ALARM_TOO_MANY && outs[SYNC_FORK] == 0 && !br.forking);
	assert_true(br.c.logs[0].cut_to == LOG_NO_END);
}

#define T(f) cmocka_unit_test_setup(f, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(tokens_keep_their_places), T(larger_tables), T(head_office_appends_to_one_log_too_many),
	    T(a_child_needs_a_place),	 T(the_other_class_needs_a_place),
	    T(a_child_needs_a_number),	 T(a_fork_needs_places),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
