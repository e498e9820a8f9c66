#include "common/node/fork.h"

#include <stdlib.h>

#include "common/node/items.h"

/* ---- the order --------------------------------------------------------------------------------------------- */

as_err fork_order_make(struct branch_core *core, uint32_t number, const uint8_t inc[16], struct fork_order *ret)
{
	static const uint8_t classes[2] = {LOG_LIVE, LOG_BULK};
	struct sync_core *c = &core->c;

	*ret = (struct fork_order){.cuts = malloc((c->logs_n + 1) * sizeof ret->cuts[0])};
	if (ret->cuts == NULL)
		return AS_ENOMEM;
	for (size_t i = 0; i < c->logs_n; i++) {
		const struct sync_log *l = &c->logs[i];
		if (!log_is_hq(&l->row.id) && l->cut_to < l->row.head.size)
			ret->cuts[ret->cuts_n++] =
			    (struct fork_cut){.log = l->row.id, .cut_to = l->cut_to, .size = l->row.head.size};
	}
	for (int k = 0; k < 2; k++) {
		struct log_id *child = &ret->child[k];
		*child = (struct log_id){.cls = classes[k], .number = number};
		memcpy(child->branch, c->branch, BRANCH_CODE_MAX);
		memcpy(child->inc, inc, 16);
		ret->has_parent[k] = branch_core_parent(core, child, &ret->parent[k], &ret->parent_head[k]);
	}
	return AS_OK;
}

void fork_order_done(struct fork_order *o)
{
	free(o->cuts);
	*o = (struct fork_order){0};
}

/* ---- what was cut ------------------------------------------------------------------------------------------- */

struct tail {
	struct bytes *events;
	size_t n, cap;
};

static as_err tail_add(struct batch *b, struct tail *t, struct bytes raw)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 256;
		struct bytes *e = realloc(t->events, cap * sizeof e[0]);
		if (e == NULL)
			return AS_ENOMEM;
		t->events = e;
		t->cap = cap;
	}
	struct bytes copy = batch_copy(b, raw);
	if (copy.p == NULL)
		return AS_ENOMEM;
	t->events[t->n++] = copy;
	return AS_OK;
}

/* Every event of a log after its cut, without LOG_OPENED; a block that cannot be read is passed over and counted. */
static as_err take_tail(struct batch *b, struct fork_order *o, const struct fork_cut *cut, struct tail *t)
{
	struct node *n = b->node;
	struct block_meta m;

	for (uint64_t at = cut->cut_to; at < cut->size; at = m.first + m.count) {
		if (!store_block_at(n->st, &cut->log, at, &m)) {
			o->lost += cut->size - at;
			return AS_OK;
		}
		if (store_block_read(n->st, &cut->log, at, &m, &n->block) != AS_OK ||
		    node_block_open(n, &cut->log, buf_bytes(&n->block), &n->opened) != AS_OK) {
			o->lost += m.count;
			continue;
		}
		for (uint32_t i = m.first == 0 ? 1 : 0; i < n->opened.events_n; i++) {
			as_err err = tail_add(b, t, n->opened.events[i]);
			if (err)
				return err;
		}
	}
	return AS_OK;
}

/* Key changes after the keys_upto of what is left are numbered again from 1, for the child. */
static as_err take_keys(struct batch *b, const struct fork_cut *cut, struct store_key **keys, size_t *keys_n)
{
	struct node *n = b->node;
	struct log_id live = cut->log;
	struct log_row row;
	struct block_meta m;
	uint64_t after = 0;
	as_err err;

	if (cut->log.cls != LOG_LIVE)
		return AS_OK;
	if (cut->cut_to > 0 && store_block_at(n->st, &cut->log, cut->cut_to - 1, &m))
		after = m.keys_upto;
	if ((err = store_log(n->st, &live, &row)) || row.keys <= after)
		return err == AS_ENOTFOUND ? AS_OK : err;
	size_t want = (size_t)(row.keys - after), got = 0;
	struct store_key *more = realloc(*keys, (*keys_n + want) * sizeof more[0]);
	if (more == NULL)
		return AS_ENOMEM;
	*keys = more;
	while (got < want) {
		struct store_key part[KEYS_PER_MESSAGE_MAX];
		size_t k = 0;
		AS_AUTO(buf) struct buf memory = {0};
		buf_init(&memory, KEYS_PER_MESSAGE_MAX * STORE_WRAPPED_MAX);
		if ((err = store_keys(n->st, &live, after + got, part, KEYS_PER_MESSAGE_MAX, &memory, &k)) || k == 0)
			return err;
		for (size_t i = 0; i < k && got < want; i++, got++) {
			part[i].wrapped = batch_copy(b, part[i].wrapped);
			if (part[i].wrapped.p == NULL)
				return AS_ENOMEM;
			part[i].number = *keys_n + 1;
			more[(*keys_n)++] = part[i];
		}
	}
	return AS_OK;
}

/* ---- the commit --------------------------------------------------------------------------------------------- */

static as_err open_child(struct batch *b, const struct fork_order *o, int k, const struct tail *t,
			 const struct store_key *keys, size_t keys_n)
{
	struct log_opened lo = {.log = o->child[k],
				.has_parent = o->has_parent[k],
				.parent = o->parent[k],
				.parent_head = o->parent_head[k]};
	struct batch_author w = {0};
	as_err err;

	if (!lo.has_parent) {
		lo.parent = (struct log_id){0};
		lo.parent_head = (struct log_head){0};
	}
	memcpy(lo.author, b->node->home->identity_public, 32);
	err = batch_log_begin(b, &lo, NULL, 0, &w);
	if (err == AS_OK && k == 0 && keys_n > 0) {
		struct store_op *op = batch_op(b, STORE_KEYS, &lo.log);
		if (op == NULL) {
			err = AS_ENOMEM;
		} else {
			op->keys.keys = keys;
			op->keys.n = keys_n;
		}
	}
	if (err == AS_OK && t->n > 0)
		err = batch_append(b, &w, t->events, t->n, keys_n);
	batch_author_done(&w);
	return err;
}

as_err fork_to_batch(struct batch *b, struct fork_order *o)
{
	struct tail tails[2] = {{0}};
	struct store_key *keys = NULL;
	size_t keys_n = 0;
	uint8_t id[LOG_ID_BYTES];
	as_err err = AS_OK;

	for (size_t i = 0; err == AS_OK && i < o->cuts_n; i++) {
		err = take_tail(b, o, &o->cuts[i], &tails[o->cuts[i].log.cls == LOG_BULK]);
		if (err == AS_OK)
			err = take_keys(b, &o->cuts[i], &keys, &keys_n);
	}
	if (err == AS_OK && keys_n > 0) { /* they must live as long as the batch */
		struct bytes copy = batch_copy(b, bytes_of(keys, keys_n * sizeof keys[0]));
		free(keys);
		keys = (struct store_key *)(uintptr_t)copy.p;
		err = keys ? AS_OK : AS_ENOMEM;
	} else {
		free(keys);
		keys = NULL;
	}
	for (size_t i = o->cuts_n; err == AS_OK && i > 0; i--) {
		struct store_op *op = batch_op(b, STORE_CUT, &o->cuts[i - 1].log);
		if (op == NULL)
			err = AS_ENOMEM;
		else
			op->cut.size = o->cuts[i - 1].cut_to;
	}
	for (int k = 0; err == AS_OK && k < 2; k++)
		if (k == 0 || tails[1].n > 0) {
			struct bytes events = batch_copy(b, bytes_of(tails[k].events, tails[k].n * sizeof(struct bytes)));
			struct tail t = {.events = (struct bytes *)(uintptr_t)events.p, .n = tails[k].n};
			err = events.p ? open_child(b, o, k, &t, keys, keys_n) : AS_ENOMEM;
		}
	free(tails[0].events);
	free(tails[1].events);
	if (err)
		return err;
	log_id_put(&o->child[0], id);
	return batch_meta(b, META_OPEN, bytes_of(id, sizeof id));
}

/* ---- what hinders a fork ------------------------------------------------------------------------------------- */

struct damage {
	struct node *n;
	struct fork_damage *at;
	size_t count, cap;
};

static as_err look_for_damage(void *arg, const struct log_row *row)
{
	struct damage *d = arg;
	struct block_meta m;

	if (log_is_hq(&row->id))
		return AS_OK;
	for (uint64_t at = 0; at < row->head.size && d->count < d->cap; at = m.first + m.count) {
		if (!store_block_at(d->n->st, &row->id, at, &m))
			break; /* its meta is damaged: nobody can say where the next one begins */
		if (store_block_read(d->n->st, &row->id, at, &m, &d->n->block) == AS_ECORRUPT)
			d->at[d->count++] = (struct fork_damage){.log = row->id, .first = m.first};
	}
	return AS_OK;
}

size_t fork_damage(struct node *n, struct fork_damage *ret, size_t cap)
{
	struct damage d = {.n = n, .at = ret, .cap = cap};

	return store_each_log(n->st, look_for_damage, &d) == AS_OK ? d.count : 0;
}
