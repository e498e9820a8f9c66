/* common/node/received: what comes over the line, and each reason to refuse it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/sign.h"
#include "common/ledger/kinds.h"
#include "tests/lib/node_rig.h"

static struct node_rig hq, br;
static struct log_id live;
static struct buf block[8]; /* of live */

static int set_up(void **state)
{
	char label[16];

	(void)state;
	node_rig_pair(&hq, &br, &live);
	for (int i = 0; i < 4; i++) {
		snprintf(label, sizeof label, "BJ-%d", i);
		node_rig_submit(&br, &live, node_rig_received(NULL, label, "a"));
	}
	for (uint64_t i = 0; i < 5; i++)
		node_rig_block(&br, &live, i, &block[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < AS_COUNT(block); i++)
		buf_done(&block[i]);
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

static void verdict_is(struct received *slot, uint8_t reason)
{
	if (slot->v.reason != reason)
		fail_msg("reason %d, not %d", slot->v.reason, reason);
}

/* The verdict on a block that is not kept. */
static void refused(struct node_rig *at, struct bytes b, bool fresh, uint8_t reason)
{
	struct received *slot = node_rig_receive(at, b, fresh, false);

	verdict_is(slot, reason);
	received_free(&at->slots, slot->slot);
}

static void blocks_run_ahead_of_commits(void **state)
{
	(void)state;
	struct received *slot[5];

	for (int i = 0; i < 5; i++) {
		slot[i] = node_rig_receive(&hq, buf_bytes(&block[i]), i == 0, false);
		verdict_is(slot[i], REFUSE_NONE);
		assert_int_equal(slot[i]->v.head.size, i + 1);
	}
	for (int i = 0; i < 5; i++)
		node_rig_store(&hq, slot[i]);
	struct log_row row = node_rig_row(&hq, &live), own = node_rig_row(&br, &live);
	assert_int_equal(row.head.size, 5);
	assert_memory_equal(row.head.root, own.head.root, 32);
	assert_int_equal(row.keys_need, own.keys_need);
	assert_int_equal(row.folded, 5);
}

static void a_gap(void **state)
{
	(void)state;
	refused(&hq, buf_bytes(&block[1]), false, REFUSE_GAP);
	node_rig_store(&hq, node_rig_receive(&hq, buf_bytes(&block[0]), true, false));
	refused(&hq, buf_bytes(&block[2]), false, REFUSE_GAP);
	refused(&hq, buf_bytes(&block[2]), true, REFUSE_GAP);
	node_rig_store(&hq, node_rig_receive(&hq, buf_bytes(&block[1]), true, false));
}

/* A first look, without any key: what is said of the block must be what it is. */
static void not_what_the_message_says(void **state)
{
	(void)state;
	struct msg m = {.type = MSG_BLOCK};
	const struct msg_block sound = {.log = live, .first = 1, .count = 1, .block = buf_bytes(&block[1])};
	uint8_t other[16] = {1};

	m.block = sound;
	assert_true(received_take(&hq.slots, hq.home.org, &m));
	assert_int_equal(m.block.fault, REFUSE_NONE);
	for (int i = 0; i < 3; i++) {
		m.block = sound;
		m.block.first += i == 0;
		m.block.count += i == 1;
		m.block.log.number += i == 2;
		assert_true(received_take(&hq.slots, hq.home.org, &m));
		assert_int_equal(m.block.fault, REFUSE_DAMAGED);
	}
	m.block = sound;
	assert_true(received_take(&hq.slots, other, &m));
	assert_int_equal(m.block.fault, REFUSE_ORIGIN);
}

static void damage_everywhere(void **state)
{
	(void)state;
	struct buf *b = &block[0];

	for (size_t i = 0; i < b->n; i++) {
		struct msg m = {.type = MSG_BLOCK, .block = {.log = live, .count = 1, .block = buf_bytes(b)}};
		b->p[i] ^= 0x20;
		assert_true(received_take(&hq.slots, hq.home.org, &m));
		struct received *slot = received_at(&hq.slots, m.block.slot);
		if (m.block.fault == REFUSE_NONE) {
			verify_received(&hq.vf, slot);
			assert_true(slot->v.reason == REFUSE_SIGNATURE ||
				    slot->v.reason == REFUSE_CONTENT_KEY || slot->v.reason == REFUSE_DAMAGED);
		}
		received_free(&hq.slots, m.block.slot);
		b->p[i] ^= 0x20;
	}
	refused(&hq, buf_bytes(b), true, REFUSE_NONE);
}

/* ---- blocks that nobody of ours would write ----------------------------------------------------------- */

static struct buf forged;

/* First block of a log with this author, these recipients and this LOG_OPENED. */
static struct bytes forge(const struct log_id *log, const uint8_t secret[64], const uint8_t hq_recipient[32],
			  const struct log_opened *lo)
{
	struct block_author a;
	uint8_t key[32] = {5}, random[32] = {6}, body[LOG_OPENED_MAX];
	struct block_recipients to;
	struct tree_frontier f;
	struct bytes raw;
	struct block_content c = {.events = &raw, .events_n = 1, .recipients = &to, .random = random};

	node_rig_begin(&br);
	assert_int_equal(
	    batch_system_event(&br.b, LOG_OPENED, bytes_of(body, log_opened_encode(lo, body)), &raw), AS_OK);
	memcpy(to.hq, hq_recipient, 32);
	memcpy(to.branch, br.home.recipient_public, 32);
	block_author_init(&a, br.home.org, log, secret, key);
	tree_frontier_init(&f);
	buf_done(&forged);
	buf_init(&forged, BLOCK_BYTES_MAX);
	assert_int_equal(block_build(&br.n->io, &a, &f, &c, &forged, NULL), AS_OK);
	block_author_done(&a);
	return buf_bytes(&forged);
}

static void the_first_block(void **state)
{
	(void)state;
	struct log_opened lo = {.log = live}, other;
	uint8_t stranger[64], stranger_public[32];
	const uint8_t *to = hq.home.recipient_public;

	memcpy(lo.author, br.home.identity_public, 32);
	node_rig_root(7, stranger_public, stranger);
	refused(&hq, forge(&live, br.home.identity_secret, to, &lo), true, REFUSE_NONE);
	/* a key that the roster does not know for this branch */
	other = lo;
	memcpy(other.author, stranger_public, 32);
	refused(&hq, forge(&live, stranger, to, &other), true, REFUSE_SIGNATURE);
	/* sealed to somebody else */
	refused(&hq, forge(&live, br.home.identity_secret, stranger_public, &lo), true, REFUSE_CONTENT_KEY);
	/* LOG_OPENED names another author, another log */
	refused(&hq, forge(&live, br.home.identity_secret, to, &other), true, REFUSE_DAMAGED);
	other = lo;
	other.log.inc[0]++;
	refused(&hq, forge(&live, br.home.identity_secret, to, &other), true, REFUSE_DAMAGED);
	buf_done(&forged);
}

static void of_another_branch(void **state)
{
	(void)state;
	struct node_rig sh;

	/* the roster knows the machine, but for BJ01 */
	node_rig_branch(&sh, &hq, "SH03", 1);
	struct log_id log = node_rig_open(&sh, 1, 3, NULL);
	AS_AUTO(buf) struct buf b = {0};
	node_rig_block(&sh, &log, 0, &b);
	refused(&hq, buf_bytes(&b), true, REFUSE_SIGNATURE);
	node_rig_done(&sh);
}

static void a_parent_is_told_to_the_core(void **state)
{
	(void)state;
	struct log_id child = node_rig_open(&br, 2, 2, &live);
	AS_AUTO(buf) struct buf b = {0};

	node_rig_block(&br, &child, 0, &b);
	struct received *slot = node_rig_receive(&hq, buf_bytes(&b), true, false);
	verdict_is(slot, REFUSE_NONE);
	assert_true(slot->v.has_parent && log_id_equal(&slot->v.parent, &live));
	assert_int_equal(slot->v.parent_head.size, 5);
}

static void evidence_is_the_signature_alone(void **state)
{
	(void)state;
	struct log_opened lo = {.log = live};
	uint8_t stranger[64], stranger_public[32];

	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	memcpy(lo.author, br.home.identity_public, 32);
	/* signed, but sealed to nobody here: evidence all the same */
	node_rig_root(7, stranger_public, stranger);
	struct received *slot =
	    node_rig_receive(&hq, forge(&live, br.home.identity_secret, stranger_public, &lo), false, true);
	verdict_is(slot, REFUSE_NONE);
	assert_int_equal(slot->v.head.size, 1);
	assert_memory_not_equal(slot->v.head.root, node_rig_row(&hq, &live).head.root, 32);
	slot = node_rig_receive(&hq, forge(&live, stranger, hq.home.recipient_public, &lo), false, true);
	verdict_is(slot, REFUSE_SIGNATURE);
	/* it changes nothing of what is verified next */
	node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-9", "a"));
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	buf_done(&forged);
}

/* A block that was asked back comes between two that run ahead. */
static void a_repair_between_others(void **state)
{
	(void)state;
	for (uint64_t damaged = 0; damaged < 2; damaged++) {
		struct received *slot[3];
		for (int i = 0; i < 2; i++)
			if (node_rig_row(&hq, &live).head.size == (uint64_t)i)
				node_rig_store(&hq, node_rig_receive(&hq, buf_bytes(&block[i]), true, false));
		slot[0] = node_rig_receive(&hq, buf_bytes(&block[2]), true, false);
		slot[1] = node_rig_receive(&hq, buf_bytes(&block[damaged]), false, false);
		slot[2] = node_rig_receive(&hq, buf_bytes(&block[3]), false, false);
		for (int i = 0; i < 3; i++) {
			verdict_is(slot[i], REFUSE_NONE);
			received_free(&hq.slots, slot[i]->slot);
		}
		/* other bytes are not taken for it */
		AS_AUTO(buf) struct buf bad = {0};
		buf_init(&bad, BLOCK_BYTES_MAX);
		assert_int_equal(buf_add(&bad, block[damaged].p, block[damaged].n), AS_OK);
		bad.p[300] ^= 1;
		refused(&hq, buf_bytes(&bad), false, REFUSE_DAMAGED);
	}
}

/* ---- head office's logs at a branch ------------------------------------------------------------------- */

static void head_offices_log(void **state)
{
	(void)state;
	struct log_id all = hq_all_log(&hq.home);

	assert_int_equal(node_rig_copy(&hq, &br, &all), REFUSE_NONE);
	/* folded while it was verified, in the thread that needs it */
	assert_int_equal(br.n->roster.instances_n, 1);
	assert_non_null(roster_node_of(&br.n->roster, br.home.branch));
	node_rig_again(&br);
	assert_non_null(roster_node_of(&br.n->roster, br.home.branch));
	assert_int_equal(br.n->roster.events, node_rig_row(&hq, &all).head.size);
}

/* The first block of a new instance names its own key: only a certificate by the root key makes it one. */
static void a_new_instance(void **state)
{
	(void)state;
	struct log_id one = hq_all_log(&hq.home), two = one;
	uint8_t key[32], key_secret[64], root[32], root_secret[64], other[32], other_secret[64];
	struct hq_event ev = {.kind = INSTANCE_CERTIFIED};
	struct buf b[3] = {{0}};

	two.number = 2;
	assert_int_equal(node_rig_copy(&hq, &br, &one), REFUSE_NONE);
	node_rig_root(9, key, key_secret);
	node_rig_root(1, root, root_secret);
	node_rig_root(2, other, other_secret);
	for (int i = 0; i < 3; i++) { /* by another root; with another number; right */
		struct node_rig at;
		node_rig_hq(&at);
		at.home.instance = 2;
		memcpy(at.home.instance_public, key, 32);
		memcpy(at.home.instance_secret, key_secret, 64);
		node_rig_begin(&at);
		ev.body = node_rig_certificate(&at, i == 1 ? 3 : 2, key, i == 0 ? other_secret : root_secret);
		assert_int_equal(hq_all_append(&at.b, &ev, 1, NULL), AS_OK);
		node_rig_commit(&at);
		node_rig_block(&at, &two, 0, &b[i]);
		node_rig_done(&at);
	}
	refused(&br, buf_bytes(&b[0]), true, REFUSE_SIGNATURE);
	refused(&br, buf_bytes(&b[1]), true, REFUSE_SIGNATURE);
	refused(&br, buf_bytes(&b[2]), true, REFUSE_NONE);
	assert_int_equal(br.n->roster.instances_n, 2);
	for (int i = 0; i < 3; i++)
		buf_done(&b[i]);
}

/* ---- slots -------------------------------------------------------------------------------------------- */

static void slots_are_bounded(void **state)
{
	(void)state;
	struct received_table t;
	struct msg m = {.type = MSG_BLOCK, .block = {.log = live, .count = 1}};
	static uint8_t big[BLOCK_BYTES_MAX];
	size_t kept = 0;

	assert_int_equal(received_init(&t, 100), AS_OK);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 100; i++) {
			m.block.block = bytes_of(big, sizeof big);
			assert_true(received_take(&t, hq.home.org, &m));
			assert_int_equal(m.block.slot, i); /* the lowest */
			assert_int_equal(m.block.fault, REFUSE_DAMAGED);
		}
		assert_int_equal(t.bytes, 100 * sizeof big);
		m.block.block = bytes_of(big, 10);
		assert_false(received_take(&t, hq.home.org, &m));
		for (uint32_t i = 0; i < 100; i++)
			received_free(&t, i);
		assert_int_equal(t.bytes, 0);
		assert_null(received_at(&t, 5));
	}
	/* what a flood made it allocate is given back */
	for (uint32_t i = 0; i < t.n; i++)
		kept += t.slots[i]->block.cap;
	assert_true(kept <= 32 * (size_t)256 * 1024);
	received_free(&t, 5); /* twice, and one that never was */
	received_free(&t, 1000);
	received_done(&t);
}

/* No credit counts key changes: what is held of them has a bound of its own. */
static void keys_are_bounded(void **state)
{
	(void)state;
	static struct wire_key keys[KEYS_PER_MESSAGE_MAX];
	struct received_table t;
	struct msg m = {.type = MSG_KEYS, .keys = {.log = live, .keys_n = KEYS_PER_MESSAGE_MAX}};
	uint32_t n = 0;

	assert_int_equal(received_init(&t, 16384), AS_OK);
	for (; n < 16384; n++) {
		m.keys.keys = keys;
		if (!received_take(&t, hq.home.org, &m))
			break;
	}
	assert_true(n * sizeof keys <= RECEIVED_KEYS_BYTES && (n + 1) * sizeof keys > RECEIVED_KEYS_BYTES);
	received_free(&t, 7);
	m.keys.keys = keys;
	assert_true(received_take(&t, hq.home.org, &m));
	assert_int_equal(m.keys.slot, 7);
	for (uint32_t i = 0; i < n; i++)
		received_free(&t, i);
	assert_int_equal(t.keys_bytes, 0);
	received_done(&t);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(blocks_run_ahead_of_commits),
	    T(a_gap),
	    T(not_what_the_message_says),
	    T(damage_everywhere),
	    T(the_first_block),
	    T(of_another_branch),
	    T(a_parent_is_told_to_the_core),
	    T(evidence_is_the_signature_alone),
	    T(a_repair_between_others),
	    T(head_offices_log),
	    T(a_new_instance),
	    T(slots_are_bounded),
	    T(keys_are_bounded),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
