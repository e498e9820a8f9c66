/* common/store with a store key: what is sealed, what is not, and that nothing else changes, on each backend.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sodium.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/store/rows.h"
#include "tests/lib/kv_conform.h"
#include "tests/lib/store_rig.h"

static const uint8_t store_key[STORE_KEY_BYTES] = {7, 1}, other_key[STORE_KEY_BYTES] = {7, 2};
static const char roster[] = "Zhang San, counter 3";

struct bench {
	const struct kv_backend *b;
	struct kv *kv;
	struct store *st;
	struct rig_log *log;
};

static void store_some(struct store *st, const struct rig_log *log, size_t from, size_t to)
{
	struct store_op op = {.type = STORE_META};

	rig_store(st, log, from, to, true);
	op.meta.name = "roster";
	op.meta.value = bytes_of_str(roster);
	assert_int_equal(rig_commit(st, &op), AS_OK);
}

static struct bench bench_open(void **state)
{
	struct bench t = {.b = *state};
	struct rng r = {.state = 7};
	static struct gen g;

	assert_int_equal(as_crypto_init(), AS_OK);
	assert_int_equal(t.b->open(&t.kv), AS_OK);
	t.st = rig_open_key(t.kv, STORE_BRANCH, store_key);
	t.log = rig_log_new(LOG_LIVE, RIG_BRANCH, 1, NULL, 0);
	gen_init(&g, RIG_BRANCH, &(struct gen_opts){.complaint_pm = 300, .illegal_pm = 50, .open_max = 8});
	rig_generate(t.log, &g, &r, 200);
	store_some(t.st, t.log, 0, t.log->n);
	return t;
}

static void bench_close(struct bench *t)
{
	rig_log_free(t->log);
	store_close(t->st);
	kv_close(t->kv);
}

/* ---- the key ------------------------------------------------------------------------------------------*/

static void expect_closed(struct kv *kv, const uint8_t *key, const char *text)
{
	struct store_opts opts = {
	    .role = STORE_BRANCH, .branch = RIG_BRANCH, .kv = kv, .opener = rig_opener(), .store_key = key};
	struct as_errmsg em = {""};
	struct store *st;

	assert_int_equal(store_open(&st, &opts, &em), AS_EFORGED);
	assert_string_equal(em.text, text);
}

static void it_opens_with_its_key_only(void **state)
{
	struct bench t = bench_open(state);
	struct kv *plain;

	store_close(t.st);
	expect_closed(t.kv, NULL,
		      "the store is sealed and no store key is given: give the one it was made with");
	expect_closed(t.kv, other_key,
		      "the store is sealed with another store key than the one given: give that one");
	assert_int_equal(t.b->crash(&t.kv), AS_OK);
	t.st = rig_open_key(t.kv, STORE_BRANCH, store_key);
	assert_int_equal(store_check(t.st, NULL), AS_OK);
	assert_int_equal(t.b->open(&plain), AS_OK);
	store_close(rig_open(plain, STORE_BRANCH));
	expect_closed(plain, store_key,
		      "the store was made without a store key, and one is given: leave it out");
	kv_close(plain);
	bench_close(&t);
}

/* ---- what lies in the kv ------------------------------------------------------------------------------*/

typedef void (*raw_fn)(void *arg, unsigned table, struct bytes key, struct bytes value);

static void each_raw(struct kv *kv, raw_fn fn, void *arg)
{
	struct kv_txn *txn;

	assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_OK);
	for (unsigned table = 0; table < TABLES; table++) {
		struct bytes key = {0}, value;
		while (kv_seek(txn, table, key, true, &key, &value) == AS_OK)
			fn(arg, table, key, value);
	}
	kv_txn_done(&txn);
}

struct plain {
	struct bytes text;
	size_t found;
};

static void look_for(void *arg, unsigned table, struct bytes key, struct bytes value)
{
	struct plain *p = arg;

	(void)key;
	if (table != TABLE_BLOCK &&
	    value.n >= p->text.n) /* a block is sealed by its author; not those of the rig */
		p->found += memmem(value.p, value.n, p->text.p, p->text.n) != NULL;
}

static size_t found_in(struct kv *kv, struct bytes text)
{
	struct plain p = {.text = text};

	each_raw(kv, look_for, &p);
	return p.found;
}

static as_err case_is_hidden(void *arg, struct bytes key, struct bytes value)
{
	struct kv **kv = arg;

	(void)key;
	assert_true(value.n > 32);
	assert_int_equal(found_in(kv[0], bytes_of(value.p + value.n / 2, 16)), 0);
	assert_true(found_in(kv[1], bytes_of(value.p + value.n / 2, 16)) > 0); /* and is looked for rightly */
	return AS_OK;
}

static void content_does_not_lie_open(void **state)
{
	struct bench t = bench_open(state);
	struct kv *plain, *both[2];
	struct store *st;

	assert_int_equal(t.b->open(&plain), AS_OK);
	st = rig_open(plain, STORE_BRANCH);
	store_some(st, t.log, 0, t.log->n);
	assert_int_equal(found_in(plain, bytes_of_str(roster)), 1);
	assert_int_equal(found_in(t.kv, bytes_of_str(roster)), 0);
	both[0] = t.kv;
	both[1] = plain;
	assert_int_equal(store_each_case(t.st, bytes_of(NULL, 0), case_is_hidden, both), AS_OK);
	store_close(st);
	kv_close(plain);
	bench_close(&t);
}

struct nonces {
	uint8_t b[2000][24];
	size_t n;
};

static void take_nonce(void *arg, unsigned table, struct bytes key, struct bytes value)
{
	struct nonces *all = arg;

	(void)key;
	if (!row_is_sealed(table))
		return;
	assert_true(all->n < AS_COUNT(all->b) && value.n > ROW_SEAL);
	memcpy(all->b[all->n++], value.p + value.n - 24, 24);
}

static int nonce_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 24);
}

static void no_nonce_comes_twice(void **state)
{
	struct bench t = bench_open(state);
	static struct nonces all;

	all.n = 0;
	each_raw(t.kv, take_nonce, &all);
	for (unsigned i = 0; i < 3; i++) { /* all cases once more, in one transaction each time */
		assert_int_equal(store_rebuild(t.st, NULL), AS_OK);
		store_some(t.st, t.log, 0, 0);
		each_raw(t.kv, take_nonce, &all);
	}
	assert_true(all.n > 60);
	qsort(all.b, all.n, 24, nonce_cmp);
	for (size_t i = 1; i < all.n; i++)
		assert_memory_not_equal(all.b[i - 1], all.b[i], 24);
	bench_close(&t);
}

static const char *no_random_name(void)
{
	return "none";
}

static uint32_t no_random_word(void)
{
	return 0;
}

static void no_random(void *const out, const size_t n)
{
	memset(out, 0, n);
}

static void meta_put(struct store *st, const char *name, const char *text)
{
	struct store_op op = {.type = STORE_META, .meta = {.name = name, .value = bytes_of_str(text)}};

	op.meta.value.n = strlen(text);
	assert_int_equal(rig_commit(st, &op), AS_OK);
}

/* Two machines with the same memory, generator included, that go on with different rows. */
static void a_copied_machine_repeats_no_nonce(void **state)
{
	static struct randombytes_implementation copied = {
	    .implementation_name = no_random_name, .random = no_random_word, .buf = no_random};
	static const char *const texts[][2] = {
	    {"one", "content"}, {"one", "Content"}, {"two", "content"}, {"one", "x"}};
	const struct kv_backend *b = *state;
	static struct nonces all;

	assert_int_equal(as_crypto_init(), AS_OK);
	assert_int_equal(randombytes_set_implementation(&copied), 0);
	all.n = 0;
	for (size_t i = 0; i < AS_COUNT(texts); i++) {
		struct kv *kv;
		assert_int_equal(b->open(&kv), AS_OK);
		struct store *st = rig_open_key(kv, STORE_BRANCH, store_key);
		meta_put(st, texts[i][0], texts[i][1]);
		each_raw(kv, take_nonce, &all);
		store_close(st);
		kv_close(kv);
	}
	assert_int_equal(randombytes_set_implementation(&randombytes_sysrandom_implementation), 0);
	assert_int_equal(all.n, AS_COUNT(texts));
	qsort(all.b, all.n, 24, nonce_cmp);
	for (size_t i = 1; i < all.n; i++)
		assert_memory_not_equal(all.b[i - 1], all.b[i], 24);
}

/* ---- nothing else changes -----------------------------------------------------------------------------*/

static as_err dump(void *arg, struct bytes key, struct bytes value)
{
	struct buf *to = arg;
	uint8_t n[8];

	put_be32(n, (uint32_t)key.n);
	put_be32(n + 4, (uint32_t)value.n);
	as_assert(buf_add(to, n, 8) == AS_OK && buf_add(to, key.p, key.n) == AS_OK &&
		  buf_add(to, value.p, value.n) == AS_OK);
	return AS_OK;
}

static void expect_same(struct store *a, struct store *b)
{
	AS_AUTO(buf) struct buf one = {0}, two = {0};

	buf_init(&one, 1 << 24);
	buf_init(&two, 1 << 24);
	assert_int_equal(store_each_case(a, bytes_of(NULL, 0), dump, &one), AS_OK);
	assert_int_equal(store_each_case(b, bytes_of(NULL, 0), dump, &two), AS_OK);
	assert_true(one.n > 1000 && bytes_equal(buf_bytes(&one), buf_bytes(&two)));
	buf_reset(&one);
	buf_reset(&two);
	assert_int_equal(store_each_cell(a, bytes_of(NULL, 0), dump, &one), AS_OK);
	assert_int_equal(store_each_cell(b, bytes_of(NULL, 0), dump, &two), AS_OK);
	assert_true(one.n > 1000 && bytes_equal(buf_bytes(&one), buf_bytes(&two)));
}

static void dumps_are_those_of_an_open_store(void **state)
{
	struct bench t = bench_open(state);
	AS_AUTO(buf) struct buf value = {0};
	struct store_op cut = {.type = STORE_CUT, .log = t.log->id};
	struct as_errmsg em = {""};
	struct kv *plain;
	struct store *st;

	assert_int_equal(t.b->open(&plain), AS_OK);
	st = rig_open(plain, STORE_BRANCH);
	store_some(st, t.log, 0, t.log->n);
	expect_same(t.st, st);
	cut.cut.size = rig_head(t.log, t.log->n / 2).size;
	assert_int_equal(rig_commit(st, &cut), AS_OK);
	assert_int_equal(rig_commit(t.st, &cut), AS_OK);
	expect_same(t.st, st);
	assert_int_equal(store_rebuild(t.st, NULL), AS_OK);
	expect_same(t.st, st);
	if (store_check(t.st, &em))
		fail_msg("%s", em.text);
	buf_init(&value, STORE_META_MAX);
	assert_int_equal(store_meta(t.st, "roster", &value), AS_OK);
	assert_true(bytes_equal(buf_bytes(&value), bytes_of_str(roster)));
	store_close(st);
	kv_close(plain);
	bench_close(&t);
}

/* A sealed value under another key, or cut short. */
static void a_sealed_value_belongs_to_its_row(void **state)
{
	struct bench t = bench_open(state);
	struct as_errmsg em = {""};
	struct bytes key = {0}, value, next;
	uint8_t copy[4096];
	char want[KEY_TEXT_MAX];
	struct kv_txn *txn;

	assert_int_equal(kv_begin(t.kv, KV_WRITE, &txn), AS_OK);
	assert_int_equal(kv_seek(txn, TABLE_CASE, key, true, &key, &value), AS_OK);
	assert_true(value.n < sizeof copy);
	memcpy(copy, value.p, value.n);
	struct bytes taken = bytes_of(copy, value.n);
	assert_int_equal(kv_seek(txn, TABLE_CASE, key, true, &key, &next), AS_OK);
	struct store_key_buf second = key_copy(key);
	assert_int_equal(kv_put(txn, TABLE_CASE, key_bytes(&second), taken), AS_OK);
	assert_int_equal(kv_commit(&txn), AS_OK);
	key_text(TABLE_CASE, key_bytes(&second), want);
	assert_int_equal(store_check(t.st, &em), AS_ECORRUPT);
	assert_memory_equal(em.text, want, strlen(want));
	assert_non_null(strstr(em.text, "damaged")); /* and not another case, well read */
	for (size_t n = 0; n <= ROW_SEAL; n += 8) {
		assert_int_equal(kv_begin(t.kv, KV_WRITE, &txn), AS_OK);
		assert_int_equal(kv_put(txn, TABLE_CASE, key_bytes(&second), bytes_of(copy, n)), AS_OK);
		assert_int_equal(kv_commit(&txn), AS_OK);
		assert_int_equal(store_check(t.st, &em), AS_ECORRUPT);
	}
	assert_int_equal(store_rebuild(t.st, NULL), AS_OK);
	assert_int_equal(store_check(t.st, &em), AS_OK);
	bench_close(&t);
}

static void any_flipped_bit_is_found(void **state)
{
	struct bench t = bench_open(state);
	struct rng r = {.state = 5};
	static const unsigned tables[] = {TABLE_CASE, TABLE_META, TABLE_SELF};

	for (unsigned i = 0; i < 30; i++) {
		unsigned table = tables[i % AS_COUNT(tables)];
		struct as_errmsg em = {""};
		struct bytes key = {0}, value;
		char want[KEY_TEXT_MAX];
		struct kv_txn *txn;
		struct kv *copy;
		struct store *st;

		assert_int_equal(kv_begin(t.kv, KV_READ, &txn), AS_OK);
		for (unsigned n = 0; n <= i % 2 && kv_seek(txn, table, key, true, &key, &value) == AS_OK; n++)
			;
		struct store_key_buf k = key_copy(key);
		kv_txn_done(&txn);
		assert_int_equal(t.b->snapshot(t.kv, &copy), AS_OK);
		st = rig_open_key(copy, STORE_BRANCH, store_key);
		assert_int_equal(t.b->flip(copy, table, key_bytes(&k), rng_next(&r) >> 8), AS_OK);
		assert_int_equal(store_check(st, &em), AS_ECORRUPT);
		key_text(table, key_bytes(&k), want);
		assert_memory_equal(em.text, want, strlen(want));
		store_close(st);
		kv_close(copy);
	}
	bench_close(&t);
}

/* ---- threads ------------------------------------------------------------------------------------------*/

struct reader {
	struct store *st;
	size_t cases;
};

static as_err count_case(void *arg, struct bytes key, struct bytes value)
{
	struct reader *r = arg;

	as_assert(key.n == 24 && value.n > 32);
	r->cases++;
	return AS_OK;
}

static void *read_cases(void *arg)
{
	struct reader *r = arg;

	for (unsigned i = 0; i < 40; i++)
		as_assert(store_each_case(r->st, bytes_of(NULL, 0), count_case, r) == AS_OK);
	return NULL;
}

static void threads_read_while_one_writes(void **state)
{
	struct bench t = bench_open(state);
	struct reader readers[2];
	pthread_t threads[2];

	if (strcmp(t.b->name, "mem") == 0) { /* belongs to one thread */
		bench_close(&t);
		return;
	}
	for (size_t i = 0; i < AS_COUNT(threads); i++) {
		readers[i] = (struct reader){.st = t.st};
		assert_int_equal(pthread_create(&threads[i], NULL, read_cases, &readers[i]), 0);
	}
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(store_rebuild(t.st, NULL), AS_OK);
	for (size_t i = 0; i < AS_COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_true(readers[i].cases > 400);
	}
	bench_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_opens_with_its_key_only),
	    cmocka_unit_test(content_does_not_lie_open),
	    cmocka_unit_test(no_nonce_comes_twice),
	    cmocka_unit_test(a_copied_machine_repeats_no_nonce),
	    cmocka_unit_test(dumps_are_those_of_an_open_store),
	    cmocka_unit_test(a_sealed_value_belongs_to_its_row),
	    cmocka_unit_test(any_flipped_bit_is_found),
	    cmocka_unit_test(threads_read_while_one_writes),
	};
	return kv_backends_run("store seal", tests, AS_COUNT(tests));
}
