/* The invariants of docs/testing.md, as far as they concern the cores and the store. */
#include "common/base/check.h"
#include "common/ledger/balance.h"
#include "common/ledger/ledger.h"
#include "common/wire/event.h"
#include "tests/sim/world.h"

#include <stdlib.h>

/* ---- what was promised
 * --------------------------------------------------------------------------------------------*/

/* 1: the branch said "accepted". */
void check_accepted(struct node *n, const uint8_t event_id[16])
{
	struct world *w = n->w;

	for (size_t i = w->accepted_n; i > 0; i--) {
		struct accepted *a = &w->accepted[i - 1];
		if (memcmp(a->event_id, event_id, 16) == 0 &&
		    memcmp(a->branch, n->branch, BRANCH_CODE_MAX) == 0) {
			a->may_be_lost &= n->retired;
			return;
		}
	}
	if (w->accepted_n == w->accepted_cap) {
		w->accepted_cap = w->accepted_cap ? 2 * w->accepted_cap : 4096;
		w->accepted = realloc(w->accepted, w->accepted_cap * sizeof w->accepted[0]);
	}
	struct accepted *a = &w->accepted[w->accepted_n++];
	*a = (struct accepted){.node = n->index, .may_be_lost = n->retired};
	memcpy(a->branch, n->branch, BRANCH_CODE_MAX);
	memcpy(a->event_id, event_id, 16);
}

/* 2: a receipt covers only what head office has durably committed, keys included. */
void check_receipt(struct node *hq, const struct log_id *log, const struct log_head *head)
{
	struct log_row row, live = {0};
	struct log_id live_id = *log;
	struct block_meta m;

	live_id.cls = LOG_LIVE;
	if (store_log(hq->st, log, &row) != AS_OK || row.head.size < head->size ||
	    !store_block_at(hq->st, log, head->size - 1, &m) || m.first + m.count != head->size ||
	    memcmp(m.root, head->root, 32) != 0) {
		broken(hq->w, "2 receipt", "%s receipts %s %llu, which it does not hold", hq->name,
		       log_name(log), (unsigned long long)head->size);
		return;
	}
	if (m.keys_upto > 0 && (store_log(hq->st, &live_id, &live) != AS_OK || live.keys < m.keys_upto))
		broken(hq->w, "2 receipt", "%s receipts %s %llu with keys up to %llu, it holds %llu",
		       hq->name, log_name(log), (unsigned long long)head->size,
		       (unsigned long long)m.keys_upto, (unsigned long long)live.keys);
}

/* 8: no (key, nonce) twice. */
void check_nonce(struct node *n, struct bytes block)
{
	struct world *w = n->w;
	struct block_view v;

	if (block_peek(block, w->org, &v) != REFUSE_NONE) {
		broken(w, "build", "%s built a block that is none", n->name);
		return;
	}
	if (!block_is_sealed(&v.h))
		return;
	if (w->nonces_n == w->nonces_cap) {
		w->nonces_cap = w->nonces_cap ? 2 * w->nonces_cap : 1024;
		w->nonces = realloc(w->nonces, w->nonces_cap * sizeof w->nonces[0]);
	}
	memcpy(w->nonces[w->nonces_n], v.h.key_id, 16);
	memcpy(w->nonces[w->nonces_n++] + 16, v.h.nonce, 24);
}

static int nonce_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 40);
}

/* Events of a block that rotted before anybody else had it. */
void check_lost_block(struct node *n, const struct log_id *log, uint64_t first, uint64_t end)
{
	struct world *w = n->w;
	struct log_id at;
	uint64_t index;

	for (size_t i = 0; i < w->accepted_n; i++) {
		struct accepted *a = &w->accepted[i];
		if (memcmp(a->branch, n->branch, BRANCH_CODE_MAX) == 0 &&
		    node_holds(n, a->event_id, &at, &index) && log_id_equal(&at, log) && index >= first &&
		    index < end)
			a->may_be_lost = true;
	}
}

static struct seen *seen_of(struct node *n, const struct log_id *log)
{
	for (size_t i = 0; i < n->seen_n; i++)
		if (log_id_equal(&n->seen[i].log, log))
			return &n->seen[i];
	if (n->seen_n == SIM_LOGS)
		return NULL;
	n->seen[n->seen_n] = (struct seen){.log = *log};
	return &n->seen[n->seen_n++];
}

/* 6 and 9, cheap enough for every commit. */
void check_step(struct world *w, struct node *n)
{
	struct sync_core *c = n->is_hq ? &n->h.c : &n->b.c;

	for (size_t i = 0; i < c->logs_n; i++) {
		const struct log_row *r = &c->logs[i].row;
		if (r->acked.size > r->head.size && n->is_hq)
			broken(w, "6 monotone", "%s receipted %s further than it holds", n->name,
			       log_name(&r->id));
		if (c->logs[i].in < r->head.size)
			broken(w, "pipeline", "%s: %s: in < head", n->name, log_name(&r->id));
	}
	uint64_t credit = c->pool;
	for (size_t i = 0; i < c->queue_n; i++)
		credit += c->queue[i].bytes;
	for (size_t i = 0; i < c->flight_n; i++)
		credit += c->flight[i].bytes;
	for (size_t i = 0; i < c->logs_n && i < SIM_LOGS;
	     i++) { /* 6: what was receipted, and the numbers of keys */
		struct seen *s = seen_of(n, &c->logs[i].row.id);
		if (s == NULL)
			continue;
		if (c->logs[i].row.acked.size < s->acked && !n->is_hq)
			broken(w, "6 monotone", "%s: %s was receipted to %llu, now to %llu", n->name,
			       log_name(&c->logs[i].row.id), (unsigned long long)s->acked,
			       (unsigned long long)c->logs[i].row.acked.size);
		if (c->logs[i].row.keys < s->keys)
			broken(w, "6 monotone", "%s: %s had %llu keys, now %llu", n->name,
			       log_name(&c->logs[i].row.id), (unsigned long long)s->keys,
			       (unsigned long long)c->logs[i].row.keys);
		s->acked = c->logs[i].row.acked.size;
		s->keys = c->logs[i].row.keys;
	}
	for (size_t i = 0; n->is_hq && i < c->logs_n; i++) { /* 5: a child stands on what is held */
		const struct log_row *r = &c->logs[i].row;
		struct sync_log *p = r->has_parent ? sync_log_find(c, &r->parent) : NULL;
		if (r->has_parent && !log_is_hq(&r->id) &&
		    (p == NULL || !sync_head_agrees(c, p, &r->parent_head)))
			broken(w, "5 parent", "%s holds %s, but not its parent to %llu", n->name,
			       log_name(&r->id), (unsigned long long)r->parent_head.size);
	}
	if (c->instance < n->instance_seen)
		broken(w, "6 monotone", "%s: instance %u after %u", n->name, c->instance, n->instance_seen);
	if (n->is_hq) /* a branch: when it is durable */
		n->instance_seen = c->instance;
	if (!n->is_hq)
		credit += n->b.s.granted - n->b.s.received;
	for (size_t i = 0; n->is_hq && i < n->h.sessions_n; i++)
		credit += n->h.sessions[i].granted - n->h.sessions[i].received;
	if (credit != (n->is_hq ? SIM_POOL : BRANCH_WINDOW))
		broken(w, "9 bounds", "%s: credit %llu of %u", n->name, (unsigned long long)credit,
		       n->is_hq ? SIM_POOL : BRANCH_WINDOW);
	if (c->queue_n > c->queue_cap || c->pool > SIM_POOL + BRANCH_WINDOW)
		broken(w, "9 bounds", "%s: queue %zu, pool %llu", n->name, c->queue_n,
		       (unsigned long long)c->pool);
}

/* ---- at rest
 * ------------------------------------------------------------------------------------------------------*/

static bool unequal(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->unequal, sizeof w->unequal, fmt, ap);
	va_end(ap);
	return false;
}

/* 10: is everything where it belongs, and nothing under way? */
bool check_equal(struct world *w)
{
	struct node *hq = hq_of(w);

	if (!hq->alive || hq->jobs_n || hq->h.c.queue_n || hq->h.c.flight_n)
		return unequal(w, "head office is busy: alive %d, jobs %zu, queue %zu, flight %zu", hq->alive,
			       hq->jobs_n, hq->alive ? hq->h.c.queue_n : 0, hq->alive ? hq->h.c.flight_n : 0);
	if (hq->h.state != SYNC_HQ_SERVING) {
		struct sync_session *s = hq->h.sessions;
		for (size_t i = 0; i < hq->h.sessions_n; i++)
			if (hq->h.sessions[i].open && hq->h.sessions[i].granted > s->granted)
				s = &hq->h.sessions[i];
		return unequal(w,
			       "head office is not serving: state %d, instance %u of %u, pool %llu, most "
			       "credit %.8s %llu",
			       hq->h.state, hq->h.c.instance, w->instance, (unsigned long long)hq->h.c.pool,
			       s->branch, (unsigned long long)(s->granted - s->received));
	}
	for (size_t i = 0; i < hq->h.c.logs_n; i++)
		if (hq->h.c.logs[i].damaged != LOG_NO_END)
			return unequal(w, "head office: %s is damaged", log_name(&hq->h.c.logs[i].row.id));
	for (size_t i = 1; i < w->nodes_n; i++) {
		struct node *n = w->nodes[i];
		if (n->gone)
			continue;
		if (!n->alive || n->jobs_n || n->b.c.queue_n || n->b.c.flight_n || n->subs_n || n->b.forking)
			return unequal(w, "%s is busy: alive %d, jobs %zu, queue %zu, submissions %zu",
				       n->name, n->alive, n->jobs_n, n->b.c.queue_n, n->subs_n);
		size_t at = 0;
		for (size_t k = 0; k < n->b.c.logs_n; k++) {
			struct sync_log *l = &n->b.c.logs[k];
			struct sync_log *h = sync_log_find(&hq->h.c, &l->row.id);
			if (l->damaged != LOG_NO_END)
				return unequal(w, "%s: %s is damaged", n->name, log_name(&l->row.id));
			if ((h ? h->row.head.size : 0) != l->row.head.size ||
			    (h && memcmp(h->row.head.root, l->row.head.root, 32) != 0 && h->row.head.size))
				return unequal(w, "%s holds %llu of %s, head office %llu", n->name,
					       (unsigned long long)l->row.head.size, log_name(&l->row.id),
					       (unsigned long long)(h ? h->row.head.size : 0));
			if (!log_is_hq(&l->row.id) && n->b.has_cur && l->row.folded < l->row.head.size &&
			    log_id_order(&l->row.id, &n->b.cur) < 0 && l->row.id.number < n->b.cur.number)
				return unequal(w, "%s has folded %llu of %llu of %s", n->name,
					       (unsigned long long)l->row.folded,
					       (unsigned long long)l->row.head.size, log_name(&l->row.id));
			if (h && h->row.keys != l->row.keys)
				return unequal(w, "%s holds %llu keys of %s, head office %llu", n->name,
					       (unsigned long long)l->row.keys, log_name(&l->row.id),
					       (unsigned long long)h->row.keys);
			if (!log_is_hq(&l->row.id) && h && h->row.acked.size != h->row.head.size)
				return unequal(
				    w,
				    "%s: %s is held to %llu, receipted to %llu; keys %llu, needed %llu and "
				    "%llu",
				    n->name, log_name(&l->row.id), (unsigned long long)h->row.head.size,
				    (unsigned long long)h->row.acked.size, (unsigned long long)h->row.keys,
				    (unsigned long long)h->row.keys_need,
				    (unsigned long long)l->row.keys_need);
			if (!log_is_hq(&l->row.id) && l->row.acked.size < l->row.head.size &&
			    key_of_log_is(n, &l->row.id))
				return unequal(w, "%s: %s receipts seen to %llu of %llu", n->name,
					       log_name(&l->row.id), (unsigned long long)l->row.acked.size,
					       (unsigned long long)l->row.head.size);
		}
		for (struct sync_log *h; (h = sync_log_next(&hq->h.c, n->branch, &at)) != NULL;)
			if (h->row.head.size > 0 && sync_log_find(&n->b.c, &h->row.id) == NULL)
				return unequal(w, "%s does not hold %s", n->name, log_name(&h->row.id));
	}
	return true;
}

static as_err scrub_log(void *arg, const struct log_row *row)
{
	struct node *n = arg;
	struct block_meta m;

	for (uint64_t at = 0; at < row->head.size; at = m.first + m.count) {
		AS_AUTO(buf) struct buf block = {0};
		buf_init(&block, BLOCK_BYTES_MAX);
		if (!store_block_at(n->st, &row->id, at, &m))
			break;
		if (store_block_read(n->st, &row->id, at, &m, &block) != AS_OK || m.mended) {
			struct event_in *e = world_at(n->w, n->w->now + 1, EV_SCRUB, n->index);
			e->log = row->id;
			e->first = at;
		}
	}
	return AS_OK;
}

/* Every stored block of every node is read once. */
void check_scrub_node(struct node *n)
{
	if (store_each_log(n->st, scrub_log, n) != AS_OK)
		broken(n->w, "scrub", "%s: rows cannot be read", n->name);
}

void check_scrub(struct world *w)
{
	for (size_t i = 0; i < w->nodes_n; i++)
		if (w->nodes[i]->alive)
			check_scrub_node(w->nodes[i]);
}

/* ---- the naive fold: all events of all logs, sorted, folded once
 * ----------------------------------------------------*/

struct naive_event {
	struct case_key key;
	struct place place;
	uint8_t leaf[32];
	uint8_t *raw;
	size_t n;
};

struct naive {
	struct node *node;
	const struct log_row *row;
	struct naive_event *events;
	size_t n, cap;
};

static int naive_cmp(const void *a, const void *b)
{
	const struct naive_event *x = a, *y = b;
	int c = memcmp(&x->key, &y->key, sizeof x->key);

	return c ? c : place_cmp(&x->place, &y->place);
}

static as_err naive_block(void *arg, const struct log_id *log, const struct block_meta *meta,
			  struct bytes block)
{
	struct naive *nv = arg;
	const struct bytes *events;
	const uint8_t(*leaves)[32];
	struct event ev;
	size_t n;

	as_err err = node_opener(nv->node, log, block, &events, &leaves, &n);
	if (err) {
		broken(nv->node->w, "4 cells", "%s cannot read %s %llu", nv->node->name, log_name(log),
		       (unsigned long long)meta->first);
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		struct naive_event e = {.n = events[i].n};
		if (meta->first + i >= nv->row->folded)
			break;
		if (event_decode(events[i], &ev) != AS_OK || !ledger_case_of(&ev, log->branch, &e.key))
			continue;
		e.place =
		    (struct place){.inc_number = log->number, .index = meta->first + i, .cls = log->cls};
		memcpy(e.place.inc_id, log->inc, 16);
		memcpy(e.leaf, leaves[i], 32);
		e.raw = malloc(e.n);
		memcpy(e.raw, events[i].p, e.n);
		if (nv->n == nv->cap) {
			nv->cap = nv->cap ? 2 * nv->cap : 4096;
			nv->events = realloc(nv->events, nv->cap * sizeof nv->events[0]);
		}
		nv->events[nv->n++] = e;
	}
	return AS_OK;
}

static as_err naive_log(void *arg, const struct log_row *row)
{
	struct naive *nv = arg;

	if (log_is_hq(&row->id) || row->head.size == 0)
		return AS_OK;
	nv->row = row;
	return store_each_block(nv->node->st, &row->id, 0, naive_block, nv);
}

struct delta {
	struct cell_key key;
	int64_t v[CELL_VALUES_MAX];
};

struct deltas {
	struct delta *d;
	size_t n, cap;
};

static void add_delta(void *ctx, const struct cell_key *key, const int64_t v[CELL_VALUES_MAX])
{
	struct deltas *s = ctx;

	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 4096;
		s->d = realloc(s->d, s->cap * sizeof s->d[0]);
	}
	s->d[s->n].key = *key;
	memcpy(s->d[s->n++].v, v, sizeof s->d[0].v);
}

static int delta_cmp(const void *a, const void *b)
{
	return cell_key_cmp(&((const struct delta *)a)->key, &((const struct delta *)b)->key);
}

/* Sums equal keys and drops zero cells. */
static void settle_cells(struct deltas *s)
{
	size_t out = 0;

	qsort(s->d, s->n, sizeof s->d[0], delta_cmp);
	for (size_t i = 0; i < s->n;) {
		struct delta sum = s->d[i++];
		bool zero = true;
		while (i < s->n && cell_key_cmp(&s->d[i].key, &sum.key) == 0) {
			for (int k = 0; k < CELL_VALUES_MAX; k++)
				sum.v[k] += s->d[i].v[k];
			i++;
		}
		for (int k = 0; k < CELL_VALUES_MAX; k++)
			zero &= sum.v[k] == 0;
		if (!zero)
			s->d[out++] = sum;
	}
	s->n = out;
}

struct compare {
	struct node *node;
	struct deltas cells;
	size_t at;
	uint64_t applied;
};

static as_err compare_cell(void *arg, struct bytes key, struct bytes value)
{
	struct compare *c = arg;
	const struct delta *d = c->at < c->cells.n ? &c->cells.d[c->at] : NULL;
	bool equal = d && d->key.n == key.n && memcmp(d->key.b, key.p, key.n) == 0;

	for (size_t k = 0; equal && k < value.n / 8; k++)
		equal = (int64_t)get_be64(value.p + 8 * k) == d->v[k];
	if (!equal) {
		char hex[2 * CELL_KEY_MAX + 1];
		text_hex(key.p, key.n, hex);
		broken(c->node->w, "4 cells", "%s: cell %s (number %zu) differs from the naive fold",
		       c->node->name, hex, c->at);
		return AS_EREFUSED;
	}
	c->at++;
	return AS_OK;
}

/* What balance rows say of a branch's opening balance in a month, less what the cells of the naive fold say. */
struct balances {
	int64_t whole[BALANCE_VALUES_MAX], each[BALANCE_VALUES_MAX];
	int64_t *at;
};

static as_err take_balance(void *arg, struct bytes key, struct bytes value)
{
	struct balances *b = arg;

	(void)key;
	for (size_t k = 0; k < value.n / 8; k++)
		b->at[k] += (int64_t)get_be64(value.p + 8 * k);
	return AS_OK;
}

static as_err no_cell(void *arg, struct bytes key, struct bytes value)
{
	(void)arg;
	(void)key;
	(void)value;
	return AS_EEXIST;
}

static void compare_balances(struct node *n, const struct deltas *cells, uint8_t table, uint32_t from)
{
	struct store_span s = {.table = table, .from = from, .cell = no_cell, .balance = take_balance, .whole = true};
	struct balances b = {.at = b.whole};
	as_err err = store_each_span(n->st, &s, &b);

	s.whole = false;
	b.at = b.each;
	if (err == AS_OK || err == AS_EEXIST)
		err = store_each_span(n->st, &s, &b);
	for (size_t i = 0; i < cells->n; i++) {
		int64_t net[BALANCE_VALUES_MAX];
		if (cells->d[i].key.b[0] != table || get_be32(cells->d[i].key.b + 1) >= from)
			continue;
		balance_net(table, cells->d[i].v, net);
		for (size_t k = 0; k < BALANCE_VALUES_MAX; k++) {
			b.whole[k] -= net[k];
			b.each[k] -= net[k];
		}
	}
	for (size_t k = 0; k < BALANCE_VALUES_MAX; k++)
		if (b.whole[k] || b.each[k] || (err && err != AS_EEXIST))
			broken(n->w, "4 cells", "%s: balance %zu of %s before %u differs from the naive fold", n->name,
			       k, cell_tables[table].name, from);
}

/* Of some month that has cells, of the one after it, and of one after all. */
static void check_balances(struct node *n, const struct deltas *cells)
{
	uint32_t day = cells->n ? get_be32(cells->d[cells->n / 2].key.b + 1) : 20260101;
	uint32_t months[] = {balance_month(day), balance_month(day + (day / 100 % 100 == 12 ? 8900 : 100)), 21000101};

	for (uint8_t t = 1; t < CELL_TABLES; t++)
		for (size_t i = 0; balance_values(t) && i < AS_COUNT(months); i++)
			compare_balances(n, cells, t, months[i]);
}

/* For invariant 1: which event ids count at head office, and how often. */
struct counted {
	char branch[BRANCH_CODE_MAX];
	uint8_t id[16];
};

static struct counted *counted;
static size_t counted_n, counted_cap;

static void fold_one_case(struct node *n, const struct naive_event *e, size_t k, struct deltas *cells)
{
	static uint8_t memory[4 << 20];
	static uint8_t mine[CASE_REC_BYTES_MAX], theirs[CASE_REC_BYTES_MAX];
	struct arena arena;
	struct case_rec rec, kept;
	struct cell_sink sink = {.ctx = cells, .add = add_delta};
	struct event ev;
	size_t mine_n = 0, theirs_n = 0;

	arena_init(&arena, memory, sizeof memory);
	case_rec_init(&rec, &e->key, NULL, 0);
	for (size_t i = 0; i < k; i++) {
		if (case_rec_reserve(&rec, 1, &arena) != AS_OK ||
		    event_decode(bytes_of(e[i].raw, e[i].n), &ev) != AS_OK ||
		    ledger_apply(&rec, &ev, &e[i].place, e[i].leaf, &sink, NULL) != AS_OK)
			broken(n->w, "4 cells", "%s: the naive fold fails", n->name);
	}
	if (store_case(n->st, &e->key, 0, &arena, &kept) != AS_OK ||
	    case_rec_encode(&kept, theirs, sizeof theirs, &theirs_n) != AS_OK ||
	    case_rec_encode(&rec, mine, sizeof mine, &mine_n) != AS_OK || mine_n != theirs_n ||
	    memcmp(mine, theirs, mine_n) != 0) {
		char hex[33];
		text_hex(e->key.id, 16, hex);
		broken(n->w, "4 states", "%s: case %.8s %s differs from the naive fold (%zu events)", n->name,
		       e->key.branch, hex, k);
		return;
	}
	for (uint32_t i = 0; n->is_hq && i < rec.n; i++) {
		if (rec.entries[i].status == ENTRY_REPEATED || rec.entries[i].status == ENTRY_ID_REUSED)
			continue;
		if (counted_n == counted_cap) {
			counted_cap = counted_cap ? 2 * counted_cap : 8192;
			counted = realloc(counted, counted_cap * sizeof counted[0]);
		}
		memcpy(counted[counted_n].branch, e->key.branch, BRANCH_CODE_MAX);
		memcpy(counted[counted_n++].id, rec.entries[i].id, 16);
	}
}

static as_err count_case(void *arg, struct bytes key, struct bytes value)
{
	(void)key;
	(void)value;
	++*(size_t *)arg;
	return AS_OK;
}

static void check_fold(struct node *n)
{
	struct naive nv = {.node = n};
	struct compare cmp = {.node = n};
	size_t cases = 0, kept = 0;

	if (store_each_log(n->st, naive_log, &nv) != AS_OK)
		broken(n->w, "4 cells", "%s: its logs cannot be read", n->name);
	qsort(nv.events, nv.n, sizeof nv.events[0], naive_cmp);
	for (size_t i = 0; i < nv.n && !n->w->failure;) {
		size_t k = 1;
		while (i + k < nv.n &&
		       memcmp(&nv.events[i + k].key, &nv.events[i].key, sizeof nv.events[i].key) == 0)
			k++;
		fold_one_case(n, &nv.events[i], k, &cmp.cells);
		cases++;
		i += k;
	}
	settle_cells(&cmp.cells);
	if (!n->w->failure) {
		as_err err = store_each_cell(n->st, bytes_of(NULL, 0), compare_cell, &cmp);
		if (err == AS_OK && cmp.at != cmp.cells.n)
			broken(n->w, "4 cells", "%s keeps %zu cells, the naive fold gives %zu", n->name,
			       cmp.at, cmp.cells.n);
		check_balances(n, &cmp.cells);
		if (store_each_case(n->st, bytes_of(NULL, 0), count_case, &kept) != AS_OK || kept != cases)
			broken(n->w, "4 states", "%s keeps %zu cases, the naive fold gives %zu", n->name,
			       kept, cases);
	}
	n->w->cells += n->is_hq ? cmp.cells.n : 0;
	n->w->cases += n->is_hq ? cases : 0;
	for (size_t i = 0; i < nv.n; i++)
		free(nv.events[i].raw);
	free(nv.events);
	free(cmp.cells.d);
}

static int counted_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct counted));
}

/* 1: everything accepted is at head office exactly once. */
static void check_promises(struct world *w)
{
	qsort(counted, counted_n, sizeof counted[0], counted_cmp);
	for (size_t i = 0; i < w->accepted_n && !w->failure; i++) {
		struct counted want;
		memcpy(want.branch, w->accepted[i].branch, BRANCH_CODE_MAX);
		memcpy(want.id, w->accepted[i].event_id, 16);
		struct counted *at = bsearch(&want, counted, counted_n, sizeof want, counted_cmp);
		size_t times = 0;
		if (at) {
			while (at > counted && counted_cmp(at - 1, &want) == 0)
				at--;
			for (; at < counted + counted_n && counted_cmp(at, &want) == 0; at++)
				times++;
		}
		char hex[33];
		text_hex(want.id, 16, hex);
		if (times > 1)
			broken(w, "1 once", "%.8s %s counts %zu times at head office", want.branch, hex,
			       times);
		if (times == 0 && !w->accepted[i].may_be_lost)
			broken(w, "1 lost", "%.8s %s was accepted by %s and is not at head office",
			       want.branch, hex, w->nodes[w->accepted[i].node]->name);
		w->lost += times == 0;
	}
}

void check_rest(struct world *w)
{
	struct node *hq = hq_of(w);
	uint64_t out = hq->h.c.pool;

	counted_n = 0;
	for (size_t i = 0; i < w->nodes_n && !w->failure; i++) {
		struct node *n = w->nodes[i];
		struct as_errmsg em = {0};
		if (n->gone)
			continue;
		check_fold(n);
		as_err err = store_check(n->st, &em);
		if (err)
			broken(w, "4 check", "%s: %s: %s", n->name, as_err_text(err), em.text);
		for (size_t k = 0; k < SIM_SLOTS; k++)
			if (n->slots[k].used)
				broken(w, "9 bounds", "%s: slot %zu (%s %llu) was never given back", n->name,
				       k, log_name(&n->slots[k].log), (unsigned long long)n->slots[k].first);
		if (!n->is_hq && n->b.c.pool + n->b.s.granted - n->b.s.received != BRANCH_WINDOW)
			broken(w, "9 bounds", "%s: credit %llu of %u", n->name,
			       (unsigned long long)(n->b.c.pool + n->b.s.granted - n->b.s.received),
			       BRANCH_WINDOW);
	}
	check_promises(w);
	for (size_t i = 0; i < hq->h.sessions_n; i++)
		out += hq->h.sessions[i].granted - hq->h.sessions[i].received;
	if (!w->failure && out != SIM_POOL)
		broken(w, "9 bounds", "head office: credit %llu of %u", (unsigned long long)out, SIM_POOL);
	qsort(w->nonces, w->nonces_n, sizeof w->nonces[0], nonce_cmp);
	for (size_t i = 1; i < w->nonces_n; i++)
		if (memcmp(w->nonces[i - 1], w->nonces[i], 40) == 0)
			broken(w, "8 nonce", "a key and nonce were used twice");
}
