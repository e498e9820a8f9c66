/*
 * Balance rows: after any history they add up to what the cells before a month add up to, and a report reads
 * few of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/balance.h"
#include "common/store/rows.h"
#include "tests/lib/kv_conform.h"
#include "tests/lib/kv_count.h"
#include "tests/lib/store_rig.h"

#define DAY_MS INT64_C(86400000)
#define START_MS INT64_C(1700000000000) /* 2023-11-14 */
#define LOGS 4

static const struct gen_opts mix = {.complaint_pm = 400, .illegal_pm = 30, .repeat_pm = 20, .open_max = 12};
static const uint8_t tables[] = {CELL_VOLUME, CELL_COMPLAINTS, CELL_COMPLAINT_TIMES};

/* ---- histories ----------------------------------------------------------------------------------------*/

/* Blocks of events that go on for `days`; the logs of one branch run beside each other, so one of them is
 * late. */
static void generate(struct rig_log *log, struct gen *g, struct rng *r, size_t events_n, int64_t days)
{
	static struct gen_event made[8];
	size_t all = events_n;

	while (events_n > 0) {
		struct bytes events[AS_COUNT(made)];
		size_t n = 1 + rng_below(r, AS_COUNT(made));
		if (n > events_n)
			n = events_n;
		for (size_t i = 0; i < n; i++) {
			int64_t at = (int64_t)(all - events_n + i) * days * DAY_MS / (int64_t)all;
			gen_next(g, r, START_MS + at, &made[i]);
			events[i] = bytes_of(made[i].raw, made[i].n);
		}
		rig_append(log, events, n);
		events_n -= n;
	}
}

static struct kv *open_kv(void **state)
{
	const struct kv_backend *b = *state;
	struct kv *kv;

	assert_int_equal(b->open(&kv), AS_OK);
	return kv;
}

/* ---- the naive sum ------------------------------------------------------------------------------------*/

/* Sums by branch and by branch and dimensions: what cells say, less what balances say. */
struct compare {
	uint32_t from;
	struct cell_sum sum;
	uint64_t cells, balances; /* given by the span */
	bool whole;
};

static struct cell slots[1u << 15];

static void count_in(struct compare *c, const struct cell_key *of, bool whole, const int64_t *net,
		     int64_t sign)
{
	struct cell_key key = {.n = whole ? 5 + BRANCH_CODE_MAX : of->n};
	int64_t v[CELL_VALUES_MAX] = {sign * net[0], sign * net[1]};

	memcpy(key.b, of->b, key.n);
	memset(key.b + 1, 0, 4);
	cell_sum_add(&c->sum, &key, v);
}

static struct cell_key key_of(struct bytes key)
{
	struct cell_key k = {.n = (uint8_t)key.n};

	memcpy(k.b, key.p, key.n);
	return k;
}

static as_err add_cell(void *arg, struct bytes key, struct bytes value)
{
	struct compare *c = arg;
	int64_t v[CELL_VALUES_MAX] = {0}, net[BALANCE_VALUES_MAX];
	struct cell_key k = key_of(key);

	if (get_be32(key.p + 1) >= c->from || !balance_values(key.p[0]))
		return AS_OK;
	for (size_t i = 0; i < value.n / 8; i++)
		v[i] = (int64_t)get_be64(value.p + 8 * i);
	balance_net(key.p[0], v, net);
	count_in(c, &k, false, net, 1);
	count_in(c, &k, true, net, 1);
	return AS_OK;
}

static as_err take_cell(void *arg, struct bytes key, struct bytes value)
{
	struct compare *c = arg;

	(void)value;
	assert_true(get_be32(key.p + 1) >= c->from);
	c->cells++;
	return AS_OK;
}

static as_err take_balance(void *arg, struct bytes key, struct bytes value)
{
	struct compare *c = arg;
	int64_t net[BALANCE_VALUES_MAX] = {0};
	struct cell_key k = key_of(key);
	struct cell_parts parts;
	bool whole;

	assert_int_equal(balance_key_parse(key, &parts, &whole), AS_OK);
	assert_int_equal(whole, c->whole);
	for (size_t i = 0; i < value.n / 8; i++)
		net[i] = (int64_t)get_be64(value.p + 8 * i);
	assert_true(net[0] || net[1]);
	count_in(c, &k, whole, net, -1);
	c->balances++;
	return AS_OK;
}

static void span_read(struct store *st, struct compare *c, uint8_t table, bool whole)
{
	struct store_span s = {
	    .table = table, .from = c->from, .cell = take_cell, .balance = take_balance, .whole = whole};

	c->whole = whole;
	assert_int_equal(store_each_span(st, &s, c), AS_OK);
}

/* Opening balances of that month, by both ways. */
static void same_before(struct store *st, uint32_t from)
{
	static uint32_t order[AS_COUNT(slots)];
	struct compare c = {.from = from};

	memset(slots, 0, sizeof slots);
	cell_sum_init(&c.sum, slots, AS_COUNT(slots));
	assert_int_equal(store_each_cell(st, bytes_of(NULL, 0), add_cell, &c), AS_OK);
	for (size_t i = 0; i < AS_COUNT(tables); i++) {
		span_read(st, &c, tables[i], true);
		span_read(st, &c, tables[i], false);
	}
	assert_false(c.sum.full);
	assert_int_equal(cell_sum_sort(&c.sum, order), 0);
}

static void same_everywhere(struct store *st)
{
	for (uint32_t year = 2023; year <= 2027; year++)
		for (uint32_t month = 1; month <= 12; month++)
			same_before(st, year * 10000 + month * 100 + 1);
}

/* ---- tests --------------------------------------------------------------------------------------------*/

static void late_events_reach_the_balances(void **state)
{
	struct rng r = {.state = 11};

	for (int round = 0; round < 6; round++) {
		struct kv *kv = open_kv(state);
		struct store *st = rig_open(kv, STORE_HQ);
		static struct gen g[LOGS];
		struct rig_log *logs[LOGS];
		size_t done[LOGS] = {0}, left = 0, commits = 0;
		for (size_t i = 0; i < LOGS; i++) {
			const char *branch = i < 2 ? "BJ01" : "SH02";
			gen_init(&g[i], branch, &mix);
			g[i].serial = (uint32_t)i * 100000;
			logs[i] = rig_log_new(i % 2 ? LOG_BULK : LOG_LIVE, branch, 1, NULL, 0);
			generate(logs[i], &g[i], &r, 250, 1000);
			left += logs[i]->n;
		}
		while (left > 0) {
			size_t i = rng_below(&r, LOGS);
			if (done[i] == logs[i]->n)
				continue;
			struct store_op op = rig_block_op(logs[i], done[i]++, rng_below(&r, 8) != 0);
			assert_int_equal(rig_commit(st, &op), AS_OK);
			left--;
			if (commits++ % 16 == 0)
				same_before(st, 20230001 + (uint32_t)rng_below(&r, 5) * 10000 +
						    (1 + (uint32_t)rng_below(&r, 12)) * 100);
		}
		same_everywhere(st);
		assert_true(rig_rows(kv, TABLE_BALANCE) > 100);
		/* a fork takes events out again */
		struct store_op cut = {.type = STORE_CUT, .log = logs[1]->id};
		cut.cut.size = rig_head(logs[1], logs[1]->n / 2).size;
		assert_int_equal(rig_commit(st, &cut), AS_OK);
		same_everywhere(st);
		assert_int_equal(store_check(st, NULL), AS_OK);
		struct rig_digest before = rig_digest(kv, RIG_FOLDED);
		assert_int_equal(store_rebuild(st, NULL), AS_OK);
		struct rig_digest after = rig_digest(kv, RIG_FOLDED);
		assert_memory_equal(before.b, after.b, sizeof before.b);
		for (size_t i = 0; i < LOGS; i++)
			rig_log_free(logs[i]);
		store_close(st);
		kv_close(kv);
	}
}

/* Rows that a report of one month reads, by table, when so many days are stored before it. */
static void rows_of_a_month(void **state, int64_t days, bool whole, uint64_t *ret_cells,
			    uint64_t *ret_balances, uint64_t *ret_span)
{
	struct rng r = {.state = 5};
	struct kv *kv = open_kv(state);
	struct kv_count count;
	static struct gen g;
	struct rig_log *log = rig_log_new(LOG_LIVE, "BJ01", 1, NULL, 0);
	struct compare c = {.from =
				date_of_days((int32_t)((START_MS + days * DAY_MS) / DAY_MS)) / 100 * 100 + 1};

	kv_count_init(&count, kv);
	struct store *st = rig_open(&count.base, STORE_HQ);
	gen_init(&g, "BJ01", &mix);
	generate(log, &g, &r, (size_t)days, days);
	rig_store(st, log, 0, log->n, true);
	kv_count_reset(&count);
	memset(slots, 0, sizeof slots);
	cell_sum_init(&c.sum, slots, AS_COUNT(slots));
	span_read(st, &c, CELL_VOLUME, whole);
	*ret_cells = count.rows[TABLE_CELL];
	*ret_balances = count.rows[TABLE_BALANCE];
	*ret_span = c.cells;
	rig_log_free(log);
	store_close(st);
	kv_close(kv);
}

static void history_is_not_read(void **state)
{
	uint64_t cells, balances, given, most[2] = {0};

	for (int64_t days = 400; days <= 2000; days += 400) {
		rows_of_a_month(state, days, true, &cells, &balances, &given);
		assert_true(cells <= given + 1); /* the first one behind the table */
		/* a row a year, eleven months, and the one behind each of the two walks */
		assert_true(balances <= (uint64_t)days / 365 + 2 + 11 + 2);
		rows_of_a_month(state, days, false, &cells, &balances, &given);
		assert_true(cells <= given + 1);
		if (days == 800)
			most[0] = balances;
		if (days == 2000)
			most[1] = balances;
	}
	/* with dimensions: what is open at the ends of years */
	assert_true(most[1] < 3 * most[0]);
}

static void identity_set(struct kv *kv, uint16_t format)
{
	struct store_key_buf key = key_self(SELF_IDENTITY);
	struct bytes value;
	struct kv_txn *txn;
	uint8_t b[128];

	assert_int_equal(kv_begin(kv, KV_WRITE, &txn), AS_OK);
	assert_int_equal(kv_get(txn, TABLE_SELF, key_bytes(&key), &value), AS_OK);
	memcpy(b, value.p, value.n);
	put_be16(b + 8, format);
	row_check(TABLE_SELF, key_bytes(&key), bytes_of(b, value.n - ROW_CHECK), b + value.n - ROW_CHECK);
	assert_int_equal(kv_put(txn, TABLE_SELF, key_bytes(&key), bytes_of(b, value.n)), AS_OK);
	for (struct bytes k = {0};
	     format == 1 && kv_seek(txn, TABLE_BALANCE, k, false, &k, &value) == AS_OK;) {
		struct store_key_buf copy = key_copy(k);
		assert_int_equal(kv_del(txn, TABLE_BALANCE, key_bytes(&copy)), AS_OK);
		k = bytes_of(NULL, 0);
	}
	assert_int_equal(kv_commit(&txn), AS_OK);
}

static as_err any_cell(void *arg, struct bytes key, struct bytes value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)arg;
	return AS_OK;
}

/* A store of format 1 has none: its cells are read instead, and the next writer makes them. */
static void a_store_without_balances_gets_them(void **state)
{
	struct rng r = {.state = 7};
	struct kv *kv = open_kv(state);
	struct store *st = rig_open(kv, STORE_HQ);
	static struct gen g;
	struct rig_log *log = rig_log_new(LOG_LIVE, "BJ01", 1, NULL, 0);
	struct store_span s = {
	    .table = CELL_VOLUME, .from = 20250401, .cell = any_cell, .balance = take_balance};
	uint64_t all = 0, given = 0, fence;
	uint8_t table = CELL_VOLUME;

	gen_init(&g, "BJ01", &mix);
	generate(log, &g, &r, 600, 800);
	rig_store(st, log, 0, log->n, true);
	struct rig_digest before = rig_digest(kv, RIG_FOLDED);
	identity_set(kv, 1);
	store_close(st);
	st = rig_open(kv, STORE_HQ);
	assert_int_equal(rig_rows(kv, TABLE_BALANCE), 0);
	assert_int_equal(store_each_cell(st, bytes_of(&table, 1), any_cell, &all), AS_OK);
	assert_int_equal(store_each_span(st, &s, &given), AS_OK);
	assert_true(given == all && all > 30);
	assert_int_equal(store_check(st, NULL), AS_OK);
	assert_int_equal(store_take_fence(st, &fence), AS_OK);
	struct rig_digest after = rig_digest(kv, RIG_FOLDED);
	assert_memory_equal(before.b, after.b, sizeof before.b);
	assert_int_equal(store_check(st, NULL), AS_OK);
	same_everywhere(st);
	rig_log_free(log);
	store_close(st);
	kv_close(kv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(late_events_reach_the_balances),
	    cmocka_unit_test(history_is_not_read),
	    cmocka_unit_test(a_store_without_balances_gets_them),
	};
	return kv_backends_run("store balance", tests, AS_COUNT(tests));
}
