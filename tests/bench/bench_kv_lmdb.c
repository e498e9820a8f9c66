/*
 * Commits and records a second of kv_lmdb with real syncs, in a folder on a disk: $BENCH_DIR, else
 * build/bench.tmp. Records are 300 bytes under consecutive keys (as blocks in a log), or under random keys
 * (as event ids). One JSON object a line.
 *
 * syncs_a_commit and written_bytes_a_record are counted at the calls of the C library that LMDB makes:
 * fdatasync, and writes through a descriptor with O_DSYNC (its meta page); bytes given to pwrite and writev.
 * What the file system writes on top of that (its journal) is not in it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/rng.h"
#include "common/store/kv_lmdb.h"
#include "tests/lib/temp.h"

#define RECORD 300

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- what LMDB asks for: these stand before the C library's -------------------------------------------*/

static unsigned long syncs, written;

static void next_of(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	memcpy(function, &symbol, sizeof symbol);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		next_of("fdatasync", &real);
	syncs++;
	return real(fd);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (real == NULL)
		next_of("pwrite", &real);
	syncs += (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
	written += n;
	return real(fd, p, n, at);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);

	if (real == NULL)
		next_of("writev", &real);
	for (int i = 0; i < n; i++)
		written += v[i].iov_len;
	return real(fd, v, n);
}

/* ---- runs ---------------------------------------------------------------------------------------------*/

static void commit(struct kv *kv, struct rng *r, bool random, uint64_t *at, size_t n)
{
	static uint8_t value[RECORD];
	struct kv_txn *txn;
	uint8_t key[32] = {0};

	as_assert(kv_begin(kv, KV_WRITE, &txn) == AS_OK);
	for (size_t i = 0; i < n; i++, ++*at) {
		put_be64(key, random ? rng_next(r) : 0);
		put_be64(key + 24, *at);
		put_be64(value, rng_next(r));
		as_assert(kv_put(txn, 1, bytes_of(key, sizeof key), bytes_of(value, sizeof value)) == AS_OK);
	}
	as_assert(kv_commit(&txn) == AS_OK);
}

static void run(const char *dir, size_t n, bool random, double seconds)
{
	struct kv_lmdb_conf conf = {.path = dir, .prealloc_bytes = KV_LMDB_AHEAD_HQ};
	struct rng r = {.state = 1};
	unsigned long commits = 0, syncs_before, written_before;
	double begin, spent;
	uint64_t at = 0;
	struct kv *kv;

	temp_remove(dir);
	as_assert(kv_lmdb_open(&kv, &conf, NULL) == AS_OK);
	commit(kv, &r, random, &at, 10000); /* not an empty tree */
	at = 10000;
	syncs_before = syncs;
	written_before = written;
	begin = now_s();
	do {
		commit(kv, &r, random, &at, n);
		commits++;
		spent = now_s() - begin;
	} while (spent < seconds);
	printf("{\"bench\":\"kv-lmdb\",\"keys\":\"%s\",\"records_a_commit\":%zu,\"record_bytes\":%d,"
	       "\"commits_per_s\":%.0f,\"us_per_commit\":%.0f,\"records_per_s\":%.0f,\"syncs_a_commit\":%.2f,"
	       "\"written_bytes_a_record\":%.0f}\n",
	       random ? "random" : "sequential", n, RECORD, (double)commits / spent,
	       spent * 1e6 / (double)commits, (double)(at - 10000) / spent,
	       (double)(syncs - syncs_before) / (double)commits,
	       (double)(written - written_before) / (double)(at - 10000));
	fflush(stdout);
	kv_close(kv);
	temp_remove(dir);
}

int main(void)
{
	static const size_t sizes[] = {1, 16, 256, 1024};
	const char *dir = getenv("BENCH_DIR"), *seconds = getenv("BENCH_SECONDS");
	double each = seconds ? strtod(seconds, NULL) : 1;
	char path[512];

	if (dir == NULL)
		dir = "build/bench.tmp";
	as_assert(mkdir(dir, 0700) == 0 || errno == EEXIST);
	as_assert((size_t)snprintf(path, sizeof path, "%s/kv", dir) < sizeof path);
	for (size_t random = 0; random < 2; random++)
		for (size_t i = 0; i < AS_COUNT(sizes); i++)
			run(path, sizes[i], random, each);
	rmdir(dir);
	return 0;
}
