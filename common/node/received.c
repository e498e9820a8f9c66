#include "common/node/received.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/node/hash.h"
#include "common/wire/log_opened.h"

#define RECEIVED_KEEP 32 /* slots that keep the memory of the largest block they had */

/* ---- slots ----------------------------------------------------------------------------------------------- */

as_err received_init(struct received_table *t, uint32_t cap)
{
	*t = (struct received_table){.cap = cap};
	t->slots = calloc(cap, sizeof t->slots[0]);
	return t->slots ? AS_OK : AS_ENOMEM;
}

void received_done(struct received_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		buf_done(&t->slots[i]->block);
		block_opened_done(&t->slots[i]->opened);
		free(t->slots[i]->keys);
		free(t->slots[i]);
	}
	free(t->slots);
	*t = (struct received_table){0};
}

static struct received *slot_new(struct received_table *t)
{
	struct received *r;

	for (; t->first_free < t->n; t->first_free++)
		if (!t->slots[t->first_free]->used)
			return t->slots[t->first_free];
	if (t->n == t->cap || (r = calloc(1, sizeof *r)) == NULL)
		return NULL;
	buf_init(&r->block, BLOCK_BYTES_MAX);
	block_opened_init(&r->opened);
	r->slot = t->n;
	t->slots[t->n++] = r;
	return r;
}

struct received *received_at(struct received_table *t, uint32_t slot)
{
	return slot < t->n && t->slots[slot]->used ? t->slots[slot] : NULL;
}

static bool take_block(struct received_table *t, const uint8_t org[16], struct received *r, struct msg_block *b)
{
	struct block_view v;

	buf_reset(&r->block);
	if (buf_add(&r->block, b->block.p, b->block.n))
		return false;
	b->block = buf_bytes(&r->block);
	b->fault = (uint8_t)block_peek(b->block, org, &v);
	if (b->fault == REFUSE_NONE &&
	    (!log_id_equal(&v.h.log, &b->log) || v.h.first != b->first || v.h.count != b->count))
		b->fault = REFUSE_DAMAGED;
	r->log = b->log;
	r->first = b->first;
	r->count = b->count;
	b->slot = r->slot;
	t->bytes += r->block.n;
	return true;
}

static bool take_keys(struct received_table *t, struct received *r, struct msg_keys *k)
{
	size_t bytes = k->keys_n * sizeof r->keys[0];

	if (t->keys_bytes + bytes > RECEIVED_KEYS_BYTES || (r->keys = malloc(bytes)) == NULL)
		return false;
	t->keys_bytes += bytes;
	memcpy(r->keys, k->keys, k->keys_n * sizeof r->keys[0]);
	r->keys_n = k->keys_n;
	r->log = k->log;
	k->keys = r->keys;
	k->slot = r->slot;
	return true;
}

bool received_take(struct received_table *t, const uint8_t org[16], struct msg *m)
{
	struct received *r = slot_new(t);

	if (r == NULL)
		return false;
	r->done = false;
	if (m->type == MSG_BLOCK ? !take_block(t, org, r, &m->block) : !take_keys(t, r, &m->keys))
		return false;
	r->used = true;
	return true;
}

void received_free(struct received_table *t, uint32_t slot)
{
	struct received *r = received_at(t, slot);

	if (r == NULL)
		return;
	t->bytes -= r->block.n;
	t->opened_bytes -= r->opened_bytes;
	r->opened_bytes = 0;
	buf_reset(&r->block);
	if (slot >= RECEIVED_KEEP) { /* the first ones are used again soonest: only their memory is kept */
		buf_done(&r->block);
		buf_init(&r->block, BLOCK_BYTES_MAX);
		block_opened_done(&r->opened);
		block_opened_init(&r->opened);
	}
	t->keys_bytes -= r->keys_n * sizeof r->keys[0];
	free(r->keys);
	r->keys = NULL;
	r->keys_n = 0;
	r->used = false;
	if (slot < t->first_free)
		t->first_free = slot;
}

void received_opened(struct received_table *t, struct received *r)
{
	size_t now =
	    r->opened.plain.n + r->opened.events_n * (sizeof r->opened.events[0] + sizeof r->opened.leaves[0]);

	t->opened_bytes += now - r->opened_bytes;
	r->opened_bytes = now;
}

/* ---- tails ----------------------------------------------------------------------------------------------- */

#define TAILS_MAX 4096

struct verify_tail {
	uint8_t log[LOG_ID_BYTES];
	struct tree_frontier f;
	UT_hash_handle hh;
};

void verifier_init(struct verifier *vf, struct node *node)
{
	*vf = (struct verifier){.node = node};
}

static void tails_clear(struct verifier *vf)
{
	struct verify_tail *t, *next;

	HASH_ITER(hh, vf->tails, t, next)
	{
		HASH_DELETE(hh, vf->tails, t);
		free(t);
	}
	vf->tails_n = 0;
}

void verifier_done(struct verifier *vf)
{
	tails_clear(vf);
}

static struct verify_tail *tail_of(struct verifier *vf, const struct log_id *log, bool make)
{
	uint8_t key[LOG_ID_BYTES];
	struct verify_tail *t;

	log_id_put(log, key);
	HASH_FIND(hh, vf->tails, key, sizeof key, t);
	if (t || !make)
		return t;
	if (vf->tails_n >= TAILS_MAX)
		tails_clear(vf);
	t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	memcpy(t->log, key, sizeof key);
	HASH_ADD(hh, vf->tails, log, sizeof t->log, t);
	vf->tails_n++;
	return t;
}

void verifier_forget(struct verifier *vf, const struct log_id *log)
{
	struct verify_tail *t = tail_of(vf, log, false);

	if (t) {
		HASH_DELETE(hh, vf->tails, t);
		free(t);
		vf->tails_n--;
	}
	node_reader_forget(vf->node, log);
}

/* The frontier that a block at `first` continues. */
static bool frontier_at(struct verifier *vf, const struct received *r, struct tree_frontier *ret)
{
	struct verify_tail *t = tail_of(vf, &r->log, false);

	if (!r->fresh && t && t->f.size == r->first) {
		ret->size = t->f.size;
		tree_frontier_copy(ret, &t->f);
		return true;
	}
	if (r->first == 0) {
		tree_frontier_init(ret);
		return true;
	}
	return store_frontier(vf->node->st, &r->log, r->first, ret) == AS_OK;
}

static void tail_put(struct verifier *vf, const struct log_id *log, const struct tree_frontier *f)
{
	struct verify_tail *t = tail_of(vf, log, true);

	if (t) {
		t->f.size = f->size;
		tree_frontier_copy(&t->f, f);
	}
}

/* ---- whose log is it? ------------------------------------------------------------------------------------ */

#define AUTHORS_MAX 16

/* Public keys that may have signed this log by the roster, newest first. */
static size_t authors_of(const struct node *n, const struct log_id *log, const uint8_t *ret[AUTHORS_MAX])
{
	const struct roster *r = &n->roster;
	size_t count = 0;

	if (log_is_hq(log)) {
		const struct roster_instance *i = roster_instance_of(r, log->number);
		if (i)
			ret[count++] = i->key;
		else if (n->home->join.instance == log->number) /* from the join code */
			ret[count++] = n->home->join.instance_key;
		return count;
	}
	if (!n->home->is_hq && memcmp(log->branch, n->home->branch, BRANCH_CODE_MAX) == 0)
		ret[count++] = n->home->identity_public; /* a branch knows itself before the roster does */
	const struct roster_node *node = NULL;
	while (count < AUTHORS_MAX && (node = roster_node_before(r, log->branch, node)) != NULL)
		ret[count++] = node->identity;
	return count;
}

/* The author of a new instance's log to everybody: named by its first block, which only counts with a certificate. */
static bool author_certified(struct node *n, const struct block_view *v, struct block_opened *o, uint8_t ret[32])
{
	static const uint8_t nobody[32];
	struct block_reader r;
	struct roster_instance i;
	enum refuse_reason why;
	struct event ev;

	if (v->h.log.cls != LOG_HQ_ALL || v->h.first != 0)
		return false;
	block_reader_init(&r, n->home->org, &v->h.log, nobody);
	if (block_reopen(&n->io, v, &r, o, &why) != AS_OK)
		return false;
	for (uint32_t k = 0; k < o->events_n; k++)
		if (event_decode(o->events[k], &ev) == AS_OK &&
		    roster_certified(&ev, n->home->org, n->roster.root, &i) && i.number == v->h.log.number) {
			memcpy(ret, i.key, 32);
			return true;
		}
	return false;
}

/* ---- the checks ------------------------------------------------------------------------------------------ */

static uint8_t verify_evidence(struct node *n, const struct received *r, const struct block_view *v)
{
	const uint8_t *keys[AUTHORS_MAX];
	size_t keys_n = authors_of(n, &r->log, keys);

	for (size_t i = 0; i < keys_n; i++) {
		struct note_key k;
		checkpoint_log_key(&k, n->home->org, &r->log, keys[i]);
		if (note_verify(&v->note, &k, 1, NULL) == AS_OK)
			return REFUSE_NONE;
	}
	return REFUSE_SIGNATURE;
}

/* LOG_OPENED must name this log; what it says of a parent goes to the core. */
static bool opened_ok(struct received *r, struct log_opened *lo)
{
	struct event ev;

	if (event_decode(r->opened.events[0], &ev) != AS_OK || ev.kind != LOG_OPENED ||
	    log_opened_decode(ev.body, lo) != AS_OK || !log_id_equal(&lo->log, &r->log))
		return false;
	r->v.has_parent = lo->has_parent;
	r->v.parent = lo->parent;
	r->v.parent_head = lo->parent_head;
	return true;
}

static uint8_t verify_first(struct verifier *vf, struct received *r, const struct block_view *v, bool repair,
			    struct tree_frontier *f)
{
	struct node *n = vf->node;
	const uint8_t *keys[AUTHORS_MAX];
	size_t keys_n = authors_of(n, &r->log, keys);
	uint8_t certified[32], reason = REFUSE_SIGNATURE;

	if (keys_n == 0 && author_certified(n, v, &r->opened, certified))
		keys[keys_n++] = certified;
	for (size_t i = 0; i < keys_n; i++) {
		struct block_reader reader;
		struct log_opened lo;
		enum refuse_reason why = REFUSE_GAP; /* no memory: not judged, to be sent again */
		node_reader_make(n, &r->log, keys[i], &reader);
		tree_frontier_init(f);
		as_err err = block_open(&n->io, v, &reader, f, &r->opened, &why);
		if (err == AS_OK) {
			bool ok = opened_ok(r, &lo) && memcmp(lo.author, keys[i], 32) == 0;
			if (!repair)
				verifier_forget(vf, &r->log); /* it may have been begun anew */
			if (ok && node_reader_put(n, &r->log, &reader, lo.author))
				ok = false;
			block_reader_done(&reader);
			return ok ? REFUSE_NONE : REFUSE_DAMAGED;
		}
		block_reader_done(&reader);
		if (why != REFUSE_SIGNATURE)
			reason = (uint8_t)why;
	}
	return reason;
}

static uint8_t verify_next(struct verifier *vf, struct received *r, const struct block_view *v,
			   struct tree_frontier *f)
{
	struct node_reader *reader = node_reader_get(vf->node, &r->log);
	enum refuse_reason why = REFUSE_GAP; /* no memory: not judged, to be sent again */

	if (!frontier_at(vf, r, f))
		return REFUSE_GAP;
	if (reader == NULL)
		return REFUSE_CONTENT_KEY;
	as_err err = block_open(&vf->node->io, v, node_block_reader(reader), f, &r->opened, &why);
	return err ? (uint8_t)why : REFUSE_NONE;
}

/* Is its place taken? Then it was asked back, because what is stored there is damaged. */
static bool is_held(struct verifier *vf, const struct received *r)
{
	struct log_row row;

	return !r->fresh && store_log(vf->node->st, &r->log, &row) == AS_OK && r->first < row.head.size;
}

/*
 * A block that was asked back and of whose row nothing can be read: does what is held after it follow from
 * it? f: the frontier after it. A next one that cannot be read either has no say.
 */
static bool fits_next(struct verifier *vf, const struct received *r, const struct tree_frontier *f)
{
	struct node *n = vf->node;
	uint64_t end = r->first + r->count;
	struct block_meta m;
	struct tree_frontier g;
	struct log_row row;
	uint8_t root[32];

	if (!store_block_at(n->st, &r->log, r->first, &m) || !m.damaged)
		return true; /* its row has a check of it */
	if (m.first != r->first || m.count != r->count || store_log(n->st, &r->log, &row))
		return false;
	tree_root(f, root);
	if (end == row.head.size)
		return memcmp(root, row.head.root, sizeof root) == 0;
	if (store_block_read(n->st, &r->log, end, &m, &n->block) ||
	    node_block_open(n, &r->log, buf_bytes(&n->block), &n->opened))
		return true;
	g.size = f->size;
	tree_frontier_copy(&g, f);
	for (uint32_t i = 0; i < n->opened.events_n; i++)
		tree_push(&g, n->opened.leaves[i]);
	tree_root(&g, root);
	return memcmp(root, m.root, sizeof root) == 0;
}

void verify_received(struct verifier *vf, struct received *r)
{
	struct block_view v;
	struct tree_frontier f;

	r->v = (struct sync_verified){.slot = r->slot, .reason = REFUSE_DAMAGED};
	r->done = true;
	if (block_peek(buf_bytes(&r->block), vf->node->home->org, &v) != REFUSE_NONE)
		return;
	r->v.keys_upto = v.h.keys_upto;
	if (r->evidence) { /* the author's signature alone: root and size as its checkpoint says */
		r->v.reason = verify_evidence(vf->node, r, &v);
		r->v.head = v.head;
		return;
	}
	bool repair = is_held(vf, r);
	r->v.reason = r->first == 0 ? verify_first(vf, r, &v, repair, &f) : verify_next(vf, r, &v, &f);
	r->v.head = r->opened.head;
	if (r->v.reason == REFUSE_NONE && repair && !fits_next(vf, r, &f))
		r->v.reason = REFUSE_DAMAGED;
	if (r->v.reason || repair) /* what comes after the tail does not follow a block that was asked back */
		return;
	tail_put(vf, &r->log, &f);
	if (!vf->node->home->is_hq && r->log.cls == LOG_HQ_ALL)
		for (uint32_t i = 0; i < r->opened.events_n; i++) {
			struct event ev;
			if (event_decode(r->opened.events[i], &ev) == AS_OK &&
			    roster_fold(&vf->node->roster, &ev) != AS_OK)
				r->v.reason = REFUSE_DAMAGED;
		}
}
