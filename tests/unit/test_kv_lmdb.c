/* common/store/kv_lmdb.c: what kv.h does not say: files, space, threads. The rest: test_kv.c, test_store*.c.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "common/store/kv_lmdb.h"
#include "common/store/kv_mem.h"
#include "tests/lib/store_rig.h"
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
	struct store_opts opts = {.role = STORE_HQ, .kv = kv, .opener = rig_opener()};
	struct as_errmsg em;
	struct store *st;
	assert_int_equal(store_open(&st, &opts, &em), AS_EREFUSED);
	assert_string_equal(em.text, "there is no store yet, and it is only to be read");
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
		as_err end = kv_commit(&txn); /* it may be the one to find no room */
		assert_true(end == err || end == AS_EFULL);
		full = end == AS_EFULL;
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
		err = kv_commit(&txn);
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

/* ---- against the tree in memory ----------------------------------------------------------------------*/

/* All pairs of table 3. */
static void expect_equal(struct kv *a, struct kv *b)
{
	struct bytes ak = {0}, av, bk = {0}, bv;
	struct kv_txn *at, *bt;
	as_err err;

	assert_int_equal(kv_begin(a, KV_READ, &at), AS_OK);
	assert_int_equal(kv_begin(b, KV_READ, &bt), AS_OK);
	do {
		err = kv_seek(at, 3, ak, true, &ak, &av);
		assert_int_equal(kv_seek(bt, 3, bk, true, &bk, &bv), err);
		if (err == AS_OK)
			assert_true(bytes_equal(ak, bk) && bytes_equal(av, bv));
	} while (err == AS_OK);
	assert_int_equal(err, AS_ENOTFOUND);
	kv_txn_done(&at);
	kv_txn_done(&bt);
}

/*
 * Thousands of keys of every length and values up to several pages: splits, merges, chains of pages and free
 * pages, which test_kv.c is too small for. KV_OPS: how many operations.
 */
static void equals_the_tree_in_memory(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("large"), .map_bytes = 64 << 20};
	unsigned long ops = getenv("KV_OPS") ? strtoul(getenv("KV_OPS"), NULL, 10) : 60000;
	struct kv *kv = open_kv(&conf), *memory, *before;
	struct rng r = {.state = 9};
	static uint8_t value[9000], key[KV_KEY_MAX];

	(void)state;
	assert_int_equal(kv_mem_new(&memory), AS_OK);
	for (unsigned long done = 0, round = 0; done < ops; round++) {
		uint64_t n = 1 + rng_below(&r, 600),
			 keys = round % 40 < 20 ? 4000 : 300; /* grows, then shrinks */
		struct kv_txn *a, *b;
		assert_int_equal(kv_mem_snapshot(memory, &before), AS_OK);
		assert_int_equal(kv_begin(kv, KV_WRITE, &a), AS_OK);
		assert_int_equal(kv_begin(memory, KV_WRITE, &b), AS_OK);
		for (uint64_t i = 0; i < n; i++, done++) {
			uint64_t id = rng_below(&r, 4000), what = rng_below(&r, 5), size;
			struct bytes at = bytes_of(key, 1 + id % KV_KEY_MAX);
			struct bytes ak = {0}, av = {0}, bk = {0}, bv = {0};
			struct rng of_id = {.state = id};
			as_err err = AS_OK;
			rng_fill(&of_id, key, sizeof key);
			key[0] &= 7;
			if (what <= 1 && id < keys) {
				size = rng_below(&r, rng_below(&r, 10) ? 300 : sizeof value);
				memset(value, (int)done, size);
				assert_int_equal(kv_put(a, 3, at, bytes_of(value, size)), AS_OK);
				assert_int_equal(kv_put(b, 3, at, bytes_of(value, size)), AS_OK);
			} else if (what <= 2) {
				err = kv_del(b, 3, at);
				assert_int_equal(kv_del(a, 3, at), err);
			} else if (what == 3) {
				err = kv_seek(b, 3, at, i % 2, &bk, &bv);
				assert_int_equal(kv_seek(a, 3, at, i % 2, &ak, &av), err);
			} else {
				err = kv_seek_before(b, 3, at, &bk, &bv);
				assert_int_equal(kv_seek_before(a, 3, at, &ak, &av), err);
			}
			assert_true(err || (bytes_equal(ak, bk) && bytes_equal(av, bv)));
		}
		if (rng_below(&r, 4)) {
			assert_int_equal(kv_commit(&a), AS_OK);
			assert_int_equal(kv_commit(&b), AS_OK);
			expect_equal(kv, memory);
		} else {
			kv_txn_done(&a);
			kv_txn_done(&b);
			expect_equal(kv, before);
		}
		kv_close(before);
		if (round % 50 == 49) {
			kv_close(kv);
			kv = open_kv(&conf);
		}
	}
	kv_close(kv);
	kv_close(memory);
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
		if (err == AS_OK)
			err = kv_commit(&w);
		else
			kv_txn_done(&w);
		assert_true(err == AS_OK || err == AS_EFULL); /* no moment without a reader */
	}
	for (size_t i = 0; i < AS_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	kv_close(kv);
}

/* ---- another process ----------------------------------------------------------------------------------*/

/* This program again, which does `what` in the folder and is waited for. */
static void other_process(const char *what, const char *path)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/proc/self/exe", "other", what, path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (strcmp(what, "read") == 0)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int be_other(const char *what, const char *path)
{
	struct kv_lmdb_conf conf = {.path = path, .map_bytes = 16 << 20};
	struct kv_txn *txn;
	struct kv *kv;

	as_assert(kv_lmdb_open(&kv, &conf, NULL) == AS_OK);
	if (strcmp(what, "read") == 0) { /* dies as a reader */
		as_assert(kv_begin(kv, KV_READ, &txn) == AS_OK);
		kill(getpid(), SIGKILL);
	}
	for (uint32_t i = 100; i < 140; i++)
		put(kv, i, 100000, false, AS_OK);
	kv_close(kv);
	return 0;
}

static void the_map_follows_another_process(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("follow"), .map_bytes = 1 << 20};
	struct kv *kv = open_kv(&conf);
	struct kv_txn *old, *new;

	(void)state;
	put(kv, 1, 10, false, AS_OK);
	other_process("write", conf.path);
	expect(kv, 139, 100000);
	put(kv, 2, 10, false, AS_OK);
	kv_close(kv);

	conf.path = temp_path("follow2");
	kv = open_kv(&conf);
	put(kv, 1, 10, false, AS_OK);
	assert_int_equal(kv_begin(kv, KV_READ, &old), AS_OK);
	other_process("write", conf.path);
	assert_int_equal(kv_begin(kv, KV_READ, &new), AS_ENOMEM); /* not while one is open */
	assert_int_equal(kv_begin(kv, KV_WRITE, &new), AS_ENOMEM);
	kv_txn_done(&old);
	expect(kv, 139, 100000);
	put(kv, 2, 10, false, AS_OK);
	kv_close(kv);
}

static off_t file_bytes(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* A reader that died pins every page that is freed since, until somebody looks. */
static void dead_readers_are_cleared(void **state)
{
	struct kv_lmdb_conf conf = {.path = temp_path("dead"), .map_bytes = 16 << 20};
	const char *file = temp_path("dead/data.mdb");
	struct kv *kv = open_kv(&conf);
	off_t pinned;

	(void)state;
	put(kv, 1, 10000, false, AS_OK);
	other_process("read", conf.path);
	for (unsigned i = 0; i < 100; i++)
		put(kv, 1, 10000, false, AS_OK);
	pinned = file_bytes(file);
	assert_true(pinned > 100 * 10000);
	assert_int_equal(kv_lmdb_reader_check(kv), AS_OK);
	for (unsigned i = 0; i < 100; i++)
		put(kv, 1, 10000, false, AS_OK);
	assert_true(file_bytes(file) < pinned + 100000);
	kv_close(kv);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return be_other(argv[1], argv[2]);
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
	    cmocka_unit_test(equals_the_tree_in_memory),
	    cmocka_unit_test(threads_read_while_one_writes),
	    cmocka_unit_test(the_map_follows_another_process),
	    cmocka_unit_test(dead_readers_are_cleared),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("kv lmdb", tests, NULL, NULL);
}
