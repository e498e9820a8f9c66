#include "common/ledger/cells.h"

#include "common/base/check.h"
#include "common/base/date.h"

#define TAT_EXACT_MINUTES (7 * 24 * 60)
#define TAT_HOURS_MAX (10 * 366 * 24)

const struct cell_table_def cell_tables[CELL_TABLES] = {
    [CELL_VOLUME] = {CELL_VOLUME,
		     "volume",
		     "P-01",
		     3,
		     7,
		     {DIM_CHANNEL, DIM_WARRANTY, DIM_MODEL},
		     {"received", "transfer_in", "reopened", "finished", "cancelled", "transfer_out",
		      "delivered"}},
    [CELL_TAT] = {CELL_TAT,
		  "tat",
		  "P-04",
		  3,
		  4,
		  {DIM_CHANNEL, DIM_WARRANTY, DIM_MODEL},
		  {"finished", "minutes", "on_time", "same_day"}},
    [CELL_TAT_HIST] = {CELL_TAT_HIST,
		       "tat_hist",
		       "P-04",
		       4,
		       1,
		       {DIM_CHANNEL, DIM_WARRANTY, DIM_BUCKET, DIM_MODEL},
		       {"count"}},
    [CELL_FAULTS] = {CELL_FAULTS, "faults", "P-08", 2, 2, {DIM_CAUSE, DIM_MODEL}, {"count", "ntf"}},
    [CELL_COMPLAINTS] = {CELL_COMPLAINTS,
			 "complaints",
			 "P-11",
			 4,
			 6,
			 {DIM_TYPE, DIM_CATEGORY, DIM_SEVERITY, DIM_COMPLAINT_CHANNEL},
			 {"received", "suggestions", "closed", "reopened", "withdrawn", "rejected"}},
    [CELL_COMPLAINT_TIMES] = {CELL_COMPLAINT_TIMES,
			      "complaint_times",
			      "P-12",
			      4,
			      8,
			      {DIM_TYPE, DIM_CATEGORY, DIM_SEVERITY, DIM_COMPLAINT_CHANNEL},
			      {"ack_due", "ack_on_time", "reply_due", "reply_on_time", "close_due",
			       "close_on_time", "overdue_in", "overdue_out"}},
};

void cell_key_make(const struct cell_parts *parts, struct cell_key *ret_key)
{
	const struct cell_table_def *t = &cell_tables[parts->table];
	uint8_t *p = ret_key->b;

	as_assert(parts->table > 0 && parts->table < CELL_TABLES);
	*ret_key = (struct cell_key){0};
	*p++ = parts->table;
	put_be32(p, parts->day);
	memcpy(p + 4, parts->branch, BRANCH_CODE_MAX);
	p += 4 + BRANCH_CODE_MAX;
	for (unsigned i = 0; i < t->dims_n; i++) {
		if (t->dims[i] == DIM_MODEL) {
			as_assert(parts->model.n <= MODEL_BYTES_MAX);
			if (parts->model.n)
				memcpy(p, parts->model.p, parts->model.n);
			p += parts->model.n;
		} else if (t->dims[i] == DIM_BUCKET) {
			put_be32(p, parts->bucket);
			p += 4;
		} else {
			*p++ = parts->code[i];
		}
	}
	ret_key->n = (uint8_t)(p - ret_key->b);
}

as_err cell_key_parse(struct bytes key, struct cell_parts *ret_parts)
{
	struct cell_parts parts = {0};
	size_t at = 5 + BRANCH_CODE_MAX;

	if (key.n < at || key.n > CELL_KEY_MAX || key.p[0] == 0 || key.p[0] >= CELL_TABLES)
		return AS_EPROTO;
	const struct cell_table_def *t = &cell_tables[key.p[0]];
	parts.table = key.p[0];
	parts.day = get_be32(key.p + 1);
	memcpy(parts.branch, key.p + 5, BRANCH_CODE_MAX);
	for (unsigned i = 0; i < t->dims_n; i++) {
		if (t->dims[i] == DIM_MODEL) {
			parts.model = bytes_of(key.p + at, key.n - at);
			at = key.n;
			continue;
		}
		size_t need = t->dims[i] == DIM_BUCKET ? 4 : 1;
		if (key.n - at < need)
			return AS_EPROTO;
		if (need == 4)
			parts.bucket = get_be32(key.p + at);
		else
			parts.code[i] = key.p[at];
		at += need;
	}
	if (at != key.n || parts.model.n > MODEL_BYTES_MAX)
		return AS_EPROTO;
	*ret_parts = parts;
	return AS_OK;
}

int cell_key_cmp(const struct cell_key *a, const struct cell_key *b)
{
	int c = memcmp(a->b, b->b, a->n < b->n ? a->n : b->n);

	return c ? c : (int)a->n - (int)b->n;
}

uint32_t cell_tat_bucket(int64_t minutes)
{
	if (minutes < 0)
		return 0;
	if (minutes <= TAT_EXACT_MINUTES)
		return (uint32_t)minutes;
	int64_t hours = (minutes + 59) / 60;
	if (hours > TAT_HOURS_MAX)
		hours = TAT_HOURS_MAX;
	return (uint32_t)(TAT_EXACT_MINUTES + hours - TAT_EXACT_MINUTES / 60);
}

int64_t cell_tat_minutes(uint32_t bucket)
{
	if (bucket <= TAT_EXACT_MINUTES)
		return bucket;
	return ((int64_t)bucket - TAT_EXACT_MINUTES + TAT_EXACT_MINUTES / 60) * 60;
}

/* ---- summing ----------------------------------------------------------------------------- */

_Static_assert(sizeof(struct cell_key) == 56, "hashed and compared as seven words");

static uint64_t key_hash(const struct cell_key *key)
{
	uint64_t w[7], h = 0x9e3779b97f4a7c15u;

	memcpy(w, key, sizeof w);
	for (size_t i = 0; i < 7; i++) {
		h = (h ^ w[i]) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return h;
}

static bool key_equal(const struct cell_key *a, const struct cell_key *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

void cell_sum_init(struct cell_sum *s, struct cell *slots, size_t cap)
{
	as_assert(cap >= 2 && (cap & (cap - 1)) == 0);
	*s = (struct cell_sum){.slots = slots, .cap = cap};
}

/* The slot of the key, or the free one where it goes. */
static struct cell *slot_of(const struct cell_sum *s, const struct cell_key *key)
{
	size_t i = (size_t)key_hash(key) & (s->cap - 1);

	while (s->slots[i].key.n && !key_equal(&s->slots[i].key, key))
		i = (i + 1) & (s->cap - 1);
	return &s->slots[i];
}

void cell_sum_add(struct cell_sum *s, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	struct cell *c = slot_of(s, key);

	if (c->key.n == 0) {
		if (s->n >= s->cap - s->cap / 8 || s->n + 1 >= s->cap) {
			s->full = true;
			return;
		}
		c->key = *key;
		memset(c->v, 0, sizeof c->v);
		s->n++;
	}
	for (size_t i = 0; i < CELL_VALUES_MAX; i++)
		c->v[i] += v[i];
}

static void add_to_sum(void *ctx, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	cell_sum_add(ctx, key, v);
}

struct cell_sink cell_sum_sink(struct cell_sum *s)
{
	return (struct cell_sink){.ctx = s, .add = add_to_sum};
}

const struct cell *cell_sum_find(const struct cell_sum *s, const struct cell_key *key)
{
	const struct cell *c = slot_of(s, key);

	return c->key.n ? c : NULL;
}

bool cell_sum_wants_more(const struct cell_sum *s)
{
	return s->n >= s->cap / 2;
}

void cell_sum_move(struct cell_sum *to, const struct cell_sum *from)
{
	for (size_t i = 0; i < from->cap; i++)
		if (from->slots[i].key.n)
			cell_sum_add(to, &from->slots[i].key, from->slots[i].v);
}

static bool is_zero(const struct cell *c)
{
	for (size_t i = 0; i < CELL_VALUES_MAX; i++)
		if (c->v[i])
			return false;
	return true;
}

static bool before(const struct cell *slots, uint32_t a, uint32_t b)
{
	return cell_key_cmp(&slots[a].key, &slots[b].key) < 0;
}

static void swap(uint32_t *a, uint32_t *b)
{
	uint32_t t = *a;

	*a = *b;
	*b = t;
}

/* Quicksort, pivot from the middle third by a fixed generator; the shorter side by recursion: log n deep. */
static void sort(const struct cell *slots, uint32_t *o, size_t n)
{
	uint32_t r = 0x2545f491;

	while (n > 12) {
		size_t i = 0, j = n - 1;
		r = r * 1664525u + 1013904223u;
		uint32_t pivot = o[n / 3 + (r >> 8) % (n / 3)];
		for (;;) {
			while (before(slots, o[i], pivot))
				i++;
			while (before(slots, pivot, o[j]))
				j--;
			if (i >= j)
				break;
			swap(&o[i++], &o[j--]);
		}
		size_t left = j + 1;
		if (left < n - left) {
			sort(slots, o, left);
			o += left;
			n -= left;
		} else {
			sort(slots, o + left, n - left);
			n = left;
		}
	}
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && before(slots, o[k], o[k - 1]); k--)
			swap(&o[k], &o[k - 1]);
}

size_t cell_sum_sort(const struct cell_sum *s, uint32_t *order)
{
	size_t n = 0;

	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i].key.n && !is_zero(&s->slots[i]))
			order[n++] = (uint32_t)i;
	sort(s->slots, order, n);
	return n;
}
