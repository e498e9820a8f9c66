#include "tests/lib/report_short.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/date.h"

static int item_cmp(const void *pa, const void *pb)
{
	struct cell_key a, b;

	cell_key_make(&((const struct report_item *)pa)->p, &a);
	cell_key_make(&((const struct report_item *)pb)->p, &b);
	return cell_key_cmp(&a, &b);
}

/* The rows of one table that a store keeps: net changes by span, branch and dimensions, and none that is
 * zero. */
static void add_balances(struct report *r, const struct report_item *items, size_t n, uint8_t table,
			 const struct report_need *need)
{
	static struct cell slots[1u << 15];
	static uint32_t order[1u << 15];
	struct cell_sum s;
	uint32_t month = need->from / 100, year = need->from / 10000;

	memset(slots, 0, sizeof slots);
	cell_sum_init(&s, slots, AS_COUNT(slots));
	for (size_t i = 0; i < n; i++) {
		struct cell_key cell, rows[BALANCE_ROWS];
		int64_t net[CELL_VALUES_MAX] = {0};
		if (items[i].p.table != table)
			continue;
		cell_key_make(&items[i].p, &cell);
		balance_net(table, items[i].v, net);
		balance_keys(&cell, rows);
		for (size_t k = 0; k < BALANCE_ROWS; k++)
			cell_sum_add(&s, &rows[k], net);
	}
	as_assert(!s.full);
	for (size_t i = 0, rows_n = cell_sum_sort(&s, order); i < rows_n; i++) {
		const struct cell *row = &slots[order[i]];
		struct cell_parts p;
		bool whole;
		as_assert(balance_key_parse(bytes_of(row->key.b, row->key.n), &p, &whole) == AS_OK);
		bool before = p.day < 10000 ? p.day < year : p.day / 100 == year && p.day < month;
		if (before && whole == need->whole)
			as_assert(report_add_balance(r, &p, row->v) == AS_OK);
	}
}

void report_short(struct report *r, struct report_item *items, size_t n)
{
	qsort(items, n, sizeof items[0], item_cmp);
	for (uint8_t t = 1; t < CELL_TABLES; t++) {
		struct report_need need = report_needs(&r->q, t);
		if (need.balances)
			add_balances(r, items, n, t, &need);
		for (size_t i = 0; i < n; i++) {
			if (items[i].p.table != t || items[i].p.day < need.from)
				continue;
			if (report_has_enough(r, items[i].p.day))
				break;
			as_assert(report_add(r, &items[i].p, items[i].v) == AS_OK);
		}
	}
}

size_t report_items_random(struct report_item *items, struct rng *rng, size_t n)
{
	static const char *const branches[] = {"BJ01", "BJ02", "GZ02", "TS9", "XA"};
	static const char *const models[] = {"C116", "W220", "A1", "手机 8", ""};
	size_t items_n = 0;
	int32_t base;

	as_assert(date_to_days(20251220, &base));
	for (size_t i = 0; i < n; i++) {
		uint8_t table = (uint8_t)(1 + rng_below(rng, CELL_TABLES - 1));
		uint32_t day = date_of_days(base + (int32_t)rng_below(rng, 200));
		const struct cell_table_def *t = &cell_tables[table];
		struct report_item *it = &items[items_n++];
		const char *branch = branches[rng_below(rng, AS_COUNT(branches))];
		*it = (struct report_item){.p = {.table = table, .day = day}};
		memcpy(it->p.branch, branch, strlen(branch));
		for (unsigned k = 0; k < t->dims_n; k++)
			it->p.code[k] = (uint8_t)rng_below(rng, 4);
		it->p.model = bytes_of_str(models[rng_below(rng, AS_COUNT(models))]);
		for (unsigned k = 0; k < t->values_n; k++)
			it->v[k] = (int64_t)rng_below(rng, 4);
		if (table != CELL_TAT && table != CELL_TAT_HIST)
			continue;
		/* one order is two cells that belong together */
		int64_t minutes = (int64_t)rng_below(rng, 90 * 24 * 60);
		it->p.table = CELL_TAT;
		it->v[TAT_FINISHED] = 1;
		it->v[TAT_MINUTES] = minutes;
		struct report_item *times = &items[items_n++];
		*times = *it;
		times->p.table = CELL_TAT_HIST;
		times->p.bucket = cell_tat_bucket(minutes);
		times->v[HIST_COUNT] = 1;
	}
	return items_n;
}
