/*
 * Balance rows (common/ledger/balance.h): written with the cells that they add up, and what a report reads.
 *
 * A batch's differences to cells become differences to balances, which are summed in memory and put once.
 */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/ledger/balance.h"
#include "common/store/store_impl.h"

#define SUM_MIN 64
#define SUM_LARGE 65536

/* ---- sums that grow ------------------------------------------------------------------------------------*/

as_err grown_sum_init(struct grown_sum *g)
{
	struct cell *slots = calloc(SUM_MIN, sizeof *slots);

	*g = (struct grown_sum){.used = false};
	if (slots == NULL)
		return AS_ENOMEM;
	cell_sum_init(&g->sum, slots, SUM_MIN);
	return AS_OK;
}

void grown_sum_done(struct grown_sum *g)
{
	free(g->sum.slots);
	free(g->order);
	*g = (struct grown_sum){.used = false};
}

/* The table is cleared at every batch: a large one is not kept for small batches. */
void grown_sum_reset(struct grown_sum *g)
{
	struct cell *slots = g->sum.slots;
	size_t cap = g->sum.cap, want = cap;

	if (!g->used)
		return;
	g->used = false;
	while (want > SUM_MIN && g->sum.n < want / 16)
		want /= 2;
	if (want != cap && (slots = realloc(slots, want * sizeof *slots)) == NULL) {
		slots = g->sum.slots;
		want = cap;
	}
	memset(slots, 0, want * sizeof *slots);
	cell_sum_init(&g->sum, slots, want);
}

as_err grown_sum_add(struct grown_sum *g, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	g->used = true;
	if (cell_sum_wants_more(&g->sum)) {
		struct cell *slots = calloc(2 * g->sum.cap, sizeof *slots), *old = g->sum.slots;
		struct cell_sum more;
		if (slots == NULL)
			return AS_ENOMEM;
		cell_sum_init(&more, slots, 2 * g->sum.cap);
		cell_sum_move(&more, &g->sum);
		g->sum = more;
		free(old);
	}
	cell_sum_add(&g->sum, key, v);
	return AS_OK;
}

/* Adds a difference to a row of sums; one of zeros is deleted. */
static as_err sum_write(const struct stx *x, unsigned table, const struct cell *cell, size_t values_n)
{
	struct store_key_buf key = key_copy(bytes_of(cell->key.b, cell->key.n));
	uint8_t body[8 * CELL_VALUES_MAX];
	struct bytes old = {0};
	bool zero = true;
	as_err err = row_get(x, table, &key, &old);

	if (err && err != AS_ENOTFOUND)
		return err;
	if (err == AS_OK && old.n != 8 * values_n)
		return row_damaged(x, table, key_bytes(&key));
	for (size_t i = 0; i < values_n; i++) {
		uint64_t v = (uint64_t)cell->v[i] + (old.n ? get_be64(old.p + 8 * i) : 0);
		zero = zero && v == 0;
		put_be64(body + 8 * i, v);
	}
	if (zero)
		return row_del(x, table, &key);
	return row_put(x, table, &key, bytes_of(body, 8 * values_n));
}

as_err grown_sum_write(struct grown_sum *g, const struct stx *x, unsigned table)
{
	as_err err = AS_OK;
	size_t n;

	if (g->order_cap < g->sum.n) {
		uint32_t *order = realloc(g->order, g->sum.n * sizeof *order);
		if (order == NULL)
			return AS_ENOMEM;
		g->order = order;
		g->order_cap = g->sum.n;
	}
	n = g->sum.n ? cell_sum_sort(&g->sum, g->order) : 0;
	for (size_t i = 0; i < n && err == AS_OK; i++) {
		const struct cell *cell = &g->sum.slots[g->order[i]];
		uint8_t t = cell->key.b[0];
		err = sum_write(x, table, cell,
				table == TABLE_CELL ? cell_tables[t].values_n : balance_values(t));
	}
	return err;
}

/* ---- balances -------------------------------------------------------------------------------------------*/

as_err balance_add(struct grown_sum *g, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	int64_t net[CELL_VALUES_MAX] = {0};
	struct cell_key rows[BALANCE_ROWS];
	as_err err = AS_OK;

	if (balance_values(key->b[0]) == 0)
		return AS_OK;
	balance_net(key->b[0], v, net);
	if (net[0] == 0 && net[1] == 0)
		return AS_OK;
	balance_keys(key, rows);
	for (size_t i = 0; i < AS_COUNT(rows) && err == AS_OK; i++)
		err = grown_sum_add(g, &rows[i], net);
	return err;
}

static as_err cell_read(const struct stx *x, struct bytes key, struct bytes value, struct cell *ret)
{
	struct bytes body;
	as_err err = row_open(x, TABLE_CELL, key, value, &body);

	if (err)
		return err;
	if (key.n == 0 || key.n > CELL_KEY_MAX || key.p[0] >= CELL_TABLES ||
	    body.n != 8u * cell_tables[key.p[0]].values_n)
		return row_damaged(x, TABLE_CELL, key);
	*ret = (struct cell){.key.n = (uint8_t)key.n};
	memcpy(ret->key.b, key.p, key.n);
	for (size_t i = 0; i < body.n / 8; i++)
		ret->v[i] = (int64_t)get_be64(body.p + 8 * i);
	return AS_OK;
}

as_err balance_make(const struct stx *x)
{
	struct store_key_buf at = {.n = 0};
	struct bytes key, value;
	struct grown_sum g;
	struct cell cell;
	as_err err;

	if ((err = grown_sum_init(&g)))
		return err;
	err = row_clear(x, TABLE_BALANCE);
	while (err == AS_OK &&
	       (err = kv_seek(x->txn, TABLE_CELL, key_bytes(&at), true, &key, &value)) == AS_OK) {
		at = key_copy(key);
		if ((err = cell_read(x, key, value, &cell)) || (err = balance_add(&g, &cell.key, cell.v)))
			break;
		if (g.sum.n > SUM_LARGE && (err = grown_sum_write(&g, x, TABLE_BALANCE)) == AS_OK)
			grown_sum_reset(&g);
	}
	if (err == AS_ENOTFOUND)
		err = grown_sum_write(&g, x, TABLE_BALANCE);
	grown_sum_done(&g);
	return err;
}

/* ---- what a report reads --------------------------------------------------------------------------------*/

#define BEHIND_SPAN 5
#define BEHIND_BRANCH (BEHIND_SPAN + BRANCH_CODE_MAX)

static struct store_key_buf key_span(uint8_t table, uint32_t span)
{
	struct store_key_buf key = {.n = BEHIND_SPAN};

	key.b[0] = table;
	put_be32(key.b + 1, span);
	return key;
}

/* The next branch of the span: behind all that has this one's prefix. */
static struct store_key_buf behind_branch(struct bytes key)
{
	struct store_key_buf next = key_copy(bytes_of(key.p, BEHIND_BRANCH));

	memset(next.b + next.n, 0xff, sizeof next.b - next.n);
	next.n = sizeof next.b;
	return next;
}

/* Balance rows of spans from `from` up to, not with, `upto`: those of branches, or those with dimensions. */
static as_err balance_walk(const struct stx *x, const struct store_span *s, uint32_t from, uint32_t upto,
			   void *arg)
{
	struct store_key_buf at = key_span(s->table, from), end = key_span(s->table, upto);
	struct bytes key = key_bytes(&at), value, body;
	bool after = false;
	as_err err;

	while ((err = kv_seek(x->txn, TABLE_BALANCE, key, after, &key, &value)) == AS_OK) {
		bool whole = key.n == BEHIND_BRANCH;
		if (key.n < BEHIND_BRANCH)
			return row_damaged(x, TABLE_BALANCE, key);
		if (memcmp(key.p, end.b, BEHIND_SPAN) >= 0)
			return AS_OK;
		after = true;
		if (whole == s->whole) {
			if ((err = row_open(x, TABLE_BALANCE, key, value, &body)))
				return err;
			if (body.n != 8 * balance_values(s->table))
				return row_damaged(x, TABLE_BALANCE, key);
			if ((err = s->balance(arg, key, body)))
				return err;
		}
		if (s->whole) {
			at = behind_branch(key);
			key = key_bytes(&at);
		}
	}
	return err == AS_ENOTFOUND ? AS_OK : err;
}

static as_err cells_walk(const struct stx *x, const struct store_span *s, uint32_t from, void *arg)
{
	struct store_key_buf at = key_span(s->table, from);
	struct bytes key = key_bytes(&at), value, body;
	bool after = false;
	as_err err;

	while ((err = kv_seek(x->txn, TABLE_CELL, key, after, &key, &value)) == AS_OK &&
	       key.p[0] == s->table) {
		if ((err = row_open(x, TABLE_CELL, key, value, &body)) || (err = s->cell(arg, key, body)))
			return err;
		after = true;
	}
	return err == AS_ENOTFOUND ? AS_OK : err;
}

as_err store_each_span(struct store *st, const struct store_span *s, void *arg)
{
	AS_AUTO(stx) struct stx x = {0};
	uint32_t from = s->from, month = from / 100, year = from / 10000;
	struct store_self self;
	as_err err = store_begin(st, KV_READ, NULL, &x);

	if (err || (err = self_get(&x, &self)))
		return err;
	if (s->balance && self.format < STORE_FORMAT_BALANCES) {
		from = 0; /* no program that keeps them had it open for writing yet */
	} else if (s->balance) {
		as_assert(balance_values(s->table) && from % 100 == 1);
		if ((err = balance_walk(&x, s, 0, year, arg)) ||
		    (err = balance_walk(&x, s, year * 100, month, arg)))
			return err;
	}
	return cells_walk(&x, s, from, arg);
}
