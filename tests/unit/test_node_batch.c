/*
 * common/node: batch, items, fork: what one commit writes; what the sync core orders, as operations of the
 * store; a log that was cut, continued in a child.
 */
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
#include "common/node/fork.h"
#include "common/node/outbox.h"
#include "common/store/kv_mem.h"
#include "common/store/rows.h"
#include "common/wire/msg_codec.h"
#include "tests/lib/node_rig.h"

#define ID(n) "00000000-0000-7000-8000-0000000000" n

#define INSPECT "\"cause\":\"SCREEN\",\"warranty\":\"IN_WARRANTY\""

static struct node_rig hq, br;
static struct log_id live;
static struct as_errmsg em;

static int set_up(void **state)
{
	(void)state;
	node_rig_pair(&hq, &br, &live);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	node_rig_done(&br);
	node_rig_done(&hq);
	return 0;
}

/* ---- batch -------------------------------------------------------------------------------------------- */

static void memory_lasts_until_the_next_batch(void **state)
{
	(void)state;
	static const size_t sizes[] = {1, 100,	  300000, 16,	  200000, 262144,
				       1, 500000, 4096,	  130000, 131072, 7};
	uint8_t *p[200];
	size_t n = 0;

	for (int round = 0; round < 3; round++) {
		node_rig_begin(&br);
		for (n = 0; n < AS_COUNT(p); n++) {
			size_t size = sizes[n % AS_COUNT(sizes)];
			p[n] = batch_memory(&br.b, size);
			assert_non_null(p[n]);
			assert_int_equal((uintptr_t)p[n] % 16, 0);
			memset(p[n], (int)n, size);
		}
		for (n = 0; n < AS_COUNT(p); n++)
			for (size_t i = 0, size = sizes[n % AS_COUNT(sizes)];
			     i<size; i += size> 1000 ? 997 : 1)
				assert_int_equal(p[n][i], (uint8_t)n);
	}
	assert_non_null(batch_copy(&br.b, bytes_of(NULL, 0)).p); /* nothing is something */
}

/* Events that fill more than one block: split at the plain limit, none lost, the root as if in one. */
static void blocks_are_closed_at_the_limit(void **state)
{
	(void)state;
	enum { N = 40 };
	static uint8_t body[20000];
	struct bytes events[N];
	struct batch_author w;
	struct block_meta m;
	uint64_t at = 1;
	size_t blocks = 0;

	node_rig_begin(&br);
	assert_int_equal(batch_author_open(&br.b, &live, &w), AS_OK);
	for (size_t i = 0; i < N; i++) {
		body[0] = (uint8_t)i;
		assert_int_equal(
		    batch_system_event(&br.b, 999, bytes_of(body, i % 4 ? sizeof body : 300), &events[i]),
		    AS_OK);
	}
	assert_int_equal(batch_append(&br.b, &w, events, N, 0), AS_OK);
	assert_int_equal(w.f.size, N + 1);
	batch_author_done(&w);
	node_rig_commit(&br);
	for (; at < N + 1; at = m.first + m.count, blocks++) {
		size_t plain = 0;
		assert_true(store_block_at(br.n->st, &live, at, &m));
		for (uint64_t i = m.first; i < m.first + m.count; i++)
			plain += BLOCK_PLAIN_OF(events[i - 1].n);
		assert_true(plain <= BLOCK_PLAIN_CAP);
		if (m.first + m.count < N + 1)
			assert_true(plain >= BLOCK_PLAIN_MAX);
	}
	assert_true(blocks > 3);
	assert_int_equal(store_check(br.n->st, &em), AS_OK);
	for (uint64_t i = 1; i <= N; i++) {
		struct bytes raw;
		assert_int_equal(node_event_at(br.n, &live, i, &raw), AS_OK);
		assert_true(bytes_equal(raw, events[i - 1]));
	}
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
}

static void an_author_after_a_restart(void **state)
{
	(void)state;
	node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-1", "a"));
	node_rig_again(&br);
	node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-2", "b"));
	node_rig_again(&br);
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	assert_int_equal(node_rig_row(&hq, &live).head.size, 3);
	/* a log that is not there, and one whose first block nobody can read */
	struct log_id none = live;
	struct batch_author w;
	none.number = 9;
	assert_int_equal(batch_author_open(&br.b, &none, &w), AS_ENOTFOUND);
	br.home.recipient_secret[0] ^= 0x10;
	node_rig_again(&br);
	assert_int_equal(batch_author_open(&br.b, &live, &w), AS_ECORRUPT);
}

static void a_log_begins_with_its_name(void **state)
{
	(void)state;
	struct log_id child;
	struct bytes raw;
	struct event ev;
	struct log_opened lo;

	node_rig_submit(&br, &live, node_rig_received(NULL, "BJ-1", "a"));
	child = node_rig_open(&br, 2, 2, &live);
	assert_int_equal(node_event_at(br.n, &child, 0, &raw), AS_OK);
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	assert_int_equal(ev.kind, LOG_OPENED);
	assert_int_equal(ev.post, POST_SYSTEM);
	assert_int_equal(ev.business_date, 20261123);
	assert_int_equal(log_opened_decode(ev.body, &lo), AS_OK);
	assert_true(log_id_equal(&lo.log, &child) && log_id_equal(&lo.parent, &live) &&
		    lo.parent_head.size == 2);
	assert_memory_equal(lo.author, br.home.identity_public, 32);
	struct log_row row = node_rig_row(&br, &child);
	assert_true(row.has_parent && log_id_equal(&row.parent, &live));
}

/* ---- items -------------------------------------------------------------------------------------------- */

static struct items_result result;

static as_err order(struct node_rig *r, const struct sync_item *it, struct received *slot)
{
	node_rig_begin(r);
	as_err err = items_to_batch(&r->b, it, &slot, 1, &result);

	return err ? err : batch_commit(&r->b, &em);
}

/* A message of key changes as it came: number, op, subject, sealed to this transport key. */
static struct received *keys_came(struct node_rig *to, const struct log_id *log, const struct wire_key *keys,
				  uint32_t n)
{
	struct msg m = {.type = MSG_KEYS,
			.keys = {.log = *log, .keys = (struct wire_key *)(uintptr_t)keys, .keys_n = n}};

	assert_true(received_take(&to->slots, to->home.org, &m));
	return received_at(&to->slots, m.keys.slot);
}

static struct wire_key put_for(const struct node_box *box, uint64_t number, uint8_t subject, uint8_t key)
{
	struct wire_key w = {.number = number, .op = KEY_PUT, .transport = box->number};
	uint8_t secret[32], random[32] = {(uint8_t)number}, ad[ITEMS_KEY_AD];
	AS_AUTO(as_boxes) struct as_boxes boxes = {0};

	memset(w.subject, subject, 16);
	memset(secret, key, 32);
	assert_true(as_boxes_to(&boxes, box->public_key, bytes_of(secret, 32), random));
	as_boxes_seal(&boxes, items_key_ad(&w, ad), bytes_of(secret, 32), w.sealed);
	return w;
}

static void a_put_sealed_to_an_older_key(void **state)
{
	(void)state;
	struct node_box old = hq.home.transports[0], *now = &hq.home.transports[1];
	struct wire_key keys[4];
	struct sync_item it = {.type = ITEM_KEYS, .log = live, .first = 1, .keys_upto = 4};
	uint8_t key[32], want[32];

	*now = old;
	now->number = 2;
	memset(now->secret, 0x42, 32);
	as_x25519_public(now->secret, now->public_key);
	hq.home.transports_n = 2;
	keys[0] = put_for(now, 1, 0x11, 1);
	keys[1] = (struct wire_key){.number = 2, .op = KEY_VOID};
	keys[2] = put_for(&old, 3, 0x33, 3);
	keys[3] = put_for(now, 4, 0x44, 4);
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys, 4)), AS_OK);
	assert_true(result.any_keys && result.reseal[0]);
	assert_int_equal(result.keys[0], 2); /* what came before it is held */
	assert_int_equal(node_rig_row(&hq, &live).keys, 2);
	/* sealed again */
	keys[2] = put_for(now, 3, 0x33, 3);
	it.first = 3;
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys + 2, 2)), AS_OK);
	assert_false(result.reseal[0]);
	assert_int_equal(result.keys[0], 4);
	for (uint8_t s = 1; s <= 4; s++) {
		uint8_t subject[16];
		memset(subject, s * 0x11, 16);
		memset(want, s, 32);
		assert_int_equal(node_subject_key(hq.n, subject, key), s == 2 ? AS_ENOTFOUND : AS_OK);
		if (s != 2)
			assert_memory_equal(key, want, 32);
	}
	/* nothing of a message that begins with one: nothing is held, it is asked for again */
	keys[0] = put_for(&old, 5, 0x55, 5);
	it.first = it.keys_upto = 5;
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys, 1)), AS_OK);
	assert_true(result.reseal[0]);
	assert_int_equal(result.keys[0], 4);
}

/* Two messages in one commit, the first taken in part: the second does not follow, and nothing of it is stored. */
static void keys_behind_a_short_message(void **state)
{
	(void)state;
	struct node_box other = hq.home.transports[0];
	const struct node_box *box = &hq.home.transports[0];

	other.number = 7; /* no key of this number is here */
	struct wire_key first[2] = {put_for(box, 1, 0x11, 1), put_for(&other, 2, 0x22, 2)};
	struct wire_key second[1] = {put_for(box, 3, 0x33, 3)};
	struct sync_item items[2] = {{.type = ITEM_KEYS, .log = live, .first = 1, .keys_upto = 2},
				     {.type = ITEM_KEYS, .log = live, .first = 3, .keys_upto = 3}};
	struct received *slots[2] = {keys_came(&hq, &live, first, 2), keys_came(&hq, &live, second, 1)};

	node_rig_begin(&hq);
	assert_int_equal(items_to_batch(&hq.b, items, slots, 2, &result), AS_OK);
	assert_int_equal(batch_commit(&hq.b, &em), AS_OK);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(result.keys[i], 1);
		assert_true(result.reseal[i]);
	}
	assert_int_equal(node_rig_row(&hq, &live).keys, 1);
}

static void a_put_under_a_tombstone(void **state)
{
	(void)state;
	const struct node_box *box = &hq.home.transports[0];
	struct wire_key keys[3] = {
	    put_for(box, 1, 0x11, 1), {.number = 2, .op = KEY_TOMBSTONE}, put_for(box, 3, 0x11, 9)};
	struct sync_item it = {.type = ITEM_KEYS, .log = live, .first = 1, .keys_upto = 3};
	uint8_t subject[16], key[32];

	memset(keys[1].subject, 0x11, 16);
	memset(subject, 0x11, 16);
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys, 3)), AS_OK);
	assert_int_equal(result.keys[0], 3); /* counts as held */
	assert_int_equal(node_subject_key(hq.n, subject, key), AS_EREFUSED);
	/* said again it goes as void */
	struct store_key out[3];
	AS_AUTO(buf) struct buf memory = {0};
	size_t n;
	buf_init(&memory, 4096);
	assert_int_equal(store_keys(hq.n->st, &live, 0, out, 3, &memory, &n), AS_OK);
	assert_true(n == 3 && out[0].op == KEY_VOID && out[1].op == KEY_TOMBSTONE && out[2].op == KEY_VOID);
}

/* Numbers of a closed incarnation that nobody has: the core takes them all for held then. */
static void lost_numbers_are_void(void **state)
{
	(void)state;
	struct sync_item it = {
	    .type = ITEM_VOID, .log = live, .slot = SYNC_NO_SLOT, .first = 1, .keys_upto = 1000};

	assert_int_equal(order(&br, &it, NULL), AS_OK);
	assert_int_equal(node_rig_row(&br, &live).keys, 1000);
}

static void small_values_and_ends(void **state)
{
	(void)state;
	struct sync_item it = {.type = ITEM_JOINED, .slot = SYNC_NO_SLOT};
	AS_AUTO(buf) struct buf b = {0};

	buf_init(&b, STORE_META_MAX);
	assert_int_equal(order(&br, &it, NULL), AS_OK);
	assert_int_equal(store_meta(br.n->st, META_JOINED, &b), AS_OK);
	it = (struct sync_item){.type = ITEM_INSTANCE, .slot = SYNC_NO_SLOT, .number = 7};
	assert_int_equal(order(&br, &it, NULL), AS_OK);
	assert_int_equal(store_meta(br.n->st, META_INSTANCE, &b), AS_OK);
	assert_int_equal(get_be32(b.p), 7);
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	it = (struct sync_item){.type = ITEM_END, .log = live, .slot = SYNC_NO_SLOT, .head = {.size = 1}};
	assert_int_equal(order(&hq, &it, NULL), AS_OK);
	assert_int_equal(node_rig_row(&hq, &live).end, 1);
}

/* Head office that was restored gets back what a branch has of its own log, and knows whom it has admitted.
 */
static void head_office_gets_back_its_log(void **state)
{
	(void)state;
	struct log_id all = hq_all_log(&hq.home);
	struct kv *old;
	struct kv *now = hq.home.kv;

	assert_int_equal(kv_mem_snapshot(hq.home.kv, &old), AS_OK);
	node_rig_enrol(&hq, "SH03");
	assert_int_equal(node_rig_copy(&hq, &br, &all), REFUSE_NONE);
	hq.home.kv = old;
	node_rig_again(&hq);
	assert_int_equal(hq.n->roster.branches_n, 1);
	AS_AUTO(buf) struct buf block = {0};
	node_rig_block(&br, &all, node_rig_row(&hq, &all).head.size, &block);
	struct received *slot = node_rig_receive(&hq, buf_bytes(&block), true, false);
	assert_int_equal(slot->v.reason, REFUSE_NONE);
	struct sync_item it = {.type = ITEM_BLOCK,
			       .log = all,
			       .slot = slot->slot,
			       .first = slot->first,
			       .count = slot->count,
			       .head = slot->v.head,
			       .fold = true};
	assert_int_equal(order(&hq, &it, slot), AS_OK);
	assert_true(result.roster_anew);
	assert_int_equal(node_roster_load(hq.n), AS_OK);
	assert_int_equal(hq.n->roster.branches_n, 2);
	kv_close(now);
}

static void nothing_is_half_written(void **state)
{
	(void)state;
	struct wire_key keys[2] = {put_for(&hq.home.transports[0], 1, 0x11, 1),
				   put_for(&hq.home.transports[0], 2, 0x22, 2)};
	struct sync_item it = {.type = ITEM_KEYS, .log = live, .first = 1, .keys_upto = 2};

	kv_mem_fault(hq.home.kv, KV_MEM_COMMIT_FULL);
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys, 2)), AS_EFULL);
	assert_int_equal(node_rig_row(&hq, &live).keys, 0);
	/* the same message again has the same numbers */
	assert_int_equal(order(&hq, &it, keys_came(&hq, &live, keys, 2)), AS_OK);
	assert_int_equal(node_rig_row(&hq, &live).keys, 2);
}

/* ---- messages out ------------------------------------------------------------------------------------- */

static void keys_as_they_travel(void **state)
{
	(void)state;
	struct msg ask = {.type = MSG_KEYS, .keys = {.log = live, .keys_n = 8}};
	struct sync_out out = {.type = SYNC_SEND, .send = {.msg = &ask, .transport = 1}};
	AS_AUTO(buf) struct buf frame = {0};

	buf_init(&frame, MESSAGE_BYTES_MAX);
	node_rig_submit(&br, &live, node_rig_received(ID("01"), "BJ-1", "王芳"));
	node_rig_submit(&br, &live, node_rig_received(ID("02"), "BJ-2", "b"));
	assert_int_equal(outbox_frame(br.n, &out, 1, &frame, &em), OUTBOX_SEND);
	node_rig_copy_keys(&br, &hq, &live);
	/* head office can open what the branch sealed */
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	struct bytes raw;
	struct event ev;
	uint8_t plain[PERSONAL_SEALED_MAX];
	size_t n;
	assert_int_equal(node_event_at(hq.n, &live, 1, &raw), AS_OK);
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	assert_int_equal(node_personal_open(hq.n, br.home.branch, &ev, plain, &n), AS_OK);
	assert_non_null(memmem(plain, n, "王芳", strlen("王芳")));
	/* a transport key that is not known yet: nothing is sent, and nothing breaks */
	out.send.transport = 2;
	assert_int_equal(outbox_frame(br.n, &out, 1, &frame, &em), OUTBOX_NOTHING);
	out.send.transport = 1;
	out.send.keys_after = 2;
	assert_int_equal(outbox_frame(br.n, &out, 1, &frame, &em), OUTBOX_FAILED);
	/* a block that rotted is not sent */
	ask = (struct msg){.type = MSG_BLOCK, .block = {.log = live, .first = 99, .count = 1}};
	assert_int_equal(outbox_frame(br.n, &out, 1, &frame, &em), OUTBOX_ROTTEN);
}

static void receipts_by_any_instance(void **state)
{
	(void)state;
	struct log_id all = hq_all_log(&hq.home);
	struct log_head head = {.size = 5, .root = {1}};
	struct msg have = {
	    .type = MSG_HAVE, .session = 1, .have = {.log = live, .head = head, .receipted = true}};
	struct sync_out out = {.type = SYNC_SEND, .send = {.msg = &have}};
	AS_AUTO(buf) struct buf frame = {0};
	struct wire_key keys[1];
	struct msg_codec *codec = malloc(sizeof *codec);
	struct msg m;

	buf_init(&frame, MESSAGE_BYTES_MAX);
	assert_int_equal(outbox_frame(hq.n, &out, 1234, &frame, &em), OUTBOX_SEND);
	assert_int_equal(msg_decode(codec, buf_bytes(&frame), keys, &m, &em), AS_OK);
	assert_int_equal(get_be64(m.have.receipt + 4), 1234);
	/* by the join code alone, then by the roster */
	assert_true(outbox_receipt_ok(br.n, &live, &head, m.have.receipt));
	uint8_t key[32];
	memcpy(key, br.home.join.instance_key, 32);
	memset(br.home.join.instance_key, 0, 32);
	assert_false(outbox_receipt_ok(br.n, &live, &head, m.have.receipt));
	memcpy(br.home.join.instance_key, key, 32);
	assert_int_equal(node_rig_copy(&hq, &br, &all), REFUSE_NONE);
	memset(br.home.join.instance_key, 0, 32);
	assert_true(outbox_receipt_ok(br.n, &live, &head, m.have.receipt));
	for (size_t i = 0; i < 76; i++) {
		m.have.receipt[i] ^= 1;
		assert_false(outbox_receipt_ok(br.n, &live, &head, m.have.receipt));
		m.have.receipt[i] ^= 1;
	}
	head.size++;
	assert_false(outbox_receipt_ok(br.n, &live, &head, m.have.receipt));
	free(codec);
}

/* ---- fork --------------------------------------------------------------------------------------------- */

static struct fork_order fork_of(struct fork_cut *cuts, size_t n, bool live_parent)
{
	struct fork_order o = {.cuts = cuts, .cuts_n = n};

	for (int k = 0; k < 2; k++) {
		o.child[k] = (struct log_id){.cls = k ? LOG_BULK : LOG_LIVE, .number = 5};
		memcpy(o.child[k].branch, br.home.branch, BRANCH_CODE_MAX);
		memset(o.child[k].inc, 0x55, 16);
	}
	if (live_parent) {
		struct block_meta m;
		assert_true(store_block_at(br.n->st, &cuts[0].log, cuts[0].cut_to - 1, &m));
		o.has_parent[0] = true;
		o.parent[0] = cuts[0].log;
		o.parent_head[0].size = cuts[0].cut_to;
		memcpy(o.parent_head[0].root, m.root, 32);
	}
	return o;
}

static uint64_t fold_of(struct node_rig *r, const char *label)
{
	struct case_key keys[2];
	size_t n = 0;

	return store_label(r->n->st, bytes_of_str(label), keys, 2, &n) ? 0 : n;
}

static void a_cut_goes_on_in_a_child(void **state)
{
	(void)state;
	char label[16];
	static uint8_t before[4][2048];
	size_t before_n[4];
	struct bytes raw;

	for (int i = 0; i < 5; i++) { /* each with a subject of its own: key changes 1 to 5 */
		snprintf(label, sizeof label, "BJ-%d", i);
		node_rig_submit(&br, &live, node_rig_received(NULL, label, "a"));
	}
	for (uint64_t i = 0; i < 3; i++) {
		assert_int_equal(node_event_at(br.n, &live, 3 + i, &raw), AS_OK);
		memcpy(before[i], raw.p, before_n[i] = raw.n);
	}
	struct fork_cut cut = {.log = live, .cut_to = 3, .size = 6};
	struct fork_order o = fork_of(&cut, 1, true);
	node_rig_begin(&br);
	assert_int_equal(fork_to_batch(&br.b, &o), AS_OK);
	node_rig_commit(&br);
	verifier_forget(&br.vf, &live);

	assert_int_equal(o.lost, 0);
	assert_int_equal(node_rig_row(&br, &live).head.size, 3);
	struct log_row child = node_rig_row(&br, &o.child[0]);
	assert_int_equal(child.head.size, 4);
	assert_true(child.has_parent && log_id_equal(&child.parent, &live));
	for (uint64_t i = 0; i < 3; i++) { /* the same bytes, in the old order */
		assert_int_equal(node_event_at(br.n, &o.child[0], 1 + i, &raw), AS_OK);
		assert_true(bytes_equal(raw, bytes_of(before[i], before_n[i])));
	}
	/* key changes 3, 4, 5 are 1, 2, 3 of the child; those of the log stay */
	assert_int_equal(child.keys, 3);
	assert_int_equal(child.keys_need, 3);
	assert_int_equal(node_rig_row(&br, &live).keys, 5);
	for (int i = 0; i < 5; i++) {
		snprintf(label, sizeof label, "BJ-%d", i);
		assert_int_equal(fold_of(&br, label), 1);
	}
	/* no log of imports without imports */
	assert_int_equal(node_rig_row(&br, &o.child[1]).head.size, 0);
	AS_AUTO(buf) struct buf open = {0};
	uint8_t id[LOG_ID_BYTES];
	buf_init(&open, STORE_META_MAX);
	assert_int_equal(store_meta(br.n->st, META_OPEN, &open), AS_OK);
	log_id_put(&o.child[0], id);
	assert_memory_equal(open.p, id, LOG_ID_BYTES);
	assert_int_equal(store_check(br.n->st, &em), AS_OK);
	/* head office takes it, and the person of an event that was cut can be read there */
	assert_int_equal(node_rig_copy(&br, &hq, &live), REFUSE_NONE);
	assert_int_equal(node_rig_copy(&br, &hq, &o.child[0]), REFUSE_NONE);
	node_rig_copy_keys(&br, &hq, &o.child[0]);
	struct event ev;
	uint8_t plain[PERSONAL_SEALED_MAX];
	size_t n;
	assert_int_equal(node_event_at(hq.n, &o.child[0], 3, &raw), AS_OK);
	assert_int_equal(event_decode(raw, &ev), AS_OK);
	assert_int_equal(node_personal_open(hq.n, br.home.branch, &ev, plain, &n), AS_OK);
}

/* Both classes, the live one to nothing. */
static void both_classes_are_cut(void **state)
{
	(void)state;
	struct log_id bulk = live;
	struct log_opened lo = {0};
	struct batch_author w;
	struct accept_ctx ctx = {.restoring = false};
	struct accept_line l[2];
	struct accept a;

	for (int i = 0; i < 3; i++)
		node_rig_submit(&br, &live, node_rig_received(NULL, NULL, "a"));
	bulk.cls = LOG_BULK;
	lo.log = bulk;
	memcpy(lo.author, br.home.identity_public, 32);
	node_rig_begin(&br);
	assert_int_equal(batch_log_begin(&br.b, &lo, NULL, 0, &w), AS_OK);
	batch_author_done(&w);
	node_rig_commit(&br);
	ctx.log = bulk;
	assert_int_equal(accept_init(&a, br.n, &br.b), AS_OK);
	assert_true(accept_read(&br.home, bytes_of_str(node_rig_received(NULL, "OLD-1", "a")), true, &l[0]));
	assert_true(accept_read(&br.home, bytes_of_str(node_rig_received(NULL, "OLD-2", "b")), true, &l[1]));
	node_rig_begin(&br);
	assert_int_equal(accept_lines(&a, &ctx, l, 2), AS_OK);
	node_rig_commit(&br);
	accept_done(&a);
	intake_free(l[0].in);
	intake_free(l[1].in);

	struct fork_cut cuts[2] = {{.log = live, .cut_to = 0, .size = 4},
				   {.log = bulk, .cut_to = 1, .size = 3}};
	struct fork_order o = fork_of(cuts, 2, false);
	node_rig_begin(&br);
	assert_int_equal(fork_to_batch(&br.b, &o), AS_OK);
	node_rig_commit(&br);
	assert_int_equal(node_rig_row(&br, &live).head.size, 0);
	assert_int_equal(node_rig_row(&br, &bulk).head.size, 1);
	assert_int_equal(node_rig_row(&br, &o.child[0]).head.size, 4);
	assert_int_equal(node_rig_row(&br, &o.child[1]).head.size, 3);
	assert_int_equal(node_rig_row(&br, &o.child[0]).keys, 5); /* of both classes */
	assert_int_equal(node_rig_row(&br, &o.child[1]).keys_need, 5);
	assert_int_equal(fold_of(&br, "OLD-2"), 1);
}

/* What is cut reaches into a block that is left and cannot be read: nothing is written, and the block is named. */
static void a_cut_over_a_damaged_block(void **state)
{
	(void)state;
	struct store_key_buf k = key_log_at(&live, 2);
	struct fork_damage damage[2];

	for (int i = 1; i <= 3; i++) {
		char label[16];
		snprintf(label, sizeof label, "BJ-%d", i);
		node_rig_submit(&br, &live, node_rig_received(NULL, label, "a"));
	}
	node_rig_submit(&br, &live, node_rig_event("REPAIR_INSPECTED", NULL, "BJ-2", INSPECT));
	assert_int_equal(fork_damage(br.n, damage, 2), 0);
	assert_int_equal(kv_mem_flip(br.home.kv, TABLE_BLOCK, key_bytes(&k), 3000), AS_OK);

	struct fork_cut cut = {.log = live, .cut_to = 4, .size = 5};
	struct fork_order o = fork_of(&cut, 1, true);
	node_rig_begin(&br);
	assert_int_equal(fork_to_batch(&br.b, &o), AS_OK);
	assert_int_equal(batch_commit(&br.b, &em), AS_ECORRUPT);
	assert_int_equal(node_rig_row(&br, &live).head.size, 5);
	assert_int_equal(fork_damage(br.n, damage, 2), 1);
	assert_true(log_id_equal(&damage[0].log, &live));
	assert_int_equal(damage[0].first, 2);

	cut.cut_to = damage[0].first;
	o = fork_of(&cut, 1, true);
	node_rig_begin(&br);
	assert_int_equal(fork_to_batch(&br.b, &o), AS_OK);
	node_rig_commit(&br);
	assert_int_equal(o.lost, 1);
	assert_int_equal(node_rig_row(&br, &live).head.size, 2);
	assert_int_equal(node_rig_row(&br, &o.child[0]).head.size, 3); /* its first, BJ-3, and what was done to BJ-2 */
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(memory_lasts_until_the_next_batch),
	    T(blocks_are_closed_at_the_limit),
	    T(an_author_after_a_restart),
	    T(a_log_begins_with_its_name),
	    T(a_put_sealed_to_an_older_key),
	    T(keys_behind_a_short_message),
	    T(a_put_under_a_tombstone),
	    T(lost_numbers_are_void),
	    T(small_values_and_ends),
	    T(head_office_gets_back_its_log),
	    T(nothing_is_half_written),
	    T(keys_as_they_travel),
	    T(receipts_by_any_instance),
	    T(a_cut_goes_on_in_a_child),
	    T(both_classes_are_cut),
	    T(a_cut_over_a_damaged_block),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
