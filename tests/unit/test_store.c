/* common/store: what a store takes, refuses and answers, on each backend.
 * Opening: test_store_open.c; folding: test_store_fold.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/crypto/hash.h"
#include "common/store/hq_store.h"
#include "tests/lib/kv_conform.h"
#include "tests/lib/store_bench.h"

/* The batch fails so, and leaves no trace. */
static void expect_refused(struct rig_bench *t, const struct store_op *ops, size_t n, as_err err)
{
	struct rig_digest before = rig_digest(t->kv, RIG_ALL_TABLES), after;

	assert_int_equal(store_commit(t->st, 0, ops, n, NULL), err);
	after = rig_digest(t->kv, RIG_ALL_TABLES);
	assert_memory_equal(before.b, after.b, sizeof before.b);
}

static void reopen(struct rig_bench *t, enum store_role role)
{
	store_close(t->st);
	assert_int_equal(t->b->crash(&t->kv), AS_OK);
	t->st = rig_open(t->kv, role);
}

static void expect_head(struct store *st, const struct rig_log *log, size_t blocks)
{
	struct log_head want = rig_head(log, blocks);
	struct log_row row;

	assert_int_equal(store_log(st, &log->id, &row), AS_OK);
	assert_int_equal(row.head.size, want.size);
	assert_memory_equal(row.head.root, want.root, sizeof want.root);
}

/* ---- logs and blocks ----------------------------------------------------------------------------------*/

static as_err count_block(void *arg, const struct log_id *log, const struct block_meta *meta,
			  struct bytes block)
{
	size_t *n = arg;

	(void)log;
	assert_int_equal(meta->bytes, block.n);
	++*n;
	return AS_OK;
}

static as_err stop_log(void *arg, const struct log_row *row)
{
	size_t *n = arg;

	(void)row;
	++*n;
	return AS_EEXIST;
}

static void blocks_are_found_by_any_index(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	struct log_view view = store_log_view(t.st);
	AS_AUTO(buf) struct buf block = {0};
	struct block_meta meta;
	struct tree_frontier naive, f;
	uint8_t root[32], want[32];
	size_t n = 0;

	buf_init(&block, BLOCK_BYTES_MAX);
	rig_store(t.st, t.log, 0, t.log->n, true);
	expect_head(t.st, t.log, t.log->n);
	tree_frontier_init(&naive);
	for (size_t b = 0; b < t.log->n; b++) {
		const struct rig_block *rb = &t.log->blocks[b];
		for (uint32_t i = 0; i < rb->meta.count; i++) {
			uint64_t index = rb->meta.first + i;
			assert_true(view.block_at(view.ctx, &t.log->id, index, &meta));
			assert_memory_equal(&meta, &rb->meta, sizeof meta);
			assert_int_equal(store_block_read(t.st, &t.log->id, index, &meta, &block), AS_OK);
			assert_true(bytes_equal(buf_bytes(&block), bytes_of(rb->bytes, rb->meta.bytes)));
			assert_int_equal(store_frontier(t.st, &t.log->id, index, &f), AS_OK);
			tree_root(&f, root);
			tree_root(&naive, want);
			assert_memory_equal(root, want, 32);
			tree_push(&naive, rb->leaves[i]);
		}
	}
	assert_int_equal(store_frontier(t.st, &t.log->id, naive.size, &f), AS_OK);
	assert_int_equal(f.size, naive.size);
	assert_int_equal(store_frontier(t.st, &t.log->id, naive.size + 1, &f), AS_ENOTFOUND);
	assert_false(store_block_at(t.st, &t.log->id, naive.size, &meta));
	assert_false(store_block_at(t.st, &t.log->id, UINT64_MAX, &meta));
	struct log_id other = t.log->id;
	other.number = 2;
	assert_false(store_block_at(t.st, &other, 0, &meta));
	other.cls = LOG_BULK;
	assert_int_equal(store_block_read(t.st, &other, 0, &meta, &block), AS_ENOTFOUND);
	assert_int_equal(store_each_block(t.st, &t.log->id, t.log->blocks[2].meta.first, count_block, &n),
			 AS_OK);
	assert_int_equal(n, t.log->n - 2);
	n = 0;
	assert_int_equal(store_each_log(t.st, stop_log, &n), AS_EEXIST);
	assert_int_equal(n, 1);
	rig_bench_close(&t);
}

static void old_frontiers_are_kept_at_intervals(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct tree_frontier f;
	uint8_t root[32];

	for (unsigned i = 0; i < 1040; i++) { /* single events past two intervals, then a wide one */
		uint8_t raw[256], id[16] = {0xcc};
		put_be32(id + 1, i);
		struct bytes ev[3];
		for (size_t k = 0; k < AS_COUNT(ev); k++)
			ev[k] = bytes_of(raw, rig_event(raw, sizeof raw, 999, id, NULL, NULL));
		rig_append(t.log, ev, AS_COUNT(ev));
	}
	rig_store(t.st, t.log, 0, t.log->n, false);
	assert_int_equal(rig_rows(t.kv, TABLE_FRONTIER), t.log->frontier.size / STORE_FRONTIER_EVERY);
	for (size_t b = 1; b <= t.log->n; b += 37) {
		struct log_head want = rig_head(t.log, b);
		assert_int_equal(store_frontier(t.st, &t.log->id, want.size, &f), AS_OK);
		tree_root(&f, root);
		assert_memory_equal(root, want.root, 32);
	}
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	for (size_t b = t.log->n - 1; b > 100; b -= 300) { /* those beyond a cut go with it */
		struct store_op cut = {.type = STORE_CUT, .log = t.log->id};
		cut.cut.size = rig_head(t.log, b).size;
		assert_int_equal(rig_commit(t.st, &cut), AS_OK);
		assert_int_equal(rig_rows(t.kv, TABLE_FRONTIER), cut.cut.size / STORE_FRONTIER_EVERY);
		if (b < 300)
			break;
	}
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	rig_bench_close(&t);
}

static void what_does_not_continue_is_refused(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	struct store_op ops[3], wrong;

	ops[0] = rig_block_op(t.log, 1, true);
	expect_refused(&t, ops, 1, AS_ECONFLICT); /* a log begins at 0 */
	rig_store(t.st, t.log, 0, 3, true);
	for (size_t i = 0; i < 3; i++) {
		ops[0] = rig_block_op(t.log, i, true);
		expect_refused(&t, ops, 1, AS_ECONFLICT); /* again */
	}
	ops[0] = rig_block_op(t.log, 3, true);
	ops[1] = rig_block_op(t.log, 5, true);
	expect_refused(&t, ops, 2, AS_ECONFLICT); /* a gap: the good block before it goes too */
	wrong = rig_block_op(t.log, 3, true);
	wrong.block.meta.root[31] ^= 1;
	expect_refused(&t, &wrong, 1, AS_EINVAL);
	wrong = rig_block_op(t.log, 3, true);
	wrong.block.meta.bytes--;
	expect_refused(&t, &wrong, 1, AS_EINVAL);
	wrong = rig_block_op(t.log, 3, true);
	wrong.block.meta.count = 0;
	expect_refused(&t, &wrong, 1, AS_EINVAL);
	wrong = rig_block_op(t.log, 3, true);
	wrong.block.has_parent = true;
	wrong.block.parent = t.log->id;
	expect_refused(&t, &wrong, 1, AS_EINVAL);
	wrong = rig_block_op(t.log, 0, true);
	wrong.log.branch[0] = 'b';
	expect_refused(&t, &wrong, 1, AS_EINVAL);
	ops[1] = rig_block_op(t.log, 4, true);
	ops[2] = rig_block_op(t.log, 5, true);
	assert_int_equal(store_commit(t.st, 0, ops, 3, NULL), AS_OK);
	expect_head(t.st, t.log, 6);
	rig_bench_close(&t);
}

static as_err one_more(void *arg, struct bytes key, struct bytes value)
{
	(void)key;
	(void)value;
	++*(size_t *)arg;
	return AS_OK;
}

/* What a head office on another database must give a report: cells of a range, and what was before as balances. */
static void a_report_of_head_office_has_its_span(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct hq_store hq = hq_store_kv(t.st);
	struct store_span s = {.table = CELL_VOLUME, .from = 21000101, .cell = one_more, .balance = one_more};
	size_t rows = 0, cells = 0;
	uint8_t table = CELL_VOLUME;

	rig_store(t.st, t.log, 0, t.log->n, true);
	assert_int_equal(hq.ops->cells(hq.ctx, bytes_of(&table, 1), one_more, &cells), AS_OK);
	assert_true(cells > 0);
	s.whole = true;
	assert_int_equal(hq.ops->span(hq.ctx, &s, &rows), AS_OK);
	assert_int_equal(rows, 1); /* of the year, of the branch */
	s.balance = NULL;
	s.from = 0;
	rows = 0;
	assert_int_equal(hq.ops->span(hq.ctx, &s, &rows), AS_OK);
	assert_int_equal(rows, cells);
	rig_bench_close(&t);
}

static void fence_and_heads_are_conditions(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct hq_store hq = hq_store_kv(t.st);
	struct store_op ops[2] = {{.type = STORE_EXPECT, .log = t.log->id}};
	struct hq_health health;
	uint64_t fence;

	ops[0].expect.head = rig_head(t.log, 0);
	ops[1] = rig_block_op(t.log, 0, true);
	assert_int_equal(hq.ops->commit(hq.ctx, 0, ops, 2, NULL), AS_OK); /* of a log never heard of */
	expect_refused(&t, ops, 1, AS_ECONFLICT);
	ops[0].expect.head = rig_head(t.log, 1);
	ops[0].expect.head.root[0] ^= 1;
	expect_refused(&t, ops, 1, AS_ECONFLICT);
	assert_int_equal(hq.ops->take_fence(hq.ctx, &fence), AS_OK);
	assert_int_equal(fence, 1);
	ops[0].expect.head = rig_head(t.log, 1);
	ops[1] = rig_block_op(t.log, 1, true);
	expect_refused(&t, ops, 2, AS_ECONFLICT); /* fence 0 is the old one */
	reopen(&t, STORE_HQ);
	hq = hq_store_kv(t.st);
	assert_int_equal(hq.ops->commit(hq.ctx, fence, ops, 2, NULL), AS_OK);
	assert_int_equal(hq.ops->take_fence(hq.ctx, &fence), AS_OK);
	assert_int_equal(fence, 2);
	assert_int_equal(hq.ops->health(hq.ctx, &health), AS_OK);
	assert_int_equal(health.logs, 1);
	assert_int_equal(health.events, rig_head(t.log, 2).size);
	assert_int_equal(health.unfolded, 0);
	assert_int_equal(rig_rows(t.kv, TABLE_EVENT_ID) + rig_rows(t.kv, TABLE_LABEL), 0);
	rig_bench_close(&t);
}

static void a_log_ends_where_its_key_ends(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct store_op end = {.type = STORE_END, .log = t.log->id}, op;
	struct log_row row;

	end.end.size = rig_head(t.log, 2).size;
	assert_int_equal(rig_commit(t.st, &end), AS_OK); /* known before the log */
	assert_int_equal(store_log(t.st, &t.log->id, &row), AS_OK);
	assert_int_equal(row.head.size, 0);
	rig_store(t.st, t.log, 0, 2, true);
	op = rig_block_op(t.log, 2, true);
	expect_refused(&t, &op, 1, AS_EREFUSED);
	end.end.size = rig_head(t.log, 3).size;
	assert_int_equal(rig_commit(t.st, &end), AS_OK);
	rig_store(t.st, t.log, 2, 3, true);
	op = rig_block_op(t.log, 3, true);
	expect_refused(&t, &op, 1, AS_EREFUSED);
	rig_bench_close(&t);
}

/* ---- receipts, values, keys ---------------------------------------------------------------------------*/

static struct store_op receipt_op(const struct rig_log *log, size_t blocks, uint8_t mark)
{
	struct store_op op = {.type = STORE_RECEIPT, .log = log->id};

	op.receipt.head = rig_head(log, blocks);
	memset(op.receipt.receipt, mark, sizeof op.receipt.receipt);
	return op;
}

static void receipts_never_go_back(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	struct store_op op = receipt_op(t.log, 1, 1);
	uint8_t receipt[STORE_RECEIPT_BYTES];
	struct log_head head;
	struct log_row row;

	expect_refused(&t, &op, 1, AS_ECONFLICT);
	rig_store(t.st, t.log, 0, 5, true);
	assert_int_equal(store_receipt(t.st, &t.log->id, &head, receipt), AS_ENOTFOUND);
	op = receipt_op(t.log, 6, 1);
	expect_refused(&t, &op, 1, AS_ECONFLICT); /* beyond the head */
	op = receipt_op(t.log, 3, 3);
	op.receipt.head.root[5] ^= 1;
	expect_refused(&t, &op, 1, AS_ECONFLICT);
	op = receipt_op(t.log, 3, 3);
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	op = receipt_op(t.log, 2, 2);
	expect_refused(&t, &op, 1, AS_OK); /* older: changes nothing */
	op = receipt_op(t.log, 3, 9);
	expect_refused(&t, &op, 1, AS_OK); /* the first stays */
	reopen(&t, STORE_BRANCH);
	assert_int_equal(store_receipt(t.st, &t.log->id, &head, receipt), AS_OK);
	assert_int_equal(head.size, rig_head(t.log, 3).size);
	assert_int_equal(receipt[75], 3);
	assert_int_equal(store_log(t.st, &t.log->id, &row), AS_OK);
	assert_int_equal(row.acked.size, head.size);
	op = receipt_op(t.log, 5, 5);
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	assert_int_equal(store_receipt(t.st, &t.log->id, &head, receipt), AS_OK);
	assert_int_equal(receipt[0], 5);
	rig_bench_close(&t);
}

static void small_values_are_kept(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	AS_AUTO(buf) struct buf got = {0};
	struct store_op op = {.type = STORE_META};

	buf_init(&got, STORE_META_MAX);
	assert_int_equal(store_meta(t.st, "instance", &got), AS_ENOTFOUND);
	op.meta.name = "instance";
	op.meta.value = bytes_of_str("3");
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	assert_int_equal(store_meta(t.st, "instance", &got), AS_OK);
	assert_true(bytes_equal(buf_bytes(&got), bytes_of_str("3")));
	op.meta.value = bytes_of(NULL, 0);
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	assert_int_equal(store_meta(t.st, "instance", &got), AS_ENOTFOUND);
	op.meta.name = "a name that is longer than a name may be";
	expect_refused(&t, &op, 1, AS_EINVAL);
	rig_bench_close(&t);
}

static struct store_key change(uint64_t number, uint8_t op, uint8_t subject, const char *wrapped)
{
	struct store_key k = {.number = number, .op = op, .subject = {subject}};

	if (wrapped)
		k.wrapped = bytes_of_str(wrapped);
	return k;
}

static struct store_op keys_op(const struct log_id *log, const struct store_key *keys, size_t n)
{
	struct store_op op = {.type = STORE_KEYS, .log = *log};

	op.keys.keys = keys;
	op.keys.n = n;
	return op;
}

static void key_numbers_have_no_gap(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	AS_AUTO(buf) struct buf memory = {0};
	struct store_key in[] = {change(1, KEY_PUT, 1, "one"), change(2, KEY_VOID, 2, NULL),
				 change(3, KEY_PUT, 3, "three"), change(4, KEY_TOMBSTONE, 1, NULL),
				 change(5, KEY_PUT, 4, "four")};
	struct store_key out[8];
	struct store_op op;
	struct log_row row;
	size_t n;

	buf_init(&memory, 8 * STORE_WRAPPED_MAX);
	op = keys_op(&t.log->id, in + 1, 1);
	expect_refused(&t, &op, 1, AS_ECONFLICT);
	op = keys_op(&t.log->id, in, 3);
	assert_int_equal(rig_commit(t.st, &op), AS_OK); /* before any block */
	expect_refused(&t, &op, 1, AS_ECONFLICT);	/* again */
	op = keys_op(&t.log->id, in + 4, 1);
	expect_refused(&t, &op, 1, AS_ECONFLICT); /* 4 is missing */
	op = keys_op(&t.log->id, in + 3, 2);
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	assert_int_equal(store_log(t.st, &t.log->id, &row), AS_OK);
	assert_int_equal(row.keys, 5);
	assert_int_equal(store_keys(t.st, &t.log->id, 0, out, 8, &memory, &n), AS_OK);
	assert_int_equal(n, 5);
	static const uint8_t answers[] = {KEY_VOID, KEY_VOID, KEY_PUT, KEY_TOMBSTONE, KEY_PUT};
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(out[i].number, i + 1);
		assert_int_equal(out[i].op, answers[i]);
		assert_memory_equal(out[i].subject, in[i].subject, 16);
		if (out[i].op == KEY_PUT)
			assert_true(bytes_equal(out[i].wrapped, in[i].wrapped));
	}
	assert_int_equal(store_keys(t.st, &t.log->id, 3, out, 1, &memory, &n), AS_OK);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].number, 4);
	assert_int_equal(store_keys(t.st, &t.log->id, 5, out, 8, &memory, &n), AS_OK);
	assert_int_equal(n, 0);
	in[0] = change(6, KEY_PUT, 1, "");
	op = keys_op(&t.log->id, in, 1);
	expect_refused(&t, &op, 1, AS_EINVAL);
	in[0] = change(6, 9, 1, "x");
	expect_refused(&t, &op, 1, AS_EINVAL);
	struct log_id bulk = t.log->id;
	bulk.cls = LOG_BULK;
	in[0] = change(1, KEY_VOID, 1, NULL);
	op = keys_op(&bulk, in, 1);
	expect_refused(&t, &op, 1, AS_EINVAL);
	rig_bench_close(&t);
}

/* Six changes of two subjects in every order, one or several a batch: the ring is the same. */
static void a_tombstone_wins_in_any_order(void **state)
{
	const struct kv_backend *b = *state;
	static const struct {
		uint8_t op, subject;
	} changes[5] = {{KEY_PUT, 1}, {KEY_TOMBSTONE, 1}, {KEY_PUT, 1}, {KEY_PUT, 2}, {KEY_VOID, 1}};
	struct log_id log = {.cls = LOG_LIVE, .branch = RIG_BRANCH, .number = 1, .inc = {1}};
	struct rig_digest first = {{0}};

	for (unsigned order = 0; order < 120; order++) {
		unsigned left[5] = {0, 1, 2, 3, 4}, o = order;
		struct store_key in[5];
		AS_AUTO(buf) struct buf wrapped = {0};
		struct log_row row;
		struct kv *kv;
		uint8_t op;

		for (unsigned n = 5; n > 0; o /= n, n--) {
			unsigned pick = left[o % n];
			left[o % n] = left[n - 1];
			in[5 - n] = change(6 - n, changes[pick].op, changes[pick].subject,
					   changes[pick].op == KEY_PUT ? "key" : NULL);
		}
		assert_int_equal(b->open(&kv), AS_OK);
		struct store *st = rig_open(kv, STORE_HQ);
		for (size_t at = 0, step = 1 + order % 5; at < 5; at += step) {
			struct store_op keys = keys_op(&log, in + at, at + step > 5 ? 5 - at : step);
			assert_int_equal(rig_commit(st, &keys), AS_OK);
		}
		assert_int_equal(store_log(st, &log, &row), AS_OK);
		assert_int_equal(row.keys, 5); /* each of them is answered for */
		struct rig_digest ring = rig_digest(kv, 1u << TABLE_RING);
		if (order == 0)
			first = ring;
		assert_memory_equal(ring.b, first.b, sizeof ring.b);
		buf_init(&wrapped, STORE_WRAPPED_MAX);
		assert_int_equal(store_ring_get(st, in[0].subject, &op, &wrapped), AS_OK);
		assert_int_equal(op, in[0].subject[0] == 1 ? KEY_TOMBSTONE : KEY_PUT);
		assert_int_equal(wrapped.n, op == KEY_PUT ? 3 : 0);
		store_close(st);
		kv_close(kv);
	}
}

/* ---- aside, ids, labels -------------------------------------------------------------------------------*/

static as_err reason_of(void *arg, struct bytes key, struct bytes value)
{
	unsigned *reasons = arg;

	(void)key;
	reasons[value.p[0]]++;
	return AS_OK;
}

static void evidence_is_bounded(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct store_op op = {.type = STORE_ASIDE, .log = t.log->id};
	unsigned reasons[256] = {0};
	struct store_aside_stat stat;
	uint8_t block[100] = {0};

	op.aside.reason = REFUSE_SIGNATURE;
	op.aside.block = bytes_of(block, sizeof block);
	for (unsigned i = 0; i < ASIDE_BLOCKS_EACH_MAX + 5; i++) {
		put_be32(block, i);
		op.aside.first = i / 10;
		assert_int_equal(rig_commit(t.st, &op), AS_OK);
		if (i < ASIDE_BLOCKS_EACH_MAX)
			expect_refused(&t, &op, 1, AS_OK); /* the same block is kept once */
	}
	assert_int_equal(store_aside_stat(t.st, &stat), AS_OK);
	assert_int_equal(stat.dropped, 5);
	assert_int_equal(stat.count, ASIDE_BLOCKS_EACH_MAX);
	assert_int_equal(stat.bytes, ASIDE_BLOCKS_EACH_MAX * sizeof block);
	op.log.branch[0] = 'Z'; /* one branch does not displace the evidence of another */
	op.aside.reason = REFUSE_DAMAGED;
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	assert_int_equal(store_each_aside(t.st, bytes_of(NULL, 0), reason_of, reasons), AS_OK);
	assert_int_equal(reasons[REFUSE_SIGNATURE], ASIDE_BLOCKS_EACH_MAX);
	assert_int_equal(reasons[REFUSE_DAMAGED], 1);
	op.aside.reason = STORE_ASIDE_CUT;
	expect_refused(&t, &op, 1, AS_EINVAL);
	rig_bench_close(&t);
}

static void ids_and_labels_lead_to_events(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	static const uint8_t a[16] = {0xa1}, b[16] = {0xb1}, c[16] = {0xc1};
	uint8_t raw[4][256];
	struct bytes ev[4] = {
	    bytes_of(raw[0], rig_event(raw[0], 256, REPAIR_RECEIVED, a, NULL, "BJ1")),
	    bytes_of(raw[1], rig_event(raw[1], 256, REPAIR_INSPECTED, c, a, NULL)),
	    bytes_of(raw[2], rig_event(raw[2], 256, REPAIR_RECEIVED, b, NULL, "BJ1")),
	    bytes_of(raw[3], rig_event(raw[3], 256, REPAIR_RECEIVED, b, NULL, "BJ12")),
	};
	struct case_key keys[2];
	struct log_id log;
	uint64_t index;
	size_t n;

	rig_append(t.log, ev, 4);
	rig_store(t.st, t.log, 0, t.log->n, false); /* also before they are folded */
	index = t.log->frontier.size - 4;
	for (size_t i = 0; i < 3; i++) {
		static const uint8_t *const ids[] = {a, c, b};
		uint64_t at;
		assert_int_equal(store_event_place(t.st, ids[i], &log, &at), AS_OK);
		assert_int_equal(at, index + i); /* b: the first of the two */
		assert_true(log_id_equal(&log, &t.log->id));
	}
	assert_int_equal(store_event_place(t.st, (const uint8_t[16]){0xa2}, &log, &index), AS_ENOTFOUND);
	assert_int_equal(store_label(t.st, bytes_of_str("BJ1"), keys, 1, &n), AS_OK);
	assert_int_equal(n, 2);
	assert_memory_equal(keys[0].id, a, 16);
	assert_int_equal(store_label(t.st, bytes_of_str("BJ1"), keys, 2, &n), AS_OK);
	assert_memory_equal(keys[1].id, b, 16);
	assert_int_equal(store_label(t.st, bytes_of_str("BJ12"), keys, 2, &n), AS_OK);
	assert_int_equal(n, 1);
	assert_int_equal(store_label(t.st, bytes_of_str("BJ"), keys, 2, &n), AS_OK);
	assert_int_equal(n, 0);
	rig_bench_close(&t);
}

/* ---- faults -------------------------------------------------------------------------------------------*/

/* A batch with something of everything on top of what prepare stored; logs of its own. */
struct rich {
	struct store_op ops[16];
	size_t n;
	struct store_key keys[3];
};

static void rich_make(struct rich *rich, const struct rig_bench *t)
{
	static uint8_t junk[64];

	rich->n = 0;
	rich->keys[0] = change(1, KEY_PUT, 1, "one");
	rich->keys[1] = change(2, KEY_TOMBSTONE, 1, NULL);
	rich->keys[2] = change(3, KEY_PUT, 3, "three");
	rich->ops[rich->n] = (struct store_op){.type = STORE_CUT, .log = t->log->id};
	rich->ops[rich->n++].cut.size = rig_head(t->log, 5).size;
	for (size_t i = 5; i < t->log->n && rich->n < 9; i++)
		rich->ops[rich->n++] = rig_block_op(t->log, i, i % 2);
	rich->ops[rich->n++] = receipt_op(t->log, 4, 4);
	rich->ops[rich->n++] = keys_op(&t->log->id, rich->keys, 3);
	rich->ops[rich->n] = (struct store_op){.type = STORE_ASIDE, .log = t->log->id};
	rich->ops[rich->n++].aside.block = bytes_of(junk, sizeof junk);
	rich->ops[rich->n] = (struct store_op){.type = STORE_META};
	rich->ops[rich->n].meta.name = "roster";
	rich->ops[rich->n++].meta.value = bytes_of_str("12");
	rich->ops[rich->n++] = (struct store_op){.type = STORE_FOLD, .log = t->log->id};
}

/* The same struct store goes on where the kv does, two times of three. */
static void crash(struct rig_bench *t, uint64_t nth)
{
	struct kv *before = t->kv;

	if (nth % 3) {
		assert_int_equal(t->b->crash(&t->kv), AS_OK);
		if (t->kv == before)
			return;
	}
	reopen(t, STORE_BRANCH);
}

static void any_failing_call_leaves_the_store_as_it_was(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	static struct rich rich;
	struct rig_digest before, after;
	uint64_t nth;

	if (!t.b->fail_nth) {
		rig_bench_close(&t);
		skip();
	}
	rig_store(t.st, t.log, 0, 9, true);
	rich_make(&rich, &t);
	before = rig_digest(t.kv, RIG_ALL_TABLES);
	for (nth = 1;; nth++) {
		t.b->fail_nth(t.kv, nth);
		as_err err = store_commit(t.st, 0, rich.ops, rich.n, NULL);
		if (t.b->fail_pending(t.kv)) {
			assert_int_equal(err, AS_OK);
			break;
		}
		assert_int_equal(err, AS_EIO);
		crash(&t, nth);
		after = rig_digest(t.kv, RIG_ALL_TABLES);
		assert_memory_equal(before.b, after.b, sizeof before.b);
	}
	t.b->fail_nth(t.kv, 0);
	assert_true(nth > 100);
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	for (nth = 1;; nth++) { /* reads and rebuild as well */
		t.b->fail_nth(t.kv, nth);
		as_err err = store_rebuild(t.st, NULL);
		if (t.b->fail_pending(t.kv)) {
			assert_int_equal(err, AS_OK);
			break;
		}
		assert_int_equal(err, AS_EIO);
		crash(&t, nth);
	}
	t.b->fail_nth(t.kv, 0);
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	rig_bench_close(&t);
}

static void a_doubtful_commit_is_one_or_the_other(void **state)
{
	static const enum kv_mem_fault faults[] = {KV_MEM_COMMIT_LOST, KV_MEM_COMMIT_DOUBTED};

	for (size_t i = 0; i < AS_COUNT(faults); i++) {
		struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
		struct store_op op = rig_block_op(t.log, 3, true);
		if (!t.b->fault) {
			rig_bench_close(&t);
			skip();
		}
		rig_store(t.st, t.log, 0, 3, true);
		t.b->fault(t.kv, faults[i]);
		assert_int_equal(rig_commit(t.st, &op), AS_EIO);
		assert_int_equal(rig_commit(t.st, &op), AS_EIO); /* until it is opened again */
		reopen(&t, STORE_BRANCH);
		expect_head(t.st, t.log, faults[i] == KV_MEM_COMMIT_LOST ? 3 : 4);
		assert_int_equal(rig_commit(t.st, &op),
				 faults[i] == KV_MEM_COMMIT_LOST ? AS_OK : AS_ECONFLICT);
		rig_store(t.st, t.log, 4, t.log->n, true);
		assert_int_equal(store_check(t.st, NULL), AS_OK);
		rig_bench_close(&t);
	}
}

static void a_full_store_takes_nothing(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	struct store_op ops[2] = {rig_block_op(t.log, 3, true), rig_block_op(t.log, 4, true)};

	if (!t.b->limit) {
		rig_bench_close(&t);
		skip();
	}
	rig_store(t.st, t.log, 0, 3, true);
	t.b->limit(t.kv, t.kv->ops->bytes(t.kv) + 300);
	expect_refused(&t, ops, 2, AS_EFULL);
	t.b->limit(t.kv, 0);
	t.b->fault(t.kv, KV_MEM_COMMIT_FULL);
	expect_refused(&t, ops, 2, AS_EFULL);
	assert_int_equal(store_commit(t.st, 0, ops, 2, NULL), AS_OK);
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	rig_bench_close(&t);
}

static void a_crash_goes_back_to_what_was_synced(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);

	if (!t.b->hold_sync) {
		rig_bench_close(&t);
		return;
	}
	rig_store(t.st, t.log, 0, 3, true);
	t.b->hold_sync(t.kv, true);
	rig_store(t.st, t.log, 3, 7, true);
	expect_head(t.st, t.log, 7);
	reopen(&t, STORE_BRANCH);
	expect_head(t.st, t.log, 3);
	t.b->hold_sync(t.kv, false);
	rig_store(t.st, t.log, 3, t.log->n, true);
	reopen(&t, STORE_BRANCH);
	expect_head(t.st, t.log, t.log->n);
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	rig_bench_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(blocks_are_found_by_any_index),
	    cmocka_unit_test(old_frontiers_are_kept_at_intervals),
	    cmocka_unit_test(what_does_not_continue_is_refused),
	    cmocka_unit_test(a_report_of_head_office_has_its_span),
	    cmocka_unit_test(fence_and_heads_are_conditions),
	    cmocka_unit_test(a_log_ends_where_its_key_ends),
	    cmocka_unit_test(receipts_never_go_back),
	    cmocka_unit_test(small_values_are_kept),
	    cmocka_unit_test(key_numbers_have_no_gap),
	    cmocka_unit_test(a_tombstone_wins_in_any_order),
	    cmocka_unit_test(evidence_is_bounded),
	    cmocka_unit_test(ids_and_labels_lead_to_events),
	    cmocka_unit_test(any_failing_call_leaves_the_store_as_it_was),
	    cmocka_unit_test(a_doubtful_commit_is_one_or_the_other),
	    cmocka_unit_test(a_full_store_takes_nothing),
	    cmocka_unit_test(a_crash_goes_back_to_what_was_synced),
	};
	return kv_backends_run("store", tests, AS_COUNT(tests));
}
