/*
 * Ledger on one core: event bytes → decoded → folded into their case with cells, without a store. Prints one
 * JSON object a line. The mix: generated orders (90 %) and complaints of one branch, about 7 events a case, a
 * third of the events with a sealed part of 64 to 320 bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/ledger.h"
#include "tests/lib/gen_orders.h"

#define EVENTS 400000

struct item {
	uint32_t at, n, slot;
	bool first;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print(const char *what, size_t events, double s)
{
	printf("{\"bench\":\"ledger\",\"what\":\"%s\",\"events\":%zu,\"events_per_s\":%.0f,\"ns_per_event\":%"
	       ".0f}\n",
	       what, events, (double)events / s, s * 1e9 / (double)events);
}

int main(void)
{
	static struct gen g;
	static struct case_key keys[65536];
	struct rng r = {42};
	size_t cap = (size_t)EVENTS * 640, n = 0, cases = 0;
	uint8_t *bytes = malloc(cap);
	struct item *items = malloc(EVENTS * sizeof *items);
	struct case_rec *recs = calloc(EVENTS, sizeof *recs);
	size_t arena_bytes = (size_t)EVENTS * 3 * sizeof(struct case_entry), slots = 1 << 18;
	struct arena arena;
	struct cell_sum sum;
	struct gen_event *ev = malloc(sizeof *ev);
	uint8_t leaf[32] = {0};
	double t;

	arena_init(&arena, malloc(arena_bytes), arena_bytes);
	cell_sum_init(&sum, calloc(slots, sizeof(struct cell)), slots);
	memset(arena.p, 0, arena_bytes); /* page faults are not what is measured */
	memset(sum.slots, 0, slots * sizeof(struct cell));
	gen_init(&g, "BJ01", &(struct gen_opts){.complaint_pm = 100, .personal_pm = 330, .illegal_pm = 2});
	int64_t now = INT64_C(1795449600000);
	for (size_t i = 0; i < EVENTS; i++) {
		now += (int64_t)rng_below(&r, 10 * DATE_MS_PER_MIN);
		gen_next(&g, &r, now, ev);
		as_assert(n + ev->n <= cap);
		memcpy(bytes + n, ev->raw, ev->n);
		/* which case: looked up once here, as a store would */
		size_t k = cases;
		while (k > 0 && k + 400 > cases && memcmp(&keys[(k - 1) & 65535], &ev->key, sizeof ev->key))
			k--;
		bool first = k == 0 || memcmp(&keys[(k - 1) & 65535], &ev->key, sizeof ev->key) != 0;
		if (first) {
			keys[cases & 65535] = ev->key;
			case_rec_init(&recs[cases], &ev->key, NULL, 0);
			k = ++cases;
		}
		items[i] = (struct item){(uint32_t)n, ev->n, (uint32_t)k - 1, first};
		n += ev->n;
	}

	struct event e;
	uint64_t check = 0;
	t = now_s();
	for (size_t i = 0; i < EVENTS; i++) {
		as_err err = event_decode(bytes_of(bytes + items[i].at, items[i].n), &e);
		as_assert(err == AS_OK);
		check += e.kind;
	}
	print("decode", EVENTS, now_s() - t);

	struct cell_sink sink = cell_sum_sink(&sum);
	t = now_s();
	for (size_t i = 0; i < EVENTS; i++) {
		struct case_rec *rec = &recs[items[i].slot];
		put_be64(leaf, i);
		as_err err = event_decode(bytes_of(bytes + items[i].at, items[i].n), &e);
		as_assert(err == AS_OK);
		err = case_rec_reserve(rec, 1, &arena);
		as_assert(err == AS_OK);
		err = ledger_apply(rec, &e, &(struct place){.inc_number = 1, .index = i, .cls = 1}, leaf,
				   &sink, NULL);
		as_assert(err == AS_OK);
	}
	print("decode+apply", EVENTS, now_s() - t);
	as_assert(!sum.full);

	/* as a store does it with no case in memory: decode the record, apply, encode the record */
	static uint8_t rec_raw[CASE_REC_BYTES_MAX];
	uint8_t *one = malloc(1 << 20);
	size_t total = 0, m, done = 0;
	t = now_s();
	for (size_t i = 0; i < cases; i++) {
		struct case_rec back;
		struct arena small;
		as_err err = case_rec_encode(&recs[i], rec_raw, sizeof rec_raw, &m);
		as_assert(err == AS_OK);
		total += m;
		arena_init(&small, one, 1 << 20);
		err = case_rec_decode(bytes_of(rec_raw, m), &recs[i].key, 1, &small, &back);
		as_assert(err == AS_OK);
		done++;
	}
	t = now_s() - t;
	printf("{\"bench\":\"ledger\",\"what\":\"record encode+decode\",\"cases\":%zu,\"ns_per_case\":%.0f,"
	       "\"bytes_per_case\":%.0f,\"bytes_per_event\":%.0f,\"event_bytes\":%.0f,\"cells\":%zu,\"sum\":%"
	       "llu}\n",
	       done, t * 1e9 / (double)done, (double)total / (double)done, (double)total / EVENTS,
	       (double)n / EVENTS, sum.n, (unsigned long long)check);

	uint32_t *order = malloc(sum.n * sizeof *order);
	t = now_s();
	size_t cells = cell_sum_sort(&sum, order);
	t = now_s() - t;
	printf("{\"bench\":\"ledger\",\"what\":\"sort cells\",\"cells\":%zu,\"ns_per_cell\":%.0f}\n", cells,
	       t * 1e9 / (double)cells);
	return 0;
}
