/* common/store/kv_lmdb.c: what kv.h does not say: files, space, threads. The rest: test_kv.c, test_store*.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/store/kv_lmdb.h"
#include "tests/lib/temp.h"

static struct kv *open_kv(const struct kv_lmdb_conf *conf)
{
	struct as_errmsg em = {""};
	struct kv *kv;

	if (kv_lmdb_open(&kv, conf, &em))
		fail_msg("%s", em.text);
	return kv;
}

static void put(struct kv *kv, uint32_t number, size_t n, bool reserve, as_err want)
{
	static uint8_t value[KV_VALUE_MAX];
	struct kv_txn *txn;
	uint8_t key[4];
	as_err err;

	put_be32(key, number);
	memset(value, (int)number, n);
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	if (reserve)
		kv_write_reserve(txn);
	err = kv_put(txn, 3, bytes_of(key, 4), bytes_of(value, n));
	if (err)
		kv_txn_done(&txn);
	else
		err = kv_commit(&txn);
	assert_int_equal(err, want);
}

static void expect(struct kv *kv, uint32_t number, size_t n)
{
	struct kv_txn *txn;
	struct bytes value;
	uint8_t key[4];

	put_be32(key, number);
	assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_OK);
	assert_int_equal(kv_get(txn, 3, bytes_of(key, 4), &value), n ? AS_OK : AS_ENOTFOUND);
	if (n) {
		assert_int_equal(value.n, n);
		assert_int_equal(value.p[0], number & 0xff);
		assert_int_equal(value.p[n - 1], number & 0xff);
	}
	kv_txn_done(&txn);
}

static void what_is_committed_is_there_again(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("again"), .map_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);

	(void)state;
	put(kv, 7, 100, false, AS_OK);
	kv_close(kv);
	kv = open_kv(&conf);
	expect(kv, 7, 100);
	expect(kv, 8, 0);
	assert_int_equal(kv_lmdb_reader_check(kv), AS_OK);
	kv_close(kv);
}

static void one_open_a_process(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("one"), .map_bytes = 1 << 20};
	struct kv_lmdb_conf other = {.path = temp_path("one/../one"), .map_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf), *second;
	struct as_errmsg em;

	(void)state;
	assert_int_equal(kv_lmdb_open(&second, &other, &em), AS_EEXIST);
	assert_non_null(strstr(em.text, "open already"));
	put(kv, 1, 1, false, AS_OK); /* the first goes on */
	kv_close(kv);
	kv = open_kv(&other);
	kv_close(kv);
}

static void others_must_not_enter(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("mode")};
	struct as_errmsg em;
	struct stat st;
	struct kv *kv;

	(void)state;
	kv = open_kv(&conf);
	kv_close(kv);
	assert_int_equal(stat(conf.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(temp_path("mode/data.mdb"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(chmod(conf.path, 0750), 0);
	assert_int_equal(kv_lmdb_open(&kv, &conf, &em), AS_EREFUSED);
	assert_non_null(strstr(em.text, "750"));
}

static void what_is_not_ours_is_said(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("junk"), .map_bytes = 1 << 20};
	struct as_errmsg em = {""};
	struct kv *kv = NULL;
	FILE *f;

	(void)state;
	conf.read_only = true;
	assert_int_equal(kv_lmdb_open(&kv, &conf, &em), AS_ENOTFOUND);
	conf.read_only = false;
	assert_int_equal(mkdir(conf.path, 0700), 0);
	f = fopen(temp_path("junk/data.mdb"), "w");
	assert_non_null(f);
	for (int i = 0; i < 4000; i++)
		fputs("junk", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(kv_lmdb_open(&kv, &conf, &em), AS_ECORRUPT);
	assert_non_null(strstr(em.text, "data.mdb"));
	conf.path = temp_path("no/such/folder");
	assert_int_equal(kv_lmdb_open(&kv, &conf, &em), AS_ENOTFOUND);
	assert_non_null(strstr(em.text, "No such file"));
}

static void a_reader_only_reads(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("reader"), .map_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);
	struct kv_txn *txn;

	(void)state;
	put(kv, 1, 10, false, AS_OK);
	kv_close(kv);
	conf.read_only = true;
	kv = open_kv(&conf);
	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_EREFUSED);
	expect(kv, 1, 10);
	kv_close(kv);
}

/* The disk has blocks before they are needed: a file that is put on a full disk still finds them. */
static void blocks_are_taken_ahead(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("ahead"), .prealloc_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);
	struct stat st;

	(void)state;
	assert_int_equal(stat(temp_path("ahead/lock.mdb"), &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size && st.st_size >= 8192);
	for (uint32_t i = 0; i < 30; i++) {
		put(kv, i, 200000, false, AS_OK);
		assert_int_equal(stat(temp_path("ahead/data.mdb"), &st), 0);
		assert_true(st.st_blocks * 512 >= st.st_size + 100000);
	}
	kv_close(kv);
}

static void the_map_grows(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("map"), .map_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);
	uint64_t used, limit;
	struct kv_txn *old;
	unsigned full = 0;

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		put(kv, i, 100000, false, AS_OK);
	for (uint32_t i = 0; i < 64; i++)
		expect(kv, i, 100000);
	assert_int_equal(kv_lmdb_space(kv, &used, &limit), AS_OK);
	assert_in_range(used, 6400000, 7000000);
	assert_true(limit > used);
	assert_int_equal(kv_begin(kv, KV_READ, &old), AS_OK); /* it cannot move now */
	for (uint32_t i = 64; i < 600 && !full; i++) {
		struct kv_txn *txn;
		uint8_t key[4];
		put_be32(key, i);
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		static uint8_t value[100000];
		as_err err = kv_put(txn, 3, bytes_of(key, 4), bytes_of(value, sizeof value));
		full = err == AS_EFULL;
		assert_int_equal(kv_commit(&txn), err);
	}
	assert_int_equal(full, 1);
	kv_txn_done(&old);
	put(kv, 9, 200000, false, AS_OK);
	expect(kv, 9, 200000);
	kv_close(kv);
}

static void a_batch_larger_than_the_map_is_taken_the_next_time(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("batch"), .map_bytes = 1 << 20, .reserve_percent = 1};
	struct kv *kv = open_kv(&conf);
	unsigned tries = 0;
	as_err err;

	(void)state;
	do {
		struct kv_txn *txn;
		static uint8_t value[500000];
		assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
		err = AS_OK;
		for (uint8_t i = 0; i < 10 && err == AS_OK; i++)
			err = kv_put(txn, 3, bytes_of(&i, 1), bytes_of(value, sizeof value));
		assert_int_equal(kv_commit(&txn), err);
	} while (err == AS_EFULL && ++tries < 10);
	assert_int_equal(err, AS_OK);
	assert_true(tries > 0);
	kv_close(kv);
}

static void the_reserve_is_for_small_things(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("reserve"), .disk_limit_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);
	uint64_t used, limit;
	uint32_t n = 0;

	(void)state;
	do {
		assert_int_equal(kv_lmdb_space(kv, &used, &limit), AS_OK);
		assert_int_equal(limit, 1 << 20);
		if (used + 3 * 4096 >= limit * 85 / 100)
			break;
		put(kv, n++, 4000, false, AS_OK);
	} while (n < 1000);
	assert_in_range(n, 150, 250);
	put(kv, n, 20000, false, AS_EFULL);
	put(kv, n, 20000, true, AS_OK);
	put(kv, n + 1, 200000, true, AS_EFULL); /* has its bound as well */
	expect(kv, 0, 4000);
	kv_lmdb_limit(kv, 2 << 20);
	put(kv, n + 1, 200000, false, AS_OK);
	kv_close(kv);
}

/* A snapshot may be read on another thread than the one that began it. */
static void *read_there(void *arg)
{
	struct kv_txn *txn = arg;
	uint8_t key[4] = {0, 0, 0, 1};
	struct bytes value;

	as_assert(kv_get(txn, 3, bytes_of(key, 4), &value) == AS_OK && value.n == 10);
	kv_txn_done(&txn);
	return NULL;
}

static void *read_often(void *arg)
{
	struct kv *kv = arg;

	for (unsigned i = 0; i < 2000; i++) {
		struct kv_txn *txn;
		struct bytes key = {0}, value;
		size_t n = 0;
		as_assert(kv_begin(kv, KV_READ, &txn) == AS_OK);
		while (n < 20 && kv_seek(txn, 3, key, true, &key, &value) == AS_OK) {
			as_assert(value.n > 0 && value.p[0] == key.p[3] && value.p[value.n - 1] == key.p[3]);
			n++;
		}
		kv_txn_done(&txn);
		as_assert(kv->ops->bytes(kv) > 0);
	}
	return NULL;
}

static void threads_read_while_one_writes(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("threads"), .map_bytes = 256 << 10};
	struct kv *kv = open_kv(&conf);
	pthread_t threads[3];
	struct kv_txn *txn;

	(void)state;
	put(kv, 1, 10, false, AS_OK);
	assert_int_equal(kv_begin(kv, KV_READ, &txn), AS_OK);
	assert_int_equal(pthread_create(&threads[0], NULL, read_there, txn), 0);
	pthread_join(threads[0], NULL);
	for (size_t i = 0; i < AS_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_often, kv), 0);
	for (uint32_t i = 0; i < 400; i++) { /* the map moves under the readers */
		struct kv_txn *w;
		uint8_t key[4], value[5000];
		as_err err;
		put_be32(key, i);
		memset(value, (int)i, sizeof value);
		assert_int_equal(kv_begin(kv, KV_WRITE, &w), AS_OK);
		err = kv_put(w, 3, bytes_of(key, 4), bytes_of(value, sizeof value));
		assert_true(err == AS_OK || err == AS_EFULL); /* no moment without a reader */
		assert_int_equal(kv_commit(&w), err);
	}
	for (size_t i = 0; i < AS_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	kv_close(kv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_committed_is_there_again),
	    cmocka_unit_test(one_open_a_process),
	    cmocka_unit_test(others_must_not_enter),
	    cmocka_unit_test(what_is_not_ours_is_said),
	    cmocka_unit_test(a_reader_only_reads),
	    cmocka_unit_test(blocks_are_taken_ahead),
	    cmocka_unit_test(the_map_grows),
	    cmocka_unit_test(a_batch_larger_than_the_map_is_taken_the_next_time),
	    cmocka_unit_test(the_reserve_is_for_small_things),
	    cmocka_unit_test(threads_read_while_one_writes),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("kv lmdb", tests, NULL, NULL);
}
