/* common/store/kv.h: what every key-value store must do, on each backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "tests/lib/kv_conform.h"

/* ---- a naive model: a sorted array --------------------------------------------------------------------*/

struct row {
	unsigned table;
	uint8_t key[KV_KEY_MAX];
	size_t key_n;
	uint8_t value[40];
	size_t value_n;
};

struct model {
	struct row rows[600];
	size_t n;
};

static int row_cmp(const struct row *r, unsigned table, struct bytes key)
{
	int c;

	if (r->table != table)
		return r->table < table ? -1 : 1;
	c = memcmp(r->key, key.p, r->key_n < key.n ? r->key_n : key.n);
	return c ? c : (r->key_n > key.n) - (r->key_n < key.n);
}

/* Index of the first row that is not before the key. */
static size_t model_at(const struct model *m, unsigned table, struct bytes key)
{
	size_t i = 0;

	while (i < m->n && row_cmp(&m->rows[i], table, key) < 0)
		i++;
	return i;
}

static bool model_has(const struct model *m, size_t i, unsigned table, struct bytes key)
{
	return i < m->n && row_cmp(&m->rows[i], table, key) == 0;
}

static void model_put(struct model *m, unsigned table, struct bytes key, struct bytes value)
{
	size_t i = model_at(m, table, key);

	if (!model_has(m, i, table, key)) {
		as_assert(m->n < AS_COUNT(m->rows));
		memmove(&m->rows[i + 1], &m->rows[i], (m->n - i) * sizeof m->rows[0]);
		m->n++;
	}
	m->rows[i] = (struct row){.table = table, .key_n = key.n, .value_n = value.n};
	memcpy(m->rows[i].key, key.p, key.n);
	memcpy(m->rows[i].value, value.p, value.n);
}

static void model_del(struct model *m, size_t i)
{
	memmove(&m->rows[i], &m->rows[i + 1], (m->n - i - 1) * sizeof m->rows[0]);
	m->n--;
}

static void expect(as_err err, const struct model *m, size_t i, unsigned table, struct bytes key,
		   struct bytes value)
{
	if (i >= m->n || m->rows[i].table != table) {
		assert_int_equal(err, AS_ENOTFOUND);
		return;
	}
	assert_int_equal(err, AS_OK);
	assert_true(bytes_equal(key, bytes_of(m->rows[i].key, m->rows[i].key_n)));
	assert_true(bytes_equal(value, bytes_of(m->rows[i].value, m->rows[i].value_n)));
}

/* Every pair of the tables 0 to 2, forwards and backwards. */
static void expect_all(struct kv *kv, const struct model *m)
{
	struct kv_txn *txn;
	size_t n = 0;

	assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_OK);
	for (unsigned table = 0; table < 3; table++) {
		struct bytes key = {0}, value;
		size_t first = n;
		while (kv_seek(txn, table, key, true, &key, &value) == AS_OK)
			expect(AS_OK, m, n++, table, key, value);
		key = (struct bytes){0};
		for (size_t i = n; i > first; i--) {
			assert_int_equal(kv_seek_before(txn, table, key, &key, &value), AS_OK);
			expect(AS_OK, m, i - 1, table, key, value);
		}
		assert_true(n == first || kv_seek_before(txn, table, key, &key, &value) == AS_ENOTFOUND);
	}
	assert_int_equal(n, m->n);
	kv_txn_done(&txn);
}

/* Short keys of few letters, so that equal keys and prefixes are frequent. */
static struct bytes random_key(struct rng *r, uint8_t *memory)
{
	size_t n = 1 + rng_below(r, rng_below(r, 20) ? 4 : KV_KEY_MAX);

	for (size_t i = 0; i < n; i++)
		memory[i] = (uint8_t)(rng_below(r, 4) * 85);
	return bytes_of(memory, n);
}

static struct kv *open_kv(void **state, const struct kv_backend **ret_backend)
{
	const struct kv_backend *b = *state;
	struct kv *kv;

	assert_int_equal(b->open(&kv), AS_OK);
	if (ret_backend)
		*ret_backend = b;
	return kv;
}

static void put_text(struct kv_txn *txn, const char *key, const char *value)
{
	assert_int_equal(kv_put(txn, 1, bytes_of_str(key), bytes_of_str(value)), AS_OK);
}

static void put_one(struct kv *kv, const char *key, const char *value)
{
	struct kv_txn *txn;

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	put_text(txn, key, value);
	assert_int_equal(kv_commit(&txn), AS_OK);
}

static void expect_text(struct kv *kv, const char *key, const char *value)
{
	struct kv_txn *txn;
	struct bytes got;
	as_err err;

	assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_OK);
	err = kv_get(txn, 1, bytes_of_str(key), &got);
	assert_int_equal(err, value ? AS_OK : AS_ENOTFOUND);
	if (value)
		assert_true(bytes_equal(got, bytes_of_str(value)));
	kv_txn_done(&txn);
}

/* ---- tests --------------------------------------------------------------------------------------------*/

static void equals_a_naive_model(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct rng r = {.state = 1};
	static struct model now, before;

	now.n = before.n = 0;
	for (unsigned round = 0; round < 150; round++) {
		struct kv_txn *txn;
		before = now;
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		for (unsigned step = 0; step < 60; step++) {
			uint8_t kb[KV_KEY_MAX], vb[40];
			unsigned table = (unsigned)rng_below(&r, 3);
			struct bytes key = random_key(&r, kb), value = bytes_of(vb, rng_below(&r, sizeof vb));
			struct bytes got_key = {0}, got = {0};
			size_t i = model_at(&now, table, key);
			bool has = model_has(&now, i, table, key);
			as_err err;

			rng_fill(&r, vb, sizeof vb);
			switch (rng_below(&r, 7)) {
			case 0:
			case 1:
				if (now.n < 500) {
					assert_int_equal(kv_put(txn, table, key, value), AS_OK);
					model_put(&now, table, key, value);
				}
				break;
			case 2:
				assert_int_equal(kv_del(txn, table, key), has ? AS_OK : AS_ENOTFOUND);
				if (has)
					model_del(&now, i);
				break;
			case 3:
				err = kv_get(txn, table, key, &got);
				assert_int_equal(err, has ? AS_OK : AS_ENOTFOUND);
				if (has)
					expect(err, &now, i, table, key, got);
				break;
			case 4:
				err = kv_seek(txn, table, key, false, &got_key, &got);
				expect(err, &now, i, table, got_key, got);
				break;
			case 5:
				err = kv_seek(txn, table, key, true, &got_key, &got);
				expect(err, &now, i + has, table, got_key, got);
				break;
			default:
				err = kv_seek_before(txn, table, key, &got_key, &got);
				expect(err, &now, i ? i - 1 : SIZE_MAX, table, got_key, got);
			}
		}
		if (rng_below(&r, 3)) {
			assert_int_equal(kv_commit(&txn), AS_OK);
		} else {
			kv_txn_done(&txn);
			now = before;
		}
		assert_null(txn);
		expect_all(kv, &now);
	}
	assert_true(now.n > 50);
	kv_close(kv);
}

static void limits_are_kept(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct kv_txn *txn;
	uint8_t key[KV_KEY_MAX + 1] = {1};
	uint8_t *big = calloc(1, KV_VALUE_MAX + 1);
	struct bytes got, k;

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	assert_int_equal(kv_put(txn, 0, bytes_of(key, KV_KEY_MAX + 1), bytes_of_str("v")), AS_EINVAL);
	assert_int_equal(kv_put(txn, 0, bytes_of(key, 0), bytes_of_str("v")), AS_EINVAL);
	assert_int_equal(kv_put(txn, KV_TABLES, bytes_of(key, 1), bytes_of_str("v")), AS_EINVAL);
	assert_int_equal(kv_put(txn, 0, bytes_of(key, 1), bytes_of(big, KV_VALUE_MAX + 1)), AS_ETOOBIG);
	assert_int_equal(kv_put(txn, 0, bytes_of(key, KV_KEY_MAX), bytes_of(big, KV_VALUE_MAX)), AS_OK);
	assert_int_equal(kv_put(txn, KV_TABLES - 1, bytes_of(key, 1), bytes_of(big, 0)), AS_OK);
	assert_int_equal(kv_get(txn, 0, bytes_of(key, KV_KEY_MAX), &got), AS_OK);
	assert_int_equal(got.n, KV_VALUE_MAX);
	assert_int_equal(kv_seek_before(txn, KV_TABLES - 1, bytes_of(NULL, 0), &k, &got), AS_OK);
	assert_int_equal(k.n, 1);
	assert_int_equal(got.n, 0);
	kv_txn_done(&txn);
	free(big);
	kv_close(kv);
}

static void readers_keep_their_snapshot(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct kv_txn *old, *write, *new;
	struct bytes got, key;

	put_one(kv, "a", "1");
	put_one(kv, "b", "1");
	assert_int_equal(kv_begin(kv, KV_READ, &old), AS_OK);
	assert_int_equal(kv_begin(kv, KV_WRITE, &write), AS_OK);
	put_text(write, "a", "2");
	put_text(write, "c", "2");
	assert_int_equal(kv_del(write, 1, bytes_of_str("b")), AS_OK);
	expect_text(kv, "a", "1"); /* not before the commit */
	assert_int_equal(kv_commit(&write), AS_OK);
	assert_int_equal(kv_begin(kv, KV_READ, &new), AS_OK);
	assert_int_equal(kv_get(old, 1, bytes_of_str("a"), &got), AS_OK);
	assert_int_equal(got.p[0], '1');
	assert_int_equal(kv_seek_before(old, 1, bytes_of(NULL, 0), &key, &got), AS_OK);
	assert_int_equal(key.p[0], 'b');
	assert_int_equal(kv_get(new, 1, bytes_of_str("a"), &got), AS_OK);
	assert_int_equal(got.p[0], '2');
	assert_int_equal(kv_seek(new, 1, bytes_of_str("a"), true, &key, &got), AS_OK);
	assert_int_equal(key.p[0], 'c');
	kv_txn_done(&new);
	kv_txn_done(&old);
	kv_close(kv);
}

static void an_abort_leaves_nothing(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct kv_txn *txn;

	put_one(kv, "a", "1");
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	put_text(txn, "a", "2");
	put_text(txn, "b", "2");
	kv_txn_done(&txn);
	expect_text(kv, "a", "1");
	expect_text(kv, "b", NULL);
	kv_close(kv);
}

static void copies_live_apart(void **state)
{
	const struct kv_backend *b;
	struct kv *kv = open_kv(state, &b), *copy;

	if (!b->snapshot)
		skip();
	put_one(kv, "a", "1");
	assert_int_equal(b->snapshot(kv, &copy), AS_OK);
	put_one(kv, "a", "2");
	put_one(copy, "b", "3");
	expect_text(copy, "a", "1");
	expect_text(copy, "b", "3");
	expect_text(kv, "a", "2");
	expect_text(kv, "b", NULL);
	kv_close(kv);
	expect_text(copy, "a", "1"); /* also when the original is gone */
	kv_close(copy);
}

static void a_crash_loses_what_is_open_and_unsynced(void **state)
{
	const struct kv_backend *b;
	struct kv *kv = open_kv(state, &b);
	struct kv_txn *txn;
	struct bytes got;

	put_one(kv, "a", "1");
	if (b->hold_sync) {
		b->hold_sync(kv, true);
		put_one(kv, "a", "2");
		b->sync(kv);
		put_one(kv, "a", "3");
		expect_text(kv, "a", "3");
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		put_text(txn, "b", "3");
		assert_int_equal(b->crash(&kv), AS_OK);
		assert_int_equal(kv_put(txn, 1, bytes_of_str("c"), bytes_of_str("3")), AS_EIO);
		assert_int_equal(kv_get(txn, 1, bytes_of_str("a"), &got), AS_EIO);
		assert_int_equal(kv_commit(&txn), AS_EIO);
		expect_text(kv, "a", "2");
		put_one(kv, "a", "4");
		b->hold_sync(kv, false);
		assert_int_equal(b->crash(&kv), AS_OK);
		expect_text(kv, "a", "4");
	} else {
		assert_int_equal(b->crash(&kv), AS_OK);
		expect_text(kv, "a", "1");
	}
	expect_text(kv, "b", NULL);
	kv_close(kv);
}

static void a_failed_commit_may_be_durable(void **state)
{
	const struct kv_backend *b;
	struct kv *kv = open_kv(state, &b);
	struct kv_txn *txn;
	static const struct {
		enum kv_mem_fault fault;
		const char *after;
	} cases[] = {{KV_MEM_COMMIT_LOST, "1"}, {KV_MEM_COMMIT_DOUBTED, "2"}};

	if (!b->fault)
		skip();
	for (size_t i = 0; i < AS_COUNT(cases); i++) {
		put_one(kv, "a", "1");
		b->fault(kv, cases[i].fault);
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		put_text(txn, "a", "2");
		assert_int_equal(kv_commit(&txn), AS_EIO);
		assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_EIO); /* until it is opened again */
		assert_int_equal(b->crash(&kv), AS_OK);
		expect_text(kv, "a", cases[i].after);
	}
	kv_close(kv);
}

static void full_leaves_nothing(void **state)
{
	const struct kv_backend *b;
	struct kv *kv = open_kv(state, &b);
	struct kv_txn *txn;
	uint8_t big[4096] = {0};
	as_err err = AS_OK;
	uint64_t used;

	if (!b->limit)
		skip();
	put_one(kv, "a", "1");
	used = kv->ops->bytes(kv);
	b->fault(kv, KV_MEM_COMMIT_FULL);
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	put_text(txn, "a", "2");
	assert_int_equal(kv_commit(&txn), AS_EFULL);
	expect_text(kv, "a", "1");
	b->limit(kv, used + 100000);
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	for (uint8_t i = 0; err == AS_OK; i++) {
		as_assert(i < 100);
		big[0] = i;
		err = kv_put(txn, 2, bytes_of(&i, 1), bytes_of(big, sizeof big));
	}
	assert_int_equal(err, AS_EFULL);
	kv_txn_done(&txn);
	assert_int_equal(kv->ops->bytes(kv), used);
	put_one(kv, "a", "3"); /* what fits is still taken */
	expect_text(kv, "a", "3");
	if (kv->ops->reserve) {
		b->limit(kv, used + used / 10); /* within the reserve */
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		assert_int_equal(kv_put(txn, 1, bytes_of_str("a"), bytes_of_str("4")), AS_EFULL);
		assert_int_equal(kv_put(txn, 1, bytes_of_str("a"), bytes_of_str("4")), AS_EFULL);
		assert_int_equal(kv_commit(&txn), AS_EFULL);
		expect_text(kv, "a", "3");
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		kv_write_reserve(txn);
		put_text(txn, "a", "5");
		assert_int_equal(kv_commit(&txn), AS_OK);
		expect_text(kv, "a", "5");
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK); /* deleting is always allowed */
		assert_int_equal(kv_del(txn, 1, bytes_of_str("a")), AS_OK);
		assert_int_equal(kv_commit(&txn), AS_OK);
	}
	kv_close(kv);
}

static void bytes_are_counted(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct kv_txn *txn;
	uint8_t big[1000] = {0};
	uint64_t empty = kv->ops->bytes(kv), full;

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	for (uint8_t i = 0; i < 200; i++)
		assert_int_equal(kv_put(txn, 2, bytes_of(&i, 1), bytes_of(big, sizeof big)), AS_OK);
	for (uint8_t i = 0; i < 200; i++) /* replaced, not added */
		assert_int_equal(kv_put(txn, 2, bytes_of(&i, 1), bytes_of(big, sizeof big - 1)), AS_OK);
	assert_int_equal(kv_commit(&txn), AS_OK);
	full = kv->ops->bytes(kv);
	assert_in_range(full - empty, 200 * 1000, 400 * 1000);
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	for (uint8_t i = 0; i < 200; i++)
		assert_int_equal(kv_del(txn, 2, bytes_of(&i, 1)), AS_OK);
	assert_int_equal(kv_commit(&txn), AS_OK);
	assert_in_range(kv->ops->bytes(kv), empty, empty + 40 * 1000);
	kv_close(kv);
}

/* Logs and cells come in order: a tree that is not balanced would be a list (kv_mem asserts its depth). */
static void keys_in_order_cost_no_more(void **state)
{
	struct kv *kv = open_kv(state, NULL);
	struct kv_txn *txn;
	uint8_t key[4];

	for (unsigned down = 0; down < 2; down++) {
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		for (uint32_t i = 0; i < 5000; i++) {
			put_be32(key, down ? UINT32_MAX - i : i);
			assert_int_equal(kv_put(txn, 2, bytes_of(key, 4), bytes_of(key, 4)), AS_OK);
		}
		assert_int_equal(kv_commit(&txn), AS_OK);
	}
	kv_close(kv);
}

static void a_flipped_bit_is_one_bit(void **state)
{
	const struct kv_backend *b;
	struct kv *kv = open_kv(state, &b), *copy;

	if (!b->flip)
		skip();
	put_one(kv, "a", "ab");
	assert_int_equal(b->snapshot(kv, &copy), AS_OK);
	assert_int_equal(b->flip(kv, 1, bytes_of_str("b"), 0), AS_ENOTFOUND);
	assert_int_equal(b->flip(kv, 1, bytes_of_str("a"), 16 + 9), AS_OK);
	expect_text(kv, "a", "a`");
	expect_text(copy, "a", "ab");
	assert_int_equal(b->crash(&kv), AS_OK);
	expect_text(kv, "a", "a`");
	kv_close(kv);
	kv_close(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(equals_a_naive_model),
	    cmocka_unit_test(limits_are_kept),
	    cmocka_unit_test(readers_keep_their_snapshot),
	    cmocka_unit_test(an_abort_leaves_nothing),
	    cmocka_unit_test(copies_live_apart),
	    cmocka_unit_test(a_crash_loses_what_is_open_and_unsynced),
	    cmocka_unit_test(a_failed_commit_may_be_durable),
	    cmocka_unit_test(full_leaves_nothing),
	    cmocka_unit_test(bytes_are_counted),
	    cmocka_unit_test(keys_in_order_cost_no_more),
	    cmocka_unit_test(a_flipped_bit_is_one_bit),
	};
	return kv_backends_run("kv", tests, AS_COUNT(tests));
}
