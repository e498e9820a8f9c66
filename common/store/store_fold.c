/*
 * Events of a batch into cases and cells: a case is read once, folded in memory and put once, in the order of
 * keys; cells are summed in memory and put once. Memory is kept for the next batch.
 */
#include <stdlib.h>

#include "common/base/check.h"
#include "common/store/store_impl.h"

#define CHUNK_BYTES (1024 * 1024) /* any one case fits, with what its growth leaves behind */
#define CHUNKS_KEPT 2
#define CHUNKS_LARGE 32
#define BUCKETS_MIN 256
#define CELLS_LARGE 65536

_Static_assert((uint64_t)sizeof(struct case_entry) * CASE_EVENTS_MAX * 4 < CHUNK_BYTES,
	       "a case fits a chunk");

const uint8_t fold_tables[] = {TABLE_CASE,     TABLE_CELL,  TABLE_FLAGGED,
			       TABLE_EVENT_ID, TABLE_LABEL, TABLE_FLAG_COUNT,
			       TABLE_BALANCE};
const size_t fold_tables_n = AS_COUNT(fold_tables);

struct flag {
	struct flag *next;
	struct place place;
	uint16_t kind;
	uint8_t status;
};

struct fold_case {
	struct case_key key;
	struct case_rec rec;
	struct fold_case *next; /* of its bucket */
	bool stored;		/* has a row */
	struct flag *was;	/* its flagged entries as stored */
	struct flag *dropped;	/* events beyond CASE_EVENTS_MAX of this batch */
};

/* What the batch adds to a branch's flagged events. */
struct flag_count {
	char branch[BRANCH_CODE_MAX];
	int64_t more;
};

struct fold {
	uint8_t **chunks;
	size_t chunks_n, chunks_cap, chunk; /* chunk: the one in use, counted from 1 */
	struct arena arena;
	struct fold_case **buckets;
	size_t buckets_n; /* power of two */
	struct fold_case **cases;
	size_t cases_n, cases_cap;
	struct grown_sum cells, balances;
	struct flag_count *counts;
	size_t counts_n, counts_cap;
	struct cell_sink sink;
	as_err err; /* of the sink, which cannot fail */
	bool needs_rebuild;
};

/* ---- memory -------------------------------------------------------------------------------------------*/

static as_err chunk_next(struct fold *f)
{
	if (f->chunk == f->chunks_n) {
		if (f->chunks_n == f->chunks_cap) {
			size_t cap = f->chunks_cap ? 2 * f->chunks_cap : 8;
			uint8_t **p = realloc(f->chunks, cap * sizeof *p);
			if (p == NULL)
				return AS_ENOMEM;
			f->chunks = p;
			f->chunks_cap = cap;
		}
		f->chunks[f->chunks_n] = malloc(CHUNK_BYTES);
		if (f->chunks[f->chunks_n] == NULL)
			return AS_ENOMEM;
		f->chunks_n++;
	}
	arena_init(&f->arena, f->chunks[f->chunk++], CHUNK_BYTES);
	return AS_OK;
}

static as_err take(struct fold *f, size_t n, void **ret)
{
	*ret = arena_take(&f->arena, n);
	if (*ret)
		return AS_OK;
	if (chunk_next(f))
		return AS_ENOMEM;
	*ret = arena_take(&f->arena, n);
	as_assert(*ret != NULL);
	return AS_OK;
}

static void sink_add(void *ctx, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	struct fold *f = ctx;

	if (f->err == AS_OK)
		f->err = grown_sum_add(&f->cells, key, v);
#ifdef BUG_3 /* planted: a cell is applied twice */
	if (f->err == AS_OK)
		f->err = grown_sum_add(&f->cells, key, v);
#endif
}

as_err fold_new(struct fold **ret_f)
{
	struct fold *f = calloc(1, sizeof *f);

	if (f)
		f->buckets = calloc(BUCKETS_MIN, sizeof *f->buckets);
	if (f == NULL || f->buckets == NULL || grown_sum_init(&f->cells) || grown_sum_init(&f->balances)) {
		fold_free(f);
		return AS_ENOMEM;
	}
	f->buckets_n = BUCKETS_MIN;
	f->sink = (struct cell_sink){.ctx = f, .add = sink_add};
	*ret_f = f;
	return AS_OK;
}

void fold_free(struct fold *take_f)
{
	if (take_f == NULL)
		return;
	for (size_t i = 0; i < take_f->chunks_n; i++)
		free(take_f->chunks[i]);
	free(take_f->chunks);
	free(take_f->buckets);
	free(take_f->cases);
	grown_sum_done(&take_f->cells);
	grown_sum_done(&take_f->balances);
	free(take_f->counts);
	free(take_f);
}

static size_t bucket_of(const struct fold *f, const struct case_key *key);

void fold_reset(struct fold *f)
{
	for (size_t i = 0; i < f->cases_n; i++)
		f->buckets[bucket_of(f, &f->cases[i]->key)] = NULL;
	f->cases_n = 0;
	while (f->chunks_n > CHUNKS_KEPT)
		free(f->chunks[--f->chunks_n]);
	f->chunk = 0;
	f->arena = (struct arena){0};
	grown_sum_reset(&f->cells);
	grown_sum_reset(&f->balances);
	f->counts_n = 0;
	f->err = AS_OK;
	f->needs_rebuild = false;
}

void fold_want_rebuild(struct fold *f)
{
	f->needs_rebuild = true;
}

bool fold_needs_rebuild(const struct fold *f)
{
	return f->needs_rebuild;
}

bool fold_is_large(const struct fold *f)
{
	return f->chunk > CHUNKS_LARGE || f->cells.sum.n > CELLS_LARGE;
}

/* ---- cases of the batch -------------------------------------------------------------------------------*/

static int case_key_cmp(const struct case_key *a, const struct case_key *b)
{
	int c = memcmp(a->branch, b->branch, sizeof a->branch);

	return c ? c : memcmp(a->id, b->id, sizeof a->id);
}

static int case_ptr_cmp(const void *a, const void *b)
{
	return case_key_cmp(&(*(struct fold_case *const *)a)->key, &(*(struct fold_case *const *)b)->key);
}

static size_t bucket_of(const struct fold *f, const struct case_key *key)
{
	uint64_t h = get_be64(key->id) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 29 ^ get_be64(key->id + 8)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 32 ^ get_be64((const uint8_t *)key->branch)) * 0x94d049bb133111ebu;
	return (size_t)(h >> 24) & (f->buckets_n - 1);
}

static as_err cases_grow(struct fold *f)
{
	size_t cap = f->cases_cap ? 2 * f->cases_cap : BUCKETS_MIN;
	struct fold_case **cases, **buckets;

	cases = realloc(f->cases, cap * sizeof *cases);
	if (cases == NULL)
		return AS_ENOMEM;
	f->cases = cases;
	f->cases_cap = cap;
	if (cap <= f->buckets_n)
		return AS_OK;
	buckets = calloc(cap, sizeof *buckets);
	if (buckets == NULL)
		return AS_ENOMEM;
	free(f->buckets);
	f->buckets = buckets;
	f->buckets_n = cap;
	for (size_t i = 0; i < f->cases_n; i++) {
		struct fold_case **at = &buckets[bucket_of(f, &cases[i]->key)];
		cases[i]->next = *at;
		*at = cases[i];
	}
	return AS_OK;
}

static as_err flag_add(struct fold *f, struct flag **list, const struct place *place, uint16_t kind,
		       enum entry_status status)
{
	struct flag *flag;
	void *memory;

	if (take(f, sizeof *flag, &memory))
		return AS_ENOMEM;
	flag = memory;
	*flag = (struct flag){.next = *list, .place = *place, .kind = kind, .status = (uint8_t)status};
	*list = flag;
	return AS_OK;
}

static as_err case_load(struct fold *f, const struct stx *x, struct fold_case *c)
{
	struct store_key_buf key = key_case(&c->key);
	struct bytes body;
	as_err err = row_get(x, TABLE_CASE, &key, &body);

	if (err == AS_ENOTFOUND) {
		case_rec_init(&c->rec, &c->key, NULL, 0);
		return AS_OK;
	}
	if (err)
		return err;
	err = case_rec_decode(body, &c->key, 4, &f->arena, &c->rec);
	if (err == AS_ENOMEM && (err = chunk_next(f)) == AS_OK)
		err = case_rec_decode(body, &c->key, 4, &f->arena, &c->rec);
	if (err == AS_ECORRUPT)
		return row_damaged(x, TABLE_CASE, key_bytes(&key));
	if (err)
		return err;
	c->stored = true;
	for (uint32_t i = 0; i < c->rec.n && err == AS_OK; i++) {
		const struct case_entry *e = &c->rec.entries[i];
		if (entry_is_flagged(e->status))
			err = flag_add(f, &c->was, &e->place, e->kind, e->status);
	}
	return err;
}

static as_err case_get(struct fold *f, const struct stx *x, const struct case_key *key,
		       struct fold_case **ret_c)
{
	struct fold_case *c;
	void *memory;
	as_err err;

	for (c = f->buckets[bucket_of(f, key)]; c; c = c->next)
		if (case_key_cmp(&c->key, key) == 0) {
			*ret_c = c;
			return AS_OK;
		}
	if (f->cases_n == f->cases_cap && (err = cases_grow(f)))
		return err;
	if ((err = take(f, sizeof *c, &memory)))
		return err;
	c = memory;
	*c = (struct fold_case){.key = *key};
	if ((err = case_load(f, x, c)))
		return err;
	struct fold_case **at = &f->buckets[bucket_of(f, key)];
	c->next = *at;
	*at = c;
	f->cases[f->cases_n++] = c;
	*ret_c = c;
	return AS_OK;
}

/* ---- events -------------------------------------------------------------------------------------------*/

static as_err flag_counted(struct fold *f, const struct log_id *log, int more)
{
	size_t i = f->counts_n; /* the one met last is the likely one */

	while (i > 0 && memcmp(f->counts[i - 1].branch, log->branch, BRANCH_CODE_MAX) != 0)
		i--;
	if (i > 0) {
		f->counts[i - 1].more += more;
		return AS_OK;
	}
	if (f->counts_n == f->counts_cap) {
		size_t cap = f->counts_cap ? 2 * f->counts_cap : 8;
		struct flag_count *p = realloc(f->counts, cap * sizeof *p);
		if (p == NULL)
			return AS_ENOMEM;
		f->counts = p;
		f->counts_cap = cap;
	}
	f->counts[f->counts_n].more = more;
	memcpy(f->counts[f->counts_n++].branch, log->branch, BRANCH_CODE_MAX);
	return AS_OK;
}

static as_err count_write(const struct stx *x, const struct flag_count *c)
{
	struct store_key_buf key = key_branch(c->branch);
	struct bytes body;
	uint8_t b[8];
	int64_t n = 0;
	as_err err = row_get(x, TABLE_FLAG_COUNT, &key, &body);

	if (err && err != AS_ENOTFOUND)
		return err;
	if (err == AS_OK && body.n != sizeof b)
		return row_damaged(x, TABLE_FLAG_COUNT, key_bytes(&key));
	n = c->more + (err == AS_OK ? (int64_t)get_be64(body.p) : 0);
	if (n < 0)
		return row_damaged(x, TABLE_FLAG_COUNT, key_bytes(&key));
	if (n == 0)
		return row_del(x, TABLE_FLAG_COUNT, &key);
	put_be64(b, (uint64_t)n);
	return row_put(x, TABLE_FLAG_COUNT, &key, bytes_of(b, sizeof b));
}

static as_err flagged_del(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index)
{
	struct store_key_buf key = key_log_at(log, index);
	as_err err = kv_del(x->txn, TABLE_FLAGGED, key_bytes(&key));

	if (err)
		return err == AS_ENOTFOUND ? AS_OK : err;
	return flag_counted(f, log, -1);
}

static as_err flagged_put(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index,
			  uint16_t kind, uint8_t status)
{
	struct store_key_buf key = key_log_at(log, index);
	struct bytes old;
	uint8_t body[3];
	as_err err = kv_get(x->txn, TABLE_FLAGGED, key_bytes(&key), &old);

	if (err == AS_ENOTFOUND)
		err = flag_counted(f, log, 1);
	if (err)
		return err;
	put_be16(body, kind);
	body[2] = status;
	return row_put(x, TABLE_FLAGGED, &key, bytes_of(body, sizeof body));
}

/* A full record: the event that is last in order goes, this one or the one that it displaces. */
static as_err apply_over(struct fold *f, struct fold_case *c, const struct event *ev,
			 const struct place *place, const uint8_t leaf[32])
{
	struct case_entry last = c->rec.entries[c->rec.n - 1], alone_entry;
	const struct cell_sink nothing = {0};
	struct case_rec alone;
	as_err err;

	if (place_cmp(place, &last.place) > 0) {
		case_rec_init(&alone, &c->key, &alone_entry, 1);
		if ((err = ledger_apply(&alone, ev, place, leaf, &nothing, NULL)))
			return err;
		last = alone_entry;
	}
	if ((err = flag_add(f, &c->dropped, &last.place, last.kind, ENTRY_ILLEGAL)))
		return err;
	return ledger_apply(&c->rec, ev, place, leaf, &f->sink, NULL);
}

as_err fold_event(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index,
		  struct bytes event, const uint8_t leaf[32])
{
	struct place place = {.inc_number = log->number, .index = index, .cls = log->cls};
	struct case_key key;
	struct fold_case *c;
	struct event ev;
	as_err err;

	memcpy(place.inc_id, log->inc, sizeof place.inc_id);
	if (event_decode(event, &ev))
		return flagged_put(f, x, log, index, 0, ENTRY_UNDECODABLE);
	if (!ledger_case_of(&ev, log->branch, &key))
		return AS_OK;
	if ((err = case_get(f, x, &key, &c)))
		return err;
	if (c->rec.n == CASE_EVENTS_MAX) {
		err = apply_over(f, c, &ev, &place, leaf);
	} else {
		err = case_rec_reserve(&c->rec, 1, &f->arena);
		if (err == AS_ENOMEM && (err = chunk_next(f)) == AS_OK)
			err = case_rec_reserve(&c->rec, 1, &f->arena);
		if (err == AS_OK)
			err = ledger_apply(&c->rec, &ev, &place, leaf, &f->sink, NULL);
	}
	return err ? err : f->err;
}

static bool is_cut(const struct place *p, const struct log_id *log, uint64_t size)
{
	return p->index >= size && p->inc_number == log->number && p->cls == log->cls &&
	       memcmp(p->inc_id, log->inc, sizeof p->inc_id) == 0;
}

as_err fold_cut_event(struct fold *f, const struct stx *x, const struct log_id *log, uint64_t index,
		      struct bytes event, uint64_t size)
{
	struct case_key key;
	struct fold_case *c;
	struct event ev;
	uint32_t kept = 0;
	as_err err;

	if (event_decode(event, &ev))
		return flagged_del(f, x, log, index);
	if (!ledger_case_of(&ev, log->branch, &key))
		return AS_OK;
	if ((err = case_get(f, x, &key, &c)))
		return err;
	if (c->rec.over)
		f->needs_rebuild = true;
	for (uint32_t i = 0; i < c->rec.n; i++)
		kept += !is_cut(&c->rec.entries[i].place, log, size);
	if (kept == c->rec.n)
		return AS_OK; /* an earlier event of the cut took them out */
	ledger_contribution(&c->rec, -1, &f->sink);
	kept = 0;
	for (uint32_t i = 0; i < c->rec.n; i++)
		if (!is_cut(&c->rec.entries[i].place, log, size))
			c->rec.entries[kept++] = c->rec.entries[i];
	c->rec.n = kept;
	ledger_fold(&c->rec);
	ledger_contribution(&c->rec, 1, &f->sink);
	return f->err;
}

/* ---- writing ------------------------------------------------------------------------------------------*/

static struct log_id log_of_place(const struct case_key *key, const struct place *p)
{
	struct log_id log = {.cls = p->cls, .number = p->inc_number};

	memcpy(log.branch, key->branch, sizeof log.branch);
	memcpy(log.inc, p->inc_id, sizeof log.inc);
	return log;
}

static as_err case_flags_write(struct fold *f, const struct stx *x, const struct fold_case *c)
{
	as_err err = AS_OK;

	for (const struct flag *flag = c->was; flag && err == AS_OK; flag = flag->next) {
		struct log_id log = log_of_place(&c->key, &flag->place);
		err = flagged_del(f, x, &log, flag->place.index);
	}
	for (uint32_t i = 0; i < c->rec.n && err == AS_OK; i++) {
		const struct case_entry *e = &c->rec.entries[i];
		struct log_id log = log_of_place(&c->key, &e->place);
		if (entry_is_flagged(e->status))
			err = flagged_put(f, x, &log, e->place.index, e->kind, e->status);
	}
	for (const struct flag *flag = c->dropped; flag && err == AS_OK; flag = flag->next) {
		struct log_id log = log_of_place(&c->key, &flag->place);
		err = flagged_put(f, x, &log, flag->place.index, flag->kind, flag->status);
	}
	return err;
}

static as_err case_write(const struct stx *x, const struct fold_case *c)
{
	struct store_key_buf key = key_case(&c->key);
	size_t cap = 512 + 128 * (size_t)c->rec.n, n;
	as_err err;

	if (c->rec.n == 0 && c->rec.over == 0)
		return c->stored ? row_del(x, TABLE_CASE, &key) : AS_OK;
	buf_reset(x->row);
	for (;;) {
		if ((err = buf_reserve(x->row, cap + ROW_CHECK)))
			return err;
		err = case_rec_encode(&c->rec, x->row->p, cap, &n);
		if (err != AS_ETOOBIG || cap >= CASE_REC_BYTES_MAX)
			break;
		cap = CASE_REC_BYTES_MAX;
	}
	if (err)
		return err;
	x->row->n = n;
	return row_put_scratch(x, TABLE_CASE, &key);
}

/* Balances are what cells add up to: their differences come from the same differences. */
static as_err cells_write(struct fold *f, const struct stx *x)
{
	const struct cell_sum *cells = &f->cells.sum;
	as_err err = AS_OK;

	for (size_t i = 0; f->cells.used && i < cells->cap && err == AS_OK; i++)
		if (cells->slots[i].key.n)
			err = balance_add(&f->balances, &cells->slots[i].key, cells->slots[i].v);
	if (err == AS_OK)
		err = grown_sum_write(&f->cells, x, TABLE_CELL);
	return err ? err : grown_sum_write(&f->balances, x, TABLE_BALANCE);
}

/* A store of a program that kept no counts: they are made from the rows. */
static as_err count_row(void *arg, struct bytes key, struct bytes body)
{
	struct log_id log;

	(void)body;
	return log_id_get(key.p, &log) ? flag_counted(arg, &log, 1) : AS_ECORRUPT;
}

as_err fold_counts_make(struct fold *f, const struct stx *x)
{
	struct store_key_buf key = key_self(SELF_COUNTED);
	static const uint8_t one = 1;
	struct bytes body;
	as_err err = row_get(x, TABLE_SELF, &key, &body);

	if (err != AS_ENOTFOUND)
		return err;
	fold_reset(f);
	err = row_clear(x, TABLE_FLAG_COUNT);
	if (err == AS_OK)
		err = row_each(x, TABLE_FLAGGED, bytes_of(NULL, 0), count_row, f);
	if (err == AS_OK)
		err = fold_flush(f, x);
	fold_reset(f);
	return err ? err : row_put(x, TABLE_SELF, &key, bytes_of(&one, 1));
}

as_err fold_flush(struct fold *f, const struct stx *x)
{
	as_err err = f->err;

	if (f->cases_n)
		qsort(f->cases, f->cases_n, sizeof f->cases[0], case_ptr_cmp);
	for (size_t i = 0; i < f->cases_n && err == AS_OK; i++) {
		const struct fold_case *c = f->cases[i];
		err = case_write(x, c);
		if (err == AS_OK)
			err = case_flags_write(f, x, c);
	}
	for (size_t i = 0; i < f->counts_n && err == AS_OK; i++)
		if (f->counts[i].more != 0)
			err = count_write(x, &f->counts[i]);
	if (err == AS_OK)
		err = cells_write(f, x);
	fold_reset(f);
	return err;
}
