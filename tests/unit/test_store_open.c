/* common/store: making, opening and refusing to open a store, on each backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/store/rows.h"
#include "tests/lib/kv_conform.h"
#include "tests/lib/store_bench.h"

static void reopen(struct rig_bench *t, enum store_role role)
{
	store_close(t->st);
	assert_int_equal(t->b->crash(&t->kv), AS_OK);
	t->st = rig_open(t->kv, role);
}

static void a_store_knows_what_it_is(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_BRANCH);
	struct store_opts opts = {.role = STORE_HQ, .kv = t.kv, .opener = rig_opener()};
	struct store *other;
	struct as_errmsg em;
	uint64_t bit;

	assert_int_equal(store_open(&other, &opts, &em), AS_EINVAL);
	assert_string_equal(em.text, "this is the store of branch " RIG_BRANCH ", not of head office");
	opts.role = STORE_BRANCH;
	memcpy(opts.branch, "SH02", 4);
	assert_int_equal(store_open(&other, &opts, &em), AS_EINVAL);
	assert_string_equal(em.text, "this is the store of branch " RIG_BRANCH ", not of branch SH02");
	memcpy(opts.branch, RIG_BRANCH, 4);
	if (t.b->flip) {
		bit = 9; /* of the magic */
		struct store_key_buf key = key_self(SELF_IDENTITY);
		assert_int_equal(t.b->flip(t.kv, TABLE_SELF, key_bytes(&key), bit), AS_OK);
		assert_int_equal(store_open(&other, &opts, &em), AS_ECORRUPT);
		assert_string_equal(em.text,
				    "store 01: stored data is damaged: put a copy in its place, or begin "
				    "with an empty one and fetch the logs back");
	}
	rig_bench_close(&t);
}

static void rows_without_identity_are_not_taken_over(void **state)
{
	const struct kv_backend *b = *state;
	struct store_opts opts = {.role = STORE_HQ, .opener = rig_opener()};
	struct kv_txn *txn;
	struct as_errmsg em;
	struct store *st;

	assert_int_equal(b->open(&opts.kv), AS_OK);
	assert_int_equal(kv_begin(opts.kv, KV_WRITE, &txn), AS_OK);
	assert_int_equal(kv_put(txn, TABLE_CELL, bytes_of_str("x"), bytes_of_str("y")), AS_OK);
	assert_int_equal(kv_commit(&txn), AS_OK);
	assert_int_equal(store_open(&st, &opts, NULL), AS_ECORRUPT);
	assert_int_equal(store_open(&st, &opts, &em), AS_ECORRUPT);
	assert_non_null(strstr(em.text, "there are rows but not the one"));
	kv_close(opts.kv);
}

/* Writes SELF_IDENTITY with another format or ledger version, well formed. */
static void identity_set(struct kv *kv, size_t at, uint8_t v)
{
	struct store_key_buf key = key_self(SELF_IDENTITY);
	uint8_t b[128];
	struct bytes value;
	struct kv_txn *txn;

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	assert_int_equal(kv_get(txn, TABLE_SELF, key_bytes(&key), &value), AS_OK);
	memcpy(b, value.p, value.n);
	b[at] = v;
	row_check(TABLE_SELF, key_bytes(&key), bytes_of(b, value.n - ROW_CHECK), b + value.n - ROW_CHECK);
	assert_int_equal(kv_put(txn, TABLE_SELF, key_bytes(&key), bytes_of(b, value.n)), AS_OK);
	assert_int_equal(kv_commit(&txn), AS_OK);
}

static void a_newer_format_is_refused(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct store_opts opts = {.role = STORE_HQ, .kv = t.kv, .opener = rig_opener()};
	struct store *other;
	struct as_errmsg em;

	identity_set(t.kv, 9, 99);
	assert_int_equal(store_open(&other, &opts, &em), AS_EUNSUPPORTED);
	assert_string_equal(em.text, "the store has format 99, this program knows 2: use a newer program");
	identity_set(t.kv, 9, 2);
	identity_set(t.kv, 13, LEDGER_VERSION + 1);
	assert_int_equal(store_open(&other, &opts, &em), AS_EUNSUPPORTED);
	assert_non_null(strstr(em.text, "ledger version"));
	rig_bench_close(&t);
}

static void another_ledger_version_wants_a_rebuild(void **state)
{
	struct rig_bench t = rig_bench_open(state, STORE_HQ);
	struct store_op op;
	struct rig_digest before;

	rig_store(t.st, t.log, 0, t.log->n - 1, true);
	before = rig_digest(t.kv, RIG_ALL_TABLES);
	identity_set(t.kv, 13, LEDGER_VERSION - 1);
	reopen(&t, STORE_HQ);
	assert_true(store_is_stale(t.st));
	op = rig_block_op(t.log, t.log->n - 1, true);
	assert_int_equal(rig_commit(t.st, &op), AS_EUNSUPPORTED);
	assert_int_equal(store_rebuild(t.st, NULL), AS_OK);
	assert_false(store_is_stale(t.st));
	struct rig_digest after = rig_digest(t.kv, RIG_ALL_TABLES);
	assert_memory_equal(before.b, after.b, sizeof before.b);
	assert_int_equal(rig_commit(t.st, &op), AS_OK);
	reopen(&t, STORE_HQ);
	assert_false(store_is_stale(t.st));
	rig_bench_close(&t);
}

static void what_cannot_be_made_is_said(void **state)
{
	const struct kv_backend *b = *state;
	struct store_opts opts = {.role = STORE_HQ, .opener = rig_opener()};
	struct as_errmsg em;
	struct store *st;

	assert_int_equal(b->open(&opts.kv), AS_OK);
	b->limit(opts.kv, 1);
	assert_int_equal(store_open(&st, &opts, &em), AS_EFULL);
	assert_string_equal(em.text, "there is no space to make the store");
	b->limit(opts.kv, 0);
	b->fault(opts.kv, KV_MEM_COMMIT_FULL);
	assert_int_equal(store_open(&st, &opts, &em), AS_EFULL);
	assert_int_equal(store_open(&st, &opts, &em), AS_OK);
	store_close(st);
	kv_close(opts.kv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_store_knows_what_it_is),
	    cmocka_unit_test(rows_without_identity_are_not_taken_over),
	    cmocka_unit_test(a_newer_format_is_refused),
	    cmocka_unit_test(another_ledger_version_wants_a_rebuild),
	    cmocka_unit_test(what_cannot_be_made_is_said),
	};
	return kv_backends_run("store open", tests, AS_COUNT(tests));
}
