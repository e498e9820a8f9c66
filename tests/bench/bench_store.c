/*
 * Cost of a commit over kv_mem, and over kv_lmdb when $BENCH_DIR names a folder that exists: generated repair
 * orders and complaints, one log, blocks of n events, a block a commit; the way from opened events to cases,
 * cells and rows. One JSON object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/check.h"
#include "common/crypto/random.h"
#include "common/store/kv_lmdb.h"
#include "common/store/kv_mem.h"
#include "tests/lib/store_rig.h"
#include "tests/lib/temp.h"

#define EVENTS 60000

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Blocks of n events for one commit each; only the last RIG_BLOCKS_MAX are made at a time. */
static double run(struct kv *take_kv, enum store_role role, size_t n, bool fold, bool sealed)
{
	static struct gen_event made[1024];
	static struct bytes events[1024];
	static const uint8_t key[STORE_KEY_BYTES] = {1};
	static struct gen g;
	struct rng r = {.state = 1};
	struct rig_log *log = rig_log_new(LOG_LIVE, RIG_BRANCH, 1, NULL, 0);
	struct store *st;
	double spent = 0;
	size_t done = 0;

	st = rig_open_key(take_kv, role, sealed ? key : NULL);
	rig_store(st, log, 0, 1, fold);
	gen_init(&g, RIG_BRANCH, &(struct gen_opts){.complaint_pm = 200, .personal_pm = 300, .open_max = 64});
	while (done < EVENTS) {
		size_t from = log->n;
		while (log->n < RIG_BLOCKS_MAX && done < EVENTS) {
			for (size_t i = 0; i < n; i++, done++) {
				gen_next(&g, &r, 1793500000000 + (int64_t)done * 60000, &made[i]);
				events[i] = bytes_of(made[i].raw, made[i].n);
			}
			rig_append(log, events, n);
		}
		double begin = now_s();
		rig_store(st, log, from, log->n, fold);
		spent += now_s() - begin;
		if (done < EVENTS) { /* the author forgets what is stored */
			for (size_t i = 0; i < log->n; i++) {
				free(log->blocks[i].bytes);
				free(log->blocks[i].events);
				free(log->blocks[i].leaves);
			}
			log->n = 0;
		}
	}
	store_close(st);
	kv_close(take_kv);
	rig_log_free(log);
	return spent * 1e6 / (double)done;
}

static struct kv *mem(void)
{
	struct kv *kv;

	as_assert(kv_mem_new(&kv) == AS_OK);
	return kv;
}

static struct kv *lmdb(const char *path)
{
	struct kv_lmdb_conf conf = {.path = path, .prealloc_bytes = KV_LMDB_AHEAD_HQ};
	struct kv *kv;

	temp_remove(path);
	as_assert(kv_lmdb_open(&kv, &conf, NULL) == AS_OK);
	return kv;
}

int main(void)
{
	static const size_t sizes[] = {1, 16, 256, 600};
	const char *dir = getenv("BENCH_DIR");
	char path[512];

	as_assert(as_crypto_init() == AS_OK);
	for (size_t i = 0; i < AS_COUNT(sizes); i++) {
		size_t n = sizes[i];
		printf("{\"bench\":\"store-commit\",\"kv\":\"mem\",\"role\":\"hq\",\"events_a_commit\":%zu,"
		       "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f,\"us_per_event_unfolded\":%.3f}\n",
		       n, run(mem(), STORE_HQ, n, true, false), run(mem(), STORE_HQ, n, true, true),
		       run(mem(), STORE_HQ, n, false, false));
		printf(
		    "{\"bench\":\"store-commit\",\"kv\":\"mem\",\"role\":\"branch\",\"events_a_commit\":%zu,"
		    "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f}\n",
		    n, run(mem(), STORE_BRANCH, n, true, false), run(mem(), STORE_BRANCH, n, true, true));
	}
	if (dir == NULL)
		return 0;
	as_assert((size_t)snprintf(path, sizeof path, "%s/store", dir) < sizeof path);
	for (size_t i = 1; i < AS_COUNT(sizes); i++) { /* one a commit would measure the disk for minutes */
		size_t n = sizes[i];
		printf("{\"bench\":\"store-commit\",\"kv\":\"lmdb\",\"role\":\"hq\",\"events_a_commit\":%zu,"
		       "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f}\n",
		       n, run(lmdb(path), STORE_HQ, n, true, false),
		       run(lmdb(path), STORE_HQ, n, true, true));
		printf(
		    "{\"bench\":\"store-commit\",\"kv\":\"lmdb\",\"role\":\"branch\",\"events_a_commit\":%zu,"
		    "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f}\n",
		    n, run(lmdb(path), STORE_BRANCH, n, true, false),
		    run(lmdb(path), STORE_BRANCH, n, true, true));
	}
	temp_remove(path);
	return 0;
}
