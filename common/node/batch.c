#include "common/node/batch.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/date.h"
#include "common/ledger/kinds.h"

struct batch_chunk {
	struct batch_chunk *next;
	size_t n, cap;
	_Alignas(16) uint8_t p[];
};

#define CHUNK_BYTES (256u * 1024)

/* ---- memory and operations ------------------------------------------------------------------------------- */

void batch_init(struct batch *b, struct node *node)
{
	*b = (struct batch){.node = node};
}

static void chunks_free(struct batch *b, bool keep_one)
{
	struct batch_chunk *c = b->memory, *next;

	if (keep_one && c && c->cap == CHUNK_BYTES) {
		c = c->next;
		b->memory->next = NULL;
		b->memory->n = 0;
	} else {
		b->memory = NULL;
	}
	for (; c; c = next) {
		next = c->next;
		free(c);
	}
}

void batch_done(struct batch *b)
{
	chunks_free(b, false);
	free(b->ops);
	free(b->touched);
	*b = (struct batch){0};
}

void batch_begin(struct batch *b, int64_t now_utc_ms)
{
	chunks_free(b, true);
	b->n = 0;
	b->touched_n = 0;
	b->now = now_utc_ms;
}

void *batch_memory(struct batch *b, size_t n)
{
	size_t need = (n + 15) & ~(size_t)15;
	struct batch_chunk *c = b->memory;

	if (c == NULL || need > c->cap - c->n) {
		size_t cap = need > CHUNK_BYTES ? need : CHUNK_BYTES;
		c = malloc(sizeof *c + cap);
		if (c == NULL)
			return NULL;
		*c = (struct batch_chunk){.cap = cap};
		if (b->memory && need > CHUNK_BYTES / 2) { /* the one in use has room for what is smaller */
			c->next = b->memory->next;
			b->memory->next = c;
		} else {
			c->next = b->memory;
			b->memory = c;
		}
	}
	c->n += need;
	return c->p + c->n - need;
}

struct bytes batch_copy(struct batch *b, struct bytes s)
{
	void *p = batch_memory(b, s.n ? s.n : 1);

	if (p == NULL)
		return bytes_of(NULL, 0);
	if (s.n)
		memcpy(p, s.p, s.n);
	return bytes_of(p, s.n);
}

struct store_op *batch_op(struct batch *b, enum store_op_type type, const struct log_id *log)
{
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 64;
		struct store_op *ops = realloc(b->ops, cap * sizeof ops[0]);
		if (ops == NULL)
			return NULL;
		b->ops = ops;
		b->cap = cap;
	}
	struct store_op *o = &b->ops[b->n++];
	*o = (struct store_op){.type = type};
	if (log)
		o->log = *log;
	return o;
}

as_err batch_meta(struct batch *b, const char *name, struct bytes value)
{
	struct store_op *o = batch_op(b, STORE_META, NULL);
	struct bytes copy = batch_copy(b, value);

	if (o == NULL || copy.p == NULL)
		return AS_ENOMEM;
	o->meta.name = name;
	o->meta.value = copy;
	return AS_OK;
}

as_err batch_touch(struct batch *b, const struct log_id *log)
{
	for (size_t i = 0; i < b->touched_n; i++)
		if (log_id_equal(&b->touched[i], log))
			return AS_OK;
	if (b->touched_n == b->touched_cap) {
		size_t cap = b->touched_cap ? b->touched_cap * 2 : 8;
		struct log_id *t = realloc(b->touched, cap * sizeof t[0]);
		if (t == NULL)
			return AS_ENOMEM;
		b->touched = t;
		b->touched_cap = cap;
	}
	b->touched[b->touched_n++] = *log;
	return AS_OK;
}

as_err batch_commit(struct batch *b, struct as_errmsg *em)
{
	return store_commit(b->node->st, b->node->fence, b->ops, b->n, em);
}

/* ---- events of the node itself --------------------------------------------------------------------------- */

void batch_uuid7(int64_t utc_ms, uint8_t ret_id[16])
{
	as_random(ret_id, 16);
	for (int i = 0; i < 6; i++)
		ret_id[i] = (uint8_t)((uint64_t)utc_ms >> (40 - 8 * i));
	ret_id[6] = (uint8_t)(0x70 | (ret_id[6] & 0x0f));
	ret_id[8] = (uint8_t)(0x80 | (ret_id[8] & 0x3f));
}

as_err batch_system_event(struct batch *b, uint32_t kind, struct bytes body, struct bytes *ret_raw)
{
	const struct node_home *h = b->node->home;
	uint8_t id[16], salt[16], random[32];
	int32_t offset = tz_offset_min(&h->tz, b->now);
	struct event ev = {.kind = kind,
			   .business_date = date_local(b->now, offset),
			   .tz_offset_min = offset,
			   .occurred_at = b->now,
			   .recorded_at = b->now,
			   .post = POST_SYSTEM,
			   .body = body,
			   .event_id = bytes_of(id, sizeof id),
			   .salt = bytes_of(salt, sizeof salt)};
	size_t cap = body.n + 256, n = 0;
	uint8_t *raw = batch_memory(b, cap);
	as_err err;

	if (raw == NULL)
		return AS_ENOMEM;
	batch_uuid7(b->now, id);
	as_random(random, sizeof random);
	personal_salt(random, id, body, bytes_of(NULL, 0), salt);
	if ((err = event_encode(&ev, raw, cap, &n)))
		return err;
	*ret_raw = bytes_of(raw, n);
	return AS_OK;
}

/* ---- blocks ---------------------------------------------------------------------------------------------- */

void batch_author_done(struct batch_author *w)
{
	block_author_done(&w->a);
}

static void author_init(struct batch *b, const struct log_id *log, const uint8_t *content_key,
			struct batch_author *w)
{
	const struct node_home *h = b->node->home;

	block_author_init(&w->a, h->org, log, h->is_hq ? h->instance_secret : h->identity_secret,
			  log->cls == LOG_HQ_ALL ? NULL : content_key);
}

/* Public keys that the content key of this log is sealed to. */
static bool recipients_of(const struct node *n, const struct log_id *log, struct block_recipients *ret)
{
	const struct node_home *h = n->home;
	const struct roster_node *node;

	if (!h->is_hq) {
		const struct roster_instance *i =
		    n->roster.instances_n ? &n->roster.instances[n->roster.instances_n - 1] : NULL;
		memcpy(ret->hq, i ? i->recipient : h->join.recipient_key, 32);
		memcpy(ret->branch, h->recipient_public, 32);
		return true;
	}
	memcpy(ret->hq, h->recipient_public, 32);
	if ((node = roster_node_of(&n->roster, log->branch)) == NULL)
		return false;
	memcpy(ret->branch, node->recipient, 32);
	return true;
}

static as_err add_block(struct batch *b, struct batch_author *w, const struct bytes *events, size_t n,
			uint64_t keys_upto, const struct log_opened *lo)
{
	bool sealed = w->a.log.cls != LOG_HQ_ALL;
	struct block_recipients rcpt;
	uint8_t random[32];
	struct log_head head;
	uint64_t first = w->f.size;
	AS_AUTO(buf) struct buf block = {0};
	uint8_t(*leaves)[32] = batch_memory(b, n * 32);
	struct block_content c = {.events = events,
				  .events_n = n,
				  .keys_upto = sealed ? keys_upto : 0,
				  .random = random,
				  .ret_leaves = leaves};
	as_err err;

	if (leaves == NULL)
		return AS_ENOMEM;
	if (sealed && first == 0) {
		if (!recipients_of(b->node, &w->a.log, &rcpt))
			return AS_ENOTFOUND;
		c.recipients = &rcpt;
	}
	as_random(random, sizeof random);
	buf_init(&block, BLOCK_BYTES_MAX);
	if ((err = block_build(&b->node->io, &w->a, &w->f, &c, &block, &head)))
		return err;
	struct bytes copy = batch_copy(b, buf_bytes(&block));
	struct store_op *o = batch_op(b, STORE_BLOCK, &w->a.log);
	if (o == NULL || copy.p == NULL)
		return AS_ENOMEM;
	o->block.meta = (struct block_meta){
	    .first = first, .count = (uint32_t)n, .bytes = (uint32_t)copy.n, .keys_upto = c.keys_upto};
	memcpy(o->block.meta.root, head.root, 32);
	o->block.block = copy;
	o->block.events = events;
	o->block.leaves = (const uint8_t(*)[32])leaves;
	o->block.fold = true;
	if (lo && lo->has_parent) {
		o->block.has_parent = true;
		o->block.parent = lo->parent;
		o->block.parent_head = lo->parent_head;
	}
	return batch_touch(b, &w->a.log);
}

as_err batch_append(struct batch *b, struct batch_author *w, const struct bytes *events, size_t n,
		    uint64_t keys_upto)
{
	for (size_t at = 0; at < n;) {
		size_t m = 0, plain = 0;
		as_err err;
		while (at + m < n && m < BLOCK_EVENTS_MAX && plain < BLOCK_PLAIN_MAX)
			plain += BLOCK_PLAIN_OF(events[at + m++].n);
		if ((err = add_block(b, w, events + at, m, keys_upto, NULL)))
			return err;
		at += m;
	}
	return AS_OK;
}

as_err batch_author_open(struct batch *b, const struct log_id *log, struct batch_author *w)
{
	struct log_row row;
	struct node_reader *r = node_reader_get(b->node, log);
	as_err err;

	*w = (struct batch_author){0};
	if ((err = store_log(b->node->st, log, &row)))
		return err;
	if (r == NULL)
		return AS_ECORRUPT;
	author_init(b, log, node_block_reader(r)->content_key, w);
	return store_frontier(b->node->st, log, row.head.size, &w->f);
}

as_err batch_log_begin(struct batch *b, const struct log_opened *lo, const struct bytes *more, size_t more_n,
		       struct batch_author *w)
{
	AS_AUTO(as_secret) struct as_secret content = {0};
	uint8_t body[LOG_OPENED_MAX];
	struct bytes *events = batch_memory(b, (more_n + 1) * sizeof events[0]);
	as_err err;

	*w = (struct batch_author){0};
	if (events == NULL)
		return AS_ENOMEM;
	as_random(content.b, 32);
	author_init(b, &lo->log, content.b, w);
	if ((err = batch_system_event(b, LOG_OPENED, bytes_of(body, log_opened_encode(lo, body)), &events[0])))
		return err;
	for (size_t i = 0; i < more_n; i++)
		events[i + 1] = more[i];
	node_reader_forget(b->node, &lo->log);
	return add_block(b, w, events, more_n + 1, 0, lo);
}
