/*
 * Cost of a commit over kv_mem: generated repair orders and complaints, one log, blocks of n events, a block
 * a commit; the way from opened events to cases, cells and rows. One JSON object a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/check.h"
#include "common/store/kv_mem.h"
#include "tests/lib/store_rig.h"

#define EVENTS 60000

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Blocks of n events for one commit each; only the last RIG_BLOCKS_MAX are made at a time. */
static double run(enum store_role role, size_t n, bool fold, bool sealed)
{
	static struct gen_event made[1024];
	static struct bytes events[1024];
	static const uint8_t key[STORE_KEY_BYTES] = {1};
	static struct gen g;
	struct rng r = {.state = 1};
	struct rig_log *log = rig_log_new(LOG_LIVE, RIG_BRANCH, 1, NULL, 0);
	struct kv *kv;
	struct store *st;
	double spent = 0;
	size_t done = 0;

	as_assert(kv_mem_new(&kv) == AS_OK);
	st = rig_open_key(kv, role, sealed ? key : NULL);
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
	kv_close(kv);
	rig_log_free(log);
	return spent * 1e6 / (double)done;
}

int main(void)
{
	static const size_t sizes[] = {1, 16, 256, 600};

	for (size_t i = 0; i < AS_COUNT(sizes); i++) {
		printf("{\"bench\":\"store-commit\",\"kv\":\"mem\",\"role\":\"hq\",\"events_a_commit\":%zu,"
		       "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f,\"us_per_event_unfolded\":%.3f}\n",
		       sizes[i], run(STORE_HQ, sizes[i], true, false), run(STORE_HQ, sizes[i], true, true),
		       run(STORE_HQ, sizes[i], false, false));
		printf(
		    "{\"bench\":\"store-commit\",\"kv\":\"mem\",\"role\":\"branch\",\"events_a_commit\":%zu,"
		    "\"us_per_event\":%.3f,\"us_per_event_sealed\":%.3f}\n",
		    sizes[i], run(STORE_BRANCH, sizes[i], true, false),
		    run(STORE_BRANCH, sizes[i], true, true));
	}
	return 0;
}
