/* What a damaged row of a stored block comes to: in its meta, in the block, in both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/node/fork.h"
#include "common/store/kv_mem.h"
#include "common/store/rows.h"
#include "tests/lib/node_rig.h"

#define AT 2 /* the block that is damaged, one event like all */

static struct node_rig hq, br;
static struct log_id live;

static int set_up(void **state)
{
	char label[16];

	(void)state;
	node_rig_pair(&hq, &br, &live);
	for (int i = 0; i < 4; i++) {
		snprintf(label, sizeof label, "BJ-%d", i);
		node_rig_submit(&br, &live, node_rig_received(NULL, label, "a"));
	}
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

static void flip(struct node_rig *r, uint64_t first, uint64_t bit)
{
	struct store_key_buf k = key_log_at(&live, first);

	assert_int_equal(kv_mem_flip(r->home.kv, TABLE_BLOCK, key_bytes(&k), bit), AS_OK);
}

static void check_is(struct node_rig *r, as_err want)
{
	char row[KEY_TEXT_MAX];
	struct as_errmsg em = {""};
	struct store_key_buf k = key_log_at(&live, AT);

	key_text(TABLE_BLOCK, key_bytes(&k), row);
	assert_int_equal(store_check(r->n->st, &em), want);
	if (want)
		assert_memory_equal(em.text, row, strlen(row)); /* named */
}

static as_err repair(struct node_rig *r, uint64_t first, struct bytes block)
{
	struct as_errmsg em = {""};

	node_rig_begin(r);
	struct store_op *o = batch_op(&r->b, STORE_REPAIR, &live);
	assert_non_null(o);
	o->aside.first = first;
	o->aside.block = block;
	return batch_commit(&r->b, &em);
}

static bool look(struct node_rig *r, uint64_t index, struct block_meta *m)
{
	return store_block_at(r->n->st, &live, index, m);
}

/* A bit in each field of the meta: the block is whole and says what stood there, and it is named until it is
 * mended. */
static void a_bit_in_the_meta(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		unsigned at, n;
	} fields[] = {{"count", 0, 4},	    {"length", 4, 4},	       {"root", 8, 32},
		      {"keys_upto", 40, 8}, {"check of block", 48, 8}, {"check of meta", 56, 8}};
	struct block_meta was, m;
	AS_AUTO(buf) struct buf block = {0};

	buf_init(&block, BLOCK_BYTES_MAX);
	assert_true(look(&hq, AT, &was));
	assert_false(was.mended || was.damaged);
	for (size_t f = 0; f < AS_COUNT(fields); f++)
		for (unsigned bit = fields[f].at * 8; bit < (fields[f].at + fields[f].n) * 8; bit += 5) {
			flip(&hq, AT, bit);
			if (!look(&hq, AT, &m) || m.damaged || !m.mended || m.first != was.first ||
			    m.count != was.count || m.bytes != was.bytes || m.keys_upto != was.keys_upto ||
			    memcmp(m.root, was.root, 32) != 0)
				fail_msg("%s, bit %u: it is not what it was", fields[f].field, bit);
			assert_int_equal(store_block_read(hq.n->st, &live, AT, &m, &block), AS_OK);
			assert_true(m.mended);
			check_is(&hq, AS_ECORRUPT);
			assert_int_equal(repair(&hq, AT, buf_bytes(&block)), AS_OK);
			check_is(&hq, AS_OK);
			assert_true(look(&hq, AT, &m) && !m.mended);
		}
}

/* As if a sector had gone: of the row only its place is known, and that is all that anybody is told. */
static void meta_and_block(void **state)
{
	(void)state;
	struct block_meta m;
	AS_AUTO(buf) struct buf block = {0}, other = {0};

	buf_init(&block, BLOCK_BYTES_MAX);
	buf_init(&other, BLOCK_BYTES_MAX);
	node_rig_block(&hq, &live, AT, &block);
	node_rig_block(&hq, &live, AT + 1, &other);
	for (unsigned in = 0; in < 2; in++) {
		flip(&hq, AT, 8 * 8 + 3);
		flip(&hq, AT, 64 * 8 + (in ? 3000 : 8)); /* its body, its header */
		assert_true(look(&hq, AT, &m) && m.damaged && !m.mended);
		assert_int_equal(m.first, AT);
		assert_int_equal(m.count, 1);
		assert_int_equal(store_block_read(hq.n->st, &live, AT, &m, &other), AS_ECORRUPT);
		assert_true(look(&hq, AT - 1, &m) && !m.damaged);
		assert_true(look(&hq, AT + 1, &m) && !m.damaged);
		assert_false(look(&hq, 5, &m));
		check_is(&hq, AS_ECORRUPT);
		/* it comes back: verified against what stands around it */
		struct received *slot = node_rig_receive(&hq, buf_bytes(&block), false, false);
		assert_int_equal(slot->v.reason, REFUSE_NONE);
		received_free(&hq.slots, slot->slot);
		assert_int_equal(repair(&hq, AT, buf_bytes(&other)), AS_ECONFLICT);
		assert_int_equal(repair(&hq, AT, buf_bytes(&block)), AS_OK);
		check_is(&hq, AS_OK);
	}
}

/* Another continuation, signed by the same author, does not take its place. */
static void another_continuation(void **state)
{
	(void)state;
	struct node_rig copy;
	struct received *slot;
	AS_AUTO(buf) struct buf ours = {0}, other = {0};

	buf_init(&ours, BLOCK_BYTES_MAX);
	buf_init(&other, BLOCK_BYTES_MAX);
	node_rig_clone(&br, &copy);
	node_rig_submit(&copy, &live, node_rig_received(NULL, "BJ-8", "b"));
	node_rig_block(&copy, &live, 5, &other);
	node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-9", "a"));
	node_rig_block(&br, &live, 5, &ours);
	for (int more = 0; more < 2; more++) { /* at the head of the log, then below it */
		if (more)
			node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-10", "a"));
		assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
		flip(&hq, 5, 8 * 8 + 3);
		flip(&hq, 5, 64 * 8 + 3000);
		slot = node_rig_receive(&hq, buf_bytes(&other), false, false);
		assert_int_equal(slot->v.reason, REFUSE_DAMAGED);
		received_free(&hq.slots, slot->slot);
		slot = node_rig_receive(&hq, buf_bytes(&ours), false, false);
		assert_int_equal(slot->v.reason, REFUSE_NONE);
		received_free(&hq.slots, slot->slot);
		assert_int_equal(repair(&hq, 5, buf_bytes(&ours)), AS_OK);
		check_is(&hq, AS_OK);
	}
	node_rig_done(&copy);
}

/* Nothing that has to be written stops at it: a receipt for the head, a fork that cuts it away. */
static void work_goes_on(void **state)
{
	(void)state;
	struct fork_damage damage[2];
	struct as_errmsg em = {""};

	flip(&br, 4, 8 * 8 + 3);
	flip(&br, 4, 64 * 8 + 3000);
	node_rig_receipt(&hq, &br, &live);
	assert_int_equal(node_rig_row(&br, &live).acked.size, 5);
	flip(&br, AT, 8 * 8 + 3);
	flip(&br, AT, 64 * 8 + 3000);
	assert_int_equal(fork_damage(br.n, damage, 2), 2);
	assert_true(damage[0].first == AT && damage[1].first == 4);
	node_rig_begin(&br);
	struct store_op *o = batch_op(&br.b, STORE_CUT, &live);
	assert_non_null(o);
	o->cut.size = AT;
	assert_int_equal(batch_commit(&br.b, &em), AS_OK);
	assert_int_equal(node_rig_row(&br, &live).head.size, AT);
	check_is(&br, AS_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_bit_in_the_meta),
	    T(meta_and_block),
	    T(another_continuation),
	    T(work_goes_on),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
