/*
 * common/ledger: whatever the order in which the blocks of all logs arrive, children, forks and repeated
 * events included, records and cells are the same; and the identities of P-01 and P-11 hold every day in
 * every slice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/ledger.h"
#include "tests/lib/gen_orders.h"

#define EVENTS_MAX 400
#define LOGS_MAX 6
#define CASES_MAX 400
#define CELLS_CAP 8192
#define T0 INT64_C(1795449600000) /* 2026-11-24 00:00 +08:00 */

struct placed {
	struct gen_event ev;
	struct place place;
	uint8_t leaf[32];
	uint32_t log;
};

struct book { /* everything one node folds */
	struct case_rec recs[CASES_MAX];
	uint32_t n;
	struct arena arena;
	struct cell *slots;
	uint32_t *order;
	struct cell_sum sum;
};

static struct placed events[EVENTS_MAX];
static uint32_t events_n;
static struct book books[2];

static void book_reset(struct book *b)
{
	static const size_t arena_bytes = 48u << 20;

	if (b->slots == NULL) {
		b->slots = calloc(CELLS_CAP, sizeof *b->slots);
		b->order = calloc(CELLS_CAP, sizeof *b->order);
		arena_init(&b->arena, malloc(arena_bytes), arena_bytes);
	}
	memset(b->slots, 0, CELLS_CAP * sizeof *b->slots);
	arena_reset(&b->arena);
	cell_sum_init(&b->sum, b->slots, CELLS_CAP);
	b->n = 0;
}

static struct case_rec *book_case(struct book *b, const struct case_key *key)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (memcmp(&b->recs[i].key, key, sizeof *key) == 0)
			return &b->recs[i];
	assert_true(b->n < CASES_MAX);
	case_rec_init(&b->recs[b->n], key, NULL, 0);
	return &b->recs[b->n++];
}

static void book_apply(struct book *b, const struct placed *p)
{
	struct cell_sink sink = cell_sum_sink(&b->sum);
	struct case_rec *rec = book_case(b, &p->ev.key);
	struct event ev;

	assert_int_equal(event_decode(bytes_of(p->ev.raw, p->ev.n), &ev), AS_OK);
	assert_int_equal(case_rec_reserve(rec, 1, &b->arena), AS_OK);
	assert_int_equal(ledger_apply(rec, &ev, &p->place, p->leaf, &sink, NULL), AS_OK);
}

/* Not a hash, but different for different bytes: enough to stand for one. */
static void fake_leaf(const uint8_t *p, size_t n, uint8_t leaf[32])
{
	uint64_t h[4] = {1, 2, 3, 4};

	for (size_t i = 0; i < n; i++)
		h[i % 4] = (h[i % 4] ^ p[i]) * 0x100000001b3u + h[(i + 1) % 4];
	memcpy(leaf, h, 32);
}

/*
 * One branch's life: a log that is continued in children; some events of a log are appended again in a later
 * one (a fork's loser), some of them with other bytes under the same id.
 */
static void make_logs(struct rng *r, const char *branch, const struct gen_opts *opts, uint32_t want,
		      bool siblings)
{
	struct gen *g = malloc(sizeof *g);
	struct place at = {.inc_number = 1, .cls = 1};
	uint32_t first = events_n, log = events_n ? events[events_n - 1].log + 1 : 0;
	int64_t now = T0;

	gen_init(g, branch, opts);
	rng_fill(r, at.inc_id, 16);
	while (events_n < EVENTS_MAX && events_n - first < want) {
		struct placed *p = &events[events_n++];
		now += (int64_t)rng_below(r, 5 * DATE_MS_PER_HOUR);
		if (events_n - first > 3 && rng_below(r, 20) == 0) {
			*p = events[first + rng_below(r, events_n - first - 1)]; /* appended again */
			if (rng_below(r, 3) == 0) {
				struct event ev;
				size_t n;
				assert_int_equal(event_decode(bytes_of(p->ev.raw, p->ev.n), &ev), AS_OK);
				uint8_t copy[GEN_RAW_MAX];
				ev.recorded_at += 1; /* the same id, other bytes */
				ev.actor += 7;
				assert_int_equal(event_encode(&ev, copy, sizeof copy, &n), AS_OK);
				memcpy(p->ev.raw, copy, n);
				p->ev.n = (uint32_t)n;
			}
		} else {
			gen_next(g, r, now, &p->ev);
		}
		if (rng_below(r, 40) ==
		    0) { /* a child: next number, or (two children of one parent) the same */
			at.inc_number += !siblings || rng_below(r, 3) != 0;
			rng_fill(r, at.inc_id, 16);
			at.index = 0;
			log++;
		}
		p->place = at;
		p->log = log;
		at.index++;
		fake_leaf(p->ev.raw, p->ev.n, p->leaf);
	}
	free(g);
}

static int by_place(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int c = memcmp(x->ev.key.branch, y->ev.key.branch, 8);

	return c ? c : place_cmp(&x->place, &y->place);
}

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct case_rec *)a)->key, &((const struct case_rec *)b)->key,
		      sizeof(struct case_key));
}

static void same_books(struct book *a, struct book *b)
{
	static uint8_t raw[2][CASE_REC_BYTES_MAX];
	size_t n[2];

	assert_int_equal(a->n, b->n);
	qsort(a->recs, a->n, sizeof a->recs[0], by_key);
	qsort(b->recs, b->n, sizeof b->recs[0], by_key);
	for (uint32_t i = 0; i < a->n; i++) {
		assert_int_equal(case_rec_encode(&a->recs[i], raw[0], sizeof raw[0], &n[0]), AS_OK);
		assert_int_equal(case_rec_encode(&b->recs[i], raw[1], sizeof raw[1], &n[1]), AS_OK);
		assert_int_equal(n[0], n[1]);
		assert_memory_equal(raw[0], raw[1], n[0]);
		assert_memory_equal(&a->recs[i].state, &b->recs[i].state, sizeof a->recs[i].state);
		assert_memory_equal(a->recs[i].counts, b->recs[i].counts, sizeof a->recs[i].counts);
	}
	size_t cells = cell_sum_sort(&a->sum, a->order);
	assert_int_equal(cells, cell_sum_sort(&b->sum, b->order));
	for (size_t i = 0; i < cells; i++)
		assert_memory_equal(&a->slots[a->order[i]], &b->slots[b->order[i]], sizeof(struct cell));
}

/* Merges the logs at random, each in its own order, in runs like blocks. */
static void apply_in_arrival_order(struct book *b, struct rng *r)
{
	uint32_t next[EVENTS_MAX], end[EVENTS_MAX], logs = 0, left = events_n;

	for (uint32_t i = 0; i < events_n; i++) {
		if (i == 0 || events[i].log != events[i - 1].log)
			next[logs++] = i;
		end[logs - 1] = i + 1;
	}
	while (left) {
		uint32_t l = (uint32_t)rng_below(r, logs);
		for (uint32_t run = 1 + (uint32_t)rng_below(r, 12); run && next[l] < end[l]; run--, left--)
			book_apply(b, &events[next[l]++]);
	}
}

static struct gen_opts wild(struct rng *r)
{
	return (struct gen_opts){.illegal_pm = 40,
				 .unknown_pm = 10,
				 .damaged_pm = 10,
				 .repeat_pm = 20,
				 .complaint_pm = (unsigned)rng_below(r, 1000),
				 .other_pm = (unsigned)rng_below(r, 2) * (unsigned)rng_below(r, 1000),
				 .imported_pm = 200,
				 .open_max = 1 + (unsigned)rng_below(r, 12)};
}

static void any_order_gives_the_same(void **state)
{
	(void)state;
	static struct placed sorted[EVENTS_MAX];
	uint64_t statuses[ENTRY_STATUSES] = {0}, tables[CELL_TABLES] = {0}, types[CASE_TYPES] = {0};

	for (uint64_t seed = 1; seed <= 1500; seed++) {
		struct rng r = {seed};
		struct gen_opts opts = wild(&r);
		events_n = 0;
		make_logs(&r, "BJ01", &opts, 100, true);
		make_logs(&r, "SH02", &opts, 60, true);
		book_reset(&books[0]);
		book_reset(&books[1]);
		memcpy(sorted, events, sizeof events);
		qsort(sorted, events_n, sizeof sorted[0], by_place);
		for (uint32_t i = 0; i < events_n; i++)
			book_apply(&books[0], &sorted[i]);
		apply_in_arrival_order(&books[1], &r);
		same_books(&books[0], &books[1]);
		for (uint32_t i = 0; i < books[1].n; i++)
			for (unsigned k = 0; k < ENTRY_STATUSES; k++)
				statuses[k] += books[1].recs[i].counts[k];
		for (uint32_t i = 0; i < books[1].n; i++)
			types[books[1].recs[i].state.type] += books[1].recs[i].n;
		for (size_t i = 0; i < CELLS_CAP; i++)
			tables[books[1].slots[i].key.b[0]] += books[1].slots[i].key.n != 0;

		/* cells are exactly the sum of the cases' contributions */
		memset(books[1].slots, 0, CELLS_CAP * sizeof(struct cell));
		cell_sum_init(&books[1].sum, books[1].slots, CELLS_CAP);
		struct cell_sink sink = cell_sum_sink(&books[1].sum);
		for (uint32_t i = 0; i < books[1].n; i++)
			ledger_contribution(&books[1].recs[i], 1, &sink);
		same_books(&books[0], &books[1]);
		assert_false(books[0].sum.full);
	}
	for (unsigned k = 0; k < ENTRY_STATUSES; k++) /* the generator reaches everything */
		assert_true(statuses[k] > 1000);
	for (unsigned t = 1; t < CELL_TABLES; t++)
		assert_true(tables[t] > 1000);
	for (unsigned t = 1; t < CASE_TYPES; t++)
		assert_true(types[t] > 500);
}

static void records_survive_encoding(void **state)
{
	(void)state;
	static uint8_t raw[CASE_REC_BYTES_MAX], again[CASE_REC_BYTES_MAX];
	size_t arena_bytes = 1u << 20;
	struct arena a;

	arena_init(&a, malloc(arena_bytes), arena_bytes);
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct rng r = {seed};
		struct gen_opts opts = wild(&r);
		events_n = 0;
		make_logs(&r, "BJ01", &opts, 200, true);
		book_reset(&books[0]);
		for (uint32_t i = 0; i < events_n; i++)
			book_apply(&books[0], &events[i]);
		for (uint32_t i = 0; i < books[0].n; i++) {
			const struct case_rec *rec = &books[0].recs[i];
			struct case_rec back;
			size_t n, m;
			assert_int_equal(case_rec_encode(rec, raw, sizeof raw, &n), AS_OK);
			arena_reset(&a);
			assert_int_equal(case_rec_decode(bytes_of(raw, n), &rec->key, 1, &a, &back), AS_OK);
			assert_int_equal(back.n, rec->n);
			assert_true(back.cap > back.n);
			assert_memory_equal(&back.state, &rec->state, sizeof back.state);
			assert_int_equal(case_rec_encode(&back, again, sizeof again, &m), AS_OK);
			assert_int_equal(n, m);
			assert_memory_equal(raw, again, n);
			/* cut short or damaged: never taken as another record without notice of its shape */
			assert_int_not_equal(case_rec_decode(bytes_of(raw, n - 1), &rec->key, 1, &a, &back),
					     AS_OK);
			arena_reset(&a);
			raw[0] ^= 64;
			assert_int_equal(case_rec_decode(bytes_of(raw, n), &rec->key, 1, &a, &back),
					 AS_EUNSUPPORTED);
		}
	}
	free(a.p);
}

/* ---- P-01, P-11: opening + in − out = closing, against the states of the cases on that day
 * ------------------ */

struct slice {
	char branch[8];
	uint8_t channel, warranty, model_n;
	char model[MODEL_BYTES_MAX];
};

static bool in_slice(const struct cell_parts *p, const struct slice *s)
{
	return memcmp(p->branch, s->branch, 8) == 0 && p->code[0] == s->channel &&
	       p->code[1] == s->warranty && bytes_equal(p->model, bytes_of(s->model, s->model_n));
}

/* State of the case after its applied entries up to and with a day. */
static uint8_t state_on(const struct case_rec *rec, uint32_t day)
{
	uint8_t s = 0;

	for (uint32_t i = 0; i < rec->n; i++)
		if (rec->entries[i].status == ENTRY_APPLIED && rec->entries[i].business_date <= day)
			s = rec->entries[i].to;
	return s;
}

static void check_slice(const struct book *b, size_t cells, const struct slice *s, uint32_t from, uint32_t to)
{
	int64_t wip = 0, custody = 0;
	int32_t d, end;

	assert_true(date_to_days(from, &d) && date_to_days(to, &end));
	for (; d <= end; d++) {
		uint32_t day = date_of_days(d);
		int64_t want_wip = 0, want_custody = 0;
		for (size_t i = 0; i < cells; i++) {
			const struct cell *c = &b->slots[b->order[i]];
			struct cell_parts p;
			assert_int_equal(cell_key_parse(bytes_of(c->key.b, c->key.n), &p), AS_OK);
			if (p.table != CELL_VOLUME || p.day != day || !in_slice(&p, s))
				continue;
			const int64_t *v = c->v;
			wip += v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] + v[VOL_REOPENED] - v[VOL_FINISHED] -
			       v[VOL_CANCELLED] - v[VOL_TRANSFER_OUT];
			custody += v[VOL_RECEIVED] + v[VOL_TRANSFER_IN] - v[VOL_DELIVERED] -
				   v[VOL_CANCELLED] - v[VOL_TRANSFER_OUT];
		}
		for (uint32_t i = 0; i < b->n; i++) {
			const struct case_state *st = &b->recs[i].state;
			if (st->type != CASE_REPAIR || memcmp(b->recs[i].key.branch, s->branch, 8) ||
			    st->channel != s->channel || st->warranty != s->warranty ||
			    st->model_n != s->model_n || memcmp(st->model, s->model, s->model_n))
				continue;
			uint8_t now = state_on(&b->recs[i], day);
			want_wip += now >= RS_RECEIVED && now <= RS_DONE;
			want_custody += now >= RS_RECEIVED && now <= RS_READY;
		}
		assert_int_equal(wip, want_wip);
		assert_int_equal(custody, want_custody);
	}
}

static void identities_hold_every_day_in_every_slice(void **state)
{
	(void)state;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct rng r = {seed * 77};
		struct gen_opts opts = {.illegal_pm = 20, .imported_pm = 100, .open_max = 8};
		events_n = 0;
		make_logs(&r, "BJ01", &opts, 200, false);
		make_logs(&r, "SH02", &opts, 100, false);
		book_reset(&books[0]);
		apply_in_arrival_order(&books[0], &r);
		size_t cells = cell_sum_sort(&books[0].sum, books[0].order);
		uint32_t to = date_local(T0 + (int64_t)events_n * 5 * DATE_MS_PER_HOUR, 480);
		int64_t open = 0;
		for (uint32_t i = 0; i < books[0].n; i++) {
			const struct case_state *st = &books[0].recs[i].state;
			struct slice s = {
			    .channel = st->channel, .warranty = st->warranty, .model_n = st->model_n};
			memcpy(s.branch, books[0].recs[i].key.branch, 8);
			memcpy(s.model, st->model, sizeof s.model);
			if (st->type == CASE_REPAIR && i % 3 == 0)
				check_slice(&books[0], cells, &s, 20261124, to);
			open +=
			    st->type == CASE_COMPLAINT && st->state >= CS_RECEIVED && st->state <= CS_REPLIED;
		}
		for (size_t i = 0; i < cells; i++) {
			const struct cell *c = &books[0].slots[books[0].order[i]];
			if (c->key.b[0] == CELL_COMPLAINTS)
				open -= c->v[CMP_RECEIVED] + c->v[CMP_REOPENED] - c->v[CMP_CLOSED] -
					c->v[CMP_WITHDRAWN] - c->v[CMP_REJECTED];
		}
		assert_int_equal(open, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_order_gives_the_same),
	    cmocka_unit_test(records_survive_encoding),
	    cmocka_unit_test(identities_hold_every_day_in_every_slice),
	};
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
